/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer_path - from the name in a tar header to the descriptor of its parent directory.
 *
 * Theory of operation: a name is cleaned as text first (one rule for all: empty and "." components
 * go, ".." takes one away and stops at the root), and its length, depth and component lengths are
 * checked. Then its parent is resolved by openat2(2) with RESOLVE_IN_ROOT, as a chroot would: links
 * that an earlier entry planted lead nowhere but inside the layer. The last component is never
 * resolved at all: it is made by the *at calls with O_EXCL or O_NOFOLLOW.
 *
 * The parent's descriptor is kept for the next entry only while nothing but new regular files is
 * made: those cannot change how a path resolves. Any other entry, and any replacement, forgets it
 * (containerd's CVE-2025-47290 was a parent check that outlived the directory).
 *
 * Kernel: openat2 (5.6).
 */
#include "engine/image/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"

#define PARENT_MODE 0755 /* of directories that the stream uses but does not list */

void layer_name_done(struct layer_name *n)
{
	free(n->path);
	n->path = NULL;
}

/* Takes the last component off. */
static void drop_last(struct buf *b)
{
	while (b->len && b->data[b->len - 1] != '/')
		b->len--;
	if (b->len)
		b->len--;
	if (b->data)
		b->data[b->len] = '\0';
}

int layer_clean(const char *raw, struct layer_name *ret, struct error *err)
{
	struct buf b = BUF_INIT(LAYER_PATH_MAX);
	size_t depth = 0;
	const char *slash;
	int r = 0;

	while (*raw && r == 0) {
		size_t len = strcspn(raw, "/");

		if (len == 2 && raw[0] == '.' && raw[1] == '.') {
			drop_last(&b);
			depth -= depth > 0;
		} else if (len > LAYER_NAME_MAX) {
			r = error_set(err, E2BIG, "a name is longer than %d bytes", LAYER_NAME_MAX);
		} else if (len && !(len == 1 && raw[0] == '.')) {
			if (b.len)
				buf_addc(&b, '/');
			buf_add(&b, raw, len);
			depth++;
		}
		if (r == 0 && (b.overflow || depth > LAYER_DEPTH_MAX))
			r = error_set(err, E2BIG,
				      "a path is longer than %d bytes or deeper than %d",
				      LAYER_PATH_MAX, LAYER_DEPTH_MAX);
		raw += len + (raw[len] == '/');
	}
	if (r < 0) {
		buf_done(&b);
		return r;
	}
	ret->path = buf_steal(&b);
	slash = strrchr(ret->path, '/');
	ret->base = slash ? slash + 1 : ret->path;
	return 0;
}

void layer_forget_parent(struct layer *l)
{
	if (l->parentfd >= 0)
		(void)close(l->parentfd);
	l->parentfd = -EBADF;
	free(l->parent_path);
	l->parent_path = NULL;
}

/* Resolves a parent inside the root; makes what is missing. */
static int open_parent(struct layer *l, const char *path, struct error *err)
{
	struct error scratch;
	int fd;

	if (!*path)
		path = ".";
	if (WEAKEN("LAYER-PARENT")) {
		fd = openat(l->rootfd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	fd = fs_open_in_root(l->rootfd, path, O_PATH | O_DIRECTORY, 0, &scratch);
	if (fd != -ENOENT) {
		if (fd < 0)
			*err = scratch;
		return fd;
	}
	return fs_mkdirs_in_root(l->rootfd, path, PARENT_MODE, err);
}

int layer_parent(struct layer *l, const struct layer_name *name, struct error *err)
{
	size_t len = (size_t)(name->base - name->path);
	cleanup_free char *path = xstrndup(name->path, len ? len - 1 : 0);
	int fd;

	if (l->parent_path && is_equal(l->parent_path, path))
		return l->parentfd;
	layer_forget_parent(l);
	fd = open_parent(l, path, err);
	if (fd < 0)
		return fd;
	l->parent_path = steal_ptr(&path);
	l->parentfd = fd;
	return fd;
}

int layer_clear(int parentfd, const char *base, struct error *err)
{
	if (unlinkat(parentfd, base, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return error_errno(err, "replace it");
	return fs_remove_tree(parentfd, base, err);
}
