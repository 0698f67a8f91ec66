/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url - http and https addresses of registries, token servers and redirect targets.
 *
 * Theory of operation: addresses come out of answers, so they are hostile text. url_parse() takes
 * them apart by a grammar that is narrower than the standard's; url_format() makes the text that
 * libcurl gets from the parts again. Credentials are compared by the parts (is_url_same_origin).
 * Which addresses a name means is looked at when the socket is made (http.c), by
 * is_address_private(); names alone prove nothing.
 */
#include "engine/image/url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

void url_done(struct url *u)
{
	if (u->target)
		explicit_bzero(u->target, strlen(u->target));
	free(u->target);
	u->target = NULL;
}

void url_copy(struct url *dst, const struct url *src)
{
	*dst = *src;
	dst->target = xstrdup_or_null(src->target);
}

static bool is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

/* Name or IPv4 address without its port; *p is behind it then. */
static int take_name(const char **p, struct url *u, struct error *err)
{
	size_t n = 0;

	for (; **p && !strchr(":/?#", **p); (*p)++) {
		char c = **p;

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (!is_host_char(c))
			return error_set(err, EINVAL, "address with a bad host name");
		if (n >= URL_HOST_MAX)
			return error_set(err, EINVAL, "address with a host name that is too long");
		u->host[n++] = c;
	}
	u->host[n] = '\0';
	if (n == 0 || u->host[0] == '.' || u->host[0] == '-' || strstr(u->host, ".."))
		return error_set(err, EINVAL, "address with a bad host name");
	return 0;
}

static int take_ipv6(const char **p, struct url *u, struct error *err)
{
	const char *end = strchr(*p, ']');
	size_t n = end ? (size_t)(end - *p - 1) : 0;
	struct in6_addr a;

	if (!end || n == 0 || n >= INET6_ADDRSTRLEN)
		return error_set(err, EINVAL, "address with a bad IPv6 host");
	memcpy(u->host, *p + 1, n);
	u->host[n] = '\0';
	/* one spelling for one address: origins are compared as text */
	if (inet_pton(AF_INET6, u->host, &a) != 1 ||
	    !inet_ntop(AF_INET6, &a, u->host, sizeof(u->host)))
		return error_set(err, EINVAL, "address with a bad IPv6 host");
	*p = end + 1;
	return 0;
}

static int take_port(const char **p, struct url *u, struct error *err)
{
	char digits[6] = "";
	uint64_t port = 0;
	size_t n = strspn(*p + 1, "0123456789");

	if (n == 0 || n >= sizeof(digits))
		return error_set(err, EINVAL, "address with a bad port");
	memcpy(digits, *p + 1, n);
	if (parse_u64(digits, 65535, &port) < 0 || port == 0)
		return error_set(err, EINVAL, "address with a bad port");
	u->port = (uint16_t)port;
	*p += n + 1;
	return 0;
}

/* Everything behind the authority. */
static int take_target(const char *p, struct url *u, struct error *err)
{
	size_t n = strcspn(p, "#");

	if (*p && *p != '/' && *p != '?' && *p != '#')
		return error_set(err, EINVAL, "address with a bad port");
	u->target = *p == '/' ? xstrndup(p, n) : xasprintf("/%.*s", (int)n, p);
	return 0;
}

/* Nothing that a reader could take for something else than it is. */
static int check_bytes(const char *text, struct error *err)
{
	size_t n = strnlen(text, URL_MAX + 1);

	if (n > URL_MAX)
		return error_set(err, EINVAL, "address is longer than %d bytes", URL_MAX);
	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] >= 0x7f || strchr("\\\"<>^`{|}", text[i]))
			return error_set(err, EINVAL, "address with a byte that must not be in it");
	return 0;
}

/* authority, path and query, with the scheme in u already. */
static int take_rest(const char *p, struct url *u, struct error *err)
{
	size_t n = strcspn(p, "/?#");
	int r;

	if (memchr(p, '@', n))
		return error_set(err, EINVAL, "address with a user name or password in it");
	u->port = u->is_tls ? 443 : 80;
	r = *p == '[' ? take_ipv6(&p, u, err) : take_name(&p, u, err);
	if (r == 0 && *p == ':')
		r = take_port(&p, u, err);
	return r < 0 ? r : take_target(p, u, err);
}

int url_parse(const char *text, struct url *ret, struct error *err)
{
	struct url u = { 0 };
	int r = check_bytes(text, err);

	if (r < 0)
		return r;
	if (strncasecmp(text, "https://", 8) == 0)
		u.is_tls = true;
	else if (strncasecmp(text, "http://", 7) != 0)
		return error_set(err, EINVAL, "address that is neither http nor https");
	r = take_rest(text + (u.is_tls ? 8 : 7), &u, err);
	if (r < 0)
		return r;
	*ret = u;
	return 0;
}

/* A text begins with "scheme:" of any kind. */
static bool has_scheme(const char *text)
{
	size_t n =
		strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-.");

	return n > 0 && text[n] == ':';
}

/* "?query" keeps the path of base, "file" its directory. */
static char *resolve_path(const struct url *base, const char *text)
{
	size_t path = strcspn(base->target, "?");
	size_t n = strcspn(text, "#");

	if (*text == '/')
		return xstrndup(text, n);
	if (*text != '?')
		while (path > 0 && base->target[path - 1] != '/')
			path--;
	return xasprintf("%.*s%.*s", (int)path, base->target, (int)n, text);
}

int url_resolve(const struct url *base, const char *text, struct url *ret, struct error *err)
{
	struct url u = { .is_tls = base->is_tls };
	int r;

	if (has_scheme(text))
		return url_parse(text, ret, err);
	r = check_bytes(text, err);
	if (r < 0)
		return r;
	if (strncmp(text, "//", 2) == 0) {
		r = take_rest(text + 2, &u, err);
		if (r < 0)
			return r;
	} else {
		u = *base;
		u.target = resolve_path(base, text);
	}
	*ret = u;
	return 0;
}

int url_of_host(const char *host, bool is_tls, const char *target, struct url *ret,
		struct error *err)
{
	cleanup_free char *text = xasprintf("http%s://%s%s", is_tls ? "s" : "", host, target);

	if (strpbrk(host, "/?#"))
		return error_set(err, EINVAL, "bad name of a registry");
	return url_parse(text, ret, err);
}

static bool is_default_port(const struct url *u)
{
	return u->port == (u->is_tls ? 443 : 80);
}

/* "host" or "host:port", as people write it; for messages. The caller's. */
static char *authority_of(const struct url *u)
{
	bool v6 = strchr(u->host, ':') != NULL;
	char port[8] = "";

	if (!is_default_port(u))
		(void)snprintf(port, sizeof(port), ":%u", u->port);
	return xasprintf("%s%s%s%s", v6 ? "[" : "", u->host, v6 ? "]" : "", port);
}

char *url_format(const struct url *u)
{
	cleanup_free char *authority = authority_of(u);

	return xasprintf("%s://%s%s", u->is_tls ? "https" : "http", authority, u->target);
}

bool is_url_same_origin(const struct url *a, const struct url *b)
{
	return a->is_tls == b->is_tls && a->port == b->port && is_equal(a->host, b->host);
}

/* The host is an address, or one of the forms that a resolver may take for one ("127.1", "0x7f1"). */
static bool is_address(const struct url *u)
{
	const char *last = strrchr(u->host, '.');

	if (strchr(u->host, ':'))
		return true;
	/* a name's last label is never a number (RFC 1123), and resolvers take 0x.. for one */
	last = last && last[1] ? last + 1 : u->host;
	return *last >= '0' && *last <= '9' && strspn(last, "0123456789abcdefx.") == strlen(last);
}

bool is_url_near(const struct url *u)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	if (is_equal(u->host, "localhost") || is_suffix(u->host, ".localhost"))
		return true;
	if (inet_pton(AF_INET6, u->host, &v6.sin6_addr) == 1)
		return is_address_private((const struct sockaddr *)&v6);
	/* inet_aton(3) takes the odd forms too, as resolvers do */
	if (inet_aton(u->host, &v4.sin_addr))
		return is_address_private((const struct sockaddr *)&v4);
	return false;
}

void url_add_query(struct buf *b, bool *is_first, const char *name, const char *value)
{
	buf_addc(b, *is_first ? '?' : '&');
	*is_first = false;
	buf_adds(b, name);
	buf_addc(b, '=');
	for (const char *p = value; *p; p++)
		if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		    (*p >= '0' && *p <= '9') || strchr("-._~/:", *p))
			buf_addc(b, *p);
		else
			buf_printf(b, "%%%02X", (unsigned int)(unsigned char)*p);
}

/* ---- who belongs to whom -------------------------------------------------------------------- */

/* Suffixes below which strangers live next to each other. */
static const char *const shared_suffixes[] = {
	"amazonaws.com",
	"azurecr.io",
	"azurewebsites.net",
	"cloudapp.net",
	"cloudfront.net",
	"herokuapp.com",
	"github.io",
	"gitlab.io",
	"pages.dev",
	"workers.dev",
	"web.app",
	"run.app",
	"appspot.com",
	"pkg.dev",
	"fly.dev",
	"googleusercontent.com",
	"windows.net",
	"digitaloceanspaces.com",
	"ocir.io",
	"vercel.app",
	"jfrog.io",
	"azurecontainer.io",
	"aliyuncs.com",
	"myqcloud.com",
	"oraclecloud.com",
	"netlify.app",
	"onrender.com",
	"ngrok.io",
	"ngrok.app",
	"ngrok-free.app",
	"ts.net",
	"duckdns.org",
	"nip.io",
	"sslip.io",
};

/* The last n labels of a host, or NULL when it has not so many. */
static const char *last_labels(const char *host, int n)
{
	const char *p = host + strlen(host);

	while (p > host) {
		if (p[-1] == '.' && --n == 0)
			return p;
		p--;
	}
	return n == 1 ? host : NULL;
}

static const char *site_of(const char *host)
{
	const char *two = last_labels(host, 2), *dot;
	int labels = 2;

	if (!two)
		return NULL;
	/* "co.uk", "com.au": a country and a short word before it is taken for a public suffix */
	dot = strchr(two, '.');
	if (strlen(dot + 1) == 2 && dot - two <= 3)
		labels = 3;
	for (size_t i = 0; i < ARRAY_SIZE(shared_suffixes); i++)
		if (is_equal(two, shared_suffixes[i]))
			labels = 99; /* only the same host is the same site */
	return last_labels(host, labels);
}

bool is_url_same_site(const char *a, const char *b)
{
	const char *sa, *sb;
	struct url ua = { 0 }, ub = { 0 };

	if (is_equal(a, b))
		return true;
	(void)snprintf(ua.host, sizeof(ua.host), "%s", a);
	(void)snprintf(ub.host, sizeof(ub.host), "%s", b);
	if (is_address(&ua) || is_address(&ub))
		return false;
	sa = site_of(a);
	sb = site_of(b);
	return sa && sb && is_equal(sa, sb);
}

/* ---- where an address is ---------------------------------------------------------------------- */

static bool is_v4_private(uint32_t a)
{
	static const struct {
		uint32_t net, mask;
	} nets[] = {
		{ 0x00000000, 0xff000000 }, /* this network */
		{ 0x0a000000, 0xff000000 }, /* private */
		{ 0x64400000, 0xffc00000 }, /* shared, RFC 6598 */
		{ 0x7f000000, 0xff000000 }, /* loopback */
		{ 0xa9fe0000, 0xffff0000 }, /* link-local: the cloud's metadata */
		{ 0xac100000, 0xfff00000 }, /* private */
		{ 0xc0000000, 0xffffff00 }, /* protocol assignments */
		{ 0xc0a80000, 0xffff0000 }, /* private */
		{ 0xc6120000, 0xfffe0000 }, /* benchmarks */
		{ 0xe0000000, 0xe0000000 }, /* multicast, reserved, broadcast */
	};

	for (size_t i = 0; i < ARRAY_SIZE(nets); i++)
		if ((a & nets[i].mask) == nets[i].net)
			return true;
	return false;
}

static bool is_v6_private(const unsigned char *b)
{
	static const unsigned char zero[16], nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	uint32_t v4 = (uint32_t)b[12] << 24 | (uint32_t)b[13] << 16 | (uint32_t)b[14] << 8 | b[15];

	if (memcmp(b, mapped, 12) == 0 || memcmp(b, nat64, 12) == 0)
		return is_v4_private(v4);
	if (memcmp(b, zero, 12) == 0) /* ::, ::1 and IPv4-compatible */
		return true;
	if (b[0] == 0x20 && b[1] == 0x02) /* 6to4 */
		return is_v4_private((uint32_t)b[2] << 24 | (uint32_t)b[3] << 16 |
				     (uint32_t)b[4] << 8 | b[5]);
	return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0x80) == 0x80) || b[0] == 0xff;
}

bool is_address_private(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, sa, sizeof(v4));
		return is_v4_private(ntohl(v4.sin_addr.s_addr));
	}
	if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;

		memcpy(&v6, sa, sizeof(v6));
		return is_v6_private(v6.sin6_addr.s6_addr);
	}
	return true;
}
