/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_launch_live - the confinement of a container, seen from inside, by running podium-launch on
 * a store of our own. Root; a mutation twin (WEAKEN) shows that each test can fail.
 */
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "tests/support/cunit_main.h"
#include "tests/support/livestore.h"

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct livestore S; /* with a running sandbox */

static int suite_start(void)
{
	char *error;

	if (geteuid() != 0 || !live_init(&S))
		return 1;
	error = live_sandbox(&S);
	if (error)
		printf("%s\n", error);
	return error != NULL;
}

static int suite_end(void)
{
	live_done(&S);
	return 0;
}

static char *run(const char *const *argv, live_change change)
{
	return live_simple(&S, argv, change, NULL);
}

/* ---- golden confinement ----------------------------------------------------------------- */

static char *read_golden(const char *name)
{
	cleanup_free char *path = xasprintf("testdata/confinement/%s", name);
	struct error err;
	char *text = NULL;

	if (fs_read_file(AT_FDCWD, path, 1 << 20, &text, NULL, &err) < 0)
		return xstrdup("");
	return text;
}

static void compare_golden(const char *name, const char *probe)
{
	cleanup_free char *got = live_normalise(probe);
	cleanup_free char *want = read_golden(name);
	cleanup_free char *path = xasprintf("testdata/confinement/%s", name);
	struct error err;

	if (getenv("GOLDEN") &&
	    fs_write_atomic(AT_FDCWD, path, got, strlen(got), 0644, FS_NOSYNC, &err) < 0)
		printf("%s\n", err.text);
	if (!getenv("GOLDEN") && strcmp(got, want) != 0)
		printf("\n--- got\n%s--- want (%s)\n%s", got, path, want);
	CU_ASSERT(getenv("GOLDEN") || strcmp(got, want) == 0);
}

static void test_member(void)
{
	cleanup_free char *out = run(ARGS("probe"), NULL);

	compare_golden("member.txt", out);
}

static void be_init(struct container_spec *spec)
{
	spec->kind = CONTAINER_INIT;
}

static void test_init_container(void)
{
	cleanup_free char *out = run(ARGS("probe"), be_init);

	compare_golden("member.txt", out);
}

static void as_1000(struct container_spec *spec)
{
	spec->security.run_as_user = (struct opt_i64){ true, 1000 };
	spec->security.run_as_group = (struct opt_i64){ true, 2000 };
}

/* ID-1: a user who is not root has nothing but the bounding set. */
static void test_user(void)
{
	cleanup_free char *out = run(ARGS("probe"), as_1000);
	cleanup_free char *weak = NULL;

	CU_ASSERT(live_has(out, "uid: 1000 1000 1000\ngid: 2000 2000 2000\ngroups: 2000\n"));
	CU_ASSERT(live_has(out, "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
				"CapBnd:\t00000000800405fb\nCapAmb:\t0000000000000000\n"));
	CU_ASSERT(live_has(out, "Seccomp:\t2"));
	live_setenv("PODIUM_WEAKEN", "ID-1");
	weak = run(ARGS("probe"), NULL);
	live_setenv("PODIUM_WEAKEN", NULL);
	CU_ASSERT(strstr(weak, "CapPrm:\t00000000800405fb") == NULL);
}

static void be_privileged(struct container_spec *spec)
{
	spec->security.privileged = (struct opt_bool){ true, true };
}

static void test_privileged(void)
{
	cleanup_free char *out = run(ARGS("probe"), be_privileged);

	CU_ASSERT(live_has(out, "Seccomp:\t0"));
	CU_ASSERT(strstr(out, "CapEff:\t00000000800405fb") == NULL);
	CU_ASSERT(live_has(out, "mount /sys sysfs rw"));
	CU_ASSERT(strstr(out, "mount /proc/sys") == NULL);
	CU_ASSERT(live_has(out, "fds: 0 1 2\n"));
}

static void no_escalation(struct container_spec *spec)
{
	as_1000(spec);
	spec->security.allow_privilege_escalation = (struct opt_bool){ true, false };
}

static void test_no_new_privs(void)
{
	cleanup_free char *out = run(ARGS("probe"), no_escalation);

	CU_ASSERT(live_has(out, "NoNewPrivs:\t1"));
	CU_ASSERT(live_has(out, "Seccomp:\t2"));
}

static void change_caps(struct container_spec *spec)
{
	strlist_add(&spec->security.cap_drop, "ALL");
	strlist_add(&spec->security.cap_add, "NET_BIND_SERVICE");
	strlist_add(&spec->security.cap_add, "CAP_SYS_TIME");
}

/* A capability set that is not built in: podium-seccomp compiles it once. */
static void test_capabilities(void)
{
	cleanup_free char *out = run(ARGS("probe"), change_caps);
	cleanup_free char *again = NULL;
	cleanup_free char *dir = xasprintf("%s/seccomp", S.root);
	cleanup_dir DIR *d = opendir(dir);
	int files = 0;

	CU_ASSERT(live_has(out, "CapEff:\t0000000002000400"));
	CU_ASSERT(live_has(out, "CapBnd:\t0000000002000400"));
	CU_ASSERT(live_has(out, "Seccomp:\t2"));
	for (struct dirent *e; d && (e = readdir(d));)
		files += strstr(e->d_name, ".bpf") != NULL;
	CU_ASSERT_EQUAL(files, 1);
	/* clock_settime: opened by CAP_SYS_TIME (EFAULT from the kernel), closed without */
	again = run(ARGS("syscall", "227", "0", "1"), change_caps);
	CU_ASSERT_STRING_EQUAL(again, "EFAULT\n");
	free(again);
	again = run(ARGS("syscall", "227", "0", "1"), NULL);
	CU_ASSERT_STRING_EQUAL(again, "EPERM\n");
}

/* ---- descriptors and the engine's binary ------------------------------------------------ */

/* FD-2 */
static void test_descriptors(void)
{
	cleanup_free char *out = NULL;
	cleanup_free char *weak = NULL;

	S.inherit = 50;
	out = run(ARGS("probe"), NULL);
	CU_ASSERT(live_has(out, "fds: 0 1 2\n"));
	live_setenv("PODIUM_WEAKEN", "FD-2");
	weak = run(ARGS("probe"), NULL);
	live_setenv("PODIUM_WEAKEN", NULL);
	S.inherit = 0;
	CU_ASSERT(strstr(weak, "fds: 0 1 2\n") == NULL);
}

static const char *wanted_dir;
static void set_dir(struct container_spec *spec)
{
	spec->working_dir = xstrdup(wanted_dir);
}

/* FD-1: a working directory through a link to a descriptor. */
static void test_working_dir(void)
{
	cleanup_free char *link = live_layer_path(&S, "cwdlink");
	cleanup_free char *made = NULL;

	CU_ASSERT_EQUAL(symlink("/proc/self/fd/7", link), 0);
	for (int fd = 0; fd <= 21; fd++) {
		cleanup_free char *path =
			fd == 21 ? xstrdup("/cwdlink")
				 : xasprintf("/proc/self/fd/%d%s", fd, fd % 2 ? "/../.." : "");
		cleanup_free char *out = NULL;

		wanted_dir = path;
		out = run(ARGS("pwd"), set_dir);
		CU_ASSERT(live_has(out, "ERROR 125: "));
	}
	wanted_dir = "/made/on/the/way";
	made = run(ARGS("pwd"), set_dir);
	CU_ASSERT_STRING_EQUAL(made, "/made/on/the/way\n");
}

static void exec_self(struct container_spec *spec)
{
	free(spec->config.entrypoint.v[0]);
	spec->config.entrypoint.v[0] = xstrdup("/proc/self/exe");
}

/* EXE-1: an entry point that names the engine's own binary. */
static void test_own_binary(void)
{
	cleanup_free char *path = xasprintf("%s/podium-launch", S.bin);
	struct stat before, after;
	cleanup_free char *out = NULL;
	int status = 0;

	CU_ASSERT_EQUAL(stat(path, &before), 0);
	out = live_simple(&S, ARGS("probe"), exec_self, &status);
	CU_ASSERT(WIFEXITED(status) ? WEXITSTATUS(status) != 0 : true);
	CU_ASSERT(strstr(out, "uid:") == NULL);
	CU_ASSERT_EQUAL(stat(path, &after), 0);
	CU_ASSERT(before.st_ino == after.st_ino && before.st_size == after.st_size &&
		  before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
}

/* What the exe link of a waiting container leads to. */
struct seen_exe {
	char target[256];
	long fs_type;
};

static struct seen_exe waiting_exe(void)
{
	struct seen_exe seen = { .target = "" };
	struct container_spec spec;
	struct liverun r;
	struct statfs fs;
	char path[64];
	ssize_t n;

	live_spec(&S, &spec, ARGS("true"));
	live_start(&S, &spec, &r);
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)r.pid);
	n = readlink(path, seen.target, sizeof(seen.target) - 1);
	seen.target[n > 0 ? n : 0] = '\0';
	seen.fs_type = statfs(path, &fs) == 0 ? (long)fs.f_type : -1;
	(void)live_end(&r);
	record_done(&container_spec_type, &spec);
	return seen;
}

/* What root of the host gets who keeps a handle of it and opens it to write when it no longer runs
 * (before, the kernel refuses that in any case). 0: he may. */
static int write_kept_exe(void)
{
	struct container_spec spec;
	struct liverun r;
	char path[64];
	int fd, w, saved;

	live_spec(&S, &spec, ARGS("true"));
	live_start(&S, &spec, &r);
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)r.pid);
	fd = open(path, O_PATH | O_CLOEXEC);
	(void)live_end(&r);
	record_done(&container_spec_type, &spec);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	w = open(path, O_WRONLY | O_CLOEXEC);
	saved = errno;
	if (w >= 0)
		(void)close(w);
	if (fd >= 0)
		(void)close(fd);
	return w >= 0 ? 0 : saved;
}

/* EXE-3 */
static void test_sealed(void)
{
	struct seen_exe exe = waiting_exe(), copy, weak;

	CU_ASSERT_STRING_EQUAL(exe.target, "/podium-launch");
	CU_ASSERT_EQUAL(exe.fs_type, OVERLAYFS_SUPER_MAGIC);
	CU_ASSERT_EQUAL(write_kept_exe(), EROFS);
	/* Where there is no overlay: a sealed copy in memory. */
	live_setenv("PODIUM_WEAKEN", "no-overlay");
	copy = waiting_exe();
	live_setenv("PODIUM_WEAKEN", NULL);
	CU_ASSERT(strncmp(copy.target, "/memfd:podium-launch", 20) == 0);
	live_setenv("PODIUM_WEAKEN", "EXE-1");
	weak = waiting_exe();
	live_setenv("PODIUM_WEAKEN", NULL);
	CU_ASSERT(strncmp(weak.target, "/memfd:", 7) != 0);
	CU_ASSERT_NOT_EQUAL(weak.fs_type, OVERLAYFS_SUPER_MAGIC);
}

static void exec_missing(struct container_spec *spec)
{
	free(spec->config.entrypoint.v[0]);
	spec->config.entrypoint.v[0] = xstrdup("no-such-program");
}

static void exec_plain(struct container_spec *spec)
{
	free(spec->config.entrypoint.v[0]);
	spec->config.entrypoint.v[0] = xstrdup("/plainfile");
}

static void test_exit_codes(void)
{
	cleanup_free char *file = live_layer_path(&S, "plainfile");
	cleanup_free char *missing = run(ARGS("x"), exec_missing);
	cleanup_free char *plain = NULL;
	cleanup_free char *seven = NULL;
	int status = 0;

	CU_ASSERT(live_has(missing, "ERROR 127: "));
	CU_ASSERT_EQUAL(close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)), 0);
	plain = run(ARGS("x"), exec_plain);
	CU_ASSERT(live_has(plain, "ERROR 126: "));
	seven = live_simple(&S, ARGS("exit", "7"), NULL, &status);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

/* ---- the kernel's file systems ---------------------------------------------------------- */

static bool are_masks_whole(const char *out)
{
	char *copy = xstrdup(out), *save = NULL;
	bool ok = true;

	for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		const char *what = strchr(l, ' ');

		if (strstr(l, "open for writing: ok") || !what)
			ok = false;
		if (what && strncmp(what, " entries ", 9) == 0 && strcmp(what, " entries 0") != 0)
			ok = false;
		if (what && strncmp(what, " reads ", 7) == 0 &&
		    strcmp(what, " reads 0 chmod EROFS") != 0)
			ok = false;
	}
	free(copy);
	return ok;
}

/* PROC-7 */
static void test_masks(void)
{
	cleanup_free char *out = run(ARGS("check-masks"), NULL);
	cleanup_free char *weak = NULL;

	if (!are_masks_whole(out))
		printf("%s", out);
	CU_ASSERT(are_masks_whole(out));
	live_setenv("PODIUM_WEAKEN", "PROC-7");
	weak = run(ARGS("check-masks"), NULL);
	live_setenv("PODIUM_WEAKEN", NULL);
	CU_ASSERT_FALSE(are_masks_whole(weak));
}

static void unmask(struct container_spec *spec)
{
	spec->security.unmask_proc = true;
}

/* Root behind an unmasked /proc would set the host's core_pattern. */
static void test_unmasked(void)
{
	cleanup_free char *out = run(ARGS("true"), unmask);

	CU_ASSERT(live_has(out, "ERROR 125: ") && live_has(out, "needs a user namespace"));
}

/* Nothing of pause's tree through its root link. */
static void test_pause_is_closed(void)
{
	cleanup_free char *out = NULL;

	live_end_sandbox(&S);
	S.pod.share_pid = true;
	free(live_sandbox(&S));
	out = run(ARGS("ls", "/proc/1/root/"), NULL);
	live_end_sandbox(&S);
	S.pod.share_pid = false;
	free(live_sandbox(&S));
	CU_ASSERT(live_has(out, "EACCES"));
}

/* PROC-8: neither namespaces nor mounts nor writes to the cgroup tree. */
static void test_escape_calls(void)
{
	cleanup_free char *out = run(ARGS("seq", "syscall", "272", "0x10000000", ",", "syscall",
					  "165", ",", "syscall", "308", ",", "write",
					  "/sys/fs/cgroup/memory/memory.limit_in_bytes", "1", ",",
					  "write", "/proc/sys/kernel/core_pattern", "x"),
				     NULL);

	CU_ASSERT_STRING_EQUAL(out, "EPERM\nEPERM\nEPERM\nEROFS\nEROFS\n");
}

static void unconfined(struct container_spec *spec)
{
	spec->security.seccomp_unconfined = true;
}

/* CG-7: the starter's keys are not the container's. */
static void test_keyring(void)
{
	cleanup_free char *out = NULL;
	cleanup_free char *weak = NULL;
	cleanup_free char *denied = NULL;

	/* a session keyring of our own with a key in it: join, then add_key */
	if (syscall(SYS_keyctl, 1, "podium-live", 0, 0, 0) < 0 ||
	    syscall(SYS_add_key, "user", "podium-live-key", "x", 1, -3) < 0) {
		TEST_SKIP("no keyrings in this kernel");
		return;
	}
	out = run(ARGS("findkey", "podium-live-key"), unconfined);
	CU_ASSERT_STRING_EQUAL(out, "ENOKEY\n");
	live_setenv("PODIUM_WEAKEN", "CG-7");
	weak = run(ARGS("findkey", "podium-live-key"), unconfined);
	live_setenv("PODIUM_WEAKEN", NULL);
	CU_ASSERT_STRING_EQUAL(weak, "ok\n");
	denied = run(ARGS("findkey", "podium-live-key"), NULL);
	CU_ASSERT_STRING_EQUAL(denied, "EPERM\n");
}

/* ---- system calls ----------------------------------------------------------------------- */

/* SEC-2, SEC-4: families, also with something in the upper half of the register. */
static void test_families(void)
{
	static const struct {
		const char *family, *want;
	} cases[] = {
		{ "1", "ok" },
		{ "2", "ok" },
		{ "10", "ok" },
		{ "16", "ok" },
		{ "17", "EPERM" },
		{ "38", "EPERM" },
		{ "40", "EPERM" },
		{ "0x100000026", "EPERM" },
		{ "0x100000028", "EPERM" },
		{ "0xffffffff00000026", "EPERM" },
	};
	cleanup_free char *weak = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free char *out =
			run(ARGS("syscall", "41", cases[i].family, "0x80002"), NULL);
		cleanup_free char *want = xasprintf("%s\n", cases[i].want);

		CU_ASSERT_STRING_EQUAL(out, want);
	}
	live_setenv("PODIUM_WEAKEN", "SEC-4");
	weak = run(ARGS("syscall", "41", "17", "0x80003"), NULL);
	live_setenv("PODIUM_WEAKEN", NULL);
	CU_ASSERT_STRING_EQUAL(weak, "EPERM\n"); /* no CAP_NET_RAW either */
	free(weak);
	live_setenv("PODIUM_WEAKEN", "SEC-4");
	weak = run(ARGS("syscall", "41", "999", "2"), NULL);
	live_setenv("PODIUM_WEAKEN", NULL);
	CU_ASSERT_STRING_EQUAL(weak, "EAFNOSUPPORT\n");
}

static void test_strange_calls(void)
{
	cleanup_free char *out = run(ARGS("seq", "syscall", "435", ",", "syscall", "1000", ",",
					  "spawn", "syscall", "0x40000027"),
				     NULL);

	/* clone3 and an unknown call: ENOSYS; an x32 number: killed */
	CU_ASSERT_STRING_EQUAL(out, "ENOSYS\nENOSYS\nchild: signal SYS\n");
}

/* ---- terminal --------------------------------------------------------------------------- */

static void with_tty(struct container_spec *spec)
{
	spec->tty = true;
}

static void test_terminal(void)
{
	cleanup_free char *out = run(ARGS("tty"), with_tty);
	cleanup_free char *sti = run(ARGS("sti"), with_tty);
	cleanup_free char *console = run(ARGS("stat", "/dev/console"), with_tty);
	cleanup_free char *term = run(ARGS("env"), with_tty);
	cleanup_free char *none = run(ARGS("tty"), NULL);

	CU_ASSERT(live_has(out, "0 tty\r\n1 tty\r\n2 tty\r\nsize 0 0\r\nforeground yes\r\n"));
	CU_ASSERT(live_has(sti, "0 EPERM EPERM\r\n1 EPERM EPERM\r\n2 EPERM EPERM\r\n"));
	CU_ASSERT(live_has(console, "020620 0:5 dev 136:0"));
	CU_ASSERT(live_has(term, "TERM=xterm\r\n"));
	CU_ASSERT(live_has(none, "0 no tty\n1 no tty\n2 no tty\n"));
}

/* ---- exec ------------------------------------------------------------------------------- */

struct running {
	struct container_spec spec;
	struct liverun r;
};

static void start_sleeper(struct running *c, live_change change)
{
	live_spec(&S, &c->spec, ARGS("sleep", "0"));
	if (change)
		change(&c->spec);
	live_start(&S, &c->spec, &c->r);
	if (c->r.error)
		printf("%s\n", c->r.error);
	live_go(&c->r);
}

static void stop_sleeper(struct running *c)
{
	(void)live_end(&c->r);
	record_done(&container_spec_type, &c->spec);
}

static char *exec_in(struct running *c, const char *const *argv, const char *user, bool tty)
{
	struct exec_request rq = { .tty = tty };
	char *out;

	strlist_add(&rq.argv, "/payload");
	for (; *argv; argv++)
		strlist_add(&rq.argv, *argv);
	strlist_add(&rq.env, "EXTRA=1=2");
	rq.user = xstrdup_or_null(user);
	out = live_exec(&S, &c->spec, &c->r, &rq, NULL);
	record_done(&exec_request_type, &rq);
	return out;
}

/* The same golden text as the container itself, apart from being another process. */
static void test_exec_golden(void)
{
	cleanup_free char *golden = read_golden("member.txt");
	cleanup_free char *out = NULL;
	cleanup_free char *got = NULL;
	struct running c;
	char *g, *w;

	start_sleeper(&c, NULL);
	out = exec_in(&c, ARGS("probe"), NULL, false);
	stop_sleeper(&c);
	got = live_normalise(out);
	g = strstr(got, "pid: ");
	w = strstr(golden, "pid: ");
	CU_ASSERT_FATAL(g && w);
	CU_ASSERT(strncmp(got, golden, (size_t)(w - golden)) == 0);
	g = strstr(g, "umask: ");
	w = strstr(w, "umask: ");
	CU_ASSERT_FATAL(g && w);
	if (strcmp(g, w) != 0)
		printf("\n--- got\n%s--- want\n%s", g, w);
	CU_ASSERT_STRING_EQUAL(g, w);
}

static void test_exec_users(void)
{
	cleanup_free char *same = NULL;
	cleanup_free char *other = NULL;
	cleanup_free char *env = NULL;
	cleanup_free char *bad = NULL;
	struct running c;

	start_sleeper(&c, as_1000);
	same = exec_in(&c, ARGS("id"), NULL, false);
	other = exec_in(&c, ARGS("id"), "1:7", false);
	env = exec_in(&c, ARGS("env"), NULL, false);
	bad = exec_in(&c, ARGS("id"), "-1", false);
	stop_sleeper(&c);
	CU_ASSERT_STRING_EQUAL(same, "uid: 1000 1000 1000\ngid: 2000 2000 2000\ngroups: 2000\n");
	CU_ASSERT_STRING_EQUAL(other, "uid: 1 1 1\ngid: 7 7 7\ngroups: 7\n");
	CU_ASSERT(live_has(env, "EXTRA=1=2\n") && live_has(env, "container=podium\n"));
	CU_ASSERT(live_has(bad, "ERROR 125: "));
}

static void test_exec_terminal(void)
{
	cleanup_free char *out = NULL;
	struct running c;

	start_sleeper(&c, NULL);
	out = exec_in(&c, ARGS("tty"), NULL, true);
	stop_sleeper(&c);
	CU_ASSERT(live_has(out, "0 tty\r\n1 tty\r\n2 tty\r\n"));
	CU_ASSERT(live_has(out, "foreground yes\r\n"));
}

static void test_exec_dead(void)
{
	cleanup_free char *out = NULL;
	struct running c;

	start_sleeper(&c, NULL);
	/* The record still names the process, which is a zombie now. */
	(void)pidfd_signal(c.r.pidfd, SIGKILL);
	(void)pidfd_wait_exit(c.r.pidfd, 5000);
	out = exec_in(&c, ARGS("id"), NULL, false);
	stop_sleeper(&c);
	CU_ASSERT(live_has(out, "is not running"));
}

static void add_ptrace(struct container_spec *spec)
{
	strlist_add(&spec->security.cap_add, "SYS_PTRACE");
}

/* What a container that may trace sees of processes that are executed in it. */
static char *watch_execs(const char *weaken)
{
	struct running c = { 0 };
	char text[200] = "";

	live_spec(&S, &c.spec, ARGS("watch-roots", "2"));
	add_ptrace(&c.spec);
	live_start(&S, &c.spec, &c.r);
	live_go(&c.r);
	live_setenv("PODIUM_WEAKEN", weaken);
	for (int i = 0; i < 5; i++)
		free(exec_in(&c, ARGS("true"), NULL, false));
	live_setenv("PODIUM_WEAKEN", NULL);
	(void)!read(c.r.out_fd, text, sizeof(text) - 1);
	stop_sleeper(&c);
	return xstrdup(text);
}

/* FD-4: nothing of the host behind a process that is on its way in. The slow parent leaves it in
 * sight for long. */
static void test_exec_watched(void)
{
	cleanup_free char *out = watch_execs("slow-parent");
	cleanup_free char *weak = watch_execs("slow-parent,FD-4");

	CU_ASSERT_STRING_EQUAL(out, "own root seen, foreign root not seen\n");
	CU_ASSERT(live_has(weak, "foreign root seen\n"));
}

/* ---- the host is not touched ------------------------------------------------------------ */

static void test_host_mounts(void)
{
	struct error err;
	cleanup_free char *before = NULL;
	cleanup_free char *after = NULL;
	struct running c;

	CU_ASSERT_EQUAL(fs_read_file(AT_FDCWD, "/proc/self/mounts", 1 << 20, &before, NULL, &err),
			0);
	start_sleeper(&c, NULL);
	CU_ASSERT_EQUAL(fs_read_file(AT_FDCWD, "/proc/self/mounts", 1 << 20, &after, NULL, &err),
			0);
	stop_sleeper(&c);
	CU_ASSERT_STRING_EQUAL(before, after);
}

/* The starter closes instead of GO: nothing of the container runs. */
static void test_no_go(void)
{
	struct container_spec spec;
	struct liverun r;
	int status = 0;

	live_spec(&S, &spec, ARGS("exit", "0"));
	live_start(&S, &spec, &r);
	CU_ASSERT_PTR_NULL(r.error);
	(void)close(r.sync_fd);
	r.sync_fd = -EBADF;
	(void)waitpid(r.pid, &status, 0);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 125);
	r.pid = 0;
	(void)live_end(&r);
	record_done(&container_spec_type, &spec);
}

/* The process is announced before it says anything itself, however late its parent goes on. */
static void test_started_first(void)
{
	struct running c;

	live_setenv("PODIUM_WEAKEN", "slow-parent");
	start_sleeper(&c, NULL);
	live_setenv("PODIUM_WEAKEN", NULL);
	CU_ASSERT(c.r.pid > 0 && c.r.pidfd >= 0 && is_pidfd_alive(c.r.pidfd));
	stop_sleeper(&c);
}

static void with_oom(struct container_spec *spec)
{
	spec->oom_score_adj = 777;
}

static void test_oom_score(void)
{
	cleanup_free char *out = run(ARGS("cat", "/proc/self/oom_score_adj"), with_oom);

	CU_ASSERT_STRING_EQUAL(out, "777\n");
}

/* A default limit that had to be clamped is nobody's wish: nothing is said. */
static void test_no_warning(void)
{
	struct running c;

	start_sleeper(&c, NULL);
	CU_ASSERT_PTR_NULL(c.r.warnings);
	stop_sleeper(&c);
}

/* ---- inside a user namespace ------------------------------------------------------------ */

static int check_in_user_namespace(void)
{
	cleanup_free char *probe = NULL;
	cleanup_free char *masks = NULL;
	cleanup_free char *tty = NULL;
	cleanup_free char *user = NULL;
	int bad = 0;

	live_setenv("PODIUM_CGROUP_ROOT", "/nonexistent");
	if (suite_start() != 0)
		return 1;
	probe = run(ARGS("probe"), NULL);
	bad |= live_has(probe, "CapEff:\t00000000800405fb") && live_has(probe, "Seccomp:\t2") &&
			       live_has(probe, "fds: 0 1 2\n") &&
			       live_has(probe, "mount /dev/null devtmpfs")
		       ? 0
		       : 2;
	masks = run(ARGS("check-masks"), NULL);
	bad |= are_masks_whole(masks) ? 0 : 4;
	tty = run(ARGS("tty"), with_tty);
	bad |= live_has(tty, "foreground yes") ? 0 : 8;
	user = run(ARGS("id"), as_1000);
	bad |= live_has(user, "uid: 1000 1000 1000\n") ? 0 : 16;
	(void)suite_end();
	return bad;
}

static void test_user_namespace(void)
{
	struct livestore saved = S;
	int r;

	memset(&S, 0, sizeof(S));
	r = live_in_user_namespace(check_in_user_namespace);
	S = saved;
	if (r < 0)
		TEST_SKIP("no user namespaces");
	else
		CU_ASSERT_EQUAL(r, 0);
}

static CU_TestInfo tests[] = {
	{ "member, golden", test_member },
	{ "init container, golden", test_init_container },
	{ "ID-1 user 1000", test_user },
	{ "privileged", test_privileged },
	{ "no_new_privs", test_no_new_privs },
	{ "capabilities and the filter's cache", test_capabilities },
	{ "FD-2 descriptors", test_descriptors },
	{ "FD-1 working directory", test_working_dir },
	{ "EXE-1 own binary", test_own_binary },
	{ "EXE-3 sealed copy", test_sealed },
	{ "exit codes", test_exit_codes },
	{ "PROC-7 masks", test_masks },
	{ "procMount Unmasked", test_unmasked },
	{ "the root of pause", test_pause_is_closed },
	{ "PROC-8 escape calls", test_escape_calls },
	{ "CG-7 keyring", test_keyring },
	{ "SEC-2 SEC-4 families", test_families },
	{ "strange calls", test_strange_calls },
	{ "TTY-2 terminal", test_terminal },
	{ "exec, golden", test_exec_golden },
	{ "exec users", test_exec_users },
	{ "exec terminal", test_exec_terminal },
	{ "exec in a dead container", test_exec_dead },
	{ "exec, watched", test_exec_watched },
	{ "host mounts", test_host_mounts },
	{ "no GO", test_no_go },
	{ "STARTED comes first", test_started_first },
	{ "oom score", test_oom_score },
	{ "no warning", test_no_warning },
	{ "user namespace", test_user_namespace },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "launch", suite_start, suite_end, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
TEST_MAIN(suites)
