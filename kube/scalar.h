/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scalar - what a plain YAML scalar is to Kubernetes, and what must be quoted when written.
 */
#ifndef PODIUM_KUBE_SCALAR_H
#define PODIUM_KUBE_SCALAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum scalar_kind { SCALAR_STRING, SCALAR_NULL, SCALAR_BOOL, SCALAR_INT, SCALAR_FLOAT };

struct scalar {
	enum scalar_kind kind;
	bool boolean;
	int64_t integer; /* INT; FLOAT with a whole value: that value, whole is set */
	bool whole;
	bool finite; /* FLOAT: a number that JSON can carry */
};

/* Resolves an unquoted, untagged scalar as kubectl does (YAML 1.1 with Go's numbers). */
void scalar_resolve(const char *text, size_t len, struct scalar *ret);

enum scalar_style { SCALAR_PLAIN, SCALAR_QUOTED, SCALAR_LITERAL };

/* How to write a string so that every reader (YAML 1.1, 1.2, kubectl) gets that string back. */
enum scalar_style scalar_style_for(const char *text, size_t len);

/* Length of the well-formed UTF-8 prefix of text (== len when all of it is). Surrogates, overlong
 * forms and NUL end it. */
size_t scalar_utf8_prefix(const char *text, size_t len);

#endif
