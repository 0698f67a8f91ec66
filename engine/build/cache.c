/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache - a file for each step that was done, named by all that the step depends on.
 *
 * Theory of operation: the key is a digest made by build.c of the parent image, the instruction and
 * what it reads. The file holds the id of the image that came out. It is a hint and no more: the
 * image must be in the index with all its layers, and its configuration must have the bytes that its
 * id says. So nothing here is synced, a damaged file is no hint, and whoever removes images need not
 * know of this. Dead files go when a build has ended.
 */
#include "engine/build/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/fs.h"
#include "engine/image/layers.h"
#include "engine/image/sha256.h"
#include "engine/image/store.h"

#define STEPS_DIR "build/steps"

static char *step_path(const struct digest *key, char out[LAYOUT_PATH_MAX])
{
	char hex[DIGEST_HEX_LEN + 1];

	(void)snprintf(out, LAYOUT_PATH_MAX, STEPS_DIR "/%.64s", digest_hex(key, hex));
	return out;
}

static const struct image_info *find_id(const struct image_list *l, const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (is_equal(l->v[i].id, id))
			return &l->v[i];
	return NULL;
}

static bool is_whole(const struct store *s, const struct image_info *info)
{
	for (size_t i = 0; i < info->layers.n; i++)
		if (!is_layer_complete(s, info->layers.v[i] + sizeof("sha256:") - 1))
			return false;
	return true;
}

int build_read_conf(const struct store *s, const char *id, struct image_conf *ret,
		    struct error *err)
{
	cleanup_free char *path = xasprintf("images/blobs/sha256/%.64s", id);
	cleanup_free char *text = NULL;
	struct digest want, have;
	size_t len = 0;
	int r = fs_read_file(s->rootfd, path, CONFIG_BYTES_MAX, &text, &len, err);

	if (r == 0)
		r = digest_parse_hex(id, &want, err);
	if (r < 0)
		return error_wrap(err, "image '%.12s'", id);
	sha256_of(text, len, &have);
	if (!is_digest_equal(&want, &have))
		return error_set(err, EBADMSG, "configuration of image '%.12s' is damaged", id);
	return image_conf_parse(text, len, ret, err);
}

int build_cache_find(const struct store *s, const struct digest *key,
		     char ret_id[DIGEST_HEX_LEN + 1], struct image_conf *ret, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_image_list struct image_list l = { .v = NULL };
	cleanup_free char *id = NULL;
	struct error scratch; /* a hint that cannot be read is none */
	const struct image_info *info;
	int r;

	if (fs_read_file(s->rootfd, step_path(key, path), DIGEST_HEX_LEN, &id, NULL, &scratch) <
		    0 ||
	    !is_id(id))
		return 0;
	r = image_list(s, &l, err);
	if (r < 0)
		return r;
	info = find_id(&l, id);
	if (!info || !is_whole(s, info) || build_read_conf(s, id, ret, &scratch) < 0)
		return 0;
	(void)snprintf(ret_id, DIGEST_HEX_LEN + 1, "%.64s", id);
	return 1;
}

int build_cache_put(const struct store *s, const struct digest *key, const char *id,
		    struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_close int dir = fs_mkdirs(s->rootfd, STEPS_DIR, 0700, err);

	if (dir < 0)
		return dir;
	return fs_write_atomic(s->rootfd, step_path(key, path), id, strlen(id), 0600, FS_NOSYNC,
			       err);
}

static void sweep_one(int dirfd, const char *name, const struct image_list *l)
{
	cleanup_free char *id = NULL;
	struct error scratch; /* one that is not there any more */

	if (fs_read_file(dirfd, name, DIGEST_HEX_LEN, &id, NULL, &scratch) == -ENOENT)
		return;
	if (!id || !find_id(l, id))
		(void)unlinkat(dirfd, name, 0);
}

int build_cache_sweep(const struct store *s, struct error *err)
{
	cleanup_close int fd = openat(s->rootfd, STEPS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_image_list struct image_list l = { .v = NULL };
	cleanup_dir DIR *d = NULL;
	struct dirent *e;
	int dirfd_, r;

	if (fd < 0)
		return errno == ENOENT ? 0 : error_errno(err, "open '%s'", STEPS_DIR);
	r = image_list(s, &l, err);
	if (r < 0)
		return r;
	dirfd_ = fd;
	d = fdopendir(fd);
	if (!d)
		return error_errno(err, "read '%s'", STEPS_DIR);
	(void)steal_fd(&fd);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			sweep_one(dirfd_, e->d_name, &l);
	return 0;
}
