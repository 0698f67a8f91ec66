/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube describe - all that is known of objects, for people.
 *
 * Theory of operation: the words are those of kube get; each kind prints its own blocks, with a
 * blank line between two. A name that is not there is told after what is there, and the exit code
 * is 1.
 */
#include <errno.h>
#include <stdio.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/base/commands.h"
#include "cmd/podium/kube/kubewords.h"
#include "engine/base/clock.h"
#include "engine/base/mem.h"

struct describe_options {
	const char *namespace_;
	bool all_namespaces;
	const char *selector;
};
#define O(m) offsetof(struct describe_options, m)

static int describe(struct command_context *ctx, const struct describe_options *o,
		    const struct kube_words *words, const struct selector *selector,
		    struct error *err)
{
	size_t missing = 0, described = 0;

	for (size_t i = 0; i < words->n; i++) {
		const struct kube_wanted *w = &words->v[i];
		struct kube_look look = { .store = &ctx->store,
					  .names = &w->names,
					  .selector = selector,
					  .now_ns = clock_wall_ns(),
					  .described = described };
		int r;

		if (!w->row->describe)
			return error_set(err, EINVAL, "%s cannot be described: kube get %s",
					 w->row->plural, w->row->plural);
		if (w->row->namespaced && !o->all_namespaces)
			look.namespace_ = namespace_of(o->namespace_);
		r = w->row->describe(&look, w->row, err);
		(void)fflush(stdout);
		if (r == 0)
			missing += kube_words_tell_missing(w, &look);
		described = look.described;
		strlist_done(&look.found);
		if (r < 0)
			return r;
	}
	if (!described && !missing)
		(void)fprintf(stderr, "No resources found\n");
	return missing > 0;
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	const struct describe_options *o = options;
	cleanup_kube_words struct kube_words words = { 0 };
	cleanup_selector struct selector selector = { 0 };
	int r = kube_words_parse(argc, argv, &words, err);

	if (r == 0)
		r = selector_parse(o->selector, &selector, err);
	if (r == 0 && (argc > 1 || words.slashed) && (o->all_namespaces || selector.n))
		r = error_set(err, EINVAL, "names exclude --all-namespaces and --selector");
	return r < 0 ? r : describe(ctx, o, &words, &selector, err);
}

static const struct option describe_options_table[] = {
	{ 'A', "all-namespaces", OPTION_BOOL, O(all_namespaces), NULL, "Of every namespace",
	  false },
	{ 'n', "namespace", OPTION_STRING, O(namespace_), "name",
	  "Of this namespace (default \"default\")", false },
	{ 'l', "selector", OPTION_STRING, O(selector), "labels",
	  "Only what has these labels: a=b, a!=b, a, !a, 'a in (b,c)'", false },
	OPTIONS_END,
};

const struct command cmd_kube_describe = {
	.words = "kube describe",
	.args = "[options] KIND [NAME...] | KIND/NAME...",
	.summary = "All that is known of pods and other objects",
	.details =
		"  A pod comes with its conditions, the state of each container now and before, "
		"and what\n"
		"  happened lately. Of a Secret the keys are shown and how many bytes they hold, "
		"never\n"
		"  a value. Exits with 1 when a name is not there.",
	.options = describe_options_table,
	.options_size = sizeof(struct describe_options),
	.min_args = 1,
	.max_args = -1,
	.store = COMMAND_READS,
	.run = run,
};
