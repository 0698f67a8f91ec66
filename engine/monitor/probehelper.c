/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probehelper - the record of what podium-probe is asked.
 *
 * Theory of operation: both sides use this one table. The request travels in a memfd, never in an
 * argument list or on a disk: headers may hold a token.
 */
#include "engine/monitor/probehelper.h"

#include <stddef.h>

static const struct record_field header_fields[] = {
	RECORD_FIELD(http_header, RECORD_STRING, "name", name),
	RECORD_FIELD(http_header, RECORD_STRING, "value", value),
	{ 0 },
};
static const struct record_type header_type = { "header", sizeof(struct http_header),
						header_fields };

static const struct record_field request_fields[] = {
	RECORD_FIELD(probehelper_request, RECORD_BOOL, "tcp", tcp),
	RECORD_FIELD(probehelper_request, RECORD_BOOL, "https", https),
	RECORD_FIELD(probehelper_request, RECORD_BOOL, "hook", hook),
	RECORD_FIELD(probehelper_request, RECORD_STRING, "host", host),
	RECORD_FIELD(probehelper_request, RECORD_U32, "port", port),
	RECORD_FIELD(probehelper_request, RECORD_STRING, "path", path),
	RECORD_FIELD(probehelper_request, RECORD_STRING, "origin", origin),
	RECORD_FIELD(probehelper_request, RECORD_I64, "redirects", redirects),
	{ .name = "headers",
	  .kind = RECORD_LIST,
	  .offset = offsetof(struct probehelper_request, headers),
	  .sub = &header_type },
	{ 0 },
};
const struct record_type probehelper_request_type = { "probe request",
						      sizeof(struct probehelper_request),
						      request_fields };
