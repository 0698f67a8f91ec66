/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lifeoptions - the options of the verbs of life (start, stop, rm, pause, ...), of pods and of
 * containers.
 */
#ifndef PODIUM_CMD_LIFEOPTIONS_H
#define PODIUM_CMD_LIFEOPTIONS_H

#include "cmd/podium/base/command.h"

struct life_options {
	bool all;
	bool force;
	bool ignore;
	bool latest;
	bool volumes;
	bool depend;
	bool running;
	bool attach;
	bool interactive;
	struct option_maybe sig_proxy;
	const char *detach_keys;
	const char *signal;
	struct option_int time;
	struct strlist cidfiles; /* of pods: their id files */
	struct strlist filters;
};

#define LIFE(m) offsetof(struct life_options, m)
/* Rows of a command's table. things: "pods", "containers". */
#define OPTION_ALL(things)                                                     \
	{                                                                      \
		'a', "all", OPTION_BOOL, LIFE(all), NULL, "All " things, false \
	}
#define OPTION_IGNORE(things)                                                   \
	{                                                                       \
		'i', "ignore", OPTION_BOOL, LIFE(ignore), NULL,                 \
			"Say nothing about " things " that do not exist", false \
	}
#define OPTION_LATEST(thing)                                                                 \
	{                                                                                    \
		'l', "latest", OPTION_BOOL, LIFE(latest), NULL, "The youngest " thing, false \
	}
#define OPTION_CIDFILE                                                      \
	{                                                                   \
		0, "cidfile", OPTION_STRINGS, LIFE(cidfiles), "file",       \
			"The container whose id stands in this file", false \
	}
#define OPTION_POD_ID_FILE                                                \
	{                                                                 \
		0, "pod-id-file", OPTION_STRINGS, LIFE(cidfiles), "file", \
			"The pod whose id stands in this file", false     \
	}
#define OPTION_FILTER(letter)                                              \
	{                                                                  \
		letter, "filter", OPTION_LIST, LIFE(filters), "key=value", \
			"Those that ps --filter would show", false         \
	}
#define OPTION_GRACE(at)                                                      \
	{                                                                     \
		't', "time", OPTION_INT, at, "seconds",                       \
			"Grace period before SIGKILL; -1: without end", false \
	}
#define OPTION_SIGNAL                                                         \
	{                                                                     \
		's', "signal", OPTION_STRING, LIFE(signal), "signal",         \
			"The signal, by name or number (default KILL)", false \
	}

#define GRACE_OWN     (-1) /* each has its own */
#define GRACE_FOREVER (INT32_MAX / 1000)

/* What --time said, in seconds; GRACE_OWN when it was not given. -EINVAL: no time at all. */
int grace_option(const struct option_int *time, int64_t *ret_s, struct error *err) must_check;

/* The signal's number, KILL for NULL. -EINVAL as Podman says it. */
int signal_option(const char *text, struct error *err) must_check;

/* Whether the options and arguments go together, and name something. */
int life_options_check(const struct life_options *o, int argc, struct error *err) must_check;

/* Appends what the id files say: the first line of each. what: "CIDFile", "pod ID file". */
int life_options_read_files(const struct life_options *o, const char *what, struct strlist *ret,
			    struct error *err) must_check;

#endif
