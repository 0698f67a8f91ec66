/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rename - another name for a container.
 *
 * Theory of operation: under the pod's lock and the names lock: claim of the new name, spec.json and
 * pod.json (for starts that come), state.json (which listings and the claims go by: the moment of the
 * change), end of the old claim. state.json of a container that has a monitor is written by that
 * one. Killed before it is written the container has its old name, and after that its new one; the
 * claim that is left over is taken by whoever wants that name. What runs is not touched.
 */
#include <errno.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/pod/internal.h"
#include "engine/pod/names.h"
#include "engine/pod/pod.h"
#include "engine/process/ctl.h"
#include "engine/state/status.h"

#define ANSWER_MS    5000
#define ASK_AGAIN_MS 20

struct renaming {
	const struct store *store;
	const char *id;
	const char *name;
	struct container_status status;
};

static void replace_text(char **text, const char *value)
{
	free(*text);
	*text = xstrdup(value);
}

/* Rewrites a record; members that a newer version wrote are kept. */
static int rewrite(const struct renaming *n, const char *path, const struct record_type *type,
		   void (*change)(const struct renaming *n, void *obj), struct error *err)
{
	cleanup_json json_t *old = NULL;
	cleanup_json json_t *j = NULL;
	cleanup_free char *text = NULL;
	cleanup_free void *obj = xcalloc(1, type->size);
	int r = jload_file(n->store->rootfd, path, POD_RECORD_MAX, &old, err);

	if (r == 0)
		r = record_load(type, old, obj, err);
	if (r < 0)
		return r;
	change(n, obj);
	j = record_dump(type, obj);
	record_merge_unknown(type, j, old);
	text = jdump_text(j, 1);
	record_done(type, obj);
	return fs_write_atomic(n->store->rootfd, path, text, strlen(text), 0600, FS_SYNC, err);
}

/* In a pod that was played the short name is the manifest's. */
static void change_spec(const struct renaming *n, void *obj)
{
	struct container_spec *c = obj;

	if (is_equal(c->name, c->full_name))
		replace_text(&c->name, n->name);
	replace_text(&c->full_name, n->name);
}

static void change_pod(const struct renaming *n, void *obj)
{
	struct pod_spec *pod = obj;

	if (pod->solo)
		replace_text(&pod->name, n->name);
	for (size_t i = 0; i < pod->containers.n; i++) {
		struct container_ref *ref = &pod->containers.v[i];

		if (is_equal(ref->id, n->id) && is_equal(ref->name, n->status.name))
			replace_text(&ref->name, n->name);
	}
}

static int ask_monitor(const struct renaming *n, struct error *err)
{
	cleanup_close int fd = ctl_connect(n->store, n->id, err);
	struct ctl_msg msg;
	int r = fd;

	if (fd >= 0)
		r = ctl_send(fd, CTL_RENAME, 0, n->name);
	if (r == 0)
		r = ctl_wait(fd, ANSWER_MS, &msg);
	if (r > 0 && msg.type == CTL_OK)
		return 0;
	return error_set(err, EBUSY, "the monitor of container '%.12s' does not answer", n->id);
}

static int write_status_once(const struct renaming *n, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	struct container_status st = { 0 };
	struct error scratch;
	cleanup_close int lock =
		lock_take(n->store->rootfd, layout_container(path, n->id, MONITOR_LOCK),
			  LOCK_EXCLUSIVE, LOCK_PROBE_MS, &scratch);
	int r;

	if (lock == -ETIMEDOUT)
		return ask_monitor(n, err);
	if (lock < 0)
		return error_set(err, -lock, "%s", scratch.text);
	r = status_read(n->store, n->id, &st, err);
	if (r < 0)
		return r;
	replace_text(&st.name, n->name);
	if (st.solo)
		replace_text(&st.pod_name, n->name);
	r = status_write(n->store, n->id, &st, err);
	status_done(&st);
	return r;
}

/* A monitor that begins does not listen yet, one that ends not any more: it is asked again, or has
 * let its lock go. */
static int write_status(const struct renaming *n, struct error *err)
{
	int64_t deadline = clock_mono_ms() + ANSWER_MS;
	int r;

	while ((r = write_status_once(n, err)) == -EBUSY && clock_mono_ms() < deadline)
		(void)usleep(ASK_AGAIN_MS * 1000);
	return r;
}

static int write_records(void *arg, struct error *err)
{
	const struct renaming *n = arg;
	char path[LAYOUT_PATH_MAX];
	int r = rewrite(n, layout_container(path, n->id, CONTAINER_RECORD), &container_spec_type,
			change_spec, err);

	STOP_AT("rename:spec");
	if (r == 0 && n->status.pod_id)
		r = rewrite(n, layout_pod(path, n->status.pod_id, POD_RECORD), &pod_spec_type,
			    change_pod, err);
	return r < 0 ? r : write_status(n, err);
}

static int rename_locked(struct renaming *n, struct error *err)
{
	char target[LAYOUT_PATH_MAX];
	const struct names_move move = { .from = n->status.name,
					 .to = n->name,
					 .target = layout_container(target, n->id, NULL),
					 .record = write_records,
					 .arg = n };

	return names_move(n->store, &move, err);
}

int container_rename(const struct store *s, const char *id, const char *name, struct error *err)
{
	struct renaming n = { .store = s, .id = id, .name = name };
	char path[LAYOUT_PATH_MAX];
	cleanup_close int lock = -EBADF;
	int r = status_read(s, id, &n.status, err);

	if (r == 0 && n.status.infra)
		r = error_set(err, EINVAL, "an infra container is called after its pod");
	if (r == 0 && (!n.status.name || !n.status.pod_id))
		r = error_set(err, EBADMSG, "the record of container '%.12s' has no name", id);
	if (r == 0)
		r = lock = lock_take(s->rootfd, layout_pod(path, n.status.pod_id, POD_LOCK),
				     LOCK_EXCLUSIVE, POD_LOCK_WAIT_MS, err);
	if (r >= 0) { /* another one may have renamed it before */
		status_done(&n.status);
		n.status = (struct container_status){ 0 };
		r = status_read(s, id, &n.status, err);
	}
	if (r == 0)
		r = is_equal(n.status.name, name)
			    ? error_set(err, EEXIST, "container '%.12s' is called '%s' already", id,
					name)
			    : rename_locked(&n, err);
	status_done(&n.status);
	return r < 0 ? r : 0;
}
