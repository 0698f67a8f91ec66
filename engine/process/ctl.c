/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl - packets of the control sockets.
 *
 * Theory of operation: SEQPACKET keeps message boundaries, so there is no parser state to attack:
 * a packet that is short, of another version or type is dropped. Sends never block the monitor: a
 * reader that lets its queue fill is disconnected by the caller on -EAGAIN. Works the same between
 * parent and child (socketpair) and over the named socket.
 */
#include "engine/process/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "engine/base/mem.h"

#define CTL_HEAD     offsetof(struct ctl_msg, text)
#define LISTEN_TRIES 10
#define CTL_BACKLOG  16

static int send_packet(int fd, struct ctl_msg *m, const int *fds, int n_fds)
{
	union {
		char space[CMSG_SPACE(sizeof(int) * CTL_FDS_MAX)];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { .iov_base = m, .iov_len = CTL_HEAD + strlen(m->text) + 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (n_fds > 0) {
		msg.msg_control = control.space;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)n_fds);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)n_fds);
	}
	if (sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -errno;
	return 0;
}

bool is_ctl_to_remove(const struct ctl_msg *m)
{
	return m->type == CTL_STOP && m->value == 0 && strcmp(m->text, CTL_TO_REMOVE) == 0;
}

bool is_ctl_ready(const struct ctl_msg *m)
{
	return m->type == CTL_RUNNING && strcmp(m->text, CTL_IS_READY) == 0;
}

int ctl_send(int fd, enum ctl_type type, int32_t value, const char *text)
{
	return ctl_send_with_fds(fd, type, value, text, NULL, 0);
}

int ctl_send_fds(int fd, enum ctl_type type, const int *fds, int n_fds)
{
	return ctl_send_with_fds(fd, type, 0, NULL, fds, n_fds);
}

int ctl_send_with_fds(int fd, enum ctl_type type, int32_t value, const char *text, const int *fds,
		      int n_fds)
{
	struct ctl_msg m = { .version = CTL_VERSION, .type = (uint8_t)type, .value = value };

	if (fd < 0 || n_fds > CTL_FDS_MAX)
		return -EBADF;
	(void)snprintf(m.text, sizeof(m.text), "%s", text ? text : "");
	return send_packet(fd, &m, fds, n_fds);
}

static void take_fds(struct msghdr *msg, int *ret_fds)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int fds[CTL_FDS_MAX];

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || n > CTL_FDS_MAX)
			continue;
		memcpy(fds, CMSG_DATA(c), n * sizeof(int));
		for (size_t i = 0; i < n; i++) {
			if (ret_fds && ret_fds[i] < 0)
				ret_fds[i] = fds[i];
			else
				(void)close(fds[i]);
		}
	}
}

int ctl_receive(int fd, struct ctl_msg *ret, int *ret_fds)
{
	union {
		char space[CMSG_SPACE(sizeof(int) * CTL_FDS_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = ret, .iov_len = sizeof(*ret) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	msg.msg_control = control.space;
	/* Not what the alignment leaves behind it: the kernel would fill that, too. */
	msg.msg_controllen = CMSG_LEN(sizeof(int) * CTL_FDS_MAX);
	memset(ret, 0, sizeof(*ret));
	for (int i = 0; ret_fds && i < CTL_FDS_MAX; i++)
		ret_fds[i] = -EBADF;
	/* A peer that ended with our packets unread: the kernel says so once, ahead of what the peer
	 * had sent before, which is still there. */
	for (int resets = 0;; resets++) {
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n >= 0 || errno != ECONNRESET || resets > 1)
			break;
	}
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	take_fds(&msg, ret_fds);
	if (n >= (ssize_t)CTL_HEAD && ret->version == CTL_VERSION) {
		ret->text[sizeof(ret->text) - 1] = '\0';
		return 1;
	}
	/* Nobody wants the descriptors of a packet that is dropped. */
	for (int i = 0; ret_fds && i < CTL_FDS_MAX; i++) {
		if (ret_fds[i] >= 0)
			(void)close(ret_fds[i]);
		ret_fds[i] = -EBADF;
	}
	return n == 0 ? 0 : -EPROTO;
}

/* Fills an address that names a socket in the container's run directory through its descriptor. */
static int socket_address(int dirfd, const char *name, struct sockaddr_un *a)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	return snprintf(a->sun_path, sizeof(a->sun_path), "/proc/self/fd/%d/%s", dirfd, name);
}

int ctl_listen(const struct store *s, const char *container_id, struct error *err)
{
	return ctl_listen_name(s, container_id, CTL_SOCKET, err);
}

int ctl_listen_at(int dirfd, const char *name, struct error *err)
{
	cleanup_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un a;

	if (fd < 0)
		return error_errno(err, "socket");
	(void)unlinkat(dirfd, name, 0);
	(void)socket_address(dirfd, name, &a);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, CTL_BACKLOG) < 0)
		return error_errno(err, "bind '%s'", name);
	return steal_fd(&fd);
}

int ctl_listen_name(const struct store *s, const char *container_id, const char *name,
		    struct error *err)
{
	int r = -ENOENT;

	/* The end of an earlier run may take the directory away meanwhile. */
	for (int i = 0; i < LISTEN_TRIES && r == -ENOENT; i++) {
		cleanup_close int dir = layout_run_container(s, container_id, err);

		r = dir < 0 ? dir : ctl_listen_at(dir, name, err);
	}
	return r < 0 ? error_wrap(err, "container '%.12s'", container_id) : r;
}

int ctl_accept(int listen_fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.uid != geteuid()) {
		(void)close(fd);
		return -EPERM;
	}
	return fd;
}

int ctl_connect(const struct store *s, const char *container_id, struct error *err)
{
	return ctl_connect_name(s, container_id, CTL_SOCKET, err);
}

int ctl_connect_at(int dirfd, const char *name, struct error *err)
{
	cleanup_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un a;

	if (fd < 0)
		return error_errno(err, "socket");
	(void)socket_address(dirfd, name, &a);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return error_errno(err, "connect to '%s'", name);
	return steal_fd(&fd);
}

int ctl_connect_name(const struct store *s, const char *container_id, const char *name,
		     struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_close int dir = openat(s->runfd, layout_container(path, container_id, NULL),
				       O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (dir < 0 && errno == ENOENT)
		return error_set(err, ENOENT,
				 "monitor of container '%.12s': it has ended, or its files in '%s' "
				 "were removed: `podium stop` ends such a container, too",
				 container_id, s->runroot);
	if (dir < 0)
		return error_errno(err, "monitor of container '%.12s'", container_id);
	r = ctl_connect_at(dir, name, err);
	return r < 0 ? error_wrap(err, "monitor of container '%.12s'", container_id) : r;
}

int ctl_wait_fds(int fd, int timeout_ms, struct ctl_msg *ret, int *ret_fds)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	do {
		n = poll(&p, 1, timeout_ms);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : -ETIMEDOUT;
	return ctl_receive(fd, ret, ret_fds);
}

int ctl_wait(int fd, int timeout_ms, struct ctl_msg *ret)
{
	return ctl_wait_fds(fd, timeout_ms, ret, NULL);
}
