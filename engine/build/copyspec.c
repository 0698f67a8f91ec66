/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copyspec - COPY [--from --chown --chmod --link] SOURCE... DEST, and ADD.
 *
 * Theory of operation: words from the JSON list or cut at blanks; a word <<NAME is the heredoc that
 * was read with the instruction, its variables replaced unless its name was quoted; the last word is
 * where to. --link copies upon an empty tree, so that nothing of what lies below has a say in it.
 */
#include "engine/build/copyspec.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/build/internal.h"

void copy_plan_done(struct copy_plan *p)
{
	for (size_t i = 0; i < p->n_sources; i++) {
		free(p->sources[i].text);
		free(p->sources[i].content);
	}
	free(p->sources);
	strlist_done(&p->layers);
	strlist_done(&p->from_layers);
	free(p->dest);
	free(p->chown);
	free(p->chmod);
	free(p->checksum);
	*p = (struct copy_plan){ .dest = NULL };
}

static bool is_url(const char *s)
{
	return strncasecmp(s, "http://", 7) == 0 || strncasecmp(s, "https://", 8) == 0;
}

static bool is_git(const char *s)
{
	return is_prefix(s, "git@") || strncasecmp(s, "git://", 6) == 0 ||
	       (is_url(s) && (is_suffix(s, ".git") || strstr(s, ".git#")));
}

static int add_inline(struct copy_plan *p, const struct heredoc *h, const struct expand *x,
		      struct error *err)
{
	struct build_copy_source *s = &p->sources[p->n_sources++];
	struct expand raw = *x;
	int r = 0;

	raw.keeps_quotes = true;
	*s = (struct build_copy_source){ .kind = BUILD_COPY_INLINE, .text = xstrdup(h->name) };
	if (strchr(h->name, '/') || is_equal(h->name, ".") || is_equal(h->name, ".."))
		return error_set(err, EINVAL, "heredoc '%.100s' is not a file's name", h->name);
	if (h->can_expand)
		r = expand_word(&raw, h->content, &s->content, err);
	else
		s->content = xstrdup(h->content);
	s->content_len = s->content ? strlen(s->content) : 0;
	return r;
}

static int add_source(struct copy_plan *p, const char *word, const struct expand *x, bool is_add,
		      struct error *err)
{
	struct build_copy_source *s = &p->sources[p->n_sources++];
	int r;

	*s = (struct build_copy_source){ .kind = BUILD_COPY_PATH };
	r = expand_word(x, word, &s->text, err);
	if (r < 0)
		return r;
	if (!*s->text)
		return error_set(err, EINVAL, "source '%.100s' is empty", word);
	if (is_add && is_git(s->text))
		return error_set(err, EOPNOTSUPP,
				 "ADD '%.200s': git repositories are not supported", s->text);
	if (is_add && is_url(s->text))
		s->kind = BUILD_COPY_URL;
	else if (is_url(s->text))
		return error_set(err, EINVAL, "'%.200s': COPY fetches nothing, ADD does", s->text);
	return 0;
}

/* The words of a JSON list are expanded, but their quotes are their own. */
static int read_words(struct copy_plan *p, const struct instruction *i, const struct expand *x,
		      struct error *err)
{
	cleanup_strlist struct strlist words = { .v = NULL };
	bool is_add = i->kind == INSTRUCTION_ADD;
	struct expand each = *x;
	size_t heredoc = 0;
	int r = 0;

	if (i->is_json) {
		strlist_copy(&words, &i->words);
		each.keeps_quotes = true;
	} else {
		r = containerfile_split(i->args, x->escape, &words, err);
	}
	if (r == 0 && words.n < 2)
		r = error_set(err, EINVAL, "a source and a destination are needed");
	if (r < 0)
		return r;
	p->sources = xcalloc(words.n, sizeof(*p->sources));
	for (size_t k = 0; r == 0 && k + 1 < words.n; k++) {
		struct heredoc h = { .name = NULL };
		bool strips;

		if (!i->is_json && heredoc < i->heredocs.n &&
		    instruction_heredoc(words.v[k], &h, &strips))
			r = add_inline(p, &i->heredocs.v[heredoc++], x, err);
		else
			r = add_source(p, words.v[k], &each, is_add, err);
		free(h.name);
	}
	if (r == 0 && heredoc < i->heredocs.n)
		r = error_set(err, EINVAL, "a heredoc cannot be the destination");
	if (r == 0)
		r = expand_word(&each, words.v[words.n - 1], &p->dest, err);
	if (r == 0 && !*p->dest)
		r = error_set(err, EINVAL, "the destination '%.100s' is empty",
			      words.v[words.n - 1]);
	return r;
}

static int read_flag(const struct instruction *i, const char *name, const struct expand *x,
		     char **ret, struct error *err)
{
	const char *value = instruction_flag(i, name);

	return value ? expand_word(x, value, ret, err) : 0;
}

static int check_sources(const struct build *b, const struct copy_plan *p, const char *from,
			 struct error *err)
{
	for (size_t k = 0; k < p->n_sources; k++) {
		const struct build_copy_source *s = &p->sources[k];

		if (from && s->kind != BUILD_COPY_PATH)
			return error_set(err, EINVAL, "--from and a heredoc do not go together");
		if (!from && s->kind == BUILD_COPY_PATH && b->contextfd < 0)
			return error_set(err, EINVAL, "'%.200s': this build has no context",
					 s->text);
	}
	if (p->checksum && (p->n_sources != 1 || p->sources[0].kind != BUILD_COPY_URL))
		return error_set(err, EINVAL, "--checksum is for one URL");
	return 0;
}

int copy_plan_make(struct build *b, struct build_state *st, const struct instruction *i,
		   size_t stage, struct copy_plan *p, struct error *err)
{
	struct expand x = build_state_expand(st);
	const char *from = instruction_flag(i, "from");
	int r = read_words(p, i, &x, err);

	if (r == 0)
		r = read_flag(i, "chown", &x, &p->chown, err);
	if (r == 0)
		r = read_flag(i, "chmod", &x, &p->chmod, err);
	if (r == 0)
		r = read_flag(i, "checksum", &x, &p->checksum, err);
	if (r == 0)
		r = check_sources(b, p, from, err);
	if (r == 0 && from)
		r = build_from_layers(b, from, stage, &p->from_layers, err);
	if (r < 0)
		return r;
	p->is_link = is_equal(instruction_flag(i, "link"), "true");
	if (!p->is_link)
		strlist_copy(&p->layers, &st->conf.run.layers);
	p->spec = (struct build_copy_spec){
		.store = b->store,
		.layers = &p->layers,
		.sources = p->sources,
		.n_sources = p->n_sources,
		.contextfd = from ? -1 : b->contextfd,
		.from_layers = from ? &p->from_layers : NULL,
		.ignore = from ? NULL : b->ignore,
		.dest = p->dest,
		.workdir = st->conf.run.working_dir,
		.chown = p->chown,
		.chmod = p->chmod,
		.checksum = p->checksum,
		.is_add = i->kind == INSTRUCTION_ADD,
		.timestamp_s = b->options->timestamp_s,
	};
	return 0;
}

const char *copy_plan_word(const struct copy_plan *p)
{
	struct error scratch; /* what it is called is for people */
	struct stat st;

	if (p->n_sources != 1)
		return "multi";
	if (p->sources[0].kind != BUILD_COPY_PATH || p->spec.contextfd < 0)
		return "file";
	cleanup_close int fd =
		fs_open_in_root(p->spec.contextfd, p->sources[0].text, O_PATH, 0, &scratch);

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) ? "dir" : "file";
}
