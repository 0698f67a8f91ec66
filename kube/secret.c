/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret - Secrets: what containers read, and credentials of registries.
 *
 * Theory of operation: a document of kind Secret is decoded by its table like any other; stringData
 * wins over data, as in a cluster. Its type says what must be in it:
 *
 *	kubernetes.io/dockerconfigjson	.dockerconfigjson	{"auths": {...}}
 *	kubernetes.io/dockercfg		.dockercfg		{"registry": {...}}
 *	kubernetes.io/tls		tls.crt and tls.key
 *	kubernetes.io/ssh-auth		ssh-privatekey
 *	kubernetes.io/basic-auth	username or password
 *	kubernetes.io/service-account-token	refused: no API server here would take the token
 *
 * Every other type holds what it likes. The first two must be JSON objects, as the API server wants;
 * they are kept as credentials as well, which engine/image/auth.h reads. A pod's imagePullSecrets
 * are looked for in the files, then in the store.
 *
 * Bytes live in the result, and what held them is cleared. No message repeats a value: the sink's
 * is_secret sees to the table's own messages, this file to the others. A Secret has no canonical
 * document: nothing that is shown could come from one.
 */
#include "kube/secret.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/data/object.h"
#include "kube/decode.h"
#include "kube/validate.h"
#include "schemas/models.h"

#define TOKEN_TYPE	   "kubernetes.io/service-account-token"
#define APPLIED_ANNOTATION "kubectl.kubernetes.io/last-applied-configuration"

static const struct {
	const char *type;
	const char *keys[2]; /* which must be there */
	bool either;	     /* one of them is enough */
	bool credentials;
} types[] = {
	{ "kubernetes.io/dockerconfigjson", { ".dockerconfigjson" }, false, true },
	{ "kubernetes.io/dockercfg", { ".dockercfg" }, false, true },
	{ "kubernetes.io/tls", { "tls.crt", "tls.key" }, false, false },
	{ "kubernetes.io/ssh-auth", { "ssh-privatekey" }, false, false },
	{ "kubernetes.io/basic-auth", { "username", "password" }, true, false },
};

static const char *credentials_key(const char *type)
{
	for (size_t i = 0; type && i < ARRAY_SIZE(types); i++)
		if (types[i].credentials && is_equal(type, types[i].type))
			return types[i].keys[0];
	return NULL;
}

static void clear_pairs(struct pairlist *l)
{
	for (size_t i = 0; i < l->n; i++)
		explicit_bzero(l->v[i].value, strlen(l->v[i].value));
}

static bool is_object(const char *text)
{
	cleanup_json json_t *j = NULL;
	struct error unsaid; /* it quotes the text */

	return jload_text(text, strlen(text), "secret", &j, &unsaid) == 0 && json_is_object(j);
}

/* ---- what is in it ----------------------------------------------------------------------------
 */

static void check_type(const struct diag_sink *sink, const struct data_object *d)
{
	const char *key = credentials_key(d->type);
	const struct data_entry *e = key ? data_object_find(d, key) : NULL;

	if (is_equal(d->type, TOKEN_TYPE))
		diag_error(sink, "type",
			   "'%s' is not for one host: there is no API server that would take its "
			   "token",
			   TOKEN_TYPE);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		bool first, second;

		if (!is_equal(d->type, types[i].type))
			continue;
		first = data_object_find(d, types[i].keys[0]) != NULL;
		second = types[i].keys[1] && data_object_find(d, types[i].keys[1]);
		if (types[i].either && !first && !second)
			diag_error(sink, "data", "'%s' or '%s' is required by the type",
				   types[i].keys[0], types[i].keys[1]);
		else if (!types[i].either && !first)
			diag_error(sink, "data", "'%s' is required by the type", types[i].keys[0]);
		else if (!types[i].either && types[i].keys[1] && !second)
			diag_error(sink, "data", "'%s' is required by the type", types[i].keys[1]);
	}
	if (e && !is_object(e->bytes))
		diag_error(sink, "data", "'%s' is not a JSON object", key);
}

/* kubectl puts the whole Secret, in clear text, into an annotation of it: what was exported from a
 * cluster that way would be told with the annotations. Nothing here reads it. */
static void drop_applied(struct pairlist *annotations)
{
	for (size_t i = 0; i < annotations->n; i++) {
		struct strpair *p = &annotations->v[i];

		if (strcmp(p->key, APPLIED_ANNOTATION) != 0 || WEAKEN("ENV-4"))
			continue;
		explicit_bzero(p->value, strlen(p->value));
		free(p->key);
		free(p->value);
		annotations->n--;
		memmove(p, p + 1, (annotations->n - i) * sizeof(*p));
		return;
	}
}

static struct data_object *read_secret(const struct load *l, const struct diag_sink *sink,
				       const struct k8s_secret *s)
{
	struct data_object *d = data_of_meta(l, DATA_SECRET, s->meta);

	drop_applied(&d->annotations);
	d->type = xstrdup(is_empty(s->type) ? "Opaque" : s->type);
	d->immutable = s->immutable.set && s->immutable.value;
	for (size_t i = 0; i < s->data.n; i++) {
		const struct strpair *p = &s->data.v[i];

		check_data_key(sink, "data", p->key);
		if (!pairlist_get(&s->string_data, p->key))
			add_coded(d, p->key, p->value, false);
	}
	for (size_t i = 0; i < s->string_data.n; i++) {
		const struct strpair *p = &s->string_data.v[i];

		check_data_key(sink, "stringData", p->key);
		data_object_add(d, p->key, p->value, strlen(p->value), false);
	}
	check_data_size(sink, "data", d);
	return d;
}

/* ---- credentials ------------------------------------------------------------------------------
 */

static void keep_credentials(struct kube_result *r, const struct data_object *d)
{
	const char *key = credentials_key(d->type);
	const struct data_entry *e = key ? data_object_find(d, key) : NULL;
	struct kube_secret *s;

	if (!e)
		return;
	r->secrets = xreallocarray(r->secrets, r->n_secrets + 1, sizeof(*r->secrets));
	s = &r->secrets[r->n_secrets++];
	*s = (struct kube_secret){ .name = xstrdup(d->name),
				   .namespace_ = xstrdup(namespace_of(d->namespace_)),
				   .auths = xstrndup(e->bytes, e->len) };
}

static bool has_credentials(const struct kube_result *r, const char *namespace_, const char *name)
{
	for (size_t i = 0; i < r->n_secrets; i++)
		if (is_equal(r->secrets[i].name, name) &&
		    is_equal(r->secrets[i].namespace_, namespace_))
			return true;
	return false;
}

bool secret_find(struct load *l, const char *namespace_, const char *name)
{
	struct data_object d = { 0 };
	struct error scratch; /* one that is not there is what is asked */

	if (has_credentials(l->result, namespace_, name))
		return true;
	if (find_object(l->result, KUBE_SECRET, namespace_, name) || !l->input->store)
		return false;
	if (data_object_read(l->input->store, DATA_SECRET, namespace_, name, &d, &scratch) == 0)
		keep_credentials(l->result, &d);
	data_object_done(&d);
	return has_credentials(l->result, namespace_, name);
}

/* ---- the document -----------------------------------------------------------------------------
 */

void load_secret(struct load *l, const struct diag_sink *sink, struct node *root)
{
	struct diag_sink discreet = *sink;
	size_t errors = sink->list->errors;
	struct k8s_secret s = { 0 };
	struct kube_object *o;

	discreet.is_secret = true;
	decode_object(&discreet, &schema_secret, root, &s);
	if (s.meta) {
		validate_meta(&discreet, s.meta);
		check_data_name(&discreet, s.meta);
		o = add_object(l, &discreet, KUBE_SECRET, s.meta);
		if (o) {
			o->data = read_secret(l, &discreet, &s);
			if (sink->list->errors == errors)
				check_type(&discreet, o->data);
			if (sink->list->errors == errors)
				keep_credentials(l->result, o->data);
		}
	}
	clear_pairs(&s.data);
	clear_pairs(&s.string_data);
	decode_done(&schema_secret, &s);
}

void secret_done(struct kube_secret *s)
{
	if (s->auths)
		explicit_bzero(s->auths, strlen(s->auths));
	free(s->auths);
	free(s->name);
	free(s->namespace_);
	*s = (struct kube_secret){ 0 };
}
