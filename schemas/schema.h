/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema - what a Kubernetes API type looks like: one row a field.
 *
 * The same rows drive reading (kube/decode.c), the search for the nearest known name, the checks
 * of basic types, and the order of fields in what is written (kube/encode.c). This folder is data:
 * it holds no code beyond two look-ups.
 */
#ifndef PODIUM_SCHEMAS_SCHEMA_H
#define PODIUM_SCHEMAS_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

enum field_type {
	FIELD_STRING,
	FIELD_INT32,
	FIELD_INT64,
	FIELD_BOOL,
	FIELD_QUANTITY,	     /* "1.5Gi", 2, 0.5 */
	FIELD_INT_OR_STRING, /* 80, "http" */
	FIELD_TIMESTAMP,     /* RFC 3339 text */
	FIELD_BYTES,	     /* base64 text */
	FIELD_OBJECT,	     /* described by sub */
	FIELD_ANY,	     /* not looked into */
	FIELD__COUNT
};

enum field_shape {
	SHAPE_ONE,
	SHAPE_LIST,
	SHAPE_MAP, /* free keys */
	SHAPE__COUNT
};

enum field_support {
	FIELD_KNOWN,	/* known, checked, without effect here: reason says why (NULL: the reason of
			   the field that holds it); a warning, an error under strict */
	FIELD_HONOURED, /* stored at offset */
	FIELD_SERVER	/* written by an API server, never by people: dropped in silence */
};

/*
 * How an honoured field is stored at its offset:
 *   STRING, QUANTITY, INT_OR_STRING, TIMESTAMP, BYTES   char *, NULL when absent
 *   INT32, INT64                                        struct k8s_int
 *   BOOL                                                struct k8s_bool
 *   OBJECT                                              pointer to the struct, NULL when absent
 *   LIST of OBJECT                                      struct k8s_list (elements by sub)
 *   LIST of anything else                               struct strlist (numbers as decimals)
 *   MAP                                                 struct pairlist
 */
struct schema_field {
	const char *name; /* NULL ends a table */
	enum field_type type;
	enum field_shape shape;
	const struct schema_type *sub;
	enum field_support support;
	size_t offset;
	const char *reason;   /* HONOURED: its limits, for the documentation */
	const char *harmless; /* KNOWN: with this value ("*": with any) it changes nothing, so no
				    * warning */
	const char *const *values; /* the only texts allowed, NULL-terminated */
	bool required;
};

struct schema_type {
	const char *name;  /* as in the API's generated models: "V1ContainerPort" */
	const char *title; /* for messages: "ContainerPort" */
	size_t size;	   /* of the struct, 0 when nothing of it is honoured */
	const struct schema_field *fields;
};

/* The row of a field, or NULL. */
const struct schema_field *schema_find(const struct schema_type *type, const char *name);

enum kind_support {
	KIND_UNKNOWN,
	KIND_PLAYED,
	KIND_LIST,   /* its items stand for documents of their own */
	KIND_LATER,  /* known and checked, not played yet */
	KIND_CLUSTER /* known, has no meaning on one host */
};

struct schema_kind {
	const char *api_version;
	const char *kind;
	enum kind_support support;
	const struct schema_type *type; /* PLAYED, LATER */
};

/* The row of an apiVersion and kind, or NULL. With api_version NULL: of the kind alone. */
const struct schema_kind *schema_kind_find(const char *api_version, const char *kind);
/* Every known kind, ended by one with kind NULL. */
extern const struct schema_kind schema_kinds[];

#endif
