/* SPDX-License-Identifier: Apache-2.0 */
/*
 * play_build - images of manifests that are built here: a folder called like the image.
 *
 * The image "registry/x/web:1" has the folder "web", beside the manifest or in --context-dir; it
 * counts when it holds a Containerfile or a Dockerfile, and is the build's context.
 */
#ifndef PODIUM_CMD_PLAY_BUILD_H
#define PODIUM_CMD_PLAY_BUILD_H

#include "cmd/podium/image/pulljob.h"
#include "kube/kube.h"

struct play_build_options {
	struct option_maybe build; /* not set: what is missing; true: all; false: none */
	const char *context_dir;   /* or NULL: beside the manifest */
	const struct pull_options *pull;
	bool quiet;
};

/* Builds all at once what is to be built, and adds the images that have a folder and are here then
 * to ret_keep, as the manifests write them: they are not asked for at a registry. No lock may be
 * held. The output of the builds goes to stderr. */
int play_build(struct command_context *ctx, const struct play_build_options *o,
	       const struct kube_result *plans, struct strlist *ret_keep,
	       struct error *err) must_check;

#endif
