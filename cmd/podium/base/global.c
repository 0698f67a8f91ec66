/* SPDX-License-Identifier: Apache-2.0 */
/*
 * global - the options that stand before the command.
 *
 * Theory of operation: they are parsed by the same parser as a command's, stopping at the first
 * argument, which is the command. So `podium --root X ps` and `podium ps --root X` differ: the
 * second is an unknown option of ps, as it is in Podman. The levels of --log-level are Podman's;
 * there are two here: "debug" (and "trace") switch the traces on, the others change nothing,
 * because at the default level nothing but errors and warnings is printed anyway.
 */
#include "cmd/podium/base/global.h"

#include <errno.h>
#include <string.h>

#include "engine/base/mem.h"

#define G(m) offsetof(struct global_options, m)
const struct option global_option_table[] = {
	{ 0, "log-level", OPTION_STRING, G(log_level), "level",
	  "Messages of this level and above: debug, info, warn, error", false },
	{ 0, "root", OPTION_STRING, G(root), "path", "Where images, pods and containers are kept",
	  false },
	{ 0, "runroot", OPTION_STRING, G(runroot), "path",
	  "Where state lies that ends with the boot", false },
	{ 'v', "version", OPTION_BOOL, G(version), NULL, "Print the version", false },
	OPTION_ONLY(0, "cgroup-manager", "cgroupfs", "podium manages its cgroups itself"),
	OPTION_REFUSE(0, "conmon", "each container has podium's own monitor"),
	OPTION_REFUSE('c', "connection", "there is no remote service"),
	OPTION_ONLY(0, "events-backend", "file", "events are kept in a file"),
	OPTION_REFUSE(0, "hooks-dir", "there is no OCI runtime that would run hooks"),
	OPTION_REFUSE(0, "identity", "there is no remote service"),
	OPTION_REFUSE(0, "namespace", "use two stores: --root and --runroot"),
	OPTION_REFUSE(0, "network-cmd-path", "podium sets networks up itself"),
	OPTION_REFUSE(0, "network-config-dir", "networks are kept in the store"),
	OPTION_ONLY(0, "noout", "false", "redirect the output instead"),
	OPTION_ONLY('r', "remote", "false", "there is no remote service"),
	OPTION_REFUSE(0, "runtime", "podium's engine is built in"),
	OPTION_REFUSE(0, "runtime-flag", "podium's engine is built in"),
	OPTION_REFUSE(0, "ssh", "there is no remote service"),
	OPTION_ONLY(0, "storage-driver", "overlay", "layers are always overlays"),
	OPTION_REFUSE(0, "storage-opt", "layers are always overlays"),
	OPTION_ONLY(0, "syslog", "false", "nothing is written to the system's log"),
	OPTION_REFUSE(0, "tmpdir", "state lies in --runroot"),
	OPTION_REFUSE(0, "url", "there is no remote service"),
	OPTION_REFUSE(0, "volumepath", "volumes are kept in the store"),
	OPTIONS_END,
};

int global_check_log_level(const char *level, struct error *err)
{
	static const char *const levels[] = { "debug", "info",	"warn",	 "warning",
					      "error", "fatal", "panic", "trace" };

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		if (is_equal(level, levels[i]))
			return 0;
	return error_set(
		err, EINVAL,
		"log level \"%.60s\" is not supported, choose from: debug, info, warn, error",
		level);
}

bool is_global_level_above_warning(const char *level)
{
	return is_equal(level, "error") || is_equal(level, "fatal") || is_equal(level, "panic");
}
