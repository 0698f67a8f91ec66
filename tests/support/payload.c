/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload - the only program of the tests' images: one static binary, a verb a job.
 *
 *	probe                  everything that confines this process, as text
 *	check-masks            what can be read or written of masked and read-only paths
 *	env | args | pwd | id  what it was given
 *	httpd PORT [TEXT]      HTTP/1.0 server: answers TEXT (or the path asked for), both families
 *	answers PORT FILE      HTTP/1.1 server: prints each request, answers as FILE says at the time:
 *	                       "STATUS [LOCATION]", "hang", or 503 when it is not there
 *	grpc-health PORT FILE  gRPC health service: the number in FILE is the status; 1 is SERVING
 *	tcp-echo PORT | udp-echo PORT
 *	tcp-send HOST PORT TEXT | udp-send HOST PORT TEXT   prints the answer
 *	sleep SECONDS          ends on TERM with 0; "sleep 0" for ever
 *	ignore-term            sleeps for ever, TERM does nothing
 *	exit N | abort | true
 *	lines N [TEXT]         writes N numbered lines
 *	cat [FILE] | write FILE TEXT | append FILE TEXT | touch FILE | ls DIR | stat FILE
 *	readlink FILE
 *	fork-bomb N            forks until it fails, N at most; prints how many
 *	memhog MIB             touches that much memory, then sleeps
 *	burn SECONDS           uses the processor
 *	sigdump                prints the name of every signal it gets, ends on TERM
 *	tty                    what descriptors 0 to 2 are, and the window size
 *	sti                    tries TIOCSTI and TIOCLINUX on 0 to 2
 *	socket FAMILY TYPE PROTO | syscall NR [ARG...]      prints "ok" or the error's name
 *	findkey NAME           looks for a user key in the session keyring
 *	watch-roots SECONDS    how the root of any process that comes compares with its own
 *	spawn VERB ...         runs itself as a child, prints its status
 *	seq VERB ... , VERB ...  one after the other; the last status counts
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 4096
#define N_ITEMS(a) (sizeof(a) / sizeof((a)[0]))

static long number(const char *s)
{
	return s ? strtol(s, NULL, 0) : 0;
}

static const char *error_name(int e)
{
	const char *n = e ? strerrorname_np(e) : "ok";

	return n ? n : "?";
}

/* Prints a file's content line by line behind a prefix. */
static void print_file(const char *path, const char *prefix, const char *only)
{
	char line[LINE_BYTES];
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (!only || strncmp(line, only, strlen(only)) == 0)
			printf("%s%s\n", prefix, line);
	}
	if (f)
		(void)fclose(f);
	else
		printf("%s%s: %s\n", prefix, path, error_name(errno));
}

/* ---- probe ------------------------------------------------------------------------------ */

static void probe_descriptors(void)
{
	printf("fds:");
	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf(" %d", fd);
	printf("\n");
}

static void probe_ids(void)
{
	gid_t groups[1024];
	int n = getgroups((int)N_ITEMS(groups), groups);
	uid_t r, e, s;

	(void)getresuid(&r, &e, &s);
	printf("uid: %u %u %u\n", r, e, s);
	(void)getresgid(&r, &e, &s);
	printf("gid: %u %u %u\n", r, e, s);
	printf("groups:");
	for (int i = 0; i < n; i++)
		printf(" %u", groups[i]);
	printf("\n");
}

static void probe_limits(void)
{
	static const struct {
		const char *name;
		int resource;
	} list[] = { { "core", RLIMIT_CORE },
		     { "nofile", RLIMIT_NOFILE },
		     { "memlock", RLIMIT_MEMLOCK } };

	for (size_t i = 0; i < N_ITEMS(list); i++) {
		struct rlimit l = { 0, 0 };

		(void)getrlimit((__rlimit_resource_t)list[i].resource, &l);
		printf("rlimit %s: %lld %lld\n", list[i].name, (long long)l.rlim_cur,
		       (long long)l.rlim_max);
	}
}

/* Mount point, options and type of each mount: what of mountinfo does not change from run to run.
 */
static void probe_mounts(void)
{
	char line[LINE_BYTES];
	FILE *f = fopen("/proc/self/mountinfo", "re");

	while (f && fgets(line, sizeof(line), f)) {
		char *words[32], *save = NULL;
		size_t n = 0, dash = 0;

		for (char *w = strtok_r(line, " \n", &save); w && n < N_ITEMS(words);
		     w = strtok_r(NULL, " \n", &save)) {
			words[n] = w;
			if (n >= 6 && !dash && strcmp(w, "-") == 0)
				dash = n;
			n++;
		}
		if (dash && dash + 1 < n)
			printf("mount %s %s %s\n", words[4], words[dash + 1], words[5]);
	}
	if (f)
		(void)fclose(f);
}

static int verb_probe(void)
{
	char host[256] = "", cwd[LINE_BYTES] = "";
	mode_t mask = umask(0);

	(void)umask(mask);
	(void)gethostname(host, sizeof(host) - 1);
	probe_ids();
	print_file("/proc/self/status", "", "Cap");
	print_file("/proc/self/status", "", "NoNewPrivs");
	print_file("/proc/self/status", "", "Seccomp:");
	print_file("/proc/self/status", "", "Sig");
	printf("pid: %d\nsid: %d\numask: %04o\nhostname: %s\ncwd: %s\n", (int)getpid(),
	       (int)getsid(0), mask, host, getcwd(cwd, sizeof(cwd)) ? cwd : error_name(errno));
	printf("dumpable: %d\n", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	probe_descriptors();
	probe_limits();
	print_file("/proc/self/oom_score_adj", "oom_score_adj: ", NULL);
	print_file("/proc/self/cgroup", "cgroup: ", NULL);
	probe_mounts();
	return 0;
}

static int verb_masks(void)
{
	static const char *const hidden[] = {
		"/proc/acpi",
		"/proc/asound",
		"/proc/interrupts",
		"/proc/kcore",
		"/proc/keys",
		"/proc/latency_stats",
		"/proc/sched_debug",
		"/proc/scsi",
		"/proc/timer_list",
		"/proc/timer_stats",
		"/sys/firmware",
		"/sys/fs/selinux",
		"/sys/devices/virtual/powercap",
	};
	static const char *const fixed[] = { "/proc/bus", "/proc/fs", "/proc/irq",
					     "/proc/sys/kernel/core_pattern",
					     "/proc/sysrq-trigger" };
	char byte;

	for (size_t i = 0; i < N_ITEMS(hidden); i++) {
		struct stat st;
		DIR *d;
		int fd, entries = 0;

		if (stat(hidden[i], &st) < 0) {
			printf("%s absent\n", hidden[i]);
			continue;
		}
		if (S_ISDIR(st.st_mode)) {
			d = opendir(hidden[i]);
			while (d && readdir(d))
				entries++;
			printf("%s entries %d\n", hidden[i], entries - 2);
			if (d)
				(void)closedir(d);
			continue;
		}
		fd = open(hidden[i], O_RDONLY | O_CLOEXEC);
		printf("%s reads %d chmod %s\n", hidden[i], fd < 0 ? -1 : (int)read(fd, &byte, 1),
		       error_name(chmod(hidden[i], 0777) < 0 ? errno : 0));
		(void)close(fd);
	}
	for (size_t i = 0; i < N_ITEMS(fixed); i++) {
		int fd = open(fixed[i], O_WRONLY | O_CLOEXEC);

		printf("%s open for writing: %s\n", fixed[i], error_name(fd < 0 ? errno : 0));
	}
	return 0;
}

/* ---- network ---------------------------------------------------------------------------- */

/* A socket of both families, or of IPv4 alone where there is no IPv6. */
static int bound_socket(int type, uint16_t port)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	int s = socket(AF_INET6, type | SOCK_CLOEXEC, 0), off = 0, on = 1;

	if (s >= 0) {
		(void)setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
		(void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(s, (struct sockaddr *)&a6, sizeof(a6)) == 0)
			return s;
		(void)close(s);
	}
	s = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	(void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (s >= 0 && bind(s, (struct sockaddr *)&a4, sizeof(a4)) == 0)
		return s;
	printf("bind %u: %s\n", port, error_name(errno));
	return -1;
}

static void answer_http(int c, const char *text)
{
	char request[LINE_BYTES], path[LINE_BYTES] = "";
	ssize_t n = read(c, request, sizeof(request) - 1);

	if (n <= 0)
		return;
	request[n] = '\0';
	if (!text && sscanf(request, "GET %1023s", path) == 1)
		text = path;
	(void)dprintf(c,
		      "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
		      "Connection: close\r\n\r\n%s\n",
		      strlen(text ? text : "") + 1, text ? text : "");
}

/* A server is asked to stop by TERM; process 1 has no default action for it. */
static void end_now(int sig)
{
	(void)sig;
	_exit(0);
}

static int verb_server(uint16_t port, bool http, const char *text)
{
	int s = bound_socket(SOCK_STREAM, port);

	if (s < 0 || listen(s, 64) < 0)
		return 1;
	(void)signal(SIGPIPE, SIG_IGN);
	for (;;) {
		char buf[LINE_BYTES];
		ssize_t n;
		int c = accept4(s, NULL, NULL, SOCK_CLOEXEC);

		if (c < 0)
			continue;
		if (http)
			answer_http(c, text);
		else
			while ((n = read(c, buf, sizeof(buf))) > 0 && write(c, buf, (size_t)n) == n)
				;
		(void)close(c);
	}
}

/* The first line of a file; "" when it is not there. */
static void read_line(const char *path, char *line, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, line, size - 1);

	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (fd >= 0)
		(void)close(fd);
}

static void answer_as_told(int c, const char *file)
{
	char request[LINE_BYTES], line[LINE_BYTES], location[LINE_BYTES] = "";
	ssize_t n = read(c, request, sizeof(request) - 1);
	int status = 503;

	if (n <= 0)
		return;
	(void)!write(STDOUT_FILENO, request, (size_t)n);
	read_line(file, line, sizeof(line));
	if (strcmp(line, "hang") == 0) {
		(void)dup(c); /* held open for ever */
		return;
	}
	(void)sscanf(line, "%d %1023s", &status, location);
	(void)dprintf(c, "HTTP/1.1 %d X\r\n%s%s%sContent-Length: 2\r\n\r\nok", status,
		      *location ? "Location: " : "", location, *location ? "\r\n" : "");
}

/* Reads until the call's last frame has come: HTTP/2's preface, then frames. */
static bool read_call(int c)
{
	unsigned char in[LINE_BYTES];
	size_t len = 0, at = 24;

	while (len < sizeof(in)) {
		ssize_t n = read(c, in + len, sizeof(in) - len);

		if (n <= 0)
			return false;
		len += (size_t)n;
		while (at + 9 <= len) {
			if (in[at + 3] == 0 && (in[at + 4] & 1))
				return true; /* data that ends the stream */
			at += 9 + ((size_t)in[at] << 16 | (size_t)in[at + 1] << 8 | in[at + 2]);
		}
	}
	return false;
}

static void answer_health(int c, const char *file)
{
	static const char head[] = "\0\0\0\4\0\0\0\0\0"
				   "\0\0\1\1\4\0\0\0\1\x88"
				   "\0\0\7\0\0\0\0\0\1\0\0\0\0\2\x08";
	static const char tail[] = "\0\0\17\1\5\0\0\0\1\0\13grpc-status\0010";
	char line[LINE_BYTES], out[100];
	size_t n = sizeof(head) - 1;

	read_line(file, line, sizeof(line));
	if (!read_call(c))
		return;
	memcpy(out, head, n);
	out[n++] = (char)number(line);
	memcpy(out + n, tail, sizeof(tail) - 1);
	(void)!write(c, out, n + sizeof(tail) - 1);
}

static int verb_answers(uint16_t port, void (*answer)(int, const char *), const char *file)
{
	int s = bound_socket(SOCK_STREAM, port);

	if (s < 0 || listen(s, 64) < 0)
		return 1;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGTERM, end_now);
	for (;;) {
		int c = accept4(s, NULL, NULL, SOCK_CLOEXEC);

		if (c < 0)
			continue;
		answer(c, file);
		(void)close(c);
	}
}

static int verb_udp_echo(uint16_t port)
{
	int s = bound_socket(SOCK_DGRAM, port);

	while (s >= 0) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		char buf[LINE_BYTES];
		ssize_t n = recvfrom(s, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);

		if (n >= 0)
			(void)sendto(s, buf, (size_t)n, 0, (struct sockaddr *)&from, len);
	}
	return 1;
}

static int verb_send(int type, const char *host, uint16_t port, const char *text)
{
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	bool six = inet_pton(AF_INET6, host, &a6.sin6_addr) == 1;
	struct sockaddr *a = six ? (void *)&a6 : (void *)&a4;
	int s = socket(six ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);
	struct timeval wait = { 3, 0 };
	char buf[LINE_BYTES];
	ssize_t n;

	if (!six && inet_pton(AF_INET, host, &a4.sin_addr) != 1)
		return 2;
	(void)setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (connect(s, a, six ? sizeof(a6) : sizeof(a4)) < 0 || write(s, text, strlen(text)) < 0) {
		printf("%s\n", error_name(errno));
		return 1;
	}
	if (type == SOCK_STREAM)
		(void)shutdown(s, SHUT_WR);
	while ((n = read(s, buf, sizeof(buf))) > 0) {
		(void)fwrite(buf, 1, (size_t)n, stdout);
		if (type == SOCK_DGRAM)
			break;
	}
	if (n < 0)
		printf("%s\n", error_name(errno));
	return n < 0;
}

/* ---- processes -------------------------------------------------------------------------- */

static volatile sig_atomic_t got_term;
static void on_term(int sig)
{
	(void)sig;
	got_term = 1;
}

static int verb_sleep(long seconds)
{
	struct sigaction sa = { .sa_handler = on_term };
	time_t end = time(NULL) + seconds;

	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGINT, &sa, NULL);
	while (!got_term && (seconds == 0 || time(NULL) < end))
		(void)poll(NULL, 0, seconds ? 100 : 60000);
	return 0;
}

static int verb_sigdump(void)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	printf("ready\n");
	for (;;) {
		int sig = sigwaitinfo(&all, NULL);

		if (sig > 0)
			printf("%s\n", sigabbrev_np(sig) ? sigabbrev_np(sig) : "?");
		if (sig == SIGTERM)
			return 0;
	}
}

static int verb_fork_bomb(long most)
{
	long made = 0;

	while (made < most) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0) {
			(void)pause();
			_exit(0);
		}
		made++;
	}
	printf("forked %ld\n", made);
	(void)fflush(stdout);
	(void)signal(SIGTERM, SIG_IGN);
	(void)kill(0, SIGTERM);
	while (wait(NULL) > 0)
		;
	return 0;
}

static int verb_memhog(long mib)
{
	for (long i = 0; i < mib; i++) {
		void *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		if (p == MAP_FAILED)
			return 1;
		memset(p, 1, 1 << 20);
	}
	printf("touched %ld MiB\n", mib);
	(void)fflush(stdout);
	return verb_sleep(0);
}

static int verb_burn(long seconds)
{
	time_t end = time(NULL) + seconds;

	while (time(NULL) < end)
		;
	return 0;
}

/* ---- files and terminal ----------------------------------------------------------------- */

static int verb_write(const char *path, const char *text, int flags)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (!ok)
		printf("%s\n", error_name(errno));
	return !ok;
}

static int verb_cat(const char *path)
{
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : 0;
	char buf[LINE_BYTES];
	ssize_t n;

	if (fd < 0) {
		printf("%s\n", error_name(errno));
		return 1;
	}
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		(void)fwrite(buf, 1, (size_t)n, stdout);
		(void)fflush(stdout);
	}
	return n < 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int verb_ls(const char *path)
{
	char *names[1024];
	struct dirent *e;
	size_t n = 0;
	DIR *d = opendir(path);

	if (!d) {
		printf("%s\n", error_name(errno));
		return 1;
	}
	while ((e = readdir(d)) && n < N_ITEMS(names))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			names[n++] = strdup(e->d_name);
	(void)closedir(d);
	qsort(names, n, sizeof(names[0]), by_name);
	for (size_t i = 0; i < n; i++)
		printf("%s\n", names[i]);
	return 0;
}

static int verb_stat(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0) {
		printf("%s\n", error_name(errno));
		return 1;
	}
	printf("%06o %u:%u", st.st_mode, st.st_uid, st.st_gid);
	if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		printf(" dev %u:%u", major(st.st_rdev), minor(st.st_rdev));
	printf("\n");
	return 0;
}

static int verb_tty(void)
{
	struct winsize w = { 0 };

	for (int fd = 0; fd < 3; fd++)
		printf("%d %s\n", fd, isatty(fd) ? "tty" : "no tty");
	if (ioctl(0, TIOCGWINSZ, &w) == 0)
		printf("size %u %u\n", w.ws_row, w.ws_col);
	printf("foreground %s\n", tcgetpgrp(0) == getpgrp() ? "yes" : "no");
	return 0;
}

static int verb_sti(void)
{
	char c = 'x', sub = 3;

	for (int fd = 0; fd < 3; fd++) {
		int a = ioctl(fd, TIOCSTI, &c) < 0 ? errno : 0;
		int b = ioctl(fd, TIOCLINUX, &sub) < 0 ? errno : 0;

		printf("%d %s %s\n", fd, error_name(a), error_name(b));
	}
	return 0;
}

static int verb_syscall(int argc, char **argv)
{
	long a[6] = { 0 };

	for (int i = 3; i < argc && i < 9; i++)
		a[i - 3] = number(argv[i]);
	errno = 0;
	if (syscall(number(argv[2]), a[0], a[1], a[2], a[3], a[4], a[5]) >= 0)
		errno = 0;
	printf("%s\n", error_name(errno));
	return 0;
}

static int verb_lines(long n, const char *text)
{
	for (long i = 1; i <= n; i++)
		printf("%ld %s\n", i, text ? text : "line");
	return 0;
}

static int dispatch(int argc, char **argv);

static int verb_spawn(int argc, char **argv)
{
	int status = 0;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0)
		exit(dispatch(argc - 1, argv + 1));
	(void)waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		printf("child: signal %s\n", sigabbrev_np(WTERMSIG(status)));
	else
		printf("child: exit %d\n", WEXITSTATUS(status));
	return 0;
}

static int verb_seq(int argc, char **argv)
{
	int start = 2, r = 0;

	for (int i = 2; i <= argc; i++) {
		if (i < argc && strcmp(argv[i], ",") != 0)
			continue;
		argv[start - 1] = argv[0];
		r = dispatch(i - start + 1, argv + start - 1);
		(void)fflush(stdout);
		start = i + 1;
	}
	return r;
}

static int dispatch_files(const char *verb, int argc, char **argv)
{
	const char *arg = argc > 2 ? argv[2] : NULL, *text = argc > 3 ? argv[3] : "";
	char buf[LINE_BYTES];
	ssize_t n;

	if (strcmp(verb, "cat") == 0)
		return verb_cat(arg);
	if (strcmp(verb, "ls") == 0)
		return verb_ls(arg ? arg : ".");
	if (strcmp(verb, "stat") == 0 && arg)
		return verb_stat(arg);
	if (strcmp(verb, "write") == 0 && arg)
		return verb_write(arg, text, O_TRUNC);
	if (strcmp(verb, "append") == 0 && arg)
		return verb_write(arg, text, O_APPEND);
	if (strcmp(verb, "touch") == 0 && arg)
		return verb_write(arg, "", 0);
	if (strcmp(verb, "readlink") == 0 && arg) {
		n = readlink(arg, buf, sizeof(buf) - 1);
		printf("%.*s\n", n < 0 ? 0 : (int)n, buf);
		return n < 0;
	}
	fprintf(stderr, "payload: unknown verb '%s'\n", verb);
	return 2;
}

static int dispatch_net(const char *verb, int argc, char **argv)
{
	const char *arg = argc > 2 ? argv[2] : NULL;
	uint16_t port = (uint16_t)number(argc > 3 ? argv[3] : arg);
	int s;

	if (strcmp(verb, "httpd") == 0 || strstr(verb, "-echo"))
		(void)signal(SIGTERM, end_now);
	if (strcmp(verb, "httpd") == 0)
		return verb_server((uint16_t)number(arg), true, argc > 3 ? argv[3] : NULL);
	if (strcmp(verb, "answers") == 0 && argc > 3)
		return verb_answers((uint16_t)number(arg), answer_as_told, argv[3]);
	if (strcmp(verb, "grpc-health") == 0 && argc > 3)
		return verb_answers((uint16_t)number(arg), answer_health, argv[3]);
	if (strcmp(verb, "tcp-echo") == 0)
		return verb_server((uint16_t)number(arg), false, NULL);
	if (strcmp(verb, "udp-echo") == 0)
		return verb_udp_echo((uint16_t)number(arg));
	if (strcmp(verb, "tcp-send") == 0 && argc > 4)
		return verb_send(SOCK_STREAM, arg, port, argv[4]);
	if (strcmp(verb, "udp-send") == 0 && argc > 4)
		return verb_send(SOCK_DGRAM, arg, port, argv[4]);
	if (strcmp(verb, "socket") == 0 && argc > 4) {
		s = socket((int)number(arg), (int)number(argv[3]), (int)number(argv[4]));
		printf("%s\n", error_name(s < 0 ? errno : 0));
		return 0;
	}
	return dispatch_files(verb, argc, argv);
}

/* Looks through the root link of every process that is there, again and again. */
static int verb_watch_roots(long seconds)
{
	time_t end = time(NULL) + seconds;
	bool own = false, foreign = false;
	struct stat mine, st;
	char path[64];

	if (stat("/", &mine) < 0)
		return 1;
	while (time(NULL) < end) {
		for (int pid = 2; pid < 200; pid++) {
			(void)snprintf(path, sizeof(path), "/proc/%d/root/", pid);
			if (stat(path, &st) < 0)
				continue;
			if (st.st_dev == mine.st_dev && st.st_ino == mine.st_ino)
				own = true;
			else
				foreign = true;
		}
	}
	printf("own root %s, foreign root %s\n", own ? "seen" : "not seen",
	       foreign ? "seen" : "not seen");
	return 0;
}

static int dispatch_processes(const char *verb, int argc, char **argv)
{
	const char *arg = argc > 2 ? argv[2] : NULL;

	if (strcmp(verb, "sleep") == 0)
		return verb_sleep(number(arg));
	if (strcmp(verb, "ignore-term") == 0) {
		(void)signal(SIGTERM, SIG_IGN);
		for (;;)
			(void)pause();
	}
	if (strcmp(verb, "exit") == 0)
		return (int)number(arg);
	if (strcmp(verb, "abort") == 0)
		abort();
	if (strcmp(verb, "fork-bomb") == 0)
		return verb_fork_bomb(number(arg));
	if (strcmp(verb, "memhog") == 0)
		return verb_memhog(number(arg));
	if (strcmp(verb, "burn") == 0)
		return verb_burn(number(arg));
	if (strcmp(verb, "sigdump") == 0)
		return verb_sigdump();
	if (strcmp(verb, "spawn") == 0 && argc > 2)
		return verb_spawn(argc, argv);
	if (strcmp(verb, "watch-roots") == 0)
		return verb_watch_roots(number(arg));
	if (strcmp(verb, "seq") == 0)
		return verb_seq(argc, argv);
	return dispatch_net(verb, argc, argv);
}

static int dispatch(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "probe", *arg = argc > 2 ? argv[2] : NULL;
	char cwd[LINE_BYTES];

	if (strcmp(verb, "true") == 0)
		return 0;
	if (strcmp(verb, "probe") == 0)
		return verb_probe();
	if (strcmp(verb, "check-masks") == 0)
		return verb_masks();
	if (strcmp(verb, "pwd") == 0)
		return printf("%s\n", getcwd(cwd, sizeof(cwd)) ? cwd : error_name(errno)) < 0;
	if (strcmp(verb, "id") == 0) {
		probe_ids();
		return 0;
	}
	if (strcmp(verb, "env") == 0) {
		for (char **e = environ; *e; e++)
			printf("%s\n", *e);
		return 0;
	}
	if (strcmp(verb, "args") == 0) {
		for (int i = 0; i < argc; i++)
			printf("%s\n", argv[i]);
		return 0;
	}
	if (strcmp(verb, "lines") == 0)
		return verb_lines(number(arg), argc > 3 ? argv[3] : NULL);
	if (strcmp(verb, "tty") == 0)
		return verb_tty();
	if (strcmp(verb, "sti") == 0)
		return verb_sti();
	if (strcmp(verb, "findkey") == 0) {
		/* KEYCTL_SEARCH in KEY_SPEC_SESSION_KEYRING */
		long key = syscall(SYS_keyctl, 10, -3, "user", arg, 0);

		printf("%s\n", error_name(key < 0 ? errno : 0));
		return 0;
	}
	if (strcmp(verb, "syscall") == 0 && arg)
		return verb_syscall(argc, argv);
	return dispatch_processes(verb, argc, argv);
}

int main(int argc, char **argv)
{
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	return dispatch(argc, argv);
}
