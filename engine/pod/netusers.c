/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netusers - a network is in use when a pod's record names it, also a stopped one's.
 *
 * Theory of operation: the records of all pods are read; only commands about networks ask.
 */
#include "engine/pod/netusers.h"

#include <string.h>

#include "engine/net/netnames.h"
#include "engine/pod/lookup.h"

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
