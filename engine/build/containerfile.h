/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containerfile - Containerfile and Dockerfile to a list of instructions, each with its line.
 *
 * What an instruction means, and its variables, come later (stage.h, build.h): here it is text, the
 * flags, and either the words of the JSON form or the rest of the line. Links libc and jansson.
 */
#ifndef PODIUM_BUILD_CONTAINERFILE_H
#define PODIUM_BUILD_CONTAINERFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/base/str.h"

#define CONTAINERFILE_BYTES_MAX	       (4 * 1024 * 1024)
#define CONTAINERFILE_INSTRUCTIONS_MAX 10000
#define CONTAINERFILE_HEREDOCS_MAX     100 /* of one instruction */
#define CONTAINERFILE_FLAGS_MAX	       100 /* of one instruction */
#define CONTAINERFILE_WORDS_MAX	       10000

enum instruction_kind {
	INSTRUCTION_ADD,
	INSTRUCTION_ARG,
	INSTRUCTION_CMD,
	INSTRUCTION_COPY,
	INSTRUCTION_ENTRYPOINT,
	INSTRUCTION_ENV,
	INSTRUCTION_EXPOSE,
	INSTRUCTION_FROM,
	INSTRUCTION_HEALTHCHECK,
	INSTRUCTION_LABEL,
	INSTRUCTION_MAINTAINER,
	INSTRUCTION_ONBUILD,
	INSTRUCTION_RUN,
	INSTRUCTION_SHELL,
	INSTRUCTION_STOPSIGNAL,
	INSTRUCTION_USER,
	INSTRUCTION_VOLUME,
	INSTRUCTION_WORKDIR,
	INSTRUCTION__COUNT
};
/* "ADD" */
const char *instruction_str(enum instruction_kind kind);

struct heredoc {
	char *name;
	char *content;	 /* with its newlines; tabs in front are gone when it was <<- */
	bool can_expand; /* the name was not quoted */
};
struct instruction {
	enum instruction_kind kind;
	unsigned line;	      /* of its first line, from 1 */
	char *original;	      /* "RUN  echo a": all lines as one, without comments and heredocs */
	char *args;	      /* what follows the flags; "" when nothing does */
	struct strlist flags; /* "from=builder", "link", in order */
	bool is_json;	      /* the arguments are a JSON list of strings: words */
	struct strlist words;
	struct {
		struct heredoc *v;
		size_t n;
	} heredocs;
};
void instruction_done(struct instruction *i);

struct containerfile {
	char *name;  /* for messages */
	char escape; /* '\\' or '`' */
	struct instruction *v;
	size_t n;
};
/* what names the file in messages: "Containerfile:3: unknown instruction 'RNU': is it 'RUN'?".
 * -EINVAL: the file is wrong; -E2BIG: a limit; -EOPNOTSUPP: known, but not done here. */
int containerfile_parse(const char *text, size_t len, const char *what, struct containerfile *ret,
			struct error *err) must_check;
void containerfile_done(struct containerfile *f);
#define cleanup_containerfile cleanup(containerfile_done)

/* The value of a flag, the last one when it was repeated; "" for a flag without a value. NULL: not
 * given. Borrowed. */
const char *instruction_flag(const struct instruction *i, const char *name);

/* Splits at blanks; quoted blanks and escaped ones do not split, quotes and escapes stay. */
int containerfile_split(const char *text, char escape, struct strlist *ret,
			struct error *err) must_check;

#endif
