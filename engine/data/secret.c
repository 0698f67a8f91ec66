/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret - secrets of the command line.
 *
 * Theory of operation: a secret is a folder with its bytes and a record; the bytes are written
 * first, the record makes it a secret, and goes first when it is removed. So a crash leaves debris
 * that no listing shows and that the next secret of the name takes over. The bytes stand in a file
 * of their own, as they are: no record, listing or message ever holds them. Writers hold
 * locks/secrets, a leaf lock; readers need none, since files are replaced by rename(2).
 *
 * A play's Secrets have no id of their own: theirs is made of namespace and name, so that it stays.
 */
#include "engine/data/secret.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/hash.h"
#include "engine/base/json.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/record.h"
#include "engine/base/seams.h"
#include "engine/data/object.h"

#define FOLDER	     "secrets/.made"
#define DATA_FILE    "data"
#define RECORD_FILE  "secret.json"
#define LOCK_FILE    "locks/secrets"
#define LOCK_MS	     30000
#define RECORD_BYTES ((size_t)1 << 20)
#define PATH_BYTES   (sizeof(FOLDER "//" RECORD_FILE) + SECRET_NAME_MAX)

#define FIELD(kind_, name_, m) RECORD_FIELD(secret_record, kind_, name_, m)
static const struct record_field fields[] = {
	FIELD(RECORD_STRING, "id", id),
	FIELD(RECORD_STRING, "name", name),
	FIELD(RECORD_I64, "created", created_ns),
	FIELD(RECORD_I64, "updated", updated_ns),
	FIELD(RECORD_PAIRS, "labels", labels),
	FIELD(RECORD_PAIRS, "options", options),
	{ 0 },
};
static const struct record_type type = { "secret", sizeof(struct secret_record), fields };

void secret_record_done(struct secret_record *r)
{
	free(steal_ptr(&r->namespace_));
	record_done(&type, r);
}

void secret_list_done(struct secret_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		secret_record_done(&l->v[i]);
	free(l->v);
	*l = (struct secret_list){ 0 };
}

void secret_bytes_free(char *bytes, size_t len)
{
	if (bytes)
		explicit_bzero(bytes, len);
	free(bytes);
}

static bool is_name(const char *name)
{
	static const char alnum[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789";
	static const char all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789-_.";
	size_t n = strlen(name);

	return n > 0 && n <= SECRET_NAME_MAX && strspn(name, all) == n && strchr(alnum, *name) &&
	       strchr(alnum, name[n - 1]);
}

/* secrets/.made/<name>[/file] */
static const char *path_of(char path[PATH_BYTES], const char *name, const char *file)
{
	(void)snprintf(path, PATH_BYTES, FOLDER "/%s%s%s", name, file ? "/" : "", file ? file : "");
	return path;
}

static int raise_missing(const char *word, struct error *err)
{
	return error_set(err, ENOENT, "no secret with name or id \"%.100s\": no such secret", word);
}

/* ---- reading ---------------------------------------------------------------------------- */

/* -ENOENT without a record. */
static int read_record(const struct store *s, const char *name, struct secret_record *ret,
		       struct error *err)
{
	char path[PATH_BYTES];
	cleanup_json json_t *j = NULL;
	struct error why = { 0 };
	int r = s->rootfd < 0 ? -ENOENT
			      : jload_file(s->rootfd, path_of(path, name, RECORD_FILE),
					   RECORD_BYTES, &j, &why);

	if (r == -ENOENT)
		return raise_missing(name, err);
	if (r == 0)
		r = record_load(&type, j, ret, &why);
	if (r < 0) {
		*err = why;
		return error_wrap(err, "secret '%s'", name);
	}
	/* The folder is the name. */
	free(ret->name);
	ret->name = xstrdup(name);
	return 0;
}

static int list_made(const struct store *s, struct secret_list *ret, struct error *err)
{
	int fd = s->rootfd < 0 ? -1 : openat(s->rootfd, FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!d)
		return s->rootfd < 0 || errno == ENOENT ? 0 : error_errno(err, "read '%s'", FOLDER);
	while ((e = readdir(d))) {
		struct secret_record one = { 0 };
		struct error why = { 0 };
		int r = is_name(e->d_name) ? read_record(s, e->d_name, &one, &why) : -ENOENT;

		/* A damaged record: its name is known, and it can be removed. */
		if (r < 0 && r != -ENOENT) {
			one = (struct secret_record){ .id = xstrdup(""),
						      .name = xstrdup(e->d_name) };
			r = 0;
		}
		if (r == 0) {
			ret->v = xreallocarray(ret->v, ret->n + 1, sizeof(*ret->v));
			ret->v[ret->n++] = one;
		}
	}
	return 0;
}

static int take_played(const struct store *s, const char *full, struct secret_record *ret,
		       struct error *err)
{
	cleanup_data_object struct data_object o = { 0 };
	const char *slash = strchr(full, '/');
	cleanup_free char *ns = xstrndup(full, slash ? (size_t)(slash - full) : 0);
	char hex[HASH_SHA256_HEX];
	int r = data_object_read(s, DATA_SECRET, ns, slash ? slash + 1 : full, &o, err);

	if (r < 0)
		return r;
	hash_sha256(full, strlen(full), hex);
	*ret = (struct secret_record){ .id = xstrndup(hex, SECRET_ID_LEN),
				       .name = xstrdup(o.name),
				       .namespace_ = xstrdup(ns),
				       .created_ns = o.created_ns,
				       .updated_ns = o.created_ns };
	pairlist_copy(&ret->labels, &o.labels);
	return 0;
}

static int list_played(const struct store *s, struct secret_list *ret, struct error *err)
{
	cleanup_strlist struct strlist names = { 0 };
	int r = data_object_list(s, DATA_SECRET, &names, err);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct secret_record one = { 0 };

		r = take_played(s, names.v[i], &one, err);
		if (r == -ENOENT) { /* went just now */
			r = 0;
			continue;
		}
		if (r < 0)
			break;
		ret->v = xreallocarray(ret->v, ret->n + 1, sizeof(*ret->v));
		ret->v[ret->n++] = one;
	}
	return r;
}

static int compare_ids(const void *a, const void *b)
{
	const struct secret_record *x = a, *y = b;

	return strcmp(x->id ? x->id : "", y->id ? y->id : "");
}

int secret_list(const struct store *s, struct secret_list *ret, struct error *err)
{
	int r;

	*ret = (struct secret_list){ 0 };
	r = list_made(s, ret, err);
	if (r == 0)
		r = list_played(s, ret, err);
	if (r < 0)
		secret_list_done(ret);
	else if (ret->n > 0)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare_ids);
	return r;
}

/* Takes element i out of the list. */
static void steal_record(struct secret_list *l, size_t i, struct secret_record *ret)
{
	*ret = l->v[i];
	l->v[i] = (struct secret_record){ 0 };
}

int secret_lookup(const struct store *s, const char *word, struct secret_record *ret,
		  struct error *err)
{
	cleanup_secret_list struct secret_list all = { 0 };
	struct error scratch;
	size_t found = 0, at = 0;
	int r;

	/* The usual way: one file. */
	if (is_name(word) && read_record(s, word, ret, &scratch) == 0)
		return 0;
	r = secret_list(s, &all, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < all.n; i++) {
		if (is_equal(all.v[i].name, word) || is_equal(all.v[i].id, word)) {
			steal_record(&all, i, ret);
			return 0;
		}
		if (*word && is_prefix(all.v[i].id ? all.v[i].id : "", word)) {
			found++;
			at = i;
		}
	}
	if (found > 1)
		return error_set(err, EEXIST,
				 "more than one result secret with prefix %.60s: secret is "
				 "ambiguous",
				 word);
	if (!found)
		return raise_missing(word, err);
	steal_record(&all, at, ret);
	return 0;
}

int secret_read(const struct store *s, const char *name, char **ret, size_t *ret_len,
		struct error *err)
{
	cleanup_secret_record struct secret_record rec = { 0 };
	char path[PATH_BYTES];
	int r = secret_lookup(s, name, &rec, err);

	if (r < 0)
		return r;
	/* It is long since somebody typed it: another one's id may begin like that by now. */
	if (!is_equal(rec.name, name) && !WEAKEN("ENV-4-NAME"))
		return raise_missing(name, err);
	if (rec.namespace_)
		return error_set(err, EOPNOTSUPP,
				 "secret '%s' is the Secret of a play, with keys: only pods of "
				 "plays use it",
				 rec.name);
	r = fs_read_file(s->rootfd, path_of(path, rec.name, DATA_FILE), SECRET_MAX_BYTES, ret,
			 ret_len, err);
	return r < 0 ? error_wrap(err, "secret '%s'", rec.name) : 0;
}

/* ---- writing ---------------------------------------------------------------------------- */

static int write_record(const struct store *s, const struct secret_record *r, const char *data,
			struct error *err)
{
	char path[PATH_BYTES];
	cleanup_json json_t *j = record_dump(&type, r);
	cleanup_free char *text = NULL;

	if (WEAKEN("ENV-4-RECORD"))
		jset_str(j, "data", data);
	text = jdump_text(j, 1);
	return fs_write_atomic(s->rootfd, path_of(path, r->name, RECORD_FILE), text, strlen(text),
			       0600, FS_SYNC, err);
}

static int write_both(const struct store *s, const struct secret_record *r, const void *data, size_t len,
		      struct error *err)
{
	char path[PATH_BYTES];
	cleanup_close int fd = fs_mkdirs(s->rootfd, path_of(path, r->name, NULL), 0700, err);
	int e = fd < 0 ? fd
		       : fs_write_atomic(s->rootfd, path_of(path, r->name, DATA_FILE), data, len,
					 0600, FS_SYNC, err);

	STOP_AT("secret:data");
	return e < 0 ? e : write_record(s, r, data, err);
}

static int check_new(const char *name, size_t len, struct error *err)
{
	if (!is_name(name))
		return error_set(err, EINVAL,
				 "only 64 [a-zA-Z0-9-_.] characters allowed, and the start and end "
				 "character must be [a-zA-Z0-9]: %.300s: invalid secret name",
				 name);
	if (len == 0 || len >= SECRET_MAX_BYTES)
		return error_set(err, EINVAL,
				 "secret data must be larger than 0 and less than %d bytes",
				 SECRET_MAX_BYTES);
	return 0;
}

/* Whether the name is taken: 1, and *ret_created says since when; 0 not. */
static int find_old(const struct store *s, const char *name, struct secret_record *ret)
{
	struct error scratch;

	return secret_lookup(s, name, ret, &scratch) == 0 && is_equal(ret->name, name);
}

int secret_create(const struct store *s, const struct secret_record *r, const void *data,
		  size_t len, bool may_replace, char ret_id[SECRET_ID_LEN + 1], struct error *err)
{
	cleanup_secret_record struct secret_record old = { 0 };
	struct secret_record fresh = *r;
	cleanup_close int lock = -EBADF;
	char id[65];
	int e = check_new(r->name, len, err);

	if (e < 0)
		return e;
	lock = lock_take(s->rootfd, LOCK_FILE, LOCK_EXCLUSIVE, LOCK_MS, err);
	if (lock < 0)
		return lock;
	if (find_old(s, r->name, &old) && (!may_replace || old.namespace_))
		return error_set(err, EEXIST, "%s: secret name in use", r->name);
	id_new(id);
	id[SECRET_ID_LEN] = '\0';
	fresh.id = id;
	fresh.created_ns = fresh.updated_ns = clock_wall_ns();
	e = write_both(s, &fresh, data, len, err);
	if (e < 0)
		return error_wrap(err, "secret '%s'", r->name);
	memcpy(ret_id, id, SECRET_ID_LEN + 1);
	return 0;
}

int secret_remove(const struct store *s, const struct secret_record *r, struct error *err)
{
	char path[PATH_BYTES];
	cleanup_close int lock = -EBADF;

	if (r->namespace_)
		return data_object_remove(s, DATA_SECRET, r->namespace_, r->name, err);
	lock = lock_take(s->rootfd, LOCK_FILE, LOCK_EXCLUSIVE, LOCK_MS, err);
	if (lock < 0)
		return lock;
	if (unlinkat(s->rootfd, path_of(path, r->name, RECORD_FILE), 0) < 0)
		return errno == ENOENT ? raise_missing(r->name, err)
				       : error_errno(err, "remove secret '%s'", r->name);
	return fs_remove_tree(s->rootfd, path_of(path, r->name, NULL), err);
}
