/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach - frames of the attach sockets.
 *
 * Theory of operation: as in ctl.c, packets keep their boundaries and are checked by length and
 * version; a frame that is neither is the end of that client. Sends do not block and do not copy.
 */
#include "engine/process/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/process/ctl.h"

int attach_send(int fd, enum attach_type type, const void *data, size_t len)
{
	uint8_t head[ATTACH_HEAD] = { ATTACH_VERSION, (uint8_t)type, 0, 0 };
	struct iovec iov[2] = { { .iov_base = head, .iov_len = sizeof(head) },
				{ .iov_base = (void *)(uintptr_t)data, .iov_len = len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = len ? 2 : 1 };

	return sendmsg(fd, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

ssize_t attach_receive(int fd, struct attach_frame *ret)
{
	ssize_t n;

	/* ECONNRESET, which is told once: the peer has gone without reading our last frames. Its own
	 * last ones are still there, and after them the end. */
	do {
		n = recv(fd, ret, sizeof(*ret), 0);
	} while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0)
		return -errno;
	if (n == 0)
		return -EPIPE;
	if (n < ATTACH_HEAD || ret->version != ATTACH_VERSION)
		return -EPROTO;
	return n - ATTACH_HEAD;
}

int attach_listen(const struct store *s, const char *container_id, struct error *err)
{
	return ctl_listen_name(s, container_id, ATTACH_SOCKET, err);
}

int attach_connect(const struct store *s, const char *container_id, struct error *err)
{
	return ctl_connect_name(s, container_id, ATTACH_SOCKET, err);
}

int session_listen(const struct store *s, const char *container_id, struct error *err)
{
	return ctl_listen_name(s, container_id, SESSION_SOCKET, err);
}

int session_connect(const struct store *s, const char *container_id, struct error *err)
{
	return ctl_connect_name(s, container_id, SESSION_SOCKET, err);
}

void session_unlisten(const struct store *s, const char *container_id)
{
	char path[LAYOUT_PATH_MAX];

	/* The directory is not made again: the container may have removed itself. It goes too when
	 * nothing else is in it. */
	(void)unlinkat(s->runfd, layout_container(path, container_id, SESSION_SOCKET), 0);
	(void)unlinkat(s->runfd, layout_container(path, container_id, NULL), AT_REMOVEDIR);
}
