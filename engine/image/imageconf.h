/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imageconf - the whole of an image's configuration, read and written.
 *
 * A container starts from less (config.h, struct image_config). This is for what shows an image
 * (inspect, history) and for what makes one (build, commit, import): everything of the OCI image
 * configuration 1.1 and of Docker's additions to it (Healthcheck, OnBuild, Shell, comment). Members
 * that nobody here knows are not kept.
 */
#ifndef PODIUM_IMAGE_IMAGECONF_H
#define PODIUM_IMAGE_IMAGECONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/image/config.h"

#define IMAGE_HISTORY_MAX 10000 /* entries */

struct image_health {
	struct strlist test; /* {"NONE"}, {"CMD", ...}, {"CMD-SHELL", text}; empty: none is said */
	int64_t interval_ns; /* 0: not said, as all of these */
	int64_t timeout_ns;
	int64_t start_period_ns;
	int64_t retries;
};

struct image_history {
	int64_t created_ns; /* 0: not said */
	char *created_by;   /* "/bin/sh -c #(nop) CMD [...]"; the strings may be NULL */
	char *author;
	char *comment;
	bool is_empty_layer; /* has no entry in diff_ids */
};
struct image_history_list {
	struct image_history *v; /* oldest first */
	size_t n;
};

struct image_conf {
	struct image_config run; /* reference and id NULL; run.layers: each diff id once */
	struct strlist diff_ids; /* as written, lowest first: what image_conf_write() writes */
	int64_t created_ns;	 /* 0: not said */
	char *author;
	char *comment;
	char *architecture;
	char *os;
	char *variant;
	struct strlist exposed_ports; /* "80/tcp", "53/udp", "8000-8010/tcp" */
	struct strlist onbuild;
	struct strlist shell;
	struct image_health health;
	struct image_history_list history;
};
void image_conf_done(struct image_conf *c);
#define cleanup_image_conf cleanup(image_conf_done)

/* Reads a configuration. What config.h checks is checked; the rest has the right types, sane sizes
 * and no more (it is data to show: escape it). -EBADMSG, -EFBIG; *ret is then empty. */
int image_conf_parse(const char *text, size_t len, struct image_conf *ret,
		     struct error *err) must_check;
/* The configuration as JSON, the caller's; the same struct gives the same bytes. */
char *image_conf_write(const struct image_conf *c);
/* Everything of src, by value. *dst is overwritten. */
void image_conf_copy(struct image_conf *dst, const struct image_conf *src);

/* A new last entry; the texts are copied and may be NULL. */
struct image_history *image_conf_add_history(struct image_conf *c, int64_t created_ns,
					     const char *created_by);

#endif
