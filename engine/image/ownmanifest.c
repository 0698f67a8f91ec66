/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ownmanifest - a manifest where nobody gave one.
 *
 * Theory of operation: a docker-archive holds no manifest, and a new image has none before it is
 * pushed. People and `--digests` want one all the same; so the one is made that the image would have
 * if its layers were kept as plain tar files: the digest of such a blob is the diff id, its size is
 * known from the record of the layer's headers. The same image gets the same digest everywhere.
 */
#include "engine/image/ownmanifest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "engine/image/manifest.h"
#include "engine/image/sha256.h"
#include "engine/image/tarsplit.h"
#include "engine/pod/spec.h"

static int tar_size(const struct store *s, const char *hex, uint64_t *ret, struct error *err)
{
	cleanup_free char *path = xasprintf("layers/%.64s/split", hex);
	cleanup_close int fd = openat(s->rootfd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return error_set(err, ENODATA, "layer '%.12s' has no record of its tar", hex);
	return fd < 0 ? error_errno(err, "open '%s'", path) : tarsplit_size(fd, ret, err);
}

static int add_layer(const struct store *s, const char *diff_id, struct manifest *m,
		     struct error *err)
{
	struct manifest_entry *e = list_add(&m->entries);
	int r = digest_parse(diff_id, &e->digest, err);

	e->media_type = xstrdup(m->is_docker ? MEDIA_DOCKER_LAYER : MEDIA_OCI_LAYER);
	return r < 0 ? r : tar_size(s, diff_id + strlen("sha256:"), &e->size, err);
}

int own_manifest_make(const struct store *s, const char *config, const struct strlist *diff_ids,
		      bool is_docker, struct own_manifest *ret, struct error *err)
{
	struct manifest m = { .kind = MANIFEST_IMAGE, .is_docker = is_docker };
	struct digest d;
	int r = 0;

	m.config.media_type = xstrdup(is_docker ? MEDIA_DOCKER_CONFIG : MEDIA_OCI_CONFIG);
	m.config.size = strlen(config);
	sha256_of(config, strlen(config), &m.config.digest);
	for (size_t i = 0; r == 0 && i < diff_ids->n; i++)
		r = add_layer(s, diff_ids->v[i], &m, err);
	if (r == 0) {
		ret->text = manifest_write(&m);
		sha256_of(ret->text, strlen(ret->text), &d);
		(void)digest_hex(&d, ret->hex);
	}
	manifest_done(&m);
	return r;
}
