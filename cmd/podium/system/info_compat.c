/* SPDX-License-Identifier: Apache-2.0 */
/*
 * info_compat - what Podman's `info` has and ours would not need.
 *
 * Theory of operation: a script that asks {{.Host.OCIRuntime.Name}} or {{.Store.VolumePath}} gets an
 * answer that is true here: podium is its own runtime and its own monitor. What podium has nothing of
 * is empty in the form that Podman gives it, so that a template does not fail.
 */
#include "cmd/podium/system/info_compat.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"

#define EXT4_MAGIC  0xEF53
#define XFS_MAGIC   0x58465342
#define BTRFS_MAGIC 0x9123683E
#define TMPFS_MAGIC 0x01021994
#define STAT_BYTES  8192

static void set(json_t *obj, const char *key, json_t *value)
{
	(void)json_object_set_new(obj, key, value);
}

/* {"name", "package", "path", "version"} of one of our programs. */
static json_t *make_program(const char *program, bool has_name)
{
	cleanup_free char *path = NULL;
	struct error scratch; /* it is told among the warnings */
	json_t *j = json_object();

	if (has_name)
		set(j, "name", json_string("podium"));
	set(j, "package", json_string(""));
	if (proc_helper_path(program, &path, &scratch) < 0)
		path = xstrdup("");
	set(j, "path", json_string(path));
	set(j, "version", json_sprintf("%s %s", program, PODIUM_VERSION));
	return j;
}

/* With one digit behind the point. */
static double percent(unsigned long long part, unsigned long long all)
{
	return (double)(1000 * part / all) / 10;
}

/* Since the boot, from the first line of /proc/stat: user nice system idle iowait ... */
static json_t *make_cpu(void)
{
	cleanup_free char *text = NULL;
	struct error scratch; /* all 0 then */
	unsigned long long user = 0, nice = 0, system_ = 0, idle = 0, wait = 0;
	unsigned long long all;

	if (fs_read_file(AT_FDCWD, "/proc/stat", STAT_BYTES * 64, &text, NULL, &scratch) < 0 ||
	    sscanf(text, "cpu %llu %llu %llu %llu %llu", &user, &nice, &system_, &idle, &wait) != 5)
		user = 0;
	all = user + nice + system_ + idle + wait;
	all = all ? all : 1;
	return json_pack("{s:f, s:f, s:f}", "userPercent", percent(user + nice, all),
			 "systemPercent", percent(system_, all), "idlePercent",
			 percent(idle + wait, all));
}

static json_t *make_uptime(void)
{
	struct sysinfo si = { .uptime = 0 };

	(void)sysinfo(&si);
	return json_sprintf("%ldh %ldm %ld.00s", si.uptime / 3600, si.uptime / 60 % 60,
			    si.uptime % 60);
}

void info_add_host(json_t *host)
{
	set(host, "conmon", make_program("podium-monitor", false));
	set(host, "cpuUtilization", make_cpu());
	set(host, "eventLogger", json_string("file"));
	set(host, "idMappings", json_pack("{s:n, s:n}", "gidmap", "uidmap"));
	set(host, "linkmode", json_string("static"));
	set(host, "logDriver", json_string("k8s-file"));
	set(host, "ociRuntime", make_program("podium-launch", true));
	set(host, "remoteSocket", json_pack("{s:s, s:b}", "path", "", "exists", 0));
	set(host, "slirp4netns",
	    json_pack("{s:s, s:s, s:s}", "executable", "", "package", "", "version", ""));
	set(host, "serviceIsRemote", json_false());
	set(host, "uptime", make_uptime());
}

static const char *filesystem_name(const struct store *s)
{
	struct statfs fs;

	if (s->rootfd < 0 || fstatfs(s->rootfd, &fs) < 0)
		return "<unknown>";
	switch ((unsigned long)fs.f_type) {
	case EXT4_MAGIC:
		return "extfs";
	case XFS_MAGIC:
		return "xfs";
	case BTRFS_MAGIC:
		return "btrfs";
	case TMPFS_MAGIC:
		return "tmpfs";
	default:
		return "<unknown>";
	}
}

void info_add_store(json_t *store, const struct store *s)
{
	set(store, "configFile", json_string(""));
	set(store, "graphOptions", json_object());
	set(store, "graphStatus",
	    json_pack("{s:s, s:s, s:s, s:s}", "Backing Filesystem", filesystem_name(s),
		      "Native Overlay Diff", "true", "Supports d_type", "true", "Using metacopy",
		      "false"));
	set(store, "imageCopyTmpDir", json_sprintf("%s/images", s->root));
	set(store, "volumePath", json_sprintf("%s/volumes", s->root));
}

json_t *info_plugins(void)
{
	return json_pack("{s:n, s:[s,s,s,s], s:[s], s:[s]}", "authorization", "log", "k8s-file",
			 "none", "passthrough", "journald", "network", "bridge", "volume", "local");
}
