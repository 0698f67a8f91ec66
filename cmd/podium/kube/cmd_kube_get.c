/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube get - pods and the objects beside them, as kubectl lists them.
 *
 * Theory of operation: the words say which kinds and which names (KIND NAME..., KIND/NAME...,
 * KIND,KIND, all); each kind is looked at once by its row of kubekind.c, and printed as a table, as
 * names, or as documents. A name that is not there is told after what is there, and the exit code
 * is 1.
 *
 * --watch looks again and again (there is no server that would tell): what it prints first is the
 * table, then every row that has changed since (kubewatch.c). Ages do not count as a change.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/base/commands.h"
#include "cmd/podium/kube/kubewatch.h"
#include "cmd/podium/kube/kubewords.h"
#include "engine/base/clock.h"
#include "engine/base/mem.h"

struct get_options {
	const char *namespace_;
	bool all_namespaces;
	bool no_headers;
	bool watch;
	const char *selector;
	const char *output;
};
#define O(m) offsetof(struct get_options, m)

struct get {
	struct command_context *ctx;
	const struct get_options *o;
	enum kube_form form;
	struct selector selector;
	struct kube_words words;
	struct kube_out out;
	struct strlist printed;
	size_t tables; /* printed so far */
	bool missing;
};

/* ---- options ---------------------------------------------------------------------------- */

static int parse_form(const char *text, enum kube_form *ret, struct error *err)
{
	static const char *const forms[] = { "", "wide", "yaml", "json", "name" };

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (strcmp(text ? text : "", forms[i]) == 0) {
			*ret = (enum kube_form)i;
			return 0;
		}
	return error_set(err, EINVAL, "output '%.60s' is not known: wide, yaml, json or name",
			 text);
}

static int check(const struct get *g, int argc, struct error *err)
{
	bool named = argc > 1 || g->words.slashed;

	if (named && g->o->all_namespaces)
		return error_set(err, EINVAL,
				 "a name cannot be looked for in all namespaces: use -n");
	if (named && g->selector.n)
		return error_set(err, EINVAL, "names and --selector exclude each other");
	return 0;
}

/* ---- looking ---------------------------------------------------------------------------- */

#define HEADERS_MAX 32

/* headers has room for HEADERS_MAX. */
static void make_headers(const struct kube_look *look, const struct kube_kind_row *row,
			 const char **headers)
{
	size_t n = 0;

	if (look->show_namespace)
		headers[n++] = "NAMESPACE";
	if (row->kind >= 0)
		headers[n++] = "NAME";
	for (size_t i = 0; row->headers[i]; i++)
		headers[n++] = row->headers[i];
	for (size_t i = 0; look->form == FORM_WIDE && row->wide && row->wide[i]; i++)
		headers[n++] = row->wide[i];
	headers[n] = NULL;
}

static struct kube_look make_look(struct get *g, const struct kube_wanted *w)
{
	struct kube_look look = { .store = &g->ctx->store,
				  .names = &w->names,
				  .selector = &g->selector,
				  .form = g->form,
				  .now_ns = clock_wall_ns(),
				  .prefixed = g->words.n > 1,
				  .show_namespace = g->o->all_namespaces && w->row->namespaced,
				  .out = &g->out,
				  .printed = &g->printed };

	if (w->row->namespaced && !g->o->all_namespaces)
		look.namespace_ = namespace_of(g->o->namespace_);
	return look;
}

static int look_at(struct get *g, const struct kube_wanted *w, struct error *err)
{
	struct kube_look look = make_look(g, w);
	const char *headers[HEADERS_MAX];
	int r;

	make_headers(&look, w->row, headers);
	kube_table_begin(&look.table, headers);
	r = w->row->list(&look, w->row, err);
	if (r == 0 && look.table.cells.n > look.table.columns) {
		if (g->tables++ && !g->o->no_headers)
			printf("\n");
		kube_table_print(&look.table, !g->o->no_headers, 0);
	}
	if (r == 0) {
		(void)fflush(stdout);
		g->missing |= kube_words_tell_missing(w, &look) > 0;
	}
	kube_table_done(&look.table);
	strlist_done(&look.found);
	return r;
}

static void tell_none(const struct get *g)
{
	bool namespaced = false;

	for (size_t i = 0; i < g->words.n; i++)
		namespaced |= g->words.v[i].row->namespaced;
	if (g->o->all_namespaces || !namespaced)
		(void)fputs("No resources found\n", stderr);
	else
		(void)fprintf(stderr, "No resources found in %s namespace.\n",
			      namespace_of(g->o->namespace_));
}

static int print_all(struct get *g, struct error *err)
{
	bool one = g->words.n == 1 && g->words.v[0].names.n == 1;
	int r = 0;

	for (size_t i = 0; i < g->words.n && r == 0; i++)
		r = look_at(g, &g->words.v[i], err);
	if (r == 0 && is_form_document(g->form) && (g->out.items->n || !one))
		r = kube_out_print(&g->out, !one, g->form == FORM_JSON, err);
	for (size_t i = 0; i < g->printed.n; i++)
		printf("%s\n", g->printed.v[i]);
	if (r == 0 && !g->tables && !g->printed.n && !g->missing && !is_form_document(g->form))
		tell_none(g);
	return r < 0 ? r : g->missing;
}

static int watch(struct get *g, struct error *err)
{
	struct kube_look look;
	const char *headers[HEADERS_MAX];

	if (g->words.n != 1 || g->words.v[0].row->kind < 0 ||
	    (g->form != FORM_TABLE && g->form != FORM_WIDE))
		return error_set(err, EINVAL,
				 "--watch is for the table of one kind, and not for events");
	look = make_look(g, &g->words.v[0]);
	make_headers(&look, g->words.v[0].row, headers);
	return kube_watch(&look, g->words.v[0].row, headers, !g->o->no_headers, err);
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	struct get g = { .ctx = ctx, .o = options };
	int r = parse_form(g.o->output, &g.form, err);

	kube_out_begin(&g.out);
	if (r == 0)
		r = kube_words_parse(argc, argv, &g.words, err);
	if (r == 0)
		r = selector_parse(g.o->selector, &g.selector, err);
	if (r == 0)
		r = check(&g, argc, err);
	if (r == 0)
		r = g.o->watch ? watch(&g, err) : print_all(&g, err);
	kube_words_done(&g.words);
	selector_done(&g.selector);
	strlist_done(&g.printed);
	kube_out_done(&g.out);
	return r;
}

static const struct option get_options_table[] = {
	{ 'A', "all-namespaces", OPTION_BOOL, O(all_namespaces), NULL, "Of every namespace",
	  false },
	{ 'n', "namespace", OPTION_STRING, O(namespace_), "name",
	  "Of this namespace (default \"default\")", false },
	{ 0, "no-headers", OPTION_BOOL, O(no_headers), NULL, "No line of headers", false },
	{ 'o', "output", OPTION_STRING, O(output), "form", "wide, yaml, json or name", false },
	{ 'l', "selector", OPTION_STRING, O(selector), "labels",
	  "Only what has these labels: a=b, a!=b, a, !a, 'a in (b,c)'", false },
	{ 'w', "watch", OPTION_BOOL, O(watch), NULL,
	  "Go on, and print each row again when it changes", false },
	OPTIONS_END,
};

const struct command cmd_kube_get = {
	.words = "kube get",
	.args = "[options] KIND [NAME...] | KIND/NAME...",
	.summary = "List pods and other objects as kubectl does",
	.details = "  Exits with 1 when a name is not there.",
	.options = get_options_table,
	.options_size = sizeof(struct get_options),
	.min_args = 1,
	.max_args = -1,
	.store = COMMAND_READS,
	.run = run,
};
