/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe - probes, lifecycle hooks and their actions.
 *
 * Data only: see schemas/schema.h for what a row says and schemas/types.h for the structs.
 * Which handlers go where, and what the numbers may be, stands in kube/validate_probe.c.
 *
 * testdata/k8s-fields.json is the oracle: tests/unit/test_schema.c walks it against these rows in
 * both directions, so that no field of Kubernetes 1.36 is missing and none is invented.
 */
#include "schemas/models.h"

#include "schemas/field.h"

static const struct schema_field exec_action_fields[] = {
	{ ROW("command", STRING, LIST), KEEP(k8s_exec, command) },
	{ 0 },
};
const struct schema_type schema_exec_action = { "V1ExecAction", "ExecAction",
						sizeof(struct k8s_exec), exec_action_fields };

static const struct schema_field grpc_action_fields[] = {
	{ ROW("port", INT32, ONE), KEEP(k8s_grpc, port), .required = true },
	{ ROW("service", STRING, ONE), KEEP(k8s_grpc, service) },
	{ 0 },
};
const struct schema_type schema_grpc_action = { "V1GRPCAction", "GRPCAction",
						sizeof(struct k8s_grpc), grpc_action_fields };

static const char *const h_ttpget_action_scheme_values[] = { "HTTP", "HTTPS", NULL };
static const struct schema_field http_get_action_fields[] = {
	{ ROW("path", STRING, ONE), KEEP(k8s_http_get, path) },
	{ ROW("port", INT_OR_STRING, ONE), KEEP(k8s_http_get, port), .required = true },
	{ ROW("host", STRING, ONE), KEEP(k8s_http_get, host) },
	{ ROW("scheme", STRING, ONE), KEEP(k8s_http_get, scheme),
	  .values = h_ttpget_action_scheme_values },
	{ ROW("httpHeaders", OBJECT, LIST), .sub = &schema_http_header,
	  KEEP(k8s_http_get, headers) },
	{ 0 },
};
const struct schema_type schema_http_get_action = { "V1HTTPGetAction", "HTTPGetAction",
						    sizeof(struct k8s_http_get),
						    http_get_action_fields };

static const struct schema_field http_header_fields[] = {
	{ ROW("name", STRING, ONE), KEEP(k8s_http_header, name), .required = true },
	{ ROW("value", STRING, ONE), KEEP(k8s_http_header, value) },
	{ 0 },
};
const struct schema_type schema_http_header = { "V1HTTPHeader", "HTTPHeader",
						sizeof(struct k8s_http_header),
						http_header_fields };

static const struct schema_field lifecycle_fields[] = {
	{ ROW("postStart", OBJECT, ONE), .sub = &schema_lifecycle_handler,
	  KEEP(k8s_lifecycle, post_start) },
	{ ROW("preStop", OBJECT, ONE), .sub = &schema_lifecycle_handler,
	  KEEP(k8s_lifecycle, pre_stop) },
	{ ROW("stopSignal", STRING, ONE), KEEP(k8s_lifecycle, stop_signal) },
	{ 0 },
};
const struct schema_type schema_lifecycle = { "V1Lifecycle", "Lifecycle",
					      sizeof(struct k8s_lifecycle), lifecycle_fields };

static const struct schema_field lifecycle_handler_fields[] = {
	{ ROW("exec", OBJECT, ONE), .sub = &schema_exec_action, KEEP(k8s_handler, exec) },
	{ ROW("httpGet", OBJECT, ONE), .sub = &schema_http_get_action, KEEP(k8s_handler, http) },
	{ ROW("sleep", OBJECT, ONE), .sub = &schema_sleep_action, KEEP(k8s_handler, sleep) },
	{ ROW("tcpSocket", OBJECT, ONE), .sub = &schema_tcp_socket_action,
	  .reason = "Kubernetes knows no such hook either: it does nothing" },
	{ 0 },
};
const struct schema_type schema_lifecycle_handler = { "V1LifecycleHandler", "LifecycleHandler",
						      sizeof(struct k8s_handler),
						      lifecycle_handler_fields };

static const struct schema_field probe_fields[] = {
	{ ROW("exec", OBJECT, ONE), .sub = &schema_exec_action, KEEP(k8s_probe, exec) },
	{ ROW("httpGet", OBJECT, ONE), .sub = &schema_http_get_action, KEEP(k8s_probe, http) },
	{ ROW("tcpSocket", OBJECT, ONE), .sub = &schema_tcp_socket_action, KEEP(k8s_probe, tcp) },
	{ ROW("grpc", OBJECT, ONE), .sub = &schema_grpc_action, KEEP(k8s_probe, grpc) },
	{ ROW("initialDelaySeconds", INT32, ONE), KEEP(k8s_probe, initial_delay) },
	{ ROW("timeoutSeconds", INT32, ONE), KEEP(k8s_probe, timeout) },
	{ ROW("periodSeconds", INT32, ONE), KEEP(k8s_probe, period) },
	{ ROW("successThreshold", INT32, ONE), KEEP(k8s_probe, success_threshold) },
	{ ROW("failureThreshold", INT32, ONE), KEEP(k8s_probe, failure_threshold) },
	{ ROW("terminationGracePeriodSeconds", INT64, ONE), KEEP(k8s_probe, grace) },
	{ 0 },
};
const struct schema_type schema_probe = { "V1Probe", "Probe", sizeof(struct k8s_probe),
					  probe_fields };

static const struct schema_field sleep_action_fields[] = {
	{ ROW("seconds", INT64, ONE), KEEP(k8s_sleep, seconds), .required = true },
	{ 0 },
};
const struct schema_type schema_sleep_action = { "V1SleepAction", "SleepAction",
						 sizeof(struct k8s_sleep), sleep_action_fields };

static const struct schema_field tcp_socket_action_fields[] = {
	{ ROW("port", INT_OR_STRING, ONE), KEEP(k8s_tcp_socket, port), .required = true },
	{ ROW("host", STRING, ONE), KEEP(k8s_tcp_socket, host) },
	{ 0 },
};
const struct schema_type schema_tcp_socket_action = { "V1TCPSocketAction", "TCPSocketAction",
						      sizeof(struct k8s_tcp_socket),
						      tcp_socket_action_fields };
