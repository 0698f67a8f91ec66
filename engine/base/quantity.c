/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quantity - Kubernetes' numbers with units.
 *
 * Theory of operation: a quantity is [+-]digits[.digits] with a suffix: none, n u m k M G T P E
 * (powers of ten), Ki Mi Gi Ti Pi Ei (powers of two), or e/E with a decimal exponent. Its value is
 * kept in billionths, rounded up, which is what the API server keeps. The digits are gathered in a
 * small fixed-size big number, multiplied by the power of two, then moved by the power of ten; when
 * digits fall off on the right, anything but zero among them rounds up. So no floating point is
 * involved and "0.1" is exact.
 *
 * Kubernetes' own rules followed here: `k` is a thousand and `K` alone is nothing; `E` alone is
 * 10^18 while `E3` is an exponent; ".5" and "5." are numbers, "." is not; "0.1m" of memory is one
 * byte; a value with a binary suffix is capped at 2^63-1; others beyond are refused.
 *
 * Limits: QUANTITY_MAX_LENGTH characters; exponents of at most 3 digits; BIG_LIMBS words of 32
 * bits hold 10^128 * 2^60 * 10^MAX_SHIFT, past which a number is out of range anyway.
 */
#include "engine/base/quantity.h"

#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"

#define BIG_LIMBS 32
#define MAX_SHIFT 40 /* decimal places a value in range can need on the left */
#define NANO	  1000000000U

/* Limbs from n on are zero. */
struct big {
	uint32_t limb[BIG_LIMBS];
	size_t n;
};

static void big_mul_add(struct big *b, uint32_t factor, uint32_t plus)
{
	uint64_t carry = plus;

	for (size_t i = 0; i < b->n; i++) {
		carry += (uint64_t)b->limb[i] * factor;
		b->limb[i] = (uint32_t)carry;
		carry >>= 32;
	}
	if (carry && b->n < BIG_LIMBS)
		b->limb[b->n++] = (uint32_t)carry;
}

static uint32_t big_div(struct big *b, uint32_t by)
{
	uint64_t rest = 0;

	for (size_t i = b->n; i-- > 0;) {
		rest = rest << 32 | b->limb[i];
		b->limb[i] = (uint32_t)(rest / by);
		rest %= by;
	}
	return (uint32_t)rest;
}

static bool big_is_zero(const struct big *b)
{
	for (size_t i = 0; i < b->n; i++) {
		if (b->limb[i])
			return false;
	}
	return true;
}

/* False when it needs more than 127 bits. */
static bool big_value(const struct big *b, unsigned __int128 *ret)
{
	for (size_t i = 4; i < b->n; i++) {
		if (b->limb[i])
			return false;
	}
	*ret = 0;
	for (size_t i = 4; i-- > 0;)
		*ret = *ret << 32 | b->limb[i];
	return !(b->limb[3] >> 31);
}

struct suffix {
	int ten; /* power of ten */
	int two; /* power of two */
};

static bool parse_exponent(const char *s, int *ret)
{
	bool negative = *s == '-';
	int value = 0, digits = 0;

	if (*s == '-' || *s == '+')
		s++;
	for (; *s >= '0' && *s <= '9'; s++, digits++)
		value = value < 1000 ? value * 10 + (*s - '0') : value;
	if (*s || !digits)
		return false;
	*ret = negative ? -value : value;
	return true;
}

static bool parse_suffix(const char *s, struct suffix *ret)
{
	static const struct {
		const char *text;
		struct suffix value;
	} known[] = {
		{ "", { 0, 0 } },    { "n", { -9, 0 } },  { "u", { -6, 0 } },  { "m", { -3, 0 } },
		{ "k", { 3, 0 } },   { "M", { 6, 0 } },	  { "G", { 9, 0 } },   { "T", { 12, 0 } },
		{ "P", { 15, 0 } },  { "E", { 18, 0 } },  { "Ki", { 0, 10 } }, { "Mi", { 0, 20 } },
		{ "Gi", { 0, 30 } }, { "Ti", { 0, 40 } }, { "Pi", { 0, 50 } }, { "Ei", { 0, 60 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcmp(s, known[i].text) == 0) {
			*ret = known[i].value;
			return true;
		}
	}
	ret->two = 0;
	return (*s == 'e' || *s == 'E') && parse_exponent(s + 1, &ret->ten);
}

/* Moves the decimal point to billionths. False when far out of range. */
static bool scale(struct big *b, int ten)
{
	bool lost = false;

	if (big_is_zero(b))
		return true;
	if (ten > MAX_SHIFT)
		return false;
	for (; ten > 0; ten--)
		big_mul_add(b, 10, 0);
	for (; ten < 0 && !big_is_zero(b); ten++)
		lost |= big_div(b, 10) != 0;
	if (lost)
		big_mul_add(b, 1, 1);
	return true;
}

/* The digits before the suffix; *ret_places counts those behind the point. NULL when none. */
static const char *parse_number(const char *s, struct big *b, int *ret_places)
{
	bool point = false;
	int digits = 0;

	*ret_places = 0;
	for (;; s++) {
		if (*s == '.' && !point) {
			point = true;
			continue;
		}
		if (*s < '0' || *s > '9')
			break;
		big_mul_add(b, 10, (uint32_t)(*s - '0'));
		digits++;
		*ret_places += point;
	}
	return digits ? s : NULL;
}

int quantity_parse(const char *text, struct quantity *ret, struct error *err)
{
	const unsigned __int128 most = (unsigned __int128)INT64_MAX * NANO;
	struct quantity q = { 0 };
	struct suffix suffix;
	struct big b = { 0 };
	const char *s = text;
	int places;

	if (strlen(text) > QUANTITY_MAX_LENGTH)
		return error_set(err, EINVAL, "a quantity has at most %d characters",
				 QUANTITY_MAX_LENGTH);
	q.negative = *s == '-';
	if (*s == '-' || *s == '+')
		s++;
	s = parse_number(s, &b, &places);
	if (!s || !parse_suffix(s, &suffix))
		return error_set(err, EINVAL,
				 "'%.40s' is not a quantity (a number, then m, k, M, G, T, P, E, "
				 "Ki, Mi, Gi, Ti, Pi, Ei or nothing)",
				 text);
	for (int i = 0; i < suffix.two; i++)
		big_mul_add(&b, 2, 0);
	if (!scale(&b, suffix.ten - places + 9) || !big_value(&b, &q.nano) || q.nano > most) {
		if (!suffix.two)
			return error_set(err, ERANGE, "'%.40s' is larger than 2^63-1", text);
		q.nano = most;
	}
	if (!q.nano)
		q.negative = false;
	*ret = q;
	return 0;
}

static int divide_up(const struct quantity *q, uint32_t by, int64_t *ret, struct error *err)
{
	unsigned __int128 value = q->nano / by + (q->nano % by != 0);

	if (value > (unsigned __int128)INT64_MAX)
		return error_set(err, ERANGE, "the quantity is too large");
	*ret = q->negative ? -(int64_t)value : (int64_t)value;
	return 0;
}

int quantity_units(const struct quantity *q, int64_t *ret, struct error *err)
{
	return divide_up(q, NANO, ret, err);
}

int quantity_milli(const struct quantity *q, int64_t *ret, struct error *err)
{
	return divide_up(q, NANO / 1000, ret, err);
}

int quantity_compare(const struct quantity *a, const struct quantity *b)
{
	if (a->negative != b->negative)
		return a->negative ? -1 : 1;
	if (a->nano == b->nano)
		return 0;
	return (a->nano < b->nano) != a->negative ? -1 : 1;
}

static char *format_by(int64_t value, int64_t step, const char *const *suffixes, size_t n)
{
	size_t at = 0;

	while (value && at + 1 < n && value % step == 0) {
		value /= step;
		at++;
	}
	return xasprintf("%lld%s", (long long)value, suffixes[at]);
}

char *quantity_format_bytes(int64_t bytes)
{
	static const char *const two[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei" };
	static const char *const ten[] = { "", "k", "M", "G", "T", "P", "E" };

	if (bytes % 1024 == 0)
		return format_by(bytes, 1024, two, ARRAY_SIZE(two));
	return format_by(bytes, 1000, ten, ARRAY_SIZE(ten));
}

char *quantity_format_milli(int64_t milli)
{
	if (milli % 1000)
		return xasprintf("%lldm", (long long)milli);
	return xasprintf("%lld", (long long)(milli / 1000));
}

int quantity_parse_size(const char *text, int64_t *ret)
{
	static const char units[] = "bkmgtp";
	size_t len = strlen(text);
	const char *unit = len > 1 ? strchr(units, text[len - 1] | 0x20) : NULL;
	cleanup_free char *digits = xstrndup(text, unit ? len - 1 : len);
	unsigned int shift = unit ? 10 * (unsigned int)(unit - units) : 0;
	char *point = strchr(digits, '.');
	int64_t whole, part = 0, scale = 1;

	if (point) {
		*point++ = '\0';
		if (!unit || strlen(point) > 3 || parse_i64(point, 0, 999, &part) < 0)
			return -EINVAL;
		for (size_t i = 0; point[i]; i++)
			scale *= 10;
	}
	if (parse_i64(digits, 0, (INT64_MAX >> shift) - 1, &whole) < 0)
		return -EINVAL;
	*ret = (whole << shift) + (int64_t)(((__int128)part << shift) / scale);
	return 0;
}
