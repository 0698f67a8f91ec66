/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest - fetches the document that a registry has under a name: a manifest or an index.
 *
 *	request	{"name": "nginx", "authfile": "...", "creds": "USER:PASSWORD", "cert-dir": "...",
 *		 "tls-verify": bool}; all but "name" may be missing
 *	events	none; the document's bytes are written to the data descriptor
 *
 * Candidates of a short name, and mirrors, are tried in order; the last failure counts. The bytes
 * are parsed (manifest.h) before they are handed on, and nothing is stored.
 */
#include <errno.h>
#include <string.h>

#include "cmd/podium-image/verb.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/image/manifest.h"
#include "engine/image/reference.h"
#include "engine/image/registry.h"

static int fetch_from(struct registry *reg, const struct route_list *routes, const char *wanted,
		      struct registry_manifest *ret, struct error *err)
{
	int r = error_set(err, ENOENT, "no registry is known for it");

	for (size_t i = 0; i < routes->n; i++) {
		struct error one = { .code = 0 };

		r = registry_get_manifest(reg, &routes->v[i], wanted, ret, &one);
		if (r == 0)
			return 0;
		*err = one;
	}
	return r;
}

/* One candidate for the name. */
static int fetch_one(const struct registries *conf, struct registry *reg,
		     const struct reference *ref, struct registry_manifest *ret, struct error *err)
{
	cleanup_routes struct route_list routes = { .v = NULL };
	int r = registries_routes(conf, ref, false, &routes, err);

	if (r < 0)
		return r;
	return fetch_from(reg, &routes, ref->digest[0] ? ref->digest : ref->tag, ret, err);
}

static int fetch(const struct registries *conf, struct registry *reg, const char *name,
		 struct registry_manifest *ret, struct error *err)
{
	cleanup_strlist struct strlist names = { .v = NULL };
	struct reference ref;
	int r = reference_parse(name, &ref, err);

	if (r == 0)
		r = registries_candidates(conf, &ref, &names, err);
	if (r < 0)
		return r;
	r = error_set(err, ENOENT, "no registry is known for it");
	for (size_t i = 0; r < 0 && i < names.n; i++) {
		struct error one = { .code = 0 };

		r = reference_parse(names.v[i], &ref, &one);
		if (r == 0)
			r = fetch_one(conf, reg, &ref, ret, &one);
		if (r < 0)
			*err = one;
	}
	return r;
}

static int check(const struct registry_manifest *m, struct error *err)
{
	struct manifest parsed;
	int r = manifest_parse(m->body, m->len, m->media_type, &parsed, err);

	if (r == 0)
		manifest_done(&parsed);
	return r;
}

static int send(struct verb_context *ctx, const struct registry_manifest *m, struct error *err)
{
	int r = fs_write_all(ctx->datafd, m->body, m->len);

	return r < 0 ? error_set(err, -r, "write manifest: %s", strerror(-r)) : 0;
}

static int run(struct verb_context *ctx, const json_t *request, struct error *err)
{
	const char *name = jget_str(request, "name"), *creds = jget_str(request, "creds");
	const json_t *verify = json_object_get(request, "tls-verify");
	cleanup_registries struct registries *conf = NULL;
	cleanup_registry struct registry *reg = NULL;
	cleanup_registry_manifest struct registry_manifest m = { .body = NULL };
	struct credentials given = { 0 };
	int r;

	if (!name || ctx->datafd < 0)
		return error_set(err, EINVAL, "manifest: no name, or nowhere to write");
	r = creds ? credentials_parse(creds, &given, err) : 0;
	if (r == 0)
		r = registries_load(&conf, err);
	if (r == 0)
		r = registry_new(
			&(struct registry_options){
				.authfile = jget_str(request, "authfile"),
				.creds = creds ? &given : NULL,
				.cert_dir = jget_str(request, "cert-dir"),
				.tls_verify = json_is_boolean(verify) ? json_is_true(verify) : -1 },
			&reg, err);
	if (r == 0)
		r = fetch(conf, reg, name, &m, err);
	if (r == 0)
		r = check(&m, err);
	if (r == 0)
		r = send(ctx, &m, err);
	registry_free(steal_ptr(&reg)); /* it borrows the credentials */
	credentials_done(&given);
	return r < 0 ? error_wrap(err, "manifest of '%.200s'", name) : 0;
}

const struct verb verb_manifest = { .name = "manifest", .run = run };
