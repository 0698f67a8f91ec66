/* SPDX-License-Identifier: Apache-2.0 */
/*
 * toml - reads TOML 1.0, strictly, into a tree. Links libc alone.
 *
 * Every node knows where it stands in the file, so that whoever reads a configuration can say what
 * is wrong with file, line and column. Floats and dates are checked for their form and kept as
 * text: no configuration that we read has one.
 */
#ifndef PODIUM_IMAGE_TOML_H
#define PODIUM_IMAGE_TOML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/mem.h"

#define TOML_BYTES_MAX (1024 * 1024)
#define TOML_DEPTH_MAX 32
#define TOML_NODES_MAX 20000 /* keys, values and tables of one file */

enum toml_type {
	TOML_STRING,
	TOML_INTEGER,
	TOML_BOOLEAN,
	TOML_FLOAT,
	TOML_DATE,
	TOML_ARRAY,
	TOML_TABLE,
	TOML__COUNT
};
const char *toml_type_str(enum toml_type type); /* "string" */

/* How a table or an array came to be: the parser's, decides who may add to it. */
enum toml_origin {
	TOML_BY_HEADER,	 /* [a] */
	TOML_BY_PATH,	 /* "a" of [a.b], not opened itself */
	TOML_BY_DOTS,	 /* "a" of a.b = 1 */
	TOML_BY_VALUE,	 /* { }, [ ]: complete where it ends */
	TOML_BY_DOUBLES, /* the array of [[a]] */
};

struct toml {
	enum toml_type type;
	enum toml_origin origin;
	int line; /* of the value; of the header that made a table; from 1 */
	int column;
	int depth;
	char *key;  /* in a table; NULL in an array and for the root */
	char *text; /* string: its value; float and date: as they were written */
	int64_t integer;
	bool boolean;
	struct toml **v; /* members of a table or array, in the order of the file */
	size_t n;
};

/* Parses a whole text. what names the file in messages: "what:line:column: reason". *ret is the root
 * table, the caller's. -EINVAL, or -E2BIG past a limit. */
int toml_parse(const char *text, size_t len, const char *what, struct toml **ret,
	       struct error *err) must_check;
/* fs_read_file() and toml_parse(). -ENOENT when there is no such file. */
int toml_parse_file(const char *path, struct toml **ret, struct error *err) must_check;
void toml_free(struct toml *t);
static inline void toml_free_fn(struct toml **t)
{
	toml_free(*t);
}
#define cleanup_toml cleanup(toml_free_fn)

/* A member of a table; NULL when it is absent, or t is NULL or no table. Borrowed. */
const struct toml *toml_get(const struct toml *t, const char *key);

#endif
