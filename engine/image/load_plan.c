/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_plan - what an archive says it holds, believed only as far as it can be checked.
 *
 * Theory of operation: two formats, told apart by their top file. A docker-archive has
 * manifest.json: a list of images, each with a configuration, names and layer files; newer ones are
 * OCI layouts at the same time, then manifest.json is preferred because it has the names. An
 * oci-archive has index.json: descriptors (digest and size) lead to manifests, those to
 * configuration and layers.
 *
 * Everything small is read into memory under a limit and hashed before it is parsed; the id of an
 * image is the digest that we computed. A document must be what its descriptor says: one that could
 * be read both as a manifest and as an index is refused (CVE-2021-41190). Layers are only located
 * here; their bytes are checked while they are unpacked. `urls` of a layer are not looked at: a
 * layer that is not in the archive is an error.
 */
#include "engine/image/load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "engine/base/json.h"
#include "engine/image/reference.h"
#include "engine/image/sha256.h"

#define ANNOTATION_REF	      "org.opencontainers.image.ref.name"
#define ANNOTATION_CONTAINERD "io.containerd.image.name"

static void load_image_done(struct load_image *i)
{
	free(i->config);
	free(i->manifest);
	strlist_done(&i->names);
	image_config_done(&i->parsed);
	image_facts_done(&i->facts);
	free(i->layers.v);
}

void load_plan_done(struct load_plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		load_image_done(&p->v[i]);
	free(p->v);
	*p = (struct load_plan){ .v = NULL };
}

/* ---- both formats ----------------------------------------------------------------------- */

/* Parses the configuration that is in i->config; its digest becomes the id. */
static int take_config(struct load_image *i, struct error *err)
{
	struct digest d;

	sha256_of(i->config, i->config_len, &d);
	(void)digest_hex(&d, i->id);
	return image_config_parse(i->config, i->config_len, &i->parsed, &i->facts, err);
}

/* Adds the layer file of that name as the next layer. */
static int add_layer(const struct tarball *t, struct load_image *i, const char *file,
		     const struct digest *blob, struct error *err)
{
	const struct tarball_member *m = tarball_find(t, file);
	struct load_layer *l;
	cleanup_free char *shown = str_printable(file, strnlen(file, 200));

	if (!m)
		return error_set(err, ENOENT, "the archive has no layer '%s'", shown);
	if (i->layers.n >= CONFIG_LAYERS_MAX)
		return error_set(err, E2BIG, "the image has more than %d layers",
				 CONFIG_LAYERS_MAX);
	l = list_add(&i->layers);
	l->offset = m->offset;
	l->size = m->size;
	l->has_blob = blob != NULL;
	if (blob)
		l->blob = *blob;
	return 0;
}

/* Gives each layer the diff id that the configuration promises. */
static int match_diff_ids(struct load_image *i, struct error *err)
{
	if (i->layers.n != i->facts.diff_ids.n)
		return error_set(err, EBADMSG,
				 "the image has %zu layers, but its configuration names %zu",
				 i->layers.n, i->facts.diff_ids.n);
	for (size_t n = 0; n < i->layers.n; n++) {
		int r = digest_parse(i->facts.diff_ids.v[n], &i->layers.v[n].diff, err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Adds a name. local: a short one is of this machine (localhost/), not of docker.io. */
static int add_name(struct load_image *i, const char *text, bool local, struct error *err)
{
	char full[REFERENCE_MAX + 1];
	struct reference ref;
	int r = reference_parse(text, &ref, err);

	if (r < 0)
		return r;
	if (ref.digest[0])
		return 0; /* not a tag: the digest is known without it */
	if (local && ref.is_short) {
		const char *plain = is_prefix(ref.path, "library/") ? ref.path + 8 : ref.path;

		(void)snprintf(full, sizeof(full), "localhost/%.255s:%.128s", plain, ref.tag);
	} else {
		(void)reference_format(&ref, full);
	}
	if (!strlist_has(&i->names, full))
		strlist_add(&i->names, full);
	return 0;
}

/* ---- docker-archive --------------------------------------------------------------------- */

static int take_docker_names(struct load_image *i, const json_t *tags, struct error *err)
{
	if (tags && !json_is_null(tags) && !json_is_array(tags))
		return error_set(err, EBADMSG, "manifest.json: 'RepoTags' is not a list");
	for (size_t n = 0; n < json_array_size(tags) && n < LOAD_IMAGES_MAX; n++) {
		const char *tag = json_string_value(json_array_get(tags, n));
		int r = tag ? add_name(i, tag, false, err)
			    : error_set(err, EBADMSG, "manifest.json: a tag is not a string");

		if (r < 0)
			return r;
	}
	return 0;
}

static int take_docker_image(const struct tarball *t, const json_t *entry, struct load_image *i,
			     struct error *err)
{
	const char *config = jget_str(entry, "Config");
	const json_t *layers = json_object_get(entry, "Layers");
	int r;

	if (!config || !json_is_array(layers))
		return error_set(err, EBADMSG, "manifest.json: 'Config' or 'Layers' is missing");
	r = tarball_read(t, config, CONFIG_BYTES_MAX, &i->config, &i->config_len, err);
	if (r == 0)
		r = take_config(i, err);
	for (size_t n = 0; r == 0 && n < json_array_size(layers); n++) {
		const char *file = json_string_value(json_array_get(layers, n));

		r = file ? add_layer(t, i, file, NULL, err)
			 : error_set(err, EBADMSG, "manifest.json: a layer is not a string");
	}
	if (r == 0)
		r = match_diff_ids(i, err);
	return r < 0 ? r : take_docker_names(i, json_object_get(entry, "RepoTags"), err);
}

static int read_docker(const struct tarball *t, struct load_plan *p, struct error *err)
{
	cleanup_free char *text = NULL;
	cleanup_json json_t *top = NULL;
	size_t len = 0;
	int r = tarball_read(t, "manifest.json", LOAD_MANIFEST_MAX, &text, &len, err);

	if (r == 0)
		r = jload_text(text, len, "manifest.json", &top, err);
	if (r == 0 && (!json_is_array(top) || !json_array_size(top) ||
		       json_array_size(top) > LOAD_IMAGES_MAX))
		r = error_set(err, EBADMSG, "manifest.json is not a list of images");
	for (size_t n = 0; r == 0 && n < json_array_size(top); n++)
		r = take_docker_image(t, json_array_get(top, n), list_add(p), err);
	return r;
}

/* ---- oci-archive ------------------------------------------------------------------------ */

/* Reads a descriptor's digest and size. */
static int take_descriptor(const json_t *desc, struct digest *ret, int64_t *ret_size,
			   struct error *err)
{
	int r = digest_parse(jget_str(desc, "digest"), ret, err);

	if (r < 0)
		return error_wrap(err, "descriptor");
	*ret_size = jget_int(desc, "size", -1);
	return *ret_size < 0 ? error_set(err, EBADMSG, "descriptor without a size") : 0;
}

static char *blob_name(const struct digest *d)
{
	char hex[DIGEST_HEX_LEN + 1];

	return xasprintf("blobs/sha256/%s", digest_hex(d, hex));
}

/* Reads the blob of a descriptor and checks size and digest. */
static int read_blob(const struct tarball *t, const json_t *desc, size_t max, char **ret,
		     size_t *ret_len, struct digest *ret_digest, struct error *err)
{
	cleanup_free char *name = NULL;
	cleanup_free char *data = NULL;
	struct digest seen;
	int64_t size = 0;
	int r = take_descriptor(desc, ret_digest, &size, err);

	if (r < 0)
		return r;
	name = blob_name(ret_digest);
	r = tarball_read(t, name, max, &data, ret_len, err);
	if (r < 0)
		return r;
	sha256_of(data, *ret_len, &seen);
	if ((int64_t)*ret_len != size || !is_digest_equal(&seen, ret_digest))
		return error_set(err, EBADMSG,
				 "'%s' has not the size or digest that its name promises", name);
	*ret = steal_ptr(&data);
	return 0;
}

static bool is_index_type(const char *type)
{
	return is_equal(type, "application/vnd.oci.image.index.v1+json") ||
	       is_equal(type, "application/vnd.docker.distribution.manifest.list.v2+json");
}

static bool is_manifest_type(const char *type)
{
	return is_equal(type, "application/vnd.oci.image.manifest.v1+json") ||
	       is_equal(type, "application/vnd.docker.distribution.manifest.v2+json");
}

/* What kind of document it is must be the same by its descriptor, its mediaType and its members. */
static int check_kind(const json_t *doc, const char *type, bool *ret_is_index, struct error *err)
{
	const char *own = jget_str(doc, "mediaType");
	bool has_manifests = json_object_get(doc, "manifests") != NULL;
	bool has_layers = json_object_get(doc, "layers") || json_object_get(doc, "config") ||
			  json_object_get(doc, "fsLayers");

	if (!json_is_object(doc) || has_manifests == has_layers)
		return error_set(err, EBADMSG, "a document that is not one of manifest and index");
	if (type && own && !is_equal(type, own))
		return error_set(err, EBADMSG,
				 "a document whose mediaType is not its descriptor's");
	type = type ? type : own;
	if (type && !(has_manifests ? is_index_type(type) : is_manifest_type(type)))
		return error_set(err, EPROTONOSUPPORT, "an artifact or document of unknown type");
	*ret_is_index = has_manifests;
	return 0;
}

static int take_oci_layer(const struct tarball *t, struct load_image *i, const json_t *desc,
			  struct error *err)
{
	const char *type = jget_str(desc, "mediaType");
	cleanup_free char *name = NULL;
	struct digest d;
	int64_t size = 0;
	int r = take_descriptor(desc, &d, &size, err);

	if (r < 0)
		return r;
	if (type && !strstr(type, "tar"))
		return error_set(err, EPROTONOSUPPORT,
				 "the image is an artifact: a layer is no tar");
	name = blob_name(&d);
	r = add_layer(t, i, name, &d, err);
	if (r == 0 && i->layers.v[i->layers.n - 1].size != (uint64_t)size)
		r = error_set(err, EBADMSG, "layer '%s' has not the size that the manifest says",
			      name);
	return r;
}

static int take_oci_manifest(const struct tarball *t, const json_t *doc, struct load_image *i,
			     struct error *err)
{
	const json_t *layers = json_object_get(doc, "layers");
	struct digest d;
	int r;

	if (!json_is_array(layers))
		return error_set(err, EBADMSG, "manifest without layers");
	r = read_blob(t, json_object_get(doc, "config"), CONFIG_BYTES_MAX, &i->config,
		      &i->config_len, &d, err);
	if (r == 0)
		r = take_config(i, err);
	for (size_t n = 0; r == 0 && n < json_array_size(layers); n++)
		r = take_oci_layer(t, i, json_array_get(layers, n), err);
	return r < 0 ? r : match_diff_ids(i, err);
}

/* This machine's name in image indexes. */
static const char *own_architecture(void)
{
	static const struct {
		const char *machine, *arch;
	} table[] = { { "x86_64", "amd64" },   { "aarch64", "arm64" },	 { "armv7l", "arm" },
		      { "i686", "386" },       { "ppc64le", "ppc64le" }, { "s390x", "s390x" },
		      { "riscv64", "riscv64" } };
	struct utsname u;

	for (size_t i = 0; uname(&u) == 0 && i < ARRAY_SIZE(table); i++)
		if (is_equal(u.machine, table[i].machine))
			return table[i].arch;
	return "";
}

static const json_t *choose_platform(const json_t *manifests)
{
	for (size_t n = 0; n < json_array_size(manifests); n++) {
		const json_t *desc = json_array_get(manifests, n);
		const json_t *platform = json_object_get(desc, "platform");

		if (is_equal(jget_str(platform, "architecture"), own_architecture()) &&
		    is_equal(jget_str(platform, "os"), "linux"))
			return desc;
	}
	return NULL;
}

static int take_oci_descriptor(const struct tarball *t, const json_t *desc, int depth,
			       struct load_image *i, struct error *err)
{
	cleanup_json json_t *doc = NULL;
	struct digest d;
	bool is_index = false;
	int r = read_blob(t, desc, LOAD_MANIFEST_MAX, &i->manifest, &i->manifest_len, &d, err);

	if (r == 0)
		r = jload_text(i->manifest, i->manifest_len, "manifest", &doc, err);
	if (r == 0)
		r = check_kind(doc, jget_str(desc, "mediaType"), &is_index, err);
	if (r < 0)
		return r;
	(void)digest_hex(&d, i->manifest_id);
	if (!is_index)
		return take_oci_manifest(t, doc, i, err);
	desc = choose_platform(json_object_get(doc, "manifests"));
	if (!desc)
		return error_set(err, ENOENT, "the image is not made for linux/%s",
				 own_architecture());
	if (depth >= LOAD_INDEX_DEPTH_MAX)
		return error_set(err, E2BIG, "an index in an index in an index");
	free(steal_ptr(&i->manifest));
	return take_oci_descriptor(t, desc, depth + 1, i, err);
}

static int take_oci_image(const struct tarball *t, const json_t *desc, struct load_image *i,
			  struct error *err)
{
	const json_t *notes = json_object_get(desc, "annotations");
	const char *full = jget_str(notes, ANNOTATION_CONTAINERD);
	const char *ref = jget_str(notes, ANNOTATION_REF);
	int r = take_oci_descriptor(t, desc, 1, i, err);

	if (r < 0)
		return r;
	if (full)
		return add_name(i, full, true, err);
	return ref ? add_name(i, ref, true, err) : 0;
}

static int read_oci(const struct tarball *t, struct load_plan *p, struct error *err)
{
	cleanup_free char *text = NULL;
	cleanup_json json_t *top = NULL;
	const json_t *manifests;
	size_t len = 0;
	bool is_index = false;
	int r = tarball_read(t, "index.json", LOAD_MANIFEST_MAX, &text, &len, err);

	if (r == 0)
		r = jload_text(text, len, "index.json", &top, err);
	if (r == 0)
		r = check_kind(top, NULL, &is_index, err);
	manifests = json_object_get(top, "manifests");
	if (r == 0 && (!is_index || !json_is_array(manifests) || !json_array_size(manifests) ||
		       json_array_size(manifests) > LOAD_IMAGES_MAX))
		r = error_set(err, EBADMSG, "index.json is not a list of images");
	for (size_t n = 0; r == 0 && n < json_array_size(manifests); n++)
		r = take_oci_image(t, json_array_get(manifests, n), list_add(p), err);
	return r;
}

int load_plan_read(const struct tarball *t, struct load_plan *ret, struct error *err)
{
	struct load_plan p = { .v = NULL };
	int r;

	if (tarball_find(t, "manifest.json"))
		r = read_docker(t, &p, err);
	else if (tarball_find(t, "index.json") && tarball_find(t, "oci-layout"))
		r = read_oci(t, &p, err);
	else
		r = error_set(err, EBADMSG,
			      "neither a docker-archive (manifest.json) "
			      "nor an oci-archive (index.json)");
	if (r < 0) {
		load_plan_done(&p);
		return r;
	}
	*ret = p;
	return 0;
}
