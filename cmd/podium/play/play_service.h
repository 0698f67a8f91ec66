/* SPDX-License-Identifier: Apache-2.0 */
/* play_service - --service-container: one container that stands for the pods of a play. */
#ifndef PODIUM_CMD_PLAY_SERVICE_H
#define PODIUM_CMD_PLAY_SERVICE_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/pod/service.h"
#include "engine/state/layout.h"
#include "kube/kube.h"

struct play_service {
	bool is_wanted;
	int exit;    /* enum service_exit */
	char *name;  /* "06abcb70a4e5-service" */
	char id[65]; /* of the container, "": it is not there yet */
	char pod_id[65];
	int lock_fd; /* its pod's: it is not removed while pods are made */
	int hold_fd; /* it does not end while pods are made */
};
#define PLAY_SERVICE_INIT                    \
	{                                    \
		.lock_fd = -1, .hold_fd = -1 \
	}

/* The policy's word; NULL: none. */
int play_service_policy(const char *word, int *ret, struct error *err) must_check;
/* Says whether these pods get one (those of DaemonSets alone do not), and finds the one that there
 * is. -EEXIST: another container has its name. */
int play_service_plan(const struct store *s, const struct kube_result *result,
		      struct play_service *ret, struct error *err) must_check;
/* Makes and starts it, unless it runs, and holds it; the plans name it. On failure nothing is left. */
int play_service_begin(const struct store *s, struct play_service *v, struct kube_result *result,
		       struct error *err) must_check;
/* The pods are made: it may be removed with them. */
void play_service_made(struct play_service *v);
/* The pods are up: it ends with the last of them. */
void play_service_let_go(struct play_service *v);
/* Nothing came of the play: without pods it goes. */
void play_service_undo(const struct store *s, struct play_service *v);
/* Its monitor, or 0. */
long play_service_pid(const struct store *s, const struct play_service *v);
void play_service_done(struct play_service *v);

#endif
