/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logout - `podium logout REGISTRY`: forgets credentials.
 *
 * Theory of operation: they are removed from where login writes them. When they are kept somewhere
 * else too, in Docker's file for one, that is said: they would still be used.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/image/logins.h"
#include "engine/image/auth.h"
#include "engine/image/reference.h"
#include "engine/image/registries.h"

struct logout_options {
	const char *authfile;
	bool all;
};

#define O(m) offsetof(struct logout_options, m)
static const struct option logout_option_table[] = {
	{ 'a', "all", OPTION_BOOL, O(all), NULL, "Forget the credentials of every registry",
	  false },
	{ 0, "authfile", OPTION_STRING, O(authfile), "string",
	  "File that keeps the credentials (default: $REGISTRY_AUTH_FILE, ...)", false },
	OPTIONS_END,
};

/* Not a name with tag or digest. */
static int check_key(const char *key, struct error *err)
{
	cleanup_free char *host = xstrndup(key, strcspn(key, "/"));
	struct reference ref;

	if (!is_registry_host(host))
		return error_set(err, EINVAL,
				 "'%.200s' is no registry: host[:port][/path] is expected", key);
	if (!strchr(key, '/'))
		return 0;
	if (reference_parse(key, &ref, err) < 0)
		return error_wrap(err, "'%.200s' is no registry", key);
	if (ref.is_short || !ref.is_tag_implied || ref.digest[0])
		return error_set(err, EINVAL,
				 "'%.200s' is no registry: host[:port][/path] is expected", key);
	return 0;
}

/* Of a URL the host counts: people take it from a browser. The caller's. */
static char *strip_url(const char *arg)
{
	static const char *const schemes[] = { "https://", "http://" };

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (is_prefix(arg, schemes[i])) {
			arg += strlen(schemes[i]);
			return xstrndup(arg, strcspn(arg, "/"));
		}
	return xstrdup(arg);
}

int login_registry(const char *arg, const char *doing, char **ret, struct error *err)
{
	cleanup_registries struct registries *conf = NULL;
	cleanup_free char *key = NULL;
	int r = 0;

	if (!arg)
		r = registries_load(&conf, err);
	if (r < 0)
		return r;
	if (!arg && !registries_search(conf)->n)
		return error_set(err, EINVAL, "please provide a registry to %s", doing);
	if (!arg)
		arg = registries_search(conf)->v[0];
	key = strip_url(arg);
	r = check_key(key, err);
	if (r == 0)
		*ret = steal_ptr(&key);
	return r;
}

static int log_out_all(const struct logout_options *o, int argc, struct error *err)
{
	int r;

	if (argc)
		return error_set(err, EINVAL, "--all takes no registry");
	r = auth_remove_all(o->authfile, err);
	if (r == 0)
		puts("Removed login credentials for all registries");
	return r;
}

static int run_logout(struct command_context *ctx, void *options, int argc, char **argv,
		      struct error *err)
{
	const struct logout_options *o = options;
	cleanup_credentials struct credentials kept = { .user = NULL };
	cleanup_free char *key = NULL;
	int r;

	(void)ctx;
	if (o->all)
		return log_out_all(o, argc, err);
	r = login_registry(argc ? argv[0] : NULL, "logout from", &key, err);
	if (r == 0)
		r = auth_remove(o->authfile, key, err);
	if (r < 0)
		return r;
	if (r > 0) {
		printf("Removed login credentials for %s\n", key);
		return 0;
	}
	r = auth_find(o->authfile, key, NULL, &kept, err);
	if (r < 0)
		return r;
	if (r == 0)
		return error_set(err, ENOENT, "not logged into %.300s", key);
	printf("Not logged into %s with current tool. Existing credentials were established via "
	       "docker login. Please use docker logout instead.\n",
	       key);
	return 0;
}

const struct command cmd_logout = {
	.words = "logout",
	.args = "[options] [REGISTRY]",
	.summary = "Log out of a registry",
	.details = "Without REGISTRY it is the first of unqualified-search-registries.",
	.options = logout_option_table,
	.options_size = sizeof(struct logout_options),
	.max_args = 1,
	.store = COMMAND_NO_STORE,
	.run = run_logout,
};
