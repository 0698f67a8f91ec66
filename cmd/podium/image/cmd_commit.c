/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commit, export - `podium commit CONTAINER [IMAGE]`, `podium export -o FILE CONTAINER`.
 *
 * Theory of operation: the work is done by podium-image (engine/build/newimage.c). With --pause the
 * container's processes are frozen meanwhile; signals that would end us wait until they run again,
 * so that a Ctrl-C leaves no frozen container behind (the helper gets it and stops).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/image/imagejob.h"
#include "cmd/podium/base/outfile.h"
#include "cmd/podium/base/progress.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/cgroup/cgroup.h"
#include "engine/image/reference.h"
#include "engine/pod/lookup.h"
#include "engine/state/eventlog.h"

#define FREEZE_MS 10000

struct commit_command {
	const char *author;
	struct strlist changes;
	const char *format;
	const char *iidfile;
	bool include_volumes;
	const char *message;
	bool pause;
	bool quiet;
	bool squash;
};

#define O(m) offsetof(struct commit_command, m)
static const struct option commit_option_table[] = {
	{ 'a', "author", OPTION_STRING, O(author), "string", "Author of the image", false },
	{ 'c', "change", OPTION_STRINGS, O(changes), "string",
	  "CMD | ENTRYPOINT | ENV | EXPOSE | LABEL | ONBUILD | STOPSIGNAL | USER | VOLUME | "
	  "WORKDIR, as in a Containerfile",
	  false },
	{ 'f', "format", OPTION_STRING, O(format), "string",
	  "Kind of manifest: oci (default) or docker", false },
	{ 0, "iidfile", OPTION_STRING, O(iidfile), "file", "Write the image's id to this file",
	  false },
	{ 0, "include-volumes", OPTION_BOOL, O(include_volumes), NULL, "Not supported", true },
	{ 'm', "message", OPTION_STRING, O(message), "string", "Comment of the image", false },
	{ 'p', "pause", OPTION_BOOL, O(pause), NULL, "Freeze the container meanwhile", false },
	{ 'q', "quiet", OPTION_BOOL, O(quiet), NULL, "Print the id alone", false },
	{ 's', "squash", OPTION_BOOL, O(squash), NULL, "One layer of all", false },
	OPTIONS_END,
};
#undef O

static int check_options(const struct commit_command *o, struct error *err)
{
	if (o->include_volumes)
		return error_set(err, EPROTONOSUPPORT,
				 "--include-volumes is not supported: the volumes are the pod's, "
				 "name them by --change 'VOLUME ...'");
	if (o->format && !is_equal(o->format, "oci") && !is_equal(o->format, "docker"))
		return error_set(err, EINVAL, "--format '%.50s': write oci or docker", o->format);
	return 0;
}

static int describe(const struct commit_command *o, const char *id, const char *name, json_t **ret,
		    struct error *err)
{
	char full[REFERENCE_MAX + 1];
	json_t *j, *changes = json_array();
	int r = name ? reference_new_name(name, full, err) : 0;

	if (r < 0) {
		json_decref(changes);
		return r;
	}
	for (size_t i = 0; i < o->changes.n; i++)
		(void)json_array_append_new(changes, json_string(o->changes.v[i]));
	j = json_pack("{s:s, s:b, s:b, s:o}", "container", id, "docker",
		      is_equal(o->format, "docker"), "squash", o->squash, "changes", changes);
	jset_str(j, "name", name ? full : NULL);
	jset_str(j, "author", o->author);
	jset_str(j, "message", o->message);
	*ret = j;
	return 0;
}

struct committing {
	struct progress *progress;
	char image[65];
};

static int on_image(struct imagejob *job, void *arg, const char *event, const json_t *j,
		    struct error *err)
{
	struct committing *c = arg;
	const char *id = jget_str(j, "id"), *text = jget_str(j, "text");

	(void)job;
	if (is_equal(event, "say") && text)
		progress_say(c->progress, text);
	if (!is_equal(event, "image"))
		return 0;
	if (!id || !is_id(id))
		return error_set(err, EBADMSG, "podium-image says no id");
	(void)snprintf(c->image, sizeof(c->image), "%s", id);
	return 0;
}

/* Freezes or thaws; a container that does not run has nothing to freeze. */
static int freeze(const struct store *s, const char *id, bool on, struct error *err)
{
	struct container_spec spec;
	struct cgroup_ctx cg;
	int r = lookup_read_container(s, id, &spec, err);

	if (r < 0)
		return r;
	r = cgroup_open(&cg, err);
	if (r == 0) {
		if (!is_cgroup_empty(&cg, spec.pod_id, id))
			r = cgroup_freeze_container(&cg, spec.pod_id, id, on, FREEZE_MS, err);
		cgroup_close(&cg);
	}
	record_done(&container_spec_type, &spec);
	return r < 0 ? error_wrap(err, "%s container '%.12s'", on ? "freeze" : "thaw", id) : 0;
}

static int run_job(struct command_context *ctx, const json_t *request, struct committing *c,
		   struct error *err)
{
	return imagejob_run(&(struct imagejob_spec){ .verb = "commit",
						     .store = &ctx->store,
						     .request = request,
						     .datafd = -1,
						     .on_event = on_image,
						     .progress = c->progress,
						     .arg = c },
			    err);
}

static int run_frozen(struct command_context *ctx, const json_t *request, const char *id,
		      struct committing *c, struct error *err)
{
	struct error of_thaw = { .code = 0 };
	sigset_t ends, before;
	int r, t;

	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGINT);
	(void)sigaddset(&ends, SIGTERM);
	(void)sigaddset(&ends, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &ends, &before);
	r = freeze(&ctx->store, id, true, err);
	if (r == 0)
		r = run_job(ctx, request, c, err);
	t = freeze(&ctx->store, id, false, &of_thaw);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (r == 0 && t < 0) {
		*err = of_thaw;
		return t;
	}
	return r;
}

static void tell_log(const struct store *s, const char *id)
{
	struct container_status st = { 0 };
	struct error scratch; /* it went meanwhile */

	if (status_read(s, id, &st, &scratch) == 0)
		event_log_container(s, "commit", id, &st);
	status_done(&st);
}

static int run_commit(struct command_context *ctx, void *options, int argc, char **argv,
		      struct error *err)
{
	const struct commit_command *o = options;
	cleanup_json json_t *request = NULL;
	cleanup_progress struct progress *progress = progress_new(o->quiet);
	struct committing c = { .progress = progress };
	char id[65];
	int r = check_options(o, err);

	if (r == 0)
		r = lookup_container(&ctx->store, argv[0], id, err);
	if (r == 0)
		r = describe(o, id, argc > 1 ? argv[1] : NULL, &request, err);
	if (r == 0)
		r = o->pause ? run_frozen(ctx, request, id, &c, err)
			     : run_job(ctx, request, &c, err);
	if (r == 0 && o->iidfile)
		r = fs_write_atomic(AT_FDCWD, o->iidfile, c.image, strlen(c.image), 0644, FS_NOSYNC,
				    err);
	if (r == 0) {
		tell_log(&ctx->store, id);
		format_print_line(c.image);
	}
	return r;
}

const struct command cmd_commit = {
	.words = "commit",
	.args = "[options] CONTAINER [IMAGE]",
	.summary = "Make an image of what a container has written",
	.details = "Volumes are not part of it.",
	.options = commit_option_table,
	.options_size = sizeof(struct commit_command),
	.min_args = 1,
	.max_args = 2,
	.store = COMMAND_WRITES,
	.run = run_commit,
};

/* ---- export ----------------------------------------------------------------------------- */

struct export_command {
	const char *output;
};
static const struct option export_option_table[] = {
	{ 'o', "output", OPTION_STRING, offsetof(struct export_command, output), "string",
	  "Write to this file (default: stdout, which must be redirected)", false },
	OPTIONS_END,
};

static int run_export(struct command_context *ctx, void *options, int argc, char **argv,
		      struct error *err)
{
	const struct export_command *o = options;
	cleanup_outfile struct outfile out = OUTFILE_INIT;
	cleanup_json json_t *request = NULL;
	char id[65];
	int r = lookup_container(&ctx->store, argv[0], id, err);

	(void)argc;
	if (r == 0)
		r = outfile_open(o->output, &out, err);
	if (r < 0)
		return r;
	request = json_pack("{s:s}", "container", id);
	r = imagejob_run(&(struct imagejob_spec){ .verb = "export",
						  .store = &ctx->store,
						  .request = request,
						  .datafd = out.fd },
			 err);
	if (r == 0)
		outfile_keep(&out);
	return r;
}

const struct command cmd_export = {
	.words = "export",
	.args = "[options] CONTAINER",
	.summary = "Write a container's root file system as a tar archive",
	.details = "Volumes are not part of it. The container may run meanwhile.",
	.options = export_option_table,
	.options_size = sizeof(struct export_command),
	.min_args = 1,
	.max_args = 1,
	.store = COMMAND_WRITES,
	.run = run_export,
};
