/* SPDX-License-Identifier: Apache-2.0 */
/* types_claim - PersistentVolumeClaim and PersistentVolume; see types.h. */
#ifndef PODIUM_SCHEMAS_TYPES_CLAIM_H
#define PODIUM_SCHEMAS_TYPES_CLAIM_H

#include "schemas/types_base.h"
#include "schemas/types_workload.h"

struct k8s_host_path;

struct k8s_claim_resources {
	struct pairlist requests;
};

struct k8s_claim_spec {
	struct strlist access_modes;
	struct k8s_selector *selector;
	struct k8s_claim_resources *resources;
	char *volume_name;
	char *storage_class;
	char *volume_mode;
};

struct k8s_claim {
	char *api_version;
	char *kind;
	struct k8s_meta *meta;
	struct k8s_claim_spec *spec;
};

struct k8s_local_volume {
	char *path;
};

struct k8s_claim_reference {
	char *namespace_;
	char *name;
};

struct k8s_pv_spec {
	struct pairlist capacity;
	struct k8s_host_path *host_path;
	struct k8s_local_volume *local;
	struct strlist access_modes;
	struct k8s_claim_reference *claim;
	char *storage_class;
	char *volume_mode;
};

struct k8s_pv {
	char *api_version;
	char *kind;
	struct k8s_meta *meta;
	struct k8s_pv_spec *spec;
};

#endif
