/* SPDX-License-Identifier: Apache-2.0 */
/* internal - what the files of the monitor share: its one state struct. */
#ifndef PODIUM_MONITOR_INTERNAL_H
#define PODIUM_MONITOR_INTERNAL_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/logs/journal.h"
#include "engine/logs/logwrite.h"
#include "engine/monitor/action.h"
#include "engine/monitor/eventrate.h"
#include "engine/monitor/health.h"
#include "engine/monitor/probestate.h"
#include "engine/process/attach.h"
#include "engine/process/ctl.h"
#include "engine/monitor/restart.h"
#include "engine/state/layout.h"
#include "engine/state/status.h"

#define MONITOR_CLIENTS_MAX 8
#define MONITOR_ATTACH_MAX  4
#define MONITOR_ACTIONS	    (PROBE__COUNT + 1)
#define MONITOR_FDS_MAX \
	(MONITOR_CLIENTS_MAX + 2 * MONITOR_ATTACH_MAX + (MONITOR_ACTIONS + 1) * ACTION_POLLS + 8)

enum monitor_phase {
	MONITOR_IDLE,
	MONITOR_LAUNCHING, /* podium-launch prepares the container */
	MONITOR_PREPARED,  /* READY came; GO has not been given */
	MONITOR_STARTING,  /* GO given; exec not yet seen */
	MONITOR_RUNNING,
	MONITOR_WAITING, /* back-off before the next start */
	MONITOR_ENDED,
};

/* What the loop needs of the spec; the spec itself is freed before the loop begins. */
struct monitor_plan {
	bool tty;
	bool passthrough; /* its streams are those of whoever starts it */
	bool stdin_open;
	bool stdin_once;
	bool backoff;
	bool fresh_on_restart; /* played: a policy restart gets a fresh writable layer */
	bool is_fleeting;      /* this process removes it after its end */
	bool own_pid_namespace;
	int restart;	   /* enum restart_policy */
	int network;	   /* enum network_mode */
	bool log_fallback; /* of the termination message */
	struct restart_rule_list restart_rules;
	int stop_signal;
	int64_t grace_ms;
	struct opt_i64 restart_retries; /* of ON_FAILURE */
	int64_t run_timeout_ms;		/* 0: none */
	char *pid_file;			/* or NULL: written at each start */
	char *monitor_pid_file;
};

struct monitor_client {
	int fd;
	bool subscribed;
	bool wants_health; /* the next answer of the health check */
};

struct monitor_attach {
	int fd;
	bool is_patient; /* the container waits for it: a session that began with it */
	bool is_awaited; /* it has not said yet that it is there */
	bool is_held;	 /* its queue is full: what it lacks is in the buffer, from held_at on */
	size_t held_at;
	uint64_t lost_bytes; /* output that its full queue did not take */
	size_t input_len;    /* of input that the container has not yet taken */
	size_t input_at;
	char *input; /* ATTACH_DATA_MAX bytes, there while input_len > 0 */
};

enum monitor_hook { HOOK_NONE, HOOK_POST_START, HOOK_PRE_STOP };

/* What a container with probes or hooks needs; the others have none. */
struct monitor_watch {
	struct probe_spec probes[PROBE__COUNT];
	struct action_spec post_start;
	struct action_spec pre_stop;
	struct action_place place;
	struct probestate state;
	struct action asked[PROBE__COUNT]; /* by enum probe_role */
	struct event_rate told[PROBE__COUNT];
	struct action hook;
	enum monitor_hook hook_kind; /* the one that runs */
	int64_t hook_end_ms;	     /* monotonic: a sleep is over; 0: none */
	bool is_pre_stopped;	     /* preStop has begun: it runs once a run */
};

struct monitor {
	struct store store;
	char id[65];
	char pod_id[65];
	char name[64]; /* short, for events */
	struct monitor_plan plan;
	struct monitor_watch *watch;   /* or NULL */
	struct monitor_health *health; /* or NULL */
	struct container_status status;
	struct restart_state restart;
	enum monitor_phase phase;
	int lock_fd;
	int conductor_fd;
	bool is_conductor; /* it is in the conductor's process: of a container by itself */
	int launch_fd;	   /* sealed podium-launch for the first start, or -1 */
	int listen_fd;
	struct monitor_client clients[MONITOR_CLIENTS_MAX];
	int attach_listen_fd;
	struct monitor_attach attached[MONITOR_ATTACH_MAX];
	/* of the current start */
	pid_t launch_pid;
	pid_t pid;
	int pidfd;
	int sync_fd;
	int passed[3]; /* streams of whoever started it, while it may be started again; or -1 */
	int in_fd;     /* write end of stdin, or -1 */
	int out_fd;    /* read end of stdout; the pty's master with a terminal */
	int err_fd;
	bool early; /* the launch waits for the sandbox, until CTL_PREPARE */
	bool go;    /* the first start waits for CTL_GO when there is a conductor */
	bool holds; /* it is to be initialized, or is: no further until CTL_GO says so */
	bool stop_asked;
	bool is_up;	     /* CTL_RUNNING was said of this run */
	bool is_ending;	     /* it is being stopped or killed: preStop or the signal is under way */
	bool is_failed;	     /* by a startup or liveness probe */
	bool asks_restart;   /* its health check does, whatever the policy says */
	bool did_start;	     /* the present numbers are of a run that got as far as its program */
	bool killed;	     /* SIGKILL was sent */
	int message_fd;	     /* its termination message, or -1 */
	bool to_remove;	     /* the records go next: nothing is written any more */
	int64_t deadline_ms; /* monotonic; 0: none */
	int64_t paused_ms;   /* monotonic: since when it is paused, 0: it is not */
	int64_t run_end_ms;  /* monotonic; 0: none: what runs then is killed */
	int64_t signal_ms;   /* monotonic: when a user sent a signal that is meant to end it */
	bool is_unmade;	     /* the last start failed before there was a container to make */
	int64_t started_ms;  /* monotonic */
	int64_t launched_ns; /* wall clock: when the present run was begun; its log is younger */
	int64_t oom_before;
	bool is_used;	     /* memory, since it was given back */
	bool is_fresh;	     /* a start was the use */
	int log_dir;	      /* the container's directory: the log borrows it for its rotation */
	struct logwriter log; /* not open: the log is no file */
	struct journal *journal; /* or NULL */
	bool is_held_up;	 /* somebody is_held: no output is read, and no end taken */
	size_t held_bytes;	 /* of the buffer, for those that are held */
	int held_stream;
	int end_rounds;		 /* output read since the end of the program was seen */
	uint64_t signals;	 /* for the program, when it runs: bit n - 1 is signal n */
	struct attach_size size; /* as a session has it; 0: none */
	char buffer[LOG_READ_BYTES];
};

/* stdio.c */
/* Opens what the output goes to, as the spec says: a file, the journal, nothing. */
int monitor_log_open(struct monitor *m, const struct container_spec *c,
		     struct error *err) must_check;
void monitor_log_close(struct monitor *m);
/* Gives back what the log does not need while nothing is printed. */
void monitor_log_idle(struct monitor *m);
/* Makes the pipes of the next start; stdio[3] are the container's ends (-1: /dev/null). */
int monitor_stdio_open(struct monitor *m, int stdio[3], struct error *err) must_check;
/* Lets go of the streams that were passed to it. */
void monitor_stdio_forget(struct monitor *m);
void monitor_stdio_take_pty(struct monitor *m, int master);
/* Reads once from out_fd or err_fd into the log; closes it at end of file. */
void monitor_stdio_read(struct monitor *m, int *fd, int stream);
/* After the container's exit: what is still in the pipes, then flush and close. */
void monitor_stdio_finish(struct monitor *m);
/* Sends the conductor the read ends to keep, so that the container survives this monitor. */
void monitor_stdio_share(struct monitor *m);

/* attach.c */
/* Sends everybody away. */
void monitor_attach_close(struct monitor *m);
int monitor_attach_open(struct monitor *m, struct error *err) must_check;
/* Appends what is to be polled; monitor_attach_dispatch() takes the same entries back. */
size_t monitor_attach_polls(struct monitor *m, struct pollfd *p);
void monitor_attach_dispatch(struct monitor *m, const struct pollfd *p);
/* Output for everybody who is attached. */
void monitor_attach_output(struct monitor *m, int stream, const char *data, size_t len);
/* Tells the exit code and closes. */
void monitor_attach_end(struct monitor *m);
/* A session that shall begin with the container has not said yet that it is there. */
bool is_session_awaited(const struct monitor *m);
/* Connects to who waits for the container to begin, if somebody does. */
void monitor_attach_join(struct monitor *m);
/* Nothing is read from the container until somebody has taken what is there. */
bool is_output_held(const struct monitor *m);
/* Before the buffer is used anew: who has not taken what was in it has lost it. */
void monitor_attach_forget(struct monitor *m);
/* The program has ended: whether its end must wait until its output is taken. */
bool monitor_attach_waits(struct monitor *m);
/* Signals that came ahead of the program. */
void monitor_attach_signals(struct monitor *m);
/* The terminal is there: it gets the size of the session. */
void monitor_attach_resize(struct monitor *m);

/* control.c */
void monitor_broadcast(struct monitor *m, enum ctl_type type, int32_t value, const char *text);
void monitor_control_accept(struct monitor *m);
/* A packet (or the end) on the conductor's socket or on a client's. */
void monitor_control_read(struct monitor *m, int *fd);

/* watch.c: probes and hooks */
/* Takes over what the spec has of both. Nothing: m->watch stays NULL. */
void monitor_watch_open(struct monitor *m, struct container_spec *spec);
void monitor_watch_close(struct monitor *m);
/* The program runs: begins postStart. False: there is none. */
bool monitor_post_start(struct monitor *m);
/* Begins preStop. False: there is none, or it has run. */
bool monitor_pre_stop(struct monitor *m);
bool is_hook_running(const struct monitor *m, enum monitor_hook kind);
void monitor_hook_cancel(struct monitor *m);
/* postStart is over: probing begins. Sets status.started and ready. */
void monitor_watch_begin(struct monitor *m);
/* Nothing is asked any more. Tells whether the container was ready; it is not now. */
bool monitor_watch_end(struct monitor *m);
size_t monitor_watch_polls(struct monitor *m, struct pollfd *p);
void monitor_watch_dispatch(struct monitor *m, const struct pollfd *p);
/* Calls off what is asked; the next is asked after monitor_watch_unpause(). */
void monitor_watch_pause(struct monitor *m);
/* All times move by so much. */
void monitor_watch_unpause(struct monitor *m, int64_t lasted_ms);
/* Does what is due. */
void monitor_watch_tick(struct monitor *m);
/* Monotonic ms, or PROBESTATE_NEVER. */
int64_t monitor_watch_deadline_ms(const struct monitor *m);

/* pause.c */
/* Freezes the container, or stops its back-off; 0 as well when that is so already. -EINVAL: it does
 * not run. Timers stand still until monitor_unpause(). */
int monitor_pause(struct monitor *m, struct error *err) must_check;
int monitor_unpause(struct monitor *m, struct error *err) must_check;
/* Lets a container that is being ended go on; to be called after its signal was sent. */
void monitor_thaw(struct monitor *m);

/* outcome.c: what is told of a run */
/* What a probe says: the same again is told once a minute. */
void monitor_probe_event(struct monitor *m, enum probe_role role, const char *reason,
			 const char *fmt, ...) printf_like(4, 5);
/* What was only counted so far is told. */
void monitor_probe_events_end(struct monitor *m, enum probe_role role);
void monitor_event(struct monitor *m, bool warning, const char *reason, const char *fmt, ...)
	printf_like(4, 5);
/* The numbers of the last run become lastState; those of the next are not there yet. */
void monitor_turn_page(struct monitor *m);
/* Fills reason and message of a run that has ended; the log is complete. */
void monitor_conclude(struct monitor *m);
/* The reason of a start that failed; config: a value it needs is missing. */
void monitor_conclude_failure(struct monitor *m, bool config);

/* monitor.c */
/* Ends the run with preStop, signal and grace; no grace: SIGKILL. */
void monitor_end_run(struct monitor *m, int64_t grace_ms);
/* postStart has ended well. */
void monitor_up(struct monitor *m);
/* preStop is over, or its time. */
void monitor_after_pre_stop(struct monitor *m);
/* The sandbox is there. hold: it is to be initialized. */
void monitor_prepare(struct monitor *m, bool hold);
void monitor_go(struct monitor *m);
/* What is prepared waits for monitor_go(), and says so. */
void monitor_hold(struct monitor *m);
/* `podium init` has prepared it, and nobody has started it since. */
bool is_monitor_initialized(const struct monitor *m);
void monitor_stop(struct monitor *m, int64_t grace_ms);
void monitor_write_status(struct monitor *m);

#endif
