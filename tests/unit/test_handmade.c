/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handmade - what the command line says comes out in YAML, or in a note: never in neither.
 *
 * A pod of one container is taken as its record; each row puts one member into the record of the pod
 * or of the container. The YAML must then differ from the plain one, or a note must tell; and it must
 * be YAML that can be played. Every member of the two records stands in a row, or in the list of
 * those that the command line does not set.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "engine/base/mem.h"
#include "kube/handmade.h"
#include "kube/kube.h"
#include "tests/support/cunit_main.h"

static const char plain_pod[] = "{\"version\":1,\"name\":\"p\",\"restart\":\"Never\","
				"\"graceSeconds\":{\"set\":true,\"value\":10}}";
static const char plain_container[] =
	"{\"version\":1,\"name\":\"c\",\"fullName\":\"c\",\"image\":\"i\",\"restart\":\"Never\","
	"\"config\":{\"reference\":\"docker.io/library/i:1\",\"volumes\":[\"/vol\"]}}";

struct row {
	bool pod; /* the pod's member, else the container's */
	const char *member;
	const char *value; /* JSON */
	const char *note;  /* a part of the note; NULL: the YAML differs */
};
#define POD(m, v, n)                \
	{                           \
		true, (m), (v), (n) \
	}
#define CONTAINER(m, v, n)           \
	{                            \
		false, (m), (v), (n) \
	}
#define SET(v) "{\"set\":true,\"value\":" #v "}"

static const struct row rows[] = {
	POD("name", "\"My_pod\"", "is called 'my-pod'"),
	POD("hostname", "\"h\"", NULL),
	POD("labels", "{\"a\":\"b\"}", NULL),
	POD("labels", "{\"a b\":\"c\"}", "the label 'a b'"),
	POD("annotations", "{\"a\":\"b c\"}", NULL),
	POD("network", "\"host\"", NULL),
	POD("network", "\"none\"", "the network 'none'"),
	POD("unplugged", "true", "it is in no network"),
	POD("networkFrom", "\"container:x\"", ""), /* with network: from */
	POD("hostPid", "true", NULL),
	POD("hostIpc", "true", NULL),
	POD("sharePid", "true", NULL),
	POD("hostAliases", "[{\"ip\":\"10.0.0.1\",\"names\":[\"n\"]}]", NULL),
	POD("dns", "{\"servers\":[\"10.0.0.2\"]}", NULL),
	POD("graceSeconds", SET(3), NULL),
	POD("resources", "{\"cpuLimitMilli\":" SET(100) "}", NULL),
	POD("security", "{\"sysctls\":{\"kernel.shm_rmid_forced\":\"1\"}}", NULL),
	POD("noHosts", "true", "--no-hosts"),
	POD("noHostname", "true", "--no-hostname"),
	POD("unlessStopped", "true", "unless-stopped"),
	POD("networks", "[{\"network\":\"mine\"}]", "the network 'mine'"),
	POD("networks", "[{\"network\":\"podium\",\"ip4\":\"10.1.1.1\"}]", "its address"),
	POD("ipcFrom", "\"container:x\"", "the IPC namespace"),
	POD("utsFrom", "\"container:x\"", "the UTS namespace"),
	POD("pidFrom", "\"container:x\"", "the PID namespace"),
	POD("hostUts", "true", "the UTS namespace of the host"),
	POD("ownIpc", "true", "an IPC namespace for each"),
	POD("ownUts", "true", "a UTS namespace for each"),
	POD("shmSizeBytes", SET(1048576), "/dev/shm"),
	POD("userns", "\"auto\"", NULL),
	POD("userns", "\"keep-id\"", "the user namespace"),
	POD("uidMaps", "[\"0:1:2\"]", "map of user ids"),
	POD("gidMaps", "[\"0:1:2\"]", "map of user ids"),
	POD("cgroupParent", "\"/x\"", "the parent cgroup"),
	POD("infraName", "\"x\"", "the infra container"),
	POD("ports", "[{\"containerPort\":80,\"hostPort\":8080,\"protocol\":\"tcp\"}]", NULL),
	POD("solo", "true", NULL),
	CONTAINER("name", "\"A_b\"", "is called 'a-b'"),
	CONTAINER("pullPolicy", "\"missing\"", NULL),
	CONTAINER("hasCommand", "true", NULL), /* with command */
	CONTAINER("hasArgs", "true", NULL),
	CONTAINER("workingDir", "\"/w\"", NULL),
	CONTAINER(
		"env",
		"[{\"name\":\"A\",\"value\":{\"parts\":[{\"kind\":\"literal\",\"text\":\"b\"}]}}]",
		NULL),
	CONTAINER("ports", "[{\"containerPort\":80,\"hostPort\":8080,\"protocol\":\"tcp\"}]", NULL),
	CONTAINER("resources", "{\"memoryLimitBytes\":" SET(1048576) "}", NULL),
	CONTAINER("resources", "{\"cpuShares\":" SET(512) "}", NULL),
	CONTAINER("resources", "{\"cpuQuotaUs\":" SET(50000) "}", NULL),
	CONTAINER("resources", "{\"cpusetCpus\":\"0\"}", "--cpuset-cpus"),
	CONTAINER("resources", "{\"cpusetMems\":\"0\"}", "--cpuset-mems"),
	CONTAINER("resources", "{\"memorySwapBytes\":" SET(-1) "}", "--memory-swap"),
	CONTAINER("resources",
		  "{\"memoryLimitBytes\":" SET(9) ",\"memorySwapBytes\":" SET(
			  18) ",\"memorySwapAssumed\":true}",
		  NULL),
	CONTAINER("resources", "{\"memorySwappiness\":" SET(3) "}", "--memory-swappiness"),
	CONTAINER("resources", "{\"pidsLimit\":" SET(3) "}", "--pids-limit"),
	CONTAINER("resources", "{\"blkioWeight\":" SET(30) "}", "--blkio-weight"),
	CONTAINER("resources", "{\"blkioDevices\":[\"x\"]}", "block devices"),
	CONTAINER("resources", "{\"deviceCgroupRules\":[\"x\"]}", "--device-cgroup-rule"),
	CONTAINER("resources", "{\"oomKillDisable\":true}", "--oom-kill-disable"),
	CONTAINER("security", "{\"user\":\"7:8\"}", NULL),
	CONTAINER("security", "{\"user\":\"www\"}", "the user 'www'"),
	CONTAINER("security", "{\"groups\":[\"9\"]}", NULL),
	CONTAINER("security", "{\"groups\":[\"wheel\"]}", "the group 'wheel'"),
	CONTAINER("security", "{\"capAdd\":[\"NET_ADMIN\"]}", NULL),
	CONTAINER("security", "{\"seccompFile\":\"/x\"}", "seccomp"),
	CONTAINER("security", "{\"mask\":[\"/x\"]}", "masked"),
	CONTAINER("security", "{\"unmask\":[\"ALL\"]}", "unmasked"),
	CONTAINER("security", "{\"procOptions\":\"hidepid=2\"}", "/proc"),
	CONTAINER("security", "{\"umask\":\"0077\"}", "--umask"),
	CONTAINER("tty", "true", NULL),
	CONTAINER("stdin", "true", NULL),
	CONTAINER("restart", "\"Always\"", NULL),
	CONTAINER("stopSignal", "\"SIGINT\"", NULL),
	CONTAINER("ulimits", "[{\"name\":\"nofile\",\"soft\":1,\"hard\":2}]", "--ulimit nofile"),
	CONTAINER("log", "{\"driver\":\"none\"}", "the log driver"),
	CONTAINER("log", "{\"maxBytes\":65536}", "the size of its log"),
	CONTAINER("log", "{\"path\":\"/x\"}", "the path of its log"),
	CONTAINER("log", "{\"tag\":\"x\"}", "the tag of its log"),
	CONTAINER("labels", "{\"a\":\"b\"}", "labels of a container"),
	CONTAINER("annotations", "{\"a\":\"b\"}", "annotations of a container"),
	CONTAINER("restartRetries", SET(3), "the number of restarts"),
	CONTAINER("stopTimeoutSeconds", SET(3), NULL),
	CONTAINER("runTimeoutSeconds", SET(3), "--timeout"),
	CONTAINER("unlessStopped", "true", "unless-stopped"),
	CONTAINER("unsetEnv", "[\"PATH\"]", "--unsetenv"),
	CONTAINER("unsetEnvAll", "true", "--unsetenv-all"),
	CONTAINER("autoRemove", "true", "--rm"),
	CONTAINER("init", "true", "--init"),
	CONTAINER("hostCgroupns", "true", "--cgroupns"),
	CONTAINER("noPasswd", "true", "--passwd"),
	CONTAINER("passwdEntry", "\"x\"", "--passwd-entry"),
	CONTAINER("groupEntry", "\"x\"", "--group-entry"),
	CONTAINER("timezone", "\"local\"", "--tz"),
	CONTAINER("pidFile", "\"/x\"", "--pidfile"),
	CONTAINER("monitorPidFile", "\"/x\"", "--conmon-pidfile"),
	CONTAINER("secrets", "[{\"name\":\"s\"}]", "the secret 's'"),
	CONTAINER("health", "{\"test\":[\"true\"]}", "readiness probe"),
	CONTAINER("health", "{\"test\":[\"true\"],\"onFailure\":\"kill\"}", "liveness probe"),
	CONTAINER("health", "{\"startupTest\":[\"true\"]}", NULL),
	CONTAINER("requires", "[\"x\"]", "--requires"),
};

/* Ids and times; what others of the rows bring along; what only a manifest says. */
static const char *const not_by_hand[] = {
	"version",
	"id",
	"created",
	"owner",
	"controller",
	"source",
	"infraId",
	"namespace",
	"hostnameOverride",
	"subdomain",
	"nodeName",
	"serviceAccount",
	"containers",
	"setHostnameAsFqdn",
	"pullSecrets",
	"restartBackoff",
	"exitWithMembers",
	"removeWithMembers",
	"activeDeadlineSeconds",
	"hostUsers",
	"plainNames",
	"service",
	"serviceExit",
	"createCommand",
	"podId",
	"fullName",
	"kind",
	"image",
	"config",
	"command",
	"args",
	"envFrom",
	"stdinOnce",
	"ownRestart",
	"restartRules",
	"sidecar",
	"startupProbe",
	"livenessProbe",
	"readinessProbe",
	"postStart",
	"preStop",
	"terminationPath",
	"terminationLogFallback",
	"oomScoreAdj",
	/* its members have it, too */
	"restart",
	"memberOptions",
	"memberVolumes",
	/* rows of their own below: they need each other */
	"volumes",
	"mounts",
	/* with a read-only root alone, and beside what is run once */
	"readOnlyTmpfs",
	"initOnce",
};

static json_t *with(const char *plain, const char *member, const char *value)
{
	json_t *j = json_loads(plain, 0, NULL);
	json_t *v = json_loads(value, JSON_DECODE_ANY, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(j);
	CU_ASSERT_PTR_NOT_NULL_FATAL(v);
	(void)json_object_set_new(j, member, v);
	if (strcmp(member, "networkFrom") == 0)
		(void)json_object_set_new(j, "network", json_string("from"));
	if (strcmp(member, "hasCommand") == 0 || strcmp(member, "hasArgs") == 0)
		(void)json_object_set_new(
			j, strcmp(member, "hasArgs") == 0 ? "args" : "command",
			json_loads("[{\"parts\":[{\"kind\":\"literal\",\"text\":\"x\"}]}]", 0,
				   NULL));
	return j;
}

static void make_plan(const struct row *row, struct pod_plan *plan)
{
	struct error err = { 0 };
	json_t *pod = row && row->pod ? with(plain_pod, row->member, row->value)
				      : json_loads(plain_pod, 0, NULL);
	json_t *c = row && !row->pod ? with(plain_container, row->member, row->value)
				     : json_loads(plain_container, 0, NULL);
	int r;

	*plan = (struct pod_plan){ .n_containers = 1 };
	plan->containers = xcalloc(1, sizeof(*plan->containers));
	r = record_load(&pod_spec_type, pod, &plan->pod, &err);
	if (r == 0)
		r = record_load(&container_spec_type, c, plan->containers, &err);
	if (r < 0)
		printf("%s: %s\n", row ? row->member : "plain", err.text);
	CU_ASSERT_EQUAL_FATAL(r, 0);
	json_decref(pod);
	json_decref(c);
}

/* The YAML of a plan; notes are the caller's. */
static char *generate(const struct row *row, enum generate_type type, struct strlist *notes)
{
	struct error err = { 0 };
	struct pod_plan plan;
	char *yaml = NULL;
	int r;

	make_plan(row, &plan);
	r = handmade_settle(&plan, type, notes, &err);
	if (r == 0)
		r = kube_generate_from_plan(&plan, &yaml, &err);
	if (r < 0)
		printf("%s: %s\n", row ? row->member : "plain", err.text);
	CU_ASSERT_EQUAL(r, 0);
	pod_plan_done(&plan);
	return yaml ? yaml : xstrdup("");
}

static bool has_note(const struct strlist *notes, const char *part)
{
	for (size_t i = 0; i < notes->n; i++)
		if (strstr(notes->v[i], part))
			return true;
	return false;
}

static void test_nothing_is_lost(void)
{
	cleanup_strlist struct strlist none = { 0 };
	cleanup_free char *plain = generate(NULL, GENERATE_POD, &none);

	CU_ASSERT_EQUAL(none.n, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_strlist struct strlist notes = { 0 };
		cleanup_free char *yaml = generate(&rows[i], GENERATE_POD, &notes);
		bool told = rows[i].note ? has_note(&notes, rows[i].note) : notes.n == 0;

		if (told && (rows[i].note || strcmp(yaml, plain) != 0))
			continue;
		printf("%s = %s: %s\n", rows[i].member, rows[i].value,
		       notes.n ? notes.v[0] : "nothing is told, and the YAML is the plain one");
		CU_FAIL("a member of the plan is lost");
	}
}

static bool is_covered(const char *member, bool pod)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].pod == pod && strcmp(rows[i].member, member) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(not_by_hand); i++)
		if (strcmp(not_by_hand[i], member) == 0)
			return true;
	return false;
}

static void test_every_member(void)
{
	const struct record_type *const types[] = { &pod_spec_type, &container_spec_type };

	for (size_t t = 0; t < ARRAY_SIZE(types); t++)
		for (const struct record_field *f = types[t]->fields; f->name; f++)
			if (!is_covered(f->name, t == 0)) {
				printf("%s of %s stands in no row\n", f->name, types[t]->name);
				CU_FAIL("a new member: what does generate do with it?");
			}
}

/* ---- restart policies ------------------------------------------------------------------------ */

static const char *restart_of(const char *value, enum generate_type type)
{
	const struct row row = CONTAINER("restart", value, NULL);
	cleanup_strlist struct strlist notes = { 0 };
	cleanup_free char *yaml = generate(&row, type, &notes);

	return strstr(yaml, "restartPolicy: Always")	  ? "Always"
	       : strstr(yaml, "restartPolicy: OnFailure") ? "OnFailure"
	       : strstr(yaml, "restartPolicy: Never")	  ? "Never"
							  : "none";
}

static void test_restart(void)
{
	CU_ASSERT_STRING_EQUAL(restart_of("\"Never\"", GENERATE_POD), "Never");
	CU_ASSERT_STRING_EQUAL(restart_of("\"Never\"", GENERATE_DEPLOYMENT), "Always");
	CU_ASSERT_STRING_EQUAL(restart_of("\"Never\"", GENERATE_JOB), "Never");
	CU_ASSERT_STRING_EQUAL(restart_of("\"OnFailure\"", GENERATE_JOB), "OnFailure");
	CU_ASSERT_STRING_EQUAL(restart_of("\"OnFailure\"", GENERATE_POD), "OnFailure");
	CU_ASSERT_STRING_EQUAL(restart_of("\"Always\"", GENERATE_POD), "Always");
}

/* ---- volumes ---------------------------------------------------------------------------------- */

struct mounted {
	const char *volume, *mount, *part, *note; /* part of the YAML */
};
static const struct mounted mounted[] = {
	{ "{\"name\":\"v\",\"kind\":\"tmpfs\",\"tmpfsOptions\":\"size=64m,mode=1777\"}",
	  "{\"volume\":\"v\",\"target\":\"/t\"}", "sizeLimit: 64Mi", "'mode=1777'" },
	{ "{\"name\":\"v\",\"kind\":\"named\",\"sourceName\":\"data\"}",
	  "{\"volume\":\"v\",\"target\":\"/t\",\"options\":[\"U\"]}", "claimName: data",
	  "the option 'U'" },
	{ "{\"name\":\"v\",\"kind\":\"named\",\"sourceName\":\"x\",\"anonymous\":true}",
	  "{\"volume\":\"v\",\"target\":\"/t\"}", "emptyDir: {}", NULL },
	{ "{\"name\":\"v\",\"kind\":\"hostPath\",\"hostPath\":\"/h\"}",
	  "{\"volume\":\"v\",\"target\":\"/t\",\"readOnly\":true}", "path: /h", NULL },
};

static void test_volumes(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(mounted); i++) {
		const struct mounted *m = &mounted[i];
		cleanup_free char *volumes = xasprintf("[%s]", m->volume);
		cleanup_free char *mounts = xasprintf("[%s]", m->mount);
		const struct row pod = POD("volumes", volumes, NULL);
		const struct row c = CONTAINER("mounts", mounts, NULL);
		cleanup_strlist struct strlist notes = { 0 };
		struct pod_plan plan, other;
		struct error err = { 0 };
		char *yaml = NULL;

		make_plan(&pod, &plan);
		make_plan(&c, &other);
		plan.containers[0].mounts = other.containers[0].mounts;
		other.containers[0].mounts = (struct mount_list){ 0 };
		pod_plan_done(&other);
		CU_ASSERT_EQUAL(handmade_settle(&plan, GENERATE_POD, &notes, &err), 0);
		CU_ASSERT_EQUAL(kube_generate_from_plan(&plan, &yaml, &err), 0);
		CU_ASSERT_PTR_NOT_NULL(yaml ? strstr(yaml, m->part) : NULL);
		CU_ASSERT_TRUE(m->note ? has_note(&notes, m->note) : notes.n == 0);
		pod_plan_done(&plan);
		free(yaml);
	}
}

/* ---- several by themselves ------------------------------------------------------------------- */

static void test_join(void)
{
	const struct row first = POD("solo", "true", NULL);
	const struct row port = POD(
		"ports", "[{\"containerPort\":80,\"hostPort\":8080,\"protocol\":\"tcp\"}]", NULL);
	const struct row host = POD("network", "\"host\"", NULL);
	struct pod_plan plans[2], joined = { 0 };
	struct error err = { 0 };

	make_plan(&first, &plans[0]);
	make_plan(&port, &plans[1]);
	CU_ASSERT_EQUAL(handmade_join(plans, 2, &joined, &err), 0);
	CU_ASSERT_STRING_EQUAL(joined.pod.name, "c-pod");
	CU_ASSERT_EQUAL(joined.n_containers, 2);
	CU_ASSERT_EQUAL(joined.containers[1].ports.n, 1);
	pod_plan_done(&joined);
	for (int i = 0; i < 2; i++) {
		make_plan(&port, &plans[0]);
		make_plan(i ? &host : &port, &plans[1]);
		CU_ASSERT_EQUAL(handmade_join(plans, 2, &joined, &err), -EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, i ? "different networks" : "port 8080"));
		pod_plan_done(&plans[0]);
		pod_plan_done(&plans[1]);
	}
}

static CU_TestInfo tests[] = {
	{ "every word is written or told", test_nothing_is_lost },
	{ "every member stands in a row", test_every_member },
	{ "restart policies by type", test_restart },
	{ "volumes", test_volumes },
	{ "several containers become one pod", test_join },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "handmade", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
