/* SPDX-License-Identifier: Apache-2.0 */
/* columns - the static texts of listings, made once at creation so that `ps` reads no spec. */
#ifndef PODIUM_POD_COLUMNS_H
#define PODIUM_POD_COLUMNS_H

#include "engine/pod/spec.h"

/* The command line as `ps` shows it: command and args, or the image's. Values by reference stay
 * references. The caller owns the text. */
char *columns_command(const struct container_spec *spec);

/* "0.0.0.0:8001-8002->8001-8002/tcp, ...": every published port of the pod, ranges joined, as
 * Podman shows them on each of the pod's containers. "" when none. The caller owns the text. */
char *columns_ports(const struct pod_plan *plan);

#endif
