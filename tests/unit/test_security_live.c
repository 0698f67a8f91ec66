/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_security_live - what a security context asks for, seen from inside, by running podium-launch
 * on a store of our own. Root; a mutation twin (WEAKEN) shows that each test can fail.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "tests/support/cunit_main.h"
#include "tests/support/livestore.h"

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct livestore S; /* with a running sandbox */
static char *profiles;	   /* directory of seccomp profiles */

static char *run(const char *const *argv, live_change change)
{
	return live_simple(&S, argv, change, NULL);
}

static char *run_weak(const char *id, const char *const *argv, live_change change)
{
	char *out;

	live_setenv("PODIUM_WEAKEN", id);
	out = live_simple(&S, argv, change, NULL);
	live_setenv("PODIUM_WEAKEN", NULL);
	return out;
}

static int suite_start(void)
{
	cleanup_free char *error = NULL;
	struct error err;
	int fd;

	if (geteuid() != 0 || !live_init(&S))
		return 1;
	profiles = xasprintf("%s/profiles", S.dir);
	fd = fs_mkdirs(AT_FDCWD, profiles, 0755, &err);
	(void)close(fd);
	S.pod.security.seccomp_root = xstrdup(profiles);
	strlist_add(&S.pod.security.supplemental_groups, "4242");
	S.pod.security.supplemental_groups_strict = true;
	error = live_sandbox(&S);
	if (error)
		printf("%s\n", error);
	return fd < 0 || error != NULL;
}

static int suite_end(void)
{
	live_done(&S);
	free(profiles);
	return 0;
}

/* ---- seccomp: Localhost ----------------------------------------------------------------- */

static void put_profile(const char *name, const char *text)
{
	cleanup_free char *path = xasprintf("%s/%s", profiles, name);
	struct error err;

	CU_ASSERT_EQUAL(fs_write_atomic(AT_FDCWD, path, text, strlen(text), 0644, FS_NOSYNC, &err),
			0);
}

static int count_programs(void)
{
	cleanup_free char *path = xasprintf("%s/seccomp", S.root);
	cleanup_dir DIR *d = opendir(path);
	int n = 0;

	for (struct dirent *e; d && (e = readdir(d));)
		n += strncmp(e->d_name, "local", 5) == 0;
	return n;
}

static const char *wanted_profile;
static void with_profile(struct container_spec *spec)
{
	spec->security.seccomp_profile = xstrdup(wanted_profile);
}

/* SYS_sync is what the profile speaks of: nothing on the way to the program calls it. */
#define DENY_SYNC                                                                    \
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"sync\"]," \
	"\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":122}]}"
#define DENY_SYNC_TOO                                                                \
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"sync\"]," \
	"\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":28}]}"

static char *try_sync(live_change change)
{
	cleanup_free char *nr = xasprintf("%d", SYS_sync);

	return run(ARGS("syscall", nr), change);
}

static void test_profile(void)
{
	cleanup_free char *plain = try_sync(NULL);
	cleanup_free char *out = NULL;
	cleanup_free char *again = NULL;
	cleanup_free char *changed = NULL;
	cleanup_free char *probe = NULL;

	put_profile("deny.json", DENY_SYNC);
	wanted_profile = "deny.json";
	CU_ASSERT(live_has(plain, "ok\n"));
	out = try_sync(with_profile);
	CU_ASSERT_STRING_EQUAL(out, "EDQUOT\n");
	CU_ASSERT_EQUAL(count_programs(), 1);
	again = try_sync(with_profile);
	CU_ASSERT_STRING_EQUAL(again, "EDQUOT\n");
	CU_ASSERT_EQUAL(count_programs(), 1);
	/* SEC-5: the same name with another content */
	put_profile("deny.json", DENY_SYNC_TOO);
	changed = try_sync(with_profile);
	CU_ASSERT_STRING_EQUAL(changed, "ENOSPC\n");
	CU_ASSERT_EQUAL(count_programs(), 2);
	/* The sets of the program are the usual ones, though the filter is loaded last. */
	probe = run(ARGS("probe"), with_profile);
	CU_ASSERT(live_has(probe, "CapPrm:\t00000000800405fb\nCapEff:\t00000000800405fb\n"
				  "CapBnd:\t00000000800405fb\nCapAmb:\t0000000000000000\n"));
	CU_ASSERT(live_has(probe, "Seccomp:\t2"));
}

static void user_profile(struct container_spec *spec)
{
	with_profile(spec);
	spec->security.run_as_user = (struct opt_i64){ true, 1000 };
	spec->security.allow_privilege_escalation = (struct opt_bool){ true, false };
}

/* A profile that allows a program's calls alone, none of those that lead to it. */
static void test_narrow_profile(void)
{
	static const char text[] =
		"{\"defaultAction\":\"SCMP_ACT_KILL_PROCESS\",\"syscalls\":[{\"names\":["
		"\"execve\",\"brk\",\"arch_prctl\",\"set_tid_address\",\"set_robust_list\","
		"\"rseq\","
		"\"prlimit64\",\"readlink\",\"readlinkat\",\"getrandom\",\"mprotect\",\"mmap\","
		"\"munmap\",\"newfstatat\",\"fstat\",\"uname\",\"write\",\"exit_group\",\"getcwd\","
		"\"ioctl\"],\"action\":\"SCMP_ACT_ALLOW\"}]}";
	cleanup_free char *root = NULL;
	cleanup_free char *user = NULL;

	put_profile("narrow.json", text);
	wanted_profile = "narrow.json";
	root = run(ARGS("pwd"), with_profile);
	CU_ASSERT_STRING_EQUAL(root, "/\n");
	user = run(ARGS("pwd"), user_profile);
	CU_ASSERT_STRING_EQUAL(user, "/\n");
}

static void refuses_profile(const char *name, const char *reason)
{
	cleanup_free char *out = NULL;

	wanted_profile = name;
	out = run(ARGS("probe"), with_profile);
	CU_ASSERT(live_has(out, "ERROR 125: "));
	CU_ASSERT(live_has(out, reason));
	CU_ASSERT(strstr(out, "uid:") == NULL);
}

/* PROC-6 */
static void test_bad_profiles(void)
{
	cleanup_free char *outside = xasprintf("%s/outside.json", S.dir);
	cleanup_free char *weak = NULL;

	put_profile("broken.json", "{");
	put_profile("notify.json", "{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}");
	put_profile("../outside.json", DENY_SYNC);
	refuses_profile("", "the name is empty");
	refuses_profile("none.json", "'none.json'");
	refuses_profile("broken.json", "seccomp profile");
	refuses_profile("notify.json", "needs a supervisor");
	refuses_profile("../outside.json", "is not a path below");
	refuses_profile(outside, "is not a path below");
	wanted_profile = "../outside.json";
	weak = run_weak("PROC-6", ARGS("probe"), with_profile);
	CU_ASSERT(live_has(weak, "uid:"));
}

static void privileged_profile(struct container_spec *spec)
{
	wanted_profile = "deny.json";
	with_profile(spec);
	spec->security.privileged = (struct opt_bool){ true, true };
}

static void test_privileged_profile(void)
{
	struct container_spec spec;
	struct liverun r;

	live_spec(&S, &spec, ARGS("true"));
	privileged_profile(&spec);
	live_start(&S, &spec, &r);
	CU_ASSERT_PTR_NULL(r.error);
	CU_ASSERT(r.warnings && strstr(r.warnings, "'deny.json' is not applied"));
	(void)live_end(&r);
	record_done(&container_spec_type, &spec);
}

static void test_exec_profile(void)
{
	cleanup_free char *nr = xasprintf("%d", SYS_sync);
	char *words[] = { (char *)(uintptr_t) "/payload", (char *)(uintptr_t) "syscall", nr };
	const struct exec_request rq = { .argv = { words, ARRAY_SIZE(words) } };
	cleanup_free char *out = NULL;
	struct container_spec spec;
	struct liverun r;

	put_profile("deny.json", DENY_SYNC);
	wanted_profile = "deny.json";
	live_spec(&S, &spec, ARGS("sleep", "600"));
	with_profile(&spec);
	live_start(&S, &spec, &r);
	live_go(&r);
	out = live_exec(&S, &spec, &r, &rq, NULL);
	CU_ASSERT_STRING_EQUAL(out, "EDQUOT\n");
	(void)live_end(&r);
	record_done(&container_spec_type, &spec);
}

/* ---- AppArmor --------------------------------------------------------------------------- */

static const char *wanted_label;
static void with_label(struct container_spec *spec)
{
	spec->security.apparmor = xstrdup(wanted_label);
}

/* PROC-6: on a host without it nothing starts that asked for it. */
static void test_no_apparmor(void)
{
	static const char *const asked[] = { "web", "runtime/default" };
	cleanup_free char *free_one = NULL;

	if (access("/sys/module/apparmor/parameters/enabled", F_OK) == 0) {
		TEST_SKIP("this host has AppArmor");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		cleanup_free char *out = NULL;
		cleanup_free char *weak = NULL;

		wanted_label = asked[i];
		out = run(ARGS("probe"), with_label);
		CU_ASSERT(live_has(out, "ERROR 125: "));
		CU_ASSERT(live_has(out, "this host has no AppArmor"));
		weak = run_weak("PROC-6", ARGS("probe"), with_label);
		CU_ASSERT(live_has(weak, "uid:"));
	}
	wanted_label = "unconfined";
	free_one = run(ARGS("probe"), with_label);
	CU_ASSERT(live_has(free_one, "uid:"));
}

/* ---- identity --------------------------------------------------------------------------- */

static void as_member(struct container_spec *spec)
{
	free(spec->config.user);
	spec->config.user = xstrdup("member");
}

static void put_users(void)
{
	static const char passwd[] = "root:x:0:0::/:/\nmember:x:1000:1000::/:/\n";
	static const char group[] = "staff:x:50:member\n";
	cleanup_free char *etc = live_layer_path(&S, "etc");
	cleanup_free char *p = live_layer_path(&S, "etc/passwd");
	cleanup_free char *g = live_layer_path(&S, "etc/group");
	struct error err;

	(void)mkdir(etc, 0755);
	CU_ASSERT_EQUAL(fs_write_atomic(AT_FDCWD, p, passwd, strlen(passwd), 0644, FS_NOSYNC, &err),
			0);
	CU_ASSERT_EQUAL(fs_write_atomic(AT_FDCWD, g, group, strlen(group), 0644, FS_NOSYNC, &err),
			0);
}

/* ID-4: Strict leaves out what the image's /etc/group says. */
static void test_strict_groups(void)
{
	cleanup_free char *out = NULL;
	cleanup_free char *weak = NULL;

	put_users();
	out = run(ARGS("id"), as_member);
	CU_ASSERT(live_has(out, "groups: 1000 4242\n"));
	weak = run_weak("ID-4", ARGS("id"), as_member);
	CU_ASSERT(live_has(weak, "groups: 50 1000 4242\n"));
}

static void member_non_root(struct container_spec *spec)
{
	as_member(spec);
	spec->security.run_as_non_root = (struct opt_bool){ true, true };
}

static void non_root(struct container_spec *spec)
{
	spec->security.run_as_non_root = (struct opt_bool){ true, true };
}

/* A name is looked up in the image, at every start; it may have become root. */
static void test_non_root(void)
{
	static const char lie[] = "member:x:0:0::/:/\n";
	cleanup_free char *passwd = live_layer_path(&S, "etc/passwd");
	cleanup_free char *root = run(ARGS("id"), non_root);
	cleanup_free char *named = NULL;
	cleanup_free char *lied = NULL;
	struct error err;

	put_users();
	named = run(ARGS("id"), member_non_root);
	CU_ASSERT(live_has(named, "uid: 1000 1000 1000\n"));
	CU_ASSERT(live_has(root, "must not run as root"));
	CU_ASSERT_EQUAL(fs_write_atomic(AT_FDCWD, passwd, lie, strlen(lie), 0644, FS_NOSYNC, &err),
			0);
	lied = run(ARGS("id"), member_non_root);
	CU_ASSERT(live_has(lied, "must not run as root"));
}

static void contradiction(struct container_spec *spec)
{
	spec->security.privileged = (struct opt_bool){ true, true };
	spec->security.allow_privilege_escalation = (struct opt_bool){ true, false };
}

static void test_contradiction(void)
{
	cleanup_free char *out = run(ARGS("id"), contradiction);

	CU_ASSERT(live_has(out, "privileged and 'allowPrivilegeEscalation: false'"));
}

static CU_TestInfo tests[] = {
	{ "SEC-5 Localhost profile", test_profile },
	{ "narrow profile", test_narrow_profile },
	{ "PROC-6 bad profiles", test_bad_profiles },
	{ "profile of a privileged container", test_privileged_profile },
	{ "profile in exec", test_exec_profile },
	{ "PROC-6 no AppArmor", test_no_apparmor },
	{ "ID-4 strict groups", test_strict_groups },
	{ "runAsNonRoot", test_non_root },
	{ "contradiction", test_contradiction },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "security", suite_start, suite_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
