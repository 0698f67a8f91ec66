/* SPDX-License-Identifier: Apache-2.0 */
/*
 * projection - volumes whose files are made from ConfigMaps, Secrets and the pod itself.
 *
 * Contents are gathered first, with all that can be missing, and written afterwards into a directory
 * that no container has ever written to. The layout is the one of Kubernetes' atomic writer:
 *
 *	..2026_11_22_07_19_55.8f3a/   the files, at their paths
 *	..data                        a link to it, swapped by rename
 *	KEY                           a link to ..data/KEY, for each first component of a path
 */
#ifndef PODIUM_PROCESS_PROJECTION_H
#define PODIUM_PROCESS_PROJECTION_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/error.h"
#include "engine/base/mem.h"

struct field_context;
struct pod_spec;
struct sandbox_record;
struct store;
struct volume_spec;

struct projected_file {
	char *path; /* relative */
	char *bytes;
	size_t len;
	mode_t mode;
};
struct projected_volume {
	const struct volume_spec *spec; /* borrowed from the pod's */
	struct projected_file *v;
	size_t n;
};
struct projected {
	struct projected_volume *v; /* one for each such volume of the pod, in its order */
	size_t n;
};
/* Clears what was a Secret's, and frees. */
void projected_done(struct projected *p);
#define cleanup_projected cleanup(projected_done)

/* Reads every object, resolves every field. A required object or key that is missing is -ENOENT and
 * named, unless no container mounts the volume; one that is optional is no file. */
int projection_gather(const struct field_context *c, struct projected *ret,
		      struct error *err) must_check;

/* Makes dirfd hold these files, with their modes and the pod's fsGroup: fresh, or by an atomic
 * swap of what is there. first_id: of the pod's root as this process sees it (0, but from outside of its
 * user namespace). 1: swapped or made; 0: it held them already. */
int projection_write(const struct pod_spec *pod, uint32_t first_id,
		     const struct projected_volume *v, int dirfd, struct error *err) must_check;

/* The same for all volumes of a sandbox that runs, seen by its containers at once (but for mounts
 * with a subPath). Any process with the starter's rights may call it. Returns how many changed. */
int sandbox_refresh_volumes(const struct store *s, const struct pod_spec *pod,
			    const struct sandbox_record *sb, struct error *err) must_check;

#endif
