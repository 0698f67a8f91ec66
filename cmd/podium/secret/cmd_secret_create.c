/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret create, secret rm, secret exists.
 *
 * Theory of operation: the bytes are read from a file, standard input or a variable into one buffer
 * that is cleared before it is given back; they go to the secret's own file and nowhere else, no
 * argument list, message or record. A secret that a container uses may be removed, as in Podman:
 * the container's next start fails then.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "engine/base/mem.h"
#include "engine/data/secret.h"
#include "engine/state/eventlog.h"

#define EXIT_OURS 125

struct create_command {
	const char *driver;
	struct strlist driver_options;
	bool env;
	bool replace;
	struct strlist labels;
};
#define O(m) offsetof(struct create_command, m)
static const struct option create_option_table[] = {
	{ 'd', "driver", OPTION_STRING, O(driver), "string", "file, which is all there is", false },
	OPTION_REFUSE(0, "driver-opts", "the driver file has no options"),
	{ 0, "env", OPTION_BOOL, O(env), NULL, "The last argument is the name of a variable",
	  false },
	{ 'l', "label", OPTION_STRINGS, O(labels), "KEY=VALUE", "A label", false },
	{ 0, "replace", OPTION_BOOL, O(replace), NULL, "Replace one of the name", false },
	OPTIONS_END,
};
#undef O

/* One byte more than may be, so that what is too long is seen. */
static int read_all(int fd, char *buf, size_t *ret_len, struct error *err)
{
	size_t len = 0;

	while (len < SECRET_MAX_BYTES) {
		ssize_t n = read(fd, buf + len, SECRET_MAX_BYTES - len);

		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			return error_errno(err, "read the secret");
		len += n > 0 ? (size_t)n : 0;
	}
	*ret_len = len;
	return 0;
}

static int read_source(const struct create_command *o, const char *source, char *buf,
		       size_t *ret_len, struct error *err)
{
	cleanup_close int fd = -EBADF;

	if (o->env) {
		const char *value = getenv(source);

		if (!value)
			return error_set(err, ENOENT,
					 "cannot create store secret data: environment variable "
					 "%.100s is not set",
					 source);
		*ret_len = strnlen(value, SECRET_MAX_BYTES);
		memcpy(buf, value, *ret_len);
		return 0;
	}
	if (is_equal(source, "-") && isatty(STDIN_FILENO))
		return error_set(err, EINVAL, "if `-` is used, data must be passed into stdin");
	fd = is_equal(source, "-") ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
				   : open(source, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return error_errno(err, "open %.300s", source);
	return read_all(fd, buf, ret_len, err);
}

static int take_labels(const struct strlist *texts, struct pairlist *ret, struct error *err)
{
	for (size_t i = 0; i < texts->n; i++) {
		const char *equals = strchr(texts->v[i], '=');
		cleanup_free char *key = xstrndup(texts->v[i], strcspn(texts->v[i], "="));

		if (!*key)
			return error_set(err, EINVAL, "invalid label format: \"%.60s\"",
					 texts->v[i]);
		pairlist_set(ret, key, equals ? equals + 1 : "");
	}
	return 0;
}

/* Its name alone. */
static void tell_log(const struct store *s, const char *status, const char *name)
{
	event_log(s, &(struct eventlog_entry){ .type = "secret", .status = status, .name = name });
}

static int run_create(struct command_context *ctx, void *options, int argc, char **argv,
		      struct error *err)
{
	const struct create_command *o = options;
	cleanup_secret_record struct secret_record rec = { .name = xstrdup(argv[0]) };
	char id[SECRET_ID_LEN + 1];
	char *bytes;
	size_t len = 0;
	int r = take_labels(&o->labels, &rec.labels, err);

	(void)argc;
	if (r == 0 && o->driver && !is_equal(o->driver, "file"))
		r = error_set(err, EOPNOTSUPP, "secret driver '%.60s' is not supported: use file",
			      o->driver);
	if (r < 0)
		return r;
	bytes = xcalloc(1, SECRET_MAX_BYTES);
	r = read_source(o, argv[1], bytes, &len, err);
	if (r == 0)
		r = secret_create(&ctx->store, &rec, bytes, len, o->replace, id, err);
	secret_bytes_free(bytes, SECRET_MAX_BYTES);
	if (r == 0) {
		tell_log(&ctx->store, "create", rec.name);
		printf("%s\n", id);
	}
	return r;
}

/* ---- rm --------------------------------------------------------------------------------- */

struct rm_command {
	bool all;
	bool ignore;
};
#define O(m) offsetof(struct rm_command, m)
static const struct option rm_option_table[] = {
	{ 'a', "all", OPTION_BOOL, O(all), NULL, "All secrets", false },
	{ 'i', "ignore", OPTION_BOOL, O(ignore), NULL, "Say nothing of those that are not there",
	  false },
	OPTIONS_END,
};
#undef O

/* ret_id is what is printed. */
static int remove_one(const struct store *s, const char *word, char ret_id[SECRET_ID_LEN + 1],
		      struct error *err)
{
	cleanup_secret_record struct secret_record rec = { 0 };
	int r = secret_lookup(s, word, &rec, err);

	if (r == 0)
		r = secret_remove(s, &rec, err);
	if (r == 0)
		tell_log(s, "remove", rec.name);
	if (r == 0)
		(void)snprintf(ret_id, SECRET_ID_LEN + 1, "%s", rec.id ? rec.id : "");
	return r;
}

static int list_ids(const struct store *s, struct strlist *ret, struct error *err)
{
	cleanup_secret_list struct secret_list all = { 0 };
	int r = secret_list(s, &all, err);

	for (size_t i = 0; r == 0 && i < all.n; i++)
		strlist_add(ret, all.v[i].id);
	return r;
}

static int run_rm(struct command_context *ctx, void *options, int argc, char **argv,
		  struct error *err)
{
	const struct rm_command *o = options;
	cleanup_strlist struct strlist words = { 0 };
	int r = 0, code = 0;

	if (o->all == (argc > 0))
		return error_set(err, EINVAL,
				 o->all ? "`podium secret rm --all` takes no arguments"
					: "`podium secret rm` requires one argument, or the --all "
					  "flag");
	if (o->all)
		r = list_ids(&ctx->store, &words, err);
	for (int i = 0; i < argc; i++)
		strlist_add(&words, argv[i]);
	for (size_t i = 0; r == 0 && i < words.n; i++) {
		char id[SECRET_ID_LEN + 1];
		struct error why = { 0 };
		int one = remove_one(&ctx->store, words.v[i], id, &why);

		if (one == 0) {
			printf("%s\n", id);
		} else if (one != -ENOENT || !(o->ignore || o->all)) {
			command_print_error(&why);
			code = EXIT_OURS;
		}
	}
	return r < 0 ? r : code;
}

static int run_exists(struct command_context *ctx, void *options, int argc, char **argv,
		      struct error *err)
{
	cleanup_secret_record struct secret_record rec = { 0 };
	struct error why = { 0 };
	int r = secret_lookup(&ctx->store, argv[0], &rec, &why);

	(void)options;
	(void)argc;
	if (r == -ENOENT || r == -EEXIST)
		return 1;
	if (r < 0)
		*err = why;
	return r;
}

const struct command cmd_secret_create = {
	.words = "secret create",
	.args = "[options] NAME FILE|-",
	.summary = "Create a new secret",
	.details = "  Secrets are files of the store's owner, 0600 and not encrypted.\n",
	.options = create_option_table,
	.options_size = sizeof(struct create_command),
	.min_args = 2,
	.max_args = 2,
	.store = COMMAND_WRITES,
	.run = run_create,
};

const struct command cmd_secret_rm = {
	.words = "secret rm",
	.args = "[options] SECRET [SECRET...]",
	.summary = "Remove one or more secrets",
	.options = rm_option_table,
	.options_size = sizeof(struct rm_command),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_rm,
};

const struct command cmd_secret_exists = {
	.words = "secret exists",
	.args = "SECRET",
	.summary = "Whether there is a secret: exit code 0, else 1",
	.min_args = 1,
	.max_args = 1,
	.store = COMMAND_READS,
	.run = run_exists,
};
