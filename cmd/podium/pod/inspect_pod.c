/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_pod - one pod as Podman's pod inspect shows it, with what Kubernetes would say of it.
 *
 * Theory of operation: pod.json says what was asked for, the containers' state records what it is
 * doing; the ports are those of the infra container's record. A pod that a crash left without its
 * record is told apart from one that does not exist: the message says how to remove it.
 */
#include "cmd/podium/container/inspect.h"

#include <errno.h>
#include <string.h>

#include "cmd/podium/kube/kubeview.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/net/netnames.h"

#define CPU_PERIOD_US 100000

static void set(json_t *obj, const char *key, json_t *value)
{
	(void)json_object_set_new(obj, key, value ? value : json_null());
}

/* Borrowed: it is in the list. */
static json_t *add_container(json_t *list, const struct container_view *view)
{
	json_t *j = json_object();

	set(j, "Id", json_string(view->id));
	set(j, "Name", json_string(view->st.name ? view->st.name : ""));
	set(j, "State", json_string(view_state(view)));
	(void)json_array_append_new(list, j);
	return j;
}

/* What Kubernetes says of one container: reason and message are those of its present state. */
static void add_words(json_t *j, const struct podstatus_container *c)
{
	static const char *const kinds[] = { "", "waiting", "running", "terminated" };

	set(j, "Started", json_boolean(c->started));
	set(j, "Ready", json_boolean(c->ready));
	set(j, "RestartCount", json_integer((json_int_t)c->restarts));
	set(j, "KubeState", json_string(kinds[c->state.kind]));
	set(j, "Reason", json_string(c->state.reason ? c->state.reason : ""));
	set(j, "Message", json_string(c->state.message ? c->state.message : ""));
	if (c->state.kind == KUBE_TERMINATED)
		set(j, "ExitCode", json_integer((json_int_t)c->state.exit_code));
	if (c->last.kind == KUBE_TERMINATED)
		set(j, "LastState",
		    json_pack("{s:I, s:s, s:s, s:o, s:o}", "ExitCode",
			      (json_int_t)c->last.exit_code, "Reason",
			      c->last.reason ? c->last.reason : "", "Message",
			      c->last.message ? c->last.message : "", "StartedAt",
			      view_time(c->last.started_ns), "FinishedAt",
			      view_time(c->last.finished_ns)));
}

static json_t *make_conditions(const struct podstatus *ps)
{
	json_t *list = json_array();

	for (int i = 0; i < CONDITION__COUNT; i++) {
		const struct podstatus_condition *c = &ps->conditions[i];

		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:s, s:o}", "Type", pod_condition_names[i],
					"Status", c->is_true ? "True" : "False", "Reason",
					c->reason ? c->reason : "", "Message",
					c->message ? c->message : "", "LastTransitionTime",
					view_time(c->since_ns)));
	}
	return list;
}

static json_t *make_shared(const struct pod_spec *pod)
{
	json_t *list = json_array();

	if (!pod->host_ipc)
		(void)json_array_append_new(list, json_string("ipc"));
	if (pod->network != NETWORK_HOST) {
		(void)json_array_append_new(list, json_string("net"));
		(void)json_array_append_new(list, json_string("uts"));
	}
	if (pod->share_pid)
		(void)json_array_append_new(list, json_string("pid"));
	return list;
}

static void add_limit(json_t *j, const char *key, const struct opt_i64 *o)
{
	if (o->set)
		set(j, key, json_integer((json_int_t)o->value));
}

static void add_cpu(json_t *j, const struct resources *r)
{
	struct opt_i64 period = r->cpu_period_us, quota = r->cpu_quota_us;

	if (r->cpu_limit_milli.set && !quota.set) {
		period = (struct opt_i64){ true, CPU_PERIOD_US };
		quota = (struct opt_i64){ true,
					  r->cpu_limit_milli.value * (CPU_PERIOD_US / 1000) };
	}
	add_limit(j, "cpu_period", &period);
	add_limit(j, "cpu_quota", &quota);
	add_limit(j, "cpu_shares", &r->cpu_shares);
	if (r->cpuset_cpus)
		set(j, "cpuset_cpus", json_string(r->cpuset_cpus));
	if (r->cpuset_mems)
		set(j, "cpuset_mems", json_string(r->cpuset_mems));
}

/* What was asked for: Podman shows each only then. */
static void add_asked(json_t *j, const struct pod_spec *pod)
{
	const struct resources *r = &pod->resources;

	add_cpu(j, r);
	add_limit(j, "memory_limit", &r->memory_limit_bytes);
	add_limit(j, "memory_swap", &r->memory_swap_bytes);
	add_limit(j, "blkio_weight", &r->blkio_weight);
	if (pod->member_options.n)
		set(j, "security_opt", view_strings(&pod->member_options));
	if (pod->member_volumes.n)
		set(j, "volumes", view_strings(&pod->member_volumes));
	if (r->devices.n)
		set(j, "devices", view_strings(&r->devices));
}

static json_t *make_infra_config(const struct pod_spec *pod, const char *ports)
{
	json_t *j = json_object();
	json_t *networks = json_array();
	json_t *hosts = json_array(), *options = json_array();
	const struct attachment *one = pod->networks.n == 1 ? pod->networks.v : NULL;

	for (size_t i = 0; i < pod->dns.options.n; i++)
		(void)json_array_append_new(options, json_string(pod->dns.options.v[i].name));
	for (size_t i = 0; i < pod->host_aliases.n; i++) {
		const struct host_alias *a = &pod->host_aliases.v[i];

		for (size_t k = 0; k < a->names.n; k++) {
			cleanup_free char *text = xasprintf("%s:%s", a->names.v[k], a->ip);

			(void)json_array_append_new(hosts, json_string(text));
		}
	}
	for (size_t i = 0; i < pod->networks.n; i++)
		(void)json_array_append_new(networks, json_string(pod->networks.v[i].network));
	if (pod->network == NETWORK_BRIDGE && !pod->networks.n)
		(void)json_array_append_new(networks, json_string(NET_DEFAULT));
	set(j, "PortBindings", inspect_port_bindings(ports));
	set(j, "HostNetwork", json_boolean(pod->network == NETWORK_HOST));
	set(j, "DNSServer", view_strings(&pod->dns.servers));
	set(j, "DNSSearch", view_strings(&pod->dns.searches));
	set(j, "HostAdd", hosts);
	set(j, "Networks", networks);
	set(j, "pid_ns", json_string(pod->host_pid ? "host" : "private"));
	set(j, "uts_ns", json_string(pod->host_uts ? "host" : "private"));
	set(j, "userns", json_string(pod->userns ? pod->userns : "host"));
	set(j, "StaticIP", json_string(one && one->ip4 ? one->ip4 : ""));
	set(j, "StaticMAC", json_string(one && one->mac ? one->mac : ""));
	set(j, "NoManageHosts", json_boolean(pod->no_hosts));
	set(j, "NoManageResolvConf", json_false());
	set(j, "DNSOption", options);
	set(j, "NetworkOptions", json_null());
	add_cpu(j, &pod->resources);
	return j;
}

static json_t *make_all(const struct store *s, const struct kube_pod *p)
{
	static const char *const policies[] = { "always", "on-failure", "no" };
	const struct pod_spec *pod = &p->pod;
	json_t *containers = json_array();
	json_t *j = json_object();
	char hostname[POD_HOSTNAME_MAX];

	pod_hostname(pod, hostname);
	if (pod->infra_id && is_id(pod->infra_id))
		(void)add_container(containers, &p->infra);
	for (size_t i = 0; i < pod->containers.n; i++)
		if (pod->containers.v[i].id && is_id(pod->containers.v[i].id))
			add_words(add_container(containers, &p->views[i]), &p->ps.v[i]);
	set(j, "Id", json_string(pod->id));
	set(j, "Name", json_string(pod->name ? pod->name : ""));
	set(j, "Namespace", json_string(pod->namespace_ ? pod->namespace_ : ""));
	set(j, "Created", view_time(pod->created_ns));
	set(j, "CreateCommand", view_strings(&pod->create_command));
	set(j, "CreateCgroup", json_true());
	set(j, "CgroupParent", json_string(pod->cgroup_parent ? pod->cgroup_parent : ""));
	jset_owned(j, "CgroupPath", inspect_cgroup(pod, NULL));
	set(j, "ExitPolicy", json_string(pod->exit_with_members ? "stop" : "continue"));
	set(j, "State", json_string(lookup_pod_state(s, pod)));
	set(j, "Hostname", json_string(hostname));
	set(j, "Labels", view_pairs(&pod->labels));
	set(j, "Annotations", view_pairs(&pod->annotations));
	set(j, "CreateInfra", json_boolean(pod->infra_id != NULL));
	set(j, "InfraContainerID", json_string(pod->infra_id ? pod->infra_id : ""));
	set(j, "InfraConfig", make_infra_config(pod, p->infra.st.ports));
	set(j, "SharedNamespaces", make_shared(pod));
	set(j, "NumContainers", json_integer((json_int_t)json_array_size(containers)));
	set(j, "Containers", containers);
	set(j, "RestartPolicy", json_string(policies[pod->restart]));
	add_asked(j, pod);
	set(j, "Source", json_string(pod->source ? pod->source : ""));
	set(j, "Phase", json_string(kube_phase_names[p->ps.phase]));
	set(j, "Status", json_string(p->ps.status));
	set(j, "Reason", json_string(p->ps.reason ? p->ps.reason : ""));
	set(j, "Conditions", make_conditions(&p->ps));
	set(j, "QOSClass", json_string(podstatus_qos(pod, p->specs, p->in.n)));
	return j;
}

int inspect_pod(const struct store *s, const char *name, json_t **ret, struct error *err)
{
	struct kube_pod pod = { 0 };
	char id[65];
	int r = lookup_pod(s, name, id, err);

	if (r < 0)
		return r;
	r = kube_pod_load(s, id, true, &pod, err);
	if (r == -ENOENT && lookup_pod_phase(s, id) != POD_COMPLETE)
		r = error_set(err, EBADMSG,
			      "pod '%s' is incomplete (remove with: podium pod rm -f %s)", name,
			      name);
	if (r == 0)
		*ret = make_all(s, &pod);
	kube_pod_done(&pod);
	return r;
}
