/* SPDX-License-Identifier: Apache-2.0 */
/*
 * targets - the containers (or pods) that one call of a verb works on, all at once.
 */
#ifndef PODIUM_CMD_TARGETS_H
#define PODIUM_CMD_TARGETS_H

#include "cmd/podium/container/lifeoptions.h"
#include "cmd/podium/container/view.h"

/* At most so many are worked on at the same time. */
#define TARGETS_AT_ONCE 64

struct target {
	char id[65];
	char *name; /* as it was written; the id with --all, --latest and --filter */
	bool skip;  /* by the caller: nothing is done, nothing printed */
	int result; /* of its act */
	struct error err;
};
struct targets {
	struct target *v;
	size_t n;
};
void targets_done(struct targets *t);
#define cleanup_targets cleanup(targets_done)

/* Appends one unless it is there: whether it was added. */
bool targets_add(struct targets *t, const char *id, const char *name);

bool targets_has(const struct targets *t, const char *id);

/* Whether --all means this one. */
typedef bool target_wanted(const struct container_view *view);

/* Finds the containers that the options and arguments name, each once. wanted: of those --all, --running
 * and --filter may take; NULL: every one. One that does not exist is -ENOENT, or passed over with
 * --ignore. */
int targets_find(struct command_context *ctx, const struct life_options *o, int argc, char **argv,
		 target_wanted *wanted, struct targets *ret, struct error *err) must_check;

/* The same of pods. wanted gets the pod's state as `pod ps` shows it. */
typedef bool target_pod_wanted(const char *state);
int targets_find_pods(struct command_context *ctx, const struct life_options *o, int argc,
		      char **argv, target_pod_wanted *wanted, struct targets *ret,
		      struct error *err) must_check;

/* One verb on one of them. 0: done; TARGET_PASSED: done, and nothing is printed; TARGET_FAILED; -errno. It may run in
 * a process of its own: it changes nothing but files and processes. */
#define TARGET_PASSED 1
#define TARGET_FAILED 2 /* why was printed already */
typedef int target_act(struct command_context *ctx, const struct target *t, const void *arg,
		       struct error *err);

/* Does it to all, several at the same time; the error of one stops no other. Each name (or id, for
 * pods: by_id) is printed when it is done, in their order, then the errors. Returns 0 or the exit code
 * that Podman has for the first error: 125. */
int targets_each(struct command_context *ctx, struct targets *t, target_act *act, const void *arg,
		 bool by_id);

#endif
