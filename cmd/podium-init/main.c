/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podium-init - the first process of a container that was asked for with --init.
 *
 *	podium-init -- PROGRAM [ARG...]
 *
 * Theory of operation: the program is started as a child in a process group of its own, which gets
 * the terminal where there is one; then every signal that comes is sent on to it, everything that
 * has ended is reaped, and when the program ends this process ends with its exit code (128 + the
 * number of the signal that killed it), which takes all that is left with it. All signals are
 * blocked and taken by rt_sigtimedwait(2): no handler, no race. The program gets back the mask that
 * this process was started with.
 *
 * No C library, no memory beyond the stack: podium-launch executes it from a sealed or read-only
 * copy (engine/process/selfexec.h), with the container's user, capabilities and filter. It calls
 * nothing that the default filter does not allow.
 *
 * Exit codes of its own: 127 there is no such program, 126 it cannot be executed, 125 no child.
 */
#if defined(__x86_64__)
#define NR_IOCTL	   16
#define NR_RT_SIGPROCMASK  14
#define NR_GETPID	   39
#define NR_CLONE	   56
#define NR_EXECVE	   59
#define NR_WAIT4	   61
#define NR_KILL		   62
#define NR_SETPGID	   109
#define NR_RT_SIGTIMEDWAIT 128
#define NR_EXIT_GROUP	   231
#elif defined(__aarch64__)
#define NR_IOCTL	   29
#define NR_RT_SIGPROCMASK  135
#define NR_GETPID	   172
#define NR_CLONE	   220
#define NR_EXECVE	   221
#define NR_WAIT4	   260
#define NR_KILL		   129
#define NR_SETPGID	   154
#define NR_RT_SIGTIMEDWAIT 137
#define NR_EXIT_GROUP	   94
#else
#error "podium-init: this architecture has no system call wrapper yet"
#endif

#define SIG_CHLD	 17
#define SIG_SETMASK_	 2
#define WAIT_NOHANG	 1
#define SIGSET_BYTES	 8
#define TIO_CSPGRP	 0x5410
#define ERR_NOENT	 2
#define ERR_NOTDIR	 20
#define EXIT_FAILED	 125
#define EXIT_CANNOT	 126
#define EXIT_NOT_FOUND	 127
#define EXIT_SIGNAL_BASE 128
#define PATH_BYTES	 4096
#define PATH_DEFAULT	 "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static long syscall5(long nr, long a, long b, long c, long d, long e)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return ret;
#else
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
			 : "memory");
	return x0;
#endif
}

/* The kernel enters here with argc, argv and the environment on the stack. */
__asm__(".globl _start\n"
	"_start:\n"
#if defined(__x86_64__)
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call init_main\n"
#else
	"	mov x29, #0\n"
	"	mov x0, sp\n"
	"	bl init_main\n"
#endif
);

static void __attribute__((noreturn)) leave(int code)
{
	for (;;)
		(void)syscall5(NR_EXIT_GROUP, code, 0, 0, 0, 0);
}

static unsigned long length(const char *s)
{
	unsigned long n = 0;

	while (s[n])
		n++;
	return n;
}

static int has_slash(const char *s)
{
	for (; *s; s++)
		if (*s == '/')
			return 1;
	return 0;
}

/* The value of PATH, or the default one. */
static const char *path_of(char **envp)
{
	for (; *envp; envp++) {
		const char *e = *envp;

		if (e[0] == 'P' && e[1] == 'A' && e[2] == 'T' && e[3] == 'H' && e[4] == '=')
			return e + 5;
	}
	return PATH_DEFAULT;
}

static int is_missing(long r)
{
	return r == -ERR_NOENT || r == -ERR_NOTDIR;
}

/* Executes DIR/NAME with a directory of n bytes. What execve(2) says. */
static long execute_in(const char *dir, unsigned long n, char **argv, char **envp)
{
	char file[PATH_BYTES];
	unsigned long name = length(argv[0]);

	if (n == 0 || dir[0] != '/' || n + name + 2 > sizeof(file))
		return -ERR_NOENT;
	for (unsigned long i = 0; i < n; i++)
		file[i] = dir[i];
	file[n] = '/';
	for (unsigned long i = 0; i <= name; i++)
		file[n + 1 + i] = argv[0][i];
	return syscall5(NR_EXECVE, (long)file, (long)argv, (long)envp, 0, 0);
}

static void __attribute__((noreturn)) execute(char **argv, char **envp)
{
	const char *path = path_of(envp);
	long worst = -ERR_NOENT;

	if (has_slash(argv[0])) {
		worst = syscall5(NR_EXECVE, (long)argv[0], (long)argv, (long)envp, 0, 0);
		path = "";
	}
	while (*path) {
		unsigned long n = 0;
		long r;

		while (path[n] && path[n] != ':')
			n++;
		r = execute_in(path, n, argv, envp);
		if (!is_missing(r))
			worst = r;
		path += n + (path[n] == ':');
	}
	leave(is_missing(worst) ? EXIT_NOT_FOUND : EXIT_CANNOT);
}

/* Still with every signal blocked, so that taking the terminal stops nobody. */
static void __attribute__((noreturn)) run_child(char **argv, char **envp, unsigned long mask)
{
	int own = 0;

	if (syscall5(NR_SETPGID, 0, 0, 0, 0, 0) == 0) {
		own = (int)syscall5(NR_GETPID, 0, 0, 0, 0, 0);
		(void)syscall5(NR_IOCTL, 0, TIO_CSPGRP, (long)&own, 0, 0);
	}
	(void)syscall5(NR_RT_SIGPROCMASK, SIG_SETMASK_, (long)&mask, 0, SIGSET_BYTES, 0);
	execute(argv, envp);
}

static int exit_code(int status)
{
	int sig = status & 0x7f;

	return sig ? EXIT_SIGNAL_BASE + sig : (status >> 8) & 0xff;
}

/* Reaps all that has ended; leaves when the program is among it. */
static void reap(long child)
{
	for (;;) {
		int status = 0;
		long pid = syscall5(NR_WAIT4, -1, (long)&status, WAIT_NOHANG, 0, 0);

		if (pid <= 0)
			return;
		if (pid == child)
			leave(exit_code(status));
	}
}

void init_main(long *stack) __attribute__((noreturn, used));
void init_main(long *stack)
{
	char **argv = (char **)(stack + 1);
	char **envp = argv + stack[0] + 1;
	unsigned long all = ~0UL, mask = 0;
	long child;

	if (stack[0] < 3)
		leave(EXIT_FAILED);
	(void)syscall5(NR_RT_SIGPROCMASK, SIG_SETMASK_, (long)&all, (long)&mask, SIGSET_BYTES, 0);
	child = syscall5(NR_CLONE, SIG_CHLD, 0, 0, 0, 0);
	if (child < 0)
		leave(EXIT_FAILED);
	if (child == 0)
		run_child(argv + 2, envp, mask);
	for (;;) {
		long sig = syscall5(NR_RT_SIGTIMEDWAIT, (long)&all, 0, 0, SIGSET_BYTES, 0);

		if (sig > 0 && sig != SIG_CHLD)
			(void)syscall5(NR_KILL, child, sig, 0, 0, 0);
		/* Also after EINTR: something may have ended between two waits. */
		reap(child);
	}
}
