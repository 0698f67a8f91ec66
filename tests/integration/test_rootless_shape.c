/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootless shape - W1 as root of a user namespace: no cgroups, no network but lo, no mknod. Not yet
 * rootless, but what rootless will stand on.
 */
#include <string.h>

#include "tests/integration/harness.h"

/* Sub-ids for the user of this test, in a mount namespace of its own: the machine's file stays. */
static const char outer[] = "set -e\n"
			    "echo \"$(id -un):100000:65536\" >%1$s/subids\n"
			    "mount --bind %1$s/subids /etc/subuid\n"
			    "mount --bind %1$s/subids /etc/subgid\n"
			    "exec unshare -Ur --map-auto --fork sh %1$s/inner.sh\n";
static const char inner[] =
	"p='%1$s/podium --root %2$s/userns-root --runroot %2$s/userns-run'\n"
	"$p load -i %2$s/userns-busybox.tar || exit 11\n"
	"$p play kube --network none %2$s/userns.yaml || exit 12\n"
	"$p ps -a\n"
	"$p exec my-app-ng1 wget -qO- http://127.0.0.1:8001/ || exit 13\n"
	"$p exec my-app-ng2 id -u\n"
	"$p generate kube my-app >%2$s/userns-again.yaml || exit 14\n"
	"$p kube down -t 0 %2$s/userns.yaml || exit 15\n"
	"$p play kube --network none %2$s/userns-again.yaml || exit 16\n"
	"$p exec my-app-ng1 wget -qO- http://127.0.0.1:8002/ || exit 17\n"
	"$p kube down -t 0 %2$s/userns-again.yaml || exit 18\n"
	"$p ps -aq\n"
	"ls %2$s/userns-root/pods %2$s/userns-root/containers %2$s/userns-root/names\n"
	"rm -rf %2$s/userns-root %2$s/userns-run\n"
	"echo through\n";

static void make_manifest(void)
{
	cleanup_free char *yaml = testdata("w1/my-app.yaml");
	cleanup_free char *image = replaced(yaml, "image: nginx",
					    "image: busybox\n      command: [httpd, -f, -h, "
					    "/opt/html, -p]\n      args: [\"PORT\"]");
	cleanup_free char *second = NULL;
	cleanup_free char *placed = replaced(image, "/opt/myapp", harness.work);
	char *at = strstr(placed, "PORT");

	CHECK(at && strstr(at + 1, "PORT"), "the manifest has two containers");
	if (!at)
		return;
	memcpy(at, "8001", 4);
	second = replaced(placed, "PORT", "8002");
	write_file("userns.yaml", "%s", second);
	for (int i = 1; i <= 2; i++) {
		cleanup_free char *html = xasprintf("html%d/index.html", i);
		cleanup_free char *config = xasprintf("config%d/none", i);

		write_file(html, "hello from ng%d\n", i);
		write_file(config, "\n");
	}
}

static void test_user_namespace(void)
{
	cleanup_result struct result r = { 0 };
	cleanup_free char *in = xasprintf(inner, harness.build, harness.work);
	cleanup_free char *out = xasprintf(outer, harness.work);

	r = run("unshare -Ur --map-auto true");
	if (r.code != 0 && strstr(r.err, "Operation not permitted")) {
		TEST_SKIP("no user namespaces here: %s", r.err);
		return;
	}
	result_done(&r);
	make_manifest();
	r = run("%s/tests/mkimage busybox %s/userns-busybox.tar", harness.build, harness.work);
	CHECK_CODE(r, 0);
	result_done(&r);
	write_file("inner.sh", "%s", in);
	write_file("outer.sh", "%s", out);
	r = run("unshare -m --propagation private sh %s/outer.sh", harness.work);
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "Up ");
	CHECK_HAS(r.out, "hello from ng1");
	CHECK_HAS(r.out, "hello from ng2");
	CHECK_LACKS(r.out, "0.0.0.0:8001");
	CHECK_HAS(r.out, "pods:\nthrough");
}

static CU_TestInfo tests[] = {
	{ "W1 as root of a user namespace", test_user_namespace },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "rootless shape", harness_begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
