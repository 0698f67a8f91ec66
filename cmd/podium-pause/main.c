/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podium-pause - PID 1 of a pod's sandbox: reaps what is left to it, ends with 0 on TERM or INT.
 *
 * Theory of operation: the process exists so that the pod's namespaces have a holder that needs
 * nothing: no C library, no descriptor, no memory beyond one page of stack. All signals that it
 * cares for are blocked and taken by rt_sigtimedwait(2), so there is no handler and no race; PID 1
 * of a namespace never gets an unblocked signal without a handler anyway. With a shared process
 * namespace every orphan of the pod becomes its child and is reaped here.
 *
 * podium-launch starts it from a sealed memfd, without capabilities, with no_new_privs, in an empty
 * read-only root and under a filter that allows the calls made here and nothing else
 * (engine/process/sandbox.c: change both together).
 */
#if defined(__x86_64__)
#define NR_RT_SIGPROCMASK  14
#define NR_PRCTL	   157
#define NR_RT_SIGTIMEDWAIT 128
#define NR_WAIT4	   61
#define NR_EXIT_GROUP	   231
#elif defined(__aarch64__)
#define NR_RT_SIGPROCMASK  135
#define NR_PRCTL	   167
#define NR_RT_SIGTIMEDWAIT 137
#define NR_WAIT4	   260
#define NR_EXIT_GROUP	   94
#else
#error "podium-pause: this architecture has no system call wrapper yet"
#endif

#define SIG_INT	     2
#define SIG_TERM     15
#define SIG_CHLD     17
#define SIG_SETMASK_ 2
#define WAIT_NOHANG  1
#define SET_DUMPABLE 4
#define SIGSET_BYTES 8
#define SIGBIT(n)    (1UL << ((n)-1))

static long syscall4(long nr, long a, long b, long c, long d)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return ret;
#else
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
#endif
}

/* The kernel enters here with the stack aligned to 16, not as a call would leave it. */
__asm__(".globl _start\n"
	"_start:\n"
#if defined(__x86_64__)
	"	xor %ebp, %ebp\n"
	"	call pause_main\n"
#else
	"	mov x29, #0\n"
	"	bl pause_main\n"
#endif
);

void pause_main(void) __attribute__((noreturn, used));
void pause_main(void)
{
	unsigned long mask = SIGBIT(SIG_INT) | SIGBIT(SIG_TERM) | SIGBIT(SIG_CHLD);

	/* Where the pod shares its processes, root of a container is our user, too: exec made us
	 * dumpable, and /proc/1/root would be its way to what is mounted for others alone. */
	(void)syscall4(NR_PRCTL, SET_DUMPABLE, 0, 0, 0);
	(void)syscall4(NR_RT_SIGPROCMASK, SIG_SETMASK_, (long)&mask, 0, SIGSET_BYTES);
	for (;;) {
		long sig = syscall4(NR_RT_SIGTIMEDWAIT, (long)&mask, 0, 0, SIGSET_BYTES);

		if (sig == SIG_INT || sig == SIG_TERM)
			(void)syscall4(NR_EXIT_GROUP, 0, 0, 0, 0);
		/* Also after EINTR: a child may have ended between two waits. */
		while (syscall4(NR_WAIT4, -1, 0, WAIT_NOHANG, 0) > 0)
			;
	}
}
