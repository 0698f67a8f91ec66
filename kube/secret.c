/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret - Secrets that hold credentials of registries.
 *
 * Theory of operation: a document of kind Secret is decoded by its table like any other. Of its data
 * one member is used, by its type:
 *
 *	kubernetes.io/dockerconfigjson	.dockerconfigjson	{"auths": {...}}
 *	kubernetes.io/dockercfg		.dockercfg		{"registry": {...}}
 *
 * stringData wins over data, as in a cluster. The text must be a JSON object, as the API server
 * wants; engine/image/auth.h reads what is in it. Nothing of a Secret is stored anywhere: it lives
 * as long as the command that has read it, and what held it is cleared. No message repeats a value:
 * the sink's is_secret sees to the table's own messages, this file to the others.
 */
#include "kube/secret.h"

#include <string.h>

#include "engine/base/json.h"
#include "engine/base/str.h"
#include "engine/base/base64.h"
#include "kube/decode.h"
#include "kube/names.h"
#include "schemas/models.h"
#include "schemas/types.h"

static const struct {
	const char *type;
	const char *key;
} kinds[] = {
	{ "kubernetes.io/dockerconfigjson", ".dockerconfigjson" },
	{ "kubernetes.io/dockercfg", ".dockercfg" },
};

static const char *key_of(const char *type)
{
	for (size_t i = 0; type && i < ARRAY_SIZE(kinds); i++)
		if (is_equal(type, kinds[i].type))
			return kinds[i].key;
	return NULL;
}

bool is_secret_read(const struct node *root)
{
	const struct node *type = node_get(root, "type");

	return type && type->kind == NODE_STRING && key_of(type->text);
}

static void clear_pairs(struct pairlist *l)
{
	for (size_t i = 0; i < l->n; i++)
		explicit_bzero(l->v[i].value, strlen(l->v[i].value));
}

/* The text of the member, decoded; NULL when it is missing. */
static char *take_text(const struct k8s_secret *s, const char *key)
{
	const char *plain = pairlist_get(&s->string_data, key);
	const char *coded = pairlist_get(&s->data, key);
	char *text;
	size_t len;

	if (plain || !coded)
		return xstrdup_or_null(plain);
	text = xmalloc(strlen(coded) + 1);
	if (base64_decode(coded, strlen(coded), text, &len) < 0)
		len = 0; /* the table has said so */
	text[len] = '\0';
	return text;
}

static bool is_object(const char *text)
{
	cleanup_json json_t *j = NULL;
	struct error unsaid; /* it quotes the text */

	return jload_text(text, strlen(text), "secret", &j, &unsaid) == 0 && json_is_object(j);
}

int secret_load(const struct diag_sink *sink, const struct node *root, struct kube_secret *ret)
{
	struct diag_sink discreet = *sink;
	size_t errors = sink->list->errors;
	struct k8s_secret s = { 0 };
	const char *name, *key;

	discreet.is_secret = true;
	*ret = (struct kube_secret){ 0 };
	decode_object(&discreet, &schema_secret, root, &s);
	name = s.meta ? s.meta->name : NULL;
	key = key_of(s.type);
	if (!is_empty(name) && name_bad_subdomain(name))
		diag_error(&discreet, "metadata.name", "'%.253s' %s", name,
			   name_bad_subdomain(name));
	ret->name = xstrdup_or_null(name);
	ret->auths = key ? take_text(&s, key) : NULL;
	if (sink->list->errors == errors && !ret->auths)
		diag_error(&discreet, "data", "'%s' is required", key ? key : "type");
	else if (sink->list->errors == errors && !is_object(ret->auths))
		diag_error(&discreet, "data", "'%s' is not a JSON object", key);
	clear_pairs(&s.data);
	clear_pairs(&s.string_data);
	decode_done(&schema_secret, &s);
	return sink->list->errors == errors ? 0 : -EINVAL;
}

void secret_done(struct kube_secret *s)
{
	if (s->auths)
		explicit_bzero(s->auths, strlen(s->auths));
	free(s->auths);
	free(s->name);
	*s = (struct kube_secret){ 0 };
}
