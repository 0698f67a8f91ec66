/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer_meta - owner, mode, extended attributes and times, through the new entry's descriptor.
 *
 * Theory of operation: no call here takes a path: each acts on the descriptor that the creation
 * gave, so metadata cannot land on anything else. The order is the caller's and matters: owner
 * first (it clears set-id bits and file capabilities), then attributes, then the mode with its
 * set-id bits, times last. User and group names in the stream are ignored, the numbers count; a
 * number that the user namespace does not map is refused by name, never squashed.
 *
 * Attributes pass an allow-list: "security.capability", rewritten as version 2 (a version 3 root id
 * is the map of some other machine), and "user.*" without "user.overlay.*". Everything else would
 * either steer overlayfs (trusted.overlay, user.overlay) or carry another host's labels.
 *
 * Kernel: AT_EMPTY_PATH of utimensat (5.8).
 */
#include "engine/image/internal.h"

#include <archive.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"

#define XATTR_CAPABILITY "security.capability"
#define TIME_MIN_SECONDS (-INT64_C(2147483648)) /* what every file system can keep */
#define TIME_MAX_SECONDS INT64_C(15032385535)	/* ext4 with 256-byte inodes: the year 2446 */
#define ID_MAX		 INT64_C(4294967294)	/* -1 means "unchanged" to chown(2) */

int layer_set_owner(int fd, struct archive_entry *e, struct error *err)
{
	int64_t uid = archive_entry_uid(e), gid = archive_entry_gid(e);

	if (uid < 0 || uid > ID_MAX)
		return error_set(err, EBADMSG, "owner %lld is not a user id", (long long)uid);
	if (gid < 0 || gid > ID_MAX)
		return error_set(err, EBADMSG, "group %lld is not a group id", (long long)gid);
	if (fchownat(fd, "", (uid_t)uid, (gid_t)gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (errno == EINVAL)
		return error_set(err, EINVAL,
				 "owner %lld:%lld is not in the id map of this user namespace",
				 (long long)uid, (long long)gid);
	return error_errno(err, "set owner %lld:%lld", (long long)uid, (long long)gid);
}

int layer_set_mode(int fd, struct archive_entry *e, struct error *err)
{
	mode_t mode = archive_entry_mode(e) & 07777;

	return fchmod(fd, mode) < 0 ? error_errno(err, "set mode %04o", (unsigned int)mode) : 0;
}

/* ---- extended attributes ---------------------------------------------------------------- */

/* Rewrites a capability attribute as version 2. Returns its size, 0 to drop it. */
static size_t plain_capability(const void *value, size_t size, struct vfs_cap_data *ret)
{
	uint32_t magic;

	if (size < sizeof(magic))
		return 0;
	memcpy(&magic, value, sizeof(magic));
	if ((magic & VFS_CAP_REVISION_MASK) == VFS_CAP_REVISION_2 && size != XATTR_CAPS_SZ_2)
		return 0;
	if ((magic & VFS_CAP_REVISION_MASK) == VFS_CAP_REVISION_3 && size != XATTR_CAPS_SZ_3)
		return 0;
	if ((magic & VFS_CAP_REVISION_MASK) != VFS_CAP_REVISION_2 &&
	    (magic & VFS_CAP_REVISION_MASK) != VFS_CAP_REVISION_3)
		return 0;
	memcpy(ret, value, sizeof(*ret));
	ret->magic_etc = VFS_CAP_REVISION_2 | (magic & VFS_CAP_FLAGS_EFFECTIVE);
	return sizeof(*ret);
}

static bool is_wanted_attribute(const struct layer *l, const char *name)
{
	if (WEAKEN("LAYER-XATTR"))
		return true;
	if (is_equal(name, XATTR_CAPABILITY))
		return !l->limits->copy || !l->limits->copy->is_inert;
	return is_prefix(name, "user.") && name[sizeof("user.") - 1] &&
	       !is_prefix(name, "user.overlay.") && strlen(name) <= XATTR_NAME_MAX;
}

static int set_one(struct layer *l, int fd, const char *name, const void *value, size_t size,
		   struct error *err)
{
	struct vfs_cap_data cap;

	if (size > LAYER_XATTR_SIZE_MAX)
		return error_set(err, E2BIG, "an extended attribute is larger than %d bytes",
				 LAYER_XATTR_SIZE_MAX);
	if (is_equal(name, XATTR_CAPABILITY)) {
		size = plain_capability(value, size, &cap);
		value = &cap;
	}
	if (!size && is_equal(name, XATTR_CAPABILITY)) {
		l->stats.dropped_xattrs++;
		return 0;
	}
	if (fsetxattr(fd, name, value, size, 0) == 0)
		return 0;
	if (errno == EOPNOTSUPP) { /* a file system without such attributes: tmpfs before 6.6 */
		l->stats.dropped_xattrs++;
		return 0;
	}
	return error_errno(err, "set extended attribute '%.60s'", name);
}

int layer_set_xattrs(struct layer *l, int fd, struct archive_entry *e, struct error *err)
{
	const char *name;
	const void *value;
	size_t size;
	uint64_t n = 0;

	if (archive_entry_xattr_reset(e) == 0)
		return 0;
	while (archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK) {
		int r;

		if (++n > l->limits->xattrs)
			return error_set(err, E2BIG, "more than %llu extended attributes",
					 (unsigned long long)l->limits->xattrs);
		if (!name || !is_wanted_attribute(l, name)) {
			l->stats.dropped_xattrs++;
			continue;
		}
		r = set_one(l, fd, name, value, size, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- times ------------------------------------------------------------------------------ */

static struct timespec clamp_time(int64_t seconds, long ns)
{
	struct timespec t = { .tv_sec = seconds, .tv_nsec = ns };

	if (seconds < TIME_MIN_SECONDS)
		t = (struct timespec){ .tv_sec = TIME_MIN_SECONDS };
	if (seconds > TIME_MAX_SECONDS)
		t = (struct timespec){ .tv_sec = TIME_MAX_SECONDS };
	if (t.tv_nsec < 0 || t.tv_nsec > 999999999)
		t.tv_nsec = 0;
	return t;
}

void layer_times(struct archive_entry *e, struct timespec times[2])
{
	times[1] = clamp_time(archive_entry_mtime(e), archive_entry_mtime_nsec(e));
	times[0] = times[1];
	if (archive_entry_atime_is_set(e))
		times[0] = clamp_time(archive_entry_atime(e), archive_entry_atime_nsec(e));
}

int layer_set_times(int fd, const struct timespec times[2], struct error *err)
{
	return utimensat(fd, "", times, AT_EMPTY_PATH) < 0 ? error_errno(err, "set times") : 0;
}
