/* SPDX-License-Identifier: Apache-2.0 */
/*
 * play_objects - the objects of manifests beside their pods: compared with the store, written, put
 * back when the play fails.
 */
#ifndef PODIUM_CMD_PLAY_OBJECTS_H
#define PODIUM_CMD_PLAY_OBJECTS_H

#include "engine/data/object.h"
#include "engine/volumes/named.h"
#include "kube/kube.h"
#include "kube/objects.h"

enum play_change { PLAY_CREATED, PLAY_CONFIGURED, PLAY_UNCHANGED };

struct play_object {
	const struct kube_object *o;
	enum play_change change;
	bool done; /* it was written by this run */
	/* what was there before, by kind; empty when there was nothing */
	struct data_object old_data;
	struct stored_object old;
	struct named_volume old_claim;
};
struct play_objects {
	struct play_object *v; /* one an object that this command writes, in order */
	size_t n;
	struct strlist volumes; /* claims without a document: named volumes that are made */
	struct strlist volume_namespaces; /* one each: of the pods that claim them */
	size_t volumes_done;
	struct strlist stale; /* pods that a workload had and has no more */
};
void play_objects_done(struct play_objects *p);
#define cleanup_play_objects cleanup(play_objects_done)

/* A manifest's path as it is recorded: absolute; NULL stays NULL. The caller owns it. */
char *play_source(const char *path);
/* Makes the sources of all plans and data such paths. */
void play_objects_name_sources(struct kube_result *result);

/* Whether the options of play said the same of a Job's pods when it was stored. */
bool is_job_told_the_same(const struct stored_object *old, const struct kube_object *now);
/* Compares with the store; nothing is written. -EPERM: an immutable one would change. */
int play_objects_compare(const struct store *s, const struct kube_result *result,
			 struct play_objects *ret, struct error *err) must_check;
/* Writes what is new or changed, in order. On failure nothing of it is left. */
int play_objects_apply(const struct store *s, struct play_objects *p,
		       const struct kube_result *result, struct error *err) must_check;
/* Takes back what apply wrote: objects go, old contents come again. What somebody else has changed
 * since stays as it is. Takes the lock of objects. */
void play_objects_take_back(const struct store *s, struct play_objects *p);
/* Takes back what was not there before this run, and nothing else. */
void play_objects_take_back_created(const struct store *s, struct play_objects *p);
/* A line each on stderr: "configmap 'x' created". suffix: " (dry run)" or "". */
void play_objects_print(const struct play_objects *p, const char *suffix);
/* Whether an object's content changes by this run. */
bool is_play_object_changed(const struct play_objects *p, int kind, const char *namespace_,
			    const char *name);

#endif
