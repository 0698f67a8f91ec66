/* SPDX-License-Identifier: Apache-2.0 */
/* networkplan - the flags of `network create` become a request. Pure. */
#ifndef PODIUM_CMD_NETWORKPLAN_H
#define PODIUM_CMD_NETWORKPLAN_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/base/str.h"

struct network_conf;

struct network_create_options {
	struct strlist subnets, gateways, ranges, options, labels, dns;
	const char *driver, *ipam_driver, *interface;
	bool disable_dns, internal, ipv6, ignore;
};
/* name NULL: one is chosen. The caller frees with network_conf_done(), also on failure. */
int network_plan(const struct network_create_options *o, const char *name, struct network_conf *ret,
		 struct error *err) must_check;

#endif
