/* SPDX-License-Identifier: Apache-2.0 */
/*
 * system - df with all its rows, prune, and reset, after which nothing is there.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"

static int begin(void)
{
	return harness_begin() == 0 && load_image("busybox") ? 0 : 1;
}

#define CHECK_EXACT(text, ...)                                             \
	({                                                                 \
		cleanup_result struct result exact_ = podium(__VA_ARGS__); \
		CHECK_CODE(exact_, 0);                                     \
		CHECK_EQUAL(exact_.out, text);                             \
	})

static void test_reset(void)
{
	cleanup_snapshot struct snapshot before = { 0 };
	cleanup_result struct result r = { 0 };
	cleanup_free char *archive = image_archive("busybox");

	snapshot_take(&before);
	harness_fresh("reset");
	MUST(0, "load -i %s", archive);
	MUST(0, "network create --subnet 10.79.1.0/24 rnet");
	MUST(0, "volume create rvol");
	MUST(0, "run -d --name lives --network rnet -v rvol:/data busybox sleep 1000");
	MUST(0, "run -d --name other -p 18077:80 busybox sleep 1000");
	MUST(0, "mount lives");
	MUST(0, "image mount busybox");
	MUST(0, "pod create --name rpod");
	r = podium_stdin("hidden", "secret create rsecret -");
	CHECK_CODE(r, 0);
	result_done(&r);
	r = play_text("rjob", "",
		      "apiVersion: batch/v1\nkind: Job\nmetadata: {name: rjob}\nspec:\n"
		      "  template:\n    spec:\n      restartPolicy: Never\n      containers:\n"
		      "      - {name: c, image: busybox, command: [sleep, '1000']}\n---\n"
		      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: rmap}\ndata: {a: b}\n");
	CHECK_CODE(r, 0);
	result_done(&r);

	r = podium_stdin("n\n", "system reset");
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "WARNING! This will remove:\n        - all containers\n");
	CHECK(is_inspected("lives", "{{.State.Status}}", "running"), "a no is a no");
	result_done(&r);

	CHECK_EXACT("", "system reset --force");
	CHECK_EXACT("", "ps -aq");
	CHECK_EXACT("", "pod ps -q");
	CHECK_EXACT("", "images -q");
	CHECK_EXACT("", "volume ls -q");
	CHECK_EXACT("", "secret ls -q");
	CHECK_EXACT("podium\n", "network ls -q --format {{.Name}}");
	CHECK_EXACT("", "kube get configmaps -o name");
	CHECK_EXACT("", "system reset -f"); /* of an empty one */
	MUST(0, "load -i %s", archive);
	CHECK_EXACT("again\n", "run --rm busybox echo again");
	MUST(0, "system reset -f");
	harness_store(NULL, NULL);
	CHECK_NOTHING_LEFT(&before, "reset");
}

/* Containers by themselves, networks, volumes; what is in use or kept by a filter stays. */
static void test_prune(void)
{
	cleanup_result struct result r = { 0 };

	MUST(0, "network create --subnet 10.67.1.0/24 idle");
	MUST(0, "network create --subnet 10.67.2.0/24 busy");
	MUST(0, "volume create unused");
	MUST(0, "run -d --name stays --network busy busybox sleep 1000");
	MUST(0, "run --name ended busybox true");
	MUST(0, "create --name kept -l keep=1 busybox true");
	r = podium("system prune -f --volumes --filter label!=keep=1");
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "Deleted Containers\n");
	CHECK_HAS(r.out, "Deleted Networks\nidle\n");
	CHECK_HAS(r.out, "Deleted Volumes\nunused\n");
	CHECK_EXACT("stays\nkept\n", "ps -a --format {{.Names}} --sort created");
	MUST(0, "network exists busy");
	MUST(0, "system prune -f");
	CHECK_EXACT("stays\n", "ps -a --format {{.Names}}");
	MUST(0, "rm -f -t 0 stays");
	MUST(0, "network rm busy");
}

/* --rm whose monitor was killed: shown as it is, and a stop or a prune takes it away. */
static void test_orphan(void)
{
	static const char *const ends[] = { "stop -t 0 orphan", "rm -f orphan" };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		cleanup_result struct result r = { 0 };
		cleanup_free char *pid = NULL;
		uint64_t n = 0;

		MUST(0, "run -d --rm --name orphan busybox sleep 1000");
		pid = inspect("orphan", "{{.State.ConmonPid}}");
		CHECK(parse_u64(pid, INT32_MAX, &n) == 0 && n > 1, "pid %s", pid);
		if (n > 1)
			(void)kill((pid_t)n, SIGKILL);
		CHECK(WAIT_UNTIL(ps_begins("orphan", "Status", "Up (monitor lost)"), DEADLINE_MS),
		      "not told");
		r = podium("start orphan");
		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, "`podium stop orphan` ends and removes it");
		MUST(0, "%s", ends[i]);
		MUST(1, "container exists orphan");
	}
}

/* What scripts read: filters that are empty or several in one word, and fields by Podman's names. */
static void test_script_words(void)
{
	cleanup_result struct result r = { 0 };

	MUST(0, "volume create -l team=a fvol");
	MUST(0, "network create --subnet 10.67.3.0/24 --label a=b --label c fnet");
	r = podium_stdin("x", "secret create fsecret -");
	CHECK_CODE(r, 0);
	result_done(&r);

	CHECK_EXACT("fvol\n", "volume ls -q --filter ''");
	CHECK_EXACT("fvol\n", "volume ls -q --filter name=fvol,label=team");
	CHECK_EXACT("", "volume ls -q --filter name=fvol,label=none");
	CHECK_EXACT("", "images -q --filter reference=busybox,dangling=true");
	CHECK_EXACT("map[] 0\n", "volume inspect -f '{{.Status}} {{.Timeout}}' fvol");
	CHECK_EXACT("{\"a\":\"b\",\"c\":\"\"}\n", "network inspect -f '{{json .Labels}}' fnet");
	CHECK_EXACT("a=b,c=\n", "network ls --filter name=fnet --format '{{.Labels}}'");
	r = podium("network ls --filter name=fnet --format '{{.Created}}'");
	CHECK_HAS(r.out, " +0000 UTC\n");
	result_done(&r);
	r = podium("secret ls --format '{{json .}}'");
	CHECK_HAS(r.out, "{\"ID\":");
	CHECK_HAS(r.out, "ago\"}\n");
	result_done(&r);
	r = podium("system df --format '{{json .}}'");
	CHECK_HAS(r.out, "\n{\"Type\":\"Containers\",\"Total\":0,\"Active\":0,\"Size\":0,");
	result_done(&r);
	CHECK_EXACT("false true 0\n", "info -f '{{.Host.RemoteSocket.Exists}} "
				      "{{.Host.Security.SECCOMPEnabled}} {{.Version.Built}}'");
	r = podium("secret ls --filter what=x");
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "invalid filter \"what\"\n");
	result_done(&r);
	r = podium("network ls --filter what");
	CHECK_HAS(r.err, "filter input must be in the form of filter=value: what is invalid");
	MUST(0, "volume rm fvol");
	MUST(0, "network rm fnet");
	MUST(0, "secret rm fsecret");
}

static void spoil(const char *path)
{
	cleanup_free char *whole = xasprintf("%s/%s", harness.root, path);

	write_file(whole, "{ this is no record");
}

/* Records of volumes, secrets and networks: what cannot be read is named and left, what is half made goes. */
static void test_check_records(void)
{
	static const char *const half[] = { "volumes/half", "volumes/half/_data",
					    "secrets/.made/half" };
	cleanup_result struct result r = { 0 };

	MUST(0, "volume create bad");
	MUST(0, "volume create good");
	MUST(0, "network create --disable-dns --subnet 10.67.4.0/24 badnet");
	for (size_t i = 0; i < 2; i++) {
		r = podium_stdin("x", "secret create %s -", i ? "badsecret" : "goodsecret");
		CHECK_CODE(r, 0);
		result_done(&r);
	}
	CHECK_EXACT("", "system check");
	for (size_t i = 0; i < ARRAY_SIZE(half); i++) {
		cleanup_free char *path = xasprintf("%s/%s", harness.root, half[i]);

		CHECK(mkdir(path, 0700) == 0, "make '%s'", path);
	}
	r = podium("system check");
	CHECK_CODE(r, 125);
	CHECK_HAS(r.out, "Incomplete: volume half\n");
	CHECK_HAS(r.out, "Incomplete: secret half\n");
	CHECK_HAS(r.err, "system check --repair` removes it");
	result_done(&r);
	CHECK_EXACT("Removed: volume half\nRemoved: secret half\n", "system check --repair");
	CHECK_EXACT("", "system check");
	CHECK(!exists("%s/volumes/half", harness.root), "still there");

	spoil("volumes/bad/volume.json");
	spoil("secrets/.made/badsecret/secret.json");
	spoil("networks/badnet.json");
	r = podium("system check --repair");
	CHECK_CODE(r, 125);
	CHECK_HAS(r.out, "Damaged: volume bad: ");
	CHECK_HAS(r.out, "Damaged: secret badsecret: ");
	CHECK_HAS(r.out, "Damaged: network badnet: ");
	CHECK_LACKS(r.out, "good");
	CHECK(exists("%s/volumes/bad/_data", harness.root), "somebody's data are gone");
	result_done(&r);
	DISCARD(podium("volume rm bad"));
	DISCARD(podium("secret rm badsecret goodsecret"));
	DISCARD(podium("network rm badnet"));
	DISCARD(run("rm -rf %s/volumes/bad %s/networks/badnet.json", harness.root, harness.root));
	MUST(0, "volume rm good");
	CHECK_EXACT("", "system check");
}

#define GHOST "abababababababababababababababababababababababababababababababab"

/* Leases of a pod that is not, a resolver without pods, files of a network that is not; those of a pod
 * that lives stay. */
static void test_check_networks(void)
{
	cleanup_result struct result r = { 0 };
	cleanup_free char *lease = xasprintf("%s/net/seen/leases/10.67.5.77", harness.runroot);
	cleanup_free char *pod = xasprintf("%s/net/seen/pods/" GHOST, harness.runroot);
	cleanup_free char *gone = xasprintf("%s/net/gone", harness.runroot);
	bool has_names = access("/usr/sbin/dnsmasq", X_OK) == 0;

	MUST(0, "network create %s --subnet 10.67.5.0/24 seen", has_names ? "" : "--disable-dns");
	MUST(0, "run -d --name lives --network seen -p 18078:80 busybox sleep 1000");
	CHECK_EXACT("", "system check");
	write_file(lease, "%s", GHOST);
	write_file(pod, "{\"address4\":\"10.67.5.77\"}");
	CHECK(mkdir(gone, 0700) == 0, "make '%s'", gone);
	r = podium("system check");
	CHECK_CODE(r, 125);
	CHECK_HAS(r.out,
		  "Unused: an address of pod abababababab in network seen, which does not run");
	CHECK_HAS(r.out, "Unused: files of network gone, which is not there");
	CHECK_LACKS(r.out, "resolver");
	CHECK(exists("%s", lease), "taken away without --repair");
	result_done(&r);
	r = podium("system check --repair");
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "Removed: an address of pod abababababab in network seen");
	CHECK(!exists("%s", lease) && !exists("%s", pod) && !exists("%s", gone), "still there");
	result_done(&r);
	CHECK_EXACT("", "system check");
	CHECK(is_inspected("lives", "{{.NetworkSettings.Networks.seen.IPAddress}}", "10.67.5.2"),
	      "the one that lives has lost its address");
	MUST(0, "rm -f -t 0 lives");
	if (has_names) {
		MUST(0, "run -d --name lives --network seen busybox sleep 1000");
		DISCARD(run("sh -c 'rm %s/net/seen/pods/* %s/net/seen/leases/*'",
			    harness.runroot, harness.runroot));
		r = podium("system check --repair");
		CHECK_HAS(r.out, "Removed: the resolver of network seen, in which no pod runs");
		CHECK(!exists("%s/net/seen/resolver.json", harness.runroot), "it runs on");
		MUST(0, "rm -f -t 0 lives");
	}
	MUST(0, "network rm -f seen");
	CHECK_EXACT("", "system check");
}

static CU_TestInfo tests[] = {
	{ "check: records", test_check_records },
	{ "check: networks", test_check_networks },
	{ "words of scripts", test_script_words },
	{ "reset", test_reset },
	{ "prune", test_prune },
	{ "--rm without a monitor", test_orphan },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "system", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
