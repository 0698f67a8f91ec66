/* SPDX-License-Identifier: Apache-2.0 */
/* version - facts about this program that more than one command prints. */
#ifndef PODIUM_CMD_VERSION_H
#define PODIUM_CMD_VERSION_H

#include <jansson.h>

/* The architecture as container images name it: "amd64". */
const char *version_arch(void);
/* Version, APIVersion, Compiler, OsArch, Os. New reference. */
json_t *version_object(void);

#endif
