/* SPDX-License-Identifier: Apache-2.0 */
/* info_compat - members of `info` under the names that scripts written for Podman look for. */
#ifndef PODIUM_CMD_INFO_COMPAT_H
#define PODIUM_CMD_INFO_COMPAT_H

#include <jansson.h>

#include "engine/state/layout.h"

/* conmon and ociRuntime (our own programs), eventLogger, logDriver, idMappings, uptime, ... */
void info_add_host(json_t *host);
/* configFile, graphStatus, imageCopyTmpDir, volumePath, ... */
void info_add_store(json_t *store, const struct store *s);
/* What there is to choose from: drivers of logs, networks and volumes. New reference. */
json_t *info_plugins(void);

#endif
