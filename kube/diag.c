/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diag - what is wrong with a manifest.
 *
 * Theory of operation: nothing in kube/ stops at the first mistake. Readers and rules add to a list
 * and go on; the caller looks at the count of errors at the end, so that a person sees all of them
 * at once. Each entry has the file, line and column, the path of the field, and what is wrong.
 *
 * A reader that has the node at hand gives its place. A rule that runs on the typed objects later
 * gives the path only, and the place is found by walking the path in the tree, as deep as it goes:
 * for a missing field that is the object which misses it.
 *
 * Texts may quote the manifest; kube_diag_format() makes them fit for a terminal. At most
 * KUBE_MAX_DIAGS entries are kept, the rest is counted.
 */
#include "kube/diag.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/str.h"

#define MAX_NAME 64 /* longest name that a nearest one is searched for */

void kube_diags_done(struct kube_diags *diags)
{
	for (size_t i = 0; i < diags->n; i++) {
		free(diags->v[i].file);
		free(diags->v[i].path);
		free(diags->v[i].text);
	}
	free(diags->v);
	memset(diags, 0, sizeof(*diags));
}

static bool is_after(const struct kube_diag *a, const struct kube_diag *b)
{
	return a->line != b->line ? a->line > b->line : a->column > b->column;
}

void kube_diags_sort(struct kube_diags *diags, size_t first)
{
	for (size_t i = first + 1; i < diags->n; i++) {
		struct kube_diag moving = diags->v[i];
		size_t at = i;

		for (; at > first && is_after(&diags->v[at - 1], &moving); at--)
			diags->v[at] = diags->v[at - 1];
		diags->v[at] = moving;
	}
}

char *kube_diag_format(const struct kube_diag *d)
{
	struct buf b = BUF_INIT((size_t)64 * 1024);
	cleanup_free char *text = NULL;
	char *printable;

	buf_adds(&b, d->file);
	if (d->line > 0)
		buf_printf(&b, ":%d:%d", d->line, d->column);
	if (!is_empty(d->path))
		buf_printf(&b, ": %s", d->path);
	buf_printf(&b, ": %s", d->text);
	text = buf_steal(&b);
	printable = str_printable(text, strlen(text));
	return printable;
}

static void __attribute__((format(printf, 5, 0)))
add(const struct diag_sink *sink, enum kube_severity severity, struct doc_place place,
    const char *path, const char *fmt, va_list args)
{
	struct kube_diags *list = sink->list;
	struct buf text = BUF_INIT(2048);
	char line[1536];
	struct kube_diag *d;

	list->errors += severity == KUBE_ERROR;
	if (list->n == KUBE_MAX_DIAGS) {
		list->dropped++;
		return;
	}
	(void)vsnprintf(line, sizeof(line), fmt, args);
	buf_adds(&text, line);
	list->v = xreallocarray(list->v, list->n + 1, sizeof(*list->v));
	d = &list->v[list->n++];
	memset(d, 0, sizeof(*d));
	d->file = xstrdup(sink->file);
	d->line = place.line;
	d->column = place.column;
	d->path = xasprintf("%s%s%s", sink->prefix ? sink->prefix : "",
			    !is_empty(sink->prefix) && !is_empty(path) ? "." : "", path);
	d->severity = severity;
	d->text = buf_steal(&text);
}

void diag_add(const struct diag_sink *sink, enum kube_severity severity, struct doc_place place,
	      const char *path, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(sink, severity, place, path, fmt, args);
	va_end(args);
}

static struct doc_place find_place(const struct diag_sink *sink, const char *path)
{
	if (!sink->root || sink->list->n == KUBE_MAX_DIAGS) /* it would be dropped anyway */
		return (struct doc_place){ 0 };
	return node_at(sink->root, path)->place;
}

void diag_error(const struct diag_sink *sink, const char *path, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(sink, KUBE_ERROR, find_place(sink, path), path, fmt, args);
	va_end(args);
}

void diag_unsupported(const struct diag_sink *sink, const char *path, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(sink, sink->strict ? KUBE_ERROR : KUBE_WARNING, find_place(sink, path), path, fmt,
	    args);
	va_end(args);
}

void diag_warning(const struct diag_sink *sink, const char *path, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(sink, KUBE_WARNING, find_place(sink, path), path, fmt, args);
	va_end(args);
}

/* ---- paths ------------------------------------------------------------------------------------
 */

static size_t append(struct diag_path *p, const char *text)
{
	size_t before = p->len, room = sizeof(p->text) - 1 - p->len;
	size_t len = strlen(text) < room ? strlen(text) : room;

	memcpy(p->text + p->len, text, len);
	p->len += len;
	p->text[p->len] = '\0';
	return before;
}

size_t path_field(struct diag_path *p, const char *name)
{
	size_t before = p->len;

	if (before)
		(void)append(p, ".");
	(void)append(p, name);
	return before;
}

size_t path_index(struct diag_path *p, size_t index)
{
	char text[32] = { '[', (char)('0' + index % 10), ']' };

	/* Most have one digit, and each element of a document comes through here. */
	if (index > 9)
		(void)snprintf(text, sizeof(text), "[%zu]", index);
	return append(p, text);
}

size_t path_key(struct diag_path *p, const char *key)
{
	size_t before = append(p, "[");

	(void)append(p, key);
	(void)append(p, "]");
	return before;
}

void path_cut(struct diag_path *p, size_t len)
{
	p->len = len;
	p->text[len] = '\0';
}

/* ---- the nearest name -------------------------------------------------------------------------
 */

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Steps (insert, delete, change, swap neighbours) between two names, case apart counting nothing.
 */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int rows[3][MAX_NAME + 1];
	size_t la = strlen(a), lb = strlen(b);

	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned int *now = rows[i % 3], *last = rows[(i + 2) % 3];
		unsigned int *before = rows[(i + 1) % 3];

		now[0] = (unsigned int)i;
		for (size_t j = 1; j <= lb; j++) {
			int ca = tolower((unsigned char)a[i - 1]);
			int cb = tolower((unsigned char)b[j - 1]);

			now[j] = least(least(now[j - 1], last[j]) + 1, last[j - 1] + (ca != cb));
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
			    cb == tolower((unsigned char)a[i - 2]))
				now[j] = least(now[j], before[j - 2] + 1);
		}
	}
	return rows[la % 3][lb];
}

const char *nearest_name(const char *name, const char *const *candidates, size_t n)
{
	size_t len = strlen(name);
	unsigned int best = len <= 4 ? 2 : 3; /* this far is not near any more */
	const char *found = NULL;

	if (len < 2 || len > MAX_NAME)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		unsigned int d;

		if (strlen(candidates[i]) > MAX_NAME)
			continue;
		d = distance(name, candidates[i]);
		if (d < best) {
			best = d;
			found = candidates[i];
		}
	}
	return found;
}
