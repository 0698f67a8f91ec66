/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logins - what login and logout share.
 */
#ifndef PODIUM_CMD_LOGINS_H
#define PODIUM_CMD_LOGINS_H

#include "engine/base/error.h"

/* The key that an argument names, or, when it is NULL, the first registry of
 * unqualified-search-registries. *ret is the caller's. doing ends a message: "login to". */
int login_registry(const char *arg, const char *doing, char **ret, struct error *err) must_check;

#endif
