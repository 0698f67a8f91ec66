/* SPDX-License-Identifier: Apache-2.0 */
/*
 * labelselector - labels asked for, and whether an object has them.
 *
 * Theory of operation: all terms must hold. In and NotIn compare the value, Exists and DoesNotExist
 * the key alone; NotIn holds for an object without the key, as in Kubernetes.
 */
#include "kube/labelselector.h"

#include <stdio.h>
#include <string.h>

#include "kube/names.h"

bool is_labelselector_empty(const struct k8s_selector *s)
{
	return !s || (!s->labels.n && !s->expressions.n);
}

static bool needs_values(const char *operator_)
{
	return is_equal(operator_, "In") || is_equal(operator_, "NotIn");
}

static void check_expression(const struct diag_sink *sink, const char *path,
			     const struct k8s_selector_requirement *e)
{
	const char *bad = is_empty(e->key) ? NULL : name_bad_qualified(e->key);

	if (bad)
		diag_error(sink, path, "'%.100s' %s", e->key, bad);
	if (!e->operator_)
		return;
	if (needs_values(e->operator_) && !e->values.n)
		diag_error(sink, path, "'%s' needs values", e->operator_);
	if (!needs_values(e->operator_) && e->values.n)
		diag_error(sink, path, "'%s' takes no values", e->operator_);
	for (size_t i = 0; i < e->values.n; i++) {
		bad = name_bad_label_value(e->values.v[i]);
		if (bad)
			diag_error(sink, path, "'%.100s' %s", e->values.v[i], bad);
	}
}

void labelselector_check(const struct diag_sink *sink, const char *path,
			 const struct k8s_selector *s)
{
	char at[640];

	for (size_t i = 0; s && i < s->labels.n; i++) {
		const struct strpair *p = &s->labels.v[i];
		const char *bad = name_bad_qualified(p->key);

		(void)snprintf(at, sizeof(at), "%s.matchLabels[%.300s]", path, p->key);
		if (bad)
			diag_error(sink, at, "'%.100s' %s", p->key, bad);
		bad = name_bad_label_value(p->value);
		if (bad)
			diag_error(sink, at, "'%.100s' %s", p->value, bad);
	}
	for (size_t i = 0; s && i < s->expressions.n; i++) {
		(void)snprintf(at, sizeof(at), "%s.matchExpressions[%zu]", path, i);
		check_expression(sink, at, &s->expressions.v[i]);
	}
}

static bool is_expression_true(const struct k8s_selector_requirement *e,
			       const struct pairlist *labels)
{
	const char *value = e->key ? pairlist_get(labels, e->key) : NULL;

	if (is_equal(e->operator_, "In"))
		return value && strlist_has(&e->values, value);
	if (is_equal(e->operator_, "NotIn"))
		return !value || !strlist_has(&e->values, value);
	if (is_equal(e->operator_, "Exists"))
		return value != NULL;
	return !value;
}

bool is_labels_selected(const struct k8s_selector *s, const struct pairlist *labels)
{
	for (size_t i = 0; s && i < s->labels.n; i++)
		if (!is_equal(pairlist_get(labels, s->labels.v[i].key), s->labels.v[i].value))
			return false;
	for (size_t i = 0; s && i < s->expressions.n; i++)
		if (!is_expression_true(&s->expressions.v[i], labels))
			return false;
	return true;
}
