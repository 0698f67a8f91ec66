/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str - strings, lists, bounded buffers, strict numbers, ids, printable text.
 *
 * Theory of operation: pure functions on the caller's memory, no locale, no global state. Numbers
 * are parsed digit by digit because strtol accepts what no record or manifest may contain (leading
 * space, sign, trailing junk). Buffers carry their maximum so that hostile input cannot grow them.
 */
#include "engine/base/str.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

bool is_equal(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a, b) == 0;
}

bool is_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool is_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s);
	size_t m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

/* ---- buffers ---------------------------------------------------------------------------- */

void buf_add(struct buf *b, const void *data, size_t len)
{
	size_t want;

	if (b->overflow || len > b->max || b->len > b->max - len) {
		b->overflow = true;
		return;
	}
	want = b->len + len + 1;
	if (want > b->cap) {
		size_t cap = b->cap ? b->cap : 256;

		while (cap < want)
			cap *= 2;
		b->data = xreallocarray(b->data, cap, 1);
		b->cap = cap;
	}
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	char small[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->overflow = true;
	} else if ((size_t)n < sizeof(small)) {
		buf_add(b, small, (size_t)n);
	} else {
		cleanup_free char *big = xmalloc((size_t)n + 1);

		va_start(ap, fmt);
		(void)vsnprintf(big, (size_t)n + 1, fmt, ap);
		va_end(ap);
		buf_add(b, big, (size_t)n);
	}
}

char *buf_steal(struct buf *b)
{
	char *p = b->data ? b->data : xstrdup("");

	b->data = NULL;
	b->len = b->cap = 0;
	return p;
}

void buf_done(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
}

/* ---- lists ------------------------------------------------------------------------------ */

void strlist_take(struct strlist *l, char *s)
{
	l->v = xreallocarray(l->v, l->n + 2, sizeof(*l->v));
	l->v[l->n++] = s;
	l->v[l->n] = NULL;
}

void strlist_add(struct strlist *l, const char *s)
{
	strlist_take(l, xstrdup(s));
}

void strlist_addf(struct strlist *l, const char *fmt, ...)
{
	char *p = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&p, fmt, ap) < 0)
		p = NULL;
	va_end(ap);
	strlist_take(l, p ? p : xstrdup(""));
}

void strlist_copy(struct strlist *dst, const struct strlist *src)
{
	for (size_t i = 0; i < src->n; i++)
		strlist_add(dst, src->v[i]);
}

bool strlist_has(const struct strlist *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], s) == 0)
			return true;
	return false;
}

void strlist_done(struct strlist *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	l->v = NULL;
	l->n = 0;
}

void pairlist_set(struct pairlist *l, const char *key, const char *value)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->v[i].key, key) == 0) {
			char *copy = xstrdup(value);

			free(l->v[i].value);
			l->v[i].value = copy;
			return;
		}
	}
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n].key = xstrdup(key);
	l->v[l->n].value = xstrdup(value);
	l->n++;
}

const char *pairlist_get(const struct pairlist *l, const char *key)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].key, key) == 0)
			return l->v[i].value;
	return NULL;
}

void pairlist_copy(struct pairlist *dst, const struct pairlist *src)
{
	bool fresh = dst->n == 0; /* then no key has to be looked for */

	if (fresh && src->n)
		dst->v = xreallocarray(dst->v, src->n, sizeof(*dst->v));
	for (size_t i = 0; i < src->n; i++) {
		if (fresh)
			dst->v[dst->n++] = (struct strpair){ xstrdup(src->v[i].key),
							     xstrdup_or_null(src->v[i].value) };
		else
			pairlist_set(dst, src->v[i].key, src->v[i].value);
	}
}

void pairlist_done(struct pairlist *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].key);
		free(l->v[i].value);
	}
	free(l->v);
	l->v = NULL;
	l->n = 0;
}

/* ---- numbers and ids -------------------------------------------------------------------- */

int parse_u64(const char *s, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;

	if (is_empty(s))
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(n, (uint64_t)10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
			return -ERANGE;
	}
	if (n > max)
		return -ERANGE;
	*ret = n;
	return 0;
}

int parse_i64(const char *s, int64_t min, int64_t max, int64_t *ret)
{
	bool negative = s && *s == '-';
	uint64_t n = 0;
	int64_t v;
	int r = parse_u64(negative ? s + 1 : s, (uint64_t)INT64_MAX + (negative ? 1 : 0), &n);

	if (r < 0)
		return r;
	v = negative ? (int64_t)(0 - n) : (int64_t)n;
	if (v < min || v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

void hex_encode(char *out, const void *data, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = data;

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * n] = '\0';
}

void id_new(char out[65])
{
	unsigned char raw[32];
	bool all_digits;

	do {
		if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
			abort();
		hex_encode(out, raw, sizeof(raw));
		/* A short id of digits alone reads as a number in YAML and in scripts. */
		all_digits = strspn(out, "0123456789") >= 12;
	} while (all_digits);
}

bool is_id(const char *s)
{
	return s && strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

/* ---- text for terminals ----------------------------------------------------------------- */

size_t str_utf8_at(const unsigned char *p, size_t left, uint32_t *ret_cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = *p < 0x80		     ? 1
		   : *p >= 0xf0 && *p < 0xf5 ? 4
		   : *p >= 0xe0		     ? 3
		   : *p >= 0xc2		     ? 2
					     : 0;
	uint32_t cp;

	if (*p >= 0xf5 || n == 0 || n > left)
		return 0;
	cp = n == 1 ? *p : *p & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (p[i] & 0x3f);
	}
	if (cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*ret_cp = cp;
	return n;
}

static bool is_terminal_safe(uint32_t cp)
{
	if (cp == '\n' || cp == '\t')
		return true;
	if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
		return false;
	if (cp == 0x061c || (cp >= 0x200b && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e))
		return false;
	return !((cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff);
}

char *str_printable(const char *s, size_t len)
{
	cleanup_buf struct buf b = BUF_INIT(SIZE_MAX / 2);
	const unsigned char *p = (const unsigned char *)s;

	for (size_t i = 0; i < len;) {
		uint32_t cp = 0;
		size_t n = str_utf8_at(p + i, len - i, &cp);

		if (n == 0) {
			buf_printf(&b, "\\x%02x", p[i]);
			i++;
			continue;
		}
		if (is_terminal_safe(cp))
			buf_add(&b, p + i, n);
		else if (cp < 0x80)
			buf_printf(&b, "\\x%02x", (unsigned int)cp);
		else
			buf_printf(&b, "\\u%04x", (unsigned int)cp);
		i += n;
	}
	return buf_steal(&b);
}
