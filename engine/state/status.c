/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status - reading and writing state.json, and telling what it is worth now.
 *
 * Theory of operation: the record alone may be stale: the machine was rebooted (boot id differs),
 * or the monitor was killed (its lock is free). status_live() corrects for both without writing:
 * two system calls for a lock probe, and a pidfd only when the monitor is gone.
 *
 * A full disk must not hide how a container has ended. Whoever is going to write the record keeps a
 * second file beside it that has its block already (status_reserve()). When there is no room for a
 * temporary, that one is written and exchanged with the record by renameat2(2): nothing is allocated,
 * readers see the old or the new one, and the old one's block is the spare of the next write. The
 * message of a run that is too long for the block is left out then.
 */
#include "engine/state/status.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"

#define PLAIN_MAX_BYTES 4096 /* a record that is longer is read the general way */
#define SPARE_FILE	"state.spare"
#define SPARE_BYTES	4096

const char *const container_state_names[] = { "created",  "running",	 "paused",
					      "stopping", "restarting",	 "exited",
					      "removing", "initialized", NULL };
static_assert(ARRAY_SIZE(container_state_names) == STATE__COUNT + 1, "one name a state");

#define L(kind_, name_, m) RECORD_FIELD(container_last, kind_, name_, m)
static const struct record_field last_fields[] = {
	L(RECORD_I64, "started", started_ns), L(RECORD_I64, "finished", finished_ns),
	L(RECORD_I64, "exitCode", exit_code), L(RECORD_STRING, "reason", reason),
	L(RECORD_STRING, "message", message), { 0 },
};
static const struct record_type last_type = { "last run", sizeof(struct container_last),
					      last_fields };

#define F(kind_, name_, m) RECORD_FIELD(container_status, kind_, name_, m)
static const struct record_field status_fields[] = {
	{ .name = "state",
	  .kind = RECORD_ENUM,
	  .offset = offsetof(struct container_status, state),
	  .names = container_state_names },
	F(RECORD_U32, "pid", pid),
	F(RECORD_I64, "startTicks", start_ticks),
	F(RECORD_STRING, "boot", boot_id),
	F(RECORD_U32, "monitorPid", monitor_pid),
	F(RECORD_I64, "lockInode", lock_inode),
	F(RECORD_I64, "started", started_ns),
	F(RECORD_I64, "finished", finished_ns),
	F(RECORD_I64, "exitCode", exit_code),
	F(RECORD_BOOL, "exitUnknown", exit_unknown),
	F(RECORD_BOOL, "oomKilled", oom_killed),
	F(RECORD_BOOL, "stoppedByUser", stopped_by_user),
	F(RECORD_I64, "restarts", restarts),
	F(RECORD_I64, "nextStart", next_start_ns),
	F(RECORD_STRING, "error", error),
	F(RECORD_BOOL, "isStarted", started),
	F(RECORD_BOOL, "ready", ready),
	F(RECORD_STRING, "reason", reason),
	F(RECORD_STRING, "message", message),
	{ .name = "last",
	  .kind = RECORD_OBJECT,
	  .offset = offsetof(struct container_status, last),
	  .sub = &last_type },
	F(RECORD_STRING, "health", health),
	F(RECORD_I64, "readySince", ready_ns),
	F(RECORD_I64, "sandbox", sandbox_ns),
	F(RECORD_I64, "deadline", deadline_ns),
	F(RECORD_STRING, "name", name),
	F(RECORD_STRING, "image", image),
	F(RECORD_STRING, "command", command),
	F(RECORD_I64, "created", created_ns),
	F(RECORD_STRING, "podId", pod_id),
	F(RECORD_STRING, "podName", pod_name),
	F(RECORD_STRING, "ports", ports),
	F(RECORD_BOOL, "infra", infra),
	F(RECORD_BOOL, "init", init),
	F(RECORD_BOOL, "working", working),
	F(RECORD_BOOL, "solo", solo),
	{ 0 },
};
const struct record_type container_status_type = { "container state",
						   sizeof(struct container_status), status_fields };

static const bool allowed[STATE__COUNT][STATE__COUNT] = {
	[STATE_CREATED] = { [STATE_INITIALIZED] = true,
			    [STATE_RUNNING] = true,
			    [STATE_EXITED] = true,
			    [STATE_REMOVING] = true,
			    [STATE_RESTARTING] = true },
	[STATE_RUNNING] = { [STATE_PAUSED] = true,
			    [STATE_STOPPING] = true,
			    [STATE_RESTARTING] = true,
			    [STATE_EXITED] = true,
			    [STATE_REMOVING] = true },
	[STATE_PAUSED] = { [STATE_RUNNING] = true,
			   [STATE_STOPPING] = true,
			   [STATE_EXITED] = true,
			   [STATE_REMOVING] = true },
	[STATE_STOPPING] = { [STATE_EXITED] = true, [STATE_REMOVING] = true },
	[STATE_RESTARTING] = { [STATE_RUNNING] = true,
			       [STATE_EXITED] = true,
			       [STATE_RESTARTING] = true,
			       [STATE_REMOVING] = true },
	[STATE_EXITED] = { [STATE_INITIALIZED] = true,
			   [STATE_RUNNING] = true,
			   [STATE_RESTARTING] = true,
			   [STATE_EXITED] = true,
			   [STATE_REMOVING] = true },
	[STATE_INITIALIZED] = { [STATE_RUNNING] = true,
				[STATE_RESTARTING] = true,
				[STATE_EXITED] = true,
				[STATE_REMOVING] = true },
};

bool is_state_step_allowed(enum container_state from, enum container_state to)
{
	return from < STATE__COUNT && to < STATE__COUNT && allowed[from][to];
}

/* Three system calls and no JSON tree. False: read it the general way, which has the messages. */
static bool read_plain(const struct store *s, const char *path, struct container_status *ret)
{
	char text[PLAIN_MAX_BYTES];
	int fd = openat(s->rootfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (fd >= 0)
		(void)close(fd);
	return n > 0 && n < (ssize_t)sizeof(text) &&
	       record_load_flat(&container_status_type, text, (size_t)n, ret) == 0;
}

int status_read(const struct store *s, const char *container_id, struct container_status *ret,
		struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_json json_t *j = NULL;
	int r;

	if (read_plain(s, layout_container(path, container_id, STATUS_FILE), ret))
		return 0;
	r = jload_file(s->rootfd, layout_container(path, container_id, STATUS_FILE),
		       STATUS_MAX_BYTES, &j, err);

	if (r == 0)
		r = record_load(&container_status_type, j, ret, err);
	if (r == -ENOENT && faccessat(s->rootfd, layout_container(path, container_id, NULL), F_OK,
				      AT_SYMLINK_NOFOLLOW) == 0)
		return error_set(err, ENOENT,
				 "the record of container '%.12s' is missing: `podium rm -f %.12s` "
				 "removes what is left of it",
				 container_id, container_id);
	if (r == -ENOENT)
		return error_set(err, ENOENT, "container '%.12s' was removed meanwhile",
				 container_id);
	return r < 0 ? error_wrap(err, "container '%.12s'", container_id) : 0;
}

static int open_spare(const struct store *s, const char *container_id, int flags)
{
	char path[LAYOUT_PATH_MAX];

	return openat(s->rootfd, layout_container(path, container_id, SPARE_FILE),
		      O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, 0600);
}

void status_reserve(const struct store *s, const char *container_id)
{
	cleanup_close int fd = open_spare(s, container_id, O_CREAT);

	if (fd >= 0)
		(void)posix_fallocate(fd, 0, SPARE_BYTES);
}

void status_release(const struct store *s, const char *container_id)
{
	char path[LAYOUT_PATH_MAX];

	(void)unlinkat(s->rootfd, layout_container(path, container_id, SPARE_FILE), 0);
}

static char *status_text(const struct container_status *st)
{
	cleanup_json json_t *j = record_dump(&container_status_type, st);

	return jdump_text(j, 0);
}

/* The text by the block that was kept for it. */
static int write_spare(const struct store *s, const char *container_id, const char *text)
{
	char from[LAYOUT_PATH_MAX], to[LAYOUT_PATH_MAX];
	cleanup_close int fd = open_spare(s, container_id, 0);
	size_t len = strlen(text);

	if (fd < 0)
		return -errno;
	if (len > SPARE_BYTES)
		return -ENOSPC;
	if (pwrite(fd, text, len, 0) != (ssize_t)len || ftruncate(fd, (off_t)len) < 0)
		return -ENOSPC;
	(void)layout_container(from, container_id, SPARE_FILE);
	(void)layout_container(to, container_id, STATUS_FILE);
	if (renameat2(s->rootfd, from, s->rootfd, to, RENAME_EXCHANGE) == 0 ||
	    (errno == EINVAL && renameat(s->rootfd, from, s->rootfd, to) == 0))
		return 0;
	return -errno;
}

static int write_without_room(const struct store *s, const char *container_id,
			      const struct container_status *st, const char *text)
{
	struct container_status less = *st;
	cleanup_free char *shorter = NULL;
	int r = write_spare(s, container_id, text);

	if (r != -ENOSPC)
		return r;
	less.message = less.last.message = NULL;
	shorter = status_text(&less);
	return write_spare(s, container_id, shorter);
}

int status_write(const struct store *s, const char *container_id, const struct container_status *st,
		 struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_free char *text = status_text(st);
	struct error full;
	int r = fs_write_atomic(s->rootfd, layout_container(path, container_id, STATUS_FILE), text,
				strlen(text), 0600, FS_NOSYNC, &full);

	if (r == 0 ||
	    ((r == -ENOSPC || r == -EDQUOT) && write_without_room(s, container_id, st, text) == 0))
		return 0;
	*err = full;
	return r;
}

void status_done(struct container_status *st)
{
	record_done(&container_status_type, st);
}

void status_forget_initialized(struct container_status *st)
{
	struct container_last *last = &st->last;

	/* One that could not be started has an end, and no start. */
	st->state = st->started_ns || st->finished_ns ? STATE_EXITED : STATE_CREATED;
	st->pid = 0;
	st->start_ticks = 0;
	/* The page was turned for a run that did not come. */
	if (st->finished_ns && last->finished_ns == st->finished_ns && !st->reason) {
		st->reason = xstrdup_or_null(last->reason);
		st->message = xstrdup_or_null(last->message);
	}
}

int status_open_process(const struct container_status *st, struct error *err)
{
	struct proc_ident ident = { .pid = (pid_t)st->pid,
				    .start_ticks = (uint64_t)st->start_ticks };

	if (st->pid <= 0 || !st->boot_id)
		return error_set(err, ESRCH, "it has no process");
	(void)snprintf(ident.boot_id, sizeof(ident.boot_id), "%s", st->boot_id);
	return proc_open_ident(&ident, err);
}

static bool is_process_alive(const struct container_status *st)
{
	struct error scratch;
	cleanup_close int fd = status_open_process(st, &scratch);

	return fd >= 0 && is_pidfd_alive(fd);
}

/* What the record says of something whose monitor is there, or that needs none. */
static bool is_record_enough(const struct store *s, const char *container_id,
			     const struct container_status *st, const struct lock_table *seen)
{
	char path[LAYOUT_PATH_MAX];

	if (st->state == STATE_CREATED || st->state == STATE_EXITED)
		return true;
	if (!is_equal(st->boot_id, proc_boot_id()))
		return false;
	/* Somebody who holds the lock of a dead monitor has not written yet. */
	if (st->state == STATE_INITIALIZED && !is_process_alive(st))
		return false;
	if (seen && is_in_lock_table(seen, (uint64_t)st->lock_inode, (pid_t)st->monitor_pid))
		return true;
	if (!st->infra)
		return is_lock_held(s->rootfd, layout_container(path, container_id, MONITOR_LOCK));
	return st->pod_id && is_lock_held(s->rootfd, layout_pod(path, st->pod_id, CONDUCTOR_LOCK));
}

/* The last words of a monitor that ended between the reading of the record and the look at its
 * lock: it wrote them before the lock was free. */
static void read_again(const struct store *s, const char *container_id, struct container_status *st)
{
	struct container_status now = { 0 };
	struct error scratch; /* removed meanwhile: what was read stands */

	if (status_read(s, container_id, &now, &scratch) < 0)
		return;
	status_done(st);
	*st = now;
}

enum container_state status_live(const struct store *s, const char *container_id,
				 struct container_status *st, bool *ret_lost)
{
	return status_live_among(s, container_id, st, NULL, ret_lost);
}

enum container_state status_live_among(const struct store *s, const char *container_id,
				       struct container_status *st, const struct lock_table *seen,
				       bool *ret_lost)
{
	*ret_lost = false;
	if (is_record_enough(s, container_id, st, seen))
		return (enum container_state)st->state;
	read_again(s, container_id, st);
	if (is_record_enough(s, container_id, st, NULL))
		return (enum container_state)st->state;
	/* What was prepared has ended with its monitor. */
	if (st->state == STATE_INITIALIZED) {
		status_forget_initialized(st);
		return (enum container_state)st->state;
	}
	if (is_equal(st->boot_id, proc_boot_id()) && is_process_alive(st)) {
		*ret_lost = true;
		return (enum container_state)st->state;
	}
	if (st->state == STATE_REMOVING)
		return STATE_REMOVING;
	/* A reboot or a crash ended it, and nobody saw the exit code. */
	st->exit_unknown = true;
	st->state = STATE_EXITED;
	return STATE_EXITED;
}
