/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names - who owns which name: ROOT/names/<name> is a symlink to "pods/<id>" or "containers/<id>".
 *
 * symlink(2) is the claim: exclusive and atomic without a lock. Pods and containers share the name
 * space, as Podman's do.
 */
#ifndef PODIUM_POD_NAMES_H
#define PODIUM_POD_NAMES_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/state/layout.h"

#define NAME_LENGTH_MAX 253

/* [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most NAME_LENGTH_MAX bytes. */
bool is_valid_name(const char *name);

/* Claims name for target ("pods/<id>"). -EEXIST names the owner. A claim whose target is gone, or is
 * the debris of a crash that nobody works on, is taken over under the names lock. */
int names_claim(const struct store *s, const char *name, const char *target, struct error *err)
	must_check;

/* Gives a name back, but only if target owns it. A name that is free is success. */
int names_release(const struct store *s, const char *name, const char *target, struct error *err)
	must_check;

/* From one name to another: claims the new one, has the record rewritten (which is the moment of the
 * change), gives the old one back, all under the names lock. A crash leaves two claims; the one that
 * the record does not know is taken over by whoever wants it. */
struct names_move {
	const char *from;
	const char *to;
	const char *target;
	int (*record)(void *arg, struct error *err);
	void *arg;
};
int names_move(const struct store *s, const struct names_move *move, struct error *err) must_check;

/* Gives back every name that target owns (records unreadable: crash repair). */
int names_release_all(const struct store *s, const char *target, struct error *err) must_check;

#endif
