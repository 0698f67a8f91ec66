/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64 - the standard alphabet with padding.
 *
 * Theory of operation: characters are gathered six bits at a time; each full byte is written. White
 * space is skipped, since YAML folds long base64 over lines. Padding ends the text: after it only
 * white space may come. A text whose length in characters does not come out at a multiple of four
 * is refused, and so are bits that would be lost (a last character with low bits set), because two
 * different texts must not mean the same bytes.
 *
 * Decoding does not allocate; there are no limits of its own: the reader bounds the text.
 */
#include "engine/base/base64.h"

#include <ctype.h>
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

int base64_decode(const char *text, size_t len, char *out, size_t *ret_len)
{
	size_t chars = 0, pad = 0, n = 0;
	uint32_t bits = 0;
	int held = 0;

	for (size_t i = 0; i < len; i++) {
		const char *at;

		if (isspace((unsigned char)text[i]))
			continue;
		chars++;
		if (text[i] == '=') {
			pad++;
			continue;
		}
		at = text[i] ? strchr(alphabet, text[i]) : NULL;
		if (!at || pad)
			return -EINVAL;
		bits = (bits << 6 | (uint32_t)(at - alphabet)) & 0xffffff;
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[n++] = (char)(bits >> held);
		}
	}
	if (chars % 4 || pad > 2 || (bits & ((1U << held) - 1)))
		return -EINVAL;
	*ret_len = n;
	return 0;
}
