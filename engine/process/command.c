/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command - what a container executes.
 *
 * Theory of operation: the environment is made first (environment.c), since words may refer to
 * it. Kubernetes' rule for the argument vector: command replaces the image's entrypoint and its
 * cmd, args replaces cmd alone. The program is looked for by the
 * container's own PATH, after the ids have changed, so that what is found is what may be executed.
 *
 * Limits: COMMAND_BYTES_MAX for arguments and environment together (the kernel's ARG_MAX is about
 * that), checked by execve.
 */
#include "engine/process/command.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/pod/spec.h"

#define EXIT_NOT_FOUND	    127
#define EXIT_NOT_EXECUTABLE 126

static bool is_variable(const char *entry, const char *name, size_t n)
{
	return strncmp(entry, name, n) == 0 && entry[n] == '=';
}

void command_set_env(struct strlist *env, const char *name, const char *value)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < env->n; i++) {
		if (!is_variable(env->v[i], name, n))
			continue;
		free(env->v[i]);
		env->v[i] = xasprintf("%s=%s", name, value);
		return;
	}
	strlist_addf(env, "%s=%s", name, value);
}

const char *command_get_env(const struct strlist *env, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < env->n; i++)
		if (is_variable(env->v[i], name, n))
			return env->v[i] + n + 1;
	return NULL;
}

static void add_values(struct strlist *ret, const struct value_list *list,
		       const struct pairlist *vars)
{
	for (size_t i = 0; i < list->n; i++)
		strlist_take(ret, value_resolve(&list->v[i], vars));
}

static void add_strings(struct strlist *ret, const struct strlist *list)
{
	for (size_t i = 0; i < list->n; i++)
		strlist_add(ret, list->v[i]);
}

int command_build_argv(const struct container_spec *spec, const struct pairlist *vars,
		       struct strlist *ret, struct error *err)
{
	if (spec->has_command)
		add_values(ret, &spec->command, vars);
	else
		add_strings(ret, &spec->config.entrypoint);
	if (spec->has_args)
		add_values(ret, &spec->args, vars);
	else if (!spec->has_command)
		add_strings(ret, &spec->config.cmd);
	if (ret->n == 0 || is_empty(ret->v[0]))
		return error_set(err, EINVAL, "neither the image nor the spec has a command");
	return 0;
}

/* 0 when path can be executed, else what is wrong with it. */
static int check_program(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

static int not_found(const char *name, int problem, int *ret_code, struct error *err)
{
	bool missing = problem == -ENOENT || problem == -ENOTDIR || problem == 0;

	*ret_code = missing ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
	return error_set(err, missing ? ENOENT : -problem, "%s '%s': %s",
			 missing ? "no program" : "cannot execute", name,
			 strerror(missing ? ENOENT : -problem));
}

int command_find(const char *name, const struct strlist *env, char **ret, int *ret_code,
		 struct error *err)
{
	const char *path = command_get_env(env, "PATH");
	int worst = -ENOENT;

	if (strchr(name, '/')) {
		int r = check_program(name);

		if (r < 0)
			return not_found(name, r, ret_code, err);
		*ret = xstrdup(name);
		return 0;
	}
	for (path = path ? path : COMMAND_PATH_DEFAULT; *path;) {
		size_t n = strcspn(path, ":");
		cleanup_free char *file = xasprintf("%.*s/%s", (int)n, path, name);
		int r = n == 0 || path[0] != '/' ? -ENOENT : check_program(file);

		if (r == 0) {
			*ret = steal_ptr(&file);
			return 0;
		}
		if (r != -ENOENT && r != -ENOTDIR)
			worst = r;
		path += n + (path[n] == ':');
	}
	return not_found(name, worst, ret_code, err);
}
