/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack - one layer on its way: blob -> hash -> inflate -> hash -> extractor. podium-image only.
 */
#ifndef PODIUM_IMAGE_UNPACK_H
#define PODIUM_IMAGE_UNPACK_H

#include <stdint.h>

#include "engine/image/digest.h"
#include "engine/image/inflate.h"
#include "engine/image/job.h"
#include "engine/image/layer.h"

struct unpack_plan {
	int fd; /* of the archive */
	uint64_t offset;
	uint64_t size;
	int difffd;  /* the layer's empty directory */
	int splitfd; /* where tarsplit records what is not in there; -1: nowhere */
	struct layer_limits layer;
	struct inflate_limits inflate;
};

/* What was seen; to be compared by the caller with what was promised. */
struct unpack_result {
	struct digest blob; /* of the bytes in the archive */
	struct digest diff; /* of the tar inside */
	struct layer_stats stats;
};

/* Starts the pump and its extractor. plan must live until unpack_wait(). */
int unpack_start(const struct unpack_plan *plan, struct job *ret, struct error *err) must_check;
int unpack_wait(struct job *j, struct unpack_result *ret, struct error *err) must_check;

#endif
