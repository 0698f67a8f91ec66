/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container_volumes - from the mounts of a container's spec to detached mounts.
 *
 * Theory of operation: a volume is opened once, checked on the descriptor, and that descriptor (or
 * what a subPath finds inside it) is cloned with everything mounted below, with its attributes on
 * all of it: nothing is looked up twice and nothing of it is visible before it is finished.
 *
 *	on the host       hostPath, emptyDir on disk, named volumes     opened in the starter's namespace
 *	of an image       its layers, merged, with no writable one      mounted anew for each container
 *	in the sandbox    emptyDir in memory, projected files           cloned out of pause's namespace
 *	of its own        tmpfs                                         made in the container half
 *
 * Read-only means all of it, submounts too (VOL-10): recursiveReadOnly asks for no more, and where
 * the kernel refuses it the start fails. Set-uid programs and devices are inert (VOL-11). Mounts
 * propagate only where the spec asks for it; towards the host only from a privileged container.
 *
 * A subPath of an image cannot be cloned out of a detached mount (Linux 6.15 could): the container
 * half attaches the image in its own namespace, where its old root still hides it, and clones then.
 *
 * Host half: the starter's namespaces and privileges; container_finish_volume(): the container half.
 */
#include "engine/process/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/rootfs/mount.h"
#include "engine/rootfs/mountwords.h"
#include "engine/rootfs/overlay.h"
#include "engine/rootfs/volume.h"
#include "engine/volumes/named.h"

/* ---- subPathExpr ------------------------------------------------------------------------ */

static int expand(const struct value *expr, const struct pairlist *vars, char **ret,
		  struct error *err)
{
	for (size_t i = 0; i < expr->n; i++) {
		const struct value_part *part = &expr->v[i];

		if (part->kind == VALUE_VARIABLE && !pairlist_get(vars, part->text))
			return error_set(err, EINVAL, "subPathExpr: there is no variable '%.100s'",
					 part->text);
	}
	*ret = value_resolve(expr, vars);
	return 0;
}

int container_plan_sub_paths(const struct launch *l, const struct pairlist *vars,
			     struct container_plan *p, struct error *err)
{
	const struct mount_list *list = &l->spec.mounts;

	for (size_t i = 0; i < list->n; i++) {
		int r;

		if (!list->v[i].has_sub_path_expr)
			continue;
		if (!p->sub_paths)
			p->sub_paths = xcalloc(list->n, sizeof(*p->sub_paths));
		r = expand(&list->v[i].sub_path_expr, vars, &p->sub_paths[i], err);
		if (r < 0)
			return error_wrap(err, "volume '%s' at '%s'", list->v[i].volume,
					  list->v[i].target);
	}
	return 0;
}

/* The subPath of a mount, or NULL. */
static const char *sub_path_of(const struct launch *l, const struct container_plan *p, size_t index)
{
	const struct mount_spec *ms = &l->spec.mounts.v[index];
	const char *path =
		ms->has_sub_path_expr && p->sub_paths ? p->sub_paths[index] : ms->sub_path;

	return is_empty(path) ? NULL : path;
}

/* ---- cloning ---------------------------------------------------------------------------- */

static bool is_device_volume(const struct volume_spec *v)
{
	return v->kind == VOLUME_HOST_PATH && (v->host_path_type == HOST_PATH_CHAR_DEVICE ||
					       v->host_path_type == HOST_PATH_BLOCK_DEVICE);
}

static uint64_t volume_attrs(const struct launch *l, const struct volume_spec *v,
			     const struct mount_words *w, bool read_only)
{
	uint64_t attrs = WEAKEN("VOL-11") ? 0 : MOUNT_ATTR_NOSUID;

	if (!is_device_volume(v) && !is_privileged(&l->spec) && !WEAKEN("VOL-11"))
		attrs |= MOUNT_ATTR_NODEV;
	if (v->kind == VOLUME_IMAGE)
		read_only = !w->overlay;
	if (read_only || v->read_only || is_projection_volume(v->kind))
		attrs |= MOUNT_ATTR_RDONLY;
	/* As the kubelet mounts it: a program of another image is data here. */
	if (v->kind == VOLUME_IMAGE)
		attrs |= MOUNT_ATTR_NOEXEC;
	/* "rw" says no more than that it was not asked to be read-only. */
	return mount_words_attrs(w, attrs) | (attrs & MOUNT_ATTR_RDONLY);
}

/* Lies in the sandbox, not on the host. */
static bool is_sandbox_volume(const struct volume_spec *v)
{
	return is_memory_volume(v) || is_projection_volume(v->kind);
}

/* In a pod with a user namespace what lies on disk has its ids mapped. The sandbox's own file
 * systems are of that namespace already; the file system of device nodes cannot map. */
static bool is_mapped(const struct launch *l, const struct volume_spec *v)
{
	return l->userns_fd >= 0 && !is_device_volume(v) && !is_sandbox_volume(v);
}

/* Where the spec says nothing the words do. */
static uint64_t propagation_of(const struct source *s)
{
	uint64_t said = s->words->propagation == MS_PRIVATE ? 0 : s->words->propagation;

	if (s->spec->propagation == PROPAGATION_NONE)
		return said;
	return s->spec->propagation == PROPAGATION_SHARED ? MS_SHARED : MS_SLAVE;
}

/* A manifest may ask for it in a privileged container alone; the command line is its user's. */
static int check_propagation(const struct source *s, uint64_t propagation, struct error *err)
{
	if (is_mapped(s->l, s->volume))
		return error_set(
			err, EINVAL,
			"mountPropagation '%s' does not go with 'hostUsers: false': what "
			"propagates has the host's ids",
			mount_propagation_names[propagation == MS_SHARED ? PROPAGATION_SHARED
									 : PROPAGATION_SLAVE]);
	if (propagation == MS_SHARED && s->l->pod.owner && !is_privileged(&s->l->spec))
		return error_set(err, EPERM,
				 "mountPropagation 'Bidirectional' needs a privileged container");
	return 0;
}

static int clone_with_attrs(const struct source *s, struct error *err)
{
	uint64_t propagation = propagation_of(s);
	bool mapped = is_mapped(s->l, s->volume);
	int r;

	if (s->words->overlay)
		return source_overlay(s, err);
	if (s->words->idmap && (s->words->uids || s->words->gids || !mapped))
		return source_map(s, err);
	if (propagation) {
		r = check_propagation(s, propagation, err);
		return r < 0 ? r
			     : mount_clone_propagating(s->fd, s->attrs, propagation,
						       is_sandbox_volume(s->volume), err);
	}
	if (mapped)
		return mount_clone_mapped(s->fd, s->l->userns_fd, s->attrs, !s->words->single, err);
	return s->words->single ? mount_clone_single(s->fd, s->attrs, err)
				: mount_clone(s->fd, "", s->attrs, err);
}

static int read_words(const struct mount_spec *ms, struct mount_words *ret, struct error *err)
{
	enum mount_words_kind kind = MOUNT_WORDS_VOLUME;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ms->options.n; i++)
		r = mount_words_add(ret, kind, ms->options.v[i], err);
	return r;
}

/* Clones an open volume, or the part of it that is asked for. Takes base over. */
static int clone_volume(const struct launch *l, const struct container_plan *p, size_t index,
			int base, struct planned_mount *ret, struct error *err)
{
	const struct mount_spec *ms = &l->spec.mounts.v[index];
	const struct volume_spec *v = pod_find_volume(&l->pod, ms->volume);
	const char *sub_path = sub_path_of(l, p, index);
	cleanup_mount_words struct mount_words words = { 0 };
	struct source s = { l, p, ms, v, &words, 0, index, -EBADF };
	cleanup_close int fd = base;
	struct stat st;
	int r;

	if (fd >= 0 && sub_path) {
		int sub = volume_open_sub_path(fd, sub_path, err);

		(void)close(fd);
		fd = sub;
	}
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return error_errno(err, "stat volume");
	ret->is_dir = S_ISDIR(st.st_mode);
	ret->target = ms->target;
	s.fd = fd;
	r = read_words(ms, &words, err);
	if (r == 0)
		r = source_prepare(&s, err);
	if (r < 0)
		return r;
	s.attrs = volume_attrs(l, v, &words, ms->read_only);
	ret->mnt_fd = clone_with_attrs(&s, err);
	return ret->mnt_fd < 0 ? ret->mnt_fd : 0;
}

/* ---- images ----------------------------------------------------------------------------- */

static int mount_image(const struct launch *l, const struct container_plan *p, size_t index,
		       struct planned_mount *ret, struct error *err)
{
	const struct mount_spec *ms = &l->spec.mounts.v[index];
	const struct volume_spec *v = pod_find_volume(&l->pod, ms->volume);
	const struct overlay_ids ids = { l->userns_fd, launch_root_uid(&l->ids),
					 launch_root_gid(&l->ids) };
	/* By path: the root file system may have needed another mount namespace. */
	cleanup_close int root = open(l->store.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int empty = -EBADF;
	struct overlay_image image = { root, &v->config.layers, -EBADF, -EBADF, -EBADF };
	cleanup_mount_words struct mount_words words = { 0 };
	struct source s = { l, p, ms, v, &words, 0, index, -EBADF };
	cleanup_close int upper = -EBADF;
	cleanup_close int work = -EBADF;
	char path[LAYOUT_PATH_MAX];
	int r = read_words(ms, &words, err);

	if (r < 0)
		return r;

	ret->is_dir = true;
	ret->target = ms->target;
	ret->image_path = sub_path_of(l, p, index);
	ret->attrs = volume_attrs(l, v, &words, true);
	if (root < 0)
		return error_errno(err, "open '%s'", l->store.root);
	if (words.overlay) {
		r = source_open_layers(&s, &upper, &work, err);
		if (r < 0)
			return r;
		image.upperfd = upper;
		image.workfd = work;
	}
	/* The kernel wants two layers: an empty one below a single one. */
	if (v->config.layers.n == 1 && !words.overlay) {
		empty = fs_mkdirs(root, layout_pod(path, l->pod.id, "empty"), 0755, err);
		if (empty < 0)
			return empty;
		image.emptyfd = empty;
	}
	ret->mnt_fd = overlay_mount_image(&image, l->userns_fd >= 0 ? &ids : NULL, ret->attrs, err);
	return ret->mnt_fd < 0 ? error_wrap(err, "image '%s'", v->image ? v->image : "") : 0;
}

int container_finish_volume(struct planned_mount *m, struct error *err)
{
	/* A directory of the old root, which is about to go. */
	cleanup_close int over = open("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int sub = -EBADF;
	struct stat st;
	int r = over < 0 ? error_errno(err, "open '/sys'") : mount_attach(m->mnt_fd, over, err);

	if (r < 0)
		return r;
	sub = volume_open_sub_path(m->mnt_fd, m->image_path, err);
	if (sub == -EROFS)
		return error_set(err, ENOENT, "the image has no '%s'", m->image_path);
	if (sub < 0)
		return sub;
	if (fstat(sub, &st) < 0)
		return error_errno(err, "stat '%s' of the image", m->image_path);
	r = mount_clone(sub, "", m->attrs, err);
	if (r < 0)
		return r;
	(void)close(m->mnt_fd);
	m->mnt_fd = r;
	m->is_dir = S_ISDIR(st.st_mode);
	return 0;
}

/* ---- all of them ------------------------------------------------------------------------ */

static int open_volume(const struct launch *l, struct container_plan *p, size_t index,
		       struct planned_mount *ret, struct error *err)
{
	const struct mount_spec *ms = &l->spec.mounts.v[index];
	const struct volume_spec *v = pod_find_volume(&l->pod, ms->volume);
	int r = volume_check_target(ms->target, err);

	if (r < 0)
		return r;
	if (!v)
		return error_set(err, EINVAL, "there is no such volume in the pod");
	if (is_sandbox_volume(v))
		return 0; /* later, in its namespace */
	if (v->kind == VOLUME_TMPFS) {
		*ret = (struct planned_mount){ .mnt_fd = -EBADF,
					       .is_dir = true,
					       .target = ms->target,
					       .is_tmpfs = true,
					       .tmpfs_options = v->tmpfs_options,
					       .tmpfs_spec = ms };
		return 0;
	}
	if (v->kind == VOLUME_IMAGE)
		return mount_image(l, p, index, ret, err);
	r = v->kind == VOLUME_NAMED ? named_volume_open(&l->store, v->source_name, err)
				    : volume_open_source(l->store.root, &l->pod, v, err);
	return clone_volume(l, p, index, r, ret, err);
}

int container_open_volumes(const struct launch *l, struct container_plan *p, struct error *err)
{
	const struct mount_list *list = &l->spec.mounts;
	cleanup_free size_t *order = volume_mount_order(list);

	p->n_mounts = list->n;
	p->mounts = xcalloc(list->n + 1, sizeof(*p->mounts));
	for (size_t i = 0; i < list->n; i++) {
		const struct mount_spec *ms = &list->v[order[i]];
		int r = open_volume(l, p, order[i], &p->mounts[i], err);

		if (r < 0)
			return error_wrap(err, "volume '%s' at '%s'", ms->volume, ms->target);
	}
	container_add_scratch(l, p);
	return container_add_timezone(l, p, err);
}

/* The mount that is the n-th of the spec's: the engine's own ones may stand between. */
static struct planned_mount *planned_for(struct container_plan *p, size_t n)
{
	size_t at = 0;

	while (p->mounts[at].is_scratch || n-- > 0)
		at++;
	return &p->mounts[at];
}

int container_open_sandbox_volumes(const struct launch *l, struct container_plan *p,
				   struct error *err)
{
	const struct mount_list *list = &l->spec.mounts;
	cleanup_free size_t *order = volume_mount_order(list);

	for (size_t i = 0; i < list->n; i++) {
		const struct mount_spec *ms = &list->v[order[i]];
		const struct volume_spec *v = pod_find_volume(&l->pod, ms->volume);
		cleanup_free char *path = NULL;
		int fd, r;

		if (!v || !is_sandbox_volume(v))
			continue;
		path = xasprintf("/" SCRATCH_VOLUMES "/%s", ms->volume);
		fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return error_errno(err, "volume '%s' of the sandbox", ms->volume);
		r = clone_volume(l, p, order[i], fd, planned_for(p, i), err);
		if (r < 0)
			return error_wrap(err, "volume '%s' at '%s'", ms->volume, ms->target);
	}
	return 0;
}
