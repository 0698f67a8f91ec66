/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff, image diff - what a container has changed in its image; what the last layer of an image
 * changes in those below.
 *
 * Theory of operation: the layer is read as it lies in the store (a container's upper/, a layer's
 * diff/) beside a read-only mount of what is below, which no name leads to and which goes with us.
 * A container may run meanwhile: the answer is of some moment. What the engine itself put into a
 * container (/etc/hosts, mount points) is left out, as Podman does.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/container/view.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/image/store.h"
#include "engine/pod/lookup.h"
#include "engine/rootfs/changes.h"
#include "engine/rootfs/overlay.h"

struct diff_options {
	const char *format;
	bool latest;
};

#define OPTION_FORMAT                                                                        \
	{                                                                                    \
		0, "format", OPTION_STRING, offsetof(struct diff_options, format), "string", \
			"json", false                                                        \
	}
static const struct option diff_option_table[] = {
	OPTION_FORMAT,
	{ 'l', "latest", OPTION_BOOL, offsetof(struct diff_options, latest), NULL,
	  "Of the container that was created last", false },
	OPTIONS_END,
};
static const struct option image_option_table[] = { OPTION_FORMAT, OPTIONS_END };

/* The merged view of layers; -EBADF when there is none. */
static int open_lower(const struct store *s, const struct strlist *layers, int *ret,
		      struct error *err)
{
	cleanup_close int empty = -EBADF;

	*ret = -EBADF;
	if (!layers->n)
		return 0;
	empty = fs_mkdirs(s->runfd, "empty", 0700, err);
	if (empty < 0)
		return empty;
	*ret = overlay_mount_read_only(
		s->rootfd, layers, empty,
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);
	return *ret < 0 ? *ret : 0;
}

static int diff_trees(const struct store *s, const char *top, const struct strlist *layers,
		      struct changes *ret, struct error *err)
{
	cleanup_close int topfd =
		openat(s->rootfd, top, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	cleanup_close int lowerfd = -EBADF;
	int r;

	if (topfd < 0)
		return error_errno(err, "open '%s'", top);
	r = open_lower(s, layers, &lowerfd, err);
	return r < 0 ? r : changes_find(topfd, lowerfd, ret, err);
}

/* ---- images ----------------------------------------------------------------------------- */

static int diff_image(const struct store *s, const char *name, struct changes *ret,
		      struct error *err)
{
	cleanup_image_list struct image_list l = { .v = NULL };
	const struct image_info *info;
	cleanup_close int lock = image_lock(s, LOCK_SHARED, err);
	struct strlist below;
	char path[LAYOUT_PATH_MAX];
	int r;

	if (lock < 0)
		return lock;
	r = image_list(s, &l, err);
	if (r == 0)
		r = image_find(&l, name, &info, NULL, err);
	if (r < 0 || !info->layers.n)
		return r;
	below = (struct strlist){ .v = info->layers.v, .n = info->layers.n - 1 };
	(void)snprintf(path, sizeof(path), "layers/%.64s/diff",
		       info->layers.v[below.n] + sizeof("sha256:") - 1);
	return diff_trees(s, path, &below, ret, err);
}

/* ---- containers ------------------------------------------------------------------------- */

static bool is_ours(const struct container_spec *spec, const char *path)
{
	static const char *const places[] = {
		"/dev",		"/proc",	 "/sys",       "/run",
		"/run/secrets", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf",
		"/dev/shm",	"/dev/mqueue",
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (strcmp(path, places[i]) == 0)
			return true;
	for (size_t i = 0; i < spec->mounts.n; i++)
		if (is_equal(spec->mounts.v[i].target, path))
			return true;
	return false;
}

static void drop_ours(const struct container_spec *spec, struct changes *c)
{
	for (size_t kind = 0; kind < CHANGE__COUNT; kind++) {
		struct strlist *l = &c->paths[kind];
		size_t kept = 0;

		for (size_t i = 0; i < l->n; i++) {
			if (is_ours(spec, l->v[i]))
				free(l->v[i]);
			else
				l->v[kept++] = l->v[i];
		}
		if (l->v)
			l->v[kept] = NULL;
		l->n = kept;
	}
}

static int diff_container(const struct store *s, const char *id, struct changes *ret,
			  struct error *err)
{
	struct container_spec spec = { 0 };
	char path[LAYOUT_PATH_MAX];
	int r = lookup_read_container(s, id, &spec, err);

	if (r < 0)
		return r;
	r = diff_trees(s, layout_container(path, id, "upper"), &spec.config.layers, ret, err);
	if (r == 0)
		drop_ours(&spec, ret);
	record_done(&container_spec_type, &spec);
	return r;
}

/* ---- the commands ----------------------------------------------------------------------- */

/* A name that is no UTF-8 is shown with its odd bytes escaped: JSON has no other way. */
static json_t *make_list(const struct strlist *l)
{
	json_t *j = json_array();

	for (size_t i = 0; i < l->n; i++) {
		json_t *text = json_string(l->v[i]);

		if (!text) {
			cleanup_free char *shown = str_printable(l->v[i], strlen(l->v[i]));

			text = json_string(shown);
		}
		(void)json_array_append_new(j, text);
	}
	return j;
}

static int print_changes(const struct changes *c, const char *format, struct error *err)
{
	static const struct {
		const char *letter;
		const char *member;
	} kinds[CHANGE__COUNT] = { { "C", "changed" }, { "A", "added" }, { "D", "deleted" } };
	cleanup_json json_t *j = json_object();

	for (size_t k = 0; k < CHANGE__COUNT; k++) {
		if (c->paths[k].n)
			(void)json_object_set_new(j, kinds[k].member, make_list(&c->paths[k]));
		for (size_t i = 0; !format && i < c->paths[k].n; i++) {
			cleanup_free char *line =
				xasprintf("%s %s", kinds[k].letter, c->paths[k].v[i]);

			format_print_line(line);
		}
	}
	return format ? format_object(j, format, err) : 0;
}

static int check_format(const struct diff_options *o, struct error *err)
{
	if (!o->format || is_format_json(o->format))
		return 0;
	return error_set(err, EINVAL, "only --format json is there");
}

static int run_diff(struct command_context *ctx, void *options, int argc, char **argv,
		    struct error *err)
{
	const struct diff_options *o = options;
	cleanup_changes struct changes c = { 0 };
	char id[65];
	int r = check_format(o, err);

	if (r < 0)
		return r;
	if (o->latest || !argc)
		r = view_find(&ctx->store, o->latest, argc ? argv[0] : NULL, id, err);
	else
		r = lookup_container(&ctx->store, argv[0], id, err);
	if (r < 0 && (o->latest || !argc))
		return r;
	if (r == 0)
		r = diff_container(&ctx->store, id, &c, err);
	else if (r == -ENOENT)
		r = diff_image(&ctx->store, argv[0], &c, err);
	if (r == -ENOENT)
		return error_set(err, ENOENT, "%.200s: no such container or image", argv[0]);
	return r < 0 ? r : print_changes(&c, o->format, err);
}

static int run_image_diff(struct command_context *ctx, void *options, int argc, char **argv,
			  struct error *err)
{
	const struct diff_options *o = options;
	cleanup_changes struct changes c = { 0 };
	int r = check_format(o, err);

	(void)argc;
	if (r == 0)
		r = diff_image(&ctx->store, argv[0], &c, err);
	return r < 0 ? r : print_changes(&c, o->format, err);
}

const struct command cmd_diff = {
	.words = "diff",
	.args = "[options] {CONTAINER|IMAGE}",
	.summary = "What a container, or the last layer of an image, has changed",
	.details = "  A line a path: A added, C changed, D deleted.",
	.options = diff_option_table,
	.options_size = sizeof(struct diff_options),
	.max_args = 1,
	.store = COMMAND_WRITES,
	.run = run_diff,
};

const struct command cmd_image_diff = {
	.words = "image diff",
	.args = "[options] IMAGE",
	.summary = "What the last layer of an image changes in those below",
	.details = "  A line a path: A added, C changed, D deleted.",
	.options = image_option_table,
	.options_size = sizeof(struct diff_options),
	.min_args = 1,
	.max_args = 1,
	.store = COMMAND_WRITES,
	.run = run_image_diff,
};
