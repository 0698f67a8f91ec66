/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubesave - applications whose images are built beside their manifest, saved in one file, and
 * played from it where there is no registry.
 */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "tests/integration/harness.h"

#define BLOCK 512

/* A pod of two containers whose images have folders, and one that has none. */
static const char app[] =
	"apiVersion: v1\nkind: Pod\nmetadata: {name: app}\nspec:\n"
	"  terminationGracePeriodSeconds: 0\n  restartPolicy: Never\n  containers:\n"
	"  - {name: web, image: web}\n"
	"  - {name: db, image: 'reg.example.com/x/db:2', imagePullPolicy: Always}\n"
	"  - {name: bb, image: docker.io/library/busybox, imagePullPolicy: Never,\n"
	"     command: [sleep, '1000']}\n";

static void write_app(const char *dir)
{
	cleanup_free char *web = xasprintf("%s/web/Containerfile", dir);
	cleanup_free char *db = xasprintf("%s/db/Dockerfile", dir);
	cleanup_free char *yaml = xasprintf("%s/app.yaml", dir);

	write_file(web, "FROM busybox\nRUN echo one > /web.txt\nCMD [\"cat\", \"/web.txt\"]\n");
	write_file(db, "FROM busybox\nRUN echo two > /db.txt\nCMD [\"cat\", \"/db.txt\"]\n");
	write_file(yaml, "%s", app);
}

static bool have_printed(void)
{
	return logs_have("app-web", "one") && logs_have("app-db", "two");
}

static void test_play_builds(void)
{
	cleanup_result struct result r = { 0 };

	if (!load_image("busybox"))
		return;
	write_app("a");
	/* Not built, and no registry is there. */
	r = podium("play kube --build=false %s/a/app.yaml", harness.work);
	CHECK_CODE(r, 125);
	result_done(&r);
	r = podium("play kube %s/a/app.yaml", harness.work);
	CHECK_CODE(r, 0);
	CHECK_HAS(r.err, "[web] ");
	CHECK_HAS(r.err, "[db] ");
	CHECK_LACKS(r.out, "STEP");
	CHECK_LACKS(r.err, "Trying to pull reg.example.com");
	CHECK(WAIT_UNTIL(have_printed(), DEADLINE_MS), "what was built runs");
	MUST(0, "image exists localhost/web:latest");
	MUST(0, "image exists reg.example.com/x/db:2");
	/* What is here is not built again; --build does, from the cache. */
	result_done(&r);
	r = podium("play kube %s/a/app.yaml", harness.work);
	CHECK_CODE(r, 0);
	CHECK_LACKS(r.err, "STEP");
	CHECK_HAS(r.err, "unchanged");
	result_done(&r);
	r = podium("play kube --build %s/a/app.yaml", harness.work);
	CHECK_CODE(r, 0);
	CHECK_HAS(r.err, "Using cache");
	remove_pods();
}

/* All that a play prints on a terminal. The caller frees. */
static char *play_on_terminal(const char *file)
{
	cleanup_free char *program = xasprintf("%s/podium", harness.build);
	struct buf seen = BUF_INIT(1 << 20);
	char data[4096];
	int master = -1, status = 0;
	ssize_t n;
	pid_t pid = forkpty(&master, NULL, NULL, NULL);

	if (pid == 0) {
		(void)execl(program, "podium", "--root", harness.root, "--runroot", harness.runroot,
			    "play", "kube", "--build", file, (char *)NULL);
		_exit(127);
	}
	while ((n = read(master, data, sizeof(data))) > 0)
		buf_add(&seen, data, (size_t)n);
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0,
	      "played: status %d", status);
	(void)close(master);
	return buf_steal(&seen);
}

/* What the steps of a build print, and what stands in its file, does nothing to a terminal (TTY-1). */
static void test_terminal(void)
{
	cleanup_free char *file = xasprintf("%s/tty/app.yaml", harness.work);
	char *out;

	if (!load_image("busybox"))
		return;
	write_file("tty/web/Containerfile",
		   "FROM busybox\nRUN printf '\\033]0;a\\007\\302\\2332Jb' \033[31m\n"
		   "CMD [\"sleep\", \"1000\"]\n");
	write_file("tty/app.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: tty}\n"
				   "spec:\n  containers: [{name: c, image: localhost/web:1}]\n");
	out = play_on_terminal(file);
	CHECK_HAS(out, "STEP 2/3");
	CHECK_HAS(out, "\\x1b]0;a");
	CHECK_LACKS(out, "\033]");
	CHECK_LACKS(out, "\033[31m");
	CHECK_LACKS(out, "\302\233");
	remove_pods();
	free(out);
	MUST(0, "rmi -f localhost/web:1");
	CHECK(setenv("PODIUM_WEAKEN", "TTY-1", 1) == 0, "setenv");
	out = play_on_terminal(file);
	CHECK(unsetenv("PODIUM_WEAKEN") == 0, "unsetenv");
	CHECK(strstr(out, "\033]0;a") && strstr(out, "\033[31m"), "the twin is caught");
	free(out);
	remove_pods();
}

static void test_context_dir(void)
{
	cleanup_result struct result r = { 0 };

	if (!load_image("busybox"))
		return;
	write_file("far/solo/Containerfile", "FROM busybox\nCMD [\"echo\", \"from afar\"]\n");
	write_file("solo.yaml",
		   "apiVersion: v1\nkind: Pod\nmetadata: {name: solo}\nspec:\n"
		   "  restartPolicy: Never\n  containers:\n  - {name: c, image: solo}\n");
	r = podium("play kube --context-dir %s/nowhere %s/solo.yaml", harness.work, harness.work);
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "--context-dir");
	result_done(&r);
	r = podium("play kube --context-dir %s/far %s/solo.yaml", harness.work, harness.work);
	CHECK_CODE(r, 0);
	CHECK(WAIT_UNTIL(logs_have("solo-c", "from afar"), DEADLINE_MS), "it was built there");
	remove_pods();
	/* A build that fails: nothing is played. */
	write_file("bad/broken/Containerfile", "FROM busybox\nRUN exit 3\n");
	write_file("bad/broken.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: broken}\nspec:\n"
				      "  containers:\n  - {name: c, image: broken}\n");
	result_done(&r);
	r = podium("play kube %s/bad/broken.yaml", harness.work);
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "image 'broken': the build of");
	MUST(1, "pod exists broken");
}

static bool has_working(void)
{
	cleanup_result struct result r = podium("ps -q --external");

	return r.out && *r.out;
}

/* The builds of a play that is ended clean up behind them, also when only the play is told. */
static void test_ended(void)
{
	static const int signals[] = { SIGTERM, SIGKILL };

	if (!load_image("busybox"))
		return;
	write_file("slow/slow/Containerfile", "FROM busybox\nRUN sleep 1000\n");
	write_file("slow/slow.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: slow}\nspec:\n"
				     "  containers:\n  - {name: c, image: slow}\n");
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		cleanup_result struct result r = { 0 };
		struct job j = job_podium("play kube %s/slow/slow.yaml", harness.work);

		CHECK(WAIT_UNTIL(has_working(), DEADLINE_MS), "the step runs");
		CHECK(kill(j.pid, signals[i]) == 0, "signal");
		r = job_wait(&j, DEADLINE_MS);
		CHECK(r.code == 128 + signals[i], "code %d", r.code);
		CHECK(WAIT_UNTIL(!has_working(), DEADLINE_MS), "its build has ended");
		MUST(1, "pod exists slow");
	}
}

static void test_one_file(void)
{
	cleanup_free char *root = xasprintf("%s/root2", harness.work);
	cleanup_free char *runroot = xasprintf("%s/run2", harness.work);
	cleanup_result struct result r = { 0 };

	if (!load_image("busybox"))
		return;
	write_app("b");
	DISCARD(podium("rmi -f web reg.example.com/x/db:2"));
	r = podium("kube save %s/b/app.yaml -q -o %s/app.tar", harness.work, harness.work);
	CHECK_CODE(r, 0);
	result_done(&r);
	/* Never over a file that is there. */
	r = podium("kube save %s/b/app.yaml -q -o %s/app.tar", harness.work, harness.work);
	CHECK_CODE(r, 125);
	MUST(0, "kube validate %s/app.tar", harness.work);
	harness_store(root, runroot);
	MUST(0, "play kube %s/app.tar", harness.work);
	CHECK(WAIT_UNTIL(have_printed(), DEADLINE_MS), "it runs without a registry");
	result_done(&r);
	r = podium("play kube %s/app.tar", harness.work);
	CHECK_CODE(r, 0);
	CHECK_HAS(r.err, "unchanged");
	MUST(0, "kube down %s/app.tar", harness.work);
	MUST(1, "pod exists app");
	/* For others it is an archive of images. */
	result_done(&r);
	r = podium("load -i %s/app.tar", harness.work);
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "reg.example.com/x/db:2");
	harness_store(NULL, NULL);
}

static void test_save_refuses(void)
{
	cleanup_result struct result r = { 0 };

	if (!load_image("busybox"))
		return;
	write_file("missing.yaml",
		   "apiVersion: v1\nkind: Pod\nmetadata: {name: m}\nspec:\n  containers:\n"
		   "  - {name: c, image: 'localhost/nowhere:1', imagePullPolicy: Never}\n");
	r = podium("kube save %s/missing.yaml -o %s/missing.tar", harness.work, harness.work);
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "localhost/nowhere:1");
	CHECK(!exists("%s/missing.tar", harness.work), "no half archive");
	result_done(&r);
	write_file("bad.yaml",
		   "apiVersion: v1\nkind: Pod\nmetadata: {name: m}\nspec:\n  nope: 1\n");
	r = podium("kube save %s/bad.yaml -o %s/bad.tar", harness.work, harness.work);
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "nope");
	CHECK(!exists("%s/bad.tar", harness.work), "no half archive");
}

/* ---- hostile archives ------------------------------------------------------------------- */

/* The caller's. */
static char *image_id(const char *name)
{
	cleanup_result struct result r = podium("image inspect --format {{.Id}} %s", name);

	CHECK_CODE(r, 0);
	r.out[strcspn(r.out, "\n")] = '\0';
	return steal_ptr(&r.out);
}

/* Which image busybox is after two.tar was played where the good one was. The caller's. */
static char *play_in_new_store(const char *number, const char *archive)
{
	cleanup_free char *root = xasprintf("%s/root%s", harness.work, number);
	cleanup_free char *runroot = xasprintf("%s/run%s", harness.work, number);
	char *id;

	harness_store(root, runroot);
	DISCARD(podium("load -q -i %s", archive));
	MUST(0, "play kube %s/two.tar", harness.work);
	id = image_id("docker.io/library/busybox");
	remove_pods();
	harness_store(NULL, NULL);
	return id;
}

/* The archive has an image that calls itself busybox; its manifest names another one (CP-5). */
static void test_smuggled_name(void)
{
	cleanup_free char *archive = image_archive("busybox");
	cleanup_free char *before = NULL;
	cleanup_free char *after = NULL;
	cleanup_free char *weak = NULL;
	cleanup_result struct result r = { 0 };

	if (!load_image("busybox"))
		return;
	/* Made where busybox is an evil one. */
	write_file("evil/Containerfile", "FROM busybox\nCMD [\"echo\", \"evil\"]\n");
	write_file("two.yaml",
		   "apiVersion: v1\nkind: Pod\nmetadata: {name: s}\nspec:\n"
		   "  restartPolicy: Never\n  containers:\n"
		   "  - {name: c, image: 'localhost/harmless:1', imagePullPolicy: Never}\n"
		   "  - {name: d, image: docker.io/library/busybox, "
		   "imagePullPolicy: Never}\n");
	DISCARD(podium("build -q -t localhost/harmless:1 %s/evil", harness.work));
	before = image_id("docker.io/library/busybox");
	DISCARD(podium("tag localhost/harmless:1 docker.io/library/busybox:latest"));
	MUST(0, "kube save -q %s/two.yaml -o %s/two.tar", harness.work, harness.work);
	DISCARD(podium("tag %s docker.io/library/busybox:latest", before));
	/* The same length, so that the archive stays one: only the first image is wanted now. */
	r = run("sed -i -e '1,8s|docker.io/library/busybox|localhost/harmless:1     |' %s/two.tar",
		harness.work);
	CHECK_CODE(r, 0);
	after = play_in_new_store("3", archive);
	CHECK_EQUAL(after, before);
	(void)setenv("PODIUM_WEAKEN", "CP-5", 1);
	weak = play_in_new_store("4", archive);
	(void)unsetenv("PODIUM_WEAKEN");
	CHECK(!is_equal(weak, before), "the twin is caught");
}

/* A header of kube.yaml that claims size bytes, and so many that are there. */
static void write_hostile(const char *name, const char *size, size_t there)
{
	cleanup_free char *path = xasprintf("%s/%s", harness.work, name);
	cleanup_free char *data = xcalloc(1, BLOCK + there);
	unsigned int sum = 0;
	struct error err;

	memcpy(data, "kube.yaml", 9);
	memcpy(data + 124, size, strlen(size));
	data[156] = '0';
	memset(data + 148, ' ', 8);
	for (int i = 0; i < BLOCK; i++)
		sum += (unsigned char)data[i];
	(void)snprintf(data + 148, 8, "%06o", sum);
	memset(data + BLOCK, '#', there);
	CHECK(fs_write_atomic(AT_FDCWD, path, data, BLOCK + there, 0644, FS_NOSYNC, &err) == 0,
	      "write");
}

static void test_hostile(void)
{
	cleanup_result struct result r = { 0 };

	write_hostile("short.tar", "00000007000", 100);
	r = podium("play kube %s/short.tar", harness.work);
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "ends within its kube.yaml");
	result_done(&r);
	write_hostile("huge.tar", "77777777777", 100);
	r = podium("kube down %s/huge.tar", harness.work);
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "too large");
	result_done(&r);
	write_hostile("odd.tar", "0000x", 100);
	r = podium("kube validate %s/odd.tar", harness.work);
	CHECK_CODE(r, 125);
	result_done(&r);
	r = podium("play kube %s/short.tar %s/huge.tar", harness.work, harness.work);
	CHECK_CODE(r, 125);
}

static CU_TestInfo tests[] = {
	{ "play builds what has a folder", test_play_builds },
	{ "steps that write to a terminal, and the twin", test_terminal },
	{ "--context-dir, and a build that fails", test_context_dir },
	{ "a play that is ended while it builds", test_ended },
	{ "saved, and played from one file", test_one_file },
	{ "what cannot be saved", test_save_refuses },
	{ "an archive names no image that its manifest does not", test_smuggled_name },
	{ "archives that lie", test_hostile },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "kubesave", harness_begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
