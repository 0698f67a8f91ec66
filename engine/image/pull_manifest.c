/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pull_manifest - asks, checks, reads.
 *
 * Theory of operation: the routes of an image are tried in order; the first that has the manifest is
 * put in front, and everything that follows from it is asked there first. A route that fails, lies or
 * has nothing is passed over; the last one's error counts, since that is the registry itself.
 *
 * Every document is hashed by the client or here before it is read: what an index or a manifest names
 * must have the size, the digest and the type that was said there (REG-7, REG-8). An index may lead
 * to one more index, not further.
 */
#include "engine/image/pull_manifest.h"

#include <errno.h>
#include <string.h>

#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/image/sha256.h"

void pull_place_free(struct pull_place *p)
{
	if (!p)
		return;
	free(p->image);
	route_list_done(&p->routes);
	registry_manifest_done(&p->top);
	free(p);
}

/* ---- asking ----------------------------------------------------------------------------- */

static int no_route(struct error *err)
{
	return error_set(err, ENOENT, "no registry has it");
}

static void put_first(struct route_list *l, size_t at)
{
	struct registry_route best = l->v[at];

	memmove(&l->v[1], &l->v[0], at * sizeof(*l->v));
	l->v[0] = best;
}

/* The last place's failure, and in short what the mirrors before it said. */
static void add_failure(struct error *err, const struct error *one, bool is_first)
{
	const struct error before = *err;

	if (is_first)
		*err = *one;
	else
		(void)error_set(err, one->code, "%.240s; before that: %.220s", one->text,
				before.text);
}

int pull_top(struct registry *reg, struct pull_place *place, const char *wanted, struct error *err)
{
	int r = place->routes.n ? 0 : no_route(err);

	for (size_t i = 0; i < place->routes.n; i++) {
		struct error one = { .code = 0 };

		r = registry_get_manifest(reg, &place->routes.v[i], wanted, &place->top, &one);
		if (r == 0) {
			put_first(&place->routes, i);
			return 0;
		}
		add_failure(err, &one, i == 0);
	}
	return r;
}

int pull_head(struct registry *reg, const struct pull_place *place, const char *wanted,
	      struct digest *ret, struct error *err)
{
	int r = place->routes.n ? 0 : no_route(err);

	for (size_t i = 0; i < place->routes.n; i++) {
		struct error one = { .code = 0 };

		r = registry_head_manifest(reg, &place->routes.v[i], wanted, ret, &one);
		if (r == 0)
			return 0;
		add_failure(err, &one, i == 0);
	}
	return r;
}

int pull_tags(struct registry *reg, const struct pull_place *place, struct strlist *ret,
	      struct error *err)
{
	int r = place->routes.n ? 0 : no_route(err);

	for (size_t i = 0; i < place->routes.n; i++) {
		struct error one = { .code = 0 };

		r = registry_list_tags(reg, &place->routes.v[i], ret, &one);
		if (r == 0)
			return 0;
		strlist_done(ret);
		add_failure(err, &one, i == 0);
	}
	return r;
}

/* A manifest that another document names. */
static int get_named(struct registry *reg, const struct pull_place *place,
		     const struct manifest_entry *e, struct registry_manifest *ret,
		     struct error *err)
{
	char hex[DIGEST_HEX_LEN + 1];
	cleanup_free char *wanted = xasprintf("sha256:%s", digest_hex(&e->digest, hex));
	int r = no_route(err);

	for (size_t i = 0; i < place->routes.n; i++) {
		struct error one = { .code = 0 };

		r = registry_get_manifest(reg, &place->routes.v[i], wanted, ret, &one);
		if (r == 0)
			break;
		*err = one;
	}
	if (r < 0)
		return r;
	if ((ret->len != e->size || !is_digest_equal(&ret->digest, &e->digest)) && !WEAKEN("REG-8"))
		return error_set(
			err, EBADMSG,
			"manifest 'sha256:%.12s' has not the size or digest that the index "
			"says",
			hex);
	return 0;
}

static int get_config(struct registry *reg, const struct pull_place *place,
		      const struct manifest_entry *e, char **ret, struct error *err)
{
	const struct blob_want want = { .digest = e->digest, .size = e->size };
	int r = no_route(err);

	if (e->size > CONFIG_BYTES_MAX)
		return error_set(err, E2BIG, "the configuration is larger than %d bytes",
				 CONFIG_BYTES_MAX);
	for (size_t i = 0; i < place->routes.n; i++) {
		struct error one = { .code = 0 };

		r = registry_get_blob(reg, &place->routes.v[i], &want, CONFIG_BYTES_MAX, ret, &one);
		if (r == 0)
			return 0;
		add_failure(err, &one, i == 0);
	}
	return r;
}

/* ---- reading ---------------------------------------------------------------------------- */

/* Both what the registry and what the index called it must be what it is. */
static int read_named(const struct registry_manifest *raw, const struct manifest_entry *e,
		      struct manifest *ret, struct error *err)
{
	int r = manifest_parse(raw->body, raw->len, e->media_type, ret, err);

	if (r < 0)
		return r;
	manifest_done(ret);
	return manifest_parse(raw->body, raw->len, raw->media_type, ret, err);
}

static void set_layers(const struct pull_place *place, const struct manifest *m,
		       struct load_image *i)
{
	for (size_t n = 0; n < m->entries.n; n++)
		*list_add(&i->layers) = (struct intake_layer){ .blob = m->entries.v[n].digest,
							       .has_blob = true,
							       .size = m->entries.v[n].size,
							       .fd = -1,
							       .routes = &place->routes,
							       .image = place->image };
}

static int take_manifest(struct registry *reg, const struct pull_place *place,
			 const struct manifest *m, struct load_image *i, struct error *err)
{
	char *config = NULL;
	int r = get_config(reg, place, &m->config, &config, err);

	if (r < 0)
		return error_wrap(err, "configuration");
	set_layers(place, m, i);
	return load_image_set_config(i, config, (size_t)m->config.size, err);
}

/* Follows an index down to a manifest, which replaces *m; its text goes to i->manifest. */
static int follow_index(struct registry *reg, const struct pull_place *place,
			const struct platform *platform, struct manifest *m, struct load_image *i,
			struct error *err)
{
	for (int depth = 1; m->kind == MANIFEST_INDEX; depth++) {
		const struct manifest_entry *e = NULL;
		struct registry_manifest raw = { .body = NULL };
		struct manifest next = { .kind = MANIFEST_IMAGE };
		int r = manifest_select(m, platform, &e, err);

		if (r == 0 && depth > MANIFEST_DEPTH_MAX)
			r = error_set(err, E2BIG, "an index in an index in an index");
		if (r == 0)
			r = get_named(reg, place, e, &raw, err);
		if (r == 0)
			r = read_named(&raw, e, &next, err);
		if (r == 0) {
			free(i->manifest);
			i->manifest = steal_ptr(&raw.body);
			i->manifest_len = raw.len;
			(void)digest_hex(&raw.digest, i->manifest_id);
			manifest_done(m);
			*m = next;
		}
		registry_manifest_done(&raw);
		if (r < 0)
			return r;
	}
	return 0;
}

int pull_image(struct registry *reg, struct pull_place *place, const struct platform *platform,
	       struct load_image *ret, struct error *err)
{
	const struct registry_manifest *top = &place->top;
	struct manifest m = { .kind = MANIFEST_IMAGE };
	int r = manifest_parse(top->body, top->len, top->media_type, &m, err);

	if (r < 0)
		return r;
	if (m.kind == MANIFEST_INDEX) {
		(void)digest_hex(&top->digest, ret->list_id);
		ret->list_len = top->len;
		ret->list = steal_ptr(&place->top.body);
		r = follow_index(reg, place, platform, &m, ret, err);
	} else {
		(void)digest_hex(&top->digest, ret->manifest_id);
		ret->manifest_len = top->len;
		ret->manifest = steal_ptr(&place->top.body);
	}
	if (r == 0)
		r = take_manifest(reg, place, &m, ret, err);
	manifest_done(&m);
	return r;
}
