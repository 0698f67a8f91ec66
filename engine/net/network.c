/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network - choosing, remembering and making the bridge network.
 *
 * Theory of operation: the first pod after a boot chooses subnets that no route of the host
 * touches: a /16 of the pool for IPv4, a random unique local /64 (RFC 4193) for IPv6. The choice is
 * kept in RUNROOT, with the boot. Where the table is there already but the file is not (another
 * store of the same host made it), its subnets are taken from the table's comment, and our
 * addresses begin at a random offset, so that the two stores do not hand out the same ones.
 *
 * Everything after that is a question of "is it still there": the bridge by name, the table by its
 * comment, which names the version of the rules and the subnets. Both yes is the common case and
 * takes a tenth of a millisecond. No: make it. A table with another comment, or flushed away by
 * another program, is replaced in one transaction together with the elements that belong in it.
 *
 * ip_forward is switched on for the host, since packets to and from pods are forwarded; IPv6 has no
 * such switch for single devices before 6.17, and switching it on makes the kernel ignore router
 * advertisements where accept_ra is 1: those devices get accept_ra 2 first, so that the host keeps
 * its own IPv6. The bridge itself never listens to advertisements (a pod could send them), and
 * route_localnet is on for the bridge alone.
 *
 * Runs with CAP_NET_ADMIN over the host's (or holder's) network namespace. A failure may leave the
 * bridge without the table or the other way round; the next call completes it.
 */
#include "engine/net/network.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/net/addr.h"
#include "engine/net/ipam.h"
#include "engine/net/route.h"

#define BRIDGE_NAME "podium0"
#define SYSCTL_MAX  32
#define ULA_TRIES   8
#define OWN4_BITS   24

/* First octets of the IPv4 pools, in order of preference. Podman's (10.88 and 10.89 on) are not
 * among them: its networks have no route while they are idle, so the check of routes would not see
 * them. */
static const uint8_t pools4[][2] = {
	{ 10, 105 }, { 10, 106 }, { 10, 107 }, { 10, 108 }, { 10, 109 }, { 10, 110 }, { 10, 111 },
	{ 10, 112 }, { 10, 113 }, { 10, 114 }, { 10, 115 }, { 172, 20 }, { 172, 21 }, { 172, 22 },
	{ 172, 23 }, { 172, 24 }, { 172, 25 }, { 172, 26 }, { 172, 27 }, { 172, 28 }, { 172, 29 },
};

/* ---- sysctls ---------------------------------------------------------------------------- */

static int sysctl_read(const char *path, char out[SYSCTL_MAX])
{
	char full[256];
	cleanup_close int fd = -EBADF;
	ssize_t n;

	(void)snprintf(full, sizeof(full), "/proc/sys/%s", path);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, out, SYSCTL_MAX - 1);
	if (n < 0)
		return -errno;
	out[n] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return 0;
}

int network_sysctl(const char *path, const char *value, struct error *err)
{
	char full[256], now[SYSCTL_MAX];
	cleanup_close int fd = -EBADF;
	int r = sysctl_read(path, now);

	if (r == -ENOENT || (r == 0 && strcmp(now, value) == 0))
		return r;
	(void)snprintf(full, sizeof(full), "/proc/sys/%s", path);
	fd = open(full, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		return error_errno(err, "set sysctl '%s' to %s", path, value);
	return 0;
}

bool is_ipv6_on(void)
{
	char v[SYSCTL_MAX];

	if (sysctl_read("net/ipv6/conf/all/disable_ipv6", v) < 0 || strcmp(v, "0") != 0)
		return false;
	return sysctl_read("net/ipv6/conf/default/disable_ipv6", v) == 0 && strcmp(v, "0") == 0;
}

/* Devices that live on router advertisements go on doing so with forwarding on. */
static int keep_advertisements(struct error *err)
{
	cleanup_dir DIR *d = opendir("/proc/sys/net/ipv6/conf");
	const struct dirent *e;

	if (!d)
		return error_errno(err, "list sysctls of ipv6");
	while ((e = readdir(d))) {
		char path[160], now[SYSCTL_MAX];
		int r;

		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "net/ipv6/conf/%.64s/accept_ra", e->d_name);
		if (sysctl_read(path, now) < 0 || strcmp(now, "1") != 0)
			continue;
		r = network_sysctl(path, "2", err);
		if (r < 0 && r != -ENOENT) /* ENOENT: the device has gone meanwhile */
			return r;
	}
	return 0;
}

static int enable_forwarding(bool has_ipv6, struct error *err)
{
	char now[SYSCTL_MAX];
	int r = network_sysctl("net/ipv4/ip_forward", "1", err);

	if (r == -ENOENT)
		return error_set(err, ENOENT, "/proc/sys is not there: cannot enable ip_forward");
	if (r < 0 || !has_ipv6)
		return r;
	if (sysctl_read("net/ipv6/conf/all/forwarding", now) == 0 && strcmp(now, "1") == 0)
		return 0;
	r = keep_advertisements(err);
	return r < 0 ? r : network_sysctl("net/ipv6/conf/all/forwarding", "1", err);
}

/* ---- choosing ---------------------------------------------------------------------------- */

static int choose_subnet4(struct nl_sock *rt, struct ip_prefix *ret, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(pools4); i++) {
		struct ip_prefix p = { .addr = { AF_INET, { pools4[i][0], pools4[i][1] } },
				       .bits = POOL4_BITS };
		bool is_free = false;
		int r = route_is_free(rt, &p, &is_free, err);

		if (r < 0)
			return r;
		if (is_free) {
			*ret = p;
			return 0;
		}
	}
	return error_set(
		err, EADDRINUSE,
		"every subnet of the pool 10.105.0.0/16 to 172.29.0.0/16 overlaps a route of "
		"this host");
}

static int choose_subnet6(struct nl_sock *rt, bool has_ipv6, struct ip_prefix *ret,
			  struct error *err)
{
	for (int i = 0; i < ULA_TRIES; i++) {
		struct ip_prefix p = { .addr = { AF_INET6, { 0xfd } }, .bits = POOL6_BITS };
		bool is_free = !has_ipv6;
		int r = 0;

		if (getrandom(p.addr.bytes + 1, 5, 0) != 5)
			return error_errno(err, "random numbers");
		if (has_ipv6)
			r = route_is_free(rt, &p, &is_free, err);
		if (r < 0)
			return r;
		if (is_free) {
			*ret = p;
			return 0;
		}
	}
	return error_set(err, EADDRINUSE, "no unique local IPv6 subnet is free");
}

/* 10.89.0.0/16, where Podman's users look for them, then further pools: each cut into /24s. */
static const uint8_t own_pools4[][2] = { { 10, 89 }, { 10, 90 }, { 10, 91 }, { 10, 92 },
					 { 10, 93 }, { 10, 94 }, { 10, 95 }, { 172, 30 } };

int network_choose_subnet(int family, uint32_t start, network_taken_fn is_taken, void *arg,
			  struct ip_prefix *ret, struct error *err)
{
	uint32_t n = family == AF_INET ? 256 * ARRAY_SIZE(own_pools4) : ULA_TRIES;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = (start + i) % n;
		struct ip_prefix p = { .addr.family = family };
		bool taken = true;
		int r;

		if (family == AF_INET) {
			p.addr.bytes[0] = own_pools4[k / 256][0];
			p.addr.bytes[1] = own_pools4[k / 256][1];
			p.addr.bytes[2] = (uint8_t)(k % 256);
			p.bits = OWN4_BITS;
		} else {
			p.addr.bytes[0] = 0xfd;
			p.bits = POOL6_BITS;
			if (getrandom(p.addr.bytes + 1, 7, 0) != 7)
				return error_errno(err, "random numbers");
		}
		r = is_taken(&p, &taken, arg, err);
		if (r < 0)
			return r;
		if (!taken) {
			*ret = p;
			return 0;
		}
	}
	return error_set(err, EADDRINUSE, "could not find a free %s subnet: give one by --subnet",
			 family == AF_INET ? "IPv4" : "IPv6");
}

/* Takes the subnets of a table that somebody else made: "podium 1 10.105.0.0/16 fd..::/64". */
static int adopt(const char *mark, struct network *n)
{
	char copy[NFT_MARK_MAX], *rest = copy, *word[4] = { NULL };
	struct ip_prefix four, six;

	(void)snprintf(copy, sizeof(copy), "%s", mark);
	for (size_t i = 0; i < ARRAY_SIZE(word); i++)
		word[i] = strsep(&rest, " ");
	if (!word[3] || strcmp(word[0], "podium") != 0 || ip_prefix_parse(word[2], &four) < 0 ||
	    ip_prefix_parse(word[3], &six) < 0)
		return -ENOENT;
	if (four.addr.family != AF_INET || four.bits != POOL4_BITS || six.addr.family != AF_INET6 ||
	    six.bits != POOL6_BITS)
		return -ENOENT;
	n->subnet4 = four;
	n->subnet6 = six;
	return 0;
}

static int network_choose(int dirfd, struct nl_sock *rt, const char *mark, struct network *n,
			  struct error *err)
{
	uint16_t start = 0;
	int r;

	(void)snprintf(n->bridge, sizeof(n->bridge), "%s", BRIDGE_NAME);
	if (getrandom(&n->store, sizeof(n->store), 0) != sizeof(n->store) ||
	    getrandom(&start, sizeof(start), 0) != sizeof(start))
		return error_errno(err, "random numbers");
	r = adopt(mark, n);
	if (r == 0) {
		r = ipam_set_last(dirfd, start, err);
	} else {
		r = choose_subnet4(rt, &n->subnet4, err);
		if (r == 0)
			r = choose_subnet6(rt, n->has_ipv6, &n->subnet6, err);
	}
	network_derive(n);
	return r < 0 ? r : network_save(dirfd, n, err);
}

/* ---- bridge ----------------------------------------------------------------------------- */

/* NET-8: pods' advertisements are not heard. A network without IPv6 has none on its bridge either. */
static int bridge_sysctls(const struct network *n, struct error *err)
{
	char path[96];
	int r;

	if (!n->has_ipv6 && is_default_network(n))
		return 0; /* IPv6 is off for the whole host */
	(void)snprintf(path, sizeof(path), "net/ipv6/conf/%s/%s", n->bridge,
		       n->has_ipv6 ? "accept_ra" : "disable_ipv6");
	r = network_sysctl(path, n->has_ipv6 ? "0" : "1", err);
	return r == -ENOENT ? 0 : r;
}

/* Locally administered. An address that changes hands keeps its hardware address with it, so no
 * neighbour table goes stale. */
void network_mac(const struct ip_addr *addr, uint8_t mac[LINK_MAC_LEN])
{
	mac[0] = 0x62;
	mac[1] = 0x70;
	memcpy(mac + 2, addr->bytes + ip_len(addr->family) - 4, 4);
}

void network_gateway_mac(const struct network *n, uint8_t mac[LINK_MAC_LEN])
{
	network_mac(n->gateway4.family != AF_UNSPEC ? &n->gateway4 : &n->gateway6, mac);
}

static int bridge_create(struct nl_sock *rt, const struct network *n, struct error *err)
{
	uint32_t group = LINK_GROUP | (n->is_isolated ? LINK_GROUP_ISOLATED_BIT : 0);
	cleanup_batch struct nl_batch b;
	uint8_t mac[LINK_MAC_LEN];
	struct error scratch;
	int r;

	network_gateway_mac(n, mac);
	nl_batch_init(&b, 1024);
	link_add_bridge(&b, n->bridge, mac, group);
	r = nl_send(rt, &b, &scratch);
	if (r < 0 && r != -EEXIST) {
		*err = scratch;
		return error_wrap(err, "bridge '%s'", n->bridge);
	}
	return 0;
}

static void bridge_settings(struct nl_batch *b, const struct network *n)
{
	uint8_t mac[LINK_MAC_LEN];
	struct ip_addr link_local;

	network_gateway_mac(n, mac);
	link_local = addr_link_local(mac);
	link_set_route_localnet(b, n->bridge_index);
	if (n->mtu)
		link_set_mtu(b, n->bridge_index, n->mtu);
	if (n->has_ipv6)
		link_set_no_addrgen(b, n->bridge_index);
	link_set_up(b, n->bridge_index);
	if (n->has_ipv6) {
		addr_add(b, n->bridge_index, &link_local, 64);
		addr_add(b, n->bridge_index, &n->gateway6, n->subnet6.bits);
	}
	if (n->gateway4.family != AF_UNSPEC)
		addr_add(b, n->bridge_index, &n->gateway4, n->subnet4.bits);
}

/* A device of the name that somebody else has made is left alone. */
static int refuse_foreign_device(const struct network *n, struct error *err)
{
	struct ifreq req = { 0 };
	uint8_t mac[LINK_MAC_LEN];
	cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(req.ifr_name, n->bridge, sizeof(n->bridge));
	network_gateway_mac(n, mac);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &req) < 0)
		return error_errno(err, "look at device '%s'", n->bridge);
	if (memcmp(req.ifr_hwaddr.sa_data, mac, LINK_MAC_LEN) != 0)
		return error_set(err, EEXIST,
				 "device '%s' is there already and is not that of the network",
				 n->bridge);
	return 0;
}

/* While its bridge was away, another program may have taken a network's subnet. */
static int check_routes(struct nl_sock *rt, const struct network *n, struct error *err)
{
	const struct ip_prefix *subnets[] = { &n->subnet4, &n->subnet6 };
	char text[IP_TEXT_MAX + 4];

	for (size_t i = 0; i < 2; i++) {
		bool is_free = true;
		int r = 0;

		if (subnets[i]->addr.family != AF_UNSPEC && (i == 0 || n->has_ipv6))
			r = route_is_free(rt, subnets[i], &is_free, err);
		if (r < 0)
			return r;
		if (!is_free)
			return error_set(err, EADDRINUSE,
					 "subnet %s overlaps a route of this host: see `ip route`",
					 ip_prefix_format(subnets[i], text));
	}
	return 0;
}

static int bridge_ensure(struct nl_sock *rt, struct network *n, struct error *err)
{
	cleanup_batch struct nl_batch b = { 0 };
	int r = enable_forwarding(n->has_ipv6, err);

	if (r == 0 && !is_default_network(n))
		r = n->bridge_index >= 0 ? refuse_foreign_device(n, err) : check_routes(rt, n, err);
	if (r == 0)
		r = bridge_create(rt, n, err);
	if (r < 0)
		return r;
	n->bridge_index = nl_device_index(rt, n->bridge);
	if (n->bridge_index < 0)
		return error_set(err, -n->bridge_index, "bridge '%s' has vanished", n->bridge);
	r = bridge_sysctls(n, err);
	if (r < 0)
		return r;
	nl_batch_init(&b, 2048);
	bridge_settings(&b, n);
	r = nl_send(rt, &b, err);
	return r < 0 ? error_wrap(err, "bridge '%s'", n->bridge) : 0;
}

/* Has the device this IPv6 address? The kernel's list is text: address without colons, ..., name. */
static bool has_address6(const struct network *n)
{
	char want[33], line[128], got[33], name[LINK_NAME_MAX + 1];
	FILE *f = fopen("/proc/net/if_inet6", "re");
	bool found = false;

	hex_encode(want, n->gateway6.bytes, 16);
	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%32s %*s %*s %*s %*s %15s", got, name) == 2 &&
			strcmp(got, want) == 0 && strcmp(name, n->bridge) == 0;
	if (f)
		(void)fclose(f);
	return found;
}

/* Complete means: up with our address, which is given last. One ioctl tells both. */
static bool is_bridge_ready(struct nl_sock *rt, struct network *n)
{
	struct ifreq req = { 0 };
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)&req.ifr_addr;
	cleanup_close int fd = -EBADF;

	n->bridge_index = nl_device_index(rt, n->bridge);
	if (n->bridge_index < 0)
		return false;
	if (n->gateway4.family == AF_UNSPEC)
		return has_address6(n);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	memcpy(req.ifr_name, n->bridge, sizeof(n->bridge));
	return fd >= 0 && ioctl(fd, SIOCGIFADDR, &req) == 0 &&
	       memcmp(&in->sin_addr, n->gateway4.bytes, 4) == 0;
}

/* ---- both ------------------------------------------------------------------------------- */

static void network_rules(const struct network *n, struct nft_rules *r)
{
	*r = (struct nft_rules){ .table = n->table,
				 .bridge = n->bridge,
				 .subnet4 = n->subnet4,
				 .subnet6 = n->subnet6,
				 .gateway4 = n->gateway4,
				 .gateway6 = n->gateway6,
				 .is_internal = n->is_internal,
				 .is_isolated = n->is_isolated,
				 .dns_port = n->dns_port };
	if (!is_default_network(n) && !n->has_ipv6)
		r->subnet6.addr.family = r->gateway6.family = AF_UNSPEC;
}

static void add_missing(struct nft_elements *to, const struct nft_elements *from)
{
	for (size_t i = 0; i < from->n; i++) {
		bool found = false;

		for (size_t k = 0; k < to->n && !found; k++)
			found = is_nft_same_key(&to->v[k], &from->v[i]);
		if (!found)
			nft_elements_add(to, &from->v[i]);
	}
}

static int table_ensure(const struct network_open *o, const struct network *n, bool is_there,
			struct error *err)
{
	cleanup_elements struct nft_elements keep = { 0 }, more = { 0 };
	struct nft_rules rules;
	int r = 0;

	network_rules(n, &rules);
	if (is_there)
		r = nft_list(o->nf, &keep, err);
	if (r == 0 && o->refill && (!is_there || o->is_fresh))
		r = o->refill(n, &more, o->arg, err);
	add_missing(&keep, &more);
	return r < 0 ? r : nft_install(o->nf, &rules, &keep, is_there, err);
}

/* A store that came from elsewhere follows the table it finds, unless pods of its own run here. */
static int settle_subnets(int dirfd, struct nl_sock *rt, const char *mark, struct network *n,
			  struct error *err)
{
	cleanup_strlist struct strlist pods = { 0 };
	struct network other = { 0 };
	int r;

	if (adopt(mark, &other) < 0 || (is_ip_equal(&other.subnet4.addr, &n->subnet4.addr) &&
					is_ip_equal(&other.subnet6.addr, &n->subnet6.addr)))
		return 0;
	r = ipam_pods(dirfd, &pods, err);
	if (r < 0)
		return r;
	if (pods.n > 0)
		return error_set(err, EADDRINUSE,
				 "table 'inet podium' has the subnets of another store ('%s')",
				 mark);
	return network_choose(dirfd, rt, mark, n, err);
}

int network_open(const struct network_open *o, struct network *ret, struct error *err)
{
	char mark[NFT_MARK_MAX], want[NFT_MARK_MAX];
	int table = nft_table_mark(o->nf, NFT_TABLE, mark, err), r;
	struct network n = { 0 };
	struct nft_rules rules;

	if (table < 0 && table != -ENOENT)
		return table;
	r = network_load(o->dirfd, &n, err);
	n.has_ipv6 = is_ipv6_on();
	if (r == -ENOENT)
		r = network_choose(o->dirfd, o->rt, mark, &n, err);
	else if (r == 0)
		r = settle_subnets(o->dirfd, o->rt, mark, &n, err);
	if (r < 0)
		return r;
	network_rules(&n, &rules);
	nft_mark(&rules, want);
	if (table < 0 || strcmp(mark, want) != 0 || o->is_fresh)
		r = table_ensure(o, &n, table == 0, err);
	if (r == 0)
		*ret = n;
	return r;
}

int network_open_bridge(struct nl_sock *rt, struct network *n, struct error *err)
{
	if (!is_default_network(n)) {
		n->has_ipv6 = n->gateway6.family != AF_UNSPEC && is_ipv6_on();
		if (!n->has_ipv6 && n->gateway4.family == AF_UNSPEC)
			return error_set(err, EAFNOSUPPORT,
					 "it has IPv6 alone, which is switched off on this host");
	}
	return is_bridge_ready(rt, n) ? 0 : bridge_ensure(rt, n, err);
}

int network_open_table(struct nl_sock *nf, const struct network *n, bool is_fresh,
		       struct error *err)
{
	char mark[NFT_MARK_MAX], want[NFT_MARK_MAX];
	int table = nft_table_mark(nf, n->table, mark, err);
	struct nft_elements none = { 0 };
	struct nft_rules rules;

	if (table < 0 && table != -ENOENT)
		return table;
	network_rules(n, &rules);
	nft_mark(&rules, want);
	if (table == 0 && !is_fresh && strcmp(mark, want) == 0)
		return 0;
	return nft_install(nf, &rules, &none, table == 0, err);
}

static int bridge_remove(struct nl_sock *rt, const struct network *n, struct error *err)
{
	int index = nl_device_index(rt, n->bridge);
	cleanup_batch struct nl_batch b = { 0 };
	struct error scratch; /* then it is not ours to remove */

	if (index < 0 || (refuse_foreign_device(n, &scratch) < 0 && !WEAKEN("NET-foreign")))
		return 0;
	nl_batch_init(&b, 256);
	link_remove(&b, index);
	return nl_send(rt, &b, err);
}

int network_remove(struct nl_sock *rt, struct nl_sock *nf, const struct network *n,
		   struct error *err)
{
	int r = nft_drop(nf, n->table, err);

	return r < 0 ? r : bridge_remove(rt, n, err);
}
