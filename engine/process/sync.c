/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync - the protocol between a starter and podium-launch.
 *
 * Theory of operation: messages are fixed-size structs on a SOCK_SEQPACKET pair, so one receive is
 * one message and a dead peer is an end of file. At most one descriptor rides along. An error
 * crosses as it is: struct error holds no pointers. Sending neither blocks for long (the peer
 * reads, the queue is bounded by a handful of messages) nor raises SIGPIPE.
 */
#include "engine/process/sync.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine/base/mem.h"

int sync_pair(int ret_fds[2], struct error *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) < 0)
		return error_errno(err, "make sync socket");
	return 0;
}

int sync_send(int fd, enum sync_step step, int32_t value, const struct error *text, int pass_fd)
{
	struct sync_msg msg = { .step = step, .value = value };
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { &msg, sizeof(msg) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (text)
		msg.err = *text;
	if (pass_fd >= 0) {
		m.msg_control = control.space;
		m.msg_controllen = sizeof(control.space);
		control.h.cmsg_level = SOL_SOCKET;
		control.h.cmsg_type = SCM_RIGHTS;
		control.h.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.h), &pass_fd, sizeof(int));
	}
	do {
		n = sendmsg(fd, &m, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* Takes the one descriptor out of a control message; more than one cannot fit. */
static int received_fd(struct msghdr *m)
{
	int fd = -EBADF;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		    c->cmsg_len >= CMSG_LEN(sizeof(int)))
			memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}

int sync_receive(int fd, struct sync_msg *ret, int *ret_fd, struct error *err)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { ret, sizeof(*ret) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.space,
			    /* Not what the alignment leaves: a second would be installed there. */
			    .msg_controllen = CMSG_LEN(sizeof(int)) };
	cleanup_close int passed = -EBADF;
	ssize_t n;

	*ret_fd = -EBADF;
	/* A launch that ended with our step unread: ECONNRESET comes once, ahead of its last words. */
	for (int resets = 0;; resets++) {
		n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n >= 0 || errno != ECONNRESET || resets > 1)
			break;
	}
	if (n < 0 && errno == ECONNRESET)
		n = 0;
	if (n < 0)
		return error_errno(err, "receive from podium-launch");
	passed = received_fd(&m);
	if (n == 0)
		return 0;
	if (n != (ssize_t)sizeof(*ret) || (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return error_set(err, EBADMSG, "malformed message from podium-launch");
	ret->err.text[sizeof(ret->err.text) - 1] = '\0';
	*ret_fd = steal_fd(&passed);
	return 1;
}
