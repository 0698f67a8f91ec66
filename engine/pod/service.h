/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service - a container that stands for all pods of one play.
 *
 * systemd wants one process to watch: the monitor of a container by itself, whose program is podium's
 * pause (container_spec.service). The record of each of its pods names it (pod_spec.service). It runs
 * while one of them does, takes them along when it is stopped, and is removed with the last of them:
 * engine/conductor/service.c and pod_remove() see to that.
 */
#ifndef PODIUM_POD_SERVICE_H
#define PODIUM_POD_SERVICE_H

#include <stdbool.h>

#include "engine/base/str.h"
#include "engine/state/layout.h"

/* "<first 12 hex digits of the SHA-256 of the YAML>" and this. */
#define SERVICE_NAME_SUFFIX "-service"

/* Ids of the pods whose records name the service container id. */
int service_pods(const struct store *s, const char *id, struct strlist *ret,
		 struct error *err) must_check;
/* Fails (-EINVAL, in Podman's words) while there are such pods. */
int service_check_unused(const struct store *s, const char *id, struct error *err) must_check;

/* The pod that a service container is for itself. -ENOENT: there is no such container. */
int service_own_pod(const struct store *s, const char *id, char ret_pod_id[65],
		    struct error *err) must_check;

/* Whether its end is told as a failure: policy is an enum service_exit, looked at are the containers
 * of its pods that have ended by themselves. */
bool has_service_failed(const struct store *s, const char *id, int policy);

#endif
