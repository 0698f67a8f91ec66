/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubelist_pods - pods for `kube get`.
 *
 * Theory of operation: a table needs the state records alone; a document is the one that the pod
 * was played from (or what generate would write of a pod made by hand) with uid, creationTimestamp
 * and status put in. Events are those of each pod's own record.
 */
#include <errno.h>
#include <sys/utsname.h>

#include "cmd/podium/kube/describe.h"
#include "cmd/podium/kube/kubekind.h"
#include "cmd/podium/kube/kubeview.h"
#include "cmd/podium/pod/pods.h"
#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/pod/pod.h"
#include "engine/state/events.h"
#include "kube/tree.h"

#define YAML_MAX_BYTES ((size_t)8 << 20)

static void add_row(struct kube_look *look, const struct kube_kind_row *row,
		    const struct kube_pod *p)
{
	cleanup_free char *restarts = podstatus_restarts(&p->ps, look->now_ns);
	struct utsname node;

	if (!kube_look_begin_row(look, row, p->pod.namespace_, p->pod.name))
		return;
	kube_table_addf(&look->table, "%u/%u", p->ps.ready, p->ps.total);
	kube_table_add(&look->table, p->ps.status);
	kube_table_add(&look->table, restarts);
	kube_table_add_age(&look->table, p->pod.created_ns, look->now_ns);
	if (look->form != FORM_WIDE)
		return;
	(void)uname(&node);
	kube_table_add(&look->table, is_empty(p->net.address4) ? p->net.address6 : p->net.address4);
	kube_table_add(&look->table, p->pod.node_name ? p->pod.node_name : node.nodename);
	kube_table_add(&look->table, NULL);
	kube_table_add(&look->table, NULL);
}

/* The document of a pod. The caller owns *ret. */
static int read_document(const struct store *s, const struct kube_pod *p, char **ret,
			 struct error *err)
{
	const struct pod_plan plan = { .pod = p->pod,
				       .containers = p->specs,
				       .n_containers = p->in.n };
	char path[LAYOUT_PATH_MAX];
	cleanup_free char *yaml = NULL;
	struct error scratch;

	if (fs_read_file(s->rootfd, layout_pod(path, p->id, POD_YAML), YAML_MAX_BYTES, &yaml, NULL,
			 &scratch) >= 0)
		return kube_follow_document(&plan, yaml, ret, err);
	return kube_generate_from_plan(&plan, ret, err);
}

static int add_document(struct kube_look *look, const struct kube_pod *p, struct error *err)
{
	struct kube_out *o = look->out;
	cleanup_free char *text = NULL;
	cleanup_free char *uid = pod_uid(p->id);
	char when[KUBE_TIME_SIZE];
	struct node *root, *meta;
	int r = read_document(look->store, p, &text, err);

	if (r == 0)
		r = kube_out_parse(o, text, &root, err);
	if (r < 0)
		return error_wrap(err, "pod '%s'", p->pod.name);
	kube_time(p->pod.created_ns, when, sizeof(when));
	meta = tree_need_map(&o->arena, root, "metadata");
	tree_set_text(&o->arena, meta, "namespace", namespace_of(p->pod.namespace_));
	tree_set_text(&o->arena, meta, "uid", uid);
	tree_set_text(&o->arena, meta, "creationTimestamp", when);
	(void)node_map_add(&o->arena, root, "status",
			   podstatus_encode(&o->arena, &p->in, &p->ps,
					    podstatus_qos(&p->pod, p->specs, p->in.n)));
	kube_out_add(o, root);
	return 0;
}

int kube_list_pods(struct kube_look *look, const struct kube_kind_row *row, struct error *err)
{
	bool documents = is_form_document(look->form);
	cleanup_kube_pods struct kube_pods pods = { 0 };
	int r = kube_pods_load(look->store, look->namespace_, documents, &pods, err);

	for (size_t i = 0; r == 0 && i < pods.n; i++) {
		const struct kube_pod *p = &pods.v[i];

		if (!kube_look_wants(look, p->pod.namespace_, p->pod.name, &p->pod.labels))
			continue;
		if (documents)
			r = add_document(look, p, err);
		else
			add_row(look, row, p);
	}
	return r;
}

int kube_describe_pods(struct kube_look *look, const struct kube_kind_row *row, struct error *err)
{
	cleanup_kube_pods struct kube_pods pods = { 0 };
	int r = kube_pods_load(look->store, look->namespace_, true, &pods, err);

	(void)row;
	for (size_t i = 0; r == 0 && i < pods.n; i++) {
		const struct kube_pod *p = &pods.v[i];

		if (!kube_look_wants(look, p->pod.namespace_, p->pod.name, &p->pod.labels))
			continue;
		kube_look_begin_block(look);
		r = describe_pod(look->store, p, err);
	}
	return r;
}

int kube_remove_pod(const struct store *s, const struct kube_kind_row *row, const char *namespace_,
		    const char *name, int64_t grace_s, struct error *err)
{
	cleanup_strlist struct strlist one = { 0 };
	struct pod_spec pod = { 0 };
	struct error scratch;
	char id[65];
	bool is_it;
	int r = lookup_pod(s, name, id, &scratch);

	(void)row;
	is_it = r == 0 && lookup_read_pod(s, id, &pod, &scratch) == 0 && is_equal(pod.name, name) &&
		is_equal(namespace_of(pod.namespace_), namespace_of(namespace_));
	record_done(&pod_spec_type, &pod);
	if (!is_it)
		return error_set(err, ENOENT, "no pod '%.253s' in namespace '%.63s'", name,
				 namespace_of(namespace_));
	strlist_add(&one, id);
	r = pods_stop_to_remove(s, &one, grace_s, err);
	return r < 0 ? r : pod_remove(s, id, err);
}

/* ---- events ----------------------------------------------------------------------------- */

static void add_event(struct kube_look *look, const struct kube_pod *p, const struct event *e)
{
	struct kube_table *t = &look->table;

	if (look->show_namespace)
		kube_table_add(t, namespace_of(p->pod.namespace_));
	kube_table_add_age(t, e->time_ns, look->now_ns);
	kube_table_add(t, e->warning ? "Warning" : "Normal");
	kube_table_add(t, e->reason);
	kube_table_addf(t, "pod/%s", p->pod.name);
	kube_table_addf(t, "%s%s%s", e->container ? e->container : "", e->container ? ": " : "",
			e->text ? e->text : "");
}

int kube_list_events(struct kube_look *look, const struct kube_kind_row *row, struct error *err)
{
	cleanup_kube_pods struct kube_pods pods = { 0 };
	int r;

	(void)row;
	if (look->form != FORM_TABLE && look->form != FORM_WIDE)
		return error_set(err, EINVAL, "events have no other form than the table");
	if (look->names->n)
		return error_set(err, EINVAL,
				 "events have no names: kube describe pod shows those "
				 "of one pod");
	r = kube_pods_load(look->store, look->namespace_, false, &pods, err);
	for (size_t i = 0; r == 0 && i < pods.n; i++) {
		struct event_list events = { 0 };

		if (!is_selected(look->selector, &pods.v[i].pod.labels))
			continue;
		r = events_read(look->store, pods.v[i].id, &events, err);
		for (size_t k = 0; k < events.n; k++)
			add_event(look, &pods.v[i], &events.v[k]);
		event_list_done(&events);
	}
	return r;
}
