/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command - what a container executes: argument vector, environment, program file.
 */
#ifndef PODIUM_PROCESS_COMMAND_H
#define PODIUM_PROCESS_COMMAND_H

#include "engine/base/error.h"
#include "engine/base/str.h"

struct container_spec;

#define COMMAND_PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define COMMAND_BYTES_MAX    (2 * 1024 * 1024)

/* Entrypoint and cmd of the image against command and args of the spec, by Kubernetes' rules. */
int command_build_argv(const struct container_spec *spec, const struct pairlist *vars,
		       struct strlist *ret, struct error *err) must_check;

/* Sets NAME=VALUE in a list of such strings. */
void command_set_env(struct strlist *env, const char *name, const char *value);
/* NULL when it is not set. Borrowed. */
const char *command_get_env(const struct strlist *env, const char *name);

/* Finds the file to execute, as the calling process and in its root: the name itself when it has a
 * '/', else along PATH of env. Exit code 127 (not found) or 126 (not executable) in *ret_code on
 * failure. The caller owns *ret. */
int command_find(const char *name, const struct strlist *env, char **ret, int *ret_code,
		 struct error *err) must_check;

#endif
