/* SPDX-License-Identifier: Apache-2.0 */
/* logwords - the words of --log-driver and --log-opt. */
#ifndef PODIUM_CMD_LOGWORDS_H
#define PODIUM_CMD_LOGWORDS_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/base/str.h"

struct log_spec;

/* Puts a driver (NULL: as it is) and its options (max-size=, max-file=, path=, tag=) over *ret. -EINVAL
 * for a bad word, or as log_spec_check(). */
int log_words(const char *driver, const struct strlist *options, bool tty, struct log_spec *ret,
	      struct error *err) must_check;

/* A path that means the same anywhere. The caller's. */
char *log_words_path(const char *path);

#endif
