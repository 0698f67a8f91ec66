/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network ls, network inspect, network exists - looking at networks.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/network/networks.h"
#include "engine/base/mem.h"

#define EXIT_OURS 125

/* ---- ls --------------------------------------------------------------------------------- */

struct ls_options {
	struct strlist filters;
	const char *format;
	bool no_trunc, no_heading, quiet;
};
#define O(m) offsetof(struct ls_options, m)
static const struct option ls_option_table[] = {
	{ 'f', "filter", OPTION_STRINGS, O(filters), "key=value",
	  "name, id, driver, label, label!, until, dangling", false },
	{ 0, "format", OPTION_STRING, O(format), "string", "json or a Go template", false },
	{ 0, "no-trunc", OPTION_BOOL, O(no_trunc), NULL, "Whole ids", false },
	{ 0, "noheading", OPTION_BOOL, O(no_heading), NULL, "Print no headings", false },
	{ 'q', "quiet", OPTION_BOOL, O(quiet), NULL, "Print names only", false },
	OPTIONS_END,
};
#undef O

static int run_ls(struct command_context *ctx, void *options, int argc, char **argv,
		  struct error *err)
{
	static const struct format_column columns[] = {
		{ "NETWORK ID", "ID" },
		{ "NAME", "Name" },
		{ "DRIVER", "Driver" },
		{ NULL, NULL },
	};
	const struct ls_options *o = options;
	cleanup_network_set struct network_set all = { 0 };
	struct network_filter *f = NULL;
	json_t *rows = json_array();
	int r = network_filter_parse(&ctx->store, &o->filters, false, &f, err);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = network_set_load(&ctx->store, &all, err);
	for (size_t i = 0; r == 0 && i < all.n; i++) {
		if (!is_network_match(f, &all.v[i]))
			continue;
		if (o->quiet && !o->format)
			printf("%s\n", all.v[i].name);
		(void)json_array_append_new(rows, is_format_json(o->format)
							  ? network_json(&all.v[i])
							  : network_row(&all.v[i], o->no_trunc));
	}
	if (r == 0 && (!o->quiet || o->format))
		r = format_list(rows, columns, o->format, o->no_heading, err);
	network_filter_free(f);
	json_decref(rows);
	return r;
}

const struct command cmd_network_ls = {
	.words = "network ls",
	.args = "[options]",
	.summary = "List networks",
	.options = ls_option_table,
	.options_size = sizeof(struct ls_options),
	.max_args = 0,
	.store = COMMAND_WRITES,
	.run = run_ls,
};

/* ---- inspect ---------------------------------------------------------------------------- */

struct inspect_options {
	const char *format;
};
#define O(m) offsetof(struct inspect_options, m)
static const struct option inspect_option_table[] = {
	{ 'f', "format", OPTION_STRING, O(format), "string", "json or a Go template", false },
	OPTIONS_END,
};
#undef O

static int inspect_one(const struct store *s, const char *word, bool is_json, json_t *list)
{
	cleanup_network_conf struct network_conf c = { 0 };
	cleanup_free char *name = NULL;
	struct error err = { 0 };
	int r = network_conf_find(s, word, &name, &err);

	if (r == 0)
		r = network_conf_read(s, name, &c, &err);
	if (r < 0) {
		error_ignore(error_wrap(&err, "inspecting object: network %.128s", word));
		command_print_error(&err);
		return r;
	}
	(void)json_array_append_new(list, is_json ? network_json(&c) : network_texts(&c));
	return 0;
}

static int run_inspect(struct command_context *ctx, void *options, int argc, char **argv,
		       struct error *err)
{
	const struct inspect_options *o = options;
	bool is_json = is_empty(o->format) || is_format_json(o->format);
	json_t *list = json_array();
	int r = networks_choose_default(&ctx->store, err), code = 0;

	for (int i = 0; i < argc && r == 0; i++)
		if (inspect_one(&ctx->store, argv[i], is_json, list) < 0)
			code = EXIT_OURS;
	if (r == 0 && (is_json || json_array_size(list)))
		r = format_object(list, o->format, err);
	json_decref(list);
	return r < 0 ? r : code;
}

const struct command cmd_network_inspect = {
	.words = "network inspect",
	.args = "[options] NETWORK [NETWORK...]",
	.summary = "Everything about networks",
	.options = inspect_option_table,
	.options_size = sizeof(struct inspect_options),
	.min_args = 1,
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_inspect,
};

/* ---- exists ----------------------------------------------------------------------------- */

static int run_exists(struct command_context *ctx, void *options, int argc, char **argv,
		      struct error *err)
{
	cleanup_free char *name = NULL;
	int r = network_conf_find(&ctx->store, argv[0], &name, err);

	(void)options;
	(void)argc;
	return r == -ENOENT ? 1 : r;
}

const struct command cmd_network_exists = {
	.words = "network exists",
	.args = "NETWORK",
	.summary = "Exits with 0 if there is a network of that name, else with 1",
	.min_args = 1,
	.max_args = 1,
	.store = COMMAND_READS,
	.run = run_exists,
};
