/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch - how the starter's side runs podium-launch, and what the records of a sandbox are.
 *
 * Command line of podium-launch (always run sealed, see selfexec.h; environment empty but
 * for the test seams):
 *	podium-launch sandbox   ROOT RUNROOT POD-ID        makes pause: new net, ipc, uts, mnt, pid;
 *	                                                   descriptor 4 may be podium-pause, sealed
 *	podium-launch container ROOT RUNROOT CONTAINER-ID  first process of a container; stdio =
 * 0,1,2 podium-launch exec      ROOT RUNROOT CONTAINER-ID  one more process; descriptor 4 holds the
 *	                                                   struct exec_request as JSON (memfd)
 * All three speak engine/process/sync.h on descriptor 3.
 */
#ifndef PODIUM_PROCESS_LAUNCH_H
#define PODIUM_PROCESS_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/proc.h"
#include "engine/base/record.h"
#include "engine/base/str.h"

struct store;

/* RUNROOT/pods/<id>/sandbox.json, written by the conductor when pause runs. */
struct sandbox_record {
	uint32_t pid; /* pause, with the start time and boot that make it certain */
	int64_t start_ticks;
	char *boot_id;
	char *address4; /* or NULL */
	char *address6;
	char *gateway4;
	char *gateway6;
	struct strlist more_addresses; /* in its other networks */
	struct strlist resolvers;      /* gateways that answer for names of pods */
};
extern const struct record_type sandbox_record_type;

/* What `podium exec` asks for. */
struct exec_request {
	struct strlist argv;
	struct strlist env; /* NAME=VALUE, added to the container's */
	char *user;	    /* "uid[:gid]" or names, NULL: the container's */
	char *working_dir;  /* NULL: the container's */
	bool tty;
	bool privileged;
	uint32_t preserve_fds; /* sent by SYNC_KEEP */
};
extern const struct record_type exec_request_type;

/* How podium-launch is started. */
struct launch_start {
	const struct store *store;
	const char *verb;  /* "sandbox", "container", "exec" */
	const char *id;	   /* of the pod or container */
	const char *extra; /* "fresh", or NULL */
	int stdio[3];	   /* -1: /dev/null */
	int request_fd;	   /* exec: memfd with the request; sandbox: pause; 0 or negative: none */
	int program_fd;	   /* of launch_load(), borrowed; 0 or -1: a copy is made for this start */
};

/* podium-launch as nobody can write to it, for several starts. Returns the descriptor. *ret_mount: as
 * selfexec_load(). */
int launch_load(int *ret_mount, struct error *err) must_check;

/* podium-pause in that mount; -errno: podium-launch is to find it itself. */
int launch_find_pause(int mount_fd) must_check;

/* Starts podium-launch from a sealed copy in memory (made here: podium-launch itself would need a
 * second exec for it). Returns its pid, a child of the caller; *ret_sync_fd speaks sync.h. */
pid_t launch_spawn(const struct launch_start *l, int *ret_sync_fd, struct error *err) must_check;

#endif
