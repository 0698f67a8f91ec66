/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mountsuffix - Podman's habit of options behind a mountPath: "/data:z", "/data:ro".
 *
 * Theory of operation: Kubernetes has no ':' in a mountPath, so nothing else can be meant. What can
 * be had is read as the field that it stands for, with a warning, in the typed pod and in the tree
 * alike: the stored document is one that a cluster takes. "z" and "Z" ask for SELinux labels, which
 * are not set here; "ro" is readOnly. A path with any other option is left as it is, for validation
 * to refuse.
 */
#include "kube/mountsuffix.h"

#include <stdlib.h>
#include <string.h>

static bool is_word(const char *s, size_t len, const char *word)
{
	return strlen(word) == len && strncmp(s, word, len) == 0;
}

/* "z,ro" and the like. */
static bool can_read(const char *options, bool *ret_read_only)
{
	*ret_read_only = false;
	do {
		size_t len = strcspn(options, ",");

		*ret_read_only |= is_word(options, len, "ro");
		if (!is_word(options, len, "ro") && !is_word(options, len, "rw") &&
		    !is_word(options, len, "z") && !is_word(options, len, "Z"))
			return false;
		options += len;
	} while (*options++ == ',');
	return true;
}

static void set_entry(struct arena *a, struct node *map, const char *key, struct node *value)
{
	for (size_t i = 0; i < map->n; i++)
		if (strcmp(map->entries[i].key, key) == 0) {
			value->place = map->entries[i].value->place;
			map->entries[i].value = value;
			return;
		}
	(void)node_map_add(a, map, key, value);
}

static void read_mount(const struct diag_sink *sink, struct arena *a, const char *path,
		       struct k8s_mount *m, struct node *tree)
{
	char *colon = m->mount_path ? strchr(m->mount_path, ':') : NULL;
	bool read_only;
	int len;

	if (!colon || m->mount_path[0] != '/' || !can_read(colon + 1, &read_only))
		return;
	len = colon - m->mount_path > 200 ? 200 : (int)(colon - m->mount_path);
	diag_unsupported(sink, path,
			 "'%.200s' is Podman's way to write it, which a cluster refuses: read as "
			 "'%.*s'%s",
			 m->mount_path, len, m->mount_path,
			 read_only ? " with readOnly: true" : "");
	*colon = '\0';
	set_entry(a, tree, "mountPath", node_new_text(a, m->mount_path));
	if (!read_only)
		return;
	m->read_only = (struct k8s_bool){ true, true };
	set_entry(a, tree, "readOnly", node_new_bool(a, true));
}

static void read_container(const struct diag_sink *sink, struct arena *a, struct diag_path *path,
			   struct k8s_container *c, const struct node *tree)
{
	const struct node *list = node_get(tree, "volumeMounts");

	for (size_t i = 0; list && i < c->mounts.n && i < list->n; i++) {
		size_t mark;

		if (list->items[i]->kind != NODE_MAP)
			continue;
		mark = path_field(path, "volumeMounts");
		(void)path_index(path, i);
		(void)path_field(path, "mountPath");
		read_mount(sink, a, path->text, &c->mounts.v[i], list->items[i]);
		path_cut(path, mark);
	}
}

static void read_list(const struct diag_sink *sink, struct arena *a, const char *field,
		      struct k8s_container *v, size_t n)
{
	const struct node *list = node_get(node_get(sink->root, "spec"), field);

	for (size_t i = 0; list && i < n && i < list->n; i++) {
		struct diag_path path = { 0 };

		(void)path_field(&path, "spec");
		(void)path_field(&path, field);
		(void)path_index(&path, i);
		read_container(sink, a, &path, &v[i], list->items[i]);
	}
}

void mountsuffix_read(const struct diag_sink *sink, struct arena *a, struct k8s_pod *pod)
{
	if (!pod->spec)
		return;
	read_list(sink, a, "initContainers", pod->spec->inits.v, pod->spec->inits.n);
	read_list(sink, a, "containers", pod->spec->containers.v, pod->spec->containers.n);
}
