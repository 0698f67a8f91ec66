/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regclient - a registry client with short limits, and cases with their mutation twins.
 *
 * A case is a function that returns true when the defence held. CHECK() calls it as it is, and once
 * more in a child with the defence weakened, where it must not hold. What is asserted is what was
 * asked and answered, never how long it took; a case that hangs is ended by alarm(2).
 */
#ifndef PODIUM_TESTS_REGCLIENT_H
#define PODIUM_TESTS_REGCLIENT_H

#include <stdbool.h>

#include "engine/image/registry.h"
#include "tests/support/fakeregistry.h"

#define TYPE	 "application/vnd.oci.image.manifest.v1+json"
#define PASSWORD "s3cretpassword"
#define BASIC	 "Basic YWxpY2U6czNjcmV0cGFzc3dvcmQ=" /* alice and the password */

struct client {
	struct registry *r;
	struct registry_route route; /* repository a/b of a server */
	struct route_list routes;    /* that one */
	struct error err;
};
void client_init(struct client *c, const struct fakeregistry *f, bool insecure);
void client_init_with(struct client *c, const struct fakeregistry *f, bool insecure,
		      const struct credentials *creds);
void client_done(struct client *c);
/* The error has the text in it; prints it when not. */
bool client_says(const struct client *c, const char *text);

/* A server with the manifest "{}" at a/b:t. Ends the program when there is none. */
struct fakeregistry *client_server(enum fake_kind kind);

/* weaken NULL: there is no twin. */
bool client_check(const char *name, bool (*holds)(void), const char *weaken);
#define CHECK(fn, weaken) CU_ASSERT_TRUE(client_check(#fn, fn, weaken))

#endif
