/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind_config - ConfigMap and Namespace.
 *
 * Theory of operation: a ConfigMap's keys are file names and names of variables, so they are checked
 * as both readers need them (engine/data/object.h); a key of data may not come again in binaryData.
 * All values together are at most 1 MiB, as in a cluster. A Namespace has nothing but its name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/base64.h"
#include "engine/data/object.h"
#include "kube/decode.h"
#include "kube/kinds.h"
#include "kube/names.h"
#include "kube/validate.h"
#include "schemas/models.h"
#include "schemas/models_kinds.h"

struct data_object *data_of_meta(const struct load *l, enum data_kind kind,
				 const struct k8s_meta *meta)
{
	struct data_object *d = xcalloc(1, sizeof(*d));

	d->kind = (int)kind;
	d->name = xstrdup_or_null(meta->name);
	d->namespace_ = xstrdup(namespace_of(meta->namespace_));
	pairlist_copy(&d->labels, &meta->labels);
	pairlist_copy(&d->annotations, &meta->annotations);
	d->source = xstrdup_or_null(l->path);
	return d;
}

/* A file's name with its suffix; see engine/data/object.h. */
#define MAX_NAME 250

void check_data_name(const struct diag_sink *sink, const struct k8s_meta *meta)
{
	if (meta->name && strlen(meta->name) > MAX_NAME)
		diag_error(sink, "metadata.name", "is longer than %d characters: it cannot be kept",
			   MAX_NAME);
}

void check_data_key(const struct diag_sink *sink, const char *field, const char *key)
{
	const char *bad = data_key_bad(key);
	char path[320];

	(void)snprintf(path, sizeof(path), "%s[%.253s]", field, key);
	if (bad)
		diag_error(sink, path, "'%.100s' is no key: %s", key, bad);
}

void check_data_size(const struct diag_sink *sink, const char *field, const struct data_object *d)
{
	size_t total = 0;

	for (size_t i = 0; i < d->n; i++)
		total += d->v[i].len;
	if (total > DATA_MAX_BYTES)
		diag_error(sink, field, "is larger than 1 MiB in all");
}

void add_coded(struct data_object *d, const char *key, const char *coded, bool binary)
{
	size_t room = strlen(coded) + 1, len = 0;
	char *bytes = xmalloc(room);

	if (base64_decode(coded, strlen(coded), bytes, &len) == 0) /* else the table has said so */
		data_object_add(d, key, bytes, len, binary);
	explicit_bzero(bytes, room);
	free(bytes);
}

static struct data_object *read_config_map(const struct load *l, const struct diag_sink *sink,
					   const struct k8s_config_map *m)
{
	struct data_object *d = data_of_meta(l, DATA_CONFIG, m->meta);

	d->immutable = m->immutable.set && m->immutable.value;
	for (size_t i = 0; i < m->data.n; i++) {
		const struct strpair *p = &m->data.v[i];

		check_data_key(sink, "data", p->key);
		data_object_add(d, p->key, p->value, strlen(p->value), false);
	}
	for (size_t i = 0; i < m->binary_data.n; i++) {
		const struct strpair *p = &m->binary_data.v[i];

		check_data_key(sink, "binaryData", p->key);
		if (pairlist_get(&m->data, p->key))
			diag_error(sink, "binaryData", "'%.253s' is in data too", p->key);
		else
			add_coded(d, p->key, p->value, true);
	}
	check_data_size(sink, "data", d);
	return d;
}

void load_config_map(struct load *l, const struct diag_sink *sink, struct node *root)
{
	struct k8s_config_map m = { 0 };
	struct kube_object *o;

	decode_object(sink, &schema_config_map, root, &m);
	if (m.meta) {
		validate_meta(sink, m.meta);
		check_data_name(sink, m.meta);
		o = add_object(l, sink, KUBE_CONFIG_MAP, m.meta);
		if (o) {
			o->data = read_config_map(l, sink, &m);
			object_write_yaml(sink, &schema_config_map, root, o);
		}
	}
	decode_done(&schema_config_map, &m);
}

void load_namespace(struct load *l, const struct diag_sink *sink, struct node *root)
{
	struct k8s_namespace n = { 0 };
	struct kube_object *o;

	decode_object(sink, &schema_namespace, root, &n);
	if (n.meta) {
		validate_meta(sink, n.meta);
		if (!is_empty(n.meta->name) && name_bad_label(n.meta->name))
			diag_error(sink, "metadata.name", "'%.100s' %s", n.meta->name,
				   name_bad_label(n.meta->name));
		if (!is_empty(n.meta->namespace_))
			diag_error(sink, "metadata.namespace", "a Namespace is in no other");
		o = add_object(l, sink, KUBE_NAMESPACE, n.meta);
		if (o)
			object_write_yaml(sink, &schema_namespace, root, o);
	}
	decode_done(&schema_namespace, &n);
}
