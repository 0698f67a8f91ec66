/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options - what podium asks podium-image to build, as a record between the two.
 *
 * Theory of operation: a table apart from build.c, because podium links this and none of the rest.
 */
#include <stddef.h>

#include "engine/build/build.h"

#define F(n, k, m) RECORD_FIELD(build_options, k, n, m)
static const char *const pull_names[] = { "missing", "always", "never", "newer", NULL };
static const struct record_field option_fields[] = {
	F("context", RECORD_STRING, context),
	F("file", RECORD_STRING, file),
	F("fileName", RECORD_STRING, file_name),
	F("ignoreFile", RECORD_STRING, ignore_file),
	F("names", RECORD_STRLIST, names),
	F("shownName", RECORD_STRING, shown_name),
	F("buildArgs", RECORD_PAIRS, build_args),
	F("labels", RECORD_STRLIST, labels),
	F("env", RECORD_STRLIST, env),
	F("addHosts", RECORD_STRLIST, add_hosts),
	F("capAdd", RECORD_STRLIST, cap_add),
	F("capDrop", RECORD_STRLIST, cap_drop),
	F("target", RECORD_STRING, target),
	F("from", RECORD_STRING, from),
	F("platform", RECORD_STRING, platform),
	F("network", RECORD_STRING, network),
	{ .name = "pull",
	  .kind = RECORD_ENUM,
	  .offset = offsetof(struct build_options, pull),
	  .names = pull_names },
	F("noCache", RECORD_BOOL, no_cache),
	F("noLayers", RECORD_BOOL, no_layers),
	F("squashAll", RECORD_BOOL, squash_all),
	F("docker", RECORD_BOOL, is_docker),
	F("quiet", RECORD_BOOL, is_quiet),
	F("timestamp", RECORD_I64, timestamp_s),
	F("authfile", RECORD_STRING, authfile),
	F("creds", RECORD_STRING, creds),
	F("certDir", RECORD_STRING, cert_dir),
	F("tlsVerify", RECORD_I64, tls_verify),
	{ .name = NULL },
};
#undef F
const struct record_type build_options_type = { "build", sizeof(struct build_options),
						option_fields };
