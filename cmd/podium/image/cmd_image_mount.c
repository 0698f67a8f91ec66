/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image mount, image unmount - an image's files for the programs of this host, read-only.
 *
 * Theory of operation: imagemount.h does it. Each mount command that names an image counts once,
 * and the mount goes with as many unmounts, or with one --force. Without names the mounts are
 * listed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/image/imagemount.h"
#include "cmd/podium/container/view.h"
#include "engine/base/json.h"
#include "engine/state/eventlog.h"

struct mount_options {
	bool all;
	bool force;
	const char *format;
};
#define O(m) offsetof(struct mount_options, m)

static const struct option mount_option_table[] = {
	{ 'a', "all", OPTION_BOOL, O(all), NULL, "Mount all images", false },
	{ 0, "format", OPTION_STRING, O(format), "string", "json", false },
	OPTIONS_END,
};
static const struct option unmount_option_table[] = {
	{ 'a', "all", OPTION_BOOL, O(all), NULL, "Unmount all images", false },
	{ 'f', "force", OPTION_BOOL, O(force), NULL, "However often it was mounted", false },
	OPTIONS_END,
};
#undef O

/* ---- listing ---------------------------------------------------------------------------- */

static void add_row(json_t *rows, const struct store *s, const struct image_info *info)
{
	cleanup_free char *path = imagemount_path(s, info->id);

	(void)json_array_append_new(rows,
				    json_pack("{s:s, s:o, s:o, s:s}", "id", info->id, "Names",
					      view_strings(&info->names), "Repositories",
					      view_strings(&info->names), "mountpoint", path));
}

static int list_mounts(const struct store *s, const struct image_list *l, const char *format,
		       struct error *err)
{
	static const struct format_column columns[] = {
		{ "", "Name" },
		{ "", "mountpoint" },
		{ NULL, NULL },
	};
	cleanup_strlist struct strlist ids = { .v = NULL };
	cleanup_json json_t *rows = json_array();
	int r = imagemount_list(s, &ids, err);
	size_t i;
	json_t *row;

	for (i = 0; r == 0 && i < l->n; i++)
		if (strlist_has(&ids, l->v[i].id))
			add_row(rows, s, &l->v[i]);
	if (r < 0 || format)
		return r < 0 ? r : format_list(rows, columns, format, false, err);
	json_array_foreach (rows, i, row) {
		const char *name =
			json_string_value(json_array_get(json_object_get(row, "Names"), 0));

		(void)json_object_set_new(row, "Name",
					  json_string(name ? name : jget_str(row, "id")));
	}
	return format_list(rows, columns, NULL, true, err);
}

/* ---- the commands ----------------------------------------------------------------------- */

static int mount_one(const struct store *s, const struct image_info *info, bool only,
		     struct error *err)
{
	cleanup_free char *path = NULL;
	cleanup_free char *line = NULL;
	int r = imagemount_add(s, info, &path, err);

	if (r < 0)
		return r;
	line = only ? xstrdup(path)
		    : xasprintf("%s %s", info->names.n ? info->names.v[0] : info->id, path);
	format_print_line(line);
	event_log_image(s, "mount", info->id, info->names.n ? info->names.v[0] : NULL);
	return 0;
}

static int check(const struct mount_options *o, int argc, struct error *err)
{
	if (o->all && argc)
		return error_set(err, EINVAL,
				 "when using the --all switch, you may not pass any image IDs");
	if (o->format && !is_format_json(o->format))
		return error_set(err, EINVAL, "only --format json is there");
	if (o->format && (o->all || argc))
		return error_set(err, EINVAL, "--format is for the list of mounts");
	return 0;
}

static int run_mount(struct command_context *ctx, void *options, int argc, char **argv,
		     struct error *err)
{
	const struct mount_options *o = options;
	cleanup_image_list struct image_list l = { .v = NULL };
	int r = check(o, argc, err);

	if (r == 0)
		r = image_list(&ctx->store, &l, err);
	if (r < 0)
		return r;
	if (!o->all && !argc)
		return list_mounts(&ctx->store, &l, o->format, err);
	for (size_t i = 0; r == 0 && o->all && i < l.n; i++)
		if (!is_image_intermediate(&l, &l.v[i]))
			r = mount_one(&ctx->store, &l.v[i], false, err);
	for (int i = 0; r == 0 && i < argc; i++) {
		const struct image_info *info;

		r = image_find(&l, argv[i], &info, NULL, err);
		if (r == 0)
			r = mount_one(&ctx->store, info, argc == 1, err);
	}
	return r;
}

static int unmount_one(const struct store *s, const char *id, bool force, struct error *err)
{
	int r;

	if (!is_image_mounted(s, id))
		return error_set(err, EINVAL, "image '%.12s' is not mounted", id);
	r = imagemount_remove(s, id, force, err);
	if (r == 0) {
		(void)printf("%s\n", id);
		event_log_image(s, "unmount", id, NULL);
	}
	return r;
}

static int run_unmount(struct command_context *ctx, void *options, int argc, char **argv,
		       struct error *err)
{
	const struct mount_options *o = options;
	cleanup_image_list struct image_list l = { .v = NULL };
	cleanup_strlist struct strlist ids = { .v = NULL };
	int r = check(o, argc, err);

	if (r == 0 && !o->all && !argc)
		r = error_set(err, EINVAL, "at least one image ID must be specified");
	if (r == 0 && o->all)
		r = imagemount_list(&ctx->store, &ids, err);
	for (size_t i = 0; r == 0 && i < ids.n; i++)
		r = unmount_one(&ctx->store, ids.v[i], o->force, err);
	if (r == 0)
		r = image_list(&ctx->store, &l, err);
	for (int i = 0; r == 0 && i < argc; i++) {
		const struct image_info *info;

		r = image_find(&l, argv[i], &info, NULL, err);
		if (r == 0)
			r = unmount_one(&ctx->store, info->id, o->force, err);
	}
	return r;
}

const struct command cmd_image_mount = {
	.words = "image mount",
	.args = "[options] [IMAGE...]",
	.summary = "Mount images read-only on this host, or list such mounts",
	.options = mount_option_table,
	.options_size = sizeof(struct mount_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_mount,
};

const struct command cmd_image_unmount = {
	.words = "image unmount",
	.args = "[options] IMAGE [IMAGE...]",
	.summary = "Undo image mount",
	.options = unmount_option_table,
	.options_size = sizeof(struct mount_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_unmount,
};
