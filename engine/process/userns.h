/* SPDX-License-Identifier: Apache-2.0 */
/*
 * userns - a pod's own user namespace (hostUsers: false).
 *
 * The pause process is born in it; containers join it. Ids 0 to 65535 of the pod are a range of the
 * host's that no other pod has; on disk everything stays as the pod sees it, by mounts that map ids.
 */
#ifndef PODIUM_PROCESS_USERNS_H
#define PODIUM_PROCESS_USERNS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/error.h"
#include "engine/rootfs/idmap.h"

struct confinement;
struct launch;
struct pod_spec;

#define USERNS_IDS   65536U
#define USERNS_FIRST 0x70000000U /* behind what subuid files and systemd give away */
#define USERNS_SLOTS 4094U	 /* up to 0x7ffe0000, where systemd's ranges go on */

bool has_own_userns(const struct pod_spec *pod);

/* Leases a range: the first host id in *ret_first. One that the pod has already is taken again, that
 * of a pod which is gone is reclaimed. -EUSERS when none is left. */
int userns_lease(const struct launch *l, uint32_t *ret_first, struct error *err) must_check;
/* Ends the pod's lease. None is success. runfd: the store's RUNROOT. */
int userns_release(int runfd, const char *pod_id, struct error *err) must_check;

/* The maps of a pod that is about to start: those that it asks for, or a range that is leased for it;
 * "auto:size=N" takes N ids of one. */
int userns_plan(const struct launch *l, struct idmaps *ret, struct error *err) must_check;

/* Writes both maps of a process that was just cloned and waits, and reads them back. */
int userns_write_maps(pid_t pid, const struct idmaps *ids, struct error *err) must_check;
/* Those of a process, by the host's procfs: valid if a pidfd of it still is alive afterwards. */
int userns_read_maps(pid_t pid, struct idmaps *ret, struct error *err) must_check;

/* For a container's host half: the sandbox's namespace as a descriptor (-EBADF when the pod has none
 * of its own) and its maps (empty). */
int userns_open(const struct launch *l, int *ret_fd, struct idmaps *ret,
		struct error *err) must_check;

/* The first host id of a process's user namespace, by the host's procfs: valid if a pidfd of it still
 * is alive afterwards. */
int userns_first_id(pid_t pid, uint32_t *ret_first, struct error *err) must_check;

/* Refuses ids that the namespace has not got. */
int userns_check_ids(const struct idmaps *ids, const struct confinement *c,
		     struct error *err) must_check;

/* A user namespace for the ids of a mount: uids and gids are "ON-DISK-SEEN-COUNT#..." (NULL: every id
 * is itself); without '@' in front of a range SEEN is an id of the container, as its maps have it. */
int userns_for_mount(const char *uids, const char *gids, const struct idmaps *ids,
		     struct error *err) must_check;

/* In the new namespace, first of all: become its root, which owns what is made from now on. */
int userns_become_root(struct error *err) must_check;

#endif
