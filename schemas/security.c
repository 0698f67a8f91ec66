/* SPDX-License-Identifier: Apache-2.0 */
/*
 * security - security contexts of pods and containers.
 *
 * Data only: see schemas/schema.h for what a row says and schemas/types.h for the structs.
 * A name of a capability is checked in kube/validate_security.c, since the list is the kernel's,
 * not the API's.
 *
 * testdata/k8s-fields.json is the oracle: tests/unit/test_schema.c walks it against these rows in
 * both directions, so that no field of Kubernetes 1.36 is missing and none is invented.
 */
#include "schemas/models.h"

#include "schemas/field.h"

static const struct schema_field capabilities_fields[] = {
	{ ROW("add", STRING, LIST), KEEP(k8s_caps, add) },
	{ ROW("drop", STRING, LIST), KEEP(k8s_caps, drop) },
	{ 0 },
};
const struct schema_type schema_capabilities = { "V1Capabilities", "Capabilities",
						 sizeof(struct k8s_caps), capabilities_fields };

static const char *const pod_security_context_supplemental_groups_policy_values[] = { "Merge",
										      "Strict",
										      NULL };
static const char *const pod_security_context_fs_group_change_policy_values[] = { "OnRootMismatch",
										  "Always", NULL };
static const char *const pod_security_context_se_linux_change_policy_values[] = { "MountOption",
										  "Recursive",
										  NULL };
static const struct schema_field pod_security_context_fields[] = {
	{ ROW("seLinuxOptions", OBJECT, ONE), .sub = &schema_selinux_options,
	  .reason = "SELinux is not supported: no label is set" },
	{ ROW("windowsOptions", OBJECT, ONE), .sub = &schema_windows_security_context_options,
	  .reason = "this is not Windows" },
	{ ROW("runAsUser", INT64, ONE), KEEP(k8s_pod_security, run_as_user) },
	{ ROW("runAsGroup", INT64, ONE), KEEP(k8s_pod_security, run_as_group) },
	{ ROW("runAsNonRoot", BOOL, ONE), KEEP(k8s_pod_security, run_as_non_root) },
	{ ROW("supplementalGroups", INT64, LIST), KEEP(k8s_pod_security, supplemental_groups) },
	{ ROW("supplementalGroupsPolicy", STRING, ONE),
	  KEEP(k8s_pod_security, supplemental_groups_policy),
	  .values = pod_security_context_supplemental_groups_policy_values },
	{ ROW("fsGroup", INT64, ONE), KEEP(k8s_pod_security, fs_group) },
	{ ROW("sysctls", OBJECT, LIST), .sub = &schema_sysctl, KEEP(k8s_pod_security, sysctls) },
	{ ROW("fsGroupChangePolicy", STRING, ONE), KEEP(k8s_pod_security, fs_group_change_policy),
	  .values = pod_security_context_fs_group_change_policy_values },
	{ ROW("seccompProfile", OBJECT, ONE), .sub = &schema_seccomp_profile,
	  KEEP(k8s_pod_security, seccomp) },
	{ ROW("appArmorProfile", OBJECT, ONE), .sub = &schema_app_armor_profile,
	  KEEP(k8s_pod_security, apparmor) },
	{ ROW("seLinuxChangePolicy", STRING, ONE),
	  .reason = "SELinux is not supported: no label is set",
	  .values = pod_security_context_se_linux_change_policy_values },
	{ 0 },
};
const struct schema_type schema_pod_security_context = { "V1PodSecurityContext",
							 "PodSecurityContext",
							 sizeof(struct k8s_pod_security),
							 pod_security_context_fields };

static const char *const seccomp_profile_type_values[] = { "RuntimeDefault", "Unconfined",
							   "Localhost", NULL };
static const struct schema_field seccomp_profile_fields[] = {
	{ ROW("type", STRING, ONE), KEEP(k8s_seccomp, type), .values = seccomp_profile_type_values,
	  .required = true },
	{ ROW("localhostProfile", STRING, ONE), KEEP(k8s_seccomp, localhost_profile) },
	{ 0 },
};
const struct schema_type schema_seccomp_profile = { "V1SeccompProfile", "SeccompProfile",
						    sizeof(struct k8s_seccomp),
						    seccomp_profile_fields };

static const char *const security_context_proc_mount_values[] = { "Default", "Unmasked", NULL };
static const struct schema_field security_context_fields[] = {
	{ ROW("capabilities", OBJECT, ONE), .sub = &schema_capabilities,
	  KEEP(k8s_security, capabilities) },
	{ ROW("privileged", BOOL, ONE), KEEP(k8s_security, privileged) },
	{ ROW("seLinuxOptions", OBJECT, ONE), .sub = &schema_selinux_options,
	  .reason = "SELinux is not supported: no label is set" },
	{ ROW("windowsOptions", OBJECT, ONE), .sub = &schema_windows_security_context_options,
	  .reason = "this is not Windows" },
	{ ROW("runAsUser", INT64, ONE), KEEP(k8s_security, run_as_user) },
	{ ROW("runAsGroup", INT64, ONE), KEEP(k8s_security, run_as_group) },
	{ ROW("runAsNonRoot", BOOL, ONE), KEEP(k8s_security, run_as_non_root) },
	{ ROW("readOnlyRootFilesystem", BOOL, ONE), KEEP(k8s_security, read_only_root) },
	{ ROW("allowPrivilegeEscalation", BOOL, ONE), KEEP(k8s_security, allow_escalation) },
	{ ROW("procMount", STRING, ONE), KEEP(k8s_security, proc_mount),
	  .values = security_context_proc_mount_values },
	{ ROW("seccompProfile", OBJECT, ONE), .sub = &schema_seccomp_profile,
	  KEEP(k8s_security, seccomp) },
	{ ROW("appArmorProfile", OBJECT, ONE), .sub = &schema_app_armor_profile,
	  KEEP(k8s_security, apparmor) },
	{ 0 },
};
const struct schema_type schema_security_context = { "V1SecurityContext", "SecurityContext",
						     sizeof(struct k8s_security),
						     security_context_fields };

static const struct schema_field sysctl_fields[] = {
	{ ROW("name", STRING, ONE), KEEP(k8s_sysctl, name), .required = true },
	{ ROW("value", STRING, ONE), KEEP(k8s_sysctl, value), .required = true },
	{ 0 },
};
const struct schema_type schema_sysctl = { "V1Sysctl", "Sysctl", sizeof(struct k8s_sysctl),
					   sysctl_fields };

static const char *const app_armor_profile_type_values[] = { "RuntimeDefault", "Unconfined",
							     "Localhost", NULL };
static const struct schema_field app_armor_profile_fields[] = {
	{ ROW("type", STRING, ONE), KEEP(k8s_apparmor, type),
	  .values = app_armor_profile_type_values, .required = true },
	{ ROW("localhostProfile", STRING, ONE), KEEP(k8s_apparmor, localhost_profile) },
	{ 0 },
};
const struct schema_type schema_app_armor_profile = { "V1AppArmorProfile", "AppArmorProfile",
						      sizeof(struct k8s_apparmor),
						      app_armor_profile_fields };

static const struct schema_field selinux_options_fields[] = {
	{ ROW("level", STRING, ONE) },
	{ ROW("role", STRING, ONE) },
	{ ROW("type", STRING, ONE) },
	{ ROW("user", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_selinux_options = { "V1SELinuxOptions", "SELinuxOptions", 0,
						    selinux_options_fields };

static const struct schema_field windows_security_context_options_fields[] = {
	{ ROW("gmsaCredentialSpec", STRING, ONE) },
	{ ROW("gmsaCredentialSpecName", STRING, ONE) },
	{ ROW("hostProcess", BOOL, ONE) },
	{ ROW("runAsUserName", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_windows_security_context_options = {
	"V1WindowsSecurityContextOptions", "WindowsSecurityContextOptions", 0,
	windows_security_context_options_fields
};
