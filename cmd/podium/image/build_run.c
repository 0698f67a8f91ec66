/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build_run - the working containers of a build.
 *
 * Theory of operation, for each RUN:
 *
 *	plan	the step becomes a pod of one container (build_plan.c)
 *	create	records and names, as for any pod, but never "complete": its lock is held here, so
 *		that it counts as being made; when we are killed it is debris at once
 *	start	the conductor brings it up; a child of ours follows the log, which loses nothing and
 *		never makes the container wait, onto our stdout and stderr
 *	end	the conductor says that all is down again (the pod ends with its only member); the
 *		follower reads to the end of the log; the engine's mount points are taken out of the
 *		writable layer, and podium-image gets the exit code and makes a layer of it
 *	remove	when podium-image has done so, or the build ends
 *
 * podium-image claims the layers of the step for as long as the build lasts; here no image is looked
 * up and no lock on the images is held while a command runs.
 *
 * Signals that end a program are blocked for the life of the service and seen at every wait, so that
 * Ctrl-C removes the container before the command exits. A build that was killed outright leaves a
 * pod that nobody holds: the next build removes it.
 */
#include "cmd/podium/image/build_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/pod/pods.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/trace.h"
#include "engine/build/step.h"
#include "engine/build/mountpoint.h"
#include "engine/logs/logread.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"
#include "engine/process/ctl.h"
#include "engine/state/status.h"

#define EXIT_OURS    125
#define LOCK_STEP_MS 50
#define SCRIPT_PATH  "volumes/" BUILD_SCRIPT_VOLUME "/script"

struct working {
	char pod_id[65];
	char container_id[65];
	struct pod_creation creation;
	int report_fd;
	int failed_code; /* it was not started: 125, 126, 127 */
	struct error failure;
};

struct build_run {
	const struct store *store;
	struct build_run_options options;
	struct working *v;
	size_t n;
	struct strlist warned; /* said once a build */
	sigset_t old_mask;
	int signal_fd;
};

/* ---- what it prints ---------------------------------------------------------------------- */

struct output {
	int fd;
	bool escape; /* a terminal: nothing of the step may steer it, but carriage returns */
};

static int print(const struct output *o, const char *data, size_t len)
{
	int r = 0;

	while (o->escape && len && r == 0) {
		const char *cr = memchr(data, '\r', len);
		size_t n = cr ? (size_t)(cr - data) : len;
		cleanup_free char *safe = str_printable(data, n);

		r = fs_write_all(o->fd, safe, strlen(safe));
		if (r == 0 && cr)
			r = fs_write_all(o->fd, "\r", 1);
		data += n + (cr != NULL);
		len -= n + (cr != NULL);
	}
	return r == 0 && len ? fs_write_all(o->fd, data, len) : r;
}

static int on_stdout(void *arg, const char *data, size_t len)
{
	return print(&((const struct output *)arg)[0], data, len);
}

static int on_stderr(void *arg, const char *data, size_t len)
{
	return print(&((const struct output *)arg)[1], data, len);
}

/* In a child of its own, that ends with its parent; stop_fd hangs up when the log is complete. */
static void __attribute__((noreturn)) follow_log(int dirfd, int stop_fd, bool is_silent)
{
	struct output both[] = { { STDOUT_FILENO, isatty(STDOUT_FILENO) },
				 { STDERR_FILENO, isatty(STDERR_FILENO) } };
	struct logread_options o = LOGREAD_OPTIONS_INIT;
	struct error err = { .code = 0 };
	int r;

	o.follow = true;
	o.stop_fd = stop_fd;
	o.on_stdout = is_silent ? NULL : on_stdout;
	o.on_stderr = is_silent ? NULL : on_stderr;
	o.arg = both;
	r = logread(dirfd, &o, &err);
	if (r < 0 && r != -EPIPE)
		command_print_error(&err);
	_exit(r < 0 ? EXIT_OURS : 0);
}

struct follower {
	pid_t pid;
	int stop_fd; /* closing it tells the child that the log is complete */
};

static int follower_start(const struct build_run *b, const struct working *w, struct follower *ret,
			  struct error *err)
{
	cleanup_close int dir = layout_open_container(b->store, w->container_id, err);
	pid_t parent = getpid();
	int ends[2];

	if (dir < 0)
		return dir;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "make a pipe");
	(void)fflush(stdout);
	ret->pid = fork();
	if (ret->pid == 0) {
		(void)close(ends[1]);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(EXIT_OURS);
		/* Whether a container is held is asked as soon as the parent is gone. */
		for (size_t i = 0; i < b->n; i++)
			(void)close(b->v[i].creation.lock_fd);
		follow_log(dir, ends[0], b->options.is_silent);
	}
	(void)close(ends[0]);
	ret->stop_fd = ends[1];
	if (ret->pid < 0) {
		(void)close(ends[1]);
		return error_errno(err, "start a reader of the log");
	}
	return 0;
}

static void follower_end(struct follower *f)
{
	(void)close(f->stop_fd);
	while (waitpid(f->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* ---- one container ------------------------------------------------------------------------ */

static void stop_and_remove(const struct store *s, const char *pod_id, struct pod_creation *c)
{
	cleanup_strlist struct strlist one = { 0 };
	struct error scratch; /* what cannot be removed is debris for the next build */

	if (c)
		pod_creation_done(c);
	strlist_add(&one, pod_id);
	error_ignore(pods_stop(s, &one, 0, &scratch));
	error_ignore(pod_remove(s, pod_id, &scratch));
}

static void working_end(struct build_run *b, size_t i)
{
	struct working *w = &b->v[i];

	if (w->report_fd >= 0)
		(void)close(w->report_fd);
	stop_and_remove(b->store, w->pod_id, &w->creation);
	b->v[i] = b->v[--b->n];
}

static int write_script(const struct build_run *b, const struct working *w, const char *script,
			struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_close int fd = openat(b->store->rootfd, layout_pod(path, w->pod_id, SCRIPT_PATH),
				      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0700);
	int r = fd < 0 ? -errno : fs_write_all(fd, script, strlen(script));

	if (r == 0 && fchmod(fd, 0755) < 0)
		r = -errno;
	return r < 0 ? error_set(err, -r, "write the script: %s", strerror(-r)) : 0;
}

static int create(struct build_run *b, const struct build_run_spec *run, struct error *err)
{
	struct working *w;
	struct pod_plan plan;
	int r = build_plan(b->store, run, &b->options, &plan, err);

	if (r < 0)
		return r;
	b->v = xreallocarray(b->v, b->n + 1, sizeof(*b->v));
	w = &b->v[b->n];
	*w = (struct working){ .report_fd = -1, .creation = { .lock_fd = -1 } };
	r = pod_create(b->store, &plan, &w->creation, err);
	if (r == 0) {
		b->n++;
		memcpy(w->pod_id, plan.pod.id, sizeof(w->pod_id));
		memcpy(w->container_id, plan.containers[0].id, sizeof(w->container_id));
	}
	pod_plan_done(&plan);
	return r == 0 && run->script ? write_script(b, w, run->script, err) : r;
}

/* Without "container 'run': ", which tells nothing. */
static const char *plain(const char *text)
{
	const char *what = is_prefix(text, "container '") ? strstr(text, "': ") : NULL;

	return what ? what + 3 : text;
}

static void warn_once(struct build_run *b, const char *text)
{
	if (strlist_has(&b->warned, text))
		return;
	strlist_add(&b->warned, text);
	command_print_warning(text);
}

/* 1: all is down again. */
static int take_report(struct build_run *b, struct working *w, struct error *err)
{
	struct ctl_msg msg;
	int n = ctl_receive(w->report_fd, &msg, NULL);

	if (n == -EAGAIN)
		return 0;
	if (n <= 0)
		return error_set(err, EPIPE, "the container's conductor ended without a word");
	msg.text[sizeof(msg.text) - 1] = '\0';
	if (msg.type == CTL_WARNING)
		warn_once(b, plain(msg.text));
	if (msg.type == CTL_FAILED && !w->failed_code) {
		w->failed_code = msg.value > 0 ? msg.value : EXIT_OURS;
		(void)error_set(&w->failure, EIO, "%s", plain(msg.text));
	}
	return msg.type == CTL_DONE;
}

static int wait_end(struct build_run *b, struct working *w, struct error *err)
{
	for (;;) {
		struct pollfd p[] = { { .fd = w->report_fd, .events = POLLIN },
				      { .fd = b->signal_fd, .events = POLLIN } };
		int r = 0;

		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			return error_errno(err, "wait for the container");
		if (p[1].revents)
			return error_set(err, EINTR, "interrupted");
		if (p[0].revents)
			r = take_report(b, w, err);
		if (r != 0)
			return r < 0 ? r : 0;
	}
}

static int run_to_end(struct build_run *b, struct working *w, struct error *err)
{
	struct follower f = { .pid = -1, .stop_fd = -EBADF };
	int r = pod_start(b->store, w->pod_id, NULL, &w->report_fd, err);

	if (r >= 0)
		r = follower_start(b, w, &f, err);
	if (r < 0)
		return r;
	r = wait_end(b, w, err);
	follower_end(&f);
	trace("step ended");
	return r;
}

/* The code the process ended with. -EIO: it was never seen. */
static int read_code(const struct build_run *b, const struct working *w, struct error *err)
{
	struct container_status st = { 0 };
	int r = status_read(b->store, w->container_id, &st, err);

	if (r < 0)
		return r;
	if (st.exit_unknown || !st.finished_ns)
		r = error_set(err, EIO, "the end of the container was not seen");
	else
		r = (int)(st.exit_code & 0xff);
	if (r >= 0 && st.oom_killed)
		command_print_warning("the container was killed: out of memory");
	status_done(&st);
	return r;
}

/* ---- caches that one step has for itself --------------------------------------------------- */

struct cache_locks {
	int *v;
	size_t n;
};

static void cache_locks_done(struct cache_locks *l)
{
	for (size_t i = 0; i < l->n; i++)
		(void)close(l->v[i]);
	free(l->v);
	*l = (struct cache_locks){ .v = NULL };
}

/* All of them, or none (-EWOULDBLOCK). */
static int try_locks(const struct build_run *b, const struct build_run_spec *run,
		     struct cache_locks *l, struct error *err)
{
	for (size_t i = 0; i < run->mounts.n; i++) {
		const struct build_mount *m = &run->mounts.v[i];
		int fd;

		if (m->kind != BUILD_MOUNT_CACHE || !m->sharing || is_equal(m->sharing, "shared"))
			continue;
		fd = build_lock_cache(b->store, m, err);
		if (fd < 0) {
			cache_locks_done(l);
			return fd;
		}
		l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
		l->v[l->n++] = fd;
	}
	return 0;
}

/* Waits for them without holding any, so that no two steps wait for each other. */
static int lock_caches(const struct build_run *b, const struct build_run_spec *run,
		       struct cache_locks *l, struct error *err)
{
	struct error scratch = { .code = 0 };
	int r;

	while ((r = try_locks(b, run, l, &scratch)) == -EWOULDBLOCK) {
		struct pollfd p = { .fd = b->signal_fd, .events = POLLIN };

		if (poll(&p, 1, LOCK_STEP_MS) > 0)
			return error_set(err, EINTR, "interrupted");
	}
	if (r < 0)
		*err = scratch;
	return r;
}

/* Runs the step: the exit code, or -errno with nothing of it left. */
static int run_step(struct build_run *b, const struct build_run_spec *run, struct error *err)
{
	cleanup_strlist struct strlist targets = { 0 };
	struct cache_locks locks = { .v = NULL };
	struct working *w;
	int code, r;

	r = lock_caches(b, run, &locks, err);
	if (r == 0)
		r = create(b, run, err);
	if (r < 0) {
		cache_locks_done(&locks);
		return r;
	}
	w = &b->v[b->n - 1];
	r = run_to_end(b, w, err);
	cache_locks_done(&locks);
	if (r == 0 && w->failed_code == EXIT_OURS)
		r = error_set(err, EIO, "%s", w->failure.text);
	if (r < 0)
		return r;
	if (w->failed_code)
		command_print_error(&w->failure);
	code = w->failed_code ? w->failed_code : read_code(b, w, err);
	for (size_t i = 0; i < run->mounts.n; i++)
		strlist_add(&targets, run->mounts.v[i].target);
	if (code >= 0)
		r = build_drop_mount_points(b->store, w->container_id, &run->layers, &targets, err);
	return r < 0 ? r : code;
}

/* ---- events ------------------------------------------------------------------------------- */

static int handle_run(struct build_run *b, struct imagejob *job, const json_t *j, struct error *err)
{
	cleanup_json json_t *reply = NULL;
	struct build_run_spec run = { 0 };
	struct error why = { .code = 0 };
	size_t before = b->n;
	int code = build_run_from_json(json_object_get(j, "run"), &run, err);

	if (code < 0)
		return code;
	code = run_step(b, &run, &why);
	build_run_spec_done(&run);
	if (code < 0) {
		while (b->n > before)
			working_end(b, b->n - 1);
		if (code == -EINTR) {
			*err = why;
			return code;
		}
		reply = json_pack("{s:s, s:i}", "error", why.text, "code", why.code);
	} else {
		reply = json_pack("{s:i, s:s}", "exit", code, "container",
				  b->v[b->n - 1].container_id);
	}
	return imagejob_reply(job, reply, err);
}

/* podium-image goes on at once, while we remove. */
static int handle_done(struct build_run *b, struct imagejob *job, const json_t *j,
		       struct error *err)
{
	cleanup_json json_t *reply = json_object();
	const char *id = jget_str(j, "container");
	int r = imagejob_reply(job, reply, err);

	for (size_t i = 0; id && i < b->n; i++) {
		if (!is_equal(b->v[i].container_id, id))
			continue;
		working_end(b, i);
		break;
	}
	return r;
}

int build_run_event(struct build_run *b, struct imagejob *job, const char *event, const json_t *j,
		    struct error *err)
{
	int r;

	if (is_equal(event, "run"))
		r = handle_run(b, job, j, err);
	else if (is_equal(event, "run-done"))
		r = handle_done(b, job, j, err);
	else
		return 0;
	return r < 0 ? r : 1;
}

/* ---- begin and end ------------------------------------------------------------------------ */

/* A build's pod that nobody holds: its podium was killed. */
static bool is_abandoned(const struct store *s, const char *id)
{
	struct pod_spec pod = { 0 };
	struct error scratch; /* what cannot be read is not known to be a build's */
	char path[LAYOUT_PATH_MAX];
	bool found = lookup_pod_phase(s, id) != POD_COMPLETE &&
		     !is_lock_held(s->rootfd, layout_pod(path, id, POD_LOCK)) &&
		     lookup_read_pod(s, id, &pod, &scratch) == 0 &&
		     is_equal(pod.owner, POD_OWNER_BUILD);

	record_done(&pod_spec_type, &pod);
	return found;
}

static void sweep(const struct store *s)
{
	cleanup_strlist struct strlist ids = { 0 };
	struct error scratch; /* the build itself does not depend on it */

	if (lookup_list_pods(s, &ids, &scratch) < 0)
		return;
	for (size_t i = 0; i < ids.n; i++)
		if (is_abandoned(s, ids.v[i]))
			stop_and_remove(s, ids.v[i], NULL);
}

int build_run_new(const struct store *s, const struct build_run_options *o, struct build_run **ret,
		  struct error *err)
{
	struct build_run *b = xcalloc(1, sizeof(*b));
	sigset_t set;

	b->store = s;
	b->options = *o;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, &b->old_mask);
	b->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (b->signal_fd < 0) {
		int r = error_errno(err, "signalfd");

		(void)sigprocmask(SIG_SETMASK, &b->old_mask, NULL);
		free(b);
		return r;
	}
	sweep(s);
	*ret = b;
	return 0;
}

int build_run_stop_fd(const struct build_run *b)
{
	return b->signal_fd;
}

int build_run_free(struct build_run *b)
{
	struct signalfd_siginfo si;
	int signo = 0;

	if (!b)
		return 0;
	while (b->n)
		working_end(b, b->n - 1);
	if (read(b->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		signo = (int)si.ssi_signo;
	(void)close(b->signal_fd);
	(void)sigprocmask(SIG_SETMASK, &b->old_mask, NULL);
	strlist_done(&b->warned);
	free(b->v);
	free(b);
	return signo;
}
