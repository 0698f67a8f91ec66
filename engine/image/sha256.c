/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sha256 - the running hash behind every digest check.
 *
 * Theory of operation: a thin wrapper of EVP_MD_CTX, so that only this file knows OpenSSL. The
 * library can fail only for lack of memory or a broken installation; neither leaves anything
 * sensible to do with unverified bytes, so failure aborts in one place, as xmalloc() does. EVP
 * fetches its implementation when the first hash is made: a process that is about to be confined
 * makes its hashes first. Every byte of a layer passes here twice (blob, then tar), which is why
 * the library is not a portable C loop (1050 against 125 MB/s).
 */
#include "engine/image/sha256.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

#include "engine/base/mem.h"

struct sha256 {
	EVP_MD_CTX *ctx;
};

struct sha256 *sha256_new(void)
{
	struct sha256 *h = xcalloc(1, sizeof(*h));
	bool ok;

	h->ctx = EVP_MD_CTX_new();
	ok = h->ctx && EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) == 1;
	assert(ok);
	return h;
}

void sha256_add(struct sha256 *h, const void *data, size_t len)
{
	int ok = EVP_DigestUpdate(h->ctx, data, len);

	assert(ok == 1);
}

void sha256_end(struct sha256 *h, struct digest *ret)
{
	unsigned int len = 0;
	unsigned char out[EVP_MAX_MD_SIZE];

	int ok = EVP_DigestFinal_ex(h->ctx, out, &len);

	assert(ok == 1 && len == DIGEST_BYTES);
	memcpy(ret->bytes, out, DIGEST_BYTES);
}

void sha256_free(struct sha256 *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

void sha256_of(const void *data, size_t len, struct digest *ret)
{
	cleanup_sha256 struct sha256 *h = sha256_new();

	sha256_add(h, data, len);
	sha256_end(h, ret);
}
