/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal - lines to the journal.
 *
 * Theory of operation: the fields that never change are one text, made at the beginning and sent with
 * each line by one sendmsg(2) of several pieces. A line has no newline in it, so that the simple form
 * of the protocol (NAME=value\n) holds any other byte. A journal that was restarted is connected to
 * again.
 */
#include "engine/logs/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/logs/logline.h"

#define SHORT_ID 12
#define GAP_MAX	 100

struct journal {
	int fd; /* -1: the journal was gone when it was last asked */
	char *fields;
	uint64_t lost; /* lines, since the last that was taken */
	struct {
		char text[LOGLINE_TEXT_MAX];
		size_t len;
	} pending[2];
};

int journal_connect(struct error *err)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
	cleanup_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return error_errno(err, "connect to the journal '%s'", JOURNAL_SOCKET);
	return steal_fd(&fd);
}

/* A value that comes from a name: without newlines, which would begin another field. */
static void add_field(struct buf *b, const char *name, const char *value)
{
	if (!value)
		return;
	buf_printf(b, "%s=%.*s\n", name, (int)strcspn(value, "\n"), value);
}

int journal_open(const char *id, const char *name, const char *tag, struct journal **ret,
		 struct error *err)
{
	struct buf b = BUF_INIT(SIZE_MAX / 2);
	int fd = journal_connect(err);

	if (fd < 0)
		return fd;
	buf_printf(&b, "\nCONTAINER_ID=%.*s\n", SHORT_ID, id);
	add_field(&b, "CONTAINER_ID_FULL", id);
	add_field(&b, "CONTAINER_NAME", name);
	add_field(&b, "CONTAINER_TAG", tag);
	add_field(&b, "SYSLOG_IDENTIFIER", name);
	*ret = xcalloc(1, sizeof(**ret));
	(*ret)->fd = fd;
	(*ret)->fields = buf_steal(&b);
	return 0;
}

static int send_entry(struct journal *j, int stream, const struct iovec text[2], bool is_partial)
{
	static char message[] = "MESSAGE=", out[] = "PRIORITY=6\n", err[] = "PRIORITY=3\n",
		    partial[] = "CONTAINER_PARTIAL_MESSAGE=true\n";
	char *priority = stream == LOG_STDERR ? err : out;
	struct iovec iov[] = {
		{ message, sizeof(message) - 1 },
		text[0],
		text[1],
		{ j->fields, strlen(j->fields) },
		{ priority, strlen(priority) },
		{ partial, sizeof(partial) - 1 },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov) - !is_partial };

	return sendmsg(j->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static int send_gap(struct journal *j)
{
	char text[GAP_MAX];
	struct iovec iov[2] = { { text, 0 }, { NULL, 0 } };
	int r;

	if (!j->lost)
		return 0;
	iov[0].iov_len = (size_t)snprintf(text, sizeof(text),
					  "[podium: %" PRIu64 " log lines lost]", j->lost);
	r = send_entry(j, LOG_STDERR, iov, false);
	if (r == 0)
		j->lost = 0;
	return r;
}

static void put(struct journal *j, int stream, const struct iovec text[2], bool is_partial)
{
	struct error scratch; /* counted below */
	int r = j->fd < 0 ? -ENOTCONN : send_gap(j);

	if (r == 0)
		r = send_entry(j, stream, text, is_partial);
	if (r < 0 && r != -EAGAIN && r != -ENOBUFS && r != -EMSGSIZE) {
		if (j->fd >= 0)
			(void)close(j->fd);
		j->fd = journal_connect(&scratch);
		r = j->fd < 0 ? j->fd : send_entry(j, stream, text, is_partial);
	}
	if (r < 0)
		j->lost++;
}

void journal_feed(struct journal *j, int stream, const char *data, size_t len)
{
	char *held = j->pending[stream - 1].text;
	size_t *kept = &j->pending[stream - 1].len;

	while (len > 0) {
		size_t room = LOGLINE_TEXT_MAX - *kept, span = len < room ? len : room;
		const char *end = memchr(data, '\n', span);
		struct iovec text[2] = { { held, *kept }, { (char *)(uintptr_t)data, span } };

		if (end)
			text[1].iov_len = (size_t)(end - data);
		else if (len < room)
			break;
		put(j, stream, text, !end);
		*kept = 0;
		span = text[1].iov_len + (end ? 1 : 0);
		data += span;
		len -= span;
	}
	if (len > 0) {
		memcpy(held + *kept, data, len);
		*kept += len;
	}
}

void journal_flush(struct journal *j)
{
	for (int i = 0; i < 2; i++) {
		struct iovec text[2] = { { j->pending[i].text, j->pending[i].len }, { NULL, 0 } };

		if (j->pending[i].len)
			put(j, i + 1, text, true);
		j->pending[i].len = 0;
	}
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	journal_flush(j);
	if (j->fd >= 0)
		(void)close(j->fd);
	free(j->fields);
	free(j);
}
