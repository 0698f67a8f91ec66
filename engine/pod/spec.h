/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec - the engine's plan of a pod and of a container, fixed at creation.
 *
 * kube/ (and later cmd/podium's run and create) fills these; the engine acts on them and knows no
 * other source of truth. pods/<id>/pod.json and containers/<id>/spec.json are these structs written
 * by the record tables pod_spec_type and container_spec_type (engine/base/record.h).
 *
 * Rule: every Kubernetes field that is honoured is reachable from here, so that YAML can be written
 * from the spec alone. Nothing here is resolved on the host before launch: values stay in parts,
 * users stay names, paths stay paths.
 */
#ifndef PODIUM_POD_SPEC_H
#define PODIUM_POD_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/record.h"
#include "engine/base/str.h"

/* ---- values by reference ---------------------------------------------------------------- */

enum value_part_kind {
	VALUE_LITERAL,
	VALUE_VARIABLE, /* text: the name of a variable declared earlier in container_spec.env */
	VALUE__COUNT
};
struct value_part {
	int kind; /* enum value_part_kind */
	char *text;
};
/* A string made of parts at each launch: command words, arguments, environment values. */
struct value {
	struct value_part *v;
	size_t n;
};
struct value_list {
	struct value *v;
	size_t n;
};
struct env_var {
	char *name;
	struct value value;
};
struct env_list {
	struct env_var *v;
	size_t n;
};

/* ---- pod -------------------------------------------------------------------------------- */

enum port_protocol { PORT_TCP, PORT_UDP, PORT_SCTP, PORT__COUNT };
const char *port_protocol_str(int p); /* "tcp", "udp", "sctp" */

enum network_mode {
	NETWORK_BRIDGE,
	NETWORK_HOST,
	NETWORK_NONE, /* own namespace with lo alone */
	NETWORK__COUNT
};

enum volume_kind {
	VOLUME_HOST_PATH,
	VOLUME_EMPTY_DIR, /* directory pods/<id>/volumes/<name>, or tmpfs in the sandbox */
	VOLUME__COUNT
};
enum host_path_type {
	HOST_PATH_ANY, /* "": must exist */
	HOST_PATH_DIRECTORY_OR_CREATE,
	HOST_PATH_DIRECTORY,
	HOST_PATH_FILE_OR_CREATE,
	HOST_PATH_FILE,
	HOST_PATH_SOCKET,
	HOST_PATH_CHAR_DEVICE,
	HOST_PATH_BLOCK_DEVICE,
	HOST_PATH__COUNT
};
struct volume_spec {
	char *name;
	int kind;            /* enum volume_kind */
	char *host_path;     /* HOST_PATH: absolute */
	int host_path_type;  /* enum host_path_type */
	bool memory;         /* EMPTY_DIR: tmpfs */
	int64_t size_bytes;  /* EMPTY_DIR: 0 = no limit given */
	int line;            /* where the manifest says so, for messages; not recorded */
};
struct volume_list {
	struct volume_spec *v;
	size_t n;
};

struct host_alias {
	char *ip;
	struct strlist names;
};
struct host_alias_list {
	struct host_alias *v;
	size_t n;
};
struct dns_option {
	char *name;
	char *value; /* NULL: none */
};
struct dns_option_list {
	struct dns_option *v;
	size_t n;
};
struct dns_spec {
	char *policy; /* Kubernetes' dnsPolicy text, or NULL */
	struct strlist servers;
	struct strlist searches;
	struct dns_option_list options;
};

/* An optional non-negative number: absent differs from 0. */
struct opt_i64 {
	bool set;
	int64_t value;
};
struct opt_bool {
	bool set;
	bool value;
};

struct id_list { /* numeric group ids, as decimal strings in the record */
	struct strlist ids;
};

enum restart_policy { RESTART_ALWAYS, RESTART_ON_FAILURE, RESTART_NEVER, RESTART__COUNT };

struct pod_security {
	struct opt_i64 run_as_user;
	struct opt_i64 run_as_group;
	struct opt_bool run_as_non_root;
	struct opt_i64 fs_group;
	bool fs_group_on_root_mismatch; /* fsGroupChangePolicy OnRootMismatch */
	struct strlist supplemental_groups; /* decimal */
	struct pairlist sysctls;
};

struct container_ref {
	char *id;
	char *name; /* short name, unique in the pod */
	bool init;
};
struct container_ref_list {
	struct container_ref *v;
	size_t n;
};

struct pod_spec {
	uint32_t version;       /* POD_SPEC_VERSION */
	char *id;               /* ephemeral */
	char *name;
	int64_t created_ns;     /* ephemeral; wall clock */
	char *owner;            /* opaque to the engine: "kube", or NULL for one made by hand */
	char *source;           /* ephemeral: the manifest's path as given, or NULL */
	char *infra_id;         /* ephemeral */
	char *namespace_;       /* label only */
	char *hostname;         /* as asked for, or NULL: the pod's name */
	struct pairlist labels;
	struct pairlist annotations;
	struct container_ref_list containers; /* in start order: inits first */
	int network;            /* enum network_mode */
	bool host_pid;
	bool host_ipc;
	bool share_pid;
	struct opt_bool set_hostname_as_fqdn;
	struct host_alias_list host_aliases;
	struct dns_spec dns;
	struct volume_list volumes;
	struct strlist pull_secrets; /* names of what the images were pulled with */
	struct pod_security security;
	int restart;            /* enum restart_policy: as the pod has it */
	bool restart_backoff;   /* kubelet's back-off (played) instead of immediate */
	bool exit_with_members; /* exit policy stop: infra ends with the last member */
	struct opt_i64 grace_seconds; /* as asked for; effective: pod_grace_seconds() */
	bool plain_names;       /* --no-pod-prefix */
};
#define POD_SPEC_VERSION 1
#define PLAYED_GRACE_SECONDS 30
#define POD_OWNER_BUILD "build" /* working containers of a build */

/* ---- container -------------------------------------------------------------------------- */

struct port_spec {
	char *name;             /* or NULL */
	uint16_t container_port;
	uint16_t host_port;     /* 0: not published */
	char *host_ip;          /* or NULL: every address */
	int protocol;           /* enum port_protocol */
};
struct port_list {
	struct port_spec *v;
	size_t n;
};

struct mount_spec {
	char *volume;           /* name in pod_spec.volumes */
	char *target;           /* absolute path in the container */
	bool read_only;
	char *sub_path;         /* relative, or NULL */
};
struct mount_list {
	struct mount_spec *v;
	size_t n;
};

struct resources {
	/* cpu in thousandths of a core, memory in bytes; unset: no limit, no request */
	struct opt_i64 cpu_limit_milli;
	struct opt_i64 cpu_request_milli;
	struct opt_i64 memory_limit_bytes;
	struct opt_i64 memory_request_bytes;
	struct opt_i64 pids_limit; /* unset: 2048 */
};

struct container_security {
	struct opt_i64 run_as_user;
	struct opt_i64 run_as_group;
	struct opt_bool run_as_non_root;
	struct opt_bool privileged;
	struct opt_bool read_only_root;
	struct opt_bool allow_privilege_escalation; /* false = no_new_privs */
	struct strlist cap_add;  /* as written: with or without CAP_, ALL */
	struct strlist cap_drop;
	bool seccomp_unconfined;
	bool unmask_proc;        /* procMount Unmasked */
};

/* What the image says; copied at creation so that a launch opens no image record. */
struct image_config {
	char *reference;         /* canonical name: "docker.io/library/nginx:latest" */
	char *id;                /* config digest, 64 hex digits */
	struct strlist layers;   /* diff ids, lowest first: "sha256:<hex>" directories in layers/ as <hex> */
	struct strlist entrypoint;
	struct strlist cmd;
	struct strlist env;      /* NAME=VALUE */
	char *working_dir;
	char *user;
	char *stop_signal;
	struct strlist volumes;  /* absolute paths */
	struct pairlist labels;
};

enum container_kind { CONTAINER_MEMBER, CONTAINER_INIT, CONTAINER_INFRA, CONTAINER__COUNT };

struct log_spec {
	int64_t max_bytes; /* 0: LOG_MAX_BYTES_DEFAULT */
	uint32_t max_files;
};

struct container_spec {
	uint32_t version;
	char *id;               /* ephemeral */
	char *pod_id;           /* ephemeral */
	int64_t created_ns;     /* ephemeral */
	char *name;             /* short name: "ng1" */
	char *full_name;        /* unique on the host: "my-app-ng1" */
	int kind;               /* enum container_kind */
	char *image;            /* as written in the manifest */
	char *pull_policy;      /* as written, or NULL */
	struct image_config config;
	bool has_command;       /* command replaces the image's entrypoint and cmd */
	struct value_list command;
	bool has_args;
	struct value_list args;
	char *working_dir;      /* or NULL: the image's, else "/" */
	struct env_list env;    /* in order */
	struct port_list ports;
	struct mount_list mounts;
	struct resources resources;
	struct container_security security;
	bool tty;
	bool stdin_open;
	bool stdin_once;
	int restart;            /* enum restart_policy, effective for this container */
	int64_t oom_score_adj;
	struct log_spec log;
};

extern const struct record_type pod_spec_type;
extern const struct record_type container_spec_type;
extern const struct record_type image_config_type;

/* Names for messages and records; index is the enum value, NULL-terminated. */
extern const char *const host_path_type_names[]; /* "", "DirectoryOrCreate", ... */
extern const char *const restart_policy_names[]; /* "Always", "OnFailure", "Never" */
extern const char *const network_mode_names[];   /* "bridge", "host", "none" */

int64_t pod_grace_seconds(const struct pod_spec *pod);
const struct volume_spec *pod_find_volume(const struct pod_spec *pod, const char *name);

/* A pod and its containers (infra not among them) as one unit, as play hands it to the engine. */
struct pod_plan {
	struct pod_spec pod;
	struct container_spec *containers; /* in start order, inits first */
	size_t n_containers;
	char *kube_yaml; /* the pod's own document after overrides, or NULL: kept 0600 beside the record */
};
void pod_plan_done(struct pod_plan *plan);

/* Appends a zeroed element to a {v, n} list and returns it. */
#define list_add(list)                                                                    \
	({                                                                                \
		__typeof__(list) l_ = (list);                                             \
		l_->v = xreallocarray(l_->v, l_->n + 1, sizeof(*l_->v));                  \
		__builtin_memset(&l_->v[l_->n], 0, sizeof(*l_->v));                       \
		&l_->v[l_->n++];                                                          \
	})

/* One literal part. */
void value_add(struct value *val, enum value_part_kind kind, const char *text, size_t len);
/* Resolves a value against variables resolved so far. The caller owns the string. */
char *value_resolve(const struct value *val, const struct pairlist *vars);

#endif
