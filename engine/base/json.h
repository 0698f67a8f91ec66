/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json - jansson with this house's limits: duplicates refused, depth and size bounded.
 */
#ifndef PODIUM_BASE_JSON_H
#define PODIUM_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

#define cleanup_json __attribute__((__cleanup__(json_decref_fn)))
static inline void json_decref_fn(json_t **j)
{
	json_decref(*j);
}

/* Parses text (any top-level value, duplicates refused, depth <= 32 by scan before parsing).
 * what names the source in messages. New reference in *ret. */
int jload_text(const char *text, size_t len, const char *what, json_t **ret,
	       struct error *err) must_check;
/* Reads and parses a file of at most max bytes. */
int jload_file(int dirfd, const char *path, size_t max, json_t **ret, struct error *err) must_check;
/* Compact or (indent > 0) indented text, caller's. Key order is kept. */
char *jdump_text(const json_t *j, int indent);

/* Members with a fallback when absent or of another type. Borrowed. */
const char *jget_str(const json_t *obj, const char *key); /* NULL */
int64_t jget_int(const json_t *obj, const char *key, int64_t fallback);
bool jget_bool(const json_t *obj, const char *key, bool fallback);

/* Sets a member; without a value there will be none. */
void jset_str(json_t *obj, const char *key, const char *value);
/* Sets a member, "" for NULL, and frees the text. */
void jset_owned(json_t *obj, const char *key, char *owned);

#endif
