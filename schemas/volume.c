/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume - volumes and every source that Kubernetes knows for them.
 *
 * Data only: see schemas/schema.h for what a row says and schemas/types_volume.h for the structs.
 * A source that one host cannot have is known by shape only. A pod that mounts one is refused by
 * play, while validate warns.
 *
 * testdata/k8s-fields.json is the oracle: tests/unit/test_schema.c walks it against these rows in
 * both directions, so that no field of Kubernetes 1.36 is missing and none is invented.
 */
#include "schemas/models.h"

#include "schemas/field.h"

static const struct schema_field empty_dir_volume_source_fields[] = {
	{ ROW("medium", STRING, ONE), KEEP(k8s_empty_dir, medium) },
	{ ROW("sizeLimit", QUANTITY, ONE), KEEP(k8s_empty_dir, size_limit),
	  .reason = "in memory the kernel keeps it; on disk a look every 10 s, then eviction" },
	{ 0 },
};
const struct schema_type schema_empty_dir_volume_source = { "V1EmptyDirVolumeSource",
							    "EmptyDirVolumeSource",
							    sizeof(struct k8s_empty_dir),
							    empty_dir_volume_source_fields };

static const char *const host_path_volume_source_type_values[] = {
	"",	      "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket",
	"CharDevice", "BlockDevice",	   NULL
};
static const struct schema_field host_path_volume_source_fields[] = {
	{ ROW("path", STRING, ONE), KEEP(k8s_host_path, path), .required = true },
	{ ROW("type", STRING, ONE), KEEP(k8s_host_path, type),
	  .values = host_path_volume_source_type_values },
	{ 0 },
};
const struct schema_type schema_host_path_volume_source = { "V1HostPathVolumeSource",
							    "HostPathVolumeSource",
							    sizeof(struct k8s_host_path),
							    host_path_volume_source_fields };

static const struct schema_field volume_fields[] = {
	{ ROW("name", STRING, ONE), KEEP(k8s_volume, name), .required = true },
	{ ROW("hostPath", OBJECT, ONE), .sub = &schema_host_path_volume_source,
	  KEEP(k8s_volume, host_path) },
	{ ROW("emptyDir", OBJECT, ONE), .sub = &schema_empty_dir_volume_source,
	  KEEP(k8s_volume, empty_dir) },
	{ ROW("gcePersistentDisk", OBJECT, ONE), .sub = &schema_gce_persistent_disk_volume_source,
	  .reason = "this storage needs a cluster" },
	{ ROW("awsElasticBlockStore", OBJECT, ONE),
	  .sub = &schema_aws_elastic_block_store_volume_source,
	  .reason = "this storage needs a cluster" },
	{ ROW("gitRepo", OBJECT, ONE), .sub = &schema_git_repo_volume_source,
	  .reason = "withdrawn by Kubernetes for its safety holes" },
	{ ROW("secret", OBJECT, ONE), .sub = &schema_secret_volume_source,
	  KEEP(k8s_volume, secret) },
	{ ROW("nfs", OBJECT, ONE), .sub = &schema_nfs_volume_source,
	  .reason = "this storage needs a cluster" },
	{ ROW("iscsi", OBJECT, ONE), .sub = &schema_iscsi_volume_source,
	  .reason = "this storage needs a cluster" },
	{ ROW("glusterfs", OBJECT, ONE), .sub = &schema_glusterfs_volume_source,
	  .reason = "this storage needs a cluster" },
	{ ROW("persistentVolumeClaim", OBJECT, ONE),
	  .sub = &schema_persistent_volume_claim_volume_source, KEEP(k8s_volume, claim) },
	{ ROW("rbd", OBJECT, ONE), .sub = &schema_rbd_volume_source,
	  .reason = "this storage needs a cluster" },
	{ ROW("flexVolume", OBJECT, ONE), .sub = &schema_flex_volume_source,
	  .reason = "this storage needs a cluster" },
	{ ROW("cinder", OBJECT, ONE), .sub = &schema_cinder_volume_source,
	  .reason = "this storage needs a cluster" },
	{ ROW("cephfs", OBJECT, ONE), .sub = &schema_ceph_fs_volume_source,
	  .reason = "this storage needs a cluster" },
	{ ROW("flocker", OBJECT, ONE), .sub = &schema_flocker_volume_source,
	  .reason = "this storage needs a cluster" },
	{ ROW("downwardAPI", OBJECT, ONE), .sub = &schema_downward_api_volume_source,
	  KEEP(k8s_volume, downward) },
	{ ROW("fc", OBJECT, ONE), .sub = &schema_fc_volume_source,
	  .reason = "this storage needs a cluster" },
	{ ROW("azureFile", OBJECT, ONE), .sub = &schema_azure_file_volume_source,
	  .reason = "this storage needs a cluster" },
	{ ROW("configMap", OBJECT, ONE), .sub = &schema_config_map_volume_source,
	  KEEP(k8s_volume, config_map) },
	{ ROW("vsphereVolume", OBJECT, ONE), .sub = &schema_vsphere_virtual_disk_volume_source,
	  .reason = "this storage needs a cluster" },
	{ ROW("quobyte", OBJECT, ONE), .sub = &schema_quobyte_volume_source,
	  .reason = "this storage needs a cluster" },
	{ ROW("azureDisk", OBJECT, ONE), .sub = &schema_azure_disk_volume_source,
	  .reason = "this storage needs a cluster" },
	{ ROW("photonPersistentDisk", OBJECT, ONE),
	  .sub = &schema_photon_persistent_disk_volume_source,
	  .reason = "this storage needs a cluster" },
	{ ROW("projected", OBJECT, ONE), .sub = &schema_projected_volume_source,
	  KEEP(k8s_volume, projected) },
	{ ROW("portworxVolume", OBJECT, ONE), .sub = &schema_portworx_volume_source,
	  .reason = "this storage needs a cluster" },
	{ ROW("scaleIO", OBJECT, ONE), .sub = &schema_scaleio_volume_source,
	  .reason = "this storage needs a cluster" },
	{ ROW("storageos", OBJECT, ONE), .sub = &schema_storage_os_volume_source,
	  .reason = "this storage needs a cluster" },
	{ ROW("csi", OBJECT, ONE), .sub = &schema_csi_volume_source,
	  .reason = "there is no CSI driver here" },
	{ ROW("ephemeral", OBJECT, ONE), .sub = &schema_ephemeral_volume_source,
	  KEEP(k8s_volume, ephemeral) },
	{ ROW("image", OBJECT, ONE), .sub = &schema_image_volume_source, KEEP(k8s_volume, image) },
	{ 0 },
};
const struct schema_type schema_volume = { "V1Volume", "Volume", sizeof(struct k8s_volume),
					   volume_fields };

static const struct schema_field aws_elastic_block_store_volume_source_fields[] = {
	{ ROW("fsType", STRING, ONE) },
	{ ROW("partition", INT32, ONE) },
	{ ROW("readOnly", BOOL, ONE) },
	{ ROW("volumeID", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_aws_elastic_block_store_volume_source = {
	"V1AWSElasticBlockStoreVolumeSource", "AWSElasticBlockStoreVolumeSource", 0,
	aws_elastic_block_store_volume_source_fields
};

static const struct schema_field azure_disk_volume_source_fields[] = {
	{ ROW("cachingMode", STRING, ONE) },
	{ ROW("diskName", STRING, ONE) },
	{ ROW("diskURI", STRING, ONE) },
	{ ROW("fsType", STRING, ONE) },
	{ ROW("kind", STRING, ONE) },
	{ ROW("readOnly", BOOL, ONE) },
	{ 0 },
};
const struct schema_type schema_azure_disk_volume_source = { "V1AzureDiskVolumeSource",
							     "AzureDiskVolumeSource", 0,
							     azure_disk_volume_source_fields };

static const struct schema_field azure_file_volume_source_fields[] = {
	{ ROW("readOnly", BOOL, ONE) },
	{ ROW("secretName", STRING, ONE) },
	{ ROW("shareName", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_azure_file_volume_source = { "V1AzureFileVolumeSource",
							     "AzureFileVolumeSource", 0,
							     azure_file_volume_source_fields };

static const struct schema_field csi_volume_source_fields[] = {
	{ ROW("driver", STRING, ONE) },
	{ ROW("fsType", STRING, ONE) },
	{ ROW("nodePublishSecretRef", OBJECT, ONE), .sub = &schema_local_object_reference },
	{ ROW("readOnly", BOOL, ONE) },
	{ ROW("volumeAttributes", STRING, MAP) },
	{ 0 },
};
const struct schema_type schema_csi_volume_source = { "V1CSIVolumeSource", "CSIVolumeSource", 0,
						      csi_volume_source_fields };

static const struct schema_field ceph_fs_volume_source_fields[] = {
	{ ROW("monitors", STRING, LIST) },
	{ ROW("path", STRING, ONE) },
	{ ROW("readOnly", BOOL, ONE) },
	{ ROW("secretFile", STRING, ONE) },
	{ ROW("secretRef", OBJECT, ONE), .sub = &schema_local_object_reference },
	{ ROW("user", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_ceph_fs_volume_source = { "V1CephFSVolumeSource",
							  "CephFSVolumeSource", 0,
							  ceph_fs_volume_source_fields };

static const struct schema_field cinder_volume_source_fields[] = {
	{ ROW("fsType", STRING, ONE) },
	{ ROW("readOnly", BOOL, ONE) },
	{ ROW("secretRef", OBJECT, ONE), .sub = &schema_local_object_reference },
	{ ROW("volumeID", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_cinder_volume_source = { "V1CinderVolumeSource",
							 "CinderVolumeSource", 0,
							 cinder_volume_source_fields };

static const struct schema_field cluster_trust_bundle_projection_fields[] = {
	{ ROW("name", STRING, ONE) },
	{ ROW("labelSelector", OBJECT, ONE), .sub = &schema_label_selector },
	{ ROW("optional", BOOL, ONE) },
	{ ROW("path", STRING, ONE) },
	{ ROW("signerName", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_cluster_trust_bundle_projection = {
	"V1ClusterTrustBundleProjection", "ClusterTrustBundleProjection", 0,
	cluster_trust_bundle_projection_fields
};

static const struct schema_field config_map_projection_fields[] = {
	{ ROW("name", STRING, ONE), KEEP(k8s_object_source, name), .required = true },
	{ ROW("items", OBJECT, LIST), .sub = &schema_key_to_path, KEEP(k8s_object_source, items) },
	{ ROW("optional", BOOL, ONE), KEEP(k8s_object_source, optional) },
	{ 0 },
};
const struct schema_type schema_config_map_projection = { "V1ConfigMapProjection",
							  "ConfigMapProjection",
							  sizeof(struct k8s_object_source),
							  config_map_projection_fields };

static const struct schema_field config_map_volume_source_fields[] = {
	{ ROW("name", STRING, ONE), KEEP(k8s_object_source, name), .required = true },
	{ ROW("items", OBJECT, LIST), .sub = &schema_key_to_path, KEEP(k8s_object_source, items) },
	{ ROW("defaultMode", INT32, ONE), KEEP(k8s_object_source, default_mode) },
	{ ROW("optional", BOOL, ONE), KEEP(k8s_object_source, optional) },
	{ 0 },
};
const struct schema_type schema_config_map_volume_source = { "V1ConfigMapVolumeSource",
							     "ConfigMapVolumeSource",
							     sizeof(struct k8s_object_source),
							     config_map_volume_source_fields };

static const struct schema_field downward_api_projection_fields[] = {
	{ ROW("items", OBJECT, LIST), .sub = &schema_downward_api_volume_file,
	  KEEP(k8s_downward_source, items) },
	{ 0 },
};
const struct schema_type schema_downward_api_projection = { "V1DownwardAPIProjection",
							    "DownwardAPIProjection",
							    sizeof(struct k8s_downward_source),
							    downward_api_projection_fields };

static const struct schema_field downward_api_volume_file_fields[] = {
	{ ROW("path", STRING, ONE), KEEP(k8s_downward_file, path), .required = true },
	{ ROW("fieldRef", OBJECT, ONE), .sub = &schema_object_field_selector,
	  KEEP(k8s_downward_file, field) },
	{ ROW("resourceFieldRef", OBJECT, ONE), .sub = &schema_resource_field_selector,
	  KEEP(k8s_downward_file, resource) },
	{ ROW("mode", INT32, ONE), KEEP(k8s_downward_file, mode) },
	{ 0 },
};
const struct schema_type schema_downward_api_volume_file = { "V1DownwardAPIVolumeFile",
							     "DownwardAPIVolumeFile",
							     sizeof(struct k8s_downward_file),
							     downward_api_volume_file_fields };

static const struct schema_field downward_api_volume_source_fields[] = {
	{ ROW("items", OBJECT, LIST), .sub = &schema_downward_api_volume_file,
	  KEEP(k8s_downward_source, items) },
	{ ROW("defaultMode", INT32, ONE), KEEP(k8s_downward_source, default_mode) },
	{ 0 },
};
const struct schema_type schema_downward_api_volume_source = { "V1DownwardAPIVolumeSource",
							       "DownwardAPIVolumeSource",
							       sizeof(struct k8s_downward_source),
							       downward_api_volume_source_fields };

static const struct schema_field ephemeral_volume_source_fields[] = {
	{ ROW("volumeClaimTemplate", OBJECT, ONE), .sub = &schema_persistent_volume_claim_template,
	  KEEP(k8s_ephemeral, claim_template), .required = true },
	{ 0 },
};
const struct schema_type schema_ephemeral_volume_source = { "V1EphemeralVolumeSource",
							    "EphemeralVolumeSource",
							    sizeof(struct k8s_ephemeral),
							    ephemeral_volume_source_fields };

static const struct schema_field fc_volume_source_fields[] = {
	{ ROW("fsType", STRING, ONE) }, { ROW("lun", INT32, ONE) },
	{ ROW("readOnly", BOOL, ONE) }, { ROW("targetWWNs", STRING, LIST) },
	{ ROW("wwids", STRING, LIST) }, { 0 },
};
const struct schema_type schema_fc_volume_source = { "V1FCVolumeSource", "FCVolumeSource", 0,
						     fc_volume_source_fields };

static const struct schema_field flex_volume_source_fields[] = {
	{ ROW("driver", STRING, ONE) },
	{ ROW("fsType", STRING, ONE) },
	{ ROW("options", STRING, MAP) },
	{ ROW("readOnly", BOOL, ONE) },
	{ ROW("secretRef", OBJECT, ONE), .sub = &schema_local_object_reference },
	{ 0 },
};
const struct schema_type schema_flex_volume_source = { "V1FlexVolumeSource", "FlexVolumeSource", 0,
						       flex_volume_source_fields };

static const struct schema_field flocker_volume_source_fields[] = {
	{ ROW("datasetName", STRING, ONE) },
	{ ROW("datasetUUID", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_flocker_volume_source = { "V1FlockerVolumeSource",
							  "FlockerVolumeSource", 0,
							  flocker_volume_source_fields };

static const struct schema_field gce_persistent_disk_volume_source_fields[] = {
	{ ROW("fsType", STRING, ONE) },
	{ ROW("partition", INT32, ONE) },
	{ ROW("pdName", STRING, ONE) },
	{ ROW("readOnly", BOOL, ONE) },
	{ 0 },
};
const struct schema_type schema_gce_persistent_disk_volume_source = {
	"V1GCEPersistentDiskVolumeSource", "GCEPersistentDiskVolumeSource", 0,
	gce_persistent_disk_volume_source_fields
};

static const struct schema_field git_repo_volume_source_fields[] = {
	{ ROW("directory", STRING, ONE) },
	{ ROW("repository", STRING, ONE) },
	{ ROW("revision", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_git_repo_volume_source = { "V1GitRepoVolumeSource",
							   "GitRepoVolumeSource", 0,
							   git_repo_volume_source_fields };

static const struct schema_field glusterfs_volume_source_fields[] = {
	{ ROW("endpoints", STRING, ONE) },
	{ ROW("path", STRING, ONE) },
	{ ROW("readOnly", BOOL, ONE) },
	{ 0 },
};
const struct schema_type schema_glusterfs_volume_source = { "V1GlusterfsVolumeSource",
							    "GlusterfsVolumeSource", 0,
							    glusterfs_volume_source_fields };

static const struct schema_field iscsi_volume_source_fields[] = {
	{ ROW("chapAuthDiscovery", BOOL, ONE) },
	{ ROW("chapAuthSession", BOOL, ONE) },
	{ ROW("fsType", STRING, ONE) },
	{ ROW("initiatorName", STRING, ONE) },
	{ ROW("iqn", STRING, ONE) },
	{ ROW("iscsiInterface", STRING, ONE) },
	{ ROW("lun", INT32, ONE) },
	{ ROW("portals", STRING, LIST) },
	{ ROW("readOnly", BOOL, ONE) },
	{ ROW("secretRef", OBJECT, ONE), .sub = &schema_local_object_reference },
	{ ROW("targetPortal", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_iscsi_volume_source = { "V1ISCSIVolumeSource", "ISCSIVolumeSource",
							0, iscsi_volume_source_fields };

static const char *const image_volume_source_pull_policy_values[] = { "Always", "IfNotPresent",
								      "Never", NULL };
static const struct schema_field image_volume_source_fields[] = {
	{ ROW("reference", STRING, ONE), KEEP(k8s_image_source, reference), .required = true },
	{ ROW("pullPolicy", STRING, ONE), KEEP(k8s_image_source, pull_policy),
	  .values = image_volume_source_pull_policy_values },
	{ 0 },
};
const struct schema_type schema_image_volume_source = { "V1ImageVolumeSource", "ImageVolumeSource",
							sizeof(struct k8s_image_source),
							image_volume_source_fields };

static const struct schema_field key_to_path_fields[] = {
	{ ROW("key", STRING, ONE), KEEP(k8s_key_path, key), .required = true },
	{ ROW("path", STRING, ONE), KEEP(k8s_key_path, path), .required = true },
	{ ROW("mode", INT32, ONE), KEEP(k8s_key_path, mode) },
	{ 0 },
};
const struct schema_type schema_key_to_path = { "V1KeyToPath", "KeyToPath",
						sizeof(struct k8s_key_path), key_to_path_fields };

static const struct schema_field nfs_volume_source_fields[] = {
	{ ROW("path", STRING, ONE) },
	{ ROW("readOnly", BOOL, ONE) },
	{ ROW("server", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_nfs_volume_source = { "V1NFSVolumeSource", "NFSVolumeSource", 0,
						      nfs_volume_source_fields };

static const struct schema_field persistent_volume_claim_volume_source_fields[] = {
	{ ROW("claimName", STRING, ONE), KEEP(k8s_claim_source, name), .required = true },
	{ ROW("readOnly", BOOL, ONE), KEEP(k8s_claim_source, read_only) },
	{ 0 },
};
const struct schema_type schema_persistent_volume_claim_volume_source = {
	"V1PersistentVolumeClaimVolumeSource", "PersistentVolumeClaimVolumeSource",
	sizeof(struct k8s_claim_source), persistent_volume_claim_volume_source_fields
};

static const struct schema_field photon_persistent_disk_volume_source_fields[] = {
	{ ROW("fsType", STRING, ONE) },
	{ ROW("pdID", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_photon_persistent_disk_volume_source = {
	"V1PhotonPersistentDiskVolumeSource", "PhotonPersistentDiskVolumeSource", 0,
	photon_persistent_disk_volume_source_fields
};

static const struct schema_field pod_certificate_projection_fields[] = {
	{ ROW("certificateChainPath", STRING, ONE) },
	{ ROW("credentialBundlePath", STRING, ONE) },
	{ ROW("keyPath", STRING, ONE) },
	{ ROW("keyType", STRING, ONE) },
	{ ROW("maxExpirationSeconds", INT32, ONE) },
	{ ROW("signerName", STRING, ONE) },
	{ ROW("userAnnotations", STRING, MAP) },
	{ 0 },
};
const struct schema_type schema_pod_certificate_projection = { "V1PodCertificateProjection",
							       "PodCertificateProjection", 0,
							       pod_certificate_projection_fields };

static const struct schema_field portworx_volume_source_fields[] = {
	{ ROW("fsType", STRING, ONE) },
	{ ROW("readOnly", BOOL, ONE) },
	{ ROW("volumeID", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_portworx_volume_source = { "V1PortworxVolumeSource",
							   "PortworxVolumeSource", 0,
							   portworx_volume_source_fields };

static const struct schema_field projected_volume_source_fields[] = {
	{ ROW("sources", OBJECT, LIST), .sub = &schema_volume_projection,
	  KEEP(k8s_projected, sources) },
	{ ROW("defaultMode", INT32, ONE), KEEP(k8s_projected, default_mode) },
	{ 0 },
};
const struct schema_type schema_projected_volume_source = { "V1ProjectedVolumeSource",
							    "ProjectedVolumeSource",
							    sizeof(struct k8s_projected),
							    projected_volume_source_fields };

static const struct schema_field quobyte_volume_source_fields[] = {
	{ ROW("group", STRING, ONE) },
	{ ROW("readOnly", BOOL, ONE) },
	{ ROW("registry", STRING, ONE) },
	{ ROW("tenant", STRING, ONE) },
	{ ROW("user", STRING, ONE) },
	{ ROW("volume", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_quobyte_volume_source = { "V1QuobyteVolumeSource",
							  "QuobyteVolumeSource", 0,
							  quobyte_volume_source_fields };

static const struct schema_field rbd_volume_source_fields[] = {
	{ ROW("fsType", STRING, ONE) },
	{ ROW("image", STRING, ONE) },
	{ ROW("keyring", STRING, ONE) },
	{ ROW("monitors", STRING, LIST) },
	{ ROW("pool", STRING, ONE) },
	{ ROW("readOnly", BOOL, ONE) },
	{ ROW("secretRef", OBJECT, ONE), .sub = &schema_local_object_reference },
	{ ROW("user", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_rbd_volume_source = { "V1RBDVolumeSource", "RBDVolumeSource", 0,
						      rbd_volume_source_fields };

static const struct schema_field scaleio_volume_source_fields[] = {
	{ ROW("fsType", STRING, ONE) },
	{ ROW("gateway", STRING, ONE) },
	{ ROW("protectionDomain", STRING, ONE) },
	{ ROW("readOnly", BOOL, ONE) },
	{ ROW("secretRef", OBJECT, ONE), .sub = &schema_local_object_reference },
	{ ROW("sslEnabled", BOOL, ONE) },
	{ ROW("storageMode", STRING, ONE) },
	{ ROW("storagePool", STRING, ONE) },
	{ ROW("system", STRING, ONE) },
	{ ROW("volumeName", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_scaleio_volume_source = { "V1ScaleIOVolumeSource",
							  "ScaleIOVolumeSource", 0,
							  scaleio_volume_source_fields };

static const struct schema_field secret_projection_fields[] = {
	{ ROW("name", STRING, ONE), KEEP(k8s_object_source, name), .required = true },
	{ ROW("items", OBJECT, LIST), .sub = &schema_key_to_path, KEEP(k8s_object_source, items) },
	{ ROW("optional", BOOL, ONE), KEEP(k8s_object_source, optional) },
	{ 0 },
};
const struct schema_type schema_secret_projection = { "V1SecretProjection", "SecretProjection",
						      sizeof(struct k8s_object_source),
						      secret_projection_fields };

static const struct schema_field secret_volume_source_fields[] = {
	{ ROW("secretName", STRING, ONE), KEEP(k8s_object_source, name), .required = true },
	{ ROW("items", OBJECT, LIST), .sub = &schema_key_to_path, KEEP(k8s_object_source, items) },
	{ ROW("defaultMode", INT32, ONE), KEEP(k8s_object_source, default_mode) },
	{ ROW("optional", BOOL, ONE), KEEP(k8s_object_source, optional) },
	{ 0 },
};
const struct schema_type schema_secret_volume_source = { "V1SecretVolumeSource",
							 "SecretVolumeSource",
							 sizeof(struct k8s_object_source),
							 secret_volume_source_fields };

static const struct schema_field service_account_token_projection_fields[] = {
	{ ROW("audience", STRING, ONE) },
	{ ROW("expirationSeconds", INT64, ONE) },
	{ ROW("path", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_service_account_token_projection = {
	"V1ServiceAccountTokenProjection", "ServiceAccountTokenProjection", 0,
	service_account_token_projection_fields
};

static const struct schema_field storage_os_volume_source_fields[] = {
	{ ROW("fsType", STRING, ONE) },
	{ ROW("readOnly", BOOL, ONE) },
	{ ROW("secretRef", OBJECT, ONE), .sub = &schema_local_object_reference },
	{ ROW("volumeName", STRING, ONE) },
	{ ROW("volumeNamespace", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_storage_os_volume_source = { "V1StorageOSVolumeSource",
							     "StorageOSVolumeSource", 0,
							     storage_os_volume_source_fields };

static const struct schema_field volume_projection_fields[] = {
	{ ROW("secret", OBJECT, ONE), .sub = &schema_secret_projection,
	  KEEP(k8s_projection, secret) },
	{ ROW("downwardAPI", OBJECT, ONE), .sub = &schema_downward_api_projection,
	  KEEP(k8s_projection, downward) },
	{ ROW("configMap", OBJECT, ONE), .sub = &schema_config_map_projection,
	  KEEP(k8s_projection, config_map) },
	{ ROW("serviceAccountToken", OBJECT, ONE), .sub = &schema_service_account_token_projection,
	  .reason = "there is no API server that gives tokens" },
	{ ROW("clusterTrustBundle", OBJECT, ONE), .sub = &schema_cluster_trust_bundle_projection,
	  .reason = "there is no API server that keeps trust bundles" },
	{ ROW("podCertificate", OBJECT, ONE), .sub = &schema_pod_certificate_projection,
	  .reason = "there is no signer of certificates here" },
	{ 0 },
};
const struct schema_type schema_volume_projection = { "V1VolumeProjection", "VolumeProjection",
						      sizeof(struct k8s_projection),
						      volume_projection_fields };

static const struct schema_field vsphere_virtual_disk_volume_source_fields[] = {
	{ ROW("fsType", STRING, ONE) },
	{ ROW("storagePolicyID", STRING, ONE) },
	{ ROW("storagePolicyName", STRING, ONE) },
	{ ROW("volumePath", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_vsphere_virtual_disk_volume_source = {
	"V1VsphereVirtualDiskVolumeSource", "VsphereVirtualDiskVolumeSource", 0,
	vsphere_virtual_disk_volume_source_fields
};
