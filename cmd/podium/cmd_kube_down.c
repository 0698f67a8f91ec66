/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube down - the pods of a manifest go without a trace.
 *
 * Theory of operation: pods are found by the names in the files, also when the files have errors in
 * other fields, so that what was played can always be taken down. All stop at once. A name that is
 * not there is no error: down twice succeeds.
 */
#include <errno.h>
#include <stdio.h>

#include "cmd/podium/command.h"
#include "cmd/podium/commands.h"
#include "cmd/podium/kube_archive.h"
#include "cmd/podium/kube_input.h"
#include "cmd/podium/lifeoptions.h"
#include "cmd/podium/pods.h"
#include "engine/base/mem.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"

struct down_options {
	struct option_int time;
};
#define O(m) offsetof(struct down_options, m)

/* Ids of the pods with these very names (a prefix of an id is not a name). */
static void find_pods(const struct store *s, const struct strlist *names, struct strlist *ret)
{
	for (size_t i = 0; i < names->n; i++) {
		struct pod_spec pod = { 0 };
		struct error scratch;
		char id[65];

		if (lookup_pod(s, names->v[i], id, &scratch) < 0)
			continue;
		if (lookup_read_pod(s, id, &pod, &scratch) < 0 ||
		    (is_equal(pod.name, names->v[i]) && is_equal(pod.owner, "kube")))
			strlist_add(ret, id);
		record_done(&pod_spec_type, &pod);
	}
}

static void print_ids(const char *title, const struct strlist *ids)
{
	printf("%s:\n", title);
	for (size_t i = 0; i < ids->n; i++)
		printf("%s\n", ids->v[i]);
}

int kube_down(struct command_context *ctx, int argc, char **argv, int64_t grace_s,
	      struct error *err)
{
	cleanup_kube_result struct kube_result result = { 0 };
	cleanup_strlist struct strlist ids = { 0 };
	struct kube_input how = { 0 };
	bool is_archive;
	int r = kube_archive_input(argc, argv, &how, &result, &is_archive, err);

	if (r < 0)
		return r;
	if (result.pod_names.n == 0 && result.has_errors)
		return kube_input_read(argc, argv, &how, &result, err);
	find_pods(&ctx->store, &result.pod_names, &ids);
	r = pods_stop_to_remove(&ctx->store, &ids, grace_s, err);
	if (r < 0)
		return r;
	print_ids("Pods stopped", &ids);
	for (size_t i = 0; i < ids.n && r == 0; i++)
		r = pod_remove(&ctx->store, ids.v[i], err);
	if (r < 0)
		return r;
	print_ids("Pods removed", &ids);
	printf("Secrets removed:\nVolumes removed:\n");
	return 0;
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	const struct down_options *o = options;
	int64_t grace_s;
	int r = grace_option(&o->time, &grace_s, err);

	return r < 0 ? r : kube_down(ctx, argc, argv, grace_s, err);
}

static const struct option down_options_table[] = {
	OPTION_GRACE(O(time)),
	OPTIONS_END,
};

const struct command cmd_kube_down = {
	.words = "kube down",
	.args = "[options] FILE [FILE...]|-",
	.summary = "Stop and remove the pods of Kubernetes YAML",
	.options = down_options_table,
	.options_size = sizeof(struct down_options),
	.min_args = 1,
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run,
};
