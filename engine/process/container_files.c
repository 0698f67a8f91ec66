/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container_files - files of the engine's in a container made by hand: user entries, time zone.
 *
 * Theory of operation: a user or group without a line in the image's files gets one, appended to
 * the file of the container's own writable layer before anything is mounted over it: the file is
 * opened below the root without following a link at its place and must be regular; an image in which
 * it is something else, or is not there, is left as it is. What is in a line is checked byte by byte.
 *
 * The time zone is a clone of the host's file, read-only.
 */
#include "engine/process/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/process/userline.h"
#include "engine/rootfs/mount.h"
#include "engine/rootfs/volume.h"

#define USER_FILE_MAX (1024 * 1024)
#define ZONES	      "/usr/share/zoneinfo"
#define LOCAL_TIME    "/etc/localtime"

/* ---- users ------------------------------------------------------------------------------ */

/* 0: there is no such regular file. */
static int open_user_file(int root, const char *path, int *ret, bool *ret_needs_newline,
			  struct error *err)
{
	int follow = WEAKEN("ROOT-1") ? 0 : O_NOFOLLOW;
	struct error scratch;
	cleanup_close int fd = fs_open_in_root(root, path, O_PATH | follow, 0, &scratch);
	struct stat st;
	char last = '\n';

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > USER_FILE_MAX)
		return 0;
	*ret = fs_reopen(fd, O_RDWR | O_APPEND | O_NONBLOCK | O_NOCTTY, err);
	if (*ret < 0)
		return *ret;
	if (st.st_size > 0 && pread(*ret, &last, 1, st.st_size - 1) != 1)
		return error_errno(err, "read '/%s'", path);
	*ret_needs_newline = last != '\n';
	return 1;
}

static int append_line(int root, const char *path, const char *line, struct error *err)
{
	cleanup_free char *text = NULL;
	cleanup_close int fd = -EBADF;
	bool newline = false;
	int r = open_user_file(root, path, &fd, &newline, err);

	if (r <= 0)
		return r;
	text = xasprintf("%s%s\n", newline ? "\n" : "", line);
	r = fs_write_all(fd, text, strlen(text));
	return r < 0 ? error_set(err, -r, "write '/%s': %s", path, strerror(-r)) : 0;
}

int container_add_users(const struct launch *l, const struct container_plan *p, struct error *err)
{
	const struct identity *who = &p->c.who;
	const struct container_spec *spec = &l->spec;
	const char *dir =
		is_empty(spec->working_dir) ? spec->config.working_dir : spec->working_dir;
	cleanup_free char *passwd = NULL;
	cleanup_free char *group = NULL;
	int r = 0;

	if (l->pod.owner || spec->no_passwd)
		return 0;
	if (!who->has_passwd)
		r = userline_passwd(who, spec->passwd_entry, is_empty(dir) ? "/" : dir, &passwd,
				    err);
	if (r == 0 && !who->has_group)
		r = userline_group(who, spec->group_entry, &group, err);
	if (r == 0 && passwd)
		r = append_line(p->root_mnt, "etc/passwd", passwd, err);
	if (r == 0 && group)
		r = append_line(p->root_mnt, "etc/group", group, err);
	return r;
}

/* ---- time zone -------------------------------------------------------------------------- */

static int open_zone(const char *zone, struct error *err)
{
	cleanup_close int dir = -EBADF;
	struct error scratch;
	int fd;

	if (strcmp(zone, "local") == 0) {
		fd = open(LOCAL_TIME, O_PATH | O_CLOEXEC);
		return fd < 0 ? error_errno(err, "open '" LOCAL_TIME "'") : fd;
	}
	dir = open(ZONES, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_errno(err, "open '" ZONES "'");
	/* As a chroot would: some of its names are absolute links into itself. */
	fd = fs_open_in_root(dir, zone, O_PATH, 0, &scratch);
	return fd < 0 ? error_set(err, -fd, "'" ZONES "' has no '%.100s'", zone) : fd;
}

int container_add_timezone(const struct launch *l, struct container_plan *p, struct error *err)
{
	struct planned_mount m = { .mnt_fd = -EBADF, .target = LOCAL_TIME, .is_scratch = true };
	cleanup_close int fd = -EBADF;
	struct stat st;

	if (is_empty(l->spec.timezone))
		return 0;
	fd = open_zone(l->spec.timezone, err);
	/* A host without one has UTC, and so has the container. */
	if (fd == -ENOENT && strcmp(l->spec.timezone, "local") == 0)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return fd < 0 ? error_wrap(err, "time zone") : error_errno(err, "time zone");
	if (!S_ISREG(st.st_mode))
		return error_set(err, EINVAL, "time zone '%.100s' is not a file", l->spec.timezone);
	m.mnt_fd = mount_clone(fd, "", MOUNT_ATTR_RDONLY | MOUNT_INERT, err);
	if (m.mnt_fd < 0)
		return m.mnt_fd;
	container_add_mount(p, &m);
	return 0;
}
