/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubewords - which objects are meant.
 *
 * Theory of operation: kubectl's two forms. Either a kind (or several, or "all") and names that all
 * of them are looked up for, or a KIND/NAME for every argument; the two are not mixed.
 */
#include "cmd/podium/kube/kubewords.h"

#include <errno.h>
#include <string.h>

#include "cmd/podium/base/command.h"
#include "engine/base/mem.h"

static struct kube_wanted *add_kind(struct kube_words *w, const struct kube_kind_row *row)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->v[i].row == row)
			return &w->v[i];
	w->v = xreallocarray(w->v, w->n + 1, sizeof(*w->v));
	w->v[w->n] = (struct kube_wanted){ .row = row };
	return &w->v[w->n++];
}

/* "pods", "pods,cm", "all". */
static int parse_kinds(struct kube_words *w, const char *text, struct error *err)
{
	while (*text) {
		size_t len = strcspn(text, ",");
		cleanup_free char *word = xstrndup(text, len);
		const struct kube_kind_row *row;
		bool all = is_equal(word, "all");
		int r = all ? 0 : kube_kind_parse(word, &row, err);

		if (r < 0)
			return r;
		if (!all)
			(void)add_kind(w, row);
		for (row = kube_kind_rows; all && row->plural; row++)
			if (row->in_all)
				(void)add_kind(w, row);
		text += len + (text[len] == ',');
	}
	return w->n ? 0 : error_set(err, EINVAL, "you must name a kind: pods, configmaps, ...");
}

int kube_words_parse(int argc, char **argv, struct kube_words *w, struct error *err)
{
	int r;

	*w = (struct kube_words){ 0 };
	w->slashed = strchr(argv[0], '/') != NULL;
	for (int i = 0; w->slashed && i < argc; i++) {
		const char *slash = strchr(argv[i], '/');
		cleanup_free char *word =
			slash ? xstrndup(argv[i], (size_t)(slash - argv[i])) : NULL;
		const struct kube_kind_row *row;

		if (!slash)
			return error_set(err, EINVAL,
					 "'%.100s': with KIND/NAME every argument must be one",
					 argv[i]);
		r = kube_kind_parse(word, &row, err);
		if (r < 0)
			return r;
		strlist_add(&add_kind(w, row)->names, slash + 1);
	}
	if (w->slashed)
		return 0;
	r = parse_kinds(w, argv[0], err);
	for (size_t k = 0; r == 0 && k < w->n; k++)
		for (int i = 1; i < argc; i++)
			strlist_add(&w->v[k].names, argv[i]);
	return r;
}

void kube_words_done(struct kube_words *w)
{
	for (size_t i = 0; i < w->n; i++)
		strlist_done(&w->v[i].names);
	free(w->v);
	*w = (struct kube_words){ 0 };
}

size_t kube_words_tell_missing(const struct kube_wanted *w, const struct kube_look *look)
{
	size_t missing = 0;

	for (size_t i = 0; i < w->names.n; i++) {
		struct error err;

		if (strlist_has(&look->found, w->names.v[i]))
			continue;
		if (w->row->namespaced)
			(void)error_set(&err, ENOENT, "no %s '%.253s' in namespace '%.63s'",
					w->row->singular, w->names.v[i], look->namespace_);
		else
			(void)error_set(&err, ENOENT, "no %s '%.253s'", w->row->singular,
					w->names.v[i]);
		command_print_error(&err);
		missing++;
	}
	return missing;
}
