/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume - where the content of a pod's volumes comes from, and where it is mounted.
 *
 * Sources are held as descriptors from the moment they are checked; a target is resolved inside the
 * container's root. Nothing here mounts: see engine/rootfs/mount.h.
 */
#ifndef PODIUM_ROOTFS_VOLUME_H
#define PODIUM_ROOTFS_VOLUME_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/base/str.h"

struct pod_spec;
struct volume_spec;
struct mount_list;

/* Makes the directories of the pod's emptyDirs on disk, 0777 and with its fsGroup; those that exist
 * are left as they are. root is the absolute path of ROOT. */
int volume_prepare_pod(const char *root, const struct pod_spec *pod, struct error *err) must_check;

/* Mode 0777 for an emptyDir's top directory, and the pod's fsGroup with the setgid bit. */
int volume_set_owner(int fd, const struct pod_spec *pod, struct error *err) must_check;

/* Opens a hostPath or an emptyDir on disk (O_PATH), checking and where asked for creating it, as
 * its type says. */
int volume_open_source(const char *root, const struct pod_spec *pod, const struct volume_spec *vol,
		       struct error *err) must_check;

/* Resolves a subPath inside an open volume (O_PATH); a missing one is made as a directory. */
int volume_open_sub_path(int volume_fd, const char *sub_path, struct error *err) must_check;

/* Opens a mount point below the container's root (O_PATH), making it when it is missing: a
 * directory, or an empty file. A target in a file system of the kernel's is refused. */
int volume_open_target(int root_fd, const char *target, bool is_dir, struct error *err) must_check;

/* Refuses "/", /proc and /sys and everything below, and relative paths. */
int volume_check_target(const char *target, struct error *err) must_check;

/* Refuses a directory of the host's own as the source of a mount that is to get another label or
 * (relabel false) another owner: the open one (fd), whatever it was called. */
int volume_check_relabel(int fd, const struct volume_spec *vol, bool relabel,
			 struct error *err) must_check;

/* How many directories lie between a path and the root. */
size_t volume_depth(const char *path);
/* Indices of mounts in the order to mount in: parents before children, else as listed. The caller
 * owns the array. */
size_t *volume_mount_order(const struct mount_list *mounts);

#endif
