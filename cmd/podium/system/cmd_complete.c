/* SPDX-License-Identifier: Apache-2.0 */
/*
 * __complete - what may stand where the cursor is: for the scripts of `podium completion`.
 *
 * Theory of operation: the arguments are the words of the line up to the cursor, the last of them
 * unfinished or empty. The tables that parse and help tell the rest: words of commands and groups,
 * names of options, and by the capital words of a command's usage line ("CONTAINER", "POD", "IMAGE")
 * which names of live objects its arguments are. Nothing is written and nothing fails loudly: a store
 * that cannot be read has no names.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/global.h"
#include "cmd/podium/base/options.h"
#include "cmd/podium/container/view.h"
#include "cmd/podium/pod/podview.h"
#include "engine/base/mem.h"
#include "engine/image/store.h"
#include "engine/volumes/named.h"

#define FILES ":files"

struct completion {
	struct store store;
	bool has_store;
	const char *word; /* the unfinished one */
	bool found;
};

static void offer(struct completion *c, const char *text)
{
	if (!text || !is_prefix(text, c->word))
		return;
	printf("%s\n", text);
	c->found = true;
}

static void offer_pair(struct completion *c, const char *before, const char *text)
{
	cleanup_free char *both = xasprintf("%s%s", before, text);

	offer(c, both);
}

/* ---- live names -------------------------------------------------------------------------- */

static void offer_containers(struct completion *c)
{
	struct container_views views;
	struct error scratch; /* no names then */

	if (views_load(&c->store, &views, &scratch) < 0)
		return;
	for (size_t i = 0; i < views.n; i++)
		if (views.v[i].readable && !views.v[i].st.working)
			offer(c, views.v[i].st.name);
	views_done(&views);
}

static void offer_pods(struct completion *c)
{
	struct container_views views;
	struct pod_views pods;
	struct error scratch; /* no names then */

	if (views_load(&c->store, &views, &scratch) < 0)
		return;
	if (pod_views_load(&c->store, &views, &pods, &scratch) == 0) {
		for (size_t i = 0; i < pods.n; i++)
			offer(c, pods.v[i].name);
		pod_views_done(&pods);
	}
	views_done(&views);
}

/* "nginx" stands for "docker.io/library/nginx:latest" on a command line. */
static void offer_image(struct completion *c, const char *name)
{
	static const char *const prefixes[] = { "docker.io/library/", "docker.io/", "localhost/" };

	offer(c, name);
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (is_prefix(name, prefixes[i]))
			offer(c, name + strlen(prefixes[i]));
}

static void offer_images(struct completion *c)
{
	cleanup_image_list struct image_list list = { 0 };
	struct error scratch; /* no names then */

	if (image_list(&c->store, &list, &scratch) < 0)
		return;
	for (size_t i = 0; i < list.n; i++)
		for (size_t k = 0; k < list.v[i].names.n; k++)
			offer_image(c, list.v[i].names.v[k]);
}

static void offer_volumes(struct completion *c)
{
	cleanup_strlist struct strlist names = { 0 };
	struct error scratch; /* no names then */

	if (named_volume_list(&c->store, &names, &scratch) < 0)
		return;
	for (size_t i = 0; i < names.n; i++)
		offer(c, names.v[i]);
}

/* What a capital word of a usage line stands for. */
struct noun {
	const char *word;
	void (*offer)(struct completion *c);
};
static const struct noun nouns[] = {
	{ "CONTAINER", offer_containers }, { "CTR", offer_containers }, { "POD", offer_pods },
	{ "IMAGE", offer_images },	   { "NAME", offer_images },	{ "VOLUME", offer_volumes },
};

static bool is_noun_in(const char *usage, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = strstr(usage, word); p; p = strstr(p + 1, word))
		if ((p == usage || !isupper((unsigned char)p[-1])) && !isupper((unsigned char)p[n]))
			return true;
	return false;
}

static void offer_nouns(struct completion *c, const char *usage)
{
	for (size_t i = 0; c->has_store && i < ARRAY_SIZE(nouns); i++)
		if (is_noun_in(usage, nouns[i].word))
			nouns[i].offer(c);
}

/* ---- options ------------------------------------------------------------------------------ */

static bool takes_value(const struct option *o)
{
	return !is_option_boolean(o) && o->kind != OPTION_REFUSED;
}

static void offer_options(struct completion *c, const struct option *table)
{
	for (const struct option *o = table; o && o->name; o++)
		if (!o->hidden)
			offer_pair(c, "--", o->name);
	offer(c, "--help");
}

/* The option whose value the cursor is at: the word before, when it takes one. */
static const struct option *find_open_option(const struct option *table, const char *before)
{
	size_t n = strlen(before);

	if (n < 2 || before[0] != '-' || strchr(before, '='))
		return NULL;
	for (const struct option *o = table; o && o->name; o++) {
		bool is_it = before[1] == '-' ? strcmp(before + 2, o->name) == 0
					      : o->letter && before[n - 1] == o->letter;

		if (is_it && takes_value(o))
			return o;
	}
	return NULL;
}

static void offer_value(struct completion *c, const struct option *o)
{
	if (is_equal(o->name, "pod") && c->has_store)
		offer_pods(c);
	else if (is_equal(o->name, "volumes-from") || is_equal(o->name, "requires"))
		offer_containers(c);
	else if (is_equal(o->name, "filter") || is_equal(o->name, "format"))
		c->found = true; /* no file is meant */
	if (!c->found)
		printf(FILES "\n");
	c->found = true;
}

/* ---- commands ----------------------------------------------------------------------------- */

static void offer_commands(struct completion *c, const char *group)
{
	size_t n = group ? strlen(group) : 0;

	for (const struct command_row *row = command_rows; row->words; row++) {
		const char *blank = strchr(row->words, ' ');

		if (row->hidden || !!blank != !!group)
			continue;
		if (!group)
			offer(c, row->words);
		else if ((size_t)(blank - row->words) == n && is_prefix(row->words, group))
			offer(c, blank + 1);
	}
	for (const struct command_group *g = command_groups; !group && g->word; g++)
		offer(c, g->word);
}

/* argv[0..argc): the words behind the command, without the unfinished one. */
static void complete_command(struct completion *c, const struct command *cmd, int argc, char **argv)
{
	const struct option *open = argc ? find_open_option(cmd->options, argv[argc - 1]) : NULL;

	if (open) {
		offer_value(c, open);
		return;
	}
	if (*c->word == '-') {
		offer_options(c, cmd->options);
		return;
	}
	offer_nouns(c, cmd->args);
	if (!c->found && (strstr(cmd->args, "FILE") || strstr(cmd->args, "PATH") ||
			  strstr(cmd->args, "CONTEXT") || strstr(cmd->args, "ARG")))
		printf(FILES "\n");
}

static void complete(struct completion *c, int argc, char **argv)
{
	int words = 0;
	const struct command_row *row = commands_find(argc, argv, &words);

	if (row)
		complete_command(c, row->command, argc - words, argv + words);
	else if (argc == 0 && *c->word == '-')
		offer_options(c, global_option_table);
	else if (argc == 0)
		offer_commands(c, NULL);
	else if (argc == 1 && commands_find_group(argv[0]))
		offer_commands(c, argv[0]);
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	struct completion c = { .word = argc ? argv[argc - 1] : "" };
	struct global_options g = { 0 };
	struct options_result found;
	struct error scratch; /* a line that is no command yet has nothing to offer */
	int n = argc ? argc - 1 : 0;

	(void)ctx;
	(void)options;
	(void)err;
	if (n && find_open_option(global_option_table, argv[n - 1]) && n == 1) {
		printf(FILES "\n");
		return 0;
	}
	if (options_parse(global_option_table, &g, true, n, argv, &found, &scratch) < 0)
		return 0;
	c.has_store = store_open(g.root, g.runroot, STORE_READ, &c.store, &scratch) == 0;
	complete(&c, found.n_args, argv);
	if (c.has_store)
		store_close(&c.store);
	return 0;
}

/* Its words are another command's: none of them is an option of its own. */
const struct command cmd_complete = {
	.words = "__complete",
	.args = "[WORD...]",
	.summary = "Offer what may stand at the cursor",
	.max_args = -1,
	.store = COMMAND_NO_STORE,
	.stop_at_first_arg = true,
	.run = run,
};
