/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help - help texts, all made from the command table and the option tables.
 *
 * Theory of operation: nothing is written twice. Each text has the sections that completion scripts
 * and people look for: a summary, "Usage:", "Available Commands:" and "Options:". Lists are aligned
 * by the longest name in them. Help that was asked for goes to stdout and exits with 0; main.c
 * prints the program's or a group's help before it complains that the command is missing.
 *
 * Limits: descriptions are not wrapped; option helps are kept short enough for 100 columns.
 */
#include "cmd/podium/base/help.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/global.h"

/* "-a, --all", "    --format string". */
static void option_spelling(const struct option *o, char *out, size_t size)
{
	const char *value = o->value;
	char letter[8] = "    ";

	if (o->letter)
		(void)snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	if (!value && o->kind != OPTION_BOOL && o->kind != OPTION_MAYBE)
		value = o->kind == OPTION_INT || o->kind == OPTION_SECONDS ? "int" : "string";
	if (o->kind == OPTION_WORD)
		(void)snprintf(out, size, "%s--%s[=%s]", letter, o->name, value);
	else
		(void)snprintf(out, size, "%s--%s%s%s", letter, o->name, value ? " " : "",
			       value ? value : "");
}

static void print_options(const struct option *table)
{
	char spelling[80];
	int width = (int)strlen("    --help");

	for (const struct option *o = table; o && o->name; o++) {
		option_spelling(o, spelling, sizeof(spelling));
		if (!o->hidden && (int)strlen(spelling) > width)
			width = (int)strlen(spelling);
	}
	printf("\nOptions:\n");
	for (const struct option *o = table; o && o->name; o++) {
		option_spelling(o, spelling, sizeof(spelling));
		if (!o->hidden)
			printf("  %-*s   %s\n", width, spelling, o->help);
	}
	printf("  %-*s   %s\n", width, "    --help", "Print this help");
}

/* The word of a row below a group ("pod", or NULL for the top), or NULL when it is not there. */
static const char *word_in_group(const struct command_row *row, const char *group)
{
	const char *space = strchr(row->words, ' ');

	if (row->hidden)
		return NULL;
	if (!group)
		return space ? NULL : row->words;
	if (!space || (size_t)(space - row->words) != strlen(group) ||
	    memcmp(row->words, group, strlen(group)) != 0)
		return NULL;
	return space + 1;
}

static void print_commands(const char *group)
{
	int width = 0;

	for (const struct command_group *g = command_groups; !group && g->word; g++)
		width = (int)strlen(g->word) > width ? (int)strlen(g->word) : width;
	for (const struct command_row *row = command_rows; row->words; row++) {
		const char *word = word_in_group(row, group);

		if (word && (int)strlen(word) > width)
			width = (int)strlen(word);
	}
	printf("\nAvailable Commands:\n");
	for (const struct command_row *row = command_rows; row->words; row++) {
		const char *word = word_in_group(row, group);

		if (word)
			printf("  %-*s  %s\n", width, word, row->command->summary);
	}
	for (const struct command_group *g = command_groups; !group && g->word; g++)
		printf("  %-*s  %s\n", width, g->word, g->summary);
}

void help_print_program(void)
{
	printf("Pods, containers and Kubernetes YAML on one machine, without a daemon\n\n"
	       "Usage:\n  podium [options] [command]\n");
	print_commands(NULL);
	print_options(global_option_table);
}

void help_print_group(const struct command_group *group)
{
	printf("%s\n\nUsage:\n  podium %s [command]\n", group->summary, group->word);
	print_commands(group->word);
	print_options(NULL);
}

void help_print_command(const struct command_row *row)
{
	const struct command *c = row->command;
	bool first = true;

	printf("%s\n", c->summary);
	if (c->details)
		printf("\nDescription:\n%s\n", c->details);
	printf("\nUsage:\n  podium %s%s%s\n", row->words, *c->args ? " " : "", c->args);
	for (const struct command_row *r = command_rows; r->words; r++) {
		if (r->command != c || r == row || r->hidden)
			continue;
		printf("%s%s", first ? "\nAliases:\n  " : ", ", r->words);
		first = false;
	}
	printf("%s", first ? "" : "\n");
	print_options(c->options);
}

static int run_help(struct command_context *ctx, void *options, int argc, char **argv,
		    struct error *err)
{
	int words = 0;
	const struct command_row *row = commands_find(argc, argv, &words);
	const struct command_group *group = argc > 0 ? commands_find_group(argv[0]) : NULL;
	const struct refused_command *refused = argc > 0 ? commands_find_refused(argc, argv) : NULL;

	(void)ctx;
	(void)options;
	if (argc == 0)
		help_print_program();
	else if (row && words == argc)
		help_print_command(row);
	else if (group && argc == 1)
		help_print_group(group);
	else if (refused)
		return error_set(err, EOPNOTSUPP, "`podium %s` is not supported: %s",
				 refused->words, refused->why);
	else
		return error_set(err, EINVAL, "unrecognized command `podium %.100s%s%.100s`",
				 argv[0], argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
	return 0;
}

const struct command cmd_help = {
	.words = "help",
	.args = "[COMMAND]",
	.summary = "Help about any command",
	.max_args = 2,
	.store = COMMAND_NO_STORE,
	.run = run_help,
};
