/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal - what the files of the parser share among themselves.
 */
#ifndef PODIUM_BUILD_INTERNAL_H
#define PODIUM_BUILD_INTERNAL_H

#include "engine/build/containerfile.h"

/* instruction.c: one logical line ("RUN --x a b"), already joined, to an instruction without its
 * heredocs. Positions are the caller's to add. */
int instruction_parse(const char *line, char escape, struct instruction *ret,
		      struct error *err) must_check;
/* One of the words is "<<NAME": 1, and *ret has name and can_expand; *ret_strips: "<<-". */
int instruction_heredoc(const char *word, struct heredoc *ret, bool *ret_strips);
static inline bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

#endif
