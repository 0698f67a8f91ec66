/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl - the protocol of ctl.sock: commands to a monitor or conductor, events from it.
 *
 * SOCK_SEQPACKET, one struct ctl_msg a packet, first byte the protocol version. The socket lies at
 * RUNROOT/containers/<id>/ctl.sock (the conductor's at the infra container's id), 0600 in a 0700
 * directory; the peer's uid is checked as well. A client that does not read is dropped.
 */
#ifndef PODIUM_PROCESS_CTL_H
#define PODIUM_PROCESS_CTL_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/state/layout.h"

#define CTL_VERSION 1
#define CTL_SOCKET  "ctl.sock"
#define CTL_SOLO_SOCKET \
	"pod.sock" /* of a pod without an infra container: in its container's place */
#define CTL_TEXT_MAX	 500
#define CTL_TO_REMOVE	 "remove"
#define CTL_IS_READY	 "ready"
#define CTL_AS_CONDUCTOR 1    /* value of a CTL_SUBSCRIBE */
#define CTL_OWN_GRACE	 (-1) /* value of a CTL_STOP */
#define CTL_RUNS	 1    /* value of a CTL_SERVE */
#define CTL_FDS_MAX	 3    /* that go along with one packet */
/* Value of a CTL_START, CTL_PREPARE or CTL_GO: `podium init`. Up to the program's exec and no further,
 * until another CTL_START or CTL_GO. */
#define CTL_HOLD 1
/* Value of a CTL_FAILED: the pod is going down, or has got another conductor just now: ask anew. */
#define CTL_STOPPING (-1)

enum ctl_type {
	/* commands */
	/* start what is prepared. value CTL_HOLD: it is initialized, and waits. Answer then:
	 * CTL_INITIALIZED, or what says that it failed */
	CTL_GO = 1,
	/* value: grace in ms, CTL_OWN_GRACE: each container's own; then SIGKILL; no restart by policy. Answer: CTL_DONE. With no grace and
	 * the text CTL_TO_REMOVE nothing is recorded of the end: the records go next. */
	CTL_STOP,
	CTL_SIGNAL, /* value: signal number. Answer: CTL_OK or CTL_FAILED */
	/* events follow; the first tells the present state. value: CTL_AS_CONDUCTOR to a monitor, from
	 * a conductor that takes the place of a dead one */
	CTL_SUBSCRIBE,
	/* conductor: text = container id, or "": all; value: CTL_HOLD (of one container). Answer: CTL_OK
	 * or CTL_FAILED. To a new one, ahead of all: this container alone. + three descriptors: the
	 * standard streams of what it starts and has the log driver 'passthrough' */
	CTL_START,
	CTL_PREPARE, /* conductor to a new monitor: the sandbox is there; value: CTL_HOLD */
	CTL_ADOPT,   /* to a new conductor, ahead of all: what has ended in the pod stays so */
	CTL_RENAME,  /* monitor: text = the container's new name. Answer: CTL_OK or CTL_FAILED */
	CTL_CHANGED, /* conductor: the pod's record lists other containers. No answer */
	/* Stop where it is, go on. Monitor: its container, and its timers; conductor: the pod's timers
	 * (its members are asked by themselves). Answer: CTL_OK or CTL_FAILED */
	CTL_PAUSE,
	CTL_UNPAUSE,
	/* A service's conductor: text = id of a pod that it stands for from now on, "": of one that is
	 * in the making. It does so until the socket ends. value: CTL_RUNS: the pod is up already.
	 * Answer: CTL_OK, or CTL_FAILED with CTL_STOPPING; CTL_STOP when the service is stopped. */
	CTL_SERVE,
	CTL_HEALTH =
		14, /* asks the health check now. Answer: CTL_OK, value 0 or 1, text: the status */
	/* events and answers */
	CTL_OK = 64,
	CTL_FAILED,  /* text: why; value: exit code (125, 126, 127). More attempts may follow */
	CTL_WARNING, /* text */
	CTL_READY,   /* prepared, waits for CTL_GO */
	/* value: pid; the program runs and postStart has ended well. With the text CTL_IS_READY it
	 * has no probe to wait for: CTL_STARTED and CTL_READINESS in one */
	CTL_RUNNING,
	CTL_EXITED, /* value: exit code; a restart follows after its back-off. Of a conductor: one
			of its containers; text */
	CTL_DONE,   /* value: exit code; the monitor ends */
	CTL_PIPES,  /* + descriptors: read ends of stdout and stderr, for the conductor to keep */
	CTL_UP,	    /* conductor: every member was started */
	CTL_INIT_RETRY, /* conductor: an init container failed and will be tried again; text */
	CTL_STARTED,	/* the startup probe has passed; at once after RUNNING without one */
	CTL_READINESS,	/* value: 1 ready, 0 not; sent on each change, and once after CTL_STARTED;
			 * after EXITED and DONE it is not ready, whether that was sent or not */
	CTL_POD_READY,	/* conductor: value: 1 when every member and sidecar is ready, 0 when not */
	CTL_INITIALIZED, /* after CTL_GO with CTL_HOLD: recorded as initialized; waits for CTL_GO */
};

struct ctl_msg {
	uint8_t version;
	uint8_t type; /* enum ctl_type */
	uint16_t reserved;
	int32_t value;
	char text[CTL_TEXT_MAX];
};

/* True for a stop of what is removed next. */
bool is_ctl_to_remove(const struct ctl_msg *m);
/* True for a CTL_RUNNING of what is started and ready, too. */
bool is_ctl_ready(const struct ctl_msg *m);

/* Sends without blocking. -EAGAIN: the peer does not read. pass_fds may be NULL. */
int ctl_send(int fd, enum ctl_type type, int32_t value, const char *text);
int ctl_send_fds(int fd, enum ctl_type type, const int *fds, int n_fds);
/* Both in one packet. */
int ctl_send_with_fds(int fd, enum ctl_type type, int32_t value, const char *text, const int *fds,
		      int n_fds);

/* 1: a message; 0: end of file; -errno (-EAGAIN: nothing there). ret_fds (CTL_FDS_MAX ints, or NULL) receives
 * descriptors that came along, -EBADF where none did. */
int ctl_receive(int fd, struct ctl_msg *ret, int *ret_fds);

/* Binds and listens on RUNROOT/containers/<id>/ctl.sock, replacing a dead one. The path may exceed
 * 107 bytes: it goes through /proc/self/fd. Non-blocking, close-on-exec. */
int ctl_listen(const struct store *s, const char *container_id, struct error *err) must_check;
/* Accepts; refuses a peer of another uid (-EPERM). */
int ctl_accept(int listen_fd);
/* Connects. -ENOENT / -ECONNREFUSED: nobody listens. Blocking socket. */
int ctl_connect(const struct store *s, const char *container_id, struct error *err) must_check;

/* The same for another socket in the container's run directory (attach.sock). */
int ctl_listen_name(const struct store *s, const char *container_id, const char *name,
		    struct error *err) must_check;
int ctl_connect_name(const struct store *s, const char *container_id, const char *name,
		     struct error *err) must_check;

/* The same in a directory of the caller's. */
int ctl_listen_at(int dirfd, const char *name, struct error *err) must_check;
int ctl_connect_at(int dirfd, const char *name, struct error *err) must_check;

/* Waits for one message up to timeout_ms. As ctl_receive; -ETIMEDOUT. */
int ctl_wait(int fd, int timeout_ms, struct ctl_msg *ret);
int ctl_wait_fds(int fd, int timeout_ms, struct ctl_msg *ret, int *ret_fds);

#endif
