/* SPDX-License-Identifier: Apache-2.0 */
/*
 * putimage - writes an image that was made here.
 *
 * Theory of operation: before it is written a configuration is read once as a stranger's, so nothing
 * gets into the store that would not be taken back. The size is the sum of what the layers hold on
 * the disk; the manifest names them uncompressed, since that is all that is known of them.
 */
#include "engine/build/putimage.h"

#include <string.h>

#include "engine/image/layers.h"
#include "engine/image/ownmanifest.h"
#include "engine/image/sha256.h"
#include "engine/image/store.h"

void put_layer(struct image_conf *c, const struct digest *diff)
{
	struct strlist *layers = &c->run.layers;
	char hex[DIGEST_HEX_LEN + 1];

	strlist_addf(&c->diff_ids, "sha256:%s", digest_hex(diff, hex));
	/* each once, where it is highest: what a container mounts */
	strlist_done(layers);
	for (size_t i = 0; i < c->diff_ids.n; i++) {
		struct strlist above = { .v = c->diff_ids.v + i + 1, .n = c->diff_ids.n - i - 1 };

		if (!strlist_has(&above, c->diff_ids.v[i]))
			strlist_add(layers, c->diff_ids.v[i]);
	}
}

static int sum_layers(const struct store *s, const struct strlist *layers, int64_t *ret,
		      struct error *err)
{
	*ret = 0;
	for (size_t i = 0; i < layers->n; i++) {
		int64_t bytes = 0;
		int r = layer_size(s, layers->v[i] + strlen("sha256:"), &bytes, err);

		if (r < 0)
			return r;
		*ret += bytes;
	}
	return 0;
}

static int check(const char *text, struct error *err)
{
	cleanup_image_conf struct image_conf copy = { .author = NULL };

	return image_conf_parse(text, strlen(text), &copy, err);
}

int put_image(const struct store *s, const struct put_image *p, char ret_id[DIGEST_HEX_LEN + 1],
	      struct error *err)
{
	const struct image_conf *c = p->conf;
	cleanup_free char *text = image_conf_write(c);
	cleanup_free char *manifest = NULL;
	struct own_manifest own = { .text = NULL };
	struct error scratch = { .code = 0 };
	struct digest id;
	int64_t size = 0;
	int r = check(text, err);

	if (r == 0)
		r = sum_layers(s, &c->run.layers, &size, err);
	if (r < 0)
		return r;
	/* Layers of an older podium have no record of their size: nothing but --digests misses it. */
	r = own_manifest_make(s, text, &c->diff_ids, p->is_docker, &own, &scratch);
	manifest = own.text;
	if (r < 0 && p->is_docker) {
		*err = scratch;
		return r;
	}
	sha256_of(text, strlen(text), &id);
	return image_commit(s,
			    &(struct image_commit){ .id = digest_hex(&id, ret_id),
						    .config = text,
						    .config_len = strlen(text),
						    .manifest_id = manifest ? own.hex : NULL,
						    .manifest = manifest,
						    .manifest_len = manifest ? strlen(manifest) : 0,
						    .names = p->names,
						    .layers = &c->run.layers,
						    .created_ns = c->created_ns,
						    .size_bytes = size,
						    .architecture = c->architecture,
						    .os = c->os,
						    .variant = c->variant,
						    .author = c->author,
						    .parent = p->parent,
						    .is_intermediate = p->is_intermediate },
			    err);
}
