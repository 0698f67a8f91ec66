/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service - which pods a service container stands for.
 *
 * Theory of operation: the records of all pods are read; asked is when the last of them has ended or
 * is removed, and before the container is removed by hand.
 */
#include "engine/pod/service.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/pod/lookup.h"
#include "engine/state/status.h"

#define LISTED_MAX_BYTES 65536

int service_pods(const struct store *s, const char *id, struct strlist *ret, struct error *err)
{
	cleanup_strlist struct strlist pods = { 0 };
	int r = lookup_list_pods(s, &pods, err);

	for (size_t i = 0; i < pods.n && r == 0; i++) {
		struct pod_spec pod = { 0 };
		struct error scratch; /* a damaged record names nobody */

		if (lookup_read_pod(s, pods.v[i], &pod, &scratch) == 0 && is_equal(pod.service, id))
			strlist_add(ret, pods.v[i]);
		record_done(&pod_spec_type, &pod);
	}
	return r;
}

int service_check_unused(const struct store *s, const char *id, struct error *err)
{
	cleanup_strlist struct strlist pods = { 0 };
	cleanup_buf struct buf list = BUF_INIT(LISTED_MAX_BYTES);
	int r = service_pods(s, id, &pods, err);

	if (r < 0 || !pods.n)
		return r;
	for (size_t i = 0; i < pods.n; i++)
		buf_printf(&list, "%s%s", i ? "," : "", pods.v[i]);
	return error_set(err, EINVAL,
			 "container %s is the service container of pod(s) %s and cannot be removed "
			 "without removing the pod(s)",
			 id, list.data);
}

int service_own_pod(const struct store *s, const char *id, char ret_pod_id[65], struct error *err)
{
	struct container_status st = { 0 };
	int r = status_read(s, id, &st, err);

	if (r == 0 && !(st.solo && st.pod_id && is_id(st.pod_id)))
		r = error_set(err, ENOENT, "container '%.12s' is no service container", id);
	if (r == 0)
		memcpy(ret_pod_id, st.pod_id, 65);
	status_done(&st);
	return r;
}

struct outcome {
	size_t ended;
	size_t failed;
};

/* One whose end nobody saw, or that a user has stopped, says nothing. */
static void add_outcome(const struct store *s, const struct pod_spec *pod, struct outcome *o)
{
	for (size_t i = 0; i < pod->containers.n; i++) {
		struct container_status st = { 0 };
		struct error scratch; /* gone, or damaged: nothing is known of it */

		if (status_read(s, pod->containers.v[i].id, &st, &scratch) == 0 &&
		    st.state == STATE_EXITED && !st.exit_unknown && !st.stopped_by_user) {
			o->ended++;
			o->failed += st.exit_code != 0;
		}
		status_done(&st);
	}
}

bool has_service_failed(const struct store *s, const char *id, int policy)
{
	cleanup_strlist struct strlist pods = { 0 };
	struct outcome o = { 0 };
	struct error scratch;

	if (policy == SERVICE_EXIT_NONE || service_pods(s, id, &pods, &scratch) < 0)
		return false;
	for (size_t i = 0; i < pods.n; i++) {
		struct pod_spec pod = { 0 };

		if (lookup_read_pod(s, pods.v[i], &pod, &scratch) == 0)
			add_outcome(s, &pod, &o);
		record_done(&pod_spec_type, &pod);
	}
	return policy == SERVICE_EXIT_ANY ? o.failed > 0 : o.ended > 0 && o.failed == o.ended;
}
