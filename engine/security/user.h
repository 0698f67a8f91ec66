/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user - who a container's processes are: from user strings and the image's own files to numbers.
 *
 * No C library look-up is used: names come from /etc/passwd and /etc/group below a root descriptor,
 * read by a parser with limits.
 */
#ifndef PODIUM_SECURITY_USER_H
#define PODIUM_SECURITY_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "engine/base/error.h"

struct strlist;

#define USER_ID_MAX	2147483647U
#define USER_GROUPS_MAX 1024

/* A user string taken apart: "name|uid[:name|gid]". */
struct user_ref {
	bool has_user;
	bool user_is_number;
	uid_t uid;
	char user_name[256];
	bool has_group;
	bool group_is_number;
	gid_t gid;
	char group_name[256];
};
/* All digits is a number from 0 to USER_ID_MAX and never a name; a name has no ':', no blank, no
 * control byte and does not start with '-', '+' or a digit. "" and NULL give neither user nor
 * group. */
int user_parse(const char *text, struct user_ref *ret, struct error *err) must_check;

/* What decides who a container is. */
struct user_request {
	const char *image_user; /* or NULL */
	bool has_uid;		/* given by number in the spec: wins over the image's */
	uid_t uid;
	bool has_gid;
	gid_t gid;
	bool non_root;			    /* refuse uid 0 */
	const struct strlist *extra_groups; /* decimal ids, or NULL */
	bool has_fs_group;
	gid_t fs_group;
	bool strict; /* the groups that the image's /etc/group gives the user do not count */
	const struct strlist *named_groups; /* names of the image's /etc/group, or ids; or NULL */
};
struct identity {
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* what setgroups(2) gets: primary, the user's in the image, extra ones */
	size_t n_groups;
	char *home; /* from passwd, "/" when the user has no entry */
	bool has_passwd; /* the user and the group have an entry in the image's files */
	bool has_group;
};
void identity_done(struct identity *id);
#define cleanup_identity __attribute__((__cleanup__(identity_done)))

/* rootfd: the container's root. -ENOKEY when non_root is asked for and the user is root. */
int user_resolve(int rootfd, const struct user_request *rq, struct identity *ret,
		 struct error *err) must_check;

/* One more supplementary group, unless it is there. -E2BIG beyond USER_GROUPS_MAX. */
int identity_add_group(struct identity *id, gid_t gid, struct error *err) must_check;

/* setgroups, setresgid, setresuid for the calling process; capabilities are kept (keep-caps). */
int identity_assume(const struct identity *id, struct error *err) must_check;

#endif
