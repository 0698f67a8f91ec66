/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handmade - what the command line made, in Kubernetes' words: the pod.
 *
 * Theory of operation: a pod of the command line differs from a played one in what was never said.
 * Its containers do not restart unless somebody asked: that is Never for a Pod and a Job, while a
 * Deployment or DaemonSet keeps its pods running and gets Always; what was asked for is kept, or
 * refused where the type cannot have it. Its grace period is 10 seconds, which is written. Ports that
 * the pod itself publishes go to its first container, since Kubernetes knows them of containers only.
 * Names that are no DNS labels are bent until they are.
 *
 * Several containers that are each by themselves become one pod as Podman does it; they then share
 * addresses, so two that publish or serve one port cannot be joined without a word.
 *
 * Pure: neither files nor clock.
 */
#include "kube/handmade.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "kube/names.h"

#define LABEL_MAX     63
#define SUBDOMAIN_MAX 253

bool is_handmade(const struct pod_spec *pod)
{
	return !pod->owner;
}

void handmade_note(struct strlist *notes, const char *kind, const char *name, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	strlist_addf(notes, "%s '%s': %s has no field in Kubernetes and was left out", kind, name,
		     text);
}

/* ---- names ------------------------------------------------------------------------------ */

/* Lower case, '-' for what no DNS label has. The caller owns it. */
static char *bend_name(const char *name, size_t max)
{
	char *bent = xstrdup(name);
	size_t n = 0;

	for (const char *p = name; *p && n < max; p++) {
		char c = (char)tolower((unsigned char)*p);

		if (!isalnum((unsigned char)c))
			c = '-';
		if (c != '-' || n > 0)
			bent[n++] = c;
	}
	while (n > 0 && bent[n - 1] == '-')
		n--;
	bent[n] = '\0';
	if (n > 0)
		return bent;
	free(bent);
	return xstrdup("c");
}

static bool is_name_taken(const struct pod_plan *plan, const char *name, size_t before)
{
	for (size_t i = 0; i < before; i++)
		if (is_equal(plan->containers[i].name, name))
			return true;
	return false;
}

static void settle_container_names(struct pod_plan *plan, struct strlist *notes)
{
	for (size_t i = 0; i < plan->n_containers; i++) {
		struct container_spec *c = &plan->containers[i];
		cleanup_free char *bent = bend_name(c->name, LABEL_MAX - 4);
		cleanup_free char *name = xstrdup(bent);

		for (int k = 2; is_name_taken(plan, name, i); k++) {
			free(name);
			name = xasprintf("%s-%d", bent, k);
		}
		if (is_equal(name, c->name))
			continue;
		strlist_addf(notes,
			     "container '%s' is called '%s' in the YAML: a name there is a "
			     "DNS label",
			     c->name, name);
		free(c->name);
		c->name = steal_ptr(&name);
	}
}

static void settle_pod_name(struct pod_spec *pod, struct strlist *notes)
{
	char *bent;

	if (!name_bad_subdomain(pod->name))
		return;
	bent = bend_name(pod->name, SUBDOMAIN_MAX);
	strlist_addf(notes, "pod '%s' is called '%s' in the YAML: a name there is a DNS name",
		     pod->name, bent);
	free(pod->name);
	pod->name = bent;
}

/* Drops pairs that no label or annotation may be. */
static void settle_pairs(struct pairlist *pairs, bool labels, const char *pod,
			 struct strlist *notes)
{
	size_t kept = 0;

	for (size_t i = 0; i < pairs->n; i++) {
		struct strpair *p = &pairs->v[i];
		const char *bad = labels ? name_bad_qualified(p->key) : name_bad_annotation(p->key);

		if (!bad && labels)
			bad = name_bad_label_value(p->value);
		if (!bad) {
			pairs->v[kept++] = *p;
			continue;
		}
		handmade_note(notes, "pod", pod, "the %s '%s'", labels ? "label" : "annotation",
			      p->key);
		free(p->key);
		free(p->value);
	}
	pairs->n = kept;
}

/* ---- life ------------------------------------------------------------------------------- */

/* Whether somebody asked for the policy, and what it is when all members have the same. */
static bool is_restart_asked(const struct pod_plan *plan)
{
	if (plan->pod.restart != RESTART_NEVER)
		return true;
	for (size_t i = 0; i < plan->n_containers; i++)
		if (plan->containers[i].own_restart ||
		    (plan->containers[i].kind == CONTAINER_MEMBER &&
		     plan->containers[i].restart != RESTART_NEVER))
			return true;
	return false;
}

/* One policy of all members becomes the pod's. */
static void gather_restart(struct pod_plan *plan)
{
	const struct container_spec *first = NULL;

	for (size_t i = 0; i < plan->n_containers; i++) {
		const struct container_spec *c = &plan->containers[i];

		if (c->kind != CONTAINER_MEMBER)
			continue;
		if (first && first->restart != c->restart)
			return;
		first = c;
	}
	if (!first)
		return;
	plan->pod.restart = first->restart;
	for (size_t i = 0; i < plan->n_containers; i++)
		plan->containers[i].own_restart = false;
}

/* Containers whose policy is not the pod's say so themselves. */
static void settle_restart(struct pod_plan *plan, enum generate_type type)
{
	bool keeps = type != GENERATE_POD && type != GENERATE_JOB;
	bool asked = is_restart_asked(plan);

	if (!asked) {
		plan->pod.restart = keeps ? RESTART_ALWAYS : RESTART_NEVER;
		for (size_t i = 0; i < plan->n_containers; i++)
			plan->containers[i].restart = plan->pod.restart;
		return;
	}
	gather_restart(plan);
	for (size_t i = 0; i < plan->n_containers; i++) {
		struct container_spec *c = &plan->containers[i];

		if (c->kind == CONTAINER_MEMBER && c->restart != plan->pod.restart)
			c->own_restart = true;
	}
}

/* Kubernetes knows the grace period of the pod alone: the longest serves all. */
static void settle_grace(struct pod_plan *plan, struct strlist *notes)
{
	int64_t grace = pod_grace_seconds(&plan->pod), longest = -1;

	for (size_t i = 0; i < plan->n_containers; i++) {
		const struct container_spec *c = &plan->containers[i];
		int64_t own = c->stop_timeout_s.set ? c->stop_timeout_s.value : grace;

		if (own != (longest < 0 ? own : longest))
			strlist_addf(notes,
				     "pod '%s': containers have grace periods of their own; "
				     "the longest is written",
				     plan->pod.name);
		longest = own > longest ? own : longest;
	}
	for (size_t i = 0; i < plan->n_containers; i++)
		plan->containers[i].stop_timeout_s.set = false;
	plan->pod.grace_seconds = (struct opt_i64){ true, longest < 0 ? grace : longest };
}

/* ---- network and namespaces ------------------------------------------------------------- */

static void drop_text(char **text, struct strlist *notes, const char *pod, const char *what)
{
	if (!*text)
		return;
	handmade_note(notes, "pod", pod, "%s '%s'", what, *text);
	free(*text);
	*text = NULL;
}

static void drop_flag(bool *flag, struct strlist *notes, const char *pod, const char *what)
{
	if (*flag)
		handmade_note(notes, "pod", pod, "%s", what);
	*flag = false;
}

static void settle_network(struct pod_spec *pod, struct strlist *notes)
{
	for (size_t i = 0; i < pod->networks.n; i++) {
		struct attachment *a = &pod->networks.v[i];

		if (!is_equal(a->network, "podium"))
			handmade_note(notes, "pod", pod->name, "the network '%s'", a->network);
		else if (a->ip4 || a->ip6 || a->mac || a->aliases.n || a->interface)
			handmade_note(notes, "pod", pod->name,
				      "its address or name in the network '%s'", a->network);
		free(a->network);
		free(a->interface);
		free(a->mac);
		free(a->ip4);
		free(a->ip6);
		strlist_done(&a->aliases);
	}
	free(pod->networks.v);
	pod->networks = (struct attachment_list){ 0 };
	if (pod->network == NETWORK_NONE || pod->unplugged)
		handmade_note(notes, "pod", pod->name,
			      pod->unplugged ? "that it is in no network" : "the network 'none'");
	if (pod->network == NETWORK_FROM)
		drop_text(&pod->network_from, notes, pod->name, "the network of");
	pod->unplugged = false;
	if (pod->network != NETWORK_HOST)
		pod->network = NETWORK_BRIDGE;
	else
		pod->host_uts = false; /* goes with it there, too */
}

static void settle_namespaces(struct pod_spec *pod, struct strlist *notes)
{
	drop_text(&pod->ipc_from, notes, pod->name, "the IPC namespace of");
	drop_text(&pod->uts_from, notes, pod->name, "the UTS namespace of");
	drop_text(&pod->pid_from, notes, pod->name, "the PID namespace of");
	drop_flag(&pod->host_uts, notes, pod->name, "the UTS namespace of the host");
	drop_flag(&pod->own_ipc, notes, pod->name, "an IPC namespace for each container");
	drop_flag(&pod->own_uts, notes, pod->name, "a UTS namespace for each container");
	drop_flag(&pod->no_hosts, notes, pod->name, "--no-hosts");
	drop_flag(&pod->no_hostname, notes, pod->name, "--no-hostname");
	if (is_prefix(pod->userns ? pod->userns : "", "auto"))
		pod->host_users = (struct opt_bool){ true, false };
	else if (!is_equal(pod->userns, "host"))
		drop_text(&pod->userns, notes, pod->name, "the user namespace");
	if (pod->uid_maps.n || pod->gid_maps.n)
		handmade_note(notes, "pod", pod->name, "its map of user ids");
	strlist_done(&pod->uid_maps);
	strlist_done(&pod->gid_maps);
	if (pod->shm_size_bytes.set && pod->shm_size_bytes.value != SHM_BYTES_DEFAULT)
		handmade_note(notes, "pod", pod->name, "the size of /dev/shm");
	pod->shm_size_bytes.set = false;
	drop_text(&pod->cgroup_parent, notes, pod->name, "the parent cgroup");
	drop_text(&pod->infra_name, notes, pod->name, "the infra container's name");
}

/* ---- the pod ---------------------------------------------------------------------------- */

/* Kubernetes knows ports of containers. */
static void settle_ports(struct pod_plan *plan)
{
	struct container_spec *first = NULL;

	for (size_t i = 0; i < plan->n_containers && !first; i++)
		if (plan->containers[i].kind == CONTAINER_MEMBER)
			first = &plan->containers[i];
	if (!first)
		return;
	for (size_t i = 0; i < plan->pod.ports.n; i++)
		*list_add(&first->ports) = plan->pod.ports.v[i];
	free(plan->pod.ports.v);
	plan->pod.ports = (struct port_list){ 0 };
}

/* One by itself has no pod that anybody named or labelled. */
static void settle_solo(struct pod_plan *plan)
{
	struct container_spec *c = &plan->containers[0];
	char *name;

	if (!plan->pod.solo)
		return;
	plan->pod.solo = false;
	name = xasprintf("%s-pod", c->name);
	free(plan->pod.name);
	plan->pod.name = name;
	for (size_t i = 0; i < c->labels.n; i++)
		pairlist_set(&plan->pod.labels, c->labels.v[i].key, c->labels.v[i].value);
	for (size_t i = 0; i < c->annotations.n; i++)
		pairlist_set(&plan->pod.annotations, c->annotations.v[i].key,
			     c->annotations.v[i].value);
	pairlist_done(&c->labels);
	pairlist_done(&c->annotations);
}

int handmade_settle(struct pod_plan *plan, enum generate_type type, struct strlist *notes,
		    struct error *err)
{
	struct pod_spec *pod = &plan->pod;

	(void)err;
	settle_solo(plan);
	settle_pod_name(pod, notes);
	settle_container_names(plan, notes);
	settle_pairs(&pod->labels, true, pod->name, notes);
	settle_pairs(&pod->annotations, false, pod->name, notes);
	settle_ports(plan);
	settle_network(pod, notes);
	settle_namespaces(pod, notes);
	settle_restart(plan, type);
	settle_grace(plan, notes);
	drop_flag(&pod->unless_stopped, notes, pod->name,
		  "\"unless-stopped\" (it is written as Always)");
	for (size_t i = 0; i < plan->n_containers; i++)
		handmade_settle_container(plan, &plan->containers[i], notes);
	return 0;
}

/* ---- several by themselves -------------------------------------------------------------- */

static const struct port_spec *find_host_port(const struct port_list *l, const struct port_spec *p)
{
	for (size_t i = 0; i < l->n; i++)
		if (p->host_port && l->v[i].host_port == p->host_port &&
		    l->v[i].protocol == p->protocol)
			return &l->v[i];
	return NULL;
}

/* What one pod has once must be the same in all. */
static int check_joinable(const struct pod_plan *a, const struct pod_plan *b, struct error *err)
{
	const char *x = a->containers[0].name, *y = b->containers[0].name;

	if (a->pod.network != b->pod.network)
		return error_set(err, EINVAL,
				 "containers '%s' and '%s' are in different networks: one pod has "
				 "one",
				 x, y);
	if (!is_equal(a->pod.hostname, b->pod.hostname) && a->pod.hostname && b->pod.hostname)
		return error_set(err, EINVAL,
				 "containers '%s' and '%s' have different host names: one pod has "
				 "one",
				 x, y);
	for (size_t i = 0; i < b->pod.ports.n + b->containers[0].ports.n; i++) {
		const struct port_spec *p = i < b->pod.ports.n
						    ? &b->pod.ports.v[i]
						    : &b->containers[0].ports.v[i - b->pod.ports.n];

		if (find_host_port(&a->pod.ports, p) || find_host_port(&a->containers[0].ports, p))
			return error_set(err, EINVAL,
					 "containers '%s' and '%s' publish port %u both", x, y,
					 p->host_port);
	}
	return 0;
}

/* Volumes of two containers may have one name. */
static void take_volumes(struct pod_plan *from, struct pod_plan *to)
{
	struct container_spec *c = &from->containers[0];

	for (size_t i = 0; i < from->pod.volumes.n; i++) {
		struct volume_spec *v = &from->pod.volumes.v[i];
		char *name = xasprintf("v%zu", to->pod.volumes.n + 1);

		for (size_t k = 0; k < c->mounts.n; k++) {
			if (!is_equal(c->mounts.v[k].volume, v->name))
				continue;
			free(c->mounts.v[k].volume);
			c->mounts.v[k].volume = xstrdup(name);
		}
		free(v->name);
		v->name = name;
		*list_add(&to->pod.volumes) = *v;
	}
	free(from->pod.volumes.v);
	from->pod.volumes = (struct volume_list){ 0 };
}

/* The ports of one by itself may stand at its pod. */
static void take_ports(struct pod_plan *from, struct container_spec *c)
{
	for (size_t i = 0; i < from->pod.ports.n; i++)
		*list_add(&c->ports) = from->pod.ports.v[i];
	free(from->pod.ports.v);
	from->pod.ports = (struct port_list){ 0 };
}

static void take_plan(struct pod_plan *from, struct pod_plan *to)
{
	struct container_spec *c = &to->containers[to->n_containers];

	take_ports(from, &from->containers[0]);
	take_volumes(from, to);
	for (size_t i = 0; i < from->containers[0].labels.n; i++)
		pairlist_set(&to->pod.labels, from->containers[0].labels.v[i].key,
			     from->containers[0].labels.v[i].value);
	pairlist_done(&from->containers[0].labels);
	if (!to->pod.hostname)
		to->pod.hostname = steal_ptr(&from->pod.hostname);
	*c = from->containers[0];
	to->n_containers++;
	from->n_containers = 0;
	pod_plan_done(from);
}

int handmade_join(struct pod_plan *plans, size_t n, struct pod_plan *ret, struct error *err)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++) {
			int r = check_joinable(&plans[i], &plans[k], err);

			if (r < 0)
				return r;
		}
	*ret = (struct pod_plan){ .pod = plans[0].pod };
	plans[0].pod = (struct pod_spec){ .ports = ret->pod.ports, .volumes = ret->pod.volumes };
	ret->pod.ports = (struct port_list){ 0 };
	ret->pod.volumes = (struct volume_list){ 0 };
	ret->pod.solo = false;
	free(ret->pod.name);
	ret->pod.name = xasprintf("%s-pod", plans[0].containers[0].name);
	ret->containers = xcalloc(n, sizeof(*ret->containers));
	for (size_t i = 0; i < n; i++)
		take_plan(&plans[i], ret);
	return 0;
}
