/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands - every command there is, by every name a user may type.
 *
 * A new command: write cmd/podium/<command>.c with a `const struct command`, name it here, add a
 * row (or rows) in commands.c.
 */
#ifndef PODIUM_CMD_COMMANDS_H
#define PODIUM_CMD_COMMANDS_H

#include <stdbool.h>

#include "cmd/podium/base/command.h"

extern const struct command cmd_attach, cmd_build, cmd_cdi_json, cmd_container_exists,
	cmd_container_inspect, cmd_create, cmd_diff, cmd_exec, cmd_help, cmd_history,
	cmd_image_diff, cmd_image_exists, cmd_image_inspect, cmd_image_mount, cmd_image_prune,
	cmd_image_unmount, cmd_images, cmd_info, cmd_init, cmd_inspect, cmd_job_step,
	cmd_kube_delete, cmd_kube_describe, cmd_kube_down, cmd_kube_generate, cmd_kube_get,
	cmd_kube_play, cmd_kube_save, cmd_kube_validate, cmd_load, cmd_login, cmd_logout, cmd_logs,
	cmd_man_pages, cmd_manifest_inspect, cmd_pod_create, cmd_pod_exists, cmd_pod_inspect,
	cmd_pod_ps, cmd_pod_rm, cmd_pod_start, cmd_pod_stop, cmd_ps, cmd_pull, cmd_push, cmd_commit,
	cmd_complete, cmd_completion, cmd_export, cmd_import, cmd_rm, cmd_run, cmd_rmi, cmd_save,
	cmd_start, cmd_stop, cmd_system_check, cmd_system_df, cmd_system_prune, cmd_system_reset,
	cmd_tag, cmd_untag, cmd_version;
/* what looks into containers */
extern const struct command cmd_cp, cmd_events, cmd_healthcheck_run, cmd_mount, cmd_pod_logs,
	cmd_pod_stats, cmd_pod_top, cmd_port, cmd_stats, cmd_top, cmd_unmount;

extern const struct command cmd_secret_create, cmd_secret_exists, cmd_secret_inspect, cmd_secret_ls,
	cmd_secret_rm, cmd_volume_create, cmd_volume_exists, cmd_volume_export, cmd_volume_import,
	cmd_volume_inspect, cmd_volume_ls, cmd_volume_mount, cmd_volume_prune, cmd_volume_reload,
	cmd_volume_rm, cmd_volume_unmount;
extern const struct command cmd_container_cleanup, cmd_container_prune, cmd_kill, cmd_pause,
	cmd_pod_kill, cmd_pod_pause, cmd_pod_prune, cmd_pod_restart, cmd_pod_unpause, cmd_rename,
	cmd_restart, cmd_unpause, cmd_update, cmd_wait;

/* networks */
extern const struct command cmd_network_connect, cmd_network_create, cmd_network_disconnect,
	cmd_network_exists, cmd_network_inspect, cmd_network_ls, cmd_network_prune,
	cmd_network_reload, cmd_network_rm;

/* One name of a command. Rows of one command: the first is its own, the others are aliases. */
struct command_row {
	const char *words; /* one or two words: "ps", "kube play"; NULL ends the table */
	const struct command *command;
	bool hidden; /* not in help: for our own programs */
	bool alias;
};
extern const struct command_row command_rows[];

/* Words that only lead to others: "pod", "kube". */
struct command_group {
	const char *word; /* NULL ends the table */
	const char *summary;
};
extern const struct command_group command_groups[];

/* Podman's commands that podium has not got, and why. */
struct refused_command {
	const char *words; /* one or two; NULL ends the table */
	const char *why;
};
extern const struct refused_command refused_commands[];

/* The row that the first one or two of argv name; NULL when there is none. *ret_words is how many
 * words it took. */
const struct command_row *commands_find(int argc, char **argv, int *ret_words);
const struct command_group *commands_find_group(const char *word);

/* The row that argv begins with, or NULL. */
const struct refused_command *commands_find_refused(int argc, char **argv);

#endif
