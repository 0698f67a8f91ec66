/* SPDX-License-Identifier: Apache-2.0 */
/*
 * named - volumes with a name.
 *
 * Theory of operation: a volume is a folder of the store with a record and a content. The record
 * makes it a volume: creation makes the folder, then the content, and writes the record last;
 * removal sets the folder aside under a name that no volume has, and empties it without the lock,
 * which may take long; what could not be removed is given its name back, so that it is seen and can
 * be tried again. What a killed removal has left aside, the next one takes. Creation is exclusive by mkdir(2); a folder without a record
 * is the debris of a crash and is taken over. Who uses a volume is not written down anywhere: the
 * records of pods and containers say so.
 *
 * Content is a container's: on removal it is walked by descriptors, no link is followed and no
 * mount is crossed (fs_remove_tree); a content that is somewhere on the host is left alone. Both
 * verbs hold locks/volumes, which is a leaf lock.
 *
 * Limits: a name of NAME_LENGTH bytes, as pods and containers; a record of RECORD_BYTES.
 */
#include "engine/volumes/named.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/pod/spec.h"
#include "engine/state/eventlog.h"
#include "engine/volumes/driver.h"

#define VOLUMES	      "volumes"
#define VOLUME_RECORD "volume.json"
#define VOLUME_DATA   "_data"
#define VOLUMES_LOCK  "locks/volumes"
#define TRASH	      ".trash-"
#define TRASH_DIGITS  32
#define LOCK_MS	      30000
#define NAME_LENGTH   253
#define RECORD_BYTES  ((size_t)4 << 20)
#define SPEC_BYTES    ((size_t)8 << 20)
#define PATH_BYTES    (sizeof(VOLUMES "//" VOLUME_RECORD) + NAME_LENGTH)

#define FIELD(kind_, name_, m) RECORD_FIELD(named_volume, kind_, name_, m)

static const struct record_field fields[] = {
	{ .name = "name", .kind = RECORD_STRING, .offset = offsetof(struct named_volume, name) },
	{ .name = "created",
	  .kind = RECORD_I64,
	  .offset = offsetof(struct named_volume, created_ns),
	  .ephemeral = true },
	FIELD(RECORD_PAIRS, "labels", labels),
	FIELD(RECORD_PAIRS, "options", options),
	FIELD(RECORD_STRING, "hostPath", host_path),
	FIELD(RECORD_BOOL, "hostPathCreate", host_path_create),
	FIELD(RECORD_BOOL, "played", played),
	FIELD(RECORD_BOOL, "copiedUp", copied_up),
	FIELD(RECORD_BOOL, "anonymous", anonymous),
	FIELD(RECORD_I64, "uid", uid),
	FIELD(RECORD_I64, "gid", gid),
	FIELD(RECORD_STRING, "claimNamespace", claim_namespace),
	FIELD(RECORD_STRING, "claim", claim_yaml),
	FIELD(RECORD_STRING, "capacity", capacity),
	FIELD(RECORD_STRLIST, "accessModes", access_modes),
	FIELD(RECORD_STRING, "storageClass", storage_class),
	FIELD(RECORD_STRING, "boundVolume", bound_volume),
	FIELD(RECORD_BOOL, "retain", reclaim_retain),
	{ 0 },
};
const struct record_type named_volume_type = { "volume", sizeof(struct named_volume), fields };

void named_volume_done(struct named_volume *v)
{
	record_done(&named_volume_type, v);
}

/* ---- names and paths -------------------------------------------------------------------- */

int named_volume_check_name(const char *name, struct error *err)
{
	static const char all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_.-";
	size_t n = name ? strlen(name) : 0;

	if (n == 0 || n > NAME_LENGTH || strchr("_.-", *name) || strspn(name, all) != n)
		return error_set(err, EINVAL,
				 "'%.64s' is not a name of a volume: letters, digits, '_', '.', "
				 "'-', at most %d",
				 name ? name : "", NAME_LENGTH);
	return 0;
}

/* volumes/<name>[/file] */
static const char *volume_path(char path[PATH_BYTES], const char *name, const char *file)
{
	(void)snprintf(path, PATH_BYTES, VOLUMES "/%s%s%s", name, file ? "/" : "",
		       file ? file : "");
	return path;
}

static bool has_record(const struct store *s, const char *name)
{
	char path[PATH_BYTES];
	struct stat st;

	return s->rootfd >= 0 && fstatat(s->rootfd, volume_path(path, name, VOLUME_RECORD), &st,
					 AT_SYMLINK_NOFOLLOW) == 0;
}

static int raise_missing(const char *name, struct error *err)
{
	return error_set(err, ENOENT, "there is no volume '%s'", name);
}

static void tell_log(const struct store *s, const char *name, const char *status)
{
	event_log(s, &(struct eventlog_entry){ .type = "volume", .status = status, .name = name });
}

/* ---- create, update, read --------------------------------------------------------------- */

/* An anonymous one is worth no wait for the disk: its container makes that, or is gone with a crash. */
static int write_record(const struct store *s, const struct named_volume *v, struct error *err)
{
	char path[PATH_BYTES];
	cleanup_json json_t *j = record_dump(&named_volume_type, v);
	cleanup_free char *text = jdump_text(j, 1);

	return fs_write_atomic(s->rootfd, volume_path(path, v->name, VOLUME_RECORD), text,
			       strlen(text), 0600, v->anonymous ? FS_NOSYNC : FS_SYNC, err);
}

/* mkdir -p as the kubelet does it: links on the host's own path are the host's. */
static int make_host_path(const char *path, struct error *err)
{
	cleanup_close int fd = fs_mkdirs(AT_FDCWD, path, 0755, err);

	return fd < 0 ? fd : 0;
}

static int make_content(const struct store *s, const struct named_volume *v, struct error *err)
{
	char path[PATH_BYTES];
	cleanup_close int fd = -EBADF;

	/* Only the store's owner gets as far as this. */
	fd = fs_mkdirs(s->rootfd, volume_path(path, v->name, NULL), 0700, err);
	if (fd < 0)
		return fd;
	if (v->host_path)
		return v->host_path_create ? make_host_path(v->host_path, err) : 0;
	(void)close(fd);
	fd = fs_mkdirs(s->rootfd, volume_path(path, v->name, VOLUME_DATA), 0700, err);
	if (fd < 0)
		return fd;
	/* whatever the umask says */
	if (fchmod(fd, v->claim_namespace ? 0777 : 0755) < 0)
		return error_errno(err, "set mode of '%s'", path);
	if ((v->uid || v->gid) && fchown(fd, (uid_t)v->uid, (gid_t)v->gid) < 0)
		return error_errno(err, "set owner of '%s'", path);
	return 0;
}

/* What a creation or a removal that did not come to its end has left: a folder without a record. One
 * with content is not touched. */
static void drop_debris(const struct store *s, const char *name)
{
	char path[PATH_BYTES];
	struct error scratch;

	if (has_record(s, name))
		return;
	if (unlinkat(s->rootfd, volume_path(path, name, VOLUME_DATA), AT_REMOVEDIR) < 0 &&
	    errno != ENOENT)
		return;
	/* The rest of a record, at most. */
	error_ignore(fs_remove_tree(s->rootfd, volume_path(path, name, NULL), &scratch));
}

int named_volume_create(const struct store *s, const struct named_volume *v, struct error *err)
{
	int r = named_volume_check_name(v->name, err);
	cleanup_close int lock = -EBADF;

	if (r < 0)
		return r;
	if (v->host_path && v->host_path[0] != '/')
		return error_set(err, EINVAL, "volume '%s': path '%s' is not absolute", v->name,
				 v->host_path);
	lock = lock_take(s->rootfd, VOLUMES_LOCK, LOCK_EXCLUSIVE, LOCK_MS, err);
	if (lock < 0)
		return lock;
	if (has_record(s, v->name))
		return error_set(err, EEXIST, "there is a volume '%s' already", v->name);
	r = make_content(s, v, err);
	if (r == 0)
		r = write_record(s, v, err);
	if (r < 0)
		drop_debris(s, v->name);
	else
		tell_log(s, v->name, "create");
	return r < 0 ? error_wrap(err, "volume '%s'", v->name) : 0;
}

int named_volume_update(const struct store *s, const struct named_volume *v, struct error *err)
{
	int r = named_volume_check_name(v->name, err);
	cleanup_close int lock = -EBADF;

	if (r < 0)
		return r;
	lock = lock_take(s->rootfd, VOLUMES_LOCK, LOCK_EXCLUSIVE, LOCK_MS, err);
	if (lock < 0)
		return lock;
	if (!has_record(s, v->name))
		return raise_missing(v->name, err);
	r = write_record(s, v, err);
	return r < 0 ? error_wrap(err, "volume '%s'", v->name) : 0;
}

int named_volume_read(const struct store *s, const char *name, struct named_volume *ret,
		      struct error *err)
{
	char path[PATH_BYTES];
	cleanup_json json_t *j = NULL;
	struct error why = { 0 };
	int r = named_volume_check_name(name, err);

	if (r < 0)
		return r;
	r = s->rootfd < 0 ? -ENOENT
			  : jload_file(s->rootfd, volume_path(path, name, VOLUME_RECORD),
				       RECORD_BYTES, &j, &why);
	if (r == -ENOENT)
		return raise_missing(name, err);
	if (r == 0)
		r = record_load(&named_volume_type, j, ret, &why);
	if (r < 0) {
		*err = why;
		return error_wrap(err, "volume '%s'", name);
	}
	/* The folder is the name. */
	free(ret->name);
	ret->name = xstrdup(name);
	return 0;
}

int named_volume_open(const struct store *s, const char *name, struct error *err)
{
	cleanup(named_volume_done) struct named_volume v = { 0 };
	char below[PATH_BYTES];
	cleanup_free char *path = NULL;
	int r = named_volume_read(s, name, &v, err), fd;

	if (r == 0 && has_driver_mount(&v))
		r = volume_driver_mount(s, &v, err);
	if (r < 0)
		return r;
	/* By path, since a launch may be in another mount namespace than the store's descriptor. */
	path = xasprintf("%s/%s", s->root, volume_path(below, name, VOLUME_DATA));
	if (v.host_path)
		fd = open(v.host_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	else
		fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "volume '%s': open '%s'", name,
				    v.host_path ? v.host_path : VOLUME_DATA)
		      : fd;
}

/* ---- users ------------------------------------------------------------------------------ */

/* Reads a record; 0 without one: it was never completed, or is being removed. 1: read. */
static int read_spec(const struct store *s, const char *path, const struct record_type *type,
		     void *ret, struct error *err)
{
	cleanup_json json_t *j = NULL;
	struct error why = { 0 };
	int r = jload_file(s->rootfd, path, SPEC_BYTES, &j, &why);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r == 0)
		r = record_load(type, j, ret, &why);
	if (r == 0)
		return 1;
	/* Who cannot be read might use it. */
	*err = why;
	return error_wrap(err, "cannot tell who uses the volume: '%s'", path);
}

/* What is asked of the records. */
struct users_query {
	const struct store *store;
	const char *volume;    /* NULL: all volumes, whose names go to `volumes` */
	struct strlist *names; /* of containers; each may be NULL */
	struct strlist *ids;
	struct strlist *volumes;
};

static void add_volumes_of(const struct pod_spec *pod, const struct container_spec *spec,
			   struct strlist *ret)
{
	cleanup_strlist struct strlist seen = { 0 };

	for (size_t i = 0; i < spec->mounts.n; i++) {
		const struct volume_spec *v = pod_find_volume(pod, spec->mounts.v[i].volume);

		if (!v || v->kind != VOLUME_NAMED || !v->source_name ||
		    strlist_has(&seen, v->source_name))
			continue;
		strlist_add(&seen, v->source_name);
		strlist_add(ret, v->source_name);
	}
}

static int add_user(const struct users_query *q, const struct pod_spec *pod,
		    const char *container_id, struct error *err)
{
	cleanup_strlist struct strlist mounted = { 0 };
	struct container_spec spec;
	char path[LAYOUT_PATH_MAX];
	int r = !container_id || !is_id(container_id)
			? 0
			: read_spec(q->store, layout_container(path, container_id, "spec.json"),
				    &container_spec_type, &spec, err);

	if (r <= 0)
		return r;
	add_volumes_of(pod, &spec, q->volumes ? q->volumes : &mounted);
	if (q->volume && strlist_has(&mounted, q->volume)) {
		if (q->names && spec.full_name)
			strlist_add(q->names, spec.full_name);
		if (q->ids)
			strlist_add(q->ids, container_id);
	}
	record_done(&container_spec_type, &spec);
	return 0;
}

static bool has_volume(const struct pod_spec *pod, const char *volume)
{
	for (size_t i = 0; i < pod->volumes.n; i++)
		if (pod->volumes.v[i].kind == VOLUME_NAMED &&
		    (!volume || is_equal(pod->volumes.v[i].source_name, volume)))
			return true;
	return false;
}

static int add_users_of_pod(const struct users_query *q, const char *pod_id, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	struct pod_spec pod;
	int r = read_spec(q->store, layout_pod(path, pod_id, "pod.json"), &pod_spec_type, &pod,
			  err);

	if (r <= 0)
		return r;
	r = 0;
	for (size_t i = 0; r == 0 && has_volume(&pod, q->volume) && i < pod.containers.n; i++)
		r = add_user(q, &pod, pod.containers.v[i].id, err);
	record_done(&pod_spec_type, &pod);
	return r;
}

/* A folder of the store; NULL without one (0 in *ret) or on failure. */
static DIR *open_folder(const struct store *s, const char *name, int *ret, struct error *err)
{
	int fd = s->rootfd < 0 ? -1 : openat(s->rootfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	*ret = 0;
	if (!d && s->rootfd >= 0 && errno != ENOENT)
		*ret = error_errno(err, "read '%s'", name);
	if (!d && fd >= 0)
		(void)close(fd);
	return d;
}

static int ask_all(const struct users_query *q, struct error *err)
{
	int r = 0;
	cleanup_dir DIR *d = open_folder(q->store, "pods", &r, err);
	const struct dirent *e;

	while (r == 0 && d && (e = readdir(d)))
		if (is_id(e->d_name))
			r = add_users_of_pod(q, e->d_name, err);
	return r;
}

int named_volume_users(const struct store *s, const char *name, struct strlist *ret,
		       struct error *err)
{
	return ask_all(&(struct users_query){ .store = s, .volume = name, .names = ret }, err);
}

int named_volume_user_ids(const struct store *s, const char *name, struct strlist *ret,
			  struct error *err)
{
	return ask_all(&(struct users_query){ .store = s, .volume = name, .ids = ret }, err);
}

int named_volume_used(const struct store *s, struct strlist *ret, struct error *err)
{
	return ask_all(&(struct users_query){ .store = s, .volumes = ret }, err);
}

/* ---- remove, list ----------------------------------------------------------------------- */

/* A removed volume's folder on its way out: volumes/.trash-<random>, which is no name of a volume. */
struct trash {
	char path[sizeof(VOLUMES "/" TRASH) + TRASH_DIGITS];
	int fd; /* locked by whoever empties it */
};

static int lock_trash(const struct store *s, struct trash *t)
{
	t->fd = openat(s->rootfd, t->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return t->fd >= 0 && flock(t->fd, LOCK_EX | LOCK_NB) == 0 ? 0 : -EBUSY;
}

static int remove_locked(const struct store *s, const char *name, struct trash *ret,
			 struct error *err)
{
	cleanup_strlist struct strlist users = { 0 };
	char path[PATH_BYTES], id[65];
	int r = named_volume_users(s, name, &users, err);

	if (r < 0)
		return r;
	if (users.n > 0)
		return error_set(err, EBUSY, "volume '%s' is used by container '%s'%s", name,
				 users.v[0], users.n > 1 ? " and others" : "");
	r = volume_driver_unmount(s, name, err);
	if (r < 0)
		return error_wrap(err, "volume '%s'", name);
	id_new(id);
	(void)snprintf(ret->path, sizeof(ret->path), VOLUMES "/" TRASH "%.*s", TRASH_DIGITS, id);
	if (renameat(s->rootfd, volume_path(path, name, NULL), s->rootfd, ret->path) < 0)
		return error_errno(err, "volume '%s': set it aside", name);
	error_ignore(lock_trash(s, ret));
	return 0;
}

/* The content first: with the record it is still a volume when that fails. */
static int empty_trash(const struct store *s, const struct trash *t, struct error *err)
{
	cleanup_free char *data = xasprintf("%s/" VOLUME_DATA, t->path);
	int r = fs_remove_tree(s->rootfd, data, err);

	return r == 0 ? fs_remove_tree(s->rootfd, t->path, err) : r;
}

/* What could not be removed is seen again under its name, unless that is taken by now. */
static void bring_back(const struct store *s, const char *name, const struct trash *t)
{
	char path[PATH_BYTES];
	struct error scratch;
	cleanup_close int lock =
		lock_take(s->rootfd, VOLUMES_LOCK, LOCK_EXCLUSIVE, LOCK_MS, &scratch);

	if (lock >= 0)
		(void)renameat2(s->rootfd, t->path, s->rootfd, volume_path(path, name, NULL),
				RENAME_NOREPLACE);
}

void named_volume_sweep(const struct store *s)
{
	struct error scratch; /* the next one tries again */
	int r = 0;
	cleanup_dir DIR *d = open_folder(s, VOLUMES, &r, &scratch);
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		struct trash t = { .fd = -EBADF };

		if (!is_prefix(e->d_name, TRASH) ||
		    strlen(e->d_name) != sizeof(TRASH) - 1 + TRASH_DIGITS)
			continue;
		(void)snprintf(t.path, sizeof(t.path), VOLUMES "/%.*s",
			       (int)sizeof(TRASH) - 1 + TRASH_DIGITS, e->d_name);
		if (lock_trash(s, &t) == 0)
			error_ignore(empty_trash(s, &t, &scratch));
		if (t.fd >= 0)
			(void)close(t.fd);
	}
}

static int set_aside(const struct store *s, const char *name, struct trash *ret, struct error *err)
{
	cleanup_close int lock = lock_take(s->rootfd, VOLUMES_LOCK, LOCK_EXCLUSIVE, LOCK_MS, err);

	if (lock < 0)
		return lock;
	if (has_record(s, name))
		return remove_locked(s, name, ret, err);
	drop_debris(s, name);
	return raise_missing(name, err);
}

int named_volume_remove(const struct store *s, const char *name, struct error *err)
{
	struct trash t = { .fd = -EBADF };
	char path[PATH_BYTES];
	int r = named_volume_check_name(name, err);

	if (r < 0)
		return r;
	if (s->rootfd < 0 || faccessat(s->rootfd, volume_path(path, name, NULL), F_OK, 0) < 0)
		return raise_missing(name, err);
	r = set_aside(s, name, &t, err);
	if (r < 0)
		return r;
	STOP_AT("volume:aside");
	r = empty_trash(s, &t, err);
	if (r < 0)
		bring_back(s, name, &t);
	if (t.fd >= 0)
		(void)close(t.fd);
	if (r < 0)
		return error_wrap(err, "volume '%s'", name);
	tell_log(s, name, "remove");
	named_volume_sweep(s);
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int named_volume_list(const struct store *s, struct strlist *ret, struct error *err)
{
	int r = 0;
	cleanup_dir DIR *d = open_folder(s, VOLUMES, &r, err);
	struct error scratch;
	const struct dirent *e;

	while (d && (e = readdir(d)))
		if (named_volume_check_name(e->d_name, &scratch) == 0 && has_record(s, e->d_name))
			strlist_add(ret, e->d_name);
	if (ret->n > 0)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare_names);
	return r;
}
