/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base - the images that a build begins with or copies from.
 *
 * Theory of operation: a name is looked for in the store and pulled as --pull says. What was found is
 * claimed layer by layer under the shared images lock, so nobody collects it while the build runs,
 * whatever happens to its name.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/build/cache.h"
#include "engine/build/work.h"
#include "engine/image/manifest.h"
#include "engine/image/pull.h"
#include "engine/image/store.h"

int build_hold(struct build *b, const struct strlist *layers, struct error *err)
{
	for (size_t i = 0; i < layers->n; i++) {
		struct layer_claim claim = LAYER_CLAIM_INIT;
		struct digest d;
		int r = digest_parse(layers->v[i], &d, err);

		if (r == 0)
			r = layer_claim(b->store, &d, &claim, err);
		if (r < 0)
			return error_wrap(err, "layer '%.19s'", layers->v[i]);
		if (!claim.complete) {
			layer_claim_done(&claim);
			return error_set(err, ENODATA, "layer '%.19s' is missing", layers->v[i]);
		}
		build_keep(b, &claim);
	}
	return 0;
}

static bool is_for(const struct image_info *info, const struct platform *p)
{
	return (!info->os || is_equal(info->os, p->os)) &&
	       (!info->architecture || is_equal(info->architecture, p->architecture)) &&
	       (!p->variant || !info->variant || is_equal(info->variant, p->variant));
}

/* 1: found, its layers are held, *ret is its id. */
static int find_local(struct build *b, const char *name, const struct platform *p, char ret[65],
		      struct error *err)
{
	cleanup_close int lock = image_lock(b->store, LOCK_SHARED, err);
	cleanup_image_list struct image_list l = { .v = NULL };
	const struct image_info *info = NULL;
	struct error scratch = { .code = 0 };
	int r = lock < 0 ? lock : image_list(b->store, &l, err);

	if (r < 0)
		return r;
	r = image_find(&l, name, &info, NULL, &scratch);
	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		*err = scratch;
		return r;
	}
	if (p && !is_for(info, p))
		return 0;
	(void)snprintf(ret, 65, "%.64s", info->id);
	r = build_hold(b, &info->layers, err);
	return r < 0 ? error_wrap(err, "image '%.200s'", name) : 1;
}

struct bringing {
	const struct build *b;
	char id[65];
	struct error err;
};

static void on_load(void *arg, const struct load_event *e)
{
	struct bringing *g = arg;

	if (e->kind == LOAD_IMAGE)
		(void)snprintf(g->id, sizeof(g->id), "%.64s", e->id);
	else if (e->kind == LOAD_FAILED)
		(void)error_set(&g->err, e->code, "%.480s", e->text);
	else
		g->b->ops->load(g->b->ops->load_arg, e);
}

static int pull(struct build *b, const char *name, const struct platform *p, char ret[65],
		struct error *err)
{
	static const enum pull_policy policies[] = { PULL_MISSING, PULL_ALWAYS, PULL_NEVER,
						     PULL_NEWER };
	const struct build_options *o = b->options;
	struct bringing g = { .b = b };
	cleanup_credentials struct credentials creds = { .user = NULL };
	struct pull_item item = { .name = name, .policy = policies[o->pull] };
	struct pull_options options = {
		.v = &item,
		.n = 1,
		.platform = p,
		.registry = { .authfile = o->authfile,
			      .creds = o->creds ? &creds : NULL,
			      .cert_dir = o->cert_dir,
			      .tls_verify = (int)o->tls_verify },
	};
	int r = o->creds ? credentials_parse(o->creds, &creds, err) : 0;

	if (r == 0)
		r = image_pull(b->store, &options, on_load, &g, err);
	if (r == 0 && g.err.code) {
		*err = g.err;
		r = -g.err.code;
	}
	if (r == 0 && !*g.id)
		r = error_set(err, EIO, "image '%.200s' was not brought in", name);
	if (r == 0)
		(void)snprintf(ret, 65, "%s", g.id);
	return r;
}

/* Brings an image by the policy and holds it. */
static int bring(struct build *b, const char *name, const struct platform *p, char ret[65],
		 struct error *err)
{
	int pulled = b->options->pull, r = 0;

	if (pulled == BUILD_PULL_MISSING || pulled == BUILD_PULL_NEVER) {
		r = find_local(b, name, p, ret, err);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	r = pull(b, name, p, ret, err);
	if (r == 0)
		r = find_local(b, ret, NULL, ret, err);
	if (r == 0)
		r = error_set(err, ENOENT, "image '%.200s' was removed again", name);
	return r < 0 ? r : 0;
}

static int stage_platform(const struct build *b, const struct stage *stage, struct platform *ret,
			  struct error *err)
{
	const char *text = stage->platform ? stage->platform : b->options->platform;

	if (text)
		return platform_parse(text, ret, err);
	platform_host(ret);
	return 0;
}

int build_base(struct build *b, const struct stage *stage, struct build_state *ret,
	       struct error *err)
{
	struct platform p = { .os = NULL };
	bool is_asked = stage->platform || b->options->platform;
	int r = stage_platform(b, stage, &p, err);

	ret->escape = b->file.escape;
	if (r == 0 && is_equal(stage->base, "scratch")) {
		ret->conf.os = xstrdup(p.os);
		ret->conf.architecture = xstrdup(p.architecture);
		ret->conf.variant = xstrdup_or_null(p.variant);
	} else if (r == 0) {
		r = bring(b, stage->base, is_asked ? &p : NULL, ret->image, err);
		if (r == 0)
			r = build_read_conf(b->store, ret->image, &ret->conf, err);
	}
	platform_done(&p);
	return r;
}

int build_other_image(struct build *b, const char *name, struct strlist *ret, struct error *err)
{
	cleanup_image_conf struct image_conf conf = { .author = NULL };
	char id[65] = "";
	int r = bring(b, name, NULL, id, err);

	if (r == 0)
		r = build_read_conf(b->store, id, &conf, err);
	if (r == 0)
		strlist_copy(ret, &conf.run.layers);
	return r;
}
