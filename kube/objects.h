/* SPDX-License-Identifier: Apache-2.0 */
/*
 * objects - what was played and is neither data nor a volume, kept in the store.
 *
 *	ROOT/kube/<kind>/<namespace>/<name>/object.yaml	the document, canonical, 0600
 *	                                   /object.json	where it came from, the pods it owns
 *	                                   /job.json	a Job's progress (kube/job.h)
 *
 * <kind> is the kind in lower case, <namespace> "_" for kinds in no namespace. Of Namespace,
 * PersistentVolume, Deployment, ReplicaSet, DaemonSet and Job. ConfigMaps and Secrets are
 * engine/data/object.h's, claims engine/volumes/named.h's, pods engine/pod's.
 *
 * A caller that reads, decides and writes takes objects_lock(). Names are checked by every function.
 */
#ifndef PODIUM_KUBE_OBJECTS_H
#define PODIUM_KUBE_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/state/layout.h"
#include "kube/kube.h"

struct stored_object {
	char *namespace_; /* NULL: "default", or of a kind in no namespace */
	char *name;
	char *yaml;
	char *source;	     /* the manifest's path, or NULL */
	int64_t created_ns;  /* 0: object_write() fills in the time, or keeps the old one's */
	struct strlist pods; /* names of those that it owns */
	/* JOB: what options of play say of its pods, and the document does not. */
	char *network;	  /* "host", ..., or NULL: as the document has it */
	bool plain_names; /* its first pod's containers are called NAME, not POD-NAME */
};
void stored_object_done(struct stored_object *o);
#define cleanup_stored_object __attribute__((__cleanup__(stored_object_done)))

/* Whether objects of the kind are kept here. */
bool is_kind_stored(enum kube_kind kind);

/* Writes or replaces. */
int object_write(const struct store *s, enum kube_kind kind, const struct stored_object *o,
		 struct error *err) must_check;
/* -ENOENT, raised as "there is no Deployment 'x'", when it is not there. */
int object_read(const struct store *s, enum kube_kind kind, const char *namespace_,
		const char *name, struct stored_object *ret, struct error *err) must_check;
/* With all that lies beside it. -ENOENT as above. */
int object_remove(const struct store *s, enum kube_kind kind, const char *namespace_,
		  const char *name, struct error *err) must_check;
/* "NAMESPACE/NAME" ("_/NAME" of a kind in no namespace) of all, in order of the alphabet. */
int object_list(const struct store *s, enum kube_kind kind, struct strlist *ret,
		struct error *err) must_check;
/* Its folder, O_DIRECTORY, for what lies beside the document. -ENOENT as above. */
int object_open(const struct store *s, enum kube_kind kind, const char *namespace_,
		const char *name, struct error *err) must_check;
/* The lock of all objects, a leaf; close() lets go. */
int objects_lock(const struct store *s, struct error *err) must_check;

/* "Deployment/NAMESPACE/NAME", as pod_spec.controller has it, in parts; false: it is none.
 * The caller owns the texts. */
bool controller_parse(const char *controller, enum kube_kind *ret_kind, char **ret_namespace,
		      char **ret_name);

#endif
