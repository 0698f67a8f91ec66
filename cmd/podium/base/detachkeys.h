/* SPDX-License-Identifier: Apache-2.0 */
/*
 * detachkeys - the keys by which a person leaves a terminal and lets the container run on.
 */
#ifndef PODIUM_CMD_DETACHKEYS_H
#define PODIUM_CMD_DETACHKEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

#define DETACH_KEYS_DEFAULT "ctrl-p,ctrl-q"
#define DETACH_KEYS_MAX	    16
#define DETACH_KEYS_HELP \
	"Keys that leave the session: letters or ctrl-X, separated by commas; \"\": none"

struct detach_keys {
	char keys[DETACH_KEYS_MAX];
	size_t n;	/* 0: there are none */
	size_t matched; /* typed so far, and kept back */
};

/* Reads "ctrl-p,ctrl-q" (a single character, or ctrl- with a-z, @, [, \, ], ^ or _); NULL is the
 * default, "" none. -EINVAL for what is no key. */
int detach_keys_parse(const char *text, struct detach_keys *ret, struct error *err) must_check;

/* The keys that were asked for; NULL: on a terminal those of containers.conf, else the default. -EINVAL
 * for what is no key, and what containers_conf_load() returns. */
int detach_keys_choose(const char *asked, struct detach_keys *ret, struct error *err) must_check;

/* Carries what was typed to out, which has room for len + DETACH_KEYS_MAX bytes; keys that may be
 * the beginning of the sequence are kept back until it is clear. Returns how many bytes are there.
 * *ret_detached: the sequence is complete, and what came after it is dropped. */
size_t detach_keys_filter(struct detach_keys *k, const char *in, size_t len, char *out,
			  bool *ret_detached);

#endif
