/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sha256 - hashing by OpenSSL's EVP (SHA-NI where the processor has it). podium-image only.
 */
#ifndef PODIUM_IMAGE_SHA256_H
#define PODIUM_IMAGE_SHA256_H

#include <stddef.h>

#include "engine/base/mem.h"
#include "engine/image/digest.h"

struct sha256; /* a running hash */

/* A new hash, freed by sha256_free(). Aborts when the library cannot make one. */
struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *h, const void *data, size_t len);
/* The digest of what was added; the hash must not be added to afterwards. */
void sha256_end(struct sha256 *h, struct digest *ret);
void sha256_free(struct sha256 *h);
static inline void sha256_free_fn(struct sha256 **h)
{
	sha256_free(*h);
}
#define cleanup_sha256 cleanup(sha256_free_fn)

/* One buffer at once. */
void sha256_of(const void *data, size_t len, struct digest *ret);

#endif
