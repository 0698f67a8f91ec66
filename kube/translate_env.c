/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate_env - environment, commands and arguments to parts, and back.
 *
 * Theory of operation: order is kept, since a value may refer to variables declared before it. What
 * comes from elsewhere becomes one part that names where: no value of a Secret or ConfigMap is ever
 * looked up here. A variable from a file (fileKeyRef) cannot be had and is left out; the reader was
 * told.
 */
#include <string.h>

#include "kube/expand.h"
#include "kube/translate.h"

static char *text_or_null(const char *s)
{
	return is_empty(s) ? NULL : xstrdup(s);
}

static void take_key(const struct k8s_key_selector *from, int kind, struct value_part *to)
{
	to->kind = kind;
	to->object = xstrdup(from->name);
	to->text = xstrdup(from->key);
	to->optional = from->optional.value;
}

static void translate_source(const struct k8s_env_source *from, struct value *ret)
{
	struct value_part *part = list_add(ret);

	if (from->config_key) {
		take_key(from->config_key, VALUE_CONFIG, part);
	} else if (from->secret_key) {
		take_key(from->secret_key, VALUE_SECRET, part);
	} else if (from->field) {
		part->kind = VALUE_FIELD;
		part->text = xstrdup(from->field->field_path);
	} else {
		part->kind = VALUE_RESOURCE;
		part->text = xstrdup(from->resource->resource);
		part->object = text_or_null(from->resource->container);
		part->divisor = text_or_null(from->resource->divisor);
	}
}

static bool is_source(const struct k8s_env_source *s)
{
	return s && (s->config_key || s->secret_key || s->field || s->resource);
}

static void translate_variable(const struct k8s_env *from, struct env_list *to)
{
	struct env_var *var;

	if (from->from && !is_source(from->from) && is_empty(from->value))
		return;
	var = list_add(to);
	var->name = xstrdup(from->name);
	if (!is_empty(from->value))
		expand_text(from->value, &var->value);
	else if (is_source(from->from))
		translate_source(from->from, &var->value);
}

static void translate_words(const struct strlist *from, bool *ret_has, struct value_list *to)
{
	*ret_has = from->n > 0;
	for (size_t i = 0; i < from->n; i++)
		expand_text(from->v[i], list_add(to));
}

void translate_env(const struct k8s_container *from, struct container_spec *to)
{
	for (size_t i = 0; i < from->env_from.n; i++) {
		const struct k8s_env_from *e = &from->env_from.v[i];
		const struct k8s_object_ref *ref = e->secret ? e->secret : e->config;
		struct env_source *out = list_add(&to->env_from);

		out->secret = e->secret != NULL;
		out->object = xstrdup(ref->name);
		out->prefix = text_or_null(e->prefix);
		out->optional = ref->optional.value;
	}
	for (size_t i = 0; i < from->env.n; i++)
		translate_variable(&from->env.v[i], &to->env);
	translate_words(&from->command, &to->has_command, &to->command);
	translate_words(&from->args, &to->has_args, &to->args);
}

/* ---- and back ---------------------------------------------------------------------------------
 */

static struct k8s_bool when(bool b)
{
	return (struct k8s_bool){ b, b };
}

static struct k8s_key_selector *plan_key(const struct value_part *p)
{
	struct k8s_key_selector *ret = xcalloc(1, sizeof(*ret));

	ret->name = xstrdup(p->object);
	ret->key = xstrdup(p->text);
	ret->optional = when(p->optional);
	return ret;
}

static struct k8s_env_source *plan_source(const struct value_part *p)
{
	struct k8s_env_source *ret = xcalloc(1, sizeof(*ret));

	if (p->kind == VALUE_CONFIG) {
		ret->config_key = plan_key(p);
	} else if (p->kind == VALUE_SECRET) {
		ret->secret_key = plan_key(p);
	} else if (p->kind == VALUE_FIELD) {
		ret->field = xcalloc(1, sizeof(*ret->field));
		ret->field->field_path = xstrdup(p->text);
	} else {
		ret->resource = xcalloc(1, sizeof(*ret->resource));
		ret->resource->resource = xstrdup(p->text);
		ret->resource->container = xstrdup_or_null(p->object);
		ret->resource->divisor = xstrdup_or_null(p->divisor);
	}
	return ret;
}

static void plan_variable(const struct env_var *from, struct k8s_env *to)
{
	const struct value *v = &from->value;

	to->name = xstrdup(from->name);
	if (v->n == 1 && v->v[0].kind != VALUE_LITERAL && v->v[0].kind != VALUE_VARIABLE)
		to->from = plan_source(&v->v[0]);
	else
		to->value = expand_unsplit(v);
}

static void plan_words(const struct value_list *from, struct strlist *to)
{
	for (size_t i = 0; i < from->n; i++)
		strlist_take(to, expand_unsplit(&from->v[i]));
}

void translate_plan_env(const struct container_spec *from, struct k8s_container *to)
{
	for (size_t i = 0; i < from->env_from.n; i++) {
		const struct env_source *e = &from->env_from.v[i];
		struct k8s_env_from *out = list_add(&to->env_from);
		struct k8s_object_ref *ref = xcalloc(1, sizeof(*ref));

		ref->name = xstrdup(e->object);
		ref->optional = when(e->optional);
		out->prefix = xstrdup_or_null(e->prefix);
		if (e->secret)
			out->secret = ref;
		else
			out->config = ref;
	}
	for (size_t i = 0; i < from->env.n; i++)
		plan_variable(&from->env.v[i], list_add(&to->env));
	if (from->has_command)
		plan_words(&from->command, &to->command);
	if (from->has_args)
		plan_words(&from->args, &to->args);
}
