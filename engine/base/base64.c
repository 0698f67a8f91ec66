/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64 - four characters for three bytes.
 *
 * Theory of operation: groups of four, the last one padded with '='. One text has one meaning: bits
 * that padding leaves over must be zero, so that no two texts give the same bytes.
 */
#include "engine/base/base64.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/mem.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const void *data, size_t len)
{
	const unsigned char *p = data;
	char *out = xmalloc((len + 2) / 3 * 4 + 1), *o = out;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t v = (uint32_t)p[i] << 16 | (uint32_t)(n > 1 ? p[i + 1] : 0) << 8 |
			     (n > 2 ? p[i + 2] : 0);

		*o++ = alphabet[v >> 18];
		*o++ = alphabet[v >> 12 & 63];
		*o++ = n > 1 ? alphabet[v >> 6 & 63] : '=';
		*o++ = n > 2 ? alphabet[v & 63] : '=';
	}
	*o = '\0';
	return out;
}

/* One group into v; how many bytes it holds (1 to 3), 0 when it is none. */
static size_t decode_group(const char *p, bool is_last, uint32_t *ret)
{
	size_t bytes = !is_last || p[3] != '=' ? 3 : p[2] != '=' ? 2 : 1;
	uint32_t v = 0;

	for (size_t i = 0; i < 4; i++) {
		const char *at = p[i] ? strchr(alphabet, p[i]) : NULL;

		if (i <= bytes && !at)
			return 0;
		v = v << 6 | (i <= bytes ? (uint32_t)(at - alphabet) : 0);
	}
	if ((bytes == 2 && (v & 0xff)) || (bytes == 1 && (v & 0xffff)))
		return 0;
	*ret = v;
	return bytes;
}

int base64_decode(const char *text, size_t len, char **ret, size_t *ret_len)
{
	char *out = xmalloc(len / 4 * 3 + 1);
	size_t n = 0;

	for (size_t i = 0; len % 4 == 0 && i < len; i += 4) {
		uint32_t v = 0;
		size_t bytes = decode_group(text + i, i + 4 == len, &v);

		if (!bytes) {
			len = 1; /* no multiple of four: refused below */
			break;
		}
		for (size_t k = 0; k < bytes; k++)
			out[n++] = (char)(v >> (16 - 8 * k) & 0xff);
	}
	if (len % 4) {
		explicit_bzero(out, n);
		free(out);
		return -EINVAL;
	}
	out[n] = '\0';
	*ret = out;
	*ret_len = n;
	return 0;
}
