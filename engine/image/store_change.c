/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_change - every change of the index: names given and taken, images removed and committed.
 *
 * Theory of operation: a change takes the images lock exclusively, reads the index again, changes
 * it, writes it with fsync and lets go. A commit writes configuration and manifests before the
 * index, so that what the index names is there; a removal takes the entry out of the index alone,
 * and image_collect() takes what nobody needs then.
 *
 * A build leaves its steps as images without a name, each the parent of the next. Such an image
 * stays while it has children and goes with the last of them. An image that loses its name while it
 * has children becomes such a step.
 *
 * Failures leave the old index.
 */
#include "engine/image/storeindex.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/image/reference.h"
#include "engine/pod/spec.h"

#define HISTORY_MAX 100 /* names that an image had */

static void remove_string(struct strlist *l, size_t at)
{
	free(l->v[at]);
	memmove(&l->v[at], &l->v[at + 1], (l->n - at) * sizeof(*l->v)); /* NULL at the end too */
	l->n--;
}

/* Takes name number at, which goes into the history, newest first. */
static void lose_name(struct image_info *info, size_t at)
{
	struct strlist old = info->history;

	info->history = (struct strlist){ .v = NULL };
	strlist_add(&info->history, info->names.v[at]);
	for (size_t i = 0; i < old.n && info->history.n < HISTORY_MAX; i++)
		if (!strlist_has(&info->history, old.v[i]))
			strlist_add(&info->history, old.v[i]);
	strlist_done(&old);
	remove_string(&info->names, at);
}

/* Takes a name from whichever image has it. */
static void drop_name(struct image_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		for (size_t j = 0; j < l->v[i].names.n; j++)
			if (is_equal(l->v[i].names.v[j], name)) {
				lose_name(&l->v[i], j);
				return;
			}
}

static void give_name(struct image_info *info, const char *name)
{
	for (size_t i = 0; i < info->history.n; i++)
		if (is_equal(info->history.v[i], name)) {
			remove_string(&info->history, i);
			break;
		}
	strlist_add(&info->names, name);
}

static void drop_image(struct image_list *l, size_t at)
{
	image_info_done(&l->v[at]);
	memmove(&l->v[at], &l->v[at + 1], (l->n - at - 1) * sizeof(*l->v));
	l->n--;
}

static struct image_info *find_id(const struct image_list *l, const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (is_equal(l->v[i].id, id))
			return &l->v[i];
	return NULL;
}

bool has_image_children(const struct image_list *l, const struct image_info *info)
{
	for (size_t i = 0; i < l->n; i++)
		if (is_equal(l->v[i].parent, info->id))
			return true;
	return false;
}

bool is_image_intermediate(const struct image_list *l, const struct image_info *info)
{
	return !info->names.n && (info->is_intermediate || has_image_children(l, info));
}

bool is_image_mounted(const struct store *s, const char *id)
{
	char path[LAYOUT_PATH_MAX];

	(void)snprintf(path, sizeof(path), IMAGE_MOUNTS "/%.64s/count", id);
	return s->runfd >= 0 && faccessat(s->runfd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- names ------------------------------------------------------------------------------ */

/* The name that a text gives: what is tagged here by a short name is ours, as Podman has it. */
static int read_new_name(const char *text, char full[REFERENCE_MAX + 1], struct error *err)
{
	struct reference ref;
	int r = reference_parse(text, &ref, err);

	if (r < 0)
		return r;
	if (ref.digest[0])
		return error_set(err, EINVAL, "a tag cannot hold a digest: '%.200s'", text);
	if (ref.is_short) {
		const char *plain = is_prefix(ref.path, "library/") ? ref.path + 8 : ref.path;

		(void)snprintf(full, REFERENCE_MAX + 1, "localhost/%.255s:%.128s", plain, ref.tag);
	} else {
		(void)reference_format(&ref, full);
	}
	return 0;
}

int image_tag(const struct store *s, const char *name, const char *new_name, struct error *err)
{
	cleanup_image_index struct image_index x = { .version = 0 };
	const struct image_info *info;
	char full[REFERENCE_MAX + 1];
	cleanup_close int lock = -EBADF;
	int r = read_new_name(new_name, full, err);

	if (r < 0)
		return r;
	lock = image_lock(s, LOCK_EXCLUSIVE, err);
	if (lock < 0)
		return lock;
	r = image_index_read(s, &x, err);
	if (r == 0)
		r = image_find(&x.images, name, &info, NULL, err);
	if (r < 0)
		return r;
	drop_name(&x.images, full);
	give_name(&x.images.v[info - x.images.v], full);
	return image_index_write(s, &x, err);
}

/* Takes one of the image's names, written in any way that means it. */
static int untag_one(struct image_info *info, const char *text, struct error *err)
{
	struct image_list only = { .v = info, .n = 1 };
	const struct image_info *found;
	const char *matched = NULL;
	char local[REFERENCE_MAX + 1];
	int r = image_find(&only, text, &found, &matched, err);

	if (r == 0 && !matched)
		r = error_set(err, EINVAL, "'%.200s' is not a name", text);
	if (r == -ENOENT && read_new_name(text, local, err) == 0)
		r = error_set(err, ENOENT, "%.200s: tag not known", text);
	if (r < 0)
		return r;
	for (size_t i = 0; i < info->names.n; i++)
		if (info->names.v[i] == matched) {
			lose_name(info, i);
			break;
		}
	return 0;
}

int image_untag(const struct store *s, const char *name, char *const *names, size_t n,
		struct error *err)
{
	cleanup_image_index struct image_index x = { .version = 0 };
	const struct image_info *found;
	struct image_info *info;
	cleanup_close int lock = image_lock(s, LOCK_EXCLUSIVE, err);
	int r;

	if (lock < 0)
		return lock;
	r = image_index_read(s, &x, err);
	if (r == 0)
		r = image_find(&x.images, name, &found, NULL, err);
	if (r < 0)
		return r;
	info = &x.images.v[found - x.images.v];
	for (size_t i = 0; r == 0 && i < n; i++)
		r = untag_one(info, names[i], err);
	while (r == 0 && !n && info->names.n)
		lose_name(info, 0);
	return r < 0 ? r : image_index_write(s, &x, err);
}

/* ---- removal ---------------------------------------------------------------------------- */

void image_removal_done(struct image_removal *r)
{
	strlist_done(&r->untagged);
	strlist_done(&r->deleted);
}

/* force: a record that cannot be read stands in nobody's way (its layers are kept all the same). */
static int check_unused(const struct store *s, const char *id, bool force, struct error *err)
{
	cleanup_image_use struct image_use u = { .is_doubtful = false };
	int r = image_use_find(s, id, &u, err);

	if (r < 0)
		return r;
	if (u.containers.n)
		return error_set(err, EBUSY,
				 "image used by %s: image is in use by a container: "
				 "consider removing the container, or the image with --force",
				 u.containers.v[0]);
	if (u.is_doubtful && !force)
		return error_set(err, EBUSY,
				 "a container's record cannot be read, "
				 "and it may use image '%.12s'",
				 id);
	if (is_image_mounted(s, id))
		return error_set(err, EBUSY,
				 "image '%.12s' is mounted: `podium image unmount %.12s` first", id,
				 id);
	return 0;
}

int image_check_unused(const struct store *s, const char *id, struct error *err)
{
	return check_unused(s, id, false, err);
}

static int too_many_names(const struct image_info *info, struct error *err)
{
	struct buf b = BUF_INIT(4096);
	int r;

	for (size_t i = 0; i < info->names.n; i++)
		buf_printf(&b, "%s%s", i ? " " : "", info->names.v[i]);
	r = error_set(err, ENOTUNIQ,
		      "unable to delete image \"%s\" by ID with more than one tag (%.250s): "
		      "please force removal",
		      info->id, b.data);
	buf_done(&b);
	return r;
}

/* Takes the image out of the index, and the steps of its build that nobody needs then. */
static void delete_image(const struct store *s, struct image_list *l, struct image_info *info,
			 unsigned int flags, struct image_removal *ret)
{
	cleanup_free char *parent = xstrdup_or_null(info->parent);
	struct error scratch; /* a parent in use stays: no error */

	for (size_t i = 0; i < info->names.n; i++)
		strlist_add(&ret->untagged, info->names.v[i]);
	strlist_add(&ret->deleted, info->id);
	drop_image(l, (size_t)(info - l->v));
	while (!(flags & IMAGE_REMOVE_KEEP_PARENTS) && (info = find_id(l, parent))) {
		if (info->names.n || has_image_children(l, info) ||
		    check_unused(s, info->id, false, &scratch) < 0)
			break;
		free(parent);
		parent = xstrdup_or_null(info->parent);
		strlist_add(&ret->deleted, info->id);
		drop_image(l, (size_t)(info - l->v));
	}
}

/* Removes an image as a whole. */
static int remove_image(const struct store *s, struct image_list *l, struct image_info *info,
			unsigned int flags, struct image_removal *ret, struct error *err)
{
	bool is_parent = has_image_children(l, info);
	int r;

	if (info->names.n > 1 && !(flags & IMAGE_REMOVE_FORCE))
		return too_many_names(info, err);
	if (is_parent && !(flags & IMAGE_REMOVE_FORCE))
		return error_set(err, EBUSY, "image '%.12s' has images that were built upon it",
				 info->id);
	r = check_unused(s, info->id, flags & IMAGE_REMOVE_FORCE, err);
	if (r == 0)
		delete_image(s, l, info, flags, ret);
	return r;
}

int image_remove(const struct store *s, const char *name, unsigned int flags,
		 struct image_removal *ret, struct error *err)
{
	cleanup_image_index struct image_index x = { .version = 0 };
	const struct image_info *info;
	const char *matched = NULL;
	cleanup_close int lock = image_lock(s, LOCK_EXCLUSIVE, err);
	int r;

	*ret = (struct image_removal){ .deleted = { .v = NULL } };
	if (lock < 0)
		return lock;
	r = image_index_read(s, &x, err);
	if (r == 0)
		r = image_find(&x.images, name, &info, &matched, err);
	if (r == 0 && matched && (info->names.n > 1 || has_image_children(&x.images, info))) {
		strlist_add(&ret->untagged, matched);
		drop_name(&x.images, ret->untagged.v[0]);
	} else if (r == 0) {
		r = remove_image(s, &x.images, &x.images.v[info - x.images.v], flags, ret, err);
	}
	if (r == 0)
		r = image_index_write(s, &x, err);
	if (r < 0)
		image_removal_done(ret);
	return r;
}

int image_prune(const struct store *s, const struct strlist *ids, struct image_removal *ret,
		struct error *err)
{
	cleanup_image_index struct image_index x = { .version = 0 };
	cleanup_close int lock = image_lock(s, LOCK_EXCLUSIVE, err);
	bool again = true;
	int r;

	*ret = (struct image_removal){ .deleted = { .v = NULL } };
	if (lock < 0)
		return lock;
	r = image_index_read(s, &x, err);
	if (r < 0)
		return r;
	while (again) { /* a parent goes in a later round than its children */
		again = false;
		for (size_t i = 0; i < ids->n; i++) {
			struct image_info *info = find_id(&x.images, ids->v[i]);
			struct error scratch; /* in use: stays */

			if (!info || has_image_children(&x.images, info) ||
			    check_unused(s, info->id, false, &scratch) < 0)
				continue;
			delete_image(s, &x.images, info, 0, ret);
			again = true;
		}
	}
	r = ret->deleted.n ? image_index_write(s, &x, err) : 0;
	if (r < 0)
		image_removal_done(ret);
	return r;
}

/* ---- committing ------------------------------------------------------------------------- */

static int write_blob(const struct store *s, const char *hex, const char *data, size_t len,
		      struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_close int dir = fs_mkdirs(s->rootfd, "images/blobs/sha256", 0700, err);

	if (dir < 0)
		return dir;
	return fs_write_atomic(s->rootfd, image_blob_path(path, hex), data, len, 0600, FS_SYNC,
			       err);
}

static void set_string(char **s, const char *value)
{
	if (!value || is_equal(*s, value))
		return;
	free(*s);
	*s = xstrdup(value);
}

static void fill_facts(struct image_info *info, const struct image_commit *c)
{
	set_string(&info->manifest, c->manifest_id);
	set_string(&info->list, c->list_id);
	set_string(&info->architecture, c->architecture);
	set_string(&info->os, c->os);
	set_string(&info->variant, c->variant);
	set_string(&info->author, c->author);
	set_string(&info->parent, c->parent);
	for (size_t i = 0; c->digests && i < c->digests->n; i++)
		if (!strlist_has(&info->digests, c->digests->v[i]))
			strlist_add(&info->digests, c->digests->v[i]);
	info->config_size = (int64_t)c->config_len;
	info->created_ns = c->created_ns;
	info->loaded_ns = clock_wall_ns();
	info->size_bytes = c->size_bytes;
}

static void fill_entry(struct image_list *l, const struct image_commit *c)
{
	struct image_info *info;

	for (size_t i = 0; i < c->names->n; i++)
		drop_name(l, c->names->v[i]);
	info = find_id(l, c->id);
	if (!info) {
		info = list_add(l);
		info->id = xstrdup(c->id);
		strlist_copy(&info->layers, c->layers);
		info->is_intermediate = c->is_intermediate;
	}
	info->is_intermediate &= c->is_intermediate;
	for (size_t i = 0; i < c->names->n; i++)
		give_name(info, c->names->v[i]);
	fill_facts(info, c);
}

int image_commit(const struct store *s, const struct image_commit *c, struct error *err)
{
	cleanup_image_index struct image_index x = { .version = 0 };
	cleanup_close int lock = image_lock(s, LOCK_EXCLUSIVE, err);
	int r;

	if (lock < 0)
		return lock;
	r = image_check_layers(s, c->layers, err);
	if (r == 0)
		r = write_blob(s, c->id, c->config, c->config_len, err);
	if (r == 0 && c->manifest_id)
		r = write_blob(s, c->manifest_id, c->manifest, c->manifest_len, err);
	if (r == 0 && c->list_id)
		r = write_blob(s, c->list_id, c->list, c->list_len, err);
	if (r == 0)
		r = image_index_read(s, &x, err);
	if (r < 0)
		return r;
	fill_entry(&x.images, c);
	return image_index_write(s, &x, err);
}
