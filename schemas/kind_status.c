/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind_status - what an API server reports of workloads and volumes: known so that such files are
 * read, never used.
 *
 * Data only: see schemas/schema.h for what a row says. Types here have no struct.
 *
 * testdata/k8s-fields.json is the oracle: tests/unit/test_schema.c walks it against these rows in
 * both directions, so that no field of Kubernetes 1.36 is missing and none is invented.
 */
#include "schemas/models.h"
#include "schemas/models_kinds.h"

#include "schemas/field.h"

static const struct schema_field condition_fields[] = {
	{ ROW("lastTransitionTime", TIMESTAMP, ONE) },
	{ ROW("message", STRING, ONE) },
	{ ROW("observedGeneration", INT64, ONE) },
	{ ROW("reason", STRING, ONE) },
	{ ROW("status", STRING, ONE) },
	{ ROW("type", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_condition = { "V1Condition", "Condition", 0, condition_fields };

static const struct schema_field daemon_set_condition_fields[] = {
	{ ROW("lastTransitionTime", TIMESTAMP, ONE) },
	{ ROW("message", STRING, ONE) },
	{ ROW("reason", STRING, ONE) },
	{ ROW("status", STRING, ONE) },
	{ ROW("type", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_daemon_set_condition = { "V1DaemonSetCondition",
							 "DaemonSetCondition", 0,
							 daemon_set_condition_fields };

static const struct schema_field daemon_set_status_fields[] = {
	{ ROW("collisionCount", INT32, ONE) },
	{ ROW("conditions", OBJECT, LIST), .sub = &schema_daemon_set_condition },
	{ ROW("currentNumberScheduled", INT32, ONE) },
	{ ROW("desiredNumberScheduled", INT32, ONE) },
	{ ROW("numberAvailable", INT32, ONE) },
	{ ROW("numberMisscheduled", INT32, ONE) },
	{ ROW("numberReady", INT32, ONE) },
	{ ROW("numberUnavailable", INT32, ONE) },
	{ ROW("observedGeneration", INT64, ONE) },
	{ ROW("updatedNumberScheduled", INT32, ONE) },
	{ 0 },
};
const struct schema_type schema_daemon_set_status = { "V1DaemonSetStatus", "DaemonSetStatus", 0,
						      daemon_set_status_fields };

static const struct schema_field deployment_condition_fields[] = {
	{ ROW("lastTransitionTime", TIMESTAMP, ONE) },
	{ ROW("lastUpdateTime", TIMESTAMP, ONE) },
	{ ROW("message", STRING, ONE) },
	{ ROW("reason", STRING, ONE) },
	{ ROW("status", STRING, ONE) },
	{ ROW("type", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_deployment_condition = { "V1DeploymentCondition",
							 "DeploymentCondition", 0,
							 deployment_condition_fields };

static const struct schema_field deployment_status_fields[] = {
	{ ROW("availableReplicas", INT32, ONE) },
	{ ROW("collisionCount", INT32, ONE) },
	{ ROW("conditions", OBJECT, LIST), .sub = &schema_deployment_condition },
	{ ROW("observedGeneration", INT64, ONE) },
	{ ROW("readyReplicas", INT32, ONE) },
	{ ROW("replicas", INT32, ONE) },
	{ ROW("terminatingReplicas", INT32, ONE) },
	{ ROW("unavailableReplicas", INT32, ONE) },
	{ ROW("updatedReplicas", INT32, ONE) },
	{ 0 },
};
const struct schema_type schema_deployment_status = { "V1DeploymentStatus", "DeploymentStatus", 0,
						      deployment_status_fields };

static const struct schema_field job_condition_fields[] = {
	{ ROW("lastProbeTime", TIMESTAMP, ONE) },
	{ ROW("lastTransitionTime", TIMESTAMP, ONE) },
	{ ROW("message", STRING, ONE) },
	{ ROW("reason", STRING, ONE) },
	{ ROW("status", STRING, ONE) },
	{ ROW("type", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_job_condition = { "V1JobCondition", "JobCondition", 0,
						  job_condition_fields };

static const struct schema_field job_status_fields[] = {
	{ ROW("active", INT32, ONE) },
	{ ROW("completedIndexes", STRING, ONE) },
	{ ROW("completionTime", TIMESTAMP, ONE) },
	{ ROW("conditions", OBJECT, LIST), .sub = &schema_job_condition },
	{ ROW("failed", INT32, ONE) },
	{ ROW("failedIndexes", STRING, ONE) },
	{ ROW("ready", INT32, ONE) },
	{ ROW("startTime", TIMESTAMP, ONE) },
	{ ROW("succeeded", INT32, ONE) },
	{ ROW("terminating", INT32, ONE) },
	{ ROW("uncountedTerminatedPods", OBJECT, ONE), .sub = &schema_uncounted_terminated_pods },
	{ 0 },
};
const struct schema_type schema_job_status = { "V1JobStatus", "JobStatus", 0, job_status_fields };

static const struct schema_field modify_volume_status_fields[] = {
	{ ROW("status", STRING, ONE) },
	{ ROW("targetVolumeAttributesClassName", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_modify_volume_status = { "V1ModifyVolumeStatus",
							 "ModifyVolumeStatus", 0,
							 modify_volume_status_fields };

static const struct schema_field namespace_condition_fields[] = {
	{ ROW("lastTransitionTime", TIMESTAMP, ONE) },
	{ ROW("message", STRING, ONE) },
	{ ROW("reason", STRING, ONE) },
	{ ROW("status", STRING, ONE) },
	{ ROW("type", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_namespace_condition = { "V1NamespaceCondition",
							"NamespaceCondition", 0,
							namespace_condition_fields };

static const struct schema_field namespace_status_fields[] = {
	{ ROW("conditions", OBJECT, LIST), .sub = &schema_namespace_condition },
	{ ROW("phase", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_namespace_status = { "V1NamespaceStatus", "NamespaceStatus", 0,
						     namespace_status_fields };

static const struct schema_field persistent_volume_claim_condition_fields[] = {
	{ ROW("lastProbeTime", TIMESTAMP, ONE) },
	{ ROW("lastTransitionTime", TIMESTAMP, ONE) },
	{ ROW("message", STRING, ONE) },
	{ ROW("reason", STRING, ONE) },
	{ ROW("status", STRING, ONE) },
	{ ROW("type", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_persistent_volume_claim_condition = {
	"V1PersistentVolumeClaimCondition", "PersistentVolumeClaimCondition", 0,
	persistent_volume_claim_condition_fields
};

static const struct schema_field persistent_volume_claim_status_fields[] = {
	{ ROW("accessModes", STRING, LIST) },
	{ ROW("allocatedResourceStatuses", STRING, MAP) },
	{ ROW("allocatedResources", QUANTITY, MAP) },
	{ ROW("capacity", QUANTITY, MAP) },
	{ ROW("conditions", OBJECT, LIST), .sub = &schema_persistent_volume_claim_condition },
	{ ROW("currentVolumeAttributesClassName", STRING, ONE) },
	{ ROW("modifyVolumeStatus", OBJECT, ONE), .sub = &schema_modify_volume_status },
	{ ROW("phase", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_persistent_volume_claim_status = {
	"V1PersistentVolumeClaimStatus", "PersistentVolumeClaimStatus", 0,
	persistent_volume_claim_status_fields
};

static const struct schema_field persistent_volume_status_fields[] = {
	{ ROW("lastPhaseTransitionTime", TIMESTAMP, ONE) },
	{ ROW("message", STRING, ONE) },
	{ ROW("phase", STRING, ONE) },
	{ ROW("reason", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_persistent_volume_status = { "V1PersistentVolumeStatus",
							     "PersistentVolumeStatus", 0,
							     persistent_volume_status_fields };

static const struct schema_field replica_set_condition_fields[] = {
	{ ROW("lastTransitionTime", TIMESTAMP, ONE) },
	{ ROW("message", STRING, ONE) },
	{ ROW("reason", STRING, ONE) },
	{ ROW("status", STRING, ONE) },
	{ ROW("type", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_replica_set_condition = { "V1ReplicaSetCondition",
							  "ReplicaSetCondition", 0,
							  replica_set_condition_fields };

static const struct schema_field replica_set_status_fields[] = {
	{ ROW("availableReplicas", INT32, ONE) },
	{ ROW("conditions", OBJECT, LIST), .sub = &schema_replica_set_condition },
	{ ROW("fullyLabeledReplicas", INT32, ONE) },
	{ ROW("observedGeneration", INT64, ONE) },
	{ ROW("readyReplicas", INT32, ONE) },
	{ ROW("replicas", INT32, ONE) },
	{ ROW("terminatingReplicas", INT32, ONE) },
	{ 0 },
};
const struct schema_type schema_replica_set_status = { "V1ReplicaSetStatus", "ReplicaSetStatus", 0,
						       replica_set_status_fields };

static const struct schema_field uncounted_terminated_pods_fields[] = {
	{ ROW("failed", STRING, LIST) },
	{ ROW("succeeded", STRING, LIST) },
	{ 0 },
};
const struct schema_type schema_uncounted_terminated_pods = { "V1UncountedTerminatedPods",
							      "UncountedTerminatedPods", 0,
							      uncounted_terminated_pods_fields };
