/* SPDX-License-Identifier: Apache-2.0 */
/*
 * action_net - TCP, plain HTTP and gRPC by one non-blocking socket.
 *
 * Theory of operation: connect, send what there is to send, feed what comes to the reader of the
 * protocol until it has had enough. A new socket is made for each redirect to the same host; one
 * to another host is not followed and counts as good, as with the kubelet, and one to HTTPS is
 * handed to podium-probe. Host names are podium-probe's, too: resolving them would block.
 *
 * The socket is made in the engine's network, or, for a pod whose network has no way in, in the
 * pod's: this process enters it for that one call. A socket stays where it was made. Failing to
 * come back ends this process: in the wrong network it would do harm.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "engine/base/mem.h"
#include "engine/monitor/action.h"
#include "engine/monitor/grpccheck.h"

#define REQUEST_MAX_BYTES 65536
#define READ_BYTES	  4096

int action_in_netns(const struct action *a, int (*fn)(void *), void *arg)
{
	cleanup_close int home = -EBADF;
	int r;

	if (a->netns_pidfd < 0)
		return fn(arg);
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0 || setns(a->netns_pidfd, CLONE_NEWNET) < 0)
		return -errno;
	r = fn(arg);
	if (setns(home, CLONE_NEWNET) < 0)
		abort();
	return r;
}

static int make_socket(void *family)
{
	int fd = socket(*(const int *)family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* False: it is a name. */
static bool is_address(const char *host, uint16_t port, union address *ret, socklen_t *ret_len)
{
	memset(ret, 0, sizeof(*ret));
	if (strcasecmp(host, "localhost") == 0)
		host = "127.0.0.1";
	if (inet_pton(AF_INET, host, &ret->v4.sin_addr) == 1) {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_port = htons(port);
		*ret_len = sizeof(ret->v4);
		return true;
	}
	if (inet_pton(AF_INET6, host, &ret->v6.sin6_addr) == 1) {
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_port = htons(port);
		*ret_len = sizeof(ret->v6);
		return true;
	}
	return false;
}

static void finish_connect_error(struct action *a, int e)
{
	action_finish(a, ACTION_BAD, "connect to %s port %u: %s", a->target.host, a->target.port,
		      strerror(e));
}

/* ---- beginning -------------------------------------------------------------------------- */

/* Fills a->request, or says why not. */
static bool prepare(struct action *a)
{
	const char *agent = a->is_hook ? HTTPGET_AGENT_HOOK : HTTPGET_AGENT_PROBE;

	a->request = BUF_INIT(REQUEST_MAX_BYTES);
	a->sent = 0;
	if (a->spec->kind == ACTION_HTTP) {
		if (http_build_request(&a->request, &a->target, &a->spec->headers, agent) < 0) {
			action_finish(a, ACTION_BROKEN, "the headers of the request are not valid");
			return false;
		}
		a->http = xmalloc(sizeof(*a->http));
		http_reply_init(a->http);
	} else if (a->spec->kind == ACTION_GRPC) {
		a->grpc = grpc_check_new(&a->request, a->target.host, a->target.port,
					 a->spec->service);
	}
	return true;
}

static void connect_target(struct action *a)
{
	union address to;
	socklen_t len = 0;
	int family;

	if (!is_address(a->target.host, a->target.port, &to, &len) || a->target.https) {
		action_begin_helper(a);
		return;
	}
	if (!prepare(a))
		return;
	family = to.any.sa_family;
	a->fd = action_in_netns(a, make_socket, &family);
	if (a->fd < 0) {
		action_finish(a, ACTION_BROKEN, "make a socket: %s", strerror(-a->fd));
		return;
	}
	a->phase = ACTION_CONNECTING;
	/* Connected at once: the socket says so when it is polled. */
	if (connect(a->fd, &to.any, len) < 0 && errno != EINPROGRESS)
		finish_connect_error(a, errno);
}

void action_begin_net(struct action *a)
{
	const char *host = is_empty(a->spec->host) ? a->place->address : a->spec->host;

	if (is_empty(host)) {
		action_finish(a, ACTION_BROKEN, "the pod has no address");
		return;
	}
	if (http_target_set(&a->target, a->spec->https, host, a->spec->port, a->spec->path) < 0) {
		action_finish(a, ACTION_BROKEN, "host or path is too long");
		return;
	}
	connect_target(a);
}

void action_net_close(struct action *a)
{
	if (a->fd >= 0)
		(void)close(a->fd);
	a->fd = -1;
	buf_done(&a->request);
	free(a->http);
	a->http = NULL;
	grpc_check_free(a->grpc);
	a->grpc = NULL;
}

/* ---- the reply -------------------------------------------------------------------------- */

/* To the same host, once more. */
static void follow(struct action *a, const struct http_target *to)
{
	if (++a->redirects > HTTPGET_REDIRECTS_MAX) {
		action_finish(a, ACTION_BAD, "stopped after %d redirects", HTTPGET_REDIRECTS_MAX);
		return;
	}
	action_net_close(a);
	a->target = *to;
	connect_target(a);
}

static void conclude_http(struct action *a)
{
	const struct http_reply *r = a->http;
	struct http_target to;
	enum http_follow where;

	if (r->step == HTTP_STEP_BAD) {
		action_finish(a, ACTION_BAD, "%s", r->problem);
		return;
	}
	/* The host of a redirect that was followed is that of the first request. */
	where = http_follow(r, &a->target, a->target.host, &to);
	if (where == HTTP_FOLLOW_HERE)
		follow(a, &to);
	else if (where == HTTP_FOLLOW_BROKEN)
		action_finish(a, ACTION_BAD, "redirected to what is no address");
	else if (r->status >= 200 && (r->status < 300 || a->is_hook))
		action_finish(a, ACTION_GOOD, "%s", "");
	else if (r->status >= 300 && r->status < 400)
		action_finish(a, ACTION_WARN,
			      "redirect with status %d was not followed: counted as success",
			      r->status);
	else
		action_finish(a, ACTION_BAD, "HTTP status %d", r->status);
}

static void conclude_grpc(struct action *a)
{
	char text[ACTION_TEXT_MAX];

	if (grpc_check_verdict(a->grpc, text, sizeof(text)))
		action_finish(a, ACTION_GOOD, "%s", "");
	else
		action_finish(a, ACTION_BAD, "%s", text);
}

static void receive(struct action *a)
{
	char data[READ_BYTES];
	ssize_t n = recv(a->fd, data, sizeof(data), 0);
	bool done;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		action_finish(a, ACTION_BAD, "receive: %s", strerror(errno));
		return;
	}
	if (a->http) {
		done = n == 0 || http_reply_feed(a->http, data, (size_t)n);
		if (n == 0)
			http_reply_end(a->http);
		if (done)
			conclude_http(a);
		return;
	}
	done = n == 0 || grpc_check_feed(a->grpc, data, (size_t)n, &a->request);
	if (done)
		conclude_grpc(a);
	else if (a->sent < a->request.len)
		a->phase = ACTION_SENDING; /* answers to settings and pings */
}

static void transmit(struct action *a)
{
	ssize_t n = send(a->fd, a->request.data + a->sent, a->request.len - a->sent, MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* A server that has answered may have closed already: what it said counts. */
	if (n < 0 && errno != EPIPE && errno != ECONNRESET) {
		action_finish(a, ACTION_BAD, "send: %s", strerror(errno));
		return;
	}
	a->sent += n > 0 ? (size_t)n : a->request.len - a->sent;
	if (a->sent == a->request.len)
		a->phase = ACTION_RECEIVING;
}

static void connected(struct action *a)
{
	int e = 0;
	socklen_t len = sizeof(e);

	if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0)
		e = errno;
	if (e) {
		finish_connect_error(a, e);
		return;
	}
	if (a->spec->kind == ACTION_TCP) {
		action_finish(a, ACTION_GOOD, "%s", "");
		return;
	}
	a->phase = ACTION_SENDING;
	transmit(a);
}

void action_net_dispatch(struct action *a, short revents)
{
	(void)revents;
	switch (a->phase) {
	case ACTION_CONNECTING:
		connected(a);
		break;
	case ACTION_SENDING:
		transmit(a);
		break;
	case ACTION_RECEIVING:
		receive(a);
		break;
	default:
		break;
	}
}
