/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device - /dev of a container.
 *
 * Theory of operation: everything is made on the descriptor of a tmpfs that was just mounted, by
 * exclusive calls that follow no link: the image has no say in it. A node comes from mknod(2), or,
 * where that is not allowed (user namespace), is a clone of the host's own node that was checked to
 * be the character device of that number. A terminal is opened through the new devpts instance:
 * the multiplexer is checked by file system and number, and the other end comes from the
 * TIOCGPTPEER ioctl on it, never from a look-up of pts/N.
 *
 * Runs in the container half: new mount namespace, still with the host's tree as root and all
 * capabilities of the starter; umask 0. Kernel: TIOCGPTPEER 4.13.
 */
#include "engine/rootfs/device.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/rootfs/mount.h"

#define TTY_GID	     "5"
#define COPY_DEPTH   4
#define PTS_MAJOR_LO 136
#define PTS_MAJOR_HI 143

static const struct {
	const char *name;
	unsigned int major, minor;
} nodes[] = {
	{ "null", 1, 3 },   { "zero", 1, 5 },	 { "full", 1, 7 },
	{ "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 },
};

static const struct {
	const char *name, *target;
} links[] = {
	{ "fd", "/proc/self/fd" },	 { "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
	{ "ptmx", "pts/ptmx" },
};

int device_open_checked(int dirfd, const char *path, dev_t number, struct error *err)
{
	cleanup_close int fd = openat(dirfd, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "open device '%s'", path);
	if (!S_ISCHR(st.st_mode) || st.st_rdev != number)
		return error_set(err, ENXIO, "'%s' is not character device %u:%u", path,
				 major(number), minor(number));
	return steal_fd(&fd);
}

/* Attaches a detached clone of a node onto a new empty file. */
static int attach_node(int dev_fd, const char *name, int mnt_fd, struct error *err)
{
	cleanup_close int file =
		openat(dev_fd, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);

	if (file < 0)
		return error_errno(err, "create '/dev/%s'", name);
	return mount_attach(mnt_fd, file, err);
}

/* The same with a clone of an open node of this mount namespace. */
static int bind_node(int dev_fd, const char *name, int node_fd, struct error *err)
{
	cleanup_close int clone =
		mount_clone(node_fd, "", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, err);

	return clone < 0 ? clone : attach_node(dev_fd, name, clone, err);
}

static int make_node(int dev_fd, const char *name, dev_t number, struct error *err)
{
	cleanup_free char *host = NULL;
	cleanup_close int fd = -EBADF;

	if (mknodat(dev_fd, name, S_IFCHR | 0666, number) == 0)
		return 0;
	if (errno != EPERM)
		return error_errno(err, "make '/dev/%s'", name);
	host = xasprintf("/dev/%s", name);
	fd = device_open_checked(AT_FDCWD, host, number, err);
	return fd < 0 ? fd : bind_node(dev_fd, name, fd, err);
}

/* For a privileged container: the nodes of the host's /dev that are not there yet, and directories
 * below (input, mapper, bus/usb/001, ...) so many levels deep. A node that cannot be made is left
 * out. */
static void copy_nodes(int dev_fd, int host_fd, int depth)
{
	cleanup_dir DIR *d = NULL;
	struct dirent *e;
	int copy = openat(host_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	d = copy < 0 ? NULL : fdopendir(copy);
	while (d && (e = readdir(d))) {
		struct error scratch;
		struct stat st;

		if (e->d_name[0] == '.' || strcmp(e->d_name, "console") == 0 ||
		    fstatat(host_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth > 0 && mkdirat(dev_fd, e->d_name, 0755) == 0) {
			cleanup_close int to = openat(dev_fd, e->d_name, O_PATH | O_CLOEXEC);
			cleanup_close int from = openat(host_fd, e->d_name, O_PATH | O_CLOEXEC);

			copy_nodes(to, from, depth - 1);
		}
		if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
			continue;
		if (mknodat(dev_fd, e->d_name, st.st_mode, st.st_rdev) < 0 && errno == EPERM) {
			cleanup_close int node =
				openat(host_fd, e->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

			(void)bind_node(dev_fd, e->d_name, node, &scratch);
		}
	}
}

int device_populate(int dev_fd, bool privileged, struct error *err)
{
	static const char *const dirs[] = { "pts", "shm", "mqueue" };

	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		int r = make_node(dev_fd, nodes[i].name, makedev(nodes[i].major, nodes[i].minor),
				  err);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (symlinkat(links[i].target, dev_fd, links[i].name) < 0)
			return error_errno(err, "make '/dev/%s'", links[i].name);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (mkdirat(dev_fd, dirs[i], 0755) < 0)
			return error_errno(err, "make '/dev/%s'", dirs[i]);
	if (privileged) {
		cleanup_close int host = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);

		copy_nodes(dev_fd, host, COPY_DEPTH);
	}
	return 0;
}

/* The directory of a relative path, made when it is missing. Nothing here is the image's. */
static int open_parent(int dev_fd, const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *dir = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup(".");

	return slash ? fs_mkdirs_in_root(dev_fd, dir, 0755, err)
		     : fcntl(dev_fd, F_DUPFD_CLOEXEC, 3);
}

int device_add(int dev_fd, const struct device_node *node, struct error *err)
{
	const char *slash = strrchr(node->path, '/');
	const char *name = slash ? slash + 1 : node->path;
	cleanup_close int dir = open_parent(dev_fd, node->path, err);
	struct stat st;

	if (dir < 0)
		return error_wrap(err, "device '/dev/%s'", node->path);
	if (mknodat(dir, name, node->mode, node->number) == 0) {
		/* umask is 0 */
		if (fchownat(dir, name, node->uid, node->gid, AT_SYMLINK_NOFOLLOW) < 0)
			return error_errno(err, "set owner of '/dev/%s'", node->path);
		return 0;
	}
	if (errno == EPERM && node->host_mnt >= 0)
		return attach_node(dir, name, node->host_mnt, err);
	if (errno != EEXIST)
		return error_errno(err, "make '/dev/%s'", node->path);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_rdev == node->number &&
	    (st.st_mode & S_IFMT) == (node->mode & S_IFMT))
		return 0;
	return error_set(err, EEXIST, "'/dev/%s' is there already", node->path);
}

int device_mount_pts(int dev_fd, struct error *err)
{
	/* The gid last, so that the list without it is a prefix: it may not be mapped here. */
	struct mount_option opts[] = { { "newinstance", NULL },
				       { "ptmxmode", "0666" },
				       { "mode", "0620" },
				       { "gid", TTY_GID },
				       { NULL, NULL } };
	struct error first;
	cleanup_close int target = openat(dev_fd, "pts", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int fd =
		mount_new("devpts", opts, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, &first);

	if (fd == -EINVAL) {
		opts[3].key = NULL;
		fd = mount_new("devpts", opts, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, &first);
	}
	if (fd < 0)
		return error_set(err, -fd, "%s", first.text);
	if (target < 0)
		return error_errno(err, "open '/dev/pts'");
	return mount_attach(fd, target, err);
}

/* Both ends must be what they seem: a multiplexer and a slave of a devpts. */
static int check_pty(int master, int peer, struct error *err)
{
	struct stat m, p;
	struct statfs fm, fp;

	if (fstat(master, &m) < 0 || fstat(peer, &p) < 0 || fstatfs(master, &fm) < 0 ||
	    fstatfs(peer, &fp) < 0)
		return error_errno(err, "check terminal");
	if (fm.f_type != DEVPTS_SUPER_MAGIC || fp.f_type != DEVPTS_SUPER_MAGIC ||
	    !S_ISCHR(m.st_mode) || m.st_rdev != makedev(5, 2) || !S_ISCHR(p.st_mode) ||
	    major(p.st_rdev) < PTS_MAJOR_LO || major(p.st_rdev) > PTS_MAJOR_HI)
		return error_set(err, ENXIO, "the terminal is not one of a devpts");
	return 0;
}

int device_open_pty(int pts_fd, uid_t uid, int *ret_master, int *ret_peer, struct error *err)
{
	cleanup_close int master =
		openat(pts_fd, "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_close int peer = -EBADF;
	int unlock = 0, r;

	if (master < 0)
		return error_errno(err, "open '/dev/pts/ptmx'");
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return error_errno(err, "unlock terminal");
	peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (peer < 0)
		return error_errno(err, "open terminal");
	r = check_pty(master, peer, err);
	if (r < 0)
		return r;
	if (fchown(peer, uid, (gid_t)-1) < 0)
		return error_errno(err, "give terminal to user %u", (unsigned int)uid);
	*ret_master = steal_fd(&master);
	*ret_peer = steal_fd(&peer);
	return 0;
}

int device_open_terminal(int dev_fd, uid_t uid, int *ret_master, int *ret_peer, struct error *err)
{
	cleanup_close int pts = openat(dev_fd, "pts", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int master = -EBADF;
	cleanup_close int peer = -EBADF;
	int r;

	if (pts < 0)
		return error_errno(err, "open '/dev/pts'");
	r = device_open_pty(pts, uid, &master, &peer, err);
	if (r == 0)
		r = bind_node(dev_fd, "console", peer, err);
	if (r < 0)
		return r;
	*ret_master = steal_fd(&master);
	*ret_peer = steal_fd(&peer);
	return 0;
}
