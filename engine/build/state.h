/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state - a stage while it is built: the configuration that grows, and what variables mean in it.
 *
 * Links libc and jansson.
 */
#ifndef PODIUM_BUILD_STATE_H
#define PODIUM_BUILD_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/build/containerfile.h"
#include "engine/build/expand.h"
#include "engine/build/stage.h"
#include "engine/image/imageconf.h"

struct build_state {
	struct image_conf conf;
	struct pairlist args; /* of ARG, as far as they have values */
	char image[65];	      /* the image in the store that this is, or "" */
	char escape;
	bool has_cmd; /* CMD stood in this stage: ENTRYPOINT leaves it */
	size_t *left; /* see struct expand; borrowed, or NULL */
};
void build_state_done(struct build_state *s);
#define cleanup_build_state cleanup(build_state_done)

/* Variables as instructions of this stage see them: ENV before ARG. Borrows s. */
struct expand build_state_expand(struct build_state *s);

/* NAME=VALUE into an environment. */
void build_env_set(struct strlist *env, const char *name, const char *value);

/* Applies an instruction that changes the configuration alone: all but FROM, RUN, COPY, ADD. WORKDIR
 * is applied here; its directory is the caller's. args: where ARG finds values. */
int build_state_apply(struct build_state *s, const struct instruction *i,
		      const struct arg_sources *args, struct error *err) must_check;

/* What a RUN runs: argv with the shell, and the text of a script when a heredoc begins with #!.
 * *ret_script may become NULL. */
int build_state_command(const struct build_state *s, const struct instruction *i,
			struct strlist *ret, char **ret_script, struct error *err) must_check;
/* An instruction with its heredocs, as history has it. The caller's. */
char *build_instruction_text(const struct instruction *i);

/* A path as WORKDIR says it: absolute and cleaned. The caller's. */
char *build_path_join(const char *dir, const char *path);

/* The arguments that a RUN sees, "NAME=VALUE" each, sorted. */
void build_state_args(const struct build_state *s, struct strlist *ret);
/* The same as one text, for people: blanks between them. "" when there are none. */
char *build_state_arg_text(const struct build_state *s);

#endif
