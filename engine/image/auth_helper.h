/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth_helper - docker-credential-NAME: programs that keep credentials.
 *
 * NAME is a word of a configuration file ("pass", "ecr-login"). server is what the helper files the
 * credentials under. The program is found through PATH (absolute entries alone), runs with our
 * environment, answers at most 64 KiB and within two minutes; what it says does not get into
 * messages when it may be a secret.
 */
#ifndef PODIUM_IMAGE_AUTH_HELPER_H
#define PODIUM_IMAGE_AUTH_HELPER_H

#include "engine/image/auth.h"

/* 1 found, 0 it has none. */
int auth_helper_get(const char *name, const char *server, struct credentials *ret,
		    struct error *err) must_check;
int auth_helper_store(const char *name, const char *server, const struct credentials *c,
		      struct error *err) must_check;
/* 1 erased, 0 it had none. */
int auth_helper_erase(const char *name, const char *server, struct error *err) must_check;

#endif
