/* SPDX-License-Identifier: Apache-2.0 */
/*
 * save - images of the store as docker-archive, OCI layout or "dir:".
 *
 * Theory of operation: each image is opened (outimage.h) and kept from being collected while it is
 * written. A docker-archive has plain layers: their size is known from the record of their headers,
 * so the confined child writes the tar straight into the archive behind the header that we wrote.
 * The other formats have compressed blobs, named by digests that are known afterwards: they are
 * spooled (savedest.h), two at once. A layer, a configuration that several images share is written
 * once.
 *
 *	docker-archive	<diff id>.tar ..., <image id>.json, manifest.json
 *	OCI		blobs/sha256/<hex>, oci-layout, index.json
 *	dir:		<hex>, version, manifest.json
 *
 * The configuration leaves as it came, so whoever loads it has the same image id. index.json of a
 * layout that is there keeps its other entries.
 */
#include "engine/image/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/image/outimage.h"
#include "engine/image/savedest.h"
#include "engine/image/sha256.h"
#include "engine/image/tarhead.h"
#include "engine/pod/spec.h"

#define ANNOTATION_REF "org.opencontainers.image.ref.name"
#define INDEX_MAX      (4 * 1024 * 1024)
#define STREAMS_MAX    2
#define LAYOUT_TEXT    "{\"imageLayoutVersion\": \"1.0.0\"}"
#define VERSION_TEXT   "Directory Transport Version: 1.1\n"

const char *save_format_str(enum save_format f)
{
	static const char *const names[] = { "docker-archive", "oci-archive", "oci-dir",
					     "docker-dir" };

	_Static_assert(ARRAY_SIZE(names) == SAVE__COUNT, "every format has a name");
	return names[f];
}

struct save {
	const struct store *store;
	const struct save_options *o;
	struct savedest dest;
	json_t *entries; /* of manifest.json or index.json */
	struct digest manifest;
};

static void say(const struct save *s, const char *what, const char *hex)
{
	cleanup_free char *line = xasprintf("%s%.12s", what, hex);

	if (s->o->report)
		s->o->report(s->o->arg, &(struct out_event){ .text = line });
}

static void tell(const struct save *s, const struct outlayer *l, const char *state)
{
	if (s->o->report)
		s->o->report(s->o->arg,
			     &(struct out_event){ .layer = l->claim.hex, .state = state });
}

static bool is_oci_layout(const struct save *s)
{
	return s->o->format == SAVE_OCI_ARCHIVE || s->o->format == SAVE_OCI_DIR;
}

/* ---- docker-archive --------------------------------------------------------------------- */

static int write_tar_layer(struct save *s, const struct outlayer *l, const char *name,
			   struct error *err)
{
	struct tarhead h = { .name = name, .type = TARHEAD_FILE, .mode = 0644 };
	struct outstream stream = OUTSTREAM_INIT;
	struct pack_result result;
	int r = outlayer_tar_size(l, &h.size, err);

	if (r == 0)
		r = tarhead_write(&h, tarhead_to_fd, &s->dest.fd, err);
	if (r == 0)
		r = outstream_start(&stream, l, DEFLATE_NONE, DEFLATE_LEVEL_DEFAULT, s->dest.fd,
				    err);
	if (r == 0)
		r = outstream_end(&stream, &result, err);
	outstream_done(&stream);
	if (r == 0 && result.blob_bytes != h.size)
		r = error_set(err, EBADMSG, "layer '%.12s' has another size than recorded",
			      l->claim.hex);
	if (r == 0)
		r = tarhead_pad(h.size, tarhead_to_fd, &s->dest.fd, err);
	if (r == 0)
		strlist_add(&s->dest.written, name);
	return r;
}

/* The entry of an image in manifest.json, made when it is new. Borrowed. */
static json_t *docker_entry(struct save *s, const struct outimage *o, const char *config)
{
	json_t *entry, *layers = json_array();
	size_t i;

	json_array_foreach (s->entries, i, entry) {
		if (is_equal(jget_str(entry, "Config"), config)) {
			json_decref(layers);
			return entry;
		}
	}
	for (i = 0; i < o->layers.n; i++)
		(void)json_array_append_new(layers,
					    json_sprintf("%s.tar", o->layers.v[i].claim.hex));
	entry = json_pack("{s:s, s:[], s:o}", "Config", config, "RepoTags", "Layers", layers);
	(void)json_array_append_new(s->entries, entry);
	return entry;
}

static void add_tag(json_t *entry, const char *name)
{
	json_t *tags = json_object_get(entry, "RepoTags"), *tag;
	size_t i;

	json_array_foreach (tags, i, tag) {
		if (is_equal(json_string_value(tag), name))
			return;
	}
	(void)json_array_append_new(tags, json_string(name));
}

static void add_tags(const struct save *s, json_t *entry, const struct outimage *o, bool is_first)
{
	const char *name = s->o->ref ? s->o->ref : o->name;

	if (!is_empty(name))
		add_tag(entry, name);
	for (size_t i = 0; is_first && s->o->tags && i < s->o->tags->n; i++)
		add_tag(entry, s->o->tags->v[i]);
}

static int save_docker(struct save *s, const struct outimage *o, bool is_first, struct error *err)
{
	cleanup_free char *config = xasprintf("%s.json", o->id);
	int r = 0;

	for (size_t i = 0; r == 0 && i < o->layers.n; i++) {
		cleanup_free char *name = xasprintf("%s.tar", o->layers.v[i].claim.hex);

		if (strlist_has(&s->dest.written, name))
			continue;
		tell(s, &o->layers.v[i], "begun");
		r = write_tar_layer(s, &o->layers.v[i], name, err);
		if (r == 0)
			tell(s, &o->layers.v[i], "done");
	}
	if (r < 0)
		return r;
	say(s, "Copying config ", o->id);
	add_tags(s, docker_entry(s, o, config), o, is_first);
	return savedest_bytes(&s->dest, config, o->config, o->config_len, err);
}

/* ---- blobs ------------------------------------------------------------------------------ */

static char *blob_name(const struct save *s, const struct digest *d)
{
	char hex[DIGEST_HEX_LEN + 1];

	return xasprintf("%s%s", is_oci_layout(s) ? "blobs/sha256/" : "", digest_hex(d, hex));
}

/* One layer on its way into a blob. */
struct blob_work {
	struct outstream stream;
	struct savespool spool;
};

static int begin_blob(struct save *s, const struct outlayer *l, struct blob_work *w,
		      struct error *err)
{
	int r = savedest_spool(&s->dest, &w->spool, err);

	if (r < 0)
		return r;
	tell(s, l, "begun");
	return outstream_start(&w->stream, l, s->o->kind, s->o->level, w->spool.fd, err);
}

static int end_blob(struct save *s, struct blob_work *w, struct outblob *ret, struct error *err)
{
	struct pack_result result;
	cleanup_free char *name = NULL;
	int r = outstream_end(&w->stream, &result, err);

	if (r < 0)
		return r;
	*ret = (struct outblob){ .digest = result.blob,
				 .size = result.blob_bytes,
				 .kind = s->o->kind };
	name = blob_name(s, &result.blob);
	r = savedest_keep(&s->dest, &w->spool, name, result.blob_bytes, err);
	savedest_spool_done(&s->dest, &w->spool);
	if (r == 0)
		tell(s, w->stream.layer, "done");
	return r;
}

/* The next ones begin before the first is waited for. */
static int write_layers(struct save *s, const struct outimage *o, struct outblob *blobs,
			struct error *err)
{
	struct blob_work works[STREAMS_MAX];
	size_t begun = 0;
	int r = 0;

	for (size_t i = 0; i < STREAMS_MAX; i++)
		works[i] = (struct blob_work){ OUTSTREAM_INIT, SAVESPOOL_INIT };
	for (size_t i = 0; r == 0 && i < o->layers.n; i++) {
		while (r == 0 && begun < o->layers.n && begun < i + STREAMS_MAX) {
			r = begin_blob(s, &o->layers.v[begun], &works[begun % STREAMS_MAX], err);
			begun++;
		}
		if (r == 0)
			r = end_blob(s, &works[i % STREAMS_MAX], &blobs[i], err);
	}
	for (size_t i = 0; i < STREAMS_MAX; i++) {
		outstream_done(&works[i].stream);
		savedest_spool_done(&s->dest, &works[i].spool);
	}
	return r;
}

static bool is_as_it_came(const struct outimage *o, const struct outblob *blobs)
{
	for (size_t i = 0; i < o->layers.n; i++)
		if (!o->layers.v[i].has_blob ||
		    !is_digest_equal(&o->layers.v[i].blob, &blobs[i].digest))
			return false;
	return o->manifest != NULL;
}

/* Layers, configuration, manifest. *ret is the manifest, the caller's. */
static int write_image(struct save *s, const struct outimage *o, bool is_docker, char **ret,
		       struct error *err)
{
	cleanup_free struct outblob *blobs = xcalloc(o->layers.n + 1, sizeof(*blobs));
	cleanup_free char *name = NULL;
	struct digest config;
	int r = write_layers(s, o, blobs, err);

	if (r < 0)
		return r;
	say(s, "Copying config ", o->id);
	sha256_of(o->config, o->config_len, &config);
	name = blob_name(s, &config);
	r = savedest_bytes(&s->dest, name, o->config, o->config_len, err);
	if (r < 0)
		return r;
	*ret = o->is_docker == is_docker && is_as_it_came(o, blobs)
		       ? xstrndup(o->manifest, o->manifest_len)
		       : out_manifest(o, blobs, is_docker);
	sha256_of(*ret, strlen(*ret), &s->manifest);
	return 0;
}

static int save_dir(struct save *s, const struct outimage *o, struct error *err)
{
	cleanup_free char *manifest = NULL;
	int r = write_image(s, o, !s->o->is_oci, &manifest, err);

	say(s, "Writing manifest to image destination", "");
	if (r == 0)
		r = savedest_bytes(&s->dest, "version", VERSION_TEXT, strlen(VERSION_TEXT), err);
	return r < 0 ? r
		     : savedest_bytes(&s->dest, "manifest.json", manifest, strlen(manifest), err);
}

/* ---- OCI layout ------------------------------------------------------------------------- */

/* Entries of the layout that is there, without the one of our name. */
static int read_index(struct save *s, const char *ref, struct error *err)
{
	cleanup_json json_t *top = NULL;
	struct error scratch = { .code = 0 };
	json_t *entry;
	size_t i;
	int r = jload_file(s->dest.fd, "index.json", INDEX_MAX, &top, &scratch);

	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		*err = scratch;
		return error_wrap(err, "the layout that is there");
	}
	json_array_foreach (json_object_get(top, "manifests"), i, entry) {
		const char *has = jget_str(json_object_get(entry, "annotations"), ANNOTATION_REF);

		if (!is_equal(has ? has : "", ref ? ref : ""))
			(void)json_array_append(s->entries, entry);
	}
	return 0;
}

static int save_oci(struct save *s, const struct outimage *o, struct error *err)
{
	const char *ref = s->o->ref ? s->o->ref : o->name;
	char hex[DIGEST_HEX_LEN + 1];
	cleanup_free char *manifest = NULL;
	cleanup_free char *name = NULL;
	json_t *entry;
	int r = write_image(s, o, false, &manifest, err);

	if (r < 0)
		return r;
	say(s, "Writing manifest to image destination", "");
	name = blob_name(s, &s->manifest);
	r = savedest_bytes(&s->dest, name, manifest, strlen(manifest), err);
	if (r == 0)
		r = savedest_bytes(&s->dest, "oci-layout", LAYOUT_TEXT, strlen(LAYOUT_TEXT), err);
	if (r == 0 && s->dest.is_dir)
		r = read_index(s, ref, err);
	entry = json_pack("{s:s, s:s+, s:I}", "mediaType", MEDIA_OCI_MANIFEST, "digest",
			  "sha256:", digest_hex(&s->manifest, hex), "size",
			  (json_int_t)strlen(manifest));
	if (!is_empty(ref))
		(void)json_object_set_new(entry, "annotations",
					  json_pack("{s:s}", ANNOTATION_REF, ref));
	(void)json_array_append_new(s->entries, entry);
	return r;
}

/* ---- all -------------------------------------------------------------------------------- */

static int save_one(struct save *s, const char *image, bool is_first, struct error *err)
{
	cleanup_outimage struct outimage o = OUTIMAGE_INIT;
	int r = outimage_open(s->store, image, &o, err);

	if (r < 0)
		return r;
	if (s->o->format == SAVE_DOCKER_ARCHIVE)
		return save_docker(s, &o, is_first, err);
	return is_oci_layout(s) ? save_oci(s, &o, err) : save_dir(s, &o, err);
}

/* The document that names the others comes last. */
static int write_top(struct save *s, struct error *err)
{
	cleanup_json json_t *index = NULL;
	cleanup_free char *text = NULL;
	int r = 0;

	if (s->o->format == SAVE_DOCKER_ARCHIVE) {
		text = jdump_text(s->entries, 0);
		r = savedest_bytes(&s->dest, "manifest.json", text, strlen(text), err);
	} else if (is_oci_layout(s)) {
		index = json_pack("{s:i, s:O}", "schemaVersion", 2, "manifests", s->entries);
		text = jdump_text(index, 0);
		r = savedest_bytes(&s->dest, "index.json", text, strlen(text), err);
	}
	return r < 0 || s->dest.is_dir ? r : tarhead_end(tarhead_to_fd, &s->dest.fd, err);
}

int image_save(const struct store *store, const struct save_options *o, int outfd,
	       struct digest *ret_manifest, struct error *err)
{
	struct save s = { .store = store, .o = o, .entries = json_array() };
	cleanup_close int spool =
		openat(store->rootfd, "images", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	s.dest = (struct savedest){ .fd = outfd, .spoolfd = spool };
	s.dest.is_dir = o->format == SAVE_OCI_DIR || o->format == SAVE_DOCKER_DIR;
	if (spool < 0)
		r = error_errno(err, "open 'images'");
	if (r == 0 && o->images->n > 1 && o->format != SAVE_DOCKER_ARCHIVE)
		r = error_set(err, EINVAL, "%s holds one image", save_format_str(o->format));
	for (size_t i = 0; r == 0 && i < o->images->n; i++)
		r = save_one(&s, o->images->v[i], i == 0, err);
	if (r == 0)
		r = write_top(&s, err);
	savedest_done(&s.dest);
	json_decref(s.entries);
	if (r == 0 && ret_manifest && o->format != SAVE_DOCKER_ARCHIVE)
		*ret_manifest = s.manifest;
	return r;
}
