/* SPDX-License-Identifier: Apache-2.0 */
/*
 * livestore - a store in a temporary directory with the payload as the only image, and running
 * podium-launch on it as a monitor would.
 */
#ifndef PODIUM_TESTS_LIVESTORE_H
#define PODIUM_TESTS_LIVESTORE_H

#include <stdbool.h>
#include <sys/types.h>

#include "engine/pod/spec.h"
#include "engine/process/launch.h"

struct livestore {
	char dir[64]; /* temporary directory: root/, run/, canary/ and what a test adds */
	char *root, *runroot;
	char *bin; /* directory of the programs under test */
	struct pod_spec pod;
	pid_t pause;
	int pause_fd;
	int n_containers;
	int inherit; /* directories left open, without close-on-exec, for the launched program */
};

/* What a launched process did. */
struct liverun {
	pid_t pid;
	int pidfd;
	int sync_fd;
	int out_fd;	/* stdout and stderr */
	int pty;	/* master, -EBADF */
	char *warnings; /* a line each */
	char *error;	/* text of SYNC_ERROR, NULL */
	int error_code;
};

/* Makes the store and a pod spec with id and name (network none) that the test may change. False
 * when it cannot be made (the reason is printed). */
bool live_init(struct livestore *s);
void live_done(struct livestore *s);

/* A path in the layer of the image, to put something there. */
char *live_layer_path(const struct livestore *s, const char *path);

/* Writes pod.json and launches the sandbox. NULL on success, else the error (caller's). */
char *live_sandbox(struct livestore *s);
void live_end_sandbox(struct livestore *s);

/* A container spec with the given command line ("payload" verb and arguments, NULL-terminated). */
void live_spec(struct livestore *s, struct container_spec *spec, const char *const *argv);
/* Writes spec.json, makes upper and work, launches, and stops at READY (or at an error). */
void live_start(struct livestore *s, struct container_spec *spec, struct liverun *run);
/* GO; then an error of exec may arrive. */
void live_go(struct liverun *run);
/* Start, GO, read all output, wait. Returns the output (caller's), or "ERROR code: text\n". */
char *live_run(struct livestore *s, struct container_spec *spec, int *ret_status);
/* The same for an exec in a container that runs. */
char *live_exec(struct livestore *s, const struct container_spec *spec, const struct liverun *in,
		const struct exec_request *rq, int *ret_status);
/* Kills, reaps, closes. Returns the wait status. */
int live_end(struct liverun *run);

/* Runs one container with the payload's arguments; change (may be NULL) edits its spec first.
 * Output as live_run. */
typedef void (*live_change)(struct container_spec *spec);
char *live_simple(struct livestore *s, const char *const *argv, live_change change,
		  int *ret_status);

/* Whether the text has the part; prints both when it has not. */
bool live_has(const char *text, const char *part);

/* What of a probe's text is the same on every machine and in every run. Caller's. */
char *live_normalise(const char *probe);

/* Runs fn in a child process inside a new user namespace with 65537 mapped ids, uid 0 in it.
 * Returns its result; -1 when there are no user namespaces. */
int live_in_user_namespace(int (*fn)(void));

/* Environment variable of the launched programs (seams); NULL value: unset. */
void live_setenv(const char *name, const char *value);

#endif
