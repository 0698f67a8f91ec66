/* SPDX-License-Identifier: Apache-2.0 */
/*
 * groups - private cgroup trees for a test program.
 *
 * Theory of operation: mkdir <tree>/podium-test-PID and a bind mount of it over <tree>. The mount
 * goes with the namespace; the directory is removed at the end by the supervisor. What a program
 * that was killed has left is removed by the next one.
 */
#include "tests/integration/groups.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/harness.h"

#define PREFIX "podium-test-"

static const char *const names[] = { "unified", "memory", "cpu", "pids", "devices", "freezer" };
static int trees[ARRAY_SIZE(names)]; /* the real ones, as they were before they were covered */

static void remove_groups(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			remove_groups(fd, e->d_name);
	(void)unlinkat(dirfd, name, AT_REMOVEDIR);
}

static void remove_stale(int tree)
{
	int fd = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		int64_t pid;

		if (is_prefix(e->d_name, PREFIX) &&
		    parse_i64(e->d_name + strlen(PREFIX), 1, INT32_MAX, &pid) == 0 &&
		    kill((pid_t)pid, 0) < 0)
			remove_groups(tree, e->d_name);
	}
}

static char *name_of(pid_t pid)
{
	return xasprintf(PREFIX "%d", (int)pid);
}

void groups_open(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_free char *path = xasprintf("/sys/fs/cgroup/%s", names[i]);

		/* Without this file it is no tree of its own: v2, or not there. */
		trees[i] = exists("%s/cgroup.procs", path)
				   ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)
				   : -1;
	}
}

void groups_begin(void)
{
	cleanup_free char *name = name_of(getpid());

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_free char *path = xasprintf("/sys/fs/cgroup/%s", names[i]);
		cleanup_free char *own = xasprintf("%s/%s", path, name);

		if (trees[i] < 0)
			continue;
		remove_stale(trees[i]);
		if (mkdir(own, 0755) < 0 || mount(own, path, NULL, MS_BIND, NULL) < 0)
			printf("\n%s stays shared: %m\n", path);
	}
}

void groups_end(pid_t pid)
{
	cleanup_free char *name = name_of(pid);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (trees[i] < 0)
			continue;
		(void)WAIT_UNTIL(
			(remove_groups(trees[i], name), faccessat(trees[i], name, F_OK, 0) < 0),
			5000);
		(void)close(trees[i]);
		trees[i] = -1;
	}
}
