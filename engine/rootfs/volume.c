/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume - where the content of a pod's volumes comes from, and where it is mounted.
 *
 * Theory of operation: a hostPath is opened with O_PATH following links as the invoking user would,
 * its type is checked on the descriptor, and that descriptor is what gets mounted: nothing can be
 * swapped in between. A subPath is resolved inside the volume as a chroot would (links that point
 * outside are clamped; ".." and absolute paths are refused), which is the compatible reading of
 * Kubernetes' rule. Mount points are resolved the same way inside the container's root; a link to
 * nowhere at the last place is replaced by the mount point, inside.
 *
 * Runs in the host half (sources) and in the container half (targets), umask 0. What is created for
 * DirectoryOrCreate and FileOrCreate stays after the pod, as with a kubelet.
 */
#include "engine/rootfs/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/quantity.h"
#include "engine/base/seams.h"
#include "engine/pod/spec.h"

#define VOLUME_NAME_MAX 253
#define EMPTY_DIR_MODE	0777
#define HUGE_PAGES	"/sys/kernel/mm/hugepages"

static bool is_volume_name(const char *name)
{
	size_t n = name ? strlen(name) : 0;

	if (n == 0 || n > VOLUME_NAME_MAX || name[0] == '.')
		return false;
	for (size_t i = 0; i < n; i++)
		if (name[i] == '/' || (unsigned char)name[i] <= ' ' || name[i] == 0x7f)
			return false;
	return true;
}

/* ---- emptyDir --------------------------------------------------------------------------- */

int volume_set_owner(int fd, const struct pod_spec *pod, struct error *err)
{
	const struct opt_i64 *group = &pod->security.fs_group;

	if (group->set && fchown(fd, (uid_t)-1, (gid_t)group->value) < 0)
		return error_errno(err, "give volume to group %lld", (long long)group->value);
	if (fchmod(fd, group->set ? EMPTY_DIR_MODE | S_ISGID : EMPTY_DIR_MODE) < 0)
		return error_errno(err, "set mode of volume");
	return 0;
}

static char *empty_dir_path(const char *root, const struct pod_spec *pod, const char *name)
{
	return xasprintf("%s/pods/%s/volumes/%s", root, pod->id, name);
}

static int prepare_empty_dir(const char *root, const struct pod_spec *pod, const char *name,
			     struct error *err)
{
	cleanup_free char *path = empty_dir_path(root, pod, name);
	cleanup_free char *parent = empty_dir_path(root, pod, "");
	cleanup_close int fd = -EBADF;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return 0;
	fd = fs_mkdirs(AT_FDCWD, parent, 0700, err);
	if (fd < 0)
		return fd;
	(void)close(fd);
	fd = fs_mkdirs(AT_FDCWD, path, 0700, err);
	return fd < 0 ? fd : volume_set_owner(fd, pod, err);
}

static bool has_pages(const char *directory, const char *file)
{
	cleanup_free char *path = xasprintf("%s/%s", directory, file);
	cleanup_free char *text = NULL;
	struct error scratch;

	return fs_read_file(AT_FDCWD, path, 64, &text, NULL, &scratch) == 0 && text[0] != '0';
}

/* A hugetlbfs can be mounted without one page to fill it with: its programs would be killed. */
static int check_huge_pages(const char *size, struct error *err)
{
	cleanup_free char *directory = NULL;
	struct quantity q;
	int64_t bytes = 0;
	int r = quantity_parse(size, &q, err);

	if (r == 0)
		r = quantity_units(&q, &bytes, err);
	if (r < 0)
		return r;
	directory = xasprintf(HUGE_PAGES "/hugepages-%lldkB", (long long)(bytes / 1024));
	if (access(directory, F_OK) < 0)
		return error_set(err, ENODEV, "this kernel has no huge pages of %s", size);
	if (!has_pages(directory, "nr_hugepages") &&
	    !has_pages(directory, "nr_overcommit_hugepages") && !WEAKEN("huge-pages"))
		return error_set(err, ENOMEM,
				 "the host has set no huge pages of %s aside: write how many to "
				 "'%s/nr_hugepages'",
				 size, directory);
	return 0;
}

int volume_prepare_pod(const char *root, const struct pod_spec *pod, struct error *err)
{
	for (size_t i = 0; i < pod->volumes.n; i++) {
		const struct volume_spec *v = &pod->volumes.v[i];
		int r = 0;

		if (!is_volume_name(v->name))
			return error_set(err, EINVAL, "malformed volume name '%.100s'",
					 v->name ? v->name : "");
		if (v->kind == VOLUME_EMPTY_DIR && !is_memory_volume(v))
			r = prepare_empty_dir(root, pod, v->name, err);
		else if (v->kind == VOLUME_EMPTY_DIR && v->huge_pages)
			r = check_huge_pages(v->huge_pages, err);
		if (r < 0)
			return error_wrap(err, "volume '%s'", v->name);
	}
	return 0;
}

/* ---- hostPath --------------------------------------------------------------------------- */

static const struct {
	mode_t format;
	const char *what;
} host_path_formats[HOST_PATH__COUNT] = {
	[HOST_PATH_ANY] = { 0, "" },
	[HOST_PATH_DIRECTORY_OR_CREATE] = { S_IFDIR, "a directory" },
	[HOST_PATH_DIRECTORY] = { S_IFDIR, "a directory" },
	[HOST_PATH_FILE_OR_CREATE] = { S_IFREG, "a regular file" },
	[HOST_PATH_FILE] = { S_IFREG, "a regular file" },
	[HOST_PATH_SOCKET] = { S_IFSOCK, "a socket" },
	[HOST_PATH_CHAR_DEVICE] = { S_IFCHR, "a character device" },
	[HOST_PATH_BLOCK_DEVICE] = { S_IFBLK, "a block device" },
};

static int create_host_path(const struct volume_spec *vol, struct error *err)
{
	cleanup_close int fd = -EBADF;

	if (vol->host_path_type == HOST_PATH_DIRECTORY_OR_CREATE) {
		fd = fs_mkdirs(AT_FDCWD, vol->host_path, 0755, err);
		return fd < 0 ? fd : 0;
	}
	if (vol->host_path_type == HOST_PATH_FILE_OR_CREATE) {
		fd = open(vol->host_path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			  0644);
		if (fd < 0 && errno != EEXIST)
			return error_errno(err, "create file '%s'", vol->host_path);
		return 0;
	}
	return error_set(err, ENOENT, "'%s' does not exist", vol->host_path);
}

static int open_host_path(const struct volume_spec *vol, struct error *err)
{
	int type = vol->host_path_type;
	cleanup_close int fd = -EBADF;
	struct stat st;

	if (is_empty(vol->host_path) || vol->host_path[0] != '/' || type < 0 ||
	    type >= HOST_PATH__COUNT)
		return error_set(err, EINVAL, "malformed hostPath");
	fd = open(vol->host_path, O_PATH | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		int r = create_host_path(vol, err);

		if (r < 0)
			return r;
		fd = open(vol->host_path, O_PATH | O_CLOEXEC);
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "open '%s'", vol->host_path);
	if (type != HOST_PATH_ANY && (st.st_mode & S_IFMT) != host_path_formats[type].format &&
	    !WEAKEN("VOL-7"))
		return error_set(err, EINVAL, "'%s' is not %s", vol->host_path,
				 host_path_formats[type].what);
	return steal_fd(&fd);
}

int volume_open_source(const char *root, const struct pod_spec *pod, const struct volume_spec *vol,
		       struct error *err)
{
	cleanup_free char *path = NULL;
	int fd;

	if (!is_volume_name(vol->name))
		return error_set(err, EINVAL, "malformed volume name");
	if (vol->kind == VOLUME_HOST_PATH)
		return open_host_path(vol, err);
	path = empty_dir_path(root, pod, vol->name);
	fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "open '%s'", path) : fd;
}

int volume_check_relabel(int fd, const struct volume_spec *vol, bool relabel, struct error *err)
{
	static const char *const refused[] = { "/",	"/bin",	 "/boot",    "/dev",	 "/etc",
					       "/home", "/lib",	 "/lib64",   "/proc",	 "/root",
					       "/run",	"/sbin", "/srv",     "/sys",	 "/tmp",
					       "/usr",	"/var",	 "/var/lib", "/var/log", "/var/run",
					       NULL };
	struct stat mine, its;

	if ((vol->kind != VOLUME_HOST_PATH && vol->kind != VOLUME_NAMED) || WEAKEN("VOL-5"))
		return 0;
	if (fstat(fd, &mine) < 0)
		return error_errno(err, "stat volume");
	for (size_t i = 0; refused[i]; i++)
		if (stat(refused[i], &its) == 0 && its.st_ino == mine.st_ino &&
		    its.st_dev == mine.st_dev)
			return error_set(err, EPERM, "'%s' is the host's own: it gets no other %s",
					 vol->host_path ? vol->host_path : refused[i],
					 relabel ? "label ('z', 'Z')" : "owner ('U')");
	if (relabel && vol->kind == VOLUME_HOST_PATH &&
	    access("/sys/fs/selinux/enforce", F_OK) == 0)
		return error_set(err, EOPNOTSUPP,
				 "SELinux is active here, and labels ('z', 'Z') cannot be set yet");
	return 0;
}

/* ---- subPath and targets ---------------------------------------------------------------- */

static bool has_dot_dot(const char *path)
{
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 2 && path[0] == '.' && path[1] == '.')
			return true;
		path += n + (path[n] == '/');
	}
	return false;
}

int volume_open_sub_path(int volume_fd, const char *sub_path, struct error *err)
{
	struct error scratch;
	struct stat st;
	int fd;

	if (sub_path[0] == '/' || (has_dot_dot(sub_path) && !WEAKEN("VOL-1")))
		return error_set(err, EINVAL, "subPath '%s' must stay inside the volume", sub_path);
	fd = WEAKEN("VOL-1") ? openat(volume_fd, sub_path, O_PATH | O_CLOEXEC)
			     : fs_open_in_root(volume_fd, sub_path, O_PATH, 0, &scratch);
	if (fd >= 0)
		return fd;
	if ((fd != -ENOENT || fstat(volume_fd, &st) < 0) && !WEAKEN("VOL-1"))
		return error_set(err, -fd, "subPath: %s", scratch.text);
	fd = fs_mkdirs_in_root(volume_fd, sub_path, st.st_mode & 07777, err);
	return fd < 0 ? error_wrap(err, "subPath") : fd;
}

int volume_check_target(const char *target, struct error *err)
{
	static const char *const refused[] = { "/proc", "/sys" };
	const char *p;

	if (is_empty(target) || target[0] != '/')
		return error_set(err, EINVAL, "mount path '%s' is not absolute",
				 target ? target : "");
	if (has_dot_dot(target))
		return error_set(err, EINVAL, "mount path '%s' has '..' in it", target);
	for (p = target; *p == '/' || (p[0] == '.' && (p[1] == '/' || !p[1]));)
		p++;
	if (!*p)
		return error_set(err, EINVAL, "mount path '%s' is the root itself", target);
	for (size_t i = 0; i < ARRAY_SIZE(refused) && !WEAKEN("PROC-1"); i++) {
		size_t n = strlen(refused[i]) - 1;

		if (strncmp(p, refused[i] + 1, n) == 0 && (!p[n] || p[n] == '/'))
			return error_set(err, EPERM,
					 "mount path '%s' is in '%s', which is the engine's",
					 target, refused[i]);
	}
	return 0;
}

/* Neither procfs nor sysfs nor cgroupfs: a link of the image may lead there. */
static int check_target_fs(int fd, const char *target, struct error *err)
{
	static const long refused[] = { PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP_SUPER_MAGIC,
					CGROUP2_SUPER_MAGIC };
	struct statfs st;

	if (fstatfs(fd, &st) < 0)
		return error_errno(err, "check mount path '%s'", target);
	for (size_t i = 0; i < ARRAY_SIZE(refused) && !WEAKEN("PROC-1"); i++)
		if ((long)st.f_type == refused[i])
			return error_set(err, EPERM,
					 "mount path '%s' leads into a file system of the kernel's",
					 target);
	return 0;
}

/* An empty file at the last place; a link to nowhere there is replaced. */
static int make_file(int root_fd, const char *target, struct error *err)
{
	const char *slash = strrchr(target, '/');
	cleanup_free char *dir = xstrndup(target, slash ? (size_t)(slash - target) : 0);
	const char *name = slash ? slash + 1 : target;
	cleanup_close int parent = fs_mkdirs_in_root(root_fd, dir, 0755, err);
	struct stat st;
	int fd;

	if (parent < 0)
		return parent;
	if (is_empty(name))
		return error_set(err, EINVAL, "mount path '%s' is a directory's", target);
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
		(void)unlinkat(parent, name, 0);
	fd = openat(parent, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd < 0 ? error_errno(err, "create mount point '%s'", target) : fd;
}

int volume_open_target(int root_fd, const char *target, bool is_dir, struct error *err)
{
	struct error scratch;
	cleanup_close int fd = fs_open_in_root(root_fd, target, O_PATH, 0, &scratch);
	struct stat st;
	int r;

	if (fd == -ENOENT)
		fd = is_dir ? fs_mkdirs_in_root(root_fd, target, 0755, err)
			    : make_file(root_fd, target, err);
	else if (fd < 0)
		return error_set(err, -fd, "mount path: %s", scratch.text);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return error_errno(err, "stat mount path '%s'", target);
	if (S_ISDIR(st.st_mode) != is_dir)
		return error_set(err, is_dir ? ENOTDIR : EISDIR, "mount path '%s' is %sa directory",
				 target, is_dir ? "not " : "");
	r = check_target_fs(fd, target, err);
	return r < 0 ? r : steal_fd(&fd);
}

size_t volume_depth(const char *path)
{
	size_t n = 0;

	for (; *path; path++)
		n += *path == '/' && path[1] && path[1] != '/';
	return n;
}

size_t *volume_mount_order(const struct mount_list *mounts)
{
	size_t *order = xcalloc(mounts->n + 1, sizeof(*order));

	/* insertion sort: stable, and the lists are short */
	for (size_t i = 0; i < mounts->n; i++) {
		size_t d = volume_depth(mounts->v[i].target), at = i;

		for (; at > 0 && volume_depth(mounts->v[order[at - 1]].target) > d; at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
	return order;
}
