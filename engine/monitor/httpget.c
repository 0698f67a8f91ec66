/* SPDX-License-Identifier: Apache-2.0 */
/*
 * httpget - HTTP/1.1 GET of probes and hooks.
 *
 * Theory of operation: the request asks for the connection to be closed, so a reply ends with its
 * length, its last chunk or the end of the stream, whichever comes first; of a body no more than
 * HTTPGET_BODY_MAX bytes are taken and none kept. The reply is read by a machine that is fed any
 * pieces and holds one line. What it holds came from the container: every length is bounded, a
 * line that is too long is cut where only its beginning matters.
 *
 * Interim answers (1xx) are passed over; it is all heads together that are bounded. 204 and 304 have
 * no body. A head that ends early, a body shorter than announced and a size that is no number are
 * bad.
 */
#include "engine/monitor/httpget.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- the request ------------------------------------------------------------------------ */

/* Copies a path with query, without fragment; bytes that a request line cannot hold are escaped. */
static int set_path(struct http_target *t, const char *path)
{
	size_t at = 0;

	if (is_empty(path) || *path != '/')
		t->path[at++] = '/';
	for (const char *p = path ? path : ""; *p && *p != '#'; p++) {
		unsigned char c = (unsigned char)*p;

		if (at + 4 > sizeof(t->path))
			return -ENAMETOOLONG;
		if (c > 0x20 && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\')
			t->path[at++] = (char)c;
		else
			at += (size_t)snprintf(t->path + at, 4, "%%%02X", c);
	}
	t->path[at] = '\0';
	return 0;
}

int http_target_set(struct http_target *t, bool https, const char *host, uint16_t port,
		    const char *path)
{
	size_t n = strlen(host);

	if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
		host++;
		n -= 2;
	}
	if (n >= sizeof(t->host))
		return -ENAMETOOLONG;
	t->https = https;
	t->port = port;
	memcpy(t->host, host, n);
	t->host[n] = '\0';
	return set_path(t, path);
}

static const char *find_header(const struct http_header_list *headers, const char *name)
{
	for (size_t i = 0; i < headers->n; i++)
		if (headers->v[i].name && strcasecmp(headers->v[i].name, name) == 0)
			return headers->v[i].value ? headers->v[i].value : "";
	return NULL;
}

static bool is_header(const struct http_header *h)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789"
				    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return !is_empty(h->name) && h->name[strspn(h->name, token)] == '\0' &&
	       (!h->value || !strpbrk(h->value, "\r\n"));
}

/* "User-Agent: X" unless the headers have one; an empty one of theirs means none. */
static void add_default(struct buf *out, const struct http_header_list *headers, const char *name,
			const char *value)
{
	if (!find_header(headers, name))
		buf_printf(out, "%s: %s\r\n", name, value);
}

int http_build_request(struct buf *out, const struct http_target *t,
		       const struct http_header_list *headers, const char *agent)
{
	const char *host = find_header(headers, "Host");
	bool is_v6 = strchr(t->host, ':') != NULL;

	buf_printf(out, "GET %s HTTP/1.1\r\n", t->path);
	if (!is_empty(host) && !strpbrk(host, "\r\n"))
		buf_printf(out, "Host: %s\r\n", host);
	else
		buf_printf(out, "Host: %s%s%s:%u\r\n", is_v6 ? "[" : "", t->host, is_v6 ? "]" : "",
			   t->port);
	add_default(out, headers, "User-Agent", agent);
	add_default(out, headers, "Accept", "*/*");
	for (size_t i = 0; i < headers->n; i++) {
		const struct http_header *h = &headers->v[i];

		if (!is_header(h))
			return -EINVAL;
		if (strcasecmp(h->name, "Host") == 0 || strcasecmp(h->name, "Connection") == 0)
			continue;
		if (is_empty(h->value) &&
		    (strcasecmp(h->name, "User-Agent") == 0 || strcasecmp(h->name, "Accept") == 0))
			continue;
		buf_printf(out, "%s: %s\r\n", h->name, h->value ? h->value : "");
	}
	buf_adds(out, "Connection: close\r\n\r\n");
	return out->overflow ? -E2BIG : 0;
}

/* ---- the reply -------------------------------------------------------------------------- */

void http_reply_init(struct http_reply *r)
{
	memset(r, 0, sizeof(*r));
}

static void set_bad(struct http_reply *r, const char *problem)
{
	r->step = HTTP_STEP_BAD;
	r->problem = problem;
}

/* "HTTP/1.1 200 OK" */
static void take_status(struct http_reply *r)
{
	const char *p = r->line;

	if (!is_prefix(p, "HTTP/1.") || (p[7] != '0' && p[7] != '1') || p[8] != ' ') {
		set_bad(r, "malformed HTTP response");
		return;
	}
	p += 9;
	if (strspn(p, "0123456789") != 3 || (p[3] != ' ' && p[3] != '\0') || p[0] == '0') {
		set_bad(r, "malformed HTTP status code");
		return;
	}
	r->status = (p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0');
	r->step = HTTP_STEP_HEADER;
}

static const char *value_of(const char *line, const char *name)
{
	size_t n = strlen(name);

	if (strncasecmp(line, name, n) != 0 || line[n] != ':')
		return NULL;
	return line + n + 1 + strspn(line + n + 1, " \t");
}

static void cut_blanks(char *s)
{
	size_t n = strlen(s);

	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		s[--n] = '\0';
}

static void take_header(struct http_reply *r)
{
	const char *v;

	cut_blanks(r->line);
	v = value_of(r->line, "Content-Length");
	if (v) {
		uint64_t n = 0;

		if (parse_u64(v, INT64_MAX, &n) < 0 || (r->has_length && n != r->left))
			set_bad(r, "bad Content-Length");
		r->has_length = true;
		r->left = n;
	}
	v = value_of(r->line, "Transfer-Encoding");
	if (v)
		r->is_chunked = r->is_chunked || strcasecmp(v, "chunked") == 0;
	v = value_of(r->line, "Location");
	if (v && strlen(v) < sizeof(r->location))
		(void)snprintf(r->location, sizeof(r->location), "%s", v);
}

static void end_head(struct http_reply *r)
{
	if (r->status < 200) { /* an interim answer */
		size_t head_bytes = r->head_bytes;

		http_reply_init(r);
		r->head_bytes = head_bytes; /* so that they end */
		return;
	}
	if (r->status == 204 || r->status == 304)
		r->step = HTTP_STEP_DONE;
	else if (r->is_chunked)
		r->step = HTTP_STEP_CHUNK_SIZE;
	else if (r->has_length)
		r->step = r->left ? HTTP_STEP_LENGTH : HTTP_STEP_DONE;
	else
		r->step = HTTP_STEP_UNTIL_EOF;
}

/* "1a;extension" */
static void take_chunk_size(struct http_reply *r)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t n = 0;
	size_t i = 0;

	for (; r->line[i] && r->line[i] != ';' && r->line[i] != ' '; i++) {
		const char *d = strchr(digits, r->line[i] | 0x20);

		if (!d || i >= 15) {
			set_bad(r, "bad chunk size");
			return;
		}
		n = n * 16 + (uint64_t)(d - digits);
	}
	if (i == 0) {
		set_bad(r, "bad chunk size");
		return;
	}
	r->left = n;
	r->step = n ? HTTP_STEP_CHUNK_DATA : HTTP_STEP_TRAILER;
}

static void take_line(struct http_reply *r)
{
	if (r->line_len > 0 && r->line[r->line_len - 1] == '\r')
		r->line_len--;
	r->line[r->line_len] = '\0';
	switch (r->step) {
	case HTTP_STEP_STATUS:
		take_status(r);
		break;
	case HTTP_STEP_HEADER:
		if (r->line_len == 0)
			end_head(r);
		else
			take_header(r);
		break;
	case HTTP_STEP_CHUNK_SIZE:
		take_chunk_size(r);
		break;
	case HTTP_STEP_CHUNK_END:
		r->step = HTTP_STEP_CHUNK_SIZE;
		if (r->line_len != 0)
			set_bad(r, "bad chunk");
		break;
	case HTTP_STEP_TRAILER:
		if (r->line_len == 0)
			r->step = HTTP_STEP_DONE;
		break;
	default:
		break;
	}
	r->line_len = 0;
}

static void take_char(struct http_reply *r, char c)
{
	if (++r->head_bytes > HTTPGET_HEAD_MAX) {
		set_bad(r, "too many header bytes");
		return;
	}
	if (c == '\n')
		take_line(r);
	else if (r->line_len < sizeof(r->line) - 1)
		r->line[r->line_len++] = c ? c : ' ';
}

/* Counts body bytes off. Returns how many of len were taken. */
static size_t take_body(struct http_reply *r, size_t len)
{
	size_t n = len;

	if (r->step != HTTP_STEP_UNTIL_EOF && n > r->left)
		n = (size_t)r->left;
	r->body_bytes += n;
	if (r->step != HTTP_STEP_UNTIL_EOF)
		r->left -= n;
	if (r->body_bytes >= HTTPGET_BODY_MAX || (r->step == HTTP_STEP_LENGTH && r->left == 0))
		r->step = HTTP_STEP_DONE;
	else if (r->step == HTTP_STEP_CHUNK_DATA && r->left == 0)
		r->step = HTTP_STEP_CHUNK_END;
	return n;
}

static bool is_body(enum http_step step)
{
	return step == HTTP_STEP_LENGTH || step == HTTP_STEP_CHUNK_DATA ||
	       step == HTTP_STEP_UNTIL_EOF;
}

bool http_reply_feed(struct http_reply *r, const char *data, size_t len)
{
	for (size_t at = 0; at < len && r->step < HTTP_STEP_DONE;) {
		if (is_body(r->step))
			at += take_body(r, len - at);
		else
			take_char(r, data[at++]);
	}
	return r->step >= HTTP_STEP_DONE;
}

void http_reply_end(struct http_reply *r)
{
	if (r->step == HTTP_STEP_UNTIL_EOF)
		r->step = HTTP_STEP_DONE;
	else if (r->step < HTTP_STEP_DONE)
		set_bad(r, r->head_bytes == 0 ? "closed without an answer" : "answer ended early");
}

/* ---- redirects -------------------------------------------------------------------------- */

/* "host", "host:8080", "[::1]:8080" with an optional "user@" that is not sent. */
static int set_authority(struct http_target *t, const char *text, size_t len)
{
	const char *at = memrchr(text, '@', len);
	const char *host = at ? at + 1 : text;
	size_t n = len - (size_t)(host - text);
	const char *bracket = n && *host == '[' ? memchr(host, ']', n) : NULL;
	const char *colon = memrchr(host, ':', n);
	uint64_t port = t->https ? 443 : 80;
	char digits[8];

	if (bracket && colon && colon < bracket)
		colon = NULL;
	if (colon) {
		size_t d = n - (size_t)(colon + 1 - host);

		if (d >= sizeof(digits))
			return -EINVAL;
		memcpy(digits, colon + 1, d);
		digits[d] = '\0';
		if (d && (parse_u64(digits, UINT16_MAX, &port) < 0 || port == 0))
			return -EINVAL;
		n = (size_t)(colon - host);
	}
	if (bracket) {
		host++;
		n = (size_t)(bracket - host);
	}
	if (n == 0 || n >= sizeof(t->host))
		return -EINVAL;
	memcpy(t->host, host, n);
	t->host[n] = '\0';
	t->port = (uint16_t)port;
	return 0;
}

/* A path relative to that of `from`. */
static int set_relative(struct http_target *t, const struct http_target *from, const char *path)
{
	char whole[2 * HTTPGET_PATH_MAX];
	size_t dir = strcspn(from->path, "?");

	if (*path == '/')
		return set_path(t, path);
	if (*path != '?')
		while (dir > 1 && from->path[dir - 1] != '/')
			dir--;
	(void)snprintf(whole, sizeof(whole), "%.*s%s", (int)dir, from->path, path);
	return set_path(t, whole);
}

enum http_follow http_follow(const struct http_reply *r, const struct http_target *from,
			     const char *origin, struct http_target *ret)
{
	const char *where = r->location;
	int s = r->status;
	int e = 0;

	if ((s != 301 && s != 302 && s != 303 && s != 307 && s != 308) || !*where)
		return HTTP_FOLLOW_NOT;
	*ret = *from;
	if (strncasecmp(where, "http://", 7) == 0) {
		ret->https = false;
		where += 5;
	} else if (strncasecmp(where, "https://", 8) == 0) {
		ret->https = true;
		where += 6;
	} else if (!is_prefix(where, "//") && strcspn(where, ":") < strcspn(where, "/?#")) {
		return HTTP_FOLLOW_BROKEN; /* another scheme */
	}
	if (is_prefix(where, "//")) {
		size_t n = strcspn(where + 2, "/?#");

		e = set_authority(ret, where + 2, n);
		if (e == 0)
			e = set_path(ret, where + 2 + n);
	} else {
		e = set_relative(ret, from, where);
	}
	if (e < 0)
		return HTTP_FOLLOW_BROKEN;
	return strcasecmp(ret->host, origin) == 0 ? HTTP_FOLLOW_HERE : HTTP_FOLLOW_AWAY;
}
