/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scheduling - affinity, tolerations, spreading: the words for a scheduler.
 *
 * Data only: see schemas/schema.h for what a row says and schemas/types.h for the structs.
 * One host has nothing to choose between, so that nothing here is stored. The field of the pod spec
 * that holds one of these carries the reason.
 *
 * testdata/k8s-fields.json is the oracle: tests/unit/test_schema.c walks it against these rows in
 * both directions, so that no field of Kubernetes 1.36 is missing and none is invented.
 */
#include "schemas/models.h"

#include "schemas/field.h"

static const struct schema_field affinity_fields[] = {
	{ ROW("nodeAffinity", OBJECT, ONE), .sub = &schema_node_affinity },
	{ ROW("podAffinity", OBJECT, ONE), .sub = &schema_pod_affinity },
	{ ROW("podAntiAffinity", OBJECT, ONE), .sub = &schema_pod_anti_affinity },
	{ 0 },
};
const struct schema_type schema_affinity = { "V1Affinity", "Affinity", 0, affinity_fields };

static const struct schema_field node_affinity_fields[] = {
	{ ROW("preferredDuringSchedulingIgnoredDuringExecution", OBJECT, LIST),
	  .sub = &schema_preferred_scheduling_term },
	{ ROW("requiredDuringSchedulingIgnoredDuringExecution", OBJECT, ONE),
	  .sub = &schema_node_selector },
	{ 0 },
};
const struct schema_type schema_node_affinity = { "V1NodeAffinity", "NodeAffinity", 0,
						  node_affinity_fields };

static const struct schema_field node_selector_fields[] = {
	{ ROW("nodeSelectorTerms", OBJECT, LIST), .sub = &schema_node_selector_term },
	{ 0 },
};
const struct schema_type schema_node_selector = { "V1NodeSelector", "NodeSelector", 0,
						  node_selector_fields };

static const struct schema_field node_selector_requirement_fields[] = {
	{ ROW("key", STRING, ONE) },
	{ ROW("operator", STRING, ONE) },
	{ ROW("values", STRING, LIST) },
	{ 0 },
};
const struct schema_type schema_node_selector_requirement = { "V1NodeSelectorRequirement",
							      "NodeSelectorRequirement", 0,
							      node_selector_requirement_fields };

static const struct schema_field node_selector_term_fields[] = {
	{ ROW("matchExpressions", OBJECT, LIST), .sub = &schema_node_selector_requirement },
	{ ROW("matchFields", OBJECT, LIST), .sub = &schema_node_selector_requirement },
	{ 0 },
};
const struct schema_type schema_node_selector_term = { "V1NodeSelectorTerm", "NodeSelectorTerm", 0,
						       node_selector_term_fields };

static const struct schema_field pod_affinity_fields[] = {
	{ ROW("preferredDuringSchedulingIgnoredDuringExecution", OBJECT, LIST),
	  .sub = &schema_weighted_pod_affinity_term },
	{ ROW("requiredDuringSchedulingIgnoredDuringExecution", OBJECT, LIST),
	  .sub = &schema_pod_affinity_term },
	{ 0 },
};
const struct schema_type schema_pod_affinity = { "V1PodAffinity", "PodAffinity", 0,
						 pod_affinity_fields };

static const struct schema_field pod_affinity_term_fields[] = {
	{ ROW("labelSelector", OBJECT, ONE), .sub = &schema_label_selector },
	{ ROW("matchLabelKeys", STRING, LIST) },
	{ ROW("mismatchLabelKeys", STRING, LIST) },
	{ ROW("namespaceSelector", OBJECT, ONE), .sub = &schema_label_selector },
	{ ROW("namespaces", STRING, LIST) },
	{ ROW("topologyKey", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_pod_affinity_term = { "V1PodAffinityTerm", "PodAffinityTerm", 0,
						      pod_affinity_term_fields };

static const struct schema_field pod_anti_affinity_fields[] = {
	{ ROW("preferredDuringSchedulingIgnoredDuringExecution", OBJECT, LIST),
	  .sub = &schema_weighted_pod_affinity_term },
	{ ROW("requiredDuringSchedulingIgnoredDuringExecution", OBJECT, LIST),
	  .sub = &schema_pod_affinity_term },
	{ 0 },
};
const struct schema_type schema_pod_anti_affinity = { "V1PodAntiAffinity", "PodAntiAffinity", 0,
						      pod_anti_affinity_fields };

static const struct schema_field pod_scheduling_gate_fields[] = {
	{ ROW("name", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_pod_scheduling_gate = { "V1PodSchedulingGate", "PodSchedulingGate",
							0, pod_scheduling_gate_fields };

static const struct schema_field pod_scheduling_group_fields[] = {
	{ ROW("podGroupName", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_pod_scheduling_group = { "V1PodSchedulingGroup",
							 "PodSchedulingGroup", 0,
							 pod_scheduling_group_fields };

static const struct schema_field preferred_scheduling_term_fields[] = {
	{ ROW("preference", OBJECT, ONE), .sub = &schema_node_selector_term },
	{ ROW("weight", INT32, ONE) },
	{ 0 },
};
const struct schema_type schema_preferred_scheduling_term = { "V1PreferredSchedulingTerm",
							      "PreferredSchedulingTerm", 0,
							      preferred_scheduling_term_fields };

static const char *const toleration_effect_values[] = { "", "NoSchedule", "PreferNoSchedule",
							"NoExecute", NULL };
static const char *const toleration_operator_values[] = { "Exists", "Equal", "Lt", "Gt", NULL };
static const struct schema_field toleration_fields[] = {
	{ ROW("effect", STRING, ONE), .values = toleration_effect_values },
	{ ROW("key", STRING, ONE) },
	{ ROW("operator", STRING, ONE), .values = toleration_operator_values },
	{ ROW("tolerationSeconds", INT64, ONE) },
	{ ROW("value", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_toleration = { "V1Toleration", "Toleration", 0, toleration_fields };

static const char *const topology_spread_constraint_when_unsatisfiable_values[] = {
	"DoNotSchedule", "ScheduleAnyway", NULL
};
static const struct schema_field topology_spread_constraint_fields[] = {
	{ ROW("labelSelector", OBJECT, ONE), .sub = &schema_label_selector },
	{ ROW("matchLabelKeys", STRING, LIST) },
	{ ROW("maxSkew", INT32, ONE) },
	{ ROW("minDomains", INT32, ONE) },
	{ ROW("nodeAffinityPolicy", STRING, ONE) },
	{ ROW("nodeTaintsPolicy", STRING, ONE) },
	{ ROW("topologyKey", STRING, ONE) },
	{ ROW("whenUnsatisfiable", STRING, ONE),
	  .values = topology_spread_constraint_when_unsatisfiable_values },
	{ 0 },
};
const struct schema_type schema_topology_spread_constraint = { "V1TopologySpreadConstraint",
							       "TopologySpreadConstraint", 0,
							       topology_spread_constraint_fields };

static const struct schema_field weighted_pod_affinity_term_fields[] = {
	{ ROW("podAffinityTerm", OBJECT, ONE), .sub = &schema_pod_affinity_term },
	{ ROW("weight", INT32, ONE) },
	{ 0 },
};
const struct schema_type schema_weighted_pod_affinity_term = { "V1WeightedPodAffinityTerm",
							       "WeightedPodAffinityTerm", 0,
							       weighted_pod_affinity_term_fields };
