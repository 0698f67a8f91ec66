/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workload - kinds that keep one pod up from a template: Deployment, DaemonSet, ReplicaSet.
 *
 * Data only: see schemas/schema.h for what a row says and schemas/types_workload.h for the structs.
 * A template's metadata is ObjectMeta, yet a name means nothing there: it has rows of its own.
 * What is said of a cluster's way to replace pods is known: here one pod is replaced at once.
 *
 * testdata/k8s-fields.json is the oracle: tests/unit/test_schema.c walks it against these rows in
 * both directions, so that no field of Kubernetes 1.36 is missing and none is invented.
 */
#include "schemas/models.h"
#include "schemas/models_kinds.h"

#include "schemas/field.h"

static const struct schema_field template_meta_fields[] = {
	{ ROW("name", STRING, ONE), .reason = "the pods of a workload are named after it" },
	{ ROW("generateName", STRING, ONE), .reason = "the pods of a workload are named after it" },
	{ ROW("namespace", STRING, ONE), .reason = "the pods of a workload are in its namespace" },
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
const struct schema_type schema_template_meta = { "V1ObjectMeta", "ObjectMeta of a template",
						  sizeof(struct k8s_meta), template_meta_fields };

static const struct schema_field pod_template_spec_fields[] = {
	{ ROW("metadata", OBJECT, ONE), .sub = &schema_template_meta, KEEP(k8s_template, meta) },
	{ ROW("spec", OBJECT, ONE), .sub = &schema_pod_spec, KEEP(k8s_template, spec),
	  .required = true },
	{ 0 },
};
const struct schema_type schema_pod_template_spec = { "V1PodTemplateSpec", "PodTemplateSpec",
						      sizeof(struct k8s_template),
						      pod_template_spec_fields };

static const struct schema_field deployment_fields[] = {
	{ ROW("apiVersion", STRING, ONE), KEEP(k8s_workload, api_version), .required = true },
	{ ROW("kind", STRING, ONE), KEEP(k8s_workload, kind), .required = true },
	{ ROW("metadata", OBJECT, ONE), .sub = &schema_object_meta, KEEP(k8s_workload, meta),
	  .required = true },
	{ ROW("spec", OBJECT, ONE), .sub = &schema_deployment_spec, KEEP(k8s_workload, spec),
	  .required = true },
	{ ROW("status", OBJECT, ONE), .sub = &schema_deployment_status, .support = FIELD_SERVER },
	{ 0 },
};
const struct schema_type schema_deployment = { "V1Deployment", "Deployment",
					       sizeof(struct k8s_workload), deployment_fields };

static const struct schema_field deployment_spec_fields[] = {
	{ ROW("replicas", INT32, ONE), KEEP(k8s_workload_spec, replicas),
	  .reason = "0 or 1; more follow in a later version" },
	{ ROW("selector", OBJECT, ONE), .sub = &schema_label_selector,
	  KEEP(k8s_workload_spec, selector), .required = true },
	{ ROW("template", OBJECT, ONE), .sub = &schema_pod_template_spec,
	  KEEP(k8s_workload_spec, template_), .required = true },
	{ ROW("strategy", OBJECT, ONE), .sub = &schema_deployment_strategy,
	  KEEP(k8s_workload_spec, strategy) },
	{ ROW("minReadySeconds", INT32, ONE),
	  .reason = "a pod counts as available as soon as it is ready", .harmless = "0" },
	{ ROW("revisionHistoryLimit", INT32, ONE), .reason = "earlier templates are not kept",
	  .harmless = "10" },
	{ ROW("paused", BOOL, ONE), .reason = "a changed template is played at once",
	  .harmless = "false" },
	{ ROW("progressDeadlineSeconds", INT32, ONE),
	  .reason = "play waits for its pods, and says what fails", .harmless = "600" },
	{ 0 },
};
const struct schema_type schema_deployment_spec = { "V1DeploymentSpec", "DeploymentSpec",
						    sizeof(struct k8s_workload_spec),
						    deployment_spec_fields };

static const char *const deployment_strategy_type_values[] = { "Recreate", "RollingUpdate", NULL };
static const struct schema_field deployment_strategy_fields[] = {
	{ ROW("type", STRING, ONE),
	  .reason = "the old pod ends before the new one begins, as Recreate has it",
	  .harmless = "Recreate", .values = deployment_strategy_type_values },
	{ ROW("rollingUpdate", OBJECT, ONE), .sub = &schema_rolling_update_deployment,
	  .reason = "the old pod ends before the new one begins, as Recreate has it" },
	{ 0 },
};
const struct schema_type schema_deployment_strategy = { "V1DeploymentStrategy",
							"DeploymentStrategy",
							sizeof(struct k8s_strategy),
							deployment_strategy_fields };

static const struct schema_field rolling_update_deployment_fields[] = {
	{ ROW("maxSurge", INT_OR_STRING, ONE) },
	{ ROW("maxUnavailable", INT_OR_STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_rolling_update_deployment = { "V1RollingUpdateDeployment",
							      "RollingUpdateDeployment", 0,
							      rolling_update_deployment_fields };

static const struct schema_field daemon_set_fields[] = {
	{ ROW("apiVersion", STRING, ONE), KEEP(k8s_workload, api_version), .required = true },
	{ ROW("kind", STRING, ONE), KEEP(k8s_workload, kind), .required = true },
	{ ROW("metadata", OBJECT, ONE), .sub = &schema_object_meta, KEEP(k8s_workload, meta),
	  .required = true },
	{ ROW("spec", OBJECT, ONE), .sub = &schema_daemon_set_spec, KEEP(k8s_workload, spec),
	  .required = true },
	{ ROW("status", OBJECT, ONE), .sub = &schema_daemon_set_status, .support = FIELD_SERVER },
	{ 0 },
};
const struct schema_type schema_daemon_set = { "V1DaemonSet", "DaemonSet",
					       sizeof(struct k8s_workload), daemon_set_fields };

static const struct schema_field daemon_set_spec_fields[] = {
	{ ROW("selector", OBJECT, ONE), .sub = &schema_label_selector,
	  KEEP(k8s_workload_spec, selector), .required = true },
	{ ROW("template", OBJECT, ONE), .sub = &schema_pod_template_spec,
	  KEEP(k8s_workload_spec, template_), .required = true },
	{ ROW("updateStrategy", OBJECT, ONE), .sub = &schema_daemon_set_update_strategy,
	  KEEP(k8s_workload_spec, strategy) },
	{ ROW("minReadySeconds", INT32, ONE),
	  .reason = "a pod counts as available as soon as it is ready", .harmless = "0" },
	{ ROW("revisionHistoryLimit", INT32, ONE), .reason = "earlier templates are not kept",
	  .harmless = "10" },
	{ 0 },
};
const struct schema_type schema_daemon_set_spec = { "V1DaemonSetSpec", "DaemonSetSpec",
						    sizeof(struct k8s_workload_spec),
						    daemon_set_spec_fields };

static const char *const daemon_set_strategy_type_values[] = { "RollingUpdate", "OnDelete", NULL };
static const struct schema_field daemon_set_update_strategy_fields[] = {
	{ ROW("type", STRING, ONE), .reason = "play replaces the pod when its template has changed",
	  .harmless = "RollingUpdate", .values = daemon_set_strategy_type_values },
	{ ROW("rollingUpdate", OBJECT, ONE), .sub = &schema_rolling_update_daemon_set,
	  KEEP(k8s_strategy, rolling) },
	{ 0 },
};
const struct schema_type schema_daemon_set_update_strategy = { "V1DaemonSetUpdateStrategy",
							       "DaemonSetUpdateStrategy",
							       sizeof(struct k8s_strategy),
							       daemon_set_update_strategy_fields };

static const struct schema_field rolling_update_daemon_set_fields[] = {
	{ ROW("maxUnavailable", INT_OR_STRING, ONE),
	  .reason = "there is one pod: the old one ends before the new one begins",
	  .harmless = "1" },
	{ ROW("maxSurge", INT_OR_STRING, ONE),
	  .reason = "there is one pod: the old one ends before the new one begins",
	  .harmless = "0" },
	{ 0 },
};
const struct schema_type schema_rolling_update_daemon_set = { "V1RollingUpdateDaemonSet",
							      "RollingUpdateDaemonSet",
							      sizeof(struct k8s_rolling),
							      rolling_update_daemon_set_fields };

static const struct schema_field replica_set_fields[] = {
	{ ROW("apiVersion", STRING, ONE), KEEP(k8s_workload, api_version), .required = true },
	{ ROW("kind", STRING, ONE), KEEP(k8s_workload, kind), .required = true },
	{ ROW("metadata", OBJECT, ONE), .sub = &schema_object_meta, KEEP(k8s_workload, meta),
	  .required = true },
	{ ROW("spec", OBJECT, ONE), .sub = &schema_replica_set_spec, KEEP(k8s_workload, spec),
	  .required = true },
	{ ROW("status", OBJECT, ONE), .sub = &schema_replica_set_status, .support = FIELD_SERVER },
	{ 0 },
};
const struct schema_type schema_replica_set = { "V1ReplicaSet", "ReplicaSet",
						sizeof(struct k8s_workload), replica_set_fields };

static const struct schema_field replica_set_spec_fields[] = {
	{ ROW("replicas", INT32, ONE), KEEP(k8s_workload_spec, replicas),
	  .reason = "0 or 1; more follow in a later version" },
	{ ROW("minReadySeconds", INT32, ONE),
	  .reason = "a pod counts as available as soon as it is ready", .harmless = "0" },
	{ ROW("selector", OBJECT, ONE), .sub = &schema_label_selector,
	  KEEP(k8s_workload_spec, selector), .required = true },
	{ ROW("template", OBJECT, ONE), .sub = &schema_pod_template_spec,
	  KEEP(k8s_workload_spec, template_) },
	{ 0 },
};
const struct schema_type schema_replica_set_spec = { "V1ReplicaSetSpec", "ReplicaSetSpec",
						     sizeof(struct k8s_workload_spec),
						     replica_set_spec_fields };
