/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy - what the files of COPY and ADD share: sources, the walk, and where its entries go.
 *
 *	copy_source.c	patterns, heredocs, downloads and archives become items
 *	copy_walk.c	items become entries at places of the target tree
 *	copy_sink.c	entries become a tar stream, or a digest
 *	copy.c		build_copy_apply(), build_copy_digest(), build_mkdir_apply() of step.h
 *	add.c		what ADD does more: archives
 *	add_fetch.c	and addresses
 */
#ifndef PODIUM_BUILD_COPY_H
#define PODIUM_BUILD_COPY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/build/step.h"
#include "engine/build/tree.h"
#include "engine/image/inflate.h"
#include "engine/image/sha256.h"

/* One entry of the layer. Texts and fd are borrowed. */
struct copy_entry {
	const char *path; /* in the target, relative, canonical */
	mode_t mode;	  /* with its kind: S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO */
	uint32_t uid, gid;
	int64_t mtime_s;
	const char *link; /* S_IFLNK: its target; S_IFREG: an earlier entry of the same content */
	int fd;		  /* S_IFREG, S_IFDIR: opened for reading, or -1 */
	const char *data; /* S_IFREG without fd */
	uint64_t size;	  /* S_IFREG: exactly so many bytes */
};
/* Takes entries in an order in which a layer may have them. */
struct copy_sink {
	int (*put)(void *arg, const struct copy_entry *e, struct error *err);
	void *arg;
};

/* What is copied: a thing in a tree, or bytes. */
struct copy_item {
	char *shown;	 /* for messages: as it was written or matched */
	char *name;	 /* its last component, for a directory as destination */
	int treefd;	 /* borrowed: the tree of path; -1: bytes */
	char *path;	 /* canonical in the tree */
	bool is_dir;	 /* its content is meant */
	bool is_outside; /* from an archive or the network: nothing is ignored; owners as they are */
	char *data;	 /* bytes */
	size_t len;
	mode_t mode; /* of bytes */
	int64_t mtime_s;
};
struct copy_items {
	struct copy_item *v;
	size_t n;
};
void copy_items_done(struct copy_items *l);
#define cleanup_copy_items __attribute__((__cleanup__(copy_items_done)))

struct hard_link;
/* One COPY at work. */
struct copier {
	const struct build_copy_spec *spec;
	int sourcefd; /* the context, or the merged layers of --from; -1: no such source */
	int targetfd; /* merged; -1: for a digest, nothing stands there */
	int workfd; /* a directory of our own for downloads and archives; -1 until one is needed */
	char work[64]; /* its path below ROOT; "" */
	int lockfd;    /* of work */
	bool has_owner, has_mode;
	uint32_t uid, gid;
	mode_t mode;
	int64_t dir_mtime_s; /* of directories that are made on the way */
	const struct copy_sink *sink;
	struct strlist made; /* directories that the stream has, sorted */
	struct hard_link *links;
};

/* copy_source.c: every item of the spec. -ENOENT names what matches nothing. */
int copy_find_items(struct copier *c, struct copy_items *ret, struct error *err) must_check;

/* copy_walk.c */
int copy_all(struct copier *c, const struct copy_items *items, struct error *err) must_check;
/* Only the directory itself and those above. 1: something was put. */
int copy_make_dir(struct copier *c, const char *path, struct error *err) must_check;

/* copy_sink.c */
struct tar_sink {
	int fd;
	int64_t timestamp_s; /* -1 */
	char *block;
};
int tar_sink_put(void *arg, const struct copy_entry *e, struct error *err) must_check;
int tar_sink_end(struct tar_sink *t, struct error *err) must_check;
struct digest_sink {
	struct sha256 *hash;
	char *block;
};
int digest_sink_put(void *arg, const struct copy_entry *e, struct error *err) must_check;

/* add.c: a local archive (by its content) is unpacked into the work directory: 1, *item is its
 * content then; 0: it is no archive. */
int add_unpack(struct copier *c, struct copy_item *item, struct error *err) must_check;
/* The body behind an address (http, https) into a file, hashed on the way. *ret_date: as old as the
 * server says, or -1. -E2BIG: more than max_bytes. */
#define FETCH_BYTES_MAX (INT64_C(64) << 30)
struct sha256;
int add_fetch_into(const char *address, int outfd, int64_t max_bytes, struct sha256 *hash,
		   int64_t *ret_date, struct error *err) must_check;
/* add_inflate.c: takes xz or bzip2 off, into a file of the work directory: its descriptor, at 0.
 * -EBADMSG: it is damaged. */
int add_inflate(struct copier *c, int fd, struct error *err) must_check;
/* Fetches an address into the work directory. */
int add_fetch(struct copier *c, const char *address, struct copy_item *ret,
	      struct error *err) must_check;
/* Makes the work directory; it goes by copy_work_end(), or by the next sweep. */
int copy_work_begin(struct copier *c, struct error *err) must_check;
void copy_work_end(struct copier *c);

#endif
