/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container - starting the first process of a container, and further ones in it.
 */
#ifndef PODIUM_PROCESS_CONTAINER_H
#define PODIUM_PROCESS_CONTAINER_H

#include "engine/base/error.h"

struct launch;

/* podium-launch container: both halves. Returns in the host half only. Speaks on sync_fd; stdio of
 * this process becomes the container's. */
int container_launch(struct launch *l, int sync_fd, struct error *err) must_check;

/* podium-launch exec: one more process in a running container. request_fd holds the exec_request
 * as JSON. */
int container_exec(struct launch *l, int request_fd, int sync_fd, struct error *err) must_check;

#endif
