/* SPDX-License-Identifier: Apache-2.0 */
/* pods - starting, stopping and removing several pods at once, as the commands share it. */
#ifndef PODIUM_CMD_PODS_H
#define PODIUM_CMD_PODS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/state/layout.h"

/* How the start of one pod ended. */
struct pod_start_result {
	const char *name; /* said before what is printed about it, or NULL; not owned */
	int report_fd;
	/* Who is asked again when the conductor was one that is just ending; not owned. */
	const struct store *store;
	const char *pod_id;
	const char *container_id; /* NULL: the whole pod */
	bool up;		  /* every container was started (or tried) */
	bool not_built;		  /* the sandbox could not be made: nothing runs */
	bool init_retry;	  /* an init container failed and is tried again */
	int failures;		  /* what was printed as an error */
	bool done;
	struct strlist warned; /* said already */
};

/* Orders the start of a pod, or of one of its containers, and fills *ret for pods_watch(); store and
 * ids must live until then. 0 or -errno. */
int pods_order_start(const struct store *s, const char *pod_id, const char *container_id,
		     struct pod_start_result *ret, struct error *err) must_check;

/* Follows the reports of n pods until each is up, has failed, or waits for the retry of an init
 * container; a pod that was just ending is ordered to start again. Prints warnings and errors on
 * stderr. False when timeout_ms (< 0: none) passed first. */
bool pods_watch(struct pod_start_result *v, size_t n, int timeout_ms);

/* Starts pods that exist and waits for all. Each id that is up is printed when print is true.
 * Returns the exit code (0 or 125). */
int pods_start(const struct store *s, const struct strlist *ids, bool print, struct error *err);

/* Stops pods at once; grace_s < 0: each pod's own. A pod without a conductor is brought down here.
 * Returns 0 or -errno of the first failure; the others are stopped all the same. */
int pods_stop(const struct store *s, const struct strlist *ids, int64_t grace_s,
	      struct error *err) must_check;

/* The same of pods that pod_remove() is called for next. */
int pods_stop_to_remove(const struct store *s, const struct strlist *ids, int64_t grace_s,
			struct error *err) must_check;

/* Removes a container, which is killed when it runs; grace_s < 0: its own, 0: at once. Of
 * members only: an infra container goes with its pod. In cmd_container_life.c. */
int container_remove(const struct store *s, const char *id, int64_t grace_s,
		     struct error *err) must_check;

/* True when something of the pod runs. */
bool is_pod_active(const struct store *s, const char *pod_id);

/* All containers but those of builds at work, which end with their build. */
int pods_list_containers(const struct store *s, struct strlist *ret, struct error *err) must_check;

/* Resolves names to ids, or lists all (but pods of builds at work). "no such pod" is -ENOENT. */
int pods_resolve(const struct store *s, int argc, char **argv, bool all, struct strlist *ret,
		 struct error *err) must_check;

#endif
