/* SPDX-License-Identifier: Apache-2.0 */
/*
 * images - `podium images [NAME]`: what is in the store.
 *
 * Theory of operation: one read of the index, no lock and no file an image: 500 images cost what
 * one does. The table and Go templates have a row a name (an image without one: <none>), JSON an
 * object an image with Podman's members. Order: newest first, names within an image as they were
 * given. An argument shows the images that it names, by repository, full name, or id.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/commands.h"
#include "cmd/podium/format.h"
#include "cmd/podium/view.h"
#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "engine/image/reference.h"
#include "engine/image/store.h"

struct images_options {
	bool all;
	bool digests;
	bool no_heading;
	bool no_trunc;
	bool quiet;
	const char *format;
};

#define O(m) offsetof(struct images_options, m)
static const struct option images_option_table[] = {
	{ 'a', "all", OPTION_BOOL, O(all), NULL, "Show all images (there are no intermediate ones)",
	  false },
	{ 0, "digests", OPTION_BOOL, O(digests), NULL, "Show digests", false },
	{ 0, "format", OPTION_STRING, O(format), "string", "json or a Go template", false },
	{ 'n', "noheading", OPTION_BOOL, O(no_heading), NULL, "Print no headings", false },
	{ 0, "no-trunc", OPTION_BOOL, O(no_trunc), NULL, "Print ids in full", false },
	{ 'q', "quiet", OPTION_BOOL, O(quiet), NULL, "Print ids only", false },
	OPTIONS_END,
};
#undef O

static const struct format_column plain_columns[] = {
	{ "REPOSITORY", "Repository" }, { "TAG", "Tag" },   { "IMAGE ID", "ID" },
	{ "CREATED", "Created" },	{ "SIZE", "Size" }, { NULL, NULL },
};
static const struct format_column digest_columns[] = {
	{ "REPOSITORY", "Repository" },
	{ "TAG", "Tag" },
	{ "DIGEST", "Digest" },
	{ "IMAGE ID", "ID" },
	{ "CREATED", "Created" },
	{ "SIZE", "Size" },
	{ NULL, NULL },
};

/* "11.8 MB": three digits, powers of a thousand, as Podman. */
static char *human_size(int64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB" };
	double size = (double)bytes;
	size_t unit = 0;

	while (size >= 999.5 && unit + 1 < ARRAY_SIZE(units)) {
		size /= 1000.0;
		unit++;
	}
	return xasprintf("%.3g %s", size, units[unit]);
}

static char *shown_id(const struct images_options *o, const struct image_info *i)
{
	return o->no_trunc ? xasprintf("sha256:%s", i->id) : xasprintf("%.12s", i->id);
}

/* Splits "repository:tag"; the tag is behind the last colon. */
static void split_name(const char *name, char **ret_repository, char **ret_tag)
{
	const char *colon = name ? strrchr(name, ':') : NULL;

	*ret_repository = colon ? xstrndup(name, (size_t)(colon - name)) : xstrdup("<none>");
	*ret_tag = xstrdup(colon ? colon + 1 : "<none>");
}

static json_t *name_row(const struct images_options *o, const struct image_info *i,
			const char *name, int64_t now_ns)
{
	cleanup_free char *repository = NULL;
	cleanup_free char *tag = NULL;
	cleanup_free char *id = shown_id(o, i);
	cleanup_free char *age = i->created_ns ? view_age(i->created_ns, now_ns) : xstrdup("N/A");
	cleanup_free char *size = human_size(i->size_bytes);
	cleanup_free char *digest =
		i->manifest ? xasprintf("sha256:%s", i->manifest) : xstrdup("<none>");

	split_name(name, &repository, &tag);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:o}", "Repository", repository,
			 "Tag", tag, "ID", id, "Created", age, "CreatedSince", age, "Size", size,
			 "Digest", digest, "VirtualSize", (json_int_t)i->size_bytes, "CreatedAt",
			 view_time(i->created_ns));
}

static json_t *image_object(const struct image_info *i)
{
	json_t *digests = json_array();

	for (size_t n = 0; i->manifest && n < i->names.n; n++) {
		const char *colon = strrchr(i->names.v[n], ':');
		int len = colon ? (int)(colon - i->names.v[n]) : 0;
		cleanup_free char *text =
			xasprintf("%.*s@sha256:%s", len, i->names.v[n], i->manifest);

		(void)json_array_append_new(digests, json_string(text));
	}
	return json_pack("{s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:o, s:o}", "Id", i->id, "ParentId",
			 "", "RepoTags", view_strings(&i->names), "RepoDigests", digests, "Size",
			 (json_int_t)i->size_bytes, "VirtualSize", (json_int_t)i->size_bytes,
			 "Created", (json_int_t)(i->created_ns / 1000000000), "CreatedAt",
			 view_time(i->created_ns), "Names", view_strings(&i->names));
}

/* Whether a name is what the user asked for: in full, or its repository, with defaults. */
static bool is_asked_name(const struct reference *asked, const char *name)
{
	struct reference have;
	struct error scratch;
	const char *plain = is_prefix(asked->path, "library/") ? asked->path + 8 : asked->path;
	cleanup_free char *end = xasprintf("/%s", plain);
	cleanup_free char *path = NULL;

	if (reference_parse(name, &have, &scratch) < 0)
		return false;
	if (!asked->is_tag_implied && !is_equal(asked->tag, have.tag))
		return false;
	if (!asked->is_short)
		return is_equal(asked->domain, have.domain) && is_equal(asked->path, have.path);
	path = xasprintf("/%s", have.path);
	return is_suffix(path, end);
}

struct asked {
	const char *text; /* NULL: everything */
	const struct image_info *by_id;
	bool is_reference;
	struct reference reference;
};

static void read_asked(const struct image_list *l, const char *text, struct asked *ret)
{
	struct error scratch;
	const char *name = NULL;

	*ret = (struct asked){ .text = text };
	if (!text)
		return;
	ret->is_reference = reference_parse(text, &ret->reference, &scratch) == 0;
	if (image_find(l, text, &ret->by_id, &name, &scratch) < 0 || name)
		ret->by_id = NULL;
}

static bool is_wanted(const struct asked *a, const struct image_info *i, const char *name)
{
	if (!a->text || a->by_id == i)
		return true;
	return name && a->is_reference && is_asked_name(&a->reference, name);
}

static bool is_any_wanted(const struct asked *a, const struct image_info *i)
{
	bool any = is_wanted(a, i, NULL);

	for (size_t n = 0; n < i->names.n && !any; n++)
		any = is_wanted(a, i, i->names.v[n]);
	return any;
}

static void add_name_rows(json_t *rows, const struct images_options *o, const struct asked *a,
			  const struct image_info *i, int64_t now_ns)
{
	for (size_t n = 0; n < i->names.n; n++)
		if (is_wanted(a, i, i->names.v[n]))
			(void)json_array_append_new(rows, name_row(o, i, i->names.v[n], now_ns));
	if (!i->names.n && is_wanted(a, i, NULL))
		(void)json_array_append_new(rows, name_row(o, i, NULL, now_ns));
}

static int run_images(struct command_context *ctx, void *options, int argc, char **argv,
		      struct error *err)
{
	const struct images_options *o = options;
	cleanup_image_list struct image_list l = { .v = NULL };
	cleanup_json json_t *rows = json_array();
	int64_t now_ns = clock_wall_ns();
	struct asked asked;
	int r = image_list(&ctx->store, &l, err);

	if (r < 0)
		return r;
	read_asked(&l, argc ? argv[0] : NULL, &asked);
	for (size_t i = 0; i < l.n; i++) {
		if (!is_any_wanted(&asked, &l.v[i]))
			continue;
		if (o->quiet) {
			cleanup_free char *id = shown_id(o, &l.v[i]);

			format_print_line(id);
		} else if (is_format_json(o->format)) {
			(void)json_array_append_new(rows, image_object(&l.v[i]));
		} else {
			add_name_rows(rows, o, &asked, &l.v[i], now_ns);
		}
	}
	if (o->quiet)
		return 0;
	return format_list(rows, o->digests ? digest_columns : plain_columns, o->format,
			   o->no_heading, err);
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
