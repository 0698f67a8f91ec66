/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run - the table of stages that makes a pod run: ports, cgroup, sandbox, network, (containers).
 *
 * The conductor walks the ups in order and then conducts the containers; whoever ends the pod walks
 * the downs in reverse, from the records alone (pod_run_down). The network stage only begins on its
 * way up: its helper works while containers are prepared, and run_network_wait() collects it.
 */
#ifndef PODIUM_POD_RUN_H
#define PODIUM_POD_RUN_H

#include <sys/types.h>

#include "engine/cgroup/cgroup.h"
#include "engine/pod/spec.h"
#include "engine/state/layout.h"

struct pod_run {
	const struct store *store;
	const char *pod_id;
	struct pod_spec pod;	      /* zeroed when the record cannot be read (downs only) */
	struct strlist container_ids; /* members and inits, also without a record */
	struct container_spec *specs; /* conductor only; as many as pod.containers */
	struct strlist warnings;
	struct cgroup_ctx cg;
	int *hold_fds; /* held host ports */
	size_t n_hold;
	int launch_fd;	  /* sealed podium-launch while containers start, or -1 */
	int launch_mount; /* what it lies in, or negative */
	pid_t launch_pid; /* of the sandbox: has said its last word, or 0 */
	pid_t pause_pid;  /* 0: none */
	int pause_pidfd;
	bool pause_is_child; /* made by this process, not adopted */
	/* Called while the sandbox is being made, when set: what can be done meanwhile. */
	int (*meanwhile)(void *arg, struct error *err);
	/* Called before the downs of a failed way up: ends what the former began. */
	void (*abandon)(void *arg);
	void *meanwhile_arg; /* of both */
	pid_t net_pid;	     /* helper at work, or waiting for the sandbox (held) */
	bool net_is_held;
	int net_fd;
	pid_t net_down_pid; /* helper that takes the network down already */
	int net_down_fd;
	bool to_remove; /* the records go next: no end is written down */
};

/* Reads the records. with_specs: the containers' too. A pod whose record is unreadable is -EBADMSG
 * with with_specs, and is collected by scanning otherwise. */
int pod_run_open(struct pod_run *r, const struct store *s, const char *pod_id, bool with_specs,
		 struct error *err) must_check;
void pod_run_close(struct pod_run *r);

/* pod_run_down() for who holds the pod's lock. */
int run_down_unconducted(const struct store *s, const char *pod_id, bool to_remove,
			 struct error *err) must_check;
/* Waits for the end of a stop that began: 1 when the conductor died on the way. Closes fd. */
int run_await_stop(const struct store *s, const char *pod_id, int fd, int timeout_ms,
		   struct error *err) must_check;

struct run_stage {
	const char *name; /* STOP_AT("start:<name>"), STOP_AT("stop:<name>") */
	int (*up)(struct pod_run *r, struct error *err);   /* or NULL */
	int (*down)(struct pod_run *r, struct error *err); /* or NULL; idempotent */
};
/* In order of the way up; ended by a NULL name. */
extern const struct run_stage run_stages[];

/* Walks all the ups. On failure the downs of what was done have been walked. */
int run_stages_up(struct pod_run *r, struct error *err) must_check;
/* Walks all the downs in reverse, goes on after a failure, reports the first. */
int run_stages_down(struct pod_run *r, struct error *err) must_check;

/* Collects the network helper: 0 when the pod has its addresses and etc files. */
int run_network_wait(struct pod_run *r, struct error *err) must_check;

/* Begins the way down of the network, which the stage "network" then collects: of a pod that is
 * removed without grace, while its containers die. */
void run_network_down_early(struct pod_run *r);

/* Starts `podium-net VERB ROOT RUNROOT POD`; *ret_fd speaks engine/process/sync.h. */
int run_spawn_net(const struct store *s, const char *verb, const char *pod_id, pid_t *ret_pid,
		  int *ret_fd, struct error *err) must_check;

/* A living pause of an earlier conductor: fills pause_pid and pause_pidfd. -ESRCH: none. */
int run_adopt_sandbox(struct pod_run *r, struct error *err) must_check;
/* Takes down what a conductor left that was killed before its pod was connected: no container has
 * run in there, and its network is missing or half made. is_torn: any sandbox that is there. */
int run_drop_torn(struct pod_run *r, bool is_torn, struct error *err) must_check;

/* Kills one container whose monitor is gone or does not answer, waits, writes its end down. */
int run_end_container(const struct store *s, const char *container_id,
		      struct error *err) must_check;
/* The same of what is removed next: nothing is written. */
int run_kill_container(const struct store *s, const char *container_id,
		       struct error *err) must_check;
/* The same of one whose state cannot be read (pod_id NULL: of no pod): by its monitor, and by its group. */
int run_kill_unreadable(const struct store *s, const char *pod_id, const char *container_id,
			struct error *err) must_check;
/* Kills the monitor or conductor that holds a lock (below ROOT) and cannot be asked, since its socket is
 * gone. 0: nobody holds it now. -EBUSY: who holds it is none, or cannot be found. */
int run_kill_holder(const struct store *s, const char *lock_path, struct error *err) must_check;
/* Of a pod whose conductor was killed so: kills the monitors of its containers that run, tells these to end
 * by their signal, and waits for that long. What is left then is for pod_run_down(). */
void run_end_unheard(const struct store *s, const char *pod_id, int64_t grace_ms);
/* Lets a container go on that may be paused: after its signal was sent, where no monitor does it. */
void run_thaw_container(const char *pod_id, const char *container_id);

/* The way up of the stage "ports", which a conductor that adopts a running pod walks alone. */
int run_hold_ports(struct pod_run *r, struct error *err) must_check;

/* Lets go of the copy of podium-launch. */
void run_forget_launch(struct pod_run *r);

#endif
