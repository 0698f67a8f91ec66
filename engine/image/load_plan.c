/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_plan - what an archive or directory says it holds, believed only as far as it can be checked.
 *
 * Theory of operation: three formats, told apart by their top file. A docker-archive has
 * manifest.json: a list of images, each with a configuration, names and layer files; newer ones are
 * OCI layouts at the same time, then manifest.json is preferred because it has the names. An OCI
 * layout (an archive or a directory) has index.json: descriptors (digest and size) lead to manifests,
 * those to configuration and layers. A `dir:` has one manifest, and blobs beside it.
 *
 * Everything small is read into memory under a limit and hashed before it is parsed (manifest.c); the
 * id of an image is the digest that we computed. A document must be what its descriptor says. Layers
 * are only located here; their bytes are checked while they are unpacked. `urls` of a layer are not
 * looked at: a layer that is not here is an error. All the texts are held until the images are there,
 * so what they take together is limited too.
 */
#include "engine/image/load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/seams.h"
#include "engine/image/reference.h"
#include "engine/image/sha256.h"

void load_image_done(struct load_image *i)
{
	free(i->config);
	free(i->manifest);
	free(i->list);
	strlist_done(&i->names);
	strlist_done(&i->digests);
	image_config_done(&i->parsed);
	image_facts_done(&i->facts);
	free(i->layers.v);
	*i = (struct load_image){ .config = NULL };
}

void load_plan_done(struct load_plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		load_image_done(&p->v[i]);
	free(p->v);
	*p = (struct load_plan){ .v = NULL };
}

int load_plan_check(const struct load_plan *p, struct error *err)
{
	size_t bytes = 0;

	for (size_t i = 0; i < p->n; i++)
		bytes += p->v[i].config_len + p->v[i].manifest_len + p->v[i].list_len;
	if (bytes > LOAD_TEXT_MAX && !WEAKEN("LOAD-TEXT"))
		return error_set(err, E2BIG,
				 "configurations and manifests of more than %d bytes: bring in "
				 "fewer images at once",
				 LOAD_TEXT_MAX);
	return 0;
}

/* ---- all formats ------------------------------------------------------------------------ */

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

int load_image_set_config(struct load_image *i, char *config, size_t len, struct error *err)
{
	struct digest d;
	int r;

	i->config = config;
	i->config_len = len;
	sha256_of(config, len, &d);
	(void)digest_hex(&d, i->id);
	r = image_config_parse(config, len, &i->parsed, &i->facts, err);
	return r < 0 ? r : match_diff_ids(i, err);
}

/* Adds a file as the next layer. */
static int add_layer(struct source *src, struct load_image *i, const char *file,
		     const struct manifest_entry *e, struct error *err)
{
	struct source_place place;
	struct intake_layer *l;
	int r;

	if (i->layers.n >= CONFIG_LAYERS_MAX)
		return error_set(err, E2BIG, "the image has more than %d layers",
				 CONFIG_LAYERS_MAX);
	r = source_find(src, file, &place, err);
	if (r < 0)
		return r;
	if (e && e->size != place.size)
		return error_set(err, EBADMSG, "layer '%s' has not the size that the manifest says",
				 file);
	l = list_add(&i->layers);
	*l = (struct intake_layer){
		.fd = place.fd, .offset = place.offset, .size = place.size, .has_blob = e != NULL
	};
	if (e)
		l->blob = e->digest;
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

static int take_docker_image(struct source *src, const json_t *entry, struct load_image *i,
			     struct error *err)
{
	const char *config = jget_str(entry, "Config");
	const json_t *layers = json_object_get(entry, "Layers");
	char *text = NULL;
	size_t len = 0;
	int r = 0;

	if (!config || !json_is_array(layers))
		return error_set(err, EBADMSG, "manifest.json: 'Config' or 'Layers' is missing");
	for (size_t n = 0; r == 0 && n < json_array_size(layers); n++) {
		const char *file = json_string_value(json_array_get(layers, n));

		r = file ? add_layer(src, i, file, NULL, err)
			 : error_set(err, EBADMSG, "manifest.json: a layer is not a string");
	}
	if (r == 0)
		r = source_read(src, config, CONFIG_BYTES_MAX, &text, &len, err);
	if (r == 0)
		r = load_image_set_config(i, text, len, err);
	return r < 0 ? r : take_docker_names(i, json_object_get(entry, "RepoTags"), err);
}

/* Keeps the image that has the name asked for, with that name alone. */
static int choose_by_name(struct load_plan *p, const char *ref, struct error *err)
{
	struct load_image wanted = { .config = NULL };
	cleanup_free char *full = NULL;
	int r = add_name(&wanted, ref, false, err);

	if (r == 0 && wanted.names.n)
		full = xstrdup(wanted.names.v[0]);
	strlist_done(&wanted.names);
	for (size_t i = 0; full && i < p->n; i++) {
		struct load_image *found = &p->v[i], keep = *found;

		if (!strlist_has(&found->names, full))
			continue;
		*found = p->v[0];
		p->v[0] = keep;
		strlist_done(&p->v[0].names);
		strlist_add(&p->v[0].names, full);
		while (p->n > 1)
			load_image_done(&p->v[--p->n]);
		return 0;
	}
	return r < 0 ? r : error_set(err, ENOENT, "the archive has no image '%.200s'", ref);
}

static int read_docker(struct source *src, const struct load_choice *choice, struct load_plan *p,
		       struct error *err)
{
	cleanup_free char *text = NULL;
	cleanup_json json_t *top = NULL;
	size_t len = 0;
	int r = source_read(src, "manifest.json", MANIFEST_BYTES_MAX, &text, &len, err);

	if (r == 0)
		r = jload_text(text, len, "manifest.json", &top, err);
	if (r == 0 && (!json_is_array(top) || !json_array_size(top) ||
		       json_array_size(top) > LOAD_IMAGES_MAX))
		r = error_set(err, EBADMSG, "manifest.json is not a list of images");
	for (size_t n = 0; r == 0 && n < json_array_size(top); n++) {
		r = take_docker_image(src, json_array_get(top, n), list_add(p), err);
		if (r == 0)
			r = load_plan_check(p, err);
	}
	return r < 0 || !choice->ref ? r : choose_by_name(p, choice->ref, err);
}

/* ---- OCI layouts and dir: --------------------------------------------------------------- */

/* Reads the blob of a descriptor and checks size and digest. */
static int read_blob(const struct source *src, const struct manifest_entry *e, size_t max,
		     char **ret, size_t *ret_len, struct error *err)
{
	cleanup_free char *name = source_blob_name(src, &e->digest);
	cleanup_free char *data = NULL;
	struct digest seen;
	int r = source_read(src, name, max, &data, ret_len, err);

	if (r < 0)
		return r;
	sha256_of(data, *ret_len, &seen);
	if (*ret_len != e->size || !is_digest_equal(&seen, &e->digest))
		return error_set(err, EBADMSG,
				 "'%s' has not the size or digest that its name promises", name);
	*ret = steal_ptr(&data);
	return 0;
}

static int take_manifest(struct source *src, const struct manifest *m, struct load_image *i,
			 struct error *err)
{
	char *text = NULL;
	size_t len = 0;
	int r = 0;

	for (size_t n = 0; r == 0 && n < m->entries.n; n++) {
		const struct manifest_entry *e = &m->entries.v[n];
		cleanup_free char *name = source_blob_name(src, &e->digest);

		r = add_layer(src, i, name, e, err);
	}
	if (r == 0)
		r = read_blob(src, &m->config, CONFIG_BYTES_MAX, &text, &len, err);
	return r < 0 ? r : load_image_set_config(i, text, len, err);
}

static int take_entry(struct source *src, const struct manifest_entry *e,
		      const struct platform *platform, int depth, struct load_image *i,
		      struct error *err);

/* Follows an index that is in i->manifest; the first one is kept as i->list. */
static int take_nested(struct source *src, const struct manifest *m,
		       const struct platform *platform, int depth, struct load_image *i,
		       struct error *err)
{
	const struct manifest_entry *e = NULL;
	int r = manifest_select(m, platform, &e, err);

	if (r < 0)
		return r;
	if (depth >= MANIFEST_DEPTH_MAX)
		return error_set(err, E2BIG, "an index in an index in an index");
	if (depth == 1) {
		memcpy(i->list_id, i->manifest_id, sizeof(i->list_id));
		i->list = steal_ptr(&i->manifest);
		i->list_len = i->manifest_len;
	}
	free(steal_ptr(&i->manifest));
	return take_entry(src, e, platform, depth + 1, i, err);
}

static int take_entry(struct source *src, const struct manifest_entry *e,
		      const struct platform *platform, int depth, struct load_image *i,
		      struct error *err)
{
	struct manifest m = { .kind = MANIFEST_IMAGE };
	int r = read_blob(src, e, MANIFEST_BYTES_MAX, &i->manifest, &i->manifest_len, err);

	if (r == 0)
		r = manifest_parse(i->manifest, i->manifest_len, e->media_type, &m, err);
	if (r < 0)
		return r;
	(void)digest_hex(&e->digest, i->manifest_id);
	r = m.kind == MANIFEST_INDEX ? take_nested(src, &m, platform, depth, i, err)
				     : take_manifest(src, &m, i, err);
	manifest_done(&m);
	return r;
}

/* A layout names its images by tags, or in full, or not at all. */
static int take_layout_name(struct load_image *i, const struct manifest_entry *e,
			    const struct load_choice *choice, struct error *err)
{
	if (e->image_name)
		return add_name(i, e->image_name, true, err);
	if (choice->name && (!e->ref_name || !strchr(e->ref_name, '/')))
		return add_name(i, choice->name, true, err);
	return e->ref_name ? add_name(i, e->ref_name, true, err) : 0;
}

static int read_layout(struct source *src, const struct load_choice *choice,
		       const struct platform *platform, struct load_plan *p, struct error *err)
{
	cleanup_free char *text = NULL;
	struct manifest top = { .kind = MANIFEST_IMAGE };
	size_t len = 0, n_taken = 0;
	int r = source_read(src, "index.json", MANIFEST_BYTES_MAX, &text, &len, err);

	if (r == 0)
		r = manifest_parse(text, len, NULL, &top, err);
	if (r < 0)
		return r;
	if (top.kind != MANIFEST_INDEX || !top.entries.n || top.entries.n > LOAD_IMAGES_MAX)
		r = error_set(err, EBADMSG, "index.json is not a list of images");
	for (size_t n = 0; r == 0 && n < top.entries.n; n++) {
		const struct manifest_entry *e = &top.entries.v[n];
		struct load_image *i;

		if (choice->ref && !is_equal(choice->ref, e->ref_name) &&
		    !is_equal(choice->ref, e->image_name))
			continue;
		if (n_taken++ && choice->single) {
			r = error_set(err, ENOTUNIQ,
				      "it has several images: choose one by its tag");
			break;
		}
		i = list_add(p);
		r = take_entry(src, e, platform, 1, i, err);
		if (r == 0)
			r = take_layout_name(i, e, choice, err);
		if (r == 0)
			r = load_plan_check(p, err);
	}
	if (r == 0 && !n_taken)
		r = error_set(err, ENOENT, "it has no image '%.200s'", choice->ref);
	manifest_done(&top);
	return r;
}

static int read_flat(struct source *src, const struct load_choice *choice, struct load_plan *p,
		     struct error *err)
{
	struct load_image *i = list_add(p);
	struct manifest m = { .kind = MANIFEST_IMAGE };
	struct digest d;
	int r = source_read(src, "manifest.json", MANIFEST_BYTES_MAX, &i->manifest,
			    &i->manifest_len, err);

	if (r == 0)
		r = manifest_parse(i->manifest, i->manifest_len, NULL, &m, err);
	if (r < 0)
		return r;
	sha256_of(i->manifest, i->manifest_len, &d);
	(void)digest_hex(&d, i->manifest_id);
	r = m.kind == MANIFEST_IMAGE
		    ? take_manifest(src, &m, i, err)
		    : error_set(err, EPROTONOSUPPORT, "an index, which has no place in 'dir:'");
	manifest_done(&m);
	return r < 0 || !choice->name ? r : add_name(i, choice->name, true, err);
}

int load_plan_read(struct source *src, const struct load_choice *choice, struct load_plan *ret,
		   struct error *err)
{
	struct load_plan p = { .v = NULL };
	struct platform host;
	int r;

	platform_host(&host);
	if (src->is_flat)
		r = read_flat(src, choice, &p, err);
	else if (src->tar && has_source_file(src, "manifest.json"))
		r = read_docker(src, choice, &p, err);
	else if (has_source_file(src, "index.json") && has_source_file(src, "oci-layout"))
		r = read_layout(src, choice, choice->platform ? choice->platform : &host, &p, err);
	else
		r = error_set(err, EBADMSG,
			      src->tar ? "neither a docker-archive (manifest.json) "
					 "nor an oci-archive (index.json)"
				       : "no OCI layout (index.json)");
	platform_done(&host);
	if (r < 0) {
		load_plan_done(&p);
		return r;
	}
	*ret = p;
	return 0;
}
