/* SPDX-License-Identifier: Apache-2.0 */
/* types_workload - kinds that make pods from a template; see types.h. */
#ifndef PODIUM_SCHEMAS_TYPES_WORKLOAD_H
#define PODIUM_SCHEMAS_TYPES_WORKLOAD_H

#include "schemas/types_base.h"

struct k8s_meta;
struct k8s_pod_spec;

struct k8s_selector_requirement {
	char *key;
	char *operator_;
	struct strlist values;
};

struct k8s_selector {
	struct pairlist labels;
	K8S_LIST(struct k8s_selector_requirement) expressions;
};

struct k8s_template {
	struct k8s_meta *meta; /* labels and annotations alone */
	struct k8s_pod_spec *spec;
};

/* Nothing of these is used; they are there to be looked into. */
struct k8s_rolling {
	char *unused;
};
struct k8s_strategy {
	struct k8s_rolling *rolling;
};

/* Of Deployment, DaemonSet and ReplicaSet alike. */
struct k8s_workload_spec {
	struct k8s_int replicas;
	struct k8s_selector *selector;
	struct k8s_template *template_;
	struct k8s_strategy *strategy;
};

struct k8s_workload {
	char *api_version;
	char *kind;
	struct k8s_meta *meta;
	struct k8s_workload_spec *spec;
};

struct k8s_job_spec {
	struct k8s_int parallelism;
	struct k8s_int completions;
	struct k8s_int active_deadline;
	struct k8s_int backoff_limit;
	struct k8s_int backoff_limit_per_index;
	struct k8s_int max_failed_indexes;
	struct k8s_selector *selector;
	struct k8s_bool manual_selector;
	struct k8s_template *template_;
	struct k8s_int ttl;
	char *completion_mode;
	struct k8s_bool suspend;
	char *pod_replacement_policy;
};

struct k8s_job {
	char *api_version;
	char *kind;
	struct k8s_meta *meta;
	struct k8s_job_spec *spec;
};

#endif
