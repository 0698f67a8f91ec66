/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view - containers and pods as listings see them: state records, corrected by what is true now.
 *
 * Reads one small file a container; spec.json only when a caller asks for it.
 */
#ifndef PODIUM_CMD_VIEW_H
#define PODIUM_CMD_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/pod/lookup.h"

#define SHORT_ID_LEN 12

struct container_view {
	char id[65];
	bool readable; /* false: state.json is missing or corrupt, st is zero */
	bool lost;     /* runs without its monitor */
	bool debris;   /* belongs to a pod that a crash left half made or half removed */
	enum container_state live;
	struct container_status st;
	int64_t own_bytes; /* of its layer: for who sorts by it */
};
struct container_views {
	struct container_view *v;
	size_t n;
};
/* Reads every container of the store, oldest first. */
int views_load(const struct store *s, struct container_views *ret, struct error *err) must_check;
/* For qsort(3): oldest first; of one moment the infra container, the inits, then by name. */
int views_compare_age(const void *a, const void *b);
void views_done(struct container_views *views);
/* The container that a command is about: the one that was created last (--latest), which goes without
 * a name, or the one that is named. -EINVAL for both or neither, -ENOENT. */
int view_find(const struct store *s, bool latest, const char *name, char id[65],
	      struct error *err) must_check;
/* Reads one container. */
void view_load(const struct store *s, const char *id, struct container_view *ret);
void view_done(struct container_view *view);

/* Whether a pod is what a crash left: not complete (or half removed), and nobody works on it. */
bool is_pod_debris(const struct store *s, const char *pod_id);

/* "created", "running", "restarting", "exited", "paused", "unknown", ... as Podman's State. */
const char *view_state(const struct container_view *view);
/* "Up 2 minutes ago", "Exited (0) 3 seconds ago": the STATUS column. The caller owns the text. */
char *view_status(const struct container_view *view, int64_t now_ns);
/* "2 minutes ago". The caller owns the text. */
char *view_age(int64_t then_ns, int64_t now_ns);
/* The id as listings show it: 12 digits, or all of them. The caller owns the text. */
char *view_id(const char *id, bool whole);
/* What the PORTS column says as Podman's list of port mappings. New reference. */
json_t *view_ports(const char *ports);
/* RFC 3339, Go's zero time for 0. New reference. */
json_t *view_time(int64_t wall_ns);
/* Strings and pairs as JSON. New references. */
json_t *view_strings(const struct strlist *l);
json_t *view_pairs(const struct pairlist *l);
/* The elements of an array as text with a separator between. The caller owns it. */
char *view_join(const json_t *list, const char *separator);
/* What a pod's containers have of its labels: all of a played pod's, none of one made by hand. */
const struct pairlist *view_pod_labels(const struct pod_spec *pod);
/* A container's labels: its image's, those of its pod, its own; later ones win. New reference. */
json_t *view_labels(const struct container_spec *spec, const struct pairlist *pod_labels);
/* The words of its command line: its entrypoint (Kubernetes' command), its arguments, both. What is
 * resolved at the start stays "$(NAME)". New references. */
json_t *view_entrypoint(const struct container_spec *spec);
json_t *view_arguments(const struct container_spec *spec);
json_t *view_command(const struct container_spec *spec);
/* One value as text: literal parts as they are, references as "$(NAME)". The caller owns it. */
char *view_value(const struct value *v);

#endif
