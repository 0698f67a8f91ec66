/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube generate - running pods become YAML again.
 *
 * Theory of operation: a played pod has its own document beside its record; what was asked for is
 * there in full, also what has no effect on this machine (it is dropped when a container is removed
 * from the pod). Without it the YAML is made from the engine's records, from which every honoured
 * field can be reached. KIND/NAME gives a stored workload or ConfigMap. Several arguments give
 * several documents, each begun by "---".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/base/command.h"
#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/format.h"
#include "cmd/podium/kube/kubekind.h"
#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"
#include "kube/generate.h"
#include "kube/handmade.h"
#include "kube/kube.h"
#include "kube/objects.h"

#define YAML_MAX_BYTES (8 * 1024 * 1024)

#define OUTPUT_MAX_BYTES ((size_t)256 * 1024 * 1024)

struct generate_options {
	const char *filename;
	const char *type;
	const char *host_path;
	const char *namespace_;
	struct option_int replicas;
	bool service;
	bool for_cluster;
};
#define O(m) offsetof(struct generate_options, m)

static int read_plan(const struct store *s, const char *id, struct pod_plan *plan,
		     struct error *err)
{
	int r = lookup_read_pod(s, id, &plan->pod, err);

	if (r < 0)
		return r;
	plan->containers = xcalloc(plan->pod.containers.n, sizeof(*plan->containers));
	for (size_t i = 0; i < plan->pod.containers.n && r == 0; i++) {
		r = lookup_read_container(s, plan->pod.containers.v[i].id, &plan->containers[i],
					  err);
		if (r == 0)
			plan->n_containers++;
	}
	return r;
}

/* ---- one argument ----------------------------------------------------------------------- */

static int generate_one_pod(const struct store *s, struct generate_run *run, const char *id,
			    struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_free char *yaml = NULL;
	struct pod_plan plan = { 0 };
	struct error scratch;
	int r = read_plan(s, id, &plan, err);

	if (r == 0) {
		error_ignore(fs_read_file(s->rootfd, layout_pod(path, id, POD_YAML), YAML_MAX_BYTES,
					  &yaml, NULL, &scratch));
		r = is_handmade(&plan.pod) ? generate_handmade(run, &plan, err)
					   : generate_pod(run, &plan, yaml, err);
	}
	pod_plan_done(&plan);
	return r;
}

/* ---- containers by themselves ----------------------------------------------------------- */

static int read_solo(const struct store *s, const char *id, struct pod_plan *plan,
		     struct error *err)
{
	struct container_status st = { 0 };
	int r = status_read(s, id, &st, err);

	if (r == 0 && !st.solo)
		r = error_set(err, EINVAL,
			      "container '%s' is in pod '%s': give the pod's name instead",
			      st.name ? st.name : id, st.pod_name ? st.pod_name : "?");
	if (r == 0)
		r = read_plan(s, st.pod_id, plan, err);
	status_done(&st);
	return r;
}

/* All the containers of the call become one pod. */
static int generate_solos(struct generate_run *run, const struct strlist *ids, struct error *err)
{
	cleanup_free struct pod_plan *plans = xcalloc(ids->n, sizeof(*plans));
	struct pod_plan joined = { 0 };
	int r = 0;

	for (size_t i = 0; i < ids->n && r == 0; i++)
		r = read_solo(run->store, ids->v[i], &plans[i], err);
	if (r == 0 && ids->n == 1)
		r = generate_handmade(run, &plans[0], err);
	else if (r == 0)
		r = handmade_join(plans, ids->n, &joined, err);
	if (r == 0 && ids->n > 1)
		r = generate_handmade(run, &joined, err);
	for (size_t i = 0; i < ids->n; i++)
		pod_plan_done(&plans[i]);
	pod_plan_done(&joined);
	return r;
}

static int generate_stored(struct generate_run *run, const struct kube_kind_row *row,
			   const char *ns, const char *name, struct error *err)
{
	cleanup_stored_object struct stored_object o = { 0 };
	int r;

	if (row->kind < 0 || !is_kind_stored((enum kube_kind)row->kind))
		return error_set(err, EINVAL, "'%s' cannot be generated", row->plural);
	r = object_read(run->store, (enum kube_kind)row->kind, ns, name, &o, err);
	return r < 0 ? r : generate_document(run, kube_kind_names[row->kind], o.yaml, err);
}

/* KIND/NAME */
static int generate_kind(struct generate_run *run, const char *ns, const char *word,
			 struct error *err)
{
	const char *slash = strchr(word, '/');
	cleanup_free char *kind = xstrndup(word, (size_t)(slash - word));
	const struct kube_kind_row *row;
	char id[65];
	int r = kube_kind_parse(kind, &row, err);

	if (r < 0)
		return r;
	if (row->kind != KUBE_POD && run->rq->type != GENERATE_POD)
		return error_set(err, EINVAL, "--type makes a workload of a pod, not of '%s'",
				 word);
	switch (row->kind) {
	case KUBE_POD:
		r = lookup_pod(run->store, slash + 1, id, err);
		return r < 0 ? r : generate_one_pod(run->store, run, id, err);
	case KUBE_CONFIG_MAP:
		return generate_config_map(run, ns, slash + 1, err);
	case KUBE_PVC:
		return generate_volume(run, slash + 1, err);
	case KUBE_SECRET:
		return error_set(err, EPERM, "'%s': the values of a Secret are never written",
				 word);
	default:
		return generate_stored(run, row, ns, slash + 1, err);
	}
}

/* A pod's name comes first, then a container's, then a volume's. Containers by themselves are put
 * aside: they become one pod. */
static int generate_one(const struct store *s, struct generate_run *run,
			const struct generate_options *o, const char *name, struct strlist *solos,
			struct error *err)
{
	struct error pod_err = { 0 };
	char id[65];
	int r;

	if (strchr(name, '/'))
		return generate_kind(run, o->namespace_, name, err);
	r = lookup_pod(s, name, id, &pod_err);

	if (r == 0)
		return generate_one_pod(s, run, id, err);
	if (r == -ENOENT && lookup_container(s, name, id, err) == 0) {
		strlist_add(solos, id);
		return 0;
	}
	r = r == -ENOENT ? generate_volume(run, name, err) : r;
	if (r == -ENOENT)
		return error_set(err, ENOENT, "no such pod, container or volume: '%s'", name);
	if (r < 0 && pod_err.code != ENOENT)
		*err = pod_err;
	return r;
}

static int write_new_file(const char *path, const struct buf *out, struct error *err)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r;

	if (fd < 0 && errno == EEXIST)
		return error_set(err, EEXIST, "'%s' exists and is not overwritten", path);
	if (fd < 0)
		return error_errno(err, "create '%s'", path);
	r = fs_write_all(fd, out->data, out->len);
	if (r < 0) {
		(void)unlink(path);
		return error_set(err, -r, "write '%s': %s", path, strerror(-r));
	}
	return 0;
}

/* ---- options ---------------------------------------------------------------------------- */

static int find_word(const char *const *names, const char *word)
{
	for (int i = 0; names[i]; i++)
		if (strcmp(names[i], word) == 0)
			return i;
	return -1;
}

static int read_request(const struct generate_options *o, struct generate_request *rq,
			struct error *err)
{
	static const char *const places[] = { "keep", "configmap", "pvc", NULL };

	rq->type = find_word(generate_type_names, o->type);
	if (rq->type < 0)
		return error_set(err, EINVAL,
				 "--type '%s' is not known: pod, deployment, daemonset, job or "
				 "statefulset",
				 o->type);
	rq->host_path = find_word(places, o->host_path);
	if (rq->host_path < 0)
		return error_set(err, EINVAL, "--hostpath '%s' is not known: configmap or pvc",
				 o->host_path);
	if (o->replicas.set && rq->type != GENERATE_DEPLOYMENT && rq->type != GENERATE_STATEFUL_SET)
		return error_set(err, EINVAL, "--replicas needs --type deployment or statefulset");
	if (o->replicas.set && (o->replicas.value < 1 || o->replicas.value > INT32_MAX))
		return error_set(err, EINVAL, "--replicas must be at least 1");
	rq->replicas = (struct opt_i64){ o->replicas.set, o->replicas.value };
	rq->service = o->service;
	rq->for_cluster = o->for_cluster;
	return 0;
}

static void set_defaults(void *options)
{
	struct generate_options *o = options;

	o->type = "pod";
	o->host_path = "keep";
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	const struct generate_options *o = options;
	struct generate_request rq = { 0 };
	struct generate_run run = { .rq = &rq,
				    .store = &ctx->store,
				    .out = BUF_INIT(OUTPUT_MAX_BYTES) };
	cleanup_strlist struct strlist solos = { 0 };
	int r = read_request(o, &rq, err);

	for (int i = 0; i < argc && r == 0; i++)
		r = generate_one(&ctx->store, &run, o, argv[i], &solos, err);
	if (r == 0 && solos.n)
		r = generate_solos(&run, &solos, err);
	if (r == 0 && run.out.overflow)
		r = error_set(err, EFBIG, "more than 256 MiB of YAML");
	for (size_t i = 0; i < run.notes.n && r == 0; i++)
		command_print_warning(run.notes.v[i]);
	if (r == 0 && o->filename)
		r = write_new_file(o->filename, &run.out, err);
	else if (r == 0 && run.out.len)
		format_print_text(run.out.data, run.out.len);
	generate_run_done(&run);
	return r;
}

static const struct option generate_options_table[] = {
	{ 'f', "filename", OPTION_STRING, O(filename), "file",
	  "Write to a new file instead of stdout", false },
	{ 0, "for-cluster", OPTION_BOOL, O(for_cluster), NULL,
	  "Tell on stderr what will not travel to a cluster", false },
	{ 0, "hostpath", OPTION_STRING, O(host_path), "kind",
	  "Replace hostPath volumes by a configmap or a pvc", false },
	{ 'n', "namespace", OPTION_STRING, O(namespace_), "name",
	  "Where KIND/NAME is (default \"default\")", false },
	{ 'r', "replicas", OPTION_INT, O(replicas), "number",
	  "Replicas of a deployment or statefulset (1)", false },
	{ 's', "service", OPTION_BOOL, O(service), NULL,
	  "A Service of type NodePort for the pod's ports, too", false },
	{ 't', "type", OPTION_STRING, O(type), "type",
	  "pod (default), deployment, daemonset, job or statefulset", false },
	OPTIONS_END,
};

const struct command cmd_kube_generate = {
	.words = "kube generate",
	.args = "[options] POD|CONTAINER|VOLUME|KIND/NAME...",
	.summary = "Write pods, workloads and volumes as Kubernetes YAML",
	.details = "  A word without a slash is a pod, else a container, else a volume. What was "
		   "played comes back "
		   "as it was\n"
		   "  written, with the ConfigMaps and claims that it uses; a pod made by hand is "
		   "described\n"
		   "  from its records. deployment/NAME, job/NAME, configmap/NAME, ... give other "
		   "objects.\n"
		   "  Values of Secrets are never written: what refers to them goes on doing so.",
	.options = generate_options_table,
	.options_size = sizeof(struct generate_options),
	.set_defaults = set_defaults,
	.min_args = 1,
	.max_args = -1,
	.store = COMMAND_READS,
	.run = run,
};
