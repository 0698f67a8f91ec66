/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ttp - time to port: runs commands and reports when an HTTP port first answers, when each command
 * ended, and what all of it cost.
 *
 *	ttp [-a ADDRESS] [-p PORT] [-m MNTNS] [-w MS] COMMAND [ARG...] [--- COMMAND [ARG...]]...
 *
 * Commands run one after the other, -w milliseconds apart, standard output to /dev/null. While the
 * first one runs and until it answers, ADDRESS:PORT (default 127.0.0.1) is asked for "GET /".
 * -m runs the commands in the mount namespace of that file. Prints one line:
 *	answer_ms=A exit1_ms=E cpu1_ms=C rss1_kib=R exit2_ms=... all_cpu_ms=C all_rss_kib=R
 *
 * Theory of operation: an answer is a byte of HTTP, not an accepted connection, since an engine may
 * reserve the port by a socket of its own before its rule is in place. A poll(2) on the command's
 * pidfd and the asking socket serves both, so an end is seen at once and an answer within the
 * 0.25 ms between two questions.
 *
 * cpuN and rssN are what wait4(2) says of command N: it and the children it waited for. Neither
 * engine has a daemon, but both leave processes behind that go on working (monitors, exit hooks,
 * helpers), so this process is their subreaper: whatever a command orphaned is reaped here, and
 * all_* counts every process that has ended by the time the last command's family is gone or
 * SETTLE_MS have passed (a single command is not waited for so: what it leaves behind is to stay).
 * They are reaped at once, by SIGCHLD: Podman waits for its monitor to vanish, 20 s for a zombie.
 * So "up --- down" gives the cost of a pod's whole life, which no cgroup would: both engines put
 * what they start into cgroups of their own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "engine/base/clock.h"
#include "engine/base/str.h"

#define ASK_PAUSE_US 250
#define ASK_WAIT_US  10000
#define RUN_LIMIT_US 1200000000LL /* Podman removes 100 pods in five minutes and more */
#define SETTLE_MS    3000
#define COMMANDS_MAX 8
#define PORT_MAX     65535

struct options {
	int sigchld_fd;
	struct sockaddr_in to; /* sin_port 0: nobody is asked */
	int mntns;
	uint64_t pause_ms;
};
struct ask {
	int fd; /* -1: between two questions */
	bool is_asked;
	int64_t due_us; /* when to give up, or to ask again */
};

static void __attribute__((noreturn)) die(const char *what)
{
	perror(what);
	exit(2);
}

static void sleep_us(int64_t us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };

	(void)nanosleep(&t, NULL);
}

/* ---- the question -----------------------------------------------------------------------------
 */

static void ask_drop(struct ask *a, int64_t now)
{
	(void)close(a->fd);
	a->fd = -1;
	a->due_us = now + ASK_PAUSE_US;
}

static void ask_begin(struct ask *a, const struct sockaddr_in *to, int64_t now)
{
	struct linger at_once = { 1, 0 };

	a->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (a->fd < 0)
		die("socket");
	/* Reset instead of TIME_WAIT: the next engine must not meet this one's connections. */
	(void)setsockopt(a->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	a->is_asked = false;
	a->due_us = now + ASK_WAIT_US;
	if (connect(a->fd, (const struct sockaddr *)to, sizeof(*to)) < 0 && errno != EINPROGRESS)
		ask_drop(a, now);
}

/* The socket is ready: true when an answer's first byte is there. */
static bool ask_ready(struct ask *a, short events, int64_t now)
{
	static const char question[] = "GET / HTTP/1.0\r\n\r\n";
	char b[16];

	if (!a->is_asked && !(events & (POLLERR | POLLHUP)) &&
	    send(a->fd, question, sizeof(question) - 1, MSG_NOSIGNAL) > 0) {
		a->is_asked = true;
		return false;
	}
	if (a->is_asked && recv(a->fd, b, sizeof(b), 0) > 0) {
		(void)close(a->fd);
		a->fd = -1;
		return true;
	}
	ask_drop(a, now);
	return false;
}

/* ---- the commands -----------------------------------------------------------------------------
 */

static const sigset_t *sigchld(void)
{
	static sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	return &set;
}

/* Reaps what has ended, but for the command itself: that one's usage is asked for. */
static void reap_others(int sigchld_fd, pid_t command)
{
	struct signalfd_siginfo seen;
	siginfo_t si = { 0 };

	if (read(sigchld_fd, &seen, sizeof(seen)) < 0)
		return;
	while (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) == 0 && si.si_pid &&
	       si.si_pid != command) {
		(void)waitpid(si.si_pid, NULL, 0);
		si.si_pid = 0;
	}
}

static pid_t command_start(const struct options *o, char **argv, int *ret_pidfd)
{
	pid_t p = fork();
	int null;

	if (p < 0)
		die("fork");
	if (p == 0) {
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (o->mntns >= 0 && setns(o->mntns, CLONE_NEWNS) < 0)
			die("setns");
		(void)dup2(null, 0);
		(void)dup2(null, 1);
		(void)sigprocmask(SIG_UNBLOCK, sigchld(), NULL);
		(void)execvp(argv[0], argv);
		die(argv[0]);
	}
	*ret_pidfd = (int)syscall(SYS_pidfd_open, p, 0);
	if (*ret_pidfd < 0)
		die("pidfd_open");
	return p;
}

static double cpu_ms(const struct rusage *u)
{
	return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1e3 +
	       (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e3;
}

/* Waits for the command's end and, if asked for, the answer; returns the answer's time. */
static int64_t watch(const struct options *o, bool is_asking, pid_t command, int pidfd,
		     int64_t *ret_end)
{
	struct ask a = { .fd = -1, .due_us = 0 };
	int64_t answer = 0, start = clock_mono_us(), now = start;

	*ret_end = 0;
	while (!*ret_end || (is_asking && !answer)) {
		struct pollfd p[3] = { { *ret_end ? -1 : pidfd, POLLIN, 0 },
				       { -1, 0, 0 },
				       { o->sigchld_fd, POLLIN, 0 } };
		struct timespec t = { 1, 0 };

		if (is_asking && !answer) {
			if (a.fd < 0 && now >= a.due_us)
				ask_begin(&a, &o->to, now);
			p[1].fd = a.fd;
			p[1].events = a.is_asked ? POLLIN : POLLOUT;
			t = (struct timespec){ 0, (a.due_us > now ? a.due_us - now : 0) * 1000 };
		}
		if (ppoll(p, ARRAY_SIZE(p), &t, NULL) < 0)
			die("poll");
		now = clock_mono_us();
		if (p[2].revents)
			reap_others(o->sigchld_fd, command);
		if (p[0].revents)
			*ret_end = now;
		if (p[1].revents && ask_ready(&a, p[1].revents, now))
			answer = now;
		else if (a.fd >= 0 && now >= a.due_us)
			ask_drop(&a, now);
		if (now - start > RUN_LIMIT_US) {
			(void)fprintf(stderr, "ttp: no end or no answer in time\n");
			exit(1);
		}
	}
	return answer;
}

static void command_run(const struct options *o, int number, char **argv)
{
	bool is_asking = number == 1 && o->to.sin_port;
	int64_t start = clock_mono_us(), answer, end;
	struct rusage u;
	int pidfd, status;
	pid_t p = command_start(o, argv, &pidfd);

	answer = watch(o, is_asking, p, pidfd, &end);
	if (wait4(p, &status, 0, &u) != p)
		die("wait4");
	(void)close(pidfd);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		(void)fprintf(stderr, "ttp: '%s' failed (%x)\n", argv[0], (unsigned int)status);
		exit(1);
	}
	if (is_asking)
		printf("answer_ms=%.3f ", (double)(answer - start) / 1e3);
	printf("exit%d_ms=%.3f cpu%d_ms=%.3f rss%d_kib=%ld ", number, (double)(end - start) / 1e3,
	       number, cpu_ms(&u), number, u.ru_maxrss);
}

/* Reaps what the commands left behind, as long as it keeps ending. */
static void settle(void)
{
	int64_t until = clock_mono_us() + SETTLE_MS * 1000;
	pid_t p = 0;

	while (p >= 0 && clock_mono_us() < until) {
		p = waitpid(-1, NULL, WNOHANG);
		if (p == 0)
			sleep_us(1000);
	}
}

static void usage(void)
{
	(void)fprintf(stderr, "usage: ttp [-a ADDRESS] [-p PORT] [-m MNTNS] [-w MS] COMMAND...\n");
	exit(2);
}

static int options_read(struct options *o, int argc, char **argv)
{
	uint64_t port = 0;
	int c;

	*o = (struct options){ .to.sin_family = AF_INET, .mntns = -1 };
	o->to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	while ((c = getopt(argc, argv, "+a:p:m:w:")) != -1) {
		if (c == 'a' && inet_pton(AF_INET, optarg, &o->to.sin_addr) != 1)
			usage();
		if (c == 'p' && parse_u64(optarg, PORT_MAX, &port) < 0)
			usage();
		if (c == 'm' && (o->mntns = open(optarg, O_RDONLY | O_CLOEXEC)) < 0)
			die(optarg);
		if ((c == 'w' && parse_u64(optarg, SETTLE_MS, &o->pause_ms) < 0) || c == '?')
			usage();
	}
	o->to.sin_port = htons((uint16_t)port);
	if (optind >= argc)
		usage();
	return optind;
}

int main(int argc, char **argv)
{
	struct options o;
	struct rusage all;
	int at = options_read(&o, argc, argv), number;

	(void)sigprocmask(SIG_BLOCK, sigchld(), NULL);
	o.sigchld_fd = signalfd(-1, sigchld(), SFD_CLOEXEC | SFD_NONBLOCK);
	if (o.sigchld_fd < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		die("prctl");
	for (number = 1; at < argc && number <= COMMANDS_MAX; number++) {
		char **command = argv + at;

		while (at < argc && !is_equal(argv[at], "---"))
			at++;
		argv[at++] = NULL;
		if (number > 1)
			sleep_us((int64_t)o.pause_ms * 1000);
		command_run(&o, number, command);
	}
	if (number > 2)
		settle();
	(void)getrusage(RUSAGE_CHILDREN, &all);
	printf("all_cpu_ms=%.3f all_rss_kib=%ld\n", cpu_ms(&all), all.ru_maxrss);
	return 0;
}
