/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network create - makes a network and prints its name.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/conf.h"
#include "cmd/podium/network/nethelper.h"
#include "cmd/podium/network/networkplan.h"
#include "engine/base/mem.h"
#include "engine/net/netconf.h"
#include "engine/net/resolver.h"
#include "engine/net/subnetpool.h"

#define O(m) offsetof(struct network_create_options, m)
static const struct option option_table[] = {
	{ 0, "disable-dns", OPTION_BOOL, O(disable_dns), NULL,
	  "Names of containers are not resolved", false },
	{ 0, "dns", OPTION_LIST, O(dns), "address", "Name servers for what is no container's name",
	  false },
	{ 'd', "driver", OPTION_STRING, O(driver), "string", "bridge", false },
	{ 0, "gateway", OPTION_LIST, O(gateways), "address", "Gateway of the subnet", false },
	{ 0, "ignore", OPTION_BOOL, O(ignore), NULL, "No error when it exists already", false },
	{ 0, "interface-name", OPTION_STRING, O(interface), "string", "Name of the bridge", false },
	{ 0, "internal", OPTION_BOOL, O(internal), NULL, "No way out of the network", false },
	{ 0, "ip-range", OPTION_STRINGS, O(ranges), "range",
	  "Give addresses of this part of the subnet: a prefix, or START-END", false },
	{ 0, "ipam-driver", OPTION_STRING, O(ipam_driver), "string", "host-local", false },
	{ 0, "ipv6", OPTION_BOOL, O(ipv6), NULL, "IPv6 beside IPv4", false },
	{ 0, "label", OPTION_STRINGS, O(labels), "key=value", "Labels", false },
	{ 'o', "opt", OPTION_LIST, O(options), "key=value", "mtu, isolate", false },
	OPTION_REFUSE(0, "route", "routes of a network are not supported"),
	{ 0, "subnet", OPTION_STRINGS, O(subnets), "prefix",
	  "Subnet: 10.90.0.0/24; one of each family", false },
	OPTIONS_END,
};
#undef O

/* Where a subnet that nobody named is taken from, when containers.conf says it. */
static int add_pools(struct network_conf *c, struct error *err)
{
	cleanup_containers_conf struct conf conf = { .tz = NULL };
	int r = containers_conf_load(&conf, err);

	for (size_t i = 0; i < conf.n_pools && r == 0; i++) {
		struct subnet_pool p;

		strlist_addf(&c->pools, "%s %lld", conf.pools[i].base,
			     (long long)conf.pools[i].size);
		r = subnet_pool_parse(c->pools.v[i], &p, err);
	}
	return r < 0 ? error_wrap(err, "containers.conf") : 0;
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	const struct network_create_options *o = options;
	cleanup_network_conf struct network_conf c = { 0 };
	const char *name = argc > 0 && *argv[0] ? argv[0] : NULL; /* "": any */
	cleanup_free char *made = NULL;
	struct error scratch;
	int r = network_plan(o, name, &c, err);

	if (r == 0 && c.dns)
		r = resolver_check(name ? name : "with a name that is chosen", err);
	if (r == 0)
		r = add_pools(&c, err);
	if (r < 0)
		return r;
	r = nethelper_create(&ctx->store, &c, &made, &scratch);
	if (r == 0)
		network_log(&ctx->store, "create", made);
	if (r == -EEXIST && o->ignore && name && is_network_there(&ctx->store, name)) {
		made = xstrdup(name);
		r = 0;
	}
	if (r < 0) {
		*err = scratch;
		return r;
	}
	printf("%s\n", made);
	return 0;
}

const struct command cmd_network_create = {
	.words = "network create",
	.args = "[options] [NAME]",
	.summary = "Make a network",
	.options = option_table,
	.options_size = sizeof(struct network_create_options),
	.max_args = 1,
	.store = COMMAND_WRITES,
	.run = run,
};
