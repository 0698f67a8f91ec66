/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_detachkeys - keys, a newline, and what is typed in pieces: the session ends where the keys stand
 * for the first time, whatever the pieces are; until then every byte comes through or is kept back.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/podium/base/detachkeys.h"
#include "engine/base/mem.h"
#include "tests/fuzz/fuzz.h"

#define TYPED_MAX 4096

/* Feeds pieces of 1 to 7 bytes; how many came out. */
static size_t type(struct detach_keys *k, const char *in, size_t len, char *out, bool *ret_detached)
{
	size_t n = 0, piece;

	*ret_detached = false;
	for (size_t at = 0; at < len && !*ret_detached; at += piece) {
		piece = 1 + (unsigned char)in[at] % 7;
		piece = piece < len - at ? piece : len - at;
		n += detach_keys_filter(k, in + at, piece, out + n, ret_detached);
	}
	return n;
}

static void check(struct detach_keys *k, const char *in, size_t len)
{
	char out[TYPED_MAX + DETACH_KEYS_MAX];
	const char *where = k->n ? memmem(in, len, k->keys, k->n) : NULL;
	bool detached;
	size_t n = type(k, in, len, out, &detached);

	if (detached != (where != NULL))
		abort();
	if (n != (where ? (size_t)(where - in) : len - k->matched) || memcmp(out, in, n) != 0)
		abort();
	if (!where && memcmp(in + n, k->keys, k->matched) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *end = size ? memchr(text, '\n', size) : NULL;
	cleanup_free char *words = xstrndup(text, end ? (size_t)(end - text) : size);
	size_t rest = end ? size - (size_t)(end + 1 - text) : 0;
	struct detach_keys keys;
	struct error err;

	if (detach_keys_parse(words, &keys, &err) == 0 && rest > 0)
		check(&keys, end + 1, rest < TYPED_MAX ? rest : TYPED_MAX);
	return 0;
}
