/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error - the one error value of the house: fixed size, on the caller's stack.
 *
 * Every function that can fail takes `struct error *err` last (never NULL), leaves it untouched on
 * success, and returns 0 (or a documented non-negative value) or -errno. Messages are lower case,
 * without a full stop, objects in single quotes, outermost object first.
 */
#ifndef PODIUM_BASE_ERROR_H
#define PODIUM_BASE_ERROR_H

#include <stddef.h>

#define must_check __attribute__((warn_unused_result))
/* Swallows the result of a must_check function on purpose (rule: with a comment why). */
#define error_ignore(expr) ((void)!(expr))
#define printf_like(f, a) __attribute__((format(printf, f, a)))

struct error {
	int code;       /* positive errno value; 0 when nothing was raised */
	char text[500]; /* always terminated */
};

/* Raises `code` (positive errno) with a formatted text. Returns -code. */
int error_set(struct error *err, int code, const char *fmt, ...) printf_like(3, 4);

/* Raises the current errno; appends ": <strerror>". Reads errno first. Returns -errno. */
int error_errno(struct error *err, const char *fmt, ...) printf_like(2, 3);

/* Puts "<formatted>: " before the text of an error already raised. Returns -err->code. */
int error_wrap(struct error *err, const char *fmt, ...) printf_like(2, 3);

#endif
