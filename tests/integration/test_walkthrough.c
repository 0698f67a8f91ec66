/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walkthrough - what people type who make pods and containers by hand: an empty pod that gets members
 * (W2), a pod made by run, exported and played (W3), one container (W4), a pod with published ports,
 * stopped and started (W5). The commands are the walkthrough's own.
 *
 * nginx is served by a registry on loopback where there is one, so that `podium pull nginx` is real.
 * /opt is a tmpfs of the test's own.
 */
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"
#include "tests/integration/regserver.h"
#include "tests/integration/wire.h"

#define ID_LENGTH 64

static int begin(void)
{
	if (harness_begin() != 0 || !load_image("nginx"))
		return 1;
	if (mount("opt", "/opt", "tmpfs", 0, "mode=0755,size=64m") < 0)
		return 1;
	write_file("/opt/http/index.html", "hello from nginx\n");
	return 0;
}

static int end(void)
{
	int r = harness_end();

	(void)umount2("/opt", MNT_DETACH);
	return r;
}

/* Runs it, expects 0 and a whole id; the caller's. */
static char *new_id(const char *command)
{
	cleanup_result struct result r = podium("%s", command);
	size_t n = strlen(r.out);

	CHECK_CODE(r, 0);
	CHECK(n == ID_LENGTH + 1 && r.out[n - 1] == '\n', "'%s' printed '%s'", command, r.out);
	CHECK_EQUAL(r.err, "");
	if (n)
		r.out[n - 1] = '\0';
	CHECK(is_id(r.out), "'%s' is no id", r.out);
	return xstrdup(r.out);
}

/* The row of a table that has the word; the caller's. */
static char *row_of(const char *table, const char *word)
{
	const char *hit = strstr(table, word), *from = hit;

	while (from && from > table && from[-1] != '\n')
		from--;
	return hit ? xstrndup(from, strcspn(from, "\n")) : xstrdup("");
}

static char *table_row(const char *command, const char *word)
{
	cleanup_result struct result r = podium("%s", command);

	CHECK_CODE(r, 0);
	return row_of(r.out, word);
}

#define CHECK_ROW(command, word, part)                                  \
	do {                                                            \
		cleanup_free char *row_ = table_row((command), (word)); \
		CHECK_HAS(row_, (part));                                \
	} while (0)

static bool answers(uint16_t port)
{
	cleanup_free char *page = wire_http_wait("127.0.0.1", port, "/");

	return is_equal(page, "hello from nginx\n");
}

static char *name_of(const char *id)
{
	return inspect(id, "{{.Name}}");
}

/* It has begun to listen to signals, too: an early one is ignored by the first process. */
static bool is_serving(const char *name)
{
	return WAIT_UNTIL(logs_have(name, "start worker process "), DEADLINE_MS);
}

/* ---- W2: an empty pod, members added by hand ----------------------------------------------------- */

static void check_empty(const char *id)
{
	cleanup_result struct result r = podium("pod ls");
	cleanup_free char *row = row_of(r.out, "demo-pod");

	CHECK_CODE(r, 0);
	CHECK(is_prefix(r.out, "POD ID "), "header of\n%s", r.out);
	CHECK_HAS(r.out, "NAME ");
	CHECK_HAS(r.out, "STATUS ");
	CHECK_HAS(r.out, "CREATED ");
	CHECK_HAS(r.out, "INFRA ID ");
	CHECK_HAS(r.out, "# OF CONTAINERS");
	CHECK(strncmp(row, id, 12) == 0 && row[12] == ' ', "row '%s'", row);
	CHECK_HAS(row, "Created");
	CHECK(is_suffix(row, " 1") || strstr(row, " 1 "), "row '%s'", row);
}

static void check_two_columns(const char *pod_id, const char *name)
{
	cleanup_result struct result r = podium("ps -a --pod");
	cleanup_free char *infra = xasprintf("%.12s-infra", pod_id);
	cleanup_free char *pause = row_of(r.out, infra), *row = row_of(r.out, name);

	CHECK_HAS(r.out, "POD ID");
	CHECK_HAS(r.out, "PODNAME");
	CHECK_HAS(pause, "podium-pause");
	CHECK_HAS(pause, "Up ");
	CHECK_HAS(row, "docker.io/library/nginx:latest");
	CHECK_HAS(row, "demo-pod");
	CHECK_HAS(row, "Up ");
}

static void test_w2(void)
{
	cleanup_snapshot struct snapshot before;
	cleanup_free char *pod = NULL, *container = NULL, *name = NULL;

	snapshot_take(&before);
	pod = new_id("pod create --name demo-pod");
	check_empty(pod);
	container = new_id("run -dt --pod demo-pod nginx");
	name = name_of(container);
	CHECK(strchr(name, '_'), "made up name '%s'", name);
	CHECK_ROW("pod ls", "demo-pod", "Running");
	CHECK_ROW("pod ls", "demo-pod", " 2");
	check_two_columns(pod, name);
	CHECK(is_serving(name), "nginx does not serve");
	MUST(0, "stop %s", name);
	CHECK(ps_begins(name, "Status", "Exited (0)"), "not stopped");
	MUST(0, "start %s", name);
	CHECK(ps_begins(name, "Status", "Up"), "not started");
	MUST(0, "stop -t 1 %.12s", container);
	MUST(0, "rm %s", name);
	CHECK_ROW("pod ls", "demo-pod", " 1");
	MUST(0, "pod rm -f demo-pod");
	CHECK_NOTHING_LEFT(&before, "pod rm -f");
}

/* ---- W3: a pod made by run, exported, played ------------------------------------------------------ */

static void test_w3(void)
{
	cleanup_snapshot struct snapshot before;
	cleanup_result struct result once = { 0 }, twice = { 0 };
	cleanup_free char *file = xasprintf("%s/frontend.yaml", harness.work);
	cleanup_free char *id = NULL;

	snapshot_take(&before);
	id = new_id("run -dt --pod new:frontend -p 8080:80 nginx");
	CHECK_ROW("ps -a", "-infra", "0.0.0.0:8080->80/tcp");
	{
		cleanup_free char *page = wire_http_wait("127.0.0.1", 8080, "/");

		CHECK(page, "nothing answers on 8080");
	}
	MUST(0, "pod stop frontend");
	CHECK_ROW("pod ls", "frontend", "Exited");
	MUST(0, "pod start frontend");
	CHECK_ROW("pod ls", "frontend", "Running");
	once = podium("generate kube frontend");
	twice = podium("generate kube frontend");
	CHECK_CODE(once, 0);
	CHECK(is_prefix(once.out, "---\n"), "does not begin a document:\n%s", once.out);
	CHECK_HAS(once.out, "hostPort: 8080");
	write_file(file, "%s%s", once.out, twice.out);
	MUST(0, "pod rm -f frontend");
	CHECK_NOTHING_LEFT(&before, "pod rm -f");
	MUST(0, "play kube %s", file);
	CHECK_ROW("pod ls", "frontend", "Running");
	{
		cleanup_free char *page = wire_http_wait("127.0.0.1", 8080, "/");

		CHECK(page, "nothing answers on 8080 after the play");
	}
	MUST(0, "kube down -t 1 %s", file);
	CHECK_NOTHING_LEFT(&before, "kube down");
}

/* ---- W4: one container ---------------------------------------------------------------------------- */

static void use_container(void)
{
	cleanup_result struct result in =
		podium_stdin("cat /usr/share/nginx/html/index.html\n", "exec -i hello-nginx sh");
	/* The words for sh are one word for script's shell. */
	cleanup_result struct result tty =
		run("script -qec '%s/podium --root %s --runroot %s exec -it hello-nginx sh -c "
		    "\"test -t 0 && echo a terminal\"' /dev/null",
		    harness.build, harness.root, harness.runroot);
	struct job follow = job_podium("logs -f hello-nginx");

	CHECK_CODE(in, 0);
	CHECK_EQUAL(in.out, "hello from nginx\n");
	CHECK_HAS(tty.out, "a terminal");
	CHECK(is_inspected("hello-nginx", "{{.State.Status}} {{.Name}}", "running hello-nginx"),
	      "inspect");
	MUST(0, "stop hello-nginx");
	{
		cleanup_result struct result log = job_wait(&follow, DEADLINE_MS);

		CHECK_CODE(log, 0);
		CHECK_HAS(log.out, "GET / HTTP/1.");
	}
	MUST(0, "rm hello-nginx");
}

static void pull_nginx(const struct regserver *s)
{
	cleanup_free char *conf = regserver_conf_mirror(s);
	cleanup_result struct result r = { 0 };

	CHECK(regserver_fill_made(s, "nginx", "library/nginx:latest", REGSERVER_OCI), "no nginx");
	regserver_configure(conf);
	r = podium("pull nginx");
	CHECK_CODE(r, 0);
}

static void test_w4(void)
{
	cleanup_regserver struct regserver s = { 0 };
	cleanup_free char *id = NULL, *images = NULL;

	harness_fresh("w4");
	if (regserver_is_possible() &&
	    regserver_start(&(struct regserver_spec){ .name = "hub" }, &s))
		pull_nginx(&s);
	else
		(void)load_image("nginx");
	images = table_row("images", "nginx");
	CHECK_HAS(images, "docker.io/library/nginx");
	CHECK_HAS(images, "latest");
	id = new_id("run -dt -p 8081:80/tcp -v /opt/http:/usr/share/nginx/html:ro --name "
		    "hello-nginx nginx");
	CHECK(answers(8081), "no answer on 8081");
	CHECK_ROW("ps", "hello-nginx", "0.0.0.0:8081->80/tcp");
	CHECK_ROW("ps", "hello-nginx", "Up ");
	{
		cleanup_result struct result pods = podium("pod ls -q");

		CHECK_EQUAL(pods.out, ""); /* a container by itself is in no pod */
	}
	use_container();
	remove_pods();
	harness_store(NULL, NULL);
}

/* ---- W5: published ports, stop and start ------------------------------------------------------------ */

#define W5_PORTS "0.0.0.0:8081->80/tcp, 0.0.0.0:8443->443/tcp"

static void check_w5(const char *id, const char *status)
{
	cleanup_result struct result r = podium("ps -a --no-trunc");
	cleanup_free char *row = row_of(r.out, "hello-nginx");
	cleanup_free char *infra = row_of(r.out, "-infra");

	CHECK(is_prefix(row, id), "another id: %s", row);
	CHECK_HAS(row, status);
	CHECK_HAS(row, W5_PORTS);
	CHECK_HAS(infra, status);
	CHECK_HAS(infra, W5_PORTS);
}

static void test_w5(void)
{
	cleanup_snapshot struct snapshot before;
	cleanup_free char *pod = NULL, *id = NULL;
	cleanup_result struct result more = { 0 };

	snapshot_take(&before);
	pod = new_id("pod create -n my-app -p 8081:80 -p 8443:443");
	id = new_id("run -dt --pod my-app -v /opt/http:/usr/share/nginx/html:ro --security-opt "
		    "seccomp=unconfined --name hello-nginx nginx");
	CHECK(answers(8081), "no answer");
	CHECK_ROW("pod ps", "my-app", "Running");
	check_w5(id, "Up ");
	MUST(0, "pod stop my-app");
	check_w5(id, "Exited (0) ");
	MUST(0, "pod start my-app");
	check_w5(id, "Up ");
	CHECK(answers(8081), "no answer after the start");
	more = podium("run -d --pod my-app -p 8090:80 nginx");
	CHECK_CODE(more, 125);
	CHECK_HAS(more.err, "pod create");
	CHECK_HAS(more.err, "publish");
	CHECK_ROW("pod ps", "my-app", " 2");
	MUST(0, "pod rm -f -t 1 my-app");
	CHECK_NOTHING_LEFT(&before, "pod rm -f");
}

static CU_TestInfo tests[] = {
	{ "W2 empty pod, members added by hand", test_w2 },
	{ "W3 pod made by run, exported, played", test_w3 },
	{ "W4 one container", test_w4 },
	{ "W5 pod with published ports", test_w5 },
	CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
	{ "walkthrough", begin, end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
