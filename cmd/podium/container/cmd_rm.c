/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rm - removes containers; container prune, container cleanup.
 *
 * Theory of operation: what runs is refused (exit code 2) unless --force stops it first: by default
 * within no time at all, since whoever forces does not want to wait. A name that does not exist is exit
 * code 1, or nothing with --force and --ignore. An infra container goes with its pod.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/container/life.h"
#include "cmd/podium/container/targets.h"
#include "cmd/podium/image/imageprune.h"
#include "cmd/podium/pod/pods.h"
#include "engine/base/fs.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"
#include "engine/pod/service.h"
#include "engine/state/status.h"
#include "engine/volumes/provide.h"

#define CODE_NO_SUCH 1
#define CODE_RUNNING 2

#define RECORD_MAX_BYTES (8 * 1024 * 1024)

struct rm_job {
	bool force;
	bool volumes;
	bool all; /* infra containers are left to their pods without a word */
	bool depend;
	int64_t grace_s;
};

/* Anonymous volumes are found before their container goes. One that another still uses stays. */
static int remove_with_volumes(const struct store *s, const char *id, const struct rm_job *job,
			       struct error *err)
{
	cleanup_strlist struct strlist volumes = { 0 };
	struct error scratch; /* a record that cannot be read names none */
	int r;

	if (job->volumes)
		error_ignore(volumes_anonymous_of(s, id, &volumes, &scratch));
	r = container_remove(s, id, job->grace_s, err);
	return r < 0 ? r : volumes_remove_unused(s, &volumes, err);
}

/* --depend of an infra container: the pod. */
static int remove_pod(const struct store *s, const struct container_view *v,
		      const struct rm_job *job, struct error *err)
{
	cleanup_strlist struct strlist one = { 0 };
	int r;

	if (!job->force && is_pod_active(s, v->st.pod_id))
		return error_set(err, EBUSY,
				 "cannot remove container %s as it is running - running or paused "
				 "containers cannot be removed without force: container state "
				 "improper",
				 v->id);
	strlist_add(&one, v->st.pod_id);
	r = pods_stop_to_remove(s, &one, job->grace_s, err);
	return r < 0 ? r : pod_remove(s, v->st.pod_id, err);
}

static bool is_monitored(const struct store *s, const char *id)
{
	char path[LAYOUT_PATH_MAX];

	return is_lock_held(s->rootfd, layout_container(path, id, MONITOR_LOCK));
}

/* A service container goes with the last of its pods. */
static int check_service(const struct store *s, const char *id, struct error *err)
{
	struct container_spec c = { 0 };
	struct error scratch; /* without a record it is none */
	bool is_service = lookup_read_container(s, id, &c, &scratch) == 0 && c.service;

	record_done(&container_spec_type, &c);
	return is_service ? service_check_unused(s, id, err) : 0;
}

static int rm_viewed(const struct store *s, const struct container_view *v,
		     const struct rm_job *job, struct error *err)
{
	if (v->st.infra && job->depend)
		return remove_pod(s, v, job, err);
	if (v->st.infra && job->all)
		return TARGET_PASSED;
	if (v->st.infra)
		return error_set(err, EINVAL,
				 "container %s is the infra container of pod %s and cannot be "
				 "removed without removing the pod",
				 v->id, v->st.pod_id ? v->st.pod_id : "?");
	if (!v->readable && !job->force && is_monitored(s, v->id))
		return error_set(err, EBUSY,
				 "cannot remove container %s: its record is lost, and it runs: "
				 "`podium rm -f` ends it",
				 v->id);
	if (v->readable && v->st.solo && check_service(s, v->id, err) < 0)
		return job->all ? TARGET_PASSED : -err->code;
	if (v->readable && v->live != STATE_CREATED && v->live != STATE_EXITED &&
	    v->live != STATE_INITIALIZED && !job->force)
		return error_set(err, EBUSY,
				 "cannot remove container %s as it is %s - running or paused "
				 "containers cannot be removed without force: container state "
				 "improper",
				 v->id, life_state_name(v->live));
	return remove_with_volumes(s, v->id, job, err);
}

static bool is_left(const struct store *s, const char *id)
{
	char path[LAYOUT_PATH_MAX];

	return faccessat(s->rootfd, layout_container(path, id, NULL), F_OK, 0) == 0;
}

static int rm_one(struct command_context *ctx, const struct target *t, const void *arg,
		  struct error *err)
{
	const struct rm_job *job = arg;
	struct container_view v;
	int r;

	view_load(&ctx->store, t->id, &v);
	r = rm_viewed(&ctx->store, &v, job, err);
	view_done(&v);
	if (r == -ENOENT && is_left(&ctx->store, t->id)) {
		err->code = EIO; /* it is not gone */
		return -EIO;
	}
	/* Somebody else was faster. */
	if (r == -ENOENT && (job->force || job->all))
		return TARGET_PASSED;
	return r;
}

static int code_of(const struct targets *t, int code)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->v[i].result == -ENOENT)
			return CODE_NO_SUCH;
		if (t->v[i].result == -EBUSY)
			code = CODE_RUNNING;
	}
	return code;
}

/* ---- what depends on them --------------------------------------------------------------- */

static bool is_required(const struct container_spec *c, const struct targets *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (strlist_has(&c->required, t->v[i].id))
			return true;
	return false;
}

/* One round: 1 when something was added. */
static int add_round(const struct store *s, const struct strlist *all, struct targets *t)
{
	int added = 0;

	for (size_t i = 0; i < all->n; i++) {
		struct container_spec c = { 0 };
		struct error scratch; /* without a record it depends on nothing */
		bool is_new = lookup_read_container(s, all->v[i], &c, &scratch) == 0 &&
			      is_required(&c, t);

		record_done(&container_spec_type, &c);
		if (is_new)
			added |= targets_add(t, all->v[i], all->v[i]);
	}
	return added;
}

static int add_dependents(const struct store *s, struct targets *t, struct error *err)
{
	cleanup_strlist struct strlist all = { 0 };
	int r = pods_list_containers(s, &all, err);

	while (r == 0 && add_round(s, &all, t))
		;
	return r;
}

/* Whether the bytes of its record hold the id of one of them. */
static bool is_any_named(const struct store *s, const char *id, const struct targets *t)
{
	char path[LAYOUT_PATH_MAX];
	struct error scratch;
	cleanup_free char *text = NULL;
	size_t len = 0;

	if (fs_read_file(s->rootfd, layout_container(path, id, CONTAINER_RECORD), RECORD_MAX_BYTES,
			 &text, &len, &scratch) < 0)
		return false;
	for (size_t i = 0; i < t->n; i++)
		if (memmem(text, len, t->v[i].id, strlen(t->v[i].id)))
			return true;
	return false;
}

static int refuse_required(const struct container_spec *c, const char *id, const struct targets *t,
			   struct error *err)
{
	for (size_t i = 0; i < t->n; i++)
		if (strlist_has(&c->required, t->v[i].id))
			return error_set(err, EEXIST,
					 "container %s has dependent containers which must be "
					 "removed before it: %s: container already exists",
					 t->v[i].id, id);
	return 0;
}

/* Refused while another, which stays, requires it. Records are parsed only when they name it. */
static int check_required(const struct store *s, const struct targets *t, struct error *err)
{
	cleanup_strlist struct strlist all = { 0 };
	int r = pods_list_containers(s, &all, err);

	for (size_t i = 0; i < all.n && r == 0; i++) {
		struct container_spec c = { 0 };
		struct error scratch; /* without a record it depends on nothing */

		if (targets_has(t, all.v[i]) || !is_any_named(s, all.v[i], t))
			continue;
		if (lookup_read_container(s, all.v[i], &c, &scratch) == 0)
			r = refuse_required(&c, all.v[i], t, err);
		record_done(&container_spec_type, &c);
	}
	return r;
}

/* ---- rm --------------------------------------------------------------------------------- */

static int run_rm(struct command_context *ctx, void *options, int argc, char **argv,
		  struct error *err)
{
	struct life_options *o = options;
	struct rm_job job = {
		.force = o->force, .volumes = o->volumes, .all = o->all, .depend = o->depend
	};
	cleanup_targets struct targets t = { 0 };
	int r = grace_option(&o->time, &job.grace_s, err);

	if (o->force && !o->time.set)
		job.grace_s = 0;
	o->ignore = o->ignore || o->force;
	if (r == 0)
		r = targets_find(ctx, o, argc, argv, NULL, &t, err);
	if (r == -ENOENT) {
		command_print_error(err);
		return CODE_NO_SUCH;
	}
	if (r == 0 && o->depend)
		r = add_dependents(&ctx->store, &t, err);
	else if (r == 0 && !o->all)
		r = check_required(&ctx->store, &t, err);
	return r < 0 ? r : code_of(&t, targets_each(ctx, &t, rm_one, &job, false));
}

static const struct option rm_options[] = {
	OPTION_ALL("containers"),
	OPTION_CIDFILE,
	{ 0, "depend", OPTION_BOOL, LIFE(depend), NULL,
	  "Remove what depends on it, too; of an infra container: its pod", false },
	OPTION_FILTER(0),
	{ 'f', "force", OPTION_BOOL, LIFE(force), NULL, "Kill it if it runs", false },
	OPTION_IGNORE("containers"),
	OPTION_LATEST("container"),
	OPTION_GRACE(LIFE(time)),
	{ 'v', "volumes", OPTION_BOOL, LIFE(volumes), NULL, "Remove its anonymous volumes, too",
	  false },
	OPTIONS_END,
};

const struct command cmd_rm = {
	.words = "rm",
	.args = "[options] CONTAINER [CONTAINER...]",
	.summary = "Remove one or more containers",
	.options = rm_options,
	.options_size = sizeof(struct life_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_rm,
};

/* ---- prune ------------------------------------------------------------------------------ */

static bool is_prunable(const struct container_view *v)
{
	return (v->live == STATE_CREATED || v->live == STATE_EXITED ||
		v->live == STATE_INITIALIZED) &&
	       !v->st.infra && !v->debris;
}

static int check_prune_filters(const struct strlist *filters, struct error *err)
{
	for (size_t i = 0; i < filters->n; i++)
		if (!is_prefix(filters->v[i], "until=") && !is_prefix(filters->v[i], "label=") &&
		    !is_prefix(filters->v[i], "label!="))
			return error_set(err, EINVAL, "%.*s is an invalid filter",
					 (int)strcspn(filters->v[i], "="), filters->v[i]);
	return 0;
}

static int run_prune(struct command_context *ctx, void *options, int argc, char **argv,
		     struct error *err)
{
	const struct life_options *o = options;
	const struct rm_job job = { .all = true, .grace_s = 0 };
	struct life_options which = { .all = o->filters.n == 0, .filters = o->filters };
	cleanup_targets struct targets t = { 0 };
	int r = check_prune_filters(&o->filters, err);

	if (r == 0 && !o->force)
		r = prune_confirm("WARNING! This will remove all non running containers.\n", err);
	else if (r == 0)
		r = 1;
	if (r <= 0)
		return r;
	r = targets_find(ctx, &which, argc, argv, is_prunable, &t, err);
	return r < 0 ? r : targets_each(ctx, &t, rm_one, &job, true);
}

static const struct option prune_options[] = {
	{ 0, "filter", OPTION_STRINGS, LIFE(filters), "key=value", "label, label! or until",
	  false },
	{ 'f', "force", OPTION_BOOL, LIFE(force), NULL, "Do not ask", false },
	OPTIONS_END,
};

const struct command cmd_container_prune = {
	.words = "container prune",
	.args = "[options]",
	.summary = "Remove all containers that do not run",
	.options = prune_options,
	.options_size = sizeof(struct life_options),
	.max_args = 0,
	.store = COMMAND_WRITES,
	.run = run_prune,
};
