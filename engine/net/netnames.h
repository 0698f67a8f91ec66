/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netnames - which words may name a network, a device or a host.
 */
#ifndef PODIUM_NET_NETNAMES_H
#define PODIUM_NET_NETNAMES_H

#include <stdbool.h>

#define NET_DEFAULT "podium"

/* [a-zA-Z0-9][a-zA-Z0-9_.-]*, as containers and volumes: a file's name too, so at most 128 bytes. */
#define NETWORK_NAME_MAX 128
bool is_network_name(const char *name);
/* A mode of --network, so no network can have that name: bridge, host, none, default, ... */
bool is_network_mode_name(const char *name);
/* At most 15 letters, digits, '-', '_' and '.'; not "." and "..". */
bool is_device_name(const char *name);
/* Labels of at most 63 letters, digits, '-' and '_', with dots between; at most 253 bytes. */
bool is_dns_name(const char *name);

#endif
