/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create_options - what `run`, `create` and `pod create` are told: Podman's flags, as written.
 *
 * create_options.c has the tables, create_plan*.c make the engine's plan of the words (each file one
 * subject), create_make.c the container. What pods share with containers is in structs of its own.
 */
#ifndef PODIUM_CMD_CREATE_OPTIONS_H
#define PODIUM_CMD_CREATE_OPTIONS_H

#include "cmd/podium/base/command.h"
#include "cmd/podium/image/regoptions.h"
#include "engine/pod/spec.h"

struct conf;

/* Limits, weights and devices. */
struct resource_flags {
	const char *memory;
	const char *memory_reservation;
	const char *memory_swap;
	struct option_int memory_swappiness;
	const char *cpus;
	struct option_int cpu_shares;
	struct option_int cpu_period;
	struct option_int cpu_quota;
	const char *cpuset_cpus;
	const char *cpuset_mems;
	struct option_int pids_limit;
	const char *blkio_weight;
	struct strlist blkio_weight_device;
	struct strlist read_bps, read_iops, write_bps, write_iops;
	struct strlist devices;
	struct strlist device_rules;
	const char *gpus;
	bool oom_kill_disable;
};

/* What belongs to the network namespace, and who is known there by which name. */
struct net_flags {
	struct strlist publish;
	struct strlist networks;
	struct strlist aliases;
	const char *ip;
	const char *ip6;
	const char *mac;
	const char *hostname;
	struct strlist add_host;
	struct strlist dns;
	struct strlist dns_options;
	struct strlist dns_search;
	struct option_maybe no_hosts;
	bool no_hostname;
};

/* The other namespaces. */
struct ns_flags {
	const char *pid;
	const char *ipc;
	const char *uts;
	const char *userns;
	struct strlist uid_maps;
	struct strlist gid_maps;
	const char *sub_uid_name;
	const char *sub_gid_name;
	const char *shm_size;
	struct strlist sysctls;
};

struct label_flags {
	struct strlist labels;
	struct strlist files;
	struct strlist annotations;
};

struct env_flags {
	struct strlist env;
	struct strlist files;
	struct strlist unset;
	struct strlist merge;
	bool unset_all;
	struct option_maybe host;
	struct option_maybe http_proxy;
};

struct mount_flags {
	struct strlist volumes;
	struct strlist mounts;
	struct strlist tmpfs;
	struct strlist secrets;
	struct strlist volumes_from;
	const char *image_volume;
};

struct health_flags {
	const char *cmd;
	const char *interval;
	const char *timeout;
	const char *start_period;
	const char *on_failure;
	struct option_int retries;
	bool none;
};

struct security_flags {
	struct strlist cap_add;
	struct strlist cap_drop;
	struct strlist options; /* --security-opt */
	struct strlist groups;
	const char *user;
	const char *umask;
	bool privileged;
	bool read_only;
	bool read_only_tmpfs;
};

struct create_options {
	/* identity, image */
	const char *name;
	const char *pod;
	const char *pod_id_file;
	const char *cid_file;
	const char *pull;
	const char *platform;
	const char *arch;
	const char *os;
	const char *variant;
	struct reg_options reg;
	bool quiet;
	bool replace;
	/* process */
	const char *entrypoint;
	const char *workdir;
	bool interactive;
	bool tty;
	struct option_maybe init;
	const char *init_ctr; /* create alone */
	const char *timezone;
	const char *passwd_entry;
	const char *group_entry;
	bool passwd;
	struct strlist ulimits;
	struct option_int oom_score_adj;
	/* life */
	const char *restart;
	const char *stop_signal;
	struct option_int stop_timeout;
	struct option_int timeout;
	const char *pid_file;
	const char *conmon_pid_file;
	const char *log_driver;
	struct strlist log_options;
	struct strlist required;
	bool remove;
	/* words with one value that can be had */
	const char *cgroups;
	const char *cgroupns;
	const char *systemd;
	const char *sdnotify;
	const char *seccomp_policy;
	struct option_maybe content_trust;
	/* ports that the image or --expose declares */
	struct strlist expose;
	bool publish_all;

	struct resource_flags resources;
	struct net_flags net;
	struct ns_flags ns;
	struct label_flags labels;
	struct env_flags env;
	struct mount_flags mounts;
	struct health_flags health;
	struct security_flags security;

	/* run alone */
	bool detach;
	const char *detach_keys;
	bool sig_proxy;
	bool remove_image;
	struct strlist attach;
};

/* One table for both: create's begins behind the rows that only run has. */
#define CREATE_ROWS_AT 7
extern const struct option run_options[];
void create_set_defaults(void *options);

/* ---- the plan -------------------------------------------------------------------------------- */

/* A pod that the container is to join. */
struct create_target {
	const struct pod_spec *pod; /* NULL: none, the container is by itself, or its pod is new */
	const char *new_pod;	    /* name of the pod that is to be made with it, or NULL */
};

/* The image and its arguments become a plan of one container in a pod of its own (solo), in a new
 * pod, or (target->pod) in one that is there: then of plan->pod only the volumes and the name count.
 * Nothing is looked up but files and variables that flags name. conf is what containers.conf says.
 * argv[0] is the image. *ret is the caller's in any case: pod_plan_done(). */
int create_plan(const struct create_options *o, const struct create_target *target,
		const struct conf *conf, int argc, char **argv, struct pod_plan *ret,
		struct error *err) must_check;

/* The parts; each fills its fields from its words. They return -EINVAL, naming the flag. */
int plan_resources(const struct resource_flags *w, struct resources *ret,
		   struct error *err) must_check;
int plan_network(const struct net_flags *w, const struct conf *conf, struct pod_spec *pod,
		 struct error *err) must_check;
int plan_namespaces(const struct ns_flags *w, const struct conf *conf, struct pod_spec *pod,
		    struct error *err) must_check;
/* is_pod: they go to the pod's pairs. */
int plan_labels(const struct label_flags *w, struct pairlist *labels, struct pairlist *annotations,
		struct error *err) must_check;
int plan_env(const struct env_flags *w, const struct conf *conf, struct container_spec *c,
	     struct error *err) must_check;
int plan_mounts(const struct mount_flags *w, const struct conf *conf, struct pod_spec *pod,
		struct container_spec *c, struct error *err) must_check;
/* Over what c->health says already: the image's. */
int plan_health(const struct health_flags *w, struct container_spec *c,
		struct error *err) must_check;
int plan_security(const struct security_flags *w, const struct conf *conf, struct container_spec *c,
		  struct error *err) must_check;
/* One word of --security-opt. */
int plan_security_option(const char *word, struct container_spec *c, struct error *err) must_check;
int plan_process(const struct create_options *o, const struct conf *conf, struct container_spec *c,
		 struct error *err) must_check;
/* no, always, unless-stopped, on-failure[:N]. */
int plan_restart(const char *text, int *ret, struct opt_i64 *retries, bool *unless_stopped,
		 struct error *err) must_check;
int plan_life(const struct create_options *o, const struct conf *conf, struct pod_plan *plan,
	      struct error *err) must_check;

/* Sizes as Docker has them: "512m", "1.5g", "64KiB"; no unit is bytes, units are powers of 1024. */
int words_size(const char *text, int64_t *ret) must_check;
/* Go's durations: "1h30m", "30s", "1.5s", "500ms"; "0". */
int words_duration(const char *text, int64_t *ret_ns) must_check;

/* Adds "[[IP]:][HOST[-HOST]:]CONTAINER[-CONTAINER][/PROTOCOL]" to the list. A port without a host's
 * has host_port 0 and is to be given a free one: publish_choose(). -EINVAL names the text. */
int publish_parse(const char *text, struct port_list *ret, struct error *err) must_check;
/* "80", "80-90/udp": ports that are declared and not published. */
int expose_parse(const char *text, struct port_list *ret, struct error *err) must_check;
/* Gives each port that has none a free one of the host. */
int publish_choose(struct port_list *ports, struct error *err) must_check;
/* -EINVAL: a port of the host twice. */
int publish_check(const struct port_list *ports, struct error *err) must_check;

/* ---- the container --------------------------------------------------------------------------- */

/* What create_make() has made. */
struct created {
	char pod_id[65];
	char container_id[65];
	bool joined;  /* the pod was there before */
	bool new_pod; /* a pod that others may join was made with it */
};

/* Everything from the words to the container: containers.conf, pod, plan, image (pulled if it must),
 * records, names, files with ids. On failure nothing of it is left. The container is ready to be
 * started. */
int create_container(struct command_context *ctx, const struct create_options *o, int argc,
		     char **argv, struct created *ret, struct error *err) must_check;
/* The names of other containers in a pod's namespaces ("container:NAME") become ids. -ENOENT. */
int create_settle(const struct store *s, struct pod_spec *pod, struct error *err) must_check;
/* Takes it away again, and the pod that was made with it. Nothing of it may run. */
void create_undo(const struct store *s, const struct created *made);

#endif
