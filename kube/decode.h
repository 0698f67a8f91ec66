/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode - node tree and table to typed struct.
 */
#ifndef PODIUM_KUBE_DECODE_H
#define PODIUM_KUBE_DECODE_H

#include "kube/diag.h"
#include "kube/node.h"
#include "schemas/schema.h"

/* Fills *obj (zeroed, of type->size bytes) from a mapping. Every unknown field, wrong type and
 * missing required field goes to the sink; what could be read is filled. */
void decode_object(const struct diag_sink *sink, const struct schema_type *type,
		   const struct node *node, void *obj);
/* Names and types alone, of a mapping that is not used: nothing is stored, required or warned
 * about. */
void decode_check(const struct diag_sink *sink, const struct schema_type *type,
		  const struct node *node);
/* Frees what an object owns, and zeroes it. */
void decode_done(const struct schema_type *type, void *obj);

#endif
