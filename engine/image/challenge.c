/* SPDX-License-Identifier: Apache-2.0 */
/*
 * challenge - what a registry answers with 401.
 *
 * Theory of operation:
 *
 *	challenges = challenge *( "," challenge ), challenge = scheme [ 1*SP ( token68 / params ) ]
 *	params = param *( "," param ), param = token "=" ( token / quoted-string )
 *
 * A comma separates parameters and challenges alike; a token followed by '=' is a parameter of the
 * challenge before it, any other token begins a challenge. Names are compared without case. Nothing
 * is guessed: a parameter that comes twice, an open quote, a control byte refuse the whole header.
 */
#include "engine/image/challenge.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "engine/base/str.h"

void challenge_list_done(struct challenge_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].realm);
		free(l->v[i].service);
		free(l->v[i].scope);
	}
	*l = (struct challenge_list){ .n = 0 };
}

static int bad(struct error *err, const char *why)
{
	return error_set(err, EBADMSG, "the WWW-Authenticate header %s", why);
}

static bool is_token_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

static size_t token_len(const char *p)
{
	size_t n = 0;

	while (is_token_char(p[n]))
		n++;
	return n;
}

/* "..." with backslash escapes; *p is behind it then. */
static int take_quoted(const char **p, char **ret, struct error *err)
{
	cleanup_buf struct buf b = BUF_INIT(CHALLENGE_TEXT_MAX + 1);
	const char *s = *p + 1;

	for (; *s != '"'; s++) {
		if (*s == '\\')
			s++;
		if (!*s)
			return bad(err, "has an open quote");
		buf_addc(&b, *s);
	}
	*ret = buf_steal(&b);
	*p = s + 1;
	return 0;
}

/* Stores a parameter that is known; frees one that is not. */
static int keep_param(struct challenge *c, const char *name, size_t len, char *value,
		      struct error *err)
{
	static const char *const names[] = { "realm", "service", "scope" };
	char **slots[] = { &c->realm, &c->service, &c->scope };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (len != strlen(names[i]) || strncasecmp(name, names[i], len) != 0)
			continue;
		if (*slots[i]) {
			free(value);
			return bad(err, "says something twice");
		}
		*slots[i] = value;
		return 0;
	}
	free(value);
	return 0;
}

/* name = value; *p is at the name. */
static int take_param(const char **p, struct challenge *c, struct error *err)
{
	const char *name = *p, *s;
	size_t len = token_len(name), n;
	char *value = NULL;

	if (++c->params > CHALLENGE_PARAM_MAX)
		return bad(err, "has too many parameters");
	s = skip_blanks(skip_blanks(name + len) + 1);
	if (*s == '"') {
		int r = take_quoted(&s, &value, err);

		if (r < 0)
			return r;
	} else {
		n = token_len(s);
		if (n == 0)
			return bad(err, "has a parameter without a value");
		value = xstrndup(s, n);
		s += n;
	}
	*p = s;
	return keep_param(c, name, len, value, err);
}

/* Length of a token68 that fills the place up to a comma or the end, or 0. */
static size_t token68_len(const char *p)
{
	size_t n = token_len(p);

	while (is_token_char(p[n]) || p[n] == '/')
		n++;
	if (n == 0)
		return 0;
	n += strspn(p + n, "=");
	return strchr(",", *skip_blanks(p + n)) ? n : 0;
}

static int take_scheme(const char **p, struct challenge_list *l, struct error *err)
{
	size_t len = token_len(*p), n;
	struct challenge *c;

	if (len == 0)
		return bad(err, "cannot be read");
	if (l->n >= CHALLENGES_MAX)
		return bad(err, "has too many challenges");
	c = &l->v[l->n++];
	*c = (struct challenge){ .scheme = CHALLENGE_OTHER };
	if (len == 5 && strncasecmp(*p, "basic", 5) == 0)
		c->scheme = CHALLENGE_BASIC;
	else if (len == 6 && strncasecmp(*p, "bearer", 6) == 0)
		c->scheme = CHALLENGE_BEARER;
	*p += len;
	if (**p && !strchr(" \t,", **p))
		return bad(err, "cannot be read");
	n = **p ? token68_len(skip_blanks(*p)) : 0;
	if (n > 0)
		*p = skip_blanks(*p) + n;
	return 0;
}

static int check_bytes(const char *text, struct error *err)
{
	size_t n = strnlen(text, CHALLENGE_TEXT_MAX + 1);

	if (n > CHALLENGE_TEXT_MAX)
		return bad(err, "is too long");
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f)
			return bad(err, "holds control bytes");
	return 0;
}

int challenge_parse(const char *text, struct challenge_list *l, struct error *err)
{
	const char *p = text;
	bool fresh = true; /* a comma, or the beginning, is before p */
	size_t first = l->n;
	int r = check_bytes(text, err);

	while (r == 0) {
		const char *s = p + strspn(p, " \t,");

		fresh = fresh || memchr(p, ',', (size_t)(s - p)) || l->n == first;
		p = s;
		if (!*p)
			return l->n > first ? 0 : bad(err, "is empty");
		if (l->n > first && token_len(p) > 0 && *skip_blanks(p + token_len(p)) == '=') {
			struct challenge *c = &l->v[l->n - 1];

			/* only the first parameter stands behind a blank alone */
			if (!fresh && c->params > 0)
				return bad(err, "cannot be read");
			r = take_param(&p, c, err);
		} else if (!fresh) {
			return bad(err, "cannot be read");
		} else {
			r = take_scheme(&p, l, err);
		}
		fresh = false;
	}
	return r;
}

const struct challenge *challenge_find(const struct challenge_list *l, enum challenge_scheme scheme)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].scheme == scheme)
			return &l->v[i];
	return NULL;
}
