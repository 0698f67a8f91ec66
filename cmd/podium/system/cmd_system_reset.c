/* SPDX-License-Identifier: Apache-2.0 */
/*
 * system reset - everything goes: workloads, pods, volumes, data, networks, images.
 *
 * Theory of operation: each kind by the function that its own command has, users before what they
 * use, so that nothing is taken from under somebody who is just making more of it: whoever does so
 * meanwhile keeps what he made, and the reset says what is left. What runs is killed. The trees of
 * the store stay, empty, with their locks. What fails does not keep the rest.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/image/imagemount.h"
#include "cmd/podium/image/imageprune.h"
#include "cmd/podium/kube/kubekind.h"
#include "cmd/podium/network/nethelper.h"
#include "cmd/podium/network/networks.h"
#include "cmd/podium/pod/pods.h"
#include "engine/base/mem.h"
#include "engine/data/object.h"
#include "engine/data/secret.h"
#include "engine/pod/pod.h"
#include "engine/state/status.h"
#include "engine/volumes/named.h"
#include "kube/objects.h"

#define EXIT_OURS 125

struct reset_options {
	bool force;
};
static const struct option reset_option_table[] = {
	{ 'f', "force", OPTION_BOOL, offsetof(struct reset_options, force), NULL, "Do not ask",
	  false },
	OPTIONS_END,
};

/* What one removal has come to; what is not there any more was to go anyway. */
static void note(int r, const struct error *err, int *code)
{
	if (r >= 0 || r == -ENOENT)
		return;
	command_print_error(err);
	*code = EXIT_OURS;
}

/* Stored documents: those that own pods (with these), or the others. */
static void reset_documents(const struct store *s, bool owners, int *code)
{
	for (const struct kube_kind_row *row = kube_kind_rows; row->plural; row++) {
		cleanup_strlist struct strlist names = { 0 };
		struct error err = { 0 };
		bool owns = row->kind != KUBE_PV && row->kind != KUBE_NAMESPACE;

		if (row->kind < 0 || !is_kind_stored((enum kube_kind)row->kind) || owns != owners)
			continue;
		note(object_list(s, (enum kube_kind)row->kind, &names, &err), &err, code);
		for (size_t i = 0; i < names.n; i++) {
			char *slash = strchr(names.v[i], '/');
			const char *space = is_prefix(names.v[i], "_/") ? NULL : names.v[i];

			*slash = '\0';
			note(owns ? row->remove(s, row, space, slash + 1, 0, &err)
				  : object_remove(s, (enum kube_kind)row->kind, space, slash + 1,
						  &err),
			     &err, code);
		}
	}
}

/* Containers by themselves are no pods to the listing: theirs are found by them. */
static int find_pods(const struct store *s, struct strlist *ret, struct error *err)
{
	cleanup_strlist struct strlist containers = { 0 };
	int r = pods_resolve(s, 0, NULL, true, ret, err);

	if (r == 0)
		r = pods_list_containers(s, &containers, err);
	for (size_t i = 0; r == 0 && i < containers.n; i++) {
		struct container_status st = { 0 };
		struct error scratch; /* gone meanwhile */

		if (status_read(s, containers.v[i], &st, &scratch) == 0 && st.pod_id &&
		    !strlist_has(ret, st.pod_id))
			strlist_add(ret, st.pod_id);
		status_done(&st);
	}
	return r;
}

static void reset_pods(const struct store *s, int *code)
{
	cleanup_strlist struct strlist ids = { 0 };
	struct error err = { 0 };
	int r = find_pods(s, &ids, &err);

	note(r, &err, code);
	if (r == 0 && ids.n)
		note(pods_stop_to_remove(s, &ids, 0, &err), &err, code);
	for (size_t i = 0; i < ids.n; i++)
		note(pod_remove(s, ids.v[i], &err), &err, code);
}

static void reset_data(const struct store *s, int *code)
{
	cleanup_secret_list struct secret_list secrets = { 0 };
	cleanup_strlist struct strlist volumes = { 0 };
	cleanup_strlist struct strlist maps = { 0 };
	struct error err = { 0 };

	note(named_volume_list(s, &volumes, &err), &err, code);
	for (size_t i = 0; i < volumes.n; i++)
		note(named_volume_remove(s, volumes.v[i], &err), &err, code);
	note(secret_list(s, &secrets, &err), &err, code);
	for (size_t i = 0; i < secrets.n; i++)
		note(secret_remove(s, &secrets.v[i], &err), &err, code);
	note(data_object_list(s, DATA_CONFIG, &maps, &err), &err, code);
	for (size_t i = 0; i < maps.n; i++) {
		char *slash = strchr(maps.v[i], '/');

		*slash = '\0';
		note(data_object_remove(s, DATA_CONFIG, maps.v[i], slash + 1, &err), &err, code);
	}
}

static void reset_networks(const struct store *s, int *code)
{
	cleanup_network_set struct network_set all = { 0 };
	struct error err = { 0 };

	note(network_set_load(s, &all, &err), &err, code);
	for (size_t i = 0; i < all.n; i++)
		if (strcmp(all.v[i].name, NET_DEFAULT) != 0)
			note(nethelper_run(s, "remove", all.v[i].name, NULL, &err), &err, code);
	/* The default one: its bridge and tables; they come back with the next pod. */
	note(nethelper_run(s, "reset", "-", NULL, &err), &err, code);
}

static void reset_mounts(const struct store *s, int *code)
{
	cleanup_strlist struct strlist ids = { 0 };
	struct error err = { 0 };

	note(imagemount_list(s, &ids, &err), &err, code);
	for (size_t i = 0; i < ids.n; i++)
		note(imagemount_remove(s, ids.v[i], true, &err), &err, code);
}

static void reset_images(const struct store *s, int *code)
{
	cleanup_image_prune_result struct image_prune_result gone = { .bytes = 0 };
	cleanup_image_list struct image_list left = { .v = NULL };
	struct strlist none = { 0 };
	struct error err = { 0 };
	int r = imageprune_run(s, true, &none, &gone, &err);

	if (r == 0)
		r = image_list(s, &left, &err);
	if (r == 0 && left.n)
		r = error_set(&err, EBUSY,
			      "%zu image(s) are in use still: mounted just now, or by a build",
			      left.n);
	note(r, &err, code);
}

static int confirm(struct error *err)
{
	return prune_confirm("WARNING! This will remove:\n"
			     "        - all containers\n"
			     "        - all pods\n"
			     "        - all images\n"
			     "        - all networks\n"
			     "        - all build cache\n"
			     "        - all volumes\n"
			     "        - all secrets and all that was played\n",
			     err);
}

static int run_reset(struct command_context *ctx, void *options, int argc, char **argv,
		     struct error *err)
{
	const struct reset_options *o = options;
	int code = 0;
	int r = o->force ? 1 : confirm(err);

	(void)argc;
	(void)argv;
	if (r <= 0)
		return r;
	reset_documents(&ctx->store, true, &code);
	reset_pods(&ctx->store, &code);
	reset_data(&ctx->store, &code);
	reset_documents(&ctx->store, false, &code);
	reset_networks(&ctx->store, &code);
	reset_mounts(&ctx->store, &code);
	reset_images(&ctx->store, &code);
	return code;
}

const struct command cmd_system_reset = {
	.words = "system reset",
	.args = "[options]",
	.summary = "Remove everything from the store",
	.details = "  What runs is killed. Another store (--root, --runroot) is not touched.",
	.options = reset_option_table,
	.options_size = sizeof(struct reset_options),
	.max_args = 0,
	.store = COMMAND_WRITES,
	.run = run_reset,
};
