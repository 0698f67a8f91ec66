/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copyspec - the words of a COPY or ADD as a struct build_copy_spec.
 */
#ifndef PODIUM_BUILD_COPYSPEC_H
#define PODIUM_BUILD_COPYSPEC_H

#include "engine/build/work.h"

/* A spec and what it borrows. */
struct copy_plan {
	struct build_copy_spec spec;
	struct build_copy_source *sources;
	size_t n_sources;
	struct strlist layers, from_layers;
	char *dest, *chown, *chmod, *checksum;
	bool is_link; /* stands upon nothing: the layer does not depend on those below */
};
void copy_plan_done(struct copy_plan *p);
int copy_plan_make(struct build *b, struct build_state *st, const struct instruction *i,
		   size_t stage, struct copy_plan *ret, struct error *err) must_check;
/* "file", "dir" or "multi", as history has it. */
const char *copy_plan_word(const struct copy_plan *p);

#endif
