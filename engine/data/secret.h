/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret - secrets that `secret create` has made, and one list of them and of the Secrets of plays.
 *
 *	ROOT/secrets/.made/<name>/data		the bytes, 0600 under 0700, not encrypted (documented)
 *	ROOT/secrets/.made/<name>/secret.json	the record; without it the folder is debris
 *
 * A Secret that a play has made (object.h) is listed, found and removed here, too; its bytes are
 * its keys' and are not read by these functions.
 */
#ifndef PODIUM_DATA_SECRET_H
#define PODIUM_DATA_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/state/layout.h"

#define SECRET_MAX_BYTES 512000 /* less than that, and more than none */
#define SECRET_NAME_MAX	 64
#define SECRET_ID_LEN	 25

struct secret_record {
	char *id; /* 25 hex digits */
	char *name;
	int64_t created_ns;
	int64_t updated_ns;
	struct pairlist labels;
	struct pairlist options; /* of the driver, as given */
	char *namespace_;	 /* of a play's Secret, else NULL; not recorded */
};
void secret_record_done(struct secret_record *r);
#define cleanup_secret_record cleanup(secret_record_done)
struct secret_list {
	struct secret_record *v;
	size_t n;
};
void secret_list_done(struct secret_list *l);
#define cleanup_secret_list cleanup(secret_list_done)

/* Makes one of r->name, r->labels, r->options. -EEXIST, raised as "NAME: secret name in use", unless
 * it may replace; -EINVAL for a bad name or size. ret_id: the new id. */
int secret_create(const struct store *s, const struct secret_record *r, const void *data,
		  size_t len, bool may_replace, char ret_id[SECRET_ID_LEN + 1],
		  struct error *err) must_check;
/* By name, id, or the beginning of an id. -ENOENT, raised as Podman's `no secret with name or id
 * "x": no such secret`; -EEXIST when more than one id begins so. */
int secret_lookup(const struct store *s, const char *word, struct secret_record *ret,
		  struct error *err) must_check;
/* The bytes of one that secret_create() made, by its whole name, NUL-terminated behind their length.
 * The caller clears and frees them (secret_bytes_free). -EOPNOTSUPP for a play's Secret. */
int secret_read(const struct store *s, const char *name, char **ret, size_t *ret_len,
		struct error *err) must_check;
void secret_bytes_free(char *bytes, size_t len);
/* All of them, by id as Podman lists them. */
int secret_list(const struct store *s, struct secret_list *ret, struct error *err) must_check;
/* Removes it, used or not. */
int secret_remove(const struct store *s, const struct secret_record *r,
		  struct error *err) must_check;

#endif
