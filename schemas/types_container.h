/* SPDX-License-Identifier: Apache-2.0 */
/*
 * types_container - containers as C structs: environment, probes, hooks, resources, and the
 * security contexts of both levels. See schemas/types.h.
 */
#ifndef PODIUM_SCHEMAS_TYPES_CONTAINER_H
#define PODIUM_SCHEMAS_TYPES_CONTAINER_H

#include "schemas/types_base.h"
#include "schemas/types_volume.h"

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

#endif
