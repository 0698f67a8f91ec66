/* SPDX-License-Identifier: Apache-2.0 */
/* internal - what creation, addition and removal share: the parts of one container on disk. */
#ifndef PODIUM_POD_INTERNAL_H
#define PODIUM_POD_INTERNAL_H

#include "engine/pod/spec.h"
#include "engine/state/layout.h"

/* Made while a member is added: holds its id until the pod's record lists it. */
#define POD_ADDING_FILE	    "adding"
#define POD_RECORD_MAX	    (8 * 1024 * 1024)
#define POD_LOCK_WAIT_MS    10000
#define POD_CONTAINERS_MAX  1000 /* of one pod */
#define POD_ADDING_MAX_SIZE 128

/* Directory, record, first state and writable layer of a container. ports: the text of its pod's. */
int container_make(const struct store *s, const struct pod_spec *pod,
		   const struct container_spec *spec, const char *ports,
		   struct error *err) must_check;
/* All of that, and its names. What is not there is success. */
int container_unmake(const struct store *s, const char *id, struct error *err) must_check;

/* For who holds the pod's lock: takes away what an addition left that was killed. */
int pod_drop_half_added(const struct store *s, const char *pod_id, struct error *err) must_check;

/* Tells a running conductor that the pod's record has changed; nobody there is no error. */
void pod_tell_changed(const struct store *s, const char *pod_id);

/* streams.c: whether the container has the log driver 'passthrough'. */
bool is_passing_streams(const struct store *s, const char *container_id);
/* Whether a start of the container (NULL: of all of the pod) starts one that has it. */
bool is_start_passing(const struct store *s, const char *pod_id, const char *container_id);

#endif
