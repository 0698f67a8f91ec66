/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network_record - network.json, and what the records say of one pod's network.
 *
 * Theory of operation: everything here is files below RUNROOT. It stands apart from network.c and
 * net.c because the command reads records, too, and must not link netlink for that: what talks to
 * the kernel is podium-net alone.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/str.h"
#include "engine/net/ipam.h"
#include "engine/net/net.h"
#include "engine/net/netconf.h"
#include "engine/net/network.h"
#include "engine/pod/spec.h"
#include "engine/state/layout.h"

#define CONFIG_MAX 4096

void network_derive(struct network *n)
{
	(void)snprintf(n->name, sizeof(n->name), "%s", NET_DEFAULT);
	(void)snprintf(n->table, sizeof(n->table), "%s", NFT_TABLE);
	ipam_pool_whole(&n->pool4, &n->subnet4);
	ipam_pool_whole(&n->pool6, &n->subnet6);
	n->gateway4 = n->pool4.gateway;
	n->gateway6 = n->pool6.gateway;
}

static uint32_t low_bits(const struct ip_addr *a)
{
	uint32_t v;

	memcpy(&v, a->bytes + ip_len(a->family) - 4, 4);
	return ntohl(v);
}

/* first and last of a range; both inside, in order. */
static int set_range(const struct subnet_conf *c, struct ipam_pool *p)
{
	struct ip_prefix whole = p->subnet;
	const char *const text[] = { c->first, c->last };
	uint32_t *const to[] = { &p->first, &p->last };

	for (size_t i = 0; i < 2; i++) {
		struct ip_prefix one = { .bits = whole.bits };

		if (!text[i])
			continue;
		if (ip_parse(text[i], &one.addr) < 0 || !is_ip_prefix_overlapping(&one, &whole))
			return -EINVAL;
		*to[i] = low_bits(&one.addr) - low_bits(&whole.addr);
	}
	return p->first <= p->last ? 0 : -EINVAL;
}

static int add_subnet(const struct subnet_conf *c, struct network *n)
{
	struct ip_prefix subnet;
	struct ipam_pool *p;
	struct ip_prefix gw = { 0 };

	if (!c->subnet || ip_prefix_parse(c->subnet, &subnet) < 0 || subnet.bits == 0 ||
	    subnet.bits > 8 * ip_len(subnet.addr.family) - 2)
		return -EINVAL;
	p = subnet.addr.family == AF_INET ? &n->pool4 : &n->pool6;
	if (p->subnet.addr.family != AF_UNSPEC)
		return -EINVAL;
	ipam_pool_whole(p, &subnet);
	if (subnet.addr.family == AF_INET)
		p->last = (1u << (32 - subnet.bits)) - 2;
	gw.bits = subnet.bits;
	if (c->gateway &&
	    (ip_parse(c->gateway, &gw.addr) < 0 || !is_ip_prefix_overlapping(&gw, &subnet)))
		return -EINVAL;
	if (c->gateway)
		p->gateway = gw.addr;
	p->first = 1; /* the gateway may be another than the first */
	return set_range(c, p);
}

int network_from_conf(const struct network_conf *c, struct network *ret, struct error *err)
{
	struct network n = { .is_internal = c->internal, .has_dns = c->dns };

	(void)snprintf(n.name, sizeof(n.name), "%s", c->name);
	(void)snprintf(n.bridge, sizeof(n.bridge), "%s", c->interface);
	(void)snprintf(n.table, sizeof(n.table), NFT_TABLE "_%.12s", c->id);
	for (size_t i = 0; i < c->subnets.n; i++)
		if (add_subnet(&c->subnets.v[i], &n) < 0)
			return error_set(err, EBADMSG, "network '%s': bad subnet '%s'", c->name,
					 c->subnets.v[i].subnet ? c->subnets.v[i].subnet : "");
	n.subnet4 = n.pool4.subnet;
	n.subnet6 = n.pool6.subnet;
	n.gateway4 = n.pool4.gateway;
	n.gateway6 = n.pool6.gateway;
	n.is_isolated = is_network_isolated(c);
	n.mtu = network_conf_mtu(c);
	*ret = n;
	return 0;
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

	*ret = (struct net_result){ .is_internal = n->is_internal, .has_dns = n->has_dns };
	(void)snprintf(ret->network, sizeof(ret->network), "%s", n->name);
	(void)snprintf(ret->interface, sizeof(ret->interface), "%s",
		       *a->interface ? a->interface : "eth0");
	(void)snprintf(ret->mac, sizeof(ret->mac), "%02x:%02x:%02x:%02x:%02x:%02x", a->mac[0],
		       a->mac[1], a->mac[2], a->mac[3], a->mac[4], a->mac[5]);
	if (a->addr4.family != AF_UNSPEC) {
		ret->prefix4 = n->subnet4.bits;
		(void)snprintf(ret->address4, sizeof(ret->address4), "%.15s",
			       ip_format(&a->addr4, text));
		(void)snprintf(ret->gateway4, sizeof(ret->gateway4), "%.15s",
			       ip_format(&n->gateway4, text));
	}
	if (a->addr6.family == AF_UNSPEC)
		return;
	ret->prefix6 = n->subnet6.bits;
	(void)ip_format(&a->addr6, ret->address6);
	(void)ip_format(&n->gateway6, ret->gateway6);
}

int network_read(const struct store *s, int dirfd, const char *name, struct network *ret,
		 struct error *err)
{
	cleanup_network_conf struct network_conf c = { 0 };
	int r;

	if (strcmp(name, NET_DEFAULT) == 0)
		return network_load(dirfd, ret, err);
	r = network_conf_read(s, name, &c, err);
	return r < 0 ? r : network_from_conf(&c, ret, err);
}

int net_lookup_one(const struct store *s, const char *network, const char *pod_id,
		   struct net_result *ret, struct error *err)
{
	cleanup_attachment struct ipam_attachment a = { 0 };
	char path[NETWORK_NAME_MAX + 8];
	cleanup_close int dirfd = -EBADF;
	struct network n;
	int r = -ENOENT;

	(void)snprintf(path, sizeof(path), "net/%s", network);
	dirfd = openat(s->runfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dirfd >= 0)
		r = ipam_lookup(dirfd, pod_id, &a, err);
	if (r == 0)
		r = network_read(s, dirfd, network, &n, err);
	if (r == -ENOENT)
		return error_set(err, ENOENT, "pod '%.12s' is not in network '%s'", pod_id,
				 network);
	if (r == 0)
		network_result(&n, &a, ret);
	return r;
}

int net_lookup_all(const struct store *s, const struct attachment_list *networks,
		   const char *pod_id, struct net_result **ret, size_t *ret_n, struct error *err)
{
	size_t n = networks->n ? networks->n : 1;

	*ret = xcalloc(n, sizeof(**ret));
	*ret_n = 0;
	for (size_t i = 0; i < n; i++) {
		const char *name = networks->n ? networks->v[i].network : NET_DEFAULT;
		struct error scratch;
		int r = net_lookup_one(s, name, pod_id, &(*ret)[*ret_n], &scratch);

		if (r < 0 && r != -ENOENT) {
			*err = scratch;
			free(*ret);
			*ret = NULL;
			*ret_n = 0;
			return r;
		}
		*ret_n += r == 0;
	}
	return 0;
}

/* The pod's own record tells its networks; reading it is left to who has it already. */
int net_lookup(const struct store *s, const char *pod_id, struct net_result *ret, struct error *err)
{
	struct error scratch; /* it may be in other networks alone */
	cleanup_dir DIR *d = NULL;
	const struct dirent *e;
	int r = net_lookup_one(s, NET_DEFAULT, pod_id, ret, err), fd;

	if (r != -ENOENT)
		return r;
	fd = openat(s->runfd, "net", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	d = fd < 0 ? NULL : fdopendir(fd);
	while (d && r < 0 && (e = readdir(d)))
		if (is_network_name(e->d_name))
			r = net_lookup_one(s, e->d_name, pod_id, ret, &scratch);
	return r < 0 ? error_set(err, ENOENT, "pod '%.12s' has no network", pod_id) : 0;
}
