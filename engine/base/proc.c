/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc - process identity, pidfds, starting helpers.
 *
 * Theory of operation: a pid alone is never trusted. A record holds pid, start time and boot id; to
 * act, a pidfd is opened first and the start time is compared afterwards, so that the process that
 * is signalled is the one that was compared. Helpers are started by vfork+exec: the parent shares
 * its memory for microseconds, so the child does system calls only.
 *
 * Kernel: pidfd_open (5.3), waitid(P_PIDFD) (5.4), close_range (5.9).
 */
#include "engine/base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"

#define STAT_MAX 4096

const char *proc_boot_id(void)
{
	static char id[BOOT_ID_LEN + 1];
	cleanup_close int fd = -EBADF;
	ssize_t n;

	if (id[0])
		return id;
#ifdef PODIUM_SEAMS
	if (getenv("PODIUM_BOOT_ID")) {
		(void)snprintf(id, sizeof(id), "%s", getenv("PODIUM_BOOT_ID"));
		return id;
	}
#endif
	fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, id, BOOT_ID_LEN);
	if (n != BOOT_ID_LEN)
		(void)snprintf(id, sizeof(id), "unknown");
	return id;
}

int proc_start_ticks(pid_t pid, uint64_t *ret, struct error *err)
{
	char path[40], text[STAT_MAX];
	cleanup_close int fd = -EBADF;
	ssize_t n;
	char *p;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, ESRCH, "process %d does not exist", (int)pid);
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return error_set(err, ESRCH, "process %d is gone", (int)pid);
	text[n] = '\0';
	/* The command name may hold anything: the last ')' ends it. Field 22 is the 20th after it.
	 */
	p = strrchr(text, ')');
	for (int field = 2; p && field < 22; field++) {
		p = strchr(p + 1, ' ');
	}
	if (!p)
		return error_set(err, EBADMSG, "'%s' is malformed", path);
	p[1 + strcspn(p + 1, " \n")] = '\0';
	if (parse_u64(p + 1, UINT64_MAX, ret) < 0)
		return error_set(err, EBADMSG, "'%s' is malformed", path);
	return 0;
}

int proc_identify(pid_t pid, struct proc_ident *ret, struct error *err)
{
	int r = proc_start_ticks(pid, &ret->start_ticks, err);

	if (r < 0)
		return r;
	ret->pid = pid;
	(void)snprintf(ret->boot_id, sizeof(ret->boot_id), "%s", proc_boot_id());
	return 0;
}

int proc_open_ident(const struct proc_ident *ident, struct error *err)
{
	cleanup_close int fd = -EBADF;
	uint64_t ticks = 0;
	int r;

	if (ident->pid <= 0 || strcmp(ident->boot_id, proc_boot_id()) != 0)
		return error_set(err, ESRCH, "process is of an earlier boot");
	fd = (int)syscall(SYS_pidfd_open, ident->pid, 0);
	if (fd < 0)
		return error_errno(err, "process %d", (int)ident->pid);
	r = proc_start_ticks(ident->pid, &ticks, err);
	if (r < 0)
		return r;
	if (ticks != ident->start_ticks)
		return error_set(err, ESRCH, "process %d is another one now", (int)ident->pid);
	return steal_fd(&fd);
}

bool is_pidfd_alive(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

int pidfd_signal(int pidfd, int sig)
{
	return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) < 0 ? -errno : 0;
}

int pidfd_wait_exit(int pidfd, int timeout_ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int n;

	do {
		n = poll(&p, 1, timeout_ms);
	} while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : n == 0 ? -ETIMEDOUT : -errno;
}

int proc_helper_path(const char *name, char **ret, struct error *err)
{
	static const char *const places[] = { "", "../libexec/podium/" };
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n <= 0)
		return error_errno(err, "read the path of this program");
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return error_set(err, ENOENT, "path of this program is not absolute");
	*slash = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		cleanup_free char *path = xasprintf("%s/%s%s", self, places[i], name);
		struct stat st;

		if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111)) {
			*ret = steal_ptr(&path);
			return 0;
		}
	}
	return error_set(err, ENOENT,
			 "helper program '%s' is not beside '%s/podium' nor in libexec", name,
			 self);
}

/* In the vforked child: `from` becomes `to`, without close-on-exec. */
static int place_fd(int from, int to)
{
	return from == to ? fcntl(to, F_SETFD, 0) : dup2(from, to);
}

#define EXEC_FD 5 /* where the child has the program that it executes by descriptor */

/* In the vforked child: stdio, descriptors 3 and 4, the program. Sources are 3 or above. */
static int place_fds(const struct proc_spawn *s)
{
	int pass = s->pass_fd, pass4 = s->pass_fd4 > 0 ? s->pass_fd4 : -1;
	int program = s->exec_fd > 0 ? s->exec_fd : -1;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* Out of the way first, so that one target is not another's source. */
	if (pass >= 0)
		pass = fcntl(pass, F_DUPFD_CLOEXEC, 10);
	if (pass4 >= 0)
		pass4 = fcntl(pass4, F_DUPFD_CLOEXEC, 10);
	if (program >= 0)
		program = fcntl(program, F_DUPFD_CLOEXEC, 10);
	if ((s->pass_fd >= 0 && pass < 0) || (s->pass_fd4 > 0 && pass4 < 0) ||
	    (s->exec_fd > 0 && program < 0))
		return -1;
	for (int i = 0; i < 3; i++)
		if (place_fd(s->stdio[i] < 0 ? null : s->stdio[i], i) < 0)
			return -1;
	if (pass >= 0 ? dup2(pass, 3) < 0 : (close(3), false))
		return -1;
	if (pass4 >= 0 ? dup2(pass4, 4) < 0 : (close(4), false))
		return -1;
	if (program >= 0 && dup3(program, EXEC_FD, O_CLOEXEC) < 0)
		return -1;
	/* Ours are close-on-exec. What the caller's shell left open in us must not live on in a
	 * monitor: somebody may wait for its end. */
	(void)syscall(SYS_close_range, program >= 0 ? EXEC_FD + 1U : EXEC_FD + 0U, ~0U, 0U);
	return 0;
}

void proc_reset_signals(void)
{
	static const unsigned long dfl[8]; /* the kernel's struct sigaction, all zero: SIG_DFL */
	sigset_t none;

	/* By system call: the C library keeps signals 32 and 33 to itself, but a caller's caller may
	 * have left them ignored. */
	for (int sig = 1; sig < NSIG; sig++)
		(void)syscall(SYS_rt_sigaction, sig, dfl, NULL, 8UL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Runs in the vforked child: shares the parent's memory, so system calls only. */
static void __attribute__((noreturn))
spawn_child(const struct proc_spawn *s, char *const *envp, volatile int *ret_errno)
{
	proc_reset_signals();
	if (s->new_session)
		(void)setsid();
	if (place_fds(s) == 0) {
		if (s->exec_fd > 0)
			(void)syscall(SYS_execveat, EXEC_FD, "", s->argv, envp, AT_EMPTY_PATH);
		else
			(void)execve(s->path, s->argv, envp);
	}
	*ret_errno = errno;
	_exit(127);
}

static char *const *choose_environment(const struct proc_spawn *s)
{
	static char *const empty[] = { NULL };
	char *const *seams = seam_environment();

	return s->envp ? s->envp : seams ? seams : empty;
}

pid_t proc_spawn(const struct proc_spawn *s, int *ret_pidfd, struct error *err)
{
	char *const *const envp = choose_environment(s);
	volatile int child_errno = 0;
	pid_t pid;

	pid = vfork();
	if (pid == 0)
		spawn_child(s, envp, &child_errno);
	if (pid < 0)
		return error_errno(err, "start '%s'", s->path);
	if (child_errno) {
		(void)waitpid(pid, NULL, 0);
		errno = child_errno;
		return error_errno(err, "start '%s'", s->path);
	}
	if (ret_pidfd) {
		*ret_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (*ret_pidfd < 0) {
			int r = error_errno(err, "pidfd of '%s'", s->path);

			/* A helper that cannot be watched must not live on: it is still our child.
			 */
			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, NULL, 0);
			return r;
		}
	}
	return pid;
}

void proc_sanitise(void)
{
	struct rlimit no_core = { 0, 0 };
	sigset_t none;

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			abort();
	(void)umask(0077);
	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The file system identity alone changes; what capabilities the kernel takes off with it are put back,
 * since they are still permitted. */
int proc_act_as(uint32_t uid, uint32_t gid, struct error *err)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0)
		return error_errno(err, "read capabilities");
	(void)setfsgid(gid);
	(void)setfsuid(uid);
	if (setfsuid((uid_t)-1) != (int)uid || setfsgid((gid_t)-1) != (int)gid)
		return error_set(err, EPERM, "act as user %u", (unsigned int)uid);
	if (syscall(SYS_capset, &head, data) < 0)
		return error_errno(err, "keep capabilities");
	return 0;
}
