/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest - the one reading of manifests and indexes.
 *
 * Theory of operation: a manifest is the first thing that a registry says, and everything that is
 * fetched afterwards follows from it. So it is read strictly and once. What kind of document it is
 * must be the same by what it was called (content_type), by its own mediaType and by its members: a
 * manifest has `config` and `layers` and no `manifests`, an index the other way round
 * (CVE-2021-41190). A member that differs from a known one in case only is refused, since other
 * engines would read it. Duplicate keys are refused by jload_text(). Every digest becomes bytes here
 * (REG-6); `urls` and `data` of a descriptor are not looked at.
 *
 * What is no image is refused by name: artifacts (by the type of the configuration), layers that may
 * not be handed on (foreign), encrypted ones, schema 1. An index may list what we cannot read: it is
 * left out of the choice.
 *
 * Failures leave nothing. Limits: MANIFEST_*; the caller limits the bytes.
 */
#include "engine/image/manifest.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "engine/base/json.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/pod/spec.h"

#define MEDIA_DOCKER_LAYER_ZSTD MEDIA_DOCKER_LAYER ".zstd"
#define MEDIA_DOCKER_SCHEMA1	"application/vnd.docker.distribution.manifest.v1"
#define ANNOTATION_REF		"org.opencontainers.image.ref.name"
#define ANNOTATION_CONTAINERD	"io.containerd.image.name"
#define PLATFORMS_SHOWN		8

static void entry_done(struct manifest_entry *e)
{
	free(e->media_type);
	free(e->ref_name);
	free(e->image_name);
	platform_done(&e->platform);
}

void manifest_done(struct manifest *m)
{
	entry_done(&m->config);
	for (size_t i = 0; i < m->entries.n; i++)
		entry_done(&m->entries.v[i]);
	free(m->entries.v);
	*m = (struct manifest){ .kind = MANIFEST_IMAGE };
}

static bool is_one_of(const char *text, const char *const *list)
{
	for (size_t i = 0; list[i]; i++)
		if (is_equal(text, list[i]))
			return true;
	return false;
}

/* Text of a stranger, fit for a message. */
static char *shown(const char *text)
{
	return str_printable(text, strnlen(text, 100));
}

/* ---- what kind it is -------------------------------------------------------------------- */

static const char *const index_types[] = { MEDIA_OCI_INDEX, MEDIA_DOCKER_LIST, NULL };
static const char *const image_types[] = { MEDIA_OCI_MANIFEST, MEDIA_DOCKER_MANIFEST, NULL };
static const char *const known_keys[] = { "schemaVersion", "mediaType", "manifests", "config",
					  "layers",	   "fsLayers",	"history",   "signatures",
					  "digest",	   "size",	"platform",  NULL };

/* What servers say that know nothing of images: no word about the kind. */
static bool is_silent_type(const char *type)
{
	static const char *const silent[] = { "", "application/json", "application/octet-stream",
					      "text/plain", NULL };

	return is_one_of(type, silent);
}

/* The type without parameters; "" when it says nothing. */
static char *plain_type(const char *type)
{
	size_t len = type ? strcspn(type, "; \t") : 0;
	cleanup_free char *plain = xstrndup(type ? type : "", len);

	for (char *c = plain; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
	return is_silent_type(plain) ? xstrdup("") : steal_ptr(&plain);
}

/* A key that another reader, blind to case, would take for one we know. */
static int check_keys(const json_t *doc, struct error *err)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)doc, key, value)
		for (size_t i = 0; known_keys[i]; i++)
			if (strcasecmp(key, known_keys[i]) == 0 && !is_equal(key, known_keys[i])) {
				cleanup_free char *text = shown(key);

				return error_set(err, EBADMSG, "a member '%s' instead of '%s'",
						 text, known_keys[i]);
			}
	return 0;
}

static int refuse_type(const char *type, struct error *err)
{
	cleanup_free char *text = shown(type);

	if (is_prefix(type, MEDIA_DOCKER_SCHEMA1))
		return error_set(err, EPROTONOSUPPORT,
				 "a manifest of schema 1, which is not supported: push it again");
	return error_set(err, EPROTONOSUPPORT, "'%s' is no image", text);
}

/* What it calls itself, what others call it, what it has: all three must agree. */
static int check_kind(const json_t *doc, const char *called, struct manifest *m, struct error *err)
{
	const json_t *own_value = json_object_get(doc, "mediaType");
	const char *own = json_string_value(own_value), *type;
	bool has_manifests = json_object_get(doc, "manifests") != NULL;
	bool has_content = json_object_get(doc, "layers") || json_object_get(doc, "config") ||
			   json_object_get(doc, "fsLayers");

	if (own_value && !own)
		return error_set(err, EBADMSG, "'mediaType' is not a string");
	if (json_object_get(doc, "fsLayers") && !has_manifests && !json_object_get(doc, "layers"))
		return refuse_type(MEDIA_DOCKER_SCHEMA1, err);
	if (has_manifests == has_content && !WEAKEN("REG-7"))
		return error_set(err, EBADMSG,
				 has_manifests ? "both a manifest and an index"
					       : "neither a manifest nor an index");
	if (own && *called && !is_equal(own, called) && !WEAKEN("REG-7"))
		return error_set(err, EBADMSG, "'mediaType' is not what it was announced as");
	type = own ? own : called;
	m->kind = has_manifests ? MANIFEST_INDEX : MANIFEST_IMAGE;
	if (!*type)
		return 0;
	if (!is_one_of(type, index_types) && !is_one_of(type, image_types))
		return refuse_type(type, err);
	if (is_one_of(type, has_manifests ? image_types : index_types) && !WEAKEN("REG-7"))
		return error_set(err, EBADMSG, "'mediaType' does not fit what is in it");
	m->is_docker = is_equal(type, MEDIA_DOCKER_LIST) || is_equal(type, MEDIA_DOCKER_MANIFEST);
	return 0;
}

/* ---- descriptors ------------------------------------------------------------------------ */

static int take_descriptor(const json_t *desc, struct manifest_entry *e, struct error *err)
{
	const char *type = jget_str(desc, "mediaType");
	const json_t *size = json_object_get(desc, "size");
	int r;

	if (!json_is_object(desc))
		return error_set(err, EBADMSG, "a descriptor that is not an object");
	r = digest_parse(jget_str(desc, "digest"), &e->digest, err);
	if (r < 0) {
		err->code = EBADMSG;
		return error_wrap(err, "descriptor");
	}
	if (!type)
		return error_set(err, EBADMSG, "a descriptor without mediaType");
	if (!json_is_integer(size) || json_integer_value(size) < 0)
		return error_set(err, EBADMSG, "a descriptor without a size");
	e->media_type = xstrdup(type);
	e->size = (uint64_t)json_integer_value(size);
	return 0;
}

static int check_config_type(const struct manifest_entry *e, struct error *err)
{
	cleanup_free char *text = shown(e->media_type);

	if (is_equal(e->media_type, MEDIA_OCI_CONFIG) ||
	    is_equal(e->media_type, MEDIA_DOCKER_CONFIG))
		return 0;
	return error_set(err, EPROTONOSUPPORT, "an artifact ('%s'), not an image to run", text);
}

static int check_layer_type(const struct manifest_entry *e, struct error *err)
{
	static const char *const good[] = { MEDIA_OCI_LAYER,
					    MEDIA_OCI_LAYER_GZIP,
					    MEDIA_OCI_LAYER_ZSTD,
					    MEDIA_DOCKER_LAYER,
					    MEDIA_DOCKER_LAYER_GZIP,
					    MEDIA_DOCKER_LAYER_ZSTD,
					    NULL };
	cleanup_free char *text = shown(e->media_type);

	if (is_one_of(e->media_type, good))
		return 0;
	if (strstr(e->media_type, "nondistributable") || strstr(e->media_type, ".foreign."))
		return error_set(err, EPROTONOSUPPORT,
				 "a foreign layer ('%s'), which only its maker hands out", text);
	if (is_suffix(e->media_type, "+encrypted"))
		return error_set(err, EPROTONOSUPPORT, "an encrypted layer");
	return error_set(err, EPROTONOSUPPORT, "a layer of type '%s', not an image to run", text);
}

static int take_image(const json_t *doc, struct manifest *m, struct error *err)
{
	const json_t *layers = json_object_get(doc, "layers");
	const json_t *config = json_object_get(doc, "config");
	int r;

	if (!json_is_array(layers) || !config)
		return error_set(err, EBADMSG, "'config' or 'layers' is missing");
	if (json_array_size(layers) > MANIFEST_LAYERS_MAX)
		return error_set(err, E2BIG, "more than %d layers", MANIFEST_LAYERS_MAX);
	r = take_descriptor(config, &m->config, err);
	if (r == 0)
		r = check_config_type(&m->config, err);
	if (r < 0)
		return error_wrap(err, "'config'");
	if (!json_object_get(doc, "mediaType"))
		m->is_docker |= is_equal(m->config.media_type, MEDIA_DOCKER_CONFIG);
	for (size_t i = 0; i < json_array_size(layers); i++) {
		struct manifest_entry *e = list_add(&m->entries);

		r = take_descriptor(json_array_get(layers, i), e, err);
		if (r == 0)
			r = check_layer_type(e, err);
		if (r < 0)
			return error_wrap(err, "layer %zu", i + 1);
	}
	return 0;
}

/* A word of a platform; what is none cannot be asked for either. */
static char *platform_word(const json_t *platform, const char *key)
{
	const char *word = jget_str(platform, key);

	return word && *word && strlen(word) <= PLATFORM_WORD_MAX ? xstrdup(word) : NULL;
}

static int take_index(const json_t *doc, struct manifest *m, struct error *err)
{
	const json_t *list = json_object_get(doc, "manifests");

	if (!json_is_array(list))
		return error_set(err, EBADMSG, "'manifests' is not a list");
	if (json_array_size(list) > MANIFEST_ENTRIES_MAX)
		return error_set(err, E2BIG, "more than %d manifests", MANIFEST_ENTRIES_MAX);
	m->entries.v = xcalloc(json_array_size(list) + 1, sizeof(*m->entries.v));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *desc = json_array_get(list, i);
		const json_t *platform = json_object_get(desc, "platform");
		const json_t *notes = json_object_get(desc, "annotations");
		struct manifest_entry *e = &m->entries.v[m->entries.n++];
		int r = take_descriptor(desc, e, err);

		if (r < 0)
			return error_wrap(err, "manifest %zu", i + 1);
		e->platform.os = platform_word(platform, "os");
		e->platform.architecture = platform_word(platform, "architecture");
		e->platform.variant = platform_word(platform, "variant");
		e->ref_name = xstrdup_or_null(jget_str(notes, ANNOTATION_REF));
		e->image_name = xstrdup_or_null(jget_str(notes, ANNOTATION_CONTAINERD));
	}
	return 0;
}

static int parse(const json_t *doc, const char *called, struct manifest *m, struct error *err)
{
	const json_t *version = json_object_get(doc, "schemaVersion");
	int r = json_is_object(doc) ? 0 : error_set(err, EBADMSG, "not an object");

	if (r == 0)
		r = check_keys(doc, err);
	if (r == 0 && json_is_integer(version) && json_integer_value(version) == 1)
		r = refuse_type(MEDIA_DOCKER_SCHEMA1, err);
	if (r == 0)
		r = check_kind(doc, called, m, err);
	if (r == 0 && (!json_is_integer(version) || json_integer_value(version) != 2))
		r = error_set(err, EBADMSG, "'schemaVersion' is not 2");
	if (r < 0)
		return r;
	return m->kind == MANIFEST_INDEX ? take_index(doc, m, err) : take_image(doc, m, err);
}

int manifest_parse(const char *text, size_t len, const char *content_type, struct manifest *ret,
		   struct error *err)
{
	cleanup_free char *called = plain_type(content_type);
	cleanup_json json_t *doc = NULL;
	struct manifest m = { .kind = MANIFEST_IMAGE };
	int r = jload_text(text, len, "manifest", &doc, err);

	if (r < 0) {
		err->code = EBADMSG;
		return -EBADMSG;
	}
	r = parse(doc, called, &m, err);
	if (r < 0) {
		manifest_done(&m);
		return error_wrap(err, "manifest");
	}
	*ret = m;
	return 0;
}

/* ---- choosing from an index ------------------------------------------------------------- */

static bool is_readable(const struct manifest_entry *e)
{
	return is_one_of(e->media_type, image_types) || is_one_of(e->media_type, index_types);
}

static int no_platform(const struct manifest *index, const struct platform *p, struct error *err)
{
	cleanup_free char *want = platform_format(p);
	cleanup_buf struct buf have = BUF_INIT(300);
	cleanup_free char *text = NULL;
	size_t n = 0;

	for (size_t i = 0; i < index->entries.n && n < PLATFORMS_SHOWN; i++) {
		const struct manifest_entry *e = &index->entries.v[i];
		cleanup_free char *one = platform_format(&e->platform);

		if (is_readable(e) && e->platform.os && e->platform.architecture)
			buf_printf(&have, "%s%s", n++ ? ", " : "", one);
	}
	text = str_printable(have.data ? have.data : "", have.len);
	return error_set(err, ENOENT, "the image is not made for %s%s%s", want,
			 n ? ", but for " : "", text);
}

int manifest_select(const struct manifest *index, const struct platform *p,
		    const struct manifest_entry **ret, struct error *err)
{
	const struct manifest_entry *best = NULL, *bare = NULL;
	int best_rank = -1;
	size_t n_bare = 0;

	for (size_t i = 0; i < index->entries.n; i++) {
		const struct manifest_entry *e = &index->entries.v[i];
		int rank = platform_rank(p, &e->platform);

		if (!is_readable(e))
			continue;
		if (!e->platform.os && !e->platform.architecture) {
			bare = e;
			n_bare++;
		}
		if (rank >= 0 && (!best || rank < best_rank)) {
			best = e;
			best_rank = rank;
		}
	}
	if (!best && n_bare == 1 && index->entries.n == 1)
		best = bare; /* the only one, and it does not say: its configuration will */
	if (!best)
		return no_platform(index, p, err);
	*ret = best;
	return 0;
}

/* ---- writing ---------------------------------------------------------------------------- */

static json_t *descriptor(const struct manifest_entry *e)
{
	char hex[DIGEST_HEX_LEN + 1];

	return json_pack("{s:s, s:s+, s:I}", "mediaType", e->media_type, "digest",
			 "sha256:", digest_hex(&e->digest, hex), "size", (json_int_t)e->size);
}

char *manifest_write(const struct manifest *m)
{
	cleanup_json json_t *layers = json_array();
	cleanup_json json_t *doc = NULL;

	for (size_t i = 0; i < m->entries.n; i++)
		(void)json_array_append_new(layers, descriptor(&m->entries.v[i]));
	doc = json_pack("{s:i, s:s, s:o, s:O}", "schemaVersion", 2, "mediaType",
			m->is_docker ? MEDIA_DOCKER_MANIFEST : MEDIA_OCI_MANIFEST, "config",
			descriptor(&m->config), "layers", layers);
	return jdump_text(doc, 0);
}
