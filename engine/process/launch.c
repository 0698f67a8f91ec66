/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch - record tables of what is handed to podium-launch.
 *
 * Theory of operation: sandbox.json and the exec request are plain records (engine/base/record.h).
 * Both are read again by another process, so all that is needed to act safely is in them: a pid
 * comes with start time and boot id. Neither holds a secret that is not on its way into a process
 * already: the exec request lives in a memfd, never on a disk.
 */
#include "engine/process/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>

#include "engine/base/mem.h"
#include "engine/process/selfexec.h"
#include "engine/process/sync.h"
#include "engine/state/layout.h"

static const struct record_field sandbox_fields[] = {
	RECORD_FIELD(sandbox_record, RECORD_U32, "pid", pid),
	RECORD_FIELD(sandbox_record, RECORD_I64, "startTicks", start_ticks),
	RECORD_FIELD(sandbox_record, RECORD_STRING, "bootId", boot_id),
	RECORD_FIELD(sandbox_record, RECORD_STRING, "address4", address4),
	RECORD_FIELD(sandbox_record, RECORD_STRING, "address6", address6),
	RECORD_FIELD(sandbox_record, RECORD_STRING, "gateway4", gateway4),
	RECORD_FIELD(sandbox_record, RECORD_STRING, "gateway6", gateway6),
	RECORD_FIELD(sandbox_record, RECORD_STRLIST, "moreAddresses", more_addresses),
	RECORD_FIELD(sandbox_record, RECORD_STRLIST, "resolvers", resolvers),
	{ 0 },
};
const struct record_type sandbox_record_type = { "sandbox", sizeof(struct sandbox_record),
						 sandbox_fields };

static const struct record_field exec_fields[] = {
	RECORD_FIELD(exec_request, RECORD_STRLIST, "argv", argv),
	RECORD_FIELD(exec_request, RECORD_STRLIST, "env", env),
	RECORD_FIELD(exec_request, RECORD_STRING, "user", user),
	RECORD_FIELD(exec_request, RECORD_STRING, "workingDir", working_dir),
	RECORD_FIELD(exec_request, RECORD_BOOL, "tty", tty),
	RECORD_FIELD(exec_request, RECORD_BOOL, "privileged", privileged),
	RECORD_FIELD(exec_request, RECORD_U32, "preserveFds", preserve_fds),
	{ 0 },
};
const struct record_type exec_request_type = { "exec request", sizeof(struct exec_request),
					       exec_fields };

int launch_load(int *ret_mount, struct error *err)
{
	cleanup_free char *path = NULL;
	int r = proc_helper_path("podium-launch", &path, err);

	*ret_mount = -EBADF;
	return r < 0 ? r : selfexec_load(path, "podium-launch", ret_mount, err);
}

int launch_find_pause(int mount_fd)
{
	int fd = mount_fd < 0 ? -1
			      : openat(mount_fd, "podium-pause", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -ENOENT : fd;
}

pid_t launch_spawn(const struct launch_start *l, int *ret_sync_fd, struct error *err)
{
	cleanup_free char *path = NULL;
	cleanup_close int program = -EBADF;
	cleanup_close int mount = -EBADF; /* closed while podium-launch works */
	cleanup_close int ours = -EBADF;
	cleanup_close int theirs = -EBADF;
	int sync[2];
	pid_t r = proc_helper_path("podium-launch", &path, err);
	/* argv[0] is where it finds its own helpers: its link to itself leads into memory. */
	char *argv[] = { path,
			 (char *)(uintptr_t)l->verb,
			 l->store->root,
			 l->store->runroot,
			 (char *)(uintptr_t)l->id,
			 (char *)(uintptr_t)l->extra,
			 NULL };
	struct proc_spawn s = { .path = path,
				.argv = argv,
				.new_session = true,
				.pass_fd4 = l->request_fd,
				.stdio = { l->stdio[0], l->stdio[1], l->stdio[2] } };

	if (r == 0 && l->program_fd <= 0)
		r = program = selfexec_load(path, "podium-launch", &mount, err);
	if (r >= 0)
		r = sync_pair(sync, err);
	if (r < 0)
		return r;
	ours = sync[0];
	theirs = sync[1];
	s.exec_fd = l->program_fd > 0 ? l->program_fd : program;
	s.pass_fd = theirs;
	r = proc_spawn(&s, NULL, err);
	if (r > 0)
		*ret_sync_fd = steal_fd(&ours);
	return r;
}
