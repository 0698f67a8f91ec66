/* SPDX-License-Identifier: Apache-2.0 */
/* field - the shorthand of the tables' rows; included by schemas/ alone. */
#ifndef PODIUM_SCHEMAS_FIELD_H
#define PODIUM_SCHEMAS_FIELD_H

#include <stddef.h>

#include "schemas/types.h"

/* What every row says. */
#define ROW(name_, type_, shape_) .name = name_, .type = FIELD_##type_, .shape = SHAPE_##shape_
/* Honoured, stored in that member. */
#define KEEP(struct_name, member) \
	.support = FIELD_HONOURED, .offset = offsetof(struct struct_name, member)

#endif
