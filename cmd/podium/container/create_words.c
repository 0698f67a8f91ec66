/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create_words - sizes, times and ports, as people write them for Docker and Podman.
 *
 * Theory of operation: pure text work, strict: the whole word must fit its grammar, every number is
 * range checked, nothing is guessed. A range of ports becomes one entry a port, so that nothing
 * behind this knows ranges. Whether a port of the host is free is asked when the container is made.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/podium/container/create_options.h"
#include "engine/base/mem.h"
#include "engine/net/ip.h"

#define FRACTION_DIGITS 9
#define PORT_RANGE_MAX	1024 /* ports of one word */

/* ---- decimal numbers -------------------------------------------------------------------------- */

/* "1.5" in billionths, at most 10^9 whole units; *end is behind it. */
static int read_decimal(const char *text, __int128 *ret_nano, const char **end)
{
	size_t whole = strspn(text, "0123456789");
	size_t frac = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
	__int128 n = 0;

	if (whole + frac == 0 || whole > 18 || (text[whole] == '.' && frac == 0))
		return -EINVAL;
	for (size_t i = 0; i < whole; i++)
		n = n * 10 + (text[i] - '0');
	for (size_t i = 0; i < FRACTION_DIGITS; i++)
		n = n * 10 + (i < frac ? text[whole + 1 + i] - '0' : 0);
	*ret_nano = n;
	*end = text + whole + (text[whole] == '.' ? frac + 1 : 0);
	return 0;
}

int words_size(const char *text, int64_t *ret)
{
	static const char units[] = "kmgtp";
	const char *end, *unit;
	unsigned int shift = 0;
	__int128 nano;

	if (read_decimal(text, &nano, &end) < 0)
		return -EINVAL;
	if (*end == ' ')
		end++;
	unit = *end ? strchr(units, *end | 0x20) : NULL;
	if (unit) {
		shift = 10 * ((unsigned int)(unit - units) + 1);
		end++;
		if (*end == 'i' || *end == 'I')
			end++;
	}
	if (*end == 'b' || *end == 'B')
		end++;
	if (*end || nano / 1000000000 > (INT64_MAX >> shift))
		return -EINVAL;
	*ret = (int64_t)((nano << shift) / 1000000000);
	return 0;
}

int words_duration(const char *text, int64_t *ret_ns)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = { { "ns", 1 },	   { "us", 1000 },	 { "ms", 1000000 },
		      { "s", 1000000000 }, { "m", 60000000000 }, { "h", 3600000000000 } };
	__int128 total = 0;

	if (is_equal(text, "0")) {
		*ret_ns = 0;
		return 0;
	}
	for (const char *at = text; *at || at == text;) {
		size_t len, i = 0;
		__int128 nano;

		if (read_decimal(at, &nano, &at) < 0)
			return -EINVAL;
		len = strcspn(at, "0123456789.");
		while (i < ARRAY_SIZE(units) &&
		       (strlen(units[i].name) != len || strncmp(at, units[i].name, len) != 0))
			i++;
		if (i == ARRAY_SIZE(units) || nano / 1000000000 > INT64_MAX / units[i].ns)
			return -EINVAL;
		total += nano * units[i].ns / 1000000000;
		at += len;
		if (total > INT64_MAX)
			return -EINVAL;
	}
	*ret_ns = (int64_t)total;
	return 0;
}

/* ---- ports ------------------------------------------------------------------------------------ */

struct port_range {
	uint16_t first;
	uint16_t last;
};

/* "80", "80-90". */
static int read_range(const char *text, struct port_range *ret)
{
	const char *dash = strchr(text, '-');
	cleanup_free char *first = dash ? xstrndup(text, (size_t)(dash - text)) : xstrdup(text);
	uint64_t a, b;

	if (parse_u64(first, UINT16_MAX, &a) < 0)
		return -EINVAL;
	b = a;
	if (dash && parse_u64(dash + 1, UINT16_MAX, &b) < 0)
		return -EINVAL;
	if (a == 0 || b < a || b - a >= PORT_RANGE_MAX)
		return -EINVAL;
	*ret = (struct port_range){ (uint16_t)a, (uint16_t)b };
	return 0;
}

static int read_protocol(const char *text)
{
	for (int p = 0; p < PORT__COUNT; p++)
		if (strcmp(port_protocol_str(p), text) == 0)
			return p;
	return -EINVAL;
}

/* Cuts "[::1]:" or "127.0.0.1:" off the front of *text; 0: there is none, 1: there is, maybe empty. */
static int take_address(char **text, char **ret)
{
	char *from = *text, *end = *text;
	struct ip_addr a;

	if (*from == '[') {
		end = strstr(++from, "]:");
		if (!end)
			return -EINVAL;
		*text = end + 2;
	} else {
		end = strchr(from, ':');
		if (!end || !strchr(end + 1, ':'))
			return 0;
		*text = end + 1;
	}
	*ret = end > from ? xstrndup(from, (size_t)(end - from)) : NULL;
	return *ret && ip_parse(*ret, &a) < 0 ? -EINVAL : 1;
}

static void add_ports(struct port_list *ret, const char *ip, int protocol,
		      const struct port_range *inner, const struct port_range *host)
{
	for (unsigned int i = 0; i <= (unsigned int)(inner->last - inner->first); i++) {
		struct port_spec *p = list_add(ret);

		p->container_port = (uint16_t)(inner->first + i);
		p->host_port = host->first ? (uint16_t)(host->first + i) : 0;
		p->host_ip = xstrdup_or_null(ip);
		p->protocol = protocol;
	}
}

static int parse_published(char *text, struct port_list *ret)
{
	struct port_range inner, host = { 0, 0 };
	char *slash = strchr(text, '/'), *colon;
	cleanup_free char *ip = NULL;
	int protocol = PORT_TCP;
	int r;

	if (slash) {
		*slash = '\0';
		protocol = read_protocol(slash + 1);
	}
	r = take_address(&text, &ip);
	colon = strchr(text, ':');
	if (protocol < 0 || r < 0 || (r > 0 && !colon))
		return -EINVAL;
	if (colon)
		*colon++ = '\0';
	if (read_range(colon ? colon : text, &inner) < 0)
		return -EINVAL;
	if (colon && *text && read_range(text, &host) < 0)
		return -EINVAL;
	if (host.first && host.last - host.first != inner.last - inner.first)
		return -ERANGE;
	add_ports(ret, ip, protocol, &inner, &host);
	return 0;
}

int publish_parse(const char *text, struct port_list *ret, struct error *err)
{
	cleanup_free char *copy = xstrdup(text);
	int r = parse_published(copy, ret);

	if (r == -ERANGE)
		return error_set(err, EINVAL,
				 "--publish '%.100s': the ranges of host and container ports "
				 "differ in length",
				 text);
	if (r < 0)
		return error_set(err, EINVAL,
				 "--publish '%.100s' is not [[IP:][HOST[-HOST]]:]CONTAINER"
				 "[-CONTAINER][/tcp|udp|sctp] with ports from 1 to 65535",
				 text);
	return 0;
}

int expose_parse(const char *text, struct port_list *ret, struct error *err)
{
	cleanup_free char *copy = xstrdup(text);
	char *slash = strchr(copy, '/');
	struct port_range inner, none = { 0, 0 };
	int protocol = PORT_TCP;

	if (slash) {
		*slash = '\0';
		protocol = read_protocol(slash + 1);
	}
	if (protocol < 0 || read_range(copy, &inner) < 0)
		return error_set(err, EINVAL,
				 "port '%.60s' is not PORT[-PORT][/tcp|udp|sctp] with ports from 1 "
				 "to 65535",
				 text);
	add_ports(ret, NULL, protocol, &inner, &none);
	return 0;
}

static bool is_same_address(const char *a, const char *b)
{
	struct ip_addr p, q;

	/* No address is every address, of both families. */
	if (!a || !b || ip_parse(a, &p) < 0 || ip_parse(b, &q) < 0)
		return true;
	if (p.family != q.family)
		return false;
	return is_ip_any(&p) || is_ip_any(&q) || is_ip_equal(&p, &q);
}

int publish_check(const struct port_list *ports, struct error *err)
{
	for (size_t i = 0; i < ports->n; i++) {
		for (size_t k = 0; k < i; k++) {
			const struct port_spec *a = &ports->v[i], *b = &ports->v[k];

			if (!a->host_port || a->host_port != b->host_port ||
			    a->protocol != b->protocol || !is_same_address(a->host_ip, b->host_ip))
				continue;
			return error_set(err, EINVAL,
					 "--publish: host port %u/%s is published twice",
					 a->host_port, port_protocol_str(a->protocol));
		}
	}
	return 0;
}
