/* SPDX-License-Identifier: Apache-2.0 */
/*
 * etc - filling a pod's hosts, resolv.conf and hostname.
 */
#ifndef PODIUM_PROCESS_ETC_H
#define PODIUM_PROCESS_ETC_H

#include "engine/base/error.h"

struct pod_spec;
struct sandbox_record;

/* Writes the three files, which exist, in the directory: in place, as containers have them
 * mounted. sb may be empty: nothing is known of the network then. */
int etc_write(const struct pod_spec *pod, const struct sandbox_record *sb, int dirfd,
	      struct error *err) must_check;

#endif
