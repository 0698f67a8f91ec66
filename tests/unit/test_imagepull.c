/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_imagepull - from a registry into the store: right images, lying, truncated and killed ones.
 *
 * Theory of operation: the registry is tests/support/fakeregistry.h in this process, the pull runs in
 * a child (tests/support/servedimage.h) on a store in a temporary directory in memory. "Nothing half"
 * always means: not in the index, no `complete` but of layers whose content is right, and no debris
 * after the next pull. Needs root for the unpackers' namespaces.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/image/layers.h"
#include "engine/image/store.h"
#include "tests/support/canary.h"
#include "tests/support/cunit_main.h"
#include "tests/support/servedimage.h"
#include "tests/support/tarmaker.h"

#define LAYERS 6

static char *temp;
static struct fakeregistry *server;

/* ---- store and images ------------------------------------------------------------------- */

static char *root_path(void)
{
	static char path[300];

	(void)snprintf(path, sizeof(path), "%s/root", temp);
	return path;
}

static void drop_store(void)
{
	cleanup_free char *run = xasprintf("%s-run", root_path());
	struct error err;

	if (fs_remove_tree(AT_FDCWD, root_path(), &err) < 0 ||
	    fs_remove_tree(AT_FDCWD, run, &err) < 0)
		abort();
}

static void open_store(struct store *s)
{
	cleanup_free char *run = xasprintf("%s-run", root_path());
	struct error err;

	if (store_open(root_path(), run, STORE_WRITE, s, &err) < 0)
		abort();
}

static size_t count_images(void)
{
	cleanup_image_list struct image_list l = { .v = NULL };
	struct store s;
	struct error err;

	open_store(&s);
	if (image_list(&s, &l, &err) < 0)
		abort();
	store_close(&s);
	return l.n;
}

/* Directories below layers/ that hold the file; NULL: all, trash too. */
static size_t count_layers_of(const char *root, const char *file)
{
	cleanup_free char *path = xasprintf("%s/layers", root);
	cleanup_dir DIR *d = opendir(path);
	struct dirent *e;
	size_t n = 0;

	while (d && (e = readdir(d))) {
		cleanup_free char *f = xasprintf("%s/%s/%s", path, e->d_name, file ? file : ".");
		struct stat st;

		if (is_equal(e->d_name, ".") || is_equal(e->d_name, ".."))
			continue;
		n += lstat(f, &st) == 0;
	}
	return n;
}

static size_t count_layers(const char *file)
{
	return count_layers_of(root_path(), file);
}

static char *repo_name(const char *rest)
{
	return xasprintf("%s/%s", fakeregistry_name(server), rest);
}

/* Layers of a few files; seed makes them different from other images'. */
static void fill(struct made_image *m, size_t n, size_t bytes, unsigned int seed)
{
	uint32_t x = seed;
	char *data = xmalloc(bytes + 1);

	for (size_t l = 0; l < n; l++) {
		struct buf *tar = made_layer(m);
		char name[32];

		for (size_t i = 0; i < bytes; i++) {
			x = x * 1664525 + 1013904223;
			data[i] = (char)(x >> 24);
		}
		(void)snprintf(name, sizeof(name), "d%zu/", l);
		tar_add(tar, TAR_PAX, &(struct tar_entry){ .name = name, .type = '5' });
		for (int f = 0; f < 3; f++) {
			(void)snprintf(name, sizeof(name), "d%zu/f%d", l, f);
			tar_add(tar, TAR_PAX,
				&(struct tar_entry){
					.name = name, .type = '0', .data = data, .len = bytes });
		}
		tar_end(tar);
	}
	free(data);
}

static struct pulled pull_as(const char *name, enum pull_policy policy, const char *env)
{
	cleanup_free char *full = repo_name(name);

	return served_pull(&(struct pull_run){
		.root = root_path(), .names = { full }, .policy = policy, .env = env });
}

static struct pulled pull(const char *name)
{
	return pull_as(name, PULL_ALWAYS, NULL);
}

static void expect_pulled(const struct pulled *o)
{
	if (o->failed || o->r < 0)
		printf("%s %s\n", o->text, o->err.text);
	CU_ASSERT_FALSE(o->died);
	CU_ASSERT_EQUAL(o->r, 0);
	CU_ASSERT_EQUAL(o->failed, 0);
	CU_ASSERT_TRUE(o->images > 0);
}

/* One refused image: one reason, which names part, nothing in the index. */
static void expect_refused(const struct pulled *o, int code, const char *part)
{
	CU_ASSERT_FALSE(o->died);
	CU_ASSERT_EQUAL(o->images, 0);
	CU_ASSERT_EQUAL(o->failed, 1);
	if (o->code != code || (part && !strstr(o->text, part)))
		printf("code %d: %s\n", o->code, o->text);
	CU_ASSERT_EQUAL(o->code, code);
	CU_ASSERT_PTR_NOT_NULL(part ? strstr(o->text, part) : o->text);
	CU_ASSERT_PTR_NOT_NULL(strstr(o->text, fakeregistry_name(server)));
	CU_ASSERT_EQUAL(count_images(), 0);
}

/* ---- what is right ---------------------------------------------------------------------- */

static void test_forms(void)
{
	for (int form = 0; form < 4; form++) {
		struct made_image m = { .compression = form == 3 ? MADE_GZIP
								 : (enum made_compression)form };
		struct served_image s = { .is_docker = form == 3 };
		struct pulled o;
		cleanup_free char *name = repo_name("form:1");

		drop_store();
		fill(&m, 2, 3000, 1);
		served_make(&s, &m);
		served_publish(&s, server, "form", "1");
		o = pull("form:1");
		expect_pulled(&o);
		CU_ASSERT_EQUAL(o.begun, 2);
		CU_ASSERT_EQUAL(o.done, 2);
		CU_ASSERT_STRING_EQUAL(o.name, name);
		CU_ASSERT_STRING_EQUAL(o.id, s.config_digest + 7);
		CU_ASSERT_EQUAL(count_layers("complete"), 2);
		CU_ASSERT_EQUAL(count_layers(NULL), 2);
		served_done(&s);
		made_done(&m);
	}
}

/* What has not changed: one request. What lost a layer is brought back. */
static void test_again(void)
{
	struct made_image m = { .compression = MADE_GZIP };
	struct served_image s = { .n = 0 };
	cleanup_free char *path = NULL;
	struct pulled o;

	drop_store();
	fill(&m, 2, 3000, 2);
	served_make(&s, &m);
	served_publish(&s, server, "again", "1");
	o = pull("again:1");
	expect_pulled(&o);
	fakeregistry_forget(server);
	o = pull("again:1");
	expect_pulled(&o);
	CU_ASSERT_EQUAL(o.exists + o.begun, 0);
	CU_ASSERT_EQUAL(fakeregistry_count(server, "GET", "/v2/again/"), 1);
	CU_ASSERT_EQUAL(fakeregistry_requests(server), 1);
	{
		char diff[72];

		served_digest(m.tars[0].data, m.tars[0].len, diff);
		path = xasprintf("%s/layers/%s/complete", root_path(), diff + 7);
	}
	CU_ASSERT_EQUAL(unlink(path), 0);
	o = pull("again:1");
	expect_pulled(&o);
	CU_ASSERT_EQUAL(o.done, 1);
	CU_ASSERT_EQUAL(o.exists, 1);
	served_done(&s);
	made_done(&m);
}

static void test_policies(void)
{
	struct made_image m = { .compression = MADE_GZIP }, m2 = { .compression = MADE_GZIP };
	struct served_image s = { .n = 0 }, s2 = { .n = 0 };
	struct pulled o;

	drop_store();
	fill(&m, 1, 500, 3);
	fill(&m2, 1, 500, 4);
	served_make(&s, &m);
	served_make(&s2, &m2);
	served_publish(&s, server, "policy", "1");
	fakeregistry_forget(server);
	o = pull_as("policy:1", PULL_NEVER, NULL);
	CU_ASSERT_EQUAL(o.failed, 1);
	CU_ASSERT_EQUAL(o.code, ENOENT);
	CU_ASSERT_EQUAL(fakeregistry_requests(server), 0);
	o = pull_as("policy:1", PULL_MISSING, NULL);
	expect_pulled(&o);
	fakeregistry_forget(server);
	o = pull_as("policy:1", PULL_MISSING, NULL);
	expect_pulled(&o);
	o = pull_as("policy:1", PULL_NEVER, NULL);
	expect_pulled(&o);
	CU_ASSERT_EQUAL(fakeregistry_requests(server), 0);
	o = pull_as("policy:1", PULL_NEWER, NULL);
	expect_pulled(&o);
	CU_ASSERT_EQUAL(fakeregistry_count(server, "HEAD", "/v2/policy/"), 1);
	CU_ASSERT_EQUAL(fakeregistry_requests(server), 1);
	/* it changes: newer takes it, missing does not look */
	served_publish(&s2, server, "policy", "1");
	o = pull_as("policy:1", PULL_MISSING, NULL);
	CU_ASSERT_STRING_EQUAL(o.id, s.config_digest + 7);
	o = pull_as("policy:1", PULL_NEWER, NULL);
	expect_pulled(&o);
	CU_ASSERT_STRING_EQUAL(o.id, s2.config_digest + 7);
	/* it is gone: newer forgives, always does not */
	fakeregistry_answer(server, &(struct fake_answer){ .path = "/v2/policy/*", .status = 404 });
	o = pull_as("policy:1", PULL_NEWER, NULL);
	expect_pulled(&o);
	CU_ASSERT_STRING_EQUAL(o.id, s2.config_digest + 7);
	o = pull_as("policy:1", PULL_ALWAYS, NULL);
	CU_ASSERT_EQUAL(o.failed, 1);
	CU_ASSERT_EQUAL(count_images(), 2);
	served_done(&s);
	served_done(&s2);
	made_done(&m);
	made_done(&m2);
}

/* By digest it has no name; by tag and digest the digest counts. */
static void test_by_digest(void)
{
	struct made_image m = { .compression = MADE_GZIP };
	struct served_image s = { .n = 0 };
	cleanup_free char *plain = NULL, *both = NULL;
	struct pulled o;

	drop_store();
	fill(&m, 1, 500, 5);
	served_make(&s, &m);
	served_publish(&s, server, "digest", NULL);
	plain = xasprintf("digest@%s", s.digest);
	both = xasprintf("digest:no-such@%s", s.digest);
	o = pull(plain);
	expect_pulled(&o);
	CU_ASSERT_STRING_EQUAL(o.name, "");
	fakeregistry_forget(server);
	o = pull(both);
	expect_pulled(&o);
	CU_ASSERT_EQUAL(o.begun + o.exists, 0);
	CU_ASSERT_EQUAL(count_images(), 1);
	o = pull_as(plain, PULL_MISSING, NULL);
	expect_pulled(&o);
	served_done(&s);
	made_done(&m);
}

static void publish_index(const char *repository, const char *tag, const char *type,
			  const char *entries, char digest[72])
{
	cleanup_free char *text = xasprintf(
		"{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[%s]}", type, entries);

	fakeregistry_manifest(server, repository, tag, type, text, digest);
}

static void test_index(void)
{
	struct made_image m = { .compression = MADE_GZIP }, m2 = { .compression = MADE_GZIP };
	struct served_image s = { .n = 0 }, arm = { .architecture = "arm64" };
	cleanup_free char *a = NULL, *b = NULL, *both = NULL, *nested = NULL, *full = NULL;
	char digest[72], deeper[72];
	struct pulled o;

	fill(&m, 1, 500, 6);
	fill(&m2, 1, 500, 7);
	served_make(&s, &m);
	served_make(&arm, &m2);
	served_publish(&s, server, "index", NULL);
	served_publish(&arm, server, "index", NULL);
	a = served_entry(&s, "\"os\":\"linux\",\"architecture\":\"amd64\"");
	b = served_entry(&arm, "\"os\":\"linux\",\"architecture\":\"arm64\"");
	both = xasprintf("%s,%s", b, a);
	full = repo_name("index:1");
	for (int docker = 0; docker < 2; docker++) {
		drop_store();
		publish_index("index", "1", docker ? MEDIA_DOCKER_LIST : MEDIA_OCI_INDEX, both,
			      digest);
		o = served_pull(&(struct pull_run){
			.root = root_path(), .names = { full }, .platform = "linux/amd64" });
		expect_pulled(&o);
		CU_ASSERT_STRING_EQUAL(o.id, s.config_digest + 7);
		fakeregistry_forget(server);
		o = served_pull(&(struct pull_run){
			.root = root_path(), .names = { full }, .platform = "linux/amd64" });
		CU_ASSERT_EQUAL(fakeregistry_requests(server), 1); /* the list's digest is known */
		o = served_pull(&(struct pull_run){
			.root = root_path(), .names = { full }, .platform = "linux/arm64" });
		expect_pulled(&o);
		CU_ASSERT_STRING_EQUAL(o.id, arm.config_digest + 7);
		o = served_pull(&(struct pull_run){
			.root = root_path(), .names = { full }, .platform = "linux/s390x" });
		CU_ASSERT_EQUAL(o.code, ENOENT);
		CU_ASSERT_PTR_NOT_NULL(strstr(o.text, "linux/arm64, linux/amd64"));
	}
	/* an index in an index may be, a third may not */
	drop_store();
	publish_index("index", NULL, MEDIA_OCI_INDEX, both, digest);
	nested = xasprintf("{\"mediaType\":\"" MEDIA_OCI_INDEX "\",\"digest\":\"%s\",\"size\":%zu,"
			   "\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}}",
			   digest,
			   strlen(both) +
				   strlen("{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX
					  "\",\"manifests\":[]}"));
	publish_index("index", "2", MEDIA_OCI_INDEX, nested, deeper);
	o = pull("index:2");
	expect_pulled(&o);
	drop_store();
	{
		cleanup_free char *third = xasprintf(
			"{\"mediaType\":\"" MEDIA_OCI_INDEX "\",\"digest\":\"%s\",\"size\":%zu,"
			"\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}}",
			deeper,
			strlen(nested) +
				strlen("{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX
				       "\",\"manifests\":[]}"));

		publish_index("index", "3", MEDIA_OCI_INDEX, third, digest);
	}
	o = pull("index:3");
	expect_refused(&o, E2BIG, "an index in an index in an index");
	served_done(&s);
	served_done(&arm);
	made_done(&m);
	made_done(&m2);
}

static void test_platform(void)
{
	struct made_image m = { .compression = MADE_GZIP };
	struct served_image odd = { .architecture = "s390x" }, alien = { .os = "windows" };
	struct pulled o;

	drop_store();
	fill(&m, 1, 500, 8);
	served_make(&odd, &m);
	served_publish(&odd, server, "odd", "1");
	o = pull("odd:1");
	expect_pulled(&o);
	CU_ASSERT_EQUAL(o.warnings, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(o.text, "linux/s390x"));
	drop_store();
	served_make(&alien, &m);
	served_publish(&alien, server, "alien", "1");
	o = pull("alien:1");
	expect_refused(&o, EBADMSG, "windows");
	served_done(&odd);
	served_done(&alien);
	made_done(&m);
}

/* ---- what lies (REG-8, rows 19 and 20) -------------------------------------------------- */

static void answer(const char *path, const void *body, size_t len, const char *headers)
{
	fakeregistry_answer(server,
			    &(struct fake_answer){
				    .path = path, .headers = headers, .body = body, .len = len });
}

/* An object is another one by one byte: configuration, layer, manifest of an index. */
static void test_lies(void)
{
	struct made_image m = { .compression = MADE_PLAIN };
	struct served_image s = { .n = 0 };
	cleanup_free char *config = NULL, *layer = NULL, *manifest = NULL, *entry = NULL;
	cleanup_free char *changed = NULL, *type = NULL;
	char digest[72];
	struct pulled o;

	drop_store();
	fill(&m, 2, 3000, 9);
	served_make(&s, &m);
	served_publish(&s, server, "lies", "1");
	config = xasprintf("/v2/lies/blobs/%s", s.config_digest);
	layer = xasprintf("/v2/lies/blobs/%s", s.layer_digests[1]);
	manifest = xasprintf("/v2/lies/manifests/%s", s.digest);
	/* a byte of a file's content: the tar is as good as before */
	s.layers[1].data[s.layers[1].len - 2000] ^= 1;
	answer(layer, s.layers[1].data, s.layers[1].len, NULL);
	s.layers[1].data[s.layers[1].len - 2000] ^= 1;
	o = pull("lies:1");
	expect_refused(&o, EBADMSG, "digest");
	CU_ASSERT_TRUE(count_layers("complete") <= 1);
	CU_ASSERT_EQUAL(count_layers(NULL), count_layers("complete"));
	o = pull_as("lies:1", PULL_ALWAYS, "PODIUM_WEAKEN=LAYER-DIGEST");
	expect_pulled(&o);
	drop_store();
	served_publish(&s, server, "lies", "1");
	/* the configuration */
	changed = xstrndup(s.config.data, s.config.len);
	*strstr(changed, "2024") = '3';
	answer(config, changed, s.config.len, NULL);
	o = pull("lies:1");
	expect_refused(&o, EBADMSG, NULL);
	CU_ASSERT_EQUAL(count_layers(NULL), 0);
	served_publish(&s, server, "lies", "1");
	/* a manifest that an index names */
	entry = served_entry(&s, "\"os\":\"linux\",\"architecture\":\"amd64\"");
	publish_index("lies", "2", MEDIA_OCI_INDEX, entry, digest);
	free(changed);
	changed = xasprintf("%s ", s.manifest.data);
	type = xasprintf("Content-Type: %s\r\n", MEDIA_OCI_MANIFEST);
	answer(manifest, changed, strlen(changed), type);
	o = pull("lies:2");
	expect_refused(&o, EBADMSG, NULL);
	served_publish(&s, server, "lies", "1");
	/* its size in the index */
	free(changed);
	changed = xasprintf("{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu,\"platform\":{"
			    "\"os\":\"linux\",\"architecture\":\"amd64\"}}",
			    MEDIA_OCI_MANIFEST, s.digest, s.manifest.len + 1);
	publish_index("lies", "3", MEDIA_OCI_INDEX, changed, digest);
	o = pull("lies:3");
	expect_refused(&o, EBADMSG, "size");
	o = pull_as("lies:3", PULL_ALWAYS, "PODIUM_WEAKEN=REG-8");
	expect_pulled(&o);
	served_done(&s);
	made_done(&m);
}

/* The manifest says a layer is longer or shorter than it is; or the content has another diff id. */
static void test_sizes(void)
{
	struct made_image m = { .compression = MADE_GZIP };
	struct served_image s = { .n = 0 };
	struct pulled o;

	fill(&m, 1, 3000, 10);
	for (int off = -1; off <= 1; off += 2) {
		cleanup_free char *real = NULL, *text = NULL, *part = NULL;
		char digest[72];
		const char *at;

		drop_store();
		s = (struct served_image){ .n = 0 };
		served_make(&s, &m);
		served_publish(&s, server, "size", NULL);
		real = xasprintf("%s\",\"size\":%zu}", s.layer_digests[0], s.layers[0].len);
		part = xasprintf("%s\",\"size\":%zu}", s.layer_digests[0],
				 s.layers[0].len + (size_t)off);
		at = strstr(s.manifest.data, real);
		CU_ASSERT_PTR_NOT_NULL_FATAL(at);
		text = xasprintf("%.*s%s%s", (int)(at - s.manifest.data), s.manifest.data, part,
				 at + strlen(real));
		fakeregistry_manifest(server, "size", "1", served_type(&s), text, digest);
		o = pull("size:1");
		expect_refused(&o, EBADMSG, NULL);
		CU_ASSERT_EQUAL(count_layers(NULL), 0);
		served_done(&s);
	}
	made_done(&m);
}

/* A layer that ends too early, in a blob that is what its digest says (row 20). */
static void truncate_at(const struct made_image *m, size_t len)
{
	struct served_image s = { .n = 0 };
	struct pulled o;

	drop_store();
	served_make(&s, m);
	s.layers[0].len = len;
	served_manifest(&s);
	served_publish(&s, server, "cut", "1");
	o = pull("cut:1");
	if (o.images)
		printf("truncated at %zu of %d: taken\n", len, (int)m->compression);
	expect_refused(&o, EBADMSG, NULL);
	CU_ASSERT_EQUAL(count_layers(NULL), 0);
	served_done(&s);
}

static void test_truncated(void)
{
	static const enum made_compression all[] = { MADE_PLAIN, MADE_GZIP, MADE_ZSTD };

	for (size_t c = 0; c < ARRAY_SIZE(all); c++) {
		struct made_image m = { .compression = all[c] };
		struct served_image s = { .n = 0 };
		size_t full, step;
		struct pulled o;

		fill(&m, 1, 700, 11);
		served_make(&s, &m);
		full = s.layers[0].len;
		/* plain: at each block that is not the end marker's; else here and there */
		step = all[c] == MADE_PLAIN ? 512 : full / 8;
		for (size_t at = step; at < full - (all[c] == MADE_PLAIN ? 1024 : 0); at += step)
			truncate_at(&m, at);
		if (all[c] != MADE_PLAIN) {
			for (size_t at = 1; at < 12; at += 5)
				truncate_at(&m, at);
			truncate_at(&m, full - 1);
			truncate_at(&m, full - 4);
			truncate_at(&m, full - 8); /* gzip without its trailer */
		}
		/* and the next pull repairs */
		served_publish(&s, server, "cut", "1");
		o = pull("cut:1");
		expect_pulled(&o);
		served_done(&s);
		made_done(&m);
	}
}

/* A first frame or member that is whole, of a layer that has two. */
static void test_valid_prefix(void)
{
	struct made_image m = { .compression = MADE_PLAIN };
	struct served_image s = { .n = 0 };
	struct buf first = { .len = 0 }, head, tail;
	struct pulled o;

	drop_store();
	fill(&m, 1, 3000, 12);
	served_make(&s, &m);
	head = tail = s.layers[0];
	head.len = 2048;
	tail.data += head.len;
	tail.len -= head.len;
	for (int c = MADE_GZIP; c <= MADE_ZSTD; c++) {
		struct buf second = { .len = 0 };

		made_compress(&head, (enum made_compression)c, &first);
		made_compress(&tail, (enum made_compression)c, &second);
		for (int whole = 0; whole < 2; whole++) {
			struct buf keep = s.layers[0];

			drop_store();
			s.layers[0] = BUF_INIT(1 << 20);
			buf_add(&s.layers[0], first.data, first.len);
			if (whole)
				buf_add(&s.layers[0], second.data, second.len);
			served_manifest(&s);
			served_publish(&s, server, "prefix", "1");
			o = pull("prefix:1");
			if (whole)
				expect_pulled(&o);
			else
				expect_refused(&o, EBADMSG, NULL);
			buf_done(&s.layers[0]);
			s.layers[0] = keep;
		}
		buf_done(&first);
		buf_done(&second);
	}
	served_done(&s);
	made_done(&m);
}

/* zstd:chunked is zstd to us: frames, and frames to skip before, between and behind. */
static void test_chunked(void)
{
	static const char skip[] = "\x50\x2a\x4d\x18\x08\0\0\0GnUlInUx";
	struct made_image m = { .compression = MADE_PLAIN };
	struct served_image s = { .n = 0 };
	struct buf head, tail, first = { .len = 0 }, second = { .len = 0 };
	struct pulled o;

	drop_store();
	fill(&m, 1, 3000, 20);
	served_make(&s, &m);
	head = tail = s.layers[0];
	head.len = 1024;
	tail.data += head.len;
	tail.len -= head.len;
	made_compress(&head, MADE_ZSTD, &first);
	made_compress(&tail, MADE_ZSTD, &second);
	buf_done(&s.layers[0]);
	s.layers[0] = BUF_INIT(1 << 20);
	buf_add(&s.layers[0], skip, sizeof(skip) - 1);
	buf_add(&s.layers[0], first.data, first.len);
	buf_add(&s.layers[0], skip, sizeof(skip) - 1);
	buf_add(&s.layers[0], second.data, second.len);
	buf_add(&s.layers[0], skip, sizeof(skip) - 1);
	served_manifest(&s);
	served_publish(&s, server, "chunked", "1");
	o = pull("chunked:1");
	expect_pulled(&o);
	buf_done(&first);
	buf_done(&second);
	served_done(&s);
	made_done(&m);
}

/* Nobody is asked but the registry: what `urls` say is nothing (REG-2). */
static void test_foreign(void)
{
	struct fakeregistry *other = fakeregistry_new(FAKE_PLAIN, NULL);
	struct made_image m = { .compression = MADE_GZIP };
	struct served_image s = { .n = 0 };
	cleanup_free char *urls = NULL, *text = NULL, *foreign = NULL;
	char digest[72];
	const char *end;
	struct pulled o;

	drop_store();
	fill(&m, 1, 500, 13);
	served_make(&s, &m);
	served_publish(&s, server, "foreign", NULL);
	urls = xasprintf(",\"urls\":[\"http://%s/blob\"]}]}", fakeregistry_name(other));
	end = strstr(s.manifest.data, "}]}");
	text = xasprintf("%.*s%s", (int)(end - s.manifest.data), s.manifest.data, urls);
	fakeregistry_manifest(server, "foreign", "1", served_type(&s), text, digest);
	o = pull("foreign:1");
	expect_pulled(&o);
	drop_store();
	end = strstr(text, MEDIA_OCI_LAYER_GZIP);
	foreign = xasprintf("%.*s%s%s", (int)(end - text), text,
			    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
			    end + strlen(MEDIA_OCI_LAYER_GZIP));
	fakeregistry_manifest(server, "foreign", "2", served_type(&s), foreign, digest);
	o = pull("foreign:2");
	expect_refused(&o, EPROTONOSUPPORT, "foreign layer");
	CU_ASSERT_EQUAL(fakeregistry_requests(other), 0);
	fakeregistry_free(other);
	served_done(&s);
	made_done(&m);
}

/* A manifest of 100,000 layers is refused as such; nothing that it names is asked for. */
static void test_many_layers(void)
{
	struct made_image m = { .compression = MADE_GZIP };
	struct served_image s = { .n = 0 };
	struct buf b = BUF_INIT(4U << 20);
	char digest[72];
	struct pulled o;

	drop_store();
	fill(&m, 1, 500, 14);
	served_make(&s, &m);
	served_publish(&s, server, "many", NULL);
	buf_add(&b, s.manifest.data, (size_t)(strstr(s.manifest.data, "]}") - s.manifest.data));
	while (b.len < (4U << 20) - 300)
		buf_printf(&b, ",{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}",
			   MEDIA_OCI_LAYER_GZIP, s.layer_digests[0], s.layers[0].len);
	buf_adds(&b, "]}");
	fakeregistry_manifest(server, "many", "1", served_type(&s), b.data, digest);
	fakeregistry_forget(server);
	o = pull("many:1");
	expect_refused(&o, E2BIG, "layers");
	CU_ASSERT_EQUAL(fakeregistry_requests(server), 1);
	buf_done(&b);
	served_done(&s);
	made_done(&m);
}

/* ---- several, at once, killed, full ----------------------------------------------------- */

/* One of three fails, and that one alone; the layer that two share comes once. */
static void test_several(void)
{
	struct made_image m = { .compression = MADE_GZIP }, m2 = { .compression = MADE_GZIP }, part;
	struct served_image good = { .n = 0 }, also = { .n = 0 }, bad = { .n = 0 };
	cleanup_free char *n1 = repo_name("s/good:1"), *n2 = repo_name("s/bad:1"),
			  *n3 = repo_name("s/also:1"), *broken = NULL;
	struct pulled o;

	drop_store();
	fill(&m, MADE_LAYERS_MAX, 3000, 15); /* more than are fetched at once */
	fill(&m2, 2, 6000, 16);		     /* the largest: the first to begin */
	served_make(&good, &m);
	served_make(&bad, &m2);
	served_publish(&good, server, "s/good", "1");
	served_publish(&bad, server, "s/bad", "1");
	part = m; /* its first two layers are the good one's too */
	part.n = 2;
	part.config = "{\"Cmd\":[\"other\"]}";
	served_make(&also, &part);
	served_publish(&also, server, "s/also", "1");
	broken = xasprintf("/v2/s/bad/blobs/%s", bad.layer_digests[0]);
	fakeregistry_answer(server, &(struct fake_answer){ .path = broken, .status = 404 });
	o = served_pull(&(struct pull_run){ .root = root_path(), .names = { n1, n2, n3 } });
	CU_ASSERT_EQUAL(o.r, 0);
	CU_ASSERT_EQUAL(o.images, 2);
	CU_ASSERT_EQUAL(o.failed, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(o.text, "s/bad"));
	CU_ASSERT_EQUAL(count_images(), 2);
	CU_ASSERT_EQUAL(fakeregistry_count(server, "GET", "/v2/s/good/blobs/"),
			MADE_LAYERS_MAX + 1);
	CU_ASSERT_EQUAL(fakeregistry_count(server, "GET", "/v2/s/also/blobs/"), 1);
	CU_ASSERT_EQUAL(count_layers(NULL), count_layers("complete"));
	served_done(&good);
	served_done(&also);
	served_done(&bad);
	made_done(&m);
	made_done(&m2);
}

static void test_two_at_once(void)
{
	struct made_image m = { .compression = MADE_GZIP };
	struct served_image s = { .n = 0 };
	cleanup_free char *name = repo_name("twice:1");
	struct pull_run run = { .root = root_path(), .names = { name } };
	struct pull_child a, b;
	struct pulled x, y;

	drop_store();
	fill(&m, LAYERS, 200000, 17);
	served_make(&s, &m);
	served_publish(&s, server, "twice", "1");
	fakeregistry_forget(server);
	a = served_start(&run);
	b = served_start(&run);
	x = served_wait(&a);
	y = served_wait(&b);
	expect_pulled(&x);
	expect_pulled(&y);
	CU_ASSERT_EQUAL(x.done + y.done, LAYERS);
	for (size_t i = 0; i < LAYERS; i++) {
		cleanup_free char *path = xasprintf("/v2/twice/blobs/%s", s.layer_digests[i]);

		CU_ASSERT_EQUAL(fakeregistry_count(server, "GET", path), 1);
	}
	CU_ASSERT_EQUAL(count_images(), 1);
	CU_ASSERT_EQUAL(count_layers("complete"), LAYERS);
	served_done(&s);
	made_done(&m);
}

/* Every layer that says it is complete has all its files. */
static bool is_sound(const struct made_image *m, size_t bytes)
{
	for (size_t l = 0; l < m->n; l++) {
		char diff[72];
		cleanup_free char *dir = NULL, *complete = NULL;
		struct stat st;

		served_digest(m->tars[l].data, m->tars[l].len, diff);
		dir = xasprintf("%s/layers/%s", root_path(), diff + 7);
		complete = xasprintf("%s/complete", dir);
		if (lstat(complete, &st) < 0)
			continue;
		for (int f = 0; f < 3; f++) {
			cleanup_free char *file = xasprintf("%s/diff/d%zu/f%d", dir, l, f);

			if (lstat(file, &st) < 0 || (size_t)st.st_size != bytes)
				return false;
		}
	}
	return true;
}

/* One of two dies with layers in its hands: the other one, which waits for them, takes over. */
static void test_takes_over(void)
{
	struct made_image m = { .compression = MADE_GZIP };
	struct served_image s = { .n = 0 };
	cleanup_free char *name = repo_name("over:1");
	struct pull_run run = { .root = root_path(), .names = { name } }, dying = run;

	fill(&m, LAYERS, 100000, 21);
	served_make(&s, &m);
	served_publish(&s, server, "over", "1");
	for (dying.die_at = 2; dying.die_at < 12; dying.die_at += 3) {
		struct pull_child a, b;
		struct pulled x, y;

		drop_store();
		a = served_start(&dying);
		b = served_start(&run);
		x = served_wait(&a);
		y = served_wait(&b);
		(void)x; /* it may have had less to do than it takes to die */
		expect_pulled(&y);
		CU_ASSERT_TRUE(is_sound(&m, 100000));
		CU_ASSERT_EQUAL(count_layers("complete"), LAYERS);
	}
	served_done(&s);
	made_done(&m);
}

/* Killed at each event of a pull: nothing half, the next one repairs and fetches no more than what
 * was not complete. */
static void test_killed(void)
{
	static const char *const stops[] = { "image:layer", "image:synced", "image:complete",
					     "image:index" };
	struct made_image m = { .compression = MADE_GZIP };
	struct served_image s = { .n = 0 };
	cleanup_free char *name = repo_name("kill:1");
	int moments = 0;

	fill(&m, LAYERS, 30000, 18);
	served_make(&s, &m);
	served_publish(&s, server, "kill", "1");
	for (int at = 1; at <= 100; at++) {
		struct pull_run run = { .root = root_path(), .names = { name }, .die_at = at };
		cleanup_free char *env = NULL;
		size_t complete;
		struct pulled o;

		if (at > 100 - (int)ARRAY_SIZE(stops)) {
			env = xasprintf("PODIUM_STOP_AT=%s", stops[100 - at]);
			run.die_at = 0;
			run.env = env;
		}
		drop_store();
		o = served_pull(&run);
		if (!o.died) { /* fewer events than that */
			at = 100 - (int)ARRAY_SIZE(stops);
			continue;
		}
		moments++;
		complete = count_layers("complete");
		CU_ASSERT_TRUE(is_sound(&m, 30000));
		CU_ASSERT_TRUE(count_images() == 0 || complete == LAYERS);
		run.die_at = 0;
		run.env = NULL;
		fakeregistry_forget(server);
		o = served_pull(&run);
		expect_pulled(&o);
		CU_ASSERT_EQUAL((size_t)o.done, LAYERS - complete);
		CU_ASSERT_TRUE(fakeregistry_count(server, "GET", "/v2/kill/blobs/") <=
			       LAYERS - complete + 1);
		CU_ASSERT_TRUE(is_sound(&m, 30000));
		CU_ASSERT_EQUAL(count_images(), 1);
		CU_ASSERT_EQUAL(count_layers("complete"), LAYERS);
		CU_ASSERT_EQUAL(count_layers(NULL), LAYERS);
	}
	CU_ASSERT_TRUE(moments >= 20);
	served_done(&s);
	made_done(&m);
}

/* A disk that is full sooner or later: an error that says so, nothing half; with room, it works. */
static void test_full_disk(void)
{
	struct made_image m = { .compression = MADE_GZIP };
	struct served_image s = { .n = 0 };
	cleanup_free char *dir = xasprintf("%s/small", temp);
	cleanup_free char *name = repo_name("full:1");
	cleanup_free char *root = xasprintf("%s/root", dir);
	int failures = 0;

	fill(&m, LAYERS, 100000, 19);
	served_make(&s, &m);
	served_publish(&s, server, "full", "1");
	CU_ASSERT_EQUAL_FATAL(mkdir(dir, 0755), 0);
	for (int kb = 64; kb <= 2100; kb += 267) {
		struct pull_run run = { .root = root, .names = { name } };
		cleanup_free char *small = xasprintf("mode=0755,size=%dk", kb);
		struct statvfs before, after;
		struct pulled o;
		struct store st;
		struct error err;
		cleanup_free char *runroot = xasprintf("%s-run", root);

		if (mount("tmpfs", dir, "tmpfs", 0, small) < 0) {
			TEST_SKIP("no tmpfs can be mounted: %s", strerror(errno));
			break;
		}
		if (store_open(root, runroot, STORE_WRITE, &st, &err) < 0)
			abort();
		store_close(&st);
		(void)statvfs(dir, &before);
		o = served_pull(&run);
		CU_ASSERT_FALSE(o.died);
		failures += o.failed;
		if (o.failed) {
			if (o.code != ENOSPC)
				printf("%d KiB: code %d: %s\n", kb, o.code, o.text);
			CU_ASSERT_EQUAL(o.code, ENOSPC);
			CU_ASSERT_PTR_NOT_NULL(strstr(o.text, name));
			CU_ASSERT_PTR_NOT_NULL(strstr(o.text, "no space left"));
			CU_ASSERT_EQUAL(o.images, 0);
			CU_ASSERT_EQUAL(count_layers_of(root, NULL),
					count_layers_of(root, "complete"));
			CU_ASSERT_EQUAL(mount("tmpfs", dir, "tmpfs", MS_REMOUNT, "size=8m"), 0);
			o = served_pull(&run);
			expect_pulled(&o);
		} else {
			expect_pulled(&o);
		}
		(void)statvfs(dir, &after);
		CU_ASSERT_TRUE(after.f_files >= before.f_files);
		(void)umount2(dir, MNT_DETACH);
	}
	CU_ASSERT_TRUE(failures >= 4);
	served_done(&s);
	made_done(&m);
}

static int begin(void)
{
	temp = temp_make();
	temp_in_memory(temp);
	{
		cleanup_free char *conf = xasprintf("%s/registries.conf", temp);
		cleanup_close int fd = open(conf, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0)
			return 1;
		(void)setenv("CONTAINERS_REGISTRIES_CONF", conf, 1);
		(void)setenv("HOME", temp, 1);
		(void)setenv("XDG_RUNTIME_DIR", temp, 1);
		(void)unsetenv("REGISTRY_AUTH_FILE");
	}
	(void)signal(SIGPIPE, SIG_IGN);
	server = fakeregistry_new(FAKE_PLAIN, NULL);
	return server ? 0 : 1;
}

static int end(void)
{
	fakeregistry_free(server);
	temp_remove(temp);
	return 0;
}

static CU_TestInfo tests[] = { { "forms of layers and manifests", test_forms },
			       { "once more", test_again },
			       { "policies", test_policies },
			       { "by digest", test_by_digest },
			       { "indexes", test_index },
			       { "platforms that do not fit", test_platform },
			       { "one byte changed (REG-8)", test_lies },
			       { "sizes that are lies", test_sizes },
			       { "truncated", test_truncated },
			       { "a valid prefix", test_valid_prefix },
			       { "zstd:chunked", test_chunked },
			       { "foreign layers (REG-2)", test_foreign },
			       { "too many layers", test_many_layers },
			       { "several images", test_several },
			       { "two at once", test_two_at_once },
			       { "one of two dies", test_takes_over },
			       { "killed at each event", test_killed },
			       { "a full disk", test_full_disk },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "imagepull", begin, end, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
