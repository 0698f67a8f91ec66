/* SPDX-License-Identifier: Apache-2.0 */
/* kubewatch - kube get --watch. */
#ifndef PODIUM_CMD_KUBEWATCH_H
#define PODIUM_CMD_KUBEWATCH_H

#include "cmd/podium/kube/kubekind.h"

/* Prints the table of what is wanted, then each row that is new or has changed, until a signal ends
 * the program or stdout cannot be written to. headers: of the table, ended by NULL. */
int kube_watch(const struct kube_look *look, const struct kube_kind_row *row,
	       const char *const *headers, bool with_headers, struct error *err) must_check;

#endif
