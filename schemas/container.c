/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container - containers: ports, environment, resources, mounts.
 *
 * Data only: see schemas/schema.h for what a row says and schemas/types.h for the structs.
 * An init container is the same type: Kubernetes tells them apart by rules, which stand in
 * kube/validate_container.c.
 *
 * testdata/k8s-fields.json is the oracle: tests/unit/test_schema.c walks it against these rows in
 * both directions, so that no field of Kubernetes 1.36 is missing and none is invented.
 */
#include "schemas/models.h"

#include "schemas/field.h"

static const char *const container_restart_policy_values[] = { "Always", "OnFailure", "Never",
							       NULL };
static const char *const container_termination_message_policy_values[] = { "File",
									   "FallbackToLogsOnError",
									   NULL };
static const char *const container_image_pull_policy_values[] = { "Always", "IfNotPresent", "Never",
								  NULL };
static const struct schema_field container_fields[] = {
	{ ROW("name", STRING, ONE), KEEP(k8s_container, name), .required = true },
	{ ROW("image", STRING, ONE), KEEP(k8s_container, image), .required = true },
	{ ROW("command", STRING, LIST), KEEP(k8s_container, command) },
	{ ROW("args", STRING, LIST), KEEP(k8s_container, args) },
	{ ROW("workingDir", STRING, ONE), KEEP(k8s_container, working_dir) },
	{ ROW("ports", OBJECT, LIST), .sub = &schema_container_port, KEEP(k8s_container, ports) },
	{ ROW("envFrom", OBJECT, LIST), .sub = &schema_env_from_source,
	  KEEP(k8s_container, env_from) },
	{ ROW("env", OBJECT, LIST), .sub = &schema_env_var, KEEP(k8s_container, env) },
	{ ROW("resources", OBJECT, ONE), .sub = &schema_resource_requirements,
	  KEEP(k8s_container, resources) },
	{ ROW("resizePolicy", OBJECT, LIST), .sub = &schema_container_resize_policy,
	  .reason = "resources are not resized in place" },
	{ ROW("restartPolicy", STRING, ONE), KEEP(k8s_container, restart_policy),
	  .values = container_restart_policy_values },
	{ ROW("restartPolicyRules", OBJECT, LIST), .sub = &schema_container_restart_rule,
	  KEEP(k8s_container, restart_rules) },
	{ ROW("volumeMounts", OBJECT, LIST), .sub = &schema_volume_mount,
	  KEEP(k8s_container, mounts) },
	{ ROW("volumeDevices", OBJECT, LIST), .sub = &schema_volume_device,
	  .reason = "there are no block volumes here: mount a hostPath of type BlockDevice" },
	{ ROW("livenessProbe", OBJECT, ONE), .sub = &schema_probe, KEEP(k8s_container, liveness) },
	{ ROW("readinessProbe", OBJECT, ONE), .sub = &schema_probe,
	  KEEP(k8s_container, readiness) },
	{ ROW("startupProbe", OBJECT, ONE), .sub = &schema_probe, KEEP(k8s_container, startup) },
	{ ROW("lifecycle", OBJECT, ONE), .sub = &schema_lifecycle, KEEP(k8s_container, lifecycle) },
	{ ROW("terminationMessagePath", STRING, ONE), KEEP(k8s_container, termination_path) },
	{ ROW("terminationMessagePolicy", STRING, ONE), KEEP(k8s_container, termination_policy),
	  .values = container_termination_message_policy_values },
	{ ROW("imagePullPolicy", STRING, ONE), KEEP(k8s_container, image_pull_policy),
	  .values = container_image_pull_policy_values },
	{ ROW("securityContext", OBJECT, ONE), .sub = &schema_security_context,
	  KEEP(k8s_container, security) },
	{ ROW("stdin", BOOL, ONE), KEEP(k8s_container, stdin_open) },
	{ ROW("stdinOnce", BOOL, ONE), KEEP(k8s_container, stdin_once) },
	{ ROW("tty", BOOL, ONE), KEEP(k8s_container, tty) },
	{ 0 },
};
const struct schema_type schema_container = { "V1Container", "Container",
					      sizeof(struct k8s_container), container_fields };

static const char *const container_port_protocol_values[] = { "TCP", "UDP", "SCTP", NULL };
static const struct schema_field container_port_fields[] = {
	{ ROW("name", STRING, ONE), KEEP(k8s_port, name) },
	{ ROW("hostPort", INT32, ONE), KEEP(k8s_port, host_port) },
	{ ROW("containerPort", INT32, ONE), KEEP(k8s_port, container_port), .required = true },
	{ ROW("protocol", STRING, ONE), KEEP(k8s_port, protocol),
	  .values = container_port_protocol_values },
	{ ROW("hostIP", STRING, ONE), KEEP(k8s_port, host_ip) },
	{ 0 },
};
const struct schema_type schema_container_port = { "V1ContainerPort", "ContainerPort",
						   sizeof(struct k8s_port), container_port_fields };

static const struct schema_field env_var_fields[] = {
	{ ROW("name", STRING, ONE), KEEP(k8s_env, name), .required = true },
	{ ROW("value", STRING, ONE), KEEP(k8s_env, value) },
	{ ROW("valueFrom", OBJECT, ONE), .sub = &schema_env_var_source, KEEP(k8s_env, from) },
	{ 0 },
};
const struct schema_type schema_env_var = { "V1EnvVar", "EnvVar", sizeof(struct k8s_env),
					    env_var_fields };

static const struct schema_field resource_requirements_fields[] = {
	{ ROW("limits", QUANTITY, MAP), KEEP(k8s_resources, limits),
	  .reason = "a container's ephemeral-storage: a look every 10 s, then eviction" },
	{ ROW("requests", QUANTITY, MAP), KEEP(k8s_resources, requests) },
	{ ROW("claims", OBJECT, LIST), .sub = &schema_resource_claim,
	  .reason = "there is no dynamic resource allocation here" },
	{ 0 },
};
const struct schema_type schema_resource_requirements = { "V1ResourceRequirements",
							  "ResourceRequirements",
							  sizeof(struct k8s_resources),
							  resource_requirements_fields };

static const char *const volume_mount_recursive_read_only_values[] = { "Disabled", "IfPossible",
								       "Enabled", NULL };
static const char *const volume_mount_mount_propagation_values[] = { "None", "HostToContainer",
								     "Bidirectional", NULL };
static const struct schema_field volume_mount_fields[] = {
	{ ROW("name", STRING, ONE), KEEP(k8s_mount, name), .required = true },
	{ ROW("readOnly", BOOL, ONE), KEEP(k8s_mount, read_only) },
	{ ROW("recursiveReadOnly", STRING, ONE), KEEP(k8s_mount, recursive_read_only),
	  .reason = "Disabled, too: what is mounted below a read-only volume is never writable",
	  .values = volume_mount_recursive_read_only_values },
	{ ROW("mountPath", STRING, ONE), KEEP(k8s_mount, mount_path), .required = true },
	{ ROW("subPath", STRING, ONE), KEEP(k8s_mount, sub_path) },
	{ ROW("mountPropagation", STRING, ONE), KEEP(k8s_mount, propagation),
	  .values = volume_mount_mount_propagation_values },
	{ ROW("subPathExpr", STRING, ONE), KEEP(k8s_mount, sub_path_expr) },
	{ 0 },
};
const struct schema_type schema_volume_mount = { "V1VolumeMount", "VolumeMount",
						 sizeof(struct k8s_mount), volume_mount_fields };

static const struct schema_field resource_claim_fields[] = {
	{ ROW("name", STRING, ONE) },
	{ ROW("request", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_resource_claim = { "CoreV1ResourceClaim", "ResourceClaim", 0,
						   resource_claim_fields };

static const struct schema_field config_map_env_source_fields[] = {
	{ ROW("name", STRING, ONE), KEEP(k8s_object_ref, name), .required = true },
	{ ROW("optional", BOOL, ONE), KEEP(k8s_object_ref, optional) },
	{ 0 },
};
const struct schema_type schema_config_map_env_source = { "V1ConfigMapEnvSource",
							  "ConfigMapEnvSource",
							  sizeof(struct k8s_object_ref),
							  config_map_env_source_fields };

static const struct schema_field config_map_key_selector_fields[] = {
	{ ROW("name", STRING, ONE), KEEP(k8s_key_selector, name), .required = true },
	{ ROW("key", STRING, ONE), KEEP(k8s_key_selector, key), .required = true },
	{ ROW("optional", BOOL, ONE), KEEP(k8s_key_selector, optional) },
	{ 0 },
};
const struct schema_type schema_config_map_key_selector = { "V1ConfigMapKeySelector",
							    "ConfigMapKeySelector",
							    sizeof(struct k8s_key_selector),
							    config_map_key_selector_fields };

static const struct schema_field container_resize_policy_fields[] = {
	{ ROW("resourceName", STRING, ONE) },
	{ ROW("restartPolicy", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_container_resize_policy = { "V1ContainerResizePolicy",
							    "ContainerResizePolicy", 0,
							    container_resize_policy_fields };

static const char *const restart_rule_action_values[] = { "Restart", "RestartAllContainers", NULL };
static const struct schema_field container_restart_rule_fields[] = {
	{ ROW("action", STRING, ONE), KEEP(k8s_restart_rule, action), .required = true,
	  .values = restart_rule_action_values },
	{ ROW("exitCodes", OBJECT, ONE), .sub = &schema_container_restart_rule_on_exit_codes,
	  KEEP(k8s_restart_rule, codes) },
	{ 0 },
};
const struct schema_type schema_container_restart_rule = { "V1ContainerRestartRule",
							   "ContainerRestartRule",
							   sizeof(struct k8s_restart_rule),
							   container_restart_rule_fields };

static const char *const exit_codes_operator_values[] = { "In", "NotIn", NULL };
static const struct schema_field container_restart_rule_on_exit_codes_fields[] = {
	{ ROW("operator", STRING, ONE), KEEP(k8s_exit_codes, operator_), .required = true,
	  .values = exit_codes_operator_values },
	{ ROW("values", INT32, LIST), KEEP(k8s_exit_codes, values) },
	{ 0 },
};
const struct schema_type schema_container_restart_rule_on_exit_codes = {
	"V1ContainerRestartRuleOnExitCodes", "ContainerRestartRuleOnExitCodes",
	sizeof(struct k8s_exit_codes), container_restart_rule_on_exit_codes_fields
};

static const struct schema_field env_from_source_fields[] = {
	{ ROW("configMapRef", OBJECT, ONE), .sub = &schema_config_map_env_source,
	  KEEP(k8s_env_from, config) },
	{ ROW("prefix", STRING, ONE), KEEP(k8s_env_from, prefix) },
	{ ROW("secretRef", OBJECT, ONE), .sub = &schema_secret_env_source,
	  KEEP(k8s_env_from, secret) },
	{ 0 },
};
const struct schema_type schema_env_from_source = { "V1EnvFromSource", "EnvFromSource",
						    sizeof(struct k8s_env_from),
						    env_from_source_fields };

static const struct schema_field env_var_source_fields[] = {
	{ ROW("configMapKeyRef", OBJECT, ONE), .sub = &schema_config_map_key_selector,
	  KEEP(k8s_env_source, config_key) },
	{ ROW("fieldRef", OBJECT, ONE), .sub = &schema_object_field_selector,
	  KEEP(k8s_env_source, field) },
	{ ROW("fileKeyRef", OBJECT, ONE), .sub = &schema_file_key_selector,
	  .reason = "the variable will be missing: variables from files are not read here" },
	{ ROW("resourceFieldRef", OBJECT, ONE), .sub = &schema_resource_field_selector,
	  KEEP(k8s_env_source, resource) },
	{ ROW("secretKeyRef", OBJECT, ONE), .sub = &schema_secret_key_selector,
	  KEEP(k8s_env_source, secret_key) },
	{ 0 },
};
const struct schema_type schema_env_var_source = { "V1EnvVarSource", "EnvVarSource",
						   sizeof(struct k8s_env_source),
						   env_var_source_fields };

static const struct schema_field file_key_selector_fields[] = {
	{ ROW("key", STRING, ONE) },
	{ ROW("optional", BOOL, ONE) },
	{ ROW("path", STRING, ONE) },
	{ ROW("volumeName", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_file_key_selector = { "V1FileKeySelector", "FileKeySelector", 0,
						      file_key_selector_fields };

static const struct schema_field object_field_selector_fields[] = {
	{ ROW("apiVersion", STRING, ONE), KEEP(k8s_field_selector, api_version) },
	{ ROW("fieldPath", STRING, ONE), KEEP(k8s_field_selector, field_path), .required = true },
	{ 0 },
};
const struct schema_type schema_object_field_selector = { "V1ObjectFieldSelector",
							  "ObjectFieldSelector",
							  sizeof(struct k8s_field_selector),
							  object_field_selector_fields };

static const struct schema_field resource_field_selector_fields[] = {
	{ ROW("containerName", STRING, ONE), KEEP(k8s_resource_selector, container) },
	{ ROW("divisor", QUANTITY, ONE), KEEP(k8s_resource_selector, divisor) },
	{ ROW("resource", STRING, ONE), KEEP(k8s_resource_selector, resource), .required = true },
	{ 0 },
};
const struct schema_type schema_resource_field_selector = { "V1ResourceFieldSelector",
							    "ResourceFieldSelector",
							    sizeof(struct k8s_resource_selector),
							    resource_field_selector_fields };

static const struct schema_field secret_env_source_fields[] = {
	{ ROW("name", STRING, ONE), KEEP(k8s_object_ref, name), .required = true },
	{ ROW("optional", BOOL, ONE), KEEP(k8s_object_ref, optional) },
	{ 0 },
};
const struct schema_type schema_secret_env_source = { "V1SecretEnvSource", "SecretEnvSource",
						      sizeof(struct k8s_object_ref),
						      secret_env_source_fields };

static const struct schema_field secret_key_selector_fields[] = {
	{ ROW("name", STRING, ONE), KEEP(k8s_key_selector, name), .required = true },
	{ ROW("key", STRING, ONE), KEEP(k8s_key_selector, key), .required = true },
	{ ROW("optional", BOOL, ONE), KEEP(k8s_key_selector, optional) },
	{ 0 },
};
const struct schema_type schema_secret_key_selector = { "V1SecretKeySelector", "SecretKeySelector",
							sizeof(struct k8s_key_selector),
							secret_key_selector_fields };

static const struct schema_field volume_device_fields[] = {
	{ ROW("name", STRING, ONE) },
	{ ROW("devicePath", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_volume_device = { "V1VolumeDevice", "VolumeDevice", 0,
						  volume_device_fields };
