/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container_source - what the options of a mount make of its source before it is mounted.
 *
 * Theory of operation: the source is an open descriptor that was checked; everything here acts on
 * it, never on its path again.
 *
 *	U	owner of all of it becomes the container's user (fsgroup.h: never over a link or mount)
 *	z, Z	nothing, where SELinux is not active; a directory of the host's own is refused always
 *	O	a writable view: what is written lands below containers/<id>/overlays, which is empty at
 *		each start, or in the directories that were asked for
 *	idmap	a clone whose ids are mapped by a namespace that is made for it and goes with it
 *
 * A named volume that is new takes what the image has at its mount point, as Podman does it: once,
 * only while it is empty, under a lock on its directory, and not for played pods. The record says so
 * before anybody can start with it again; what was killed is done again (copyup.h). Owner and mode are those of the image's directory; where
 * it has none, the container's user.
 *
 * Runs in the host half with the starter's privileges.
 */
#include "engine/process/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/process/fsgroup.h"
#include "engine/process/userns.h"
#include "engine/rootfs/copyup.h"
#include "engine/rootfs/mount.h"
#include "engine/rootfs/mountwords.h"
#include "engine/rootfs/overlay.h"
#include "engine/rootfs/volume.h"
#include "engine/volumes/named.h"

/* ---- a new named volume ----------------------------------------------------------------- */

static bool has_owner_option(const struct named_volume *v)
{
	const char *o = pairlist_get(&v->options, "o");

	return o && (strstr(o, "uid=") || strstr(o, "gid="));
}

/* What the image has there, or -1. */
static int open_in_image(const struct source *s)
{
	struct error scratch;

	return fs_open_in_root(s->p->root_mnt, s->spec->target, O_PATH | O_DIRECTORY, 0, &scratch);
}

static int fill(const struct source *s, int dir, const struct named_volume *v, struct error *err)
{
	const struct copyup how = { .ids = s->l->userns_fd >= 0 ? &s->l->ids : NULL,
				    .keep_top = has_owner_option(v) };
	const struct identity *who = &s->p->c.who;
	cleanup_close int image = s->words->no_copy ? -EBADF : open_in_image(s);

	if (image >= 0)
		return copyup_whole(image, dir, &how, err);
	if (!how.keep_top && fchown(dir, who->uid, who->gid) < 0)
		return error_errno(err, "set owner");
	return 0;
}

static int copy_up(const struct source *s, struct error *err)
{
	cleanup(named_volume_done) struct named_volume v = { 0 };
	cleanup_close int dir = -EBADF;
	int r = named_volume_read(&s->l->store, s->volume->source_name, &v, err);

	if (r < 0 || v.copied_up || v.played || v.host_path)
		return r < 0 ? r : 0;
	dir = openat(s->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || flock(dir, LOCK_EX) < 0)
		return error_errno(err, "lock the volume");
	named_volume_done(&v);
	r = named_volume_read(&s->l->store, s->volume->source_name, &v, err);
	if (r < 0 || v.copied_up)
		return r < 0 ? r : 0;
	r = is_copyup_begun(dir) || WEAKEN("CFG-4") ? 1 : is_directory_empty(dir, err);
	if (r > 0)
		r = fill(s, dir, &v, err);
	if (r < 0)
		return r;
	v.copied_up = true;
	return named_volume_update(&s->l->store, &v, err);
}

int source_prepare(const struct source *s, struct error *err)
{
	const struct identity *who = &s->p->c.who;
	int r = 0;

	if (s->volume->kind == VOLUME_NAMED && !s->l->pod.owner && !s->volume->read_only)
		r = copy_up(s, err);
	if (r == 0 && (s->words->relabel || s->words->chown))
		r = volume_check_relabel(s->fd, s->volume, s->words->relabel, err);
	/* Through a writable view nothing of it changes. */
	if (r == 0 && s->words->chown && !s->words->overlay)
		r = fsgroup_chown(s->fd, who->uid, who->gid, err);
	return r;
}

/* ---- O ---------------------------------------------------------------------------------- */

static int open_asked(const char *what, const char *path, struct error *err)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? error_errno(err, "%s '%s'", what, path) : fd;
}

/* Empty at each start. */
static int open_own(const struct source *s, int *ret_upper, int *ret_work, struct error *err)
{
	char path[LAYOUT_PATH_MAX], name[32];
	cleanup_close int root = open(s->l->store.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int all = -EBADF;
	cleanup_close int dir = -EBADF;
	struct stat st;
	int r;

	if (root < 0)
		return error_errno(err, "open '%s'", s->l->store.root);
	all = fs_mkdirs(root, layout_container(path, s->l->spec.id, "overlays"), 0700, err);
	if (all < 0)
		return all;
	(void)snprintf(name, sizeof(name), "%zu", s->index);
	r = fs_remove_tree(all, name, err);
	if (r < 0)
		return r;
	dir = fs_mkdirs(all, name, 0700, err);
	if (dir < 0)
		return dir;
	*ret_upper = fs_mkdirs(dir, "upper", 0755, err);
	if (*ret_upper < 0)
		return *ret_upper;
	*ret_work = fs_mkdirs(dir, "work", 0700, err);
	if (*ret_work < 0)
		return *ret_work;
	/* The merged directory is what upper is. */
	if (s->fd >= 0 && (fstat(s->fd, &st) < 0 || fchown(*ret_upper, st.st_uid, st.st_gid) < 0 ||
			   fchmod(*ret_upper, st.st_mode & 07777) < 0))
		return error_errno(err, "prepare a writable layer");
	return 0;
}

int source_open_layers(const struct source *s, int *ret_upper, int *ret_work, struct error *err)
{
	const struct mount_words *w = s->words;

	if (s->l->userns_fd >= 0)
		return error_set(err, EINVAL,
				 "option 'O' does not go with a user namespace of the pod's own");
	if (!w->upper_dir != !w->work_dir)
		return error_set(err, EINVAL, "options 'upperdir' and 'workdir' go together");
	if (!w->upper_dir)
		return open_own(s, ret_upper, ret_work, err);
	*ret_upper = open_asked("upperdir", w->upper_dir, err);
	if (*ret_upper < 0)
		return *ret_upper;
	*ret_work = open_asked("workdir", w->work_dir, err);
	return *ret_work < 0 ? *ret_work : 0;
}

int source_overlay(const struct source *s, struct error *err)
{
	const struct identity *who = &s->p->c.who;
	cleanup_close int upper = -EBADF;
	cleanup_close int work = -EBADF;
	cleanup_close int mnt = -EBADF;
	struct stat st;
	int r;

	if (fstat(s->fd, &st) < 0 || !S_ISDIR(st.st_mode))
		return error_set(err, ENOTDIR, "option 'O' needs a directory");
	r = source_open_layers(s, &upper, &work, err);
	if (r < 0)
		return r;
	mnt = overlay_mount_over(s->fd, upper, work, s->attrs, err);
	if (mnt < 0)
		return mnt;
	r = s->words->chown ? fsgroup_chown(mnt, who->uid, who->gid, err) : 0;
	return r < 0 ? r : steal_fd(&mnt);
}

/* ---- idmap ------------------------------------------------------------------------------ */

int source_map(const struct source *s, struct error *err)
{
	cleanup_close int ns = -EBADF;

	if (!s->words->uids && !s->words->gids)
		return error_set(
			err, EINVAL,
			"option 'idmap' needs 'uids=' and 'gids=' where the pod has no user "
			"namespace of its own");
	ns = userns_for_mount(s->words->uids, s->words->gids, &s->l->ids, err);
	return ns < 0 ? error_wrap(err, "option 'idmap'")
		      : mount_clone_mapped(s->fd, ns, s->attrs, !s->words->single, err);
}
