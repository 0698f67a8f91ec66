/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay - one poll loop between two sets of descriptors.
 *
 * Theory of operation: nothing stands still. Output is read when what was read before is written: a
 * slow reader slows the process down, as a pipe would, and input and signals go on meanwhile. Input
 * is read when the process has taken what was read before. Signals arrive by signalfd, so the loop
 * has no races. When the process has ended, what is in its pipes then is still carried, and no more:
 * whoever else holds their ends (a child that went to the background) does not keep us. A pty is read
 * until it is empty.
 */
#include "cmd/podium/base/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cmd/podium/base/outlet.h"
#include "cmd/podium/base/terminal.h"
#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"

#define RELAY_BYTES 32768
#define PTY_LAST_MS 2000 /* a terminal that is written to on and on, after the end */

/* One direction of output. */
struct stream {
	int *from;
	struct outlet to;
	int64_t left; /* bytes that are still carried; -1: all */
	char data[RELAY_BYTES];
};

struct relay_state {
	struct relay *r;
	int signal_fd;
	bool ended;
	bool has_keys;
	int64_t until_ms; /* of a pty, after the end */
	struct stream out, err;
	size_t pending_len; /* input not yet taken by the process */
	char pending[RELAY_BYTES + DETACH_KEYS_MAX];
};

void relay_copy_size(int pty_fd)
{
	struct winsize ws;

	if (terminal_size(&ws))
		(void)ioctl(pty_fd, TIOCSWINSZ, &ws);
}

/* ---- output ----------------------------------------------------------------------------- */

static bool wants_more(const struct stream *st)
{
	return *st->from >= 0 && st->to.len == 0;
}

static void read_output(struct stream *st)
{
	size_t room = sizeof(st->data);
	ssize_t n;

	if (st->left >= 0 && (size_t)st->left < room)
		room = (size_t)st->left;
	n = read(*st->from, st->data, room);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close_fd(st->from);
		return;
	}
	outlet_put(&st->to, st->data, (size_t)n);
	if (st->left >= 0)
		st->left -= n;
	if (st->left == 0)
		close_fd(st->from);
}

static void write_output(struct stream *st)
{
	outlet_write(&st->to);
	if (st->to.error) /* nobody reads: the process may hear of it */
		close_fd(st->from);
}

/* The process has ended: what is there now is the end. */
static void limit_output(struct stream *st)
{
	int there = 0;

	if (*st->from < 0)
		return;
	if (ioctl(*st->from, FIONREAD, &there) == 0 && there > 0)
		st->left = there;
	else
		close_fd(st->from);
}

static void take_end(struct relay_state *s)
{
	s->ended = true;
	s->until_ms = clock_mono_ms() + PTY_LAST_MS;
	if (s->r->pty_fd < 0) {
		limit_output(&s->out);
		limit_output(&s->err);
	}
}

/* ---- input ------------------------------------------------------------------------------ */

static void read_input(struct relay_state *s)
{
	char data[RELAY_BYTES];
	ssize_t n = read(STDIN_FILENO, data, sizeof(data));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		s->r->use_stdin = false;
		if (s->r->pty_fd < 0)
			close_fd(&s->r->in_fd); /* end of file for the process */
		return;
	}
	if (s->has_keys) {
		s->pending_len = detach_keys_filter(&s->r->keys, data, (size_t)n, s->pending,
						    &s->r->is_detached);
		return;
	}
	memcpy(s->pending, data, (size_t)n);
	s->pending_len = (size_t)n;
}

static void write_input(struct relay_state *s, int *to)
{
	ssize_t n = write(*to, s->pending, s->pending_len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) { /* the process closed its stdin */
		s->pending_len = 0;
		s->r->use_stdin = false;
		if (s->r->pty_fd < 0)
			close_fd(to);
		return;
	}
	memmove(s->pending, s->pending + n, s->pending_len - (size_t)n);
	s->pending_len -= (size_t)n;
}

static void handle_signal(struct relay_state *s)
{
	struct signalfd_siginfo si;

	if (read(s->signal_fd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	if (si.ssi_signo == SIGWINCH && s->r->pty_fd >= 0)
		relay_copy_size(s->r->pty_fd);
	else
		(void)pidfd_signal(s->r->pidfd, (int)si.ssi_signo);
}

/* ---- the loop --------------------------------------------------------------------------- */

/* One round; false: it is over. */
static bool turn(struct relay_state *s)
{
	struct relay *r = s->r;
	int *in = r->pty_fd >= 0 ? &r->pty_fd : &r->in_fd;
	bool wants_input = r->use_stdin && *in >= 0 && s->pending_len == 0 && !s->ended;
	bool is_writing = s->out.to.len || s->err.to.len;
	struct pollfd p[] = {
		{ .fd = s->ended ? -1 : r->pidfd, .events = POLLIN },
		{ .fd = wants_more(&s->out) ? *s->out.from : -1, .events = POLLIN },
		{ .fd = wants_more(&s->err) ? *s->err.from : -1, .events = POLLIN },
		{ .fd = wants_input ? STDIN_FILENO : -1, .events = POLLIN },
		{ .fd = s->pending_len ? *in : -1, .events = POLLOUT },
		{ .fd = s->signal_fd, .events = POLLIN },
		{ .fd = s->out.to.len ? s->out.to.fd : -1, .events = POLLOUT },
		{ .fd = s->err.to.len ? s->err.to.fd : -1, .events = POLLOUT },
	};
	int n = poll(p, ARRAY_SIZE(p), s->ended && !is_writing ? 0 : -1);

	if (s->ended && !is_writing &&
	    (n == 0 || (r->pty_fd >= 0 && clock_mono_ms() > s->until_ms)))
		return false;
	if (n < 0)
		return true;
	if (p[6].revents)
		write_output(&s->out);
	if (p[7].revents)
		write_output(&s->err);
	if (p[4].revents && *in >= 0)
		write_input(s, in);
	if (p[1].revents && *s->out.from >= 0)
		read_output(&s->out);
	if (p[2].revents && *s->err.from >= 0)
		read_output(&s->err);
	if (p[3].revents)
		read_input(s);
	if (p[5].revents)
		handle_signal(s);
	if (p[0].revents)
		take_end(s);
	return !r->is_detached;
}

static void set_nonblocking(int fd)
{
	if (fd >= 0)
		(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void begin(struct relay_state *s)
{
	struct relay *r = s->r;

	s->out.from = r->pty_fd >= 0 ? &r->pty_fd : &r->out_fd;
	s->err.from = &r->err_fd;
	s->out.left = s->err.left = -1;
	outlet_init(&s->out.to, STDOUT_FILENO);
	outlet_init(&s->err.to, STDERR_FILENO);
	set_nonblocking(r->in_fd);
	set_nonblocking(r->out_fd);
	set_nonblocking(r->err_fd);
	set_nonblocking(r->pty_fd);
	if (r->pty_fd < 0)
		return;
	relay_copy_size(r->pty_fd);
	s->has_keys = r->use_stdin && terminal_enter_raw(STDIN_FILENO);
}

static int finish(struct relay_state *s, struct error *err)
{
	struct relay *r = s->r;
	int e = s->out.to.error ? s->out.to.error : s->err.to.error;

	terminal_restore();
	close_fd(&r->in_fd);
	close_fd(&r->out_fd);
	close_fd(&r->err_fd);
	if (!r->is_detached)
		close_fd(&r->pty_fd);
	if (!e || e == EPIPE) /* who reads no more wants to know no more */
		return 0;
	return error_set(err, e, "write to the standard %s: %s",
			 s->out.to.error ? "output" : "error", strerrordesc_np(e));
}

int relay_run(struct relay *r, struct error *err)
{
	cleanup_free struct relay_state *s = xcalloc(1, sizeof(*s));
	sigset_t set, old;
	int ret;

	s->r = r;
	terminal_session_signals(&set);
	(void)sigprocmask(SIG_BLOCK, &set, &old);
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal_fd < 0) {
		(void)sigprocmask(SIG_SETMASK, &old, NULL);
		return error_errno(err, "signalfd");
	}
	begin(s);
	while (turn(s))
		;
	ret = finish(s, err);
	close_fd(&s->signal_fd);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return ret;
}
