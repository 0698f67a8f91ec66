/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mountdraft - a mount that is being read from the command line, word by word (mountwords.h).
 */
#ifndef PODIUM_CMD_MOUNTDRAFT_H
#define PODIUM_CMD_MOUNTDRAFT_H

#include "engine/base/error.h"
#include "engine/pod/spec.h"

#define MOUNT_WORDS_MAX_BYTES ((size_t)32 << 10)
#define MOUNT_TARGET_MAX      4095

/* Words of one group exclude each other and themselves. */
enum draft_group {
	DRAFT_ACCESS,
	DRAFT_LABEL,
	DRAFT_OWNER,
	DRAFT_PROPAGATION,
	DRAFT_RECURSION,
	DRAFT_EXEC,
	DRAFT_SUID,
	DRAFT_DEV,
	DRAFT_COPY,
	DRAFT_IDMAP,
	DRAFT_UPPER,
	DRAFT_WORK,
	DRAFT_SIZE,
	DRAFT_MODE,
	DRAFT_CONSISTENCY,
	DRAFT__COUNT
};

struct mount_draft {
	struct volume_spec volume;
	struct mount_spec mount;
	char *seen[DRAFT__COUNT]; /* the word of each group */
};
void mount_draft_done(struct mount_draft *d);
#define cleanup_mount_draft cleanup(mount_draft_done)

/* A word of -v and --tmpfs: "ro", "size=64m", ... The volume's kind must be set. */
int mount_draft_word(struct mount_draft *d, const char *word, struct error *err) must_check;
/* Words between commas. */
int mount_draft_words(struct mount_draft *d, const char *words, struct error *err) must_check;
/* Absolute, not "/", no control characters; "//", "." and ".." are taken out. */
int mount_draft_target(struct mount_draft *d, const char *target, struct error *err) must_check;
/* A path on the host, which must be there. */
int mount_draft_host(struct mount_draft *d, const char *path, struct error *err) must_check;
/* A volume by its name; NULL or "": an anonymous one. */
int mount_draft_named(struct mount_draft *d, const char *name, struct error *err) must_check;
/* What only shows when all is read, then appends to the plan; the draft is empty afterwards. The
 * same mount twice counts once; another at the same place is -EINVAL. */
int mount_draft_add(struct mount_draft *d, struct pod_spec *pod, struct container_spec *c,
		    struct error *err) must_check;

/* The next field of a line of comma separated values, unquoted; false at its end. *text moves on.
 * The caller owns *ret. -EINVAL in *ret_r for a quote where none may stand. */
bool mount_csv_next(const char **text, char **ret, int *ret_r, struct error *err);

bool has_mount_at(const struct container_spec *c, const char *target);

#endif
