/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probehelper - what the monitor asks of podium-probe: HTTPS, and hosts that are names.
 *
 * podium-probe reads the request as JSON from descriptor 3, prints one line at most and exits with
 * one of the codes below. It runs in the namespaces from which it is to connect, and has no time
 * limit of its own: the monitor kills it.
 */
#ifndef PODIUM_MONITOR_PROBEHELPER_H
#define PODIUM_MONITOR_PROBEHELPER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/record.h"
#include "engine/pod/spec.h"

#define PROBEHELPER_PROGRAM "podium-probe"
#define PROBEHELPER_FD	    3

enum probehelper_code {
	PROBEHELPER_GOOD,
	PROBEHELPER_BAD,  /* the line says why */
	PROBEHELPER_WARN, /* good; the line is to be told */
	PROBEHELPER_BROKEN = 125,
};

struct probehelper_request {
	bool tcp; /* connect only */
	bool https;
	bool hook; /* any answer is good */
	char *host;
	uint32_t port;
	char *path;
	char *origin;	   /* host of the first request, with which redirects are compared */
	int64_t redirects; /* followed so far */
	struct http_header_list headers;
};
extern const struct record_type probehelper_request_type;

#endif
