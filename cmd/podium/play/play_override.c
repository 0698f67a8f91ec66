/* SPDX-License-Identifier: Apache-2.0 */
/*
 * play_override - options of kube play that change the pods of the files.
 *
 * Theory of operation: they are Podman's. --userns is a field, and so it is put into the document
 * before that is read (struct kube_input): all rules about it hold. The others change the plans
 * after that. Where Kubernetes has a field for it, ports, the pod's own document is written anew,
 * so that generate and a later look at it agree with the pod; log sizes, /etc/hosts and the folder
 * of profiles have none and stand in the record alone.
 *
 * --publish goes by the container's port and protocol, as Podman's: a port that a container
 * declares is published at the given place instead of its own; one that none declares is given to
 * the first container of the only pod. --publish-all takes the container's number for the host's.
 *
 * The pods of a Job are made from its document, later and elsewhere: what is not in the document
 * would be lost, and is refused.
 */
#include "cmd/podium/play/play_override.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/quantity.h"
#include "engine/logs/logdriver.h"
#include "engine/logs/logwrite.h"

/* ---- words ------------------------------------------------------------------------------------
 */

int play_override_input(const struct play_overrides *o, const char *network, struct kube_input *ret,
			struct error *err)
{
	bool automatic = is_equal(o->users, "auto");

	if (is_equal(network, "host") && (o->publish.n || o->publish_all))
		return error_set(err, EINVAL, "--network host and --publish exclude each other");
	if (!o->users)
		return 0;
	if (!automatic && strcmp(o->users, "host") != 0)
		return error_set(err, EINVAL,
				 "--userns '%.60s' is not known: auto (ids of the pod's own) and "
				 "host are",
				 o->users);
	ret->host_users = (struct opt_bool){ true, !automatic };
	return 0;
}

static int parse_number(const char *text, uint16_t *ret)
{
	uint64_t n;

	if (parse_u64(text, UINT16_MAX, &n) < 0 || n == 0)
		return -EINVAL;
	*ret = (uint16_t)n;
	return 0;
}

static int parse_protocol(const char *text)
{
	for (int p = 0; p < PORT__COUNT; p++)
		if (strcmp(port_protocol_str(p), text) == 0)
			return p;
	return -1;
}

static bool is_address(const char *s)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, s, bytes) == 1 || inet_pton(AF_INET6, s, bytes) == 1;
}

/* Cuts "[::1]:" or "127.0.0.1:" off the front; NULL: there is none. */
static char *take_address(char **text)
{
	char *colon = strchr(*text, ':'), *end, *from = *text;

	if (**text == '[') {
		end = strstr(*text, "]:");
		if (!end)
			return NULL;
		*text = end + 2;
		return xstrndup(from + 1, (size_t)(end - from) - 1);
	}
	if (!colon || !strchr(colon + 1, ':'))
		return NULL;
	*text = colon + 1;
	return xstrndup(from, (size_t)(colon - from));
}

int play_parse_port(const char *text, struct port_spec *ret, struct error *err)
{
	cleanup_free char *copy = xstrdup(text);
	char *rest = copy, *slash = strchr(copy, '/'), *colon;
	cleanup_free char *ip = NULL;

	*ret = (struct port_spec){ .protocol = PORT_TCP };
	if (slash) {
		*slash = '\0';
		ret->protocol = parse_protocol(slash + 1);
	}
	ip = take_address(&rest);
	colon = strchr(rest, ':');
	if (colon)
		*colon = '\0';
	if (ret->protocol < 0 || !colon || parse_number(rest, &ret->host_port) < 0 ||
	    parse_number(colon + 1, &ret->container_port) < 0 || (ip && !is_address(ip)))
		return error_set(err, EINVAL,
				 "--publish '%.100s' is not [IP:]HOSTPORT:CONTAINERPORT[/tcp|udp|"
				 "sctp]",
				 text);
	ret->host_ip = steal_ptr(&ip);
	return 0;
}

/* ---- ports ------------------------------------------------------------------------------------
 */

static void publish_at(struct port_spec *port, const struct port_spec *want)
{
	port->host_port = want->host_port;
	free(port->host_ip);
	port->host_ip = xstrdup_or_null(want->host_ip);
}

/* How many declared ports of the pod are published there. */
static size_t publish_declared(struct pod_plan *plan, const struct port_spec *want)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_containers; i++) {
		struct port_list *ports = &plan->containers[i].ports;

		for (size_t k = 0; k < ports->n; k++) {
			if (ports->v[k].container_port != want->container_port ||
			    ports->v[k].protocol != want->protocol)
				continue;
			publish_at(&ports->v[k], want);
			n++;
		}
	}
	return n;
}

static int publish_new(struct kube_result *result, const struct port_spec *want, struct error *err)
{
	struct pod_plan *plan = result->v;
	size_t first = 0;
	struct port_spec *port;

	if (result->n != 1)
		return error_set(err, EINVAL,
				 "--publish: no container has a port %u/%s, and there %s %zu pods: "
				 "name it as a containerPort of one",
				 want->container_port, port_protocol_str(want->protocol),
				 result->n ? "are" : "is no pod of", result->n);
	while (first + 1 < plan->n_containers && plan->containers[first].kind == CONTAINER_INIT)
		first++;
	port = list_add(&plan->containers[first].ports);
	port->container_port = want->container_port;
	port->protocol = want->protocol;
	publish_at(port, want);
	return 0;
}

static int publish_one(struct kube_result *result, const char *text, struct error *err)
{
	struct port_spec want;
	size_t n = 0;
	int r = play_parse_port(text, &want, err);

	for (size_t i = 0; i < result->n && r == 0; i++)
		n += publish_declared(&result->v[i], &want);
	if (r == 0 && n == 0)
		r = publish_new(result, &want, err);
	free(want.host_ip);
	return r;
}

static void publish_every(struct pod_plan *plan)
{
	for (size_t i = 0; i < plan->n_containers; i++) {
		struct port_list *ports = &plan->containers[i].ports;

		for (size_t k = 0; k < ports->n; k++)
			if (!ports->v[k].host_port)
				ports->v[k].host_port = ports->v[k].container_port;
	}
}

static int publish(const struct play_overrides *o, struct kube_result *result, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < result->n; i++)
		if (result->v[i].pod.network == NETWORK_HOST)
			return error_set(err, EINVAL,
					 "pod '%s' has the host's network: its ports cannot be "
					 "published elsewhere",
					 result->v[i].pod.name);
	for (size_t i = 0; i < o->publish.n && r == 0; i++)
		r = publish_one(result, o->publish.v[i], err);
	for (size_t i = 0; i < result->n && r == 0; i++) {
		struct pod_plan *plan = &result->v[i];

		if (o->publish_all)
			publish_every(plan);
		free(steal_ptr(&plan->kube_yaml));
		r = kube_generate_from_plan(plan, &plan->kube_yaml, err);
	}
	return r;
}

/* ---- logs -------------------------------------------------------------------------------------
 */

static int log_driver(const char *name, struct log_spec *ret, struct error *err)
{
	for (int i = 0; log_driver_names[i]; i++) {
		if (is_equal(name, log_driver_names[i])) {
			ret->driver = i;
			return log_spec_check(ret, false, err);
		}
	}
	return error_set(err, EINVAL,
			 "log driver '%.60s' is not known: k8s-file, json-file, journald and none "
			 "are",
			 name);
}

static int log_limits(const struct play_overrides *o, struct log_spec *ret, struct error *err)
{
	static const char size[] = "max-size=";
	int r = o->log_driver ? log_driver(o->log_driver, ret, err) : 0;

	if (r < 0)
		return r;
	if (o->log_options.n && !is_log_file(ret))
		return error_set(err, EINVAL, "--log-opt is for --log-driver k8s-file alone");
	for (size_t i = 0; i < o->log_options.n; i++) {
		const char *text = o->log_options.v[i];

		if (!is_prefix(text, size))
			return error_set(err, EINVAL,
					 "--log-opt '%.100s' is not known: max-size=SIZE is", text);
		if (quantity_parse_size(text + strlen(size), &ret->max_bytes) < 0 ||
		    ret->max_bytes < LOG_MAX_BYTES_MIN)
			return error_set(err, EINVAL,
					 "--log-opt '%.100s' is no size of at least %dk", text,
					 LOG_MAX_BYTES_MIN / 1024);
	}
	return 0;
}

/* ---- all of it --------------------------------------------------------------------------------
 */

static int check_jobs(const struct kube_result *result, struct error *err)
{
	for (size_t i = 0; i < result->n_objects; i++)
		if (result->objects[i].template)
			return error_set(err, EINVAL,
					 "Job '%s': its pods are made from the file: ports, logs, "
					 "addresses, /etc/hosts and profiles cannot be given by "
					 "options",
					 result->objects[i].name);
	return 0;
}

static int change_pod(const struct play_overrides *o, const struct log_spec *log,
		      const char *seccomp_root, struct pod_plan *plan, struct error *err)
{
	if (o->no_hosts && plan->pod.host_aliases.n)
		return error_set(err, EINVAL,
				 "pod '%s' has hostAliases, which --no-hosts would drop",
				 plan->pod.name);
	plan->pod.no_hosts = o->no_hosts;
	plan->pod.no_hostname = o->no_hostname;
	if (seccomp_root) {
		free(plan->pod.security.seccomp_root);
		plan->pod.security.seccomp_root = xstrdup(seccomp_root);
	}
	for (size_t i = 0; i < plan->n_containers; i++) {
		if (log->max_bytes)
			plan->containers[i].log.max_bytes = log->max_bytes;
		if (o->log_driver)
			plan->containers[i].log.driver = log->driver;
	}
	return 0;
}

int play_override(const struct play_overrides *o, struct kube_result *result, struct error *err)
{
	bool ports = o->publish.n || o->publish_all;
	bool any = ports || o->no_hosts || o->no_hostname || o->seccomp_root || o->log_options.n ||
		   o->log_driver || o->ips.n || o->macs.n;
	cleanup_free char *root = NULL;
	struct log_spec log = { 0 };
	int r = log_limits(o, &log, err);

	if (r == 0 && any)
		r = check_jobs(result, err);
	if (r == 0 && o->seccomp_root) {
		root = realpath(o->seccomp_root, NULL);
		if (!root)
			r = error_errno(err, "--seccomp-profile-root '%s'", o->seccomp_root);
	}
	for (size_t i = 0; i < result->n && r == 0 && any; i++)
		r = change_pod(o, &log, root, &result->v[i], err);
	return r == 0 && ports ? publish(o, result, err) : r;
}
