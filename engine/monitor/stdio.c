/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stdio - the container's three streams.
 *
 * Theory of operation: without a terminal stdout and stderr are pipes (1 MiB where the kernel gives
 * it, so that a burst does not wait for us), read in pieces of 256 KiB straight into the log writer.
 * With a terminal podium-launch opens the pty inside the container and hands its master over; it is
 * then both stdin and stdout. stdin is /dev/null unless the container asked for it: then a pipe
 * whose writing end is held here. The conductor keeps duplicates of the reading ends, so that a
 * container does not die of SIGPIPE when its monitor is killed.
 *
 * With the log driver 'passthrough' they are those of the command that starts the container, and
 * nothing of them is seen here. They are kept only while the container's policy may start it again:
 * else whoever reads the other end of a pipe would wait for the monitor.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "engine/base/mem.h"
#include "engine/logs/logdriver.h"
#include "engine/monitor/internal.h"

#define PIPE_BYTES	(1024 * 1024)
#define DRAIN_READS_MAX 64

static void set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0)
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

static int make_pipe(int ret[2], struct error *err)
{
	if (pipe2(ret, O_CLOEXEC) < 0)
		return error_errno(err, "pipe");
	(void)fcntl(ret[0], F_SETPIPE_SZ, PIPE_BYTES);
	return 0;
}

/* Nobody else keeps the reading ends of a container by itself: it gets them with the writing ones, so
 * that it does not die of its output when its monitor is killed. */
static int open_both_ways(int *fd, struct error *err)
{
	char path[40];
	int both;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd);
	both = open(path, O_RDWR | O_CLOEXEC);
	if (both < 0)
		return error_errno(err, "open a pipe again");
	(void)close(*fd);
	*fd = both;
	return 0;
}

/* Its own are those of the command that started it, as long as that was the last thing to happen;
 * without, after the death of a conductor, nothing. */
static int open_passed(const struct monitor *m, int stdio[3], struct error *err)
{
	for (int i = 0; i < 3; i++) {
		if (m->passed[i] < 0)
			continue;
		stdio[i] = fcntl(m->passed[i], F_DUPFD_CLOEXEC, 3);
		if (stdio[i] < 0)
			return error_errno(err, "pass a descriptor on");
	}
	return 0;
}

void monitor_stdio_forget(struct monitor *m)
{
	for (int i = 0; i < 3; i++) {
		if (m->passed[i] >= 0)
			(void)close(m->passed[i]);
		m->passed[i] = -1;
	}
}

int monitor_stdio_open(struct monitor *m, int stdio[3], struct error *err)
{
	int *ours[2] = { &m->out_fd, &m->err_fd };
	int r = 0, p[2];

	stdio[0] = stdio[1] = stdio[2] = -1;
	if (m->plan.passthrough)
		return open_passed(m, stdio, err);
	if (m->plan.tty)
		return 0;
	for (int i = 0; i < 2 && r == 0; i++) {
		r = make_pipe(p, err);
		if (r < 0)
			break;
		*ours[i] = p[0];
		stdio[1 + i] = p[1];
		set_nonblocking(p[0]);
		if (m->is_conductor)
			r = open_both_ways(&stdio[1 + i], err);
	}
	if (r == 0 && m->plan.stdin_open) {
		r = make_pipe(p, err);
		if (r == 0) {
			stdio[0] = p[0];
			m->in_fd = p[1];
			set_nonblocking(p[1]);
		}
	}
	return r;
}

void monitor_stdio_take_pty(struct monitor *m, int master)
{
	set_nonblocking(master);
	m->out_fd = master;
	monitor_attach_resize(m);
}

void monitor_stdio_share(struct monitor *m)
{
	int fds[2] = { m->out_fd, m->err_fd };

	if (m->conductor_fd >= 0 && m->out_fd >= 0 && !m->is_conductor)
		(void)ctl_send_fds(m->conductor_fd, CTL_PIPES, fds, m->err_fd >= 0 ? 2 : 1);
}

/* ---- where it goes ---------------------------------------------------------------------- */

int monitor_log_open(struct monitor *m, const struct container_spec *c, struct error *err)
{
	cleanup_free char *tag = NULL;
	char name[LOG_NAME_MAX];
	int r;

	if (c->log.driver == LOG_JOURNALD) {
		tag = log_tag(c->log.tag, m->id, c->full_name, c->image);
		return journal_open(m->id, c->full_name, tag, &m->journal, err);
	}
	if (!is_log_file(&c->log))
		return 0;
	r = m->log_dir = log_place(&m->store, m->id, &c->log, name, err);
	if (r >= 0)
		r = logwriter_open_as(&m->log, m->log_dir, name, c->log.max_bytes, c->log.max_files,
				      err);
	return r;
}

static void log_feed(struct monitor *m, int stream, const char *data, size_t len)
{
	if (is_logwriter_open(&m->log))
		(void)logwriter_feed(&m->log, stream, data, len);
	else if (m->journal)
		journal_feed(m->journal, stream, data, len);
}

static void log_flush(struct monitor *m)
{
	if (is_logwriter_open(&m->log))
		logwriter_flush(&m->log);
	else if (m->journal)
		journal_flush(m->journal);
}

void monitor_log_idle(struct monitor *m)
{
	if (is_logwriter_open(&m->log))
		logwriter_idle(&m->log);
	else if (m->journal)
		journal_flush(m->journal);
}

void monitor_log_close(struct monitor *m)
{
	logwriter_close(&m->log);
	journal_close(m->journal);
	m->journal = NULL;
}

/* ---- reading it ------------------------------------------------------------------------- */

void monitor_stdio_read(struct monitor *m, int *fd, int stream)
{
	ssize_t n;

	if (is_output_held(m)) /* since the descriptors were polled: by the other stream */
		return;
	monitor_attach_forget(m);
	n = read(*fd, m->buffer, sizeof(m->buffer));
	if (n > 0) {
		log_feed(m, stream, m->buffer, (size_t)n);
		monitor_attach_output(m, stream, m->buffer, (size_t)n);
		m->is_used = true;
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	(void)close(*fd); /* end of file; a pty's master says EIO */
	*fd = -1;
}

static void drain(struct monitor *m, int *fd, int stream)
{
	for (int i = 0; i < DRAIN_READS_MAX && *fd >= 0; i++) {
		struct pollfd p = { .fd = *fd, .events = POLLIN };

		if (poll(&p, 1, 0) <= 0)
			break;
		monitor_attach_forget(m); /* what is the last is for the log in any case */
		monitor_stdio_read(m, fd, stream);
	}
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

void monitor_stdio_finish(struct monitor *m)
{
	drain(m, &m->out_fd, 1);
	drain(m, &m->err_fd, 2);
	log_flush(m);
	if (m->in_fd >= 0)
		(void)close(m->in_fd);
	m->in_fd = -1;
}
