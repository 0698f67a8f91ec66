/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netnames - words that name networks, devices and hosts.
 *
 * Theory of operation: each of these ends up where a stray character would mean something else: a
 * network's name is a file's, a device's name goes to the kernel and into sysctl paths, a host's name
 * is a word in the resolver's files. So each has a list of what it may hold, never one of what it may
 * not.
 */
#include "engine/net/netnames.h"

#include <stddef.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/net/link.h"

#define LABEL_MAX 63
#define HOST_MAX  253

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool has_only(const char *s, const char *others)
{
	for (; *s; s++)
		if (!is_alnum(*s) && !strchr(others, *s))
			return false;
	return true;
}

bool is_network_name(const char *name)
{
	return is_alnum(*name) && strlen(name) <= NETWORK_NAME_MAX && has_only(name, "_.-");
}

bool is_network_mode_name(const char *name)
{
	static const char *const modes[] = { "bridge", "container", "default",	  "host",
					     "none",   "ns",	    "pasta",	  "path",
					     "pod",    "private",   "slirp4netns" };

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (strcmp(name, modes[i]) == 0)
			return true;
	return false;
}

bool is_device_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= LINK_NAME_MAX && has_only(name, "_.-") && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

bool is_dns_name(const char *name)
{
	size_t label = 0, len = strlen(name);

	if (len == 0 || len > HOST_MAX || *name == '.' || !has_only(name, "_.-"))
		return false;
	for (; *name; name++) {
		label = *name == '.' ? 0 : label + 1;
		if (label > LABEL_MAX || (*name == '.' && (name[1] == '.' || !name[1])))
			return false;
		if (label == 1 && *name == '-')
			return false;
	}
	return label > 0;
}
