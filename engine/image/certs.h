/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certs - certificates that the user trusts for one registry: containers-certs.d(5). libc alone.
 */
#ifndef PODIUM_IMAGE_CERTS_H
#define PODIUM_IMAGE_CERTS_H

#include "engine/base/error.h"
#include "engine/base/mem.h"

#define CERTS_FILE_MAX 1048576
#define CERTS_ALL_MAX  4194304

struct certs {
	char *ca; /* PEM of all *.crt, trusted besides the system's; NULL: none */
	size_t ca_len;
	char *cert; /* path of a client's certificate and its key, or NULL */
	char *key;
};
void certs_done(struct certs *c);
#define cleanup_certs cleanup(certs_done)

/* Reads the directory of "host[:port]": cert_dir itself when it is given (it must be there), else
 * HOST below ~/.config/containers/certs.d, /etc/containers/certs.d, /etc/docker/certs.d, the first
 * that is there. A *.cert without its *.key (or the other way round) is an error. */
int certs_load(const char *cert_dir, const char *host, struct certs *ret,
	       struct error *err) must_check;

#endif
