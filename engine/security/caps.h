/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caps - capability sets: names, the default eleven, what a container gets, and how it is enforced.
 *
 * A set is a 64-bit mask, bit n = capability n of <linux/capability.h>.
 */
#ifndef PODIUM_SECURITY_CAPS_H
#define PODIUM_SECURITY_CAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/str.h"

#define CAP_BIT(n) (1ULL << (n))

/* CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT SETFCAP
 */
extern const uint64_t caps_default;

/* Number of a capability, with or without "CAP_", in any case; -EINVAL for an unknown name. "ALL"
 * is no capability. */
int caps_parse_name(const char *name, struct error *err) must_check;
/* "CAP_CHOWN"; NULL past the last known. */
const char *caps_name(unsigned int number);

/* What this process could give away: its bounding set. */
uint64_t caps_available(void);

/* The bounding set of a container: ALL is handled first in both lists, then names are added, then
 * dropped; an unknown name in either is an error. privileged: everything available. What was asked
 * for by name and is not available goes to ret_missing (comma-separated, caller's, NULL if none).
 */
int caps_resolve(const struct strlist *add, const struct strlist *drop, bool privileged,
		 uint64_t available, uint64_t *ret, char **ret_missing,
		 struct error *err) must_check;

/* Drops everything else from the bounding set. Needs CAP_SETPCAP. */
int caps_limit_bounding(uint64_t keep, struct error *err) must_check;
/* Sets permitted = effective = set, inheritable = ambient = empty, for the calling thread. */
int caps_set(uint64_t set, struct error *err) must_check;
/* Lets a program that is not root's keep these over exec: inheritable and ambient become this set,
 * which must be part of the permitted one. */
int caps_raise_ambient(uint64_t set, struct error *err) must_check;
/* Reads the five sets back: bounding as given, permitted = effective = set, the rest empty. */
int caps_verify(uint64_t bounding, uint64_t set, struct error *err) must_check;
/* The same with inheritable = ambient as given. */
int caps_verify_ambient(uint64_t bounding, uint64_t set, uint64_t ambient,
			struct error *err) must_check;

#endif
