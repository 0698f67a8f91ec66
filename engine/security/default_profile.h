/* SPDX-License-Identifier: Apache-2.0 */
/*
 * default_profile - what a container's processes may ask the kernel for: one table, data only.
 *
 * Read by cmd/podium-seccomp, which turns it into BPF at build time (the common capability sets)
 * and at run time (any other). Rules of the table:
 *	- a call that is not here is unknown and answers ENOSYS, so that a library that probes
 *	  for it falls back;
 *	- a call that is here and denied answers EPERM;
 *	- `gate` is a set of capabilities: the call is allowed when the container's bounding set
 *	  holds one of them; without a gate it is allowed or denied as `verdict` says;
 *	- a call with arguments to look at names its check; checks read the low 32 bits only, as the
 *	  kernel does with these arguments, so nothing in the upper half changes a verdict.
 * Calls of one kind stand in one line. New calls are added with their number in profile_numbers
 * until the build's libseccomp knows them. The golden table testdata/sysfilter/verdicts.txt shows
 * the effect of every change.
 */
#ifndef PODIUM_SECURITY_DEFAULT_PROFILE_H
#define PODIUM_SECURITY_DEFAULT_PROFILE_H

#include <linux/capability.h>
#include <stdint.h>

enum profile_verdict { PROFILE_ALLOW, PROFILE_DENY };

enum profile_check {
	CHECK_NONE,
	CHECK_CLONE,	   /* no new namespace without CAP_SYS_ADMIN */
	CHECK_CLONE3,	   /* flags behind a pointer: ENOSYS without CAP_SYS_ADMIN */
	CHECK_SOCKET,	   /* families by an allow-list, packet with CAP_NET_RAW */
	CHECK_SOCKETPAIR,  /* unix */
	CHECK_PERSONALITY, /* the five harmless values */
	CHECK_IOCTL,	   /* neither TIOCSTI nor TIOCLINUX */
};

struct profile_entry {
	const char *names; /* separated by blanks */
	enum profile_verdict verdict;
	enum profile_check check;
	uint64_t gate;
};

#define GATE(c)	   (1ULL << (CAP_##c))
#define GATE_ADMIN GATE(SYS_ADMIN)

static const struct profile_entry profile_entries[] = {
	/* files by descriptor and path */
	{ "read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek", 0, 0,
	  0 },
	{ "open openat openat2 creat close close_range dup dup2 dup3 fcntl flock umask", 0, 0, 0 },
	{ "stat fstat lstat newfstatat statx access faccessat faccessat2 statfs fstatfs", 0, 0, 0 },
	{ "fsync fdatasync sync syncfs sync_file_range truncate ftruncate fallocate", 0, 0, 0 },
	{ "fadvise64 readahead getdents getdents64 getcwd chdir fchdir cachestat", 0, 0, 0 },
	{ "rename renameat renameat2 mkdir mkdirat rmdir link linkat unlink unlinkat", 0, 0, 0 },
	{ "symlink symlinkat readlink readlinkat mknod mknodat name_to_handle_at", 0, 0, 0 },
	{ "chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat", 0, 0, 0 },
	{ "utime utimes utimensat futimesat file_getattr file_setattr", 0, 0, 0 },
	{ "sendfile splice tee copy_file_range", 0, 0, 0 },
	{ "setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr listxattr llistxattr", 0, 0,
	  0 },
	{ "flistxattr removexattr lremovexattr fremovexattr", 0, 0, 0 },
	{ "setxattrat getxattrat listxattrat removexattrat", 0, 0, 0 },
	{ "inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark", 0, 0, 0 },
	{ "ioctl", 0, CHECK_IOCTL, 0 },
	/* memory */
	{ "mmap munmap mprotect mremap msync mincore madvise brk remap_file_pages", 0, 0, 0 },
	{ "pkey_mprotect pkey_alloc pkey_free mseal map_shadow_stack", 0, 0, 0 },
	{ "mlock mlock2 munlock mlockall munlockall memfd_create memfd_secret membarrier", 0, 0,
	  0 },
	/* processes, threads, credentials */
	{ "fork vfork execve execveat exit exit_group wait4 waitid kill tkill tgkill", 0, 0, 0 },
	{ "getpid getppid gettid getpgid getpgrp setpgid getsid setsid", 0, 0, 0 },
	{ "getuid geteuid getgid getegid getresuid getresgid getgroups capget", 0, 0, 0 },
	{ "setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid", 0, 0, 0 },
	{ "setgroups capset prctl arch_prctl seccomp", 0, 0, 0 },
	{ "landlock_create_ruleset landlock_add_rule landlock_restrict_self", 0, 0, 0 },
	{ "getrlimit setrlimit prlimit64 getrusage times getpriority setpriority", 0, 0, 0 },
	{ "sched_yield sched_setparam sched_getparam sched_setscheduler sched_getscheduler", 0, 0,
	  0 },
	{ "sched_get_priority_max sched_get_priority_min sched_rr_get_interval", 0, 0, 0 },
	{ "sched_setaffinity sched_getaffinity sched_setattr sched_getattr getcpu", 0, 0, 0 },
	{ "ioprio_get ioprio_set", 0, 0, 0 },
	{ "set_tid_address set_robust_list get_robust_list rseq restart_syscall", 0, 0, 0 },
	{ "futex futex_waitv futex_wake futex_wait futex_requeue", 0, 0, 0 },
	{ "modify_ldt set_thread_area get_thread_area uretprobe", 0, 0, 0 },
	{ "pidfd_open pidfd_send_signal process_mrelease", 0, 0, 0 },
	{ "ptrace process_vm_readv process_vm_writev", 0, 0, 0 },
	{ "uname sysinfo getrandom", 0, 0, 0 },
	{ "clone", 0, CHECK_CLONE, GATE_ADMIN },
	{ "clone3", 0, CHECK_CLONE3, GATE_ADMIN },
	{ "personality", 0, CHECK_PERSONALITY, 0 },
	/* time and signals */
	{ "alarm pause nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday", 0, 0,
	  0 },
	{ "time adjtimex clock_adjtime getitimer setitimer", 0, 0, 0 },
	{ "timer_create timer_settime timer_gettime timer_getoverrun timer_delete", 0, 0, 0 },
	{ "timerfd_create timerfd_settime timerfd_gettime", 0, 0, 0 },
	{ "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait", 0, 0, 0 },
	{ "rt_sigqueueinfo rt_tgsigqueueinfo rt_sigsuspend sigaltstack", 0, 0, 0 },
	{ "signalfd signalfd4 eventfd eventfd2", 0, 0, 0 },
	/* waiting and talking */
	{ "poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl", 0, 0, 0 },
	{ "epoll_wait epoll_pwait epoll_pwait2 epoll_ctl_old epoll_wait_old pipe pipe2", 0, 0, 0 },
	{ "socket", 0, CHECK_SOCKET, 0 },
	{ "socketpair", 0, CHECK_SOCKETPAIR, 0 },
	{ "connect accept accept4 bind listen shutdown getsockname getpeername", 0, 0, 0 },
	{ "sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg setsockopt getsockopt", 0, 0, 0 },
	{ "shmget shmat shmctl shmdt semget semop semctl semtimedop", 0, 0, 0 },
	{ "msgget msgsnd msgrcv msgctl", 0, 0, 0 },
	{ "mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr", 0, 0, 0 },
	{ "io_setup io_destroy io_getevents io_pgetevents io_submit io_cancel", 0, 0, 0 },
	/* opened by a capability */
	{ "mount umount2 mount_setattr move_mount open_tree open_tree_attr", 0, 0, GATE_ADMIN },
	{ "fsopen fsconfig fsmount fspick pivot_root statmount listmount", 0, 0, GATE_ADMIN },
	{ "setns unshare sethostname setdomainname quotactl quotactl_fd", 0, 0, GATE_ADMIN },
	{ "swapon swapoff fanotify_init lookup_dcookie", 0, 0, GATE_ADMIN },
	{ "bpf", 0, 0, GATE_ADMIN | GATE(BPF) },
	{ "perf_event_open", 0, 0, GATE_ADMIN | GATE(PERFMON) },
	{ "syslog", 0, 0, GATE_ADMIN | GATE(SYSLOG) },
	{ "chroot", 0, 0, GATE(SYS_CHROOT) },
	{ "kcmp pidfd_getfd process_madvise", 0, 0, GATE(SYS_PTRACE) },
	{ "open_by_handle_at", 0, 0, GATE(DAC_READ_SEARCH) },
	{ "init_module finit_module delete_module", 0, 0, GATE(SYS_MODULE) },
	{ "reboot", 0, 0, GATE(SYS_BOOT) },
	{ "settimeofday clock_settime", 0, 0, GATE(SYS_TIME) },
	{ "iopl ioperm", 0, 0, GATE(SYS_RAWIO) },
	{ "acct", 0, 0, GATE(SYS_PACCT) },
	{ "vhangup", 0, 0, GATE(SYS_TTY_CONFIG) },
	{ "get_mempolicy set_mempolicy set_mempolicy_home_node mbind", 0, 0, GATE(SYS_NICE) },
	{ "move_pages migrate_pages", 0, 0, GATE(SYS_NICE) },
	/* known, and never for a container: keyrings have no namespace, the rest has a long record
	 */
	{ "add_key request_key keyctl vmsplice", PROFILE_DENY, 0, 0 },
	{ "io_uring_setup io_uring_enter io_uring_register userfaultfd", PROFILE_DENY, 0, 0 },
	{ "kexec_load kexec_file_load nfsservctl uselib ustat sysfs", PROFILE_DENY, 0, 0 },
	{ "lsm_get_self_attr lsm_set_self_attr lsm_list_modules", PROFILE_DENY, 0, 0 },
};

/* Numbers of calls that an older libseccomp cannot resolve; from 424 on they are the same on every
 * architecture. */
struct profile_number {
	const char *name;
	int number;
};
static const struct profile_number profile_numbers[] = {
#ifdef __x86_64__
	{ "uretprobe", 335 },
#endif
	{ "futex_waitv", 449 },	      { "set_mempolicy_home_node", 450 },
	{ "cachestat", 451 },	      { "fchmodat2", 452 },
	{ "map_shadow_stack", 453 },  { "futex_wake", 454 },
	{ "futex_wait", 455 },	      { "futex_requeue", 456 },
	{ "statmount", 457 },	      { "listmount", 458 },
	{ "lsm_get_self_attr", 459 }, { "lsm_set_self_attr", 460 },
	{ "lsm_list_modules", 461 },  { "mseal", 462 },
	{ "setxattrat", 463 },	      { "getxattrat", 464 },
	{ "listxattrat", 465 },	      { "removexattrat", 466 },
	{ "open_tree_attr", 467 },    { "file_getattr", 468 },
	{ "file_setattr", 469 },
};

/* The capability sets that are compiled at build time, cut to the gates: the default one, none at
 * all, and the most frequent additions. */
static const uint64_t profile_embedded_sets[] = {
	GATE(SYS_CHROOT),
	0,
	GATE(SYS_CHROOT) | GATE(NET_RAW),
	GATE(SYS_CHROOT) | GATE(SYS_PTRACE),
	GATE(SYS_CHROOT) | GATE(SYS_ADMIN),
	GATE(NET_RAW),
};

#endif
