/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume rm, volume prune - volumes go.
 *
 * Theory of operation: a volume that a container mounts stays, and the exit code is 2; --force
 * removes those containers first. Each name is tried; one that is not there is told and makes the
 * exit code 1, or with --force nothing. prune takes every volume that no container mounts, asked
 * first without --force.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/image/imageprune.h"
#include "cmd/podium/pod/pods.h"
#include "cmd/podium/volume/volumes.h"
#include "engine/base/mem.h"

#define GRACE_SECONDS 10
#define FORCE_TRIES   5 /* a container may be made between the removal of the others and ours */
#define EXIT_MISSING  1
#define EXIT_IN_USE   2
#define EXIT_OURS     125

struct rm_command {
	bool all;
	bool force;
	struct option_int time;
};
#define O(m) offsetof(struct rm_command, m)
static const struct option rm_option_table[] = {
	{ 'a', "all", OPTION_BOOL, O(all), NULL, "All volumes", false },
	{ 'f', "force", OPTION_BOOL, O(force), NULL, "Remove the containers that use it first",
	  false },
	{ 't', "time", OPTION_INT, O(time), "seconds",
	  "Grace period of those containers before SIGKILL (default 10)", false },
	OPTIONS_END,
};
#undef O

static int remove_users(const struct store *s, const char *name, int64_t grace_s, struct error *err)
{
	cleanup_strlist struct strlist ids = { 0 };
	int r = named_volume_user_ids(s, name, &ids, err);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		struct error why = { 0 };

		r = container_remove(s, ids.v[i], grace_s, &why);
		if (r == -ENOENT) /* went by itself */
			r = 0;
		if (r < 0)
			*err = why;
	}
	return r;
}

static int raise_in_use(const struct store *s, const char *name, struct error *err)
{
	cleanup_strlist struct strlist ids = { 0 };
	cleanup_buf struct buf b = BUF_INIT(sizeof(err->text));
	struct error scratch; /* that it is used is known */

	error_ignore(named_volume_user_ids(s, name, &ids, &scratch));
	for (size_t i = 0; i < ids.n; i++)
		buf_printf(&b, "%s%s", i ? ", " : "", ids.v[i]);
	return error_set(err, EBUSY,
			 "volume %s is being used by the following container(s): %s: volume is "
			 "being used",
			 name, b.data ? b.data : "");
}

static int remove_one(const struct store *s, const char *word, const struct rm_command *o,
		      struct error *err)
{
	int64_t grace_s = o->time.set ? o->time.value : GRACE_SECONDS;
	cleanup_free char *name = NULL;
	int r = volume_resolve(s, word, &name, err);

	if (r < 0)
		return r;
	for (int i = 0; r == 0; i++) {
		struct error why = { 0 };

		if (o->force)
			r = remove_users(s, name, grace_s, err);
		if (r < 0)
			return r;
		r = named_volume_remove(s, name, &why);
		if (r == -EBUSY && o->force && i < FORCE_TRIES) {
			r = 0;
			continue;
		}
		if (r == -EBUSY)
			return raise_in_use(s, name, err);
		if (r < 0)
			*err = why;
		break;
	}
	return r;
}

/* The gravest exit code wins. */
static void note(int r, int *code)
{
	int mine = r == -EBUSY ? EXIT_IN_USE : r == -ENOENT ? EXIT_MISSING : EXIT_OURS;

	*code = mine > *code ? mine : *code;
}

static int run_rm(struct command_context *ctx, void *options, int argc, char **argv,
		  struct error *err)
{
	const struct rm_command *o = options;
	cleanup_strlist struct strlist words = { 0 };
	int r = 0, code = 0;

	if (o->time.set && !o->force)
		return error_set(err, EINVAL,
				 "--force option must be specified to use the --time option");
	if (o->time.set && o->time.value < -1)
		return error_set(err, EINVAL, "--time: not a time: %lld", (long long)o->time.value);
	if (o->all == (argc > 0))
		return error_set(err, EINVAL, "choose either one or more volumes or all");
	if (o->all)
		r = named_volume_list(&ctx->store, &words, err);
	for (int i = 0; i < argc; i++)
		strlist_add(&words, argv[i]);
	for (size_t i = 0; r == 0 && i < words.n; i++) {
		struct error why = { 0 };
		int one = remove_one(&ctx->store, words.v[i], o, &why);

		if (one == 0) {
			printf("%s\n", words.v[i]);
		} else if (one != -ENOENT || !o->force) {
			command_print_error(&why);
			note(one, &code);
		}
	}
	return r < 0 ? r : code;
}

/* ---- prune ------------------------------------------------------------------------------ */

struct prune_command {
	bool force;
	struct strlist filters;
};
#define O(m) offsetof(struct prune_command, m)
static const struct option prune_option_table[] = {
	{ 0, "filter", OPTION_STRINGS, O(filters), "key=value",
	  "label, label!, name, opt, until and the others of volume ls", false },
	{ 'f', "force", OPTION_BOOL, O(force), NULL, "Do not ask", false },
	OPTIONS_END,
};
#undef O

static int ask(const struct strlist *names, struct error *err)
{
	cleanup_buf struct buf b = BUF_INIT((size_t)4 << 20);

	buf_adds(&b, "WARNING! This will remove all volumes not used by at least one container. "
		     "The following volumes will be removed:\n");
	if (!names->n) {
		printf("%sNo dangling volumes found\n", b.data);
		return 0;
	}
	for (size_t i = 0; i < names->n; i++)
		buf_printf(&b, "%s\n", names->v[i]);
	return prune_confirm(b.data, err);
}

static int run_prune(struct command_context *ctx, void *options, int argc, char **argv,
		     struct error *err)
{
	const struct prune_command *o = options;
	cleanup_volume_prune_result struct volume_prune_result gone = { 0 };
	cleanup_strlist struct strlist names = { 0 };
	int r = volume_prune_choose(&ctx->store, &o->filters, &names, err);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = o->force ? 1 : ask(&names, err);
	if (r <= 0)
		return r;
	r = volume_prune_run(&ctx->store, &names, &gone, err);
	for (size_t i = 0; i < gone.names.n; i++)
		printf("%s\n", gone.names.v[i]);
	return r;
}

const struct command cmd_volume_rm = {
	.words = "volume rm",
	.args = "[options] VOLUME [VOLUME...]",
	.summary = "Remove one or more volumes",
	.options = rm_option_table,
	.options_size = sizeof(struct rm_command),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_rm,
};

const struct command cmd_volume_prune = {
	.words = "volume prune",
	.args = "[options]",
	.summary = "Remove all volumes that no container uses",
	.options = prune_option_table,
	.options_size = sizeof(struct prune_command),
	.max_args = 0,
	.store = COMMAND_WRITES,
	.run = run_prune,
};
