/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kuberemove - stored documents and namespaces go.
 *
 * Theory of operation: a workload goes with its pods, which are all stopped at once; its document
 * goes last, so that what could not be finished can be tried again. A PersistentVolume that is
 * claimed and a namespace that holds something are refused, naming what is in the way: there is no
 * controller here that would wait for it.
 */
#include <errno.h>
#include <string.h>

#include "cmd/podium/play/jobs.h"
#include "cmd/podium/kube/kubekind.h"
#include "cmd/podium/kube/kubestored.h"
#include "cmd/podium/kube/kubeusers.h"
#include "cmd/podium/kube/kubeview.h"
#include "cmd/podium/pod/pods.h"
#include "engine/base/mem.h"
#include "engine/data/object.h"
#include "engine/pod/pod.h"
#include "engine/volumes/named.h"

/* Ids of the pods of these names that belong to `controller`. */
static void find_owned(const struct store *s, const struct strlist *names, const char *controller,
		       struct strlist *ret)
{
	for (size_t i = 0; i < names->n; i++) {
		struct pod_spec pod = { 0 };
		struct error scratch; /* not there any more */
		char id[65];

		if (lookup_pod(s, names->v[i], id, &scratch) == 0 &&
		    lookup_read_pod(s, id, &pod, &scratch) == 0 &&
		    is_equal(pod.controller, controller))
			strlist_add(ret, id);
		record_done(&pod_spec_type, &pod);
	}
}

static void add_job_pods(const struct store *s, const char *namespace_, const char *name,
			 struct strlist *ret)
{
	struct job_status st;
	struct error scratch; /* it has not begun */

	error_ignore(kube_stored_job(s, namespace_, name, &st, &scratch));
	for (size_t i = 0; i < st.pods.n; i++)
		if (st.pods.v[i].name && !strlist_has(ret, st.pods.v[i].name))
			strlist_add(ret, st.pods.v[i].name);
	record_done(&job_status_type, &st);
}

int kube_remove_workload(const struct store *s, const struct kube_kind_row *row,
			 const char *namespace_, const char *name, int64_t grace_s,
			 struct error *err)
{
	cleanup_stored_object struct stored_object o = { 0 };
	cleanup_free char *controller =
		xasprintf("%s/%s/%s", kube_kind_names[row->kind], namespace_of(namespace_), name);
	cleanup_strlist struct strlist names = { 0 };
	cleanup_strlist struct strlist ids = { 0 };
	int r = object_read(s, (enum kube_kind)row->kind, namespace_, name, &o, err);

	if (r == -ENOENT) /* but what a crash has left of it */
		return object_remove(s, (enum kube_kind)row->kind, namespace_, name, err);
	if (r == 0 && row->kind == KUBE_JOB)
		r = job_end(s, namespace_, name,
			    err); /* before its pods, or it would make others */
	if (r < 0)
		return r;
	strlist_copy(&names, &o.pods);
	if (row->kind == KUBE_JOB)
		add_job_pods(s, namespace_, name, &names);
	find_owned(s, &names, controller, &ids);
	r = pods_stop_to_remove(s, &ids, grace_s, err);
	for (size_t i = 0; i < ids.n && r == 0; i++)
		r = pod_remove(s, ids.v[i], err);
	return r < 0 ? r : object_remove(s, (enum kube_kind)row->kind, namespace_, name, err);
}

int kube_remove_job(const struct store *s, const char *namespace_, const char *name,
		    int64_t grace_s, struct error *err)
{
	static const struct kube_kind_row row = { .kind = KUBE_JOB };
	int r = kube_remove_workload(s, &row, namespace_, name, grace_s, err);

	return r == -ENOENT ? 0 : r;
}

/* ---- volumes ---------------------------------------------------------------------------- */

char *kube_claim_of(const struct store *s, const char *volume)
{
	cleanup_strlist struct strlist names = { 0 };
	struct error scratch; /* what cannot be read claims nothing */
	int r = named_volume_list(s, &names, &scratch);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		cleanup_named_volume struct named_volume v = { 0 };

		if (named_volume_read(s, names.v[i], &v, &scratch) == 0 && v.claim_namespace &&
		    is_equal(v.bound_volume, volume))
			return xasprintf("%s/%s", v.claim_namespace, v.name);
	}
	return NULL;
}

int kube_remove_volume(const struct store *s, const struct kube_kind_row *row,
		       const char *namespace_, const char *name, int64_t grace_s, struct error *err)
{
	cleanup_free char *claim = kube_claim_of(s, name);

	(void)grace_s;
	if (claim)
		return error_set(err, EBUSY,
				 "persistentvolume '%s' is bound to the claim '%s': delete that "
				 "first",
				 name, claim);
	return object_remove(s, (enum kube_kind)row->kind, namespace_, name, err);
}

/* ---- namespaces ------------------------------------------------------------------------- */

static void add_space(struct strlist *ret, const char *text)
{
	size_t len = strcspn(text, "/");
	cleanup_free char *space = xstrndup(text, len);

	if (!strlist_has(ret, space))
		strlist_add(ret, space);
}

/* Namespaces that something is in, and what: "KIND/NAME" of `of`, or of none. */
static int find_spaces(const struct store *s, const char *of, struct strlist *ret_spaces,
		       struct strlist *ret_held, struct error *err)
{
	static const enum kube_kind stored[] = { KUBE_DEPLOYMENT, KUBE_REPLICA_SET, KUBE_DAEMON_SET,
						 KUBE_JOB };
	cleanup_kube_pods struct kube_pods pods = { 0 };
	cleanup_strlist struct strlist all = { 0 };
	int r = kube_pods_load(s, NULL, false, &pods, err);

	for (size_t i = 0; r == 0 && i < pods.n; i++)
		strlist_addf(&all, "%s/%s", namespace_of(pods.v[i].pod.namespace_),
			     pods.v[i].pod.name);
	for (int k = 0; k < DATA__COUNT && r == 0; k++)
		r = data_object_list(s, (enum data_kind)k, &all, err);
	for (size_t k = 0; k < ARRAY_SIZE(stored) && r == 0; k++)
		r = object_list(s, stored[k], &all, err);
	for (size_t i = 0; i < all.n; i++) {
		size_t len = strcspn(all.v[i], "/");

		add_space(ret_spaces, all.v[i]);
		if (of && strlen(of) == len && memcmp(of, all.v[i], len) == 0)
			strlist_add(ret_held, all.v[i] + len + 1);
	}
	return r;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int kube_list_namespaces(struct kube_look *look, const struct kube_kind_row *row, struct error *err)
{
	cleanup_strlist struct strlist spaces = { 0 }, held = { 0 }, own = { 0 };
	int r;

	if (is_form_document(look->form))
		return error_set(err, EINVAL, "namespaces have no document here: they are labels");
	strlist_add(&spaces, NAMESPACE_DEFAULT);
	r = find_spaces(look->store, NULL, &spaces, &held, err);
	if (r == 0)
		r = object_list(look->store, KUBE_NAMESPACE, &own, err);
	for (size_t i = 0; i < own.n; i++)
		add_space(&spaces, strchr(own.v[i], '/') + 1);
	qsort(spaces.v, spaces.n, sizeof(*spaces.v), compare_names);
	for (size_t i = 0; r == 0 && i < spaces.n; i++) {
		cleanup_stored_object struct stored_object o = { 0 };
		struct error scratch; /* most have no document */

		if (!kube_look_wants(look, NULL, spaces.v[i], NULL) ||
		    !kube_look_begin_row(look, row, NULL, spaces.v[i]))
			continue;
		error_ignore(
			object_read(look->store, KUBE_NAMESPACE, NULL, spaces.v[i], &o, &scratch));
		kube_table_add(&look->table, "Active");
		kube_table_add_age(&look->table, o.created_ns, look->now_ns);
	}
	return r;
}

int kube_remove_namespace(const struct store *s, const struct kube_kind_row *row,
			  const char *namespace_, const char *name, int64_t grace_s,
			  struct error *err)
{
	cleanup_strlist struct strlist spaces = { 0 }, held = { 0 };
	cleanup_free char *what = NULL;
	int r = find_spaces(s, name, &spaces, &held, err);

	(void)grace_s;
	(void)namespace_;
	what = kube_join_names(&held);
	if (r == 0 && held.n)
		return error_set(err, EBUSY, "namespace '%s' still holds %s: delete these first",
				 name, what);
	return r < 0 ? r : object_remove(s, (enum kube_kind)row->kind, NULL, name, err);
}
