/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pull - images from registries, layouts and archives into the store.
 *
 *	request	{"images": [{"name": "nginx", "policy": POLICY, "auths": ["<JSON text>", ...]}, ...],
 *		 "authfile": "...", "creds": "USER:PASSWORD", "cert-dir": "...", "tls-verify": bool,
 *		 "platform": "os/arch[/variant]", "all-tags": bool}
 *		All but "images" and "name" may be missing; POLICY is "always", "missing", "newer" or
 *		"never".
 *	events	events.c; every image ends in one "image" (with all tags: one a tag) or one "failed"
 */
#include <errno.h>
#include <string.h>

#include "cmd/podium-image/verb.h"
#include "engine/base/json.h"
#include "engine/image/pull.h"

#define IMAGES_MAX 10000
#define AUTHS_MAX  100

/* The request, taken apart. */
struct request {
	struct pull_item *items;
	struct strlist *auths; /* one list an item */
	size_t n;
	struct platform platform;
	struct credentials creds;
};

static void request_done(struct request *q)
{
	for (size_t i = 0; i < q->n; i++) {
		for (size_t j = 0; j < q->auths[i].n; j++)
			explicit_bzero(q->auths[i].v[j], strlen(q->auths[i].v[j]));
		strlist_done(&q->auths[i]);
	}
	free(q->items);
	free(q->auths);
	platform_done(&q->platform);
	credentials_done(&q->creds);
}

static int take_item(const json_t *j, struct pull_item *item, struct strlist *auths,
		     struct error *err)
{
	const json_t *texts = json_object_get(j, "auths");

	item->name = jget_str(j, "name");
	if (!item->name)
		return error_set(err, EINVAL, "pull: an image without a name");
	for (size_t i = 0; i < json_array_size(texts) && i < AUTHS_MAX; i++) {
		const char *text = json_string_value(json_array_get(texts, i));

		if (text)
			strlist_add(auths, text);
	}
	item->docker_configs = auths;
	return pull_policy_parse(jget_str(j, "policy"), &item->policy, err);
}

static int take_items(struct request *q, const json_t *images, struct error *err)
{
	size_t n = json_array_size(images);

	if (!n || n > IMAGES_MAX)
		return error_set(err, EINVAL, "pull: no images, or too many");
	q->items = xcalloc(n, sizeof(*q->items));
	q->auths = xcalloc(n, sizeof(*q->auths));
	for (; q->n < n; q->n++) {
		struct pull_item *item = &q->items[q->n];
		int r = take_item(json_array_get(images, q->n), item, &q->auths[q->n], err);

		item->index = q->n;
		if (r < 0)
			return r;
	}
	return 0;
}

static int pull(struct verb_context *ctx, const json_t *request, struct request *q,
		struct error *err)
{
	const char *platform = jget_str(request, "platform");
	const char *creds = jget_str(request, "creds");
	const json_t *verify = json_object_get(request, "tls-verify");
	struct pull_options o = {
		.all_tags = jget_bool(request, "all-tags", false),
		.registry = { .authfile = jget_str(request, "authfile"),
			      .cert_dir = jget_str(request, "cert-dir"),
			      .tls_verify = json_is_boolean(verify) ? json_is_true(verify) : -1 },
	};
	int r = take_items(q, json_object_get(request, "images"), err);

	if (r == 0 && platform)
		r = platform_parse(platform, &q->platform, err);
	if (r == 0 && creds)
		r = credentials_parse(creds, &q->creds, err);
	if (r < 0)
		return r;
	o.v = q->items;
	o.n = q->n;
	o.platform = platform ? &q->platform : NULL;
	o.registry.creds = creds ? &q->creds : NULL;
	return image_pull(&ctx->store, &o, verb_tell_load, NULL, err);
}

static int run(struct verb_context *ctx, const json_t *request, struct error *err)
{
	struct request q = { .items = NULL };
	int r = pull(ctx, request, &q, err);

	request_done(&q);
	return r;
}

const struct verb verb_pull = { .name = "pull", .run = run };
