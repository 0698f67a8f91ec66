/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pushlayer - one layer into a registry, by a child: for push.c. podium-image only.
 */
#ifndef PODIUM_IMAGE_PUSHLAYER_H
#define PODIUM_IMAGE_PUSHLAYER_H

#include "engine/image/outimage.h"
#include "engine/image/registry.h"

/* Where all layers of a push go; texts are borrowed. */
struct push_target {
	const struct registry_route *route;
	const struct registry_options *registry;
	struct strlist mount_from; /* paths of other repositories of the registry */
	bool has_kind;
	enum deflate_kind kind;
	int level;
	bool is_docker; /* blobs must be such that schema 2 knows */
};
enum push_state { PUSH_WAITING, PUSH_REPEAT, PUSH_RUNNING, PUSH_DONE };
struct push_work {
	const struct outlayer *layer;
	enum push_state state;
	const struct push_target *target;
	uint64_t *sent; /* shared: bytes of the blob so far */
	struct job job;
	struct outblob blob; /* when it is done */
	bool was_there;	     /* nothing was sent */
};

int push_layer_start(const struct push_target *t, struct push_work *w,
		     struct error *err) must_check;
/* Waits; w->blob is what the registry has. */
int push_layer_end(struct push_work *w, struct error *err) must_check;

#endif
