/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cp - copies files and directories between containers, this host and tar streams. podium-image
 * only.
 */
#ifndef PODIUM_BUILD_CP_H
#define PODIUM_BUILD_CP_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/state/layout.h"

struct container_spec;
struct pod_spec;

/* One side of a copy. All is borrowed. */
struct cp_place {
	const struct container_spec *container; /* NULL: this host, or a stream */
	const struct pod_spec *pod;		/* of the container */
	const char *shown;			/* the container as the user named it */
	const char *path;			/* as written; of the host absolute */
	const char *written;			/* for messages */
	int streamfd;				/* a tar stream instead; -1: none */
};
struct cp_options {
	struct cp_place from, to;
	bool archive;	/* what is made belongs to the container's user, or on the host to ours */
	bool overwrite; /* a directory may take the place of another thing, and the reverse */
};

/* Does it. A failure may leave a part of the copy. -ENOENT and -ENOTDIR name the side. */
int cp_run(const struct store *s, const struct cp_options *o, struct error *err) must_check;

#endif
