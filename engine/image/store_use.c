/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_use - who uses what: containers and images as the owners of layers and blobs, and the
 * collection of what has no owner.
 *
 * Theory of operation: what pins a layer is an image in the index or a container's spec.json, which
 * carries its own copy of the configuration. When one of these records cannot be read, nothing is
 * collected: its layers would be among what nobody seems to need. The decision is made under the
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

static void read_use(int containersfd, const char *id, const char *image, struct image_use *u)
{
	cleanup_free char *path = xasprintf("%s/spec.json", id);
	cleanup_json json_t *j = NULL;
	struct error scratch;
	const json_t *config, *layers;
	int r = jload_file(containersfd, path, SPEC_BYTES_MAX, &j, &scratch);

	if (r < 0) {
		/* Without a record it was never created; any other failure hides what it pins. */
		u->is_doubtful |= r != -ENOENT && r != -ENOTDIR;
		return;
	}
	config = json_object_get(j, "config");
	layers = json_object_get(config, "layers");
	if (image && is_equal(jget_str(config, "id"), image))
		strlist_add(&u->containers, id);
	for (size_t i = 0; i < json_array_size(layers); i++) {
		const char *layer = json_string_value(json_array_get(layers, i));

		if (layer && !strlist_has(&u->layers, layer))
			strlist_add(&u->layers, layer);
	}
}

int image_use_find(const struct store *s, const char *image, struct image_use *ret,
		   struct error *err)
{
	cleanup_close int fd = openat(s->rootfd, "containers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int copy = fd < 0 ? -1 : openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = NULL;
	struct dirent *e;

	if (fd < 0 && errno == ENOENT)
		return 0;
	d = copy < 0 ? NULL : fdopendir(copy);
	if (!d)
		return error_errno(err, "read 'containers'");
	(void)steal_fd(&copy);
	while ((e = readdir(d)))
		if (is_id(e->d_name))
			read_use(fd, e->d_name, image, ret);
	return 0;
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
