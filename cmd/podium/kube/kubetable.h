/* SPDX-License-Identifier: Apache-2.0 */
/* kubetable - kubectl's tables: columns three blanks apart, each as wide as it must be. */
#ifndef PODIUM_CMD_KUBETABLE_H
#define PODIUM_CMD_KUBETABLE_H

#include <stdint.h>

#include "engine/base/str.h"

struct kube_table {
	size_t columns;
	struct strlist cells; /* row by row; the first row is the headers' */
};
#define cleanup_kube_table cleanup(kube_table_done)

/* Headers, ended by NULL. */
void kube_table_begin(struct kube_table *t, const char *const *headers);
void kube_table_add(struct kube_table *t, const char *text); /* "" and NULL: "<none>" */
void kube_table_addf(struct kube_table *t, const char *fmt, ...) printf_like(2, 3);
/* The age of something; 0: "<unknown>". */
void kube_table_add_age(struct kube_table *t, int64_t then_ns, int64_t now_ns);
/* Prints it on stdout, each line behind `indent` blanks. */
void kube_table_print(const struct kube_table *t, bool with_headers, unsigned int indent);
/* The same from a row on (0: the headers); all rows count for the widths. */
void kube_table_print_from(const struct kube_table *t, size_t row, unsigned int indent);
void kube_table_done(struct kube_table *t);

#endif
