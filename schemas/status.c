/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status - what an API server reports of a pod: known so that such files are read, never used.
 *
 * Data only: see schemas/schema.h for what a row says and schemas/types.h for the structs.
 * Types here have no struct: nothing of them is stored. They are checked for shape alone, since a
 * misspelt field in a status can harm nobody, yet the tables stay complete.
 *
 * testdata/k8s-fields.json is the oracle: tests/unit/test_schema.c walks it against these rows in
 * both directions, so that no field of Kubernetes 1.36 is missing and none is invented.
 */
#include "schemas/models.h"

#include "schemas/field.h"

static const struct schema_field container_extended_resource_request_fields[] = {
	{ ROW("containerName", STRING, ONE) },
	{ ROW("requestName", STRING, ONE) },
	{ ROW("resourceName", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_container_extended_resource_request = {
	"V1ContainerExtendedResourceRequest", "ContainerExtendedResourceRequest", 0,
	container_extended_resource_request_fields
};

static const struct schema_field container_state_fields[] = {
	{ ROW("running", OBJECT, ONE), .sub = &schema_container_state_running },
	{ ROW("terminated", OBJECT, ONE), .sub = &schema_container_state_terminated },
	{ ROW("waiting", OBJECT, ONE), .sub = &schema_container_state_waiting },
	{ 0 },
};
const struct schema_type schema_container_state = { "V1ContainerState", "ContainerState", 0,
						    container_state_fields };

static const struct schema_field container_state_running_fields[] = {
	{ ROW("startedAt", TIMESTAMP, ONE) },
	{ 0 },
};
const struct schema_type schema_container_state_running = { "V1ContainerStateRunning",
							    "ContainerStateRunning", 0,
							    container_state_running_fields };

static const struct schema_field container_state_terminated_fields[] = {
	{ ROW("containerID", STRING, ONE) },   { ROW("exitCode", INT32, ONE) },
	{ ROW("finishedAt", TIMESTAMP, ONE) }, { ROW("message", STRING, ONE) },
	{ ROW("reason", STRING, ONE) },	       { ROW("signal", INT32, ONE) },
	{ ROW("startedAt", TIMESTAMP, ONE) },  { 0 },
};
const struct schema_type schema_container_state_terminated = { "V1ContainerStateTerminated",
							       "ContainerStateTerminated", 0,
							       container_state_terminated_fields };

static const struct schema_field container_state_waiting_fields[] = {
	{ ROW("message", STRING, ONE) },
	{ ROW("reason", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_container_state_waiting = { "V1ContainerStateWaiting",
							    "ContainerStateWaiting", 0,
							    container_state_waiting_fields };

static const struct schema_field container_status_fields[] = {
	{ ROW("name", STRING, ONE) },
	{ ROW("allocatedResources", QUANTITY, MAP) },
	{ ROW("allocatedResourcesStatus", OBJECT, LIST), .sub = &schema_resource_status },
	{ ROW("containerID", STRING, ONE) },
	{ ROW("image", STRING, ONE) },
	{ ROW("imageID", STRING, ONE) },
	{ ROW("lastState", OBJECT, ONE), .sub = &schema_container_state },
	{ ROW("ready", BOOL, ONE) },
	{ ROW("resources", OBJECT, ONE), .sub = &schema_resource_requirements },
	{ ROW("restartCount", INT32, ONE) },
	{ ROW("started", BOOL, ONE) },
	{ ROW("state", OBJECT, ONE), .sub = &schema_container_state },
	{ ROW("stopSignal", STRING, ONE) },
	{ ROW("user", OBJECT, ONE), .sub = &schema_container_user },
	{ ROW("volumeMounts", OBJECT, LIST), .sub = &schema_volume_mount_status },
	{ 0 },
};
const struct schema_type schema_container_status = { "V1ContainerStatus", "ContainerStatus", 0,
						     container_status_fields };

static const struct schema_field container_user_fields[] = {
	{ ROW("linux", OBJECT, ONE), .sub = &schema_linux_container_user },
	{ 0 },
};
const struct schema_type schema_container_user = { "V1ContainerUser", "ContainerUser", 0,
						   container_user_fields };

static const struct schema_field host_ip_fields[] = {
	{ ROW("ip", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_host_ip = { "V1HostIP", "HostIP", 0, host_ip_fields };

static const struct schema_field image_volume_status_fields[] = {
	{ ROW("imageRef", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_image_volume_status = { "V1ImageVolumeStatus", "ImageVolumeStatus",
							0, image_volume_status_fields };

static const struct schema_field linux_container_user_fields[] = {
	{ ROW("gid", INT64, ONE) },
	{ ROW("supplementalGroups", INT64, LIST) },
	{ ROW("uid", INT64, ONE) },
	{ 0 },
};
const struct schema_type schema_linux_container_user = { "V1LinuxContainerUser",
							 "LinuxContainerUser", 0,
							 linux_container_user_fields };

static const struct schema_field node_allocatable_resource_claim_status_fields[] = {
	{ ROW("containers", STRING, LIST) },
	{ ROW("resourceClaimName", STRING, ONE) },
	{ ROW("resources", QUANTITY, MAP) },
	{ 0 },
};
const struct schema_type schema_node_allocatable_resource_claim_status = {
	"V1NodeAllocatableResourceClaimStatus", "NodeAllocatableResourceClaimStatus", 0,
	node_allocatable_resource_claim_status_fields
};

static const struct schema_field pod_condition_fields[] = {
	{ ROW("lastProbeTime", TIMESTAMP, ONE) },
	{ ROW("lastTransitionTime", TIMESTAMP, ONE) },
	{ ROW("message", STRING, ONE) },
	{ ROW("observedGeneration", INT64, ONE) },
	{ ROW("reason", STRING, ONE) },
	{ ROW("status", STRING, ONE) },
	{ ROW("type", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_pod_condition = { "V1PodCondition", "PodCondition", 0,
						  pod_condition_fields };

static const struct schema_field pod_extended_resource_claim_status_fields[] = {
	{ ROW("requestMappings", OBJECT, LIST),
	  .sub = &schema_container_extended_resource_request },
	{ ROW("resourceClaimName", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_pod_extended_resource_claim_status = {
	"V1PodExtendedResourceClaimStatus", "PodExtendedResourceClaimStatus", 0,
	pod_extended_resource_claim_status_fields
};

static const struct schema_field pod_ip_fields[] = {
	{ ROW("ip", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_pod_ip = { "V1PodIP", "PodIP", 0, pod_ip_fields };

static const struct schema_field pod_resource_claim_status_fields[] = {
	{ ROW("name", STRING, ONE) },
	{ ROW("resourceClaimName", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_pod_resource_claim_status = { "V1PodResourceClaimStatus",
							      "PodResourceClaimStatus", 0,
							      pod_resource_claim_status_fields };

static const struct schema_field pod_status_fields[] = {
	{ ROW("allocatedResources", QUANTITY, MAP) },
	{ ROW("conditions", OBJECT, LIST), .sub = &schema_pod_condition },
	{ ROW("containerStatuses", OBJECT, LIST), .sub = &schema_container_status },
	{ ROW("ephemeralContainerStatuses", OBJECT, LIST), .sub = &schema_container_status },
	{ ROW("extendedResourceClaimStatus", OBJECT, ONE),
	  .sub = &schema_pod_extended_resource_claim_status },
	{ ROW("hostIP", STRING, ONE) },
	{ ROW("hostIPs", OBJECT, LIST), .sub = &schema_host_ip },
	{ ROW("initContainerStatuses", OBJECT, LIST), .sub = &schema_container_status },
	{ ROW("message", STRING, ONE) },
	{ ROW("nodeAllocatableResourceClaimStatuses", OBJECT, LIST),
	  .sub = &schema_node_allocatable_resource_claim_status },
	{ ROW("nominatedNodeName", STRING, ONE) },
	{ ROW("observedGeneration", INT64, ONE) },
	{ ROW("phase", STRING, ONE) },
	{ ROW("podIP", STRING, ONE) },
	{ ROW("podIPs", OBJECT, LIST), .sub = &schema_pod_ip },
	{ ROW("qosClass", STRING, ONE) },
	{ ROW("reason", STRING, ONE) },
	{ ROW("resize", STRING, ONE) },
	{ ROW("resourceClaimStatuses", OBJECT, LIST), .sub = &schema_pod_resource_claim_status },
	{ ROW("resources", OBJECT, ONE), .sub = &schema_resource_requirements },
	{ ROW("startTime", TIMESTAMP, ONE) },
	{ 0 },
};
const struct schema_type schema_pod_status = { "V1PodStatus", "PodStatus", 0, pod_status_fields };

static const struct schema_field resource_health_fields[] = {
	{ ROW("health", STRING, ONE) },
	{ ROW("message", STRING, ONE) },
	{ ROW("resourceID", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_resource_health = { "V1ResourceHealth", "ResourceHealth", 0,
						    resource_health_fields };

static const struct schema_field resource_status_fields[] = {
	{ ROW("name", STRING, ONE) },
	{ ROW("resources", OBJECT, LIST), .sub = &schema_resource_health },
	{ 0 },
};
const struct schema_type schema_resource_status = { "V1ResourceStatus", "ResourceStatus", 0,
						    resource_status_fields };

static const struct schema_field volume_mount_status_fields[] = {
	{ ROW("name", STRING, ONE) },
	{ ROW("mountPath", STRING, ONE) },
	{ ROW("readOnly", BOOL, ONE) },
	{ ROW("recursiveReadOnly", STRING, ONE) },
	{ ROW("volumeStatus", OBJECT, ONE), .sub = &schema_volume_status },
	{ 0 },
};
const struct schema_type schema_volume_mount_status = { "V1VolumeMountStatus", "VolumeMountStatus",
							0, volume_mount_status_fields };

static const struct schema_field volume_status_fields[] = {
	{ ROW("image", OBJECT, ONE), .sub = &schema_image_volume_status },
	{ 0 },
};
const struct schema_type schema_volume_status = { "V1VolumeStatus", "VolumeStatus", 0,
						  volume_status_fields };
