/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error - fixed-size error records.
 *
 * Theory of operation: an error is raised once, where it happens, and wrapped once per layer on the
 * way up. Nothing here allocates, so an error can be raised when memory or descriptors are gone,
 * and a child process can send the record over a socket as it is. Text that does not fit is cut.
 */
#include "engine/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, int code, const char *fmt, ...)
{
	va_list ap;

	err->code = code > 0 ? code : EINVAL;
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return -err->code;
}

int error_errno(struct error *err, const char *fmt, ...)
{
	int code = errno > 0 ? errno : EIO;
	size_t len;
	va_list ap;

	err->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	len = strlen(err->text);
	(void)snprintf(err->text + len, sizeof(err->text) - len, ": %s",
		       code == ENOSPC ? "no space left on device" : strerror(code));
	return -code;
}

int error_wrap(struct error *err, const char *fmt, ...)
{
	char inner[sizeof(err->text)];
	size_t len;
	va_list ap;

	memcpy(inner, err->text, sizeof(inner));
	inner[sizeof(inner) - 1] = '\0';
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	len = strlen(err->text);
	(void)snprintf(err->text + len, sizeof(err->text) - len, ": %s", inner);
	return err->code > 0 ? -err->code : -EINVAL;
}
