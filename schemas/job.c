/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job - Job and its policies.
 *
 * Data only: see schemas/schema.h for what a row says and schemas/types_workload.h for the structs.
 *
 * testdata/k8s-fields.json is the oracle: tests/unit/test_schema.c walks it against these rows in
 * both directions, so that no field of Kubernetes 1.36 is missing and none is invented.
 */
#include "schemas/models.h"
#include "schemas/models_kinds.h"

#include "schemas/field.h"

static const struct schema_field job_fields[] = {
	{ ROW("apiVersion", STRING, ONE), KEEP(k8s_job, api_version), .required = true },
	{ ROW("kind", STRING, ONE), KEEP(k8s_job, kind), .required = true },
	{ ROW("metadata", OBJECT, ONE), .sub = &schema_object_meta, KEEP(k8s_job, meta),
	  .required = true },
	{ ROW("spec", OBJECT, ONE), .sub = &schema_job_spec, KEEP(k8s_job, spec),
	  .required = true },
	{ ROW("status", OBJECT, ONE), .sub = &schema_job_status, .support = FIELD_SERVER },
	{ 0 },
};
const struct schema_type schema_job = { "V1Job", "Job", sizeof(struct k8s_job), job_fields };

static const char *const completion_mode_values[] = { "NonIndexed", "Indexed", NULL };
static const char *const pod_replacement_values[] = { "TerminatingOrFailed", "Failed", NULL };
static const struct schema_field job_spec_fields[] = {
	{ ROW("parallelism", INT32, ONE), KEEP(k8s_job_spec, parallelism) },
	{ ROW("completions", INT32, ONE), KEEP(k8s_job_spec, completions) },
	{ ROW("activeDeadlineSeconds", INT64, ONE), KEEP(k8s_job_spec, active_deadline) },
	{ ROW("podFailurePolicy", OBJECT, ONE), .sub = &schema_pod_failure_policy,
	  .reason = "every failure of a pod counts alike" },
	{ ROW("successPolicy", OBJECT, ONE), .sub = &schema_success_policy,
	  .reason = "a Job ends when all its completions are there" },
	{ ROW("backoffLimit", INT32, ONE), KEEP(k8s_job_spec, backoff_limit) },
	{ ROW("backoffLimitPerIndex", INT32, ONE), KEEP(k8s_job_spec, backoff_limit_per_index) },
	{ ROW("maxFailedIndexes", INT32, ONE), KEEP(k8s_job_spec, max_failed_indexes) },
	{ ROW("selector", OBJECT, ONE), .sub = &schema_label_selector,
	  KEEP(k8s_job_spec, selector) },
	{ ROW("manualSelector", BOOL, ONE), KEEP(k8s_job_spec, manual_selector) },
	{ ROW("template", OBJECT, ONE), .sub = &schema_pod_template_spec,
	  KEEP(k8s_job_spec, template_), .required = true },
	{ ROW("ttlSecondsAfterFinished", INT32, ONE), KEEP(k8s_job_spec, ttl) },
	{ ROW("completionMode", STRING, ONE), KEEP(k8s_job_spec, completion_mode),
	  .values = completion_mode_values },
	{ ROW("suspend", BOOL, ONE), KEEP(k8s_job_spec, suspend) },
	{ ROW("podReplacementPolicy", STRING, ONE), KEEP(k8s_job_spec, pod_replacement_policy),
	  .values = pod_replacement_values },
	{ ROW("managedBy", STRING, ONE), .reason = "nothing else manages Jobs here",
	  .harmless = "kubernetes.io/job-controller" },
	{ 0 },
};
const struct schema_type schema_job_spec = { "V1JobSpec", "JobSpec", sizeof(struct k8s_job_spec),
					     job_spec_fields };

static const struct schema_field pod_failure_policy_fields[] = {
	{ ROW("rules", OBJECT, LIST), .sub = &schema_pod_failure_policy_rule },
	{ 0 },
};
const struct schema_type schema_pod_failure_policy = { "V1PodFailurePolicy", "PodFailurePolicy", 0,
						       pod_failure_policy_fields };

static const struct schema_field pod_failure_policy_rule_fields[] = {
	{ ROW("action", STRING, ONE) },
	{ ROW("onExitCodes", OBJECT, ONE),
	  .sub = &schema_pod_failure_policy_on_exit_codes_requirement },
	{ ROW("onPodConditions", OBJECT, LIST),
	  .sub = &schema_pod_failure_policy_on_pod_conditions_pattern },
	{ 0 },
};
const struct schema_type schema_pod_failure_policy_rule = { "V1PodFailurePolicyRule",
							    "PodFailurePolicyRule", 0,
							    pod_failure_policy_rule_fields };

static const struct schema_field pod_failure_policy_on_exit_codes_requirement_fields[] = {
	{ ROW("containerName", STRING, ONE) },
	{ ROW("operator", STRING, ONE) },
	{ ROW("values", INT32, LIST) },
	{ 0 },
};
const struct schema_type schema_pod_failure_policy_on_exit_codes_requirement = {
	"V1PodFailurePolicyOnExitCodesRequirement", "PodFailurePolicyOnExitCodesRequirement", 0,
	pod_failure_policy_on_exit_codes_requirement_fields
};

static const struct schema_field pod_failure_policy_on_pod_conditions_pattern_fields[] = {
	{ ROW("status", STRING, ONE) },
	{ ROW("type", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_pod_failure_policy_on_pod_conditions_pattern = {
	"V1PodFailurePolicyOnPodConditionsPattern", "PodFailurePolicyOnPodConditionsPattern", 0,
	pod_failure_policy_on_pod_conditions_pattern_fields
};

static const struct schema_field success_policy_fields[] = {
	{ ROW("rules", OBJECT, LIST), .sub = &schema_success_policy_rule },
	{ 0 },
};
const struct schema_type schema_success_policy = { "V1SuccessPolicy", "SuccessPolicy", 0,
						   success_policy_fields };

static const struct schema_field success_policy_rule_fields[] = {
	{ ROW("succeededCount", INT32, ONE) },
	{ ROW("succeededIndexes", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_success_policy_rule = { "V1SuccessPolicyRule", "SuccessPolicyRule",
							0, success_policy_rule_fields };
