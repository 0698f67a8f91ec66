/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rewrite - manifests that differ from a given one in one place.
 */
#ifndef PODIUM_TESTS_REWRITE_H
#define PODIUM_TESTS_REWRITE_H

#include "kube/document.h"
#include "schemas/schema.h"

enum rewrite_how {
	REWRITE_VALUE,	   /* what is at the path becomes `text` (YAML in flow style) */
	REWRITE_REMOVE,	   /* the entry or item is left out */
	REWRITE_KEY,	   /* the entry's key becomes `text` (as it is written) */
	REWRITE_ADD,	   /* the mapping at the path gets `text` ("key: value") */
	REWRITE_EVERYWHERE /* every string that is `old` becomes `text` (as it is written) */
};

/* Paths are "0:.spec.containers[0].name": the document's number, then as in findings. */
struct rewrite {
	enum rewrite_how how;
	const char *path;
	const char *text;
	const char *old;
};

/* All documents in flow style, changed when r is not NULL. The caller owns the text. */
char *rewrite_documents(const struct doc_set *set, const struct rewrite *r);
/* One document, without the line that begins it. */
char *rewrite_document(const struct doc_set *set, size_t i, const struct rewrite *r);
/* A text as flow style has it, between quotes. The caller owns it. */
char *rewrite_quote(const char *text);

/* A field that a document sets, its table's row beside it. */
struct field_place {
	const char *path; /* as above */
	size_t document;
	bool honoured;	 /* and so is all that holds it, in a kind that is played */
	const char *row; /* "Pod.spec.containers[].name" */
	const struct schema_type *type;
	const struct schema_field *field;
	const struct node *holder; /* the mapping that the field is in */
	const struct node *value;
};
typedef void field_visitor(void *arg, const struct field_place *at);

/* Every field of every document (of those in a List too) whose kind has a table; into mappings that
 * only are known it does not go unless `deep`. Fields without row and nulls are passed over. */
void rewrite_visit(const struct doc_set *set, bool deep, field_visitor *visit, void *arg);

#endif
