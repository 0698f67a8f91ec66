/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history - `podium history IMAGE`: the steps that made an image, the newest first.
 *
 * Theory of operation: the steps are those of the image's configuration; each that is not empty has
 * the next layer, whose size the store knows. An image that says nothing of its history has a line a
 * layer. The id of a step is that of the image which ended with it, when this store has that image:
 * the image itself, and what it was built upon; else <missing>, as Podman has it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/image/imageview.h"
#include "cmd/podium/base/template.h"
#include "cmd/podium/container/view.h"
#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "engine/image/layers.h"

#define CREATED_BY_MAX 45
#define PARENTS_MAX    1000

struct history_options {
	bool human;
	bool no_trunc;
	bool quiet;
	const char *format;
};

#define O(m) offsetof(struct history_options, m)
static const struct option history_option_table[] = {
	{ 0, "format", OPTION_STRING, O(format), "string", "json or a Go template", false },
	{ 'H', "human", OPTION_BOOL, O(human), NULL, "Show times as ages (default true)", false },
	{ 0, "no-trunc", OPTION_BOOL, O(no_trunc), NULL, "Cut nothing short", false },
	{ 'q', "quiet", OPTION_BOOL, O(quiet), NULL, "Print ids only", false },
	OPTIONS_END,
};
#undef O

static void set_defaults(void *options)
{
	((struct history_options *)options)->human = true;
}

/* One line; texts are borrowed from the configuration and the index. */
struct step {
	const struct image_history *history;
	const struct image_info *image; /* that ended with it; NULL: not here */
	int64_t size;
};
struct steps {
	struct step *v; /* oldest first */
	size_t n;
};

/* ---- gathering -------------------------------------------------------------------------- */

static int layer_bytes(const struct store *s, const char *diff_id, int64_t *ret, struct error *err)
{
	return layer_size(s, diff_id + sizeof("sha256:") - 1, ret, err);
}

/* A configuration with no history, or less than it has layers, gets plain steps at its end. */
static void complete_history(struct image_conf *c)
{
	size_t layers = 0;

	for (size_t i = 0; i < c->history.n; i++)
		layers += !c->history.v[i].is_empty_layer;
	for (; layers < c->diff_ids.n; layers++)
		(void)image_conf_add_history(c, c->created_ns, NULL);
}

static int make_steps(const struct store *s, const struct image_conf *c, struct steps *ret,
		      struct error *err)
{
	size_t layer = 0;
	int r = 0;

	ret->v = xcalloc(c->history.n + 1, sizeof(*ret->v));
	ret->n = c->history.n;
	for (size_t i = 0; r == 0 && i < c->history.n; i++) {
		ret->v[i].history = &c->history.v[i];
		if (!c->history.v[i].is_empty_layer && layer < c->diff_ids.n)
			r = layer_bytes(s, c->diff_ids.v[layer++], &ret->v[i].size, err);
	}
	return r;
}

static const struct image_info *find_parent(const struct image_list *l, const struct image_info *i)
{
	for (size_t n = 0; i->parent && n < l->n; n++)
		if (is_equal(l->v[n].id, i->parent))
			return &l->v[n];
	return NULL;
}

/* Marks the steps with which the image and those below it ended. */
static void mark_images(const struct store *s, const struct image_list *l,
			const struct image_info *info, struct steps *steps)
{
	const struct image_info *i = info;

	if (steps->n)
		steps->v[steps->n - 1].image = info;
	for (int n = 0; n < PARENTS_MAX && (i = find_parent(l, i)); n++) {
		cleanup_image_conf struct image_conf c = { .os = NULL };
		struct error scratch; /* a parent that cannot be read marks nothing */

		if (view_read_conf(s, i, &c, &scratch) < 0)
			return;
		complete_history(&c);
		if (c.history.n && c.history.n < steps->n)
			steps->v[c.history.n - 1].image = i;
	}
}

/* ---- printing --------------------------------------------------------------------------- */

static char *step_id(const struct step *step, bool whole)
{
	return step->image ? view_id(step->image->id, whole) : xstrdup("<missing>");
}

static char *cut(const char *text, bool whole)
{
	if (!text)
		return xstrdup("");
	if (whole || strlen(text) <= CREATED_BY_MAX)
		return xstrdup(text);
	return xasprintf("%.*s...", CREATED_BY_MAX - 3, text);
}

static json_t *make_texts(const struct history_options *o, const struct step *step)
{
	int64_t created_ns = step->history->created_ns;
	cleanup_free char *age = view_age(created_ns, clock_wall_ns());
	json_t *utc = view_utc(created_ns);
	json_t *j = json_object();

	jset_owned(j, "ID", step_id(step, o->no_trunc));
	jset_owned(j, "Created", xstrdup(o->human ? age : json_string_value(utc)));
	jset_owned(j, "CreatedSince", xstrdup(age));
	jset_owned(j, "CreatedAt", view_go_time(created_ns));
	jset_owned(j, "CreatedBy", cut(step->history->created_by, o->no_trunc));
	jset_owned(j, "Size", view_size(step->size, 3, " "));
	jset_owned(j, "Comment", xstrdup(step->history->comment ? step->history->comment : ""));
	(void)json_object_set_new(j, "Tags",
				  step->image ? view_strings(&step->image->names) : json_array());
	json_decref(utc);
	return j;
}

/* Of JSON. Names in small letters would make a map of it, in which a template may ask for anything. */
static void add_json_members(json_t *j, const struct step *step)
{
	const struct image_history *h = step->history;

	jset_owned(j, "id", step_id(step, true));
	(void)json_object_set_new(j, "created", view_utc(h->created_ns));
	if (step->image && step->image->names.n)
		(void)json_object_set_new(j, "tags", view_strings(&step->image->names));
	(void)json_object_set_new(j, "size", json_integer((json_int_t)step->size));
	if (h->comment)
		(void)json_object_set_new(j, "comment", json_string(h->comment));
}

static json_t *make_row(const struct history_options *o, const struct step *step)
{
	const struct image_history *h = step->history;
	json_t *j = json_object();

	if (is_format_json(o->format))
		add_json_members(j, step);
	if (h->created_by)
		(void)json_object_set_new(j, "CreatedBy", json_string(h->created_by));
	(void)json_object_set_new(j, "Created", view_utc(h->created_ns));
	if (!is_format_json(o->format))
		(void)json_object_set_new(j, TEMPLATE_TEXTS, make_texts(o, step));
	return j;
}

static int print_steps(const struct history_options *o, const struct steps *steps,
		       struct error *err)
{
	static const struct format_column columns[] = {
		{ "ID", "ID" },	    { "CREATED", "Created" }, { "CREATED BY", "CreatedBy" },
		{ "SIZE", "Size" }, { "COMMENT", "Comment" }, { NULL, NULL },
	};
	cleanup_json json_t *rows = json_array();

	for (size_t i = steps->n; i; i--) {
		if (o->quiet && !o->format) {
			cleanup_free char *id = step_id(&steps->v[i - 1], o->no_trunc);

			format_print_line(id);
		} else {
			(void)json_array_append_new(rows, make_row(o, &steps->v[i - 1]));
		}
	}
	if (o->quiet && !o->format)
		return 0;
	return format_list(rows, columns, o->format, false, err);
}

static int run_history(struct command_context *ctx, void *options, int argc, char **argv,
		       struct error *err)
{
	cleanup_image_list struct image_list l = { .v = NULL };
	cleanup_image_conf struct image_conf conf = { .os = NULL };
	const struct image_info *info;
	struct steps steps = { .v = NULL };
	cleanup_close int lock = -EBADF;
	int r = image_list(&ctx->store, &l, err);

	(void)argc;
	if (r == 0)
		r = image_find(&l, argv[0], &info, NULL, err);
	if (r < 0)
		return r;
	lock = image_lock(&ctx->store, LOCK_SHARED, err);
	r = lock < 0 ? lock : view_read_conf(&ctx->store, info, &conf, err);
	if (r < 0)
		return r;
	complete_history(&conf);
	r = make_steps(&ctx->store, &conf, &steps, err);
	if (r == 0) {
		mark_images(&ctx->store, &l, info, &steps);
		r = print_steps(options, &steps, err);
	}
	free(steps.v);
	return r;
}

const struct command cmd_history = {
	.words = "history",
	.args = "[options] IMAGE",
	.summary = "Show how an image was made",
	.options = history_option_table,
	.options_size = sizeof(struct history_options),
	.set_defaults = set_defaults,
	.min_args = 1,
	.max_args = 1,
	.store = COMMAND_READS,
	.run = run_history,
};
