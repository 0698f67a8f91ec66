/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create_options - what `run` and `create` are told: Podman's flags, as they were written.
 *
 * create_plan.c makes the engine's plan of them, create_make.c the container.
 */
#ifndef PODIUM_CMD_CREATE_OPTIONS_H
#define PODIUM_CMD_CREATE_OPTIONS_H

#include "cmd/podium/base/command.h"
#include "engine/pod/spec.h"

struct create_options {
	const char *name;
	bool detach; /* run alone */
	bool interactive;
	bool tty;
	bool remove;
	struct strlist publish;
};

/* The image and its arguments become a plan of one container in a pod of its own (solo), or of one
 * that joins a pod that is there. Pure: nothing is looked up but the environment that flags name. */
int create_plan(const struct create_options *o, int argc, char **argv, struct pod_plan *ret,
		struct error *err) must_check;

/* What create_make() has made. */
struct created {
	char pod_id[65];
	char container_id[65];
};

/* Pulls the image if it must, checks, writes the records, and claims the names. On failure nothing
 * of it is left. The container is ready to be started. */
int create_make(struct command_context *ctx, const struct create_options *o, struct pod_plan *plan,
		struct created *ret, struct error *err) must_check;

#endif
