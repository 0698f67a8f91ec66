/* SPDX-License-Identifier: Apache-2.0 */
/*
 * projection - gathering and writing the contents of projected volumes.
 *
 * Theory of operation: everything that can fail for want of an object is asked before a file is
 * made. Writing goes by descriptors and makes everything anew: a directory of its own for each
 * version, files created exclusively, no link followed. A container has these volumes read-only;
 * one that is privileged might make them writable for itself, so nothing that is found there is
 * believed: what ..data says must be a name, what is removed is removed without following, and a
 * directory of ours that is not ours any more fails the swap.
 *
 * The swap: new directory, link ..data_tmp to it, rename onto ..data, links of new names, away with
 * links of old ones, away with the old directory. A reader that opens KEY sees the old or the new
 * content; one that holds KEY open keeps the old.
 *
 * Modes follow the kubelet: the item's, else the volume's, else 0644; with an fsGroup the files are
 * of that group and readable for it, and directories hand the group on. Kernel: openat2 5.6.
 *
 * Runs in podium-launch (gathers before it clones the sandbox, writes inside) and in podium
 * (refresh). Memory that held a Secret is cleared.
 */
#include "engine/process/projection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/data/object.h"
#include "engine/pod/spec.h"
#include "engine/process/fields.h"
#include "engine/process/internal.h"
#include "engine/process/launch.h"
#include "engine/process/sandbox.h"
#include "engine/process/userns.h"
#include "engine/rootfs/volume.h"

#define FILE_MODE	0644
#define DIR_MODE	0755
#define PATH_LENGTH_MAX 4096
#define DATA_LINK	"..data"
#define DATA_LINK_NEW	"..data_tmp"
#define VERSION_MAX	64
#define VERSION_TRIES	16

static void drop_last(struct projected *p)
{
	struct projected_volume *v = &p->v[--p->n];

	for (size_t k = 0; k < v->n; k++) {
		struct projected_file *f = &v->v[k];

		if (f->bytes)
			explicit_bzero(f->bytes, f->len);
		free(f->bytes);
		free(f->path);
	}
	free(v->v);
}

void projected_done(struct projected *p)
{
	while (p->n)
		drop_last(p);
	free(p->v);
	*p = (struct projected){ 0 };
}

/* ---- gathering -------------------------------------------------------------------------- */

/* Without empty parts and ".": "./a//b/" is "a/b". The caller's. */
static char *clean_path(const char *path)
{
	struct buf b = BUF_INIT(PATH_LENGTH_MAX);

	if (path && path[0] == '/')
		buf_addc(&b, '/');
	for (const char *p = path; p && *p;) {
		size_t n = strcspn(p, "/");

		if (n > 0 && !(n == 1 && p[0] == '.'))
			buf_printf(&b, "%s%.*s", b.len ? "/" : "", (int)n, p);
		p += n + (p[n] == '/');
	}
	return b.overflow ? buf_done(&b), xstrdup("") : buf_steal(&b);
}

/* What is wrong with the clean path of a file, or NULL. */
static const char *path_bad(const char *path)
{
	if (is_empty(path))
		return "it names no file";
	if (WEAKEN("VOL-2"))
		return NULL;
	if (path[0] == '/')
		return "it is not relative";
	if (is_prefix(path, ".."))
		return "it may not begin with '..'";
	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/");

		if (n > NAME_MAX)
			return "a part of it is longer than 255 bytes";
		if (n == 2 && p[0] == '.' && p[1] == '.')
			return "it may not have '..' as a part";
		p += n + (p[n] == '/');
	}
	return NULL;
}

/* Adds a file, or replaces the one of an earlier source. Takes bytes over. */
static int take_file(struct projected_volume *v, const char *path, char *bytes, size_t len,
		     mode_t mode, struct error *err)
{
	cleanup_free char *clean = clean_path(path);
	const char *bad = path_bad(clean);
	struct projected_file *f = NULL;

	if (bad) {
		explicit_bzero(bytes, len);
		free(bytes);
		return error_set(err, EINVAL, "path '%.100s': %s", path ? path : "", bad);
	}
	for (size_t i = 0; i < v->n && !f; i++)
		if (strcmp(v->v[i].path, clean) == 0)
			f = &v->v[i];
	if (f) {
		explicit_bzero(f->bytes, f->len);
		free(f->bytes);
	} else {
		f = list_add(v);
		f->path = steal_ptr(&clean);
	}
	f->bytes = bytes;
	f->len = len;
	f->mode = mode & 0777;
	return 0;
}

static mode_t mode_of(const struct volume_spec *spec, const struct projection_item *item)
{
	if (item && item->mode.set)
		return (mode_t)item->mode.value;
	return spec->default_mode.set ? (mode_t)spec->default_mode.value : FILE_MODE;
}

static int take_entry(struct projected_volume *v, const char *path, const struct data_entry *e,
		      mode_t mode, struct error *err)
{
	char *copy = xmalloc(e->len + 1);

	memcpy(copy, e->bytes, e->len + 1);
	return take_file(v, path, copy, e->len, mode, err);
}

static int gather_items(const struct projection *p, const struct data_object *o,
			struct projected_volume *v, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->items.n; i++) {
		const struct projection_item *item = &p->items.v[i];
		const struct data_entry *e = item->key ? data_object_find(o, item->key) : NULL;

		if (e)
			r = take_entry(v, item->path, e, mode_of(v->spec, item), err);
		else if (!p->optional)
			r = error_set(err, ENOENT, "%s '%s' has no key '%s'",
				      p->kind == PROJECTION_SECRET ? "Secret" : "ConfigMap",
				      p->object, item->key ? item->key : "");
	}
	return r;
}

static int gather_object(const struct field_context *c, const struct projection *p,
			 struct projected_volume *v, struct error *err)
{
	enum data_kind kind = p->kind == PROJECTION_SECRET ? DATA_SECRET : DATA_CONFIG;
	cleanup_data_object struct data_object o = { 0 };
	struct error why;
	int r = data_object_read(c->store, kind, c->pod->namespace_, p->object, &o, &why);

	if (r == -ENOENT && p->optional)
		return 0;
	if (r < 0) {
		*err = why;
		return r;
	}
	if (p->items.n > 0)
		return gather_items(p, &o, v, err);
	for (size_t i = 0; r == 0 && i < o.n; i++)
		r = take_entry(v, o.v[i].key, &o.v[i], mode_of(v->spec, NULL), err);
	return r;
}

static int gather_downward(const struct field_context *c, const struct projection *p,
			   struct projected_volume *v, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->items.n; i++) {
		const struct projection_item *item = &p->items.v[i];
		char *text = NULL;

		if (item->field)
			r = field_resolve(c, item->field, &text, err);
		else
			r = resource_resolve(c, item->resource, item->container, item->divisor,
					     &text, err);
		if (r == 0)
			r = take_file(v, item->path, text, strlen(text), mode_of(v->spec, item),
				      err);
	}
	return r;
}

static bool is_mounted_by(const struct field_context *c, const char *id, const char *volume)
{
	struct container_spec spec = { 0 };
	cleanup_json json_t *j = NULL;
	char path[LAYOUT_PATH_MAX];
	bool is_mounted = false;
	struct error scratch;

	/* One that cannot be read may mount it. */
	if (!is_id(id) ||
	    jload_file(c->store->rootfd, layout_container(path, id, "spec.json"), RECORD_MAX_BYTES,
		       &j, &scratch) < 0 ||
	    record_load(&container_spec_type, j, &spec, &scratch) < 0)
		return true;
	for (size_t i = 0; i < spec.mounts.n; i++)
		is_mounted |= is_equal(spec.mounts.v[i].volume, volume);
	record_done(&container_spec_type, &spec);
	return is_mounted;
}

/* As the kubelet, which prepares what some container mounts, and does not look at the rest. Asked
 * only when something is missing: the records of the containers are not read otherwise. */
static bool is_mounted(const struct field_context *c, const char *volume)
{
	const struct container_ref_list *refs = &c->pod->containers;

	for (size_t i = 0; i < refs->n; i++)
		if (is_mounted_by(c, refs->v[i].id, volume))
			return true;
	return refs->n == 0;
}

static int gather_volume(const struct field_context *c, struct projected_volume *v,
			 struct error *err)
{
	int r = 0;

	for (size_t k = 0; r == 0 && k < v->spec->sources.n; k++) {
		const struct projection *p = &v->spec->sources.v[k];

		r = p->kind == PROJECTION_DOWNWARD ? gather_downward(c, p, v, err)
						   : gather_object(c, p, v, err);
	}
	return r < 0 ? error_wrap(err, "volume '%s'", v->spec->name) : 0;
}

int projection_gather(const struct field_context *c, struct projected *ret, struct error *err)
{
	struct projected all = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->pod->volumes.n; i++) {
		const struct volume_spec *spec = &c->pod->volumes.v[i];
		struct projected_volume *v;
		struct error why;

		if (!is_projection_volume(spec->kind))
			continue;
		v = list_add(&all);
		v->spec = spec;
		r = gather_volume(c, v, &why);
		if (r == -ENOENT && !is_mounted(c, spec->name)) {
			drop_last(&all);
			r = 0;
		}
		if (r < 0)
			*err = why;
	}
	if (r < 0)
		projected_done(&all);
	else
		*ret = all;
	return r;
}

/* ---- one version ------------------------------------------------------------------------ */

struct writer {
	const struct pod_spec *pod;
	uint32_t first_id; /* the host's id of the pod's root */
};

/* Owner, group and mode of what was just made. */
static int dress(int fd, const struct writer *w, mode_t mode, bool is_dir, struct error *err)
{
	const struct opt_i64 *group = &w->pod->security.fs_group;

	if (group->set) {
		mode |= is_dir ? S_ISGID | 0550 : 0440;
		if (fchown(fd, (uid_t)-1, w->first_id + (gid_t)group->value) < 0)
			return error_errno(err, "give it to group %lld", (long long)group->value);
	}
	return fchmod(fd, mode) < 0 ? error_errno(err, "set its mode") : 0;
}

/* The directory `name` in dirfd, made and dressed when it is not there. */
static int step_down(const struct writer *w, int dirfd, const char *name, struct error *err)
{
	bool is_new = mkdirat(dirfd, name, 0700) == 0;
	cleanup_close int fd = -EBADF;
	int r;

	if (!is_new && errno != EEXIST)
		return error_errno(err, "create directory '%s'", name);
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOTDIR)
		return error_set(err, ENOTDIR, "'%s' is a file of another item", name);
	if (fd < 0)
		return error_errno(err, "open directory '%s'", name);
	r = is_new ? dress(fd, w, DIR_MODE, true, err) : 0;
	return r < 0 ? r : steal_fd(&fd);
}

static int write_file(const struct writer *w, int version, const struct projected_file *f,
		      struct error *err)
{
	cleanup_free char *copy = xstrdup(f->path);
	cleanup_close int dir = openat(version, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int fd = -EBADF;
	char *name = copy, *slash;
	int r;

	while (dir >= 0 && (slash = strchr(name, '/'))) {
		int next;

		*slash = '\0';
		next = step_down(w, dir, name, err);
		if (next < 0)
			return next;
		(void)close(dir);
		dir = next;
		name = slash + 1;
	}
	fd = dir < 0 ? -1
		     : openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			      0600);
	if (fd < 0)
		return error_errno(err, "create '%s'", name);
	r = fs_write_all(fd, f->bytes, f->len);
	if (r < 0)
		return error_set(err, -r, "write: %s", strerror(-r));
	return dress(fd, w, f->mode, false, err);
}

/* "..2026_11_22_07_19_55.8f3a12bc", which is not there yet. */
static int make_version(const struct writer *w, int dirfd, char name[VERSION_MAX],
			struct error *err)
{
	int64_t now = clock_wall_ns();
	time_t seconds = (time_t)(now / 1000000000);
	cleanup_close int fd = -EBADF;
	struct tm tm = { 0 };
	int r;

	(void)gmtime_r(&seconds, &tm);
	for (int tries = 0; fd < 0; tries++) {
		char stamp[32];

		(void)strftime(stamp, sizeof(stamp), "%Y_%m_%d_%H_%M_%S", &tm);
		(void)snprintf(name, VERSION_MAX, "..%s.%09lld", stamp,
			       (long long)(now % 1000000000) + tries);
		if (mkdirat(dirfd, name, 0700) == 0)
			fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		else if (errno == EEXIST && tries < VERSION_TRIES)
			continue;
		if (fd < 0)
			return error_errno(err, "create '%s'", name);
	}
	r = dress(fd, w, DIR_MODE, true, err);
	return r < 0 ? r : steal_fd(&fd);
}

static int write_version(const struct writer *w, const struct projected_volume *v, int dirfd,
			 char name[VERSION_MAX], struct error *err)
{
	cleanup_close int version = make_version(w, dirfd, name, err);
	int r = version < 0 ? version : 0;

	for (size_t i = 0; r == 0 && i < v->n; i++) {
		r = write_file(w, version, &v->v[i], err);
		if (r < 0)
			r = error_wrap(err, "file '%s'", v->v[i].path);
	}
	return r;
}

/* ---- what is there ---------------------------------------------------------------------- */

/* The version that ..data leads to, "" when there is none. */
static void read_version(int dirfd, char name[VERSION_MAX])
{
	ssize_t n = readlinkat(dirfd, DATA_LINK, name, VERSION_MAX - 1);

	name[n > 0 ? n : 0] = '\0';
	if (!is_prefix(name, "..") || !name[2] || strchr(name, '/'))
		name[0] = '\0';
}

static bool has_file(int version, const struct projected_file *f, mode_t mode)
{
	struct error scratch;
	cleanup_close int fd =
		fs_open_beneath(version, f->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, &scratch);
	cleanup_free char *bytes = xmalloc(f->len + 2);
	struct stat st;
	size_t len = 0;
	ssize_t n = 0;
	bool is_same;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_mode & 07777) != mode ||
	    (size_t)st.st_size != f->len)
		return false;
	while (len <= f->len && (n = read(fd, bytes + len, f->len + 1 - len)) > 0)
		len += (size_t)n;
	is_same = n == 0 && len == f->len && memcmp(bytes, f->bytes, len) == 0;
	explicit_bzero(bytes, len);
	return is_same;
}

/* How many files are below a directory; it is of our own making, so it is not deep. */
static size_t count_files(int dirfd, const char *name, int depth)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	size_t n = 0;

	if (!d && fd >= 0)
		(void)close(fd);
	while (d && (e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (e->d_type != DT_DIR)
			n++;
		else if (depth > 0)
			n += count_files(fd, e->d_name, depth - 1);
	}
	return n;
}

static bool is_up_to_date(const struct pod_spec *pod, const struct projected_volume *v, int dirfd,
			  const char *name)
{
	cleanup_close int version =
		*name ? openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
		      : -EBADF;

	if (version < 0 || count_files(dirfd, name, PATH_LENGTH_MAX / 2) != v->n)
		return false;
	for (size_t i = 0; i < v->n; i++) {
		mode_t mode = v->v[i].mode | (pod->security.fs_group.set ? 0440U : 0U);

		if (!has_file(version, &v->v[i], mode))
			return false;
	}
	return true;
}

/* ---- the links -------------------------------------------------------------------------- */

static bool is_first_part(const struct projected_volume *v, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < v->n; i++)
		if (strncmp(v->v[i].path, name, n) == 0 &&
		    (v->v[i].path[n] == '/' || !v->v[i].path[n]))
			return true;
	return false;
}

/* True when `name` leads to target already. */
static bool is_link_to(int dirfd, const char *name, const char *target)
{
	char text[NAME_MAX + sizeof(DATA_LINK "/")];
	ssize_t n = readlinkat(dirfd, name, text, sizeof(text));

	return n == (ssize_t)strlen(target) && memcmp(text, target, (size_t)n) == 0;
}

static int make_links(const struct projected_volume *v, int dirfd, struct error *err)
{
	for (size_t i = 0; i < v->n; i++) {
		cleanup_free char *name = xstrndup(v->v[i].path, strcspn(v->v[i].path, "/"));
		cleanup_free char *target = xasprintf(DATA_LINK "/%s", name);
		int r;

		/* ".." begins the names of ours. */
		if (is_prefix(name, "..") || is_link_to(dirfd, name, target))
			continue;
		/* Whatever else is there is nobody's of ours. */
		r = fs_remove_tree(dirfd, name, err);
		if (r < 0)
			return r;
		if (symlinkat(target, dirfd, name) < 0)
			return error_errno(err, "create '%s'", name);
	}
	return 0;
}

/* Everything that is not of this version: old links, old versions, what was cut short. */
static void sweep(const struct projected_volume *v, int dirfd, const char *version)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	struct error scratch;

	if (!d && fd >= 0)
		(void)close(fd);
	while (d && (e = readdir(d))) {
		bool is_kept = is_prefix(e->d_name, "..")
				       ? !e->d_name[2] || strcmp(e->d_name, DATA_LINK) == 0 ||
						 strcmp(e->d_name, version) == 0
				       : strcmp(e->d_name, ".") == 0 || is_first_part(v, e->d_name);

		/* What cannot go is tried again by the next swap. */
		if (!is_kept && fs_remove_tree(dirfd, e->d_name, &scratch) < 0)
			continue;
	}
}

int projection_write(const struct pod_spec *pod, uint32_t first_id,
		     const struct projected_volume *v, int dirfd, struct error *err)
{
	const struct writer w = { pod, first_id };
	char old[VERSION_MAX], version[VERSION_MAX] = "";
	struct error scratch;
	int r;

	read_version(dirfd, old);
	if (is_up_to_date(pod, v, dirfd, old))
		return 0;
	r = write_version(&w, v, dirfd, version, err);
	if (r == 0 && unlinkat(dirfd, DATA_LINK_NEW, 0) < 0 && errno != ENOENT)
		r = error_errno(err, "remove '" DATA_LINK_NEW "'");
	if (r == 0 && symlinkat(version, dirfd, DATA_LINK_NEW) < 0)
		r = error_errno(err, "create '" DATA_LINK_NEW "'");
	if (r == 0 && renameat(dirfd, DATA_LINK_NEW, dirfd, DATA_LINK) < 0)
		r = error_errno(err, "swap '" DATA_LINK "'");
	if (r < 0) {
		if (*version) /* the old one stays in use */
			error_ignore(fs_remove_tree(dirfd, version, &scratch));
		return error_wrap(err, "volume '%s'", v->spec->name);
	}
	r = make_links(v, dirfd, err);
	if (r < 0)
		return error_wrap(err, "volume '%s'", v->spec->name);
	if (*old)
		sweep(v, dirfd, version);
	return 1;
}

/* ---- a sandbox that runs ---------------------------------------------------------------- */

static int refresh_all(const struct pod_spec *pod, uint32_t first_id, const struct projected *all,
		       int dir, struct error *err)
{
	int changed = 0;

	for (size_t i = 0; i < all->n; i++) {
		const char *name = all->v[i].spec->name;
		cleanup_close int fd =
			openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		int r;

		if (fd < 0)
			return error_errno(err, "volume '%s' of the sandbox", name);
		r = projection_write(pod, first_id, &all->v[i], fd, err);
		if (r < 0)
			return r;
		changed += r;
	}
	return changed;
}

int sandbox_refresh_volumes(const struct store *s, const struct pod_spec *pod,
			    const struct sandbox_record *sb, struct error *err)
{
	const struct field_context c = { .store = s, .pod = pod, .sandbox = sb };
	cleanup_projected struct projected all = { 0 };
	cleanup_close int dir = -EBADF;
	uint32_t first_id = 0;
	struct error scratch;
	int r = projection_gather(&c, &all, err);

	if (r < 0 || all.n == 0)
		return r;
	if (has_own_userns(pod))
		r = userns_first_id((pid_t)sb->pid, &first_id, err);
	if (r < 0)
		return r;
	/* proves that it is that process still */
	dir = sandbox_open(sb, SCRATCH_VOLUMES, err);
	if (dir < 0)
		return dir;
	/* Its file systems know only ids of its user namespace. */
	r = first_id ? proc_act_as(first_id, first_id, err) : 0;
	if (r == 0)
		r = refresh_all(pod, first_id, &all, dir, err);
	if (first_id && proc_act_as(0, 0, &scratch) < 0)
		return error_set(err, EPERM, "%s", scratch.text);
	return r;
}
