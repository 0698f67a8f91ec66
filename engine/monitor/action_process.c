/* SPDX-License-Identifier: Apache-2.0 */
/*
 * action_process - exec in the container, and podium-probe.
 *
 * Theory of operation: an exec goes through podium-launch as `podium exec` does, so it is confined
 * like the container; the new process is this process's own child and known by a pidfd. The first
 * bytes of what it prints are kept for people, the rest is read and forgotten, so that it never
 * waits for us. Its end counts, not that of its output, which a grandchild may hold open.
 *
 * The program that was executed leads a session and so a group of its own: killing it takes the
 * group. A launch that is cancelled before it has told of its process is left to finish; what it
 * then names is killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/monitor/action.h"
#include "engine/monitor/probehelper.h"
#include "engine/process/launch.h"
#include "engine/process/sync.h"

#define READ_BYTES   4096
#define DRAIN_ROUNDS 16
#define EXIT_BROKEN  125

/* The request of a program, in memory: it may hold what no argument list should. */
static int make_request(const struct record_type *type, const void *rq, struct error *err)
{
	cleanup_json json_t *j = record_dump(type, rq);
	cleanup_free char *text = jdump_text(j, 0);
	cleanup_close int fd = memfd_create("podium-request", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return error_errno(err, "make a request");
	r = fs_write_all(fd, text, strlen(text));
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	return r < 0 ? error_set(err, -r, "write the request") : steal_fd(&fd);
}

/* A pipe for what is printed: ours does not block. */
static int make_output(struct action *a, struct error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "pipe");
	(void)fcntl(ends[0], F_SETFL, O_RDONLY | O_NONBLOCK);
	a->out_fd = ends[0];
	return ends[1];
}

/* All descriptors of a process that is over or never came. */
static void forget(struct action *a)
{
	close_fd(&a->pidfd);
	close_fd(&a->sync_fd);
	close_fd(&a->out_fd);
	a->pid = 0;
}

static void fail(struct action *a, const struct error *err)
{
	forget(a);
	a->exit_code = EXIT_BROKEN;
	action_finish(a, ACTION_BROKEN, "%s", err->text);
}

void action_begin_exec(struct action *a)
{
	struct exec_request rq = { .argv = a->spec->argv };
	struct error err = { 0 };
	cleanup_close int request = make_request(&exec_request_type, &rq, &err);
	cleanup_close int out = request < 0 ? request : make_output(a, &err);
	struct launch_start s = { .store = a->place->store,
				  .verb = "exec",
				  .id = a->place->container_id,
				  .stdio = { -1, out, out },
				  .request_fd = request };
	pid_t pid = out < 0 ? out : launch_spawn(&s, &a->sync_fd, &err);

	if (pid < 0) {
		fail(a, &err);
		return;
	}
	a->launch_pid = pid;
	a->is_helper = false;
	a->phase = ACTION_PROCESS;
}

struct helper_start {
	struct proc_spawn spawn;
	pid_t pid;
	struct error *err;
};

static int spawn_helper(void *arg)
{
	struct helper_start *h = arg;
	int pidfd = -1;

	h->pid = proc_spawn(&h->spawn, &pidfd, h->err);
	return h->pid < 0 ? (int)h->pid : pidfd;
}

void action_begin_helper(struct action *a)
{
	struct probehelper_request rq = { .https = a->target.https,
					  .tcp = a->spec->kind == ACTION_TCP,
					  .hook = a->is_hook,
					  .host = a->target.host,
					  .port = a->target.port,
					  .path = a->target.path,
					  .origin = a->target.host,
					  .redirects = a->redirects,
					  .headers = a->spec->headers };
	struct error err = { 0 };
	cleanup_free char *path = NULL;
	int r = proc_helper_path(PROBEHELPER_PROGRAM, &path, &err);
	cleanup_close int request = r < 0 ? r : make_request(&probehelper_request_type, &rq, &err);
	cleanup_close int out = request < 0 ? request : make_output(a, &err);
	char *argv[] = { path, NULL };
	struct helper_start h = { .spawn = { .path = path,
					     .argv = argv,
					     .stdio = { -1, out, -1 },
					     .pass_fd = request,
					     .new_session = true },
				  .err = &err };

	if (out < 0) {
		fail(a, &err);
		return;
	}
	a->pidfd = action_in_netns(a, spawn_helper, &h);
	if (a->pidfd < 0) {
		if (!err.code)
			(void)error_set(&err, -a->pidfd, "start %s", PROBEHELPER_PROGRAM);
		fail(a, &err);
		return;
	}
	a->pid = h.pid;
	a->is_helper = true;
	a->phase = ACTION_PROCESS;
}

/* ---- what comes back -------------------------------------------------------------------- */

/* Keeps the beginning. Closes at the end of file. */
static void read_output(struct action *a, int rounds)
{
	char data[READ_BYTES];

	for (int i = 0; i < rounds && a->out_fd >= 0; i++) {
		ssize_t n = read(a->out_fd, data, sizeof(data));
		size_t room = ACTION_OUTPUT_MAX - a->output_len;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			close_fd(&a->out_fd);
			return;
		}
		if ((size_t)n < room)
			room = (size_t)n;
		memcpy(a->output + a->output_len, data, room);
		a->output_len += room;
	}
}

/* The output as a text of one piece. */
static const char *said(struct action *a)
{
	while (a->output_len > 0 && strchr(" \t\r\n", a->output[a->output_len - 1]))
		a->output_len--;
	a->output[a->output_len] = '\0';
	for (size_t i = 0; i < a->output_len; i++)
		if (!a->output[i])
			a->output[i] = ' ';
	return a->output;
}

static void conclude_exec(struct action *a, const siginfo_t *si)
{
	const char *text = said(a);

	a->was_killed = si->si_code != CLD_EXITED && si->si_status == SIGKILL;
	a->exit_code = si->si_code == CLD_EXITED ? si->si_status : 128 + si->si_status;
	if (si->si_code == CLD_EXITED && si->si_status == 0)
		action_finish(a, ACTION_GOOD, "%s", "");
	else if (si->si_code == CLD_EXITED)
		action_finish(a, ACTION_BAD, "command ended with %d%s%.200s", si->si_status,
			      *text ? ": " : "", text);
	else
		action_finish(a, ACTION_BAD, "command was killed by signal %d%s%.200s",
			      si->si_status, *text ? ": " : "", text);
}

static void conclude_helper(struct action *a, const siginfo_t *si)
{
	static const enum action_verdict verdicts[] = {
		[PROBEHELPER_GOOD] = ACTION_GOOD,
		[PROBEHELPER_BAD] = ACTION_BAD,
		[PROBEHELPER_WARN] = ACTION_WARN,
	};
	const char *text = said(a);

	if (si->si_code == CLD_EXITED && si->si_status < (int)ARRAY_SIZE(verdicts))
		action_finish(a, verdicts[si->si_status], "%s", text);
	else
		action_finish(a, ACTION_BROKEN, "%s failed: %.200s", PROBEHELPER_PROGRAM, text);
}

/* Reaps once the pidfd says that it has ended. */
static void reap(struct action *a)
{
	siginfo_t si = { 0 };
	bool cancelled = a->phase == ACTION_ENDING;

	if (waitid(P_PIDFD, (id_t)a->pidfd, &si, WEXITED | WNOHANG | __WALL) == 0 && si.si_pid == 0)
		return;
	read_output(a, DRAIN_ROUNDS);
	forget(a);
	if (cancelled)
		a->phase = ACTION_IDLE;
	else if (a->is_helper)
		conclude_helper(a, &si);
	else
		conclude_exec(a, &si);
}

/* podium-launch is done with its part. */
static void part_from_launch(struct action *a)
{
	if (a->launch_pid > 0)
		(void)waitpid(a->launch_pid, NULL, 0);
	a->launch_pid = 0;
}

/* The launch has failed or ended without a process. */
static void end_launch(struct action *a, const char *text)
{
	bool cancelled = a->phase == ACTION_ENDING;

	close_fd(&a->sync_fd); /* a half that waits for GO ends by it */
	part_from_launch(a);
	if (a->pidfd >= 0) {
		(void)pidfd_signal(a->pidfd, SIGKILL);
		(void)waitid(P_PIDFD, (id_t)a->pidfd, &(siginfo_t){ 0 }, WEXITED | __WALL);
	}
	forget(a);
	if (cancelled)
		a->phase = ACTION_IDLE;
	else
		action_finish(a, ACTION_BROKEN, "%s", text);
}

static void handle_sync(struct action *a, const struct sync_msg *msg, int fd)
{
	switch ((enum sync_step)msg->step) {
	case SYNC_STARTED:
		a->pid = msg->value;
		a->pidfd = fd;
		part_from_launch(a);
		if (a->phase == ACTION_ENDING)
			action_process_kill(a);
		return;
	case SYNC_READY:
		(void)sync_send(a->sync_fd, SYNC_GO, 0, NULL, -1);
		break;
	case SYNC_ERROR:
		a->exit_code = msg->value ? msg->value : EXIT_BROKEN;
		end_launch(a, msg->err.text);
		break;
	default:
		break;
	}
	if (fd >= 0)
		(void)close(fd);
}

static void read_sync(struct action *a)
{
	struct sync_msg msg;
	struct error err = { 0 };
	int fd = -EBADF;
	int r = sync_receive(a->sync_fd, &msg, &fd, &err);

	if (r > 0)
		handle_sync(a, &msg, fd);
	else if (r == 0 && a->pidfd >= 0)
		close_fd(&a->sync_fd); /* exec happened */
	else if (r != -EAGAIN)
		end_launch(a, r < 0 ? err.text : "podium-launch ended without a word");
}

void action_process_dispatch(struct action *a, const struct pollfd p[ACTION_POLLS])
{
	if (p[1].revents && p[1].fd == a->out_fd)
		read_output(a, 1);
	if (p[0].revents && p[0].fd >= 0 && p[0].fd == a->sync_fd)
		read_sync(a);
	/* What it had to say of a failed exec comes before its end. */
	if (p[2].revents && p[2].fd >= 0 && p[2].fd == a->pidfd &&
	    (a->sync_fd < 0 || a->phase == ACTION_ENDING))
		reap(a);
}

void action_process_kill(struct action *a)
{
	if (a->pidfd < 0)
		return;
	/* Not reaped yet: the number is its own, and so is the group that it leads. */
	(void)kill(-a->pid, SIGKILL);
	(void)pidfd_signal(a->pidfd, SIGKILL);
}
