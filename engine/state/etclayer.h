/* SPDX-License-Identifier: Apache-2.0 */
/*
 * etclayer - a layer below every image: the files of /etc that a container has mounted over.
 */
#ifndef PODIUM_STATE_ETCLAYER_H
#define PODIUM_STATE_ETCLAYER_H

/* Makes ROOT/etclayer, or what of it is missing. rootfd: ROOT. What cannot be made is left out:
 * containers do without (engine/rootfs/overlay.h). */
void etclayer_make(int rootfd);

#endif
