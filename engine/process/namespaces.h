/* SPDX-License-Identifier: Apache-2.0 */
/*
 * namespaces - which namespaces a pod has of its own, which of somebody else, and which its members
 * have each for itself. CLONE_NEW* flags throughout; the cgroup namespace is not among them.
 */
#ifndef PODIUM_PROCESS_NAMESPACES_H
#define PODIUM_PROCESS_NAMESPACES_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

struct launch;
struct pod_spec;
struct sandbox_record;

/* Those that are made with the pod's pause process. */
uint64_t namespaces_made(const struct pod_spec *pod);
/* Those of another container or of a file, which the pause process joins before it is cloned. */
uint64_t namespaces_foreign(const struct pod_spec *pod);
/* Those that a member joins: the pause process's, where they are not the host's. */
uint64_t namespaces_shared(const struct pod_spec *pod);
/* Those that every member makes for itself. */
uint64_t namespaces_private(const struct pod_spec *pod);

/* Joins what is somebody else's; the process namespace takes effect for the next clone. A target that
 * does not run, or is no namespace of the kind, is an error. */
int namespaces_enter_foreign(const struct launch *l, struct error *err) must_check;

/* The sandbox of the pod that a "container:ID" is in. *ret is zeroed by the caller. */
int namespaces_target(const struct launch *l, const char *from, struct sandbox_record *ret,
		      struct error *err) must_check;
/* Whether it says "container:ID". */
bool is_container_target(const char *from);

#endif
