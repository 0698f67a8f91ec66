/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remove - the ways down of creation: containers, names, pod directory.
 *
 * Theory of operation: works on whatever is there, complete or debris. The mark "removing" comes
 * first, so that a crash leaves a pod that is named as such and removed by the next try; the pod
 * directory goes last, since it is what the others are found by. Names are given back by the
 * records, or by a scan when the records cannot be read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/seams.h"
#include "engine/pod/internal.h"
#include "engine/pod/lookup.h"
#include "engine/pod/names.h"
#include "engine/pod/pod.h"
#include "engine/pod/run.h"
#include "engine/pod/service.h"
#include "engine/rootfs/hostmount.h"
#include "engine/rootfs/overlay.h"
#include "engine/state/eventlog.h"
#include "engine/state/events.h"
#include "engine/state/status.h"
#include "engine/volumes/provide.h"

#define MONITOR_WAIT_MS 3000
#define SHORT_WAIT_MS	20
#define SWEPT_PREFIX	"swept-" /* and the boot id: in RUNROOT */
#define STOP_WAIT_MS	30000
#define RETRY_US	5000

static int mark_removing(const struct store *s, const char *pod_id, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	int fd = openat(s->rootfd, layout_pod(path, pod_id, POD_REMOVING_FILE),
			O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	/* A full disk must not keep anybody from removing. */
	if (fd < 0 && errno != ENOSPC && errno != ENOENT)
		return error_errno(err, "mark pod '%.12s' as removed", pod_id);
	if (fd >= 0)
		(void)close(fd);
	return 0;
}

int container_unmake(const struct store *s, const char *id, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	struct container_status st = { 0 };
	struct error scratch;
	bool known;
	int r = 0;

	(void)layout_container(path, id, NULL);
	known = status_read(s, id, &st, &scratch) == 0 && st.name;
	if (known)
		r = names_release(s, st.name, path, err);
	else
		r = names_release_all(s, path, err);
	if (r == 0)
		r = hostmount_remove(s, id, true, err);
	if (r == 0)
		r = rootfs_remove(s->rootfd, id, err);
	if (r == 0 && s->runfd >= 0) /* of a member of a pod that goes on */
		r = fs_remove_tree(s->runfd, path, err);
	if (r == 0)
		r = fs_remove_tree(s->rootfd, path, err);
	if (r == 0 && known)
		event_log_container(s, "remove", id, &st);
	status_done(&st);
	return r;
}

/* Rewrites pod.json without the container; members that a newer version wrote are kept. */
static int forget_container(const struct store *s, const char *pod_id, const char *id,
			    struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	struct pod_spec pod = { 0 };
	cleanup_json json_t *old = NULL;
	cleanup_json json_t *j = NULL;
	cleanup_free char *text = NULL;
	size_t kept = 0;
	int r = jload_file(s->rootfd, layout_pod(path, pod_id, POD_RECORD), POD_RECORD_MAX, &old,
			   err);

	if (r == 0)
		r = record_load(&pod_spec_type, old, &pod, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < pod.containers.n; i++) {
		struct container_ref *ref = &pod.containers.v[i];

		if (is_equal(ref->id, id)) {
			free(ref->id);
			free(ref->name);
		} else {
			pod.containers.v[kept++] = *ref;
		}
	}
	pod.containers.n = kept;
	j = record_dump(&pod_spec_type, &pod);
	record_merge_unknown(&pod_spec_type, j, old);
	text = jdump_text(j, 1);
	r = fs_write_atomic(s->rootfd, path, text, strlen(text), 0600, FS_SYNC, err);
	record_done(&pod_spec_type, &pod);
	return r;
}

/* A full disk must not keep anybody from removing: what the container has goes before its pod's record is
 * written, when that needs the room. */
static int forget_in_record(const struct store *s, const char *pod_id, const char *id,
			    struct error *err)
{
	struct error full;
	int r = forget_container(s, pod_id, id, &full);

	if (r == -ENOSPC || r == -EDQUOT) {
		status_release(s, id);
		r = rootfs_remove(s->rootfd, id, &full);
		if (r == 0)
			r = forget_container(s, pod_id, id, &full);
	}
	if (r < 0)
		*err = full;
	return r;
}

/* Keeps monitors away from what is removed: one that has just begun is no longer to be stopped. */
static int lock_out_monitor(const struct store *s, const char *id, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	int r = lock_take(s->rootfd, layout_container(path, id, MONITOR_LOCK), LOCK_EXCLUSIVE,
			  MONITOR_WAIT_MS, err);

	if (r == -ETIMEDOUT)
		return error_set(err, EBUSY, "container '%.12s' was started meanwhile", id);
	return r;
}

static bool is_container_there(const struct store *s, const char *id)
{
	char path[LAYOUT_PATH_MAX];

	return faccessat(s->rootfd, layout_container(path, id, NULL), F_OK, AT_SYMLINK_NOFOLLOW) ==
	       0;
}

int pod_remove_container(const struct store *s, const char *container_id, struct error *err)
{
	char path[LAYOUT_PATH_MAX], pod_id[65];
	cleanup_close int lock = -EBADF;
	cleanup_close int monitor = -EBADF;
	struct error scratch; /* without a pod only the container goes */
	bool is_member = lookup_owner(s, container_id, pod_id, &scratch) == 0;
	int r = 0;

	if (is_member)
		r = lock = lock_take(s->rootfd, layout_pod(path, pod_id, POD_LOCK), LOCK_EXCLUSIVE,
				     POD_LOCK_WAIT_MS, err);
	if (r >= 0 && !is_container_there(s, container_id))
		r = error_set(err, ENOENT, "container '%.12s' was removed meanwhile", container_id);
	if (r >= 0)
		r = monitor = lock_out_monitor(s, container_id, err);
	if (r >= 0 && is_member)
		r = forget_in_record(s, pod_id, container_id, err);
	STOP_AT("remove-member:record");
	if (r >= 0 && is_member)
		pod_tell_changed(s, pod_id);
	if (r >= 0)
		r = container_unmake(s, container_id, err);
	return r < 0 ? r : 0;
}

/* The directory. Killed half-way it is found by its record as one that is being removed: what says that
 * it is complete goes first, then what takes long. */
static int remove_directory(const struct store *s, const char *pod_id, struct error *err)
{
	static const char *const first[] = { POD_COMPLETE_FILE, "volumes", NULL };
	char path[LAYOUT_PATH_MAX];
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(first) && r == 0; i++)
		r = fs_remove_tree(s->rootfd, layout_pod(path, pod_id, first[i]), err);
	return r;
}

static int remove_names(const struct store *s, const struct pod_run *run, struct error *err)
{
	char target[LAYOUT_PATH_MAX];

	(void)layout_pod(target, run->pod_id, NULL);
	if (run->pod.name)
		return names_release(s, run->pod.name, target, err);
	return names_release_all(s, target, err);
}

/* Ends a conductor that was started while the removal was decided. The mark is there: one that has
 * not looked yet will see it and end by itself. */
static int end_conductor(const struct store *s, const char *pod_id, struct error *err)
{
	int64_t deadline = clock_mono_ms() + POD_LOCK_WAIT_MS;

	while (is_pod_conducted(s, pod_id)) {
		struct error scratch;
		int fd = -1;

		if (pod_stop_begin(s, pod_id, 0, true, &fd, &scratch) == 0) {
			int r = run_await_stop(s, pod_id, fd, STOP_WAIT_MS, err);

			if (r == 1)
				r = run_down_unconducted(s, pod_id, true, err);
			if (r < 0 && r != -EBUSY)
				return r;
			continue;
		}
		if (clock_mono_ms() >= deadline)
			return error_set(err, EBUSY, "pod '%.12s' was started meanwhile", pod_id);
		(void)usleep(RETRY_US);
	}
	return 0;
}

/* To the log of everything. */
static void tell_log(const struct store *s, const struct pod_spec *pod)
{
	struct eventlog_entry e = {
		.type = "pod",
		.status = "remove",
		.id = pod->id,
		.name = pod->name,
	};

	if (pod->id && !pod->solo && !is_equal(pod->owner, POD_OWNER_BUILD))
		event_log(s, &e);
}

/* What a conductor left that was killed. */
static bool has_run_files(const struct pod_run *run)
{
	char path[LAYOUT_PATH_MAX];
	int dir = run->store->runfd;
	bool has = dir >= 0 && faccessat(dir, layout_pod(path, run->pod_id, NULL), F_OK, 0) == 0;

	for (size_t i = 0; i < run->container_ids.n && dir >= 0 && !has; i++)
		has = faccessat(dir, layout_container(path, run->container_ids.v[i], NULL), F_OK,
				0) == 0;
	return has;
}

/* For who holds the pod's lock and has marked it: nobody conducts it. */
static int remove_marked(const struct store *s, const char *pod_id, struct error *err)
{
	struct pod_run run;
	struct error scratch;
	int r = pod_run_open(&run, s, pod_id, false, err);

	if (r < 0)
		return r;
	run.to_remove = true;
	if (has_run_files(&run))
		r = run_stages_down(&run, err);
	else /* groups outlive a runtime directory that was lost; else there are none */
		error_ignore(cgroup_remove_pod(&run.cg, pod_id, &scratch));
	for (size_t i = 0; i < run.container_ids.n && r == 0; i++)
		r = container_unmake(s, run.container_ids.v[i], err);
	STOP_AT("remove:containers");
	if (r == 0)
		r = remove_names(s, &run, err);
	STOP_AT("remove:names");
	if (r == 0)
		tell_log(s, &run.pod);
	cgroup_prune(&run.cg);
	pod_run_close(&run);
	return r < 0 ? r : remove_directory(s, pod_id, err);
}

/* For who holds the pod's lock. */
static int remove_locked(const struct store *s, const char *pod_id, struct error *err)
{
	int r = mark_removing(s, pod_id, err);

	STOP_AT("remove:mark");
	if (r == 0)
		r = pod_drop_half_added(s, pod_id, err);
	if (r == 0)
		r = end_conductor(s, pod_id, err);
	return r < 0 ? r : remove_marked(s, pod_id, err);
}

/* Who removes a pod holds its lock and waits for the conductor: that one must not wait for the lock. */
static int lock_unless_removed(const struct store *s, const char *pod_id, struct error *err)
{
	int64_t deadline = clock_mono_ms() + POD_LOCK_WAIT_MS;
	char path[LAYOUT_PATH_MAX];
	int r = -ETIMEDOUT;

	while (r == -ETIMEDOUT && clock_mono_ms() < deadline) {
		if (lookup_pod_phase(s, pod_id) == POD_REMOVING)
			return -ENOENT;
		r = lock_take(s->rootfd, layout_pod(path, pod_id, POD_LOCK), LOCK_EXCLUSIVE,
			      SHORT_WAIT_MS, err);
	}
	return r;
}

/* Its pause ends well, as when the last pod has ended: whoever watches the service sees no failure. */
static int end_service(const struct store *s, const char *pod_id, struct error *err)
{
	struct error scratch; /* it does not run, or is ending by itself */
	int fd;

	if (pod_stop_begin(s, pod_id, -1, false, &fd, &scratch) < 0)
		return 0;
	return run_await_stop(s, pod_id, fd, STOP_WAIT_MS, err);
}

int pod_release_service(const struct store *s, const char *id, struct error *err)
{
	cleanup_strlist struct strlist pods = { 0 };
	char path[LAYOUT_PATH_MAX], own[65];
	cleanup_close int lock = -EBADF;
	int r = service_pods(s, id, &pods, err);

	if (r < 0 || pods.n)
		return r;
	r = service_own_pod(s, id, own, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	lock = lock_unless_removed(s, own, err);
	if (lock < 0)
		return lock == -ESTALE || lock == -ENOENT ? 0 : lock;
	r = service_pods(s, id, &pods, err); /* a play may have made some since */
	if (r < 0 || pods.n)
		return r;
	if (faccessat(s->rootfd, layout_pod(path, own, NULL), F_OK, 0) < 0)
		return 0;
	r = end_service(s, own, err);
	return r < 0 ? r : remove_locked(s, own, err);
}

/* The service container that the pod's record names. The caller owns it; or NULL. */
static char *read_service(const struct store *s, const char *pod_id)
{
	struct pod_spec pod = { 0 };
	struct error scratch; /* a damaged record: the service is removed by hand */
	char *id = NULL;

	if (lookup_read_pod(s, pod_id, &pod, &scratch) == 0 && pod.service && is_id(pod.service))
		id = steal_ptr(&pod.service);
	record_done(&pod_spec_type, &pod);
	return id;
}

/* The pod is gone, whatever becomes of its service container: that ends by itself, and is listed until
 * somebody removes it. */
static void release_after(const struct store *s, const char *service)
{
	struct error why, scratch;
	char own[65];

	if (pod_release_service(s, service, &why) < 0 &&
	    service_own_pod(s, service, own, &scratch) == 0)
		event_add(s, own, true, "FailedRemove", NULL,
			  "The service container outlives its last pod: %s", why.text);
}

int pod_remove(const struct store *s, const char *pod_id, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_free char *service = NULL;
	cleanup_close int lock = -EBADF;
	int r;

	if (faccessat(s->rootfd, layout_pod(path, pod_id, NULL), F_OK, 0) < 0)
		return 0;
	lock = lock_take(s->rootfd, layout_pod(path, pod_id, POD_LOCK), LOCK_EXCLUSIVE,
			 POD_LOCK_WAIT_MS, err);
	if (lock < 0)
		/* Another command removed it just then. */
		return lock == -ESTALE || lock == -ENOENT
			       ? 0
			       : error_wrap(err, "remove pod '%.12s'", pod_id);
	service = read_service(s, pod_id);
	r = remove_locked(s, pod_id, err);
	(void)close(steal_fd(&lock));
	if (r == 0 && service)
		release_after(s, service);
	return r;
}

int pod_remove_conducted(const struct store *s, const char *pod_id, struct error *err)
{
	cleanup_close int lock = lock_unless_removed(s, pod_id, err);
	cleanup_strlist struct strlist volumes = { 0 };
	struct error scratch; /* of a damaged pod they stay: `volume prune` takes them */
	int r;

	if (lock < 0)
		return lock == -ESTALE || lock == -ENOENT ? 0 : lock;
	r = mark_removing(s, pod_id, err);
	STOP_AT("auto-remove:mark");
	if (r == 0)
		error_ignore(volumes_anonymous_of_pod(s, pod_id, &volumes, &scratch));
	if (r == 0)
		r = remove_marked(s, pod_id, err);
	return r < 0 ? r : volumes_remove_unused(s, &volumes, err);
}

/* A pod that came with a container that has removed itself, unless others have joined it. */
static int remove_left_pod(const struct store *s, const char *pod_id, struct error *err)
{
	cleanup_close int lock = lock_unless_removed(s, pod_id, err);
	struct pod_spec pod = { 0 };
	int r;

	if (lock < 0)
		return lock == -ESTALE || lock == -ENOENT ? 0 : lock;
	r = lookup_read_pod(s, pod_id, &pod, err);
	if (r == 0 && pod.remove_with_members && pod.containers.n == 0)
		r = remove_locked(s, pod_id, err);
	record_done(&pod_spec_type, &pod);
	return r;
}

int pod_remove_ended(const struct store *s, const char *container_id, struct error *err)
{
	cleanup_strlist struct strlist volumes = { 0 };
	struct container_status st = { 0 };
	struct error scratch; /* as above */
	int r = status_read(s, container_id, &st, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	error_ignore(volumes_anonymous_of(s, container_id, &volumes, &scratch));
	r = pod_remove_container(s, container_id, err);
	if (r == 0)
		r = volumes_remove_unused(s, &volumes, err);
	if (r == 0 && st.pod_id)
		r = remove_left_pod(s, st.pod_id, err);
	status_done(&st);
	return r;
}

/* ---- what was to remove itself ------------------------------------------------------------ */

void pod_await_end(const struct store *s, const char *pod_id)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_close int fd = openat(s->rootfd, layout_pod(path, pod_id, CONDUCTOR_LOCK),
				      O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0)
		(void)flock(fd, LOCK_SH);
}

bool container_await_removal(const struct store *s, const char *container_id, int timeout_ms)
{
	int64_t deadline = clock_mono_ms() + timeout_ms;
	char path[LAYOUT_PATH_MAX];

	while (faccessat(s->rootfd, layout_container(path, container_id, NULL), F_OK, 0) == 0) {
		if (clock_mono_ms() >= deadline)
			return false;
		(void)usleep(RETRY_US);
	}
	return true;
}

static int sweep_one(const struct store *s, const char *id, struct error *err)
{
	struct container_status st = { 0 };
	struct container_spec spec = { 0 };
	bool lost = false, is_over;
	int r = status_read(s, id, &st, err);

	is_over = r == 0 && !st.infra && st.state != STATE_CREATED && st.pod_id &&
		  status_live(s, id, &st, &lost) == STATE_EXITED && !is_pod_conducted(s, st.pod_id);
	if (is_over)
		r = lookup_read_container(s, id, &spec, err);
	if (is_over && r == 0 && spec.auto_remove)
		r = st.solo ? pod_remove_conducted(s, st.pod_id, err)
			    : pod_remove_ended(s, id, err);
	record_done(&container_spec_type, &spec);
	status_done(&st);
	return r;
}

/* A record that the machine's end has torn before it was on the disk. */
static bool is_torn(const struct store *s, const char *path)
{
	struct stat st;

	return fstatat(s->rootfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	       st.st_size == 0;
}

static void sweep_torn(const struct store *s)
{
	cleanup_strlist struct strlist pods = { 0 };
	cleanup_strlist struct strlist containers = { 0 };
	char path[LAYOUT_PATH_MAX];
	struct error scratch;

	error_ignore(lookup_list_pods(s, &pods, &scratch));
	for (size_t i = 0; i < pods.n; i++)
		if (is_torn(s, layout_pod(path, pods.v[i], POD_RECORD)))
			error_ignore(pod_remove(s, pods.v[i], &scratch));
	error_ignore(lookup_list_containers(s, &containers, &scratch));
	for (size_t i = 0; i < containers.n; i++)
		if (is_torn(s, layout_container(path, containers.v[i], CONTAINER_RECORD)))
			error_ignore(container_unmake(s, containers.v[i], &scratch));
}

void pod_sweep(const struct store *s)
{
	cleanup_strlist struct strlist ids = { 0 };
	struct error scratch; /* what cannot be removed now is seen in listings */
	char mark[sizeof(SWEPT_PREFIX) + BOOT_ID_LEN];

	/* RUNROOT may outlive the boot. */
	(void)snprintf(mark, sizeof(mark), SWEPT_PREFIX "%s", proc_boot_id());
	if (s->runfd < 0 || faccessat(s->runfd, mark, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return;
	sweep_torn(s);
	error_ignore(lookup_list_containers(s, &ids, &scratch));
	for (size_t i = 0; i < ids.n; i++)
		error_ignore(sweep_one(s, ids.v[i], &scratch));
	error_ignore(fs_write_atomic(s->runfd, mark, "", 0, 0600, FS_NOSYNC, &scratch));
}
