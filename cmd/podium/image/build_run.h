/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build_run - a build's RUN steps: containers of the built-in engine, asked for by podium-image.
 *
 * The events and what they mean are in engine/build/step.h. A working container is a pod of one
 * container that is never completed on disk: `ps --external` shows it while it runs, and whatever a
 * crash leaves of it is removed by the next build (and by `pod rm -f`).
 */
#ifndef PODIUM_CMD_BUILD_RUN_H
#define PODIUM_CMD_BUILD_RUN_H

#include <jansson.h>
#include <stdbool.h>

#include "cmd/podium/image/imagejob.h"
#include "engine/base/error.h"
#include "engine/pod/spec.h"
#include "engine/state/layout.h"

struct build_run_options {
	bool is_silent;		    /* what the steps print is not shown */
	struct resources resources; /* of each step */
};

struct build_run;
/* Begins the service for one build: removes what killed builds have left, and from here on SIGINT,
 * SIGTERM and SIGHUP are blocked: build_run_stop_fd() tells of them. s is borrowed. */
int build_run_new(const struct store *s, const struct build_run_options *o, struct build_run **ret,
		  struct error *err) must_check;
/* For imagejob_spec.stop_fd: readable when the build is to end. */
int build_run_stop_fd(const struct build_run *b);
/* Handles the events "run" and "run-done": 1; 0: an event of another kind. */
int build_run_event(struct build_run *b, struct imagejob *job, const char *event, const json_t *j,
		    struct error *err) must_check;
/* Ends and removes every container that is still there, and gives the signals back: the one that
 * ended the build is returned (0: none), for the caller to die of or to report. */
int build_run_free(struct build_run *b);

/* ---- the plan of one step (build_plan.c) --------------------------------------------------- */

struct build_run_spec;
struct build_mount;
#define BUILD_SCRIPT_VOLUME "script"

/* Takes the lock of a cache that a step wants for itself ("locked"; "private" waits for it, too): the
 * descriptor. -EWOULDBLOCK: another step has it. */
int build_lock_cache(const struct store *s, const struct build_mount *m,
		     struct error *err) must_check;

/* Turns a step into a pod of one container. The caller frees with pod_plan_done(). -EINVAL and
 * -ENOTSUP name what cannot be done. */
int build_plan(const struct store *s, const struct build_run_spec *run,
	       const struct build_run_options *o, struct pod_plan *ret,
	       struct error *err) must_check;

#endif
