/* SPDX-License-Identifier: Apache-2.0 */
/*
 * label - the AppArmor profile of a container's processes.
 *
 * Theory of operation: the kernel keeps "the profile after the next exec" for each task, and a clone
 * inherits it. So it is set by the host half, on itself, through a procfs instance that nobody else
 * can mount over (attr/apparmor/exec, on kernels before 5.8 attr/exec), and never through anything
 * of the container's; the container half has it from its first moment and takes it on with its
 * exec. Setting is one write and is read back.
 *
 * We load no profile: compiling one is apparmor_parser's. "runtime/default" takes podium-default
 * (packaging/apparmor/podium-default, for the administrator to load), or the profile that another
 * engine has left loaded for the same purpose; with none of them a start fails.
 *
 * Runs in: the host half, initial namespaces, all privileges. In seam builds PODIUM_APPARMOR
 * replaces the directory that holds `enabled` and `profiles`.
 */
#include "engine/process/label.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/pod/spec.h"
#include "engine/process/procfs.h"

#define ENABLED_FILE	   "/sys/module/apparmor/parameters/enabled"
#define PROFILES_FILE	   "/sys/kernel/security/apparmor/profiles"
#define PROFILES_MAX_BYTES (4 * 1024 * 1024)
#define PATH_BYTES	   64

/* In the order in which they are looked for. */
static const char *const default_profiles[] = {
	"podium-default", "cri-containerd.apparmor.d", "crio-default", "docker-default", NULL,
};

/* A file of the kernel's, or its twin in a test. */
static int read_state(const char *path, const char *twin, char **ret, struct error *err)
{
	const char *dir = NULL;

#ifdef PODIUM_SEAMS
	dir = getenv("PODIUM_APPARMOR");
#endif
	cleanup_free char *other = dir ? xasprintf("%s/%s", dir, twin) : NULL;

	return fs_read_file(AT_FDCWD, other ? other : path, PROFILES_MAX_BYTES, ret, NULL, err);
}

static bool is_enabled(void)
{
	cleanup_free char *text = NULL;
	struct error scratch;

	return read_state(ENABLED_FILE, "enabled", &text, &scratch) == 0 && text[0] == 'Y';
}

/* Lines are "name (mode)". */
static bool is_loaded(const char *list, const char *name)
{
	size_t n = strlen(name);

	while (*list) {
		if (strncmp(list, name, n) == 0 && list[n] == ' ' && list[n + 1] == '(')
			return true;
		list += strcspn(list, "\n");
		list += *list == '\n';
	}
	return false;
}

static int find_default(char **ret_profile, struct error *err)
{
	cleanup_free char *list = NULL;
	int r = read_state(PROFILES_FILE, "profiles", &list, err);

	if (r < 0)
		return error_wrap(err, "list of AppArmor profiles");
	for (size_t i = 0; default_profiles[i]; i++) {
		if (!is_loaded(list, default_profiles[i]))
			continue;
		*ret_profile = xstrdup(default_profiles[i]);
		return 0;
	}
	return error_set(err, ENOENT,
			 "AppArmor profile '" APPARMOR_DEFAULT
			 "' is asked for, and '%s' is not loaded (apparmor_parser -r FILE)",
			 default_profiles[0]);
}

/* What stands in the profile's name must not become a second word of the kernel's command. */
static bool is_name(const char *s)
{
	if (!*s || strlen(s) > LABEL_NAME_MAX)
		return false;
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f)
			return false;
	return true;
}

int label_resolve(const char *asked, char **ret_profile, struct error *err)
{
	*ret_profile = NULL;
	if (!asked || strcmp(asked, APPARMOR_UNCONFINED) == 0 || WEAKEN("PROC-6"))
		return 0;
	if (!is_name(asked))
		return error_set(err, EINVAL, "AppArmor profile: '%.100s' cannot be a name", asked);
	if (!is_enabled())
		return error_set(err, EOPNOTSUPP,
				 "AppArmor profile '%s' is asked for, and this host has no "
				 "AppArmor",
				 asked);
	if (strcmp(asked, APPARMOR_DEFAULT) == 0)
		return find_default(ret_profile, err);
	*ret_profile = xstrdup(asked);
	return 0;
}

/* The kernel shows "name (mode)"; a name may have its own parentheses. */
static int check_label(int proc, const char *path, const char *profile, struct error *err)
{
	cleanup_free char *text = NULL;
	size_t n = strlen(profile);
	int r = fs_read_file(proc, path, LABEL_NAME_MAX + 64, &text, NULL, err);

	if (r < 0)
		return error_wrap(err, "read the AppArmor profile back");
	if (strncmp(text, profile, n) != 0 || (text[n] && text[n] != ' ' && text[n] != '\n'))
		return error_set(err, EPERM, "AppArmor profile '%s' was not taken", profile);
	return 0;
}

int label_set(const char *asked, struct error *err)
{
	cleanup_free char *profile = NULL;
	cleanup_free char *command = NULL;
	cleanup_close int proc = -EBADF;
	char path[PATH_BYTES];
	int r = label_resolve(asked, &profile, err);

	if (r < 0 || !profile)
		return r;
	command = xasprintf("exec %s", profile);
	proc = procfs_open(err);
	if (proc < 0)
		return proc;
	(void)snprintf(path, sizeof(path), "%d/attr/apparmor/exec", (int)getpid());
	r = procfs_write(proc, path, command, err);
	/* KERNEL: drop at 5.8 */
	if (r == -ENOENT && faccessat(proc, path, F_OK, 0) < 0) {
		(void)snprintf(path, sizeof(path), "%d/attr/exec", (int)getpid());
		r = procfs_write(proc, path, command, err);
	}
	if (r == -ENOENT)
		return error_set(err, ENOENT, "AppArmor profile '%s' is not loaded", profile);
	return r < 0 ? error_wrap(err, "AppArmor profile '%s'", profile)
		     : check_label(proc, path, profile, err);
}
