/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reference - parsing and normalising image names.
 *
 * Theory of operation: one pass from the right end to the left: the digest behind '@', then the tag
 * behind the last ':' that has no '/' after it, then the domain up to the first '/' if it looks
 * like one. Each part is checked against its own small grammar, byte by byte, and copied into a
 * buffer of fixed size; no part that failed is ever copied. What comes out holds no "..", no upper
 * case in the path, no control byte and no byte above 0x7f, so it may become part of a record, a
 * file name or a URL. The grammar is that of the distribution project's references:
 *
 *	domain     host[:port]; host is dotted labels of letters, digits and inner '-', or [IPv6]
 *	path       components by '/'; [a-z0-9]+ runs joined by '.', '_', '__' or any number of '-'
 *	tag        [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}
 *	digest     sha256: and 64 lower-case hex digits
 *
 * A bare 64-digit hex string is refused as a name: it would be mistaken for an image id.
 */
#include "engine/image/reference.h"

#include <arpa/inet.h>

#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/image/digest.h"

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum_ascii(char c)
{
	return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

/* One separator of a path component at s: its length, 0 when there is none. */
static size_t separator_len(const char *s, size_t len)
{
	size_t n = 0;

	if (len && s[0] == '.')
		return 1;
	if (len && s[0] == '_')
		return len > 1 && s[1] == '_' ? 2 : 1;
	while (n < len && s[n] == '-')
		n++;
	return n;
}

static bool is_path_component(const char *s, size_t len)
{
	size_t i = 0;

	for (;;) {
		size_t start = i, sep;

		while (i < len && is_lower_alnum(s[i]))
			i++;
		if (i == start)
			return false;
		if (i == len)
			return true;
		sep = separator_len(s + i, len - i);
		if (!sep)
			return false;
		i += sep;
	}
}

static bool is_path(const char *s)
{
	for (;;) {
		size_t len = strcspn(s, "/");

		if (!is_path_component(s, len) && !WEAKEN("REG-10"))
			return false;
		if (!s[len])
			return true;
		s += len + 1;
	}
}

static bool is_port(const char *s)
{
	uint64_t port;

	/* One port, one way to write it: configurations compare text. */
	return strlen(s) <= 5 && *s != '0' && parse_u64(s, 65535, &port) == 0;
}

static bool is_host_label(const char *s, size_t len)
{
	if (!len || len > 63 || s[0] == '-' || s[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_alnum_ascii(s[i]) && s[i] != '-')
			return false;
	return true;
}

static bool is_ipv6_host(const char *s, size_t len)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr addr;

	if (len < 4 || len - 2 >= sizeof(text) || s[0] != '[' || s[len - 1] != ']' ||
	    memchr(s, '.', len))
		return false;
	memcpy(text, s + 1, len - 2);
	text[len - 2] = '\0';
	return inet_pton(AF_INET6, text, &addr) == 1;
}

bool is_registry_host(const char *s)
{
	const char *bracket = s[0] == '[' ? strchr(s, ']') : NULL;
	const char *colon = strchr(bracket ? bracket : s, ':');
	size_t len = colon ? (size_t)(colon - s) : strlen(s);

	if (colon && !is_port(colon + 1))
		return false;
	if (s[0] == '[')
		return is_ipv6_host(s, len);
	while (len) {
		size_t label = 0;

		while (label < len && s[label] != '.')
			label++;
		if (!is_host_label(s, label))
			return false;
		if (label == len)
			return true;
		s += label + 1;
		len -= label + 1;
	}
	return false;
}

static bool is_tag(const char *s)
{
	size_t len = strlen(s);

	if (!len || len > REFERENCE_TAG_MAX || s[0] == '.' || s[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_alnum_ascii(s[i]) && s[i] != '_' && s[i] != '.' && s[i] != '-')
			return false;
	return true;
}

/* A first component is a domain when it could not be part of a path on the default registry. */
static bool looks_like_domain(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] == '.' || s[i] == ':' || (s[i] >= 'A' && s[i] <= 'Z'))
			return true;
	return len == sizeof("localhost") - 1 && memcmp(s, "localhost", len) == 0;
}

static void copy_part(char *dst, const char *src, size_t len)
{
	memcpy(dst, src, len);
	dst[len] = '\0';
}

/* Cuts "@sha256:..." and ":tag" off the end of name. */
static int take_suffixes(char *name, struct reference *r, struct error *err)
{
	char *at = strchr(name, '@'), *slash, *colon;
	struct digest d;
	int rc;

	if (at) {
		*at = '\0';
		rc = digest_parse(at + 1, &d, err);
		if (rc < 0)
			return rc;
		copy_part(r->digest, at + 1, DIGEST_STR_LEN);
	}
	slash = strrchr(name, '/');
	colon = strrchr(slash ? slash : name, ':');
	if (!colon) {
		r->is_tag_implied = true;
		if (!at)
			copy_part(r->tag, "latest", 6);
		return 0;
	}
	*colon = '\0';
	if (!is_tag(colon + 1))
		return error_set(err, EINVAL,
				 "its tag is not of the form [A-Za-z0-9_][A-Za-z0-9_.-]*");
	copy_part(r->tag, colon + 1, strlen(colon + 1));
	return 0;
}

/* Splits name (tag and digest are off) into domain and path, with the defaults. */
static int take_name(const char *name, struct reference *r, struct error *err)
{
	const char *slash = strchr(name, '/'), *path = name, *prefix = "";

	copy_part(r->domain, "docker.io", 9);
	r->is_short = true;
	if (slash && looks_like_domain(name, (size_t)(slash - name))) {
		copy_part(r->domain, name, (size_t)(slash - name));
		path = slash + 1;
		r->is_short = false;
		if (!is_registry_host(r->domain))
			return error_set(err, EINVAL,
					 "its registry is not a host name with a port");
		if (is_equal(r->domain, "index.docker.io"))
			copy_part(r->domain, "docker.io", 9);
	}
	if (is_equal(r->domain, "docker.io") && !strchr(path, '/')) {
		prefix = "library/";
		r->is_library_implied = true;
	}
	if (strlen(r->domain) + 1 + strlen(prefix) + strlen(path) > REFERENCE_NAME_MAX)
		return error_set(err, EINVAL, "it is longer than %d characters",
				 REFERENCE_NAME_MAX);
	if (!is_path(path))
		return error_set(
			err, EINVAL,
			"its path is not of lower-case letters, digits and single separators");
	copy_part(r->path, prefix, strlen(prefix));
	copy_part(r->path + strlen(prefix), path, strlen(path));
	return 0;
}

int reference_parse(const char *text, struct reference *ret, struct error *err)
{
	struct reference r = { .is_short = false };
	cleanup_free char *name = NULL;
	size_t len = text ? strnlen(text, REFERENCE_MAX + 1) : 0;
	int rc;

	if (!len)
		return error_set(err, EINVAL, "invalid image name: it is empty");
	if (len > REFERENCE_MAX)
		return error_set(err, EINVAL, "invalid image name: it is longer than %d characters",
				 (int)REFERENCE_MAX);
	name = xstrndup(text, len);
	rc = take_suffixes(name, &r, err);
	if (rc == 0 && strlen(name) > REFERENCE_NAME_MAX)
		rc = error_set(err, EINVAL, "it is longer than %d characters", REFERENCE_NAME_MAX);
	if (rc == 0 && is_id(name))
		rc = error_set(err, EINVAL, "64 hex digits are an image id, not a name");
	if (rc == 0)
		rc = take_name(name, &r, err);
	if (rc < 0) {
		cleanup_free char *shown = str_printable(text, len);

		return error_wrap(err, "invalid image name '%.200s'", shown);
	}
	*ret = r;
	return 0;
}

/* The parts were bounded by the parser: they fit. */
static void join(char *out, size_t size, const char *const *parts, size_t n)
{
	struct buf b = BUF_INIT(size - 1);

	for (size_t i = 0; i < n; i++)
		buf_adds(&b, parts[i]);
	memcpy(out, b.data ? b.data : "", b.len + 1);
	buf_done(&b);
}

char *reference_format_name(const struct reference *r, char out[REFERENCE_NAME_MAX + 2])
{
	const char *const parts[] = { r->domain, "/", r->path };

	join(out, REFERENCE_NAME_MAX + 2, parts, ARRAY_SIZE(parts));
	return out;
}

char *reference_format(const struct reference *r, char out[REFERENCE_MAX + 1])
{
	const char *const parts[] = { r->domain, "/",
				      r->path,	 r->tag[0] ? ":" : "",
				      r->tag,	 r->digest[0] ? "@" : "",
				      r->digest };

	join(out, REFERENCE_MAX + 1, parts, ARRAY_SIZE(parts));
	return out;
}

int reference_new_name(const char *text, char out[REFERENCE_MAX + 1], struct error *err)
{
	struct reference ref;
	int r = reference_parse(text, &ref, err);

	if (r < 0)
		return r;
	if (ref.digest[0])
		return error_set(err, EINVAL, "a name for an image cannot hold a digest: '%.200s'",
				 text);
	if (ref.is_short)
		(void)snprintf(out, REFERENCE_MAX + 1, "localhost/%.255s:%.128s",
			       ref.is_library_implied ? ref.path + 8 : ref.path, ref.tag);
	else
		(void)reference_format(&ref, out);
	return 0;
}
