/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot - what is started after a boot.
 *
 * Theory of operation: `podium start --all --filter should-start-on-boot=true` does it, from
 * podium-restart.service. "unless-stopped" means: unless its user stopped it. When the machine goes
 * down that unit stops all of them, which is no user's wish: the mark that every stop leaves is taken
 * off again, under the lock of the container's monitor, which has ended by then.
 */
#include <errno.h>

#include "engine/base/lock.h"
#include "engine/pod/pod.h"
#include "engine/state/status.h"

#define MONITOR_END_MS 5000

bool is_started_on_boot(const struct container_spec *spec, const struct container_status *st)
{
	if (spec->kind != CONTAINER_MEMBER || spec->restart != RESTART_ALWAYS)
		return false;
	return !spec->unless_stopped || (st->state != STATE_CREATED &&
					 st->state != STATE_INITIALIZED && !st->stopped_by_user);
}

static int take_mark_off(const struct store *s, const char *id, struct error *err)
{
	struct container_status st = { 0 };
	int r = status_read(s, id, &st, err);

	if (r == 0 && st.stopped_by_user) {
		st.stopped_by_user = false;
		r = status_write(s, id, &st, err);
	}
	status_done(&st);
	return r;
}

int container_return_on_boot(const struct store *s, const char *id, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_close int lock = lock_take(s->rootfd, layout_container(path, id, MONITOR_LOCK),
					   LOCK_EXCLUSIVE, MONITOR_END_MS, err);
	int r = lock < 0 ? lock : take_mark_off(s, id, err);

	/* Removed by itself, or started by somebody else. */
	return r == -ENOENT || r == -ESTALE || r == -ETIMEDOUT ? 0 : r;
}
