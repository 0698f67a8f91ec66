/* SPDX-License-Identifier: Apache-2.0 */
/*
 * challenge - WWW-Authenticate of RFC 9110 11.6.1: hostile text, parsed strictly. Links libc alone.
 */
#ifndef PODIUM_IMAGE_CHALLENGE_H
#define PODIUM_IMAGE_CHALLENGE_H

#include <stddef.h>

#include "engine/base/error.h"
#include "engine/base/mem.h"

#define CHALLENGE_TEXT_MAX  16384
#define CHALLENGES_MAX	    8  /* of one answer */
#define CHALLENGE_PARAM_MAX 32 /* of one challenge */

enum challenge_scheme {
	CHALLENGE_OTHER, /* one that nobody here speaks */
	CHALLENGE_BASIC,
	CHALLENGE_BEARER,
};

/* Texts are the list's; NULL when the parameter is not there. No control bytes are in them. */
struct challenge {
	enum challenge_scheme scheme;
	char *realm;
	char *service;
	char *scope;
	size_t params;
};
struct challenge_list {
	struct challenge v[CHALLENGES_MAX];
	size_t n;
};
void challenge_list_done(struct challenge_list *l);
#define cleanup_challenges cleanup(challenge_list_done)

/* Adds the challenges of one header value. -EBADMSG: it is none, or says something twice; what was
 * added before stays. */
int challenge_parse(const char *text, struct challenge_list *l, struct error *err) must_check;
/* The first of a scheme, or NULL. */
const struct challenge *challenge_find(const struct challenge_list *l,
				       enum challenge_scheme scheme);

#endif
