/* SPDX-License-Identifier: Apache-2.0 */
/*
 * add_fetch - ADD of an address.
 *
 * Theory of operation: one GET through http.c, which alone makes libcurl handles: TLS is verified,
 * nothing is decoded, no credentials exist. Redirects are done here, at most five; one from https to
 * http is refused, and so is one that leads from the internet into a private network. The body goes
 * into a file of the work directory while it is hashed; --checksum is compared before anything is
 * made of it. The file is root's, 0600, as old as Last-Modified says (else now), and keeps its bytes:
 * an archive from the network is not unpacked.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/build/copy.h"
#include "engine/image/certs.h"
#include "engine/image/http.h"
#include "engine/image/sha256.h"
#include "engine/image/url.h"

#define REDIRECTS_MAX  5
#define CONNECT_MS     30000
#define STALL_BYTES    100
#define STALL_S	       60
#define NAME_MAX_BYTES 255

struct fetch {
	int outfd;
	int64_t bytes, max_bytes;
	struct sha256 *hash;
	bool is_body; /* of the answer that is wanted */
	bool saw_private;
};

static int on_head(void *arg, const struct http_answer *a, struct error *err)
{
	struct fetch *f = arg;

	f->is_body = a->status == 200;
	if (a->encoding)
		return error_set(err, EPROTO, "the answer is encoded as '%.60s'", a->encoding);
	if (a->length > f->max_bytes)
		return error_set(err, E2BIG, "the file is larger than %lld bytes",
				 (long long)f->max_bytes);
	return 0;
}

static ssize_t on_body(void *arg, const char *data, size_t len, struct error *err)
{
	struct fetch *f = arg;
	int r;

	if (!f->is_body)
		return (ssize_t)len;
	f->bytes += (int64_t)len;
	if (f->bytes > f->max_bytes)
		return error_set(err, E2BIG, "the file is larger than %lld bytes",
				 (long long)f->max_bytes);
	sha256_add(f->hash, data, len);
	r = fs_write_all(f->outfd, data, len);
	return r < 0 ? error_set(err, -r, "write: %s", strerror(-r)) : (ssize_t)len;
}

static const struct http_handler handler = { .on_head = on_head, .on_body = on_body };

/* ---- one request after another ------------------------------------------------------------- */

static int wait_done(struct http *h, struct http_transfer *t, struct error *err)
{
	while (!is_http_done(t)) {
		int r = http_wait(h, NULL, 0, -1, err);

		if (r < 0)
			return r;
	}
	return http_result(t, err) == HTTP_FINE ? 0 : -err->code;
}

static bool is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Where the answer sends us: *u is replaced. */
static int redirect(struct url *u, const struct http_answer *a, struct error *err)
{
	cleanup_url struct url next = { .target = NULL };
	int r;

	if (!a->location)
		return error_set(err, EPROTO, "a redirect to nowhere");
	r = url_resolve(u, a->location, &next, err);
	if (r < 0)
		return error_wrap(err, "redirect");
	if (u->is_tls && !next.is_tls)
		return error_set(err, EPROTO, "a redirect from https to http is refused");
	url_done(u);
	*u = next;
	next = (struct url){ .target = NULL };
	return 0;
}

static int64_t read_date(const char *text)
{
	struct tm tm = { 0 };
	const char *end = text ? strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm) : NULL;

	return end && !*end ? (int64_t)timegm(&tm) : -1;
}

/* 1: fetched; 0: sent elsewhere, *u says where. */
static int get_once(struct http *h, struct fetch *f, struct url *u, bool plain, int64_t *ret_date,
		    struct error *err)
{
	const struct certs none = { .ca = NULL };
	bool was_private = f->saw_private;
	struct http_request q = {
		.method = "GET",
		.url = u,
		.allow_plain = plain,
		.refuse_private = *ret_date == 0 && !was_private,
		.saw_private = &f->saw_private,
		.certs = &none,
		.pause_fd = -1,
		.limits = { CONNECT_MS, STALL_BYTES, STALL_S },
		.handler = &handler,
		.arg = f,
	};
	struct http_transfer *t = NULL;
	const struct http_answer *a;
	int r = http_start(h, &q, &t, err);

	if (r < 0)
		return r;
	r = wait_done(h, t, err);
	a = http_answer(t);
	if (r == 0 && is_redirect(a->status)) {
		*ret_date = 0;
		r = redirect(u, a, err);
	} else if (r == 0 && a->status != 200) {
		r = error_set(err, a->status == 404 ? ENOENT : EPROTO, "the server says %ld",
			      a->status);
	} else if (r == 0) {
		*ret_date = read_date(a->modified);
		r = 1;
	}
	http_transfer_free(t);
	return r;
}

static int get(struct fetch *f, const char *address, int64_t *ret_date, struct error *err)
{
	cleanup_url struct url u = { .target = NULL };
	struct http *h = NULL;
	bool plain;
	int r = url_parse(address, &u, err);

	if (r < 0)
		return r;
	plain = !u.is_tls;
	*ret_date = -1; /* 0 from the first redirect on */
	r = http_new(&h, err);
	for (int i = 0; r == 0 && i <= REDIRECTS_MAX; i++)
		r = get_once(h, f, &u, plain, ret_date, err);
	if (h)
		http_free(h);
	if (r == 0)
		return error_set(err, ELOOP, "more than %d redirects", REDIRECTS_MAX);
	return r < 0 ? r : 0;
}

int add_fetch_into(const char *address, int outfd, int64_t max_bytes, struct sha256 *hash,
		   int64_t *ret_date, struct error *err)
{
	struct fetch f = { .outfd = outfd, .max_bytes = max_bytes, .hash = hash };

	return get(&f, address, ret_date, err);
}

/* ---- the file ------------------------------------------------------------------------------- */

/* The last part of the address' path; the caller's. */
static int name_of(const char *address, char **ret, struct error *err)
{
	const char *path = strstr(address, "://");
	size_t len;

	path = path ? strchr(path + 3, '/') : NULL;
	len = path ? strcspn(path, "?#") : 0;
	while (len && path[len - 1] != '/')
		len--;
	path = path ? path + len : "";
	len = strcspn(path, "?#");
	if (!len || len > NAME_MAX_BYTES || (len <= 2 && strncmp(path, "..", len) == 0))
		return error_set(err, EINVAL,
				 "the address has no file name: end it with one, or say one in the "
				 "destination");
	*ret = xstrndup(path, len);
	return 0;
}

static int check_sum(const char *want, struct sha256 *hash, struct error *err)
{
	char hex[DIGEST_HEX_LEN + 1];
	struct digest got, wanted;
	int r;

	sha256_end(hash, &got);
	if (is_empty(want))
		return 0;
	r = digest_parse(want, &wanted, err);
	if (r < 0)
		return error_wrap(err, "--checksum");
	if (!is_digest_equal(&got, &wanted) && !WEAKEN("ADD-1"))
		return error_set(err, EBADMSG, "its checksum is sha256:%s, wanted is %s",
				 digest_hex(&got, hex), want);
	return 0;
}

/* A destination that ends with '/' needs the name of the file. */
static int set_name(const struct copier *c, const char *address, struct copy_item *item,
		    struct error *err)
{
	struct error scratch;
	int r = name_of(address, &item->name, &scratch);

	if (r == 0)
		return 0;
	if (is_suffix(c->spec->dest, "/") || is_equal(c->spec->dest, "."))
		return error_set(err, -r, "%s", scratch.text);
	item->name = xstrdup("download");
	return 0;
}

int add_fetch(struct copier *c, const char *address, struct copy_item *ret, struct error *err)
{
	cleanup_sha256 struct sha256 *hash = sha256_new();
	cleanup_close int outfd = -EBADF;
	int64_t date = -1;
	char id[65];
	int r = copy_work_begin(c, err);

	ret->shown = xstrdup(address);
	ret->treefd = c->workfd;
	ret->is_outside = true;
	if (r == 0)
		r = set_name(c, address, ret, err);
	if (r < 0)
		return error_wrap(err, "'%.200s'", address);
	id_new(id);
	ret->path = xasprintf("f%.32s", id);
	outfd = openat(c->workfd, ret->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (outfd < 0)
		return error_errno(err, "make a file for '%.200s'", address);
	r = add_fetch_into(address, outfd, FETCH_BYTES_MAX, hash, &date, err);
	if (r == 0)
		r = check_sum(c->spec->checksum, hash, err);
	ret->mtime_s = date > 0 ? date : c->dir_mtime_s;
	if (r == 0 && futimens(outfd, (struct timespec[]){ { .tv_sec = ret->mtime_s },
							   { .tv_sec = ret->mtime_s } }) < 0)
		r = error_errno(err, "set the time");
	return r < 0 ? error_wrap(err, "'%.200s'", address) : 0;
}
