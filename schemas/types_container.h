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

/* A key of a ConfigMap or Secret. */
struct k8s_key_selector {
	char *name;
	char *key;
	struct k8s_bool optional;
};

/* A ConfigMap or Secret as a whole. */
struct k8s_object_ref {
	char *name;
	struct k8s_bool optional;
};

struct k8s_env_source {
	struct k8s_key_selector *config_key;
	struct k8s_key_selector *secret_key;
	struct k8s_field_selector *field;
	struct k8s_resource_selector *resource;
};

struct k8s_env {
	char *name;
	char *value;
	struct k8s_env_source *from;
};

struct k8s_env_from {
	struct k8s_object_ref *config;
	struct k8s_object_ref *secret;
	char *prefix;
};

struct k8s_resources {
	struct pairlist limits;
	struct pairlist requests;
};

struct k8s_exec {
	struct strlist command;
};

struct k8s_http_header {
	char *name;
	char *value;
};

struct k8s_http_get {
	char *path;
	char *port; /* a number or a name */
	char *host;
	char *scheme;
	K8S_LIST(struct k8s_http_header) headers;
};

struct k8s_tcp_socket {
	char *port;
	char *host;
};

struct k8s_grpc {
	struct k8s_int port;
	char *service;
};

struct k8s_sleep {
	struct k8s_int seconds;
};

struct k8s_probe {
	struct k8s_exec *exec;
	struct k8s_http_get *http;
	struct k8s_tcp_socket *tcp;
	struct k8s_grpc *grpc;
	struct k8s_int initial_delay;
	struct k8s_int timeout;
	struct k8s_int period;
	struct k8s_int success_threshold;
	struct k8s_int failure_threshold;
	struct k8s_int grace;
};

struct k8s_handler {
	struct k8s_exec *exec;
	struct k8s_http_get *http;
	struct k8s_sleep *sleep;
};

struct k8s_lifecycle {
	struct k8s_handler *post_start;
	struct k8s_handler *pre_stop;
	char *stop_signal;
};

struct k8s_exit_codes {
	char *operator_;
	struct strlist values; /* decimal */
};

struct k8s_restart_rule {
	char *action;
	struct k8s_exit_codes *codes;
};

struct k8s_caps {
	struct strlist add;
	struct strlist drop;
};

struct k8s_seccomp {
	char *type;
	char *localhost_profile;
};

struct k8s_apparmor {
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
	struct k8s_apparmor *apparmor;
};

struct k8s_container {
	char *name;
	char *image;
	struct strlist command;
	struct strlist args;
	char *working_dir;
	K8S_LIST(struct k8s_port) ports;
	K8S_LIST(struct k8s_env_from) env_from;
	K8S_LIST(struct k8s_env) env;
	struct k8s_resources *resources;
	char *restart_policy; /* of this container alone: a sidecar's */
	K8S_LIST(struct k8s_restart_rule) restart_rules;
	K8S_LIST(struct k8s_mount) mounts;
	struct k8s_probe *liveness;
	struct k8s_probe *readiness;
	struct k8s_probe *startup;
	struct k8s_lifecycle *lifecycle;
	char *termination_path;
	char *termination_policy;
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
	char *supplemental_groups_policy;
	struct k8s_seccomp *seccomp;
	struct k8s_apparmor *apparmor;
};

#endif
