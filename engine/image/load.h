/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load - brings the images of an archive into the store. podium-image only.
 */
#ifndef PODIUM_IMAGE_LOAD_H
#define PODIUM_IMAGE_LOAD_H

#include "engine/image/config.h"
#include "engine/image/digest.h"
#include "engine/image/tarball.h"
#include "engine/state/layout.h"

#define LOAD_IMAGES_MAX	     1000
#define LOAD_MANIFEST_MAX    (4 * 1024 * 1024)
#define LOAD_INDEX_DEPTH_MAX 2

enum load_event_kind { LOAD_LAYER, LOAD_IMAGE, LOAD_WARNING };
/* What happened, as it happens. Texts are borrowed. */
struct load_event {
	int kind; /* enum load_event_kind */
	const char *id;	  /* LAYER: diff id; IMAGE: id; hex */
	const char *text; /* LAYER: "done" or "exists"; IMAGE: name or NULL; WARNING: text */
};
typedef void load_report(void *arg, const struct load_event *e);

/* Loads every image of the docker-archive or oci-archive in fd (any file or pipe; plain, gzip or
 * zstd). All layers first, then the images one after another: a failure in a layer loads nothing.
 */
int image_load(const struct store *s, int fd, load_report *report, void *arg,
	       struct error *err) must_check;

/* ---- between load.c and load_plan.c ---- */

struct load_layer {
	struct digest diff;
	struct digest blob; /* checked when has_blob */
	bool has_blob;
	uint64_t offset;
	uint64_t size;
};
struct load_image {
	char id[DIGEST_HEX_LEN + 1];
	char *config;
	size_t config_len;
	char manifest_id[DIGEST_HEX_LEN + 1]; /* "" when there is none */
	char *manifest;
	size_t manifest_len;
	struct strlist names;
	struct image_config parsed;
	struct image_facts facts;
	struct {
		struct load_layer *v;
		size_t n;
	} layers; /* as in the manifest */
};
struct load_plan {
	struct load_image *v;
	size_t n;
};
void load_plan_done(struct load_plan *p);
/* Reads manifests and configurations, checks their digests, finds every layer in the archive. */
int load_plan_read(const struct tarball *t, struct load_plan *ret, struct error *err) must_check;

#endif
