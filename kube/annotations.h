/* SPDX-License-Identifier: Apache-2.0 */
/*
 * annotations - the annotations of a pod that mean something, or are expected to.
 *
 * There is a closed list of them, each with a validator of its own; no other annotation is
 * interpreted, and none of an image.
 */
#ifndef PODIUM_KUBE_ANNOTATIONS_H
#define PODIUM_KUBE_ANNOTATIONS_H

#include "engine/pod/spec.h"
#include "kube/diag.h"
#include "schemas/types.h"

/* Checks every annotation of a decoded pod with defaults applied, and fills in the fields that some
 * of them stand for, where they are not set. To be called before the pod is validated. for_play: a
 * restriction that cannot be applied is an error, not a warning. */
void annotations_take(const struct diag_sink *sink, struct k8s_pod *pod, bool for_play);

/* What has no field in Kubernetes: limits. To be called on the plan of a valid pod. */
void annotations_plan(const struct k8s_pod *pod, struct pod_plan *plan);

/* Writes out what a plan leaves unsaid where an annotation of it would say otherwise. */
void annotations_settle(const struct pod_plan *plan, struct k8s_pod *ret);

/* Annotations of a workload itself, which are not its pod's. */
void annotations_misplaced(const struct diag_sink *sink, const struct k8s_meta *meta);

/* Podman writes such a key, which Kubernetes refuses. pod may be NULL. */
bool is_podman_key(const struct k8s_pod *pod, const char *key);

/* ---- within annotations*.c ---------------------------------------------------------------------
 */

#define PODMAN_ANNOTATION  "io.podman.annotations."
#define NOTE_ULIMIT	   PODMAN_ANNOTATION "ulimit"
#define NOTE_PIDS	   PODMAN_ANNOTATION "pids-limit"
#define NOTE_CPUS	   PODMAN_ANNOTATION "cpuset"
#define NOTE_NODES	   PODMAN_ANNOTATION "memory-nodes"
#define NOTE_SECCOMP	   PODMAN_ANNOTATION "seccomp"
#define NOTE_SECCOMP_ALPHA "container.seccomp.security.alpha.kubernetes.io"
#define NOTE_SECCOMP_POD   "seccomp.security.alpha.kubernetes.io/pod"

/* One annotation being looked at. */
struct note {
	const struct diag_sink *sink;
	struct k8s_pod *pod;
	struct k8s_container *container; /* that it is about, or NULL */
	const char *key;
	const char *value;
	bool for_play;
};
/* About the annotation. */
void note_error(const struct note *n, const char *fmt, ...) printf_like(2, 3);
void note_unsupported(const struct note *n, const char *fmt, ...) printf_like(2, 3);

/* A container by its name, an init container among them; NULL: there is none. */
struct k8s_container *note_container(const struct k8s_pod *pod, const char *name);

/* Values. Each returns false for what it is not. */
bool note_parse_seccomp(const char *value, struct k8s_seccomp *ret);
bool note_parse_pids(const char *value, int64_t *ret);
bool note_parse_ulimits(const char *value, struct ulimit_list *ret, struct error *err);
bool is_cpu_list(const char *value);

/* annotations_mounts.c: the mounts of other containers. */
void note_volumes_from(const struct note *n);

#endif
