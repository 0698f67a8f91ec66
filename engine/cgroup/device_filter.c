/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_filter - the device policy and its small assembler.
 *
 * Theory of operation. The kernel calls a BPF_PROG_TYPE_CGROUP_DEVICE program for each open and
 * mknod of a device by a process of the group, with struct bpf_cgroup_dev_ctx: access bits in the
 * upper half of the first word, the type in its lower half, then major and minor. All programs of
 * all groups up to the root must return 1. The program starts from "deny" and compares with one
 * rule after the other:
 *
 *	w2 = type; w3 = access; w4 = major; w5 = minor
 *	for each rule:	if w2 != type goto next
 *			w1 = w3; w1 &= ~allowed; if w1 != 0 goto next
 *			if w4 != major goto next	(left out for any)
 *			if w5 != minor goto next	(left out for any)
 *			return 1
 *	return 0
 *
 * mknod is allowed for every node: it is harmless without CAP_MKNOD, which the default set has not
 * got, and harmless with it since opening is what is denied. /dev/kmsg, mem, disks, kvm, fuse, tun
 * are not in the list.
 *
 * It is attached with BPF_F_ALLOW_MULTI before the first process is there. A restart finds its
 * program by its name, which stands for the rules, so that they do not pile up, and one with other
 * rules is detached. The link lives as long as
 * the group: no descriptor is kept. Needs CAP_BPF and CAP_NET_ADMIN or CAP_SYS_ADMIN in the initial
 * user namespace.
 */
#include "engine/cgroup/device_filter.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/cgroup/bpf_abi.h"

#define PROGRAM_PREFIX "podium_" /* and 8 digits that stand for the rules */
#define ATTACHED_MAX   64	 /* programs on one group that are looked through */
#define INSNS_PER_RULE 8
#define ACCESS_SHIFT   16
#define JUMP_UNLESS    (ABI_JMP32 | ABI_JNE | BPF_K)
#define TYPE_MASK      0xffff

const struct device_rule device_rules[] = {
	{ DEVICE_TYPE_CHAR, DEVICE_ANY, DEVICE_ANY, DEVICE_MAY_MKNOD },
	{ DEVICE_TYPE_BLOCK, DEVICE_ANY, DEVICE_ANY, DEVICE_MAY_MKNOD },
	{ DEVICE_TYPE_CHAR, 1, 3, DEVICE_MAY_ALL },	       /* null */
	{ DEVICE_TYPE_CHAR, 1, 5, DEVICE_MAY_ALL },	       /* zero */
	{ DEVICE_TYPE_CHAR, 1, 7, DEVICE_MAY_ALL },	       /* full */
	{ DEVICE_TYPE_CHAR, 1, 8, DEVICE_MAY_ALL },	       /* random */
	{ DEVICE_TYPE_CHAR, 1, 9, DEVICE_MAY_ALL },	       /* urandom */
	{ DEVICE_TYPE_CHAR, 5, 0, DEVICE_MAY_ALL },	       /* tty */
	{ DEVICE_TYPE_CHAR, 5, 1, DEVICE_MAY_ALL },	       /* console */
	{ DEVICE_TYPE_CHAR, 5, 2, DEVICE_MAY_ALL },	       /* ptmx */
	{ DEVICE_TYPE_CHAR, 136, DEVICE_ANY, DEVICE_MAY_ALL }, /* pts */
};
const size_t device_rules_count = ARRAY_SIZE(device_rules);

/* ---- v1 text ------------------------------------------------------------------------------- */

static void number_text(uint32_t n, char out[12])
{
	if (n == DEVICE_ANY)
		(void)snprintf(out, 12, "*");
	else
		(void)snprintf(out, 12, "%u", n);
}

void device_rule_text(const struct device_rule *rule, char out[DEVICE_RULE_TEXT_MAX])
{
	char major[12], minor[12];

	number_text(rule->major, major);
	number_text(rule->minor, minor);
	(void)snprintf(out, DEVICE_RULE_TEXT_MAX, "%c %s:%s %s%s%s",
		       rule->type == DEVICE_TYPE_BLOCK ? 'b' : 'c', major, minor,
		       rule->access & DEVICE_MAY_READ ? "r" : "",
		       rule->access & DEVICE_MAY_WRITE ? "w" : "",
		       rule->access & DEVICE_MAY_MKNOD ? "m" : "");
}

bool is_device_rule_text(const char *line, const struct device_rule *extra, size_t n_extra)
{
	char text[DEVICE_RULE_TEXT_MAX];

	for (size_t i = 0; i < device_rules_count + n_extra; i++) {
		device_rule_text(i < device_rules_count ? &device_rules[i]
							: &extra[i - device_rules_count],
				 text);
		if (strcmp(text, line) == 0)
			return true;
	}
	return false;
}

/* ---- assembler ----------------------------------------------------------------------------- */

static struct abi_insn load_word(int dst, size_t offset)
{
	return (struct abi_insn){ .code = BPF_LDX | BPF_MEM | BPF_W,
				  .regs = ABI_REGS(dst, 1),
				  .off = (int16_t)offset };
}

static struct abi_insn alu_imm(int op, int dst, uint32_t imm)
{
	return (struct abi_insn){ .code = (uint8_t)(BPF_ALU | op | BPF_K),
				  .regs = ABI_REGS(dst, 0),
				  .imm = (int32_t)imm };
}

static struct abi_insn move_reg(int dst, int src)
{
	return (struct abi_insn){ .code = BPF_ALU | ABI_MOV | BPF_X, .regs = ABI_REGS(dst, src) };
}

/* The offset is filled in when the rule's end is known. */
static struct abi_insn jump_unless(int dst, uint32_t imm)
{
	return (struct abi_insn){ .code = JUMP_UNLESS,
				  .regs = ABI_REGS(dst, 0),
				  .imm = (int32_t)imm };
}

static const struct abi_insn exit_insn = { .code = BPF_JMP | ABI_EXIT };

static size_t build_rule(const struct device_rule *rule, struct abi_insn *out)
{
	size_t n = 0;

	out[n++] = jump_unless(2, rule->type);
	if (rule->access != DEVICE_MAY_ALL) {
		out[n++] = move_reg(1, 3);
		out[n++] = alu_imm(BPF_AND, 1, ~rule->access);
		out[n++] = jump_unless(1, 0);
	}
	if (rule->major != DEVICE_ANY)
		out[n++] = jump_unless(4, rule->major);
	if (rule->minor != DEVICE_ANY)
		out[n++] = jump_unless(5, rule->minor);
	out[n++] = alu_imm(ABI_MOV, 0, 1);
	out[n++] = exit_insn;
	for (size_t i = 0; i < n; i++)
		if (out[i].code == JUMP_UNLESS)
			out[i].off = (int16_t)(n - i - 1);
	return n;
}

int device_program_build(const struct device_rule *rules, size_t n, struct abi_insn *out,
			 size_t max)
{
	size_t len = 0;

	if (max < 8)
		return -E2BIG;
	out[len++] = load_word(2, offsetof(struct abi_device_ctx, access_type));
	out[len++] = move_reg(3, 2);
	out[len++] = alu_imm(BPF_RSH, 3, ACCESS_SHIFT);
	out[len++] = alu_imm(BPF_AND, 2, TYPE_MASK);
	out[len++] = load_word(4, offsetof(struct abi_device_ctx, major));
	out[len++] = load_word(5, offsetof(struct abi_device_ctx, minor));
	for (size_t i = 0; i < n; i++) {
		if (max - len < INSNS_PER_RULE + 2)
			return -E2BIG;
		len += build_rule(&rules[i], out + len);
	}
	out[len++] = alu_imm(ABI_MOV, 0, 0);
	out[len++] = exit_insn;
	return (int)len;
}

/* ---- the kernel ---------------------------------------------------------------------------- */

static int sys_bpf(enum abi_bpf_cmd cmd, void *attr, size_t size)
{
	long r = syscall(SYS_bpf, cmd, attr, size);

	return r < 0 ? -errno : (int)r;
}

/* What a program for these rules is called: FNV-1a over them. */
static void program_name(const struct device_rule *rules, size_t n, char out[ABI_OBJ_NAME_LEN])
{
	const unsigned char *p = (const unsigned char *)rules;
	uint32_t h = 0x811c9dc5U;

	for (size_t i = 0; i < n * sizeof(*rules); i++)
		h = (h ^ p[i]) * 0x01000193U;
	(void)snprintf(out, ABI_OBJ_NAME_LEN, PROGRAM_PREFIX "%08x", h);
}

/* Opens a program by its id; its name, where it is one of ours, else "". */
static int open_program(uint32_t id, char ret_name[ABI_OBJ_NAME_LEN])
{
	struct abi_fd_by_id by_id = { .prog_id = id };
	struct abi_prog_info info = { 0 };
	struct abi_info_by_fd get = { .info_len = sizeof(info),
				      .info = (uint64_t)(uintptr_t)&info };
	int fd = sys_bpf(ABI_PROG_GET_FD_BY_ID, &by_id, sizeof(by_id));

	ret_name[0] = '\0';
	get.bpf_fd = (uint32_t)fd;
	if (fd >= 0 && sys_bpf(ABI_OBJ_GET_INFO_BY_FD, &get, sizeof(get)) == 0 &&
	    strncmp(info.name, PROGRAM_PREFIX, strlen(PROGRAM_PREFIX)) == 0)
		(void)snprintf(ret_name, ABI_OBJ_NAME_LEN, "%.15s", info.name);
	return fd;
}

/* 1 when the group has the program of that name, 0 when not; others of ours are detached. */
static int query_attached(int group_fd, const char *name)
{
	uint32_t ids[ATTACHED_MAX];
	struct abi_prog_query query = { .target_fd = (uint32_t)group_fd,
					.attach_type = ABI_CGROUP_DEVICE,
					.prog_ids = (uint64_t)(uintptr_t)ids,
					.prog_cnt = ATTACHED_MAX };
	int found = 0, r = sys_bpf(ABI_PROG_QUERY, &query, sizeof(query));

	for (uint32_t i = 0; r == 0 && i < query.prog_cnt; i++) {
		char other[ABI_OBJ_NAME_LEN];
		cleanup_close int fd = open_program(ids[i], other);
		struct abi_prog_attach detach = { .target_fd = (uint32_t)group_fd,
						  .attach_bpf_fd = (uint32_t)fd,
						  .attach_type = ABI_CGROUP_DEVICE };

		if (strcmp(other, name) == 0)
			found = 1;
		else if (other[0])
			r = sys_bpf(ABI_PROG_DETACH, &detach, sizeof(detach));
	}
	return r < 0 ? r : found;
}

static int load_program(const struct device_rule *rules, size_t n_rules, const char *name)
{
	struct abi_insn *insns = xcalloc(DEVICE_PROGRAM_MAX, sizeof(*insns));
	int n = device_program_build(rules, n_rules, insns, DEVICE_PROGRAM_MAX);
	struct abi_prog_load load = { .prog_type = ABI_PROG_TYPE_CGROUP_DEVICE,
				      .insns = (uint64_t)(uintptr_t)insns,
				      .license = (uint64_t)(uintptr_t) "Apache-2.0" };

	(void)snprintf(load.prog_name, sizeof(load.prog_name), "%s", name);
	load.insn_cnt = (uint32_t)n;
	if (n >= 0)
		n = sys_bpf(ABI_PROG_LOAD, &load, sizeof(load));
	free(insns);
	return n;
}

int device_program_attach(int group_fd, const struct device_rule *extra, size_t n_extra,
			  struct error *err)
{
	struct device_rule rules[32 + DEVICE_EXTRA_MAX] = { 0 };
	struct abi_prog_attach attach = { .target_fd = (uint32_t)group_fd,
					  .attach_type = ABI_CGROUP_DEVICE,
					  .attach_flags = ABI_F_ALLOW_MULTI };
	cleanup_close int prog = -EBADF;
	char name[ABI_OBJ_NAME_LEN];
	int r;

	if (n_extra > DEVICE_EXTRA_MAX)
		return error_set(err, E2BIG, "more than %d devices", DEVICE_EXTRA_MAX);
	memcpy(rules, device_rules, sizeof(device_rules));
	if (n_extra)
		memcpy(rules + device_rules_count, extra, n_extra * sizeof(*extra));
	program_name(rules, device_rules_count + n_extra, name);
	r = query_attached(group_fd, name);
	if (r == 1)
		return 0;
	if (r < 0)
		return error_set(err, -r, "query the device programs: %s", strerror(-r));
	prog = load_program(rules, device_rules_count + n_extra, name);
	if (prog < 0)
		return error_set(err, -prog, "load the device program: %s", strerror(-prog));
	attach.attach_bpf_fd = (uint32_t)prog;
	r = sys_bpf(ABI_PROG_ATTACH, &attach, sizeof(attach));
	if (r < 0)
		return error_set(err, -r, "attach the device program: %s", strerror(-r));
	if (query_attached(group_fd, name) != 1)
		return error_set(err, EPERM, "the device program is not attached");
	return 0;
}
