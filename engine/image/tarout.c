/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarout - walks a tree and writes it as a tar stream.
 *
 * Theory of operation: depth first, each directory's names sorted by their bytes. A name is opened
 * once below its directory's descriptor, without following, and everything (type, owner, content,
 * attributes) is taken from that descriptor: whoever swaps names meanwhile decides which of his own
 * files is written, never that one from outside is (a volume export that followed a link read the
 * host: CVE-2023-0778). A descriptor of each level is held, so ".." is never used. Directories on
 * another file system are written empty.
 *
 * Overlay's own marks become those of layers: a character device 0:0, or an empty file with
 * user.overlay.whiteout, is a deletion, ".wh.NAME"; user.overlay.opaque=y on a directory becomes
 * ".wh..wh..opq" as its first entry. A file that somebody named ".wh.x" himself cannot be said in a
 * layer and is an error.
 *
 * Second names of a file (st_nlink > 1) are hard links to the first one. A file that shrinks while
 * it is read is filled up with zeros, one that grows is cut: its header is out already.
 *
 * Runs best in a confined child whose root is the tree (pack.c); nothing here relies on it.
 */
#include "engine/image/tarout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/image/tarhead.h"
#include "engine/pod/spec.h"

#define DEPTH_MAX	500
#define ENTRIES_MAX	4000000 /* of one directory */
#define PATH_BYTES_MAX	(64 * 1024)
#define OUT_BYTES	(256 * 1024)
#define XATTR_LIST_MAX	65536
#define XATTR_VALUE_MAX 65536
#define LINK_BUCKETS	4096
#define TARGET_MAX	4095

/* The first name of a file that has several. */
struct first_name {
	struct first_name *next;
	dev_t dev;
	ino_t ino;
	char *name;
};

struct level {
	int fd;
	struct strlist names;
	size_t at;
	size_t path_len; /* of the directory, with its slash */
};

struct walk {
	const struct tarout_options *o;
	inflate_sink *sink;
	void *arg;
	dev_t dev;
	struct buf path; /* of the entry at hand */
	struct level *levels;
	size_t depth;
	struct first_name **links;
	char *block;
};

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_names(struct strlist *l)
{
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), by_bytes);
}

/* ---- attributes ------------------------------------------------------------------------- */

void tar_xattrs_done(struct tar_xattrs *x)
{
	for (size_t i = 0; i < x->n; i++) {
		free(x->v[i].name);
		free(x->v[i].value);
	}
	free(x->v);
}

/* Those that layers have: the unpacker's own rule. */
static bool is_wanted(const char *name)
{
	return is_equal(name, "security.capability") ||
	       (is_prefix(name, "user.") && !is_prefix(name, "user.overlay."));
}

static void take_xattr(int fd, const char *name, struct tar_xattrs *ret)
{
	cleanup_free char *value = xmalloc(XATTR_VALUE_MAX);
	ssize_t n = fgetxattr(fd, name, value, XATTR_VALUE_MAX);
	struct tarhead_xattr *x;

	if (n < 0) /* gone meanwhile */
		return;
	x = list_add(ret);
	*x = (struct tarhead_xattr){ .name = xstrdup(name), .len = (size_t)n };
	x->value = xmalloc((size_t)n + 1);
	memcpy(x->value, value, (size_t)n);
}

void tar_xattrs_take(int fd, struct tar_xattrs *ret)
{
	cleanup_free char *list = NULL;
	cleanup_strlist struct strlist names = { .v = NULL };
	ssize_t n = flistxattr(fd, NULL, 0);

	if (n <= 0)
		return;
	list = xmalloc(XATTR_LIST_MAX);
	n = flistxattr(fd, list, XATTR_LIST_MAX);
	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(list + i) + 1)
		if (is_wanted(list + i))
			strlist_add(&names, list + i);
	sort_names(&names);
	for (size_t i = 0; i < names.n; i++)
		take_xattr(fd, names.v[i], ret);
}

static bool has_xattr(int fd, const char *name, char want)
{
	char value = '\0';
	ssize_t n = fgetxattr(fd, name, &value, 1);

	return n >= 0 && (!want || (n == 1 && value == want));
}

/* ---- entries ---------------------------------------------------------------------------- */

static int64_t time_of(const struct walk *w, const struct stat *st)
{
	return w->o->timestamp_s >= 0 ? w->o->timestamp_s : st->st_mtim.tv_sec;
}

static void fill_head(const struct walk *w, const struct stat *st, struct tarhead *h)
{
	*h = (struct tarhead){ .name = w->path.data,
			       .mode = st->st_mode & 07777,
			       .uid = w->o->owned_by_root ? 0 : st->st_uid,
			       .gid = w->o->owned_by_root ? 0 : st->st_gid,
			       .mtime_s = time_of(w, st) };
}

static int write_with_xattrs(const struct walk *w, int fd, struct tarhead *h, struct error *err)
{
	struct tar_xattrs x = { .v = NULL };
	int r;

	tar_xattrs_take(fd, &x);
	h->xattrs = x.v;
	h->n_xattrs = x.n;
	r = tarhead_write(h, w->sink, w->arg, err);
	tar_xattrs_done(&x);
	return r;
}

/* Exactly size bytes, whatever becomes of the file. */
static int write_content(const struct walk *w, int fd, uint64_t size, struct error *err)
{
	bool is_short = false;

	for (uint64_t left = size; left;) {
		size_t want = left < OUT_BYTES ? (size_t)left : OUT_BYTES;
		ssize_t n = is_short ? 0 : read(fd, w->block, want);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, "read '%.200s'", w->path.data);
		if (n == 0) {
			is_short = true;
			memset(w->block, 0, want);
			n = (ssize_t)want;
		}
		r = w->sink(w->arg, w->block, (size_t)n, err);
		if (r < 0)
			return r;
		left -= (uint64_t)n;
	}
	return tarhead_pad(size, w->sink, w->arg, err);
}

/* The name that the file was written under, or NULL: then this one is remembered. */
static const char *find_first_name(struct walk *w, const struct stat *st)
{
	struct first_name **bucket = &w->links[(st->st_ino ^ st->st_ino >> 12) % LINK_BUCKETS];
	struct first_name *n;

	for (n = *bucket; n; n = n->next)
		if (n->ino == st->st_ino && n->dev == st->st_dev)
			return n->name;
	n = xcalloc(1, sizeof(*n));
	*n = (struct first_name){
		.next = *bucket, .dev = st->st_dev, .ino = st->st_ino, .name = xstrdup(w->path.data)
	};
	*bucket = n;
	return NULL;
}

static int write_file(struct walk *w, int fd, const struct stat *st, struct error *err)
{
	const char *first = st->st_nlink > 1 ? find_first_name(w, st) : NULL;
	struct tarhead h;
	int r;

	fill_head(w, st, &h);
	if (first) {
		h.type = TARHEAD_LINK;
		h.link = first;
		return tarhead_write(&h, w->sink, w->arg, err);
	}
	h.type = TARHEAD_FILE;
	h.size = (uint64_t)st->st_size;
	r = write_with_xattrs(w, fd, &h, err);
	return r < 0 ? r : write_content(w, fd, h.size, err);
}

/* fd is O_PATH. */
static int write_symlink(const struct walk *w, int fd, const struct stat *st, struct error *err)
{
	char target[TARGET_MAX + 1];
	struct tarhead h;
	ssize_t n = readlinkat(fd, "", target, TARGET_MAX);

	if (n <= 0)
		return error_errno(err, "read the link '%.200s'", w->path.data);
	target[n] = '\0';
	fill_head(w, st, &h);
	h.mode = 0777;
	h.type = TARHEAD_SYMLINK;
	h.link = target;
	return tarhead_write(&h, w->sink, w->arg, err);
}

static int write_node(const struct walk *w, const struct stat *st, struct error *err)
{
	struct tarhead h;

	fill_head(w, st, &h);
	h.type = S_ISFIFO(st->st_mode)	? TARHEAD_FIFO
		 : S_ISCHR(st->st_mode) ? TARHEAD_CHAR
					: TARHEAD_BLOCK;
	if (!S_ISFIFO(st->st_mode)) {
		h.major = major(st->st_rdev);
		h.minor = minor(st->st_rdev);
	}
	return tarhead_write(&h, w->sink, w->arg, err);
}

/* An empty file whose name begins with ".wh." in the directory at hand. */
static int write_mark(struct walk *w, size_t dir_len, const char *hidden, const struct stat *st,
		      struct error *err)
{
	cleanup_free char *name = xasprintf("%.*s.wh.%s", (int)dir_len, w->path.data, hidden);
	const struct tarhead h = {
		.name = name, .type = TARHEAD_FILE, .mode = 0600, .mtime_s = time_of(w, st)
	};

	return tarhead_write(&h, w->sink, w->arg, err);
}

/* ---- the walk --------------------------------------------------------------------------- */

static int read_names(int fd, struct strlist *ret, struct error *err)
{
	cleanup_close int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	if (!d)
		return error_errno(err, "read directory");
	(void)steal_fd(&copy);
	while (errno = 0, (e = readdir(d))) {
		if (is_equal(e->d_name, ".") || is_equal(e->d_name, ".."))
			continue;
		if (ret->n >= ENTRIES_MAX)
			return error_set(err, E2BIG, "a directory of more than %d entries",
					 ENTRIES_MAX);
		strlist_add(ret, e->d_name);
	}
	if (errno)
		return error_errno(err, "read directory");
	sort_names(ret);
	return 0;
}

/* Goes down into a directory, whose path stands in w->path with its slash. Takes fd over. */
static int enter(struct walk *w, int fd, struct error *err)
{
	struct level *l = &w->levels[w->depth];
	int r;

	if (w->depth == DEPTH_MAX) {
		(void)close(fd);
		return error_set(err, ELOOP, "'%.200s' is deeper than %d directories", w->path.data,
				 DEPTH_MAX);
	}
	*l = (struct level){ .fd = fd, .path_len = w->path.len };
	w->depth++;
	r = read_names(fd, &l->names, err);
	return r < 0 ? error_wrap(err, "'%.200s'", w->path.data) : 0;
}

static void leave(struct walk *w)
{
	struct level *l = &w->levels[--w->depth];

	(void)close(l->fd);
	strlist_done(&l->names);
}

/* What the kernel makes up: nobody means it when he copies a tree. */
static bool is_made_up(int fd)
{
	static const unsigned int magics[] = { PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP_SUPER_MAGIC,
					       CGROUP2_SUPER_MAGIC };
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
		if ((unsigned int)fs.f_type == magics[i])
			return true;
	return false;
}

static int write_dir(struct walk *w, int *fd, const struct stat *st, struct error *err)
{
	struct tarhead h;
	int r;

	buf_addc(&w->path, '/');
	fill_head(w, st, &h);
	h.type = TARHEAD_DIR;
	r = write_with_xattrs(w, *fd, &h, err);
	if (r == 0 && w->o->is_upper && has_xattr(*fd, "user.overlay.opaque", 'y'))
		r = write_mark(w, w->path.len, ".wh..opq", st, err);
	if (r < 0 || (st->st_dev != w->dev && (!w->o->crosses_mounts || is_made_up(*fd))))
		return r;
	return enter(w, steal_fd(fd), err);
}

static bool is_whiteout(const struct walk *w, int fd, const struct stat *st)
{
	if (!w->o->is_upper)
		return false;
	if (S_ISCHR(st->st_mode))
		return st->st_rdev == makedev(0, 0);
	return S_ISREG(st->st_mode) && !st->st_size && has_xattr(fd, "user.overlay.whiteout", 0);
}

/* Files and directories are opened for reading, everything else as a place only. -ENOENT: it is
 * gone, or another thing by now. */
static int open_entry(int dirfd, const char *name, struct stat *ret, struct error *err)
{
	const int nofollow = WEAKEN("TAROUT-FOLLOW") ? 0 : O_NOFOLLOW;
	cleanup_close int fd = openat(dirfd, name, O_PATH | nofollow | O_CLOEXEC);
	cleanup_close int again = -EBADF;
	mode_t type;

	if (fd < 0 || fstat(fd, ret) < 0)
		return errno == ENOENT ? -ENOENT : error_errno(err, "open '%.200s'", name);
	type = ret->st_mode & S_IFMT;
	if (type != S_IFREG && type != S_IFDIR)
		return steal_fd(&fd);
	again = openat(dirfd, name, O_RDONLY | nofollow | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (again < 0 && (errno == ENOENT || errno == ELOOP || errno == ENXIO))
		return -ENOENT;
	if (again < 0 || fstat(again, ret) < 0)
		return error_errno(err, "open '%.200s'", name);
	return (ret->st_mode & S_IFMT) == type ? steal_fd(&again) : -ENOENT;
}

static int write_entry(struct walk *w, const char *name, size_t dir_len, int dirfd,
		       struct error *err)
{
	struct stat st;
	cleanup_close int fd = open_entry(dirfd, name, &st, err);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (is_whiteout(w, fd, &st))
		return write_mark(w, dir_len, name, &st, err);
	if (w->o->is_upper && is_prefix(name, ".wh."))
		return error_set(err, EINVAL,
				 "'%.200s' has a name that means a deletion in a layer",
				 w->path.data);
	switch (st.st_mode & S_IFMT) {
	case S_IFDIR:
		return write_dir(w, &fd, &st, err);
	case S_IFREG:
		return write_file(w, fd, &st, err);
	case S_IFLNK:
		return write_symlink(w, fd, &st, err);
	case S_IFSOCK:
		return 0;
	default:
		return write_node(w, &st, err);
	}
}

static int step(struct walk *w, struct error *err)
{
	struct level *l = &w->levels[w->depth - 1];
	const char *name;

	w->path.len = l->path_len;
	if (w->path.data)
		w->path.data[w->path.len] = '\0';
	if (l->at == l->names.n) {
		leave(w);
		return 0;
	}
	name = l->names.v[l->at++];
	buf_adds(&w->path, name);
	if (w->path.overflow)
		return error_set(err, ENAMETOOLONG, "a path of more than %d bytes", PATH_BYTES_MAX);
	return write_entry(w, name, l->path_len, l->fd, err);
}

static void walk_done(struct walk *w)
{
	while (w->depth)
		leave(w);
	for (size_t i = 0; i < LINK_BUCKETS; i++)
		while (w->links[i]) {
			struct first_name *n = w->links[i];

			w->links[i] = n->next;
			free(n->name);
			free(n);
		}
	free(w->links);
	free(w->levels);
	free(w->block);
	buf_done(&w->path);
}

/* The tree as an entry of its own; fd is taken over. */
static int begin_as_entry(struct walk *w, int fd, const struct stat *st, struct error *err)
{
	cleanup_close int own = fd;

	buf_adds(&w->path, w->o->as);
	if (S_ISDIR(st->st_mode))
		return write_dir(w, &own, st, err);
	if (S_ISREG(st->st_mode))
		return write_file(w, own, st, err);
	return error_set(err, EINVAL, "'%.200s' is neither a file nor a directory", w->o->as);
}

int tarout_stream(int treefd, const struct tarout_options *o, inflate_sink *sink, void *arg,
		  struct error *err)
{
	cleanup_close int fd = o->as ? fcntl(treefd, F_DUPFD_CLOEXEC, 3)
				     : openat(treefd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct walk w = { .o = o, .sink = sink, .arg = arg, .path = BUF_INIT(PATH_BYTES_MAX) };
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "open the tree");
	w.dev = st.st_dev;
	w.levels = xcalloc(DEPTH_MAX, sizeof(*w.levels));
	w.links = xcalloc(LINK_BUCKETS, sizeof(struct first_name *));
	w.block = xmalloc(OUT_BYTES);
	r = o->as ? begin_as_entry(&w, steal_fd(&fd), &st, err) : enter(&w, steal_fd(&fd), err);
	while (r == 0 && w.depth)
		r = step(&w, err);
	if (r == 0)
		r = tarhead_end(sink, arg, err);
	walk_done(&w);
	return r;
}
