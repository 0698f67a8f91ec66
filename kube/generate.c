/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate - a pod's document from what it was played from, or from its plan alone.
 *
 * Theory of operation: the document of a played pod is read and written again; one made by hand is
 * written from the plan, from which every field is reachable. Nothing is given away that does not
 * read back as itself. What we have added ourselves to the pods of a Job is left out.
 */
#include "kube/kube.h"

#include <stdlib.h>
#include <string.h>

#include "kube/decode.h"
#include "kube/document.h"
#include "kube/encode.h"
#include "kube/jobpod.h"
#include "kube/translate.h"
#include "schemas/models.h"

static const struct schema_type *type_of(const struct node *root)
{
	const struct node *version = node_get(root, "apiVersion"), *kind = node_get(root, "kind");
	const struct schema_kind *k =
		version && kind ? schema_kind_find(version->text, kind->text) : NULL;

	return k && k->support == KIND_PLAYED ? k->type : NULL;
}

/* Reads a document of ours and writes it. */
static int rewrite(const char *text, char **ret, struct error *err)
{
	cleanup_doc_set struct doc_set set = { 0 };
	const struct schema_type *type;
	struct doc_place where;
	int r = document_parse(text, strlen(text), &set, &where, err);

	if (r < 0)
		return error_wrap(err, "the stored document, line %d", where.line);
	type = set.n == 1 ? type_of(set.v[0]) : NULL;
	if (!type)
		return error_set(err, EBADMSG, "the document is not one of a kind that is played");
	return encode_document(type, set.v[0], ret, err);
}

/* Hands out only what reads back as itself: a string that breaks out of its scalar would not. */
static int give_checked(char **text, char **ret, struct error *err)
{
	cleanup_free char *again = NULL;
	int r = rewrite(*text, &again, err);

	if (r < 0)
		return r;
	if (!again || strcmp(again, *text) != 0)
		return error_set(err, EBADMSG, "the document does not read back as written");
	*ret = steal_ptr(text);
	return 0;
}

int kube_generate_document(const char *kube_yaml, char **ret, struct error *err)
{
	cleanup_free char *text = NULL;
	int r = rewrite(kube_yaml, &text, err);

	return r < 0 ? r : give_checked(&text, ret, err);
}

int kube_generate_from_plan(const struct pod_plan *plan, char **ret, struct error *err)
{
	cleanup_free char *text = NULL;
	struct arena arena = { 0 };
	struct k8s_pod pod;
	int r;

	translate_plan(plan, &pod);
	jobpod_unmark(&plan->pod, &pod);
	if (pod.spec->containers.n)
		r = encode_document(&schema_pod, encode_object(&arena, &schema_pod, &pod), &text,
				    err);
	else
		r = error_set(err, EINVAL, "pod '%s' only has an infra container", plan->pod.name);
	decode_done(&schema_pod, &pod);
	arena_done(&arena);
	return r < 0 ? r : give_checked(&text, ret, err);
}
