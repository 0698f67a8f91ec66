/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volumes - what the commands on volumes share: finding them, showing them, choosing them.
 */
#ifndef PODIUM_CMD_VOLUMES_H
#define PODIUM_CMD_VOLUMES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/state/layout.h"
#include "engine/volumes/named.h"

struct volume_set {
	struct named_volume *v;
	size_t n;
};
/* Every volume of the store, by name. */
int volume_set_load(const struct store *s, struct volume_set *ret, struct error *err) must_check;
void volume_set_done(struct volume_set *l);
#define cleanup_volume_set cleanup(volume_set_done)

/* What a user typed: a name, or the beginning of just one. The caller owns *ret. -ENOENT, raised as
 * `no volume with name "x" found: no such volume`; -EEXIST: of more than one. */
int volume_resolve(const struct store *s, const char *word, char **ret,
		   struct error *err) must_check;
/* Where its content is. The caller's. */
char *volume_mountpoint(const struct store *s, const struct named_volume *v);
/* With Podman's member names. New reference. */
json_t *volume_json(const struct store *s, const struct named_volume *v);

/* ---- --filter KEY=VALUE ------------------------------------------------------------------ */

struct volume_filter;
/* name (a regular expression), label, label!, driver, scope, dangling, opt, until; with for_prune
 * the last five are: label, label!, opt, until, name. Values of name are alternatives, all else
 * must hold. The texts are borrowed. -EINVAL names a bad one. */
int volume_filter_parse(const struct store *s, const struct strlist *texts,
			struct volume_filter **ret, struct error *err) must_check;
void volume_filter_free(struct volume_filter *f);
bool is_volume_match(const struct volume_filter *f, const struct named_volume *v);

/* ---- for prune and system prune ---------------------------------------------------------- */

struct volume_prune_result {
	struct strlist names;
	int64_t bytes;
};
void volume_prune_result_done(struct volume_prune_result *r);
#define cleanup_volume_prune_result cleanup(volume_prune_result_done)

/* The names of the volumes that no container mounts and that the filters let through. A claim of a
 * play is among them only when nothing says that it is to be retained. */
int volume_prune_choose(const struct store *s, const struct strlist *filters, struct strlist *ret,
			struct error *err) must_check;
/* Removes them; one that is used by now stays without a word. */
int volume_prune_run(const struct store *s, const struct strlist *names,
		     struct volume_prune_result *ret, struct error *err) must_check;

#endif
