/* SPDX-License-Identifier: Apache-2.0 */
/*
 * images - `podium images [NAME]`: what is in the store.
 *
 * Theory of operation: one read of the index, no lock and no file an image: 500 images cost what
 * one does. Only JSON and templates that show labels or containers, and the filters that ask for
 * them, read more. Everything has a row a name (an image without one: <none>); JSON has Podman's
 * members. Order: newest first, names within an image as they were given; --sort asks for another.
 * An argument shows the images that it names, by repository, full name, glob, or id, with all their
 * names, as Podman does. The steps of builds are shown with --all only.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/image/imagefilter.h"
#include "cmd/podium/image/imageview.h"
#include "cmd/podium/base/template.h"
#include "cmd/podium/container/view.h"
#include "engine/base/clock.h"
#include "engine/base/json.h"

struct images_options {
	bool all;
	bool digests;
	bool history;
	bool no_heading;
	bool no_trunc;
	bool quiet;
	struct strlist filters;
	const char *format;
	const char *sort;
};

#define O(m) offsetof(struct images_options, m)
static const struct option images_option_table[] = {
	{ 'a', "all", OPTION_BOOL, O(all), NULL, "Show the steps of builds, too", false },
	{ 0, "digests", OPTION_BOOL, O(digests), NULL, "Show digests", false },
	{ 'f', "filter", OPTION_LIST, O(filters), "key=value",
	  "after, before, since, until, containers, dangling, id, intermediate, label, readonly, "
	  "reference",
	  false },
	{ 0, "format", OPTION_STRING, O(format), "string", "json or a Go template", false },
	{ 0, "history", OPTION_BOOL, O(history), NULL, "Show the names that images had", false },
	{ 'n', "noheading", OPTION_BOOL, O(no_heading), NULL, "Print no headings", false },
	{ 0, "no-trunc", OPTION_BOOL, O(no_trunc), NULL, "Print ids in full", false },
	{ 'q', "quiet", OPTION_BOOL, O(quiet), NULL, "Print ids only", false },
	{ 0, "sort", OPTION_STRING, O(sort), "string",
	  "created (default), id, repository, size or tag", false },
	OPTIONS_END,
};
#undef O

/* One line of the listing. */
struct row {
	const struct image_info *image;
	char *repository;
	char *tag;
	size_t place; /* keeps equal rows in order */
};
struct rows {
	struct row *v;
	size_t n;
};

static void rows_done(struct rows *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].repository);
		free(l->v[i].tag);
	}
	free(l->v);
}

static void add_row(struct rows *l, const struct image_info *i, const char *name)
{
	struct row *row;

	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	row = &l->v[l->n];
	*row = (struct row){ .image = i, .place = l->n++ };
	view_split_name(name, &row->repository, &row->tag);
}

static void add_rows(struct rows *l, const struct image_info *i)
{
	for (size_t n = 0; n < i->names.n; n++)
		add_row(l, i, i->names.v[n]);
	if (!i->names.n)
		add_row(l, i, i->digests.n ? i->digests.v[0] : NULL);
}

/* ---- order ------------------------------------------------------------------------------ */

static int by_place(const struct row *x, const struct row *y)
{
	return x->place < y->place ? -1 : x->place > y->place;
}

static int by_id(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int r = strcmp(x->image->id, y->image->id);

	return r ? r : by_place(x, y);
}

static int by_repository(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int r = strcmp(x->repository, y->repository);

	return r ? r : by_place(x, y);
}

static int by_tag(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int r = strcmp(x->tag, y->tag);

	return r ? r : by_place(x, y);
}

static int by_size(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->image->size_bytes == y->image->size_bytes)
		return by_place(x, y);
	return x->image->size_bytes < y->image->size_bytes ? -1 : 1;
}

static int sort_rows(struct rows *l, const char *key, struct error *err)
{
	static const struct {
		const char *key;
		int (*compare)(const void *a, const void *b);
	} orders[] = { { "created", NULL }, /* image_list() gives it so */
		       { "id", by_id },
		       { "repository", by_repository },
		       { "size", by_size },
		       { "tag", by_tag } };

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		if (!is_equal(key ? key : "created", orders[i].key))
			continue;
		if (orders[i].compare && l->n)
			qsort(l->v, l->n, sizeof(*l->v), orders[i].compare);
		return 0;
	}
	return error_set(err, EINVAL,
			 "\"%.60s\" is not a valid field for sorting. "
			 "Choose from: size, tag, created, id, repository",
			 key);
}

/* ---- rows as people and as programs see them --------------------------------------------- */

static void set(json_t *obj, const char *key, json_t *value)
{
	(void)json_object_set_new(obj, key, value);
}

static char *history_text(const struct image_info *i)
{
	cleanup_strlist struct strlist l = { .v = NULL };
	cleanup_json json_t *list = NULL;

	view_name_history(i, &l);
	list = view_strings(&l);
	return view_join(list, ", ");
}

/* What the table shows. */
static json_t *make_texts(const struct images_options *o, const struct row *row, int64_t now_ns)
{
	const struct image_info *i = row->image;
	cleanup_free char *age = i->created_ns ? view_age(i->created_ns, now_ns) : xstrdup("N/A");
	json_t *j = json_pack("{s:s, s:s, s:s, s:s}", "Repository", row->repository, "Tag",
			      row->tag, "Created", age, "CreatedSince", age);

	jset_owned(j, "ID", xasprintf(o->no_trunc ? "sha256:%s" : "%.12s", i->id));
	jset_owned(j, "Size", view_size(i->size_bytes, 3, " "));
	jset_owned(j, "Digest",
		   i->manifest ? xasprintf("sha256:%s", i->manifest) : xstrdup("<none>"));
	if (o->history || o->format)
		jset_owned(j, "History", history_text(i));
	return j;
}

/* Everything; uses may be empty, conf NULL, when nobody looks. */
static json_t *make_object(const struct images_options *o, const struct row *row,
			   const struct image_conf *conf, const struct image_use_counts *uses,
			   int64_t now_ns)
{
	const struct image_info *i = row->image;
	cleanup_strlist struct strlist digests = { .v = NULL }, history = { .v = NULL };
	json_t *j = json_object(), *texts = make_texts(o, row, now_ns);
	bool labels = conf && conf->run.labels.n;

	view_digests(i, &digests);
	view_name_history(i, &history);
	set(j, "Id", json_string(i->id));
	set(j, "ParentId", json_string(i->parent ? i->parent : ""));
	set(j, "RepoTags", json_null());
	set(j, "RepoDigests", view_strings(&digests));
	set(j, "Size", json_integer((json_int_t)i->size_bytes));
	set(j, "SharedSize", json_integer(0));
	set(j, "VirtualSize", json_integer((json_int_t)i->size_bytes));
	set(j, "Labels", labels ? view_pairs(&conf->run.labels) : json_null());
	set(j, "Containers", json_integer((json_int_t)view_uses(uses, i)));
	if (i->names.n)
		set(j, "Names", view_strings(&i->names));
	else
		set(j, "Dangling", json_true());
	jset_owned(j, "Digest", i->manifest ? xasprintf("sha256:%s", i->manifest) : xstrdup(""));
	set(j, "History", view_strings(&history));
	set(j, "Created", json_integer((json_int_t)(i->created_ns / 1000000000)));
	set(j, "CreatedAt", view_utc(i->created_ns));
	jset_owned(texts, "CreatedAt", view_go_time(i->created_ns));
	jset_owned(texts, "CreatedTime", view_go_time(i->created_ns));
	set(texts, "RepoTags", view_strings(&i->names));
	set(texts, "Names", view_strings(&i->names));
	set(texts, "Dangling", json_boolean(!i->names.n));
	set(texts, "ReadOnly", json_false());
	set(texts, "Labels", labels ? view_pairs(&conf->run.labels) : json_object());
	set(j, TEMPLATE_TEXTS, texts);
	return j;
}

/* Whether what is printed shows a member that costs a file. */
static bool is_shown(const struct images_options *o, const char *member)
{
	return is_format_json(o->format) || (o->format && strstr(o->format, member)) ||
	       (o->format && strstr(o->format, "json"));
}

static int make_objects(const struct images_options *o, const struct store *s,
			const struct rows *rows, json_t *ret, struct error *err)
{
	cleanup_image_use_counts struct image_use_counts uses = { .ids = { .v = NULL } };
	int64_t now_ns = clock_wall_ns();
	int r = is_shown(o, "Containers") ? view_count_uses(s, &uses, err) : 0;

	for (size_t i = 0; r == 0 && i < rows->n; i++) {
		cleanup_image_conf struct image_conf conf = { .os = NULL };

		if (!o->format) {
			(void)json_array_append_new(ret, make_texts(o, &rows->v[i], now_ns));
			continue;
		}
		if (is_shown(o, "Labels"))
			r = view_read_conf(s, rows->v[i].image, &conf, err);
		if (r == 0)
			(void)json_array_append_new(
				ret, make_object(o, &rows->v[i], &conf, &uses, now_ns));
	}
	return r;
}

/* ---- the command ------------------------------------------------------------------------ */

static void print_ids(const struct images_options *o, const struct rows *rows)
{
	cleanup_strlist struct strlist seen = { .v = NULL };

	for (size_t i = 0; i < rows->n; i++) {
		const char *id = rows->v[i].image->id;

		if (strlist_has(&seen, id))
			continue;
		strlist_add(&seen, id);
		(void)printf(o->no_trunc ? "sha256:%s\n" : "%.12s\n", id);
	}
}

static int print_rows(const struct images_options *o, const json_t *rows, struct error *err)
{
	struct format_column columns[8] = { { "REPOSITORY", "Repository" }, { "TAG", "Tag" } };
	size_t n = 2;

	if (o->digests)
		columns[n++] = (struct format_column){ "DIGEST", "Digest" };
	columns[n++] = (struct format_column){ "IMAGE ID", "ID" };
	columns[n++] = (struct format_column){ "CREATED", "Created" };
	columns[n++] = (struct format_column){ "SIZE", "Size" };
	if (o->history)
		columns[n++] = (struct format_column){ "HISTORY", "History" };
	columns[n] = (struct format_column){ .header = NULL };
	return format_list(rows, columns, o->format, o->no_heading, err);
}

static int choose_rows(const struct images_options *o, const struct image_list *l,
		       const struct image_filter *f, struct rows *rows, struct error *err)
{
	for (size_t i = 0; i < l->n; i++) {
		int r = 0;

		if (!o->all && is_image_intermediate(l, &l->v[i]))
			continue;
		r = imagefilter_match(f, &l->v[i], err);
		if (r < 0)
			return r;
		if (r)
			add_rows(rows, &l->v[i]);
	}
	return sort_rows(rows, o->sort, err);
}

static int run_images(struct command_context *ctx, void *options, int argc, char **argv,
		      struct error *err)
{
	const struct images_options *o = options;
	cleanup_image_list struct image_list l = { .v = NULL };
	cleanup_json json_t *objects = json_array();
	struct image_filter *filter = NULL;
	struct rows rows = { .v = NULL };
	int r = image_list(&ctx->store, &l, err);

	if (r == 0)
		r = imagefilter_parse(&ctx->store, &l, &o->filters, &filter, err);
	if (r < 0)
		return r;
	if (argc)
		imagefilter_add_name(filter, argv[0]);
	r = choose_rows(o, &l, filter, &rows, err);
	if (r == 0 && o->quiet && !o->format)
		print_ids(o, &rows);
	else if (r == 0)
		r = make_objects(o, &ctx->store, &rows, objects, err);
	if (r == 0 && (!o->quiet || o->format))
		r = print_rows(o, objects, err);
	rows_done(&rows);
	imagefilter_free(filter);
	return r;
}

const struct command cmd_images = {
	.words = "images",
	.args = "[options] [IMAGE]",
	.summary = "List the images in the store",
	.options = images_option_table,
	.options_size = sizeof(struct images_options),
	.max_args = 1,
	.store = COMMAND_READS,
	.run = run_images,
};
