/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bpf_abi - the part of the kernel's bpf(2) interface that device_filter.c uses.
 *
 * <linux/bpf.h> cannot be included in this tree: it names functions that engine/base/banned.h
 * poisons. Opcodes come from <linux/bpf_common.h>; the rest is stable ABI and stands here, each
 * request as a struct of its own (the kernel takes any length and reads what is missing as zero).
 */
#ifndef PODIUM_CGROUP_BPF_ABI_H
#define PODIUM_CGROUP_BPF_ABI_H

#include <linux/bpf_common.h>
#include <stdint.h>

/* Not in bpf_common.h: the extended instruction set. */
#define ABI_JMP32 0x06
#define ABI_JNE	  0x50
#define ABI_MOV	  0xb0
#define ABI_EXIT  0x90

enum abi_bpf_cmd {
	ABI_PROG_LOAD = 5,
	ABI_PROG_ATTACH = 8,
	ABI_PROG_DETACH = 9,
	ABI_PROG_GET_FD_BY_ID = 13,
	ABI_OBJ_GET_INFO_BY_FD = 15,
	ABI_PROG_QUERY = 16,
};
#define ABI_PROG_TYPE_CGROUP_DEVICE 15
#define ABI_CGROUP_DEVICE	    6 /* attach type */
#define ABI_F_ALLOW_MULTI	    2
#define ABI_OBJ_NAME_LEN	    16

struct abi_insn {
	uint8_t code;
	uint8_t regs; /* two nibbles, by byte order: ABI_REGS() */
	int16_t off;
	int32_t imm;
};
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ABI_REGS(dst, src) ((uint8_t)(((src) << 4) | (dst)))
#define ABI_DST(regs)	   ((regs)&0xf)
#define ABI_SRC(regs)	   ((regs) >> 4)
#else
#define ABI_REGS(dst, src) ((uint8_t)(((dst) << 4) | (src)))
#define ABI_DST(regs)	   ((regs) >> 4)
#define ABI_SRC(regs)	   ((regs)&0xf)
#endif

/* What a device program is called with. */
struct abi_device_ctx {
	uint32_t access_type; /* access << 16 | type */
	uint32_t major;
	uint32_t minor;
};

struct abi_prog_load {
	uint32_t prog_type;
	uint32_t insn_cnt;
	uint64_t insns;
	uint64_t license;
	uint32_t log_level;
	uint32_t log_size;
	uint64_t log_buf;
	uint32_t kern_version;
	uint32_t prog_flags;
	char prog_name[ABI_OBJ_NAME_LEN];
};
struct abi_prog_attach {
	uint32_t target_fd;
	uint32_t attach_bpf_fd;
	uint32_t attach_type;
	uint32_t attach_flags;
};
struct abi_prog_query {
	uint32_t target_fd;
	uint32_t attach_type;
	uint32_t query_flags;
	uint32_t attach_flags;
	uint64_t prog_ids;
	uint32_t prog_cnt;
	uint32_t unused;
	uint64_t reserved[4]; /* 6.17 writes a revision into the last whatever length it is told */
};
struct abi_fd_by_id {
	uint32_t prog_id;
	uint32_t next_id;
	uint32_t open_flags;
	uint32_t unused;
};
struct abi_info_by_fd {
	uint32_t bpf_fd;
	uint32_t info_len;
	uint64_t info;
};
/* The beginning of struct bpf_prog_info, as far as the name. */
struct abi_prog_info {
	uint32_t type;
	uint32_t id;
	uint8_t tag[8];
	uint32_t jited_prog_len;
	uint32_t xlated_prog_len;
	uint64_t jited_prog_insns;
	uint64_t xlated_prog_insns;
	uint64_t load_time;
	uint32_t created_by_uid;
	uint32_t nr_map_ids;
	uint64_t map_ids;
	char name[ABI_OBJ_NAME_LEN];
};

#endif
