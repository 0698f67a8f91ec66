/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format - listings: one table of columns serves the human table, JSON and Go templates.
 *
 * A listing is a JSON array of objects with Podman's field names (jansson), plus a column plan for
 * the human form. --format is NULL or "" (table), "json", a Go template over each object, or
 * "table TEMPLATE" (aligned, with headers); a template that begins with "{{range ." is expanded
 * once over the whole array. Where people see another text than JSON does ({{.Created}} "2 minutes
 * ago"), the object has a member TEMPLATE_TEXTS (template.h) with those texts. Text for a terminal
 * goes through str_printable().
 */
#ifndef PODIUM_CMD_FORMAT_H
#define PODIUM_CMD_FORMAT_H

#include <jansson.h>
#include <stdbool.h>

#include "engine/base/error.h"

struct format_column {
	const char *header; /* "CONTAINER ID" */
	const char *field;  /* member of the row object that holds the text to show */
};

/* Prints rows (array of objects). columns end with a NULL header; they also name the headers of a
 * "table" template. */
int format_list(const json_t *rows, const struct format_column *columns, const char *format,
		bool no_heading, struct error *err) must_check;

/* The same, but "{{json .}}" is a line for each row: where Podman has it so. */
int format_rows(const json_t *rows, const struct format_column *columns, const char *format,
		bool no_heading, struct error *err) must_check;

/* Prints one object by template, or as indented JSON when format is NULL or "json". Arrays are
 * printed element by element for a template. */
int format_object(const json_t *object, const char *format, struct error *err) must_check;

/* Expands a Go template over one value. The caller owns *ret. */
int format_template(const char *text, const json_t *value, char **ret,
		    struct error *err) must_check;

/* Whether --format asks for JSON: "json" or "{{json .}}". */
bool is_format_json(const char *format);
/* Whether nothing but the texts of the columns is needed: no --format was given. */
bool is_format_table(const char *format);
/* Prints one line of text and a newline, safe for a terminal. */
void format_print_line(const char *text);
/* The same without a line end; len bytes. */
void format_print_text(const char *text, size_t len);

#endif
