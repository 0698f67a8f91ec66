/* SPDX-License-Identifier: Apache-2.0 */
/* play_prune - what was played from a file once and is not in it any more. */
#ifndef PODIUM_CMD_PLAY_PRUNE_H
#define PODIUM_CMD_PLAY_PRUNE_H

#include "kube/kube.h"

struct play_pruned {
	int kind; /* enum kube_kind */
	char *namespace_;
	char *name;
};
struct play_prunes {
	struct play_pruned *v;
	size_t n;
};
void play_prunes_done(struct play_prunes *p);
#define cleanup_play_prunes cleanup(play_prunes_done)

/* Finds what has one of the sources (paths as play_source() makes them) and is not in the result.
 * Claims are never among them. */
int play_prune_find(const struct store *s, const struct kube_result *result,
		    const struct strlist *sources, struct play_prunes *ret,
		    struct error *err) must_check;
/* A pod that a workload has no more, by name. */
void play_prune_add_pods(struct play_prunes *p, const struct store *s, const struct strlist *names);
/* Removes them all, and says each on stderr; dry: only says so. */
int play_prune(const struct store *s, const struct play_prunes *p, bool dry,
	       struct error *err) must_check;

#endif
