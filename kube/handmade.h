/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handmade - pods and containers of the command line as plans that Kubernetes has words for.
 *
 * The command line can say more than YAML. What is left out here is told, a line each, so that
 * nobody finds out in the cluster.
 */
#ifndef PODIUM_KUBE_HANDMADE_H
#define PODIUM_KUBE_HANDMADE_H

#include "engine/base/str.h"
#include "kube/generate.h"

/* Whether it was made by `run`, `create` or `pod create`. */
bool is_handmade(const struct pod_spec *pod);

/* Joins containers that are each by themselves into one pod, NAME-pod after the first. The plans are
 * taken over and left empty. -EINVAL: they cannot share what they would share (two networks, two
 * host names, one name or one port twice). */
int handmade_join(struct pod_plan *plans, size_t n, struct pod_plan *ret,
		  struct error *err) must_check;

/* Changes a plan made by hand into one that is written as YAML and plays back as the same pod: names
 * become DNS labels, what was not asked for gets the type's own value. What Kubernetes has no field
 * for is taken out; a line each is added to notes. -EINVAL: type cannot be had of this pod. */
int handmade_settle(struct pod_plan *plan, enum generate_type type, struct strlist *notes,
		    struct error *err) must_check;

/* handmade_container.c: one container of it. */
void handmade_settle_container(struct pod_plan *plan, struct container_spec *c,
			       struct strlist *notes);
/* "pod 'x': TEXT has no field in Kubernetes and was left out", or of a container of it. */
void handmade_note(struct strlist *notes, const char *kind, const char *name, const char *fmt, ...)
	printf_like(4, 5);

#endif
