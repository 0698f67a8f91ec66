/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount, unmount - containers' files for the programs of this host.
 *
 * Theory of operation: engine/rootfs/hostmount.c does it. Each mount command that names a container
 * counts once, and the mount goes with as many unmounts, with one --force, or with the container.
 * Without names the mounts are listed.
 */
#include <errno.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/container/view.h"
#include "engine/base/json.h"
#include "engine/base/proc.h"
#include "engine/rootfs/hostmount.h"
#include "engine/state/eventlog.h"

struct mount_options {
	bool all, force, latest, no_trunc;
	const char *format;
};
#define O(m) offsetof(struct mount_options, m)

/* Containers that people know: no steps of builds, no infra containers. */
static bool is_shown(const struct container_view *view)
{
	return view->readable && !view->st.working && !view->st.infra;
}

/* ---- listing ---------------------------------------------------------------------------- */

static int list_mounts(const struct store *s, const struct mount_options *o, struct error *err)
{
	static const struct format_column columns[] = {
		{ "", "shown" },
		{ "", "mountpoint" },
		{ NULL, NULL },
	};
	struct container_views views = { 0 };
	cleanup_json json_t *rows = json_array();
	int r = views_load(s, &views, err);

	for (size_t i = 0; r == 0 && i < views.n; i++) {
		const struct container_view *view = &views.v[i];
		cleanup_free char *path = hostmount_path(s, view->id);
		json_t *row;

		if (!is_hostmounted(s, view->id))
			continue;
		row = json_pack("{s:s, s:[s], s:s}", "id", view->id, "Names",
				view->st.name ? view->st.name : "", "mountpoint", path);
		if (!o->format)
			jset_owned(row, "shown", view_id(view->id, o->no_trunc));
		(void)json_array_append_new(rows, row);
	}
	views_done(&views);
	return r < 0 ? r : format_list(rows, columns, o->format, true, err);
}

/* ---- mounting --------------------------------------------------------------------------- */

/* The pidfd of the first process of one that runs, else below 0. */
static int open_process(const struct container_view *view)
{
	struct error scratch;

	if (view->live == STATE_EXITED || view->live == STATE_CREATED)
		return -1;
	return status_open_process(&view->st, &scratch);
}

static int mount_one(const struct store *s, const char *id, bool only, struct error *err)
{
	cleanup_close int pidfd = -EBADF;
	cleanup_free char *path = NULL;
	struct container_spec spec;
	struct container_view view;
	int r = lookup_read_container(s, id, &spec, err);

	if (r < 0)
		return r;
	view_load(s, id, &view);
	pidfd = open_process(&view);
	r = spec.kind == CONTAINER_INFRA
		    ? error_set(err, EINVAL, "container '%.12s' has no files of its own", id)
		    : hostmount_add(s, &spec, pidfd, &path, err);
	if (r == 0) {
		cleanup_free char *line = only ? xstrdup(path) : xasprintf("%s %s", id, path);

		format_print_line(line);
		event_log_container(s, "mount", id, &view.st);
	}
	view_done(&view);
	record_done(&container_spec_type, &spec);
	return r;
}

/* What a call works on: ids, and the words to print. */
struct chosen {
	struct strlist ids, words;
};

static void chosen_done(struct chosen *c)
{
	strlist_done(&c->ids);
	strlist_done(&c->words);
}

static void choose(struct chosen *c, const char *id, const char *word)
{
	strlist_add(&c->ids, id);
	strlist_add(&c->words, word);
}

static int choose_named(const struct store *s, const struct mount_options *o, int argc, char **argv,
			struct chosen *ret, struct error *err)
{
	char id[65];
	int r = 0;

	if (o->all + o->latest + (argc > 0) > 1)
		return error_set(err, EINVAL,
				 "--all, --latest and containers cannot be used together");
	for (int i = 0; r == 0 && i < argc + o->latest; i++) {
		r = view_find(s, o->latest, o->latest ? NULL : argv[i], id, err);
		if (r == 0)
			choose(ret, id, o->latest ? id : argv[i]);
	}
	return r;
}

/* --all: those that have a mount, or could get one. */
static int choose_all(const struct store *s, bool mounted, struct chosen *ret, struct error *err)
{
	struct container_views views = { 0 };
	int r = views_load(s, &views, err);

	for (size_t i = 0; r == 0 && i < views.n; i++)
		if (mounted ? is_hostmounted(s, views.v[i].id) : is_shown(&views.v[i]))
			choose(ret, views.v[i].id, views.v[i].id);
	views_done(&views);
	return r;
}

static int run_mount(struct command_context *ctx, void *options, int argc, char **argv,
		     struct error *err)
{
	const struct mount_options *o = options;
	cleanup(chosen_done) struct chosen c = { 0 };
	bool lists = !o->all && !o->latest && !argc;
	int r;

	if (o->format && !is_format_json(o->format))
		return error_set(err, EINVAL, "only --format json is there");
	if (o->format && !lists)
		return error_set(err, EINVAL, "--format is for the list of mounts");
	if (lists)
		return list_mounts(&ctx->store, o, err);
	r = choose_named(&ctx->store, o, argc, argv, &c, err);
	if (r == 0 && o->all)
		r = choose_all(&ctx->store, false, &c, err);
	for (size_t i = 0; r == 0 && i < c.ids.n; i++)
		r = mount_one(&ctx->store, c.ids.v[i], c.ids.n == 1 && !o->all, err);
	return r;
}

static int run_unmount(struct command_context *ctx, void *options, int argc, char **argv,
		       struct error *err)
{
	const struct mount_options *o = options;
	cleanup(chosen_done) struct chosen c = { 0 };
	int r;

	if (!o->all && !o->latest && !argc)
		return error_set(err, EINVAL, "name a container, or use --all or --latest");
	r = choose_named(&ctx->store, o, argc, argv, &c, err);
	if (r == 0 && o->all)
		r = choose_all(&ctx->store, true, &c, err);
	for (size_t i = 0; r == 0 && i < c.ids.n; i++) {
		struct container_view view;

		r = hostmount_remove(&ctx->store, c.ids.v[i], o->force, err);
		if (r < 0)
			break;
		format_print_line(c.words.v[i]);
		view_load(&ctx->store, c.ids.v[i], &view);
		event_log_container(&ctx->store, "unmount", c.ids.v[i], &view.st);
		view_done(&view);
	}
	return r;
}

static const struct option mount_option_table[] = {
	{ 'a', "all", OPTION_BOOL, O(all), NULL, "All containers", false },
	{ 0, "format", OPTION_STRING, O(format), "string", "json", false },
	{ 'l', "latest", OPTION_BOOL, O(latest), NULL, "The one that was created last", false },
	{ 0, "no-trunc", OPTION_BOOL, O(no_trunc), NULL, "Ids as a whole", false },
	{ 0, "notruncate", OPTION_BOOL, O(no_trunc), NULL, "Ids as a whole", true },
	OPTIONS_END,
};
static const struct option unmount_option_table[] = {
	{ 'a', "all", OPTION_BOOL, O(all), NULL, "All that are mounted", false },
	{ 'f', "force", OPTION_BOOL, O(force), NULL, "However often it was mounted", false },
	{ 'l', "latest", OPTION_BOOL, O(latest), NULL, "The one that was created last", false },
	OPTIONS_END,
};

const struct command cmd_mount = {
	.words = "mount",
	.args = "[options] [CONTAINER...]",
	.summary = "Mount containers' root file systems on this host, or list such mounts",
	.options = mount_option_table,
	.options_size = sizeof(struct mount_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_mount,
};

const struct command cmd_unmount = {
	.words = "unmount",
	.args = "[options] CONTAINER [CONTAINER...]",
	.summary = "Undo mount",
	.options = unmount_option_table,
	.options_size = sizeof(struct mount_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_unmount,
};
