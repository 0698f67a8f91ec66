/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login - whether a registry takes these credentials.
 *
 *	request	{"registry": "host[:port][/path]", "user": "...", "password": "...",
 *		 "cert-dir": "...", "tls-verify": bool}
 *		The last two may be missing.
 *	events	none: it succeeds, or fails with EACCES when the registry says no
 */
#include <errno.h>

#include "cmd/podium-image/verb.h"
#include "engine/base/json.h"
#include "engine/image/registries.h"
#include "engine/image/registry.h"

static int check(const struct registry_options *o, const char *key, struct error *err)
{
	cleanup_registries struct registries *conf = NULL;
	cleanup_routes struct route_list routes = { .n = 0 };
	struct registry *client = NULL;
	int r = registries_load(&conf, err);

	if (r == 0)
		r = registries_host_route(conf, key, &routes, err);
	if (r == 0)
		r = registry_new(o, &client, err);
	if (r < 0)
		return r;
	r = registry_check_login(client, &routes.v[0], err);
	registry_free(client);
	return r;
}

static int run(struct verb_context *ctx, const json_t *request, struct error *err)
{
	const char *key = jget_str(request, "registry"), *user = jget_str(request, "user");
	const char *password = jget_str(request, "password");
	const json_t *tls_verify = json_object_get(request, "tls-verify");
	cleanup_credentials struct credentials creds = { .user = NULL };
	const struct registry_options o = {
		.creds = &creds,
		.cert_dir = jget_str(request, "cert-dir"),
		.tls_verify = tls_verify ? json_is_true(tls_verify) : -1,
	};

	(void)ctx;
	if (!key || !user || !password)
		return error_set(err, EINVAL, "login: no registry, user or password");
	creds.user = xstrdup(user);
	creds.password = xstrdup(password);
	return check(&o, key, err);
}

const struct verb verb_login = { .name = "login", .run = run };
