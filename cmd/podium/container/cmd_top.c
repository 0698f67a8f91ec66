/* SPDX-License-Identifier: Apache-2.0 */
/*
 * top, pod top - the processes of a container, or of every running container of a pod.
 *
 * Theory of operation: proclist.h reads them from outside; no program of the container is run, so
 * its image needs no ps and cannot answer for it (EXE-4). Descriptors are Podman's, as names or
 * codes. What ps(1) is usually asked for (-ef, aux, -eo LIST) is understood here and answered from
 * the same facts; other options of ps are refused by name.
 */
#include <errno.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/container/proclist.h"
#include "cmd/podium/pod/podview.h"
#include "engine/base/json.h"

#define COLUMNS_MAX 64

struct top_options {
	bool latest;
};

struct top {
	const struct proc_column *columns[COLUMNS_MAX];
	size_t n;
};

/* ---- what to show ----------------------------------------------------------------------- */

/* Words of ps -o for what has another name here. */
static const struct {
	const char *ps;
	const char *name;
} ps_words[] = {
	{ "%cpu", "pcpu" },	   { "cmd", "args" },	{ "command", "args" },
	{ "ucmd", "comm" },	   { "ucomm", "comm" }, { "ni", "nice" },
	{ "pgrp", "pgid" },	   { "tt", "tty" },	{ "tname", "tty" },
	{ "cputime", "time" },	   { "euser", "user" }, { "uname", "user" },
	{ "egroup", "group" },	   { "s", "state" },	{ "stat", "state" },
	{ "vsize", "vsz" },	   { "rssize", "rss" }, { "rsz", "rss" },
	{ "start_time", "stime" },
};

static int add_column(struct top *t, const char *word, bool ps, struct error *err)
{
	const struct proc_column *c;

	for (size_t i = 0; ps && i < ARRAY_SIZE(ps_words); i++)
		if (is_equal(ps_words[i].ps, word))
			word = ps_words[i].name;
	c = proc_column_find(word);
	if (!c) {
		cleanup_free char *names = proc_column_names();

		return error_set(err, EINVAL, "unknown descriptor '%.60s', must be among: %s", word,
				 names);
	}
	if (t->n == COLUMNS_MAX)
		return error_set(err, E2BIG, "more than %d descriptors", COLUMNS_MAX);
	t->columns[t->n++] = c;
	return 0;
}

static int add_columns(struct top *t, const char *words, bool ps, struct error *err)
{
	cleanup_free char *copy = xstrdup(words);
	char *at = copy, *word;
	int r = 0;

	while (r == 0 && (word = strsep(&at, ", ")))
		if (*word)
			r = add_column(t, word, ps, err);
	return r;
}

/* The options of ps(1) that are understood: which processes (all of the container, always) and which
 * columns. */
static int parse_ps(struct top *t, int argc, char **argv, struct error *err)
{
	int r = 0;

	for (int i = 0; i < argc && r == 0; i++) {
		const char *a = argv[i], *o = *a == '-' ? strchr(a, 'o') : NULL;

		if (is_equal(a, "-ef") || is_equal(a, "-f")) {
			r = add_columns(t, "user,pid,ppid,pcpu,stime,tty,time,args", true, err);
		} else if (is_equal(a, "aux") || is_equal(a, "-aux") || is_equal(a, "u")) {
			r = add_columns(t, "user,pid,pcpu,vsz,rss,tty,state,stime,time,args", true,
					err);
		} else if (o && strspn(a, "-eA") == (size_t)(o - a)) {
			const char *list = o[1] ? o + 1 : ++i < argc ? argv[i] : NULL;

			if (!list)
				return error_set(err, EINVAL, "-o needs a list of columns");
			r = add_columns(t, list, true, err);
		} else if (!is_equal(a, "-e") && !is_equal(a, "-A") && !is_equal(a, "ax")) {
			return error_set(err, EINVAL,
					 "option '%.60s' of ps is not supported: -e, -A, -f, -ef, "
					 "aux and -o LIST are, and descriptors (see --help)",
					 a);
		}
	}
	return r;
}

static int parse_words(struct top *t, int argc, char **argv, struct error *err)
{
	int r = 0;

	if (argc && (*argv[0] == '-' || is_equal(argv[0], "aux") || is_equal(argv[0], "ax")))
		r = parse_ps(t, argc, argv, err);
	else
		for (int i = 0; i < argc && r == 0; i++)
			r = add_columns(t, argv[i], false, err);
	if (r == 0 && !t->n)
		r = add_columns(t, "user,pid,ppid,pcpu,etime,tty,time,args", false, err);
	return r;
}

/* ---- output ----------------------------------------------------------------------------- */

static bool is_running(const struct container_view *view)
{
	return (view->live == STATE_RUNNING || view->live == STATE_PAUSED ||
		view->live == STATE_STOPPING) &&
	       view->st.pid;
}

static int add_container(const struct top *t, const struct container_view *view, json_t *rows,
			 struct error *err)
{
	cleanup_cgroup struct cgroup_ctx cg = CGROUP_CTX_INIT;
	struct cgroup_processes pids;
	int r = cgroup_open(&cg, err);

	if (r == 0)
		r = proclist_pids(&cg, view, &pids, err);
	if (r < 0)
		return r;
	proclist_rows(&pids, view, t->columns, t->n, rows);
	cgroup_processes_done(&pids);
	return 0;
}

static int print(const struct top *t, const json_t *rows, struct error *err)
{
	struct format_column columns[COLUMNS_MAX + 1] = { { NULL, NULL } };

	for (size_t i = 0; i < t->n; i++)
		columns[i] = (struct format_column){ t->columns[i]->header, t->columns[i]->name };
	return format_list(rows, columns, NULL, false, err);
}

static int run_top(struct command_context *ctx, void *options, int argc, char **argv,
		   struct error *err)
{
	const struct top_options *o = options;
	int named = o->latest ? 0 : 1;
	cleanup_json json_t *rows = json_array();
	struct container_view view;
	struct top t = { .n = 0 };
	char id[65];
	int r;

	if (argc < named)
		return error_set(err, EINVAL,
				 "you must provide the name or id of a running container");
	r = view_find(&ctx->store, o->latest, named ? argv[0] : NULL, id, err);
	if (r == 0)
		r = parse_words(&t, argc - named, argv + named, err);
	if (r < 0)
		return r;
	view_load(&ctx->store, id, &view);
	r = is_running(&view)
		    ? add_container(&t, &view, rows, err)
		    : error_set(err, EINVAL, "top can only be used on running containers");
	view_done(&view);
	return r < 0 ? r : print(&t, rows, err);
}

static int find_pod(const struct store *s, const struct pod_views *pods, bool latest,
		    const char *name, const struct pod_view **ret, struct error *err)
{
	char id[65];
	int r = latest ? 0 : lookup_pod(s, name, id, err);

	*ret = NULL;
	if (r < 0)
		return r;
	for (size_t i = 0; i < pods->n && !*ret; i++)
		if (latest || strcmp(pods->v[i].id, id) == 0)
			*ret = &pods->v[i];
	return *ret ? 0 : error_set(err, ENOENT, "there is no pod");
}

static int add_pod(const struct top *t, const struct pod_view *pod, json_t *rows, struct error *err)
{
	bool any = false;
	int r = 0;

	for (size_t i = 0; i < pod->n_members && r == 0; i++) {
		if (!is_running(pod->members[i]))
			continue;
		any = true;
		r = add_container(t, pod->members[i], rows, err);
	}
	if (r == 0 && !any)
		r = error_set(err, EINVAL, "pod top can only be used on pods that run");
	return r;
}

static int run_pod_top(struct command_context *ctx, void *options, int argc, char **argv,
		       struct error *err)
{
	const struct top_options *o = options;
	int named = o->latest ? 0 : 1;
	cleanup_json json_t *rows = json_array();
	struct container_views views = { 0 };
	struct pod_views pods = { 0 };
	const struct pod_view *pod;
	struct top t = { .n = 0 };
	int r;

	if (argc < named)
		return error_set(err, EINVAL, "you must provide the name or id of a running pod");
	r = parse_words(&t, argc - named, argv + named, err);
	if (r == 0)
		r = views_load(&ctx->store, &views, err);
	if (r == 0)
		r = pod_views_load(&ctx->store, &views, &pods, err);
	if (r == 0)
		r = find_pod(&ctx->store, &pods, o->latest, named ? argv[0] : NULL, &pod, err);
	if (r == 0)
		r = add_pod(&t, pod, rows, err);
	pod_views_done(&pods);
	views_done(&views);
	return r < 0 ? r : print(&t, rows, err);
}

#define DETAILS                                                                                   \
	"  Descriptors: args capamb capbnd capeff capinh capprm comm etime group groups hgroup\n" \
	"  hgroups hpid huser label nice pcpu pgid pid ppid rgroup rss ruser seccomp state "      \
	"stime\n"                                                                                 \
	"  time tty user vsz, or their codes (%U). Of ps: -e, -A, -f, -ef, aux, -o LIST."

static const struct option option_table[] = {
	{ 'l', "latest", OPTION_BOOL, offsetof(struct top_options, latest), NULL,
	  "The one that was created last", false },
	OPTIONS_END,
};

const struct command cmd_top = {
	.words = "top",
	.args = "[options] CONTAINER [DESCRIPTOR...|PS-OPTION...]",
	.summary = "The processes of a container",
	.details = DETAILS,
	.options = option_table,
	.options_size = sizeof(struct top_options),
	.max_args = -1,
	.store = COMMAND_READS,
	.stop_at_first_arg = true,
	.run = run_top,
};

const struct command cmd_pod_top = {
	.words = "pod top",
	.args = "[options] POD [DESCRIPTOR...|PS-OPTION...]",
	.summary = "The processes of a pod's containers",
	.details = DETAILS,
	.options = option_table,
	.options_size = sizeof(struct top_options),
	.max_args = -1,
	.store = COMMAND_READS,
	.stop_at_first_arg = true,
	.run = run_pod_top,
};
