/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netusers - a network is in use when a pod's record names it, also a stopped one's.
 *
 * Theory of operation: the records of all pods are read; only commands about networks ask.
 */
#include "engine/pod/netusers.h"

#include <errno.h>
#include <string.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/net/netnames.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"

#define POD_LOCK_MS	 10000
#define RECORD_MAX_BYTES (8 * 1024 * 1024)

bool is_network_user(const struct pod_spec *pod, const char *network)
{
	if (pod->network != NETWORK_BRIDGE)
		return false;
	for (size_t i = 0; i < pod->networks.n; i++)
		if (is_equal(pod->networks.v[i].network, network))
			return true;
	return pod->networks.n == 0 && strcmp(network, NET_DEFAULT) == 0;
}

int network_users(const struct store *s, const char *network, struct strlist *ret,
		  struct error *err)
{
	cleanup_strlist struct strlist pods = { 0 };
	int r = lookup_list_pods(s, &pods, err);

	for (size_t i = 0; i < pods.n && r == 0; i++) {
		struct pod_spec pod = { 0 };
		struct error scratch;

		if (lookup_read_pod(s, pods.v[i], &pod, &scratch) < 0)
			continue;
		if (is_network_user(&pod, network))
			strlist_add(ret, pods.v[i]);
		record_done(&pod_spec_type, &pod);
	}
	return r;
}

int pod_change_networks(const struct store *s, const char *pod_id, pod_networks_fn change,
			void *arg, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_close int lock = lock_take(s->rootfd, layout_pod(path, pod_id, POD_LOCK),
					   LOCK_EXCLUSIVE, POD_LOCK_MS, err);
	cleanup_json json_t *old = NULL, *j = NULL;
	cleanup_free char *text = NULL;
	struct pod_spec pod = { 0 };
	int r = lock < 0 ? lock
			 : jload_file(s->rootfd, layout_pod(path, pod_id, POD_RECORD),
				      RECORD_MAX_BYTES, &old, err);

	if (r == 0)
		r = record_load(&pod_spec_type, old, &pod, err);
	if (r == 0)
		r = change(&pod, arg, err);
	if (r == 0) {
		j = record_dump(&pod_spec_type, &pod);
		record_merge_unknown(&pod_spec_type, j, old);
		text = jdump_text(j, 1);
		r = fs_write_atomic(s->rootfd, path, text, strlen(text), 0600, FS_SYNC, err);
	}
	record_done(&pod_spec_type, &pod);
	return r;
}
