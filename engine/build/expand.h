/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expand - variables in the words of a Containerfile.
 *
 *	$NAME ${NAME} ${NAME:-word} ${NAME-word} ${NAME:+word} ${NAME+word} ${NAME:?text} ${NAME?text}
 *
 * 'text' is left alone, in "text" variables count, the escape character takes a character's meaning.
 * An unset variable is the empty text.
 */
#ifndef PODIUM_BUILD_EXPAND_H
#define PODIUM_BUILD_EXPAND_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/base/str.h"

#define EXPAND_BYTES_MAX (1024 * 1024)	    /* of one result */
#define EXPAND_DEPTH_MAX 32		    /* ${A:-${B:-...}} */
#define EXPAND_TOTAL_MAX (64 * 1024 * 1024) /* of all results of a build */

/* Looks a variable up: its value, borrowed until the next call, or NULL when it is not set. */
typedef const char *expand_lookup(void *arg, const char *name);

struct expand {
	char escape;
	expand_lookup *lookup;
	void *arg;
	bool keeps_quotes; /* heredocs: quotes are text like any other */
	size_t *left;	   /* bytes that all results to come may have, counted down; NULL: any */
};
/* One word to one word: quotes and escapes are taken away. *ret is the caller's. */
int expand_word(const struct expand *x, const char *word, char **ret, struct error *err) must_check;
/* One text to words: blanks outside quotes split, also those that came out of a variable. */
int expand_words(const struct expand *x, const char *text, struct strlist *ret,
		 struct error *err) must_check;

#endif
