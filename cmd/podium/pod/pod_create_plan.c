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
#include "cmd/podium/container/mountwords.h"
#include "engine/base/mem.h"
#include "engine/pod/names.h"
#include "engine/pod/pod.h"

#define O(m)   offsetof(struct pod_create_options, m)
#define RES(m) O(resources.m)
#define REFUSED(n, why)                                  \
	{                                                \
		0, n, OPTION_REFUSED, 0, NULL, why, true \
	}

const struct option pod_create_table[] = {
	{ 0, "add-host", OPTION_LIST, O(net.add_host), "host:ip", "Add a line to /etc/hosts",
	  false },
	{ 0, "blkio-weight", OPTION_STRING, RES(blkio_weight), "weight",
	  "Share of block device time, 10 to 1000", false },
	{ 0, "blkio-weight-device", OPTION_LIST, RES(blkio_weight_device), "device:weight",
	  "The same for one device", false },
	REFUSED("cgroup-parent", "the groups are podium's own, below 'podium'"),
	{ 'c', "cpu-shares", OPTION_INT, RES(cpu_shares), "n", "Relative weight, 2 to 262144",
	  false },
	{ 0, "cpus", OPTION_STRING, RES(cpus), "number", "CPUs of all members together", false },
	{ 0, "cpuset-cpus", OPTION_STRING, RES(cpuset_cpus), "list", "CPUs to run on (0-3, 0,1)",
	  false },
	{ 0, "cpuset-mems", OPTION_STRING, RES(cpuset_mems), "list", "Memory nodes (0-3, 0,1)",
	  false },
	{ 0, "device", OPTION_LIST, RES(devices), "device",
	  "A device for every member: /dev/x[:/dev/y[:rwm]], or a CDI name", false },
	{ 0, "device-read-bps", OPTION_LIST, RES(read_bps), "device:size",
	  "Limit reads, in bytes a second", false },
	{ 0, "device-read-iops", OPTION_LIST, RES(read_iops), "device:n",
	  "Limit reads, in operations a second", false },
	{ 0, "device-write-bps", OPTION_LIST, RES(write_bps), "device:size",
	  "Limit writes, in bytes a second", false },
	{ 0, "device-write-iops", OPTION_LIST, RES(write_iops), "device:n",
	  "Limit writes, in operations a second", false },
	{ 0, "dns", OPTION_LIST, O(net.dns), "address", "Name servers", false },
	{ 0, "dns-option", OPTION_LIST, O(net.dns_options), "option", "Options for resolv.conf",
	  false },
	{ 0, "dns-search", OPTION_LIST, O(net.dns_search), "domain", "Search domains", false },
	{ 0, "exit-policy", OPTION_STRING, O(exit_policy), "policy",
	  "When the last member has ended: continue (default) or stop", false },
	{ 0, "gidmap", OPTION_LIST, O(ns.gid_maps), "inner:outer:n",
	  "Map groups of the user namespace", false },
	{ 0, "gpus", OPTION_STRING, RES(gpus), "devices",
	  "GPUs for every member, by CDI: all, a number, or device=NAME", false },
	{ 'h', "hostname", OPTION_STRING, O(net.hostname), "name",
	  "Set the host name (default: the pod's name)", false },
	{ 0, "infra", OPTION_MAYBE, O(infra), NULL, "An infra container: true alone", true },
	REFUSED("infra-command", "the pause process is podium's own"),
	REFUSED("infra-conmon-pidfile", "the pod's conductor is found by podium pod inspect"),
	{ 0, "infra-image", OPTION_STRING, O(infra_image), "image", "podium's own alone", true },
	{ 0, "infra-name", OPTION_STRING, O(infra_name), "name", "Name of the infra container",
	  false },
	{ 0, "ip", OPTION_STRING, O(net.ip), "address", "A fixed IPv4 address", false },
	{ 0, "ip6", OPTION_STRING, O(net.ip6), "address", "A fixed IPv6 address", false },
	{ 'l', "label", OPTION_STRINGS, O(labels.labels), "key=value", "Add a label", false },
	{ 0, "label-file", OPTION_LIST, O(labels.files), "file", "Read labels from a file", false },
	{ 0, "mac-address", OPTION_STRING, O(net.mac), "address", "A fixed hardware address",
	  false },
	{ 'm', "memory", OPTION_STRING, RES(memory), "size", "Memory of all members together",
	  false },
	{ 0, "memory-swap", OPTION_STRING, RES(memory_swap), "size",
	  "Memory and swap together; -1: no limit", false },
	{ 'n', "name", OPTION_STRING, O(name), "name", "Its name", false },
	{ 0, "network", OPTION_STRINGS, O(net.networks), "network",
	  "bridge, host, none, private, container:NAME, ns:PATH, or NAME[:ip=..,mac=..]", false },
	{ 0, "net", OPTION_STRINGS, O(net.networks), "network", "The same as --network", true },
	{ 0, "network-alias", OPTION_LIST, O(net.aliases), "name",
	  "Another name of it in its networks", false },
	{ 0, "no-hostname", OPTION_BOOL, O(net.no_hostname), NULL,
	  "Leave the image's /etc/hostname", false },
	{ 0, "no-hosts", OPTION_MAYBE, O(net.no_hosts), NULL, "Leave the image's /etc/hosts",
	  false },
	{ 0, "pid", OPTION_STRING, O(ns.pid), "mode",
	  "PID namespace of members: private, host, container:NAME, ns:PATH", false },
	{ 0, "pod-id-file", OPTION_STRING, O(pod_id_file), "file", "Write the pod's id to the file",
	  false },
	{ 'p', "publish", OPTION_LIST, O(net.publish), "ports",
	  "Publish [[IP:]HOST:]CONTAINER[/PROTOCOL], or ranges of ports", false },
	{ 0, "replace", OPTION_BOOL, O(replace), NULL, "Remove a pod of that name first", false },
	{ 0, "restart", OPTION_STRING, O(restart), "policy",
	  "Of members that say none: no, always, unless-stopped, on-failure", false },
	{ 0, "security-opt", OPTION_STRINGS, O(security), "option",
	  "For every member: as of podium run", false },
	{ 0, "share", OPTION_STRING, O(share), "namespaces",
	  "What members share: ipc,net,uts (default), pid; +pid adds to these", false },
	{ 0, "share-parent", OPTION_MAYBE, O(share_parent), NULL,
	  "Members' cgroups lie in the pod's: true alone", true },
	{ 0, "shm-size", OPTION_STRING, O(ns.shm_size), "size", "Size of /dev/shm (default 64m)",
	  false },
	{ 0, "subgidname", OPTION_STRING, O(ns.sub_gid_name), "name",
	  "Map the groups that /etc/subgid gives to the name", false },
	{ 0, "subuidname", OPTION_STRING, O(ns.sub_uid_name), "name",
	  "Map the users that /etc/subuid gives to the name", false },
	{ 0, "sysctl", OPTION_LIST, O(ns.sysctls), "key=value",
	  "Set a kernel parameter of its namespaces", false },
	{ 0, "uidmap", OPTION_LIST, O(ns.uid_maps), "inner:outer:n",
	  "Map users of the user namespace", false },
	{ 0, "userns", OPTION_STRING, O(ns.userns), "mode", "User namespace: host, auto[:size=..]",
	  false },
	{ 0, "uts", OPTION_STRING, O(ns.uts), "mode",
	  "UTS namespace: private, host, container:NAME, ns:PATH", false },
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
