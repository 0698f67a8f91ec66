/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leftovers - a pod goes without a trace: after down, after every kind of refused play, and after
 * kill -9 at every stage boundary of both tables, once followed by what `ps -a` says to do and once
 * by `kube down`.
 *
 * The boundaries are those of STOP_AT() in engine/ and cmd/. The seam travels with the environment
 * of the command to the conductor, the monitors and the helpers, so the process that reaches the
 * boundary dies there and no other.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/integration/harness.h"
#include "tests/integration/leftover.h"
#include "tests/integration/wire.h"

static char *rich; /* path of the manifest */

static int begin(void)
{
	cleanup_free char *yaml = NULL;

	if (harness_begin() != 0)
		return 1;
	yaml = testdata("integration/rich.yaml");
	rich = xasprintf("%s/rich.yaml", harness.work);
	write_file(rich, "%s", yaml);
	return load_image("payload") ? 0 : 1;
}

static int end(void)
{
	free(rich);
	return harness_end();
}

static void check_works(const char *after)
{
	cleanup_free char *udp = NULL;

	if (!MUST(0, "play kube %s", rich))
		printf("... after %s\n", after);
	udp = wire_ask_wait(WIRE_UDP, "127.0.0.1", 7001, "hello");
	CHECK(udp != NULL, "no answer after %s", after);
	MUST(0, "kube down %s", rich);
}

/* ---- the plain ways ----------------------------------------------------------------------- */

static void test_down(void)
{
	cleanup_snapshot struct snapshot before;
	cleanup_free char *udp = NULL;

	check_works("the start"); /* the bridge and the table are made by the first pod */
	snapshot_take(&before);
	MUST(0, "play kube %s", rich);
	udp = wire_ask_wait(WIRE_UDP, "127.0.0.1", 7001, "hello");
	CHECK_EQUAL(udp, "hello");
	MUST(0, "exec rich-tcp /payload touch /disk/more");
	MUST(0, "kube down %s", rich);
	CHECK_NOTHING_LEFT(&before, "down");
	MUST(0, "play kube %s", rich);
	MUST(0, "pod stop rich");
	MUST(0, "pod start rich");
	MUST(0, "pod rm -f rich");
	CHECK_NOTHING_LEFT(&before, "stop, start, rm -f");
	MUST(0, "play kube --start=false %s", rich);
	MUST(0, "pod rm rich");
	CHECK_NOTHING_LEFT(&before, "rm of a pod that was never started");
}

/* Seen to work: a snapshot must differ while the pod is there. */
static void test_snapshot_sees(void)
{
	static const char *const kinds[] = { "+ process ", "+ nft ",  "+ cgroup ",
					     "+ link ",	   "+ file ", "/leases/",
					     "/names/",	   "/run/",   "+ conntrack " };
	cleanup_snapshot struct snapshot before, during;
	cleanup_free char *diff = NULL, *udp = NULL;

	snapshot_take(&before);
	MUST(0, "play kube %s", rich);
	udp = wire_ask_wait(WIRE_UDP, "127.0.0.1", 7001, "hello");
	snapshot_take(&during);
	diff = snapshot_diff(&before, &during);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		CHECK_HAS(diff, kinds[i]);
	MUST(0, "kube down %s", rich);
	CHECK_NOTHING_LEFT(&before, "down");
}

/* ---- refused ------------------------------------------------------------------------------ */

struct refusal {
	const char *what;
	const char *from; /* of the manifest, replaced by */
	const char *to;
	const char *says; /* part of the message */
};

static const struct refusal refusals[] = {
	{ "an unknown field", "restartPolicy: Never", "restartPolicyy: Never", "restartPolicyy" },
	{ "a wrong value", "restartPolicy: Never", "restartPolicy: Sometimes", "restartPolicy" },
	{ "a missing image", "image: payload", "image: nosuchimage", "nosuchimage" },
	{ "a missing host path", "path: /etc, type: Directory",
	  "path: /nosuchpath, type: Directory", "/nosuchpath" },
	{ "a file as directory", "path: /etc, type: Directory",
	  "path: /etc/passwd, type: Directory", "/etc/passwd" },
	{ "a busy port", "hostPort: 7100", "hostPort: 7999", "7999" },
	{ "a host address that is not ours", "hostPort: 7100",
	  "hostPort: 7100, hostIP: 203.0.113.9", "203.0.113.9" },
	{ "a sysctl that the kernel refuses", "value: \"1024\"", "value: \"word\"", "somaxconn" },
	{ "a failing init container", "args: [exit, \"0\"]", "args: [exit, \"3\"]", "'first'" },
};

static const char refused_yaml[] =
	"apiVersion: v1\n"
	"kind: Pod\n"
	"metadata: {name: refused}\n"
	"spec:\n"
	"  restartPolicy: Never\n"
	"  securityContext: {sysctls: [{name: net.core.somaxconn, value: \"1024\"}]}\n"
	"  initContainers:\n"
	"  - {name: first, image: payload, args: [exit, \"0\"]}\n"
	"  containers:\n"
	"  - name: c\n"
	"    image: payload\n"
	"    args: [sleep, \"0\"]\n"
	"    ports: [{containerPort: 80, hostPort: 7100}]\n"
	"    volumeMounts: [{name: v, mountPath: /v}]\n"
	"  volumes: [{name: v, hostPath: {path: /etc, type: Directory}}]\n";

static void test_refused(void)
{
	int busy = wire_listen(WIRE_TCP, "0.0.0.0", 7999);
	cleanup_snapshot struct snapshot before;
	cleanup_result struct result good = { 0 };

	snapshot_take(&before);
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *f = &refusals[i];
		cleanup_free char *yaml = replaced(refused_yaml, f->from, f->to);
		cleanup_result struct result r = { 0 };

		CHECK(strcmp(yaml, refused_yaml) != 0, "'%s' does not stand in it", f->from);
		r = play_text("refused", "", yaml);
		CHECK_CODE(r, 125);
		CHECK_HAS(r.err, f->says);
		/* A pod whose own programs fail stays, to be looked at. */
		if (strstr(f->what, "init"))
			MUST(0, "pod rm -f refused");
		CHECK_NOTHING_LEFT(&before, f->what);
	}
	(void)close(busy);
	good = play_text("refused", "", refused_yaml);
	CHECK_CODE(good, 0);
	MUST(0, "kube down -t 0 %s/refused.yaml", harness.work);
	CHECK_NOTHING_LEFT(&before, "the manifest without faults");
}

/* The second pod of a file is refused: the first one goes again. */
static void test_refused_second(void)
{
	int busy = wire_listen(WIRE_TCP, "0.0.0.0", 7999);
	cleanup_free char *first = replaced(refused_yaml, "name: refused", "name: good");
	cleanup_free char *second = replaced(refused_yaml, "7100", "7999");
	cleanup_free char *both = xasprintf("%s---\n%s", first, second);
	cleanup_snapshot struct snapshot before;
	cleanup_result struct result r = { 0 };

	snapshot_take(&before);
	r = play_text("both", "", both);
	CHECK_CODE(r, 125);
	CHECK_HAS(r.err, "7999");
	CHECK(!ps_begins("refused-c", "Status", "Up"), "the refused pod is up");
	MUST(0, "kube down -t 0 %s/both.yaml", harness.work);
	CHECK_NOTHING_LEFT(&before, "a file whose second pod is refused");
	(void)close(busy);
}

/* ---- killed at a boundary ----------------------------------------------------------------- */

enum act { AT_PLAY, AT_DOWN, AT_STOP };

struct boundary {
	const char *name;
	enum act act;
	bool nameless; /* dies before the pod has a name: kube down cannot find it */
};

static const struct boundary boundaries[] = {
	{ "create:directory", AT_PLAY, true },	 { "create:names", AT_PLAY, false },
	{ "create:containers", AT_PLAY, false }, { "create:volumes", AT_PLAY, false },
	{ "create:record", AT_PLAY, false },	 { "create:commit", AT_PLAY, false },
	{ "start:files", AT_PLAY, false },	 { "start:ports", AT_PLAY, false },
	{ "start:cgroup", AT_PLAY, false },	 { "start:sandbox", AT_PLAY, false },
	{ "start:network", AT_PLAY, false },	 { "net:lease", AT_PLAY, false },
	{ "net:veth", AT_PLAY, false },		 { "net:publish", AT_PLAY, false },
	{ "net:connected", AT_PLAY, false },	 { "start:network-wait", AT_PLAY, false },
	{ "monitor:go", AT_PLAY, false },	 { "start:containers", AT_PLAY, false },
	{ "stop:containers", AT_STOP, false },	 { "stop:network", AT_STOP, false },
	{ "stop:sandbox", AT_STOP, false },	 { "stop:cgroup", AT_STOP, false },
	{ "stop:ports", AT_STOP, false },	 { "stop:files", AT_STOP, false },
	{ "remove:mark", AT_DOWN, false },	 { "remove:containers", AT_DOWN, false },
	{ "remove:names", AT_DOWN, false },
};

static void with_seam(const struct boundary *b, bool on)
{
	if (on)
		(void)setenv("PODIUM_STOP_AT", b->name, 1);
	else
		(void)unsetenv("PODIUM_STOP_AT");
}

/* The conductor dies on the way down; the command notices and goes on itself. */
static void crash_conductor(const struct boundary *b)
{
	pid_t conductor = find_process("podium-monitor conductor");
	int status = 0;

	MUST(0, "pod stop -t 0 rich");
	/* It is our child since podium ended: the seam was reached when it died of SIGKILL. */
	CHECK(waitpid(conductor, &status, 0) == conductor && WIFSIGNALED(status),
	      "the conductor did not die at %s: status %x", b->name, (unsigned int)status);
}

/* Lets it happen. */
static void crash(const struct boundary *b)
{
	cleanup_result struct result r = { 0 };

	with_seam(b, b->act != AT_DOWN);
	r = podium("play kube %s", rich);
	if (b->act == AT_PLAY)
		CHECK(r.code != 0 || is_prefix(b->name, "start:containers") ||
			      is_prefix(b->name, "monitor:"),
		      "play was not hurt at %s", b->name);
	else
		CHECK_CODE(r, 0);
	if (b->act == AT_DOWN) {
		cleanup_result struct result down = { 0 };

		with_seam(b, true);
		down = podium("kube down -t 0 %s", rich);
		CHECK_CODE(down, 137);
	}
	with_seam(b, false);
	if (b->act == AT_STOP)
		crash_conductor(b);
}

/* Does what the STATUS of `ps -a` says; else the name. */
static void remove_as_told(const struct boundary *b)
{
	cleanup_result struct result ps = podium("ps -a --format '{{.Status}}'");
	const char *told = strstr(ps.out, "remove with: podium ");
	cleanup_result struct result pods = podium("pod ps -q");

	CHECK_CODE(ps, 0);
	if (told) {
		cleanup_free char *command = xstrndup(told + 20, strcspn(told + 20, ")"));

		if (!MUST(0, "%s", command))
			printf("... at %s\n", b->name);
	} else if (*pods.out) {
		MUST(0, "pod rm -f -t 0 rich");
	}
}

static void test_boundaries(bool as_told)
{
	cleanup_snapshot struct snapshot before;

	check_works("the start");
	snapshot_take(&before);
	for (size_t i = 0; i < ARRAY_SIZE(boundaries); i++) {
		const struct boundary *b = &boundaries[i];
		cleanup_free char *what =
			xasprintf("kill -9 at %s and %s", b->name, as_told ? "rm -f" : "kube down");

		crash(b);
		if (as_told || b->nameless)
			remove_as_told(b);
		else if (!MUST(0, "kube down -t 0 %s", rich))
			printf("... at %s\n", b->name);
		if (!CHECK_NOTHING_LEFT(&before, what)) {
			remove_pods();
			kill_descendants();
			continue;
		}
		check_works(b->name);
	}
}

static void test_boundaries_rm(void)
{
	test_boundaries(true);
}

static void test_boundaries_down(void)
{
	test_boundaries(false);
}

/* A play right after the crash, without any cleaning in between. */
static void test_boundaries_play_again(void)
{
	cleanup_snapshot struct snapshot before;

	check_works("the start");
	snapshot_take(&before);
	for (size_t i = 0; i < ARRAY_SIZE(boundaries); i++) {
		crash(&boundaries[i]);
		check_works(boundaries[i].name);
	}
	/* What had no name when it died. */
	MUST(0, "pod rm -f -a -t 0");
	CHECK_NOTHING_LEFT(&before, "all crashes");
}

static CU_TestInfo tests[] = {
	{ "down, stop and start, rm", test_down },
	{ "a snapshot sees a pod", test_snapshot_sees },
	{ "every kind of refused play", test_refused },
	{ "a refused second pod", test_refused_second },
	{ "kill -9 at every boundary, then rm -f", test_boundaries_rm },
	{ "kill -9 at every boundary, then kube down", test_boundaries_down },
	{ "kill -9 at every boundary, then play", test_boundaries_play_again },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "leftovers", begin, end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
