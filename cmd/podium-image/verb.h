/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb - what podium-image can be asked to do: one file a verb, one row a verb in main.c.
 *
 * The other side, and what the descriptors are, is cmd/podium/image/imagejob.h.
 */
#ifndef PODIUM_IMAGE_VERB_H
#define PODIUM_IMAGE_VERB_H

#include <jansson.h>

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/image/deflate.h"
#include "engine/state/layout.h"

#define VERB_LINE_MAX (1024 * 1024)

struct verb_context {
	struct store store; /* opened for writing */
	int socket;	    /* replies come from here */
	int datafd;	    /* archive to read or write, or -1 */
};

struct verb {
	const char *name;
	/* Does it. request is what podium sent, of any shape: check it. */
	int (*run)(struct verb_context *ctx, const json_t *request, struct error *err);
};

extern const struct verb verb_pull;
extern const struct verb verb_build;
extern const struct verb verb_load;
extern const struct verb verb_check;
extern const struct verb verb_fetch;
extern const struct verb verb_login;
extern const struct verb verb_manifest;
extern const struct verb verb_commit;
extern const struct verb verb_cp;
extern const struct verb verb_export;
extern const struct verb verb_import;
extern const struct verb verb_push;
extern const struct verb verb_save;
extern const struct verb verb_volume_export;
extern const struct verb verb_volume_import;

/* Tells podium one event: takes j (a new reference, with member "event"). */
void verb_tell(json_t *j);
void verb_warn(const char *text);
/* A load_report that tells podium (events.c); arg is not used. */
struct load_event;
void verb_tell_load(void *arg, const struct load_event *e);
/* An out_report that tells podium (outevents.c); arg is not used. */
struct out_event;
void verb_tell_out(void *arg, const struct out_event *e);
/* A list of strings of a request; absent is empty. */
int verb_take_strings(const json_t *request, const char *key, struct strlist *ret,
		      struct error *err) must_check;
/* "compression" and "level" of a request. */
int verb_take_compression(const json_t *request, enum deflate_kind fallback,
			  enum deflate_kind *ret_kind, int *ret_level,
			  struct error *err) must_check;
/* Waits for podium's reply to a question that an event was. *ret is the caller's. -EPIPE: podium is
 * gone. */
int verb_ask(struct verb_context *ctx, json_t *question, json_t **ret,
	     struct error *err) must_check;

#endif
