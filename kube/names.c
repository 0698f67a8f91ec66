/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names - the syntax of names in Kubernetes.
 *
 * Theory of operation: pure predicates over text, without regular expressions. Most names are built
 * of one shape: characters of a set, the first and last of which are letters or digits. Each
 * function is one rule of the API server's validation, told in our words: what is allowed, so that
 * the reader of the message can mend the name without looking it up.
 *
 * Sysctl names are stricter than Kubernetes': slashes are refused, because two spellings of one key
 * are one too many where a path is made of them.
 *
 * Limits are those of Kubernetes and stand in the names of the constants.
 */
#include "kube/names.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "engine/base/str.h"

#define MAX_LABEL     63
#define MAX_SUBDOMAIN 253
#define MAX_PORT_NAME 15
#define MAX_SYSCTL    253

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
	return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

/* Characters of `middle` or letters and digits; a letter or digit at both ends. */
static bool is_word(const char *s, size_t len, const char *middle, bool upper)
{
	for (size_t i = 0; i < len; i++) {
		if (upper ? is_alnum(s[i]) : is_lower_alnum(s[i]))
			continue;
		if (i == 0 || i == len - 1 || !strchr(middle, s[i]))
			return false;
	}
	return len > 0;
}

const char *name_bad_label(const char *s)
{
	if (strlen(s) <= MAX_LABEL && is_word(s, strlen(s), "-", false))
		return NULL;
	return "must be 1 to 63 lower-case letters, digits and '-', with a letter or digit at both "
	       "ends";
}

static bool is_subdomain(const char *s, size_t len, bool upper, const char *middle)
{
	size_t at = 0;

	if (len == 0 || len > MAX_SUBDOMAIN)
		return false;
	while (at <= len) {
		size_t part = 0;

		while (at + part < len && s[at + part] != '.')
			part++;
		if (!is_word(s + at, part, middle, upper))
			return false;
		at += part + 1;
	}
	return true;
}

const char *name_bad_subdomain(const char *s)
{
	if (is_subdomain(s, strlen(s), false, "-"))
		return NULL;
	return "must be 1 to 253 lower-case letters, digits, '-' and '.', each part with a letter "
	       "or "
	       "digit at both ends";
}

const char *name_bad_search(const char *s)
{
	size_t len = strlen(s);
	cleanup_free char *copy = NULL;

	if (strcmp(s, ".") == 0)
		return NULL;
	if (len && s[len - 1] == '.')
		len--;
	copy = xstrndup(s, len);
	for (size_t i = 0; i < len; i++) {
		if (copy[i] == '_') /* allowed wherever a letter is */
			copy[i] = 'a';
	}
	if (is_subdomain(copy, len, false, "-"))
		return NULL;
	return "must be a domain name in lower case";
}

const char *name_bad_port(const char *s)
{
	bool letter = false;
	size_t len = strlen(s);

	for (size_t i = 0; i < len; i++)
		letter |= s[i] >= 'a' && s[i] <= 'z';
	if (len <= MAX_PORT_NAME && letter && is_word(s, len, "-", false) && !strstr(s, "--"))
		return NULL;
	return "must be 1 to 15 lower-case letters, digits and single '-' inside, with a letter "
	       "among "
	       "them";
}

const char *name_bad_env(const char *s)
{
	for (size_t i = 0; s[i]; i++) {
		if (s[i] < 0x20 || s[i] > 0x7e || s[i] == '=')
			return "must be printable ASCII without '='";
	}
	return *s ? NULL : "must not be empty";
}

static const char *qualified(const char *s, bool upper_prefix)
{
	const char *slash = strchr(s, '/'), *name = slash ? slash + 1 : s;

	if (slash && !is_subdomain(s, (size_t)(slash - s), upper_prefix, "-"))
		return "must have a domain name of at most 253 characters before the '/'";
	if (strlen(name) <= MAX_LABEL && is_word(name, strlen(name), "-_.", true))
		return NULL;
	return "must have a name of 1 to 63 letters, digits, '-', '_' and '.', with a letter or "
	       "digit at "
	       "both ends";
}

const char *name_bad_qualified(const char *s)
{
	return qualified(s, false);
}

const char *name_bad_annotation(const char *s)
{
	return qualified(s, true);
}

const char *name_bad_label_value(const char *s)
{
	if (!*s || (strlen(s) <= MAX_LABEL && is_word(s, strlen(s), "-_.", true)))
		return NULL;
	return "must be at most 63 letters, digits, '-', '_' and '.', with a letter or digit at "
	       "both "
	       "ends";
}

const char *name_bad_volume(const char *s)
{
	size_t len = strlen(s);
	bool good = len && len <= MAX_SUBDOMAIN && is_alnum(s[0]);

	for (size_t i = 0; i < len; i++)
		good = good && (is_alnum(s[i]) || strchr("-_.", s[i]));
	return good ? NULL
		    : "must be 1 to 253 letters, digits, '-', '_' and '.', a letter or digit first";
}

const char *name_bad_sysctl(const char *s)
{
	if (strchr(s, '/'))
		return "must be written with dots";
	if (strlen(s) <= MAX_SYSCTL && is_subdomain(s, strlen(s), false, "-_"))
		return NULL;
	return "must be lower-case words with dots between them";
}

const char *name_bad_key(const char *s)
{
	size_t len = strlen(s);

	for (size_t i = 0; i < len; i++) {
		if (!is_alnum(s[i]) && !strchr("-_.", s[i]))
			len = 0;
	}
	if (len > 0 && len <= MAX_SUBDOMAIN && strcmp(s, ".") != 0 && !is_prefix(s, ".."))
		return NULL;
	return "must be 1 to 253 letters, digits, '-', '_' and '.', and not begin with '..'";
}

bool name_is_ip(const char *s)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, s, address) == 1 || inet_pton(AF_INET6, s, address) == 1;
}

bool name_has_backstep(const char *path)
{
	while (path) {
		if (path[0] == '.' && path[1] == '.' && (path[2] == '/' || !path[2]))
			return true;
		path = strchr(path, '/');
		path = path ? path + 1 : NULL;
	}
	return false;
}

const char *const *name_capabilities(unsigned int *ret_n)
{
	static const char *const names[] = {
		"ALL",
		"CHOWN",
		"DAC_OVERRIDE",
		"DAC_READ_SEARCH",
		"FOWNER",
		"FSETID",
		"KILL",
		"SETGID",
		"SETUID",
		"SETPCAP",
		"LINUX_IMMUTABLE",
		"NET_BIND_SERVICE",
		"NET_BROADCAST",
		"NET_ADMIN",
		"NET_RAW",
		"IPC_LOCK",
		"IPC_OWNER",
		"SYS_MODULE",
		"SYS_RAWIO",
		"SYS_CHROOT",
		"SYS_PTRACE",
		"SYS_PACCT",
		"SYS_ADMIN",
		"SYS_BOOT",
		"SYS_NICE",
		"SYS_RESOURCE",
		"SYS_TIME",
		"SYS_TTY_CONFIG",
		"MKNOD",
		"LEASE",
		"AUDIT_WRITE",
		"AUDIT_CONTROL",
		"SETFCAP",
		"MAC_OVERRIDE",
		"MAC_ADMIN",
		"SYSLOG",
		"WAKE_ALARM",
		"BLOCK_SUSPEND",
		"AUDIT_READ",
		"PERFMON",
		"BPF",
		"CHECKPOINT_RESTORE",
	};

	*ret_n = ARRAY_SIZE(names);
	return names;
}

bool name_is_capability(const char *s)
{
	unsigned int n;
	const char *const *names = name_capabilities(&n);

	if (strncasecmp(s, "CAP_", 4) == 0)
		s += 4;
	for (unsigned int i = 0; i < n; i++) {
		if (strcasecmp(s, names[i]) == 0)
			return true;
	}
	return false;
}
