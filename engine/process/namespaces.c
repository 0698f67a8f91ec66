/* SPDX-License-Identifier: Apache-2.0 */
/*
 * namespaces - whose namespaces a pod lives in.
 *
 * Theory of operation: the pause process is the one place where it is decided. What the pod has of
 * its own is made with it; what is another container's or has a file of its own is joined by its
 * host half just before the clone, and so inherited; the rest is the host's. Members then join
 * pause's, whatever they are, by its pidfd. Only what every member has for itself (pod create
 * --share) is made at the member's own clone.
 *
 * Another container is found by its record and held by a pidfd that was compared with it. A file
 * must lie in nsfs and be of the kind that is asked for; its path comes from the command line.
 *
 * Runs in: the sandbox's host half, with the starter's privileges.
 */
#include "engine/process/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/process/internal.h"
#include "engine/process/userns.h"
#include "engine/state/status.h"

#define TARGET_CONTAINER "container:"
#define TARGET_FILE	 "ns:"

bool is_container_target(const char *from)
{
	return from && is_prefix(from, TARGET_CONTAINER);
}

/* ---- plan ------------------------------------------------------------------------------- */

/* One in the host's network has the host's name, unless one made by hand asks for another. */
static bool has_host_uts(const struct pod_spec *pod)
{
	if (pod->host_uts)
		return true;
	return pod->network == NETWORK_HOST && (pod->owner || is_empty(pod->hostname));
}

uint64_t namespaces_foreign(const struct pod_spec *pod)
{
	uint64_t flags = 0;

	if (pod->network == NETWORK_FROM)
		flags |= CLONE_NEWNET;
	if (pod->ipc_from)
		flags |= CLONE_NEWIPC;
	if (pod->uts_from)
		flags |= CLONE_NEWUTS;
	if (pod->pid_from)
		flags |= CLONE_NEWPID;
	return flags;
}

uint64_t namespaces_made(const struct pod_spec *pod)
{
	uint64_t flags = CLONE_NEWNS | CLONE_NEWPID;

	if (has_own_userns(pod))
		flags |= CLONE_NEWUSER;
	if (pod->network != NETWORK_HOST)
		flags |= CLONE_NEWNET;
	if (!has_host_uts(pod))
		flags |= CLONE_NEWUTS;
	if (!pod->host_ipc)
		flags |= CLONE_NEWIPC;
	return flags & ~namespaces_foreign(pod);
}

uint64_t namespaces_private(const struct pod_spec *pod)
{
	uint64_t flags = CLONE_NEWNS;

	if (pod->own_ipc)
		flags |= CLONE_NEWIPC;
	if (pod->own_uts)
		flags |= CLONE_NEWUTS;
	if (!pod->share_pid && !pod->host_pid && !pod->pid_from)
		flags |= CLONE_NEWPID;
	return flags;
}

uint64_t namespaces_shared(const struct pod_spec *pod)
{
	uint64_t flags = namespaces_made(pod) | namespaces_foreign(pod);

	/* Pause has one of its own beside the host's. */
	if (pod->host_pid)
		flags &= ~(uint64_t)CLONE_NEWPID;
	return flags & ~namespaces_private(pod);
}

/* ---- somebody else's -------------------------------------------------------------------- */

static int read_record(const struct launch *l, const char *id, struct container_spec *ret,
		       struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_json json_t *j = NULL;
	int r = jload_file(l->store.rootfd, layout_container(path, id, "spec.json"),
			   RECORD_MAX_BYTES, &j, err);

	return r < 0 ? r : record_load(&container_spec_type, j, ret, err);
}

int namespaces_target(const struct launch *l, const char *from, struct sandbox_record *ret,
		      struct error *err)
{
	struct container_spec spec = { 0 };
	char path[LAYOUT_PATH_MAX];
	cleanup_json json_t *j = NULL;
	int r = read_record(l, from + strlen(TARGET_CONTAINER), &spec, err);

	if (r == 0 && (!spec.pod_id || !is_id(spec.pod_id)))
		r = error_set(err, EBADMSG, "container record without a pod");
	if (r == 0)
		r = jload_file(l->store.runfd, layout_pod(path, spec.pod_id, "sandbox.json"),
			       RECORD_MAX_BYTES, &j, err);
	record_done(&container_spec_type, &spec);
	if (r == 0)
		r = record_load(&sandbox_record_type, j, ret, err);
	return r < 0 ? error_wrap(err, "'%.80s'", from) : 0;
}

/* A pidfd of the container's first process. */
static int open_container(const struct launch *l, const char *id, struct error *err)
{
	struct container_status st = { 0 };
	int r;

	if (!is_id(id))
		return error_set(err, EINVAL, "malformed id");
	r = status_read(&l->store, id, &st, err);
	if (r < 0)
		return r;
	r = status_open_process(&st, err);
	status_done(&st);
	if (r >= 0 && !is_pidfd_alive(r)) {
		(void)close(r);
		r = -ESRCH;
	}
	return r == -ESRCH ? error_set(err, ESRCH, "the container is not running") : r;
}

static int open_file(const char *path, uint64_t flag, struct error *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return error_errno(err, "open '%s'", path);
	if (fs.f_type != NSFS_MAGIC || ioctl(fd, NS_GET_NSTYPE) != (int)flag)
		return error_set(err, EINVAL, "'%s' is no namespace of this kind", path);
	return steal_fd(&fd);
}

static int enter(const struct launch *l, const char *what, const char *from, uint64_t flag,
		 struct error *err)
{
	cleanup_close int fd = -EBADF;

	if (!from)
		return error_set(err, EINVAL, "%s: it is not said whose namespace it is", what);
	if (is_container_target(from))
		fd = open_container(l, from + strlen(TARGET_CONTAINER), err);
	else if (is_prefix(from, TARGET_FILE))
		fd = open_file(from + strlen(TARGET_FILE), flag, err);
	else
		fd = error_set(err, EINVAL, "neither 'container:ID' nor 'ns:PATH'");
	if (fd < 0)
		return error_wrap(err, "%s '%.200s'", what, from);
	if (setns(fd, (int)flag) < 0)
		return error_errno(err, "%s '%.200s': join the namespace", what, from);
	return 0;
}

int namespaces_enter_foreign(const struct launch *l, struct error *err)
{
	const struct pod_spec *pod = &l->pod;
	const struct {
		const char *what, *from;
		uint64_t flag;
	} rows[] = { { "network", pod->network_from, CLONE_NEWNET },
		     { "ipc", pod->ipc_from, CLONE_NEWIPC },
		     { "uts", pod->uts_from, CLONE_NEWUTS },
		     { "pid", pod->pid_from, CLONE_NEWPID } };
	uint64_t foreign = namespaces_foreign(pod);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r = foreign & rows[i].flag
				? enter(l, rows[i].what, rows[i].from, rows[i].flag, err)
				: 0;

		if (r < 0)
			return r;
	}
	return 0;
}
