/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regoptions - what people may say about the registries that a command talks to.
 */
#ifndef PODIUM_CMD_REGOPTIONS_H
#define PODIUM_CMD_REGOPTIONS_H

#include <jansson.h>

#include "cmd/podium/base/command.h"

struct reg_options {
	const char *authfile;
	const char *creds; /* "USER:PASSWORD" */
	const char *cert_dir;
	struct option_maybe tls_verify; /* not set: as the configuration says */
};

/* Rows of a command's table; `at` is the offset of the member. */
#define OPTION_AUTHFILE(at)                                                                        \
	{                                                                                          \
		0, "authfile", OPTION_STRING, at, "path",                                          \
			"File with credentials of registries (default: $REGISTRY_AUTH_FILE, ...)", \
			false                                                                      \
	}
#define OPTION_CERT_DIR(at)                                                                     \
	{                                                                                       \
		0, "cert-dir", OPTION_STRING, at, "path",                                       \
			"Directory with certificates (*.crt) and client certificates (*.cert, " \
			"*.key)",                                                               \
			false                                                                   \
	}
#define OPTION_CREDS(at)                                                      \
	{                                                                     \
		0, "creds", OPTION_STRING, at, "USER:PASSWORD",               \
			"Credentials for every registry that is asked", false \
	}
#define OPTION_TLS_VERIFY(at)                                                                  \
	{                                                                                      \
		0, "tls-verify", OPTION_MAYBE, at, NULL,                                       \
			"Use HTTPS and check certificates (default: as registries.conf says)", \
			false                                                                  \
	}
#define OPTION_CONTENT_TRUST(at)                                                 \
	{                                                                        \
		0, "disable-content-trust", OPTION_MAYBE, at, NULL,              \
			"Docker's; signatures are not checked: true alone", true \
	}

/* -EINVAL for --disable-content-trust=false. */
int content_trust_check(const struct option_maybe *o, struct error *err) must_check;
/* Adds them to a request to podium-image: "authfile", "creds", "cert-dir", "tls-verify". */
void reg_options_describe(const struct reg_options *o, json_t *request);

#endif
