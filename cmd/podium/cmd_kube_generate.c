/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube generate - running pods become YAML again.
 *
 * Theory of operation: a played pod has its own document beside its record; what was asked for is
 * there in full, also what has no effect on this machine (it is dropped when a container is removed
 * from the pod). Without it the YAML is made from the
 * engine's records, from which every honoured field can be reached. Several pods give several
 * documents, each begun by "---".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/podium/command.h"
#include "cmd/podium/commands.h"
#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/pod/lookup.h"
#include "engine/pod/pod.h"
#include "kube/kube.h"

#define YAML_MAX_BYTES (8 * 1024 * 1024)

struct generate_options {
	const char *filename;
};

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

static int generate_one(const struct store *s, const char *name, struct buf *out, struct error *err)
{
	char path[LAYOUT_PATH_MAX], id[65];
	cleanup_free char *yaml = NULL;
	cleanup_free char *text = NULL;
	struct pod_plan plan = { 0 };
	struct error scratch;
	int r = lookup_pod(s, name, id, err);

	if (r < 0)
		return r;
	r = read_plan(s, id, &plan, err);
	if (r == 0 && plan.n_containers == 0)
		r = error_set(err, EINVAL, "pod '%s' only has an infra container", name);
	if (r == 0)
		error_ignore(fs_read_file(s->rootfd, layout_pod(path, id, POD_YAML), YAML_MAX_BYTES,
					  &yaml, NULL, &scratch));
	if (r == 0 && yaml)
		r = kube_generate_document(yaml, &text, err);
	else if (r == 0)
		r = kube_generate_from_plan(&plan, &text, err);
	if (r == 0)
		buf_adds(out, text);
	pod_plan_done(&plan);
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

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	const struct generate_options *o = options;
	cleanup_buf struct buf out = BUF_INIT(256 * 1024 * 1024);

	for (int i = 0; i < argc; i++) {
		int r = generate_one(&ctx->store, argv[i], &out, err);

		if (r < 0)
			return r;
	}
	if (o->filename)
		return write_new_file(o->filename, &out, err);
	(void)fwrite(out.data, 1, out.len, stdout);
	return 0;
}

static const struct option generate_options_table[] = {
	{ 'f', "filename", OPTION_STRING, offsetof(struct generate_options, filename), "file",
	  "Write to a new file instead of stdout", false },
	OPTIONS_END,
};

const struct command cmd_kube_generate = {
	.words = "kube generate",
	.args = "[options] POD [POD...]",
	.summary = "Write pods as Kubernetes YAML",
	.options = generate_options_table,
	.options_size = sizeof(struct generate_options),
	.min_args = 1,
	.max_args = -1,
	.store = COMMAND_READS,
	.run = run,
};
