/* SPDX-License-Identifier: Apache-2.0 */
/*
 * types - the honoured part of Kubernetes' Pod as C structs. Absent is always told from zero.
 * Filled by kube/decode.c through the tables in this folder, freed by decode_done().
 */
#ifndef PODIUM_SCHEMAS_TYPES_H
#define PODIUM_SCHEMAS_TYPES_H

#include "schemas/types_base.h"
#include "schemas/types_claim.h"
#include "schemas/types_config.h"
#include "schemas/types_container.h"
#include "schemas/types_volume.h"
#include "schemas/types_workload.h"

struct k8s_meta {
	char *name;
	char *namespace_;
	struct pairlist labels;
	struct pairlist annotations;
};

struct k8s_host_alias {
	char *ip;
	struct strlist hostnames;
};

struct k8s_dns_option {
	char *name;
	char *value;
};

struct k8s_dns {
	struct strlist nameservers;
	struct strlist searches;
	K8S_LIST(struct k8s_dns_option) options;
};

struct k8s_local_reference {
	char *name;
};

struct k8s_os {
	char *name;
};

struct k8s_pod_spec {
	K8S_LIST(struct k8s_volume) volumes;
	K8S_LIST(struct k8s_container) inits;
	K8S_LIST(struct k8s_container) containers;
	char *restart_policy;
	struct k8s_int grace_seconds;
	struct k8s_int active_deadline;
	char *dns_policy;
	char *service_account;
	char *old_service_account; /* serviceAccount: what serviceAccountName was called */
	char *node_name;
	struct k8s_bool host_network;
	struct k8s_bool host_pid;
	struct k8s_bool host_ipc;
	struct k8s_bool share_pid;
	struct k8s_pod_security *security;
	K8S_LIST(struct k8s_local_reference) pull_secrets;
	char *hostname;
	char *subdomain;
	K8S_LIST(struct k8s_host_alias) host_aliases;
	struct k8s_dns *dns;
	struct k8s_bool hostname_as_fqdn;
	char *hostname_override;
	struct k8s_os *os;
	struct k8s_bool host_users;
	struct k8s_resources *resources;
};

struct k8s_pod {
	char *api_version;
	char *kind;
	struct k8s_meta *meta;
	struct k8s_pod_spec *spec;
};

#endif
