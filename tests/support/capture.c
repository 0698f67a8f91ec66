/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture - what a function prints on stdout, as text.
 *
 * Theory of operation: descriptor 1 is exchanged, not the stream, so that nothing is missed that
 * goes past stdio.
 */
#include "tests/support/capture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/mem.h"

void capture_begin(struct capture *c)
{
	(void)fflush(stdout);
	c->fd = memfd_create("stdout", MFD_CLOEXEC);
	c->saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
	if (c->fd < 0 || c->saved < 0 || dup2(c->fd, STDOUT_FILENO) < 0)
		abort();
}

char *capture_end(struct capture *c)
{
	char *text = xcalloc(1, CAPTURE_MAX);

	(void)fflush(stdout);
	(void)dup2(c->saved, STDOUT_FILENO);
	(void)close(c->saved);
	(void)!pread(c->fd, text, CAPTURE_MAX - 1, 0);
	(void)close(c->fd);
	return text;
}
