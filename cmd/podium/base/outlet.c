/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outlet - writing to a stream that may be slow.
 *
 * Theory of operation: a pipe or terminal that poll(2) calls writable takes PIPE_BUF bytes; a file
 * never waits.
 */
#include "cmd/podium/base/outlet.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

void outlet_init(struct outlet *o, int fd)
{
	struct stat st;
	bool is_file = fstat(fd, &st) == 0 &&
		       (S_ISREG(st.st_mode) || (S_ISCHR(st.st_mode) && !isatty(fd)));

	*o = (struct outlet){ .fd = fd, .whole = is_file };
}

void outlet_put(struct outlet *o, const char *data, size_t len)
{
	o->data = data;
	o->len = o->error ? 0 : len;
}

void outlet_write(struct outlet *o)
{
	ssize_t n = write(o->fd, o->data, o->whole || o->len < PIPE_BUF ? o->len : PIPE_BUF);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		o->error = errno;
		o->len = 0;
		return;
	}
	o->data += n;
	o->len -= (size_t)n;
}
