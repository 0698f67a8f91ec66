/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor_net - a pod's network in the fewest messages: one that makes the veth pair with its peer in
 * the pod and its end in the bridge, one datagram inside the pod, one element of one map.
 *
 * The bridge and the table are made once, before any clock runs: the table by nft(8), for brevity.
 */
#include "tests/bench/floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/set.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "engine/base/str.h"

#define BRIDGE	    "floor0"
#define BRIDGE_IP   0x0a4d0001U /* 10.77.0.1/16 */
#define BATCH_BYTES 2048
#define LOOPBACK_NR 1 /* interface numbers in a new namespace */
#define ETH0_NR	    2
#define NFT_PROGRAM "/usr/sbin/nft"

static const char table[] = "table ip floor {\n"
			    " map ports { type inet_service : ipv4_addr . inet_service; }\n"
			    " chain pre { type nat hook prerouting priority dstnat;\n"
			    "  fib daddr type local dnat ip to tcp dport map @ports; }\n"
			    " chain out { type nat hook output priority -100;\n"
			    "  fib daddr type local dnat ip to tcp dport map @ports; }\n"
			    " chain post { type nat hook postrouting priority srcnat;\n"
			    "  ip saddr 127.0.0.0/8 oifname " BRIDGE " masquerade; }\n"
			    "}\n";

struct batch {
	char data[BATCH_BYTES];
	size_t len;
	int messages;
};

static struct nlmsghdr *batch_add(struct batch *b, uint16_t type, uint16_t flags, const void *head,
				  size_t head_len)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(b->data + b->len);

	m->nlmsg_type = type;
	m->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	memcpy(mnl_nlmsg_put_extra_header(m, head_len), head, head_len);
	b->messages++;
	return m;
}

static void batch_end(struct batch *b, const struct nlmsghdr *m)
{
	b->len += (m->nlmsg_len + 3) & ~3U;
}

/* Sends and takes every acknowledgement; 0 or the first error. */
static int batch_send(int sock, struct batch *b)
{
	char reply[8192];
	int error = 0;

	if (send(sock, b->data, b->len, 0) < 0)
		floor_die("netlink send");
	while (b->messages > 0) {
		ssize_t n = recv(sock, reply, sizeof(reply), 0);
		int left = (int)n;

		if (n < 0)
			floor_die("netlink receive");
		for (struct nlmsghdr *m = (void *)reply; mnl_nlmsg_ok(m, left);
		     m = mnl_nlmsg_next(m, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(m);

			b->messages--;
			if (m->nlmsg_type == NLMSG_ERROR && e->error && !error)
				error = e->error;
		}
	}
	return error;
}

static void batch_must(int sock, struct batch *b, const char *what)
{
	int r = batch_send(sock, b);

	if (r < 0) {
		errno = -r;
		floor_die(what);
	}
}

static int route_socket(void)
{
	int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	floor_need(s, "netlink");
	return s;
}

/* ip link set NR up */
static void add_up(struct batch *b, int nr)
{
	struct ifinfomsg i = { .ifi_index = nr, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };

	batch_end(b, batch_add(b, RTM_NEWLINK, 0, &i, sizeof(i)));
}

/* ip address add IP/16 dev NR */
static void add_address(struct batch *b, int nr, uint32_t ip)
{
	struct ifaddrmsg a = { .ifa_family = AF_INET,
			       .ifa_prefixlen = 16,
			       .ifa_index = (uint32_t)nr };
	struct nlmsghdr *m = batch_add(b, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &a, sizeof(a));

	mnl_attr_put_u32(m, IFA_LOCAL, htonl(ip));
	mnl_attr_put_u32(m, IFA_ADDRESS, htonl(ip));
	batch_end(b, m);
}

/* ip link add floor0 up type bridge; ip address add 10.77.0.1/16 dev floor0; ip link set lo up */
static void bridge_make(struct floor *f)
{
	struct ifinfomsg i = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct batch b = { .len = 0 };
	struct nlmsghdr *m = batch_add(&b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &i, sizeof(i));
	struct nlattr *info;
	int r;

	mnl_attr_put_strz(m, IFLA_IFNAME, BRIDGE);
	info = mnl_attr_nest_start(m, IFLA_LINKINFO);
	mnl_attr_put_str(m, IFLA_INFO_KIND, "bridge");
	mnl_attr_nest_end(m, info);
	batch_end(&b, m);
	r = batch_send(f->route, &b);
	if (r < 0 && r != -EEXIST) {
		errno = -r;
		floor_die("bridge");
	}
	f->bridge = (int)if_nametoindex(BRIDGE);
	b = (struct batch){ .len = 0 };
	add_address(&b, f->bridge, BRIDGE_IP);
	add_up(&b, LOOPBACK_NR);
	batch_must(f->route, &b, "bridge address");
	floor_write("/proc/sys/net/ipv4/ip_forward", "1");
	floor_write("/proc/sys/net/ipv4/conf/" BRIDGE "/route_localnet", "1");
}

static void nft_run(const char *text)
{
	char *const argv[] = { (char[]){ "nft" }, (char[]){ "-f" }, (char[]){ "-" }, NULL };
	int in[2], status;
	pid_t p;

	floor_need(pipe2(in, O_CLOEXEC), "pipe");
	p = fork();
	if (p == 0) {
		(void)dup2(in[0], 0);
		(void)execv(NFT_PROGRAM, argv);
		_exit(127);
	}
	floor_need(write(in[1], text, strlen(text)), "nft");
	(void)close(in[0]);
	(void)close(in[1]);
	if (waitpid(p, &status, 0) != p || status != 0)
		floor_die(NFT_PROGRAM);
}

void floor_net_begin(struct floor *f)
{
	f->route = route_socket();
	bridge_make(f);
	nft_run("table ip floor\ndelete table ip floor\n");
	nft_run(table);
	f->nf = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!f->nf || mnl_socket_bind(f->nf, 0, MNL_SOCKET_AUTOPID) < 0)
		floor_die("nfnetlink");
}

/* ip link add fvPOD up master floor0 type veth peer name eth0 netns FD (its index: ETH0_NR) */
static void veth_make(const struct floor *f, int pod, int netns)
{
	struct ifinfomsg i = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP },
			 peer = { .ifi_index = ETH0_NR };
	struct nlattr *info, *data, *p;
	struct batch b = { .len = 0 };
	struct nlmsghdr *m = batch_add(&b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &i, sizeof(i));
	char name[IFNAMSIZ];

	mnl_attr_put_strz(m, IFLA_IFNAME, floor_path(name, "fv%d", pod));
	mnl_attr_put_u32(m, IFLA_MASTER, (uint32_t)f->bridge);
	info = mnl_attr_nest_start(m, IFLA_LINKINFO);
	mnl_attr_put_str(m, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(m, IFLA_INFO_DATA);
	p = mnl_attr_nest_start(m, VETH_INFO_PEER);
	memcpy(mnl_nlmsg_get_payload_tail(m), &peer, sizeof(peer));
	m->nlmsg_len += (uint32_t)sizeof(peer); /* a multiple of four */
	mnl_attr_put_strz(m, IFLA_IFNAME, "eth0");
	mnl_attr_put_u32(m, IFLA_NET_NS_FD, (uint32_t)netns);
	mnl_attr_nest_end(m, p);
	mnl_attr_nest_end(m, data);
	mnl_attr_nest_end(m, info);
	batch_end(&b, m);
	batch_must(f->route, &b, "veth");
}

/* In the pod: lo up, eth0 up, address, default route. */
static void pod_side(int sock, uint32_t ip)
{
	struct rtmsg r = { .rtm_family = AF_INET,
			   .rtm_table = RT_TABLE_MAIN,
			   .rtm_protocol = RTPROT_STATIC,
			   .rtm_scope = RT_SCOPE_UNIVERSE,
			   .rtm_type = RTN_UNICAST };
	struct batch b = { .len = 0 };
	struct nlmsghdr *m;

	add_up(&b, LOOPBACK_NR);
	add_up(&b, ETH0_NR);
	add_address(&b, ETH0_NR, ip);
	m = batch_add(&b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &r, sizeof(r));
	mnl_attr_put_u32(m, RTA_GATEWAY, htonl(BRIDGE_IP));
	mnl_attr_put_u32(m, RTA_OIF, ETH0_NR);
	batch_end(&b, m);
	batch_must(sock, &b, "pod network");
}

/* nft add (delete) element ip floor ports { PORT : IP . FLOOR_PORT_WEB } */
static void element(struct floor *f, bool is_delete, uint16_t port, uint32_t ip)
{
	struct {
		uint32_t ip;
		uint16_t port, pad;
	} to = { htonl(ip), htons(FLOOR_PORT_WEB), 0 };
	char data[BATCH_BYTES];
	uint16_t key = htons(port);
	struct mnl_nlmsg_batch *b = mnl_nlmsg_batch_start(data, sizeof(data));
	struct nftnl_set *s = nftnl_set_alloc();
	struct nftnl_set_elem *e = nftnl_set_elem_alloc();
	const struct nlmsgerr *answer;
	struct nlmsghdr *h;

	nftnl_batch_begin(mnl_nlmsg_batch_current(b), f->nf_seq++);
	(void)mnl_nlmsg_batch_next(b);
	(void)nftnl_set_set_str(s, NFTNL_SET_TABLE, "floor");
	(void)nftnl_set_set_str(s, NFTNL_SET_NAME, "ports");
	(void)nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, &key, sizeof(key));
	if (!is_delete)
		(void)nftnl_set_elem_set(e, NFTNL_SET_ELEM_DATA, &to, sizeof(to));
	nftnl_set_elem_add(s, e);
	h = nftnl_nlmsg_build_hdr(
		mnl_nlmsg_batch_current(b), is_delete ? NFT_MSG_DELSETELEM : NFT_MSG_NEWSETELEM,
		NFPROTO_IPV4, (uint16_t)(NLM_F_ACK | (is_delete ? 0 : NLM_F_CREATE | NLM_F_EXCL)),
		f->nf_seq++);
	nftnl_set_elems_nlmsg_build_payload(h, s);
	nftnl_set_free(s);
	(void)mnl_nlmsg_batch_next(b);
	nftnl_batch_end(mnl_nlmsg_batch_current(b), f->nf_seq++);
	(void)mnl_nlmsg_batch_next(b);
	floor_need(mnl_socket_sendto(f->nf, mnl_nlmsg_batch_head(b), mnl_nlmsg_batch_size(b)),
		   "nft");
	mnl_nlmsg_batch_stop(b);
	floor_need(mnl_socket_recvfrom(f->nf, data, sizeof(data)), "nft");
	answer = mnl_nlmsg_get_payload((struct nlmsghdr *)data);
	errno = -answer->error;
	floor_need(answer->error, "nft element");
}

void floor_net_up(struct floor *f, int pod, pid_t pause_pid, uint16_t port)
{
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), netns, sock;
	uint32_t ip = BRIDGE_IP + 1 + (uint32_t)pod;
	char path[64];

	netns = open(floor_path(path, "/proc/%d/ns/net", pause_pid), O_RDONLY | O_CLOEXEC);
	floor_need(netns, path);
	veth_make(f, pod, netns);
	floor_need(setns(netns, CLONE_NEWNET), "setns");
	sock = route_socket();
	floor_need(setns(own, CLONE_NEWNET), "setns back");
	pod_side(sock, ip);
	(void)close(sock);
	(void)close(netns);
	(void)close(own);
	element(f, false, port, ip);
}

void floor_port_del(struct floor *f, uint16_t port)
{
	element(f, true, port, 0);
}

unsigned int floor_veth_index(int pod)
{
	char name[IFNAMSIZ];

	return if_nametoindex(floor_path(name, "fv%d", pod));
}
