/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry - a client of the OCI distribution specification over libcurl. podium-image only.
 *
 * One struct registry is one command's client: connections, tokens and credentials of all hosts it
 * talks to. Manifests and small answers are fetched by calls that return when they are done; blobs
 * are fetched side by side: registry_blob_start() begins, registry_wait() moves all of them.
 *
 * Retries (with back-off), resuming, redirects, authentication, low-speed and total limits are in
 * here: an error that comes out is final. It names registry, repository and reason. Codes:
 * -ENOENT not there, -EACCES not allowed or wrong credentials, -EBADMSG a lie (digest, size, JSON),
 * -E2BIG more than a limit, -ETIMEDOUT, -ECONNREFUSED, -EHOSTUNREACH, -EPROTO TLS and protocol.
 */
#ifndef PODIUM_IMAGE_REGISTRY_H
#define PODIUM_IMAGE_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/image/auth.h"
#include "engine/image/digest.h"
#include "engine/image/registries.h"

#define REGISTRY_MANIFEST_MAX  4194304
#define REGISTRY_TOKEN_MAX     1048576
#define REGISTRY_ERROR_MAX     65536 /* of an error body is read */
#define REGISTRY_REDIRECTS_MAX 5
#define REGISTRY_RETRIES_MAX   5

/* Bounds in time; a 0 is the default. Tests make them short. */
struct registry_limits {
	int connect_ms;	    /* 20 s: name, connection and TLS handshake of one attempt */
	int stall_s;	    /* 60: so long at less than stall_bytes a second is a stall */
	int stall_bytes;    /* 512 */
	int total_ms;	    /* 5 minutes for what is small; blobs: see registry_blob_start() */
	int backoff_ms;	    /* 250: before the first retry; doubled each time, with jitter */
	int retry_after_ms; /* 30 s: what a registry may ask for with Retry-After */
};

struct registry_options {
	const char *authfile;		 /* or NULL */
	const struct credentials *creds; /* --creds: for every registry of the command, or NULL */
	const struct strlist
		*docker_configs; /* imagePullSecrets: JSON texts, tried first, or NULL */
	const char *cert_dir;	 /* --cert-dir, or NULL: /etc/containers/certs.d/HOST, ... */
	int tls_verify;		 /* 1 yes, 0 no, -1 as the route says */
	const struct registry_limits *limits; /* NULL: the defaults */
};
struct registry;
/* Borrows the options' texts for its life. *ret is freed by registry_free(). Sets SIGPIPE to be
 * ignored in this process: libcurl and pipes whose reader is gone need that. */
int registry_new(const struct registry_options *o, struct registry **ret,
		 struct error *err) must_check;
void registry_free(struct registry *r);
static inline void registry_free_fn(struct registry **r)
{
	registry_free(*r);
}
#define cleanup_registry cleanup(registry_free_fn)

/* Being brief, a request is sent once and waits 3 s for a connection: for questions whose answer can
 * be done without, so that nobody waits long for a registry that is away. */
#define REGISTRY_BRIEF_MS 3000
void registry_be_brief(struct registry *r, bool is_brief);

struct registry_manifest {
	char *body;
	size_t len;
	char *media_type;     /* of Content-Type, without parameters; may be "" */
	struct digest digest; /* of body */
};
void registry_manifest_done(struct registry_manifest *m);
#define cleanup_registry_manifest cleanup(registry_manifest_done)

/* GET of a manifest by tag or "sha256:<hex>"; then the body has that digest, or -EBADMSG. A
 * Docker-Content-Digest header that differs from the body is -EBADMSG too. */
int registry_get_manifest(struct registry *r, const struct registry_route *route, const char *ref,
			  struct registry_manifest *ret, struct error *err) must_check;
/* HEAD of a manifest: its digest by the registry's word. */
int registry_head_manifest(struct registry *r, const struct registry_route *route, const char *ref,
			   struct digest *ret, struct error *err) must_check;
/* What a blob must be, by the word of the manifest that names it. */
struct blob_want {
	struct digest digest;
	uint64_t size;
};
/* A whole small blob (a configuration): want->size bytes, digest checked, NUL-terminated, the
 * caller's. -E2BIG: larger than max bytes. */
int registry_get_blob(struct registry *r, const struct registry_route *route,
		      const struct blob_want *want, size_t max, char **ret,
		      struct error *err) must_check;
/* Every tag, through all pages (n and Link). At most 100,000. */
int registry_list_tags(struct registry *r, const struct registry_route *route, struct strlist *ret,
		       struct error *err) must_check;

/* ---- blobs, side by side ---- */

struct registry_blob;
/* Begins to fetch a blob of exactly want->size bytes into outfd (a pipe; made non-blocking; not
 * taken over; the caller closes it when the blob has ended). routes: where it may be, tried in
 * order; the texts are borrowed until registry_blob_free(). The client does not hash: whoever reads
 * outfd does, and compares. A broken transfer is resumed where it broke (Range), so bytes come
 * once. */
int registry_blob_start(struct registry *r, const struct route_list *routes,
			const struct blob_want *want, int outfd, struct registry_blob **ret,
			struct error *err) must_check;
/* Moves all transfers until something is worth looking at (a blob has ended, one of the caller's
 * descriptors fds[0..n) is ready, timeout_ms passed; -1: none). struct pollfd from <poll.h>. */
struct pollfd;
int registry_wait(struct registry *r, struct pollfd *fds, size_t n, int timeout_ms,
		  struct error *err) must_check;
/* 1: ended well, all bytes are in outfd; 0: under way; negative: failed, with the reason. -EPIPE:
 * nobody reads outfd any more. */
int registry_blob_state(struct registry_blob *b, struct error *err) must_check;
/* Bytes written so far; for a progress line. */
uint64_t registry_blob_bytes(const struct registry_blob *b);
/* Ends it if it is under way. */
void registry_blob_free(struct registry_blob *b);

/* ---- pushing ---- */

/* 1: the repository has the blob (HEAD), *ret_size set; 0: not. */
int registry_has_blob(struct registry *r, const struct registry_route *route,
		      const struct digest *d, uint64_t *ret_size, struct error *err) must_check;
/* Asks for a blob of another repository of the same registry. 1: mounted, 0: not. */
int registry_mount_blob(struct registry *r, const struct registry_route *route,
			const struct digest *d, const char *from_path,
			struct error *err) must_check;
/* Called with what was sent so far. */
typedef void registry_progress(void *arg, uint64_t bytes);
/* Bytes to send: what infd (borrowed; made non-blocking) gives until its end. */
struct upload_source {
	int infd;
	registry_progress *progress; /* or NULL */
	void *arg;		     /* progress's */
};
/* Uploads what the source gives (POST, PATCH in one stream, PUT); the digest is made on the
 * way. A stream cannot be sent twice: an upload that breaks is an error; -EAGAIN when starting it
 * again with a fresh infd is worth it. */
int registry_upload(struct registry *r, const struct registry_route *route,
		    const struct upload_source *source, struct digest *ret, uint64_t *ret_size,
		    struct error *err) must_check;
/* The same for bytes in memory (a configuration). */
int registry_upload_bytes(struct registry *r, const struct registry_route *route, const void *data,
			  size_t len, struct digest *ret, struct error *err) must_check;
struct manifest_text {
	const char *media_type;
	const void *body;
	size_t len;
};
/* PUT of a manifest under a tag or digest. */
int registry_put_manifest(struct registry *r, const struct registry_route *route, const char *ref,
			  const struct manifest_text *text, struct error *err) must_check;

/* Asks the registry whether these credentials are good (login): GET /v2/. -EACCES: it says no.
 * -EPROTO too when they were not sent, since its token server is in another domain. */
int registry_check_login(struct registry *r, const struct registry_route *route,
			 struct error *err) must_check;

#endif
