/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quantity - Kubernetes' numbers with units: "100m", "1.5Gi", "1e3".
 */
#ifndef PODIUM_BASE_QUANTITY_H
#define PODIUM_BASE_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

/* A quantity in billionths, rounded up (away from zero), which is Kubernetes' finest step. */
struct quantity {
	bool negative;
	unsigned __int128 nano;
};

#define QUANTITY_MAX_LENGTH 128

/* Parses the whole text. -EINVAL: not a quantity. -ERANGE: above 2^63-1 (a binary suffix is capped
 * there instead, as Kubernetes does). */
int quantity_parse(const char *text, struct quantity *ret, struct error *err) must_check;

/* In whole units (bytes) and in thousandths (cpu), rounded up. -ERANGE outside int64. */
int quantity_units(const struct quantity *q, int64_t *ret, struct error *err) must_check;
int quantity_milli(const struct quantity *q, int64_t *ret, struct error *err) must_check;

/* Docker's sizes: "512", "64k", "512m", "1g"; the units are powers of 1024, "b" is none; a fraction
 * may stand before a unit ("1.5g"). In bytes. -EINVAL: no size, or beyond int64. */
int quantity_parse_size(const char *text, int64_t *ret) must_check;

/* -1, 0, 1 as a is less than, equal to, greater than b. */
int quantity_compare(const struct quantity *a, const struct quantity *b);

/* The shortest text that plays back to the same number: 1610612736 is "1536Mi", 500 thousandths
 * are "500m". The caller owns it. */
char *quantity_format_bytes(int64_t bytes);
char *quantity_format_milli(int64_t milli);

#endif
