/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layers - the directories of unpacked layers: claimed, filled, completed, swept.
 *
 *	ROOT/layers/<diff id hex>/	lock	flock: exclusive while it is filled, shared while a
 *						load relies on it
 *					diff/	the tree: a lowerdir of overlayfs
 *					size	bytes of file data
 *					split	the tar stream without them: tarsplit.h
 *					complete	record; without it the directory is debris
 *	ROOT/layers/.new-*		a layer whose digest is not known yet: newlayer.h
 *	ROOT/layers/.trash-*		moved aside, being removed
 */
#ifndef PODIUM_IMAGE_LAYERS_H
#define PODIUM_IMAGE_LAYERS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/str.h"
#include "engine/image/digest.h"
#include "engine/state/layout.h"

#define LAYER_NEW_PREFIX ".new-" /* newlayer.c: filled, and not yet called by its digest */

struct layer_claim {
	char hex[DIGEST_HEX_LEN + 1];
	int dirfd; /* layers/<hex> */
	int lockfd;
	bool complete; /* nothing to do */
};
#define LAYER_CLAIM_INIT ((struct layer_claim){ .dirfd = -EBADF, .lockfd = -EBADF })

/* Claims a layer: either it is complete (then the claim keeps it from being collected), or it is
 * ours alone to fill and its diff/ is new and empty. -EWOULDBLOCK: another process fills it now;
 * try again. Debris found in it is moved aside. */
int layer_claim(const struct store *s, const struct digest *diff_id, struct layer_claim *ret,
		struct error *err) must_check;
/* Opens diff/ of a claim. */
int layer_open_diff(const struct layer_claim *c, struct error *err) must_check;
/* Opens split of a claim that is being filled, new and empty: for tarsplit. */
int layer_new_split(const struct layer_claim *c, struct error *err) must_check;
/* Moves what an unfinished claim has filled to the trash; the claim stays and is good for nothing but
 * layer_claim_done(). */
int layer_abandon(const struct store *s, const struct layer_claim *c,
		  struct error *err) must_check;
/* Writes size and, after the tree was synced by the caller, the record that makes it visible. */
int layer_complete(struct layer_claim *c, uint64_t bytes, uint64_t entries,
		   struct error *err) must_check;
/* Gives the claim up. An unfinished layer stays as debris. */
void layer_claim_done(struct layer_claim *c);

bool is_layer_complete(const struct store *s, const char *hex);
/* Bytes of file data in a complete layer. */
int layer_size(const struct store *s, const char *hex, int64_t *ret, struct error *err) must_check;

/* Moves aside every layer that is not in keep ("sha256:<hex>") and every incomplete one, except
 * those that a process claims. The caller holds the images lock exclusively. */
int layers_sweep(const struct store *s, const struct strlist *keep, struct error *err) must_check;
/* Moves aside every incomplete layer that no process claims: what killed loads left. Needs no lock. */
int layers_sweep_debris(const struct store *s, struct error *err) must_check;
/* Removes what was moved aside: slow, needs no lock. */
int layers_empty_trash(const struct store *s, struct error *err) must_check;

#endif
