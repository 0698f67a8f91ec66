/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http - single HTTP requests over libcurl, side by side. podium-image only.
 *
 * The only place that makes a libcurl handle (REG-1): peer and host are verified, TLS 1.2 or newer,
 * https alone (http where a request allows it), no redirects, no netrc, no cookies, no decoding of
 * bodies. What an answer means - authentication, redirects, retries - is its users' (regcall.c).
 */
#ifndef PODIUM_IMAGE_HTTP_H
#define PODIUM_IMAGE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/image/certs.h"
#include "engine/image/challenge.h"
#include "engine/image/url.h"

#define HTTP_CONNECTIONS_KEPT 16

struct http; /* the connections */
int http_new(struct http **ret, struct error *err) must_check;
/* Transfers must have been freed. */
void http_free(struct http *h);

struct http_limits {
	long connect_ms;  /* name, connection and TLS handshake */
	long stall_bytes; /* a second, on average over stall_s: less is a stall */
	long stall_s;
};

/* The head of a final answer (2xx and up). Texts are the transfer's; NULL when not there. */
struct http_answer {
	long status;
	int64_t length; /* Content-Length, or -1 */
	char *location;
	char *media_type; /* Content-Type without parameters */
	char *digest;	  /* Docker-Content-Digest */
	char *range;	  /* Content-Range */
	char *retry_after;
	char *link;
	char *modified; /* Last-Modified */
	char *encoding; /* Content-Encoding or Transfer-Encoding that is not identity, chunked */
	struct strlist wants; /* WWW-Authenticate */
};

/* What the transfer's owner does with it. Each may be NULL. A negative return ends the transfer with
 * err. */
struct http_handler {
	/* The head is complete. */
	int (*on_head)(void *arg, const struct http_answer *a, struct error *err);
	/* Bytes of the body. Returns how many were taken: fewer than len pauses the transfer until
	 * pause_fd is writable, and then the rest comes again. */
	ssize_t (*on_body)(void *arg, const char *data, size_t len, struct error *err);
	/* Gives up to len bytes of the request's body; 0: the end; -EAGAIN: not until pause_fd is
	 * readable. */
	ssize_t (*on_read)(void *arg, char *data, size_t len, struct error *err);
};

struct http_request {
	const char *method;    /* "GET" */
	const struct url *url; /* borrowed until http_start() returns, as everything here */
	bool allow_plain;      /* http:// is allowed */
	bool skip_verify;      /* of TLS */
	bool refuse_private;   /* a target of the internet must be in the internet */
	bool *saw_private;     /* set when a connection to a private address is made; NULL; kept */
	const struct certs *certs;
	bool with_client_cert;	       /* of certs */
	const struct strlist *headers; /* "Accept: x"; or NULL */
	const char *authorization;     /* the header's value, or NULL */
	const void *body;	       /* sent with a length; NULL: none. Kept until the end */
	size_t body_len;
	bool is_stream; /* the body comes from on_read, chunked */
	int pause_fd;	/* see struct http_handler, or -1 */
	struct http_limits limits;
	const struct http_handler *handler;
	void *arg;
};

enum http_failure {
	HTTP_FINE,
	HTTP_HANDLER,	/* a handler said so */
	HTTP_CONNECT,	/* nobody is there: refused, unreachable, no such name */
	HTTP_TLS_TALK,	/* the other side does not speak TLS, or hung up on it */
	HTTP_TLS_TRUST, /* its certificate is not good */
	HTTP_BROKEN,	/* reset, closed early, silent */
	HTTP_TIMEOUT,
	HTTP_PROTOCOL, /* what came is not HTTP as we take it, or our own limits */
};

struct http_transfer;
int http_start(struct http *h, const struct http_request *q, struct http_transfer **ret,
	       struct error *err) must_check;
/* Ends it if it is under way. */
void http_transfer_free(struct http_transfer *t);
bool is_http_done(const struct http_transfer *t);
/* When it is done: the failure, with err filled when it is not HTTP_FINE. */
enum http_failure http_result(const struct http_transfer *t, struct error *err);
/* Of what has come so far; status 0: nothing yet. */
const struct http_answer *http_answer(const struct http_transfer *t);

/* Moves every transfer until one is done, one of fds[0..n) is ready (revents are set) or timeout_ms
 * have passed (-1: none). */
struct pollfd;
int http_wait(struct http *h, struct pollfd *fds, size_t n, int timeout_ms,
	      struct error *err) must_check;

#endif
