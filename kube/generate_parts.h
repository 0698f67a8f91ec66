/* SPDX-License-Identifier: Apache-2.0 */
/* generate_parts - what the files of generate share. */
#ifndef PODIUM_KUBE_GENERATE_PARTS_H
#define PODIUM_KUBE_GENERATE_PARTS_H

#include "kube/generate.h"
#include "kube/node.h"
#include "kube/tree.h"
#include "schemas/schema.h"

/* One pod on its way. */
struct generate_job {
	struct generate_run *run;
	struct arena *arena;
	struct node *pod; /* the Pod document: its metadata and spec are taken over by a workload */
	struct node *spec; /* of the pod */
	const char *name;
	const char *namespace_; /* or NULL */
};

/* Writes a document to the run's stream, after reading back what was written. */
int generate_write(struct generate_run *run, const char *kind, const struct node *root,
		   struct error *err) must_check;
/* A line for people: "pod 'x': ...". */
void generate_note(struct generate_job *job, const char *fmt, ...) printf_like(2, 3);

/* generate_workload.c: wraps the pod; *ret is the workload (or the pod itself). */
int generate_wrap(struct generate_job *job, struct node **ret, struct error *err) must_check;
/* generate_service.c: writes the Service and takes the host ports out of the pod. */
int generate_service(struct generate_job *job, struct error *err) must_check;
/* generate_objects.c: writes ConfigMaps and claims that the pod refers to. */
int generate_references(struct generate_job *job, struct error *err) must_check;
/* generate_hostpath.c: replaces hostPath volumes as the request says; writes what takes their
 * place. */
int generate_host_paths(struct generate_job *job, struct error *err) must_check;
/* generate_cluster.c: notes on what a cluster will not give. */
void generate_cluster_notes(struct generate_job *job);

#endif
