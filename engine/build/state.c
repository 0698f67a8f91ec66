/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state - what the instructions do to an image's configuration.
 *
 * Theory of operation: one function an instruction, in a table. Words are cut first and variables
 * replaced then, as in Docker: a variable with blanks in it stays one word (but for EXPOSE). All
 * pairs of one ENV see the environment from before it. Nothing is replaced in RUN, CMD, ENTRYPOINT,
 * HEALTHCHECK and ONBUILD: a shell or a later build does that.
 *
 * What the configuration may hold (volumes, users, signals) is checked by the reader of
 * configurations when the step becomes an image.
 */
#include "engine/build/state.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "engine/build/health.h"
#include "engine/build/internal.h"
#include "engine/build/step.h"

void build_state_done(struct build_state *s)
{
	image_conf_done(&s->conf);
	pairlist_done(&s->args);
}

/* ---- variables -------------------------------------------------------------------------- */

static const char *env_get(const struct strlist *env, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = env->n; i-- > 0;)
		if (strncmp(env->v[i], name, len) == 0 && env->v[i][len] == '=')
			return env->v[i] + len + 1;
	return NULL;
}

static const char *look_up(void *arg, const char *name)
{
	const struct build_state *s = arg;
	const char *value = env_get(&s->conf.run.env, name);

	return value ? value : pairlist_get(&s->args, name);
}

struct expand build_state_expand(struct build_state *s)
{
	return (struct expand){ .escape = s->escape, .lookup = look_up, .arg = s, .left = s->left };
}

void build_env_set(struct strlist *env, const char *name, const char *value)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < env->n; i++)
		if (strncmp(env->v[i], name, len) == 0 && env->v[i][len] == '=') {
			free(env->v[i]);
			env->v[i] = xasprintf("%s=%s", name, value);
			return;
		}
	strlist_addf(env, "%s=%s", name, value);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void build_state_args(const struct build_state *s, struct strlist *ret)
{
	for (size_t i = 0; i < s->args.n; i++)
		if (!env_get(&s->conf.run.env, s->args.v[i].key))
			strlist_addf(ret, "%s=%s", s->args.v[i].key, s->args.v[i].value);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_text);
}

char *build_state_arg_text(const struct build_state *s)
{
	cleanup_strlist struct strlist words = { .v = NULL };
	struct buf out = BUF_INIT(EXPAND_BYTES_MAX);

	build_state_args(s, &words);
	for (size_t i = 0; i < words.n; i++)
		buf_printf(&out, "%s%s", i ? " " : "", words.v[i]);
	return buf_steal(&out);
}

/* ---- words ------------------------------------------------------------------------------ */

/* The arguments of VOLUME and their like: JSON's, or cut at blanks; variables replaced. */
static int get_words(struct build_state *s, const struct instruction *i, struct strlist *ret,
		     struct error *err)
{
	struct expand x = build_state_expand(s);
	cleanup_strlist struct strlist words = { .v = NULL };
	int r = 0;

	if (i->is_json)
		strlist_copy(&words, &i->words);
	else
		r = containerfile_split(i->args, s->escape, &words, err);
	for (size_t k = 0; r == 0 && k < words.n; k++) {
		char *word = NULL;

		r = expand_word(&x, words.v[k], &word, err);
		if (r == 0)
			strlist_take(ret, word);
	}
	return r;
}

/* The one argument of USER and its like: the rest of the line. */
static int get_word(struct build_state *s, const struct instruction *i, char **ret,
		    struct error *err)
{
	struct expand x = build_state_expand(s);
	int r = expand_word(&x, i->args, ret, err);

	if (r == 0 && !**ret)
		return error_set(err, EINVAL, "'%.100s' is empty", i->args);
	return r;
}

static int add_pair(const struct expand *x, const char *key, const char *value,
		    struct pairlist *ret, struct error *err)
{
	cleanup_free char *k = NULL;
	cleanup_free char *v = NULL;
	int r = expand_word(x, key, &k, err);

	if (r == 0)
		r = expand_word(x, value, &v, err);
	if (r == 0 && (!*k || strchr(k, '=')))
		return error_set(err, EINVAL, "'%.100s' is not a name", key);
	if (r == 0)
		pairlist_set(ret, k, v);
	return r;
}

/* Whether the first word, whose name may be quoted and have blanks then, has its value behind '='. */
static bool has_equals(const char *p, char escape)
{
	char quote = '\0';

	for (; *p && (quote || !is_blank(*p)); p++) {
		if (*p == escape && p[1] && quote != '\'')
			p++;
		else if (quote)
			quote = *p == quote ? '\0' : quote;
		else if (*p == '\'' || *p == '"')
			quote = *p;
		else if (*p == '=')
			return true;
	}
	return false;
}

/* "a=b c=d", or the old form "a the rest of the line". */
static int get_pairs(struct build_state *s, const struct instruction *i, struct pairlist *ret,
		     struct error *err)
{
	struct expand x = build_state_expand(s);
	cleanup_strlist struct strlist words = { .v = NULL };
	size_t first = 0;
	int r;

	while (i->args[first] && !is_blank(i->args[first]))
		first++;
	if (!has_equals(i->args, s->escape)) {
		cleanup_free char *key = xstrndup(i->args, first);
		const char *value = i->args + first;

		while (is_blank(*value))
			value++;
		if (!*value)
			return error_set(err, EINVAL, "%s '%.100s' has no value",
					 instruction_str(i->kind), key);
		return add_pair(&x, key, value, ret, err);
	}
	r = containerfile_split(i->args, s->escape, &words, err);
	for (size_t k = 0; r == 0 && k < words.n; k++) {
		char *equals = strchr(words.v[k], '=');

		if (!equals)
			return error_set(err, EINVAL, "'%.100s' is not NAME=VALUE", words.v[k]);
		*equals = '\0';
		r = add_pair(&x, words.v[k], equals + 1, ret, err);
	}
	return r;
}

/* ---- instructions ----------------------------------------------------------------------- */

typedef int apply(struct build_state *s, const struct instruction *i,
		  const struct arg_sources *args, struct error *err);

static int apply_arg(struct build_state *s, const struct instruction *i,
		     const struct arg_sources *args, struct error *err)
{
	struct expand x = build_state_expand(s);
	cleanup_strlist struct strlist words = { .v = NULL };
	int r = containerfile_split(i->args, s->escape, &words, err);

	for (size_t k = 0; r == 0 && k < words.n; k++) {
		cleanup_free char *name = NULL;
		cleanup_free char *value = NULL;

		r = stage_arg(words.v[k], args, &x, &name, &value, err);
		if (r == 0 && value)
			pairlist_set(&s->args, name, value);
	}
	return r;
}

/* A copy of src instead of what *dst was. */
static void replace_list(struct strlist *dst, const struct strlist *src)
{
	strlist_done(dst);
	strlist_copy(dst, src);
}

static void replace_text(char **dst, char *text)
{
	free(*dst);
	*dst = text;
}

/* The words of CMD and ENTRYPOINT: as they are, or text for the shell. */
static void get_process(const struct build_state *s, const struct instruction *i,
			struct strlist *ret)
{
	if (i->is_json) {
		replace_list(ret, &i->words);
		return;
	}
	strlist_done(ret);
	if (s->conf.shell.n) {
		strlist_copy(ret, &s->conf.shell);
	} else {
		strlist_add(ret, "/bin/sh");
		strlist_add(ret, "-c");
	}
	strlist_add(ret, i->args);
}

static int apply_cmd(struct build_state *s, const struct instruction *i,
		     const struct arg_sources *args, struct error *err)
{
	(void)args;
	(void)err;
	get_process(s, i, &s->conf.run.cmd);
	s->has_cmd = true;
	return 0;
}

static int apply_entrypoint(struct build_state *s, const struct instruction *i,
			    const struct arg_sources *args, struct error *err)
{
	(void)args;
	(void)err;
	get_process(s, i, &s->conf.run.entrypoint);
	if (!s->has_cmd) /* the base's CMD was for the base's ENTRYPOINT */
		strlist_done(&s->conf.run.cmd);
	return 0;
}

static int apply_env(struct build_state *s, const struct instruction *i,
		     const struct arg_sources *args, struct error *err)
{
	struct pairlist pairs = { .v = NULL };
	int r = get_pairs(s, i, &pairs, err);

	(void)args;
	for (size_t k = 0; r == 0 && k < pairs.n; k++)
		build_env_set(&s->conf.run.env, pairs.v[k].key, pairs.v[k].value);
	pairlist_done(&pairs);
	return r;
}

static int apply_label(struct build_state *s, const struct instruction *i,
		       const struct arg_sources *args, struct error *err)
{
	(void)args;
	return get_pairs(s, i, &s->conf.run.labels, err);
}

/* "80", "80/udp", "8000-8010/tcp": every port of the range. */
static int add_ports(struct strlist *ports, const char *word, struct error *err)
{
	size_t len = strcspn(word, "/");
	cleanup_free char *range = xstrndup(word, len);
	const char *protocol = word[len] ? word + len + 1 : "tcp";
	char *dash = strchr(range, '-');
	uint64_t low = 0, high = 0;

	if (dash)
		*dash++ = '\0';
	if (parse_u64(range, 65535, &low) < 0 || parse_u64(dash ? dash : range, 65535, &high) < 0 ||
	    !low || low > high)
		return error_set(err, EINVAL, "'%.100s' is not a port", word);
	if (strcasecmp(protocol, "tcp") != 0 && strcasecmp(protocol, "udp") != 0 &&
	    strcasecmp(protocol, "sctp") != 0)
		return error_set(err, EINVAL, "'%.100s': the protocol is tcp, udp or sctp", word);
	if (ports->n + (high - low) >= CONFIG_LIST_MAX)
		return error_set(err, E2BIG, "more than %d ports", CONFIG_LIST_MAX);
	for (; low <= high; low++) {
		cleanup_free char *port = xasprintf("%u/%s", (unsigned)low, protocol);

		for (char *p = port; *p; p++)
			*p = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
		if (!strlist_has(ports, port))
			strlist_take(ports, steal_ptr(&port));
	}
	return 0;
}

static int apply_expose(struct build_state *s, const struct instruction *i,
			const struct arg_sources *args, struct error *err)
{
	struct expand x = build_state_expand(s);
	cleanup_strlist struct strlist words = { .v = NULL };
	int r = expand_words(&x, i->args, &words, err);

	(void)args;
	for (size_t k = 0; r == 0 && k < words.n; k++)
		r = add_ports(&s->conf.exposed_ports, words.v[k], err);
	return r;
}

static int apply_healthcheck(struct build_state *s, const struct instruction *i,
			     const struct arg_sources *args, struct error *err)
{
	(void)args;
	return build_health(i, &s->conf.health, err);
}

static int apply_maintainer(struct build_state *s, const struct instruction *i,
			    const struct arg_sources *args, struct error *err)
{
	(void)args;
	(void)err;
	replace_text(&s->conf.author, xstrdup(i->args));
	return 0;
}

static int apply_onbuild(struct build_state *s, const struct instruction *i,
			 const struct arg_sources *args, struct error *err)
{
	struct instruction inner = { .original = NULL };
	int r = instruction_parse(i->args, s->escape, &inner, err);

	(void)args;
	if (r == 0 && (inner.kind == INSTRUCTION_ONBUILD || inner.kind == INSTRUCTION_FROM ||
		       inner.kind == INSTRUCTION_MAINTAINER))
		r = error_set(err, EINVAL, "ONBUILD cannot hold %s", instruction_str(inner.kind));
	instruction_done(&inner);
	if (r == 0)
		strlist_add(&s->conf.onbuild, i->args);
	return r;
}

static int apply_shell(struct build_state *s, const struct instruction *i,
		       const struct arg_sources *args, struct error *err)
{
	(void)args;
	(void)err;
	replace_list(&s->conf.shell, &i->words);
	return 0;
}

static int apply_stopsignal(struct build_state *s, const struct instruction *i,
			    const struct arg_sources *args, struct error *err)
{
	char *word = NULL;
	int r = get_word(s, i, &word, err);

	(void)args;
	if (r == 0)
		replace_text(&s->conf.run.stop_signal, word);
	return r;
}

static int apply_user(struct build_state *s, const struct instruction *i,
		      const struct arg_sources *args, struct error *err)
{
	char *word = NULL;
	int r = get_word(s, i, &word, err);

	(void)args;
	if (r == 0)
		replace_text(&s->conf.run.user, word);
	return r;
}

static int apply_volume(struct build_state *s, const struct instruction *i,
			const struct arg_sources *args, struct error *err)
{
	cleanup_strlist struct strlist words = { .v = NULL };
	int r = get_words(s, i, &words, err);

	(void)args;
	for (size_t k = 0; r == 0 && k < words.n; k++) {
		if (words.v[k][0] != '/')
			return error_set(err, EINVAL, "VOLUME '%.100s' is not an absolute path",
					 words.v[k]);
		cleanup_free char *path = build_path_join("/", words.v[k]);

		if (!strlist_has(&s->conf.run.volumes, path))
			strlist_take(&s->conf.run.volumes, steal_ptr(&path));
	}
	return r;
}

char *build_path_join(const char *dir, const char *path)
{
	cleanup_free char *joined = *path == '/' ? xstrdup(path) : xasprintf("%s/%s", dir, path);
	struct buf b = BUF_INIT(EXPAND_BYTES_MAX * 2 + 2);
	const char *p = joined;

	while (*p) {
		size_t len = strcspn(p, "/");

		if (len == 2 && p[0] == '.' && p[1] == '.') {
			while (b.len && b.data[--b.len] != '/')
				;
			if (b.data)
				b.data[b.len] = '\0';
		} else if (len && !(len == 1 && p[0] == '.')) {
			buf_addc(&b, '/');
			buf_add(&b, p, len);
		}
		p += len + (p[len] == '/');
	}
	if (!b.len)
		buf_addc(&b, '/');
	return buf_steal(&b);
}

static int apply_workdir(struct build_state *s, const struct instruction *i,
			 const struct arg_sources *args, struct error *err)
{
	cleanup_free char *word = NULL;
	const char *now = s->conf.run.working_dir ? s->conf.run.working_dir : "/";
	int r = get_word(s, i, &word, err);

	(void)args;
	if (r == 0)
		replace_text(&s->conf.run.working_dir, build_path_join(now, word));
	return r;
}

static apply *const table[INSTRUCTION__COUNT] = {
	[INSTRUCTION_ARG] = apply_arg,
	[INSTRUCTION_CMD] = apply_cmd,
	[INSTRUCTION_ENTRYPOINT] = apply_entrypoint,
	[INSTRUCTION_ENV] = apply_env,
	[INSTRUCTION_EXPOSE] = apply_expose,
	[INSTRUCTION_HEALTHCHECK] = apply_healthcheck,
	[INSTRUCTION_LABEL] = apply_label,
	[INSTRUCTION_MAINTAINER] = apply_maintainer,
	[INSTRUCTION_ONBUILD] = apply_onbuild,
	[INSTRUCTION_SHELL] = apply_shell,
	[INSTRUCTION_STOPSIGNAL] = apply_stopsignal,
	[INSTRUCTION_USER] = apply_user,
	[INSTRUCTION_VOLUME] = apply_volume,
	[INSTRUCTION_WORKDIR] = apply_workdir,
};

int build_state_apply(struct build_state *s, const struct instruction *i,
		      const struct arg_sources *args, struct error *err)
{
	if (!table[i->kind])
		return error_set(err, EINVAL, "%s cannot stand here", instruction_str(i->kind));
	return table[i->kind](s, i, args, err);
}

/* ---- RUN -------------------------------------------------------------------------------- */

static bool is_blank_text(const char *s)
{
	while (is_blank(*s))
		s++;
	return !*s;
}

/* "RUN <<EOF" and nothing else: the content is what runs. */
static bool is_heredoc_alone(const struct instruction *i)
{
	struct heredoc h = { .name = NULL };
	bool strips, is_alone;

	if (i->heredocs.n != 1 || strpbrk(i->args, " \t"))
		return false;
	is_alone = instruction_heredoc(i->args, &h, &strips);
	free(h.name);
	return is_alone;
}

/* The text of a command with its heredocs behind it, as a shell reads them. */
static char *with_heredocs(const char *text, const struct instruction *i)
{
	struct buf out = BUF_INIT(2 * CONTAINERFILE_BYTES_MAX);

	buf_adds(&out, text);
	for (size_t k = 0; k < i->heredocs.n; k++)
		buf_printf(&out, "\n%s%s", i->heredocs.v[k].content, i->heredocs.v[k].name);
	if (i->heredocs.n)
		buf_addc(&out, '\n');
	return buf_steal(&out);
}

char *build_instruction_text(const struct instruction *i)
{
	return with_heredocs(i->original, i);
}

int build_state_command(const struct build_state *s, const struct instruction *i,
			struct strlist *ret, char **ret_script, struct error *err)
{
	struct instruction copy = *i;
	cleanup_free char *text = NULL;

	*ret_script = NULL;
	if (i->is_json && !i->words.n)
		return error_set(err, EINVAL, "RUN has an empty list");
	if (is_heredoc_alone(i) && is_blank_text(i->heredocs.v[0].content))
		return error_set(err, EINVAL, "RUN has an empty heredoc");
	if (is_heredoc_alone(i) && is_prefix(i->heredocs.v[0].content, "#!")) {
		*ret_script = xstrdup(i->heredocs.v[0].content);
		strlist_add(ret, BUILD_SCRIPT_PATH);
		return 0;
	}
	text = is_heredoc_alone(i) ? xstrdup(i->heredocs.v[0].content) : with_heredocs(i->args, i);
	copy.args = text;
	get_process(s, &copy, ret);
	return 0;
}
