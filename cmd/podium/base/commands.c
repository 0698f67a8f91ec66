/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands - the table of commands and groups, and how words are looked up in it.
 *
 * Theory of operation: a command is found by its words alone, the two-word names first ("kube
 * play"), then the one-word names ("ps"). Aliases are rows of their own that point to the same
 * `struct command`, so that `help` can list each command once and every name works everywhere.
 * The table is sorted by what help prints: rows of one group stand together, in the order of the
 * alphabet. Nothing is built at run time.
 */
#include "cmd/podium/base/commands.h"

#include <string.h>

#define ROW(w, c)                             \
	{                                     \
		.words = (w), .command = &(c) \
	}
#define ALIAS(w, c)                                          \
	{                                                    \
		.words = (w), .command = &(c), .alias = true \
	}

const struct command_row command_rows[] = {
	ROW("attach", cmd_attach),
	ROW("build", cmd_build),
	ROW("commit", cmd_commit),
	ROW("cp", cmd_cp),
	ROW("create", cmd_create),
	ROW("completion", cmd_completion),
	ROW("diff", cmd_diff),
	ROW("events", cmd_events),
	ROW("exec", cmd_exec),
	ROW("export", cmd_export),
	ROW("help", cmd_help),
	ROW("history", cmd_history),
	ROW("images", cmd_images),
	ROW("import", cmd_import),
	ROW("info", cmd_info),
	ROW("init", cmd_init),
	ROW("inspect", cmd_inspect),
	ROW("kill", cmd_kill),
	ROW("load", cmd_load),
	ROW("login", cmd_login),
	ROW("logout", cmd_logout),
	ROW("logs", cmd_logs),
	ROW("mount", cmd_mount),
	ROW("pause", cmd_pause),
	ROW("port", cmd_port),
	ROW("ps", cmd_ps),
	ROW("pull", cmd_pull),
	ROW("push", cmd_push),
	ROW("rename", cmd_rename),
	ROW("restart", cmd_restart),
	ROW("rm", cmd_rm),
	ROW("rmi", cmd_rmi),
	ROW("run", cmd_run),
	ROW("save", cmd_save),
	ROW("start", cmd_start),
	ROW("stats", cmd_stats),
	ROW("stop", cmd_stop),
	ROW("tag", cmd_tag),
	ROW("top", cmd_top),
	ROW("unpause", cmd_unpause),
	ALIAS("umount", cmd_unmount),
	ROW("unmount", cmd_unmount),
	ROW("untag", cmd_untag),
	ROW("update", cmd_update),
	ROW("version", cmd_version),
	ROW("wait", cmd_wait),

	ALIAS("buildx build", cmd_build),

	ALIAS("container attach", cmd_attach),
	ROW("container cleanup", cmd_container_cleanup),
	ALIAS("container commit", cmd_commit),
	ALIAS("container cp", cmd_cp),
	ALIAS("container create", cmd_create),
	ALIAS("container diff", cmd_diff),
	ROW("container exists", cmd_container_exists),
	ALIAS("container exec", cmd_exec),
	ALIAS("container export", cmd_export),
	ALIAS("container init", cmd_init),
	ROW("container inspect", cmd_container_inspect),
	ALIAS("container kill", cmd_kill),
	ALIAS("container list", cmd_ps),
	ALIAS("container logs", cmd_logs),
	ALIAS("container ls", cmd_ps),
	ALIAS("container mount", cmd_mount),
	ALIAS("container pause", cmd_pause),
	ALIAS("container port", cmd_port),
	ROW("container prune", cmd_container_prune),
	ALIAS("container ps", cmd_ps),
	ALIAS("container rename", cmd_rename),
	ALIAS("container restart", cmd_restart),
	ALIAS("container rm", cmd_rm),
	ALIAS("container run", cmd_run),
	ALIAS("container start", cmd_start),
	ALIAS("container stats", cmd_stats),
	ALIAS("container stop", cmd_stop),
	ALIAS("container top", cmd_top),
	ALIAS("container umount", cmd_unmount),
	ALIAS("container unmount", cmd_unmount),
	ALIAS("container unpause", cmd_unpause),
	ALIAS("container update", cmd_update),
	ALIAS("container wait", cmd_wait),

	ALIAS("generate kube", cmd_kube_generate),

	ROW("healthcheck run", cmd_healthcheck_run),

	ALIAS("image build", cmd_build),
	ROW("image diff", cmd_image_diff),
	ROW("image exists", cmd_image_exists),
	ALIAS("image history", cmd_history),
	ALIAS("image import", cmd_import),
	ROW("image inspect", cmd_image_inspect),
	ALIAS("image list", cmd_images),
	ALIAS("image load", cmd_load),
	ALIAS("image ls", cmd_images),
	ROW("image mount", cmd_image_mount),
	ROW("image prune", cmd_image_prune),
	ALIAS("image pull", cmd_pull),
	ALIAS("image push", cmd_push),
	ALIAS("image rm", cmd_rmi),
	ALIAS("image save", cmd_save),
	ALIAS("image tag", cmd_tag),
	ALIAS("image umount", cmd_image_unmount),
	ROW("image unmount", cmd_image_unmount),
	ALIAS("image untag", cmd_untag),

	ROW("kube delete", cmd_kube_delete),
	ROW("kube describe", cmd_kube_describe),
	ROW("kube down", cmd_kube_down),
	ROW("kube generate", cmd_kube_generate),
	ROW("kube get", cmd_kube_get),
	ROW("kube play", cmd_kube_play),
	ROW("kube save", cmd_kube_save),
	ROW("kube validate", cmd_kube_validate),

	ROW("manifest inspect", cmd_manifest_inspect),

	ROW("network connect", cmd_network_connect),
	ROW("network create", cmd_network_create),
	ROW("network disconnect", cmd_network_disconnect),
	ROW("network exists", cmd_network_exists),
	ROW("network inspect", cmd_network_inspect),
	ALIAS("network list", cmd_network_ls),
	ROW("network ls", cmd_network_ls),
	ROW("network prune", cmd_network_prune),
	ROW("network reload", cmd_network_reload),
	ALIAS("network remove", cmd_network_rm),
	ROW("network rm", cmd_network_rm),

	ALIAS("play kube", cmd_kube_play),

	ROW("pod create", cmd_pod_create),
	ROW("pod exists", cmd_pod_exists),
	ROW("pod inspect", cmd_pod_inspect),
	ROW("pod kill", cmd_pod_kill),
	ALIAS("pod list", cmd_pod_ps),
	ALIAS("pod ls", cmd_pod_ps),
	ROW("pod logs", cmd_pod_logs),
	ROW("pod pause", cmd_pod_pause),
	ROW("pod prune", cmd_pod_prune),
	ROW("pod ps", cmd_pod_ps),
	ROW("pod restart", cmd_pod_restart),
	ROW("pod rm", cmd_pod_rm),
	ROW("pod start", cmd_pod_start),
	ROW("pod stats", cmd_pod_stats),
	ROW("pod stop", cmd_pod_stop),
	ROW("pod top", cmd_pod_top),
	ROW("pod unpause", cmd_pod_unpause),

	ROW("secret create", cmd_secret_create),
	ROW("secret exists", cmd_secret_exists),
	ROW("secret inspect", cmd_secret_inspect),
	ALIAS("secret list", cmd_secret_ls),
	ROW("secret ls", cmd_secret_ls),
	ALIAS("secret remove", cmd_secret_rm),
	ROW("secret rm", cmd_secret_rm),

	ROW("system check", cmd_system_check),
	ROW("system df", cmd_system_df),
	ALIAS("system events", cmd_events),
	ALIAS("system info", cmd_info),
	ROW("system prune", cmd_system_prune),
	ROW("system reset", cmd_system_reset),

	ROW("volume create", cmd_volume_create),
	ROW("volume exists", cmd_volume_exists),
	ROW("volume export", cmd_volume_export),
	ROW("volume import", cmd_volume_import),
	ROW("volume inspect", cmd_volume_inspect),
	ALIAS("volume list", cmd_volume_ls),
	ROW("volume ls", cmd_volume_ls),
	ROW("volume mount", cmd_volume_mount),
	ROW("volume prune", cmd_volume_prune),
	ROW("volume reload", cmd_volume_reload),
	ALIAS("volume remove", cmd_volume_rm),
	ROW("volume rm", cmd_volume_rm),
	ROW("volume unmount", cmd_volume_unmount),

	{ .words = "cdi-json", .command = &cmd_cdi_json, .hidden = true },
	{ .words = "__man-pages", .command = &cmd_man_pages, .hidden = true },
	{ .words = "__complete", .command = &cmd_complete, .hidden = true },
	{ .words = "job-step", .command = &cmd_job_step, .hidden = true },
	{ .words = NULL },
};

const struct command_group command_groups[] = {
	{ "buildx", "Build images" },
	{ "container", "Work with containers" },
	{ "generate", "Write Kubernetes YAML from pods" },
	{ "healthcheck", "Health checks of containers" },
	{ "image", "Work with images" },
	{ "kube", "Play, take down, check and write Kubernetes YAML" },
	{ "manifest", "Look at manifests of images" },
	{ "network", "Work with networks" },
	{ "play", "Play Kubernetes YAML" },
	{ "pod", "Work with pods" },
	{ "secret", "Work with secrets" },
	{ "system", "Facts about this machine and the store" },
	{ "volume", "Work with volumes" },
	{ NULL, NULL },
};

#define NO_LISTS "lists of images are not made: podium manifest inspect shows those of others"
#define NO_CLONE "create another from the same words: podium container inspect shows them"

const struct refused_command refused_commands[] = {
	{ "auto-update", "not yet: images are not updated by themselves" },
	{ "container checkpoint", "not yet: a process is not saved" },
	{ "container clone", NO_CLONE },
	{ "container restore", "not yet: a process is not saved" },
	{ "container runlabel", "an image's label is not run as a command of this host" },
	{ "farm", "there is no remote service" },
	{ "generate spec", "there is no file that describes a launch" },
	{ "generate systemd", "not yet: podium-kube@.service plays a file, podium-restart.service "
			      "starts what has --restart" },
	{ "image scp", "use podium save, scp and podium load" },
	{ "image search", "registries are not searched" },
	{ "image sign", "images are not signed" },
	{ "image tree", "podium history shows the layers of an image" },
	{ "image trust", "signatures are not checked" },
	{ "machine", "there is no virtual machine: podium runs where it is called" },
	{ "manifest add", NO_LISTS },
	{ "manifest annotate", NO_LISTS },
	{ "manifest create", NO_LISTS },
	{ "manifest exists", NO_LISTS },
	{ "manifest push", NO_LISTS },
	{ "manifest remove", NO_LISTS },
	{ "manifest rm", NO_LISTS },
	{ "pod clone", NO_CLONE },
	{ "search", "registries are not searched" },
	{ "system connection", "there is no remote service" },
	{ "system migrate", "records need no migration" },
	{ "system renumber", "containers have no numbered locks" },
	{ "system service", "there is no daemon and no API" },
	{ "unshare", "the store is kept as the user who calls" },
	{ NULL, NULL },
};

/* Whether "a b" is the words of a row; b may be NULL for one word. */
static bool is_row(const char *words, const char *a, const char *b)
{
	size_t len = strlen(a);

	if (strncmp(words, a, len) != 0)
		return false;
	if (!b)
		return words[len] == '\0';
	return words[len] == ' ' && strcmp(words + len + 1, b) == 0;
}

static const struct command_row *find(const char *a, const char *b)
{
	for (const struct command_row *row = command_rows; row->words; row++)
		if (is_row(row->words, a, b))
			return row;
	return NULL;
}

const struct command_row *commands_find(int argc, char **argv, int *ret_words)
{
	const struct command_row *row = NULL;

	if (argc >= 2 && (row = find(argv[0], argv[1])))
		*ret_words = 2;
	else if (argc >= 1 && !strchr(argv[0], ' ') && (row = find(argv[0], NULL)))
		*ret_words = 1;
	return row;
}

const struct command_group *commands_find_group(const char *word)
{
	for (const struct command_group *g = command_groups; g->word; g++)
		if (strcmp(g->word, word) == 0)
			return g;
	return NULL;
}

const struct refused_command *commands_find_refused(int argc, char **argv)
{
	for (const struct refused_command *c = refused_commands; c->words; c++)
		if (is_row(c->words, argv[0], NULL) ||
		    (argc > 1 && is_row(c->words, argv[0], argv[1])))
			return c;
	return NULL;
}
