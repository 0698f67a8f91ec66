/* SPDX-License-Identifier: Apache-2.0 */
/*
 * etc - filling a pod's hosts, resolv.conf and hostname.
 */
#ifndef PODIUM_PROCESS_ETC_H
#define PODIUM_PROCESS_ETC_H

#include <stdbool.h>

#include "engine/base/error.h"

struct launch;
struct pod_spec;
struct sandbox_record;

/* Writes the three files, which exist, in the directory: in place, as containers have them
 * mounted. sb may be empty: nothing is known of the network then. */
int etc_write(const struct pod_spec *pod, const struct sandbox_record *sb, int dirfd,
	      struct error *err) must_check;

/* What the files of a new pod start from: those of the host, or of the container whose network it
 * is in (is_pod). */
struct etc_others {
	bool is_pod;
	char *hosts;  /* or NULL */
	char *resolv; /* or NULL */
	char *address4;
	char *address6;
};
/* Reads those of another container, where the pod has its network from one; else nothing. */
int etc_take(const struct launch *l, struct etc_others *ret, struct error *err) must_check;
/* The files of a new sandbox. */
int etc_write_first(const struct launch *l, const struct etc_others *others, int dirfd,
		    struct error *err) must_check;

#endif
