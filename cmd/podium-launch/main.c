/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podium-launch - makes one sandbox, one container, or one more process in a container.
 *
 *	podium-launch sandbox   ROOT RUNROOT POD-ID
 *	podium-launch container ROOT RUNROOT CONTAINER-ID [fresh|early]
 *	podium-launch exec      ROOT RUNROOT CONTAINER-ID
 *
 * Theory of operation: see engine/process/launch.h for the contract and container.c for the steps.
 * The process first re-executes itself from what nobody can write to; argv[0] then is the real
 * path, by which the other helper programs are found. Everything above the descriptors of the
 * contract is closed at once: nothing that a careless caller left open gets near a container.
 *
 * "fresh": with a new writable layer, for a played container that its policy restarts.
 * "early": begun while the sandbox is still being made: what needs none is done, then it waits.
 *
 * Exit codes: 0 when the new process runs (the rest is its own affair), 125 otherwise; the error
 * goes by the sync socket, that of a wrong call to stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/seams.h"
#include "engine/process/container.h"
#include "engine/process/internal.h"
#include "engine/process/sandbox.h"
#include "engine/process/selfexec.h"
#include "engine/process/sync.h"
#include "engine/rootfs/overlay.h"

#define REQUEST_FD 4

enum verb { VERB_SANDBOX, VERB_CONTAINER, VERB_EXEC, VERB__COUNT };
static const char *const verbs[VERB__COUNT] = { "sandbox", "container", "exec" };

#ifdef PODIUM_SAN
/* The leak checker traces its own process, which a non-dumpable one that has entered other
 * namespaces cannot be; and every half of a launch lives for milliseconds. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

static int find_verb(int argc, char **argv, struct error *err)
{
	bool extra = argc == 6 && (strcmp(argv[5], "fresh") == 0 || strcmp(argv[5], "early") == 0);

	for (int v = 0; (argc == 5 || extra) && v < VERB__COUNT; v++)
		if (strcmp(argv[1], verbs[v]) == 0 && (!extra || v == VERB_CONTAINER))
			return v;
	return error_set(err, EINVAL,
			 "usage: podium-launch sandbox|container|exec ROOT RUNROOT ID "
			 "[fresh|early]");
}

static int run(int verb, char **argv, struct launch *l, struct error *err)
{
	bool of_pod = verb == VERB_SANDBOX;
	bool early = argv[5] && strcmp(argv[5], "early") == 0;
	int r = launch_open(l, argv[2], argv[3], of_pod ? argv[4] : NULL, of_pod ? NULL : argv[4],
			    err);

	if (r == 0 && !of_pod && !early)
		r = launch_open_pause(l, err);
	if (r < 0)
		return r;
	switch (verb) {
	case VERB_SANDBOX:
		return sandbox_launch(l, REQUEST_FD, SYNC_FD, err);
	case VERB_CONTAINER:
		if (argv[5] && !early)
			r = rootfs_reset_upper(l->store.rootfd, &l->spec, err);
		if (r == 0)
			r = container_launch(l, SYNC_FD, err);
		break;
	default:
		r = container_exec(l, REQUEST_FD, SYNC_FD, err);
		break;
	}
	/* Of one that is started the monitor knows the name, and says it. */
	if (r < 0 && verb == VERB_EXEC)
		return error_wrap(err, "container '%s'", l->spec.name ? l->spec.name : argv[4]);
	return r;
}

int main(int argc, char **argv)
{
	struct error err = { 0 };
	struct launch l;
	int verb, r;
	char *slash;

	proc_sanitise();
	verb = r = find_verb(argc, argv, &err);
	if (r >= 0 && !WEAKEN("FD-2"))
		(void)syscall(SYS_close_range,
			      verb == VERB_CONTAINER ? SYNC_FD + 1 : REQUEST_FD + 1, ~0U, 0);
	if (r >= 0)
		r = selfexec_ensure(argv, &err);
	/* Every mode is explicit from here on. */
	(void)umask(0);
	memset(&l, 0, sizeof(l));
	if (r >= 0) {
		slash = strrchr(argv[0], '/');
		if (slash)
			*slash = '\0';
		l.libexec = slash ? argv[0] : ".";
		r = run(verb, argv, &l, &err);
	}
	/* -ECANCELED: the other half has said why. */
	if (r < 0 && r != -ECANCELED && verb < 0)
		fprintf(stderr, "podium-launch: %s\n", err.text);
	else if (r < 0 && r != -ECANCELED)
		(void)sync_send(SYNC_FD, SYNC_ERROR, EXIT_LAUNCH_FAILED, &err, -1);
	return r < 0 ? EXIT_LAUNCH_FAILED : 0;
}
