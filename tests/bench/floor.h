/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor - parts of the program that does a pod's system calls and nothing else. Measuring code: it
 * prints and exits on the first failure.
 */
#ifndef PODIUM_TESTS_BENCH_FLOOR_H
#define PODIUM_TESTS_BENCH_FLOOR_H

#include <linux/filter.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#define FLOOR_PORT_FIRST 20000 /* host port of the first pod */
#define FLOOR_PORT_WEB	 8001  /* where the web server listens in the pod */

/* Where everything lies: absolute, short (mount options hold it four times). */
struct floor {
	char dir[128];
	struct sock_fprog filter;
	int bridge; /* index */
	int route;  /* rtnetlink socket */
	struct mnl_socket *nf;
	uint32_t nf_seq;
};
/* What the engine and its two containers share, in memory of MAP_SHARED. */
struct floor_shared {
	uint32_t is_net_ready; /* futex */
};
struct floor_container {
	const struct floor *floor;
	struct floor_shared *shared;
	int pod, index; /* numbers that make names */
	int pause_fd;	/* pidfd whose namespaces are joined; -1: namespaces of its own */
	int log_fd;
	char *const *argv;
};

/* floor.c */
void __attribute__((noreturn)) floor_die(const char *what);
void floor_need(long result, const char *what); /* dies when negative */
void floor_write(const char *path, const char *text);
/* A formatted path in the caller's array. */
#define floor_path(out, ...) ((void)snprintf(out, sizeof(out), __VA_ARGS__), (out))
long floor_clone(uint64_t flags, int *ret_pidfd);
void floor_wake(uint32_t *futex);
void floor_wait(uint32_t *futex);

/* floor_filter.c: the filter as ranges of numbers and a binary search; the caller owns .filter. */
struct sock_fprog floor_filter_make(void);
/* The filter from dir/filter.bpf, made there when missing: what a real engine does at a start. */
struct sock_fprog floor_filter_cached(const char *dir);

/* floor_net.c */
void floor_net_begin(struct floor *f); /* bridge, table, sockets: once a boot in a real engine */
void floor_net_up(struct floor *f, int pod, pid_t pause_pid, uint16_t port);
void floor_port_del(struct floor *f, uint16_t port);
unsigned int floor_veth_index(int pod); /* 0: gone */

/* floor_container.c */
void floor_layers_make(const struct floor *f); /* three lower layers of busybox, a web root */
void floor_container_dirs(const struct floor *f, int pod, int index);
void floor_container_undirs(const struct floor *f, int pod, int index);
void floor_cgroup_rmdir(int pod, int index);
void floor_drop_caps(void);
void floor_filter_load(const struct sock_fprog *filter);
/* Runs in a child of clone3(CLONE_NEWPID | CLONE_NEWNS); ends in execve(2) or _exit(2). */
void __attribute__((noreturn)) floor_container_child(const struct floor_container *c);

/* floor_pod.c: pod [-n RUNS] [-k KEEP] [-w MS] */
int floor_pod(struct floor *f, int argc, char **argv);

#endif
