/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expand - a recursive reader of one word, with the quoting of a Containerfile.
 *
 * Theory of operation: one pass, character by character, into a bounded buffer. The word behind
 * ${NAME:- is read by the same function with '}' as its end, so quotes and variables nest; the depth
 * is bounded. A branch that is not taken is read all the same, without output, so that its end is
 * found by the same rules.
 *
 * Splitting (EXPOSE) happens while the output grows: a blank outside quotes ends a word, also one
 * that came out of a variable; a quoted empty text is a word.
 *
 * What a build makes of variables in all is limited: a small file could ask for any amount of memory.
 *
 * Within double quotes the escape character takes the meaning of '"', '$' and itself alone, before
 * any other character it stays, as in a shell.
 */
#include "engine/build/expand.h"

#include <errno.h>
#include <string.h>

#include "engine/base/seams.h"

struct reader {
	const struct expand *x;
	const char *p;
	struct buf out;
	struct strlist *words; /* NULL: one word */
	bool in_word;
	unsigned depth;
	unsigned muted; /* > 0: in a branch that is not taken */
};

static void emit(struct reader *r, char c, bool is_quoted)
{
	if (r->muted)
		return;
	if (r->words && !is_quoted && (c == ' ' || c == '\t' || c == '\n')) {
		if (r->in_word)
			strlist_take(r->words, buf_steal(&r->out));
		r->out.max = EXPAND_BYTES_MAX;
		r->in_word = false;
		return;
	}
	r->in_word = true;
	buf_addc(&r->out, c);
}

static void emit_text(struct reader *r, const char *s, bool is_quoted)
{
	for (; *s && !r->out.overflow; s++)
		emit(r, *s, is_quoted);
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* The name of a variable: a word, one digit, or one of the shell's own signs, which are never set. */
static char *take_name(struct reader *r)
{
	const char *start = r->p;

	if ((*start >= '0' && *start <= '9') || (*start && strchr("@*#?-!", *start))) {
		r->p++;
		return xstrndup(start, 1);
	}
	while (is_name_char(*r->p))
		r->p++;
	return xstrndup(start, (size_t)(r->p - start));
}

static int take_until(struct reader *r, char end, bool is_quoted, struct error *err);

/* The word behind ${NAME:-; is_taken: it becomes output. */
static int take_branch(struct reader *r, bool is_taken, bool is_quoted, struct error *err)
{
	int e;

	if (++r->depth > EXPAND_DEPTH_MAX)
		return error_set(err, E2BIG, "variables nest deeper than %d", EXPAND_DEPTH_MAX);
	r->muted += !is_taken;
	e = take_until(r, '}', is_quoted, err);
	r->muted -= !is_taken;
	r->depth--;
	return e;
}

/* ${NAME?text}: the text is the reason of the failure. */
static int take_demand(struct reader *r, const char *name, bool is_there, bool is_quoted,
		       struct error *err)
{
	struct reader reason = *r;
	int e;

	if (is_there || r->muted)
		return take_branch(r, false, is_quoted, err);
	reason.out = BUF_INIT(200);
	reason.words = NULL;
	e = take_branch(&reason, true, true, err);
	if (e == 0)
		e = error_set(err, EINVAL, "variable '%.100s': %s", name,
			      reason.out.len ? reason.out.data : "is not set");
	buf_done(&reason.out);
	return e;
}

/* What follows the name in ${NAME...}, up to and with the '}'. */
static int take_modifier(struct reader *r, const char *name, bool is_quoted, struct error *err)
{
	const char *value = r->muted ? NULL : r->x->lookup(r->x->arg, name);
	cleanup_free char *kept = xstrdup_or_null(value);
	bool has_colon = *r->p == ':', is_there;
	char op;

	if (*r->p == '}') {
		r->p++;
		emit_text(r, kept ? kept : "", is_quoted);
		return 0;
	}
	r->p += has_colon;
	op = *r->p;
	if (!op)
		return error_set(err, EINVAL, "'${' without its '}'");
	if (!strchr("-+?", op))
		return error_set(err, EOPNOTSUPP,
				 "'${%.100s%s%c': only :- - :+ + :? and ? can follow a name", name,
				 has_colon ? ":" : "", op >= ' ' && op < 0x7f ? op : '.');
	r->p++;
	is_there = kept && (!has_colon || *kept);
	if (op == '?') {
		if (is_there)
			emit_text(r, kept, is_quoted);
		return take_demand(r, name, is_there, is_quoted, err);
	}
	if (op == '-' && is_there)
		emit_text(r, kept, is_quoted);
	return take_branch(r, (op == '-') != is_there, is_quoted, err);
}

static int take_variable(struct reader *r, bool is_quoted, struct error *err)
{
	cleanup_free char *name = NULL;
	const char *value;
	bool has_brace = r->p[1] == '{';

	r->p += has_brace ? 2 : 1;
	name = take_name(r);
	if (has_brace && !*name)
		return error_set(err, EINVAL, "'${' without the name of a variable");
	if (has_brace)
		return take_modifier(r, name, is_quoted, err);
	if (!*name) {
		emit(r, '$', is_quoted);
		return 0;
	}
	value = r->muted ? NULL : r->x->lookup(r->x->arg, name);
	emit_text(r, value ? value : "", is_quoted);
	return 0;
}

static int take_single_quotes(struct reader *r, struct error *err)
{
	const char *end = strchr(++r->p, '\'');

	if (!end)
		return error_set(err, EINVAL, "a single quote is not closed");
	r->in_word |= !r->muted;
	for (; r->p < end; r->p++)
		emit(r, *r->p, true);
	r->p++;
	return 0;
}

static int take_double_quotes(struct reader *r, struct error *err)
{
	r->in_word |= !r->muted;
	for (r->p++; *r->p != '"';) {
		if (!*r->p)
			return error_set(err, EINVAL, "a double quote is not closed");
		if (*r->p == '$') {
			int e = take_variable(r, true, err);

			if (e < 0)
				return e;
			continue;
		}
		if (*r->p == r->x->escape && r->p[1] &&
		    (r->p[1] == '"' || r->p[1] == '$' || r->p[1] == r->x->escape))
			r->p++;
		emit(r, *r->p++, true);
	}
	r->p++;
	return 0;
}

/* The escape character outside quotes. In a heredoc it matters before '$' and itself alone. */
static void take_escape(struct reader *r, bool is_quoted)
{
	bool takes = !r->x->keeps_quotes || r->p[1] == '$' || r->p[1] == r->x->escape;

	r->p += takes;
	if (!*r->p)
		return; /* at the very end it stands for nothing */
	if (takes && r->p[0])
		r->in_word |= !r->muted;
	emit(r, *r->p++, is_quoted || takes);
}

/* Reads to the end character, which is consumed; '\0': to the end of the text. */
static int take_until(struct reader *r, char end, bool is_quoted, struct error *err)
{
	while (*r->p && *r->p != end) {
		int e = 0;

		if (r->out.overflow)
			return error_set(err, E2BIG, "a word is longer than %d bytes",
					 EXPAND_BYTES_MAX);
		if (*r->p == '$')
			e = take_variable(r, is_quoted, err);
		else if (*r->p == r->x->escape)
			take_escape(r, is_quoted);
		else if (*r->p == '\'' && !r->x->keeps_quotes && !is_quoted)
			e = take_single_quotes(r, err);
		else if (*r->p == '"' && !r->x->keeps_quotes && !is_quoted)
			e = take_double_quotes(r, err);
		else
			emit(r, *r->p++, is_quoted);
		if (e < 0)
			return e;
	}
	if (*r->p != end)
		return error_set(err, EINVAL, "'${' without its '}'");
	r->p += end != '\0';
	return r->out.overflow
		       ? error_set(err, E2BIG, "a word is longer than %d bytes", EXPAND_BYTES_MAX)
		       : 0;
}

/* A few lines can say a variable of a megabyte ten thousand times. */
static int take_room(const struct expand *x, size_t bytes, struct error *err)
{
	if (!x->left || WEAKEN("EXPAND-TOTAL"))
		return 0;
	if (bytes > *x->left)
		return error_set(err, E2BIG, "variables make more than %d bytes in all",
				 EXPAND_TOTAL_MAX);
	*x->left -= bytes;
	return 0;
}

int expand_word(const struct expand *x, const char *word, char **ret, struct error *err)
{
	struct reader r = { .x = x, .p = word, .out = BUF_INIT(EXPAND_BYTES_MAX) };
	int e = take_until(&r, '\0', false, err);

	if (e == 0)
		e = take_room(x, r.out.len, err);
	if (e == 0)
		*ret = buf_steal(&r.out);
	buf_done(&r.out);
	return e;
}

int expand_words(const struct expand *x, const char *text, struct strlist *ret, struct error *err)
{
	struct strlist words = { .v = NULL };
	struct reader r = { .x = x, .p = text, .out = BUF_INIT(EXPAND_BYTES_MAX), .words = &words };
	int e = take_until(&r, '\0', false, err);
	size_t bytes = 0;

	if (e == 0)
		emit(&r, ' ', false);
	for (size_t i = 0; i < words.n; i++)
		bytes += strlen(words.v[i]);
	if (e == 0)
		e = take_room(x, bytes, err);
	if (e < 0) {
		strlist_done(&words);
	} else {
		for (size_t i = 0; i < words.n; i++)
			strlist_take(ret, steal_ptr(&words.v[i]));
		free(words.v);
	}
	buf_done(&r.out);
	return e;
}
