/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network rm, network prune - taking networks away.
 *
 * Theory of operation: a network that a pod's record names is in use, also when the pod is stopped. With
 * --force these pods are stopped and removed first. Exit codes are Podman's: 1 when one was not there, 2
 * when one is in use.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/image/imageprune.h"
#include "cmd/podium/network/nethelper.h"
#include "cmd/podium/network/networks.h"
#include "cmd/podium/pod/pods.h"
#include "engine/base/mem.h"
#include "engine/pod/netusers.h"
#include "engine/pod/pod.h"

#define EXIT_OURS 125

struct rm_options {
	bool force;
	struct option_seconds time;
};
#define O(m) offsetof(struct rm_options, m)
static const struct option rm_option_table[] = {
	{ 'f', "force", OPTION_BOOL, O(force), NULL, "Remove its pods and containers, too", false },
	{ 't', "time", OPTION_SECONDS, O(time), "seconds",
	  "With --force: how long they may take to stop", false },
	OPTIONS_END,
};
#undef O

static int remove_users(const struct store *s, const struct strlist *pods, int64_t grace_s,
			struct error *err)
{
	int r = pods_stop_to_remove(s, pods, grace_s, err);

	for (size_t i = 0; i < pods->n && r == 0; i++)
		r = pod_remove(s, pods->v[i], err);
	return r;
}

static int remove_one(const struct store *s, const struct rm_options *o, const char *word,
		      struct error *err)
{
	cleanup_strlist struct strlist pods = { 0 };
	cleanup_free char *name = NULL;
	cleanup_close int lock = networks_lock(s, err);
	int r = lock < 0 ? lock : network_conf_find(s, word, &name, err);

	if (r < 0)
		return r;
	if (strcmp(name, NET_DEFAULT) == 0)
		return error_set(err, EPERM, "default network %s cannot be removed", name);
	r = network_users(s, name, &pods, err);
	if (r == 0 && pods.n && !o->force)
		return error_set(err, EBUSY,
				 "\"%s\" has associated containers with it. Use -f to forcibly "
				 "delete containers and pods: network is being used",
				 word);
	if (r == 0 && pods.n)
		r = remove_users(s, &pods, o->time.set ? o->time.value : HAND_GRACE_SECONDS, err);
	if (r == 0)
		r = nethelper_run(s, "remove", name, NULL, err);
	if (r == 0)
		network_log(s, "remove", name);
	return r;
}

static int run_rm(struct command_context *ctx, void *options, int argc, char **argv,
		  struct error *err)
{
	const struct rm_options *o = options;
	int code = 0;

	if (o->time.set && !o->force)
		return error_set(err, EINVAL, "--time is for --force");
	for (int i = 0; i < argc; i++) {
		struct error one;
		int r = remove_one(&ctx->store, o, argv[i], &one);

		if (r == 0) {
			printf("%s\n", argv[i]);
			continue;
		}
		command_print_error(&one);
		if (r == -ENOENT && code == 0)
			code = 1;
		else if (r == -EBUSY)
			code = NETWORK_EXIT_USED;
		else if (r != -ENOENT && code != NETWORK_EXIT_USED)
			code = EXIT_OURS;
	}
	return code;
}

const struct command cmd_network_rm = {
	.words = "network rm",
	.args = "[options] NETWORK [NETWORK...]",
	.summary = "Remove networks",
	.options = rm_option_table,
	.options_size = sizeof(struct rm_options),
	.min_args = 1,
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_rm,
};

/* ---- prune ------------------------------------------------------------------------------ */

struct prune_options {
	bool force;
	struct strlist filters;
};
#define O(m) offsetof(struct prune_options, m)
static const struct option prune_option_table[] = {
	{ 0, "filter", OPTION_STRINGS, O(filters), "key=value", "label, label! or until", false },
	{ 'f', "force", OPTION_BOOL, O(force), NULL, "Do not ask", false },
	OPTIONS_END,
};
#undef O

int network_remove_unused(const struct store *s, const char *name, bool *ret_gone,
			  struct error *err)
{
	cleanup_strlist struct strlist pods = { 0 };
	cleanup_close int lock = networks_lock(s, err);
	int r = lock < 0 ? lock : network_users(s, name, &pods, err);

	if (r == 0 && pods.n)
		return 0;
	if (r == 0)
		r = nethelper_run(s, "remove", name, NULL, err);
	if (r == -EBUSY)
		return 0; /* somebody uses it since */
	if (r == 0)
		network_log(s, "remove", name);
	*ret_gone = r == 0;
	return r;
}

static int prune_one(const struct store *s, const char *name)
{
	struct error err = { 0 };
	bool gone = false;
	int r = network_remove_unused(s, name, &gone, &err);

	if (r < 0)
		command_print_error(&err);
	if (gone)
		printf("%s\n", name);
	return r;
}

static int run_prune(struct command_context *ctx, void *options, int argc, char **argv,
		     struct error *err)
{
	const struct prune_options *o = options;
	cleanup_network_set struct network_set all = { 0 };
	struct network_filter *f = NULL;
	int r = network_filter_parse(&ctx->store, &o->filters, true, &f, err), code = 0;

	(void)argc;
	(void)argv;
	if (r == 0 && !o->force)
		r = prune_confirm("WARNING! This will remove all networks not used by at least one "
				  "container.\n",
				  err);
	else if (r == 0)
		r = 1;
	if (r > 0)
		r = network_set_load(&ctx->store, &all, err);
	for (size_t i = 0; r == 0 && i < all.n; i++)
		if (strcmp(all.v[i].name, NET_DEFAULT) != 0 && is_network_match(f, &all.v[i]) &&
		    prune_one(&ctx->store, all.v[i].name) < 0)
			code = EXIT_OURS;
	network_filter_free(f);
	return r < 0 ? r : code;
}

const struct command cmd_network_prune = {
	.words = "network prune",
	.args = "[options]",
	.summary = "Remove the networks that no container is in",
	.options = prune_option_table,
	.options_size = sizeof(struct prune_options),
	.max_args = 0,
	.store = COMMAND_WRITES,
	.run = run_prune,
};
