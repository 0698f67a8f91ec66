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
#include "engine/image/tarout.h" /* what makes such streams of trees */

/* Unpacks the tar stream of infd (plain, gzip or zstd; until its end) with the same cage, limits and
 * record as a pulled layer, syncs it, gives it the name of its digest and marks it complete. A layer
 * that is there already is kept and the new one goes to the trash. *ret is a complete claim. */
int newlayer_from_stream(const struct store *s, int infd, struct layer_claim *ret,
			 struct digest *ret_diff, uint64_t *ret_bytes,
			 struct error *err) must_check;

/* The same from a tree, which a confined child reads: treefd as for pack.h. */
struct newlayer {
	struct layer_claim claim;
	struct digest diff;
	uint64_t bytes;
};
int newlayer_from_tree(const struct store *s, int treefd, const struct tarout_options *o,
		       struct newlayer *ret, struct error *err) must_check;

#endif
