/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claim - PersistentVolumeClaim and PersistentVolume.
 *
 * Data only: see schemas/schema.h for what a row says and schemas/types_claim.h for the structs.
 * A claim asks for a volume, which outlives its pods; a volume of the host's own paths can be had.
 *
 * testdata/k8s-fields.json is the oracle: tests/unit/test_schema.c walks it against these rows in
 * both directions, so that no field of Kubernetes 1.36 is missing and none is invented.
 */
#include "schemas/models.h"
#include "schemas/models_kinds.h"

#include "schemas/field.h"

static const char *const access_mode_values[] = { "ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany",
						  "ReadWriteOncePod", NULL };
static const char *const volume_mode_values[] = { "Filesystem", "Block", NULL };
static const char *const reclaim_policy_values[] = { "Retain", "Delete", "Recycle", NULL };

static const struct schema_field persistent_volume_claim_fields[] = {
	{ ROW("apiVersion", STRING, ONE), KEEP(k8s_claim, api_version), .required = true },
	{ ROW("kind", STRING, ONE), KEEP(k8s_claim, kind), .required = true },
	{ ROW("metadata", OBJECT, ONE), .sub = &schema_object_meta, KEEP(k8s_claim, meta),
	  .required = true },
	{ ROW("spec", OBJECT, ONE), .sub = &schema_persistent_volume_claim_spec,
	  KEEP(k8s_claim, spec), .required = true },
	{ ROW("status", OBJECT, ONE), .sub = &schema_persistent_volume_claim_status,
	  .support = FIELD_SERVER },
	{ 0 },
};
const struct schema_type schema_persistent_volume_claim = { "V1PersistentVolumeClaim",
							    "PersistentVolumeClaim",
							    sizeof(struct k8s_claim),
							    persistent_volume_claim_fields };

static const struct schema_field persistent_volume_claim_spec_fields[] = {
	{ ROW("accessModes", STRING, LIST), KEEP(k8s_claim_spec, access_modes),
	  .values = access_mode_values },
	{ ROW("selector", OBJECT, ONE), .sub = &schema_label_selector,
	  KEEP(k8s_claim_spec, selector) },
	{ ROW("resources", OBJECT, ONE), .sub = &schema_volume_resource_requirements,
	  KEEP(k8s_claim_spec, resources) },
	{ ROW("volumeName", STRING, ONE), KEEP(k8s_claim_spec, volume_name) },
	{ ROW("storageClassName", STRING, ONE), KEEP(k8s_claim_spec, storage_class),
	  .reason = "chooses among PersistentVolumes; nothing is provisioned by it" },
	{ ROW("volumeMode", STRING, ONE), KEEP(k8s_claim_spec, volume_mode),
	  .values = volume_mode_values },
	{ ROW("dataSource", OBJECT, ONE), .sub = &schema_typed_local_object_reference,
	  .reason = "a new volume is empty: nothing here copies another or a snapshot" },
	{ ROW("dataSourceRef", OBJECT, ONE), .sub = &schema_typed_object_reference,
	  .reason = "a new volume is empty: nothing here copies another or a snapshot" },
	{ ROW("volumeAttributesClassName", STRING, ONE),
	  .reason = "there are no classes of volumes here" },
	{ 0 },
};
const struct schema_type schema_persistent_volume_claim_spec = {
	"V1PersistentVolumeClaimSpec", "PersistentVolumeClaimSpec", sizeof(struct k8s_claim_spec),
	persistent_volume_claim_spec_fields
};

/* Of a claim that is made for a pod: it gets its name and namespace from there. */
static const struct schema_field claim_template_meta_fields[] = {
	{ ROW("name", STRING, ONE), KEEP(k8s_meta, name),
	  .reason = "refused: it is the pod's and the volume's" },
	{ ROW("generateName", STRING, ONE), .reason = "it is named after the pod and the volume" },
	{ ROW("namespace", STRING, ONE), KEEP(k8s_meta, namespace_),
	  .reason = "refused: it is the pod's" },
	{ ROW("selfLink", STRING, ONE), .support = FIELD_SERVER },
	{ ROW("uid", STRING, ONE), .support = FIELD_SERVER },
	{ ROW("resourceVersion", STRING, ONE), .support = FIELD_SERVER },
	{ ROW("generation", INT64, ONE), .support = FIELD_SERVER },
	{ ROW("creationTimestamp", TIMESTAMP, ONE), .support = FIELD_SERVER },
	{ ROW("deletionTimestamp", TIMESTAMP, ONE), .support = FIELD_SERVER },
	{ ROW("deletionGracePeriodSeconds", INT64, ONE), .support = FIELD_SERVER },
	{ ROW("labels", STRING, MAP), KEEP(k8s_meta, labels) },
	{ ROW("annotations", STRING, MAP), KEEP(k8s_meta, annotations) },
	{ ROW("ownerReferences", OBJECT, LIST), .sub = &schema_owner_reference,
	  .reason = "there is no controller here" },
	{ ROW("finalizers", STRING, LIST), .reason = "there is no controller here" },
	{ ROW("managedFields", OBJECT, LIST), .sub = &schema_managed_fields_entry,
	  .support = FIELD_SERVER },
	{ 0 },
};
static const struct schema_type claim_template_meta = { "V1ObjectMeta",
							"ObjectMeta of a claim's template",
							sizeof(struct k8s_meta),
							claim_template_meta_fields };

static const struct schema_field persistent_volume_claim_template_fields[] = {
	{ ROW("metadata", OBJECT, ONE), .sub = &claim_template_meta, KEEP(k8s_claim, meta) },
	{ ROW("spec", OBJECT, ONE), .sub = &schema_persistent_volume_claim_spec,
	  KEEP(k8s_claim, spec), .required = true },
	{ 0 },
};
const struct schema_type schema_persistent_volume_claim_template = {
	"V1PersistentVolumeClaimTemplate", "PersistentVolumeClaimTemplate",
	sizeof(struct k8s_claim), persistent_volume_claim_template_fields
};

static const struct schema_field volume_resource_requirements_fields[] = {
	{ ROW("limits", QUANTITY, MAP), .reason = "nothing here limits the size of a volume" },
	{ ROW("requests", QUANTITY, MAP), KEEP(k8s_claim_resources, requests),
	  .reason = "chooses among PersistentVolumes; it is no quota" },
	{ 0 },
};
const struct schema_type schema_volume_resource_requirements = {
	"V1VolumeResourceRequirements", "VolumeResourceRequirements",
	sizeof(struct k8s_claim_resources), volume_resource_requirements_fields
};

static const struct schema_field persistent_volume_fields[] = {
	{ ROW("apiVersion", STRING, ONE), KEEP(k8s_pv, api_version), .required = true },
	{ ROW("kind", STRING, ONE), KEEP(k8s_pv, kind), .required = true },
	{ ROW("metadata", OBJECT, ONE), .sub = &schema_object_meta, KEEP(k8s_pv, meta),
	  .required = true },
	{ ROW("spec", OBJECT, ONE), .sub = &schema_persistent_volume_spec, KEEP(k8s_pv, spec),
	  .required = true },
	{ ROW("status", OBJECT, ONE), .sub = &schema_persistent_volume_status,
	  .support = FIELD_SERVER },
	{ 0 },
};
const struct schema_type schema_persistent_volume = { "V1PersistentVolume", "PersistentVolume",
						      sizeof(struct k8s_pv),
						      persistent_volume_fields };

#define NOT_HERE "one host cannot have this source: the volume is bound to no claim"
static const struct schema_field persistent_volume_spec_fields[] = {
	{ ROW("capacity", QUANTITY, MAP), KEEP(k8s_pv_spec, capacity) },
	{ ROW("gcePersistentDisk", OBJECT, ONE), .sub = &schema_gce_persistent_disk_volume_source,
	  .reason = NOT_HERE },
	{ ROW("awsElasticBlockStore", OBJECT, ONE),
	  .sub = &schema_aws_elastic_block_store_volume_source, .reason = NOT_HERE },
	{ ROW("hostPath", OBJECT, ONE), .sub = &schema_host_path_volume_source,
	  KEEP(k8s_pv_spec, host_path) },
	{ ROW("glusterfs", OBJECT, ONE), .sub = &schema_glusterfs_persistent_volume_source,
	  .reason = NOT_HERE },
	{ ROW("nfs", OBJECT, ONE), .sub = &schema_nfs_volume_source, .reason = NOT_HERE },
	{ ROW("rbd", OBJECT, ONE), .sub = &schema_rbd_persistent_volume_source,
	  .reason = NOT_HERE },
	{ ROW("iscsi", OBJECT, ONE), .sub = &schema_iscsi_persistent_volume_source,
	  .reason = NOT_HERE },
	{ ROW("cinder", OBJECT, ONE), .sub = &schema_cinder_persistent_volume_source,
	  .reason = NOT_HERE },
	{ ROW("cephfs", OBJECT, ONE), .sub = &schema_ceph_fs_persistent_volume_source,
	  .reason = NOT_HERE },
	{ ROW("fc", OBJECT, ONE), .sub = &schema_fc_volume_source, .reason = NOT_HERE },
	{ ROW("flocker", OBJECT, ONE), .sub = &schema_flocker_volume_source, .reason = NOT_HERE },
	{ ROW("flexVolume", OBJECT, ONE), .sub = &schema_flex_persistent_volume_source,
	  .reason = NOT_HERE },
	{ ROW("azureFile", OBJECT, ONE), .sub = &schema_azure_file_persistent_volume_source,
	  .reason = NOT_HERE },
	{ ROW("vsphereVolume", OBJECT, ONE), .sub = &schema_vsphere_virtual_disk_volume_source,
	  .reason = NOT_HERE },
	{ ROW("quobyte", OBJECT, ONE), .sub = &schema_quobyte_volume_source, .reason = NOT_HERE },
	{ ROW("azureDisk", OBJECT, ONE), .sub = &schema_azure_disk_volume_source,
	  .reason = NOT_HERE },
	{ ROW("photonPersistentDisk", OBJECT, ONE),
	  .sub = &schema_photon_persistent_disk_volume_source, .reason = NOT_HERE },
	{ ROW("portworxVolume", OBJECT, ONE), .sub = &schema_portworx_volume_source,
	  .reason = NOT_HERE },
	{ ROW("scaleIO", OBJECT, ONE), .sub = &schema_scaleio_persistent_volume_source,
	  .reason = NOT_HERE },
	{ ROW("local", OBJECT, ONE), .sub = &schema_local_volume_source, KEEP(k8s_pv_spec, local) },
	{ ROW("storageos", OBJECT, ONE), .sub = &schema_storage_os_persistent_volume_source,
	  .reason = NOT_HERE },
	{ ROW("csi", OBJECT, ONE), .sub = &schema_csi_persistent_volume_source,
	  .reason = NOT_HERE },
	{ ROW("accessModes", STRING, LIST), KEEP(k8s_pv_spec, access_modes),
	  .values = access_mode_values },
	{ ROW("claimRef", OBJECT, ONE), .sub = &schema_claim_reference, KEEP(k8s_pv_spec, claim) },
	{ ROW("persistentVolumeReclaimPolicy", STRING, ONE),
	  .reason = "what is on the host's own path stays there", .harmless = "Retain",
	  .values = reclaim_policy_values },
	{ ROW("storageClassName", STRING, ONE), KEEP(k8s_pv_spec, storage_class) },
	{ ROW("mountOptions", STRING, LIST), .reason = "a path of the host is mounted as it is" },
	{ ROW("volumeMode", STRING, ONE), KEEP(k8s_pv_spec, volume_mode),
	  .values = volume_mode_values },
	{ ROW("nodeAffinity", OBJECT, ONE), .sub = &schema_volume_node_affinity,
	  .reason = "there is one node, this host", .harmless = "*" },
	{ ROW("volumeAttributesClassName", STRING, ONE),
	  .reason = "there are no classes of volumes here" },
	{ 0 },
};
const struct schema_type schema_persistent_volume_spec = { "V1PersistentVolumeSpec",
							   "PersistentVolumeSpec",
							   sizeof(struct k8s_pv_spec),
							   persistent_volume_spec_fields };

static const struct schema_field local_volume_source_fields[] = {
	{ ROW("path", STRING, ONE), KEEP(k8s_local_volume, path), .required = true },
	{ ROW("fsType", STRING, ONE), .reason = "a directory of the host is mounted as it is" },
	{ 0 },
};
const struct schema_type schema_local_volume_source = { "V1LocalVolumeSource", "LocalVolumeSource",
							sizeof(struct k8s_local_volume),
							local_volume_source_fields };

/* ObjectReference, as a volume names its claim. */
static const struct schema_field claim_reference_fields[] = {
	{ ROW("kind", STRING, ONE), .reason = "it is a claim", .harmless = "*" },
	{ ROW("namespace", STRING, ONE), KEEP(k8s_claim_reference, namespace_) },
	{ ROW("name", STRING, ONE), KEEP(k8s_claim_reference, name) },
	{ ROW("uid", STRING, ONE), .support = FIELD_SERVER },
	{ ROW("apiVersion", STRING, ONE), .reason = "it is a claim's", .harmless = "*" },
	{ ROW("resourceVersion", STRING, ONE), .support = FIELD_SERVER },
	{ ROW("fieldPath", STRING, ONE), .reason = "a volume is bound to a whole claim" },
	{ 0 },
};
const struct schema_type schema_claim_reference = { "V1ObjectReference", "ObjectReference",
						    sizeof(struct k8s_claim_reference),
						    claim_reference_fields };

static const struct schema_field volume_node_affinity_fields[] = {
	{ ROW("required", OBJECT, ONE), .sub = &schema_node_selector },
	{ 0 },
};
const struct schema_type schema_volume_node_affinity = { "V1VolumeNodeAffinity",
							 "VolumeNodeAffinity", 0,
							 volume_node_affinity_fields };

static const struct schema_field secret_reference_fields[] = {
	{ ROW("name", STRING, ONE) },
	{ ROW("namespace", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_secret_reference = { "V1SecretReference", "SecretReference", 0,
						     secret_reference_fields };

static const struct schema_field object_reference_fields[] = {
	{ ROW("apiVersion", STRING, ONE) }, { ROW("fieldPath", STRING, ONE) },
	{ ROW("kind", STRING, ONE) },	    { ROW("name", STRING, ONE) },
	{ ROW("namespace", STRING, ONE) },  { ROW("resourceVersion", STRING, ONE) },
	{ ROW("uid", STRING, ONE) },	    { 0 },
};
const struct schema_type schema_object_reference = { "V1ObjectReference", "ObjectReference", 0,
						     object_reference_fields };

static const struct schema_field azure_file_persistent_volume_source_fields[] = {
	{ ROW("readOnly", BOOL, ONE) },
	{ ROW("secretName", STRING, ONE) },
	{ ROW("secretNamespace", STRING, ONE) },
	{ ROW("shareName", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_azure_file_persistent_volume_source = {
	"V1AzureFilePersistentVolumeSource", "AzureFilePersistentVolumeSource", 0,
	azure_file_persistent_volume_source_fields
};

static const struct schema_field csi_persistent_volume_source_fields[] = {
	{ ROW("controllerExpandSecretRef", OBJECT, ONE), .sub = &schema_secret_reference },
	{ ROW("controllerPublishSecretRef", OBJECT, ONE), .sub = &schema_secret_reference },
	{ ROW("driver", STRING, ONE) },
	{ ROW("fsType", STRING, ONE) },
	{ ROW("nodeExpandSecretRef", OBJECT, ONE), .sub = &schema_secret_reference },
	{ ROW("nodePublishSecretRef", OBJECT, ONE), .sub = &schema_secret_reference },
	{ ROW("nodeStageSecretRef", OBJECT, ONE), .sub = &schema_secret_reference },
	{ ROW("readOnly", BOOL, ONE) },
	{ ROW("volumeAttributes", STRING, MAP) },
	{ ROW("volumeHandle", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_csi_persistent_volume_source = {
	"V1CSIPersistentVolumeSource", "CSIPersistentVolumeSource", 0,
	csi_persistent_volume_source_fields
};

static const struct schema_field ceph_fs_persistent_volume_source_fields[] = {
	{ ROW("monitors", STRING, LIST) },
	{ ROW("path", STRING, ONE) },
	{ ROW("readOnly", BOOL, ONE) },
	{ ROW("secretFile", STRING, ONE) },
	{ ROW("secretRef", OBJECT, ONE), .sub = &schema_secret_reference },
	{ ROW("user", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_ceph_fs_persistent_volume_source = {
	"V1CephFSPersistentVolumeSource", "CephFSPersistentVolumeSource", 0,
	ceph_fs_persistent_volume_source_fields
};

static const struct schema_field cinder_persistent_volume_source_fields[] = {
	{ ROW("fsType", STRING, ONE) },
	{ ROW("readOnly", BOOL, ONE) },
	{ ROW("secretRef", OBJECT, ONE), .sub = &schema_secret_reference },
	{ ROW("volumeID", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_cinder_persistent_volume_source = {
	"V1CinderPersistentVolumeSource", "CinderPersistentVolumeSource", 0,
	cinder_persistent_volume_source_fields
};

static const struct schema_field flex_persistent_volume_source_fields[] = {
	{ ROW("driver", STRING, ONE) },
	{ ROW("fsType", STRING, ONE) },
	{ ROW("options", STRING, MAP) },
	{ ROW("readOnly", BOOL, ONE) },
	{ ROW("secretRef", OBJECT, ONE), .sub = &schema_secret_reference },
	{ 0 },
};
const struct schema_type schema_flex_persistent_volume_source = {
	"V1FlexPersistentVolumeSource", "FlexPersistentVolumeSource", 0,
	flex_persistent_volume_source_fields
};

static const struct schema_field glusterfs_persistent_volume_source_fields[] = {
	{ ROW("endpoints", STRING, ONE) },
	{ ROW("endpointsNamespace", STRING, ONE) },
	{ ROW("path", STRING, ONE) },
	{ ROW("readOnly", BOOL, ONE) },
	{ 0 },
};
const struct schema_type schema_glusterfs_persistent_volume_source = {
	"V1GlusterfsPersistentVolumeSource", "GlusterfsPersistentVolumeSource", 0,
	glusterfs_persistent_volume_source_fields
};

static const struct schema_field iscsi_persistent_volume_source_fields[] = {
	{ ROW("chapAuthDiscovery", BOOL, ONE) },
	{ ROW("chapAuthSession", BOOL, ONE) },
	{ ROW("fsType", STRING, ONE) },
	{ ROW("initiatorName", STRING, ONE) },
	{ ROW("iqn", STRING, ONE) },
	{ ROW("iscsiInterface", STRING, ONE) },
	{ ROW("lun", INT32, ONE) },
	{ ROW("portals", STRING, LIST) },
	{ ROW("readOnly", BOOL, ONE) },
	{ ROW("secretRef", OBJECT, ONE), .sub = &schema_secret_reference },
	{ ROW("targetPortal", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_iscsi_persistent_volume_source = {
	"V1ISCSIPersistentVolumeSource", "ISCSIPersistentVolumeSource", 0,
	iscsi_persistent_volume_source_fields
};

static const struct schema_field rbd_persistent_volume_source_fields[] = {
	{ ROW("fsType", STRING, ONE) },
	{ ROW("image", STRING, ONE) },
	{ ROW("keyring", STRING, ONE) },
	{ ROW("monitors", STRING, LIST) },
	{ ROW("pool", STRING, ONE) },
	{ ROW("readOnly", BOOL, ONE) },
	{ ROW("secretRef", OBJECT, ONE), .sub = &schema_secret_reference },
	{ ROW("user", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_rbd_persistent_volume_source = {
	"V1RBDPersistentVolumeSource", "RBDPersistentVolumeSource", 0,
	rbd_persistent_volume_source_fields
};

static const struct schema_field scaleio_persistent_volume_source_fields[] = {
	{ ROW("fsType", STRING, ONE) },
	{ ROW("gateway", STRING, ONE) },
	{ ROW("protectionDomain", STRING, ONE) },
	{ ROW("readOnly", BOOL, ONE) },
	{ ROW("secretRef", OBJECT, ONE), .sub = &schema_secret_reference },
	{ ROW("sslEnabled", BOOL, ONE) },
	{ ROW("storageMode", STRING, ONE) },
	{ ROW("storagePool", STRING, ONE) },
	{ ROW("system", STRING, ONE) },
	{ ROW("volumeName", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_scaleio_persistent_volume_source = {
	"V1ScaleIOPersistentVolumeSource", "ScaleIOPersistentVolumeSource", 0,
	scaleio_persistent_volume_source_fields
};

static const struct schema_field storage_os_persistent_volume_source_fields[] = {
	{ ROW("fsType", STRING, ONE) },
	{ ROW("readOnly", BOOL, ONE) },
	{ ROW("secretRef", OBJECT, ONE), .sub = &schema_object_reference },
	{ ROW("volumeName", STRING, ONE) },
	{ ROW("volumeNamespace", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_storage_os_persistent_volume_source = {
	"V1StorageOSPersistentVolumeSource", "StorageOSPersistentVolumeSource", 0,
	storage_os_persistent_volume_source_fields
};
