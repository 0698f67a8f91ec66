/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command - what a command of podium is: one file, one `const struct command`, one table in main.c.
 *
 * main.c finds the command by its words ("kube play", "ps"), parses the options by the command's
 * table into a zeroed struct of options_size bytes, opens the store as the command asks for, calls
 * run(), prints the error if run() returned one, and chooses the exit code.
 */
#ifndef PODIUM_CMD_COMMAND_H
#define PODIUM_CMD_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/state/layout.h"

enum option_kind {
	OPTION_BOOL,	/* bool; --x, --x=false */
	OPTION_MAYBE,	/* struct option_maybe: a bool that may be left to others; --x, --x=false */
	OPTION_STRING,	/* const char *; the last one wins */
	OPTION_STRINGS, /* struct strlist; may be given again */
	OPTION_LIST,	/* struct strlist; may be given again, and each value is split at commas */
	OPTION_WORD,	/* const char *; --x is "true", another word only as --x=word */
	OPTION_INT,	/* struct option_int, strict decimal, may be negative: the command checks */
	OPTION_SECONDS, /* struct option_seconds: whole seconds; -1 (without end) is allowed */
	OPTION_REFUSED, /* Podman has it, podium cannot: help says why, in a few words */
	OPTION_FIXED,	/* one value is what always is so here: any other is refused, help says why */
};
struct option_maybe {
	bool set;
	bool value;
};
struct option_int {
	bool set;
	int64_t value;
};
struct option_seconds {
	bool set;
	int64_t value;
};
struct option {
	char letter;	  /* 0: none */
	const char *name; /* long name without dashes */
	enum option_kind kind;
	size_t offset;	   /* into the command's option struct */
	const char *value; /* name of the value in help: "string", "int" */
	const char *help;
	bool hidden;
};
/* A flag of Podman's that is refused by its name. */
#define OPTION_REFUSE(letter_, name_, why_)                               \
	{                                                                 \
		(letter_), (name_), OPTION_REFUSED, 0, NULL, (why_), true \
	}
/* A flag of Podman's that is taken with the one value that is true here: --name=value. One with the
 * value "true" or "false" is a boolean. */
#define OPTION_ONLY(letter_, name_, value_, why_)                            \
	{                                                                    \
		(letter_), (name_), OPTION_FIXED, 0, (value_), (why_), true \
	}
#define OPTIONS_END          \
	{                    \
		.name = NULL \
	}

/* A boolean: its value is never the next argument but one of its own word, after '='. */
static inline bool is_option_boolean(const struct option *o)
{
	return o->kind == OPTION_BOOL || o->kind == OPTION_MAYBE || o->kind == OPTION_WORD ||
	       (o->kind == OPTION_FIXED &&
		(is_equal(o->value, "true") || is_equal(o->value, "false")));
}

enum command_store {
	COMMAND_NO_STORE,
	COMMAND_READS,	/* store_open(STORE_READ) */
	COMMAND_WRITES, /* store_open(STORE_WRITE) */
};

struct command_context {
	struct store store; /* opened as the command asked */
	bool debug;	    /* --log-level debug */
	bool stdout_is_tty;
};

struct command {
	const char *words;   /* "kube play" */
	const char *args;    /* "[options] FILE [FILE...]" */
	const char *summary; /* one line for help lists */
	const char *details; /* more help, or NULL */
	const struct option *options;
	size_t options_size;
	/* or NULL; what options.c filled (string lists) is freed without it */
	void (*set_defaults)(void *options); /* or NULL: before the options are parsed */
	void (*free_options)(void *options);
	int min_args;
	int max_args; /* -1: any */
	enum command_store store;
	bool stop_at_first_arg; /* options end at the first argument: exec, run */
	/* Returns the exit code (0, 1, 126, 127 or a container's) or -errno with err set: then main
	 * prints "Error: <text>" and exits with 125. */
	int (*run)(struct command_context *ctx, void *options, int argc, char **argv,
		   struct error *err);
};

/* Prints "Error: <text>" on stderr, escaped for a terminal. For commands that go on with their
 * other arguments after one has failed. */
void command_print_error(const struct error *err);
/* "WARN[0000] text" is docker's; ours is "Warning: <text>" on stderr, escaped; nothing at the log
 * level error and above. */
void command_print_warning(const char *text);
/* Adds the words that this program was called with, as they were typed; none when they cannot be read
 * (proc(5)), or are more than a record shall hold. */
void command_line_words(struct strlist *ret);
/* Called once, by main(), for --log-level error. */
void command_hide_warnings(void);

#endif
