/* SPDX-License-Identifier: Apache-2.0 */
/* play_images - the images of manifests: which are pulled before anything is made, and with what. */
#ifndef PODIUM_CMD_PLAY_IMAGES_H
#define PODIUM_CMD_PLAY_IMAGES_H

#include <stdbool.h>

#include "cmd/podium/pulljob.h"
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

/* What is pulled: one a name. */
struct play_images {
	struct pull_want *v;
	struct strlist *auths;		       /* of each */
	const struct container_spec **for_one; /* the first container that wants it */
	const struct pod_spec **for_pod;
	size_t n;
};
void play_images_done(struct play_images *p);
#define cleanup_play_images cleanup(play_images_done)

/* Fills *ret with what the plans want pulled, by what is here: the caller holds the images lock.
 * Borrows from the plans. -ENOENT: an image is not here and must not be pulled; names pod, container
 * and image. */
/* keep (or NULL): images, as the manifests write them, that are taken as they are here. */
int play_images_choose(const struct store *s, const struct kube_result *plans,
		       const struct strlist *keep, struct play_images *ret,
		       struct error *err) must_check;
/* Pulls them, all at once; no lock may be held. Each failure names pod, container, image, registry
 * and reason: all but the last are printed, that is the error. */
int play_images_pull(const struct store *s, const struct pull_options *o, bool quiet,
		     struct play_images *p, struct error *err) must_check;
/* The name under which a container's image is looked for: what it was pulled as, or its own. */
const char *play_images_name(const struct play_images *p, const struct container_spec *c);

#endif
