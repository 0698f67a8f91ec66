/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy_walk - items become entries of a layer, at their places in the target tree.
 *
 * Theory of operation: the target is only read. Where a thing goes is found out in the merged view
 * of its layers: links in the destination are followed as a chroot would, and what comes out are
 * canonical paths, so that unpacking the stream into an empty directory needs no link and can leave
 * nothing. A directory of the target that the layer needs comes with the attributes that it has,
 * since the topmost layer's count; one that is missing is made 0755.
 *
 * Sources are walked by descriptors, each name opened once without following; links below a source
 * are copied as links. Of a directory the content is copied; below it, directories merge with those
 * of the target (through links to directories, too), anything else replaces what is there, but never
 * a directory. Sockets and devices cannot be in a layer and are refused, of a context fifos too.
 *
 * A file is as long as it was when it was opened: one that shrinks while it is read is an error, so
 * that no half file gets into an image.
 */
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/build/copy.h"
#include "engine/build/ignore.h"

#define LINK_TARGET_MAX 4095

/* A directory of the target that entries go into, on its way from the destination down. */
struct frame {
	struct frame *up;
	const char *path;
	int fd;		       /* in the target, O_PATH; -1: nothing stands there */
	const struct stat *st; /* of the source directory; NULL: the target's own */
	int source;	       /* the source directory, for its attributes */
	const struct copy_item *item;
	unsigned int depth;
	bool is_put;
};

/* ---- what is known already -------------------------------------------------------------- */

/* Where path stands in the sorted list, or where it belongs. */
static size_t find_made(const struct strlist *l, const char *path, bool *ret_found)
{
	size_t low = 0, high = l->n;

	*ret_found = false;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(l->v[mid], path);

		if (order == 0) {
			*ret_found = true;
			return mid;
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool is_made(const struct copier *c, const char *path)
{
	bool found;

	(void)find_made(&c->made, path, &found);
	return found;
}

static void remember_made(struct copier *c, const char *path)
{
	bool found;
	size_t at = find_made(&c->made, path, &found);

	if (found)
		return;
	strlist_add(&c->made, path);
	if (at + 1 < c->made.n) {
		char *last = c->made.v[c->made.n - 1];

		memmove(&c->made.v[at + 1], &c->made.v[at],
			(c->made.n - 1 - at) * sizeof(*c->made.v));
		c->made.v[at] = last;
	}
}

/* A file with several names, by the first of them. */
struct hard_link {
	dev_t dev;
	ino_t ino;
	char *path;
};

static int compare_links(const void *a, const void *b)
{
	const struct hard_link *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return x->dev < y->dev ? -1 : x->dev > y->dev;
}

static void free_link(void *p)
{
	struct hard_link *l = p;

	free(l->path);
	free(l);
}

static void forget_links(struct copier *c)
{
	tdestroy(c->links, free_link);
	c->links = NULL;
}

/* The path that the file was put under before, or NULL: then it is remembered. */
static const char *first_path(struct copier *c, const struct stat *st, const char *path)
{
	struct hard_link *l = xcalloc(1, sizeof(*l));
	struct hard_link **found;

	*l = (struct hard_link){ .dev = st->st_dev, .ino = st->st_ino };
	found = tsearch(l, (void **)&c->links, compare_links);
	if (found && *found != l) {
		free(l);
		return (*found)->path;
	}
	l->path = xstrdup(path);
	return NULL;
}

/* ---- putting ---------------------------------------------------------------------------- */

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int put(const struct copier *c, const struct copy_entry *e, struct error *err)
{
	if (is_prefix(base_of(e->path), ".wh."))
		return error_set(err, EINVAL,
				 "'%.200s' has a name that means a deletion in a layer", e->path);
	return c->sink->put(c->sink->arg, e, err);
}

/* One directory of the target, as it is there; or a new one. */
static int put_target_dir(struct copier *c, const char *path, struct error *err)
{
	cleanup_tree_place struct tree_place p = { .fd = -EBADF };
	struct copy_entry e = { .path = path,
				.mode = S_IFDIR | 0755,
				.uid = c->uid,
				.gid = c->gid,
				.mtime_s = c->dir_mtime_s,
				.fd = -EBADF };
	cleanup_close int fd = -EBADF;
	int r = tree_find(c->targetfd, path, TREE_NO_FOLLOW, &p, err);

	if (r < 0)
		return r;
	if (p.fd >= 0) {
		fd = openat(p.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return error_errno(err, "open '/%s' of the image", path);
		e.mode = p.st.st_mode;
		e.uid = p.st.st_uid;
		e.gid = p.st.st_gid;
		e.mtime_s = p.st.st_mtim.tv_sec;
		e.fd = fd;
	}
	return put(c, &e, err);
}

/* A directory of the target with all above it. */
static int put_chain(struct copier *c, const char *path, struct error *err)
{
	cleanup_free char *prefix = xstrdup(path);
	size_t len = strlen(path);
	int r = 0;

	for (size_t i = 0; i <= len && len && c->targetfd >= 0; i++) {
		if (i < len && path[i] != '/')
			continue;
		prefix[i] = '\0';
		if (!is_made(c, prefix)) {
			r = put_target_dir(c, prefix, err);
			if (r < 0)
				return r;
			remember_made(c, prefix);
		}
		prefix[i] = path[i];
	}
	return 0;
}

static int put_parents(struct copier *c, const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *dir = xstrndup(path, slash ? (size_t)(slash - path) : 0);

	return put_chain(c, dir, err);
}

static void set_owner(const struct copier *c, const struct copy_item *item, const struct stat *st,
		      struct copy_entry *e)
{
	bool keeps = item->is_outside || (c->spec->contextfd < 0 && item->treefd >= 0);

	e->uid = c->has_owner ? c->uid : keeps ? st->st_uid : 0;
	e->gid = c->has_owner ? c->gid : keeps ? st->st_gid : 0;
	if (c->has_mode && !S_ISLNK(e->mode))
		e->mode = (e->mode & S_IFMT) | c->mode;
}

static int put_frame(struct copier *c, struct frame *f, struct error *err)
{
	struct copy_entry e = { .path = f->path, .fd = f->source };
	int r;

	if (f->is_put)
		return 0;
	f->is_put = true;
	if (!f->st)
		return put_chain(c, f->path, err);
	r = f->up ? put_frame(c, f->up, err) : put_parents(c, f->path, err);
	if (r < 0)
		return r;
	e.mode = f->st->st_mode;
	e.mtime_s = f->st->st_mtim.tv_sec;
	set_owner(c, f->item, f->st, &e);
	remember_made(c, f->path);
	return put(c, &e, err);
}

/* ---- one thing -------------------------------------------------------------------------- */

static int put_file(struct copier *c, const struct copy_item *item, int dirfd, const char *name,
		    struct copy_entry *e, struct error *err)
{
	int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	cleanup_close int fd = openat(dirfd, name, flags | (WEAKEN("COPY-2") ? 0 : O_NOFOLLOW));
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "open '%.200s'", name);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ESTALE, "'%.200s' changed while it was read", name);
	e->mode = st.st_mode;
	e->mtime_s = st.st_mtim.tv_sec;
	e->size = (uint64_t)st.st_size;
	e->fd = fd;
	set_owner(c, item, &st, e);
	if (st.st_nlink > 1)
		e->link = first_path(c, &st, e->path);
	return put(c, e, err);
}

static int put_link(struct copier *c, int fd, struct copy_entry *e, struct error *err)
{
	char target[LINK_TARGET_MAX + 1];
	ssize_t n = readlinkat(fd, "", target, LINK_TARGET_MAX);

	if (n <= 0)
		return error_errno(err, "read the link '%.200s'", e->path);
	target[n] = '\0';
	e->link = target;
	return put(c, e, err);
}

static int refuse(const char *shown, mode_t mode, struct error *err)
{
	const char *what = S_ISSOCK(mode) ? "a socket" : S_ISFIFO(mode) ? "a fifo" : "a device";

	return error_set(err, EPERM,
			 "'%.300s' is %s: only files, directories and links can be copied", shown,
			 what);
}

/* Anything but a directory, opened as a place: fd; its name in dirfd. */
static int put_other(struct copier *c, const struct copy_item *item, int dirfd, const char *name,
		     const char *path, struct error *err)
{
	cleanup_close int fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct copy_entry e = { .path = path, .fd = -EBADF };
	bool is_context = c->spec->contextfd >= 0 && !item->is_outside;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "open '%.200s'", name);
	if (S_ISREG(st.st_mode))
		return put_file(c, item, dirfd, name, &e, err);
	if (!S_ISLNK(st.st_mode) && !(S_ISFIFO(st.st_mode) && !is_context))
		return refuse(path, st.st_mode, err);
	e.mode = st.st_mode;
	e.mtime_s = st.st_mtim.tv_sec;
	set_owner(c, item, &st, &e);
	return S_ISLNK(st.st_mode) ? put_link(c, fd, &e, err) : put(c, &e, err);
}

/* ---- places in the target --------------------------------------------------------------- */

/* The place of a source directory's child. *ret->fd is -1 when nothing stands there; a directory
 * that a link in the target leads to has the path of what it leads to. */
static int find_child(const struct copier *c, const struct frame *f, const char *name, bool is_dir,
		      struct tree_place *ret, struct error *err)
{
	cleanup_free char *path = *f->path ? xasprintf("%s/%s", f->path, name) : xstrdup(name);
	struct stat st;

	*ret = (struct tree_place){ .fd = -EBADF };
	if (f->fd < 0 || fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		ret->path = steal_ptr(&path);
		return 0;
	}
	if (!is_dir && S_ISDIR(st.st_mode))
		return error_set(err, EISDIR, "cannot copy a file over the directory '/%.300s'",
				 path);
	if (is_dir) {
		int r = tree_find(c->targetfd, path, TREE_FOLLOW, ret, err);

		if (r < 0)
			return r;
		if (ret->fd < 0 || !S_ISDIR(ret->st.st_mode)) {
			tree_place_done(ret);
			return error_set(err, ENOTDIR,
					 "cannot copy a directory over '/%.300s', which is none",
					 path);
		}
		return 0;
	}
	ret->path = steal_ptr(&path);
	return 0;
}

static bool is_right_below(const char *dir, const char *path)
{
	size_t n = strlen(dir);

	if (n && (strncmp(path, dir, n) != 0 || path[n] != '/'))
		return false;
	return !strchr(path + n + (n != 0), '/');
}

/* ---- the walk --------------------------------------------------------------------------- */

static int walk_dir(struct copier *c, struct frame *f, int source, const char *rel,
		    struct error *err);

/* A name in a source directory. */
struct child {
	int dirfd;
	const char *name;
	const char *rel; /* from the source's root */
};

static int walk_child_dir(struct copier *c, struct frame *f, const struct child *ch, bool is_hidden,
			  struct error *err)
{
	cleanup_close int fd =
		openat(ch->dirfd, ch->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_tree_place struct tree_place p = { .fd = -EBADF };
	struct frame below = { .item = f->item, .depth = f->depth + 1, .source = fd };
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "open '%.300s'", ch->rel);
	if (below.depth > TREE_DEPTH_MAX)
		return error_set(err, ELOOP, "'%.300s' is too deep", ch->rel);
	r = find_child(c, f, ch->name, true, &p, err);
	if (r < 0)
		return r;
	below.path = p.path;
	below.fd = p.fd;
	below.st = &st;
	/* Through a link of the target it is somewhere else, and names may meet there. */
	if (!is_right_below(f->path, p.path))
		forget_links(c);
	else
		below.up = f;
	if (!is_hidden)
		r = put_frame(c, &below, err);
	return r < 0 ? r : walk_dir(c, &below, fd, ch->rel, err);
}

static int walk_child(struct copier *c, struct frame *f, const struct child *ch, struct error *err)
{
	const struct ignore *g =
		c->spec->contextfd >= 0 && !f->item->is_outside ? c->spec->ignore : NULL;
	cleanup_tree_place struct tree_place p = { .fd = -EBADF };
	bool is_hidden = is_ignored(g, ch->rel);
	struct stat st;
	int r;

	if (fstatat(ch->dirfd, ch->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "look at '%.300s'", ch->rel);
	if (is_hidden && (!S_ISDIR(st.st_mode) || can_skip_below(g, ch->rel)))
		return 0;
	if (S_ISDIR(st.st_mode))
		return walk_child_dir(c, f, ch, is_hidden, err);
	r = find_child(c, f, ch->name, false, &p, err);
	if (r == 0)
		r = put_frame(c, f, err);
	return r < 0 ? r : put_other(c, f->item, ch->dirfd, ch->name, p.path, err);
}

static int walk_dir(struct copier *c, struct frame *f, int source, const char *rel,
		    struct error *err)
{
	cleanup_strlist struct strlist names = { .v = NULL };
	int r = tree_list(source, &names, err);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		cleanup_free char *below =
			*rel ? xasprintf("%s/%s", rel, names.v[i]) : xstrdup(names.v[i]);
		const struct child ch = { .dirfd = source, .name = names.v[i], .rel = below };

		r = walk_child(c, f, &ch, err);
	}
	return r;
}

static int copy_dir(struct copier *c, const struct copy_item *item, const char *path, int target,
		    struct error *err)
{
	struct frame top = { .path = path, .fd = target, .source = -EBADF, .item = item };
	cleanup_tree_place struct tree_place p = { .fd = -EBADF };
	cleanup_close int fd = -EBADF;
	int r = tree_find(item->treefd, item->path, TREE_NO_FOLLOW, &p, err);

	if (r < 0)
		return r;
	fd = p.fd < 0 ? -1 : openat(p.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "open directory '%.300s'", item->shown);
	r = put_frame(c, &top, err);
	return r < 0 ? r : walk_dir(c, &top, fd, item->path, err);
}

static int copy_file(struct copier *c, const struct copy_item *item, const struct frame *dir,
		     const char *name, struct error *err)
{
	cleanup_tree_place struct tree_place to = { .fd = -EBADF };
	cleanup_tree_place struct tree_place from = { .fd = -EBADF };
	const char *slash = item->path ? strrchr(item->path, '/') : NULL;
	cleanup_free char *parent =
		xstrndup(item->path ? item->path : "", slash ? (size_t)(slash - item->path) : 0);
	int r = find_child(c, dir, name, false, &to, err);

	if (r == 0)
		r = put_chain(c, dir->path, err);
	if (r == 0 && item->treefd < 0) {
		struct copy_entry e = { .path = to.path,
					.mode = S_IFREG | item->mode,
					.fd = -EBADF,
					.mtime_s = item->mtime_s,
					.data = item->data,
					.size = item->len };

		set_owner(c, item, &(struct stat){ .st_uid = 0 }, &e);
		return put(c, &e, err);
	}
	if (r == 0)
		r = tree_find(item->treefd, parent, TREE_NO_FOLLOW, &from, err);
	if (r < 0)
		return r;
	return put_other(c, item, from.fd, slash ? slash + 1 : item->path, to.path, err);
}

/* ---- the destination -------------------------------------------------------------------- */

/* "x/", ".", "x/..": a directory, whatever is there. */
static bool is_meant_as_dir(const char *dest)
{
	const char *base = base_of(dest);

	return !*base || is_equal(base, ".") || is_equal(base, "..");
}

static int find_dest(const struct copier *c, struct tree_place *ret, struct error *err)
{
	const struct build_copy_spec *s = c->spec;
	cleanup_free char *path = NULL;

	if (c->targetfd < 0) {
		*ret = (struct tree_place){ .fd = -EBADF, .path = xstrdup("") };
		return 0;
	}
	path = s->dest[0] == '/' ? xstrdup(s->dest)
				 : xasprintf("%s/%s", s->workdir ? s->workdir : "", s->dest);
	return tree_find(c->targetfd, path, TREE_FOLLOW, ret, err);
}

static int copy_to(struct copier *c, const struct copy_items *items, const struct tree_place *dest,
		   bool is_dir, struct error *err)
{
	struct frame dir = { .path = dest->path, .fd = dest->fd, .source = -EBADF };
	int r = 0;

	for (size_t i = 0; r == 0 && i < items->n; i++) {
		const struct copy_item *item = &items->v[i];

		forget_links(c);
		if (item->is_dir) {
			r = copy_dir(c, item, dest->path, dest->fd, err);
		} else if (is_dir) {
			r = copy_file(c, item, &dir, item->name, err);
		} else {
			cleanup_free char *parent = xstrdup(dest->path);
			cleanup_tree_place struct tree_place p = { .fd = -EBADF };
			const char *name = base_of(dest->path);

			parent[name == dest->path ? 0 : name - dest->path - 1] = '\0';
			r = tree_find(c->targetfd, parent, TREE_NO_FOLLOW, &p, err);
			dir = (struct frame){ .path = parent, .fd = p.fd, .source = -EBADF };
			if (r == 0)
				r = copy_file(c, item, &dir, name, err);
		}
		if (r < 0)
			return error_wrap(err, "'%.200s'", item->shown);
	}
	return r;
}

int copy_all(struct copier *c, const struct copy_items *items, struct error *err)
{
	cleanup_tree_place struct tree_place dest = { .fd = -EBADF };
	bool meant = c->targetfd < 0 || is_meant_as_dir(c->spec->dest);
	bool there;
	int r;

	if (c->spec->n_sources > 1 && !meant)
		return error_set(err, EINVAL,
				 "several sources need a destination that ends with '/': '%.200s'",
				 c->spec->dest);
	r = find_dest(c, &dest, err);
	if (r < 0)
		return error_wrap(err, "destination");
	there = dest.fd >= 0 && S_ISDIR(dest.st.st_mode);
	if (dest.fd >= 0 && !there) {
		if (meant || items->n > 1 || (items->n && items->v[0].is_dir))
			return error_set(err, ENOTDIR, "destination '/%.300s' is not a directory",
					 dest.path);
		/* A file is replaced; of a link, what it leads to. */
		(void)close(steal_fd(&dest.fd));
	}
	r = copy_to(c, items, &dest, meant || there || items->n > 1, err);
	forget_links(c);
	return r;
}

int copy_make_dir(struct copier *c, const char *path, struct error *err)
{
	cleanup_tree_place struct tree_place p = { .fd = -EBADF };
	int r = tree_find(c->targetfd, path, TREE_FOLLOW, &p, err);

	if (r < 0)
		return r;
	if (p.fd >= 0 && !S_ISDIR(p.st.st_mode))
		return error_set(err, ENOTDIR, "'%.300s' is not a directory", path);
	if (p.fd >= 0)
		return 0;
	r = put_chain(c, p.path, err);
	return r < 0 ? r : 1;
}
