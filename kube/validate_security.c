/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate_security - security contexts of pods and containers, and sysctls.
 *
 * Theory of operation: a mistake here weakens a confinement in silence, so nothing is guessed. A
 * capability that the kernel does not have is an error in add and in drop (a typing error in a drop
 * list would keep what was to go). User and group ids are bounded as Kubernetes bounds them. A
 * container's value wins over the pod's where both have one, also for runAsNonRoot with user 0.
 *
 * Sysctls: the name has one spelling (lower case, dots), and must belong to a namespace that the
 * pod has to itself: net.* unless hostNetwork, kernel.shm*, kernel.msg*, kernel.sem and fs.mqueue.*
 * unless hostIPC. Anything else would change the host and is refused, whatever the kernel says. Of
 * those that are set, the ones that a kubelet sets only where it was told to are warned about.
 */
#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "engine/base/seams.h"
#include "engine/pod/spec.h"
#include "kube/names.h"
#include "kube/validate.h"

#define MAX_ID		 INT32_MAX
#define MAX_SYSCTL_VALUE 1024
#define MAX_PROFILE_NAME 4095

/* ---- sysctls ----------------------------------------------------------------------------------
 */

static bool is_ipc_sysctl(const char *name)
{
	return is_prefix(name, "kernel.shm") || is_prefix(name, "kernel.msg") ||
	       strcmp(name, "kernel.sem") == 0 || is_prefix(name, "fs.mqueue.");
}

/* What a kubelet sets without being told that it may. */
static bool is_safe_sysctl(const char *name)
{
	static const char *const safe[] = {
		"kernel.shm_rmid_forced",	    "net.ipv4.ip_local_port_range",
		"net.ipv4.ip_local_reserved_ports", "net.ipv4.ip_unprivileged_port_start",
		"net.ipv4.ping_group_range",	    "net.ipv4.tcp_fin_timeout",
		"net.ipv4.tcp_keepalive_intvl",	    "net.ipv4.tcp_keepalive_probes",
		"net.ipv4.tcp_keepalive_time",	    "net.ipv4.tcp_rmem",
		"net.ipv4.tcp_syncookies",	    "net.ipv4.tcp_wmem",
	};

	for (size_t i = 0; i < ARRAY_SIZE(safe); i++)
		if (strcmp(safe[i], name) == 0)
			return true;
	return false;
}

static void check_sysctl_name(struct check *c, const char *name)
{
	const struct k8s_pod_spec *spec = c->pod->spec;
	bool net = is_prefix(name, "net.");

	if (name_bad_sysctl(name)) {
		if (!WEAKEN("CG-1"))
			check_name(c, "name", name, name_bad_sysctl(name));
	} else if (!net && !is_ipc_sysctl(name)) {
		check_name(c, "name", name, "is not private to a pod: it would change the host");
	} else if (net && spec->host_network.value && !WEAKEN("CG-2")) {
		check_name(c, "name", name, "would change the host: the pod has hostNetwork");
	} else if (!net && spec->host_ipc.value && !WEAKEN("CG-2")) {
		check_name(c, "name", name, "would change the host: the pod has hostIPC");
	} else if (!is_safe_sysctl(name)) {
		check_warning(c, "name",
			      "'%.100s' is not on Kubernetes' list of safe ones: a kubelet refuses "
			      "the pod unless it was allowed there",
			      name);
	}
}

static void check_sysctl_value(struct check *c, const char *value)
{
	if (strlen(value) > MAX_SYSCTL_VALUE)
		check_error(c, "value", "has more than %d characters", MAX_SYSCTL_VALUE);
	for (size_t i = 0; value[i]; i++) {
		if (!isprint((unsigned char)value[i]) && value[i] != '\t') {
			check_error(c, "value", "must be printable ASCII on one line");
			return;
		}
	}
}

static void check_sysctls(struct check *c, const struct k8s_pod_security *s)
{
	for (size_t i = 0; i < s->sysctls.n; i++) {
		const struct k8s_sysctl *ctl = &s->sysctls.v[i];
		size_t mark = path_field(&c->path, "sysctls");

		(void)path_index(&c->path, i);
		if (!is_empty(ctl->name))
			check_sysctl_name(c, ctl->name);
		if (ctl->value)
			check_sysctl_value(c, ctl->value);
		for (size_t j = 0; j < i && !is_empty(ctl->name); j++) {
			if (!is_equal(ctl->name, s->sysctls.v[j].name))
				continue;
			check_name(c, "name", ctl->name, "is set twice");
			break;
		}
		path_cut(&c->path, mark);
	}
}

/* ---- contexts ---------------------------------------------------------------------------------
 */

static void check_seccomp(struct check *c, const struct k8s_seccomp *s)
{
	bool localhost = is_equal(s->type, "Localhost");
	size_t mark = path_field(&c->path, "seccompProfile");

	if (localhost && is_empty(s->localhost_profile))
		check_error(c, "localhostProfile", "is required with type 'Localhost'");
	else if (localhost && s->localhost_profile[0] == '/')
		check_name(c, "localhostProfile", s->localhost_profile,
			   "must be relative to the folder of profiles");
	else if (localhost && name_has_backstep(s->localhost_profile))
		check_name(c, "localhostProfile", s->localhost_profile, "must not contain '..'");
	else if (!localhost && s->localhost_profile)
		check_error(c, "localhostProfile", "goes with type 'Localhost' only");
	path_cut(&c->path, mark);
}

static void check_apparmor(struct check *c, const struct k8s_apparmor *a)
{
	const char *name = a->localhost_profile;
	bool localhost = is_equal(a->type, "Localhost");
	size_t mark = path_field(&c->path, "appArmorProfile"), len = name ? strlen(name) : 0;

	if (localhost && !len)
		check_error(c, "localhostProfile", "is required with type 'Localhost'");
	else if (localhost && (isspace((unsigned char)name[0]) ||
			       isspace((unsigned char)name[len - 1]) || len > MAX_PROFILE_NAME))
		check_error(c, "localhostProfile",
			    "must be a name of at most %d characters, without spaces around it",
			    MAX_PROFILE_NAME);
	else if (localhost &&
		 (strcmp(name, APPARMOR_UNCONFINED) == 0 || strcmp(name, APPARMOR_DEFAULT) == 0))
		check_name(c, "localhostProfile", name, "is no profile: it has a type of its own");
	else if (!localhost && name)
		check_error(c, "localhostProfile", "goes with type 'Localhost' only");
	path_cut(&c->path, mark);
}

/* "type: spc_t" alone is what Podman writes of a container with label=disable: no confinement. */
static bool is_label_off(const struct node *n)
{
	const struct node *type = node_get(n, "type");

	return n->n == 1 && type && type->kind == NODE_STRING && is_equal(type->text, "spc_t");
}

/* A label that is not set leaves open what it was to close: no pod is played without it. */
static void check_selinux(struct check *c)
{
	const struct node *n = node_get(node_at(c->sink->root, c->path.text), "seLinuxOptions");

	if (c->for_play && n && n->kind == NODE_MAP && n->n > 0 && !is_label_off(n))
		check_error(c, "seLinuxOptions",
			    "SELinux is not supported: take the labels out to play this pod");
}

void validate_pod_security(struct check *c, const struct k8s_pod_spec *spec)
{
	const struct k8s_pod_security *s = spec->security;
	size_t mark;
	int64_t id;

	if (!s)
		return;
	mark = path_field(&c->path, "securityContext");
	check_range(c, "runAsUser", s->run_as_user, 0, MAX_ID);
	check_range(c, "runAsGroup", s->run_as_group, 0, MAX_ID);
	check_range(c, "fsGroup", s->fs_group, 0, MAX_ID);
	for (size_t i = 0; i < s->supplemental_groups.n; i++) {
		size_t inner = path_field(&c->path, "supplementalGroups");

		(void)path_index(&c->path, i);
		if (parse_i64(s->supplemental_groups.v[i], 0, MAX_ID, &id) < 0)
			check_name(c, NULL, s->supplemental_groups.v[i], "is not a group id");
		path_cut(&c->path, inner);
	}
	check_sysctls(c, s);
	check_selinux(c);
	if (s->seccomp)
		check_seccomp(c, s->seccomp);
	if (s->apparmor)
		check_apparmor(c, s->apparmor);
	path_cut(&c->path, mark);
}

static void check_capabilities(struct check *c, const char *field, const struct strlist *caps)
{
	unsigned int n;
	const char *const *names = name_capabilities(&n);
	size_t mark = path_field(&c->path, "capabilities");

	(void)path_field(&c->path, field);
	for (size_t i = 0; i < caps->n; i++) {
		size_t inner = path_index(&c->path, i);
		const char *near;

		if (!name_is_capability(caps->v[i]) && !WEAKEN("ID-3")) {
			near = nearest_name(caps->v[i], names, n);
			check_error(c, NULL, "'%.60s' is not a capability%s%s%s", caps->v[i],
				    near ? ": did you mean '" : "", near ? near : "",
				    near ? "'?" : "");
		}
		path_cut(&c->path, inner);
	}
	path_cut(&c->path, mark);
}

/* Effective values: the container's where it has one, else the pod's. */
static void check_non_root(struct check *c, const struct k8s_security *s)
{
	const struct k8s_pod_security *p = c->pod->spec->security;
	struct k8s_bool non_root = { 0 };
	struct k8s_int user = { 0 };

	if (p) {
		non_root = p->run_as_non_root;
		user = p->run_as_user;
	}
	if (s && s->run_as_non_root.set)
		non_root = s->run_as_non_root;
	if (s && s->run_as_user.set)
		user = s->run_as_user;
	if (non_root.value && user.set && user.value == 0)
		check_error(c, "securityContext", "runAsNonRoot is true, but runAsUser is 0");
}

/* A capability is the permitted one of root and of programs that have it as a file capability. */
static void check_added(struct check *c, const struct k8s_security *s)
{
	const struct k8s_pod_security *p = c->pod->spec->security;
	struct k8s_int user = s->run_as_user;

	if (!user.set && p)
		user = p->run_as_user;
	if (user.value && s->capabilities->add.n && !s->privileged.value)
		check_warning(c, "capabilities.add",
			      "reaches only programs with file capabilities: user %lld is not root",
			      (long long)user.value);
}

void validate_container_security(struct check *c, const struct k8s_container *k)
{
	const struct k8s_security *s = k->security;
	const struct k8s_bool *host_users = &c->pod->spec->host_users;
	bool own_users = host_users->set && !host_users->value;
	bool no_escalation = s && s->allow_escalation.set && !s->allow_escalation.value;
	size_t mark;

	check_non_root(c, s);
	if (!s)
		return;
	mark = path_field(&c->path, "securityContext");
	check_range(c, "runAsUser", s->run_as_user, 0, MAX_ID);
	check_range(c, "runAsGroup", s->run_as_group, 0, MAX_ID);
	if (s->capabilities) {
		check_capabilities(c, "add", &s->capabilities->add);
		check_capabilities(c, "drop", &s->capabilities->drop);
		check_added(c, s);
	}
	if (no_escalation && s->privileged.value)
		check_error(c, "allowPrivilegeEscalation",
			    "cannot be false together with privileged");
	if (no_escalation && s->capabilities && strlist_has(&s->capabilities->add, "CAP_SYS_ADMIN"))
		check_error(c, "allowPrivilegeEscalation",
			    "cannot be false together with the capability CAP_SYS_ADMIN");
	if (is_equal(s->proc_mount, "Unmasked") && !s->privileged.value && !own_users)
		check_error(
			c, "procMount",
			"'Unmasked' needs a user namespace of the pod's own (hostUsers: false)");
	check_selinux(c);
	if (s->seccomp)
		check_seccomp(c, s->seccomp);
	if (s->apparmor)
		check_apparmor(c, s->apparmor);
	path_cut(&c->path, mark);
}
