/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate - pods, workloads and volumes of the store as Kubernetes YAML that a cluster accepts.
 *
 * Theory of operation: a run collects documents in the order in which they are to be applied: what a
 * pod refers to (ConfigMaps, claims) comes before its Service and the pod itself, each object once a
 * run. The documents are trees until the end, so that a pod can be wrapped into a workload, or a
 * hostPath be replaced, whatever the pod was made from. Secrets are never written: they stay
 * references, and a note says so.
 */
#ifndef PODIUM_KUBE_GENERATE_H
#define PODIUM_KUBE_GENERATE_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/pod/spec.h"
#include "engine/state/layout.h"

enum generate_type {
	GENERATE_POD,
	GENERATE_DEPLOYMENT,
	GENERATE_DAEMON_SET,
	GENERATE_JOB,
	GENERATE_STATEFUL_SET,
	GENERATE__COUNT
};
extern const char *const generate_type_names[]; /* "pod", "deployment", ... */

enum generate_host_path {
	GENERATE_KEEP,	     /* hostPath stays hostPath */
	GENERATE_CONFIG_MAP, /* its files become a ConfigMap */
	GENERATE_CLAIM,	     /* an empty PersistentVolumeClaim takes its place */
};

struct generate_request {
	int type;		 /* enum generate_type */
	struct opt_i64 replicas; /* Deployment, StatefulSet */
	bool service;		 /* a NodePort Service before the pod; hostPort goes then */
	bool for_cluster;	 /* notes on what will not travel */
	int host_path;		 /* enum generate_host_path */
};

/* One call of the command. Zeroed but for rq and store by the caller. */
struct generate_run {
	const struct generate_request *rq;
	const struct store *store;
	struct buf out;		   /* the stream: "---" before each document */
	struct strlist notes;	   /* for people, a line each */
	struct strlist written;	   /* "ConfigMap/NAMESPACE/NAME" of what is in the stream */
	struct strlist node_ports; /* taken in this run */
};
void generate_run_done(struct generate_run *run);

/* Appends a pod (as rq's type) and what it refers to. kube_yaml: the document that it was played
 * from, or NULL; containers that were taken out of the pod since then, or put in, are followed.
 * -EINVAL when the type cannot be had of this pod. */
int generate_pod(struct generate_run *run, const struct pod_plan *plan, const char *kube_yaml,
		 struct error *err) must_check;
/* The same of a pod made by hand, whose plan is changed on the way: handmade.h. */
int generate_handmade(struct generate_run *run, struct pod_plan *plan,
		      struct error *err) must_check;
/* Appends a stored document of another kind as it was played: a Deployment, a Job, ...; with what
 * its template refers to, and what the request asks for. */
int generate_document(struct generate_run *run, const char *kind, const char *yaml,
		      struct error *err) must_check;
/* Appends a ConfigMap of the store; namespace_ may be NULL. -ENOENT. */
int generate_config_map(struct generate_run *run, const char *namespace_, const char *name,
			struct error *err) must_check;
/* Appends the claim that a named volume is, or that would make it. -ENOENT. */
int generate_volume(struct generate_run *run, const char *name, struct error *err) must_check;

#endif
