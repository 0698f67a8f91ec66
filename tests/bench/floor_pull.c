/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor_pull - what fetching and unpacking the layers of an image costs at the least.
 *
 *	floor_pull [-j WORKERS] OUTDIR HOST:PORT/REPOSITORY DIGEST...
 *	floor_pull -m OUTDIR HOST:PORT/REPOSITORY REFERENCE	one request for a manifest, no more
 *
 * Theory of operation: each of the workers (processes, 2) takes the next layer until there is none.
 * A layer is one GET over plain HTTP and one pass over its bytes: sha256 of the blob (compared),
 * inflate (isa-l for gzip, zstd by its magic number), sha256 of the tar, files below OUTDIR/<n>. What
 * makes an engine is not here: no whiteouts, attributes, ids, sync, cage, records, second thoughts
 * about names, retries. The difference to podium is what those cost.
 *
 * Prints "wall_ms=W cpu_ms=C rss_kib=R entries=N": the CPU of all workers, the largest of them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"

#define CHUNK	     ((size_t)256 * 1024)
#define BLOCK	     512
#define NAME_MAX_    4096
#define WORKERS_MAX  16
#define ZSTD_MAGIC   "\x28\xb5\x2f\xfd"
#define MANIFEST_MAX 65536

/* Offsets in a tar header, and lengths. */
enum {
	TAR_NAME = 0,
	TAR_MODE = 100,
	TAR_UID = 108,
	TAR_GID = 116,
	TAR_SIZE = 124,
	TAR_MTIME = 136,
	TAR_TYPE = 156,
	TAR_LINK = 157,
	TAR_MAGIC = 257,
	TAR_MAJOR = 329,
	TAR_MINOR = 337,
	TAR_PREFIX = 345
};

struct shared {
	unsigned int next; /* layer to take */
	uint64_t entries;
};
struct source {
	char host[64];
	uint16_t port;
	const char *repository;
};
/* A tar under way: a header, then the content of a file or of a long name. */
struct untar {
	int dir;
	int fd; /* the file that is written; -1: none */
	enum { HEADER, CONTENT, META } state;
	uint64_t left; /* of the content */
	uint64_t pad;
	char header[BLOCK];
	size_t header_len;
	char meta_type;
	struct buf meta;
	char *name; /* of the next entry, where a header before it said so */
	char *link;
	uint64_t entries;
};
struct layer {
	EVP_MD_CTX *blob;
	EVP_MD_CTX *tar;
	struct untar u;
	unsigned char *out;
};

static void __attribute__((noreturn)) die(const char *what)
{
	(void)fprintf(stderr, "floor_pull: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void need(long result, const char *what)
{
	if (result < 0)
		die(what);
}

/* ---- the registry ----------------------------------------------------------------------- */

/* "127.0.0.1:5000/repository", which is cut. */
static struct source parse_source(char *text)
{
	struct source s = { .port = 0 };
	char *slash = strchr(text, '/'), *colon = strchr(text, ':');
	uint64_t port = 0;

	if (!slash || !colon || colon > slash || (size_t)(colon - text) >= sizeof(s.host))
		die("HOST:PORT/REPOSITORY");
	*slash = *colon = '\0';
	if (parse_u64(colon + 1, UINT16_MAX, &port) < 0)
		die("PORT");
	(void)snprintf(s.host, sizeof(s.host), "%s", text);
	s.port = (uint16_t)port;
	s.repository = slash + 1;
	return s;
}

/* GETs /v2/REPOSITORY/<what>: the connection, at the body; *have bytes of it are in first. */
static int get(const struct source *s, const char *what, char *first, size_t *have)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(s->port) };
	cleanup_free char *ask = xasprintf("GET /v2/%s/%s HTTP/1.0\r\nHost: %s:%u\r\nAccept: "
					   "application/vnd.oci.image.manifest.v1+json\r\n\r\n",
					   s->repository, what, s->host, s->port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char *body = NULL;
	size_t len = 0;

	need(inet_pton(AF_INET, s->host, &to.sin_addr) - 1, "HOST");
	need(connect(fd, (struct sockaddr *)&to, sizeof(to)), "connect");
	need(fs_write_all(fd, ask, strlen(ask)), "send");
	while (!body) {
		ssize_t n = recv(fd, first + len, CHUNK - len, 0);

		if (n <= 0)
			die("no answer");
		len += (size_t)n;
		body = memmem(first, len, "\r\n\r\n", 4);
	}
	if (len < 12 || memcmp(first + 9, "200", 3) != 0)
		die(what);
	body += 4;
	*have = len - (size_t)(body - first);
	memmove(first, body, *have);
	return fd;
}

static int get_manifest(const struct source *s, const char *reference)
{
	cleanup_free char *first = xmalloc(CHUNK);
	cleanup_free char *what = xasprintf("manifests/%s", reference);
	size_t have;
	int fd = get(s, what, first, &have);

	while (read(fd, first, MANIFEST_MAX) > 0)
		;
	(void)close(fd);
	return 0;
}

/* ---- tar to files ------------------------------------------------------------------------ */

static uint64_t octal(const char *p, size_t n)
{
	uint64_t v = 0;

	if (*p & 0x80) {
		for (size_t i = 1; i < n; i++)
			v = v << 8 | (unsigned char)p[i];
		return v;
	}
	for (size_t i = 0; i < n && p[i]; i++)
		if (p[i] >= '0' && p[i] <= '7')
			v = v * 8 + (uint64_t)(p[i] - '0');
	return v;
}

static void make_parents(int dir, char *path)
{
	for (char *s = strchr(path, '/'); s; s = strchr(s + 1, '/')) {
		*s = '\0';
		(void)!mkdirat(dir, path, 0755);
		*s = '/';
	}
}

/* Without what leads to the root, and without a last slash. */
static char *below(char *path)
{
	size_t len;

	while (*path == '/' || (path[0] == '.' && path[1] == '/'))
		path++;
	len = strlen(path);
	while (len && path[len - 1] == '/')
		path[--len] = '\0';
	return is_equal(path, ".") ? path + 1 : path;
}

static char *take_name(struct untar *u)
{
	const char *h = u->header;

	if (u->name)
		return steal_ptr(&u->name);
	if (memcmp(h + TAR_MAGIC, "ustar", 6) == 0 && h[TAR_PREFIX])
		return xasprintf("%.155s/%.100s", h + TAR_PREFIX, h);
	return xasprintf("%.100s", h);
}

/* Makes what the header is of. -1 and ENOENT when a parent is missing. */
static int make_entry(struct untar *u, const char *path, const char *link, mode_t mode)
{
	const char *h = u->header;
	dev_t device = makedev((unsigned int)octal(h + TAR_MAJOR, 8),
			       (unsigned int)octal(h + TAR_MINOR, 8));

	switch (h[TAR_TYPE]) {
	case '1':
		return linkat(u->dir, link, u->dir, path, 0);
	case '2':
		return symlinkat(link, u->dir, path);
	case '3':
		return mknodat(u->dir, path, S_IFCHR | mode, device);
	case '4':
		return mknodat(u->dir, path, S_IFBLK | mode, device);
	case '5':
		return mkdirat(u->dir, path, mode);
	case '6':
		return mknodat(u->dir, path, S_IFIFO | mode, 0);
	default:
		u->fd = openat(u->dir, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			       mode);
		return u->fd;
	}
}

static void dress_entry(struct untar *u, const char *path, mode_t mode)
{
	const char *h = u->header;
	uid_t uid = (uid_t)octal(h + TAR_UID, 8);
	gid_t gid = (gid_t)octal(h + TAR_GID, 8);
	time_t mtime = (time_t)octal(h + TAR_MTIME, 12);
	const struct timespec times[2] = { { mtime, 0 }, { mtime, 0 } };
	bool is_odd = uid || gid || mode & 07022;

	if (h[TAR_TYPE] == '1')
		return;
	if (u->fd >= 0) {
		if (uid || gid)
			(void)!fchown(u->fd, uid, gid);
		if (is_odd)
			(void)fchmod(u->fd, mode);
		(void)futimens(u->fd, times);
		return;
	}
	if (uid || gid)
		(void)!fchownat(u->dir, path, uid, gid, AT_SYMLINK_NOFOLLOW);
	if (h[TAR_TYPE] == '5' && is_odd)
		(void)!fchmodat(u->dir, path, mode, 0);
	(void)utimensat(u->dir, path, times, AT_SYMLINK_NOFOLLOW);
}

static void begin_entry(struct untar *u)
{
	cleanup_free char *name = NULL, *link = NULL;
	mode_t mode = (mode_t)octal(u->header + TAR_MODE, 8) & 07777;
	char type = u->header[TAR_TYPE], *path, *target;

	u->left = octal(u->header + TAR_SIZE, 12);
	u->state = strchr("LKxg", type) && type ? META : CONTENT;
	if (u->state == CONTENT && type != '0' && type != '7' && type)
		u->left = 0;
	u->pad = -u->left & (BLOCK - 1);
	u->fd = -1;
	if (u->state == META) {
		u->meta_type = type;
		return;
	}
	name = take_name(u);
	link = u->link ? steal_ptr(&u->link) : xasprintf("%.100s", u->header + TAR_LINK);
	path = below(name);
	target = type == '1' ? below(link) : link;
	if (!*path)
		return;
	u->entries++;
	if (make_entry(u, path, target, mode) < 0 && errno == ENOENT) {
		make_parents(u->dir, path);
		(void)make_entry(u, path, target, mode);
	}
	dress_entry(u, path, mode);
}

/* The value of a record of a pax header. */
static char *pax_value(const char *meta, const char *key)
{
	const char *at = strstr(meta, key);

	return at ? xstrndup(at + strlen(key), strcspn(at + strlen(key), "\n")) : NULL;
}

static void end_entry(struct untar *u)
{
	if (u->state == CONTENT) {
		if (u->fd >= 0)
			(void)close(u->fd);
	} else {
		cleanup_free char *text = buf_steal(&u->meta);

		u->meta = BUF_INIT(NAME_MAX_ * 4);
		if (u->meta_type == 'L')
			u->name = xstrdup(text);
		if (u->meta_type == 'K')
			u->link = xstrdup(text);
		if (u->meta_type == 'x' && strstr(text, " path="))
			u->name = pax_value(text, " path=");
		if (u->meta_type == 'x' && strstr(text, " linkpath="))
			u->link = pax_value(text, " linkpath=");
	}
	u->fd = -1;
	u->state = HEADER;
}

static size_t take_header(struct untar *u, const unsigned char *b, size_t n)
{
	size_t k = BLOCK - u->header_len < n ? BLOCK - u->header_len : n;

	memcpy(u->header + u->header_len, b, k);
	u->header_len += k;
	if (u->header_len == BLOCK) {
		u->header_len = 0;
		if (u->header[TAR_NAME])
			begin_entry(u);
	}
	return k;
}

static size_t take_content(struct untar *u, const unsigned char *b, size_t n)
{
	size_t k = u->left < n ? (size_t)u->left : n, skip;

	if (u->state == META)
		buf_add(&u->meta, b, k);
	else if (u->fd >= 0 && k)
		need(fs_write_all(u->fd, b, k), "write");
	u->left -= k;
	if (u->left)
		return k;
	skip = u->pad < n - k ? (size_t)u->pad : n - k;
	u->pad -= skip;
	return k + skip;
}

static void untar(struct untar *u, const unsigned char *b, size_t n)
{
	while (n) {
		size_t k = u->state == HEADER ? take_header(u, b, n) : take_content(u, b, n);

		b += k;
		n -= k;
		if (u->state != HEADER && !u->left && !u->pad)
			end_entry(u);
	}
}

/* ---- one layer ----------------------------------------------------------------------------- */

static void take_tar(struct layer *l, const unsigned char *b, size_t n)
{
	(void)EVP_DigestUpdate(l->tar, b, n);
	untar(&l->u, b, n);
}

static void inflate_gzip(struct layer *l, struct inflate_state *s, unsigned char *in, size_t n)
{
	s->next_in = in;
	s->avail_in = (uint32_t)n;
	do {
		s->next_out = l->out;
		s->avail_out = (uint32_t)CHUNK;
		if (isal_inflate(s) != ISAL_DECOMP_OK)
			die("inflate");
		take_tar(l, l->out, CHUNK - s->avail_out);
	} while ((s->avail_in || !s->avail_out) && s->block_state != ISAL_BLOCK_FINISH);
}

static void inflate_zstd(struct layer *l, ZSTD_DCtx *z, unsigned char *in, size_t n)
{
	ZSTD_inBuffer from = { in, n, 0 };
	ZSTD_outBuffer to;

	do {
		to = (ZSTD_outBuffer){ l->out, CHUNK, 0 };
		if (ZSTD_isError(ZSTD_decompressStream(z, &to, &from)))
			die("zstd");
		take_tar(l, l->out, to.pos);
	} while (from.pos < from.size || to.pos == CHUNK);
}

/* The bytes of fd, of which `have` are in `in` already. */
static void take_blob(struct layer *l, int fd, unsigned char *in, size_t have)
{
	cleanup_free struct inflate_state *gzip = xmalloc(sizeof(*gzip));
	ZSTD_DCtx *zstd = NULL;
	bool is_first = true;

	isal_inflate_init(gzip);
	gzip->crc_flag = ISAL_GZIP;
	for (;;) {
		ssize_t n = have ? 0 : read(fd, in, CHUNK);

		need(n, "read");
		have += (size_t)n;
		if (!have)
			break;
		if (is_first && have >= 4 && memcmp(in, ZSTD_MAGIC, 4) == 0)
			zstd = ZSTD_createDCtx();
		is_first = false;
		(void)EVP_DigestUpdate(l->blob, in, have);
		if (zstd)
			inflate_zstd(l, zstd, in, have);
		else
			inflate_gzip(l, gzip, in, have);
		have = 0;
	}
	(void)ZSTD_freeDCtx(zstd);
}

static void check_digest(EVP_MD_CTX *md, const char *want)
{
	unsigned char sum[32];
	char hex[65];

	(void)EVP_DigestFinal(md, sum, NULL);
	for (size_t i = 0; i < sizeof(sum); i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", sum[i]);
	if (!is_prefix(want, "sha256:") || strcmp(hex, want + 7) != 0)
		die("digest differs");
}

static uint64_t take_layer(const struct source *s, const char *outdir, const char *digest,
			   unsigned int number)
{
	cleanup_free char *in = xmalloc(CHUNK);
	cleanup_free unsigned char *out = xmalloc(CHUNK);
	cleanup_free char *dir = xasprintf("%s/%u", outdir, number);
	cleanup_free char *what = xasprintf("blobs/%s", digest);
	struct layer l = { .blob = EVP_MD_CTX_new(), .tar = EVP_MD_CTX_new(), .out = out };
	unsigned char sum[32];
	size_t have;
	int fd = get(s, what, in, &have);

	need(mkdir(dir, 0755), dir);
	l.u = (struct untar){ .dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			      .fd = -1,
			      .meta = BUF_INIT(NAME_MAX_ * 4) };
	(void)EVP_DigestInit(l.blob, EVP_sha256());
	(void)EVP_DigestInit(l.tar, EVP_sha256());
	take_blob(&l, fd, (unsigned char *)in, have);
	check_digest(l.blob, digest);
	(void)EVP_DigestFinal(l.tar, sum, NULL);
	EVP_MD_CTX_free(l.blob);
	EVP_MD_CTX_free(l.tar);
	(void)close(l.u.dir);
	(void)close(fd);
	return l.u.entries;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void __attribute__((noreturn)) work(const struct source *s, const char *outdir,
					   char **digests, unsigned int n, struct shared *shared)
{
	unsigned int i;

	while ((i = __atomic_fetch_add(&shared->next, 1, __ATOMIC_SEQ_CST)) < n)
		(void)__atomic_add_fetch(&shared->entries, take_layer(s, outdir, digests[i], i),
					 __ATOMIC_SEQ_CST);
	_exit(0);
}

static int pull(const struct source *s, const char *outdir, char **digests, unsigned int n,
		unsigned int workers)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int64_t begun = clock_mono_us();
	struct rusage used;
	int status, bad = 0;

	(void)umask(0);
	need(mkdir(outdir, 0755), outdir);
	for (unsigned int i = 0; i < workers; i++) {
		pid_t pid = fork();

		need(pid, "fork");
		if (pid == 0)
			work(s, outdir, digests, n, shared);
	}
	while (wait(&status) > 0)
		bad |= status;
	(void)getrusage(RUSAGE_CHILDREN, &used);
	printf("wall_ms=%.1f cpu_ms=%.1f rss_kib=%ld entries=%llu\n",
	       (double)(clock_mono_us() - begun) / 1000,
	       (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
		       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000,
	       used.ru_maxrss, (unsigned long long)shared->entries);
	return bad ? 1 : 0;
}

int main(int argc, char **argv)
{
	uint64_t workers = 2;
	bool only_manifest = false;
	struct source s;
	int o;

	while ((o = getopt(argc, argv, "j:m")) != -1) {
		only_manifest |= o == 'm';
		if (o == '?' || (o == 'j' && parse_u64(optarg, WORKERS_MAX, &workers) < 0))
			return 2;
	}
	if (argc - optind < 3) {
		(void)fprintf(stderr, "usage: floor_pull [-j WORKERS] [-m] OUTDIR "
				      "HOST:PORT/REPOSITORY DIGEST...\n");
		return 2;
	}
	s = parse_source(argv[optind + 1]);
	if (only_manifest)
		return get_manifest(&s, argv[optind + 2]);
	return pull(&s, argv[optind], argv + optind + 2, (unsigned int)(argc - optind - 2),
		    (unsigned int)workers);
}
