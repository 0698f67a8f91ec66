/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret - Secret, of which the two types that hold credentials of registries are read.
 *
 * Data only: see schemas/schema.h for what a row says.
 */
#include "schemas/models.h"

#include "schemas/field.h"

static const struct schema_field secret_fields[] = {
	{ ROW("apiVersion", STRING, ONE), .reason = "it is the kind's", .harmless = "*",
	  .required = true },
	{ ROW("kind", STRING, ONE), .reason = "it is the kind's", .harmless = "*",
	  .required = true },
	{ ROW("metadata", OBJECT, ONE), .sub = &schema_object_meta, KEEP(k8s_secret, meta),
	  .required = true },
	{ ROW("immutable", BOOL, ONE), .reason = "nothing here changes a Secret", .harmless = "*" },
	{ ROW("data", BYTES, MAP), KEEP(k8s_secret, data) },
	{ ROW("stringData", STRING, MAP), KEEP(k8s_secret, string_data) },
	{ ROW("type", STRING, ONE), KEEP(k8s_secret, type) },
	{ 0 },
};
const struct schema_type schema_secret = { "V1Secret", "Secret", sizeof(struct k8s_secret),
					   secret_fields };
