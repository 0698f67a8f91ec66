/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube play - manifests become running pods.
 *
 * Theory of operation: nothing is created before everything is known to be good: all documents are
 * decoded and validated, all images pulled and resolved, all host paths looked at. Then a pod that
 * exists is compared with the plan: unchanged ones stay (and are started if they have ended),
 * changed ones are replaced. New pods are created and their conductors started, all at once; while
 * they come up the records are made durable; then the command watches until each pod is up.
 *
 * A pod that could not be built (busy port, no namespace) is removed again: nothing is left of it.
 * One whose containers fail stays and is retried by its policy, as the kubelet does.
 */
#include <errno.h>
#include <string.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/conf.h"
#include "cmd/podium/play/kube_archive.h"
#include "cmd/podium/play/kube_fetch.h"
#include "cmd/podium/play/kube_input.h"
#include "cmd/podium/container/lifeoptions.h"
#include "cmd/podium/network/networkwords.h"
#include "cmd/podium/play/play.h"
#include "cmd/podium/play/play_build.h"
#include "engine/base/mem.h"

#define O(m) offsetof(struct play_options, m)

/* The images of an archive: all that its manifest names are in it. */
static int unpack_archive(struct command_context *ctx, const char *path,
			  const struct kube_result *result, struct strlist *ret_keep,
			  struct error *err)
{
	for (size_t i = 0; i < result->n; i++)
		for (size_t k = 0; k < result->v[i].n_containers; k++)
			strlist_add(ret_keep, result->v[i].containers[k].image);
	return kube_archive_load(&ctx->store, path, result, err);
}

static int read_annotations(const struct strlist *list, struct pairlist *ret, struct error *err)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *equals = strchr(list->v[i], '=');
		cleanup_free char *key =
			equals ? xstrndup(list->v[i], (size_t)(equals - list->v[i])) : NULL;

		if (!equals || equals == list->v[i])
			return error_set(err, EINVAL, "--annotation '%.100s' is not KEY=VALUE",
					 list->v[i]);
		pairlist_set(ret, key, equals + 1);
	}
	return 0;
}

/* containers.conf's default_network; NULL for the one that is meant anyway. */
static int find_default_network(char **ret, struct error *err)
{
	cleanup_containers_conf struct conf conf = { .tz = NULL };
	int r = containers_conf_load(&conf, err);

	if (r < 0)
		return r;
	r = network_words_check_default(conf.default_network, err);
	if (r == 1)
		*ret = xstrdup(conf.default_network);
	return r < 0 ? error_wrap(err, "containers.conf: default_network") : 0;
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	struct play_options *o = options;
	cleanup_kube_result struct kube_result result = { 0 };
	cleanup_strlist struct strlist keep = { .v = NULL };
	const struct play_build_options builds = { .build = o->build,
						   .context_dir = o->context_dir,
						   .pull = &o->pull,
						   .quiet = o->quiet };
	struct kube_input how = { .strict = o->strict,
				  .for_play = !o->down,
				  .store = &ctx->store,
				  .config_maps = o->config_maps,
				  .wants_digest = o->service_container,
				  .plain_names = o->no_pod_prefix };
	struct down_request rq = { .force = o->force };
	cleanup_free char *by_default = NULL;
	int r = grace_option(&o->time, &rq.grace_s, err);

	if (r < 0)
		return r;
	for (int i = 0; i < argc; i++) {
		if (o->prune && (is_equal(argv[i], "-") || is_kube_address(argv[i])))
			return error_set(err, EINVAL,
					 "--prune goes by the file's path, which %s has not",
					 is_equal(argv[i], "-") ? "stdin" : "an address");
		strlist_add(&o->files, argv[i]);
	}
	if (o->dry_run && is_kube_archive(argv[0]))
		return error_set(err, EINVAL, "--dry-run does not look into archives");
	if (o->force && !o->down)
		return error_set(err, EINVAL, "--force belongs to --down");
	if (o->time.set && !o->down)
		return error_set(err, EINVAL, "--time belongs to --down");
	if (o->service_container && !o->start)
		return error_set(err, EINVAL,
				 "--service-container does not work with --start=false");
	if (o->service_exit && !o->service_container)
		return error_set(err, EINVAL,
				 "--service-exit-code-propagation belongs to --service-container");
	if (o->down)
		return kube_down(ctx, argc, argv, &rq, err);
	o->network = play_join_networks(&o->networks);
	if (o->network)
		strlist_take(&o->networks, o->network); /* freed with them */
	r = find_default_network(&by_default, err);
	if (r < 0)
		return r;
	o->default_network = by_default;
	r = read_annotations(&o->annotations, &how.annotations, err);
	if (r == 0)
		r = play_override_input(&o->over, &o->networks, &how, err);
	if (r == 0)
		r = kube_fetch(&ctx->store, argc, argv, &how.fetched, err);
	if (r == 0)
		r = kube_input_read(argc, argv, &how, &result, err);
	pairlist_done(&how.annotations);
	pairlist_done(&how.fetched);
	if (r == 0)
		r = play_override(&o->over, &result, err);
	if (r == 0)
		r = play_check_addresses(&o->over, result.n, err);
	if (r == 0)
		play_objects_name_sources(&result);
	if (r == 0 && o->dry_run)
		return play_run(ctx, o, &result, &keep, err);
	if (r == 0 && is_kube_archive(argv[0]))
		r = unpack_archive(ctx, argv[0], &result, &keep, err);
	else if (r == 0)
		r = play_build(ctx, &builds, &result, &keep, err);
	return r ? r : play_run(ctx, o, &result, &keep, err);
}

static const struct option play_options_table[] = {
	{ 0, "annotation", OPTION_STRINGS, O(annotations), "KEY=VALUE",
	  "Put this annotation on every pod", false },
	OPTION_AUTHFILE(O(pull.reg.authfile)),
	{ 0, "build", OPTION_MAYBE, O(build), NULL,
	  "Build the images that have a folder of their name (default: those that are missing)",
	  false },
	OPTION_CERT_DIR(O(pull.reg.cert_dir)),
	{ 0, "configmap", OPTION_STRINGS, O(config_maps), "file",
	  "Take the ConfigMaps of this file, too", false },
	{ 0, "context-dir", OPTION_STRING, O(context_dir), "path",
	  "Where those folders are (default: beside the manifest)", false },
	OPTION_CREDS(O(pull.reg.creds)),
	{ 0, "down", OPTION_BOOL, O(down), NULL, "Stop and remove the pods of the files", false },
	{ 0, "dry-run", OPTION_BOOL, O(dry_run), NULL,
	  "Check, compare, say what would be done; make nothing", false },
	{ 0, "force", OPTION_BOOL, O(force), NULL, "With --down: volumes that a play has made, too",
	  false },
	{ 0, "ip", OPTION_STRINGS, O(over.ips), "address", "Address of a pod, one each in order",
	  false },
	{ 0, "log-driver", OPTION_STRING, O(over.log_driver), "driver",
	  "k8s-file, json-file, journald, none or passthrough", false },
	{ 0, "log-opt", OPTION_STRINGS, O(over.log_options), "KEY=VALUE",
	  "max-size=SIZE, max-file=N, path=FILE; tag=TEXT for journald", false },
	{ 0, "mac-address", OPTION_STRINGS, O(over.macs), "address",
	  "Hardware address of a pod, one each in order", false },
	{ 0, "network", OPTION_STRINGS, O(networks), "network",
	  "host, none, bridge, or NAME[:ip=..,mac=..,alias=..,interface_name=..]; may be given "
	  "again",
	  false },
	{ 0, "no-hostname", OPTION_BOOL, O(over.no_hostname), NULL,
	  "Containers keep their image's /etc/hostname", false },
	{ 0, "no-hosts", OPTION_BOOL, O(over.no_hosts), NULL,
	  "Containers keep their image's /etc/hosts", false },
	{ 0, "no-pod-prefix", OPTION_BOOL, O(no_pod_prefix), NULL,
	  "Containers are called NAME, not POD-NAME", false },
	{ 0, "prune", OPTION_BOOL, O(prune), NULL,
	  "Delete what was played from these files and is not in them any more", false },
	{ 0, "publish", OPTION_STRINGS, O(over.publish), "[IP:]HOST:PORT[/PROTO]",
	  "Publish a container's port there, whatever the file says", false },
	{ 0, "publish-all", OPTION_BOOL, O(over.publish_all), NULL,
	  "Publish every containerPort at its own number", false },
	{ 'q', "quiet", OPTION_BOOL, O(quiet), NULL, "No progress of pulls", false },
	{ 0, "replace", OPTION_BOOL, O(replace), NULL, "Remove the pods first if they exist",
	  false },
	{ 0, "seccomp-profile-root", OPTION_STRING, O(over.seccomp_root), "path",
	  "Where profiles of type Localhost are", false },
	{ 0, "service-container", OPTION_BOOL, O(service_container), NULL,
	  "Make a container that runs as long as one of the pods, for a unit of systemd", false },
	{ 0, "service-exit-code-propagation", OPTION_STRING, O(service_exit), "policy",
	  "When its exit code is 137 because containers have failed: all, any or none", false },
	{ 0, "start", OPTION_BOOL, O(start), NULL, "Start the pods (--start=false only creates)",
	  false },
	{ 0, "strict", OPTION_BOOL, O(strict), NULL, "A field that has no effect here is an error",
	  false },
	OPTION_TLS_VERIFY(O(pull.reg.tls_verify)),
	{ 't', "time", OPTION_INT, O(time), "seconds", "With --down: grace period", true },
	{ 0, "timeout", OPTION_INT, O(timeout), "seconds", "With --wait=ready|completed: at most",
	  false },
	{ 0, "userns", OPTION_STRING, O(over.users), "mode",
	  "auto, auto:size=N or host, over hostUsers of the file", false },
	{ 'w', "wait", OPTION_WORD, O(wait), NULL,
	  "Until the pods have ended, then take all down; or --wait=ready|completed", false },
	OPTIONS_END,
};

static void set_defaults(void *options)
{
	((struct play_options *)options)->start = true;
}

static void free_options(void *options)
{
	strlist_done(&((struct play_options *)options)->files);
}

const struct command cmd_kube_play = {
	.words = "kube play",
	.args = "[options] FILE|URL...|-",
	.summary = "Play Kubernetes YAML: create and start its pods",
	.details =
		"  Objects come first (namespaces, ConfigMaps, Secrets, volumes, claims), then all "
		"pods at\n"
		"  once. What did not change stays; what failed to be made leaves nothing behind. "
		"Ids\n"
		"  go to stdout, what became of each object to stderr.\n\n"
		"  Exits with 125 when something could not be made or started, or a wait took too "
		"long;\n"
		"  with --wait and --wait=completed as the first container that failed, with "
		"128 + N\n"
		"  after signal N, and with 1 for a Job that failed.",
	.options = play_options_table,
	.options_size = sizeof(struct play_options),
	.set_defaults = set_defaults,
	.free_options = free_options,
	.min_args = 1,
	.max_args = -1,
	.store = COMMAND_WRITES,
	.run = run,
};
