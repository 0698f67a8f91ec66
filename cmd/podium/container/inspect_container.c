/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_container - one container as Podman's inspect shows it.
 *
 * Theory of operation: spec.json says what was asked for, state.json what it is doing, pod.json
 * what it shares, the network's record which address it has. Each section of the result is built by
 * one function from these four. What cannot be read (debris of a crash) leaves its section at zero;
 * the container is shown all the same, because one inspects what is broken.
 *
 * Environment: a value that is made of literals is shown; a variable in it stays "$(NAME)", and a
 * reference of any later kind (secret, config map) stays its reference: nothing is resolved here.
 */
#include "cmd/podium/container/inspect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/container/inspect_mounts.h"
#include "cmd/podium/container/inspect_parts.h"
#include "cmd/podium/container/view.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/signame.h"
#include "engine/security/caps.h"
#include "engine/state/healthlog.h"

/* The run before the present one; empty when there was none. */
static json_t *make_last_state(const struct container_last *last)
{
	json_t *j = json_object();

	if (!last->started_ns && !last->finished_ns)
		return j;
	set_int(j, "ExitCode", last->exit_code);
	set_str(j, "Reason", last->reason);
	set_str(j, "Message", last->message);
	set(j, "StartedAt", view_time(last->started_ns));
	set(j, "FinishedAt", view_time(last->finished_ns));
	return j;
}

/* The monitor's log of it; the record knows the status of a container that was not asked yet. */
static json_t *make_health(const struct parts *p)
{
	json_t *j = health_log_read(p->store, p->view.id);

	if (p->view.st.health)
		set_str(j, "Status", p->view.st.health);
	return j;
}

static json_t *make_state(const struct parts *p)
{
	const struct container_status *st = &p->view.st;
	bool running = p->view.live == STATE_RUNNING || p->view.live == STATE_STOPPING;
	bool waits = p->view.live == STATE_INITIALIZED;
	bool has_pid = running || waits || p->view.live == STATE_PAUSED;
	json_t *j = json_object();

	set_str(j, "OciVersion", "1.0.2");
	set_str(j, "Status", view_state(&p->view));
	set_bool(j, "Running", running);
	set_bool(j, "Paused", p->view.live == STATE_PAUSED);
	set_bool(j, "Restarting", p->view.live == STATE_RESTARTING);
	set_bool(j, "OOMKilled", st->oom_killed);
	set_bool(j, "Dead", !p->view.readable);
	set_int(j, "Pid", has_pid ? st->pid : 0);
	set_int(j, "ConmonPid", has_pid && !p->view.lost ? st->monitor_pid : 0);
	set_int(j, "ExitCode", waits ? 0 : st->exit_unknown ? -1 : st->exit_code);
	set_bool(j, "ExitCodeUnknown", st->exit_unknown);
	set_bool(j, "MonitorLost", p->view.lost);
	set_str(j, "Error", waits ? NULL : st->error);
	set(j, "StartedAt", view_time(st->started_ns));
	set(j, "FinishedAt", view_time(st->finished_ns));
	if (p->view.live == STATE_RESTARTING)
		set(j, "NextStartAt", view_time(st->next_start_ns));
	set_bool(j, "Started", running && st->started);
	set_bool(j, "Ready", running && st->started && st->ready);
	set_str(j, "Reason", st->reason);
	set_str(j, "Message", st->message);
	set(j, "LastState", make_last_state(&st->last));
	set(j, "Health", make_health(p));
	if (has_pid && p->has_pod && !st->infra)
		jset_owned(j, "CgroupPath", inspect_cgroup(&p->pod, p->view.id));
	set(j, "CheckpointedAt", view_time(0));
	set(j, "RestoredAt", view_time(0));
	return j;
}

/* "NAME=value" of the image and of the container, which wins; in order of appearance. */
static json_t *make_env(const struct container_spec *spec)
{
	json_t *list = json_array();

	for (size_t i = 0; i < spec->config.env.n; i++) {
		const char *text = spec->config.env.v[i];
		size_t len = strcspn(text, "=");
		bool replaced = false;

		for (size_t k = 0; k < spec->env.n; k++)
			replaced = replaced || (strlen(spec->env.v[k].name) == len &&
						strncmp(spec->env.v[k].name, text, len) == 0);
		if (!replaced)
			(void)json_array_append_new(list, json_string(text));
	}
	for (size_t i = 0; i < spec->env.n; i++) {
		cleanup_free char *value = view_value(&spec->env.v[i].value);
		cleanup_free char *text = xasprintf("%s=%s", spec->env.v[i].name, value);

		(void)json_array_append_new(list, json_string(text));
	}
	return list;
}

/* The user as asked for: the container's, the pod's, the image's. */
static char *make_user(const struct parts *p)
{
	const struct container_security *c = &p->spec.security;
	const struct pod_security *pod = &p->pod.security;
	struct opt_i64 user = c->run_as_user.set ? c->run_as_user : pod->run_as_user;
	struct opt_i64 group = c->run_as_group.set ? c->run_as_group : pod->run_as_group;
	cleanup_free char *name = user.set
					  ? xasprintf("%lld", (long long)user.value)
					  : xstrdup(p->spec.config.user ? p->spec.config.user : "");

	if (c->user) /* --user wins over all of them */
		return xstrdup(c->user);
	if (!group.set)
		return steal_ptr(&name);
	name[strcspn(name, ":")] = '\0';
	return xasprintf("%s:%lld", name, (long long)group.value);
}

/* What only the command line says. */
static void add_hand_made(json_t *j, const struct parts *p)
{
	const struct container_spec *spec = &p->spec;

	set_str(j, "Domainname", "");
	set_bool(j, "AttachStdout", false);
	set_bool(j, "AttachStderr", false);
	set(j, "Volumes", NULL);
	set(j, "OnBuild", NULL);
	set(j, "CreateCommand", view_strings(&spec->create_command));
	set_str(j, "Umask", spec->security.umask ? spec->security.umask : "0022");
	set_int(j, "Timeout", spec->run_timeout_s.set ? spec->run_timeout_s.value : 0);
	set_bool(j, "Passwd", !spec->no_passwd);
	set_str(j, "Timezone", spec->timezone);
	set_str(j, "sdNotifyMode", "ignore");
	inspect_add_healthcheck(j, &spec->health);
}

static json_t *make_config(const struct parts *p)
{
	const struct container_spec *spec = &p->spec;
	cleanup_free char *user = make_user(p);
	const char *signal = spec->stop_signal ? spec->stop_signal : spec->config.stop_signal;
	char hostname[POD_HOSTNAME_MAX];
	cleanup_json json_t *own = NULL, *entrypoint = view_entrypoint(spec);
	json_t *j = json_object();

	pod_hostname(&p->pod, hostname);
	set_str(j, "Hostname", hostname);
	set_str(j, "User", user);
	set_bool(j, "AttachStdin", false);
	set_bool(j, "Tty", spec->tty);
	set_bool(j, "OpenStdin", spec->stdin_open);
	set_bool(j, "StdinOnce", spec->stdin_once);
	set(j, "Env", make_env(spec));
	set(j, "Cmd", view_arguments(spec));
	set_str(j, "Image", spec->config.reference ? spec->config.reference : spec->image);
	set_str(j, "WorkingDir",
		spec->working_dir	   ? spec->working_dir
		: spec->config.working_dir ? spec->config.working_dir
					   : "/");
	jset_owned(j, "Entrypoint", view_join(entrypoint, " "));
	set(j, "Labels", view_labels(spec, view_pod_labels(&p->pod)));
	set(j, "Annotations", view_pairs(&p->pod.annotations));
	set(j, "Secrets", inspect_secrets(p->store, spec));
	own = view_pairs(&spec->annotations);
	(void)json_object_update(json_object_get(j, "Annotations"), own);
	set_int(j, "StopSignal", signal ? signal_number(signal) : signal_number("TERM"));
	set_int(j, "StopTimeout",
		spec->stop_timeout_s.set ? spec->stop_timeout_s.value : pod_grace_seconds(&p->pod));
	add_hand_made(j, p);
	return j;
}

json_t *inspect_port_bindings(const char *ports)
{
	cleanup_json json_t *mappings = view_ports(ports);
	json_t *bindings = json_object();
	const json_t *m;
	size_t i;

	json_array_foreach (mappings, i, m) {
		for (int64_t k = 0; k < jget_int(m, "range", 1); k++) {
			cleanup_free char *key = xasprintf(
				"%lld/%s", (long long)(jget_int(m, "container_port", 0) + k),
				jget_str(m, "protocol"));
			cleanup_free char *port =
				xasprintf("%lld", (long long)(jget_int(m, "host_port", 0) + k));
			const char *ip = jget_str(m, "host_ip");
			json_t *list = json_object_get(bindings, key);

			if (!list) {
				list = json_array();
				set(bindings, key, list);
			}
			(void)json_array_append_new(list,
						    json_pack("{s:s, s:s}", "HostIp",
							      is_equal(ip, "0.0.0.0") ? "" : ip,
							      "HostPort", port));
		}
	}
	return bindings;
}

/* What the kernel is asked to leave to it. */
static void add_capabilities(json_t *j, const struct parts *p)
{
	const struct container_security *c = &p->spec.security;
	cleanup_json json_t *list = json_array();
	cleanup_free char *missing = NULL;
	struct error scratch; /* a name that is none was refused at creation */
	uint64_t all = 0;

	if (caps_resolve(&c->cap_add, &c->cap_drop, c->privileged.set && c->privileged.value,
			 caps_available(), &all, &missing, &scratch) < 0)
		all = 0;
	for (unsigned int n = 0; n < 64; n++)
		if (all >> n & 1 && caps_name(n))
			(void)json_array_append_new(list, json_string(caps_name(n)));
	set(j, "EffectiveCaps", json_deep_copy(list));
	set(j, "BoundingCaps", json_incref(list));
}

static void add_graph(json_t *j, const struct parts *p)
{
	const char *root = p->store->root ? p->store->root : "";
	cleanup_buf struct buf lower = BUF_INIT(1 << 20);
	cleanup_free char *upper = xasprintf("%s/containers/%s/upper", root, p->view.id);
	cleanup_free char *work = xasprintf("%s/containers/%s/work", root, p->view.id);
	cleanup_free char *dir = xasprintf("%s/containers/%s", root, p->view.id);

	for (size_t i = p->spec.config.layers.n; i-- > 0;)
		buf_printf(&lower, "%s%s/layers/%s/diff", lower.len ? ":" : "", root,
			   p->spec.config.layers.v[i] + strcspn(p->spec.config.layers.v[i], ":") +
				   1);
	set(j, "GraphDriver",
	    json_pack("{s:s, s:{s:s, s:s, s:s}}", "Name", "overlay", "Data", "LowerDir",
		      lower.data ? lower.data : "", "UpperDir", upper, "WorkDir", work));
	set_str(j, "StaticDir", dir);
}

/* The containers that must be there for this one to start. */
static json_t *make_dependencies(const struct parts *p)
{
	json_t *list = view_strings(&p->spec.required);

	if (p->has_pod && !p->pod.solo && p->pod.infra_id && !p->view.st.infra)
		(void)json_array_insert_new(list, 0, json_string(p->pod.infra_id));
	return list;
}

/* Members that Podman has and that say little here. */
static void add_constants(json_t *j, const struct parts *p)
{
	static const char *const empty[] = { "Rootfs",	     "ResolvConfPath", "HostnamePath",
					     "HostsPath",    "ConmonPidFile",  "MountLabel",
					     "ProcessLabel", "ImageDigest" };

	for (size_t i = 0; i < ARRAY_SIZE(empty); i++)
		set_str(j, empty[i], "");
	set_str(j, "OCIRuntime", "podium");
	set_str(j, "PidFile", p->spec.pid_file);
	set_str(j, "AppArmorProfile", p->spec.security.apparmor);
	set(j, "ExecIDs", json_array());
	set(j, "Dependencies", make_dependencies(p));
	set_bool(j, "IsService", p->spec.service);
}

static json_t *make_all(const struct parts *p)
{
	cleanup_json json_t *command = view_command(&p->spec);
	json_t *j = json_object();
	const char *path = json_string_value(json_array_get(command, 0));

	set_str(j, "Id", p->view.id);
	set(j, "Created",
	    view_time(p->spec.created_ns ? p->spec.created_ns : p->view.st.created_ns));
	set_str(j, "Path", path);
	(void)json_array_remove(command, 0);
	set(j, "Args", json_incref(command));
	set(j, "State", make_state(p));
	set_str(j, "Image", p->spec.config.id);
	set_str(j, "ImageName", p->view.st.image);
	set_str(j, "Pod", p->view.st.solo ? "" : p->view.st.pod_id);
	set_str(j, "PodName", p->view.st.solo ? "" : p->view.st.pod_name);
	set_str(j, "Name", p->view.st.name);
	set_int(j, "RestartCount", p->view.st.restarts);
	set_str(j, "Driver", "overlay");
	set(j, "Mounts", inspect_mounts(p->store, &p->pod, &p->spec));
	set(j, "NetworkSettings", inspect_network_settings(p));
	set_str(j, "Namespace", p->pod.namespace_);
	set_bool(j, "IsInfra", p->view.st.infra);
	set_bool(j, "IsInit", p->view.st.init);
	add_capabilities(j, p);
	add_graph(j, p);
	add_constants(j, p);
	set(j, "Config", make_config(p));
	set(j, "HostConfig", inspect_host_config(p));
	return j;
}

int inspect_container(const struct store *s, const char *name, json_t **ret, struct error *err)
{
	struct parts p = { .store = s };
	struct error scratch; /* what cannot be read is shown as empty */
	char id[65];
	int r = lookup_container(s, name, id, err);

	if (r < 0)
		return r;
	view_load(s, id, &p.view);
	p.has_spec = lookup_read_container(s, id, &p.spec, &scratch) == 0;
	if (p.has_spec && p.spec.pod_id && is_id(p.spec.pod_id))
		p.has_pod = lookup_read_pod(s, p.spec.pod_id, &p.pod, &scratch) == 0;
	*ret = make_all(&p);
	if (p.has_spec)
		record_done(&container_spec_type, &p.spec);
	if (p.has_pod)
		record_done(&pod_spec_type, &p.pod);
	view_done(&p.view);
	return 0;
}
