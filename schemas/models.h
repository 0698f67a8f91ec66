/* SPDX-License-Identifier: Apache-2.0 */
/*
 * models - the table of every type in the closure of Kubernetes' Pod, and of Secret.
 */
#ifndef PODIUM_SCHEMAS_MODELS_H
#define PODIUM_SCHEMAS_MODELS_H

#include "schemas/schema.h"

/* container.c */
extern const struct schema_type schema_resource_claim;
extern const struct schema_type schema_config_map_env_source;
extern const struct schema_type schema_config_map_key_selector;
extern const struct schema_type schema_container;
extern const struct schema_type schema_container_port;
extern const struct schema_type schema_container_resize_policy;
extern const struct schema_type schema_container_restart_rule;
extern const struct schema_type schema_container_restart_rule_on_exit_codes;
extern const struct schema_type schema_env_from_source;
extern const struct schema_type schema_env_var;
extern const struct schema_type schema_env_var_source;
extern const struct schema_type schema_file_key_selector;
extern const struct schema_type schema_object_field_selector;
extern const struct schema_type schema_resource_field_selector;
extern const struct schema_type schema_resource_requirements;
extern const struct schema_type schema_secret_env_source;
extern const struct schema_type schema_secret_key_selector;
extern const struct schema_type schema_volume_device;
extern const struct schema_type schema_volume_mount;

/* claim.c */
extern const struct schema_type schema_persistent_volume_claim_spec;
extern const struct schema_type schema_persistent_volume_claim_template;
extern const struct schema_type schema_volume_resource_requirements;

/* meta.c */
extern const struct schema_type schema_label_selector;
extern const struct schema_type schema_label_selector_requirement;
extern const struct schema_type schema_managed_fields_entry;
extern const struct schema_type schema_object_meta;
extern const struct schema_type schema_owner_reference;
extern const struct schema_type schema_typed_local_object_reference;
extern const struct schema_type schema_typed_object_reference;

/* pod.c */
extern const struct schema_type schema_ephemeral_container;
extern const struct schema_type schema_host_alias;
extern const struct schema_type schema_local_object_reference;
extern const struct schema_type schema_pod;
extern const struct schema_type schema_pod_dns_config;
extern const struct schema_type schema_pod_dns_config_option;
extern const struct schema_type schema_pod_os;
extern const struct schema_type schema_pod_readiness_gate;
extern const struct schema_type schema_pod_resource_claim;
extern const struct schema_type schema_pod_spec;

/* probe.c */
extern const struct schema_type schema_exec_action;
extern const struct schema_type schema_grpc_action;
extern const struct schema_type schema_http_get_action;
extern const struct schema_type schema_http_header;
extern const struct schema_type schema_lifecycle;
extern const struct schema_type schema_lifecycle_handler;
extern const struct schema_type schema_probe;
extern const struct schema_type schema_sleep_action;
extern const struct schema_type schema_tcp_socket_action;

/* scheduling.c */
extern const struct schema_type schema_affinity;
extern const struct schema_type schema_node_affinity;
extern const struct schema_type schema_node_selector;
extern const struct schema_type schema_node_selector_requirement;
extern const struct schema_type schema_node_selector_term;
extern const struct schema_type schema_pod_affinity;
extern const struct schema_type schema_pod_affinity_term;
extern const struct schema_type schema_pod_anti_affinity;
extern const struct schema_type schema_pod_scheduling_gate;
extern const struct schema_type schema_pod_scheduling_group;
extern const struct schema_type schema_preferred_scheduling_term;
extern const struct schema_type schema_toleration;
extern const struct schema_type schema_topology_spread_constraint;
extern const struct schema_type schema_weighted_pod_affinity_term;

/* config.c */
extern const struct schema_type schema_secret;

/* security.c */
extern const struct schema_type schema_app_armor_profile;
extern const struct schema_type schema_capabilities;
extern const struct schema_type schema_pod_security_context;
extern const struct schema_type schema_selinux_options;
extern const struct schema_type schema_seccomp_profile;
extern const struct schema_type schema_security_context;
extern const struct schema_type schema_sysctl;
extern const struct schema_type schema_windows_security_context_options;

/* status.c */
extern const struct schema_type schema_container_extended_resource_request;
extern const struct schema_type schema_container_state;
extern const struct schema_type schema_container_state_running;
extern const struct schema_type schema_container_state_terminated;
extern const struct schema_type schema_container_state_waiting;
extern const struct schema_type schema_container_status;
extern const struct schema_type schema_container_user;
extern const struct schema_type schema_host_ip;
extern const struct schema_type schema_image_volume_status;
extern const struct schema_type schema_linux_container_user;
extern const struct schema_type schema_node_allocatable_resource_claim_status;
extern const struct schema_type schema_pod_condition;
extern const struct schema_type schema_pod_extended_resource_claim_status;
extern const struct schema_type schema_pod_ip;
extern const struct schema_type schema_pod_resource_claim_status;
extern const struct schema_type schema_pod_status;
extern const struct schema_type schema_resource_health;
extern const struct schema_type schema_resource_status;
extern const struct schema_type schema_volume_mount_status;
extern const struct schema_type schema_volume_status;

/* volume.c */
extern const struct schema_type schema_aws_elastic_block_store_volume_source;
extern const struct schema_type schema_azure_disk_volume_source;
extern const struct schema_type schema_azure_file_volume_source;
extern const struct schema_type schema_csi_volume_source;
extern const struct schema_type schema_ceph_fs_volume_source;
extern const struct schema_type schema_cinder_volume_source;
extern const struct schema_type schema_cluster_trust_bundle_projection;
extern const struct schema_type schema_config_map_projection;
extern const struct schema_type schema_config_map_volume_source;
extern const struct schema_type schema_downward_api_projection;
extern const struct schema_type schema_downward_api_volume_file;
extern const struct schema_type schema_downward_api_volume_source;
extern const struct schema_type schema_empty_dir_volume_source;
extern const struct schema_type schema_ephemeral_volume_source;
extern const struct schema_type schema_fc_volume_source;
extern const struct schema_type schema_flex_volume_source;
extern const struct schema_type schema_flocker_volume_source;
extern const struct schema_type schema_gce_persistent_disk_volume_source;
extern const struct schema_type schema_git_repo_volume_source;
extern const struct schema_type schema_glusterfs_volume_source;
extern const struct schema_type schema_host_path_volume_source;
extern const struct schema_type schema_iscsi_volume_source;
extern const struct schema_type schema_image_volume_source;
extern const struct schema_type schema_key_to_path;
extern const struct schema_type schema_nfs_volume_source;
extern const struct schema_type schema_persistent_volume_claim_volume_source;
extern const struct schema_type schema_photon_persistent_disk_volume_source;
extern const struct schema_type schema_pod_certificate_projection;
extern const struct schema_type schema_portworx_volume_source;
extern const struct schema_type schema_projected_volume_source;
extern const struct schema_type schema_quobyte_volume_source;
extern const struct schema_type schema_rbd_volume_source;
extern const struct schema_type schema_scaleio_volume_source;
extern const struct schema_type schema_secret_projection;
extern const struct schema_type schema_secret_volume_source;
extern const struct schema_type schema_service_account_token_projection;
extern const struct schema_type schema_storage_os_volume_source;
extern const struct schema_type schema_volume;
extern const struct schema_type schema_volume_projection;
extern const struct schema_type schema_vsphere_virtual_disk_volume_source;

#endif
