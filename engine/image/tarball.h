/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tarball - an image archive (docker-archive, oci-archive) as members with places in a file.
 * podium-image only.
 */
#ifndef PODIUM_IMAGE_TARBALL_H
#define PODIUM_IMAGE_TARBALL_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

#define TARBALL_MEMBERS_MAX 20000
#define TARBALL_NAME_MAX    1024
#define TARBALL_BYTES_MAX   (UINT64_C(256) << 30) /* spooled */

struct tarball_member {
	char *name; /* cleaned: no leading "./" or "/" */
	char *link; /* target of a symbolic or hard link, else NULL */
	uint64_t offset;
	uint64_t size;
};
struct tarball {
	int fd; /* seekable; owned */
	struct tarball_member *v;
	size_t n;
};
#define TARBALL_INIT ((struct tarball){ .fd = -EBADF })

/* Indexes the archive in fd (not taken over). One that is compressed or cannot be sought is first
 * unpacked into an unnamed file in spoolfd's directory. The hostile bytes are read by a confined
 * child. */
int tarball_open(int fd, int spoolfd, struct tarball *ret, struct error *err) must_check;
void tarball_close(struct tarball *t);

/* Finds a member, through links inside the archive. NULL when it is not there. */
const struct tarball_member *tarball_find(const struct tarball *t, const char *name);
/* Reads a whole member of at most max bytes; NUL-terminated, the caller's. -ENOENT, -EFBIG. */
int tarball_read(const struct tarball *t, const char *name, size_t max, char **ret, size_t *ret_len,
		 struct error *err) must_check;

#endif
