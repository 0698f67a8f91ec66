/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle - outside judges of what kube/ writes: other programs, and the field list of Kubernetes.
 */
#ifndef PODIUM_TESTS_ORACLE_H
#define PODIUM_TESTS_ORACLE_H

#include <stdbool.h>
#include <stddef.h>

/* Runs a program (searched in PATH), stdin from /dev/null, and takes its standard output (at most
 * 16 MiB; the caller's). Standard error goes to err_path when not NULL. Returns the exit code, 127
 * when it cannot be run. */
int oracle_run(char *const *argv, const char *err_path, char **ret_out);
/* Whether `program args...` runs and exits 0. */
bool oracle_has(char *const *argv);

/* Walks a document of kind Pod against testdata/k8s-fields.json: every field must exist and have
 * the type stated there. Returns NULL when it does, else the first complaint (the caller's). */
char *oracle_walk_pod(const char *yaml);
/* The same for the model of a document's kind: "V1Deployment". */
char *oracle_walk(const char *yaml);
/* The same for what people write: nulls are passed over, a number may be a quantity, 9e1 is 90. */
char *oracle_walk_input(const char *yaml);

/* Writes text to a new file in /tmp; the caller unlinks and frees. */
char *oracle_temp(const char *text, size_t len);

/* The document as kubectl reads it, in JSON (the caller's), with an annotation x=y. */
int oracle_kubectl(const char *text, size_t len, char **ret_out);

#endif
