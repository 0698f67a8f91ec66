/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store - the index of images, and what is found in it.
 *
 * Theory of operation: index.json is the one truth about which images exist. It is read whole (one
 * small object an image) and replaced whole. Readers need no lock to see a consistent index; they
 * take LOCK_SHARED when what they found must not be collected before they have pinned it. A change
 * takes LOCK_EXCLUSIVE, reads the index again, changes it, writes it with fsync, and lets go;
 * nothing is waited for in between. So the order of a commit is: layers complete (podium-image),
 * configuration and manifest blobs, index. A crash leaves blobs and layers that no image refers to,
 * and the next collection takes them.
 *
 * What pins a layer: an image in the index, a container's spec.json or a volume of a pod.json, which
 * carry their own copies of the configuration. When one of these records cannot be read, nothing is
 * collected.
 *
 * File names are made from checked ids only. A configuration is compared with the size recorded for
 * it before it is parsed; its digest was checked when it came in (podium links no hash).
 *
 * Failures leave the old index. Limits: INDEX_BYTES_MAX, SPEC_BYTES_MAX.
 */
#include "engine/image/store.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/record.h"
#include "engine/base/seams.h"
#include "engine/image/config.h"
#include "engine/image/digest.h"
#include "engine/image/layers.h"
#include "engine/image/manifest.h"
#include "engine/image/reference.h"
#include "engine/image/storeindex.h"

#define INDEX_PATH	"images/index.json"
#define INDEX_VERSION	1
#define INDEX_BYTES_MAX (64 * 1024 * 1024)
#define LOCK_WAIT_MS	60000
#define ID_PREFIX_MIN	3

#define F(n, k, m) RECORD_FIELD(image_info, k, n, m)
static const struct record_field info_fields[] = {
	F("id", RECORD_STRING, id),
	F("manifest", RECORD_STRING, manifest),
	F("config_size", RECORD_I64, config_size),
	F("created_ns", RECORD_I64, created_ns),
	F("loaded_ns", RECORD_I64, loaded_ns),
	F("size", RECORD_I64, size_bytes),
	F("names", RECORD_STRLIST, names),
	F("layers", RECORD_STRLIST, layers),
	F("list", RECORD_STRING, list),
	F("digests", RECORD_STRLIST, digests),
	F("history", RECORD_STRLIST, history),
	F("architecture", RECORD_STRING, architecture),
	F("os", RECORD_STRING, os),
	F("variant", RECORD_STRING, variant),
	F("author", RECORD_STRING, author),
	F("parent", RECORD_STRING, parent),
	F("intermediate", RECORD_BOOL, is_intermediate),
	{ .name = NULL },
};
#undef F
static const struct record_type info_type = { "image", sizeof(struct image_info), info_fields };
static const struct record_field index_fields[] = {
	{ .name = "version", .kind = RECORD_U32, .offset = offsetof(struct image_index, version) },
	{ .name = "images",
	  .kind = RECORD_LIST,
	  .offset = offsetof(struct image_index, images),
	  .sub = &info_type },
	{ .name = NULL },
};
static const struct record_type image_index_type = { "image index", sizeof(struct image_index),
						     index_fields };

void image_info_done(struct image_info *i)
{
	record_done(&info_type, i);
}

void image_list_done(struct image_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		image_info_done(&l->v[i]);
	free(l->v);
	*l = (struct image_list){ .v = NULL };
}

void image_index_done(struct image_index *x)
{
	record_done(&image_index_type, x);
}

/* ---- the index -------------------------------------------------------------------------- */

/* Every id in the index becomes a file name somewhere: one that is none makes the index corrupt. */
static int check_index(const struct image_index *x, struct error *err)
{
	if (x->version > INDEX_VERSION)
		return error_set(err, EPROTO, "'%s' is of a newer podium", INDEX_PATH);
	for (size_t i = 0; i < x->images.n; i++) {
		const struct image_info *info = &x->images.v[i];

		if (!info->id || !is_id(info->id) || (info->manifest && !is_id(info->manifest)) ||
		    (info->list && !is_id(info->list)) || (info->parent && !is_id(info->parent)))
			return error_set(err, EBADMSG, "'%s' is corrupt: bad id", INDEX_PATH);
		for (size_t j = 0; j < info->layers.n; j++)
			if (!is_prefix(info->layers.v[j], "sha256:") ||
			    !is_id(info->layers.v[j] + sizeof("sha256:") - 1))
				return error_set(err, EBADMSG, "'%s' is corrupt: bad layer",
						 INDEX_PATH);
	}
	return 0;
}

/* As we write it, it is read in one pass; anything else takes the general way. */
static int parse_index(const char *text, size_t len, struct image_index *ret, struct error *err)
{
	cleanup_json json_t *j = NULL;
	struct error why = { .code = 0 };

	if (record_load_flat(&image_index_type, text, len, ret) == 0)
		return 0;
	if (jload_text(text, len, INDEX_PATH, &j, &why) < 0)
		return error_set(err, why.code,
				 "%.300s; remove it and pull the images again: their layers are "
				 "still there",
				 why.text);
	return record_load(&image_index_type, j, ret, err);
}

int image_index_read(const struct store *s, struct image_index *ret, struct error *err)
{
	cleanup_free char *text = NULL;
	struct error scratch = { .code = 0 };
	size_t len = 0;
	int r;

	*ret = (struct image_index){ .version = INDEX_VERSION };
	if (s->rootfd < 0)
		return 0;
	r = fs_read_file(s->rootfd, INDEX_PATH, INDEX_BYTES_MAX, &text, &len, &scratch);
	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		*err = scratch;
		return error_wrap(err, "index of images");
	}
	r = parse_index(text, len, ret, err);
	if (r == 0)
		r = check_index(ret, err);
	if (r < 0) {
		record_done(&image_index_type, ret);
		return error_wrap(err, "index of images");
	}
	return 0;
}

int image_index_write(const struct store *s, struct image_index *x, struct error *err)
{
	cleanup_json json_t *j = NULL;
	cleanup_free char *text = NULL;

	x->version = INDEX_VERSION;
	j = record_dump(&image_index_type, x);
	text = jdump_text(j, 0); /* read by every command: short */
	STOP_AT("image:index");
	return fs_write_atomic(s->rootfd, INDEX_PATH, text, strlen(text), 0600, FS_SYNC, err);
}

int image_lock(const struct store *s, enum lock_mode mode, struct error *err)
{
	int fd = lock_take(s->rootfd, "locks/images", mode, LOCK_WAIT_MS, err);

	return fd < 0 ? error_wrap(err, "images") : fd;
}

static int newest_first(const void *a, const void *b)
{
	const struct image_info *x = a, *y = b;

	return x->created_ns > y->created_ns ? -1 : x->created_ns < y->created_ns;
}

int image_list(const struct store *s, struct image_list *ret, struct error *err)
{
	struct image_index x;
	int r = image_index_read(s, &x, err);

	if (r < 0)
		return r;
	if (x.images.n)
		qsort(x.images.v, x.images.n, sizeof(*x.images.v), newest_first);
	*ret = x.images;
	return 0;
}

/* ---- finding ---------------------------------------------------------------------------- */

static int not_found(const char *name, struct error *err)
{
	cleanup_free char *shown = str_printable(name, strnlen(name, 200));

	return error_set(err, ENOENT, "%.200s: image not known", shown);
}

static const struct image_info *find_name(const struct image_list *l, const char *name,
					  const char **ret_name)
{
	for (size_t i = 0; i < l->n; i++)
		for (size_t j = 0; j < l->v[i].names.n; j++)
			if (is_equal(l->v[i].names.v[j], name)) {
				*ret_name = l->v[i].names.v[j];
				return &l->v[i];
			}
	return NULL;
}

/* Whether the image has that digest in that repository ("docker.io/library/nginx"). */
static bool has_digest(const struct image_info *info, const char *repository, const char *digest)
{
	cleanup_free char *full = xasprintf("%s@%s", repository, digest);
	const char *hex = digest + sizeof("sha256:") - 1;
	size_t len = strlen(repository);

	if (strlist_has(&info->digests, full))
		return true;
	if (!is_equal(info->manifest, hex) && !is_equal(info->list, hex))
		return false;
	for (size_t i = 0; i < info->names.n; i++)
		if (is_prefix(info->names.v[i], repository) && info->names.v[i][len] == ':')
			return true;
	return false;
}

/* "name@sha256:..." */
static const struct image_info *find_digest(const struct image_list *l, const struct reference *r)
{
	char repository[REFERENCE_NAME_MAX + 2];

	(void)reference_format_name(r, repository);
	for (size_t i = 0; i < l->n; i++)
		if (has_digest(&l->v[i], repository, r->digest))
			return &l->v[i];
	return NULL;
}

/* A short name that no default fits: the one image whose name ends in "/NAME:TAG". */
static int find_suffix(const struct image_list *l, const char *short_name, const char *tag,
		       const struct image_info **ret, const char **ret_name, struct error *err)
{
	cleanup_free char *end = xasprintf("/%s:%s", short_name, tag);

	for (size_t i = 0; i < l->n; i++)
		for (size_t j = 0; j < l->v[i].names.n; j++) {
			const char *have = l->v[i].names.v[j];

			if (!is_suffix(have, end))
				continue;
			if (*ret && *ret != &l->v[i])
				return error_set(err, ENOTUNIQ,
						 "image '%s' may be '%s' or '%s': "
						 "write the name in full",
						 short_name, *ret_name, have);
			*ret = &l->v[i];
			*ret_name = have;
		}
	return 0;
}

static int find_reference(const struct image_list *l, const struct reference *r,
			  const struct image_info **ret, const char **ret_name, struct error *err)
{
	char full[REFERENCE_MAX + 1];
	struct reference local = *r;
	const char *plain = is_prefix(r->path, "library/") ? r->path + 8 : r->path;

	if (r->digest[0]) {
		*ret = find_digest(l, r);
		return 0;
	}
	if (r->is_short) {
		cleanup_free char *name = xasprintf("localhost/%s:%s", plain, r->tag);

		*ret = find_name(l, name, ret_name);
	}
	if (!*ret)
		*ret = find_name(l, reference_format(&local, full), ret_name);
	if (!*ret && r->is_short)
		return find_suffix(l, plain, r->tag, ret, ret_name, err);
	return 0;
}

static int find_id(const struct image_list *l, const char *text, const struct image_info **ret,
		   struct error *err)
{
	const char *hex = is_prefix(text, "sha256:") ? text + 7 : text;
	size_t len = strlen(hex);

	if (len < ID_PREFIX_MIN || len > DIGEST_HEX_LEN || strspn(hex, "0123456789abcdef") != len)
		return 0;
	for (size_t i = 0; i < l->n; i++) {
		if (!is_prefix(l->v[i].id, hex))
			continue;
		if (*ret)
			return error_set(err, ENOTUNIQ, "image id '%s' is ambiguous", text);
		*ret = &l->v[i];
	}
	return 0;
}

int image_find(const struct image_list *l, const char *name, const struct image_info **ret,
	       const char **ret_name, struct error *err)
{
	const char *matched = NULL;
	struct error scratch = { .code = 0 };
	struct reference ref;
	int r, parsed = reference_parse(name, &ref, &scratch);

	*ret = NULL;
	r = parsed == 0 ? find_reference(l, &ref, ret, &matched, err) : 0;
	if (r == 0 && !*ret)
		r = find_id(l, name, ret, err);
	if (ret_name)
		*ret_name = matched;
	if (r < 0 || *ret)
		return r;
	if (parsed < 0 && strspn(name, "0123456789abcdef:sh") != strlen(name)) {
		*err = scratch;
		return parsed;
	}
	return not_found(name, err);
}

/* ---- resolving -------------------------------------------------------------------------- */

char *image_blob_path(char *buf, const char *hex)
{
	(void)snprintf(buf, LAYOUT_PATH_MAX, "images/blobs/sha256/%.64s", hex);
	return buf;
}

int image_read_config(const struct store *s, const struct image_info *info, char **ret,
		      size_t *ret_len, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_free char *text = NULL;
	int r = fs_read_file(s->rootfd, image_blob_path(path, info->id), CONFIG_BYTES_MAX, &text,
			     ret_len, err);

	if (r < 0)
		return r;
	if ((int64_t)*ret_len != info->config_size)
		return error_set(err, EBADMSG,
				 "configuration '%.12s' is damaged: load the image again",
				 info->id);
	*ret = steal_ptr(&text);
	return 0;
}

int image_read_manifest(const struct store *s, const char *hex, char **ret, size_t *ret_len,
			struct error *err)
{
	char path[LAYOUT_PATH_MAX];

	return fs_read_file(s->rootfd, image_blob_path(path, hex), MANIFEST_BYTES_MAX, ret, ret_len,
			    err);
}

static int read_config(const struct store *s, const struct image_info *info,
		       struct image_config *ret, struct error *err)
{
	cleanup_free char *text = NULL;
	size_t len = 0;
	int r = image_read_config(s, info, &text, &len, err);

	return r < 0 ? r : image_config_parse(text, len, ret, NULL, err);
}

int image_check_layers(const struct store *s, const struct strlist *layers, struct error *err)
{
	for (size_t i = 0; i < layers->n; i++) {
		const char *hex = layers->v[i] + sizeof("sha256:") - 1;

		if (!is_layer_complete(s, hex))
			return error_set(err, ENODATA,
					 "layer '%.12s' is missing: load the image again", hex);
	}
	return 0;
}

int image_resolve(const struct store *s, const char *name, struct image_config *ret,
		  struct error *err)
{
	cleanup_image_list struct image_list l = { .v = NULL };
	const struct image_info *info = NULL;
	const char *matched = NULL;
	struct image_config c = { .id = NULL };
	int r = image_list(s, &l, err);

	if (r == 0)
		r = image_find(&l, name, &info, &matched, err);
	if (r < 0)
		return r;
	r = read_config(s, info, &c, err);
	if (r == 0)
		r = image_check_layers(s, &c.layers, err);
	if (r < 0) {
		image_config_done(&c);
		return error_wrap(err, "image '%.200s'", name);
	}
	if (!matched && info->names.n)
		matched = info->names.v[0];
	c.reference = matched ? xstrdup(matched) : xasprintf("sha256:%s", info->id);
	c.id = xstrdup(info->id);
	*ret = c;
	return 0;
}
