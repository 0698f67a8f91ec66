/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containerfile - lines: directives, comments, continuations, heredocs.
 *
 * Theory of operation: the text is walked once by physical lines.
 *
 *	directives	"# escape=`" and their like, in comments at the very top; the first line that
 *			is none ends them
 *	logical line	a line that ends in the escape character goes on in the next one; comments
 *			and empty lines between are left out, blanks in front of the others stay
 *	heredocs	a word <<NAME in RUN, COPY or ADD takes the lines that follow the logical one,
 *			until a line that is NAME; several follow each other in order
 *
 * Each logical line goes to instruction.c. The first mistake ends the reading, with file and line.
 * The text must be UTF-8 without NUL: it becomes JSON in the image's history.
 *
 * "# syntax=" names another program that would read the file. For Docker's own front end that is this
 * language; any other one is refused, since what it reads might look the same and mean something else.
 */
#include "engine/build/containerfile.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "engine/base/json.h"
#include "engine/build/internal.h"

struct source {
	const char *p;
	const char *end;
	unsigned line; /* of the last line that was taken */
	char escape;
};

void instruction_done(struct instruction *i)
{
	free(i->original);
	free(i->args);
	strlist_done(&i->flags);
	strlist_done(&i->words);
	for (size_t k = 0; k < i->heredocs.n; k++) {
		free(i->heredocs.v[k].name);
		free(i->heredocs.v[k].content);
	}
	free(i->heredocs.v);
	*i = (struct instruction){ .original = NULL };
}

void containerfile_done(struct containerfile *f)
{
	for (size_t i = 0; i < f->n; i++)
		instruction_done(&f->v[i]);
	free(f->v);
	free(f->name);
	*f = (struct containerfile){ .name = NULL };
}

const char *instruction_flag(const struct instruction *i, const char *name)
{
	size_t len = strlen(name);

	for (size_t k = i->flags.n; k-- > 0;) {
		const char *flag = i->flags.v[k];

		if (strncmp(flag, name, len) == 0 && (flag[len] == '=' || !flag[len]))
			return flag + len + (flag[len] == '=');
	}
	return NULL;
}

/* ---- physical lines --------------------------------------------------------------------- */

/* The next line without its end; false at the end of the text. */
static bool take_line(struct source *s, const char **ret, size_t *ret_len)
{
	const char *nl;

	if (s->p >= s->end)
		return false;
	nl = memchr(s->p, '\n', (size_t)(s->end - s->p));
	*ret = s->p;
	*ret_len = (size_t)((nl ? nl : s->end) - s->p);
	s->p = nl ? nl + 1 : s->end;
	s->line++;
	if (*ret_len && (*ret)[*ret_len - 1] == '\r')
		--*ret_len;
	return true;
}

static void trim_left(const char **p, size_t *len)
{
	while (*len && is_blank(**p)) {
		++*p;
		--*len;
	}
}

static void trim_right(const char *p, size_t *len)
{
	while (*len && is_blank(p[*len - 1]))
		--*len;
}

/* Whether the line goes on; *len is then shortened to what is before the escape character. */
static bool has_continuation(const struct source *s, const char *p, size_t *len)
{
	size_t n = *len;

	trim_right(p, &n);
	if (!n || p[n - 1] != s->escape || (n > 1 && p[n - 2] == s->escape))
		return false;
	*len = n - 1;
	return true;
}

/* ---- directives ------------------------------------------------------------------------- */

static bool is_known_syntax(const char *value)
{
	static const char *const known[] = { "docker/dockerfile", "docker.io/docker/dockerfile",
					     "docker/dockerfile-upstream",
					     "docker.io/docker/dockerfile-upstream" };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		size_t len = strlen(known[i]);

		if (strncmp(value, known[i], len) == 0 && (!value[len] || strchr(":@", value[len])))
			return true;
	}
	return false;
}

static int apply_directive(struct source *s, const char *key, const char *value, unsigned *seen,
			   struct error *err)
{
	static const char *const keys[] = { "escape", "syntax", "check" };
	size_t k = 0;

	while (k < ARRAY_SIZE(keys) && strcasecmp(key, keys[k]) != 0)
		k++;
	if (k == ARRAY_SIZE(keys))
		return 1; /* a comment like any other */
	if (*seen & (1U << k))
		return error_set(err, EINVAL, "directive '%s' is there twice", keys[k]);
	*seen |= 1U << k;
	if (k == 0 && !is_equal(value, "\\") && !is_equal(value, "`"))
		return error_set(err, EINVAL, "escape is '\\' or '`', not '%.20s'", value);
	if (k == 0)
		s->escape = value[0];
	if (k == 1 && !is_known_syntax(value))
		return error_set(
			err, EOPNOTSUPP,
			"syntax '%.100s': no other front end than Dockerfile's own is here", value);
	return 0;
}

/* "# key = value"; 1: it is none. */
static int parse_directive(struct source *s, const char *p, size_t len, unsigned *seen,
			   struct error *err)
{
	cleanup_free char *line = NULL;
	cleanup_free char *key = NULL;
	char *equals;
	size_t n;

	trim_left(&p, &len);
	trim_right(p, &len);
	if (!len || *p != '#')
		return 1;
	p++;
	len--;
	trim_left(&p, &len);
	line = xstrndup(p, len);
	n = strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
	key = xstrndup(line, n);
	equals = line + n + strspn(line + n, " \t");
	if (!n || *equals != '=')
		return 1;
	return apply_directive(s, key, equals + 1 + strspn(equals + 1, " \t"), seen, err);
}

static int take_directives(struct source *s, struct error *err)
{
	unsigned seen = 0;

	for (;;) {
		struct source before = *s;
		const char *p;
		size_t len;
		int r = take_line(s, &p, &len) ? parse_directive(s, p, len, &seen, err) : 1;

		if (r < 0)
			return r;
		if (r > 0) {
			*s = before;
			return 0;
		}
	}
}

/* ---- logical lines ---------------------------------------------------------------------- */

/* Joins a logical line; 0: the text has ended. *ret_line is where it began. */
static int take_logical(struct source *s, struct buf *out, unsigned *ret_line)
{
	bool is_going_on = false;
	const char *p;
	size_t len;

	while (take_line(s, &p, &len)) {
		const char *text = p;
		size_t n = len;

		trim_left(&text, &n);
		if (!n || *text == '#')
			continue;
		if (!is_going_on) {
			*ret_line = s->line;
			p = text;
			len = n;
		}
		is_going_on = has_continuation(s, p, &len);
		buf_add(out, p, len);
		if (!is_going_on)
			return 1;
	}
	return out->len > 0;
}

static int take_content(struct source *s, struct heredoc *h, bool strips, struct error *err)
{
	struct buf out = BUF_INIT(CONTAINERFILE_BYTES_MAX);
	unsigned line = s->line;
	size_t name_len = strlen(h->name), len;
	const char *p;

	while (take_line(s, &p, &len)) {
		while (strips && len && *p == '\t') {
			p++;
			len--;
		}
		if (len == name_len && memcmp(p, h->name, len) == 0) {
			h->content = buf_steal(&out);
			return 0;
		}
		buf_add(&out, p, len);
		buf_addc(&out, '\n');
	}
	buf_done(&out);
	s->line = line;
	return error_set(err, EINVAL, "heredoc '%.100s' has no end", h->name);
}

static int take_heredoc(struct source *s, struct instruction *i, const char *word,
			struct error *err)
{
	struct heredoc h = { .name = NULL };
	bool strips = false;

	if (!instruction_heredoc(word, &h, &strips))
		return 0;
	if (i->heredocs.n == CONTAINERFILE_HEREDOCS_MAX) {
		free(h.name);
		return error_set(err, E2BIG, "more than %d heredocs", CONTAINERFILE_HEREDOCS_MAX);
	}
	i->heredocs.v = xreallocarray(i->heredocs.v, i->heredocs.n + 1, sizeof(h));
	i->heredocs.v[i->heredocs.n++] = h;
	return take_content(s, &i->heredocs.v[i->heredocs.n - 1], strips, err);
}

static int take_heredocs(struct source *s, struct instruction *i, struct error *err)
{
	cleanup_strlist struct strlist words = { .v = NULL };
	struct error scratch; /* a quote that is not closed is for the shell to complain about */
	int r = 0;

	if (i->is_json || !strstr(i->args, "<<"))
		return 0;
	if (i->kind != INSTRUCTION_RUN && i->kind != INSTRUCTION_COPY &&
	    i->kind != INSTRUCTION_ADD && i->kind != INSTRUCTION_ONBUILD)
		return 0;
	if (containerfile_split(i->args, s->escape, &words, &scratch) < 0)
		return 0;
	for (size_t k = 0; r == 0 && k < words.n; k++)
		r = take_heredoc(s, i, words.v[k], err);
	if (r == 0 && i->heredocs.n && i->kind == INSTRUCTION_ONBUILD)
		return error_set(err, EOPNOTSUPP, "ONBUILD cannot hold a heredoc");
	return r;
}

static int take_instruction(struct source *s, struct instruction *ret, struct error *err)
{
	cleanup_buf struct buf line = BUF_INIT(CONTAINERFILE_BYTES_MAX);
	unsigned at = s->line;
	int r = take_logical(s, &line, &at);

	if (r == 0)
		return 0;
	ret->line = at;
	r = instruction_parse(line.data ? line.data : "", s->escape, ret, err);
	if (r == 0) {
		ret->line = at;
		r = take_heredocs(s, ret, err);
	}
	return r < 0 ? r : 1;
}

static int check_text(const char *text, size_t len, struct error *err)
{
	unsigned line = 1;

	if (len > CONTAINERFILE_BYTES_MAX)
		return error_set(err, E2BIG, "is larger than %d bytes", CONTAINERFILE_BYTES_MAX);
	for (const char *p = text; p < text + len;) {
		const char *nl = memchr(p, '\n', (size_t)(text + len - p));
		size_t n = (size_t)((nl ? nl : text + len) - p);
		json_t *j = memchr(p, '\0', n) ? NULL : json_stringn(p, n);

		if (!j)
			return error_set(err, EINVAL, "line %u is not UTF-8 text", line);
		json_decref(j);
		p += n + 1;
		line++;
	}
	return 0;
}

int containerfile_parse(const char *text, size_t len, const char *what, struct containerfile *ret,
			struct error *err)
{
	struct source s = { .p = text, .end = text + len, .escape = '\\' };
	struct containerfile f = { .name = xstrdup(what) };
	int r = check_text(text, len, err);

	if (r < 0) {
		containerfile_done(&f);
		return error_wrap(err, "%.200s", what);
	}
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		s.p += 3;
	r = take_directives(&s, err);
	if (r < 0)
		r = error_wrap(err, "%.200s:%u", what, s.line);
	while (r >= 0) {
		struct instruction i = { .line = 0 };

		r = take_instruction(&s, &i, err);
		if (r > 0 && f.n == CONTAINERFILE_INSTRUCTIONS_MAX)
			r = error_set(err, E2BIG, "more than %d instructions",
				      CONTAINERFILE_INSTRUCTIONS_MAX);
		if (r <= 0) {
			if (r < 0)
				r = error_wrap(err, "%.200s:%u", what, i.line ? i.line : s.line);
			instruction_done(&i);
			break;
		}
		f.v = xreallocarray(f.v, f.n + 1, sizeof(i));
		f.v[f.n++] = i;
	}
	f.escape = s.escape;
	if (r < 0)
		containerfile_done(&f);
	else
		*ret = f;
	return r;
}
