/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session - the lock, the sockets, and how a pod leaves its networks.
 *
 * Theory of operation: leaving goes by what lies on the disk and in the table, never by what the pod
 * was meant to have: elements by their comment → for every network that knows the pod: names → flows
 * of its addresses and UDP ports forgotten (else the old pod's entries keep translating) → leases,
 * last, so that nobody gets an address that something still points to → record. Each step is a no-op
 * when there is nothing to do. A network knows a pod by a file pods/<id>, which is there before any
 * lease is; the default network is also searched without it, by reading its leases.
 */
#include "engine/net/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/net/conntrack.h"
#include "engine/net/hostport.h"
#include "engine/net/resolver.h"
#include "engine/pod/spec.h"

#define LOCK_TIMEOUT_MS 30000
#define DELETE_TRIES	3

void session_close(struct session *x)
{
	/* The lock first: closing an nfnetlink socket can wait. */
	if (x->lock >= 0)
		(void)close(x->lock);
	if (x->dirfd >= 0)
		(void)close(x->dirfd);
	nl_close(&x->rt);
	nl_close(&x->nf);
}
int session_lock(struct session *x, struct error *err)
{
	struct error scratch;

	x->lock =
		lock_take(x->s->runfd, "locks/network", LOCK_EXCLUSIVE, LOCK_TIMEOUT_MS, &scratch);
	if (x->lock == -ENOENT) {
		if (mkdirat(x->s->runfd, "locks", 0700) < 0 && errno != EEXIST)
			return error_errno(err, "create directory 'locks'");
		x->lock = lock_take(x->s->runfd, "locks/network", LOCK_EXCLUSIVE, LOCK_TIMEOUT_MS,
				    &scratch);
	}
	if (x->lock < 0) {
		*err = scratch;
		return x->lock;
	}
	x->dirfd = ipam_open(x->s->runfd, NET_DEFAULT, err);
	return x->dirfd < 0 ? x->dirfd : 0;
}

static bool is_conducted(const char *pod_id, void *arg)
{
	const struct store *s = arg;
	char path[LAYOUT_PATH_MAX];

	(void)snprintf(path, sizeof(path), "pods/%s/conductor.lock", pod_id);
	return is_lock_held(s->rootfd, path);
}

void session_alive(struct session *x, net_alive_fn is_alive, void *arg)
{
	x->is_alive = is_alive ? is_alive : is_conducted;
	x->arg = is_alive ? arg : (void *)(uintptr_t)x->s;
}

int session_each(struct session *x, session_each_fn fn, void *arg, struct error *err)
{
	int fd = openat(x->s->runfd, "net", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), r = 0;
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	while (d && r == 0 && (e = readdir(d))) {
		bool is_default = strcmp(e->d_name, NET_DEFAULT) == 0;
		cleanup_close int dir = -EBADF;

		if (!is_default && is_network_name(e->d_name))
			dir = openat(fd, e->d_name,
				     O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (dir >= 0 || is_default)
			r = fn(x, e->d_name, is_default ? x->dirfd : dir, arg, err);
	}
	return r;
}

/* ---- leaving ---------------------------------------------------------------------------- */

bool is_session_element(const struct session *x, const struct nft_element *e)
{
	return e->store == x->n.store;
}

/* Deletes the pod's elements and gives them back in *ret. */
int session_withdraw(struct session *x, const char *pod_id, struct nft_elements *ret,
		     struct error *err)
{
	int r = -ENOENT;

	for (int i = 0; i < DELETE_TRIES && r == -ENOENT; i++) {
		cleanup_elements struct nft_elements all = { 0 };

		nft_elements_done(ret);
		r = nft_list(&x->nf, &all, err);
		for (size_t k = 0; k < all.n && r == 0; k++)
			if (is_session_element(x, &all.v[k]) && strcmp(all.v[k].owner, pod_id) == 0)
				nft_elements_add(ret, &all.v[k]);
		if (r == 0)
			r = nft_delete(&x->nf, ret, err); /* -ENOENT: somebody was quicker */
	}
	return r;
}

/* Addresses by the record, else by reading every lease. */
static int pod_addresses(int dirfd, const char *pod_id, struct strlist *ret, struct error *err)
{
	cleanup_attachment struct ipam_attachment a = { 0 };
	int r = ipam_lookup(dirfd, pod_id, &a, err);
	char text[IP_TEXT_MAX];

	if (r == -ENOENT)
		return ipam_find(dirfd, pod_id, ret, err);
	if (r < 0)
		return r;
	if (a.addr4.family != AF_UNSPEC)
		strlist_add(ret, ip_format(&a.addr4, text));
	if (a.addr6.family != AF_UNSPEC)
		strlist_add(ret, ip_format(&a.addr6, text));
	return 0;
}

/* UDP flows of these ports, and every flow of these addresses. */
int session_forget_flows(struct session *x, const struct nft_elements *l, const struct ip_addr *a,
			 size_t n_addresses, struct error *err)
{
	cleanup_free struct conntrack_port *ports = xcalloc(l->n + 1, sizeof(*ports));
	struct conntrack_targets t = { .addresses = a, .n_addresses = n_addresses, .ports = ports };

	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].protocol == IPPROTO_UDP)
			ports[t.n_ports++] =
				(struct conntrack_port){ l->v[i].pod.family, IPPROTO_UDP,
							 l->v[i].host_port };
	return conntrack_flush(&x->nf, &t, err);
}

/* Leaves out what is no address, and IPv6 addresses that never had a flow. */
static int addresses_with_flows(struct session *x, const char *table, const struct strlist *text,
				struct ip_addr *ret, size_t *n, struct error *err)
{
	for (size_t i = 0; i < text->n; i++) {
		struct ip_addr a;
		int r;

		if (ip_parse(text->v[i], &a) < 0)
			continue;
		r = a.family == AF_INET6 ? nft_take_flows6(&x->nf, table, &a, err) : 1;
		if (r < 0)
			return r;
		if (r > 0)
			ret[(*n)++] = a;
	}
	return 0;
}

/* The last pod takes the resolver along. */
static int end_resolver(int dirfd, struct error *err)
{
	cleanup_strlist struct strlist pods = { 0 };
	int r;

	if (!is_resolver_there(dirfd))
		return 0;
	r = ipam_pods(dirfd, &pods, err);
	if (r == 0 && pods.n == 0)
		resolver_stop(dirfd);
	return r;
}

/* The table that notes the network's IPv6 flows; the main one's answer does no harm for another. */
static void table_of(struct session *x, const char *name, int dirfd, char out[NFT_TABLE_MAX])
{
	struct error scratch; /* a network whose record is gone has no table either */
	struct network n = { 0 };

	if (strcmp(name, NET_DEFAULT) == 0 || network_read(x->s, dirfd, name, &n, &scratch) < 0)
		(void)snprintf(out, NFT_TABLE_MAX, "%s", NFT_TABLE);
	else
		memcpy(out, n.table, NFT_TABLE_MAX);
}

int session_leave(struct session *x, const char *name, int dirfd, void *arg, struct error *err)
{
	const struct session_leave *l = arg;
	bool is_default = strcmp(name, NET_DEFAULT) == 0;
	cleanup_strlist struct strlist addresses = { 0 };
	cleanup_free struct ip_addr *parsed = NULL;
	char table[NFT_TABLE_MAX];
	size_t n = 0;
	int r;

	/* A crash before the pod was announced may have left a resolver that nobody needs. */
	if (!is_default && !is_ipam_known(dirfd, l->pod_id))
		return end_resolver(dirfd, err);
	r = is_default ? 0 : resolver_remove(dirfd, l->pod_id, err);
	if (r == 0)
		r = pod_addresses(dirfd, l->pod_id, &addresses, err);
	if (r < 0)
		return r;
	parsed = xcalloc(addresses.n + 1, sizeof(*parsed));
	table_of(x, name, dirfd, table);
	r = addresses_with_flows(x, table, &addresses, parsed, &n, err);
	if (r == 0)
		r = session_forget_flows(x, l->gone, parsed, n, err);
	for (size_t i = 0; i < addresses.n && r == 0; i++)
		r = ipam_release(dirfd, addresses.v[i], l->pod_id, err);
	if (r == 0)
		r = ipam_forget(dirfd, l->pod_id, err);
	return r == 0 && !is_default ? end_resolver(dirfd, err) : r;
}

int session_down(struct session *x, const char *pod_id, struct error *err)
{
	cleanup_elements struct nft_elements gone = { 0 };
	struct session_leave leave = { pod_id, &gone };
	int r = session_withdraw(x, pod_id, &gone, err);

	return r < 0 ? r : session_each(x, session_leave, &leave, err);
}
