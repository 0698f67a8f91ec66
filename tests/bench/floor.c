/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor - what a pod costs at the least on this kernel: the system calls alone.
 *
 *	floor pod [-n RUNS] [-k KEEP] [-w MS]	two containers to an HTTP answer through a hostPort,
 *						and their end; KEEP pods stay up meanwhile
 *	floor one				one container that runs `true` and is removed
 *	floor exec PID				`true` in the namespaces of PID
 *	floor ps COUNT				the listing of COUNT state files
 *
 * Theory of operation: every step of design is here as the kernel sees it (namespaces by clone3,
 * one rtnetlink message for the veth pair, one nftables element for the port, cgroups, an overlay of
 * three layers, the usual mounts, masks, capabilities, a compiled filter, exec), and nothing that
 * makes an engine: no YAML, no records, no monitors, no logs, no error worth reading. The
 * difference to podium is what the engine costs; the factor to this program is what the goals speak
 * of.
 *
 * Runs as root in a network namespace of its own (the bench makes one). Everything lies below
 * $FLOOR_DIR, which must be an absolute path.
 */
#include "tests/bench/floor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "engine/base/str.h"

#define PS_FILE_BYTES 2048
#define PS_COUNT_MAX  100000

void floor_die(const char *what)
{
	(void)fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

void floor_need(long result, const char *what)
{
	if (result < 0)
		floor_die(what);
}

void floor_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		floor_die(path);
	(void)close(fd);
}

long floor_clone(uint64_t flags, int *ret_pidfd)
{
	struct clone_args a = { .flags = flags | CLONE_PIDFD,
				.pidfd = (uintptr_t)ret_pidfd,
				.exit_signal = SIGCHLD };

	return syscall(SYS_clone3, &a, sizeof(a));
}

void floor_wake(uint32_t *futex)
{
	__atomic_store_n(futex, 1, __ATOMIC_SEQ_CST);
	(void)syscall(SYS_futex, futex, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

void floor_wait(uint32_t *futex)
{
	while (!__atomic_load_n(futex, __ATOMIC_SEQ_CST))
		(void)syscall(SYS_futex, futex, FUTEX_WAIT, 0, NULL, NULL, 0);
}

/* run --rm true, in namespaces of its own and an empty network. */
static int floor_one(struct floor *f)
{
	char *const argv[] = { (char[]){ "true" }, NULL };
	struct floor_container c = { .floor = f, .pod = getpid(), .pause_fd = -1, .argv = argv };
	char path[192];
	int status, fd;
	long p;

	if (access(floor_path(path, "%s/l1/bin/busybox", f->dir), R_OK) < 0)
		floor_layers_make(f);
	f->filter = floor_filter_cached(f->dir);
	c.shared = mmap(NULL, sizeof(*c.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	c.shared->is_net_ready = 1;
	c.log_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	floor_container_dirs(f, c.pod, 0);
	p = floor_clone(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS,
			&fd);
	if (p == 0)
		floor_container_child(&c);
	floor_need(p, "clone3");
	(void)waitpid((pid_t)p, &status, 0);
	floor_cgroup_rmdir(c.pod, 0);
	floor_container_undirs(f, c.pod, 0);
	return WEXITSTATUS(status);
}

static int floor_exec(struct floor *f, pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), status;
	pid_t p;

	f->filter = floor_filter_cached(f->dir);
	if (fd < 0 ||
	    setns(fd, CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWNS) < 0)
		floor_die("setns");
	p = fork();
	if (p == 0) {
		floor_drop_caps();
		floor_filter_load(&f->filter);
		(void)execl("/bin/busybox", "true", (char *)NULL);
		_exit(127);
	}
	(void)waitpid(p, &status, 0);
	return WEXITSTATUS(status);
}

static void ps_files_make(const char *dir, int count)
{
	char path[192], text[PS_FILE_BYTES];

	(void)mkdir(dir, 0755);
	for (int i = 0; i < count; i++) {
		int fd = open(floor_path(path, "%s/%d", dir, i), O_WRONLY | O_CREAT | O_CLOEXEC,
			      0644);

		memset(text, ' ', sizeof(text));
		(void)snprintf(text, sizeof(text), "{\"name\":\"pod%d\",\"pid\":%d,", i, getppid());
		if (write(fd, text, sizeof(text)) < 0)
			floor_die(path);
		(void)close(fd);
	}
}

/* A state file each: read, find a field, ask whether that process lives. */
static int floor_ps(const struct floor *f, int count)
{
	char dir[160], path[192], text[PS_FILE_BYTES + 1];
	int alive = 0;

	(void)floor_path(dir, "%s/ps%d", f->dir, count);
	if (access(dir, F_OK) < 0)
		ps_files_make(dir, count);
	for (int i = 0; i < count; i++) {
		int fd = open(floor_path(path, "%s/%d", dir, i), O_RDONLY | O_CLOEXEC);
		ssize_t n = read(fd, text, PS_FILE_BYTES);
		const char *pid;

		(void)close(fd);
		text[n < 0 ? 0 : n] = 0;
		pid = strstr(text, "\"pid\":");
		if (!pid)
			floor_die(path);
		fd = open(floor_path(path, "/proc/%.*s/stat", (int)strspn(pid + 6, "0123456789"),
				     pid + 6),
			  O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && read(fd, text, PS_FILE_BYTES) > 0)
			alive++;
		(void)close(fd);
	}
	printf("%d of %d\n", alive, count);
	return 0;
}

int main(int argc, char **argv)
{
	const char *dir = getenv("FLOOR_DIR"), *verb = argc > 1 ? argv[1] : "";
	struct floor f = { 0 };
	uint64_t n = 0;

	if (!dir || *dir != '/' || strlen(dir) >= sizeof(f.dir)) {
		(void)fprintf(stderr, "floor: FLOOR_DIR must be a short absolute path\n");
		return 2;
	}
	(void)snprintf(f.dir, sizeof(f.dir), "%s", dir);
	(void)mkdir(f.dir, 0755);
	if (is_equal(verb, "pod"))
		return floor_pod(&f, argc - 1, argv + 1);
	if (is_equal(verb, "one"))
		return floor_one(&f);
	if (argc == 3 && parse_u64(argv[2], PS_COUNT_MAX * 100UL, &n) == 0) {
		if (is_equal(verb, "exec"))
			return floor_exec(&f, (pid_t)n);
		if (is_equal(verb, "ps") && n <= PS_COUNT_MAX)
			return floor_ps(&f, (int)n);
	}
	(void)fprintf(stderr, "usage: floor pod|one|exec PID|ps COUNT\n");
	return 2;
}
