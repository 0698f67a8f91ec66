/* SPDX-License-Identifier: Apache-2.0 */
/*
 * w1 - the main job as a user types it: a pod of two web servers from a manifest, asked, written
 * back as YAML, taken down, played again; and the three ways in which it is refused or limps.
 *
 * The manifest is testdata/w1/my-app.yaml, unchanged. /opt is a tmpfs of the test's own.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"
#include "tests/integration/wire.h"

#define PORTS "0.0.0.0:8001-8002->8001-8002/tcp"

static char *manifest; /* path */

static int begin(void)
{
	cleanup_free char *yaml = NULL;

	if (harness_begin() != 0)
		return 1;
	if (mount("opt", "/opt", "tmpfs", 0, "mode=0755,size=64m") < 0)
		return 1;
	yaml = testdata("w1/my-app.yaml");
	manifest = xasprintf("%s/my-app.yaml", harness.work);
	write_file(manifest, "%s", yaml);
	return load_image("nginx") ? 0 : 1;
}

static int end(void)
{
	int r = harness_end();

	free(manifest);
	(void)umount2("/opt", MNT_DETACH);
	return r;
}

static void make_directories(void)
{
	for (int i = 1; i <= 2; i++) {
		cleanup_free char *page = xasprintf("/opt/myapp/html%d/index.html", i);
		cleanup_free char *conf = xasprintf("/opt/myapp/config%d/default.conf", i);

		write_file(page, "hello from ng%d\n", i);
		write_file(conf, "server { listen 800%d; listen [::]:800%d; root /opt/html; }\n", i,
			   i);
	}
}

static void check_row(const char *name, const char *image, const char *command)
{
	static const char digits[] = "0123456789abcdef";
	cleanup_free char *id = NULL, *got_image = NULL, *got_command = NULL, *created = NULL,
			  *status = NULL, *ports = NULL;
	cleanup_result struct result r = podium("ps -a --format '{{.ID}} {{.Names}}'");
	cleanup_free char *row = xasprintf(" %s\n", name);
	const char *hit = strstr(r.out, row);

	CHECK(hit && hit - r.out >= 12 && strspn(hit - 12, digits) == 12,
	      "'%s' has no id of 12 digits in\n%s", name, r.out);
	id = ps_field(name, "ID");
	got_image = ps_field(name, "Image");
	got_command = ps_field(name, "Command");
	created = ps_field(name, "CreatedHuman");
	status = ps_field(name, "Status");
	ports = ps_field(name, "Ports");
	CHECK(is_id(id), "'%s' is not a whole id", id);
	CHECK_HAS(got_image, image);
	CHECK_HAS(got_command, command);
	CHECK(is_suffix(created, " ago"), "created '%s'", created);
	CHECK(is_prefix(status, "Up "), "status '%s'", status);
	CHECK_EQUAL(ports, PORTS);
}

static void check_table(void)
{
	cleanup_result struct result r = podium("ps -a");
	int lines = 0;

	CHECK_CODE(r, 0);
	for (const char *p = r.out; (p = strchr(p, '\n')); p++)
		lines++;
	CHECK(lines == 4, "not a header and three rows:\n%s", r.out);
	CHECK(is_prefix(r.out, "CONTAINER ID  IMAGE "), "header of\n%s", r.out);
	for (size_t i = 0; i < 7; i++) {
		static const char *const columns[] = { "CONTAINER ID", "IMAGE",	 "COMMAND",
						       "CREATED",      "STATUS", "PORTS",
						       "NAMES" };
		CHECK_HAS(r.out, columns[i]);
	}
	check_row("my-app-ng1", "docker.io/library/nginx:latest", "nginx");
	check_row("my-app-ng2", "docker.io/library/nginx:latest", "nginx");
	CHECK_HAS(r.out, "-infra");
}

static void check_answers(void)
{
	static const char *const addresses[] = { "127.0.0.1", HOST_ADDRESS, HOST_ADDRESS6 };

	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		cleanup_free char *one = wire_http_wait(addresses[i], 8001, "/");
		cleanup_free char *two = wire_http_wait(addresses[i], 8002, "/");

		CHECK_EQUAL(one, "hello from ng1\n");
		CHECK_EQUAL(two, "hello from ng2\n");
	}
	{
		cleanup_result struct result curl = run("curl -sS --max-time 20 localhost:8001");

		CHECK_CODE(curl, 0);
		CHECK_EQUAL(curl.out, "hello from ng1\n");
	}
}

static char *pause_row(void)
{
	cleanup_free char *id = pod_id("my-app");

	return xasprintf("%.12s-infra", id);
}

static void check_names(void)
{
	cleanup_result struct result slash = podium("exec my-app/ng1 cat /opt/html/index.html");
	cleanup_result struct result plain = podium("exec ng2 cat /opt/html/index.html");

	CHECK_CODE(slash, 0);
	CHECK_EQUAL(slash.out, "hello from ng1\n");
	CHECK_CODE(plain, 0);
	CHECK_EQUAL(plain.out, "hello from ng2\n");
}

static void test_as_typed(void)
{
	cleanup_snapshot struct snapshot before;
	cleanup_free char *again = xasprintf("%s/again.yaml", harness.work);
	cleanup_free char *row = NULL;
	cleanup_result struct result yaml = { 0 }, second = { 0 };

	make_directories();
	(void)wire_neighbour();
	snapshot_take(&before);
	MUST(0, "play kube %s", manifest);
	check_table();
	row = pause_row();
	check_row(row, "podium-pause", "");
	check_answers();
	check_names();
	yaml = podium("generate kube my-app");
	CHECK_CODE(yaml, 0);
	CHECK(is_prefix(yaml.out, "---\n"), "does not begin a document:\n%s", yaml.out);
	CHECK_HAS(yaml.out, "  - name: ng1\n");
	CHECK_HAS(yaml.out, "  - name: ng2\n");
	CHECK_LACKS(yaml.out, "my-app-ng");
	write_file(again, "%s", yaml.out);
	MUST(0, "play kube --down %s", manifest);
	CHECK_NOTHING_LEFT(&before, "play kube --down");

	MUST(0, "play kube %s", again);
	check_table();
	check_answers();
	second = podium("generate kube my-app");
	CHECK_EQUAL(second.out, yaml.out);
	MUST(0, "kube down %s", again);
	CHECK_NOTHING_LEFT(&before, "kube down");
	MUST(0, "kube down %s", again); /* a second time succeeds */
}

/* From here on pods go before their servers may have come to hear a signal: hence -t 1. */
static void test_output_ends(void)
{
	/* `ids=$(podium play kube ...)` must not wait for what runs on. */
	cleanup_result struct result r = { 0 };

	make_directories();
	r = run("sh -c '%s/podium --root %s --runroot %s play kube %s | cat; echo end'",
		harness.build, harness.root, harness.runroot, manifest);
	CHECK_CODE(r, 0);
	CHECK_HAS(r.out, "Pod:\n");
	CHECK_HAS(r.out, "Containers:\n");
	CHECK_HAS(r.out, "end\n");
	MUST(0, "kube down -t 1 %s", manifest);
}

static void test_plain_names(void)
{
	make_directories();
	MUST(0, "play kube --no-pod-prefix %s", manifest);
	CHECK(ps_begins("ng1", "Status", "Up"), "ng1 is not up");
	CHECK(ps_begins("ng2", "Status", "Up"), "ng2 is not up");
	MUST(0, "kube down -t 1 %s", manifest);
}

static void test_port_busy(void)
{
	cleanup_snapshot struct snapshot before;
	int busy = wire_listen(WIRE_TCP, "0.0.0.0", 8001);
	cleanup_result struct result r = { 0 };

	make_directories();
	CHECK(busy >= 0, "cannot bind 8001");
	snapshot_take(&before);
	r = podium("play kube %s", manifest);
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "8001");
	CHECK_EQUAL(r.out, "");
	CHECK_NOTHING_LEFT(&before, "a busy port");
	(void)close(busy);
	MUST(0, "play kube %s", manifest);
	MUST(0, "kube down -t 1 %s", manifest);
}

static void test_host_path_missing(void)
{
	cleanup_snapshot struct snapshot before;
	cleanup_result struct result r = { 0 };

	make_directories();
	remove_path("/opt/myapp/config2");
	snapshot_take(&before);
	r = podium("play kube %s", manifest);
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "my-app.yaml");
	CHECK_HAS(r.err, "'config2'");
	CHECK_HAS(r.err, "/opt/myapp/config2");
	/* The line of the volume: by far the quickest way for a user to find it. */
	CHECK_HAS(r.err, "my-app.yaml:46");
	CHECK_NOTHING_LEFT(&before, "a missing host path");
}

static bool is_in_back_off(const char *container)
{
	return is_inspected(container, "{{.RestartCount}} {{.State.Status}}", "2 restarting");
}

/* Both servers bind port 8001 of the pod; they start in order, but either may be first to bind. */
static void test_two_bind_one_port(void)
{
	cleanup_snapshot struct snapshot before;
	cleanup_result struct result pods = { 0 };
	cleanup_free char *code = NULL;
	const char *loser = "my-app-ng2", *winner = "my-app-ng1";

	make_directories();
	write_file("/opt/myapp/config2/default.conf", "server { listen 8001; root /opt/html; }\n");
	write_file("/opt/myapp/config1/default.conf", "server { listen 8001; root /opt/html; }\n");
	snapshot_take(&before);
	MUST(0, "play kube %s", manifest);
	/* The first restart is at once, the second after ten seconds. */
	CHECK(WAIT_UNTIL(is_in_back_off("my-app-ng1") || is_in_back_off("my-app-ng2"), DEADLINE_MS),
	      "neither is in back-off");
	if (is_in_back_off("my-app-ng1")) {
		loser = "my-app-ng1";
		winner = "my-app-ng2";
	}
	CHECK(ps_begins(loser, "Status", "Restarting (1) "), "status of %s", loser);
	CHECK(ps_begins(winner, "Status", "Up "), "%s is not up", winner);
	code = inspect(loser, "{{.State.ExitCode}} {{.State.Status}}");
	CHECK_EQUAL(code, "1 restarting");
	CHECK(logs_have(loser, "Address"), "no word of the busy address in the logs");
	pods = podium("pod ps --format '{{.Name}} {{.Status}}'");
	CHECK_EQUAL(pods.out, "my-app Degraded\n");
	MUST(0, "kube down -t 1 %s", manifest);
	CHECK_NOTHING_LEFT(&before, "down of a pod in back-off");
}

/* W1 with busybox: other image, same life. */
static void test_busybox(void)
{
	cleanup_free char *yaml = testdata("integration/w1-busybox.yaml");
	cleanup_snapshot struct snapshot before;
	cleanup_result struct result r = { 0 }, first = { 0 }, second = { 0 };

	make_directories();
	if (!load_image("busybox"))
		return;
	snapshot_take(&before);
	r = play_text("bb", "", yaml);
	CHECK_CODE(r, 0);
	check_answers();
	first = podium("generate kube my-app");
	write_file("bb2.yaml", "%s", first.out);
	MUST(0, "kube down %s/bb.yaml", harness.work);
	CHECK_NOTHING_LEFT(&before, "down of busybox");
	MUST(0, "play kube %s/bb2.yaml", harness.work);
	check_answers();
	second = podium("generate kube my-app");
	CHECK_EQUAL(second.out, first.out);
	MUST(0, "kube down %s/bb2.yaml", harness.work);
	CHECK_NOTHING_LEFT(&before, "the second down of busybox");
}

static CU_TestInfo tests[] = {
	{ "as typed", test_as_typed },
	{ "the output ends with the command", test_output_ends },
	{ "--no-pod-prefix", test_plain_names },
	{ "a busy port is refused by number", test_port_busy },
	{ "a missing host path is refused by name", test_host_path_missing },
	{ "two servers on one port: back-off", test_two_bind_one_port },
	{ "with busybox", test_busybox },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "w1", begin, end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
