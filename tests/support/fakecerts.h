/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fakecerts - a certification authority and server certificates of the test's own, made when they
 * are first asked for. For tests/support/fakeregistry.c.
 */
#ifndef PODIUM_TESTS_FAKECERTS_H
#define PODIUM_TESTS_FAKECERTS_H

#include <openssl/types.h>

#include "tests/support/fakeregistry.h"

/* A server's context with a certificate of the kind; the caller's. NULL: it cannot be made. */
SSL_CTX *fakecerts_context(enum fake_kind kind);
/* Directory with ca.crt; removed at exit. */
const char *fakecerts_dir(void);
/* The same, and client.cert and client.key that FAKE_TLS_CLIENT takes. */
const char *fakecerts_client_dir(void);

#endif
