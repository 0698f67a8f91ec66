/* SPDX-License-Identifier: Apache-2.0 */
/*
 * security_context - securityContext and resources from the manifest to the process: user
 * namespaces, profiles, groups. What the confinement itself is made of: test_confinement.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/harness.h"

#define FIRST_POD_ID 0x70000000U

static int begin(void)
{
	if (harness_begin() != 0)
		return 1;
	return load_image("payload") ? 0 : 1;
}

/* First host id of a process's user namespace. */
static unsigned int first_id(pid_t pid)
{
	cleanup_free char *path = xasprintf("/proc/%d/uid_map", (int)pid);
	cleanup_free char *text = read_file(path);
	unsigned int inside = 1, outside = 0, count = 0;

	if (!text || sscanf(text, "%u %u %u", &inside, &outside, &count) != 3)
		return 0;
	return inside == 0 && count == 65536 ? outside : 0;
}

static size_t leases(void)
{
	cleanup_free char *path = xasprintf("%s/userns", harness.runroot);
	cleanup_result struct result r = run("ls %s", path);
	size_t n = 0;

	for (const char *p = r.out; *p; p++)
		n += *p == '\n';
	return n;
}

/* Two pods on the bridge, each with ids of its own; exec, restart, end. */
static void test_host_users(void)
{
	static const char spec[] = "  hostUsers: false\n"
				   "  volumes:\n  - {name: disk, emptyDir: {}}\n"
				   "  - {name: mem, emptyDir: {medium: Memory}}\n";
	static const char ctr[] = "    args: ['sleep', '600']\n"
				  "    volumeMounts:\n    - {name: disk, mountPath: /disk}\n"
				  "    - {name: mem, mountPath: /mem}\n";
	cleanup_result struct result a = play_pod("ns-a", "", spec, ctr);
	cleanup_result struct result b = play_pod("ns-b", "", spec, ctr);
	unsigned int first_a = first_id(container_pid("ns-a-c"));
	unsigned int first_b = first_id(container_pid("ns-b-c"));

	CHECK_CODE(a, 0);
	CHECK_CODE(b, 0);
	CHECK(first_a >= FIRST_POD_ID && first_b >= FIRST_POD_ID && first_a != first_b,
	      "ids from %u and %u", first_a, first_b);
	CHECK(leases() == 2, "%zu leases", leases());
	{
		cleanup_result struct result id = podium("exec ns-a-c /payload id");
		cleanup_result struct result made =
			podium("exec ns-a-c /payload seq write /disk/f x , stat /disk/f , write "
			       "/mem/f x , stat /mem/f , write /f x , stat /f , stat /etc/hosts");

		CHECK_HAS(id.out, "uid: 0 0 0\n");
		CHECK_CODE(made, 0);
		CHECK_HAS(made.out, "100644 0:0\n");
		CHECK_LACKS(made.out, "65534");
	}
	MUST(0, "pod stop -t 0 ns-a");
	CHECK(leases() == 1, "%zu leases after one stopped", leases());
	MUST(0, "pod start ns-a");
	{
		cleanup_result struct result kept = podium("exec ns-a-c /payload cat /disk/f");

		CHECK_HAS(kept.out, "x");
	}
	CHECK(remove_pod("ns-a"), "ns-a");
	CHECK(remove_pod("ns-b"), "ns-b");
	CHECK(leases() == 0, "%zu leases in the end", leases());
}

#define SECCOMP_POD                                                                         \
	"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: words}\ndata: {one: '1'}\n---\n" \
	"apiVersion: v1\nkind: Pod\nmetadata: {name: sc}\nspec:\n  hostUsers: false\n"      \
	"  securityContext:\n    supplementalGroups: [77]\n    fsGroup: 88\n"               \
	"    supplementalGroupsPolicy: Strict\n"                                            \
	"  volumes:\n  - {name: w, configMap: {name: words}}\n"                             \
	"  containers:\n  - name: c\n    image: payload\n    args: ['sleep', '600']\n"      \
	"    volumeMounts:\n    - {name: w, mountPath: /words}\n"                           \
	"    securityContext:\n      runAsUser: 1000\n      runAsGroup: 2000\n"             \
	"      allowPrivilegeEscalation: false\n      procMount: Unmasked\n"

/* Files of a ConfigMap in a user namespace, groups, an unmasked /proc. */
static void test_together(void)
{
	cleanup_result struct result r = play_text("sc", "", SECCOMP_POD);
	cleanup_result struct result id = podium("exec sc-c /payload id");
	cleanup_result struct result file = podium(
		"exec sc-c /payload seq cat /words/one , write /proc/sys/kernel/core_pattern x");

	CHECK_CODE(r, 0);
	CHECK_HAS(id.out, "uid: 1000 1000 1000\ngid: 2000 2000 2000\n");
	CHECK_HAS(id.out, "groups: 77 88 2000\n");
	CHECK_HAS(file.out, "1");
	CHECK_HAS(file.out, "EACCES");
	CHECK(remove_pod("sc"), "sc");
}

/* PROC-6: a profile that cannot be had. */
static void test_profiles_refused(void)
{
	static const char *const rows[][2] = {
		{ "seccompProfile: {type: Localhost, localhostProfile: no/such.json}",
		  "no/such.json" },
		{ "appArmorProfile: {type: Localhost, localhostProfile: web}", "AppArmor" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_free char *ctr = xasprintf("    args: ['sleep', '600']\n"
						   "    securityContext:\n      %s\n",
						   rows[i][0]);
		cleanup_result struct result r =
			play_pod("refused", "", "  restartPolicy: Never\n", ctr);
		cleanup_free char *status = ps_field("refused-c", "Status");

		if (i == 1 && exists("/sys/module/apparmor"))
			continue;
		CHECK(!is_prefix(status, "Up"), "it runs: %s", status);
		CHECK_HAS(r.err, rows[i][1]);
		remove_pods();
	}
}

/* A device of the host and one of a CDI file, from the manifest to the node; and again at a start. */
static void test_devices(void)
{
	static const char ctr[] = "    args: ['sleep', '600']\n    resources:\n      limits:\n"
				  "        podman.io/device=/dev/kmsg: 1\n"
				  "        example.com/full=a: 1\n";
	static const char file[] = "/run/cdi/full.yaml";
	bool made = mkdir("/run/cdi", 0755) == 0;

	/* In the test's own mount namespace. */
	CHECK(mount("cdi", "/run/cdi", "tmpfs", 0, "mode=0755,size=1m") == 0, "mount /run/cdi");
	write_file(file, "cdiVersion: '0.5.0'\nkind: example.com/full\ndevices:\n- name: a\n"
			 "  containerEdits:\n    env: [FULL=yes]\n    deviceNodes:\n"
			 "    - {path: /dev/my-full, hostPath: /dev/full}\n");
	{
		cleanup_result struct result r = play_pod("dev", "", "", ctr);
		cleanup_result struct result nodes =
			podium("exec dev-c /payload seq stat /dev/kmsg , append /dev/my-full x");
		cleanup_result struct result env = podium("exec dev-c /payload env");

		CHECK_CODE(r, 0);
		CHECK_HAS(nodes.out, "dev 1:11\n");
		CHECK_HAS(nodes.out, "ENOSPC\n");
		CHECK_HAS(env.out, "FULL=yes\n");
	}
	MUST(0, "pod stop -t 0 dev");
	remove_path(file);
	{
		cleanup_result struct result gone = podium("pod start dev");

		CHECK(gone.code != 0, "it started without its device");
	}
	CHECK(remove_pod("dev"), "dev");
	(void)umount2("/run/cdi", MNT_DETACH);
	if (made)
		(void)rmdir("/run/cdi");
}

static void test_host_users_refused(void)
{
	cleanup_result struct result r =
		play_pod("ns-host", "", "  hostUsers: false\n  hostNetwork: true\n",
			 "    args: ['sleep', '600']\n");

	CHECK(r.code != 0, "hostUsers: false with hostNetwork was played");
	remove_pods();
}

static CU_TestInfo tests[] = { { "hostUsers: false", test_host_users },
			       { "hostUsers: false, refused", test_host_users_refused },
			       { "together", test_together },
			       { "devices", test_devices },
			       { "PROC-6 profiles", test_profiles_refused },
			       CU_TEST_INFO_NULL };
static CU_SuiteInfo suites[] = { { "security_context", begin, harness_end, NULL, NULL, tests },
				 CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
