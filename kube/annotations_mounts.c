/* SPDX-License-Identifier: Apache-2.0 */
/*
 * annotations_mounts - Podman's volumes-from: the mounts of other containers of the pod.
 *
 * Theory of operation: "A:ro;B" gives a container copies of the mounts of A, for reading only, and
 * of B. What it mounts itself at a path wins. A may have its mounts from another one in turn, in
 * any order and in circles; so a container's mounts are gathered by walking over all that it can
 * reach, each once, nearest first. Copies are mounts like any other from then on: they are
 * validated, translated and, from the plan, written as volumeMounts, which then win.
 *
 * Only containers of the same pod can be named: what others mount is not in the manifest.
 */
#include <string.h>

#include "kube/annotations.h"

#define MAX_SOURCES 64
#define KEY	    PODMAN_ANNOTATION "volumes-from"

struct source {
	struct k8s_container *container;
	bool read_only;
};
struct sources {
	struct source v[MAX_SOURCES];
	size_t n;
};

static void add_source(struct sources *s, struct k8s_container *c, bool read_only)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].container == c)
			return;
	if (s->n < MAX_SOURCES)
		s->v[s->n++] = (struct source){ c, read_only };
}

/* "ro", "rw" and SELinux's "z", which has nothing to do; NULL when there is another. */
static const char *bad_option(const char *options, bool *ret_read_only)
{
	static const char *const known[] = { "ro", "rw", "z", "Z" };

	while (*options) {
		size_t len = strcspn(options, ","), i = 0;

		while (i < ARRAY_SIZE(known) &&
		       (strlen(known[i]) != len || strncmp(options, known[i], len) != 0))
			i++;
		if (i == ARRAY_SIZE(known))
			return options;
		*ret_read_only |= i == 0;
		options += len + (options[len] == ',');
	}
	return NULL;
}

static void tell_missing(const struct note *n, const char *name)
{
	if (n->for_play)
		note_error(n,
			   "there is no container '%.63s' in this pod, whose volumes could be "
			   "taken",
			   name);
	else
		note_unsupported(n, "there is no container '%.63s' in this pod", name);
}

/* Adds what a value names. n is NULL when it was checked before. */
static void parse(const struct note *n, const struct k8s_pod *pod, const char *value,
		  bool read_only, struct sources *ret)
{
	while (*value) {
		size_t len = strcspn(value, ";");
		cleanup_free char *word = xstrndup(value, len);
		char *colon = strchr(word, ':');
		struct k8s_container *c;
		const char *bad = NULL;
		bool ro = read_only;

		if (colon) {
			*colon = '\0';
			bad = bad_option(colon + 1, &ro);
		}
		c = note_container(pod, word);
		if (bad && n)
			note_error(n, "'%.60s' is no option: ro and rw are", bad);
		else if (!c && n)
			tell_missing(n, word);
		if (c)
			add_source(ret, c, ro);
		value += len + (value[len] == ';');
	}
}

static bool has_path(const struct k8s_container *c, const char *path)
{
	for (size_t i = 0; i < c->mounts.n; i++)
		if (is_equal(c->mounts.v[i].mount_path, path))
			return true;
	return false;
}

static void copy_mount(const struct k8s_mount *from, bool read_only, struct k8s_container *to)
{
	struct k8s_mount *m = list_add(&to->mounts);

	m->name = xstrdup_or_null(from->name);
	m->mount_path = xstrdup_or_null(from->mount_path);
	m->sub_path = xstrdup_or_null(from->sub_path);
	m->sub_path_expr = xstrdup_or_null(from->sub_path_expr);
	m->propagation = xstrdup_or_null(from->propagation);
	m->recursive_read_only = xstrdup_or_null(from->recursive_read_only);
	m->read_only = read_only ? (struct k8s_bool){ true, true } : from->read_only;
}

void note_volumes_from(const struct note *n)
{
	struct sources all = { .n = 0 };

	add_source(&all, n->container, false);
	parse(n, n->pod, n->value, false, &all);
	for (size_t i = 1; i < all.n; i++) {
		cleanup_free char *key = xasprintf(KEY "/%s", all.v[i].container->name);
		const char *more = pairlist_get(&n->pod->meta->annotations, key);

		if (more)
			parse(NULL, n->pod, more, all.v[i].read_only, &all);
	}
	for (size_t i = 1; i < all.n; i++) {
		const struct k8s_container *from = all.v[i].container;

		for (size_t m = 0; m < from->mounts.n; m++)
			if (!has_path(n->container, from->mounts.v[m].mount_path))
				copy_mount(&from->mounts.v[m], all.v[i].read_only, n->container);
	}
}
