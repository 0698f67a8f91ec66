/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network connect, disconnect, reload - the networks of what runs.
 *
 * Theory of operation: the pod's record says in which networks it is, so it is changed first; then
 * podium-net makes it so in a pod that runs. When that fails the record is put back. Both under one lock,
 * so that what is made is what the record says, and that no network goes meanwhile. A network belongs
 * to a pod as a whole: its containers share one namespace. So a container by itself can be named, or the
 * infra container of a pod. Out of its last network a pod has a loopback device alone, as with --network
 * none, but it stays one that can be put into a network.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/network/nethelper.h"
#include "cmd/podium/network/networks.h"
#include "cmd/podium/network/networksettle.h"
#include "cmd/podium/network/networkwords.h"
#include "cmd/podium/pod/pods.h"
#include "engine/base/mem.h"
#include "engine/net/netconf.h"
#include "engine/pod/lookup.h"
#include "engine/pod/netusers.h"

#define EXIT_OURS 125

struct connect_options {
	struct strlist aliases;
	const char *ip, *ip6, *mac;
};
#define O(m) offsetof(struct connect_options, m)
static const struct option connect_option_table[] = {
	{ 0, "alias", OPTION_LIST, O(aliases), "name", "Other names of the container there",
	  false },
	{ 0, "ip", OPTION_STRING, O(ip), "address", "IPv4 address", false },
	{ 0, "ip6", OPTION_STRING, O(ip6), "address", "IPv6 address", false },
	{ 0, "mac-address", OPTION_STRING, O(mac), "address", "Hardware address", false },
	OPTIONS_END,
};
#undef O

/* The pod whose network the container has. */
static int find_pod(const struct store *s, const char *word, char ret_id[65], struct error *err)
{
	struct container_spec c = { 0 };
	struct pod_spec pod = { 0 };
	char id[65];
	int r = lookup_container(s, word, id, err);

	if (r == 0)
		r = lookup_read_container(s, id, &c, err);
	if (r < 0)
		return r;
	r = lookup_read_pod(s, c.pod_id, &pod, err);
	if (r == 0 && !pod.solo && c.kind != CONTAINER_INFRA)
		r = error_set(err, EINVAL,
			      "container %s shares the network of pod '%s': name the pod's infra "
			      "container '%.12s-infra' instead",
			      word, pod.name, pod.id);
	if (r == 0 && pod.network != NETWORK_BRIDGE && !pod.unplugged)
		r = error_set(err, EINVAL, "\"%s\" is not supported: invalid network mode",
			      pod.network_from ? pod.network_from
					       : network_mode_names[pod.network]);
	if (r == 0)
		(void)snprintf(ret_id, 65, "%s", pod.id);
	record_done(&container_spec_type, &c);
	record_done(&pod_spec_type, &pod);
	return r;
}

/* A pod that names none is in the default network: from now on it says so. */
static void name_default(struct pod_spec *pod)
{
	if (pod->networks.n == 0 && !pod->unplugged)
		list_add(&pod->networks)->network = xstrdup(NET_DEFAULT);
}

struct change {
	const struct connect_options *o; /* connect */
	const char *network, *word;
	bool force;
	struct attachment gone; /* what was taken out */
	size_t gone_at;
};

static void drop_at(struct pod_spec *pod, size_t i, struct attachment *ret)
{
	*ret = pod->networks.v[i];
	memmove(&pod->networks.v[i], &pod->networks.v[i + 1],
		(pod->networks.n - i - 1) * sizeof(*pod->networks.v));
	pod->networks.n--;
}

static void free_attachment(struct attachment *a)
{
	struct pod_spec one = { 0 };

	if (!a->network)
		return;
	*list_add(&one.networks) = *a;
	*a = (struct attachment){ 0 };
	record_done(&pod_spec_type, &one);
}

static void set_plugged(struct pod_spec *pod)
{
	pod->unplugged = pod->networks.n == 0;
	pod->network = pod->unplugged ? NETWORK_NONE : NETWORK_BRIDGE;
}

static int add_network(struct pod_spec *pod, void *arg, struct error *err)
{
	const struct change *c = arg;
	struct pod_spec one = { 0 };
	struct network_flags flags = { c->o->ip, c->o->ip6, c->o->mac, &c->o->aliases };
	int r;

	name_default(pod);
	if (is_network_user(pod, c->network))
		return error_set(err, EEXIST,
				 "container %s is already connected to network \"%s\": network is "
				 "already connected",
				 c->word, c->network);
	list_add(&one.networks)->network = xstrdup(c->network);
	r = network_words_flags(&flags, &one, err);
	if (r == 0)
		*list_add(&pod->networks) = one.networks.v[0];
	free(one.networks.v);
	set_plugged(pod);
	return r;
}

static int take_network(struct pod_spec *pod, void *arg, struct error *err)
{
	struct change *c = arg;

	name_default(pod);
	for (size_t i = 0; i < pod->networks.n; i++) {
		if (!is_equal(pod->networks.v[i].network, c->network))
			continue;
		c->gone_at = i;
		drop_at(pod, i, &c->gone);
		set_plugged(pod);
		return 0;
	}
	return error_set(err, ENOENT,
			 "container %s is not connected to network %s: network is not connected",
			 c->word, c->network);
}

/* The way back of each. */
static int undo_add(struct pod_spec *pod, void *arg, struct error *err)
{
	const struct change *c = arg;
	struct attachment a;

	(void)err;
	for (size_t i = 0; i < pod->networks.n; i++)
		if (is_equal(pod->networks.v[i].network, c->network)) {
			drop_at(pod, i, &a);
			free_attachment(&a);
			break;
		}
	set_plugged(pod);
	return 0;
}

static int undo_take(struct pod_spec *pod, void *arg, struct error *err)
{
	struct change *c = arg;
	size_t n = pod->networks.n, at = c->gone_at < n ? c->gone_at : n;

	(void)err;
	if (is_network_user(pod, c->network))
		return 0; /* somebody has put it back meanwhile */
	(void)list_add(&pod->networks);
	memmove(&pod->networks.v[at + 1], &pod->networks.v[at],
		(n - at) * sizeof(*pod->networks.v));
	pod->networks.v[at] = c->gone;
	c->gone = (struct attachment){ 0 };
	set_plugged(pod);
	return 0;
}

static int run_connect(struct command_context *ctx, void *options, int argc, char **argv,
		       struct error *err)
{
	const struct store *s = &ctx->store;
	struct change c = { .o = options, .word = argv[1] };
	struct attachment probe = { .ip4 = NULL };
	char pod_id[65];
	struct error scratch; /* the first failure is told */
	cleanup_close int lock = networks_lock(s, err);
	int r = lock < 0 ? lock : find_pod(s, argv[1], pod_id, err);

	(void)argc;
	if (r < 0)
		return r;
	probe.network = xstrdup(argv[0]);
	probe.ip4 = xstrdup_or_null(c.o->ip);
	probe.ip6 = xstrdup_or_null(c.o->ip6);
	r = network_settle_one(s, &probe, err);
	c.network = probe.network;
	if (r == 0)
		r = pod_change_networks(s, pod_id, add_network, &c, err);
	if (r == 0) {
		r = nethelper_run(s, "connect", pod_id, c.network, err);
		if (r < 0)
			error_ignore(pod_change_networks(s, pod_id, undo_add, &c, &scratch));
		else
			network_log(s, "connect", c.network);
	}
	free(probe.network);
	free(probe.ip4);
	free(probe.ip6);
	return r;
}

const struct command cmd_network_connect = {
	.words = "network connect",
	.args = "[options] NETWORK CONTAINER",
	.summary = "Put a container into another network",
	.options = connect_option_table,
	.options_size = sizeof(struct connect_options),
	.min_args = 2,
	.max_args = 2,
	.store = COMMAND_WRITES,
	.run = run_connect,
};

struct disconnect_options {
	bool force;
};
static const struct option disconnect_option_table[] = {
	{ 'f', "force", OPTION_BOOL, offsetof(struct disconnect_options, force), NULL,
	  "No error when it is not in the network", false },
	OPTIONS_END,
};

static int run_disconnect(struct command_context *ctx, void *options, int argc, char **argv,
			  struct error *err)
{
	const struct disconnect_options *o = options;
	const struct store *s = &ctx->store;
	struct change c = { .word = argv[1], .force = o->force };
	cleanup_free char *name = NULL;
	struct error why = { 0 };
	char pod_id[65];
	cleanup_close int lock = networks_lock(s, err);
	int r = lock < 0 ? lock : find_pod(s, argv[1], pod_id, err);

	(void)argc;
	if (r == 0)
		r = network_conf_find(s, argv[0], &name, err);
	if (r < 0)
		return r;
	c.network = name;
	r = pod_change_networks(s, pod_id, take_network, &c, &why);
	if (r == -ENOENT && o->force)
		r = 0; /* what a crash has left of it goes all the same */
	if (r < 0) {
		free_attachment(&c.gone);
		*err = why;
		return r;
	}
	r = nethelper_run(s, "disconnect", pod_id, name, err);
	/* It may still be in it: the record says so, and the command can be given again. */
	if (r < 0 && c.gone.network)
		error_ignore(pod_change_networks(s, pod_id, undo_take, &c, &why));
	free_attachment(&c.gone);
	if (r == 0)
		network_log(s, "disconnect", name);
	return r;
}

const struct command cmd_network_disconnect = {
	.words = "network disconnect",
	.args = "[options] NETWORK CONTAINER",
	.summary = "Take a container out of a network",
	.options = disconnect_option_table,
	.options_size = sizeof(struct disconnect_options),
	.min_args = 2,
	.max_args = 2,
	.store = COMMAND_WRITES,
	.run = run_disconnect,
};

/* ---- reload ----------------------------------------------------------------------------- */

struct reload_options {
	bool all, latest;
};
#define O(m) offsetof(struct reload_options, m)
static const struct option reload_option_table[] = {
	{ 'a', "all", OPTION_BOOL, O(all), NULL, "All containers", false },
	OPTION_REFUSE('l', "latest", "name the container, or use --all"),
	OPTIONS_END,
};
#undef O

static int reload_pod(const struct store *s, const char *container_id, struct strlist *done,
		      bool print, struct error *err)
{
	struct container_spec c = { 0 };
	int r = lookup_read_container(s, container_id, &c, err);

	if (r == 0 && !strlist_has(done, c.pod_id)) {
		strlist_add(done, c.pod_id);
		r = nethelper_run(s, "reload", c.pod_id, NULL, err);
	}
	if (r == 0 && print)
		printf("%s\n", container_id);
	record_done(&container_spec_type, &c);
	return r;
}

static int run_reload(struct command_context *ctx, void *options, int argc, char **argv,
		      struct error *err)
{
	const struct reload_options *o = options;
	cleanup_strlist struct strlist ids = { 0 }, done = { 0 };
	int r = 0, code = 0;

	if (o->all == (argc > 0))
		return error_set(err, EINVAL,
				 o->all ? "--all takes no names of containers"
					: "you must provide at least one name or id");
	if (o->all)
		r = pods_list_containers(&ctx->store, &ids, err);
	for (int i = 0; i < argc && r == 0; i++) {
		char id[65];

		r = lookup_container(&ctx->store, argv[i], id, err);
		if (r == 0)
			strlist_add(&ids, id);
	}
	for (size_t i = 0; i < ids.n && r == 0; i++) {
		struct error one;

		if (reload_pod(&ctx->store, ids.v[i], &done, true, &one) < 0) {
			command_print_error(&one);
			code = EXIT_OURS;
		}
	}
	return r < 0 ? r : code;
}

const struct command cmd_network_reload = {
	.words = "network reload",
	.args = "[options] [CONTAINER...]",
	.summary = "Make the firewall's rules of containers anew",
	.options = reload_option_table,
	.options_size = sizeof(struct reload_options),
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run_reload,
};
