/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer - unpacks one layer's tar stream into a directory, by descriptor. podium-image only.
 */
#ifndef PODIUM_IMAGE_LAYER_H
#define PODIUM_IMAGE_LAYER_H

#include <stdbool.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

/* What one layer may make us do. Tests pass smaller ones. */
struct layer_copy;
struct layer_limits {
	uint64_t entries;    /* headers in the stream */
	uint64_t bytes;	     /* file data written */
	uint64_t file_bytes; /* apparent size of one file, holes included */
	uint64_t dirs;	     /* directories, whose times are kept in memory until the end */
	uint64_t xattrs;     /* of one entry */
	const struct layer_copy *copy; /* NULL; or files for a place that is not ours, see below */
	bool is_plain;		       /* a tree and no layer: ".wh." names are files like others */
};
#define LAYER_ENTRIES_MAX    UINT64_C(2000000)
#define LAYER_BYTES_MAX	     (UINT64_C(128) << 30)
#define LAYER_FILE_BYTES_MAX (UINT64_C(1) << 40)
#define LAYER_DIRS_MAX	     UINT64_C(400000)
#define LAYER_XATTRS_MAX     UINT64_C(128)
#define LAYER_XATTR_SIZE_MAX 65536
#define LAYER_NAME_MAX	     255  /* one component */
#define LAYER_PATH_MAX	     4000 /* a cleaned name */
#define LAYER_DEPTH_MAX	     255  /* components of a name */
#define LAYER_TARGET_MAX     4095 /* of a symbolic link */

/* A tar stream for a place that others use: names mean nothing but themselves, the directory keeps its own owner,
 * mode and times, device nodes are left out, and what is there already is not of our making. */
struct layer_copy {
	bool has_owner; /* everything belongs to uid:gid */
	uint32_t uid, gid;
	bool overwrite; /* a directory may take the place of another thing, and the reverse; -EEXIST
			 * without */
	bool is_inert;	/* no file keeps set-id bits or capabilities */
};

void layer_limits_default(struct layer_limits *l);

struct layer_stats {
	uint64_t entries;
	uint64_t bytes;		  /* file data written: what `size` of the layer records */
	uint64_t skipped_devices; /* nodes that the engine makes itself in /dev */
	uint64_t dropped_xattrs;
};

/* Reads a tar stream (ustar, pax, GNU) from infd until its end marker and makes its entries below
 * rootfd, a directory opened O_RDONLY that is the layer's root. Works without privileges of the
 * host inside a user namespace; umask must be 0. Refusals are -EBADMSG (the archive), -E2BIG (a
 * limit), -EPERM (policy); what was made before a refusal stays and is the caller's to sweep. */
int layer_extract(int infd, int rootfd, const struct layer_limits *limits, struct layer_stats *ret,
		  struct error *err) must_check;

#endif
