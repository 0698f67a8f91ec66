/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build_plan - a RUN step as a pod of one container.
 *
 * Theory of operation: pure but for the directories of caches, which are made here. The container's
 * image is given inline: the layers so far, the environment, the user. It restarts never, and the
 * pod ends with it. Mounts of the step become volumes: a cache is a directory below ROOT/build-cache
 * named by its escaped id, so that no id is ever a path; a bind is read-only; a script is a
 * file of an emptyDir that is written before the start (build_run.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/podium/image/build_run.h"
#include "engine/base/fs.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/build/step.h"

#define CACHE_DIR      "build-cache"
#define NAME_BYTES_MAX 240
#define LOG_BYTES_MAX  (INT64_C(1) << 30) /* nothing of a step's output is rotated away unread */

static void set_identity(struct pod_plan *plan, struct container_spec *c)
{
	char id[65];

	id_new(id);
	plan->pod.name = xasprintf("build-%.12s", id);
	plan->pod.owner = xstrdup(POD_OWNER_BUILD);
	plan->pod.restart = RESTART_NEVER;
	plan->pod.exit_with_members = true;
	plan->pod.grace_seconds.set = true;
	c->name = xstrdup("run");
	c->full_name = xasprintf("%s-run", plan->pod.name);
	c->kind = CONTAINER_MEMBER;
	c->restart = RESTART_NEVER;
	c->image = xstrdup("build");
	c->config.reference = xstrdup("build");
	c->log = (struct log_spec){ .max_bytes = LOG_BYTES_MAX, .max_files = 1 };
}

static void set_command(struct container_spec *c, const struct build_run_spec *run)
{
	c->has_command = true;
	for (size_t i = 0; i < run->argv.n; i++)
		value_add(list_add(&c->command), VALUE_LITERAL, run->argv.v[i],
			  strlen(run->argv.v[i]));
	strlist_copy(&c->config.layers, &run->layers);
	strlist_copy(&c->config.env, &run->env);
	c->config.user = xstrdup_or_null(run->user);
	c->config.working_dir = xstrdup_or_null(run->workdir);
	strlist_copy(&c->security.cap_add, &run->cap_add);
	strlist_copy(&c->security.cap_drop, &run->cap_drop);
}

static int set_network(struct pod_spec *pod, const char *network, struct error *err)
{
	if (is_equal(network, "host"))
		pod->network = NETWORK_HOST;
	else if (is_equal(network, "none"))
		pod->network = NETWORK_NONE;
	else if (!network || is_equal(network, "default") || is_equal(network, "bridge"))
		pod->network = NETWORK_BRIDGE;
	else
		return error_set(err, EINVAL,
				 "network '%.100s' is not known: default, host or none", network);
	return 0;
}

static int add_hosts(struct pod_spec *pod, const struct strlist *hosts, struct error *err)
{
	for (size_t i = 0; i < hosts->n; i++) {
		const char *colon = strchr(hosts->v[i], ':');
		struct host_alias *a;

		if (!colon || colon == hosts->v[i] || !colon[1])
			return error_set(err, EINVAL, "'%.200s' is not NAME:ADDRESS", hosts->v[i]);
		a = list_add(&pod->host_aliases);
		a->ip = xstrdup(colon + 1);
		strlist_take(&a->names, xstrndup(hosts->v[i], (size_t)(colon - hosts->v[i])));
	}
	return 0;
}

/* ---- mounts ----------------------------------------------------------------------------- */

static struct volume_spec *add_mount(struct pod_plan *plan, const char *target, bool read_only,
				     const char *sub_path)
{
	struct mount_spec *m = list_add(&plan->containers[0].mounts);
	struct volume_spec *v = list_add(&plan->pod.volumes);

	v->name = xasprintf("m%zu", plan->pod.volumes.n);
	m->volume = xstrdup(v->name);
	m->target = xstrdup(target);
	m->read_only = read_only;
	while (sub_path && *sub_path == '/')
		sub_path++;
	m->sub_path = is_empty(sub_path) || is_equal(sub_path, ".") ? NULL : xstrdup(sub_path);
	return v;
}

static int add_bind(const struct store *s, struct pod_plan *plan, const struct build_mount *m,
		    struct error *err)
{
	struct volume_spec *v;

	if (m->is_writable)
		return error_set(err, ENOTSUP,
				 "a bind mount of a build is read-only here: 'rw' is "
				 "not supported");
	if (!m->context && m->layers.n != 1)
		return error_set(err, ENOTSUP, "a bind mount from a tree of %zu layers",
				 m->layers.n);
	v = add_mount(plan, m->target, true, m->source);
	v->kind = VOLUME_HOST_PATH;
	v->host_path_type = HOST_PATH_DIRECTORY;
	v->host_path = m->context ? xstrdup(m->context)
				  : xasprintf("%s/layers/%s/diff", s->root, m->layers.v[0] + 7);
	return 0;
}

/* Any text as one file name, without two texts having the same. The caller owns it; NULL: too
 * long. */
static char *cache_name(char kind, const char *id)
{
	struct buf b = BUF_INIT(NAME_BYTES_MAX);

	buf_addc(&b, kind);
	for (const unsigned char *p = (const unsigned char *)id; *p; p++) {
		bool plain = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
			     (*p >= 'A' && *p <= 'Z') || *p == '-' || *p == '_' || *p == '.';

		if (plain)
			buf_addc(&b, (char)*p);
		else
			buf_printf(&b, "%%%02x", *p);
	}
	if (!b.overflow)
		return buf_steal(&b);
	buf_done(&b);
	return NULL;
}

static int open_cache(const struct store *s, const struct build_mount *m, char **ret_name,
		      struct error *err)
{
	cleanup_close int top = fs_mkdirs(s->rootfd, CACHE_DIR, 0700, err);
	mode_t mode = m->mode < 0 ? 0755 : (mode_t)m->mode;
	cleanup_close int fd = -EBADF;

	if (top < 0)
		return top;
	*ret_name = cache_name('c', m->cache_id);
	if (!*ret_name)
		return error_set(err, EINVAL, "the cache's id is too long");
	if (mkdirat(top, *ret_name, 0700) < 0)
		return errno == EEXIST ? 0 : error_errno(err, "make a cache");
	fd = openat(top, *ret_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 ||
	    fchown(fd, m->uid < 0 ? 0 : (uid_t)m->uid, m->gid < 0 ? 0 : (gid_t)m->gid) < 0 ||
	    fchmod(fd, mode) < 0)
		return error_errno(err, "make a cache");
	return 0;
}

int build_lock_cache(const struct store *s, const struct build_mount *m, struct error *err)
{
	cleanup_free char *name = cache_name('l', m->cache_id);
	cleanup_close int top = fs_mkdirs(s->rootfd, CACHE_DIR, 0700, err);

	if (top < 0)
		return top;
	if (!name)
		return error_set(err, EINVAL, "the cache's id is too long");
	return lock_take(top, name, LOCK_EXCLUSIVE, 0, err);
}

static int add_cache(const struct store *s, struct pod_plan *plan, const struct build_mount *m,
		     struct error *err)
{
	cleanup_free char *name = NULL;
	struct volume_spec *v;
	int r;

	if (m->layers.n)
		return error_set(err, ENOTSUP, "a cache that begins with an image's files");
	r = open_cache(s, m, &name, err);
	if (r < 0)
		return r;
	v = add_mount(plan, m->target, false, NULL);
	v->kind = VOLUME_HOST_PATH;
	v->host_path_type = HOST_PATH_DIRECTORY;
	v->host_path = xasprintf("%s/" CACHE_DIR "/%s", s->root, name);
	return 0;
}

static int add_mounts(const struct store *s, struct pod_plan *plan,
		      const struct build_run_spec *run, struct error *err)
{
	for (size_t i = 0; i < run->mounts.n; i++) {
		const struct build_mount *m = &run->mounts.v[i];
		int r = 0;

		if (m->kind == BUILD_MOUNT_BIND) {
			r = add_bind(s, plan, m, err);
		} else if (m->kind == BUILD_MOUNT_CACHE) {
			r = add_cache(s, plan, m, err);
		} else {
			struct volume_spec *v = add_mount(plan, m->target, false, NULL);

			v->kind = VOLUME_EMPTY_DIR;
			v->memory = true;
			v->size_bytes = m->size_bytes < 0 ? 0 : m->size_bytes;
		}
		if (r < 0)
			return error_wrap(err, "mount '%.200s'", m->target);
	}
	return 0;
}

static void add_script(struct pod_plan *plan)
{
	struct volume_spec *v = add_mount(plan, BUILD_SCRIPT_PATH, true, "script");
	struct mount_spec *m = &plan->containers[0].mounts.v[plan->containers[0].mounts.n - 1];

	v->kind = VOLUME_EMPTY_DIR;
	free(v->name);
	free(m->volume);
	v->name = xstrdup(BUILD_SCRIPT_VOLUME);
	m->volume = xstrdup(BUILD_SCRIPT_VOLUME);
}

int build_plan(const struct store *s, const struct build_run_spec *run,
	       const struct build_run_options *o, struct pod_plan *ret, struct error *err)
{
	int r;

	*ret = (struct pod_plan){ .n_containers = 1 };
	ret->containers = xcalloc(1, sizeof(*ret->containers));
	set_identity(ret, &ret->containers[0]);
	set_command(&ret->containers[0], run);
	ret->containers[0].resources = o->resources;
	r = set_network(&ret->pod, run->network, err);
	if (r == 0)
		r = add_hosts(&ret->pod, &run->add_hosts, err);
	if (r == 0)
		r = add_mounts(s, ret, run, err);
	if (r == 0 && run->script)
		add_script(ret);
	if (r < 0)
		pod_plan_done(ret);
	return r;
}
