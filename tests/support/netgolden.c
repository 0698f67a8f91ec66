/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netgolden - golden files of netlink messages: hexadecimal, one message a paragraph.
 *
 * Tests run from the top of the tree, as make does.
 */
#include "tests/support/netgolden.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/fs.h"
#include "engine/base/str.h"

#define GOLDEN_MAX 1000000

bool is_golden_text(const char *text, const char *name)
{
	cleanup_free char *path = xasprintf("testdata/net/%s", name), *want = NULL;
	const char *mode = getenv("PODIUM_GOLDEN");
	struct error err;

	if (mode && strcmp(mode, "update") == 0)
		return fs_write_atomic(AT_FDCWD, path, text, strlen(text), 0644, FS_NOSYNC, &err) ==
		       0;
	if (fs_read_file(AT_FDCWD, path, GOLDEN_MAX, &want, NULL, &err) < 0) {
		printf("\n%s\n", err.text);
		return false;
	}
	if (strcmp(text, want) == 0)
		return true;
	printf("\n%s differs; built:\n%s\n", path, text);
	return false;
}

bool is_golden(struct nl_batch *b, const char *name)
{
	cleanup_buf struct buf text = BUF_INIT(GOLDEN_MAX);

	(void)nl_message_room(b, 0); /* finishes the open message */
	if (b->overflow) {
		printf("\n%s: overflow\n", name);
		return false;
	}
	for (size_t at = 0, n = 0; at < b->len; n++) {
		const struct nlmsghdr *m = (const struct nlmsghdr *)(void *)(b->data + at);

		buf_printf(&text, "# %s\n", b->what[n]);
		for (size_t i = 0; i < m->nlmsg_len; i++)
			buf_printf(&text, "%02x%s", (uint8_t)b->data[at + i],
				   i % 32 == 31 || i + 1 == m->nlmsg_len ? "\n" : "");
		at += NLMSG_ALIGN(m->nlmsg_len);
	}
	return is_golden_text(text.data, name);
}
