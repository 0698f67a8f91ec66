/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netpods - bringing fake pods up, and looking for what they leave: elements, flows, leases,
 * records.
 *
 * Flows are looked for by their bytes: an address in network order inside any attribute of a
 * conntrack message, so that no direction is forgotten.
 */
#include "tests/support/netpods.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool pods_is_alive(const char *pod_id, void *lab)
{
	const struct lab *l = lab;

	for (unsigned int i = 0; i < l->n; i++)
		if (strcmp(l->nodes[i].id, pod_id) == 0)
			return l->nodes[i].pid > 0;
	return false;
}

int pods_up(struct lab *l, const struct lab_node *n, const struct net_port *ports, size_t n_ports,
	    struct net_result *ret, struct error *err)
{
	struct net_request q = { .pod_id = n->id,
				 .netns_fd = n->netns,
				 .ports = ports,
				 .n_ports = n_ports,
				 .hostname = "lab",
				 .is_alive = pods_is_alive,
				 .arg = l };

	return net_up(&l->store, &q, ret, err);
}

static struct nl_sock open_or_die(void)
{
	struct nl_sock s = NL_SOCK_INIT;
	struct error err;

	if (nl_open(&s, NETLINK_NETFILTER, &err) < 0) {
		printf("%s\n", err.text);
		abort();
	}
	return s;
}

struct nft_elements pods_elements(void)
{
	struct nl_sock s = open_or_die();
	struct nft_elements l = { 0 };
	struct error err;

	if (nft_list(&s, &l, &err) < 0) {
		printf("%s\n", err.text);
		abort();
	}
	nl_close(&s);
	return l;
}

size_t pods_elements_of(const char *pod_id)
{
	struct nft_elements l = pods_elements();
	size_t n = 0;

	for (size_t i = 0; i < l.n; i++)
		n += strcmp(l.v[i].owner, pod_id) == 0;
	nft_elements_done(&l);
	return n;
}

struct flow_count {
	struct ip_addr a;
	size_t n;
};

static int flow_answer(const struct nlmsghdr *nlh, void *arg)
{
	struct flow_count *c = arg;

	c->n += memmem(nlh, nlh->nlmsg_len, c->a.bytes, ip_len(c->a.family)) != NULL;
	return 0;
}

size_t pods_flows(const char *address)
{
	struct nl_sock s = open_or_die();
	struct flow_count c = { 0 };
	struct nl_batch b;
	struct error err;
	struct nfgenmsg *g;

	if (ip_parse(address, &c.a) < 0)
		abort();
	nl_batch_init(&b, 256);
	g = nl_message(&b, (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET, NLM_F_DUMP, sizeof(*g),
		       "list flows");
	g->nfgen_family = (uint8_t)c.a.family;
	if (nl_query(&s, &b, flow_answer, &c, &err) < 0) {
		printf("%s\n", err.text);
		abort();
	}
	nl_batch_done(&b);
	nl_close(&s);
	return c.n;
}

static size_t files_in(const struct lab *l, const char *path)
{
	int fd = openat(l->store.runfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	size_t n = 0;

	if (!d)
		return 0;
	while ((e = readdir(d)))
		n += e->d_name[0] != '.' || e->d_name[1] == 't';
	(void)closedir(d);
	return n;
}

size_t pods_leases(const struct lab *l)
{
	return files_in(l, "net/podium/leases");
}

size_t pods_records(const struct lab *l)
{
	return files_in(l, "net/podium/pods");
}

static bool has_lease(const struct lab *l, const char *address)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "net/podium/leases/%s", address);
	return faccessat(l->store.runfd, path, F_OK, 0) == 0;
}

static bool has_record(const struct lab *l, const char *pod_id)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "net/podium/pods/%s", pod_id);
	return faccessat(l->store.runfd, path, F_OK, 0) == 0;
}

bool pods_is_gone(const struct lab *l, const char *pod_id, const struct net_result *a)
{
	size_t elements = pods_elements_of(pod_id);
	size_t flows4 = *a->address4 ? pods_flows(a->address4) : 0;
	size_t flows6 = *a->address6 ? pods_flows(a->address6) : 0;
	bool lease = (*a->address4 && has_lease(l, a->address4)) ||
		     (*a->address6 && has_lease(l, a->address6));

	if (elements == 0 && flows4 == 0 && flows6 == 0 && !lease && !has_record(l, pod_id))
		return true;
	printf("\nleft: %zu elements, %zu + %zu flows%s%s\n", elements, flows4, flows6,
	       lease ? ", a lease" : "", has_record(l, pod_id) ? ", a record" : "");
	return false;
}
