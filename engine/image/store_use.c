/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_use - who uses what: containers and images as the owners of layers and blobs, and the
 * collection of what has no owner.
 *
 * Theory of operation: what pins a layer is an image in the index, a container's spec.json, or an image
 * volume of a pod's pod.json: the records carry their own copies of the configuration. A pod uses an
 * image by its infra container. When one of these records cannot be read, nothing is collected: its
 * layers would be among what nobody seems to need. The decision is made under the
 * images lock, held exclusively; the slow removal happens after it, on names that nobody looks for.
 */
#include "engine/image/storeindex.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/json.h"
#include "engine/image/layers.h"

#define SPEC_BYTES_MAX (16 * 1024 * 1024)

void image_use_done(struct image_use *u)
{
	strlist_done(&u->containers);
	strlist_done(&u->layers);
}

static void note_use(const json_t *config, const char *user, const char *image, struct image_use *u)
{
	const json_t *layers = json_object_get(config, "layers");

	if (user && image && is_equal(jget_str(config, "id"), image) &&
	    !strlist_has(&u->containers, user))
		strlist_add(&u->containers, user);
	for (size_t i = 0; i < json_array_size(layers); i++) {
		const char *layer = json_string_value(json_array_get(layers, i));

		if (layer && !strlist_has(&u->layers, layer))
			strlist_add(&u->layers, layer);
	}
}

static json_t *read_user(int dirfd, const char *id, const char *name, struct image_use *u)
{
	cleanup_free char *path = xasprintf("%s/%s", id, name);
	struct error scratch;
	json_t *j = NULL;
	int r = jload_file(dirfd, path, SPEC_BYTES_MAX, &j, &scratch);

	/* Without a record it was never created; any other failure hides what it pins. */
	u->is_doubtful |= r < 0 && r != -ENOENT && r != -ENOTDIR;
	return r < 0 ? NULL : j;
}

static void read_container(int dirfd, const char *id, const char *image, struct image_use *u)
{
	cleanup_json json_t *j = read_user(dirfd, id, "spec.json", u);

	note_use(json_object_get(j, "config"), id, image, u);
}

static void read_pod(int dirfd, const char *id, const char *image, struct image_use *u)
{
	cleanup_json json_t *j = read_user(dirfd, id, "pod.json", u);
	const json_t *volumes = json_object_get(j, "volumes");

	for (size_t i = 0; i < json_array_size(volumes); i++)
		note_use(json_object_get(json_array_get(volumes, i), "config"),
			 jget_str(j, "infraId"), image, u);
}

/* Reads every record of a folder. */
static int each_user(const struct store *s, const char *folder, const char *image,
		     void (*read_one)(int, const char *, const char *, struct image_use *),
		     struct image_use *u, struct error *err)
{
	cleanup_close int fd = openat(s->rootfd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int copy = fd < 0 ? -1 : openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = NULL;
	struct dirent *e;

	if (fd < 0 && errno == ENOENT)
		return 0;
	d = copy < 0 ? NULL : fdopendir(copy);
	if (!d)
		return error_errno(err, "read '%s'", folder);
	(void)steal_fd(&copy);
	while ((e = readdir(d)))
		if (is_id(e->d_name))
			read_one(fd, e->d_name, image, u);
	return 0;
}

int image_use_find(const struct store *s, const char *image, struct image_use *ret,
		   struct error *err)
{
	int r = each_user(s, "containers", image, read_container, ret, err);

	return r < 0 ? r : each_user(s, "pods", image, read_pod, ret, err);
}

int image_users(const struct store *s, const char *id, struct strlist *ret, struct error *err)
{
	cleanup_image_use struct image_use u = { .is_doubtful = false };
	int r = image_use_find(s, id, &u, err);

	if (r == 0)
		strlist_copy(ret, &u.containers);
	return r;
}

/* ---- collecting ------------------------------------------------------------------------- */

static int collect_blobs(const struct store *s, const struct image_list *l, struct error *err)
{
	cleanup_close int fd =
		openat(s->rootfd, "images/blobs/sha256", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int copy = fd < 0 ? -1 : openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	if (!d)
		return fd < 0 && errno == ENOENT ? 0
						 : error_errno(err, "read 'images/blobs/sha256'");
	(void)steal_fd(&copy);
	while ((e = readdir(d))) {
		bool is_used = e->d_name[0] == '.' && !is_prefix(e->d_name, ".tmp-");

		for (size_t i = 0; i < l->n && !is_used; i++)
			is_used = is_equal(l->v[i].id, e->d_name) ||
				  is_equal(l->v[i].manifest, e->d_name) ||
				  is_equal(l->v[i].list, e->d_name);
		if (!is_used && unlinkat(fd, e->d_name, 0) < 0 && errno != ENOENT)
			return error_errno(err, "remove '%s'", e->d_name);
	}
	return 0;
}

/* What a writer of the index left that was killed; the lock says that none is at work. */
static int collect_temporaries(const struct store *s, struct error *err)
{
	cleanup_close int fd = openat(s->rootfd, "images", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int copy = fd < 0 ? -1 : openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	if (!d)
		return fd < 0 && errno == ENOENT ? 0 : error_errno(err, "read 'images'");
	(void)steal_fd(&copy);
	while ((e = readdir(d)))
		if (is_prefix(e->d_name, ".tmp-") && unlinkat(fd, e->d_name, 0) < 0 &&
		    errno != ENOENT)
			return error_errno(err, "remove '%s'", e->d_name);
	return 0;
}

static int collect_locked(const struct store *s, struct error *err)
{
	struct image_index x = { .version = 0 };
	struct image_use u = { .is_doubtful = false };
	int r = image_index_read(s, &x, err);

	if (r < 0)
		return r;
	r = collect_temporaries(s, err);
	if (r == 0)
		r = image_use_find(s, NULL, &u, err);
	for (size_t i = 0; i < x.images.n; i++)
		for (size_t j = 0; j < x.images.v[i].layers.n; j++)
			if (!strlist_has(&u.layers, x.images.v[i].layers.v[j]))
				strlist_add(&u.layers, x.images.v[i].layers.v[j]);
	if (r == 0 && !u.is_doubtful) {
		r = collect_blobs(s, &x.images, err);
		if (r == 0)
			r = layers_sweep(s, &u.layers, err);
	}
	image_use_done(&u);
	image_index_done(&x);
	return r;
}

int image_collect(const struct store *s, struct error *err)
{
	cleanup_close int lock = image_lock(s, LOCK_EXCLUSIVE, err);
	int r;

	if (lock < 0)
		return lock;
	r = collect_locked(s, err);
	(void)close(steal_fd(&lock));
	return r < 0 ? r : layers_empty_trash(s, err);
}
