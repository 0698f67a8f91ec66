/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe - probes, lifecycle hooks and their actions.
 *
 * Data only: see schemas/schema.h for what a row says and schemas/types.h for the structs.
 * Probes and hooks are not honoured yet: no row has an offset. When they are, the rows get structs
 * in schemas/types.h and KEEP() entries, nothing else changes here.
 *
 * testdata/k8s-fields.json is the oracle: tests/unit/test_schema.c walks it against these rows in
 * both directions, so that no field of Kubernetes 1.36 is missing and none is invented.
 */
#include "schemas/models.h"

#include "schemas/field.h"

static const struct schema_field exec_action_fields[] = {
	{ ROW("command", STRING, LIST) },
	{ 0 },
};
const struct schema_type schema_exec_action = { "V1ExecAction", "ExecAction", 0,
						exec_action_fields };

static const struct schema_field grpc_action_fields[] = {
	{ ROW("port", INT32, ONE) },
	{ ROW("service", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_grpc_action = { "V1GRPCAction", "GRPCAction", 0,
						grpc_action_fields };

static const char *const h_ttpget_action_scheme_values[] = { "HTTP", "HTTPS", NULL };
static const struct schema_field http_get_action_fields[] = {
	{ ROW("path", STRING, ONE) },
	{ ROW("port", INT_OR_STRING, ONE) },
	{ ROW("host", STRING, ONE) },
	{ ROW("scheme", STRING, ONE), .values = h_ttpget_action_scheme_values },
	{ ROW("httpHeaders", OBJECT, LIST), .sub = &schema_http_header },
	{ 0 },
};
const struct schema_type schema_http_get_action = { "V1HTTPGetAction", "HTTPGetAction", 0,
						    http_get_action_fields };

static const struct schema_field http_header_fields[] = {
	{ ROW("name", STRING, ONE) },
	{ ROW("value", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_http_header = { "V1HTTPHeader", "HTTPHeader", 0,
						http_header_fields };

static const struct schema_field lifecycle_fields[] = {
	{ ROW("postStart", OBJECT, ONE), .sub = &schema_lifecycle_handler },
	{ ROW("preStop", OBJECT, ONE), .sub = &schema_lifecycle_handler },
	{ ROW("stopSignal", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_lifecycle = { "V1Lifecycle", "Lifecycle", 0, lifecycle_fields };

static const struct schema_field lifecycle_handler_fields[] = {
	{ ROW("exec", OBJECT, ONE), .sub = &schema_exec_action },
	{ ROW("httpGet", OBJECT, ONE), .sub = &schema_http_get_action },
	{ ROW("sleep", OBJECT, ONE), .sub = &schema_sleep_action },
	{ ROW("tcpSocket", OBJECT, ONE), .sub = &schema_tcp_socket_action },
	{ 0 },
};
const struct schema_type schema_lifecycle_handler = { "V1LifecycleHandler", "LifecycleHandler", 0,
						      lifecycle_handler_fields };

static const struct schema_field probe_fields[] = {
	{ ROW("exec", OBJECT, ONE), .sub = &schema_exec_action },
	{ ROW("httpGet", OBJECT, ONE), .sub = &schema_http_get_action },
	{ ROW("tcpSocket", OBJECT, ONE), .sub = &schema_tcp_socket_action },
	{ ROW("grpc", OBJECT, ONE), .sub = &schema_grpc_action },
	{ ROW("initialDelaySeconds", INT32, ONE) },
	{ ROW("timeoutSeconds", INT32, ONE) },
	{ ROW("periodSeconds", INT32, ONE) },
	{ ROW("successThreshold", INT32, ONE) },
	{ ROW("failureThreshold", INT32, ONE) },
	{ ROW("terminationGracePeriodSeconds", INT64, ONE) },
	{ 0 },
};
const struct schema_type schema_probe = { "V1Probe", "Probe", 0, probe_fields };

static const struct schema_field sleep_action_fields[] = {
	{ ROW("seconds", INT64, ONE) },
	{ 0 },
};
const struct schema_type schema_sleep_action = { "V1SleepAction", "SleepAction", 0,
						 sleep_action_fields };

static const struct schema_field tcp_socket_action_fields[] = {
	{ ROW("port", INT_OR_STRING, ONE) },
	{ ROW("host", STRING, ONE) },
	{ 0 },
};
const struct schema_type schema_tcp_socket_action = { "V1TCPSocketAction", "TCPSocketAction", 0,
						      tcp_socket_action_fields };
