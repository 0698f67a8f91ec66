/* SPDX-License-Identifier: Apache-2.0 */
/*
 * save - `podium save IMAGE`: images of the store as an archive or a directory.
 *
 * Theory of operation: the work is the verb "save" of podium-image, which gets the opened file or
 * directory. Without --multi-image-archive further arguments are more names for the one image, as
 * Podman has it. stdout carries the archive, so everything else is said on stderr.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/image/imagejob.h"
#include "cmd/podium/base/outfile.h"
#include "cmd/podium/base/progress.h"
#include "engine/base/json.h"
#include "engine/image/reference.h"
#include "engine/state/eventlog.h"

struct save_command {
	const char *format;
	const char *output;
	bool compress;
	bool multi;
	bool quiet;
	bool uncompressed;
};

#define O(m) offsetof(struct save_command, m)
static const struct option save_option_table[] = {
	{ 0, "compress", OPTION_BOOL, O(compress), NULL,
	  "Compress the layers of a docker-dir (by gzip)", false },
	{ 0, "format", OPTION_STRING, O(format), "string",
	  "docker-archive (default), oci-archive, oci-dir, docker-dir", false },
	{ 'm', "multi-image-archive", OPTION_BOOL, O(multi), NULL,
	  "Every argument is an image, not another name of the first (docker-archive)", false },
	{ 'o', "output", OPTION_STRING, O(output), "string",
	  "Write to this file or directory (default: stdout, which must be redirected)", false },
	{ 'q', "quiet", OPTION_BOOL, O(quiet), NULL, "Say nothing", false },
	{ 0, "uncompressed", OPTION_BOOL, O(uncompressed), NULL,
	  "Leave the layers of an OCI image uncompressed", false },
	OPTIONS_END,
};

static bool is_format(const struct save_command *o, const char *name)
{
	return is_equal(o->format ? o->format : "docker-archive", name);
}

static bool is_dir_format(const struct save_command *o)
{
	return is_format(o, "oci-dir") || is_format(o, "docker-dir");
}

static bool is_oci_format(const struct save_command *o)
{
	return is_format(o, "oci-dir") || is_format(o, "oci-archive");
}

static int check_options(const struct save_command *o, struct error *err)
{
	if (!is_dir_format(o) && !is_oci_format(o) && !is_format(o, "docker-archive"))
		return error_set(err, EINVAL,
				 "unknown format '%.60s': docker-archive, oci-archive, oci-dir or "
				 "docker-dir",
				 o->format);
	if (o->compress && !is_format(o, "docker-dir"))
		return error_set(err, EINVAL,
				 "--compress can only be given with --format docker-dir");
	if (o->uncompressed && !is_oci_format(o))
		return error_set(err, EINVAL,
				 "--uncompressed can only be given with an OCI format");
	if (o->multi && !is_format(o, "docker-archive"))
		return error_set(err, EINVAL,
				 "--multi-image-archive can only be given with --format "
				 "docker-archive");
	if (!o->output && is_dir_format(o))
		return error_set(err, EINVAL, "%s needs --output", o->format);
	return 0;
}

/* More names for the image: as `podium tag` would make them. */
static int list_tags(int argc, char **argv, json_t *ret, struct error *err)
{
	for (int i = 1; i < argc; i++) {
		char full[REFERENCE_MAX + 1];
		int r = reference_new_name(argv[i], full, err);

		if (r < 0)
			return r;
		(void)json_array_append_new(ret, json_string(full));
	}
	return 0;
}

static int describe(const struct save_command *o, int argc, char **argv, json_t **ret,
		    struct error *err)
{
	cleanup_json json_t *images = json_array(), *tags = json_array();
	const char *kind = "none";
	int r = 0;

	for (int i = 0; i < (o->multi ? argc : 1); i++)
		(void)json_array_append_new(images, json_string(argv[i]));
	if (!o->multi)
		r = list_tags(argc, argv, tags, err);
	if (r < 0)
		return r;
	if (argc > 1 && !o->multi && !is_format(o, "docker-archive"))
		return error_set(err, EINVAL, "%s holds one name", o->format);
	if (o->compress || (is_oci_format(o) && !o->uncompressed))
		kind = "gzip";
	*ret = json_pack("{s:s, s:O, s:O, s:s}", "format", o->format ? o->format : "docker-archive",
			 "images", images, "tags", tags, "compression", kind);
	return 0;
}

static int run_save(struct command_context *ctx, void *options, int argc, char **argv,
		    struct error *err)
{
	const struct save_command *o = options;
	cleanup_progress struct progress *progress = NULL;
	cleanup_outfile struct outfile out = OUTFILE_INIT;
	cleanup_json json_t *request = NULL;
	int r = check_options(o, err);

	if (r == 0)
		r = describe(o, argc, argv, &request, err);
	if (r == 0 && is_dir_format(o))
		r = outfile_open_dir(o->output, is_format(o, "docker-dir"), &out, err);
	else if (r == 0)
		r = outfile_open(o->output, &out, err);
	if (r < 0)
		return r;
	progress = progress_new(o->quiet);
	r = imagejob_run(&(struct imagejob_spec){ .verb = "save",
						  .store = &ctx->store,
						  .request = request,
						  .datafd = out.fd,
						  .progress = progress },
			 err);
	if (r == 0) {
		outfile_keep(&out);
		event_log_image(&ctx->store, "save", NULL, o->output ? o->output : "-");
	}
	return r;
}

const struct command cmd_save = {
	.words = "save",
	.args = "[options] IMAGE [IMAGE...]",
	.summary = "Save images as an archive or a directory",
	.details = "`podium load` and others' load take it again; the image ids stay the same.",
	.options = save_option_table,
	.options_size = sizeof(struct save_command),
	.min_args = 1,
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_save,
};
