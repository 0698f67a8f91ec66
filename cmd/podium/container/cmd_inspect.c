/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect, container inspect, pod inspect - everything about objects, as JSON or by a template.
 *
 * Theory of operation: `inspect` tries each name as a container, a pod, an image, a network, a
 * volume (or as what --type says) and prints one array of all that it found, then one error for each name that it did not
 * find, and exits with 125 when there was one: as Podman does, so that a script gets what there is.
 * `pod inspect` prints an object for one pod (an array for more), again as Podman does.
 *
 * A template is expanded once for each object, with a newline after it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/container/inspect.h"
#include "cmd/podium/container/view.h"
#include "cmd/podium/pod/podview.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"

#define EXIT_OURS 125

struct inspect_options {
	const char *format;
	const char *type;
	bool latest, size;
};
#define O(m) offsetof(struct inspect_options, m)

typedef int inspect_fn(const struct store *s, const char *name, json_t **ret, struct error *err);

static const struct inspect_type {
	const char *name;
	inspect_fn *call;
} types[] = {
	{ "container", inspect_container }, { "pod", inspect_pod },
	{ "image", inspect_image },	    { "network", inspect_network },
	{ "volume", inspect_volume },
};

/* type NULL: all of them in order. */
static int inspect_one(const struct store *s, const char *type, const char *name, json_t **ret,
		       struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct error inner = { 0 };
		int r;

		if (type && strcmp(type, types[i].name) != 0)
			continue;
		r = types[i].call(s, name, ret, &inner);
		if (r == -ENOENT && !type)
			continue;
		if (r == 0)
			return 0;
		*err = inner;
		if (r == -ENOENT && strcmp(types[i].name, "network") == 0)
			r = error_wrap(err, "network %.200s", name);
		else if (r == -ENOENT && strcmp(types[i].name, "image") != 0)
			r = error_set(err, ENOENT, "no such %s %.200s", types[i].name, name);
		return error_wrap(err, "inspecting object");
	}
	return error_set(err, ENOENT, "inspecting object: no such object: \"%.200s\"", name);
}

/* Members of Podman's, which it shows with --size alone. */
static void add_sizes(const struct store *s, const json_t *list)
{
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (json_object_get(one, "HostConfig"))
			inspect_add_sizes(s, one);
}

static int inspect_all(struct command_context *ctx, const char *type,
		       const struct inspect_options *o, int argc, char **argv, struct error *err)
{
	cleanup_json json_t *list = json_array();
	cleanup_free struct error *errors = xcalloc((size_t)argc, sizeof(*errors));
	bool failed = false;
	int r;

	for (int i = 0; i < argc; i++) {
		json_t *one = NULL;

		if (inspect_one(&ctx->store, type, argv[i], &one, &errors[i]) == 0)
			(void)json_array_append_new(list, one);
	}
	if (o->size)
		add_sizes(&ctx->store, list);
	r = format_object(list, o->format, err);
	for (int i = 0; i < argc && r == 0; i++) {
		if (!errors[i].code)
			continue;
		command_print_error(&errors[i]);
		failed = true;
	}
	return r < 0 ? r : failed ? EXIT_OURS : 0;
}

/* --latest: of containers. */
static int inspect_latest_or(struct command_context *ctx, const char *type,
			     const struct inspect_options *o, int argc, char **argv,
			     struct error *err)
{
	char id[65], *word = id;
	int r;

	if (!o->latest && !argc)
		return error_set(err, EINVAL, "no names or ids specified");
	if (!o->latest)
		return inspect_all(ctx, type, o, argc, argv, err);
	if (argc)
		return error_set(err, EINVAL, "--latest and arguments cannot be used together");
	if (type && !is_equal(type, "container"))
		return error_set(err, EINVAL, "--latest is for containers");
	r = view_find(&ctx->store, true, NULL, id, err);
	return r < 0 ? r : inspect_all(ctx, "container", o, 1, &word, err);
}

static int run_inspect(struct command_context *ctx, void *options, int argc, char **argv,
		       struct error *err)
{
	const struct inspect_options *o = options;
	const char *type = is_equal(o->type, "all") ? NULL : o->type;
	bool known = !type;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		known = known || is_equal(type, types[i].name);
	if (!known)
		return error_set(
			err, EINVAL,
			"invalid type \"%.60s\": must be \"image\", \"container\", \"pod\", "
			"\"network\", \"volume\", or \"all\"",
			type);
	return inspect_latest_or(ctx, type, o, argc, argv, err);
}

static int run_container_inspect(struct command_context *ctx, void *options, int argc, char **argv,
				 struct error *err)
{
	const struct inspect_options *o = options;

	return inspect_latest_or(ctx, "container", o, argc, argv, err);
}

static int run_image_inspect(struct command_context *ctx, void *options, int argc, char **argv,
			     struct error *err)
{
	const struct inspect_options *o = options;

	return inspect_all(ctx, "image", o, argc, argv, err);
}

static int inspect_latest_pod(struct command_context *ctx, const struct inspect_options *o,
			      int argc, struct error *err)
{
	struct container_views views = { 0 };
	struct pod_views pods = { 0 };
	cleanup_json json_t *pod = NULL;
	int r = argc ? error_set(err, EINVAL, "--latest and arguments cannot be used together") : 0;

	if (r == 0)
		r = views_load(&ctx->store, &views, err);
	if (r == 0)
		r = pod_views_load(&ctx->store, &views, &pods, err);
	if (r == 0 && !pods.n)
		r = error_set(err, ENOENT, "there is no pod");
	if (r == 0)
		r = inspect_pod(&ctx->store, pods.v[0].id, &pod, err);
	pod_views_done(&pods);
	views_done(&views);
	return r < 0 ? r : format_object(pod, o->format, err);
}

static int run_pod_inspect(struct command_context *ctx, void *options, int argc, char **argv,
			   struct error *err)
{
	const struct inspect_options *o = options;
	cleanup_json json_t *pod = NULL;
	int r;

	if (o->latest)
		return inspect_latest_pod(ctx, o, argc, err);
	if (!argc)
		return error_set(err, EINVAL, "no names or ids specified");
	if (argc > 1)
		return inspect_all(ctx, "pod", o, argc, argv, err);
	r = inspect_pod(&ctx->store, argv[0], &pod, err);
	if (r == -ENOENT)
		(void)puts("[]");
	return r < 0 ? r : format_object(pod, o->format, err);
}

#define OPTION_FORMAT                                                                          \
	{                                                                                      \
		'f', "format", OPTION_STRING, O(format), NULL, "json, or a Go template", false \
	}

#define OPTION_LATEST                                                                         \
	{                                                                                     \
		'l', "latest", OPTION_BOOL, O(latest), NULL, "The one that was created last", \
			false                                                                 \
	}
#define OPTION_SIZE                                                       \
	{                                                                 \
		's', "size", OPTION_BOOL, O(size), NULL,                  \
			"With SizeRw and SizeRootFs of containers", false \
	}

static const struct option inspect_options[] = {
	OPTION_FORMAT,
	OPTION_LATEST,
	OPTION_SIZE,
	{ 't', "type", OPTION_STRING, O(type), "type",
	  "all, container, image, network, pod or"
	  " volume",
	  false },
	OPTIONS_END,
};
static const struct option container_options[] = { OPTION_FORMAT, OPTION_LATEST, OPTION_SIZE,
						   OPTIONS_END };
static const struct option image_options[] = { OPTION_FORMAT, OPTIONS_END };
static const struct option pod_options[] = { OPTION_FORMAT, OPTION_LATEST, OPTIONS_END };

const struct command cmd_inspect = {
	.words = "inspect",
	.args = "[options] NAME [NAME...]",
	.summary = "Everything about containers, pods, images, networks or volumes",
	.details = "  Prints an array with one object for each name: the container, pod, image, "
		   "network or\n  volume of that name, the first that there is.",
	.options = inspect_options,
	.options_size = sizeof(struct inspect_options),
	.max_args = -1,
	.store = COMMAND_READS,
	.run = run_inspect,
};

const struct command cmd_container_inspect = {
	.words = "container inspect",
	.args = "[options] CONTAINER [CONTAINER...]",
	.summary = "Everything about containers",
	.options = container_options,
	.options_size = sizeof(struct inspect_options),
	.max_args = -1,
	.store = COMMAND_READS,
	.run = run_container_inspect,
};

const struct command cmd_image_inspect = {
	.words = "image inspect",
	.args = "[options] IMAGE [IMAGE...]",
	.summary = "Everything about images",
	.options = image_options,
	.options_size = sizeof(struct inspect_options),
	.min_args = 1,
	.max_args = -1,
	.store = COMMAND_READS,
	.run = run_image_inspect,
};

const struct command cmd_pod_inspect = {
	.words = "pod inspect",
	.args = "[options] POD [POD...]",
	.summary = "Everything about a pod",
	.details = "  Prints one object; for several pods, an array.",
	.options = pod_options,
	.options_size = sizeof(struct inspect_options),
	.max_args = -1,
	.store = COMMAND_READS,
	.run = run_pod_inspect,
};
