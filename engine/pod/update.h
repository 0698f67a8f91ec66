/* SPDX-License-Identifier: Apache-2.0 */
/* update - other limits for a container that is there, running or not. */
#ifndef PODIUM_POD_UPDATE_H
#define PODIUM_POD_UPDATE_H

#include "engine/pod/spec.h"
#include "engine/state/layout.h"

/* What is set in change replaces what the container has; the kernel gets it at once when it runs, and
 * the record when the kernel has taken it. A failure leaves both as they were. A limit that has no
 * controller here adds a line to ret_warnings. */
int container_update(const struct store *s, const char *id, const struct resources *change,
		     struct strlist *ret_warnings, struct error *err) must_check;

/* The merging alone: *r gets copies of what is set in change. */
void resources_merge(struct resources *r, const struct resources *change);

#endif
