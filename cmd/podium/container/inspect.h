/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect - everything that is known of one object, as JSON with Podman's member names.
 *
 * Values that are resolved at the start of a container stay references: "$(NAME)".
 */
#ifndef PODIUM_CMD_INSPECT_H
#define PODIUM_CMD_INSPECT_H

#include <jansson.h>

#include "engine/base/error.h"
#include "engine/state/layout.h"

struct pod_spec;

/* By what the user typed. *ret is a new reference. -ENOENT when there is no such object. */
int inspect_container(const struct store *s, const char *name, json_t **ret,
		      struct error *err) must_check;
int inspect_pod(const struct store *s, const char *name, json_t **ret,
		struct error *err) must_check;
int inspect_image(const struct store *s, const char *name, json_t **ret,
		  struct error *err) must_check;
int inspect_volume(const struct store *s, const char *name, json_t **ret,
		   struct error *err) must_check; /* in cmd/podium/volume/volumes.c */
int inspect_network(const struct store *s, const char *name, json_t **ret,
		    struct error *err) must_check; /* in cmd/podium/network/networks.c */
/* Adds SizeRw and SizeRootFs to what inspect_container() gave. */
void inspect_add_sizes(const struct store *s, json_t *container);
/* The path of the pod's cgroup, or of a container in it, below the hierarchy's root. The caller's. */
char *inspect_cgroup(const struct pod_spec *pod, const char *container_id);
/* {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]} of what the PORTS column says. New reference. */
json_t *inspect_port_bindings(const char *ports);

#endif
