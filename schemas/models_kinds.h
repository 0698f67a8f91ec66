/* SPDX-License-Identifier: Apache-2.0 */
/*
 * models_kinds - the table of every type that is reached from the other kinds than Pod.
 */
#ifndef PODIUM_SCHEMAS_MODELS_KINDS_H
#define PODIUM_SCHEMAS_MODELS_KINDS_H

#include "schemas/schema.h"

/* claim.c */
extern const struct schema_type schema_azure_file_persistent_volume_source;
extern const struct schema_type schema_ceph_fs_persistent_volume_source;
extern const struct schema_type schema_cinder_persistent_volume_source;
extern const struct schema_type schema_claim_reference;
extern const struct schema_type schema_csi_persistent_volume_source;
extern const struct schema_type schema_flex_persistent_volume_source;
extern const struct schema_type schema_glusterfs_persistent_volume_source;
extern const struct schema_type schema_iscsi_persistent_volume_source;
extern const struct schema_type schema_local_volume_source;
extern const struct schema_type schema_object_reference;
extern const struct schema_type schema_persistent_volume;
extern const struct schema_type schema_persistent_volume_claim;
extern const struct schema_type schema_persistent_volume_spec;
extern const struct schema_type schema_rbd_persistent_volume_source;
extern const struct schema_type schema_scaleio_persistent_volume_source;
extern const struct schema_type schema_secret_reference;
extern const struct schema_type schema_storage_os_persistent_volume_source;
extern const struct schema_type schema_volume_node_affinity;

/* config.c */
extern const struct schema_type schema_config_map;
extern const struct schema_type schema_namespace;
extern const struct schema_type schema_namespace_spec;

/* job.c */
extern const struct schema_type schema_job;
extern const struct schema_type schema_job_spec;
extern const struct schema_type schema_pod_failure_policy;
extern const struct schema_type schema_pod_failure_policy_on_exit_codes_requirement;
extern const struct schema_type schema_pod_failure_policy_on_pod_conditions_pattern;
extern const struct schema_type schema_pod_failure_policy_rule;
extern const struct schema_type schema_success_policy;
extern const struct schema_type schema_success_policy_rule;

/* kind_status.c */
extern const struct schema_type schema_condition;
extern const struct schema_type schema_daemon_set_condition;
extern const struct schema_type schema_daemon_set_status;
extern const struct schema_type schema_deployment_condition;
extern const struct schema_type schema_deployment_status;
extern const struct schema_type schema_job_condition;
extern const struct schema_type schema_job_status;
extern const struct schema_type schema_modify_volume_status;
extern const struct schema_type schema_namespace_condition;
extern const struct schema_type schema_namespace_status;
extern const struct schema_type schema_persistent_volume_claim_condition;
extern const struct schema_type schema_persistent_volume_claim_status;
extern const struct schema_type schema_persistent_volume_status;
extern const struct schema_type schema_replica_set_condition;
extern const struct schema_type schema_replica_set_status;
extern const struct schema_type schema_uncounted_terminated_pods;

/* later.c */
extern const struct schema_type schema_client_ip_config;
extern const struct schema_type schema_cron_job;
extern const struct schema_type schema_cron_job_spec;
extern const struct schema_type schema_cron_job_status;
extern const struct schema_type schema_job_template_spec;
extern const struct schema_type schema_load_balancer_ingress;
extern const struct schema_type schema_load_balancer_status;
extern const struct schema_type schema_port_status;
extern const struct schema_type schema_replication_controller;
extern const struct schema_type schema_replication_controller_condition;
extern const struct schema_type schema_replication_controller_spec;
extern const struct schema_type schema_replication_controller_status;
extern const struct schema_type schema_rolling_update_stateful_set_strategy;
extern const struct schema_type schema_service;
extern const struct schema_type schema_service_port;
extern const struct schema_type schema_service_spec;
extern const struct schema_type schema_service_status;
extern const struct schema_type schema_session_affinity_config;
extern const struct schema_type schema_stateful_set;
extern const struct schema_type schema_stateful_set_condition;
extern const struct schema_type schema_stateful_set_ordinals;
extern const struct schema_type schema_stateful_set_persistent_volume_claim_retention_policy;
extern const struct schema_type schema_stateful_set_spec;
extern const struct schema_type schema_stateful_set_status;
extern const struct schema_type schema_stateful_set_update_strategy;

/* workload.c */
extern const struct schema_type schema_daemon_set;
extern const struct schema_type schema_daemon_set_spec;
extern const struct schema_type schema_daemon_set_update_strategy;
extern const struct schema_type schema_deployment;
extern const struct schema_type schema_deployment_spec;
extern const struct schema_type schema_deployment_strategy;
extern const struct schema_type schema_pod_template_spec;
extern const struct schema_type schema_replica_set;
extern const struct schema_type schema_replica_set_spec;
extern const struct schema_type schema_rolling_update_daemon_set;
extern const struct schema_type schema_rolling_update_deployment;
extern const struct schema_type schema_template_meta;

#endif
