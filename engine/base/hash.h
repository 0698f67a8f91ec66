/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash - SHA-256 (FIPS 180-4) of small things, for the programs that link no OpenSSL: names of cache
 * entries. What is large or comes from a registry is hashed by engine/image/sha256.h.
 */
#ifndef PODIUM_BASE_HASH_H
#define PODIUM_BASE_HASH_H

#include <stddef.h>

#define HASH_SHA256_HEX 65 /* with NUL */

/* The digest as lower-case hex digits. */
void hash_sha256(const void *data, size_t len, char ret_hex[HASH_SHA256_HEX]);

#endif
