/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load - `podium load -i FILE`: images from a docker-archive or oci-archive into the store.
 *
 * Theory of operation: the work is the verb "load" of podium-image; for each image that it brings in
 * we say "Loaded image: NAME"; layers on their way are shown on stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/image/imagejob.h"
#include "cmd/podium/base/progress.h"
#include "engine/base/json.h"
#include "engine/state/eventlog.h"

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

static int on_event(struct imagejob *job, void *arg, const char *event, const json_t *j,
		    struct error *err)
{
	const char *name = jget_str(j, "name"), *id = jget_str(j, "id");
	cleanup_free char *text = NULL;

	(void)job;
	(void)arg;
	(void)err;
	if (!is_equal(event, "image") || !id)
		return 0;
	text = name ? xasprintf("Loaded image: %s", name)
		    : xasprintf("Loaded image: sha256:%s", id);
	format_print_line(text);
	return 0;
}

/* `podium save` writes directories, too: those are pulled. */
static int refuse_directory(const char *path, int fd, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, "stat '%s'", path);
	if (!S_ISDIR(st.st_mode))
		return 0;
	return error_set(err, EISDIR, "'%.200s' is a directory: `podium pull %s:%.200s` takes it",
			 path, faccessat(fd, "index.json", F_OK, 0) == 0 ? "oci" : "dir", path);
}

static int run_load(struct command_context *ctx, void *options, int argc, char **argv,
		    struct error *err)
{
	const struct load_options *o = options;
	cleanup_progress struct progress *progress = NULL;
	cleanup_json json_t *request = NULL;
	cleanup_close int file = -EBADF;
	int r;

	(void)argc;
	(void)argv;
	if (!o->input && isatty(STDIN_FILENO))
		return error_set(err, EINVAL,
				 "cannot read from a terminal: "
				 "use redirection or the --input option");
	if (is_equal(o->input, "-"))
		return error_set(err, EINVAL, "leave --input out to read from stdin");
	if (o->input) {
		file = open(o->input, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (file < 0)
			return error_errno(err, "open '%s'", o->input);
		r = refuse_directory(o->input, file, err);
		if (r < 0)
			return r;
	}
	request = json_pack("{s:s}", "input", o->input ? o->input : "-");
	progress = progress_new(o->quiet);
	r = imagejob_run(&(struct imagejob_spec){ .verb = "load",
						  .store = &ctx->store,
						  .request = request,
						  .datafd = o->input ? file : STDIN_FILENO,
						  .on_event = on_event,
						  .progress = progress },
			 err);
	if (r == 0)
		event_log_image(&ctx->store, "loadfromarchive", NULL, o->input ? o->input : "-");
	return r;
}

const struct command cmd_load = {
	.words = "load",
	.args = "[options]",
	.summary = "Load images from a docker-archive or oci-archive",
	.details = "The archive may be compressed by gzip or zstd. `podium pull` takes "
		   "directories: oci:DIR, dir:DIR.",
	.options = load_option_table,
	.options_size = sizeof(struct load_options),
	.max_args = 0,
	.store = COMMAND_WRITES,
	.run = run_load,
};
