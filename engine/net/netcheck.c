/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netcheck - what of the networks nobody uses: leases, published ports and names of pods that do not
 * live, resolvers without pods, records of networks that are not there.
 *
 * Theory of operation: under the network lock, so that nothing is half made at this moment. What a pod
 * has goes by the way down of its end (session_down); a resolver that nobody needs is ended; the folder
 * of a network without a record is removed with its resolver. Bridges and tables of networks that are
 * there stay, as they do when their last pod goes.
 *
 * Runs in the host's network namespace, in podium-net.
 */
#include "engine/net/netcheck.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/net/ipam.h"
#include "engine/net/netconf.h"
#include "engine/net/netnames.h"
#include "engine/net/network.h"
#include "engine/net/nft.h"
#include "engine/net/resolver.h"
#include "engine/net/session.h"

struct check {
	bool repair;
	struct strlist *lines;
	struct strlist pods;	 /* that have something and do not live */
	struct strlist networks; /* without a record */
};

static void add_pod(struct check *c, const char *pod, const char *what, const char *network)
{
	strlist_addf(c->lines, "%s of pod %.12s%s%s, which does not run", what, pod,
		     network ? " in network " : "", network ? network : "");
	if (!strlist_has(&c->pods, pod))
		strlist_add(&c->pods, pod);
}

static int check_network(struct session *x, const char *name, int dirfd, void *arg,
			 struct error *err)
{
	struct check *c = arg;
	cleanup_strlist struct strlist pods = { 0 };
	bool is_default = strcmp(name, NET_DEFAULT) == 0;
	size_t alive = 0;
	int r = ipam_pods(dirfd, &pods, err);

	for (size_t i = 0; i < pods.n && r == 0; i++) {
		if (is_id(pods.v[i]) && !x->is_alive(pods.v[i], x->arg))
			add_pod(c, pods.v[i], "an address", name);
		else
			alive++;
	}
	if (r < 0 || is_default || alive)
		return r;
	if (is_resolver_there(dirfd)) {
		strlist_addf(c->lines, "the resolver of network %s, in which no pod runs", name);
		if (c->repair)
			resolver_stop(dirfd);
	}
	if (!is_network_there(x->s, name))
		strlist_add(&c->networks, name);
	return 0;
}

static int check_ports(struct session *x, struct check *c, struct error *err)
{
	cleanup_elements struct nft_elements all = { 0 };
	int r = nft_list(&x->nf, &all, err);

	for (size_t i = 0; i < all.n && r == 0; i++) {
		const char *owner = all.v[i].owner;

		if (is_session_element(x, &all.v[i]) && is_id(owner) &&
		    !strlist_has(&c->pods, owner) && !x->is_alive(owner, x->arg))
			add_pod(c, owner, "a published port", NULL);
	}
	return r;
}

static int check_folders(struct session *x, const struct check *c, struct error *err)
{
	cleanup_close int parent =
		openat(x->s->runfd, "net", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int r = 0;

	for (size_t i = 0; i < c->networks.n && r == 0; i++) {
		strlist_addf(c->lines, "files of network %s, which is not there", c->networks.v[i]);
		if (c->repair && parent >= 0)
			r = fs_remove_tree(parent, c->networks.v[i], err);
	}
	return r;
}

static int check_locked(struct session *x, struct check *c, struct error *err)
{
	int r = session_each(x, check_network, c, err);

	if (r == 0)
		r = check_ports(x, c, err);
	for (size_t i = 0; i < c->pods.n && r == 0 && c->repair; i++)
		r = session_down(x, c->pods.v[i], err);
	return r < 0 ? r : check_folders(x, c, err);
}

int net_check(const struct store *s, net_alive_fn is_alive, void *arg, bool repair,
	      struct strlist *ret, struct error *err)
{
	cleanup_session struct session x = SESSION_INIT(s);
	struct check c = { .repair = repair, .lines = ret };
	int r = session_lock(&x, err);

	if (r < 0)
		return r;
	session_alive(&x, is_alive, arg);
	r = network_load(x.dirfd, &x.n, err);
	if (r == -ENOENT)
		return 0; /* no pod had a network since the boot */
	if (r == 0)
		r = nl_open(&x.nf, NETLINK_NETFILTER, err);
	if (r == 0)
		r = check_locked(&x, &c, err);
	strlist_done(&c.pods);
	strlist_done(&c.networks);
	return r;
}
