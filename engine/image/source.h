/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source - the files of an image that lies on this machine: in an archive or in a directory.
 * podium-image only.
 *
 *	oci:DIR		index.json, oci-layout, blobs/sha256/<hex>
 *	dir:DIR		manifest.json, version, <hex>
 *	an archive	what tarball.h found in it (docker-archive, oci-archive)
 */
#ifndef PODIUM_IMAGE_SOURCE_H
#define PODIUM_IMAGE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/image/digest.h"

struct tarball;

struct source {
	const struct tarball *tar; /* borrowed, or NULL: a directory */
	int dirfd;
	bool is_flat; /* dir: */
	struct {
		int *v;
		size_t n;
	} fds; /* opened for layers */
};
/* Over an archive, which must outlive it. */
void source_from_tarball(struct source *s, const struct tarball *t);
/* Opens a directory. */
int source_open_dir(const char *path, bool is_flat, struct source *ret,
		    struct error *err) must_check;
void source_done(struct source *s);

/* The name of a blob's file; the caller's. */
char *source_blob_name(const struct source *s, const struct digest *d);
bool has_source_file(const struct source *s, const char *name);
/* Reads a whole file of at most max bytes; NUL-terminated, the caller's. -ENOENT, -EFBIG. */
int source_read(const struct source *s, const char *name, size_t max, char **ret, size_t *ret_len,
		struct error *err) must_check;

/* Where a file's bytes are. fd is the source's. */
struct source_place {
	int fd;
	uint64_t offset;
	uint64_t size;
};
int source_find(struct source *s, const char *name, struct source_place *ret,
		struct error *err) must_check;

#endif
