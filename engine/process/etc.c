/* SPDX-License-Identifier: Apache-2.0 */
/*
 * etc - filling a pod's hosts, resolv.conf and hostname.
 *
 * Theory of operation: the files live on a small tmpfs of the sandbox and are mounted, one by one,
 * into every container; they are therefore rewritten in place (truncate and one write), never
 * replaced. From outside the directory is reached through the root link of the pause process in
 * the host's procfs: nothing is joined, and a pidfd that is alive afterwards proves that the link
 * was that process's. Containers may write to these files, as they may in Podman and Kubernetes.
 * The directory itself is mounted nowhere else, and pause lets nobody through its root link who may
 * not trace everybody; what is found there is checked all the same.
 */
#include "engine/process/etc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/str.h"
#include "engine/process/internal.h"
#include "engine/process/sandbox.h"
#include "engine/rootfs/etcfiles.h"

#define HOST_HOSTS  "/etc/hosts"
#define HOST_RESOLV "/etc/resolv.conf"
/* systemd-resolved's list of the real servers: its own stub listens on the loopback. */
#define HOST_RESOLVED "/run/systemd/resolve/resolv.conf"
#define STUB_SERVER   "127.0.0.53"

/* The host's file, or NULL. The links of the host are followed. */
static char *read_host_file(const char *path)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	cleanup_free char *text = xmalloc(ETC_FILE_MAX + 1);
	size_t len = 0;

	while (fd >= 0 && len < ETC_FILE_MAX) {
		ssize_t n = read(fd, text + len, ETC_FILE_MAX - len);

		if (n <= 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	return fd < 0 ? NULL : steal_ptr(&text);
}

static char *read_host_resolv(const struct pod_spec *pod)
{
	char *text = read_host_file(HOST_RESOLV);

	if (pod->network != NETWORK_HOST && text && strstr(text, STUB_SERVER)) {
		char *real = read_host_file(HOST_RESOLVED);

		if (real) {
			free(text);
			return real;
		}
	}
	return text;
}

static int write_in_place(int dirfd, const char *name, const char *text, struct error *err)
{
	cleanup_close int fd = openat(dirfd, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "open '%s'", name);
	if (!S_ISREG(st.st_mode))
		return error_set(err, EINVAL, "'%s' is not a regular file", name);
	if (ftruncate(fd, 0) < 0)
		return error_errno(err, "empty '%s'", name);
	r = fs_write_all(fd, text, strlen(text));
	return r < 0 ? error_set(err, -r, "write '%s': %s", name, strerror(-r)) : 0;
}

int etc_write(const struct pod_spec *pod, const struct sandbox_record *sb, int dirfd,
	      struct error *err)
{
	char hostname[POD_HOSTNAME_MAX];
	cleanup_free char *host_hosts = NULL;
	cleanup_free char *host_resolv = read_host_resolv(pod);
	cleanup_free char *hosts = NULL;
	cleanup_free char *resolv = NULL;
	cleanup_free char *name = NULL;
	struct etc_facts facts;
	int r;

	launch_hostname(pod, hostname);
	if (pod->network == NETWORK_HOST)
		host_hosts = read_host_file(HOST_HOSTS);
	facts = (struct etc_facts){ .hostname = hostname,
				    .address4 = sb->address4,
				    .address6 = sb->address6,
				    .gateway4 = sb->gateway4,
				    .gateway6 = sb->gateway6,
				    .host_hosts = host_hosts,
				    .host_resolv = host_resolv };
	hosts = etc_hosts_text(pod, &facts);
	resolv = etc_resolv_text(pod, &facts);
	name = xasprintf("%s\n", hostname);
	r = write_in_place(dirfd, etc_names[ETC_HOSTS], hosts, err);
	if (r == 0)
		r = write_in_place(dirfd, etc_names[ETC_RESOLV], resolv, err);
	return r < 0 ? r : write_in_place(dirfd, etc_names[ETC_HOSTNAME], name, err);
}

int sandbox_open(const struct sandbox_record *sb, const char *name, struct error *err)
{
	struct proc_ident ident = { .pid = (pid_t)sb->pid,
				    .start_ticks = (uint64_t)sb->start_ticks };
	cleanup_close int pidfd = -EBADF;
	cleanup_close int dir = -EBADF;
	char path[64];

	(void)snprintf(ident.boot_id, sizeof(ident.boot_id), "%s", sb->boot_id ? sb->boot_id : "");
	pidfd = proc_open_ident(&ident, err);
	if (pidfd < 0)
		return error_wrap(err, "sandbox");
	(void)snprintf(path, sizeof(path), "/proc/%u/root/%s", sb->pid, name);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_errno(err, "open the sandbox's files");
	if (!is_pidfd_alive(pidfd))
		return error_set(err, ESRCH, "sandbox has ended");
	return steal_fd(&dir);
}

int sandbox_write_etc(const struct pod_spec *pod, const struct sandbox_record *sb,
		      struct error *err)
{
	cleanup_close int dir = sandbox_open(sb, SCRATCH_ETC, err);

	return dir < 0 ? dir : etc_write(pod, sb, dir, err);
}
