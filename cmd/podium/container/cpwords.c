/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpwords - takes "CONTAINER:PATH" apart.
 *
 * Theory of operation: Podman's rule, to the letter, since scripts rely on it: a word that begins with
 * '.' or '/' is of the host; else the first colon ends the container's name; without a colon it is
 * of the host. No pattern is expanded here or anywhere else.
 */
#include "cmd/podium/container/cpwords.h"

#include <errno.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"

int cp_word_parse(const char *word, struct cp_word *ret, struct error *err)
{
	const char *colon = *word == '.' || *word == '/' ? NULL : strchr(word, ':');

	*ret = (struct cp_word){ .path = word };
	if (is_equal(word, "-")) {
		ret->is_stream = 1;
		return 0;
	}
	if (colon && colon != word) {
		ret->container = xstrndup(word, (size_t)(colon - word));
		ret->path = colon + 1;
	}
	if (*ret->path)
		return 0;
	cp_word_done(ret);
	return error_set(err, EINVAL, "invalid argument \"%.200s\": you must specify a path", word);
}

void cp_word_done(struct cp_word *w)
{
	free(w->container);
	w->container = NULL;
}
