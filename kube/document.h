/* SPDX-License-Identifier: Apache-2.0 */
/*
 * document - text to node trees: YAML in several documents, or JSON.
 */
#ifndef PODIUM_KUBE_DOCUMENT_H
#define PODIUM_KUBE_DOCUMENT_H

#include "engine/base/mem.h"
#include "kube/node.h"

#define DOC_MAX_BYTES	  ((size_t)4 << 20)
#define DOC_MAX_DOCUMENTS 1024
#define DOC_MAX_DEPTH	  64
#define DOC_MAX_EVENTS	  300000
#define DOC_MAX_NODES	  300000 /* with aliases expanded */
#define DOC_MAX_SCALAR	  ((size_t)3 << 19) /* 1 MiB in base64 fits */

struct doc_set {
	struct arena arena;
	struct node **v; /* roots, in order; an empty document is a NODE_NULL */
	size_t n;
};

/* Reads a whole file's text. *ret is filled with what was read before an error too, and must be
 * given to doc_set_done() in either case. *where names the place of an error. */
int document_parse(const char *text, size_t len, struct doc_set *ret, struct doc_place *where,
		   struct error *err) must_check;
void doc_set_done(struct doc_set *set);
#define cleanup_doc_set cleanup(doc_set_done)

/* For document_parse() alone: the JSON half. -EBADMSG: not JSON at all (it may still be YAML). */
int document_parse_json(const char *text, size_t len, struct doc_set *ret, struct doc_place *where,
			struct error *err) must_check;

#endif
