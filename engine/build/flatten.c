/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flatten - what RUN --mount=type=bind,from=... shows, as one layer.
 *
 * Theory of operation: podium mounts one directory. What a stage or image shows at the source is
 * merged from its layers, so it is copied, as COPY --from would, into a layer that stands upon
 * nothing; that layer's directory is what is mounted. Its name is the digest of its content, so a
 * second step with the same source finds it there. It goes with the next sweep after the build.
 */
#include <errno.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/build/work.h"

#define TREE "/tree"

static int flatten(struct build *b, struct build_mount *m, struct error *err)
{
	const struct strlist nothing = { .v = NULL };
	const char *base = m->source ? strrchr(m->source, '/') : NULL;
	cleanup_free char *dest = NULL;
	struct build_copy_source source = { .kind = BUILD_COPY_PATH };
	struct build_copy_spec spec = { .store = b->store,
					.layers = &nothing,
					.sources = &source,
					.n_sources = 1,
					.contextfd = -1,
					.from_layers = &m->layers,
					.timestamp_s = -1 };
	struct build_layer layer = BUILD_LAYER_INIT;
	char hex[DIGEST_HEX_LEN + 1];
	int r;

	base = base ? base + 1 : m->source;
	dest = xasprintf(TREE "/%s", is_empty(base) ? "root" : base);
	source.text = m->source ? m->source : (char *)(uintptr_t) "/";
	spec.dest = dest;
	r = build_copy_apply(&spec, &layer, err);
	if (r < 0)
		return error_wrap(err, "--mount");
	strlist_done(&m->layers);
	strlist_addf(&m->layers, "sha256:%s", digest_hex(&layer.diff, hex));
	free(m->source);
	m->source = steal_ptr(&dest);
	build_keep(b, &layer.claim);
	return 0;
}

int build_flatten_mounts(struct build *b, struct build_run_spec *run, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < run->mounts.n && r == 0; i++) {
		struct build_mount *m = &run->mounts.v[i];

		if (m->kind == BUILD_MOUNT_BIND && !m->context && m->layers.n > 1)
			r = flatten(b, m, err);
	}
	return r;
}
