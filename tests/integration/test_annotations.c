/* SPDX-License-Identifier: Apache-2.0 */
/*
 * annotations - Podman's annotations from the manifest to the process. Which values are taken and
 * what is said about the others: testdata/kube/podman-*.
 */
#include <stdio.h>
#include <string.h>

#include "tests/integration/harness.h"

static int begin(void)
{
	return harness_begin() == 0 && load_image("payload") ? 0 : 1;
}

/* "name soft hard", as the kernel shows it for a process of the host. */
static bool has_limit(pid_t pid, const char *name, const char *soft, const char *hard)
{
	cleanup_free char *path = xasprintf("/proc/%d/limits", (int)pid);
	cleanup_free char *text = read_file(path);
	const char *line = text ? strstr(text, name) : NULL;
	char have_soft[40] = "", have_hard[40] = "";

	if (line)
		(void)sscanf(line + strlen(name), "%39s %39s", have_soft, have_hard);
	return strcmp(have_soft, soft) == 0 && strcmp(have_hard, hard) == 0;
}

#define LIMITED(users)                                                                  \
	"apiVersion: v1\nkind: Pod\nmetadata:\n  name: lim\n  annotations:\n"           \
	"    io.podman.annotations.ulimit: nofile=100:200,core=0:0,memlock=4096:8192\n" \
	"    io.podman.annotations.pids-limit: '50'\n"                                  \
	"    io.podman.annotations.pids-limit/b: '60'\n"                                \
	"    io.podman.annotations.cpuset/b: '0'\n" users "spec:\n  containers:\n"      \
	"  - {name: a, image: payload, args: [sleep, '600']}\n"                         \
	"  - {name: b, image: payload, args: [sleep, '600']}\n"

static void check_limits(const char *text)
{
	cleanup_result struct result r = play_text("lim", "", text);
	cleanup_result struct result exec = podium("exec lim-a /payload cat /proc/self/limits");
	cleanup_result struct result cpus = podium("exec lim-b /payload cat /proc/1/status");
	pid_t pid = container_pid("lim-a");
	const char *line = strstr(exec.out, "Max open files");
	unsigned int soft = 0, hard = 0;

	CHECK_CODE(r, 0);
	CHECK(has_limit(pid, "Max open files", "100", "200"), "open files of the container");
	CHECK(has_limit(pid, "Max core file size", "0", "0"), "core files of the container");
	CHECK(has_limit(pid, "Max locked memory", "4096", "8192"), "locked memory");
	CHECK_CODE(exec, 0);
	CHECK(line && sscanf(line, "Max open files %u %u", &soft, &hard) == 2 && soft == 100 &&
		      hard == 200,
	      "open files of an exec: %u %u", soft, hard);
	CHECK_HAS(cpus.out, "Cpus_allowed_list:\t0\n");
	CHECK(remove_pod("lim"), "lim");
}

/* Limits reach the processes, and those of an exec; in a user namespace, too. */
static void test_limits(void)
{
	check_limits(LIMITED(""));
	check_limits(LIMITED("    io.podman.annotations.userns: auto\n"));
}

static void test_pids(void)
{
	cleanup_result struct result r = play_text("lim", "", LIMITED(""));

	CHECK_CODE(r, 0);
	{
		cleanup_result struct result a =
			podium("container inspect -f {{.HostConfig.PidsLimit}} lim-a");
		cleanup_result struct result b =
			podium("container inspect -f {{.HostConfig.PidsLimit}} lim-b");

		CHECK_HAS(a.out, "50\n");
		CHECK_HAS(b.out, "60\n");
	}
	CHECK(remove_pod("lim"), "lim");
}

#define PLAIN                                                                 \
	"apiVersion: v1\nkind: Pod\nmetadata:\n  name: sec\n  annotations:\n" \
	"    io.podman.annotations.seccomp/a: unconfined\n"                   \
	"    io.podman.annotations.privileged/b: 'TRUE'\n"                    \
	"    io.podman.annotations.volumes-from/b: a:ro\n"                    \
	"spec:\n  volumes:\n  - {name: v, emptyDir: {}}\n  containers:\n"     \
	"  - name: a\n    image: payload\n    args: [sleep, '600']\n"         \
	"    volumeMounts:\n    - {name: v, mountPath: /v}\n"                 \
	"  - {name: b, image: payload, args: [sleep, '600']}\n"               \
	"  - {name: c, image: payload, args: [sleep, '600']}\n"

/* Profiles, privileges and mounts are those of the container that is named, and of no other. */
static void test_security(void)
{
	cleanup_result struct result r = play_text("sec", "", PLAIN);
	cleanup_result struct result a = podium("exec sec-a /payload cat /proc/1/status");
	cleanup_result struct result b = podium("exec sec-b /payload cat /proc/1/status");
	cleanup_result struct result c = podium("exec sec-c /payload cat /proc/1/status");
	cleanup_result struct result files = podium("exec sec-a /payload write /v/file shared");
	cleanup_result struct result seen =
		podium("exec sec-b /payload seq cat /v/file , write /v/other x");

	CHECK_CODE(r, 0);
	CHECK_HAS(a.out, "Seccomp:\t0\n");
	CHECK_HAS(c.out, "Seccomp:\t2\n");
	CHECK_HAS(b.out, "Seccomp:\t0\n");
	CHECK_CODE(files, 0);
	CHECK_HAS(seen.out, "shared");
	CHECK_HAS(seen.out, "EROFS");
	CHECK(remove_pod("sec"), "sec");
}

static CU_TestInfo tests[] = {
	{ "limits of processes, cpusets", test_limits },
	{ "numbers of processes", test_pids },
	{ "profiles, privileges, mounts", test_security },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "annotations", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
