/* SPDX-License-Identifier: Apache-2.0 */
/*
 * label - the AppArmor profile of a container's processes.
 *
 * What securityContext.appArmorProfile becomes: NULL leaves the host's own rules alone, "unconfined"
 * too; "runtime/default" is podium-default or what other engines have loaded for the same; any other
 * name is a loaded profile. Asked for and not to be had is an error, never a weaker start.
 */
#ifndef PODIUM_PROCESS_LABEL_H
#define PODIUM_PROCESS_LABEL_H

#include "engine/base/error.h"

#define LABEL_NAME_MAX 255

/* The profile's name for the kernel, or NULL for none to set (the caller's). -EOPNOTSUPP without
 * AppArmor, -ENOENT when no default profile is loaded, -EINVAL for what cannot be a name. */
int label_resolve(const char *asked, char **ret_profile, struct error *err) must_check;

/* The next program that this process or its children execute gets the profile: written through a
 * procfs of our own, read back. The caller clones after it and executes nothing in between. */
int label_set(const char *asked, struct error *err) must_check;

#endif
