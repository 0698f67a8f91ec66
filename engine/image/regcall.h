/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regcall - one request to a registry through to its end: authentication, redirects, retries. What
 * the files of the registry client (registry*.c, regcall.c, grant.c) share. podium-image only.
 */
#ifndef PODIUM_IMAGE_REGCALL_H
#define PODIUM_IMAGE_REGCALL_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/image/certs.h"
#include "engine/image/challenge.h"
#include "engine/image/http.h"
#include "engine/image/registry.h"
#include "engine/image/url.h"

enum host_scheme {
	HOST_UNKNOWN, /* insecure, and nothing answered yet: https is tried first */
	HOST_TLS,
	HOST_PLAIN,
};
/* One registry as it is connected to. */
struct reg_host {
	struct reg_host *next;
	char *name; /* "host[:port]" */
	bool is_insecure;
	bool has_answered;
	bool is_private; /* is in a private network: it may send us to others there */
	bool wants_basic;
	enum host_scheme scheme;
	struct certs certs;
};

enum grant_kind { GRANT_NONE, GRANT_BASIC, GRANT_BEARER };
/* What opens one repository of one registry for reading or writing. */
struct grant {
	struct grant *next;
	struct reg_host *host;
	char *auth, *path; /* keys for the credentials */
	char *from;	   /* the other repository of a mount, or NULL */
	bool is_write;
	enum grant_kind kind;
	bool was_looked_up;
	bool has_creds;
	bool was_withheld; /* the credentials were not sent to the token server */
	struct credentials creds;
	char *header;	     /* of Authorization, or NULL */
	unsigned generation; /* counts headers */
	int64_t expires_ms;  /* on the monotonic clock; 0: never */
	struct url realm;
	char *service, *scope;
	struct call *fetch; /* asks the token server */
	char *form;	    /* what fetch posts, or NULL */
	int64_t fetch_began_ms;
	struct error err; /* why the last fetch failed */
};

struct registry {
	struct registry_options o;
	struct registry_limits limits;
	bool is_brief;
	struct http *http;
	struct reg_host *hosts;
	struct grant *grants;
	struct call *calls;
	struct registry_blob *blobs;
};

/* What is asked for. Texts are copied, but for body and handler's arg. */
struct call_request {
	struct reg_host *host;
	struct grant *grant;	/* NULL: no authentication */
	const char *repository; /* for messages; NULL: none */
	const char *what;	/* "manifest 'latest'", for messages */
	const char *method;
	const char *target;	   /* "/v2/..." at the registry; or */
	const struct url *at;	   /* the whole address */
	const char *authorization; /* for `at`, instead of a grant */
	const struct strlist *headers;
	const void *body; /* kept until the call is freed */
	size_t body_len;
	bool is_stream;	  /* the body comes from on_read: never sent twice */
	bool is_patient;  /* the registry may be silent for long: it works */
	size_t max;	  /* of the answer's body; more is -E2BIG */
	int64_t total_ms; /* 0: the limits' */
	int pause_fd;	  /* -1: none */
	/* of answers with a status of 2xx; NULL: the body is collected */
	const struct http_handler *handler;
	/* called before each attempt, to add headers; NULL: nothing */
	void (*before)(void *arg, struct strlist *headers);
	void *arg;
};

enum call_state { CALL_READY, CALL_TOKEN, CALL_SLEEP, CALL_RUN, CALL_DONE };
struct call {
	struct call *next;
	struct registry *r;
	struct call_request
		q; /* texts are not valid after call_start(), but for the copies below */
	char *repository, *what, *method, *target, *authorization;
	struct strlist headers;
	enum call_state state;
	struct url start;  /* where it begins, when q.at said so */
	struct url url;	   /* of this attempt */
	struct url origin; /* where credentials may go */
	bool has_left;	   /* was redirected elsewhere: no credentials any more */
	bool was_reauthed;
	bool was_read;	 /* some of a stream is gone: there is no second attempt */
	bool may_pass;	 /* ended by something that another attempt may not meet */
	bool has_enough; /* of an answer's body that is only looked at for a reason */
	unsigned sent_generation;
	bool was_auth_sent;
	int redirects, retries, restarts;
	int64_t deadline_ms, not_before_ms;
	struct http_transfer *t;
	struct buf body;
	int result;
	struct error err;
};

/* Begins. *ret is freed by call_free(). */
int call_start(struct registry *r, const struct call_request *q, struct call **ret,
	       struct error *err) must_check;
/* Ends it if it is under way. */
void call_free(struct call *c);
static inline void call_free_fn(struct call **c)
{
	call_free(*c);
}
#define cleanup_call cleanup(call_free_fn)
/* Moves everything until it has ended: 0 or its error. */
int call_wait(struct call *c, struct error *err) must_check;
/* Starts and waits. *ret is set on success alone. */
int call_run(struct registry *r, const struct call_request *q, struct call **ret,
	     struct error *err) must_check;
/* One step; true when something changed. */
bool call_step(struct call *c);
/* Another attempt that does not count as a retry: progress was made. */
void call_forgive(struct call *c);
/* Raises with the names of registry and repository before the text. Returns -code. */
int call_error(const struct call *c, struct error *err, int code, const char *fmt, ...)
	printf_like(4, 5);
const struct http_answer *call_answer(const struct call *c);

/* ---- grant.c ---- */

/* Finds or makes the grant of a route. The registry's. */
struct grant *grant_get(struct registry *r, struct reg_host *host,
			const struct registry_route *route, bool is_write, const char *from);
void grant_free(struct grant *g);
/* Before a request: 1 go (header may be NULL), 0 wait until fetch is NULL, negative: no way. */
int grant_ready(struct registry *r, struct grant *g, struct error *err) must_check;
/* A request that was sent with sent_generation (was_sent: with a header at all) came back with 401.
 * As grant_ready(). */
int grant_challenged(struct registry *r, struct grant *g, const struct http_answer *a,
		     bool was_sent, unsigned sent_generation, struct error *err) must_check;
/* Takes a token that has come. True when something changed. */
bool grant_step(struct grant *g);

/* ---- registry.c ---- */

/* Finds or makes a host. The registry's. */
int registry_host(struct registry *r, const char *name, bool is_insecure, struct reg_host **ret,
		  struct error *err) must_check;
/* Where the host is, as far as is known by now. */
int reg_host_url(const struct reg_host *h, const char *target, struct url *ret,
		 struct error *err) must_check;
/* Host and grant of a route into q, the route's path checked. */
int registry_enter(struct registry *r, const struct registry_route *route, bool is_write,
		   struct call_request *q, struct error *err) must_check;
/* A tag or a digest, fit for an address. */
int registry_check_ref(const struct registry_route *route, const char *ref,
		       struct error *err) must_check;
/* Steps all, then waits once when nothing changed. */
struct pollfd;
int registry_pump(struct registry *r, struct pollfd *fds, size_t n, int timeout_ms,
		  struct error *err) must_check;
/* registry_blob.c */
bool registry_blobs_step(struct registry *r);

#endif
