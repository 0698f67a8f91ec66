/* SPDX-License-Identifier: Apache-2.0 */
/*
 * types - the honoured part of Kubernetes' Pod as C structs. Absent is always told from zero.
 * Filled by kube/decode.c through the tables in this folder, freed by decode_done().
 */
#ifndef PODIUM_SCHEMAS_TYPES_H
#define PODIUM_SCHEMAS_TYPES_H

#include "schemas/types_base.h"
#include "schemas/types_volume.h"

struct k8s_meta {
	char *name;
	char *namespace_;
	struct pairlist labels;
	struct pairlist annotations;
};

struct k8s_port {
	char *name;
	struct k8s_int host_port;
	struct k8s_int container_port;
	char *protocol;
	char *host_ip;
};

struct k8s_env {
	char *name;
	char *value;
};

struct k8s_resources {
	struct pairlist limits;
	struct pairlist requests;
};

struct k8s_caps {
	struct strlist add;
	struct strlist drop;
};

struct k8s_seccomp {
	char *type;
	char *localhost_profile;
};

struct k8s_security {
	struct k8s_caps *capabilities;
	struct k8s_bool privileged;
	struct k8s_int run_as_user;
	struct k8s_int run_as_group;
	struct k8s_bool run_as_non_root;
	struct k8s_bool read_only_root;
	struct k8s_bool allow_escalation;
	char *proc_mount;
	struct k8s_seccomp *seccomp;
};

struct k8s_container {
	char *name;
	char *image;
	struct strlist command;
	struct strlist args;
	char *working_dir;
	K8S_LIST(struct k8s_port) ports;
	K8S_LIST(struct k8s_env) env;
	struct k8s_resources *resources;
	char *restart_policy; /* of this container alone: a sidecar's */
	K8S_LIST(struct k8s_mount) mounts;
	char *image_pull_policy;
	struct k8s_security *security;
	struct k8s_bool stdin_open;
	struct k8s_bool stdin_once;
	struct k8s_bool tty;
};

struct k8s_sysctl {
	char *name;
	char *value;
};

struct k8s_pod_security {
	struct k8s_int run_as_user;
	struct k8s_int run_as_group;
	struct k8s_bool run_as_non_root;
	struct strlist supplemental_groups;
	struct k8s_int fs_group;
	K8S_LIST(struct k8s_sysctl) sysctls;
	char *fs_group_change_policy;
	struct k8s_seccomp *seccomp;
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
	char *dns_policy;
	struct k8s_bool host_network;
	struct k8s_bool host_pid;
	struct k8s_bool host_ipc;
	struct k8s_bool share_pid;
	struct k8s_pod_security *security;
	K8S_LIST(struct k8s_local_reference) pull_secrets;
	char *hostname;
	K8S_LIST(struct k8s_host_alias) host_aliases;
	struct k8s_dns *dns;
	struct k8s_bool hostname_as_fqdn;
	struct k8s_os *os;
};

struct k8s_pod {
	char *api_version;
	char *kind;
	struct k8s_meta *meta;
	struct k8s_pod_spec *spec;
};

/* data: base64 texts as they stand; secret.c decodes what it needs. */
struct k8s_secret {
	struct k8s_meta *meta;
	struct pairlist data;
	struct pairlist string_data;
	char *type;
};

#endif
