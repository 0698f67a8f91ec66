/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object - ConfigMaps and Secrets as files of the store.
 *
 * Theory of operation: an object is one record, written to a temporary, synced and renamed, so a
 * reader sees the old or the new one; readers take no lock. The names that a path is made of are
 * checked first, and so is every key, on the way in and on the way out: a key becomes a file name
 * in a volume. Values are bytes, so the record holds them in base64.
 *
 * A Secret's bytes pass through a JSON tree on their way. While one is read or written here, the
 * JSON library frees through a function that clears first; what we hold ourselves is cleared by
 * hand. What the kernel caches and what a debugger sees is not defended against.
 *
 * Runs in podium (write, remove, list) and in podium-launch (read). No threads, therefore.
 *
 * Limits: DATA_MAX_BYTES of values, FILE_MAX_BYTES of record, NAME_LENGTH bytes of name (Kubernetes
 * allows 253; a file's name with its suffix ends at 255).
 */
#include "engine/data/object.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/base64.h"
#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/record.h"
#include "engine/base/seams.h"
#include "engine/pod/spec.h"

#define FILE_MAX_BYTES	 ((size_t)8 << 20)
#define NAME_LENGTH	 250
#define NAMESPACE_LENGTH 63
#define KEY_LENGTH	 253
#define SUFFIX		 ".json"
#define DATA_LOCK	 "locks/data"
#define LOCK_MS		 30000
/* kube/configmap/<namespace>/<name>.json */
#define PATH_BYTES (sizeof("kube/configmap//" SUFFIX) + NAMESPACE_LENGTH + NAME_LENGTH)

static const struct {
	const char *folder;
	const char *name;
} kinds[DATA__COUNT] = {
	[DATA_CONFIG] = { "kube/configmap", "ConfigMap" },
	[DATA_SECRET] = { "secrets", "Secret" },
};

/* ---- the record ------------------------------------------------------------------------- */

struct stored_entry {
	char *key;
	char *value; /* base64 */
	bool binary;
};
struct stored {
	char *type;
	bool immutable;
	struct pairlist labels;
	struct pairlist annotations;
	char *source;
	int64_t created_ns;
	struct stored_entry *v;
	size_t n;
};

static const struct record_field entry_fields[] = {
	RECORD_FIELD(stored_entry, RECORD_STRING, "key", key),
	RECORD_FIELD(stored_entry, RECORD_STRING, "value", value),
	RECORD_FIELD(stored_entry, RECORD_BOOL, "binary", binary),
	{ 0 },
};
static const struct record_type entry_type = { "data entry", sizeof(struct stored_entry),
					       entry_fields };
static const struct record_field stored_fields[] = {
	RECORD_FIELD(stored, RECORD_STRING, "type", type),
	RECORD_FIELD(stored, RECORD_BOOL, "immutable", immutable),
	RECORD_FIELD(stored, RECORD_PAIRS, "labels", labels),
	RECORD_FIELD(stored, RECORD_PAIRS, "annotations", annotations),
	RECORD_FIELD(stored, RECORD_STRING, "source", source),
	RECORD_FIELD(stored, RECORD_I64, "created", created_ns),
	{ .name = "data",
	  .kind = RECORD_LIST,
	  .offset = offsetof(struct stored, v),
	  .sub = &entry_type },
	{ 0 },
};
static const struct record_type stored_type = { "data object", sizeof(struct stored),
						stored_fields };

/* ---- clearing --------------------------------------------------------------------------- */

static void clear_text(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
}

/* Clears, and frees. */
static void forget_text(char **s)
{
	clear_text(*s);
	free(*s);
}

static void stored_done(struct stored *st)
{
	for (size_t i = 0; i < st->n; i++)
		clear_text(st->v[i].value);
	record_done(&stored_type, st);
}

static void free_cleared(void *p)
{
	if (p)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

/* The JSON library's functions while a Secret is in its hands. */
struct json_guard {
	json_malloc_t make;
	json_free_t release;
};

static struct json_guard json_guard_begin(void)
{
	struct json_guard g;

	json_get_alloc_funcs(&g.make, &g.release);
	json_set_alloc_funcs(malloc, free_cleared);
	return g;
}

static void json_guard_end(struct json_guard g)
{
	json_set_alloc_funcs(g.make, g.release);
}

/* ---- the object ------------------------------------------------------------------------- */

void data_object_done(struct data_object *o)
{
	for (size_t i = 0; i < o->n; i++) {
		free(o->v[i].key);
		if (o->v[i].bytes)
			explicit_bzero(o->v[i].bytes, o->v[i].len);
		free(o->v[i].bytes);
	}
	free(o->v);
	free(o->namespace_);
	free(o->name);
	free(o->type);
	free(o->source);
	pairlist_done(&o->labels);
	pairlist_done(&o->annotations);
	*o = (struct data_object){ 0 };
}

/* Appends an entry that takes bytes over. */
static void take_entry(struct data_object *o, const char *key, char *bytes, size_t len, bool binary)
{
	o->v = xreallocarray(o->v, o->n + 1, sizeof(*o->v));
	o->v[o->n++] = (struct data_entry){
		.key = xstrdup(key), .bytes = bytes, .len = len, .binary = binary
	};
}

void data_object_add(struct data_object *o, const char *key, const char *bytes, size_t len,
		     bool binary)
{
	char *copy = xmalloc(len + 1);

	if (len > 0)
		memcpy(copy, bytes, len);
	copy[len] = '\0';
	take_entry(o, key, copy, len, binary);
}

const struct data_entry *data_object_find(const struct data_object *o, const char *key)
{
	for (size_t i = 0; i < o->n; i++)
		if (strcmp(o->v[i].key, key) == 0)
			return &o->v[i];
	return NULL;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp((*(const struct data_entry *const *)a)->key,
		      (*(const struct data_entry *const *)b)->key);
}

/* The entries by their keys. Sorted, since there may be a hundred thousand of them. The caller's. */
static const struct data_entry **sorted_entries(const struct data_object *o)
{
	const struct data_entry **sorted = xcalloc(o->n + 1, sizeof(*sorted));

	for (size_t i = 0; i < o->n; i++)
		sorted[i] = &o->v[i];
	qsort(sorted, o->n, sizeof(*sorted), compare_keys);
	return sorted;
}

/* A key that is there twice, or NULL. */
static const char *repeated_key(const struct data_object *o)
{
	cleanup_free const struct data_entry **sorted = sorted_entries(o);

	for (size_t i = 1; i < o->n; i++)
		if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0)
			return sorted[i]->key;
	return NULL;
}

static bool has_same_data(const struct data_object *a, const struct data_object *b)
{
	cleanup_free const struct data_entry **left = sorted_entries(a);
	cleanup_free const struct data_entry **right = sorted_entries(b);
	bool is_same = a->n == b->n;

	for (size_t i = 0; is_same && i < a->n; i++) {
		const struct data_entry *x = left[i], *y = right[i];

		is_same = strcmp(x->key, y->key) == 0 && x->len == y->len &&
			  x->binary == y->binary && memcmp(x->bytes, y->bytes, x->len) == 0;
	}
	return is_same;
}

static bool has_same_pairs(const struct pairlist *a, const struct pairlist *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!is_equal(pairlist_get(b, a->v[i].key), a->v[i].value))
			return false;
	return true;
}

bool is_data_equal(const struct data_object *a, const struct data_object *b)
{
	return a->kind == b->kind && a->immutable == b->immutable && is_equal(a->type, b->type) &&
	       has_same_pairs(&a->labels, &b->labels) &&
	       has_same_pairs(&a->annotations, &b->annotations) && has_same_data(a, b);
}

/* ---- names ------------------------------------------------------------------------------ */

static bool is_made_of(const char *s, size_t max)
{
	static const char all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789-_.";
	size_t n = strlen(s);

	return n > 0 && n <= max && strspn(s, all) == n;
}

const char *data_key_bad(const char *key)
{
	if (is_empty(key))
		return "it is empty";
	if (strlen(key) > KEY_LENGTH)
		return "it is longer than 253 bytes";
	if (WEAKEN("VOL-2"))
		return NULL;
	if (!is_made_of(key, KEY_LENGTH))
		return "only letters, digits, '-', '_' and '.' may be in it";
	if (strcmp(key, ".") == 0 || is_prefix(key, ".."))
		return "it may be neither '.' nor begin with '..'";
	return NULL;
}

/* A name that is one component of a path. */
static int check_name(const char *what, const char *name, size_t max, struct error *err)
{
	if (is_empty(name) || !is_made_of(name, max) || name[0] == '.')
		return error_set(err, EINVAL,
				 "'%.64s' is not a name of a %s: letters, digits, '-', '_', '.', "
				 "at most %zu",
				 name ? name : "", what, max);
	return 0;
}

static int object_path(enum data_kind kind, const char *namespace_, const char *name,
		       char path[PATH_BYTES], struct error *err)
{
	const char *ns = namespace_of(namespace_);
	int r = check_name("namespace", ns, NAMESPACE_LENGTH, err);

	if (r == 0)
		r = check_name(kinds[kind].name, name, NAME_LENGTH, err);
	if (r < 0)
		return r;
	(void)snprintf(path, PATH_BYTES, "%s/%s/%s" SUFFIX, kinds[kind].folder, ns, name);
	return 0;
}

static int raise_missing(enum data_kind kind, const char *namespace_, const char *name,
			 struct error *err)
{
	const char *ns = namespace_of(namespace_);

	if (strcmp(ns, NAMESPACE_DEFAULT) == 0)
		return error_set(err, ENOENT, "there is no %s '%s'", kinds[kind].name, name);
	return error_set(err, ENOENT, "there is no %s '%s' in namespace '%s'", kinds[kind].name,
			 name, ns);
}

/* ---- read ------------------------------------------------------------------------------- */

static int load_entry(const struct stored_entry *e, struct data_object *ret, struct error *err)
{
	const char *text = e->value ? e->value : "";
	size_t len = strlen(text), n = 0;
	const char *bad = data_key_bad(e->key);
	char *bytes;

	if (bad)
		return error_set(err, EBADMSG, "key '%.64s': %s", e->key ? e->key : "", bad);
	bytes = xmalloc(len + 1);
	if (base64_decode(text, len, bytes, &n) < 0) {
		free_cleared(bytes);
		return error_set(err, EBADMSG, "the value of key '%s' is damaged", e->key);
	}
	bytes[n] = '\0';
	take_entry(ret, e->key, bytes, n, e->binary);
	return 0;
}

static int load_object(struct stored *st, struct data_object *ret, struct error *err)
{
	const char *twice;

	ret->type = steal_ptr(&st->type);
	ret->source = steal_ptr(&st->source);
	ret->immutable = st->immutable;
	ret->created_ns = st->created_ns;
	ret->labels = st->labels;
	ret->annotations = st->annotations;
	st->labels = st->annotations = (struct pairlist){ 0 };
	for (size_t i = 0; i < st->n; i++) {
		int r = load_entry(&st->v[i], ret, err);

		if (r < 0)
			return r;
	}
	twice = repeated_key(ret);
	return twice ? error_set(err, EBADMSG, "key '%s' is there twice", twice) : 0;
}

static int read_stored(const struct store *s, const char *path, struct stored *ret,
		       struct error *err)
{
	cleanup(forget_text) char *text = NULL;
	struct json_guard guard;
	json_t *j = NULL;
	size_t len = 0;
	int r = fs_read_file(s->rootfd, path, FILE_MAX_BYTES, &text, &len, err);

	if (r < 0)
		return r;
	guard = json_guard_begin();
	r = jload_text(text, len, path, &j, err);
	if (r == 0)
		r = record_load(&stored_type, j, ret, err);
	json_decref(j);
	json_guard_end(guard);
	return r;
}

int data_object_read(const struct store *s, enum data_kind kind, const char *namespace_,
		     const char *name, struct data_object *ret, struct error *err)
{
	cleanup(stored_done) struct stored st = { 0 };
	struct data_object o = { .kind = (int)kind };
	struct error why = { 0 };
	char path[PATH_BYTES];
	int r = object_path(kind, namespace_, name, path, err);

	if (r < 0)
		return r;
	r = s->rootfd < 0 ? -ENOENT : read_stored(s, path, &st, &why);
	if (r == -ENOENT)
		return raise_missing(kind, namespace_, name, err);
	if (r == 0)
		r = load_object(&st, &o, &why);
	if (r < 0) {
		data_object_done(&o);
		*err = why;
		return error_wrap(err, "%s '%s'", kinds[kind].name, name);
	}
	o.namespace_ = xstrdup(namespace_of(namespace_));
	o.name = xstrdup(name);
	*ret = o;
	return 0;
}

/* ---- write ------------------------------------------------------------------------------ */

static int check_entries(const struct data_object *o, struct error *err)
{
	const char *twice;
	size_t total = 0;

	for (size_t i = 0; i < o->n; i++) {
		const char *bad = data_key_bad(o->v[i].key);

		if (bad)
			return error_set(err, EINVAL, "key '%.64s': %s",
					 o->v[i].key ? o->v[i].key : "", bad);
		if (o->v[i].len > DATA_MAX_BYTES || (total += o->v[i].len) > DATA_MAX_BYTES)
			return error_set(err, EFBIG, "more than %zu bytes of values",
					 DATA_MAX_BYTES);
	}
	twice = repeated_key(o);
	return twice ? error_set(err, EINVAL, "key '%s' is there twice", twice) : 0;
}

/* What the one that is there says about the new one. */
static int check_replaced(const struct store *s, const struct data_object *o, int64_t *ret_created,
			  struct error *err)
{
	cleanup_data_object struct data_object old = { 0 };
	struct error scratch;

	/* One that cannot be read is replaced. */
	if (data_object_read(s, (enum data_kind)o->kind, o->namespace_, o->name, &old, &scratch) <
	    0)
		return 0;
	*ret_created = old.created_ns;
	if (old.immutable && (!o->immutable || !has_same_data(&old, o)))
		return error_set(err, EPERM, "it is immutable: delete it first");
	return 0;
}

/* Clears nothing of o. */
static char *stored_text(const struct data_object *o, int64_t created_ns)
{
	cleanup(stored_done) struct stored st = { .immutable = o->immutable,
						  .created_ns = created_ns };
	struct json_guard guard = json_guard_begin();
	json_t *j;
	char *text;

	st.type = xstrdup_or_null(o->type);
	st.source = xstrdup_or_null(o->source);
	pairlist_copy(&st.labels, &o->labels);
	pairlist_copy(&st.annotations, &o->annotations);
	st.v = xcalloc(o->n + 1, sizeof(*st.v));
	for (; st.n < o->n; st.n++)
		st.v[st.n] = (struct stored_entry){ .key = xstrdup(o->v[st.n].key),
						    .value = base64_encode(o->v[st.n].bytes,
									   o->v[st.n].len),
						    .binary = o->v[st.n].binary };
	j = record_dump(&stored_type, &st);
	text = jdump_text(j, 1);
	json_decref(j);
	json_guard_end(guard);
	return text;
}

/* .<name>~ beside the object */
static void temporary_path(const char *path, char ret[PATH_BYTES])
{
	size_t folder = (size_t)(strrchr(path, '/') - path) + 1;

	(void)snprintf(ret, PATH_BYTES, "%.*s.%.*s~", (int)folder, path,
		       (int)(strlen(path + folder) - strlen(SUFFIX)), path + folder);
}

/* Replaces the file by one that is called after it: what a crash leaves of that may be a secret, and
 * is overwritten with the object's next version or removed with the object. */
static int replace_file(const struct store *s, const char *path, int folder, const char *text,
			struct error *err)
{
	char temporary[PATH_BYTES];
	cleanup_close int fd = -EBADF;
	int r;

	temporary_path(path, temporary);
	(void)unlinkat(s->rootfd, temporary, 0);
	fd = openat(s->rootfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	if (fd < 0)
		return error_errno(err, "create '%s'", path);
	r = fs_write_all(fd, text, strlen(text));
	if (r < 0)
		(void)error_set(err, -r, "write '%s': %s", path, strerror(-r));
	else if (fdatasync(fd) < 0)
		r = error_errno(err, "sync '%s'", path);
	else if (renameat(s->rootfd, temporary, s->rootfd, path) < 0)
		r = error_errno(err, "replace '%s'", path);
	if (r < 0)
		(void)unlinkat(s->rootfd, temporary, 0);
	else if (fsync(folder) < 0)
		r = error_errno(err, "sync directory of '%s'", path);
	return r;
}

static int write_object(const struct store *s, const struct data_object *o, const char *path,
			struct error *err)
{
	cleanup_free char *folder = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	cleanup(forget_text) char *text = NULL;
	cleanup_close int dir = -EBADF;
	int64_t created_ns = o->created_ns;
	int r = check_entries(o, err);

	if (r == 0)
		r = check_replaced(s, o, &created_ns, err);
	if (r < 0)
		return r;
	dir = fs_mkdirs(s->rootfd, folder, 0700, err);
	if (dir < 0)
		return dir;
	text = stored_text(o, created_ns ? created_ns : clock_wall_ns());
	if (strlen(text) > FILE_MAX_BYTES)
		return error_set(err, EFBIG, "its labels and annotations are too large");
	return replace_file(s, path, dir, text, err);
}

/* Of who writes and removes, since both use the same temporary. */
static int lock_data(const struct store *s, struct error *err)
{
	return lock_take(s->rootfd, DATA_LOCK, LOCK_EXCLUSIVE, LOCK_MS, err);
}

int data_object_write(const struct store *s, const struct data_object *o, struct error *err)
{
	char path[PATH_BYTES];
	cleanup_close int lock = -EBADF;
	int r = object_path((enum data_kind)o->kind, o->namespace_, o->name, path, err);

	if (r < 0)
		return r;
	lock = lock_data(s, err);
	r = lock < 0 ? lock : write_object(s, o, path, err);
	return r < 0 ? error_wrap(err, "%s '%s'", kinds[o->kind].name, o->name) : 0;
}

int data_object_remove(const struct store *s, enum data_kind kind, const char *namespace_,
		       const char *name, struct error *err)
{
	char path[PATH_BYTES], temporary[PATH_BYTES];
	cleanup_close int lock = -EBADF;
	struct error scratch; /* a lock that cannot be had keeps nobody from removing */
	int r = object_path(kind, namespace_, name, path, err);

	if (r < 0)
		return r;
	temporary_path(path, temporary);
	if (s->rootfd >= 0)
		lock = lock_data(s, &scratch);
	if (lock >= 0)
		(void)unlinkat(s->rootfd, temporary, 0);
	if (s->rootfd >= 0 && unlinkat(s->rootfd, path, 0) == 0)
		return 0;
	if (s->rootfd < 0 || errno == ENOENT)
		return raise_missing(kind, namespace_, name, err);
	return error_errno(err, "remove %s '%s'", kinds[kind].name, name);
}

/* ---- list ------------------------------------------------------------------------------- */

static DIR *open_folder(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d && fd >= 0)
		(void)close(fd);
	return d;
}

static int list_namespace(int dir, const char *ns, struct strlist *ret, struct error *err)
{
	cleanup_dir DIR *d = open_folder(dir, ns);
	const struct dirent *e;

	if (!d)
		return errno == ENOENT ? 0 : error_errno(err, "read '%s'", ns);
	while ((e = readdir(d))) {
		size_t n = strlen(e->d_name);

		/* temporaries begin with a dot */
		if (e->d_name[0] != '.' && is_suffix(e->d_name, SUFFIX))
			strlist_addf(ret, "%s/%.*s", ns, (int)(n - strlen(SUFFIX)), e->d_name);
	}
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int data_object_list(const struct store *s, enum data_kind kind, struct strlist *ret,
		     struct error *err)
{
	cleanup_dir DIR *d = s->rootfd < 0 ? NULL : open_folder(s->rootfd, kinds[kind].folder);
	const struct dirent *e;

	if (!d)
		return s->rootfd < 0 || errno == ENOENT
			       ? 0
			       : error_errno(err, "read '%s'", kinds[kind].folder);
	while ((e = readdir(d))) {
		int r = e->d_name[0] == '.' ? 0 : list_namespace(dirfd(d), e->d_name, ret, err);

		if (r < 0)
			return r;
	}
	if (ret->n > 0)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare_names);
	return 0;
}
