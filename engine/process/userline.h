/* SPDX-License-Identifier: Apache-2.0 */
/*
 * userline - a line for a user or a group that an image's /etc/passwd or /etc/group has not got. Pure.
 */
#ifndef PODIUM_PROCESS_USERLINE_H
#define PODIUM_PROCESS_USERLINE_H

#include "engine/base/error.h"
#include "engine/security/user.h"

/* Without its line break; the caller owns it. pattern: what the line is to be, with $USERNAME, $UID,
 * $GID, $NAME, $HOME ($GROUPNAME, $GID, $USERLIST) in it; NULL: as Podman writes it. -EINVAL for a
 * control character or, in what is put in, a colon. */
int userline_passwd(const struct identity *who, const char *pattern, const char *home, char **ret,
		    struct error *err) must_check;
int userline_group(const struct identity *who, const char *pattern, char **ret,
		   struct error *err) must_check;

#endif
