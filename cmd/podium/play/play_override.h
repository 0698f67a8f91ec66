/* SPDX-License-Identifier: Apache-2.0 */
/*
 * play_override - options of kube play that change the pods of the files.
 */
#ifndef PODIUM_CMD_PLAY_OVERRIDE_H
#define PODIUM_CMD_PLAY_OVERRIDE_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/base/str.h"
#include "kube/kube.h"

struct play_overrides {
	struct strlist publish; /* [IP:]HOST:CONTAINER[/PROTOCOL] */
	bool publish_all;
	bool no_hosts;
	bool no_hostname;
	const char *users; /* "auto", "auto:size=N", "host" or NULL */
	const char *seccomp_root;
	const char *log_driver;
	struct strlist log_options; /* KEY=VALUE */
	struct strlist ips;	    /* of the pods, in order */
	struct strlist macs;
};

/* networks: the words of --network. What the reader of the files must know. -EINVAL for a bad word. */
int play_override_input(const struct play_overrides *o, const struct strlist *networks,
			struct kube_input *ret, struct error *err) must_check;
/* Changes the plans, and their documents where a field says it. -EINVAL for a bad value, or for
 * what a pod of the files cannot have. */
int play_override(const struct play_overrides *o, struct kube_result *result,
		  struct error *err) must_check;

/* "[IP:]HOST:CONTAINER[/PROTOCOL]", an IPv6 address in brackets. The caller frees ret->host_ip. */
int play_parse_port(const char *text, struct port_spec *ret, struct error *err) must_check;

#endif
