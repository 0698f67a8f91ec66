/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pull - `podium pull` against Debian's docker-registry on loopback, as a person uses it: every form
 * of an image, platforms, passwords and certificates, mirrors, all tags, what lies here already; two
 * at once, killed, interrupted.
 *
 * What a hostile registry may try is in tests/unit/test_imagepull.c and test_regfaults.c.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"
#include "tests/integration/regserver.h"
#include "tests/support/fakeregistry.h"

static struct regserver open_registry;
static struct regserver closed; /* TLS, alice */
static bool is_possible;

static int begin(void)
{
	if (harness_begin() != 0)
		return 1;
	is_possible = regserver_is_possible();
	if (!is_possible)
		return 0;
	return regserver_start_two(&open_registry, &closed) &&
			       regserver_fill_made(&open_registry, "busybox", "library/busybox:1",
						   REGSERVER_OCI) &&
			       regserver_fill_made(&open_registry, "nginx", "library/nginx:latest",
						   REGSERVER_OCI) &&
			       regserver_fill_made(&closed, "busybox", "team/app:1", REGSERVER_OCI)
		       ? 0
		       : 1;
}

static int end(void)
{
	int r = harness_end();

	regserver_stop(&open_registry);
	regserver_stop(&closed);
	return r;
}

/* Another pair of trees, empty, for the test that calls it; no configuration. */
static bool fresh(const char *name)
{
	if (!is_possible) {
		TEST_SKIP("no registry here");
		return false;
	}
	harness_fresh(name);
	regserver_configure("");
	return true;
}

/* stdout is the ids of these images and nothing else. */
static void check_id(const struct result *r, const struct regserver *s, const char *name)
{
	cleanup_free char *id = regserver_config_digest(s, name);
	cleanup_free char *line = xasprintf("%s\n", strlen(id) > 7 ? id + 7 : "?");

	CHECK_EQUAL(r->out, line);
}

static void check_images(const char *format, const char *wanted)
{
	cleanup_result struct result r = podium("images --format '%s'", format);

	CHECK_EQUAL(r.out, wanted);
}

/* ---- what is in a registry -------------------------------------------------------------- */

static void test_forms(void)
{
	static const char *const names[] = { "t/oci:1", "t/schema2:1", "t/zstd:1", "t/plain:1" };

	if (!fresh("forms"))
		return;
	for (int i = 0; i < REGSERVER__COUNT; i++) {
		cleanup_result struct result r = { 0 }, again = { 0 }, quiet = { 0 };
		cleanup_free char *trying =
			xasprintf("Trying to pull %s/%s...\n", open_registry.host, names[i]);
		cleanup_free char *digest = NULL, *line = NULL;

		CHECK(regserver_fill_made(&open_registry, "busybox", names[i],
					  (enum regserver_form)i),
		      "cannot fill in %s", names[i]);
		r = podium("pull --tls-verify=false %s/%s", open_registry.host, names[i]);
		CHECK_CODE(r, 0);
		check_id(&r, &open_registry, names[i]);
		CHECK(is_prefix(r.err, trying), "stderr: %s", r.err);
		again = podium("pull --tls-verify=false docker://%s/%s", open_registry.host,
			       names[i]);
		CHECK_CODE(again, 0);
		CHECK_EQUAL(again.err, trying);
		CHECK_EQUAL(again.out, r.out);
		quiet = podium("pull -q --tls-verify=false %s/%s", open_registry.host, names[i]);
		CHECK_EQUAL(quiet.err, "");
		CHECK_EQUAL(quiet.out, r.out);
		digest = regserver_digest(&open_registry, names[i]);
		line = xasprintf("%s\n", digest);
		{
			cleanup_result struct result images =
				podium("images --format '{{.Digest}}' %s/%s", open_registry.host,
				       names[i]);

			CHECK_EQUAL(images.out, line);
		}
		MUST(0, "rmi %s/%s", open_registry.host, names[i]);
	}
}

static void test_platforms(void)
{
	static const struct regserver_entry entries[] = { { "amd64", NULL, "a" },
							  { "arm64", "v8", "b" } };
	static const struct {
		const char *options, *tag;
	} cases[] = { { "--platform linux/amd64", "a" },
		      { "--arch arm64", "b" },
		      { "--arch aarch64 --os linux --variant v8", "b" } };
	cleanup_result struct result none = { 0 }, only = { 0 };

	if (!fresh("platforms"))
		return;
	CHECK(regserver_fill_made(&open_registry, "busybox", "t/many:a", REGSERVER_OCI), "a");
	CHECK(regserver_fill_made(&open_registry, "payload", "t/many:b", REGSERVER_OCI), "b");
	for (int docker = 0; docker < 2; docker++) {
		CHECK(regserver_fill_index(&open_registry, "t/many", "1", docker, entries, 2),
		      "index");
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			cleanup_free char *name = xasprintf("t/many:%s", cases[i].tag);
			cleanup_result struct result r =
				podium("pull -q --tls-verify=false %s %s/t/many:1",
				       cases[i].options, open_registry.host);

			CHECK_CODE(r, 0);
			check_id(&r, &open_registry, name);
		}
	}
	none = podium("pull --tls-verify=false --arch s390x %s/t/many:1", open_registry.host);
	CHECK_CODE(none, 125);
	CHECK_HAS(none.err, "not made for linux/s390x, but for linux/amd64, linux/arm64/v8");
	MUST(125, "pull --platform linux/amd64 --arch arm64 %s/t/many:1", open_registry.host);
	only = podium("pull --tls-verify=false --os windows %s/t/many:a", open_registry.host);
	CHECK_CODE(only, 0);
	CHECK_HAS(only.err, "is for linux/amd64, not for windows/amd64");
}

static void test_all_tags(void)
{
	cleanup_result struct result r = { 0 };
	size_t lines = 0;

	if (!fresh("tags"))
		return;
	for (int i = 0; i < 3; i++) {
		cleanup_free char *name = xasprintf("t/tags:v%d", i);

		CHECK(regserver_fill_made(&open_registry, i == 2 ? "payload" : "busybox", name,
					  REGSERVER_OCI),
		      "fill");
	}
	r = podium("pull -q -a --tls-verify=false %s/t/tags", open_registry.host);
	CHECK_CODE(r, 0);
	for (const char *c = r.out; *c; c++)
		lines += *c == '\n';
	CHECK(lines == 3, "%s", r.out);
	for (int i = 0; i < 3; i++)
		MUST(0, "image exists %s/t/tags:v%d", open_registry.host, i);
	MUST(125, "pull -q -a --tls-verify=false %s/t/tags:v1", open_registry.host);
}

/* ---- who may, and where ----------------------------------------------------------------- */

static void test_closed(void)
{
	cleanup_result struct result stranger = { 0 }, wrong = { 0 }, nobody = { 0 }, r = { 0 },
				     file = { 0 };
	cleanup_free char *text = NULL, *path = NULL;

	if (!fresh("closed"))
		return;
	stranger = podium("pull --creds alice:hush-4711 %s/team/app:1", closed.host);
	CHECK_CODE(stranger, 125);
	CHECK_LACKS(stranger.err, "hush-4711");
	nobody = podium("pull --cert-dir %s/certs %s/team/app:1", closed.dir, closed.host);
	CHECK_CODE(nobody, 125);
	wrong = podium("pull --cert-dir %s/certs --creds alice:oops-1234 %s/team/app:1", closed.dir,
		       closed.host);
	CHECK_CODE(wrong, 125);
	CHECK_HAS(wrong.err, closed.host);
	CHECK_LACKS(wrong.err, "oops-1234");
	check_images("{{.ID}}", "");
	r = podium("pull -q --cert-dir %s/certs --creds alice:hush-4711 %s/team/app:1", closed.dir,
		   closed.host);
	CHECK_CODE(r, 0);
	check_id(&r, &closed, "team/app:1");
	MUST(0, "rmi %s/team/app:1", closed.host);
	text = regserver_auth_text(&closed, NULL);
	write_file("auth.json", "%s", text);
	path = xasprintf("%s/auth.json", harness.work);
	file = podium("pull -q --cert-dir %s/certs --authfile %s %s/team/app:1", closed.dir, path,
		      closed.host);
	CHECK_CODE(file, 0);
	remove_path(path);
}

/* Short names, a mirror that is dead, one that has it, one that has not. */
static void test_mirrors(void)
{
	cleanup_result struct result r = { 0 }, search = { 0 }, none = { 0 };

	if (!fresh("mirrors"))
		return;
	{
		cleanup_free char *conf = xasprintf(
			"[[registry]]\nprefix = \"docker.io\"\nlocation = \"127.0.0.1:9\"\n"
			"insecure = true\n"
			"[[registry.mirror]]\nlocation = \"127.0.0.1:1\"\ninsecure = true\n"
			"[[registry.mirror]]\nlocation = \"%s\"\ninsecure = true\n",
			open_registry.host);

		regserver_configure(conf);
	}
	r = podium("pull busybox:1");
	CHECK_CODE(r, 0);
	check_id(&r, &open_registry, "library/busybox:1");
	CHECK_HAS(r.err, "Trying to pull docker.io/library/busybox:1...");
	check_images("{{.Repository}}:{{.Tag}}", "docker.io/library/busybox:1\n");
	none = podium("pull no-such:1");
	CHECK_CODE(none, 125);
	CHECK_HAS(none.err, "docker.io/library/no-such:1");
	/* several registries to search: the second has it */
	{
		cleanup_free char *conf =
			xasprintf("unqualified-search-registries = [\"127.0.0.1:1\", \"%s\"]\n"
				  "short-name-mode = \"permissive\"\n"
				  "[[registry]]\nlocation = \"%s\"\ninsecure = true\n"
				  "[[registry]]\nlocation = \"127.0.0.1:1\"\ninsecure = true\n",
				  open_registry.host, open_registry.host);

		regserver_configure(conf);
	}
	search = podium("pull -q library/nginx");
	CHECK_CODE(search, 0);
	check_id(&search, &open_registry, "library/nginx:latest");
}

static void test_policies(void)
{
	if (!fresh("policies"))
		return;
	MUST(125, "pull --policy never --tls-verify=false %s/library/busybox:1",
	     open_registry.host);
	MUST(125, "pull --policy sometimes %s/library/busybox:1", open_registry.host);
	MUST(0, "pull -q --policy missing --tls-verify=false %s/library/busybox:1",
	     open_registry.host);
	regserver_halt(&open_registry);
	MUST(0, "pull -q --policy never %s/library/busybox:1", open_registry.host);
	MUST(0, "pull -q --policy missing %s/library/busybox:1", open_registry.host);
	MUST(0, "pull -q --policy newer --tls-verify=false %s/library/busybox:1",
	     open_registry.host);
	MUST(125, "pull -q --tls-verify=false %s/library/busybox:1", open_registry.host);
	CHECK(regserver_resume(&open_registry), "again");
}

/* Several, of which one fails: the others are there, and the reason is said. */
static void test_several(void)
{
	cleanup_result struct result r = { 0 };

	if (!fresh("several"))
		return;
	r = podium("pull --tls-verify=false %s/library/busybox:1 %s/no/such:1 "
		   "%s/library/nginx:latest",
		   open_registry.host, open_registry.host, open_registry.host);
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "no/such:1");
	MUST(0, "image exists %s/library/busybox:1", open_registry.host);
	MUST(0, "image exists %s/library/nginx:latest", open_registry.host);
}

/* ---- what lies here --------------------------------------------------------------------- */

static void skopeo(const char *to)
{
	cleanup_free char *options = regserver_skopeo_options(&open_registry, "src-");
	cleanup_result struct result r =
		run("skopeo --insecure-policy copy -q %s docker://%s/library/busybox:1 %s", options,
		    open_registry.host, to);

	CHECK_CODE(r, 0);
}

static void test_local(void)
{
	static const char *const forms[] = { "oci:%s/lay:one", "oci-archive:%s/lay.tar:one",
					     "docker-archive:%s/lay2.tar:t/x:one", "dir:%s/flat" };

	if (!fresh("local"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		char name[600];
		cleanup_result struct result r = { 0 };

		(void)snprintf(name, sizeof(name), "%.*s%s%s", (int)strcspn(forms[i], "%"),
			       forms[i], harness.work, strchr(forms[i], '%') + 2);
		skopeo(name);
		r = podium("pull -q %s", name);
		CHECK_CODE(r, 0);
		check_id(&r, &open_registry, "library/busybox:1");
	}
	MUST(125, "pull -q oci:%s/lay:two", harness.work);
	MUST(125, "pull -q oci:%s/nowhere", harness.work);
	MUST(125, "pull -q oci:");
}

/* A layout from a stranger: names that leave it, links, pipes. */
static void test_hostile_layout(void)
{
	static const char index[] =
		"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":"
		"\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"%s\",\"size\":7}]}";
	static const char zero[] =
		"0000000000000000000000000000000000000000000000000000000000000000";
	cleanup_free char *blob = xasprintf("bad/blobs/sha256/%s", zero);
	cleanup_free char *path = xasprintf("%s/%s", harness.work, blob);
	cleanup_free char *digest = xasprintf("sha256:%s", zero);

	if (!fresh("hostile"))
		return;
	write_file("secret", "secret\n");
	write_file("bad/oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
	write_file("bad/index.json", index, "sha256:../../../secret");
	MUST(125, "pull oci:%s/bad", harness.work);
	write_file("bad/index.json", index, digest);
	write_file(blob, "x");
	for (int how = 0; how < 2; how++) {
		cleanup_result struct result r = { 0 };

		(void)unlink(path);
		CHECK((how ? mkfifo(path, 0600) : symlink("../../../secret", path)) == 0, "make");
		r = podium("pull oci:%s/bad", harness.work);
		CHECK_CODE(r, 125);
		CHECK_LACKS(r.err, "secret\n");
	}
	check_images("{{.ID}}", "");
	/* a good one whose blobs are elsewhere, behind a link */
	{
		cleanup_free char *good = xasprintf("oci:%s/good:one", harness.work);
		cleanup_free char *blobs = xasprintf("%s/good/blobs", harness.work);
		cleanup_free char *outside = xasprintf("%s/outside", harness.work);

		skopeo(good);
		CHECK(rename(blobs, outside) == 0 && symlink("../outside", blobs) == 0, "move");
		MUST(125, "pull -q %s", good);
		check_images("{{.ID}}", "");
		CHECK(unlink(blobs) == 0 && rename(outside, blobs) == 0, "move back");
		MUST(0, "pull -q %s", good);
	}
}

/* ---- at once, killed, interrupted ------------------------------------------------------- */

static void test_two_at_once(void)
{
	struct job a, b;

	if (!fresh("twice"))
		return;
	a = job_podium("pull --tls-verify=false %s/library/nginx:latest", open_registry.host);
	b = job_podium("pull --tls-verify=false %s/library/nginx:latest", open_registry.host);
	{
		cleanup_result struct result x = job_wait(&a, DEADLINE_MS);
		cleanup_result struct result y = job_wait(&b, DEADLINE_MS);

		CHECK_CODE(x, 0);
		CHECK_CODE(y, 0);
		CHECK_EQUAL(x.out, y.out);
	}
	MUST(0, "image exists %s/library/nginx:latest", open_registry.host);
}

/* The command killed at 20 moments: no process left, nothing half, the next one works. */
static void test_killed(void)
{
	cleanup_snapshot struct snapshot before;

	if (!fresh("killed"))
		return;
	MUST(0, "pull -q --tls-verify=false %s/library/busybox:1", open_registry.host);
	snapshot_take(&before);
	for (int i = 0; i < 20; i++) {
		struct job j = job_podium("pull --tls-verify=false %s/library/nginx:latest",
					  open_registry.host);

		(void)usleep((useconds_t)i * 15000);
		(void)kill(j.pid, SIGKILL);
		DISCARD(job_wait(&j, DEADLINE_MS));
		{
			cleanup_result struct result r =
				podium("pull -q --tls-verify=false %s/library/nginx:latest",
				       open_registry.host);

			CHECK_CODE(r, 0);
			check_id(&r, &open_registry, "library/nginx:latest");
		}
		MUST(0, "rmi %s/library/nginx:latest", open_registry.host);
	}
	CHECK_NOTHING_LEFT(&before, "killed pulls");
}

/* A registry that stalls: Ctrl-C ends it now, and nothing stays. */
static void test_interrupted(void)
{
	struct fakeregistry *f;
	cleanup_snapshot struct snapshot before;
	struct job j;

	if (!fresh("interrupted"))
		return;
	f = fakeregistry_new(FAKE_PLAIN, NULL);
	if (!CHECK(f != NULL, "no fake registry"))
		return;
	MUST(0, "pod rm -f -a"); /* a store that is there, and empty */
	snapshot_take(&before);
	fakeregistry_answer(f, &(struct fake_answer){ .path = "/v2/*", .stall = FAKE_STALL_HEAD });
	j = job_podium("pull --tls-verify=false %s/a/b:1", fakeregistry_name(f));
	CHECK(WAIT_UNTIL(fakeregistry_requests(f) > 0, DEADLINE_MS), "not asked");
	(void)kill(j.pid, SIGINT);
	{
		cleanup_result struct result r = job_wait(&j, DEADLINE_MS);

		CHECK_CODE(r, 128 + SIGINT);
	}
	fakeregistry_free(f);
	CHECK_NOTHING_LEFT(&before, "an interrupted pull");
}

/* podium is killed when it has asked its helper, which has not begun yet. */
static void test_orphan(void)
{
	cleanup_free char *program = xasprintf("%s/podium-image", harness.build);
	cleanup_free char *request =
		xasprintf("{\"images\":[{\"name\":\"%s/library/busybox:1\",\"policy\":\"always\"}],"
			  "\"tls-verify\":false}\n",
			  open_registry.host);
	int ends[2], status = 0;
	pid_t pid;

	if (!fresh("orphan"))
		return;
	MUST(1, "image exists busybox"); /* a store that is there */
	if (!CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair"))
		return;
	CHECK(write(ends[0], request, strlen(request)) == (ssize_t)strlen(request), "request");
	(void)close(ends[0]);
	pid = fork();
	if (pid == 0) {
		(void)dup2(ends[1], 3);
		(void)execl(program, program, "pull", harness.root, harness.runroot, (char *)NULL);
		_exit(99);
	}
	(void)close(ends[1]);
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 125,
	      "status %x", (unsigned int)status);
	MUST(1, "image exists %s/library/busybox:1", open_registry.host);
}

static CU_TestInfo tests[] = { { "an image in every form", test_forms },
			       { "platforms", test_platforms },
			       { "all tags", test_all_tags },
			       { "passwords and certificates", test_closed },
			       { "mirrors and short names", test_mirrors },
			       { "policies", test_policies },
			       { "several", test_several },
			       { "layouts and archives", test_local },
			       { "a hostile layout", test_hostile_layout },
			       { "two at once", test_two_at_once },
			       { "killed", test_killed },
			       { "interrupted", test_interrupted },
			       { "a helper without its podium", test_orphan },
			       CU_TEST_INFO_NULL };

static CU_SuiteInfo suites[] = {
	{ "pull", begin, end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
