/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outimage - an image on its way out of the store.
 *
 * Theory of operation: under the shared images lock the image is found and each of its layers
 * claimed; then the lock goes, since a push may take long, and the claims keep what is needed. The
 * configuration leaves as the very bytes that came. The manifest is kept beside it when the store
 * has it and it fits the configuration: it says as which blobs the layers came, and when all of
 * them are used again, it leaves as it came too.
 *
 * A layer's tar is made again by pack.c and compared with its diff id before anybody relies on it.
 * As which blob a layer was pushed is noted in layers/<hex>/blobs, one line a kind of compression,
 * so that a second push to a registry that has it sends nothing:
 *
 *	gzip sha256:<hex> <bytes>
 *
 * The notes are hints: the registry is asked whether it has the blob.
 */
#include "engine/image/outimage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/seams.h"
#include "engine/image/config.h"
#include "engine/image/sha256.h"
#include "engine/image/store.h"
#include "engine/image/tarsplit.h"
#include "engine/pod/spec.h"

#define NOTES_MAX 4096

static const char *const kind_names[] = { "none", "gzip", "zstd" };

void outimage_done(struct outimage *o)
{
	for (size_t i = 0; i < o->layers.n; i++)
		layer_claim_done(&o->layers.v[i].claim);
	free(o->layers.v);
	free(o->name);
	free(o->config);
	free(o->manifest);
	strlist_done(&o->digests);
	*o = OUTIMAGE_INIT;
}

/* ---- opening ---------------------------------------------------------------------------- */

/* Reads a document of the store whose name is its digest. */
static int read_document(const struct store *s, const char *hex, size_t max, char **ret,
			 size_t *ret_len, struct error *err)
{
	cleanup_free char *path = xasprintf("images/blobs/sha256/%.64s", hex);
	cleanup_free char *text = NULL;
	char seen[DIGEST_HEX_LEN + 1];
	struct digest d;
	int r = fs_read_file(s->rootfd, path, max, &text, ret_len, err);

	if (r < 0)
		return r;
	sha256_of(text, *ret_len, &d);
	if (!is_equal(digest_hex(&d, seen), hex))
		return error_set(err, EBADMSG, "'%s' is damaged: load or pull the image again",
				 path);
	*ret = steal_ptr(&text);
	return 0;
}

static int claim_layer(const struct store *s, const char *diff_id, struct outimage *o,
		       struct error *err)
{
	struct outlayer *l = list_add(&o->layers);
	struct error scratch = { .code = 0 };
	char hex[DIGEST_HEX_LEN + 1];
	int r;

	l->claim = LAYER_CLAIM_INIT;
	r = digest_parse(diff_id, &l->diff, err);
	if (r < 0)
		return r;
	(void)digest_hex(&l->diff, hex);
	/* A claim of one that is not complete would begin to fill it. */
	if (!is_layer_complete(s, hex))
		return error_set(err, ENODATA, "layer '%.12s' is missing: load or pull it again",
				 hex);
	r = layer_claim(s, &l->diff, &l->claim, &scratch);
	if (r < 0)
		return error_set(err, -r, "layer '%.12s': %.300s", hex, scratch.text);
	return 0;
}

static enum deflate_kind kind_of(const char *media_type)
{
	if (is_suffix(media_type, "gzip"))
		return DEFLATE_GZIP;
	return is_suffix(media_type, "zstd") ? DEFLATE_ZSTD : DEFLATE_NONE;
}

/* Takes what the manifest says of the layers; one that does not fit is as good as none. */
static void take_manifest(const struct store *s, const char *hex, struct outimage *o)
{
	struct manifest m = { .kind = MANIFEST_IMAGE };
	struct error scratch;
	cleanup_free char *text = NULL;
	char config[DIGEST_HEX_LEN + 1];
	size_t len = 0;

	if (read_document(s, hex, MANIFEST_BYTES_MAX, &text, &len, &scratch) < 0 ||
	    manifest_parse(text, len, NULL, &m, &scratch) < 0)
		return;
	if (m.kind == MANIFEST_IMAGE && m.entries.n == o->layers.n &&
	    is_equal(digest_hex(&m.config.digest, config), o->id)) {
		for (size_t i = 0; i < m.entries.n; i++) {
			o->layers.v[i].has_blob = true;
			o->layers.v[i].blob = m.entries.v[i].digest;
			o->layers.v[i].blob_size = m.entries.v[i].size;
			o->layers.v[i].blob_kind = kind_of(m.entries.v[i].media_type);
		}
		o->is_docker = m.is_docker;
		o->manifest = steal_ptr(&text);
		o->manifest_len = len;
	}
	manifest_done(&m);
}

static int open_found(const struct store *s, const struct image_info *info, struct outimage *o,
		      struct error *err)
{
	struct image_config c = { .id = NULL };
	struct image_facts f = { .created_ns = 0 };
	int r;

	(void)snprintf(o->id, sizeof(o->id), "%s", info->id);
	strlist_copy(&o->digests, &info->digests);
	r = read_document(s, info->id, CONFIG_BYTES_MAX, &o->config, &o->config_len, err);
	if (r == 0)
		r = image_config_parse(o->config, o->config_len, &c, &f, err);
	for (size_t i = 0; r == 0 && i < f.diff_ids.n; i++)
		r = claim_layer(s, f.diff_ids.v[i], o, err);
	image_config_done(&c);
	image_facts_done(&f);
	if (r == 0 && info->manifest)
		take_manifest(s, info->manifest, o);
	return r;
}

int outimage_open(const struct store *s, const char *name, struct outimage *ret, struct error *err)
{
	cleanup_image_list struct image_list l = { .v = NULL };
	cleanup_outimage struct outimage o = OUTIMAGE_INIT;
	cleanup_close int lock = image_lock(s, LOCK_SHARED, err);
	const struct image_info *info = NULL;
	const char *matched = NULL;
	int r = lock < 0 ? lock : image_list(s, &l, err);

	if (r == 0)
		r = image_find(&l, name, &info, &matched, err);
	if (r < 0)
		return r;
	o.name = xstrdup_or_null(matched);
	r = open_found(s, info, &o, err);
	if (r < 0)
		return error_wrap(err, "image '%.200s'", name);
	*ret = o;
	o = OUTIMAGE_INIT;
	return 0;
}

/* ---- layers ----------------------------------------------------------------------------- */

static int open_split(const struct outlayer *l, struct error *err)
{
	int fd = openat(l->claim.dirfd, "split", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		return error_set(
			err, ENODATA,
			"layer '%.12s' came in by an older podium, which kept no record of "
			"its tar: remove the image and load or pull it again",
			l->claim.hex);
	return error_errno(err, "open the record of layer '%.12s'", l->claim.hex);
}

int outlayer_tar_size(const struct outlayer *l, uint64_t *ret, struct error *err)
{
	cleanup_close int fd = open_split(l, err);
	int r = fd < 0 ? fd : tarsplit_size(fd, ret, err);

	return r < 0 && fd >= 0 ? error_wrap(err, "layer '%.12s'", l->claim.hex) : r;
}

int outstream_start(struct outstream *s, const struct outlayer *layer, enum deflate_kind kind,
		    int level, int outfd, struct error *err)
{
	*s = OUTSTREAM_INIT;
	s->layer = layer;
	s->plan.kind = kind;
	s->plan.level = level;
	s->plan.outfd = outfd;
	s->plan.splitfd = open_split(layer, err);
	if (s->plan.splitfd < 0)
		return s->plan.splitfd;
	s->plan.treefd = layer_open_diff(&layer->claim, err);
	return s->plan.treefd < 0 ? s->plan.treefd : pack_start(&s->plan, &s->job, err);
}

static void close_stream(struct outstream *s)
{
	if (s->plan.splitfd >= 0)
		(void)close(steal_fd(&s->plan.splitfd));
	if (s->plan.treefd >= 0)
		(void)close(steal_fd(&s->plan.treefd));
}

int outstream_end(struct outstream *s, struct pack_result *ret, struct error *err)
{
	int r = pack_wait(&s->job, ret, err);

	close_stream(s);
	if (r == 0 && !WEAKEN("OUT-DIGEST") && !is_digest_equal(&ret->diff, &s->layer->diff))
		r = error_set(err, EBADMSG,
			      "its files are not those any more that came, or one name came twice: "
			      "it cannot leave under its digest");
	return r < 0 && r != -EPIPE ? error_wrap(err, "layer '%.12s'", s->layer->claim.hex) : r;
}

void outstream_done(struct outstream *s)
{
	job_end(&s->job);
	close_stream(s);
}

/* ---- documents -------------------------------------------------------------------------- */

/* The media type of a layer's blob. */
static const char *layer_media_type(enum deflate_kind kind, bool is_docker)
{
	static const char *const types[][2] = {
		[DEFLATE_NONE] = { MEDIA_OCI_LAYER, MEDIA_DOCKER_LAYER },
		[DEFLATE_GZIP] = { MEDIA_OCI_LAYER_GZIP, MEDIA_DOCKER_LAYER_GZIP },
		[DEFLATE_ZSTD] = { MEDIA_OCI_LAYER_ZSTD, MEDIA_DOCKER_LAYER ".zstd" },
	};

	return types[kind][is_docker];
}

char *out_manifest(const struct outimage *o, const struct outblob *blobs, bool is_docker)
{
	struct manifest m = { .kind = MANIFEST_IMAGE, .is_docker = is_docker };
	char *text;

	m.config.media_type = xstrdup(is_docker ? MEDIA_DOCKER_CONFIG : MEDIA_OCI_CONFIG);
	m.config.size = o->config_len;
	sha256_of(o->config, o->config_len, &m.config.digest);
	for (size_t i = 0; i < o->layers.n; i++) {
		struct manifest_entry *e = list_add(&m.entries);

		e->media_type = xstrdup(layer_media_type(blobs[i].kind, is_docker));
		e->digest = blobs[i].digest;
		e->size = blobs[i].size;
	}
	text = manifest_write(&m);
	manifest_done(&m);
	return text;
}

/* ---- notes ------------------------------------------------------------------------------ */

static char *read_notes(const struct outlayer *l)
{
	struct error scratch;
	char *text = NULL;

	if (fs_read_file(l->claim.dirfd, "blobs", NOTES_MAX, &text, NULL, &scratch) < 0)
		return xstrdup("");
	return text;
}

/* Reads "kind sha256:<hex> bytes"; false for a line of another kind or shape. */
static bool take_note(const char *line, size_t len, enum deflate_kind kind, struct outblob *ret)
{
	cleanup_free char *copy = xstrndup(line, len);
	char *name = strchr(copy, ' '), *size = name ? strchr(name + 1, ' ') : NULL;
	struct error scratch;

	if (!size)
		return false;
	*name++ = '\0';
	*size++ = '\0';
	ret->kind = kind;
	return is_equal(copy, kind_names[kind]) &&
	       digest_parse(name, &ret->digest, &scratch) == 0 &&
	       parse_u64(size, INT64_MAX, &ret->size) == 0;
}

bool has_outlayer_noted(const struct outlayer *l, enum deflate_kind kind, struct outblob *ret)
{
	cleanup_free char *text = read_notes(l);

	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (take_note(p, strcspn(p, "\n"), kind, ret))
			return true;
	return false;
}

void outlayer_note_blob(const struct outlayer *l, const struct outblob *b)
{
	cleanup_free char *old = read_notes(l);
	cleanup_buf struct buf text = BUF_INIT(NOTES_MAX);
	char hex[DIGEST_HEX_LEN + 1];
	struct outblob ignored;
	struct error scratch;

	for (const char *p = old; *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (!take_note(p, strcspn(p, "\n"), b->kind, &ignored))
			buf_printf(&text, "%.*s\n", (int)strcspn(p, "\n"), p);
	buf_printf(&text, "%s sha256:%s %llu\n", kind_names[b->kind], digest_hex(&b->digest, hex),
		   (unsigned long long)b->size);
	/* Without the note the next push sends the layer again: no reason to fail for. */
	if (!text.overflow)
		error_ignore(fs_write_atomic(l->claim.dirfd, "blobs", text.data, text.len, 0600,
					     FS_NOSYNC, &scratch));
}
