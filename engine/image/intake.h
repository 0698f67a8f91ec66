/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake - layers on their way into the store, from wherever they come. podium-image only.
 *
 * The one pipeline: source -> sha256 of the blob -> inflate -> sha256 of the tar (and tarsplit) ->
 * extractor, side by side on the cores there are. load (an archive) and pull (a registry) hand it
 * lists of layers; it claims them, leaves out those that are there, waits for those that another
 * process fills, compares digests and sizes, syncs and completes each as soon as it is unpacked.
 */
#ifndef PODIUM_IMAGE_INTAKE_H
#define PODIUM_IMAGE_INTAKE_H

#include "engine/image/digest.h"
#include "engine/image/registry.h"
#include "engine/state/layout.h"

struct intake_layer {
	struct digest diff;
	struct digest blob; /* checked when has_blob */
	bool has_blob;
	uint64_t size; /* of the blob, in bytes; exactly so many are read */
	/* one of the two sources: */
	int fd; /* a file, at offset; -1: from a registry */
	uint64_t offset;
	const struct route_list *routes;
	size_t group;	   /* whose layer it is: when one fails, those that are its alone end too */
	const char *image; /* for messages, or NULL */
};
enum intake_event_kind {
	INTAKE_EXISTS,	 /* nothing to do, or another process did it meanwhile */
	INTAKE_BEGUN,	 /* on its way */
	INTAKE_BYTES,	 /* several times a second at most, of layers from a registry */
	INTAKE_UNPACKED, /* all there and right; not yet safe on the disk */
	INTAKE_DONE,
	INTAKE_WARNING, /* text */
	INTAKE__COUNT
};
struct intake_event {
	enum intake_event_kind kind;
	const struct intake_layer *layer;
	uint64_t bytes; /* of the blob, so far */
	const char *text;
};
typedef void intake_report(void *arg, const struct intake_event *e);

struct intake;
/* registry may be NULL when no layer comes from one. The caller's; intake_free() frees it. */
struct intake *intake_new(const struct store *s, struct registry *registry, intake_report *report,
			  void *arg);
/* Adds layers, before intake_run(); one that is in the list already (same diff id) is taken once.
 * They are borrowed until intake_free(). */
void intake_add(struct intake *in, const struct intake_layer *v, size_t n);
/* A failure ends its group alone; intake_result() tells. */
void intake_keep_going(struct intake *in);
/* Works until every layer is complete. The first failure ends it (unless it is to keep going); what
 * is complete then stays. Claims are kept until intake_free(), so that nobody collects what no image
 * refers to yet. */
int intake_run(struct intake *in, struct error *err) must_check;
/* After intake_run(): 0, or why the layer is not there. */
int intake_result(const struct intake *in, const struct digest *diff, struct error *err) must_check;
/* Ends what is under way and removes what it left half made. NULL is allowed. */
void intake_free(struct intake *in);

#endif
