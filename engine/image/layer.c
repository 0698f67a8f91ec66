/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer - the unpacker: a hostile tar stream becomes a directory tree, and touches nothing else.
 *
 * Theory of operation: libarchive only reads (format tar, no filters, no writing to disk); every
 * entry is made here. For each header:
 *
 *	1. the name is cleaned and its parent resolved inside the root      (layer_path.c)
 *	2. ".wh." names become overlayfs deletions                          (layer_whiteout.c)
 *	3. what stands at the name is removed, not followed and not written through; only a
 *	   directory over a directory merges
 *	4. the entry is made with O_EXCL / O_NOFOLLOW below the parent's descriptor
 *	5. owner, attributes, mode, times go through the new descriptor     (layer_meta.c)
 *
 * Directory times are kept and set at the end, when nothing is written any more. Hard links must
 * point to a regular file that this layer has already made; they carry no metadata of their own.
 * Device nodes: the handful that the engine makes in /dev itself are skipped, others are refused
 * (char 0:0 above all: to overlayfs it is a deletion). Sockets do not occur in tar.
 *
 * Should: run in a child whose root is the layer directory, confined by cage.c; nothing here
 * relies on that. Mustn't: follow the last component of any name; keep a path's resolution across
 * an entry that could change it.
 *
 * Garbage behind the end marker is not looked at, a missing end marker is not an error: the diff
 * id, checked by the parent over every byte, is what decides. What a failure leaves is swept later.
 */
#include "engine/image/layer.h"

#include <archive.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/image/internal.h"

#define READ_BLOCK (256 * 1024)

void layer_limits_default(struct layer_limits *l)
{
	*l = (struct layer_limits){ .entries = LAYER_ENTRIES_MAX,
				    .bytes = LAYER_BYTES_MAX,
				    .file_bytes = LAYER_FILE_BYTES_MAX,
				    .dirs = LAYER_DIRS_MAX,
				    .xattrs = LAYER_XATTRS_MAX };
}

/* ---- regular files ---------------------------------------------------------------------- */

static int write_at(int fd, const char *data, size_t len, int64_t offset, struct error *err)
{
	while (len) {
		ssize_t n = pwrite(fd, data, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, "write");
		data += n;
		len -= (size_t)n;
		offset += n;
	}
	return 0;
}

/* Copies the entry's data; holes stay holes. */
static int write_data(struct layer *l, struct archive *a, int fd, int64_t size, struct error *err)
{
	int64_t end = 0;

	for (;;) {
		const void *block = NULL;
		size_t len = 0;
		int64_t offset = 0;
		int r = archive_read_data_block(a, &block, &len, &offset);

		if (r == ARCHIVE_EOF)
			break;
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
			return error_set(err, EBADMSG, "%s", archive_error_string(a));
		if (offset < 0 || offset > size || len > (uint64_t)(size - offset))
			return error_set(err, EBADMSG, "data beyond the size in its header");
		if (len > l->limits->bytes - l->stats.bytes)
			return error_set(err, E2BIG, "the layer holds more than %llu bytes",
					 (unsigned long long)l->limits->bytes);
		l->stats.bytes += len;
		r = write_at(fd, block, len, offset, err);
		if (r < 0)
			return r;
		end = offset + (int64_t)len > end ? offset + (int64_t)len : end;
	}
	if (end < size && ftruncate(fd, size) < 0)
		return error_errno(err, "set size");
	return 0;
}

/* A name that is taken is cleared first; since that may change how other names resolve, the parent
 * is not kept for the next entry then. Returns a descriptor of the parent, the caller's. */
static int clear_for_file(struct layer *l, int parentfd, const char *base, struct error *err)
{
	cleanup_close int keep = fcntl(parentfd, F_DUPFD_CLOEXEC, 3);
	struct stat st;
	int r;

	if (keep < 0)
		return error_errno(err, "keep the directory");
	if (WEAKEN("LAYER-REPLACE") || fstatat(parentfd, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return steal_fd(&keep);
	layer_forget_parent(l);
	r = layer_clear(keep, base, err);
	return r < 0 ? r : steal_fd(&keep);
}

/* Whether a mount stands at the name. In a mount namespace that is not ours an unlink would succeed
 * and take the mount away. */
static bool is_mount(int parentfd, const char *base)
{
	struct statx st;

	return statx(parentfd, base, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &st) == 0 &&
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* A copy onto a file that is a mount, such as a container's /etc/hosts: its content alone changes. */
static int fill_mounted_file(struct layer *l, struct archive *a, int parentfd, const char *base,
			     struct archive_entry *e, struct error *err)
{
	cleanup_close int fd =
		openat(parentfd, base, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? error_errno(err, "open") : write_data(l, a, fd, archive_entry_size(e), err);
}

static int make_file(struct layer *l, struct archive *a, int parentfd, const char *base,
		     struct archive_entry *e, struct error *err)
{
	bool mounted = l->limits->copy && is_mount(parentfd, base);
	cleanup_close int dir = mounted ? -EBADF : clear_for_file(l, parentfd, base, err);
	cleanup_close int fd = -EBADF;
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC;
	int64_t size = archive_entry_size(e);
	struct timespec times[2];
	int r;

	if (mounted)
		return fill_mounted_file(l, a, parentfd, base, e, err);
	if (dir < 0)
		return dir;
	if (size < 0 || (uint64_t)size > l->limits->file_bytes)
		return error_set(err, E2BIG, "a file of %lld bytes", (long long)size);
	if (!WEAKEN("LAYER-REPLACE"))
		flags |= O_EXCL | O_NOFOLLOW;
	fd = openat(dir, base, flags, 0600);
	if (fd < 0)
		return error_errno(err, "create");
	r = write_data(l, a, fd, size, err);
	if (r == 0)
		r = layer_set_owner(fd, e, err);
	if (r == 0)
		r = layer_set_xattrs(l, fd, e, err);
	if (r == 0)
		r = layer_set_mode(fd, e, err);
	layer_times(e, times);
	return r < 0 ? r : layer_set_times(fd, times, err);
}

/* ---- directories ------------------------------------------------------------------------ */

static int remember_dir(struct layer *l, int fd, const char *path, struct archive_entry *e,
			struct error *err)
{
	struct layer_dir *d;
	struct stat st;

	if (l->n_dirs >= l->limits->dirs)
		return error_set(err, E2BIG, "more than %llu directories",
				 (unsigned long long)l->limits->dirs);
	if (fstat(fd, &st) < 0)
		return error_errno(err, "stat");
	if (l->n_dirs == l->cap_dirs) {
		l->cap_dirs = l->cap_dirs ? l->cap_dirs * 2 : 64;
		l->dirs = xreallocarray(l->dirs, l->cap_dirs, sizeof(*l->dirs));
	}
	d = &l->dirs[l->n_dirs++];
	*d = (struct layer_dir){ .path = xstrdup(path), .dev = st.st_dev, .ino = st.st_ino };
	layer_times(e, d->times);
	return 0;
}

static int set_dir(struct layer *l, int fd, const char *path, struct archive_entry *e,
		   struct error *err)
{
	int r = layer_set_owner(fd, e, err);

	if (r == 0)
		r = layer_set_xattrs(l, fd, e, err);
	if (r == 0)
		r = layer_set_mode(fd, e, err);
	return r < 0 ? r : remember_dir(l, fd, path, e, err);
}

/* Makes base a directory; an existing one stays. *ret_hides: it replaced a whiteout. */
static int make_dir_entry(int parentfd, const char *base, bool *ret_hides, struct error *err)
{
	struct stat st;
	int r;

	if (fstatat(parentfd, base, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (S_ISDIR(st.st_mode))
			return 0;
		*ret_hides = is_layer_whiteout(parentfd, base);
		r = layer_clear(parentfd, base, err);
		if (r < 0)
			return r;
	}
	return mkdirat(parentfd, base, 0700) < 0 ? error_errno(err, "create directory") : 0;
}

static int make_dir(struct layer *l, int parentfd, const struct layer_name *name,
		    struct archive_entry *e, struct error *err)
{
	cleanup_close int fd = -EBADF;
	bool hides = false;
	int r = make_dir_entry(parentfd, name->base, &hides, err);

	if (r < 0)
		return r;
	fd = openat(parentfd, name->base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "open directory");
	if (hides && !l->limits->is_plain)
		r = layer_set_opaque(fd, 'y', err);
	return r < 0 ? r : set_dir(l, fd, name->path, e, err);
}

/* Times of the directories, in the order they came: a later entry of the same name wins. One that
 * was replaced since is left alone. */
static void set_dir_times(struct layer *l)
{
	for (size_t i = 0; i < l->n_dirs; i++) {
		const struct layer_dir *d = &l->dirs[i];
		struct error scratch;
		struct stat st;
		cleanup_close int fd =
			fs_open_in_root(l->rootfd, *d->path ? d->path : ".",
					O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, &scratch);

		if (fd >= 0 && fstat(fd, &st) == 0 && st.st_ino == d->ino && st.st_dev == d->dev)
			(void)utimensat(fd, "", d->times, AT_EMPTY_PATH);
	}
}

/* ---- links and nodes -------------------------------------------------------------------- */

static int make_symlink(int parentfd, const char *base, struct archive_entry *e, struct error *err)
{
	const char *target = archive_entry_symlink(e);
	cleanup_close int fd = -EBADF;
	struct timespec times[2];
	int r;

	if (is_empty(target) || strlen(target) > LAYER_TARGET_MAX)
		return error_set(err, EBADMSG,
				 "a symbolic link without a target of sensible length");
	r = layer_clear(parentfd, base, err);
	if (r < 0)
		return r;
	if (symlinkat(target, parentfd, base) < 0)
		return error_errno(err, "create symbolic link");
	fd = openat(parentfd, base, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "open symbolic link");
	r = layer_set_owner(fd, e, err);
	layer_times(e, times);
	return r < 0 ? r : layer_set_times(fd, times, err);
}

/* Opens the file that a hard link names: inside the root, the last component not followed. */
static int open_link_target(struct layer *l, const struct layer_name *target, int *ret_parent,
			    struct stat *ret_st, struct error *err)
{
	size_t len = (size_t)(target->base - target->path);
	cleanup_free char *dir = len ? xstrndup(target->path, len - 1) : xstrdup(".");
	cleanup_close int fd = -EBADF;

	if (WEAKEN("LAYER-HARDLINK"))
		fd = openat(l->rootfd, dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	else
		fd = fs_open_in_root(l->rootfd, dir, O_PATH | O_DIRECTORY, 0, err);
	if (fd < 0)
		return WEAKEN("LAYER-HARDLINK") ? error_errno(err, "open") : fd;
	if (!*target->base)
		return error_set(err, EBADMSG, "it is the root");
	if (fstatat(fd, target->base, ret_st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "open");
	if (!S_ISREG(ret_st->st_mode))
		return error_set(err, EBADMSG, "it is not a regular file");
	*ret_parent = steal_fd(&fd);
	return 0;
}

static int link_to(struct layer *l, int parentfd, const char *base, const struct layer_name *target,
		   struct error *err)
{
	cleanup_close int from = -EBADF;
	struct stat want, st;
	int r = open_link_target(l, target, &from, &want, err);

	if (r < 0)
		return r;
	if (fstatat(parentfd, base, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (st.st_ino == want.st_ino && st.st_dev == want.st_dev)
			return 0; /* it is the same file already; clearing would lose it */
		r = layer_clear(parentfd, base, err);
		if (r < 0)
			return r;
	}
	return linkat(from, target->base, parentfd, base, 0) < 0 ? error_errno(err, "link") : 0;
}

static int make_hardlink(struct layer *l, int parentfd, const char *base, const char *raw_target,
			 struct error *err)
{
	struct layer_name target = { .path = NULL };
	int r = layer_clean(raw_target, &target, err);

	if (r == 0)
		r = link_to(l, parentfd, base, &target, err);
	if (r < 0) {
		cleanup_free char *shown = str_printable(raw_target, strnlen(raw_target, 150));

		r = error_wrap(err, "hard link to '%.150s'", shown);
	}
	layer_name_done(&target);
	return r;
}

static int make_fifo(int parentfd, const char *base, struct archive_entry *e, struct error *err)
{
	cleanup_close int fd = -EBADF;
	struct timespec times[2];
	int r = layer_clear(parentfd, base, err);

	if (r < 0)
		return r;
	if (mknodat(parentfd, base, S_IFIFO | 0600, 0) < 0)
		return error_errno(err, "create fifo");
	fd = openat(parentfd, base, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "open fifo");
	r = layer_set_owner(fd, e, err);
	if (r == 0)
		r = layer_set_mode(fd, e, err);
	layer_times(e, times);
	return r < 0 ? r : layer_set_times(fd, times, err);
}

/* Nodes that every container gets from the engine: not made, and no reason to refuse an image. */
static bool is_engine_device(struct archive_entry *e)
{
	static const struct {
		unsigned int major, minor;
	} known[] = {
		{ 1, 3 }, { 1, 5 }, { 1, 7 }, { 1, 8 }, { 1, 9 }, { 5, 0 }, { 5, 1 }, { 5, 2 },
	};

	if (archive_entry_filetype(e) != AE_IFCHR)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (major(archive_entry_rdev(e)) == known[i].major &&
		    minor(archive_entry_rdev(e)) == known[i].minor)
			return true;
	return false;
}

static int make_device(struct layer *l, int parentfd, const char *base, struct archive_entry *e,
		       struct error *err)
{
	if (l->limits->copy) {
		l->stats.skipped_devices++;
		return 0;
	}
	if (WEAKEN("LAYER-DEVICE"))
		return mknodat(parentfd, base, archive_entry_mode(e), archive_entry_rdev(e)) < 0
			       ? error_errno(err, "create device")
			       : 0;
	if (!is_engine_device(e))
		return error_set(err, EPERM, "a device node (%u:%u): not allowed in images",
				 major(archive_entry_rdev(e)), minor(archive_entry_rdev(e)));
	l->stats.skipped_devices++;
	return 0;
}

/* ---- the loop --------------------------------------------------------------------------- */

/* Everything but regular files and whiteouts, which keep the parent. */
static int make_other(struct layer *l, int parentfd, const struct layer_name *name,
		      struct archive_entry *e, struct error *err)
{
	if (archive_entry_hardlink(e))
		return make_hardlink(l, parentfd, name->base, archive_entry_hardlink(e), err);
	switch (archive_entry_filetype(e)) {
	case AE_IFDIR:
		return make_dir(l, parentfd, name, e, err);
	case AE_IFLNK:
		return make_symlink(parentfd, name->base, e, err);
	case AE_IFIFO:
		return make_fifo(parentfd, name->base, e, err);
	case AE_IFCHR:
	case AE_IFBLK:
		return make_device(l, parentfd, name->base, e, err);
	case AE_IFSOCK:
		return 0;
	default:
		return error_set(err, EBADMSG, "an entry of unknown type");
	}
}

static int make_root(struct layer *l, struct archive_entry *e, struct error *err)
{
	if ((archive_entry_filetype(e) != AE_IFDIR || archive_entry_hardlink(e)) &&
	    !WEAKEN("ROOT-9"))
		return error_set(err, EBADMSG, "the root is not a directory");
	return set_dir(l, l->rootfd, "", e, err);
}

/* Whether what stands at the name of a copy may be replaced by it; then makes it its owner's. */
static int check_copy(struct layer *l, int parentfd, const char *base, struct archive_entry *e,
		      struct error *err)
{
	const struct layer_copy *copy = l->limits->copy;
	bool is_dir = archive_entry_filetype(e) == AE_IFDIR && !archive_entry_hardlink(e);
	struct stat st;

	if (copy->has_owner) {
		archive_entry_set_uid(e, copy->uid);
		archive_entry_set_gid(e, copy->gid);
	}
	if (copy->is_inert && archive_entry_filetype(e) != AE_IFDIR)
		archive_entry_set_perm(e, archive_entry_perm(e) &
						  (mode_t) ~(unsigned int)(S_ISUID | S_ISGID));
	if (!is_dir && archive_entry_filetype(e) != AE_IFREG && is_mount(parentfd, base))
		return error_set(err, EBUSY, "a mount stands there");
	if (copy->overwrite || fstatat(parentfd, base, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (S_ISDIR(st.st_mode) != 0) == is_dir)
		return 0;
	return error_set(err, EEXIST, "%s stands there (--overwrite replaces it)",
			 is_dir ? "something that is no directory" : "a directory");
}

static int make_entry(struct layer *l, struct archive *a, const struct layer_name *name,
		      struct archive_entry *e, struct error *err)
{
	int parentfd, r;

	if (!*name->path)
		return l->limits->copy ? 0 : make_root(l, e, err);
	if (!l->limits->is_plain && is_prefix(name->base, ".wh."))
		return layer_whiteout(l, name, e, err);
	parentfd = layer_parent(l, name, err);
	if (parentfd < 0)
		return parentfd;
	r = l->limits->copy ? check_copy(l, parentfd, name->base, e, err) : 0;
	if (r < 0)
		return r;
	if (archive_entry_filetype(e) == AE_IFREG && !archive_entry_hardlink(e))
		return make_file(l, a, parentfd, name->base, e, err);
	r = make_other(l, parentfd, name, e, err);
	layer_forget_parent(l);
	return r;
}

static int take_entry(struct layer *l, struct archive *a, struct archive_entry *e,
		      struct error *err)
{
	const char *raw = archive_entry_pathname(e);
	struct layer_name name = { .path = NULL };
	int r;

	if (!raw)
		return error_set(err, EBADMSG, "an entry without a name");
	if (++l->stats.entries > l->limits->entries)
		return error_set(err, E2BIG, "the layer has more than %llu entries",
				 (unsigned long long)l->limits->entries);
	r = layer_clean(raw, &name, err);
	if (r == 0)
		r = make_entry(l, a, &name, e, err);
	layer_name_done(&name);
	if (r < 0) {
		cleanup_free char *shown = str_printable(raw, strnlen(raw, 200));

		return error_wrap(err, "'%.200s'", shown);
	}
	return 0;
}

static int read_entries(struct layer *l, struct archive *a, struct error *err)
{
	struct archive_entry *e;

	for (;;) {
		int r = archive_read_next_header(a, &e);

		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN) {
			const char *why = archive_error_string(a);

			return error_set(err, EBADMSG, "not a tar archive: %s",
					 why ? why : "damaged");
		}
		r = take_entry(l, a, e, err);
		if (r < 0)
			return r;
	}
}

int layer_extract(int infd, int rootfd, const struct layer_limits *limits, struct layer_stats *ret,
		  struct error *err)
{
	struct layer l = { .rootfd = rootfd, .limits = limits, .parentfd = -EBADF };
	struct archive *a = archive_read_new();
	int r;

	if (!a || archive_read_support_format_tar(a) != ARCHIVE_OK ||
	    archive_read_support_format_empty(a) != ARCHIVE_OK)
		r = error_set(err, ENOMEM, "cannot make a tar reader");
	else if (archive_read_open_fd(a, infd, READ_BLOCK) != ARCHIVE_OK)
		r = error_set(err, EBADMSG, "not a tar archive: %s", archive_error_string(a));
	else
		r = read_entries(&l, a, err);
	if (r == 0)
		set_dir_times(&l);
	layer_forget_parent(&l);
	for (size_t i = 0; i < l.n_dirs; i++)
		free(l.dirs[i].path);
	free(l.dirs);
	if (a)
		(void)archive_read_free(a);
	*ret = l.stats;
	return r;
}
