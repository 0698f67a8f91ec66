/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubetable - kubectl's tables.
 *
 * Theory of operation: cells are collected as text and printed at the end, when the widths are
 * known. Nothing is padded behind the last column. A cell is made harmless for a terminal, and a
 * line break in it is shown as a blank: it would break the table.
 */
#include "cmd/podium/kube/kubetable.h"

#include <stdio.h>
#include <string.h>

#include "kube/podstatus.h"

#define GAP	      3
#define NS_PER_SECOND INT64_C(1000000000)
#define CELL_MAX      4096

void kube_table_begin(struct kube_table *t, const char *const *headers)
{
	*t = (struct kube_table){ 0 };
	for (; headers[t->columns]; t->columns++)
		strlist_add(&t->cells, headers[t->columns]);
}

void kube_table_add(struct kube_table *t, const char *text)
{
	char *safe = is_empty(text) ? xstrdup("<none>") : str_printable(text, strlen(text));

	for (char *p = safe; *p; p++)
		if (*p == '\n' || *p == '\t')
			*p = ' ';
	strlist_take(&t->cells, safe);
}

void kube_table_addf(struct kube_table *t, const char *fmt, ...)
{
	char text[CELL_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	kube_table_add(t, text);
}

void kube_table_add_age(struct kube_table *t, int64_t then_ns, int64_t now_ns)
{
	char text[32] = "<unknown>";

	if (then_ns)
		kube_age((now_ns - then_ns) / NS_PER_SECOND, text, sizeof(text));
	kube_table_add(t, text);
}

/* Characters, not bytes. */
static size_t width_of(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* Prints the cells from `first` on; those from `counted` on make the widths. */
static void print_cells(const struct kube_table *t, size_t counted, size_t first,
			unsigned int indent)
{
	cleanup_free size_t *width = xcalloc(t->columns + 1, sizeof(*width));

	for (size_t i = counted; i < t->cells.n; i++) {
		size_t w = width_of(t->cells.v[i]);
		size_t *max = &width[i % t->columns];

		*max = w > *max ? w : *max;
	}
	for (size_t i = first; i < t->cells.n; i++) {
		size_t column = i % t->columns;
		size_t pad = width[column] + GAP - width_of(t->cells.v[i]);

		if (column == 0)
			printf("%*s", (int)indent, "");
		if (column + 1 == t->columns)
			printf("%s\n", t->cells.v[i]);
		else
			printf("%s%*s", t->cells.v[i], (int)pad, "");
	}
}

void kube_table_print(const struct kube_table *t, bool with_headers, unsigned int indent)
{
	size_t first = with_headers ? 0 : t->columns;

	print_cells(t, first, first, indent);
}

void kube_table_print_from(const struct kube_table *t, size_t row, unsigned int indent)
{
	print_cells(t, 0, row * t->columns, indent);
}

void kube_table_done(struct kube_table *t)
{
	strlist_done(&t->cells);
}
