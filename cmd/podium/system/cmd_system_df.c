/* SPDX-License-Identifier: Apache-2.0 */
/*
 * system df - what images, containers and volumes take of the disk.
 *
 * Theory of operation: images share layers, and the total counts each layer once. Reclaimable is
 * what `image prune -a` would free: the layers of images that no container uses and that no used
 * image has. A container's size is its writable layer, a volume's what lies in it; local volumes are
 * those with a name and the emptyDirs on disk of pods. Nothing is locked: the numbers are of some moment.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/image/imageview.h"
#include "cmd/podium/image/storesize.h"
#include "cmd/podium/container/view.h"
#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "engine/image/layers.h"

#define DIGITS 4

struct df_options {
	bool verbose;
	const char *format;
};

#define O(m) offsetof(struct df_options, m)
static const struct option df_option_table[] = {
	{ 0, "format", OPTION_STRING, O(format), "string", "json or a Go template", false },
	{ 'v', "verbose", OPTION_BOOL, O(verbose), NULL, "A line for each object", false },
	OPTIONS_END,
};
#undef O

/* A layer of the store. */
struct piece {
	const char *id; /* borrowed from the list of images */
	int64_t bytes;
	size_t images; /* that have it */
	bool used;     /* by an image that a container uses */
};
struct pieces {
	struct piece *v;
	size_t n;
};
struct usage {
	struct image_list images;
	struct image_use_counts uses;
	struct pieces pieces;
	struct container_views containers;
	struct volume_views volumes;
};

static void usage_done(struct usage *u)
{
	image_list_done(&u->images);
	image_use_counts_done(&u->uses);
	free(u->pieces.v);
	views_done(&u->containers);
	volume_views_done(&u->volumes);
}

static struct piece *find_piece(const struct pieces *l, const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (is_equal(l->v[i].id, id))
			return &l->v[i];
	return NULL;
}

static void add_pieces(const struct store *s, const struct image_info *info, bool used,
		       struct pieces *l)
{
	for (size_t i = 0; i < info->layers.n; i++) {
		struct piece *p = find_piece(l, info->layers.v[i]);
		struct error scratch; /* a layer that is missing takes nothing */

		if (!p) {
			l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
			p = &l->v[l->n++];
			*p = (struct piece){ .id = info->layers.v[i] };
			if (layer_size(s, p->id + sizeof("sha256:") - 1, &p->bytes, &scratch) < 0)
				p->bytes = 0;
		}
		p->images++;
		p->used = p->used || used;
	}
}

static int read_usage(const struct store *s, struct usage *u, struct error *err)
{
	int r = image_list(s, &u->images, err);

	if (r == 0)
		r = view_count_uses(s, &u->uses, err);
	if (r == 0)
		r = views_load(s, &u->containers, err);
	if (r == 0)
		r = storesize_volumes(s, &u->volumes, err);
	for (size_t i = 0; r == 0 && i < u->images.n; i++)
		add_pieces(s, &u->images.v[i], view_uses(&u->uses, &u->images.v[i]) > 0,
			   &u->pieces);
	return r;
}

static bool is_active(const struct container_view *v)
{
	return v->live == STATE_RUNNING || v->live == STATE_PAUSED || v->live == STATE_STOPPING;
}

/* ---- the summary ------------------------------------------------------------------------ */

struct sum {
	size_t total, active;
	int64_t bytes, reclaimable;
};

static json_t *sum_row(const char *type, const struct sum *sum)
{
	cleanup_free char *size = view_size(sum->bytes, DIGITS, "");
	cleanup_free char *free_size = view_size(sum->reclaimable, DIGITS, "");
	int percent = sum->bytes ? (int)((double)sum->reclaimable / (double)sum->bytes * 100) : 0;
	cleanup_free char *text = xasprintf("%s (%d%%)", free_size, percent);

	return json_pack("{s:s, s:I, s:I, s:s, s:s, s:I, s:I}", "Type", type, "Total",
			 (json_int_t)sum->total, "Active", (json_int_t)sum->active, "Size", size,
			 "Reclaimable", text, "RawSize", (json_int_t)sum->bytes, "RawReclaimable",
			 (json_int_t)sum->reclaimable);
}

/* "{{json .}}" of Podman 4: the sizes are numbers. */
static void use_numbers(json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		(void)json_object_set(row, "Size", json_object_get(row, "RawSize"));
		(void)json_object_set(row, "Reclaimable", json_object_get(row, "RawReclaimable"));
	}
}

static struct sum sum_images(const struct usage *u)
{
	struct sum sum = { .total = u->images.n };

	for (size_t i = 0; i < u->images.n; i++)
		sum.active += view_uses(&u->uses, &u->images.v[i]) > 0;
	for (size_t i = 0; i < u->pieces.n; i++) {
		sum.bytes += u->pieces.v[i].bytes;
		sum.reclaimable += u->pieces.v[i].used ? 0 : u->pieces.v[i].bytes;
	}
	return sum;
}

static struct sum sum_containers(const struct store *s, const struct usage *u)
{
	struct sum sum = { .total = u->containers.n };

	for (size_t i = 0; i < u->containers.n; i++) {
		int64_t bytes = storesize_container(s, u->containers.v[i].id);

		sum.bytes += bytes;
		if (is_active(&u->containers.v[i]))
			sum.active++;
		else
			sum.reclaimable += bytes;
	}
	return sum;
}

static struct sum sum_volumes(const struct usage *u)
{
	struct sum sum = { .total = u->volumes.n };

	for (size_t i = 0; i < u->volumes.n; i++) {
		sum.bytes += u->volumes.v[i].bytes;
		if (u->volumes.v[i].active)
			sum.active++;
		else
			sum.reclaimable += u->volumes.v[i].bytes;
	}
	return sum;
}

static int print_summary(const struct store *s, const struct usage *u, const char *format,
			 struct error *err)
{
	static const struct format_column columns[] = {
		{ "TYPE", "Type" },
		{ "TOTAL", "Total" },
		{ "ACTIVE", "Active" },
		{ "SIZE", "Size" },
		{ "RECLAIMABLE", "Reclaimable" },
		{ NULL, NULL },
	};
	cleanup_json json_t *rows = json_array();
	struct sum images = sum_images(u), containers = sum_containers(s, u);
	struct sum volumes = sum_volumes(u);

	(void)json_array_append_new(rows, sum_row("Images", &images));
	(void)json_array_append_new(rows, sum_row("Containers", &containers));
	(void)json_array_append_new(rows, sum_row("Local Volumes", &volumes));
	if (is_format_json(format) && !is_equal(format, "json"))
		use_numbers(rows);
	return format_rows(rows, columns, format, false, err);
}

/* ---- line by line ----------------------------------------------------------------------- */

static char *age(int64_t then_ns)
{
	char text[64];

	clock_human((clock_wall_ns() - then_ns) / 1000000000, text, sizeof(text));
	return xstrdup(text);
}

static json_t *image_row(const struct usage *u, const struct image_info *i)
{
	json_t *row = json_object();
	char *repository, *tag;
	int64_t shared = 0, unique = 0;

	for (size_t k = 0; k < i->layers.n; k++) {
		const struct piece *p = find_piece(&u->pieces, i->layers.v[k]);

		*(p->images > 1 ? &shared : &unique) += p->bytes;
	}
	view_split_name(i->names.n     ? i->names.v[0]
			: i->digests.n ? i->digests.v[0]
				       : NULL,
			&repository, &tag);
	jset_owned(row, "Repository", repository);
	jset_owned(row, "Tag", tag);
	jset_owned(row, "ID", view_id(i->id, false));
	jset_owned(row, "Created", i->created_ns ? age(i->created_ns) : xstrdup("N/A"));
	jset_owned(row, "Size", view_size(i->size_bytes, DIGITS, ""));
	jset_owned(row, "SharedSize", view_size(shared, DIGITS, ""));
	jset_owned(row, "UniqueSize", view_size(unique, DIGITS, ""));
	(void)json_object_set_new(row, "Containers",
				  json_integer((json_int_t)view_uses(&u->uses, i)));
	return row;
}

static int print_images(const struct usage *u, struct error *err)
{
	static const struct format_column columns[] = {
		{ "REPOSITORY", "Repository" },
		{ "TAG", "Tag" },
		{ "IMAGE ID", "ID" },
		{ "CREATED", "Created" },
		{ "SIZE", "Size" },
		{ "SHARED SIZE", "SharedSize" },
		{ "UNIQUE SIZE", "UniqueSize" },
		{ "CONTAINERS", "Containers" },
		{ NULL, NULL },
	};
	cleanup_json json_t *rows = json_array();

	for (size_t i = 0; i < u->images.n; i++)
		(void)json_array_append_new(rows, image_row(u, &u->images.v[i]));
	(void)puts("Images space usage:\n");
	return format_list(rows, columns, NULL, false, err);
}

static size_t count_volumes(const struct store *s, const char *id)
{
	struct container_spec spec;
	struct error scratch;
	size_t n;

	if (lookup_read_container(s, id, &spec, &scratch) < 0)
		return 0;
	n = spec.mounts.n;
	record_done(&container_spec_type, &spec);
	return n;
}

static json_t *container_row(const struct store *s, const struct container_view *v)
{
	json_t *row = json_object();

	jset_owned(row, "ID", view_id(v->id, false));
	jset_owned(row, "Image", xstrdup_or_null(v->st.image));
	jset_owned(row, "Command", xstrdup_or_null(v->st.command));
	(void)json_object_set_new(row, "Volumes",
				  json_integer((json_int_t)count_volumes(s, v->id)));
	jset_owned(row, "Size", view_size(storesize_container(s, v->id), DIGITS, ""));
	jset_owned(row, "Created", age(v->st.created_ns));
	jset_owned(row, "Status", xstrdup(view_state(v)));
	jset_owned(row, "Names", xstrdup_or_null(v->st.name));
	return row;
}

static int print_containers(const struct store *s, const struct usage *u, struct error *err)
{
	static const struct format_column columns[] = {
		{ "CONTAINER ID", "ID" },	{ "IMAGE", "Image" }, { "COMMAND", "Command" },
		{ "LOCAL VOLUMES", "Volumes" }, { "SIZE", "Size" },   { "CREATED", "Created" },
		{ "STATUS", "Status" },		{ "NAMES", "Names" }, { NULL, NULL },
	};
	cleanup_json json_t *rows = json_array();

	for (size_t i = 0; i < u->containers.n; i++)
		(void)json_array_append_new(rows, container_row(s, &u->containers.v[i]));
	(void)puts("\nContainers space usage:\n");
	return format_list(rows, columns, NULL, false, err);
}

static int print_volumes(const struct usage *u, struct error *err)
{
	static const struct format_column columns[] = {
		{ "VOLUME NAME", "Name" },
		{ "LINKS", "Links" },
		{ "SIZE", "Size" },
		{ NULL, NULL },
	};
	cleanup_json json_t *rows = json_array();

	for (size_t i = 0; i < u->volumes.n; i++) {
		const struct volume_view *v = &u->volumes.v[i];
		json_t *row = json_object();

		jset_owned(row, "Name", xstrdup(v->name));
		(void)json_object_set_new(row, "Links", json_integer((json_int_t)v->links));
		jset_owned(row, "Size", view_size(v->bytes, DIGITS, ""));
		(void)json_array_append_new(rows, row);
	}
	(void)puts("\nLocal Volumes space usage:\n");
	return format_list(rows, columns, NULL, false, err);
}

static int run_df(struct command_context *ctx, void *options, int argc, char **argv,
		  struct error *err)
{
	const struct df_options *o = options;
	struct usage u = { .images = { .v = NULL } };
	int r;

	(void)argc;
	(void)argv;
	if (o->verbose && o->format)
		return error_set(err, EINVAL, "--verbose and --format exclude each other");
	r = read_usage(&ctx->store, &u, err);
	if (r == 0 && !o->verbose)
		r = print_summary(&ctx->store, &u, o->format, err);
	if (r == 0 && o->verbose) {
		r = print_images(&u, err);
		if (r == 0)
			r = print_containers(&ctx->store, &u, err);
		if (r == 0)
			r = print_volumes(&u, err);
	}
	usage_done(&u);
	return r;
}

const struct command cmd_system_df = {
	.words = "system df",
	.args = "[options]",
	.summary = "What images, containers and volumes take of the disk",
	.options = df_option_table,
	.options_size = sizeof(struct df_options),
	.max_args = 0,
	.store = COMMAND_READS,
	.run = run_df,
};
