/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str - strings, string lists, bounded growing buffers, strict numbers.
 */
#ifndef PODIUM_BASE_STR_H
#define PODIUM_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/mem.h"

static inline bool is_empty(const char *s)
{
	return !s || !*s;
}
/* NULL equals only NULL. */
bool is_equal(const char *a, const char *b);
bool is_prefix(const char *s, const char *prefix);
bool is_suffix(const char *s, const char *suffix);

/* A growing buffer with a maximum; past it `overflow` is set and nothing more is appended.
 * The content is always NUL-terminated (data may be NULL while empty). */
struct buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max;
	bool overflow;
};
#define BUF_INIT(max_bytes) ((struct buf){ .max = (max_bytes) })
void buf_add(struct buf *b, const void *data, size_t len);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) printf_like(2, 3);
/* Returns the content as a string that the caller owns ("" when empty) and resets the buffer. */
char *buf_steal(struct buf *b);
void buf_done(struct buf *b);
#define cleanup_buf cleanup(buf_done)

/* A list of strings: v is NULL-terminated when n > 0, owned by the list. */
struct strlist {
	char **v;
	size_t n;
};
void strlist_add(struct strlist *l, const char *s);       /* copies */
void strlist_take(struct strlist *l, char *s);            /* takes ownership */
void strlist_addf(struct strlist *l, const char *fmt, ...) printf_like(2, 3);
void strlist_copy(struct strlist *dst, const struct strlist *src); /* dst must be empty */
bool strlist_has(const struct strlist *l, const char *s);
void strlist_done(struct strlist *l);
#define cleanup_strlist cleanup(strlist_done)

/* Ordered string pairs (labels, annotations). Keys are unique; pair_set replaces. */
struct strpair {
	char *key;
	char *value;
};
struct pairlist {
	struct strpair *v;
	size_t n;
};
void pairlist_set(struct pairlist *l, const char *key, const char *value);
const char *pairlist_get(const struct pairlist *l, const char *key); /* NULL when absent */
void pairlist_copy(struct pairlist *dst, const struct pairlist *src);
void pairlist_done(struct pairlist *l);

/* Strict decimal numbers: the whole string, no sign (i64: one '-'), no space, range checked.
 * Return 0 or -EINVAL / -ERANGE; *ret is untouched on failure. */
int parse_u64(const char *s, uint64_t max, uint64_t *ret) must_check;
int parse_i64(const char *s, int64_t min, int64_t max, int64_t *ret) must_check;

/* Writes 2*n lower-case hex digits and NUL to out. */
void hex_encode(char *out, const void *data, size_t n);
/* A new random id: 64 lower-case hex digits (out holds 65 bytes). Aborts when getrandom(2) fails. */
void id_new(char out[65]);
bool is_id(const char *s); /* exactly 64 lower-case hex digits */

/* Length of the valid UTF-8 sequence at p (1..4) with its code point, or 0. left is at least 1. */
size_t str_utf8_at(const unsigned char *p, size_t left, uint32_t *ret_cp);

/* Copies untrusted text for a terminal: C0 (but \n \t), DEL, C1, invalid UTF-8, bidi controls and
 * line separators become visible escapes. The caller owns the result. */
char *str_printable(const char *s, size_t len);

#endif
