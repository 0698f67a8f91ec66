/* SPDX-License-Identifier: Apache-2.0 */
/*
 * objects - what was played and is neither data nor a volume, kept in the store.
 *
 * Theory of operation: an object is a folder. object.json is written first and the document last,
 * each replaced atomically: a folder without a document is the debris of a crash and is no object;
 * the next write takes it over. Removal takes the document first, then the folder, so that what a
 * crash leaves is no object any more. Readers take no lock. Who changes what he has read holds
 * locks/objects, which is a leaf lock, held for milliseconds.
 *
 * A folder is opened before its files are, and every name on the way is checked: one component of
 * the letters that Kubernetes allows.
 *
 * Runs in podium alone. Limits: DOCUMENT_BYTES of document, Kubernetes' lengths of names.
 */
#include "kube/objects.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/record.h"
#include "engine/data/object.h"
#include "kube/kinds.h"
#include "kube/names.h"

#define FOLDER		"kube"
#define DOCUMENT	"object.yaml"
#define RECORD		"object.json"
#define OBJECTS_LOCK	"locks/objects"
#define NO_NAMESPACE	"_"
#define LOCK_MS		30000
#define DOCUMENT_BYTES	((size_t)64 << 20)
#define RECORD_BYTES	((size_t)4 << 20)
#define NAMESPACE_BYTES 64
#define NAME_BYTES	254
#define KIND_BYTES	32
#define PATH_BYTES	(sizeof(FOLDER "///") + KIND_BYTES + NAMESPACE_BYTES + NAME_BYTES)

static const struct record_field fields[] = {
	{ .name = "source",
	  .kind = RECORD_STRING,
	  .offset = offsetof(struct stored_object, source) },
	{ .name = "created",
	  .kind = RECORD_I64,
	  .offset = offsetof(struct stored_object, created_ns) },
	{ .name = "pods", .kind = RECORD_STRLIST, .offset = offsetof(struct stored_object, pods) },
	{ .name = "network",
	  .kind = RECORD_STRING,
	  .offset = offsetof(struct stored_object, network) },
	{ .name = "plainNames",
	  .kind = RECORD_BOOL,
	  .offset = offsetof(struct stored_object, plain_names) },
	{ 0 },
};
static const struct record_type stored_type = { "object", sizeof(struct stored_object), fields };

void stored_object_done(struct stored_object *o)
{
	free(o->namespace_);
	free(o->name);
	free(o->yaml);
	o->namespace_ = o->name = o->yaml = NULL;
	record_done(&stored_type, o);
}

bool is_kind_stored(enum kube_kind kind)
{
	return kind != KUBE_CONFIG_MAP && kind != KUBE_SECRET && kind != KUBE_PVC &&
	       kind < KUBE_POD;
}

/* ---- paths ------------------------------------------------------------------------------ */

/* kube/deployment */
static void kind_path(enum kube_kind kind, char path[PATH_BYTES])
{
	size_t at = sizeof(FOLDER);

	(void)snprintf(path, PATH_BYTES, FOLDER "/%s", kube_kind_names[kind]);
	for (; path[at]; at++)
		path[at] = (char)tolower((unsigned char)path[at]);
}

static const char *folder_of_namespace(enum kube_kind kind, const char *namespace_)
{
	return is_cluster_wide(kind) ? NO_NAMESPACE : namespace_of(namespace_);
}

static int object_path(enum kube_kind kind, const char *namespace_, const char *name,
		       char path[PATH_BYTES], struct error *err)
{
	const char *ns = folder_of_namespace(kind, namespace_);
	size_t len;

	if (!is_kind_stored(kind))
		return error_set(err, EINVAL, "objects of kind %s are not kept here",
				 kube_kind_names[kind]);
	if (is_empty(name) || name_bad_subdomain(name))
		return error_set(err, EINVAL, "'%.64s' is not a name of a %s", name ? name : "",
				 kube_kind_names[kind]);
	if (!is_cluster_wide(kind) && name_bad_label(ns))
		return error_set(err, EINVAL, "'%.64s' is not a namespace", ns);
	kind_path(kind, path);
	len = strlen(path);
	(void)snprintf(path + len, PATH_BYTES - len, "/%s/%s", ns, name);
	return 0;
}

static int raise_missing(enum kube_kind kind, const char *namespace_, const char *name,
			 struct error *err)
{
	if (is_cluster_wide(kind) || strcmp(namespace_of(namespace_), NAMESPACE_DEFAULT) == 0)
		return error_set(err, ENOENT, "there is no %s '%s'", kube_kind_names[kind], name);
	return error_set(err, ENOENT, "there is no %s '%s' in namespace '%s'",
			 kube_kind_names[kind], name, namespace_);
}

/* Its folder, if it has a document. */
int object_open(const struct store *s, enum kube_kind kind, const char *namespace_,
		const char *name, struct error *err)
{
	char path[PATH_BYTES];
	cleanup_close int fd = -EBADF;
	int r = object_path(kind, namespace_, name, path, err);

	if (r < 0)
		return r;
	if (s->rootfd >= 0)
		fd = openat(s->rootfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->rootfd >= 0 && fd < 0 && errno != ENOENT)
		return error_errno(err, "open '%s'", path);
	if (fd < 0 || faccessat(fd, DOCUMENT, F_OK, 0) < 0)
		return raise_missing(kind, namespace_, name, err);
	return steal_fd(&fd);
}

int objects_lock(const struct store *s, struct error *err)
{
	return lock_take(s->rootfd, OBJECTS_LOCK, LOCK_EXCLUSIVE, LOCK_MS, err);
}

/* ---- read, write, remove ---------------------------------------------------------------- */

static int read_from(int fd, struct stored_object *ret, struct error *err)
{
	cleanup_json json_t *j = NULL;
	int r = jload_file(fd, RECORD, RECORD_BYTES, &j, err);

	if (r == 0)
		r = record_load(&stored_type, j, ret, err);
	if (r == 0)
		r = fs_read_file(fd, DOCUMENT, DOCUMENT_BYTES, &ret->yaml, NULL, err);
	return r;
}

int object_read(const struct store *s, enum kube_kind kind, const char *namespace_,
		const char *name, struct stored_object *ret, struct error *err)
{
	cleanup_stored_object struct stored_object o = { 0 };
	cleanup_close int fd = object_open(s, kind, namespace_, name, err);
	int r = fd;

	if (fd >= 0)
		r = read_from(fd, &o, err);
	if (r < 0)
		return fd < 0 ? r : error_wrap(err, "%s '%s'", kube_kind_names[kind], name);
	o.name = xstrdup(name);
	if (!is_cluster_wide(kind))
		o.namespace_ = xstrdup(namespace_of(namespace_));
	*ret = o;
	memset(&o, 0, sizeof(o));
	return 0;
}

/* When the one that is there was made; else now. */
static int64_t time_of(int fd, const struct stored_object *o)
{
	cleanup_stored_object struct stored_object old = { 0 };
	struct error scratch; /* one that cannot be read is replaced */

	if (o->created_ns)
		return o->created_ns;
	if (read_from(fd, &old, &scratch) == 0 && old.created_ns)
		return old.created_ns;
	return clock_wall_ns();
}

/* A folder, and that of an empty namespace. */
static int drop_folder(const struct store *s, char *path, struct error *err)
{
	int r = fs_remove_tree(s->rootfd, path, err);

	*strrchr(path, '/') = '\0';
	(void)unlinkat(s->rootfd, path, AT_REMOVEDIR); /* or there are more */
	return r;
}

/* What a play that was killed has left: a folder without a document. Another play may be about to
 * write that, so only while nobody does. */
static void drop_debris(const struct store *s, char *path)
{
	struct error scratch;
	cleanup_close int lock = lock_take(s->rootfd, OBJECTS_LOCK, LOCK_EXCLUSIVE, 0, &scratch);
	cleanup_free char *document = xasprintf("%s/%s", path, DOCUMENT);

	if (lock >= 0 && faccessat(s->rootfd, document, F_OK, 0) < 0 && errno == ENOENT)
		error_ignore(drop_folder(s, path, &scratch));
}

int object_write(const struct store *s, enum kube_kind kind, const struct stored_object *o,
		 struct error *err)
{
	struct stored_object dated = *o;
	cleanup_json json_t *j = NULL;
	cleanup_free char *text = NULL;
	cleanup_close int fd = -EBADF;
	char path[PATH_BYTES];
	int r = object_path(kind, o->namespace_, o->name, path, err);

	if (r < 0)
		return r;
	fd = fs_mkdirs(s->rootfd, path, 0700, err);
	if (fd < 0)
		return fd;
	dated.created_ns = time_of(fd, o);
	j = record_dump(&stored_type, &dated);
	text = jdump_text(j, 1);
	r = fs_write_atomic(fd, RECORD, text, strlen(text), 0600, FS_NOSYNC, err);
	if (r == 0)
		r = fs_write_atomic(fd, DOCUMENT, o->yaml ? o->yaml : "",
				    o->yaml ? strlen(o->yaml) : 0, 0600, FS_SYNC, err);
	if (r < 0 && faccessat(fd, DOCUMENT, F_OK, 0) < 0) {
		struct error scratch; /* it is not there, which is what counts */

		error_ignore(drop_folder(s, path, &scratch));
	}
	return r < 0 ? error_wrap(err, "%s '%s'", kube_kind_names[kind], o->name) : 0;
}

int object_remove(const struct store *s, enum kube_kind kind, const char *namespace_,
		  const char *name, struct error *err)
{
	cleanup_close int fd = object_open(s, kind, namespace_, name, err);
	struct error scratch;
	char path[PATH_BYTES];
	int r = fd < 0 ? fd : object_path(kind, namespace_, name, path, err);

	if (r == -ENOENT && s->rootfd >= 0 &&
	    object_path(kind, namespace_, name, path, &scratch) == 0)
		drop_debris(s, path);
	if (r < 0)
		return r;
	if (unlinkat(fd, DOCUMENT, 0) < 0 && errno != ENOENT)
		return error_errno(err, "remove '%s/%s'", path, DOCUMENT);
	return drop_folder(s, path, err);
}

/* ---- list ------------------------------------------------------------------------------- */

static DIR *open_folder(int dirfd, const char *name)
{
	int fd = dirfd < 0 ? -1 : openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d && fd >= 0)
		(void)close(fd);
	return d;
}

static void list_namespace(DIR *kinds, const char *ns, struct strlist *ret)
{
	cleanup_dir DIR *d = open_folder(dirfd(kinds), ns);
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		cleanup_free char *document = xasprintf("%s/%s", e->d_name, DOCUMENT);

		if (e->d_name[0] != '.' && faccessat(dirfd(d), document, F_OK, 0) == 0)
			strlist_addf(ret, "%s/%s", ns, e->d_name);
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int object_list(const struct store *s, enum kube_kind kind, struct strlist *ret, struct error *err)
{
	char path[PATH_BYTES];
	cleanup_dir DIR *d = NULL;
	const struct dirent *e;

	if (!is_kind_stored(kind))
		return error_set(err, EINVAL, "objects of kind %s are not kept here",
				 kube_kind_names[kind]);
	kind_path(kind, path);
	d = open_folder(s->rootfd, path);
	if (!d && s->rootfd >= 0 && errno != ENOENT)
		return error_errno(err, "read '%s'", path);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			list_namespace(d, e->d_name, ret);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_name);
	return 0;
}

/* ---- owners ----------------------------------------------------------------------------- */

bool controller_parse(const char *controller, enum kube_kind *ret_kind, char **ret_namespace,
		      char **ret_name)
{
	const char *first = controller ? strchr(controller, '/') : NULL;
	const char *second = first ? strchr(first + 1, '/') : NULL;
	cleanup_free char *kind = first ? xstrndup(controller, (size_t)(first - controller)) : NULL;

	for (int i = 0; second && kube_kind_names[i]; i++) {
		if (strcmp(kube_kind_names[i], kind) != 0)
			continue;
		*ret_kind = (enum kube_kind)i;
		*ret_namespace = xstrndup(first + 1, (size_t)(second - first - 1));
		*ret_name = xstrdup(second + 1);
		return true;
	}
	return false;
}
