/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_create_plan - from the words of `pod create` to the plan of an empty pod.
 *
 * Theory of operation: most of it is what a container by itself has, too, and read by the same code.
 * What is for members that come later (--volume, --security-opt, --device) is checked here and kept:
 * a member gets it when it is made. Relative paths are made absolute, since a member may be made from
 * elsewhere.
 */
#include "cmd/podium/pod/pod_create.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/podium/base/conf.h"
#include "cmd/podium/container/create_rows.h"
#include "cmd/podium/container/mountwords.h"
#include "engine/base/mem.h"
#include "engine/pod/names.h"
#include "engine/pod/pod.h"

#define O(m)   offsetof(struct pod_create_options, m)
#define RES(m) O(resources.m)

const struct option pod_create_table[] = {
	{ 0, "add-host", OPTION_LIST, O(net.add_host), "host:ip", "Add a line to /etc/hosts",
	  false },
	CREATE_BLKIO_ROWS(O(resources)),
	OPTION_REFUSE(0, "cgroup-parent", "the groups are podium's own, below 'podium'"),
	CREATE_CPU_SHARES_ROW(O(resources)),
	{ 0, "cpus", OPTION_STRING, RES(cpus), "number", "CPUs of all members together", false },
	CREATE_CPUSET_ROWS(O(resources)),
	{ 0, "device", OPTION_LIST, RES(devices), "device",
	  "A device for every member: /dev/x[:/dev/y[:rwm]], or a CDI name", false },
	CREATE_RATE_ROWS(O(resources)),
	{ 0, "dns", OPTION_LIST, O(net.dns), "address", "Name servers", false },
	CREATE_DNS_ROWS(O(net)),
	{ 0, "exit-policy", OPTION_STRING, O(exit_policy), "policy",
	  "When the last member has ended: continue (default) or stop", false },
	CREATE_GIDMAP_ROW(O(ns)),
	{ 0, "gpus", OPTION_STRING, RES(gpus), "devices",
	  "GPUs for every member, by CDI: all, a number, or device=NAME", false },
	{ 'h', "hostname", OPTION_STRING, O(net.hostname), "name",
	  "Set the host name (default: the pod's name)", false },
	{ 0, "infra", OPTION_MAYBE, O(infra), NULL, "An infra container: true alone", true },
	OPTION_REFUSE(0, "infra-command", "the pause process is podium's own"),
	OPTION_REFUSE(0, "infra-conmon-pidfile",
		      "the pod's conductor is found by podium pod inspect"),
	{ 0, "infra-image", OPTION_STRING, O(infra_image), "image", "podium's own alone", true },
	{ 0, "infra-name", OPTION_STRING, O(infra_name), "name", "Name of the infra container",
	  false },
	CREATE_ADDRESS_ROWS(O(net)),
	CREATE_LABEL_ROWS(O(labels)),
	CREATE_MAC_ROW(O(net)),
	{ 'm', "memory", OPTION_STRING, RES(memory), "size", "Memory of all members together",
	  false },
	CREATE_MEMORY_SWAP_ROW(O(resources)),
	{ 'n', "name", OPTION_STRING, O(name), "name", "Its name", false },
	CREATE_NETWORK_ROWS(O(net)),
	{ 0, "no-hostname", OPTION_BOOL, O(net.no_hostname), NULL,
	  "Leave the image's /etc/hostname", false },
	CREATE_NO_HOSTS_ROW(O(net)),
	{ 0, "pid", OPTION_STRING, O(ns.pid), "mode",
	  "PID namespace of members: private, host, container:NAME, ns:PATH", false },
	{ 0, "pod-id-file", OPTION_STRING, O(pod_id_file), "file", "Write the pod's id to the file",
	  false },
	CREATE_PUBLISH_ROW(O(net)),
	{ 0, "replace", OPTION_BOOL, O(replace), NULL, "Remove a pod of that name first", false },
	{ 0, "restart", OPTION_STRING, O(restart), "policy",
	  "Of members that say none: no, always, unless-stopped, on-failure", false },
	{ 0, "security-opt", OPTION_STRINGS, O(security), "option",
	  "For every member: as of podium run", false },
	{ 0, "share", OPTION_STRING, O(share), "namespaces",
	  "What members share: ipc,net,uts (default), pid; +pid adds to these", false },
	{ 0, "share-parent", OPTION_MAYBE, O(share_parent), NULL,
	  "Members' cgroups lie in the pod's: true alone", true },
	CREATE_SHM_SIZE_ROW(O(ns)),
	CREATE_SUBID_ROWS(O(ns)),
	CREATE_SYSCTL_ROW(O(ns)),
	CREATE_UIDMAP_ROW(O(ns)),
	{ 0, "userns", OPTION_STRING, O(ns.userns), "mode", "User namespace: host, auto[:size=..]",
	  false },
	CREATE_UTS_ROW(O(ns)),
	{ 'v', "volume", OPTION_STRINGS, O(volumes), "volume",
	  "For every member: SOURCE:PATH[:OPTIONS]", false },
	{ 0, "volumes-from", OPTION_STRINGS, O(volumes_from), "container[:options]",
	  "For every member: the volumes of another container", false },
	OPTIONS_END,
};

/* ---- namespaces ------------------------------------------------------------------------------- */

struct shared {
	bool ipc, net, uts, pid;
};

static int share_word(struct shared *s, const char *word, struct error *err)
{
	if (is_equal(word, "ipc"))
		s->ipc = true;
	else if (is_equal(word, "net"))
		s->net = true;
	else if (is_equal(word, "uts"))
		s->uts = true;
	else if (is_equal(word, "pid"))
		s->pid = true;
	else
		return error_set(err, EINVAL,
				 "--share '%.60s' is not supported: ipc, net, uts and pid can be "
				 "shared",
				 word);
	return 0;
}

static int plan_share(const char *text, struct pod_spec *pod, struct error *err)
{
	bool adds = text && text[0] == '+';
	struct shared s = { .ipc = !text || adds, .net = !text || adds, .uts = !text || adds };
	cleanup_free char *copy = xstrdup(text ? text + adds : "");
	char *rest = copy, *word;
	int r = 0;

	while (text && r == 0 && (word = strsep(&rest, ",")))
		if (*word && !is_equal(word, "none"))
			r = share_word(&s, word, err);
	if (r == 0 && !s.net)
		r = error_set(err, EINVAL,
			      "--share without net is not supported: the members of a pod have one "
			      "network");
	pod->own_ipc = !s.ipc;
	pod->own_uts = !s.uts;
	pod->share_pid = s.pid;
	return r;
}

/* ---- for members ------------------------------------------------------------------------------ */

static int keep_security(const struct strlist *words, struct pod_spec *pod, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < words->n && r == 0; i++) {
		struct container_spec scratch = { 0 };

		r = plan_security_option(words->v[i], &scratch, err);
		if (r == 0 && scratch.security.seccomp_file)
			strlist_addf(&pod->member_options, "seccomp=%s",
				     scratch.security.seccomp_file);
		else if (r == 0)
			strlist_add(&pod->member_options, words->v[i]);
		record_done(&container_spec_type, &scratch);
	}
	return r;
}

/* "./x:/y:ro" becomes "/whole/x:/y:ro". */
static int keep_volume(const char *text, struct pod_spec *pod, struct error *err)
{
	struct pod_spec scratch = { 0 };
	struct container_spec c = { 0 };
	const struct volume_spec *v;
	int r = mount_words_volume(text, &scratch, &c, err);

	v = r == 0 && scratch.volumes.n ? &scratch.volumes.v[0] : NULL;
	if (v && (v->anonymous || !strchr(text, ':')))
		r = error_set(err, EINVAL,
			      "--volume '%.100s': a volume that members share has a name: "
			      "NAME:PATH",
			      text);
	else if (v && v->kind == VOLUME_HOST_PATH)
		strlist_addf(&pod->member_volumes, "%s%s", v->host_path, strchr(text, ':'));
	else if (r == 0)
		strlist_add(&pod->member_volumes, text);
	record_done(&pod_spec_type, &scratch);
	record_done(&container_spec_type, &c);
	return r;
}

/* ---- all of it -------------------------------------------------------------------------------- */

static int check_words(const struct pod_create_options *o, struct error *err)
{
	if (o->infra.set && !o->infra.value)
		return error_set(err, EINVAL,
				 "--infra=false is not supported: the infra container holds the "
				 "pod's namespaces");
	if (o->share_parent.set && !o->share_parent.value)
		return error_set(err, EINVAL,
				 "--share-parent=false is not supported: the cgroups of members "
				 "lie in the pod's");
	if (!is_empty(o->infra_image) && !is_equal(o->infra_image, INFRA_IMAGE))
		return error_set(err, EINVAL,
				 "--infra-image '%.100s' is not supported: the pause process is "
				 "podium's own, " INFRA_IMAGE,
				 o->infra_image);
	if (o->infra_name && !is_valid_name(o->infra_name))
		return error_set(err, EINVAL, "--infra-name '%.100s' is no name", o->infra_name);
	if (o->name && !is_valid_name(o->name))
		return error_set(err, EINVAL,
				 "--name '%.260s' is no name: letters, digits, '_', '.' and '-', "
				 "of which the first is a letter or digit, at most %d",
				 o->name, NAME_LENGTH_MAX);
	return 0;
}

static int plan_policies(const struct pod_create_options *o, struct pod_spec *pod,
			 struct error *err)
{
	struct opt_i64 retries = { 0 };
	int r = 0;

	pod->restart = RESTART_NEVER;
	pod->grace_seconds = (struct opt_i64){ true, HAND_GRACE_SECONDS };
	pod->exit_with_members = is_equal(o->exit_policy, "stop");
	if (o->exit_policy && !pod->exit_with_members && !is_equal(o->exit_policy, "continue"))
		return error_set(err, EINVAL, "--exit-policy '%.60s' is not continue or stop",
				 o->exit_policy);
	if (o->restart)
		r = plan_restart(o->restart, &pod->restart, &retries, &pod->unless_stopped, err);
	if (r == 0 && retries.set)
		r = error_set(err, EINVAL,
			      "--restart '%.60s': a number of tries is for a container to say",
			      o->restart);
	return r;
}

int pod_create_plan(const struct pod_create_options *o, const struct conf *conf,
		    struct pod_spec *ret, struct error *err)
{
	struct pairlist none = { 0 };
	int r = check_words(o, err);

	*ret = (struct pod_spec){ .name = xstrdup_or_null(o->name),
				  .infra_name = xstrdup_or_null(o->infra_name) };
	if (r == 0)
		r = plan_policies(o, ret, err);
	if (r == 0)
		r = plan_network(&o->net, conf, ret, err);
	if (r == 0)
		r = publish_check(&ret->ports, err);
	if (r == 0)
		r = plan_namespaces(&o->ns, conf, ret, err);
	if (r == 0)
		r = plan_share(o->share, ret, err);
	if (r == 0 && ret->share_pid && (ret->host_pid || ret->pid_from))
		r = error_set(err, EINVAL, "--share pid and --pid %.60s exclude each other",
			      o->ns.pid);
	if (r == 0)
		r = plan_resources(&o->resources, &ret->resources, err);
	if (r == 0)
		r = plan_labels(&o->labels, &ret->labels, &none, err);
	if (r == 0)
		r = keep_security(&o->security, ret, err);
	for (size_t i = 0; i < o->volumes.n && r == 0; i++)
		r = keep_volume(o->volumes.v[i], ret, err);
	return r;
}
