/* SPDX-License-Identifier: Apache-2.0 */
/* play_ports - whether a pod that replaces another one will get its host ports. */
#ifndef PODIUM_CMD_PLAY_PORTS_H
#define PODIUM_CMD_PLAY_PORTS_H

#include "engine/base/error.h"
#include "engine/pod/spec.h"
#include "engine/state/layout.h"

/* -EADDRINUSE and the port's name when the plan wants a host port that somebody else than the pod
 * old_id holds. Nothing stays bound. */
int play_check_ports(const struct store *s, const char *old_id, const struct pod_plan *plan,
		     struct error *err) must_check;

#endif
