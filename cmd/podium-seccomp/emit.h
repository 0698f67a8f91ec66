/* SPDX-License-Identifier: Apache-2.0 */
/* emit - from a verdict for each system call number to a BPF program. */
#ifndef PODIUM_SECCOMP_EMIT_H
#define PODIUM_SECCOMP_EMIT_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

#define EMIT_MAX_CALLS 1024
#define EMIT_MAX_INSNS 4096

enum emit_leaf {
	LEAF_ENOSYS,
	LEAF_EPERM,
	LEAF_ALLOW,
	LEAF_CLONE, /* the rest look at arguments */
	LEAF_SOCKET,
	LEAF_SOCKETPAIR,
	LEAF_PERSONALITY,
	LEAF_IOCTL,
	LEAF__COUNT
};

struct emit_plan {
	uint8_t leaf[EMIT_MAX_CALLS]; /* enum emit_leaf by call number */
	bool packet_sockets;	      /* CAP_NET_RAW */
	bool audit_netlink;	      /* CAP_AUDIT_WRITE */
};

struct emit_program {
	struct sock_filter v[EMIT_MAX_INSNS];
	unsigned int n;
};

/* -E2BIG when the program does not fit. */
int emit_compile(const struct emit_plan *plan, struct emit_program *ret,
		 struct error *err) must_check;

#endif
