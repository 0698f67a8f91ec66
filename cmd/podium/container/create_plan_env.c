/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create_plan_env - variables, labels and annotations.
 *
 * Theory of operation: what is said later wins. Variables come from containers.conf, from the caller
 * where that was asked for (--env-host, --http-proxy, a name without "="), from files, from --env.
 * Nothing of the caller's environment gets in unasked: not even proxies. A name alone that the caller
 * has not set is left out; a pattern (NAME*) is refused: what goes into a container is named. An image
 * has no such words: its variables are taken literally (engine/image/config.c).
 *
 * Limits: ENV_FILE_BYTES_MAX a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/podium/base/conf.h"
#include "cmd/podium/container/create_options.h"
#include "engine/base/mem.h"

#define ENV_FILE_BYTES_MAX (1024 * 1024)

typedef int (*line_fn)(void *arg, const char *line, struct error *err);

/* A file that the user names: a pipe and a link are as good as any. */
static int read_text(const char *path, char **ret, struct error *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	cleanup_free char *text = xmalloc(ENV_FILE_BYTES_MAX + 1);
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0)
		return error_errno(err, "open '%.200s'", path);
	while (n > 0 && len < ENV_FILE_BYTES_MAX) {
		n = read(fd, text + len, ENV_FILE_BYTES_MAX - len);
		if (n < 0)
			return error_errno(err, "read '%.200s'", path);
		len += (size_t)n;
	}
	text[len] = '\0';
	if (len == ENV_FILE_BYTES_MAX)
		return error_set(err, EFBIG, "'%.200s' is too large", path);
	if (strlen(text) != len)
		return error_set(err, EINVAL, "'%.200s' has a NUL byte", path);
	*ret = steal_ptr(&text);
	return 0;
}

/* Each line that says something, without blanks before it. */
static int read_lines(const char *flag, const char *path, line_fn each, void *arg,
		      struct error *err)
{
	cleanup_free char *text = NULL;
	int r = read_text(path, &text, err);
	char *rest = text, *line;

	while (r == 0 && (line = strsep(&rest, "\n"))) {
		size_t n = strlen(line);

		if (n && line[n - 1] == '\r')
			line[n - 1] = '\0';
		line += strspn(line, " \t");
		if (*line && *line != '#')
			r = each(arg, line, err);
	}
	return r < 0 ? error_wrap(err, "--%s", flag) : 0;
}

/* ---- variables -------------------------------------------------------------------------------- */

static void set_variable(struct container_spec *c, const char *name, const char *value)
{
	struct env_var *e = NULL;

	for (size_t i = 0; i < c->env.n && !e; i++)
		if (is_equal(c->env.v[i].name, name))
			e = &c->env.v[i];
	if (e) {
		for (size_t i = 0; i < e->value.n; i++)
			free(e->value.v[i].text);
		free(e->value.v);
		e->value = (struct value){ 0 };
	} else {
		e = list_add(&c->env);
		e->name = xstrdup(name);
	}
	value_add(&e->value, VALUE_LITERAL, value, strlen(value));
}

/* What of the caller's environment has the name; NULL: all of it. */
static void take_from_caller(struct container_spec *c, const char *name)
{
	for (char **e = environ; e && *e; e++) {
		size_t len = strcspn(*e, "=");
		cleanup_free char *own = xstrndup(*e, len);

		if ((*e)[len] && len && (!name || is_equal(own, name)))
			set_variable(c, own, *e + len + 1);
	}
}

static int add_variable(void *arg, const char *text, struct error *err)
{
	size_t n = strcspn(text, "=");
	cleanup_free char *name = xstrndup(text, n);

	if (n == 0 || strpbrk(name, " \t\n"))
		return error_set(err, EINVAL, "'%.100s' is no variable: NAME=VALUE is", text);
	if (!text[n] && name[n - 1] == '*')
		return error_set(err, EINVAL,
				 "'%.100s': variables of this host are taken by their whole names",
				 text);
	if (text[n])
		set_variable(arg, name, text + n + 1);
	else
		take_from_caller(arg, name);
	return 0;
}

static void take_proxies(struct container_spec *c)
{
	static const char *const names[] = { "http_proxy", "https_proxy", "ftp_proxy", "no_proxy",
					     "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		take_from_caller(c, names[i]);
}

static bool is_said(const struct option_maybe *flag, const struct option_maybe *conf)
{
	return flag->set ? flag->value : conf->set && conf->value;
}

int plan_env(const struct env_flags *w, const struct conf *conf, struct container_spec *c,
	     struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < conf->env.n && r == 0; i++)
		r = add_variable(c, conf->env.v[i], err);
	if (r < 0)
		return error_wrap(err, "containers.conf: env");
	if (is_said(&w->host, &conf->env_host))
		take_from_caller(c, NULL);
	if (is_said(&w->http_proxy, &conf->http_proxy))
		take_proxies(c);
	for (size_t i = 0; i < w->files.n && r == 0; i++)
		r = read_lines("env-file", w->files.v[i], add_variable, c, err);
	for (size_t i = 0; i < w->env.n && r == 0; i++)
		r = add_variable(c, w->env.v[i], err);
	for (size_t i = 0; i < w->unset.n && r == 0; i++) {
		if (is_empty(w->unset.v[i]) || strchr(w->unset.v[i], '='))
			r = error_set(err, EINVAL, "--unsetenv '%.100s' is no name", w->unset.v[i]);
		strlist_add(&c->unset_env, w->unset.v[i]);
	}
	for (size_t i = 0; i < w->merge.n && r == 0; i++)
		if (w->merge.v[i][0] == '=' || !strchr(w->merge.v[i], '='))
			r = error_set(err, EINVAL, "--env-merge '%.100s' is not NAME=VALUE",
				      w->merge.v[i]);
	c->unset_env_all = w->unset_all;
	return r;
}

/* ---- labels ----------------------------------------------------------------------------------- */

/* "key=value"; a key alone has the value "". */
static int add_label(void *arg, const char *text, struct error *err)
{
	size_t n = strcspn(text, "=");
	cleanup_free char *key = xstrndup(text, n);

	if (n == 0)
		return error_set(err, EINVAL, "'%.100s' is no label: KEY=VALUE is", text);
	pairlist_set(arg, key, text[n] ? text + n + 1 : "");
	return 0;
}

int plan_labels(const struct label_flags *w, struct pairlist *labels, struct pairlist *annotations,
		struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < w->files.n && r == 0; i++)
		r = read_lines("label-file", w->files.v[i], add_label, labels, err);
	for (size_t i = 0; i < w->labels.n && r == 0; i++)
		r = add_label(labels, w->labels.v[i], err);
	for (size_t i = 0; i < w->annotations.n && r == 0; i++) {
		const char *text = w->annotations.v[i];
		size_t n = strcspn(text, "=");
		cleanup_free char *key = xstrndup(text, n);

		if (n == 0 || !text[n])
			r = error_set(err, EINVAL, "--annotation '%.100s' is not KEY=VALUE", text);
		else
			pairlist_set(annotations, key, text + n + 1);
	}
	return r;
}
