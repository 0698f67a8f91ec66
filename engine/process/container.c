/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container - the host half of starting a container.
 *
 * Theory of operation: everything that can be prepared outside is prepared here, as descriptors:
 * the overlay as a detached mount, volume sources checked and cloned, the pod's shared files cloned
 * out of the sandbox, the filter read, user, capabilities, arguments and environment resolved. Then
 * the process joins the pod's network, IPC and host name by pause's pidfd and clones the container
 * half as its starter's child, in new mount and process namespaces (the pod's or the host's if so
 * asked). The starter gets pid and pidfd, the host half ends. A launch that was begun early waits
 * for the sandbox when all is done that does without: the two are made at the same time.
 *
 *	host half (here)  ->  container_build_root  ->  confine_and_execute
 *
 * The same path serves start, restart and reboot. Runs sealed (selfexec.h) in the starter's
 * namespaces with its privileges, umask 0. A failure leaves nothing: detached mounts end with the
 * process. The cgroup stays; the pod's down stage removes it.
 */
#include "engine/process/container.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/process/command.h"
#include "engine/process/environment.h"
#include "engine/process/internal.h"
#include "engine/process/label.h"
#include "engine/process/namespaces.h"
#include "engine/process/selfexec.h"
#include "engine/process/sync.h"
#include "engine/process/userns.h"
#include "engine/rootfs/mount.h"
#include "engine/rootfs/overlay.h"
#include "engine/security/rlimit.h"

/* ---- what the sandbox holds ------------------------------------------------------------- */

struct visit {
	const struct launch *l;
	struct container_plan *p;
};

static int clone_scratch(void *arg, struct error *err)
{
	const struct launch *l = ((struct visit *)arg)->l;
	struct container_plan *p = ((struct visit *)arg)->p;

	if (!l->pod.host_ipc && !l->pod.own_ipc) {
		p->shm_mnt = mount_clone(AT_FDCWD, "/" SCRATCH_SHM, MOUNT_INERT, err);
		if (p->shm_mnt < 0)
			return p->shm_mnt;
	}
	for (int i = 0; i < ETC__COUNT; i++) {
		cleanup_free char *path = xasprintf("/" SCRATCH_ETC "/%s", etc_names[i]);

		p->etc_mnt[i] = mount_clone(AT_FDCWD, path, MOUNT_INERT, err);
		if (p->etc_mnt[i] < 0)
			return p->etc_mnt[i];
	}
	return container_open_sandbox_volumes(l, p, err);
}

static int new_shm(const struct pod_spec *pod, struct error *err)
{
	const struct opt_i64 *size = &pod->shm_size_bytes;
	cleanup_free char *text =
		xasprintf("%lld", (long long)(size->set ? size->value : SHM_BYTES_DEFAULT));
	const struct mount_option opts[] = { { "mode", "1777" }, { "size", text }, { NULL, NULL } };

	return mount_new("tmpfs", opts, MOUNT_INERT, err);
}

static int visit_sandbox(const struct launch *l, struct container_plan *p, struct error *err)
{
	struct visit v = { l, p };

	if (l->pod.own_ipc) {
		p->shm_mnt = new_shm(&l->pod, err);
		if (p->shm_mnt < 0)
			return p->shm_mnt;
	} else if (l->pod.host_ipc) {
		p->shm_mnt = mount_clone(AT_FDCWD, "/dev/shm", MOUNT_INERT, err);
		if (p->shm_mnt < 0)
			return p->shm_mnt;
	}
	return launch_visit(l->pause_fd, clone_scratch, &v, err);
}

/* ---- plan ------------------------------------------------------------------------------- */

static void plan_init(struct container_plan *p)
{
	memset(p, 0, sizeof(*p));
	p->join = (struct cgroup_join)CGROUP_JOIN_INIT;
	p->root_mnt = p->shm_mnt = p->init_fd = -EBADF;
	for (int i = 0; i < ETC__COUNT; i++)
		p->etc_mnt[i] = -EBADF;
	for (int i = 0; i < CGROUP_TREE__COUNT; i++)
		p->cgroup_mnt[i] = -EBADF;
}

static int plan_command(const struct launch *l, struct container_plan *p, struct error *err)
{
	const struct environment_source from = { .fields = { .store = &l->store,
							     .pod = &l->pod,
							     .container = &l->spec,
							     .sandbox = &l->sandbox },
						 .hostname = l->hostname,
						 .home = p->c.who.home };
	const char *dir = l->spec.working_dir;
	struct pairlist vars = { 0 };
	int r;

	r = environment_build(&from, &p->c.env, &vars, err);
	if (r == 0)
		r = command_build_argv(&l->spec, &vars, &p->c.argv, err);
	if (r == 0)
		r = container_add_secret_env(l, &p->c.env, err);
	if (r == 0)
		r = container_plan_sub_paths(l, &vars, p, err);
	environment_forget(&vars);
	devices_add_env(&p->devices, &p->c);
	if (is_empty(dir))
		dir = l->spec.config.working_dir;
	p->c.working_dir = xstrdup(is_empty(dir) ? "/" : dir);
	return r;
}

/* It is PID 1 or nothing: nobody else gets the orphans, nor ends what is left over. */
static int plan_init_program(const struct launch *l, struct container_plan *p, struct error *err)
{
	const char *name = l->spec.service ? "podium-pause" : "podium-init";
	cleanup_free char *program = NULL;

	p->c.init_fd = -EBADF;
	p->c.init_alone = l->spec.service;
	if (!l->spec.init && !l->spec.service)
		return 0;
	if (!(namespaces_private(&l->pod) & CLONE_NEWPID))
		return error_set(
			err, EINVAL,
			"an init program needs a process namespace of the container's own");
	program = launch_helper(l, name);
	p->init_fd = selfexec_load(program, name, NULL, err);
	p->c.init_fd = p->init_fd;
	return p->init_fd < 0 ? p->init_fd : 0;
}

static bool is_etc_or_above(const char *path)
{
	const char *name = path + strspn(path, "/");
	size_t len = strcspn(name, "/");

	return len == 0 || (len == 3 && !strncmp(name, "etc", 3) && !name[3 + strspn(name + 3, "/")]);
}

/* Mount points of the store's own for the files of /etc. A volume that lies over them would take them
 * for the image's when it is new. */
static bool wants_etc_layer(const struct launch *l)
{
	const struct mount_list *list = &l->spec.mounts;

	for (size_t i = 0; i < list->n; i++)
		if (is_etc_or_above(list->v[i].target))
			return false;
	return !l->pod.no_hosts && !l->pod.no_hostname;
}

static int plan_make(struct launch *l, struct container_plan *p, struct error *err)
{
	bool devices = is_privileged(&l->spec) && !has_own_userns(&l->pod);
	uint64_t attrs = devices ? 0 : MOUNT_ATTR_NODEV;
	const struct overlay_ids ids = { l->userns_fd, launch_root_uid(&l->ids),
					 launch_root_gid(&l->ids) };
	int r;

	p->root_mnt = overlay_mount_root(l->store.rootfd, &l->spec, wants_etc_layer(l),
					 l->userns_fd < 0 ? NULL : &ids, attrs, err);
	if (p->root_mnt < 0)
		return p->root_mnt;
	r = confine_plan(&l->pod, &l->spec, p->root_mnt, NULL, &p->c, err);
	if (r == 0)
		r = container_add_users(l, p, err);
	if (r == 0)
		r = container_read_secrets(l, p, err);
	if (r == 0)
		r = plan_init_program(l, p, err);
	if (r == 0)
		r = devices_plan(l, &p->devices, err);
	if (r == 0)
		r = devices_add_groups(&p->devices, &p->c, err);
	if (r == 0 && has_own_userns(&l->pod))
		r = userns_check_ids(&l->ids, &p->c, err);
	if (r == 0 && !environment_needs_addresses(&l->spec))
		r = plan_command(l, p, err);
	if (r == 0)
		r = launch_filter(l, &p->c, err);
	if (r == 0 && l->spec.log.driver != LOG_PASSTHROUGH) /* those are not ours to give away */
		r = launch_chown_stdio(&l->ids, p->c.who.uid, err);
	if (r == 0)
		container_list_cgroups(&p->cgroup_trees, &p->has_cgroups);
	return r;
}

/* What the sandbox has or has made. */
static int plan_shared(const struct launch *l, struct container_plan *p, struct error *err)
{
	int r = container_open_volumes(l, p, err);

	if (r == 0)
		r = visit_sandbox(l, p, err);
	return r < 0 ? r : devices_open_mounts(l, p, err);
}

/* A launch that was begun early: until the starter says so, or is gone. */
static int wait_for_sandbox(struct launch *l, int sync_fd, struct error *err)
{
	struct sync_msg msg;
	int fd = -EBADF;
	int r = sync_receive(sync_fd, &msg, &fd, err);

	if (fd >= 0)
		(void)close(fd);
	if (r < 0)
		return r;
	if (r == 0 || msg.step != SYNC_SANDBOX)
		return -ECANCELED;
	return launch_open_pause(l, err);
}

/* What needs the pod's addresses. */
static int plan_late(struct launch *l, struct container_plan *p, int sync_fd, struct error *err)
{
	int r = launch_await_addresses(l, sync_fd, err);

	return r < 0 ? r : plan_command(l, p, err);
}

/* Clones of the container's groups. A mount of the hierarchy itself would look the same inside, but
 * makes the kernel walk every group of the host under its one lock. What cannot be cloned is
 * mounted inside after all. */
static void clone_cgroups(const struct launch *l, struct container_plan *p)
{
	uint64_t attrs = MOUNT_INERT | (is_privileged(&l->spec) ? 0 : MOUNT_ATTR_RDONLY);

	/* Who sees the host's names of groups sees all of the tree. */
	for (int t = CGROUP_TREE_MEMORY;
	     p->cgroup_trees.n && !l->spec.host_cgroupns && t < CGROUP_TREE__COUNT; t++) {
		struct error scratch;
		cleanup_close int fd = cgroup_open_group(&l->cg, (enum cgroup_tree)t, l->pod.id,
							 l->spec.id, &scratch);

		if (fd >= 0)
			p->cgroup_mnt[t] = mount_clone(fd, "", attrs, &scratch);
	}
}

static int prepare_cgroup(struct launch *l, struct container_plan *p, int sync_fd, int *ret_fd,
			  struct error *err)
{
	cleanup_strlist struct strlist warnings = { 0 };
	struct error scratch;
	int r;

	l->cg.devices = p->devices.rules;
	l->cg.n_devices = p->devices.n_rules;
	r = cgroup_create_container(&l->cg, l->pod.id, l->spec.id, &l->spec.resources,
				    is_privileged(&l->spec), &warnings, err);
	if (r < 0)
		return r;
	/* The command line asked for it by name; a manifest is for any cluster. */
	if (!l->pod.owner && warnings.n)
		return error_set(err, ENOTSUP, "%s", warnings.v[0]);
	for (size_t i = 0; i < warnings.n; i++)
		confine_warn(sync_fd, "%s", warnings.v[i]);
	*ret_fd = cgroup_open_dir_fd(&l->cg, l->pod.id, l->spec.id, &scratch);
	if (*ret_fd < 0 && *ret_fd != -ENOTSUP)
		return error_set(err, -*ret_fd, "%s", scratch.text);
	clone_cgroups(l, p);
	return cgroup_join_prepare(&l->cg, l->pod.id, l->spec.id,
				   *ret_fd >= 0 ? CGROUP_BORN_INSIDE : CGROUP_BORN_OUTSIDE,
				   &p->join, err);
}

/* ---- the two halves --------------------------------------------------------------------- */

/* Joins what the pod shares; the process namespace takes effect for the clone. */
static int join_pod(const struct launch *l, struct error *err)
{
	int flags = (int)namespaces_shared(&l->pod);

	if (flags && setns(l->pause_fd, flags) < 0)
		return error_errno(err, "join the pod's namespaces");
	return 0;
}

static void __attribute__((noreturn))
run_container(const struct launch *l, struct container_plan *p, int sync_fd)
{
	struct error err = { 0 };
	int peer = -EBADF, r;

	if (!is_selfexec_sealed() && !WEAKEN("EXE-1")) {
		(void)error_set(&err, EPERM, "not running from a sealed copy");
		confine_fail(sync_fd, EXIT_LAUNCH_FAILED, &err);
	}
	(void)setsid();
	r = cgroup_join_commit(&p->join, &err);
	if (r == 0 && has_own_userns(&l->pod))
		r = userns_become_root(&err);
	/* A change of ids may have set it to the administrator's choice. */
	if (r == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		r = error_errno(&err, "stay non-dumpable");
	if (r == 0 && !l->spec.host_cgroupns && unshare(CLONE_NEWCGROUP) < 0)
		r = error_errno(&err, "new cgroup namespace");
	if (r == 0)
		r = container_leave_keyring(&err);
	if (r == 0 && l->pod.own_uts && sethostname(l->hostname, strlen(l->hostname)) < 0)
		r = error_errno(&err, "set host name '%s'", l->hostname);
	if (r == 0)
		r = container_build_root(l, p, sync_fd, &peer, &err);
	if (r == 0 && peer >= 0)
		r = container_take_terminal(peer, &err);
	if (r < 0)
		confine_fail(sync_fd, EXIT_LAUNCH_FAILED, &err);
	confine_and_execute(&p->c, sync_fd);
}

/* An unmasked /proc is safe behind a user namespace alone: root inside is the host's root to
 * /proc/sys/kernel/core_pattern. Kubernetes refuses it, too. */
static int check_masks(const struct launch *l, struct error *err)
{
	if (l->spec.security.unmask_proc && !is_privileged(&l->spec) && !l->user_namespace &&
	    !has_own_userns(&l->pod) && !WEAKEN("PROC-7"))
		return error_set(err, EPERM,
				 "procMount 'Unmasked' needs a user namespace, and this pod has "
				 "none");
	return 0;
}

/* A privileged container has no default profile; one that is named is taken. */
static int set_label(const struct launch *l, struct error *err)
{
	const char *asked = l->spec.security.apparmor;

	if (is_privileged(&l->spec) && is_equal(asked, APPARMOR_DEFAULT))
		return 0;
	return label_set(asked, err);
}

/* What needs the host's privileges, and is inherited. */
static int prepare_userns(const struct launch *l, int sync_fd, struct error *err)
{
	cleanup_buf struct buf clamped = BUF_INIT(300);

	launch_set_oom_score(l, sync_fd);
	confine_raise_limits(&l->spec.ulimits);
	return rlimit_apply_defaults(&clamped, err);
}

int container_launch(struct launch *l, int sync_fd, struct error *err)
{
	struct launch_clone how = { .flags = namespaces_private(&l->pod) };
	cleanup_close int cgroup_fd = -EBADF;
	struct container_plan p;
	int pidfd = -EBADF, r;
	pid_t pid;

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno(err, "become non-dumpable");
	r = check_masks(l, err);
	if (r < 0)
		return r;
	if (is_privileged(&l->spec) && l->spec.security.seccomp_profile)
		confine_warn(sync_fd,
			     "a privileged container has no seccomp profile: '%s' is not "
			     "applied",
			     l->spec.security.seccomp_profile);
	plan_init(&p);
	/* Layers and volumes are mapped to the sandbox's ids. */
	if (has_own_userns(&l->pod) && l->pause_fd < 0)
		r = wait_for_sandbox(l, sync_fd, err);
	if (r == 0)
		r = plan_make(l, &p, err);
	if (r == 0)
		r = prepare_cgroup(l, &p, sync_fd, &cgroup_fd, err);
	if (r == 0 && l->pause_fd < 0)
		r = wait_for_sandbox(l, sync_fd, err);
	if (r == 0 && environment_needs_addresses(&l->spec))
		r = plan_late(l, &p, sync_fd, err);
	if (r == 0)
		r = plan_shared(l, &p, err);
	if (r == 0)
		r = set_label(l, err);
	if (r == 0 && has_own_userns(&l->pod))
		r = prepare_userns(l, sync_fd, err);
	if (r == 0)
		r = join_pod(l, err);
	if (r < 0)
		return r;
	how.cgroup_fd = cgroup_fd;
	pid = launch_clone(&how, sync_fd, &pidfd, err);
	if (pid < 0)
		return (int)pid;
	if (pid == 0)
		run_container(l, &p, sync_fd);
	return 0;
}
