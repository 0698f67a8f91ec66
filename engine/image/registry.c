/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry - the client of a registry: hosts, manifests, small blobs, tags.
 *
 * Theory of operation: everything here is a call (regcall.h) that is run to its end, while blobs
 * that are under way go on (registry_blob.c). registry_pump() is the one loop: it steps the calls,
 * the grants and the blobs until none of them changes, then sleeps in http_wait() until the next
 * byte, the next retry or the next deadline.
 *
 * What comes back is compared before anybody sees it (REG-8): the body of a manifest with the
 * digest that was asked for and with the one in its header, a small blob with its digest and size.
 */
#include "engine/image/registry.h"

#include <poll.h>
#include <signal.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "engine/base/seams.h"
#include "engine/image/regcall.h"
#include "engine/image/sha256.h"

#define TAGS_MAX       100000
#define TAGS_PAGES_MAX 1000
#define TAGS_BYTES_MAX 16777216
#define TAG_LEN_MAX    128

static const struct registry_limits default_limits = {
	.connect_ms = 20000,
	.stall_s = 60,
	.stall_bytes = 512,
	.total_ms = 5 * 60 * 1000,
	.backoff_ms = 250,
	.retry_after_ms = 30000,
};

/* ---- hosts --------------------------------------------------------------------------------------- */

int reg_host_url(const struct reg_host *h, const char *target, struct url *ret, struct error *err)
{
	return url_of_host(h->name, h->scheme != HOST_PLAIN, target, ret, err);
}

static void host_free(struct reg_host *h)
{
	certs_done(&h->certs);
	free(h->name);
	free(h);
}

int registry_host(struct registry *r, const char *name, bool is_insecure, struct reg_host **ret,
		  struct error *err)
{
	cleanup_url struct url u = { 0 };
	struct reg_host *h;
	int rc = 0;

	if (r->o.tls_verify >= 0)
		is_insecure = r->o.tls_verify == 0;
	for (h = r->hosts; h; h = h->next)
		if (is_equal(h->name, name) && h->is_insecure == is_insecure) {
			*ret = h;
			return 0;
		}
	h = xcalloc(1, sizeof(*h));
	h->name = xstrdup(name);
	h->is_insecure = is_insecure;
	h->scheme = is_insecure ? HOST_UNKNOWN : HOST_TLS;
	rc = reg_host_url(h, "/", &u, err);
	if (rc == 0)
		rc = certs_load(r->o.cert_dir, name, &h->certs, err);
	if (rc < 0) {
		host_free(h);
		return error_wrap(err, "registry '%s'", name);
	}
	h->next = r->hosts;
	r->hosts = h;
	*ret = h;
	return 0;
}

/* A repository's path becomes part of an address: nothing in it may mean something there. */
static bool is_path(const char *s)
{
	return strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-/") == strlen(s) && *s != '/' &&
	       *s != '\0' && !strstr(s, "..") && !strstr(s, "//") && strlen(s) <= 512;
}

static bool is_tag(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return n > 0 && n == strlen(s) && n <= TAG_LEN_MAX && *s != '.' && *s != '-';
}

int registry_check_ref(const struct registry_route *route, const char *ref, struct error *err)
{
	struct digest ignored;

	if (is_tag(ref))
		return 0;
	if (!strchr(ref, ':') || digest_parse(ref, &ignored, err) < 0)
		return error_set(err, EINVAL, "registry '%s': repository '%s': bad tag or digest",
				 route->host, route->path);
	return 0;
}

int registry_enter(struct registry *r, const struct registry_route *route, bool is_write,
		   struct call_request *q, struct error *err)
{
	int rc;

	if (route->path && !is_path(route->path))
		return error_set(err, EINVAL, "registry '%s': bad name of a repository",
				 route->host);
	rc = registry_host(r, route->host, route->insecure, &q->host, err);
	if (rc < 0)
		return rc;
	q->grant = grant_get(r, q->host, route, is_write, NULL);
	q->repository = route->path;
	q->pause_fd = -1;
	return 0;
}

/* ---- the loop --------------------------------------------------------------------------------------- */

static bool step_all(struct registry *r)
{
	bool changed = false;

	for (struct call *c = r->calls; c; c = c->next)
		changed |= call_step(c);
	for (struct grant *g = r->grants; g; g = g->next)
		changed |= grant_step(g);
	return changed | registry_blobs_step(r);
}

/* How long nothing is due. */
static int until_due(const struct registry *r, int timeout_ms)
{
	int64_t now = clock_mono_ms(), wait = timeout_ms < 0 ? 60000 : timeout_ms;

	for (const struct call *c = r->calls; c; c = c->next) {
		int64_t due = c->state == CALL_SLEEP && c->not_before_ms < c->deadline_ms
				      ? c->not_before_ms
				      : c->deadline_ms;

		if (c->state == CALL_DONE)
			continue;
		due = due > now ? due - now : 0;
		wait = due < wait ? due : wait;
	}
	return (int)wait;
}

int registry_pump(struct registry *r, struct pollfd *fds, size_t n, int timeout_ms,
		  struct error *err)
{
	bool changed = false;
	int rc;

	while (step_all(r))
		changed = true;
	/* what has just ended may be what the caller waits for */
	rc = http_wait(r->http, fds, n, changed ? 0 : until_due(r, timeout_ms), err);
	while (rc == 0 && step_all(r))
		;
	return rc;
}

/* ---- life ----------------------------------------------------------------------------------------- */

static void or_default(int *value, int fallback)
{
	if (*value <= 0)
		*value = fallback;
}

int registry_new(const struct registry_options *o, struct registry **ret, struct error *err)
{
	struct registry *r = xcalloc(1, sizeof(*r));
	struct registry_limits *l = &r->limits;
	int rc;

	r->o = *o;
	if (o->limits)
		*l = *o->limits;
	or_default(&l->connect_ms, default_limits.connect_ms);
	or_default(&l->stall_s, default_limits.stall_s);
	or_default(&l->stall_bytes, default_limits.stall_bytes);
	or_default(&l->total_ms, default_limits.total_ms);
	or_default(&l->backoff_ms, default_limits.backoff_ms);
	or_default(&l->retry_after_ms, default_limits.retry_after_ms);
	rc = http_new(&r->http, err);
	if (rc < 0) {
		free(r);
		return rc;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	*ret = r;
	return 0;
}

void registry_free(struct registry *r)
{
	if (!r)
		return;
	while (r->grants) {
		struct grant *g = r->grants;

		r->grants = g->next;
		grant_free(g);
	}
	while (r->hosts) {
		struct reg_host *h = r->hosts;

		r->hosts = h->next;
		host_free(h);
	}
	http_free(r->http);
	free(r);
}

/* ---- manifests --------------------------------------------------------------------------------------- */

void registry_be_brief(struct registry *r, bool is_brief)
{
	r->is_brief = is_brief;
}

void registry_manifest_done(struct registry_manifest *m)
{
	free(m->body);
	free(m->media_type);
	*m = (struct registry_manifest){ .len = 0 };
}

static void add_accept(struct strlist *l)
{
	strlist_add(l, "Accept: application/vnd.oci.image.index.v1+json, "
		       "application/vnd.docker.distribution.manifest.list.v2+json, "
		       "application/vnd.oci.image.manifest.v1+json, "
		       "application/vnd.docker.distribution.manifest.v2+json");
}

/* The call of "/v2/<path>/manifests/<ref>". */
static int manifest_call(struct registry *r, const struct registry_route *route, const char *ref,
			 const char *method, struct call **ret, struct error *err)
{
	cleanup_strlist struct strlist headers = { 0 };
	cleanup_free char *target = NULL, *what = NULL;
	struct call_request q = { .method = method, .headers = &headers };
	int rc = registry_enter(r, route, false, &q, err);

	if (rc == 0)
		rc = registry_check_ref(route, ref, err);
	if (rc < 0)
		return rc;
	add_accept(&headers);
	target = xasprintf("/v2/%s/manifests/%s", route->path, ref);
	what = xasprintf("manifest '%s'", ref);
	q.target = target;
	q.what = what;
	q.max = is_equal(method, "HEAD") ? 0 : REGISTRY_MANIFEST_MAX;
	return call_run(r, &q, ret, err);
}

/* A reference that was checked: true and *ret when it is a digest. */
static bool is_digest_ref(const char *ref, struct digest *ret)
{
	struct error ignored;

	return strchr(ref, ':') && digest_parse(ref, ret, &ignored) == 0;
}

/* The body is what was asked for, and what its header says. */
static int check_manifest(const struct call *c, const struct digest *got, const struct digest *want,
			  struct error *err)
{
	const struct http_answer *a = call_answer(c);
	struct digest said;
	struct error ignored;

	if (WEAKEN("REG-8"))
		return 0;
	if (want && !is_digest_equal(got, want))
		return call_error(c, err, EBADMSG,
				  "the registry sent something that has another digest");
	/* a digest of another algorithm says nothing here */
	if (a->digest && is_prefix(a->digest, "sha256:") &&
	    (digest_parse(a->digest, &said, &ignored) < 0 || !is_digest_equal(got, &said)))
		return call_error(c, err, EBADMSG,
				  "the body does not have the digest that its header says");
	return 0;
}

int registry_get_manifest(struct registry *r, const struct registry_route *route, const char *ref,
			  struct registry_manifest *ret, struct error *err)
{
	cleanup_call struct call *c = NULL;
	struct digest want, got;
	const char *type;
	int rc = manifest_call(r, route, ref, "GET", &c, err);

	if (rc < 0)
		return rc;
	sha256_of(c->body.data, c->body.len, &got);
	rc = check_manifest(c, &got, is_digest_ref(ref, &want) ? &want : NULL, err);
	if (rc < 0)
		return rc;
	type = call_answer(c)->media_type;
	ret->media_type = str_printable(type ? type : "", type ? strlen(type) : 0);
	ret->digest = got;
	ret->len = c->body.len;
	ret->body = buf_steal(&c->body);
	return 0;
}

int registry_head_manifest(struct registry *r, const struct registry_route *route, const char *ref,
			   struct digest *ret, struct error *err)
{
	cleanup_call struct call *c = NULL;
	struct registry_manifest m = { 0 };
	struct digest want;
	struct error ignored;
	int rc = manifest_call(r, route, ref, "HEAD", &c, err);

	if (rc < 0)
		return rc;
	if (call_answer(c)->digest && digest_parse(call_answer(c)->digest, ret, &ignored) == 0) {
		if (is_digest_ref(ref, &want) && !is_digest_equal(ret, &want))
			return call_error(c, err, EBADMSG, "the registry names another digest");
		return 0;
	}
	/* it does not say: the body does */
	rc = registry_get_manifest(r, route, ref, &m, err);
	if (rc == 0)
		*ret = m.digest;
	registry_manifest_done(&m);
	return rc;
}

int registry_get_blob(struct registry *r, const struct registry_route *route,
		      const struct blob_want *want, size_t max, char **ret, struct error *err)
{
	char hex[DIGEST_HEX_LEN + 1];
	cleanup_free char *target = NULL, *what = NULL;
	cleanup_call struct call *c = NULL;
	struct call_request q = { .method = "GET" };
	struct digest got;
	int rc = registry_enter(r, route, false, &q, err);

	if (rc < 0)
		return rc;
	target = xasprintf("/v2/%s/blobs/sha256:%s", route->path, digest_hex(&want->digest, hex));
	what = xasprintf("blob 'sha256:%s'", hex);
	q.target = target;
	q.what = what;
	if (want->size > max)
		return error_set(err, E2BIG,
				 "registry '%s': repository '%s': %s of %llu bytes is "
				 "larger than %zu",
				 route->host, route->path, what, (unsigned long long)want->size,
				 max);
	q.max = want->size > 0 ? (size_t)want->size : 1;
	rc = call_run(r, &q, &c, err);
	if (rc < 0)
		return rc == -E2BIG ? error_set(err, EBADMSG,
						"registry '%s': repository '%s': %s "
						"is larger than its manifest says",
						route->host, route->path, what)
				    : rc;
	sha256_of(c->body.data, c->body.len, &got);
	if (c->body.len != want->size ||
	    (!is_digest_equal(&got, &want->digest) && !WEAKEN("REG-8")))
		return call_error(c, err, EBADMSG,
				  "the registry sent something that has another %s",
				  c->body.len != want->size ? "size" : "digest");
	*ret = buf_steal(&c->body);
	return 0;
}

/* ---- tags ------------------------------------------------------------------------------------------------ */

static int take_tags(const struct call *c, struct strlist *ret, struct error *err)
{
	cleanup_json json_t *j = NULL;
	const json_t *tags, *t;
	size_t i;
	int rc = jload_text(c->body.data ? c->body.data : "", c->body.len, "answer", &j, err);

	if (rc < 0)
		return call_error(c, err, EBADMSG, "the answer is not JSON");
	tags = json_object_get(j, "tags");
	if (!json_is_array(tags) && !json_is_null(tags))
		return call_error(c, err, EBADMSG, "the answer has no list of tags");
	json_array_foreach (tags, i, t) {
		const char *s = json_string_value(t);

		if (!s || !is_tag(s))
			return call_error(c, err, EBADMSG, "the answer has a tag that is none");
		if (ret->n >= TAGS_MAX)
			return call_error(c, err, E2BIG, "more than %d tags", TAGS_MAX);
		strlist_add(ret, s);
	}
	return 0;
}

/* Link: <address>; rel="next". 1: *next is set. It must stay at the registry. */
static int next_page(const struct call *c, struct url *next, struct error *err)
{
	const char *link = call_answer(c)->link, *end;
	cleanup_free char *text = NULL;
	cleanup_url struct url u = { 0 };

	if (!link || *link != '<' || !(end = strchr(link, '>')) || !strstr(end, "next"))
		return 0;
	text = xstrndup(link + 1, (size_t)(end - link - 1));
	if (url_resolve(&c->url, text, &u, err) < 0)
		return call_error(c, err, EPROTO, "the next page is at a bad place: %s", err->text);
	if (!is_url_same_origin(&u, &c->origin))
		return call_error(c, err, EPROTO, "the next page is at another host");
	url_done(next);
	*next = u;
	u.target = NULL;
	return 1;
}

int registry_list_tags(struct registry *r, const struct registry_route *route, struct strlist *ret,
		       struct error *err)
{
	cleanup_free char *target = xasprintf("/v2/%s/tags/list?n=1000", route->path);
	cleanup_url struct url next = { 0 };
	struct call_request q = {
		.method = "GET", .what = "tags", .target = target, .max = TAGS_BYTES_MAX
	};
	int rc = registry_enter(r, route, false, &q, err), more = rc == 0;

	for (int page = 0; rc == 0 && more; page++) {
		cleanup_call struct call *c = NULL;

		if (page >= TAGS_PAGES_MAX)
			return error_set(err, E2BIG,
					 "registry '%s': repository '%s': tags: more "
					 "than %d pages",
					 route->host, route->path, TAGS_PAGES_MAX);
		rc = call_run(r, &q, &c, err);
		if (rc == 0)
			rc = take_tags(c, ret, err);
		if (rc < 0)
			break;
		rc = more = next_page(c, &next, err);
		q.at = &next;
		q.target = NULL;
		rc = rc < 0 ? rc : 0;
	}
	if (rc < 0)
		strlist_done(ret);
	return rc;
}

int registry_check_login(struct registry *r, const struct registry_route *route, struct error *err)
{
	cleanup_call struct call *c = NULL;
	struct call_request q = { .method = "GET", .what = "login", .target = "/v2/" };
	struct registry_route bare = *route;
	int rc;

	bare.path = NULL;
	rc = registry_enter(r, &bare, false, &q, err);
	if (rc == 0)
		rc = call_run(r, &q, &c, err);
	/* no answer to what was never asked, and not a wrong password */
	if (rc == -EACCES && q.grant && q.grant->was_withheld) {
		err->code = EPROTO;
		rc = -EPROTO;
	}
	/* a token that everybody gets proves nothing */
	if (rc == 0 && q.grant->was_withheld && !WEAKEN("REG-4-login"))
		rc = error_set(err, EPROTO,
			       "registry '%s': its token server '%s' is in another domain: the "
			       "password was not sent there, and so it cannot be checked",
			       route->host, q.grant->realm.host);
	return rc;
}
