/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_host - the part of a container's inspect that Podman calls HostConfig.
 *
 * Theory of operation: spec.json and pod.json hold everything; nothing is looked up on the host.
 * Members that Podman has for other systems, or for what does not exist here, are there with the value
 * that Podman shows when nothing was asked for, so that a template that names them works.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/podium/container/inspect.h"
#include "cmd/podium/container/inspect_mounts.h"
#include "cmd/podium/container/inspect_parts.h"
#include "cmd/podium/image/imageview.h"
#include "cmd/podium/image/storesize.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/logs/logwrite.h"

#define CPU_NANO_PER_MILLI 1000000
#define CPU_PERIOD_US	   100000
#define PIDS_LIMIT_DEFAULT 2048

/* ---- health ----------------------------------------------------------------------------- */

static json_t *make_test(const struct strlist *words)
{
	bool is_shell =
		words->n == 3 && is_equal(words->v[0], "/bin/sh") && is_equal(words->v[1], "-c");
	json_t *test;

	if (is_shell)
		return json_pack("[s, s]", "CMD-SHELL", words->v[2]);
	test = view_strings(words);
	(void)json_array_insert_new(test, 0, json_string("CMD"));
	return test;
}

void inspect_add_healthcheck(json_t *config, const struct health_spec *h)
{
	json_t *check;

	set_str(config, "HealthcheckOnFailureAction", health_action_names[h->on_failure]);
	if (!h->test.n)
		return;
	check = json_object();
	set(check, "Test", make_test(&h->test));
	set_int(check, "StartPeriod", h->start_period_ns);
	set_int(check, "Interval", h->interval_ns);
	set_int(check, "Timeout", h->timeout_ns);
	set_int(check, "Retries", h->retries);
	set(config, "Healthcheck", check);
}

/* ---- security --------------------------------------------------------------------------- */

static json_t *make_capabilities(const struct strlist *names)
{
	json_t *list = json_array();

	for (size_t i = 0; i < names->n; i++) {
		const char *name = names->v[i];
		bool bare = !is_prefix(name, "CAP_") && strcmp(name, "ALL") != 0;
		cleanup_free char *text = xasprintf("%s%s", bare ? "CAP_" : "", name);

		(void)json_array_append_new(list, json_string(text));
	}
	return list;
}

static void append_text(json_t *list, const char *prefix, const char *text)
{
	cleanup_free char *all = xasprintf("%s%s", prefix, text);

	(void)json_array_append_new(list, json_string(all));
}

static json_t *make_security_options(const struct container_security *s)
{
	json_t *list = json_array();

	if (s->allow_privilege_escalation.set && !s->allow_privilege_escalation.value)
		append_text(list, "no-new-privileges", "");
	if (s->seccomp_unconfined)
		append_text(list, "seccomp=unconfined", "");
	if (s->seccomp_file)
		append_text(list, "seccomp=", s->seccomp_file);
	if (s->apparmor)
		append_text(list, "apparmor=", s->apparmor);
	if (s->unmask_proc)
		append_text(list, "unmask=ALL", "");
	for (size_t i = 0; i < s->mask.n; i++)
		append_text(list, "mask=", s->mask.v[i]);
	for (size_t i = 0; i < s->unmask.n; i++)
		append_text(list, "unmask=", s->unmask.v[i]);
	if (s->proc_options)
		append_text(list, "proc-opts=", s->proc_options);
	return list;
}

static json_t *make_host_entries(const struct pod_spec *pod)
{
	json_t *list = json_array();

	for (size_t i = 0; i < pod->host_aliases.n; i++) {
		const struct host_alias *a = &pod->host_aliases.v[i];

		for (size_t k = 0; k < a->names.n; k++) {
			cleanup_free char *text = xasprintf("%s:%s", a->names.v[k], a->ip);

			(void)json_array_append_new(list, json_string(text));
		}
	}
	return list;
}

static json_t *make_ulimits(const struct ulimit_list *l)
{
	json_t *list = json_array();

	for (size_t i = 0; i < l->n; i++) {
		cleanup_free char *name = xasprintf("RLIMIT_%s", l->v[i].name);
		json_t *one = json_object();

		for (char *c = name; *c; c++)
			if (*c >= 'a' && *c <= 'z')
				*c = (char)(*c - 'a' + 'A');
		set_str(one, "Name", name);
		set_int(one, "Soft", l->v[i].soft);
		set_int(one, "Hard", l->v[i].hard);
		(void)json_array_append_new(list, one);
	}
	return list;
}

static json_t *make_groups(const struct parts *p)
{
	json_t *list = view_strings(&p->pod.security.supplemental_groups);
	cleanup_json json_t *more = view_strings(&p->spec.security.groups);

	(void)json_array_extend(list, more);
	return list;
}

static void add_security(json_t *j, const struct parts *p)
{
	const struct container_security *s = &p->spec.security;

	set(j, "CapAdd", make_capabilities(&s->cap_add));
	set(j, "CapDrop", make_capabilities(&s->cap_drop));
	set(j, "GroupAdd", make_groups(p));
	set_bool(j, "Privileged", s->privileged.set && s->privileged.value);
	set_bool(j, "ReadonlyRootfs", s->read_only_root.set && s->read_only_root.value);
	set(j, "SecurityOpt", make_security_options(s));
	set(j, "Sysctls", view_pairs(&p->pod.security.sysctls));
	set(j, "Ulimits", make_ulimits(&p->spec.ulimits));
	set_int(j, "OomScoreAdj", p->spec.oom_score_adj);
}

/* ---- limits ----------------------------------------------------------------------------- */

static int64_t value_of(const struct opt_i64 *o, int64_t otherwise)
{
	return o->set ? o->value : otherwise;
}

/* "/dev/a[:/dev/b[:rwm]]"; names of the device interface stand as they are. */
static json_t *make_devices(const struct strlist *l)
{
	json_t *list = json_array();

	for (size_t i = 0; i < l->n; i++) {
		cleanup_free char *copy = xstrdup(l->v[i]);
		char *at = copy, *host = strsep(&at, ":"), *inside = strsep(&at, ":");

		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:s}", "PathOnHost", host, "PathInContainer",
					inside ? inside : host, "CgroupPermissions", at ? at : ""));
	}
	return list;
}

static void add_resources(json_t *j, const struct resources *r)
{
	int64_t milli = value_of(&r->cpu_limit_milli, 0);
	int64_t shares = r->cpu_request_milli.set ? r->cpu_request_milli.value * 1024 / 1000 : 0;
	int64_t memory = value_of(&r->memory_limit_bytes, 0);

	set_int(j, "NanoCpus", milli * CPU_NANO_PER_MILLI);
	set_int(j, "CpuPeriod", value_of(&r->cpu_period_us, milli ? CPU_PERIOD_US : 0));
	set_int(j, "CpuQuota", value_of(&r->cpu_quota_us, milli * (CPU_PERIOD_US / 1000)));
	set_int(j, "CpuShares", value_of(&r->cpu_shares, shares));
	set_str(j, "CpusetCpus", r->cpuset_cpus);
	set_str(j, "CpusetMems", r->cpuset_mems);
	set_int(j, "Memory", memory);
	set_int(j, "MemoryReservation", value_of(&r->memory_request_bytes, 0));
	set_int(j, "MemorySwap", value_of(&r->memory_swap_bytes, 0));
	set_int(j, "MemorySwappiness", value_of(&r->memory_swappiness, -1));
	set_int(j, "PidsLimit", value_of(&r->pids_limit, PIDS_LIMIT_DEFAULT));
	set_int(j, "BlkioWeight", value_of(&r->blkio_weight, 0));
	set_bool(j, "OomKillDisable", r->oom_kill_disable);
	set(j, "Devices", make_devices(&r->devices));
}

/* ---- namespaces ------------------------------------------------------------------------- */

static const char *mode_of(const char *from, bool host, const char *otherwise)
{
	return from ? from : host ? "host" : otherwise;
}

static bool is_member(const struct parts *p)
{
	return p->has_pod && !p->pod.solo && p->pod.infra_id && !p->view.st.infra;
}

/* The mode of a namespace: a member of a pod has the infra container's where the pod shares it. */
static void set_shared(json_t *j, const char *key, const struct parts *p, bool is_shared,
		       const char *own)
{
	if (is_member(p) && is_shared)
		jset_owned(j, key, xasprintf("container:%s", p->pod.infra_id));
	else
		set_str(j, key, own);
}

char *inspect_cgroup(const struct pod_spec *pod, const char *container_id)
{
	return xasprintf("%s/podium/%s%s%s", pod->cgroup_parent ? pod->cgroup_parent : "",
			 pod->id ? pod->id : "", container_id ? "/" : "",
			 container_id ? container_id : "");
}

static void add_network(json_t *j, const struct parts *p)
{
	const struct pod_spec *pod = &p->pod;

	set_shared(j, "NetworkMode", p, pod->network != NETWORK_HOST,
		   pod->network_from
			   ? pod->network_from
			   : network_mode_names[pod->unplugged ? NETWORK_BRIDGE : pod->network]);
	set(j, "PortBindings", inspect_port_bindings(p->view.st.ports));
	set_bool(j, "PublishAllPorts", false);
	set(j, "ExtraHosts", make_host_entries(pod));
	set(j, "Dns", view_strings(&pod->dns.servers));
	set(j, "DnsSearch", view_strings(&pod->dns.searches));
	set(j, "DnsOptions", json_array());
	for (size_t i = 0; i < pod->dns.options.n; i++) {
		const struct dns_option *o = &pod->dns.options.v[i];
		cleanup_free char *text =
			xasprintf("%s%s%s", o->name, o->value ? ":" : "", o->value ? o->value : "");

		(void)json_array_append_new(json_object_get(j, "DnsOptions"), json_string(text));
	}
}

static void add_namespaces(json_t *j, const struct parts *p)
{
	const struct pod_spec *pod = &p->pod;

	set_shared(j, "IpcMode", p, !pod->host_ipc && !pod->own_ipc,
		   mode_of(pod->ipc_from, pod->host_ipc, "shareable"));
	set_shared(j, "PidMode", p, pod->share_pid,
		   mode_of(pod->pid_from, pod->host_pid, "private"));
	set_shared(j, "UTSMode", p, !pod->host_uts && !pod->own_uts,
		   mode_of(pod->uts_from, pod->host_uts, "private"));
	set_str(j, "UsernsMode", pod->userns);
	set_str(j, "CgroupMode", p->spec.host_cgroupns ? "host" : "private");
	set_str(j, "CgroupManager", "cgroupfs");
	if (is_member(p))
		jset_owned(j, "CgroupParent", inspect_cgroup(pod, NULL));
	else
		set_str(j, "CgroupParent", pod->cgroup_parent);
	set_str(j, "Cgroup", "");
	set_str(j, "Cgroups", "default");
	set_int(j, "ShmSize", value_of(&pod->shm_size_bytes, SHM_BYTES_DEFAULT));
}

/* ---- the whole -------------------------------------------------------------------------- */

static json_t *make_log(const struct parts *p)
{
	const struct log_spec *log = &p->spec.log;
	cleanup_free char *path =
		log->path ? xstrdup(log->path)
			  : xasprintf("%s/containers/%s/" LOG_FILE_NAME,
				      p->store->root ? p->store->root : "", p->view.id);
	cleanup_free char *size = view_size(log->max_bytes, 4, "");

	return json_pack("{s:s, s:n, s:s, s:s, s:s}", "Type", log_driver_names[log->driver],
			 "Config", "Path", log->driver == LOG_PASSTHROUGH ? "" : path, "Tag",
			 log->tag ? log->tag : "", "Size", size);
}

/* Of other systems, or of what is not here. */
static void add_constants(json_t *j)
{
	static const char *const nothing[] = { "VolumesFrom",	       "Links",
					       "BlkioWeightDevice",    "BlkioDeviceReadBps",
					       "BlkioDeviceWriteBps",  "BlkioDeviceReadIOps",
					       "BlkioDeviceWriteIOps", "CgroupConf" };
	static const char *const empty[] = { "ContainerIDFile", "VolumeDriver", "Isolation" };
	static const char *const zero[] = { "CpuRealtimePeriod", "CpuRealtimeRuntime", "DiskQuota",
					    "KernelMemory",	 "CpuCount",	       "CpuPercent",
					    "IOMaximumIOps",	 "IOMaximumBandwidth" };

	for (size_t i = 0; i < ARRAY_SIZE(nothing); i++)
		set(j, nothing[i], NULL);
	for (size_t i = 0; i < ARRAY_SIZE(empty); i++)
		set_str(j, empty[i], "");
	for (size_t i = 0; i < ARRAY_SIZE(zero); i++)
		set_int(j, zero[i], 0);
	set_str(j, "Runtime", "oci");
	set(j, "ConsoleSize", json_pack("[i, i]", 0, 0));
}

json_t *inspect_host_config(const struct parts *p)
{
	static const char *const policies[] = { "always", "on-failure", "no" };
	const char *policy = p->spec.unless_stopped || (p->pod.solo && p->pod.unless_stopped)
				     ? "unless-stopped"
				     : policies[p->spec.restart];
	json_t *j = json_object();

	set(j, "Binds", inspect_binds(&p->pod, &p->spec));
	set(j, "Tmpfs", inspect_tmpfs(&p->pod, &p->spec));
	set(j, "LogConfig", make_log(p));
	add_network(j, p);
	set(j, "RestartPolicy",
	    json_pack("{s:s, s:I}", "Name", policy, "MaximumRetryCount",
		      (json_int_t)value_of(&p->spec.restart_retries, 0)));
	set_bool(j, "AutoRemove", p->spec.auto_remove);
	set_bool(j, "Init", p->spec.init);
	add_security(j, p);
	add_namespaces(j, p);
	add_resources(j, &p->spec.resources);
	add_constants(j);
	return j;
}

void inspect_add_sizes(const struct store *s, json_t *container)
{
	const char *id = jget_str(container, "Id");
	struct container_spec spec;
	struct error scratch; /* of what cannot be read only the own part counts */
	int64_t own = storesize_container(s, id), all = own;

	if (lookup_read_container(s, id, &spec, &scratch) == 0) {
		all += storesize_layers(s, &spec.config.layers);
		record_done(&container_spec_type, &spec);
	}
	set_int(container, "SizeRw", own);
	set_int(container, "SizeRootFs", all);
}
