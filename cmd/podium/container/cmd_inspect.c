/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect, container inspect, pod inspect - everything about objects, as JSON or by a template.
 *
 * Theory of operation: `inspect` tries each name as a container, a pod, an image, a volume
 * (or as what --type says) and prints one array of all that it found, then one error for each name that it did not
 * find, and exits with 125 when there was one: as Podman does, so that a script gets what there is.
 * `pod inspect` prints an object for one pod (an array for more), again as Podman does.
 *
 * A template is expanded once for each object, with a newline after it.
 */
#include <errno.h>
#include <string.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/container/inspect.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"

#define EXIT_OURS 125

struct inspect_options {
	const char *format;
	const char *type;
};
#define O(m) offsetof(struct inspect_options, m)

typedef int inspect_fn(const struct store *s, const char *name, json_t **ret, struct error *err);

static const struct inspect_type {
	const char *name;
	inspect_fn *call;
} types[] = {
	{ "container", inspect_container },
	{ "pod", inspect_pod },
	{ "image", inspect_image },
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
		if (r < 0)
			*err = inner;
		return r;
	}
	return error_set(err, ENOENT, "no such object: \"%.200s\"", name);
}

static int inspect_all(struct command_context *ctx, const char *type, const char *format, int argc,
		       char **argv, struct error *err)
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
	r = format_object(list, format, err);
	for (int i = 0; i < argc && r == 0; i++) {
		if (!errors[i].code)
			continue;
		command_print_error(&errors[i]);
		failed = true;
	}
	return r < 0 ? r : failed ? EXIT_OURS : 0;
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
		return error_set(err, EINVAL,
				 "invalid type \"%.60s\": must be all, container, image, pod or volume",
				 type);
	return inspect_all(ctx, type, o->format, argc, argv, err);
}

static int run_container_inspect(struct command_context *ctx, void *options, int argc, char **argv,
				 struct error *err)
{
	const struct inspect_options *o = options;

	return inspect_all(ctx, "container", o->format, argc, argv, err);
}

static int run_image_inspect(struct command_context *ctx, void *options, int argc, char **argv,
			     struct error *err)
{
	const struct inspect_options *o = options;

	return inspect_all(ctx, "image", o->format, argc, argv, err);
}

static int run_pod_inspect(struct command_context *ctx, void *options, int argc, char **argv,
			   struct error *err)
{
	const struct inspect_options *o = options;
	cleanup_json json_t *pod = NULL;
	int r;

	if (argc > 1)
		return inspect_all(ctx, "pod", o->format, argc, argv, err);
	r = inspect_pod(&ctx->store, argv[0], &pod, err);
	return r < 0 ? r : format_object(pod, o->format, err);
}

#define OPTION_FORMAT                                                                          \
	{                                                                                      \
		'f', "format", OPTION_STRING, O(format), NULL, "json, or a Go template", false \
	}

static const struct option inspect_options[] = {
	OPTION_FORMAT,
	{ 't', "type", OPTION_STRING, O(type), "type", "all, container, image, pod or volume", false },
	OPTIONS_END,
};
static const struct option one_type_options[] = { OPTION_FORMAT, OPTIONS_END };

const struct command cmd_inspect = {
	.words = "inspect",
	.args = "[options] NAME [NAME...]",
	.summary = "Everything about containers, pods, images or volumes",
	.details = "  Prints an array with one object for each name: the container, pod or image "
		   "of that\n"
		   "  name, the first that there is.",
	.options = inspect_options,
	.options_size = sizeof(struct inspect_options),
	.min_args = 1,
	.max_args = -1,
	.store = COMMAND_READS,
	.run = run_inspect,
};

const struct command cmd_container_inspect = {
	.words = "container inspect",
	.args = "[options] CONTAINER [CONTAINER...]",
	.summary = "Everything about containers",
	.options = one_type_options,
	.options_size = sizeof(struct inspect_options),
	.min_args = 1,
	.max_args = -1,
	.store = COMMAND_READS,
	.run = run_container_inspect,
};

const struct command cmd_image_inspect = {
	.words = "image inspect",
	.args = "[options] IMAGE [IMAGE...]",
	.summary = "Everything about images",
	.options = one_type_options,
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
	.options = one_type_options,
	.options_size = sizeof(struct inspect_options),
	.min_args = 1,
	.max_args = -1,
	.store = COMMAND_READS,
	.run = run_pod_inspect,
};
