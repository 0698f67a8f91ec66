/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate_service - a Service of type NodePort for a pod's ports.
 *
 * Theory of operation: the ports that the pod publishes on its host become ports of the Service, and
 * their hostPort goes, since the Service takes its place; a pod that publishes nothing offers all
 * the ports that it names. A node port is derived from the port, so that the same pod gives the same
 * document: the host port itself when it is in Kubernetes' range, else one of the range by its
 * remainder; the next free one when it is taken in this run.
 */
#include <string.h>

#include "kube/generate_parts.h"

#define NODE_PORT_FIRST 30000
#define NODE_PORT_LAST	32767
#define NODE_PORTS	(NODE_PORT_LAST - NODE_PORT_FIRST + 1)

static int64_t number_of(const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);

	return n && n->kind == NODE_INT ? n->scalar.integer : 0;
}

/* -1 when all are taken. */
static int64_t take_node_port(struct generate_run *run, int64_t wanted)
{
	int64_t at = wanted >= NODE_PORT_FIRST && wanted <= NODE_PORT_LAST
			     ? wanted - NODE_PORT_FIRST
			     : wanted % NODE_PORTS;

	for (int64_t i = 0; i < NODE_PORTS; i++, at = (at + 1) % NODE_PORTS) {
		cleanup_free char *text = xasprintf("%lld", (long long)(NODE_PORT_FIRST + at));

		if (strlist_has(&run->node_ports, text))
			continue;
		strlist_add(&run->node_ports, text);
		return NODE_PORT_FIRST + at;
	}
	return -1;
}

static bool has_port(const struct node *ports, int64_t port, const char *protocol)
{
	for (size_t i = 0; i < ports->n; i++) {
		const char *other = tree_text(ports->items[i], "protocol");

		if (number_of(ports->items[i], "port") == port &&
		    is_equal(other ? other : "TCP", protocol))
			return true;
	}
	return false;
}

static int add_port(struct generate_job *job, struct node *ports, const struct node *from,
		    struct error *err)
{
	const char *given = tree_text(from, "protocol"), *name = tree_text(from, "name");
	int64_t target = number_of(from, "containerPort"), host = number_of(from, "hostPort");
	const char *protocol = given ? given : "TCP";
	cleanup_free char *made = xasprintf("%lld-%s", (long long)target,
					    is_equal(protocol, "TCP")	? "tcp"
					    : is_equal(protocol, "UDP") ? "udp"
									: "sctp");
	struct node *port = tree_new_map(job->arena);
	int64_t node_port;

	if (has_port(ports, target, protocol))
		return 0;
	node_port = take_node_port(job->run, host ? host : target);
	if (node_port < 0)
		return error_set(err, ENOSPC, "there is no node port left for pod '%s'", job->name);
	tree_set_text(job->arena, port, "name", name ? name : made);
	if (given)
		tree_set_text(job->arena, port, "protocol", given);
	tree_set(job->arena, port, "port", node_new_int(job->arena, target));
	tree_set(job->arena, port, "targetPort", node_new_int(job->arena, target));
	tree_set(job->arena, port, "nodePort", node_new_int(job->arena, node_port));
	node_list_add(job->arena, ports, port);
	return 0;
}

/* Calls add_port() for the ports of a list of containers. */
static int add_ports(struct generate_job *job, const char *key, bool published, struct node *ports,
		     struct error *err)
{
	const struct node *containers = node_get(job->spec, key);
	int r = 0;

	for (size_t i = 0; containers && i < containers->n; i++) {
		struct node *list = node_get(containers->items[i], "ports");

		for (size_t k = 0; list && list->kind == NODE_LIST && k < list->n && r == 0; k++) {
			if (published && !number_of(list->items[k], "hostPort"))
				continue;
			r = add_port(job, ports, list->items[k], err);
			tree_remove(list->items[k], "hostPort");
			tree_remove(list->items[k], "hostIP");
		}
	}
	return r;
}

static bool has_host_port(const struct node *containers)
{
	for (size_t i = 0; containers && i < containers->n; i++) {
		const struct node *list = node_get(containers->items[i], "ports");

		for (size_t k = 0; list && list->kind == NODE_LIST && k < list->n; k++)
			if (number_of(list->items[k], "hostPort"))
				return true;
	}
	return false;
}

int generate_service(struct generate_job *job, struct error *err)
{
	bool published = has_host_port(node_get(job->spec, "containers")) ||
			 has_host_port(node_get(job->spec, "initContainers"));
	struct arena *a = job->arena;
	struct node *root = tree_document(a, "v1", "Service", job->name, job->namespace_);
	struct node *spec = tree_need_map(a, root, "spec"), *ports = tree_new_list(a);
	struct node *labels = node_get(node_get(job->pod, "metadata"), "labels");
	int r = add_ports(job, "containers", published, ports, err);

	if (r == 0)
		r = add_ports(job, "initContainers", published, ports, err);
	if (r < 0)
		return r;
	if (!ports->n)
		return error_set(err, EINVAL,
				 "--service: pod '%s' has no ports that a Service could offer",
				 job->name);
	tree_set(a, node_get(root, "metadata"), "labels", tree_copy(a, labels));
	tree_set_text(a, spec, "type", "NodePort");
	tree_set(a, spec, "selector", tree_copy(a, labels));
	tree_set(a, spec, "ports", ports);
	return generate_write(job->run, "Service", root, err);
}
