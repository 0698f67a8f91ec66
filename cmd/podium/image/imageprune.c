/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imageprune - removes the images that nobody needs.
 *
 * Theory of operation: candidates are chosen from one reading of the index, removed in one change of
 * it, which looks again at who uses them, and then the layers that nothing needs are collected.
 * What that frees is the sum of the layers that were in the index before and are not after it and
 * that no container needs.
 */
#include "cmd/podium/image/imageprune.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/image/imagefilter.h"
#include "engine/image/layers.h"

#define ANSWER_MAX 64

int prune_confirm(const char *warning, struct error *err)
{
	char answer[ANSWER_MAX];

	(void)fputs(warning, stdout);
	(void)fputs("Are you sure you want to continue? [y/N] ", stdout);
	(void)fflush(stdout);
	if (!fgets(answer, sizeof(answer), stdin))
		return error_set(err, EPIPE, "nobody answers: give --force to go on without asking");
	return *answer == 'y' || *answer == 'Y';
}

void image_prune_result_done(struct image_prune_result *r)
{
	strlist_done(&r->ids);
}

static int choose(const struct store *s, const struct image_list *l, bool all,
		  const struct strlist *filters, struct strlist *ret, struct error *err)
{
	struct image_filter *f = NULL;
	int r = imagefilter_check_prune(filters, err);

	if (r == 0)
		r = imagefilter_parse(s, l, filters, &f, err);
	for (size_t i = 0; r == 0 && i < l->n; i++) {
		if (!all && (l->v[i].names.n || has_image_children(l, &l->v[i])))
			continue;
		r = imagefilter_match(f, &l->v[i], err);
		if (r > 0)
			strlist_add(ret, l->v[i].id);
		r = r < 0 ? r : 0;
	}
	imagefilter_free(f);
	return r;
}

/* The sizes of the layers of the list that are gone now. */
static int64_t freed(const struct store *s, const struct image_list *before, const int64_t *sizes)
{
	cleanup_strlist struct strlist seen = { .v = NULL };
	int64_t bytes = 0;
	size_t at = 0;

	for (size_t i = 0; i < before->n; i++)
		for (size_t k = 0; k < before->v[i].layers.n; k++, at++) {
			const char *layer = before->v[i].layers.v[k];

			if (is_layer_complete(s, layer + sizeof("sha256:") - 1) ||
			    strlist_has(&seen, layer))
				continue;
			strlist_add(&seen, layer);
			bytes += sizes[at];
		}
	return bytes;
}

/* The size of every layer of every image, in the order of the list. The caller's. */
static int64_t *read_sizes(const struct store *s, const struct image_list *l)
{
	struct error scratch; /* a missing layer frees nothing */
	size_t n = 0, at = 0;
	int64_t *sizes;

	for (size_t i = 0; i < l->n; i++)
		n += l->v[i].layers.n;
	sizes = xcalloc(n + 1, sizeof(*sizes));
	for (size_t i = 0; i < l->n; i++)
		for (size_t k = 0; k < l->v[i].layers.n; k++, at++)
			if (layer_size(s, l->v[i].layers.v[k] + sizeof("sha256:") - 1, &sizes[at],
				       &scratch) < 0)
				sizes[at] = 0;
	return sizes;
}

int imageprune_run(const struct store *s, bool all, const struct strlist *filters,
		   struct image_prune_result *ret, struct error *err)
{
	cleanup_image_list struct image_list l = { .v = NULL };
	cleanup_strlist struct strlist chosen = { .v = NULL };
	cleanup_free int64_t *sizes = NULL;
	struct image_removal gone;
	int r = image_list(s, &l, err);

	*ret = (struct image_prune_result){ .bytes = 0 };
	if (r == 0)
		r = choose(s, &l, all, filters, &chosen, err);
	if (r < 0)
		return r;
	sizes = read_sizes(s, &l);
	r = image_prune(s, &chosen, &gone, err);
	if (r == 0)
		strlist_copy(&ret->ids, &gone.deleted);
	image_removal_done(&gone);
	if (r == 0)
		r = image_collect(s, err);
	if (r == 0)
		ret->bytes = freed(s, &l, sizes);
	return r;
}
