/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provide - the volumes that containers made by hand name: made when they are missing, and the
 * anonymous ones taken away with their container.
 */
#ifndef PODIUM_VOLUMES_PROVIDE_H
#define PODIUM_VOLUMES_PROVIDE_H

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/pod/spec.h"
#include "engine/state/layout.h"

/* Makes every VOLUME_NAMED of the list that is not there. To be called when the records that use
 * them are written: then nobody removes what it has found. On failure none of those that it made is
 * left. */
int volumes_provide(const struct store *s, const struct volume_list *l,
		    struct error *err) must_check;

/* The anonymous volumes that a container mounts, by their names: to be asked before it is removed. */
int volumes_anonymous_of(const struct store *s, const char *container_id, struct strlist *ret,
			 struct error *err) must_check;
/* Those of a pod, of which it may have no container any more. */
int volumes_anonymous_of_pod(const struct store *s, const char *pod_id, struct strlist *ret,
			     struct error *err) must_check;
/* Removes those that no container mounts any more; the others, and missing ones, are passed over. */
int volumes_remove_unused(const struct store *s, const struct strlist *names,
			  struct error *err) must_check;

#endif
