/* SPDX-License-Identifier: Apache-2.0 */
/*
 * newimage - images that are not built: of a container (commit), of a tree in an archive (import).
 * podium-image only.
 */
#ifndef PODIUM_BUILD_NEWIMAGE_H
#define PODIUM_BUILD_NEWIMAGE_H

#include <stdbool.h>

#include "engine/image/imageconf.h"
#include "engine/image/newlayer.h"
#include "engine/state/layout.h"

struct container_spec;

struct newimage_options {
	const char *name;	       /* full, or NULL: none */
	const char *author;	       /* or NULL */
	const char *message;	       /* or NULL */
	const struct strlist *changes; /* of --change: "CMD [\"sh\"]" */
	bool is_docker;		       /* kind of the manifest */
	bool squash;		       /* commit: one layer of all */
	const char *architecture;      /* import; NULL: this machine's, as the next two */
	const char *os;
	const char *variant;
	const char *source; /* import: what it is called in the history */
};

/* What the container has written becomes a layer upon its image. */
int newimage_commit(const struct store *s, const struct container_spec *spec,
		    const struct newimage_options *o, char ret_id[DIGEST_HEX_LEN + 1],
		    struct error *err) must_check;
/* Fetches an archive (http, https) into a file without a name, which is returned at its beginning. */
int newimage_fetch(const struct store *s, const char *address, struct error *err) must_check;
/* The tar stream of infd (plain, gzip or zstd) becomes the only layer. */
int newimage_import(const struct store *s, int infd, const struct newimage_options *o,
		    char ret_id[DIGEST_HEX_LEN + 1], struct error *err) must_check;
/* What the container sees as its root, as a tar stream into outfd. */
int newimage_export(const struct store *s, const struct container_spec *spec, int outfd,
		    struct error *err) must_check;

#endif
