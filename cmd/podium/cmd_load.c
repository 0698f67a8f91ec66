/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load - `podium load -i FILE`: images from a docker-archive or oci-archive into the store.
 *
 * Theory of operation: podium links nothing that reads archives. It starts podium-image beside it,
 * reads its events (a JSON object a line, cmd/podium-image/main.c) until the end, and says for each
 * image "Loaded image: NAME". The helper's one line on stderr becomes our error. Its bytes are
 * bounded: it read what others wrote. When podium is killed the helper dies with it, and what it
 * had unpacked by then is swept by the next load.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "cmd/podium/commands.h"
#include "cmd/podium/format.h"
#include "engine/base/json.h"
#include "engine/base/proc.h"

#define LINE_MAX_BYTES	 65536
#define ERROR_TEXT_BYTES 4096

struct load_options {
	const char *input;
	bool quiet;
};

#define O(m) offsetof(struct load_options, m)
static const struct option load_option_table[] = {
	{ 'i', "input", OPTION_STRING, O(input), "string",
	  "Read from this archive file (default: stdin)", false },
	{ 'q', "quiet", OPTION_BOOL, O(quiet), NULL, "Say nothing but the names of what was loaded",
	  false },
	OPTIONS_END,
};

/* One event of the helper. */
static int take_event(const char *line, size_t len, struct error *err)
{
	cleanup_json json_t *j = NULL;
	cleanup_free char *text = NULL;
	const char *event, *name;
	int r = jload_text(line, len, "podium-image", &j, err);

	if (r < 0)
		return r;
	event = jget_str(j, "event");
	name = jget_str(j, "name");
	if (is_equal(event, "warning") && jget_str(j, "text")) {
		command_print_warning(jget_str(j, "text"));
	} else if (is_equal(event, "image") && jget_str(j, "id")) {
		text = name ? xasprintf("Loaded image: %s", name)
			    : xasprintf("Loaded image: sha256:%s", jget_str(j, "id"));
		format_print_line(text);
	}
	return 0;
}

static int take_events(int fd, struct error *err)
{
	cleanup_fclose FILE *f = fdopen(fd, "r");
	cleanup_free char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (!f) {
		(void)close(fd);
		return error_errno(err, "read from podium-image");
	}
	while ((n = getline(&line, &cap, f)) > 0) {
		int r = n > LINE_MAX_BYTES ? error_set(err, EBADMSG, "podium-image says too much")
					   : take_event(line, (size_t)n, err);

		if (r < 0)
			return r;
	}
	return 0;
}

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

static int wait_helper(pid_t pid, int reasonfd, struct error *err)
{
	char reason[ERROR_TEXT_BYTES];
	int status = 0;

	read_reason(reasonfd, reason, sizeof(reason));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status))
		return error_set(err, EIO, "podium-image was killed by signal %d",
				 WTERMSIG(status));
	return error_set(err, EIO, "%.480s", *reason ? reason : "podium-image failed");
}

/* Starts the helper; *ret_out and *ret_reason are the read ends of its stdout and stderr. */
static int start_helper(const struct store *s, const char *input, int *ret_out, int *ret_reason,
			struct error *err)
{
	cleanup_free char *path = NULL;
	cleanup_free char *file = xstrdup(input ? input : "-");
	char *argv[] = { (char *)(uintptr_t) "podium-image",
			 (char *)(uintptr_t) "load",
			 s->root,
			 s->runroot,
			 file,
			 NULL };
	int out[2], reason[2];
	pid_t pid;
	int r = proc_helper_path("podium-image", &path, err);

	if (r < 0)
		return r;
	if (pipe2(out, O_CLOEXEC) < 0)
		return error_errno(err, "make a pipe");
	if (pipe2(reason, O_CLOEXEC) < 0) {
		(void)close(out[0]);
		(void)close(out[1]);
		return error_errno(err, "make a pipe");
	}
	pid = proc_spawn(&(struct proc_spawn){ .path = path,
					       .argv = argv,
					       .stdio = { input ? -1 : 0, out[1], reason[1] },
					       .pass_fd = -1 },
			 NULL, err);
	(void)close(out[1]);
	(void)close(reason[1]);
	if (pid < 0) {
		(void)close(out[0]);
		(void)close(reason[0]);
		return pid;
	}
	*ret_out = out[0];
	*ret_reason = reason[0];
	return pid;
}

static int run_load(struct command_context *ctx, void *options, int argc, char **argv,
		    struct error *err)
{
	const struct load_options *o = options;
	cleanup_close int reason = -EBADF;
	struct error broken = { .code = 0 };
	int out = -EBADF, pid, r, e;

	(void)argc;
	(void)argv;
	if (!o->input && isatty(STDIN_FILENO))
		return error_set(err, EINVAL,
				 "cannot read from a terminal: "
				 "use redirection or the --input option");
	if (is_equal(o->input, "-"))
		return error_set(err, EINVAL, "leave --input out to read from stdin");
	pid = start_helper(&ctx->store, o->input, &out, &reason, err);
	if (pid < 0)
		return pid;
	e = take_events(out, &broken);
	r = wait_helper(pid, reason, err);
	if (r == 0 && e < 0) {
		*err = broken;
		r = e;
	}
	return r;
}

const struct command cmd_load = {
	.words = "load",
	.args = "[options]",
	.summary = "Load images from a docker-archive or oci-archive",
	.details = "The archive may be compressed by gzip or zstd.",
	.options = load_option_table,
	.options_size = sizeof(struct load_options),
	.max_args = 0,
	.store = COMMAND_WRITES,
	.run = run_load,
};
