/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec - one more process in a running container.
 *
 * Theory of operation: the container's first process is found by its record and held by a pidfd
 * that was compared with it. User and groups are resolved outside, through that process's root
 * link; then this process joins the container's namespaces by the same pidfd and clones the new one
 * as the starter's child into the container's cgroup. From there on it goes through the same
 * confinement as the container itself: an exec is never less confined.
 *
 * FD-4: this process is not dumpable from before the first setns until exec, so nothing in the
 * container can trace it or take its descriptors. A container with CAP_SYS_PTRACE is not held by
 * that: so the mount namespace is joined before the clone. What the container can see of the new
 * process then has the container's root from its first moment and keeps no directory of the host
 * open; this process itself never gets a number in there.
 *
 * Limit: until its last step the new process has privileges that the container lacks (it joins a
 * cgroup namespace, changes ids, loads a filter), and one that is not dumpable can still be attached
 * to by who has CAP_SYS_PTRACE in the same user namespace: who gives a container that capability
 * gives it what an exec into it has, for that moment. The same holds for the start of a container in
 * a shared PID namespace. A user namespace of the pod's own (hostUsers: false) takes the worth out of
 * it. To drop earlier is no way out: the filter needs CAP_SYS_ADMIN where no_new_privs is not
 * wanted, and one that is loaded before the clone may forbid the clone.
 */
#include "engine/process/container.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/process/command.h"
#include "engine/process/environment.h"
#include "engine/process/internal.h"
#include "engine/process/label.h"
#include "engine/process/namespaces.h"
#include "engine/process/procfs.h"
#include "engine/process/selfexec.h"
#include "engine/process/sync.h"
#include "engine/process/userns.h"
#include "engine/rootfs/device.h"
#include "engine/security/caps.h"
#include "engine/state/status.h"

#define REQUEST_MAX_BYTES (4 * 1024 * 1024)

struct exec_plan {
	struct confinement c;
	struct cgroup_join join;
	int target;	/* pidfd of the container's first process */
	int namespaces; /* joined before the clone; the cgroup namespace is joined after it */
	bool tty;
	bool privileged;
	struct idmaps ids; /* of the pod's user namespace; or empty */
	int sync_fd;
	int *keep; /* the caller's descriptors; closed by the end of this process */
};

static int read_request(int fd, struct exec_request *ret, struct error *err)
{
	cleanup_free char *text = xmalloc(REQUEST_MAX_BYTES + 1);
	cleanup_json json_t *j = NULL;
	size_t len = 0;
	int r;

	while (len < REQUEST_MAX_BYTES) {
		ssize_t n = pread(fd, text + len, REQUEST_MAX_BYTES - len, (off_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, "read exec request");
		if (n == 0)
			break;
		len += (size_t)n;
	}
	r = jload_text(text, len, "exec request", &j, err);
	if (r == 0)
		r = record_load(&exec_request_type, j, ret, err);
	if (r == 0 && (ret->argv.n == 0 || is_empty(ret->argv.v[0])))
		r = error_set(err, EINVAL, "exec: no command");
	return r;
}

/* The descriptors of --preserve-fds, which are the caller's wish; close-on-exec until the last step. */
static int receive_kept(struct exec_plan *p, size_t n, struct error *err)
{
	p->keep = n ? xcalloc(n, sizeof(*p->keep)) : NULL;
	for (size_t i = 0; i < n; i++) {
		struct sync_msg msg;
		int r = sync_receive(p->sync_fd, &msg, &p->keep[i], err);

		if (r < 0)
			return r;
		if (r == 0 || msg.step != SYNC_KEEP || p->keep[i] < 0)
			return error_set(err, EPROTO, "exec: a preserved descriptor did not come");
	}
	p->c.keep = p->keep;
	p->c.n_keep = n;
	return 0;
}

static int open_target(const struct launch *l, pid_t *ret_pid, struct error *err)
{
	struct container_status st = { 0 };
	int r = status_read(&l->store, l->spec.id, &st, err);

	if (r < 0)
		return r;
	r = status_open_process(&st, err);
	*ret_pid = (pid_t)st.pid;
	status_done(&st);
	if (r >= 0 && !is_pidfd_alive(r)) {
		(void)close(r);
		r = -ESRCH;
	}
	return r == -ESRCH ? error_set(err, ESRCH, "is not running") : r;
}

/* The root of the container, by the host's procfs; valid if the pidfd still is alive afterwards. */
static int open_root(pid_t pid, int pidfd, struct error *err)
{
	cleanup_close int fd = -EBADF;
	char path[40];

	(void)snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "open the container's root");
	if (!is_pidfd_alive(pidfd))
		return error_set(err, ESRCH, "has ended");
	return steal_fd(&fd);
}

/* Groups and variables that devices bring. One whose description has gone keeps nobody out of the
 * container, which has it. */
static int plan_devices(const struct launch *l, struct confinement *c, struct error *err)
{
	struct device_plan devices;
	struct error scratch;
	int r = 0;

	if (devices_plan_process(l, &devices, &scratch) == 0) {
		r = devices_add_groups(&devices, c, err);
		devices_add_env(&devices, c);
	}
	device_plan_done(&devices);
	return r;
}

static int plan_command(const struct launch *l, const struct exec_request *rq,
			struct confinement *c, struct error *err)
{
	const struct environment_source from = { .fields = { .store = &l->store,
							     .pod = &l->pod,
							     .container = &l->spec,
							     .sandbox = &l->sandbox },
						 .hostname = l->hostname,
						 .home = c->who.home,
						 .lenient = true };
	const char *dir = rq->working_dir;
	struct pairlist vars = { 0 };
	int r = environment_build(&from, &c->env, &vars, err);

	environment_forget(&vars);
	if (r == 0)
		r = container_add_secret_env(l, &c->env, err);
	if (r == 0)
		r = plan_devices(l, c, err);
	if (r < 0)
		return r;
	if (rq->tty && !command_get_env(&c->env, "TERM"))
		command_set_env(&c->env, "TERM", "xterm");
	for (size_t i = 0; i < rq->env.n; i++) {
		size_t n = strcspn(rq->env.v[i], "=");
		cleanup_free char *name = xstrndup(rq->env.v[i], n);

		if (n > 0 && rq->env.v[i][n])
			command_set_env(&c->env, name, rq->env.v[i] + n + 1);
	}
	strlist_copy(&c->argv, &rq->argv);
	c->dir_must_exist = !is_empty(dir);
	if (is_empty(dir))
		dir = l->spec.working_dir;
	if (is_empty(dir))
		dir = l->spec.config.working_dir;
	c->working_dir = xstrdup(is_empty(dir) ? "/" : dir);
	return 0;
}

static int plan_exec(const struct launch *l, const struct exec_request *rq, pid_t pid,
		     struct exec_plan *p, struct error *err)
{
	cleanup_close int root = open_root(pid, p->target, err);
	int r;

	p->c.init_fd = -EBADF;

	if (root < 0)
		return root;
	r = confine_plan(&l->pod, &l->spec, root, is_empty(rq->user) ? NULL : rq->user, &p->c, err);
	if (r < 0)
		return r;
	if (rq->privileged)
		p->c.bounding = caps_available();
	else
		r = launch_filter(l, &p->c, err);
	if (r < 0)
		return r;
	r = plan_command(l, rq, &p->c, err);
	if (r < 0)
		return r;
	p->tty = rq->tty;
	p->privileged = rq->privileged;
	p->namespaces = (int)(namespaces_shared(&l->pod) | namespaces_private(&l->pod));
	if (has_own_userns(&l->pod)) {
		r = userns_read_maps(pid, &p->ids, err);
		if (r == 0)
			r = userns_check_ids(&p->ids, &p->c, err);
	}
	return r < 0 ? r : launch_chown_stdio(&p->ids, p->c.who.uid, err);
}

static int open_terminal(const struct exec_plan *p, int *ret_peer, struct error *err)
{
	cleanup_close int pts = -EBADF;
	cleanup_close int master = -EBADF;
	int r;

	if (!p->tty)
		return 0;
	pts = open("/dev/pts", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (pts < 0)
		return error_errno(err, "open '/dev/pts'");
	r = device_open_pty(pts, p->c.who.uid, &master, ret_peer, err);
	if (r == 0)
		r = sync_send(p->sync_fd, SYNC_PTY, 0, NULL, master);
	return r;
}

/* In the container's namespaces but for the cgroup namespace: outside of it are the groups that it
 * comes from. All privileges, not dumpable. */
static void __attribute__((noreturn)) run_exec(struct exec_plan *p)
{
	int late = WEAKEN("FD-4") ? p->namespaces & ~CLONE_NEWPID : 0;
	struct error err = { 0 };
	int peer = -EBADF, r;

	(void)setsid();
	r = cgroup_join_commit(&p->join, &err);
	if (r == 0 && (p->namespaces & CLONE_NEWUSER))
		r = userns_become_root(&err);
	if (r == 0)
		r = container_leave_keyring(&err);
	if (r == 0 && setns(p->target, CLONE_NEWCGROUP | late) < 0)
		r = error_errno(&err, "join the container's cgroup namespace");
	if (r == 0)
		r = open_terminal(p, &peer, &err);
	if (r == 0 && peer >= 0)
		r = container_take_terminal(peer, &err);
	if (r < 0)
		confine_fail(p->sync_fd, EXIT_LAUNCH_FAILED, &err);
	confine_and_execute(&p->c, p->sync_fd);
}

/* Closes what the new process must not carry into the container (the store, the cgroup trees),
 * joins and clones. */
static int start_exec(struct launch *l, struct exec_plan *p, struct error *err)
{
	int early = WEAKEN("FD-4") ? p->namespaces & CLONE_NEWPID : p->namespaces;
	struct error scratch;
	cleanup_close int cgroup_fd = cgroup_open_dir_fd(&l->cg, l->pod.id, l->spec.id, &scratch);
	int pidfd = -EBADF, r;
	pid_t pid;

	/* The link to it leads into memory: of the host's procfs, so looked at here. */
	if (!is_selfexec_sealed() && !WEAKEN("EXE-1"))
		return error_set(err, EPERM, "not running from a sealed copy");
	r = cgroup_join_prepare(&l->cg, l->pod.id, l->spec.id,
				cgroup_fd >= 0 ? CGROUP_BORN_INSIDE : CGROUP_BORN_OUTSIDE, &p->join,
				err);
	if (r < 0)
		return r;
	if (!p->privileged)
		r = label_set(l->spec.security.apparmor, err);
	if (r < 0)
		return r;
	cgroup_close(&l->cg);
	store_close(&l->store);
	if (has_own_userns(&l->pod))
		confine_raise_limits(&l->spec.ulimits);
	if (early && setns(p->target, early) < 0)
		return error_errno(err, "join the container's namespaces");
	pid = launch_clone(&(struct launch_clone){ .cgroup_fd = cgroup_fd }, p->sync_fd, &pidfd,
			   err);
	if (pid < 0)
		return (int)pid;
	if (pid == 0)
		run_exec(p);
	return 0;
}

int container_exec(struct launch *l, int request_fd, int sync_fd, struct error *err)
{
	struct exec_plan p = { .join = CGROUP_JOIN_INIT, .target = -EBADF, .sync_fd = sync_fd };
	struct exec_request rq = { 0 };
	pid_t pid = 0;
	int r;

	/* What the kernel takes first is the same for all of a container. */
	launch_set_oom_score(l, sync_fd);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno(err, "become non-dumpable");
	r = read_request(request_fd, &rq, err);
	if (r < 0)
		return r;
	(void)close(request_fd);
	p.target = r = open_target(l, &pid, err);
	if (r >= 0)
		r = plan_exec(l, &rq, pid, &p, err);
	if (r == 0)
		r = receive_kept(&p, rq.preserve_fds, err);
	record_done(&exec_request_type, &rq);
	return r < 0 ? r : start_exec(l, &p, err);
}
