/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume ls, volume inspect - volumes in a table, as JSON, by a template.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/volume/volumes.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"

#define EXIT_OURS 125

/* ---- ls --------------------------------------------------------------------------------- */

struct ls_command {
	struct strlist filters;
	const char *format;
	bool no_heading;
	bool quiet;
};
#define O(m) offsetof(struct ls_command, m)
static const struct option ls_option_table[] = {
	{ 'f', "filter", OPTION_LIST, O(filters), "key=value",
	  "name, label, label!, driver, scope, dangling, opt, until", false },
	{ 0, "format", OPTION_STRING, O(format), "string", "json or a Go template", false },
	{ 'n', "noheading", OPTION_BOOL, O(no_heading), NULL, "Print no headings", false },
	{ 'q', "quiet", OPTION_BOOL, O(quiet), NULL, "Print names only", false },
	OPTIONS_END,
};
#undef O

static int run_ls(struct command_context *ctx, void *options, int argc, char **argv,
		  struct error *err)
{
	static const struct format_column columns[] = {
		{ "DRIVER", "Driver" },
		{ "VOLUME NAME", "Name" },
		{ NULL, NULL },
	};
	const struct ls_command *o = options;
	cleanup_volume_set struct volume_set all = { 0 };
	cleanup_json json_t *rows = json_array();
	struct volume_filter *f = NULL;
	int r;

	(void)argc;
	(void)argv;
	if (o->quiet && o->format)
		return error_set(err, EINVAL, "quiet and format flags cannot be used together");
	r = volume_filter_parse(&ctx->store, &o->filters, &f, err);
	if (r == 0)
		r = volume_set_load(&ctx->store, &all, err);
	for (size_t i = 0; r == 0 && i < all.n; i++) {
		if (!is_volume_match(f, &all.v[i]))
			continue;
		if (o->quiet)
			printf("%s\n", all.v[i].name);
		else
			(void)json_array_append_new(rows, volume_json(&ctx->store, &all.v[i]));
	}
	volume_filter_free(f);
	if (r < 0 || o->quiet || (!o->format && !json_array_size(rows)))
		return r;
	return format_list(rows, columns, o->format, o->no_heading, err);
}

/* ---- inspect ---------------------------------------------------------------------------- */

struct inspect_command {
	bool all;
	const char *format;
};
#define O(m) offsetof(struct inspect_command, m)
static const struct option inspect_option_table[] = {
	{ 'a', "all", OPTION_BOOL, O(all), NULL, "All volumes", false },
	{ 'f', "format", OPTION_STRING, O(format), "string", "json or a Go template", false },
	OPTIONS_END,
};
#undef O

static int inspect_one(const struct store *s, const char *word, json_t *list, struct error *err)
{
	cleanup_named_volume struct named_volume v = { 0 };
	cleanup_free char *name = NULL;
	struct error why = { 0 };
	int r = volume_resolve(s, word, &name, &why);

	if (r == -ENOENT)
		return error_set(err, ENOENT, "inspecting object: no such volume %.200s", word);
	if (r == 0)
		r = named_volume_read(s, name, &v, &why);
	if (r < 0) {
		*err = why;
		return r;
	}
	(void)json_array_append_new(list, volume_json(s, &v));
	return 0;
}

static int run_inspect(struct command_context *ctx, void *options, int argc, char **argv,
		       struct error *err)
{
	const struct inspect_command *o = options;
	cleanup_strlist struct strlist words = { 0 };
	cleanup_json json_t *list = json_array();
	cleanup_free struct error *errors = NULL;
	int r = 0, code = 0;

	if (o->all == (argc > 0))
		return error_set(err, EINVAL, "provide one or more volume names or use --all");
	if (o->all)
		r = named_volume_list(&ctx->store, &words, err);
	for (int i = 0; i < argc; i++)
		strlist_add(&words, argv[i]);
	if (r < 0)
		return r;
	errors = xcalloc(words.n + 1, sizeof(*errors));
	for (size_t i = 0; i < words.n; i++)
		if (inspect_one(&ctx->store, words.v[i], list, &errors[i]) < 0)
			code = EXIT_OURS;
	if (json_array_size(list) || is_empty(o->format) || is_format_json(o->format))
		r = format_object(list, o->format, err);
	for (size_t i = 0; r == 0 && i < words.n; i++)
		if (errors[i].code)
			command_print_error(&errors[i]);
	return r < 0 ? r : code;
}

const struct command cmd_volume_ls = {
	.words = "volume ls",
	.args = "[options]",
	.summary = "List volumes",
	.options = ls_option_table,
	.options_size = sizeof(struct ls_command),
	.max_args = 0,
	.store = COMMAND_READS,
	.run = run_ls,
};

const struct command cmd_volume_inspect = {
	.words = "volume inspect",
	.args = "[options] VOLUME [VOLUME...]",
	.summary = "Everything about volumes",
	.options = inspect_option_table,
	.options_size = sizeof(struct inspect_command),
	.max_args = -1,
	.store = COMMAND_READS,
	.run = run_inspect,
};
