/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy_sink - where the entries of a COPY go: into a tar stream, or into a digest.
 *
 * Theory of operation: both read a file's content once, in blocks, and insist on the size that was
 * seen when it was opened. The digest takes what makes the layer and nothing else: kinds, modes,
 * owners, attributes, names, targets and contents, each with its length before it, so that no two
 * different sequences of entries give the same bytes; not times.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/build/copy.h"
#include "engine/image/tarhead.h"
#include "engine/image/tarout.h"

#define BLOCK_BYTES (256 * 1024)

static int send_content(const struct copy_entry *e, char *block, inflate_sink *sink, void *arg,
			struct error *err)
{
	uint64_t left = e->size;

	if (e->data)
		return left ? sink(arg, e->data, (size_t)left, err) : 0;
	while (left) {
		ssize_t n = read(e->fd, block, left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, "read '%.300s'", e->path);
		if (n == 0)
			return error_set(err, EBADMSG, "'%.300s' became shorter while it was read",
					 e->path);
		r = sink(arg, block, (size_t)n, err);
		if (r < 0)
			return r;
		left -= (uint64_t)n;
	}
	return 0;
}

static char *block_of(char **block)
{
	if (!*block)
		*block = xmalloc(BLOCK_BYTES);
	return *block;
}

/* ---- tar -------------------------------------------------------------------------------- */

static void fill_head(const struct tar_sink *t, const struct copy_entry *e, const char *name,
		      struct tarhead *h)
{
	*h = (struct tarhead){ .name = name,
			       .link = e->link,
			       .mode = e->mode & 07777,
			       .uid = e->uid,
			       .gid = e->gid,
			       .mtime_s = t->timestamp_s >= 0 ? t->timestamp_s : e->mtime_s };
	switch (e->mode & S_IFMT) {
	case S_IFDIR:
		h->type = TARHEAD_DIR;
		break;
	case S_IFLNK:
		h->type = TARHEAD_SYMLINK;
		h->mode = 0777;
		break;
	case S_IFIFO:
		h->type = TARHEAD_FIFO;
		break;
	default:
		h->type = e->link ? TARHEAD_LINK : TARHEAD_FILE;
		h->size = e->link ? 0 : e->size;
		break;
	}
}

int tar_sink_put(void *arg, const struct copy_entry *e, struct error *err)
{
	struct tar_sink *t = arg;
	cleanup_free char *name = xasprintf("%s%s", e->path, S_ISDIR(e->mode) ? "/" : "");
	struct tar_xattrs x = { .v = NULL };
	struct tarhead h;
	int r;

	fill_head(t, e, name, &h);
	if (e->fd >= 0 && !e->link)
		tar_xattrs_take(e->fd, &x);
	h.xattrs = x.v;
	h.n_xattrs = x.n;
	r = tarhead_write(&h, tarhead_to_fd, &t->fd, err);
	tar_xattrs_done(&x);
	if (r < 0 || h.type != TARHEAD_FILE)
		return r;
	r = send_content(e, block_of(&t->block), tarhead_to_fd, &t->fd, err);
	return r < 0 ? r : tarhead_pad(e->size, tarhead_to_fd, &t->fd, err);
}

int tar_sink_end(struct tar_sink *t, struct error *err)
{
	return tarhead_end(tarhead_to_fd, &t->fd, err);
}

/* ---- digest ----------------------------------------------------------------------------- */

static int to_hash(void *arg, const void *data, size_t len, struct error *err)
{
	(void)err;
	sha256_add(arg, data, len);
	return 0;
}

static void add_number(struct sha256 *h, uint64_t n)
{
	unsigned char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(n >> (8 * i));
	sha256_add(h, bytes, sizeof(bytes));
}

static void add_bytes(struct sha256 *h, const void *data, size_t len)
{
	add_number(h, len);
	if (len)
		sha256_add(h, data, len);
}

static void add_text(struct sha256 *h, const char *s)
{
	add_bytes(h, s ? s : "", s ? strlen(s) : 0);
}

int digest_sink_put(void *arg, const struct copy_entry *e, struct error *err)
{
	struct digest_sink *d = arg;
	struct tar_xattrs x = { .v = NULL };

	if (e->fd >= 0 && !e->link)
		tar_xattrs_take(e->fd, &x);
	add_text(d->hash, e->path);
	add_number(d->hash, e->mode);
	add_number(d->hash, e->uid);
	add_number(d->hash, e->gid);
	add_text(d->hash, e->link);
	add_number(d->hash, x.n);
	for (size_t i = 0; i < x.n; i++) {
		add_text(d->hash, x.v[i].name);
		add_bytes(d->hash, x.v[i].value, x.v[i].len);
	}
	tar_xattrs_done(&x);
	add_number(d->hash, e->size);
	if (!S_ISREG(e->mode) || e->link)
		return 0;
	return send_content(e, block_of(&d->block), to_hash, d->hash, err);
}
