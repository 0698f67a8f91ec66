/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podium-probe - one HTTPS request, or one HTTP request or connection to a host that is a name.
 *
 * Theory of operation: a container's monitor has no TLS and must not block on a resolver, so it
 * starts this for the few probes and hooks that need either; engine/monitor/probehelper.h is the
 * contract. The request comes on descriptor 3, the verdict is the exit code, and a line on stdout
 * says why. Certificates are not verified, as the kubelet does not: a probe asks whether the server
 * answers, and sends nothing that it would not send to anybody there.
 *
 * Blocking throughout and without a time limit: the monitor kills it. It dies with its parent. It
 * reads no configuration, no environment and no file but what OpenSSL and the resolver read.
 *
 * Certificates, TLS records, names and replies are whatever a container likes. So before the first of
 * them is read root becomes nobody, without a capability, a new privilege, a file that could grow or
 * a second process; who is not root keeps his own id. It connects to ports and does nothing else,
 * for which this is enough.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/monitor/httpget.h"
#include "engine/monitor/probehelper.h"
#include "engine/security/caps.h"

#define REQUEST_MAX_BYTES (1024 * 1024)
#define READ_BYTES	  4096
#define NOBODY		  65534 /* the kernel's own for "no id" */

struct connection {
	int fd;
	SSL *tls; /* or NULL */
};

static int verdict(enum probehelper_code code, const char *fmt, ...) printf_like(2, 3);
static int verdict(enum probehelper_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)putchar('\n');
	return (int)code;
}

#ifdef PODIUM_SAN
/* The leak checker needs a process more, which RLIMIT_NPROC forbids. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

/* ---- privileges ------------------------------------------------------------------------- */

/* In a user namespace that id may not be there: then it is the capabilities alone that go. */
static int become_nobody(struct error *err)
{
	if (geteuid() == 0 && setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0)
		(void)!setresuid(NOBODY, NOBODY, NOBODY);
	return caps_set(0, err);
}

static int give_up_privileges(struct error *err)
{
	const struct rlimit none = { 0, 0 };
	int r = WEAKEN("PROBE-1") ? 0 : become_nobody(err);

	if (r < 0)
		return r;
	if (!WEAKEN("PROBE-1") &&
	    (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || setrlimit(RLIMIT_NPROC, &none) < 0 ||
	     setrlimit(RLIMIT_FSIZE, &none) < 0))
		return error_errno(err, "give up privileges");
	/* A change of ids takes it back. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return error_errno(err, "follow the parent");
	return 0;
}

/* ---- connecting ------------------------------------------------------------------------- */

/* The first address that takes it. Returns the descriptor, or -1 with *why set. */
static int connect_host(const struct http_target *t, char *why, size_t size)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	char port[8];
	int fd = -1, r;

	(void)snprintf(port, sizeof(port), "%u", t->port);
	r = getaddrinfo(t->host, port, &hints, &list);
	if (r != 0) {
		(void)snprintf(why, size, "look up '%.200s': %s", t->host,
			       r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
		return -1;
	}
	for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) == 0)
			break;
		(void)snprintf(why, size, "connect to %.200s port %u: %s", t->host, t->port,
			       strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		fd = -1;
	}
	freeaddrinfo(list);
	return fd;
}

static bool is_name(const char *host)
{
	return strspn(host, "0123456789.") != strlen(host) && !strchr(host, ':');
}

static const char *tls_reason(void)
{
	const char *s = ERR_reason_error_string(ERR_peek_last_error());

	return s ? s : "the connection was closed";
}

/* Wraps the connection. The context lives as long as the process. */
static bool start_tls(struct connection *c, const char *host, char *why, size_t size)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx)
		SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	c->tls = ctx ? SSL_new(ctx) : NULL;
	SSL_CTX_free(ctx);
	if (c->tls && SSL_set_fd(c->tls, c->fd) == 1 &&
	    (!is_name(host) || SSL_set_tlsext_host_name(c->tls, host) == 1) &&
	    SSL_connect(c->tls) == 1)
		return true;
	(void)snprintf(why, size, "TLS: %s", tls_reason());
	return false;
}

static bool send_all(const struct connection *c, const char *data, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = c->tls ? SSL_write(c->tls, data + at, (int)(len - at))
				   : send(c->fd, data + at, len - at, MSG_NOSIGNAL);

		if (n < 0 && !c->tls && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

/* An end without TLS's good-bye counts as an end: the length says whether something is missing. */
static void read_reply(const struct connection *c, struct http_reply *r)
{
	char data[READ_BYTES];
	ssize_t n;

	do {
		n = c->tls ? SSL_read(c->tls, data, sizeof(data))
			   : recv(c->fd, data, sizeof(data), 0);
		if (n < 0 && !c->tls && errno == EINTR)
			continue;
		if (n <= 0) {
			http_reply_end(r);
			return;
		}
	} while (!http_reply_feed(r, data, (size_t)n));
}

/* ---- HTTP ------------------------------------------------------------------------------- */

/* One request. 0: *r is an answer; else why not. */
static int get(const struct http_target *t, const struct probehelper_request *rq,
	       struct http_reply *r, char *why, size_t size)
{
	cleanup_buf struct buf request = BUF_INIT(REQUEST_MAX_BYTES);
	struct connection c = { .fd = connect_host(t, why, size) };
	int e = -1;

	http_reply_init(r);
	if (c.fd < 0)
		return -1;
	(void)snprintf(why, size, "the headers of the request are not valid");
	if (http_build_request(&request, t, &rq->headers,
			       rq->hook ? HTTPGET_AGENT_HOOK : HTTPGET_AGENT_PROBE) == 0 &&
	    (!t->https || start_tls(&c, t->host, why, size))) {
		/* A server may answer before it has taken all: what it said counts. */
		(void)send_all(&c, request.data, request.len);
		read_reply(&c, r);
		e = 0;
	}
	SSL_free(c.tls);
	(void)close(c.fd);
	return e;
}

static int judge(const struct http_reply *r, const struct probehelper_request *rq)
{
	if (r->status >= 200 && (r->status < 300 || rq->hook))
		return verdict(PROBEHELPER_GOOD, "%s", "");
	if (r->status >= 300 && r->status < 400)
		return verdict(PROBEHELPER_WARN,
			       "redirect with status %d was not followed: counted as success",
			       r->status);
	return verdict(PROBEHELPER_BAD, "HTTP status %d", r->status);
}

static int run_http(const struct probehelper_request *rq, struct http_target *t)
{
	struct http_target next;
	struct http_reply r;
	char why[256];

	for (int64_t n = rq->redirects;; n++) {
		enum http_follow where;

		if (n > HTTPGET_REDIRECTS_MAX)
			return verdict(PROBEHELPER_BAD, "stopped after %d redirects",
				       HTTPGET_REDIRECTS_MAX);
		if (get(t, rq, &r, why, sizeof(why)) < 0)
			return verdict(PROBEHELPER_BAD, "%s", why);
		if (r.step == HTTP_STEP_BAD)
			return verdict(PROBEHELPER_BAD, "%s", r.problem);
		where = http_follow(&r, t, rq->origin, &next);
		if (where == HTTP_FOLLOW_BROKEN)
			return verdict(PROBEHELPER_BAD, "redirected to what is no address");
		if (where != HTTP_FOLLOW_HERE)
			return judge(&r, rq);
		*t = next;
	}
}

static int run_tcp(const struct http_target *t)
{
	char why[256];
	int fd = connect_host(t, why, sizeof(why));

	if (fd < 0)
		return verdict(PROBEHELPER_BAD, "%s", why);
	(void)close(fd);
	return verdict(PROBEHELPER_GOOD, "%s", "");
}

/* ---- the request ------------------------------------------------------------------------ */

static int read_request(struct probehelper_request *rq, struct error *err)
{
	cleanup_free char *text = xmalloc(REQUEST_MAX_BYTES);
	cleanup_json json_t *j = NULL;
	size_t len = 0;
	ssize_t n;
	int r;

	while ((n = read(PROBEHELPER_FD, text + len, REQUEST_MAX_BYTES - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return error_errno(err, "read the request");
	r = jload_text(text, len, "request", &j, err);
	if (r == 0)
		r = record_load(&probehelper_request_type, j, rq, err);
	if (r == 0 && (!rq->host || !rq->origin || rq->port == 0 || rq->port > UINT16_MAX))
		r = error_set(err, EINVAL, "request without host or port");
	return r;
}

int main(void)
{
	struct probehelper_request rq = { 0 };
	struct http_target t = { 0 };
	struct error err = { 0 };
	int code;

	proc_sanitise();
	if (fcntl(PROBEHELPER_FD, F_SETFD, FD_CLOEXEC) < 0) {
		fprintf(stderr,
			"podium-probe is started by podium, with a request on descriptor 3\n");
		return PROBEHELPER_BROKEN;
	}
	if (give_up_privileges(&err) < 0 || read_request(&rq, &err) < 0)
		return verdict(PROBEHELPER_BROKEN, "%s", err.text);
	if (http_target_set(&t, rq.https, rq.host, (uint16_t)rq.port, rq.path) < 0)
		code = verdict(PROBEHELPER_BROKEN, "host or path is too long");
	else
		code = rq.tcp ? run_tcp(&t) : run_http(&rq, &t);
	record_done(&probehelper_request_type, &rq);
	return code;
}
