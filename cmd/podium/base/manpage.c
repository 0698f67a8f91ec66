/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manpage - manual pages, from the tables.
 *
 * Theory of operation: what a command is for, how it is called and what its options mean stands once,
 * in its `struct command`; here it is put between the requests of man(7). Text is escaped: a
 * backslash, a hyphen and a control character at the beginning of a line mean something to troff.
 * A command has one page, under its first name; its other names are told there.
 */
#include "cmd/podium/base/manpage.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/global.h"
#include "cmd/podium/base/version.h"
#include "engine/base/mem.h"

static void add_text(struct buf *out, const char *text)
{
	bool at_begin = true;

	for (const char *p = text; *p; p++) {
		if (at_begin && (*p == '.' || *p == '\''))
			buf_adds(out, "\\&");
		if (*p == '\\')
			buf_adds(out, "\\e");
		else if (*p == '-')
			buf_adds(out, "\\-");
		else
			buf_addc(out, *p);
		at_begin = *p == '\n';
	}
}

static void add_section(struct buf *out, const char *name)
{
	buf_printf(out, ".SH %s\n", name);
}

/* Indented lines keep their breaks. */
static void add_details(struct buf *out, const char *details)
{
	buf_adds(out, ".nf\n");
	for (const char *p = details; *p;) {
		size_t n = strcspn(p, "\n");
		cleanup_free char *line = xstrndup(p, n);
		const char *text = line;

		while (*text == ' ')
			text++;
		add_text(out, text);
		buf_addc(out, '\n');
		p += n + (p[n] == '\n');
	}
	buf_adds(out, ".fi\n");
}

static const char *value_of(const struct option *o)
{
	if (o->value)
		return o->value;
	if (o->kind == OPTION_BOOL || o->kind == OPTION_MAYBE)
		return NULL;
	return o->kind == OPTION_INT || o->kind == OPTION_SECONDS ? "int" : "string";
}

static void add_options(struct buf *out, const struct option *table)
{
	add_section(out, "OPTIONS");
	for (const struct option *o = table; o && o->name; o++) {
		const char *value = value_of(o);

		if (o->hidden)
			continue;
		buf_adds(out, ".TP\n");
		if (o->letter)
			buf_printf(out, "\\fB\\-%c\\fR, ", o->letter);
		buf_adds(out, "\\fB\\-\\-");
		add_text(out, o->name);
		buf_adds(out, "\\fR");
		if (value)
			buf_printf(out, "%s\\fI%s\\fR%s", o->kind == OPTION_WORD ? "[=" : " ",
				   value, o->kind == OPTION_WORD ? "]" : "");
		buf_addc(out, '\n');
		add_text(out, o->help);
		buf_addc(out, '\n');
	}
	buf_adds(out, ".TP\n\\fB\\-\\-help\\fR\nPrint a short help\n");
}

/* "podium-kube-play" */
static void page_name(const char *words, char *out, size_t size)
{
	(void)snprintf(out, size, "podium-%s", words);
	for (char *p = out; *p; p++)
		if (*p == ' ')
			*p = '-';
}

static void add_head(struct buf *out, const char *name, const char *summary)
{
	cleanup_free char *upper = xstrdup(name);

	for (char *p = upper; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	buf_printf(out,
		   ".\\\" Made from podium's own tables.\n.TH %s 1 \"\" \"podium %s\" \"User "
		   "Commands\"\n",
		   upper, PODIUM_VERSION);
	add_section(out, "NAME");
	add_text(out, name);
	buf_adds(out, " \\- ");
	add_text(out, summary);
	buf_addc(out, '\n');
}

static void add_aliases(struct buf *out, const struct command_row *row)
{
	bool first = true;

	for (const struct command_row *r = command_rows; r->words; r++) {
		if (r->command != row->command || r == row || r->hidden)
			continue;
		if (first)
			add_section(out, "ALIASES");
		buf_printf(out, "%s\\fBpodium %s\\fR", first ? "" : ", ", r->words);
		first = false;
	}
	if (!first)
		buf_addc(out, '\n');
}

static void add_exit_status(struct buf *out)
{
	add_section(out, "EXIT STATUS");
	buf_adds(
		out,
		"0 on success; 125 when podium itself fails or refuses; 126 and 127 when a command "
		"in a container cannot be run or is not found; 1 for a false \\fBexists\\fR and "
		"for "
		"what is not there; otherwise what the container ended with.\n");
}

static void make_command(const struct command_row *row, struct buf *out)
{
	const struct command *c = row->command;
	char name[96];

	page_name(row->words, name, sizeof(name));
	add_head(out, name, c->summary);
	add_section(out, "SYNOPSIS");
	buf_adds(out, "\\fBpodium ");
	add_text(out, row->words);
	buf_adds(out, "\\fR ");
	add_text(out, c->args);
	buf_addc(out, '\n');
	if (c->details) {
		add_section(out, "DESCRIPTION");
		add_details(out, c->details);
	}
	add_options(out, c->options);
	add_aliases(out, row);
	add_exit_status(out);
	add_section(out, "SEE ALSO");
	buf_adds(out, "\\fBpodium\\fR(1)\n");
}

static void add_commands(struct buf *out)
{
	char name[96];

	add_section(out, "COMMANDS");
	for (const struct command_row *row = command_rows; row->words; row++) {
		if (row->hidden || row->alias)
			continue;
		page_name(row->words, name, sizeof(name));
		buf_adds(out, ".TP\n\\fB");
		add_text(out, name);
		buf_adds(out, "\\fR(1)\n");
		add_text(out, row->command->summary);
		buf_addc(out, '\n');
	}
}

static void add_files(struct buf *out)
{
	static const char *const files[][2] = {
		{ "/var/lib/podium", "images, containers, volumes, objects (--root)" },
		{ "/run/podium", "what ends with the boot: sockets, leases (--runroot)" },
		{ "/etc/containers/containers.conf", "defaults of new containers" },
		{ "/etc/containers/registries.conf", "registries, mirrors, short names" },
	};

	add_section(out, "FILES");
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		buf_adds(out, ".TP\n\\fI");
		add_text(out, files[i][0]);
		buf_adds(out, "\\fR\n");
		add_text(out, files[i][1]);
		buf_addc(out, '\n');
	}
}

static void make_program(struct buf *out)
{
	add_head(out, "podium", "pods, containers and Kubernetes YAML on one machine");
	add_section(out, "SYNOPSIS");
	buf_adds(out, "\\fBpodium\\fR [options] \\fIcommand\\fR [arguments]\n");
	add_section(out, "DESCRIPTION");
	add_text(out,
		 "Plays Kubernetes YAML, and runs pods and containers by hand, without a daemon "
		 "and without a cluster. Each container has a small monitor; everything else "
		 "is a command that ends.\n");
	add_options(out, global_option_table);
	add_commands(out);
	add_files(out);
	add_exit_status(out);
}

void manpage_make(const struct command_row *row, struct buf *out)
{
	if (row)
		make_command(row, out);
	else
		make_program(out);
}

static int write_page(const char *directory, const char *name, const struct command_row *row,
		      struct error *err)
{
	cleanup_buf struct buf out = BUF_INIT(MANPAGE_MAX_BYTES);
	cleanup_free char *path = xasprintf("%s/%s.1", directory, name);
	cleanup_fclose FILE *f = fopen(path, "we");

	manpage_make(row, &out);
	if (!f || fwrite(out.data, 1, out.len, f) != out.len || fflush(f) != 0)
		return error_errno(err, "write '%s'", path);
	return 0;
}

int manpages_write(const char *directory, struct error *err)
{
	int r = write_page(directory, "podium", NULL, err);

	for (const struct command_row *row = command_rows; row->words && r == 0; row++) {
		char name[96];

		if (row->hidden || row->alias)
			continue;
		page_name(row->words, name, sizeof(name));
		r = write_page(directory, name, row, err);
	}
	return r;
}
