/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver - dnsmasq for a network.
 *
 * Theory of operation: the first pod of a network with names starts a dnsmasq, the last one ends it.
 * It listens on the bridge's addresses alone, on a port that was free: port 53 of these addresses is
 * translated to it (nft_network.c), so it never stands in the way of a name server of the host or of a
 * pod that publishes port 53. Pods are small files in a directory that it watches; adding one needs
 * no signal. Names are kept in the domain dns.podium, which is never asked elsewhere; other questions
 * go to the servers of the host's resolv.conf, or those of the network. NET-11: that of an internal
 * network asks nobody.
 *
 * It is started at a fixed path with an empty environment, gives up root by itself (nobody), and sees
 * the directory of names at /tmp of a mount namespace of its own, since RUNROOT is closed to others.
 * Its parent exits when it is ready, with a code that says whether it could bind.
 *
 * It is nobody's child and guarded by nobody: whoever next brings a pod up or down in the network sees
 * that it has died, and starts it again. kill -9 between its start and the writing of resolver.json
 * leaves dns/.pid, by which the next start finds and ends it.
 *
 * Runs in the host's network namespace, in podium-net, which has one thread.
 */
#include "engine/net/resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/proc.h"
#include "engine/base/seams.h"
#include "engine/net/ipam.h"
#include "engine/net/network.h"

#define STATE_FILE   "resolver.json"
#define STATE_MAX    4096
#define NAMES_DIR    "dns"
#define PID_FILE     ".pid"
#define PORT_TRIES   16
#define NOBODY_GID   "65534"
#define STOP_WAIT_MS 2000
#define WORDS_MAX    64
#define SEEN_AT	     "/tmp" /* of its own mount namespace */
#define PID_WORD     "--pid-file=" SEEN_AT "/" PID_FILE

int resolver_check(const char *network, struct error *err)
{
	if (access(RESOLVER_PROGRAM, X_OK) == 0)
		return 0;
	return error_set(err, ENOENT,
			 "network '%s' has names, which need " RESOLVER_PROGRAM
			 " (package dnsmasq-base): install it, or make the network with "
			 "--disable-dns",
			 network);
}

/* ---- the process that runs -------------------------------------------------------------- */

struct running {
	struct proc_ident ident;
	uint16_t port;
};

static int load_state(int dirfd, struct running *ret)
{
	cleanup_json json_t *j = NULL;
	struct error scratch; /* what cannot be read runs nowhere */
	const char *boot;

	*ret = (struct running){ 0 };
	if (jload_file(dirfd, STATE_FILE, STATE_MAX, &j, &scratch) < 0)
		return -ENOENT;
	boot = jget_str(j, "boot");
	ret->ident.pid = (pid_t)jget_int(j, "pid", 0);
	ret->ident.start_ticks = (uint64_t)jget_int(j, "startTicks", 0);
	ret->port = (uint16_t)jget_int(j, "port", 0);
	(void)snprintf(ret->ident.boot_id, sizeof(ret->ident.boot_id), "%s", boot ? boot : "");
	return ret->ident.pid > 0 && ret->port ? 0 : -ENOENT;
}

/* The pidfd of the one that runs, or -ESRCH. */
static int open_running(int dirfd, uint16_t *ret_port)
{
	struct error scratch;
	struct running s;
	int fd = -ESRCH;

	if (load_state(dirfd, &s) == 0)
		fd = proc_open_ident(&s.ident, &scratch);
	if (fd >= 0 && !is_pidfd_alive(fd)) {
		(void)close(fd);
		fd = -ESRCH;
	}
	*ret_port = fd >= 0 ? s.port : 0;
	return fd;
}

static void end_process(int pidfd)
{
	(void)pidfd_signal(pidfd, SIGTERM);
	if (pidfd_wait_exit(pidfd, STOP_WAIT_MS) < 0)
		(void)pidfd_signal(pidfd, SIGKILL);
}

/* Is this process a dnsmasq that was started with that word? */
static bool is_started_with(pid_t pid, const char *word)
{
	cleanup_free char *text = NULL;
	struct error scratch;
	char path[64];
	size_t len = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	if (fs_read_file(AT_FDCWD, path, 65536, &text, &len, &scratch) < 0 ||
	    !is_prefix(text, RESOLVER_PROGRAM))
		return false;
	for (size_t at = 0; at < len; at += strlen(text + at) + 1)
		if (strcmp(text + at, word) == 0)
			return true;
	return false;
}

static pid_t read_pid(int dirfd)
{
	cleanup_free char *text = NULL;
	struct error scratch;
	uint64_t pid = 0;

	if (fs_read_file(dirfd, NAMES_DIR "/" PID_FILE, 64, &text, NULL, &scratch) < 0)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	return parse_u64(text, INT32_MAX, &pid) == 0 ? (pid_t)pid : 0;
}

/* One that a crash kept from being written down. */
static void end_forgotten(int dirfd, const char *listen_word)
{
	pid_t pid = read_pid(dirfd);
	struct proc_ident ident;
	struct error scratch;

	if (pid > 0 && proc_identify(pid, &ident, &scratch) == 0) {
		cleanup_close int fd = proc_open_ident(&ident, &scratch);

		if (fd >= 0 && is_started_with(pid, listen_word))
			end_process(fd);
	}
	(void)unlinkat(dirfd, NAMES_DIR "/" PID_FILE, 0);
}

bool is_resolver_there(int dirfd)
{
	return faccessat(dirfd, STATE_FILE, F_OK, 0) == 0 ||
	       faccessat(dirfd, NAMES_DIR "/" PID_FILE, F_OK, 0) == 0;
}

void resolver_stop(int dirfd)
{
	uint16_t port;
	cleanup_close int fd = open_running(dirfd, &port);

	if (fd >= 0)
		end_process(fd);
	(void)unlinkat(dirfd, STATE_FILE, 0);
	end_forgotten(dirfd, PID_WORD);
}

/* ---- starting --------------------------------------------------------------------------- */

static int bind_port(const struct ip_addr *a, int type, uint16_t port, uint16_t *ret_port)
{
	struct sockaddr_storage any = { .ss_family = (sa_family_t)a->family };
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)&any;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)&any;
	socklen_t len = a->family == AF_INET ? sizeof(*in) : sizeof(*in6);
	cleanup_close int fd = socket(a->family, type | SOCK_CLOEXEC, 0);

	if (a->family == AF_INET) {
		memcpy(&in->sin_addr, a->bytes, 4);
		in->sin_port = htons(port);
	} else {
		memcpy(&in6->sin6_addr, a->bytes, 16);
		in6->sin6_port = htons(port);
	}
	if (fd < 0 || bind(fd, (struct sockaddr *)&any, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&any, &len) < 0)
		return -errno;
	*ret_port = ntohs(in->sin_port); /* at the same place in both */
	return 0;
}

/* A port that is free for both protocols on the gateway's addresses; want 0: any. */
static int find_port(const struct network *n, uint16_t want, uint16_t *ret)
{
	const struct ip_addr *gw[] = { &n->gateway4, &n->gateway6 };
	uint16_t port = want;
	int r = 0;

	for (size_t i = 0; i < 4 && r == 0; i++) {
		const struct ip_addr *a = gw[i / 2];

		if (a->family == AF_INET || (a->family == AF_INET6 && n->has_ipv6))
			r = bind_port(a, i & 1 ? SOCK_STREAM : SOCK_DGRAM, port, &port);
	}
	*ret = port;
	return r;
}

static void listen_word(const struct network *n, char *out, size_t size)
{
	char four[IP_TEXT_MAX], six[IP_TEXT_MAX];
	bool both = n->gateway4.family != AF_UNSPEC && n->has_ipv6;

	(void)snprintf(out, size, "--listen-address=%s%s%s", ip_format(&n->gateway4, four),
		       both ? "," : "", n->has_ipv6 ? ip_format(&n->gateway6, six) : "");
}

/* Its name is "nogroup" here and "nobody" there; without one dnsmasq takes its own default. */
static bool find_group(const char *gid, char *out, size_t size)
{
	FILE *f = fopen("/etc/group", "re");
	char line[1024];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		char *rest = line, *name = strsep(&rest, ":"), *number;

		(void)strsep(&rest, ":");
		number = strsep(&rest, ":");
		found = number && strcmp(number, gid) == 0;
		(void)snprintf(out, size, "%s", name);
	}
	if (f)
		(void)fclose(f);
	return found;
}

static void make_words(const struct network *n, const char *listen, const struct strlist *servers,
		       struct strlist *w)
{
	char group[64];

	strlist_add(w, RESOLVER_PROGRAM);
	strlist_add(w, "--conf-file=/dev/null");
	strlist_add(w, "--no-hosts");
	strlist_add(w, "--bind-interfaces");
	strlist_add(w, listen);
	strlist_addf(w, "--port=%u", n->dns_port);
	strlist_add(w, "--user=nobody");
	if (find_group(NOBODY_GID, group, sizeof(group)))
		strlist_addf(w, "--group=%s", group);
	strlist_add(w, PID_WORD);
	strlist_add(w, "--log-facility=/dev/null");
	strlist_add(w, "--hostsdir=" SEEN_AT);
	strlist_add(w, "--domain=" RESOLVER_DOMAIN);
	strlist_add(w, "--local=/" RESOLVER_DOMAIN "/");
	strlist_add(w, "--expand-hosts");
	strlist_add(w, "--domain-needed");
	if ((n->is_internal && !WEAKEN("NET-11")) || servers->n)
		strlist_add(w, "--no-resolv");
	for (size_t i = 0; i < servers->n && !n->is_internal; i++)
		strlist_addf(w, "--server=%s", servers->v[i]);
}

/* Child: host's network, mount namespace of its own. Ends in exec. */
static void become_resolver(int dirfd, int out, char **words)
{
	char *const nothing[] = { NULL };
	char link[64], path[PATH_MAX];
	ssize_t n;

	/* By its name: a mount of the namespace before cannot be bound here. */
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd);
	n = readlink(link, path, sizeof(path) - sizeof("/" NAMES_DIR));
	if (n > 0)
		memcpy(path + n, "/" NAMES_DIR, sizeof("/" NAMES_DIR));
	proc_reset_signals();
	if (n <= 0 || setsid() < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(path, SEEN_AT, NULL, MS_BIND, NULL) < 0 || chdir("/") < 0 ||
	    dup2(out, STDERR_FILENO) < 0) {
		dprintf(out, "%s", strerror(errno));
		_exit(125);
	}
	(void)umask(022);
	(void)close_range(3, ~0U, 0);
	execve(words[0], words, nothing);
	dprintf(STDERR_FILENO, "%s", strerror(errno));
	_exit(127);
}

/* What it said on stderr, a line of it. */
static void read_complaint(int fd, char *out, size_t size)
{
	ssize_t n = read(fd, out, size - 1);

	out[n > 0 ? n : 0] = '\0';
	if (*out == '\n')
		memmove(out, out + 1, strlen(out));
	out[strcspn(out, "\n")] = '\0';
}

static int run_resolver(int dirfd, const struct strlist *words, struct error *err)
{
	int out[2], status = 0;
	char said[256] = "";
	pid_t pid;

	if (pipe2(out, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_errno(err, "pipe");
	pid = fork();
	if (pid == 0)
		become_resolver(dirfd, out[1], words->v);
	(void)close(out[1]);
	if (pid < 0) {
		(void)close(out[0]);
		return error_errno(err, "start " RESOLVER_PROGRAM);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	read_complaint(out[0], said, sizeof(said));
	(void)close(out[0]);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return error_set(err, EIO, RESOLVER_PROGRAM " did not start: %s",
			 *said ? said : "it was killed");
}

/* Its pid is what it says itself: somebody else's process must not be ended for it later. */
static int write_state(int dirfd, const struct network *n, const char *listen, struct error *err)
{
	struct proc_ident ident;
	pid_t pid = read_pid(dirfd);
	cleanup_json json_t *j = NULL;
	cleanup_free char *text = NULL;
	int r = pid > 0 ? proc_identify(pid, &ident, err)
			: error_set(err, ESRCH, RESOLVER_PROGRAM " left no pid");

	if (r == 0 && !is_started_with(pid, listen))
		r = error_set(err, ESRCH, RESOLVER_PROGRAM " left a pid that is not its own");
	if (r < 0)
		return r;
	j = json_pack("{s:i, s:I, s:s, s:i}", "pid", (int)ident.pid, "startTicks",
		      (json_int_t)ident.start_ticks, "boot", ident.boot_id, "port",
		      (int)n->dns_port);
	text = jdump_text(j, 0);
	return fs_write_atomic(dirfd, STATE_FILE, text, strlen(text), 0600, FS_NOSYNC, err);
}

static int start(int dirfd, struct network *n, const struct strlist *servers, struct error *err)
{
	cleanup_strlist struct strlist words = { 0 };
	char listen[160];
	int r = resolver_check(n->name, err);

	if (r < 0)
		return r;
	/* Open to the user that dnsmasq becomes; the way there is its own mount. */
	if (mkdirat(dirfd, NAMES_DIR, 0755) < 0 && errno != EEXIST)
		return error_errno(err, "make directory '" NAMES_DIR "'");
	if (fchmodat(dirfd, NAMES_DIR, 0755, 0) < 0)
		return error_errno(err, "open directory '" NAMES_DIR "'");
	listen_word(n, listen, sizeof(listen));
	end_forgotten(dirfd, listen);
	make_words(n, listen, servers, &words);
	r = run_resolver(dirfd, &words, err);
	STOP_AT("net:resolver");
	if (r == 0)
		r = write_state(dirfd, n, listen, err);
	(void)unlinkat(dirfd, NAMES_DIR "/" PID_FILE, 0);
	return r;
}

int resolver_ensure(int dirfd, struct network *n, const struct strlist *servers, struct error *err)
{
	uint16_t port;
	cleanup_close int fd = open_running(dirfd, &port);
	struct running before;
	int r = -EADDRINUSE;

	n->dns_port = port;
	if (fd >= 0)
		return 0;
	/* The port of the one that has died first: flows that still point there go on. */
	if (load_state(dirfd, &before) == 0 && find_port(n, before.port, &n->dns_port) == 0)
		r = start(dirfd, n, servers, err);
	for (int i = 0; i < PORT_TRIES && r < 0 && r != -ENOENT; i++) {
		r = find_port(n, 0, &n->dns_port);
		if (r < 0)
			(void)error_set(err, -r, "no port for " RESOLVER_PROGRAM ": %s",
					strerror(-r));
		else
			r = start(dirfd, n, servers, err);
	}
	return r;
}

/* ---- names ------------------------------------------------------------------------------ */

static void add_line(struct buf *b, const struct ip_addr *a, const struct strlist *names)
{
	char text[IP_TEXT_MAX];
	size_t n = 0;

	if (a->family == AF_UNSPEC)
		return;
	for (size_t i = 0; i < names->n; i++) {
		bool seen = false;

		for (size_t k = 0; k < i && !seen; k++)
			seen = strcmp(names->v[k], names->v[i]) == 0;
		if (seen || !is_dns_name(names->v[i]) || is_equal(names->v[i], "localhost"))
			continue;
		if (n++ % WORDS_MAX == 0)
			buf_printf(b, "%s%s", n > 1 ? "\n" : "", ip_format(a, text));
		buf_printf(b, " %s", names->v[i]);
	}
	if (n)
		buf_addc(b, '\n');
}

/* By rename, and readable for whom dnsmasq runs as before it has the name that is watched. */
static int write_names(int dirfd, const char *pod_id, const struct buf *b, struct error *err)
{
	char path[96], temporary[96];
	cleanup_close int fd = -EBADF;
	int r;

	(void)snprintf(path, sizeof(path), NAMES_DIR "/%s", pod_id);
	(void)snprintf(temporary, sizeof(temporary), NAMES_DIR "/.%s", pod_id);
	fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_errno(err, "write names of the pod");
	r = fs_write_all(fd, b->data ? b->data : "", b->len);
	if (r < 0)
		return error_set(err, -r, "write names of the pod: %s", strerror(-r));
	if (fchmod(fd, 0644) < 0 || renameat(dirfd, temporary, dirfd, path) < 0)
		return error_errno(err, "write names of the pod");
	return 0;
}

int resolver_add(int dirfd, const char *pod_id, const struct ipam_attachment *a,
		 const struct strlist *names, struct error *err)
{
	cleanup_buf struct buf b = BUF_INIT(1 << 20);

	add_line(&b, &a->addr4, names);
	add_line(&b, &a->addr6, names);
	return write_names(dirfd, pod_id, &b, err);
}

int resolver_remove(int dirfd, const char *pod_id, struct error *err)
{
	char path[96];

	(void)snprintf(path, sizeof(path), NAMES_DIR "/%s", pod_id);
	if (unlinkat(dirfd, path, 0) < 0 && errno != ENOENT)
		return error_errno(err, "remove '%s'", path);
	return 0;
}
