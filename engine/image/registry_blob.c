/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_blob - blobs from a registry into pipes, side by side.
 *
 * Theory of operation: a blob is a call whose body is written to a pipe as it comes. `bytes` counts
 * what is in the pipe; those never come again. When the transfer breaks, the next attempt asks for
 * the rest (Range) and takes only an answer that is exactly this rest: 206 with a Content-Range from
 * `bytes` to the end, or 200, of which the first `bytes` bytes are dropped. An answer that says
 * another size than the manifest, or sends more, ends it at once; one that ends early is retried,
 * then it is a lie too. A route that fails is followed by the next one, from the same place. All
 * that was put together so is hashed by whoever reads the pipe, so a registry that sends different
 * bytes on retry is found out there.
 *
 * A full pipe pauses the transfer, and with it the registry. The bound in time grows with the size:
 * BLOB_BASE_MS and a second for each BLOB_RATE_MIN bytes, whatever the low-speed limit allows.
 */
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/seams.h"
#include "engine/base/trace.h"
#include "engine/image/regcall.h"

#define BLOB_BASE_MS	600000
#define BLOB_RATE_MIN	8192
#define BLOB_SHORTS_MAX 2
#define BLOB_PROGRESS	1048576 /* that much makes up for a retry */
#define BLOB_PIPE_SIZE	262144

struct registry_blob {
	struct registry_blob *next;
	struct registry *r;
	const struct route_list *routes;
	size_t route; /* that is tried */
	struct digest digest;
	uint64_t size;
	uint64_t bytes;	  /* written to outfd */
	uint64_t skip;	  /* of this answer that are there already */
	uint64_t attempt; /* bytes of this attempt */
	int shorts;
	int outfd;
	struct call *call;
	bool is_done, was_told;
	int result;
	struct error err;
	struct error earlier; /* of the place before this one; code 0: none */
};

static void before(void *arg, struct strlist *headers)
{
	struct registry_blob *b = arg;

	b->attempt = 0;
	b->skip = 0;
	if (b->bytes > 0)
		strlist_addf(headers, "Range: bytes=%llu-", (unsigned long long)b->bytes);
}

/* "bytes FROM-TO/SIZE" is exactly what is missing. */
static bool is_rest(const struct registry_blob *b, const char *range)
{
	char whole[96], star[96];

	if (!range)
		return false;
	(void)snprintf(whole, sizeof(whole), "bytes %llu-%llu/%llu", (unsigned long long)b->bytes,
		       (unsigned long long)b->size - 1, (unsigned long long)b->size);
	(void)snprintf(star, sizeof(star), "bytes %llu-%llu/*", (unsigned long long)b->bytes,
		       (unsigned long long)b->size - 1);
	return is_equal(range, whole) || is_equal(range, star);
}

static int on_head(void *arg, const struct http_answer *a, struct error *err)
{
	struct registry_blob *b = arg;
	uint64_t expect = b->size;

	if (a->status == 206) {
		if ((b->bytes == 0 || !is_rest(b, a->range)) && !WEAKEN("FAULT-19-range"))
			return error_set(err, EBADMSG,
					 "the registry sent another part than the one "
					 "that was asked for");
		expect -= b->bytes;
	} else if (a->status == 200) {
		b->skip = WEAKEN("FAULT-19-skip") ? 0 : b->bytes;
	} else {
		return error_set(err, EPROTO, "unexpected answer %ld", a->status);
	}
	if (a->length >= 0 && (uint64_t)a->length != expect && !WEAKEN("FAULT-19-length"))
		return error_set(
			err, EBADMSG, "the registry has %lld bytes, the manifest says %llu",
			(long long)a->length + (a->status == 206 ? (long long)b->bytes : 0),
			(unsigned long long)b->size);
	return 0;
}

static ssize_t write_some(struct registry_blob *b, const char *data, size_t len, struct error *err)
{
	ssize_t n;

	do
		n = write(b->outfd, data, len);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n < 0)
		return error_errno(err, "nobody takes the bytes");
	b->bytes += (uint64_t)n;
	b->attempt += (uint64_t)n;
	if (b->attempt >= BLOB_PROGRESS) {
		b->attempt = 0;
		call_forgive(b->call);
	}
	return n;
}

static ssize_t on_body(void *arg, const char *data, size_t len, struct error *err)
{
	struct registry_blob *b = arg;
	size_t skip = b->skip < len ? (size_t)b->skip : len;
	ssize_t n = 0;

	if (len - skip > b->size - b->bytes && !WEAKEN("FAULT-19-size"))
		return error_set(err, EBADMSG,
				 "the registry sends more than the %llu bytes of the manifest",
				 (unsigned long long)b->size);
	b->skip -= skip;
	if (len > skip)
		n = write_some(b, data + skip, len - skip, err);
	return n < 0 ? n : (ssize_t)skip + n;
}

static const struct http_handler handler = { .on_head = on_head, .on_body = on_body };

static int begin(struct registry_blob *b, struct error *err)
{
	const struct registry_route *route = &b->routes->v[b->route];
	char hex[DIGEST_HEX_LEN + 1];
	cleanup_free char *target = NULL, *what = NULL;
	struct call_request q = { .method = "GET" };
	int r = registry_enter(b->r, route, false, &q, err);

	if (r < 0)
		return r;
	target = xasprintf("/v2/%s/blobs/sha256:%s", route->path, digest_hex(&b->digest, hex));
	what = xasprintf("blob 'sha256:%s'", hex);
	q.target = target;
	q.what = what;
	q.pause_fd = b->outfd;
	q.handler = &handler;
	q.before = before;
	q.arg = b;
	q.total_ms = BLOB_BASE_MS + (int64_t)(b->size / BLOB_RATE_MIN) * 1000;
	if (b->r->o.limits && b->r->o.limits->total_ms > 0)
		q.total_ms = b->r->o.limits->total_ms;
	return call_start(b->r, &q, &b->call, err);
}

/* A failure names the place that was asked last, and in short what the one before it said: the last
 * one is often the registry that a mirror stands in for, and the mirror is what is broken. */
static void end(struct registry_blob *b, int result, const struct error *err)
{
	b->is_done = true;
	b->result = result;
	if (result < 0 && b->earlier.code)
		(void)error_set(&b->err, err->code, "%.240s; before that: %.220s", err->text,
				b->earlier.text);
	else if (result < 0)
		b->err = *err;
}

/* The next route that can be asked, or the end with err. */
static void try_next(struct registry_blob *b, struct error *err)
{
	int r = -err->code;

	while (r < 0 && r != -EPIPE && b->route + 1 < b->routes->n) {
		trace("%s; trying the next place", err->text);
		b->earlier = *err;
		b->route++;
		b->shorts = 0;
		r = begin(b, err);
	}
	if (r < 0)
		end(b, r, err);
}

static void on_end(struct registry_blob *b)
{
	struct call *c = b->call;
	struct error err = c->err;

	b->call = NULL;
	if (c->result == 0 && b->bytes == b->size) {
		end(b, 1, NULL);
	} else if (c->result < 0) {
		try_next(b, &err);
	} else if (b->shorts++ < BLOB_SHORTS_MAX) {
		if (begin(b, &err) < 0)
			end(b, -err.code, &err);
	} else {
		(void)call_error(c, &err, EBADMSG,
				 "the registry sent %llu bytes, the manifest says %llu",
				 (unsigned long long)b->bytes, (unsigned long long)b->size);
		try_next(b, &err);
	}
	call_free(c);
}

bool registry_blobs_step(struct registry *r)
{
	bool changed = false;

	for (struct registry_blob *b = r->blobs; b; b = b->next)
		if (!b->is_done && b->call->state == CALL_DONE) {
			on_end(b);
			changed = true;
		}
	return changed;
}

int registry_blob_start(struct registry *r, const struct route_list *routes,
			const struct blob_want *want, int outfd, struct registry_blob **ret,
			struct error *err)
{
	struct registry_blob *b;
	int flags = fcntl(outfd, F_GETFL);
	int rc;

	if (flags < 0 || fcntl(outfd, F_SETFL, flags | O_NONBLOCK) < 0)
		return error_errno(err, "the pipe of a blob");
	if (routes->n == 0)
		return error_set(err, EINVAL, "no place to fetch a blob from");
	/* fewer turns between the two ends; whatever the kernel allows is good */
	(void)fcntl(outfd, F_SETPIPE_SZ, BLOB_PIPE_SIZE);
	b = xcalloc(1, sizeof(*b));
	b->r = r;
	b->routes = routes;
	b->digest = want->digest;
	b->size = want->size;
	b->outfd = outfd;
	b->next = r->blobs;
	if (b->size == 0) {
		end(b, 1, NULL);
	} else {
		rc = begin(b, err);
		while (rc < 0 && b->route + 1 < routes->n) {
			b->route++;
			rc = begin(b, err);
		}
		if (rc < 0) {
			free(b);
			return rc;
		}
	}
	r->blobs = b;
	*ret = b;
	return 0;
}

int registry_blob_state(struct registry_blob *b, struct error *err)
{
	if (!b->is_done)
		return 0;
	b->was_told = true;
	if (b->result < 0)
		*err = b->err;
	return b->result;
}

uint64_t registry_blob_bytes(const struct registry_blob *b)
{
	return b->bytes;
}

void registry_blob_free(struct registry_blob *b)
{
	struct registry_blob **at;

	if (!b)
		return;
	for (at = &b->r->blobs; *at && *at != b;)
		at = &(*at)->next;
	if (*at)
		*at = b->next;
	call_free(b->call);
	free(b);
}

/* One has ended and nobody has asked how. */
static bool has_news(const struct registry *r)
{
	for (const struct registry_blob *b = r->blobs; b; b = b->next)
		if (b->is_done && !b->was_told)
			return true;
	return false;
}

static bool is_ready(const struct pollfd *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i].revents)
			return true;
	return false;
}

int registry_wait(struct registry *r, struct pollfd *fds, size_t n, int timeout_ms,
		  struct error *err)
{
	int64_t until = clock_mono_ms() + timeout_ms;
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		fds[i].revents = 0;
	do {
		int64_t left = timeout_ms < 0 ? -1 : until - clock_mono_ms();

		rc = registry_pump(r, fds, n, has_news(r) ? 0 : left < -1 ? 0 : (int)left, err);
		if (rc < 0 || has_news(r) || is_ready(fds, n))
			break;
	} while (timeout_ms < 0 || clock_mono_ms() < until);
	return rc;
}
