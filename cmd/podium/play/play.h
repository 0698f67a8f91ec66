/* SPDX-License-Identifier: Apache-2.0 */
/*
 * play - what the parts of kube play share: the options, and what is to be done with each pod.
 *
 * cmd_kube_play.c reads the command line, play_run.c puts the parts in order; play_prepare.c compares
 * and checks, play_apply.c makes and undoes.
 */
#ifndef PODIUM_CMD_PLAY_H
#define PODIUM_CMD_PLAY_H

#include "cmd/podium/base/command.h"
#include "cmd/podium/play/play_images.h"
#include "cmd/podium/play/play_objects.h"
#include "cmd/podium/play/play_override.h"
#include "cmd/podium/pod/pods.h"
#include "cmd/podium/image/pulljob.h"
#include "engine/pod/pod.h"
#include "kube/kube.h"

struct play_options {
	bool down;
	bool force; /* with down */
	bool dry_run;
	bool prune;
	const char *wait; /* "true", "ready", "completed" or NULL */
	struct option_int timeout;
	struct strlist files; /* as given; filled in by run() */
	bool replace;
	bool start;
	bool quiet;
	bool no_pod_prefix;
	bool strict;
	struct strlist networks;     /* as given */
	char *network;		     /* the same as one text, or NULL; filled in by run() */
	const char *default_network; /* of containers.conf, or NULL; borrowed, filled in by run() */
	struct strlist config_maps;
	struct strlist annotations; /* KEY=VALUE */
	struct play_overrides over;
	const char *context_dir;
	struct option_maybe build;
	struct option_int time;
	struct pull_options pull;
	bool service_container;
	const char *service_exit; /* word */
};

enum play_act { PLAY_CREATE, PLAY_KEEP, PLAY_REPLACE };

struct played {
	struct pod_plan *plan; /* in the kube_result */
	enum play_act act;
	char id[65]; /* of the pod that exists, then of the pod that was made */
	struct pod_creation creation;
	bool created;
	const char
		*service; /* id of the service container it shall have, "": of a new one; or NULL */
};

/* ---- play_run.c: all of it ------------------------------------------------------------------ */

/* Plays good manifests; keep as of play_images_choose(). Returns the exit code. */
int play_run(struct command_context *ctx, const struct play_options *o, struct kube_result *result,
	     const struct strlist *keep, struct error *err) must_check;

/* ---- play_prepare.c: before anything is made ---------------------------------------------- */

/* Pulls what is to be pulled; keep as of play_images_choose(). Returns the images lock. */
int play_take_images(struct command_context *ctx, const struct play_options *o,
		     const struct kube_result *result, const struct strlist *keep,
		     struct play_images *pulled, struct error *err) must_check;
/* Fills v, one each of the result's plans: images resolved, sources and ports looked at, compared
 * with what exists. The caller holds the images lock. */
int play_prepare(struct command_context *ctx, const struct play_options *o,
		 struct kube_result *result, const struct play_images *pulled, struct played *v,
		 struct error *err) must_check;
/* Fills in the configuration of a plan's images. */
int play_resolve_images(const struct store *s, const struct play_images *pulled,
			struct pod_plan *plan, struct error *err) must_check;

/* ---- play_network.c ------------------------------------------------------------------------ */

/* The values of --network as one text; NULL: none. The caller owns it. */
char *play_join_networks(const struct strlist *words);
/* Whether such a text can be had. NULL can. */
int play_check_networks(const struct store *s, const char *network, struct error *err) must_check;
/* What this plan is given: the option's text, else containers.conf's network for a pod that names none. */
const char *play_choose_network(const struct play_options *o, const struct pod_plan *plan);
/* Gives a plan the networks of such a text; NULL: none was given. */
int play_apply_network(const struct store *s, struct pod_plan *plan, const char *network,
		       struct error *err) must_check;
/* Whether there are pods for all addresses; warns of pods without. */
int play_check_addresses(const struct play_overrides *o, size_t n_pods,
			 struct error *err) must_check;
/* Gives the i-th pod its addresses, after its networks. */
int play_apply_addresses(const struct store *s, const struct play_overrides *o, size_t i,
			 struct pod_plan *plan, struct error *err) must_check;

/* ---- play_apply.c: making them ------------------------------------------------------------- */

/* Ends and removes the pods that are replaced. */
int play_remove_old(const struct store *s, struct played *v, size_t n,
		    struct error *err) must_check;
bool play_has_old(const struct played *v, size_t n);
/* Undoes what this command has made of pods. */
void play_roll_back(const struct store *s, struct played *v, size_t n);
/* Creates and starts; reports[i] tells of v[i]. */
int play_make(const struct store *s, const struct play_options *o, struct played *v, size_t n,
	      struct pod_start_result *reports, struct error *err) must_check;
/* One wait for the disk for all pods that were made. */
int play_commit(const struct store *s, struct played *v, size_t n, struct error *err) must_check;
/* Prints a pod's id and those of its members, as Podman does; nothing for one that is gone. */
void play_print_ids(const struct store *s, const char *pod_id);
/* Prints what became of each pod, undoing those that could not be built. Returns the exit code. */
int play_finish(const struct store *s, struct played *v, size_t n,
		const struct pod_start_result *reports);

/* ---- play_refresh.c -------------------------------------------------------------------------- */

/* Tells running pods (but those that are fresh, by id) of ConfigMaps and Secrets that changed. */
void play_refresh(const struct store *s, const struct strlist *fresh,
		  const struct play_objects *objects);

#endif
