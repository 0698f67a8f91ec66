/* SPDX-License-Identifier: Apache-2.0 */
/*
 * networkwords - reading --network and its neighbours.
 *
 * Theory of operation: each value of --network is put into the plan as it comes. What may follow what
 * is seen from the plan itself: a mode other than bridge allows no second value, and a mode's name is
 * a mode only as the first. Addresses are written in their canonical form, so that everybody behind
 * compares text. An alias becomes a name that other pods can ask for, and a word in a file of the
 * resolver's: only what can stand in a host name passes.
 *
 * Limits: NETWORK_WORD_MAX bytes a value, NET_ATTACHMENTS_MAX networks a pod, ALIASES_MAX names in each.
 */
#include "cmd/podium/network/networkwords.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/net/ip.h"
#include "engine/net/link.h"
#include "engine/net/net.h"
#include "engine/net/netconf.h"
#include "engine/net/netnames.h"
#include "engine/pod/spec.h"

#define NETWORK_WORD_MAX 4096
#define ALIASES_MAX	 64

/* ---- addresses -------------------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Two digits at a time, a separator after every `group` digits. Returns what is left, or NULL. */
static const char *read_mac(const char *t, size_t group, char separator, uint8_t out[LINK_MAC_LEN])
{
	for (size_t i = 0; i < LINK_MAC_LEN; i++) {
		int high = hex_digit(t[0]), low = high < 0 ? -1 : hex_digit(t[1]);

		if (low < 0)
			return NULL;
		out[i] = (uint8_t)(high * 16 + low);
		t += 2;
		if (i + 1 < LINK_MAC_LEN && (i + 1) * 2 % group == 0 && *t++ != separator)
			return NULL;
	}
	return t;
}

int network_words_mac(const char *text, char out[NETWORK_MAC_TEXT], struct error *err)
{
	size_t len = strlen(text);
	bool has_dots = len > 4 && text[4] == '.';
	char separator = has_dots ? '.' : len > 2 && text[2] == '-' ? '-' : ':';
	uint8_t mac[LINK_MAC_LEN];
	const char *end = read_mac(text, has_dots ? 4 : 2, separator, mac);

	if (!end || *end)
		return error_set(err, EINVAL, "address %.64s: invalid MAC address", text);
	(void)snprintf(out, NETWORK_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		       mac[2], mac[3], mac[4], mac[5]);
	if (mac[0] & 1)
		return error_set(err, EINVAL,
				 "MAC address %s is that of a group: the first number must be even",
				 out);
	if (strcmp(out, "00:00:00:00:00:00") == 0)
		return error_set(err, EINVAL, "MAC address %s is no address of a device", out);
	return 0;
}

static int set_once(char **to, const char *value, const char *what, struct error *err)
{
	if (*to && strcmp(*to, value) != 0)
		return error_set(err, EINVAL, "more than one %s: %s and %s", what, *to, value);
	free(*to);
	*to = xstrdup(value);
	return 0;
}

static int set_mac(struct attachment *a, const char *text, struct error *err)
{
	char mac[NETWORK_MAC_TEXT];
	int r = network_words_mac(text, mac, err);

	return r < 0 ? r : set_once(&a->mac, mac, "MAC address", err);
}

/* Either family goes where it belongs: Podman's ip= takes both. */
static int set_ip(struct attachment *a, const char *text, struct error *err)
{
	char canonical[IP_TEXT_MAX];
	struct ip_addr ip;

	if (ip_parse(text, &ip) < 0)
		return error_set(err, EINVAL, "invalid ip address \"%.64s\"", text);
	if (ip.family == AF_INET6)
		return set_once(&a->ip6, ip_format(&ip, canonical), "IPv6 address", err);
	return set_once(&a->ip4, ip_format(&ip, canonical), "IPv4 address", err);
}

static int add_alias(struct attachment *a, const char *alias, struct error *err)
{
	if (!*alias)
		return error_set(err, EINVAL, "alias cannot be empty");
	if (!is_dns_name(alias))
		return error_set(err, EINVAL,
				 "alias '%.64s' is no host name: letters, digits, '-', '_' and '.'",
				 alias);
	if (a->aliases.n >= ALIASES_MAX)
		return error_set(err, E2BIG, "more than %d aliases in a network", ALIASES_MAX);
	if (!strlist_has(&a->aliases, alias))
		strlist_add(&a->aliases, alias);
	return 0;
}

static int set_interface(struct attachment *a, const char *name, struct error *err)
{
	if (!*name)
		return error_set(err, EINVAL, "interface_name cannot be empty");
	if (!is_device_name(name) || strcmp(name, "lo") == 0)
		return error_set(
			err, EINVAL,
			"interface_name '%.64s' is no name of a device: at most %d letters, "
			"digits, '-', '_' and '.', and not lo",
			name, LINK_NAME_MAX);
	return set_once(&a->interface, name, "interface_name", err);
}

/* ---- one value -------------------------------------------------------------------------- */

static int read_option(struct attachment *a, char *word, struct error *err)
{
	char *value = strchr(word, '=');

	if (value)
		*value++ = '\0';
	else
		value = word + strlen(word);
	if (strcmp(word, "ip") == 0 || strcmp(word, "ip6") == 0)
		return set_ip(a, value, err);
	if (strcmp(word, "mac") == 0)
		return set_mac(a, value, err);
	if (strcmp(word, "alias") == 0)
		return add_alias(a, value, err);
	if (strcmp(word, "interface_name") == 0)
		return set_interface(a, value, err);
	return error_set(err, EINVAL, "unknown bridge network option: %.64s", word);
}

static int read_options(struct attachment *a, char *text, struct error *err)
{
	int r = 0;

	while (text && *text && r == 0)
		r = read_option(a, strsep(&text, ","), err);
	return r;
}

static int check_interfaces(const struct pod_spec *pod, struct error *err)
{
	const struct attachment *last = &pod->networks.v[pod->networks.n - 1];

	for (size_t i = 0; last->interface && i + 1 < pod->networks.n; i++)
		if (is_equal(pod->networks.v[i].interface, last->interface))
			return error_set(err, EINVAL, "two networks have the interface_name '%s'",
					 last->interface);
	return 0;
}

/* Appends network `name` with its options ("" and NULL: none). */
static int add_network(struct pod_spec *pod, const char *name, char *options, struct error *err)
{
	struct attachment *a;
	int r;

	if (!*name)
		return error_set(err, EINVAL, "network name cannot be empty");
	if (pod->networks.n >= NET_ATTACHMENTS_MAX)
		return error_set(err, E2BIG, "more than %d networks", NET_ATTACHMENTS_MAX);
	for (size_t i = 0; i < pod->networks.n; i++)
		if (is_equal(pod->networks.v[i].network, name))
			return error_set(err, EINVAL, "network %.64s is given twice", name);
	pod->network = NETWORK_BRIDGE;
	a = list_add(&pod->networks);
	a->network = xstrdup(name);
	r = read_options(a, options, err);
	if (r < 0)
		return error_wrap(err, "invalid option for network %.64s", name);
	return check_interfaces(pod, err);
}

static int add_default(struct pod_spec *pod, char *options, struct error *err)
{
	return add_network(pod, NET_DEFAULT, options, err);
}

static int set_from(struct pod_spec *pod, const char *text, struct error *err)
{
	const char *name = strchr(text, ':') + 1;

	if (!*name && is_prefix(text, "container:"))
		return error_set(
			err, EINVAL,
			"must provide name or ID of a container when specifying container:");
	if (*name != '/' && is_prefix(text, "ns:"))
		return error_set(
			err, EINVAL,
			"must provide an absolute path to a namespace when specifying ns:");
	pod->network = NETWORK_FROM;
	pod->network_from = xstrdup(text);
	return 0;
}

static bool is_mode_from(const char *word)
{
	return is_prefix(word, "container:") || is_prefix(word, "ns:");
}

/* Modes of Podman's that are not there are refused by name, else they would be networks. */
static int refuse_mode(const char *word, struct error *err)
{
	static const char *const user_mode[] = { "slirp4netns", "pasta" };

	for (size_t i = 0; i < ARRAY_SIZE(user_mode); i++) {
		size_t len = strlen(user_mode[i]);

		if (is_prefix(word, user_mode[i]) && (!word[len] || word[len] == ':'))
			return error_set(
				err, EINVAL,
				"network mode '%s' is for ordinary users and not supported: "
				"leave it out for the default network",
				user_mode[i]);
	}
	if (strcmp(word, "pod") == 0 || is_prefix(word, "pod:"))
		return error_set(err, EINVAL,
				 "network mode 'pod' is what containers of a pod have: use --pod");
	return 0;
}

/* *text is the first value of all. 1: not a mode. */
static int read_mode(char *text, struct pod_spec *pod, struct error *err)
{
	int r;

	if (strcmp(text, "bridge") == 0 || strcmp(text, "default") == 0 ||
	    strcmp(text, "private") == 0)
		return add_default(pod, NULL, err);
	if (is_prefix(text, "bridge:"))
		return add_default(pod, text + strlen("bridge:"), err);
	if (strcmp(text, "host") == 0 || strcmp(text, "none") == 0) {
		pod->network = *text == 'h' ? NETWORK_HOST : NETWORK_NONE;
		return 0;
	}
	r = refuse_mode(text, err);
	if (r < 0)
		return r;
	return is_mode_from(text) ? set_from(pod, text, err) : 1;
}

static int refuse_second(const char *text, const struct pod_spec *pod, struct error *err)
{
	static const char *const modes[] = { "bridge", "default",    "private", "host",
					     "none",   "container:", "ns:",	"bridge:" };

	if (pod->network != NETWORK_BRIDGE)
		return error_set(err, EINVAL,
				 "cannot set multiple networks without bridge network mode, "
				 "selected mode %.64s",
				 pod->network_from ? pod->network_from
						   : network_mode_names[pod->network]);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (is_suffix(modes[i], ":") ? is_prefix(text, modes[i]) : is_equal(text, modes[i]))
			return error_set(err, EINVAL,
					 "can only set extra network names, selected mode %.64s "
					 "conflicts with bridge",
					 text);
	return refuse_mode(text, err);
}

static int read_networks(char *text, struct pod_spec *pod, struct error *err)
{
	char *options = strchr(text, ':');
	int r = 0;

	if (options) {
		*options++ = '\0';
		return add_network(pod, text, options, err);
	}
	while (text && r == 0)
		r = add_network(pod, strsep(&text, ","), NULL, err);
	return r;
}

int network_words(const char *text, struct pod_spec *pod, struct error *err)
{
	bool is_first = pod->network == NETWORK_BRIDGE && pod->networks.n == 0;
	cleanup_free char *copy = NULL;
	int r;

	if (!*text)
		return 0;
	if (strlen(text) > NETWORK_WORD_MAX)
		return error_set(err, E2BIG, "network '%.64s...' has more than %d bytes", text,
				 NETWORK_WORD_MAX);
	copy = xstrdup(text);
	r = is_first ? read_mode(copy, pod, err) : refuse_second(copy, pod, err);
	if (is_first ? r == 1 : r == 0)
		r = read_networks(copy, pod, err);
	return r;
}

/* ---- the flags beside it ---------------------------------------------------------------- */

static int need_one_network(const struct pod_spec *pod, const char *flag, struct error *err)
{
	if (pod->network != NETWORK_BRIDGE)
		return error_set(err, EINVAL,
				 "--%s can only be set when the network mode is bridge", flag);
	if (pod->networks.n > 1)
		return error_set(err, EINVAL, "--%s can only be set for a single network", flag);
	return 0;
}

static int set_address_flag(const char *flag, const char *value, struct pod_spec *pod,
			    struct error *err)
{
	int r = need_one_network(pod, flag, err);
	struct ip_addr ip;

	if (r < 0)
		return r;
	if (strcmp(flag, "mac-address") == 0)
		return set_mac(&pod->networks.v[0], value, err);
	if (ip_parse(value, &ip) < 0)
		return error_set(err, EINVAL, "\"%.64s\" is not an ip address", value);
	if ((ip.family == AF_INET6) != (strcmp(flag, "ip6") == 0))
		return error_set(err, EINVAL, "--%s takes an %s address, not %.64s", flag,
				 ip.family == AF_INET6 ? "IPv4" : "IPv6", value);
	return set_ip(&pod->networks.v[0], value, err);
}

static int add_alias_flag(const char *list, struct pod_spec *pod, struct error *err)
{
	cleanup_free char *copy = xstrdup(list);
	char *rest = copy;
	int r = 0;

	if (pod->network != NETWORK_BRIDGE)
		return error_set(err, EINVAL,
				 "--network-alias can only be set when the network mode is bridge");
	while (rest && r == 0) {
		const char *alias = strsep(&rest, ",");

		for (size_t i = 0; i < pod->networks.n && r == 0; i++)
			r = add_alias(&pod->networks.v[i], alias, err);
	}
	return r;
}

int network_words_flags(const struct network_flags *f, struct pod_spec *pod, struct error *err)
{
	const char *const values[] = { f->ip, f->ip6, f->mac };
	static const char *const names[] = { "ip", "ip6", "mac-address" };
	size_t n_aliases = f->aliases ? f->aliases->n : 0;
	int r = 0;

	if (!f->ip && !f->ip6 && !f->mac && !n_aliases)
		return 0;
	if (pod->network == NETWORK_BRIDGE && pod->networks.n == 0)
		r = add_default(pod, NULL, err);
	for (size_t i = 0; i < ARRAY_SIZE(values) && r == 0; i++)
		if (values[i])
			r = set_address_flag(names[i], values[i], pod, err);
	for (size_t i = 0; i < n_aliases && r == 0; i++)
		r = add_alias_flag(f->aliases->v[i], pod, err);
	return r;
}

int network_words_check_default(const char *name, struct error *err)
{
	if (is_empty(name) || strcmp(name, NET_DEFAULT) == 0 ||
	    strcmp(name, NET_DEFAULT_ALIAS) == 0)
		return 0;
	if (!is_network_name(name))
		return error_set(err, EINVAL, "'%.64s' is no name of a network", name);
	return 1;
}
