/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack - one layer on its way: blob -> hash -> inflate -> hash -> extractor. podium-image only.
 */
#ifndef PODIUM_IMAGE_UNPACK_H
#define PODIUM_IMAGE_UNPACK_H

#include <stdint.h>

#include "engine/image/cage.h"
#include "engine/image/digest.h"
#include "engine/image/inflate.h"
#include "engine/image/job.h"
#include "engine/image/layer.h"

#define UNPACK_TO_END UINT64_MAX

struct unpack_plan {
	int fd;		/* of an archive; or what the blob comes through (a pipe) */
	bool is_stream; /* read it from where it is instead of by offset */
	uint64_t offset;
	uint64_t
		size; /* of the blob: exactly so much is read; of a stream it may be UNPACK_TO_END */
	int difffd;   /* the layer's empty directory */
	int splitfd;  /* records the tar stream for tarsplit_rebuild(); -1: not */
	const struct cage_place *place; /* difffd stands in there, and need not be empty; NULL: it
					 * becomes a root of its own */
	int nice;			/* added to the priority of both processes: 0 to 19 */
	struct layer_limits layer;
	struct inflate_limits inflate;
};

/* What was seen; to be compared by the caller with what was promised. */
struct unpack_result {
	struct digest blob; /* of the bytes in the archive */
	struct digest diff; /* of the tar inside */
	uint64_t size;	    /* of the blob */
	struct layer_stats stats;
};

/* Starts the pump and its extractor. plan must live until unpack_wait(). */
int unpack_start(const struct unpack_plan *plan, struct job *ret, struct error *err) must_check;
int unpack_wait(struct job *j, struct unpack_result *ret, struct error *err) must_check;

#endif
