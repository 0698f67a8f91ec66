/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job - fork, work, one report through a pipe.
 *
 * Theory of operation: podium-image keeps hostile bytes out of its own process by giving them to
 * children. A child gets its arguments by fork and answers with one struct of fixed size through a
 * pipe; the parent reads exactly that many bytes, terminates the text itself and takes nothing else
 * from it. A child that dies (by its limits, by its filter, by a bug) closes the pipe: that too is
 * an answer. Children follow their parent into death, so kill -9 of podium-image leaves no process.
 *
 * The callers are single-threaded; children never return, they end in _exit.
 */
#include "engine/image/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/image/cage.h"

static void __attribute__((noreturn)) child(job_main *run, void *arg, int fd, pid_t parent)
{
	struct job_report report = { .result = 0 };

	report.result = cage_follow_parent(parent, &report.err);
	if (report.result == 0)
		report.result = run(arg, fd, &report, &report.err);
	_exit(fs_write_all(fd, &report, sizeof(report)) < 0);
}

int job_start(job_main *run, void *arg, struct job *ret, struct error *err)
{
	pid_t parent = getpid();
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "make a pipe");
	pid = fork();
	if (pid == 0) {
		(void)close(ends[0]);
		child(run, arg, ends[1], parent);
	}
	(void)close(ends[1]);
	if (pid < 0) {
		(void)close(ends[0]);
		return error_errno(err, "start a child");
	}
	*ret = (struct job){ .pid = pid, .fd = ends[0] };
	return 0;
}

/* Reads the report; returns the bytes got. */
static size_t read_report(int fd, struct job_report *report)
{
	size_t got = 0;

	while (got < sizeof(*report)) {
		ssize_t n = read(fd, (char *)report + got, sizeof(*report) - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	return got;
}

static int reap(struct job *j)
{
	int status = 0;

	if (j->fd >= 0)
		(void)close(j->fd);
	while (j->pid > 0 && waitpid(j->pid, &status, 0) < 0 && errno == EINTR)
		;
	*j = JOB_INIT;
	return status;
}

int job_wait(struct job *j, const char *what, struct job_report *report, struct error *err)
{
	size_t got = read_report(j->fd, report);
	int status = reap(j);

	if (got != sizeof(*report)) {
		int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

		if (sig == SIGABRT || sig == SIGSEGV)
			return error_set(err, EPIPE,
					 "%s died (signal %d): out of its memory limit?", what,
					 sig);
		return error_set(err, EPIPE, "%s died without a report (signal %d)", what, sig);
	}
	report->err.text[sizeof(report->err.text) - 1] = '\0';
	if (report->result >= 0)
		return 0;
	if (report->err.code <= 0)
		report->err.code = EIO;
	*err = report->err;
	return -err->code;
}

void job_end(struct job *j)
{
	struct job_report ignored;

	if (j->pid > 0)
		(void)kill(j->pid, SIGKILL);
	/* Children of the child die by its death, a moment later; those that work on files keep the
	 * pipe open, so that its end tells that they are gone. */
	if (j->fd >= 0)
		while (read_report(j->fd, &ignored) == sizeof(ignored))
			;
	(void)reap(j);
}
