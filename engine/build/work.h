/* SPDX-License-Identifier: Apache-2.0 */
/*
 * work - one build under way: what build.c, step.c's callers and squash.c share. podium-image only.
 */
#ifndef PODIUM_BUILD_WORK_H
#define PODIUM_BUILD_WORK_H

#include "engine/build/build.h"
#include "engine/build/ignore.h"
#include "engine/build/state.h"

struct build {
	const struct store *store;
	const struct build_options *options;
	const struct build_ops *ops;
	struct containerfile file;
	struct stage_list stages;
	struct build_state *states;    /* one a stage, as it is when it is done */
	struct pairlist platform_args; /* TARGETPLATFORM, BUILDARCH, ... */
	struct ignore *ignore;
	char *context;		    /* absolute, or NULL */
	int contextfd;		    /* -1: none */
	int64_t now_ns;		    /* creation time: the build's begin, or --timestamp */
	size_t expand_left;	    /* see struct expand */
	struct layer_claim *claims; /* layers that must not go before the end */
	size_t n_claims;
};

/* Where a step stands. */
struct place {
	size_t stage;
	unsigned number, count; /* STEP number/count */
	bool is_last;		/* of the target stage: what it gives is the image */
};

/* A line of the build's output. */
void build_say(const struct build *b, const char *fmt, ...) printf_like(2, 3);
/* Takes over: keeps the layer until the end. */
void build_keep(struct build *b, struct layer_claim *claim);
/* Claims every layer of a list, so that no other process collects it. */
int build_hold(struct build *b, const struct strlist *layers, struct error *err) must_check;

/* base.c: makes *ret the image that FROM names (pulled when the policy says so). */
int build_base(struct build *b, const struct stage *stage, struct build_state *ret,
	       struct error *err) must_check;
/* The layers of an image that a --from names. */
int build_other_image(struct build *b, const char *name, struct strlist *ret,
		      struct error *err) must_check;

/* perform.c: one instruction, with its cache. */
int build_perform(struct build *b, struct build_state *st, const struct instruction *i,
		  const struct place *at, struct error *err) must_check;
/* A build argument that every RUN has, with and without ARG: HTTP_PROXY and its like. */
bool is_build_proxy(const char *name);
/* --from of COPY and RUN --mount: layers of an earlier stage, or of an image. */
int build_from_layers(struct build *b, const char *name, size_t stage, struct strlist *ret,
		      struct error *err) must_check;

/* commit.c */
/* Puts a layer upon the state; the claim is taken over. */
void build_add_layer(struct build *b, struct build_state *st, struct build_layer *l);
/* What a container wrote (ROOT/containers/<id>/upper) as a layer. */
int build_pack_container(struct build *b, const char *id, struct build_layer *ret,
			 struct error *err) must_check;
/* A tree as a layer; treefd is borrowed. */
int build_pack_tree(struct build *b, int treefd, bool is_upper, struct build_layer *ret,
		    struct error *err) must_check;
/* Makes the state an image; names only for the last step. */
int build_commit(struct build *b, struct build_state *st, bool is_last,
		 struct error *err) must_check;
/* --squash, --squash-all, --layers=false: one layer instead of those above the first `kept`. */
int build_squash(struct build *b, struct build_state *st, size_t kept,
		 struct error *err) must_check;
/* An image that was there already is what the build gives: its names, and no step any more. */
int build_name(struct build *b, struct build_state *st, struct error *err) must_check;

/* mounts.c: RUN --mount=... to *ret. */
int build_mount_parse(struct build *b, struct build_state *st, const char *text, size_t stage,
		      struct build_mount *ret, struct error *err) must_check;

/* flatten.c: binds from trees of several layers get one layer that shows the same. */
int build_flatten_mounts(struct build *b, struct build_run_spec *run, struct error *err) must_check;

#endif
