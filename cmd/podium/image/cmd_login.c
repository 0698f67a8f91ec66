/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login - `podium login REGISTRY`: tries credentials and keeps them.
 *
 * Theory of operation: user name and password come from the options, from standard input, from the
 * terminal, or, when nothing is given, from what is kept already. The verb "login" of podium-image
 * asks the registry whether it takes them; only then are they written (auth.h). They travel in the
 * request, never in an argument list, and the -p that a user gave is wiped from ours.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/podium/base/ask.h"
#include "cmd/podium/base/commands.h"
#include "cmd/podium/image/imagejob.h"
#include "cmd/podium/image/logins.h"
#include "cmd/podium/image/regoptions.h"
#include "engine/base/json.h"
#include "engine/image/auth.h"

#define PASSWORD_BYTES_MAX (64 * 1024)

struct login_options {
	const char *authfile;
	const char *cert_dir;
	const char *user;
	const char *password;
	struct option_maybe tls_verify;
	bool get_login;
	bool password_stdin;
	bool verbose;
};

#define O(m) offsetof(struct login_options, m)
static const struct option login_option_table[] = {
	{ 0, "authfile", OPTION_STRING, O(authfile), "string",
	  "File to keep the credentials in (default: $REGISTRY_AUTH_FILE, ...)", false },
	OPTION_CERT_DIR(O(cert_dir)),
	{ 0, "get-login", OPTION_BOOL, O(get_login), NULL,
	  "Print the user name that is kept for the registry", false },
	{ 'p', "password", OPTION_STRING, O(password), "string",
	  "Password (others see it in the list of processes: better --password-stdin)", false },
	{ 0, "password-stdin", OPTION_BOOL, O(password_stdin), NULL,
	  "Read the password from standard input", false },
	OPTION_TLS_VERIFY(O(tls_verify)),
	{ 'u', "username", OPTION_STRING, O(user), "string", "User name", false },
	{ 'v', "verbose", OPTION_BOOL, O(verbose), NULL, "Say where the credentials are kept",
	  false },
	OPTIONS_END,
};

/* Standard input without its line ends, as Podman has it. */
static int read_password(char **ret, struct error *err)
{
	char *text = xmalloc(PASSWORD_BYTES_MAX + 1);
	size_t len = 0, kept = 0;
	ssize_t n;

	while ((n = read(STDIN_FILENO, text + len, PASSWORD_BYTES_MAX + 1 - len)) > 0)
		len += (size_t)n;
	for (size_t i = 0; i < len && len <= PASSWORD_BYTES_MAX; i++)
		if (text[i] != '\n' && text[i] != '\r')
			text[kept++] = text[i];
	*ret = xstrndup(text, kept);
	explicit_bzero(text, len);
	free(text);
	if (n < 0)
		return error_errno(err, "read the password from standard input");
	if (len > PASSWORD_BYTES_MAX)
		return error_set(err, E2BIG, "the password is longer than %d bytes",
				 PASSWORD_BYTES_MAX);
	return 0;
}

/* ---- asking the registry ------------------------------------------------------------------- */

static int check(struct command_context *ctx, const struct login_options *o, const char *key,
		 const struct credentials *c, struct error *err)
{
	cleanup_json json_t *request = json_pack("{s:s, s:s, s:s}", "registry", key, "user",
						 c->user, "password", c->password);

	if (!request)
		return error_set(err, EINVAL, "user name and password must be UTF-8");
	jset_str(request, "cert-dir", o->cert_dir);
	if (o->tls_verify.set)
		(void)json_object_set_new(request, "tls-verify", json_boolean(o->tls_verify.value));
	return imagejob_run(
		&(struct imagejob_spec){
			.verb = "login", .store = &ctx->store, .request = request, .datafd = -1 },
		err);
}

/* What is kept is good: 1. It is not, or there is none: 0. */
static int try_kept(struct command_context *ctx, const struct login_options *o, const char *key,
		    const struct credentials *kept, struct error *err)
{
	struct error ignored = { .code = 0 };

	if (kept->identity_token)
		return error_set(err, EEXIST,
				 "'%.200s' is logged in with an identity token: log out first",
				 key);
	if (is_empty(kept->user) || is_empty(kept->password))
		return 0;
	printf("Authenticating with existing credentials for %s\n", key);
	if (check(ctx, o, key, kept, &ignored) == 0) {
		printf("Existing credentials are valid. Already logged in to %s\n", key);
		return 1;
	}
	puts("Existing credentials are invalid, please enter valid username and password");
	return 0;
}

/* ---- what is entered ----------------------------------------------------------------------- */

static int enter_user(const char *kept, char **ret, struct error *err)
{
	cleanup_free char *question =
		is_empty(kept) ? xstrdup("Username: ") : xasprintf("Username (%s): ", kept);
	int r = ask_line(question, ret, err);

	if (r == 0 && !**ret && !is_empty(kept)) {
		free(*ret);
		*ret = xstrdup(kept);
	}
	return r;
}

static int enter(struct login_options *o, const char *kept, struct credentials *c,
		 struct error *err)
{
	int r = 0;

	if (o->user)
		c->user = xstrdup(o->user);
	else
		r = enter_user(kept, &c->user, err);
	if (r == 0 && o->password)
		c->password = xstrdup(o->password);
	else if (r == 0 && o->password_stdin)
		r = read_password(&c->password, err);
	else if (r == 0)
		r = ask_secret("Password: ", &c->password, err);
	if (r == 0 && is_empty(c->user))
		r = error_set(err, EINVAL, "the user name is empty");
	return r;
}

/* The registry's no is not the same as a registry that is not there. */
static int say_why(const char *key, struct error *err)
{
	if (err->code == EACCES)
		return error_set(err, EACCES,
				 "error logging into \"%.200s\": invalid username/password", key);
	return error_wrap(err, "authenticating creds for \"%.200s\"", key);
}

static int log_in(struct command_context *ctx, struct login_options *o, const char *key,
		  const char *kept_user, struct error *err)
{
	cleanup_credentials struct credentials c = { .user = NULL };
	cleanup_free char *where = NULL;
	int r = enter(o, kept_user, &c, err);

	if (o->password) /* it stands in our argument list */
		explicit_bzero((char *)(uintptr_t)o->password, strlen(o->password));
	if (r < 0)
		return r;
	r = check(ctx, o, key, &c, err);
	if (r < 0)
		return say_why(key, err);
	r = auth_store(o->authfile, key, &c, &where, err);
	if (r < 0)
		return r;
	if (o->verbose)
		printf("Used:  %s\n", where);
	puts("Login Succeeded!");
	return 0;
}

/* A file that login is to make is no error. */
static int find_kept(const struct login_options *o, const char *key, struct credentials *ret,
		     struct error *err)
{
	if (o->authfile && access(o->authfile, F_OK) < 0 && errno == ENOENT)
		return 0;
	return auth_find(o->authfile, key, NULL, ret, err);
}

static int check_options(const struct login_options *o, struct error *err)
{
	if (o->password_stdin && o->password)
		return error_set(err, EINVAL, "Can't specify both --password-stdin and --password");
	if (o->password_stdin && !o->user)
		return error_set(err, EINVAL, "Must provide --username with --password-stdin");
	return 0;
}

static int run_login(struct command_context *ctx, void *options, int argc, char **argv,
		     struct error *err)
{
	struct login_options *o = options;
	cleanup_credentials struct credentials kept = { .user = NULL };
	cleanup_free char *key = NULL;
	int r = check_options(o, err);

	if (r == 0)
		r = login_registry(argc ? argv[0] : NULL, "login to", &key, err);
	if (r == 0)
		r = find_kept(o, key, &kept, err);
	if (r < 0)
		return r;
	if (o->get_login) {
		if (is_empty(kept.user))
			return error_set(err, ENOENT, "not logged into %.300s", key);
		return puts(kept.user) < 0 ? error_errno(err, "write to stdout") : 0;
	}
	r = o->user || o->password ? 0 : try_kept(ctx, o, key, &kept, err);
	if (r != 0)
		return r < 0 ? r : 0;
	return log_in(ctx, o, key, kept.user, err);
}

const struct command cmd_login = {
	.words = "login",
	.args = "[options] [REGISTRY]",
	.summary = "Log in to a registry",
	.details =
		"REGISTRY is host[:port][/path]; without one it is the first of "
		"unqualified-search-registries. The credentials are tried first and then kept in "
		"the authentication file, readable by you alone.",
	.options = login_option_table,
	.options_size = sizeof(struct login_options),
	.max_args = 1,
	.store = COMMAND_WRITES,
	.run = run_login,
};
