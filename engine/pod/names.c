/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names - claims by symlink.
 *
 * Theory of operation: a claim is made before the record that needs it is complete, and given back
 * after the record is gone; so a name never points to a stranger. After a crash a claim may point
 * to nothing: whoever wants the name then takes it over, under locks/names, after having seen that
 * the target does not exist. An incomplete pod still owns its names until it is removed, so that
 * its debris stays visible by name.
 */
#include "engine/pod/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/state/status.h"

#define NAMES_LOCK    "locks/names"
#define NAMES_LOCK_MS 30000 /* a rename waits for a monitor meanwhile, and others for their turn */
#define TARGET_MAX    128

bool is_valid_name(const char *name)
{
	static const char rest[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_.-";
	size_t n = name ? strlen(name) : 0;

	return n > 0 && n <= NAME_LENGTH_MAX && !strchr("_.-", *name) && strspn(name, rest) == n;
}

static int name_path(const char *name, char path[LAYOUT_PATH_MAX + NAME_LENGTH_MAX],
		     struct error *err)
{
	if (!is_valid_name(name))
		return error_set(err, EINVAL,
				 "'%.64s' is not a name: letters, digits, '_', '.', "
				 "'-', at most %d",
				 name, NAME_LENGTH_MAX);
	(void)snprintf(path, LAYOUT_PATH_MAX + NAME_LENGTH_MAX, "names/%s", name);
	return 0;
}

/* The target of a claim, "" when there is none. */
static void read_target(const struct store *s, const char *path, char ret[TARGET_MAX])
{
	ssize_t n = readlinkat(s->rootfd, path, ret, TARGET_MAX - 1);

	ret[n > 0 ? n : 0] = '\0';
}

/* Killed while it was renamed, a container has two claims, and its record says which one counts. A
 * record that cannot be read says nothing. */
static bool is_called_otherwise(const struct store *s, const char *owner, const char *name)
{
	struct container_status st = { 0 };
	struct error scratch;
	bool other = is_prefix(owner, "containers/") && is_id(owner + strlen("containers/")) &&
		     status_read(s, owner + strlen("containers/"), &st, &scratch) == 0 && st.name &&
		     !is_equal(st.name, name);

	status_done(&st);
	return other;
}

/* For who holds the names lock. */
static int claim_locked(const struct store *s, const char *path, const char *name,
			const char *target, struct error *err)
{
	char owner[TARGET_MAX];
	struct stat st;

	read_target(s, path, owner);
	if (*owner && fstatat(s->rootfd, owner, &st, 0) == 0 &&
	    !is_called_otherwise(s, owner, name)) {
		const char *id = strchr(owner, '/');

		return error_set(err, EEXIST, "name '%s' is already in use by %s %.12s", name,
				 is_prefix(owner, "pods/") ? "pod" : "container",
				 id ? id + 1 : owner);
	}
	if (unlinkat(s->rootfd, path, 0) < 0 && errno != ENOENT)
		return error_errno(err, "take over name '%s'", name);
	if (symlinkat(target, s->rootfd, path) < 0)
		return error_errno(err, "claim name '%s'", name);
	return 0;
}

static int lock_names(const struct store *s, struct error *err)
{
	return lock_take(s->rootfd, NAMES_LOCK, LOCK_EXCLUSIVE, NAMES_LOCK_MS, err);
}

static int take_over(const struct store *s, const char *path, const char *name, const char *target,
		     struct error *err)
{
	cleanup_close int lock = lock_names(s, err);

	return lock < 0 ? lock : claim_locked(s, path, name, target, err);
}

int names_claim(const struct store *s, const char *name, const char *target, struct error *err)
{
	char path[LAYOUT_PATH_MAX + NAME_LENGTH_MAX];
	int r = name_path(name, path, err);

	if (r < 0)
		return r;
	if (symlinkat(target, s->rootfd, path) == 0)
		return 0;
	if (errno != EEXIST)
		return error_errno(err, "claim name '%s'", name);
	return take_over(s, path, name, target, err);
}

int names_release(const struct store *s, const char *name, const char *target, struct error *err)
{
	char path[LAYOUT_PATH_MAX + NAME_LENGTH_MAX], owner[TARGET_MAX];
	struct error scratch;

	/* What is no name was never claimed: a record that holds such a one can still be removed. */
	if (name_path(name, path, &scratch) < 0)
		return 0;
	read_target(s, path, owner);
	if (strcmp(owner, target) != 0)
		return 0;
	if (unlinkat(s->rootfd, path, 0) < 0 && errno != ENOENT)
		return error_errno(err, "release name '%s'", name);
	return 0;
}

int names_move(const struct store *s, const struct names_move *move, struct error *err)
{
	char path[LAYOUT_PATH_MAX + NAME_LENGTH_MAX];
	cleanup_close int lock = -EBADF;
	struct error scratch; /* the first error is told */
	int r = name_path(move->to, path, err);

	if (r < 0)
		return r;
	lock = lock_names(s, err);
	if (lock < 0)
		return lock;
	r = claim_locked(s, path, move->to, move->target, err);
	if (r < 0)
		return r;
	STOP_AT("rename:claim");
	r = move->record(move->arg, err);
	if (r < 0) {
		error_ignore(names_release(s, move->to, move->target, &scratch));
		return r;
	}
	STOP_AT("rename:record");
	return names_release(s, move->from, move->target, err);
}

int names_release_all(const struct store *s, const char *target, struct error *err)
{
	int fd = openat(s->rootfd, "names", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d)
		return error_errno(err, "read names");
	while ((e = readdir(d))) {
		int r = is_valid_name(e->d_name) ? names_release(s, e->d_name, target, err) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}
