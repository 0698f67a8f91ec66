/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start, stop, rm of containers.
 *
 * Theory of operation: a container of a pod is started by the pod's conductor (which is started
 * when the pod is down), stopped by its monitor, and removed from its pod's record. The infra
 * container goes only with its pod.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/container/lifeoptions.h"
#include "cmd/podium/pod/pods.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"
#include "engine/pod/run.h"
#include "engine/process/ctl.h"
#include "engine/state/status.h"

#define STOP_MARGIN_MS 30000
#define START_WAIT_MS  60000

/* The containers of a call. */
struct chosen {
	struct strlist ids;
	struct strlist names; /* as they were written; ids with --all */
};
static void chosen_done(struct chosen *c)
{
	strlist_done(&c->ids);
	strlist_done(&c->names);
}
#define cleanup_chosen cleanup(chosen_done)

static int resolve(const struct store *s, const struct life_options *o, int argc, char **argv,
		   struct chosen *ret, struct error *err)
{
	int r = 0;

	if (o->all && argc > 0)
		return error_set(err, EINVAL, "--all and names exclude each other");
	if (o->all) {
		r = pods_list_containers(s, &ret->ids, err);
		strlist_copy(&ret->names, &ret->ids);
		return r;
	}
	if (argc == 0)
		return error_set(err, EINVAL, "you must provide at least one container name or id");
	for (int i = 0; i < argc; i++) {
		char id[65];

		r = lookup_container(s, argv[i], id, err);
		if (r == -ENOENT && o->ignore)
			continue;
		if (r < 0)
			return r;
		strlist_add(&ret->ids, id);
		strlist_add(&ret->names, argv[i]);
	}
	return 0;
}

/* ---- stop ------------------------------------------------------------------------------- */

static int64_t own_grace_ms(const struct store *s, const struct container_status *st)
{
	struct pod_spec pod = { 0 };
	struct error scratch;
	int64_t grace = PLAYED_GRACE_SECONDS;

	if (st->pod_id && lookup_read_pod(s, st->pod_id, &pod, &scratch) == 0)
		grace = pod_grace_seconds(&pod);
	record_done(&pod_spec_type, &pod);
	return grace > INT32_MAX / 1000 ? INT32_MAX : grace * 1000;
}

/* Signals a container whose monitor is lost, by pidfd, then writes its end down. */
static int stop_lost(const struct store *s, const char *id, const struct container_status *st,
		     int64_t grace_ms, struct error *err)
{
	struct proc_ident ident = { .pid = (pid_t)st->pid,
				    .start_ticks = (uint64_t)st->start_ticks };
	cleanup_close int fd = -EBADF;

	(void)snprintf(ident.boot_id, sizeof(ident.boot_id), "%s", st->boot_id ? st->boot_id : "");
	fd = proc_open_ident(&ident, err);
	if (fd >= 0 && grace_ms > 0) {
		(void)pidfd_signal(fd, 15);
		(void)pidfd_wait_exit(fd, (int)grace_ms);
	}
	return run_end_container(s, id, err);
}

static int stop_by_monitor(const struct store *s, const char *id, int64_t grace_ms,
			   struct error *err)
{
	cleanup_close int fd = ctl_connect(s, id, err);
	struct ctl_msg msg;
	int r;

	if (fd < 0)
		return fd;
	r = ctl_send(fd, CTL_STOP, (int32_t)grace_ms, NULL);
	while (r == 0) {
		r = ctl_wait(fd,
			     (int)(grace_ms > INT32_MAX - STOP_MARGIN_MS
					   ? INT32_MAX
					   : grace_ms + STOP_MARGIN_MS),
			     &msg);
		if (r == 0 || (r > 0 && msg.type == CTL_DONE))
			return 0;
		r = r > 0 ? 0 : r;
	}
	return error_set(err, -r, "monitor of container '%.12s' does not answer", id);
}

static int stop_one(const struct store *s, const char *id, int64_t grace_s, struct error *err)
{
	cleanup_strlist struct strlist pods = { 0 };
	struct container_status st = { 0 };
	bool lost = false;
	int64_t grace_ms;
	int r = status_read(s, id, &st, err);

	if (r < 0)
		return r;
	(void)status_live(s, id, &st, &lost);
	grace_ms = grace_s >= 0 ? grace_s * 1000 : own_grace_ms(s, &st);
	if ((st.infra || st.solo) && st.pod_id) {
		strlist_add(&pods, st.pod_id);
		r = pods_stop(s, &pods, grace_s, err);
	} else if (st.state == STATE_CREATED || st.state == STATE_EXITED) {
		r = 0;
	} else if (lost) {
		r = stop_lost(s, id, &st, grace_ms, err);
	} else {
		r = stop_by_monitor(s, id, grace_ms, err);
	}
	status_done(&st);
	return r;
}

static int run_stop(struct command_context *ctx, void *options, int argc, char **argv,
		    struct error *err)
{
	const struct life_options *o = options;
	cleanup_chosen struct chosen c = { .ids = { .v = NULL } };
	int64_t grace_s;
	int r = grace_option(&o->time, &grace_s, err);

	if (r == 0)
		r = resolve(&ctx->store, o, argc, argv, &c, err);
	for (size_t i = 0; i < c.ids.n && r == 0; i++) {
		r = stop_one(&ctx->store, c.ids.v[i], grace_s, err);
		if (r == 0)
			printf("%s\n", c.names.v[i]);
	}
	return r;
}

/* ---- start ------------------------------------------------------------------------------ */

static bool is_running(const struct store *s, const char *id)
{
	struct container_status st = { 0 };
	struct error scratch;
	bool lost, running = false;

	if (status_read(s, id, &st, &scratch) == 0)
		running = status_live(s, id, &st, &lost) == STATE_RUNNING;
	status_done(&st);
	return running;
}

/* Asks the pod's conductor; waits until the monitor says that the container runs or has failed. */
static int ask_conductor(const struct store *s, const char *pod_id, const char *id,
			 struct error *err)
{
	cleanup_close int fd = -EBADF;
	struct ctl_msg msg;
	int r = pod_start(s, pod_id, id, &fd, err);

	if (r < 0)
		return r;
	do {
		r = ctl_wait(fd, START_WAIT_MS, &msg);
		if (r > 0 && msg.type == CTL_WARNING)
			command_print_warning(msg.text);
	} while (r > 0 && msg.type != CTL_FAILED && msg.type != CTL_DONE && msg.type != CTL_UP);
	if (r > 0 && msg.type == CTL_UP)
		return 0;
	if (r > 0 && *msg.text)
		return error_set(err, EIO, "%s", msg.text);
	return is_running(s, id) ? 0 : error_set(err, EIO, "container '%.12s' did not start", id);
}

static int start_one(const struct store *s, const char *id, struct error *err)
{
	struct container_status st = { 0 };
	int r;

	if (is_running(s, id))
		return 0;
	r = status_read(s, id, &st, err);
	if (r == 0 && !st.pod_id)
		r = error_set(err, EINVAL, "container '%.12s' is in no pod", id);
	if (r == 0)
		r = ask_conductor(s, st.pod_id, id, err);
	status_done(&st);
	return r;
}

static int run_start(struct command_context *ctx, void *options, int argc, char **argv,
		     struct error *err)
{
	const struct life_options *o = options;
	cleanup_chosen struct chosen c = { .ids = { .v = NULL } };
	int r = resolve(&ctx->store, o, argc, argv, &c, err);

	for (size_t i = 0; i < c.ids.n && r == 0; i++) {
		r = start_one(&ctx->store, c.ids.v[i], err);
		if (r == 0)
			printf("%s\n", c.names.v[i]);
	}
	return r;
}

/* ---- rm --------------------------------------------------------------------------------- */

int container_remove(const struct store *s, const char *id, int64_t grace_s, struct error *err)
{
	struct container_status st = { 0 };
	int r = stop_one(s, id, grace_s, err);

	if (r == 0)
		r = status_read(s, id, &st, err);
	if (r == 0)
		r = st.solo && st.pod_id ? pod_remove(s, st.pod_id, err)
					 : pod_remove_container(s, id, err);
	status_done(&st);
	return r;
}

static int rm_one(const struct store *s, const char *id, bool force, int64_t grace_s,
		  struct error *err)
{
	struct container_status st = { 0 };
	bool lost = false;
	int r = status_read(s, id, &st, err);

	if (r < 0)
		return r;
	(void)status_live(s, id, &st, &lost);
	if (st.infra)
		r = error_set(err, EINVAL,
			      "container '%.12s' is the infra container of pod '%s': "
			      "remove the pod",
			      id, st.pod_name ? st.pod_name : "?");
	else if (st.state != STATE_CREATED && st.state != STATE_EXITED && !force)
		r = error_set(err, EBUSY,
			      "container '%.12s' is %s: stop it first, or remove it "
			      "with -f",
			      id, container_state_names[st.state]);
	status_done(&st);
	return r < 0 ? r : container_remove(s, id, grace_s, err);
}

static int run_rm(struct command_context *ctx, void *options, int argc, char **argv,
		  struct error *err)
{
	const struct life_options *o = options;
	cleanup_chosen struct chosen c = { .ids = { .v = NULL } };
	int64_t grace_s;
	int r = grace_option(&o->time, &grace_s, err);

	if (r == 0)
		r = resolve(&ctx->store, o, argc, argv, &c, err);
	if (o->force && !o->time.set)
		grace_s = 0;
	if (r == -ENOENT) {
		command_print_error(err);
		return 1;
	}
	for (size_t i = 0; i < c.ids.n && r == 0; i++) {
		struct container_status st = { 0 };
		struct error scratch;
		bool infra = status_read(&ctx->store, c.ids.v[i], &st, &scratch) == 0 && st.infra;

		status_done(&st);
		if (infra && o->all)
			continue; /* goes with its pod */
		r = rm_one(&ctx->store, c.ids.v[i], o->force, grace_s, err);
		if (r == 0)
			printf("%s\n", c.names.v[i]);
	}
	return r == -EBUSY ? (command_print_error(err), 2) : r;
}

/* ---- tables ----------------------------------------------------------------------------- */

static const struct option start_options[] = { OPTION_ALL("containers"), OPTIONS_END };
static const struct option stop_options[] = { OPTION_ALL("containers"), OPTION_IGNORE("containers"),
					      OPTION_GRACE(offsetof(struct life_options, time)),
					      OPTIONS_END };
static const struct option rm_options[] = {
	OPTION_ALL("containers"),
	{ 'f', "force", OPTION_BOOL, offsetof(struct life_options, force), NULL,
	  "Kill it if it runs", false },
	OPTION_IGNORE("containers"),
	OPTION_GRACE(offsetof(struct life_options, time)),
	{ 'v', "volumes", OPTION_BOOL, offsetof(struct life_options, volumes), NULL,
	  "Remove its anonymous volumes, too (they always go)", false },
	OPTIONS_END,
};

const struct command cmd_start = {
	.words = "start",
	.args = "[options] CONTAINER [CONTAINER...]",
	.summary = "Start one or more containers",
	.options = start_options,
	.options_size = sizeof(struct life_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_start,
};

const struct command cmd_stop = {
	.words = "stop",
	.args = "[options] CONTAINER [CONTAINER...]",
	.summary = "Stop one or more containers",
	.options = stop_options,
	.options_size = sizeof(struct life_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_stop,
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
