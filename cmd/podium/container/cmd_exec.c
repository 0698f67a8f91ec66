/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec - one more process in a running container.
 *
 * Theory of operation: the process is a child of this command, made by podium-launch with the same
 * confinement as the container's own; the command carries its streams and exits with its code. The
 * container's monitor has no part in it. With -d a fork of this command does all that, stays, holds the
 * terminal if there is one, and ends with the process: a container cannot end before those who entered
 * it are reaped, and not every init of a host (that of a container, say) reaps what it is left. After the
 * detach keys the process does belong to init, and a fork holds its terminal.
 *
 * Exit codes: the process's; 126 when the program cannot be run, 127 when it is not found, 125 for
 * everything else that goes wrong before it runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/conf.h"
#include "cmd/podium/base/relay.h"
#include "cmd/podium/container/create_options.h"
#include "cmd/podium/container/view.h"
#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/trace.h"
#include "engine/pod/lookup.h"
#include "engine/process/launch.h"
#include "engine/process/sync.h"
#include "engine/state/status.h"
#include "engine/state/eventlog.h"

struct exec_options {
	bool detach;
	bool latest;
	bool interactive;
	bool tty;
	bool privileged;
	const char *detach_keys;
	const char *user;
	const char *workdir;
	struct strlist env;
	struct strlist env_files;
	struct option_int preserve_fds;
};
#define O(m)	   offsetof(struct exec_options, m)
#define FIRST_KEPT 3
#define KEPT_MAX   500 /* podium-launch has two of each for a moment, and 1024 in all */

#define CODE_NOT_RUNNING 255 /* Podman's */

/* What is under way. */
struct exec_session {
	struct relay relay;
	pid_t launch_pid;
	int sync_fd;
	int request_fd;
	int launch_fd;	  /* of launch_load(), until the program runs; or -1 */
	int launch_mount; /* what it lies in */
	int exit_code;	  /* of a failed start */
};

/* -ESRCH: it does not run, or is paused. */
static int check_container(const struct store *s, const char *id, struct error *err)
{
	struct container_status st = { 0 };
	enum container_state state;
	bool lost;
	int r = status_read(s, id, &st, err);

	if (r < 0)
		return r;
	state = status_live(s, id, &st, &lost);
	if (state != STATE_RUNNING && state != STATE_STOPPING)
		r = error_set(err, ESRCH,
			      "can only create exec sessions on running containers: container "
			      "state improper");
	status_done(&st);
	return r;
}

/* --env and --env-file as `run` has them. */
static int add_env(struct exec_request *req, const struct exec_options *o, struct error *err)
{
	const struct env_flags flags = { .env = o->env, .files = o->env_files };
	const struct conf none = { 0 };
	struct container_spec c = { 0 };
	int r = plan_env(&flags, &none, &c, err);

	for (size_t i = 0; i < c.env.n && r == 0; i++) {
		cleanup_free char *value =
			value_resolve(&c.env.v[i].value, &(struct pairlist){ 0 });

		strlist_addf(&req->env, "%s=%s", c.env.v[i].name, value);
	}
	record_done(&container_spec_type, &c);
	return r;
}

/* What is ours is close-on-exec; what the caller left open for us is not. */
static int check_kept(const struct exec_options *o, struct error *err)
{
	int64_t n = o->preserve_fds.value;

	if (n < 0 || n > KEPT_MAX)
		return error_set(err, EINVAL,
				 "--preserve-fds takes a number of descriptors, at most %d", KEPT_MAX);
	if (n && o->detach)
		return error_set(err, EINVAL,
				 "--preserve-fds works without --detach: nobody keeps them open");
	for (int fd = FIRST_KEPT; fd < FIRST_KEPT + n; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags < 0 || flags & FD_CLOEXEC)
			return error_set(err, EBADF,
					 "file descriptor %d is not available - the preserve-fds "
					 "option requires that file descriptors must be passed",
					 fd);
	}
	return 0;
}

static int make_request(const struct exec_options *o, int argc, char **argv, struct error *err)
{
	struct exec_request req = { .user = xstrdup_or_null(o->user),
				    .working_dir = xstrdup_or_null(o->workdir),
				    .tty = o->tty,
				    .privileged = o->privileged,
				    .preserve_fds = (uint32_t)o->preserve_fds.value };
	cleanup_free char *text = NULL;
	cleanup_close int fd = -EBADF;
	json_t *j;
	int r = add_env(&req, o, err);

	for (int i = 0; i < argc; i++)
		strlist_add(&req.argv, argv[i]);
	j = record_dump(&exec_request_type, &req);
	record_done(&exec_request_type, &req);
	text = jdump_text(j, 0);
	json_decref(j);
	if (r < 0)
		return r;
	fd = memfd_create("exec-request", MFD_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "memfd for the request");
	r = fs_write_all(fd, text, strlen(text));
	if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return error_set(err, EIO, "write the request");
	return steal_fd(&fd);
}

/* Pipes of a process without a terminal; stdio gets its ends. */
static int make_pipes(struct exec_session *x, const struct exec_options *o, int stdio[3],
		      struct error *err)
{
	int p[2];

	stdio[0] = stdio[1] = stdio[2] = -1;
	if (o->tty || o->detach)
		return 0;
	if (o->interactive) {
		if (pipe2(p, O_CLOEXEC) < 0)
			return error_errno(err, "pipe");
		stdio[0] = p[0];
		x->relay.in_fd = p[1];
	}
	if (pipe2(p, O_CLOEXEC) < 0)
		return error_errno(err, "pipe");
	x->relay.out_fd = p[0];
	stdio[1] = p[1];
	if (pipe2(p, O_CLOEXEC) < 0)
		return error_errno(err, "pipe");
	x->relay.err_fd = p[0];
	stdio[2] = p[1];
	return 0;
}

static int spawn(struct exec_session *x, const struct store *s, const char *id, const int stdio[3],
		 struct error *err)
{
	struct launch_start l = { .store = s,
				  .verb = "exec",
				  .id = id,
				  .request_fd = x->request_fd,
				  .stdio = { stdio[0], stdio[1], stdio[2] } };
	int r = x->launch_fd = launch_load(&x->launch_mount, err);

	l.program_fd = r;
	if (r >= 0)
		r = launch_spawn(&l, &x->sync_fd, err);
	x->launch_pid = r > 0 ? r : 0;
	return r < 0 ? r : 0;
}

static int handle_sync(struct exec_session *x, const struct sync_msg *msg, int fd,
		       struct error *err)
{
	switch ((enum sync_step)msg->step) {
	case SYNC_STARTED:
		x->relay.pidfd = fd;
		(void)waitpid(x->launch_pid, NULL, 0);
		x->launch_pid = 0;
		return 0;
	case SYNC_PTY:
		x->relay.pty_fd = fd;
		relay_copy_size(fd);
		return 0;
	case SYNC_WARNING:
		trace("%s", msg->err.text); /* it was said when the container was started */
		break;
	case SYNC_READY:
		return sync_send(x->sync_fd, SYNC_GO, 0, NULL, -1) < 0
			       ? error_set(err, EPIPE, "process ended before it was started")
			       : 0;
	case SYNC_ERROR:
		x->exit_code = msg->value ? msg->value : 125;
		*err = msg->err;
		return err->code > 0 ? -err->code : error_set(err, EIO, "%s", msg->err.text);
	case SYNC_GO:
	case SYNC_SANDBOX:
	case SYNC_KEEP:
	case SYNC_MESSAGE:
		break;
	}
	if (fd >= 0)
		(void)close(fd);
	return 0;
}

/* Follows podium-launch until the program runs. */
static int await_exec(struct exec_session *x, struct error *err)
{
	for (;;) {
		struct sync_msg msg;
		int fd = -EBADF;
		int r = sync_receive(x->sync_fd, &msg, &fd, err);

		if (r == 0)
			return x->relay.pidfd >= 0 ? 0
						   : error_set(err, EPROTO,
							       "podium-launch ended "
							       "without a word");
		if (r > 0)
			r = handle_sync(x, &msg, fd, err);
		if (r < 0)
			return r;
	}
}

static void leave_streams(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)setsid();
	for (int i = 0; i < 3; i++)
		(void)dup2(null, i);
}

/* Reads what the process writes to its terminal, until both are gone. */
static void drain_terminal(int master, int pidfd)
{
	char data[4096];

	for (;;) {
		struct pollfd p[] = { { .fd = master, .events = POLLIN },
				      { .fd = pidfd, .events = POLLIN } };

		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			break;
		if (p[0].revents && read(master, data, sizeof(data)) <= 0 && errno != EAGAIN)
			break;
		if (p[1].revents)
			break;
	}
}

static int leave_behind(struct exec_session *x, struct error *err)
{
	pid_t pid = x->relay.pty_fd >= 0 ? fork() : 0;

	if (x->relay.pty_fd < 0)
		return 0;
	if (pid == 0) {
		leave_streams();
		drain_terminal(x->relay.pty_fd, x->relay.pidfd);
		_exit(0);
	}
	(void)close(x->relay.pty_fd);
	return pid < 0 ? error_errno(err, "hold the terminal") : 0;
}

static int wait_code(int pidfd)
{
	siginfo_t si = { 0 };

	if (waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED | __WALL) < 0)
		return 125;
	return si.si_code == CLD_EXITED ? si.si_status : 128 + si.si_status;
}

/* What was made so far is ours to wait for: unreaped, it would keep the container from ending. */
static void end_failed(struct exec_session *x)
{
	if (x->launch_pid > 0)
		(void)waitpid(x->launch_pid, NULL, 0);
	if (x->relay.pidfd < 0)
		return;
	(void)pidfd_signal(x->relay.pidfd, SIGKILL);
	(void)waitid(P_PIDFD, (id_t)x->relay.pidfd, &(siginfo_t){ 0 }, WEXITED | __WALL);
}

/* Its end has the kernel wait, which now nobody does: the program is on its way. */
static void forget_launch(struct exec_session *x)
{
	if (x->launch_fd >= 0)
		(void)close(x->launch_fd);
	if (x->launch_mount >= 0)
		(void)close(x->launch_mount);
	x->launch_fd = x->launch_mount = -1;
}

/* A launch that has ended has said why. One that waits for more than comes is ended by the end of the
 * socket. */
static int send_kept(struct exec_session *x, int64_t n, struct error *err)
{
	for (int fd = FIRST_KEPT; fd < FIRST_KEPT + n; fd++) {
		int r = sync_send(x->sync_fd, SYNC_KEEP, 0, NULL, fd);

		if (r == -EPIPE || r == -ECONNRESET)
			return 0;
		if (r < 0) {
			(void)close(x->sync_fd);
			x->sync_fd = -1;
			forget_launch(x);
			end_failed(x);
			return error_set(err, -r, "pass descriptor %d on: %s", fd, strerror(-r));
		}
	}
	return 0;
}

static int run_session(struct exec_session *x, const struct exec_options *o, struct error *err)
{
	char session[65];
	int r = await_exec(x, err);

	forget_launch(x);
	if (r < 0) {
		end_failed(x);
		if (x->exit_code == 126 || x->exit_code == 127) {
			command_print_error(err);
			return x->exit_code;
		}
		return r;
	}
	if (o->detach) {
		id_new(session);
		printf("%s\n", session);
		return 0;
	}
	x->relay.use_stdin = o->interactive;
	r = relay_run(&x->relay, err);
	if (r == 0 && x->relay.is_detached)
		return leave_behind(x, err);
	return r < 0 ? r : wait_code(x->relay.pidfd);
}

/* What the fork of -d says: the result of run_session(). */
struct answer {
	int r;
	struct error err;
};

/* What the caller had open is nobody's business any more: a lock, the other end of a pipe. */
static void close_others(const int *keep, size_t n)
{
	int last = 2;

	for (size_t i = 0; i < n; i++)
		last = keep[i] > last ? keep[i] : last;
	for (int fd = 3; fd < last; fd++) {
		bool is_kept = false;

		for (size_t i = 0; i < n; i++)
			is_kept |= keep[i] == fd;
		if (!is_kept)
			(void)close(fd);
	}
	(void)close_range((unsigned int)last + 1, ~0U, 0);
}

/* The process runs: says so, and stays until it has ended. */
static void hold_detached(const struct store *s, struct exec_session *x, int answer_fd)
{
	const int keep[] = { s->rootfd, s->runfd, x->relay.pidfd, x->relay.pty_fd };
	const struct answer a = { 0 };

	(void)fflush(stdout);
	error_ignore(fs_write_all(answer_fd, &a, sizeof(a)));
	leave_streams();
	close_others(keep, ARRAY_SIZE(keep));
	x->sync_fd = -1;
	if (chdir("/") == 0 && x->relay.pty_fd >= 0)
		drain_terminal(x->relay.pty_fd, x->relay.pidfd);
	(void)wait_code(x->relay.pidfd);
}

/* The session, with its begin and end in the log of everything. */
static int run_told(const struct store *s, const char *id, struct exec_session *x,
		    const struct exec_options *o, int answer_fd, struct error *err)
{
	struct container_view view;
	int r;

	view_load(s, id, &view);
	event_log_container(s, "exec", id, &view.st);
	r = run_session(x, o, err);
	if (o->detach && r == 0)
		hold_detached(s, x, answer_fd);
	event_log_container(s, "exec_died", id, &view.st);
	view_done(&view);
	return r;
}

static int spawn_told(const struct store *s, const char *id, struct exec_session *x,
		      const struct exec_options *o, int answer_fd, struct error *err)
{
	int stdio[3], r = make_pipes(x, o, stdio, err);

	if (r == 0)
		r = spawn(x, s, id, stdio, err);
	if (r == 0)
		r = send_kept(x, o->preserve_fds.value, err);
	for (int i = 0; i < 3; i++)
		if (stdio[i] >= 0)
			(void)close(stdio[i]);
	return r < 0 ? r : run_told(s, id, x, o, answer_fd, err);
}

/* -d: a fork does everything and says how it went. */
static int run_detached(const struct store *s, const char *id, struct exec_session *x,
			const struct exec_options *o, struct error *err)
{
	struct answer a = { 0 };
	ssize_t n;
	int p[2];
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		return error_errno(err, "pipe");
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0) {
		a.r = spawn_told(s, id, x, o, p[1], &a.err);
		if (a.r != 0) /* else it was said, and the process has ended since */
			error_ignore(fs_write_all(p[1], &a, sizeof(a)));
		_exit(0);
	}
	(void)close(p[1]);
	n = pid < 0 ? 0 : read(p[0], &a, sizeof(a));
	(void)close(p[0]);
	if (n != sizeof(a))
		return error_set(err, EPROTO, "the session ended without a word");
	if (a.r < 0)
		*err = a.err;
	return a.r;
}

#define END_IS_WRITTEN_MS 1000
#define LOOK_AGAIN_MS	  10
/* A container that ended while it was entered: that is the reason, whatever was missing then. */
static int explain(const struct store *s, const char *id, int r, struct error *err)
{
	int64_t deadline = clock_mono_ms() + END_IS_WRITTEN_MS;
	struct error now;
	int gone = r < 0 ? check_container(s, id, &now) : 0;

	/* Whoever kills a container kills ours with it, and its monitor writes it down after that. */
	while (r == -EPIPE && gone == 0 && clock_mono_ms() < deadline) {
		(void)usleep(LOOK_AGAIN_MS * 1000);
		gone = check_container(s, id, &now);
	}
	if (gone != -ESRCH && gone != -ENOENT)
		return r;
	*err = now;
	if (gone == -ENOENT)
		(void)error_set(err, ENOENT, "container '%.12s' was removed meanwhile", id);
	command_print_error(err);
	return CODE_NOT_RUNNING;
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	const struct exec_options *o = options;
	struct exec_session x = {
		.relay = { .in_fd = -1, .out_fd = -1, .err_fd = -1, .pty_fd = -1, .pidfd = -1 },
		.sync_fd = -1,
		.launch_fd = -1,
		.launch_mount = -1
	};
	const char *name = o->latest || argc == 0 ? NULL : argv[0];
	int first = name ? 1 : 0;
	char id[65];
	int r;

	if (o->tty && o->interactive && !isatty(STDIN_FILENO))
		command_print_warning("the input device is not a terminal");
	r = detach_keys_choose(o->detach_keys, &x.relay.keys, err);
	if (r == 0)
		r = check_kept(o, err);
	if (r == 0)
		r = view_find(&ctx->store, o->latest, name, id, err);
	if (r == 0 && argc <= first)
		r = error_set(err, EINVAL,
			      "must provide a non-empty command to start an exec session: "
			      "invalid argument");
	if (r == 0)
		r = check_container(&ctx->store, id, err);
	if (r == 0)
		r = x.request_fd = make_request(o, argc - first, argv + first, err);
	if (r == -ESRCH) {
		command_print_error(err);
		return CODE_NOT_RUNNING;
	}
	if (r < 0)
		return r;
	r = o->detach ? run_detached(&ctx->store, id, &x, o, err)
		      : spawn_told(&ctx->store, id, &x, o, -1, err);
	r = explain(&ctx->store, id, r, err);
	(void)close(x.request_fd);
	if (x.sync_fd >= 0)
		(void)close(x.sync_fd);
	if (x.relay.pidfd >= 0)
		(void)close(x.relay.pidfd);
	return r;
}

static const struct option exec_options_table[] = {
	{ 'd', "detach", OPTION_BOOL, O(detach), NULL, "Do not wait for the process", false },
	{ 0, "detach-keys", OPTION_STRING, O(detach_keys), "keys", DETACH_KEYS_HELP, false },
	{ 'e', "env", OPTION_STRINGS, O(env), "NAME=VALUE", "Set an environment variable", false },
	{ 0, "env-file", OPTION_LIST, O(env_files), "file",
	  "Set those of a file of NAME=VALUE lines", false },
	{ 'i', "interactive", OPTION_BOOL, O(interactive), NULL, "Pass stdin on", false },
	{ 'l', "latest", OPTION_BOOL, O(latest), NULL, "In the container that was created last",
	  false },
	{ 0, "preserve-fds", OPTION_INT, O(preserve_fds), "n",
	  "Pass descriptors 3 to n+2 on to the process", false },
	{ 0, "privileged", OPTION_BOOL, O(privileged), NULL, "All capabilities", false },
	{ 't', "tty", OPTION_BOOL, O(tty), NULL, "Give it a terminal", false },
	{ 'u', "user", OPTION_STRING, O(user), "user[:group]", "Names or numbers", false },
	{ 'w', "workdir", OPTION_STRING, O(workdir), "path", "Working directory", false },
	OPTIONS_END,
};

const struct command cmd_exec = {
	.words = "exec",
	.args = "[options] CONTAINER COMMAND [ARG...]",
	.summary = "Run a process in a running container",
	.options = exec_options_table,
	.options_size = sizeof(struct exec_options),
	.min_args = 1,
	.max_args = -1,
	.store = COMMAND_READS,
	.stop_at_first_arg = true,
	.run = run,
};
