/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status - containers/<id>/state.json: what a container is doing, and the static columns of `ps`.
 *
 * One writer: the container's monitor (the conductor for the infra container), while it holds
 * monitor.lock; anybody else writes only after taking that lock. Written without fsync: after a
 * power loss the boot id tells that nothing of it runs.
 *
 * State × what may follow:
 *	created    -> initialized, running, removing
 *	initialized -> running, exited, removing  (prepared up to its exec; ends with its monitor)
 *	running    -> stopping, restarting, exited, paused, removing
 *	stopping   -> exited, removing            (asked to stop; grace period runs)
 *	restarting -> running, exited, removing   (waits for its back-off)
 *	exited     -> initialized, running, removing
 *	paused     -> running, stopping, removing
 *	unknown is never written: it is what a reader says when the monitor is lost.
 */
#ifndef PODIUM_STATE_STATUS_H
#define PODIUM_STATE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/proc.h"
#include "engine/base/record.h"
#include "engine/state/layout.h"

enum container_state {
	STATE_CREATED,
	STATE_RUNNING,
	STATE_PAUSED,
	STATE_STOPPING,
	STATE_RESTARTING,
	STATE_EXITED,
	STATE_REMOVING,
	STATE_INITIALIZED,
	STATE__COUNT
};
extern const char *const container_state_names[]; /* "created", "running", ... */

/* Whether the lifecycle table allows the step. */
bool is_state_step_allowed(enum container_state from, enum container_state to);

/* One run that has ended. */
struct container_last {
	int64_t started_ns; /* 0: there was none */
	int64_t finished_ns;
	int64_t exit_code;
	char *reason;
	char *message;
};

struct container_status {
	int state;    /* enum container_state */
	uint32_t pid; /* first process, 0: none */
	int64_t start_ticks;
	char *boot_id;
	uint32_t monitor_pid;
	int64_t lock_inode; /* of the lock that it has taken for life, 0: not known */
	int64_t started_ns; /* wall clock, 0: never */
	int64_t finished_ns;
	int64_t exit_code;
	bool exit_unknown; /* the monitor was lost before the exit was seen */
	bool oom_killed;
	bool stopped_by_user; /* not restarted by policy until started again */
	int64_t restarts;
	int64_t next_start_ns; /* restarting: wall clock of the next start */
	char *error;	       /* why the last start failed, or NULL */
	bool started;  /* running, postStart done, startup probe passed (or none asked for) */
	bool ready;    /* started, and the readiness probe's last word was good (or none) */
	char *reason;  /* Kubernetes' word for the present state or end: "Completed", "Error",
				"OOMKilled", "ContainerCannotRun", "CreateContainerConfigError",
				"DeadlineExceeded"; NULL: nothing to say. Back-off is not one: it follows
				from state restarting */
	char *message; /* termination message of the last end, at most 4096 bytes, or NULL */
	struct container_last last; /* the run before this one: lastState */
	char *health; /* of its HEALTHCHECK: "starting", "healthy", "unhealthy"; NULL: it has none */
	/* of an infra container alone; its started_ns is the start of the pod, which a new sandbox
	 * does not change, and reason and message are the pod's */
	int64_t ready_ns;    /* since when the pod is ready, or not; only of one with such probes */
	int64_t sandbox_ns;  /* when the present sandbox stood */
	int64_t deadline_ns; /* stopping: when the grace period is over; wall clock */
	/* static columns */
	char *name;
	char *image;
	char *command;
	int64_t created_ns;
	char *pod_id;
	char *pod_name;
	char *ports; /* "0.0.0.0:8001-8002->8001-8002/tcp" */
	bool infra;
	bool init;
	bool working; /* of a build: listed on demand only */
	bool solo;    /* of a pod that is one container by itself: no listing shows the pod */
};
extern const struct record_type container_status_type;

#define STATUS_FILE	 "state.json"
#define MONITOR_LOCK	 "monitor.lock"
#define CONDUCTOR_LOCK	 "conductor.lock"
#define STATUS_MAX_BYTES 65536

int status_read(const struct store *s, const char *container_id, struct container_status *ret,
		struct error *err) must_check;
/* A pidfd (close-on-exec) of the container's first process, the very one of the record; a zombie counts:
 * is_pidfd_alive() tells. -ESRCH: it has none, or that one is gone. */
int status_open_process(const struct container_status *st, struct error *err) must_check;
int status_write(const struct store *s, const char *container_id, const struct container_status *st,
		 struct error *err) must_check;
/* Keeps room for the record, so that status_write() works on a full disk, too (the message of a run may
 * be missing then). What cannot be kept is not: a disk that is full already. Idempotent. */
void status_reserve(const struct store *s, const char *container_id);
/* Gives it back, of one that goes. */
void status_release(const struct store *s, const char *container_id);
void status_done(struct container_status *st);

/* Of one that was initialized and is so no more, before anything of it ran: what it was before. */
void status_forget_initialized(struct container_status *st);

/* The state as it is now: what the record says, corrected by boot id, monitor lock and pid.
 * running without a monitor: *ret_lost is true while the process lives, else exited + unknown code.
 * initialized without a monitor: it is what it was before. */
enum container_state status_live(const struct store *s, const char *container_id,
				 struct container_status *st, bool *ret_lost);

/* The same for one of many: a lock that was seen held a moment ago (lock_table_read() of the store,
 * before the record was read) is not asked again. NULL: as status_live(). */
struct lock_table;
enum container_state status_live_among(const struct store *s, const char *container_id,
				       struct container_status *st, const struct lock_table *seen,
				       bool *ret_lost);

#endif
