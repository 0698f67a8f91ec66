/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grpccheck - one call of grpc.health.v1.Health/Check over plain HTTP/2 with prior knowledge: what
 * is sent, and what the answer says. Pure: no sockets. RFC 9113 (frames), RFC 7541 (hpack.h).
 */
#ifndef PODIUM_MONITOR_GRPCCHECK_H
#define PODIUM_MONITOR_GRPCCHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/str.h"

struct grpc_check;

/* Appends preface, settings and the call to *out. service may be NULL: "", the server as a whole.
 */
struct grpc_check *grpc_check_new(struct buf *out, const char *host, uint16_t port,
				  const char *service);
/* NULL is accepted. */
void grpc_check_free(struct grpc_check *g);
/* Takes what was received; appends what is to be sent in answer. True when no more is needed. */
bool grpc_check_feed(struct grpc_check *g, const char *data, size_t len, struct buf *out);
/* Whether the service is SERVING; else text says what is wrong. To be asked when feed has said true
 * or the peer has closed. */
bool grpc_check_verdict(const struct grpc_check *g, char *text, size_t size);

#endif
