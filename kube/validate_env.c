/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate_env - environment variables and where their values come from.
 *
 * Theory of operation: the API server's rules. A value stands in the manifest or comes from exactly
 * one place; which places there are depends on the tree too, since a source that is known but has
 * no effect (fileKeyRef) is one, although nothing of it is decoded.
 */
#include <string.h>

#include "kube/names.h"
#include "kube/validate.h"

#define SOURCES "configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef"

/* ---- sources ----------------------------------------------------------------------------------
 */

static void check_key(struct check *c, const char *field, const struct k8s_key_selector *k)
{
	size_t mark = path_field(&c->path, field);

	if (!is_empty(k->name))
		check_name(c, "name", k->name, name_bad_subdomain(k->name));
	if (!is_empty(k->key))
		check_name(c, "key", k->key, name_bad_key(k->key));
	path_cut(&c->path, mark);
}

/* Of a mapping in the tree: how many entries say something. */
static size_t entries_of(const struct check *c)
{
	const struct node *n = node_at(c->sink->root, c->path.text);
	size_t count = 0;

	for (size_t i = 0; n->kind == NODE_MAP && i < n->n; i++)
		count += n->entries[i].value->kind != NODE_NULL;
	return count;
}

static void check_source(struct check *c, const struct k8s_env *e)
{
	const struct k8s_env_source *s = e->from;
	size_t mark = path_field(&c->path, "valueFrom"), n = entries_of(c), inner;

	if (n == 0)
		check_error(c, NULL, "must have one of " SOURCES);
	else if (n > 1)
		check_error(c, NULL, "must have one of " SOURCES ", not several");
	if (n && !is_empty(e->value))
		check_error(c, NULL, "cannot stand beside a value");
	if (s->config_key)
		check_key(c, "configMapKeyRef", s->config_key);
	if (s->secret_key)
		check_key(c, "secretKeyRef", s->secret_key);
	if (s->field) {
		inner = path_field(&c->path, "fieldRef");
		validate_field_selector(c, s->field, false);
		path_cut(&c->path, inner);
	}
	if (s->resource) {
		inner = path_field(&c->path, "resourceFieldRef");
		validate_resource_selector(c, s->resource, false);
		path_cut(&c->path, inner);
	}
	path_cut(&c->path, mark);
}

static void check_env_from(struct check *c, const struct k8s_env_from *e)
{
	const struct k8s_object_ref *ref = e->secret ? e->secret : e->config;
	const char *field = e->secret ? "secretRef" : "configMapRef";

	if (!is_empty(e->prefix))
		check_name(c, "prefix", e->prefix, name_bad_env(e->prefix));
	if (!ref)
		check_error(c, NULL, "must have one of configMapRef, secretRef");
	else if (e->secret && e->config)
		check_error(c, NULL, "must have one of configMapRef, secretRef, not both");
	else if (!is_empty(ref->name) && name_bad_subdomain(ref->name)) {
		size_t mark = path_field(&c->path, field);

		check_name(c, "name", ref->name, name_bad_subdomain(ref->name));
		path_cut(&c->path, mark);
	}
}

void validate_env(struct check *c, const struct k8s_container *k)
{
	if (k->env.n > MAX_ENV || k->env_from.n > MAX_ENV) {
		check_error(c, k->env.n > MAX_ENV ? "env" : "envFrom", "has more than %d entries",
			    MAX_ENV);
		return;
	}
	for (size_t i = 0; i < k->env.n; i++) {
		size_t mark = path_field(&c->path, "env");

		(void)path_index(&c->path, i);
		if (!is_empty(k->env.v[i].name))
			check_name(c, "name", k->env.v[i].name, name_bad_env(k->env.v[i].name));
		if (k->env.v[i].from)
			check_source(c, &k->env.v[i]);
		path_cut(&c->path, mark);
	}
	for (size_t i = 0; i < k->env_from.n; i++) {
		size_t mark = path_field(&c->path, "envFrom");

		(void)path_index(&c->path, i);
		check_env_from(c, &k->env_from.v[i]);
		path_cut(&c->path, mark);
	}
}
