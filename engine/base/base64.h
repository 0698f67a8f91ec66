/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64 - RFC 4648 with padding, strictly: no blanks, no bytes behind the end, no loose bits.
 */
#ifndef PODIUM_BASE_BASE64_H
#define PODIUM_BASE_BASE64_H

#include <stddef.h>

#include "engine/base/error.h"

/* The caller's, NUL-terminated. */
char *base64_encode(const void *data, size_t len);

/* *ret is the caller's and NUL-terminated, which *ret_len does not count. -EINVAL. */
int base64_decode(const char *text, size_t len, char **ret, size_t *ret_len) must_check;

#endif
