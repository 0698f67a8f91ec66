/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lifeoptions - the options of start, stop and rm, of pods and of containers.
 */
#ifndef PODIUM_CMD_LIFEOPTIONS_H
#define PODIUM_CMD_LIFEOPTIONS_H

#include "cmd/podium/base/command.h"

struct life_options {
	bool all;
	bool force;
	bool ignore;
	bool volumes;
	struct option_int time;
};

/* Rows of a command's table. things: "pods", "containers". */
#define OPTION_ALL(things)                                                                        \
	{                                                                                         \
		'a', "all", OPTION_BOOL, offsetof(struct life_options, all), NULL, "All " things, \
			false                                                                     \
	}
#define OPTION_IGNORE(things)                                                            \
	{                                                                                \
		'i', "ignore", OPTION_BOOL, offsetof(struct life_options, ignore), NULL, \
			"Say nothing about " things " that do not exist", false          \
	}
#define OPTION_GRACE(at)                                                                     \
	{                                                                                    \
		't', "time", OPTION_INT, at, "seconds", "Grace period before SIGKILL", false \
	}

/* What --time said, in seconds; -1 when it was not given. -EINVAL: no time at all. */
int grace_option(const struct option_int *time, int64_t *ret_s, struct error *err) must_check;

#endif
