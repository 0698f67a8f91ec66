/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate_container - names, ports and restart rules of containers.
 *
 * Theory of operation: names are unique over init containers and members together, since they share
 * one directory of names. Host ports conflict between members and sidecars, which run at the same
 * time, but not with an init container that ends, which never does; they conflict when protocol and port are
 * equal and the addresses are equal or one of them is every address.
 *
 * Environment, resources, probes and security have files of their own. The cost is quadratic in containers and ports, which the
 * limits MAX_CONTAINERS and MAX_PORTS keep small enough.
 */
#include <limits.h>
#include <string.h>

#include "kube/names.h"
#include "kube/validate.h"

#define MAX_CONTAINERS	  1000 /* of a pod */
#define MAX_PORTS	  1000 /* of a container */
#define MAX_RESTART_RULES 20
#define MAX_EXIT_CODES	  255 /* of a rule */

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

static const struct k8s_container *nth(const struct k8s_pod_spec *spec, size_t i)
{
	return i < spec->inits.n ? &spec->inits.v[i] : &spec->containers.v[i - spec->inits.n];
}

/* Members and sidecars, which run at the same time. */
static bool runs_on(const struct k8s_pod_spec *spec, size_t i)
{
	return i >= spec->inits.n || is_equal(nth(spec, i)->restart_policy, "Always");
}

/* The first port before port pi of container ci that conflicts with it, for the message. */
static void check_one_conflict(struct check *c, const struct k8s_pod_spec *spec, size_t ci,
			       size_t pi)
{
	const struct k8s_port *p = &nth(spec, ci)->ports.v[pi];

	for (size_t i = 0; i <= ci; i++) {
		const struct k8s_container *other = nth(spec, i);

		for (size_t j = 0; j < (i == ci ? pi : other->ports.n); j++) {
			if (!is_port_conflict(p, &other->ports.v[j]) || !runs_on(spec, i))
				continue;
			check_error(c, "hostPort", "%lld/%s is taken by container '%.63s' already",
				    (long long)p->host_port.value, p->protocol,
				    other->name ? other->name : "");
			return;
		}
	}
}

/* Appends the path of a container; path_cut() takes it away. */
static size_t path_container(struct check *c, const struct k8s_pod_spec *spec, size_t i)
{
	bool init = i < spec->inits.n;
	size_t mark = path_field(&c->path, init ? "initContainers" : "containers");

	(void)path_index(&c->path, init ? i : i - spec->inits.n);
	return mark;
}

static void check_conflicts(struct check *c, const struct k8s_pod_spec *spec, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct k8s_container *k = nth(spec, i);

		for (size_t j = 0; j < k->ports.n && k->ports.n <= MAX_PORTS; j++) {
			size_t mark = path_container(c, spec, i);

			(void)path_field(&c->path, "ports");
			(void)path_index(&c->path, j);
			if (runs_on(spec, i))
				check_one_conflict(c, spec, i, j);
			path_cut(&c->path, mark);
		}
	}
}

/* ---- one container ----------------------------------------------------------------------------
 */

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

static void check_restart_rule(struct check *c, const struct k8s_restart_rule *rule)
{
	if (is_equal(rule->action, "RestartAllContainers"))
		check_unsupported(c, "action",
				  "has no effect: a container is restarted alone, not with all");
	if (!rule->codes)
		check_error(c, "exitCodes", "is required");
	else if (rule->codes->values.n > MAX_EXIT_CODES)
		check_error(c, "exitCodes.values", "has more than %d entries", MAX_EXIT_CODES);
}

static void check_restart(struct check *c, const struct k8s_container *k)
{
	if (k->restart_rules.n && is_empty(k->restart_policy))
		check_error(c, "restartPolicy", "is required beside restartPolicyRules");
	if (k->restart_rules.n > MAX_RESTART_RULES) {
		check_error(c, "restartPolicyRules", "has more than %d entries", MAX_RESTART_RULES);
		return;
	}
	for (size_t i = 0; i < k->restart_rules.n; i++) {
		size_t mark = path_field(&c->path, "restartPolicyRules");

		(void)path_index(&c->path, i);
		check_restart_rule(c, &k->restart_rules.v[i]);
		path_cut(&c->path, mark);
	}
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
	check_restart(c, k);
	validate_env(c, k);
	check_ports(c, k, c->pod->spec->host_network.value);
	if (!is_empty(k->working_dir) && k->working_dir[0] != '/')
		check_name(c, "workingDir", k->working_dir, "is not an absolute path");
	if (!is_empty(k->termination_path) && k->termination_path[0] != '/')
		check_name(c, "terminationMessagePath", k->termination_path,
			   "is not an absolute path");
	validate_resources(c, k);
	validate_pod_limits(c, k);
	validate_probes(c, k, init);
	validate_mounts(c, k);
	validate_container_security(c, k);
}

/* ---- all of them ------------------------------------------------------------------------------
 */

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
		size_t mark = path_container(c, spec, i);

		check_unique(c, spec, i);
		check_container(c, nth(spec, i), init);
		path_cut(&c->path, mark);
	}
	check_conflicts(c, spec, n);
}
