/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cp - copies files and directories between a container and this host, or another container.
 *
 * Theory of operation: the words become two places, a container's id and a path, a path of this host
 * made absolute, or our stdin or stdout; podium-image does the rest (engine/build/cp.c). The
 * container is not paused: nothing of what is done relies on its standing still.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/container/cpwords.h"
#include "cmd/podium/image/imagejob.h"
#include "engine/base/json.h"
#include "engine/pod/lookup.h"

struct cp_options {
	bool archive, overwrite;
	struct option_maybe pause;
};
#define O(m) offsetof(struct cp_options, m)

static int describe(const struct store *s, const struct cp_word *w, json_t **ret, struct error *err)
{
	cleanup_free char *cwd = NULL;
	json_t *j;
	char id[65];
	int r;

	if (w->is_stream) {
		*ret = json_pack("{s:b}", "stream", 1);
		return 0;
	}
	j = json_object();
	*ret = j;
	jset_str(j, "written", w->path);
	jset_str(j, "shown", w->container ? w->container : "");
	if (w->container) {
		r = lookup_container(s, w->container, id, err);
		if (r < 0)
			return r;
		jset_str(j, "container", id);
		jset_str(j, "path", w->path);
	} else if (*w->path == '/') {
		jset_str(j, "path", w->path);
	} else {
		cwd = getcwd(NULL, 0);
		if (!cwd)
			return error_errno(err, "find the working directory");
		jset_owned(j, "path", xasprintf("%s/%s", cwd, w->path));
	}
	/* names that are no UTF-8 have no way through JSON */
	return jget_str(j, "path") ? 0 : error_set(err, EINVAL, "a path that is no UTF-8");
}

static int check(const struct cp_word *from, const struct cp_word *to, struct error *err)
{
	if (from->is_stream && isatty(STDIN_FILENO))
		return error_set(err, EINVAL, "cannot read an archive from a terminal");
	if (to->is_stream && isatty(STDOUT_FILENO))
		return error_set(err, EINVAL,
				 "refusing to write an archive to a terminal: redirect it");
	if (!from->container && !to->container)
		return error_set(err, EINVAL,
				 "one side must be a container: CONTAINER:PATH (a name with a "
				 "colon of this host begins with './')");
	return 0;
}

static int copy(struct command_context *ctx, const struct cp_options *o, const struct cp_word *from,
		const struct cp_word *to, struct error *err)
{
	cleanup_json json_t *request = NULL;
	json_t *source = NULL, *target = NULL;
	int r = describe(&ctx->store, from, &source, err);

	if (r == 0)
		r = describe(&ctx->store, to, &target, err);
	request = json_pack("{s:o?, s:o?, s:b, s:b}", "from", source, "to", target, "archive",
			    o->archive, "overwrite", o->overwrite);
	if (r < 0)
		return r;
	return imagejob_run(&(struct imagejob_spec){ .verb = "cp",
						     .store = &ctx->store,
						     .request = request,
						     .datafd = from->is_stream ? STDIN_FILENO
							       : to->is_stream ? STDOUT_FILENO
									       : -1 },
			    err);
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	const struct cp_options *o = options;
	struct cp_word from = { 0 }, to = { 0 };
	int r;

	(void)argc;
	if (o->pause.set && o->pause.value)
		return error_set(err, EOPNOTSUPP,
				 "--pause is not supported: use podium pause and unpause");
	r = cp_word_parse(argv[0], &from, err);
	if (r == 0)
		r = cp_word_parse(argv[1], &to, err);
	if (r == 0)
		r = check(&from, &to, err);
	if (r == 0)
		r = copy(ctx, o, &from, &to, err);
	cp_word_done(&from);
	cp_word_done(&to);
	return r;
}

static void set_defaults(void *options)
{
	struct cp_options *o = options;

	o->archive = true;
}

static const struct option option_table[] = {
	{ 'a', "archive", OPTION_BOOL, O(archive), NULL,
	  "Copies belong to the container's user, on the host to you (the default); without it "
	  "owners stay as they are",
	  false },
	{ 0, "overwrite", OPTION_BOOL, O(overwrite), NULL,
	  "A directory may replace another thing, and another thing a directory", false },
	{ 0, "pause", OPTION_MAYBE, O(pause), NULL, "Not supported", true },
	OPTIONS_END,
};

const struct command cmd_cp = {
	.words = "cp",
	.args = "[options] [CONTAINER:]SRC_PATH [CONTAINER:]DEST_PATH",
	.summary = "Copy files between a container and this host, or another container",
	.details = "  '-' as source or destination is a tar archive on stdin or stdout. SRC/. "
		   "copies what\n"
		   "  is in a directory. A container need not run.",
	.options = option_table,
	.options_size = sizeof(struct cp_options),
	.set_defaults = set_defaults,
	.min_args = 2,
	.max_args = 2,
	.store = COMMAND_WRITES,
	.run = run,
};
