/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach - people who watch and type.
 *
 * Theory of operation: every attached client gets each piece of output as a frame, after it went to
 * the log. Sends never block: what a full queue does not take is counted and told as a gap with the
 * next frame that fits. Input goes to the container's stdin or terminal without blocking, too;
 * while a client's frame waits to be taken, no more is read from that client. Allocates one buffer
 * a client, only while its input waits.
 *
 * A session that began with the container (session.sock) loses nothing: what its queue does not take
 * stays in the monitor's one buffer, and no output is read until it is taken. So the container waits
 * for it as for a pipe. The program's end is taken after its last byte was, too; only who kills the
 * container, or stops it for longer than its grace period, does not wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/monitor/internal.h"

#define END_ROUNDS_MAX 64 /* a full pipe is read in 4 */
#define SIGNAL_MAX     64

void monitor_attach_join(struct monitor *m)
{
	struct error scratch; /* nobody listens */
	int fd = session_connect(&m->store, m->id, &scratch);

	for (size_t i = 0; fd >= 0 && i < MONITOR_ATTACH_MAX; i++) {
		if (m->attached[i].fd >= 0)
			continue;
		(void)fcntl(fd, F_SETFL, O_NONBLOCK);
		m->attached[i] =
			(struct monitor_attach){ .fd = fd, .is_patient = true, .is_awaited = true };
		return;
	}
	if (fd >= 0)
		(void)close(fd);
}

int monitor_attach_open(struct monitor *m, struct error *err)
{
	int r = attach_listen(&m->store, m->id, err);

	m->attach_listen_fd = r;
	if (r >= 0)
		monitor_attach_join(m);
	return r < 0 ? r : 0;
}

static void look_who_is_held(struct monitor *m)
{
	m->is_held_up = false;
	for (size_t i = 0; i < MONITOR_ATTACH_MAX; i++)
		m->is_held_up = m->is_held_up || m->attached[i].is_held;
}

/* It is there, or will not be: the program may begin. */
static void welcome(struct monitor *m, struct monitor_attach *a)
{
	if (!a->is_awaited)
		return;
	a->is_awaited = false;
	if (m->go)
		monitor_go(m);
}

static void drop(struct monitor *m, struct monitor_attach *a)
{
	bool was_awaited = a->is_awaited;

	(void)close(a->fd);
	free(a->input);
	*a = (struct monitor_attach){ .fd = -1, .is_awaited = was_awaited };
	look_who_is_held(m);
	welcome(m, a);
	if (m->plan.stdin_once && m->in_fd >= 0) {
		(void)close(m->in_fd); /* its one session is over */
		m->in_fd = -1;
	}
}

static void accept_one(struct monitor *m)
{
	int fd = ctl_accept(m->attach_listen_fd);

	for (size_t i = 0; fd >= 0 && i < MONITOR_ATTACH_MAX; i++) {
		if (m->attached[i].fd < 0) {
			m->attached[i] = (struct monitor_attach){ .fd = fd };
			return;
		}
	}
	if (fd >= 0)
		(void)close(fd);
}

/* Where input goes: the pty's master with a terminal, else the pipe; -1: nowhere. */
static int input_fd(const struct monitor *m)
{
	return m->plan.tty ? m->out_fd : m->in_fd;
}

/* What is typed ahead of the program is kept for its terminal. */
static bool is_terminal_coming(const struct monitor *m)
{
	return m->plan.tty && m->phase >= MONITOR_LAUNCHING && m->phase < MONITOR_RUNNING;
}

static void write_input(struct monitor *m, struct monitor_attach *a)
{
	int fd = input_fd(m);
	ssize_t n = fd < 0 ? -1 : write(fd, a->input + a->input_at, a->input_len - a->input_at);

	if (fd >= 0 && n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		a->input_at += (size_t)n;
	if (n < 0 || a->input_at == a->input_len) {
		free(a->input);
		a->input = NULL;
		a->input_len = a->input_at = 0;
	}
}

static void handle(struct monitor *m, struct monitor_attach *a, const struct attach_frame *f,
		   size_t len)
{
	int32_t sig;

	if (f->type == ATTACH_STDIN && len && (input_fd(m) >= 0 || is_terminal_coming(m)) &&
	    (m->plan.tty || m->plan.stdin_open)) {
		a->input = xmalloc(len);
		memcpy(a->input, f->data, len);
		a->input_len = len;
		a->input_at = 0;
		if (input_fd(m) >= 0)
			write_input(m, a);
	} else if (f->type == ATTACH_EOF && (m->plan.stdin_once || a->is_patient) &&
		   m->in_fd >= 0) {
		(void)close(m->in_fd);
		m->in_fd = -1;
	} else if (f->type == ATTACH_RESIZE && len == sizeof(m->size)) {
		memcpy(&m->size, f->data, sizeof(m->size));
		monitor_attach_resize(m);
	} else if (f->type == ATTACH_SIGNAL && len == sizeof(sig)) {
		memcpy(&sig, f->data, sizeof(sig));
		if (sig > 0 && sig <= SIGNAL_MAX)
			m->signals |= UINT64_C(1) << (sig - 1);
		monitor_attach_signals(m);
	}
	welcome(m, a);
}

static void read_client(struct monitor *m, struct monitor_attach *a)
{
	struct attach_frame f;
	ssize_t n = attach_receive(a->fd, &f);

	if (n >= 0)
		handle(m, a, &f, (size_t)n);
	else if (n != -EAGAIN)
		drop(m, a);
}

static int send_gap(struct monitor_attach *a)
{
	int r = a->lost_bytes
			? attach_send(a->fd, ATTACH_GAP, &a->lost_bytes, sizeof(a->lost_bytes))
			: 0;

	if (r == 0)
		a->lost_bytes = 0;
	return r;
}

static int send_frame(struct monitor_attach *a, int stream, const char *data, size_t len)
{
	int r = send_gap(a);

	return r < 0 ? r
		     : attach_send(a->fd, stream == 2 ? ATTACH_STDERR : ATTACH_STDOUT, data, len);
}

/* Sends what a client lacks of the buffer, as much as it takes. */
static void send_held(struct monitor *m, struct monitor_attach *a)
{
	while (a->held_at < m->held_bytes) {
		size_t left = m->held_bytes - a->held_at;
		size_t n = left < ATTACH_DATA_MAX ? left : ATTACH_DATA_MAX;
		int r = send_frame(a, m->held_stream, m->buffer + a->held_at, n);

		if (r == -EAGAIN)
			return;
		if (r < 0) {
			drop(m, a);
			return;
		}
		a->held_at += n;
	}
	a->is_held = false;
	look_who_is_held(m);
}

static void serve_client(struct monitor *m, struct monitor_attach *a, const struct pollfd *p)
{
	if (a->is_held && p->revents & ~POLLIN)
		send_held(m, a);
	if (a->fd >= 0 && p->events & POLLIN && p->revents & ~POLLOUT)
		read_client(m, a);
	else if (a->fd >= 0 && p->revents & (POLLHUP | POLLERR) && !(p->revents & POLLIN))
		drop(m, a); /* it will not take anything any more */
}

size_t monitor_attach_polls(struct monitor *m, struct pollfd *p)
{
	size_t n = 0;

	p[n++] = (struct pollfd){ .fd = m->attach_listen_fd, .events = POLLIN };
	for (size_t i = 0; i < MONITOR_ATTACH_MAX; i++) {
		struct monitor_attach *a = &m->attached[i];
		short events;

		if (a->input_len && input_fd(m) < 0 && !is_terminal_coming(m))
			write_input(m, a); /* nowhere to go any more: forgotten */
		events = (short)((a->input_len ? 0 : POLLIN) | (a->is_held ? POLLOUT : 0));
		p[n++] = (struct pollfd){ .fd = events ? a->fd : -1, .events = events };
		p[n++] =
			(struct pollfd){ .fd = a->input_len ? input_fd(m) : -1, .events = POLLOUT };
	}
	return n;
}

void monitor_attach_dispatch(struct monitor *m, const struct pollfd *p)
{
	for (size_t i = 0; i < MONITOR_ATTACH_MAX; i++) {
		struct monitor_attach *a = &m->attached[i];
		const struct pollfd *in = &p[1 + 2 * i], *out = &p[2 + 2 * i];

		if (out->revents && a->input_len)
			write_input(m, a);
		if (in->revents && in->fd >= 0 && in->fd == a->fd)
			serve_client(m, a, in);
	}
	if (p[0].revents)
		accept_one(m);
}

/* For one client; data may be the monitor's buffer from its beginning on. */
static void send_output(struct monitor *m, struct monitor_attach *a, int stream, const char *data,
			size_t len)
{
	for (size_t at = 0; a->fd >= 0 && at < len;) {
		size_t n = len - at < ATTACH_DATA_MAX ? len - at : ATTACH_DATA_MAX;
		int r = send_frame(a, stream, data + at, n);

		if (r == -EAGAIN && a->is_patient && !m->killed) {
			a->is_held = m->is_held_up = true;
			a->held_at = at;
			m->held_bytes = len;
			m->held_stream = stream;
			return;
		}
		if (r == -EAGAIN)
			a->lost_bytes += n;
		else if (r < 0)
			drop(m, a);
		at += n;
	}
}

void monitor_attach_output(struct monitor *m, int stream, const char *data, size_t len)
{
	for (size_t i = 0; i < MONITOR_ATTACH_MAX; i++)
		send_output(m, &m->attached[i], stream, data, len);
}

void monitor_attach_forget(struct monitor *m)
{
	for (size_t i = 0; m->is_held_up && i < MONITOR_ATTACH_MAX; i++) {
		struct monitor_attach *a = &m->attached[i];

		if (a->is_held)
			a->lost_bytes += m->held_bytes - a->held_at;
		a->is_held = false;
	}
	m->is_held_up = false;
}

bool is_output_held(const struct monitor *m)
{
	return m->is_held_up && !m->killed;
}

bool is_session_awaited(const struct monitor *m)
{
	for (size_t i = 0; i < MONITOR_ATTACH_MAX; i++)
		if (m->attached[i].is_awaited)
			return true;
	return false;
}

static bool is_ready(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return fd >= 0 && poll(&p, 1, 0) > 0;
}

bool monitor_attach_waits(struct monitor *m)
{
	bool is_watched = false;

	for (size_t i = 0; i < MONITOR_ATTACH_MAX && !m->killed; i++) {
		struct monitor_attach *a = &m->attached[i];

		if (a->fd < 0 || !a->is_patient)
			continue;
		is_watched = true;
		/* Its exit code must find room. */
		if (!m->is_held_up && !is_ready(a->fd, POLLOUT)) {
			a->is_held = m->is_held_up = true;
			a->held_at = m->held_bytes = 0;
		}
	}
	if (is_output_held(m))
		return true;
	return is_watched && m->end_rounds++ < END_ROUNDS_MAX &&
	       (is_ready(m->out_fd, POLLIN) || is_ready(m->err_fd, POLLIN));
}

void monitor_attach_signals(struct monitor *m)
{
	for (int sig = 1; sig <= SIGNAL_MAX && m->signals && m->phase == MONITOR_RUNNING; sig++) {
		if (m->signals & UINT64_C(1) << (sig - 1))
			(void)pidfd_signal(m->pidfd, sig);
		m->signals &= ~(UINT64_C(1) << (sig - 1));
	}
}

void monitor_attach_resize(struct monitor *m)
{
	if (m->plan.tty && m->out_fd >= 0 && m->size.rows && m->size.columns)
		(void)ioctl(m->out_fd, TIOCSWINSZ,
			    &(struct winsize){ .ws_row = m->size.rows, .ws_col = m->size.columns });
}

void monitor_attach_end(struct monitor *m)
{
	int32_t code = (int32_t)m->status.exit_code;

	monitor_attach_forget(m);
	m->end_rounds = 0;
	m->signals = 0;
	for (size_t i = 0; i < MONITOR_ATTACH_MAX; i++) {
		if (m->attached[i].fd < 0)
			continue;
		m->attached[i].is_awaited = false;
		(void)send_gap(&m->attached[i]);
		(void)attach_send(m->attached[i].fd, ATTACH_EXIT, &code, sizeof(code));
		drop(m, &m->attached[i]);
	}
}

void monitor_attach_close(struct monitor *m)
{
	for (size_t i = 0; i < MONITOR_ATTACH_MAX; i++) {
		if (m->attached[i].fd >= 0)
			(void)close(m->attached[i].fd);
		free(m->attached[i].input);
		m->attached[i] = (struct monitor_attach){ .fd = -1 };
	}
}
