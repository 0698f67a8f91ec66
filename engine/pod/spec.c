/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec - the record tables behind engine/pod/spec.h, and the pure questions one asks of a spec.
 *
 * Theory of operation: one table a struct; order is the order in the file on disk. A field that is
 * marked ephemeral does not take part in the comparison behind the law "play(x) equals
 * play(generate(play(x)))": ids and times.
 */
#include "engine/pod/spec.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/security/rlimit.h"

const char *const host_path_type_names[] = {
	"",	      "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket",
	"CharDevice", "BlockDevice",	   NULL
};
const char *const restart_policy_names[] = { "Always", "OnFailure", "Never", NULL };
const char *const network_mode_names[] = { "bridge", "host", "none", "from", NULL };
static const char *const port_protocol_names[] = { "tcp", "udp", "sctp", NULL };
static const char *const volume_kind_names[] = { "hostPath",	"emptyDir",  "configMap", "secret",
						 "downwardAPI", "projected", "image",	  "named",
						 "tmpfs",	NULL };
static const char *const value_part_names[] = { "literal", "variable", "configMap", "secret",
						"field",   "resource", NULL };
static const char *const projection_kind_names[] = { "configMap", "secret", "downwardAPI", NULL };
static const char *const action_kind_names[] = { "none", "exec",  "http", "tcp",
						 "grpc", "sleep", NULL };
const char *const mount_propagation_names[] = { "None", "HostToContainer", "Bidirectional", NULL };
const char *const recursive_read_only_names[] = { "Disabled", "IfPossible", "Enabled", NULL };
const char *const log_driver_names[] = { "k8s-file", "json-file",   "journald",
					 "none",     "passthrough", NULL };
const char *const health_action_names[] = { "none", "kill", "restart", "stop", NULL };
static const char *const container_kind_names[] = { "member", "init", "infra", NULL };
const char *const service_exit_names[] = { "none", "any", "all", NULL };

static_assert(ARRAY_SIZE(host_path_type_names) == HOST_PATH__COUNT + 1, "one name a type");
static_assert(ARRAY_SIZE(restart_policy_names) == RESTART__COUNT + 1, "one name a policy");
static_assert(ARRAY_SIZE(network_mode_names) == NETWORK__COUNT + 1, "one name a mode");
static_assert(ARRAY_SIZE(port_protocol_names) == PORT__COUNT + 1, "one name a protocol");
static_assert(ARRAY_SIZE(volume_kind_names) == VOLUME__COUNT + 1, "one name a kind");
static_assert(ARRAY_SIZE(value_part_names) == VALUE__COUNT + 1, "one name a kind");
static_assert(ARRAY_SIZE(projection_kind_names) == PROJECTION__COUNT + 1, "one name a kind");
static_assert(ARRAY_SIZE(action_kind_names) == ACTION__COUNT + 1, "one name a kind");
static_assert(ARRAY_SIZE(mount_propagation_names) == PROPAGATION__COUNT + 1, "one name a kind");
static_assert(ARRAY_SIZE(recursive_read_only_names) == RRO__COUNT + 1, "one name a kind");
static_assert(ARRAY_SIZE(log_driver_names) == LOG__COUNT + 1, "one name a driver");
static_assert(ARRAY_SIZE(health_action_names) == HEALTH__COUNT + 1, "one name an action");
static_assert(ARRAY_SIZE(container_kind_names) == CONTAINER__COUNT + 1, "one name a kind");
static_assert(ARRAY_SIZE(service_exit_names) == SERVICE_EXIT__COUNT + 1, "one name a policy");

#define FIELD(T, kind_, name_, m)     RECORD_FIELD(T, kind_, name_, m)
#define EPHEMERAL(T, kind_, name_, m) RECORD_FIELD(T, kind_, name_, m, .ephemeral = true)
#define SUB(T, kind_, name_, m, sub_) RECORD_FIELD(T, kind_, name_, m, .sub = &(sub_))
#define ENUM(T, name_, m, names_)     RECORD_FIELD(T, RECORD_ENUM, name_, m, .names = (names_))
#define TYPE(id, T, label)                                               \
	static const struct record_type id = { .name = label,            \
					       .size = sizeof(struct T), \
					       .fields = id##_fields }

static const struct record_field value_part_fields[] = {
	ENUM(value_part, "kind", kind, value_part_names),
	FIELD(value_part, RECORD_STRING, "text", text),
	FIELD(value_part, RECORD_STRING, "object", object),
	FIELD(value_part, RECORD_STRING, "divisor", divisor),
	FIELD(value_part, RECORD_BOOL, "optional", optional),
	{ 0 },
};
TYPE(value_part, value_part, "value part");
static const struct record_field value_fields[] = {
	SUB(value, RECORD_LIST, "parts", v, value_part),
	{ 0 },
};
TYPE(value, value, "value");
static const struct record_field env_var_fields[] = {
	FIELD(env_var, RECORD_STRING, "name", name),
	SUB(env_var, RECORD_OBJECT, "value", value, value),
	{ 0 },
};
TYPE(env_var, env_var, "environment variable");
static const struct record_field opt_i64_fields[] = {
	FIELD(opt_i64, RECORD_BOOL, "set", set),
	FIELD(opt_i64, RECORD_I64, "value", value),
	{ 0 },
};
TYPE(opt_i64, opt_i64, "number");
static const struct record_field opt_bool_fields[] = {
	FIELD(opt_bool, RECORD_BOOL, "set", set),
	FIELD(opt_bool, RECORD_BOOL, "value", value),
	{ 0 },
};
TYPE(opt_bool, opt_bool, "switch");
static const struct record_field env_source_fields[] = {
	FIELD(env_source, RECORD_BOOL, "secret", secret),
	FIELD(env_source, RECORD_STRING, "object", object),
	FIELD(env_source, RECORD_STRING, "prefix", prefix),
	FIELD(env_source, RECORD_BOOL, "optional", optional),
	{ 0 },
};
TYPE(env_source, env_source, "environment source");
static const struct record_field projection_item_fields[] = {
	FIELD(projection_item, RECORD_STRING, "path", path),
	FIELD(projection_item, RECORD_STRING, "key", key),
	FIELD(projection_item, RECORD_STRING, "field", field),
	FIELD(projection_item, RECORD_STRING, "resource", resource),
	FIELD(projection_item, RECORD_STRING, "container", container),
	FIELD(projection_item, RECORD_STRING, "divisor", divisor),
	SUB(projection_item, RECORD_OBJECT, "mode", mode, opt_i64),
	{ 0 },
};
TYPE(projection_item, projection_item, "projected file");
static const struct record_field projection_fields[] = {
	ENUM(projection, "kind", kind, projection_kind_names),
	FIELD(projection, RECORD_STRING, "object", object),
	FIELD(projection, RECORD_BOOL, "optional", optional),
	SUB(projection, RECORD_LIST, "items", items, projection_item),
	{ 0 },
};
TYPE(projection, projection, "projection");
static const struct record_field image_config_fields[] = {
	FIELD(image_config, RECORD_STRING, "reference", reference),
	FIELD(image_config, RECORD_STRING, "id", id),
	FIELD(image_config, RECORD_STRLIST, "layers", layers),
	FIELD(image_config, RECORD_STRLIST, "entrypoint", entrypoint),
	FIELD(image_config, RECORD_STRLIST, "cmd", cmd),
	FIELD(image_config, RECORD_STRLIST, "env", env),
	FIELD(image_config, RECORD_STRING, "workingDir", working_dir),
	FIELD(image_config, RECORD_STRING, "user", user),
	FIELD(image_config, RECORD_STRING, "stopSignal", stop_signal),
	FIELD(image_config, RECORD_STRLIST, "volumes", volumes),
	FIELD(image_config, RECORD_PAIRS, "labels", labels),
	{ 0 },
};
const struct record_type image_config_type = { "image config", sizeof(struct image_config),
					       image_config_fields };
static const struct record_field volume_fields[] = {
	FIELD(volume_spec, RECORD_STRING, "name", name),
	ENUM(volume_spec, "kind", kind, volume_kind_names),
	FIELD(volume_spec, RECORD_STRING, "hostPath", host_path),
	ENUM(volume_spec, "hostPathType", host_path_type, host_path_type_names),
	FIELD(volume_spec, RECORD_BOOL, "memory", memory),
	FIELD(volume_spec, RECORD_STRING, "hugePages", huge_pages),
	FIELD(volume_spec, RECORD_I64, "sizeBytes", size_bytes),
	SUB(volume_spec, RECORD_LIST, "sources", sources, projection),
	SUB(volume_spec, RECORD_OBJECT, "defaultMode", default_mode, opt_i64),
	FIELD(volume_spec, RECORD_STRING, "image", image),
	FIELD(volume_spec, RECORD_STRING, "pullPolicy", pull_policy),
	SUB(volume_spec, RECORD_OBJECT, "config", config, image_config_type),
	FIELD(volume_spec, RECORD_STRING, "claimTemplate", claim_template),
	FIELD(volume_spec, RECORD_STRING, "sourceName", source_name),
	FIELD(volume_spec, RECORD_BOOL, "readOnly", read_only),
	FIELD(volume_spec, RECORD_BOOL, "anonymous", anonymous),
	FIELD(volume_spec, RECORD_STRING, "tmpfsOptions", tmpfs_options),
	{ 0 },
};
TYPE(volume, volume_spec, "volume");
static const struct record_field host_alias_fields[] = {
	FIELD(host_alias, RECORD_STRING, "ip", ip),
	FIELD(host_alias, RECORD_STRLIST, "names", names),
	{ 0 },
};
TYPE(host_alias, host_alias, "host alias");
static const struct record_field dns_option_fields[] = {
	FIELD(dns_option, RECORD_STRING, "name", name),
	FIELD(dns_option, RECORD_STRING, "value", value),
	{ 0 },
};
TYPE(dns_option, dns_option, "dns option");
static const struct record_field dns_fields[] = {
	FIELD(dns_spec, RECORD_STRING, "policy", policy),
	FIELD(dns_spec, RECORD_STRLIST, "servers", servers),
	FIELD(dns_spec, RECORD_STRLIST, "searches", searches),
	SUB(dns_spec, RECORD_LIST, "options", options, dns_option),
	{ 0 },
};
TYPE(dns, dns_spec, "dns");
static const struct record_field attachment_fields[] = {
	FIELD(attachment, RECORD_STRING, "network", network),
	FIELD(attachment, RECORD_STRING, "interface", interface),
	FIELD(attachment, RECORD_STRING, "mac", mac),
	FIELD(attachment, RECORD_STRING, "ip4", ip4),
	FIELD(attachment, RECORD_STRING, "ip6", ip6),
	FIELD(attachment, RECORD_STRLIST, "aliases", aliases),
	{ 0 },
};
TYPE(attachment, attachment, "network of a pod");
static const struct record_field pod_security_fields[] = {
	SUB(pod_security, RECORD_OBJECT, "runAsUser", run_as_user, opt_i64),
	SUB(pod_security, RECORD_OBJECT, "runAsGroup", run_as_group, opt_i64),
	SUB(pod_security, RECORD_OBJECT, "runAsNonRoot", run_as_non_root, opt_bool),
	SUB(pod_security, RECORD_OBJECT, "fsGroup", fs_group, opt_i64),
	FIELD(pod_security, RECORD_BOOL, "fsGroupOnRootMismatch", fs_group_on_root_mismatch),
	FIELD(pod_security, RECORD_STRLIST, "supplementalGroups", supplemental_groups),
	FIELD(pod_security, RECORD_BOOL, "supplementalGroupsStrict", supplemental_groups_strict),
	FIELD(pod_security, RECORD_PAIRS, "sysctls", sysctls),
	FIELD(pod_security, RECORD_STRING, "seccompRoot", seccomp_root),
	{ 0 },
};
TYPE(pod_security, pod_security, "pod security");
static const struct record_field resources_fields[] = {
	SUB(resources, RECORD_OBJECT, "cpuLimitMilli", cpu_limit_milli, opt_i64),
	SUB(resources, RECORD_OBJECT, "cpuRequestMilli", cpu_request_milli, opt_i64),
	SUB(resources, RECORD_OBJECT, "memoryLimitBytes", memory_limit_bytes, opt_i64),
	SUB(resources, RECORD_OBJECT, "memoryRequestBytes", memory_request_bytes, opt_i64),
	SUB(resources, RECORD_OBJECT, "pidsLimit", pids_limit, opt_i64),
	FIELD(resources, RECORD_PAIRS, "otherLimits", other_limits),
	FIELD(resources, RECORD_PAIRS, "otherRequests", other_requests),
	FIELD(resources, RECORD_STRLIST, "devices", devices),
	FIELD(resources, RECORD_STRING, "cpusetCpus", cpuset_cpus),
	FIELD(resources, RECORD_STRING, "cpusetMems", cpuset_mems),
	SUB(resources, RECORD_OBJECT, "cpuShares", cpu_shares, opt_i64),
	SUB(resources, RECORD_OBJECT, "cpuPeriodUs", cpu_period_us, opt_i64),
	SUB(resources, RECORD_OBJECT, "cpuQuotaUs", cpu_quota_us, opt_i64),
	SUB(resources, RECORD_OBJECT, "memorySwapBytes", memory_swap_bytes, opt_i64),
	SUB(resources, RECORD_OBJECT, "memorySwappiness", memory_swappiness, opt_i64),
	FIELD(resources, RECORD_BOOL, "memorySwapAssumed", memory_swap_assumed),
	SUB(resources, RECORD_OBJECT, "blkioWeight", blkio_weight, opt_i64),
	FIELD(resources, RECORD_STRLIST, "blkioDevices", blkio_devices),
	FIELD(resources, RECORD_STRLIST, "deviceCgroupRules", device_cgroup_rules),
	FIELD(resources, RECORD_BOOL, "oomKillDisable", oom_kill_disable),
	{ 0 },
};
TYPE(resources, resources, "resources");
static const struct record_field container_ref_fields[] = {
	EPHEMERAL(container_ref, RECORD_STRING, "id", id),
	FIELD(container_ref, RECORD_STRING, "name", name),
	FIELD(container_ref, RECORD_BOOL, "init", init),
	FIELD(container_ref, RECORD_BOOL, "sidecar", sidecar),
	{ 0 },
};
TYPE(container_ref, container_ref, "container reference");

static const struct record_field port_fields[] = {
	FIELD(port_spec, RECORD_STRING, "name", name),
	FIELD(port_spec, RECORD_U16, "containerPort", container_port),
	FIELD(port_spec, RECORD_U16, "hostPort", host_port),
	FIELD(port_spec, RECORD_STRING, "hostIp", host_ip),
	ENUM(port_spec, "protocol", protocol, port_protocol_names),
	{ 0 },
};
TYPE(port, port_spec, "port");

static const struct record_field mount_fields[] = {
	FIELD(mount_spec, RECORD_STRING, "volume", volume),
	FIELD(mount_spec, RECORD_STRING, "target", target),
	FIELD(mount_spec, RECORD_BOOL, "readOnly", read_only),
	FIELD(mount_spec, RECORD_STRING, "subPath", sub_path),
	FIELD(mount_spec, RECORD_BOOL, "hasSubPathExpr", has_sub_path_expr),
	SUB(mount_spec, RECORD_OBJECT, "subPathExpr", sub_path_expr, value),
	ENUM(mount_spec, "propagation", propagation, mount_propagation_names),
	ENUM(mount_spec, "recursiveReadOnly", recursive_read_only, recursive_read_only_names),
	FIELD(mount_spec, RECORD_STRLIST, "options", options),
	{ 0 },
};
TYPE(mount, mount_spec, "mount");

static const struct record_field pod_fields[] = {
	FIELD(pod_spec, RECORD_U32, "version", version),
	EPHEMERAL(pod_spec, RECORD_STRING, "id", id),
	FIELD(pod_spec, RECORD_STRING, "name", name),
	EPHEMERAL(pod_spec, RECORD_I64, "created", created_ns),
	FIELD(pod_spec, RECORD_STRING, "owner", owner),
	FIELD(pod_spec, RECORD_STRING, "controller", controller),
	EPHEMERAL(pod_spec, RECORD_STRING, "source", source),
	EPHEMERAL(pod_spec, RECORD_STRING, "infraId", infra_id),
	FIELD(pod_spec, RECORD_STRING, "namespace", namespace_),
	FIELD(pod_spec, RECORD_STRING, "hostname", hostname),
	FIELD(pod_spec, RECORD_STRING, "hostnameOverride", hostname_override),
	FIELD(pod_spec, RECORD_STRING, "subdomain", subdomain),
	FIELD(pod_spec, RECORD_STRING, "nodeName", node_name),
	FIELD(pod_spec, RECORD_STRING, "serviceAccount", service_account),
	FIELD(pod_spec, RECORD_PAIRS, "labels", labels),
	FIELD(pod_spec, RECORD_PAIRS, "annotations", annotations),
	SUB(pod_spec, RECORD_LIST, "containers", containers, container_ref),
	ENUM(pod_spec, "network", network, network_mode_names),
	FIELD(pod_spec, RECORD_BOOL, "hostPid", host_pid),
	FIELD(pod_spec, RECORD_BOOL, "hostIpc", host_ipc),
	FIELD(pod_spec, RECORD_BOOL, "sharePid", share_pid),
	SUB(pod_spec, RECORD_OBJECT, "setHostnameAsFqdn", set_hostname_as_fqdn, opt_bool),
	SUB(pod_spec, RECORD_LIST, "hostAliases", host_aliases, host_alias),
	SUB(pod_spec, RECORD_OBJECT, "dns", dns, dns),
	SUB(pod_spec, RECORD_LIST, "volumes", volumes, volume),
	FIELD(pod_spec, RECORD_STRLIST, "pullSecrets", pull_secrets),
	SUB(pod_spec, RECORD_OBJECT, "security", security, pod_security),
	ENUM(pod_spec, "restart", restart, restart_policy_names),
	FIELD(pod_spec, RECORD_BOOL, "restartBackoff", restart_backoff),
	FIELD(pod_spec, RECORD_BOOL, "exitWithMembers", exit_with_members),
	SUB(pod_spec, RECORD_OBJECT, "graceSeconds", grace_seconds, opt_i64),
	SUB(pod_spec, RECORD_OBJECT, "activeDeadlineSeconds", active_deadline_seconds, opt_i64),
	SUB(pod_spec, RECORD_OBJECT, "hostUsers", host_users, opt_bool),
	SUB(pod_spec, RECORD_OBJECT, "resources", resources, resources),
	FIELD(pod_spec, RECORD_BOOL, "plainNames", plain_names),
	FIELD(pod_spec, RECORD_BOOL, "noHosts", no_hosts),
	FIELD(pod_spec, RECORD_BOOL, "noHostname", no_hostname),
	FIELD(pod_spec, RECORD_BOOL, "solo", solo),
	FIELD(pod_spec, RECORD_BOOL, "unlessStopped", unless_stopped),
	FIELD(pod_spec, RECORD_BOOL, "removeWithMembers", remove_with_members),
	SUB(pod_spec, RECORD_LIST, "networks", networks, attachment),
	SUB(pod_spec, RECORD_LIST, "ports", ports, port),
	FIELD(pod_spec, RECORD_BOOL, "unplugged", unplugged),
	FIELD(pod_spec, RECORD_STRING, "networkFrom", network_from),
	FIELD(pod_spec, RECORD_STRING, "ipcFrom", ipc_from),
	FIELD(pod_spec, RECORD_STRING, "utsFrom", uts_from),
	FIELD(pod_spec, RECORD_STRING, "pidFrom", pid_from),
	FIELD(pod_spec, RECORD_BOOL, "hostUts", host_uts),
	FIELD(pod_spec, RECORD_BOOL, "ownIpc", own_ipc),
	FIELD(pod_spec, RECORD_BOOL, "ownUts", own_uts),
	SUB(pod_spec, RECORD_OBJECT, "shmSizeBytes", shm_size_bytes, opt_i64),
	FIELD(pod_spec, RECORD_STRING, "userns", userns),
	FIELD(pod_spec, RECORD_STRLIST, "uidMaps", uid_maps),
	FIELD(pod_spec, RECORD_STRLIST, "gidMaps", gid_maps),
	FIELD(pod_spec, RECORD_STRING, "cgroupParent", cgroup_parent),
	FIELD(pod_spec, RECORD_STRING, "infraName", infra_name),
	FIELD(pod_spec, RECORD_STRLIST, "memberVolumes", member_volumes),
	FIELD(pod_spec, RECORD_STRLIST, "memberOptions", member_options),
	EPHEMERAL(pod_spec, RECORD_STRLIST, "createCommand", create_command),
	EPHEMERAL(pod_spec, RECORD_STRING, "service", service),
	ENUM(pod_spec, "serviceExit", service_exit, service_exit_names),
	{ 0 },
};
const struct record_type pod_spec_type = { "pod", sizeof(struct pod_spec), pod_fields };

static const struct record_field container_security_fields[] = {
	SUB(container_security, RECORD_OBJECT, "runAsUser", run_as_user, opt_i64),
	SUB(container_security, RECORD_OBJECT, "runAsGroup", run_as_group, opt_i64),
	SUB(container_security, RECORD_OBJECT, "runAsNonRoot", run_as_non_root, opt_bool),
	SUB(container_security, RECORD_OBJECT, "privileged", privileged, opt_bool),
	SUB(container_security, RECORD_OBJECT, "readOnlyRoot", read_only_root, opt_bool),
	SUB(container_security, RECORD_OBJECT, "allowPrivilegeEscalation",
	    allow_privilege_escalation, opt_bool),
	FIELD(container_security, RECORD_STRLIST, "capAdd", cap_add),
	FIELD(container_security, RECORD_STRLIST, "capDrop", cap_drop),
	FIELD(container_security, RECORD_BOOL, "seccompUnconfined", seccomp_unconfined),
	FIELD(container_security, RECORD_STRING, "seccompProfile", seccomp_profile),
	FIELD(container_security, RECORD_STRING, "apparmor", apparmor),
	FIELD(container_security, RECORD_BOOL, "unmaskProc", unmask_proc),
	FIELD(container_security, RECORD_STRING, "user", user),
	FIELD(container_security, RECORD_STRLIST, "groups", groups),
	FIELD(container_security, RECORD_STRING, "seccompFile", seccomp_file),
	FIELD(container_security, RECORD_STRLIST, "mask", mask),
	FIELD(container_security, RECORD_STRLIST, "unmask", unmask),
	FIELD(container_security, RECORD_STRING, "procOptions", proc_options),
	FIELD(container_security, RECORD_STRING, "umask", umask),
	{ 0 },
};
TYPE(container_security, container_security, "container security");
static const struct record_field ulimit_fields[] = {
	FIELD(ulimit_spec, RECORD_STRING, "name", name),
	FIELD(ulimit_spec, RECORD_I64, "soft", soft),
	FIELD(ulimit_spec, RECORD_I64, "hard", hard),
	{ 0 },
};
TYPE(ulimit, ulimit_spec, "ulimit");
static const struct record_field log_limits_fields[] = {
	FIELD(log_spec, RECORD_I64, "maxBytes", max_bytes),
	FIELD(log_spec, RECORD_U32, "maxFiles", max_files),
	ENUM(log_spec, "driver", driver, log_driver_names),
	FIELD(log_spec, RECORD_STRING, "path", path),
	FIELD(log_spec, RECORD_STRING, "tag", tag),
	{ 0 },
};
TYPE(log_limits, log_spec, "log");

static const struct record_field http_header_fields[] = {
	FIELD(http_header, RECORD_STRING, "name", name),
	FIELD(http_header, RECORD_STRING, "value", value),
	{ 0 },
};
TYPE(http_header, http_header, "header");
static const struct record_field action_fields[] = {
	ENUM(action_spec, "kind", kind, action_kind_names),
	FIELD(action_spec, RECORD_STRLIST, "argv", argv),
	FIELD(action_spec, RECORD_STRING, "host", host),
	FIELD(action_spec, RECORD_U16, "port", port),
	FIELD(action_spec, RECORD_STRING, "portName", port_name),
	FIELD(action_spec, RECORD_STRING, "path", path),
	FIELD(action_spec, RECORD_BOOL, "https", https),
	SUB(action_spec, RECORD_LIST, "headers", headers, http_header),
	FIELD(action_spec, RECORD_STRING, "service", service),
	FIELD(action_spec, RECORD_I64, "sleepSeconds", sleep_s),
	{ 0 },
};
TYPE(action, action_spec, "action");
static const struct record_field probe_fields[] = {
	SUB(probe_spec, RECORD_OBJECT, "action", action, action),
	FIELD(probe_spec, RECORD_I64, "initialDelaySeconds", initial_delay_s),
	FIELD(probe_spec, RECORD_I64, "periodSeconds", period_s),
	FIELD(probe_spec, RECORD_I64, "timeoutSeconds", timeout_s),
	FIELD(probe_spec, RECORD_I64, "successThreshold", success_threshold),
	FIELD(probe_spec, RECORD_I64, "failureThreshold", failure_threshold),
	SUB(probe_spec, RECORD_OBJECT, "graceSeconds", grace_s, opt_i64),
	{ 0 },
};
TYPE(probe, probe_spec, "probe");
static const struct record_field restart_rule_fields[] = {
	FIELD(restart_rule, RECORD_BOOL, "notIn", not_in),
	FIELD(restart_rule, RECORD_STRLIST, "codes", codes),
	{ 0 },
};
TYPE(restart_rule, restart_rule, "restart rule");

static const struct record_field secret_use_fields[] = {
	FIELD(secret_use, RECORD_STRING, "name", name),
	FIELD(secret_use, RECORD_BOOL, "env", env),
	FIELD(secret_use, RECORD_STRING, "target", target),
	FIELD(secret_use, RECORD_I64, "uid", uid),
	FIELD(secret_use, RECORD_I64, "gid", gid),
	SUB(secret_use, RECORD_OBJECT, "mode", mode, opt_i64),
	{ 0 },
};
TYPE(secret_use, secret_use, "use of a secret");
static const struct record_field health_fields[] = {
	FIELD(health_spec, RECORD_STRLIST, "test", test),
	FIELD(health_spec, RECORD_I64, "intervalNs", interval_ns),
	FIELD(health_spec, RECORD_I64, "timeoutNs", timeout_ns),
	FIELD(health_spec, RECORD_I64, "startPeriodNs", start_period_ns),
	FIELD(health_spec, RECORD_I64, "retries", retries),
	ENUM(health_spec, "onFailure", on_failure, health_action_names),
	FIELD(health_spec, RECORD_STRLIST, "startupTest", startup_test),
	FIELD(health_spec, RECORD_I64, "startupIntervalNs", startup_interval_ns),
	FIELD(health_spec, RECORD_I64, "startupTimeoutNs", startup_timeout_ns),
	FIELD(health_spec, RECORD_I64, "startupRetries", startup_retries),
	FIELD(health_spec, RECORD_I64, "startupSuccesses", startup_successes),
	{ 0 },
};
TYPE(health, health_spec, "health check");

static const struct record_field container_fields[] = {
	FIELD(container_spec, RECORD_U32, "version", version),
	EPHEMERAL(container_spec, RECORD_STRING, "id", id),
	EPHEMERAL(container_spec, RECORD_STRING, "podId", pod_id),
	EPHEMERAL(container_spec, RECORD_I64, "created", created_ns),
	FIELD(container_spec, RECORD_STRING, "name", name),
	FIELD(container_spec, RECORD_STRING, "fullName", full_name),
	ENUM(container_spec, "kind", kind, container_kind_names),
	FIELD(container_spec, RECORD_STRING, "image", image),
	FIELD(container_spec, RECORD_STRING, "pullPolicy", pull_policy),
	SUB(container_spec, RECORD_OBJECT, "config", config, image_config_type),
	FIELD(container_spec, RECORD_BOOL, "hasCommand", has_command),
	SUB(container_spec, RECORD_LIST, "command", command, value),
	FIELD(container_spec, RECORD_BOOL, "hasArgs", has_args),
	SUB(container_spec, RECORD_LIST, "args", args, value),
	FIELD(container_spec, RECORD_STRING, "workingDir", working_dir),
	SUB(container_spec, RECORD_LIST, "envFrom", env_from, env_source),
	SUB(container_spec, RECORD_LIST, "env", env, env_var),
	SUB(container_spec, RECORD_LIST, "ports", ports, port),
	SUB(container_spec, RECORD_LIST, "mounts", mounts, mount),
	SUB(container_spec, RECORD_OBJECT, "resources", resources, resources),
	SUB(container_spec, RECORD_OBJECT, "security", security, container_security),
	FIELD(container_spec, RECORD_BOOL, "tty", tty),
	FIELD(container_spec, RECORD_BOOL, "stdin", stdin_open),
	FIELD(container_spec, RECORD_BOOL, "stdinOnce", stdin_once),
	ENUM(container_spec, "restart", restart, restart_policy_names),
	FIELD(container_spec, RECORD_BOOL, "ownRestart", own_restart),
	SUB(container_spec, RECORD_LIST, "restartRules", restart_rules, restart_rule),
	FIELD(container_spec, RECORD_BOOL, "sidecar", sidecar),
	SUB(container_spec, RECORD_OBJECT, "startupProbe", probes[PROBE_STARTUP], probe),
	SUB(container_spec, RECORD_OBJECT, "livenessProbe", probes[PROBE_LIVENESS], probe),
	SUB(container_spec, RECORD_OBJECT, "readinessProbe", probes[PROBE_READINESS], probe),
	SUB(container_spec, RECORD_OBJECT, "postStart", post_start, action),
	SUB(container_spec, RECORD_OBJECT, "preStop", pre_stop, action),
	FIELD(container_spec, RECORD_STRING, "stopSignal", stop_signal),
	FIELD(container_spec, RECORD_STRING, "terminationPath", termination_path),
	FIELD(container_spec, RECORD_BOOL, "terminationLogFallback", termination_log_fallback),
	FIELD(container_spec, RECORD_I64, "oomScoreAdj", oom_score_adj),
	SUB(container_spec, RECORD_LIST, "ulimits", ulimits, ulimit),
	SUB(container_spec, RECORD_OBJECT, "log", log, log_limits),
	FIELD(container_spec, RECORD_PAIRS, "labels", labels),
	FIELD(container_spec, RECORD_PAIRS, "annotations", annotations),
	SUB(container_spec, RECORD_OBJECT, "restartRetries", restart_retries, opt_i64),
	SUB(container_spec, RECORD_OBJECT, "stopTimeoutSeconds", stop_timeout_s, opt_i64),
	SUB(container_spec, RECORD_OBJECT, "runTimeoutSeconds", run_timeout_s, opt_i64),
	FIELD(container_spec, RECORD_BOOL, "autoRemove", auto_remove),
	FIELD(container_spec, RECORD_BOOL, "initOnce", init_once),
	FIELD(container_spec, RECORD_BOOL, "init", init),
	FIELD(container_spec, RECORD_BOOL, "service", service),
	FIELD(container_spec, RECORD_BOOL, "hostCgroupns", host_cgroupns),
	FIELD(container_spec, RECORD_BOOL, "readOnlyTmpfs", read_only_tmpfs),
	FIELD(container_spec, RECORD_BOOL, "unlessStopped", unless_stopped),
	FIELD(container_spec, RECORD_STRLIST, "unsetEnv", unset_env),
	FIELD(container_spec, RECORD_BOOL, "unsetEnvAll", unset_env_all),
	FIELD(container_spec, RECORD_BOOL, "noPasswd", no_passwd),
	FIELD(container_spec, RECORD_STRING, "passwdEntry", passwd_entry),
	FIELD(container_spec, RECORD_STRING, "groupEntry", group_entry),
	FIELD(container_spec, RECORD_STRING, "timezone", timezone),
	FIELD(container_spec, RECORD_STRING, "pidFile", pid_file),
	FIELD(container_spec, RECORD_STRING, "monitorPidFile", monitor_pid_file),
	SUB(container_spec, RECORD_LIST, "secrets", secrets, secret_use),
	SUB(container_spec, RECORD_OBJECT, "health", health, health),
	FIELD(container_spec, RECORD_STRLIST, "requires", required),
	EPHEMERAL(container_spec, RECORD_STRLIST, "createCommand", create_command),
	{ 0 },
};
const struct record_type container_spec_type = { "container", sizeof(struct container_spec),
						 container_fields };

const char *port_protocol_str(int p)
{
	return p >= 0 && p < PORT__COUNT ? port_protocol_names[p] : "?";
}

int64_t pod_grace_seconds(const struct pod_spec *pod)
{
	return pod->grace_seconds.set ? pod->grace_seconds.value : PLAYED_GRACE_SECONDS;
}

/* ---- host names ------------------------------------------------------------------------- */

#define LABEL_MAX	  63
#define SOLO_HOSTNAME_LEN 12 /* as Docker has it */

char *pod_domain(const struct pod_spec *pod)
{
	if (is_empty(pod->subdomain) || !is_empty(pod->hostname_override))
		return NULL;
	return xasprintf("%s.%s.svc." POD_CLUSTER_DOMAIN, pod->subdomain,
			 namespace_of(pod->namespace_));
}

/* A cut may leave a dash or a dot at the end, which no host name has. */
static void cut_name(const char *name, size_t max, char out[POD_HOSTNAME_MAX])
{
	size_t n = name ? strnlen(name, max) : 0;

	while (n > 0 && (name[n - 1] == '-' || name[n - 1] == '.'))
		n--;
	if (n == 0)
		n = strlen(name = "localhost");
	memcpy(out, name, n);
	out[n] = '\0';
}

void pod_short_hostname(const struct pod_spec *pod, char out[POD_HOSTNAME_MAX])
{
	if (!is_empty(pod->hostname_override))
		cut_name(pod->hostname_override, POD_HOSTNAME_MAX - 1, out);
	else if (pod->solo && is_empty(pod->hostname) && pod->containers.n)
		cut_name(pod->containers.v[0].id, SOLO_HOSTNAME_LEN, out);
	else
		cut_name(is_empty(pod->hostname) ? pod->name : pod->hostname, LABEL_MAX, out);
}

void pod_hostname(const struct pod_spec *pod, char out[POD_HOSTNAME_MAX])
{
	cleanup_free char *domain = pod->set_hostname_as_fqdn.value ? pod_domain(pod) : NULL;
	cleanup_free char *whole = NULL;

	pod_short_hostname(pod, out);
	if (!domain)
		return;
	whole = xasprintf("%s.%s", out, domain);
	cut_name(whole, POD_HOSTNAME_MAX - 1, out);
}

/* ---- the rest --------------------------------------------------------------------------- */

static void add_published(const struct port_list *from, struct port_list *to)
{
	for (size_t i = 0; i < from->n; i++)
		if (from->v[i].host_port)
			*list_add(to) = from->v[i];
}

void pod_published_ports(const struct pod_spec *pod, const struct container_spec *specs, size_t n,
			 struct port_list *ret)
{
	*ret = (struct port_list){ 0 };
	add_published(&pod->ports, ret);
	for (size_t i = 0; i < n; i++)
		add_published(&specs[i].ports, ret);
}

const struct volume_spec *pod_find_volume(const struct pod_spec *pod, const char *name)
{
	for (size_t i = 0; i < pod->volumes.n; i++)
		if (is_equal(pod->volumes.v[i].name, name))
			return &pod->volumes.v[i];
	return NULL;
}

/* ---- limits of processes ---------------------------------------------------------------- */

static int read_limit(const char *text, int64_t *ret)
{
	if (strcmp(text, "unlimited") == 0) {
		*ret = -1;
		return 0;
	}
	return parse_i64(text, -1, INT64_MAX, ret);
}

static struct ulimit_spec *limit_named(struct ulimit_list *list, const char *name)
{
	struct ulimit_spec *u;

	for (size_t i = 0; i < list->n; i++)
		if (is_equal(list->v[i].name, name))
			return &list->v[i];
	u = list_add(list);
	u->name = xstrdup(name);
	return u;
}

int ulimit_parse(const char *text, struct ulimit_list *list, struct error *err)
{
	const char *equals = strchr(text, '=');
	cleanup_free char *name = equals ? xstrndup(text, (size_t)(equals - text)) : NULL;
	cleanup_free char *soft_text = equals ? xstrdup(equals + 1) : NULL;
	char *colon = soft_text ? strchr(soft_text, ':') : NULL;
	struct ulimit_spec *u;
	int64_t soft, hard;

	if (!name || rlimit_by_name(name) < 0)
		return error_set(err, EINVAL,
				 "'%.60s' is no limit: NAME=SOFT:HARD is, as in "
				 "nofile=1024:4096",
				 text);
	if (colon)
		*colon++ = '\0';
	if (read_limit(soft_text, &soft) < 0 || read_limit(colon ? colon : soft_text, &hard) < 0)
		return error_set(err, EINVAL, "'%.60s' has no number after the '='", text);
	if (hard >= 0 && (soft < 0 || soft > hard))
		return error_set(err, EINVAL, "'%.60s': the soft limit is above the hard one",
				 text);
	u = limit_named(list, name);
	u->soft = soft;
	u->hard = hard;
	return 0;
}

void ulimit_list_done(struct ulimit_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i].name);
	free(list->v);
	*list = (struct ulimit_list){ 0 };
}

void pod_plan_done(struct pod_plan *plan)
{
	for (size_t i = 0; i < plan->n_containers; i++)
		record_done(&container_spec_type, &plan->containers[i]);
	free(plan->containers);
	record_done(&pod_spec_type, &plan->pod);
	free(plan->kube_yaml);
	memset(plan, 0, sizeof(*plan));
}

void value_add(struct value *val, enum value_part_kind kind, const char *text, size_t len)
{
	struct value_part *p = list_add(val);

	p->kind = (int)kind;
	p->text = xstrndup(text, len);
}

char *value_resolve(const struct value *val, const struct pairlist *vars)
{
	cleanup_buf struct buf b = BUF_INIT(SIZE_MAX / 2);

	for (size_t i = 0; i < val->n; i++) {
		const struct value_part *p = &val->v[i];
		const char *text = p->kind == VALUE_LITERAL ? p->text : NULL;

		if (p->kind == VALUE_VARIABLE && p->text)
			text = pairlist_get(vars, p->text);
		if (text)
			buf_adds(&b, text);
		else if (p->kind == VALUE_VARIABLE)
			buf_printf(&b, "$(%s)", p->text ? p->text : "");
	}
	return buf_steal(&b);
}

char *pod_uid(const char *pod_id)
{
	static const char variants[] = "89ab";
	char digit;

	if (!pod_id || strspn(pod_id, "0123456789abcdef") < 32)
		return xstrdup("");
	digit = pod_id[16];
	return xasprintf("%.8s-%.4s-8%.3s-%c%.3s-%.12s", pod_id, pod_id + 8, pod_id + 13,
			 variants[(digit <= '9' ? digit - '0' : digit - 'a' + 10) & 3], pod_id + 17,
			 pod_id + 20);
}
