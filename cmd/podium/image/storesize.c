/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storesize - adds up what containers and volumes hold on disk.
 *
 * Theory of operation: the trees belong to containers that may write meanwhile, so they are walked
 * by descriptors, without following links and without leaving their file system; what vanishes or
 * cannot be read counts nothing. A file with several links counts once for each: what matters here
 * is the order of magnitude, and remembering inodes would cost memory that a container decides.
 *
 * Limit: DEPTH_MAX directories in each other; what is deeper counts nothing.
 */
#include "cmd/podium/image/storesize.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/pod/lookup.h"
#include "engine/state/status.h"
#include "engine/volumes/named.h"

#define DEPTH_MAX 250

/* Takes fd over. */
static int64_t size_of(int fd, dev_t dev, int depth)
{
	cleanup_dir DIR *d = fdopendir(fd);
	struct dirent *e;
	int64_t bytes = 0;

	if (!d) {
		(void)close(fd);
		return 0;
	}
	while ((e = readdir(d))) {
		struct stat st;
		int inner;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_dev != dev)
			continue;
		if (!S_ISDIR(st.st_mode)) {
			bytes += S_ISREG(st.st_mode) || S_ISLNK(st.st_mode) ? st.st_size : 0;
			continue;
		}
		inner = depth < DEPTH_MAX ? openat(fd, e->d_name,
						   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
					  : -1;
		bytes += inner < 0 ? 0 : size_of(inner, dev, depth + 1);
	}
	return bytes;
}

int64_t storesize_tree(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) < 0) {
		(void)close(fd);
		return 0;
	}
	return size_of(fd, st.st_dev, 0);
}

int64_t storesize_layers(const struct store *s, const struct strlist *layers)
{
	int64_t sum = 0;

	for (size_t i = 0; i < layers->n; i++) {
		const char *id = layers->v[i], *colon = strchr(id, ':');
		cleanup_free char *path = xasprintf("layers/%s/diff", colon ? colon + 1 : id);

		sum += storesize_tree(s->rootfd, path);
	}
	return sum;
}

int64_t storesize_container(const struct store *s, const char *id)
{
	char path[LAYOUT_PATH_MAX];

	return storesize_tree(s->rootfd, layout_container(path, id, "upper"));
}

/* ---- volumes ---------------------------------------------------------------------------- */

static size_t count_links(const struct store *s, const struct pod_spec *pod, const char *volume)
{
	size_t n = 0;

	for (size_t i = 0; i < pod->containers.n; i++) {
		struct container_spec spec;
		struct error scratch; /* one that cannot be read mounts nothing */

		if (lookup_read_container(s, pod->containers.v[i].id, &spec, &scratch) < 0)
			continue;
		for (size_t k = 0; k < spec.mounts.n; k++)
			if (is_equal(spec.mounts.v[k].volume, volume)) {
				n++;
				break;
			}
		record_done(&container_spec_type, &spec);
	}
	return n;
}

static void add_volume(const struct store *s, const struct pod_spec *pod, const char *name,
		       bool active, struct volume_views *l)
{
	cleanup_free char *path = xasprintf("pods/%.64s/volumes/%s", pod->id, name);

	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = (struct volume_view){ .name = xasprintf("%s/%s", pod->name, name),
					     .bytes = storesize_tree(s->rootfd, path),
					     .links = count_links(s, pod, name),
					     .active = active };
}

static void add_pod(const struct store *s, const char *id, struct volume_views *l)
{
	struct pod_spec pod;
	struct error scratch; /* debris has no volumes to speak of */
	const char *state;
	bool active;

	if (lookup_read_pod(s, id, &pod, &scratch) < 0)
		return;
	state = lookup_pod_state(s, &pod);
	active = is_equal(state, "Running") || is_equal(state, "Degraded") ||
		 is_equal(state, "Paused");
	for (size_t i = 0; i < pod.volumes.n; i++)
		if (pod.volumes.v[i].kind == VOLUME_EMPTY_DIR && !pod.volumes.v[i].memory)
			add_volume(s, &pod, pod.volumes.v[i].name, active, l);
	record_done(&pod_spec_type, &pod);
}

/* Those with a name. What is somewhere on the host takes nothing of the store. */
static int add_named(const struct store *s, struct volume_views *l, struct error *err)
{
	cleanup_strlist struct strlist names = { .v = NULL }, used = { .v = NULL };
	int r = named_volume_list(s, &names, err);

	if (r == 0 && names.n)
		r = named_volume_used(s, &used, err);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		cleanup_free char *path = xasprintf("volumes/%s/_data", names.v[i]);
		struct volume_view *v;

		l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
		v = &l->v[l->n++];
		*v = (struct volume_view){ .name = xstrdup(names.v[i]),
					   .bytes = storesize_tree(s->rootfd, path) };
		for (size_t k = 0; k < used.n; k++)
			v->links += is_equal(used.v[k], names.v[i]);
		v->active = v->links > 0;
	}
	return r;
}

int storesize_volumes(const struct store *s, struct volume_views *ret, struct error *err)
{
	cleanup_strlist struct strlist ids = { .v = NULL };
	int r = lookup_list_pods(s, &ids, err);

	*ret = (struct volume_views){ .v = NULL };
	if (r == 0)
		r = add_named(s, ret, err);
	for (size_t i = 0; r == 0 && i < ids.n; i++)
		add_pod(s, ids.v[i], ret);
	return r;
}

void volume_views_done(struct volume_views *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].name);
	free(l->v);
	*l = (struct volume_views){ .v = NULL };
}
