/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overlay - a container's root file system: image layers below, its own writable layer on top.
 *
 * store_fd is the descriptor of ROOT. On disk: layers/<hex>/diff (read-only, shared) and
 * containers/<id>/{upper,work}.
 */
#ifndef PODIUM_ROOTFS_OVERLAY_H
#define PODIUM_ROOTFS_OVERLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

struct container_spec;

/* Create stage: makes upper/ and work/ (containers/<id> exists). Does nothing to ones that exist.
 */
int rootfs_prepare(int store_fd, const struct container_spec *spec, struct error *err) must_check;
/* A fresh writable layer, for a played container that its policy restarts. Nothing of it may be
 * mounted. */
int rootfs_reset_upper(int store_fd, const struct container_spec *spec,
		       struct error *err) must_check;
/* Remove stage: what is not there is success. */
int rootfs_remove(int store_fd, const char *container_id, struct error *err) must_check;

/* The user namespace whose ids the layers and the writable layer are to have; nothing on disk
 * changes. */
struct overlay_ids {
	int userns_fd;
	uint32_t root_id; /* the host's ids for its root */
	uint32_t root_gid;
};

/* Mounts the root file system of a stopped container, detached, with MOUNT_ATTR_* attrs and the ids
 * on disk. Leaves the working directory at "/". Returns the descriptor of its root. */
int overlay_mount(int store_fd, const struct container_spec *spec, uint64_t attrs,
		  struct error *err) must_check;

/* The same for one that is to run. with_etc: with the files of
 * engine/state/etclayer.h, where no ids are given. ids NULL: those on disk. */
int overlay_mount_root(int store_fd, const struct container_spec *spec, bool with_etc,
		       const struct overlay_ids *ids, uint64_t attrs, struct error *err) must_check;

/* The merged view of layers ("sha256:<hex>", lowest first, at least one), read-only and detached.
 * emptyfd: an empty directory, which the kernel wants below a single layer. As overlay_mount(). */
struct strlist;
int overlay_mount_read_only(int store_fd, const struct strlist *layers, int emptyfd, uint64_t attrs,
			    struct error *err) must_check;

/* The same, with the ids of a user namespace (NULL: those on disk). A writable one has none. */
struct overlay_image {
	int store_fd;
	const struct strlist *layers;
	int emptyfd;
	/* Both or neither (-EBADF): directories of a writable layer on top. */
	int upperfd;
	int workfd;
};
int overlay_mount_image(const struct overlay_image *image, const struct overlay_ids *ids,
			uint64_t attrs, struct error *err) must_check;

/* A writable view of a directory, which stays as it is: what is written lands in upper_fd. All three
 * are open directories, the last two of one file system. As overlay_mount(). */
int overlay_mount_over(int lower_fd, int upper_fd, int work_fd, uint64_t attrs,
		       struct error *err) must_check;

/* What a container sees as its root, its writable layer included: read-only and detached, also while
 * it runs. As overlay_mount(). */
int overlay_mount_view(int store_fd, const struct container_spec *spec, uint64_t attrs,
		       struct error *err) must_check;

#endif
