/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach - watch a running container and type into it.
 *
 * Theory of operation: frames from the monitor go to stdout and stderr, what is typed goes back
 * when the container has its stdin open (`stdin: true` or `tty: true`). With a terminal on both
 * sides the caller's is in raw mode and its size follows. The detach keys (Ctrl-P Ctrl-Q) leave the
 * container running; otherwise the command ends with the container, with its exit code.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/base/commands.h"
#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/pod/lookup.h"
#include "engine/process/attach.h"
#include "engine/process/ctl.h"
#include "engine/state/status.h"

#define DETACH_FIRST  0x10 /* Ctrl-P */
#define DETACH_SECOND 0x11 /* Ctrl-Q */

struct attach_options {
	bool no_stdin;
	bool sig_proxy;
};
#define O(m) offsetof(struct attach_options, m)

struct session {
	int fd;
	int signal_fd;
	int ctl_fd; /* for signals; -1: not passed on */
	bool tty;
	bool use_stdin;
	bool saw_first_key;
	bool is_cut; /* the session ended without its exit code */
	int code;    /* -1: goes on */
	struct termios saved;
	bool is_raw;
};

static void send_size(struct session *s)
{
	struct winsize ws;
	struct attach_size size;

	if (!s->tty || ioctl(STDIN_FILENO, TIOCGWINSZ, &ws) < 0)
		return;
	size = (struct attach_size){ ws.ws_row, ws.ws_col };
	(void)attach_send(s->fd, ATTACH_RESIZE, &size, sizeof(size));
}

/* True when the two keys came in a row; a first key that was not followed is passed on late. */
static bool is_detached(struct session *s, const char *data, size_t len)
{
	for (size_t i = 0; i < len && s->tty; i++) {
		if (s->saw_first_key && data[i] == DETACH_SECOND)
			return true;
		s->saw_first_key = data[i] == DETACH_FIRST;
	}
	return false;
}

static void read_stdin(struct session *s)
{
	char data[ATTACH_DATA_MAX];
	ssize_t n = read(STDIN_FILENO, data, sizeof(data));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		s->use_stdin = false;
		(void)attach_send(s->fd, ATTACH_EOF, NULL, 0);
	} else if (is_detached(s, data, (size_t)n)) {
		s->code = 0;
	} else if (attach_send(s->fd, ATTACH_STDIN, data, (size_t)n) < 0) {
		s->use_stdin = false;
	}
}

static void read_frame(struct session *s)
{
	struct attach_frame f;
	ssize_t n = attach_receive(s->fd, &f);
	int32_t code;
	uint64_t lost;

	if (n < 0) {
		s->is_cut =
			true; /* its last word did not fit in our full queue, or it was killed */
		s->code = 125;
		return;
	}
	switch ((enum attach_type)f.type) {
	case ATTACH_STDOUT:
		error_ignore(fs_write_all(STDOUT_FILENO, f.data, (size_t)n));
		break;
	case ATTACH_STDERR:
		error_ignore(fs_write_all(STDERR_FILENO, f.data, (size_t)n));
		break;
	case ATTACH_GAP:
		if (n == (ssize_t)sizeof(lost)) {
			memcpy(&lost, f.data, sizeof(lost));
			fprintf(stderr, "[%llu bytes were not shown: too slow]\n",
				(unsigned long long)lost);
		}
		break;
	case ATTACH_EXIT:
		if (n == (ssize_t)sizeof(code)) {
			memcpy(&code, f.data, sizeof(code));
			s->code = code;
		}
		break;
	default:
		break;
	}
}

static void read_signal(struct session *s)
{
	struct signalfd_siginfo si;

	if (read(s->signal_fd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	if (si.ssi_signo == SIGWINCH)
		send_size(s);
	else if (s->ctl_fd >= 0)
		(void)ctl_send(s->ctl_fd, CTL_SIGNAL, (int32_t)si.ssi_signo, NULL);
	else
		s->code = 128 + (int)si.ssi_signo;
}

static void loop(struct session *s)
{
	while (s->code < 0) {
		struct pollfd p[] = {
			{ .fd = s->fd, .events = POLLIN },
			{ .fd = s->use_stdin ? STDIN_FILENO : -1, .events = POLLIN },
			{ .fd = s->signal_fd, .events = POLLIN },
		};

		if (poll(p, ARRAY_SIZE(p), -1) < 0)
			continue;
		if (p[0].revents)
			read_frame(s);
		if (p[1].revents)
			read_stdin(s);
		if (p[2].revents)
			read_signal(s);
	}
}

static int run_session(struct session *s, struct error *err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGWINCH);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal_fd < 0)
		return error_errno(err, "signalfd");
	if (s->tty && s->use_stdin && tcgetattr(STDIN_FILENO, &s->saved) == 0) {
		struct termios raw = s->saved;

		cfmakeraw(&raw);
		s->is_raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
	}
	send_size(s);
	loop(s);
	if (s->is_raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &s->saved);
	(void)close(s->signal_fd);
	return s->code;
}

/* The exit code from the record, when the session did not tell it. */
static int code_of_record(const struct store *s, const char *id)
{
	struct container_status st = { 0 };
	struct error scratch;
	int code = 125;

	fprintf(stderr, "[the end of the output was not shown: too slow; see podium logs]\n");
	if (status_read(s, id, &st, &scratch) == 0 && st.finished_ns && !st.exit_unknown)
		code = (int)st.exit_code;
	status_done(&st);
	return code;
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	const struct attach_options *o = options;
	struct session s = { .fd = -1, .ctl_fd = -1, .code = -1 };
	struct container_spec spec = { 0 };
	char id[65];
	int r = lookup_container(&ctx->store, argv[0], id, err);

	(void)argc;
	if (r == 0)
		r = lookup_read_container(&ctx->store, id, &spec, err);
	if (r < 0)
		return r;
	s.tty = spec.tty;
	s.use_stdin = !o->no_stdin && (spec.stdin_open || spec.tty);
	record_done(&container_spec_type, &spec);
	s.fd = attach_connect(&ctx->store, id, err);
	if (s.fd < 0)
		return error_set(err, EINVAL, "container '%s' is not running", argv[0]);
	if (o->sig_proxy && !s.tty)
		s.ctl_fd = ctl_connect(&ctx->store, id, err);
	r = run_session(&s, err);
	if (s.is_cut)
		r = code_of_record(&ctx->store, id);
	(void)close(s.fd);
	if (s.ctl_fd >= 0)
		(void)close(s.ctl_fd);
	return r;
}

static void set_defaults(void *options)
{
	((struct attach_options *)options)->sig_proxy = true;
}

static const struct option attach_options_table[] = {
	{ 0, "no-stdin", OPTION_BOOL, O(no_stdin), NULL, "Watch only", false },
	{ 0, "sig-proxy", OPTION_BOOL, O(sig_proxy), NULL,
	  "Pass signals on to the container (without a terminal; default true)", false },
	OPTIONS_END,
};

const struct command cmd_attach = {
	.words = "attach",
	.args = "[options] CONTAINER",
	.summary = "Watch a running container and type into it",
	.options = attach_options_table,
	.options_size = sizeof(struct attach_options),
	.set_defaults = set_defaults,
	.min_args = 1,
	.max_args = 1,
	.store = COMMAND_READS,
	.run = run,
};
