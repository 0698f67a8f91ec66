/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch_common - what the three kinds of launch share: records, cloning, the filter, stdio.
 *
 * Theory of operation: a launch reads everything it needs from the store before it makes anything,
 * and opens the pause process by pidfd at once, compared with the recorded start time. In a user
 * namespace whose mount namespace belongs to its parent, file systems cannot be made: the process
 * then takes a mount namespace of its own first, before any descriptor is opened that is to be
 * cloned later.
 *
 * Kernel: clone3 with CLONE_PIDFD 5.3, CLONE_INTO_CGROUP 5.7.
 */
#include "engine/process/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/seams.h"
#include "engine/process/namespaces.h"
#include "engine/process/procfs.h"
#include "engine/process/sync.h"
#include "engine/process/userns.h"
#include "engine/rootfs/mount.h"

#define PATH_BYTES     256
#define SLOW_PARENT_US 30000

/* Reads a JSON record below a store directory. */
static int read_record(int dirfd, const char *path, const struct record_type *type, void *ret,
		       struct error *err)
{
	cleanup_json json_t *j = NULL;
	int r = jload_file(dirfd, path, RECORD_MAX_BYTES, &j, err);

	return r < 0 ? r : record_load(type, j, ret, err);
}

static bool is_in_user_namespace(void)
{
	static const char whole[] = "         0          0 4294967295\n";
	char map[sizeof(whole)];
	cleanup_close int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, map, sizeof(map));

	return n != (ssize_t)sizeof(whole) - 1 || memcmp(map, whole, sizeof(whole) - 1) != 0;
}

void launch_hostname(const struct pod_spec *pod, char out[POD_HOSTNAME_MAX])
{
	struct utsname host;

	if (!((namespaces_made(pod) | namespaces_private(pod)) & CLONE_NEWUTS) &&
	    uname(&host) == 0 && host.nodename[0])
		(void)snprintf(out, POD_HOSTNAME_MAX, "%s", host.nodename);
	else
		pod_hostname(pod, out);
}

int launch_open_pause(struct launch *l, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	struct proc_ident ident;
	int r = read_record(l->store.runfd, layout_pod(path, l->pod.id, "sandbox.json"),
			    &sandbox_record_type, &l->sandbox, err);

	if (r == -ENOENT || r == -EBADF)
		return error_set(err, -r,
				 "sandbox of pod '%s': it has ended, or its files in '%s' were "
				 "removed: stop what runs and start it again",
				 l->pod.name, l->store.runroot);
	if (r < 0)
		return error_wrap(err, "sandbox of pod '%s'", l->pod.name);
	ident = (struct proc_ident){ .pid = (pid_t)l->sandbox.pid,
				     .start_ticks = (uint64_t)l->sandbox.start_ticks };
	(void)snprintf(ident.boot_id, sizeof(ident.boot_id), "%s",
		       l->sandbox.boot_id ? l->sandbox.boot_id : "");
	l->pause_fd = proc_open_ident(&ident, err);
	if (l->pause_fd >= 0 && !is_pidfd_alive(l->pause_fd))
		return error_set(err, ESRCH, "sandbox of pod '%s' has ended", l->pod.name);
	if (l->pause_fd < 0)
		return error_wrap(err, "sandbox of pod '%s'", l->pod.name);
	return userns_open(l, &l->userns_fd, &l->ids, err);
}

static int own_mount_namespace(struct error *err)
{
	if (unshare(CLONE_NEWNS) < 0)
		return error_errno(err, "new mount namespace");
	return mount_make_private(err);
}

int launch_open(struct launch *l, const char *root, const char *runroot, const char *pod_id,
		const char *container_id, struct error *err)
{
	static const struct cgroup_ctx no_cgroups = CGROUP_CTX_INIT;
	char path[LAYOUT_PATH_MAX];
	int r = 0;

	l->pause_fd = l->userns_fd = -EBADF;
	l->store.rootfd = l->store.runfd = -EBADF;
	l->cg = no_cgroups;
	if (!is_id(container_id ? container_id : pod_id))
		return error_set(err, EINVAL, "malformed id");
	l->user_namespace = is_in_user_namespace();
	if (l->user_namespace)
		r = own_mount_namespace(err);
	if (r == 0)
		r = store_open(root, runroot, STORE_READ, &l->store, err);
	if (r == 0)
		r = cgroup_open(&l->cg, err);
	if (r == 0 && container_id)
		r = read_record(l->store.rootfd, layout_container(path, container_id, "spec.json"),
				&container_spec_type, &l->spec, err);
	if (r == 0 && container_id)
		pod_id = l->spec.pod_id;
	if (r == 0 && (!pod_id || !is_id(pod_id)))
		r = error_set(err, EBADMSG, "container record without a pod");
	if (r == 0)
		r = read_record(l->store.rootfd, layout_pod(path, pod_id, "pod.json"),
				&pod_spec_type, &l->pod, err);
	if (r < 0)
		return r;
	launch_hostname(&l->pod, l->hostname);
	return 0;
}

int launch_visit(int pidfd, int (*fn)(void *arg, struct error *err), void *arg, struct error *err)
{
	cleanup_close int home = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	cleanup_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (home < 0 || root < 0)
		return error_errno(err, "open this mount namespace");
	if (setns(pidfd, CLONE_NEWNS) < 0)
		return error_errno(err, "enter the sandbox");
	r = fn(arg, err);
	if (setns(home, CLONE_NEWNS) < 0 || fchdir(root) < 0 || chroot(".") < 0)
		return error_errno(err, "leave the sandbox");
	return r;
}

/* The child's side of the gate: it opens when the parent closes its end, or dies. */
static void wait_at_gate(const int gate[2])
{
	char c;

	(void)close(gate[1]);
	while (read(gate[0], &c, 1) < 0 && errno == EINTR)
		;
	(void)close(gate[0]);
}

pid_t launch_clone(const struct launch_clone *how, int sync_fd, int *ret_pidfd, struct error *err)
{
	int pidfd = -EBADF, gate[2], r;
	struct clone_args a = {
		.flags = how->flags | CLONE_PARENT | (uint64_t)CLONE_PIDFD,
		.pidfd = (uintptr_t)&pidfd,
	};
	long pid;

	if (how->cgroup_fd >= 0) {
		a.flags |= CLONE_INTO_CGROUP;
		a.cgroup = (unsigned int)how->cgroup_fd;
	}
	if (pipe2(gate, O_CLOEXEC) < 0)
		return error_errno(err, "make a pipe");
	pid = syscall(SYS_clone3, &a, sizeof(a));
	if (pid == 0) {
		wait_at_gate(gate);
		return 0;
	}
	/* A loaded machine in a test's words: the child is far ahead when we go on. */
	if (WEAKEN("slow-parent"))
		(void)usleep(SLOW_PARENT_US);
	if (pid < 0)
		r = error_errno(err, "clone");
	else
		r = sync_send(sync_fd, SYNC_STARTED, (int32_t)pid, NULL, pidfd);
	if (pid >= 0 && r < 0)
		r = error_set(err, -r, "the starter is gone");
	else if (pid >= 0 && (how->flags & CLONE_NEWUSER))
		r = userns_write_maps((pid_t)pid, how->ids, err);
	/* Without its maps it must not go on. */
	if (r < 0 && pid >= 0)
		(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	(void)close(gate[0]);
	(void)close(gate[1]);
	if (pid >= 0 && r < 0)
		return r;
	*ret_pidfd = pidfd;
	return pid < 0 ? r : (pid_t)pid;
}

char *launch_helper(const struct launch *l, const char *name)
{
	return xasprintf("%s/%s", l->libexec, name);
}

/* Runs podium-seccomp with a verb for a capability set; the program becomes `file` of the store.
 * input_fd: its stdin, or -1. What it says on stderr is the reason. */
static int compile_filter(const struct launch *l, const char *verb, uint64_t caps, const char *file,
			  int input_fd, struct error *err)
{
	cleanup_free char *program = launch_helper(l, "podium-seccomp");
	cleanup_free char *out = xasprintf("%s/%s", l->store.root, file);
	cleanup_close int said = memfd_create("said", MFD_CLOEXEC);
	char hex[20], text[sizeof(err->text)];
	char *argv[] = { program, (char *)(uintptr_t)verb, hex, out, NULL };
	const struct proc_spawn s = {
		.path = program, .argv = argv, .stdio = { input_fd, -1, said }, .pass_fd = -1
	};
	int status = 0;
	ssize_t n;
	pid_t pid;

	if (mkdirat(l->store.rootfd, "seccomp", 0700) < 0 && errno != EEXIST)
		return error_errno(err, "create 'seccomp'");
	(void)snprintf(hex, sizeof(hex), "%llx", (unsigned long long)caps);
	pid = proc_spawn(&s, NULL, err);
	if (pid < 0)
		return (int)pid;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	n = said < 0 ? 0 : pread(said, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return error_set(err, EIO, "%s", text[0] ? text : "podium-seccomp failed");
}

static int default_filter(const struct launch *l, uint64_t caps, struct sysfilter *ret,
			  struct error *err)
{
	char name[SYSFILTER_NAME_MAX], path[PATH_BYTES];
	struct error scratch;
	int r;

	if (sysfilter_find_embedded(caps, ret) == 0)
		return 0;
	(void)snprintf(path, sizeof(path), "seccomp/%s", sysfilter_cache_name(name, caps));
	r = sysfilter_read(l->store.rootfd, path, ret, &scratch);
	if (r == 0)
		return 0;
	/* Missing or damaged: the same name is written anew. */
	r = compile_filter(l, "compile", sysfilter_gates(caps), path, -1, err);
	return r < 0 ? r : sysfilter_read(l->store.rootfd, path, ret, err);
}

/* The compiler gets the very text that was hashed. */
static int compile_profile(const struct launch *l, uint64_t caps, const char *file,
			   const char *text, size_t len, struct error *err)
{
	cleanup_close int fd = memfd_create("profile", MFD_CLOEXEC);

	if (fd < 0 || fs_write_all(fd, text, len) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(err, "keep the seccomp profile");
	return compile_filter(l, "profile", caps, file, fd, err);
}

static int read_profile(const struct launch *l, char **ret_text, size_t *ret_len, struct error *err)
{
	const char *file = l->spec.security.seccomp_file;
	const char *root = l->pod.security.seccomp_root;

	if (!file)
		return sysfilter_read_profile(is_empty(root) ? SYSFILTER_PROFILE_ROOT : root,
					      l->spec.security.seccomp_profile, ret_text, ret_len,
					      err);
	if (file[0] != '/')
		return error_set(err, EINVAL, "seccomp profile '%s' is not an absolute path", file);
	return sysfilter_read_file(file, ret_text, ret_len, err);
}

static int profile_filter(const struct launch *l, uint64_t caps, struct sysfilter *ret,
			  struct error *err)
{
	const char *file = l->spec.security.seccomp_file;
	char name[SYSFILTER_PROFILE_NAME_MAX], path[PATH_BYTES];
	cleanup_free char *text = NULL;
	struct error scratch;
	size_t len = 0;
	int r = read_profile(l, &text, &len, err);

	if (r == 0)
		r = sysfilter_profile_name(name, text, len, caps, err);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "seccomp/%s", name);
	if (!WEAKEN("SEC-5") && sysfilter_read(l->store.rootfd, path, ret, &scratch) == 0)
		return 0;
	r = compile_profile(l, caps, path, text, len, err);
	if (r < 0)
		return error_wrap(err, "seccomp profile '%s'",
				  file ? file : l->spec.security.seccomp_profile);
	return sysfilter_read(l->store.rootfd, path, ret, err);
}

int launch_filter(const struct launch *l, struct confinement *c, struct error *err)
{
	const struct container_security *cs = &l->spec.security;
	int r;

	/* One that the command line names holds a privileged container, too. */
	if ((is_privileged(&l->spec) && !cs->seccomp_file) || cs->seccomp_unconfined)
		return 0;
	c->filter_last = cs->seccomp_profile || cs->seccomp_file;
	if (c->filter_last)
		return profile_filter(l, c->bounding, &c->filter, err);
	r = default_filter(l, c->bounding, &c->filter, err);
	return r < 0 ? error_wrap(err, "system call filter") : 0;
}

int launch_chown_stdio(const struct idmaps *ids, uid_t uid, struct error *err)
{
	(void)idmap_out(&ids->uids, uid, &uid);
	for (int fd = 0; fd < 3; fd++) {
		struct stat st;

		if (fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode) || st.st_uid == uid)
			continue;
		if (fchown(fd, uid, (gid_t)-1) < 0)
			return error_errno(err, "give descriptor %d to user %u", fd,
					   (unsigned int)uid);
	}
	return 0;
}

void launch_set_oom_score(const struct launch *l, int sync_fd)
{
	char path[40], text[24];
	struct error scratch;
	cleanup_close int proc = -EBADF;

	if (l->spec.oom_score_adj == 0)
		return;
	proc = procfs_open(&scratch);
	(void)snprintf(path, sizeof(path), "%d/oom_score_adj", (int)getpid());
	(void)snprintf(text, sizeof(text), "%lld", (long long)l->spec.oom_score_adj);
	if (proc < 0 || procfs_write(proc, path, text, &scratch) < 0)
		confine_warn(sync_fd, "oom score adjustment %s is not allowed here", text);
}
