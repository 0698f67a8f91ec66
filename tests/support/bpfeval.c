/* SPDX-License-Identifier: Apache-2.0 */
/* bpfeval - the classic BPF that seccomp accepts, as far as our programs and libseccomp's use it. */
#include "tests/support/bpfeval.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/cunit_main.h"

uint32_t bpf_evaluate(const struct sock_filter *v, unsigned int n, const struct seccomp_data *d)
{
	uint32_t a = 0;

	for (unsigned int pc = 0; pc < n; pc++) {
		const struct sock_filter *i = &v[pc];

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			CU_ASSERT_FATAL(i->k % 4 == 0 && i->k + 4 <= sizeof(*d));
			memcpy(&a, (const char *)d + i->k, 4);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			break;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += a == i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			pc += a > i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			pc += a >= i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			pc += a & i->k ? i->jt : i->jf;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		default:
			CU_FAIL_FATAL("unknown instruction");
		}
	}
	CU_FAIL_FATAL("fell off the end");
	return 0;
}

const char *bpf_verdict_str(uint32_t v)
{
	static char text[40];
	unsigned int data = v & SECCOMP_RET_DATA;

	switch (v & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		return "allow";
	case SECCOMP_RET_KILL_PROCESS:
		return "kill";
	case SECCOMP_RET_KILL_THREAD:
		return "kill-thread";
	case SECCOMP_RET_LOG:
		return "log";
	case SECCOMP_RET_TRAP:
		return "trap";
	case SECCOMP_RET_TRACE:
		(void)snprintf(text, sizeof(text), "trace %u", data);
		return text;
	case SECCOMP_RET_ERRNO:
		(void)snprintf(text, sizeof(text), "%s",
			       strerrorname_np((int)data) ? strerrorname_np((int)data) : "0");
		return text;
	default:
		return "?";
	}
}
