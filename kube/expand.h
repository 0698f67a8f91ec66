/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expand - "$(NAME)" in commands, arguments and environment values, to parts and back.
 */
#ifndef PODIUM_KUBE_EXPAND_H
#define PODIUM_KUBE_EXPAND_H

#include "engine/pod/spec.h"

/* Splits text into parts by Kubernetes' rule. $(NAME) becomes a variable part when NAME is one of
 * the first n_known entries of env, else it stays literal text; $$ is one $. */
void expand_text(const char *text, const struct env_list *env, size_t n_known, struct value *ret);

/* The text that expand_text() splits into these parts again, given the same env and n_known. The
 * caller owns it. */
char *expand_unsplit(const struct value *value, const struct env_list *env, size_t n_known);

#endif
