/* SPDX-License-Identifier: Apache-2.0 */
/* describe - what kube describe prints, block by block. */
#ifndef PODIUM_CMD_DESCRIBE_H
#define PODIUM_CMD_DESCRIBE_H

#include <stdint.h>

#include "cmd/podium/kube/kubeview.h"

/* One line: a label, padded to `width` (0: one blank behind it), and a text made safe for a
 * terminal. NULL or "" as the whole text: "<none>". */
void describe_line(int indent, int width, const char *label, const char *fmt, ...)
	printf_like(4, 5);
/* A label alone. */
void describe_head(int indent, const char *label);
/* "Sun, 22 Nov 2026 07:34:48 +0000", local; the caller owns it. "<unset>" for 0. */
char *describe_time(int64_t wall_ns);
/* KEY=VALUE, one a line, behind a label. separator: "=" or ": ". */
void describe_pairs(int width, const char *label, const struct pairlist *l, const char *separator);

/* describe_container.c: the block of one container. */
void describe_container(const struct kube_pod *p, size_t i);
/* describe_volume.c: the block of one volume. */
void describe_volume(const struct volume_spec *v);
/* describe_pod.c: all of a pod. */
int describe_pod(const struct store *s, const struct kube_pod *p, struct error *err) must_check;

#endif
