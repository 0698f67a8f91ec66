/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry - apiVersion and kind to table.
 *
 * Theory of operation: a document names its type by apiVersion and kind. This list tells which of
 * them are played, which are known and come later (their fields are checked already), which mean
 * nothing on one host, and thereby what the reader of a manifest is told: nothing, "skipped" (a
 * warning), or "unknown kind" (a warning that may point at a typing error). The nearest kind's name is searched in it as well.
 *
 * A kind that is known under another apiVersion than the one given is a mistake worth its own
 * message: schema_kind_find() with api_version NULL finds it.
 *
 * Adding a kind: its table in a file of its own, a row here, a row in kube/kinds.c.
 */
#include <string.h>

#include "schemas/models.h"
#include "schemas/models_kinds.h"

const struct schema_kind schema_kinds[] = {
	{ "v1", "Pod", KIND_PLAYED, &schema_pod },
	{ "v1", "List", KIND_LIST, NULL },
	{ "v1", "ConfigMap", KIND_PLAYED, &schema_config_map },
	{ "v1", "Secret", KIND_PLAYED, &schema_secret },
	{ "v1", "Service", KIND_LATER, &schema_service },
	{ "v1", "PersistentVolumeClaim", KIND_PLAYED, &schema_persistent_volume_claim },
	{ "v1", "PersistentVolume", KIND_PLAYED, &schema_persistent_volume },
	{ "v1", "Namespace", KIND_PLAYED, &schema_namespace },
	{ "apps/v1", "Deployment", KIND_PLAYED, &schema_deployment },
	{ "apps/v1", "ReplicaSet", KIND_PLAYED, &schema_replica_set },
	{ "apps/v1", "StatefulSet", KIND_LATER, &schema_stateful_set },
	{ "apps/v1", "DaemonSet", KIND_PLAYED, &schema_daemon_set },
	{ "v1", "ReplicationController", KIND_LATER, &schema_replication_controller },
	{ "batch/v1", "Job", KIND_PLAYED, &schema_job },
	{ "batch/v1", "CronJob", KIND_LATER, &schema_cron_job },
	{ "v1", "ServiceAccount", KIND_CLUSTER, NULL },
	{ "v1", "LimitRange", KIND_CLUSTER, NULL },
	{ "v1", "ResourceQuota", KIND_CLUSTER, NULL },
	{ "v1", "Endpoints", KIND_CLUSTER, NULL },
	{ "v1", "Node", KIND_CLUSTER, NULL },
	{ "v1", "PodTemplate", KIND_CLUSTER, NULL },
	{ "discovery.k8s.io/v1", "EndpointSlice", KIND_CLUSTER, NULL },
	{ "networking.k8s.io/v1", "Ingress", KIND_CLUSTER, NULL },
	{ "networking.k8s.io/v1", "IngressClass", KIND_CLUSTER, NULL },
	{ "networking.k8s.io/v1", "NetworkPolicy", KIND_CLUSTER, NULL },
	{ "gateway.networking.k8s.io/v1", "Gateway", KIND_CLUSTER, NULL },
	{ "gateway.networking.k8s.io/v1", "HTTPRoute", KIND_CLUSTER, NULL },
	{ "rbac.authorization.k8s.io/v1", "Role", KIND_CLUSTER, NULL },
	{ "rbac.authorization.k8s.io/v1", "RoleBinding", KIND_CLUSTER, NULL },
	{ "rbac.authorization.k8s.io/v1", "ClusterRole", KIND_CLUSTER, NULL },
	{ "rbac.authorization.k8s.io/v1", "ClusterRoleBinding", KIND_CLUSTER, NULL },
	{ "storage.k8s.io/v1", "StorageClass", KIND_CLUSTER, NULL },
	{ "policy/v1", "PodDisruptionBudget", KIND_CLUSTER, NULL },
	{ "autoscaling/v2", "HorizontalPodAutoscaler", KIND_CLUSTER, NULL },
	{ "node.k8s.io/v1", "RuntimeClass", KIND_CLUSTER, NULL },
	{ "scheduling.k8s.io/v1", "PriorityClass", KIND_CLUSTER, NULL },
	{ "apiextensions.k8s.io/v1", "CustomResourceDefinition", KIND_CLUSTER, NULL },
	{ NULL, NULL, KIND_UNKNOWN, NULL },
};

const struct schema_kind *schema_kind_find(const char *api_version, const char *kind)
{
	for (const struct schema_kind *k = schema_kinds; k->kind; k++) {
		if (strcmp(k->kind, kind) != 0)
			continue;
		if (!api_version || strcmp(k->api_version, api_version) == 0)
			return k;
	}
	return NULL;
}

const struct schema_field *schema_find(const struct schema_type *type, const char *name)
{
	for (const struct schema_field *f = type->fields; f->name; f++) {
		if (strcmp(f->name, name) == 0)
			return f;
	}
	return NULL;
}
