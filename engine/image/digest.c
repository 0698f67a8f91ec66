/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest - content addresses as bytes.
 *
 * Theory of operation: a digest string is attacker's text until it has passed digest_parse(), which
 * accepts one algorithm, one length and one case. What the rest of the code handles afterwards are
 * 32 bytes; paths are written from these bytes, so no text of an image ever becomes a path
 * component (CVE-2024-3727 in other engines was exactly that). sha512 and other algorithms are
 * refused by name: nothing in the store could be addressed by them.
 */
#include "engine/image/digest.h"

#include "engine/base/seams.h"
#include "engine/base/str.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int digest_parse_hex(const char *hex, struct digest *ret, struct error *err)
{
	struct digest d;

	if (!hex || strnlen(hex, DIGEST_HEX_LEN + 1) != DIGEST_HEX_LEN)
		return error_set(err, EINVAL, "digest is not 64 hex digits");
	for (size_t i = 0; i < DIGEST_BYTES; i++) {
		int high = hex_value(hex[2 * i]), low = hex_value(hex[2 * i + 1]);

		if ((high < 0 || low < 0) && !WEAKEN("REG-6"))
			return error_set(err, EINVAL, "digest is not 64 lower-case hex digits");
		d.bytes[i] = (unsigned char)(high * 16 + low);
	}
	*ret = d;
	return 0;
}

int digest_parse(const char *text, struct digest *ret, struct error *err)
{
	if (!text || !is_prefix(text, "sha256:"))
		return error_set(err, EINVAL, "digest does not begin with 'sha256:'");
	return digest_parse_hex(text + sizeof("sha256:") - 1, ret, err);
}

char *digest_hex(const struct digest *d, char out[DIGEST_HEX_LEN + 1])
{
	hex_encode(out, d->bytes, DIGEST_BYTES);
	return out;
}

bool is_digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, DIGEST_BYTES) == 0;
}
