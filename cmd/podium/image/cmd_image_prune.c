/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image prune - `podium image prune`: removes the images that nobody needs.
 *
 * Theory of operation: imageprune.h does it. Without --force it asks first, and anything but yes
 * removes nothing and is no error.
 */
#include <errno.h>
#include <stdio.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/image/imagefilter.h"
#include "cmd/podium/image/imageprune.h"

struct prune_options {
	bool all;
	bool force;
	struct strlist filters;
};

#define O(m) offsetof(struct prune_options, m)
static const struct option prune_option_table[] = {
	{ 'a', "all", OPTION_BOOL, O(all), NULL,
	  "All images that no container uses, not only those without a name", false },
	OPTION_REFUSE(0, "external", "no other program has containers in podium's store"),
	{ 0, "filter", OPTION_STRINGS, O(filters), "key=value", "label, label! or until", false },
	{ 'f', "force", OPTION_BOOL, O(force), NULL, "Do not ask", false },
	OPTIONS_END,
};
#undef O

static int run_prune(struct command_context *ctx, void *options, int argc, char **argv,
		     struct error *err)
{
	const struct prune_options *o = options;
	cleanup_image_prune_result struct image_prune_result gone = { .bytes = 0 };
	int r = imagefilter_check_prune(&o->filters, err);

	(void)argc;
	(void)argv;
	if (r == 0 && !o->force)
		r = prune_confirm(
			o->all ? "WARNING! This command removes all images without at least one "
				 "container associated with them.\n"
			       : "WARNING! This command removes all dangling images.\n",
			err);
	else if (r == 0)
		r = 1;
	if (r <= 0)
		return r;
	r = imageprune_run(&ctx->store, o->all, &o->filters, &gone, err);
	for (size_t i = 0; r == 0 && i < gone.ids.n; i++)
		(void)printf("%s\n", gone.ids.v[i]);
	return r;
}

const struct command cmd_image_prune = {
	.words = "image prune",
	.args = "[options]",
	.summary = "Remove the images that nobody needs",
	.options = prune_option_table,
	.options_size = sizeof(struct prune_options),
	.max_args = 0,
	.store = COMMAND_WRITES,
	.run = run_prune,
};
