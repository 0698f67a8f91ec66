/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fakeregistry - a scriptable HTTP server with or without TLS.
 *
 * Theory of operation: one thread accepts, each connection has a thread that reads requests and
 * plays answers until one side closes. The list of answers and the log of requests are behind one
 * lock; an answer is copied out before it is played, so scripts may change while a body is on its
 * way. fakeregistry_free() shuts every socket down and waits for all threads: stalls end with it.
 *
 * Certificates are made by tests/support/fakecerts.c when the first TLS server begins.
 */
#include "tests/support/fakeregistry.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/image/sha256.h"
#include "tests/support/fakecerts.h"

#define HEAD_MAX     (256 * 1024)
#define BODY_MAX     (1024 * 1024)
#define CONNS_MAX    256
#define REQUESTS_MAX 10000

struct answer {
	struct fake_answer a;
	char *method, *path, *headers;
	char *body;
	int left; /* uses, or -1 */
};

struct fakeregistry {
	pthread_mutex_t lock;
	pthread_t acceptor;
	int fd;
	char name[64];
	SSL_CTX *tls;
	bool is_stalling, is_ending;
	char *authorization, *challenge;
	struct answer **answers;
	size_t n_answers;
	struct fake_request **requests;
	size_t n_requests;
	int conns[CONNS_MAX]; /* open sockets, or -1 */
	size_t n_threads;     /* that run */
	pthread_cond_t idle;
};

/* One connection. */
struct conn {
	struct fakeregistry *f;
	int fd;
	size_t slot;
	SSL *ssl;
	char in[16 * 1024];
	size_t in_len, in_at;
};

/* ---- bytes in and out ---------------------------------------------------------------------- */

static ssize_t raw_read(struct conn *c, void *data, size_t len)
{
	if (c->ssl)
		return SSL_read(c->ssl, data, (int)len);
	return recv(c->fd, data, len, 0);
}

static bool put(struct conn *c, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		size_t piece = len < 16384 ? len : 16384;
		ssize_t n = c->ssl ? SSL_write(c->ssl, p, (int)piece)
				   : send(c->fd, p, piece, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool get_byte(struct conn *c, char *ret)
{
	if (c->in_at == c->in_len) {
		ssize_t n = raw_read(c, c->in, sizeof(c->in));

		if (n <= 0)
			return false;
		c->in_len = (size_t)n;
		c->in_at = 0;
	}
	*ret = c->in[c->in_at++];
	return true;
}

static bool get_line(struct conn *c, struct buf *line)
{
	char ch;

	line->len = 0;
	while (get_byte(c, &ch)) {
		if (ch == '\n')
			return true;
		if (ch != '\r')
			buf_addc(line, ch);
	}
	return false;
}

static bool get_bytes(struct conn *c, size_t n, struct buf *body)
{
	char ch;

	for (; n > 0; n--) {
		if (!get_byte(c, &ch))
			return false;
		buf_addc(body, ch);
	}
	return true;
}

static bool get_chunked(struct conn *c, struct buf *body)
{
	cleanup_buf struct buf line = BUF_INIT(1024);

	for (;;) {
		unsigned int n = 0;

		if (!get_line(c, &line) || !line.data || sscanf(line.data, "%x", &n) != 1)
			return false;
		if (n == 0)
			return get_line(c, &line);
		if (!get_bytes(c, n, body) || !get_line(c, &line))
			return false;
	}
}

/* ---- requests ------------------------------------------------------------------------------- */

const char *fakeregistry_header(const struct fake_request *q, const char *name)
{
	static _Thread_local char value[8192];
	size_t n = strlen(name);

	for (const char *p = q->head; p && *p;) {
		const char *end = strchr(p, '\n');
		size_t len = end ? (size_t)(end - p) : strlen(p);

		if (len > n && p[n] == ':' && strncasecmp(p, name, n) == 0) {
			const char *v = p + n + 1 + strspn(p + n + 1, " ");

			(void)snprintf(value, sizeof(value), "%.*s", (int)(len - (size_t)(v - p)),
				       v);
			return value;
		}
		p = end ? end + 1 : NULL;
	}
	return NULL;
}

static void request_free(struct fake_request *q)
{
	if (!q)
		return;
	free(q->method);
	free(q->target);
	free(q->head);
	free(q->body);
	free(q);
}

static struct fake_request *read_head(struct conn *c)
{
	cleanup_buf struct buf line = BUF_INIT(HEAD_MAX), head = BUF_INIT(HEAD_MAX);
	struct fake_request *q;
	char *sp, *sp2;

	if (!get_line(c, &line) || !line.data)
		return NULL;
	sp = strchr(line.data, ' ');
	sp2 = sp ? strchr(sp + 1, ' ') : NULL;
	if (!sp2)
		return NULL;
	q = xcalloc(1, sizeof(*q));
	q->method = xstrndup(line.data, (size_t)(sp - line.data));
	q->target = xstrndup(sp + 1, (size_t)(sp2 - sp - 1));
	while (get_line(c, &line) && line.len > 0) {
		buf_add(&head, line.data, line.len);
		buf_addc(&head, '\n');
	}
	q->head = buf_steal(&head);
	return q;
}

static bool read_body(struct conn *c, struct fake_request *q)
{
	struct buf body = BUF_INIT(BODY_MAX);
	const char *length = fakeregistry_header(q, "Content-Length");
	const char *te;
	uint64_t n = 0;
	bool ok = true;

	if (length && parse_u64(length, UINT64_MAX, &n) == 0)
		ok = get_bytes(c, (size_t)n, &body);
	else if ((te = fakeregistry_header(q, "Transfer-Encoding")) && is_equal(te, "chunked"))
		ok = get_chunked(c, &body);
	q->body_len = body.len;
	q->body = buf_steal(&body);
	return ok;
}

static void remember(struct fakeregistry *f, struct fake_request *q)
{
	pthread_mutex_lock(&f->lock);
	if (f->n_requests < REQUESTS_MAX) {
		f->requests = xreallocarray(f->requests, f->n_requests + 1, sizeof(*f->requests));
		f->requests[f->n_requests++] = q;
	} else {
		request_free(q);
	}
	pthread_mutex_unlock(&f->lock);
}

/* ---- answers --------------------------------------------------------------------------------- */

static void answer_free(struct answer *a)
{
	if (!a)
		return;
	free(a->method);
	free(a->path);
	free(a->headers);
	free(a->body);
	free(a);
}

static struct answer *answer_copy(const struct fake_answer *a)
{
	struct answer *n = xcalloc(1, sizeof(*n));
	size_t len = a->len > 0 || !a->body ? a->len : strlen(a->body);

	n->a = *a;
	n->a.method = n->method = xstrdup_or_null(a->method);
	n->a.path = n->path = xstrdup(a->path);
	n->a.headers = n->headers = xstrdup_or_null(a->headers);
	n->body = xmalloc(len + 1);
	if (len > 0)
		memcpy(n->body, a->body, len);
	n->body[len] = '\0';
	n->a.body = n->body;
	n->a.len = len;
	n->left = a->times > 0 ? a->times : -1;
	return n;
}

static bool is_for(const struct answer *a, const struct fake_request *q)
{
	size_t n = strlen(a->path);

	if (a->left == 0 || (a->method && !is_equal(a->method, q->method)))
		return false;
	if (n > 0 && a->path[n - 1] == '*')
		return strncmp(q->target, a->path, n - 1) == 0;
	return is_equal(q->target, a->path);
}

static bool is_let_in(const struct fakeregistry *f, const struct fake_request *q)
{
	const char *got = fakeregistry_header(q, "Authorization");

	return !f->authorization || (got && is_equal(got, f->authorization));
}

/* A copy of the answer; the login comes before anything else. */
static struct answer *choose(struct fakeregistry *f, const struct fake_request *q)
{
	struct fake_answer none = { .path = "", .status = 404, .body = "{}" };
	cleanup_free char *want = NULL;
	struct answer *a = NULL;

	pthread_mutex_lock(&f->lock);
	for (size_t i = f->n_answers; !a && i-- > 0;)
		if (is_for(f->answers[i], q))
			a = f->answers[i];
	if (!(a && a->a.is_open) && !is_let_in(f, q)) {
		want = xasprintf("WWW-Authenticate: %s\r\n", f->challenge);
		none.status = 401;
		none.headers = want;
		a = NULL;
	}
	if (a && a->left > 0)
		a->left--;
	a = answer_copy(a ? &a->a : &none);
	pthread_mutex_unlock(&f->lock);
	return a;
}

/* Waits until the other side, or fakeregistry_free(), closes. */
static void stall(struct conn *c)
{
	char byte;

	while (recv(c->fd, &byte, 1, 0) > 0)
		;
}

static bool put_chunk(struct conn *c, const struct fake_answer *a, const void *data, size_t len)
{
	char head[24];

	if (!a->is_chunked)
		return put(c, data, len);
	(void)snprintf(head, sizeof(head), "%zx\r\n", len);
	return put(c, head, strlen(head)) && put(c, data, len) && put(c, "\r\n", 2);
}

static bool put_slowly(struct conn *c, const struct fake_answer *a, const char *body, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		struct pollfd p = { .fd = c->fd, .events = POLLRDHUP };

		if (!put_chunk(c, a, body + i, 1) || poll(&p, 1, 200) > 0)
			return false;
	}
	return true;
}

/* True when the connection may go on. */
static bool put_body(struct conn *c, const struct fake_answer *a, const char *body, size_t len)
{
	struct linger rst = { .l_onoff = 1 };

	if (a->stall == FAKE_TRICKLE)
		return put_slowly(c, a, body, len);
	if ((a->is_cut || a->stall == FAKE_STALL_BODY) && len > a->cut_after)
		len = a->cut_after;
	while (a->is_endless)
		if (!put_chunk(c, a, body, len))
			return false;
	if (len > 0 && !put_chunk(c, a, body, len))
		return false;
	if (a->stall == FAKE_STALL_BODY)
		stall(c);
	if (a->is_reset)
		(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &rst, sizeof(rst));
	if (a->is_cut || a->stall == FAKE_STALL_BODY)
		return false;
	return !a->is_chunked || put(c, "0\r\n\r\n", 5);
}

/* Where a "bytes=N-" begins, or 0. */
static size_t range_of(const struct fake_answer *a, const struct fake_request *q)
{
	const char *range = a->is_ranged ? fakeregistry_header(q, "Range") : NULL;
	size_t n = 0;

	if (!range || sscanf(range, "bytes=%zu-", &n) != 1 || n >= a->len)
		return 0;
	return n;
}

static bool play(struct conn *c, const struct fake_answer *a, const struct fake_request *q)
{
	size_t from = range_of(a, q);
	int status = a->status ? a->status : 200;
	cleanup_buf struct buf head = BUF_INIT(4 * HEAD_MAX);
	long long length = a->declared ? a->declared : (long long)(a->len - from);
	bool is_head = is_equal(q->method, "HEAD");

	if (a->stall == FAKE_STALL_HEAD) {
		stall(c);
		return false;
	}
	buf_printf(&head, "HTTP/1.1 %d X\r\n", from ? 206 : status);
	if (a->headers)
		buf_adds(&head, a->headers);
	if (from)
		buf_printf(&head, "Content-Range: bytes %zu-%zu/%zu\r\n", from, a->len - 1, a->len);
	if (a->is_chunked)
		buf_adds(&head, "Transfer-Encoding: chunked\r\n");
	else if (length >= 0 && !a->is_endless)
		buf_printf(&head, "Content-Length: %lld\r\n", length);
	buf_adds(&head, "\r\n");
	if (!put(c, head.data, head.len))
		return false;
	if (is_head)
		return true;
	if (!put_body(c, a, (const char *)a->body + from, a->len - from))
		return false;
	return a->is_chunked || (a->declared == 0 && !a->is_endless);
}

static bool serve_one(struct conn *c)
{
	struct fake_request *q = read_head(c);
	struct answer *a;
	bool again = false;
	const char *expect;

	if (!q)
		return false;
	a = choose(c->f, q);
	expect = fakeregistry_header(q, "Expect");
	if (expect && a->a.status >= 400) {
		q->body = xstrdup("");
		(void)play(c, &a->a, q);
	} else if (!expect || put(c, "HTTP/1.1 100 Continue\r\n\r\n", 25)) {
		again = read_body(c, q);
		/* it is in the log before its answer is out */
		remember(c->f, q);
		again = again && play(c, &a->a, q);
		q = NULL;
	}
	if (q)
		remember(c->f, q);
	answer_free(a);
	return again;
}

/* ---- connections -------------------------------------------------------------------------------- */

static void *serve(void *arg)
{
	struct conn *c = arg;
	struct fakeregistry *f = c->f;
	bool is_stalling;

	pthread_mutex_lock(&f->lock);
	is_stalling = f->is_stalling;
	pthread_mutex_unlock(&f->lock);
	if (is_stalling) {
		stall(c);
	} else {
		if (f->tls) {
			c->ssl = SSL_new(f->tls);
			SSL_set_fd(c->ssl, c->fd);
		}
		if (!c->ssl || SSL_accept(c->ssl) == 1)
			while (serve_one(c))
				;
		SSL_free(c->ssl);
	}
	pthread_mutex_lock(&f->lock);
	f->conns[c->slot] = -1;
	(void)close(c->fd);
	f->n_threads--;
	pthread_cond_broadcast(&f->idle);
	pthread_mutex_unlock(&f->lock);
	free(c);
	return NULL;
}

static void begin(struct fakeregistry *f, int fd)
{
	struct conn *c = xcalloc(1, sizeof(*c));
	pthread_t t;
	int on = 1;

	/* head and body are two writes */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->f = f;
	c->fd = fd;
	pthread_mutex_lock(&f->lock);
	for (c->slot = 0; c->slot < CONNS_MAX && f->conns[c->slot] >= 0;)
		c->slot++;
	if (f->is_ending || c->slot == CONNS_MAX || pthread_create(&t, NULL, serve, c) != 0) {
		(void)close(fd);
		free(c);
	} else {
		f->conns[c->slot] = fd;
		f->n_threads++;
		pthread_detach(t);
	}
	pthread_mutex_unlock(&f->lock);
}

static void *accept_all(void *arg)
{
	struct fakeregistry *f = arg;
	int fd;

	while ((fd = accept4(f->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		begin(f, fd);
	return NULL;
}

struct fakeregistry *fakeregistry_new(enum fake_kind kind, const char *address)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	struct fakeregistry *f = xcalloc(1, sizeof(*f));

	(void)signal(SIGPIPE, SIG_IGN);
	(void)inet_pton(AF_INET, address ? address : "127.0.0.1", &a.sin_addr);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->idle, NULL);
	for (size_t i = 0; i < CONNS_MAX; i++)
		f->conns[i] = -1;
	f->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (kind != FAKE_PLAIN)
		f->tls = fakecerts_context(kind);
	if ((kind != FAKE_PLAIN && !f->tls) || f->fd < 0 ||
	    bind(f->fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(f->fd, 64) < 0 ||
	    getsockname(f->fd, (struct sockaddr *)&a, &len) < 0 ||
	    pthread_create(&f->acceptor, NULL, accept_all, f) != 0) {
		perror("fakeregistry");
		free(f);
		return NULL;
	}
	(void)snprintf(f->name, sizeof(f->name), "%s:%u", address ? address : "127.0.0.1",
		       ntohs(a.sin_port));
	return f;
}

void fakeregistry_free(struct fakeregistry *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	f->is_ending = true;
	(void)shutdown(f->fd, SHUT_RDWR);
	for (size_t i = 0; i < CONNS_MAX; i++)
		if (f->conns[i] >= 0)
			(void)shutdown(f->conns[i], SHUT_RDWR);
	while (f->n_threads > 0)
		pthread_cond_wait(&f->idle, &f->lock);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->acceptor, NULL);
	fakeregistry_forget(f);
	for (size_t i = 0; i < f->n_answers; i++)
		answer_free(f->answers[i]);
	(void)close(f->fd);
	free(f->answers);
	free(f->requests);
	free(f->authorization);
	free(f->challenge);
	SSL_CTX_free(f->tls);
	free(f);
}

const char *fakeregistry_name(const struct fakeregistry *f)
{
	return f->name;
}

/* ---- scripts ---------------------------------------------------------------------------------- */

void fakeregistry_answer(struct fakeregistry *f, const struct fake_answer *a)
{
	pthread_mutex_lock(&f->lock);
	f->answers = xreallocarray(f->answers, f->n_answers + 1, sizeof(*f->answers));
	f->answers[f->n_answers++] = answer_copy(a);
	pthread_mutex_unlock(&f->lock);
}

static void digest_text(const void *data, size_t len, char digest[72])
{
	char hex[DIGEST_HEX_LEN + 1];
	struct digest d;

	sha256_of(data, len, &d);
	(void)snprintf(digest, 72, "sha256:%s", digest_hex(&d, hex));
}

void fakeregistry_blob(struct fakeregistry *f, const char *repository, const void *data, size_t len,
		       char digest[72])
{
	cleanup_free char *path = NULL;

	digest_text(data, len, digest);
	path = xasprintf("/v2/%s/blobs/%s", repository, digest);
	fakeregistry_answer(f, &(struct fake_answer){
				       .path = path, .body = data, .len = len, .is_ranged = true });
}

void fakeregistry_manifest(struct fakeregistry *f, const char *repository, const char *tag,
			   const char *media_type, const char *body, char digest[72])
{
	cleanup_free char *by_tag = NULL, *by_digest = NULL, *headers = NULL;
	struct fake_answer a = { .body = body };

	digest_text(body, strlen(body), digest);
	headers =
		xasprintf("Content-Type: %s\r\nDocker-Content-Digest: %s\r\n", media_type, digest);
	by_digest = xasprintf("/v2/%s/manifests/%s", repository, digest);
	by_tag = xasprintf("/v2/%s/manifests/%s", repository, tag ? tag : digest);
	a.headers = headers;
	a.path = by_digest;
	fakeregistry_answer(f, &a);
	a.path = by_tag;
	fakeregistry_answer(f, &a);
}

void fakeregistry_login(struct fakeregistry *f, const char *authorization, const char *challenge)
{
	pthread_mutex_lock(&f->lock);
	free(f->authorization);
	free(f->challenge);
	f->authorization = xstrdup_or_null(authorization);
	f->challenge = xstrdup_or_null(challenge);
	pthread_mutex_unlock(&f->lock);
}

void fakeregistry_stall_connect(struct fakeregistry *f, bool on)
{
	pthread_mutex_lock(&f->lock);
	f->is_stalling = on;
	pthread_mutex_unlock(&f->lock);
}

const char *fakeregistry_cert_dir(void)
{
	return fakecerts_dir();
}

const char *fakeregistry_client_dir(void)
{
	return fakecerts_client_dir();
}

/* ---- the log ------------------------------------------------------------------------------------ */

size_t fakeregistry_requests(struct fakeregistry *f)
{
	size_t n;

	pthread_mutex_lock(&f->lock);
	n = f->n_requests;
	pthread_mutex_unlock(&f->lock);
	return n;
}

const struct fake_request *fakeregistry_request(struct fakeregistry *f, size_t i)
{
	const struct fake_request *q;

	pthread_mutex_lock(&f->lock);
	q = i < f->n_requests ? f->requests[i] : NULL;
	pthread_mutex_unlock(&f->lock);
	return q;
}

size_t fakeregistry_count(struct fakeregistry *f, const char *method, const char *prefix)
{
	size_t n = 0;

	for (size_t i = 0; i < fakeregistry_requests(f); i++) {
		const struct fake_request *q = fakeregistry_request(f, i);

		n += (!method || is_equal(method, q->method)) && is_prefix(q->target, prefix);
	}
	return n;
}

bool fakeregistry_saw(struct fakeregistry *f, const char *value)
{
	for (size_t i = 0; i < fakeregistry_requests(f); i++) {
		const struct fake_request *q = fakeregistry_request(f, i);

		if (!value ? fakeregistry_header(q, "Authorization") != NULL
			   : strstr(q->head, value) || strstr(q->target, value) ||
				     (q->body && strstr(q->body, value)))
			return true;
	}
	return false;
}

void fakeregistry_forget(struct fakeregistry *f)
{
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->n_requests; i++)
		request_free(f->requests[i]);
	f->n_requests = 0;
	pthread_mutex_unlock(&f->lock);
}
