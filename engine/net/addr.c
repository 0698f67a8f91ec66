/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr - addresses of devices.
 *
 * Theory of operation: IPv4 wants the address twice (IFA_LOCAL is the device's own, IFA_ADDRESS the
 * peer's or again its own), and a broadcast address that the kernel does not derive by itself. IPv6
 * addresses are added with IFA_F_NODAD: duplicate address detection would keep the address unusable
 * for more than a second, and a lease is unique already. The same goes for link-local ones: the
 * kernel's own would be tentative for more than a second, and as long as the bridge has none, the
 * host cannot even ask for a pod's hardware address when the packet's source is another device's.
 * So they are added here, and the kernel is told not to (addrgenmode none). "Replace" makes the
 * message idempotent.
 */
#include "engine/net/addr.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>

static void addr_broadcast(struct nl_batch *b, const struct ip_addr *a, uint8_t bits)
{
	uint32_t v;

	memcpy(&v, a->bytes, 4);
	if (bits < 31)
		v |= htonl(UINT32_MAX >> bits);
	nl_put(b, IFA_BROADCAST, &v, 4);
}

void addr_add(struct nl_batch *b, int index, const struct ip_addr *a, uint8_t bits)
{
	struct ifaddrmsg *m = nl_message(b, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK,
					 sizeof(*m), "add address");

	m->ifa_family = (uint8_t)a->family;
	m->ifa_prefixlen = bits;
	m->ifa_index = (uint32_t)index;
	if (a->family == AF_INET6)
		m->ifa_flags = IFA_F_NODAD;
	nl_put(b, IFA_LOCAL, a->bytes, ip_len(a->family));
	nl_put(b, IFA_ADDRESS, a->bytes, ip_len(a->family));
	if (a->family == AF_INET)
		addr_broadcast(b, a, bits);
}

struct ip_addr addr_link_local(const uint8_t mac[6])
{
	struct ip_addr a = { AF_INET6, { 0xfe, 0x80 } };

	memcpy(a.bytes + 8, mac, 3);
	a.bytes[8] ^= 0x02;
	a.bytes[11] = 0xff;
	a.bytes[12] = 0xfe;
	memcpy(a.bytes + 13, mac + 3, 3);
	return a;
}
