/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session - one poll loop between the caller and a container's monitor.
 *
 * Theory of operation: nothing here stands still. Frames of output are read one at a time, and the
 * next when the last is written; what is typed is read when the last was sent. So a reader that
 * stops stops the container, which still can be signalled, and a container that does not read stops
 * the writer, whose output goes on. A file or a pipe as stdin is not searched for detach keys: they
 * are a terminal's.
 *
 * Starting: session.sock is there before the start is ordered; the monitor connects to it, and does
 * not execute the program before our first frame, which is the size of the terminal. The report of
 * the conductor is read beside it, for warnings and errors. When it ends and nobody has connected,
 * the container was running already or is over: then attach.sock, or the record, have the rest.
 */
#include "cmd/podium/container/session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>

#include "cmd/podium/base/outlet.h"
#include "cmd/podium/base/terminal.h"
#include "cmd/podium/pod/pods.h"
#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"
#include "engine/process/attach.h"
#include "engine/process/ctl.h"
#include "engine/state/status.h"

#define SIGNAL_MAX	64
#define EXIT_OURS	125
#define EXIT_NOT_FOUND	127
#define EXIT_KILLED	137
#define REMOVAL_WAIT_MS 10000
#define REPORT_WAIT_MS	10000 /* for the words about a start that failed */

struct session {
	const struct store *store;
	const char *id;
	const struct session_options *o;
	char pod_id[65];
	bool tty;	/* the container's */
	bool use_stdin; /* there is more to come */
	bool has_keys;	/* stdin is a terminal: detach keys are looked for */
	bool is_cut;	/* it ended without its exit code */
	bool has_exited;
	bool is_solo;
	bool is_lost; /* it runs, and its monitor does not */
	bool removes_itself;
	int code; /* -1: goes on */
	int listen_fd;
	int fd;
	int signal_fd;
	struct pod_start_result report;
	struct detach_keys keys;
	struct outlet out;
	struct outlet err_out;
	struct attach_frame frame; /* of the monitor's, while it is written */
	/* What is to be sent. */
	bool send_hello, send_size, send_eof;
	uint64_t signals;
	size_t input_len;
	char input[ATTACH_DATA_MAX + DETACH_KEYS_MAX];
};

/* ---- to the container ------------------------------------------------------------------- */

/* True when it is sent, or never will be. */
static bool send_one(struct session *s, enum attach_type type, const void *data, size_t len)
{
	return attach_send(s->fd, type, data, len) != -EAGAIN;
}

static void send_first(struct session *s)
{
	struct winsize ws;
	struct attach_size size = { 0 };

	if (s->send_size) {
		if (s->tty && terminal_size(&ws))
			size = (struct attach_size){ ws.ws_row, ws.ws_col };
		s->send_size = size.rows && !send_one(s, ATTACH_RESIZE, &size, sizeof(size));
	}
	if (s->send_hello)
		s->send_hello = !send_one(s, ATTACH_HELLO, NULL, 0);
	for (int32_t sig = 1; sig <= SIGNAL_MAX; sig++)
		if (s->signals & UINT64_C(1) << (sig - 1) &&
		    send_one(s, ATTACH_SIGNAL, &sig, sizeof(sig)))
			s->signals &= ~(UINT64_C(1) << (sig - 1));
}

static void send_input(struct session *s)
{
	size_t n = s->input_len < ATTACH_DATA_MAX ? s->input_len : ATTACH_DATA_MAX;

	if (n && send_one(s, ATTACH_STDIN, s->input, n)) {
		memmove(s->input, s->input + n, s->input_len - n);
		s->input_len -= n;
	}
	if (s->input_len == 0 && s->send_eof)
		s->send_eof = !send_one(s, ATTACH_EOF, NULL, 0);
}

static bool has_to_send(const struct session *s)
{
	return s->send_hello || s->send_size || s->send_eof || s->signals || s->input_len;
}

static void read_stdin(struct session *s)
{
	char data[ATTACH_DATA_MAX];
	bool detached = false;
	ssize_t n = read(STDIN_FILENO, data, sizeof(data));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		s->use_stdin = false;
		s->send_eof = true;
	} else if (s->has_keys) {
		s->input_len = detach_keys_filter(&s->keys, data, (size_t)n, s->input, &detached);
	} else {
		memcpy(s->input, data, (size_t)n);
		s->input_len = (size_t)n;
	}
	send_input(s);
	if (detached)
		s->code = 0;
}

static void read_signal(struct session *s)
{
	struct signalfd_siginfo si;
	int sig;

	if (read(s->signal_fd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	sig = (int)si.ssi_signo;
	if (sig == SIGWINCH && s->tty)
		s->send_size = true;
	else if (s->o->sig_proxy && !s->tty)
		s->signals |= UINT64_C(1) << (sig - 1);
	else if (sig != SIGWINCH && sig != SIGCONT && sig != SIGTSTP)
		s->code = 128 + sig;
}

/* ---- from the container ----------------------------------------------------------------- */

static void tell_gap(const struct session *s, size_t len)
{
	uint64_t lost;

	if (len != sizeof(lost))
		return;
	memcpy(&lost, s->frame.data, sizeof(lost));
	fprintf(stderr, "[%llu bytes were not shown: too slow]\n", (unsigned long long)lost);
}

static void read_frame(struct session *s)
{
	ssize_t n = attach_receive(s->fd, &s->frame);
	int32_t code;

	if (n == -EAGAIN)
		return;
	if (n < 0) { /* its last word did not fit in our full queue, or it was killed */
		s->is_cut = true;
		s->code = EXIT_OURS;
		return;
	}
	switch ((enum attach_type)s->frame.type) {
	case ATTACH_STDOUT:
		outlet_put(&s->out, s->frame.data, s->o->no_stdout ? 0 : (size_t)n);
		break;
	case ATTACH_STDERR:
		outlet_put(&s->err_out, s->frame.data, s->o->no_stderr ? 0 : (size_t)n);
		break;
	case ATTACH_GAP:
		tell_gap(s, (size_t)n);
		break;
	case ATTACH_EXIT:
		if (n != (ssize_t)sizeof(code))
			break;
		memcpy(&code, s->frame.data, sizeof(code));
		s->code = code;
		s->has_exited = true;
		break;
	default:
		break;
	}
}

/* ---- the beginning ---------------------------------------------------------------------- */

static void stop_listening(struct session *s)
{
	if (s->listen_fd >= 0)
		session_unlisten(s->store, s->id);
	close_fd(&s->listen_fd);
}

static void take_socket(struct session *s, int fd)
{
	s->fd = fd;
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	stop_listening(s);
	s->send_size = s->send_hello = true;
	send_first(s);
}

static void accept_monitor(struct session *s)
{
	int fd = ctl_accept(s->listen_fd);

	if (fd >= 0)
		take_socket(s, fd);
}

/* The exit code from the record, when the session was not told it. */
static int code_of_record(const struct session *s)
{
	struct container_status st = { 0 };
	struct error scratch;
	int code = EXIT_OURS;

	if (status_read(s->store, s->id, &st, &scratch) == 0 && st.finished_ns && !st.exit_unknown)
		code = (int)st.exit_code;
	status_done(&st);
	return code;
}

/* The start is over, and no monitor came to us: somebody else has started it. */
static void join_late(struct session *s)
{
	struct error scratch; /* it has ended */
	int fd = -1;

	accept_monitor(s);
	if (s->fd >= 0)
		return;
	if (s->report.failures || s->report.not_built) {
		s->code = EXIT_OURS;
		return;
	}
	fd = attach_connect(s->store, s->id, &scratch);
	if (fd >= 0)
		take_socket(s, fd);
	else
		s->code = code_of_record(s);
}

static void read_report(struct session *s)
{
	(void)pods_watch(&s->report, 1, 0);
	if (s->report.done && s->fd < 0)
		join_late(s);
}

static int order_start(struct session *s, struct error *err)
{
	int r = session_listen(s->store, s->id, err);

	if (r < 0)
		return r;
	s->listen_fd = r;
	return pods_order_start(s->store, s->pod_id, s->id, &s->report, err);
}

/* What the records say of the container. */
static int read_container(struct session *s, bool *ret_runs, struct error *err)
{
	struct container_status st = { 0 };
	struct container_spec spec = { 0 };
	enum container_state state;
	bool lost;
	int r = lookup_read_container(s->store, s->id, &spec, err);

	if (r == 0)
		r = status_read(s->store, s->id, &st, err);
	if (r == 0) {
		state = status_live(s->store, s->id, &st, &lost);
		*ret_runs = state != STATE_CREATED && state != STATE_EXITED &&
			    state != STATE_INITIALIZED;
		s->is_lost = lost;
		s->tty = spec.tty;
		s->is_solo = st.solo;
		s->removes_itself = spec.auto_remove;
		s->use_stdin = !s->o->no_stdin && spec.log.driver != LOG_PASSTHROUGH &&
			       (spec.stdin_open || (spec.tty && !s->o->start));
		(void)snprintf(s->pod_id, sizeof(s->pod_id), "%s", spec.pod_id ? spec.pod_id : "");
	}
	if (r == 0 && !s->o->start && spec.log.driver == LOG_PASSTHROUGH)
		r = error_set(
			err, EOPNOTSUPP,
			"attaching to container %s: this container is using the 'passthrough' "
			"log driver, cannot attach: this container is not logging output",
			s->id);
	record_done(&container_spec_type, &spec);
	status_done(&st);
	return r;
}

static int connect_or_start(struct session *s, struct error *err)
{
	bool runs = false;
	int fd, r = read_container(s, &runs, err);

	if (r < 0)
		return r;
	if (s->o->start && !runs)
		return order_start(s, err);
	fd = runs ? attach_connect(s->store, s->id, err) : -1;
	if (fd < 0 && s->is_lost)
		return error_set(
			err, EINVAL,
			"container '%.12s' runs on without its monitor, so nobody sees its "
			"output: `podium restart %.12s` starts it anew with one",
			s->id, s->id);
	if (fd < 0)
		return error_set(err, EINVAL, "you can only attach to running containers");
	take_socket(s, fd);
	return 0;
}

/* ---- the loop --------------------------------------------------------------------------- */

static void check_outlets(struct session *s)
{
	int e = s->out.error ? s->out.error : s->err_out.error;

	if (!e)
		return;
	s->code = EXIT_OURS;
	if (e != EPIPE) { /* else: whoever read went away, which is no news to anybody */
		struct error err;

		(void)error_set(&err, e, "write to the standard %s: %s",
				s->out.error ? "output" : "error", strerrordesc_np(e));
		command_print_error(&err);
	}
}

/* The exit code of our own kind may have words in the report: these are waited for. So may that of one
 * that was killed before it began, because its pod could not be built. */
static void await_words(struct session *s)
{
	bool has_words = s->is_cut || (s->code >= EXIT_OURS && s->code <= EXIT_NOT_FOUND) ||
			 s->code == EXIT_KILLED;

	/* A monitor whose pod cannot be built goes without a word to us: they are in the report. */
	if (has_words && s->report.report_fd >= 0 && !s->report.done)
		(void)pods_watch(&s->report, 1, REPORT_WAIT_MS);
	if ((s->report.failures || s->report.not_built) && s->code == EXIT_KILLED)
		s->code = EXIT_OURS;
}

/* With --rm the container is gone when the command is. */
static void await_removal(const struct session *s)
{
	if (!s->removes_itself || !(s->has_exited || s->report.failures || s->report.not_built))
		return;
	if (s->is_solo)
		pod_await_end(s->store, s->pod_id);
	else
		(void)container_await_removal(s->store, s->id, REMOVAL_WAIT_MS);
}

static void turn(struct session *s)
{
	bool is_writing = s->out.len || s->err_out.len;
	short socket = (short)((is_writing ? 0 : POLLIN) | (has_to_send(s) ? POLLOUT : 0));
	bool wants_input = s->use_stdin && s->fd >= 0 && !s->input_len;
	struct pollfd p[] = {
		{ .fd = socket ? s->fd : -1, .events = socket },
		{ .fd = wants_input ? STDIN_FILENO : -1, .events = POLLIN },
		{ .fd = s->signal_fd, .events = POLLIN },
		{ .fd = s->listen_fd, .events = POLLIN },
		{ .fd = s->report.done ? -1 : s->report.report_fd, .events = POLLIN },
		{ .fd = s->out.len ? s->out.fd : -1, .events = POLLOUT },
		{ .fd = s->err_out.len ? s->err_out.fd : -1, .events = POLLOUT },
	};

	if (poll(p, ARRAY_SIZE(p), -1) < 0)
		return;
	if (p[5].revents)
		outlet_write(&s->out);
	if (p[6].revents)
		outlet_write(&s->err_out);
	if (p[2].revents)
		read_signal(s);
	if (p[3].revents)
		accept_monitor(s);
	if (p[4].revents)
		read_report(s);
	if (p[0].revents & POLLOUT) {
		send_first(s);
		send_input(s);
	}
	if (p[0].revents & ~POLLOUT && !is_writing)
		read_frame(s);
	if (p[1].revents)
		read_stdin(s);
	check_outlets(s);
}

static int open_signals(struct session *s, sigset_t *old, struct error *err)
{
	sigset_t set;

	terminal_session_signals(&set);
	(void)sigprocmask(SIG_BLOCK, &set, old);
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signal_fd < 0 ? error_errno(err, "signalfd") : 0;
}

static int run_session(struct session *s, struct error *err)
{
	int r = connect_or_start(s, err);

	if (r < 0)
		return r;
	s->has_keys = s->use_stdin && isatty(STDIN_FILENO);
	if (s->tty && s->has_keys)
		(void)terminal_enter_raw(STDIN_FILENO);
	while (s->code < 0)
		turn(s);
	terminal_restore();
	await_words(s);
	await_removal(s);
	if (!s->is_cut)
		return s->code;
	if (s->report.failures || s->report.not_built)
		return EXIT_OURS;
	fprintf(stderr, "[the end of the output was not shown: too slow; see podium logs]\n");
	return code_of_record(s);
}

int container_session(struct command_context *ctx, const char *container_id,
		      const struct session_options *o, struct error *err)
{
	cleanup_free struct session *s = xcalloc(1, sizeof(*s));
	sigset_t old;
	int r;

	*s = (struct session){ .store = &ctx->store,
			       .id = container_id,
			       .o = o,
			       .code = -1,
			       .listen_fd = -1,
			       .fd = -1,
			       .report.report_fd = -1 };
	outlet_init(&s->out, STDOUT_FILENO);
	outlet_init(&s->err_out, STDERR_FILENO);
	r = detach_keys_choose(o->detach_keys, &s->keys, err);
	if (r < 0)
		return r;
	r = open_signals(s, &old, err);
	if (r == 0)
		r = run_session(s, err);
	stop_listening(s);
	close_fd(&s->fd);
	close_fd(&s->signal_fd);
	if (!s->report.done)
		close_fd(&s->report.report_fd);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
}
