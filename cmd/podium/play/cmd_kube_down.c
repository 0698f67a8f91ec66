/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube down - what a manifest made goes without a trace, but for its volumes.
 *
 * Theory of operation: pods are found by the names in the files, also when the files have errors in
 * other fields, so that what was played can always be taken down. All stop at once. A name that is
 * not there is no error: down twice succeeds.
 *
 * Workloads go with their pods, and so do the Secrets and ConfigMaps of the file, unless a pod of
 * another file uses them: such a pod could not be started again, so they stay and that is told.
 * Claims and their contents stay; --force removes those that a play has made. Namespaces and
 * PersistentVolumes are labels and addresses: they go when nothing refers to them any more.
 */
#include <errno.h>
#include <stdio.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/base/commands.h"
#include "cmd/podium/play/kube_archive.h"
#include "cmd/podium/play/down_objects.h"
#include "cmd/podium/play/kube_fetch.h"
#include "cmd/podium/play/kube_input.h"
#include "cmd/podium/container/lifeoptions.h"
#include "cmd/podium/pod/pods.h"
#include "engine/base/mem.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"
#include "engine/volumes/named.h"
#include "kube/objects.h"

struct down_options {
	struct option_int time;
	bool force;
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

static void print_list(const char *title, const struct strlist *list)
{
	printf("%s:\n", title);
	for (size_t i = 0; i < list->n; i++)
		printf("%s\n", list->v[i]);
}

/* Pods that belong to a workload of the files, whatever they are called. */
static void find_owned(const struct store *s, const struct kube_object *o, struct strlist *names)
{
	cleanup_stored_object struct stored_object old = { 0 };
	struct error scratch; /* not there: nothing owned */

	if (!is_kind_stored((enum kube_kind)o->kind) ||
	    object_read(s, (enum kube_kind)o->kind, o->namespace_, o->name, &old, &scratch) < 0)
		return;
	for (size_t i = 0; i < old.pods.n; i++)
		if (!strlist_has(names, old.pods.v[i]))
			strlist_add(names, old.pods.v[i]);
}

static int down_pods(struct command_context *ctx, const struct kube_result *result, int64_t grace_s,
		     struct error *err)
{
	cleanup_strlist struct strlist names = { 0 };
	cleanup_strlist struct strlist ids = { 0 };
	int r;

	strlist_copy(&names, &result->pod_names);
	for (size_t i = 0; i < result->n_objects; i++)
		find_owned(&ctx->store, &result->objects[i], &names);
	find_pods(&ctx->store, &names, &ids);
	r = pods_stop_to_remove(&ctx->store, &ids, grace_s, err);
	if (r < 0)
		return r;
	print_list("Pods stopped", &ids);
	for (size_t i = 0; i < ids.n && r == 0; i++)
		r = pod_remove(&ctx->store, ids.v[i], err);
	if (r == 0)
		print_list("Pods removed", &ids);
	return r;
}

static int down_objects(struct command_context *ctx, const struct kube_result *result,
			const struct down_request *rq, struct error *err)
{
	cleanup_strlist struct strlist secrets = { 0 };
	cleanup_strlist struct strlist volumes = { 0 };
	int r = 0;

	/* What refers goes before what it refers to. */
	for (size_t i = result->n_objects; i-- > 0 && r == 0;) {
		const struct kube_object *o = &result->objects[i];

		if (o->kind == KUBE_PVC && !rq->force)
			continue;
		r = down_object(&ctx->store, o, rq->grace_s, err);
		if (r > 0 && o->kind == KUBE_SECRET)
			strlist_add(&secrets, o->name);
		else if (r > 0 && o->kind == KUBE_PVC)
			strlist_add(&volumes, o->name);
		r = r > 0 ? 0 : r;
	}
	for (size_t i = 0; i < result->n && rq->force && r == 0; i++)
		r = down_volumes(&ctx->store, &result->v[i].pod, &volumes, err);
	if (rq->force && ctx->store.rootfd >= 0) /* a down that was killed may have left one */
		named_volume_sweep(&ctx->store);
	print_list("Secrets removed", &secrets);
	print_list("Volumes removed", &volumes);
	return r;
}

int kube_down(struct command_context *ctx, int argc, char **argv, const struct down_request *rq,
	      struct error *err)
{
	cleanup_kube_result struct kube_result result = { 0 };
	struct kube_input how = { 0 };
	bool is_archive;
	int r = kube_fetch(&ctx->store, argc, argv, &how.fetched, err);

	if (r == 0)
		r = kube_archive_input(argc, argv, &how, &result, &is_archive, err);
	if (r == 0 && !result.pod_names.n && !result.n_objects && result.has_errors)
		r = kube_input_read(argc, argv, &how, &result, err);
	else if (r == 0)
		r = down_pods(ctx, &result, rq->grace_s, err);
	pairlist_done(&how.fetched);
	return r ? r : down_objects(ctx, &result, rq, err);
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	const struct down_options *o = options;
	struct down_request rq = { .force = o->force };
	int r = grace_option(&o->time, &rq.grace_s, err);

	return r < 0 ? r : kube_down(ctx, argc, argv, &rq, err);
}

static const struct option down_options_table[] = {
	{ 0, "force", OPTION_BOOL, O(force), NULL, "The volumes that a play has made, too", false },
	OPTION_GRACE(O(time)),
	OPTIONS_END,
};

const struct command cmd_kube_down = {
	.words = "kube down",
	.args = "[options] FILE|URL...|-",
	.summary = "Stop and remove the pods of Kubernetes YAML",
	.details =
		"  Workloads, Secrets and ConfigMaps of the files go, too; a Secret or ConfigMap "
		"that a pod\n"
		"  of another file uses stays. Claims stay without --force. Twice is no error.",
	.options = down_options_table,
	.options_size = sizeof(struct down_options),
	.min_args = 1,
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run,
};
