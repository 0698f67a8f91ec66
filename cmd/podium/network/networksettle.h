/* SPDX-License-Identifier: Apache-2.0 */
/* networksettle - whether what the words of --network name is there. */
#ifndef PODIUM_CMD_NETWORKSETTLE_H
#define PODIUM_CMD_NETWORKSETTLE_H

#include "engine/base/error.h"

struct attachment;
struct pod_spec;
struct store;

/* Gives every network of a plan its own name, whatever was typed (an id, the beginning of one), and
 * checks that addresses asked for are of its subnets and that published ports have a way in. */
int network_settle(const struct store *s, struct pod_spec *pod, struct error *err) must_check;
/* One network of it. */
int network_settle_one(const struct store *s, struct attachment *a, struct error *err) must_check;

#endif
