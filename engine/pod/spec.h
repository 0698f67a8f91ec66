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
	VALUE_VARIABLE, /* text: a variable resolved earlier; "$(text)" itself when there is none */
	VALUE_CONFIG,	/* text: key of the ConfigMap `object` in the pod's namespace */
	VALUE_SECRET,	/* text: key of the Secret `object` in the pod's namespace */
	VALUE_FIELD,	/* text: a path of the Downward API: "metadata.labels['app']" */
	VALUE_RESOURCE, /* text: "limits.cpu"; object: the container's short name, NULL: this one */
	VALUE__COUNT
};
struct value_part {
	int kind; /* enum value_part_kind */
	char *text;
	char *object;  /* CONFIG, SECRET: its name; RESOURCE: a container */
	char *divisor; /* RESOURCE: a quantity, or NULL: 1 */
	bool optional; /* CONFIG, SECRET: what is missing makes the whole variable absent */
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
/* Every key of an object becomes a variable PREFIX + KEY: before env, later ones win. */
struct env_source {
	bool secret; /* a Secret, else a ConfigMap */
	char *object;
	char *prefix; /* or NULL */
	bool optional;
};
struct env_source_list {
	struct env_source *v;
	size_t n;
};

/* ---- pod -------------------------------------------------------------------------------- */

enum port_protocol { PORT_TCP, PORT_UDP, PORT_SCTP, PORT__COUNT };
const char *port_protocol_str(int p); /* "tcp", "udp", "sctp" */

struct port_spec {
	char *name; /* or NULL */
	uint16_t container_port;
	uint16_t host_port; /* 0: not published */
	char *host_ip;	    /* or NULL: every address */
	int protocol;	    /* enum port_protocol */
};
struct port_list {
	struct port_spec *v;
	size_t n;
};

enum network_mode {
	NETWORK_BRIDGE,
	NETWORK_HOST,
	NETWORK_NONE, /* own namespace with lo alone */
	NETWORK_FROM, /* that of another: pod_spec.network_from */
	NETWORK__COUNT
};

enum volume_kind {
	VOLUME_HOST_PATH,
	VOLUME_EMPTY_DIR, /* directory pods/<id>/volumes/<name>, or tmpfs in the sandbox */
	VOLUME_CONFIG,	  /* the next four: files made from objects, read-only, in the sandbox */
	VOLUME_SECRET,
	VOLUME_DOWNWARD,
	VOLUME_PROJECTED,
	VOLUME_IMAGE, /* the file system of an image, read-only */
	VOLUME_NAMED, /* volumes/<name>: outlives its pods */
	VOLUME_TMPFS, /* made anew at each start of the container that mounts it */
	VOLUME__COUNT
};
static inline bool is_projection_volume(int kind)
{
	return kind >= VOLUME_CONFIG && kind <= VOLUME_PROJECTED;
}
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
/* An optional non-negative number: absent differs from 0. */
struct opt_i64 {
	bool set;
	int64_t value;
};
struct opt_bool {
	bool set;
	bool value;
};

enum projection_kind {
	PROJECTION_CONFIG,
	PROJECTION_SECRET,
	PROJECTION_DOWNWARD,
	PROJECTION__COUNT
};
struct projection_item {
	char *path;	     /* relative file in the volume */
	char *key;	     /* CONFIG, SECRET */
	char *field;	     /* DOWNWARD: a path of the Downward API, or NULL: */
	char *resource;	     /* "limits.cpu" */
	char *container;     /* of resource */
	char *divisor;	     /* of resource, or NULL */
	struct opt_i64 mode; /* else the volume's */
};
struct projection_item_list {
	struct projection_item *v;
	size_t n;
};
/* One source of files. Without items a CONFIG or SECRET gives every key as a file. */
struct projection {
	int kind;     /* enum projection_kind */
	char *object; /* name of the ConfigMap or Secret in the pod's namespace */
	bool optional;
	struct projection_item_list items;
	size_t index; /* among the manifest's sources, for messages; not recorded */
};
struct projection_list {
	struct projection *v;
	size_t n;
};

/* What the image says; copied at creation so that a launch opens no image record. */
struct image_config {
	char *reference; /* canonical name: "docker.io/library/nginx:latest" */
	char *id;	 /* config digest, 64 hex digits */
	struct strlist
		layers; /* diff ids, lowest first: "sha256:<hex>" directories in layers/ as <hex> */
	struct strlist entrypoint;
	struct strlist cmd;
	struct strlist env; /* NAME=VALUE */
	char *working_dir;
	char *user;
	char *stop_signal;
	struct strlist volumes; /* absolute paths */
	struct pairlist labels;
};

struct volume_spec {
	char *name;
	int kind;			/* enum volume_kind */
	char *host_path;		/* HOST_PATH: absolute */
	int host_path_type;		/* enum host_path_type */
	bool memory;			/* EMPTY_DIR: tmpfs */
	char *huge_pages;		/* EMPTY_DIR: hugetlbfs with pages of "2Mi"; or NULL */
	int64_t size_bytes;		/* EMPTY_DIR: 0 = no limit given */
	struct projection_list sources; /* CONFIG, SECRET, DOWNWARD: one; PROJECTED: any number */
	struct opt_i64 default_mode;	/* of those files; unset: 0644 */
	char *image;			/* IMAGE: as written */
	char *pull_policy;		/* IMAGE: as written, or NULL */
	struct image_config config;	/* IMAGE: resolved at creation, as a container's */
	char *claim_template;		/* EMPTY_DIR: opaque, what an ephemeral one was asked by */
	char *source_name;		/* NAMED: of volumes/<source_name> (a claim's name) */
	bool read_only;			/* NAMED: every mount of it is */
	bool anonymous;			/* NAMED: made for its container, and removed with it */
	char *tmpfs_options;		/* TMPFS: "size=64m,mode=1777,noexec", or NULL */
	int line;			/* where the manifest says so, for messages; not recorded */
	size_t index;			/* likewise: in spec.volumes */
};
/* An emptyDir that is a file system of its own, in the pod's sandbox. */
static inline bool is_memory_volume(const struct volume_spec *v)
{
	return v->kind == VOLUME_EMPTY_DIR && (v->memory || v->huge_pages);
}
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

/* One network that a pod is in. */
struct attachment {
	char *network;	 /* its name */
	char *interface; /* or NULL: eth0, eth1, ... in order */
	char *mac;	 /* as asked for: "92:d0:c6:0a:29:33", or NULL */
	char *ip4;	 /* as asked for, or NULL */
	char *ip6;
	struct strlist aliases; /* other names of the pod there */
};
struct attachment_list {
	struct attachment *v;
	size_t n;
};

struct mount_spec {
	char *volume; /* name in pod_spec.volumes */
	char *target; /* absolute path in the container */
	bool read_only;
	char *sub_path; /* relative, or NULL */
	bool has_sub_path_expr;
	struct value sub_path_expr; /* instead of sub_path: resolved at each launch */
	int propagation;	    /* enum mount_propagation */
	int recursive_read_only;    /* enum recursive_read_only */
	/* Of the command line: "noexec" "nosuid" "nodev" "U" "O" "z" "Z" "idmap" "nocopy"
	 * "upperdir=.." "workdir=.." "bind" (without what is mounted below), "uid=N" ... */
	struct strlist options;
};
enum mount_propagation {
	PROPAGATION_NONE,
	PROPAGATION_SLAVE,
	PROPAGATION_SHARED,
	PROPAGATION__COUNT
};
enum recursive_read_only { RRO_DISABLED, RRO_IF_POSSIBLE, RRO_ENABLED, RRO__COUNT };
struct mount_list {
	struct mount_spec *v;
	size_t n;
};

enum restart_policy { RESTART_ALWAYS, RESTART_ON_FAILURE, RESTART_NEVER, RESTART__COUNT };

struct pod_security {
	struct opt_i64 run_as_user;
	struct opt_i64 run_as_group;
	struct opt_bool run_as_non_root;
	struct opt_i64 fs_group;
	bool fs_group_on_root_mismatch;	    /* fsGroupChangePolicy OnRootMismatch */
	struct strlist supplemental_groups; /* decimal */
	bool supplemental_groups_strict;    /* the groups of the image's /etc/group do not count */
	struct pairlist sysctls;
	char *seccomp_root; /* directory of Localhost profiles; NULL: SYSFILTER_PROFILE_ROOT */
};

struct resources {
	/* cpu in thousandths of a core, memory in bytes; unset: no limit, no request */
	struct opt_i64 cpu_limit_milli;
	struct opt_i64 cpu_request_milli;
	struct opt_i64 memory_limit_bytes;
	struct opt_i64 memory_request_bytes;
	struct opt_i64 pids_limit; /* unset: 2048 (a pod's own: no limit) */
	/* Everything else by its Kubernetes name, quantities as written: "hugepages-2Mi",
	 * "ephemeral-storage", extended resources. hugepages are limits of the cgroup. */
	struct pairlist other_limits;
	struct pairlist other_requests;
	struct strlist
		devices;   /* CDI names ("vendor.com/class=name") and host devices ("/dev/x") */
	char *cpuset_cpus; /* "0-1,3", or NULL */
	char *cpuset_mems;
	/* As the command line has them; unset: the kernel's default, or what follows from the above. */
	struct opt_i64 cpu_shares; /* 2 to 262144, of cgroup v1; turned into cpu.weight for v2 */
	struct opt_i64 cpu_period_us;
	struct opt_i64 cpu_quota_us;	  /* -1: none */
	struct opt_i64 memory_swap_bytes; /* memory and swap together; -1: no limit */
	struct opt_i64 memory_swappiness; /* 0 to 100, cgroup v1 alone */
	bool memory_swap_assumed; /* memory_swap_bytes was not asked for: left out where there is none */
	struct opt_i64 blkio_weight; /* 10 to 1000 */
	struct strlist
		blkio_devices; /* "read-bps:/dev/sda:1048576", and write-bps, *-iops, weight */
	struct strlist device_cgroup_rules; /* "c 1:3 rwm" */
	bool oom_kill_disable;		    /* cgroup v1 alone */
};

/* Of pods and of what they refer to. A label: nothing is kept apart by it but names of objects. */
#define NAMESPACE_DEFAULT "default"
/* The namespace that is meant: NULL and "" are the default one. */
static inline const char *namespace_of(const char *namespace_)
{
	return namespace_ && *namespace_ ? namespace_ : NAMESPACE_DEFAULT;
}

struct container_ref {
	char *id;
	char *name; /* short name, unique in the pod */
	bool init;
	bool sidecar; /* an init container that runs on beside the members */
};
struct container_ref_list {
	struct container_ref *v;
	size_t n;
};

struct pod_spec {
	uint32_t version; /* POD_SPEC_VERSION */
	char *id;	  /* ephemeral */
	char *name;
	int64_t created_ns;	 /* ephemeral; wall clock */
	char *owner;		 /* opaque to the engine: "kube", or NULL for one made by hand */
	char *controller;	 /* opaque: "Deployment/NAMESPACE/NAME", or NULL */
	char *source;		 /* ephemeral: the manifest's path as given, or NULL */
	char *infra_id;		 /* ephemeral */
	char *namespace_;	 /* label only */
	char *hostname;		 /* as asked for, or NULL: the pod's name */
	char *hostname_override; /* wins over hostname and subdomain; or NULL */
	char *subdomain;	 /* or NULL */
	char *node_name;	 /* as written, or NULL: this host's name */
	char *service_account;	 /* as written, or NULL: "default" */
	struct pairlist labels;
	struct pairlist annotations;
	struct container_ref_list containers; /* in start order: inits first */
	int network;			      /* enum network_mode */
	bool host_pid;
	bool host_ipc;
	bool share_pid;
	struct opt_bool set_hostname_as_fqdn;
	struct host_alias_list host_aliases;
	struct dns_spec dns;
	struct volume_list volumes;
	struct strlist pull_secrets; /* names of what the images were pulled with */
	struct pod_security security;
	int restart;		      /* enum restart_policy: as the pod has it */
	bool restart_backoff;	      /* kubelet's back-off (played) instead of immediate */
	bool exit_with_members;	      /* exit policy stop: infra ends with the last member */
	struct opt_i64 grace_seconds; /* as asked for; effective: pod_grace_seconds() */
	struct opt_i64 active_deadline_seconds; /* from the pod's start */
	struct opt_bool host_users;		/* false: a user namespace of the pod's own */
	struct resources resources;		/* of the pod as a whole */
	bool plain_names;			/* --no-pod-prefix */
	bool no_hosts;				/* /etc/hosts and /etc/hostname are the image's */
	bool no_hostname;
	/* ---- of pods and containers made by hand ---- */
	bool solo; /* one container by itself: it has no infra container, and no listing shows a pod */
	bool unless_stopped;		 /* restart: Always, but after a boot only what ran */
	bool remove_with_members;	 /* goes when its last container has removed itself */
	struct attachment_list networks; /* BRIDGE: in order; none: the default network */
	bool unplugged; /* NONE: taken out of its last network, and may be put into others */
	struct port_list ports; /* of the pod itself, beside those of its containers */
	/* Namespaces of somebody else: "container:<64 digits>" or "ns:<path>"; NULL: the pod's own */
	char *network_from; /* with NETWORK_FROM */
	char *ipc_from;
	char *uts_from;
	char *pid_from;
	bool host_uts;
	bool own_ipc; /* every member has its own: pod create --share without ipc */
	bool own_uts;
	struct opt_i64 shm_size_bytes; /* unset: 64 MiB */
	char *userns; /* as asked for: "auto[:size=..]", "keep-id", "nomap", "host", or NULL */
	struct strlist uid_maps; /* "container:host:count", with userns NULL */
	struct strlist gid_maps;
	char *cgroup_parent;	       /* or NULL */
	char *infra_name;	       /* full name of the infra container, or NULL: "<id>-infra" */
	struct strlist member_volumes; /* -v of whoever joins it later: pod create --volume */
	struct strlist member_options; /* likewise: --security-opt */
	struct strlist create_command; /* ephemeral: the words that made it */
	/* ---- of the pods of one play that have a service container ---- */
	char *service;	  /* ephemeral: its id; NULL: none */
	int service_exit; /* of the service itself: enum service_exit */
};
/* When a service container says by its own exit code that containers of its pods have failed. */
enum service_exit { SERVICE_EXIT_NONE, SERVICE_EXIT_ANY, SERVICE_EXIT_ALL, SERVICE_EXIT__COUNT };
extern const char *const service_exit_names[]; /* "none", "any", "all" */
#define HAND_GRACE_SECONDS   10
#define SHM_BYTES_DEFAULT    (INT64_C(64) << 20)
#define POD_SPEC_VERSION     1
#define PLAYED_GRACE_SECONDS 30
#define POD_OWNER_BUILD	     "build" /* working containers of a build */

/* ---- container -------------------------------------------------------------------------- */

struct container_security {
	struct opt_i64 run_as_user;
	struct opt_i64 run_as_group;
	struct opt_bool run_as_non_root;
	struct opt_bool privileged;
	struct opt_bool read_only_root;
	struct opt_bool allow_privilege_escalation; /* false = no_new_privs */
	struct strlist cap_add;			    /* as written: with or without CAP_, ALL */
	struct strlist cap_drop;
	bool seccomp_unconfined;
	char *seccomp_profile; /* Localhost: a file's path below the profile root; or NULL */
	char *apparmor;	       /* NULL: as the host does; "unconfined"; "runtime/default"; a name */
	bool unmask_proc;      /* procMount Unmasked */
	char *user;	       /* --user: "NAME|UID[:GROUP|GID]", wins over the image's; or NULL */
	struct strlist groups; /* --group-add: names or numbers */
	char *seccomp_file;    /* --security-opt seccomp=FILE: absolute path; or NULL */
	struct strlist mask;   /* paths to hide over the default ones */
	struct strlist unmask; /* default masks that are left out: paths with globs, "ALL" */
	char *proc_options;    /* of the mount of /proc: "hidepid=2", or NULL */
	char *umask;	       /* octal, or NULL: 0022 */
};

/* ---- probes and hooks ------------------------------------------------------------------- */

enum action_kind {
	ACTION_NONE, /* absent */
	ACTION_EXEC,
	ACTION_HTTP,
	ACTION_TCP,
	ACTION_GRPC,
	ACTION_SLEEP,
	ACTION__COUNT
};
struct http_header {
	char *name;
	char *value;
};
struct http_header_list {
	struct http_header *v;
	size_t n;
};
struct action_spec {
	int kind;	     /* enum action_kind */
	struct strlist argv; /* EXEC: run as it is, no shell */
	char *host;	     /* HTTP, TCP: NULL: the pod's address */
	uint16_t port;	     /* HTTP, TCP, GRPC: resolved */
	char *port_name;     /* as written when it was a name, or NULL */
	char *path;	     /* HTTP; NULL: "/" */
	bool https;
	struct http_header_list headers;
	char *service;	 /* GRPC, or NULL */
	int64_t sleep_s; /* SLEEP */
};
/* Times in seconds; defaults are filled in by whoever makes the spec (10, 1, 1, 3). */
struct probe_spec {
	struct action_spec action; /* kind ACTION_NONE: no probe */
	int64_t initial_delay_s;
	int64_t period_s;
	int64_t timeout_s;
	int64_t success_threshold;
	int64_t failure_threshold;
	struct opt_i64 grace_s; /* liveness, startup: instead of the pod's */
};
enum probe_role { PROBE_STARTUP, PROBE_LIVENESS, PROBE_READINESS, PROBE__COUNT };

/* A rule of restartPolicyRules: restart when the exit code is (not) among these. */
struct restart_rule {
	bool not_in;
	struct strlist codes; /* decimal */
};
struct restart_rule_list {
	struct restart_rule *v;
	size_t n;
};

#define APPARMOR_UNCONFINED "unconfined"
#define APPARMOR_DEFAULT    "runtime/default"

#define TERMINATION_PATH_DEFAULT "/dev/termination-log"

enum container_kind { CONTAINER_MEMBER, CONTAINER_INIT, CONTAINER_INFRA, CONTAINER__COUNT };

/* A limit of each process, by the name that Podman and Docker give it: "nofile". -1: no limit. */
struct ulimit_spec {
	char *name;
	int64_t soft;
	int64_t hard;
};
struct ulimit_list {
	struct ulimit_spec *v;
	size_t n;
};

enum log_driver {
	LOG_K8S_FILE,
	LOG_JSON_FILE, /* another name of it */
	LOG_JOURNALD,
	LOG_NONE,
	LOG_PASSTHROUGH, /* the descriptors of the command that starts it */
	LOG__COUNT
};
extern const char *const log_driver_names[]; /* "k8s-file", ... */
struct log_spec {
	int64_t max_bytes; /* 0: LOG_MAX_BYTES_DEFAULT */
	uint32_t max_files;
	int driver; /* enum log_driver */
	char *path; /* where the file is, or NULL: in the container's directory */
	char *tag;
};

/* A secret of `secret create`, given to a container. */
struct secret_use {
	char *name;
	bool env;     /* a variable, else a file */
	char *target; /* variable, or file: absolute or below /run/secrets; or NULL: as the name */
	int64_t uid, gid;
	struct opt_i64 mode; /* unset: 0444 */
};
struct secret_use_list {
	struct secret_use *v;
	size_t n;
};

/* What a container does when it turns unhealthy. */
enum health_action { HEALTH_NONE, HEALTH_KILL, HEALTH_RESTART, HEALTH_STOP, HEALTH__COUNT };
extern const char *const health_action_names[]; /* "none", "kill", "restart", "stop" */
/* HEALTHCHECK, as Docker has it: its own thing beside Kubernetes' probes. Times in ns. */
struct health_spec {
	struct strlist test; /* argv; empty: no check */
	int64_t interval_ns; /* 0: only by `healthcheck run` */
	int64_t timeout_ns;
	int64_t start_period_ns;
	int64_t retries;
	int on_failure;		     /* enum health_action */
	struct strlist startup_test; /* argv of the startup check; empty: none */
	int64_t startup_interval_ns, startup_timeout_ns;
	int64_t startup_retries, startup_successes;
};

struct container_spec {
	uint32_t version;
	char *id;	    /* ephemeral */
	char *pod_id;	    /* ephemeral */
	int64_t created_ns; /* ephemeral */
	char *name;	    /* short name: "ng1" */
	char *full_name;    /* unique on the host: "my-app-ng1" */
	int kind;	    /* enum container_kind */
	char *image;	    /* as written in the manifest */
	char *pull_policy;  /* as written, or NULL */
	struct image_config config;
	bool has_command; /* command replaces the image's entrypoint and cmd */
	struct value_list command;
	bool has_args;
	struct value_list args;
	char *working_dir; /* or NULL: the image's, else "/" */
	struct env_source_list env_from;
	struct env_list env; /* in order */
	struct port_list ports;
	struct mount_list mounts;
	struct resources resources;
	struct container_security security;
	bool tty;
	bool stdin_open;
	bool stdin_once;
	int restart;	  /* enum restart_policy, effective for this container */
	bool own_restart; /* it was said of this container, not of the pod */
	struct restart_rule_list restart_rules; /* the first that fits wins over restart */
	bool sidecar; /* kind INIT: restarted always, stopped after the members */
	struct probe_spec probes[PROBE__COUNT]; /* by enum probe_role */
	struct action_spec post_start;
	struct action_spec pre_stop;
	char *stop_signal;	       /* or NULL: the image's, else TERM */
	char *termination_path;	       /* or NULL: TERMINATION_PATH_DEFAULT */
	bool termination_log_fallback; /* FallbackToLogsOnError */
	int64_t oom_score_adj;
	struct ulimit_list ulimits; /* over the engine's defaults; of execs, too */
	struct log_spec log;
	/* ---- of containers made by hand ---- */
	struct pairlist labels;		/* over the image's */
	struct pairlist annotations;	/* of its own */
	struct opt_i64 restart_retries; /* ON_FAILURE: at most so many; unset: no end */
	struct opt_i64 stop_timeout_s;	/* instead of the pod's grace */
	struct opt_i64 run_timeout_s;	/* --timeout: killed after it */
	bool auto_remove;		/* --rm: removed by whoever sees its end */
	bool init_once;			/* --init-ctr=once: removed when it has done its work */
	bool init;			/* --init: podium's own init is the first process */
	bool service; /* podium's pause in an empty root: it stands for pods (engine/pod/service.h) */
	bool host_cgroupns;
	bool read_only_tmpfs; /* with a read-only root: /run, /tmp, /var/tmp are tmpfs */
	bool unless_stopped;  /* restart ALWAYS, but after a boot only when it ran */
	struct strlist
		unset_env; /* variables of the engine and of the image that it does not get */
	bool unset_env_all;
	bool no_passwd; /* --passwd=false: no entry for a user that has none */
	char *passwd_entry;
	char *group_entry;
	char *timezone;		/* "local", "Europe/Berlin", or NULL */
	char *pid_file;		/* its pid is written there at each start, or NULL */
	char *monitor_pid_file; /* likewise that of its monitor */
	struct secret_use_list secrets;
	struct health_spec health;
	struct strlist required;       /* ids of containers that are started first */
	struct strlist create_command; /* ephemeral: the words that made it */
};

extern const struct record_type pod_spec_type;
extern const struct record_type container_spec_type;
extern const struct record_type image_config_type;

/* Names for messages and records; index is the enum value, NULL-terminated. */
extern const char *const host_path_type_names[];      /* "", "DirectoryOrCreate", ... */
extern const char *const restart_policy_names[];      /* "Always", "OnFailure", "Never" */
extern const char *const network_mode_names[];	      /* "bridge", "host", "none" */
extern const char *const mount_propagation_names[];   /* "None", "HostToContainer", ... */
extern const char *const recursive_read_only_names[]; /* "Disabled", "IfPossible", "Enabled" */

int64_t pod_grace_seconds(const struct pod_spec *pod);
/* A pod's id as a UUID (RFC 9562, version 8), which is what Kubernetes calls its uid: software parses
 * it. "" for NULL or what is no id. The caller owns it. */
char *pod_uid(const char *pod_id);

/* The kernel's limit with NUL; a name that comes from the pod's is cut at 63 as in DNS. */
#define POD_HOSTNAME_MAX   65
#define POD_CLUSTER_DOMAIN "cluster.local"
/* "SUBDOMAIN.NAMESPACE.svc.cluster.local"; NULL when the pod has no subdomain, or an override. The
 * caller owns it. */
char *pod_domain(const struct pod_spec *pod);
/* The host name without a domain, of a pod that is not in the host's network; a container by itself is
 * called after its id. */
void pod_short_hostname(const struct pod_spec *pod, char out[POD_HOSTNAME_MAX]);
/* What its programs see: the short name, or with setHostnameAsFQDN the whole one; cut at 64, which
 * kube/ has refused. */
void pod_hostname(const struct pod_spec *pod, char out[POD_HOSTNAME_MAX]);
/* Every published port of the pod and of its containers. The elements' strings stay those of the
 * specs; the caller frees ret->v. */
void pod_published_ports(const struct pod_spec *pod, const struct container_spec *specs, size_t n,
			 struct port_list *ret);
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
#define list_add(list)                                                   \
	({                                                               \
		__typeof__(list) l_ = (list);                            \
		l_->v = xreallocarray(l_->v, l_->n + 1, sizeof(*l_->v)); \
		__builtin_memset(&l_->v[l_->n], 0, sizeof(*l_->v));      \
		&l_->v[l_->n++];                                         \
	})

/* Reads "NAME=SOFT[:HARD]" (numbers, -1 or "unlimited"; SOFT alone is both) and sets it in the list.
 * -EINVAL for what is no limit. */
int ulimit_parse(const char *text, struct ulimit_list *list, struct error *err) must_check;
void ulimit_list_done(struct ulimit_list *list);

/* One literal part. */
void value_add(struct value *val, enum value_part_kind kind, const char *text, size_t len);
/* Resolves a value against variables resolved so far; one that is not there stays "$(NAME)". What
 * comes from elsewhere (CONFIG to RESOURCE) gives nothing here: command.h resolves that. The caller
 * owns the string. */
char *value_resolve(const struct value *val, const struct pairlist *vars);

#endif
