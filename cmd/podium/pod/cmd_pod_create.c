/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod create - an empty pod, to which members are added by `run --pod` and `create --pod`.
 *
 * Theory of operation: as create_make.c, without an image: what can be refused is refused first, the
 * records are the last step, and what fails leaves nothing. The pod runs when it, or a member, is
 * started.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/podium/base/commands.h"
#include "cmd/podium/base/conf.h"
#include "cmd/podium/base/hold.h"
#include "cmd/podium/container/create_names.h"
#include "cmd/podium/container/mountwords.h"
#include "cmd/podium/pod/pod_create.h"
#include "cmd/podium/pod/pods.h"
#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/pod/pod.h"

#define NAME_TRIES 10

/* The volumes of other containers become words that each member gets. */
static int add_volumes_from(const struct store *s, const struct strlist *words,
			    struct pod_spec *pod, struct error *err)
{
	struct pod_spec scratch = { 0 };
	struct container_spec c = { 0 };
	int r = 0;

	for (size_t i = 0; i < words->n && r == 0; i++)
		r = mount_words_from(s, words->v[i], &scratch, &c, err);
	for (size_t i = 0; i < c.mounts.n && r == 0; i++) {
		const struct mount_spec *m = &c.mounts.v[i];
		const struct volume_spec *v = pod_find_volume(&scratch, m->volume);
		const char *source = !v				   ? NULL
				     : v->kind == VOLUME_NAMED	   ? v->source_name
				     : v->kind == VOLUME_HOST_PATH ? v->host_path
								   : NULL;

		if (!source)
			r = error_set(err, EINVAL,
				      "--volumes-from: what is mounted on '%s' cannot be shared",
				      m->target);
		else
			strlist_addf(&pod->member_volumes, "%s:%s%s", source, m->target,
				     m->read_only ? ":ro" : "");
	}
	record_done(&pod_spec_type, &scratch);
	record_done(&container_spec_type, &c);
	return r;
}

/* --replace: a pod that has the very name. */
static int remove_old(const struct store *s, const char *name, struct error *err)
{
	cleanup_free char *path = xasprintf("names/%s", name);
	cleanup_strlist struct strlist ids = { 0 };
	char owner[80] = "";
	ssize_t n = readlinkat(s->rootfd, path, owner, sizeof(owner) - 1);
	int r;

	if (n < 0 || !is_prefix(owner, "pods/"))
		return 0;
	strlist_add(&ids, owner + strlen("pods/"));
	r = pods_stop_to_remove(s, &ids, 0, err);
	return r < 0 ? r : pod_remove(s, ids.v[0], err);
}

static int make_records(const struct store *s, struct pod_plan *plan,
			const struct held_signals *held, struct error *err)
{
	struct pod_creation creation = { .lock_fd = -1 };
	cleanup_strlist struct strlist ids = { 0 };
	bool is_named = plan->pod.name;
	struct error scratch; /* the first is told */
	int r = -EEXIST;

	for (int i = 0; r == -EEXIST && i < (is_named ? 1 : NAME_TRIES); i++) {
		if (!is_named) {
			free(plan->pod.name);
			plan->pod.name = create_new_name(s);
		}
		r = pod_create(s, plan, &creation, err);
	}
	if (r < 0)
		return r;
	strlist_add(&ids, plan->pod.id);
	r = pod_commit(s, &ids, err);
	pod_creation_done(&creation);
	if (r == 0)
		r = signals_check(held, err);
	if (r < 0)
		error_ignore(pod_remove(s, plan->pod.id, &scratch));
	return r;
}

static int make(struct command_context *ctx, const struct pod_create_options *o,
		struct pod_plan *plan, struct error *err)
{
	cleanup_close int fd = -EBADF;
	struct held_signals held = { .on = false };
	int r = publish_choose(&plan->pod.ports, err);

	signals_hold(&held);
	if (r == 0 && o->pod_id_file) {
		fd = open(o->pod_id_file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0644);
		if (fd < 0)
			r = error_errno(err, "--pod-id-file '%.200s'", o->pod_id_file);
	}
	if (r == 0 && o->replace && plan->pod.name)
		r = remove_old(&ctx->store, plan->pod.name, err);
	if (r == 0)
		r = make_records(&ctx->store, plan, &held, err);
	if (r == 0 && fd >= 0 && fs_write_all(fd, plan->pod.id, strlen(plan->pod.id)) < 0)
		r = error_set(err, EIO, "write the id to '%.200s'", o->pod_id_file);
	if (r < 0 && fd >= 0)
		(void)unlink(o->pod_id_file);
	signals_release(&held);
	return r;
}

static int run(struct command_context *ctx, void *options, int argc, char **argv, struct error *err)
{
	struct pod_create_options *o = options;
	cleanup_containers_conf struct conf conf = { 0 };
	struct pod_plan plan = { 0 };
	int r = containers_conf_load(&conf, err);

	if (r == 0 && argc && o->name)
		r = error_set(err, EINVAL, "the name is given twice: --name and '%.100s'", argv[0]);
	if (argc)
		o->name = argv[0];
	if (r == 0 && o->replace && !o->name)
		r = error_set(err, EINVAL, "--replace needs --name");
	if (r == 0)
		r = pod_create_plan(o, &conf, &plan.pod, err);
	if (r == 0)
		r = add_volumes_from(&ctx->store, &o->volumes_from, &plan.pod, err);
	if (r == 0)
		r = create_settle(&ctx->store, &plan.pod, err);
	if (r == 0)
		command_line_words(&plan.pod.create_command);
	if (r == 0)
		r = make(ctx, o, &plan, err);
	if (r == 0)
		(void)printf("%s\n", plan.pod.id);
	pod_plan_done(&plan);
	return r;
}

const struct command cmd_pod_create = {
	.words = "pod create",
	.args = "[options] [NAME]",
	.summary = "Create a new empty pod",
	.details = "  The id of the pod is printed. It runs when it is started (podium pod start), "
		   "or a\n  member of it (podium run --pod).",
	.options = pod_create_table,
	.options_size = sizeof(struct pod_create_options),
	.min_args = 0,
	.max_args = 1,
	.store = COMMAND_WRITES,
	.run = run,
};
