/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session - what the operations of net.h share, under the network lock.
 */
#ifndef PODIUM_NET_SESSION_H
#define PODIUM_NET_SESSION_H

#include "engine/net/ipam.h"
#include "engine/net/net.h"
#include "engine/net/netconf.h"
#include "engine/net/netlink.h"
#include "engine/net/network.h"
#include "engine/net/nft.h"
#include "engine/state/layout.h"

struct attachment;

struct session {
	const struct store *s;
	net_alive_fn is_alive;
	void *arg;
	int lock;
	int dirfd; /* of the default network */
	struct nl_sock rt, nf;
	struct network n; /* the default network, whose table has everybody's ports */
};
#define SESSION_INIT(store_)                                   \
	{                                                      \
		.s = (store_), .lock = -EBADF, .dirfd = -EBADF \
	}
void session_close(struct session *x);
#define cleanup_session cleanup(session_close)

/* Takes the lock and opens the default network's directory. */
int session_lock(struct session *x, struct error *err) must_check;
/* is_alive NULL: whether the pod has a conductor. */
void session_alive(struct session *x, net_alive_fn is_alive, void *arg);
/* Both sockets, the default network and the main table; is_fresh: the table is made anew. */
int session_open(struct session *x, bool is_fresh, struct error *err) must_check;

/* Calls fn for every network that has something in RUNROOT; dirfd is its directory. */
typedef int (*session_each_fn)(struct session *x, const char *name, int dirfd, void *arg,
			       struct error *err);
int session_each(struct session *x, session_each_fn fn, void *arg, struct error *err) must_check;

/* Takes a pod out of every network. Idempotent. */
int session_down(struct session *x, const char *pod_id, struct error *err) must_check;
/* Takes a pod out of one network; gone: its elements that were withdrawn. A resolver that has no pod
 * left ends. */
struct session_leave {
	const char *pod_id;
	const struct nft_elements *gone;
};
int session_leave(struct session *x, const char *name, int dirfd, void *leave,
		  struct error *err) must_check;
/* Deletes the pod's elements and gives them back in *ret. */
int session_withdraw(struct session *x, const char *pod_id, struct nft_elements *ret,
		     struct error *err) must_check;
/* UDP flows of these ports, and every flow of these addresses. */
int session_forget_flows(struct session *x, const struct nft_elements *l, const struct ip_addr *a,
			 size_t n_addresses, struct error *err) must_check;
bool is_session_element(const struct session *x, const struct nft_element *e);

/* A pod's elements by what it has, and what publishing them takes. */
int session_elements(const char *pod_id, uint64_t store, const struct ipam_attachment *a,
		     struct nft_elements *to, struct error *err) must_check;
int session_publish(struct session *x, const char *pod_id, const struct ipam_attachment *a,
		    struct error *err) must_check;

/* One network that a pod is being connected to. */
struct joined {
	struct network n;
	struct ipam_attachment a;
	int dirfd;
	bool is_there; /* it was connected before */
	char host_end[LINK_NAME_MAX + 1];
};
void joined_done(struct joined *j);
/* Network, lease, record, veth pair, names: what comes before the inside of the pod. */
int session_join(struct session *x, const struct net_request *q, const struct attachment *want,
		 struct joined *j, struct error *err) must_check;
/* Opens the directory and reads what the pod has there; j->is_there says whether it has. */
int session_joined(struct session *x, const char *pod_id, const char *network, struct joined *j,
		   struct error *err) must_check;
/* The first free of eth0, eth1, ..., or the one that is asked for. -EEXIST when that is taken. */
int session_interface(const struct attachment *want, const struct joined *all, size_t n,
		      char out[16], struct error *err) must_check;
/* Inside and outside of n networks that were joined; all of the pod's, for the default routes. */
int session_configure(struct session *x, int netns_fd, struct joined *all, size_t n, bool is_new,
		      struct error *err) must_check;
struct pod_side;
void session_inside(const struct joined *j, struct pod_side *ret);

#endif
