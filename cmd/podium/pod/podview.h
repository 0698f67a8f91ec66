/* SPDX-License-Identifier: Apache-2.0 */
/* podview - pods as listings see them: put together from the state records of their containers. */
#ifndef PODIUM_CMD_PODVIEW_H
#define PODIUM_CMD_PODVIEW_H

#include "cmd/podium/container/view.h"

struct pod_view {
	char id[65];
	char *name; /* the id's beginning when nobody knows it */
	int64_t created_ns;
	bool debris;
	struct pod_tally tally;
	const char *state;		       /* "Running", ..., "Incomplete", "Removing" */
	const struct container_view *infra;    /* or NULL */
	const struct container_view **members; /* infra among them, in the order of the views */
	size_t n_members;
};
struct pod_views {
	struct pod_view *v;
	size_t n;
};

/* All pods, newest first. They borrow the views, which must live longer. */
int pod_views_load(const struct store *s, const struct container_views *views,
		   struct pod_views *ret, struct error *err) must_check;
/* For qsort(3): newest first, then by name. */
int pod_views_compare_age(const void *a, const void *b);
void pod_views_done(struct pod_views *pods);
/* The STATUS column: the state, or how to get rid of debris. The caller owns the text. */
char *pod_view_status(const struct pod_view *pod);

#endif
