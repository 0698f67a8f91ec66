/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest - the one type for content addresses: SHA-256, as bytes, checked once at the door.
 *
 * A digest string from outside is used for nothing before digest_parse() took it; file names, URLs
 * and records are made from the bytes again. Links nothing but libc (hashing is in sha256.h).
 */
#ifndef PODIUM_IMAGE_DIGEST_H
#define PODIUM_IMAGE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

#define DIGEST_BYTES   32
#define DIGEST_HEX_LEN 64
#define DIGEST_STR_LEN (sizeof("sha256:") - 1 + DIGEST_HEX_LEN)

struct digest {
	unsigned char bytes[DIGEST_BYTES];
};

/* Takes exactly "sha256:" and 64 lower-case hex digits. -EINVAL. */
int digest_parse(const char *text, struct digest *ret, struct error *err) must_check;
/* Takes exactly 64 lower-case hex digits. -EINVAL. */
int digest_parse_hex(const char *hex, struct digest *ret, struct error *err) must_check;
/* Writes 64 hex digits and NUL. Returns out. */
char *digest_hex(const struct digest *d, char out[DIGEST_HEX_LEN + 1]);
bool is_digest_equal(const struct digest *a, const struct digest *b);

#endif
