/* SPDX-License-Identifier: Apache-2.0 */
/*
 * later - kinds that are known and not played yet: StatefulSet, Service, CronJob and
 * ReplicationController. Their fields are checked, so that a misspelt one is found today.
 *
 * Data only: see schemas/schema.h for what a row says. Types here have no struct.
 *
 * testdata/k8s-fields.json is the oracle: tests/unit/test_schema.c walks it against these rows in
 * both directions, so that no field of Kubernetes 1.36 is missing and none is invented.
 */
#include "schemas/models.h"
#include "schemas/models_kinds.h"

#include "schemas/field.h"

static const struct schema_field stateful_set_fields[] = {
	{ ROW("apiVersion", STRING, ONE) },
	{ ROW("kind", STRING, ONE) },
	{ ROW("metadata", OBJECT, ONE), .sub = &schema_object_meta },
	{ ROW("spec", OBJECT, ONE), .sub = &schema_stateful_set_spec },
	{ ROW("status", OBJECT, ONE), .sub = &schema_stateful_set_status },
	{ 0 },
};
const struct schema_type schema_stateful_set = { "V1StatefulSet", "StatefulSet", 0,
						 stateful_set_fields };

static const struct schema_field stateful_set_spec_fields[] = {
	{ ROW("minReadySeconds", INT32, ONE) },
	{ ROW("ordinals", OBJECT, ONE), .sub = &schema_stateful_set_ordinals },
	{ ROW("persistentVolumeClaimRetentionPolicy", OBJECT, ONE),
	  .sub = &schema_stateful_set_persistent_volume_claim_retention_policy },
	{ ROW("podManagementPolicy", STRING, ONE) },
	{ ROW("replicas", INT32, ONE) },
	{ ROW("revisionHistoryLimit", INT32, ONE) },
	{ ROW("selector", OBJECT, ONE), .sub = &schema_label_selector },
	{ ROW("serviceName", STRING, ONE) },
	{ ROW("template", OBJECT, ONE), .sub = &schema_pod_template_spec },
	{ ROW("updateStrategy", OBJECT, ONE), .sub = &schema_stateful_set_update_strategy },
	{ ROW("volumeClaimTemplates", OBJECT, LIST), .sub = &schema_persistent_volume_claim },
	{ 0 },
};
const struct schema_type schema_stateful_set_spec = { "V1StatefulSetSpec", "StatefulSetSpec", 0,
						      stateful_set_spec_fields };

static const struct schema_field stateful_set_ordinals_fields[] = {
	{ ROW("start", INT32, ONE) },
	{ 0 },
};
const struct schema_type schema_stateful_set_ordinals = { "V1StatefulSetOrdinals",
							  "StatefulSetOrdinals", 0,
							  stateful_set_ordinals_fields };

static const struct schema_field stateful_set_persistent_volume_claim_retention_policy_fields[] = {
	{ ROW("whenDeleted", STRING, ONE) },
	{ ROW("whenScaled", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_stateful_set_persistent_volume_claim_retention_policy = {
	"V1StatefulSetPersistentVolumeClaimRetentionPolicy",
	"StatefulSetPersistentVolumeClaimRetentionPolicy", 0,
	stateful_set_persistent_volume_claim_retention_policy_fields
};

static const struct schema_field stateful_set_update_strategy_fields[] = {
	{ ROW("rollingUpdate", OBJECT, ONE), .sub = &schema_rolling_update_stateful_set_strategy },
	{ ROW("type", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_stateful_set_update_strategy = {
	"V1StatefulSetUpdateStrategy", "StatefulSetUpdateStrategy", 0,
	stateful_set_update_strategy_fields
};

static const struct schema_field rolling_update_stateful_set_strategy_fields[] = {
	{ ROW("maxUnavailable", INT_OR_STRING, ONE) },
	{ ROW("partition", INT32, ONE) },
	{ 0 },
};
const struct schema_type schema_rolling_update_stateful_set_strategy = {
	"V1RollingUpdateStatefulSetStrategy", "RollingUpdateStatefulSetStrategy", 0,
	rolling_update_stateful_set_strategy_fields
};

static const struct schema_field stateful_set_status_fields[] = {
	{ ROW("availableReplicas", INT32, ONE) },
	{ ROW("collisionCount", INT32, ONE) },
	{ ROW("conditions", OBJECT, LIST), .sub = &schema_stateful_set_condition },
	{ ROW("currentReplicas", INT32, ONE) },
	{ ROW("currentRevision", STRING, ONE) },
	{ ROW("observedGeneration", INT64, ONE) },
	{ ROW("readyReplicas", INT32, ONE) },
	{ ROW("replicas", INT32, ONE) },
	{ ROW("updateRevision", STRING, ONE) },
	{ ROW("updatedReplicas", INT32, ONE) },
	{ 0 },
};
const struct schema_type schema_stateful_set_status = { "V1StatefulSetStatus", "StatefulSetStatus",
							0, stateful_set_status_fields };

static const struct schema_field stateful_set_condition_fields[] = {
	{ ROW("lastTransitionTime", TIMESTAMP, ONE) },
	{ ROW("message", STRING, ONE) },
	{ ROW("reason", STRING, ONE) },
	{ ROW("status", STRING, ONE) },
	{ ROW("type", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_stateful_set_condition = { "V1StatefulSetCondition",
							   "StatefulSetCondition", 0,
							   stateful_set_condition_fields };

static const struct schema_field service_fields[] = {
	{ ROW("apiVersion", STRING, ONE) },
	{ ROW("kind", STRING, ONE) },
	{ ROW("metadata", OBJECT, ONE), .sub = &schema_object_meta },
	{ ROW("spec", OBJECT, ONE), .sub = &schema_service_spec },
	{ ROW("status", OBJECT, ONE), .sub = &schema_service_status },
	{ 0 },
};
const struct schema_type schema_service = { "V1Service", "Service", 0, service_fields };

static const struct schema_field service_spec_fields[] = {
	{ ROW("allocateLoadBalancerNodePorts", BOOL, ONE) },
	{ ROW("clusterIP", STRING, ONE) },
	{ ROW("clusterIPs", STRING, LIST) },
	{ ROW("externalIPs", STRING, LIST) },
	{ ROW("externalName", STRING, ONE) },
	{ ROW("externalTrafficPolicy", STRING, ONE) },
	{ ROW("healthCheckNodePort", INT32, ONE) },
	{ ROW("internalTrafficPolicy", STRING, ONE) },
	{ ROW("ipFamilies", STRING, LIST) },
	{ ROW("ipFamilyPolicy", STRING, ONE) },
	{ ROW("loadBalancerClass", STRING, ONE) },
	{ ROW("loadBalancerIP", STRING, ONE) },
	{ ROW("loadBalancerSourceRanges", STRING, LIST) },
	{ ROW("ports", OBJECT, LIST), .sub = &schema_service_port },
	{ ROW("publishNotReadyAddresses", BOOL, ONE) },
	{ ROW("selector", STRING, MAP) },
	{ ROW("sessionAffinity", STRING, ONE) },
	{ ROW("sessionAffinityConfig", OBJECT, ONE), .sub = &schema_session_affinity_config },
	{ ROW("trafficDistribution", STRING, ONE) },
	{ ROW("type", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_service_spec = { "V1ServiceSpec", "ServiceSpec", 0,
						 service_spec_fields };

static const struct schema_field service_port_fields[] = {
	{ ROW("appProtocol", STRING, ONE) },
	{ ROW("name", STRING, ONE) },
	{ ROW("nodePort", INT32, ONE) },
	{ ROW("port", INT32, ONE) },
	{ ROW("protocol", STRING, ONE) },
	{ ROW("targetPort", INT_OR_STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_service_port = { "V1ServicePort", "ServicePort", 0,
						 service_port_fields };

static const struct schema_field session_affinity_config_fields[] = {
	{ ROW("clientIP", OBJECT, ONE), .sub = &schema_client_ip_config },
	{ 0 },
};
const struct schema_type schema_session_affinity_config = { "V1SessionAffinityConfig",
							    "SessionAffinityConfig", 0,
							    session_affinity_config_fields };

static const struct schema_field client_ip_config_fields[] = {
	{ ROW("timeoutSeconds", INT32, ONE) },
	{ 0 },
};
const struct schema_type schema_client_ip_config = { "V1ClientIPConfig", "ClientIPConfig", 0,
						     client_ip_config_fields };

static const struct schema_field service_status_fields[] = {
	{ ROW("conditions", OBJECT, LIST), .sub = &schema_condition },
	{ ROW("loadBalancer", OBJECT, ONE), .sub = &schema_load_balancer_status },
	{ 0 },
};
const struct schema_type schema_service_status = { "V1ServiceStatus", "ServiceStatus", 0,
						   service_status_fields };

static const struct schema_field load_balancer_status_fields[] = {
	{ ROW("ingress", OBJECT, LIST), .sub = &schema_load_balancer_ingress },
	{ 0 },
};
const struct schema_type schema_load_balancer_status = { "V1LoadBalancerStatus",
							 "LoadBalancerStatus", 0,
							 load_balancer_status_fields };

static const struct schema_field load_balancer_ingress_fields[] = {
	{ ROW("hostname", STRING, ONE) },
	{ ROW("ip", STRING, ONE) },
	{ ROW("ipMode", STRING, ONE) },
	{ ROW("ports", OBJECT, LIST), .sub = &schema_port_status },
	{ 0 },
};
const struct schema_type schema_load_balancer_ingress = { "V1LoadBalancerIngress",
							  "LoadBalancerIngress", 0,
							  load_balancer_ingress_fields };

static const struct schema_field port_status_fields[] = {
	{ ROW("error", STRING, ONE) },
	{ ROW("port", INT32, ONE) },
	{ ROW("protocol", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_port_status = { "V1PortStatus", "PortStatus", 0,
						port_status_fields };

static const struct schema_field cron_job_fields[] = {
	{ ROW("apiVersion", STRING, ONE) },
	{ ROW("kind", STRING, ONE) },
	{ ROW("metadata", OBJECT, ONE), .sub = &schema_object_meta },
	{ ROW("spec", OBJECT, ONE), .sub = &schema_cron_job_spec },
	{ ROW("status", OBJECT, ONE), .sub = &schema_cron_job_status },
	{ 0 },
};
const struct schema_type schema_cron_job = { "V1CronJob", "CronJob", 0, cron_job_fields };

static const struct schema_field cron_job_spec_fields[] = {
	{ ROW("concurrencyPolicy", STRING, ONE) },
	{ ROW("failedJobsHistoryLimit", INT32, ONE) },
	{ ROW("jobTemplate", OBJECT, ONE), .sub = &schema_job_template_spec },
	{ ROW("schedule", STRING, ONE) },
	{ ROW("startingDeadlineSeconds", INT64, ONE) },
	{ ROW("successfulJobsHistoryLimit", INT32, ONE) },
	{ ROW("suspend", BOOL, ONE) },
	{ ROW("timeZone", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_cron_job_spec = { "V1CronJobSpec", "CronJobSpec", 0,
						  cron_job_spec_fields };

static const struct schema_field job_template_spec_fields[] = {
	{ ROW("metadata", OBJECT, ONE), .sub = &schema_template_meta },
	{ ROW("spec", OBJECT, ONE), .sub = &schema_job_spec },
	{ 0 },
};
const struct schema_type schema_job_template_spec = { "V1JobTemplateSpec", "JobTemplateSpec", 0,
						      job_template_spec_fields };

static const struct schema_field cron_job_status_fields[] = {
	{ ROW("active", OBJECT, LIST), .sub = &schema_object_reference },
	{ ROW("lastScheduleTime", TIMESTAMP, ONE) },
	{ ROW("lastSuccessfulTime", TIMESTAMP, ONE) },
	{ 0 },
};
const struct schema_type schema_cron_job_status = { "V1CronJobStatus", "CronJobStatus", 0,
						    cron_job_status_fields };

static const struct schema_field replication_controller_fields[] = {
	{ ROW("apiVersion", STRING, ONE) },
	{ ROW("kind", STRING, ONE) },
	{ ROW("metadata", OBJECT, ONE), .sub = &schema_object_meta },
	{ ROW("spec", OBJECT, ONE), .sub = &schema_replication_controller_spec },
	{ ROW("status", OBJECT, ONE), .sub = &schema_replication_controller_status },
	{ 0 },
};
const struct schema_type schema_replication_controller = { "V1ReplicationController",
							   "ReplicationController", 0,
							   replication_controller_fields };

static const struct schema_field replication_controller_spec_fields[] = {
	{ ROW("minReadySeconds", INT32, ONE) },
	{ ROW("replicas", INT32, ONE) },
	{ ROW("selector", STRING, MAP) },
	{ ROW("template", OBJECT, ONE), .sub = &schema_pod_template_spec },
	{ 0 },
};
const struct schema_type schema_replication_controller_spec = {
	"V1ReplicationControllerSpec", "ReplicationControllerSpec", 0,
	replication_controller_spec_fields
};

static const struct schema_field replication_controller_status_fields[] = {
	{ ROW("availableReplicas", INT32, ONE) },
	{ ROW("conditions", OBJECT, LIST), .sub = &schema_replication_controller_condition },
	{ ROW("fullyLabeledReplicas", INT32, ONE) },
	{ ROW("observedGeneration", INT64, ONE) },
	{ ROW("readyReplicas", INT32, ONE) },
	{ ROW("replicas", INT32, ONE) },
	{ 0 },
};
const struct schema_type schema_replication_controller_status = {
	"V1ReplicationControllerStatus", "ReplicationControllerStatus", 0,
	replication_controller_status_fields
};

static const struct schema_field replication_controller_condition_fields[] = {
	{ ROW("lastTransitionTime", TIMESTAMP, ONE) },
	{ ROW("message", STRING, ONE) },
	{ ROW("reason", STRING, ONE) },
	{ ROW("status", STRING, ONE) },
	{ ROW("type", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_replication_controller_condition = {
	"V1ReplicationControllerCondition", "ReplicationControllerCondition", 0,
	replication_controller_condition_fields
};
