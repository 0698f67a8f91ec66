/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create_make - from the words of `run` and `create` to a container that is ready to be started.
 *
 * Theory of operation: first everything that can be refused without a trace (containers.conf, the pod
 * to join, the plan, other containers that are named, ports), then the pull, which may take long and
 * holds no lock, then the records under the images lock, which is held until they pin the layers.
 * --replace takes the old container away last of all, when only the name stands in the way. One wait
 * for the disk ends the creation. Whatever fails takes with it what was made; so does a signal that
 * ends the command, which waits from the first record until the last.
 *
 * A free port of the host for -P, or -p without one, is chosen here and recorded: it stays the same
 * over stops and starts.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/podium/base/conf.h"
#include "cmd/podium/base/hold.h"
#include "cmd/podium/container/create_image.h"
#include "cmd/podium/container/create_names.h"
#include "cmd/podium/container/create_options.h"
#include "cmd/podium/container/mountwords.h"
#include "cmd/podium/network/networksettle.h"
#include "cmd/podium/pod/pods.h"
#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/data/secret.h"
#include "engine/image/store.h"
#include "engine/pod/lookup.h"
#include "engine/pod/names.h"
#include "engine/pod/pod.h"

#define NAME_TRIES     10
#define ID_FILE_MAX    256
#define NEW_POD	       "new:"
#define FROM_CONTAINER "container:"

/* One creation on its way. */
struct making {
	struct command_context *ctx;
	const struct create_options *o;
	struct conf conf;
	struct pod_spec joined; /* the pod that is there */
	struct create_target target;
	struct pod_plan plan;
	bool is_name_own; /* the name was not asked for */
	int cid_fd;
	struct held_signals held;
};

/* ---- the pod ---------------------------------------------------------------------------------- */

static int read_id_file(const char *path, char **ret, struct error *err)
{
	int r = fs_read_file(AT_FDCWD, path, ID_FILE_MAX, ret, NULL, err);

	if (r < 0)
		return error_wrap(err, "--pod-id-file");
	(*ret)[strcspn(*ret, " \t\r\n")] = '\0';
	return 0;
}

static int find_target(struct making *m, struct error *err)
{
	const char *pod = is_empty(m->o->pod) ? NULL : m->o->pod;
	cleanup_free char *from_file = NULL;
	char id[65];
	int r = 0;

	if (m->o->pod_id_file && pod)
		return error_set(err, EINVAL, "--pod and --pod-id-file exclude each other");
	if (m->o->pod_id_file) {
		r = read_id_file(m->o->pod_id_file, &from_file, err);
		pod = from_file;
	}
	if (r < 0 || !pod)
		return r;
	if (!from_file && is_prefix(pod, NEW_POD)) {
		m->target.new_pod = m->o->pod + strlen(NEW_POD);
		if (m->o->init_ctr)
			return error_set(err, EINVAL, "--init-ctr needs a pod that is there");
		return 0;
	}
	r = lookup_pod(&m->ctx->store, pod, id, err);
	if (r == 0)
		r = lookup_read_pod(&m->ctx->store, id, &m->joined, err);
	if (r == 0)
		m->target.pod = &m->joined;
	return r;
}

/* ---- what other containers have --------------------------------------------------------------- */

/* "container:NAME" becomes "container:<id>". */
static int settle_one(const struct store *s, const char *flag, char **mode, struct error *err)
{
	char id[65];
	int r;

	if (!*mode || !is_prefix(*mode, FROM_CONTAINER))
		return 0;
	r = lookup_container(s, *mode + strlen(FROM_CONTAINER), id, err);
	if (r < 0)
		return error_wrap(err, "--%s", flag);
	free(*mode);
	*mode = xasprintf(FROM_CONTAINER "%s", id);
	return 0;
}

int create_settle(const struct store *s, struct pod_spec *pod, struct error *err)
{
	int r = settle_one(s, "network", &pod->network_from, err);

	if (r == 0)
		r = network_settle(s, pod, err);
	if (r == 0)
		r = settle_one(s, "ipc", &pod->ipc_from, err);
	if (r == 0)
		r = settle_one(s, "pid", &pod->pid_from, err);
	return r < 0 ? r : settle_one(s, "uts", &pod->uts_from, err);
}

static int settle_required(struct making *m, struct container_spec *c, struct error *err)
{
	char id[65];
	int r = 0;

	for (size_t i = 0; i < m->o->required.n && r == 0; i++) {
		r = lookup_container(&m->ctx->store, m->o->required.v[i], id, err);
		if (r == 0)
			strlist_add(&c->required, id);
	}
	return r < 0 ? error_wrap(err, "--requires") : 0;
}

/* Secrets by their names, whatever was written. */
static int settle_secrets(const struct store *s, struct container_spec *c, struct error *err)
{
	for (size_t i = 0; i < c->secrets.n; i++) {
		struct secret_use *use = &c->secrets.v[i];
		cleanup_secret_record struct secret_record rec = { 0 };
		int r = secret_lookup(s, use->name, &rec, err);

		if (r == 0 && rec.namespace_)
			r = error_set(err, EOPNOTSUPP,
				      "secret '%s' is the Secret of a play: only pods of plays "
				      "use it",
				      rec.name);
		if (r < 0)
			return r;
		free(use->name);
		use->name = xstrdup(rec.name);
	}
	return 0;
}

static int settle(struct making *m, struct error *err)
{
	const struct store *s = &m->ctx->store;
	struct pod_spec *pod = &m->plan.pod;
	struct container_spec *c = &m->plan.containers[0];
	int r = create_settle(s, pod, err);

	if (r == 0)
		r = settle_required(m, c, err);
	if (r == 0)
		r = settle_secrets(s, c, err);
	for (size_t i = 0; i < m->o->mounts.volumes_from.n && r == 0; i++)
		r = mount_words_from(s, m->o->mounts.volumes_from.v[i], pod, c, err);
	return r;
}

static bool is_mounted_at(const struct container_spec *c, const char *target)
{
	for (size_t i = 0; i < c->mounts.n; i++)
		if (is_equal(c->mounts.v[i].target, target))
			return true;
	return false;
}

/* What the pod gives to its members, where the container has nothing of its own. */
static int add_pod_volumes(struct making *m, struct error *err)
{
	const struct strlist *words = &m->joined.member_volumes;
	struct container_spec *c = &m->plan.containers[0];
	int r = 0;

	for (size_t i = 0; i < words->n && r == 0; i++) {
		const char *colon = strchr(words->v[i], ':');
		size_t n = colon ? strcspn(colon + 1, ":") : 0;
		cleanup_free char *target = colon ? xstrndup(colon + 1, n) : NULL;

		if (target && !is_mounted_at(c, target))
			r = mount_words_volume(words->v[i], &m->plan.pod, c, err);
	}
	return r < 0 ? error_wrap(err, "volumes of pod '%s'", m->joined.name) : 0;
}

/* ---- records ---------------------------------------------------------------------------------- */

static void give_name(struct making *m)
{
	struct container_spec *c = &m->plan.containers[0];

	if (m->o->name)
		return;
	m->is_name_own = true;
	free(c->name);
	free(c->full_name);
	c->full_name = create_new_name(&m->ctx->store);
	c->name = xstrdup(c->full_name);
	if (m->plan.pod.solo) {
		free(m->plan.pod.name);
		m->plan.pod.name = xstrdup(c->full_name);
	}
}

/* --replace: a container that has the very name. */
static int remove_old(struct making *m, struct error *err)
{
	cleanup_free char *path = m->o->name ? xasprintf("names/%s", m->o->name) : NULL;
	char owner[80] = "";
	ssize_t n;

	if (!m->o->replace)
		return 0;
	if (!path)
		return error_set(err, EINVAL, "--replace needs --name");
	n = readlinkat(m->ctx->store.rootfd, path, owner, sizeof(owner) - 1);
	if (n < 0 || !is_prefix(owner, "containers/"))
		return 0;
	return container_remove(&m->ctx->store, owner + strlen("containers/"), 0, err);
}

static int make_records(struct making *m, struct pod_creation *creation, struct created *ret,
			struct error *err)
{
	const struct store *s = &m->ctx->store;
	struct container_spec *c = &m->plan.containers[0];
	int r = -EEXIST;

	for (int i = 0; r == -EEXIST && i < NAME_TRIES; i++) {
		give_name(m);
		r = m->target.pod ? pod_add_container(s, m->joined.id, c, &m->plan.pod.volumes,
						      creation, err)
				  : pod_create(s, &m->plan, creation, err);
		if (!m->is_name_own)
			break;
	}
	if (r < 0)
		return r;
	(void)snprintf(ret->pod_id, sizeof(ret->pod_id), "%s",
		       m->target.pod ? m->joined.id : m->plan.pod.id);
	(void)snprintf(ret->container_id, sizeof(ret->container_id), "%s", c->id);
	ret->joined = m->target.pod;
	ret->new_pod = m->target.new_pod;
	return 0;
}

static int commit(struct making *m, struct pod_creation *creation, struct created *made,
		  struct error *err)
{
	const struct store *s = &m->ctx->store;
	cleanup_strlist struct strlist ids = { 0 };
	int r = 0;

	strlist_add(&ids, made->pod_id);
	if (!made->joined && m->plan.pod.solo && m->plan.containers[0].auto_remove)
		r = pod_commit_fleeting(s, &ids, err);
	else if (!made->joined)
		r = pod_commit(s, &ids, err);
	pod_creation_done(creation);
	if (r == 0)
		r = signals_check(&m->held, err);
	if (r == 0 && m->cid_fd >= 0)
		r = fs_write_all(m->cid_fd, made->container_id, strlen(made->container_id)) < 0
			    ? error_set(err, EIO, "write the id to '%s'", m->o->cid_file)
			    : 0;
	if (r < 0)
		create_undo(s, made);
	return r;
}

void create_undo(const struct store *s, const struct created *made)
{
	struct error scratch; /* another error is told */

	if (made->joined)
		error_ignore(container_remove(s, made->container_id, 0, &scratch));
	else
		error_ignore(pod_remove(s, made->pod_id, &scratch));
}

/* ---- the order of it -------------------------------------------------------------------------- */

/* Ports of a container by itself are its own; those of a pod are the pod's. */
static int choose_ports(struct making *m, struct error *err)
{
	struct pod_spec *pod = &m->plan.pod;
	struct container_spec *c = &m->plan.containers[0];
	int r = publish_choose(&pod->ports, err);

	if (r == 0 && m->o->publish_all)
		r = publish_choose(&c->ports, err);
	if (r < 0 || !pod->solo)
		return r;
	for (size_t i = 0; i < c->ports.n; i++)
		*list_add(&pod->ports) = c->ports.v[i];
	free(c->ports.v);
	c->ports = pod->ports;
	pod->ports = (struct port_list){ 0 };
	return 0;
}

static int open_cid_file(struct making *m, struct error *err)
{
	const char *path = m->o->cid_file;

	if (!path)
		return 0;
	m->cid_fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0644);
	return m->cid_fd < 0 ? error_errno(err, "--cidfile '%.200s'", path) : 0;
}

static int make(struct making *m, struct created *ret, struct error *err)
{
	struct pod_creation creation = { .lock_fd = -1 };
	const char *image = m->plan.containers[0].image;
	cleanup_close int images = -EBADF;
	cleanup_free char *name = NULL;
	int r = create_image_pull(m->ctx, m->o, &m->conf, image, &name, err);

	if (r == 0)
		images = r = image_lock(&m->ctx->store, LOCK_SHARED, err);
	if (r >= 0)
		r = create_image_apply(&m->ctx->store, m->o, name, &m->plan, err);
	if (r == 0)
		r = add_pod_volumes(m, err);
	if (r == 0)
		r = choose_ports(m, err);
	if (r == 0)
		signals_hold(&m->held);
	if (r == 0)
		r = open_cid_file(m, err);
	if (r == 0)
		r = remove_old(m, err);
	if (r == 0)
		r = make_records(m, &creation, ret, err);
	return r < 0 ? r : commit(m, &creation, ret, err);
}

int create_container(struct command_context *ctx, const struct create_options *o, int argc,
		     char **argv, struct created *ret, struct error *err)
{
	struct making m = { .ctx = ctx, .o = o, .cid_fd = -EBADF };
	int r = containers_conf_load(&m.conf, err);

	if (r == 0)
		r = find_target(&m, err);
	if (r == 0)
		r = create_plan(o, &m.target, &m.conf, argc, argv, &m.plan, err);
	if (r == 0)
		r = settle(&m, err);
	if (r == 0)
		command_line_words(&m.plan.containers[0].create_command);
	if (r == 0)
		r = make(&m, ret, err);
	if (m.cid_fd >= 0) {
		(void)close(m.cid_fd);
		if (r < 0)
			(void)unlink(o->cid_file);
	}
	signals_release(&m.held);
	pod_plan_done(&m.plan);
	record_done(&pod_spec_type, &m.joined);
	containers_conf_done(&m.conf);
	return r;
}
