/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64 - the standard alphabet with padding: YAML's !!binary, Kubernetes' bytes, HTTP's Basic.
 */
#ifndef PODIUM_BASE_BASE64_H
#define PODIUM_BASE_BASE64_H

#include <stddef.h>

#include <errno.h>

#include "engine/base/error.h"

/* The caller's. */
char *base64_encode(const void *data, size_t len);

/* Decodes into out, which has room for len bytes; line breaks and spaces are skipped. -EINVAL when
 * it is not base64. */
int base64_decode(const char *text, size_t len, char *out, size_t *ret_len) must_check;

#endif
