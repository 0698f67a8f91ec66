/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instruction - one logical line: the instruction's name, its flags, its arguments.
 *
 * Theory of operation: name by a table, the nearest known one is offered for a wrong one. Then words
 * that begin with "--" are flags, checked against a second table in which those that are known and
 * not done here stand too, so that they are refused by name and never ignored. What remains is the
 * arguments: a JSON list of strings where the instruction has that form and the text is one (what
 * only looks like one is the shell's, as Docker has it), else text for later.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "engine/base/json.h"
#include "engine/build/internal.h"

static const char *const names[] = {
	"ADD",	  "ARG",   "CMD",	  "COPY",  "ENTRYPOINT", "ENV",
	"EXPOSE", "FROM",  "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD",
	"RUN",	  "SHELL", "STOPSIGNAL",  "USER",  "VOLUME",	 "WORKDIR",
};
_Static_assert(ARRAY_SIZE(names) == INSTRUCTION__COUNT, "a name for each instruction");

const char *instruction_str(enum instruction_kind kind)
{
	return names[kind];
}

/* ---- the name --------------------------------------------------------------------------- */

#define NAME_MAX_LEN 16

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Letters to change, add, leave out or swap to make a into b; both at most NAME_MAX_LEN long. */
static size_t distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	size_t d[NAME_MAX_LEN + 1][NAME_MAX_LEN + 1];

	for (size_t i = 0; i <= n; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++)
		for (size_t j = 1; j <= m; j++) {
			size_t cost = upper(a[i - 1]) != b[j - 1];

			d[i][j] =
				smallest(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + cost);
			if (i > 1 && j > 1 && upper(a[i - 1]) == b[j - 2] &&
			    upper(a[i - 2]) == b[j - 1] && d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	return d[n][m];
}

static int unknown(const char *name, struct error *err)
{
	cleanup_free char *shown = str_printable(name, strnlen(name, 60));
	size_t best = strlen(name) > 3 ? 3 : 2; /* less than so many steps away */
	const char *near = NULL;

	for (size_t i = 0; strlen(name) <= NAME_MAX_LEN && i < ARRAY_SIZE(names); i++) {
		size_t d = distance(name, names[i]);

		if (d < best) {
			best = d;
			near = names[i];
		}
	}
	if (near)
		return error_set(err, EINVAL, "unknown instruction '%s': is it '%s'?", shown, near);
	return error_set(err, EINVAL, "unknown instruction '%s'", shown);
}

static int take_name(const char **p, enum instruction_kind *ret, struct error *err)
{
	size_t len = 0;
	cleanup_free char *name = NULL;

	while ((*p)[len] && !is_blank((*p)[len]))
		len++;
	name = xstrndup(*p, len);
	*p += len;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcasecmp(name, names[i]) == 0) {
			*ret = (enum instruction_kind)i;
			return 0;
		}
	return unknown(name, err);
}

/* ---- flags ------------------------------------------------------------------------------ */

enum flag_kind { FLAG_VALUE, FLAG_BOOL, FLAG_REPEATED, FLAG_REFUSED };
struct flag_rule {
	enum instruction_kind of;
	enum flag_kind kind;
	const char *name;
};
static const struct flag_rule flag_rules[] = {
	{ INSTRUCTION_FROM, FLAG_VALUE, "platform" },
	{ INSTRUCTION_RUN, FLAG_REPEATED, "mount" },
	{ INSTRUCTION_RUN, FLAG_VALUE, "network" },
	{ INSTRUCTION_RUN, FLAG_REFUSED, "security" },
	{ INSTRUCTION_RUN, FLAG_REFUSED, "device" },
	{ INSTRUCTION_COPY, FLAG_VALUE, "from" },
	{ INSTRUCTION_COPY, FLAG_VALUE, "chown" },
	{ INSTRUCTION_COPY, FLAG_VALUE, "chmod" },
	{ INSTRUCTION_COPY, FLAG_BOOL, "link" },
	{ INSTRUCTION_COPY, FLAG_REFUSED, "parents" },
	{ INSTRUCTION_COPY, FLAG_REFUSED, "exclude" },
	{ INSTRUCTION_ADD, FLAG_VALUE, "chown" },
	{ INSTRUCTION_ADD, FLAG_VALUE, "chmod" },
	{ INSTRUCTION_ADD, FLAG_VALUE, "checksum" },
	{ INSTRUCTION_ADD, FLAG_BOOL, "link" },
	{ INSTRUCTION_ADD, FLAG_REFUSED, "keep-git-dir" },
	{ INSTRUCTION_ADD, FLAG_REFUSED, "exclude" },
	{ INSTRUCTION_ADD, FLAG_REFUSED, "unpack" },
	{ INSTRUCTION_HEALTHCHECK, FLAG_VALUE, "interval" },
	{ INSTRUCTION_HEALTHCHECK, FLAG_VALUE, "timeout" },
	{ INSTRUCTION_HEALTHCHECK, FLAG_VALUE, "start-period" },
	{ INSTRUCTION_HEALTHCHECK, FLAG_VALUE, "start-interval" },
	{ INSTRUCTION_HEALTHCHECK, FLAG_VALUE, "retries" },
};

static const struct flag_rule *find_rule(enum instruction_kind of, const char *flag, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_rules); i++)
		if (flag_rules[i].of == of && strlen(flag_rules[i].name) == len &&
		    strncmp(flag_rules[i].name, flag, len) == 0)
			return &flag_rules[i];
	return NULL;
}

static int add_flag(struct instruction *i, const char *flag, struct error *err)
{
	size_t len = strcspn(flag, "=");
	const char *value = flag[len] ? flag + len + 1 : NULL;
	const struct flag_rule *rule = find_rule(i->kind, flag, len);
	cleanup_free char *shown = str_printable(flag, len < 60 ? len : 60);

	if (!rule)
		return error_set(err, EINVAL, "%s has no flag '--%s'", names[i->kind], shown);
	if (rule->kind == FLAG_REFUSED)
		return error_set(err, EOPNOTSUPP, "%s --%s is not supported", names[i->kind],
				 rule->name);
	if (i->flags.n == CONTAINERFILE_FLAGS_MAX)
		return error_set(err, E2BIG, "more than %d flags", CONTAINERFILE_FLAGS_MAX);
	if (rule->kind != FLAG_REPEATED && instruction_flag(i, rule->name))
		return error_set(err, EINVAL, "flag '--%s' is there twice", rule->name);
	if (rule->kind == FLAG_BOOL) {
		if (value && !is_equal(value, "true") && !is_equal(value, "false"))
			return error_set(err, EINVAL, "--%s is true or false", rule->name);
		strlist_addf(&i->flags, "%s=%s", rule->name, value ? value : "true");
		return 0;
	}
	if (is_empty(value))
		return error_set(err, EINVAL, "flag '--%s' needs a value", rule->name);
	strlist_add(&i->flags, flag);
	return 0;
}

/* One flag from behind its dashes to the next blank, quotes and escapes taken away. */
static int take_flag(const char **p, char escape, char **ret, struct error *err)
{
	struct buf out = BUF_INIT(CONTAINERFILE_BYTES_MAX);
	char quote = '\0';

	for (; **p && (quote || !is_blank(**p)); ++*p) {
		if (**p == escape && (*p)[1] && quote != '\'') {
			++*p;
			buf_addc(&out, **p);
		} else if (quote ? **p == quote : **p == '"' || **p == '\'') {
			quote = quote ? '\0' : **p;
		} else {
			buf_addc(&out, **p);
		}
	}
	*ret = buf_steal(&out);
	return quote ? error_set(err, EINVAL, "a quote in a flag is not closed") : 0;
}

static void skip_blanks(const char **p)
{
	while (is_blank(**p))
		++*p;
}

static int take_flags(struct instruction *i, const char **p, char escape, struct error *err)
{
	int r = 0;

	for (skip_blanks(p); r == 0 && is_prefix(*p, "--"); skip_blanks(p)) {
		cleanup_free char *flag = NULL;

		*p += 2;
		if (!**p || is_blank(**p)) { /* "--" ends the flags */
			skip_blanks(p);
			return 0;
		}
		r = take_flag(p, escape, &flag, err);
		if (r == 0)
			r = add_flag(i, flag, err);
	}
	return r;
}

/* ---- arguments -------------------------------------------------------------------------- */

static bool has_json_form(enum instruction_kind kind)
{
	switch (kind) {
	case INSTRUCTION_ADD:
	case INSTRUCTION_CMD:
	case INSTRUCTION_COPY:
	case INSTRUCTION_ENTRYPOINT:
	case INSTRUCTION_RUN:
	case INSTRUCTION_SHELL:
	case INSTRUCTION_VOLUME:
		return true;
	default:
		return false;
	}
}

/* Takes the arguments as JSON if they are a list of strings. */
static void try_json(struct instruction *i)
{
	cleanup_json json_t *j = NULL;
	struct error scratch; /* what is no JSON is text */

	if (i->args[0] != '[' || jload_text(i->args, strlen(i->args), "list", &j, &scratch) < 0)
		return;
	if (!json_is_array(j) || json_array_size(j) > CONTAINERFILE_WORDS_MAX)
		return;
	for (size_t k = 0; k < json_array_size(j); k++)
		if (!json_is_string(json_array_get(j, k)))
			return;
	for (size_t k = 0; k < json_array_size(j); k++)
		strlist_add(&i->words, json_string_value(json_array_get(j, k)));
	i->is_json = true;
}

int instruction_parse(const char *line, char escape, struct instruction *ret, struct error *err)
{
	const char *p = line;
	size_t len = strlen(line);
	int r;

	while (len && is_blank(line[len - 1]))
		len--;
	ret->original = xstrndup(line, len);
	p = ret->original;
	r = take_name(&p, &ret->kind, err);
	if (r == 0)
		r = take_flags(ret, &p, escape, err);
	if (r < 0)
		return r;
	ret->args = xstrdup(p);
	if (!*p)
		return error_set(err, EINVAL, "%s needs an argument", names[ret->kind]);
	if (has_json_form(ret->kind))
		try_json(ret);
	if (ret->kind == INSTRUCTION_SHELL && (!ret->is_json || !ret->words.n))
		return error_set(err, EINVAL,
				 "SHELL needs a JSON list: SHELL [\"/bin/sh\", \"-c\"]");
	return 0;
}

int containerfile_split(const char *text, char escape, struct strlist *ret, struct error *err)
{
	const char *p = text;

	for (skip_blanks(&p); *p; skip_blanks(&p)) {
		const char *start = p;
		char quote = '\0';

		for (; *p && (quote || !is_blank(*p)); p++) {
			if (*p == escape && p[1] && quote != '\'')
				p++;
			else if (quote ? *p == quote : *p == '"' || *p == '\'')
				quote = quote ? '\0' : *p;
		}
		if (quote)
			return error_set(err, EINVAL, "a quote is not closed");
		if (ret->n == CONTAINERFILE_WORDS_MAX)
			return error_set(err, E2BIG, "more than %d words", CONTAINERFILE_WORDS_MAX);
		strlist_take(ret, xstrndup(start, (size_t)(p - start)));
	}
	return 0;
}

/* ---- heredocs --------------------------------------------------------------------------- */

int instruction_heredoc(const char *word, struct heredoc *ret, bool *ret_strips)
{
	struct buf name = BUF_INIT(CONTAINERFILE_BYTES_MAX);
	const char *p = word + strspn(word, "0123456789");
	char quote = '\0';

	if (!is_prefix(p, "<<"))
		return 0;
	p += 2;
	*ret_strips = *p == '-';
	p += *ret_strips;
	ret->can_expand = true;
	for (bool is_over = false; *p && *p != '<'; p++) {
		is_over |= !quote && strchr(";&|>()", *p); /* the shell's; the name is at its end */
		if (is_over)
			continue;
		if (quote ? *p == quote : *p == '"' || *p == '\'') {
			quote = quote ? '\0' : *p;
			ret->can_expand = false;
		} else {
			buf_addc(&name, *p);
		}
	}
	if (*p || quote || !name.len) {
		buf_done(&name);
		return 0;
	}
	ret->name = buf_steal(&name);
	return 1;
}
