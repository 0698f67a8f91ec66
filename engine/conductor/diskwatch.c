/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diskwatch - looks now and then at the disk that a pod takes, and evicts it when that is too much.
 *
 * Theory of operation: only a pod with such limits (quota.c) is looked at, LOOK_MS after its start and
 * after the end of each look, as often as the kubelet does. The look is a fork of the conductor:
 * walking through a million files takes its time, and the conductor must stay able to answer. It has
 * the lowest priority of processor and disk, keeps nothing of the conductor's but the store's
 * descriptor (its lock least of all), dies with it, and leaves what it has found in memory that the
 * two share. Of containers those count that may run: what an init container has left behind goes
 * with its layer, and the kubelet does not count it either.
 * A pod that is evicted has EVICT_GRACE_MS, whatever its own grace period is; that is the
 * kubelet's, too.
 *
 * What a failure leaves behind: nothing; a look that cannot be made is made again later.
 */
#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/base/tree.h"
#include "engine/conductor/internal.h"
#include "engine/logs/logwrite.h"

#define LOOK_MS	       10000
#define EVICT_GRACE_MS 1000
#define PRIORITY_LAST  19
#define STORE_FD       3

static size_t shared_size(const struct conductor *c)
{
	return (c->n_members + c->run.pod.volumes.n + 1) * sizeof(int64_t);
}

static int64_t *usage_of_containers(const struct conductor *c)
{
	return c->disk.shared;
}

static int64_t *usage_of_volumes(const struct conductor *c)
{
	return c->disk.shared + c->n_members;
}

static void set_next(struct conductor *c)
{
	c->disk.next_ms = clock_mono_ms() + seam_timer_ms("disk", LOOK_MS);
}

void diskwatch_begin(struct conductor *c)
{
	if (!c->disk.is_read) {
		c->disk.is_read = true;
		if (!quota_read(&c->run.pod, c->run.specs, &c->disk.quota))
			return;
		c->disk.shared = mmap(NULL, shared_size(c), PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (c->disk.shared == MAP_FAILED)
			c->disk.shared = NULL;
	}
	if (c->disk.shared)
		set_next(c);
}

void diskwatch_end(struct conductor *c)
{
	c->disk.next_ms = 0;
	if (c->disk.pidfd < 0)
		return;
	(void)kill(c->disk.pid, SIGKILL);
	(void)waitpid(c->disk.pid, NULL, 0);
	(void)close(c->disk.pidfd);
	c->disk.pidfd = -1;
}

void diskwatch_close(struct conductor *c)
{
	diskwatch_end(c);
	if (c->disk.shared)
		(void)munmap(c->disk.shared, shared_size(c));
	c->disk.shared = NULL;
	quota_done(&c->disk.quota);
}

/* ---- the look --------------------------------------------------------------------------- */

static int64_t measure_container(const char *id)
{
	char path[LAYOUT_PATH_MAX];
	int64_t bytes = tree_usage(STORE_FD, layout_container(path, id, "upper"));
	int fd = openat(STORE_FD, layout_container(path, id, NULL),
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_dir DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		const size_t len = strlen(LOG_FILE_NAME);

		if (strncmp(e->d_name, LOG_FILE_NAME, len) == 0 &&
		    (e->d_name[len] == '\0' || e->d_name[len] == '.'))
			bytes += tree_file_usage(fd, e->d_name);
	}
	return bytes;
}

/* What ps(1) shows: of the same length, in the same place. */
static void show_as_look(struct conductor *c)
{
	static const char before[] = "conductor", role[] = "disk-look";

	static_assert(sizeof(before) == sizeof(role), "written over each other");
	if (is_equal(c->argv[CONDUCTOR_ARG_ROLE], before))
		memcpy(c->argv[CONDUCTOR_ARG_ROLE], role, sizeof(role));
}

/* Runs in the forked child: the conductor's namespaces, ids, cgroup and memory; root. */
static void __attribute__((noreturn)) look(struct conductor *c, pid_t conductor)
{
	static const struct sched_param idle = { 0 };
	const struct pod_spec *pod = &c->run.pod;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != conductor)
		_exit(1);
	show_as_look(c);
	if (dup3(c->store.rootfd, STORE_FD, O_CLOEXEC) < 0 && c->store.rootfd != STORE_FD)
		_exit(1);
	if (syscall(SYS_close_range, STORE_FD + 1, ~0U, 0U) < 0)
		_exit(1);
	/* Good to have: it is slower for others without. */
	(void)setpriority(PRIO_PROCESS, 0, PRIORITY_LAST);
	(void)sched_setscheduler(0, SCHED_IDLE, &idle);
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
		      IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
	for (size_t i = 0; i < c->n_members; i++) {
		enum member_phase phase = c->views[i].phase;

		usage_of_containers(c)[i] = is_quota_container(&c->disk.quota, i) &&
							    phase != MEMBER_IDLE &&
							    phase != MEMBER_DONE
						    ? measure_container(c->members[i].id)
						    : 0;
	}
	for (size_t i = 0; i < pod->volumes.n; i++) {
		cleanup_free char *path =
			xasprintf("pods/%.64s/volumes/%s", c->pod_id, pod->volumes.v[i].name);

		usage_of_volumes(c)[i] =
			is_quota_volume(&c->disk.quota, pod, i) ? tree_usage(STORE_FD, path) : 0;
	}
	_exit(0);
}

static void start_look(struct conductor *c)
{
	pid_t self = getpid();
	pid_t pid = fork();

	if (pid == 0)
		look(c, self);
	if (pid < 0)
		return;
	c->disk.pid = pid;
	c->disk.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (c->disk.pidfd >= 0)
		return;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

void diskwatch_check(struct conductor *c)
{
	if (!c->disk.next_ms || c->disk.pidfd >= 0)
		return;
	if (c->phase != CONDUCTOR_STARTING && c->phase != CONDUCTOR_UP)
		return;
	if (clock_mono_ms() < c->disk.next_ms)
		return;
	set_next(c);
	start_look(c);
}

void diskwatch_read(struct conductor *c)
{
	const struct quota_usage usage = { .containers = usage_of_containers(c),
					   .volumes = usage_of_volumes(c) };
	cleanup_free char *why = NULL;
	int status = 0;
	bool is_whole = waitpid(c->disk.pid, &status, 0) == c->disk.pid && WIFEXITED(status) &&
			WEXITSTATUS(status) == 0;

	(void)close(c->disk.pidfd);
	c->disk.pidfd = -1;
	set_next(c);
	if (!is_whole || (c->phase != CONDUCTOR_STARTING && c->phase != CONDUCTOR_UP))
		return;
	why = quota_exceeded(&c->disk.quota, &c->run.pod, &usage);
	if (!why)
		return;
	conductor_tell(c, CTL_FAILED, 125, why);
	stop_over(c, "Evicted", why, EVICT_GRACE_MS);
}
