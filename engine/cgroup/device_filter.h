/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_filter - which device nodes a container may open, as one table with two writers: lines for
 * v1's devices.allow, and a BPF program for the unified tree. Everything else is denied.
 */
#ifndef PODIUM_CGROUP_DEVICE_FILTER_H
#define PODIUM_CGROUP_DEVICE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

struct abi_insn;

#define DEVICE_ANY	  UINT32_MAX /* every major or minor */
#define DEVICE_MAY_MKNOD  1u
#define DEVICE_MAY_READ	  2u
#define DEVICE_MAY_WRITE  4u
#define DEVICE_MAY_ALL	  7u
#define DEVICE_TYPE_BLOCK 1u
#define DEVICE_TYPE_CHAR  2u

struct device_rule {
	uint32_t type;
	uint32_t major;
	uint32_t minor;
	uint32_t access; /* DEVICE_MAY_ bits that are allowed */
};
/* The fixed policy of unprivileged containers. */
extern const struct device_rule device_rules[];
extern const size_t device_rules_count;

/* "c 136:* rwm", as devices.allow takes and devices.list prints it. */
#define DEVICE_RULE_TEXT_MAX 40
void device_rule_text(const struct device_rule *rule, char out[DEVICE_RULE_TEXT_MAX]);
/* True when the line is one of the fixed policy or of the extra rules. */
bool is_device_rule_text(const char *line, const struct device_rule *extra, size_t n_extra);

/* Writes the program for the rules: 1 for an access that one of them allows whole, else 0. Returns
 * the number of instructions, -E2BIG when max is too small. */
#define DEVICE_PROGRAM_MAX 1024
#define DEVICE_EXTRA_MAX   64 /* rules of one container besides the fixed policy */
int device_program_build(const struct device_rule *rules, size_t n, struct abi_insn *out,
			 size_t max) must_check;

/* Loads the program of the fixed policy and the extra rules, attaches it to the group (besides those
 * of others), and asks the kernel whether it is there. A group that has the same from us already
 * keeps it; another one of ours is detached. */
int device_program_attach(int group_fd, const struct device_rule *extra, size_t n_extra,
			  struct error *err) must_check;

#endif
