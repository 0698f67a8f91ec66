/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_push - blobs and manifests into a registry.
 *
 * Theory of operation: an upload is three requests. POST opens a session; its Location (relative,
 * absolute, even on another host: then without credentials, as any request there) takes the bytes
 * in one PATCH, chunked, hashed on the way; its Location again takes a PUT that names the digest,
 * and the registry compares. What is in memory needs no PATCH. A session that came to nothing is
 * left to the registry, which sweeps them.
 *
 * A stream is gone once read, so a PATCH is tried again by itself only when none of it was read (the
 * registry refused it before "100 Continue"); else -EAGAIN says that a fresh stream may do better.
 */
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "engine/base/seams.h"
#include "engine/image/regcall.h"
#include "engine/image/sha256.h"

#define UPLOAD_TOTAL_MS (24LL * 60 * 60 * 1000)

/* Joins "/v2/<path>" and the rest. The caller's. */
static char *target_of(const struct registry_route *route, const char *rest)
{
	return xasprintf("/v2/%s/%s", route->path, rest);
}

int registry_has_blob(struct registry *r, const struct registry_route *route,
		      const struct digest *d, uint64_t *ret_size, struct error *err)
{
	cleanup_call struct call *c = NULL;
	cleanup_free char *rest = NULL, *target = NULL;
	char hex[DIGEST_HEX_LEN + 1];
	struct call_request q = { .method = "HEAD" };
	int rc = registry_enter(r, route, true, &q, err);

	if (rc < 0)
		return rc;
	rest = xasprintf("blobs/sha256:%s", digest_hex(d, hex));
	target = target_of(route, rest);
	q.target = target;
	q.what = rest;
	rc = call_run(r, &q, &c, err);
	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return rc;
	*ret_size = call_answer(c)->length > 0 ? (uint64_t)call_answer(c)->length : 0;
	return 1;
}

/* The address that an upload goes on at. */
static int next_place(const struct call *c, struct url *ret, struct error *err)
{
	const struct http_answer *a = call_answer(c);
	struct url u = { 0 };

	if (!a->location)
		return call_error(c, err, EPROTO, "the registry does not say where to send it");
	if (url_resolve(&c->url, a->location, &u, err) < 0)
		return call_error(c, err, EPROTO, "the registry sends to a bad place: %s",
				  err->text);
	url_done(ret);
	*ret = u;
	return 0;
}

/* Gives a session back that nobody needs. Whether it works is the registry's business. */
static void cancel(struct registry *r, const struct call_request *q, const struct url *at)
{
	cleanup_call struct call *c = NULL;
	struct call_request del = { .host = q->host,
				    .grant = q->grant,
				    .what = "upload",
				    .repository = q->repository,
				    .method = "DELETE",
				    .at = at,
				    .pause_fd = -1 };
	struct error ignored;

	error_ignore(call_run(r, &del, &c, &ignored));
}

int registry_mount_blob(struct registry *r, const struct registry_route *route,
			const struct digest *d, const char *from_path, struct error *err)
{
	cleanup_buf struct buf target = BUF_INIT(URL_MAX);
	cleanup_free char *what = NULL, *text = NULL;
	cleanup_call struct call *c = NULL;
	cleanup_url struct url at = { 0 };
	char hex[DIGEST_HEX_LEN + 1];
	struct call_request q = { .method = "POST", .body = "", .is_patient = true };
	bool is_first = true;
	struct error ignored;
	int rc = registry_enter(r, route, true, &q, err);

	if (rc < 0)
		return rc;
	q.grant = grant_get(r, q.host, route, true, from_path);
	text = xasprintf("sha256:%s", digest_hex(d, hex));
	buf_printf(&target, "/v2/%s/blobs/uploads/", route->path);
	url_add_query(&target, &is_first, "mount", text);
	url_add_query(&target, &is_first, "from", from_path);
	what = xasprintf("blob '%s' of repository '%s'", text, from_path);
	q.target = target.data;
	q.what = what;
	rc = call_run(r, &q, &c, err);
	/* not allowed there, not known there: then it is uploaded */
	if (rc == -EACCES || rc == -ENOENT)
		return 0;
	if (rc < 0)
		return rc;
	if (call_answer(c)->status == 201)
		return 1;
	if (next_place(c, &at, &ignored) == 0)
		cancel(r, &q, &at);
	return 0;
}

/* ---- uploads ------------------------------------------------------------------------------------- */

/* POST: opens a session at *at. */
static int open_session(struct registry *r, const struct registry_route *route,
			const struct call_request *base, struct url *at, struct error *err)
{
	cleanup_free char *target = target_of(route, "blobs/uploads/");
	cleanup_call struct call *c = NULL;
	struct call_request q = *base;
	int rc;

	q.method = "POST";
	q.target = target;
	q.body = "";
	q.body_len = 0;
	rc = call_run(r, &q, &c, err);
	return rc < 0 ? rc : next_place(c, at, err);
}

/* PUT: closes the session at `at` with a digest. base has the bytes when they were not sent before. */
static int close_session(struct registry *r, const struct call_request *base, const struct url *at,
			 const struct digest *d, struct error *err)
{
	cleanup_buf struct buf target = BUF_INIT(URL_MAX);
	cleanup_strlist struct strlist headers = { 0 };
	cleanup_call struct call *c = NULL;
	char hex[DIGEST_HEX_LEN + 1];
	cleanup_free char *text = xasprintf("sha256:%s", digest_hex(d, hex));
	bool is_first = strchr(at->target, '?') == NULL;
	struct url place = *at;
	struct call_request q = *base;

	buf_adds(&target, at->target);
	url_add_query(&target, &is_first, "digest", text);
	if (target.overflow)
		return error_set(err, EPROTO, "registry '%s': an address that is too long",
				 base->host->name);
	place.target = target.data;
	strlist_add(&headers, "Content-Type: application/octet-stream");
	q.method = "PUT";
	q.at = &place;
	q.headers = &headers;
	return call_run(r, &q, &c, err);
}

struct upload {
	const struct upload_source *source;
	struct sha256 *hash;
	uint64_t bytes;
};

static ssize_t on_read(void *arg, char *data, size_t len, struct error *err)
{
	struct upload *u = arg;
	ssize_t n;

	do
		n = read(u->source->infd, data, len);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return -EAGAIN;
	if (n < 0)
		return error_errno(err, "the bytes to upload cannot be read");
	sha256_add(u->hash, data, (size_t)n);
	u->bytes += (uint64_t)n;
	if (u->source->progress)
		u->source->progress(u->source->arg, u->bytes);
	return n;
}

/* PATCH: all bytes of the stream. */
static int send_stream(struct registry *r, const struct call_request *base, struct upload *u,
		       struct url *at, struct error *err)
{
	static const struct http_handler handler = { .on_read = on_read };
	cleanup_strlist struct strlist headers = { 0 };
	cleanup_call struct call *c = NULL;
	struct call_request q = *base;
	int rc;

	strlist_add(&headers, "Content-Type: application/octet-stream");
	q.method = "PATCH";
	q.at = at;
	q.headers = &headers;
	q.is_stream = true;
	q.total_ms = UPLOAD_TOTAL_MS;
	q.pause_fd = u->source->infd;
	q.handler = &handler;
	q.arg = u;
	rc = call_start(r, &q, &c, err);
	if (rc == 0)
		rc = call_wait(c, err);
	if (rc < 0 && c && c->may_pass) {
		err->code = EAGAIN;
		rc = -EAGAIN;
	}
	return rc < 0 ? rc : next_place(c, at, err);
}

static int enter_upload(struct registry *r, const struct registry_route *route,
			struct call_request *q, struct error *err)
{
	int rc = registry_enter(r, route, true, q, err);

	q->what = "upload of a blob";
	q->is_patient = true;
	return rc;
}

int registry_upload(struct registry *r, const struct registry_route *route,
		    const struct upload_source *source, struct digest *ret, uint64_t *ret_size,
		    struct error *err)
{
	cleanup_sha256 struct sha256 *hash = sha256_new();
	struct upload u = { .source = source, .hash = hash };
	cleanup_url struct url at = { 0 };
	struct call_request q = { 0 };
	int flags = fcntl(source->infd, F_GETFL);
	int rc;

	if (flags < 0 || fcntl(source->infd, F_SETFL, flags | O_NONBLOCK) < 0)
		return error_errno(err, "the bytes to upload");
	rc = enter_upload(r, route, &q, err);
	if (rc == 0)
		rc = open_session(r, route, &q, &at, err);
	if (rc == 0)
		rc = send_stream(r, &q, &u, &at, err);
	if (rc < 0)
		return rc;
	sha256_end(hash, ret);
	*ret_size = u.bytes;
	q.body = "";
	return close_session(r, &q, &at, ret, err);
}

int registry_upload_bytes(struct registry *r, const struct registry_route *route, const void *data,
			  size_t len, struct digest *ret, struct error *err)
{
	cleanup_url struct url at = { 0 };
	struct call_request q = { 0 };
	int rc = enter_upload(r, route, &q, err);

	if (rc == 0)
		rc = open_session(r, route, &q, &at, err);
	if (rc < 0)
		return rc;
	sha256_of(data, len, ret);
	q.body = data;
	q.body_len = len;
	return close_session(r, &q, &at, ret, err);
}

int registry_put_manifest(struct registry *r, const struct registry_route *route, const char *ref,
			  const struct manifest_text *text, struct error *err)
{
	cleanup_strlist struct strlist headers = { 0 };
	cleanup_free char *rest = NULL, *target = NULL, *what = NULL;
	cleanup_call struct call *c = NULL;
	struct call_request q = {
		.method = "PUT", .body = text->body, .body_len = text->len, .is_patient = true
	};
	struct digest sent, said;
	struct error ignored;
	int rc = registry_enter(r, route, true, &q, err);

	if (rc < 0)
		return rc;
	rc = registry_check_ref(route, ref, err);
	if (rc < 0)
		return rc;
	rest = xasprintf("manifests/%s", ref);
	target = target_of(route, rest);
	what = xasprintf("manifest '%s'", ref);
	strlist_addf(&headers, "Content-Type: %s", text->media_type);
	q.target = target;
	q.what = what;
	q.headers = &headers;
	rc = call_run(r, &q, &c, err);
	if (rc < 0)
		return rc;
	sha256_of(text->body, text->len, &sent);
	if (call_answer(c)->digest && is_prefix(call_answer(c)->digest, "sha256:") &&
	    (digest_parse(call_answer(c)->digest, &said, &ignored) < 0 ||
	     !is_digest_equal(&sent, &said)))
		return call_error(c, err, EBADMSG, "the registry stored it under another digest");
	return 0;
}
