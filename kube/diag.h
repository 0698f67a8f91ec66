/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diag - what is wrong with a manifest: collected, each with its place and the path of its field.
 */
#ifndef PODIUM_KUBE_DIAG_H
#define PODIUM_KUBE_DIAG_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "kube/node.h"

enum kube_severity { KUBE_WARNING, KUBE_ERROR };

struct kube_diag {
	char *file;
	int line; /* from 1; 0: about the file as a whole */
	int column;
	char *path; /* "spec.containers[0].ports[1].hostPort", or "" */
	enum kube_severity severity;
	char *text; /* lower case, no full stop */
};

#define KUBE_MAX_DIAGS 200
struct kube_diags {
	struct kube_diag *v;
	size_t n;
	size_t errors; /* counted past KUBE_MAX_DIAGS too */
	size_t dropped;
};
void kube_diags_done(struct kube_diags *diags);

/* "file:line:col: path: what", fit for a terminal; the caller owns it. */
char *kube_diag_format(const struct kube_diag *d);

/* Puts the entries from `first` on in the order of their places, keeping equal ones as they are. */
void kube_diags_sort(struct kube_diags *diags, size_t first);

/* ---- within kube/ ------------------------------------------------------------------------------
 */

/* Where messages about one document go. */
struct diag_sink {
	struct kube_diags *list;
	const char *file;
	const char *prefix;	 /* put before every path: "items[2]", or "" */
	const struct node *root; /* for the places of paths; may be NULL */
	bool is_secret;		 /* no value of the document is repeated */
	bool strict;		 /* warnings about what is not honoured are errors */
};

/* About a known place. */
void diag_add(const struct diag_sink *sink, enum kube_severity severity, struct doc_place place,
	      const char *path, const char *fmt, ...) printf_like(5, 6);
/* About a path; the place is that of the deepest node on it. */
void diag_error(const struct diag_sink *sink, const char *path, const char *fmt, ...)
	printf_like(3, 4);
/* A warning that strict makes an error: something known has no effect. */
void diag_unsupported(const struct diag_sink *sink, const char *path, const char *fmt, ...)
	printf_like(3, 4);

/* A warning that stays one under strict. */
void diag_warning(const struct diag_sink *sink, const char *path, const char *fmt, ...)
	printf_like(3, 4);

/* A path under construction; too long ones are cut. */
struct diag_path {
	char text[512];
	size_t len;
};
/* Append ".name" or "[index]" or "[key]"; return the length before, for path_cut(). */
size_t path_field(struct diag_path *p, const char *name);
size_t path_index(struct diag_path *p, size_t index);
size_t path_key(struct diag_path *p, const char *key);
void path_cut(struct diag_path *p, size_t len);

/* The candidate nearest to name when it is near enough to be meant, else NULL. */
const char *nearest_name(const char *name, const char *const *candidates, size_t n);

#endif
