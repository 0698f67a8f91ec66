/* SPDX-License-Identifier: Apache-2.0 */
/*
 * newlayer - a layer whose digest is not known before it is there: commit, import, build.
 * podium-image only.
 *
 *	ROOT/layers/.new-<random>/	filled, then renamed to its diff id
 */
#ifndef PODIUM_IMAGE_NEWLAYER_H
#define PODIUM_IMAGE_NEWLAYER_H

#include "engine/image/layers.h"

/* Unpacks the tar stream of infd (plain, gzip or zstd; until its end) with the same cage, limits and
 * record as a pulled layer, syncs it, gives it the name of its digest and marks it complete. A layer
 * that is there already is kept and the new one goes to the trash. *ret is a complete claim. */
int newlayer_from_stream(const struct store *s, int infd, struct layer_claim *ret,
			 struct digest *ret_diff, uint64_t *ret_bytes,
			 struct error *err) must_check;

/* Writes the tree of a writable layer (an overlay's upper directory, with its whiteouts) as the tar
 * stream of an OCI layer into outfd: sorted by name, whiteouts as .wh. files, hard links kept,
 * sockets left out. mtime_max_s >= 0: no time is later than that (--timestamp); -1: as they are.
 * Works by descriptors, follows nothing, and may run while somebody changes the tree. */
struct tarout_options {
	int64_t timestamp_s; /* -1: times as they are; else every time is this */
	bool is_upper;	     /* overlay whiteouts and opaque marks become .wh. files */
};
int tarout_write(int treefd, const struct tarout_options *o, int outfd,
		 struct error *err) must_check;

#endif
