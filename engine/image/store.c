/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store - the index of images and everything that is decided under the images lock.
 *
 * Theory of operation: index.json is the one truth about which images exist. It is read whole (one
 * small object an image) and replaced whole. Readers need no lock to see a consistent index; they
 * take LOCK_SHARED when what they found must not be collected before they have pinned it. A change
 * takes LOCK_EXCLUSIVE, reads the index again, changes it, writes it with fsync, and lets go;
 * nothing is waited for in between. So the order of a commit is: layers complete (podium-image),
 * configuration and manifest blobs, index. A crash leaves blobs and layers that no image refers to,
 * and the next collection takes them.
 *
 * What pins a layer: an image in the index, or a container's spec.json, which carries its own copy
 * of the configuration. When one of these records cannot be read, nothing is collected.
 *
 * File names are made from checked ids only. A configuration is compared with the size recorded for
 * it before it is parsed; its digest was checked when it came in (podium links no hash).
 *
 * Failures leave the old index. Limits: INDEX_BYTES_MAX, SPEC_BYTES_MAX.
 */
#include "engine/image/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/record.h"
#include "engine/base/seams.h"
#include "engine/image/config.h"
#include "engine/image/digest.h"
#include "engine/image/layers.h"
#include "engine/image/reference.h"

#define INDEX_PATH	"images/index.json"
#define INDEX_VERSION	1
#define INDEX_BYTES_MAX (64 * 1024 * 1024)
#define SPEC_BYTES_MAX	(16 * 1024 * 1024)
#define LOCK_WAIT_MS	60000
#define ID_PREFIX_MIN	3

struct image_index {
	uint32_t version;
	struct image_list images;
};

#define F(n, k, m)                                                                 \
	{                                                                          \
		.name = (n), .kind = (k), .offset = offsetof(struct image_info, m) \
	}
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
static const struct record_type index_type = { "image index", sizeof(struct image_index),
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

void image_removal_done(struct image_removal *r)
{
	strlist_done(&r->untagged);
	free(r->deleted);
	r->deleted = NULL;
}

/* ---- the index -------------------------------------------------------------------------- */

/* Every id in the index becomes a file name somewhere: one that is none makes the index corrupt. */
static int check_index(const struct image_index *x, struct error *err)
{
	struct digest d;

	if (x->version > INDEX_VERSION)
		return error_set(err, EPROTO, "'%s' is of a newer podium", INDEX_PATH);
	for (size_t i = 0; i < x->images.n; i++) {
		const struct image_info *info = &x->images.v[i];

		if (!info->id || !is_id(info->id) || (info->manifest && !is_id(info->manifest)) ||
		    (info->list && !is_id(info->list)) || (info->parent && !is_id(info->parent)))
			return error_set(err, EBADMSG, "'%s' is corrupt: bad id", INDEX_PATH);
		for (size_t j = 0; j < info->layers.n; j++)
			if (digest_parse(info->layers.v[j], &d, err) < 0)
				return error_wrap(err, "'%s' is corrupt", INDEX_PATH);
	}
	return 0;
}

static int read_index(const struct store *s, struct image_index *ret, struct error *err)
{
	cleanup_json json_t *j = NULL;
	struct error scratch = { .code = 0 };
	int r;

	*ret = (struct image_index){ .version = INDEX_VERSION };
	if (s->rootfd < 0)
		return 0;
	r = jload_file(s->rootfd, INDEX_PATH, INDEX_BYTES_MAX, &j, &scratch);
	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		*err = scratch;
		return error_wrap(err, "index of images");
	}
	r = record_load(&index_type, j, ret, err);
	if (r == 0)
		r = check_index(ret, err);
	if (r < 0) {
		record_done(&index_type, ret);
		return error_wrap(err, "index of images");
	}
	return 0;
}

static int write_index(const struct store *s, struct image_index *x, struct error *err)
{
	cleanup_json json_t *j = NULL;
	cleanup_free char *text = NULL;

	x->version = INDEX_VERSION;
	j = record_dump(&index_type, x);
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
	int r = read_index(s, &x, err);

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

	return error_set(err, ENOENT,
			 "image '%.200s' is not in the local store: `podium load -i FILE` "
			 "brings images in",
			 shown);
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

static char *blob_path(char *buf, const char *hex)
{
	(void)snprintf(buf, LAYOUT_PATH_MAX, "images/blobs/sha256/%.64s", hex);
	return buf;
}

static int read_config(const struct store *s, const struct image_info *info,
		       struct image_config *ret, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_free char *text = NULL;
	size_t len = 0;
	int r = fs_read_file(s->rootfd, blob_path(path, info->id), CONFIG_BYTES_MAX, &text, &len,
			     err);

	if (r < 0)
		return r;
	if ((int64_t)len != info->config_size)
		return error_set(err, EBADMSG,
				 "configuration '%.12s' is damaged: load the image again",
				 info->id);
	return image_config_parse(text, len, ret, NULL, err);
}

static int check_layers(const struct store *s, const struct strlist *layers, struct error *err)
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
		r = check_layers(s, &c.layers, err);
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

/* ---- who uses what ---------------------------------------------------------------------- */

struct use {
	struct strlist containers; /* ids that use the image asked for */
	struct strlist layers;	   /* pinned by any container */
	bool is_doubtful;	   /* a record could not be read */
};

static void use_done(struct use *u)
{
	strlist_done(&u->containers);
	strlist_done(&u->layers);
}

static void read_use(int containersfd, const char *id, const char *image, struct use *u)
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

/* Reads every container's record. image may be NULL. */
static int find_use(const struct store *s, const char *image, struct use *ret, struct error *err)
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

/* ---- changing --------------------------------------------------------------------------- */

static void remove_string(struct strlist *l, size_t at)
{
	free(l->v[at]);
	memmove(&l->v[at], &l->v[at + 1], (l->n - at) * sizeof(*l->v)); /* NULL at the end too */
	l->n--;
}

/* Takes a name from whichever image has it. True when one had. */
static bool drop_name(struct image_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		for (size_t j = 0; j < l->v[i].names.n; j++)
			if (is_equal(l->v[i].names.v[j], name)) {
				remove_string(&l->v[i].names, j);
				return true;
			}
	return false;
}

static void drop_image(struct image_list *l, size_t at)
{
	image_info_done(&l->v[at]);
	memmove(&l->v[at], &l->v[at + 1], (l->n - at - 1) * sizeof(*l->v));
	l->n--;
}

int image_tag(const struct store *s, const char *name, const char *new_name, struct error *err)
{
	struct image_index x = { .version = 0 };
	const struct image_info *info;
	struct reference ref;
	char full[REFERENCE_MAX + 1];
	cleanup_close int lock = -EBADF;
	int r = reference_parse(new_name, &ref, err);

	if (r < 0)
		return r;
	if (ref.digest[0])
		return error_set(err, EINVAL, "a tag cannot hold a digest: '%.200s'", new_name);
	if (ref.is_short) { /* what is tagged here by a short name is ours, as Podman has it */
		const char *plain = is_prefix(ref.path, "library/") ? ref.path + 8 : ref.path;

		(void)snprintf(full, sizeof(full), "localhost/%.255s:%.128s", plain, ref.tag);
	} else {
		(void)reference_format(&ref, full);
	}
	lock = image_lock(s, LOCK_EXCLUSIVE, err);
	if (lock < 0)
		return lock;
	r = read_index(s, &x, err);
	if (r == 0)
		r = image_find(&x.images, name, &info, NULL, err);
	if (r == 0) {
		struct image_info *mine = &x.images.v[info - x.images.v];

		(void)drop_name(&x.images, full);
		strlist_add(&mine->names, full);
		r = write_index(s, &x, err);
	}
	record_done(&index_type, &x);
	return r;
}

int image_untag(const struct store *s, const char *name, struct error *err)
{
	struct image_index x = { .version = 0 };
	const struct image_info *info;
	const char *matched = NULL;
	cleanup_free char *full = NULL;
	cleanup_close int lock = image_lock(s, LOCK_EXCLUSIVE, err);
	int r;

	if (lock < 0)
		return lock;
	r = read_index(s, &x, err);
	if (r == 0)
		r = image_find(&x.images, name, &info, &matched, err);
	if (r == 0 && !matched)
		r = error_set(err, EINVAL, "'%.200s' is an id, not a name", name);
	if (r == 0) {
		full = xstrdup(matched);
		(void)drop_name(&x.images, full);
		r = write_index(s, &x, err);
	}
	record_done(&index_type, &x);
	return r;
}

/* Whether the image may go: nobody uses it, or force. */
static int check_removable(const struct store *s, const struct image_info *info, struct error *err)
{
	struct use u = { .is_doubtful = false };
	int r = find_use(s, info->id, &u, err);

	if (r == 0 && u.containers.n)
		r = error_set(err, EBUSY, "image '%.12s' is in use by container '%.12s'", info->id,
			      u.containers.v[0]);
	else if (r == 0 && u.is_doubtful)
		r = error_set(err, EBUSY,
			      "a container's record cannot be read, "
			      "and it may use image '%.12s'",
			      info->id);
	use_done(&u);
	return r;
}

/* Removes image at; matched is the name that was asked for, NULL for an id. */
static int remove_at(const struct store *s, struct image_list *l, size_t at, const char *matched,
		     bool force, struct image_removal *ret, struct error *err)
{
	struct image_info *info = &l->v[at];
	int r;

	if (matched && info->names.n > 1) {
		strlist_add(&ret->untagged, matched);
		(void)drop_name(l, ret->untagged.v[ret->untagged.n - 1]);
		return 0;
	}
	if (!matched && info->names.n > 1 && !force)
		return error_set(err, EBUSY,
				 "image '%.12s' has %zu names: remove them by name, or use --force",
				 info->id, info->names.n);
	r = force ? 0 : check_removable(s, info, err);
	if (r < 0)
		return r;
	strlist_copy(&ret->untagged, &info->names);
	ret->deleted = xstrdup(info->id);
	drop_image(l, at);
	return 0;
}

int image_remove(const struct store *s, const char *name, bool force, struct image_removal *ret,
		 struct error *err)
{
	struct image_index x = { .version = 0 };
	const struct image_info *info;
	const char *matched = NULL;
	cleanup_close int lock = image_lock(s, LOCK_EXCLUSIVE, err);
	int r;

	*ret = (struct image_removal){ .deleted = NULL };
	if (lock < 0)
		return lock;
	r = read_index(s, &x, err);
	if (r == 0)
		r = image_find(&x.images, name, &info, &matched, err);
	if (r == 0)
		r = remove_at(s, &x.images, (size_t)(info - x.images.v), matched, force, ret, err);
	if (r == 0)
		r = write_index(s, &x, err);
	record_done(&index_type, &x);
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
	return fs_write_atomic(s->rootfd, blob_path(path, hex), data, len, 0600, FS_SYNC, err);
}

/* The image's entry, made when it is new. */
static struct image_info *entry_of(struct image_list *l, const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (is_equal(l->v[i].id, id))
			return &l->v[i];
	return list_add(l);
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
		(void)drop_name(l, c->names->v[i]);
	info = entry_of(l, c->id);
	if (!info->id) {
		info->id = xstrdup(c->id);
		strlist_copy(&info->layers, c->layers);
		info->is_intermediate = c->is_intermediate;
	}
	info->is_intermediate &= c->is_intermediate;
	for (size_t i = 0; i < c->names->n; i++)
		strlist_add(&info->names, c->names->v[i]);
	fill_facts(info, c);
}

int image_commit(const struct store *s, const struct image_commit *c, struct error *err)
{
	struct image_index x = { .version = 0 };
	cleanup_close int lock = image_lock(s, LOCK_EXCLUSIVE, err);
	int r;

	if (lock < 0)
		return lock;
	r = check_layers(s, c->layers, err);
	if (r == 0)
		r = write_blob(s, c->id, c->config, c->config_len, err);
	if (r == 0 && c->manifest_id)
		r = write_blob(s, c->manifest_id, c->manifest, c->manifest_len, err);
	if (r == 0 && c->list_id)
		r = write_blob(s, c->list_id, c->list, c->list_len, err);
	if (r == 0)
		r = read_index(s, &x, err);
	if (r < 0)
		return r;
	fill_entry(&x.images, c);
	r = write_index(s, &x, err);
	record_done(&index_type, &x);
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

static int collect_locked(const struct store *s, struct error *err)
{
	struct image_index x = { .version = 0 };
	struct use u = { .is_doubtful = false };
	int r = read_index(s, &x, err);

	if (r < 0)
		return r;
	r = find_use(s, NULL, &u, err);
	for (size_t i = 0; i < x.images.n; i++)
		for (size_t j = 0; j < x.images.v[i].layers.n; j++)
			if (!strlist_has(&u.layers, x.images.v[i].layers.v[j]))
				strlist_add(&u.layers, x.images.v[i].layers.v[j]);
	if (r == 0 && !u.is_doubtful) {
		r = collect_blobs(s, &x.images, err);
		if (r == 0)
			r = layers_sweep(s, &u.layers, err);
	}
	use_done(&u);
	record_done(&index_type, &x);
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
