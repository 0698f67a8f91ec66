/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device - /dev of a container: a fresh tmpfs with six nodes, devpts, and a terminal if asked for.
 *
 * dev_fd is the descriptor of that tmpfs, mounted already, on which nothing of the image can lie.
 */
#ifndef PODIUM_ROOTFS_DEVICE_H
#define PODIUM_ROOTFS_DEVICE_H

#include <stdbool.h>
#include <sys/types.h>

#include "engine/base/error.h"

/* Nodes, links and the directories pts, shm, mqueue. Where mknod(2) is not allowed the host's nodes
 * are cloned in. privileged: every node of the host's /dev as well. */
int device_populate(int dev_fd, bool privileged, struct error *err) must_check;

/* A node that the spec asks for. */
struct device_node {
	char *path;  /* below /dev, relative */
	mode_t mode; /* with type */
	dev_t number;
	uid_t uid;
	gid_t gid;
	int host_mnt; /* a detached clone of the host's node, or -EBADF: where mknod(2) works */
};
/* Makes it, with directories on the way; one of these numbers that is there already is enough. Where
 * mknod(2) is not allowed the host's node is bound. */
int device_add(int dev_fd, const struct device_node *node, struct error *err) must_check;

/* A new devpts instance on pts. */
int device_mount_pts(int dev_fd, struct error *err) must_check;

/* A terminal of that instance, owned by uid: *ret_master for the monitor, *ret_peer to become the
 * container's stdio. The peer also is /dev/console. */
int device_open_terminal(int dev_fd, uid_t uid, int *ret_master, int *ret_peer,
			 struct error *err) must_check;
/* The two halves, for exec: a pty of the devpts at pts_fd; and the console alone. */
int device_open_pty(int pts_fd, uid_t uid, int *ret_master, int *ret_peer,
		    struct error *err) must_check;

/* An O_PATH descriptor of a node that was checked to be this character device (null is 1:3). */
int device_open_checked(int dirfd, const char *path, dev_t number, struct error *err) must_check;

#endif
