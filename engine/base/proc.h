/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc - processes: identity that survives pid reuse, pidfds, spawning our own helpers.
 */
#ifndef PODIUM_BASE_PROC_H
#define PODIUM_BASE_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/error.h"

#define BOOT_ID_LEN 36

/* A process as stored in a record: acted on only when all three match. */
struct proc_ident {
	pid_t pid;              /* 0: none */
	uint64_t start_ticks;   /* field 22 of /proc/PID/stat */
	char boot_id[BOOT_ID_LEN + 1];
};

/* /proc/sys/kernel/random/boot_id, read once. PODIUM_BOOT_ID overrides it in seam builds. */
const char *proc_boot_id(void);

/* Start time of a process in clock ticks since boot. -ESRCH when it does not exist. */
int proc_start_ticks(pid_t pid, uint64_t *ret, struct error *err) must_check;

/* Fills ident for a living process. */
int proc_identify(pid_t pid, struct proc_ident *ret, struct error *err) must_check;

/* Opens a pidfd if the very process that ident names still exists (zombies included).
 * -ESRCH when not. */
int proc_open_ident(const struct proc_ident *ident, struct error *err) must_check;

/* True while the pidfd's process has not exited (poll(2); a zombie has exited). */
bool is_pidfd_alive(int pidfd);
int pidfd_signal(int pidfd, int sig);
/* Waits until the process has exited. -ETIMEDOUT. timeout_ms < 0 waits for ever. */
int pidfd_wait_exit(int pidfd, int timeout_ms);

/* Absolute path of a helper program (for example "podium-launch"): beside the running binary, or in
 * ../libexec/podium/. Never PATH. The caller owns *ret. */
int proc_helper_path(const char *name, char **ret, struct error *err) must_check;

struct proc_spawn {
	const char *path;      /* absolute; names the program in messages when exec_fd is used */
	int exec_fd;           /* the program itself (a sealed memfd), instead of path; 0 or -1: none */
	char *const *argv;
	char *const *envp;     /* NULL: empty environment */
	int stdio[3];          /* -1: /dev/null */
	int pass_fd;           /* becomes descriptor 3; -1: none */
	int pass_fd4;          /* becomes descriptor 4; 0 or -1: none */
	bool new_session;      /* setsid(2) */
};
/* Starts a helper by vfork semantics; it has no descriptors but 0, 1, 2 and those passed.
 * Signal mask and dispositions are reset. Returns the pid; *ret_pidfd when not NULL. */
pid_t proc_spawn(const struct proc_spawn *s, int *ret_pidfd, struct error *err) must_check;

/* Every signal as a new program expects it: default disposition, none blocked. System calls only. */
void proc_reset_signals(void);

/* Called first in every main(): opens /dev/null on closed 0..2, umask 0077, RLIMIT_CORE 0, ignores
 * SIGPIPE, resets the signal mask. */
void proc_sanitise(void);

/* Files are made as this user and group from now on, with all capabilities kept. 0: as root again.
 * For a file system of a user namespace, which knows no root of the host. */
int proc_act_as(uint32_t uid, uint32_t gid, struct error *err) must_check;

#endif
