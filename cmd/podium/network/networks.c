/* SPDX-License-Identifier: Apache-2.0 */
/*
 * networks - sets of networks, their JSON, and what --filter chooses among them.
 *
 * Theory of operation: JSON has the members of Podman 4's network inspect. Templates name them as Go
 * does ({{.Name}}, {{.DNSEnabled}}), so they see an object of their own.
 */
#include "cmd/podium/network/networks.h"

#include <errno.h>
#include <regex.h>
#include <string.h>

#include "cmd/podium/base/template.h"
#include "cmd/podium/base/timeparse.h"
#include "cmd/podium/container/inspect.h"
#include "cmd/podium/container/view.h"
#include "cmd/podium/image/imagefilter.h"
#include "cmd/podium/image/imageview.h"
#include "cmd/podium/network/nethelper.h"
#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/pod/lookup.h"
#include "engine/pod/netusers.h"

#define DRIVER	      "bridge"
#define USERS_LOCK    "locks/network-users"
#define USERS_LOCK_MS 60000

void network_set_done(struct network_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		network_conf_done(&set->v[i]);
	free(set->v);
	*set = (struct network_set){ 0 };
}

int networks_lock(const struct store *s, struct error *err)
{
	return lock_take(s->rootfd, USERS_LOCK, LOCK_EXCLUSIVE, USERS_LOCK_MS, err);
}

int networks_choose_default(const struct store *s, struct error *err)
{
	cleanup_network_conf struct network_conf c = { 0 };
	int r = network_conf_read(s, NET_DEFAULT, &c, err);

	if (r < 0 || c.subnets.n)
		return r;
	return nethelper_run(s, "default", "-", NULL, err);
}

int network_set_load(const struct store *s, struct network_set *ret, struct error *err)
{
	cleanup_strlist struct strlist names = { 0 };
	struct error scratch; /* a host without a free subnet still has other networks to show */
	int r = network_conf_list(s, &names, err);

	error_ignore(networks_choose_default(s, &scratch));
	ret->v = xcalloc(names.n + 1, sizeof(*ret->v));
	ret->n = 0;
	for (size_t i = 0; i < names.n && r == 0; i++) {
		if (network_conf_read(s, names.v[i], &ret->v[ret->n], &scratch) == 0)
			ret->n++;
		else
			command_print_warning(scratch.text);
	}
	return r;
}

/* ---- JSON ------------------------------------------------------------------------------- */

struct member_names {
	const char *subnets, *subnet, *gateway, *range, *first, *last;
};
static const struct member_names json_names = { "subnets",     "subnet",   "gateway",
						"lease_range", "start_ip", "end_ip" };
static const struct member_names go_names = { "Subnets",    "Subnet",  "Gateway",
					      "LeaseRange", "StartIP", "EndIP" };

static void set_text(json_t *j, const char *key, const char *text)
{
	(void)json_object_set_new(j, key, json_string(text ? text : ""));
}

static json_t *subnets_json(const struct network_conf *c, const struct member_names *n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->subnets.n; i++) {
		const struct subnet_conf *s = &c->subnets.v[i];
		json_t *one = json_object(), *range;

		set_text(one, n->subnet, s->subnet);
		if (s->gateway)
			set_text(one, n->gateway, s->gateway);
		if (s->first || s->last) {
			range = json_object();
			if (s->first)
				set_text(range, n->first, s->first);
			if (s->last)
				set_text(range, n->last, s->last);
			(void)json_object_set_new(one, n->range, range);
		}
		(void)json_array_append_new(list, one);
	}
	return list;
}

json_t *network_json(const struct network_conf *c)
{
	json_t *j = json_object();

	set_text(j, "name", c->name);
	set_text(j, "id", c->id);
	set_text(j, "driver", DRIVER);
	set_text(j, "network_interface", c->interface);
	(void)json_object_set_new(j, "created", view_time(c->created_ns));
	(void)json_object_set_new(j, "subnets", subnets_json(c, &json_names));
	(void)json_object_set_new(j, "ipv6_enabled", json_boolean(is_network_ipv6(c)));
	(void)json_object_set_new(j, "internal", json_boolean(c->internal));
	(void)json_object_set_new(j, "dns_enabled", json_boolean(c->dns));
	if (c->dns_servers.n)
		(void)json_object_set_new(j, "network_dns_servers", view_strings(&c->dns_servers));
	if (c->labels.n)
		(void)json_object_set_new(j, "labels", view_pairs(&c->labels));
	if (c->options.n)
		(void)json_object_set_new(j, "options", view_pairs(&c->options));
	(void)json_object_set_new(j, "ipam_options", json_pack("{s:s}", "driver", "host-local"));
	return j;
}

/* "a=b,c=d": how ls shows labels. */
static char *labels_text(const struct pairlist *l)
{
	struct buf b = BUF_INIT(1 << 20);

	for (size_t i = 0; i < l->n; i++)
		buf_printf(&b, "%s%s=%s", i ? "," : "", l->v[i].key, l->v[i].value);
	return buf_steal(&b);
}

json_t *network_texts(const struct network_conf *c)
{
	json_t *j = json_object(), *texts = json_object();

	set_text(j, "Name", c->name);
	set_text(j, "ID", c->id);
	jset_owned(texts, "Created", view_go_time(c->created_ns));
	set_text(j, "Driver", DRIVER);
	set_text(j, "NetworkInterface", c->interface);
	(void)json_object_set_new(j, "Created", view_time(c->created_ns));
	(void)json_object_set_new(j, "Subnets", subnets_json(c, &go_names));
	(void)json_object_set_new(j, "IPv6Enabled", json_boolean(is_network_ipv6(c)));
	(void)json_object_set_new(j, "Internal", json_boolean(c->internal));
	(void)json_object_set_new(j, "DNSEnabled", json_boolean(c->dns));
	(void)json_object_set_new(j, "NetworkDNSServers", view_strings(&c->dns_servers));
	(void)json_object_set_new(j, "Labels", view_pairs(&c->labels));
	(void)json_object_set_new(j, "Options", view_pairs(&c->options));
	(void)json_object_set_new(j, "IPAMOptions", json_pack("{s:s}", "driver", "host-local"));
	(void)json_object_set_new(j, TEMPLATE_TEXTS, texts);
	return j;
}

json_t *network_row(const struct network_conf *c, bool no_trunc)
{
	json_t *j = network_texts(c);
	json_t *texts = json_object_get(j, TEMPLATE_TEXTS);

	jset_owned(texts, "ID", view_id(c->id, no_trunc));
	jset_owned(texts, "Labels", labels_text(&c->labels));
	return j;
}

/* ---- filters ---------------------------------------------------------------------------- */

enum key {
	KEY_NAME,
	KEY_ID,
	KEY_DRIVER,
	KEY_LABEL,
	KEY_NOT_LABEL,
	KEY_UNTIL,
	KEY_DANGLING,
	KEY__COUNT
};
static const char *const keys[] = {
	"name", "id", "driver", "label", "label!", "until", "dangling"
};
_Static_assert(ARRAY_SIZE(keys) == KEY__COUNT, "a word for each key");

struct condition {
	enum key key;
	const char *value;
	regex_t regex; /* NAME, ID */
	int64_t until_ns;
	bool is_true; /* DANGLING */
};
struct network_filter {
	struct condition *v;
	size_t n;
	const struct store *store;
};

void network_filter_free(struct network_filter *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].key <= KEY_ID)
			regfree(&f->v[i].regex);
	free(f->v);
	free(f);
}

static int parse_dangling(struct condition *c, struct error *err)
{
	if (strcmp(c->value, "true") != 0 && strcmp(c->value, "false") != 0 &&
	    strcmp(c->value, "1") != 0 && strcmp(c->value, "0") != 0)
		return error_set(err, EINVAL, "invalid dangling filter value \"%.64s\"", c->value);
	c->is_true = *c->value == 't' || *c->value == '1';
	return 0;
}

static int parse_value(struct condition *c, struct error *err)
{
	if (c->key == KEY_UNTIL)
		return time_parse(c->value, clock_wall_ns(), &c->until_ns, err);
	if (c->key == KEY_DANGLING)
		return parse_dangling(c, err);
	if (c->key <= KEY_ID && regcomp(&c->regex, c->value, REG_EXTENDED | REG_NOSUB) != 0)
		return error_set(err, EINVAL, "filter '%s=%.100s': bad pattern", keys[c->key],
				 c->value);
	return 0;
}

static int parse_one(struct network_filter *f, const char *text, bool is_prune, struct error *err)
{
	const char *equals = strchr(text, '=');
	size_t len = equals ? (size_t)(equals - text) : strlen(text);
	struct condition c = { .key = KEY__COUNT };
	int r;

	if (equals && equals > text && equals[-1] == '!')
		len = (size_t)(equals - text);
	for (int k = 0; k < KEY__COUNT; k++)
		if (strlen(keys[k]) == len && strncmp(keys[k], text, len) == 0)
			c.key = (enum key)k;
	if (!equals)
		return error_set(err, EINVAL,
				 "filter input must be in the form of filter=value: %.60s is "
				 "invalid",
				 text);
	if (c.key == KEY__COUNT ||
	    (is_prune && c.key != KEY_LABEL && c.key != KEY_NOT_LABEL && c.key != KEY_UNTIL))
		return error_set(err, EINVAL, "invalid filter \"%.*s\"", (int)len, text);
	c.value = equals + 1;
	r = parse_value(&c, err);
	if (r < 0)
		return r;
	f->v = xreallocarray(f->v, f->n + 1, sizeof(*f->v));
	f->v[f->n++] = c;
	return 0;
}

int network_filter_parse(const struct store *s, const struct strlist *texts, bool is_prune,
			 struct network_filter **ret, struct error *err)
{
	struct network_filter *f = xcalloc(1, sizeof(*f));
	int r = 0;

	f->store = s;
	for (size_t i = 0; i < texts->n && r == 0; i++)
		r = parse_one(f, texts->v[i], is_prune, err);
	if (r < 0)
		network_filter_free(f);
	else
		*ret = f;
	return r;
}

static bool is_used(const struct store *s, const char *name)
{
	cleanup_strlist struct strlist pods = { 0 };
	struct error scratch; /* a store that cannot be listed: rather used than not */

	return network_users(s, name, &pods, &scratch) < 0 || pods.n > 0;
}

static bool is_condition_true(const struct network_filter *f, const struct condition *c,
			      const struct network_conf *n)
{
	switch (c->key) {
	case KEY_NAME:
		return regexec(&c->regex, n->name, 0, NULL, 0) == 0;
	case KEY_ID:
		return regexec(&c->regex, n->id, 0, NULL, 0) == 0;
	case KEY_DRIVER:
		return strcmp(c->value, DRIVER) == 0;
	case KEY_LABEL:
		return imagefilter_has_label(&n->labels, c->value);
	case KEY_NOT_LABEL:
		return !imagefilter_has_label(&n->labels, c->value);
	case KEY_UNTIL:
		return n->created_ns < c->until_ns;
	case KEY_DANGLING:
		/* The default network is never one that nobody needs. */
		return (strcmp(n->name, NET_DEFAULT) != 0 && !is_used(f->store, n->name)) ==
		       c->is_true;
	default:
		return false;
	}
}

/* Values of name, id and driver are alternatives; everything else must hold. */
bool is_network_match(const struct network_filter *f, const struct network_conf *n)
{
	for (int k = 0; k < KEY__COUNT; k++) {
		bool any = false, asked = false, all = true;

		for (size_t i = 0; i < f->n; i++) {
			bool is_true;

			if ((int)f->v[i].key != k)
				continue;
			is_true = is_condition_true(f, &f->v[i], n);
			asked = true;
			any |= is_true;
			all &= is_true;
		}
		if (asked && !(k <= KEY_DRIVER ? any : all))
			return false;
	}
	return true;
}

int inspect_network(const struct store *s, const char *name, json_t **ret, struct error *err)
{
	cleanup_network_conf struct network_conf c = { 0 };
	cleanup_free char *found = NULL;
	int r = network_conf_find(s, name, &found, err);

	if (r == 0 && is_equal(found, NET_DEFAULT))
		r = networks_choose_default(s, err);
	if (r == 0)
		r = network_conf_read(s, found, &c, err);
	if (r == 0)
		*ret = network_json(&c);
	return r;
}
