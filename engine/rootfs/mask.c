/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mask - paths of the kernel's file systems that a container must not read, or not write.
 *
 * Theory of operation: after the pivot each path is opened once, below the root and without magic
 * links; whether it is a file or a directory is read from the descriptor, and a clone of the null
 * device or of one shared, empty, read-only tmpfs is attached onto that descriptor. A read-only
 * path is a clone of itself. Only "not there" when the path is opened is no error. Each CPU's
 * thermal_throttle directory is found by listing, since the number of CPUs is the machine's.
 *
 * Runs in the container half, before capabilities are dropped. Duplicates do no harm.
 */
#include "engine/rootfs/mask.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/rootfs/mount.h"

#define CPU_DIR	     "sys/devices/system/cpu"
#define CPUS_MAX     8192
#define THERMAL_PATH "/" CPU_DIR "/cpu0/thermal_throttle"

const char *const mask_hidden_paths[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/interrupts",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/sched_debug",
	"/proc/scsi",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/sys/devices/virtual/powercap",
	"/sys/firmware",
	"/sys/fs/selinux",
	NULL,
};
const char *const mask_read_only_paths[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
};

struct masker {
	int root;
	int null;
	bool user_namespace;
	int empty; /* the first tmpfs attached, to clone the others from; -1: none yet */
};

/* Opens a path to act on. 0 when it is not there. */
static int open_path(const struct masker *m, const char *path, int *ret_fd, struct stat *st,
		     struct error *err)
{
	struct error scratch;
	int fd = fs_open_in_root(m->root, path, O_PATH | O_NOFOLLOW, 0, &scratch);

	/* In a user namespace: a directory on the way is closed to its root with all capabilities,
	 * which is more than anybody in the container will have. */
	if (fd == -ENOENT || (fd == -EACCES && m->user_namespace))
		return 0;
	if (fd < 0)
		return error_set(err, -fd, "%s", scratch.text);
	if (fstat(fd, st) < 0) {
		(void)close(fd);
		return error_errno(err, "stat '%s'", path);
	}
	*ret_fd = fd;
	return 1;
}

static int empty_dir(struct masker *m, struct error *err)
{
	static const struct mount_option opts[] = {
		{ "size", "4k" }, { "nr_inodes", "1" }, { "mode", "755" }, { NULL, NULL }
	};
	int fd;

	if (m->empty >= 0)
		return mount_clone(m->empty, "", MOUNT_ATTR_RDONLY | MOUNT_INERT, err);
	fd = mount_new("tmpfs", opts, MOUNT_ATTR_RDONLY | MOUNT_INERT, err);
	if (fd >= 0)
		m->empty = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return fd;
}

static int hide(struct masker *m, const char *path, struct error *err)
{
	cleanup_close int target = -EBADF;
	cleanup_close int cover = -EBADF;
	struct stat st;
	int r = open_path(m, path, &target, &st, err);

	if (r <= 0)
		return r;
	cover = S_ISDIR(st.st_mode)
			? empty_dir(m, err)
			: mount_clone(m->null, "",
				      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
				      err);
	r = cover < 0 ? cover : mount_attach(cover, target, err);
	return r < 0 ? error_wrap(err, "mask '%s'", path) : 0;
}

static int make_read_only(struct masker *m, const char *path, struct error *err)
{
	cleanup_close int target = -EBADF;
	cleanup_close int clone = -EBADF;
	struct stat st;
	int r = open_path(m, path, &target, &st, err);

	if (r <= 0)
		return r;
	clone = mount_clone(target, "", MOUNT_ATTR_RDONLY | MOUNT_INERT, err);
	r = clone < 0 ? clone : mount_attach(clone, target, err);
	return r < 0 ? error_wrap(err, "make '%s' read-only", path) : 0;
}

/* cpuN/thermal_throttle of every possible CPU. */
static int hide_thermal(struct masker *m, struct error *err)
{
	struct error scratch;
	cleanup_dir DIR *d = NULL;
	struct dirent *e;
	int seen = 0;
	int fd = fs_open_in_root(m->root, CPU_DIR "/cpu0/thermal_throttle", O_PATH, 0, &scratch);

	if (fd < 0)
		return 0; /* all CPUs have it, or none */
	(void)close(fd);
	fd = fs_open_in_root(m->root, CPU_DIR, O_RDONLY | O_DIRECTORY, 0, err);
	if (fd < 0)
		return fd;
	d = fdopendir(fd);
	while (d && (e = readdir(d)) && seen < CPUS_MAX) {
		cleanup_free char *path = NULL;
		int r;

		if (!is_prefix(e->d_name, "cpu") || e->d_name[3] < '0' || e->d_name[3] > '9')
			continue;
		seen++;
		path = xasprintf("/" CPU_DIR "/%.64s/thermal_throttle", e->d_name);
		r = hide(m, path, err);
		if (r < 0)
			return r;
	}
	return 0;
}

bool is_unmasked(const char *path, const struct strlist *less)
{
	for (size_t i = 0; less && i < less->n; i++)
		if (strcasecmp(less->v[i], "ALL") == 0 ||
		    fnmatch(less->v[i], path, FNM_PATHNAME) == 0)
			return true;
	return false;
}

static bool is_skipped(const char *path, const struct mask_request *rq)
{
	return (rq->leave_proc && is_prefix(path, "/proc/")) || is_unmasked(path, rq->less);
}

static int apply_lists(struct masker *m, const struct mask_request *rq, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && mask_hidden_paths[i]; i++)
		if (!is_skipped(mask_hidden_paths[i], rq))
			r = hide(m, mask_hidden_paths[i], err);
	if (r >= 0 && !is_unmasked(THERMAL_PATH, rq->less))
		r = hide_thermal(m, err);
	for (size_t i = 0; r >= 0 && mask_read_only_paths[i]; i++)
		if (!is_skipped(mask_read_only_paths[i], rq))
			r = make_read_only(m, mask_read_only_paths[i], err);
	return r;
}

int mask_apply(int root_fd, int null_fd, const struct mask_request *rq, struct error *err)
{
	struct masker m = { .root = root_fd,
			    .null = null_fd,
			    .user_namespace = rq->user_namespace,
			    .empty = -EBADF };
	int r = rq->none ? 0 : apply_lists(&m, rq, err);

	for (size_t i = 0; r >= 0 && rq->more && i < rq->more->n; i++) {
		if (rq->more->v[i][0] != '/')
			r = error_set(err, EINVAL, "mask '%.200s' is not an absolute path",
				      rq->more->v[i]);
		else
			r = hide(&m, rq->more->v[i], err);
	}
	if (m.empty >= 0)
		(void)close(m.empty);
	return r < 0 ? r : 0;
}
