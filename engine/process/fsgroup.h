/* SPDX-License-Identifier: Apache-2.0 */
/* fsgroup - gives the content of a volume to the pod's fsGroup. */
#ifndef PODIUM_PROCESS_FSGROUP_H
#define PODIUM_PROCESS_FSGROUP_H

#include <stdbool.h>
#include <sys/types.h>

#include "engine/base/error.h"

/* Everything below the open directory top_fd (O_PATH will do), and itself: the group becomes gid,
 * files are readable and writable for it, directories enterable and hand it on (setgid), as the
 * kubelet's SetVolumeOwnership. No link is followed and no mount is crossed. on_mismatch: nothing
 * is done when the top is right already. */
int fsgroup_apply(int top_fd, gid_t gid, bool on_mismatch, struct error *err) must_check;

/* The option U of a mount: everything below and itself, or a file alone, becomes this user's. Modes
 * stay, but for the set-uid bits that the kernel takes. The same walk. */
int fsgroup_chown(int fd, uid_t uid, gid_t gid, struct error *err) must_check;

#endif
