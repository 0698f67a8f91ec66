/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_mounts - what a container mounts and which secrets it has, as Podman's inspect shows it.
 */
#ifndef PODIUM_CMD_INSPECT_MOUNTS_H
#define PODIUM_CMD_INSPECT_MOUNTS_H

#include <jansson.h>

#include "engine/pod/spec.h"
#include "engine/state/layout.h"

/* Mounts: everything but tmpfs. New references, all of them. */
json_t *inspect_mounts(const struct store *s, const struct pod_spec *pod,
		       const struct container_spec *spec);
/* HostConfig.Binds: ["SOURCE:TARGET:rw,rprivate,rbind"], without what a play has made. */
json_t *inspect_binds(const struct pod_spec *pod, const struct container_spec *spec);
/* HostConfig.Tmpfs: {"TARGET": "rw,rprivate,nosuid,nodev,tmpcopyup"} */
json_t *inspect_tmpfs(const struct pod_spec *pod, const struct container_spec *spec);
/* Config.Secrets: those that are files. null without one. */
json_t *inspect_secrets(const struct store *s, const struct container_spec *spec);

#endif
