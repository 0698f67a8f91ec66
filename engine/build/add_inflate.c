/* SPDX-License-Identifier: Apache-2.0 */
/*
 * add_inflate - xz and bzip2 for ADD: root file systems come in these.
 *
 * Theory of operation: what is inside (engine/image/peel.h) becomes a file of the work directory, which is
 * then looked at like any other. What is damaged is no archive.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/build/copy.h"
#include "engine/image/peel.h"

int add_inflate(struct copier *c, int fd, struct error *err)
{
	cleanup_close int out = -EBADF;
	struct job job = JOB_INIT;
	char name[65];
	int r = copy_work_begin(c, err);

	if (r < 0)
		return r;
	id_new(name);
	out = openat(c->workfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		return error_errno(err, "make a file for an archive");
	r = peel_start(fd, out, &job, err);
	if (r == 0)
		r = peel_wait(&job, err);
	if (r == 0 && lseek(out, 0, SEEK_SET) < 0)
		r = error_errno(err, "read an archive");
	return r < 0 ? r : steal_fd(&out);
}
