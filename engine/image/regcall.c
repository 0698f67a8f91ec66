/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regcall - one request to a registry through to its end.
 *
 * Theory of operation: a call is a small state machine, so that many can be under way at once:
 *
 *	READY -> (TOKEN ->) RUN -> DONE
 *	           ^          |-> READY  redirected, challenged, plain http after TLS
 *	           |          |-> SLEEP -> READY  what may pass: refused, reset, 429, 5xx
 *
 * What goes where is decided for every attempt anew, from its address alone:
 *
 *	credentials	only to the origin (scheme, host, port) they are for, and never again once
 *			the call was redirected away from it, not even when it is sent back (REG-3)
 *	http, no check	only to the host of a registry marked insecure (any port of it), never to
 *			another host (REG-1)
 *	private nets	only when the registry itself is in one (REG-3)
 *	client's cert	only to the registry's origin
 *
 * A 401 of any other place than the registry is an error: nobody else is answered (REG-2). Each call
 * is answered one challenge, follows REGISTRY_REDIRECTS_MAX redirects, is retried
 * REGISTRY_RETRIES_MAX times (from its first address) and ends at its deadline; sleeping is bounded
 * by the limits whatever the registry asks for. So no answer makes a loop.
 */
#include "engine/image/regcall.h"

#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/random.h>

#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "engine/base/seams.h"
#include "engine/base/trace.h"

#define CALL_RESTARTS_MAX 100 /* retries that were forgiven */
#define CALL_SLEEP_MAX_MS 8000
#define CALL_REASON_MAX	  200
#define CALL_PATIENCE	  10 /* times the limit of a stall */

const struct http_answer *call_answer(const struct call *c)
{
	return http_answer(c->t);
}

/* ---- errors ------------------------------------------------------------------------------------ */

static const char *status_text(long status)
{
	static const struct {
		long status;
		const char *text;
	} texts[] = {
		{ 400, "bad request" },	      { 401, "access denied" },
		{ 403, "access denied" },     { 404, "not found" },
		{ 405, "not allowed there" }, { 408, "request timeout" },
		{ 413, "too large" },	      { 416, "range not available" },
		{ 429, "too many requests" }, { 500, "internal error of the registry" },
		{ 502, "bad gateway" },	      { 503, "service unavailable" },
		{ 504, "gateway timeout" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "unexpected answer";
}

static int status_code(long status)
{
	switch (status) {
	case 401:
	case 403:
		return EACCES;
	case 404:
		return ENOENT;
	case 408:
	case 504:
		return ETIMEDOUT;
	case 429:
		return EBUSY;
	default:
		return EPROTO;
	}
}

/* The words of {"errors":[{"code","message"}]}, or of the forms that token servers have. Borrowed. */
static const char *find_words(const json_t *j)
{
	static const char *const keys[] = { "message", "error_description", "details", "error",
					    "code" };
	const json_t *list = json_object_get(j, "errors");
	const char *words = NULL;

	if (json_is_array(list))
		j = json_array_get(list, 0);
	for (size_t i = 0; !words && i < ARRAY_SIZE(keys); i++)
		words = jget_str(j, keys[i]);
	return words;
}

/* What the answer says of itself, made safe to print; "" or " (words)". The caller's. */
static char *reason_of(const struct call *c)
{
	cleanup_json json_t *j = NULL;
	cleanup_free char *safe = NULL;
	const char *words;
	struct error ignored;

	if (c->body.len == 0 || jload_text(c->body.data, c->body.len, "answer", &j, &ignored) < 0)
		return xstrdup(""); /* HTML of a proxy: nothing that helps */
	words = find_words(j);
	if (is_empty(words))
		return xstrdup("");
	safe = str_printable(words, strnlen(words, CALL_REASON_MAX));
	for (char *p = safe; *p; p++)
		if (*p == '\n' || *p == '\t')
			*p = ' ';
	return xasprintf(" (%s)", safe);
}

/* "registry 'h': repository 'p': manifest 'x'" */
static void add_names(const struct call *c, struct error *err)
{
	cleanup_free char *elsewhere = NULL;

	if (c->url.target && !is_equal(c->url.host, c->origin.host))
		elsewhere = xasprintf(" (redirected to '%s')", c->url.host);
	if (c->repository)
		(void)error_wrap(err, "registry '%s': repository '%s': %s%s", c->q.host->name,
				 c->repository, c->what, elsewhere ? elsewhere : "");
	else
		(void)error_wrap(err, "registry '%s': %s%s", c->q.host->name, c->what,
				 elsewhere ? elsewhere : "");
}

int call_error(const struct call *c, struct error *err, int code, const char *fmt, ...)
{
	char text[sizeof(err->text)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)error_set(err, code, "%s", text);
	add_names(c, err);
	return -code;
}

/* Ends the call with an error whose text has no names yet. */
static void fail(struct call *c, const struct error *e)
{
	c->err = *e;
	if (!is_prefix(e->text, "registry '"))
		add_names(c, &c->err);
	c->result = -c->err.code;
	c->state = CALL_DONE;
}

static void fail_text(struct call *c, int code, const char *fmt, ...) printf_like(3, 4);
static void fail_text(struct call *c, int code, const char *fmt, ...)
{
	struct error e = { .code = code };
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(e.text, sizeof(e.text), fmt, ap);
	va_end(ap);
	fail(c, &e);
}

static void fail_status(struct call *c, long status)
{
	cleanup_free char *reason = reason_of(c);
	const char *hint = "";

	if (status_code(status) == EACCES && c->q.grant && !c->has_left) {
		const struct grant *g = c->q.grant;

		if (g->was_withheld)
			hint = "; the token server is in another domain, so no password was sent";
		else if (!g->has_creds)
			hint = "; it may not exist, or 'podium login' is needed";
		else if (!g->path || c->was_reauthed)
			hint = "; the user name or password may be wrong";
	}
	fail_text(c, status_code(status), "%s%s%s", status_text(status), reason, hint);
}

/* ---- sending ------------------------------------------------------------------------------------ */

static int on_head(void *arg, const struct http_answer *a, struct error *err)
{
	struct call *c = arg;

	if (a->status >= 300)
		return 0;
	/* nobody asked for it: bytes would not be what their digest is of */
	if (a->encoding && !WEAKEN("FAULT-19-encoding"))
		return error_set(err, EPROTO, "the answer is encoded as nobody asked for");
	if (c->q.handler && c->q.handler->on_head)
		return c->q.handler->on_head(c->q.arg, a, err);
	if (c->q.max > 0 && a->length > 0 && (uint64_t)a->length > c->q.max)
		return error_set(err, E2BIG, "the answer is larger than %zu bytes", c->q.max);
	return 0;
}

static ssize_t on_body(void *arg, const char *data, size_t len, struct error *err)
{
	struct call *c = arg;
	bool is_good = http_answer(c->t)->status < 300;

	if (is_good && c->q.handler && c->q.handler->on_body)
		return c->q.handler->on_body(c->q.arg, data, len, err);
	if (is_good && c->q.max > 0 && c->body.len + len > c->q.max && !WEAKEN("FAULT-18-body"))
		return error_set(err, E2BIG, "the answer is larger than %zu bytes", c->q.max);
	if ((!is_good || c->q.max == 0) && c->body.len + len > REGISTRY_ERROR_MAX) {
		c->has_enough = true;
		return error_set(err, ECANCELED, "enough");
	}
	buf_add(&c->body, data, len);
	return (ssize_t)len;
}

static ssize_t on_read(void *arg, char *data, size_t len, struct error *err)
{
	struct call *c = arg;

	if (!c->q.handler || !c->q.handler->on_read)
		return 0;
	c->was_read = true;
	return c->q.handler->on_read(c->q.arg, data, len, err);
}

static const struct http_handler handler = { on_head, on_body, on_read };

/* The origin is known when the scheme is: credentials are for exactly that. */
static int set_origin(struct call *c, struct error *err)
{
	struct url u = { 0 };
	int r;

	if (c->q.grant || !c->q.at) {
		r = reg_host_url(c->q.host, c->target ? c->target : "/v2/", &u, err);
		if (r < 0)
			return r;
		url_done(&c->origin);
		c->origin = u;
	}
	if (c->redirects == 0) {
		url_done(&c->url);
		url_copy(&c->url, c->q.at ? &c->start : &c->origin);
	}
	return 0;
}

static void set_rules(const struct call *c, struct http_request *q)
{
	const struct reg_host *h = c->q.host;
	struct url home = { 0 };
	struct error ignored;
	bool is_home, is_near;

	if (reg_host_url(h, "/", &home, &ignored) < 0)
		return; /* the strict rules stay */
	is_home = is_equal(home.host, c->url.host);
	is_near = h->is_private || is_url_near(&home);
	q->allow_plain = h->is_insecure && (is_home || WEAKEN("REG-1-redirect"));
	q->skip_verify = h->is_insecure && is_home;
	q->refuse_private = !is_home && !is_near;
	q->with_client_cert = is_url_same_origin(&home, &c->url);
	q->saw_private = is_home ? &c->q.host->is_private : NULL;
	url_done(&home);
}

/* What may be shown to the address of this attempt. */
static const char *pick_authorization(const struct call *c)
{
	if (!WEAKEN("REG-3") && (c->has_left || !is_url_same_origin(&c->url, &c->origin)))
		return NULL;
	return c->q.grant ? c->q.grant->header : c->authorization;
}

static int connect_ms(const struct registry *r)
{
	int ms = r->limits.connect_ms;

	return r->is_brief && ms > REGISTRY_BRIEF_MS ? REGISTRY_BRIEF_MS : ms;
}

static int send_request(struct call *c, struct error *err)
{
	cleanup_strlist struct strlist headers = { 0 };
	const struct registry_limits *l = &c->r->limits;
	struct http_request q = {
		.method = c->method,
		.url = &c->url,
		.certs = &c->q.host->certs,
		.headers = &headers,
		.body = c->q.body,
		.body_len = c->q.body_len,
		.is_stream = c->q.is_stream,
		.pause_fd = c->q.pause_fd,
		.handler = &handler,
		.arg = c,
		.limits = { .connect_ms = connect_ms(c->r),
			    .stall_bytes = l->stall_bytes,
			    .stall_s = (long)l->stall_s * (c->q.is_patient ? CALL_PATIENCE : 1) },
	};

	strlist_copy(&headers, &c->headers);
	if (c->q.before)
		c->q.before(c->q.arg, &headers);
	set_rules(c, &q);
	q.authorization = pick_authorization(c);
	c->was_auth_sent = q.authorization != NULL;
	c->sent_generation = c->q.grant ? c->q.grant->generation : 0;
	c->has_enough = false;
	c->body.len = 0;
	c->body.overflow = false;
	http_transfer_free(steal_ptr(&c->t));
	return http_start(c->r->http, &q, &c->t, err);
}

static void call_send(struct call *c)
{
	struct error err = { .code = 0 };
	int r = 1;

	if (c->q.grant && !c->has_left)
		r = grant_ready(c->r, c->q.grant, &err);
	if (r == 0) {
		c->state = CALL_TOKEN;
		return;
	}
	if (r > 0)
		r = set_origin(c, &err);
	if (r >= 0)
		r = send_request(c, &err);
	if (r < 0)
		fail(c, &err);
	else
		c->state = CALL_RUN;
}

/* ---- what came back ------------------------------------------------------------------------------ */

static int64_t with_jitter(int64_t ms)
{
	uint32_t n = 0;

	if (ms <= 1 || getrandom(&n, sizeof(n), GRND_NONBLOCK) != (ssize_t)sizeof(n))
		return ms;
	return ms + (int64_t)(n % (uint64_t)(ms / 2 + 1));
}

/* Retry-After in seconds, bounded; a date (or nonsense) is as none. */
static int64_t asked_wait(const struct call *c)
{
	const struct http_answer *a = http_answer(c->t);
	uint64_t s = 0;
	int64_t max = c->r->limits.retry_after_ms;

	if (!a->retry_after)
		return 0;
	if (parse_u64(a->retry_after, UINT64_MAX, &s) < 0)
		return strspn(a->retry_after, "0123456789") == strlen(a->retry_after) ? max : 0;
	return s > (uint64_t)max / 1000 && !WEAKEN("FAULT-18-wait") ? max : (int64_t)s * 1000;
}

/* Tries again later, or gives up with e. */
static void retry(struct call *c, int limit, const struct error *e)
{
	int64_t now = clock_mono_ms(), wait = c->r->limits.backoff_ms, asked = asked_wait(c);

	if (c->was_read || c->r->is_brief || (c->retries >= limit && !WEAKEN("FAULT-18-retry"))) {
		fail(c, e);
		c->may_pass = true;
		return;
	}
	for (int i = 0; i < c->retries && wait < CALL_SLEEP_MAX_MS; i++)
		wait *= 2;
	wait = with_jitter(wait);
	if (asked > wait)
		wait = asked;
	c->retries++;
	if (now + wait >= c->deadline_ms) {
		fail(c, e);
		return;
	}
	trace("registry %s: %s; again in %d ms", c->q.host->name, e->text, (int)wait);
	/* from the beginning: a place that it was redirected to may be good for one visit */
	c->redirects = 0;
	c->has_left = false;
	c->not_before_ms = now + wait;
	c->state = CALL_SLEEP;
}

void call_forgive(struct call *c)
{
	if (c->restarts < CALL_RESTARTS_MAX) {
		c->restarts += c->retries;
		c->retries = 0;
	}
}

/* https to an insecure registry did not work before anything ever answered there. */
static bool can_go_plain(const struct call *c, enum http_failure f)
{
	const struct reg_host *h = c->q.host;
	bool may = (h->is_insecure && h->scheme == HOST_UNKNOWN) ||
		   (h->scheme == HOST_TLS && WEAKEN("REG-1-plain"));

	return may && !c->q.at && c->redirects == 0 &&
	       (f == HTTP_CONNECT || f == HTTP_TLS_TALK || f == HTTP_BROKEN);
}

/* What a person can do about it. */
static void add_hint(enum http_failure f, struct error *e)
{
	size_t n = strlen(e->text);
	const char *hint = f == HTTP_TLS_TRUST ? "its authority belongs into certs.d or --cert-dir"
					       : "an insecure registry needs --tls-verify=false";

	if (f == HTTP_TLS_TRUST || f == HTTP_TLS_TALK)
		(void)snprintf(e->text + n, sizeof(e->text) - n, " (%s)", hint);
}

static void on_failure(struct call *c, enum http_failure f, struct error *e)
{
	struct reg_host *h = c->q.host;

	if (can_go_plain(c, f)) {
		h->scheme = HOST_PLAIN;
		c->state = CALL_READY;
		return;
	}
	add_hint(f, e);
	/* the next attempt begins with https again */
	if (h->is_insecure && !h->has_answered && !c->q.at)
		h->scheme = HOST_UNKNOWN;
	switch (f) {
	case HTTP_CONNECT:
	case HTTP_TIMEOUT: /* each took long enough */
		retry(c, REGISTRY_RETRIES_MAX / 2, e);
		break;
	case HTTP_TLS_TALK: /* a handshake that was cut looks like one that cannot be */
		retry(c, 1, e);
		break;
	case HTTP_BROKEN:
		retry(c, REGISTRY_RETRIES_MAX, e);
		break;
	case HTTP_HANDLER:
		if (e->code == EAGAIN) { /* the handler wants another go */
			retry(c, REGISTRY_RETRIES_MAX, e);
			break;
		}
		/* fall through */
	default:
		fail(c, e);
	}
}

static void on_redirect(struct call *c)
{
	const struct http_answer *a = http_answer(c->t);
	struct url to = { 0 };
	struct error err = { .code = 0 };

	if (!is_equal(c->method, "GET") && !is_equal(c->method, "HEAD")) {
		fail_text(c, EPROTO, "a %s was redirected", c->method);
		return;
	}
	if (++c->redirects > REGISTRY_REDIRECTS_MAX && !WEAKEN("FAULT-18-redirect")) {
		fail_text(c, EPROTO, "redirected more than %d times", REGISTRY_REDIRECTS_MAX);
		return;
	}
	if (is_empty(a->location) || url_resolve(&c->url, a->location, &to, &err) < 0) {
		fail_text(c, EPROTO, "redirected to a bad place%s%s", err.code ? ": " : "",
			  err.code ? err.text : "");
		return;
	}
	if (!is_url_same_origin(&to, &c->origin))
		c->has_left = true;
	trace("registry %s: redirected to %s", c->q.host->name, to.host);
	url_done(&c->url);
	c->url = to;
	c->state = CALL_READY;
}

static void on_unauthorized(struct call *c)
{
	struct error err = { .code = 0 };
	bool is_home = !c->has_left && is_url_same_origin(&c->url, &c->origin);
	int r;

	if (!c->q.grant || c->was_read || (c->was_reauthed && !WEAKEN("FAULT-18-401"))) {
		fail_status(c, 401);
		return;
	}
	if (!is_home && !WEAKEN("REG-2")) {
		fail_text(c, EACCES, "the place asks for a password, and gets none");
		return;
	}
	c->was_reauthed = true;
	r = grant_challenged(c->r, c->q.grant, http_answer(c->t), c->was_auth_sent,
			     c->sent_generation, &err);
	if (r < 0)
		fail(c, &err);
	else
		c->state = r > 0 ? CALL_READY : CALL_TOKEN;
}

static void on_status(struct call *c)
{
	long status = http_answer(c->t)->status;
	struct error err;

	switch (status) {
	case 301:
	case 302:
	case 303:
	case 307:
	case 308:
		on_redirect(c);
		break;
	case 401:
		on_unauthorized(c);
		break;
	case 408:
	case 429:
	case 500:
	case 502:
	case 503:
	case 504: {
		cleanup_free char *reason = reason_of(c);

		(void)error_set(&err, status_code(status), "%s%s", status_text(status), reason);
		retry(c, REGISTRY_RETRIES_MAX, &err);
		break;
	}
	default:
		if (status >= 200 && status < 300)
			c->state = CALL_DONE;
		else
			fail_status(c, status);
	}
}

static void on_done(struct call *c)
{
	struct error err = { .code = 0 };
	enum http_failure f = http_result(c->t, &err);
	struct reg_host *h = c->q.host;

	if (http_answer(c->t)->status > 0 && c->redirects == 0 && !c->q.at) {
		h->has_answered = true;
		if (h->scheme == HOST_UNKNOWN)
			h->scheme = HOST_TLS;
	}
	if (f == HTTP_HANDLER && c->has_enough)
		f = HTTP_FINE;
	if (f == HTTP_FINE)
		on_status(c);
	else
		on_failure(c, f, &err);
}

bool call_step(struct call *c)
{
	int64_t now = clock_mono_ms();
	enum call_state before = c->state;

	if (c->state != CALL_DONE && now >= c->deadline_ms && !(c->t && is_http_done(c->t))) {
		http_transfer_free(steal_ptr(&c->t));
		fail_text(c, ETIMEDOUT, "took longer than allowed");
		return true;
	}
	if (c->state == CALL_TOKEN && !c->q.grant->fetch) {
		if (c->q.grant->err.code != 0)
			fail(c, &c->q.grant->err);
		else
			c->state = CALL_READY;
	}
	if (c->state == CALL_SLEEP && now >= c->not_before_ms)
		c->state = CALL_READY;
	if (c->state == CALL_RUN && is_http_done(c->t))
		on_done(c);
	if (c->state == CALL_READY)
		call_send(c);
	return c->state != before;
}

/* ---- life ------------------------------------------------------------------------------------------ */

int call_start(struct registry *r, const struct call_request *q, struct call **ret,
	       struct error *err)
{
	struct call *c = xcalloc(1, sizeof(*c));
	int64_t total = q->total_ms > 0 ? q->total_ms : r->limits.total_ms;
	size_t max = q->max > REGISTRY_ERROR_MAX ? q->max : REGISTRY_ERROR_MAX;

	(void)err;
	c->r = r;
	c->q = *q;
	c->repository = q->repository ? str_printable(q->repository, strlen(q->repository)) : NULL;
	c->what = str_printable(q->what, strlen(q->what));
	c->method = xstrdup(q->method);
	c->target = xstrdup_or_null(q->target);
	c->authorization = xstrdup_or_null(q->authorization);
	if (q->headers)
		strlist_copy(&c->headers, q->headers);
	if (q->at) {
		url_copy(&c->start, q->at);
		url_copy(&c->origin, q->at);
	}
	c->body = BUF_INIT(max + 1);
	c->deadline_ms = clock_mono_ms() + total;
	c->next = r->calls;
	r->calls = c;
	*ret = c;
	return 0;
}

void call_free(struct call *c)
{
	struct call **at;

	if (!c)
		return;
	for (at = &c->r->calls; *at && *at != c;)
		at = &(*at)->next;
	if (*at)
		*at = c->next;
	http_transfer_free(c->t);
	free(c->repository);
	free(c->what);
	free(c->method);
	free(c->target);
	if (c->authorization)
		explicit_bzero(c->authorization, strlen(c->authorization));
	free(c->authorization);
	strlist_done(&c->headers);
	url_done(&c->start);
	url_done(&c->url);
	url_done(&c->origin);
	if (c->body.data)
		explicit_bzero(c->body.data, c->body.cap);
	buf_done(&c->body);
	free(c);
}

int call_wait(struct call *c, struct error *err)
{
	int rc = 0;

	while (rc == 0 && c->state != CALL_DONE)
		rc = registry_pump(c->r, NULL, 0, -1, err);
	if (rc == 0 && c->result < 0)
		*err = c->err;
	return rc < 0 ? rc : c->result;
}

int call_run(struct registry *r, const struct call_request *q, struct call **ret, struct error *err)
{
	cleanup_call struct call *c = NULL;
	int rc = call_start(r, q, &c, err);

	if (rc == 0)
		rc = call_wait(c, err);
	if (rc == 0)
		*ret = steal_ptr(&c);
	return rc;
}
