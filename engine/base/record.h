/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record - structs to JSON and back by one field table: the form of every engine record on disk.
 *
 * A table describes a struct once; loading, dumping, comparing and freeing all walk it. Defaults
 * (zero, empty) are not written, and absent members read as such. Unknown members are ignored on
 * load: records that are rewritten keep them by record_merge_unknown().
 */
#ifndef PODIUM_BASE_RECORD_H
#define PODIUM_BASE_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

enum record_kind {
	RECORD_STRING,  /* char *, owned */
	RECORD_BOOL,    /* bool */
	RECORD_I64,     /* int64_t */
	RECORD_U32,     /* uint32_t */
	RECORD_U16,     /* uint16_t */
	RECORD_ENUM,    /* enum (int sized), names[] terminated by NULL; index is the value */
	RECORD_STRLIST, /* struct strlist */
	RECORD_PAIRS,   /* struct pairlist, a JSON object */
	RECORD_OBJECT,  /* struct embedded, by sub */
	RECORD_LIST,    /* pointer + size_t count (struct LIST below), elements by sub */
};

struct record_field {
	const char *name; /* NULL ends a table */
	enum record_kind kind;
	size_t offset;
	const struct record_type *sub;  /* OBJECT, LIST */
	const char *const *names;       /* ENUM */
	bool ephemeral;                 /* left out by record_equal(): ids and times */
};

/* A row for struct_'s member_; behind it what the kind needs: .sub, .names, .ephemeral. */
#define RECORD_FIELD(struct_, kind_, name_, member_, ...)             \
	{                                                             \
		.name = (name_), .kind = (kind_),                     \
		.offset = offsetof(struct struct_, member_), __VA_ARGS__ \
	}

struct record_type {
	const char *name; /* for messages */
	size_t size;
	const struct record_field *fields;
};

/* Every list member of a recorded struct has this shape: `struct x *v; size_t n;` */
struct record_list {
	void *v;
	size_t n;
};

/* New reference. */
json_t *record_dump(const struct record_type *t, const void *obj);
/* Fills *obj (zeroed by this call). A member of the wrong type is -EBADMSG, named by its path. */
int record_load(const struct record_type *t, const json_t *j, void *obj, struct error *err) must_check;
/* Fills *obj from JSON text without building a tree, if the record is plain: ASCII strings,
 * whole numbers, booleans, lists of strings and of such records. -ENOTSUP (nothing is raised, *obj
 * is zeroed): read it by record_load(), which decides. */
int record_load_flat(const struct record_type *t, const char *text, size_t len, void *obj) must_check;
/* Frees what *obj owns and zeroes it. */
void record_done(const struct record_type *t, void *obj);
/* Deep copy through the table; *dst is overwritten. */
void record_copy(const struct record_type *t, void *dst, const void *src);
/* Equal apart from ephemeral fields. On a difference *ret_path (caller's, may be NULL) names it. */
bool record_equal(const struct record_type *t, const void *a, const void *b, char **ret_path);

/* Copies into j the members of old that the table does not know (a newer version's). */
void record_merge_unknown(const struct record_type *t, json_t *j, const json_t *old);

#endif
