/* SPDX-License-Identifier: Apache-2.0 */
/* test_mountplan - what is decided about a container's tree before anything is mounted: the order
 * of mounts, their targets, the text of hosts and resolv.conf, the command and its environment. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/pod/spec.h"
#include "engine/process/command.h"
#include "engine/process/environment.h"
#include "engine/process/sync.h"
#include "engine/rootfs/etcfiles.h"
#include "engine/rootfs/mask.h"
#include "engine/rootfs/volume.h"
#include "tests/support/cunit_main.h"

/* ---- mounts ----------------------------------------------------------------------------- */

static void test_order(void)
{
	static const char *const targets[] = { "/a/b/c", "/z", "/a/b", "/a", "/y/", "/a/b/d" };
	static const size_t want[] = { 1, 3, 4, 2, 0, 5 };
	struct mount_list list = { 0 };
	cleanup_free size_t *order = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
		list_add(&list)->target = (char *)(uintptr_t)targets[i];
	order = volume_mount_order(&list);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		CU_ASSERT_EQUAL(order[i], want[i]);
	free(list.v);
}

static void test_targets(void)
{
	static const char *const refused[] = { "",	  "relative", "/",	    "//",
					       "/.",	  "/./",      "/a/../b",    "/..",
					       "/proc",	  "/proc/",   "//proc/sys", "/sys",
					       "/sys/fs", "/./proc",  "/./sys/x" };
	static const char *const taken[] = { "/data", "/process", "/system/x", "/dev/shm",
					     "/a..b" };
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		CU_ASSERT(volume_check_target(refused[i], &err) < 0);
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		CU_ASSERT_EQUAL(volume_check_target(taken[i], &err), 0);
}

/* Mount points are made inside the root, whatever links lie there. */
static void test_mount_points(void)
{
	char dir[] = "/tmp/podium-plan-XXXXXX";
	cleanup_close int root = -EBADF;
	struct error err;
	struct stat st;
	int fd;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CU_ASSERT_EQUAL(mkdirat(root, "in", 0755), 0);
	CU_ASSERT_EQUAL(symlinkat("/in", root, "link"), 0);
	CU_ASSERT_EQUAL(symlinkat("../../../../nowhere", root, "dangling"), 0);
	fd = volume_open_target(root, "/link/deep/er", true, &err);
	CU_ASSERT(fd >= 0 && fstatat(root, "in/deep/er", &st, 0) == 0 && S_ISDIR(st.st_mode));
	(void)close(fd);
	fd = volume_open_target(root, "/link/file", false, &err);
	CU_ASSERT(fd >= 0 && fstatat(root, "in/file", &st, 0) == 0 && S_ISREG(st.st_mode));
	(void)close(fd);
	fd = volume_open_target(root, "/dangling", false, &err);
	CU_ASSERT(fd >= 0 && fstatat(root, "dangling", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		  S_ISREG(st.st_mode));
	(void)close(fd);
	CU_ASSERT_EQUAL(volume_open_target(root, "/in", false, &err), -EISDIR);
	CU_ASSERT_EQUAL(volume_open_target(root, "/in/file", true, &err), -ENOTDIR);
	CU_ASSERT_EQUAL(volume_open_target(root, "/in/new/", false, &err), -EINVAL);
	CU_ASSERT_EQUAL(fs_remove_tree(AT_FDCWD, dir, &err), 0);
}

static void test_masks(void)
{
	static const char *const must_hide[] = { "/proc/kcore", "/proc/keys", "/proc/scsi",
						 "/sys/firmware", "/sys/devices/virtual/powercap" };
	static const char *const must_fix[] = { "/proc/sys", "/proc/sysrq-trigger", "/proc/bus",
						"/proc/irq", "/proc/fs" };

	for (size_t i = 0; i < ARRAY_SIZE(must_hide); i++) {
		bool found = false;

		for (size_t k = 0; mask_hidden_paths[k]; k++)
			found |= strcmp(mask_hidden_paths[k], must_hide[i]) == 0;
		CU_ASSERT_TRUE(found);
	}
	for (size_t i = 0; i < ARRAY_SIZE(must_fix); i++) {
		bool found = false;

		for (size_t k = 0; mask_read_only_paths[k]; k++)
			found |= strcmp(mask_read_only_paths[k], must_fix[i]) == 0;
		CU_ASSERT_TRUE(found);
	}
}

/* ---- hosts, resolv.conf ----------------------------------------------------------------- */

static void check_hosts(const struct pod_spec *pod, const struct etc_facts *facts, const char *want)
{
	cleanup_free char *got = etc_hosts_text(pod, facts);

	CU_ASSERT_STRING_EQUAL(got, want);
}

#define LOCALHOST "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"

static void test_hosts(void)
{
	char name[] = "pod";
	struct pod_spec pod = { .name = name, .network = NETWORK_BRIDGE };
	struct etc_facts facts = { .hostname = "web" };
	struct host_alias *a;

	check_hosts(&pod, &facts, LOCALHOST "127.0.0.1\tweb pod\n");
	facts.address4 = "10.0.0.2";
	facts.address6 = "fd00::2";
	facts.gateway4 = "10.0.0.1";
	facts.gateway6 = "fd00::1";
	check_hosts(&pod, &facts,
		    LOCALHOST "10.0.0.2\tweb pod\nfd00::2\tweb pod\n"
			      "10.0.0.1\thost.containers.internal\n");
	facts.hostname = "pod";
	facts.address4 = facts.gateway4 = NULL;
	a = list_add(&pod.host_aliases);
	a->ip = xstrdup("1.2.3.4");
	strlist_add(&a->names, "one");
	strlist_add(&a->names, "two\n6.6.6.6 evil");
	free(a->ip);
	a->ip = xstrdup("host-gateway");
	check_hosts(&pod, &facts,
		    LOCALHOST "fd00::2\tpod\nfd00::1\thost.containers.internal\n"
			      "fd00::1\tone two\n");
	free(a->ip);
	a->ip = xstrdup("1.2.3.4");
	check_hosts(&pod, &facts,
		    LOCALHOST "fd00::2\tpod\nfd00::1\thost.containers.internal\n"
			      "1.2.3.4\tone two\n");
	pod.network = NETWORK_HOST;
	facts.host_hosts = "127.0.0.1 localhost\n10.9.9.9 other";
	check_hosts(&pod, &facts,
		    "127.0.0.1 localhost\n10.9.9.9 other\n"
		    "127.0.0.1\thost.containers.internal\n1.2.3.4\tone two\n");
	free(a->ip);
	strlist_done(&a->names);
	free(pod.host_aliases.v);
}

/* With a subdomain the whole name comes first, as the kubelet writes it; never with an override. */
static void test_hosts_domain(void)
{
	char name[] = "pod", sub[] = "sub", ns[] = "ns", web[] = "web", over[] = "o.example";
	struct pod_spec pod = { .name = name, .subdomain = sub, .network = NETWORK_BRIDGE };
	struct etc_facts facts = { .hostname = "pod",
				   .address4 = "10.0.0.2",
				   .address6 = "fd00::2" };

	check_hosts(&pod, &facts,
		    LOCALHOST "10.0.0.2\tpod.sub.default.svc.cluster.local pod\n"
			      "fd00::2\tpod.sub.default.svc.cluster.local pod\n");
	facts.address6 = NULL;
	pod.hostname = web;
	pod.namespace_ = ns;
	pod.set_hostname_as_fqdn = (struct opt_bool){ true, true };
	facts.hostname = "web.sub.ns.svc.cluster.local";
	check_hosts(&pod, &facts, LOCALHOST "10.0.0.2\tweb.sub.ns.svc.cluster.local web pod\n");
	pod.hostname_override = over;
	facts.hostname = over;
	check_hosts(&pod, &facts, LOCALHOST "10.0.0.2\to.example pod\n");
}

static void test_long_searches(void)
{
	struct pod_spec pod = { .network = NETWORK_BRIDGE };
	struct etc_facts facts = { .hostname = "h" };
	cleanup_free char *got = NULL;

	for (int i = 0; i < 20; i++) /* of 128 characters each, with the blank */
		strlist_addf(&pod.dns.searches, "%0119d.example", i);
	got = etc_resolv_text(&pod, &facts);
	CU_ASSERT_EQUAL(strlen(got), strlen("search ") + 16 * 128);
	strlist_done(&pod.dns.searches);
}

static void check_resolv(const struct pod_spec *pod, const char *host, const char *want)
{
	struct etc_facts facts = { .hostname = "h", .host_resolv = host };
	cleanup_free char *got = etc_resolv_text(pod, &facts);

	CU_ASSERT_STRING_EQUAL(got, want);
}

static void test_resolv(void)
{
	static const char host[] = "# comment\nnameserver 127.0.0.53\nnameserver 10.0.0.53 # x\n"
				   "nameserver ::1\nsearch a.example b.example\n"
				   "options ndots:2 rotate\n";
	char none[] = "None", kube[] = "kube";
	struct pod_spec pod = { .network = NETWORK_BRIDGE, .owner = kube };
	struct dns_option *o;

	check_resolv(&pod, host,
		     "search a.example b.example\nnameserver 10.0.0.53\noptions ndots:2 rotate\n");
	check_resolv(&pod, NULL, "");
	pod.network = NETWORK_HOST;
	check_resolv(&pod, "nameserver 127.0.0.53\n", "nameserver 127.0.0.53\n");
	pod.network = NETWORK_NONE;
	check_resolv(&pod, host, "");
	pod.network = NETWORK_BRIDGE;
	strlist_add(&pod.dns.servers, "10.0.0.53");
	for (int i = 1; i < 5; i++)
		strlist_addf(&pod.dns.servers, "192.0.2.%d", i);
	strlist_add(&pod.dns.searches, "c.example");
	o = list_add(&pod.dns.options);
	o->name = xstrdup("ndots");
	o->value = xstrdup("5");
	check_resolv(&pod, host,
		     "search a.example b.example c.example\nnameserver 10.0.0.53\n"
		     "nameserver 192.0.2.1\nnameserver 192.0.2.2\noptions ndots:5 rotate\n");
	/* Made by hand: what is said replaces what the host has. */
	pod.owner = NULL;
	check_resolv(&pod, host,
		     "search c.example\nnameserver 10.0.0.53\nnameserver 192.0.2.1\n"
		     "nameserver 192.0.2.2\noptions ndots:5 rotate\n");
	pod.owner = kube;
	pod.dns.policy = none;
	check_resolv(&pod, host,
		     "search c.example\nnameserver 10.0.0.53\nnameserver 192.0.2.1\n"
		     "nameserver 192.0.2.2\noptions ndots:5\n");
	strlist_done(&pod.dns.servers);
	strlist_done(&pod.dns.searches);
	free(o->name);
	free(o->value);
	free(pod.dns.options.v);
}

/* ---- command ---------------------------------------------------------------------------- */

static void add_arg(struct value_list *l, const char *text)
{
	value_add(list_add(l), VALUE_LITERAL, text, strlen(text));
}

static void check_argv(const struct container_spec *spec, const char *want)
{
	cleanup_strlist struct strlist argv = { 0 };
	struct pairlist none = { 0 };
	struct buf b = BUF_INIT(4096);
	struct error err;
	char *got;

	if (command_build_argv(spec, &none, &argv, &err) < 0)
		buf_adds(&b, "error");
	else
		for (size_t i = 0; i < argv.n; i++)
			buf_printf(&b, "%s[%s]", i ? " " : "", argv.v[i]);
	got = buf_steal(&b);
	CU_ASSERT_STRING_EQUAL(got, want);
	free(got);
}

/* The four rows of Kubernetes' table, and nothing at all. */
static void test_argv(void)
{
	struct container_spec spec = { 0 };

	check_argv(&spec, "error");
	strlist_add(&spec.config.entrypoint, "/entry");
	strlist_add(&spec.config.entrypoint, "e1");
	strlist_add(&spec.config.cmd, "cmd");
	check_argv(&spec, "[/entry] [e1] [cmd]");
	spec.has_args = true;
	check_argv(&spec, "[/entry] [e1]");
	add_arg(&spec.args, "a");
	add_arg(&spec.args, "");
	check_argv(&spec, "[/entry] [e1] [a] []");
	spec.has_command = true;
	check_argv(&spec, "[a] []");
	add_arg(&spec.command, "/cmd");
	check_argv(&spec, "[/cmd] [a] []");
	spec.has_args = false;
	check_argv(&spec, "[/cmd]");
	record_done(&container_spec_type, &spec);
}

static void test_env(void)
{
	struct container_spec spec = { .tty = true };
	struct environment_source from;
	struct pod_spec pod = { 0 };
	struct error err = { 0 };
	cleanup_strlist struct strlist env = { 0 };
	struct pairlist vars = { 0 };
	struct env_var *e;

	strlist_add(&spec.config.env, "PATH=/image/bin");
	strlist_add(&spec.config.env, "EMPTY=");
	strlist_add(&spec.config.env, "nonsense");
	e = list_add(&spec.env);
	e->name = xstrdup("A");
	value_add(&e->value, VALUE_LITERAL, "one", 3);
	e = list_add(&spec.env);
	e->name = xstrdup("B");
	value_add(&e->value, VALUE_VARIABLE, "A", 1);
	value_add(&e->value, VALUE_LITERAL, "=two", 4);
	e = list_add(&spec.env);
	e->name = xstrdup("HOME");
	value_add(&e->value, VALUE_LITERAL, "/else", 5);
	from = (struct environment_source){ .fields = { .pod = &pod, .container = &spec },
					    .hostname = "host",
					    .home = "/root" };
	CU_ASSERT_EQUAL(environment_build(&from, &env, &vars, &err), 0);
	CU_ASSERT_STRING_EQUAL(command_get_env(&env, "PATH"), "/image/bin");
	CU_ASSERT_STRING_EQUAL(command_get_env(&env, "HOSTNAME"), "host");
	CU_ASSERT_STRING_EQUAL(command_get_env(&env, "TERM"), "xterm");
	CU_ASSERT_STRING_EQUAL(command_get_env(&env, "container"), "podium");
	CU_ASSERT_STRING_EQUAL(command_get_env(&env, "EMPTY"), "");
	CU_ASSERT_STRING_EQUAL(command_get_env(&env, "B"), "one=two");
	CU_ASSERT_STRING_EQUAL(command_get_env(&env, "HOME"), "/else");
	CU_ASSERT_PTR_NULL(command_get_env(&env, "nonsense"));
	CU_ASSERT_EQUAL(env.n, 8);
	pairlist_done(&vars);
	record_done(&container_spec_type, &spec);
}

static void test_find(void)
{
	cleanup_strlist struct strlist env = { 0 };
	cleanup_free char *path = NULL;
	struct error err;
	int code = 0;

	command_set_env(&env, "PATH", "relative::/nonexistent:/bin:/usr/bin");
	CU_ASSERT_EQUAL(command_find("sh", &env, &path, &code, &err), 0);
	CU_ASSERT_STRING_EQUAL(path, "/bin/sh");
	CU_ASSERT(command_find("no-such-program", &env, &path, &code, &err) < 0 && code == 127);
	CU_ASSERT(command_find("/etc/passwd", &env, &path, &code, &err) < 0 && code == 126);
	CU_ASSERT(command_find("/etc", &env, &path, &code, &err) < 0 && code == 126);
	CU_ASSERT(command_find("/etc/passwd/x", &env, &path, &code, &err) < 0 && code == 127);
}

/* ---- the sync protocol ------------------------------------------------------------------ */

static void test_sync(void)
{
	struct error err, text = { 7, "why" };
	struct sync_msg m;
	int ends[2], fd;

	CU_ASSERT_EQUAL_FATAL(sync_pair(ends, &err), 0);
	CU_ASSERT_EQUAL(sync_send(ends[0], SYNC_ERROR, 126, &text, ends[0]), 0);
	CU_ASSERT_EQUAL(sync_receive(ends[1], &m, &fd, &err), 1);
	CU_ASSERT(m.step == SYNC_ERROR && m.value == 126 && m.err.code == 7);
	CU_ASSERT_STRING_EQUAL(m.err.text, "why");
	CU_ASSERT(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
	(void)close(fd);
	CU_ASSERT_EQUAL(send(ends[0], "short", 5, 0), 5);
	CU_ASSERT_EQUAL(sync_receive(ends[1], &m, &fd, &err), -EBADMSG);
	CU_ASSERT_EQUAL(fd, -EBADF);
	(void)close(ends[0]);
	CU_ASSERT_EQUAL(sync_receive(ends[1], &m, &fd, &err), 0);
	CU_ASSERT_EQUAL(sync_send(ends[1], SYNC_GO, 0, NULL, -1), -EPIPE);
	(void)close(ends[1]);
}

static CU_TestInfo tests[] = {
	{ "order", test_order },
	{ "targets", test_targets },
	{ "mount points", test_mount_points },
	{ "masks", test_masks },
	{ "hosts", test_hosts },
	{ "hosts with a domain", test_hosts_domain },
	{ "searches end at 2048 characters", test_long_searches },
	{ "resolv.conf", test_resolv },
	{ "argv", test_argv },
	{ "environment", test_env },
	{ "program", test_find },
	{ "sync", test_sync },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "plan", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
