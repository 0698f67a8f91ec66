/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sysctl - which kernel parameters a pod may set.
 *
 * Theory of operation: an allow-list of what the kernel keeps per namespace: kernel.shm*,
 * kernel.msg*, kernel.sem and fs.mqueue.* (IPC), net.* (network). A name is made of lower-case
 * words, so that it can neither leave /proc/sys nor name a file twice; where it has a '/', that is
 * the separator and dots are literal (net/ipv4/conf/eth0.1/...). A value is one line of printable
 * text. Names and values are written one by one, never joined into one string.
 */
#include "engine/security/sysctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"

static const struct {
	const char *prefix;
	bool ipc; /* else network */
} allowed[] = {
	{ "kernel/shm", true }, { "kernel/msg", true }, { "kernel/sem", true },
	{ "fs/mqueue/", true }, { "net/", false },
};

/* Words of [a-z0-9_-] (dots where '/' separates), none empty, none made of dots alone. */
static bool is_path_clean(const char *path)
{
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 0 || strspn(path, ".") >= n)
			return false;
		for (size_t i = 0; i < n; i++)
			if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_-.", path[i]))
				return false;
		path += n;
		if (*path && !*++path)
			return false;
	}
	return true;
}

static bool is_value_clean(const char *value)
{
	size_t n = strlen(value);

	if (n == 0 || n > SYSCTL_VALUE_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)value[i] < ' ' && value[i] != '\t') ||
		    (unsigned char)value[i] > '~')
			return false;
	return true;
}

int sysctl_check(const char *key, const char *value, bool host_net, bool host_ipc,
		 char path[SYSCTL_KEY_MAX + 8], struct error *err)
{
	char *p = path + 4;

	if (is_empty(key) || strlen(key) >= SYSCTL_KEY_MAX)
		return error_set(err, EINVAL, "sysctl name is empty or too long");
	(void)snprintf(path, SYSCTL_KEY_MAX + 8, "sys/%s", key);
	if (!strchr(key, '/'))
		for (char *c = p; *c; c++)
			if (*c == '.')
				*c = '/';
	if (!is_path_clean(p))
		return error_set(err, EINVAL, "malformed sysctl name '%.100s'", key);
	if (!value || !is_value_clean(value))
		return error_set(err, EINVAL, "sysctl '%s': the value is not one line of text",
				 key);
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++) {
		if (!is_prefix(p, allowed[i].prefix))
			continue;
		if (allowed[i].ipc ? host_ipc : host_net)
			return error_set(err, EPERM,
					 "sysctl '%s' would change the host's %s namespace", key,
					 allowed[i].ipc ? "ipc" : "network");
		return 0;
	}
	return error_set(err, EPERM, "sysctl '%s' belongs to the host, not to a pod", key);
}
