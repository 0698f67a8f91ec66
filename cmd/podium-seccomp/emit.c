/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emit - from a verdict for each system call number to a BPF program.
 *
 * Theory of operation: call numbers with the same verdict form ranges; a binary search over the
 * limits of the ranges finds the one of a call in about seven comparisons, which is shorter and
 * loads faster than a test per call. Programs of the native architecture only: any other one, and
 * x32 numbers on x86-64, kill the process, since their arguments cannot be told apart.
 *
 *	architecture -> number -> search tree -> leaf: a verdict, or a jump to an argument check
 *
 * Checks load the low half of an argument: the kernel ignores the upper half of an int, so a filter
 * must, too. BPF jumps forward only; a conditional jump reaches 255 instructions, further ones go
 * through an unconditional jump.
 */
#include "cmd/podium-seccomp/emit.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/base/mem.h"

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#define X32_BIT	    0x40000000U
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "podium-seccomp: unknown architecture"
#endif

#define RET_EPERM	    (SECCOMP_RET_ERRNO | EPERM)
#define RET_EINVAL	    (SECCOMP_RET_ERRNO | EINVAL)
#define RET_ENOSYS	    (SECCOMP_RET_ERRNO | ENOSYS)
#define RET_EPROTONOSUPPORT (SECCOMP_RET_ERRNO | EPROTONOSUPPORT)

#define ARG_LOW(i) ((unsigned int)offsetof(struct seccomp_data, args) + 8U * (i))

/* CLONE_NEWTIME shares its bit with the exit signal of clone(2), where it cannot be asked for. */
#define CLONE_NAMESPACES                                                              \
	((unsigned int)(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
			CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET))

#define IOCTL_TIOCSTI	0x5412U
#define IOCTL_TIOCLINUX 0x541CU

#define MAX_CONDITIONAL 255 /* jt and jf are bytes */

struct range {
	unsigned int first;
	unsigned int leaf;
};

struct emitter {
	const struct emit_plan *plan;
	struct emit_program *out;
	struct range ranges[EMIT_MAX_CALLS];
	unsigned int n_ranges;
	unsigned int patch_at[EMIT_MAX_CALLS]; /* jumps to argument checks, filled in at the end */
	unsigned int patch_leaf[EMIT_MAX_CALLS];
	unsigned int n_patches;
};

static void put(struct emitter *e, unsigned int code, unsigned int jt, unsigned int jf,
		unsigned int k)
{
	struct emit_program *p = e->out;

	if (p->n < EMIT_MAX_INSNS)
		p->v[p->n] = (struct sock_filter){ (unsigned short)code, (unsigned char)jt,
						   (unsigned char)jf, k };
	p->n++;
}

static void put_load(struct emitter *e, unsigned int offset)
{
	put(e, BPF_LD | BPF_W | BPF_ABS, 0, 0, offset);
}

static void put_return(struct emitter *e, unsigned int verdict)
{
	put(e, BPF_RET | BPF_K, 0, 0, verdict);
}

/* Returns `verdict` when the accumulator equals k, else goes on. */
static void put_if_equal(struct emitter *e, unsigned int k, unsigned int verdict)
{
	put(e, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, k);
	put_return(e, verdict);
}

static void put_leaf(struct emitter *e, unsigned int leaf)
{
	switch (leaf) {
	case LEAF_ENOSYS:
		put_return(e, RET_ENOSYS);
		return;
	case LEAF_EPERM:
		put_return(e, RET_EPERM);
		return;
	case LEAF_ALLOW:
		put_return(e, SECCOMP_RET_ALLOW);
		return;
	default:
		e->patch_at[e->n_patches] = e->out->n;
		e->patch_leaf[e->n_patches++] = leaf;
		put(e, BPF_JMP | BPF_JA, 0, 0, 0);
	}
}

/* The left part turned out short: the far jump behind `at` goes, the comparison jumps itself. */
static void make_near(struct emitter *e, unsigned int at, unsigned int left)
{
	struct sock_filter *v = e->out->v;

	memmove(v + at + 1, v + at + 2, left * sizeof(*v));
	e->out->n--;
	v[at].jt = (unsigned char)left;
	v[at].jf = 0;
	for (unsigned int i = 0; i < e->n_patches; i++)
		if (e->patch_at[i] > at)
			e->patch_at[i]--;
}

/* The search tree over ranges a..b (inclusive): left part, then right part. */
static void put_tree(struct emitter *e, unsigned int a, unsigned int b)
{
	unsigned int m = (a + b + 1) / 2, at, left;

	if (a == b) {
		put_leaf(e, e->ranges[a].leaf);
		return;
	}
	/* number >= middle: fall into the far jump, else skip it */
	at = e->out->n;
	put(e, BPF_JMP | BPF_JGE | BPF_K, 0, 1, e->ranges[m].first);
	put(e, BPF_JMP | BPF_JA, 0, 0, 0);
	put_tree(e, a, m - 1);
	left = e->out->n - at - 2;
	if (e->out->n <= EMIT_MAX_INSNS && left <= MAX_CONDITIONAL)
		make_near(e, at, left);
	else if (e->out->n <= EMIT_MAX_INSNS)
		e->out->v[at + 1].k = left;
	put_tree(e, m, b);
}

static void put_clone(struct emitter *e)
{
	put_load(e, ARG_LOW(0U));
	put(e, BPF_JMP | BPF_JSET | BPF_K, 0, 1, CLONE_NAMESPACES);
	put_return(e, RET_EPERM);
	put_return(e, SECCOMP_RET_ALLOW);
}

/* Netlink by an allow-list, too: what has a network namespace (routes, sockets, IPsec, filters,
 * generic) and the kernel's announcements of devices. The rest answers as a kernel without it would.
 */
static void put_netlink(struct emitter *e)
{
	static const unsigned int allowed[] = { NETLINK_ROUTE,		NETLINK_SOCK_DIAG,
						NETLINK_XFRM,		NETLINK_NETFILTER,
						NETLINK_KOBJECT_UEVENT, NETLINK_GENERIC };

	put_load(e, ARG_LOW(2U));
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		put_if_equal(e, allowed[i], SECCOMP_RET_ALLOW);
	put_if_equal(e, NETLINK_AUDIT, e->plan->audit_netlink ? SECCOMP_RET_ALLOW : RET_EINVAL);
	put_return(e, RET_EPROTONOSUPPORT);
}

static void put_socket(struct emitter *e)
{
	put_load(e, ARG_LOW(0U));
	put_if_equal(e, AF_UNIX, SECCOMP_RET_ALLOW);
	put_if_equal(e, AF_INET, SECCOMP_RET_ALLOW);
	put_if_equal(e, AF_INET6, SECCOMP_RET_ALLOW);
	if (e->plan->packet_sockets)
		put_if_equal(e, AF_PACKET, SECCOMP_RET_ALLOW);
	put(e, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AF_NETLINK);
	put_return(e, RET_EPERM);
	put_netlink(e);
}

static void put_values(struct emitter *e, const unsigned int *values, size_t n,
		       unsigned int verdict, unsigned int otherwise)
{
	put_load(e, ARG_LOW(0U));
	for (size_t i = 0; i < n; i++)
		put_if_equal(e, values[i], verdict);
	put_return(e, otherwise);
}

static void put_check(struct emitter *e, unsigned int leaf)
{
	static const unsigned int unix_family[] = { AF_UNIX };
	/* Linux, with the 3 GB limit, as another uname, both, and asking what is set. */
	static const unsigned int personas[] = { 0, 0x8, 0x20000, 0x20008, 0xffffffff };

	switch (leaf) {
	case LEAF_CLONE:
		put_clone(e);
		return;
	case LEAF_SOCKET:
		put_socket(e);
		return;
	case LEAF_SOCKETPAIR:
		put_values(e, unix_family, 1, SECCOMP_RET_ALLOW, RET_EPERM);
		return;
	case LEAF_PERSONALITY:
		put_values(e, personas, ARRAY_SIZE(personas), SECCOMP_RET_ALLOW, RET_EPERM);
		return;
	default:
		put_load(e, ARG_LOW(1U));
		put_if_equal(e, IOCTL_TIOCSTI, RET_EPERM);
		put_if_equal(e, IOCTL_TIOCLINUX, RET_EPERM);
		put_return(e, SECCOMP_RET_ALLOW);
	}
}

static void find_ranges(struct emitter *e)
{
	for (unsigned int nr = 0; nr < EMIT_MAX_CALLS; nr++) {
		unsigned int leaf = e->plan->leaf[nr];

		if (nr > 0 && leaf == e->ranges[e->n_ranges - 1].leaf)
			continue;
		e->ranges[e->n_ranges++] = (struct range){ nr, leaf };
	}
	/* What lies above the table is as unknown as the gaps in it. */
	if (e->ranges[e->n_ranges - 1].leaf != LEAF_ENOSYS)
		e->ranges[e->n_ranges - 1].leaf = LEAF_ENOSYS;
}

static void put_prologue(struct emitter *e)
{
	put_load(e, offsetof(struct seccomp_data, arch));
	put(e, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, NATIVE_ARCH);
	put_return(e, SECCOMP_RET_KILL_PROCESS);
	put_load(e, offsetof(struct seccomp_data, nr));
#ifdef X32_BIT
	/* -1 is no call: a tracer writes it to skip one. */
	put(e, BPF_JMP | BPF_JGE | BPF_K, 0, 3, X32_BIT);
	put(e, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0xffffffff);
	put_return(e, RET_ENOSYS);
	put_return(e, SECCOMP_RET_KILL_PROCESS);
#endif
}

int emit_compile(const struct emit_plan *plan, struct emit_program *ret, struct error *err)
{
	struct emitter *e = xcalloc(1, sizeof(*e));

	*e = (struct emitter){ .plan = plan, .out = ret };
	ret->n = 0;
	find_ranges(e);
	put_prologue(e);
	put_tree(e, 0, e->n_ranges - 1);
	for (unsigned int leaf = LEAF_CLONE; leaf < LEAF__COUNT && ret->n < EMIT_MAX_INSNS;
	     leaf++) {
		unsigned int start = ret->n;
		bool used = false;

		for (unsigned int i = 0; i < e->n_patches; i++) {
			if (e->patch_leaf[i] != leaf)
				continue;
			ret->v[e->patch_at[i]].k = start - e->patch_at[i] - 1;
			used = true;
		}
		if (used)
			put_check(e, leaf);
	}
	free(e);
	if (ret->n > EMIT_MAX_INSNS)
		return error_set(err, E2BIG, "filter needs %u instructions", ret->n);
	return 0;
}
