/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver - volumes that are file systems of their own: a tmpfs, a disk, a directory of the host.
 *
 * Theory of operation: `volume create --opt type=T --opt device=D --opt o=WORDS`, as mount(8) would
 * have it. A bound directory (o=bind) needs no mount: the record says where the content is. Anything
 * else is mounted over the content's directory by whoever first opens the volume, under a lock of
 * its own, and stays until `volume unmount`, `volume rm` or the end of the boot; so containers that
 * use it one after the other see the same content. A mount is there when the directory has another
 * mount's id than the folder it is in. Containers get their own copies of the mount, with nosuid and
 * nodev.
 *
 * WORDS are mount(8)'s: known ones become flags, uid=N and gid=N the content's owner (for a tmpfs
 * they go to the file system, too), everything else is the file system's own. It takes root to get
 * here, and the words are root's. File systems that need a helper program to be mounted (nfs, cifs)
 * are refused.
 *
 * Kernel: statx's STATX_MNT_ID (5.8). Limits: WORDS of OPTIONS_MAX bytes.
 */
#include "engine/volumes/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"

#define OPTIONS_MAX 3000
#define TYPE_MAX    64
#define LOCK_MS	    30000
#define MOUNT_LOCK  "locks/volume-mounts"

static const struct {
	const char *word;
	unsigned long set;
	unsigned long clear;
} flags[] = {
	{ "defaults", 0, 0 },
	{ "ro", MS_RDONLY, 0 },
	{ "rw", 0, MS_RDONLY },
	{ "nosuid", MS_NOSUID, 0 },
	{ "suid", 0, MS_NOSUID },
	{ "nodev", MS_NODEV, 0 },
	{ "dev", 0, MS_NODEV },
	{ "noexec", MS_NOEXEC, 0 },
	{ "exec", 0, MS_NOEXEC },
	{ "sync", MS_SYNCHRONOUS, 0 },
	{ "async", 0, MS_SYNCHRONOUS },
	{ "dirsync", MS_DIRSYNC, 0 },
	{ "noatime", MS_NOATIME, 0 },
	{ "atime", 0, MS_NOATIME },
	{ "nodiratime", MS_NODIRATIME, 0 },
	{ "relatime", MS_RELATIME, 0 },
	{ "strictatime", MS_STRICTATIME, 0 },
	{ "bind", MS_BIND, 0 },
	{ "rbind", MS_BIND | MS_REC, 0 },
};

struct words {
	unsigned long flags;
	struct buf data;
	int64_t uid, gid;
	bool has_owner;
};

static bool is_tmpfs(const struct named_volume *v)
{
	return is_equal(pairlist_get(&v->options, "type"), "tmpfs");
}

static int take_owner(const char *word, const char *value, int64_t *ret, struct words *w,
		      struct error *err)
{
	uint64_t id;

	if (parse_u64(value, UINT32_MAX - 1, &id) < 0)
		return error_set(err, EINVAL, "option 'o': cannot convert '%.60s' to an id", word);
	*ret = (int64_t)id;
	w->has_owner = true;
	return 0;
}

static int take_word(const struct named_volume *v, const char *word, struct words *w,
		     struct error *err)
{
	bool is_owner = is_prefix(word, "uid=") || is_prefix(word, "gid=");

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (is_equal(word, flags[i].word)) {
			w->flags = (w->flags & ~flags[i].clear) | flags[i].set;
			return 0;
		}
	if (!*word || is_equal(word, "noquota"))
		return 0; /* there are no quotas */
	if (is_owner && take_owner(word, word + 4, *word == 'u' ? &w->uid : &w->gid, w, err) < 0)
		return -EINVAL;
	if (is_owner && !is_tmpfs(v))
		return 0;
	if (w->data.len)
		buf_addc(&w->data, ',');
	buf_adds(&w->data, word);
	return 0;
}

static int read_words(const struct named_volume *v, struct words *w, struct error *err)
{
	const char *text = pairlist_get(&v->options, "o");
	cleanup_free char *copy = xstrdup(text ? text : "");
	char *rest = copy, *word;
	int r = 0;

	*w = (struct words){ .data = BUF_INIT(OPTIONS_MAX) };
	if (strlen(copy) > OPTIONS_MAX)
		return error_set(err, EINVAL, "option 'o' is longer than %d bytes", OPTIONS_MAX);
	while (r == 0 && (word = strsep(&rest, ",")))
		r = take_word(v, word, w, err);
	return r;
}

/* ---- at creation ------------------------------------------------------------------------ */

static int check_keys(const struct named_volume *v, struct error *err)
{
	static const char *const known[] = { "type", "device", "o", "copy", "nocopy" };

	for (size_t i = 0; i < v->options.n; i++) {
		const char *key = v->options.v[i].key;
		bool is_known = false;

		for (size_t k = 0; k < ARRAY_SIZE(known); k++)
			is_known = is_known || is_equal(key, known[k]);
		if (is_equal(key, "size") || is_equal(key, "inodes"))
			return error_set(err, EOPNOTSUPP,
					 "volume option '%s' is not supported: give a tmpfs its "
					 "size by o=size=...",
					 key);
		if (!is_known)
			return error_set(err, EINVAL,
					 "invalid mount option %.60s for driver 'local'", key);
	}
	return 0;
}

static int check_type(const struct named_volume *v, struct error *err)
{
	static const char *const refused[] = { "nfs", "nfs4", "cifs", "smb3", "overlay", "fuse" };
	const char *type = pairlist_get(&v->options, "type");
	const char *device = pairlist_get(&v->options, "device");

	for (size_t i = 0; type && i < ARRAY_SIZE(refused); i++)
		if (is_equal(type, refused[i]))
			return error_set(err, EOPNOTSUPP,
					 "volumes of type '%s' are not supported: mount it on the "
					 "host and bind that directory",
					 type);
	if (type && (strlen(type) > TYPE_MAX || !*type))
		return error_set(err, EINVAL, "option 'type': not a file system");
	if (type && !is_equal(type, "tmpfs") && is_empty(device))
		return error_set(err, EINVAL, "type '%s' needs a device (--opt device=...)", type);
	return 0;
}

int volume_driver_options(struct named_volume *v, struct error *err)
{
	const char *device = pairlist_get(&v->options, "device");
	struct words w;
	int r = check_keys(v, err);

	if (r == 0)
		r = check_type(v, err);
	if (r < 0)
		return r;
	r = read_words(v, &w, err);
	/* "size=10m" of nothing would be a limit that nobody keeps. */
	if (r == 0 && w.data.len && !pairlist_get(&v->options, "type") && is_empty(device))
		r = error_set(
			err, EOPNOTSUPP,
			"volume option 'o=%.60s' is not supported without a file system: give "
			"--opt type=tmpfs, or type and device",
			w.data.data);
	if (r == 0 && (w.flags & MS_BIND) && (is_empty(device) || *device != '/'))
		r = error_set(err, EINVAL,
			      "o=bind needs the absolute path of a directory as device");
	if (r == 0) {
		v->uid = w.uid;
		v->gid = w.gid;
		v->copied_up = pairlist_get(&v->options, "nocopy") != NULL;
		if ((w.flags & ~(unsigned long)MS_REC) == MS_BIND && !w.data.len)
			v->host_path = xstrdup(device);
	}
	buf_done(&w.data);
	return r;
}

/* ---- in use ----------------------------------------------------------------------------- */

bool has_driver_mount(const struct named_volume *v)
{
	return !v->host_path && !v->claim_namespace &&
	       (pairlist_get(&v->options, "type") || pairlist_get(&v->options, "device"));
}

/* The folder, or the content, by path: a launch may be in another mount namespace than the store's
 * descriptor. */
static char *path_of(const struct store *s, const char *name, bool is_content)
{
	return xasprintf("%s/volumes/%s%s", s->root, name, is_content ? "/_data" : "");
}

static int mount_id(const char *path, uint64_t *ret)
{
	struct statx stx;

	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_MNT_ID, &stx) < 0)
		return -errno;
	*ret = stx.stx_mnt_id;
	return 0;
}

bool is_volume_mounted(const struct store *s, const char *name)
{
	cleanup_free char *folder = path_of(s, name, false);
	cleanup_free char *content = path_of(s, name, true);
	uint64_t outer, inner;

	return mount_id(folder, &outer) == 0 && mount_id(content, &inner) == 0 && outer != inner;
}

static int mount_it(const struct named_volume *v, const char *path, struct error *err)
{
	const char *type = pairlist_get(&v->options, "type");
	const char *device = pairlist_get(&v->options, "device");
	struct words w;
	int r = read_words(v, &w, err);

	device = is_empty(device) ? "tmpfs" : device;
	if (r == 0 && mount(device, path, w.flags & MS_BIND ? NULL : type, w.flags,
			    w.data.len ? w.data.data : NULL) < 0)
		r = error_errno(err, "mount '%.100s' of type '%.30s'", device, type ? type : "");
	/* A bind takes its flags in a second step only. */
	if (r == 0 && (w.flags & MS_BIND) &&
	    mount(NULL, path, NULL, (w.flags & ~(unsigned long)MS_REC) | MS_REMOUNT, NULL) < 0) {
		r = error_errno(err, "set the options of '%.100s'", device);
		(void)umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
	}
	if (r == 0 && w.has_owner && !is_tmpfs(v) && !(w.flags & (MS_RDONLY | MS_BIND)) &&
	    lchown(path, (uid_t)w.uid, (gid_t)w.gid) < 0)
		r = error_errno(err, "set the owner of '%.100s'", device);
	buf_done(&w.data);
	return r;
}

int volume_driver_mount(const struct store *s, const struct named_volume *v, struct error *err)
{
	cleanup_free char *path = path_of(s, v->name, true);
	cleanup_free char *lock_path = xasprintf("%s/" MOUNT_LOCK, s->root);
	cleanup_close int lock = lock_take(AT_FDCWD, lock_path, LOCK_EXCLUSIVE, LOCK_MS, err);
	int r;

	if (lock < 0)
		return lock;
	if (is_volume_mounted(s, v->name))
		return 0;
	r = mount_it(v, path, err);
	return r < 0 ? error_wrap(err, "volume '%s'", v->name) : 0;
}

int volume_driver_unmount(const struct store *s, const char *name, struct error *err)
{
	cleanup_free char *path = path_of(s, name, true);

	if (!is_volume_mounted(s, name))
		return 0;
	if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
		return error_errno(err, "unmount volume '%s'", name);
	return 1;
}
