/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_proc - identity that survives pid reuse and odd names, pidfds, and what a helper is born
 * with: descriptors, signals, environment, session.
 *
 * The helper is this program itself: called with a verb it says what it sees and ends, before CUnit
 * begins.
 */
#include "engine/base/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "tests/support/canary.h"
#include "tests/support/child.h"
#include "tests/support/cunit_main.h"

#define REPORT_MAX   65536
#define LIBC_SIGNALS 0x180000000ULL /* 32 and 33: nobody can set them by sigaction() */

/* ---- the helper ------------------------------------------------------------------------- */

static void report_descriptors(void)
{
	cleanup_dir DIR *d = opendir("/proc/self/fd");
	const struct dirent *e;

	printf("fds:");
	for (int fd = 0; fd < 64; fd++)
		if (fd != dirfd(d) && fcntl(fd, F_GETFD) >= 0)
			printf(" %d", fd);
	while ((e = readdir(d))) {
		uint64_t fd;

		if (parse_u64(e->d_name, INT32_MAX, &fd) == 0 && fd >= 64)
			printf(" %s", e->d_name);
	}
	printf("\n");
}

static void report_signals(void)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f)) {
		unsigned long long set;

		if (sscanf(line, "SigIgn: %llx", &set) == 1)
			printf("SigIgn:\t%016llx\n", set & ~LIBC_SIGNALS);
		else if (is_prefix(line, "SigBlk"))
			printf("%s", line);
	}
	if (f)
		(void)fclose(f);
}

static void report(char **argv, char **envp)
{
	report_descriptors();
	report_signals();
	for (int i = 1; argv[i]; i++)
		printf("arg: %s\n", argv[i]);
	for (char **e = envp; *e; e++)
		printf("env: %s\n", *e);
	printf("session: %s\n", getsid(0) == getpid() ? "own" : "inherited");
	(void)fflush(stdout);
}

/* glibc hands main's arguments to constructors. */
static void __attribute__((constructor)) be_the_helper(int argc, char **argv, char **envp)
{
	if (argc < 2)
		return;
	if (is_equal(argv[1], "report"))
		report(argv, envp);
	if (is_equal(argv[1], "hold")) {
		(void)!write(3, "3", 1);
		(void)!write(4, "4", 1);
	}
	_exit(is_equal(argv[1], "seven") ? 7 : 0);
}

/* ---- identity --------------------------------------------------------------------------- */

static int sleep_with_odd_name(void *arg)
{
	const char *name = arg;

	if (name)
		(void)prctl(PR_SET_NAME, name);
	while (getppid() != 1)
		(void)usleep(20000);
	return 0;
}

static void test_odd_names(void)
{
	static const char *const names[] = {
		") R 1 2 3", "a b c d e f g", ")))))))))))))))", "\n1 2 3", "(", "", "x) S 1 (y"
	};
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		uint64_t before = 0, after = 0;
		pid_t pid = child_start(sleep_with_odd_name, NULL);

		CU_ASSERT_EQUAL(proc_start_ticks(pid, &before, &err), 0);
		(void)kill(pid, SIGKILL);
		(void)child_end(pid);
		pid = child_start(sleep_with_odd_name, (char *)(uintptr_t)names[i]);
		(void)usleep(30000);
		CU_ASSERT_EQUAL(proc_start_ticks(pid, &after, &err), 0);
		CU_ASSERT_TRUE(after >= before && after - before < 6000);
		(void)kill(pid, SIGKILL);
		(void)child_end(pid);
	}
}

static void test_start_ticks(void)
{
	struct error err = { 0 };
	uint64_t own = 0, init = 0, ticks = 4711;
	int64_t up_ticks = clock_mono_ms() / 1000 * sysconf(_SC_CLK_TCK);
	pid_t pid;

	CU_ASSERT_EQUAL(proc_start_ticks(getpid(), &own, &err), 0);
	CU_ASSERT_EQUAL(proc_start_ticks(1, &init, &err), 0);
	CU_ASSERT_TRUE(own >= init);
	CU_ASSERT_TRUE((int64_t)own <= up_ticks + sysconf(_SC_CLK_TCK) * 2);
	CU_ASSERT_TRUE((int64_t)own > up_ticks - sysconf(_SC_CLK_TCK) * 600);
	pid = child_start(sleep_with_odd_name, NULL);
	(void)kill(pid, SIGKILL);
	(void)child_end(pid);
	CU_ASSERT_EQUAL(proc_start_ticks(pid, &ticks, &err), -ESRCH);
	CU_ASSERT_EQUAL(err.code, ESRCH);
	CU_ASSERT_EQUAL(proc_start_ticks(0, &ticks, &err), -ESRCH);
	CU_ASSERT_EQUAL(proc_start_ticks(-1, &ticks, &err), -ESRCH);
	CU_ASSERT_EQUAL(ticks, 4711);
}

static void test_ident(void)
{
	struct proc_ident id = { 0 }, other;
	struct error err;
	pid_t pid = child_start(sleep_with_odd_name, NULL);
	int fd;

	CU_ASSERT_EQUAL_FATAL(proc_identify(pid, &id, &err), 0);
	CU_ASSERT_EQUAL(id.pid, pid);
	CU_ASSERT_EQUAL(strlen(id.boot_id), BOOT_ID_LEN);
	fd = proc_open_ident(&id, &err);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CU_ASSERT_TRUE(is_pidfd_alive(fd));
	/* Another one with this pid: an earlier or later start, another boot, no pid. */
	other = id;
	other.start_ticks--;
	CU_ASSERT_EQUAL(proc_open_ident(&other, &err), -ESRCH);
	other.start_ticks += 2;
	CU_ASSERT_EQUAL(proc_open_ident(&other, &err), -ESRCH);
	other = id;
	other.boot_id[5] = other.boot_id[5] == '0' ? '1' : '0';
	CU_ASSERT_EQUAL(proc_open_ident(&other, &err), -ESRCH);
	other = id;
	other.boot_id[0] = '\0';
	CU_ASSERT_EQUAL(proc_open_ident(&other, &err), -ESRCH);
	other = id;
	other.pid = 0;
	CU_ASSERT_EQUAL(proc_open_ident(&other, &err), -ESRCH);
	other.pid = -1;
	CU_ASSERT_EQUAL(proc_open_ident(&other, &err), -ESRCH);
	other.pid = getpid();
	CU_ASSERT_EQUAL(proc_open_ident(&other, &err) >= 0,
			id.start_ticks == 0); /* ours started at another time */
	/* A zombie is still the very process, but not alive. */
	CU_ASSERT_EQUAL(pidfd_wait_exit(fd, 20), -ETIMEDOUT);
	CU_ASSERT_EQUAL(pidfd_signal(fd, SIGKILL), 0);
	CU_ASSERT_EQUAL(pidfd_wait_exit(fd, 10000), 0);
	CU_ASSERT_FALSE(is_pidfd_alive(fd));
	(void)close(fd);
	fd = proc_open_ident(&id, &err);
	CU_ASSERT_TRUE(fd >= 0);
	CU_ASSERT_FALSE(is_pidfd_alive(fd));
	CU_ASSERT_EQUAL(child_end(pid), 128 + SIGKILL);
	CU_ASSERT_EQUAL(pidfd_signal(fd, SIGKILL), -ESRCH);
	(void)close(fd);
	CU_ASSERT_EQUAL(proc_open_ident(&id, &err), -ESRCH);
	CU_ASSERT_EQUAL(proc_identify(pid, &id, &err), -ESRCH);
}

static int say_boot_id(void *arg)
{
	(void)setenv("PODIUM_BOOT_ID", arg, 1);
	return is_equal(proc_boot_id(), arg) ? 0 : 1;
}

static void test_boot_id(void)
{
	cleanup_free char *kernels = NULL;
	struct error err;

	/* First in a child, since the answer is kept. */
	CU_ASSERT_EQUAL(
		child_run(say_boot_id, (char *)(uintptr_t) "00000000-0000-0000-0000-000000000000"),
		0);
	CU_ASSERT_EQUAL(
		fs_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &kernels, NULL, &err),
		0);
	CU_ASSERT_EQUAL(strncmp(kernels, proc_boot_id(), BOOT_ID_LEN), 0);
	CU_ASSERT_EQUAL(strlen(proc_boot_id()), BOOT_ID_LEN);
}

/* ---- spawning --------------------------------------------------------------------------- */

static char self_path[4096];

static struct proc_spawn helper(char *const *argv)
{
	ssize_t n = readlink("/proc/self/exe", self_path, sizeof(self_path) - 1);

	self_path[n > 0 ? n : 0] = '\0';
	return (struct proc_spawn){
		.path = self_path, .argv = argv, .stdio = { -1, -1, -1 }, .pass_fd = -1
	};
}

#define WORDS(...) ((char *const[]){ (char *)(uintptr_t) "helper", __VA_ARGS__, NULL })
#define WORD(w)	   ((char *)(uintptr_t)(w))

static int exit_code(pid_t pid)
{
	return child_end(pid);
}

static char *read_all(int fd)
{
	struct buf b = BUF_INIT(REPORT_MAX);
	char part[1024];
	ssize_t n;

	while ((n = read(fd, part, sizeof(part))) > 0)
		buf_add(&b, part, (size_t)n);
	(void)close(fd);
	return buf_steal(&b);
}

/* Starts the helper with stdout on a pipe and returns what it reports. */
static char *run_report(struct proc_spawn *s)
{
	struct error err;
	char *text;
	pid_t pid;
	int p[2];

	CU_ASSERT_EQUAL_FATAL(pipe2(p, O_CLOEXEC), 0);
	s->stdio[1] = p[1];
	pid = proc_spawn(s, NULL, &err);
	(void)close(p[1]);
	CU_ASSERT_TRUE_FATAL(pid > 0);
	text = read_all(p[0]);
	CU_ASSERT_EQUAL(exit_code(pid), 0);
	return text;
}

static bool says(struct proc_spawn *s, const char *line)
{
	cleanup_free char *text = run_report(s);
	bool found = strstr(text, line) != NULL;

	if (!found)
		printf("not '%s' in:\n%s", line, text);
	return found;
}

/* Whatever is open here, and wherever the source descriptors lie. */
static void test_descriptors(void)
{
	struct proc_spawn s = helper(WORDS(WORD("report")));
	int open_fds[20];

	for (size_t i = 0; i < ARRAY_SIZE(open_fds); i++)
		open_fds[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
	CU_ASSERT_TRUE(says(&s, "fds: 0 1 2\n"));
	s.pass_fd = open_fds[9];
	CU_ASSERT_TRUE(says(&s, "fds: 0 1 2 3\n"));
	s.pass_fd4 = open_fds[3];
	CU_ASSERT_TRUE(says(&s, "fds: 0 1 2 3 4\n"));
	s.pass_fd = -1;
	CU_ASSERT_TRUE(says(&s, "fds: 0 1 2 4\n"));
	/* Theirs are 3 and 4 already, and crossed. */
	s.pass_fd = 4;
	s.pass_fd4 = 3;
	CU_ASSERT_TRUE(says(&s, "fds: 0 1 2 3 4\n"));
	s.stdio[0] = 3;
	s.stdio[2] = 4;
	CU_ASSERT_TRUE(says(&s, "fds: 0 1 2 3 4\n"));
	for (size_t i = 0; i < ARRAY_SIZE(open_fds); i++)
		CU_ASSERT_EQUAL(close(open_fds[i]), 0);
}

/* Each descriptor is what it was told to be. */
static void test_descriptors_are_right(void)
{
	struct proc_spawn s = helper(WORDS(WORD("hold")));
	struct error err;
	int three[2], four[2];
	char *text;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(pipe2(three, O_CLOEXEC), 0);
	CU_ASSERT_EQUAL_FATAL(pipe2(four, O_CLOEXEC), 0);
	s.pass_fd = three[1];
	s.pass_fd4 = four[1];
	pid = proc_spawn(&s, NULL, &err);
	CU_ASSERT_TRUE_FATAL(pid > 0);
	(void)close(three[1]);
	(void)close(four[1]);
	text = read_all(three[0]);
	CU_ASSERT_STRING_EQUAL(text, "3");
	free(text);
	text = read_all(four[0]);
	CU_ASSERT_STRING_EQUAL(text, "4");
	free(text);
	CU_ASSERT_EQUAL(exit_code(pid), 0);
}

static void test_signals_are_reset(void)
{
	struct proc_spawn s = helper(WORDS(WORD("report")));
	sigset_t block, old;

	(void)sigfillset(&block);
	(void)sigprocmask(SIG_BLOCK, &block, &old);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGRTMIN + 2, SIG_IGN);
	CU_ASSERT_TRUE(says(&s, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"));
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGRTMIN + 2, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
}

static void test_environment(void)
{
	struct proc_spawn s = helper(WORDS(WORD("report"), WORD("two words"), WORD("")));
	char *envp[] = { WORD("A=b"), NULL };
	char *text;

	CU_ASSERT_TRUE(says(&s, "arg: report\narg: two words\narg: \n"));
	/* Nothing is inherited but the test seams. */
	(void)setenv("SECRET", "x", 1);
	(void)setenv("PODIUM_STOP_AT", "nowhere", 1);
	text = run_report(&s);
	CU_ASSERT_PTR_NULL(strstr(text, "SECRET"));
	CU_ASSERT_PTR_NULL(strstr(text, "PATH"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "env: PODIUM_STOP_AT=nowhere\n"));
	free(text);
	s.envp = envp;
	text = run_report(&s);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "env: A=b\n"));
	CU_ASSERT_PTR_NULL(strstr(text, "PODIUM_STOP_AT"));
	free(text);
	(void)unsetenv("SECRET");
	(void)unsetenv("PODIUM_STOP_AT");
}

static void test_session(void)
{
	struct proc_spawn s = helper(WORDS(WORD("report")));

	CU_ASSERT_TRUE(says(&s, "session: inherited\n"));
	s.new_session = true;
	CU_ASSERT_TRUE(says(&s, "session: own\n"));
}

static void test_pidfd_of_helper(void)
{
	struct proc_spawn s = helper(WORDS(WORD("seven")));
	struct error err;
	int fd = -1;
	pid_t pid = proc_spawn(&s, &fd, &err);

	CU_ASSERT_TRUE_FATAL(pid > 0);
	CU_ASSERT_EQUAL(pidfd_wait_exit(fd, 10000), 0);
	CU_ASSERT_FALSE(is_pidfd_alive(fd));
	CU_ASSERT_EQUAL(exit_code(pid), 7);
	(void)close(fd);
}

static void test_no_such_program(void)
{
	struct proc_spawn s = helper(WORDS(WORD("report")));
	struct error err;
	int fd = -1;

	s.path = "/nonexistent/helper";
	CU_ASSERT_EQUAL(proc_spawn(&s, &fd, &err), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "'/nonexistent/helper'"));
	CU_ASSERT_EQUAL(fd, -1);
	s.path = "/proc";
	CU_ASSERT_EQUAL(proc_spawn(&s, &fd, &err), -EACCES);
	/* and no zombie is left */
	CU_ASSERT_EQUAL(waitpid(-1, NULL, WNOHANG), -1);
}

/* No descriptor is left for the pidfd: the helper does not live on unwatched. */
static int spawn_without_descriptors(void *arg)
{
	struct proc_spawn s = helper(WORDS(WORD("seven")));
	struct rlimit few;
	struct error err;
	int fd = -1, last = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)arg;
	(void)close(last);
	few.rlim_cur = few.rlim_max = (rlim_t)last;
	s.stdio[0] = s.stdio[1] = s.stdio[2] = 2;
	if (setrlimit(RLIMIT_NOFILE, &few) < 0)
		return 1;
	if (proc_spawn(&s, &fd, &err) != -EMFILE)
		return 2;
	return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : 3;
}

static void test_no_descriptor_left(void)
{
	CU_ASSERT_EQUAL(child_run(spawn_without_descriptors, NULL), 0);
}

/* ---- helpers' places -------------------------------------------------------------------- */

static bool put_program(const char *dir, const char *name, mode_t mode)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);

	if (fd < 0)
		return false;
	return close(fd) == 0;
}

static void test_helper_path(void)
{
	struct error err;
	char *path = NULL;
	char own[32];
	cleanup_free char *dir = NULL;
	cleanup_free char *expect = NULL;

	(void)helper(NULL);
	dir = xstrndup(self_path, (size_t)(strrchr(self_path, '/') - self_path));
	(void)snprintf(own, sizeof(own), "test-helper-%d", (int)getpid());
	expect = xasprintf("%s/%s", dir, own);
	CU_ASSERT_EQUAL(proc_helper_path(own, &path, &err), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, own));
	/* What cannot be run is no helper. */
	CU_ASSERT_TRUE(put_program(dir, own, 0644));
	CU_ASSERT_EQUAL(proc_helper_path(own, &path, &err), -ENOENT);
	CU_ASSERT_EQUAL(chmod(expect, 0755), 0);
	CU_ASSERT_EQUAL(proc_helper_path(own, &path, &err), 0);
	CU_ASSERT_STRING_EQUAL(path, expect);
	free(path);
	CU_ASSERT_EQUAL(unlink(expect), 0);
	/* Never by PATH. */
	CU_ASSERT_EQUAL(proc_helper_path("sh", &path, &err), -ENOENT);
}

/* ---- the first thing in every main ------------------------------------------------------ */

static int sanitise(void *arg)
{
	struct rlimit core;
	struct stat null, st;
	sigset_t block;

	(void)arg;
	(void)close(0);
	(void)close(2);
	(void)umask(0);
	(void)sigfillset(&block);
	(void)sigprocmask(SIG_BLOCK, &block, NULL);
	proc_sanitise();
	(void)sigprocmask(SIG_SETMASK, NULL, &block);
	if (stat("/dev/null", &null) < 0)
		return 1;
	if (fstat(0, &st) < 0 || st.st_rdev != null.st_rdev || fstat(2, &st) < 0 ||
	    st.st_rdev != null.st_rdev)
		return 2;
	if (umask(0) != 0077 || getrlimit(RLIMIT_CORE, &core) < 0 || core.rlim_max != 0)
		return 3;
	return sigismember(&block, SIGTERM) || signal(SIGPIPE, SIG_DFL) != SIG_IGN ? 4 : 0;
}

static void test_sanitise(void)
{
	CU_ASSERT_EQUAL(child_run(sanitise, NULL), 0);
}

static CU_TestInfo tests[] = {
	{ "boot id", test_boot_id }, /* first: it is kept */
	{ "start times", test_start_ticks },
	{ "processes with odd names", test_odd_names },
	{ "identity", test_ident },
	{ "a helper's descriptors", test_descriptors },
	{ "a helper's descriptors are the right ones", test_descriptors_are_right },
	{ "a helper's signals", test_signals_are_reset },
	{ "a helper's environment", test_environment },
	{ "a helper's session", test_session },
	{ "a helper's pidfd", test_pidfd_of_helper },
	{ "no such program", test_no_such_program },
	{ "no descriptor left", test_no_descriptor_left },
	{ "where helpers are", test_helper_path },
	{ "how a program begins", test_sanitise },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "proc", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };
TEST_MAIN(suites)
