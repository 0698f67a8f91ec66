/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podstatus - what Kubernetes would report of a pod: phase, conditions, and of each container its
 * state, the state before it, readiness. Derived from records alone; nothing is read here.
 */
#ifndef PODIUM_KUBE_PODSTATUS_H
#define PODIUM_KUBE_PODSTATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/pod/spec.h"
#include "engine/state/status.h"

/* ---- what is known ---------------------------------------------------------------------- */

/* One container in the pod's order. */
struct podstatus_source {
	const char *name; /* short name */
	bool init;
	bool sidecar;
	bool has_probe;			   /* a startup or readiness probe: ready is not started */
	bool readable;			   /* false: its record cannot be read, st is nothing */
	enum container_state live;	   /* what status_live() said */
	const struct container_status *st; /* never NULL */
	const char *id;
	const char *image_id; /* 64 hex digits, or NULL */
};
struct podstatus_input {
	const struct pod_spec *pod;
	const struct container_status *infra; /* NULL: not readable */
	enum container_state infra_live;
	bool removing;
	const struct podstatus_source *v;
	size_t n;
	const char *address4; /* "" or NULL: none */
	const char *address6;
	const char *host_address; /* of this machine, or NULL */
};

/* ---- what is said of it ----------------------------------------------------------------- */

enum kube_phase { PHASE_PENDING, PHASE_RUNNING, PHASE_SUCCEEDED, PHASE_FAILED, PHASE__COUNT };
extern const char *const kube_phase_names[]; /* "Pending", ... */

enum kube_state_kind { KUBE_STATE_NONE, KUBE_WAITING, KUBE_RUNNING, KUBE_TERMINATED };
struct kube_state {
	enum kube_state_kind kind;
	const char *reason;  /* or NULL; borrowed from the input, or static */
	const char *message; /* or NULL; the same */
	int64_t exit_code;   /* TERMINATED */
	int64_t started_ns;  /* RUNNING, TERMINATED; 0: nobody knows */
	int64_t finished_ns; /* TERMINATED */
};
struct podstatus_container {
	const struct podstatus_source *source;
	struct kube_state state;
	struct kube_state last;
	bool started;
	bool ready;
	int64_t restarts;
	char *back_off; /* the message of CrashLoopBackOff, which state.message is; owned */
};

enum pod_condition {
	CONDITION_READY_TO_START, /* PodReadyToStartContainers: the sandbox is there */
	CONDITION_INITIALIZED,
	CONDITION_READY,
	CONDITION_CONTAINERS_READY,
	CONDITION_SCHEDULED,
	CONDITION__COUNT
};
extern const char *const pod_condition_names[];
struct podstatus_condition {
	bool is_true;
	const char *reason; /* or NULL; static */
	char *message;	    /* or NULL; owned */
	int64_t since_ns;   /* 0: nobody knows */
};

struct podstatus {
	enum kube_phase phase;
	const char *reason;  /* of the pod as a whole: "DeadlineExceeded", "Evicted", or NULL */
	const char *message; /* of the reason, or NULL; both borrowed from the input */
	char *status;	     /* kubectl's STATUS column */
	unsigned int ready;  /* READY n/m: members and sidecars */
	unsigned int total;
	int64_t restarts;
	int64_t last_restart_ns; /* 0: none */
	struct podstatus_condition conditions[CONDITION__COUNT];
	struct podstatus_container *v; /* one each of the input, in its order */
	size_t n;
};

/* Fills *ret, which borrows from the input. */
void podstatus_derive(const struct podstatus_input *in, struct podstatus *ret);
void podstatus_done(struct podstatus *ps);
#define cleanup_podstatus cleanup(podstatus_done)

/* "Guaranteed", "Burstable" or "BestEffort", as Kubernetes classes pods (init containers count). */
const char *podstatus_qos(const struct pod_spec *pod, const struct container_spec *v, size_t n);

/* kubectl's short ages: "45s", "5m10s", "3h", "2d4h"; "<unknown>" for less than nothing. */
void kube_age(int64_t seconds, char *out, size_t size);
/* The RESTARTS column: "0", "3 (5m10s ago)". The caller owns it. */
char *podstatus_restarts(const struct podstatus *ps, int64_t now_ns);

struct arena;
struct node;
/* The status of a V1Pod as a tree, which lives in the arena. */
struct node *podstatus_encode(struct arena *a, const struct podstatus_input *in,
			      const struct podstatus *ps, const char *qos);
/* A time as the API writes it: "2026-11-22T07:15:00Z". */
void kube_time(int64_t wall_ns, char *out, size_t size);
#define KUBE_TIME_SIZE 40

#endif
