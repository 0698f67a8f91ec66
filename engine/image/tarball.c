/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarball - where things lie inside an image archive.
 *
 * Theory of operation: an archive names its layers in a manifest that may come last, so it is read
 * twice: once for headers only (data is skipped by seeking), which gives every member's place, then
 * member by member with pread(2), layers by several processes at once. A pipe or a compressed
 * archive is first spooled into a file without a name in the store, which dies with the process.
 *
 * Both passes over hostile bytes run in a child that can read, write and nothing else (cage.c).
 * The index comes back through a memfd as records of fixed shape; the parent checks every length,
 * and that each member lies inside the file. Links inside an archive (old docker save shares layers
 * so) are resolved here as text, at most LINK_HOPS_MAX times, and only to other members.
 */
#include "engine/image/tarball.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/image/inflate.h"
#include "engine/image/job.h"
#include "engine/image/cage.h"
#include "engine/pod/spec.h"

#define READ_BLOCK    (256 * 1024)
#define LINK_HOPS_MAX 4
#define INDEX_MAX     (64 * 1024 * 1024)

/* One member in the memfd, followed by name and link. */
struct wire {
	uint64_t offset, size;
	uint32_t name_len, link_len;
};

void tarball_close(struct tarball *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->v[i].name);
		free(t->v[i].link);
	}
	free(t->v);
	if (t->fd >= 0)
		(void)close(t->fd);
	*t = TARBALL_INIT;
}

/* Cleans a name as text: no empty or "." components, ".." takes one away. "" when too long. */
static char *clean_name(const char *raw)
{
	struct buf b = BUF_INIT(TARBALL_NAME_MAX);

	while (*raw) {
		size_t len = strcspn(raw, "/");

		if (len == 2 && raw[0] == '.' && raw[1] == '.') {
			while (b.len && b.data[--b.len] != '/')
				;
			if (b.data)
				b.data[b.len] = '\0';
		} else if (len && !(len == 1 && raw[0] == '.')) {
			if (b.len)
				buf_addc(&b, '/');
			buf_add(&b, raw, len);
		}
		raw += len + (raw[len] == '/');
	}
	if (b.overflow) {
		buf_done(&b);
		return xstrdup("");
	}
	return buf_steal(&b);
}

/* ---- the confined child: spooling ------------------------------------------------------- */

struct spool_job {
	int from;
	int to;
};

static int spool_sink(void *arg, const void *data, size_t len, struct error *err)
{
	const struct spool_job *job = arg;
	int r = fs_write_all(job->to, data, len);

	if (r < 0) {
		errno = -r;
		return error_errno(err, "unpack the archive into the store");
	}
	return 0;
}

/* Fills buf as far as the input goes. Bytes read, or -errno. */
static ssize_t read_full(int fd, char *buf, size_t size, struct error *err)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = read(fd, buf + got, size - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, "read the archive");
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

static int spool_all(struct spool_job *job, char *buf, struct error *err)
{
	struct inflate_limits limits;
	struct inflate *z = NULL;
	enum inflate_kind kind;
	ssize_t n = read_full(job->from, buf, READ_BLOCK, err);
	int r = n < 0 ? (int)n : inflate_detect(buf, (size_t)n, &kind, err);

	if (r < 0)
		return r;
	inflate_limits_default(&limits);
	limits.bytes = TARBALL_BYTES_MAX;
	r = inflate_new(kind, &limits, &z, err);
	while (r == 0 && n > 0) {
		r = inflate_feed(z, buf, (size_t)n, spool_sink, job, err);
		if (r < 0)
			break;
		n = read_full(job->from, buf, READ_BLOCK, err);
		r = n < 0 ? (int)n : 0;
	}
	if (r == 0)
		r = inflate_finish(z, err);
	inflate_free(z);
	return r;
}

static int spool_main(void *arg, int reportfd, struct job_report *report, struct error *err)
{
	struct spool_job *job = arg;
	cleanup_free char *buf = xmalloc(READ_BLOCK);
	int r = cage_confine(CAGE_READER, err);

	(void)reportfd;
	(void)report;
	return r < 0 ? r : spool_all(job, buf, err);
}

/* An unnamed file in the store. */
static int open_spool(int spoolfd, struct error *err)
{
	char name[65];
	int fd = openat(spoolfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	id_new(name);
	fd = openat(spoolfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(err, "make a temporary file in the store");
	(void)unlinkat(spoolfd, name, 0);
	return fd;
}

static int spool(int from, int spoolfd, struct error *err)
{
	cleanup_close int to = open_spool(spoolfd, err);
	struct spool_job arg = { .from = from, .to = to };
	struct job_report report;
	struct job job = JOB_INIT;
	int r;

	if (to < 0)
		return to;
	r = job_start(spool_main, &arg, &job, err);
	if (r == 0)
		r = job_wait(&job, "the reader of the archive", &report, err);
	return r < 0 ? r : steal_fd(&to);
}

/* ---- the confined child: headers -------------------------------------------------------- */

struct index_job {
	int from;
	int to;
	uint64_t size; /* of from */
	uint64_t pos;
	char *buf;
};

static la_ssize_t read_cb(struct archive *a, void *arg, const void **ret)
{
	struct index_job *job = arg;
	ssize_t n = pread(job->from, job->buf, READ_BLOCK, (off_t)job->pos);

	if (n < 0) {
		archive_set_error(a, errno, "cannot read the archive");
		return -1;
	}
	job->pos += (uint64_t)n;
	*ret = job->buf;
	return n;
}

static la_int64_t skip_cb(struct archive *a, void *arg, la_int64_t request)
{
	struct index_job *job = arg;
	uint64_t left = job->size > job->pos ? job->size - job->pos : 0;

	(void)a;
	if (request < 0)
		return 0;
	if ((uint64_t)request > left)
		request = (la_int64_t)left;
	job->pos += (uint64_t)request;
	return request;
}

static int send_member(struct index_job *job, struct archive *a, struct archive_entry *e,
		       struct error *err)
{
	const char *name = archive_entry_pathname(e), *link = archive_entry_hardlink(e);
	struct wire w = { .offset = (uint64_t)archive_filter_bytes(a, 0) };
	int64_t size = archive_entry_size(e);
	int r;

	if (!link && archive_entry_filetype(e) == AE_IFLNK)
		link = archive_entry_symlink(e);
	if (!link && archive_entry_filetype(e) != AE_IFREG)
		return 0;
	if (!name || strlen(name) > TARBALL_NAME_MAX || (link && strlen(link) > TARBALL_NAME_MAX))
		return error_set(err, EBADMSG, "the archive holds a name of odd length");
	if (!link && (size < 0 || archive_entry_sparse_count(e)))
		return error_set(err, EBADMSG, "the archive holds a sparse file");
	w.size = link ? 0 : (uint64_t)size;
	w.name_len = (uint32_t)strlen(name);
	w.link_len = link ? (uint32_t)strlen(link) : 0;
	r = fs_write_all(job->to, &w, sizeof(w));
	if (r == 0)
		r = fs_write_all(job->to, name, w.name_len);
	if (r == 0 && link)
		r = fs_write_all(job->to, link, w.link_len);
	return r < 0 ? error_set(err, -r, "index the archive: %s", strerror(-r)) : 0;
}

static int send_members(struct index_job *job, struct archive *a, struct error *err)
{
	struct archive_entry *e;

	for (size_t n = 0;; n++) {
		int r = archive_read_next_header(a, &e);

		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
			return error_set(err, EBADMSG, "not an image archive: %s",
					 archive_error_string(a));
		if (n >= TARBALL_MEMBERS_MAX)
			return error_set(err, E2BIG, "the archive has more than %d members",
					 TARBALL_MEMBERS_MAX);
		r = send_member(job, a, e, err);
		if (r < 0)
			return r;
	}
}

static int index_main(void *arg, int reportfd, struct job_report *report, struct error *err)
{
	struct index_job *job = arg;
	struct archive *a = archive_read_new();
	int r = cage_confine(CAGE_READER, err);

	(void)reportfd;
	(void)report;
	if (r < 0)
		return r;
	job->buf = xmalloc(READ_BLOCK);
	if (WEAKEN("EXE-7")) { /* what others do: programs found by their names */
		(void)archive_read_support_filter_lrzip(a);
		(void)archive_read_support_filter_grzip(a);
	}
	if (!a || archive_read_support_format_tar(a) != ARCHIVE_OK ||
	    archive_read_set_read_callback(a, read_cb) != ARCHIVE_OK ||
	    archive_read_set_skip_callback(a, skip_cb) != ARCHIVE_OK ||
	    archive_read_set_callback_data(a, job) != ARCHIVE_OK)
		return error_set(err, ENOMEM, "cannot make a tar reader");
	if (archive_read_open1(a) != ARCHIVE_OK)
		return error_set(err, EBADMSG, "not an image archive: %s", archive_error_string(a));
	return send_members(job, a, err);
}

/* ---- the parent ------------------------------------------------------------------------- */

/* Takes one record off the index; every length is checked against what is left. */
static int take_member(const char **p, size_t *left, uint64_t file_size, struct tarball_member *ret)
{
	struct wire w;
	cleanup_free char *name = NULL;
	cleanup_free char *link = NULL;

	if (*left < sizeof(w))
		return -EBADMSG;
	memcpy(&w, *p, sizeof(w));
	*p += sizeof(w);
	*left -= sizeof(w);
	if (w.name_len > TARBALL_NAME_MAX || w.link_len > TARBALL_NAME_MAX ||
	    (size_t)w.name_len + w.link_len > *left)
		return -EBADMSG;
	if (w.offset > file_size || w.size > file_size - w.offset)
		return -ERANGE;
	name = xstrndup(*p, w.name_len);
	link = w.link_len ? xstrndup(*p + w.name_len, w.link_len) : NULL;
	*p += w.name_len + w.link_len;
	*left -= w.name_len + w.link_len;
	*ret = (struct tarball_member){ .name = clean_name(name),
					.link = steal_ptr(&link),
					.offset = w.offset,
					.size = w.size };
	return 0;
}

static int take_members(struct tarball *t, int indexfd, uint64_t file_size, struct error *err)
{
	struct stat st;
	cleanup_free char *data = NULL;
	const char *p;
	size_t left;

	if (fstat(indexfd, &st) < 0 || st.st_size > INDEX_MAX)
		return error_set(err, EFBIG, "the archive's index is too large");
	left = (size_t)st.st_size;
	p = data = xmalloc(left + 1);
	if (pread(indexfd, data, left, 0) != (ssize_t)left)
		return error_errno(err, "read the archive's index");
	while (left) {
		struct tarball_member m;
		int r = t->n < TARBALL_MEMBERS_MAX ? take_member(&p, &left, file_size, &m) : -E2BIG;

		if (r == -ERANGE)
			return error_set(err, EBADMSG, "the archive is truncated");
		if (r < 0)
			return error_set(err, EBADMSG, "the archive's index is damaged");
		*list_add(t) = m;
	}
	return 0;
}

static int make_index(struct tarball *t, struct error *err)
{
	cleanup_close int to = memfd_create("index", MFD_CLOEXEC);
	struct index_job arg = { .from = t->fd, .to = to };
	struct job_report report;
	struct job job = JOB_INIT;
	struct stat st;
	int r;

	if (to < 0 || fstat(t->fd, &st) < 0)
		return error_errno(err, "index the archive");
	arg.size = (uint64_t)st.st_size;
	r = job_start(index_main, &arg, &job, err);
	if (r == 0)
		r = job_wait(&job, "the reader of the archive", &report, err);
	return r < 0 ? r : take_members(t, to, arg.size, err);
}

int tarball_open(int fd, int spoolfd, struct tarball *ret, struct error *err)
{
	struct tarball t = TARBALL_INIT;
	enum inflate_kind kind = INFLATE_NONE;
	struct stat st;
	char head[8];
	ssize_t n;
	int r = 0;

	if (fstat(fd, &st) < 0)
		return error_errno(err, "stat the archive");
	if (S_ISDIR(st.st_mode))
		return error_set(err, EISDIR, "it is a directory, not an archive");
	n = S_ISREG(st.st_mode) ? pread(fd, head, sizeof(head), 0) : -1;
	if (n >= 0)
		r = inflate_detect(head, (size_t)n, &kind, err);
	if (r < 0)
		return r;
	t.fd = n >= 0 && kind == INFLATE_NONE ? fcntl(fd, F_DUPFD_CLOEXEC, 3)
					      : spool(fd, spoolfd, err);
	if (t.fd < 0)
		return t.fd == -1 ? error_errno(err, "keep the archive") : t.fd;
	r = make_index(&t, err);
	if (r < 0) {
		tarball_close(&t);
		return r;
	}
	*ret = t;
	return 0;
}

static const struct tarball_member *find_plain(const struct tarball *t, const char *name)
{
	/* The last one of a name counts, as when a tar is unpacked. */
	for (size_t i = t->n; i-- > 0;)
		if (is_equal(t->v[i].name, name))
			return &t->v[i];
	return NULL;
}

/* A symbolic link's target is relative to its directory; a name that begins with one that is in the
 * archive from its root (hard links) is tried too. */
static char *link_target(const struct tarball_member *m)
{
	const char *slash = strrchr(m->name, '/');
	cleanup_free char *joined =
		xasprintf("%.*s/%s", slash ? (int)(slash - m->name) : 0, m->name, m->link);

	return clean_name(joined);
}

const struct tarball_member *tarball_find(const struct tarball *t, const char *name)
{
	cleanup_free char *clean = clean_name(name);
	const struct tarball_member *m = find_plain(t, clean);

	for (int hops = 0; m && m->link && hops < LINK_HOPS_MAX; hops++) {
		cleanup_free char *from_root = clean_name(m->link);
		cleanup_free char *relative = link_target(m);
		const struct tarball_member *next = find_plain(t, relative);

		m = next ? next : find_plain(t, from_root);
	}
	return m && m->link ? NULL : m;
}

int tarball_read(const struct tarball *t, const char *name, size_t max, char **ret, size_t *ret_len,
		 struct error *err)
{
	const struct tarball_member *m = tarball_find(t, name);
	cleanup_free char *shown = str_printable(name, strnlen(name, 200));
	cleanup_free char *data = NULL;
	size_t got = 0;

	if (!m)
		return error_set(err, ENOENT, "the archive has no '%s'", shown);
	if (m->size > max)
		return error_set(err, EFBIG, "'%s' in the archive is larger than %zu bytes", shown,
				 max);
	data = xmalloc((size_t)m->size + 1);
	while (got < m->size) {
		ssize_t n =
			pread(t->fd, data + got, (size_t)m->size - got, (off_t)(m->offset + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_set(err, EIO, "'%s' in the archive cannot be read", shown);
		got += (size_t)n;
	}
	data[got] = '\0';
	*ret = steal_ptr(&data);
	*ret_len = got;
	return 0;
}
