/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate_security - security contexts to the engine's, and back.
 *
 * Theory of operation: users, groups and the like stay on the level on which they were said; the
 * engine lets a container's value win. Profiles (seccomp, AppArmor) are the containers' own in the
 * engine: the pod's is that of its containers which have none, and is written back with each of
 * them. RuntimeDefault is what a container has without a word, so that it is not written back for
 * seccomp; for AppArmor "as the host does" differs from it.
 */
#include <string.h>

#include "kube/translate.h"

static struct opt_i64 number(struct k8s_int n)
{
	return (struct opt_i64){ n.set, n.set ? n.value : 0 };
}

static struct opt_bool truth(struct k8s_bool b)
{
	return (struct opt_bool){ b.set, b.set && b.value };
}

static void take_seccomp(const struct k8s_seccomp *s, struct container_security *to)
{
	if (!s)
		return;
	to->seccomp_unconfined = is_equal(s->type, "Unconfined");
	if (is_equal(s->type, "Localhost"))
		to->seccomp_profile = xstrdup_or_null(s->localhost_profile);
}

static void take_apparmor(const struct k8s_apparmor *a, struct container_security *to)
{
	if (!a)
		return;
	if (is_equal(a->type, "Localhost"))
		to->apparmor = xstrdup_or_null(a->localhost_profile);
	else
		to->apparmor = xstrdup(is_equal(a->type, "Unconfined") ? APPARMOR_UNCONFINED
								       : APPARMOR_DEFAULT);
}

void translate_container_security(const struct k8s_pod_security *pod, const struct k8s_security *s,
				  struct container_security *to)
{
	take_seccomp(s && s->seccomp ? s->seccomp : pod ? pod->seccomp : NULL, to);
	take_apparmor(s && s->apparmor ? s->apparmor : pod ? pod->apparmor : NULL, to);
	if (!s)
		return;
	to->run_as_user = number(s->run_as_user);
	to->run_as_group = number(s->run_as_group);
	to->run_as_non_root = truth(s->run_as_non_root);
	to->privileged = truth(s->privileged);
	to->read_only_root = truth(s->read_only_root);
	to->allow_privilege_escalation = truth(s->allow_escalation);
	to->unmask_proc = is_equal(s->proc_mount, "Unmasked");
	if (!s->capabilities)
		return;
	strlist_copy(&to->cap_add, &s->capabilities->add);
	strlist_copy(&to->cap_drop, &s->capabilities->drop);
}

void translate_pod_security(const struct k8s_pod_security *from, struct pod_security *to)
{
	if (!from)
		return;
	to->run_as_user = number(from->run_as_user);
	to->run_as_group = number(from->run_as_group);
	to->run_as_non_root = truth(from->run_as_non_root);
	to->fs_group = number(from->fs_group);
	to->fs_group_on_root_mismatch = is_equal(from->fs_group_change_policy, "OnRootMismatch");
	strlist_copy(&to->supplemental_groups, &from->supplemental_groups);
	to->supplemental_groups_strict = is_equal(from->supplemental_groups_policy, "Strict");
	for (size_t i = 0; i < from->sysctls.n; i++)
		pairlist_set(&to->sysctls, from->sysctls.v[i].name, from->sysctls.v[i].value);
}

/* ---- and back ---------------------------------------------------------------------------------
 */

static struct k8s_int back_number(struct opt_i64 n)
{
	return (struct k8s_int){ n.set, n.value };
}

static struct k8s_bool back_truth(struct opt_bool b)
{
	return (struct k8s_bool){ b.set, b.value };
}

static struct k8s_caps *plan_caps(const struct container_security *from)
{
	struct k8s_caps *caps;

	if (!from->cap_add.n && !from->cap_drop.n)
		return NULL;
	caps = xcalloc(1, sizeof(*caps));
	strlist_copy(&caps->add, &from->cap_add);
	strlist_copy(&caps->drop, &from->cap_drop);
	return caps;
}

static struct k8s_seccomp *plan_seccomp(const struct container_security *from)
{
	struct k8s_seccomp *s;

	if (!from->seccomp_unconfined && !from->seccomp_profile)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->type = xstrdup(from->seccomp_profile ? "Localhost" : "Unconfined");
	s->localhost_profile = xstrdup_or_null(from->seccomp_profile);
	return s;
}

static struct k8s_apparmor *plan_apparmor(const struct container_security *from)
{
	struct k8s_apparmor *a;

	if (!from->apparmor)
		return NULL;
	a = xcalloc(1, sizeof(*a));
	if (strcmp(from->apparmor, APPARMOR_UNCONFINED) == 0) {
		a->type = xstrdup("Unconfined");
	} else if (strcmp(from->apparmor, APPARMOR_DEFAULT) == 0) {
		a->type = xstrdup("RuntimeDefault");
	} else {
		a->type = xstrdup("Localhost");
		a->localhost_profile = xstrdup(from->apparmor);
	}
	return a;
}

static bool is_security_set(const struct container_security *s)
{
	return s->run_as_user.set || s->run_as_group.set || s->run_as_non_root.set ||
	       s->privileged.set || s->read_only_root.set || s->allow_privilege_escalation.set ||
	       s->cap_add.n || s->cap_drop.n || s->unmask_proc || s->seccomp_unconfined ||
	       s->seccomp_profile || s->apparmor;
}

struct k8s_security *translate_plan_security(const struct container_security *from)
{
	struct k8s_security *s;

	if (!is_security_set(from))
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->capabilities = plan_caps(from);
	s->run_as_user = back_number(from->run_as_user);
	s->run_as_group = back_number(from->run_as_group);
	s->run_as_non_root = back_truth(from->run_as_non_root);
	s->privileged = back_truth(from->privileged);
	s->read_only_root = back_truth(from->read_only_root);
	s->allow_escalation = back_truth(from->allow_privilege_escalation);
	if (from->unmask_proc)
		s->proc_mount = xstrdup("Unmasked");
	s->seccomp = plan_seccomp(from);
	s->apparmor = plan_apparmor(from);
	return s;
}

static bool is_pod_security_set(const struct pod_security *s)
{
	return s->run_as_user.set || s->run_as_group.set || s->run_as_non_root.set ||
	       s->fs_group.set || s->fs_group_on_root_mismatch || s->supplemental_groups.n ||
	       s->supplemental_groups_strict || s->sysctls.n;
}

struct k8s_pod_security *translate_plan_pod_security(const struct pod_security *from)
{
	struct k8s_pod_security *s;

	if (!is_pod_security_set(from))
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->run_as_user = back_number(from->run_as_user);
	s->run_as_group = back_number(from->run_as_group);
	s->run_as_non_root = back_truth(from->run_as_non_root);
	s->fs_group = back_number(from->fs_group);
	if (from->fs_group_on_root_mismatch)
		s->fs_group_change_policy = xstrdup("OnRootMismatch");
	strlist_copy(&s->supplemental_groups, &from->supplemental_groups);
	if (from->supplemental_groups_strict)
		s->supplemental_groups_policy = xstrdup("Strict");
	for (size_t i = 0; i < from->sysctls.n; i++) {
		struct k8s_sysctl *ctl = list_add(&s->sysctls);

		ctl->name = xstrdup(from->sysctls.v[i].key);
		ctl->value = xstrdup(from->sysctls.v[i].value);
	}
	return s;
}
