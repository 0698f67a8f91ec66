/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version - what this program is.
 *
 * Theory of operation: there is no server, so there is one block, called Client as in Podman's
 * output when it has no server either. Templates reach its members both as {{.Client.Version}} and
 * as {{.Version}}, because Podman accepts both. There is no build time: the same source gives the
 * same program. The store is not opened: this command must work when nothing else does.
 */
#include <stdio.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/base/template.h"
#include "cmd/podium/base/version.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

struct version_options {
	const char *format;
};

const char *version_arch(void)
{
#if defined(__x86_64__)
	return "amd64";
#elif defined(__aarch64__)
	return "arm64";
#elif defined(__riscv)
	return "riscv64";
#elif defined(__s390x__)
	return "s390x";
#elif defined(__powerpc64__)
	return "ppc64le";
#else
	return "unknown";
#endif
}

json_t *version_object(void)
{
	cleanup_free char *os_arch = xasprintf("linux/%s", version_arch());

	/* No Go, no commit and no time: empty in Podman's form, so that a script finds them. */
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "APIVersion",
			 PODIUM_VERSION, "Version", PODIUM_VERSION, "Compiler", COMPILER, "OsArch",
			 os_arch, "Os", "linux", "GoVersion", "", "GitCommit", "", "BuiltTime", "",
			 "Built", 0);
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	const struct version_options *o = options;
	cleanup_json json_t *client = version_object();
	cleanup_json json_t *all = json_object();
	cleanup_json json_t *texts = json_copy(client);

	(void)ctx;
	(void)argc;
	(void)argv;
	if (!o->format) {
		printf("Client:       Podium Engine\n");
		printf("Version:      %s\n", PODIUM_VERSION);
		printf("API Version:  %s\n", PODIUM_VERSION);
		printf("Compiler:     %s\n", COMPILER);
		printf("OS/Arch:      %s\n", jget_str(client, "OsArch"));
		return 0;
	}
	(void)json_object_set(all, "Client", client);
	(void)json_object_set(texts, "Server", client);
	(void)json_object_set_new(all, TEMPLATE_TEXTS, steal_ptr(&texts));
	return format_object(all, o->format, err);
}

static const struct option option_table[] = {
	{ 'f', "format", OPTION_STRING, offsetof(struct version_options, format), NULL,
	  "json, or a Go template", false },
	OPTIONS_END,
};

const struct command cmd_version = {
	.words = "version",
	.args = "[options]",
	.summary = "What this program is",
	.options = option_table,
	.options_size = sizeof(struct version_options),
	.store = COMMAND_NO_STORE,
	.run = run,
};
