/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach - the protocol of attach.sock: a container's streams, live.
 *
 * SOCK_SEQPACKET at RUNROOT/containers/<id>/attach.sock; one frame a packet: version, type, two
 * reserved bytes, then the payload. A client whose queue is full loses output and is told how much
 * by ATTACH_GAP; the container never waits for it.
 *
 * A session that begins with the container is the other way round: whoever wants it listens at
 * session.sock in the same directory before the start is ordered, and the monitor connects ahead of
 * all it does. The program is not executed before the session has sent its first frame, and it waits
 * for a session that does not read, as it would for a pipe.
 */
#ifndef PODIUM_PROCESS_ATTACH_H
#define PODIUM_PROCESS_ATTACH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/error.h"
#include "engine/state/layout.h"

#define ATTACH_VERSION	1
#define ATTACH_SOCKET	"attach.sock"
#define SESSION_SOCKET	"session.sock"
#define ATTACH_DATA_MAX 32768

enum attach_type {
	ATTACH_STDIN = 1, /* client: bytes */
	ATTACH_EOF,	  /* client: no more input */
	ATTACH_RESIZE,	  /* client: struct attach_size */
	ATTACH_SIGNAL,	  /* client: int32_t, for the first process; kept until that runs */
	ATTACH_HELLO,	  /* client: nothing else to say first */
	ATTACH_STDOUT = 64,
	ATTACH_STDERR,
	ATTACH_GAP,  /* uint64_t: bytes that were lost before the next frame */
	ATTACH_EXIT, /* int32_t: exit code; the last frame */
};
struct attach_size {
	uint16_t rows;
	uint16_t columns;
};
struct attach_frame {
	uint8_t version;
	uint8_t type;
	uint16_t reserved;
	char data[ATTACH_DATA_MAX];
};
#define ATTACH_HEAD 4

/* -EAGAIN when the peer's queue is full (non-blocking). len is at most ATTACH_DATA_MAX. */
int attach_send(int fd, enum attach_type type, const void *data, size_t len);
/* Bytes of payload (0 and more), -EPIPE at the end, -EAGAIN, -EPROTO. */
ssize_t attach_receive(int fd, struct attach_frame *ret);

/* As ctl_listen() and ctl_connect(), for attach.sock. The socket that is connected blocks. */
int attach_listen(const struct store *s, const char *container_id, struct error *err) must_check;
int attach_connect(const struct store *s, const char *container_id, struct error *err) must_check;
/* The same for session.sock: the side of whoever wants a session, and that of the monitor. */
int session_listen(const struct store *s, const char *container_id, struct error *err) must_check;
int session_connect(const struct store *s, const char *container_id, struct error *err) must_check;
/* Takes the socket's name away: nobody listens any more. */
void session_unlisten(const struct store *s, const char *container_id);

#endif
