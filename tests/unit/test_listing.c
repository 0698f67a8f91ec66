/* SPDX-License-Identifier: Apache-2.0 */
/* test_listing - ps, pod ps, inspect, logs, exists on stores made by hand: what a person reads. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/options.h"
#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "tests/support/capture.h"
#include "tests/support/cunit_main.h"
#include "tests/support/fakestore.h"

#define ARGS_MAX  12
#define MINUTE_NS 60000000000

static struct fakestore fake;
static char web[4][65], api[4][65];
static const char *const web_members[] = { "ng1", "ng2", NULL };
static const char *const api_members[] = { "ng1", "db", NULL };

/* What a command printed on stdout (errors go on). code: its exit code or -errno. */
struct result {
	int code;
	char *text;
	struct error err;
};

static void result_done(struct result *r)
{
	free(r->text);
	r->text = NULL;
}

static int run_parsed(const struct command *c, int argc, char **argv, struct error *err)
{
	cleanup_free void *values = xcalloc(1, c->options_size ? c->options_size : 1);
	struct command_context ctx = { .store = fake.store };
	struct options_result found;
	int r = options_parse(c->options, values, false, argc, argv, &found, err);

	if (r == 0)
		r = c->run(&ctx, values, found.n_args, argv, err);
	options_done(c->options, values);
	return r;
}

/* Runs a command with a line of arguments split at blanks. */
static void run(const struct command *c, const char *line, struct result *ret)
{
	static char copy[512];
	char *argv[ARGS_MAX + 1] = { NULL };
	char *rest = copy, *word;
	struct capture out;
	int n = 0;

	(void)snprintf(copy, sizeof(copy), "%s", line);
	while ((word = strsep(&rest, " ")) && n < ARGS_MAX)
		if (*word)
			argv[n++] = word;
	*ret = (struct result){ 0 };
	capture_begin(&out);
	ret->code = run_parsed(c, n, argv, &ret->err);
	ret->text = capture_end(&out);
}

static void check(const struct command *c, const char *line, const char *want)
{
	struct result r;

	run(c, line, &r);
	if (r.code || strcmp(r.text, want) != 0)
		printf("%s %s: %d %s\n'%s' not\n'%s'\n", c->words, line, r.code, r.err.text, r.text,
		       want);
	CU_ASSERT_EQUAL(r.code, 0);
	CU_ASSERT_TRUE(is_equal(r.text, want));
	result_done(&r);
}

static void check_error(const struct command *c, const char *line, const char *want)
{
	struct result r;

	run(c, line, &r);
	if (r.code >= 0 || !strstr(r.err.text, want))
		printf("%s %s: %d '%s' not '%s'\n", c->words, line, r.code, r.err.text, want);
	CU_ASSERT_TRUE(r.code < 0 && strstr(r.err.text, want));
	CU_ASSERT_TRUE(is_equal(r.text, ""));
	result_done(&r);
}

static void set_up(void)
{
	CU_ASSERT_TRUE_FATAL(fakestore_init(&fake));
	fakestore_add_pod(&fake, "web", web_members, clock_wall_ns() - 5 * MINUTE_NS, web);
	fakestore_add_pod(&fake, "api", api_members, clock_wall_ns() - 2 * MINUTE_NS, api);
}

static void tear_down(void)
{
	fakestore_done(&fake);
}

/* Locks of a pod's conductor and monitors. */
static void hold(char ids[][65], int locks[3])
{
	char path[LAYOUT_PATH_MAX];

	locks[0] = fakestore_lock(&fake, layout_pod(path, ids[0], CONDUCTOR_LOCK));
	locks[1] = fakestore_lock(&fake, layout_container(path, ids[2], MONITOR_LOCK));
	locks[2] = fakestore_lock(&fake, layout_container(path, ids[3], MONITOR_LOCK));
}

static void release(const int locks[3])
{
	for (int i = 0; i < 3; i++)
		(void)close(locks[i]);
}

/* ---- ps --------------------------------------------------------------------------------- */

static void check_status(const char *filter, const char *want)
{
	cleanup_free char *line = xasprintf(
		"-a --filter name=^%s$ --format {{.Names}}|{{.State}}|{{.Status}}", filter);

	check(&cmd_ps, line, want);
}

/* Its first process: we, or who had our number some ticks before. */
static void set_process(const char *id, int ticks)
{
	struct container_status st;
	uint64_t start;

	fakestore_get(&fake, id, &st);
	CU_ASSERT_EQUAL(proc_start_ticks(getpid(), &start, &(struct error){ 0 }), 0);
	st.pid = (uint32_t)getpid();
	st.start_ticks = (int64_t)start + ticks;
	fakestore_put(&fake, id, &st);
	status_done(&st);
}

static void test_status(void)
{
	struct container_status st;
	int locks[3];

	set_up();
	hold(web, locks);
	check_status("web-ng1", "web-ng1|created|Created\n");
	fakestore_set_state(&fake, web[2], STATE_RUNNING, 0);
	check_status("web-ng1", "web-ng1|running|Up 2 minutes ago\n");
	fakestore_set_state(&fake, web[2], STATE_PAUSED, 0);
	check_status("web-ng1", "web-ng1|paused|Paused\n");
	fakestore_set_state(&fake, web[2], STATE_STOPPING, 0);
	check_status("web-ng1", "web-ng1|stopping|Stopping\n");
	fakestore_set_state(&fake, web[2], STATE_RESTARTING, 1);
	check_status("web-ng1", "web-ng1|restarting|Restarting (1) 3 seconds ago\n");
	fakestore_set_state(&fake, web[2], STATE_INITIALIZED, 0);
	check_status("web-ng1", "web-ng1|exited|Exited (0) 3 seconds ago\n"); /* no process */
	set_process(web[2], 0);
	check_status("web-ng1", "web-ng1|initialized|Initialized\n");
	check(&cmd_ps, "-a --filter status=initialized --format {{.Names}}", "web-ng1\n");
	fakestore_set_state(&fake, web[2], STATE_EXITED, 137);
	check_status("web-ng1", "web-ng1|exited|Exited (137) 3 seconds ago\n");
	/* The monitor dies, the process (ours) lives on. */
	fakestore_set_state(&fake, web[3], STATE_RUNNING, 0);
	set_process(web[3], 0);
	(void)close(locks[2]);
	check_status("web-ng2", "web-ng2|running|Up (monitor lost)\n");
	/* The process ends, too, and nobody has seen how. */
	set_process(web[3], 1);
	check_status("web-ng2", "web-ng2|exited|Exited (unknown)\n");
	fakestore_get(&fake, web[3], &st);
	st.state = STATE_EXITED;
	st.exit_unknown = true;
	st.finished_ns = clock_wall_ns() - 3500000000;
	fakestore_put(&fake, web[3], &st);
	check_status("web-ng2", "web-ng2|exited|Exited (unknown) 3 seconds ago\n");
	status_done(&st);
	(void)close(locks[0]);
	(void)close(locks[1]);
	tear_down();
}

static void test_ps(void)
{
	cleanup_free char *want = NULL;
	int locks[3];

	set_up();
	check(&cmd_ps, "",
	      "CONTAINER ID  IMAGE       COMMAND     CREATED     STATUS      PORTS       NAMES\n");
	check(&cmd_ps, "-q", "");
	hold(web, locks);
	fakestore_set_state(&fake, web[2], STATE_RUNNING, 0);
	fakestore_set_state(&fake, web[3], STATE_EXITED, 0);
	want = xasprintf(
		"CONTAINER ID  IMAGE                           COMMAND               CREATED     "
		"   STATUS            PORTS       NAMES       POD ID        PODNAME\n"
		"%.12s  docker.io/library/nginx:latest  nginx -g daemon o...  5 minutes ago  "
		"Up 2 minutes ago              web-ng1     %.12s  web\n",
		web[2], web[0]);
	check(&cmd_ps, "--pod", want);
	free(want);
	want = xasprintf("%s\n", web[2]);
	check(&cmd_ps, "--no-trunc --noheading --format {{.ID}}", want);
	release(locks);
	tear_down();
}

/* Oldest first, the infra container before its members. */
static void test_ps_order(void)
{
	cleanup_free char *all = NULL;
	cleanup_free char *last = NULL;

	set_up();
	all = xasprintf("%s\n%s\n%s\n%s\n%s\n%s\n", web[1], web[2], web[3], api[1], api[3], api[2]);
	check(&cmd_ps, "-aq --no-trunc", all);
	last = xasprintf("%.12s\n%.12s\n", api[3], api[2]);
	check(&cmd_ps, "-q -n 2", last);
	check(&cmd_ps, "-l --format {{.Names}}", "api-ng1\n");
	check(&cmd_ps, "-a --sort names --filter pod=web --filter name=ng --format {{.Names}}",
	      "web-ng1\nweb-ng2\n");
	check_error(&cmd_ps, "--sort colour", "invalid option for --sort");
	check_error(&cmd_ps, "-l -n 2", "mutually exclusive");
	tear_down();
}

static void test_ps_filters(void)
{
	static const struct {
		const char *filters, *want;
	} cases[] = {
		{ "name=ng1", "web-ng1 api-ng1 " },
		{ "name=^web-ng1$", "web-ng1 " },
		{ "name=-db,name=ng2", "" },
		{ "name=-db --filter name=ng2", "web-ng2 api-db " },
		{ "name=ng --filter pod=api", "api-ng1 " },
		{ "status=exited", "web-ng2 " },
		{ "status=created --filter pod=web --filter name=ng", "web-ng1 " },
		{ "exited=3", "web-ng2 " },
		{ "exited=0", "" },
		{ "label=app=web --filter name=ng1", "web-ng1 " },
		{ "label=app --filter name=ng1", "web-ng1 api-ng1 " },
		{ "label=app=no", "" },
		{ "label=app --filter label=app=web --filter name=ng1", "web-ng1 " },
		{ "ancestor=nginx --filter name=-db", "api-db " },
		{ "ancestor=docker.io/library/nginx:latest --filter name=-db", "api-db " },
		{ "ancestor=ngin", "" },
		{ "before=api-db --filter name=ng", "web-ng1 web-ng2 " },
		{ "since=web-ng1 --filter name=ng", "api-ng1 " },
		{ "until=4m --filter name=ng", "web-ng1 web-ng2 " },
	};

	set_up();
	fakestore_set_state(&fake, web[3], STATE_EXITED, 3);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free char *line =
			xasprintf("-a --format {{.Names}} --filter %s", cases[i].filters);
		struct result r;

		run(&cmd_ps, line, &r);
		for (char *p = r.text; *p; p++)
			*p = *p == '\n' ? ' ' : *p;
		if (strcmp(r.text, cases[i].want) != 0)
			printf("%s: '%s' not '%s' %s\n", cases[i].filters, r.text, cases[i].want,
			       r.err.text);
		CU_ASSERT_TRUE(r.code == 0 && is_equal(r.text, cases[i].want));
		result_done(&r);
	}
	check_error(&cmd_ps, "--filter name", "is not KEY=VALUE");
	check_error(&cmd_ps, "--filter colour=red", "colour is an invalid filter");
	check_error(&cmd_ps, "--filter name=[", "filter 'name=['");
	check_error(&cmd_ps, "--filter status=nope", "'nope' is not a status");
	check_error(&cmd_ps, "--filter exited=x", "'x' is not a number");
	check_error(&cmd_ps, "--filter until=x", "is no time");
	check_error(&cmd_ps, "--filter since=nope",
		    "no container with name or ID \"nope\" found: no such container");
	tear_down();
}

static json_t *run_json(const struct command *c, const char *line)
{
	struct error err = { 0 };
	struct result r;
	json_t *j = NULL;

	run(c, line, &r);
	CU_ASSERT_EQUAL(r.code, 0);
	CU_ASSERT_EQUAL(jload_text(r.text, strlen(r.text), "output", &j, &err), 0);
	result_done(&r);
	return j;
}

static void test_ps_json(void)
{
	cleanup_json json_t *rows = NULL;
	const json_t *row;

	set_up();
	fakestore_set_state(&fake, web[2], STATE_EXITED, 5);
	rows = run_json(&cmd_ps, "-a --format json --filter name=^web-ng1$");
	CU_ASSERT_EQUAL(json_array_size(rows), 1);
	row = json_array_get(rows, 0);
	CU_ASSERT_STRING_EQUAL(jget_str(row, "Id"), web[2]);
	CU_ASSERT_STRING_EQUAL(jget_str(row, "Pod"), web[0]);
	CU_ASSERT_STRING_EQUAL(jget_str(row, "PodName"), "web");
	CU_ASSERT_STRING_EQUAL(jget_str(row, "State"), "exited");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_array_get(json_object_get(row, "Names"), 0)),
			       "web-ng1");
	CU_ASSERT_STRING_EQUAL(jget_str(json_object_get(row, "Labels"), "app"), "web");
	CU_ASSERT_EQUAL(jget_int(row, "ExitCode", -1), 5);
	CU_ASSERT_TRUE(jget_bool(row, "Exited", false));
	CU_ASSERT_FALSE(jget_bool(row, "IsInfra", true));
	CU_ASSERT_TRUE(json_is_array(json_object_get(row, "Ports")));
	CU_ASSERT_TRUE(json_is_array(json_object_get(row, "Command")));
	CU_ASSERT_PTR_NULL(json_object_get(row, ""));
	tear_down();
}

/* What a crash leaves is named, and so is what removes it. */
static void test_debris(void)
{
	static const char text[] = "Incomplete (remove with: podium pod rm -f web)";
	char path[LAYOUT_PATH_MAX];
	char id[65] = "abababababababababababababababababababababababababababababababab";
	cleanup_free char *want = xasprintf("web-ng1|%s\nweb-ng2|%s\n", text, text);
	int lock;

	set_up();
	fakestore_file(&fake, layout_pod(path, web[0], "complete"), NULL);
	check(&cmd_ps, "-a --filter name=^web-ng --format {{.Names}}|{{.Status}}", want);
	check(&cmd_pod_ps, "--filter name=web --format {{.Name}}|{{.Status}}",
	      "web|Incomplete (remove with: podium pod rm -f web)\n");
	/* Somebody works on it: then it is no debris. */
	lock = fakestore_lock(&fake, layout_pod(path, web[0], "pod.lock"));
	check(&cmd_pod_ps, "--filter name=web --format {{.Name}}|{{.Status}}", "web|Created\n");
	(void)close(lock);
	/* Only the directory and the name were made. */
	CU_ASSERT_EQUAL(mkdirat(fake.store.rootfd, layout_pod(path, id, NULL), 0700), 0);
	CU_ASSERT_EQUAL(symlinkat(path, fake.store.rootfd, "names/half"), 0);
	check(&cmd_ps, "-a --filter name=half --format {{.Names}}|{{.Status}}",
	      "half|Incomplete (remove with: podium pod rm -f half)\n");
	check(&cmd_pod_ps, "--filter name=half --format {{.Name}}|{{.NumberOfContainers}}",
	      "half|0\n");
	check_error(&cmd_pod_inspect, "half", "is incomplete");
	/* A container whose record is torn is still there. */
	fakestore_file(&fake, layout_container(path, api[3], "state.json"), "{\"state\":");
	(void)snprintf(path, sizeof(path), "-a --filter id=%s --format {{.State}}", api[3]);
	check(&cmd_ps, path, "unknown\n");
	tear_down();
}

/* ---- pods ------------------------------------------------------------------------------- */

static void test_pod_ps(void)
{
	cleanup_free char *want = NULL;
	cleanup_free char *members = NULL;
	cleanup_free char *ids = NULL;
	cleanup_json json_t *rows = NULL;
	int locks[3];

	set_up();
	hold(web, locks);
	for (int i = 1; i < 4; i++)
		fakestore_set_state(&fake, web[i], STATE_RUNNING, 0);
	want = xasprintf("POD ID        NAME        STATUS      CREATED        INFRA ID      # OF "
			 "CONTAINERS\n"
			 "%.12s  api         Created     2 minutes ago  %.12s  3\n"
			 "%.12s  web         Running     5 minutes ago  %.12s  3\n",
			 api[0], api[1], web[0], web[1]);
	members = xasprintf("%.12s-infra,web-ng1,web-ng2|running,running,running\n", web[0]);
	ids = xasprintf("%s\n%s\n", api[0], web[0]);
	check(&cmd_pod_ps, "", want);
	check(&cmd_pod_ps,
	      "--ctr-names --ctr-status --noheading --filter name=web --format "
	      "{{.ContainerNames}}|{{.ContainerStatuses}}",
	      members);
	check(&cmd_pod_ps, "-q --sort name --no-trunc", ids);
	check(&cmd_pod_ps, "--filter status=running --format {{.Name}}", "web\n");
	check(&cmd_pod_ps, "--filter label=app=api --format {{.Name}}", "api\n");
	check(&cmd_pod_ps, "--filter ctr-names=db$ --format {{.Name}}", "api\n");
	check(&cmd_pod_ps, "--filter ctr-number=2",
	      "POD ID      NAME        STATUS      CREATED     INFRA ID    "
	      "# OF CONTAINERS\n");
	check_error(&cmd_pod_ps, "--filter exited=1", "invalid filter");
	check_error(&cmd_pod_ps, "--sort size", "invalid option for --sort");
	rows = run_json(&cmd_pod_ps, "--format json --filter name=web");
	CU_ASSERT_STRING_EQUAL(jget_str(json_array_get(rows, 0), "Id"), web[0]);
	CU_ASSERT_STRING_EQUAL(jget_str(json_array_get(rows, 0), "Status"), "Running");
	CU_ASSERT_EQUAL(json_array_size(json_object_get(json_array_get(rows, 0), "Containers")), 3);
	release(locks);
	tear_down();
}

static void test_exists(void)
{
	static const struct {
		const struct command *command;
		const char *name;
		int code;
	} cases[] = {
		{ &cmd_pod_exists, "web", 0 },
		{ &cmd_pod_exists, "we", 1 },
		{ &cmd_container_exists, "web-ng1", 0 },
		{ &cmd_container_exists, "api/db", 0 },
		{ &cmd_container_exists, "web", 1 },
		{ &cmd_container_exists, "ng1", -ENOTUNIQ },
	};

	set_up();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct result r;

		run(cases[i].command, cases[i].name, &r);
		CU_ASSERT_EQUAL(r.code, cases[i].code);
		CU_ASSERT_TRUE(is_equal(r.text, ""));
		result_done(&r);
	}
	tear_down();
}

/* ---- inspect ---------------------------------------------------------------------------- */

/* Gives a container a command, an environment, mounts, ports. */
static void enrich(const char *id)
{
	static const char record[] = "{\"version\":1,\"id\":\"%s\",\"podId\":\"%s\",\"name\":"
				     "\"ng1\",\"fullName\":\"web-ng1\"}";
	struct container_spec spec;
	struct env_var env[2] = { { .name = (char *)(uintptr_t) "LIT" },
				  { .name = (char *)(uintptr_t) "REF" } };
	char path[LAYOUT_PATH_MAX];
	struct error err = { 0 };
	json_t *j = NULL;
	char *text = xasprintf(record, id, web[0]);

	CU_ASSERT_EQUAL(jload_text(text, strlen(text), "spec", &j, &err), 0);
	CU_ASSERT_EQUAL(record_load(&container_spec_type, j, &spec, &err), 0);
	json_decref(j);
	free(text);
	strlist_add(&spec.config.env, "PATH=/bin");
	strlist_add(&spec.config.env, "LIT=image");
	strlist_add(&spec.config.entrypoint, "/entry");
	strlist_add(&spec.config.cmd, "nginx");
	value_add(&env[0].value, VALUE_LITERAL, "yaml", 4);
	value_add(&env[1].value, VALUE_LITERAL, "<", 1);
	value_add(&env[1].value, VALUE_VARIABLE, "LIT", 3);
	spec.env.v = env;
	spec.env.n = 2;
	j = record_dump(&container_spec_type, &spec);
	text = jdump_text(j, 0);
	fakestore_file(&fake, layout_container(path, id, "spec.json"), text);
	json_decref(j);
	free(text);
	for (int i = 0; i < 2; i++) {
		for (size_t k = 0; k < env[i].value.n; k++)
			free(env[i].value.v[k].text);
		free(env[i].value.v);
	}
	spec.env = (struct env_list){ NULL, 0 };
	record_done(&container_spec_type, &spec);
}

static void test_inspect(void)
{
	cleanup_json json_t *one = NULL;
	cleanup_json json_t *pod = NULL;
	cleanup_free char *want = NULL;
	struct result r;

	set_up();
	enrich(web[2]);
	want = xasprintf("%s|web-ng1|created|%s\n", web[2], web[0]);
	check(&cmd_inspect, "--format {{.Id}}|{{.Name}}|{{.State.Status}}|{{.Pod}} web-ng1", want);
	check(&cmd_inspect, "--format {{.Config.Env}}{{.Config.Cmd}}{{.Config.Entrypoint}} web-ng1",
	      "[PATH=/bin LIT=yaml REF=<$(LIT)][nginx]/entry\n");
	one = run_json(&cmd_container_inspect, "web/ng1");
	CU_ASSERT_EQUAL(json_array_size(one), 1);
	check(&cmd_inspect, "-t pod --format {{.Name}}|{{.NumContainers}} api", "api|3\n");
	pod = run_json(&cmd_pod_inspect, "api");
	CU_ASSERT_TRUE(json_is_object(pod));
	CU_ASSERT_STRING_EQUAL(jget_str(pod, "State"), "Created");
	CU_ASSERT_STRING_EQUAL(jget_str(pod, "InfraContainerID"), api[1]);
	run(&cmd_pod_inspect, "nope", &r);
	CU_ASSERT(r.code < 0 && is_equal(r.text, "[]\n"));
	CU_ASSERT_STRING_EQUAL(r.err.text, "no pod with name or ID nope found: no such pod");
	result_done(&r);
	check_error(&cmd_inspect, "-t dog web", "invalid type \"dog\"");
	check(&cmd_inspect, "--format {{.Name}} web-ng1 api", "web-ng1\napi\n");
	run(&cmd_inspect, "--format {{.Name}} web-ng1 nope api", &r);
	CU_ASSERT_EQUAL(r.code, 125);
	CU_ASSERT_STRING_EQUAL(r.text, "web-ng1\napi\n");
	result_done(&r);
	tear_down();
}

/* ---- logs ------------------------------------------------------------------------------- */

static void test_logs(void)
{
	cleanup_free char *want = NULL;
	char path[LAYOUT_PATH_MAX];

	set_up();
	fakestore_file(&fake, layout_container(path, web[2], "log"),
		       "2026-11-22T01:02:01.000000000+00:00 stdout F one\n"
		       "2026-11-22T01:02:02.000000000+00:00 stdout P tw\n"
		       "2026-11-22T01:02:02.500000000+00:00 stdout F o \x1b[2J\n"
		       "2026-11-22T01:02:03.000000000+00:00 stdout F three\n");
	check(&cmd_logs, "web-ng1", "one\ntwo \x1b[2J\nthree\n");
	check(&cmd_logs, "--tail 1 web/ng1", "three\n");
	check(&cmd_logs, "--tail all web/ng1", "one\ntwo \x1b[2J\nthree\n");
	check(&cmd_logs, "--tail 0 web/ng1", "");
	check(&cmd_logs, "--since 2026-11-22T01:02:03Z web-ng1", "three\n");
	check(&cmd_logs, "--until 2026-11-22T01:02:02Z web-ng1", "one\n");
	check(&cmd_logs, "-tn --tail=1 web-ng1",
	      "web-ng1 2026-11-22T01:02:03.000000000+00:00 three\n");
	want = xasprintf("%.12s three\n%.12s three\n", web[2], web[2]);
	check(&cmd_logs, "--tail 1 web-ng1 web-ng1", want);
	check(&cmd_logs, "-f --tail 1 web-ng1",
	      "three\n"); /* nothing writes: nothing to wait for */
	check(&cmd_logs, "web-ng2", "");
	check_error(&cmd_logs, "nope", "no container with name or ID \"nope\" found: no such container");
	check_error(&cmd_logs, "", "specify at least one container name or ID to log");
	check_error(&cmd_logs, "-l web-ng1", "--latest and containers cannot be used together");
	check_error(&cmd_logs, "--tail x web-ng1", "--tail");
	check_error(&cmd_logs, "--since yesterday web-ng1", "is no time");
	tear_down();
}

static CU_TestInfo tests[] = {
	{ "STATUS of every state", test_status },
	{ "ps", test_ps },
	{ "ps: order, --last", test_ps_order },
	{ "ps: filters", test_ps_filters },
	{ "ps: json", test_ps_json },
	{ "what a crash leaves", test_debris },
	{ "pod ps", test_pod_ps },
	{ "exists", test_exists },
	{ "inspect", test_inspect },
	{ "logs", test_logs },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "listing", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
