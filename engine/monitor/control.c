/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control - who talks to the monitor: its conductor, and clients of ctl.sock.
 *
 * Theory of operation: both speak the same packets. A client that closes, sends rubbish or does not
 * read is dropped; losing the conductor changes nothing for the container. Events go to the
 * conductor and to every subscribed client.
 */
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/monitor/internal.h"
#include "engine/state/eventlog.h"

static void drop(int *fd)
{
	(void)close(*fd);
	*fd = -1;
}

void monitor_broadcast(struct monitor *m, enum ctl_type type, int32_t value, const char *text)
{
	if (m->conductor_fd >= 0 && ctl_send(m->conductor_fd, type, value, text) == -EPIPE)
		drop(&m->conductor_fd);
	for (size_t i = 0; i < MONITOR_CLIENTS_MAX; i++) {
		struct monitor_client *c = &m->clients[i];

		if (c->fd >= 0 && c->subscribed && ctl_send(c->fd, type, value, text) < 0)
			drop(&c->fd);
	}
}

void monitor_control_accept(struct monitor *m)
{
	int fd = ctl_accept(m->listen_fd);

	if (fd < 0)
		return;
	for (size_t i = 0; i < MONITOR_CLIENTS_MAX; i++) {
		if (m->clients[i].fd < 0) {
			m->clients[i] = (struct monitor_client){ .fd = fd };
			return;
		}
	}
	(void)ctl_send(fd, CTL_FAILED, 125, "too many clients");
	(void)close(fd);
}

/* A client that takes the place of a conductor that died. */
static void become_conductor(struct monitor *m, int fd)
{
	for (size_t i = 0; i < MONITOR_CLIENTS_MAX; i++) {
		if (m->clients[i].fd != fd)
			continue;
		if (m->conductor_fd >= 0)
			(void)close(m->conductor_fd);
		m->conductor_fd = fd;
		m->clients[i].fd = -1;
	}
	monitor_stdio_share(m);
}

static void subscribe(struct monitor *m, int fd)
{
	static const enum ctl_type present[] = {
		[MONITOR_IDLE] = CTL_OK,	 [MONITOR_LAUNCHING] = CTL_OK,
		[MONITOR_PREPARED] = CTL_READY,	 [MONITOR_STARTING] = CTL_OK,
		[MONITOR_RUNNING] = CTL_RUNNING, [MONITOR_WAITING] = CTL_EXITED,
		[MONITOR_ENDED] = CTL_DONE,
	};
	bool waits = m->phase == MONITOR_RUNNING && !m->is_up; /* for postStart */
	int32_t value =
		m->phase == MONITOR_RUNNING ? (int32_t)m->pid : (int32_t)m->status.exit_code;

	for (size_t i = 0; i < MONITOR_CLIENTS_MAX; i++)
		if (m->clients[i].fd == fd)
			m->clients[i].subscribed = true;
	(void)ctl_send(fd,
		       waits			   ? CTL_OK
		       : is_monitor_initialized(m) ? CTL_INITIALIZED
						   : present[m->phase],
		       value, NULL);
	if (m->phase == MONITOR_RUNNING && m->status.started) {
		(void)ctl_send(fd, CTL_STARTED, 0, NULL);
		(void)ctl_send(fd, CTL_READINESS, m->status.ready, NULL);
	}
}

static void answer_pause(struct monitor *m, int fd, bool on)
{
	struct error err = { 0 };
	int r = on ? monitor_pause(m, &err) : monitor_unpause(m, &err);

	(void)ctl_send(fd, r < 0 ? CTL_FAILED : CTL_OK, r < 0 ? 125 : 0, err.text);
}

static void rename_container(struct monitor *m, const char *name)
{
	free(m->status.name);
	m->status.name = xstrdup(name);
	if (m->status.solo) {
		free(m->status.pod_name);
		m->status.pod_name = xstrdup(name);
	}
	monitor_write_status(m);
}

static bool is_ending_signal(const struct monitor *m, int sig)
{
	return sig == SIGTERM || sig == SIGINT || sig == SIGQUIT || sig == m->plan.stop_signal;
}

static void handle(struct monitor *m, int fd, const struct ctl_msg *msg)
{
	int r;

	switch ((enum ctl_type)msg->type) {
	case CTL_PREPARE:
		monitor_prepare(m, msg->value == CTL_HOLD);
		break;
	case CTL_GO:
		if (msg->value == CTL_HOLD)
			monitor_hold(m);
		else
			monitor_go(m);
		break;
	case CTL_STOP:
		for (size_t i = 0; i < MONITOR_CLIENTS_MAX; i++)
			if (m->clients[i].fd == fd)
				m->clients[i].subscribed = true;
		m->to_remove = m->to_remove || is_ctl_to_remove(msg);
		monitor_stop(m, msg->value);
		break;
	case CTL_PAUSE:
	case CTL_UNPAUSE:
		answer_pause(m, fd, msg->type == CTL_PAUSE);
		break;
	case CTL_SIGNAL:
		if (m->phase != MONITOR_RUNNING) {
			(void)ctl_send(fd, CTL_FAILED, 125, "container is not running");
			break;
		}
		/* A user who kills does not want it back: as after stop. */
		if (msg->value == SIGKILL)
			m->status.stopped_by_user = true;
		else if (is_ending_signal(m, msg->value))
			m->signal_ms = clock_mono_ms();
		r = pidfd_signal(m->pidfd, msg->value);
		if (msg->value == SIGKILL)
			monitor_thaw(m);
		event_log_container(&m->store, "kill", m->id, &m->status);
		(void)ctl_send(fd, r < 0 ? CTL_FAILED : CTL_OK, 0, NULL);
		break;
	case CTL_HEALTH:
		monitor_health_ask(m, fd);
		break;
	case CTL_RENAME:
		rename_container(m, msg->text);
		(void)ctl_send(fd, CTL_OK, 0, NULL);
		break;
	case CTL_SUBSCRIBE:
		subscribe(m, fd);
		if (msg->value == CTL_AS_CONDUCTOR)
			become_conductor(m, fd);
		break;
	default:
		(void)ctl_send(fd, CTL_FAILED, 125, "unknown request");
		break;
	}
}

void monitor_control_read(struct monitor *m, int *fd)
{
	struct ctl_msg msg;
	int r = ctl_receive(*fd, &msg, NULL);

	if (r > 0)
		handle(m, *fd, &msg);
	else if (r != -EAGAIN)
		drop(fd);
}
