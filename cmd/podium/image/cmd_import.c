/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import - `podium import PATH|URL|- [NAME]`: a tar archive of a root file system becomes an image.
 *
 * Theory of operation: the work is the verb "import" of podium-image, which gets the opened archive;
 * it may be compressed by gzip or zstd. The id is printed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/image/imagejob.h"
#include "cmd/podium/base/progress.h"
#include "engine/base/json.h"
#include "engine/image/reference.h"
#include "engine/state/eventlog.h"

struct import_command {
	const char *arch;
	struct strlist changes;
	const char *message;
	const char *os;
	bool quiet;
	const char *variant;
};

#define O(m) offsetof(struct import_command, m)
static const struct option import_option_table[] = {
	{ 0, "arch", OPTION_STRING, O(arch), "string", "Architecture of the image", false },
	{ 'c', "change", OPTION_STRINGS, O(changes), "string",
	  "CMD | ENTRYPOINT | ENV | EXPOSE | LABEL | ONBUILD | STOPSIGNAL | USER | VOLUME | "
	  "WORKDIR, as in a Containerfile",
	  false },
	{ 'm', "message", OPTION_STRING, O(message), "string", "Comment of the image", false },
	{ 0, "os", OPTION_STRING, O(os), "string", "System of the image", false },
	{ 'q', "quiet", OPTION_BOOL, O(quiet), NULL, "Print the id alone", false },
	{ 0, "variant", OPTION_STRING, O(variant), "string", "Variant of the architecture", false },
	OPTIONS_END,
};

static bool is_url(const char *source)
{
	return is_prefix(source, "http://") || is_prefix(source, "https://");
}

static int describe(const struct import_command *o, const char *source, const char *name,
		    json_t **ret, struct error *err)
{
	char full[REFERENCE_MAX + 1];
	json_t *j, *changes;
	int r = name ? reference_new_name(name, full, err) : 0;

	if (r < 0)
		return r;
	changes = json_array();
	for (size_t i = 0; i < o->changes.n; i++)
		(void)json_array_append_new(changes, json_string(o->changes.v[i]));
	j = json_pack("{s:s, s:o}", "source", source, "changes", changes);
	jset_str(j, "name", name ? full : NULL);
	jset_str(j, "url", is_url(source) ? source : NULL);
	jset_str(j, "message", o->message);
	jset_str(j, "arch", o->arch);
	jset_str(j, "os", o->os);
	jset_str(j, "variant", o->variant);
	*ret = j;
	return 0;
}

static int on_event(struct imagejob *job, void *arg, const char *event, const json_t *j,
		    struct error *err)
{
	const char *id = jget_str(j, "id"), *text = jget_str(j, "text");

	(void)job;
	if (is_equal(event, "say") && text)
		progress_say(arg, text);
	if (!is_equal(event, "image"))
		return 0;
	if (!id || !is_id(id))
		return error_set(err, EBADMSG, "podium-image says no id");
	(void)printf("sha256:%s\n", id);
	return 0;
}

static int open_source(const char *source, int *ret, struct error *err)
{
	if (is_url(source))
		return 0;
	if (is_equal(source, "-")) {
		if (isatty(STDIN_FILENO))
			return error_set(err, EINVAL,
					 "cannot read from a terminal: use redirection");
		*ret = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	} else {
		*ret = open(source, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	}
	return *ret < 0 ? error_errno(err, "open '%s'", source) : 0;
}

static int run_import(struct command_context *ctx, void *options, int argc, char **argv,
		      struct error *err)
{
	const struct import_command *o = options;
	cleanup_progress struct progress *progress = progress_new(o->quiet);
	cleanup_json json_t *request = NULL;
	cleanup_close int fd = -EBADF;
	int r = describe(o, argv[0], argc > 1 ? argv[1] : NULL, &request, err);

	if (r == 0)
		r = open_source(argv[0], &fd, err);
	if (r < 0)
		return r;
	r = imagejob_run(&(struct imagejob_spec){ .verb = "import",
						  .store = &ctx->store,
						  .request = request,
						  .datafd = fd,
						  .on_event = on_event,
						  .progress = progress,
						  .arg = progress },
			 err);
	if (r == 0)
		event_log_image(&ctx->store, "import", NULL, argv[0]);
	return r;
}

const struct command cmd_import = {
	.words = "import",
	.args = "[options] PATH|URL|- [NAME]",
	.summary = "Make an image of a tar archive of a root file system",
	.options = import_option_table,
	.options_size = sizeof(struct import_command),
	.min_args = 1,
	.max_args = 2,
	.store = COMMAND_WRITES,
	.run = run_import,
};
