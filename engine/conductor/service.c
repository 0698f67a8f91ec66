/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service - a service container and its pods: the two ends of one socket.
 *
 * Theory of operation: the conductor of a pod that has a service container (engine/pod/service.h)
 * connects to the service's, and stays connected until it ends; no service that runs: it starts it.
 * When the last such socket has ended, and no pod of the service lives by the records either, the
 * service ends: well, or killed (137) when its policy says that its pods have failed. A service
 * that is stopped, by whatever way, tells its pods first, waits until they are down, and ends then;
 * after its own grace period they are killed.
 *
 * A conductor may be killed at any moment. The socket then ends, and who is at the other end sees by
 * the records whether there is something to conduct, and has it adopted, by a grandchild, since that
 * may take its time. A pod whose service is gone and was not stopped ends by itself.
 *
 * systemd knows the service's conductor as the main process of a unit: SIGTERM stops it, and it exits
 * with the container's code.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/conductor/internal.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"
#include "engine/pod/service.h"

#define JOIN_MS	      15000
#define JOIN_STEP_US  5000
#define JOIN_WAKE_MS  1000 /* a service that was woken begins to listen within it */
#define ANSWER_MS     10000
#define REJOIN_MS     50
#define LOOK_MS	      500
#define FIRST_LOOK_MS 3000 /* by then those that it is for have come */
#define KILLED_MS     10000

/* ---- having a pod conducted ------------------------------------------------------------------ */

static int wake_pod(const struct store *s, const char *pod_id, struct error *err)
{
	cleanup_close int report = -EBADF;

	if (is_pod_orphaned(s, pod_id))
		return pod_adopt(s, pod_id, &report, err);
	return pod_start(s, pod_id, NULL, &report, err);
}

/* Starts the pod, or has it adopted when it runs. */
static void wake(const struct conductor *c, const char *pod_id)
{
	(void)conductor_detach(c, wake_pod, pod_id);
}

/* ---- of a pod: the way to its service -------------------------------------------------------- */

/* 1: asked, the answer follows; 0: nobody listens. */
static int ask_service(struct conductor *c, bool runs)
{
	struct error scratch;
	int fd = ctl_connect_name(&c->store, c->run.pod.service, CTL_SOLO_SOCKET, &scratch);

	if (fd < 0)
		return 0;
	if (ctl_send(fd, CTL_SERVE, runs ? CTL_RUNS : 0, c->pod_id) < 0)
		close_fd(&fd);
	c->link.fd = fd;
	return fd >= 0;
}

/* 1: joined; 0: it is ending, or not there yet. */
static int try_join(struct conductor *c, bool runs)
{
	struct ctl_msg msg;

	if (!ask_service(c, runs))
		return 0;
	if (ctl_wait(c->link.fd, ANSWER_MS, &msg) > 0 && msg.type == CTL_OK) {
		(void)fcntl(c->link.fd, F_SETFL, O_NONBLOCK);
		return 1;
	}
	close_fd(&c->link.fd);
	return 0;
}

void service_join(struct conductor *c)
{
	bool runs = c->adopt_only || c->status.state == STATE_RUNNING ||
		    c->status.state == STATE_PAUSED || c->status.state == STATE_STOPPING;
	int64_t deadline = clock_mono_ms() + JOIN_MS, wake_ms = 0;
	struct error scratch; /* it was removed: the pod is one without */

	c->link.fd = -1;
	if (!c->run.pod.service || !is_id(c->run.pod.service) ||
	    service_own_pod(&c->store, c->run.pod.service, c->link.pod_id, &scratch) < 0)
		return;
	c->link.is_known = true;
	while (!try_join(c, runs)) {
		int64_t now = clock_mono_ms();

		if (now >= deadline) {
			conductor_tell(c, CTL_WARNING, 0, "its service container does not answer");
			c->link.is_known = false;
			return;
		}
		if (now >= wake_ms && !is_pod_conducted(&c->store, c->link.pod_id)) {
			wake(c, c->link.pod_id);
			wake_ms = now + JOIN_WAKE_MS;
		}
		(void)usleep(JOIN_STEP_US);
	}
}

/* The service's conductor is gone: it was killed, or the service is over. */
static void rejoin(struct conductor *c)
{
	c->link.retry_ms = clock_mono_ms() + REJOIN_MS;
	if (is_pod_conducted(&c->store, c->link.pod_id)) {
		if (ask_service(c, true)) {
			(void)fcntl(c->link.fd, F_SETFL, O_NONBLOCK);
			c->link.retry_ms = 0;
		}
	} else if (is_pod_orphaned(&c->store, c->link.pod_id)) {
		wake(c, c->link.pod_id);
		c->link.retry_ms = clock_mono_ms() + JOIN_WAKE_MS;
	} else {
		c->link.is_known = false;
		c->link.retry_ms = 0;
		c->rebuild = false;
		stop_begin(c, CTL_OWN_GRACE);
	}
}

static void link_read(struct conductor *c)
{
	struct ctl_msg msg;
	int r = ctl_receive(c->link.fd, &msg, NULL);

	if (r == -EAGAIN || (r > 0 && msg.type == CTL_OK))
		return;
	if (r > 0 && msg.type == CTL_STOP) {
		c->rebuild = false;
		stop_begin(c, msg.value >= CTL_OWN_GRACE ? msg.value : 0);
		return;
	}
	close_fd(&c->link.fd);
	/* One that refuses is asked again, but not without end in one go. */
	c->link.retry_ms = clock_mono_ms() + REJOIN_MS;
}

void service_leave(struct conductor *c)
{
	bool is_cut = c->link.is_known && c->link.fd < 0;

	close_fd(&c->link.fd);
	/* Nobody else would see that this was the last. */
	if (is_cut && is_pod_orphaned(&c->store, c->link.pod_id))
		wake(c, c->link.pod_id);
}

/* ---- of the service -------------------------------------------------------------------------- */

void service_open(struct conductor *c)
{
	sigset_t set;

	c->service.signal_fd = -1;
	c->service.is_one = c->run.pod.solo && c->run.specs && c->run.specs[0].service;
	if (!c->service.is_one)
		return;
	/* Pods whose service was killed may have ended before it was there again. */
	c->service.is_due = true;
	c->service.look_ms = clock_mono_ms() + FIRST_LOOK_MS;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
		c->service.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void service_close(struct conductor *c)
{
	for (size_t i = 0; i < c->service.n; i++)
		close_fd(&c->service.v[i]);
	free(c->service.v);
	close_fd(&c->service.signal_fd);
}

bool is_service_ending(const struct conductor *c)
{
	return c->service.is_one && (c->service.stopping || c->phase >= CONDUCTOR_STOPPING);
}

bool service_serve(struct conductor *c, int fd, const struct ctl_msg *msg)
{
	struct service_watch *w = &c->service;

	if (!w->is_one) {
		(void)ctl_send(fd, CTL_FAILED, 125, "this is no service container");
		return false;
	}
	/* What runs already is stopped, too; what does not, waits for the next service. */
	if (is_service_ending(c) && msg->value != CTL_RUNS) {
		(void)ctl_send(fd, CTL_FAILED, CTL_STOPPING, "the service container is ending");
		return false;
	}
	w->v = xreallocarray(w->v, w->n + 1, sizeof(*w->v));
	w->v[w->n++] = fd;
	(void)ctl_send(fd, CTL_OK, 0, NULL);
	if (w->stopping)
		(void)ctl_send(fd, CTL_STOP, w->is_killed ? 0 : CTL_OWN_GRACE, NULL);
	return true;
}

static void tell_pods(struct conductor *c, int32_t grace_ms)
{
	for (size_t i = 0; i < c->service.n; i++)
		(void)ctl_send(c->service.v[i], CTL_STOP, grace_ms, NULL);
}

static void kill_pods(struct conductor *c)
{
	c->service.is_killed = true;
	c->service.kill_ms = clock_mono_ms() + KILLED_MS;
	tell_pods(c, 0);
}

/* Pods that live, by the records; those whose conductor was killed get another. */
static size_t count_living(const struct conductor *c)
{
	cleanup_strlist struct strlist pods = { 0 };
	struct error scratch; /* the records cannot be listed: then nothing is known to live */
	size_t n = 0;

	if (service_pods(&c->store, c->run.specs[0].id, &pods, &scratch) < 0)
		return 0;
	for (size_t i = 0; i < pods.n; i++) {
		bool conducted = is_pod_conducted(&c->store, pods.v[i]);

		if (!conducted && !is_pod_orphaned(&c->store, pods.v[i]))
			continue;
		if (!conducted)
			wake(c, pods.v[i]);
		n++;
	}
	return n;
}

bool service_holds_stop(struct conductor *c, int64_t grace_ms)
{
	struct service_watch *w = &c->service;

	if (!w->is_one || w->is_over)
		return false;
	if (w->stopping) {
		if (grace_ms == 0 && !w->is_killed)
			kill_pods(c);
		return true;
	}
	if (!w->n && !count_living(c))
		return false;
	w->stopping = w->is_due = true;
	w->look_ms = 0;
	if (grace_ms == 0) {
		kill_pods(c);
	} else {
		w->kill_ms = clock_mono_ms() + (grace_ms > 0 ? grace_ms : stop_longest_ms(c));
		tell_pods(c, CTL_OWN_GRACE);
	}
	return true;
}

/* Every pod is down: so is the service. Of a failure it dies. */
static void end_service(struct conductor *c)
{
	bool has_failed = !c->service.stopping && has_service_failed(&c->store, c->run.specs[0].id,
								     c->run.pod.service_exit);

	c->service.is_over = true;
	c->rebuild = false;
	stop_begin(c, has_failed ? 0 : CTL_OWN_GRACE);
}

/* After the end of a socket: a pod that is not down has lost its conductor. */
static void look(struct conductor *c, int64_t now)
{
	struct service_watch *w = &c->service;
	size_t living = count_living(c);

	w->is_due = w->n == 0;
	w->look_ms = now + LOOK_MS;
	if (w->n == 0 && living == 0)
		end_service(c);
}

static void check_pods(struct conductor *c, int64_t now)
{
	struct service_watch *w = &c->service;
	bool is_late = w->stopping && now >= w->kill_ms;

	if (is_late && !w->is_killed)
		kill_pods(c);
	else if (is_late) /* what does not even die keeps nobody waiting */
		end_service(c);
	else if (w->is_due && now >= w->look_ms)
		look(c, now);
}

void service_check(struct conductor *c)
{
	int64_t now = clock_mono_ms();

	if (c->link.is_known && c->link.fd < 0 && c->phase < CONDUCTOR_STOPPING &&
	    now >= c->link.retry_ms)
		rejoin(c);
	if (c->service.is_one && !c->service.is_over && c->phase < CONDUCTOR_STOPPING)
		check_pods(c, now);
}

static int64_t soonest(int64_t a, int64_t b)
{
	if (!a || !b)
		return a ? a : b;
	return a < b ? a : b;
}

int64_t service_next_ms(const struct conductor *c)
{
	const struct service_watch *w = &c->service;
	int64_t next = 0;

	if (c->phase >= CONDUCTOR_STOPPING)
		return 0;
	if (c->link.is_known && c->link.fd < 0)
		next = c->link.retry_ms;
	if (w->is_one && !w->is_over) {
		next = soonest(next, w->stopping ? w->kill_ms : 0);
		next = soonest(next, w->is_due ? w->look_ms : 0);
	}
	return next;
}

/* ---- polling --------------------------------------------------------------------------------- */

size_t service_polls_max(const struct conductor *c)
{
	return 2 + c->service.n;
}

size_t service_polls(const struct conductor *c, struct pollfd *p)
{
	size_t n = 0;

	p[n++] = (struct pollfd){ .fd = c->link.fd, .events = POLLIN };
	p[n++] = (struct pollfd){ .fd = c->service.signal_fd, .events = POLLIN };
	for (size_t i = 0; i < c->service.n; i++)
		p[n++] = (struct pollfd){ .fd = c->service.v[i], .events = POLLIN };
	return n;
}

static void read_signal(struct conductor *c)
{
	struct signalfd_siginfo si;

	if (read(c->service.signal_fd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	c->rebuild = false;
	stop_begin(c, CTL_OWN_GRACE);
}

/* Pods say nothing on their sockets: something to read is the end. */
static void read_pods(struct conductor *c, const struct pollfd *p, size_t n)
{
	struct service_watch *w = &c->service;
	size_t kept = 0;

	for (size_t i = 0; i < w->n; i++) {
		bool is_polled = i < n && p[i].fd == w->v[i] && p[i].revents;
		struct ctl_msg msg;
		int r = is_polled ? ctl_receive(w->v[i], &msg, NULL) : -EAGAIN;

		if (r > 0 || r == -EAGAIN)
			w->v[kept++] = w->v[i];
		else
			(void)close(w->v[i]);
	}
	if (kept < w->n) {
		w->is_due =
			true; /* many may end together: one look for all, but at once for the last */
		w->look_ms = clock_mono_ms() + (kept ? LOOK_MS : 0);
	}
	w->n = kept;
}

void service_dispatch(struct conductor *c, const struct pollfd *p, size_t n)
{
	if (p[0].revents && p[0].fd == c->link.fd)
		link_read(c);
	if (p[1].revents && p[1].fd == c->service.signal_fd)
		read_signal(c);
	read_pods(c, p + 2, n - 2);
}
