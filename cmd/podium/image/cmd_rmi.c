/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rmi - `podium rmi IMAGE...`: takes names away, and images that have none left; `image exists`.
 *
 * Theory of operation: the arguments are worked on one after another, a failure does not stop the
 * rest. At the end layers that nothing needs are collected once. Exit codes are Podman's: 0; 1 when
 * an image is not there; 2 when one is in use (by a container, or by several names); 125 otherwise.
 * With several failures the highest counts. --force removes the containers that use the image first,
 * at once and whatever they do, and takes an image that is not there for removed, as Podman does.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/image/imagemount.h"
#include "cmd/podium/pod/pods.h"
#include "engine/image/store.h"
#include "engine/state/eventlog.h"

#define EXIT_NOT_THERE 1
#define EXIT_IN_USE    2
#define EXIT_OURS      125

struct rmi_options {
	bool all;
	bool force;
	bool ignore;
	bool no_prune;
};

#define O(m) offsetof(struct rmi_options, m)
static const struct option rmi_option_table[] = {
	{ 'a', "all", OPTION_BOOL, O(all), NULL, "Remove all images", false },
	{ 'f', "force", OPTION_BOOL, O(force), NULL,
	  "Remove the containers that use it, too, and all its names", false },
	{ 'i', "ignore", OPTION_BOOL, O(ignore), NULL, "An image that is not there is no error",
	  false },
	{ 0, "no-prune", OPTION_BOOL, O(no_prune), NULL,
	  "Keep the nameless images that it was built upon", false },
	OPTIONS_END,
};

static int exit_code(int r)
{
	return r == -ENOENT ? EXIT_NOT_THERE : r == -EBUSY ? EXIT_IN_USE : EXIT_OURS;
}

/* --force: whoever uses the image goes, and where it is mounted. */
static int make_unused(struct command_context *ctx, const char *name, struct error *err)
{
	cleanup_image_list struct image_list l = { .v = NULL };
	cleanup_strlist struct strlist users = { .v = NULL };
	const struct image_info *info;
	const char *matched = NULL;
	int r = image_list(&ctx->store, &l, err);

	if (r == 0)
		r = image_find(&l, name, &info, &matched, err);
	if (r < 0 || (matched && (info->names.n > 1 || has_image_children(&l, info))))
		return r; /* only the name will go */
	r = image_users(&ctx->store, info->id, &users, err);
	for (size_t i = 0; r == 0 && i < users.n; i++)
		r = container_remove(&ctx->store, users.v[i], 0, err);
	return r < 0 ? r : imagemount_remove(&ctx->store, info->id, true, err);
}

static void tell_removal(const struct store *s, const struct image_removal *gone)
{
	for (size_t i = 0; i < gone->untagged.n; i++) {
		cleanup_free char *line = xasprintf("Untagged: %s", gone->untagged.v[i]);

		format_print_line(line);
		event_log_image(s, "untag", NULL, gone->untagged.v[i]);
	}
	for (size_t i = 0; i < gone->deleted.n; i++) {
		(void)printf("Deleted: %s\n", gone->deleted.v[i]);
		event_log_image(s, "remove", gone->deleted.v[i], NULL);
	}
}

/* Removes one; returns the exit code that it asks for. */
static int remove_one(struct command_context *ctx, const struct rmi_options *o, const char *name)
{
	unsigned int flags = (o->force ? IMAGE_REMOVE_FORCE : 0u) |
			     (o->no_prune ? IMAGE_REMOVE_KEEP_PARENTS : 0u);
	struct image_removal gone;
	struct error err = { .code = 0 };
	int r = o->force ? make_unused(ctx, name, &err) : 0;

	if (r == 0)
		r = image_remove(&ctx->store, name, flags, &gone, &err);
	if (r == -ENOENT && (o->ignore || o->force))
		return 0;
	if (r < 0) {
		if (r == -ENOENT)
			(void)error_set(&err, ENOENT, "%.200s: image not known", name);
		command_print_error(&err);
		return exit_code(r);
	}
	tell_removal(&ctx->store, &gone);
	image_removal_done(&gone);
	return 0;
}

/* All names of an image and itself, so that only a user of it stands in the way. */
static int remove_whole(struct command_context *ctx, const struct rmi_options *o,
			const struct image_info *info)
{
	struct error err = { .code = 0 };
	int r = o->force ? 0 : image_check_unused(&ctx->store, info->id, &err);

	if (r < 0) {
		command_print_error(&err);
		return exit_code(r);
	}
	for (size_t i = 0; i + 1 < info->names.n; i++) {
		int code = remove_one(ctx, o, info->names.v[i]);

		if (code)
			return code;
	}
	return remove_one(ctx, o, info->id);
}

/* Every image once, until a round removes none: parents go after their children. */
static int remove_all(struct command_context *ctx, const struct rmi_options *o, int *ret_code,
		      struct error *err)
{
	struct rmi_options all = *o;
	size_t before = SIZE_MAX;

	all.ignore = true; /* a parent may have gone with its child */
	for (;;) {
		cleanup_image_list struct image_list l = { .v = NULL };
		int r = image_list(&ctx->store, &l, err);
		bool last;

		if (r < 0 || !l.n || l.n == before)
			return r;
		before = l.n;
		*ret_code = 0;
		last = true;
		for (size_t i = 0; i < l.n; i++) {
			int code;

			if (has_image_children(&l, &l.v[i])) {
				last = false;
				continue;
			}
			code = remove_whole(ctx, &all, &l.v[i]);
			*ret_code = code > *ret_code ? code : *ret_code;
		}
		if (last)
			return 0;
	}
}

static int run_rmi(struct command_context *ctx, void *options, int argc, char **argv,
		   struct error *err)
{
	const struct rmi_options *o = options;
	int code = 0, r = 0;

	if (!o->all && !argc)
		return error_set(err, EINVAL, "image name or ID must be specified");
	if (o->all && argc)
		return error_set(err, EINVAL,
				 "when using the --all switch, you may not pass any images names "
				 "or IDs");
	if (o->all)
		r = remove_all(ctx, o, &code, err);
	for (int i = 0; i < argc; i++) {
		int one = remove_one(ctx, o, argv[i]);

		code = one > code ? one : code;
	}
	if (r == 0)
		r = image_collect(&ctx->store, err);
	return r < 0 ? r : code;
}

const struct command cmd_rmi = {
	.words = "rmi",
	.args = "[options] IMAGE [IMAGE...]",
	.summary = "Remove images from the store",
	.options = rmi_option_table,
	.options_size = sizeof(struct rmi_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_rmi,
};

static int run_exists(struct command_context *ctx, void *options, int argc, char **argv,
		      struct error *err)
{
	cleanup_image_list struct image_list l = { .v = NULL };
	const struct image_info *info;
	struct error scratch;
	int r = image_list(&ctx->store, &l, err);

	(void)options;
	(void)argc;
	if (r < 0)
		return r;
	return image_find(&l, argv[0], &info, NULL, &scratch) < 0 ? EXIT_NOT_THERE : 0;
}

const struct command cmd_image_exists = {
	.words = "image exists",
	.args = "IMAGE",
	.summary = "Exit 0 when the image is in the store, 1 when it is not",
	.min_args = 1,
	.max_args = 1,
	.store = COMMAND_READS,
	.run = run_exists,
};
