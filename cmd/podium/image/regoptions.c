/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regoptions - registry options on their way to podium-image.
 *
 * Theory of operation: what nobody said is left out of the request, and podium-image then goes by
 * the configuration. Credentials go this way alone, never in an argument list.
 */
#include "cmd/podium/image/regoptions.h"

#include <errno.h>

#include "engine/base/json.h"

int content_trust_check(const struct option_maybe *o, struct error *err)
{
	if (!o->set || o->value)
		return 0;
	return error_set(err, EINVAL,
			 "--disable-content-trust=false is not supported: signatures are not "
			 "checked");
}

void reg_options_describe(const struct reg_options *o, json_t *request)
{
	jset_str(request, "authfile", o->authfile);
	jset_str(request, "creds", o->creds);
	jset_str(request, "cert-dir", o->cert_dir);
	if (o->tls_verify.set)
		(void)json_object_set_new(request, "tls-verify", json_boolean(o->tls_verify.value));
}
