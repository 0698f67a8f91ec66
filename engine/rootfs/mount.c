/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount - the mount interface by descriptors.
 *
 * Theory of operation: fsopen, fsconfig, fsmount make a file system; open_tree clones an existing
 * mount; mount_setattr gives flags while the mount is still invisible; move_mount attaches it onto
 * a descriptor that was resolved and checked before, so no path is ever resolved twice. Options are
 * passed one by one, never as a string in which a comma could start another option.
 *
 * In a user namespace a mount inherited from its parent has locked flags and locked children:
 * clones are therefore always recursive, and attributes are only ever added.
 *
 * Kernel: 5.2 (fsopen), 5.12 (mount_setattr). A failure leaves nothing attached.
 */
#include "engine/rootfs/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"

#define FS_MESSAGE_MAX 300
#define MOUNTINFO_MAX  ((size_t)64 << 20)

/* Raises errno with the last message of the fs context, which says why. */
static int context_error(int fs, const char *fstype, const char *what, struct error *err)
{
	char text[FS_MESSAGE_MAX], last[FS_MESSAGE_MAX] = "";
	int saved = errno;
	ssize_t n;

	/* Each read gives one message, "e " for errors in front. */
	while ((n = read(fs, text, sizeof(text) - 1)) > 0) {
		text[n] = '\0';
		text[strcspn(text, "\n")] = '\0';
		if (n > 2 && text[0] == 'e')
			memcpy(last, text, sizeof(last));
	}
	errno = saved;
	if (!last[0])
		return error_errno(err, "mount %s: %s", fstype, what);
	return error_set(err, saved, "mount %s: %s: %s: %s", fstype, what, last + 2,
			 strerror(saved));
}

int mount_new(const char *fstype, const struct mount_option *opts, uint64_t attrs,
	      struct error *err)
{
	cleanup_close int fs = fsopen(fstype, FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0)
		return error_errno(err, "mount %s", fstype);
	/* What the mount table shows as the device. */
	if (fsconfig(fs, FSCONFIG_SET_STRING, "source", fstype, 0) < 0)
		return context_error(fs, fstype, "source", err);
	for (; opts && opts->key; opts++) {
		int r = opts->value ? fsconfig(fs, FSCONFIG_SET_STRING, opts->key, opts->value, 0)
				    : fsconfig(fs, FSCONFIG_SET_FLAG, opts->key, NULL, 0);
		if (r < 0)
			return context_error(fs, fstype, opts->key, err);
	}
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return context_error(fs, fstype, "create", err);
	fd = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned int)attrs);
	return fd < 0 ? context_error(fs, fstype, "make the mount", err) : fd;
}

int mount_clone(int dirfd, const char *path, uint64_t attrs, struct error *err)
{
	struct mount_attr attr = { .attr_set = attrs, .propagation = MS_PRIVATE };
	cleanup_close int fd = open_tree(dirfd, path,
					 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH |
						 AT_RECURSIVE | AT_SYMLINK_NOFOLLOW);

	if (fd < 0)
		return error_errno(err, "clone mount '%s'", path);
	if (mount_setattr(fd, "", AT_EMPTY_PATH | (WEAKEN("VOL-10") ? 0U : AT_RECURSIVE), &attr,
			  sizeof(attr)) < 0)
		return error_errno(err, "set attributes of mount '%s'", path);
	return steal_fd(&fd);
}

int mount_clone_single(int fd, uint64_t attrs, struct error *err)
{
	struct mount_attr attr = { .attr_set = attrs, .propagation = MS_PRIVATE };
	cleanup_close int mnt =
		open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

	if (mnt < 0)
		return error_errno(err, "clone mount without what lies below");
	if (mount_setattr(mnt, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return error_errno(err, "set attributes of mount");
	return steal_fd(&mnt);
}

int mount_clone_mapped(int fd, int userns_fd, uint64_t attrs, bool recursive, struct error *err)
{
	struct mount_attr attr = { .attr_set = attrs | MOUNT_ATTR_IDMAP,
				   .propagation = MS_PRIVATE,
				   .userns_fd = (unsigned int)userns_fd };
	unsigned int deep = recursive ? AT_RECURSIVE : 0U;
	cleanup_close int mnt =
		open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | deep);

	if (mnt < 0)
		return error_errno(err, "clone mount");
	if (mount_setattr(mnt, "", AT_EMPTY_PATH | deep, &attr, sizeof(attr)) == 0)
		return steal_fd(&mnt);
	if (errno == EINVAL)
		return error_set(err, EINVAL,
				 "its file system, or one mounted below, cannot map "
				 "user ids ('hostUsers: false' needs that)");
	return error_errno(err, "map the user ids of a mount");
}

/* The optional fields of the mount in /proc/self/mountinfo, " shared:12 master:3 "; NULL without. */
static char *peers_of(int fd, struct error *err)
{
	cleanup_free char *text = NULL;
	char id[24];
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0) {
		error_ignore(error_errno(err, "find the mount"));
		return NULL;
	}
	(void)snprintf(id, sizeof(id), "%llu ", (unsigned long long)st.stx_mnt_id);
	if (fs_read_file(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text, NULL, err) < 0)
		return NULL;
	for (char *line = text; *line;) {
		char *end = line + strcspn(line, "\n");
		char *dash = NULL;

		if (is_prefix(line, id))
			dash = memmem(line, (size_t)(end - line), " - ", 3);
		if (dash)
			return xstrndup(line, (size_t)(dash + 1 - line));
		line = end + (*end == '\n');
	}
	error_ignore(error_set(err, ENOENT, "the mount is not in this mount namespace"));
	return NULL;
}

static int check_peers(int fd, uint64_t propagation, struct error *err)
{
	cleanup_free char *peers = peers_of(fd, err);

	if (!peers)
		return -err->code;
	if (strstr(peers, " shared:") || (propagation == MS_SLAVE && strstr(peers, " master:")))
		return 0;
	return error_set(err, EINVAL,
			 "it lies on a mount that is not shared%s: no mount could propagate "
			 "('mount --make-rshared' of that mount makes it so)",
			 propagation == MS_SLAVE ? " and no slave" : "");
}

int mount_clone_propagating(int fd, uint64_t attrs, uint64_t propagation, bool is_known,
			    struct error *err)
{
	struct mount_attr attr = { .attr_set = attrs, .propagation = propagation };
	cleanup_close int mnt = -EBADF;
	int r = is_known ? 0 : check_peers(fd, propagation, err);

	if (r < 0)
		return r;
	mnt = open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	if (mnt < 0)
		return error_errno(err, "clone mount");
	if (mount_setattr(mnt, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		return error_errno(err, "set attributes of mount");
	return steal_fd(&mnt);
}

int mount_make_shared(int fd, struct error *err)
{
	struct mount_attr attr = { .propagation = MS_SHARED };

	if (mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return error_errno(err, "share mount");
	return 0;
}

int mount_add_attrs(int fd, uint64_t attrs, bool recursive, struct error *err)
{
	struct mount_attr attr = { .attr_set = attrs };
	unsigned int flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0U);

	if (mount_setattr(fd, "", flags, &attr, sizeof(attr)) < 0)
		return error_errno(err, "set mount attributes");
	return 0;
}

int mount_attach(int mnt_fd, int target_fd, struct error *err)
{
	if (move_mount(mnt_fd, "", target_fd, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return error_errno(err, "attach mount");
	return 0;
}

int mount_make_private(struct error *err)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_errno(err, "make mounts private");
	return 0;
}

int mount_pivot(int root_fd, struct error *err)
{
	if (fchdir(root_fd) < 0)
		return error_errno(err, "enter the new root");
	/* The old root lands on top of the new one, where "." finds and detaches it. */
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return error_errno(err, "pivot root");
	if (umount2(".", MNT_DETACH) < 0)
		return error_errno(err, "detach the old root");
	if (chdir("/") < 0)
		return error_errno(err, "enter the new root");
	return 0;
}
