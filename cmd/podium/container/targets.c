/* SPDX-License-Identifier: Apache-2.0 */
/*
 * targets - finds what a verb works on, and works on all of it at once.
 *
 * Theory of operation: names are resolved first, all of them, so that a wrong one changes nothing.
 * Then each target is worked on by a forked child of its own (a single one by this process), since
 * what a verb waits for (a grace period, a conductor) it waits for in a blocking way: so n of them take
 * as long as the slowest. A child writes its result to a pipe and ends; one that is killed counts as
 * failed. Results are told in the order of the targets, names on stdout as soon as it is their turn,
 * errors after them.
 *
 * Mustn't: be called while a lock or a buffered output is held, both would be shared.
 */
#include "cmd/podium/container/targets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/podium/base/filter.h"
#include "cmd/podium/pod/pods.h"
#include "cmd/podium/pod/podview.h"
#include "engine/base/mem.h"

void targets_done(struct targets *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i].name);
	free(t->v);
	*t = (struct targets){ 0 };
}

bool targets_has(const struct targets *t, const char *id)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->v[i].id, id) == 0)
			return true;
	return false;
}

bool targets_add(struct targets *t, const char *id, const char *name)
{
	struct target *one;

	if (targets_has(t, id))
		return false;
	one = list_add(t);
	(void)snprintf(one->id, sizeof(one->id), "%s", id);
	one->name = xstrdup(name);
	return true;
}

static int compare_ids(const void *a, const void *b)
{
	const struct target *x = a, *y = b;

	return strcmp(x->id, y->id);
}

typedef int lookup_fn(const struct store *s, const char *name, char ret_id[65], struct error *err);

/* Those of the arguments and id files. */
static int add_named(struct command_context *ctx, const struct life_options *o,
		     const struct strlist *names, lookup_fn *lookup, struct targets *ret,
		     struct error *err)
{
	for (size_t i = 0; i < names->n; i++) {
		char id[65];
		int r = lookup(&ctx->store, names->v[i], id, err);

		if (r == -ENOENT && o->ignore)
			continue;
		if (r < 0)
			return r;
		(void)targets_add(ret, id, names->v[i]);
	}
	return 0;
}

static int collect_names(const struct life_options *o, int argc, char **argv, const char *what,
			 struct strlist *ret, struct error *err)
{
	int r = life_options_check(o, argc, err);

	for (int i = 0; i < argc && r == 0; i++)
		strlist_add(ret, argv[i]);
	return r < 0 ? r : life_options_read_files(o, what, ret, err);
}

/* ---- containers ------------------------------------------------------------------------- */

/* What a listing shows: no step of a build, no infra of one that stands by itself. */
static void add_views(const struct life_options *o, const struct container_views *views,
		      const struct strlist *shown, const struct filter_set *f,
		      struct command_context *ctx, target_wanted *wanted, struct targets *ret)
{
	for (size_t i = 0; i < views->n; i++) {
		const struct container_view *v = &views->v[i];

		if (!strlist_has(shown, v->id) || (!o->latest && wanted && !wanted(v)) ||
		    (f && !is_container_match(f, &ctx->store, v)))
			continue;
		if (o->latest) { /* the youngest is the last */
			targets_done(ret);
			*ret = (struct targets){ 0 };
		}
		(void)targets_add(ret, v->id, v->id);
	}
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare_ids);
}

static int find_by_options(struct command_context *ctx, const struct life_options *o,
			   target_wanted *wanted, struct targets *ret, struct error *err)
{
	cleanup_strlist struct strlist shown = { 0 };
	struct container_views views = { 0 };
	struct filter_set *f = NULL;
	int r = pods_list_containers(&ctx->store, &shown, err);

	if (r == 0)
		r = views_load(&ctx->store, &views, err);
	if (r == 0 && o->filters.n)
		r = filters_parse_containers(&ctx->store, &views, &o->filters, &f, err);
	if (r == 0)
		add_views(o, &views, &shown, f, ctx, wanted, ret);
	if (r == 0 && o->latest && ret->n == 0)
		r = error_set(err, ENOENT, "no containers found: no such container");
	filters_free(f);
	views_done(&views);
	return r;
}

int targets_find(struct command_context *ctx, const struct life_options *o, int argc, char **argv,
		 target_wanted *wanted, struct targets *ret, struct error *err)
{
	cleanup_strlist struct strlist names = { 0 };
	int r = collect_names(o, argc, argv, "CIDFile", &names, err);

	if (r < 0)
		return r;
	if (names.n)
		return add_named(ctx, o, &names, lookup_container, ret, err);
	return find_by_options(ctx, o, wanted, ret, err);
}

/* ---- pods ------------------------------------------------------------------------------- */

static int find_pods_by_options(struct command_context *ctx, const struct life_options *o,
				target_pod_wanted *wanted, struct targets *ret, struct error *err)
{
	cleanup_strlist struct strlist shown = { 0 };
	struct container_views views = { 0 };
	struct pod_views pods = { 0 };
	int r = pods_resolve(&ctx->store, 0, NULL, true, &shown, err);

	if (r == 0)
		r = views_load(&ctx->store, &views, err);
	if (r == 0)
		r = pod_views_load(&ctx->store, &views, &pods, err);
	for (size_t i = 0; i < pods.n && r == 0; i++) {
		const struct pod_view *v = &pods.v[i];

		if (!strlist_has(&shown, v->id) || (!o->latest && wanted && !wanted(v->state)))
			continue;
		(void)targets_add(ret, v->id, v->id);
		if (o->latest)
			break; /* the youngest is the first */
	}
	if (r == 0 && o->latest && ret->n == 0)
		r = error_set(err, ENOENT, "no pods found: no such pod");
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare_ids);
	pod_views_done(&pods);
	views_done(&views);
	return r;
}

int targets_find_pods(struct command_context *ctx, const struct life_options *o, int argc,
		      char **argv, target_pod_wanted *wanted, struct targets *ret,
		      struct error *err)
{
	cleanup_strlist struct strlist names = { 0 };
	int r = collect_names(o, argc, argv, "pod ID file", &names, err);

	if (r < 0)
		return r;
	if (names.n)
		return add_named(ctx, o, &names, lookup_pod, ret, err);
	return find_pods_by_options(ctx, o, wanted, ret, err);
}

/* ---- acting ----------------------------------------------------------------------------- */

struct answer {
	int result;
	struct error err;
};

/* Runs in the child: it never returns. */
static void __attribute__((noreturn))
act_in_child(struct command_context *ctx, const struct target *t, target_act *act, const void *arg,
	     int fd)
{
	struct answer a = { 0 };

	a.result = act(ctx, t, arg, &a.err);
	/* Less than PIPE_BUF: at once or not at all, and then it counts as killed. */
	_exit(write(fd, &a, sizeof(a)) == (ssize_t)sizeof(a) ? 0 : 1);
}

/* A descriptor to read its answer from, or -1: it was worked on here. */
static int begin(struct command_context *ctx, struct target *t, target_act *act, const void *arg,
		 pid_t *ret_pid)
{
	int fds[2];

	*ret_pid = 0;
	if (t->skip) {
		t->result = TARGET_PASSED;
		return -1;
	}
	if (pipe2(fds, O_CLOEXEC) < 0) {
		t->result = act(ctx, t, arg, &t->err);
		return -1;
	}
	*ret_pid = fork();
	if (*ret_pid == 0)
		act_in_child(ctx, t, act, arg, fds[1]);
	(void)close(fds[1]);
	if (*ret_pid > 0)
		return fds[0];
	(void)close(fds[0]);
	t->result = act(ctx, t, arg, &t->err);
	return -1;
}

static void finish(struct target *t, int fd, pid_t pid)
{
	struct answer a = { 0 };

	if (fd < 0)
		return;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (read(fd, &a, sizeof(a)) == (ssize_t)sizeof(a)) {
		t->result = a.result;
		t->err = a.err;
	} else {
		t->result = error_set(&t->err, EIO, "the process for '%.64s' was killed", t->name);
	}
	(void)close(fd);
}

static void tell(const struct target *t, bool by_id)
{
	if (t->result == 0)
		(void)printf("%s\n", by_id ? t->id : t->name);
	(void)fflush(stdout);
}

int targets_each(struct command_context *ctx, struct targets *t, target_act *act, const void *arg,
		 bool by_id)
{
	cleanup_free int *fds = xcalloc(t->n + 1, sizeof(*fds));
	cleanup_free pid_t *pids = xcalloc(t->n + 1, sizeof(*pids));
	size_t begun = 0;
	int code = 0;

	(void)fflush(stdout);
	if (t->n == 1 && !t->v[0].skip) {
		t->v[0].result = act(ctx, &t->v[0], arg, &t->v[0].err);
		fds[0] = -1;
		begun = 1;
	}
	for (size_t i = 0; i < t->n; i++) {
		for (; begun < t->n && begun < i + TARGETS_AT_ONCE; begun++)
			fds[begun] = begin(ctx, &t->v[begun], act, arg, &pids[begun]);
		finish(&t->v[i], fds[i], pids[i]);
		tell(&t->v[i], by_id);
	}
	for (size_t i = 0; i < t->n; i++) {
		if (t->v[i].result < 0)
			command_print_error(&t->v[i].err);
		if (t->v[i].result < 0 || t->v[i].result == TARGET_FAILED)
			code = 125;
	}
	return code;
}
