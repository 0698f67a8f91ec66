/* SPDX-License-Identifier: Apache-2.0 */
/* bpfeval - runs a seccomp program in user space. */
#ifndef PODIUM_TESTS_BPFEVAL_H
#define PODIUM_TESTS_BPFEVAL_H

#include <stdint.h>

struct sock_filter;
struct seccomp_data;

/* What the program returns; fails the test when it is not a program that the kernel would take. */
uint32_t bpf_evaluate(const struct sock_filter *v, unsigned int n, const struct seccomp_data *d);

/* "allow", "kill", "kill-thread", "log", "trap", "trace N", "EPERM", ... (static) */
const char *bpf_verdict_str(uint32_t verdict);

#endif
