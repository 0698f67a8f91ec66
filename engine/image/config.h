/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config - the image configuration (OCI image config, Docker image JSON) as hostile input.
 */
#ifndef PODIUM_IMAGE_CONFIG_H
#define PODIUM_IMAGE_CONFIG_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/pod/spec.h"

/* Limits on what an image may say. */
#define CONFIG_BYTES_MAX  (4 * 1024 * 1024)
#define CONFIG_LAYERS_MAX 500
#define CONFIG_LIST_MAX	  10000		/* Env, Cmd, Entrypoint, Volumes, Labels: entries each */
#define CONFIG_WORDS_MAX  (1024 * 1024) /* Env, Cmd and Entrypoint together, in bytes */
#define CONFIG_STRING_MAX (128 * 1024)	/* one string: what execve(2) takes */

struct image_facts {
	int64_t created_ns;	 /* 0 when the image does not say */
	char *architecture;	 /* "amd64" */
	char *os;		 /* "linux" */
	struct strlist diff_ids; /* "sha256:<hex>", lowest first, repeats kept */
};
void image_facts_done(struct image_facts *f);

/* Reads a configuration. Everything in *ret but reference and id is filled; layers holds each diff
 * id once (a repeated layer counts where it is highest: the lower one cannot be seen). facts may be
 * NULL. -EBADMSG names what is wrong; *ret is then empty. */
int image_config_parse(const char *text, size_t len, struct image_config *ret,
		       struct image_facts *facts, struct error *err) must_check;
void image_config_done(struct image_config *c);

/* "2024-01-01T00:00:00.123Z" to nanoseconds since 1970. -EINVAL. */
int image_parse_time(const char *text, int64_t *ret_ns) must_check;
/* The way back, in UTC, with as much of a fraction as there is. ns >= 0. */
#define IMAGE_TIME_MAX 48
void image_format_time(int64_t ns, char out[IMAGE_TIME_MAX]);

#endif
