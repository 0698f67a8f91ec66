/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal - what the files of the unpacker (layer*.c) share among themselves.
 */
#ifndef PODIUM_IMAGE_INTERNAL_H
#define PODIUM_IMAGE_INTERNAL_H

#include <archive_entry.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

#include "engine/image/layer.h"

/* A directory whose times are set when nothing more is written into it. */
struct layer_dir {
	char *path; /* cleaned, "" for the root */
	dev_t dev;
	ino_t ino;
	struct timespec times[2];
};

/* One extraction. */
struct layer {
	int rootfd;
	const struct layer_limits *limits;
	struct layer_stats stats;
	char *parent_path; /* of parentfd; NULL: nothing is kept */
	int parentfd;
	struct layer_dir *dirs;
	size_t n_dirs;
	size_t cap_dirs;
};

/* An entry's cleaned place in the layer. */
struct layer_name {
	char *path;	  /* without a leading slash; "" is the root */
	const char *base; /* last component, inside path */
};
void layer_name_done(struct layer_name *n);

/* layer_path.c */
int layer_clean(const char *raw, struct layer_name *ret, struct error *err) must_check;
/* Borrowed descriptor (O_PATH) of the directory that holds name; made when missing. */
int layer_parent(struct layer *l, const struct layer_name *name, struct error *err) must_check;
/* Forgets the kept parent: after anything that may have changed how a path resolves. */
void layer_forget_parent(struct layer *l);
/* Removes what stands at the name, if anything. */
int layer_clear(int parentfd, const char *base, struct error *err) must_check;

/* layer_meta.c: the descriptor is of the entry just made. A symbolic link has only owner, times. */
int layer_set_owner(int fd, struct archive_entry *e, struct error *err) must_check;
int layer_set_mode(int fd, struct archive_entry *e, struct error *err) must_check;
int layer_set_xattrs(struct layer *l, int fd, struct archive_entry *e,
		     struct error *err) must_check;
void layer_times(struct archive_entry *e, struct timespec times[2]);
int layer_set_times(int fd, const struct timespec times[2], struct error *err) must_check;

/* layer_whiteout.c */
bool is_layer_whiteout(int parentfd, const char *base); /* made by us, on disk */
int layer_set_opaque(int dirfd, char value, struct error *err) must_check;
/* Handles an entry whose base begins with ".wh.". */
int layer_whiteout(struct layer *l, const struct layer_name *name, struct archive_entry *e,
		   struct error *err) must_check;

#endif
