/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command - how errors and warnings reach the person: one line on stderr.
 *
 * Theory of operation: error texts hold names and bytes that others chose (image names, paths,
 * lines of a manifest). On a terminal they pass str_printable(), so that no byte of them moves the
 * cursor or hides the line; into a file or pipe they go as they are. The line is written with one
 * write(2), so that the lines of several commands on one terminal do not mix. Buffered output of
 * stdout goes first: what is read in order was written in order.
 */
#include "cmd/podium/base/command.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"

#define COMMAND_LINE_MAX (64 << 10)

static void print_line(const char *prefix, const char *text)
{
	cleanup_free char *safe = isatty(STDERR_FILENO) ? str_printable(text, strlen(text)) : NULL;
	cleanup_free char *line = xasprintf("%s: %s\n", prefix, safe ? safe : text);

	(void)fflush(stdout);
	(void)!fs_write_all(STDERR_FILENO, line, strlen(line));
}

void command_print_error(const struct error *err)
{
	print_line("Error", err->code ? err->text : "failed without a reason");
}

/* Part of the log level, which is the one thing that a process has once. */
static bool warnings_hidden;

void command_hide_warnings(void)
{
	warnings_hidden = true;
}

void command_print_warning(const char *text)
{
	if (!warnings_hidden)
		print_line("Warning", text);
}

void command_line_words(struct strlist *ret)
{
	cleanup_free char *text = NULL;
	struct error scratch; /* a record without them says less */
	size_t len = 0;

	if (fs_read_file(AT_FDCWD, "/proc/self/cmdline", COMMAND_LINE_MAX, &text, &len, &scratch) < 0)
		return;
	for (const char *p = text; p < text + len; p += strlen(p) + 1)
		strlist_add(ret, p);
}
