/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootless_shape - W1 with busybox as an ordinary user's root in a user namespace, with network
 * none and without cgroups: so that later rootless work finds no wall.
 *
 * The steps are testdata/integration/rootless.sh, since all of them must happen in one namespace.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"

#define USER_ID "4321"

/* A range of subordinate ids for a user of our own, in this mount namespace only. */
static bool give_ids(const char *file)
{
	cleanup_free char *own = xasprintf("%s/%s", harness.work, strrchr(file, '/') + 1);

	write_file(own, "root:200000:65536\n" USER_ID ":300000:65536\n");
	return mount(own, file, NULL, MS_BIND, NULL) == 0;
}

/* The user has a name: unshare asks for it. */
static bool give_name(void)
{
	cleanup_free char *old = read_file("/etc/passwd");
	cleanup_free char *own = xasprintf("%s/passwd", harness.work);

	write_file(own, "%stester:x:" USER_ID ":" USER_ID "::/:/bin/sh\n", old ? old : "");
	return mount(own, "/etc/passwd", NULL, MS_BIND, NULL) == 0;
}

static void walk(const char *who, const char *prefix)
{
	cleanup_free char *yaml = testdata("integration/w1-busybox.yaml");
	cleanup_free char *work = xasprintf("%s/%s", harness.work, who);
	cleanup_free char *app = xasprintf("%s/app", work);
	cleanup_free char *manifest = xasprintf("%s/app.yaml", work);
	cleanup_free char *text = replaced(yaml, "/opt/myapp", app);
	cleanup_snapshot struct snapshot before;
	cleanup_result struct result r = { 0 }, tar = { 0 };

	write_file(manifest, "%s", text);
	tar = run("cp %s/busybox.tar %s/busybox.tar", harness.work, work);
	CHECK_CODE(tar, 0);
	if (*prefix && chown(work, 4321, 4321) < 0)
		perror("chown");
	snapshot_take(&before);
	r = run("%s unshare -Ur --map-auto -m sh %s/../../testdata/integration/rootless.sh "
		"%s/podium %s",
		prefix, harness.build, harness.build, work);
	if (strstr(r.err, "newuidmap") || strstr(r.err, "unshare:")) {
		TEST_SKIP("%s: no user namespace: %.200s", who, r.err);
		return;
	}
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "DONE\n");
	CHECK_NOTHING_LEFT(&before, who);
}

static int begin(void)
{
	if (harness_begin() != 0 || !load_image("busybox"))
		return 1;
	(void)setenv("PODIUM_CGROUP_ROOT", "/nonexistent", 1);
	if (!exists("/etc/subuid"))
		write_file("/etc/subuid", "%s", "");
	if (!exists("/etc/subgid"))
		write_file("/etc/subgid", "%s", "");
	return give_ids("/etc/subuid") && give_ids("/etc/subgid") && give_name() ? 0 : 1;
}

static void test_as_root(void)
{
	walk("as-root", "");
}

static void test_as_user(void)
{
	walk("as-user", "setpriv --reuid " USER_ID " --regid " USER_ID " --clear-groups");
}

static CU_TestInfo tests[] = {
	{ "W1 in a user namespace", test_as_root },
	{ "W1 in an ordinary user's namespace", test_as_user },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "rootless shape", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
