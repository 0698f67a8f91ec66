/* SPDX-License-Identifier: Apache-2.0 */
/*
 * etclayer - a layer below every image: the files of /etc that a container has mounted over.
 *
 * Theory of operation: /etc/hosts, resolv.conf and hostname are mounts, and a mount needs a file
 * under it. Most images have none. To make them in the writable layer of each container would copy
 * /etc up and create four files on the disk, which the end of the container removes again. So they
 * stand, empty, in one directory of the store that is the lowest layer of every container: what an
 * image has in their place wins, a whiteout included, and then the file is made above as ever.
 *
 * Made with the store's other directories, once a boot. Nothing is ever written into them: a
 * container sees them through an overlay, and a mount covers each.
 */
#include "engine/state/etclayer.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/mem.h"

static int make_dir(int dirfd, const char *name, mode_t mode)
{
	cleanup_close int fd = -EBADF;

	if (mkdirat(dirfd, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, mode) < 0)
		return -errno;
	return steal_fd(&fd);
}

void etclayer_make(int rootfd)
{
	static const char *const files[] = { "hosts", "resolv.conf", "hostname" };
	cleanup_close int layer = make_dir(rootfd, "etclayer", 0700);
	/* The mode of /etc in a container whose image has none. */
	cleanup_close int etc = layer < 0 ? layer : make_dir(layer, "etc", 0755);

	for (size_t i = 0; etc >= 0 && i < ARRAY_SIZE(files); i++) {
		int fd = openat(etc, files[i], O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

		if (fd >= 0)
			(void)close(fd);
	}
}
