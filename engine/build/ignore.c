/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ignore - the patterns of .containerignore and .dockerignore.
 *
 * Theory of operation: each line becomes a cleaned pattern and an automaton (glob.h). A path is held
 * against all of them in order; the last that matches it or one of the directories above it decides.
 *
 * An ignored directory is left out whole only when no pattern with '!' can mean anything below it:
 * the text of such a pattern before its first sign of its own is compared with the directory. A
 * doubt means that the directory is walked, which costs time and changes nothing.
 */
#include "engine/build/ignore.h"

#include <errno.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/build/glob.h"

struct pattern {
	struct glob *glob;
	char *text; /* cleaned */
	bool takes_back;
};
struct ignore {
	struct pattern *v;
	size_t n;
};

void ignore_free(struct ignore *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n; i++) {
		glob_free(g->v[i].glob);
		free(g->v[i].text);
	}
	free(g->v);
	free(g);
}

/* Without empty, "." and resolvable ".." components; a slash in front is dropped. */
static char *clean(const char *p)
{
	struct buf b = BUF_INIT(GLOB_BYTES_MAX + 2);
	size_t fixed = 0; /* what ".." cannot take away */

	while (*p) {
		size_t len = strcspn(p, "/");

		if (len == 2 && p[0] == '.' && p[1] == '.' && b.len > fixed) {
			while (b.len > fixed && b.data[b.len - 1] != '/')
				b.len--;
			if (b.len > fixed)
				b.len--;
			b.data[b.len] = '\0';
		} else if (len && !(len == 1 && p[0] == '.')) {
			if (b.len)
				buf_addc(&b, '/');
			buf_add(&b, p, len);
			if (len == 2 && p[0] == '.' && p[1] == '.')
				fixed = b.len;
		}
		p += len + (p[len] == '/');
	}
	return buf_steal(&b);
}

static char *trim(char *s)
{
	size_t len;

	s += strspn(s, " \t\r\v\f");
	len = strlen(s);
	while (len && strchr(" \t\r\v\f", s[len - 1]))
		s[--len] = '\0';
	return s;
}

static int add_line(struct ignore *g, char *line, struct error *err)
{
	struct pattern p = { .glob = NULL };
	char *s = trim(line);

	if (!*s)
		return 0;
	p.takes_back = *s == '!';
	s = p.takes_back ? trim(s + 1) : s;
	if (!*s)
		return error_set(err, EINVAL, "'!' without a pattern");
	if (strlen(s) > GLOB_BYTES_MAX)
		return error_set(err, E2BIG, "pattern is longer than %d bytes", GLOB_BYTES_MAX);
	if (g->n == IGNORE_PATTERNS_MAX)
		return error_set(err, E2BIG, "more than %d patterns", IGNORE_PATTERNS_MAX);
	p.text = clean(s);
	if (!*p.text) { /* "." and "/" say nothing */
		free(p.text);
		return 0;
	}
	p.glob = glob_new(p.text, true);
	if (!p.glob) {
		cleanup_free char *shown = str_printable(s, strnlen(s, 100));

		free(p.text);
		return error_set(err, EINVAL, "'%s' is no pattern", shown);
	}
	g->v = xreallocarray(g->v, g->n + 1, sizeof(p));
	g->v[g->n++] = p;
	return 0;
}

int ignore_parse(const char *text, size_t len, const char *what, struct ignore **ret,
		 struct error *err)
{
	struct ignore *g = xcalloc(1, sizeof(*g));
	const char *end = text + len, *nl;
	unsigned line = 0;
	int r = 0;

	if (len > IGNORE_BYTES_MAX)
		r = error_set(err, E2BIG, "%.200s is larger than %d bytes", what, IGNORE_BYTES_MAX);
	if (r == 0 && len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	for (; r == 0 && text < end; text = nl ? nl + 1 : end) {
		cleanup_free char *copy = NULL;

		nl = memchr(text, '\n', (size_t)(end - text));
		copy = xstrndup(text, (size_t)((nl ? nl : end) - text));
		line++;
		if (*copy != '#')
			r = add_line(g, copy, err);
		if (r < 0)
			r = error_wrap(err, "%.200s:%u", what, line);
	}
	if (r < 0) {
		ignore_free(g);
		return r;
	}
	*ret = g;
	return 0;
}

bool is_ignored(const struct ignore *g, const char *path)
{
	if (!g || !*path)
		return false;
	for (size_t i = g->n; i-- > 0;)
		if (is_glob_match_above(g->v[i].glob, path))
			return !g->v[i].takes_back;
	return false;
}

/* Whether a pattern could match something below the directory. */
static bool may_match_below(const char *pattern, const char *dir)
{
	size_t fixed = strcspn(pattern, "*?[\\"), len = strlen(dir);
	size_t both = fixed < len ? fixed : len;

	if (strncmp(pattern, dir, both) != 0)
		return false;
	if (fixed < len) /* a sign comes: anything may follow. None: it is above the directory */
		return pattern[fixed] || dir[fixed] == '/';
	return fixed == len ? true : pattern[len] == '/';
}

bool can_skip_below(const struct ignore *g, const char *dir)
{
	if (!is_ignored(g, dir))
		return false;
	for (size_t i = 0; i < g->n; i++)
		if (g->v[i].takes_back && may_match_below(g->v[i].text, dir))
			return false;
	return true;
}
