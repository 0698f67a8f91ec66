/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubewatch - kube get --watch.
 *
 * Theory of operation: there is no server that would tell of changes, so the objects are listed
 * again and again, a small file a container each time. Each look lists twice: once with the time,
 * for people, and once with the clock standing at zero, so that two rows differ only when something
 * happened, not because they grew older. A row that was not seen before, or differs, is printed.
 *
 * What was printed last is kept by name; the widest cells are kept too, so that columns stay.
 */
#include "cmd/podium/kube/kubewatch.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"

#define LOOK_US 500000
#define ROW_MAX 65536
#define BETWEEN '\x1f'

struct watch {
	const struct kube_look *look;
	const struct kube_kind_row *row;
	const char *const *headers;
	struct kube_table out; /* the headers, the widest cells, then what is to be printed */
	struct pairlist seen;  /* name to row */
};

static int list(const struct watch *w, int64_t now_ns, struct kube_table *ret, struct error *err)
{
	struct kube_look look = *w->look;
	int r;

	look.now_ns = now_ns;
	kube_table_begin(&look.table, w->headers);
	r = w->row->list(&look, w->row, err);
	*ret = look.table;
	strlist_done(&look.found);
	return r;
}

/* Cells [from, from + n) in one text; the caller owns it. */
static char *join(const struct kube_table *t, size_t from, size_t n)
{
	struct buf b = BUF_INIT(ROW_MAX);

	for (size_t i = 0; i < n; i++) {
		buf_adds(&b, t->cells.v[from + i]);
		buf_addc(&b, BETWEEN);
	}
	return buf_steal(&b);
}

/* Adds to w->out what is new or differs. */
static void compare(struct watch *w, const struct kube_table *now, const struct kube_table *still)
{
	size_t name_cells = w->look->show_namespace ? 2 : 1;

	for (size_t at = now->columns; at < now->cells.n; at += now->columns) {
		cleanup_free char *name = join(still, at, name_cells);
		cleanup_free char *text = join(still, at, still->columns);

		if (is_equal(pairlist_get(&w->seen, name), text))
			continue;
		pairlist_set(&w->seen, name, text);
		for (size_t i = 0; i < now->columns; i++)
			strlist_add(&w->out.cells, now->cells.v[at + i]);
	}
}

/* Of the rows behind the headers one is left, made of the widest cells. */
static void keep_widest(struct kube_table *t)
{
	struct strlist kept = { 0 };

	for (size_t i = 0; i < t->columns; i++)
		strlist_add(&kept, t->cells.v[i]);
	for (size_t i = 0; i < t->columns; i++) {
		const char *widest = "";

		for (size_t k = t->columns + i; k < t->cells.n; k += t->columns)
			widest = strlen(t->cells.v[k]) > strlen(widest) ? t->cells.v[k] : widest;
		strlist_add(&kept, widest);
	}
	strlist_done(&t->cells);
	t->cells = kept;
}

static int look_once(struct watch *w, struct error *err)
{
	struct kube_table now = { 0 }, still = { 0 };
	int r = list(w, clock_wall_ns(), &now, err);

	if (r == 0)
		r = list(w, 0, &still, err);
	/* Something came or went between the two: the next look sees it. */
	if (r == 0 && now.cells.n == still.cells.n)
		compare(w, &now, &still);
	kube_table_done(&now);
	kube_table_done(&still);
	return r;
}

int kube_watch(const struct kube_look *look, const struct kube_kind_row *row,
	       const char *const *headers, bool with_headers, struct error *err)
{
	struct watch w = { .look = look, .row = row, .headers = headers };
	size_t printed = with_headers ? 0 : 1; /* rows */
	int r;

	kube_table_begin(&w.out, headers);
	while ((r = look_once(&w, err)) == 0) {
		if (w.out.cells.n > w.out.columns * (printed ? printed : 1)) {
			kube_table_print_from(&w.out, printed, 0);
			keep_widest(&w.out);
			printed = 2;
		}
		if (fflush(stdout) != 0)
			break;
		(void)usleep(LOOK_US);
	}
	kube_table_done(&w.out);
	pairlist_done(&w.seen);
	return r;
}
