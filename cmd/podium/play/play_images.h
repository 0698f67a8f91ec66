/* SPDX-License-Identifier: Apache-2.0 */
/* play_images - the images of manifests: which are pulled before anything is made, and with what. */
#ifndef PODIUM_CMD_PLAY_IMAGES_H
#define PODIUM_CMD_PLAY_IMAGES_H

#include <stdbool.h>

#include "cmd/podium/image/pulljob.h"
#include "engine/image/reference.h"
#include "engine/image/store.h"
#include "kube/kube.h"

enum play_pull {
	PLAY_PULL_NEVER,
	PLAY_PULL_MISSING,
	PLAY_PULL_NEWER,  /* ask; failing is forgiven when the image is here */
	PLAY_PULL_ALWAYS, /* ask; failing is failing */
};
/* What an imagePullPolicy (NULL: none was given) means for a name. */
enum play_pull play_pull_policy(const char *policy, const struct reference *name);

/* Who needs an image: a container, or a volume that is one. Borrows from the plan. */
struct play_use {
	const struct pod_spec *pod;
	const char *kind; /* "container", "volume" */
	const char *name; /* of the user */
	const char *image;
	const char *policy; /* or NULL */
};
/* All of a plan; the caller frees *ret. */
size_t play_images_uses(const struct pod_plan *plan, struct play_use **ret);

/* What is pulled: one a name. */
struct play_images {
	struct pull_want *v;
	struct strlist *auths; /* of each */
	struct play_use *uses; /* the first that wants it */
	size_t n;
};
void play_images_done(struct play_images *p);
#define cleanup_play_images cleanup(play_images_done)

/* Fills *ret with what the plans want pulled, by what is here: the caller holds the images lock.
 * Borrows from the plans. -ENOENT: an image is not here and must not be pulled; names pod, user
 * and image. */
/* keep (or NULL): images, as the manifests write them, that are taken as they are here. */
int play_images_choose(const struct store *s, const struct kube_result *plans,
		       const struct strlist *keep, struct play_images *ret,
		       struct error *err) must_check;
/* Pulls them, all at once; no lock may be held. Each failure names pod, user, image, registry
 * and reason: all but the last are printed, that is the error. */
int play_images_pull(const struct store *s, const struct pull_options *o, bool quiet,
		     struct play_images *p, struct error *err) must_check;
/* The name under which an image is looked for: what it was pulled as, or its own. */
const char *play_images_name(const struct play_images *p, const char *image);

#endif
