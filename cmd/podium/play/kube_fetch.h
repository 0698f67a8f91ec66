/* SPDX-License-Identifier: Apache-2.0 */
/* kube_fetch - manifests that lie behind addresses. */
#ifndef PODIUM_CMD_KUBE_FETCH_H
#define PODIUM_CMD_KUBE_FETCH_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "engine/state/layout.h"

/* "http://..." or "https://...". */
bool is_kube_address(const char *word);

/* Fetches those of the words that are addresses; *ret gets address and text. -EINVAL: there is no
 * store to fetch for. */
int kube_fetch(const struct store *s, int argc, char **argv, struct pairlist *ret,
	       struct error *err) must_check;

#endif
