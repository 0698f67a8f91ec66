/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack - a tree or a layer as a stream, by a confined child: push, save, export, commit, build.
 * podium-image only.
 */
#ifndef PODIUM_IMAGE_PACK_H
#define PODIUM_IMAGE_PACK_H

#include <stdint.h>

#include "engine/image/cage.h"
#include "engine/image/deflate.h"
#include "engine/image/digest.h"
#include "engine/image/job.h"
#include "engine/image/tarout.h"

struct pack_plan {
	int treefd; /* becomes the child's root */
	int splitfd; /* the record with which treefd was a layer: its stream is rebuilt; -1: tarout */
	struct tarout_options tree;
	enum deflate_kind kind;
	int level;
	int outfd; /* a pipe or file; the caller closes his own copy */
	const struct cage_place
		*place; /* treefd (then opened for reading) stands in there; NULL: it
					 * is a root of its own */
};
struct pack_result {
	struct digest diff; /* of the tar */
	struct digest blob; /* of what was written */
	uint64_t diff_bytes;
	uint64_t blob_bytes;
};

/* Starts the child. The plan must live until pack_wait(). -EPIPE from there: nobody reads outfd. */
int pack_start(const struct pack_plan *plan, struct job *ret, struct error *err) must_check;
int pack_wait(struct job *j, struct pack_result *ret, struct error *err) must_check;

#endif
