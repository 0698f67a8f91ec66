/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_copy - COPY, ADD and WORKDIR: what lands where, with which owner and mode, and that nothing
 * outside of context and image is ever read or written.
 *
 * Theory of operation: a store in memory, a base layer and a context made by hand. Each case copies
 * and compares the new layer, entry by entry, with a list. The hostile cases have a canary beside
 * the context: its bytes are in no layer, and its record does not change; their twins take the
 * defence away (PODIUM_WEAKEN) and must be caught.
 */
#include <archive.h>
#include <archive_entry.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/build/copy.h"
#include "engine/build/ignore.h"
#include "engine/build/mountpoint.h"
#include "engine/image/newlayer.h"
#include "tests/support/canary.h"
#include "tests/support/cunit_main.h"
#include "tests/support/tarmaker.h"

#define SECRET	    "canary-bytes-that-must-not-leave"
#define LISTING_MAX (1U << 20)
#define SWAP_ROUNDS 3000

static char *temp;
static int tempfd = -EBADF, contextfd = -EBADF;
static struct store store;
static struct strlist base; /* one layer */
static struct layer_claim base_claim = LAYER_CLAIM_INIT;

/* ---- the world -------------------------------------------------------------------------- */

/* "dir/" or a file with its content; parents are made. */
static void make(const char *path, const char *content)
{
	cleanup_free char *dir = xasprintf("context/%s", path);
	struct error err;
	char *slash = strrchr(dir, '/');
	int fd;

	*slash = '\0';
	fd = fs_mkdirs(tempfd, dir, 0755, &err);
	CU_ASSERT_FATAL(fd >= 0);
	if (content) {
		int f = openat(fd, slash + 1, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

		CU_ASSERT_FATAL(f >= 0);
		CU_ASSERT_EQUAL(fs_write_all(f, content, strlen(content)), 0);
		(void)close(f);
	}
	(void)close(fd);
}

static void link_to(const char *target, const char *path)
{
	cleanup_free char *at = xasprintf("context/%s", path);

	CU_ASSERT_EQUAL(symlinkat(target, tempfd, at), 0);
}

/* The base: /etc with users, /tmp, /run and links to it, a link to nowhere inside, a way out. */
static void make_base(void)
{
	const struct tar_entry entries[] = {
		{ .name = "etc/", .type = '5' },
		{ .name = "etc/passwd",
		  .type = '0',
		  .data = "root:x:0:0::/root:/bin/sh\napp:x:1001:1002::/app:/bin/sh\n" },
		{ .name = "etc/group", .type = '0', .data = "root:x:0:\nstaff:x:50:\n" },
		{ .name = "tmp/", .type = '5', .mode = 01777 },
		{ .name = "run/", .type = '5', .mode = 0711, .uid = 7, .gid = 8 },
		{ .name = "run/lock/", .type = '5' },
		{ .name = "var/", .type = '5' },
		{ .name = "var/run", .type = '2', .link = "/run" },
		{ .name = "var/up", .type = '2', .link = "../../../../tmp" },
		{ .name = "file", .type = '0', .data = "of the base" },
		{ .name = "alias", .type = '2', .link = "file" },
		{ .name = "nowhere", .type = '2', .link = "gone/far" },
		{ .name = "out", .type = '2', .link = NULL },
	};
	cleanup_free char *outside = xasprintf("%s/canary", temp);
	struct buf b = BUF_INIT(1U << 20);
	struct error err = { .code = 0 };
	struct digest diff;
	uint64_t bytes;
	char hex[DIGEST_HEX_LEN + 1];
	int ends[2];

	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		struct tar_entry e = entries[i];

		if (is_equal(e.name, "out"))
			e.link = outside;
		tar_add(&b, TAR_PAX, &e);
	}
	tar_end(&b);
	CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
	(void)fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
	CU_ASSERT_EQUAL(fs_write_all(ends[1], b.data, b.len), 0);
	(void)close(ends[1]);
	if (newlayer_from_stream(&store, ends[0], &base_claim, &diff, &bytes, &err) < 0) {
		printf("base: %s\n", err.text);
		CU_FAIL_FATAL("base");
	}
	(void)close(ends[0]);
	buf_done(&b);
	strlist_addf(&base, "sha256:%s", digest_hex(&diff, hex));
}

static int begin(void)
{
	temp = temp_make();
	temp_in_memory(temp);
	(void)umask(0);
	tempfd = open(temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	temp_store(temp, &store);
	return tempfd < 0;
}

static void test_world(void)
{
	cleanup_free char *canary = xasprintf("%s/canary", temp);
	cleanup_free char *secret = xasprintf("%s/secret", canary);
	struct error err;

	canary_make(canary);
	CU_ASSERT_EQUAL(
		fs_write_atomic(AT_FDCWD, secret, SECRET, strlen(SECRET), 0644, FS_NOSYNC, &err),
		0);
	make_base();
}

static int end(void)
{
	layer_claim_done(&base_claim);
	strlist_done(&base);
	store_close(&store);
	(void)close(tempfd);
	temp_remove(temp);
	return 0;
}

/* A fresh, empty context. */
static void fresh(void)
{
	struct error err;

	if (contextfd >= 0)
		(void)close(contextfd);
	CU_ASSERT_EQUAL(fs_remove_tree(tempfd, "context", &err), 0);
	CU_ASSERT_EQUAL(mkdirat(tempfd, "context", 0755), 0);
	contextfd = openat(tempfd, "context", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CU_ASSERT_FATAL(contextfd >= 0);
}

/* ---- layers as text --------------------------------------------------------------------- */

static void list_dir(struct buf *b, int dirfd, const char *prefix)
{
	struct strlist names = { .v = NULL };
	struct error err;

	CU_ASSERT_EQUAL(tree_list(dirfd, &names, &err), 0);
	for (size_t i = 0; i < names.n; i++) {
		cleanup_free char *path = xasprintf("%s%s", prefix, names.v[i]);
		cleanup_free char *below = xasprintf("%s/", path);
		char text[256] = "";
		struct stat st;
		int fd;

		CU_ASSERT_EQUAL(fstatat(dirfd, names.v[i], &st, AT_SYMLINK_NOFOLLOW), 0);
		if (S_ISLNK(st.st_mode)) {
			(void)!readlinkat(dirfd, names.v[i], text, sizeof(text) - 1);
			buf_printf(b, "%s -> %s\n", path, text);
			continue;
		}
		buf_printf(b, "%s%s %o %u:%u", path, S_ISDIR(st.st_mode) ? "/" : "",
			   st.st_mode & 07777, st.st_uid, st.st_gid);
		fd = openat(dirfd, names.v[i], O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (S_ISREG(st.st_mode)) {
			(void)!read(fd, text, sizeof(text) - 1);
			buf_printf(b, " \"%s\"", text);
		}
		buf_addc(b, '\n');
		if (S_ISDIR(st.st_mode))
			list_dir(b, fd, below);
		(void)close(fd);
	}
	strlist_done(&names);
}

static char *list_layer(const struct build_layer *l)
{
	struct buf b = BUF_INIT(LISTING_MAX);
	struct error err;
	int fd = layer_open_diff(&l->claim, &err);

	CU_ASSERT_FATAL(fd >= 0);
	list_dir(&b, fd, "");
	(void)close(fd);
	return buf_steal(&b);
}

/* ---- copying ---------------------------------------------------------------------------- */

struct how {
	const char *sources[4];
	const char *dest;
	const char *workdir, *chown, *chmod, *ignore;
	bool is_add;
	const struct strlist *from;
	const char *url, *checksum; /* instead of sources */
};

static void fill(const struct how *h, struct build_copy_source *sources, struct build_copy_spec *s)
{
	*s = (struct build_copy_spec){ .store = &store,
				       .layers = &base,
				       .sources = sources,
				       .contextfd = h->from ? -1 : contextfd,
				       .from_layers = h->from,
				       .dest = h->dest,
				       .workdir = h->workdir,
				       .chown = h->chown,
				       .chmod = h->chmod,
				       .is_add = h->is_add,
				       .timestamp_s = -1 };
	for (size_t i = 0; i < 4 && h->sources[i]; i++)
		sources[s->n_sources++] =
			(struct build_copy_source){ .kind = BUILD_COPY_PATH,
						    .text = (char *)(uintptr_t)h->sources[i] };
	if (h->url)
		sources[s->n_sources++] =
			(struct build_copy_source){ .kind = BUILD_COPY_URL,
						    .text = (char *)(uintptr_t)h->url };
	s->checksum = h->checksum;
}

/* The layer as text, or "ERROR text"; the caller's. */
static char *copy(const struct how *h)
{
	struct build_copy_source sources[4];
	struct build_layer layer = BUILD_LAYER_INIT;
	struct build_copy_spec s;
	struct error err = { .code = 0 };
	struct ignore *g = NULL;
	char *text;
	int r = 0;

	fill(h, sources, &s);
	if (h->ignore)
		r = ignore_parse(h->ignore, strlen(h->ignore), "ignore", &g, &err);
	s.ignore = g;
	if (r == 0)
		r = build_copy_apply(&s, &layer, &err);
	text = r < 0 ? xasprintf("ERROR %s", err.text) : list_layer(&layer);
	build_layer_done(&layer);
	ignore_free(g);
	return text;
}

static void expect(const struct how *h, const char *want)
{
	cleanup_free char *got = copy(h);
	bool same = is_prefix(want, "ERROR") ? is_prefix(got, want) : is_equal(got, want);

	if (!same)
		printf("\nCOPY %s %s: got\n%swanted\n%s", h->url ? h->url : h->sources[0], h->dest,
		       got, want);
	CU_ASSERT(same);
}
#define EXPECT(want, ...) expect(&(const struct how){ __VA_ARGS__ }, want)

/* ---- what goes where -------------------------------------------------------------------- */

static void test_places(void)
{
	fresh();
	make("a", "A");
	make("dir/b", "B");
	make("dir/sub/c", "C");
	link_to("b", "dir/l");
	EXPECT("a 644 0:0 \"A\"\n", .sources = { "a" }, .dest = "/");
	EXPECT("x 644 0:0 \"A\"\n", .sources = { "a" }, .dest = "/x");
	EXPECT("x/ 755 0:0\nx/a 644 0:0 \"A\"\n", .sources = { "a" }, .dest = "/x/");
	EXPECT("x/ 755 0:0\nx/y/ 755 0:0\nx/y/z 644 0:0 \"A\"\n", .sources = { "a" },
	       .dest = "/x/y/z");
	EXPECT("tmp/ 1777 0:0\ntmp/a 644 0:0 \"A\"\n", .sources = { "a" }, .dest = "/tmp");
	EXPECT("tmp/ 1777 0:0\ntmp/a 644 0:0 \"A\"\n", .sources = { "/a" }, .dest = ".",
	       .workdir = "/tmp");
	EXPECT("tmp/ 1777 0:0\ntmp/q 644 0:0 \"A\"\n", .sources = { "./a" }, .dest = "q",
	       .workdir = "/tmp");
	EXPECT("x/ 755 0:0\nx/b 644 0:0 \"B\"\nx/l -> b\nx/sub/ 755 0:0\nx/sub/c 644 0:0 \"C\"\n",
	       .sources = { "dir" }, .dest = "/x");
	EXPECT("x/ 755 0:0\nx/a 644 0:0 \"A\"\nx/dir/ 755 0:0\nx/dir/b 644 0:0 \"B\"\n",
	       .sources = { "." }, .dest = "/x/", .ignore = "dir\n!dir/b\n");
	EXPECT("x/ 755 0:0\nx/a 644 0:0 \"A\"\nx/c 644 0:0 \"C\"\n", .sources = { "a", "dir/sub" },
	       .dest = "/x/");
	EXPECT("l 644 0:0 \"B\"\n", .sources = { "dir/l" }, .dest = "/");
	EXPECT("file 644 0:0 \"A\"\n", .sources = { "a" }, .dest = "/file");
	EXPECT("gone/ 755 0:0\ngone/far 644 0:0 \"A\"\n", .sources = { "a" }, .dest = "/nowhere");
	EXPECT("ERROR several sources", .sources = { "a", "dir" }, .dest = "/x");
	EXPECT("ERROR destination '/file' is not", .sources = { "dir" }, .dest = "/file");
	EXPECT("ERROR destination: '/file/x': 'file' is not", .sources = { "a" },
	       .dest = "/file/x");
	EXPECT("ERROR 'none': nothing of that name", .sources = { "none" }, .dest = "/");
}

static void test_merge(void)
{
	fresh();
	make("t/var/run/x", "X");
	make("t/run/y", "Y");
	make("t/tmp/z", "Z");
	/* Through the base's link, with the attributes of the source for what merges. */
	EXPECT("run/ 755 0:0\nrun/x 644 0:0 \"X\"\nrun/y 644 0:0 \"Y\"\ntmp/ 755 0:0\n"
	       "tmp/z 644 0:0 \"Z\"\nvar/ 755 0:0\n",
	       .sources = { "t" }, .dest = "/");
	EXPECT("run/ 711 7:8\nrun/lock/ 755 0:0\nrun/lock/x 644 0:0 \"X\"\n",
	       .sources = { "t/var/run" }, .dest = "/var/run/lock");
	make("u/etc", "a file");
	make("v/file/x", "X");
	EXPECT("ERROR 'u': cannot copy a file over the directory '/etc'", .sources = { "u" },
	       .dest = "/");
	EXPECT("ERROR 'v': cannot copy a directory over '/file'", .sources = { "v" },
	       .dest = "/");
}

static void test_patterns(void)
{
	fresh();
	make("p/a.c", "1");
	make("p/b.c", "2");
	make("p/b.h", "3");
	make("q/a.c", "4");
	make("p/[x]", "5");
	EXPECT("s/ 755 0:0\ns/a.c 644 0:0 \"1\"\ns/b.c 644 0:0 \"2\"\n", .sources = { "p/*.c" },
	       .dest = "/s/");
	EXPECT("s/ 755 0:0\ns/a.c 644 0:0 \"4\"\n", .sources = { "*/a.c" }, .dest = "/s/");
	EXPECT("s/ 755 0:0\ns/b.h 644 0:0 \"3\"\n", .sources = { "?/b.[gh]" }, .dest = "/s/");
	EXPECT("[x] 644 0:0 \"5\"\n", .sources = { "p/\\[x]" }, .dest = "/");
	EXPECT("s/ 755 0:0\ns/b.c 644 0:0 \"2\"\n", .sources = { "p/*.c" }, .dest = "/s/",
	       .ignore = "p/a.*\n");
	EXPECT("ERROR '*.o': nothing", .sources = { "*.o" }, .dest = "/s/");
	EXPECT("ERROR malformed pattern '[a'", .sources = { "p/[a" }, .dest = "/s/");
	EXPECT("ERROR 'p/a.c': nothing of that name in the context (or the ignore file",
	       .sources = { "p/a.c" }, .dest = "/", .ignore = "p\n");
	/* A link does not uncover what is hidden. */
	link_to("p/a.c", "way");
	EXPECT("ERROR 'way': nothing", .sources = { "way" }, .dest = "/", .ignore = "p\n");
}

static void test_owners(void)
{
	fresh();
	make("d/f", "F");
	CU_ASSERT_EQUAL(fchownat(contextfd, "d/f", 33, 44, 0), 0);
	CU_ASSERT_EQUAL(fchmodat(contextfd, "d/f", 04751, 0), 0);
	EXPECT("f 4751 0:0 \"F\"\n", .sources = { "d" }, .dest = "/");
	EXPECT("n/ 755 1001:1002\nn/f 4751 1001:1002 \"F\"\n", .sources = { "d" }, .dest = "/n",
	       .chown = "app");
	EXPECT("f 4751 1001:50 \"F\"\n", .sources = { "d/f" }, .dest = "/", .chown = "app:staff");
	EXPECT("f 4751 5:6 \"F\"\n", .sources = { "d/f" }, .dest = "/", .chown = "5:6");
	EXPECT("f 600 0:0 \"F\"\n", .sources = { "d/f" }, .dest = "/", .chmod = "0600");
	EXPECT("ERROR --chown=nobody9", .sources = { "d" }, .dest = "/", .chown = "nobody9");
	EXPECT("ERROR --chmod=u+x", .sources = { "d" }, .dest = "/", .chmod = "u+x");
	EXPECT("ERROR --chmod=77777", .sources = { "d" }, .dest = "/", .chmod = "77777");
	/* From an image owners stay. */
	EXPECT("n/ 755 0:0\nn/lock/ 755 0:0\n", .sources = { "run" }, .dest = "/n", .from = &base);
	EXPECT("n/ 755 0:0\nn/lock/ 755 0:0\n", .sources = { "r*n" }, .dest = "/n/", .from = &base);
	EXPECT("n/ 755 0:0\nn/run -> /run\nn/up -> ../../../../tmp\n", .sources = { "var" },
	       .dest = "/n", .from = &base);
}

/* ---- ADD -------------------------------------------------------------------------------- */

static void make_archive(const char *path)
{
	const struct tar_entry entries[] = {
		{ .name = "in/", .type = '5', .uid = 3, .gid = 4 },
		{ .name = "in/f", .type = '0', .data = "F", .uid = 3, .gid = 4 },
		{ .name = "in/h", .type = '1', .link = "in/f" },
		{ .name = "in/s", .type = '2', .link = "/etc/passwd" },
	};
	cleanup_free char *at = xasprintf("%s/context/%s", temp, path);
	struct buf b = BUF_INIT(1U << 20);
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		tar_add(&b, TAR_USTAR, &entries[i]);
	tar_end(&b);
	CU_ASSERT_EQUAL(fs_write_atomic(AT_FDCWD, at, b.data, b.len, 0644, FS_NOSYNC, &err), 0);
	buf_done(&b);
}

/* A file of the context, compressed. */
static void squeeze(const char *from, const char *to, int (*filter)(struct archive *))
{
	cleanup_free char *path = xasprintf("%s/context/%s", temp, to);
	cleanup_free char *block = xmalloc(1 << 20);
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();
	int fd = openat(contextfd, from, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	CU_ASSERT_EQUAL(filter(a), ARCHIVE_OK);
	CU_ASSERT_EQUAL(archive_write_set_format_raw(a), ARCHIVE_OK);
	CU_ASSERT_EQUAL(archive_write_open_filename(a, path), ARCHIVE_OK);
	archive_entry_set_pathname(e, "x");
	archive_entry_set_filetype(e, AE_IFREG);
	CU_ASSERT_EQUAL(archive_write_header(a, e), ARCHIVE_OK);
	while ((n = read(fd, block, 1 << 20)) > 0)
		CU_ASSERT_EQUAL(archive_write_data(a, block, (size_t)n), n);
	archive_entry_free(e);
	(void)archive_write_free(a);
	(void)close(fd);
}

static void make_zeros(const char *name, int mebibytes)
{
	int fd = openat(contextfd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	CU_ASSERT_EQUAL(ftruncate(fd, (off_t)mebibytes << 20), 0);
	(void)close(fd);
}

static void test_add(void)
{
	static const char xz[] = "\xfd"
				 "7zXZ\0some more bytes behind it";
	cleanup_free char *at = xasprintf("%s/context/x.tar.xz", temp);
	struct error err;

	fresh();
	make_archive("a.tar");
	make("plain", "no archive, but long enough to look at");
	EXPECT("x/ 755 0:0\nx/in/ 755 3:4\nx/in/f 644 3:4 \"F\"\nx/in/h 644 3:4 \"F\"\n"
	       "x/in/s -> /etc/passwd\n",
	       .sources = { "a.tar" }, .dest = "/x", .is_add = true);
	EXPECT("plain 644 0:0 \"no archive, but long enough to look at\"\n", .sources = { "plain" },
	       .dest = "/", .is_add = true);
	CU_ASSERT_EQUAL(fs_write_atomic(AT_FDCWD, at, xz, sizeof(xz), 0644, FS_NOSYNC, &err), 0);
	/* What only looks like xz is a file. */
	EXPECT("x.tar.xz 644 0:0 \"\xfd"
	       "7zXZ\"\n",
	       .sources = { "x.tar.xz" }, .dest = "/", .is_add = true);
	squeeze("a.tar", "a.xz", archive_write_add_filter_xz);
	squeeze("a.tar", "a.bz2", archive_write_add_filter_bzip2);
	EXPECT("in/ 755 3:4\nin/f 644 3:4 \"F\"\nin/h 644 3:4 \"F\"\nin/s -> /etc/passwd\n",
	       .sources = { "a.xz" }, .dest = "/", .is_add = true);
	EXPECT("in/ 755 3:4\nin/f 644 3:4 \"F\"\nin/h 644 3:4 \"F\"\nin/s -> /etc/passwd\n",
	       .sources = { "a.bz2" }, .dest = "/", .is_add = true);
	make_zeros("z", 300);
	squeeze("z", "z.xz", archive_write_add_filter_xz);
	EXPECT("ERROR 'z.xz': it inflates to more than 500 times", .sources = { "z.xz" },
	       .dest = "/", .is_add = true);
}

/* ---- ADD of addresses -------------------------------------------------------------------- */

static void answer(int fd, const char *path)
{
	static const char file[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n"
				   "Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT\r\n\r\nfile";
	const char *text = "HTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\nno\n";

	if (is_prefix(path, "/d/file") || is_prefix(path, "/a.tar"))
		text = file;
	else if (is_prefix(path, "/moved"))
		text = "HTTP/1.1 302 Found\r\nLocation: /d/file?x=1\r\nContent-Length: 0\r\n\r\n";
	else if (is_prefix(path, "/loop"))
		text = "HTTP/1.1 307 Again\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n";
	else if (is_prefix(path, "/ftp"))
		text = "HTTP/1.1 301 M\r\nLocation: file:///etc/passwd\r\nContent-Length: "
		       "0\r\n\r\n";
	else if (is_prefix(path, "/short"))
		text = "HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nfile";
	(void)!write(fd, text, strlen(text));
}

static void __attribute__((noreturn)) serve(int listenfd)
{
	for (;;) {
		int fd = accept(listenfd, NULL, NULL);
		char request[4096] = "";
		size_t n = 0;
		ssize_t got;

		while (fd >= 0 && n < sizeof(request) - 1 && !strstr(request, "\r\n\r\n") &&
		       (got = read(fd, request + n, sizeof(request) - 1 - n)) > 0)
			n += (size_t)got;
		if (is_prefix(request, "GET "))
			answer(fd, request + 4);
		(void)close(fd);
	}
}

static pid_t start_server(char address[64])
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	CU_ASSERT_EQUAL_FATAL(listen(fd, 16), 0);
	CU_ASSERT_EQUAL_FATAL(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	(void)snprintf(address, 64, "http://127.0.0.1:%d", ntohs(sin.sin_port));
	pid = fork();
	if (pid == 0)
		serve(fd);
	(void)close(fd);
	return pid;
}

static void expect_url(const char *address, const char *path, const char *dest,
		       const char *checksum, const char *want)
{
	cleanup_free char *url = xasprintf("%s%s", address, path);

	EXPECT(want, .url = url, .dest = dest, .is_add = true, .checksum = checksum);
}

static void test_fetch(void)
{
	/* of "file", and of nothing */
	static const char right[] =
		"sha256:3b9c358f36f0a31b6ad3e14f309c7cf198ac9246e8316f9ce543d5b19ac02b80";
	static const char wrong[] =
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	char a[64];
	pid_t server = start_server(a);

	fresh();
	(void)unsetenv("http_proxy");
	(void)unsetenv("HTTP_PROXY");
	expect_url(a, "/d/file", "/", NULL, "file 600 0:0 \"file\"\n");
	expect_url(a, "/d/file?q=/x", "/t/", NULL, "t/ 755 0:0\nt/file 600 0:0 \"file\"\n");
	expect_url(a, "/moved", "/n", NULL, "n 600 0:0 \"file\"\n");
	expect_url(a, "/a.tar", "/", NULL, "a.tar 600 0:0 \"file\"\n");
	expect_url(a, "/d/file", "/", right, "file 600 0:0 \"file\"\n");
	expect_url(a, "/", "/", NULL, "ERROR 'http://127.0.0.1");
	expect_url(a, "/none", "/", NULL, "ERROR 'http://127.0.0.1");
	expect_url(a, "/loop", "/", NULL, "ERROR 'http://127.0.0.1");
	expect_url(a, "/ftp", "/", NULL, "ERROR 'http://127.0.0.1");
	expect_url(a, "/short", "/", NULL, "ERROR 'http://127.0.0.1");
	expect_url(a, "/d/file", "/", wrong, "ERROR 'http://127.0.0.1");
	(void)setenv("PODIUM_WEAKEN", "ADD-1", 1);
	expect_url(a, "/d/file", "/", wrong, "file 600 0:0 \"file\"\n"); /* the twin is caught */
	(void)unsetenv("PODIUM_WEAKEN");
	(void)kill(server, SIGKILL);
	(void)waitpid(server, NULL, 0);
}

/* ---- mount points ---------------------------------------------------------------------------- */

/* A container's upper with what mounts and its programs left. */
static void make_upper(const char *id)
{
	static const char *const dirs[] = { "proc", "dev",   "sys",  "etc", "gone", "a",
					    "a/b",  "a/b/c", "keep", "run", "new" };
	static const char *const files[] = { "etc/hosts", "etc/resolv.conf", "keep/x", "gone/far",
					     "new/mine" };
	cleanup_free char *path = xasprintf("containers/%s/upper", id);
	struct error err;
	int fd = fs_mkdirs(store.rootfd, path, 0755, &err);

	CU_ASSERT_FATAL(fd >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		CU_ASSERT_EQUAL(mkdirat(fd, dirs[i], 0755), 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		int f = openat(fd, files[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

		if (is_equal(files[i], "etc/resolv.conf") || is_equal(files[i], "new/mine"))
			CU_ASSERT_EQUAL(fs_write_all(f, "x", 1), 0);
		(void)close(f);
	}
	(void)close(fd);
}

static char *drop_mount_points(const char *id)
{
	struct strlist targets = { .v = NULL };
	cleanup_free char *path = xasprintf("containers/%s/upper", id);
	struct buf b = BUF_INIT(LISTING_MAX);
	struct error err = { .code = 0 };
	int fd;

	make_upper(id);
	strlist_add(&targets, "/a/b/c");    /* with what was made for it */
	strlist_add(&targets, "/nowhere");  /* a link of the base to gone/far */
	strlist_add(&targets, "/keep");	    /* not empty */
	strlist_add(&targets, "/new/mine"); /* not as it was made */
	strlist_add(&targets, "/run");	    /* the base has it */
	strlist_add(&targets, "/../../../etc");
	CU_ASSERT_EQUAL(build_drop_mount_points(&store, id, &base, &targets, &err), 0);
	fd = openat(store.rootfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	list_dir(&b, fd, "");
	(void)close(fd);
	strlist_done(&targets);
	return buf_steal(&b);
}

static void test_mount_points(void)
{
	char id[65];
	cleanup_free char *got = NULL;
	cleanup_free char *weak = NULL;

	id_new(id);
	got = drop_mount_points(id);
	CU_ASSERT_STRING_EQUAL(got, "etc/ 755 0:0\netc/resolv.conf 644 0:0 \"x\"\n"
				    "keep/ 755 0:0\nkeep/x 644 0:0 \"\"\n"
				    "new/ 755 0:0\nnew/mine 644 0:0 \"x\"\nrun/ 755 0:0\n");
	(void)setenv("PODIUM_WEAKEN", "VOL-9", 1);
	id_new(id);
	weak = drop_mount_points(id);
	(void)unsetenv("PODIUM_WEAKEN");
	CU_ASSERT_STRING_NOT_EQUAL(got, weak); /* the twin is caught */
}

static void test_workdir(void)
{
	struct build_layer layer = BUILD_LAYER_INIT;
	struct error err = { .code = 0 };
	cleanup_free char *text = NULL;

	CU_ASSERT_EQUAL(build_mkdir_apply(&store, &base, "/var/run/lock", -1, &layer, &err), 0);
	CU_ASSERT_EQUAL(build_mkdir_apply(&store, &base, "/var/run/a/b", 77, &layer, &err), 1);
	text = list_layer(&layer);
	CU_ASSERT_STRING_EQUAL(text, "run/ 711 7:8\nrun/a/ 755 0:0\nrun/a/b/ 755 0:0\n");
	build_layer_done(&layer);
	CU_ASSERT_EQUAL(build_mkdir_apply(&store, &base, "/file", -1, &layer, &err), -ENOTDIR);
	CU_ASSERT_EQUAL(build_mkdir_apply(&store, &base, "/file/x", -1, &layer, &err), -ENOTDIR);
}

/* ---- digests ---------------------------------------------------------------------------- */

static void digest(const struct how *h, char hex[DIGEST_HEX_LEN + 1])
{
	struct build_copy_source sources[4];
	struct build_copy_spec s;
	struct error err = { .code = 0 };
	struct digest d;

	fill(h, sources, &s);
	CU_ASSERT_EQUAL_FATAL(build_copy_digest(&s, &d, &err), 0);
	(void)digest_hex(&d, hex);
}

static void test_digest(void)
{
	const struct how h = { .sources = { "d" }, .dest = "/" };
	char first[DIGEST_HEX_LEN + 1], next[DIGEST_HEX_LEN + 1];
	const struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	fresh();
	make("d/f", "F");
	make("d/g", "");
	digest(&h, first);
	CU_ASSERT_EQUAL(utimensat(contextfd, "d/f", old, 0), 0);
	CU_ASSERT_EQUAL(fchownat(contextfd, "d/f", 33, 44, 0), 0);
	digest(&h, next);
	CU_ASSERT_STRING_EQUAL(first, next);
	CU_ASSERT_EQUAL(fchmodat(contextfd, "d/f", 0755, 0), 0);
	digest(&h, next);
	CU_ASSERT_STRING_NOT_EQUAL(first, next);
	CU_ASSERT_EQUAL(fchmodat(contextfd, "d/f", 0644, 0), 0);
	make("d/f", "G");
	digest(&h, next);
	CU_ASSERT_STRING_NOT_EQUAL(first, next);
	make("d/f", "F");
	digest(&h, next);
	CU_ASSERT_STRING_EQUAL(first, next);
	CU_ASSERT_EQUAL(renameat(contextfd, "d/g", contextfd, "d/h"), 0);
	digest(&h, next);
	CU_ASSERT_STRING_NOT_EQUAL(first, next);
}

/* ---- hostile contexts and images ------------------------------------------------------------ */

static void expect_no_secret(const struct how *h)
{
	cleanup_free char *got = copy(h);

	if (strstr(got, SECRET))
		printf("\nCOPY %s: %s", h->sources[0], got);
	CU_ASSERT_PTR_NULL(strstr(got, SECRET));
}
#define NO_SECRET(...) expect_no_secret(&(const struct how){ __VA_ARGS__ })

static void test_ways_out(void)
{
	cleanup_free char *outside = xasprintf("%s/canary", temp);
	cleanup_free char *secret = xasprintf("%s/canary/secret", temp);
	cleanup_free char *before = canary_record(outside);
	cleanup_free char *after = NULL;
	cleanup_free char *leak = NULL;
	struct how through = { .sources = { "way/secret" }, .dest = "/x" };

	fresh();
	link_to(outside, "way");
	link_to("../canary", "rel");
	link_to(secret, "file");
	make("f", "F");
	make("d/in", "I");
	link_to("../../canary/secret", "d/l");
	NO_SECRET(.sources = { "way/secret" }, .dest = "/x");
	NO_SECRET(.sources = { "rel/secret" }, .dest = "/x");
	NO_SECRET(.sources = { "../canary/secret" }, .dest = "/x");
	NO_SECRET(.sources = { "file" }, .dest = "/x");
	NO_SECRET(.sources = { "way" }, .dest = "/x");
	NO_SECRET(.sources = { "*/secret" }, .dest = "/x");
	NO_SECRET(.sources = { "d" }, .dest = "/x");
	NO_SECRET(.sources = { "out/secret" }, .dest = "/x", .from = &base);
	NO_SECRET(.sources = { "f" }, .dest = "/out/");
	NO_SECRET(.sources = { "f" }, .dest = "/out/secret");
	NO_SECRET(.sources = { "f" }, .dest = "/var/up/../../../x");
	NO_SECRET(.sources = { "f" }, .dest = "../../../../../../etc/passwd");
	(void)setenv("PODIUM_WEAKEN", "COPY-1", 1);
	leak = copy(&through);
	(void)unsetenv("PODIUM_WEAKEN");
	CU_ASSERT_PTR_NOT_NULL(strstr(leak, SECRET)); /* the twin is caught */
	after = canary_record(outside);
	CU_ASSERT_STRING_EQUAL(before, after);
}

static void test_refused_kinds(void)
{
	fresh();
	make("d/f", "F");
	CU_ASSERT_EQUAL(mknodat(contextfd, "d/pipe", S_IFIFO | 0644, 0), 0);
	EXPECT("ERROR 'd': 'x/pipe' is a fifo", .sources = { "d" }, .dest = "/x");
	EXPECT("ERROR 'd/pipe': 'pipe' is a fifo", .sources = { "d/pipe" }, .dest = "/");
	CU_ASSERT_EQUAL(unlinkat(contextfd, "d/pipe", 0), 0);
	CU_ASSERT_EQUAL(mknodat(contextfd, "d/sock", S_IFSOCK | 0644, 0), 0);
	EXPECT("ERROR 'd': 'x/sock' is a socket", .sources = { "d" }, .dest = "/x");
	CU_ASSERT_EQUAL(unlinkat(contextfd, "d/sock", 0), 0);
	if (mknodat(contextfd, "d/null", S_IFCHR | 0644, makedev(1, 3)) == 0) {
		EXPECT("ERROR 'd': 'x/null' is a device", .sources = { "d" }, .dest = "/x");
		CU_ASSERT_EQUAL(unlinkat(contextfd, "d/null", 0), 0);
	}
	make("d/.wh.etc", "");
	EXPECT("ERROR 'd': '.wh.etc' has a name that means a deletion", .sources = { "d" },
	       .dest = "/");
}

/* Looks for the canary's bytes in what is read. */
static int look(void *arg, const struct copy_entry *e, struct error *err)
{
	char text[256] = "";

	(void)err;
	if (e->fd >= 0 && S_ISREG(e->mode) && read(e->fd, text, sizeof(text) - 1) > 0 &&
	    strstr(text, SECRET))
		*(bool *)arg = true;
	return 0;
}

static void __attribute__((noreturn)) swap_for_ever(void)
{
	cleanup_free char *secret = xasprintf("%s/canary/secret", temp);

	for (;;) {
		(void)unlinkat(contextfd, "s/f", 0);
		(void)!symlinkat(secret, contextfd, "s/f");
		(void)unlinkat(contextfd, "s/f", 0);
		(void)close(openat(contextfd, "s/f", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	}
}

static bool is_leaked(int rounds)
{
	struct build_copy_source source = { .kind = BUILD_COPY_PATH,
					    .text = (char *)(uintptr_t) "s" };
	struct build_copy_spec spec = { .store = &store,
					.layers = &base,
					.sources = &source,
					.n_sources = 1,
					.contextfd = contextfd,
					.dest = "/",
					.timestamp_s = -1 };
	bool leaked = false;
	const struct copy_sink sink = { look, &leaked };

	for (int i = 0; i < rounds && !leaked; i++) {
		cleanup_copy_items struct copy_items items = { .v = NULL };
		struct copier c = { .spec = &spec,
				    .sourcefd = contextfd,
				    .targetfd = -EBADF,
				    .workfd = -EBADF,
				    .lockfd = -EBADF,
				    .sink = &sink };
		struct error err;

		/* What was swapped at the wrong moment is an error: no matter. */
		if (copy_find_items(&c, &items, &err) == 0)
			error_ignore(copy_all(&c, &items, &err));
		strlist_done(&c.made);
	}
	return leaked;
}

static void test_swapper(void)
{
	pid_t pid;

	fresh();
	make("s/f", "");
	pid = fork();
	if (pid == 0)
		swap_for_ever();
	CU_ASSERT_FALSE(is_leaked(SWAP_ROUNDS));
	(void)setenv("PODIUM_WEAKEN", "COPY-2", 1);
	CU_ASSERT_TRUE(is_leaked(200 * SWAP_ROUNDS)); /* the twin is caught */
	(void)unsetenv("PODIUM_WEAKEN");
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static CU_TestInfo tests[] = {
	{ "a base, a canary", test_world },
	{ "what lands where", test_places },
	{ "directories merge, through links of the image", test_merge },
	{ "patterns and the ignore file", test_patterns },
	{ "owners and modes", test_owners },
	{ "ADD unpacks archives", test_add },
	{ "ADD fetches addresses", test_fetch },
	{ "mount points go, other things stay", test_mount_points },
	{ "WORKDIR makes what is missing", test_workdir },
	{ "the digest sees content and not time", test_digest },
	{ "no way out of context and image", test_ways_out },
	{ "what cannot be in a layer", test_refused_kinds },
	{ "a swapper gets nothing in", test_swapper },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "copy", begin, end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
