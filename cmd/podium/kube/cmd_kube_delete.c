/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube delete - pods and other objects go, by name or by file.
 *
 * Theory of operation: each object is removed by its kind's function; one that is not there is told
 * after the others went, and the exit code is 1. Of a file everything goes that it names, pods and
 * workloads before what they refer to: claims as well, which `kube down` keeps.
 */
#include <errno.h>
#include <stdio.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/base/commands.h"
#include "cmd/podium/play/kube_archive.h"
#include "cmd/podium/kube/kubewords.h"
#include "cmd/podium/container/lifeoptions.h"
#include "engine/base/mem.h"
#include "engine/pod/lookup.h"

struct delete_options {
	const char *namespace_;
	struct strlist files;
	bool ignore_missing;
	bool now;
	struct option_int grace;
};
#define O(m) offsetof(struct delete_options, m)

struct deletion {
	const struct store *store;
	const struct delete_options *o;
	int64_t grace_s;
	size_t missing;
	size_t failed;
};

/* Fails in print alone: the others go all the same. */
static void delete_one(struct deletion *d, const struct kube_kind_row *row, const char *namespace_,
		       const char *name)
{
	struct error err;
	int r = row->remove(d->store, row, namespace_, name, d->grace_s, &err);

	if (r == 0) {
		printf("%s \"%s\" deleted\n", row->singular, name);
		(void)fflush(stdout);
		return;
	}
	if (r == -ENOENT && d->o->ignore_missing)
		return;
	command_print_error(&err);
	if (r == -ENOENT)
		d->missing++;
	else
		d->failed++;
}

static int delete_words(struct deletion *d, int argc, char **argv, struct error *err)
{
	cleanup_kube_words struct kube_words words = { 0 };
	int r = kube_words_parse(argc, argv, &words, err);

	for (size_t i = 0; i < words.n && r == 0; i++) {
		if (!words.v[i].names.n)
			r = error_set(err, EINVAL, "you must name what is to be deleted");
		else if (!words.v[i].row->remove)
			r = error_set(err, EINVAL, "%s cannot be deleted", words.v[i].row->plural);
	}
	for (size_t i = 0; i < words.n && r == 0; i++)
		for (size_t k = 0; k < words.v[i].names.n; k++)
			delete_one(d, words.v[i].row, namespace_of(d->o->namespace_),
				   words.v[i].names.v[k]);
	return r;
}

static const struct kube_kind_row *row_of(int kind)
{
	const struct kube_kind_row *row = kube_kind_rows;

	while (row->plural && row->kind != kind)
		row++;
	return row->plural ? row : NULL;
}

/* A pod that a workload of the files makes: it went with it. */
static bool is_made(const struct kube_result *result, const char *name)
{
	for (size_t i = 0; i < result->n; i++)
		if (is_equal(result->v[i].pod.name, name))
			return result->v[i].pod.controller != NULL;
	return false;
}

/* A Pod's namespace stands in its record: names are unique on one host. */
static void delete_pods(struct deletion *d, const struct kube_result *result)
{
	const struct kube_kind_row *row = row_of(KUBE_POD);

	for (size_t i = 0; i < result->pod_names.n; i++) {
		struct pod_spec pod = { 0 };
		struct error scratch; /* not there: that is told */
		char id[65];

		if (is_made(result, result->pod_names.v[i]))
			continue;
		if (lookup_pod(d->store, result->pod_names.v[i], id, &scratch) == 0)
			error_ignore(lookup_read_pod(d->store, id, &pod, &scratch));
		delete_one(d, row, pod.namespace_, result->pod_names.v[i]);
		record_done(&pod_spec_type, &pod);
	}
}

static int delete_files(struct deletion *d, struct error *err)
{
	cleanup_kube_result struct kube_result result = { 0 };
	struct kube_input how = { 0 };
	bool is_archive;
	int r = kube_archive_input((int)d->o->files.n, d->o->files.v, &how, &result, &is_archive,
				   err);

	if (r < 0)
		return r;
	if (!result.pod_names.n && !result.n_objects)
		return error_set(err, EINVAL,
				 "there is nothing in the files that could be deleted");
	/* What refers comes after what it refers to. */
	for (size_t i = result.n_objects; i-- > 0;) {
		const struct kube_object *o = &result.objects[i];

		if (o->kind > KUBE_PVC)
			delete_one(d, row_of(o->kind), o->namespace_, o->name);
	}
	delete_pods(d, &result);
	for (size_t i = result.n_objects; i-- > 0;) {
		const struct kube_object *o = &result.objects[i];

		if (o->kind <= KUBE_PVC)
			delete_one(d, row_of(o->kind), o->namespace_, o->name);
	}
	return 0;
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	const struct delete_options *o = options;
	struct deletion d = { .store = &ctx->store, .o = o };
	int r = grace_option(&o->grace, &d.grace_s, err);

	if (r < 0)
		return r;
	if (o->now && o->grace.set)
		return error_set(err, EINVAL, "--now and --grace-period exclude each other");
	if (o->now)
		d.grace_s = 1;
	if (o->files.n && argc)
		return error_set(err, EINVAL, "--filename and names exclude each other");
	if (!o->files.n && !argc)
		return error_set(err, EINVAL,
				 "you must name a kind and what is to be deleted, or "
				 "--filename");
	r = o->files.n ? delete_files(&d, err) : delete_words(&d, argc, argv, err);
	return r < 0 ? r : d.failed ? 125 : d.missing ? 1 : 0;
}

static const struct option delete_options_table[] = {
	{ 'f', "filename", OPTION_STRINGS, O(files), "file",
	  "All that is in this file (- is stdin)", false },
	{ 0, "grace-period", OPTION_INT, O(grace), "seconds",
	  "Time to end by itself (default: each pod's own)", false },
	{ 0, "ignore-not-found", OPTION_BOOL, O(ignore_missing), NULL,
	  "What is not there is no error", false },
	{ 'n', "namespace", OPTION_STRING, O(namespace_), "name",
	  "Of this namespace (default \"default\")", false },
	{ 0, "now", OPTION_BOOL, O(now), NULL, "With a second to end", false },
	OPTIONS_END,
};

const struct command cmd_kube_delete = {
	.words = "kube delete",
	.args = "[options] KIND NAME [NAME...] | KIND/NAME... | -f FILE",
	.summary = "Delete pods and other objects",
	.details =
		"  A workload goes with its pods. A claim that a pod mounts, a volume that is "
		"claimed and\n"
		"  a namespace that holds something are refused. Exits with 1 when a name is not "
		"there.",
	.options = delete_options_table,
	.options_size = sizeof(struct delete_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run,
};
