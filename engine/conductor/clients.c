/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clients - who talks to the conductor, and who hears from it.
 *
 * Theory of operation: the command that started the conductor holds the other end of report_fd;
 * everybody else comes by the infra container's ctl.sock. What happens is told to the starter and to
 * every client that subscribed; whoever closes, sends rubbish or does not read is dropped, which
 * changes nothing for the pod. A client that asked for a stop, or only connected, hears CTL_DONE.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/conductor/internal.h"

static void drop(int *fd)
{
	(void)close(*fd);
	*fd = -1;
}

void conductor_tell(struct conductor *c, enum ctl_type type, int32_t value, const char *text)
{
	if (c->report_fd >= 0 && ctl_send(c->report_fd, type, value, text) < 0)
		drop(&c->report_fd);
	for (size_t i = 0; i < CONDUCTOR_CLIENTS_MAX; i++) {
		struct conductor_client *client = &c->clients[i];

		if (client->fd >= 0 && client->subscribed &&
		    ctl_send(client->fd, type, value, text) < 0)
			drop(&client->fd);
	}
}

/* Whether readiness comes and goes by more than the start and the end of containers. */
static bool has_probes(const struct conductor *c)
{
	for (size_t i = 0; i < c->n_members; i++)
		if (c->run.specs[i].probes[PROBE_READINESS].action.kind != ACTION_NONE ||
		    c->run.specs[i].probes[PROBE_STARTUP].action.kind != ACTION_NONE)
			return true;
	return false;
}

/* Keeps the time, unless it is what an earlier conductor has written already. Without probes it
 * follows from the times of the containers, and nothing is written. */
static void record_ready(struct conductor *c)
{
	if (c->status.ready == c->is_ready || !has_probes(c))
		return;
	c->status.ready = c->is_ready;
	c->status.ready_ns = clock_wall_ns();
	if (c->phase == CONDUCTOR_STARTING || c->phase == CONDUCTOR_UP)
		conductor_write_status(c, STATE_RUNNING);
}

void conductor_tell_ready(struct conductor *c)
{
	bool is_ready = (c->phase == CONDUCTOR_STARTING || c->phase == CONDUCTOR_UP) &&
			is_order_ready(c->views, c->n_members);

	if (is_ready == c->is_ready)
		return;
	c->is_ready = is_ready;
	record_ready(c);
	conductor_tell(c, CTL_POD_READY, is_ready, NULL);
}

void conductor_take_stdio(struct conductor *c, const int *fds)
{
	for (int i = 0; i < CTL_FDS_MAX; i++) {
		close_fd(&c->stdio[i]);
		c->stdio[i] = fds && fds[i] >= 0 ? fds[i] : -1;
	}
}

bool client_accept(struct conductor *c)
{
	int fd = ctl_accept(c->listen_fd);

	if (fd < 0)
		return false;
	for (size_t i = 0; i < CONDUCTOR_CLIENTS_MAX; i++) {
		if (c->clients[i].fd < 0) {
			c->clients[i] = (struct conductor_client){ .fd = fd };
			return true;
		}
	}
	(void)ctl_send(fd, CTL_FAILED, 125, "too many clients");
	(void)close(fd);
	return true;
}

static bool has_member(const struct conductor *c, const char *id)
{
	for (size_t i = 0; i < c->n_members; i++)
		if (strcmp(c->members[i].id, id) == 0)
			return true;
	return false;
}

/* One that was to be initialized, or is, is to run; or it is to be initialized again, for its monitor
 * was killed. False: it is as it is to be. */
static bool release_member(struct conductor *c, size_t i, bool hold)
{
	struct member_view *v = &c->views[i];

	if (hold && v->phase != MEMBER_LOST)
		return false;
	if (v->phase == MEMBER_LOST)
		c->members[i].again = true;
	if (v->phase == MEMBER_INITIALIZED)
		v->phase = MEMBER_READY;
	v->to_initialize = hold;
	v->was_started = false;
	c->members[i].by_hand = true;
	c->phase = CONDUCTOR_STARTING;
	return true;
}

/* Starts one member again by hand, or (id "") every member that does not run. hold: initializes it. One
 * that nobody here knows was added just now. Whether there was one to start. */
static bool start_members(struct conductor *c, int fd, const char *id, bool hold)
{
	struct error err = { 0 };
	bool begins = false;

	members_hear(c);
	if ((!*id || !has_member(c, id)) && members_reload(c, &err) < 0) {
		(void)ctl_send(fd, CTL_FAILED, 125, err.text);
		return false;
	}
	if (*id && !has_member(c, id)) {
		(void)ctl_send(fd, CTL_FAILED, 125, "no such container in this pod");
		return false;
	}
	for (size_t i = 0; i < c->n_members; i++) {
		struct member_view *v = &c->views[i];
		bool is_it = strcmp(c->members[i].id, id) == 0;
		bool is_idle = v->phase == MEMBER_IDLE && v->held;

		if (!is_it && *id)
			continue;
		if (v->phase != MEMBER_DONE && !is_idle) {
			if (v->to_initialize && release_member(c, i, hold))
				begins = true;
			continue;
		}
		if (v->init && !v->sidecar && !is_it)
			continue;
		v->phase = MEMBER_IDLE;
		v->to_initialize = hold;
		v->was_started = v->held = false;
		c->members[i].by_hand = begins = true;
		c->phase = CONDUCTOR_STARTING;
	}
	(void)ctl_send(fd, CTL_OK, 0, NULL);
	return begins;
}

/* Whether something is started. */
static bool start(struct conductor *c, int fd, const char *id, bool hold)
{
	if ((c->phase == CONDUCTOR_STARTING || c->phase == CONDUCTOR_UP) && !is_service_ending(c)) {
		return start_members(c, fd, id, hold);
	} else if (c->phase == CONDUCTOR_BACKOFF && hold) {
		(void)ctl_send(fd, CTL_FAILED, 125,
			       "the pod waits before its sandbox is made again: start the pod");
	} else if (c->phase == CONDUCTOR_BACKOFF) {
		c->wake_ms = 0; /* all of it is started next */
		(void)ctl_send(fd, CTL_OK, 0, NULL);
		return true;
	} else {
		(void)ctl_send(fd, CTL_FAILED, CTL_STOPPING, "pod is being stopped");
	}
	return false;
}

static void close_fds(const int *fds)
{
	for (int i = 0; i < CTL_FDS_MAX; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
}

/* The caller's streams are for what it starts: of a start that finds all running none are kept, and
 * those of another that is under way are not changed. */
static void read_start(struct conductor *c, int fd, const struct ctl_msg *msg, const int *fds)
{
	if (start(c, fd, msg->text, msg->value == CTL_HOLD) && fds[0] >= 0)
		conductor_take_stdio(c, fds);
	else
		close_fds(fds);
}

/* The pod's clock stands still, or goes on. */
static void set_paused(struct conductor *c, int fd, bool on)
{
	if (c->phase != CONDUCTOR_UP && c->phase != CONDUCTOR_STARTING) {
		(void)ctl_send(fd, CTL_FAILED, 125, "pod is not running");
		return;
	}
	if (on == (c->paused_ms != 0)) {
		(void)ctl_send(fd, CTL_OK, 0, NULL);
		return;
	}
	if (!on && c->active_deadline_ms)
		c->active_deadline_ms += clock_mono_ms() - c->paused_ms;
	c->paused_ms = on ? clock_mono_ms() : 0;
	conductor_write_status(c, STATE_RUNNING);
	(void)ctl_send(fd, CTL_OK, 0, NULL);
}

/* What is so already is told at once. */
static void subscribe(struct conductor *c, struct conductor_client *client)
{
	client->subscribed = true;
	(void)ctl_send(client->fd, CTL_POD_READY, c->is_ready, NULL);
	if (c->phase == CONDUCTOR_UP)
		(void)ctl_send(client->fd, CTL_UP, 0, NULL);
}

void client_read(struct conductor *c, struct conductor_client *client)
{
	struct error scratch; /* a record that is gone or damaged: what is known stands */
	struct ctl_msg msg;
	int fds[CTL_FDS_MAX];
	int r = ctl_receive(client->fd, &msg, fds);

	if (r == -EAGAIN)
		return;
	if (r <= 0) {
		drop(&client->fd);
		return;
	}
	if (msg.type != CTL_START)
		close_fds(fds);
	switch ((enum ctl_type)msg.type) {
	case CTL_STOP:
		c->run.to_remove = c->run.to_remove || is_ctl_to_remove(&msg);
		c->rebuild = false;
		stop_begin(c, msg.value >= CTL_OWN_GRACE ? msg.value : 0);
		break; /* the socket stays: it hears CTL_DONE */
	case CTL_START:
		read_start(c, client->fd, &msg, fds);
		break;
	case CTL_SUBSCRIBE:
		subscribe(c, client);
		break;
	case CTL_PAUSE:
	case CTL_UNPAUSE:
		set_paused(c, client->fd, msg.type == CTL_PAUSE);
		break;
	case CTL_CHANGED:
		members_hear(c);
		error_ignore(members_reload(c, &scratch));
		break;
	case CTL_SERVE:
		if (service_serve(c, client->fd, &msg))
			client->fd = -1;
		break;
	default:
		(void)ctl_send(client->fd, CTL_FAILED, 125, "unknown request");
		break;
	}
}
