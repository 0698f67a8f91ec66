/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grant - what opens a repository: user name and password, or a token that a token server gives.
 *
 * Theory of operation: nothing is sent before a registry asked for it. A 401 with Basic makes the
 * header from the credentials; one with Bearer makes a call to the realm that it names, and all
 * calls of the grant wait for that one (state CALL_TOKEN). The token is kept until it expires, by
 * the monotonic clock from the moment it was asked for, and is used for the same registry,
 * repository and kind of access alone.
 *
 * The realm is the registry's word, so the long-lived credentials go there only when it is https
 * and on the registry's host or in its registrable domain (docker.io and auth.docker.io are the
 * best known such pair); for an insecure registry also http on the very same host. Else the token
 * is asked for without credentials (REG-4), and a refusal says so.
 *
 * Credentials: --creds, then the texts of imagePullSecrets, then the files (auth.h); looked for at
 * the first challenge, so that no credential helper runs for a public registry.
 */
#include <string.h>

#include "engine/base/base64.h"
#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/trace.h"
#include "engine/image/regcall.h"

#define TOKEN_LEN_MAX	65536
#define TOKEN_LIFE_MIN	60 /* seconds, whatever it says: the specification's default */
#define TOKEN_LIFE_MAX	86400
#define TOKEN_MARGIN_MS 10000
#define SCOPE_LEN_MAX	4096
#define SCOPES_MAX	8

static void wipe(char **s)
{
	if (*s)
		explicit_bzero(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

struct grant *grant_get(struct registry *r, struct reg_host *host,
			const struct registry_route *route, bool is_write, const char *from)
{
	struct grant *g;

	for (g = r->grants; g; g = g->next)
		if (g->host == host && is_equal(g->auth, route->auth) &&
		    is_equal(g->path, route->path) && g->is_write == is_write &&
		    is_equal(g->from, from))
			return g;
	g = xcalloc(1, sizeof(*g));
	g->host = host;
	g->auth = xstrdup_or_null(route->auth ? route->auth : route->host);
	g->path = xstrdup_or_null(route->path);
	g->from = xstrdup_or_null(from);
	g->is_write = is_write;
	g->next = r->grants;
	r->grants = g;
	return g;
}

void grant_free(struct grant *g)
{
	call_free(g->fetch);
	wipe(&g->form);
	free(g->auth);
	free(g->path);
	free(g->from);
	wipe(&g->header);
	credentials_done(&g->creds);
	url_done(&g->realm);
	free(g->service);
	free(g->scope);
	free(g);
}

/* ---- credentials ------------------------------------------------------------------------------ */

static void copy_creds(struct credentials *dst, const struct credentials *src)
{
	dst->user = xstrdup_or_null(src->user);
	dst->password = xstrdup_or_null(src->password);
	dst->identity_token = xstrdup_or_null(src->identity_token);
}

static int look_up(const struct registry *r, struct grant *g, struct error *err)
{
	const struct strlist *texts = r->o.docker_configs;
	int found = 0;

	if (g->was_looked_up)
		return 0;
	if (r->o.creds) {
		copy_creds(&g->creds, r->o.creds);
		found = 1;
	}
	for (size_t i = 0; found == 0 && texts && i < texts->n; i++)
		found = auth_find_text(texts->v[i], strlen(texts->v[i]), g->auth, g->path,
				       &g->creds, err);
	if (found == 0)
		found = auth_find(r->o.authfile, g->auth, g->path, &g->creds, err);
	if (found < 0)
		return found;
	g->was_looked_up = true;
	g->has_creds = found > 0;
	return 0;
}

/* "Basic <base64 of user:password>", the caller's to wipe. */
static char *basic_header(const struct credentials *c)
{
	char *pair = xasprintf("%s:%s", c->user ? c->user : "", c->password ? c->password : "");
	char *coded = base64_encode(pair, strlen(pair));
	char *out = xasprintf("Basic %s", coded);

	wipe(&coded);
	wipe(&pair);
	return out;
}

static void set_header(struct grant *g, enum grant_kind kind, char *header)
{
	wipe(&g->header);
	g->header = header;
	g->kind = kind;
	g->generation++;
	g->err.code = 0;
}

/* ---- tokens -------------------------------------------------------------------------------------- */

/* The password may be shown to the realm. */
static bool may_know(const struct grant *g, const struct url *home)
{
	if (WEAKEN("REG-4"))
		return true;
	if (is_equal(g->realm.host, home->host))
		return g->realm.is_tls || g->host->is_insecure;
	return g->realm.is_tls && is_url_same_site(g->realm.host, home->host);
}

/* Each scope of the list is a parameter of its own. */
static void add_scopes(struct buf *b, bool *is_first, const char *scopes)
{
	cleanup_free char *copy = xstrdup(scopes);
	char *rest = copy, *one;

	for (int n = 0; (one = strsep(&rest, " ")) && n < SCOPES_MAX;)
		if (*one) {
			url_add_query(b, is_first, "scope", one);
			n++;
		}
}

/* GET realm?service=...&scope=... */
static int ask_by_get(struct registry *r, struct grant *g, bool with_creds, struct error *err)
{
	cleanup_buf struct buf b = BUF_INIT(URL_MAX);
	char *header = with_creds ? basic_header(&g->creds) : NULL;
	bool is_first = strchr(g->realm.target, '?') == NULL;
	struct url at = g->realm;
	struct call_request q = { .host = g->host,
				  .what = "token server",
				  .method = "GET",
				  .repository = g->path,
				  .at = &at,
				  .max = REGISTRY_TOKEN_MAX,
				  .pause_fd = -1,
				  .authorization = header };
	int rc;

	buf_adds(&b, g->realm.target);
	if (g->service)
		url_add_query(&b, &is_first, "service", g->service);
	if (g->scope)
		add_scopes(&b, &is_first, g->scope);
	if (with_creds && g->creds.user)
		url_add_query(&b, &is_first, "account", g->creds.user);
	at.target = b.data;
	rc = b.overflow ? error_set(err, EPROTO, "the registry's challenge is too long")
			: call_start(r, &q, &g->fetch, err);
	wipe(&header);
	return rc;
}

/* POST of the refresh token, as OAuth2 has it. The body is freed with the grant's fetch. */
static int ask_by_post(struct registry *r, struct grant *g, struct error *err)
{
	cleanup_strlist struct strlist headers = { 0 };
	struct buf b = BUF_INIT(URL_MAX + TOKEN_LEN_MAX);
	struct call_request q = { .host = g->host,
				  .what = "token server",
				  .method = "POST",
				  .repository = g->path,
				  .at = &g->realm,
				  .max = REGISTRY_TOKEN_MAX,
				  .pause_fd = -1,
				  .headers = &headers };
	bool is_first = true;
	int rc;

	strlist_add(&headers, "Content-Type: application/x-www-form-urlencoded");
	url_add_query(&b, &is_first, "grant_type", "refresh_token");
	url_add_query(&b, &is_first, "client_id", "podium");
	url_add_query(&b, &is_first, "service", g->service ? g->service : "");
	if (g->scope)
		url_add_query(&b, &is_first, "scope", g->scope);
	url_add_query(&b, &is_first, "refresh_token", g->creds.identity_token);
	if (b.overflow) {
		rc = error_set(err, E2BIG, "the identity token is too long");
	} else {
		g->form = b.data;
		q.body = b.data + 1; /* without the '?' */
		q.body_len = b.len - 1;
		b.data = NULL;
		rc = call_start(r, &q, &g->fetch, err);
	}
	if (b.data)
		explicit_bzero(b.data, b.cap);
	buf_done(&b);
	return rc;
}

/* Begins to ask the realm. 0: wait. */
static int fetch(struct registry *r, struct grant *g, struct error *err)
{
	struct url home = { 0 };
	bool may;
	int rc = look_up(r, g, err);

	if (rc == 0)
		rc = reg_host_url(g->host, "/", &home, err);
	if (rc < 0)
		return rc;
	may = may_know(g, &home);
	url_done(&home);
	g->was_withheld = g->has_creds && !may;
	g->fetch_began_ms = clock_mono_ms();
	g->err.code = 0;
	wipe(&g->header);
	wipe(&g->form);
	trace("registry %s: token of %s, %s credentials", g->host->name, g->realm.host,
	      g->has_creds && may ? "with" : "without");
	if (g->has_creds && may && g->creds.identity_token)
		return ask_by_post(r, g, err);
	return ask_by_get(r, g, g->has_creds && may, err);
}

/* A token goes into a header line: visible ASCII. */
static bool is_token(const char *s)
{
	size_t n = s ? strnlen(s, TOKEN_LEN_MAX + 1) : 0;

	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] >= 0x7f)
			return false;
	return n > 0 && n <= TOKEN_LEN_MAX;
}

static int take_token(struct grant *g, struct error *err)
{
	cleanup_json json_t *j = NULL;
	const struct buf *b = &g->fetch->body;
	const char *token;
	int64_t life;
	struct error ignored;

	if (b->len == 0 || jload_text(b->data, b->len, "token", &j, &ignored) < 0)
		return error_set(err, EBADMSG, "the answer is not JSON");
	token = jget_str(j, "token");
	if (is_empty(token))
		token = jget_str(j, "access_token");
	if (!is_token(token))
		return error_set(err, EBADMSG, "the answer has no token in it");
	life = jget_int(j, "expires_in", TOKEN_LIFE_MIN);
	if (life < TOKEN_LIFE_MIN)
		life = TOKEN_LIFE_MIN;
	if (life > TOKEN_LIFE_MAX)
		life = TOKEN_LIFE_MAX;
	set_header(g, GRANT_BEARER, xasprintf("Bearer %s", token));
	g->expires_ms = g->fetch_began_ms + life * 1000;
	return 0;
}

bool grant_step(struct grant *g)
{
	struct call *c = g->fetch;
	struct error err = { .code = 0 };
	int r;

	if (!c || c->state != CALL_DONE)
		return false;
	r = c->result;
	if (r < 0) {
		err = c->err;
		if (g->was_withheld && err.code == EACCES)
			(void)error_set(
				&err, EACCES,
				"registry '%s': the token server '%s' is in another domain: "
				"no password was sent there, and without one it refused",
				g->host->name, g->realm.host);
	} else if ((r = take_token(g, &err)) < 0) {
		(void)call_error(c, &err, err.code, "%s", err.text);
	}
	g->err = r < 0 ? err : (struct error){ .code = 0 };
	g->fetch = NULL;
	call_free(c);
	wipe(&g->form);
	return true;
}

/* ---- challenges ------------------------------------------------------------------------------------ */

int grant_ready(struct registry *r, struct grant *g, struct error *err)
{
	int rc;

	if (g->fetch)
		return 0;
	if (g->kind == GRANT_BEARER &&
	    (!g->header || clock_mono_ms() + TOKEN_MARGIN_MS > g->expires_ms)) {
		rc = fetch(r, g, err);
		return rc < 0 ? rc : 0;
	}
	/* the registry asked for it before, for another repository */
	if (g->kind == GRANT_NONE && g->host->wants_basic) {
		rc = look_up(r, g, err);
		if (rc < 0)
			return rc;
		if (g->has_creds && g->creds.user)
			set_header(g, GRANT_BASIC, basic_header(&g->creds));
	}
	return 1;
}

static int take_basic(struct registry *r, struct grant *g, bool was_sent, struct error *err)
{
	int rc = look_up(r, g, err);

	if (rc < 0)
		return rc;
	if (!g->has_creds || !g->creds.user)
		return error_set(err, EACCES,
				 "registry '%s': a user name and a password are needed: podium "
				 "login %s",
				 g->host->name, g->auth);
	if (was_sent && g->kind == GRANT_BASIC && !WEAKEN("FAULT-18-401"))
		return error_set(err, EACCES, "registry '%s': wrong user name or password",
				 g->host->name);
	g->host->wants_basic = true;
	set_header(g, GRANT_BASIC, basic_header(&g->creds));
	return 1;
}

/* The scope that this access needs, when the registry does not say. */
static char *default_scope(const struct grant *g)
{
	return is_empty(g->path)
		       ? NULL
		       : xasprintf("repository:%s:pull%s", g->path, g->is_write ? ",push" : "");
}

static int take_bearer(struct registry *r, struct grant *g, const struct challenge *ch,
		       struct error *err)
{
	struct url realm = { 0 };
	int rc;

	if (is_empty(ch->realm) || url_parse(ch->realm, &realm, err) < 0)
		return error_set(err, EPROTO, "registry '%s': the challenge names no good realm",
				 g->host->name);
	if (ch->scope && strlen(ch->scope) > SCOPE_LEN_MAX) {
		url_done(&realm);
		return error_set(err, EPROTO, "registry '%s': the challenge's scope is too long",
				 g->host->name);
	}
	url_done(&g->realm);
	g->realm = realm;
	free(g->service);
	g->service = xstrdup_or_null(ch->service);
	free(g->scope);
	g->scope = is_empty(ch->scope) ? default_scope(g) : xstrdup(ch->scope);
	g->kind = GRANT_BEARER;
	rc = fetch(r, g, err);
	return rc < 0 ? rc : 0;
}

int grant_challenged(struct registry *r, struct grant *g, const struct http_answer *a,
		     bool was_sent, unsigned sent_generation, struct error *err)
{
	cleanup_challenges struct challenge_list l = { .n = 0 };
	const struct challenge *ch;

	/* somebody else's call got a newer one meanwhile, or is about to */
	if (g->fetch)
		return 0;
	if (g->header && g->generation != sent_generation)
		return 1;
	for (size_t i = 0; i < a->wants.n; i++)
		if (challenge_parse(a->wants.v[i], &l, err) < 0)
			return error_wrap(err, "registry '%s'", g->host->name);
	ch = challenge_find(&l, CHALLENGE_BEARER);
	if (ch)
		return take_bearer(r, g, ch, err);
	ch = challenge_find(&l, CHALLENGE_BASIC);
	if (ch)
		return take_basic(r, g, was_sent, err);
	return error_set(err, EACCES,
			 "registry '%s': access denied, and it asks for no login that podium knows",
			 g->host->name);
}
