/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate_container - names, ports, environment and resources of containers.
 *
 * Theory of operation: names are unique over init containers and members together, since they share
 * one directory of names. Host ports conflict between members, which run at the same time, but not
 * between an init container and a member, which never do; they conflict when protocol and port are
 * equal and the addresses are equal or one of them is every address.
 *
 * Resources: quantities were parsed while decoding; here they are compared (request <= limit,
 * nothing negative), and names other than cpu and memory are sorted into "known to Kubernetes, no
 * effect here" and "no resource at all". The cost is quadratic in containers and ports, which the
 * limits MAX_CONTAINERS and MAX_PORTS keep small enough.
 */
#include <limits.h>
#include <string.h>

#include "kube/names.h"
#include "engine/base/quantity.h"
#include "kube/validate.h"

#define MAX_CONTAINERS 1000 /* of a pod */
#define MAX_PORTS      1000 /* of a container */

/* ---- ports ------------------------------------------------------------------------------------
 */

static bool is_any_address(const char *ip)
{
	return is_empty(ip) || strcmp(ip, "0.0.0.0") == 0 || strcmp(ip, "::") == 0;
}

static bool is_port_conflict(const struct k8s_port *a, const struct k8s_port *b)
{
	if (!a->host_port.set || !b->host_port.set || a->host_port.value != b->host_port.value)
		return false;
	if (!is_equal(a->protocol, b->protocol))
		return false;
	return is_any_address(a->host_ip) || is_any_address(b->host_ip) ||
	       is_equal(a->host_ip, b->host_ip);
}

static void check_port(struct check *c, const struct k8s_port *p, bool host_network)
{
	check_range(c, "containerPort", p->container_port, 1, 65535);
	check_range(c, "hostPort", p->host_port, 1, 65535);
	if (p->name && *p->name)
		check_name(c, "name", p->name, name_bad_port(p->name));
	if (!is_empty(p->host_ip) && !name_is_ip(p->host_ip))
		check_name(c, "hostIP", p->host_ip, "is not an IP address");
	if (host_network && p->host_port.set && p->container_port.set &&
	    p->host_port.value != p->container_port.value)
		check_error(c, "hostPort", "must equal containerPort %lld with hostNetwork",
			    (long long)p->container_port.value);
}

/* Names within one container. */
static void check_port_names(struct check *c, const struct k8s_container *k, size_t i)
{
	const struct k8s_port *p = &k->ports.v[i];

	for (size_t j = 0; j < i; j++) {
		if (!is_empty(p->name) && is_equal(p->name, k->ports.v[j].name)) {
			check_error(c, "name", "'%.60s' is the name of ports[%zu] already", p->name,
				    j);
			return;
		}
	}
}

static void check_ports(struct check *c, const struct k8s_container *k, bool host_network)
{
	if (k->ports.n > MAX_PORTS) {
		check_error(c, "ports", "has more than %d entries", MAX_PORTS);
		return;
	}
	for (size_t i = 0; i < k->ports.n; i++) {
		size_t mark = path_field(&c->path, "ports");

		(void)path_index(&c->path, i);
		check_port(c, &k->ports.v[i], host_network);
		check_port_names(c, k, i);
		path_cut(&c->path, mark);
	}
}

/* The first port before (containers[ci], ports[pi]) that conflicts with it, for the message. */
static void check_one_conflict(struct check *c, const struct k8s_container *list, size_t ci,
			       size_t pi)
{
	const struct k8s_port *p = &list[ci].ports.v[pi];

	for (size_t i = 0; i <= ci; i++) {
		for (size_t j = 0; j < (i == ci ? pi : list[i].ports.n); j++) {
			if (!is_port_conflict(p, &list[i].ports.v[j]))
				continue;
			check_error(c, "hostPort", "%lld/%s is taken by container '%.63s' already",
				    (long long)p->host_port.value, p->protocol,
				    list[i].name ? list[i].name : "");
			return;
		}
	}
}

static void check_conflicts(struct check *c, const char *field, const struct k8s_container *list,
			    size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < list[i].ports.n && list[i].ports.n <= MAX_PORTS; j++) {
			size_t mark = path_field(&c->path, field);

			(void)path_index(&c->path, i);
			(void)path_field(&c->path, "ports");
			(void)path_index(&c->path, j);
			check_one_conflict(c, list, i, j);
			path_cut(&c->path, mark);
		}
	}
}

/* ---- resources --------------------------------------------------------------------------------
 */

static void check_amount(struct check *c, const struct pairlist *amounts, size_t i)
{
	const char *name = amounts->v[i].key;
	struct error err = { 0 };
	struct quantity q;
	int64_t number;

	if (quantity_parse(amounts->v[i].value, &q, &err) < 0)
		return; /* told while decoding */
	if (q.negative)
		check_error(c, NULL, "must not be negative");
	if (strcmp(name, "cpu") == 0) {
		if (quantity_milli(&q, &number, &err) < 0)
			check_error(c, NULL, "%s", err.text);
	} else if (strcmp(name, "memory") == 0) {
		return;
	} else if (strcmp(name, "ephemeral-storage") == 0 || is_prefix(name, "hugepages-")) {
		check_unsupported(c, NULL, "has no effect: not honoured yet");
	} else if (strchr(name, '/') && !name_bad_qualified(name)) {
		check_unsupported(c, NULL, "has no effect: there are no device plugins here");
	} else {
		check_error(c, NULL, "'%.60s' is not a resource: cpu and memory are", name);
	}
}

static void check_amounts(struct check *c, const char *field, const struct pairlist *amounts,
			  const struct k8s_resources *of)
{
	size_t mark = path_field(&c->path, field);

	for (size_t i = 0; i < amounts->n; i++) {
		size_t inner = path_key(&c->path, amounts->v[i].key);

		/* a request made from the limit by default is not told twice */
		if (amounts == &of->limits || !pairlist_get(&of->limits, amounts->v[i].key) ||
		    !is_equal(pairlist_get(&of->limits, amounts->v[i].key), amounts->v[i].value))
			check_amount(c, amounts, i);
		path_cut(&c->path, inner);
	}
	path_cut(&c->path, mark);
}

static void validate_resources(struct check *c, const struct k8s_resources *r)
{
	struct quantity limit, request;
	struct error err = { 0 };

	if (r->limits.n > MAX_RESOURCES || r->requests.n > MAX_RESOURCES) {
		check_error(c, NULL, "has more than %d kinds of resources", MAX_RESOURCES);
		return;
	}
	check_amounts(c, "limits", &r->limits, r);
	check_amounts(c, "requests", &r->requests, r);
	for (size_t i = 0; i < r->requests.n; i++) {
		const struct strpair *pair = &r->requests.v[i];
		const char *most = pairlist_get(&r->limits, pair->key);
		size_t mark = path_field(&c->path, "requests");

		(void)path_key(&c->path, pair->key);
		if (most && quantity_parse(most, &limit, &err) == 0 &&
		    quantity_parse(pair->value, &request, &err) == 0 &&
		    quantity_compare(&request, &limit) > 0)
			check_error(c, NULL, "'%.40s' is more than the limit '%.40s'", pair->value,
				    most);
		path_cut(&c->path, mark);
	}
}

/* ---- one container ----------------------------------------------------------------------------
 */

static void check_env(struct check *c, const struct k8s_container *k)
{
	if (k->env.n > MAX_ENV) {
		check_error(c, "env", "has more than %d entries", MAX_ENV);
		return;
	}
	for (size_t i = 0; i < k->env.n; i++) {
		size_t mark = path_field(&c->path, "env");

		(void)path_index(&c->path, i);
		if (!is_empty(k->env.v[i].name))
			check_name(c, "name", k->env.v[i].name, name_bad_env(k->env.v[i].name));
		path_cut(&c->path, mark);
	}
}

static void check_container_name(struct check *c, const struct k8s_container *k)
{
	const char *pod = c->pod->meta ? c->pod->meta->name : NULL;

	if (is_empty(k->name))
		return;
	check_name(c, "name", k->name, name_bad_label(k->name));
	if (pod && strlen(pod) + 1 + strlen(k->name) > NAME_MAX)
		check_error(c, "name",
			    "the name of the pod and that of the container have more than %d "
			    "characters "
			    "together",
			    NAME_MAX - 1);
}

static void check_restart(struct check *c, const struct k8s_container *k, bool init)
{
	if (is_empty(k->restart_policy))
		return;
	if (init && strcmp(k->restart_policy, "Always") == 0)
		check_error(c, "restartPolicy",
			    "init containers that go on running (sidecars) are not played yet");
	else
		check_unsupported(
			c, "restartPolicy",
			"has no effect: the restart policy of one container is not honoured yet");
}

static void check_image(struct check *c, const struct k8s_container *k)
{
	size_t len = k->image ? strlen(k->image) : 0;

	if (len && (strchr(" \t\n", k->image[0]) || strchr(" \t\n", k->image[len - 1])))
		check_error(c, "image", "must not begin or end with a space");
}

static void check_container(struct check *c, const struct k8s_container *k, bool init)
{
	check_container_name(c, k);
	check_image(c, k);
	check_restart(c, k, init);
	check_env(c, k);
	check_ports(c, k, c->pod->spec->host_network.value);
	if (!is_empty(k->working_dir) && k->working_dir[0] != '/')
		check_name(c, "workingDir", k->working_dir, "is not an absolute path");
	if (k->resources) {
		size_t mark = path_field(&c->path, "resources");

		validate_resources(c, k->resources);
		path_cut(&c->path, mark);
	}
	validate_mounts(c, k);
	validate_container_security(c, k);
}

/* ---- all of them ------------------------------------------------------------------------------
 */

static const struct k8s_container *nth(const struct k8s_pod_spec *spec, size_t i)
{
	return i < spec->inits.n ? &spec->inits.v[i] : &spec->containers.v[i - spec->inits.n];
}

static void check_unique(struct check *c, const struct k8s_pod_spec *spec, size_t i)
{
	const struct k8s_container *k = nth(spec, i);

	for (size_t j = 0; j < i && !is_empty(k->name); j++) {
		if (!is_equal(nth(spec, j)->name, k->name))
			continue;
		check_error(c, "name", "'%.63s' is the name of another container of this pod",
			    k->name);
		return;
	}
}

void validate_containers(struct check *c, const struct k8s_pod_spec *spec)
{
	size_t n = spec->inits.n + spec->containers.n;

	if (!spec->containers.n && node_get(node_at(c->sink->root, "spec"), "containers"))
		check_error(c, "containers", "must have at least one entry");
	if (n > MAX_CONTAINERS) {
		check_error(c, "containers", "a pod has at most %d containers", MAX_CONTAINERS);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		bool init = i < spec->inits.n;
		size_t mark = path_field(&c->path, init ? "initContainers" : "containers");

		(void)path_index(&c->path, init ? i : i - spec->inits.n);
		check_unique(c, spec, i);
		check_container(c, nth(spec, i), init);
		path_cut(&c->path, mark);
	}
	check_conflicts(c, "containers", spec->containers.v, spec->containers.n);
}
