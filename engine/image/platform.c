/* SPDX-License-Identifier: Apache-2.0 */
/*
 * platform - operating system, architecture and variant: as people write them, as images say them.
 *
 * Theory of operation: the words are GOOS and GOARCH of the OCI image specification. A processor
 * runs what was made for an older variant of it, so each architecture with variants has a list,
 * newest first: who wants v7 takes v7, else v6, else v5, else an image that names no variant. Who
 * names no variant takes such an image first, else the oldest: it runs everywhere.
 *
 * The functions are declared in manifest.h.
 */
#include "engine/image/manifest.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "engine/base/str.h"

#define VARIANTS_MAX 6

void platform_done(struct platform *p)
{
	free(p->os);
	free(p->architecture);
	free(p->variant);
	*p = (struct platform){ .os = NULL };
}

/* What people and kernels say, and what images say. */
static const struct {
	const char *word, *architecture, *variant;
} aliases[] = {
	{ "x86_64", "amd64", NULL }, { "x86-64", "amd64", NULL },    { "aarch64", "arm64", NULL },
	{ "armv8l", "arm", "v7" },   { "armv7l", "arm", "v7" },	     { "armv6l", "arm", "v6" },
	{ "armhf", "arm", "v7" },    { "armel", "arm", "v6" },	     { "i386", "386", NULL },
	{ "i686", "386", NULL },     { "ppc64el", "ppc64le", NULL },
};

static void set_architecture(struct platform *p, const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (is_equal(word, aliases[i].word)) {
			p->architecture = xstrdup(aliases[i].architecture);
			p->variant = xstrdup_or_null(aliases[i].variant);
			return;
		}
	p->architecture = xstrdup(word);
}

void platform_host(struct platform *ret)
{
	struct utsname u;

	*ret = (struct platform){ .os = xstrdup("linux") };
	set_architecture(ret, uname(&u) == 0 ? u.machine : "unknown");
}

char *platform_format(const struct platform *p)
{
	return xasprintf("%s/%s%s%s", p->os ? p->os : "unknown",
			 p->architecture ? p->architecture : "unknown", p->variant ? "/" : "",
			 p->variant ? p->variant : "");
}

/* ---- --platform ------------------------------------------------------------------------- */

static bool is_os(const char *word)
{
	static const char *const known[] = { "linux", "windows", "darwin", "freebsd" };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (is_equal(word, known[i]))
			return true;
	return false;
}

static bool is_word(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return n > 0 && n <= PLATFORM_WORD_MAX && !s[n];
}

/* Splits at slashes. The number of words, -1 when one is none. */
static int split(char *text, char *words[3])
{
	int n = 0;

	for (;;) {
		char *slash = strchr(text, '/');

		if (n == 3)
			return -1;
		if (slash)
			*slash = '\0';
		if (!is_word(text))
			return -1;
		words[n++] = text;
		if (!slash)
			return n;
		text = slash + 1;
	}
}

int platform_parse(const char *text, struct platform *ret, struct error *err)
{
	cleanup_free char *copy = xstrndup(text, 4 * PLATFORM_WORD_MAX);
	char *words[3];
	int n = strlen(text) < 4 * PLATFORM_WORD_MAX ? split(copy, words) : -1;

	if (n < 0) {
		cleanup_free char *shown = str_printable(text, strnlen(text, 200));

		return error_set(err, EINVAL, "'%s' is no platform: write OS/ARCH[/VARIANT]",
				 shown);
	}
	platform_host(ret);
	if (n == 1 && is_os(words[0])) {
		free(ret->os);
		ret->os = xstrdup(words[0]);
		return 0;
	}
	platform_done(ret);
	ret->os = xstrdup(n == 1 ? "linux" : words[0]);
	set_architecture(ret, words[n == 1 ? 0 : 1]);
	if (n == 3) {
		free(ret->variant);
		ret->variant = xstrdup(words[2]);
	}
	return 0;
}

/* ---- choosing --------------------------------------------------------------------------- */

/* Newest first; NULL ends. */
static const struct {
	const char *architecture;
	const char *variants[VARIANTS_MAX];
} families[] = {
	{ "arm", { "v8", "v7", "v6", "v5", NULL } },
	{ "arm64", { "v9", "v8", NULL } },
	{ "amd64", { "v4", "v3", "v2", "v1", NULL } },
};

static const char *const *variants_of(const char *architecture)
{
	static const char *const none[] = { NULL };

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (is_equal(architecture, families[i].architecture))
			return families[i].variants;
	return none;
}

static int place_of(const char *const *list, const char *word)
{
	for (int i = 0; list[i]; i++)
		if (is_equal(list[i], word))
			return i;
	return -1;
}

int platform_rank(const struct platform *want, const struct platform *have)
{
	const char *const *list = variants_of(want->architecture);
	int wanted, place;

	if (!is_equal(want->os, have->os) || !is_equal(want->architecture, have->architecture))
		return -1;
	if (is_equal(want->variant, have->variant))
		return 0;
	if (is_empty(have->variant))
		return is_empty(want->variant) ? 0 : VARIANTS_MAX;
	place = place_of(list, have->variant);
	if (is_empty(want->variant))
		return place < 0 ? VARIANTS_MAX : VARIANTS_MAX - place; /* the oldest */
	wanted = place_of(list, want->variant);
	return wanted >= 0 && place > wanted ? place - wanted : -1;
}
