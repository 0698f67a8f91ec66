/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selector - kubectl's -l: "app=web,tier!=db,env in (a, b),!old".
 */
#ifndef PODIUM_KUBE_SELECTOR_H
#define PODIUM_KUBE_SELECTOR_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/base/str.h"

enum selector_operator { SELECT_IN, SELECT_NOT_IN, SELECT_EXISTS, SELECT_ABSENT };
struct selector_term {
	char *key;
	enum selector_operator op;
	struct strlist values; /* IN, NOT_IN */
};
struct selector {
	struct selector_term *v;
	size_t n; /* 0: everything fits */
};

/* NULL and "" give one that everything fits. -EINVAL: what is wrong, with the text. */
int selector_parse(const char *text, struct selector *ret, struct error *err) must_check;
/* All terms must hold; what has no such label is "not in" any set. */
bool is_selected(const struct selector *s, const struct pairlist *labels);
void selector_done(struct selector *s);
#define cleanup_selector cleanup(selector_done)

#endif
