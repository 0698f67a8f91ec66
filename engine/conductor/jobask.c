/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jobask - a Job's monitor from outside: started, told to step, told to end.
 *
 * Theory of operation: the lock says whether one runs, the socket is how to talk to it. Between the
 * two lies a moment at the beginning and one at the end: whoever finds the lock held and nobody at
 * the socket looks again. A monitor that was killed leaves its step behind, which holds a lock of
 * its own; whoever ends a Job waits for that, too.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/conductor/jobinternal.h"
#include "engine/process/ctl.h"

#define LOOK_US	     5000
#define STEP_WAIT_MS 120000 /* a step may wait for grace periods */

bool is_jobwatch_name(const char *job)
{
	size_t slashes = 0, len = strlen(job);

	for (size_t i = 0; i < len; i++) {
		bool begins = i == 0 || job[i - 1] == '/';

		if (job[i] == '/')
			slashes++;
		else if (!islower((unsigned char)job[i]) && !isdigit((unsigned char)job[i]) &&
			 (begins || (job[i] != '-' && job[i] != '.')))
			return false;
		if (job[i] == '/' && begins)
			return false;
	}
	return slashes == 1 && len < JOBWATCH_NAME_MAX && job[len - 1] != '/';
}

void jobwatch_path(char *buf, const char *top, const char *job, const char *file)
{
	(void)snprintf(buf, JOBWATCH_PATH_MAX, "%s/%s%s%s", top, job, *file ? "/" : "", file);
}

static bool is_watched(const struct store *s, const char *job)
{
	char path[JOBWATCH_PATH_MAX];

	jobwatch_path(path, JOBWATCH_ROOT, job, JOBWATCH_LOCK);
	return is_lock_held(s->rootfd, path);
}

/* 1: connected; 0: there is no monitor. */
static int connect_monitor(const struct store *s, const char *job, int *ret_fd, struct error *err)
{
	int64_t deadline = clock_mono_ms() + STEP_WAIT_MS;
	char path[JOBWATCH_PATH_MAX];

	jobwatch_path(path, JOBWATCH_RUN, job, "");
	while (is_watched(s, job)) {
		cleanup_close int dir = openat(s->runfd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		int fd = dir < 0 ? -1 : ctl_connect_at(dir, CTL_SOCKET, err);

		if (fd >= 0) {
			*ret_fd = fd;
			return 1;
		}
		if (clock_mono_ms() >= deadline)
			return error_set(err, ETIMEDOUT, "the monitor of job '%s' does not answer",
					 job);
		(void)usleep(LOOK_US);
	}
	return 0;
}

static int spawn(const struct store *s, const char *job, int *ret_fd, struct error *err)
{
	cleanup_free char *monitor = NULL;
	char *argv[] = { (char *)(uintptr_t) "podium-monitor",
			 (char *)(uintptr_t) "job",
			 s->root,
			 s->runroot,
			 (char *)(uintptr_t)job,
			 NULL };
	struct proc_spawn sp = { .argv = argv, .stdio = { -1, -1, -1 }, .new_session = true };
	int fds[2];
	int r = proc_helper_path("podium-monitor", &monitor, err);

	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return error_errno(err, "socketpair");
	sp.path = monitor;
	sp.pass_fd = fds[1];
	r = proc_spawn(&sp, NULL, err);
	(void)close(fds[1]);
	if (r < 0)
		(void)close(fds[0]);
	else
		*ret_fd = fds[0];
	return r < 0 ? r : 0;
}

/* 1: the step was made; 0: its monitor went away first. */
static int await_step(int fd, const char *job, struct error *err)
{
	struct ctl_msg msg;
	int r;

	do {
		r = ctl_wait(fd, STEP_WAIT_MS, &msg);
	} while (r > 0 && msg.type != CTL_OK && msg.type != CTL_DONE && msg.type != CTL_FAILED);
	if (r == -ETIMEDOUT)
		return error_set(err, ETIMEDOUT, "job '%s': its pods take long to be made", job);
	if (r <= 0)
		return 0;
	if (msg.type == CTL_FAILED)
		return error_set(err, EIO, "job '%s': %s", job, msg.text);
	return 1;
}

int jobwatch_start(const struct store *s, const char *job, struct error *err)
{
	/* One that is about to end does not answer: then there is room for another. */
	for (int tries = 0; tries < 3; tries++) {
		cleanup_close int fd = -EBADF;
		int r = connect_monitor(s, job, &fd, err);

		if (r > 0)
			r = ctl_send(fd, CTL_START, 0, NULL) < 0 ? 0 : r;
		else if (r == 0)
			r = spawn(s, job, &fd, err);
		r = r < 0 || fd < 0 ? r : await_step(fd, job, err);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	return error_set(err, EIO, "job '%s': its monitor ended without a word", job);
}

int jobwatch_lock_step(const struct store *s, const char *job, struct error *err)
{
	char path[JOBWATCH_PATH_MAX];
	int r;

	jobwatch_path(path, JOBWATCH_ROOT, job, JOBWATCH_STEP_LOCK);
	r = lock_take(s->rootfd, path, LOCK_EXCLUSIVE, STEP_WAIT_MS, err);
	return r < 0 ? error_wrap(err, "job '%s'", job) : r;
}

int jobwatch_stop(const struct store *s, const char *job, struct error *err)
{
	cleanup_close int fd = -EBADF;
	char path[JOBWATCH_PATH_MAX];
	struct ctl_msg msg;
	int r = connect_monitor(s, job, &fd, err);

	if (r > 0 && ctl_send(fd, CTL_STOP, 0, NULL) == 0)
		do {
			r = ctl_wait(fd, STEP_WAIT_MS, &msg);
		} while (r > 0);
	if (r == -ETIMEDOUT)
		return error_set(err, ETIMEDOUT, "the monitor of job '%s' does not end", job);
	jobwatch_path(path, JOBWATCH_ROOT, job, JOBWATCH_LOCK);
	r = lock_take(s->rootfd, path, LOCK_EXCLUSIVE, STEP_WAIT_MS, err);
	if (r == -ENOENT || r == -ESTALE)
		return 0; /* there is no such Job any more */
	if (r < 0)
		return error_wrap(err, "the monitor of job '%s'", job);
	(void)close(r);
	r = jobwatch_lock_step(s, job, err);
	if (r >= 0)
		(void)close(r);
	jobwatch_remove_run(s, job); /* of one that was killed */
	return r < 0 && r != -ENOENT && r != -ESTALE ? r : 0;
}

void jobwatch_remove_run(const struct store *s, const char *job)
{
	char path[JOBWATCH_PATH_MAX];
	char *slash;

	jobwatch_path(path, JOBWATCH_RUN, job, CTL_SOCKET);
	(void)unlinkat(s->runfd, path, 0);
	/* The folders as far as nobody else has something in them. */
	while ((slash = strrchr(path, '/'))) {
		*slash = '\0';
		if (unlinkat(s->runfd, path, AT_REMOVEDIR) < 0)
			return;
	}
}
