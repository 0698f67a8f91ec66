/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step - what one instruction of a build asks for, between who reads the Containerfile (build.c) and
 * who does the work (copy.c, and podium's container engine for RUN).
 *
 * Trees are lists of layers of the store, "sha256:<hex>", lowest first; an empty list is scratch.
 * All texts and lists in a spec are borrowed for the call.
 */
#ifndef PODIUM_BUILD_STEP_H
#define PODIUM_BUILD_STEP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/image/digest.h"
#include "engine/image/layers.h"
#include "engine/state/layout.h"

struct ignore;

/* A layer that a step made. The claim keeps it from being collected until an image has it. */
struct build_layer {
	struct digest diff;
	uint64_t bytes;
	struct layer_claim claim;
};
#define BUILD_LAYER_INIT ((struct build_layer){ .claim = { .dirfd = -EBADF, .lockfd = -EBADF } })
static inline void build_layer_done(struct build_layer *l)
{
	layer_claim_done(&l->claim);
}

/* ---- RUN: done by podium, asked for with the event "run" --------------------------------- */

/* Where a heredoc that begins with #! lies in the container: executable, never part of the layer. */
#define BUILD_SCRIPT_PATH "/dev/.build-script"

enum build_mount_kind {
	BUILD_MOUNT_BIND,
	BUILD_MOUNT_CACHE,
	BUILD_MOUNT_TMPFS,
	BUILD_MOUNT__COUNT
};
/* RUN --mount. Its target is never part of the layer. */
struct build_mount {
	enum build_mount_kind kind;
	char *target;	       /* absolute */
	char *source;	       /* BIND, CACHE: path inside the tree; NULL: its root */
	char *context;	       /* BIND from the context: its absolute path; NULL: from layers */
	struct strlist layers; /* BIND from a stage or image; CACHE: what a new cache begins with */
	char *cache_id;	       /* CACHE: any text */
	char *sharing;	       /* CACHE: "shared" (also NULL), "private", "locked" */
	int64_t uid, gid, mode; /* CACHE; -1: 0, 0, 0755 */
	int64_t size_bytes;	/* TMPFS; -1: the engine's own */
	bool is_writable;	/* BIND: what is written is thrown away */
};

struct build_run_spec {
	struct strlist layers;	  /* the root: at least one */
	struct strlist argv;	  /* complete: SHELL and -c are in it */
	struct strlist env;	  /* NAME=VALUE, complete but for what the engine always sets */
	char *user;		  /* as USER says, or NULL */
	char *workdir;		  /* absolute, or NULL */
	char *network;		  /* "default", "none", "host" */
	char *script;		  /* put at BUILD_SCRIPT_PATH; NULL: none */
	struct strlist add_hosts; /* "name:address" */
	struct strlist cap_add, cap_drop; /* "CAP_X" */
	struct {
		struct build_mount *v;
		size_t n;
	} mounts;
};
void build_run_spec_done(struct build_run_spec *r);
void build_mount_done(struct build_mount *m);

/* The members of the event, and back: every member is checked, since it came from another process.
 * Links libc and jansson. A new reference. */
json_t *build_run_to_json(const struct build_run_spec *r);
int build_run_from_json(const json_t *j, struct build_run_spec *ret, struct error *err) must_check;

/*
 *	podium-image	{"event":"run", "run": build_run_to_json()}
 *	podium		{"exit": N, "container": "<id>"}	the process has ended with N (126, 127:
 *			not started, the reason was printed), its mounts are gone, and
 *			ROOT/containers/<id>/upper holds what it changed and nothing of the engine's
 *			own (mount points that the engine made are removed)
 *			or {"error": "text", "code": errno}	nothing is left
 *	podium-image	{"event":"run-done", "container": "<id>"}	podium removes the container
 *	podium		{}
 *
 * The output of the process goes to podium's own stdout and stderr as it comes.
 */

/* ---- COPY and ADD: copy.c ---------------------------------------------------------------- */

struct build_copy_source {
	enum {
		BUILD_COPY_PATH,   /* a pattern (filepath.Match) inside the context or the layers */
		BUILD_COPY_URL,	   /* ADD http(s)://... */
		BUILD_COPY_INLINE, /* a heredoc: a file of that name and content */
	} kind;
	char *text;    /* pattern, URL, or file name */
	char *content; /* INLINE */
	size_t content_len;
};
struct build_copy_spec {
	const struct store *store;
	const struct strlist *layers; /* the tree that is copied into */
	const struct build_copy_source *sources;
	size_t n_sources;
	int contextfd;			   /* O_PATH|O_DIRECTORY; -1: from_layers is the source */
	const struct strlist *from_layers; /* --from; NULL: the context */
	const struct ignore *ignore;	   /* for the context; NULL: everything */
	const char *dest;		   /* as written; relative: to workdir */
	const char *workdir;		   /* absolute, or NULL: "/" */
	const char *chown;    /* "user[:group]", names by the target's files; NULL: 0:0 */
	const char *chmod;    /* octal, or NULL */
	const char *checksum; /* ADD --checksum=sha256:..., or NULL */
	bool is_add;	      /* unpack local archives, fetch URLs */
	int64_t timestamp_s;  /* -1: times as they are; else all times in the layer */
};
/* A digest of what would be copied: names, kinds, modes, contents, link targets, of URLs the content
 * and the name; not times, not owners of the context (they are replaced). For the cache's key: two
 * equal digests give equal layers on equal trees. */
int build_copy_digest(const struct build_copy_spec *c, struct digest *ret,
		      struct error *err) must_check;
/* Copies: a new layer to stand upon c->layers. -ENOENT names the source that is not there. */
int build_copy_apply(const struct build_copy_spec *c, struct build_layer *ret,
		     struct error *err) must_check;

/* WORKDIR: makes the directory and its missing parents (0755, root's), as the tree resolves it. 1: a
 * layer was made; 0: it was there. -ENOTDIR. */
int build_mkdir_apply(const struct store *s, const struct strlist *layers, const char *path,
		      int64_t timestamp_s, struct build_layer *ret, struct error *err) must_check;

#endif
