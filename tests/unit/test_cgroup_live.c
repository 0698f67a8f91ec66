/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cgroup_live - the cgroup module against this machine's kernel: limits hold, groups can be
 * killed and go away. Needs root and a writable tree; what is not there is skipped with its reason.
 *
 * Each case makes a pod of its own and removes it. Children are forked, placed, and always reaped.
 */
#include "engine/cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/str.h"
#include "engine/cgroup/device_filter.h"
#include "engine/cgroup/internal.h"
#include "engine/pod/spec.h"
#include "tests/support/cunit_main.h"

#define HOG_BYTES     (64u << 20)
#define LIMIT_BYTES   (20 << 20)
#define KILL_MS	      5000
#define PIDS_LIMIT    5
#define CHILD_SKIPPED 77
#define ORPHAN_S      30 /* no child outlives a test that failed to kill it */

struct fixture {
	struct cgroup_ctx cg;
	char pod[65];
	char ctr[65];
};

/* False (and a skip is printed) when this machine has no writable cgroup tree. */
static bool setup(struct fixture *f)
{
	struct error err = { 0 };

	if (cgroup_open(&f->cg, &err) < 0) {
		CU_FAIL("cgroup_open");
		return false;
	}
	if (f->cg.layout == CGROUP_NONE || geteuid() != 0) {
		TEST_SKIP("no writable cgroup tree");
		cgroup_close(&f->cg);
		return false;
	}
	id_new(f->pod);
	id_new(f->ctr);
	CU_ASSERT_EQUAL(cgroup_create_pod(&f->cg, f->pod, NULL, NULL, &err), 0);
	return true;
}

static void create(struct fixture *f, const struct resources *r, bool privileged)
{
	struct error err = { 0 };
	struct strlist warnings = { 0 };

	CU_ASSERT_EQUAL(
		cgroup_create_container(&f->cg, f->pod, f->ctr, r, privileged, &warnings, &err), 0);
	if (err.code)
		printf("%s\n", err.text);
	CU_ASSERT_EQUAL(warnings.n, 0);
	strlist_done(&warnings);
}

static bool exists_anywhere(const struct fixture *f)
{
	char path[CGROUP_GROUP_MAX];

	(void)snprintf(path, sizeof(path), CGROUP_BASE "/%s", f->pod);
	for (int t = 0; t < CGROUP_TREE__COUNT; t++)
		if (f->cg.tree[t] >= 0 && faccessat(f->cg.tree[t], path, F_OK, 0) == 0)
			return true;
	return false;
}

static void teardown(struct fixture *f)
{
	struct error err = { 0 };

	CU_ASSERT_EQUAL(cgroup_kill_pod(&f->cg, f->pod, KILL_MS, &err), 0);
	CU_ASSERT_EQUAL(cgroup_remove_pod(&f->cg, f->pod, &err), 0);
	if (err.code)
		printf("%s\n", err.text);
	CU_ASSERT_FALSE(exists_anywhere(f));
	cgroup_prune(&f->cg);
	cgroup_close(&f->cg);
}

static void join_or_die(const struct fixture *f)
{
	struct error err = { 0 };

	if (cgroup_join_self(&f->cg, f->pod, f->ctr, CGROUP_BORN_OUTSIDE, &err) < 0) {
		(void)dprintf(2, "%s\n", err.text);
		_exit(125);
	}
}

/* Forks, joins, runs fn, whose result is the exit code. */
static pid_t start(const struct fixture *f, int (*fn)(const struct fixture *f))
{
	pid_t pid = fork();

	if (pid == 0) {
		join_or_die(f);
		_exit(fn(f));
	}
	return pid;
}

static int finish(pid_t pid)
{
	int status = -1;

	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	return status;
}

static int hog(const struct fixture *f)
{
	char *p = mmap(NULL, HOG_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)f;
	if (p == MAP_FAILED)
		return 1;
	for (size_t i = 0; i < HOG_BYTES; i += 4096)
		((volatile char *)p)[i] = 1;
	return 0;
}

static void test_memory(void)
{
	struct resources r = { .memory_limit_bytes = { true, LIMIT_BYTES },
			       .memory_request_bytes = { true, LIMIT_BYTES / 2 } };
	struct error err = { 0 };
	struct fixture f;
	int64_t kills = -1;
	int status;

	if (!setup(&f))
		return;
	if (!f.cg.has_controller[CGROUP_TREE_MEMORY]) {
		TEST_SKIP("no memory controller");
		teardown(&f);
		return;
	}
	create(&f, &r, false);
	CU_ASSERT_EQUAL(cgroup_oom_count(&f.cg, f.pod, f.ctr, &kills, &err), 0);
	CU_ASSERT_EQUAL(kills, 0);
	status = finish(start(&f, hog));
	CU_ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CU_ASSERT_EQUAL(cgroup_oom_count(&f.cg, f.pod, f.ctr, &kills, &err), 0);
	CU_ASSERT_TRUE(kills >= 1);
	/* A restart with more memory in the same group: the limit is raised and the hog lives. */
	r.memory_limit_bytes.value = 2 * (int64_t)HOG_BYTES;
	create(&f, &r, false);
	status = finish(start(&f, hog));
	CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	teardown(&f);
}

/* How many children could be made beside this process. */
static int fork_many(const struct fixture *f)
{
	int n = 0;
	pid_t pid;

	(void)f;
	while (n < 50 && (pid = fork()) >= 0) {
		if (pid == 0) {
			(void)alarm(ORPHAN_S);
			(void)pause();
			_exit(0);
		}
		n++;
	}
	(void)signal(SIGTERM, SIG_IGN);
	return n;
}

static void test_pids(void)
{
	struct resources r = { .pids_limit = { true, PIDS_LIMIT } };
	struct fixture f;
	int status;

	if (!setup(&f))
		return;
	if (!f.cg.has_controller[CGROUP_TREE_PIDS]) {
		TEST_SKIP("no pids controller");
		teardown(&f);
		return;
	}
	create(&f, &r, false);
	status = finish(start(&f, fork_many));
	CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == PIDS_LIMIT - 1);
	CU_ASSERT_FALSE(is_cgroup_empty(&f.cg, f.pod, f.ctr)); /* the orphans */
	teardown(&f);
}

static int burn(const struct fixture *f)
{
	int64_t end = clock_mono_ms() + 500;

	(void)f;
	while (clock_mono_ms() < end)
		;
	return 0;
}

static void test_cpu(void)
{
	struct resources r = { .cpu_limit_milli = { true, 100 },
			       .cpu_request_milli = { true, 50 } };
	char group[CGROUP_GROUP_MAX];
	enum cgroup_tree t;
	int64_t throttled = 0;
	struct fixture f;

	if (!setup(&f))
		return;
	if (!f.cg.has_controller[CGROUP_TREE_CPU]) {
		TEST_SKIP("no cpu controller");
		teardown(&f);
		return;
	}
	create(&f, &r, false);
	CU_ASSERT_EQUAL(finish(start(&f, burn)), 0);
	t = f.cg.layout == CGROUP_V2 ? CGROUP_TREE_UNIFIED : CGROUP_TREE_CPU;
	(void)snprintf(group, sizeof(group), CGROUP_BASE "/%s/%s", f.pod, f.ctr);
	CU_ASSERT_EQUAL(cgfile_read_key(&f.cg, t, group, "cpu.stat", "nr_throttled", &throttled),
			0);
	CU_ASSERT_TRUE(throttled >= 2);
	teardown(&f);
}

static int count_cpus(const struct fixture *f)
{
	cpu_set_t set;

	(void)f;
	memset(&set, 0xff, sizeof(set));
	(void)sched_setaffinity(0, sizeof(set), &set); /* as confine does */
	return sched_getaffinity(0, sizeof(set), &set) < 0 ? -1 : CPU_COUNT(&set);
}

/* One processor of the machine's; the group goes with the others. */
static void test_cpuset(void)
{
	char one[] = "0", path[256];
	struct resources r = { .cpuset_cpus = one };
	struct cgroup_ctx plain = CGROUP_CTX_INIT;
	struct error err = { 0 };
	struct fixture f;

	if (!setup(&f))
		return;
	if (cgroup_open_extra(&f.cg, CGROUP_TREE_CPUSET, false) != 1 && f.cg.layout != CGROUP_V2) {
		TEST_SKIP("no cpuset controller");
		teardown(&f);
		return;
	}
	create(&f, &r, false);
	CU_ASSERT_EQUAL(WEXITSTATUS(finish(start(&f, count_cpus))), 1);
	CU_ASSERT_EQUAL(cgroup_open(&plain, &err), 0);
	(void)snprintf(path, sizeof(path), CGROUP_BASE "/%s/%s", f.pod, f.ctr);
	if (f.cg.layout != CGROUP_V2) {
		int tree = f.cg.tree[CGROUP_TREE_CPUSET];

		CU_ASSERT_TRUE(plain.tree[CGROUP_TREE_CPUSET] >= 0);
		CU_ASSERT_EQUAL(faccessat(tree, path, F_OK, 0), 0);
		CU_ASSERT_EQUAL(cgroup_remove_pod(&plain, f.pod, &err), 0);
		CU_ASSERT_EQUAL(faccessat(tree, path, F_OK, 0), -1);
	}
	cgroup_close(&plain);
	teardown(&f);
}

/* Leaves a child in a session of its own; both ignore SIGTERM and sleep. */
static __attribute__((noreturn)) int sit(const struct fixture *f)
{
	(void)f;
	(void)signal(SIGTERM, SIG_IGN);
	if (fork() == 0)
		(void)setsid();
	(void)alarm(ORPHAN_S);
	for (;;)
		(void)pause();
}

static void check_kill(struct fixture *f)
{
	struct error err = { 0 };
	pid_t pid;
	int status;

	create(f, NULL, false);
	CU_ASSERT_TRUE(is_cgroup_empty(&f->cg, f->pod, f->ctr));
	pid = start(f, sit);
	while (is_cgroup_empty(&f->cg, f->pod, f->ctr))
		(void)usleep(1000);
	CU_ASSERT_EQUAL_FATAL(cgroup_kill_container(&f->cg, f->pod, f->ctr, KILL_MS, &err), 0);
	status = finish(pid);
	CU_ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CU_ASSERT_TRUE(is_cgroup_empty(&f->cg, f->pod, f->ctr));

	/* frozen ones die too */
	pid = start(f, sit);
	while (is_cgroup_empty(&f->cg, f->pod, f->ctr))
		(void)usleep(1000);
	CU_ASSERT_EQUAL(cgroup_freeze_container(&f->cg, f->pod, f->ctr, true, KILL_MS, &err), 0);
	CU_ASSERT_EQUAL(cgroup_kill_pod(&f->cg, f->pod, KILL_MS, &err), 0);
	status = finish(pid);
	CU_ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	if (err.code)
		printf("%s\n", err.text);

	CU_ASSERT_EQUAL(cgroup_remove_container(&f->cg, f->pod, f->ctr, &err), 0);
	CU_ASSERT_EQUAL(cgroup_remove_container(&f->cg, f->pod, f->ctr, &err), 0);
	CU_ASSERT_EQUAL(cgroup_kill_container(&f->cg, f->pod, f->ctr, KILL_MS, &err), 0);
	CU_ASSERT_EQUAL(cgroup_remove_pod(&f->cg, f->pod, &err), 0);
}

static void test_kill(void)
{
	struct fixture f;

	if (!setup(&f))
		return;
	check_kill(&f);
	teardown(&f);
}

/* Turns a hybrid context into one that has no unified tree, for the code of pure v1. */
static bool without_unified(struct cgroup_ctx *cg)
{
	if (cg->layout == CGROUP_V2)
		return false;
	if (cg->layout == CGROUP_HYBRID) {
		cg->tree[CGROUP_TREE_FREEZER] =
			open("/sys/fs/cgroup/freezer", O_PATH | O_DIRECTORY | O_CLOEXEC);
		(void)close(cg->tree[CGROUP_TREE_UNIFIED]);
		cg->tree[CGROUP_TREE_UNIFIED] = -1;
		cg->layout = CGROUP_V1;
		cg->ops = &cgroup_ops_v1;
	}
	return cg->tree[CGROUP_TREE_FREEZER] >= 0;
}

static void test_kill_v1(void)
{
	struct error err = { 0 };
	struct fixture f;

	if (!setup(&f))
		return;
	CU_ASSERT_EQUAL(cgroup_remove_pod(&f.cg, f.pod, &err), 0);
	if (!without_unified(&f.cg)) {
		TEST_SKIP("no v1 freezer");
		cgroup_close(&f.cg);
		return;
	}
	CU_ASSERT_EQUAL(cgroup_create_pod(&f.cg, f.pod, NULL, NULL, &err), 0);
	check_kill(&f);
	teardown(&f);
}

/* Exit code: bit 0 zero could be opened, bit 1 kmsg could. */
static int open_devices(const struct fixture *f)
{
	char dir[] = "/tmp/podium-test-XXXXXX", path[64];
	int fd, got = 0;

	(void)f;
	if (!mkdtemp(dir))
		return CHILD_SKIPPED;
	(void)snprintf(path, sizeof(path), "%s/zero", dir);
	if (mknod(path, S_IFCHR | 0600, makedev(1, 5)) < 0)
		got = CHILD_SKIPPED;
	fd = open(path, O_RDWR | O_CLOEXEC);
	got |= fd >= 0 ? 1 : 0;
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/kmsg", dir);
	if (mknod(path, S_IFCHR | 0600, makedev(1, 11)) < 0)
		got = CHILD_SKIPPED;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got |= fd >= 0 ? 2 : 0;
	(void)unlink(path);
	(void)rmdir(dir);
	return got;
}

static const struct device_rule kmsg = { DEVICE_TYPE_CHAR, 1, 11, DEVICE_MAY_ALL };
static const struct device_rule unheard_of = { DEVICE_TYPE_CHAR, 10, 200, DEVICE_MAY_READ };

static void test_devices(void)
{
	struct fixture f;
	int outside, status;

	if (!setup(&f))
		return;
	outside = open_devices(&f);
	if (outside != 3) {
		TEST_SKIP("device nodes cannot be used here anyway");
		teardown(&f);
		return;
	}
	create(&f, NULL, false);
	status = finish(start(&f, open_devices));
	CU_ASSERT_EQUAL(WEXITSTATUS(status), 1);
	/* again, as a restart does; the policy stays */
	create(&f, NULL, false);
	status = finish(start(&f, open_devices));
	CU_ASSERT_EQUAL(WEXITSTATUS(status), 1);
	id_new(f.ctr);
	create(&f, NULL, true);
	status = finish(start(&f, open_devices));
	CU_ASSERT_EQUAL(WEXITSTATUS(status), 3);
	/* a device that was asked for, and none besides */
	id_new(f.ctr);
	f.cg.devices = &kmsg;
	f.cg.n_devices = 1;
	create(&f, NULL, false);
	status = finish(start(&f, open_devices));
	CU_ASSERT_EQUAL(WEXITSTATUS(status), 3);
	f.cg.devices = &unheard_of;
	create(&f, NULL, false);
	status = finish(start(&f, open_devices));
	CU_ASSERT_EQUAL(WEXITSTATUS(status), 1);
	teardown(&f);
}

/* The program of v2, attached in the unified tree: works in hybrid as well. */
static const struct device_rule every_character = { DEVICE_TYPE_CHAR, DEVICE_ANY, DEVICE_ANY,
						    DEVICE_MAY_ALL };

static void test_device_program(void)
{
	struct error err = { 0 };
	char group[CGROUP_GROUP_MAX];
	struct fixture f;
	int status;

	if (!setup(&f))
		return;
	if (f.cg.tree[CGROUP_TREE_UNIFIED] < 0 || open_devices(&f) != 3) {
		TEST_SKIP("no unified tree, or no device nodes");
		teardown(&f);
		return;
	}
	create(&f, NULL, true);
	(void)snprintf(group, sizeof(group), CGROUP_BASE "/%s/%s", f.pod, f.ctr);
	status = unified_device_policy(&f.cg, group, &err);
	if (status == -ENOSYS || status == -EINVAL) {
		TEST_SKIP("the kernel has no device programs: %s", err.text);
		teardown(&f);
		return;
	}
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_EQUAL(unified_device_policy(&f.cg, group, &err), 0); /* found, not piled up */
	if (err.code)
		printf("%s\n", err.text);
	status = finish(start(&f, open_devices));
	CU_ASSERT_EQUAL(WEXITSTATUS(status), 1);
	/* another program for other rules, in its place */
	f.cg.devices = &every_character;
	f.cg.n_devices = 1;
	CU_ASSERT_EQUAL(unified_device_policy(&f.cg, group, &err), 0);
	status = finish(start(&f, open_devices));
	CU_ASSERT_EQUAL(WEXITSTATUS(status), 3);
	f.cg.n_devices = 0;
	CU_ASSERT_EQUAL(unified_device_policy(&f.cg, group, &err), 0);
	status = finish(start(&f, open_devices));
	CU_ASSERT_EQUAL(WEXITSTATUS(status), 1);
	teardown(&f);
}

static void test_born_inside(void)
{
	struct clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };
	struct error err = { 0 };
	struct fixture f;
	int fd, status;
	long pid;

	if (!setup(&f))
		return;
	create(&f, NULL, false);
	fd = cgroup_open_dir_fd(&f.cg, f.pod, f.ctr, &err);
	if (fd == -ENOTSUP) {
		TEST_SKIP("no unified tree");
		teardown(&f);
		return;
	}
	CU_ASSERT_TRUE(fd >= 0);
	args.cgroup = (__u64)fd;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0) {
		char line[512] = "";
		int procfd;

		if (cgroup_join_self(&f.cg, f.pod, f.ctr, CGROUP_BORN_INSIDE, &err) < 0)
			_exit(1);
		procfd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
		for (char buf[4096] = ""; read(procfd, buf, sizeof(buf) - 1) > 0;) {
			char *unified = strstr(buf, "0::");
			char *memory = strstr(buf, ":memory:");

			(void)snprintf(line, sizeof(line), "/" CGROUP_BASE "/%s/%s", f.pod, f.ctr);
			if (!unified || !strstr(unified, line))
				_exit(2);
			if (memory && strncmp(memory + 8, line, strlen(line)) != 0)
				_exit(3);
		}
		_exit(0);
	}
	(void)close(fd);
	status = finish((pid_t)pid);
	CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	teardown(&f);
}

static void test_monitors(void)
{
	struct error err = { 0 };
	struct fixture f;
	pid_t pid;

	if (!setup(&f))
		return;
	pid = fork();
	if (pid == 0)
		_exit(cgroup_join_monitors(&f.cg, &err) < 0 ? 1 : 0);
	CU_ASSERT_EQUAL(finish(pid), 0);
	teardown(&f);
}

static int nothing_works_without_rights(const struct fixture *f)
{
	struct resources r = { .memory_limit_bytes = { true, LIMIT_BYTES } };
	cleanup_cgroup struct cgroup_ctx cg = CGROUP_CTX_INIT;
	struct strlist warnings = { 0 };
	struct error err = { 0 };
	int64_t n;

	if (setresuid(65534, 65534, 65534) < 0 || unshare(CLONE_NEWUSER) < 0)
		return CHILD_SKIPPED;
	if (cgroup_open(&cg, &err) < 0 || cg.layout != CGROUP_NONE || !cg.user_namespace)
		return 1;
	if (cgroup_create_pod(&cg, f->pod, NULL, NULL, &err) < 0 ||
	    cgroup_create_container(&cg, f->pod, f->ctr, &r, false, &warnings, &err) < 0)
		return 2;
	if (warnings.n != 1 || !strstr(warnings.v[0], "memory"))
		return 3;
	if (cgroup_join_self(&cg, f->pod, f->ctr, CGROUP_BORN_OUTSIDE, &err) < 0 ||
	    cgroup_join_monitors(&cg, &err) < 0 || can_cgroup_kill(&cg) ||
	    cgroup_kill_pod(&cg, f->pod, 0, &err) < 0 ||
	    cgroup_oom_count(&cg, f->pod, f->ctr, &n, &err) < 0 || n != 0 ||
	    cgroup_remove_pod(&cg, f->pod, &err) < 0)
		return 4;
	return 0;
}

static void test_unprivileged(void)
{
	struct fixture f;
	pid_t pid;
	int status;

	if (!setup(&f))
		return;
	pid = fork();
	if (pid == 0)
		_exit(nothing_works_without_rights(&f));
	status = finish(pid);
	if (WEXITSTATUS(status) == CHILD_SKIPPED)
		TEST_SKIP("no user namespaces");
	else
		CU_ASSERT_EQUAL(status, 0);
	teardown(&f);
}

/* A container that made groups inside its own: they go with it. */
static void test_nested(void)
{
	char path[CGROUP_GROUP_MAX + 32];
	struct fixture f;

	if (!setup(&f))
		return;
	create(&f, NULL, false);
	(void)snprintf(path, sizeof(path), CGROUP_BASE "/%s/%s/a", f.pod, f.ctr);
	for (int t = 0; t < CGROUP_TREE__COUNT; t++) {
		if (f.cg.tree[t] < 0 || mkdirat(f.cg.tree[t], path, 0755) < 0)
			continue;
		(void)strncat(path, "/b", sizeof(path) - strlen(path) - 1);
		CU_ASSERT_EQUAL(mkdirat(f.cg.tree[t], path, 0755), 0);
		path[strlen(path) - 2] = '\0';
	}
	teardown(&f);
}

static void test_list(void)
{
	struct error err = { 0 };
	struct strlist pods = { 0 };
	struct fixture f;

	if (!setup(&f))
		return;
	CU_ASSERT_EQUAL(cgroup_list_pods(&f.cg, &pods, &err), 0);
	CU_ASSERT_TRUE(strlist_has(&pods, f.pod));
	strlist_done(&pods);
	teardown(&f);
}

static CU_TestInfo live_tests[] = {
	{ "a memory hog is killed and counted", test_memory },
	{ "a fork bomb stays inside", test_pids },
	{ "cpu is throttled", test_cpu },
	{ "cpuset", test_cpuset },
	{ "kill reaches children and frozen ones", test_kill },
	{ "the same without a unified tree", test_kill_v1 },
	{ "devices outside the list cannot be opened", test_devices },
	{ "the device program denies the same", test_device_program },
	{ "born inside by clone3", test_born_inside },
	{ "monitors have a group", test_monitors },
	{ "without rights nothing fails", test_unprivileged },
	{ "groups inside a group are removed", test_nested },
	{ "pods are listed", test_list },
	CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
	{ "cgroup_live", NULL, NULL, NULL, NULL, live_tests },
	CU_SUITE_INFO_NULL,
};

TEST_MAIN(suites)
