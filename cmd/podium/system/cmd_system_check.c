/* SPDX-License-Identifier: Apache-2.0 */
/*
 * system check - whether the images of the store are still what came in, and what is half made.
 *
 * Theory of operation: pods and containers that a killed command left half made are named, or removed
 * (halfmade.c), and so are records that cannot be read and what of the networks nobody uses (recordcheck.c).
 * For the images the work is the verb "check" of podium-image: it reads every byte of every
 * image. Damage is a line on stdout and exit code 125; with --repair damaged images are removed,
 * to be pulled or loaded again, and only what a container uses is left and counts as damage.
 */
#include <errno.h>
#include <stdio.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/image/imagejob.h"
#include "cmd/podium/system/halfmade.h"
#include "cmd/podium/system/recordcheck.h"
#include "engine/base/json.h"

struct check_options {
	bool repair;
};

static const struct option check_option_table[] = {
	{ 'r', "repair", OPTION_BOOL, offsetof(struct check_options, repair), NULL,
	  "Remove damaged images that no container uses, and what is half made", false },
	OPTIONS_END,
};

static int on_event(struct imagejob *job, void *arg, const char *event, const json_t *j,
		    struct error *err)
{
	bool *damaged = arg;
	const char *what = jget_str(j, "what"), *hex = jget_str(j, "hex");
	const char *image = jget_str(j, "image"), *text = jget_str(j, "text");
	cleanup_free char *line = NULL;

	(void)job;
	(void)err;
	if (is_equal(event, "checked"))
		*damaged = jget_bool(j, "damaged", true);
	if (!is_equal(event, "finding") || !what || !hex || !image || !text)
		return 0;
	if (jget_bool(j, "repaired", false))
		line = xasprintf("Deleted: %s", image);
	else
		line = xasprintf("%s%s %.12s of image %.12s: %s",
				 jget_bool(j, "note", false) ? "Not checked: " : "Damaged: ", what,
				 hex, image, text);
	format_print_line(line);
	return 0;
}

static int check_images(struct command_context *ctx, bool repair, bool *ret_damaged,
			struct error *err)
{
	cleanup_json json_t *request = json_pack("{s:b}", "repair", (int)repair);

	return imagejob_run(&(struct imagejob_spec){ .verb = "check",
						     .store = &ctx->store,
						     .request = request,
						     .datafd = -1,
						     .on_event = on_event,
						     .arg = ret_damaged },
			    err);
}

static int run_check(struct command_context *ctx, void *options, int argc, char **argv,
		     struct error *err)
{
	const struct check_options *o = options;
	bool damaged = true;
	struct recordcheck found = { 0 };
	int left = halfmade_check(&ctx->store, o->repair, err);
	int r = left < 0 ? left : recordcheck(&ctx->store, o->repair, &found, err);

	if (r == 0)
		r = check_images(ctx, o->repair, &damaged, err);

	(void)argc;
	(void)argv;
	if (r == 0 && damaged)
		return error_set(err, EBADMSG, "damage in the store%s",
				 o->repair ? " in images that are in use"
					   : ": `podium system check --repair` removes what is "
					     "damaged");
	if (r == 0 && found.damaged)
		return error_set(err, EBADMSG,
				 "damage in the store: remove by hand, or put back, what is named");
	if (r == 0 && (left > 0 || found.incomplete))
		return error_set(
			err, EBADMSG,
			"something is half made or used by nobody: `podium system check --repair` "
			"removes it");
	return r;
}

const struct command cmd_system_check = {
	.words = "system check",
	.args = "[options]",
	.summary = "Compare every image of the store with its digests, read every record, and find "
		   "what "
		   "is half made",
	.options = check_option_table,
	.options_size = sizeof(struct check_options),
	.max_args = 0,
	.store = COMMAND_WRITES,
	.run = run_check,
};
