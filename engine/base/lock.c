/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock - flock(2) with a deadline.
 *
 * Theory of operation: the kernel drops the lock with the last descriptor of the open file
 * description, so a crash needs no repair. Lock files are never deleted, except together with the
 * directory of a pod or container that is removed: therefore the file is compared by inode after
 * the lock was got, and the caller is told (-ESTALE) when it was replaced meanwhile.
 *
 * Who waits in vain is told for whom: /proc/locks has one line a lock, with the process that took it and
 * device and inode of the file. Listings read it, too: one look instead of three system calls a lock.
 */
#include "engine/base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"

#define LOCK_POLL_NS	2000000
#define TABLE_MAX_BYTES (4 << 20)
#define DEVICE_LEN	32

static bool is_same_file(int fd, int dirfd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstatat(dirfd, path, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

/* ---- /proc/locks ------------------------------------------------------------------------ */

static uint64_t take_number(const char **at)
{
	uint64_t n = 0;

	for (; **at >= '0' && **at <= '9'; ++*at)
		n = n * 10 + (uint64_t)(**at - '0');
	return n;
}

static bool take_text(const char **at, const char *text)
{
	size_t len = strlen(text);

	if (strncmp(*at, text, len) != 0)
		return false;
	*at += len;
	return true;
}

/* "fe:00:" */
static const char *device_text(const struct stat *st, char ret[static DEVICE_LEN])
{
	(void)snprintf(ret, DEVICE_LEN, "%02x:%02x:", major(st->st_dev), minor(st->st_dev));
	return ret;
}

/* "2: FLOCK  ADVISORY  WRITE 6665 fe:00:1303251 0 EOF"; who waits has "->" behind the number. By hand:
 * there may be thousands. */
static bool take_entry(const char *line, const char *device, struct lock_entry *ret)
{
	(void)take_number(&line);
	if (!take_text(&line, ": FLOCK  ADVISORY  WRITE "))
		return false;
	ret->pid = (pid_t)take_number(&line);
	if (ret->pid <= 0 || !take_text(&line, " ") || !take_text(&line, device))
		return false;
	ret->inode = take_number(&line);
	return *line == ' ';
}

pid_t lock_holder(int dirfd, const char *path)
{
	cleanup_fclose FILE *f = NULL;
	char device[DEVICE_LEN], line[256];
	struct stat st;

	if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	(void)device_text(&st, device);
	f = fopen("/proc/locks", "re");
	while (f && fgets(line, sizeof(line), f)) {
		struct lock_entry e;

		if (take_entry(line, device, &e) && e.inode == st.st_ino)
			return e.pid;
	}
	return 0;
}

static int compare_entries(const void *a, const void *b)
{
	const struct lock_entry *x = a, *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

void lock_table_read(int dirfd, struct lock_table *ret)
{
	cleanup_free char *text = NULL;
	struct error scratch; /* an empty table tells nothing, and each lock is asked */
	char device[DEVICE_LEN];
	struct stat st;
	size_t len, lines = 0;

	*ret = (struct lock_table){ .v = NULL };
	if (fstat(dirfd, &st) < 0 ||
	    fs_read_file(AT_FDCWD, "/proc/locks", TABLE_MAX_BYTES, &text, &len, &scratch) < 0)
		return;
	(void)device_text(&st, device);
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	ret->v = xcalloc(lines, sizeof(*ret->v));
	for (const char *at = text, *end; (end = strchr(at, '\n')); at = end + 1)
		ret->n += take_entry(at, device, &ret->v[ret->n]);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare_entries);
}

void lock_table_done(struct lock_table *t)
{
	free(t->v);
	*t = (struct lock_table){ .v = NULL };
}

bool is_in_lock_table(const struct lock_table *t, uint64_t inode, pid_t pid)
{
	const struct lock_entry want = { inode, pid };

	return inode && t->n && bsearch(&want, t->v, t->n, sizeof(want), compare_entries);
}

uint64_t lock_inode(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : st.st_ino;
}

/* ---- one ---------------------------------------------------------------------------------- */

static int too_late(int dirfd, const char *path, int timeout_ms, struct error *err)
{
	pid_t pid = lock_holder(dirfd, path);

	if (pid > 0)
		return error_set(err, ETIMEDOUT, "lock '%s' is still held after %d s by process %d",
				 path, timeout_ms / 1000, (int)pid);
	return error_set(err, ETIMEDOUT, "lock '%s' is still held after %d s by another process",
			 path, timeout_ms / 1000);
}

int lock_take(int dirfd, const char *path, enum lock_mode mode, int timeout_ms, struct error *err)
{
	int op = (mode == LOCK_EXCLUSIVE ? LOCK_EX : LOCK_SH) | LOCK_NB;
	int64_t deadline = clock_mono_ms() + timeout_ms;
	cleanup_close int fd = openat(dirfd, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 && errno == EROFS)
		fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return error_set(err, ENOENT, "the place of lock '%s' was removed meanwhile", path);
	if (fd < 0)
		return error_errno(err, "open lock '%s'", path);
	while (flock(fd, op) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return error_errno(err, "lock '%s'", path);
		if (timeout_ms == 0)
			return error_set(err, EWOULDBLOCK, "lock '%s' is held", path);
		if (clock_mono_ms() >= deadline)
			return too_late(dirfd, path, timeout_ms, err);
		(void)nanosleep(&(struct timespec){ .tv_nsec = LOCK_POLL_NS }, NULL);
	}
	if (is_same_file(fd, dirfd, path))
		return steal_fd(&fd);
	if (faccessat(dirfd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(err, ESTALE, "the place of lock '%s' was removed meanwhile", path);
	return error_set(err, ESTALE, "lock '%s' was replaced", path);
}

bool is_lock_held(int dirfd, const char *path)
{
	cleanup_close int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return false;
	return flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}
