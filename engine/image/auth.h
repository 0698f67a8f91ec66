/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth - credentials of registries: containers-auth.json(5) and Docker's config.json.
 *
 * Read in this order, the first file that has the key wins:
 *
 *	--authfile, else $REGISTRY_AUTH_FILE: and then no other
 *	$XDG_RUNTIME_DIR/containers/auth.json (without it /run/containers/UID/auth.json)
 *	$XDG_CONFIG_HOME/containers/auth.json (~/.config)
 *	$DOCKER_CONFIG/config.json (~/.docker)
 *	~/.dockercfg
 *
 * The first of them is written to: mode 0600, replaced atomically. A key is "host[:port]" or
 * "host[:port]/path...", compared exactly (REG-5). "credHelpers" and "credsStore" of a file, and
 * credential-helpers of registries.conf, run docker-credential-NAME (auth_helper.h); its failure is
 * an error, never another entry.
 *
 * Links libc and jansson. Passwords are cleared from memory when they are freed.
 */
#ifndef PODIUM_IMAGE_AUTH_H
#define PODIUM_IMAGE_AUTH_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/base/str.h"

#define AUTH_FILE_BYTES_MAX (1024 * 1024)

struct credentials {
	char *user;
	char *password;
	char *identity_token; /* OAuth2 refresh token, instead of a password */
};
void credentials_done(struct credentials *c); /* clears, then frees */
#define cleanup_credentials cleanup(credentials_done)

/* "USER:PASSWORD" of --creds. A text without ':' has an empty password. */
int credentials_parse(const char *text, struct credentials *ret, struct error *err) must_check;

/* Finds the credentials for a repository: key is "host[:port]" (registry_route.auth), path the
 * repository or NULL. Looks for "key/a/b", "key/a", "key" in turn. authfile may be NULL; one that is
 * named and is not there is an error. 1 found, 0 none. */
int auth_find(const char *authfile, const char *key, const char *path, struct credentials *ret,
	      struct error *err) must_check;

/* The same search in the text of one .dockerconfigjson or .dockercfg (an imagePullSecret). */
int auth_find_text(const char *json, size_t len, const char *key, const char *path,
		   struct credentials *ret, struct error *err) must_check;

/* Stores credentials under a key ("host[:port][/path...]"), where the configuration says: the file,
 * or the credential helper of the key. *ret_where (may be NULL; the caller's) is the file's path or
 * the helper's name. */
int auth_store(const char *authfile, const char *key, const struct credentials *c, char **ret_where,
	       struct error *err) must_check;
/* Removes a key. 1 removed, 0 it was not there. */
int auth_remove(const char *authfile, const char *key, struct error *err) must_check;
int auth_remove_all(const char *authfile, struct error *err) must_check;

#endif
