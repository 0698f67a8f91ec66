/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commit - `podium commit`, `export` and `import`: between containers, images and archives.
 *
 * One pod changes its root in every way there is (a new file, a hard link, a link, a deletion, a
 * directory made anew) and sleeps; it is committed and exported while it runs. What came out is
 * played, or looked at with tar.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/integration/harness.h"

#define WAIT_MS 20000

static int begin(void)
{
	static const char spec[] = "  volumes: [{name: v, emptyDir: {}}]\n";
	static const char container[] =
		"    image: docker.io/library/busybox:latest\n"
		"    command: [sh, -c, 'echo hello >/new; ln /new /hard; ln -s /new /sym; "
		"rm /bin/wc; rm -r /www; mkdir /www; echo v >/www/v; echo secret >/vol/s; "
		"echo ready; exec sleep 1000']\n"
		"    env: [{name: A, value: b}]\n"
		"    volumeMounts: [{name: v, mountPath: /vol}]\n";

	if (harness_begin() != 0 || !load_image("busybox"))
		return 1;
	{
		cleanup_result struct result r = play_pod("src", "--network none", spec, container);

		if (!CHECK_CODE(r, 0))
			return 1;
	}
	return WAIT_UNTIL(logs_have("src-c", "ready"), WAIT_MS) ? 0 : 1;
}

/* What a shell in an image of ours says. The caller's. */
static char *says(const char *pod, const char *image, const char *script)
{
	cleanup_free char *container = xasprintf("    image: %s\n"
						 "    imagePullPolicy: Never\n"
						 "    command: [sh, -c, '%s; echo end']\n",
						 image, script);
	cleanup_free char *name = xasprintf("%s-c", pod);
	cleanup_result struct result r =
		play_pod(pod, "--network none", "  restartPolicy: Never\n", container);
	char *text;

	CHECK_CODE(r, 0);
	CHECK(WAIT_UNTIL(logs_have(name, "end"), WAIT_MS), "'%s' says its end", name);
	text = logs_of(name);
	CHECK(remove_pod(pod), "remove '%s'", pod);
	return text;
}

static char *image_field(const char *image, const char *format)
{
	cleanup_result struct result r = podium("image inspect --format '%s' %s", format, image);

	CHECK_CODE(r, 0);
	r.out[strcspn(r.out, "\n")] = '\0';
	return steal_ptr(&r.out);
}

#define LOOK                                                                                \
	"cat /new /sym; ls /bin/wc || echo no wc; ls /www; ls /vol; [ /new -ef /hard ] && " \
	"echo same file"

static void check_content(const char *text)
{
	CHECK_HAS(text, "hello\nhello\n");
	CHECK_HAS(text, "no wc");
	CHECK_HAS(text, "same file");
	CHECK_HAS(text, "v\n");
	CHECK_LACKS(text, "index.html");
	CHECK_LACKS(text, "secret");
}

static void test_commit(void)
{
	cleanup_result struct result r =
		podium("commit -q -a me -m why -c 'CMD [\"ls\",\"/\"]' -c ENV=X=1 -c 'LABEL k=v' "
		       "-c 'EXPOSE 80' -c 'WORKDIR /tmp' --iidfile %s/iid src-c my/img:1",
		       harness.work);
	cleanup_free char *iid = read_file("iid"), *text = NULL;
	cleanup_free char *cmd = NULL, *env = NULL, *author = NULL, *layers = NULL;

	CHECK_CODE(r, 0);
	r.out[strcspn(r.out, "\n")] = '\0';
	CHECK_EQUAL(iid, r.out);
	text = says("one", "localhost/my/img:1", LOOK "; pwd; echo $X");
	check_content(text);
	CHECK_HAS(text, "/tmp\n1\n");
	cmd = image_field("my/img:1", "{{.Config.Cmd}}");
	CHECK_EQUAL(cmd, "[ls /]");
	env = image_field("my/img:1", "{{.Config.Env}}");
	CHECK_HAS(env, "A=b");
	author = image_field("my/img:1", "{{.Author}} {{.Comment}} {{.Labels.k}}");
	CHECK_EQUAL(author, "me why v");
	layers = image_field("my/img:1", "{{len .RootFS.Layers}}");
	CHECK_EQUAL(layers, "2");
}

static void test_squash(void)
{
	cleanup_free char *text = NULL, *layers = NULL;

	MUST(0, "commit -q -s src-c squashed");
	layers = image_field("squashed", "{{len .RootFS.Layers}}");
	CHECK_EQUAL(layers, "1");
	text = says("two", "localhost/squashed:latest", LOOK);
	check_content(text);
}

/* Frozen while it is read, and not any more afterwards; a failure thaws too. */
static void test_pause(void)
{
	MUST(0, "commit -q -p src-c paused");
	MUST(125, "commit -q -p -c 'RUN x' src-c paused:2");
	{
		cleanup_result struct result r = podium("exec src-c echo alive");

		CHECK_CODE(r, 0);
		CHECK_HAS(r.out, "alive");
	}
}

static void test_refusals(void)
{
	MUST(125, "commit no-such-container x");
	MUST(125, "commit --include-volumes src-c x");
	MUST(125, "commit -f tar src-c x");
	MUST(125, "commit -c 'FROM x' src-c x");
	MUST(125, "commit -c 'ENV a=1\nENV b=2' src-c x");
	MUST(125, "commit src-c 'Not A Name'");
	MUST(1, "image exists x");
	write_file("no.tar", "this is no archive, but long enough to be looked at");
	MUST(125, "import %s/no.tar x", harness.work);
	MUST(125, "import %s/missing.tar x", harness.work);
	MUST(125, "export -o %s/none.tar no-such", harness.work);
	CHECK(!exists("%s/none.tar", harness.work), "nothing half made is left");
	MUST(125, "export -o %s/no.tar src-c", harness.work);
	MUST(1, "image exists x");
	{
		cleanup_result struct result r =
			run("sh -c 'ls -A %s/layers | grep -c new- || true'", harness.root);

		CHECK_EQUAL(r.out, "0\n");
	}
}

static void test_export_import(void)
{
	cleanup_free char *text = NULL, *field = NULL;

	MUST(0, "export -o %s/tree.tar src-c", harness.work);
	{
		cleanup_result struct result r = run("tar -tvf %s/tree.tar", harness.work);

		CHECK_CODE(r, 0);
		CHECK_HAS(r.out, " new");
		CHECK_HAS(r.out, "link to hard");
		CHECK_HAS(r.out, "www/v");
		CHECK_LACKS(r.out, "bin/wc\n");
		CHECK_LACKS(r.out, "bin/wc ");
		CHECK_LACKS(r.out, "vol/s");
		CHECK_LACKS(r.out, ".wh.");
	}
	MUST(0, "import -q -m hi --arch arm64 --variant v8 -c 'CMD [\"sh\"]' %s/tree.tar in:1",
	     harness.work);
	field = image_field("in:1", "{{.Architecture}} {{.Comment}} {{.Config.Cmd}}");
	CHECK_EQUAL(field, "arm64 hi [sh]");
	{
		cleanup_result struct result r =
			run("sh -c 'gzip -c %s/tree.tar | %s/podium --root %s --runroot %s import "
			    "-q - piped'",
			    harness.work, harness.build, harness.root, harness.runroot);

		CHECK_CODE(r, 0);
		CHECK_HAS(r.out, "sha256:");
	}
	text = says("three", "localhost/piped:latest", LOOK);
	check_content(text);
}

static bool is_served(void)
{
	cleanup_result struct result r = run("curl -s -o /dev/null http://127.0.0.1:18099/");

	return r.code == 0;
}

static void test_import_address(void)
{
	struct job server;

	write_file("www/index", "web");
	MUST(0, "export -o %s/www/a.tar src-c", harness.work);
	server = job_run("python3 -m http.server --bind 127.0.0.1 --directory %s/www 18099",
			 harness.work);
	if (!CHECK(WAIT_UNTIL(is_served(), WAIT_MS), "a web server answers"))
		return;
	MUST(0, "import -q http://127.0.0.1:18099/a.tar from-web:1");
	MUST(0, "image exists localhost/from-web:1");
	{
		cleanup_result struct result r =
			podium("import -q http://127.0.0.1:18099/missing.tar from-web:2");

		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, "404");
	}
	MUST(1, "image exists localhost/from-web:2");
	(void)kill(server.pid, SIGTERM);
	DISCARD(job_wait(&server, WAIT_MS));
}

/* Somebody swaps a file for a link to the host's while the container is exported and committed. */
static void test_swapper(void)
{
	write_file("canary", "canary-bytes-that-must-not-leave");
	{
		cleanup_result struct result r =
			podium("exec src-c sh -c '(while :; do ln -sf %s/canary /swap; rm /swap; "
			       "echo x >/swap; rm /swap; done) >/dev/null 2>&1 </dev/null &'",
			       harness.work);

		CHECK_CODE(r, 0);
	}
	for (int i = 0; i < 10; i++) {
		MUST(0, "export -o %s/swap%d.tar src-c", harness.work, i);
		MUST(0, "commit -q src-c swap%d", i);
		MUST(0, "save -q -o %s/save%d.tar swap%d", harness.work, i, i);
	}
	{
		cleanup_result struct result r =
			run("sh -c 'cat %s/swap*.tar %s/save*.tar | grep -c canary-bytes'",
			    harness.work, harness.work);

		CHECK_EQUAL(r.out, "0\n");
	}
}

static CU_TestInfo tests[] = {
	{ "commit", test_commit },
	{ "squash", test_squash },
	{ "pause", test_pause },
	{ "refusals", test_refusals },
	{ "export and import", test_export_import },
	{ "import from an address", test_import_address },
	{ "a swapper", test_swapper },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "commit", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
