/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_pod - one pod as Podman's pod inspect shows it.
 *
 * Theory of operation: pod.json says what was asked for, the containers' state records what it is
 * doing; the ports are those of the infra container's record. A pod that a crash left without its
 * record is told apart from one that does not exist: the message says how to remove it.
 */
#include "cmd/podium/inspect.h"

#include <errno.h>
#include <string.h>

#include "cmd/podium/view.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"

static void set(json_t *obj, const char *key, json_t *value)
{
	(void)json_object_set_new(obj, key, value ? value : json_null());
}

static void add_container(json_t *list, const struct container_view *view)
{
	json_t *j = json_object();

	set(j, "Id", json_string(view->id));
	set(j, "Name", json_string(view->st.name ? view->st.name : ""));
	set(j, "State", json_string(view_state(view)));
	(void)json_array_append_new(list, j);
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

static json_t *make_infra_config(const struct pod_spec *pod, const char *ports)
{
	json_t *j = json_object();
	json_t *networks = json_array();
	json_t *hosts = json_array();

	for (size_t i = 0; i < pod->host_aliases.n; i++) {
		const struct host_alias *a = &pod->host_aliases.v[i];

		for (size_t k = 0; k < a->names.n; k++) {
			cleanup_free char *text = xasprintf("%s:%s", a->names.v[k], a->ip);

			(void)json_array_append_new(hosts, json_string(text));
		}
	}
	if (pod->network == NETWORK_BRIDGE)
		(void)json_array_append_new(networks, json_string("podium"));
	set(j, "PortBindings", inspect_port_bindings(ports));
	set(j, "HostNetwork", json_boolean(pod->network == NETWORK_HOST));
	set(j, "DNSServer", view_strings(&pod->dns.servers));
	set(j, "DNSSearch", view_strings(&pod->dns.searches));
	set(j, "HostAdd", hosts);
	set(j, "Networks", networks);
	set(j, "pid_ns", json_string(pod->host_pid ? "host" : "private"));
	return j;
}

static json_t *make_all(const struct store *s, const struct pod_spec *pod)
{
	static const char *const policies[] = { "always", "on-failure", "no" };
	json_t *containers = json_array();
	json_t *j = json_object();
	struct container_view infra = { .live = STATE_REMOVING };
	char hostname[POD_HOSTNAME_MAX];

	pod_hostname(pod, hostname);
	if (pod->infra_id && is_id(pod->infra_id)) {
		view_load(s, pod->infra_id, &infra);
		add_container(containers, &infra);
	}
	for (size_t i = 0; i < pod->containers.n; i++) {
		struct container_view view;

		if (!pod->containers.v[i].id || !is_id(pod->containers.v[i].id))
			continue;
		view_load(s, pod->containers.v[i].id, &view);
		add_container(containers, &view);
		view_done(&view);
	}
	set(j, "Id", json_string(pod->id));
	set(j, "Name", json_string(pod->name ? pod->name : ""));
	set(j, "Namespace", json_string(pod->namespace_ ? pod->namespace_ : ""));
	set(j, "Created", view_time(pod->created_ns));
	set(j, "ExitPolicy", json_string(pod->exit_with_members ? "stop" : "continue"));
	set(j, "State", json_string(lookup_pod_state(s, pod)));
	set(j, "Hostname", json_string(hostname));
	set(j, "Labels", view_pairs(&pod->labels));
	set(j, "Annotations", view_pairs(&pod->annotations));
	set(j, "CreateInfra", json_boolean(pod->infra_id != NULL));
	set(j, "InfraContainerID", json_string(pod->infra_id ? pod->infra_id : ""));
	set(j, "InfraConfig", make_infra_config(pod, infra.st.ports));
	set(j, "SharedNamespaces", make_shared(pod));
	set(j, "NumContainers", json_integer((json_int_t)json_array_size(containers)));
	set(j, "Containers", containers);
	set(j, "RestartPolicy", json_string(policies[pod->restart]));
	set(j, "Source", json_string(pod->source ? pod->source : ""));
	view_done(&infra);
	return j;
}

int inspect_pod(const struct store *s, const char *name, json_t **ret, struct error *err)
{
	struct pod_spec pod;
	char id[65];
	int r = lookup_pod(s, name, id, err);

	if (r < 0)
		return r;
	r = lookup_read_pod(s, id, &pod, err);
	if (r == -ENOENT && lookup_pod_phase(s, id) != POD_COMPLETE)
		return error_set(err, EBADMSG,
				 "pod '%s' is incomplete (remove with: podium pod rm -f %s)", name,
				 name);
	if (r < 0)
		return r;
	*ret = make_all(s, &pod);
	record_done(&pod_spec_type, &pod);
	return 0;
}
