/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check - whether the store still has what came in. podium-image only.
 */
#ifndef PODIUM_IMAGE_CHECK_H
#define PODIUM_IMAGE_CHECK_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/state/layout.h"

struct check_finding {
	const char *image; /* 64 hex digits */
	const char *what;  /* "configuration", "manifest", "index", "layer" */
	const char *hex;   /* digest of the document, diff id of the layer */
	const char *text;  /* what is wrong */
	bool is_repaired;  /* taken out of the store: pull or load it again */
	bool is_note;	   /* could not be verified; nothing is known to be wrong */
};
typedef void check_report(void *arg, const struct check_finding *f);

/* Compares every document with its digest and rebuilds every layer's tar, from the files and the kept
 * headers, to compare it with its diff id. repair: images that are damaged go, with their broken
 * layers, unless a container uses them. Returns 0, or 1 when damage is left; negative when the
 * check itself failed. */
int image_check(const struct store *s, bool repair, check_report *report, void *arg,
		struct error *err) must_check;

#endif
