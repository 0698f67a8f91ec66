/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mountpoint - what a container's mounts left in its writable layer.
 *
 * Theory of operation: a mount needs a mount point; one that the image lacks is made in the writable
 * layer, where it would become part of the image. While the container ran the mount hid it, so it
 * is as empty as it was made: an empty regular file with one link, or an empty directory. Anything
 * else at that name is somebody's own and stays. Links in the image that lead to the target are
 * followed as the mount did, by looking into the layers from the top.
 *
 * Nothing of the container runs any more, but its files are its own: every name is resolved beneath
 * the layer, and only its last component is removed, never through a link.
 */
#include "engine/build/mountpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"

#define LINKS_MAX  8
#define LAYERS_MAX 500

struct stack {
	int upper;
	int *layers; /* topmost first */
	size_t n;
};

/* The parent directory and the last component of a path relative to a tree; the caller's. */
static void split(const char *path, char **ret_dir, const char **ret_base)
{
	const char *slash = strrchr(path, '/');

	*ret_dir = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup(".");
	*ret_base = slash ? slash + 1 : path;
}

/* What stands at a path of one tree, last component not followed: 0 or -errno. */
static int look(int tree, const char *path, struct stat *st)
{
	cleanup_free char *dir = NULL;
	struct error scratch; /* not there */
	const char *base;

	split(path, &dir, &base);
	cleanup_close int fd = fs_open_beneath(tree, dir, O_PATH | O_DIRECTORY, 0, &scratch);

	if (fd < 0)
		return fd;
	return fstatat(fd, base, st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static bool is_below(const struct stack *s, const char *path)
{
	struct stat st;

	for (size_t i = 0; i < s->n; i++)
		if (look(s->layers[i], path, &st) == 0)
			return !(S_ISCHR(st.st_mode) && st.st_rdev == 0); /* a whiteout */
	return false;
}

/* A symbolic link at path in the topmost layer that has the name: its target, relative to the
 * root; the caller's. NULL: no link. */
static char *follow(const struct stack *s, const char *path)
{
	for (size_t i = 0; i < s->n; i++) {
		cleanup_free char *dir = NULL;
		struct error scratch;
		char text[4096];
		struct stat st;
		const char *base;
		ssize_t n;

		if (look(s->layers[i], path, &st) < 0)
			continue;
		if (!S_ISLNK(st.st_mode))
			return NULL;
		split(path, &dir, &base);
		cleanup_close int fd =
			fs_open_beneath(s->layers[i], dir, O_PATH | O_DIRECTORY, 0, &scratch);

		n = fd < 0 ? -1 : readlinkat(fd, base, text, sizeof(text) - 1);
		if (n <= 0)
			return NULL;
		text[n] = '\0';
		return *text == '/' ? xstrdup(text) : xasprintf("%s/%s", dir, text);
	}
	return NULL;
}

/* "a/../b//./c" -> "b/c", as a chroot would read it; the caller's. */
static char *clean(const char *path)
{
	struct buf b = BUF_INIT(8192);

	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 2 && strncmp(path, "..", 2) == 0) {
			while (b.len && b.data[b.len - 1] != '/')
				b.len--;
			b.len -= b.len != 0;
		} else if (n && !(n == 1 && *path == '.')) {
			if (b.len)
				buf_addc(&b, '/');
			buf_add(&b, path, n);
		}
		path += n + (path[n] == '/');
	}
	if (b.data)
		b.data[b.len] = '\0';
	return buf_steal(&b);
}

/* True when something was removed. */
static bool remove_empty(const struct stack *s, const char *path)
{
	cleanup_free char *dir = NULL;
	struct error scratch;
	struct stat st;
	const char *base;

	split(path, &dir, &base);
	cleanup_close int fd = fs_open_beneath(s->upper, dir, O_PATH | O_DIRECTORY, 0, &scratch);

	if (fd < 0 || fstatat(fd, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (S_ISDIR(st.st_mode))
		return unlinkat(fd, base, AT_REMOVEDIR) == 0;
	if (!S_ISREG(st.st_mode) || (st.st_size != 0 && !WEAKEN("VOL-9")) || st.st_nlink != 1)
		return false;
	return unlinkat(fd, base, 0) == 0;
}

static void drop(const struct stack *s, const char *target)
{
	cleanup_free char *path = clean(target);

	for (int i = 0; i < LINKS_MAX; i++) {
		cleanup_free char *to = follow(s, path);

		if (!to)
			break;
		free(path);
		path = clean(to);
	}
	while (*path && !is_below(s, path) && remove_empty(s, path)) {
		char *slash = strrchr(path, '/');

		*(slash ? slash : path) = '\0';
	}
}

static int open_all(const struct store *store, const char *id, const struct strlist *layers,
		    struct stack *s, struct error *err)
{
	char path[LAYOUT_PATH_MAX];

	s->upper = openat(store->rootfd, layout_container(path, id, "upper"),
			  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->upper < 0)
		return error_errno(err, "open '%s'", path);
	for (size_t i = layers->n; i-- > 0 && s->n < LAYERS_MAX;) {
		(void)snprintf(path, sizeof(path), "layers/%.64s/diff",
			       is_prefix(layers->v[i], "sha256:") ? layers->v[i] + 7 : "");
		s->layers[s->n] =
			openat(store->rootfd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (s->layers[s->n] < 0)
			return error_errno(err, "open '%s'", path);
		s->n++;
	}
	return 0;
}

int build_drop_mount_points(const struct store *store, const char *container_id,
			    const struct strlist *layers, const struct strlist *targets,
			    struct error *err)
{
	static const char *const engine[] = {
		"proc", "dev", "sys", "etc/hosts", "etc/resolv.conf", "etc/hostname"
	};
	struct stack s = { .upper = -EBADF };
	int r;

	s.layers = xcalloc(layers->n ? layers->n : 1, sizeof(*s.layers));
	r = open_all(store, container_id, layers, &s, err);
	for (size_t i = 0; r == 0 && i < targets->n; i++)
		drop(&s, targets->v[i]);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(engine); i++)
		drop(&s, engine[i]);
	for (size_t i = 0; i < s.n; i++)
		(void)close(s.layers[i]);
	free(s.layers);
	if (s.upper >= 0)
		(void)close(s.upper);
	return r;
}
