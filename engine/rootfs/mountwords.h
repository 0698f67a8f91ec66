/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mountwords - the option words of a mount, as the command line and mount(8) write them: what
 * attributes they add and take away, and what is left for the file system. Pure.
 */
#ifndef PODIUM_ROOTFS_MOUNTWORDS_H
#define PODIUM_ROOTFS_MOUNTWORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/str.h"

struct mount_words {
	uint64_t set;	    /* MOUNT_ATTR_* that are asked for */
	uint64_t clear;	    /* those that are asked not to be: "exec", "suid", "dev", "rw" */
	struct pairlist fs; /* of the file system: size=64m; value "": a flag */
	bool chown;	    /* U */
	bool relabel;	    /* z, Z */
	bool overlay;	    /* O */
	bool idmap;	    /* idmap, idmap=.. */
	bool no_copy;	    /* nocopy, notmpcopyup */
	bool single;	    /* bind: without what is mounted below */
	char *upper_dir;    /* of an overlay, or NULL */
	char *work_dir;
	char *uids, *gids;    /* idmap=uids=..;gids=.., or NULL */
	uint64_t propagation; /* MS_SLAVE, MS_SHARED, MS_PRIVATE, or 0: nothing was said */
};
void mount_words_done(struct mount_words *w);
#define cleanup_mount_words cleanup(mount_words_done)

/* What a mount can be asked for. */
enum mount_words_kind {
	MOUNT_WORDS_VOLUME, /* of -v and --mount */
	MOUNT_WORDS_TMPFS,  /* size, mode, uid, gid, nr_inodes, nr_blocks, huge go to the tmpfs */
	MOUNT_WORDS_PROC,   /* hidepid, gid, subset */
};
/* Adds one word. -EINVAL for an unknown one, for one without its value, and for one that contradicts
 * what is there. */
int mount_words_add(struct mount_words *w, enum mount_words_kind kind, const char *word,
		    struct error *err) must_check;
/* The words of a text, separated by commas. NULL and "" are none. */
int mount_words_split(struct mount_words *w, enum mount_words_kind kind, const char *text,
		      struct error *err) must_check;

/* The attributes of a mount that has these by default. */
uint64_t mount_words_attrs(const struct mount_words *w, uint64_t defaults);

#endif
