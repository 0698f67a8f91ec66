/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine - the last steps of every process that runs a container's program.
 *
 * Theory of operation, in order:
 *	scheduling, limits      reset, so that nothing odd of the caller's is inherited
 *	working directory       made when missing, entered, checked to be inside the root
 *	bounding set, groups,   the point of no return for privileges; CAP_SYS_ADMIN alone stays
 *	  ids                     where the filter has to be loaded without no_new_privs
 *	program                 looked up with the final ids
 *	descriptors             all closed but 0, 1, 2, those that an exec preserves, the sync
 *	                          socket and an init program's, which both close by exec
 *	READY, wait for GO      a closed socket instead of GO ends the process
 *	no_new_privs, filter,   then the sets are read back and compared; anything else than what
 *	  capabilities            was asked for ends the process
 *	exec                    the sync socket closes by close-on-exec: that is the success
 *
 * Runs as: all of the container's namespaces, new root, not dumpable until exec. Nothing here calls
 * into the C library's user, locale or resolver data bases: they would be the image's.
 * Mustn't: open anything of the container's after the ids have changed except to look the program
 * up.
 */
#include "engine/process/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/seams.h"
#include "engine/pod/spec.h"
#include "engine/process/command.h"
#include "engine/process/sync.h"
#include "engine/security/caps.h"
#include "engine/security/rlimit.h"

#define CONTAINER_UMASK	    022
#define EXIT_NOT_FOUND	    127
#define EXIT_NOT_EXECUTABLE 126
#define CPUSET_BYTES	    1024 /* 8192 processors */
#define CWD_MAX		    4096
#define INIT_FD		    (SYNC_FD + 1)
#define INIT_NAME	    "/run/podium-init"

void confine_fail(int sync_fd, int code, const struct error *err)
{
	(void)sync_send(sync_fd, SYNC_ERROR, code, err, -1);
	_exit(code);
}

void confine_warn(int sync_fd, const char *fmt, ...)
{
	struct error text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text.text, sizeof(text.text), fmt, ap);
	va_end(ap);
	(void)sync_send(sync_fd, SYNC_WARNING, 0, &text, -1);
}

/* ---- planning --------------------------------------------------------------------------- */

/* Octal, as umask(1) takes it. */
static int parse_umask(const char *text, mode_t *ret, struct error *err)
{
	size_t n = text ? strlen(text) : 0;

	*ret = CONTAINER_UMASK;
	if (n == 0)
		return 0;
	*ret = 0;
	for (size_t i = 0; n <= 4 && i < n && text[i] >= '0' && text[i] <= '7'; i++)
		*ret = *ret * 8 + (mode_t)(text[i] - '0');
	if (n > 4 || strspn(text, "01234567") != n || *ret > 0777)
		return error_set(err, EINVAL, "umask '%.20s' is not an octal number up to 0777",
				 text);
	return 0;
}

/* What the command line adds by name is what a user without privileges keeps, too. */
static int plan_ambient(const struct container_security *cs, struct confinement *ret,
			struct error *err)
{
	static char all[] = "ALL";
	static char *const words[] = { all };
	const struct strlist everything = { (char **)(uintptr_t)words, 1 };
	cleanup_free char *missing = NULL;
	uint64_t added = 0;
	int r;

	ret->ambient = 0;
	if (ret->who.uid == 0 || cs->cap_add.n == 0)
		return 0;
	r = caps_resolve(&cs->cap_add, &everything, false, caps_available(), &added, &missing, err);
	if (r == 0)
		ret->ambient = added & ret->bounding;
	return r;
}

int confine_plan(const struct pod_spec *pod, const struct container_spec *spec, int root_fd,
		 const char *user_text, struct confinement *ret, struct error *err)
{
	const struct container_security *cs = &spec->security;
	const struct pod_security *ps = &pod->security;
	const struct opt_i64 *uid = cs->run_as_user.set ? &cs->run_as_user : &ps->run_as_user;
	const struct opt_i64 *gid = cs->run_as_group.set ? &cs->run_as_group : &ps->run_as_group;
	const struct opt_bool *non_root =
		cs->run_as_non_root.set ? &cs->run_as_non_root : &ps->run_as_non_root;
	bool privileged = cs->privileged.set && cs->privileged.value;
	bool named = user_text || !is_empty(cs->user);
	struct user_request rq = {
		.image_user = user_text ? user_text
			      : named	? cs->user
					: spec->config.user,
		.has_uid = !named && uid->set,
		.uid = (uid_t)uid->value,
		.has_gid = !named && gid->set,
		.gid = (gid_t)gid->value,
		.non_root = non_root->set && non_root->value,
		.extra_groups = &ps->supplemental_groups,
		.has_fs_group = ps->fs_group.set,
		.fs_group = (gid_t)ps->fs_group.value,
		.strict = ps->supplemental_groups_strict,
		.named_groups = &cs->groups,
	};
	int r;

	if ((uid->set && (uid->value < 0 || uid->value > USER_ID_MAX)) ||
	    (gid->set && (gid->value < 0 || gid->value > USER_ID_MAX)))
		return error_set(err, EINVAL, "user or group is not from 0 to %u", USER_ID_MAX);
	r = user_resolve(root_fd, &rq, &ret->who, err);
	if (r < 0)
		return r;
	if (privileged && cs->allow_privilege_escalation.set &&
	    !cs->allow_privilege_escalation.value)
		return error_set(err, EINVAL,
				 "privileged and 'allowPrivilegeEscalation: false' exclude each "
				 "other");
	r = parse_umask(cs->umask, &ret->mask, err);
	if (r < 0)
		return r;
	ret->limits = &spec->ulimits;
	ret->no_new_privs =
		cs->allow_privilege_escalation.set && !cs->allow_privilege_escalation.value;
	r = caps_resolve(&cs->cap_add, &cs->cap_drop, privileged, caps_available(), &ret->bounding,
			 &ret->missing_caps, err);
	return r < 0 || pod->owner ? r : plan_ambient(cs, ret, err);
}

/* ---- executing -------------------------------------------------------------------------- */

/* Affinity, policy, timer slack and personality of whoever started us mean nothing here. */
static void reset_scheduling(void)
{
	unsigned char all[CPUSET_BYTES];
	struct sched_param normal = { 0 };

	memset(all, 0xff, sizeof(all));
	(void)syscall(SYS_sched_setaffinity, 0, sizeof(all), all);
	(void)sched_setscheduler(0, SCHED_OTHER, &normal);
	(void)prctl(PR_SET_TIMERSLACK, 0, 0, 0, 0);
	(void)personality(PER_LINUX);
}

/* Makes and enters the working directory. Links of the image are resolved inside; a link of
 * procfs to a descriptor is refused. */
static int enter_working_dir(const struct confinement *c, struct error *err)
{
	const char *path = c->working_dir;
	cleanup_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int fd = -EBADF;

	if (path[0] != '/')
		return error_set(err, EINVAL, "working directory '%s' is not absolute", path);
	if (root < 0)
		return error_errno(err, "open '/'");
	fd = c->dir_must_exist ? fs_open_in_root(root, path, O_PATH | O_DIRECTORY, 0, err)
			       : fs_mkdirs_in_root(root, path, 0755, err);
	if (fd < 0)
		return error_wrap(err, "working directory");
	if (fchdir(fd) < 0)
		return error_errno(err, "enter working directory '%s'", path);
	return 0;
}

/* The kernel marks a directory outside the root in what getcwd(2) answers. */
static int check_working_dir(struct error *err)
{
	char cwd[CWD_MAX];
	long n = syscall(SYS_getcwd, cwd, sizeof(cwd));

	if (n < 0 && errno == EACCES)
		return 0;
	if (n < 0)
		return error_errno(err, "check working directory");
	if (cwd[0] != '/')
		return error_set(err, EPERM, "working directory is outside the container");
	return 0;
}

/* Nobody asked for the defaults: that one was clamped is no news to a user, at every start. */
static int apply_limits(struct error *err)
{
	cleanup_buf struct buf clamped = BUF_INIT(300);

	return rlimit_apply_defaults(&clamped, err);
}

static struct rlimit_plan limit_plan(const struct ulimit_spec *u)
{
	return (struct rlimit_plan){ rlimit_by_name(u->name),
				     u->soft < 0 ? UINT64_MAX : (uint64_t)u->soft,
				     u->hard < 0 ? UINT64_MAX : (uint64_t)u->hard };
}

/* Those that the pod asks for. After the files that we need ourselves are open, and before the
 * privilege to raise them is gone. */
static int apply_own_limits(const struct confinement *c, struct error *err)
{
	for (size_t i = 0; c->limits && i < c->limits->n; i++) {
		const struct rlimit_plan p = limit_plan(&c->limits->v[i]);
		int r = rlimit_apply(&p, err);

		if (r < 0)
			return r;
	}
	return 0;
}

void confine_raise_limits(const struct ulimit_list *limits)
{
	for (size_t i = 0; i < limits->n; i++) {
		const struct rlimit_plan p = limit_plan(&limits->v[i]);

		rlimit_raise(&p);
	}
}

/* Capabilities while waiting: the final ones, and what loading the filter needs. */
static uint64_t waiting_caps(const struct confinement *c, uint64_t final)
{
	return c->filter.v && !c->no_new_privs ? final | CAP_BIT(CAP_SYS_ADMIN) : final;
}

static int drop_privileges(const struct confinement *c, uint64_t final, struct error *err)
{
	int r = WEAKEN("ID-1") ? 0 : caps_limit_bounding(c->bounding, err);

	if (r == 0)
		r = identity_assume(&c->who, err);
	if (r == 0)
		r = caps_set(waiting_caps(c, final), err);
	/* A change of ids may have set it to the administrator's choice. */
	if (r == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		r = error_errno(err, "stay non-dumpable");
	return r;
}

/* Gives the program what its caller asked to preserve: from 3 on, and none else. The sync socket comes
 * after them: *ret_sync. */
static int keep_descriptors(const struct confinement *c, int sync_fd, int *ret_sync,
			    struct error *err)
{
	cleanup_free int *moved = xcalloc(c->n_keep, sizeof(*moved));
	int end = SYNC_FD + (int)c->n_keep; /* the first that is not the program's */
	int sync = fcntl(sync_fd, F_DUPFD_CLOEXEC, end + 1);

	if (sync < 0)
		return error_errno(err, "move the sync socket");
	/* Out of the way of each other's numbers. */
	for (size_t i = 0; i < c->n_keep; i++) {
		moved[i] = fcntl(c->keep[i], F_DUPFD_CLOEXEC, end + 1);
		if (moved[i] < 0)
			return error_errno(err, "move a preserved descriptor");
	}
	for (size_t i = 0; i < c->n_keep; i++)
		if (dup2(moved[i], SYNC_FD + (int)i) < 0)
			return error_errno(err, "preserve descriptor %d", SYNC_FD + (int)i);
	if (dup3(sync, end, O_CLOEXEC) < 0)
		return error_errno(err, "move the sync socket");
	if (!WEAKEN("FD-2") && syscall(SYS_close_range, end + 1, ~0U, 0) < 0)
		return error_errno(err, "close descriptors");
	*ret_sync = end;
	return 0;
}

/* Moves the sync socket to SYNC_FD, and an init program to INIT_FD, and closes everything else above
 * 2. */
static int close_descriptors(const struct confinement *c, int sync_fd, int *ret_sync,
			     struct error *err)
{
	unsigned int first = SYNC_FD + 1;

	if (c->n_keep)
		return keep_descriptors(c, sync_fd, ret_sync, err);
	*ret_sync = SYNC_FD;
	if (c->init_fd >= 0) {
		/* Out of the way of both numbers. */
		int sync = fcntl(sync_fd, F_DUPFD_CLOEXEC, INIT_FD + 1);
		int init = fcntl(c->init_fd, F_DUPFD_CLOEXEC, INIT_FD + 1);

		if (sync < 0 || init < 0 || dup3(init, INIT_FD, O_CLOEXEC) < 0)
			return error_errno(err, "move the init program");
		sync_fd = sync;
		first = INIT_FD + 1;
	}
	if (sync_fd != SYNC_FD && dup3(sync_fd, SYNC_FD, O_CLOEXEC) < 0)
		return error_errno(err, "move the sync socket");
	if (fcntl(SYNC_FD, F_SETFD, FD_CLOEXEC) < 0)
		return error_errno(err, "mark the sync socket");
	if (!WEAKEN("FD-2") && syscall(SYS_close_range, first, ~0U, 0) < 0)
		return error_errno(err, "close descriptors");
	return 0;
}

static void wait_for_go(int sync_fd)
{
	struct sync_msg msg;
	struct error err = { 0 };
	int fd = -EBADF;

	if (sync_receive(sync_fd, &msg, &fd, &err) != 1 || msg.step != SYNC_GO)
		_exit(EXIT_LAUNCH_FAILED);
}

/* A filter of somebody's own need not allow what we do to get there, so it comes last of all. What
 * loading it takes, CAP_SYS_ADMIN where no_new_privs is not set, then is taken by exec: the sets of
 * the program are computed from the bounding set alone, inheritable and ambient being empty. */
static int lock_down_last(const struct confinement *c, uint64_t final, struct error *err)
{
	uint64_t held = waiting_caps(c, final);
	int r = caps_set(held, err);

	if (r == 0 && c->ambient)
		r = caps_raise_ambient(c->ambient, err);
	if (r == 0)
		r = caps_verify_ambient(c->bounding, held, c->ambient, err);
	if (r == 0 && !WEAKEN("SEC-4"))
		r = sysfilter_install(&c->filter, err);
	return r;
}

static int lock_down(const struct confinement *c, uint64_t final, struct error *err)
{
	int r = 0;

	if (c->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_errno(err, "set no_new_privs");
	if (c->filter.v && c->filter_last)
		return lock_down_last(c, final, err);
	if (c->filter.v && !WEAKEN("SEC-4"))
		r = sysfilter_install(&c->filter, err);
	if (r < 0 || WEAKEN("ID-1"))
		return r;
	r = caps_set(final, err);
	if (r == 0 && c->ambient)
		r = caps_raise_ambient(c->ambient, err);
	return r < 0 ? r : caps_verify_ambient(c->bounding, final, c->ambient, err);
}

/* Returns when it could not be executed. Close-on-exec takes the descriptor of the init program. */
static void execute(const struct confinement *c, const char *program)
{
	static char name[] = INIT_NAME, end[] = "--";
	cleanup_free char **argv = NULL;

	if (c->init_fd < 0) {
		(void)execve(program, c->argv.v, c->env.v);
		return;
	}
	if (c->init_alone) {
		(void)syscall(SYS_execveat, INIT_FD, "", c->argv.v, c->env.v, AT_EMPTY_PATH);
		return;
	}
	argv = xcalloc(c->argv.n + 3, sizeof(*argv));
	argv[0] = name;
	argv[1] = end;
	for (size_t i = 0; i < c->argv.n; i++)
		argv[2 + i] = c->argv.v[i];
	(void)syscall(SYS_execveat, INIT_FD, "", argv, c->env.v, AT_EMPTY_PATH);
}

/* *ret is for messages alone when the program is a descriptor. */
static int find_program(const struct confinement *c, char **ret, int *ret_code, struct error *err)
{
	if (!c->init_alone)
		return command_find(c->argv.v[0], &c->env, ret, ret_code, err);
	*ret = c->argv.v[0];
	return 0;
}

void confine_and_execute(const struct confinement *c, int sync_fd)
{
	uint64_t final = c->who.uid == 0 ? c->bounding : c->ambient;
	int code = EXIT_LAUNCH_FAILED;
	struct error err = { 0 };
	char *program = NULL;

	reset_scheduling();
	if (c->missing_caps)
		confine_warn(sync_fd, "capabilities not available here: %s", c->missing_caps);
	if (apply_limits(&err) < 0 || enter_working_dir(c, &err) < 0 ||
	    close_descriptors(c, sync_fd, &sync_fd, &err) < 0)
		confine_fail(sync_fd, code, &err);
	if (apply_own_limits(c, &err) < 0 || drop_privileges(c, final, &err) < 0 ||
	    check_working_dir(&err) < 0 || find_program(c, &program, &code, &err) < 0)
		confine_fail(sync_fd, code, &err);
	(void)umask(c->mask);
	proc_reset_signals();
	if (sync_send(sync_fd, SYNC_READY, 0, NULL, -1) < 0)
		_exit(code);
	wait_for_go(sync_fd);
	if (lock_down(c, final, &err) < 0)
		confine_fail(sync_fd, code, &err);
	execute(c, program);
	code = errno == ENOENT || errno == ENOTDIR ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
	(void)error_errno(&err, "execute '%s'", program);
	confine_fail(sync_fd, code, &err);
}
