/* SPDX-License-Identifier: Apache-2.0 */
/*
 * savedest - the two places where an image is saved to.
 *
 * Theory of operation: a tar member has its size in front, a blob has its digest as its name; both
 * are known when the blob is complete. So a blob is first written into a temporary file: for an
 * archive one without a name in the store, which is then copied behind its header; for a directory
 * one in the directory itself, which is then renamed. What is written twice is written once.
 *
 * A directory's documents are replaced atomically. A failure leaves blobs without a document that
 * names them in a directory, and a broken archive, which the caller removes.
 */
#include "engine/image/savedest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/image/tarhead.h"

#define COPY_BYTES (256 * 1024)

void savedest_done(struct savedest *d)
{
	strlist_done(&d->written);
}

/* Makes the directories of a name, which is of our own making. */
static int make_parents(const struct savedest *d, const char *name, struct error *err)
{
	const char *slash = strrchr(name, '/');
	cleanup_free char *path = slash ? xstrndup(name, (size_t)(slash - name)) : NULL;
	cleanup_close int fd = path ? fs_mkdirs(d->fd, path, 0755, err) : -EBADF;

	return path && fd < 0 ? fd : 0;
}

int savedest_bytes(struct savedest *d, const char *name, const void *data, size_t len,
		   struct error *err)
{
	int r = 0;

	if (strlist_has(&d->written, name))
		return 0;
	if (d->is_dir)
		r = make_parents(d, name, err);
	if (r == 0 && d->is_dir)
		r = fs_write_atomic(d->fd, name, data, len, 0644, FS_NOSYNC, err);
	else if (r == 0)
		r = tarhead_write_file(name, data, len, tarhead_to_fd, &d->fd, err);
	if (r == 0)
		strlist_add(&d->written, name);
	return r;
}

int savedest_spool(struct savedest *d, struct savespool *ret, struct error *err)
{
	char id[65];

	*ret = SAVESPOOL_INIT;
	id_new(id);
	if (!d->is_dir)
		ret->fd = openat(d->spoolfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (ret->fd >= 0)
		return 0;
	ret->temp = xasprintf(".tmp-%.32s", id);
	ret->fd = openat(d->is_dir ? d->fd : d->spoolfd, ret->temp,
			 O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, d->is_dir ? 0644 : 0600);
	if (ret->fd < 0)
		return error_errno(err, "make a temporary file");
	if (!d->is_dir) {
		(void)unlinkat(d->spoolfd, ret->temp, 0);
		free(steal_ptr(&ret->temp));
	}
	return 0;
}

void savedest_spool_done(struct savedest *d, struct savespool *spool)
{
	if (spool->fd >= 0)
		(void)close(spool->fd);
	if (spool->temp)
		(void)unlinkat(d->fd, spool->temp, 0);
	free(spool->temp);
	*spool = SAVESPOOL_INIT;
}

static int copy(int from, uint64_t size, int to, struct error *err)
{
	cleanup_free char *block = xmalloc(COPY_BYTES);
	uint64_t done = 0;

	while (done < size) {
		size_t want = size - done < COPY_BYTES ? (size_t)(size - done) : COPY_BYTES;
		ssize_t n = pread(from, block, want, (off_t)done);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_set(err, EIO, "a temporary file cannot be read");
		r = tarhead_to_fd(&to, block, (size_t)n, err);
		if (r < 0)
			return r;
		done += (uint64_t)n;
	}
	return 0;
}

static int copy_in(const struct savedest *d, int from, const char *name, uint64_t size,
		   struct error *err)
{
	const struct tarhead h = { .name = name, .type = TARHEAD_FILE, .mode = 0644, .size = size };
	int fd = d->fd;
	int r = tarhead_write(&h, tarhead_to_fd, &fd, err);

	if (r == 0)
		r = copy(from, size, fd, err);
	return r < 0 ? r : tarhead_pad(size, tarhead_to_fd, &fd, err);
}

int savedest_keep(struct savedest *d, struct savespool *spool, const char *name, uint64_t size,
		  struct error *err)
{
	int r = 0;

	if (strlist_has(&d->written, name))
		return 0;
	if (d->is_dir) {
		r = make_parents(d, name, err);
		if (r == 0 && renameat(d->fd, spool->temp, d->fd, name) < 0)
			r = error_errno(err, "write '%s'", name);
		if (r == 0)
			free(steal_ptr(&spool->temp));
	} else {
		r = copy_in(d, spool->fd, name, size, err);
	}
	if (r == 0)
		strlist_add(&d->written, name);
	return r;
}
