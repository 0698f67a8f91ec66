/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_imageload - archives into the store, whole: right ones, lying ones, broken ones, killed
 * ones.
 *
 * Theory of operation: image_load() runs in a child (it forks unpackers, and STOP_AT kills it) on a
 * store in a temporary directory; what it reported and what the store then holds is compared. "Not
 * there" always means: not in the index, no `complete` layer, and after the next load nothing at
 * all. Needs root or a user namespace for the unpacker's mount namespace.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "engine/base/fs.h"
#include "engine/image/config.h"
#include "engine/image/layers.h"
#include "engine/image/load.h"
#include "engine/image/sha256.h"
#include "engine/image/store.h"
#include "tests/support/canary.h"
#include "tests/support/cunit_main.h"
#include "tests/support/imagemaker.h"
#include "tests/support/tarmaker.h"

static char *temp;

/* ---- one load --------------------------------------------------------------------------- */

struct outcome {
	int r;
	bool died;
	struct error err;
	int images;
	int done;
	int exists;
	char name[300];
};

static void count_event(void *arg, const struct load_event *e)
{
	struct outcome *o = arg;

	if (e->kind == LOAD_IMAGE) {
		o->images++;
		(void)snprintf(o->name, sizeof(o->name), "%s", e->text ? e->text : "");
	} else if (e->kind == LOAD_LAYER && strcmp(e->text, "done") == 0) {
		o->done++;
	} else if (e->kind == LOAD_LAYER && strcmp(e->text, "exists") == 0) {
		o->exists++;
	}
}

static char *store_path(const char *sub)
{
	return xasprintf("%s/%s", temp, sub);
}

static void open_store(struct store *s)
{
	temp_store(temp, s);
}

static void drop_store(void)
{
	char *root = store_path("root"), *run = store_path("run");
	struct error err;

	if (fs_remove_tree(AT_FDCWD, root, &err) < 0 || fs_remove_tree(AT_FDCWD, run, &err) < 0)
		abort();
	free(root);
	free(run);
}

/* Loads in a child; env is NAME=VALUE for it, or NULL. */
static pid_t start_load(int fd, const char *env, struct outcome *shared)
{
	pid_t pid = fork();

	if (pid == 0) {
		static const struct load_choice all;
		struct store s;

		if (env)
			(void)putenv((char *)(uintptr_t)env);
		(void)signal(SIGPIPE, SIG_IGN);
		(void)umask(0077);
		open_store(&s);
		shared->r = image_load(&s, fd, &all, count_event, shared, &shared->err);
		shared->died = false;
		_exit(0);
	}
	return pid;
}

static struct outcome *share(void)
{
	struct outcome *o =
		mmap(NULL, sizeof(*o), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	o->died = true;
	return o;
}

static struct outcome load_fd(int fd, const char *env)
{
	struct outcome *shared = share(), o;
	pid_t pid = start_load(fd, env, shared);

	(void)waitpid(pid, NULL, 0);
	o = *shared;
	(void)munmap(shared, sizeof(*shared));
	(void)close(fd);
	return o;
}

static struct outcome load_archive(const struct buf *archive, const char *env)
{
	return load_fd(made_memfd(archive), env);
}

/* ---- the store afterwards --------------------------------------------------------------- */

static size_t count_images(void)
{
	struct image_list l = { .v = NULL };
	struct store s;
	struct error err;
	size_t n;

	open_store(&s);
	if (image_list(&s, &l, &err) < 0)
		abort();
	n = l.n;
	image_list_done(&l);
	store_close(&s);
	return n;
}

/* Entries below layers/ whose name begins with prefix. */
static size_t count_layers(const char *file)
{
	char *path = store_path("root/layers");
	DIR *d = opendir(path);
	struct dirent *e;
	size_t n = 0;

	while (d && (e = readdir(d))) {
		char *f = xasprintf("%s/%s/%s", path, e->d_name, file);
		struct stat st;

		n += e->d_name[0] != '.' && lstat(f, &st) == 0;
		free(f);
	}
	if (d)
		(void)closedir(d);
	free(path);
	return n;
}

static bool is_trash_left(void)
{
	char *path = store_path("root/layers");
	DIR *d = opendir(path);
	struct dirent *e;
	bool found = false;

	while (d && (e = readdir(d)))
		found |= strncmp(e->d_name, ".trash", 6) == 0;
	if (d)
		(void)closedir(d);
	free(path);
	return found;
}

static void assert_nothing_there(void)
{
	CU_ASSERT_EQUAL(count_images(), 0);
	CU_ASSERT_EQUAL(count_layers("complete"), 0);
	CU_ASSERT_EQUAL(count_layers("lock"), 0); /* the failed load itself swept its debris */
	CU_ASSERT_FALSE(is_trash_left());
}

/* Two layers: files in the first, a deletion and a change in the second. */
static void two_layers(struct made_image *m)
{
	struct buf *one, *two;

	m->name = "docker.io/library/two:latest";
	one = made_layer(m);
	tar_add(one, TAR_PAX, &(struct tar_entry){ .name = "etc/", .type = '5' });
	tar_add(one, TAR_PAX, &(struct tar_entry){ .name = "etc/a", .type = '0', .data = "one" });
	tar_add(one, TAR_PAX, &(struct tar_entry){ .name = "etc/b", .type = '0', .data = "one" });
	tar_end(one);
	two = made_layer(m);
	tar_add(two, TAR_PAX, &(struct tar_entry){ .name = "etc/", .type = '5' });
	tar_add(two, TAR_PAX, &(struct tar_entry){ .name = "etc/.wh.a", .type = '0' });
	tar_add(two, TAR_PAX, &(struct tar_entry){ .name = "etc/b", .type = '0', .data = "two!" });
	tar_end(two);
}

static int resolve(const char *name, struct image_config *c)
{
	struct store s;
	struct error err;
	int r;

	open_store(&s);
	r = image_resolve(&s, name, c, &err);
	store_close(&s);
	return r;
}

/* ---- tests ------------------------------------------------------------------------------ */

static void test_formats(void)
{
	static const enum made_compression all[] = { MADE_PLAIN, MADE_GZIP, MADE_ZSTD };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		for (int oci = 0; oci < 2; oci++) {
			struct made_image m = { .compression = all[i] };
			struct image_config c;
			struct buf out;
			struct outcome o;

			drop_store();
			two_layers(&m);
			(oci ? made_oci : made_docker)(&m, &out);
			o = load_archive(&out, NULL);
			if (o.r < 0)
				printf("%s\n", o.err.text);
			CU_ASSERT_EQUAL(o.r, 0);
			CU_ASSERT_FALSE(o.died);
			CU_ASSERT_EQUAL(o.images, 1);
			CU_ASSERT_EQUAL(o.done, 2);
			CU_ASSERT_STRING_EQUAL(o.name, "docker.io/library/two:latest");
			CU_ASSERT_EQUAL(resolve("two", &c), 0);
			CU_ASSERT_EQUAL(c.layers.n, 2);
			image_config_done(&c);
			o = load_archive(&out, NULL);
			CU_ASSERT_EQUAL(o.r, 0);
			CU_ASSERT_EQUAL(o.exists, 2);
			CU_ASSERT_EQUAL(o.done, 0);
			CU_ASSERT_EQUAL(count_images(), 1);
			buf_done(&out);
			made_done(&m);
		}
}

static const char *const decoders[] = { "lrzip", "grzip", "lzop", "xz",	       "bzip2",
					"lz4",	 "gzip",  "zstd", "uncompress" };

/* Programs of these names, first in PATH, that leave a mark. */
static void put_fakes(const char *mark)
{
	cleanup_free char *bin = store_path("bin");
	cleanup_free char *path = xasprintf("%s:/usr/bin:/bin", bin);
	cleanup_free char *text = xasprintf("#!/bin/sh\n: >%s\n", mark);
	struct error err;
	int dir = fs_mkdirs(AT_FDCWD, bin, 0755, &err);

	for (size_t i = 0; i < ARRAY_SIZE(decoders); i++)
		CU_ASSERT_EQUAL(fs_write_atomic(dir, decoders[i], text, strlen(text), 0755,
						FS_NOSYNC, &err),
				0);
	(void)close(dir);
	(void)setenv("PATH", path, 1);
}

static int run_fake(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		(void)execlp(decoders[0], decoders[0], (char *)NULL);
		_exit(127);
	}
	(void)waitpid(pid, &status, 0);
	return status;
}

/* What others would start programs for: lrzip, grzip, and the other filters of libarchive that are
 * programs. None is started (fakes that leave a mark stand first in PATH), and none is an image. */
static void test_foreign_compression(void)
{
	static const struct {
		const char *program;
		char magic[12];
	} kinds[] = {
		{ "lrzip", "LRZI\0\6" },
		{ "grzip", "GRZipII\0\2\4:)" },
		{ "lzop", "\x89LZO\0\r\n\x1a\n" },
		{ "xz", "\xfd"
			"7zXZ" },
		{ "bzip2", "BZh91AY&SY" },
		{ "lz4", "\x04\x22\x4d\x18" },
		{ "uncompress", "\x1f\x9d\x90" },
	};
	cleanup_free char *path = xstrdup(getenv("PATH")), *mark = store_path("mark");

	drop_store();
	put_fakes(mark);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct made_image m = { .name = "docker.io/library/odd:latest" };
		struct buf archive, *layer = made_layer(&m);
		char block[1024] = "";

		memcpy(block, kinds[i].magic, sizeof(kinds[i].magic));
		buf_add(layer, block, sizeof(block));
		made_docker(&m, &archive);
		CU_ASSERT_TRUE(load_archive(&archive, NULL).r < 0); /* as a layer */
		CU_ASSERT_TRUE(load_archive(layer, NULL).r < 0);    /* as the archive */
		CU_ASSERT_EQUAL(count_images(), 0);
		CU_ASSERT_EQUAL(count_layers("complete"), 0);
		buf_done(&archive);
		made_done(&m);
	}
	CU_ASSERT_NOT_EQUAL(access(mark, F_OK), 0);
	/* the fakes do leave it */
	CU_ASSERT_EQUAL(run_fake(), 0);
	CU_ASSERT_EQUAL(access(mark, F_OK), 0);
	(void)setenv("PATH", path, 1);
}

/* EXE-7 without its defence: filters that are programs, in a process that may do anything. */
static void test_foreign_compression_twin(void)
{
	static const char magics[][12] = { "LRZI\0\6", "GRZipII\0\2\4:)" };
	cleanup_free char *path = xstrdup(getenv("PATH")), *mark = store_path("mark");

	drop_store();
	put_fakes(mark);
	(void)unlink(mark);
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
		struct buf archive = BUF_INIT(4096);
		char block[1024] = "";

		memcpy(block, magics[i], sizeof(magics[i]));
		buf_add(&archive, block, sizeof(block));
		CU_ASSERT_TRUE(load_archive(&archive, NULL).r < 0);
		CU_ASSERT_NOT_EQUAL(access(mark, F_OK), 0);
		CU_ASSERT_TRUE(load_archive(&archive, "PODIUM_WEAKEN=EXE-7").r < 0);
		CU_ASSERT_EQUAL(access(mark, F_OK), 0);
		(void)unlink(mark);
		buf_done(&archive);
	}
	(void)setenv("PATH", path, 1);
}

static void test_outer_compression(void)
{
	static const enum made_compression all[] = { MADE_GZIP, MADE_ZSTD };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct made_image m = { .compression = MADE_GZIP };
		struct buf inner, outer;

		drop_store();
		two_layers(&m);
		made_docker(&m, &inner);
		made_compress(&inner, all[i], &outer);
		CU_ASSERT_EQUAL(load_archive(&outer, NULL).r, 0);
		CU_ASSERT_EQUAL(count_images(), 1);
		buf_done(&inner);
		buf_done(&outer);
		made_done(&m);
	}
}

/* Some writers (umoci insert) end an archive with the last byte of its last file. One byte less is
 * a file cut short. */
static void test_bare_end(void)
{
	static const size_t missing[] = { 512 - 4, 512 - 4 + 1 };

	for (size_t i = 0; i < ARRAY_SIZE(missing); i++) {
		struct made_image m = { .name = "docker.io/library/bare:latest" };
		struct buf *layer = made_layer(&m);
		struct outcome o;
		struct buf out;

		tar_add(layer, TAR_PAX,
			&(struct tar_entry){ .name = "a", .type = '0', .data = "four" });
		layer->len -= missing[i];
		made_docker(&m, &out);
		drop_store();
		o = load_archive(&out, NULL);
		if (missing[i] == 512 - 4)
			CU_ASSERT_EQUAL(o.r, 0)
		else
			CU_ASSERT_TRUE(o.r < 0)
		CU_ASSERT_FALSE(o.died);
		buf_done(&out);
		made_done(&m);
	}
}

static void test_pipe(void)
{
	struct made_image m = { .compression = MADE_PLAIN };
	struct outcome *shared = share();
	struct buf out;
	int ends[2];
	pid_t pid, writer;

	drop_store();
	two_layers(&m);
	made_docker(&m, &out);
	CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
	writer = fork();
	if (writer == 0) {
		(void)close(ends[0]);
		_exit(fs_write_all(ends[1], out.data, out.len) < 0);
	}
	(void)close(ends[1]); /* or the reader would never see the end */
	pid = start_load(ends[0], NULL, shared);
	(void)close(ends[0]);
	(void)waitpid(writer, NULL, 0);
	(void)waitpid(pid, NULL, 0);
	CU_ASSERT_EQUAL(shared->r, 0);
	CU_ASSERT_EQUAL(count_images(), 1);
	(void)munmap(shared, sizeof(*shared));
	buf_done(&out);
	made_done(&m);
}

/* A refused archive leaves nothing; with the weakened check it goes in (the twin). */
static void refuse(struct made_image *m, bool oci, const char *weaken)
{
	struct buf out;
	struct outcome o;

	drop_store();
	(oci ? made_oci : made_docker)(m, &out);
	o = load_archive(&out, NULL);
	CU_ASSERT_TRUE(o.r == -EBADMSG || o.r == -EINVAL);
	CU_ASSERT_EQUAL(o.images, 0);
	assert_nothing_there();
	if (weaken) {
		o = load_archive(&out, weaken);
		CU_ASSERT_EQUAL(o.r, 0);
		CU_ASSERT_EQUAL(count_images(), 1);
	}
	buf_done(&out);
}

static void test_lies(void)
{
	static const char wrong[] =
		"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	struct made_image m = { .compression = MADE_GZIP };

	two_layers(&m);
	m.diff_id = wrong;
	refuse(&m, false, "PODIUM_WEAKEN=LAYER-DIGEST");
	refuse(&m, true, "PODIUM_WEAKEN=LAYER-DIGEST");
	m.diff_id = "sha256:../../../../etc";
	refuse(&m, false, NULL);
	m.diff_id = NULL;
	m.size_off = 1;
	refuse(&m, true, NULL);
	m.size_off = -1;
	refuse(&m, true, NULL);
	m.size_off = 0;
	m.layer_digest = "sha512:00";
	refuse(&m, true, NULL);
	m.layer_digest = NULL;
	m.manifest_extra = ",\"manifests\":[]";
	refuse(&m, true, NULL);
	m.manifest_extra = ",\"config\":{}";
	refuse(&m, true, NULL);
	m.manifest_extra = NULL;
	m.config = "{\"Env\":[\"SECRET\"]}";
	refuse(&m, true, NULL);
	made_done(&m);
}

/* Flips each 97th byte: whatever it hits, no lie gets in: the image is the right one or none. */
static void test_flipped_bytes(void)
{
	struct made_image m = { .compression = MADE_GZIP };
	struct image_config right, seen;
	struct buf out;

	drop_store();
	two_layers(&m);
	made_oci(&m, &out);
	CU_ASSERT_EQUAL(load_archive(&out, NULL).r, 0);
	CU_ASSERT_EQUAL_FATAL(resolve("two", &right), 0);
	for (size_t i = 0; i < out.len; i += 97) {
		struct outcome o;

		drop_store();
		out.data[i] ^= 0x10;
		o = load_archive(&out, NULL);
		out.data[i] ^= 0x10;
		CU_ASSERT_FALSE(o.died);
		if (o.r < 0)
			assert_nothing_there();
		else if (resolve(o.name[0] ? o.name : right.id, &seen) == 0) {
			CU_ASSERT_STRING_EQUAL(seen.id, right.id);
			image_config_done(&seen);
		}
	}
	image_config_done(&right);
	buf_done(&out);
	made_done(&m);
}

static void test_truncated(void)
{
	struct made_image m = { .compression = MADE_GZIP };
	struct buf out;

	two_layers(&m);
	made_docker(&m, &out);
	for (size_t len = 0; len + 1024 < out.len; len += 512) {
		struct buf cut = { .data = out.data, .len = len, .max = len };
		struct outcome o;

		drop_store();
		o = load_archive(&cut, NULL);
		CU_ASSERT_FALSE(o.died);
		CU_ASSERT_TRUE(o.r < 0);
		assert_nothing_there();
	}
	buf_done(&out);
	made_done(&m);
}

static void test_hostile_layer(void)
{
	struct made_image m = { .name = "bad" };
	struct buf *tar = made_layer(&m), out;
	char *canary = store_path("canary"), *before, *after;
	char *link = xasprintf("%s/file", canary);
	struct outcome o;

	drop_store();
	canary_make(canary);
	before = canary_record(canary);
	tar_add(tar, TAR_PAX, &(struct tar_entry){ .name = "l", .type = '2', .link = canary });
	tar_add(tar, TAR_PAX, &(struct tar_entry){ .name = "l/file", .type = '0', .data = "evil" });
	tar_end(tar);
	made_docker(&m, &out);
	o = load_archive(&out, NULL);
	CU_ASSERT_EQUAL(o.r, -ENOTDIR);
	assert_nothing_there();
	/* behind the pivot even the weakened resolution stays inside: two walls */
	o = load_archive(&out, "PODIUM_WEAKEN=LAYER-PARENT");
	CU_ASSERT_TRUE(o.r < 0);
	after = canary_record(canary);
	CU_ASSERT_STRING_EQUAL(before, after);
	free(before);
	free(after);
	free(canary);
	free(link);
	buf_done(&out);
	made_done(&m);
}

/* One large configuration that many entries name, in an archive of a few megabytes. */
static void test_texts(void)
{
	enum { LABELS = 30, LABEL_BYTES = 120 * 1024, ENTRIES = 20 };
	struct buf config = BUF_INIT(8 << 20), top = BUF_INIT(1 << 20), out = BUF_INIT(16 << 20);
	char *label = xmalloc(LABEL_BYTES + 1);
	struct outcome o;

	memset(label, 'x', LABEL_BYTES);
	label[LABEL_BYTES] = '\0';
	buf_adds(&config, "{\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]},"
			  "\"config\":{\"Labels\":{");
	for (int i = 0; i < LABELS; i++)
		buf_printf(&config, "%s\"l%d\":\"%s\"", i ? "," : "", i, label);
	buf_adds(&config, "}}}");
	for (int i = 0; i < ENTRIES; i++)
		buf_printf(&top, "%s{\"Config\":\"c.json\",\"RepoTags\":[\"t:%d\"],\"Layers\":[]}",
			   i ? "," : "[", i);
	buf_addc(&top, ']');
	tar_add(&out, TAR_PAX,
		&(struct tar_entry){ .name = "c.json", .type = '0', .data = config.data });
	tar_add(&out, TAR_PAX,
		&(struct tar_entry){ .name = "manifest.json", .type = '0', .data = top.data });
	tar_end(&out);
	CU_ASSERT_FALSE(out.overflow);
	drop_store();
	o = load_archive(&out, NULL);
	CU_ASSERT_EQUAL(o.r, -E2BIG);
	assert_nothing_there();
	o = load_archive(&out, "PODIUM_WEAKEN=LOAD-TEXT");
	CU_ASSERT_EQUAL(o.r, 0);
	CU_ASSERT_EQUAL(count_images(), 1);
	free(label);
	buf_done(&config);
	buf_done(&top);
	buf_done(&out);
}

/* kill -9 at every boundary: nothing half is visible, the next load repairs and sweeps. */
static void test_killed(void)
{
	static const char *const stops[] = { "PODIUM_STOP_AT=image:layer",
					     "PODIUM_STOP_AT=image:synced",
					     "PODIUM_STOP_AT=image:complete",
					     "PODIUM_STOP_AT=image:index" };
	struct made_image m = { .compression = MADE_GZIP };
	struct made_image other = { .name = "other" };
	struct buf out, out2, *tar = made_layer(&other);

	two_layers(&m);
	made_docker(&m, &out);
	tar_add(tar, TAR_PAX, &(struct tar_entry){ .name = "x", .type = '0', .data = "x" });
	tar_end(tar);
	made_docker(&other, &out2);
	for (size_t i = 0; i < ARRAY_SIZE(stops); i++) {
		struct outcome o;

		drop_store();
		o = load_archive(&out, stops[i]);
		CU_ASSERT_TRUE(o.died);
		CU_ASSERT_EQUAL(count_images(), 0);
		/* another image's load sweeps what the dead one left */
		CU_ASSERT_EQUAL(load_archive(&out2, NULL).r, 0);
		CU_ASSERT_EQUAL(count_layers("lock"), 1);
		CU_ASSERT_FALSE(is_trash_left());
		drop_store();
		o = load_archive(&out, stops[i]);
		/* and the same load again works from whatever is there */
		CU_ASSERT_EQUAL(load_archive(&out, NULL).r, 0);
		CU_ASSERT_EQUAL(count_images(), 1);
		CU_ASSERT_EQUAL(count_layers("complete"), 2);
		CU_ASSERT_FALSE(is_trash_left());
	}
	buf_done(&out);
	buf_done(&out2);
	made_done(&m);
	made_done(&other);
}

static void test_concurrent(void)
{
	struct outcome *a = share(), *b = share();
	struct made_image m = { .name = "big", .compression = MADE_GZIP };
	struct buf out;
	pid_t first, second;

	drop_store();
	for (int l = 0; l < 3; l++) {
		struct buf *tar = made_layer(&m);

		for (int i = 0; i < 300; i++) {
			char name[32];

			(void)snprintf(name, sizeof(name), "d%d/f%d", i % 7, i);
			tar_add(tar, TAR_PAX,
				&(struct tar_entry){
					.name = name, .type = '0', .data = name, .uid = l });
		}
		tar_end(tar);
	}
	made_docker(&m, &out);
	first = start_load(made_memfd(&out), NULL, a);
	second = start_load(made_memfd(&out), NULL, b);
	(void)waitpid(first, NULL, 0);
	(void)waitpid(second, NULL, 0);
	CU_ASSERT_EQUAL(a->r, 0);
	CU_ASSERT_EQUAL(b->r, 0);
	CU_ASSERT_EQUAL(a->done + b->done, 3); /* each layer was unpacked by one of them */
	CU_ASSERT_EQUAL(a->exists + b->exists, 3);
	CU_ASSERT_EQUAL(count_images(), 1);
	CU_ASSERT_EQUAL(count_layers("complete"), 3);
	buf_done(&out);
	made_done(&m);
	(void)munmap(a, sizeof(*a));
	(void)munmap(b, sizeof(*b));
}

/* ---- as an ordinary user would: in a user namespace ------------------------------------- */

static int write_map(pid_t pid, const char *file, const char *text)
{
	char *path = xasprintf("/proc/%d/%s", (int)pid, file);
	int fd = open(path, O_WRONLY | O_CLOEXEC), r;

	free(path);
	r = fd < 0 ? -errno : fs_write_all(fd, text, strlen(text));
	if (fd >= 0)
		(void)close(fd);
	return r;
}

/* Loads as root of a namespace that maps 0..65535 to 200000.. of the host. */
static struct outcome load_mapped(const struct buf *archive)
{
	struct outcome *shared = share(), o;
	int ready[2], go[2], fd = made_memfd(archive);
	char byte = 'x';
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0)
		abort();
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER) < 0 || write(ready[1], &byte, 1) != 1 ||
		    read(go[0], &byte, 1) != 1 || setresgid(0, 0, 0) || setresuid(0, 0, 0))
			_exit(1);
		pid = start_load(fd, NULL, shared);
		(void)waitpid(pid, NULL, 0);
		_exit(0);
	}
	(void)!read(ready[0], &byte, 1);
	if (write_map(pid, "uid_map", "0 200000 65536") < 0 ||
	    write_map(pid, "gid_map", "0 200000 65536") < 0)
		printf("maps cannot be written\n");
	(void)!write(go[1], &byte, 1);
	(void)waitpid(pid, NULL, 0);
	o = *shared;
	(void)munmap(shared, sizeof(*shared));
	for (int i = 0; i < 2; i++) {
		(void)close(ready[i]);
		(void)close(go[i]);
	}
	(void)close(fd);
	return o;
}

static void give_to(uid_t uid)
{
	if (chown(temp, uid, uid) < 0)
		abort();
}

static void test_user_namespace(void)
{
	struct made_image m = { .name = "mapped" }, beyond = { .name = "beyond" };
	struct buf *tar = made_layer(&m), out;
	struct outcome o;
	struct stat st;
	char *path;

	if (geteuid() != 0) {
		TEST_SKIP("needs root to write the id maps");
		return;
	}
	drop_store();
	give_to(200000);
	tar_add(tar, TAR_PAX,
		&(struct tar_entry){ .name = "d/", .type = '5', .uid = 33, .gid = 34 });
	tar_add(tar, TAR_PAX, &(struct tar_entry){ .name = "d/.wh.x", .type = '0' });
	tar_add(tar, TAR_PAX, &(struct tar_entry){ .name = "d/.wh..wh..opq", .type = '0' });
	tar_add(tar, TAR_PAX,
		&(struct tar_entry){
			.name = "s", .type = '0', .data = "x", .mode = 04755, .uid = 7 });
	tar_add(tar, TAR_PAX, &(struct tar_entry){ .name = "p", .type = '6' });
	tar_end(tar);
	made_docker(&m, &out);
	o = load_mapped(&out);
	if (o.r < 0)
		printf("%s\n", o.err.text);
	CU_ASSERT_EQUAL(o.r, 0);
	give_to(0);
	{
		struct digest d;
		char hex[65];

		sha256_of(tar->data, tar->len, &d);
		path = xasprintf("%s/root/layers/%s/diff/s", temp, digest_hex(&d, hex));
	}
	CU_ASSERT_EQUAL(lstat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_uid, 200007);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 04755);
	free(path);
	buf_done(&out);
	/* an owner beyond the map is named, not squashed */
	tar = made_layer(&beyond);
	tar_add(tar, TAR_PAX, &(struct tar_entry){ .name = "f", .type = '0', .uid = 70000 });
	tar_end(tar);
	made_docker(&beyond, &out);
	give_to(200000);
	o = load_mapped(&out);
	give_to(0);
	CU_ASSERT_EQUAL(o.r, -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(o.err.text, "70000"));
	drop_store();
	buf_done(&out);
	made_done(&m);
	made_done(&beyond);
}

static int begin(void)
{
	temp = temp_make();
	temp_in_memory(temp);
	return 0;
}

static int end(void)
{
	temp_remove(temp);
	return 0;
}

static CU_TestInfo tests[] = { { "formats and compressions", test_formats },
			       { "compressed archives", test_outer_compression },
			       { "foreign compression", test_foreign_compression },
			       { "foreign compression, the twin", test_foreign_compression_twin },
			       { "bare end", test_bare_end },
			       { "from a pipe", test_pipe },
			       { "lies are refused", test_lies },
			       { "flipped bytes", test_flipped_bytes },
			       { "truncated at each block", test_truncated },
			       { "hostile layer", test_hostile_layer },
			       { "texts without end", test_texts },
			       { "killed at each boundary", test_killed },
			       { "two at once", test_concurrent },
			       { "in a user namespace", test_user_namespace },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "imageload", begin, end, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
