/* SPDX-License-Identifier: Apache-2.0 */
/*
 * streams - whether a start gives away the standard streams of its command.
 *
 * Theory of operation: a pod that ever had a container with the log driver 'passthrough' has a mark,
 * so that a start of all others reads nothing more. The mark stays when that container goes: the specs
 * of what is to be started decide.
 */
#include <fcntl.h>
#include <unistd.h>

#include "engine/base/str.h"
#include "engine/pod/internal.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"
#include "engine/state/status.h"

bool is_passing_streams(const struct store *s, const char *id)
{
	struct container_spec spec = { 0 };
	struct error scratch; /* what cannot be read is not started either */
	bool is_it = lookup_read_container(s, id, &spec, &scratch) == 0 &&
		     spec.log.driver == LOG_PASSTHROUGH;

	record_done(&container_spec_type, &spec);
	return is_it;
}

/* Or will by itself. */
static bool is_running(const struct store *s, const char *id)
{
	struct container_status st = { 0 };
	struct error scratch; /* as above */
	enum container_state state = STATE_CREATED;
	bool lost = false;

	if (status_read(s, id, &st, &scratch) == 0)
		state = status_live(s, id, &st, &lost);
	status_done(&st);
	return lost || state == STATE_RUNNING || state == STATE_PAUSED || state == STATE_RESTARTING;
}

/* As start_members() of engine/conductor/clients.c; a new conductor runs the init containers, too. */
static bool is_to_start(const struct container_ref *ref, const char *container_id, bool conducted)
{
	if (container_id && is_equal(ref->id, container_id))
		return true;
	return ref->init ? !conducted || (ref->sidecar && !container_id) : !container_id;
}

bool is_start_passing(const struct store *s, const char *pod_id, const char *container_id)
{
	char path[LAYOUT_PATH_MAX];
	struct pod_spec pod = { 0 };
	struct error scratch; /* as above */
	bool conducted, is_it = false;

	if (faccessat(s->rootfd, layout_pod(path, pod_id, POD_STDIO_FILE), F_OK, 0) < 0)
		return false;
	conducted = is_pod_conducted(s, pod_id);
	if (lookup_read_pod(s, pod_id, &pod, &scratch) == 0)
		for (size_t i = 0; i < pod.containers.n && !is_it; i++)
			is_it = is_to_start(&pod.containers.v[i], container_id, conducted) &&
				is_passing_streams(s, pod.containers.v[i].id) &&
				!is_running(s, pod.containers.v[i].id);
	record_done(&pod_spec_type, &pod);
	return is_it;
}
