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

#endif
