/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy_source - what a COPY names: patterns in a tree, heredocs, and what ADD brings.
 *
 * Theory of operation: a pattern is taken component by component. One without '*', '?', '[' or '\'
 * is a name; the others are compared with the names of the directory that the ones before led to.
 * So a pattern looks at the directories that it can match and at nothing else. Each match is then
 * resolved as a whole (tree.c): a source that is a link stands for what it leads to, inside the
 * tree. What the ignore file hides is not there, neither by its own name nor through a link.
 *
 * "**" is not special: it means what "*" means, as for Docker.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/build/copy.h"
#include "engine/build/ignore.h"
#include "engine/pod/spec.h"

#define MATCHES_MAX 1000000

void copy_items_done(struct copy_items *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].shown);
		free(l->v[i].name);
		free(l->v[i].path);
		free(l->v[i].data);
	}
	free(l->v);
	*l = (struct copy_items){ .v = NULL };
}

static bool has_meta(const char *s)
{
	return strpbrk(s, "*?[\\") != NULL;
}

static const struct ignore *ignore_of(const struct copier *c)
{
	return c->spec->contextfd >= 0 ? c->spec->ignore : NULL;
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* ---- patterns --------------------------------------------------------------------------- */

static char *join(const char *dir, const char *name)
{
	return *dir ? xasprintf("%s/%s", dir, name) : xstrdup(name);
}

/* Adds those names of one directory that match. */
static int match_names(const struct copier *c, const char *dir, const char *pattern,
		       struct strlist *ret, struct error *err)
{
	cleanup_tree_place struct tree_place p = { .fd = -EBADF };
	cleanup_strlist struct strlist names = { .v = NULL };
	int r = tree_find(c->sourcefd, dir, TREE_FOLLOW, &p, err);

	if (r < 0 || p.fd < 0 || !S_ISDIR(p.st.st_mode))
		return r == -ENOTDIR ? 0 : r;
	r = tree_list(p.fd, &names, err);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		int m = glob_match(pattern, names.v[i]);

		if (m < 0)
			return error_set(err, EINVAL, "malformed pattern '%.200s'", pattern);
		if (m && ret->n == MATCHES_MAX)
			return error_set(err, E2BIG, "a pattern with more than %d matches",
					 MATCHES_MAX);
		if (m)
			strlist_take(ret, join(dir, names.v[i]));
	}
	return r;
}

/* One more component for every path so far. */
static int extend(const struct copier *c, struct strlist *paths, const char *component,
		  struct error *err)
{
	struct strlist next = { .v = NULL };
	int r = 0;

	for (size_t i = 0; r == 0 && i < paths->n; i++) {
		if (has_meta(component))
			r = match_names(c, paths->v[i], component, &next, err);
		else
			strlist_take(&next, join(paths->v[i], component));
	}
	strlist_done(paths);
	*paths = next;
	return r;
}

static int expand(const struct copier *c, const char *pattern, struct strlist *ret,
		  struct error *err)
{
	int r = 0;

	strlist_add(ret, "");
	while (r == 0 && *pattern) {
		size_t n = strcspn(pattern, "/");
		cleanup_free char *component = xstrndup(pattern, n);

		if (n && !is_equal(component, "."))
			r = extend(c, ret, component, err);
		pattern += n + (pattern[n] == '/');
	}
	return r;
}

/* 1: an item was added; 0: there is no such thing. */
static int add_path(struct copier *c, const char *path, struct copy_items *ret, struct error *err)
{
	cleanup_tree_place struct tree_place p = { .fd = -EBADF };
	const struct ignore *g = ignore_of(c);
	struct copy_item *item;
	int r = tree_find(c->sourcefd, path, TREE_FOLLOW, &p, err);

	if (r < 0 && r != -ENOTDIR)
		return r;
	if (r < 0 || p.fd < 0)
		return 0;
	/* A hidden directory may have things in it that are not. */
	if (is_ignored(g, p.path) && (!S_ISDIR(p.st.st_mode) || can_skip_below(g, p.path)))
		return 0;
	if (is_ignored(g, path) && !S_ISDIR(p.st.st_mode))
		return 0;
	item = list_add(ret);
	item->shown = xstrdup(*path ? path : ".");
	item->name = xstrdup(base_of(path));
	item->treefd = c->sourcefd;
	item->path = steal_ptr(&p.path);
	item->is_dir = S_ISDIR(p.st.st_mode);
	item->mtime_s = p.st.st_mtim.tv_sec;
	return 1;
}

static int add_pattern(struct copier *c, const char *pattern, struct copy_items *ret,
		       struct error *err)
{
	cleanup_strlist struct strlist paths = { .v = NULL };
	size_t before = ret->n;
	int r = expand(c, pattern, &paths, err);

	for (size_t i = 0; r >= 0 && i < paths.n; i++)
		r = add_path(c, paths.v[i], ret, err);
	if (r < 0 || ret->n > before)
		return r < 0 ? r : 0;
	return error_set(err, ENOENT, "'%.300s': nothing of that name in %s%s", pattern,
			 c->spec->contextfd >= 0 ? "the context" : "the image or stage",
			 ignore_of(c) ? " (or the ignore file hides it)" : "");
}

/* ---- all -------------------------------------------------------------------------------- */

static void add_inline(const struct copier *c, const struct build_copy_source *s,
		       struct copy_items *ret)
{
	struct copy_item *item = list_add(ret);

	item->shown = xstrdup(s->text);
	item->name = xstrdup(s->text);
	item->treefd = -1;
	item->data = xmalloc(s->content_len + 1);
	if (s->content_len)
		memcpy(item->data, s->content, s->content_len);
	item->len = s->content_len;
	item->mode = 0644;
	item->mtime_s = c->dir_mtime_s;
}

/* Local archives that ADD finds become their content. */
static int unpack_archives(struct copier *c, struct copy_items *l, size_t first, struct error *err)
{
	int r = 0;

	for (size_t i = first; r >= 0 && i < l->n; i++)
		if (!l->v[i].is_dir)
			r = add_unpack(c, &l->v[i], err);
	return r < 0 ? r : 0;
}

int copy_find_items(struct copier *c, struct copy_items *ret, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->spec->n_sources; i++) {
		const struct build_copy_source *s = &c->spec->sources[i];
		size_t before = ret->n;

		if (s->kind == BUILD_COPY_INLINE) {
			add_inline(c, s, ret);
		} else if (s->kind == BUILD_COPY_URL) {
			r = add_fetch(c, s->text, list_add(ret), err);
		} else if (c->sourcefd < 0) {
			r = error_set(err, ENOENT, "'%.200s': there is no context", s->text);
		} else {
			r = add_pattern(c, s->text, ret, err);
			if (r == 0 && c->spec->is_add)
				r = unpack_archives(c, ret, before, err);
		}
	}
	return r;
}
