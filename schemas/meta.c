/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meta - object metadata, label selectors, references between objects.
 *
 * Data only: see schemas/schema.h for what a row says and schemas/types.h for the structs.
 * Fields that only an API server fills are dropped in silence, so that the output of kubectl's
 * get -o yaml can be played as it is.
 *
 * testdata/k8s-fields.json is the oracle: tests/unit/test_schema.c walks it against these rows in
 * both directions, so that no field of Kubernetes 1.36 is missing and none is invented.
 */
#include "schemas/models.h"

#include "schemas/field.h"

static const struct schema_field object_meta_fields[] = {
	{ ROW("name", STRING, ONE), KEEP(k8s_meta, name), .required = true },
	{ ROW("generateName", STRING, ONE),
	  .reason = "a name must be given: nothing here makes one up" },
	{ ROW("namespace", STRING, ONE), KEEP(k8s_meta, namespace_) },
	{ ROW("selfLink", STRING, ONE), .support = FIELD_SERVER },
	{ ROW("uid", STRING, ONE), .support = FIELD_SERVER },
	{ ROW("resourceVersion", STRING, ONE), .support = FIELD_SERVER },
	{ ROW("generation", INT64, ONE), .support = FIELD_SERVER },
	{ ROW("creationTimestamp", TIMESTAMP, ONE), .support = FIELD_SERVER },
	{ ROW("deletionTimestamp", TIMESTAMP, ONE), .support = FIELD_SERVER },
	{ ROW("deletionGracePeriodSeconds", INT64, ONE), .support = FIELD_SERVER },
	{ ROW("labels", STRING, MAP), KEEP(k8s_meta, labels) },
	{ ROW("annotations", STRING, MAP), KEEP(k8s_meta, annotations) },
	{ ROW("ownerReferences", OBJECT, LIST), .sub = &schema_owner_reference,
	  .reason = "there is no controller here" },
	{ ROW("finalizers", STRING, LIST), .reason = "there is no controller here" },
	{ ROW("managedFields", OBJECT, LIST), .sub = &schema_managed_fields_entry,
	  .support = FIELD_SERVER },
	{ 0 },
};
const struct schema_type schema_object_meta = { "V1ObjectMeta", "ObjectMeta",
						sizeof(struct k8s_meta), object_meta_fields };

static const struct schema_field label_selector_fields[] = {
	{ ROW("matchLabels", STRING, MAP), KEEP(k8s_selector, labels) },
	{ ROW("matchExpressions", OBJECT, LIST), .sub = &schema_label_selector_requirement,
	  KEEP(k8s_selector, expressions) },
	{ 0 },
};
const struct schema_type schema_label_selector = { "V1LabelSelector", "LabelSelector",
						   sizeof(struct k8s_selector),
						   label_selector_fields };

static const char *const selector_operator_values[] = { "In", "NotIn", "Exists", "DoesNotExist",
							NULL };
static const struct schema_field label_selector_requirement_fields[] = {
	{ ROW("key", STRING, ONE), KEEP(k8s_selector_requirement, key), .required = true },
	{ ROW("operator", STRING, ONE), KEEP(k8s_selector_requirement, operator_),
	  .values = selector_operator_values, .required = true },
	{ ROW("values", STRING, LIST), KEEP(k8s_selector_requirement, values) },
	{ 0 },
};
const struct schema_type schema_label_selector_requirement = {
	"V1LabelSelectorRequirement", "LabelSelectorRequirement",
	sizeof(struct k8s_selector_requirement), label_selector_requirement_fields
};

static const struct schema_field managed_fields_entry_fields[] = {
	{ ROW("apiVersion", STRING, ONE) }, { ROW("fieldsType", STRING, ONE) },
	{ ROW("fieldsV1", ANY, ONE) },	    { ROW("manager", STRING, ONE) },
	{ ROW("operation", STRING, ONE) },  { ROW("subresource", STRING, ONE) },
	{ ROW("time", TIMESTAMP, ONE) },    { 0 },
};
const struct schema_type schema_managed_fields_entry = { "V1ManagedFieldsEntry",
							 "ManagedFieldsEntry", 0,
							 managed_fields_entry_fields };

static const struct schema_field owner_reference_fields[] = {
	{ ROW("name", STRING, ONE) },
	{ ROW("apiVersion", STRING, ONE) },
	{ ROW("blockOwnerDeletion", BOOL, ONE) },
	{ ROW("controller", BOOL, ONE) },
	{ ROW("kind", STRING, ONE) },
	{ ROW("uid", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_owner_reference = { "V1OwnerReference", "OwnerReference", 0,
						    owner_reference_fields };

static const struct schema_field typed_local_object_reference_fields[] = {
	{ ROW("name", STRING, ONE) },
	{ ROW("apiGroup", STRING, ONE) },
	{ ROW("kind", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_typed_local_object_reference = {
	"V1TypedLocalObjectReference", "TypedLocalObjectReference", 0,
	typed_local_object_reference_fields
};

static const struct schema_field typed_object_reference_fields[] = {
	{ ROW("name", STRING, ONE) },
	{ ROW("apiGroup", STRING, ONE) },
	{ ROW("kind", STRING, ONE) },
	{ ROW("namespace", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_typed_object_reference = { "V1TypedObjectReference",
							   "TypedObjectReference", 0,
							   typed_object_reference_fields };
