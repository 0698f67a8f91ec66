/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubelist_claims - PersistentVolumeClaims for kube get, describe and delete.
 *
 * Theory of operation: a claim is a named volume with a claim's members (engine/volumes/named.h);
 * named volumes that were not claimed are no claims and not shown. One that a pod mounts cannot be
 * deleted: the message names the users.
 */
#include <errno.h>
#include <string.h>

#include "cmd/podium/kube/describe.h"
#include "cmd/podium/kube/kubekind.h"
#include "cmd/podium/kube/kubestored.h"
#include "cmd/podium/kube/kubeusers.h"
#include "engine/base/mem.h"
#include "engine/volumes/named.h"
#include "kube/tree.h"

#define WIDTH 15

typedef int claim_fn(struct kube_look *look, const struct named_volume *v, struct error *err);

static int for_each(struct kube_look *look, claim_fn *fn, struct error *err)
{
	cleanup_strlist struct strlist names = { 0 };
	int r = named_volume_list(look->store, &names, err);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		cleanup_named_volume struct named_volume v = { 0 };

		r = named_volume_read(look->store, names.v[i], &v, err);
		if (r == -ENOENT)
			r = 0; /* removed just then */
		else if (r == 0 && v.claim_namespace &&
			 kube_look_wants(look, v.claim_namespace, v.name, &v.labels))
			r = fn(look, &v, err);
	}
	return r;
}

char *kube_short_modes(const struct strlist *modes)
{
	static const char *const shorts[][2] = { { "ReadWriteOnce", "RWO" },
						 { "ReadOnlyMany", "ROX" },
						 { "ReadWriteMany", "RWX" },
						 { "ReadWriteOncePod", "RWOP" } };
	struct buf b = BUF_INIT(4096);

	for (size_t i = 0; i < modes->n; i++) {
		const char *text = modes->v[i];

		for (size_t k = 0; k < ARRAY_SIZE(shorts); k++)
			text = strcmp(text, shorts[k][0]) == 0 ? shorts[k][1] : text;
		buf_printf(&b, "%s%s", i ? "," : "", text);
	}
	return buf_steal(&b);
}

static const char *bound_name(const struct named_volume *v)
{
	return v->bound_volume ? v->bound_volume : v->name;
}

static int add_document(struct kube_look *look, const struct named_volume *v, struct error *err)
{
	struct kube_out *o = look->out;
	struct node *root, *meta, *status;
	char when[KUBE_TIME_SIZE];
	int r = kube_out_parse(o, v->claim_yaml ? v->claim_yaml : "{}", &root, err);

	if (r < 0)
		return error_wrap(err, "claim '%s'", v->name);
	tree_set_text(&o->arena, root, "apiVersion", "v1");
	tree_set_text(&o->arena, root, "kind", "PersistentVolumeClaim");
	meta = tree_need_map(&o->arena, root, "metadata");
	tree_set_text(&o->arena, meta, "name", v->name);
	tree_set_text(&o->arena, meta, "namespace", namespace_of(v->claim_namespace));
	kube_time(v->created_ns, when, sizeof(when));
	tree_set_text(&o->arena, meta, "creationTimestamp", when);
	status = tree_need_map(&o->arena, root, "status");
	tree_set_text(&o->arena, status, "phase", "Bound");
	if (v->capacity)
		tree_set_text(&o->arena, tree_need_map(&o->arena, status, "capacity"), "storage",
			      v->capacity);
	kube_out_add(o, root);
	return 0;
}

static int list_one(struct kube_look *look, const struct named_volume *v, struct error *err)
{
	cleanup_free char *modes = kube_short_modes(&v->access_modes);

	if (is_form_document(look->form))
		return add_document(look, v, err);
	if (!kube_look_begin_row(look, kube_kind_find("pvc"), v->claim_namespace, v->name))
		return 0;
	kube_table_add(&look->table, "Bound");
	kube_table_add(&look->table, bound_name(v));
	kube_table_add(&look->table, v->capacity);
	kube_table_add(&look->table, modes);
	kube_table_add(&look->table, v->storage_class);
	kube_table_add_age(&look->table, v->created_ns, look->now_ns);
	return 0;
}

int kube_list_claims(struct kube_look *look, const struct kube_kind_row *row, struct error *err)
{
	(void)row;
	return for_each(look, list_one, err);
}

static int describe_one(struct kube_look *look, const struct named_volume *v, struct error *err)
{
	cleanup_free char *modes = kube_short_modes(&v->access_modes);
	cleanup_free char *created = describe_time(v->created_ns);
	cleanup_free char *where =
		v->host_path ? xstrdup(v->host_path)
			     : xasprintf("%s/volumes/%s/_data", look->store->root, v->name);
	cleanup_strlist struct strlist users = { 0 };
	int r = kube_users(look->store, KUBE_PVC, v->claim_namespace, v->name, &users, err);
	cleanup_free char *who = kube_join_names(&users);

	if (r < 0)
		return r;
	kube_look_begin_block(look);
	describe_line(0, WIDTH, "Name:", "%s", v->name);
	describe_line(0, WIDTH, "Namespace:", "%s", namespace_of(v->claim_namespace));
	describe_line(0, WIDTH, "StorageClass:", "%s", v->storage_class ? v->storage_class : "");
	describe_line(0, WIDTH, "Status:", "Bound");
	describe_line(0, WIDTH, "Volume:", "%s", bound_name(v));
	describe_pairs(WIDTH, "Labels:", &v->labels, "=");
	describe_line(0, WIDTH, "Capacity:", "%s", v->capacity ? v->capacity : "");
	describe_line(0, WIDTH, "Access Modes:", "%s", modes);
	describe_line(0, WIDTH, "Created:", "%s", created);
	if (!v->claim_yaml)
		describe_line(0, WIDTH, "Note:", "%s",
			      "no manifest has this claim: a pod's play has made it");
	describe_line(0, WIDTH, "Path:", "%s", where);
	describe_line(0, WIDTH, "Used By:", "%s", users.n ? who : "<none>");
	return 0;
}

int kube_describe_claims(struct kube_look *look, const struct kube_kind_row *row, struct error *err)
{
	(void)row;
	return for_each(look, describe_one, err);
}

int kube_remove_claim(const struct store *s, const struct kube_kind_row *row,
		      const char *namespace_, const char *name, int64_t grace_s, struct error *err)
{
	cleanup_named_volume struct named_volume v = { 0 };
	cleanup_strlist struct strlist users = { 0 };
	int r = named_volume_read(s, name, &v, err);

	(void)row;
	(void)grace_s;
	if (r == 0 &&
	    (!v.claim_namespace || !is_equal(v.claim_namespace, namespace_of(namespace_))))
		r = error_set(err, ENOENT, "no persistentvolumeclaim '%.253s' in namespace '%.63s'",
			      name, namespace_of(namespace_));
	if (r == 0)
		r = named_volume_users(s, name, &users, err);
	if (r == 0 && users.n) {
		cleanup_free char *who = kube_join_names(&users);

		r = error_set(err, EBUSY,
			      "persistentvolumeclaim '%s' is used by %s: remove what uses it first",
			      name, who);
	}
	return r < 0 ? r : named_volume_remove(s, name, err);
}
