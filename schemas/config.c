/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config - ConfigMap, Secret and Namespace: kinds that make no pod.
 *
 * Data only: see schemas/schema.h for what a row says and schemas/types_config.h for the structs.
 *
 * testdata/k8s-fields.json is the oracle: tests/unit/test_schema.c walks it against these rows in
 * both directions, so that no field of Kubernetes 1.36 is missing and none is invented.
 */
#include "schemas/models.h"
#include "schemas/models_kinds.h"

#include "schemas/field.h"

static const struct schema_field config_map_fields[] = {
	{ ROW("apiVersion", STRING, ONE), KEEP(k8s_config_map, api_version), .required = true },
	{ ROW("kind", STRING, ONE), KEEP(k8s_config_map, kind), .required = true },
	{ ROW("metadata", OBJECT, ONE), .sub = &schema_object_meta, KEEP(k8s_config_map, meta),
	  .required = true },
	{ ROW("immutable", BOOL, ONE), KEEP(k8s_config_map, immutable) },
	{ ROW("data", STRING, MAP), KEEP(k8s_config_map, data) },
	{ ROW("binaryData", BYTES, MAP), KEEP(k8s_config_map, binary_data) },
	{ 0 },
};
const struct schema_type schema_config_map = { "V1ConfigMap", "ConfigMap",
					       sizeof(struct k8s_config_map), config_map_fields };

static const struct schema_field secret_fields[] = {
	{ ROW("apiVersion", STRING, ONE), KEEP(k8s_secret, api_version), .required = true },
	{ ROW("kind", STRING, ONE), KEEP(k8s_secret, kind), .required = true },
	{ ROW("metadata", OBJECT, ONE), .sub = &schema_object_meta, KEEP(k8s_secret, meta),
	  .required = true },
	{ ROW("immutable", BOOL, ONE), KEEP(k8s_secret, immutable) },
	{ ROW("data", BYTES, MAP), KEEP(k8s_secret, data) },
	{ ROW("stringData", STRING, MAP), KEEP(k8s_secret, string_data) },
	{ ROW("type", STRING, ONE), KEEP(k8s_secret, type) },
	{ 0 },
};
const struct schema_type schema_secret = { "V1Secret", "Secret", sizeof(struct k8s_secret),
					   secret_fields };

static const struct schema_field namespace_fields[] = {
	{ ROW("apiVersion", STRING, ONE), KEEP(k8s_namespace, api_version), .required = true },
	{ ROW("kind", STRING, ONE), KEEP(k8s_namespace, kind), .required = true },
	{ ROW("metadata", OBJECT, ONE), .sub = &schema_object_meta, KEEP(k8s_namespace, meta),
	  .required = true },
	{ ROW("spec", OBJECT, ONE), .sub = &schema_namespace_spec, .support = FIELD_SERVER },
	{ ROW("status", OBJECT, ONE), .sub = &schema_namespace_status, .support = FIELD_SERVER },
	{ 0 },
};
const struct schema_type schema_namespace = { "V1Namespace", "Namespace",
					      sizeof(struct k8s_namespace), namespace_fields };

static const struct schema_field namespace_spec_fields[] = {
	{ ROW("finalizers", STRING, LIST) },
	{ 0 },
};
const struct schema_type schema_namespace_spec = { "V1NamespaceSpec", "NamespaceSpec", 0,
						   namespace_spec_fields };
