/* SPDX-License-Identifier: Apache-2.0 */
/* pod_create - what `pod create` is told, and the plan that it makes of it. */
#ifndef PODIUM_CMD_POD_CREATE_H
#define PODIUM_CMD_POD_CREATE_H

#include "cmd/podium/container/create_options.h"

struct pod_create_options {
	const char *name;
	const char *infra_name;
	const char *infra_image;
	struct option_maybe infra;
	const char *exit_policy;
	const char *restart;
	const char *share;
	struct option_maybe share_parent;
	const char *pod_id_file;
	bool replace;
	struct strlist volumes;
	struct strlist volumes_from;
	struct strlist security;
	struct resource_flags resources;
	struct net_flags net;
	struct ns_flags ns;
	struct label_flags labels;
};
extern const struct option pod_create_table[];

/* Fills the plan of a pod without members. Nothing is looked up but files that flags name; the name
 * may still be missing. *ret is the caller's in any case. -EINVAL names the flag. */
int pod_create_plan(const struct pod_create_options *o, const struct conf *conf,
		    struct pod_spec *ret, struct error *err) must_check;

#endif
