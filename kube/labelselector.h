/* SPDX-License-Identifier: Apache-2.0 */
/*
 * labelselector - labels asked for, and whether an object has them.
 */
#ifndef PODIUM_KUBE_LABELSELECTOR_H
#define PODIUM_KUBE_LABELSELECTOR_H

#include <stdbool.h>

#include "kube/diag.h"
#include "schemas/types.h"

/* The rules of the API server for a selector at path "spec.selector". */
void labelselector_check(const struct diag_sink *sink, const char *path,
			 const struct k8s_selector *s);
/* NULL and one without terms match everything. */
bool is_labels_selected(const struct k8s_selector *s, const struct pairlist *labels);
bool is_labelselector_empty(const struct k8s_selector *s);

#endif
