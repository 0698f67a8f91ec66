/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layercase - one hostile archive as a row of a table, and the canary that it must not reach.
 *
 * wanted: "f PATH=CONTENT", "l PATH=TARGET", "d PATH", "p PATH" (fifo), "w PATH" (whiteout),
 * "o PATH" (opaque), "- PATH" (nothing there), "m PATH=OCTAL", "u PATH=UID:GID", "n PATH=LINKS".
 * "@" in names, targets and wanted entries is the canary's absolute path; "../canary" reaches it
 * too.
 */
#ifndef PODIUM_TESTS_LAYERCASE_H
#define PODIUM_TESTS_LAYERCASE_H

#include <stdbool.h>

#include "engine/image/layer.h"
#include "tests/support/tarmaker.h"

#define LAYERCASE_ENTRIES 9

struct layer_case {
	const char *name;
	struct tar_entry e[LAYERCASE_ENTRIES];
	int expect; /* 0, or the positive errno of the refusal */
	const char *want[6];
};

/* Makes and removes the directory with root and canary: CUnit suite functions. */
int layercase_begin(void);
int layercase_end(void);
/* The layer's directory. */
const char *layercase_root(void);
/* Empties it. */
void layercase_fresh(void);

/* Unpacks in an unconfined child. Returns 0 or -errno; -EFAULT when it died. stats may be NULL. */
int layercase_extract(const struct buf *tar, const struct layer_limits *limits, const char *weaken,
		      struct error *err, struct layer_stats *stats);
int layercase_extract_default(const struct buf *tar, const char *weaken, struct error *err);

bool is_layercase_wanted(const char *want);
bool is_layercase_opaque(const char *path);
/* Runs one case in one format: true when result and entries are as wanted. With weaken only the
 * entries count. */
bool layercase_run(const struct layer_case *c, enum tar_format f, const char *weaken);
/* Runs cases in every format, whole and entry by entry; asserts, the canary too. */
void layercase_run_all(const struct layer_case *cases, size_t n);
/* Asserts that the case shows it when the defence is switched off. */
void layercase_run_twin(const struct layer_case *c, const char *weaken);

#define RUN(c) layercase_run_all(c, ARRAY_SIZE(c))
#define FILE_(n, d)                               \
	{                                         \
		.name = n, .type = '0', .data = d \
	}
#define DIR_(n)                        \
	{                              \
		.name = n, .type = '5' \
	}
#define SYM(n, t)                                 \
	{                                         \
		.name = n, .type = '2', .link = t \
	}
#define HARD(n, t)                                \
	{                                         \
		.name = n, .type = '1', .link = t \
	}

#endif
