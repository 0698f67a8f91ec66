/* SPDX-License-Identifier: Apache-2.0 */
/*
 * glob - compiled patterns of files: filepath.Match of Go, and the "**" of ignore files.
 */
#ifndef PODIUM_BUILD_GLOB_H
#define PODIUM_BUILD_GLOB_H

#include <stdbool.h>

#include "engine/base/error.h"

#define GLOB_BYTES_MAX 4096

struct glob;
/* NULL: the pattern is malformed ('[' without ']', an escape at the end) or too long. with_dirs:
 * "**" stands for any number of directories. Freed by glob_free(). */
struct glob *glob_new(const char *pattern, bool with_dirs) must_check;
void glob_free(struct glob *g);
/* Whether the whole name matches. Time grows with the product of the two lengths, no worse. */
bool is_glob_match(const struct glob *g, const char *name);
/* Whether the path or one of the directories above it matches, in the same time. */
bool is_glob_match_above(const struct glob *g, const char *path);

#endif
