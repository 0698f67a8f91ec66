/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach - people who watch and type.
 *
 * Theory of operation: every attached client gets each piece of output as a frame, after it went to
 * the log. Sends never block: what a full queue does not take is counted and told as a gap with the
 * next frame that fits. Input goes to the container's stdin or terminal without blocking, too;
 * while a client's frame waits to be taken, no more is read from that client. Allocates one buffer
 * a client, only while its input waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "engine/base/mem.h"
#include "engine/monitor/internal.h"

int monitor_attach_open(struct monitor *m, struct error *err)
{
	int r = attach_listen(&m->store, m->id, err);

	m->attach_listen_fd = r;
	return r < 0 ? r : 0;
}

static void drop(struct monitor *m, struct monitor_attach *a)
{
	(void)close(a->fd);
	free(a->input);
	*a = (struct monitor_attach){ .fd = -1 };
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
	struct attach_size size;

	if (f->type == ATTACH_STDIN && len && input_fd(m) >= 0 &&
	    (m->plan.tty || m->plan.stdin_open)) {
		a->input = xmalloc(len);
		memcpy(a->input, f->data, len);
		a->input_len = len;
		a->input_at = 0;
		write_input(m, a);
	} else if (f->type == ATTACH_EOF && m->plan.stdin_once && m->in_fd >= 0) {
		(void)close(m->in_fd);
		m->in_fd = -1;
	} else if (f->type == ATTACH_RESIZE && m->plan.tty && m->out_fd >= 0 &&
		   len == sizeof(size)) {
		memcpy(&size, f->data, sizeof(size));
		(void)ioctl(m->out_fd, TIOCSWINSZ,
			    &(struct winsize){ .ws_row = size.rows, .ws_col = size.columns });
	}
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

size_t monitor_attach_polls(struct monitor *m, struct pollfd *p)
{
	size_t n = 0;

	p[n++] = (struct pollfd){ .fd = m->attach_listen_fd, .events = POLLIN };
	for (size_t i = 0; i < MONITOR_ATTACH_MAX; i++) {
		struct monitor_attach *a = &m->attached[i];

		if (a->input_len && input_fd(m) < 0)
			write_input(m, a); /* nowhere to go any more: forgotten */
		p[n++] = (struct pollfd){ .fd = a->input_len ? -1 : a->fd, .events = POLLIN };
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
			read_client(m, a);
	}
	if (p[0].revents)
		accept_one(m);
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

void monitor_attach_output(struct monitor *m, int stream, const char *data, size_t len)
{
	enum attach_type type = stream == 2 ? ATTACH_STDERR : ATTACH_STDOUT;

	for (size_t i = 0; i < MONITOR_ATTACH_MAX; i++) {
		struct monitor_attach *a = &m->attached[i];

		for (size_t at = 0; a->fd >= 0 && at < len;) {
			size_t n = len - at < ATTACH_DATA_MAX ? len - at : ATTACH_DATA_MAX;
			int r = send_gap(a);

			if (r == 0)
				r = attach_send(a->fd, type, data + at, n);
			if (r == -EAGAIN)
				a->lost_bytes += n;
			else if (r < 0)
				drop(m, a);
			at += n;
		}
	}
}

void monitor_attach_end(struct monitor *m)
{
	int32_t code = (int32_t)m->status.exit_code;

	for (size_t i = 0; i < MONITOR_ATTACH_MAX; i++) {
		if (m->attached[i].fd < 0)
			continue;
		(void)send_gap(&m->attached[i]);
		(void)attach_send(m->attached[i].fd, ATTACH_EXIT, &code, sizeof(code));
		drop(m, &m->attached[i]);
	}
}
