/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build - a Containerfile to an image. podium-image only, but for the options, which are podium's.
 */
#ifndef PODIUM_BUILD_BUILD_H
#define PODIUM_BUILD_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/record.h"
#include "engine/base/str.h"
#include "engine/build/step.h"
#include "engine/image/digest.h"
#include "engine/image/load.h"
#include "engine/state/layout.h"

#define BUILD_NO_TIMESTAMP (-1)

enum build_pull {
	BUILD_PULL_MISSING,
	BUILD_PULL_ALWAYS,
	BUILD_PULL_NEVER,
	BUILD_PULL_NEWER,
	BUILD_PULL__COUNT
};
/* What was asked for on the command line. Recorded by build_options_type: it travels as JSON. */
struct build_options {
	char *context;	      /* absolute; NULL: there is none */
	char *file;	      /* absolute; NULL: the text is the data */
	char *file_name;      /* to call it in messages */
	char *ignore_file;    /* absolute; NULL: .containerignore, .dockerignore of the context */
	struct strlist names; /* -t, canonical */
	char *shown_name;     /* the first of them as it was written */
	struct pairlist build_args; /* NAME=VALUE */
	struct strlist labels;	    /* KEY=VALUE */
	struct strlist env;	    /* NAME=VALUE, at the start of the last stage */
	struct strlist add_hosts, cap_add, cap_drop;
	char *target;
	char *from;	/* instead of the first FROM's */
	char *platform; /* "os/arch[/variant]"; NULL: this machine's */
	char *network;	/* of RUN; NULL: default */
	int pull;	/* enum build_pull */
	bool no_cache;
	bool no_layers;	 /* one layer for all that the last stage changed, nothing kept */
	bool squash_all; /* one layer for everything */
	bool is_docker;	 /* the manifest is Docker's */
	bool is_quiet;
	int64_t timestamp_s; /* BUILD_NO_TIMESTAMP: now */
	/* for pulls */
	char *authfile, *creds, *cert_dir;
	int64_t tls_verify; /* 1, 0, -1: as configured */
};
extern const struct record_type build_options_type;

/* What a build needs of who runs it. */
struct build_ops {
	void *arg;
	void (*say)(void *arg, const char *line); /* a line of the build's own output */
	void (*warn)(void *arg, const char *text);
	/* Runs a step in a container. 0: it ended with *ret_exit, and its writable layer is that of
	 * container ret_id until run_done(). */
	int (*run)(void *arg, const struct build_run_spec *run, int *ret_exit, char ret_id[65],
		   struct error *err);
	int (*run_done)(void *arg, const char *id, struct error *err);
	load_report *load; /* layers of images that are pulled */
	void *load_arg;
};

/* Builds. datafd: the Containerfile when options->file is NULL. ret_id: the image. */
int build_image(const struct store *s, const struct build_options *o, int datafd,
		const struct build_ops *ops, char ret_id[DIGEST_HEX_LEN + 1],
		struct error *err) must_check;

#endif
