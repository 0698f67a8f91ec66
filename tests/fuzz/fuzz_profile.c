/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_profile - any bytes as a seccomp profile: no crash, an error with a reason, or a program that
 * ends with a verdict within the kernel's limits.
 */
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/podium-seccomp/emit.h"
#include "cmd/podium-seccomp/profile.h"
#include "engine/base/mem.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct emit_program program;
	const struct profile_target target = { .caps = 0x5fb, .kernel = { 6, 1 } };
	struct error err = { 0 };
	int r = profile_compile((const char *)data, size, &target, &program, &err);

	if (r < 0 && !err.text[0])
		abort();
	if (r == 0 && (program.n == 0 || program.n > EMIT_MAX_INSNS ||
		       program.v[program.n - 1].code != (BPF_RET | BPF_K)))
		abort();
	return 0;
}
