/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addresses - a launch that has to know the pod's addresses waits for them.
 *
 * Theory of operation: podium-net writes the sandbox's record a second time when the network
 * is up, by rename, with the addresses in it; that is while containers are being prepared. Only a
 * container with a variable that holds an address comes here: it watches the folder of the record,
 * and reads it again whenever something in it was replaced. The watch is set before the record is
 * read, so that nothing is missed. There is no limit in time: the starter goes when the network
 * cannot be had, and its end of the socket ends the wait.
 *
 * Pods of the host's network or of none have no address of their own to wait for.
 */
#include "engine/process/internal.h"

#include <errno.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/record.h"

/* 1: something was replaced. */
static int wait_for_change(int watch_fd, int sync_fd, struct error *err)
{
	struct pollfd p[] = { { .fd = watch_fd, .events = POLLIN }, { .fd = sync_fd } };
	char events[4096];

	if (poll(p, ARRAY_SIZE(p), -1) < 0)
		return errno == EINTR ? 1 : error_errno(err, "wait for the pod's addresses");
	if (p[1].revents)
		return -ECANCELED;
	if (read(watch_fd, events, sizeof(events)) < 0 && errno != EAGAIN && errno != EINTR)
		return error_errno(err, "wait for the pod's addresses");
	return 1;
}

int launch_await_addresses(struct launch *l, int sync_fd, struct error *err)
{
	cleanup_free char *folder = NULL;
	cleanup_close int fd = -EBADF;
	int r = 1;

	if (l->pod.network != NETWORK_BRIDGE || l->sandbox.address4 || l->sandbox.address6)
		return 0;
	folder = xasprintf("%s/pods/%s", l->store.runroot, l->pod.id);
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd < 0 || inotify_add_watch(fd, folder, IN_MOVED_TO | IN_ONLYDIR) < 0)
		return error_errno(err, "watch '%s'", folder);
	while (r > 0) {
		record_done(&sandbox_record_type, &l->sandbox);
		(void)close(steal_fd(&l->pause_fd));
		r = launch_open_pause(l, err);
		if (r < 0 || l->sandbox.address4 || l->sandbox.address6)
			break;
		r = wait_for_change(fd, sync_fd, err);
	}
	return r;
}
