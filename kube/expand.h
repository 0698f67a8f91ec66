/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expand - "$(NAME)" in commands, arguments and environment values.
 */
#ifndef PODIUM_KUBE_EXPAND_H
#define PODIUM_KUBE_EXPAND_H

#include "engine/pod/spec.h"

/* Splits a text into parts and appends them to *ret; every reference is a VALUE_VARIABLE. */
void expand_text(const char *text, struct value *ret);

/* The text that expand_text() splits into these parts again. The caller owns it. */
char *expand_unsplit(const struct value *value);

/* The text with the values of vars put in, now. The caller owns it. */
char *expand_static(const char *text, const struct pairlist *vars);

/* The text that expand_static() turns into this one, whatever the variables. The caller owns it. */
char *expand_escape(const char *text);

#endif
