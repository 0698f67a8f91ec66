/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat - every command and flag of Podman's: works, refused by name, or not there.
 *
 * Theory of operation: testdata/podman/flags.tsv lists what Podman's own help lists. Each is looked
 * up in podium's command and option tables, and what is found is docs/compat.md, which must be what
 * it was when somebody last looked at it (PODIUM_GOLDEN=1 writes it anew). A flag that works must
 * have the letter that it has in Podman.
 */
#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/global.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "tests/support/cunit_main.h"

#define FLAGS_FILE "testdata/podman/flags.tsv"
#define PAGE_FILE  "docs/compat.md"
#define PAGE_MAX   (1u << 20)

/* What stands behind one command, by what became of each flag. */
struct entry {
	char words[64];
	bool there;
	const struct refused_command *refused_command; /* or it is refused by name */
	const struct option *table;
	struct buf works, refused, missing;
	size_t n_flags;
};

struct page {
	struct buf table;
	struct entry at; /* the command at hand */
	size_t works, refused, missing, commands, commands_there, commands_refused;
};

static void begin_entry(struct page *p, const char *words)
{
	char copy[64];
	char *argv[2] = { copy, NULL };
	char *blank;
	int n = 0;
	const struct command_row *row;

	(void)snprintf(copy, sizeof(copy), "%s", words);
	blank = strchr(copy, ' ');
	if (blank) {
		*blank = '\0';
		argv[1] = blank + 1;
		argv[1][strcspn(argv[1], " ")] = '\0';
	}
	row = commands_find(blank ? 2 : 1, argv, &n);
	p->at = (struct entry){ .works = BUF_INIT(PAGE_MAX),
				.refused = BUF_INIT(PAGE_MAX),
				.missing = BUF_INIT(PAGE_MAX) };
	(void)snprintf(p->at.words, sizeof(p->at.words), "%s", words);
	p->at.refused_command = *words ? commands_find_refused(blank ? 2 : 1, argv) : NULL;
	p->commands_refused += p->at.refused_command != NULL;
	p->at.there = !*words || (row && n == (blank ? 2 : 1) && !row->hidden);
	p->at.table = !*words ? global_option_table : row ? row->command->options : NULL;
	p->commands += *words != '\0';
	p->commands_there += *words && p->at.there;
}

static const char *text_of(const struct buf *b)
{
	return b->len ? b->data : "";
}

static void end_entry(struct page *p)
{
	struct entry *e = &p->at;

	if (!e->works.max)
		return;
	if (e->refused_command) {
		buf_printf(&p->table, "| `%s` | | the command (%s) | |\n", e->words,
			   e->refused_command->why);
	} else if (!e->there) {
		buf_printf(&p->table, "| `%s` | not there | | |\n", e->words);
	} else {
		buf_printf(&p->table, "| `%s` | %s | %s | %s |\n",
			   *e->words ? e->words : "(before the command)", text_of(&e->works),
			   text_of(&e->refused), text_of(&e->missing));
	}
	buf_done(&e->works);
	buf_done(&e->refused);
	buf_done(&e->missing);
	e->works.max = 0;
}

static const struct option *find_option(const struct option *table, const char *name)
{
	for (const struct option *o = table; o && o->name; o++)
		if (strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

static void check_letter(const struct page *p, const struct option *o, char letter)
{
	if (o->letter == (letter == '-' ? 0 : letter) || (letter == '-' && o->letter))
		return;
	printf("%s --%s: the letter is '%c' in Podman\n", p->at.words, o->name, letter);
	CU_FAIL("letter");
}

static void add_flag(struct page *p, char letter, const char *name)
{
	const struct option *o = find_option(p->at.table, name);

	if (p->at.refused_command) {
		return;
	} else if (!p->at.there) {
		p->missing++;
	} else if (!o) {
		buf_printf(&p->at.missing, "%s`--%s`", p->at.missing.len ? " " : "", name);
		p->missing++;
	} else if (o->kind == OPTION_REFUSED) {
		buf_printf(&p->at.refused, "%s`--%s` (%s)", p->at.refused.len ? ", " : "", name,
			   o->help);
		p->refused++;
	} else {
		check_letter(p, o, letter);
		buf_printf(&p->at.works, "%s`--%s`", p->at.works.len ? " " : "", name);
		if (o->kind == OPTION_FIXED)
			buf_printf(&p->at.works, " (only `%s`: %s)", o->value, o->help);
		p->works++;
	}
}

static void read_flags(struct page *p)
{
	cleanup_fclose FILE *f = fopen(FLAGS_FILE, "re");
	char line[256];
	bool any = false;

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	while (fgets(line, sizeof(line), f)) {
		char *rest = line, *words, *letter, *name;

		if (*line == '#')
			continue;
		line[strcspn(line, "\n")] = '\0';
		words = strsep(&rest, "\t");
		letter = strsep(&rest, "\t");
		name = strsep(&rest, "\t");
		CU_ASSERT_PTR_NOT_NULL_FATAL(name);
		if (!any || strcmp(words, p->at.words) != 0) {
			end_entry(p);
			begin_entry(p, words);
			any = true;
		}
		if (*name)
			add_flag(p, *letter, name);
	}
	end_entry(p);
}

static char *make_page(struct page *p)
{
	struct buf b = BUF_INIT(PAGE_MAX);

	buf_printf(&b,
		   "# Podman's commands and flags\n\n"
		   "Made by `tests/unit/test_compat.c` from the help of Podman 4.3.1 and podium's "
		   "own tables: a flag works (or does with the one value that is so here), or is refused by name with its reason, or is not "
		   "there (\"unknown flag\"). None is accepted and ignored.\n\n"
		   "%zu of %zu commands are there, %zu are refused by name. Of the flags of the "
		   "former %zu work, %zu are refused by "
		   "name, %zu are not there.\n\n"
		   "| command | works | refused by name | not there |\n|---|---|---|---|\n%s",
		   p->commands_there, p->commands, p->commands_refused, p->works, p->refused,
		   p->missing, text_of(&p->table));
	return buf_steal(&b);
}

static char *read_file(const char *path)
{
	cleanup_fclose FILE *f = fopen(path, "re");
	char *text = xcalloc(1, PAGE_MAX + 1);

	if (f)
		text[fread(text, 1, PAGE_MAX, f)] = 0;
	return text;
}

static void test_page(void)
{
	struct page p = { .table = BUF_INIT(PAGE_MAX) };
	cleanup_free char *page = NULL;
	cleanup_free char *stored = NULL;

	read_flags(&p);
	page = make_page(&p);
	buf_done(&p.table);
	if (getenv("PODIUM_GOLDEN")) {
		cleanup_fclose FILE *f = fopen(PAGE_FILE, "we");

		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		CU_ASSERT_TRUE(fputs(page, f) >= 0);
		return;
	}
	stored = read_file(PAGE_FILE);
	if (strcmp(page, stored) != 0) {
		printf("docs/compat.md is not what the tables say. Look at what has changed:\n"
		       "PODIUM_GOLDEN=1 make check-unit T=compat && git diff docs/compat.md\n");
		CU_FAIL("page");
	}
}

static CU_TestInfo tests[] = {
	{ "docs/compat.md", test_page },
	CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = {
	{ "compat", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};

TEST_MAIN(suites)
