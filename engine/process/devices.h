/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devices - what resources.devices of a container stands for: nodes of the host ("/dev/x") and CDI
 * devices ("vendor.com/class=name"), looked for anew at each start.
 */
#ifndef PODIUM_PROCESS_DEVICES_H
#define PODIUM_PROCESS_DEVICES_H

#include <stddef.h>

#include "engine/base/error.h"
#include "engine/cgroup/device_filter.h"
#include "engine/rootfs/cdi.h"
#include "engine/rootfs/device.h"

struct confinement;
struct launch;

struct device_plan {
	struct cdi_edits edits;
	struct device_node *nodes; /* opened and checked */
	size_t n;
	struct device_rule *rules; /* of those, and of --device-cgroup-rule */
	size_t n_rules;
};
void device_plan_done(struct device_plan *p);

/* The host half: resolves, opens and checks. Costs nothing when the container asks for none. */
int devices_plan(const struct launch *l, struct device_plan *ret, struct error *err) must_check;
/* For an exec: what of it changes a process, and no more. */
int devices_plan_process(const struct launch *l, struct device_plan *ret,
			 struct error *err) must_check;

/* Files of the host that belong to a device (libraries of its driver, sockets): added to the plan's
 * mounts, behind the volumes. */
struct container_plan;
int devices_open_mounts(const struct launch *l, struct container_plan *p,
			struct error *err) must_check;

/* Adds groups (before the environment is built) and variables (after). */
int devices_add_groups(const struct device_plan *p, struct confinement *c,
		       struct error *err) must_check;
void devices_add_env(const struct device_plan *p, struct confinement *c);

#endif
