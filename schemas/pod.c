/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod - Pod, its spec and the small types that only the spec uses.
 *
 * Data only: see schemas/schema.h for what a row says and schemas/types.h for the structs.
 * The rows stand in the order in which Kubernetes declares the fields; what is written keeps it.
 * What one host cannot honour carries its reason; the reader is told.
 *
 * testdata/k8s-fields.json is the oracle: tests/unit/test_schema.c walks it against these rows in
 * both directions, so that no field of Kubernetes 1.36 is missing and none is invented.
 */
#include "schemas/models.h"

#include "schemas/field.h"

static const struct schema_field host_alias_fields[] = {
	{ ROW("ip", STRING, ONE), KEEP(k8s_host_alias, ip), .required = true },
	{ ROW("hostnames", STRING, LIST), KEEP(k8s_host_alias, hostnames) },
	{ 0 },
};
const struct schema_type schema_host_alias = { "V1HostAlias", "HostAlias",
					       sizeof(struct k8s_host_alias), host_alias_fields };

static const struct schema_field pod_fields[] = {
	{ ROW("apiVersion", STRING, ONE), KEEP(k8s_pod, api_version), .required = true },
	{ ROW("kind", STRING, ONE), KEEP(k8s_pod, kind), .required = true },
	{ ROW("metadata", OBJECT, ONE), .sub = &schema_object_meta, KEEP(k8s_pod, meta),
	  .required = true },
	{ ROW("spec", OBJECT, ONE), .sub = &schema_pod_spec, KEEP(k8s_pod, spec),
	  .required = true },
	{ ROW("status", OBJECT, ONE), .sub = &schema_pod_status, .support = FIELD_SERVER },
	{ 0 },
};
const struct schema_type schema_pod = { "V1Pod", "Pod", sizeof(struct k8s_pod), pod_fields };

static const struct schema_field pod_dns_config_fields[] = {
	{ ROW("nameservers", STRING, LIST), KEEP(k8s_dns, nameservers) },
	{ ROW("searches", STRING, LIST), KEEP(k8s_dns, searches) },
	{ ROW("options", OBJECT, LIST), .sub = &schema_pod_dns_config_option,
	  KEEP(k8s_dns, options) },
	{ 0 },
};
const struct schema_type schema_pod_dns_config = { "V1PodDNSConfig", "PodDNSConfig",
						   sizeof(struct k8s_dns), pod_dns_config_fields };

static const struct schema_field pod_dns_config_option_fields[] = {
	{ ROW("name", STRING, ONE), KEEP(k8s_dns_option, name), .required = true },
	{ ROW("value", STRING, ONE), KEEP(k8s_dns_option, value) },
	{ 0 },
};
const struct schema_type schema_pod_dns_config_option = { "V1PodDNSConfigOption",
							  "PodDNSConfigOption",
							  sizeof(struct k8s_dns_option),
							  pod_dns_config_option_fields };

static const char *const pod_osname_values[] = { "linux", "windows", NULL };
static const struct schema_field pod_os_fields[] = {
	{ ROW("name", STRING, ONE), KEEP(k8s_os, name), .values = pod_osname_values,
	  .required = true },
	{ 0 },
};
const struct schema_type schema_pod_os = { "V1PodOS", "PodOS", sizeof(struct k8s_os),
					   pod_os_fields };

static const char *const pod_spec_restart_policy_values[] = { "Always", "OnFailure", "Never",
							      NULL };
static const char *const pod_spec_dns_policy_values[] = { "ClusterFirst", "ClusterFirstWithHostNet",
							  "Default", "None", NULL };
static const char *const pod_spec_preemption_policy_values[] = { "PreemptLowerPriority", "Never",
								 NULL };
static const struct schema_field pod_spec_fields[] = {
	{ ROW("volumes", OBJECT, LIST), .sub = &schema_volume, KEEP(k8s_pod_spec, volumes) },
	{ ROW("initContainers", OBJECT, LIST), .sub = &schema_container,
	  KEEP(k8s_pod_spec, inits) },
	{ ROW("containers", OBJECT, LIST), .sub = &schema_container, KEEP(k8s_pod_spec, containers),
	  .required = true },
	{ ROW("ephemeralContainers", OBJECT, LIST), .sub = &schema_ephemeral_container,
	  .reason = "Kubernetes adds these to running pods only" },
	{ ROW("restartPolicy", STRING, ONE), KEEP(k8s_pod_spec, restart_policy),
	  .values = pod_spec_restart_policy_values },
	{ ROW("terminationGracePeriodSeconds", INT64, ONE), KEEP(k8s_pod_spec, grace_seconds) },
	{ ROW("activeDeadlineSeconds", INT64, ONE), KEEP(k8s_pod_spec, active_deadline) },
	{ ROW("dnsPolicy", STRING, ONE), KEEP(k8s_pod_spec, dns_policy),
	  .values = pod_spec_dns_policy_values },
	{ ROW("nodeSelector", STRING, MAP), .reason = "one host has no scheduler" },
	{ ROW("serviceAccountName", STRING, ONE), KEEP(k8s_pod_spec, service_account) },
	{ ROW("serviceAccount", STRING, ONE), KEEP(k8s_pod_spec, old_service_account) },
	{ ROW("automountServiceAccountToken", BOOL, ONE),
	  .reason = "there is no API server that gives tokens", .harmless = "false" },
	{ ROW("nodeName", STRING, ONE), KEEP(k8s_pod_spec, node_name) },
	{ ROW("hostNetwork", BOOL, ONE), KEEP(k8s_pod_spec, host_network) },
	{ ROW("hostPID", BOOL, ONE), KEEP(k8s_pod_spec, host_pid) },
	{ ROW("hostIPC", BOOL, ONE), KEEP(k8s_pod_spec, host_ipc) },
	{ ROW("shareProcessNamespace", BOOL, ONE), KEEP(k8s_pod_spec, share_pid) },
	{ ROW("securityContext", OBJECT, ONE), .sub = &schema_pod_security_context,
	  KEEP(k8s_pod_spec, security) },
	{ ROW("imagePullSecrets", OBJECT, LIST), .sub = &schema_local_object_reference,
	  KEEP(k8s_pod_spec, pull_secrets) },
	{ ROW("hostname", STRING, ONE), KEEP(k8s_pod_spec, hostname) },
	{ ROW("subdomain", STRING, ONE), KEEP(k8s_pod_spec, subdomain) },
	{ ROW("affinity", OBJECT, ONE), .sub = &schema_affinity,
	  .reason = "one host has no scheduler" },
	{ ROW("schedulerName", STRING, ONE), .reason = "one host has no scheduler",
	  .harmless = "default-scheduler" },
	{ ROW("tolerations", OBJECT, LIST), .sub = &schema_toleration,
	  .reason = "one host has no scheduler" },
	{ ROW("hostAliases", OBJECT, LIST), .sub = &schema_host_alias,
	  KEEP(k8s_pod_spec, host_aliases) },
	{ ROW("priorityClassName", STRING, ONE), .reason = "one host has no scheduler" },
	{ ROW("priority", INT32, ONE), .reason = "one host has no scheduler", .harmless = "0" },
	{ ROW("dnsConfig", OBJECT, ONE), .sub = &schema_pod_dns_config, KEEP(k8s_pod_spec, dns) },
	{ ROW("readinessGates", OBJECT, LIST), .sub = &schema_pod_readiness_gate,
	  .reason = "nothing here sets such a condition: the pod is ready without it" },
	{ ROW("runtimeClassName", STRING, ONE),
	  .reason = "there is one runtime, the built-in one" },
	{ ROW("enableServiceLinks", BOOL, ONE), .reason = "no variables are made for Services",
	  .harmless = "*" },
	{ ROW("preemptionPolicy", STRING, ONE), .reason = "one host has no scheduler",
	  .harmless = "PreemptLowerPriority", .values = pod_spec_preemption_policy_values },
	{ ROW("overhead", QUANTITY, MAP),
	  .reason = "it belongs to a runtime class, and there is one runtime" },
	{ ROW("topologySpreadConstraints", OBJECT, LIST), .sub = &schema_topology_spread_constraint,
	  .reason = "one host has no scheduler" },
	{ ROW("setHostnameAsFQDN", BOOL, ONE), KEEP(k8s_pod_spec, hostname_as_fqdn) },
	{ ROW("os", OBJECT, ONE), .sub = &schema_pod_os, KEEP(k8s_pod_spec, os) },
	{ ROW("hostUsers", BOOL, ONE), KEEP(k8s_pod_spec, host_users) },
	{ ROW("schedulingGates", OBJECT, LIST), .sub = &schema_pod_scheduling_gate,
	  .reason = "nothing here opens a gate: the pod starts at once" },
	{ ROW("resourceClaims", OBJECT, LIST), .sub = &schema_pod_resource_claim,
	  .reason = "there is no dynamic resource allocation here" },
	{ ROW("resources", OBJECT, ONE), .sub = &schema_resource_requirements,
	  KEEP(k8s_pod_spec, resources) },
	{ ROW("hostnameOverride", STRING, ONE), KEEP(k8s_pod_spec, hostname_override) },
	{ ROW("schedulingGroup", OBJECT, ONE), .sub = &schema_pod_scheduling_group,
	  .reason = "one host has no scheduler" },
	{ 0 },
};
const struct schema_type schema_pod_spec = { "V1PodSpec", "PodSpec", sizeof(struct k8s_pod_spec),
					     pod_spec_fields };

static const struct schema_field ephemeral_container_fields[] = {
	{ ROW("name", STRING, ONE) },
	{ ROW("image", STRING, ONE) },
	{ ROW("command", STRING, LIST) },
	{ ROW("args", STRING, LIST) },
	{ ROW("workingDir", STRING, ONE) },
	{ ROW("ports", OBJECT, LIST), .sub = &schema_container_port },
	{ ROW("envFrom", OBJECT, LIST), .sub = &schema_env_from_source },
	{ ROW("env", OBJECT, LIST), .sub = &schema_env_var },
	{ ROW("resources", OBJECT, ONE), .sub = &schema_resource_requirements },
	{ ROW("resizePolicy", OBJECT, LIST), .sub = &schema_container_resize_policy },
	{ ROW("restartPolicy", STRING, ONE) },
	{ ROW("restartPolicyRules", OBJECT, LIST), .sub = &schema_container_restart_rule },
	{ ROW("volumeMounts", OBJECT, LIST), .sub = &schema_volume_mount },
	{ ROW("volumeDevices", OBJECT, LIST), .sub = &schema_volume_device },
	{ ROW("livenessProbe", OBJECT, ONE), .sub = &schema_probe },
	{ ROW("readinessProbe", OBJECT, ONE), .sub = &schema_probe },
	{ ROW("startupProbe", OBJECT, ONE), .sub = &schema_probe },
	{ ROW("lifecycle", OBJECT, ONE), .sub = &schema_lifecycle },
	{ ROW("terminationMessagePath", STRING, ONE) },
	{ ROW("terminationMessagePolicy", STRING, ONE) },
	{ ROW("imagePullPolicy", STRING, ONE) },
	{ ROW("securityContext", OBJECT, ONE), .sub = &schema_security_context },
	{ ROW("stdin", BOOL, ONE) },
	{ ROW("stdinOnce", BOOL, ONE) },
	{ ROW("tty", BOOL, ONE) },
	{ ROW("targetContainerName", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_ephemeral_container = { "V1EphemeralContainer",
							"EphemeralContainer", 0,
							ephemeral_container_fields };

static const struct schema_field local_object_reference_fields[] = {
	{ ROW("name", STRING, ONE), KEEP(k8s_local_reference, name) },
	{ 0 },
};
const struct schema_type schema_local_object_reference = { "V1LocalObjectReference",
							   "LocalObjectReference",
							   sizeof(struct k8s_local_reference),
							   local_object_reference_fields };

static const struct schema_field pod_readiness_gate_fields[] = {
	{ ROW("conditionType", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_pod_readiness_gate = { "V1PodReadinessGate", "PodReadinessGate", 0,
						       pod_readiness_gate_fields };

static const struct schema_field pod_resource_claim_fields[] = {
	{ ROW("name", STRING, ONE) },
	{ ROW("resourceClaimName", STRING, ONE) },
	{ ROW("resourceClaimTemplateName", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_pod_resource_claim = { "V1PodResourceClaim", "PodResourceClaim", 0,
						       pod_resource_claim_fields };
