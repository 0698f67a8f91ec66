/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor_container - the inside of a container: cgroups, namespaces, overlay, mounts, masks, pivot,
 * capabilities, filter, exec.
 *
 * On cgroup v1 a lone process writes 0 to its own `tasks`: `cgroup.procs` waits for an RCU grace
 * period (8 ms). On v2 there is one directory and cgroup.procs.
 */
#include "tests/bench/floor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "engine/base/fs.h"
#include "engine/base/str.h"

#define CGROUPS	   "/sys/fs/cgroup"
#define CAPS_USUAL 0x800405fbULL /* eleven of them */
#define CAP_LAST   40
#define BUSYBOX	   "/bin/busybox"

static const struct {
	const char *controller, *file, *value;
} limits[] = {
	{ "memory", "memory.limit_in_bytes", "268435456" },
	{ "pids", "pids.max", "2048" },
	{ "cpu", "cpu.shares", "512" },
};

static bool is_v1(void)
{
	return access(CGROUPS "/memory", F_OK) == 0;
}

/* ---- before and after --------------------------------------------------------------------- */

static void file_copy(const char *from, const char *to)
{
	cleanup_free char *data = NULL;
	struct error err;
	size_t len;
	int fd;

	if (fs_read_file(AT_FDCWD, from, 64U << 20, &data, &len, &err) < 0) {
		(void)fprintf(stderr, "floor: %s\n", err.text);
		exit(1);
	}
	fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	floor_need(fd, to);
	floor_need(fs_write_all(fd, data, len), to);
	(void)close(fd);
}

void floor_layers_make(const struct floor *f)
{
	static const char *const dirs[] = { "l1",     "l2",	 "l3",	   "html",
					    "l1/bin", "l1/proc", "l1/sys", "l1/dev",
					    "l1/www", "l1/tmp",	 "l2/etc", "l3/srv" };
	char path[192];
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		(void)mkdir(floor_path(path, "%s/%s", f->dir, dirs[i]), 0755);
	file_copy(BUSYBOX, floor_path(path, "%s/l1/bin/busybox", f->dir));
	fd = open(floor_path(path, "%s/html/index.html", f->dir), O_WRONLY | O_CREAT | O_CLOEXEC,
		  0644);
	floor_need(fd, path);
	floor_need(fs_write_all(fd, "hello\n", 6), path);
	(void)close(fd);
}

void floor_container_dirs(const struct floor *f, int pod, int index)
{
	static const char *const dirs[] = { "", "/u", "/w", "/m" };
	char path[192];

	for (size_t i = 0; is_v1() && i < ARRAY_SIZE(limits); i++) {
		(void)floor_path(path, CGROUPS "/%s/floor.%d.%d", limits[i].controller, pod, index);
		floor_need(mkdir(path, 0755), path);
		floor_write(floor_path(path, CGROUPS "/%s/floor.%d.%d/%s", limits[i].controller,
				       pod, index, limits[i].file),
			    limits[i].value);
	}
	if (!is_v1())
		floor_need(mkdir(floor_path(path, CGROUPS "/floor.%d.%d", pod, index), 0755), path);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		floor_need(
			mkdir(floor_path(path, "%s/c%d.%d%s", f->dir, pod, index, dirs[i]), 0755),
			path);
}

void floor_container_undirs(const struct floor *f, int pod, int index)
{
	static const char *const dirs[] = { "/w/work", "/w", "/u", "/m", "" };
	char path[192];

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		(void)rmdir(floor_path(path, "%s/c%d.%d%s", f->dir, pod, index, dirs[i]));
}

void floor_cgroup_rmdir(int pod, int index)
{
	char path[192];

	for (size_t i = 0; is_v1() && i < ARRAY_SIZE(limits); i++) {
		(void)floor_path(path, CGROUPS "/%s/floor.%d.%d", limits[i].controller, pod, index);
		floor_need(rmdir(path), path);
	}
	if (!is_v1())
		floor_need(rmdir(floor_path(path, CGROUPS "/floor.%d.%d", pod, index)), path);
}

/* ---- inside: every failure ends the child --------------------------------------------------- */

static void join_cgroups(int pod, int index)
{
	char path[192];

	for (size_t i = 0; is_v1() && i < ARRAY_SIZE(limits); i++)
		floor_write(floor_path(path, CGROUPS "/%s/floor.%d.%d/tasks", limits[i].controller,
				       pod, index),
			    "0");
	if (!is_v1())
		floor_write(floor_path(path, CGROUPS "/floor.%d.%d/cgroup.procs", pod, index), "0");
}

static void mount_dev(void)
{
	static const struct {
		const char *path;
		unsigned int major, minor;
	} node[] = { { "dev/null", 1, 3 },   { "dev/zero", 1, 5 },    { "dev/full", 1, 7 },
		     { "dev/random", 1, 8 }, { "dev/urandom", 1, 9 }, { "dev/tty", 5, 0 } };

	floor_need(
		mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"),
		"dev");
	(void)umask(0);
	for (size_t i = 0; i < ARRAY_SIZE(node); i++)
		floor_need(
			mknod(node[i].path, S_IFCHR | 0666, makedev(node[i].major, node[i].minor)),
			node[i].path);
	floor_need(mkdir("dev/pts", 0755), "dev/pts");
	floor_need(mkdir("dev/shm", 01777), "dev/shm");
	floor_need(mkdir("dev/mqueue", 0755), "dev/mqueue");
	floor_need(symlink("/proc/self/fd", "dev/fd"), "dev/fd");
	floor_need(symlink("pts/ptmx", "dev/ptmx"), "dev/ptmx");
	floor_need(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
			 "newinstance,ptmxmode=0666,mode=0620"),
		   "devpts");
	floor_need(mount("shm", "dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
			 "mode=1777,size=65536k"),
		   "shm");
	(void)umask(022);
}

/* What a kernel does not have is not masked. */
static void mount_masks(void)
{
	static const char *const files[] = { "proc/kcore", "proc/keys", "proc/timer_list",
					     "proc/sysrq-trigger" };
	static const char *const dirs[] = { "proc/scsi", "proc/acpi" };
	static const char *const fixed[] = { "proc/bus", "proc/fs", "proc/irq", "proc/sys",
					     "proc/asound" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		(void)mount("dev/null", files[i], NULL, MS_BIND, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		(void)mount("tmpfs", dirs[i], "tmpfs", MS_RDONLY, "size=0k");
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		if (mount(fixed[i], fixed[i], NULL, MS_BIND | MS_REC, NULL) == 0)
			floor_need(mount(NULL, fixed[i], NULL,
					 MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV |
						 MS_NOEXEC,
					 NULL),
				   fixed[i]);
}

static void mount_root(const struct floor_container *c)
{
	const char *d = c->floor->dir;
	char options[640], path[192];
	const unsigned long usual = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	floor_need(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
	floor_need(chdir(floor_path(path, "%s/c%d.%d", d, c->pod, c->index)), path);
	(void)floor_path(options, "lowerdir=%s/l3:%s/l2:%s/l1,upperdir=u,workdir=w", d, d, d);
	floor_need(mount("overlay", "m", "overlay", 0, options), "overlay");
	floor_need(chdir("m"), "chdir");
	floor_need(mount("proc", "proc", "proc", usual, NULL), "proc");
	mount_dev();
	mount_masks();
	floor_need(mount(floor_path(path, "%s/html", d), "www", NULL, MS_BIND | MS_REC, NULL),
		   "bind");
	floor_need(mount("sysfs", "sys", "sysfs", usual | MS_RDONLY, NULL), "sysfs");
	floor_need(mount("tmpfs", "sys/fs/cgroup", "tmpfs", usual | MS_RDONLY, "mode=755,size=0k"),
		   "cgroup");
	floor_need(mount("tmpfs", "sys/firmware", "tmpfs", MS_RDONLY, "size=0k"), "firmware");
	floor_need(mount("mqueue", "dev/mqueue", "mqueue", usual, NULL), "mqueue");
	floor_need(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	floor_need(umount2(".", MNT_DETACH), "umount");
	floor_need(chdir("/"), "chdir");
}

void floor_drop_caps(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	const uint32_t low = (uint32_t)CAPS_USUAL, high = (uint32_t)(CAPS_USUAL >> 32);
	struct __user_cap_data_struct data[2] = { { low, low, 0 }, { high, high, 0 } };

	for (int i = 0; i <= CAP_LAST; i++)
		if (!(CAPS_USUAL >> i & 1))
			(void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
	floor_need(syscall(SYS_capset, &head, data), "capset");
}

void floor_filter_load(const struct sock_fprog *filter)
{
	floor_need(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
	floor_need(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter), "seccomp");
}

void floor_container_child(const struct floor_container *c)
{
	char *const env[] = { (char[]){ "PATH=/bin" }, NULL };

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	join_cgroups(c->pod, c->index);
	if (c->pause_fd >= 0)
		floor_need(setns(c->pause_fd, CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS), "setns");
	mount_root(c);
	floor_wait(&c->shared->is_net_ready);
	floor_drop_caps();
	(void)dup2(c->log_fd, 1);
	(void)dup2(c->log_fd, 2);
	floor_filter_load(&c->floor->filter);
	(void)execve(BUSYBOX, c->argv, env);
	_exit(127);
}
