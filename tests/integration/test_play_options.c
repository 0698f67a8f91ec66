/* SPDX-License-Identifier: Apache-2.0 */
/*
 * play_options - options of kube play that change the pods of the files.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/integration/harness.h"

static int begin(void)
{
	return harness_begin() == 0 && load_image("payload") ? 0 : 1;
}

#define SLEEPS "    args: [sleep, '600']\n"
#define PORTS                                                                            \
	SLEEPS "    ports:\n    - {containerPort: 80, hostPort: 18080}\n"                \
	       "    - {containerPort: 53, protocol: UDP}\n    - {containerPort: 18053, " \
	       "protocol: TCP}\n"

/* Ports as the pod's document has them; the file's own place is not taken. */
static void test_publish(void)
{
	cleanup_result struct result r = play_pod(
		"pub", "--publish 127.0.0.1:18081:80 --publish 18054:53/udp --publish 18099:99", "",
		PORTS);
	cleanup_result struct result made = podium("kube generate pub");

	CHECK_CODE(r, 0);
	CHECK_HAS(made.out, "hostPort: 18081\n      containerPort: 80\n      protocol: TCP\n      "
			    "hostIP: \"127.0.0.1\"\n");
	CHECK_HAS(made.out, "containerPort: 53\n");
	CHECK_HAS(made.out, "hostPort: 18054\n");
	CHECK_HAS(made.out, "containerPort: 99\n");
	CHECK_HAS(made.out, "hostPort: 18099\n");
	CHECK_LACKS(made.out, "hostPort: 18080\n");
	CHECK_LACKS(made.out, "hostPort: 18053\n");
	{
		cleanup_result struct result ps = podium("ps");

		CHECK_HAS(ps.out, "127.0.0.1:18081->80/tcp");
	}
	CHECK(remove_pod("pub"), "pub");
}

static void test_publish_all(void)
{
	cleanup_result struct result r =
		play_pod("all", "--publish-all", "",
			 SLEEPS "    ports:\n    - {containerPort: 18053}\n"
				"    - {containerPort: 81, hostPort: 18082}\n");
	cleanup_result struct result made = podium("kube generate all");

	CHECK_CODE(r, 0);
	CHECK_HAS(made.out, "hostPort: 18053\n");
	CHECK_HAS(made.out, "hostPort: 18082\n");
	CHECK_LACKS(made.out, "hostPort: 81\n");
	CHECK(remove_pod("all"), "all");
}

/* The image has neither of the files; another option gives another pod. */
static void test_files(void)
{
	cleanup_result struct result r = play_pod("etc", "--no-hosts --no-hostname", "", SLEEPS);
	cleanup_result struct result hosts = podium("exec etc-c /payload cat /etc/hosts");
	cleanup_result struct result name = podium("exec etc-c /payload cat /etc/hostname");
	cleanup_result struct result dns = podium("exec etc-c /payload cat /etc/resolv.conf");

	CHECK_CODE(r, 0);
	CHECK(hosts.code != 0 && !strstr(hosts.out, "etc"), "hosts: %s", hosts.out);
	CHECK(name.code != 0 && !strstr(name.out, "etc"), "hostname: %s", name.out);
	CHECK_CODE(dns, 0);
	{
		cleanup_result struct result again = play_pod("etc", "--no-hosts", "", SLEEPS);
		cleanup_result struct result seen = podium("exec etc-c /payload cat /etc/hostname");

		CHECK_CODE(again, 0);
		CHECK_HAS(again.err, "configured");
		CHECK_HAS(seen.out, "etc\n");
	}
	CHECK(remove_pod("etc"), "etc");
}

static void test_users(void)
{
	cleanup_result struct result r = play_pod("own", "--userns auto", "", SLEEPS);
	cleanup_result struct result map = podium("exec own-c /payload cat /proc/self/uid_map");
	cleanup_result struct result made = podium("kube generate own");

	CHECK_CODE(r, 0);
	CHECK_HAS(map.out, " 65536\n");
	CHECK_HAS(made.out, "hostUsers: false\n");
	{
		cleanup_result struct result host =
			play_pod("own", "--userns host", "  hostUsers: false\n", SLEEPS);
		cleanup_result struct result seen =
			podium("exec own-c /payload cat /proc/self/uid_map");

		CHECK_CODE(host, 0);
		CHECK_LACKS(seen.out, " 65536\n");
	}
	CHECK(remove_pod("own"), "own");
}

/* What the records have, and what a launch says of the folder. */
static void test_records(void)
{
	cleanup_result struct result r =
		play_pod("rec", "--log-driver json-file --log-opt max-size=1m", "", SLEEPS);
	cleanup_result struct result spec =
		run("grep -rl '\"maxBytes\": *1048576' %s/containers", harness.root);

	CHECK_CODE(r, 0);
	CHECK_HAS(spec.out, "spec.json");
	CHECK(remove_pod("rec"), "rec");
	{
		cleanup_result struct result bad =
			play_pod("rec", "--seccomp-profile-root /usr/share", "",
				 SLEEPS "    securityContext: {seccompProfile: {type: Localhost, "
					"localhostProfile: no-such.json}}\n");

		CHECK_CODE(bad, 125);
		CHECK_HAS(bad.err, "/usr/share");
	}
	(void)remove_pod("rec");
}

/* Networks, aliases and addresses, as run has them; pods in order. */
static void test_networks(void)
{
	static const char yaml[] =
		"apiVersion: v1\nkind: Pod\nmetadata: {name: na}\nspec:\n  containers:\n"
		"  - {name: c, image: payload, args: [sleep, '600']}\n---\n"
		"apiVersion: v1\nkind: Pod\nmetadata: {name: nb}\nspec:\n  containers:\n"
		"  - {name: c, image: payload, args: [sleep, '600']}\n";
	cleanup_result struct result r = { 0 };

	MUST(0, "network create --subnet 10.77.1.0/24 left");
	MUST(0, "network create --subnet 10.77.2.0/24 right");
	r = play_text("two",
		      "--network left --ip 10.77.1.7 --ip 10.77.1.8 --mac-address "
		      "02:00:00:00:00:07",
		      yaml);
	CHECK_CODE(r, 0);
	CHECK(is_inspected("na-c", "{{.NetworkSettings.IPAddress}}", "10.77.1.7"), "na");
	CHECK(is_inspected("na-c", "{{.NetworkSettings.Networks.left.MacAddress}}",
			   "02:00:00:00:00:07"),
	      "its MAC");
	CHECK(is_inspected("nb-c", "{{.NetworkSettings.IPAddress}}", "10.77.1.8"), "nb");
	MUST(0, "kube down %s/two.yaml", harness.work);
	result_done(&r);
	r = play_pod("both", "--network left:alias=db --network right:ip=10.77.2.9", "", SLEEPS);
	CHECK_CODE(r, 0);
	CHECK(is_inspected("both-c", "{{.NetworkSettings.Networks.right.IPAddress}}", "10.77.2.9"),
	      "two networks");
	CHECK(is_inspected("both-c", "{{index .NetworkSettings.Networks.left.Aliases 0}}", "db"),
	      "alias");
	CHECK(is_inspected("both-c", "{{.NetworkSettings.IPAddress}}", ""), "one for both");
	result_done(&r);
	r = podium("pod inspect both --format '{{.InfraConfig.Networks}}'");
	CHECK_EQUAL(r.out, "[left right]\n");
	CHECK(remove_pod("both"), "both");
	MUST(0, "network rm left right");
}

/* A log at another place, of the only container; ids of one's own, so many. */
static void test_log_and_size(void)
{
	cleanup_free char *options = xasprintf("--log-opt path=%s/own.log --userns "
					       "auto:size=2048",
					       harness.work);
	cleanup_result struct result r = play_pod("lg", options, "", "    args: [echo, said]\n");
	cleanup_free char *path = xasprintf("%s/own.log", harness.work);

	CHECK_CODE(r, 0);
	{
		cleanup_result struct result again = play_pod("lg", options, "", SLEEPS);
		cleanup_result struct result map =
			podium("exec lg-c /payload cat /proc/self/uid_map");

		CHECK_CODE(again, 0);
		CHECK_HAS(map.out, " 2048\n");
	}
	CHECK(exists("%s", path), "no log there");
	CHECK(remove_pod("lg"), "lg");
	(void)unlink(path);
}

static void test_refused(void)
{
	static const struct {
		const char *options, *spec, *says;
	} rows[] = {
		{ "--publish 80", "", "--publish '80' is not [IP:]HOSTPORT:CONTAINERPORT" },
		{ "--publish 1:2:3", "", "--publish '1:2:3' is not" },
		{ "--publish 0:80", "", "--publish '0:80' is not" },
		{ "--publish 80:80/xyz", "", "--publish '80:80/xyz' is not" },
		{ "--publish 8080:80 --network host", "", "exclude each other" },
		{ "--publish-all", "  hostNetwork: true\n", "has the host's network" },
		{ "--userns keep-id", "", "--userns keep-id is for ordinary users" },
		{ "--userns nomap", "", "--userns nomap is for ordinary users" },
		{ "--userns x", "", "--userns 'x' is not known" },
		{ "--userns auto:size=x", "", "no size" },
		{ "--network nowhere", "", "network not found" },
		{ "--network container:x", "", "a played pod has a network of its own" },
		{ "--network host --network bridge", "", "network" },
		{ "--ip 10.0.0.9 --network none", "", "--ip" },
		{ "--ip 1.2.3.4 --ip 1.2.3.5", "", "--ip is given 2 times for 1 pod" },
		{ "--mac-address x", "", "invalid MAC address" },
		{ "--service-container --start=false", "", "does not work with --start=false" },
		{ "--log-driver nosuch", "", "--log-driver 'nosuch' is not" },
		{ "--log-opt tag=x", "", "journald alone" },
		{ "--log-driver journald", "", "there is no journal on this host" },
		{ "--log-opt nosuch=/x", "", "--log-opt 'nosuch=/x' is not known" },
		{ "--log-opt max-size=1k", "", "no size of at least 32k" },
		{ "--no-hosts", "  hostAliases: [{ip: 1.2.3.4, hostnames: [a]}]\n",
		  "has hostAliases" },
		{ "--seccomp-profile-root /no/such", "", "--seccomp-profile-root '/no/such'" },
		{ "--ip 10.0.0.9", "", "requested static ip 10.0.0.9 not in" },
		{ "--mac-address 01:00:00:00:00:01", "", "is that of a group" },
		{ "--time 3", "", "--time belongs to --down" },
		{ "--force", "", "--force belongs to --down" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_result struct result r =
			play_pod("bad", rows[i].options, rows[i].spec, SLEEPS);
		cleanup_result struct result there = podium("pod exists bad");

		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, rows[i].says);
		CHECK_CODE(there, 1);
	}
}

/* The pods of a Job are made from its document: what is not in it would be lost. */
static void test_job(void)
{
	cleanup_result struct result r = play_text(
		"job", "--no-hosts",
		"apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec:\n  template:\n"
		"    spec:\n      restartPolicy: Never\n"
		"      containers: [{name: c, image: payload}]\n");

	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "Job 'j': its pods are made from the file");
}

/* ---- addresses ---------------------------------------------------------------------------- */

#define SERVER "http://127.0.0.1:18090"

static bool is_served(void)
{
	cleanup_result struct result r = run("curl -sf -o /dev/null " SERVER "/");

	return r.code == 0;
}

static void test_address(void)
{
	cleanup_result struct result end = { 0 };
	struct job server;

	write_file("web/app.yaml",
		   "apiVersion: v1\nkind: Pod\nmetadata: {name: remote}\nspec:\n  containers:\n"
		   "  - {name: c, image: payload, args: [sleep, '0']}\n");
	write_file("web/bad.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {nam: x}\n");
	server = job_run("python3 -m http.server --bind 127.0.0.1 --directory %s/web 18090",
			 harness.work);
	CHECK(WAIT_UNTIL(is_served(), DEADLINE_MS), "no server");
	MUST(0, "kube play " SERVER "/app.yaml");
	MUST(0, "pod exists remote");
	MUST(0, "kube play " SERVER "/app.yaml"); /* unchanged */
	MUST(0, "kube down " SERVER "/app.yaml");
	MUST(1, "pod exists remote");
	{
		cleanup_result struct result bad = podium("kube play " SERVER "/bad.yaml");
		cleanup_result struct result none = podium("kube play " SERVER "/none.yaml");
		cleanup_result struct result prune =
			podium("kube play --prune " SERVER "/app.yaml");
		cleanup_result struct result check = podium("kube validate " SERVER "/app.yaml");

		CHECK_CODE(bad, 125);
		CHECK_HAS(bad.err, SERVER "/bad.yaml:3:12: metadata.nam");
		CHECK_CODE(none, 125);
		CHECK_HAS(none.err, "the server says 404");
		CHECK_CODE(prune, 125);
		CHECK_HAS(prune.err, "which an address has not");
		CHECK_CODE(check, 125);
		CHECK_HAS(check.err, "fetch it first");
	}
	(void)kill(server.pid, SIGTERM);
	end = job_wait(&server, DEADLINE_MS);
}

static CU_TestInfo tests[] = {
	{ "manifests behind addresses", test_address },
	{ "ports", test_publish },
	{ "all ports", test_publish_all },
	{ "files in /etc", test_files },
	{ "user namespaces", test_users },
	{ "log sizes, profiles", test_records },
	{ "networks and addresses", test_networks },
	{ "a log elsewhere, ids of a size", test_log_and_size },
	{ "what is refused", test_refused },
	{ "Jobs", test_job },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "play_options", begin, harness_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
