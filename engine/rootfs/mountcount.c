/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mountcount - the record of a mount on this host, and a look at the mount itself.
 *
 * Theory of operation: the record may be there without its mount, after a crash or a boot: who counts
 * looks at both. A file in tmpfs; no wait for a disk.
 */
#include "engine/rootfs/mountcount.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"

#define RECORD		"count"
#define COUNT_BYTES_MAX 32
#define COUNT_MAX	1000000

uint64_t mountcount_read(int dirfd)
{
	cleanup_free char *text = NULL;
	struct error scratch; /* no record: nobody */
	uint64_t n = 0;

	if (fs_read_file(dirfd, RECORD, COUNT_BYTES_MAX, &text, NULL, &scratch) < 0)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	return parse_u64(text, COUNT_MAX, &n) < 0 ? 1 : n;
}

int mountcount_write(int dirfd, uint64_t n, struct error *err)
{
	char text[COUNT_BYTES_MAX];
	int len = snprintf(text, sizeof(text), "%llu\n", (unsigned long long)n);

	return fs_write_atomic(dirfd, RECORD, text, (size_t)len, 0600, FS_NOSYNC, err);
}

bool is_mountcount_there(int dirfd)
{
	struct statx st;

	return statx(dirfd, "merged", AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &st) ==
		       0 &&
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}
