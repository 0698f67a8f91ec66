/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup - from what a user types to ids, and from ids to specs.
 *
 * A pod is named by its name, its id, or a unique prefix of the id. A container by its full name
 * ("my-app-ng1"), id or id prefix, "POD/CTR", or its short name when only one container has it. A
 * name wins over an id prefix.
 */
#ifndef PODIUM_POD_LOOKUP_H
#define PODIUM_POD_LOOKUP_H

#include "engine/base/str.h"
#include "engine/pod/spec.h"
#include "engine/state/layout.h"
#include "engine/state/status.h"

/* The 64 digit id. -ENOENT "no such pod 'x'" / "no such container 'x'"; -ENOTUNIQ when ambiguous.
 */
int lookup_pod(const struct store *s, const char *name, char ret_id[65],
	       struct error *err) must_check;
int lookup_container(const struct store *s, const char *name, char ret_id[65],
		     struct error *err) must_check;

/* All ids, in no order. A store that is not there has none. */
int lookup_list_pods(const struct store *s, struct strlist *ret, struct error *err) must_check;
int lookup_list_containers(const struct store *s, struct strlist *ret,
			   struct error *err) must_check;

/* Reads the records. The caller frees with record_done(). -EBADMSG: corrupt, named as such. */
int lookup_read_pod(const struct store *s, const char *id, struct pod_spec *ret,
		    struct error *err) must_check;
int lookup_read_container(const struct store *s, const char *id, struct container_spec *ret,
			  struct error *err) must_check;

/* The pod that a container is of: by its state, its spec, or the pods' own records, whichever can be read.
 * -ENOENT: none that is there. */
int lookup_owner(const struct store *s, const char *container_id, char ret_pod_id[65],
		 struct error *err) must_check;

/* A pod's phase on disk: made completely, in the making (or a crash left it), or being removed. */
enum pod_phase { POD_INCOMPLETE, POD_COMPLETE, POD_REMOVING };
enum pod_phase lookup_pod_phase(const struct store *s, const char *id);

/* How many containers of a pod are in which state: what a pod's state is derived from. Zeroed
 * before use. An init container that has ended well counts nowhere. */
struct pod_tally {
	unsigned int containers; /* infra and members */
	unsigned int running;	 /* stopping is still running */
	unsigned int paused;
	unsigned int created;
	unsigned int restarting; /* waiting for their back-off */
	unsigned int exited;
	unsigned int failed; /* removing, or a record that nobody can read */
};
/* live is what status_live() said about st. */
void lookup_tally_add(struct pod_tally *t, const struct container_status *st,
		      enum container_state live);
/* "Created", "Running", "Degraded", "Paused", "Stopped", "Exited" or "Error" (a static string). */
const char *lookup_tally_state(const struct pod_tally *t);

/* Derived state of a pod from its containers: one of the above, "Incomplete" or "Removing". */
const char *lookup_pod_state(const struct store *s, const struct pod_spec *pod);

#endif
