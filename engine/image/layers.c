/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layers - life of a layer directory.
 *
 * Theory of operation: a layer is unpacked in its final place, because renaming a tree that was
 * synced elsewhere buys nothing and deleting temporary trees is slow. What makes it a layer is the
 * record `complete`, written after the tree is on disk; a directory without it is debris, whoever
 * left it. Three kinds of processes meet here:
 *
 *	a load that fills it	holds layers/<hex>/lock exclusively
 *	loads that rely on it	hold it shared until their index is written
 *	the sweep		takes it exclusively without waiting, so it never takes what is in
 *				use
 *
 * The sweep renames a directory to .trash-*, lock file and all, which is atomic; lock_take() tells
 * a waiter that its lock was replaced, and layer_claim() starts again. Downgrading a flock is not
 * atomic, so image_commit() looks under the images lock whether every layer is still there.
 *
 * Crash: before `complete` everything is debris for the next writer; after it the layer stands and
 * at worst no image refers to it yet, then the next sweep takes it.
 */
#include "engine/image/layers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/lock.h"
#include "engine/base/seams.h"

#define COMPLETE_BYTES_MAX 4096
#define CLAIM_TRIES	   16
#define TRASH_PREFIX	   ".trash-"

static char *layer_path(char *buf, const char *hex, const char *file)
{
	(void)snprintf(buf, LAYOUT_PATH_MAX, "layers/%.64s%s%s", hex, file ? "/" : "",
		       file ? file : "");
	return buf;
}

bool is_layer_complete(const struct store *s, const char *hex)
{
	char path[LAYOUT_PATH_MAX];
	struct stat st;

	return s->rootfd >= 0 &&
	       fstatat(s->rootfd, layer_path(path, hex, "complete"), &st, AT_SYMLINK_NOFOLLOW) ==
		       0 &&
	       S_ISREG(st.st_mode) && st.st_size > 0;
}

int layer_size(const struct store *s, const char *hex, int64_t *ret, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_json json_t *j = NULL;
	int r = jload_file(s->rootfd, layer_path(path, hex, "complete"), COMPLETE_BYTES_MAX, &j,
			   err);

	if (r < 0)
		return r;
	*ret = jget_int(j, "bytes", 0);
	return 0;
}

/* ---- claims ----------------------------------------------------------------------------- */

void layer_claim_done(struct layer_claim *c)
{
	if (c->lockfd >= 0)
		(void)close(c->lockfd);
	if (c->dirfd >= 0)
		(void)close(c->dirfd);
	*c = LAYER_CLAIM_INIT;
}

static bool is_complete_at(int dirfd)
{
	struct stat st;

	return fstatat(dirfd, "complete", &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > 0;
}

/* Moves a name in dirfd to the trash of the store. */
static int move_to_trash(const struct store *s, int dirfd, const char *name, struct error *err)
{
	char id[65], path[LAYOUT_PATH_MAX];

	id_new(id);
	(void)snprintf(path, sizeof(path), "layers/" TRASH_PREFIX "%.32s", id);
	if (renameat(dirfd, name, s->rootfd, path) < 0 && errno != ENOENT)
		return error_errno(err, "move '%s' aside", name);
	return 0;
}

/* Makes room and an empty diff/. The directory is ours (exclusive lock). */
static int begin_filling(const struct store *s, struct layer_claim *c, struct error *err)
{
	int r = move_to_trash(s, c->dirfd, "diff", err);

	if (r < 0)
		return r;
	if (unlinkat(c->dirfd, "complete", 0) < 0 && errno != ENOENT)
		return error_errno(err, "remove 'complete'");
	if (mkdirat(c->dirfd, "diff", 0755) < 0)
		return error_errno(err, "create directory 'diff'");
	return 0;
}

/* True while dirfd is what the layer's path names: nobody swept it. */
static bool is_current(const struct store *s, const struct layer_claim *c)
{
	char path[LAYOUT_PATH_MAX];
	struct stat a, b;

	return fstat(c->dirfd, &a) == 0 &&
	       fstatat(s->rootfd, layer_path(path, c->hex, NULL), &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static int take_lock(const struct store *s, struct layer_claim *c, enum lock_mode mode,
		     struct error *err)
{
	if (c->lockfd >= 0)
		(void)close(c->lockfd);
	c->lockfd = lock_take(c->dirfd, "lock", mode, 0, err);
	if (c->lockfd < 0)
		return c->lockfd;
	c->complete = is_complete_at(c->dirfd);
	return is_current(s, c) ? 0 : -ESTALE;
}

/* One attempt. -ESTALE: the directory was swept under us, or finished by another. */
static int try_claim(const struct store *s, struct layer_claim *c, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	int r;

	c->dirfd = fs_mkdirs(s->rootfd, layer_path(path, c->hex, NULL), 0700, err);
	if (c->dirfd < 0)
		return c->dirfd;
	r = take_lock(s, c, LOCK_SHARED, err);
	if (r < 0 || c->complete)
		return r;
	r = take_lock(s, c, LOCK_EXCLUSIVE, err);
	if (r < 0)
		return r;
	return c->complete ? -ESTALE : begin_filling(s, c, err);
}

int layer_claim(const struct store *s, const struct digest *diff_id, struct layer_claim *ret,
		struct error *err)
{
	struct error last = { .code = 0 };

	for (int i = 0; i < CLAIM_TRIES; i++) {
		int r;

		*ret = LAYER_CLAIM_INIT;
		(void)digest_hex(diff_id, ret->hex);
		r = try_claim(s, ret, &last);
		if (r == 0)
			return 0;
		layer_claim_done(ret);
		if (r == -ESTALE)
			continue;
		*err = last;
		return r;
	}
	return error_set(err, EAGAIN, "a layer's directory keeps changing");
}

int layer_open_diff(const struct layer_claim *c, struct error *err)
{
	int fd = openat(c->dirfd, "diff", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? error_errno(err, "open directory 'diff'") : fd;
}

int layer_new_split(const struct layer_claim *c, struct error *err)
{
	int fd;

	if (unlinkat(c->dirfd, "split", 0) < 0 && errno != ENOENT)
		return error_errno(err, "remove 'split'");
	fd = openat(c->dirfd, "split", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? error_errno(err, "create 'split'") : fd;
}

int layer_abandon(const struct store *s, const struct layer_claim *c, struct error *err)
{
	char path[LAYOUT_PATH_MAX];

	if (c->complete || c->dirfd < 0 || !is_current(s, c))
		return 0;
	return move_to_trash(s, s->rootfd, layer_path(path, c->hex, NULL), err);
}

int layer_complete(struct layer_claim *c, uint64_t bytes, uint64_t entries, struct error *err)
{
	cleanup_json json_t *j =
		json_pack("{s:s+, s:I, s:I}", "diff_id", "sha256:", c->hex, "bytes",
			  (json_int_t)bytes, "entries", (json_int_t)entries);
	cleanup_free char *text = jdump_text(j, 0);
	char line[32];
	int r;

	(void)snprintf(line, sizeof(line), "%llu\n", (unsigned long long)bytes);
	r = fs_write_atomic(c->dirfd, "size", line, strlen(line), 0600, FS_NOSYNC, err);
	STOP_AT("image:complete");
	if (r == 0)
		r = fs_write_atomic(c->dirfd, "complete", text, strlen(text), 0600, FS_SYNC, err);
	if (r < 0)
		return r;
	c->complete = true;
	/* Not atomic: a sweep may come between. Its victim is noticed when the image is committed.
	 */
	if (flock(c->lockfd, LOCK_SH) < 0)
		return error_errno(err, "keep the layer's lock");
	return 0;
}

/* ---- sweeping --------------------------------------------------------------------------- */

/* Takes one layer away unless somebody claims it. debris_only: nor when it is complete by now. */
static int sweep_one(const struct store *s, int layersfd, const char *hex, bool debris_only,
		     struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	struct error scratch;
	cleanup_close int lock =
		lock_take(s->rootfd, layer_path(path, hex, "lock"), LOCK_EXCLUSIVE, 0, &scratch);

	if (lock < 0)
		return lock == -EWOULDBLOCK || lock == -ENOENT
			       ? 0
			       : error_set(err, -lock, "%s", scratch.text);
	if (debris_only && is_layer_complete(s, hex))
		return 0;
	return move_to_trash(s, layersfd, hex, err);
}

/* Opens layers/ twice: for names and for reading. */
static int open_layers(const struct store *s, int *ret_fd, DIR **ret_dir, struct error *err)
{
	cleanup_close int fd = openat(s->rootfd, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int copy = -EBADF;

	if (fd < 0)
		return error_errno(err, "open 'layers'");
	copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (copy < 0)
		return error_errno(err, "open 'layers'");
	*ret_dir = fdopendir(copy);
	if (!*ret_dir)
		return error_errno(err, "read 'layers'");
	(void)steal_fd(&copy);
	*ret_fd = steal_fd(&fd);
	return 0;
}

int layers_sweep(const struct store *s, const struct strlist *keep, struct error *err)
{
	cleanup_dir DIR *d = NULL;
	cleanup_close int fd = -EBADF;
	struct dirent *e;
	int r = open_layers(s, &fd, &d, err);

	if (r < 0)
		return r;
	while ((e = readdir(d))) {
		char name[DIGEST_STR_LEN + 1];

		if (!is_id(e->d_name) && !is_prefix(e->d_name, LAYER_NEW_PREFIX))
			continue;
		(void)snprintf(name, sizeof(name), "sha256:%.64s", e->d_name);
		if (strlist_has(keep, name) && is_layer_complete(s, e->d_name))
			continue;
		r = sweep_one(s, fd, e->d_name, false, err);
		if (r < 0)
			return error_wrap(err, "layer '%.12s'", e->d_name);
	}
	return 0;
}

int layers_sweep_debris(const struct store *s, struct error *err)
{
	cleanup_dir DIR *d = NULL;
	cleanup_close int fd = -EBADF;
	struct dirent *e;
	int r = open_layers(s, &fd, &d, err);

	if (r < 0)
		return r;
	while ((e = readdir(d))) {
		if ((!is_id(e->d_name) && !is_prefix(e->d_name, LAYER_NEW_PREFIX)) ||
		    is_layer_complete(s, e->d_name))
			continue;
		r = sweep_one(s, fd, e->d_name, true, err);
		if (r < 0)
			return error_wrap(err, "layer '%.12s'", e->d_name);
	}
	return 0;
}

/* Removes one, unless another process does so now: two would trip over each other's work. The lock
 * is on the directory itself and goes with whoever held it. */
static int remove_trash(int fd, const char *name, struct error *err)
{
	cleanup_close int dir = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0 && errno == ENOENT)
		return 0;
	if (dir >= 0 && flock(dir, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return 0;
	return fs_remove_tree(fd, name, err);
}

int layers_empty_trash(const struct store *s, struct error *err)
{
	cleanup_dir DIR *d = NULL;
	cleanup_close int fd = -EBADF;
	struct dirent *e;
	int r = open_layers(s, &fd, &d, err);

	if (r < 0)
		return r;
	while ((e = readdir(d))) {
		if (!is_prefix(e->d_name, TRASH_PREFIX))
			continue;
		r = remove_trash(fd, e->d_name, err);
		if (r < 0)
			return r;
	}
	return 0;
}
