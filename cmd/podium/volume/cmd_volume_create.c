/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume create, volume exists - a volume is made, or looked for.
 *
 * Theory of operation: the options of the driver are checked here (driver.h); what they mount is
 * mounted when the volume is used. Without a name it gets one of 64 random digits, and is not
 * anonymous: nobody takes it away but prune.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/volumes/driver.h"

struct create_command {
	const char *driver;
	bool ignore;
	struct strlist labels;
	struct strlist options;
};
#define O(m) offsetof(struct create_command, m)
static const struct option create_option_table[] = {
	{ 'd', "driver", OPTION_STRING, O(driver), "string", "local, which is all there is",
	  false },
	{ 0, "ignore", OPTION_BOOL, O(ignore), NULL, "One that is there already is no error",
	  false },
	{ 'l', "label", OPTION_LIST, O(labels), "KEY=VALUE", "A label", false },
	{ 'o', "opt", OPTION_STRINGS, O(options), "KEY=VALUE",
	  "type, device, o (as mount has them), nocopy", false },
	OPTIONS_END,
};
#undef O

static int take_pairs(const struct strlist *texts, const char *what, struct pairlist *ret,
		      struct error *err)
{
	for (size_t i = 0; i < texts->n; i++) {
		const char *equals = strchr(texts->v[i], '=');
		cleanup_free char *key = xstrndup(texts->v[i], strcspn(texts->v[i], "="));

		if (!*key)
			return error_set(err, EINVAL, "invalid %s format: \"%.60s\"", what,
					 texts->v[i]);
		pairlist_set(ret, key, equals ? equals + 1 : "");
	}
	return 0;
}

static int run_create(struct command_context *ctx, void *options, int argc, char **argv,
		      struct error *err)
{
	const struct create_command *o = options;
	cleanup_named_volume struct named_volume v = { .created_ns = clock_wall_ns() };
	char id[65];
	int r = take_pairs(&o->labels, "label", &v.labels, err);

	if (r == 0 && o->driver && !is_equal(o->driver, VOLUME_DRIVER))
		r = error_set(err, EOPNOTSUPP, "volume driver '%.60s' is not supported: use local",
			      o->driver);
	if (r == 0)
		r = take_pairs(&o->options, "option", &v.options, err);
	if (r == 0)
		r = volume_driver_options(&v, err);
	if (r < 0)
		return r;
	id_new(id);
	v.name = xstrdup(argc && *argv[0] ? argv[0] : id);
	r = named_volume_check_name(v.name, err);
	if (r == 0)
		r = named_volume_create(&ctx->store, &v, err);
	if (r == -EEXIST && !o->ignore)
		return error_set(err, EEXIST,
				 "volume with name %s already exists: volume already exists",
				 v.name);
	if (r == 0 || r == -EEXIST)
		printf("%s\n", v.name);
	return r == -EEXIST ? 0 : r;
}

static int run_exists(struct command_context *ctx, void *options, int argc, char **argv,
		      struct error *err)
{
	cleanup_named_volume struct named_volume v = { 0 };
	struct error why = { 0 };
	int r = named_volume_read(&ctx->store, argv[0], &v, &why);

	(void)options;
	(void)argc;
	if (r == -ENOENT || r == -EINVAL)
		return 1;
	if (r < 0)
		*err = why;
	return r;
}

const struct command cmd_volume_create = {
	.words = "volume create",
	.args = "[options] [NAME]",
	.summary = "Create a new volume",
	.options = create_option_table,
	.options_size = sizeof(struct create_command),
	.max_args = 1,
	.store = COMMAND_WRITES,
	.run = run_create,
};

const struct command cmd_volume_exists = {
	.words = "volume exists",
	.args = "VOLUME",
	.summary = "Whether there is a volume: exit code 0, else 1",
	.min_args = 1,
	.max_args = 1,
	.store = COMMAND_READS,
	.run = run_exists,
};
