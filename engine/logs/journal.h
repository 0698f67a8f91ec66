/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal - a container's output as entries of systemd's journal.
 *
 * One entry a line, by the journal's native protocol: MESSAGE, PRIORITY (6 of stdout, 3 of stderr),
 * CONTAINER_ID, CONTAINER_ID_FULL, CONTAINER_NAME, CONTAINER_TAG, SYSLOG_IDENTIFIER, as Podman names
 * them; CONTAINER_PARTIAL_MESSAGE where a long line is cut. It never waits: what the journal does not
 * take is counted, and said in an entry of its own when it takes some again.
 */
#ifndef PODIUM_LOGS_JOURNAL_H
#define PODIUM_LOGS_JOURNAL_H

#include <stddef.h>

#include "engine/base/error.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

struct journal;

/* A datagram socket to the journal, close-on-exec. -ENOENT, -ECONNREFUSED: there is none. */
int journal_connect(struct error *err) must_check;
/* tag may be NULL. One allocation, given back by journal_close(). */
int journal_open(const char *id, const char *name, const char *tag, struct journal **ret,
		 struct error *err) must_check;
/* Takes what one read(2) gave from stream (1 stdout, 2 stderr); the beginning of a line waits for its
 * end. */
void journal_feed(struct journal *j, int stream, const char *data, size_t len);
/* Sends unfinished lines as partial entries. */
void journal_flush(struct journal *j);
/* Flushes; NULL is fine. */
void journal_close(struct journal *j);

#endif
