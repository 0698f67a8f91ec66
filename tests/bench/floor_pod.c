/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor_pod - a pod of two containers to its first HTTP answer, and its end, again and again.
 *
 * One line a run, and with kept pods one for the removal of them all:
 *	answer_ms=A down_ms=D gone_ms=G cpu_ms=C	(gone: the kernel has freed
 *									 the network namespace)
 *	kept=K down_ms=D gone_ms=G
 *
 * The order is the simple one: pause, cgroups, both containers, the network meanwhile; a futex
 * holds the containers back before exec until the network stands. On two cores nothing cleverer is
 * faster.
 */
#include "tests/bench/floor.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "engine/base/clock.h"
#include "engine/base/str.h"

#define ANSWER_LIMIT_US 2000000
#define ANSWER_WAIT_US	5000
#define RUNS_MAX	1000 /* less than the pool has addresses */
#define MEMBERS		2

struct pod {
	int number;
	uint16_t port;
	pid_t pid[MEMBERS + 1]; /* pause is the last */
	int fd[MEMBERS + 1];
};
struct plan {
	uint64_t runs, keep, pause_ms;
};

static void sleep_us(int64_t us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };

	(void)nanosleep(&t, NULL);
}

static bool is_answering(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval soon = { 0, ANSWER_WAIT_US };
	struct linger at_once = { 1, 0 };
	bool is_ok = false;
	char b[16];

	(void)setsockopt(s, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	/* A SYN that meets a device not yet transmitting is lost, and would be sent again after 1
	 * s. */
	(void)setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
	(void)setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
	if (connect(s, (const struct sockaddr *)&a, sizeof(a)) == 0 &&
	    send(s, "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL) == 18)
		is_ok = recv(s, b, sizeof(b), 0) > 0;
	(void)close(s);
	return is_ok;
}

static void pause_start(struct pod *p, const int execs[2])
{
	long r =
		floor_clone(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWPID,
			    &p->fd[MEMBERS]);

	if (r == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)close(execs[0]);
		(void)close(execs[1]);
		floor_need(sethostname("my-app", 6), "sethostname");
		for (;;)
			(void)pause();
	}
	floor_need(r, "clone3");
	p->pid[MEMBERS] = (pid_t)r;
}

static void pod_up(struct floor *f, struct floor_shared *shared, struct pod *p, int log_fd)
{
	char *const web[] = { (char[]){ "httpd" },
			      (char[]){ "-f" },
			      (char[]){ "-p" },
			      (char[]){ "8001" },
			      (char[]){ "-h" },
			      (char[]){ "/www" },
			      NULL };
	char *const side[] = { (char[]){ "sleep" }, (char[]){ "1000" }, NULL };
	int64_t until = clock_mono_us() + ANSWER_LIMIT_US;
	int execs[2];
	char none;

	shared->is_net_ready = 0;
	floor_need(pipe2(execs, O_CLOEXEC), "pipe");
	pause_start(p, execs);
	for (int i = 0; i < MEMBERS; i++) {
		struct floor_container c = { .floor = f,
					     .shared = shared,
					     .pod = p->number,
					     .index = i,
					     .pause_fd = p->fd[MEMBERS],
					     .log_fd = log_fd,
					     .argv = i ? side : web };
		long r;

		floor_container_dirs(f, p->number, i);
		r = floor_clone(CLONE_NEWPID | CLONE_NEWNS, &p->fd[i]);
		if (r == 0)
			floor_container_child(&c);
		floor_need(r, "clone3");
		p->pid[i] = (pid_t)r;
	}
	floor_net_up(f, p->number, p->pid[MEMBERS], p->port);
	floor_wake(&shared->is_net_ready);
	(void)close(execs[1]);
	floor_need(read(execs[0], &none, 1), "execs"); /* the end of file of both */
	(void)close(execs[0]);
	while (!is_answering(p->port))
		if (clock_mono_us() > until)
			floor_die("no answer");
}

static void pod_kill(const struct pod *p)
{
	for (int i = 0; i <= MEMBERS; i++)
		(void)syscall(SYS_pidfd_send_signal, p->fd[i], SIGKILL, NULL, 0);
}

static void pod_end(struct floor *f, struct pod *p)
{
	for (int i = 0; i <= MEMBERS; i++)
		(void)waitpid(p->pid[i], NULL, 0);
	for (int i = 0; i < MEMBERS; i++)
		floor_cgroup_rmdir(p->number, i);
	floor_port_del(f, p->port);
	for (int i = 0; i <= MEMBERS; i++)
		(void)close(p->fd[i]);
	for (int i = 0; i < MEMBERS; i++)
		floor_container_undirs(f, p->number, i);
}

static int64_t cpu_us(void)
{
	int64_t us = 0;

	for (int i = 0; i < 2; i++) {
		struct rusage u;

		(void)getrusage(i ? RUSAGE_CHILDREN : RUSAGE_SELF, &u);
		us += (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000LL + u.ru_utime.tv_usec +
		      u.ru_stime.tv_usec;
	}
	return us;
}

static int64_t wait_gone(int number)
{
	while (floor_veth_index(number))
		sleep_us(500);
	return clock_mono_us();
}

static void plan_read(struct plan *p, int argc, char **argv)
{
	int c, r = 0;

	*p = (struct plan){ .runs = 1, .pause_ms = 200 };
	while ((c = getopt(argc, argv, "n:k:w:")) != -1 && r == 0)
		r = parse_u64(optarg, c == 'w' ? 10000 : RUNS_MAX,
			      c == 'n'	 ? &p->runs
			      : c == 'k' ? &p->keep
					 : &p->pause_ms);
	if (r < 0 || optind < argc) {
		(void)fprintf(stderr, "usage: floor pod [-n RUNS] [-k KEEP] [-w MS]\n");
		exit(2);
	}
}

static void one_run(struct floor *f, struct floor_shared *shared, struct pod *p, int null)
{
	int64_t cpu = cpu_us(), t0 = clock_mono_us(), t1, t2, t3;

	pod_up(f, shared, p, null);
	t1 = clock_mono_us();
	pod_kill(p);
	pod_end(f, p);
	t2 = clock_mono_us();
	t3 = wait_gone(p->number);
	printf("answer_ms=%.3f down_ms=%.3f gone_ms=%.3f cpu_ms=%.3f\n", (double)(t1 - t0) / 1e3,
	       (double)(t2 - t1) / 1e3, (double)(t3 - t1) / 1e3, (double)(cpu_us() - cpu) / 1e3);
}

static void warm_up(struct floor *f, struct floor_shared *shared, int null)
{
	struct pod p = { .number = RUNS_MAX, .port = FLOOR_PORT_FIRST + RUNS_MAX };

	pod_up(f, shared, &p, null);
	pod_kill(&p);
	pod_end(f, &p);
	(void)wait_gone(p.number);
}

int floor_pod(struct floor *f, int argc, char **argv)
{
	struct floor_shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct plan plan;
	struct pod *pods;
	int64_t t0, t1;

	plan_read(&plan, argc, argv);
	pods = calloc(plan.keep + plan.runs, sizeof(*pods));
	if (!pods || shared == MAP_FAILED)
		floor_die("memory");
	floor_layers_make(f);
	floor_net_begin(f);
	f->filter = floor_filter_make();
	/* A bridge has no carrier before its first port: what is sent meanwhile is lost, and so is
	 * a second. One pod that nobody counts. */
	warm_up(f, shared, null);
	for (uint64_t i = 0; i < plan.keep + plan.runs; i++) {
		pods[i].number = (int)i;
		pods[i].port = (uint16_t)(FLOOR_PORT_FIRST + i);
		if (i >= plan.keep)
			one_run(f, shared, &pods[i], null);
		else
			pod_up(f, shared, &pods[i], null);
		if (i >= plan.keep && i + 1 < plan.keep + plan.runs)
			sleep_us((int64_t)plan.pause_ms * 1000);
	}
	t0 = clock_mono_us();
	for (uint64_t i = 0; i < plan.keep; i++)
		pod_kill(&pods[i]);
	for (uint64_t i = 0; i < plan.keep; i++)
		pod_end(f, &pods[i]);
	t1 = clock_mono_us();
	for (uint64_t i = 0; i < plan.keep; i++)
		(void)wait_gone(pods[i].number);
	if (plan.keep)
		printf("kept=%d down_ms=%.3f gone_ms=%.3f\n", (int)plan.keep,
		       (double)(t1 - t0) / 1e3, (double)(clock_mono_us() - t0) / 1e3);
	free(pods);
	return 0;
}
