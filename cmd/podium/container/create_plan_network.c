/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create_plan_network - networks, published ports, names and name servers of a pod.
 *
 * Theory of operation: the words of --network are read by cmd/podium/network/networkwords.c; this adds
 * what lies around it. All of it belongs to the pod, since the network namespace is the pod's: a
 * container that joins a pod has none of these flags (create_plan.c).
 *
 * Limits: HOST_NAME_MAX of a host name; names and addresses are one word of a file each.
 */
#include <errno.h>
#include <string.h>

#include "cmd/podium/base/conf.h"
#include "cmd/podium/container/create_options.h"
#include "cmd/podium/network/networkwords.h"
#include "engine/base/mem.h"
#include "engine/net/ip.h"
#include "engine/net/netconf.h"

#define HOST_GATEWAY "host-gateway"

/* Letters, digits, '-', '_' and '.': what stands in /etc/hosts and resolv.conf as one word. */
static bool is_host_word(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";

	return *s && strlen(s) <= 253 && strspn(s, letters) == strlen(s);
}

/* "name[;name]:ip" */
static int add_host(const char *text, struct pod_spec *pod, struct error *err)
{
	const char *colon = strchr(text, ':');
	cleanup_free char *names = colon ? xstrndup(text, (size_t)(colon - text)) : xstrdup("");
	struct ip_addr ip;
	struct host_alias *a;

	if (!is_host_word(names))
		return error_set(err, EINVAL, "--add-host '%.100s' is not NAME:ADDRESS", text);
	if (strcmp(colon + 1, HOST_GATEWAY) != 0 && ip_parse(colon + 1, &ip) < 0)
		return error_set(err, EINVAL, "--add-host '%.100s': '%.60s' is no address", text,
				 colon + 1);
	a = list_add(&pod->host_aliases);
	a->ip = xstrdup(colon + 1);
	strlist_add(&a->names, names);
	return 0;
}

static int add_dns(const struct strlist *list, const char *origin, struct pod_spec *pod,
		   struct error *err)
{
	struct ip_addr ip;

	for (size_t i = 0; i < list->n; i++) {
		if (is_equal(list->v[i], "none"))
			return error_set(err, EINVAL,
					 "%s 'none' is not supported: every container has a "
					 "resolv.conf",
					 origin);
		if (ip_parse(list->v[i], &ip) < 0)
			return error_set(err, EINVAL, "%s '%.100s' is no address", origin,
					 list->v[i]);
		strlist_add(&pod->dns.servers, list->v[i]);
	}
	return 0;
}

static int add_search(const struct strlist *list, struct pod_spec *pod, struct error *err)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!is_host_word(list->v[i]))
			return error_set(err, EINVAL, "--dns-search '%.100s' is no domain",
					 list->v[i]);
		strlist_add(&pod->dns.searches, list->v[i]);
	}
	if (list->n > 1 && strlist_has(list, "."))
		return error_set(err, EINVAL,
				 "--dns-search '.' is for no search at all: it stands alone");
	return 0;
}

/* "ndots:5", "rotate" */
static int add_options(const struct strlist *list, struct pod_spec *pod, struct error *err)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *text = list->v[i], *colon = strchr(text, ':');
		size_t n = colon ? (size_t)(colon - text) : strlen(text);
		struct dns_option *o;

		if (n == 0 || strpbrk(text, " \t\n#;"))
			return error_set(err, EINVAL, "--dns-option '%.100s' is no option", text);
		o = list_add(&pod->dns.options);
		o->name = xstrndup(text, n);
		o->value = colon ? xstrdup(colon + 1) : NULL;
	}
	return 0;
}

static int plan_names(const struct net_flags *w, const struct conf *conf, struct pod_spec *pod,
		      struct error *err)
{
	bool has_hosts =
		!(w->no_hosts.set ? w->no_hosts.value : conf->no_hosts.set && conf->no_hosts.value);
	int r = 0;

	if (w->hostname && (!is_host_word(w->hostname) || strlen(w->hostname) > 64))
		return error_set(err, EINVAL,
				 "--hostname '%.100s' is no host name: letters, digits, '-', '.' "
				 "and '_', at most 64 bytes",
				 w->hostname);
	pod->hostname = xstrdup_or_null(w->hostname);
	pod->no_hostname = w->no_hostname;
	pod->no_hosts = !has_hosts;
	if (!has_hosts && w->add_host.n && w->no_hosts.set)
		return error_set(err, EINVAL, "--no-hosts and --add-host exclude each other");
	for (size_t i = 0; i < w->add_host.n && r == 0; i++)
		r = add_host(w->add_host.v[i], pod, err);
	if (r == 0)
		r = w->dns.n
			    ? add_dns(&w->dns, "--dns", pod, err)
			    : add_dns(&conf->dns_servers, "containers.conf: dns_servers", pod, err);
	if (r == 0)
		r = add_search(w->dns_search.n ? &w->dns_search : &conf->dns_searches, pod, err);
	if (r == 0)
		r = add_options(w->dns_options.n ? &w->dns_options : &conf->dns_options, pod, err);
	return r;
}

static int check_combination(const struct net_flags *w, const struct pod_spec *pod,
			     struct error *err)
{
	const char *flag = w->publish.n	   ? "publish"
			   : w->hostname   ? "hostname"
			   : w->add_host.n ? "add-host"
			   : w->dns.n	   ? "dns"
					   : NULL;

	if (pod->network == NETWORK_FROM && flag && pod->network_from &&
	    is_prefix(pod->network_from, "container:"))
		return error_set(err, EINVAL,
				 "--%s cannot be had with --network %.100s: it is for whoever made "
				 "that network namespace to say",
				 flag, pod->network_from);
	if (w->dns.n && w->networks.n && pod->network == NETWORK_NONE)
		return error_set(err, EINVAL,
				 "conflicting options: dns and the network mode: none");
	if (w->publish.n && pod->network != NETWORK_BRIDGE)
		return error_set(err, EINVAL,
				 "--publish needs a bridge network: with --network %s nothing is "
				 "translated",
				 network_mode_names[pod->network]);
	return 0;
}

/* The host's owner may want another network for those that name none. */
static int default_network(const struct conf *conf, struct pod_spec *pod, struct error *err)
{
	int r = network_words_check_default(conf->default_network, err);

	if (r == 1)
		r = network_words(conf->default_network, pod, err);
	return r < 0 ? error_wrap(err, "containers.conf: default_network") : 0;
}

int plan_network(const struct net_flags *w, const struct conf *conf, struct pod_spec *pod,
		 struct error *err)
{
	const struct network_flags flags = { w->ip, w->ip6, w->mac, &w->aliases };
	int r = 0;

	for (size_t i = 0; i < w->networks.n && r == 0; i++)
		r = network_words(w->networks.v[i], pod, err);
	if (r == 0 && w->networks.n == 0 && conf->netns)
		r = network_words(conf->netns, pod, err);
	if (r == 0 && pod->network == NETWORK_BRIDGE && pod->networks.n == 0)
		r = default_network(conf, pod, err);
	if (r == 0)
		r = network_words_flags(&flags, pod, err);
	for (size_t i = 0; i < w->publish.n && r == 0; i++)
		r = publish_parse(w->publish.v[i], &pod->ports, err);
	if (r == 0)
		r = check_combination(w, pod, err);
	return r < 0 ? r : plan_names(w, conf, pod, err);
}
