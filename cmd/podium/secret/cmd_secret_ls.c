/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret ls, secret inspect - what secrets there are; never what is in them.
 */
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/base/template.h"
#include "cmd/podium/container/view.h"
#include "cmd/podium/image/imageview.h"
#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/data/secret.h"

#define EXIT_OURS 125

static void set(json_t *obj, const char *key, json_t *value)
{
	(void)json_object_set_new(obj, key, value);
}

/* ---- ls --------------------------------------------------------------------------------- */

struct ls_command {
	struct strlist filters;
	const char *format;
	bool no_heading;
	bool quiet;
};
#define O(m) offsetof(struct ls_command, m)
static const struct option ls_option_table[] = {
	{ 'f', "filter", OPTION_LIST, O(filters), "key=value", "name or id", false },
	{ 0, "format", OPTION_STRING, O(format), "string", "json or a Go template", false },
	{ 'n', "noheading", OPTION_BOOL, O(no_heading), NULL, "Print no headings", false },
	{ 'q', "quiet", OPTION_BOOL, O(quiet), NULL, "Print ids only", false },
	OPTIONS_END,
};
#undef O

/* A pattern in it; an id begins with it. */
static int match_one(const char *filter, const struct secret_record *rec, struct error *err)
{
	const char *value = strchr(filter, '=');
	regex_t regex;
	int r;

	if (!value)
		return error_set(err, EINVAL,
				 "filter input must be in the form of filter=value: %.60s is "
				 "invalid",
				 filter);
	value++;
	if (is_prefix(filter, "id="))
		return is_prefix(rec->id, value);
	if (!is_prefix(filter, "name="))
		return error_set(err, EINVAL, "invalid filter \"%.*s\"", (int)strcspn(filter, "="),
				 filter);
	if (regcomp(&regex, value, REG_EXTENDED | REG_NOSUB) != 0)
		return error_set(err, EINVAL, "filter name: bad pattern '%.60s'", value);
	r = regexec(&regex, rec->name, 0, NULL, 0) == 0;
	regfree(&regex);
	return r;
}

/* Values of one key are alternatives, both keys must hold. Returns 1, 0 or -errno. */
static int match(const struct strlist *filters, const struct secret_record *rec, struct error *err)
{
	bool asks[2] = { false }, has[2] = { false };

	for (size_t i = 0; i < filters->n; i++) {
		int key = is_prefix(filters->v[i], "id=");
		int r = match_one(filters->v[i], rec, err);

		if (r < 0)
			return r;
		asks[key] = true;
		has[key] = has[key] || r;
	}
	return (!asks[0] || has[0]) && (!asks[1] || has[1]);
}

static json_t *make_row(const struct secret_record *rec, int64_t now_ns)
{
	json_t *j = json_object();

	set(j, "ID", json_string(rec->id));
	set(j, "Name", json_string(rec->name));
	set(j, "Driver", json_string("file"));
	jset_owned(j, "CreatedAt", view_age(rec->created_ns, now_ns));
	jset_owned(j, "UpdatedAt", view_age(rec->updated_ns, now_ns));
	return j;
}

static int run_ls(struct command_context *ctx, void *options, int argc, char **argv,
		  struct error *err)
{
	static const struct format_column columns[] = {
		{ "ID", "ID" },
		{ "NAME", "Name" },
		{ "DRIVER", "Driver" },
		{ "CREATED", "CreatedAt" },
		{ "UPDATED", "UpdatedAt" },
		{ NULL, NULL },
	};
	static const struct secret_record nobody = { .id = (char *)(uintptr_t) "",
						     .name = (char *)(uintptr_t) "" };
	const struct ls_command *o = options;
	cleanup_secret_list struct secret_list all = { 0 };
	cleanup_json json_t *rows = json_array();
	int64_t now_ns = clock_wall_ns();
	int r = match(&o->filters, &nobody, err); /* a bad filter is one without secrets, too */

	(void)argc;
	(void)argv;
	if (r >= 0)
		r = secret_list(&ctx->store, &all, err);
	for (size_t i = 0; r >= 0 && i < all.n; i++) {
		r = match(&o->filters, &all.v[i], err);
		if (r > 0 && o->quiet)
			printf("%s\n", all.v[i].id);
		else if (r > 0)
			(void)json_array_append_new(rows, make_row(&all.v[i], now_ns));
	}
	if (r < 0 || o->quiet)
		return r < 0 ? r : 0;
	return format_rows(rows, columns, o->format, o->no_heading, err);
}

/* ---- inspect ---------------------------------------------------------------------------- */

struct inspect_command {
	const char *format;
	bool pretty;
};
#define O(m) offsetof(struct inspect_command, m)
static const struct option inspect_option_table[] = {
	{ 'f', "format", OPTION_STRING, O(format), "string", "json or a Go template", false },
	{ 0, "pretty", OPTION_BOOL, O(pretty), NULL, "Print it for people", false },
	OPTIONS_END,
};
#undef O

static json_t *make_object(const struct store *s, const struct secret_record *rec)
{
	json_t *j = json_object(), *spec = json_object(), *options = view_pairs(&rec->options);
	json_t *texts = json_object();

	jset_owned(options, "path",
		   rec->namespace_ ? xasprintf("%s/secrets/%s", s->root, rec->namespace_)
				   : xasprintf("%s/secrets/.made", s->root));
	set(j, "ID", json_string(rec->id));
	set(j, "CreatedAt", view_utc(rec->created_ns));
	set(j, "UpdatedAt", view_utc(rec->updated_ns));
	set(spec, "Name", json_string(rec->name));
	set(spec, "Driver", json_pack("{s:s, s:o}", "Name", "file", "Options", options));
	set(spec, "Labels", view_pairs(&rec->labels));
	set(j, "Spec", spec);
	jset_owned(texts, "CreatedAt", view_go_time(rec->created_ns));
	jset_owned(texts, "UpdatedAt", view_go_time(rec->updated_ns));
	set(j, TEMPLATE_TEXTS, texts);
	return j;
}

static void print_pretty(const struct secret_record *rec)
{
	cleanup_free char *created = view_go_time(rec->created_ns);
	cleanup_free char *updated = view_go_time(rec->updated_ns);

	printf("ID:              %s\nName:              %s\n", rec->id, rec->name);
	if (rec->labels.n)
		printf("Labels:\n");
	for (size_t i = 0; i < rec->labels.n; i++) {
		const struct strpair *p = &rec->labels.v[i];
		cleanup_free char *line =
			xasprintf(" - %s%s%s", p->key, *p->value ? "=" : "", p->value);

		format_print_line(line);
	}
	printf("Driver:            file\nCreated at:        %s\nUpdated at:        %s\n", created,
	       updated);
}

static int run_inspect(struct command_context *ctx, void *options, int argc, char **argv,
		       struct error *err)
{
	const struct inspect_command *o = options;
	cleanup_free struct error *errors = xcalloc((size_t)argc, sizeof(*errors));
	cleanup_json json_t *list = json_array();
	int r = 0, code = 0;

	if (o->pretty && o->format)
		return error_set(err, EINVAL, "--pretty and --format exclude each other");
	for (int i = 0; i < argc; i++) {
		cleanup_secret_record struct secret_record rec = { 0 };
		int one = secret_lookup(&ctx->store, argv[i], &rec, &errors[i]);

		if (one < 0) {
			error_wrap(&errors[i], "inspecting secret");
			code = EXIT_OURS;
		} else if (o->pretty) {
			print_pretty(&rec);
		} else {
			(void)json_array_append_new(list, make_object(&ctx->store, &rec));
		}
	}
	if (!o->pretty && (is_empty(o->format) || is_equal(o->format, "json")))
		r = format_object(list, o->format, err);
	else if (!o->pretty)
		r = format_rows(list, NULL, o->format, false, err);
	for (int i = 0; r == 0 && i < argc; i++)
		if (errors[i].code)
			command_print_error(&errors[i]);
	return r < 0 ? r : code;
}

const struct command cmd_secret_ls = {
	.words = "secret ls",
	.args = "[options]",
	.summary = "List secrets",
	.options = ls_option_table,
	.options_size = sizeof(struct ls_command),
	.max_args = 0,
	.store = COMMAND_READS,
	.run = run_ls,
};

const struct command cmd_secret_inspect = {
	.words = "secret inspect",
	.args = "[options] SECRET [SECRET...]",
	.summary = "What is known of secrets, but not what is in them",
	.options = inspect_option_table,
	.options_size = sizeof(struct inspect_command),
	.min_args = 1,
	.max_args = -1,
	.store = COMMAND_READS,
	.run = run_inspect,
};
