/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pull - images from registries, and from layouts and archives by name, into the store.
 * podium-image only.
 */
#ifndef PODIUM_IMAGE_PULL_H
#define PODIUM_IMAGE_PULL_H

#include "engine/image/load.h"
#include "engine/image/registry.h"

enum pull_policy {
	PULL_ALWAYS,  /* ask, and take what is said; a failure is one */
	PULL_MISSING, /* only what is not here */
	PULL_NEVER,   /* what is not here is an error */
	PULL_NEWER,   /* ask; a failure is forgiven when the image is here */
	PULL__COUNT
};
/* NULL and "" are "always". -EINVAL. */
int pull_policy_parse(const char *text, enum pull_policy *ret, struct error *err) must_check;

/* One image that is wanted. Texts are borrowed. */
struct pull_item {
	/* "nginx", "docker://docker.io/library/nginx:1", "name@sha256:...", "oci:DIR[:TAG]",
	 * "oci-archive:FILE[:TAG]", "docker-archive:FILE[:NAME]", "dir:DIR" */
	const char *name;
	enum pull_policy policy;
	const struct strlist *docker_configs; /* see registry.h; NULL: none */
	size_t index;			      /* comes back in its events */
};
struct pull_options {
	const struct pull_item *v;
	size_t n;
	const struct platform *platform;  /* NULL: this machine's */
	bool all_tags;			  /* every tag of each name */
	struct registry_options registry; /* its docker_configs are not looked at */
};
/* Brings them in side by side. Each ends in LOAD_IMAGE or LOAD_FAILED with its index, so the result
 * is negative only for what concerns all. */
int image_pull(const struct store *s, const struct pull_options *o, load_report *report, void *arg,
	       struct error *err) must_check;

/* An image that lies here: "oci:..." and the others. 1: it was one, and is in the store; 0: the name
 * is none of those. */
int image_pull_local(const struct store *s, const struct pull_item *item,
		     const struct platform *platform, load_report *report, void *arg,
		     struct error *err) must_check;

#endif
