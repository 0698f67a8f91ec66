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
#include "engine/process/namespaces.h"
#include "engine/process/sandbox.h"
#include "engine/rootfs/etcfiles.h"

#define HOST_HOSTS  "/etc/hosts"
#define HOST_RESOLV "/etc/resolv.conf"
/* systemd-resolved's list of the real servers: its own stub listens on the loopback. */
#define HOST_RESOLVED "/run/systemd/resolve/resolv.conf"
#define STUB_SERVER   "127.0.0.53"

/* The host's file, or NULL. The links of the host are followed. */
static char *read_host_file(int dirfd, const char *path)
{
	cleanup_close int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
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
	char *text = read_host_file(AT_FDCWD, HOST_RESOLV);

	if (pod->network != NETWORK_HOST && text && strstr(text, STUB_SERVER)) {
		char *real = read_host_file(AT_FDCWD, HOST_RESOLVED);

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

static int write_all(const struct pod_spec *pod, const struct sandbox_record *sb, int dirfd,
		     const struct etc_others *others, struct error *err)
{
	char hostname[POD_HOSTNAME_MAX];
	cleanup_free char *hosts = NULL;
	cleanup_free char *resolv = NULL;
	cleanup_free char *name = NULL;
	struct etc_facts facts;
	int r;

	launch_hostname(pod, hostname);
	facts = (struct etc_facts){ .hostname = hostname,
				    .address4 = others->is_pod ? others->address4 : sb->address4,
				    .address6 = others->is_pod ? others->address6 : sb->address6,
				    .gateway4 = sb->gateway4,
				    .gateway6 = sb->gateway6,
				    .more_addresses = &sb->more_addresses,
				    .resolvers = &sb->resolvers,
				    .host_hosts = others->hosts,
				    .host_resolv = others->resolv };
	hosts = etc_hosts_text(pod, &facts);
	resolv = others->is_pod ? xstrdup(others->resolv ? others->resolv : "")
				: etc_resolv_text(pod, &facts);
	name = xasprintf("%s\n", hostname);
	r = write_in_place(dirfd, etc_names[ETC_HOSTS], hosts, err);
	if (r == 0)
		r = write_in_place(dirfd, etc_names[ETC_RESOLV], resolv, err);
	return r < 0 ? r : write_in_place(dirfd, etc_names[ETC_HOSTNAME], name, err);
}

int etc_write(const struct pod_spec *pod, const struct sandbox_record *sb, int dirfd,
	      struct error *err)
{
	cleanup_free char *hosts =
		pod->network == NETWORK_HOST ? read_host_file(AT_FDCWD, HOST_HOSTS) : NULL;
	cleanup_free char *resolv = read_host_resolv(pod);
	const struct etc_others others = { .hosts = hosts, .resolv = resolv };

	return write_all(pod, sb, dirfd, &others, err);
}

int etc_take(const struct launch *l, struct etc_others *ret, struct error *err)
{
	cleanup_close int dir = -EBADF;
	struct sandbox_record sb = { 0 };
	int r;

	if (l->pod.network != NETWORK_FROM || !is_container_target(l->pod.network_from))
		return 0;
	r = namespaces_target(l, l->pod.network_from, &sb, err);
	if (r == 0)
		r = dir = sandbox_open(&sb, SCRATCH_ETC, err);
	ret->address4 = steal_ptr(&sb.address4);
	ret->address6 = steal_ptr(&sb.address6);
	record_done(&sandbox_record_type, &sb);
	if (r < 0)
		return r;
	ret->is_pod = true;
	ret->hosts = read_host_file(dir, etc_names[ETC_HOSTS]);
	ret->resolv = read_host_file(dir, etc_names[ETC_RESOLV]);
	return 0;
}

int etc_write_first(const struct launch *l, const struct etc_others *others, int dirfd,
		    struct error *err)
{
	return others->is_pod ? write_all(&l->pod, &l->sandbox, dirfd, others, err)
			      : etc_write(&l->pod, &l->sandbox, dirfd, err);
}

int sandbox_open_pause(const struct sandbox_record *sb, struct error *err)
{
	struct proc_ident ident = { .pid = (pid_t)sb->pid,
				    .start_ticks = (uint64_t)sb->start_ticks };
	int pidfd;

	(void)snprintf(ident.boot_id, sizeof(ident.boot_id), "%s", sb->boot_id ? sb->boot_id : "");
	pidfd = proc_open_ident(&ident, err);
	if (pidfd == -ESRCH)
		return error_set(err, ESRCH, "sandbox has ended");
	return pidfd < 0 ? error_wrap(err, "sandbox") : pidfd;
}

int sandbox_open(const struct sandbox_record *sb, const char *name, struct error *err)
{
	cleanup_close int pidfd = sandbox_open_pause(sb, err);
	cleanup_close int dir = -EBADF;
	char path[64];

	if (pidfd < 0)
		return pidfd;
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
	cleanup_close int dir = -EBADF;

	/* What it has from another container is not news of its own network. */
	if (pod->network == NETWORK_FROM)
		return 0;
	dir = sandbox_open(sb, SCRATCH_ETC, err);
	return dir < 0 ? dir : etc_write(pod, sb, dir, err);
}
