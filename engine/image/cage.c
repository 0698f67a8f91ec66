/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cage - what a process that reads hostile bytes may still do.
 *
 * Theory of operation: podium-image itself parses no tar and inflates nothing. It forks children
 * that do, each single-threaded, and each gives up in this order what it does not need:
 *
 *	root		the unpacker's root becomes the layer's directory: a clone of its mount,
 *			attached over itself, pivot_root(2); no /proc in there
 *	network		an empty network namespace
 *	descriptors	close_range(2) around the few that stay
 *	resources	RLIMIT_DATA (bombs end here), RLIMIT_NOFILE, RLIMIT_CPU, no core
 *	privileges	all capabilities, except for the unpacker those that chown, set-id bits,
 *			file capabilities and whiteouts need, and for the packer reading every
 *			file; no_new_privs
 *	calls		a seccomp allow-list by libseccomp; anything else fails with EPERM
 *
 * Runs as the caller's user: root, or root of a user namespace; without CAP_SYS_ADMIN there, the
 * root cannot be changed and the unpacker is refused.
 *
 * Kernel: open_tree, move_mount (5.2), close_range (5.9), mount_setattr (5.12). What a failure
 * leaves behind: nothing, the child reports and exits.
 */
#include "engine/image/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/seams.h"

#define DATA_BYTES_MAX (UINT64_C(112) << 20) /* private writable memory of a child */
#define NOFILE_MAX     64
#define PACK_BYTES_MAX (UINT64_C(384) << 20) /* zstd's high levels want that much */
#define PACK_FILES_MAX 1024		     /* one a level of the tree */
#define CPU_SECONDS    3600

/* ---- root and descriptors --------------------------------------------------------------- */

/* The mount that becomes the root: itself over the old root when it is one that is attached nowhere
 * (which any other cannot be moved as), else a clone of the one that the working directory is on,
 * over itself. */
static int take_mount(int dirfd, struct error *err)
{
	cleanup_close int tree = -EBADF;

	if (syscall(SYS_move_mount, dirfd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) == 0) {
		tree = fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
		return tree < 0 ? error_errno(err, "keep the mount of the layer") : steal_fd(&tree);
	}
	tree = (int)syscall(SYS_open_tree, AT_FDCWD, ".", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return error_errno(err, "clone the mount of the layer");
	if (syscall(SYS_move_mount, tree, "", AT_FDCWD, ".", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_errno(err, "attach the mount of the layer");
	return steal_fd(&tree);
}

static int enter_root(int dirfd, uint64_t attrs, struct error *err)
{
	struct mount_attr attr = { .attr_set = attrs, .attr_clr = MOUNT_ATTR__ATIME };
	cleanup_close int tree = -EBADF;
	/* <sys/mount.h> and <linux/mount.h> cannot be included together here. */
	const unsigned long ms_rec_private = 0x4000 | 0x40000, mnt_detach = 2;

	/* The working directory follows into the new mount namespace; a descriptor would not. */
	if (fchdir(dirfd) < 0)
		return error_errno(err, "enter the layer");
	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC) < 0)
		return error_errno(err, "new namespaces for the unpacker");
	if (syscall(SYS_mount, NULL, "/", NULL, ms_rec_private, NULL) < 0)
		return error_errno(err, "make mounts private");
	tree = take_mount(dirfd, err);
	if (tree < 0)
		return tree;
	if (attrs && syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return error_errno(err, "make the mount of the layer read-only");
	if (fchdir(tree) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return error_errno(err, "change root to the layer");
	if (syscall(SYS_umount2, ".", mnt_detach) < 0 || chdir("/") < 0)
		return error_errno(err, "leave the old root");
	return 0;
}

int cage_enter_root(int dirfd, struct error *err)
{
	return enter_root(dirfd, 0, err);
}

int cage_enter_root_readonly(int dirfd, struct error *err)
{
	const uint64_t attrs = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			       MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOATIME;

	return enter_root(dirfd, WEAKEN("CAGE-READONLY") ? 0 : attrs, err);
}

int cage_enter_place(const struct cage_place *place, struct error *err)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno(err, "become non-dumpable");
	if (place->userns_fd >= 0 && (setns(place->userns_fd, CLONE_NEWUSER) < 0 ||
				      setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
		return error_errno(err, "join the container's user namespace");
	if (unshare(CLONE_NEWNET | CLONE_NEWIPC) < 0)
		return error_errno(err, "new namespaces for a copy");
	if (fchdir(place->rootfd) < 0 || chroot(".") < 0)
		return error_errno(err, "change root for a copy");
	return 0;
}

int cage_close_others(const int *keep, size_t n, struct error *err)
{
	unsigned int first = 3;

	for (size_t i = 0; i <= n; i++) {
		unsigned int last = i < n ? (unsigned int)keep[i] - 1 : ~0U;

		if (i < n && keep[i] < 3)
			continue;
		if (last >= first && syscall(SYS_close_range, first, last, 0) < 0)
			return error_errno(err, "close descriptors");
		if (i < n)
			first = (unsigned int)keep[i] + 1;
	}
	return 0;
}

int cage_follow_parent(int parent_pid, struct error *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return error_errno(err, "ask for the parent's death");
	if (getppid() != parent_pid)
		return error_set(err, ESRCH, "the parent is gone");
	return 0;
}

/* ---- resources and privileges ----------------------------------------------------------- */

static int limit(int what, uint64_t value, struct error *err)
{
	struct rlimit now, want;

	if (getrlimit((__rlimit_resource_t)what, &now) < 0)
		return error_errno(err, "read a resource limit");
	want.rlim_cur = want.rlim_max = value < now.rlim_max ? value : now.rlim_max;
	return setrlimit((__rlimit_resource_t)what, &want) < 0
		       ? error_errno(err, "set a resource limit")
		       : 0;
}

static int limit_resources(enum cage_kind kind, struct error *err)
{
	int r = limit(RLIMIT_CORE, 0, err);

	if (r == 0)
		r = limit(RLIMIT_NOFILE, kind == CAGE_PACK ? PACK_FILES_MAX : NOFILE_MAX, err);
	if (r == 0)
		r = limit(RLIMIT_CPU, CPU_SECONDS, err);
#ifndef PODIUM_SAN /* the sanitizers reserve terabytes */
	if (r == 0 && !WEAKEN("CAGE-MEMORY"))
		r = limit(RLIMIT_DATA, kind == CAGE_PACK ? PACK_BYTES_MAX : DATA_BYTES_MAX, err);
#endif
	return r;
}

static int drop_capabilities(uint64_t keep, struct error *err)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0)
		return error_errno(err, "read capabilities");
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= (uint32_t)(keep >> (32 * i));
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (!(keep >> cap & 1))
			(void)prctl(PR_CAPBSET_DROP, cap); /* fails without CAP_SETPCAP: the set
							      below is what counts */
	if (syscall(SYS_capset, &head, data) < 0)
		return error_errno(err, "drop capabilities");
	return 0;
}

/* ---- system calls ----------------------------------------------------------------------- */

#define CALL(name) SCMP_SYS(name)
static const int common_calls[] = {
	CALL(read),	     CALL(write),	 CALL(readv),	       CALL(writev),
	CALL(pread64),	     CALL(lseek),	 CALL(close),	       CALL(fstat),
	CALL(newfstatat),    CALL(fcntl),	 CALL(munmap),	       CALL(mremap),
	CALL(madvise),	     CALL(brk),		 CALL(futex),	       CALL(exit),
	CALL(exit_group),    CALL(rt_sigreturn), CALL(rt_sigprocmask), CALL(rt_sigaction),
	CALL(clock_gettime), CALL(gettimeofday), CALL(getpid),	       CALL(gettid),
	CALL(getrandom),     CALL(poll),	 CALL(ppoll),	       CALL(restart_syscall),
	CALL(sched_yield),   CALL(sigaltstack),
};
static const int pump_calls[] = { CALL(wait4), CALL(waitid) };
static const int unpack_calls[] = {
	CALL(openat),	  CALL(openat2),   CALL(mkdirat),    CALL(symlinkat), CALL(linkat),
	CALL(unlinkat),	  CALL(fchown),	   CALL(fchownat),   CALL(fchmod),    CALL(fchmodat),
	CALL(fsetxattr),  CALL(fgetxattr), CALL(utimensat),  CALL(pwrite64),  CALL(ftruncate),
	CALL(getdents64), CALL(faccessat), CALL(faccessat2), CALL(statx),
};

static const int pack_calls[] = {
	CALL(openat),	 CALL(openat2),	   CALL(getdents64), CALL(readlinkat),
	CALL(fgetxattr), CALL(flistxattr), CALL(statx),	     CALL(fstatfs),
};

static int allow(scmp_filter_ctx ctx, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);

		if (r < 0)
			return r;
	}
	return 0;
}

/* It may end itself (abort(3)) and nobody else: as root it shares its user with every daemon. */
static int allow_own_death(scmp_filter_ctx ctx)
{
	const struct scmp_arg_cmp self = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0);
	int r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, CALL(kill), 1, &self);

	return r < 0 ? r : seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, CALL(tgkill), 1, &self);
}

/* Memory may be mapped, but nothing executable; fifos and whiteouts may be made, but no devices. */
static int allow_arguments(scmp_filter_ctx ctx, bool unpack)
{
	const struct scmp_arg_cmp no_exec = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	const struct scmp_arg_cmp fifo = SCMP_A2(SCMP_CMP_MASKED_EQ, S_IFMT, S_IFIFO);
	const struct scmp_arg_cmp chr = SCMP_A2(SCMP_CMP_MASKED_EQ, S_IFMT, S_IFCHR);
	const struct scmp_arg_cmp zero = SCMP_A3(SCMP_CMP_EQ, 0, 0);
	int r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, CALL(mmap), 1, &no_exec);

	if (r == 0)
		r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, CALL(mprotect), 1, &no_exec);
	if (r == 0 && unpack && WEAKEN("LAYER-DEVICE"))
		return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, CALL(mknodat), 0);
	if (r == 0 && unpack)
		r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, CALL(mknodat), 1, &fifo);
	if (r == 0 && unpack) {
		const struct scmp_arg_cmp whiteout[] = { chr, zero };

		r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, CALL(mknodat), 2, whiteout);
	}
	return r;
}

static int load_filter(enum cage_kind kind, struct error *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r;

	if (!ctx)
		return error_set(err, ENOMEM, "make a system call filter");
	r = allow(ctx, common_calls, ARRAY_SIZE(common_calls));
	if (r == 0 && kind == CAGE_PUMP)
		r = allow(ctx, pump_calls, ARRAY_SIZE(pump_calls));
	if (r == 0 && kind == CAGE_UNPACK)
		r = allow(ctx, unpack_calls, ARRAY_SIZE(unpack_calls));
	if (r == 0 && kind == CAGE_PACK)
		r = allow(ctx, pack_calls, ARRAY_SIZE(pack_calls));
	if (r == 0)
		r = allow_own_death(ctx);
	if (r == 0)
		r = allow_arguments(ctx, kind == CAGE_UNPACK);
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r < 0 ? error_set(err, -r, "load a system call filter: %s", strerror(-r)) : 0;
}

int cage_confine(enum cage_kind kind, struct error *err)
{
	const uint64_t unpack_caps = UINT64_C(1) << CAP_CHOWN | UINT64_C(1) << CAP_DAC_OVERRIDE |
				     UINT64_C(1) << CAP_FOWNER | UINT64_C(1) << CAP_FSETID |
				     UINT64_C(1) << CAP_SETFCAP | UINT64_C(1) << CAP_MKNOD;
	const uint64_t pack_caps = UINT64_C(1) << CAP_DAC_READ_SEARCH;
	const uint64_t caps = kind == CAGE_UNPACK ? unpack_caps : kind == CAGE_PACK ? pack_caps : 0;
	int r;

	if (WEAKEN("EXE-7"))
		return 0;
	r = limit_resources(kind, err);
	if (r == 0)
		r = drop_capabilities(caps, err);
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = error_errno(err, "set no_new_privs");
	if (r == 0)
		r = load_filter(kind, err);
	return r;
}
