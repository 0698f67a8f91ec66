/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_imagepull - from a registry into the store: every form, several, at once, killed, a full disk.
 *
 * Theory of operation: tests/support/pullbed.h has the registry and the store; the pull runs in a
 * child. "Nothing half" always means: not in the index, no `complete` but of layers whose content is
 * right, and no debris after the next pull. Needs root for the unpackers' namespaces. Lies are in
 * test_imagelies.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "engine/base/str.h"
#include "tests/support/cunit_main.h"
#include "tests/support/pullbed.h"

#define LAYERS 6

/* ---- what is right ---------------------------------------------------------------------- */

static void test_forms(void)
{
	for (int form = 0; form < 4; form++) {
		struct made_image m = { .compression = form == 3 ? MADE_GZIP
								 : (enum made_compression)form };
		struct served_image s = { .is_docker = form == 3 };
		struct pulled o;
		cleanup_free char *name = bed_name("form:1");

		bed_drop();
		bed_fill(&m, 2, 3000, 1);
		served_make(&s, &m);
		served_publish(&s, bed_server, "form", "1");
		o = bed_pull("form:1");
		bed_expect_pulled(&o);
		CU_ASSERT_EQUAL(o.begun, 2);
		CU_ASSERT_EQUAL(o.done, 2);
		CU_ASSERT_STRING_EQUAL(o.name, name);
		CU_ASSERT_STRING_EQUAL(o.id, s.config_digest + 7);
		CU_ASSERT_EQUAL(bed_layers("complete"), 2);
		CU_ASSERT_EQUAL(bed_layers(NULL), 2);
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

	bed_drop();
	bed_fill(&m, 2, 3000, 2);
	served_make(&s, &m);
	served_publish(&s, bed_server, "again", "1");
	o = bed_pull("again:1");
	bed_expect_pulled(&o);
	fakeregistry_forget(bed_server);
	o = bed_pull("again:1");
	bed_expect_pulled(&o);
	CU_ASSERT_EQUAL(o.exists + o.begun, 0);
	CU_ASSERT_EQUAL(fakeregistry_count(bed_server, "GET", "/v2/again/"), 1);
	CU_ASSERT_EQUAL(fakeregistry_requests(bed_server), 1);
	{
		char diff[72];

		served_digest(m.tars[0].data, m.tars[0].len, diff);
		path = xasprintf("%s/layers/%s/complete", bed_root(), diff + 7);
	}
	CU_ASSERT_EQUAL(unlink(path), 0);
	o = bed_pull("again:1");
	bed_expect_pulled(&o);
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

	bed_drop();
	bed_fill(&m, 1, 500, 3);
	bed_fill(&m2, 1, 500, 4);
	served_make(&s, &m);
	served_make(&s2, &m2);
	served_publish(&s, bed_server, "policy", "1");
	fakeregistry_forget(bed_server);
	o = bed_pull_as("policy:1", PULL_NEVER, NULL);
	CU_ASSERT_EQUAL(o.failed, 1);
	CU_ASSERT_EQUAL(o.code, ENOENT);
	CU_ASSERT_EQUAL(fakeregistry_requests(bed_server), 0);
	o = bed_pull_as("policy:1", PULL_MISSING, NULL);
	bed_expect_pulled(&o);
	fakeregistry_forget(bed_server);
	o = bed_pull_as("policy:1", PULL_MISSING, NULL);
	bed_expect_pulled(&o);
	o = bed_pull_as("policy:1", PULL_NEVER, NULL);
	bed_expect_pulled(&o);
	CU_ASSERT_EQUAL(fakeregistry_requests(bed_server), 0);
	o = bed_pull_as("policy:1", PULL_NEWER, NULL);
	bed_expect_pulled(&o);
	CU_ASSERT_EQUAL(fakeregistry_count(bed_server, "HEAD", "/v2/policy/"), 1);
	CU_ASSERT_EQUAL(fakeregistry_requests(bed_server), 1);
	/* it changes: newer takes it, missing does not look */
	served_publish(&s2, bed_server, "policy", "1");
	o = bed_pull_as("policy:1", PULL_MISSING, NULL);
	CU_ASSERT_STRING_EQUAL(o.id, s.config_digest + 7);
	o = bed_pull_as("policy:1", PULL_NEWER, NULL);
	bed_expect_pulled(&o);
	CU_ASSERT_STRING_EQUAL(o.id, s2.config_digest + 7);
	/* it is gone: newer forgives, always does not */
	fakeregistry_answer(bed_server,
			    &(struct fake_answer){ .path = "/v2/policy/*", .status = 404 });
	o = bed_pull_as("policy:1", PULL_NEWER, NULL);
	bed_expect_pulled(&o);
	CU_ASSERT_STRING_EQUAL(o.id, s2.config_digest + 7);
	o = bed_pull_as("policy:1", PULL_ALWAYS, NULL);
	CU_ASSERT_EQUAL(o.failed, 1);
	CU_ASSERT_EQUAL(bed_images(), 2);
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

	bed_drop();
	bed_fill(&m, 1, 500, 5);
	served_make(&s, &m);
	served_publish(&s, bed_server, "digest", NULL);
	plain = xasprintf("digest@%s", s.digest);
	both = xasprintf("digest:no-such@%s", s.digest);
	o = bed_pull(plain);
	bed_expect_pulled(&o);
	CU_ASSERT_STRING_EQUAL(o.name, "");
	fakeregistry_forget(bed_server);
	o = bed_pull(both);
	bed_expect_pulled(&o);
	CU_ASSERT_EQUAL(o.begun + o.exists, 0);
	CU_ASSERT_EQUAL(bed_images(), 1);
	o = bed_pull_as(plain, PULL_MISSING, NULL);
	bed_expect_pulled(&o);
	served_done(&s);
	made_done(&m);
}

static void test_index(void)
{
	struct made_image m = { .compression = MADE_GZIP }, m2 = { .compression = MADE_GZIP };
	struct served_image s = { .n = 0 }, arm = { .architecture = "arm64" };
	cleanup_free char *a = NULL, *b = NULL, *both = NULL, *nested = NULL, *full = NULL;
	char digest[72], deeper[72];
	struct pulled o;

	bed_fill(&m, 1, 500, 6);
	bed_fill(&m2, 1, 500, 7);
	served_make(&s, &m);
	served_make(&arm, &m2);
	served_publish(&s, bed_server, "index", NULL);
	served_publish(&arm, bed_server, "index", NULL);
	a = served_entry(&s, "\"os\":\"linux\",\"architecture\":\"amd64\"");
	b = served_entry(&arm, "\"os\":\"linux\",\"architecture\":\"arm64\"");
	both = xasprintf("%s,%s", b, a);
	full = bed_name("index:1");
	for (int docker = 0; docker < 2; docker++) {
		bed_drop();
		bed_index("index", "1", docker ? MEDIA_DOCKER_LIST : MEDIA_OCI_INDEX, both, digest);
		o = served_pull(&(struct pull_run){
			.root = bed_root(), .names = { full }, .platform = "linux/amd64" });
		bed_expect_pulled(&o);
		CU_ASSERT_STRING_EQUAL(o.id, s.config_digest + 7);
		fakeregistry_forget(bed_server);
		o = served_pull(&(struct pull_run){
			.root = bed_root(), .names = { full }, .platform = "linux/amd64" });
		CU_ASSERT_EQUAL(fakeregistry_requests(bed_server),
				1); /* the list's digest is known */
		o = served_pull(&(struct pull_run){
			.root = bed_root(), .names = { full }, .platform = "linux/arm64" });
		bed_expect_pulled(&o);
		CU_ASSERT_STRING_EQUAL(o.id, arm.config_digest + 7);
		o = served_pull(&(struct pull_run){
			.root = bed_root(), .names = { full }, .platform = "linux/s390x" });
		CU_ASSERT_EQUAL(o.code, ENOENT);
		CU_ASSERT_PTR_NOT_NULL(strstr(o.text, "linux/arm64, linux/amd64"));
	}
	/* an index in an index may be, a third may not */
	bed_drop();
	bed_index("index", NULL, MEDIA_OCI_INDEX, both, digest);
	nested = xasprintf("{\"mediaType\":\"" MEDIA_OCI_INDEX "\",\"digest\":\"%s\",\"size\":%zu,"
			   "\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}}",
			   digest,
			   strlen(both) +
				   strlen("{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX
					  "\",\"manifests\":[]}"));
	bed_index("index", "2", MEDIA_OCI_INDEX, nested, deeper);
	o = bed_pull("index:2");
	bed_expect_pulled(&o);
	bed_drop();
	{
		cleanup_free char *third = xasprintf(
			"{\"mediaType\":\"" MEDIA_OCI_INDEX "\",\"digest\":\"%s\",\"size\":%zu,"
			"\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}}",
			deeper,
			strlen(nested) +
				strlen("{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX
				       "\",\"manifests\":[]}"));

		bed_index("index", "3", MEDIA_OCI_INDEX, third, digest);
	}
	o = bed_pull("index:3");
	bed_expect_refused(&o, E2BIG, "an index in an index in an index");
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

	bed_drop();
	bed_fill(&m, 1, 500, 8);
	served_make(&odd, &m);
	served_publish(&odd, bed_server, "odd", "1");
	o = bed_pull("odd:1");
	bed_expect_pulled(&o);
	CU_ASSERT_EQUAL(o.warnings, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(o.text, "linux/s390x"));
	bed_drop();
	served_make(&alien, &m);
	served_publish(&alien, bed_server, "alien", "1");
	o = bed_pull("alien:1");
	bed_expect_refused(&o, EBADMSG, "windows");
	served_done(&odd);
	served_done(&alien);
	made_done(&m);
}

/* ---- several, at once, killed, full ----------------------------------------------------- */

/* One of three fails, and that one alone; the layer that two share comes once. */
static void test_several(void)
{
	struct made_image m = { .compression = MADE_GZIP }, m2 = { .compression = MADE_GZIP }, part;
	struct served_image good = { .n = 0 }, also = { .n = 0 }, bad = { .n = 0 };
	cleanup_free char *n1 = bed_name("s/good:1"), *n2 = bed_name("s/bad:1"),
			  *n3 = bed_name("s/also:1"), *broken = NULL;
	struct pulled o;

	bed_drop();
	bed_fill(&m, MADE_LAYERS_MAX, 3000, 15); /* more than are fetched at once */
	bed_fill(&m2, 2, 6000, 16);		 /* the largest: the first to begin */
	served_make(&good, &m);
	served_make(&bad, &m2);
	served_publish(&good, bed_server, "s/good", "1");
	served_publish(&bad, bed_server, "s/bad", "1");
	part = m; /* its first two layers are the good one's too */
	part.n = 2;
	part.config = "{\"Cmd\":[\"other\"]}";
	served_make(&also, &part);
	served_publish(&also, bed_server, "s/also", "1");
	broken = xasprintf("/v2/s/bad/blobs/%s", bad.layer_digests[0]);
	fakeregistry_answer(bed_server, &(struct fake_answer){ .path = broken, .status = 404 });
	o = served_pull(&(struct pull_run){ .root = bed_root(), .names = { n1, n2, n3 } });
	CU_ASSERT_EQUAL(o.r, 0);
	CU_ASSERT_EQUAL(o.images, 2);
	CU_ASSERT_EQUAL(o.failed, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(o.text, "s/bad"));
	CU_ASSERT_EQUAL(bed_images(), 2);
	CU_ASSERT_EQUAL(fakeregistry_count(bed_server, "GET", "/v2/s/good/blobs/"),
			MADE_LAYERS_MAX + 1);
	CU_ASSERT_EQUAL(fakeregistry_count(bed_server, "GET", "/v2/s/also/blobs/"), 1);
	CU_ASSERT_EQUAL(bed_layers(NULL), bed_layers("complete"));
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
	cleanup_free char *name = bed_name("twice:1");
	struct pull_run run = { .root = bed_root(), .names = { name } };
	struct pull_child a, b;
	struct pulled x, y;

	bed_drop();
	bed_fill(&m, LAYERS, 200000, 17);
	served_make(&s, &m);
	served_publish(&s, bed_server, "twice", "1");
	fakeregistry_forget(bed_server);
	a = served_start(&run);
	b = served_start(&run);
	x = served_wait(&a);
	y = served_wait(&b);
	bed_expect_pulled(&x);
	bed_expect_pulled(&y);
	CU_ASSERT_EQUAL(x.done + y.done, LAYERS);
	for (size_t i = 0; i < LAYERS; i++) {
		cleanup_free char *path = xasprintf("/v2/twice/blobs/%s", s.layer_digests[i]);

		CU_ASSERT_EQUAL(fakeregistry_count(bed_server, "GET", path), 1);
	}
	CU_ASSERT_EQUAL(bed_images(), 1);
	CU_ASSERT_EQUAL(bed_layers("complete"), LAYERS);
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
		dir = xasprintf("%s/layers/%s", bed_root(), diff + 7);
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
	cleanup_free char *name = bed_name("over:1");
	struct pull_run run = { .root = bed_root(), .names = { name } }, dying = run;

	bed_fill(&m, LAYERS, 100000, 21);
	served_make(&s, &m);
	served_publish(&s, bed_server, "over", "1");
	for (dying.die_at = 2; dying.die_at < 12; dying.die_at += 3) {
		struct pull_child a, b;
		struct pulled x, y;

		bed_drop();
		a = served_start(&dying);
		b = served_start(&run);
		x = served_wait(&a);
		y = served_wait(&b);
		(void)x; /* it may have had less to do than it takes to die */
		bed_expect_pulled(&y);
		CU_ASSERT_TRUE(is_sound(&m, 100000));
		CU_ASSERT_EQUAL(bed_layers("complete"), LAYERS);
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
	cleanup_free char *name = bed_name("kill:1");
	int moments = 0;

	bed_fill(&m, LAYERS, 30000, 18);
	served_make(&s, &m);
	served_publish(&s, bed_server, "kill", "1");
	for (int at = 1; at <= 100; at++) {
		struct pull_run run = { .root = bed_root(), .names = { name }, .die_at = at };
		cleanup_free char *env = NULL;
		size_t complete;
		struct pulled o;

		if (at > 100 - (int)ARRAY_SIZE(stops)) {
			env = xasprintf("PODIUM_STOP_AT=%s", stops[100 - at]);
			run.die_at = 0;
			run.env = env;
		}
		bed_drop();
		o = served_pull(&run);
		if (!o.died) { /* fewer events than that */
			at = 100 - (int)ARRAY_SIZE(stops);
			continue;
		}
		moments++;
		complete = bed_layers("complete");
		CU_ASSERT_TRUE(is_sound(&m, 30000));
		CU_ASSERT_TRUE(bed_images() == 0 || complete == LAYERS);
		run.die_at = 0;
		run.env = NULL;
		fakeregistry_forget(bed_server);
		o = served_pull(&run);
		bed_expect_pulled(&o);
		CU_ASSERT_EQUAL((size_t)o.done, LAYERS - complete);
		CU_ASSERT_TRUE(fakeregistry_count(bed_server, "GET", "/v2/kill/blobs/") <=
			       LAYERS - complete + 1);
		CU_ASSERT_TRUE(is_sound(&m, 30000));
		CU_ASSERT_EQUAL(bed_images(), 1);
		CU_ASSERT_EQUAL(bed_layers("complete"), LAYERS);
		CU_ASSERT_EQUAL(bed_layers(NULL), LAYERS);
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
	cleanup_free char *dir = xasprintf("%s/small", bed_temp);
	cleanup_free char *name = bed_name("full:1");
	cleanup_free char *root = xasprintf("%s/root", dir);
	int failures = 0;

	bed_fill(&m, LAYERS, 100000, 19);
	served_make(&s, &m);
	served_publish(&s, bed_server, "full", "1");
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
			CU_ASSERT_EQUAL(bed_layers_of(root, NULL), bed_layers_of(root, "complete"));
			CU_ASSERT_EQUAL(mount("tmpfs", dir, "tmpfs", MS_REMOUNT, "size=8m"), 0);
			o = served_pull(&run);
			bed_expect_pulled(&o);
		} else {
			bed_expect_pulled(&o);
		}
		(void)statvfs(dir, &after);
		CU_ASSERT_TRUE(after.f_files >= before.f_files);
		(void)umount2(dir, MNT_DETACH);
	}
	CU_ASSERT_TRUE(failures >= 4);
	served_done(&s);
	made_done(&m);
}

static CU_TestInfo tests[] = {
	{ "forms of layers and manifests", test_forms },
	{ "once more", test_again },
	{ "policies", test_policies },
	{ "by digest", test_by_digest },
	{ "indexes", test_index },
	{ "platforms that do not fit", test_platform },
	{ "several images", test_several },
	{ "two at once", test_two_at_once },
	{ "one of two dies", test_takes_over },
	{ "killed at each event", test_killed },
	{ "a full disk", test_full_disk },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "imagepull", bed_begin, bed_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
