/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health - the instruction HEALTHCHECK.
 */
#ifndef PODIUM_BUILD_HEALTH_H
#define PODIUM_BUILD_HEALTH_H

#include "engine/build/containerfile.h"
#include "engine/image/imageconf.h"

/* Replaces *ret, which owns its list. */
int build_health(const struct instruction *i, struct image_health *ret,
		 struct error *err) must_check;

#endif
