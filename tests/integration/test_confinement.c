/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confinement - what a container is allowed, seen from inside: a golden file for a member, an init
 * container and an exec; then what each field of a securityContext, of a volume, of the pod's own
 * settings and of the image's configuration changes.
 *
 * The golden file is testdata/integration/golden.txt. Lines that depend on the machine or differ by
 * nature (numbers of processes, names, cgroup paths, the clamped limit on files) are left out.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"

static int begin(void)
{
	const struct rlimit none = { 0, 0 };

	/* A container has its caller's. */
	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return 1;
	if (harness_begin() != 0 || mount("opt", "/opt", "tmpfs", 0, "mode=0755,size=64m") < 0)
		return 1;
	return load_image("payload") && load_image("busybox") && load_image("nginx") ? 0 : 1;
}

static int end(void)
{
	int r = harness_end();

	(void)umount2("/opt", MNT_DETACH);
	return r;
}

/* ---- the golden file ---------------------------------------------------------------------- */

static bool is_of_the_machine(const char *line)
{
	static const char *const prefixes[] = { "SigQ:",   "pid: ",	    "sid: ", "hostname: ",
						"cgroup:", "rlimit nofile", "ppid: " };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (is_prefix(line, prefixes[i]))
			return true;
	/* One hierarchy or another, and what there is to mask: that depends on the host. */
	return is_prefix(line, "mount /sys/fs/cgroup/") ||
	       is_prefix(line, "mount /sys/fs/cgroup cgroup2 ro,") ||
	       is_prefix(line, "mount /proc/sysrq-trigger proc ro,") ||
	       ((is_prefix(line, "mount /proc/") || is_prefix(line, "mount /sys/")) &&
		strstr(line, " tmpfs ro,"));
}

/* The end of a line of check-masks: what does not exist is as good as masked. */
static const char *verdict_of(const char *line)
{
	static const char *const masked[] = { " absent", " entries 0", " reads 0 chmod EROFS" };
	static const char *const refused[] = { ": EROFS", ": EISDIR", ": ENOENT", ": EACCES" };

	for (size_t i = 0; *line == '/' && i < ARRAY_SIZE(masked); i++)
		if (is_suffix(line, masked[i]))
			return "masked";
	for (size_t i = 0; *line == '/' && i < ARRAY_SIZE(refused); i++)
		if (is_suffix(line, refused[i]))
			return "not writable";
	return NULL;
}

static char *without_the_machine(const char *text)
{
	cleanup_free char *copy = xstrdup(text);
	struct buf out = BUF_INIT(1 << 20);
	char *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *verdict = verdict_of(line);

		if (verdict)
			buf_printf(&out, "%.*s %s\n", (int)strcspn(line, " "), line, verdict);
		else if (!is_of_the_machine(line))
			buf_printf(&out, "%s\n", line);
	}
	return buf_steal(&out);
}

static void compare_golden(const char *who, const char *text)
{
	cleanup_free char *golden = testdata("integration/golden.txt");
	cleanup_free char *got = without_the_machine(text);

	CHECK(is_equal(got, golden), "%s differs from testdata/integration/golden.txt:\n%s", who,
	      got);
}

#define PROBE "[seq, probe, \",\", check-masks]"

static void test_golden(void)
{
	cleanup_result struct result r =
		play_pod("gold", "",
			 "  initContainers:\n  - {name: first, image: payload, args: " PROBE "}\n",
			 "    args: [seq, probe, \",\", check-masks, \",\", sleep, \"0\"]\n");
	cleanup_result struct result x = { 0 };
	cleanup_free char *member = NULL, *init = NULL;

	CHECK_CODE(r, 0);
	x = podium("exec gold-c /payload seq probe , check-masks");
	CHECK_CODE(x, 0);
	CHECK(WAIT_UNTIL(logs_have("gold-c", "/sys/firmware"), DEADLINE_MS), "no end of the probe");
	member = logs_of("gold-c");
	init = logs_of("gold-first");
	compare_golden("a member", member);
	compare_golden("an init container", init);
	compare_golden("an exec", x.out);
	remove_pod("gold");
}

/* ---- what a field changes ----------------------------------------------------------------- */

struct variant {
	const char *what;
	const char *spec;      /* lines of the pod's spec */
	const char *container; /* lines of the container, but its args */
	const char *args;
	const char *has[6];
	const char *lacks[3];
};

static const struct variant variants[] = {
	{ "runAsUser and runAsGroup",
	  "",
	  "    securityContext: {runAsUser: 1234, runAsGroup: 4321}\n",
	  "[probe]",
	  { "uid: 1234 1234 1234\n", "gid: 4321 4321 4321\n", "CapEff:\t0000000000000000\n",
	    "CapPrm:\t0000000000000000\n", "CapAmb:\t0000000000000000\n" },
	  { NULL } },
	{ "the pod's user and groups",
	  "  securityContext: {runAsUser: 1000, runAsGroup: 1001, supplementalGroups: [4000, "
	  "5000], "
	  "fsGroup: 3000}\n",
	  "",
	  "[probe]",
	  { "uid: 1000 1000 1000\n", "gid: 1001 1001 1001\n", "3000", "4000", "5000" },
	  { NULL } },
	{ "the container's user wins",
	  "  securityContext: {runAsUser: 1000}\n",
	  "    securityContext: {runAsUser: 2000}\n",
	  "[probe]",
	  { "uid: 2000 2000 2000\n" },
	  { NULL } },
	{ "allowPrivilegeEscalation: false",
	  "",
	  "    securityContext: {allowPrivilegeEscalation: false}\n",
	  "[probe]",
	  { "NoNewPrivs:\t1\n" },
	  { NULL } },
	{ "privileged",
	  "",
	  "    securityContext: {privileged: true}\n",
	  "[probe]",
	  { "Seccomp:\t0\n" },
	  { "CapEff:\t00000000800405fb\n" } },
	{ "capabilities dropped",
	  "",
	  "    securityContext: {capabilities: {drop: [ALL]}}\n",
	  "[probe]",
	  { "CapBnd:\t0000000000000000\n", "CapEff:\t0000000000000000\n" },
	  { NULL } },
	{ "capabilities added",
	  "",
	  "    securityContext: {capabilities: {add: [SYS_TIME], drop: [CHOWN]}}\n",
	  "[probe]",
	  { "CapEff:\t00000000820405fa\n" },
	  { NULL } },
	{ "a read-only root",
	  "",
	  "    securityContext: {readOnlyRootFilesystem: true}\n",
	  "[touch, /x]",
	  { "EROFS" },
	  { NULL } },
	{ "sysctls",
	  "  securityContext: {sysctls: [{name: net.core.somaxconn, value: \"777\"}]}\n",
	  "",
	  "[cat, /proc/sys/net/core/somaxconn]",
	  { "777\n" },
	  { NULL } },
	{ "hostname", "  hostname: other\n", "", "[probe]", { "hostname: other\n" }, { NULL } },
	{ "the pod's name as hostname", "", "", "[cat, /etc/hostname]", { "variant\n" }, { NULL } },
	{ "hostAliases",
	  "  hostAliases: [{ip: 192.0.2.77, hostnames: [one.test, two.test]}]\n",
	  "",
	  "[cat, /etc/hosts]",
	  { "192.0.2.77", "one.test", "two.test", "127.0.0.1" },
	  { NULL } },
	{ "dnsConfig",
	  "  dnsPolicy: None\n  dnsConfig: {nameservers: [192.0.2.53], searches: [a.test], "
	  "options: "
	  "[{name: ndots, value: \"3\"}]}\n",
	  "",
	  "[cat, /etc/resolv.conf]",
	  { "nameserver 192.0.2.53\n", "search a.test\n", "options ndots:3\n" },
	  { NULL } },
	{ "workingDir, created when missing",
	  "",
	  "    workingDir: /made/here\n",
	  "[probe]",
	  { "cwd: /made/here\n" },
	  { NULL } },
	{ "an environment in order",
	  "",
	  "    env: [{name: A, value: one}, {name: B, value: \"$(A)-$(NO)-$$(A)\"}]\n",
	  "[env]",
	  { "A=one\n", "B=one-$(NO)-$(A)\n", "PATH=", "HOSTNAME=variant\n" },
	  { NULL } },
	{ "variables in arguments",
	  "",
	  "    env: [{name: A, value: 'b c'}]\n",
	  "[args, \"<$(A)>\", \"$(NONE)\"]",
	  { "<b c>", "$(NONE)" },
	  { NULL } },
};

static void test_variants(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
		const struct variant *v = &variants[i];
		cleanup_free char *spec = xasprintf("  restartPolicy: Never\n%s", v->spec);
		cleanup_free char *container = xasprintf("%s    args: %s\n", v->container, v->args);
		cleanup_result struct result r = play_pod("variant", "", spec, container);
		cleanup_free char *text = NULL;

		if (!CHECK_CODE(r, 0))
			printf("... %s\n", v->what);
		CHECK(WAIT_UNTIL(ps_begins("variant-c", "Status", "Exited"), DEADLINE_MS),
		      "%s: does not end", v->what);
		text = logs_of("variant-c");
		for (size_t k = 0; k < ARRAY_SIZE(v->has) && v->has[k]; k++)
			CHECK(strstr(text, v->has[k]), "%s: no '%s' in\n%s", v->what, v->has[k],
			      text);
		for (size_t k = 0; k < ARRAY_SIZE(v->lacks) && v->lacks[k]; k++)
			CHECK(!strstr(text, v->lacks[k]), "%s: '%s' in\n%s", v->what, v->lacks[k],
			      text);
		MUST(0, "pod rm -f -t 0 variant");
	}
}

static void test_non_root(void)
{
	cleanup_result struct result r =
		play_pod("root", "", "  restartPolicy: Never\n",
			 "    args: [probe]\n    securityContext: {runAsNonRoot: true}\n");
	cleanup_free char *logs = NULL;

	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "root");
	logs = logs_of("root-c");
	CHECK_EQUAL(logs, ""); /* it never ran */
	remove_pod("root");
}

/* ---- volumes ------------------------------------------------------------------------------ */

static const char volumes_yaml[] =
	"apiVersion: v1\nkind: Pod\nmetadata: {name: vol}\nspec:\n"
	"  securityContext: {fsGroup: 3000}\n"
	"  containers:\n"
	"  - name: a\n    image: payload\n    args: [sleep, \"0\"]\n"
	"    volumeMounts:\n"
	"    - {name: disk, mountPath: /disk}\n"
	"    - {name: ram, mountPath: /ram}\n"
	"    - {name: dir, mountPath: /dir}\n"
	"    - {name: dir, mountPath: /ro, readOnly: true}\n"
	"    - {name: dir, mountPath: /sub, subPath: one/two}\n"
	"    - {name: file, mountPath: /file}\n"
	"    - {name: made, mountPath: /made}\n"
	"    - {name: madefile, mountPath: /madefile}\n"
	"    - {name: null, mountPath: /null}\n"
	"  - name: b\n    image: payload\n    args: [sleep, \"0\"]\n"
	"    volumeMounts: [{name: disk, mountPath: /shared}, {name: ram, mountPath: /ram}]\n"
	"  volumes:\n"
	"  - {name: disk, emptyDir: {}}\n"
	"  - {name: ram, emptyDir: {medium: Memory, sizeLimit: 64Ki}}\n"
	"  - {name: dir, hostPath: {path: /opt/v/dir, type: Directory}}\n"
	"  - {name: file, hostPath: {path: /opt/v/file, type: File}}\n"
	"  - {name: made, hostPath: {path: /opt/v/made, type: DirectoryOrCreate}}\n"
	"  - {name: madefile, hostPath: {path: /opt/v/madefile, type: FileOrCreate}}\n"
	"  - {name: null, hostPath: {path: /dev/null, type: CharDevice}}\n";

static void in(const char *container, const char *words, const char *part)
{
	cleanup_result struct result r = podium("exec %s /payload %s", container, words);

	CHECK(strstr(r.out, part) || strstr(r.err, part), "%s: %s: no '%s' in '%s' '%s'", container,
	      words, part, r.out, r.err);
}

static void test_volumes(void)
{
	cleanup_free char *quoted = replaced(volumes_yaml, "name: null", "name: \"null\"");
	cleanup_free char *other = replaced(quoted, "{name: vol}", "{name: vol2}");
	cleanup_result struct result r = { 0 }, r2 = { 0 };
	struct stat st;

	write_file("/opt/v/dir/x", "from the host\n");
	write_file("/opt/v/dir/one/two/y", "below\n");
	write_file("/opt/v/file", "a file\n");
	r = play_text("vol", "", quoted);
	CHECK_CODE(r, 0);
	in("vol-a", "cat /dir/x", "from the host");
	in("vol-a", "cat /sub/y", "below");
	in("vol-a", "cat /file", "a file");
	in("vol-a", "touch /ro/x", "EROFS");
	in("vol-a", "write /dir/new text", "");
	CHECK(exists("/opt/v/dir/new"), "nothing was written to the host");
	CHECK(stat("/opt/v/made", &st) == 0 && S_ISDIR(st.st_mode), "no directory was made");
	CHECK(stat("/opt/v/madefile", &st) == 0 && S_ISREG(st.st_mode), "no file was made");
	in("vol-a", "write /disk/shared text", "");
	in("vol-b", "cat /shared/shared", "text");
	in("vol-a", "write /ram/shared memory", "");
	in("vol-b", "cat /ram/shared", "memory");
	in("vol-a", "stat /disk", "3000");
	/* A second pod has its own. */
	r2 = play_text("vol2", "", other);
	CHECK_CODE(r2, 0);
	in("vol2-a", "cat /disk/shared", "ENOENT");
	/* Disk volumes outlive stop and start, memory ones do not. */
	MUST(0, "pod stop vol");
	MUST(0, "pod start vol");
	in("vol-a", "cat /disk/shared", "text");
	in("vol-a", "cat /ram/shared", "ENOENT");
	remove_pod("vol");
	remove_pod("vol2");
	CHECK(exists("/opt/v/dir/x"), "removal took the host's files");
}

/* A volume's sizeLimit in memory is the end of it. */
static void test_memory_volume_is_full(void)
{
	cleanup_result struct result r = play_pod(
		"full", "", "  volumes: [{name: r, emptyDir: {medium: Memory, sizeLimit: 64Ki}}]\n",
		"    image: busybox\n    command: [sleep, \"1000\"]\n"
		"    volumeMounts: [{name: r, mountPath: /r}]\n");
	cleanup_result struct result dd = { 0 };

	CHECK_CODE(r, 0);
	dd = podium("exec full-c dd if=/dev/zero of=/r/x bs=1024 count=128");
	CHECK(dd.code != 0, "128 KiB fit");
	CHECK_HAS(dd.err, "No space left");
	remove_pod("full");
}

/* ---- namespaces --------------------------------------------------------------------------- */

static const char shared_yaml[] =
	"apiVersion: v1\nkind: Pod\nmetadata: {name: ns}\nspec:\n  OPTION\n  containers:\n"
	"  - {name: a, image: busybox, command: [sleep, \"1001\"]}\n"
	"  - {name: b, image: busybox, command: [sleep, \"1002\"]}\n";

static char *processes_with(const char *option)
{
	cleanup_free char *yaml = replaced(shared_yaml, "OPTION", option);
	cleanup_result struct result r = play_text("ns", "", yaml);
	cleanup_result struct result ps = { 0 };

	CHECK_CODE(r, 0);
	ps = podium("exec ns-a ps");
	CHECK_CODE(ps, 0);
	remove_pod("ns");
	return steal_ptr(&ps.out);
}

static void test_namespaces(void)
{
	cleanup_free char *own = processes_with("restartPolicy: Always");
	cleanup_free char *shared = processes_with("shareProcessNamespace: true");
	cleanup_free char *host = processes_with("hostPID: true");

	CHECK_HAS(own, "sleep 1001");
	CHECK_LACKS(own, "sleep 1002");
	CHECK_HAS(shared, "sleep 1001");
	CHECK_HAS(shared, "sleep 1002");
	CHECK_LACKS(shared, "podium-monitor");
	CHECK_HAS(host, "sleep 1002");
	CHECK_HAS(host, "podium-monitor");
}

static void test_ipc(void)
{
	cleanup_result struct result made = run("ipcmk -M 4096");
	cleanup_result struct result r = { 0 }, ipcs = { 0 };

	CHECK_CODE(made, 0);
	r = play_pod("ipc", "", "  hostIPC: true\n",
		     "    image: busybox\n    command: [sleep, \"1000\"]\n");
	CHECK_CODE(r, 0);
	ipcs = podium("exec ipc-c cat /proc/sysvipc/shm");
	CHECK_HAS(ipcs.out, "4096");
	remove_pod("ipc");
	result_done(&r);
	result_done(&ipcs);
	r = play_pod("ipc", "", "", "    image: busybox\n    command: [sleep, \"1000\"]\n");
	CHECK_CODE(r, 0);
	ipcs = podium("exec ipc-c cat /proc/sysvipc/shm");
	CHECK_LACKS(ipcs.out, "4096");
	remove_pod("ipc");
	result_done(&made);
	made = run("ipcrm --all=shm");
}

/* ---- the image's configuration ------------------------------------------------------------ */

static void test_image_config(void)
{
	cleanup_result struct result r =
		play_pod("img", "", "", "    image: nginx\n    env: [{name: MINE, value: x}]\n");
	cleanup_result struct result env = { 0 };
	cleanup_free char *command = NULL;
	cleanup_free char *status = NULL;

	CHECK_CODE(r, 0);
	command = ps_field("img-c", "Command");
	CHECK(is_prefix(command, "nginx -g"), "the image's Cmd is not used: %s", command);
	env = podium("exec img-c env");
	CHECK_HAS(env.out, "PATH=/usr/local/sbin");
	CHECK_HAS(env.out, "MINE=x\n");
	MUST(0, "stop img-c");
	/* StopSignal SIGQUIT: a graceful end of nginx, exit code 0, and no grace period passes. */
	status = ps_field("img-c", "Status");
	CHECK(is_prefix(status, "Exited (0)"), "%s", status);
	remove_pod("img");
}

static CU_TestInfo tests[] = {
	{ "the golden file", test_golden },
	{ "securityContext and settings", test_variants },
	{ "runAsNonRoot", test_non_root },
	{ "volumes", test_volumes },
	{ "a full volume in memory", test_memory_volume_is_full },
	{ "process namespaces", test_namespaces },
	{ "hostIPC", test_ipc },
	{ "the image's configuration", test_image_config },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "confinement", begin, end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
