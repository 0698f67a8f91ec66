/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine - the last steps of every process that runs a container's program: start, restart, init
 * container, exec. One function, so that none of them is less confined than another.
 */
#ifndef PODIUM_PROCESS_CONFINE_H
#define PODIUM_PROCESS_CONFINE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/security/sysfilter.h"
#include "engine/security/user.h"

struct container_spec;
struct pod_spec;
struct ulimit_list;

struct confinement {
	struct identity who;
	uint64_t bounding; /* capabilities */
	bool no_new_privs;
	struct sysfilter filter; /* v NULL: none */
	bool filter_last;	 /* somebody's own: it may forbid everything but the program */
	struct strlist argv;
	struct strlist env;
	char *working_dir;		  /* absolute, in the container */
	bool dir_must_exist;		  /* an exec asked for it; otherwise it is made */
	const struct ulimit_list *limits; /* borrowed from the spec; or NULL */
	mode_t mask;			  /* umask of the program */
	uint64_t ambient;		  /* of a user that is not root */
	int init_fd;			  /* executed with the program as argument; or -EBADF */
	bool init_alone;		  /* it is the program, argv is its own */
	char *missing_caps;		  /* asked for by name and not available, or NULL */
	const int *keep;		  /* the program's descriptors from 3 on; or NULL */
	size_t n_keep;			  /* not with an init program */
};

/* Exit codes that a launch reports by SYNC_ERROR. */
#define EXIT_LAUNCH_FAILED 125

/* Who, capabilities, and no_new_privs of a container. root_fd: its root file system. user_text
 * (may be NULL) stands for what the spec says: an exec's own user. */
int confine_plan(const struct pod_spec *pod, const struct container_spec *spec, int root_fd,
		 const char *user_text, struct confinement *ret, struct error *err) must_check;

/* Runs the container's program; the caller is inside all namespaces and the new root, with the
 * starter's privileges still. Sends warnings and SYNC_READY, waits for SYNC_GO. Does not return:
 * a failure is sent as SYNC_ERROR and ends the process with the same code. */
void confine_and_execute(const struct confinement *c, int sync_fd) __attribute__((noreturn));

/* Before the host's privileges are left: lets confine_and_execute() set these limits. */
void confine_raise_limits(const struct ulimit_list *limits);

/* Sends SYNC_ERROR and ends the process. */
void confine_fail(int sync_fd, int code, const struct error *err) __attribute__((noreturn));
/* Sends SYNC_WARNING. */
void confine_warn(int sync_fd, const char *fmt, ...) printf_like(2, 3);

#endif
