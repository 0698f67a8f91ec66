/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create_plan - from the words of `run` and `create` to the engine's plan.
 *
 * Theory of operation: each subject has a file of its own (create_plan_*.c) that fills its fields.
 * Here is what they make together: a solo pod, a new pod with its first member, or a member of a pod
 * that is there. In the last case whatever belongs to the pod is said by the pod, and the flags for
 * it are refused with the advice to give them to `pod create`.
 */
#include <errno.h>
#include <string.h>

#include "cmd/podium/base/conf.h"
#include "cmd/podium/container/create_options.h"
#include "engine/base/mem.h"
#include "engine/pod/names.h"

#define PIDS_NO_LIMIT (-1)

static void set_arguments(struct container_spec *c, int argc, char **argv)
{
	c->image = xstrdup(argv[0]);
	c->has_args = argc > 1;
	for (int i = 1; i < argc; i++)
		value_add(list_add(&c->args), VALUE_LITERAL, argv[i], strlen(argv[i]));
}

static int check_name(const char *flag, const char *name, struct error *err)
{
	if (!name || is_valid_name(name))
		return 0;
	return error_set(err, EINVAL,
			 "%s '%.260s' is no name: letters, digits, '_', '.' and '-', of which the "
			 "first is a letter or digit, at most %d",
			 flag, name, NAME_LENGTH_MAX);
}

/* ---- a pod that is there ---------------------------------------------------------------------- */

struct pod_flag {
	const char *flag;
	bool given;
};

/* What the pod decides for all its members. */
static int refuse_pod_flags(const struct create_options *o, struct error *err)
{
	const struct net_flags *n = &o->net;
	const struct ns_flags *s = &o->ns;
	const struct pod_flag flags[] = {
		{ "network", n->networks.n > 0 },
		{ "network-alias", n->aliases.n > 0 },
		{ "ip", n->ip },
		{ "ip6", n->ip6 },
		{ "mac-address", n->mac },
		{ "hostname", n->hostname },
		{ "add-host", n->add_host.n > 0 },
		{ "dns", n->dns.n > 0 },
		{ "dns-option", n->dns_options.n > 0 },
		{ "dns-search", n->dns_search.n > 0 },
		{ "no-hosts", n->no_hosts.set },
		{ "pid", s->pid },
		{ "ipc", s->ipc },
		{ "uts", s->uts },
		{ "userns", s->userns },
		{ "uidmap", s->uid_maps.n > 0 },
		{ "gidmap", s->gid_maps.n > 0 },
		{ "subuidname", s->sub_uid_name },
		{ "subgidname", s->sub_gid_name },
		{ "shm-size", s->shm_size },
		{ "sysctl", s->sysctls.n > 0 },
	};

	if (n->publish.n || o->publish_all)
		return error_set(err, EINVAL,
				 "--publish: a container that joins a pod publishes nothing of its "
				 "own: publish the port on the pod, with `pod create --publish`");
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (flags[i].given)
			return error_set(err, EINVAL,
					 "--%s is for the pod to say: give it to `pod create`",
					 flags[i].flag);
	return 0;
}

/* What the pod gives to its members. */
static int inherit(const struct pod_spec *pod, struct pod_plan *plan, struct error *err)
{
	struct container_spec *c = &plan->containers[0];
	int r = 0;

	plan->pod.restart = pod->restart;
	plan->containers[0].unless_stopped = pod->unless_stopped;
	for (size_t i = 0; i < pod->member_options.n && r == 0; i++)
		r = plan_security_option(pod->member_options.v[i], c, err);
	for (size_t i = 0; i < pod->resources.devices.n; i++)
		strlist_add(&c->resources.devices, pod->resources.devices.v[i]);
	return r;
}

static int join(const struct create_options *o, const struct pod_spec *pod, struct pod_plan *plan,
		struct error *err)
{
	int r = refuse_pod_flags(o, err);

	plan->pod.name = xstrdup(pod->name);
	return r < 0 ? r : inherit(pod, plan, err);
}

/* ---- a pod of its own ------------------------------------------------------------------------- */

static int own_pod(const struct create_options *o, const struct create_target *target,
		   const struct conf *conf, struct pod_plan *plan, struct error *err)
{
	struct pod_spec *pod = &plan->pod;
	int r;

	pod->solo = !target->new_pod;
	pod->name = xstrdup_or_null(pod->solo ? o->name : target->new_pod);
	pod->restart = RESTART_NEVER;
	pod->exit_with_members = pod->solo;
	pod->remove_with_members = target->new_pod && o->remove;
	pod->grace_seconds = (struct opt_i64){ true, HAND_GRACE_SECONDS };
	r = plan_network(&o->net, conf, pod, err);
	if (r == 0)
		r = publish_check(&pod->ports, err);
	if (r == 0)
		r = plan_namespaces(&o->ns, conf, pod, err);
	return r;
}

/* ---- together --------------------------------------------------------------------------------- */

/* The owner of the host may have other ideas about limits and devices than the engine. */
static int apply_conf(const struct conf *conf, struct container_spec *c, struct error *err)
{
	if (!c->resources.pids_limit.set && conf->pids_limit.set)
		c->resources.pids_limit =
			(struct opt_i64){ true, conf->pids_limit.value > 0 ? conf->pids_limit.value
									   : PIDS_NO_LIMIT };
	for (size_t i = 0; i < conf->devices.n; i++)
		strlist_add(&c->resources.devices, conf->devices.v[i]);
	for (size_t i = 0; i < conf->annotations.n; i++) {
		const char *text = conf->annotations.v[i];
		size_t n = strcspn(text, "=");
		cleanup_free char *key = xstrndup(text, n);

		if (!n || !text[n])
			return error_set(err, EINVAL,
					 "containers.conf: annotations: '%.100s' is not KEY=VALUE",
					 text);
		pairlist_set(&c->annotations, key, text + n + 1);
	}
	return 0;
}

static int plan_container(const struct create_options *o, const struct conf *conf,
			  struct pod_plan *plan, struct error *err)
{
	struct container_spec *c = &plan->containers[0];
	int r = plan_resources(&o->resources, &c->resources, err);

	if (r == 0)
		r = apply_conf(conf, c, err);
	if (r == 0)
		r = plan_labels(&o->labels, &c->labels, &c->annotations, err);
	if (r == 0)
		r = plan_env(&o->env, conf, c, err);
	if (r == 0)
		r = plan_security(&o->security, conf, c, err);
	if (r == 0)
		r = plan_process(o, conf, c, err);
	if (r == 0)
		r = plan_mounts(&o->mounts, conf, &plan->pod, c, err);
	if (r == 0)
		r = plan_health(&o->health, c, err);
	return r < 0 ? r : plan_life(o, conf, plan, err);
}

int create_plan(const struct create_options *o, const struct create_target *target,
		const struct conf *conf, int argc, char **argv, struct pod_plan *ret,
		struct error *err)
{
	struct container_spec *c;
	int r = check_name("--name", o->name, err);

	*ret = (struct pod_plan){ .n_containers = 1 };
	c = ret->containers = xcalloc(1, sizeof(*ret->containers));
	c->kind = CONTAINER_MEMBER;
	c->full_name = xstrdup_or_null(o->name);
	c->name = xstrdup_or_null(o->name);
	if (r == 0)
		r = check_name("--pod new:", target->new_pod, err);
	if (is_empty(argv[0]))
		return error_set(err, EINVAL, "an image must be named");
	set_arguments(c, argc, argv);
	if (r == 0)
		r = target->pod ? join(o, target->pod, ret, err)
				: own_pod(o, target, conf, ret, err);
	return r < 0 ? r : plan_container(o, conf, ret, err);
}
