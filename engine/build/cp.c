/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cp - `podium cp`: from one root to another, by descriptors, through a tar stream of our own.
 *
 * Theory of operation: each side has a root, held as a descriptor.
 *
 *	host		/
 *	running		/proc/PID/root of the container's first process (looked at with a pidfd of
 *			it alive): names below it are those of its mount namespace, volumes and all,
 *			without entering it and without mounting anything (CP-2)
 *	stopped		the merged view of its layers, attached nowhere; a name on one of its
 *			volumes: that volume's own directory
 *
 * A name is resolved below that root, one component at a time, as a chroot to it would (tree.h), and
 * what comes out is a descriptor; from there on nobody looks at the name again. Two children do the
 * work, sender and receiver, each chrooted to the root of its side (not to the directory), in the
 * container's user namespace when it has one, without network, confined by cage.c. Between them runs
 * a tar stream, which the receiver takes for hostile like any layer's (layer.c), because the sender
 * reads what a container may be changing. No program of a container is run and no pattern is
 * expanded.
 *
 * CP-3: a stopped container's layer is written under the lock of its monitor.
 * CP-1: whoever swaps names meanwhile decides which of his own files is read or replaced, and
 * nothing else.
 *
 * CP-SETID: what comes out of a container loses set-id bits and file capabilities, as a change of owner
 * has it: else a program of the container's user became one of root's, and of the host's.
 */
#include "engine/build/cp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/build/tree.h"
#include "engine/image/cage.h"
#include "engine/image/pack.h"
#include "engine/image/unpack.h"
#include "engine/pod/spec.h"
#include "engine/rootfs/overlay.h"
#include "engine/rootfs/volume.h"
#include "engine/security/user.h"
#include "engine/state/status.h"
#include "engine/volumes/named.h"

#define LAYER_WAIT_MS 3000

struct side {
	const struct cp_place *place;
	struct cage_place cage; /* its root, and its user namespace */
	const char *path;	/* below that root, as written */
	struct tree_place at;
	char *dir, *base; /* of at.path; base "" for the root */
	int lock_fd;	  /* keeps monitors away from a layer that is written here; 0: none */
};

static void side_done(struct side *d)
{
	if (d->cage.rootfd >= 0)
		(void)close(d->cage.rootfd);
	if (d->cage.userns_fd >= 0)
		(void)close(d->cage.userns_fd);
	if (d->lock_fd > 0)
		(void)close(d->lock_fd);
	tree_place_done(&d->at);
	free(d->dir);
	free(d->base);
}

/* ---- roots ------------------------------------------------------------------------------ */

/* The pidfd of the container's first process; -ESRCH: it does not run. */
static int open_process(const struct store *s, const char *id, pid_t *ret_pid)
{
	struct container_status st = { 0 };
	struct error scratch; /* what cannot be read does not run */
	cleanup_close int fd = -EBADF;

	if (status_read(s, id, &st, &scratch) < 0)
		return -ESRCH;
	fd = status_open_process(&st, &scratch);
	*ret_pid = (pid_t)st.pid;
	status_done(&st);
	if (fd < 0 || !is_pidfd_alive(fd))
		return -ESRCH;
	return steal_fd(&fd);
}

static int open_of_process(pid_t pid, const char *what, int flags, struct error *err)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "open the container's %s", what) : fd;
}

static bool is_own_userns(int userns_fd)
{
	struct stat mine, its;

	return stat("/proc/self/ns/user", &mine) < 0 || fstat(userns_fd, &its) < 0 ||
	       (mine.st_ino == its.st_ino && mine.st_dev == its.st_dev);
}

/* 1: it does not run. */
static int open_running(const struct store *s, struct side *d, struct error *err)
{
	pid_t pid = 0;
	cleanup_close int pidfd = open_process(s, d->place->container->id, &pid);

	if (pidfd < 0)
		return 1;
	d->cage.rootfd = open_of_process(pid, "root", O_PATH | O_DIRECTORY, err);
	if (d->cage.rootfd < 0)
		return d->cage.rootfd;
	d->cage.userns_fd = open_of_process(pid, "ns/user", O_RDONLY, err);
	if (d->cage.userns_fd < 0)
		return d->cage.userns_fd;
	if (!is_pidfd_alive(pidfd))
		return error_set(err, ESRCH, "container '%.100s' has ended meanwhile",
				 d->place->shown);
	if (is_own_userns(d->cage.userns_fd))
		(void)close(steal_fd(&d->cage.userns_fd));
	return 0;
}

/* The mount that a name of a stopped container is on, or NULL; *ret_rest is the name below it. */
static const struct mount_spec *find_mount(const struct container_spec *c, const char *path,
					   const char **ret_rest)
{
	const struct mount_spec *found = NULL;
	size_t best = 0;

	for (size_t i = 0; i < c->mounts.n; i++) {
		const char *target = c->mounts.v[i].target;
		size_t len = target ? strlen(target) : 0;

		while (len > 1 && target[len - 1] == '/')
			len--;
		if (len <= best || strncmp(path, target, len) != 0 ||
		    (path[len] && path[len] != '/'))
			continue;
		best = len;
		found = &c->mounts.v[i];
		*ret_rest = path + len;
	}
	return found;
}

static int open_volume(const struct store *s, struct side *d, const struct mount_spec *m,
		       struct error *err)
{
	const struct volume_spec *v = pod_find_volume(d->place->pod, m->volume);
	int fd = -EBADF;

	if (v && !m->has_sub_path_expr && v->kind == VOLUME_NAMED)
		fd = named_volume_open(s, v->source_name, err);
	else if (v && !m->has_sub_path_expr &&
		 (v->kind == VOLUME_HOST_PATH ||
		  (v->kind == VOLUME_EMPTY_DIR && !is_memory_volume(v))))
		fd = volume_open_source(s->root, d->place->pod, v, err);
	else
		return error_set(err, EOPNOTSUPP,
				 "'%.200s' is on a volume that is there only while container "
				 "'%.100s' runs",
				 d->place->written, d->place->shown);
	if (fd >= 0 && m->sub_path) {
		cleanup_close int whole = fd;

		fd = volume_open_sub_path(whole, m->sub_path, err);
	}
	return fd;
}

/* One writable layer has one mount at a time: no start meanwhile, and no other copy. */
static int lock_layer(const struct store *s, struct side *d, struct error *err)
{
	const char *id = d->place->container->id;
	char path[LAYOUT_PATH_MAX];
	int r;

	if (WEAKEN("CP-3"))
		return 0;
	r = lock_take(s->rootfd, layout_container(path, id, MONITOR_LOCK), LOCK_EXCLUSIVE,
		      LAYER_WAIT_MS, err);
	if (r == -ETIMEDOUT)
		return error_set(err, EBUSY,
				 "container %.100s is started just now, or written to by another "
				 "cp: try again",
				 d->place->shown);
	if (r < 0)
		return r;
	d->lock_fd = r;
	return 0;
}

static int open_stopped(const struct store *s, struct side *d, bool writes, struct error *err)
{
	cleanup_free char *path = xasprintf("/%s", d->path + strspn(d->path, "/"));
	const uint64_t attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	const char *rest = NULL;
	const struct mount_spec *m = find_mount(d->place->container, path, &rest);

	if (m) {
		d->cage.rootfd = open_volume(s, d, m, err);
		d->path += strlen(d->path) - strlen(rest);
		if (d->cage.rootfd >= 0 && writes && m->read_only)
			return error_set(err, EROFS, "'%.200s' is on a read-only volume",
					 d->place->written);
	} else if (writes) {
		if (lock_layer(s, d, err) < 0)
			return -err->code;
		d->cage.rootfd = overlay_mount(s->rootfd, d->place->container, attrs, err);
	} else {
		d->cage.rootfd = overlay_mount_view(s->rootfd, d->place->container, attrs, err);
	}
	return d->cage.rootfd < 0 ? d->cage.rootfd : 0;
}

static int open_root(const struct store *s, struct side *d, bool writes, struct error *err)
{
	int r;

	d->path = d->place->path;
	if (d->place->container) {
		r = open_running(s, d, err);
		return r == 1 ? open_stopped(s, d, writes, err) : r;
	}
	d->cage.rootfd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return d->cage.rootfd < 0 ? error_errno(err, "open '/'") : 0;
}

/* ---- names ------------------------------------------------------------------------------ */

static int not_found(const struct side *d, struct error *err)
{
	if (d->place->container)
		return error_set(err, ENOENT,
				 "\"%.200s\" could not be found on container %.100s: no such file "
				 "or directory",
				 d->place->written, d->place->shown);
	return error_set(err, ENOENT,
			 "\"%.200s\" could not be found on the host: no such file or directory",
			 d->place->written);
}

static bool has_slash_end(const char *path)
{
	size_t len = strlen(path);

	return len && path[len - 1] == '/';
}

/* "x/." and ".": what is in it. */
static bool is_contents(const char *path)
{
	size_t len = strlen(path);

	return is_equal(path, ".") || (len >= 2 && is_equal(path + len - 2, "/."));
}

/* What the place is once it is found: its directory and its last component. */
static void split(struct side *d)
{
	const char *slash = strrchr(d->at.path, '/');

	d->dir = slash ? xstrndup(d->at.path, (size_t)(slash - d->at.path)) : xstrdup(".");
	d->base = xstrdup(slash ? slash + 1 : d->at.path);
}

static int find(struct side *d, struct error *err)
{
	struct error scratch = { 0 };
	int r;

	if (d->place->container && WEAKEN("CP-1")) {
		const char *name = d->path + strspn(d->path, "/");

		d->at.path = xstrdup(name);
		d->at.fd = openat(d->cage.rootfd, *name ? name : ".", O_PATH | O_CLOEXEC);
		if (d->at.fd >= 0)
			(void)fstat(d->at.fd, &d->at.st);
		split(d);
		return 0;
	}
	r = tree_find(d->cage.rootfd, d->path, TREE_FOLLOW, &d->at, &scratch);
	if (r == -ENOTDIR || r == -ENOENT)
		return not_found(d, err);
	if (r < 0) {
		*err = scratch;
		return r;
	}
	split(d);
	return 0;
}

/* The name that a copy of it gets in a directory: that of the file which a link of a container led
 * to, and of the host the link's own, as Podman has it. "": there is none. The caller's. */
static char *own_name(const struct side *d)
{
	size_t len = strlen(d->path), from;

	if (d->place->container)
		return xstrdup(d->base);
	while (len && d->path[len - 1] == '/')
		len--;
	for (from = len; from && d->path[from - 1] != '/'; from--)
		;
	if (len - from == 2 && strncmp(d->path + from, "..", 2) == 0)
		return xstrdup(d->base);
	return xstrndup(d->path + from, len - from);
}

/* ---- source ----------------------------------------------------------------------------- */

struct source {
	int fd; /* what is read */
	bool is_dir;
	char *name; /* it gets in a directory; NULL: its content goes there */
};

static int open_source(const struct store *s, struct side *d, struct source *ret, struct error *err)
{
	struct stat st;
	int r = open_root(s, d, false, err);

	if (r == 0)
		r = find(d, err);
	if (r < 0)
		return r;
	if (d->at.fd < 0)
		return not_found(d, err);
	if (!S_ISDIR(d->at.st.st_mode) && !S_ISREG(d->at.st.st_mode))
		return error_set(err, EINVAL, "\"%.200s\" is neither a file nor a directory",
				 d->place->written);
	ret->is_dir = S_ISDIR(d->at.st.st_mode);
	if (!ret->is_dir && !d->place->container && has_slash_end(d->path))
		return error_set(err, ENOTDIR,
				 "\"%.200s\" could not be found on the host: not a "
				 "directory",
				 d->place->written);
	ret->fd = fs_reopen(d->at.fd, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, err);
	if (ret->fd < 0)
		return ret->fd;
	if (fstat(ret->fd, &st) < 0 || S_ISDIR(st.st_mode) != ret->is_dir)
		return not_found(d, err);
	ret->name = ret->is_dir && is_contents(d->path) ? NULL : own_name(d);
	if (ret->name && !*ret->name) {
		free(ret->name);
		ret->name = NULL;
	}
	return 0;
}

/* ---- destination ------------------------------------------------------------------------ */

struct target {
	int dirfd;  /* a directory that is there */
	char *name; /* of what is made in it; NULL: as the source says */
};

/* The directory that the last component of its path stands in. */
static int open_parent(const struct side *d, struct error *err)
{
	struct error scratch;
	int fd;

	if (d->place->container && WEAKEN("CP-1"))
		return openat(d->cage.rootfd, d->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = fs_open_in_root(d->cage.rootfd, *d->dir ? d->dir : ".", O_RDONLY | O_DIRECTORY, 0,
			     &scratch);
	return fd < 0 ? not_found(d, err) : fd;
}

static int check_target(const struct side *d, const struct source *from, bool is_stream,
			struct error *err)
{
	bool exists = d->at.fd >= 0, is_dir = exists && S_ISDIR(d->at.st.st_mode);

	if (is_stream && !is_dir)
		return error_set(err, ENOTDIR,
				 "destination must be a directory when copying from stdin");
	if (exists && !d->place->container && !is_dir && !S_ISREG(d->at.st.st_mode))
		return error_set(err, EINVAL,
				 "invalid destination: \"%.200s\" must be a directory or a regular "
				 "file",
				 d->place->written);
	if (exists && !is_dir && from->is_dir)
		return error_set(err, ENOTDIR,
				 "destination must be a directory when copying a directory");
	if (exists && !is_dir && has_slash_end(d->path))
		return error_set(err, ENOTDIR, "\"%.200s\" exists but is not a directory",
				 d->place->written);
	if (!exists && has_slash_end(d->path))
		return not_found(d, err);
	return 0;
}

static int open_target(const struct store *s, struct side *d, const struct source *from,
		       bool is_stream, struct target *ret, struct error *err)
{
	int r = open_root(s, d, true, err);

	if (r == 0)
		r = find(d, err);
	if (r == 0)
		r = check_target(d, from, is_stream, err);
	if (r < 0)
		return r;
	if (d->at.fd >= 0 && S_ISDIR(d->at.st.st_mode)) {
		ret->dirfd = fs_reopen(d->at.fd, O_RDONLY | O_DIRECTORY | O_CLOEXEC, err);
		return ret->dirfd < 0 ? ret->dirfd : 0;
	}
	ret->name = xstrdup(d->base);
	ret->dirfd = open_parent(d, err);
	return ret->dirfd < 0 ? ret->dirfd : 0;
}

/* The container's user, who owns what is copied into it. A user that cannot be found is root. */
static void find_owner(const struct side *d, uint32_t *ret_uid, uint32_t *ret_gid)
{
	const struct container_security *c = &d->place->container->security;
	const struct pod_security *pod = &d->place->pod->security;
	const struct opt_i64 uid = c->run_as_user.set ? c->run_as_user : pod->run_as_user;
	const struct opt_i64 gid = c->run_as_group.set ? c->run_as_group : pod->run_as_group;
	const struct user_request rq = {
		.image_user = c->user ? c->user : d->place->container->config.user,
		.has_uid = uid.set,
		.uid = (uid_t)uid.value,
		.has_gid = gid.set,
		.gid = (gid_t)gid.value,
	};
	cleanup_identity struct identity id = { 0 };
	struct error scratch;

	*ret_uid = *ret_gid = 0;
	if (user_resolve(d->cage.rootfd, &rq, &id, &scratch) < 0)
		return;
	*ret_uid = id.uid;
	*ret_gid = id.gid;
}

/* ---- the two children ------------------------------------------------------------------- */

static int receive(const struct side *to, const struct target *target, int infd,
		   const struct cp_options *o, struct job *ret, struct unpack_plan *plan,
		   struct layer_copy *copy, struct error *err)
{
	*copy = (struct layer_copy){ .has_owner = o->archive, .overwrite = o->overwrite };
	copy->is_inert = o->from.container && !WEAKEN("CP-SETID");
	if (to->place->container)
		find_owner(to, &copy->uid, &copy->gid);
	*plan = (struct unpack_plan){ .fd = infd,
				      .is_stream = true,
				      .size = UNPACK_TO_END,
				      .difffd = target->dirfd,
				      .splitfd = -1,
				      .place = &to->cage };
	layer_limits_default(&plan->layer);
	plan->layer.copy = copy;
	plan->layer.is_plain = true;
	inflate_limits_default(&plan->inflate);
	return unpack_start(plan, ret, err);
}

static int send(const struct side *from, const struct source *source, const char *name, int outfd,
		const struct cp_options *o, struct pack_plan *plan, struct job *ret,
		struct error *err)
{
	*plan = (struct pack_plan){ .treefd = source->fd,
				    .splitfd = -1,
				    .tree = { .timestamp_s = -1,
					      .as = name,
					      .crosses_mounts = true,
					      .owned_by_root = o->to.streamfd >= 0 && o->archive },
				    .kind = DEFLATE_NONE,
				    .outfd = outfd,
				    .place = &from->cage };
	return pack_start(plan, ret, err);
}

static int from_stream(const struct side *to, const struct target *target,
		       const struct cp_options *o, struct error *err)
{
	struct unpack_plan plan;
	struct layer_copy copy;
	struct unpack_result result;
	struct job job = JOB_INIT;
	int r = receive(to, target, o->from.streamfd, o, &job, &plan, &copy, err);

	if (r == 0)
		r = unpack_wait(&job, &result, err);
	if (r == -EBADMSG)
		return error_wrap(err, "source must be a (compressed) tar archive when copying "
				       "from stdin");
	return r;
}

static int to_stream(const struct side *from, const struct source *source,
		     const struct cp_options *o, struct error *err)
{
	struct pack_plan plan;
	struct pack_result result;
	struct job job = JOB_INIT;
	int r = send(from, source, source->name, o->to.streamfd, o, &plan, &job, err);

	return r < 0 ? r : pack_wait(&job, &result, err);
}

static int between(const struct side *from, const struct source *source, const struct side *to,
		   const struct target *target, const struct cp_options *o, struct error *err)
{
	const char *name = target->name ? target->name : source->name;
	struct error of_sender = { 0 };
	struct pack_plan out;
	struct unpack_plan in;
	struct layer_copy copy;
	struct pack_result sent;
	struct unpack_result got;
	struct job sender = JOB_INIT, receiver = JOB_INIT;
	int ends[2], r, w;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "make a pipe");
	r = send(from, source, name, ends[1], o, &out, &sender, err);
	(void)close(ends[1]);
	if (r == 0)
		r = receive(to, target, ends[0], o, &receiver, &in, &copy, err);
	(void)close(ends[0]);
	if (r < 0) {
		job_end(&sender);
		return r;
	}
	r = unpack_wait(&receiver, &got, err);
	w = pack_wait(&sender, &sent, &of_sender);
	/* A sender that failed has sent a short stream; one that nobody reads from is not the cause. */
	if (w < 0 && w != -EPIPE) {
		*err = of_sender;
		return w;
	}
	return r;
}

int cp_run(const struct store *s, const struct cp_options *o, struct error *err)
{
	struct side from = { .place = &o->from, .cage = CAGE_PLACE_INIT, .at = { .fd = -EBADF } };
	struct side to = { .place = &o->to, .cage = CAGE_PLACE_INIT, .at = { .fd = -EBADF } };
	struct source source = { .fd = -EBADF };
	struct target target = { .dirfd = -EBADF };
	bool from_pipe = o->from.streamfd >= 0, to_pipe = o->to.streamfd >= 0;
	int r = 0;

	if (!from_pipe)
		r = open_source(s, &from, &source, err);
	if (r == 0 && !to_pipe)
		r = open_target(s, &to, &source, from_pipe, &target, err);
	if (r == 0 && from_pipe)
		r = from_stream(&to, &target, o, err);
	else if (r == 0 && to_pipe)
		r = to_stream(&from, &source, o, err);
	else if (r == 0)
		r = between(&from, &source, &to, &target, o, err);
	if (source.fd >= 0)
		(void)close(source.fd);
	if (target.dirfd >= 0)
		(void)close(target.dirfd);
	free(source.name);
	free(target.name);
	side_done(&from);
	side_done(&to);
	return r;
}
