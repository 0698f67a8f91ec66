/* SPDX-License-Identifier: Apache-2.0 */
/* networks - what the commands about networks share: a set of them, filters, JSON. */
#ifndef PODIUM_CMD_NETWORKS_H
#define PODIUM_CMD_NETWORKS_H

#include <jansson.h>

#include "cmd/podium/base/command.h"
#include "engine/net/netconf.h"

#define NETWORK_EXIT_USED 2

struct network_set {
	struct network_conf *v;
	size_t n;
};
void network_set_done(struct network_set *set);
#define cleanup_network_set cleanup(network_set_done)
/* All networks by name; the default one is chosen first, so that it can be shown. A record that cannot
 * be read is warned of and left out. */
int network_set_load(const struct store *s, struct network_set *ret, struct error *err) must_check;
/* Sees to it that the default network has its subnets. */
int networks_choose_default(const struct store *s, struct error *err) must_check;

/* For who changes which pods are in which networks, or takes a network away; another one is waited for.
 * Returns the lock, to be closed. */
int networks_lock(const struct store *s, struct error *err) must_check;

/* Removes a network that no pod's record names; *ret_gone stays false when one does. */
int network_remove_unused(const struct store *s, const char *name, bool *ret_gone,
			  struct error *err) must_check;

/* As Podman's inspect and ls --format json have it. New reference. */
json_t *network_json(const struct network_conf *c);
/* The same with the names of Podman's templates. New reference. */
json_t *network_texts(const struct network_conf *c);
/* That as a row of ls: a short id, and the labels as one text. New reference. */
json_t *network_row(const struct network_conf *c, bool no_trunc);

struct network_filter;
/* name, id, driver, label, label!, until, dangling; with is_prune only label, label! and until. */
int network_filter_parse(const struct store *s, const struct strlist *texts, bool is_prune,
			 struct network_filter **ret, struct error *err) must_check;
bool is_network_match(const struct network_filter *f, const struct network_conf *c);
void network_filter_free(struct network_filter *f);

#endif
