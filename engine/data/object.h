/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object - named maps of keys to bytes that containers read: ConfigMaps and Secrets.
 *
 * One file an object, JSON, values in base64, replaced atomically:
 *	ROOT/kube/configmap/<namespace>/<name>.json
 *	ROOT/secrets/<namespace>/<name>.json		0600 under 0700, not encrypted (documented)
 * Names are checked by every function: they never leave their folder. A Secret's bytes are cleared
 * before their memory is given back.
 */
#ifndef PODIUM_DATA_OBJECT_H
#define PODIUM_DATA_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/state/layout.h"

enum data_kind { DATA_CONFIG, DATA_SECRET, DATA__COUNT };

#define DATA_MAX_BYTES ((size_t)1 << 20) /* of all values, as Kubernetes has it */

struct data_entry {
	char *key;
	char *bytes; /* NUL-terminated behind its length */
	size_t len;
	bool binary; /* of a ConfigMap: came from binaryData, and is not a variable's value */
};
struct data_object {
	int kind;	  /* enum data_kind */
	char *namespace_; /* NULL: NAMESPACE_DEFAULT of engine/pod/spec.h */
	char *name;
	char *type; /* of a Secret: "Opaque", ... or NULL */
	bool immutable;
	struct pairlist labels;
	struct pairlist annotations;
	char *source; /* the manifest it came from, or NULL */
	int64_t created_ns;
	struct data_entry *v;
	size_t n;
};
void data_object_done(struct data_object *o);
#define cleanup_data_object cleanup(data_object_done)

/* Appends a copy of an entry. */
void data_object_add(struct data_object *o, const char *key, const char *bytes, size_t len,
		     bool binary);
const struct data_entry *data_object_find(const struct data_object *o, const char *key);
/* Same kind, type, labels, annotations and entries; source and time do not count. */
bool is_data_equal(const struct data_object *a, const struct data_object *b);

/* Writes or replaces. A change of an immutable one is -EPERM. */
int data_object_write(const struct store *s, const struct data_object *o,
		      struct error *err) must_check;
/* -ENOENT, raised as "there is no Secret 'x'", when it is not there. namespace_ may be NULL. */
int data_object_read(const struct store *s, enum data_kind kind, const char *namespace_,
		     const char *name, struct data_object *ret, struct error *err) must_check;
int data_object_remove(const struct store *s, enum data_kind kind, const char *namespace_,
		       const char *name, struct error *err) must_check;
/* "NAMESPACE/NAME" of all, in order of the alphabet; no folder yet is an empty list. */
int data_object_list(const struct store *s, enum data_kind kind, struct strlist *ret,
		     struct error *err) must_check;

/* What is wrong with a key (one path component of letters, digits, '-', '_', '.'; not "." or "..",
 * nor beginning with ".."; 253 bytes at most), or NULL. */
const char *data_key_bad(const char *key);

#endif
