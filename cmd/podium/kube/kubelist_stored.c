/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubelist_stored - workloads, Jobs, PersistentVolumes and Namespaces for kube get, describe and
 * delete.
 *
 * Theory of operation: these are documents that are kept with the names of the pods they own
 * (kube/objects.h). How many are ready is counted from those pods. A Job's progress is what its
 * steps wrote beside its document (kube/job.h). A namespace is a label here: those that objects
 * name exist without a document, and "default" always does.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/kube/describe.h"
#include "cmd/podium/kube/kubekind.h"
#include "cmd/podium/kube/kubestored.h"
#include "cmd/podium/kube/kubeusers.h"
#include "cmd/podium/kube/kubeview.h"
#include "cmd/podium/pod/pods.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/pod/pod.h"
#include "engine/volumes/named.h"
#include "kube/tree.h"

#define WIDTH	      16
#define JOB_FILE      "job.json"
#define JOB_MAX_BYTES ((size_t)4 << 20)
#define NS_PER_SECOND INT64_C(1000000000)

/* ---- one object and its pods ------------------------------------------------------------ */

/* What the document says at a path, or the fallback. */
static int64_t number_at(const struct node *root, const char *path, const char *field,
			 int64_t fallback)
{
	const struct node *n = node_get(node_get(root, path), field);

	return n && n->kind == NODE_INT ? n->scalar.integer : fallback;
}

static const char *text_at(const struct node *root, const char *first, const char *second)
{
	const struct node *n = node_get(node_get(root, first), second);

	return n && n->kind == NODE_STRING ? n->text : NULL;
}

static void read_labels(const struct node *root, struct pairlist *ret)
{
	const struct node *n = node_get(node_get(root, "metadata"), "labels");

	for (size_t i = 0; n && n->kind == NODE_MAP && i < n->n; i++)
		if (n->entries[i].value->kind == NODE_STRING)
			pairlist_set(ret, n->entries[i].key, n->entries[i].value->text);
}

static void count_pods(const struct store *s, const struct strlist *names, size_t *ret_there,
		       size_t *ret_ready)
{
	*ret_there = *ret_ready = 0;
	for (size_t i = 0; i < names->n; i++) {
		struct kube_pod p;
		struct error scratch;
		char id[65];

		if (lookup_pod(s, names->v[i], id, &scratch) < 0)
			continue;
		if (kube_pod_load(s, id, false, &p, &scratch) == 0) {
			++*ret_there;
			*ret_ready += p.ps.conditions[CONDITION_READY].is_true;
		}
		kube_pod_done(&p);
	}
}

int kube_stored_job(const struct store *s, const char *namespace_, const char *name,
		    struct job_status *ret, struct error *err)
{
	cleanup_json json_t *j = NULL;
	cleanup_close int dir = object_open(s, KUBE_JOB, namespace_, name, err);
	int r = dir < 0 ? dir : jload_file(dir, JOB_FILE, JOB_MAX_BYTES, &j, err);

	*ret = (struct job_status){ 0 };
	return r < 0 ? r : record_load(&job_status_type, j, ret, err);
}

/* ---- rows ------------------------------------------------------------------------------- */

struct row {
	struct kube_look *look;
	const struct kube_kind_row *kind;
	const struct stored_object *o;
	const struct node *root;
	size_t there, ready;
};

static void add_job_cells(const struct row *row)
{
	static const char *const words[] = { "Running", "Suspended", "Complete", "Failed" };
	struct kube_table *t = &row->look->table;
	struct job_status st;
	struct error scratch; /* not begun yet */
	int64_t wanted = number_at(row->root, "spec", "completions", 1);
	char age[32] = "";

	error_ignore(
		kube_stored_job(row->look->store, row->o->namespace_, row->o->name, &st, &scratch));
	kube_table_add(t, words[st.condition]);
	kube_table_addf(t, "%lld/%lld", (long long)st.succeeded, (long long)wanted);
	if (st.started_ns)
		kube_age(((st.finished_ns ? st.finished_ns : row->look->now_ns) - st.started_ns) /
				 NS_PER_SECOND,
			 age, sizeof(age));
	kube_table_add(t, age);
	record_done(&job_status_type, &st);
}

static void add_volume_cells(const struct row *row)
{
	const struct node *spec = node_get(row->root, "spec");
	const struct node *size = node_get(node_get(spec, "capacity"), "storage");
	const struct node *modes = node_get(spec, "accessModes");
	cleanup_strlist struct strlist list = { 0 };
	cleanup_free char *text = NULL, *claim = NULL;

	for (size_t i = 0; modes && modes->kind == NODE_LIST && i < modes->n; i++)
		strlist_add(&list, modes->items[i]->text);
	text = kube_short_modes(&list);
	claim = kube_claim_of(row->look->store, row->o->name);
	kube_table_add(&row->look->table, size ? size->text : NULL);
	kube_table_add(&row->look->table, text);
	kube_table_add(&row->look->table, "Retain"); /* a path of the host is never removed */
	kube_table_add(&row->look->table, claim ? "Bound" : "Available");
	kube_table_add(&row->look->table, claim);
	kube_table_add(&row->look->table, text_at(row->root, "spec", "storageClassName"));
}

static void add_workload_cells(const struct row *row)
{
	struct kube_table *t = &row->look->table;
	long long wanted = (long long)number_at(row->root, "spec", "replicas", 1);

	if (row->o->pods.n && wanted > (long long)row->o->pods.n)
		wanted = (long long)row->o->pods.n; /* what play said it would make */
	if (row->kind->kind == KUBE_DEPLOYMENT) {
		kube_table_addf(t, "%zu/%lld", row->ready, wanted);
		kube_table_addf(t, "%zu", row->there);
		kube_table_addf(t, "%zu", row->ready);
		return;
	}
	kube_table_addf(t, "%lld", wanted);
	kube_table_addf(t, "%zu", row->there);
	kube_table_addf(t, "%zu", row->ready);
	if (row->kind->kind != KUBE_DAEMON_SET)
		return;
	kube_table_addf(t, "%zu", row->there);
	kube_table_addf(t, "%zu", row->ready);
	kube_table_add(t, NULL);
}

static void add_row(struct row *row)
{
	if (!kube_look_begin_row(row->look, row->kind, row->o->namespace_, row->o->name))
		return;
	if (row->kind->kind == KUBE_JOB)
		add_job_cells(row);
	else if (row->kind->kind == KUBE_PV)
		add_volume_cells(row);
	else
		add_workload_cells(row);
	kube_table_add_age(&row->look->table, row->o->created_ns, row->look->now_ns);
}

static void add_number(struct kube_out *out, struct node *map, const char *key, size_t n)
{
	(void)node_map_add(&out->arena, map, key, node_new_int(&out->arena, (int64_t)n));
}

static void add_time(struct kube_out *out, struct node *map, const char *key, int64_t ns)
{
	char when[KUBE_TIME_SIZE];

	kube_time(ns, when, sizeof(when));
	if (ns)
		tree_set_text(&out->arena, map, key, when);
}

static void add_job_status(const struct row *row, struct node *status)
{
	static const char *const types[] = { NULL, "Suspended", "Complete", "Failed" };
	struct kube_out *out = row->look->out;
	struct node *list = node_new(&out->arena, NODE_LIST, (struct doc_place){ 0 });
	struct node *condition = node_new(&out->arena, NODE_MAP, (struct doc_place){ 0 });
	struct job_status st;
	struct error scratch; /* not begun yet */

	error_ignore(
		kube_stored_job(row->look->store, row->o->namespace_, row->o->name, &st, &scratch));
	if (types[st.condition]) {
		tree_set_text(&out->arena, condition, "type", types[st.condition]);
		tree_set_text(&out->arena, condition, "status", "True");
		if (st.reason)
			tree_set_text(&out->arena, condition, "reason", st.reason);
		if (st.message)
			tree_set_text(&out->arena, condition, "message", st.message);
		node_list_add(&out->arena, list, condition);
		(void)node_map_add(&out->arena, status, "conditions", list);
	}
	add_time(out, status, "startTime", st.started_ns);
	if (st.condition == JOB_COMPLETE)
		add_time(out, status, "completionTime", st.finished_ns);
	add_number(out, status, "active", (size_t)st.active);
	add_number(out, status, "succeeded", (size_t)st.succeeded);
	add_number(out, status, "failed", (size_t)st.failed);
	record_done(&job_status_type, &st);
}

static void add_status(const struct row *row, struct node *status)
{
	struct kube_out *out = row->look->out;

	if (row->kind->kind == KUBE_JOB) {
		add_job_status(row, status);
	} else if (row->kind->kind == KUBE_PV) {
		cleanup_free char *claim = kube_claim_of(row->look->store, row->o->name);

		tree_set_text(&out->arena, status, "phase", claim ? "Bound" : "Available");
	} else if (row->kind->kind == KUBE_DAEMON_SET) {
		add_number(out, status, "currentNumberScheduled", row->there);
		add_number(out, status, "desiredNumberScheduled", row->o->pods.n);
		add_number(out, status, "numberReady", row->ready);
	} else {
		add_number(out, status, "replicas", row->there);
		add_number(out, status, "readyReplicas", row->ready);
	}
}

static void add_document(struct row *row, struct node *root)
{
	struct kube_out *out = row->look->out;
	struct node *meta = tree_need_map(&out->arena, root, "metadata");

	if (row->kind->namespaced)
		tree_set_text(&out->arena, meta, "namespace", namespace_of(row->o->namespace_));
	add_time(out, meta, "creationTimestamp", row->o->created_ns);
	add_status(row, tree_need_map(&out->arena, root, "status"));
	kube_out_add(out, root);
}

/* ---- all of one kind -------------------------------------------------------------------- */

/* The lines that only a Job has. */
static void describe_job(const struct store *s, const struct stored_object *o)
{
	struct job_status st;
	struct error scratch; /* not begun yet */
	cleanup_free char *started = NULL, *finished = NULL;
	cleanup_strlist struct strlist names = { 0 };
	cleanup_free char *pods = NULL;

	error_ignore(kube_stored_job(s, o->namespace_, o->name, &st, &scratch));
	started = describe_time(st.started_ns);
	finished = describe_time(st.finished_ns);
	for (size_t i = 0; i < st.pods.n; i++)
		strlist_add(&names, st.pods.v[i].name);
	pods = kube_join_names(&names);
	describe_line(0, WIDTH, "Status:", "%s", job_condition_names[st.condition]);
	if (st.reason)
		describe_line(0, WIDTH, "Reason:", "%s", st.reason);
	if (st.message)
		describe_line(0, WIDTH, "Message:", "%s", st.message);
	describe_line(0, WIDTH, "Started:", "%s", started);
	if (st.finished_ns)
		describe_line(0, WIDTH, "Finished:", "%s", finished);
	describe_line(0, WIDTH, "Pods Statuses:", "%lld Active / %lld Succeeded / %lld Failed",
		      (long long)st.active, (long long)st.succeeded, (long long)st.failed);
	describe_line(0, WIDTH, "Pods:", "%s", names.n ? pods : "<none>");
	record_done(&job_status_type, &st);
}

static void describe_one(struct row *row)
{
	const struct stored_object *o = row->o;
	cleanup_free char *created = describe_time(o->created_ns);
	cleanup_free char *pods = kube_join_names(&o->pods);
	cleanup_free char *text = NULL;
	struct pairlist labels = { 0 };

	read_labels(row->root, &labels);
	kube_look_begin_block(row->look);
	describe_line(0, WIDTH, "Name:", "%s", o->name);
	if (row->kind->namespaced)
		describe_line(0, WIDTH, "Namespace:", "%s", namespace_of(o->namespace_));
	describe_line(0, WIDTH, "Kind:", "%s", kube_kind_names[row->kind->kind]);
	describe_pairs(WIDTH, "Labels:", &labels, "=");
	describe_line(0, WIDTH, "Created:", "%s", created);
	if (o->source)
		describe_line(0, WIDTH, "Played From:", "%s", o->source);
	if (row->kind->kind == KUBE_JOB) {
		describe_job(row->look->store, o);
	} else if (row->kind->kind == KUBE_PV) {
		text = kube_claim_of(row->look->store, o->name);
		describe_line(0, WIDTH, "Claim:", "%s", text ? text : "<none>");
	} else {
		describe_line(0, WIDTH, "Pods:", "%s", o->pods.n ? pods : "<none>");
		describe_line(0, WIDTH, "Ready:", "%zu of %zu", row->ready, o->pods.n);
	}
	pairlist_done(&labels);
}

static int show(struct kube_look *look, const struct kube_kind_row *kind,
		const struct stored_object *o, bool describe, struct error *err)
{
	struct row row = { .look = look, .kind = kind, .o = o };
	struct pairlist labels = { 0 };
	struct kube_out scratch;
	struct node *root;
	bool wanted;
	int r;

	kube_out_begin(&scratch);
	r = kube_out_parse(look->out ? look->out : &scratch, o->yaml, &root, err);
	if (r == 0) {
		read_labels(root, &labels);
		wanted = kube_look_wants(look, o->namespace_, o->name, &labels);
		row.root = root;
		count_pods(look->store, &o->pods, &row.there, &row.ready);
		if (wanted && describe)
			describe_one(&row);
		else if (wanted && is_form_document(look->form))
			add_document(&row, root);
		else if (wanted)
			add_row(&row);
	}
	pairlist_done(&labels);
	kube_out_done(&scratch);
	return r < 0 ? error_wrap(err, "%s '%s'", kind->singular, o->name) : 0;
}

static int for_each(struct kube_look *look, const struct kube_kind_row *kind, bool describe,
		    struct error *err)
{
	cleanup_strlist struct strlist names = { 0 };
	int r = object_list(look->store, (enum kube_kind)kind->kind, &names, err);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		cleanup_stored_object struct stored_object o = { 0 };
		const char *slash = strchr(names.v[i], '/');
		cleanup_free char *space =
			kind->namespaced ? xstrndup(names.v[i], (size_t)(slash - names.v[i]))
					 : NULL;

		if (kind->namespaced && look->namespace_ && !is_equal(look->namespace_, space))
			continue;
		r = object_read(look->store, (enum kube_kind)kind->kind, space, slash + 1, &o, err);
		if (r == -ENOENT)
			r = 0; /* removed just then */
		else if (r == 0)
			r = show(look, kind, &o, describe, err);
	}
	return r;
}

int kube_list_stored(struct kube_look *look, const struct kube_kind_row *row, struct error *err)
{
	return for_each(look, row, false, err);
}

int kube_describe_stored(struct kube_look *look, const struct kube_kind_row *row, struct error *err)
{
	return for_each(look, row, true, err);
}
