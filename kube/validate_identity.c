/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate_identity - what a pod is called and runs as: host names, node, account, user namespace.
 *
 * Theory of operation: the API server's rules, and one of the kubelet's: a whole host name that the
 * kernel cannot hold is refused here, since the pod would never start. The node's name is the only
 * thing that is asked of the host: a manifest that names another node runs here all the same, and
 * its reader should know. A service account is a name that the Downward API gives, no more.
 */
#include <limits.h>
#include <string.h>
#include <sys/utsname.h>

#include "engine/pod/spec.h"
#include "kube/names.h"
#include "kube/validate.h"

#define LABEL_MAX 63

static void check_override(struct check *c, const struct k8s_pod_spec *spec)
{
	const char *name = spec->hostname_override;

	if (is_empty(name))
		return;
	check_name(c, "hostnameOverride", name, name_bad_subdomain(name));
	if (strlen(name) >= POD_HOSTNAME_MAX)
		check_error(c, "hostnameOverride", "is longer than %d characters",
			    POD_HOSTNAME_MAX - 1);
	if (spec->hostname_as_fqdn.value)
		check_error(c, "hostnameOverride", "cannot stand beside setHostnameAsFQDN");
	if (spec->host_network.value)
		check_error(c, "hostnameOverride", "cannot stand beside hostNetwork");
}

static void check_whole_name(struct check *c, const struct k8s_pod_spec *spec)
{
	const struct k8s_meta *meta = c->pod->meta;
	const char *space = namespace_of(meta ? meta->namespace_ : NULL);
	const char *name = !is_empty(spec->hostname) ? spec->hostname : meta ? meta->name : NULL;
	cleanup_free char *whole = NULL;

	if (!spec->hostname_as_fqdn.value || is_empty(spec->subdomain) ||
	    !is_empty(spec->hostname_override) || is_empty(name))
		return;
	whole = xasprintf("%.*s.%s.%s.svc." POD_CLUSTER_DOMAIN, LABEL_MAX, name, spec->subdomain,
			  space);
	if (strlen(whole) >= POD_HOSTNAME_MAX)
		check_error(
			c, "setHostnameAsFQDN",
			"the host name '%.255s' is longer than the %d characters that the kernel "
			"keeps",
			whole, POD_HOSTNAME_MAX - 1);
}

static void check_node(struct check *c, const char *name)
{
	struct utsname host;

	if (is_empty(name))
		return;
	if (name_bad_subdomain(name))
		check_name(c, "nodeName", name, name_bad_subdomain(name));
	else if (uname(&host) < 0 || strcmp(host.nodename, name) != 0)
		check_unsupported(c, "nodeName",
				  "'%.253s' is not this host: the pod runs here, and only its "
				  "spec.nodeName says so",
				  name);
}

static void check_account(struct check *c, const char *field, const char *name)
{
	if (is_empty(name) || strcmp(name, "default") == 0)
		return;
	if (name_bad_subdomain(name))
		check_name(c, field, name, name_bad_subdomain(name));
	else
		check_unsupported(c, field,
				  "'%.253s' is only a name here: there is no API server to speak "
				  "to",
				  name);
}

static bool has_devices(const struct node *spec)
{
	static const char *const lists[] = { "containers", "initContainers" };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct node *list = node_get(spec, lists[i]);

		for (size_t k = 0; list && list->kind == NODE_LIST && k < list->n; k++) {
			const struct node *devices = node_get(list->items[k], "volumeDevices");

			if (devices && devices->kind == NODE_LIST && devices->n)
				return true;
		}
	}
	return false;
}

static void check_host_users(struct check *c, const struct k8s_pod_spec *spec)
{
	if (!spec->host_users.set || spec->host_users.value)
		return;
	if (spec->host_network.value)
		check_error(c, "hostUsers", "'false' cannot stand beside hostNetwork");
	if (spec->host_pid.value)
		check_error(c, "hostUsers", "'false' cannot stand beside hostPID");
	if (spec->host_ipc.value)
		check_error(c, "hostUsers", "'false' cannot stand beside hostIPC");
	if (has_devices(node_at(c->sink->root, c->path.text)))
		check_error(c, "hostUsers", "'false' cannot stand beside volumeDevices");
}

void validate_identity(struct check *c, const struct k8s_pod_spec *spec)
{
	if (!is_empty(spec->hostname))
		check_name(c, "hostname", spec->hostname, name_bad_label(spec->hostname));
	if (!is_empty(spec->subdomain))
		check_name(c, "subdomain", spec->subdomain, name_bad_label(spec->subdomain));
	check_override(c, spec);
	check_whole_name(c, spec);
	check_node(c, spec->node_name);
	check_account(c, "serviceAccountName", spec->service_account);
	check_account(c, "serviceAccount", spec->old_service_account);
	check_host_users(c, spec);
	if (spec->os && is_equal(spec->os->name, "windows"))
		check_error(c, "os.name", "this is not Windows");
}
