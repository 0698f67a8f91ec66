/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ignore - what of a context a build does not see: .containerignore, .dockerignore.
 *
 * A pattern a line: '#' begins a comment, '!' takes back, '/' in front says nothing, "**" stands for
 * any number of directories, the rest is Go's filepath.Match. The last line that matches decides; a
 * pattern that matches a directory matches all below it.
 */
#ifndef PODIUM_BUILD_IGNORE_H
#define PODIUM_BUILD_IGNORE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

#define IGNORE_BYTES_MAX    (1024 * 1024)
#define IGNORE_PATTERNS_MAX 10000

struct ignore;
/* what names the source in messages: "FILE:LINE: ...". -EINVAL: a pattern that can never be read. */
int ignore_parse(const char *text, size_t len, const char *what, struct ignore **ret,
		 struct error *err) must_check;
void ignore_free(struct ignore *g);
static inline void ignore_free_fn(struct ignore **g)
{
	ignore_free(*g);
}
#define cleanup_ignore __attribute__((__cleanup__(ignore_free_fn)))

/* path: relative to the context, cleaned, without a slash in front; "" (the context) is never
 * ignored. g may be NULL. */
bool is_ignored(const struct ignore *g, const char *path);
/* An ignored directory that nothing below can be taken back from need not be walked. */
bool can_skip_below(const struct ignore *g, const char *dir);

/* Go's filepath.Match for one whole name: '*' and '?' stop at '/', [a-z] and [^a-z], '\' escapes.
 * 1, 0, or -EINVAL for a malformed pattern. (No error text: the caller knows what the pattern is.) */
int glob_match(const char *pattern, const char *name) must_check;

#endif
