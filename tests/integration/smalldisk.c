/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/smalldisk.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/harness.h"

char *small_disk(const char *options)
{
	char *dir = xasprintf("%s/small", harness.work);

	(void)mkdir(dir, 0755);
	if (mount("small", dir, "tmpfs", 0, options) < 0)
		perror("mount");
	return dir;
}

void small_disk_fill(const char *dir, size_t leave)
{
	cleanup_free char *path = xasprintf("%s/filler", dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	static char zeros[4096];
	off_t size = 0;

	while (write(fd, zeros, sizeof(zeros)) > 0)
		size += (off_t)sizeof(zeros);
	if (ftruncate(fd, size > (off_t)leave ? size - (off_t)leave : 0) < 0)
		perror("ftruncate");
	(void)close(fd);
}

void small_disk_leave(const char *dir)
{
	harness_store(NULL, NULL);
	(void)umount2(dir, MNT_DETACH);
}
