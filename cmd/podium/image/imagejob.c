/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imagejob - starts podium-image, sends the request, hands its events on, takes its last words.
 *
 * Theory of operation: podium links nothing that speaks TLS or reads archives; what needs that is a
 * verb of podium-image. It is started beside us by proc_spawn(), gets its request through a socket,
 * and tells what happens by lines of JSON until it ends. Its bytes are bounded, because it read what
 * others wrote. When podium is killed the helper dies with it; what is half done then is debris that
 * the next one sweeps.
 *
 * The last line on stderr is the reason of a failure: "CODE text", CODE an errno number, so that
 * callers can tell -ENOENT from -EACCES.
 */
#include "cmd/podium/image/imagejob.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/base/progress.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/proc.h"

#define LINE_MAX_BYTES	 (1024 * 1024)
#define ERROR_TEXT_BYTES 4096
#define ERRNO_MAX	 4095
#define READ_BYTES	 4096

struct imagejob {
	const struct imagejob_spec *spec;
	pid_t pid;
	int events; /* the read end of its stdout */
	int reason; /* of its stderr */
	int socket;
};

static int send_line(int fd, const json_t *j, struct error *err)
{
	cleanup_free char *text = jdump_text(j, 0);
	cleanup_free char *line = xasprintf("%s\n", text);
	int r = fs_write_all(fd, line, strlen(line));

	explicit_bzero(line, strlen(line));
	explicit_bzero(text, strlen(text));
	return r < 0 ? error_set(err, -r, "write to podium-image: %s", strerror(-r)) : 0;
}

int imagejob_reply(struct imagejob *job, const json_t *reply, struct error *err)
{
	return send_line(job->socket, reply, err);
}

/* ---- events ----------------------------------------------------------------------------- */

static int take_line(struct imagejob *job, const char *line, size_t len, struct error *err)
{
	cleanup_json json_t *j = NULL;
	const char *event;
	int r = jload_text(line, len, "podium-image", &j, err);

	if (r < 0)
		return r;
	event = jget_str(j, "event");
	if (!event)
		return error_set(err, EBADMSG, "podium-image says nothing");
	if (progress_take(job->spec->progress, event, j))
		return 0;
	progress_clear(job->spec->progress); /* whoever prints now prints on a line of its own */
	if (is_equal(event, "warning")) {
		if (jget_str(j, "text"))
			command_print_warning(jget_str(j, "text"));
		return 0;
	}
	if (job->spec->on_event)
		return job->spec->on_event(job, job->spec->arg, event, j, err);
	if (is_equal(event, "say") && jget_str(j, "text"))
		progress_say(job->spec->progress, jget_str(j, "text"));
	return 0;
}

/* Waits for the helper's next bytes, or for the word to stop. */
static int wait_bytes(const struct imagejob *job, struct error *err)
{
	struct pollfd p[] = {
		{ .fd = job->events, .events = POLLIN },
		{ .fd = job->spec->stop_fd > 0 ? job->spec->stop_fd : -1, .events = POLLIN },
	};

	for (;;) {
		int n = poll(p, ARRAY_SIZE(p), job->spec->progress ? PROGRESS_TICK_MS : -1);

		if (n > 0)
			break;
		if (n < 0 && errno != EINTR)
			return error_errno(err, "wait for podium-image");
		progress_tick(job->spec->progress);
	}
	return p[1].revents ? error_set(err, EINTR, "interrupted") : 0;
}

/* Takes the whole lines off the front of what was read. */
static int take_lines(struct imagejob *job, struct buf *b, struct error *err)
{
	size_t at = 0;
	const char *end;
	int r = 0;

	while (r == 0 && (end = memchr(b->data + at, '\n', b->len - at))) {
		size_t len = (size_t)(end - b->data) - at;

		r = take_line(job, b->data + at, len, err);
		at += len + 1;
	}
	memmove(b->data, b->data + at, b->len - at);
	b->len -= at;
	return r;
}

static int take_events(struct imagejob *job, struct error *err)
{
	cleanup_buf struct buf b = BUF_INIT(LINE_MAX_BYTES);
	char chunk[READ_BYTES];
	int r = 0;

	while (r == 0) {
		ssize_t n;

		r = wait_bytes(job, err);
		if (r < 0)
			return r;
		n = read(job->events, chunk, sizeof(chunk));
		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, "read from podium-image");
		buf_add(&b, chunk, (size_t)n);
		r = b.overflow ? error_set(err, EBADMSG, "podium-image says too much")
			       : take_lines(job, &b, err);
	}
	return r;
}

/* ---- the end ---------------------------------------------------------------------------- */

/* The helper's last words, without the newline. */
static void read_reason(int fd, char *out, size_t size)
{
	size_t got = 0;
	ssize_t n;

	while (got < size - 1 && (n = read(fd, out + got, size - 1 - got)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		got += (size_t)n;
	}
	out[got] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

static int wait_helper(struct imagejob *job, struct error *err)
{
	char reason[ERROR_TEXT_BYTES];
	char *text;
	int64_t code = 0;
	int status = 0;

	read_reason(job->reason, reason, sizeof(reason));
	while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status))
		return error_set(err, EIO, "podium-image was killed by signal %d",
				 WTERMSIG(status));
	text = strchr(reason, ' ');
	if (text)
		*text++ = '\0';
	if (!text || parse_i64(reason, 1, ERRNO_MAX, &code) < 0)
		return error_set(err, EIO, "podium-image failed");
	return error_set(err, (int)code, "%.480s", text);
}

/* ---- the start -------------------------------------------------------------------------- */

static void close_pair(int fds[2])
{
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
}

static int spawn(struct imagejob *job, int out, int reason, int socket, struct error *err)
{
	const struct imagejob_spec *spec = job->spec;
	cleanup_free char *path = NULL;
	cleanup_free char *verb = xstrdup(spec->verb);
	char *argv[] = { (char *)(uintptr_t) "podium-image", verb, spec->store->root,
			 spec->store->runroot, NULL };
	/* Our stdin is descriptor 0, which would mean none. */
	cleanup_close int data =
		spec->datafd < 0 ? -EBADF : fcntl(spec->datafd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	int r = proc_helper_path("podium-image", &path, err);

	if (r < 0)
		return r;
	if (spec->datafd >= 0 && data < 0)
		return error_errno(err, "pass a descriptor to podium-image");
	/* Its own environment is ours: proxies, HOME, where configuration is looked for. */
	job->pid = proc_spawn(&(struct proc_spawn){ .path = path,
						    .argv = argv,
						    .envp = environ,
						    .stdio = { -1, out, reason },
						    .pass_fd = socket,
						    .pass_fd4 = data },
			      NULL, err);
	return job->pid < 0 ? job->pid : 0;
}

static int start(struct imagejob *job, struct error *err)
{
	int out[2] = { -EBADF, -EBADF }, reason[2] = { -EBADF, -EBADF };
	int sockets[2] = { -EBADF, -EBADF };
	int r = 0;

	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(reason, O_CLOEXEC) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
		r = error_errno(err, "make a pipe");
	if (r == 0)
		r = spawn(job, out[1], reason[1], sockets[1], err);
	if (r < 0) {
		close_pair(out);
		close_pair(reason);
		close_pair(sockets);
		return r;
	}
	(void)close(out[1]);
	(void)close(reason[1]);
	(void)close(sockets[1]);
	job->events = out[0];
	job->reason = reason[0];
	job->socket = sockets[0];
	return 0;
}

int imagejob_run(const struct imagejob_spec *spec, struct error *err)
{
	struct imagejob job = { .spec = spec };
	struct error broken = { .code = 0 };
	cleanup_json json_t *empty = json_object();
	int r = start(&job, err), e;

	if (r < 0)
		return r;
	e = send_line(job.socket, spec->request ? spec->request : empty, &broken);
	if (e == 0)
		e = take_events(&job, &broken);
	if (e < 0 && e != -EPIPE)
		(void)kill(job.pid,
			   SIGKILL); /* a child of ours that is not reaped: its pid is its */
	(void)close(job.socket);
	r = wait_helper(&job, err);
	if (job.events >= 0)
		(void)close(job.events);
	(void)close(job.reason);
	if (e < 0 && (e != -EPIPE || r == 0)) {
		*err = broken;
		return e;
	}
	return r;
}
