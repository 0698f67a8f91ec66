/* SPDX-License-Identifier: Apache-2.0 */
/*
 * toml_scan - the bytes of a TOML text: blanks, comments, keys, strings and bare values.
 *
 * What toml.c is made of; nobody else needs it.
 */
#ifndef PODIUM_IMAGE_TOML_SCAN_H
#define PODIUM_IMAGE_TOML_SCAN_H

#include "engine/image/toml.h"

struct toml_scan {
	const char *what; /* the file, for messages */
	const char *p;	  /* the next byte */
	const char *end;  /* where a NUL stands */
	const char *line_start;
	int line; /* from 1 */
};

/* Raises "what:line:column: ..." for the place where s stands. */
int toml_fail(const struct toml_scan *s, struct error *err, const char *fmt, ...) printf_like(3, 4);
/* Column of the next byte, from 1. */
int toml_column(const struct toml_scan *s);

/* The whole text is UTF-8 without control characters but tab, line feed and carriage return before
 * line feed: so nothing else has to look at that. */
int toml_check_bytes(const struct toml_scan *s, struct error *err) must_check;

void toml_skip_blanks(struct toml_scan *s);
/* Blanks, comments and line ends. */
void toml_skip_lines(struct toml_scan *s);
/* Blanks, a comment, and then the end of the line or of the text: or an error. */
int toml_end_line(struct toml_scan *s, struct error *err) must_check;
/* Takes the byte c if it is next. */
bool toml_take(struct toml_scan *s, char c);

/* One part of a key: bare or quoted. *ret is the caller's. */
int toml_key(struct toml_scan *s, char **ret, struct error *err) must_check;
/* A string of any of the four kinds; s stands at its quote. *ret is the caller's. */
int toml_string(struct toml_scan *s, char **ret, struct error *err) must_check;
/* A boolean, number or date into node: type and value. */
int toml_bare(struct toml_scan *s, struct toml *node, struct error *err) must_check;

#endif
