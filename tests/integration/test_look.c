/* SPDX-License-Identifier: Apache-2.0 */
/*
 * look - top, stats, port, ps' flags and filters, logs of pods, and the members of inspect, of
 * containers and pods made by hand and played.
 */
#include <stdio.h>
#include <string.h>

#include "tests/integration/harness.h"

static int begin(void)
{
	return harness_begin() == 0 && load_image("busybox") ? 0 : 1;
}

#define CHECK_OUT(text, ...)                                             \
	({                                                               \
		cleanup_result struct result out_ = podium(__VA_ARGS__); \
		CHECK_CODE(out_, 0);                                     \
		CHECK_HAS(out_.out, text);                               \
	})
#define CHECK_EXACT(text, ...)                                             \
	({                                                                 \
		cleanup_result struct result exact_ = podium(__VA_ARGS__); \
		CHECK_CODE(exact_, 0);                                     \
		CHECK_EQUAL(exact_.out, text);                             \
	})

static void start(const char *name, const char *options, const char *command)
{
	MUST(0, "run -d --name %s %s busybox %s", name, options, command);
}

static bool is_shown(const char *text)
{
	cleanup_result struct result r = podium("top odd pid args");

	return r.out && strstr(r.out, text);
}

/* TTY-1: a process that calls itself what is no UTF-8 is not hidden by that. */
static void test_odd_names(void)
{
	write_file("odd.sh", "exec sh -c 'sleep 1000; true' \"$(printf 'o\\377dd')\"\n");
	MUST(0, "run -d --name odd -v %s/odd.sh:/odd.sh busybox sh /odd.sh", harness.work);
	CHECK(WAIT_UNTIL(is_shown("true o?dd"), 5000), "it is hidden");
	MUST(0, "rm -f -t 0 odd");
}

/* EXE-4: the container's own ps is not asked. */
static void test_top(void)
{
	start("top", "--user 7:8", "sleep 1000");
	DISCARD(podium("exec --user 0 top sh -c 'rm -f /bin/ps; printf \"#!/bin/sh\\ntouch "
		       "/mark\\n\" > /bin/ps; chmod 755 /bin/ps'"));
	CHECK_OUT("USER        PID         PPID        %CPU        ELAPSED", "top top");
	CHECK_EXACT("PID         COMMAND     USER        PPID\n"
		    "1           sleep 1000  7           0\n",
		    "top top pid args user,ppid");
	CHECK_EXACT("USER        PID         COMMAND\n7           1           sleep\n",
		    "top top -eo user,pid,comm");
	CHECK_OUT("sleep 1000", "top --latest args");
	CHECK_OUT("KILL", "top top capbnd");
	MUST(125, "top top nosuch");
	MUST(125, "top top -L");
	MUST(125, "top nobody");
	MUST(0, "exec top test ! -e /mark");
	MUST(0, "stop -t 0 top");
	{
		cleanup_result struct result r = podium("top top");

		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, "top can only be used on running containers");
	}
	MUST(0, "rm -f top");
}

static void test_stats(void)
{
	cleanup_result struct result r = { 0 };

	start("stats", "", "sh -c 'while :; do :; done'");
	(void)usleep(300000);
	CHECK_OUT("ID            NAME        CPU %", "stats --no-stream stats");
	CHECK_OUT("\"name\": \"stats\"", "stats --no-stream --format json stats");
	r = podium("stats --no-stream --format {{.CPUPerc}} stats");
	CHECK(r.code == 0 && !is_prefix(r.out, "0.00"), "a busy container uses '%s'", r.out);
	CHECK_OUT("stats\n", "stats --no-stream -a --format {{.Name}}");
	MUST(125, "stats -a stats");
	MUST(125, "stats -i 0 stats");
	MUST(125, "stats nobody");
	MUST(0, "rm -f -t 0 stats");
}

static void test_port_and_pods(void)
{
	cleanup_result struct result r = play_text(
		"twice", "",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: two}\nspec:\n  containers:\n"
		"  - {name: a, image: busybox, command: [sh, -c, \"echo from a; sleep 1000\"],\n"
		"     ports: [{containerPort: 80, hostPort: 18080}]}\n"
		"  - {name: b, image: busybox, command: [sh, -c, \"echo from b; sleep 1000\"]}\n");

	CHECK_CODE(r, 0);
	CHECK_EXACT("80/tcp -> 0.0.0.0:18080\n", "port two-a");
	CHECK_EXACT("0.0.0.0:18080\n", "port two-a 80");
	MUST(125, "port two-a 80/udp");
	MUST(125, "port two-a x");
	CHECK(WAIT_UNTIL(logs_have("two-b", "from b"), DEADLINE_MS), "b says nothing");
	CHECK_OUT("two-a from a\n", "pod logs -n two");
	CHECK_EXACT("from b\n", "pod logs -c b two");
	MUST(125, "pod logs -c nix two");
	CHECK_OUT("sleep 1000", "pod top two args");
	CHECK_OUT("two-a", "pod stats --no-stream two");
	CHECK_OUT("two-b\n", "pod stats --no-stream --format {{.Name}}");
	MUST(0, "pod rm -f -t 0 two");
}

static bool exists_in(const char *name, const char *path)
{
	cleanup_result struct result r = podium("exec %s test -s %s", name, path);

	return r.code == 0;
}

static void test_ps(void)
{
	start("listed", "-l k=v -v lookvol:/data --restart on-failure:3", "sleep 1000");
	CHECK_OUT("PIDNS", "ps --ns");
	CHECK_OUT("(virtual ", "ps -s");
	MUST(0, "ps --sync");
	MUST(125, "ps --sync=false");
	CHECK_EXACT("map[k:v] [/data] podium 0\n",
		    "ps --format '{{.Labels}} {{.Mounts}} {{.Networks}} {{.Restarts}}'");
	CHECK_OUT("listed",
		  "ps --format {{.Names}} -f label=k=v -f volume=lookvol -f network=podium "
		  "-f restart-policy=on-failure -f should-start-on-boot=false");
	CHECK_EXACT("", "ps -q -f label!=k");
	CHECK_EXACT("", "ps -q -f network=nix");
	CHECK_EXACT("", "ps -q -f health=healthy");
	start("fat", "", "sh -c 'head -c 3000000 /dev/zero > /fat; sleep 1000'");
	CHECK(WAIT_UNTIL(exists_in("fat", "/fat"), DEADLINE_MS), "no file");
	CHECK_EXACT("listed\nfat\n", "ps --sort size --format {{.Names}}");
	MUST(125, "ps --sort weight");
	MUST(0, "rm -f -t 0 fat");
	MUST(125, "ps --size --ns");
	MUST(125, "ps -f nix=1");
	MUST(0, "rm -f -t 0 listed");
	MUST(0, "volume rm lookvol");
}

/* Every name that Podman 4.3 has (of the lists below) is there. */
static void test_inspect_members(void)
{
	static const char *const names[] = {
		"State.Health",
		"State.OciVersion",
		"ImageDigest",
		"GraphDriver.Data",
		"EffectiveCaps",
		"BoundingCaps",
		"NetworkSettings.MacAddress",
		"NetworkSettings.SandboxKey",
		"Config.CreateCommand",
		"Config.Umask",
		"Config.Secrets",
		"Config.Timeout",
		"HostConfig.Binds",
		"HostConfig.Tmpfs",
		"HostConfig.Ulimits",
		"HostConfig.MemorySwap",
		"HostConfig.ShmSize",
		"HostConfig.CgroupMode",
		"HostConfig.Devices",
		"HostConfig.UsernsMode",
		"HostConfig.ConsoleSize",
	};

	start("shown",
	      "-v /tmp:/host:ro --tmpfs /tt:size=1m --ulimit nofile=100:200 -l k=v "
	      "--stop-timeout 7 --memory 64m",
	      "sleep 1000");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		MUST(0, "inspect --format {{.%s}} shown", names[i]);
	CHECK_EXACT("k=v 7 67108864 false\n",
		    "inspect --format '{{range $k,$v := .Config.Labels}}{{$k}}={{$v}}{{end}} "
		    "{{.Config.StopTimeout}} {{.HostConfig.Memory}} {{.HostConfig.AutoRemove}}' "
		    "shown");
	CHECK_OUT("/tmp:/host:ro", "inspect --format '{{index .HostConfig.Binds 0}}' shown");
	CHECK_OUT("RLIMIT_NOFILE", "inspect --format '{{json .HostConfig.Ulimits}}' shown");
	CHECK_EXACT("\n", "inspect --format {{.Pod}} shown");
	CHECK_OUT("SizeRootFs", "container inspect --size shown");
	CHECK_EXACT("shown\n", "inspect --latest --format {{.Name}}");
	MUST(125, "inspect --latest shown");
	MUST(0, "rm -f -t 0 shown");
	MUST(0, "pod create --name shownpod");
	CHECK_OUT("[", "pod inspect --format '{{.SharedNamespaces}}{{.CreateCommand}}"
		       "{{.CgroupPath}}{{.InfraConfig.StaticIP}}' shownpod");
	CHECK_EXACT("shownpod\n", "pod inspect --latest --format {{.Name}}");
	CHECK_OUT("ipc,net,uts", "pod ps --ns");
	MUST(0, "pod rm -f shownpod");
}

static void test_inspect_networks(void)
{
	MUST(0, "network create --subnet 10.78.1.0/24 l1");
	MUST(0, "network create --subnet 10.78.2.0/24 l2");
	start("wired", "--network l1:ip=10.78.1.9,alias=db --network l2:mac=02:00:00:00:00:09",
	      "sleep 1000");
	CHECK_EXACT(" 10.78.1.9 10.78.1.1 24 db\n",
		    "inspect wired --format '{{.NetworkSettings.IPAddress}} "
		    "{{with .NetworkSettings.Networks.l1}}{{.IPAddress}} {{.Gateway}} "
		    "{{.IPPrefixLen}} {{index .Aliases 0}}{{end}}'");
	CHECK_EXACT("02:00:00:00:00:09 64\n",
		    "inspect wired --format '{{with .NetworkSettings.Networks.l2}}{{.MacAddress}} "
		    "{{len .NetworkID}}{{end}}'");
	MUST(0, "stop -t 0 wired");
	CHECK_EXACT("[]\n", "inspect wired --format "
			    "'[{{.NetworkSettings.Networks.l1.IPAddress}}]'");
	MUST(0, "rm wired");
	MUST(0, "network rm l1 l2");
}

static char *mount_of(const char *name)
{
	struct result r = podium("mount %s", name);
	char *path = r.code == 0 ? xstrndup(r.out, strcspn(r.out, "\n")) : xstrdup("(none)");

	result_done(&r);
	return path;
}

/* Of one that stands and of one that runs, counted, and gone with the container. */
static void test_mount(void)
{
	static const char *const names[] = { "stood", "ran" };

	MUST(0, "create --name stood busybox sleep 1000");
	start("ran", "", "sleep 1000");
	MUST(0, "exec ran sh -c 'echo inside > /inside'");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_free char *path = mount_of(names[i]);
		cleanup_free char *again = mount_of(names[i]);
		cleanup_free char *file = xasprintf("%s/from-host", path);

		CHECK_EQUAL(again, path);
		CHECK(exists("%s/bin/busybox", path), "no files of %s", names[i]);
		write_file(file, "host\n");
		CHECK_OUT(path, "mount");
		CHECK_OUT(path, "mount --format json");
		CHECK_OUT(names[i], "umount %s", names[i]);
		CHECK(exists("%s/bin/busybox", path), "the second user has lost it");
		MUST(0, "unmount %s", names[i]);
		CHECK(!exists("%s/bin/busybox", path), "it is still there");
		MUST(0, "unmount %s", names[i]);
	}
	CHECK_EXACT("inside\nhost\n", "exec ran cat /inside /from-host");
	MUST(0, "start stood");
	CHECK_EXACT("host\n", "exec stood cat /from-host");
	MUST(0, "mount ran");
	MUST(0, "rm -f -t 0 ran stood");
	CHECK_EXACT("", "mount");
	MUST(125, "mount nobody");
	MUST(125, "unmount");
}

static CU_TestInfo tests[] = {
	{ "top", test_top },
	{ "TTY-1: top of odd names", test_odd_names },
	{ "stats", test_stats },
	{ "port; top, stats and logs of pods", test_port_and_pods },
	{ "ps", test_ps },
	{ "inspect", test_inspect_members },
	{ "inspect: networks", test_inspect_networks },
	{ "mount", test_mount },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "look", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
