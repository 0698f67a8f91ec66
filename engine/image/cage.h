/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cage - confines the children of podium-image that touch hostile bytes. podium-image only.
 */
#ifndef PODIUM_IMAGE_CAGE_H
#define PODIUM_IMAGE_CAGE_H

#include <errno.h>

#include "engine/base/error.h"

enum cage_kind {
	CAGE_READER, /* parses bytes it reads, writes to open descriptors; opens nothing */
	CAGE_PUMP,   /* the same, and waits for a child */
	CAGE_UNPACK, /* makes files below its root */
	CAGE_PACK,   /* reads files below its root, all of them; writes to open descriptors */
};

/* Gives the calling process a mount namespace in which dirfd is the root and everything else is
 * gone, and an empty network namespace. Single-threaded callers with CAP_SYS_ADMIN in their user
 * namespace. dirfd may be the root of a detached mount. */
int cage_enter_root(int dirfd, struct error *err) must_check;
/* The same, and nothing can be written there, no access time either. */
int cage_enter_root_readonly(int dirfd, struct error *err) must_check;

/* A root that is not ours to mount: of a container that runs, or of this host. */
struct cage_place {
	int rootfd;    /* O_PATH */
	int userns_fd; /* whose ids its files have; -1: those of the caller */
};
#define CAGE_PLACE_INIT                           \
	{                                         \
		.rootfd = -EBADF, .userns_fd = -1 \
	}
/* Makes that the root of the calling process, in its user namespace, as that one's root, without
 * network. Mounts stay what they are. Single-threaded callers with CAP_SYS_ADMIN. */
int cage_enter_place(const struct cage_place *place, struct error *err) must_check;

/* Closes every descriptor but 0 to 2 and the n given ones (ascending). */
int cage_close_others(const int *keep, size_t n, struct error *err) must_check;

/* Sets resource limits, drops capabilities, no_new_privs, and loads the system call filter of the
 * kind. There is no way back. The caller asked for everything else that it needs before. */
int cage_confine(enum cage_kind kind, struct error *err) must_check;

/* Dies with the parent (checked: a parent that is gone already is an error). */
int cage_follow_parent(int parent_pid, struct error *err) must_check;

#endif
