/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter - --filter KEY=VALUE of ps and pod ps, with Podman's keys.
 *
 * Values of one key are alternatives, different keys must all hold; several labels must all hold.
 */
#ifndef PODIUM_CMD_FILTER_H
#define PODIUM_CMD_FILTER_H

#include "cmd/podium/pod/podview.h"
#include "cmd/podium/container/view.h"

struct filter_set;

/* texts: "KEY=VALUE" each. The caller frees with filters_free(). -EINVAL names a bad one. */
int filters_parse_containers(const struct store *s, const struct container_views *views,
			     const struct strlist *texts, struct filter_set **ret,
			     struct error *err) must_check;
int filters_parse_pods(const struct strlist *texts, struct filter_set **ret,
		       struct error *err) must_check;
void filters_free(struct filter_set *f);

/* A status or exit code is asked for: containers that do not run may match. */
bool is_filter_for_all(const struct filter_set *f);

bool is_container_match(const struct filter_set *f, const struct store *s,
			const struct container_view *view);
bool is_pod_match(const struct filter_set *f, const struct store *s, const struct pod_view *pod);

#endif
