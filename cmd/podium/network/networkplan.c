/* SPDX-License-Identifier: Apache-2.0 */
/*
 * networkplan - from the words of `network create` to a request for podium-net.
 *
 * Theory of operation: as Podman, gateways and ranges belong to the subnets of the same number. What the
 * host has free is not known here: a subnet "4" or "6" asks for one of that family. Everything that
 * cannot be had is refused by its name.
 *
 * Limits: one subnet of each family; room for two pods at least (/30, /126); MTU 68 (IPv6: 1280) to
 * 65535, as the kernel's.
 */
#include "cmd/podium/network/networkplan.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/net/ip.h"
#include "engine/net/netconf.h"

#define MTU_MIN	 68
#define MTU6_MIN 1280
#define MTU_MAX	 65535

static struct subnet_conf *add_subnet(struct network_conf *c, const char *text)
{
	size_t at = c->subnets.n++;

	c->subnets.v = xreallocarray(c->subnets.v, c->subnets.n, sizeof(*c->subnets.v));
	c->subnets.v[at] = (struct subnet_conf){ .subnet = xstrdup(text) };
	return &c->subnets.v[at];
}

static bool has_family(const struct network_conf *c, bool six)
{
	for (size_t i = 0; i < c->subnets.n; i++)
		if ((strchr(c->subnets.v[i].subnet, ':') != NULL) == six)
			return true;
	return false;
}

/* Bits behind the prefix are cleared, as Podman does: "10.78.0.1/24" is 10.78.0.0/24. */
static void mask_prefix(struct ip_prefix *p)
{
	for (size_t i = 0; i < ip_len(p->addr.family); i++) {
		unsigned int left = p->bits > 8 * i ? p->bits - (unsigned int)(8 * i) : 0;

		if (left < 8)
			p->addr.bytes[i] &= (uint8_t)(0xff00u >> left);
	}
}

static int read_subnet(const char *text, struct ip_prefix *p, struct error *err)
{
	if (ip_prefix_parse(text, p) < 0)
		return error_set(err, EINVAL, "invalid CIDR address: %.64s", text);
	mask_prefix(p);
	if (p->bits == 0 || p->bits > 8 * ip_len(p->addr.family) - 2)
		return error_set(err, EINVAL, "subnet %.64s has no room for pods", text);
	return 0;
}

static bool is_inside(const struct ip_addr *a, const struct ip_prefix *p)
{
	struct ip_prefix one = { .addr = *a, .bits = p->bits };

	return is_ip_prefix_overlapping(&one, p);
}

static int set_gateway(struct subnet_conf *s, const struct ip_prefix *p, const char *text,
		       struct error *err)
{
	char net[IP_TEXT_MAX + 4], canonical[IP_TEXT_MAX];
	struct ip_addr gw;

	if (ip_parse(text, &gw) < 0)
		return error_set(err, EINVAL, "gateway '%.64s' is no IP address", text);
	if (!is_inside(&gw, p))
		return error_set(err, EINVAL, "gateway %s not in subnet %s", text,
				 ip_prefix_format(p, net));
	if (is_ip_equal(&gw, &p->addr))
		return error_set(err, EINVAL, "gateway %s is the subnet's own address", text);
	s->gateway = xstrdup(ip_format(&gw, canonical));
	return 0;
}

static int set_range_ends(struct subnet_conf *s, const struct ip_prefix *p, struct ip_addr ends[2],
			  struct error *err)
{
	static const char *const names[] = { "start", "end" };
	char text[IP_TEXT_MAX], net[IP_TEXT_MAX + 4];

	for (size_t i = 0; i < 2; i++)
		if (!is_inside(&ends[i], p))
			return error_set(err, EINVAL, "lease range %s ip %s not in subnet %s",
					 names[i], ip_format(&ends[i], text),
					 ip_prefix_format(p, net));
	if (memcmp(ends[0].bytes, ends[1].bytes, ip_len(ends[0].family)) > 0)
		return error_set(err, EINVAL, "lease range ends before it begins");
	if (p->addr.family == AF_INET6 && (memcmp(ends[0].bytes, p->addr.bytes, 12) != 0 ||
					   memcmp(ends[1].bytes, p->addr.bytes, 12) != 0))
		return error_set(err, EINVAL,
				 "an IPv6 range lies in the first 2^32 addresses of its subnet");
	s->first = xstrdup(ip_format(&ends[0], text));
	s->last = xstrdup(ip_format(&ends[1], text));
	return 0;
}

/* A prefix, whose first address is left out, or START-END. */
static int set_range(struct subnet_conf *s, const struct ip_prefix *p, const char *text,
		     struct error *err)
{
	const char *dash = strchr(text, '-');
	struct ip_addr ends[2];
	struct ip_prefix r;
	unsigned int host;

	if (dash) {
		cleanup_free char *start = xstrndup(text, (size_t)(dash - text));

		if (ip_parse(start, &ends[0]) < 0 || ip_parse(dash + 1, &ends[1]) < 0)
			return error_set(err, EINVAL, "invalid range '%.64s'", text);
		return set_range_ends(s, p, ends, err);
	}
	if (ip_prefix_parse(text, &r) < 0)
		return error_set(err, EINVAL, "invalid CIDR address: %.64s", text);
	mask_prefix(&r);
	host = (unsigned int)(8 * ip_len(r.addr.family)) - r.bits;
	if (host < 1)
		return error_set(err, EINVAL, "range %.64s has no room for pods", text);
	ends[0] = ip_prefix_at(&r, 1);
	ends[1] = ip_prefix_at(&r, host >= 32 ? UINT32_MAX - 1 : (1u << host) - 1);
	return set_range_ends(s, p, ends, err);
}

static int plan_subnets(const struct network_create_options *o, struct network_conf *c,
			struct error *err)
{
	int r = 0;

	if (!o->subnets.n && (o->gateways.n || o->ranges.n))
		return error_set(err, EINVAL, "cannot set gateway or range without subnet");
	if (o->gateways.n > o->subnets.n)
		return error_set(err, EINVAL, "cannot set more gateways than subnets");
	if (o->ranges.n > o->subnets.n)
		return error_set(err, EINVAL, "cannot set more ranges than subnets");
	for (size_t i = 0; i < o->subnets.n && r == 0; i++) {
		char text[IP_TEXT_MAX + 4];
		struct subnet_conf *s;
		struct ip_prefix p;

		r = read_subnet(o->subnets.v[i], &p, err);
		if (r < 0)
			break;
		if (has_family(c, p.addr.family == AF_INET6))
			return error_set(
				err, EINVAL,
				"more than one %s subnet: a network has one of each family",
				p.addr.family == AF_INET6 ? "IPv6" : "IPv4");
		s = add_subnet(c, ip_prefix_format(&p, text));
		if (i < o->gateways.n)
			r = set_gateway(s, &p, o->gateways.v[i], err);
		if (r == 0 && i < o->ranges.n)
			r = set_range(s, &p, o->ranges.v[i], err);
	}
	if (r == 0 && (!c->subnets.n || o->ipv6) && !has_family(c, false))
		(void)add_subnet(c, "4");
	if (r == 0 && o->ipv6 && !has_family(c, true))
		(void)add_subnet(c, "6");
	return r;
}

static int set_mtu(const char *value, struct network_conf *c, struct error *err)
{
	uint64_t min = has_family(c, true) ? MTU6_MIN : MTU_MIN, mtu;

	if (parse_u64(value, MTU_MAX, &mtu) < 0 || mtu < min)
		return error_set(err, EINVAL, "mtu '%.32s' is not a number from %llu to %d", value,
				 (unsigned long long)min, MTU_MAX);
	pairlist_set(&c->options, "mtu", value);
	return 0;
}

static int set_isolate(const char *value, struct network_conf *c, struct error *err)
{
	static const char *const yes[] = { "true", "1", "t", "T", "TRUE", "True" };
	static const char *const no[] = { "false", "0", "f", "F", "FALSE", "False" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (strcmp(value, yes[i]) == 0)
			pairlist_set(&c->options, "isolate", "true");
		if (strcmp(value, no[i]) == 0)
			pairlist_set(&c->options, "isolate", "false");
		if (strcmp(value, yes[i]) == 0 || strcmp(value, no[i]) == 0)
			return 0;
	}
	return error_set(err, EINVAL, "isolate '%.32s' is neither true nor false", value);
}

static int plan_option(const char *text, struct network_conf *c, struct error *err)
{
	const char *equals = strchr(text, '=');
	cleanup_free char *key = equals ? xstrndup(text, (size_t)(equals - text)) : xstrdup(text);
	const char *value = equals ? equals + 1 : "";

	if (strcmp(key, "mtu") == 0 || strcmp(key, "com.docker.network.driver.mtu") == 0)
		return set_mtu(value, c, err);
	if (strcmp(key, "isolate") == 0)
		return set_isolate(value, c, err);
	if (strcmp(key, "vlan") == 0)
		return error_set(err, EOPNOTSUPP,
				 "bridge network option vlan is not supported: make a network for "
				 "each group of pods instead");
	return error_set(err, EINVAL, "unsupported bridge network option %.64s", key);
}

static int plan_driver(const struct network_create_options *o, struct error *err)
{
	static const char *const known[] = { "macvlan", "ipvlan" };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (is_equal(o->driver, known[i]))
			return error_set(err, EOPNOTSUPP,
					 "driver %s is not supported: there are bridges alone",
					 known[i]);
	if (o->driver && strcmp(o->driver, "bridge") != 0)
		return error_set(err, EINVAL, "unsupported driver %.64s", o->driver);
	if (o->ipam_driver && strcmp(o->ipam_driver, "host-local") != 0)
		return error_set(err, EOPNOTSUPP,
				 "ipam driver %.64s is not supported: addresses are given by "
				 "host-local",
				 o->ipam_driver);
	return 0;
}

static int plan_name(const char *name, const char *interface, struct error *err)
{
	if (name && is_network_mode_name(name))
		return error_set(
			err, EINVAL,
			"cannot create network with name \"%s\" because it conflicts with a "
			"valid network mode",
			name);
	if (name && !is_network_name(name))
		return error_set(err, EINVAL,
				 "network name %.140s invalid: names must match "
				 "[a-zA-Z0-9][a-zA-Z0-9_.-]*, at most %d bytes",
				 name, NETWORK_NAME_MAX);
	if (interface && (!is_device_name(interface) || strcmp(interface, "lo") == 0))
		return error_set(err, EINVAL, "interface name '%.32s' is no name of a bridge",
				 interface);
	return 0;
}

static int plan_dns(const struct network_create_options *o, struct network_conf *c,
		    struct error *err)
{
	struct ip_addr ip;

	c->dns = !o->disable_dns;
	if (o->dns.n && o->disable_dns)
		return error_set(err, EINVAL, "--dns and --disable-dns exclude each other");
	if (o->dns.n && o->internal)
		return error_set(
			err, EINVAL,
			"--dns and --internal exclude each other: the names of an internal "
			"network are never asked elsewhere");
	for (size_t i = 0; i < o->dns.n; i++) {
		if (ip_parse(o->dns.v[i], &ip) < 0)
			return error_set(err, EINVAL, "--dns '%.64s' is no IP address",
					 o->dns.v[i]);
		strlist_add(&c->dns_servers, o->dns.v[i]);
	}
	return 0;
}

int network_plan(const struct network_create_options *o, const char *name, struct network_conf *ret,
		 struct error *err)
{
	int r = plan_name(name, o->interface, err);

	*ret = (struct network_conf){ .internal = o->internal };
	if (r == 0)
		r = plan_driver(o, err);
	if (r == 0)
		r = plan_subnets(o, ret, err);
	if (r == 0)
		r = plan_dns(o, ret, err);
	for (size_t i = 0; i < o->options.n && r == 0; i++)
		r = plan_option(o->options.v[i], ret, err);
	for (size_t i = 0; i < o->labels.n && r == 0; i++) {
		const char *equals = strchr(o->labels.v[i], '=');
		size_t len = equals ? (size_t)(equals - o->labels.v[i]) : strlen(o->labels.v[i]);
		cleanup_free char *key = xstrndup(o->labels.v[i], len);

		if (!*key)
			return error_set(err, EINVAL, "label '%.64s' has no name", o->labels.v[i]);
		pairlist_set(&ret->labels, key, equals ? equals + 1 : "");
	}
	ret->name = xstrdup_or_null(name);
	ret->interface = xstrdup_or_null(o->interface);
	return r;
}
