/* SPDX-License-Identifier: Apache-2.0 */
/*
 * named - volumes with a name, which outlive the pods that mount them.
 *
 *	ROOT/volumes/<name>/volume.json		the record
 *	ROOT/volumes/<name>/_data/		the content, unless host_path says where it is
 *
 * A PersistentVolumeClaim NAME is the volume NAME (as Podman has it); one made by `podium volume
 * create` is the same thing without a claim's members.
 */
#ifndef PODIUM_VOLUMES_NAMED_H
#define PODIUM_VOLUMES_NAMED_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/record.h"
#include "engine/base/str.h"
#include "engine/state/layout.h"

struct named_volume {
	char *name;
	int64_t created_ns;
	struct pairlist labels;
	struct pairlist options; /* "type", "device", "o": as `volume create --opt` */
	char *host_path;       /* the content is there (a PersistentVolume of the host), or NULL */
	bool host_path_create; /* make the directory when it is not there, 0755 root */
	bool played;	       /* made by a play: `kube down --force` removes it */
	bool copied_up;	       /* an image's content was copied in, or must not be */
	bool anonymous;	       /* made for one container that gave it no name */
	int64_t uid, gid;      /* owner of the content when it is made */
	/* of a claim */
	char *claim_namespace; /* NULL: not a claim */
	char *claim_yaml;      /* the document, for generate and describe */
	char *capacity;	       /* a quantity as written, or NULL */
	struct strlist access_modes;
	char *storage_class;
	char *bound_volume;  /* name of the PersistentVolume, or NULL */
	bool reclaim_retain; /* host_path: always true */
};
extern const struct record_type named_volume_type;
void named_volume_done(struct named_volume *v);
#define cleanup_named_volume cleanup(named_volume_done)

/* -EEXIST when there is one of the name. Makes _data 0755 root (0777 for a claim's, as a fresh
 * emptyDir) unless host_path is set. */
int named_volume_create(const struct store *s, const struct named_volume *v,
			struct error *err) must_check;
/* Rewrites the record of one that exists. */
int named_volume_update(const struct store *s, const struct named_volume *v,
			struct error *err) must_check;
/* -ENOENT, raised as "there is no volume 'x'". */
int named_volume_read(const struct store *s, const char *name, struct named_volume *ret,
		      struct error *err) must_check;
/* Its content, O_PATH | O_DIRECTORY. */
int named_volume_open(const struct store *s, const char *name, struct error *err) must_check;
/* Full names of the containers that mount it. */
int named_volume_users(const struct store *s, const char *name, struct strlist *ret,
		       struct error *err) must_check;
/* Ids of the containers that mount it. */
int named_volume_user_ids(const struct store *s, const char *name, struct strlist *ret,
			  struct error *err) must_check;
/* The names of all volumes that containers mount, once for each of them. */
int named_volume_used(const struct store *s, struct strlist *ret, struct error *err) must_check;
/* For another file of this room: a name that may be, -EINVAL. */
int named_volume_check_name(const char *name, struct error *err) must_check;
/* -EBUSY while a container mounts it. Takes the mount of its driver away (driver.h), then removes the
 * content unless it is at a host_path; walks by descriptor, never over a mount or a link. */
int named_volume_remove(const struct store *s, const char *name, struct error *err) must_check;
/* Removes what killed removals have left; the next one does it anyway. */
void named_volume_sweep(const struct store *s);
int named_volume_list(const struct store *s, struct strlist *ret, struct error *err) must_check;

#endif
