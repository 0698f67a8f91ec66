/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format - prints listings and objects as tables, JSON or by a Go template.
 *
 * Theory of operation: output is gathered in one buffer and handed to stdout at the end, so that a
 * template that fails at the tenth row prints nothing by halves. Tables are aligned as Podman's
 * are: a column is as wide as its widest cell plus two, at least twelve; the last one is not
 * padded. In a "table" template blanks between the actions part the columns; "\t" and "\n" written
 * with a backslash outside of actions are tab and newline.
 *
 * On a terminal every text passes str_printable(): names, labels, commands and log lines are what
 * others wrote. In a table cell newline and tab are shown as escapes wherever they go, because they
 * would break the table.
 */
#include "cmd/podium/base/format.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/podium/base/template.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"

#define COLUMN_MIN_WIDTH 12
#define COLUMN_GAP	 2
#define LIST_INDENT	 2
#define OBJECT_INDENT	 5

void format_print_text(const char *text, size_t len)
{
	bool is_safe = !isatty(STDOUT_FILENO) || WEAKEN("TTY-1");
	cleanup_free char *safe = is_safe ? NULL : str_printable(text, len);

	if (safe)
		(void)fputs(safe, stdout);
	else
		(void)fwrite(text, 1, len, stdout);
}

void format_print_line(const char *text)
{
	format_print_text(text, strlen(text));
	(void)putchar('\n');
}

static void print_buf(const struct buf *b)
{
	if (b->len)
		format_print_text(b->data, b->len);
}

bool is_format_table(const char *format)
{
	return is_empty(format);
}

bool is_format_json(const char *format)
{
	static const char *const words[] = { "{{", "json", ".", "}}" };

	if (is_equal(format, "json"))
		return true;
	for (size_t i = 0; format && i < ARRAY_SIZE(words); i++) {
		format += strspn(format, " \t");
		if (strcmp(words[i], ".") == 0 && *format == '}')
			continue;
		if (!is_prefix(format, words[i]))
			return false;
		format += strlen(words[i]);
	}
	return format && !format[strspn(format, " \t")];
}

static void print_json(const json_t *v, int indent)
{
	cleanup_json json_t *plain = template_without_texts(v);
	cleanup_free char *text = jdump_text(plain, indent);

	format_print_line(text);
}

/* ---- tables ----------------------------------------------------------------------------- */

/* Rows of cells; every row has n_columns of them. */
struct grid {
	size_t n_columns;
	struct strlist cells;
};

static void add_cell(struct grid *g, const char *text, size_t len)
{
	cleanup_buf struct buf b = BUF_INIT(TEMPLATE_MAX_OUTPUT);

	if (!memchr(text, '\n', len) && !memchr(text, '\t', len)) {
		strlist_take(&g->cells, xstrndup(text, len));
		return;
	}
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n' || text[i] == '\t')
			buf_adds(&b, text[i] == '\n' ? "\\n" : "\\t");
		else
			buf_addc(&b, text[i]);
	}
	strlist_take(&g->cells, buf_steal(&b));
}

static size_t width_of(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void make_cells_printable(struct grid *g)
{
	for (size_t i = 0; i < g->cells.n; i++) {
		char *safe = str_printable(g->cells.v[i], strlen(g->cells.v[i]));

		free(g->cells.v[i]);
		g->cells.v[i] = safe;
	}
}

static void print_grid(struct grid *g)
{
	cleanup_free size_t *width = xcalloc(g->n_columns + 1, sizeof(*width));

	if (isatty(STDOUT_FILENO))
		make_cells_printable(g);
	for (size_t i = 0; i < g->cells.n; i++) {
		size_t w = width_of(g->cells.v[i]) + COLUMN_GAP;
		size_t *max = &width[i % g->n_columns];

		*max = w > *max ? w : *max;
		*max = *max < COLUMN_MIN_WIDTH ? COLUMN_MIN_WIDTH : *max;
	}
	for (size_t i = 0; i < g->cells.n; i++) {
		size_t column = i % g->n_columns;
		const char *text = g->cells.v[i];

		(void)fputs(text, stdout);
		for (size_t n = width_of(text); column + 1 < g->n_columns && n < width[column]; n++)
			(void)putchar_unlocked(' ');
		if (column + 1 == g->n_columns)
			(void)putchar_unlocked('\n');
	}
}

static void add_member_cell(struct grid *g, const json_t *row, const char *field)
{
	cleanup_buf struct buf b = BUF_INIT(TEMPLATE_MAX_OUTPUT);
	const json_t *v = template_member(row, field);

	if (json_is_string(v)) {
		add_cell(g, json_string_value(v), json_string_length(v));
	} else if (json_is_integer(v)) {
		buf_printf(&b, "%lld", (long long)json_integer_value(v));
		add_cell(g, b.data, b.len);
	} else {
		add_cell(g, "", 0);
	}
}

static void print_columns(const json_t *rows, const struct format_column *columns, bool no_heading)
{
	struct grid g = { 0 };
	const json_t *row;
	size_t i;

	for (const struct format_column *c = columns; c->header; c++, g.n_columns++)
		if (!no_heading)
			add_cell(&g, c->header, strlen(c->header));
	json_array_foreach (rows, i, row) {
		for (const struct format_column *c = columns; c->header; c++)
			add_member_cell(&g, row, c->field);
	}
	print_grid(&g);
	strlist_done(&g.cells);
}

/* ---- templates -------------------------------------------------------------------------- */

/* Outside of actions: \t and \n become tab and newline; in tables a run of blanks is one tab. */
static char *normalise(const char *s, bool table)
{
	struct buf b = BUF_INIT(TEMPLATE_MAX_BYTES + 1);
	bool inside = false;

	while (*s) {
		if (is_prefix(s, "{{") || is_prefix(s, "}}")) {
			inside = *s == '{';
			buf_add(&b, s, 2);
			s += 2;
		} else if (!inside && s[0] == '\\' && (s[1] == 't' || s[1] == 'n')) {
			buf_addc(&b, s[1] == 't' ? '\t' : '\n');
			s += 2;
		} else if (!inside && table && *s == ' ') {
			s += strspn(s, " ");
			if (*s != '\t' && !is_prefix(s, "\\t") &&
			    (b.len == 0 || b.data[b.len - 1] != '\t'))
				buf_addc(&b, '\t');
		} else {
			buf_addc(&b, *s++);
		}
	}
	return buf_steal(&b);
}

/* "CreatedAt" -> "CREATED AT". */
static char *header_of(const char *field)
{
	struct buf b = BUF_INIT(TEMPLATE_MAX_BYTES);

	for (const char *p = field; *p; p++) {
		if (p > field && isupper((unsigned char)*p) && islower((unsigned char)p[-1]))
			buf_addc(&b, ' ');
		buf_addc(&b, (char)toupper((unsigned char)*p));
	}
	return buf_steal(&b);
}

/* An object that has for every field of the template its header. New reference. */
static json_t *make_header(const struct template *t, const struct format_column *columns)
{
	cleanup_strlist struct strlist fields = { 0 };
	json_t *header = json_object();

	template_fields(t, &fields);
	for (size_t i = 0; i < fields.n; i++) {
		cleanup_free char *text = header_of(fields.v[i]);
		const char *shown = text;

		for (const struct format_column *c = columns; c && c->header; c++)
			if (strcmp(c->field, fields.v[i]) == 0)
				shown = c->header;
		(void)json_object_set_new(header, fields.v[i], json_string(shown));
	}
	return header;
}

/* Splits one expanded row into cells. The first row tells how many there are; later ones are cut or
 * filled up. */
static void add_template_row(struct grid *g, const char *line)
{
	size_t n = 1, i = 0;

	for (const char *p = line; *p; p++)
		n += *p == '\t';
	if (!g->n_columns)
		g->n_columns = n;
	for (; i < g->n_columns; i++) {
		size_t len = i + 1 < g->n_columns ? strcspn(line, "\t") : strlen(line);

		add_cell(g, line, len);
		line += len;
		line += *line == '\t';
	}
}

static int print_table_template(const struct template *t, const json_t *rows,
				const struct format_column *columns, bool no_heading,
				struct error *err)
{
	cleanup_json json_t *header = no_heading ? NULL : make_header(t, columns);
	struct grid g = { 0 };
	struct error scratch; /* a header of a field's field has no text: then there is no header */
	const json_t *row;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i <= json_array_size(rows); i++) {
		cleanup_buf struct buf line = BUF_INIT(TEMPLATE_MAX_OUTPUT);

		if (i == 0 && (!header || template_run(t, header, &line, &scratch) < 0))
			continue;
		row = i ? json_array_get(rows, i - 1) : NULL;
		if (row)
			r = template_run(t, row, &line, err);
		if (r == 0)
			add_template_row(&g, line.data ? line.data : "");
	}
	if (r == 0 && g.n_columns)
		print_grid(&g);
	strlist_done(&g.cells);
	return r;
}

/* "{{range .}}": the user walks the list. */
static bool is_range_over_list(const char *text)
{
	static const char *const words[] = { "{{", "range", "." };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!is_prefix(text, words[i]))
			return false;
		text += strlen(words[i]);
		text += *text == '-' && i == 0;
		text += strspn(text, " ");
	}
	return is_prefix(text, "}}") || is_prefix(text, "-}}");
}

static int print_rows_template(const struct template *t, const json_t *rows, bool whole,
			       struct error *err)
{
	cleanup_buf struct buf out = BUF_INIT(TEMPLATE_MAX_OUTPUT);
	const json_t *row;
	size_t i;
	int r = 0;

	if (whole) {
		r = template_run(t, rows, &out, err);
		if (r == 0 && out.len && out.data[out.len - 1] != '\n')
			buf_addc(&out, '\n');
	} else {
		json_array_foreach (rows, i, row) {
			r = template_run(t, row, &out, err);
			if (r < 0)
				break;
			buf_addc(&out, '\n');
		}
	}
	if (r == 0)
		print_buf(&out);
	return r;
}

static int print_template(const json_t *rows, const struct format_column *columns,
			  const char *format, bool no_heading, struct error *err)
{
	bool table = is_prefix(format, "table ") || is_prefix(format, "table\\t") ||
		     is_prefix(format, "table\t");
	const char *body = format + (table ? strlen("table") : 0);
	cleanup_free char *text = NULL;
	struct template *t = NULL;
	int r;

	if (table)
		body += *body == '\\' ? 2 : strspn(body, " \t");
	if (strlen(body) > TEMPLATE_MAX_BYTES)
		return error_set(err, EINVAL, "template: longer than %d bytes", TEMPLATE_MAX_BYTES);
	text = normalise(body, table);
	r = template_parse(text, &t, err);
	if (r < 0)
		return r;
	r = table ? print_table_template(t, rows, columns, no_heading, err)
		  : print_rows_template(t, rows, is_range_over_list(text), err);
	template_free(t);
	return r;
}

/* ---- the ways in ------------------------------------------------------------------------ */

int format_list(const json_t *rows, const struct format_column *columns, const char *format,
		bool no_heading, struct error *err)
{
	if (is_format_json(format)) {
		print_json(rows, LIST_INDENT);
		return 0;
	}
	if (!is_format_table(format))
		return print_template(rows, columns, format, no_heading, err);
	print_columns(rows, columns, no_heading);
	return 0;
}

int format_rows(const json_t *rows, const struct format_column *columns, const char *format,
		bool no_heading, struct error *err)
{
	if (is_format_json(format) && !is_equal(format, "json"))
		return print_template(rows, columns, format, no_heading, err);
	return format_list(rows, columns, format, no_heading, err);
}

int format_object(const json_t *object, const char *format, struct error *err)
{
	cleanup_json json_t *rows = NULL;

	if (is_empty(format) || is_format_json(format)) {
		print_json(object, OBJECT_INDENT);
		return 0;
	}
	if (json_is_array(object))
		return print_template(object, NULL, format, false, err);
	rows = json_array();
	(void)json_array_append(rows, (json_t *)(uintptr_t)object);
	return print_template(rows, NULL, format, false, err);
}

int format_template(const char *text, const json_t *value, char **ret, struct error *err)
{
	struct buf out = BUF_INIT(TEMPLATE_MAX_OUTPUT);
	struct template *t = NULL;
	int r = template_parse(text, &t, err);

	if (r == 0)
		r = template_run(t, value, &out, err);
	template_free(t);
	if (r < 0) {
		buf_done(&out);
		return r;
	}
	*ret = buf_steal(&out);
	return 0;
}
