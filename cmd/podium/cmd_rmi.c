/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rmi - `podium rmi IMAGE...`: takes names away, and images that have none left; `image exists`.
 *
 * Theory of operation: the arguments are worked on one after another, a failure does not stop the
 * rest. At the end layers that nothing needs are collected once. Exit codes are Podman's: 0; 1 when
 * an image is not there; 2 when one is in use (by a container, or by several names); 125 otherwise.
 * With several failures the highest counts. --force removes the image from the list although a
 * container uses it: the container keeps its layers and can still be started.
 */
#include <errno.h>
#include <stdio.h>

#include "cmd/podium/commands.h"
#include "cmd/podium/format.h"
#include "engine/image/store.h"

#define EXIT_NOT_THERE 1
#define EXIT_IN_USE    2
#define EXIT_OURS      125

struct rmi_options {
	bool all;
	bool force;
	bool ignore;
};

#define O(m) offsetof(struct rmi_options, m)
static const struct option rmi_option_table[] = {
	{ 'a', "all", OPTION_BOOL, O(all), NULL, "Remove all images", false },
	{ 'f', "force", OPTION_BOOL, O(force), NULL,
	  "Also when a container uses it or it has several names", false },
	{ 'i', "ignore", OPTION_BOOL, O(ignore), NULL, "An image that is not there is no error",
	  false },
	OPTIONS_END,
};

/* Removes one; returns the exit code that it asks for. */
static int remove_one(struct command_context *ctx, const struct rmi_options *o, const char *name)
{
	struct image_removal gone;
	struct error err = { .code = 0 };
	int r = image_remove(&ctx->store, name, o->force, &gone, &err);

	if (r == -ENOENT && o->ignore)
		return 0;
	if (r < 0) {
		if (r == -ENOENT)
			(void)error_set(&err, ENOENT, "%.200s: image not known", name);
		command_print_error(&err);
		return r == -ENOENT ? EXIT_NOT_THERE : r == -EBUSY ? EXIT_IN_USE : EXIT_OURS;
	}
	for (size_t i = 0; i < gone.untagged.n; i++) {
		cleanup_free char *line = xasprintf("Untagged: %s", gone.untagged.v[i]);

		format_print_line(line);
	}
	if (gone.deleted)
		(void)printf("Deleted: %s\n", gone.deleted);
	image_removal_done(&gone);
	return 0;
}

static int remove_all(struct command_context *ctx, const struct rmi_options *o, int *ret_code,
		      struct error *err)
{
	cleanup_image_list struct image_list l = { .v = NULL };
	int r = image_list(&ctx->store, &l, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < l.n; i++) {
		/* By name, so that only use by a container stands in the way. */
		for (size_t j = 0; j < l.v[i].names.n; j++) {
			int code = remove_one(ctx, o, l.v[i].names.v[j]);

			*ret_code = code > *ret_code ? code : *ret_code;
		}
		if (!l.v[i].names.n) {
			int code = remove_one(ctx, o, l.v[i].id);

			*ret_code = code > *ret_code ? code : *ret_code;
		}
	}
	return 0;
}

static int run_rmi(struct command_context *ctx, void *options, int argc, char **argv,
		   struct error *err)
{
	const struct rmi_options *o = options;
	int code = 0, r = 0;

	if (!o->all && !argc)
		return error_set(err, EINVAL, "name an image, or give --all");
	if (o->all && argc)
		return error_set(err, EINVAL, "--all takes no names");
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
