/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_containerfile - any bytes as a Containerfile, its words as words, and as an ignore file: no
 * crash, and
 *
 *	- every instruction has a line of the file, and its text without heredocs, read again, is the
 *	  same instruction
 *	- the stages of a file that is taken name bases that are not empty, and only earlier stages
 *	- what a word becomes has no more bytes than it may
 */
#include <stdlib.h>
#include <string.h>

#include "engine/build/containerfile.h"
#include "engine/build/expand.h"
#include "engine/build/ignore.h"
#include "engine/build/stage.h"
#include "tests/fuzz/fuzz.h"

static const char *look_up(void *arg, const char *name)
{
	(void)arg;
	return name[0] == 'A' ? "value of $A" : name[0] == 'E' ? "" : NULL;
}

static void check_words(const struct instruction *i, char escape)
{
	struct expand x = { .escape = escape, .lookup = look_up };
	cleanup_strlist struct strlist words = { .v = NULL };
	cleanup_free char *word = NULL;
	struct error err;

	if (expand_word(&x, i->args, &word, &err) == 0 && strlen(word) > EXPAND_BYTES_MAX)
		abort();
	if (expand_words(&x, i->args, &words, &err) < 0 && words.n)
		abort();
}

/* The text of an instruction is that instruction, whatever file it stood in. */
static void check_again(const struct instruction *i, char escape)
{
	cleanup_free char *text = xasprintf("# escape=%c\n%s\n", escape, i->original);
	struct containerfile f = { .name = NULL };
	struct error err;

	if (i->heredocs.n || i->original[strlen(i->original) - 1] == escape)
		return; /* at the file's end the last line may want to go on */
	if (containerfile_parse(text, strlen(text), "again", &f, &err) < 0 || f.n != 1 ||
	    f.v[0].kind != i->kind || strcmp(f.v[0].args, i->args) != 0 ||
	    f.v[0].is_json != i->is_json || f.v[0].flags.n != i->flags.n)
		abort();
	containerfile_done(&f);
}

static void check_stages(const struct containerfile *f)
{
	struct pairlist none = { .v = NULL };
	struct stage_list l = { .v = NULL };
	struct error err;

	if (stages_plan(f, &(struct stage_options){ .build_args = &none, .platform_args = &none },
			&l, &err) < 0)
		return;
	for (size_t i = 0; i < l.n; i++)
		if (!*l.v[i].base || l.v[i].from >= (int)i)
			abort();
	stage_list_done(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct containerfile f = { .name = NULL };
	struct ignore *g = NULL;
	struct error err;

	if (ignore_parse((const char *)data, size, "ignore", &g, &err) == 0) {
		(void)is_ignored(g, "some/directory/file.c");
		(void)can_skip_below(g, "some/directory");
		ignore_free(g);
	}
	if (containerfile_parse((const char *)data, size, "fuzz", &f, &err) < 0)
		return 0;
	for (size_t i = 0; i < f.n; i++) {
		if (!f.v[i].line || f.v[i].line > size + 1)
			abort();
		check_words(&f.v[i], f.escape);
		check_again(&f.v[i], f.escape);
	}
	check_stages(&f);
	containerfile_done(&f);
	return 0;
}
