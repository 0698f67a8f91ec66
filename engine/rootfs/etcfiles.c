/* SPDX-License-Identifier: Apache-2.0 */
/*
 * etcfiles - the text of a pod's /etc/hosts and /etc/resolv.conf.
 *
 * Theory of operation: hosts has localhost, the pod's own name by its addresses (the name with its
 * domain first, when it has a subdomain, as the kubelet writes it), the host as
 * host.containers.internal by the gateway, then the spec's aliases. A pod in the host's network
 * starts from the host's file. resolv.conf: with policy None the spec's dnsConfig alone; otherwise
 * the host's servers, searches and options, each followed or (options) overridden by dnsConfig.
 * Servers on the loopback are of no use inside a network namespace of the pod's own and are left
 * out; a pod without network gets no server at all. Kubernetes' limits of 3 servers and 32 search
 * domains in 2048 characters cut the rest.
 *
 * All text comes from validated specs or the host's own files; a line break or control byte in a
 * word ends it, so that one value never becomes two lines.
 */
#include "engine/rootfs/etcfiles.h"

#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/pod/spec.h"

/* Appends text up to its first control byte. */
static void add_word(struct buf *b, const char *text)
{
	for (; *text && (unsigned char)*text > ' ' && *text != 0x7f; text++)
		buf_addc(b, *text);
}

static void add_host(struct buf *b, const char *ip, const char *name)
{
	if (!ip)
		return;
	add_word(b, ip);
	buf_addc(b, '\t');
	add_word(b, name);
	buf_addc(b, '\n');
}

/* The pod by one of its addresses: NAME.DOMAIN, NAME and the pod's own name, each once. */
static void add_pod(struct buf *b, const char *ip, const struct pod_spec *pod, const char *hostname)
{
	char name[POD_HOSTNAME_MAX];
	cleanup_free char *domain = pod_domain(pod);

	if (!ip)
		return;
	add_word(b, ip);
	buf_addc(b, '\t');
	if (domain) {
		pod_short_hostname(pod, name);
		add_word(b, name);
		buf_addc(b, '.');
		add_word(b, domain);
		buf_addc(b, ' ');
		hostname = name;
	}
	add_word(b, hostname);
	if (pod->name && strcmp(pod->name, hostname) != 0) {
		buf_addc(b, ' ');
		add_word(b, pod->name);
	}
	buf_addc(b, '\n');
}

/* "host-gateway" stands for the address under which the host is reached. */
static const char *alias_address(const char *ip, const struct etc_facts *facts)
{
	if (!is_equal(ip, "host-gateway"))
		return ip;
	return facts->gateway4 ? facts->gateway4 : facts->gateway6 ? facts->gateway6 : "127.0.0.1";
}

static void add_aliases(struct buf *b, const struct host_alias_list *aliases,
			const struct etc_facts *facts)
{
	for (size_t i = 0; i < aliases->n; i++) {
		const struct host_alias *a = &aliases->v[i];

		if (!a->ip)
			continue;
		add_word(b, alias_address(a->ip, facts));
		for (size_t k = 0; k < a->names.n; k++) {
			buf_addc(b, k ? ' ' : '\t');
			add_word(b, a->names.v[k]);
		}
		buf_addc(b, '\n');
	}
}

char *etc_hosts_text(const struct pod_spec *pod, const struct etc_facts *facts)
{
	struct buf b = BUF_INIT(ETC_FILE_MAX);

	if ((pod->network == NETWORK_HOST || pod->network == NETWORK_FROM) && facts->host_hosts) {
		buf_adds(&b, facts->host_hosts);
		if (b.len && b.data[b.len - 1] != '\n')
			buf_addc(&b, '\n');
		if (pod->network == NETWORK_HOST)
			add_host(&b, "127.0.0.1", "host.containers.internal");
		else
			add_pod(&b, facts->address4 ? facts->address4 : "127.0.0.1", pod,
				facts->hostname);
		add_aliases(&b, &pod->host_aliases, facts);
		return buf_steal(&b);
	}
	buf_adds(&b, "127.0.0.1\tlocalhost\n"
		     "::1\tlocalhost ip6-localhost ip6-loopback\n");
	if (!facts->address4 && !facts->address6)
		add_pod(&b, "127.0.0.1", pod, facts->hostname);
	add_pod(&b, facts->address4, pod, facts->hostname);
	add_pod(&b, facts->address6, pod, facts->hostname);
	for (size_t i = 0; facts->more_addresses && i < facts->more_addresses->n; i++)
		add_pod(&b, facts->more_addresses->v[i], pod, facts->hostname);
	add_host(&b, facts->gateway4, "host.containers.internal");
	if (!facts->gateway4)
		add_host(&b, facts->gateway6, "host.containers.internal");
	add_aliases(&b, &pod->host_aliases, facts);
	return buf_steal(&b);
}

/* ---- resolv.conf ------------------------------------------------------------------------ */

struct resolv {
	struct strlist servers;
	struct strlist searches;
	struct pairlist options; /* value "": none */
};

static bool is_loopback(const char *server)
{
	return is_prefix(server, "127.") || strcmp(server, "::1") == 0;
}

static void add_unique(struct strlist *l, const char *s)
{
	if (!is_empty(s) && !strlist_has(l, s))
		strlist_add(l, s);
}

/* "ndots:5" or "rotate" */
static void add_option(struct resolv *r, const char *text)
{
	const char *colon = strchr(text, ':');
	cleanup_free char *name = xstrndup(text, colon ? (size_t)(colon - text) : strlen(text));

	pairlist_set(&r->options, name, colon ? colon + 1 : "");
}

static void parse_line(struct resolv *r, char *line, bool keep_loopback)
{
	char *words[ETC_SEARCHES_MAX + 2];
	size_t n = 0;

	line[strcspn(line, "#;")] = '\0';
	for (char *p = line + strspn(line, " \t\r"); *p && n < ARRAY_SIZE(words);) {
		size_t len = strcspn(p, " \t\r");
		bool last = !p[len];

		words[n++] = p;
		p[len] = '\0';
		p += len + !last;
		p += strspn(p, " \t\r");
	}
	if (n < 2)
		return;
	if (strcmp(words[0], "nameserver") == 0 && (keep_loopback || !is_loopback(words[1])))
		add_unique(&r->servers, words[1]);
	if (strcmp(words[0], "search") == 0 || strcmp(words[0], "domain") == 0) {
		strlist_done(&r->searches); /* the last line wins */
		for (size_t i = 1; i < n; i++)
			add_unique(&r->searches, words[i]);
	}
	if (strcmp(words[0], "options") == 0)
		for (size_t i = 1; i < n; i++)
			add_option(r, words[i]);
}

static void parse_host(struct resolv *r, const char *text, bool keep_loopback)
{
	cleanup_free char *copy = xstrdup(text);
	char *p = copy;

	while (*p) {
		size_t n = strcspn(p, "\n");
		char *next = p + n + (p[n] == '\n');

		p[n] = '\0';
		parse_line(r, p, keep_loopback);
		p = next;
	}
}

static void merge_spec(struct resolv *r, const struct dns_spec *dns)
{
	for (size_t i = 0; i < dns->servers.n; i++)
		add_unique(&r->servers, dns->servers.v[i]);
	for (size_t i = 0; i < dns->searches.n; i++)
		add_unique(&r->searches, dns->searches.v[i]);
	for (size_t i = 0; i < dns->options.n; i++)
		pairlist_set(&r->options, dns->options.v[i].name,
			     dns->options.v[i].value ? dns->options.v[i].value : "");
}

static void print_resolv(struct buf *b, const struct resolv *r)
{
	size_t n = 0;

	if (r->searches.n)
		buf_adds(b, "search");
	for (size_t i = 0; i < r->searches.n && i < ETC_SEARCHES_MAX; i++) {
		n += strlen(r->searches.v[i]) + (i > 0);
		if (n > ETC_SEARCH_BYTES_MAX)
			break;
		buf_addc(b, ' ');
		add_word(b, r->searches.v[i]);
	}
	if (r->searches.n)
		buf_addc(b, '\n');
	for (size_t i = 0; i < r->servers.n && i < ETC_SERVERS_MAX; i++) {
		buf_adds(b, "nameserver ");
		add_word(b, r->servers.v[i]);
		buf_addc(b, '\n');
	}
	if (r->options.n)
		buf_adds(b, "options");
	for (size_t i = 0; i < r->options.n; i++) {
		buf_addc(b, ' ');
		add_word(b, r->options.v[i].key);
		if (!is_empty(r->options.v[i].value)) {
			buf_addc(b, ':');
			add_word(b, r->options.v[i].value);
		}
	}
	if (r->options.n)
		buf_addc(b, '\n');
}

/* The networks' own resolvers come first and stand for the host's servers, which they ask themselves.
 * Servers that somebody has asked for by hand are asked alone, else they never would be. */
static void merge_resolvers(struct resolv *r, const struct strlist *resolvers)
{
	strlist_done(&r->servers);
	for (size_t i = 0; i < resolvers->n; i++)
		add_unique(&r->servers, resolvers->v[i]);
}

static void add_names_domain(struct resolv *r)
{
	struct strlist all = { 0 };

	strlist_add(&all, ETC_NAMES_DOMAIN);
	for (size_t i = 0; i < r->searches.n; i++)
		add_unique(&all, r->searches.v[i]);
	strlist_done(&r->searches);
	r->searches = all;
}

/* In a pod made by hand what is said replaces what the host has. */
static void replace_by_hand(struct resolv *r, const struct pod_spec *pod, bool servers)
{
	if (servers || (!pod->owner && pod->dns.servers.n))
		strlist_done(&r->servers);
	if (!pod->owner && pod->dns.searches.n)
		strlist_done(&r->searches);
}

char *etc_resolv_text(const struct pod_spec *pod, const struct etc_facts *facts)
{
	struct buf b = BUF_INIT(ETC_FILE_MAX);
	struct resolv r = { 0 };
	bool own = pod->dns.policy && strcmp(pod->dns.policy, "None") == 0;
	bool by_hand = !pod->dns.policy && pod->dns.servers.n;
	bool has_names = facts->resolvers && facts->resolvers->n && !own;

	if (!own && facts->host_resolv && pod->network != NETWORK_NONE)
		parse_host(&r, facts->host_resolv, pod->network == NETWORK_HOST);
	if (has_names && !by_hand)
		merge_resolvers(&r, facts->resolvers);
	replace_by_hand(&r, pod, has_names && by_hand);
	merge_spec(&r, &pod->dns);
	if (!pod->owner && r.searches.n == 1 && is_equal(r.searches.v[0], "."))
		strlist_done(&r.searches); /* none at all */
	else if (has_names && !by_hand)
		add_names_domain(&r);
	if (pod->network == NETWORK_NONE && !own)
		strlist_done(&r.servers);
	print_resolv(&b, &r);
	strlist_done(&r.servers);
	strlist_done(&r.searches);
	pairlist_done(&r.options);
	return buf_steal(&b);
}
