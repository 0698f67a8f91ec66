/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load - brings images into the store: from archives and directories, and what pull found in a
 * registry. podium-image only.
 */
#ifndef PODIUM_IMAGE_LOAD_H
#define PODIUM_IMAGE_LOAD_H

#include "engine/image/config.h"
#include "engine/image/digest.h"
#include "engine/image/intake.h"
#include "engine/image/manifest.h"
#include "engine/image/source.h"
#include "engine/state/layout.h"

#define LOAD_IMAGES_MAX 1000
#define LOAD_TEXT_MAX	(64 * 1024 * 1024) /* configurations and manifests of all images together */

enum load_event_kind { LOAD_BEGIN, LOAD_LAYER, LOAD_IMAGE, LOAD_FAILED, LOAD_WARNING };
/* What happened, as it happens. Texts are borrowed. */
struct load_event {
	enum load_event_kind kind;
	const char *id; /* LAYER: diff id; IMAGE: id; hex */
	/* BEGIN: name; LAYER: "exists", "begun", "bytes", "unpacked" or "done"; IMAGE: name or NULL;
	 * FAILED: why this one was not brought in; WARNING: text */
	const char *text;
	uint64_t bytes; /* LAYER: of the blob, so far */
	uint64_t size;	/* LAYER: of the blob */
	size_t index;	/* BEGIN, IMAGE, FAILED: which of several that were asked for */
	int code;	/* FAILED: errno */
};
typedef void load_report(void *arg, const struct load_event *e);

/* Which images of a source are meant. */
struct load_choice {
	const char *ref;  /* a name (archive) or tag (layout); NULL: see `single` */
	bool single;	  /* an index that names several is an error */
	const char *name; /* for an image that the source gives no full name, or NULL */
	const struct platform *platform; /* NULL: this machine's */
	/* Those images alone, with those names alone: names with their tags as people write them
	 * ("web:1", "reg.example.com/x/web:1"), and ids. NULL: every image and name. */
	const struct strlist *only;
};
/* Loads the images of the docker-archive or oci-archive in fd (any file or pipe; plain, gzip or zstd)
 * that are meant. All layers first, then the images one after another: a failure in a layer loads
 * nothing. */
int image_load(const struct store *s, int fd, const struct load_choice *choice, load_report *report,
	       void *arg, struct error *err) must_check;
/* The same from an archive or directory that is open. Adds to nothing that is there: a layer that
 * is complete stays as it is. */
int image_load_source(const struct store *s, struct source *src, const struct load_choice *choice,
		      load_report *report, void *arg, struct error *err) must_check;

/* ---- between load.c, load_plan.c and pull ---- */

struct load_image {
	size_t index; /* which of several that were asked for */
	char id[DIGEST_HEX_LEN + 1];
	char *config;
	size_t config_len;
	char manifest_id[DIGEST_HEX_LEN + 1]; /* "" when there is none */
	char *manifest;
	size_t manifest_len;
	char list_id[DIGEST_HEX_LEN + 1]; /* the index it was chosen from, "" when there is none */
	char *list;
	size_t list_len;
	struct strlist names;
	struct strlist digests; /* "name@sha256:<hex>" */
	struct image_config parsed;
	struct image_facts facts;
	struct {
		struct intake_layer *v;
		size_t n;
	} layers; /* as in the manifest */
};
void load_image_done(struct load_image *i);
struct load_plan {
	struct load_image *v;
	size_t n;
};
void load_plan_done(struct load_plan *p);
/* Whether all the texts of a plan may be held at once. -E2BIG: more than LOAD_TEXT_MAX. */
int load_plan_check(const struct load_plan *p, struct error *err) must_check;
/* Reads manifests and configurations, checks their digests, finds every layer. */
int load_plan_read(struct source *src, const struct load_choice *choice, struct load_plan *ret,
		   struct error *err) must_check;
/* Takes a configuration (the image's from now on) whose digest was checked or is not known: its
 * digest becomes the id, its diff ids go to the layers, which must be there already. */
int load_image_set_config(struct load_image *i, char *config, size_t len,
			  struct error *err) must_check;
/* Layers, then images, of the plan; all or none of them. */
int load_plan_run(const struct store *s, const struct load_plan *p, load_report *report, void *arg,
		  struct error *err) must_check;
/* The same from a registry: each image by itself, with LOAD_IMAGE or LOAD_FAILED for each. An error
 * is one of all. */
int load_plan_fetch(const struct store *s, struct registry *registry, const struct load_plan *p,
		    load_report *report, void *arg, struct error *err) must_check;

#endif
