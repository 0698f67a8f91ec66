/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jobwatch - the monitor's loop.
 *
 * Theory of operation: a step is made at the beginning, when a container or pod of the Job has
 * ended, when the time has come that the last step named, and when somebody asks. One runs at a
 * time, as a short child with a socket; what it says is what is waited for from then on. The
 * conductors of the pods are heard through their ctl.sock; one that cannot be reached has ended, or
 * was killed: the next step finds out.
 *
 * Killed by SIGKILL: everything is in the Job's record, and the next monitor begins with a step.
 *
 * Mustn't: decide anything. Should: make no step without a reason, however strange the answers.
 */
#include "engine/conductor/jobwatch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/str.h"
#include "engine/cgroup/cgroup.h"
#include "engine/conductor/jobinternal.h"
#include "engine/process/ctl.h"

#define CLIENTS_MAX  16
#define SLEEP_MAX_MS 3600000 /* the clock on the wall may be set meanwhile */
#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 10000
#define MS_NS	     1000000

struct watched {
	char id[65]; /* infra container of a pod */
	int fd;	     /* -1: it could not be reached */
	bool named;  /* by the step at work */
};
struct client {
	int fd;	    /* -1: none */
	bool waits; /* for the end of the step that it asked for */
};

struct jobwatch {
	struct store store;
	const char *job;
	int lock_fd;
	int listen_fd;
	struct client clients[CLIENTS_MAX];
	pid_t step_pid;
	int step_fd; /* -1: no step at work */
	bool answered;
	bool again; /* something has happened since the step began */
	bool stop_asked;
	bool over; /* nothing is left to wait for */
	enum jobwatch_word word;
	struct watched *pods;
	size_t n_pods;
	int64_t until_ns; /* wall clock, 0: none */
	int64_t retry_at; /* monotonic ms, 0: none */
	int64_t retry_ms;
};

/* ---- clients ---------------------------------------------------------------------------- */

static void tell(struct client *c, enum ctl_type type, int32_t value, const char *text)
{
	if (c->fd >= 0 && ctl_send(c->fd, type, value, text) < 0)
		close_fd(&c->fd);
}

/* After a step, who asked for it. */
static void tell_clients(struct jobwatch *w, enum ctl_type type, const char *text)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &w->clients[i];

		if (c->waits)
			tell(c, type, (int32_t)w->word, text);
		c->waits = false;
	}
}

static void add_client(struct jobwatch *w, int fd, bool waits)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (w->clients[i].fd < 0) {
			w->clients[i] = (struct client){ .fd = fd, .waits = waits };
			return;
		}
	}
	(void)ctl_send(fd, CTL_FAILED, 125, "too many clients");
	(void)close(fd);
}

static void read_client(struct jobwatch *w, struct client *c)
{
	struct ctl_msg msg;
	int r = ctl_receive(c->fd, &msg, NULL);

	if (r == -EAGAIN)
		return;
	if (r <= 0) {
		close_fd(&c->fd);
		return;
	}
	switch ((enum ctl_type)msg.type) {
	case CTL_START:
		/* Of a step that runs already nobody knows what it has seen. */
		c->waits = w->step_fd < 0;
		w->again = true;
		break;
	case CTL_STOP:
		w->stop_asked = true;
		break;
	default:
		tell(c, CTL_FAILED, 125, "unknown request");
		break;
	}
}

/* ---- steps ------------------------------------------------------------------------------ */

static int spawn_step(struct jobwatch *w, struct error *err)
{
	cleanup_free char *podium = NULL;
	char *argv[] = { (char *)(uintptr_t) "podium",
			 (char *)(uintptr_t) "--root",
			 w->store.root,
			 (char *)(uintptr_t) "--runroot",
			 w->store.runroot,
			 (char *)(uintptr_t) "job-step",
			 (char *)(uintptr_t)w->job,
			 NULL };
	struct proc_spawn sp = { .argv = argv, .stdio = { -1, -1, -1 } };
	int fds[2];
	int r = proc_helper_path("podium", &podium, err);

	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return error_errno(err, "socketpair");
	sp.path = podium;
	sp.pass_fd = fds[1];
	r = proc_spawn(&sp, NULL, err);
	(void)close(fds[1]);
	if (r < 0) {
		(void)close(fds[0]);
		return r;
	}
	w->step_pid = r;
	w->step_fd = fds[0];
	return 0;
}

static void retry_later(struct jobwatch *w)
{
	w->retry_ms = w->retry_ms ? w->retry_ms * 2 : RETRY_MIN_MS;
	if (w->retry_ms > RETRY_MAX_MS)
		w->retry_ms = RETRY_MAX_MS;
	w->retry_at = clock_mono_ms() + w->retry_ms;
}

static void begin_step(struct jobwatch *w)
{
	struct error err = { 0 };

	w->again = w->answered = false;
	w->retry_at = 0;
	for (size_t i = 0; i < w->n_pods; i++)
		w->pods[i].named = false;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		w->clients[i].waits = w->clients[i].fd >= 0;
	if (spawn_step(w, &err) == 0)
		return;
	tell_clients(w, CTL_FAILED, err.text);
	retry_later(w);
}

static void watch_pod(struct jobwatch *w, const char *id)
{
	struct error scratch; /* it has ended: it is dropped below, and a step follows */
	struct watched *p;

	for (size_t i = 0; i < w->n_pods; i++) {
		if (strcmp(w->pods[i].id, id) == 0 && w->pods[i].fd >= 0) {
			w->pods[i].named = true;
			return;
		}
	}
	w->pods = xreallocarray(w->pods, w->n_pods + 1, sizeof(*w->pods));
	p = &w->pods[w->n_pods++];
	*p = (struct watched){ .named = true };
	(void)snprintf(p->id, sizeof(p->id), "%.64s", id);
	p->fd = ctl_connect(&w->store, id, &scratch);
	if (p->fd >= 0 && ctl_send(p->fd, CTL_SUBSCRIBE, 0, NULL) < 0)
		close_fd(&p->fd);
	/* What happened between the step's look and now nobody has told. */
	w->again = w->again || p->fd >= 0;
}

/* Lets go of pods that the step did not name. True when each of the others can be heard. */
static bool keep_named(struct jobwatch *w)
{
	bool all = true;
	size_t n = 0;

	for (size_t i = 0; i < w->n_pods; i++) {
		struct watched *p = &w->pods[i];

		all = all && (!p->named || p->fd >= 0);
		if (p->named && p->fd >= 0)
			w->pods[n++] = *p;
		else
			close_fd(&p->fd);
	}
	w->n_pods = n;
	return all;
}

static void take_answer(struct jobwatch *w, const struct ctl_msg *msg)
{
	uint64_t until = 0;

	w->answered = true;
	if (msg->type == CTL_FAILED) {
		tell_clients(w, CTL_FAILED, msg->text);
		retry_later(w);
		return;
	}
	w->word = (enum jobwatch_word)msg->value;
	w->over = msg->type == CTL_DONE;
	w->until_ns = parse_u64(msg->text, INT64_MAX, &until) == 0 ? (int64_t)until : 0;
	if (w->until_ns && w->until_ns <= clock_wall_ns()) {
		w->until_ns = 0; /* the step has had its chance */
		retry_later(w);
	} else if (keep_named(w)) {
		w->retry_ms = 0;
	} else {
		retry_later(w);
	}
	if (!w->n_pods && !w->until_ns && !w->retry_at)
		w->over = true; /* it rests: whoever changes it starts a monitor */
	tell_clients(w, CTL_OK, NULL);
}

static void read_step(struct jobwatch *w)
{
	struct ctl_msg msg;
	int r = ctl_receive(w->step_fd, &msg, NULL);

	if (r == -EAGAIN)
		return;
	if (r > 0 && msg.type == CTL_SUBSCRIBE && is_id(msg.text))
		watch_pod(w, msg.text);
	else if (r > 0 && (msg.type == CTL_OK || msg.type == CTL_DONE || msg.type == CTL_FAILED))
		take_answer(w, &msg);
	if (r > 0)
		return;
	close_fd(&w->step_fd);
	(void)waitpid(w->step_pid, NULL, 0);
	w->step_pid = 0;
	if (!w->answered) {
		tell_clients(w, CTL_FAILED, "a step of the Job ended without a word");
		retry_later(w);
	}
	mem_give_back();
}

/* ---- the loop --------------------------------------------------------------------------- */

/* A container has ended, or the conductor. */
static void read_pod(struct jobwatch *w, struct watched *p)
{
	struct ctl_msg msg;
	int r = ctl_receive(p->fd, &msg, NULL);

	if (r == -EAGAIN)
		return;
	if (r <= 0)
		close_fd(&p->fd);
	if (r <= 0 || msg.type == CTL_EXITED || msg.type == CTL_INIT_RETRY)
		w->again = true;
}

static int timeout_of(const struct jobwatch *w)
{
	int64_t left = SLEEP_MAX_MS;
	int64_t retry;

	if (w->step_fd >= 0)
		return -1;
	if (w->again)
		return 0;
	if (!w->until_ns && !w->retry_at)
		return -1;
	if (w->until_ns) {
		int64_t until = (w->until_ns - clock_wall_ns() + MS_NS - 1) / MS_NS;

		left = until < left ? until : left;
	}
	retry = w->retry_at ? w->retry_at - clock_mono_ms() : left;
	left = retry < left ? retry : left;
	return left < 0 ? 0 : (int)left;
}

static bool is_step_due(const struct jobwatch *w)
{
	return w->again || (w->until_ns && clock_wall_ns() >= w->until_ns) ||
	       (w->retry_at && clock_mono_ms() >= w->retry_at);
}

static void wait_for_events(struct jobwatch *w)
{
	size_t n = 2 + CLIENTS_MAX + w->n_pods;
	cleanup_free struct pollfd *p = xcalloc(n, sizeof(*p));

	p[0] = (struct pollfd){ .fd = w->listen_fd, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = w->step_fd, .events = POLLIN };
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		p[2 + i] = (struct pollfd){ .fd = w->clients[i].fd, .events = POLLIN };
	for (size_t i = 0; i < w->n_pods; i++)
		p[2 + CLIENTS_MAX + i] = (struct pollfd){ .fd = w->pods[i].fd, .events = POLLIN };
	if (poll(p, n, timeout_of(w)) <= 0)
		return;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (p[2 + i].revents && p[2 + i].fd >= 0)
			read_client(w, &w->clients[i]);
	for (size_t i = 2 + CLIENTS_MAX; i < n; i++)
		if (p[i].revents && p[i].fd >= 0)
			read_pod(w, &w->pods[i - 2 - CLIENTS_MAX]);
	if (p[0].revents) {
		int fd = ctl_accept(w->listen_fd);

		if (fd >= 0)
			add_client(w, fd, false);
	}
	if (p[1].revents && p[1].fd == w->step_fd)
		read_step(w);
}

static void loop(struct jobwatch *w)
{
	begin_step(w);
	/* A step is always heard to its end; an order that came meanwhile is still carried out. */
	while (w->step_fd >= 0 || !(w->over || w->stop_asked) || (w->again && !w->stop_asked)) {
		wait_for_events(w);
		if (w->step_fd < 0 && !w->stop_asked && is_step_due(w))
			begin_step(w);
	}
}

/* ---- beginning and end ------------------------------------------------------------------ */

static int begin(struct jobwatch *w, struct error *err)
{
	cleanup_cgroup struct cgroup_ctx cg = CGROUP_CTX_INIT;
	char path[JOBWATCH_PATH_MAX];
	struct error scratch; /* limits for monitors are good to have, not needed */
	cleanup_close int dir = -EBADF;
	int r;

	jobwatch_path(path, JOBWATCH_ROOT, w->job, JOBWATCH_LOCK);
	r = lock_take(w->store.rootfd, path, LOCK_EXCLUSIVE, LOCK_PROBE_MS, err);
	if (r < 0)
		return error_wrap(err, "job '%s'", w->job);
	w->lock_fd = r;
	jobwatch_path(path, JOBWATCH_RUN, w->job, "");
	r = dir = fs_mkdirs(w->store.runfd, path, 0700, err);
	if (r >= 0)
		r = w->listen_fd = ctl_listen_at(dir, CTL_SOCKET, err);
	if (r >= 0 && cgroup_open(&cg, &scratch) == 0)
		error_ignore(cgroup_join_monitors(&cg, &scratch));
	return r < 0 ? r : 0;
}

static void end(struct jobwatch *w)
{
	/* Whoever comes now finds no socket, and then no lock. */
	jobwatch_remove_run(&w->store, w->job);
	close_fd(&w->listen_fd);
	close_fd(&w->lock_fd);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		close_fd(&w->clients[i].fd);
	for (size_t i = 0; i < w->n_pods; i++)
		close_fd(&w->pods[i].fd);
	free(w->pods);
}

int jobwatch_run(const struct store *store, const char *job, int report_fd, struct error *err)
{
	struct jobwatch w = {
		.store = *store, .job = job, .lock_fd = -1, .listen_fd = -1, .step_fd = -1
	};
	int r;

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		w.clients[i].fd = -1;
	r = begin(&w, err);
	if (r < 0 && report_fd >= 0) {
		(void)close(report_fd); /* another one was faster: ask that one */
		report_fd = -1;
	}
	if (report_fd >= 0)
		add_client(&w, report_fd, true);
	if (r == 0)
		loop(&w);
	if (w.lock_fd >= 0)
		end(&w);
	return r;
}
