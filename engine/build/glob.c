/* SPDX-License-Identifier: Apache-2.0 */
/*
 * glob - patterns as a small automaton that is walked in all its states at once.
 *
 * Theory of operation: a pattern becomes a row of tokens; a state is the place of a token. For each
 * character of the name every state that is on moves on, so that no pattern, however many stars it
 * has, takes more than tokens times characters: the patterns come with a context that anybody may
 * have written.
 *
 *	c		that character		?	any but '/'
 *	[a-z] [^a-z]	one of a set, never '/' for the negated one
 *	*		any but '/', any number
 *	**		with_dirs: at the end everything, else "(.*" "/)?": two tokens, the first is
 *			the way around, the second stays until a '/'
 *
 * Characters are code points; a byte that is no UTF-8 is a character of its own.
 */
#include "engine/build/glob.h"

#include <stdint.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/build/ignore.h"

enum token_kind {
	TOKEN_CHAR,
	TOKEN_ANY,
	TOKEN_SET,
	TOKEN_STAR,
	TOKEN_DIRS,
	TOKEN_INSIDE,
	TOKEN_REST
};

struct range {
	uint32_t low, high;
};
struct token {
	enum token_kind kind;
	uint32_t c;
	struct range *ranges;
	size_t n_ranges;
	bool is_negated;
};
struct glob {
	struct token *v;
	size_t n;
};

/* One code point; a stray byte is itself. */
static uint32_t take_rune(const char **p)
{
	const unsigned char *s = (const unsigned char *)*p;
	unsigned more = s[0] >= 0xf0 && s[0] < 0xf8 ? 3 : s[0] >= 0xe0 ? 2 : s[0] >= 0xc0 ? 1 : 0;
	uint32_t c = s[0];

	if (s[0] >= 0xf8 || s[0] < 0xc0)
		more = 0;
	if (more)
		c = s[0] & (0x3fU >> more);
	for (unsigned i = 1; i <= more; i++) {
		if ((s[i] & 0xc0) != 0x80) {
			++*p;
			return s[0];
		}
		c = c << 6 | (s[i] & 0x3f);
	}
	*p += more + 1;
	return c;
}

void glob_free(struct glob *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n; i++)
		free(g->v[i].ranges);
	free(g->v);
	free(g);
}

static struct token *add(struct glob *g, enum token_kind kind)
{
	struct token *t;

	g->v = xreallocarray(g->v, g->n + 1, sizeof(*g->v));
	t = &g->v[g->n++];
	*t = (struct token){ .kind = kind };
	return t;
}

/* One end of a range; an escaped character is itself. */
static int take_end(const char **p, uint32_t *ret)
{
	if (**p == '\\')
		++*p;
	else if (**p == '-' || **p == ']')
		return -EINVAL;
	if (!**p)
		return -EINVAL;
	*ret = take_rune(p);
	return 0;
}

/* "[...]" from behind the '['. */
static int add_set(struct glob *g, const char **p)
{
	struct token *t = add(g, TOKEN_SET);

	t->is_negated = **p == '^';
	*p += t->is_negated;
	do {
		struct range r;

		if (take_end(p, &r.low) < 0)
			return -EINVAL;
		r.high = r.low;
		if (**p == '-') {
			++*p;
			if (take_end(p, &r.high) < 0)
				return -EINVAL;
		}
		t->ranges = xreallocarray(t->ranges, t->n_ranges + 1, sizeof(r));
		t->ranges[t->n_ranges++] = r;
	} while (**p && **p != ']');
	if (!**p)
		return -EINVAL;
	++*p;
	return 0;
}

static void add_stars(struct glob *g, const char **p, bool with_dirs)
{
	++*p;
	if (!with_dirs || **p != '*') {
		(void)add(g, TOKEN_STAR);
		return;
	}
	++*p;
	*p += **p == '/';
	if (!**p) {
		(void)add(g, TOKEN_REST);
	} else {
		(void)add(g, TOKEN_DIRS);
		(void)add(g, TOKEN_INSIDE);
	}
}

static int compile(struct glob *g, const char *p, bool with_dirs)
{
	while (*p) {
		int r = 0;

		if (*p == '*') {
			add_stars(g, &p, with_dirs);
		} else if (*p == '?') {
			p++;
			(void)add(g, TOKEN_ANY);
		} else if (*p == '[') {
			p++;
			r = add_set(g, &p);
		} else {
			p += *p == '\\';
			if (!*p)
				return -EINVAL;
			add(g, TOKEN_CHAR)->c = take_rune(&p);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

struct glob *glob_new(const char *pattern, bool with_dirs)
{
	struct glob *g = xcalloc(1, sizeof(*g));

	if (strlen(pattern) > GLOB_BYTES_MAX || compile(g, pattern, with_dirs) < 0) {
		glob_free(g);
		return NULL;
	}
	return g;
}

static bool is_in_set(const struct token *t, uint32_t c)
{
	bool found = false;

	for (size_t i = 0; i < t->n_ranges; i++)
		found |= c >= t->ranges[i].low && c <= t->ranges[i].high;
	return found != t->is_negated && (c != '/' || found);
}

/* Turns a state on, and those that are reached from it without a character. */
static void enter(const struct glob *g, bool *on, size_t at)
{
	for (; at < g->n && !on[at]; at++) {
		on[at] = true;
		if (g->v[at].kind == TOKEN_DIRS) {
			on[at + 1] = true;
			at++; /* and around it */
		} else if (g->v[at].kind != TOKEN_STAR && g->v[at].kind != TOKEN_REST) {
			return;
		}
	}
	if (at == g->n)
		on[at] = true;
}

static void step(const struct glob *g, size_t at, uint32_t c, bool *next)
{
	const struct token *t = &g->v[at];

	switch (t->kind) {
	case TOKEN_CHAR:
		if (t->c == c)
			enter(g, next, at + 1);
		break;
	case TOKEN_ANY:
		if (c != '/')
			enter(g, next, at + 1);
		break;
	case TOKEN_SET:
		if (is_in_set(t, c))
			enter(g, next, at + 1);
		break;
	case TOKEN_STAR:
		if (c != '/')
			enter(g, next, at);
		break;
	case TOKEN_REST:
		enter(g, next, at);
		break;
	case TOKEN_DIRS:
		break; /* its second half moves */
	case TOKEN_INSIDE:
		next[at] = true;
		if (c == '/')
			enter(g, next, at + 1);
		break;
	}
}

/* One character; false: no state is on any more. */
static bool step_all(const struct glob *g, uint32_t c, const bool *on, bool *next)
{
	bool any = false;

	memset(next, 0, (g->n + 1) * sizeof(*next));
	for (size_t i = 0; i < g->n; i++)
		if (on[i]) {
			step(g, i, c, next);
			any = true;
		}
	return any;
}

/* with_above: a directory above the name will do as well. */
static bool match(const struct glob *g, const char *name, bool with_above)
{
	bool *on = xcalloc(g->n + 1, sizeof(*on)), *next = xcalloc(g->n + 1, sizeof(*on));
	bool is_match = false, any = true;

	enter(g, on, 0);
	while (*name && any && !is_match) {
		bool *swap = on;

		is_match = with_above && *name == '/' && on[g->n];
		any = step_all(g, take_rune(&name), on, next);
		on = next;
		next = swap;
	}
	is_match |= any && on[g->n];
	free(on);
	free(next);
	return is_match;
}

bool is_glob_match(const struct glob *g, const char *name)
{
	return match(g, name, false);
}

bool is_glob_match_above(const struct glob *g, const char *path)
{
	return match(g, path, true);
}

int glob_match(const char *pattern, const char *name)
{
	struct glob *g = glob_new(pattern, false);
	bool is_match;

	if (!g)
		return -EINVAL;
	is_match = is_glob_match(g, name);
	glob_free(g);
	return is_match;
}
