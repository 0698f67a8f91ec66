/* SPDX-License-Identifier: Apache-2.0 */
/* sdnotify - one datagram to the service manager: unix(7), AF_UNIX, SOCK_DGRAM. */
#include "cmd/podium/base/sdnotify.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/base/mem.h"

#define NOTIFY_VARIABLE "NOTIFY_SOCKET"

char *sdnotify_take(void)
{
	const char *value = getenv(NOTIFY_VARIABLE);
	char *name = value && *value ? xstrdup(value) : NULL;

	(void)unsetenv(NOTIFY_VARIABLE);
	return name;
}

int sdnotify_send(const char *socket_name, const char *text, struct error *err)
{
	cleanup_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t len = strlen(socket_name);
	bool is_abstract = *socket_name == '@';

	if ((*socket_name != '/' && !is_abstract) || len >= sizeof(a.sun_path))
		return error_set(err, EINVAL, NOTIFY_VARIABLE " '%.120s' is no address",
				 socket_name);
	if (fd < 0)
		return error_errno(err, "socket");
	memcpy(a.sun_path, socket_name, len);
	if (is_abstract)
		a.sun_path[0] = '\0';
	else
		len++; /* the NUL belongs to a path, not to an abstract name */
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&a,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		return error_errno(err, "tell the service manager at '%s'", socket_name);
	return 0;
}
