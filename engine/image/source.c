/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source - one face for an archive and a directory.
 *
 * Theory of operation: whoever reads an image that lies here asks for files by name: a few small ones
 * whole, the layers by their place. In an archive that is a lookup in its index. In a directory it is
 * an open beneath it that no link leads out of (a layout may come from a stranger), and only regular
 * files count: a pipe would be waited for. Names of blobs are made from digests, not from text.
 *
 * Descriptors of layers stay open until source_done(), as many as an image has layers.
 */
#include "engine/image/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/image/tarball.h"
#include "engine/pod/spec.h"

void source_from_tarball(struct source *s, const struct tarball *t)
{
	*s = (struct source){ .tar = t, .dirfd = -EBADF };
}

int source_open_dir(const char *path, bool is_flat, struct source *ret, struct error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "open directory '%.200s'", path);
	*ret = (struct source){ .dirfd = fd, .is_flat = is_flat };
	return 0;
}

void source_done(struct source *s)
{
	for (size_t i = 0; i < s->fds.n; i++)
		(void)close(s->fds.v[i]);
	free(s->fds.v);
	if (!s->tar && s->dirfd >= 0)
		(void)close(s->dirfd);
	*s = (struct source){ .dirfd = -EBADF };
}

char *source_blob_name(const struct source *s, const struct digest *d)
{
	char hex[DIGEST_HEX_LEN + 1];

	return xasprintf("%s%s", s->is_flat ? "" : "blobs/sha256/", digest_hex(d, hex));
}

/* Opens a regular file of a directory. */
static int open_file(const struct source *s, const char *name, struct stat *st, struct error *err)
{
	cleanup_free char *shown = str_printable(name, strnlen(name, 200));
	struct error scratch = { .code = 0 };
	cleanup_close int fd =
		fs_open_beneath(s->dirfd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &scratch);

	if (fd < 0)
		return fd == -ENOENT ? error_set(err, ENOENT, "there is no '%s'", shown)
				     : error_set(err, -fd, "%s", scratch.text);
	if (fstat(fd, st) < 0)
		return error_errno(err, "stat '%s'", shown);
	if (!S_ISREG(st->st_mode))
		return error_set(err, EBADMSG, "'%s' is not a regular file", shown);
	return steal_fd(&fd);
}

bool has_source_file(const struct source *s, const char *name)
{
	struct error ignored;
	struct stat st;
	cleanup_close int fd = -EBADF;

	if (s->tar)
		return tarball_find(s->tar, name) != NULL;
	fd = open_file(s, name, &st, &ignored);
	return fd >= 0;
}

static int read_all(int fd, const char *name, char *data, size_t size, struct error *err)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = read(fd, data + got, size - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_set(err, EIO, "'%.200s' cannot be read", name);
		got += (size_t)n;
	}
	return 0;
}

int source_read(const struct source *s, const char *name, size_t max, char **ret, size_t *ret_len,
		struct error *err)
{
	cleanup_free char *data = NULL;
	cleanup_close int fd = -EBADF;
	struct stat st;
	int r;

	if (s->tar)
		return tarball_read(s->tar, name, max, ret, ret_len, err);
	fd = open_file(s, name, &st, err);
	if (fd < 0)
		return fd;
	if ((uint64_t)st.st_size > max)
		return error_set(err, EFBIG, "'%.200s' is larger than %zu bytes", name, max);
	data = xmalloc((size_t)st.st_size + 1);
	r = read_all(fd, name, data, (size_t)st.st_size, err);
	if (r < 0)
		return r;
	data[st.st_size] = '\0';
	*ret = steal_ptr(&data);
	*ret_len = (size_t)st.st_size;
	return 0;
}

int source_find(struct source *s, const char *name, struct source_place *ret, struct error *err)
{
	const struct tarball_member *m = s->tar ? tarball_find(s->tar, name) : NULL;
	cleanup_free char *shown = str_printable(name, strnlen(name, 200));
	struct stat st;
	int fd;

	if (s->tar && !m)
		return error_set(err, ENOENT, "the archive has no layer '%s'", shown);
	if (m) {
		*ret = (struct source_place){ s->tar->fd, m->offset, m->size };
		return 0;
	}
	fd = open_file(s, name, &st, err);
	if (fd < 0)
		return fd;
	*list_add(&s->fds) = fd;
	*ret = (struct source_place){ fd, 0, (uint64_t)st.st_size };
	return 0;
}
