/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child - fork, call, wait.
 *
 * A child of a test must not run the rest of the test program: it leaves by _exit, so that neither
 * CUnit's end nor buffered output happens twice. Assertions in it would count for nobody: it
 * answers by its exit code.
 */
#include "tests/support/child.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_MAX_MS 60000

pid_t child_start(int (*f)(void *), void *arg)
{
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	if (pid == 0) {
		int code = f(arg);

		(void)fflush(NULL);
		_exit(code & 255);
	}
	return pid;
}

int child_end(pid_t pid)
{
	int status = 0;
	struct pollfd p = { .fd = -1, .events = POLLIN };

	if (pid <= 0)
		return -1;
	p.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (p.fd >= 0) {
		if (poll(&p, 1, CHILD_MAX_MS) == 0)
			(void)kill(pid, SIGKILL);
		(void)close(p.fd);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int child_run(int (*f)(void *), void *arg)
{
	return child_end(child_start(f, arg));
}

bool child_become_nobody(void)
{
	return setgroups(0, NULL) == 0 && setresgid(NOBODY_ID, NOBODY_ID, NOBODY_ID) == 0 &&
	       setresuid(NOBODY_ID, NOBODY_ID, NOBODY_ID) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0;
}

bool child_own_mounts(void)
{
	return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}
