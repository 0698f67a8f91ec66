/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sysctl - which kernel parameters a pod may set: those of its own namespaces.
 */
#ifndef PODIUM_SECURITY_SYSCTL_H
#define PODIUM_SECURITY_SYSCTL_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

#define SYSCTL_KEY_MAX	 200
#define SYSCTL_VALUE_MAX 1024

/* Checks name and value and writes the path below /proc ("sys/net/ipv4/...") to path. A parameter
 * that is not of a namespace, or of a namespace that is the host's, is refused. */
int sysctl_check(const char *key, const char *value, bool host_net, bool host_ipc,
		 char path[SYSCTL_KEY_MAX + 8], struct error *err) must_check;

#endif
