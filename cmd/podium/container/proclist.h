/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proclist - the processes of a container, seen from outside, for top and stats.
 *
 * Nothing of the container is run: /proc of the host is read for the processes that its control
 * groups name (without groups: those of its pid and mount namespaces).
 */
#ifndef PODIUM_CMD_PROCLIST_H
#define PODIUM_CMD_PROCLIST_H

#include <jansson.h>

#include "cmd/podium/container/view.h"
#include "engine/cgroup/cgroup.h"
#include "engine/cgroup/cgroup_stats.h"

struct proc_facts;
/* A column of top: what it is called in a descriptor list, as a code, in ps -o, and its header. */
struct proc_column {
	const char *name; /* "user" */
	const char *code; /* "%U", or NULL */
	const char *header;
	char *(*text)(const struct proc_facts *p); /* the caller's */
};
struct proc_facts;
/* By name or code; NULL. */
const struct proc_column *proc_column_find(const char *name);
/* All names, for messages: "args, capamb, ...". The caller's. */
char *proc_column_names(void);

/* Pids of a container that runs. */
int proclist_pids(const struct cgroup_ctx *cg, const struct container_view *view,
		  struct cgroup_processes *ret, struct error *err) must_check;
/* Appends to rows an object a process: a member for each column's header. A process that ends
 * meanwhile is left out. */
void proclist_rows(const struct cgroup_processes *pids, const struct container_view *view,
		   const struct proc_column *const *columns, size_t n_columns, json_t *rows);
/* What the processes that are alive have used themselves: for a host without such groups. */
void proclist_sum(const struct cgroup_processes *pids, struct cgroup_usage *u);

#endif
