/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push - an image of the store into a registry. podium-image only.
 */
#ifndef PODIUM_IMAGE_PUSH_H
#define PODIUM_IMAGE_PUSH_H

#include "engine/image/outimage.h"
#include "engine/image/reference.h"
#include "engine/image/registry.h"

enum push_format { PUSH_AS_IT_IS, PUSH_OCI, PUSH_DOCKER };

struct push_options {
	const char *image;	 /* name or id */
	const char *destination; /* a reference; NULL: the image's own name */
	enum push_format format; /* of the manifest */
	bool has_kind;		 /* kind was asked for: blobs of another kind are not used again */
	enum deflate_kind kind;	 /* of layers that the registry does not have */
	int level;
	struct registry_options registry;
	out_report *report; /* or NULL */
	void *arg;
};

/* *ret_manifest: the digest of the manifest there. The codes of registry.h and outimage_open(). */
int image_push(const struct store *s, const struct push_options *o, struct digest *ret_manifest,
	       struct error *err) must_check;

#endif
