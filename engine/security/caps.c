/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caps - capability sets.
 *
 * Theory of operation: a container's bounding set is the default eleven with the names added and
 * dropped, cut by what this process has itself. For uid 0 permitted and effective are the bounding
 * set, for anybody else they are empty; inheritable and ambient are always empty, since a file with
 * inheritable capabilities would otherwise give them to a user who has none. Every process that
 * enters a container (start, exec, probe, init container, pause) goes through caps_limit_bounding,
 * caps_set and caps_verify, the last of which reads everything back and fails closed.
 *
 * Kernel: version 3 of capset(2), PR_CAP_AMBIENT (4.3). A number above the kernel's newest
 * capability ends the loops: PR_CAPBSET_READ answers EINVAL.
 */
#include "engine/security/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define CAPS_MAX 64

static const char *const cap_names[] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};

const uint64_t caps_default =
	CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_FSETID) |
	CAP_BIT(CAP_KILL) | CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETPCAP) |
	CAP_BIT(CAP_NET_BIND_SERVICE) | CAP_BIT(CAP_SYS_CHROOT) | CAP_BIT(CAP_SETFCAP);

int caps_parse_name(const char *name, struct error *err)
{
	const char *bare = strncasecmp(name, "CAP_", 4) == 0 ? name + 4 : name;

	for (size_t i = 0; i < ARRAY_SIZE(cap_names); i++)
		if (strcasecmp(bare, cap_names[i] + 4) == 0)
			return (int)i;
	return error_set(err, EINVAL, "unknown capability '%s'", name);
}

const char *caps_name(unsigned int number)
{
	return number < ARRAY_SIZE(cap_names) ? cap_names[number] : NULL;
}

uint64_t caps_available(void)
{
	uint64_t set = 0;

	for (unsigned int n = 0; n < CAPS_MAX; n++) {
		int has = prctl(PR_CAPBSET_READ, n, 0, 0, 0);

		if (has < 0)
			break;
		if (has > 0)
			set |= CAP_BIT(n);
	}
	return set;
}

static bool is_all(const char *name)
{
	return strcasecmp(name, "ALL") == 0 || strcasecmp(name, "CAP_ALL") == 0;
}

/* The names of a list as a set, ALL left out; *ret_all tells whether it was there. */
static int parse_list(const struct strlist *list, uint64_t *ret, bool *ret_all, struct error *err)
{
	*ret = 0;
	*ret_all = false;
	for (size_t i = 0; i < list->n; i++) {
		int n;

		if (is_all(list->v[i])) {
			*ret_all = true;
			continue;
		}
		n = caps_parse_name(list->v[i], err);
		if (n < 0)
			return n;
		*ret |= CAP_BIT(n);
	}
	return 0;
}

static char *name_set(uint64_t set)
{
	struct buf b = BUF_INIT(4096);

	for (unsigned int n = 0; n < CAPS_MAX; n++) {
		if (!(set & CAP_BIT(n)))
			continue;
		if (b.len)
			buf_adds(&b, ", ");
		buf_adds(&b, caps_name(n) ? caps_name(n) : "?");
	}
	return buf_steal(&b);
}

int caps_resolve(const struct strlist *add, const struct strlist *drop, bool privileged,
		 uint64_t available, uint64_t *ret, char **ret_missing, struct error *err)
{
	uint64_t added, dropped, set = caps_default;
	bool add_all, drop_all;
	int r = parse_list(add, &added, &add_all, err);

	*ret_missing = NULL;
	if (r < 0)
		return error_wrap(err, "capabilities to add");
	r = parse_list(drop, &dropped, &drop_all, err);
	if (r < 0)
		return error_wrap(err, "capabilities to drop");
	if (privileged)
		set = available;
	else if (drop_all)
		set = 0;
	if (add_all)
		set = available;
	set = (set | added) & ~dropped;
	if (added & ~dropped & ~available)
		*ret_missing = name_set(added & ~dropped & ~available);
	*ret = set & available;
	return 0;
}

int caps_limit_bounding(uint64_t keep, struct error *err)
{
	for (unsigned int n = 0; n < CAPS_MAX; n++) {
		int has = prctl(PR_CAPBSET_READ, n, 0, 0, 0);

		if (has < 0)
			break;
		if (has == 0 || (keep & CAP_BIT(n)))
			continue;
		if (prctl(PR_CAPBSET_DROP, n, 0, 0, 0) < 0)
			return error_errno(err, "drop capability %u from the bounding set", n);
	}
	return 0;
}

int caps_set(uint64_t set, struct error *err)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = {
		{ .effective = (uint32_t)set, .permitted = (uint32_t)set },
		{ .effective = (uint32_t)(set >> 32), .permitted = (uint32_t)(set >> 32) },
	};

	if (syscall(SYS_capset, &h, d) < 0)
		return error_errno(err, "set capabilities");
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return error_errno(err, "clear ambient capabilities");
	return 0;
}

int caps_raise_ambient(uint64_t set, struct error *err)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { 0 };

	if (syscall(SYS_capget, &h, d) < 0)
		return error_errno(err, "read capabilities");
	d[0].inheritable = (uint32_t)set;
	d[1].inheritable = (uint32_t)(set >> 32);
	if (syscall(SYS_capset, &h, d) < 0)
		return error_errno(err, "set inheritable capabilities");
	for (unsigned int n = 0; n < CAPS_MAX; n++)
		if ((set & CAP_BIT(n)) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, n, 0, 0) < 0)
			return error_errno(err, "raise ambient capability %u", n);
	return 0;
}

int caps_verify(uint64_t bounding, uint64_t set, struct error *err)
{
	return caps_verify_ambient(bounding, set, 0, err);
}

int caps_verify_ambient(uint64_t bounding, uint64_t set, uint64_t ambient, struct error *err)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { 0 };
	uint64_t eff, prm, inh;

	if (syscall(SYS_capget, &h, d) < 0)
		return error_errno(err, "read capabilities back");
	eff = d[0].effective | (uint64_t)d[1].effective << 32;
	prm = d[0].permitted | (uint64_t)d[1].permitted << 32;
	inh = d[0].inheritable | (uint64_t)d[1].inheritable << 32;
	if (eff != set || prm != set || inh != ambient || caps_available() != bounding)
		return error_set(err, EPERM, "capabilities are not what was set");
	for (unsigned int n = 0; n < CAPS_MAX; n++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, n, 0, 0) > 0 &&
		    !(ambient & CAP_BIT(n)))
			return error_set(err, EPERM, "ambient capability %u is set", n);
	return 0;
}
