/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount - the mount interface by descriptors: nothing is visible before all its flags are set.
 *
 * A mount is made or cloned detached, gets its attributes, and is attached onto an O_PATH
 * descriptor. One that is not attached vanishes with its descriptor. Attributes are MOUNT_ATTR_*
 * of <sys/mount.h>. All functions act in the calling process's mount namespace.
 */
#ifndef PODIUM_ROOTFS_MOUNT_H
#define PODIUM_ROOTFS_MOUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/mount.h>

#include "engine/base/error.h"

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

#define MOUNT_INERT (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

struct mount_option {
	const char *key;
	const char *value; /* NULL: a flag */
};

/* A new file system, detached. opts ends with a NULL key (opts NULL: none). The message carries the
 * kernel's own reason where it gave one. Returns the mount's descriptor. */
int mount_new(const char *fstype, const struct mount_option *opts, uint64_t attrs,
	      struct error *err) must_check;

/* The mount at dirfd/path (path "" is dirfd itself) with everything below, cloned detached and
 * private, attrs added to each. Flags that the source has stay. Returns the descriptor. */
int mount_clone(int dirfd, const char *path, uint64_t attrs, struct error *err) must_check;

/* The same of fd alone, without what is mounted below. -EINVAL where that would show what a locked
 * mount hides. */
int mount_clone_single(int fd, uint64_t attrs, struct error *err) must_check;

/* The mount of fd alone (O_PATH, a directory or file), cloned detached with the ids of a user
 * namespace: what belongs to id n on disk belongs to what that namespace maps n to. recursive: and
 * what is mounted below. -EINVAL from a file system that cannot do that. */
int mount_clone_mapped(int fd, int userns_fd, uint64_t attrs, bool recursive,
		       struct error *err) must_check;

/* As mount_clone(), of an open directory or file, but with the propagation MS_SLAVE or MS_SHARED: the
 * clone is a slave of the source's peer group, or a member. A source that is in none is -EINVAL;
 * is_known: it is in one, /proc need not be asked. */
int mount_clone_propagating(int fd, uint64_t attrs, uint64_t propagation, bool is_known,
			    struct error *err) must_check;

/* Adds attributes to the mount that fd stands in; recursive: and to all below. */
int mount_add_attrs(int fd, uint64_t attrs, bool recursive, struct error *err) must_check;

/* Attaches a detached mount onto target (O_PATH, in this mount namespace). mnt_fd then is the
 * attached mount. */
int mount_attach(int mnt_fd, int target_fd, struct error *err) must_check;

/* A new mount becomes one whose clones may be peers and slaves of it. */
int mount_make_shared(int fd, struct error *err) must_check;

/* Makes every mount of this namespace private, so that nothing done here leaves it. */
int mount_make_private(struct error *err) must_check;

/* Makes the mount of root_fd the root of this process and its namespace, detaches the old root with
 * everything below, and leaves the working directory at "/". */
int mount_pivot(int root_fd, struct error *err) must_check;

#endif
