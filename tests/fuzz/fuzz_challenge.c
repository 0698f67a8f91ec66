/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_challenge - any text as WWW-Authenticate, and as an address: no crash; an address that is
 * taken has a canonical text that is taken for the same origin, and holds nothing that could end a
 * line or name a user.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/image/challenge.h"
#include "engine/image/url.h"
#include "tests/fuzz/fuzz.h"

static void check_url(const struct url *u)
{
	cleanup_free char *once = url_format(u), *twice = NULL;
	cleanup_url struct url again = { 0 };
	struct error err;

	for (const char *p = once; *p; p++)
		if (*p <= ' ' || *p >= 0x7f)
			abort();
	if (strlen(once) > URL_MAX)
		return; /* its canonical form may be a little longer */
	if (url_parse(once, &again, &err) < 0 || !is_url_same_origin(u, &again))
		abort();
	twice = url_format(&again);
	if (strcmp(once, twice) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = xstrndup((const char *)data, size);
	cleanup_challenges struct challenge_list l = { .n = 0 };
	cleanup_url struct url u = { 0 }, v = { 0 };
	struct error err;

	if (challenge_parse(text, &l, &err) == 0 && l.n == 0)
		abort();
	for (size_t i = 0; i < l.n; i++)
		if (l.v[i].realm && strpbrk(l.v[i].realm, "\r\n"))
			abort();
	if (url_parse(text, &u, &err) == 0)
		check_url(&u);
	url_done(&u);
	if (url_parse("https://registry.example.com:5000/v2/a/b?c", &u, &err) < 0)
		abort();
	if (url_resolve(&u, text, &v, &err) == 0)
		check_url(&v);
	(void)is_url_same_site(u.host, v.host);
	(void)is_url_near(&v);
	return 0;
}
