/* SPDX-License-Identifier: Apache-2.0 */
/* sdnotify - what a service manager wants to hear (sd_notify(3)), without its library. */
#ifndef PODIUM_CMD_SDNOTIFY_H
#define PODIUM_CMD_SDNOTIFY_H

#include "engine/base/error.h"

/* The socket of NOTIFY_SOCKET, which is taken out of the environment: nobody else speaks for us. NULL:
 * nobody listens. The caller owns it. */
char *sdnotify_take(void);
/* Sends "KEY=VALUE\n..." as one datagram: to a path, or with a leading '@' to an abstract name. */
int sdnotify_send(const char *socket_name, const char *text, struct error *err) must_check;

#endif
