/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network_record - network.json, and what the records say of one pod's network.
 *
 * Theory of operation: everything here is files below RUNROOT. It stands apart from network.c and
 * net.c because the command reads records, too, and must not link netlink for that: what talks to
 * the kernel is podium-net alone.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/str.h"
#include "engine/net/ipam.h"
#include "engine/net/net.h"
#include "engine/net/network.h"
#include "engine/pod/spec.h"
#include "engine/state/layout.h"

#define CONFIG_MAX 4096

void network_derive(struct network *n)
{
	n->gateway4 = ip_prefix_at(&n->subnet4, 1);
	n->gateway6 = ip_prefix_at(&n->subnet6, 1);
}

int network_load(int dirfd, struct network *ret, struct error *err)
{
	cleanup_json json_t *j = NULL;
	const char *bridge, *four, *six, *store;
	struct network n = { 0 };
	struct error scratch;
	int r = jload_file(dirfd, "network.json", CONFIG_MAX, &j, &scratch);

	if (r < 0) {
		if (r != -ENOENT)
			*err = scratch;
		return r;
	}
	bridge = jget_str(j, "bridge");
	four = jget_str(j, "subnet4");
	six = jget_str(j, "subnet6");
	store = jget_str(j, "store");
	if (!bridge || !four || !six || !store || strlen(bridge) > LINK_NAME_MAX ||
	    ip_prefix_parse(four, &n.subnet4) < 0 || ip_prefix_parse(six, &n.subnet6) < 0 ||
	    n.subnet4.addr.family != AF_INET || n.subnet4.bits != POOL4_BITS ||
	    n.subnet6.addr.family != AF_INET6 || n.subnet6.bits != POOL6_BITS ||
	    parse_u64(store, UINT64_MAX, &n.store) < 0)
		return error_set(err, EBADMSG, "'network.json' is corrupt");
	(void)snprintf(n.bridge, sizeof(n.bridge), "%s", bridge);
	network_derive(&n);
	*ret = n;
	return 0;
}

int network_save(int dirfd, const struct network *n, struct error *err)
{
	char four[IP_TEXT_MAX + 4], six[IP_TEXT_MAX + 4], store[24];
	cleanup_json json_t *j = NULL;
	cleanup_free char *text = NULL;

	(void)snprintf(store, sizeof(store), "%llu", (unsigned long long)n->store);
	j = json_pack("{s:s, s:s, s:s, s:s}", "bridge", n->bridge, "subnet4",
		      ip_prefix_format(&n->subnet4, four), "subnet6",
		      ip_prefix_format(&n->subnet6, six), "store", store);
	text = jdump_text(j, 2);
	return fs_write_atomic(dirfd, "network.json", text, strlen(text), 0600, FS_NOSYNC, err);
}

void network_result(const struct network *n, const struct ipam_attachment *a,
		    struct net_result *ret)
{
	char text[IP_TEXT_MAX];

	*ret = (struct net_result){ .prefix4 = n->subnet4.bits };
	(void)snprintf(ret->address4, sizeof(ret->address4), "%.15s", ip_format(&a->addr4, text));
	(void)snprintf(ret->gateway4, sizeof(ret->gateway4), "%.15s",
		       ip_format(&n->gateway4, text));
	if (a->addr6.family == AF_UNSPEC)
		return;
	ret->prefix6 = n->subnet6.bits;
	(void)ip_format(&a->addr6, ret->address6);
	(void)ip_format(&n->gateway6, ret->gateway6);
}

int net_lookup(const struct store *s, const char *pod_id, struct net_result *ret, struct error *err)
{
	cleanup_attachment struct ipam_attachment a = { 0 };
	cleanup_close int dirfd = openat(s->runfd, "net/" NET_DEFAULT,
					 O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct network n;
	int r = -ENOENT;

	if (dirfd >= 0)
		r = network_load(dirfd, &n, err);
	if (r == 0)
		r = ipam_lookup(dirfd, pod_id, &a, err);
	if (r == -ENOENT)
		return error_set(err, ENOENT, "pod '%.12s' has no network", pod_id);
	if (r == 0)
		network_result(&n, &a, ret);
	return r;
}
