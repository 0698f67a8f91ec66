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

#include "cmd/podium/container/logwords.h"
#include "engine/base/mem.h"
#include "engine/logs/logwrite.h"

#define AUTO_SIZE "auto:size="

/* ---- words ------------------------------------------------------------------------------------
 */

static int check_users(const char *mode, struct error *err)
{
	uint64_t size;

	if (is_prefix(mode, AUTO_SIZE)) {
		if (parse_u64(mode + sizeof(AUTO_SIZE) - 1, UINT32_MAX, &size) < 0 || size == 0)
			return error_set(err, EINVAL, "--userns '%.60s': no size", mode);
		return 0;
	}
	if (is_equal(mode, "keep-id") || is_prefix(mode, "keep-id:") || is_equal(mode, "nomap"))
		return error_set(err, EINVAL,
				 "--userns %.60s is for ordinary users: root has no other id here",
				 mode);
	if (!is_equal(mode, "auto") && !is_equal(mode, "host"))
		return error_set(err, EINVAL,
				 "--userns '%.60s' is not known: auto[:size=N] (ids of the pod's "
				 "own) and host are",
				 mode);
	return 0;
}

int play_override_input(const struct play_overrides *o, const struct strlist *networks,
			struct kube_input *ret, struct error *err)
{
	if (strlist_has(networks, "host") && (o->publish.n || o->publish_all))
		return error_set(err, EINVAL, "--network host and --publish exclude each other");
	if (!o->users)
		return 0;
	if (check_users(o->users, err) < 0)
		return -err->code;
	ret->host_users = (struct opt_bool){ true, is_equal(o->users, "host") };
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

static int read_log(const struct play_overrides *o, const struct kube_result *result,
		    struct log_spec *ret, struct error *err)
{
	int r = log_words(o->log_driver, &o->log_options, false, ret, err);
	size_t n = 0;

	if (r < 0)
		return r;
	if (ret->max_bytes && ret->max_bytes < LOG_MAX_BYTES_MIN)
		return error_set(err, EINVAL, "--log-opt max-size= is no size of at least %dk",
				 LOG_MAX_BYTES_MIN / 1024);
	for (size_t i = 0; i < result->n; i++)
		n += result->v[i].n_containers;
	if (ret->path && n > 1)
		return error_set(err, EINVAL,
				 "--log-opt path= is for files of one container: there are %zu", n);
	return 0;
}

static void set_log(const struct play_overrides *o, const struct log_spec *log,
		    struct container_spec *c)
{
	if (log->max_bytes)
		c->log.max_bytes = log->max_bytes;
	if (log->max_files)
		c->log.max_files = log->max_files;
	if (o->log_driver)
		c->log.driver = log->driver;
	if (log->path) {
		free(c->log.path);
		c->log.path = xstrdup(log->path);
	}
	if (log->tag) {
		free(c->log.tag);
		c->log.tag = xstrdup(log->tag);
	}
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
	if (is_prefix(o->users ? o->users : "", AUTO_SIZE)) {
		free(plan->pod.userns);
		plan->pod.userns = xstrdup(o->users);
	}
	for (size_t i = 0; i < plan->n_containers; i++)
		set_log(o, log, &plan->containers[i]);
	return 0;
}

int play_override(const struct play_overrides *o, struct kube_result *result, struct error *err)
{
	bool ports = o->publish.n || o->publish_all;
	bool any = ports || o->no_hosts || o->no_hostname || o->seccomp_root || o->log_options.n ||
		   o->log_driver || o->ips.n || o->macs.n ||
		   is_prefix(o->users ? o->users : "", AUTO_SIZE);
	cleanup_free char *root = NULL;
	struct log_spec log = { 0 };
	int r = read_log(o, result, &log, err);

	if (r == 0 && any)
		r = check_jobs(result, err);
	if (r == 0 && o->seccomp_root) {
		root = realpath(o->seccomp_root, NULL);
		if (!root)
			r = error_errno(err, "--seccomp-profile-root '%s'", o->seccomp_root);
	}
	for (size_t i = 0; i < result->n && r == 0 && any; i++)
		r = change_pod(o, &log, root, &result->v[i], err);
	free(log.path);
	free(log.tag);
	return r == 0 && ports ? publish(o, result, err) : r;
}
