/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay - one poll loop between two sets of descriptors.
 *
 * Theory of operation: signals arrive by signalfd, so the loop has no races. Output is written with
 * blocking writes: a slow reader slows the process down, as a pipe would. Input is non-blocking
 * towards the process: when it does not read, we stop reading the caller. After the process has
 * ended the pipes are drained until they would block; whoever else holds their ends (a child that
 * went to the background) does not keep us. The terminal's mode is restored on every way out.
 */
#include "cmd/podium/base/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"

#define RELAY_BYTES 32768
#define DRAIN_MS    2000

struct relay_state {
	struct relay *r;
	int signal_fd;
	struct termios saved;
	bool is_raw;
	bool ended;
	int64_t drain_until_ms; /* after the end: what it wrote is still carried until then */
	char pending[RELAY_BYTES]; /* input not yet taken by the process */
	size_t pending_len;
};

void relay_copy_size(int pty_fd)
{
	struct winsize ws;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &ws) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0)
		(void)ioctl(pty_fd, TIOCSWINSZ, &ws);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static void enter_raw(struct relay_state *s)
{
	struct termios raw;

	if (s->r->pty_fd < 0 || !s->r->use_stdin || tcgetattr(STDIN_FILENO, &s->saved) < 0)
		return;
	raw = s->saved;
	cfmakeraw(&raw);
	s->is_raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

static void leave_raw(struct relay_state *s)
{
	if (s->is_raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &s->saved);
	s->is_raw = false;
}

/* One read and write; false when the source has ended. */
static bool carry_output(int *from, int to)
{
	char data[RELAY_BYTES];
	ssize_t n = read(*from, data, sizeof(data));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0 || fs_write_all(to, data, (size_t)n) < 0) {
		close_fd(from);
		return false;
	}
	return true;
}

static void read_input(struct relay_state *s)
{
	ssize_t n = read(STDIN_FILENO, s->pending, sizeof(s->pending));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		s->r->use_stdin = false;
		if (s->r->pty_fd < 0)
			close_fd(&s->r->in_fd); /* end of file for the process */
		return;
	}
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
	if (si.ssi_signo == SIGWINCH) {
		if (s->r->pty_fd >= 0)
			relay_copy_size(s->r->pty_fd);
		return;
	}
	(void)pidfd_signal(s->r->pidfd, (int)si.ssi_signo);
}

static void loop(struct relay_state *s)
{
	struct relay *r = s->r;
	int *out = r->pty_fd >= 0 ? &r->pty_fd : &r->out_fd;

	while (!s->ended || *out >= 0 || r->err_fd >= 0) {
		int *in = r->pty_fd >= 0 ? &r->pty_fd : &r->in_fd;
		bool wants_input = r->use_stdin && *in >= 0 && s->pending_len == 0;
		struct pollfd p[] = {
			{ .fd = s->ended ? -1 : r->pidfd, .events = POLLIN },
			{ .fd = *out, .events = POLLIN },
			{ .fd = r->err_fd, .events = POLLIN },
			{ .fd = wants_input ? STDIN_FILENO : -1, .events = POLLIN },
			{ .fd = s->pending_len ? *in : -1, .events = POLLOUT },
			{ .fd = s->signal_fd, .events = POLLIN },
		};
		int n = poll(p, ARRAY_SIZE(p), s->ended ? 0 : -1);

		/* Nothing more to come, or a child of it that writes on and on. */
		if (s->ended && (n == 0 || clock_mono_ms() > s->drain_until_ms))
			return;
		if (n < 0)
			continue;
		if (p[4].revents && *in >= 0)
			write_input(s, in);
		if (p[1].revents)
			(void)carry_output(out, STDOUT_FILENO);
		if (p[2].revents)
			(void)carry_output(&r->err_fd, STDERR_FILENO);
		if (p[3].revents)
			read_input(s);
		if (p[5].revents)
			handle_signal(s);
		if (p[0].revents) {
			s->ended = true;
			s->drain_until_ms = clock_mono_ms() + DRAIN_MS;
		}
	}
}

static void set_nonblocking(int fd)
{
	if (fd >= 0)
		(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

int relay_run(struct relay *r, struct error *err)
{
	struct relay_state s = { .r = r };
	sigset_t set, old;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGWINCH);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, &old);
	s.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s.signal_fd < 0)
		return error_errno(err, "signalfd");
	set_nonblocking(r->in_fd);
	set_nonblocking(r->out_fd);
	set_nonblocking(r->err_fd);
	set_nonblocking(r->pty_fd);
	if (r->pty_fd >= 0)
		relay_copy_size(r->pty_fd);
	enter_raw(&s);
	loop(&s);
	leave_raw(&s);
	close_fd(&r->in_fd);
	close_fd(&r->out_fd);
	close_fd(&r->err_fd);
	close_fd(&r->pty_fd);
	(void)close(s.signal_fd);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return 0;
}
