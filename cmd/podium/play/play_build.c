/* SPDX-License-Identifier: Apache-2.0 */
/*
 * play_build - builds what a manifest wants and a folder has.
 *
 * Theory of operation: every image that has a folder is one `podium build -t IMAGE FOLDER`, run in a
 * child of ours each, all at once; they share layers and caches through the store as builds of
 * several commands do. A child's output comes through a pipe and goes to stderr, each line behind
 * the image's name when there are several. To a child its output is a pipe, so what its steps print
 * comes as they wrote it; on a terminal it is made harmless here. A signal ends us; the children
 * see it too, or our death, and remove what they have half made. One that fails does not stop the
 * others; then nothing is played.
 */
#include "cmd/podium/play/play_build.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/options.h"
#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/image/store.h"

#define EXIT_OURS  125
#define LINE_BYTES 65536
#define ARGS_MAX   16

struct one_build {
	const char *image; /* as the manifest writes it */
	char *dir;
	char *shown; /* the folder's name */
	pid_t pid;
	int fd; /* its output */
	struct buf line;
};
struct builds {
	struct one_build *v;
	size_t n;
};

static void builds_done(struct builds *b)
{
	for (size_t i = 0; i < b->n; i++) {
		free(b->v[i].dir);
		free(b->v[i].shown);
		buf_done(&b->v[i].line);
		if (b->v[i].fd >= 0)
			(void)close(b->v[i].fd);
	}
	free(b->v);
}
#define cleanup_builds cleanup(builds_done)

/* ---- which ------------------------------------------------------------------------------ */

/* "registry:5000/x/web:1" -> "web"; NULL: a digest, which nobody can build. The caller's. */
static char *folder_of(const char *image)
{
	const char *base = strrchr(image, '/');

	if (strchr(image, '@'))
		return NULL;
	base = base ? base + 1 : image;
	return xstrndup(base, strcspn(base, ":"));
}

static bool has_file(const char *dir, const char *name)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, name);
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* The context of an image, or NULL: none. The caller's. */
static char *find_context(const struct play_build_options *o, const char *source, const char *image)
{
	cleanup_free char *folder = folder_of(image);
	const char *slash = source ? strrchr(source, '/') : NULL;
	cleanup_free char *beside =
		slash ? xstrndup(source, (size_t)(slash - source) + 1) : xstrdup("");
	char *dir;

	if (is_empty(folder) || is_equal(folder, ".") || is_equal(folder, ".."))
		return NULL;
	dir = o->context_dir ? xasprintf("%s/%s", o->context_dir, folder)
			     : xasprintf("%s%s", beside, folder);
	if (has_file(dir, "Containerfile") || has_file(dir, "Dockerfile"))
		return dir;
	free(dir);
	return NULL;
}

static bool is_here(const struct store *s, const char *image)
{
	struct image_config config = { .id = NULL };
	struct error scratch; /* then it is not */
	bool here = image_resolve(s, image, &config, &scratch) == 0;

	record_done(&image_config_type, &config);
	return here;
}

static void choose(const struct store *s, const struct play_build_options *o,
		   const struct pod_plan *plan, struct builds *b, struct strlist *keep)
{
	for (size_t i = 0; i < plan->n_containers; i++) {
		const char *image = plan->containers[i].image;
		cleanup_free char *dir = find_context(o, plan->pod.source, image);

		if (!dir || strlist_has(keep, image))
			continue;
		strlist_add(keep, image);
		if (!o->build.set && is_here(s, image))
			continue;
		b->v = xreallocarray(b->v, b->n + 1, sizeof(*b->v));
		b->v[b->n] = (struct one_build){ .image = image,
						 .fd = -EBADF,
						 .line = BUF_INIT(LINE_BYTES) };
		b->v[b->n].shown = folder_of(image);
		b->v[b->n++].dir = steal_ptr(&dir);
	}
}

/* ---- one build, in a child ---------------------------------------------------------------- */

struct arguments {
	char *v[ARGS_MAX];
	int n;
};

static void add_argument(struct arguments *a, const char *name, const char *value)
{
	if (value)
		a->v[a->n++] = name ? xasprintf("--%s=%s", name, value) : xstrdup(value);
}

static void make_arguments(const struct play_build_options *o, const struct one_build *b,
			   struct arguments *a)
{
	add_argument(a, "tag", b->image);
	add_argument(a, "authfile", o->pull->reg.authfile);
	add_argument(a, "cert-dir", o->pull->reg.cert_dir);
	add_argument(a, "creds", o->pull->reg.creds);
	if (o->pull->reg.tls_verify.set)
		add_argument(a, "tls-verify", o->pull->reg.tls_verify.value ? "true" : "false");
	if (o->quiet)
		add_argument(a, "quiet", "true");
	add_argument(a, NULL, b->dir);
}

/* The command itself; its arguments never stand in a process list. */
static int run_build(struct command_context *ctx, const struct play_build_options *o,
		     const struct one_build *b)
{
	cleanup_free void *values = xcalloc(1, cmd_build.options_size);
	struct arguments a = { .n = 0 };
	struct options_result found;
	struct error err = { .code = 0 };
	int r;

	make_arguments(o, b, &a);
	cmd_build.set_defaults(values);
	r = options_parse(cmd_build.options, values, false, a.n, a.v, &found, &err);
	if (r == 0)
		r = cmd_build.run(ctx, values, found.n_args, a.v, &err);
	if (r < 0)
		command_print_error(&err);
	(void)fflush(stdout);
	return r < 0 ? EXIT_OURS : r;
}

static int start(struct command_context *ctx, const struct play_build_options *o,
		 struct one_build *b, struct error *err)
{
	pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "make a pipe");
	(void)fflush(stdout);
	b->pid = fork();
	if (b->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent || dup3(ends[1], STDOUT_FILENO, 0) < 0 ||
		    dup3(ends[1], STDERR_FILENO, 0) < 0)
			_exit(EXIT_OURS);
		_exit(run_build(ctx, o, b));
	}
	(void)close(ends[1]);
	if (b->pid < 0) {
		(void)close(ends[0]);
		return error_errno(err, "start a build");
	}
	b->fd = ends[0];
	return 0;
}

/* ---- all of them ---------------------------------------------------------------------------- */

/* What a step printed: on a terminal nothing of it acts but a carriage return. */
static void put_text(const char *text, size_t len)
{
	bool is_raw = !isatty(STDERR_FILENO) || WEAKEN("TTY-1");

	while (len && !is_raw) {
		const char *cr = memchr(text, '\r', len);
		size_t n = cr ? (size_t)(cr - text) : len;
		cleanup_free char *safe = str_printable(text, n);

		(void)fputs(safe, stderr);
		if (cr)
			(void)fputc('\r', stderr);
		text += n + (cr != NULL);
		len -= n + (cr != NULL);
	}
	if (len)
		(void)fwrite(text, 1, len, stderr);
}

static void print_lines(struct one_build *b, bool prefixed, bool last)
{
	size_t at = 0;

	while (at < b->line.len) {
		const char *end = memchr(b->line.data + at, '\n', b->line.len - at);
		size_t len = end ? (size_t)(end - b->line.data) - at : b->line.len - at;

		if (!end && !last && b->line.len < LINE_BYTES / 2)
			break;
		if (prefixed) {
			(void)fputc('[', stderr);
			put_text(b->shown, strlen(b->shown));
			(void)fputs("] ", stderr);
		}
		put_text(b->line.data + at, len);
		(void)fputc('\n', stderr);
		at += len + (end != NULL);
	}
	if (at)
		memmove(b->line.data, b->line.data + at, b->line.len - at);
	b->line.len -= at;
}

static void take_output(struct one_build *b, bool prefixed)
{
	char chunk[4096];
	ssize_t n = read(b->fd, chunk, sizeof(chunk));

	if (n < 0 && errno == EINTR)
		return;
	if (n > 0)
		buf_add(&b->line, chunk, (size_t)n);
	print_lines(b, prefixed, n <= 0);
	if (n <= 0) {
		(void)close(b->fd);
		b->fd = -EBADF;
	}
}

static void watch(struct builds *b)
{
	cleanup_free struct pollfd *p = xcalloc(b->n, sizeof(*p));
	size_t open = b->n;

	while (open) {
		open = 0;
		for (size_t i = 0; i < b->n; i++) {
			p[i] = (struct pollfd){ .fd = b->v[i].fd, .events = POLLIN };
			open += b->v[i].fd >= 0;
		}
		if (!open || poll(p, b->n, -1) < 0)
			continue;
		for (size_t i = 0; i < b->n; i++)
			if (p[i].revents)
				take_output(&b->v[i], b->n > 1);
	}
}

static int collect(const struct builds *b, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < b->n; i++) {
		int status = 0;

		while (b->v[i].pid > 0 && waitpid(b->v[i].pid, &status, 0) < 0 && errno == EINTR)
			;
		if (b->v[i].pid > 0 && status)
			r = error_set(err, EIO, "image '%.200s': the build of '%.200s' failed",
				      b->v[i].image, b->v[i].dir);
	}
	return r;
}

int play_build(struct command_context *ctx, const struct play_build_options *o,
	       const struct kube_result *plans, struct strlist *ret_keep, struct error *err)
{
	cleanup_builds struct builds b = { .v = NULL };
	struct error failed = { .code = 0 };
	struct stat st;
	int r = 0, e;

	if (o->context_dir && (stat(o->context_dir, &st) < 0 || !S_ISDIR(st.st_mode)))
		return error_set(err, ENOTDIR, "--context-dir: '%.300s' is not a directory",
				 o->context_dir);
	if (o->build.set && !o->build.value)
		return 0;
	for (size_t i = 0; i < kube_plan_count(plans); i++)
		choose(&ctx->store, o, kube_plan_at(plans, i), &b, ret_keep);
	for (size_t i = 0; i < b.n && r == 0; i++)
		r = start(ctx, o, &b.v[i], err);
	watch(&b);
	e = collect(&b, &failed);
	if (r == 0 && e < 0) {
		*err = failed;
		return e;
	}
	return r;
}
