/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume_check - hostPath types, looked at from the command line.
 *
 * Theory of operation: one stat(2) a volume, following links as the invoking user would. This is a
 * courtesy: a wrong path is refused before a pod is made, with the place in the manifest. What
 * counts is the check in volume_open_source(), which is made on the descriptor that is mounted.
 */
#include "engine/rootfs/volume_check.h"

#include <errno.h>
#include <sys/stat.h>

#include "engine/pod/spec.h"

struct expectation {
	mode_t kind; /* S_IF*, 0: any */
	bool may_be_missing;
	const char *name;
};

static const struct expectation expectations[HOST_PATH__COUNT] = {
	[HOST_PATH_ANY] = { 0, false, "" },
	[HOST_PATH_DIRECTORY_OR_CREATE] = { S_IFDIR, true, "a directory" },
	[HOST_PATH_DIRECTORY] = { S_IFDIR, false, "a directory" },
	[HOST_PATH_FILE_OR_CREATE] = { S_IFREG, true, "a regular file" },
	[HOST_PATH_FILE] = { S_IFREG, false, "a regular file" },
	[HOST_PATH_SOCKET] = { S_IFSOCK, false, "a socket" },
	[HOST_PATH_CHAR_DEVICE] = { S_IFCHR, false, "a character device" },
	[HOST_PATH_BLOCK_DEVICE] = { S_IFBLK, false, "a block device" },
};

int volume_check_source(const struct volume_spec *vol, struct error *err)
{
	const struct expectation *e;
	struct stat st;

	if (vol->kind != VOLUME_HOST_PATH)
		return 0;
	e = &expectations[vol->host_path_type];
	if (stat(vol->host_path, &st) < 0) {
		if (errno != ENOENT)
			return error_errno(err, "'%s'", vol->host_path);
		if (e->may_be_missing)
			return 0;
		return error_set(err, ENOENT, "host path '%s' does not exist%s", vol->host_path,
				 vol->host_path_type == HOST_PATH_ANY ||
						 vol->host_path_type == HOST_PATH_DIRECTORY
					 ? " (type DirectoryOrCreate makes it)"
				 : vol->host_path_type == HOST_PATH_FILE
					 ? " (type FileOrCreate makes it)"
					 : "");
	}
	if (e->kind && (st.st_mode & S_IFMT) != e->kind)
		return error_set(err, ENOTDIR, "host path '%s' is not %s", vol->host_path, e->name);
	return 0;
}
