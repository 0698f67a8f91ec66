/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage - cuts the instructions into stages and finds out which of them the target needs.
 *
 * Theory of operation: before the first FROM only ARG may stand; these arguments are for the FROM
 * lines (and, by an ARG that names them again, for the stages). Each FROM begins a stage. A stage
 * needs the one it is FROM and those that its COPY --from and RUN --mount=from name; names are looked
 * for among the earlier stages, without regard to case, then as numbers. From the target on what is
 * needed is marked; the rest is never built, its mistakes are never met.
 */
#include "engine/build/stage.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "engine/build/expand.h"

void stage_list_done(struct stage_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].name);
		free(l->v[i].base);
		free(l->v[i].platform);
	}
	free(l->v);
	pairlist_done(&l->meta_args);
	*l = (struct stage_list){ .v = NULL };
}

/* ---- arguments -------------------------------------------------------------------------- */

static bool is_arg_name(const char *s)
{
	if (!*s || (*s >= '0' && *s <= '9'))
		return false;
	for (; *s; s++)
		if (!(*s >= 'a' && *s <= 'z') && !(*s >= 'A' && *s <= 'Z') &&
		    !(*s >= '0' && *s <= '9') && *s != '_')
			return false;
	return true;
}

int stage_arg(const char *word, const struct arg_sources *from, const struct expand *x,
	      char **ret_name, char **ret_value, struct error *err)
{
	size_t len = strcspn(word, "=");
	cleanup_free char *name = xstrndup(word, len);
	const char *given;

	if (!is_arg_name(name)) {
		cleanup_free char *shown = str_printable(name, strnlen(name, 100));

		return error_set(err, EINVAL, "ARG '%s' is not a name", shown);
	}
	given = pairlist_get(from->build_args, name);
	*ret_value = xstrdup_or_null(given);
	if (!*ret_value && word[len]) {
		int r = expand_word(x, word + len + 1, ret_value, err);

		if (r < 0)
			return error_wrap(err, "ARG '%.100s'", name);
	}
	for (size_t i = 0; !*ret_value && i < ARRAY_SIZE(from->inherited); i++)
		if (from->inherited[i])
			*ret_value = xstrdup_or_null(pairlist_get(from->inherited[i], name));
	*ret_name = steal_ptr(&name);
	return 0;
}

struct lookup {
	const struct pairlist *lists[2];
};

static const char *look_up(void *arg, const char *name)
{
	const struct lookup *l = arg;
	const char *value = pairlist_get(l->lists[0], name);

	return value ? value : pairlist_get(l->lists[1], name);
}

static int take_meta_arg(const struct instruction *i, const struct stage_options *o,
			 const struct expand *x, struct stage_list *l, struct error *err)
{
	cleanup_strlist struct strlist words = { .v = NULL };
	struct arg_sources from = { .build_args = o->build_args,
				    .inherited = { o->platform_args } };
	int r = containerfile_split(i->args, x->escape, &words, err);

	for (size_t k = 0; r == 0 && k < words.n; k++) {
		cleanup_free char *name = NULL;
		cleanup_free char *value = NULL;

		r = stage_arg(words.v[k], &from, x, &name, &value, err);
		if (r == 0 && value)
			pairlist_set(&l->meta_args, name, value);
	}
	return r;
}

/* ---- names ------------------------------------------------------------------------------ */

static char *lower(const char *s)
{
	char *out = xstrdup(s);

	for (char *p = out; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return out;
}

static int check_name(const struct stage_list *l, const char *name, struct error *err)
{
	cleanup_free char *shown = str_printable(name, strnlen(name, 100));

	if (*name < 'a' || *name > 'z' ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != strlen(name))
		return error_set(err, EINVAL,
				 "stage name '%s': a letter, then letters, digits, '-', '_', '.'",
				 shown);
	for (size_t i = 0; i < l->n; i++)
		if (is_equal(l->v[i].name, name))
			return error_set(err, EINVAL, "stage name '%s' is there twice", shown);
	return 0;
}

int stage_find(const struct stage_list *l, const char *name, size_t at, int *ret, struct error *err)
{
	uint64_t number = 0;

	*ret = -1;
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].name && strcasecmp(l->v[i].name, name) == 0)
			*ret = (int)i;
	if (*ret < 0 && parse_u64(name, STAGES_MAX, &number) == 0) {
		if (number >= l->n)
			return error_set(err, EINVAL, "there is no stage %s", name);
		*ret = (int)number;
	}
	if (*ret >= 0 && (size_t)*ret >= at)
		return error_set(err, EINVAL, "stage '%.100s' does not come before this one", name);
	return 0;
}

/* ---- FROM ------------------------------------------------------------------------------- */

static int expand_part(const struct expand *x, const char *text, char **ret, struct error *err)
{
	int r = expand_word(x, text, ret, err);

	if (r == 0 && !**ret)
		return error_set(err, EINVAL, "'%.100s' is empty: is an argument missing?", text);
	return r;
}

static int take_from(const struct instruction *i, const struct stage_options *o,
		     const struct expand *x, struct stage_list *l, struct error *err)
{
	cleanup_strlist struct strlist words = { .v = NULL };
	const char *platform = instruction_flag(i, "platform");
	struct stage *st;
	int r = containerfile_split(i->args, x->escape, &words, err);

	if (r < 0)
		return r;
	if (words.n != 1 && (words.n != 3 || strcasecmp(words.v[1], "as") != 0))
		return error_set(err, EINVAL, "FROM is 'FROM IMAGE' or 'FROM IMAGE AS NAME'");
	if (l->n == STAGES_MAX)
		return error_set(err, E2BIG, "more than %d stages", STAGES_MAX);
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	st = &l->v[l->n];
	*st = (struct stage){ .from = -1, .from_instruction = i, .v = i + 1 };
	l->n++;
	r = o->from && l->n == 1 ? (st->base = xstrdup(o->from), 0)
				 : expand_part(x, words.v[0], &st->base, err);
	if (r == 0 && platform)
		r = expand_part(x, platform, &st->platform, err);
	if (r == 0 && words.n == 3) {
		cleanup_free char *name = lower(words.v[2]);

		r = check_name(l, name, err);
		st->name = steal_ptr(&name);
	}
	/* A number is an image's name here. */
	for (size_t k = 0; r == 0 && k + 1 < l->n; k++)
		if (l->v[k].name && strcasecmp(l->v[k].name, st->base) == 0)
			st->from = (int)k;
	return r;
}

/* ---- what is needed --------------------------------------------------------------------- */

bool stage_take_pair(const char **p, char **ret_key, char **ret_value)
{
	size_t len = strcspn(*p, ","), key = strcspn(*p, "=,");

	if (!**p)
		return false;
	*ret_key = xstrndup(*p, key);
	*ret_value = key < len ? xstrndup(*p + key + 1, len - key - 1) : xstrdup("");
	*p += len + ((*p)[len] == ',');
	return true;
}

static int need(struct stage_list *l, const char *name, size_t at, struct error *err)
{
	int found = -1;
	int r = stage_find(l, name, at, &found, err);

	if (r == 0 && found >= 0)
		l->v[found].is_needed = true;
	return r;
}

static int need_mount(struct stage_list *l, const char *mount, size_t at, struct error *err)
{
	cleanup_free char *key = NULL;
	cleanup_free char *value = NULL;
	int r = 0;

	while (r == 0 && stage_take_pair(&mount, &key, &value)) {
		if (is_equal(key, "from"))
			r = need(l, value, at, err);
		free(steal_ptr(&key));
		free(steal_ptr(&value));
	}
	return r;
}

static int need_instruction(struct stage_list *l, const struct instruction *i, size_t at,
			    struct error *err)
{
	const char *from = instruction_flag(i, "from");
	int r = 0;

	if (i->kind == INSTRUCTION_COPY && from)
		return need(l, from, at, err);
	for (size_t k = 0; r == 0 && i->kind == INSTRUCTION_RUN && k < i->flags.n; k++)
		if (is_prefix(i->flags.v[k], "mount="))
			r = need_mount(l, i->flags.v[k] + sizeof("mount=") - 1, at, err);
	return r;
}

static int mark_needed(struct stage_list *l, const char *file, struct error *err)
{
	l->v[l->target].is_needed = true;
	for (size_t at = l->target + 1; at-- > 0;) {
		const struct stage *st = &l->v[at];

		if (!st->is_needed)
			continue;
		if (st->from >= 0)
			l->v[st->from].is_needed = true;
		for (size_t k = 0; k < st->n; k++) {
			int r = need_instruction(l, &st->v[k], at, err);

			if (r < 0)
				return error_wrap(err, "%.200s:%u", file, st->v[k].line);
		}
	}
	return 0;
}

static int find_target(struct stage_list *l, const char *target, struct error *err)
{
	int found = -1;
	int r = target ? stage_find(l, target, l->n, &found, err) : 0;

	if (r < 0 || (target && found < 0)) {
		cleanup_free char *shown = str_printable(target, strnlen(target, 100));

		return error_set(err, EINVAL, "target '%s' is no stage of this file", shown);
	}
	l->target = target ? (size_t)found : l->n - 1;
	return 0;
}

static int take_one(const struct instruction *i, const struct stage_options *o,
		    const struct expand *x, struct stage_list *l, struct error *err)
{
	if (i->kind == INSTRUCTION_FROM)
		return take_from(i, o, x, l, err);
	if (l->n) {
		l->v[l->n - 1].n++;
		return 0;
	}
	if (i->kind == INSTRUCTION_ARG)
		return take_meta_arg(i, o, x, l, err);
	return error_set(err, EINVAL, "%s before FROM: only ARG can stand there",
			 instruction_str(i->kind));
}

int stages_plan(const struct containerfile *f, const struct stage_options *o,
		struct stage_list *ret, struct error *err)
{
	struct stage_list l = { .v = NULL };
	struct lookup lookup = { .lists = { &l.meta_args, o->platform_args } };
	struct expand x = {
		.escape = f->escape, .lookup = look_up, .arg = &lookup, .left = o->left
	};
	int r = 0;

	for (size_t k = 0; r == 0 && k < f->n; k++) {
		r = take_one(&f->v[k], o, &x, &l, err);
		if (r < 0)
			r = error_wrap(err, "%.200s:%u", f->name, f->v[k].line);
	}
	if (r == 0 && !l.n)
		r = error_set(err, EINVAL, "%.200s: there is no FROM", f->name);
	if (r == 0)
		r = find_target(&l, o->target, err);
	if (r == 0)
		r = mark_needed(&l, f->name, err);
	if (r < 0)
		stage_list_done(&l);
	else
		*ret = l;
	return r;
}
