/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http - libcurl behind this house's rules.
 *
 * Theory of operation: one multi handle holds the connections; each transfer is an easy handle of
 * its own, made by make_handle() and by nothing else, so no option of one authority can be left on
 * for another. HTTP/1.1 only: parallel blobs get a connection each, and a paused one stops reading
 * its socket, where HTTP/2 would buffer up to a whole window of every stream.
 *
 * The body is handed on as it comes; a handler that cannot take everything pauses its transfer,
 * which goes on when its pause_fd is ready (libcurl then gives the whole piece again: `ahead` is
 * what of it was taken). Bytes are counted before they are kept: head at most HTTP_HEAD_MAX.
 *
 * Proxies are the environment's, as libcurl reads it, with two additions that Go programs have
 * taught people to expect: HTTP_PROXY in capitals, and never a proxy for loopback.
 *
 * refuse_private is looked at with the address of the very socket (REG-3): a name that resolves to
 * the local network once the check is over cannot slip through, nor can a request by a connection
 * that somebody else's has left open. Behind a proxy the address is the
 * proxy's, so there only what the name itself says counts; not for a host of no_proxy.
 *
 * Runs in podium-image, single-threaded (libcurl's resolver has its own threads). Needs SIGPIPE
 * ignored. The default SIGINT ends the process at any point: nothing here outlives it.
 */
#include "engine/image/http.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "engine/base/seams.h"
#include "engine/base/trace.h"

#define HTTP_HEAD_MAX  262144 /* libcurl's own is 300 KiB */
#define HTTP_VALUE_MAX 16384
#define HTTP_BUFFER    (128L * 1024)
#define HTTP_FDS_MAX   256

struct http {
	CURLM *multi;
	struct http_transfer *first;
};

struct http_transfer {
	struct http *http;
	struct http_transfer *next;
	CURL *easy;
	struct curl_slist *headers;
	const struct http_handler *handler;
	void *arg;
	struct http_answer answer;
	struct error err; /* of a handler or a limit */
	char curl_text[CURL_ERROR_SIZE];
	CURLcode code;
	const char *body; /* to send */
	size_t body_len, body_sent;
	size_t head_bytes;
	size_t ahead; /* bytes taken of a piece that comes again */
	int pause_fd;
	short pause_events; /* 0: not paused */
	bool head_over;
	bool refuse_private;
	bool by_proxy;
	bool was_refused;
	bool *saw_private;
	bool is_done;
};

/* ---- the head of an answer ------------------------------------------------------------------ */

static void answer_reset(struct http_answer *a)
{
	free(a->location);
	free(a->media_type);
	free(a->digest);
	free(a->range);
	free(a->retry_after);
	free(a->link);
	free(a->modified);
	free(a->encoding);
	strlist_done(&a->wants);
	*a = (struct http_answer){ .length = -1 };
}

static int refuse(struct http_transfer *t, const char *why)
{
	if (t->err.code == 0)
		(void)error_set(&t->err, EPROTO, "%s", why);
	return -1;
}

/* A field that counts once: said twice with another value it is a trick. */
static int keep_once(struct http_transfer *t, char **slot, const char *value, size_t len)
{
	cleanup_free char *v = xstrndup(value, len);

	if (*slot && !is_equal(*slot, v))
		return refuse(t, "the answer has a header field twice");
	free(*slot);
	*slot = steal_ptr(&v);
	return 0;
}

static int keep_length(struct http_transfer *t, const char *value, size_t len)
{
	char digits[24] = "";
	uint64_t n = 0;

	if (len >= sizeof(digits))
		return refuse(t, "the answer has a bad Content-Length");
	memcpy(digits, value, len);
	if (parse_u64(digits, INT64_MAX, &n) < 0 ||
	    (t->answer.length >= 0 && (uint64_t)t->answer.length != n))
		return refuse(t, "the answer has a bad Content-Length");
	t->answer.length = (int64_t)n;
	return 0;
}

/* Anything but what is sent as it is. */
static int keep_encoding(struct http_transfer *t, const char *value, size_t len)
{
	if (len == 0 || (len == 8 && strncasecmp(value, "identity", 8) == 0) ||
	    (len == 7 && strncasecmp(value, "chunked", 7) == 0))
		return 0;
	free(t->answer.encoding);
	t->answer.encoding = xstrndup(value, len);
	return 0;
}

static int keep_field(struct http_transfer *t, const char *name, size_t name_len, const char *value,
		      size_t len)
{
	struct http_answer *a = &t->answer;
	const struct {
		const char *name;
		char **slot;
	} once[] = {
		{ "location", &a->location },	    { "docker-content-digest", &a->digest },
		{ "content-range", &a->range },	    { "retry-after", &a->retry_after },
		{ "content-type", &a->media_type }, { "link", &a->link },
		{ "last-modified", &a->modified },
	};

	for (size_t i = 0; i < ARRAY_SIZE(once); i++)
		if (strlen(once[i].name) == name_len &&
		    strncasecmp(once[i].name, name, name_len) == 0)
			return keep_once(t, once[i].slot, value, len);
	if (name_len == 14 && strncasecmp(name, "content-length", 14) == 0)
		return keep_length(t, value, len);
	if ((name_len == 16 && strncasecmp(name, "content-encoding", 16) == 0) ||
	    (name_len == 17 && strncasecmp(name, "transfer-encoding", 17) == 0))
		return keep_encoding(t, value, len);
	if (name_len == 16 && strncasecmp(name, "www-authenticate", 16) == 0) {
		if (a->wants.n >= CHALLENGES_MAX)
			return refuse(t, "the answer asks for too many kinds of authentication");
		strlist_take(&a->wants, xstrndup(value, len));
	}
	return 0;
}

static int head_line(struct http_transfer *t, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len), *v, *end = line + len;

	if (!colon)
		return 0;
	if (memchr(line, '\0', len))
		return refuse(t, "the answer has a NUL in its head");
	for (v = colon + 1; v < end && (*v == ' ' || *v == '\t');)
		v++;
	while (end > v && strchr(" \t\r\n", end[-1]))
		end--;
	if (end - v > HTTP_VALUE_MAX)
		return 0; /* nothing that is used here is that long */
	return keep_field(t, line, (size_t)(colon - line), v, (size_t)(end - v));
}

/* The blank line. An interim answer (100, 103) is forgotten. */
static int head_end(struct http_transfer *t)
{
	long status = 0;

	(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200) {
		answer_reset(&t->answer);
		return 0;
	}
	t->answer.status = status;
	t->head_over = true;
	if (t->answer.media_type)
		t->answer.media_type[strcspn(t->answer.media_type, "; \t")] = '\0';
	if (t->handler->on_head && t->handler->on_head(t->arg, &t->answer, &t->err) < 0)
		return -1;
	return 0;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
	struct http_transfer *t = arg;
	size_t len = size * n;
	int r = 0;

	t->head_bytes += len;
	if (t->head_bytes > HTTP_HEAD_MAX && !WEAKEN("FAULT-18-head"))
		r = refuse(t, "the head of the answer is too long");
	else if (t->head_over) /* a trailer */
		r = 0;
	else if (len <= 2 && memchr("\r\n", *data, 2))
		r = head_end(t);
	else
		r = head_line(t, data, len);
	return r < 0 ? 0 : len;
}

/* ---- bodies --------------------------------------------------------------------------------- */

static size_t on_write(char *data, size_t size, size_t n, void *arg)
{
	struct http_transfer *t = arg;
	size_t len = size * n, skip = t->ahead < len ? t->ahead : len;
	ssize_t taken = 0;

	if (!t->handler->on_body)
		return len;
	if (len > skip) {
		taken = t->handler->on_body(t->arg, data + skip, len - skip, &t->err);
		if (taken < 0)
			return CURL_WRITEFUNC_ERROR;
	}
	if (skip + (size_t)taken == len) {
		t->ahead -= skip;
		return len;
	}
	t->ahead = skip + (size_t)taken;
	t->pause_events = POLLOUT;
	return CURL_WRITEFUNC_PAUSE;
}

static size_t on_read(char *data, size_t size, size_t n, void *arg)
{
	struct http_transfer *t = arg;
	size_t len = size * n, left = t->body_len - t->body_sent;
	ssize_t got;

	if (t->body || !t->handler->on_read) {
		len = len < left ? len : left;
		if (len > 0)
			memcpy(data, t->body + t->body_sent, len);
		t->body_sent += len;
		return len;
	}
	got = t->handler->on_read(t->arg, data, len, &t->err);
	if (got == -EAGAIN) {
		t->pause_events = POLLIN;
		return CURL_READFUNC_PAUSE;
	}
	return got < 0 ? CURL_READFUNC_ABORT : (size_t)got;
}

/* libcurl sends a body again after a proxy or a closed connection: only one that is in memory. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
	struct http_transfer *t = arg;

	if (!t->body || origin != SEEK_SET || offset < 0 || (size_t)offset > t->body_len)
		return CURL_SEEKFUNC_CANTSEEK;
	t->body_sent = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct http_transfer *t = arg;
	bool is_near = !t->by_proxy && is_address_private(&a->addr);

	(void)purpose;
	if (is_near && t->refuse_private && !WEAKEN("REG-3-near")) {
		t->was_refused = true;
		return CURL_SOCKET_BAD;
	}
	if (is_near && t->saw_private)
		*t->saw_private = true;
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* Before a request is sent. A connection that was open already has not passed on_socket() for it. */
static int on_connection(void *arg, char *ip, char *local_ip, int port, int local_port)
{
	struct http_transfer *t = arg;
	struct url to = { .target = NULL };
	bool is_near;

	(void)local_ip;
	(void)port;
	(void)local_port;
	(void)snprintf(to.host, sizeof(to.host), "%s", ip);
	is_near = !t->by_proxy && is_url_near(&to);
	if (is_near && t->saw_private)
		*t->saw_private = true;
	if (!is_near || !t->refuse_private || WEAKEN("REG-3-near"))
		return CURL_PREREQFUNC_OK;
	t->was_refused = true;
	return CURL_PREREQFUNC_ABORT;
}

/* ---- the one function that makes handles ------------------------------------------------------ */

#define SET(opt, value) (ok = ok && curl_easy_setopt(easy, CURLOPT_##opt, (value)) == CURLE_OK)

/* What holds for every request there is. */
static bool set_always(CURL *easy)
{
	static const struct {
		CURLoption option;
		long value;
	} always[] = {
		{ CURLOPT_FOLLOWLOCATION, 0 },
		{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
		{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
		{ CURLOPT_NETRC, CURL_NETRC_IGNORED },
		{ CURLOPT_UNRESTRICTED_AUTH, 0 },
		{ CURLOPT_HTTPAUTH, (long)CURLAUTH_NONE },
		{ CURLOPT_HTTP09_ALLOWED, 0 },
		{ CURLOPT_HTTP_TRANSFER_DECODING, 1 },
		{ CURLOPT_SUPPRESS_CONNECT_HEADERS, 1 },
		{ CURLOPT_NOSIGNAL, 1 },
		{ CURLOPT_TCP_KEEPALIVE, 1 },
		{ CURLOPT_BUFFERSIZE, HTTP_BUFFER },
		{ CURLOPT_UPLOAD_BUFFERSIZE, HTTP_BUFFER },
	};
	bool ok = true;

	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		ok = ok && curl_easy_setopt(easy, always[i].option, always[i].value) == CURLE_OK;
	SET(USERAGENT, "podium/" PODIUM_VERSION);
	SET(REDIR_PROTOCOLS_STR, "https");
	return ok;
}

/* The transfer's own functions. */
static bool set_calls(CURL *easy, struct http_transfer *t)
{
	static const CURLoption ours[] = { CURLOPT_PRIVATE,   CURLOPT_HEADERDATA,
					   CURLOPT_WRITEDATA, CURLOPT_READDATA,
					   CURLOPT_SEEKDATA,  CURLOPT_OPENSOCKETDATA,
					   CURLOPT_PREREQDATA };
	bool ok = true;

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		ok = ok && curl_easy_setopt(easy, ours[i], (void *)t) == CURLE_OK;
	SET(ERRORBUFFER, t->curl_text);
	SET(HEADERFUNCTION, on_header);
	SET(WRITEFUNCTION, on_write);
	SET(READFUNCTION, on_read);
	SET(SEEKFUNCTION, on_seek);
	SET(OPENSOCKETFUNCTION, on_socket);
	SET(PREREQFUNCTION, on_connection);
	return ok;
}

static CURL *make_handle(struct http_transfer *t, bool allow_plain, bool skip_verify)
{
	CURL *easy = curl_easy_init();
	long verify = !skip_verify && !WEAKEN("REG-1");
	bool ok = easy && set_always(easy) && set_calls(easy, t);

	SET(PROTOCOLS_STR, allow_plain || WEAKEN("REG-1-plain") ? "http,https" : "https");
	SET(SSL_VERIFYPEER, verify);
	SET(SSL_VERIFYHOST, verify ? 2L : 0L);
	if (!ok && easy) {
		curl_easy_cleanup(easy);
		return NULL;
	}
	return easy;
}

static bool set_trust(CURL *easy, const struct http_request *q)
{
	bool ok = true;
	const struct certs *c = q->certs;

	if (c && c->ca) {
		struct curl_blob blob = { .data = c->ca,
					  .len = c->ca_len,
					  .flags = CURL_BLOB_COPY };

		SET(CAINFO_BLOB, &blob);
		/* the system's are looked up one by one beside them */
		SET(CAPATH, "/etc/ssl/certs");
	}
	if (c && c->cert && q->with_client_cert && q->url->is_tls) {
		SET(SSLCERT, c->cert);
		SET(SSLKEY, c->key);
	}
	return ok;
}

static bool has_env(const char *const *names)
{
	for (; *names; names++)
		if (!is_empty(getenv(*names)))
			return true;
	return false;
}

/* Whether no_proxy names the host: then libcurl goes to it directly. Ranges of addresses need no
 * look: an address is checked by what it says. */
static bool is_direct(const char *host)
{
	const char *p = getenv("no_proxy");

	if (is_empty(p))
		p = getenv("NO_PROXY");
	while (p && *(p += strspn(p, ", "))) {
		size_t len = strcspn(p, ", "), host_len = strlen(host);
		const char *word = p;

		p += len;
		if (len == 1 && *word == '*')
			return true;
		for (; len && *word == '.'; word++)
			len--;
		while (len && word[len - 1] == '.')
			len--;
		if (len && len <= host_len && strncasecmp(host + host_len - len, word, len) == 0 &&
		    (len == host_len || host[host_len - len - 1] == '.'))
			return true;
	}
	return false;
}

static bool set_proxy(CURL *easy, struct http_transfer *t, const struct http_request *q)
{
	static const char *const tls[] = { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
					   NULL };
	static const char *const plain[] = { "http_proxy", "all_proxy", "ALL_PROXY", "HTTP_PROXY",
					     NULL };
	bool ok = true;

	if (is_equal(q->url->host, "localhost") || is_prefix(q->url->host, "127.") ||
	    is_equal(q->url->host, "::1")) {
		SET(PROXY, "");
		return ok;
	}
	t->by_proxy = has_env(q->url->is_tls ? tls : plain) && !is_direct(q->url->host);
	/* a CGI program has a client's header in this variable; podium is none */
	if (!q->url->is_tls && t->by_proxy && is_empty(getenv("http_proxy")) &&
	    !is_empty(getenv("HTTP_PROXY")) && is_empty(getenv("REQUEST_METHOD")))
		SET(PROXY, getenv("HTTP_PROXY"));
	return ok;
}

static bool add_header(struct http_transfer *t, const char *text)
{
	struct curl_slist *l = curl_slist_append(t->headers, text);

	if (l)
		t->headers = l;
	return l != NULL;
}

static bool set_headers(CURL *easy, struct http_transfer *t, const struct http_request *q)
{
	bool ok = true;

	for (size_t i = 0; q->headers && i < q->headers->n; i++)
		ok = ok && add_header(t, q->headers->v[i]);
	if (q->authorization) {
		cleanup_free char *line = xasprintf("Authorization: %s", q->authorization);

		ok = ok && add_header(t, line);
		explicit_bzero(line, strlen(line));
	}
	/* bodies in memory are small: no round trip to ask whether they are welcome */
	if (q->body)
		ok = ok && add_header(t, "Expect:");
	if (t->headers)
		SET(HTTPHEADER, t->headers);
	return ok;
}

static bool set_body(CURL *easy, struct http_transfer *t, const struct http_request *q)
{
	bool ok = true;

	t->body = q->body;
	t->body_len = q->body ? q->body_len : 0;
	if (is_equal(q->method, "HEAD")) {
		SET(NOBODY, 1L);
		return ok;
	}
	if (q->body || q->is_stream) {
		SET(UPLOAD, 1L);
		SET(INFILESIZE_LARGE, q->is_stream ? (curl_off_t)-1 : (curl_off_t)q->body_len);
	}
	SET(CUSTOMREQUEST, q->method);
	return ok;
}

static bool set_request(CURL *easy, struct http_transfer *t, const struct http_request *q)
{
	cleanup_free char *text = url_format(q->url);
	bool ok = true;

	SET(URL, text);
	SET(CONNECTTIMEOUT_MS, q->limits.connect_ms);
	if (!WEAKEN("FAULT-17")) {
		SET(LOW_SPEED_LIMIT, q->limits.stall_bytes);
		SET(LOW_SPEED_TIME, q->limits.stall_s);
	}
	explicit_bzero(text, strlen(text));
	return ok && set_trust(easy, q) && set_proxy(easy, t, q) && set_headers(easy, t, q) &&
	       set_body(easy, t, q);
}

int http_start(struct http *h, const struct http_request *q, struct http_transfer **ret,
	       struct error *err)
{
	struct http_transfer *t;

	if (!q->url->is_tls && !q->allow_plain && !WEAKEN("REG-1-plain"))
		return error_set(err, EPROTO, "only https is allowed");
	if (q->refuse_private && is_url_near(q->url) && !WEAKEN("REG-3-near") &&
	    !WEAKEN("REG-3-name"))
		return error_set(err, EPROTO,
				 "'%s' is in a private network, and the registry is not",
				 q->url->host);
	t = xcalloc(1, sizeof(*t));
	t->http = h;
	t->handler = q->handler;
	t->arg = q->arg;
	t->pause_fd = q->pause_fd;
	t->refuse_private = q->refuse_private;
	t->saw_private = q->saw_private;
	t->answer.length = -1;
	t->easy = make_handle(t, q->allow_plain, q->skip_verify);
	t->next = h->first;
	h->first = t;
	if (!t->easy || !set_request(t->easy, t, q) ||
	    curl_multi_add_handle(h->multi, t->easy) != CURLM_OK) {
		http_transfer_free(t);
		return error_set(err, EINVAL, "libcurl does not take the request");
	}
	*ret = t;
	return 0;
}

/* A list of headers may hold a token: its bytes do not stay in the heap. */
static void free_headers(struct curl_slist *l)
{
	for (struct curl_slist *i = l; i; i = i->next)
		explicit_bzero(i->data, strlen(i->data));
	curl_slist_free_all(l);
}

void http_transfer_free(struct http_transfer *t)
{
	struct http_transfer **at;

	if (!t)
		return;
	for (at = &t->http->first; *at && *at != t;)
		at = &(*at)->next;
	if (*at)
		*at = t->next;
	if (t->easy) {
		(void)curl_multi_remove_handle(t->http->multi, t->easy);
		curl_easy_cleanup(t->easy);
	}
	free_headers(t->headers);
	answer_reset(&t->answer);
	free(t);
}

/* ---- what became of it ----------------------------------------------------------------------- */

bool is_http_done(const struct http_transfer *t)
{
	return t->is_done;
}

const struct http_answer *http_answer(const struct http_transfer *t)
{
	return &t->answer;
}

/* libcurl's words, which may quote the other side's. */
static int curl_says(const struct http_transfer *t, int code, struct error *err)
{
	const char *text = *t->curl_text ? t->curl_text : curl_easy_strerror(t->code);
	cleanup_free char *safe = str_printable(text, strlen(text));

	safe[strcspn(safe, "\r\n")] = '\0';
	return error_set(err, code, "%s", safe);
}

static enum http_failure connect_failure(const struct http_transfer *t, struct error *err)
{
	long os = 0;

	(void)curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &os);
	if (t->was_refused) {
		(void)error_set(err, EPROTO,
				"the address is in a private network, and the registry is not");
		return HTTP_PROTOCOL;
	}
	if (t->code == CURLE_COULDNT_CONNECT && os == ECONNREFUSED)
		(void)error_set(err, ECONNREFUSED, "connection refused");
	else
		(void)curl_says(t, EHOSTUNREACH, err);
	return HTTP_CONNECT;
}

enum http_failure http_result(const struct http_transfer *t, struct error *err)
{
	if (t->err.code != 0) {
		*err = t->err;
		return HTTP_HANDLER;
	}
	switch (t->code) {
	case CURLE_OK:
		return HTTP_FINE;
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_ABORTED_BY_CALLBACK: /* on_connection(); on_read() has an error of its own */
		return connect_failure(t, err);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_ISSUER_ERROR:
		(void)curl_says(t, EPROTO, err);
		return HTTP_TLS_TRUST;
	case CURLE_SSL_CONNECT_ERROR:
		(void)curl_says(t, EPROTO, err);
		(void)error_wrap(err, "no TLS with it");
		return HTTP_TLS_TALK;
	case CURLE_OPERATION_TIMEDOUT:
		(void)error_set(err, ETIMEDOUT, "the other side is silent or too slow");
		return HTTP_TIMEOUT;
	case CURLE_PARTIAL_FILE:
		(void)error_set(err, ECONNRESET, "the connection ended before the body did");
		return HTTP_BROKEN;
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_FAIL_REWIND:
		(void)curl_says(t, ECONNRESET, err);
		return HTTP_BROKEN;
	default:
		(void)curl_says(t, EPROTO, err);
		return HTTP_PROTOCOL;
	}
}

/* ---- moving ----------------------------------------------------------------------------------- */

/* True when one has ended just now. One that ended before says nothing: its owner may keep it while
 * he waits for something else. */
static bool collect(struct http *h)
{
	CURLMsg *m;
	int left;
	bool has_news = false;

	while ((m = curl_multi_info_read(h->multi, &left))) {
		char *p = NULL;
		struct http_transfer *t;

		if (m->msg != CURLMSG_DONE ||
		    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &p) != CURLE_OK)
			continue;
		t = (struct http_transfer *)(void *)p;
		t->code = m->data.result;
		t->is_done = true;
		has_news = true;
	}
	return has_news;
}

static int perform(struct http *h, struct error *err)
{
	int running;
	CURLMcode c = curl_multi_perform(h->multi, &running);

	if (c != CURLM_OK)
		return error_set(err, EIO, "libcurl: %s", curl_multi_strerror(c));
	return 0;
}

/* Adds the descriptors that paused transfers wait for. */
static size_t add_paused(const struct http *h, struct pollfd *p, size_t n)
{
	for (const struct http_transfer *t = h->first; t && n < HTTP_FDS_MAX; t = t->next)
		if (!t->is_done && t->pause_events && t->pause_fd >= 0)
			p[n++] = (struct pollfd){ .fd = t->pause_fd, .events = t->pause_events };
	return n;
}

static void unpause(struct http *h, const struct pollfd *p, size_t n)
{
	for (struct http_transfer *t = h->first; t; t = t->next)
		for (size_t i = 0; i < n; i++)
			if (!t->is_done && t->pause_events && p[i].fd == t->pause_fd &&
			    p[i].revents) {
				t->pause_events = 0;
				(void)curl_easy_pause(t->easy, CURLPAUSE_CONT);
				break;
			}
}

/* Sleeps in libcurl's poll, then asks for the truth: curl_multi_poll() hides POLLERR and POLLHUP. */
static int sleep_on(struct http *h, struct pollfd *p, size_t n, int timeout_ms, struct error *err)
{
	struct curl_waitfd w[HTTP_FDS_MAX];
	CURLMcode c;

	for (size_t i = 0; i < n; i++) {
		w[i] = (struct curl_waitfd){ .fd = p[i].fd };
		if (p[i].events & POLLIN)
			w[i].events = (short)(w[i].events | CURL_WAIT_POLLIN);
		if (p[i].events & POLLOUT)
			w[i].events = (short)(w[i].events | CURL_WAIT_POLLOUT);
	}
	c = curl_multi_poll(h->multi, w, (unsigned int)n, timeout_ms < 0 ? 60000 : timeout_ms,
			    NULL);
	if (c != CURLM_OK)
		return error_set(err, EIO, "libcurl: %s", curl_multi_strerror(c));
	if (n > 0 && poll(p, n, 0) < 0 && errno != EINTR)
		return error_errno(err, "poll");
	return 0;
}

int http_wait(struct http *h, struct pollfd *fds, size_t n, int timeout_ms, struct error *err)
{
	struct pollfd p[HTTP_FDS_MAX] = { 0 };
	size_t all;
	int r = perform(h, err);

	if (r < 0)
		return r;
	if (n > HTTP_FDS_MAX / 2)
		return error_set(err, EINVAL, "too many descriptors to wait for");
	if (n > 0)
		memcpy(p, fds, n * sizeof(*fds));
	all = add_paused(h, p, n);
	r = sleep_on(h, p, all, collect(h) ? 0 : timeout_ms, err);
	if (r < 0)
		return r;
	if (n > 0)
		memcpy(fds, p, n * sizeof(*fds));
	unpause(h, p + n, all - n);
	r = perform(h, err);
	(void)collect(h);
	return r;
}

int http_new(struct http **ret, struct error *err)
{
	struct http *h = xcalloc(1, sizeof(*h));

	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		h->multi = curl_multi_init();
	if (!h->multi || curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS,
					   (long)HTTP_CONNECTIONS_KEPT) != CURLM_OK) {
		free(h);
		return error_set(err, EIO, "libcurl cannot be initialised");
	}
	*ret = h;
	return 0;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	while (h->first)
		http_transfer_free(h->first);
	(void)curl_multi_cleanup(h->multi);
	curl_global_cleanup();
	free(h);
}
