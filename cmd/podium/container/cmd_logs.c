/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logs - what containers have printed, and what they go on printing.
 *
 * Theory of operation: engine/logs reads the records and hands over the bytes as the container
 * wrote them; here they get their prefix (with several containers, or --names) and go to our stdout
 * or stderr as they came from the container's. On a terminal they pass str_printable(): a container
 * must not move the cursor of whoever reads its log. Into a file or pipe they go untouched.
 *
 * Output bypasses stdio: two buffers, one a stream, each written out before the other grows, so
 * that the order of the two streams is kept where both go to one place. With -f every call is
 * written at once.
 *
 * -f ends when the container's monitor ends: its pidfd is what logread() watches. The pid comes
 * from the state record and counts only while monitor.lock is held and the record still names it.
 * Several containers are followed by a child each, because reading blocks; the children end with
 * us.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/timeparse.h"
#include "cmd/podium/container/view.h"
#include "cmd/podium/pod/podview.h"
#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/logs/logdriver.h"
#include "engine/logs/logread.h"

#define FLUSH_BYTES 65536
#define EXIT_OURS   125
#define COLORS	    6 /* 31 to 36 of ECMA-48 */

struct logs_options {
	bool follow, latest, names, timestamps, color;
	const char *tail, *since, *until;
	const char *container; /* pod logs: this one alone */
};
#define O(m) offsetof(struct logs_options, m)

/* One of the two ways out. */
struct stream {
	int fd;
	bool escape;	  /* a terminal */
	bool inside_line; /* the last call ended without a newline */
	struct buf buf;
};

struct output {
	struct stream out, err;
	bool at_once;
	const char *prefix; /* before each line, or NULL */
};

/* ---- output ----------------------------------------------------------------------------- */

static int flush(struct stream *s)
{
	int r = s->buf.len ? fs_write_all(s->fd, s->buf.data, s->buf.len) : 0;

	s->buf.len = 0;
	return r;
}

static int add(struct output *o, struct stream *s, struct stream *other, const char *data,
	       size_t len)
{
	int r = flush(other);

	if (r < 0)
		return r;
	if (!s->inside_line && o->prefix)
		buf_adds(&s->buf, o->prefix);
	s->inside_line = len == 0 || data[len - 1] != '\n';
	if (s->escape) {
		/* A terminal's line ends with "\r\n": that is no trick. */
		size_t end = len >= 2 && data[len - 1] == '\n' && data[len - 2] == '\r' ? 2 : 0;
		cleanup_free char *safe = str_printable(data, len - end);

		buf_adds(&s->buf, safe);
		buf_adds(&s->buf, end ? "\n" : "");
	} else {
		buf_add(&s->buf, data, len);
	}
	return o->at_once || s->buf.len >= FLUSH_BYTES ? flush(s) : 0;
}

static int on_stdout(void *arg, const char *data, size_t len)
{
	struct output *o = arg;

	return add(o, &o->out, &o->err, data, len);
}

static int on_stderr(void *arg, const char *data, size_t len)
{
	struct output *o = arg;

	return add(o, &o->err, &o->out, data, len);
}

/* ---- one container ---------------------------------------------------------------------- */

/* The pidfd of a container's living monitor, or -1. */
static int open_monitor(const struct store *s, const char *id)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_close int fd = -EBADF;
	struct container_view before, after;
	bool same;

	view_load(s, id, &before);
	if (before.readable && before.st.monitor_pid)
		fd = (int)syscall(SYS_pidfd_open, (pid_t)before.st.monitor_pid, 0);
	view_load(s, id, &after);
	same = fd >= 0 && after.readable && after.st.monitor_pid == before.st.monitor_pid &&
	       is_lock_held(s->rootfd, layout_container(path, id, MONITOR_LOCK));
	view_done(&before);
	view_done(&after);
	return same ? steal_fd(&fd) : -1;
}

/* Where the container's log is; a log that is no file cannot be read. */
static int open_log(const struct store *s, const char *id, char name[LOG_NAME_MAX],
		    struct error *err)
{
	struct container_spec spec = { 0 };
	int r = lookup_read_container(s, id, &spec, err);

	if (r == 0 && spec.log.driver == LOG_JOURNALD)
		r = error_set(err, EOPNOTSUPP,
			      "the log of this container is in the journal: "
			      "journalctl CONTAINER_ID_FULL=%s",
			      id);
	else if (r == 0 && !is_log_file(&spec.log))
		r = error_set(err, ENOENT,
			      "this container is using the '%s' log driver, cannot read logs: this "
			      "container is not logging output",
			      log_driver_names[spec.log.driver]);
	else if (r == 0)
		r = log_place(s, id, &spec.log, name, err);
	record_done(&container_spec_type, &spec);
	return r;
}

static int read_log(const struct store *s, const char *id, const char *prefix,
		    const struct logread_options *how, struct error *err)
{
	struct output o = {
		.out = { .fd = STDOUT_FILENO,
			 .escape = isatty(STDOUT_FILENO),
			 .buf = BUF_INIT(SIZE_MAX / 2) },
		.err = { .fd = STDERR_FILENO,
			 .escape = isatty(STDERR_FILENO),
			 .buf = BUF_INIT(SIZE_MAX / 2) },
		.at_once = how->follow,
		.prefix = prefix,
	};
	struct logread_options options = *how;
	cleanup_close int monitor = how->follow ? open_monitor(s, id) : -1;
	char name[LOG_NAME_MAX];
	cleanup_close int dir = open_log(s, id, name, err);
	int r, w;

	if (dir < 0)
		return dir;
	options.name = name;
	options.follow = monitor >= 0;
	options.stop_fd = monitor;
	options.on_stdout = on_stdout;
	options.on_stderr = on_stderr;
	options.arg = &o;
	r = logread(dir, &options, err);
	w = flush(&o.out);
	w = w < 0 ? w : flush(&o.err);
	buf_done(&o.out.buf);
	buf_done(&o.err.buf);
	if (r == 0 && w < 0)
		r = error_set(err, -w, "write to the standard output: %s", strerror(-w));
	/* Whoever reads has gone away: that is how `logs -f | head` ends. */
	return r == -EPIPE ? EXIT_OURS : r;
}

/* ---- several ---------------------------------------------------------------------------- */

struct target {
	char id[65];
	char *prefix; /* "my-app-ng1 " or NULL */
};

/* In a child of its own, that ends with its parent; it shares the parent's namespaces and ids. */
static void __attribute__((noreturn))
follow_in_child(const struct store *s, const struct target *t, const struct logread_options *how,
		pid_t parent)
{
	struct error err = { 0 };
	int r;

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EXIT_OURS);
	r = read_log(s, t->id, t->prefix, how, &err);
	if (r < 0)
		command_print_error(&err);
	_exit(r < 0 ? EXIT_OURS : r);
}

static int follow_all(const struct store *s, const struct target *v, int n,
		      const struct logread_options *how, struct error *err)
{
	pid_t parent = getpid();
	int code = 0, status, started = 0;

	for (; started < n; started++) {
		pid_t pid = fork();

		if (pid == 0)
			follow_in_child(s, &v[started], how, parent);
		if (pid < 0)
			return error_errno(err, "start a reader");
	}
	for (; started > 0; started--)
		if (wait(&status) > 0 && (!WIFEXITED(status) || WEXITSTATUS(status)))
			code = EXIT_OURS;
	return code;
}

static int read_all(const struct store *s, const struct target *v, int n,
		    const struct logread_options *how, struct error *err)
{
	int r = 0;

	if (how->follow && n > 1)
		return follow_all(s, v, n, how, err);
	for (int i = 0; i < n && r == 0; i++)
		r = read_log(s, v[i].id, v[i].prefix, how, err);
	return r;
}

/* ---- the command ------------------------------------------------------------------------ */

static int parse_options(const struct logs_options *o, struct logread_options *ret,
			 struct error *err)
{
	int64_t now = clock_wall_ns();
	int r = 0;

	*ret = (struct logread_options)LOGREAD_OPTIONS_INIT;
	ret->follow = o->follow;
	ret->timestamps = o->timestamps;
	if (o->tail && !is_equal(o->tail, "all") &&
	    parse_i64(o->tail, INT64_MIN, INT64_MAX, &ret->tail) < 0)
		return error_set(err, EINVAL,
				 "invalid argument \"%.60s\" for \"--tail\" flag: "
				 "neither a number nor 'all'",
				 o->tail);
	if (o->since)
		r = time_parse(o->since, now, &ret->since_ns, err);
	if (r == 0 && o->until)
		r = time_parse(o->until, now, &ret->until_ns, err);
	return r < 0 ? error_wrap(err, "--since, --until") : 0;
}

/* Resolves all names before anything is printed. */
static int find_targets(const struct store *s, int argc, char **argv, struct target *v,
			struct error *err)
{
	for (int i = 0; i < argc; i++) {
		int r = lookup_container(s, argv[i], v[i].id, err);

		if (r < 0)
			return r;
	}
	return 0;
}

static int find_latest(const struct store *s, struct target *t, struct error *err)
{
	struct container_views views;
	int r = views_load(s, &views, err);

	if (r < 0)
		return r;
	if (views.n)
		memcpy(t->id, views.v[views.n - 1].id, sizeof(t->id));
	else
		r = error_set(err, ENOENT, "there is no container");
	views_done(&views);
	return r;
}

/* The colour is of the prefix alone: what the container prints is its own. */
static void set_prefix(const struct store *s, struct target *t, const struct logs_options *o,
		       int nth)
{
	cleanup_free char *shown = NULL;
	struct container_view view;

	view_load(s, t->id, &view);
	shown = o->names && view.st.name ? str_printable(view.st.name, strlen(view.st.name))
					 : xasprintf("%.12s", t->id);
	t->prefix = o->color ? xasprintf("\033[%dm%s\033[0m ", 31 + nth % COLORS, shown)
			     : xasprintf("%s ", shown);
	view_done(&view);
}

/* Reads them all; each line is prefixed when there are several, or when that was asked for. */
static int read_targets(const struct store *s, const struct logs_options *o, struct target *v,
			int n, struct error *err)
{
	struct logread_options how;
	int r = parse_options(o, &how, err);

	if (r < 0)
		return r;
	for (int i = 0; i < n; i++)
		if (o->names || o->color || n > 1)
			set_prefix(s, &v[i], o, i);
	r = read_all(s, v, n, &how, err);
	for (int i = 0; i < n; i++)
		free(v[i].prefix);
	return r;
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	const struct logs_options *o = options;
	int n = o->latest ? 1 : argc;
	cleanup_free struct target *v = xcalloc(n ? (size_t)n : 1, sizeof(*v));
	int r;

	if (o->latest == (argc > 0))
		return error_set(err, EINVAL,
				 o->latest ? "--latest and containers cannot be used together"
					   : "specify at least one container name or ID to log");
	r = o->latest ? find_latest(&ctx->store, v, err)
		      : find_targets(&ctx->store, argc, argv, v, err);
	return r < 0 ? r : read_targets(&ctx->store, o, v, n, err);
}

/* ---- of a pod --------------------------------------------------------------------------- */

static int find_pod(const struct store *s, const struct pod_views *pods, const char *name,
		    const struct pod_view **ret, struct error *err)
{
	char id[65];
	int r = name ? lookup_pod(s, name, id, err) : 0;

	*ret = NULL;
	for (size_t i = 0; r == 0 && i < pods->n && !*ret; i++)
		if (!name || strcmp(pods->v[i].id, id) == 0)
			*ret = &pods->v[i];
	return r < 0 ? r : *ret ? 0 : error_set(err, ENOENT, "there is no pod");
}

/* By full name, id, or its name within the pod. */
static bool is_meant(const struct container_view *m, const struct pod_view *pod, const char *wanted)
{
	size_t len = strlen(pod->name);

	if (!wanted)
		return true;
	if (is_equal(m->st.name, wanted) || (*wanted && is_prefix(m->id, wanted)))
		return true;
	return m->st.name && is_prefix(m->st.name, pod->name) && m->st.name[len] == '-' &&
	       is_equal(m->st.name + len + 1, wanted);
}

static int read_pod(const struct store *s, const struct pod_view *pod, const struct logs_options *o,
		    struct error *err)
{
	cleanup_free struct target *v = xcalloc(pod->n_members + 1, sizeof(*v));
	int n = 0;

	for (size_t i = 0; i < pod->n_members; i++) {
		const struct container_view *m = pod->members[i];

		if (!m->st.infra && is_meant(m, pod, o->container))
			memcpy(v[n++].id, m->id, sizeof(v->id));
	}
	if (!n && o->container)
		return error_set(err, ENOENT,
				 "container %.100s is not in pod %s: no such container",
				 o->container, pod->name);
	return read_targets(s, o, v, n, err);
}

static int run_pod(struct command_context *ctx, void *options, int argc, char **argv,
		   struct error *err)
{
	const struct logs_options *o = options;
	struct container_views views = { 0 };
	struct pod_views pods = { 0 };
	const struct pod_view *pod;
	int r;

	if (o->latest == (argc > 0))
		return error_set(err, EINVAL,
				 o->latest ? "--latest and pods cannot be used together"
					   : "specify at least one pod name or ID to log");
	r = views_load(&ctx->store, &views, err);
	if (r == 0)
		r = pod_views_load(&ctx->store, &views, &pods, err);
	if (r == 0)
		r = find_pod(&ctx->store, &pods, argc ? argv[0] : NULL, &pod, err);
	if (r == 0)
		r = read_pod(&ctx->store, pod, o, err);
	pod_views_done(&pods);
	views_done(&views);
	return r;
}

#define SHARED_OPTIONS                                                                                  \
	{ 0,	    "color", OPTION_BOOL,                                                               \
	  O(color), NULL,    "The id or name before each line, in a colour",                            \
	  false },                                                                                      \
		{ 'f',	     "follow", OPTION_BOOL,                                                     \
		  O(follow), NULL,     "Go on until the container has ended",                           \
		  false },                                                                              \
		{ 'l',	     "latest", OPTION_BOOL,                                                     \
		  O(latest), NULL,     "Of the container that was created last",                        \
		  false },                                                                              \
		{ 'n',	    "names", OPTION_BOOL,                                                       \
		  O(names), NULL,    "The container's name before each line",                           \
		  false },                                                                              \
		{ 0,                                                                                    \
		  "since",                                                                              \
		  OPTION_STRING,                                                                        \
		  O(since),                                                                             \
		  "time",                                                                               \
		  "Only from then on: 2006-01-02T15:04:05Z, or a duration back from now (10m)",         \
		  false },                                                                              \
		{ 0, "tail", OPTION_STRING, O(tail), "int", "Only so many lines from the end", false }, \
		{ 't',	"timestamps", OPTION_BOOL, O(timestamps), NULL, "The time before each line",    \
		  false },                                                                              \
	{                                                                                               \
		0, "until", OPTION_STRING, O(until), "time", "Only until then", false                   \
	}

static const struct option option_table[] = { SHARED_OPTIONS, OPTIONS_END };
static const struct option pod_option_table[] = {
	{ 'c', "container", OPTION_STRING, O(container), "string", "Of this container alone",
	  false },
	SHARED_OPTIONS,
	OPTIONS_END,
};

const struct command cmd_logs = {
	.words = "logs",
	.args = "[options] CONTAINER [CONTAINER...]",
	.summary = "What containers have printed",
	.details = "  With several containers each line begins with the container's id, or with "
		   "its name\n"
		   "  (--names).",
	.options = option_table,
	.options_size = sizeof(struct logs_options),
	.max_args = -1,
	.store = COMMAND_READS,
	.run = run,
};

const struct command cmd_pod_logs = {
	.words = "pod logs",
	.args = "[options] POD",
	.summary = "What the containers of a pod have printed",
	.details = "  With several containers each line begins with the container's id, or with "
		   "its name\n"
		   "  (--names).",
	.options = pod_option_table,
	.options_size = sizeof(struct logs_options),
	.max_args = 1,
	.store = COMMAND_READS,
	.run = run_pod,
};
