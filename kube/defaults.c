/* SPDX-License-Identifier: Apache-2.0 */
/*
 * defaults - what the API server fills in when a field is absent.
 *
 * Theory of operation: runs on the typed objects between decoding and validation, never on the
 * tree: the stored document stays what the user wrote, and generate gives that back. Only defaults
 * that change what the engine does are set here:
 *
 *   restartPolicy Always; ports: protocol TCP, with hostNetwork hostPort = containerPort;
 *   resources: a request that is absent where a limit stands is the limit;
 *   resources of the pod: a request that is absent is what the containers ask for together, or the
 *   limit; a hostPort of 0 is none.
 *
 * A volume without a source is an emptyDir; that needs the tree (a source that is known but not
 * honoured is one too) and is decided in kube/validate_volume.c and kube/translate.c.
 */
#include "kube/defaults.h"

#include <string.h>

#include "kube/validate.h"

static void default_text(char **field, const char *value)
{
	if (!*field)
		*field = xstrdup(value);
}

static void default_container(struct k8s_container *c, bool host_network)
{
	for (size_t i = 0; i < c->ports.n; i++) {
		struct k8s_port *p = &c->ports.v[i];

		default_text(&p->protocol, "TCP");
		if (p->host_port.set && p->host_port.value == 0)
			p->host_port.set = false;
		if (host_network && !p->host_port.set)
			p->host_port = p->container_port;
	}
	for (size_t i = 0; c->resources && i < c->resources->limits.n && i < MAX_RESOURCES; i++) {
		const struct strpair *limit = &c->resources->limits.v[i];

		if (!pairlist_get(&c->resources->requests, limit->key))
			pairlist_set(&c->resources->requests, limit->key, limit->value);
	}
}

static char *format_sum(const char *name, const struct quantity *sum)
{
	struct error err = { 0 };
	int64_t n;

	if (strcmp(name, "cpu") == 0)
		return quantity_milli(sum, &n, &err) == 0 ? quantity_format_milli(n) : NULL;
	return quantity_units(sum, &n, &err) == 0 ? quantity_format_bytes(n) : NULL;
}

/* What the pod as a whole requests: what its containers do together, else its own limit. */
static void default_pod_resources(struct k8s_pod_spec *spec)
{
	static const char *const names[] = { "cpu", "memory" };
	struct k8s_resources *r = spec->resources;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_free char *text = NULL;
		struct quantity sum;

		if (pairlist_get(&r->requests, names[i]) || !requests_sum(spec, names[i], &sum))
			continue;
		text = format_sum(names[i], &sum);
		if (text)
			pairlist_set(&r->requests, names[i], text);
	}
	for (size_t i = 0; i < r->limits.n && i < MAX_RESOURCES; i++) {
		const struct strpair *limit = &r->limits.v[i];

		if (!pairlist_get(&r->requests, limit->key))
			pairlist_set(&r->requests, limit->key, limit->value);
	}
}

void defaults_apply(struct k8s_pod *pod)
{
	struct k8s_pod_spec *spec = pod->spec;

	if (!spec)
		return;
	default_text(&spec->restart_policy, "Always");
	for (size_t i = 0; i < spec->inits.n; i++)
		default_container(&spec->inits.v[i], spec->host_network.value);
	for (size_t i = 0; i < spec->containers.n; i++)
		default_container(&spec->containers.v[i], spec->host_network.value);
	if (spec->resources)
		default_pod_resources(spec);
}
