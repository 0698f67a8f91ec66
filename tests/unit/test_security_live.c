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
#include "engine/process/internal.h"
#include "engine/process/userns.h"
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

/* ---- hostUsers: false ------------------------------------------------------------------- */

static char *shared; /* a hostPath */

static void add_volume(struct pod_spec *pod, int kind, const char *name, const char *path)
{
	struct volume_spec *v;

	pod->volumes.v = xreallocarray(pod->volumes.v, pod->volumes.n + 1, sizeof(*pod->volumes.v));
	v = &pod->volumes.v[pod->volumes.n++];
	memset(v, 0, sizeof(*v));
	v->kind = kind;
	v->name = xstrdup(name);
	v->host_path = path ? xstrdup(path) : NULL;
	v->memory = strcmp(name, "memory") == 0;
}

static int userns_start(void)
{
	cleanup_free char *error = NULL;
	struct error err;
	int fd;

	if (geteuid() != 0 || !live_init(&S))
		return 1;
	S.pod.host_users = (struct opt_bool){ true, false };
	shared = xasprintf("%s/shared", S.dir);
	fd = fs_mkdirs(AT_FDCWD, shared, 0755, &err);
	(void)close(fd);
	add_volume(&S.pod, VOLUME_HOST_PATH, "host", shared);
	add_volume(&S.pod, VOLUME_EMPTY_DIR, "disk", NULL);
	add_volume(&S.pod, VOLUME_EMPTY_DIR, "memory", NULL);
	error = live_sandbox(&S);
	if (error)
		printf("%s\n", error);
	return fd < 0 || error != NULL;
}

static int userns_end(void)
{
	live_done(&S);
	free(shared);
	return 0;
}

/* First host id of a process's user namespace. */
static unsigned int first_id(pid_t pid)
{
	cleanup_free char *path = xasprintf("/proc/%d/uid_map", (int)pid);
	cleanup_free char *text = NULL;
	unsigned int inside, outside = 0, count = 0;
	struct error err;

	if (fs_read_file(AT_FDCWD, path, 4096, &text, NULL, &err) < 0 ||
	    sscanf(text, "%u %u %u", &inside, &outside, &count) != 3 || inside != 0 ||
	    count != USERNS_IDS)
		return 0;
	return outside;
}

static void test_userns_probe(void)
{
	cleanup_free char *out = run(ARGS("probe"), NULL);
	cleanup_free char *masks = run(ARGS("check-masks"), NULL);

	CU_ASSERT(live_has(out, "uid: 0 0 0\ngid: 0 0 0\ngroups: 0\n"));
	CU_ASSERT(live_has(out, "CapPrm:\t00000000800405fb\nCapEff:\t00000000800405fb\n"
				"CapBnd:\t00000000800405fb\nCapAmb:\t0000000000000000\n"));
	CU_ASSERT(live_has(out, "Seccomp:\t2"));
	CU_ASSERT(live_has(out, "fds: 0 1 2\n"));
	CU_ASSERT(strstr(masks, "BAD") == NULL && strlen(masks) > 0);
}

static void member_1000(struct container_spec *spec)
{
	spec->security.run_as_user = (struct opt_i64){ true, 1000 };
	spec->oom_score_adj = 555;
}

static void test_userns_ids(void)
{
	struct container_spec spec;
	struct liverun r;
	cleanup_free char *path = NULL;
	cleanup_free char *oom = run(ARGS("cat", "/proc/self/oom_score_adj"), member_1000);
	unsigned int first;
	struct stat st;

	CU_ASSERT_STRING_EQUAL(oom, "555\n");
	live_spec(&S, &spec, ARGS("sleep", "600"));
	member_1000(&spec);
	live_start(&S, &spec, &r);
	live_go(&r);
	first = first_id(r.pid);
	CU_ASSERT(first >= USERNS_FIRST);
	CU_ASSERT_EQUAL(first, first_id(S.pause));
	path = xasprintf("/proc/%d", (int)r.pid);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_uid, first + 1000);
	(void)live_end(&r);
	record_done(&container_spec_type, &spec);
}

static void add_mount(struct container_spec *spec, const char *volume, const char *target)
{
	struct mount_spec *m;

	spec->mounts.v = xreallocarray(spec->mounts.v, spec->mounts.n + 1, sizeof(*spec->mounts.v));
	m = &spec->mounts.v[spec->mounts.n++];
	memset(m, 0, sizeof(*m));
	m->volume = xstrdup(volume);
	m->target = xstrdup(target);
}

static void with_volumes(struct container_spec *spec)
{
	add_mount(spec, "host", "/vol");
	add_mount(spec, "disk", "/disk");
	add_mount(spec, "memory", "/memory");
}

/* What is made inside belongs on disk to the same id, without a map. */
static void test_userns_files(void)
{
	cleanup_free char *image = live_layer_path(&S, "owned");
	cleanup_free char *file = xasprintf("%s/made", shared);
	cleanup_free char *theirs = xasprintf("%s/theirs", shared);
	cleanup_free char *out = NULL;
	cleanup_free char *fallback = NULL;
	struct error err;
	struct stat st;

	CU_ASSERT_EQUAL(fs_write_atomic(AT_FDCWD, image, "x", 1, 0640, FS_NOSYNC, &err), 0);
	CU_ASSERT_EQUAL(chown(image, 12, 34), 0);
	CU_ASSERT_EQUAL(fs_write_atomic(AT_FDCWD, theirs, "x", 1, 0600, FS_NOSYNC, &err), 0);
	CU_ASSERT_EQUAL(chown(theirs, 56, 78), 0);
	out = run(ARGS("seq", "stat", "/owned", ",", "stat", "/vol/theirs", ",", "write",
		       "/vol/made", "y", ",", "write", "/root-file", "z", ",", "stat", "/root-file",
		       ",", "write", "/disk/f", "1", ",", "write", "/memory/f", "2", ",", "stat",
		       "/memory/f", ",", "stat", "/etc/hosts", ",", "stat", "/dev/shm"),
		  with_volumes);
	CU_ASSERT(live_has(out, "12:34"));
	CU_ASSERT(live_has(out, "56:78"));
	CU_ASSERT(strstr(out, "65534") == NULL);
	CU_ASSERT_EQUAL(stat(file, &st), 0);
	CU_ASSERT(st.st_uid == 0 && st.st_gid == 0);
	/* KERNEL: layers attached in a namespace of our own */
	fallback = run_weak("detached-layers", ARGS("stat", "/owned"), with_volumes);
	CU_ASSERT(live_has(fallback, "12:34"));
}

static void unmasked(struct container_spec *spec)
{
	strlist_add(&spec->security.cap_add, "NET_ADMIN");
	spec->security.unmask_proc = true;
}

/* procMount Unmasked is allowed behind it; the host's parameters stay closed. */
static void test_userns_unmasked(void)
{
	cleanup_free char *out = run(ARGS("write", "/proc/sys/kernel/core_pattern", "x"), unmasked);
	cleanup_free char *own = run(ARGS("write", "/proc/sys/net/ipv4/ip_forward", "1"), unmasked);

	CU_ASSERT(live_has(out, "EACCES"));
	CU_ASSERT(strstr(own, "EACCES") == NULL && strstr(own, "EROFS") == NULL);
}

static void test_userns_exec(void)
{
	char *words[] = { (char *)(uintptr_t) "/payload", (char *)(uintptr_t) "seq",
			  (char *)(uintptr_t) "id",	  (char *)(uintptr_t) ",",
			  (char *)(uintptr_t) "write",	  (char *)(uintptr_t) "/by-exec",
			  (char *)(uintptr_t) "x",	  (char *)(uintptr_t) ",",
			  (char *)(uintptr_t) "stat",	  (char *)(uintptr_t) "/by-exec" };
	struct exec_request rq = { .argv = { words, ARRAY_SIZE(words) } };
	cleanup_free char *out = NULL;
	cleanup_free char *tty = NULL;
	struct container_spec spec;
	struct liverun r;

	live_spec(&S, &spec, ARGS("sleep", "600"));
	live_start(&S, &spec, &r);
	live_go(&r);
	out = live_exec(&S, &spec, &r, &rq, NULL);
	CU_ASSERT(live_has(out, "uid: 0 0 0\n"));
	CU_ASSERT(live_has(out, "0:0"));
	rq.user = (char *)(uintptr_t) "1000";
	rq.argv.n = 3;
	free(out);
	out = live_exec(&S, &spec, &r, &rq, NULL);
	CU_ASSERT(live_has(out, "uid: 1000 1000 1000\n"));
	(void)live_end(&r);
	record_done(&container_spec_type, &spec);
}

static void with_tty(struct container_spec *spec)
{
	spec->tty = true;
}

static void test_userns_terminal(void)
{
	cleanup_free char *out = run(ARGS("tty"), with_tty);

	CU_ASSERT(live_has(out, "foreground yes"));
}

static void too_high(struct container_spec *spec)
{
	spec->security.run_as_user = (struct opt_i64){ true, 65536 };
}

static void test_userns_refused(void)
{
	cleanup_free char *out = run(ARGS("id"), too_high);
	struct livestore saved = S;
	cleanup_free char *error = NULL;

	CU_ASSERT(live_has(out, "there are ids from 0 to 65535"));
	memset(&S, 0, sizeof(S));
	CU_ASSERT(live_init(&S));
	S.pod.host_users = (struct opt_bool){ true, false };
	S.pod.host_ipc = true;
	error = live_sandbox(&S);
	CU_ASSERT(error && live_has(error, "goes with neither hostNetwork"));
	live_done(&S);
	S = saved;
}

/* Two pods never have an id in common; a pod that ends gives its range back. */
static void test_userns_leases(void)
{
	struct launch a = { 0 }, b = { 0 };
	uint32_t first = 0, again = 0, other = 0, weak = 0;
	char ida[65], idb[65];
	struct error err;
	cleanup_free char *gone = NULL;
	int pods;

	id_new(ida);
	id_new(idb);
	a.pod.id = ida;
	b.pod.id = idb;
	memcpy(idb, ida, 8); /* the search begins at the same place */
	a.store.rootfd = b.store.rootfd = open(S.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	a.store.runfd = b.store.runfd = open(S.runroot, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 2; i++) {
		cleanup_free char *path = xasprintf("%s/pods/%s", S.root, i ? idb : ida);

		pods = fs_mkdirs(AT_FDCWD, path, 0700, &err);
		CU_ASSERT(pods >= 0);
		(void)close(pods);
	}
	CU_ASSERT_EQUAL(userns_lease(&a, &first, &err), 0);
	CU_ASSERT_EQUAL(userns_lease(&a, &again, &err), 0);
	CU_ASSERT_EQUAL(first, again);
	CU_ASSERT_EQUAL(userns_lease(&b, &other, &err), 0);
	CU_ASSERT_NOT_EQUAL(first, other);
	CU_ASSERT_EQUAL(userns_release(b.store.runfd, idb, &err), 0);
	CU_ASSERT_EQUAL(setenv("PODIUM_WEAKEN", "USERNS-1", 1), 0);
	CU_ASSERT_EQUAL(userns_lease(&b, &weak, &err), 0);
	CU_ASSERT_EQUAL(weak, first); /* the twin */
	CU_ASSERT_EQUAL(unsetenv("PODIUM_WEAKEN"), 0);
	CU_ASSERT_EQUAL(userns_release(a.store.runfd, ida, &err), 0);
	CU_ASSERT_EQUAL(userns_release(a.store.runfd, ida, &err), 0);
	CU_ASSERT_EQUAL(userns_lease(&b, &other, &err), 0);
	CU_ASSERT_EQUAL(first, other);
	/* b's records are gone: its range is reclaimed */
	gone = xasprintf("%s/pods/%s", S.root, idb);
	CU_ASSERT_EQUAL(rmdir(gone), 0);
	CU_ASSERT_EQUAL(userns_lease(&a, &again, &err), 0);
	CU_ASSERT_EQUAL(again, first);
	CU_ASSERT_EQUAL(userns_release(a.store.runfd, ida, &err), 0);
	(void)close(a.store.rootfd);
	(void)close(a.store.runfd);
}

/* ---- devices ---------------------------------------------------------------------------- */

static const char *wanted_device;
static void with_device(struct container_spec *spec)
{
	strlist_add(&spec->resources.devices, wanted_device);
}

static char *with(const char *device, const char *const *argv)
{
	wanted_device = device;
	return run(argv, with_device);
}

static char *cdi_dir;

static void put_cdi(const char *name, const char *text)
{
	cleanup_free char *path = xasprintf("%s/%s", cdi_dir, name);
	struct error err;

	CU_ASSERT_EQUAL(fs_write_atomic(AT_FDCWD, path, text, strlen(text), 0644, FS_NOSYNC, &err),
			0);
}

#define CDI_JSON                                                                                   \
	"{\"cdiVersion\":\"0.6.0\",\"kind\":\"example.com/zero\",\"containerEdits\":{\"env\":["    \
	"\"ALL=1\"]},\"devices\":[{\"name\":\"one\",\"containerEdits\":{\"env\":[\"ONE=yes\"],"    \
	"\"additionalGids\":[4711],\"deviceNodes\":[{\"path\":\"/dev/sub/zero-one\",\"hostPath\":" \
	"\"/dev/zero\",\"permissions\":\"r\",\"fileMode\":292}],\"mounts\":[{\"hostPath\":"        \
	"\"/etc/passwd\",\"containerPath\":\"/driver/list\",\"options\":[\"ro\",\"bind\"]}]}},"    \
	"{\"name\":\"hooked\",\"containerEdits\":{\"hooks\":[{\"hookName\":\"createContainer\","   \
	"\"path\":\"/bin/true\"}]}}]}"
#define CDI_YAML                                                                                  \
	"cdiVersion: '0.5.0'\nkind: example.com/full\ndevices:\n- name: '0'\n  containerEdits:\n" \
	"    deviceNodes:\n    - path: /dev/my-full\n      hostPath: /dev/full\n      uid: 12\n"

static void start_cdi(void)
{
	struct error err;
	int fd;

	cdi_dir = xasprintf("%s/cdi", S.dir);
	fd = fs_mkdirs(AT_FDCWD, cdi_dir, 0755, &err);
	CU_ASSERT(fd >= 0);
	(void)close(fd);
	put_cdi("zero.json", CDI_JSON);
	put_cdi("full.yaml", CDI_YAML);
	put_cdi("broken.json", "{");
	live_setenv("PODIUM_CDI_DIR", cdi_dir);
}

static void end_cdi(void)
{
	live_setenv("PODIUM_CDI_DIR", NULL);
	free(cdi_dir);
}

static void test_host_device(void)
{
	cleanup_free char *out = NULL;
	cleanup_free char *none = NULL;
	cleanup_free char *file = NULL;
	cleanup_free char *path = NULL;

	/* a node of the host that is in no container by default: opening it is the device policy's */
	out = with("/dev/kmsg", ARGS("seq", "stat", "/dev/kmsg", ",", "append", "/dev/kmsg", ""));
	CU_ASSERT(strstr(out, "ERROR") == NULL && strstr(out, "EPERM") == NULL);
	CU_ASSERT(live_has(out, " 0:0 dev 1:11\n"));
	none = with("/dev/no-such", ARGS("true"));
	CU_ASSERT(live_has(none, "device '/dev/no-such'"));
	file = with("/dev/../etc/passwd", ARGS("true"));
	CU_ASSERT(live_has(file, "is not below /dev"));
	path = with("/etc/passwd", ARGS("true"));
	CU_ASSERT(live_has(path, "is not below /dev"));
}

static void test_cdi(void)
{
	cleanup_free char *out = NULL;
	cleanup_free char *env = NULL;
	cleanup_free char *yaml = NULL;
	cleanup_free char *hooked = NULL;
	cleanup_free char *missing = NULL;
	cleanup_free char *twice = NULL;

	start_cdi();
	out = with("example.com/zero=one",
		   ARGS("seq", "id", ",", "stat", "/dev/sub/zero-one", ",", "append",
			"/driver/list", "x", ",", "append", "/dev/sub/zero-one", "x"));
	CU_ASSERT(live_has(out, "groups: 0 4242 4711\n") || live_has(out, "groups: 0 4711\n"));
	CU_ASSERT(live_has(out, "020444 0:0 dev 1:5\n"));
	CU_ASSERT(live_has(out, "EROFS\n"));
	env = with("example.com/zero=one", ARGS("env"));
	CU_ASSERT(live_has(env, "ONE=yes\n"));
	CU_ASSERT(live_has(env, "ALL=1\n"));
	yaml = with("example.com/full=0",
		    ARGS("seq", "stat", "/dev/my-full", ",", "append", "/dev/my-full", "x"));
	CU_ASSERT(live_has(yaml, " 12:0 dev 1:7\n"));
	CU_ASSERT(live_has(yaml, "ENOSPC\n"));
	hooked = with("example.com/zero=hooked", ARGS("true"));
	CU_ASSERT(live_has(hooked, "hooks: not supported"));
	missing = with("example.com/zero=two", ARGS("true"));
	CU_ASSERT(live_has(missing, "no device 'example.com/zero=two' in the CDI files"));
	CU_ASSERT(live_has(missing, "broken.json"));
	put_cdi("second.json", CDI_JSON);
	twice = with("example.com/zero=one", ARGS("true"));
	CU_ASSERT(live_has(twice, "is defined in another file, too"));
	end_cdi();
}

/* In a user namespace nodes are bound. */
static void test_userns_device(void)
{
	cleanup_free char *out = NULL;

	start_cdi();
	out = with("example.com/full=0",
		   ARGS("seq", "stat", "/dev/my-full", ",", "append", "/dev/my-full", "x"));
	CU_ASSERT(live_has(out, "ENOSPC\n"));
	end_cdi();
}

static CU_TestInfo userns_tests[] = {
	{ "probe", test_userns_probe },	    { "ids", test_userns_ids },
	{ "files", test_userns_files },	    { "procMount Unmasked", test_userns_unmasked },
	{ "exec", test_userns_exec },	    { "terminal", test_userns_terminal },
	{ "refused", test_userns_refused }, { "leases", test_userns_leases },
	{ "device", test_userns_device },   CU_TEST_INFO_NULL,
};
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
	{ "device of the host", test_host_device },
	{ "CDI devices", test_cdi },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "security", suite_start, suite_end, NULL, NULL, tests },
	{ "hostUsers: false", userns_start, userns_end, NULL, NULL, userns_tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
