/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netusers - which pods are in a network.
 */
#ifndef PODIUM_POD_NETUSERS_H
#define PODIUM_POD_NETUSERS_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/base/str.h"

struct store;
struct pod_spec;

/* Whether the record names the network; one that names none is in the default network. */
bool is_network_user(const struct pod_spec *pod, const char *network);

/* Ids of all pods whose record names the network, running or not. Records that cannot be read use
 * nothing that is known. */
int network_users(const struct store *s, const char *network, struct strlist *ret,
		  struct error *err) must_check;

/* Changes the networks of a pod's record under its lock; change returns 0 or -errno, and sees the record
 * as it is. Members that a newer version wrote are kept. */
typedef int (*pod_networks_fn)(struct pod_spec *pod, void *arg, struct error *err);
int pod_change_networks(const struct store *s, const char *pod_id, pod_networks_fn change, void *arg,
			struct error *err) must_check;

#endif
