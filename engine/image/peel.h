/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peel - takes xz or bzip2 off. podium-image only.
 *
 * Layers are gzip or zstd, and inflate.h does those alone; root file systems for ADD and archives for
 * volumes also come in these.
 */
#ifndef PODIUM_IMAGE_PEEL_H
#define PODIUM_IMAGE_PEEL_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/image/job.h"

/* Are the first bytes of what infd reads those of xz or bzip2? Nothing is read away: a regular file or a
 * pipe; of anything else nothing is known. */
bool is_peelable(int infd);

/* Starts the child that reads infd and writes what is inside to outfd, confined (CAGE_READER), under the
 * limits of layers. Both descriptors stay the caller's. */
int peel_start(int infd, int outfd, struct job *ret, struct error *err) must_check;
/* -EBADMSG: it is damaged. -E2BIG: a limit. -EPIPE: who reads outfd has gone. */
int peel_wait(struct job *job, struct error *err) must_check;

#endif
