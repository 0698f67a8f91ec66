/* SPDX-License-Identifier: Apache-2.0 */
/*
 * httpget - HTTP/1.1 GET of probes and hooks: the request's text, the reply read piece by piece,
 * where a redirect leads. Pure: no sockets. RFC 9110, 9112; the kubelet's rules where they differ.
 */
#ifndef PODIUM_MONITOR_HTTPGET_H
#define PODIUM_MONITOR_HTTPGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/str.h"
#include "engine/pod/spec.h"

#define HTTPGET_HOST_MAX      256
#define HTTPGET_PATH_MAX      2048
#define HTTPGET_LINE_MAX      2304  /* longer header lines are cut, not refused */
#define HTTPGET_HEAD_MAX      65536 /* bytes of all header lines */
#define HTTPGET_BODY_MAX      10240 /* what is read of a body; then it is enough */
#define HTTPGET_REDIRECTS_MAX 10
#define HTTPGET_AGENT_PROBE   "kube-probe/1.36"
#define HTTPGET_AGENT_HOOK    "kube-lifecycle/1.36"

struct http_target {
	bool https;
	uint16_t port;
	char host[HTTPGET_HOST_MAX]; /* a name or an address without brackets */
	char path[HTTPGET_PATH_MAX]; /* with query, escaped: begins with '/' */
};

/* Fills a target; path NULL: "/". -ENAMETOOLONG. */
int http_target_set(struct http_target *t, bool https, const char *host, uint16_t port,
		    const char *path) must_check;

/* Appends the request. agent is sent unless the headers have a User-Agent (an empty one: none); so
 * are Accept and Host. -EINVAL: a header is no header. */
int http_build_request(struct buf *out, const struct http_target *t,
		       const struct http_header_list *headers, const char *agent) must_check;

enum http_step {
	HTTP_STEP_STATUS,
	HTTP_STEP_HEADER,
	HTTP_STEP_LENGTH, /* a body of known length */
	HTTP_STEP_CHUNK_SIZE,
	HTTP_STEP_CHUNK_DATA,
	HTTP_STEP_CHUNK_END,
	HTTP_STEP_TRAILER,
	HTTP_STEP_UNTIL_EOF,
	HTTP_STEP_DONE,
	HTTP_STEP_BAD,
};
struct http_reply {
	enum http_step step;
	int status;
	bool is_chunked;
	bool has_length;
	uint64_t left; /* of the body or chunk */
	size_t body_bytes;
	size_t head_bytes;
	char location[HTTPGET_PATH_MAX]; /* "": none */
	const char *problem;		 /* BAD: why */
	size_t line_len;
	char line[HTTPGET_LINE_MAX];
};
void http_reply_init(struct http_reply *r);
/* Takes what was received. True when no more is needed: step DONE or BAD. */
bool http_reply_feed(struct http_reply *r, const char *data, size_t len);
/* The peer has closed. */
void http_reply_end(struct http_reply *r);

enum http_follow {
	HTTP_FOLLOW_NOT,   /* not a redirect with a place to go */
	HTTP_FOLLOW_HERE,  /* to the same host: *ret is where */
	HTTP_FOLLOW_AWAY,  /* to another host */
	HTTP_FOLLOW_BROKEN /* the place is no address of HTTP */
};
/* Where the reply to `from` leads; hosts are compared with `origin`, that of the first request. */
enum http_follow http_follow(const struct http_reply *r, const struct http_target *from,
			     const char *origin, struct http_target *ret);

#endif
