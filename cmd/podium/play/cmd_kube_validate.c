/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube validate - says what is wrong with manifests and creates nothing.
 *
 * Theory of operation: the same reading as kube play, without a store. Exit code 0, also with
 * warnings, or 125.
 */
#include "cmd/podium/base/command.h"
#include "cmd/podium/base/commands.h"
#include "cmd/podium/play/kube_fetch.h"
#include "cmd/podium/play/kube_input.h"

struct validate_options {
	bool strict;
};

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	const struct validate_options *o = options;
	cleanup_kube_result struct kube_result result = { 0 };
	struct kube_input how = { .strict = o->strict, .check_only = true };

	int r = kube_fetch(NULL, argc, argv, &how.fetched, err);

	(void)ctx;
	return r < 0 ? r : kube_input_read(argc, argv, &how, &result, err);
}

static const struct option validate_options_table[] = {
	{ 0, "strict", OPTION_BOOL, offsetof(struct validate_options, strict), NULL,
	  "A field that has no effect here is an error", false },
	OPTIONS_END,
};

const struct command cmd_kube_validate = {
	.words = "kube validate",
	.args = "[options] FILE [FILE...]|-",
	.summary = "Check Kubernetes YAML; nothing is created",
	.options = validate_options_table,
	.options_size = sizeof(struct validate_options),
	.min_args = 1,
	.max_args = -1,
	.store = COMMAND_NO_STORE,
	.run = run,
};
