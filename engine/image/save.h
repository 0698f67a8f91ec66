/* SPDX-License-Identifier: Apache-2.0 */
/*
 * save - images of the store into archives and directories. podium-image only.
 */
#ifndef PODIUM_IMAGE_SAVE_H
#define PODIUM_IMAGE_SAVE_H

#include "engine/base/str.h"
#include "engine/image/deflate.h"
#include "engine/image/digest.h"
#include "engine/image/outimage.h"
#include "engine/state/layout.h"

enum save_format {
	SAVE_DOCKER_ARCHIVE, /* plain layers, manifest.json */
	SAVE_OCI_ARCHIVE,
	SAVE_OCI_DIR,	 /* adds to a layout that is there */
	SAVE_DOCKER_DIR, /* Docker schema 2, "dir:" */
	SAVE__COUNT
};
const char *save_format_str(enum save_format f); /* "docker-archive" */

struct save_options {
	enum save_format format;
	const struct strlist *images; /* names or ids; several: DOCKER_ARCHIVE alone */
	const struct strlist *tags;   /* more names for the first image, or NULL */
	/* Instead of the images' own names: a full name for a docker-archive, any text for an OCI
	 * layout, "" for none; NULL: the own ones. */
	const char *ref;
	enum deflate_kind kind; /* of layers; a docker-archive has plain ones whatever this says */
	int level;
	bool is_oci;	    /* DOCKER_DIR: with an OCI manifest all the same */
	out_report *report; /* or NULL */
	void *arg;
};

/* Writes into outfd: a file or pipe where it stands, or a directory. *ret_manifest (may be NULL) is
 * the digest of the last image's manifest; not touched for a docker-archive. */
int image_save(const struct store *s, const struct save_options *o, int outfd,
	       struct digest *ret_manifest, struct error *err) must_check;

#endif
