/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pulljob - images wanted from registries: the verb "pull" of podium-image, from podium's side.
 *
 *	request	{"images": [{"name": "nginx", "policy": POLICY, "auths": ["<JSON text>", ...]}, ...],
 *		 "authfile": "...", "creds": "USER:PASSWORD", "cert-dir": "...", "tls-verify": bool,
 *		 "platform": "os/arch[/variant]", "all-tags": bool}
 *		All but "images" and "name" may be missing. "auths": texts of a .dockerconfigjson or
 *		.dockercfg, looked into before any file.
 *		POLICY	"always"	ask the registry; what it says is taken, or it is a failure
 *			"missing"	only when no such image is here (also one that came meanwhile)
 *			"newer"		ask; any failure is forgiven when the image is here
 *			"never"		only what is here
 *	events	{"event":"trying","index":0,"name":"docker.io/library/nginx:latest"}
 *		{"event":"layer", ...}: cmd/podium/base/progress.h
 *		{"event":"image","index":0,"id":"<image id>","name":"docker.io/library/nginx:latest"}
 *		{"event":"failed","index":0,"code":<errno>,"text":"names registry and reason"}
 *
 * Every image ends in one "image" or one "failed"; all are pulled side by side and a failure ends
 * none of the others. The verb itself fails when nothing can be said of a single image.
 */
#ifndef PODIUM_CMD_PULLJOB_H
#define PODIUM_CMD_PULLJOB_H

#include "cmd/podium/image/regoptions.h"
#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/state/layout.h"

struct progress;

/* What --authfile, --creds, --cert-dir, --tls-verify and --platform said. */
struct pull_options {
	struct reg_options reg;
	const char *platform;
	bool all_tags; /* of each name, which then has no tag */
};

struct pull_want {
	const char *name; /* as written */
	const char *policy;
	const struct strlist *auths; /* or NULL */
	/* filled in: */
	char id[65];	      /* of the image, or ""; with all tags: the last one's */
	struct strlist ids;   /* every one */
	char *full;	      /* the name it has here; freed by pull_wants_done() */
	struct error failure; /* code 0: none */
};
void pull_wants_done(struct pull_want *v, size_t n);

/* Pulls them all. Fills in what became of each; -errno only when the helper itself failed. Says
 * "Trying to pull NAME..." through progress (may be NULL: nothing is shown). */
int pull_run(const struct store *s, const struct pull_options *o, struct pull_want *v, size_t n,
	     struct progress *progress, struct error *err) must_check;

#endif
