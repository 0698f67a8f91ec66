/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flags - what the flags of `run`, `pod create` and `update` do, looked at from inside the container.
 *
 * That each flag changes the plan is in tests/unit/test_create_flags.c; here the kernel is asked, by
 * /proc, the cgroup or the files that the container sees. Limits are read at the paths of cgroup v1
 * and of v2; a controller that the machine has not got is a skip.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/integration/harness.h"

static int begin(void)
{
	return harness_begin() == 0 && load_image("busybox") ? 0 : 1;
}

/* A flag, what is run in a container that has it, and what that prints. */
struct flag_case {
	const char *flags;
	const char *script;
	const char *want;
};

static void check_cases(const struct flag_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cleanup_result struct result r =
			podium("run --rm --network none %s busybox sh -c '%s'", cases[i].flags,
			       cases[i].script);

		CHECK(is_equal(r.out, cases[i].want), "%s: '%s' instead of '%s': %s",
		      cases[i].flags, r.out, cases[i].want, r.err);
	}
}

/* ---- the process ------------------------------------------------------------------------------- */

static void test_process(void)
{
	static const struct flag_case cases[] = {
		{ "--ulimit nofile=100:200 --ulimit core=0", "ulimit -n; ulimit -Hn; ulimit -c",
		  "100\n200\n0\n" },
		{ "--umask 077", "umask; touch /x; stat -c %a /x", "0077\n600\n" },
		{ "--oom-score-adj 123", "cat /proc/self/oom_score_adj", "123\n" },
		{ "--user 5:6 --group-add 77 --group-add 78", "id -u; id -G", "5\n6 77 78\n" },
		{ "--init", "cat /proc/1/comm; echo $$", "podium-init\n2\n" },
		{ "--cpuset-cpus 0 --cpuset-mems 0",
		  "grep -E \"pus_allowed_list|ems_allowed_list\" /proc/self/status",
		  "Cpus_allowed_list:\t0\nMems_allowed_list:\t0\n" },
		{ "-e A=b --unsetenv TERM", "echo \"$A${TERM-unset}\"", "bunset\n" },
		{ "--unsetenv-all -e A=b", "echo \"$A${TERM-unset}${container-none}\"",
		  "bunsetnone\n" },
		{ "--timeout 1", "sleep 1000; echo never", "" },
		{ "--workdir /tmp", "pwd", "/tmp\n" },
	};

	check_cases(cases, ARRAY_SIZE(cases));
}

static void test_host_environment(void)
{
	cleanup_result struct result r = { 0 };

	(void)setenv("PODIUM_FLAGS_TEST", "of the host", 1);
	r = podium("run --rm --network none --env-host -e PATH=/bin busybox sh -c 'echo "
		   "$PODIUM_FLAGS_TEST'");
	(void)unsetenv("PODIUM_FLAGS_TEST");
	CHECK_CODE(r, 0);
	CHECK_EQUAL(r.out, "of the host\n");
}

/* ---- security ---------------------------------------------------------------------------------- */

static void test_security(void)
{
	static const struct flag_case cases[] = {
		{ "--cap-drop ALL --cap-add CHOWN", "grep CapEff /proc/self/status",
		  "CapEff:\t0000000000000001\n" },
		{ "--cap-drop ALL", "grep CapBnd /proc/self/status", "CapBnd:\t0000000000000000\n" },
		{ "", "grep -E \"Seccomp:|NoNewPrivs\" /proc/self/status",
		  "NoNewPrivs:\t0\nSeccomp:\t2\n" },
		{ "--security-opt no-new-privileges", "grep NoNewPrivs /proc/self/status",
		  "NoNewPrivs:\t1\n" },
		{ "--security-opt seccomp=unconfined", "grep Seccomp: /proc/self/status",
		  "Seccomp:\t0\n" },
		{ "--security-opt mask=/proc/version:/etc", "wc -c </proc/version; ls /etc | wc -l",
		  "0\n0\n" },
		{ "--privileged", "grep -c \" /proc/\" /proc/mounts", "0\n" },
		{ "--security-opt unmask=ALL", "grep -c \" /proc/\" /proc/mounts", "0\n" },
		/* The first that is masked or read-only everywhere. */
		{ "--security-opt unmask=/proc/sys",
		  "echo $(grep -c \" /proc/sys \" /proc/mounts) "
		  "$(grep -c \" /proc/irq \" /proc/mounts)",
		  "0 1\n" },
		{ "", "touch /proc/sys/kernel/hostname || echo refused", "refused\n" },
	};

	check_cases(cases, ARRAY_SIZE(cases));
}

/* A profile of one's own: what it does not allow has the answer that it says. */
static void test_seccomp_file(void)
{
	write_file("deny.json",
		   "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"mkdir\", "
		   "\"mkdirat\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 1}]}");
	{
		cleanup_result struct result r = podium(
			"run --rm --network none --security-opt seccomp=%s/deny.json busybox sh -c "
			"'mkdir /x 2>/dev/null || echo refused; touch /y && echo allowed'",
			harness.work);

		CHECK_EQUAL(r.out, "refused\nallowed\n");
	}
}

static void test_devices(void)
{
	static const struct flag_case cases[] = {
		{ "--device /dev/null:/dev/mynull", "stat -c %t:%T /dev/mynull; echo x >/dev/mynull",
		  "1:3\n" },
		{ "--device-cgroup-rule \"c 1:8 rwm\" --cap-add MKNOD",
		  "mknod /dev/r c 1 8; head -c 3 /dev/r | wc -c; mknod /dev/k c 1 1; "
		  "head -c 1 /dev/k 2>/dev/null | wc -c",
		  "3\n0\n" },
	};

	check_cases(cases, ARRAY_SIZE(cases));
}

/* ---- files ------------------------------------------------------------------------------------- */

static void test_files(void)
{
	static const struct flag_case cases[] = {
		{ "--shm-size 1m", "df -k /dev/shm | tail -n 1 | tr -s \" \" | cut -d\" \" -f2",
		  "1024\n" },
		{ "--tmpfs /t:size=64k,mode=1770,noexec",
		  "stat -c %a /t; df -k /t | tail -n 1 | tr -s \" \" | cut -d\" \" -f2; "
		  "grep -c \" /t .*noexec\" /proc/mounts",
		  "1770\n64\n1\n" },
		{ "--read-only",
		  "touch /x 2>/dev/null || echo refused; touch /tmp/x /run/x /dev/shm/x && echo tmp",
		  "refused\ntmp\n" },
		{ "--read-only --read-only-tmpfs=false",
		  "touch /tmp/x 2>/dev/null || echo refused; touch /run/x 2>/dev/null || echo no",
		  "refused\nno\n" },
		{ "--tz Europe/Berlin", "date -d @1700000000 +%H:%M", "23:13\n" },
		{ "--hostname abc", "hostname; cat /etc/hostname", "abc\nabc\n" },
		{ "--hostname abc", "grep -c \"127.0.0.1.*abc\" /etc/hosts", "1\n" },
		{ "--add-host a.b:1.2.3.4", "grep -F a.b /etc/hosts", "1.2.3.4\ta.b\n" },
		{ "--no-hosts", "test -e /etc/hosts || echo none", "none\n" },
		{ "--user 123 --passwd-entry me:x:123:0:me:/me:/bin/sh", "tail -n 1 /etc/passwd",
		  "me:x:123:0:me:/me:/bin/sh\n" },
		{ "--sysctl net.ipv4.ip_forward=1 --sysctl kernel.msgmax=4096",
		  "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax", "1\n4096\n" },
	};

	check_cases(cases, ARRAY_SIZE(cases));
}

static void test_resolver(void)
{
	cleanup_result struct result r = podium(
		"run --rm --dns 9.9.9.9 --dns-search s.test --dns-option ndots:3 busybox cat "
		"/etc/resolv.conf");
	cleanup_result struct result none =
		podium("run --rm --network none --dns 9.9.9.9 busybox true");

	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "nameserver 9.9.9.9\n");
	CHECK_HAS(r.out, "search s.test\n");
	CHECK_HAS(r.out, "options ndots:3\n");
	CHECK_CODE(none, 125);
	CHECK_EQUAL(none.err, "Error: conflicting options: dns and the network mode: none\n");
}

static void test_pid_file(void)
{
	cleanup_free char *pid = NULL, *text = NULL;

	MUST(0, "run -d --name pf --network none --pidfile %s/pf.pid busybox sleep 1000",
	     harness.work);
	pid = inspect("pf", "{{.State.Pid}}");
	{
		cleanup_result struct result r = run("cat %s/pf.pid", harness.work);

		text = xstrndup(r.out, strcspn(r.out, "\n"));
	}
	CHECK_EQUAL(text, pid);
	MUST(0, "rm -f -t 0 pf");
}

static void test_words_kept(void)
{
	cleanup_result struct result r = { 0 };

	write_file("labels", "k=v\n# no label\nonly\n");
	MUST(0,
	     "create --name wk --network none --label-file %s/labels --annotation an=no "
	     "--stop-signal USR1 --stop-timeout 3 --log-opt max-size=10kb "
	     "--log-opt path=%s/wk.log busybox true",
	     harness.work, harness.work);
	r = podium("inspect --format '{{.Config.Labels.k}} {{index .Config.Labels \"only\"}}|"
		   "{{.Config.Annotations.an}}|{{.Config.StopSignal}}|{{.Config.StopTimeout}}|"
		   "{{.HostConfig.LogConfig.Size}}|{{.HostConfig.LogConfig.Path}}' wk");
	{
		cleanup_free char *want = xasprintf("v |no|10|3|10.24kB|%s/wk.log\n", harness.work);

		CHECK_EQUAL(r.out, want);
	}
	MUST(0, "rm wk");
}

/* ---- other containers -------------------------------------------------------------------------- */

static void test_log_file(void)
{
	cleanup_result struct result r = { 0 };

	MUST(0, "run --name lf --network none --log-opt path=%s/lf.log busybox echo written",
	     harness.work);
	r = run("cat %s/lf.log", harness.work);
	CHECK_HAS(r.out, " stdout F written\n");
	MUST(0, "rm lf");
}

static void test_stop_signal(void)
{
	MUST(0,
	     "run -d --name ss --network none --stop-signal USR1 busybox sh -c "
	     "'trap \"exit 9\" USR1; echo ready; while :; do sleep 0.1; done'");
	for (int i = 0; i < 600; i++) {
		cleanup_result struct result r = podium("logs ss");

		if (is_equal(r.out, "ready\n"))
			break;
		(void)usleep(100000);
	}
	MUST(0, "stop ss");
	CHECK(is_inspected("ss", "{{.State.ExitCode}}", "9"), "ended by the signal it asked for");
	MUST(0, "rm ss");
}

static void test_others(void)
{
	cleanup_result struct result r = { 0 };

	MUST(0, "run -d --name base --network none -v fv:/data busybox sh -c "
		"'echo shared >/data/f; exec sleep 1000'");
	MUST(0, "wait --condition running base");
	MUST(0, "create --name needs --network none --requires base --volumes-from base busybox "
		"cat /data/f");
	MUST(0, "stop -t 0 base");
	r = podium("start -a needs");
	CHECK_EQUAL(r.out, "shared\n");
	CHECK(is_inspected("base", "{{.State.Running}}", "true"), "what is required is started");
	MUST(0, "rm -f -t 0 needs base");
	MUST(0, "volume rm fv");
}

/* ---- limits ------------------------------------------------------------------------------------ */

/* Of a running container, read in its cgroup: the first of the two that is there. v1 is "TREE/FILE". */
static char *limit(const char *name, const char *v1, const char *v2)
{
	cleanup_free char *group = inspect(name, "{{.State.CgroupPath}}");
	cleanup_free char *tree = xstrndup(v1, strcspn(v1, "/"));
	cleanup_result struct result r =
		run("sh -c 'cd /sys/fs/cgroup; cat %s%s%s 2>/dev/null || cat .%s/%s 2>/dev/null'",
		    tree, group, v1 + strlen(tree), group, v2);

	return xstrndup(r.out, strcspn(r.out, "\n"));
}

struct limit_case {
	const char *flags;
	const char *v1, *want1;
	const char *v2, *want2;
};

static const struct limit_case limits[] = {
	{ "--memory 64m", "memory/memory.limit_in_bytes", "67108864", "memory.max", "67108864" },
	{ "--memory-reservation 32m", "memory/memory.soft_limit_in_bytes", "33554432", "memory.low",
	  "33554432" },
	{ "--memory 64m --memory-swap 96m", "memory/memory.memsw.limit_in_bytes", "100663296",
	  "memory.swap.max", "33554432" },
	{ "--cpus 0.5", "cpu/cpu.cfs_quota_us", "50000", "cpu.max", "50000 100000" },
	{ "--cpu-period 50000 --cpu-quota 20000", "cpu/cpu.cfs_period_us", "50000", "cpu.max",
	  "20000 50000" },
	{ "--cpu-quota 30000 --cpu-period 100000", "cpu/cpu.cfs_quota_us", "30000", "cpu.max",
	  "30000 100000" },
	{ "--cpu-shares 512", "cpu/cpu.shares", "512", "cpu.weight", "20" },
	{ "--cpuset-cpus 0", "cpuset/cpuset.cpus", "0", "cpuset.cpus", "0" },
	{ "--cpuset-mems 0", "cpuset/cpuset.mems", "0", "cpuset.mems", "0" },
	{ "--blkio-weight 200", "blkio/blkio.weight", "200", "io.bfq.weight", "200" },
};

static void check_limit(const char *name, const struct limit_case *c, const char *by)
{
	cleanup_free char *value = limit(name, c->v1, c->v2);

	if (is_empty(value)) /* the kernel has no such file, or has it in another tree */
		return;
	CHECK(is_equal(value, c->want1) || is_equal(value, c->want2), "%s %s: '%s'", by, c->flags,
	      value);
}

/* The value of the first of the cases is there on every machine. */
static void check_memory(const char *name)
{
	cleanup_free char *value = limit(name, limits[0].v1, limits[0].v2);

	CHECK_EQUAL(value, "67108864");
}

static void test_limits(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		cleanup_result struct result r =
			podium("run -d --name lim --network none %s busybox sleep 1000",
			       limits[i].flags);

		if (i == 0)
			check_memory("lim");
		if (r.code == 0)
			check_limit("lim", &limits[i], "run");
		else /* refused, since the machine has no such controller: by its name */
			CHECK_HAS(r.err, "Error: ");
		DISCARD(podium("rm -f -t 0 -i lim"));
	}
}

static void test_update(void)
{
	MUST(0, "run -d --name upd --network none busybox sleep 1000");
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		cleanup_result struct result r = podium("update %s upd", limits[i].flags);

		if (i == 0)
			check_memory("upd");
		if (r.code == 0)
			check_limit("upd", &limits[i], "update");
		else
			CHECK_HAS(r.err, "Error: ");
	}
	/* They hold for the next run, too. */
	MUST(0, "restart -t 0 upd");
	check_limit("upd", &limits[3 + 2], "update, restart");
	check_limit("upd", &limits[1], "update, restart");
	CHECK(is_inspected("upd", "{{.HostConfig.MemoryReservation}}", "33554432"), "recorded");
	CHECK(CODE_OF(podium("update --memory none upd")) == 125, "no size");
	MUST(0, "rm -f -t 0 upd");
}

/* ---- pods -------------------------------------------------------------------------------------- */

/* What a member of a pod with these flags sees. */
static void check_member(const char *flags, const char *script, const char *want)
{
	cleanup_result struct result made = podium("pod create --name fp %s", flags);
	cleanup_result struct result r =
		podium("run --rm --pod fp busybox sh -c '%s'", script);

	CHECK_CODE(made, 0);
	CHECK(is_equal(r.out, want), "pod create %s: '%s' instead of '%s': %s", flags, r.out, want,
	      r.err);
	DISCARD(podium("pod rm -f -t 0 fp"));
}

static void test_pods(void)
{
	static const struct flag_case cases[] = {
		{ "--hostname ph", "hostname", "ph\n" },
		{ "--add-host a.b:1.2.3.4", "grep -F a.b /etc/hosts", "1.2.3.4\ta.b\n" },
		{ "--no-hosts", "test -e /etc/hosts || echo none", "none\n" },
		{ "--dns 9.9.9.9 --dns-search s.test --dns-option ndots:3",
		  "grep -c -E \"^(nameserver 9.9.9.9|search s.test|options ndots:3)$\" "
		  "/etc/resolv.conf",
		  "3\n" },
		{ "--shm-size 1m", "df -k /dev/shm | tail -n 1 | tr -s \" \" | cut -d\" \" -f2",
		  "1024\n" },
		{ "--sysctl net.ipv4.ip_forward=1", "cat /proc/sys/net/ipv4/ip_forward", "1\n" },
		{ "--security-opt seccomp=unconfined", "grep Seccomp: /proc/self/status",
		  "Seccomp:\t0\n" },
		{ "--device /dev/null:/dev/mynull", "stat -c %t:%T /dev/mynull", "1:3\n" },
		{ "--cpuset-cpus 0", "grep pus_allowed_list /proc/self/status",
		  "Cpus_allowed_list:\t0\n" },
		{ "--share net,pid", "ps -o comm | head -n 2 | tail -n 1", "podium-pause\n" },
		{ "--pid host", "test $(ls -d /proc/[0-9]* | wc -l) -gt 5 && echo many", "many\n" },
		{ "--network none", "ls /sys/class/net", "lo\n" },
		{ "--mac-address 02:00:00:00:00:07", "cat /sys/class/net/eth0/address",
		  "02:00:00:00:00:07\n" },
		{ "--uidmap 0:100000:65536 --gidmap 0:100000:65536",
		  "tr -s \" \" </proc/self/uid_map", " 0 100000 65536\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_member(cases[i].flags, cases[i].script, cases[i].want);
}

static void test_pod_volumes(void)
{
	MUST(0, "run --rm --network none -v pv:/x busybox sh -c 'echo kept >/x/f'");
	check_member("-v pv:/data", "cat /data/f", "kept\n");
	MUST(0, "create --name pvc --network none -v pv:/from busybox true");
	check_member("--volumes-from pvc", "cat /from/f", "kept\n");
	MUST(0, "rm pvc");
	MUST(0, "volume rm pv");
}

/* ---- the global ones --------------------------------------------------------------------------- */

static void test_true_values(void)
{
	MUST(0, "--cgroup-manager cgroupfs --events-backend=file --storage-driver overlay "
		"--remote=false --syslog=false ps -q --sync");
	{
		cleanup_result struct result r = podium("--cgroup-manager systemd ps");

		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, "--cgroup-manager=systemd is not supported, only 'cgroupfs'");
	}
}

/* ---- what is shown ----------------------------------------------------------------------------- */

static void test_shown(void)
{
	cleanup_free char *pod = NULL, *infra = NULL, *want = NULL;

	MUST(0, "pod create --name sp --label of=pod --memory 64m --cpus 0.5");
	MUST(0, "run -d --pod sp --name sm --health-cmd true busybox sleep 1000");
	pod = inspect("sp", "{{.Id}}");
	infra = inspect("sp", "{{.InfraContainerID}}");
	want = xasprintf("container:%s", infra);
	CHECK(is_inspected("sm", "{{.HostConfig.NetworkMode}}", want), "the pod's network");
	CHECK(is_inspected("sm", "{{.HostConfig.IpcMode}}", want), "the pod's ipc");
	CHECK(is_inspected("sm", "{{index .Dependencies 0}}", infra), "depends on the infra");
	CHECK(is_inspected("sm", "{{len .Config.Labels}}", "0"), "a pod's labels are its own");
	CHECK(is_inspected("sp", "{{.Labels.of}} {{.memory_limit}} {{.cpu_quota}}",
			   "pod 67108864 50000"),
	      "the pod's limits");
	CHECK(is_inspected("sm", "{{index .Config.Healthcheck.Test 0}}", "CMD-SHELL"), "health");
	CHECK(is_inspected("sm", "{{index .Config.CreateCommand 5}}", "run"), "the words");
	{
		cleanup_free char *path = inspect("sm", "{{.State.CgroupPath}}");
		cleanup_free char *pid = inspect("sm", "{{.State.Pid}}");
		cleanup_result struct result r = run("cat /proc/%s/cgroup", pid);

		CHECK(!is_empty(path) && strstr(r.out, path), "%s in %s", path, r.out);
	}
	{
		cleanup_result struct result r =
			podium("ps -a --filter label=of=pod --format '{{.Names}}'");

		CHECK_EQUAL(r.out, "");
	}
	MUST(0, "inspect --type network podium");
	MUST(0, "pod rm -f -t 0 sp");
}

/* ---- words that scripts look for ---------------------------------------------------------------- */

static void check_said(int code, const char *part, const char *line)
{
	cleanup_result struct result r = podium("%s", line);

	CHECK_CODE(r, code);
	CHECK_HAS(r.err, part);
}

static void test_words(void)
{
	MUST(0, "pod create --name wp");
	MUST(0, "run -d --pod wp --name wc busybox sleep 1000");
	check_said(125, "name 'wc' is already in use by container", "create --name wc busybox");
	check_said(125, "container nix is not in pod wp: no such container", "pod logs -c nix wp");
	check_said(125, "to start an exec session: invalid argument", "exec wc");
	check_said(125, "--latest and containers cannot be used together", "logs -l wc");
	check_said(125, "specify at least one container name or ID to log", "logs");
	check_said(125, "no names or ids specified", "inspect");
	MUST(0, "pod rm -f -t 0 wp");
}

static CU_TestInfo tests[] = {
	{ "the process", test_process },
	{ "--env-host", test_host_environment },
	{ "security", test_security },
	{ "--security-opt seccomp=FILE", test_seccomp_file },
	{ "devices", test_devices },
	{ "files", test_files },
	{ "--dns", test_resolver },
	{ "--pidfile", test_pid_file },
	{ "words that are kept", test_words_kept },
	{ "--log-opt path", test_log_file },
	{ "--stop-signal", test_stop_signal },
	{ "--requires and --volumes-from", test_others },
	{ "limits", test_limits },
	{ "update", test_update },
	{ "pod create", test_pods },
	{ "pod create --volume and --volumes-from", test_pod_volumes },
	{ "values that are true here", test_true_values },
	{ "what inspect shows", test_shown },
	{ "words that scripts look for", test_words },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "flags", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
