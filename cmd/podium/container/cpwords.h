/* SPDX-License-Identifier: Apache-2.0 */
/* cpwords - what the two words of `podium cp` mean. */
#ifndef PODIUM_CMD_CPWORDS_H
#define PODIUM_CMD_CPWORDS_H

#include "engine/base/error.h"

/* A word of cp taken apart. */
struct cp_word {
	char *container;  /* the name before the colon, the caller's; NULL: the host, or a stream */
	const char *path; /* borrowed from the word */
	int is_stream;	  /* "-" */
};

/* "-", "PATH", "CONTAINER:PATH"; what begins with '.' or '/' is a path of the host, whatever stands in
 * it. -EINVAL: without a path. */
int cp_word_parse(const char *word, struct cp_word *ret, struct error *err) must_check;
void cp_word_done(struct cp_word *w);

#endif
