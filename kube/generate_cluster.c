/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate_cluster - what of a pod will not travel to a cluster, a line each.
 *
 * Theory of operation: looks at the finished pod. Places of this host (hostPath, hostPort, an image
 * that only this host has, a device) mean nothing there. The Pod Security Standards then say which
 * namespaces will admit the pod: a line names the level that it meets, and one line each what keeps
 * it from the next. The checks are those of Kubernetes' "Pod Security Standards", version 1.36.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kube/generate_parts.h"

enum level { LEVEL_RESTRICTED, LEVEL_BASELINE, LEVEL_PRIVILEGED };

struct review {
	struct generate_job *job;
	enum level level;
	struct strlist reasons; /* why it is not the one below */
};

static bool is_true(const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);

	return n && n->kind == NODE_BOOL && n->scalar.boolean;
}

static bool is_false(const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);

	return n && n->kind == NODE_BOOL && !n->scalar.boolean;
}

static void miss(struct review *rv, enum level level, const char *fmt, ...) printf_like(3, 4);
static void miss(struct review *rv, enum level level, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (level > rv->level)
		rv->level = level;
	strlist_addf(&rv->reasons, "%s: %s",
		     level == LEVEL_PRIVILEGED ? "not 'baseline'" : "not 'restricted'", text);
}

/* ---- the pod ----------------------------------------------------------------------------------
 */

static bool is_volume_restricted(const struct node *volume)
{
	static const char *const allowed[] = { "configMap", "csi",	 "downwardAPI",
					       "emptyDir",  "ephemeral", "persistentVolumeClaim",
					       "projected", "secret",	 "image" };

	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		if (node_get(volume, allowed[i]))
			return true;
	return volume->n <= 1; /* an emptyDir by default */
}

static void review_volumes(struct review *rv)
{
	const struct node *list = node_get(rv->job->spec, "volumes");

	for (size_t i = 0; list && list->kind == NODE_LIST && i < list->n; i++) {
		const char *name = tree_text(list->items[i], "name");

		if (node_get(list->items[i], "hostPath"))
			miss(rv, LEVEL_PRIVILEGED, "volume '%s' is a hostPath", name ? name : "");
		else if (!is_volume_restricted(list->items[i]))
			miss(rv, LEVEL_BASELINE, "volume '%s' is of another kind",
			     name ? name : "");
	}
}

static void review_sysctls(struct review *rv, const struct node *security)
{
	static const char *const safe[] = {
		"kernel.shm_rmid_forced",
		"net.ipv4.ip_local_port_range",
		"net.ipv4.ip_unprivileged_port_start",
		"net.ipv4.tcp_syncookies",
		"net.ipv4.ping_group_range",
		"net.ipv4.ip_local_reserved_ports",
		"net.ipv4.tcp_keepalive_time",
		"net.ipv4.tcp_fin_timeout",
		"net.ipv4.tcp_keepalive_intvl",
		"net.ipv4.tcp_keepalive_probes",
		"net.ipv4.tcp_rmem",
		"net.ipv4.tcp_wmem",
	};
	const struct node *list = node_get(security, "sysctls");

	for (size_t i = 0; list && list->kind == NODE_LIST && i < list->n; i++) {
		const char *name = tree_text(list->items[i], "name");
		bool found = false;

		for (size_t k = 0; k < ARRAY_SIZE(safe); k++)
			found |= is_equal(name, safe[k]);
		if (!found)
			miss(rv, LEVEL_PRIVILEGED, "sysctl '%s'", name ? name : "");
	}
}

static void review_pod(struct review *rv)
{
	static const char *const shared[] = { "hostNetwork", "hostPID", "hostIPC" };

	for (size_t i = 0; i < ARRAY_SIZE(shared); i++)
		if (is_true(rv->job->spec, shared[i]))
			miss(rv, LEVEL_PRIVILEGED, "%s", shared[i]);
	review_volumes(rv);
	review_sysctls(rv, node_get(rv->job->spec, "securityContext"));
}

/* ---- a container ------------------------------------------------------------------------------
 */

static bool is_capability_baseline(const char *name)
{
	static const char *const allowed[] = {
		"AUDIT_WRITE", "CHOWN",	 "DAC_OVERRIDE",     "FOWNER",	"FSETID",
		"KILL",	       "MKNOD",	 "NET_BIND_SERVICE", "SETFCAP", "SETGID",
		"SETPCAP",     "SETUID", "SYS_CHROOT"
	};
	const char *plain = strncmp(name, "CAP_", 4) == 0 ? name + 4 : name;

	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		if (strcmp(plain, allowed[i]) == 0)
			return true;
	return false;
}

static void review_capabilities(struct review *rv, const char *name, const struct node *security)
{
	const struct node *caps = node_get(security, "capabilities");
	const struct node *add = node_get(caps, "add"), *drop = node_get(caps, "drop");
	bool drops_all = false;

	for (size_t i = 0; add && add->kind == NODE_LIST && i < add->n; i++) {
		const char *cap = add->items[i]->text;

		if (!is_capability_baseline(cap))
			miss(rv, LEVEL_PRIVILEGED, "container '%s' adds capability %s", name, cap);
		else if (strcmp(cap, "NET_BIND_SERVICE") != 0)
			miss(rv, LEVEL_BASELINE, "container '%s' adds capability %s", name, cap);
	}
	for (size_t i = 0; drop && drop->kind == NODE_LIST && i < drop->n; i++)
		drops_all |= strcmp(drop->items[i]->text, "ALL") == 0;
	if (!drops_all)
		miss(rv, LEVEL_BASELINE, "container '%s' does not drop capabilities ALL", name);
}

/* The container's own setting, else the pod's. */
static const struct node *either(const struct node *own, const struct node *pod, const char *key)
{
	const struct node *n = node_get(own, key);

	return n && n->kind != NODE_NULL ? n : node_get(pod, key);
}

static void review_profiles(struct review *rv, const char *name, const struct node *own,
			    const struct node *pod)
{
	const char *seccomp = tree_text(either(own, pod, "seccompProfile"), "type");
	const char *apparmor = tree_text(either(own, pod, "appArmorProfile"), "type");

	if (is_equal(seccomp, "Unconfined"))
		miss(rv, LEVEL_PRIVILEGED, "container '%s' has no seccomp profile", name);
	else if (!seccomp)
		miss(rv, LEVEL_BASELINE, "container '%s' names no seccompProfile", name);
	if (is_equal(apparmor, "Unconfined"))
		miss(rv, LEVEL_PRIVILEGED, "container '%s' has no AppArmor profile", name);
	if (is_equal(tree_text(own, "procMount"), "Unmasked"))
		miss(rv, LEVEL_PRIVILEGED, "container '%s' has procMount Unmasked", name);
}

static void review_container(struct review *rv, const struct node *c)
{
	const struct node *pod = node_get(rv->job->spec, "securityContext");
	const struct node *own = node_get(c, "securityContext"), *user;
	const struct node *non_root = either(own, pod, "runAsNonRoot");
	const char *name = tree_text(c, "name");

	name = name ? name : "";
	if (is_true(own, "privileged"))
		miss(rv, LEVEL_PRIVILEGED, "container '%s' is privileged", name);
	review_capabilities(rv, name, own);
	review_profiles(rv, name, own, pod);
	if (!is_false(own, "allowPrivilegeEscalation"))
		miss(rv, LEVEL_BASELINE,
		     "container '%s' does not set allowPrivilegeEscalation: false", name);
	if (!non_root || non_root->kind != NODE_BOOL || !non_root->scalar.boolean)
		miss(rv, LEVEL_BASELINE, "container '%s' does not set runAsNonRoot: true", name);
	user = either(own, pod, "runAsUser");
	if (user && user->kind == NODE_INT && user->scalar.integer == 0)
		miss(rv, LEVEL_BASELINE, "container '%s' runs as user 0", name);
}

/* ---- places of this host ----------------------------------------------------------------------
 */

static void note_ports(struct generate_job *job, const struct node *c, const char *name)
{
	const struct node *ports = node_get(c, "ports");

	for (size_t i = 0; ports && ports->kind == NODE_LIST && i < ports->n; i++) {
		const char *port = tree_text(ports->items[i], "hostPort");

		if (port && strcmp(port, "0") != 0)
			generate_note(job,
				      "container '%s': hostPort %s is the node's that the pod runs "
				      "on (--service makes a Service of it)",
				      name, port);
	}
}

static void note_devices(struct generate_job *job, const struct node *c, const char *name)
{
	const struct node *limits = node_get(node_get(c, "resources"), "limits");

	for (size_t i = 0; limits && limits->kind == NODE_MAP && i < limits->n; i++)
		if (strchr(limits->entries[i].key, '='))
			generate_note(job, "container '%s': device '%s' is this host's", name,
				      limits->entries[i].key);
}

static void note_container(struct generate_job *job, const struct node *c)
{
	const char *image = tree_text(c, "image"), *name = tree_text(c, "name");

	name = name ? name : "";
	if (image && strncmp(image, "localhost/", 10) == 0)
		generate_note(job,
			      "container '%s': image '%s' is on this host alone: push it to a "
			      "registry",
			      name, image);
	note_ports(job, c, name);
	note_devices(job, c, name);
}

static void note_places(struct generate_job *job)
{
	const struct node *volumes = node_get(job->spec, "volumes");

	for (size_t i = 0; volumes && volumes->kind == NODE_LIST && i < volumes->n; i++) {
		const char *path = tree_text(node_get(volumes->items[i], "hostPath"), "path");
		const char *name = tree_text(volumes->items[i], "name");

		if (path)
			generate_note(job,
				      "volume '%s': hostPath '%s' is on this host's disk "
				      "(--hostpath=configmap or pvc replaces it)",
				      name ? name : "", path);
	}
}

void generate_cluster_notes(struct generate_job *job)
{
	static const char *const lists[] = { "initContainers", "containers" };
	static const char *const names[] = { "restricted", "baseline", "privileged" };
	struct review rv = { .job = job };

	note_places(job);
	review_pod(&rv);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct node *list = node_get(job->spec, lists[i]);

		for (size_t k = 0; list && list->kind == NODE_LIST && k < list->n; k++) {
			note_container(job, list->items[k]);
			review_container(&rv, list->items[k]);
		}
	}
	generate_note(job, "Pod Security level: %s", names[rv.level]);
	for (size_t i = 0; i < rv.reasons.n; i++)
		generate_note(job, "%s", rv.reasons.v[i]);
	strlist_done(&rv.reasons);
}
