/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run - a container from an image, started.
 *
 * Theory of operation: create_make.c makes it. In the background its pod's conductor starts it, and
 * the command ends when that has been done. In the foreground a session is on it before the start is
 * ordered, so that nothing of its output is missed, and ends with its exit code.
 *
 * A container whose sandbox could not be made (a port that is taken, a mount that is not there) goes
 * again: nothing of it has run. One whose program could not be executed stays, to be looked at, unless
 * --rm was given.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/container/create_options.h"
#include "cmd/podium/container/life.h"
#include "cmd/podium/container/session.h"
#include "cmd/podium/pod/pods.h"
#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/image/store.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"
#include "engine/state/status.h"

#define EXIT_OURS	    125
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND	    127
#define GONE_WAIT_MS	    10000
#define GONE_STEP_US	    5000

/* ---- before and after ------------------------------------------------------------------------- */

/* Whether anything of it has ever run; *ret_code is what its program said, or could not. */
static bool has_run(const struct store *s, const char *id, int *ret_code)
{
	struct container_status st = { 0 };
	struct error scratch; /* gone already: it has */
	bool ran =
		status_read(s, id, &st, &scratch) < 0 || st.started_ns || st.state != STATE_CREATED;

	*ret_code = (int)st.exit_code;
	status_done(&st);
	return ran;
}

/* After a start that failed: what never ran goes. Returns the exit code. */
static int settle_failure(const struct store *s, const struct created *made, int code)
{
	int own = 0;
	bool ran = has_run(s, made->container_id, &own);

	if (!ran)
		create_undo(s, made);
	return own == EXIT_NOT_EXECUTABLE || own == EXIT_NOT_FOUND ? own : code;
}

static bool is_there(const struct store *s, const char *id)
{
	char path[LAYOUT_PATH_MAX];

	return faccessat(s->rootfd, layout_container(path, id, NULL), F_OK, 0) == 0;
}

/* After the detach keys it runs on. */
static bool is_running(const struct store *s, const char *id)
{
	struct container_status st = { 0 };
	struct error scratch; /* gone: it does not */
	bool lost = false;
	bool runs = status_read(s, id, &st, &scratch) == 0 &&
		    status_live(s, id, &st, &lost) == STATE_RUNNING;

	status_done(&st);
	return runs;
}

/* --rm: whoever saw the end removes it; the command ends behind that. */
static void await_removal(const struct store *s, const char *id)
{
	int64_t end = clock_mono_ms() + GONE_WAIT_MS;

	while (is_there(s, id) && clock_mono_ms() < end)
		(void)usleep(GONE_STEP_US);
}

/* --rmi: unless somebody else uses it. */
static void remove_image(const struct store *s, const char *image)
{
	struct image_removal gone;
	struct error err = { 0 };
	int r = image_remove(s, image, 0, &gone, &err);

	if (r == 0) {
		image_removal_done(&gone);
		r = image_collect(s, &err);
	}
	if (r < 0 && r != -EBUSY)
		command_print_error(&err);
}

/* --rm with --pod new: the pod goes with the container, unless others have joined. */
static void await_pod_removal(const struct store *s, const struct created *made)
{
	int64_t end = clock_mono_ms() + GONE_WAIT_MS;
	bool is_left = true;

	await_removal(s, made->container_id);
	while (is_left && clock_mono_ms() < end) {
		struct pod_spec pod = { 0 };
		struct error scratch; /* it is gone */

		is_left = lookup_read_pod(s, made->pod_id, &pod, &scratch) == 0 &&
			  pod.containers.n == 0;
		record_done(&pod_spec_type, &pod);
		if (is_left)
			(void)usleep(GONE_STEP_US);
	}
}

/* ---- the two ways ----------------------------------------------------------------------------- */

/* The output is the container's own then: no id goes before it, as with Podman. */
static bool is_passed_on(const struct store *s, const char *id)
{
	struct container_spec c = { 0 };
	struct error scratch; /* gone already */
	bool is =
		lookup_read_container(s, id, &c, &scratch) == 0 && c.log.driver == LOG_PASSTHROUGH;

	record_done(&container_spec_type, &c);
	return is;
}

static int start(struct command_context *ctx, const struct created *made, struct error *err)
{
	struct pod_start_result report = { .report_fd = -1 };
	const char *only = made->joined ? made->container_id : NULL;
	int r = container_start_required(&ctx->store, made->container_id, err);

	if (r == 0)
		r = pods_order_start(&ctx->store, made->pod_id, only, &report, err);
	if (r < 0) {
		create_undo(&ctx->store, made);
		return r;
	}
	(void)pods_watch(&report, 1, -1);
	if (report.failures)
		return settle_failure(&ctx->store, made, EXIT_OURS);
	if (!is_passed_on(&ctx->store, made->container_id))
		(void)printf("%s\n", made->container_id);
	return 0;
}

static bool is_attached(const struct create_options *o, const char *stream)
{
	for (size_t i = 0; i < o->attach.n; i++)
		if (strcasecmp(o->attach.v[i], stream) == 0)
			return true;
	return o->attach.n == 0;
}

static int attach(struct command_context *ctx, const struct create_options *o,
		  const struct created *made, struct error *err)
{
	const struct session_options how = {
		.start = true,
		.no_stdin = !is_attached(o, "stdin"),
		.no_stdout = !is_attached(o, "stdout"),
		.no_stderr = !is_attached(o, "stderr"),
		.sig_proxy = o->sig_proxy,
		.detach_keys = o->detach_keys,
	};
	int r = container_start_required(&ctx->store, made->container_id, err);

	if (r == 0)
		r = container_session(ctx, made->container_id, &how, err);
	if (r < 0 || r == EXIT_OURS)
		(void)settle_failure(&ctx->store, made, EXIT_OURS);
	else if (o->remove && (r == EXIT_NOT_EXECUTABLE || r == EXIT_NOT_FOUND) &&
		 !has_run(&ctx->store, made->container_id, &(int){ 0 }))
		create_undo(&ctx->store, made);
	return r;
}

static int check(const struct create_options *o, struct error *err)
{
	for (size_t i = 0; i < o->attach.n; i++)
		if (strcasecmp(o->attach.v[i], "stdin") != 0 &&
		    strcasecmp(o->attach.v[i], "stdout") != 0 &&
		    strcasecmp(o->attach.v[i], "stderr") != 0)
			return error_set(err, EINVAL,
					 "--attach '%.60s' is not stdin, stdout or stderr",
					 o->attach.v[i]);
	if (o->init_ctr)
		return error_set(err, EINVAL,
				 "--init-ctr is for `podium create`: an init container runs when "
				 "its pod is started");
	if (o->detach && o->attach.n)
		return error_set(err, EINVAL, "--detach and --attach exclude each other");
	if (o->detach && o->remove_image)
		return error_set(err, EINVAL,
				 "--detach and --rmi exclude each other: nobody is "
				 "there to remove the image");
	return 0;
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	const struct create_options *o = options;
	struct created made = { 0 };
	int r = check(o, err);

	if (r == 0)
		r = create_container(ctx, o, argc, argv, &made, err);
	if (r < 0)
		return r;
	if (o->detach)
		return start(ctx, &made, err);
	r = attach(ctx, o, &made, err);
	if (o->remove && made.new_pod && r >= 0 && r != EXIT_OURS &&
	    !is_running(&ctx->store, made.container_id))
		await_pod_removal(&ctx->store, &made);
	if (o->remove_image && r >= 0) {
		await_removal(&ctx->store, made.container_id);
		if (!is_there(&ctx->store, made.container_id))
			remove_image(&ctx->store, argv[0]);
	}
	return r;
}

const struct command cmd_run = {
	.words = "run",
	.args = "[options] IMAGE [COMMAND [ARG...]]",
	.summary = "Run a command in a new container",
	.options = run_options,
	.options_size = sizeof(struct create_options),
	.set_defaults = create_set_defaults,
	.min_args = 1,
	.max_args = -1,
	.store = COMMAND_WRITES,
	.stop_at_first_arg = true,
	.run = run,
};
