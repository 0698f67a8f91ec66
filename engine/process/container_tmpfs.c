/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container_tmpfs - file systems in memory that one container has for itself.
 *
 * Theory of operation: made in the container half, so that they belong to its user namespace, while
 * the mount point is known by its descriptor: the tmpfs is filled with what the image has there
 * before it is attached over it. Its top is 1777 unless the options say otherwise; the content keeps
 * owners and modes. Not set-uid, no devices unless "suid" and "dev" are asked for.
 *
 * Runs in: the container half, before the pivot, all capabilities of the starter, umask 0.
 */
#include "engine/process/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/rootfs/copyup.h"
#include "engine/rootfs/mount.h"
#include "engine/rootfs/mountwords.h"
#include "engine/rootfs/volume.h"

#define TMPFS_MODE "1777"

static int read_words(const struct planned_mount *m, struct mount_words *w, struct error *err)
{
	int r = mount_words_split(w, MOUNT_WORDS_TMPFS, m->tmpfs_options, err);

	for (size_t i = 0; r == 0 && m->tmpfs_spec && i < m->tmpfs_spec->options.n; i++)
		r = mount_words_add(w, MOUNT_WORDS_TMPFS, m->tmpfs_spec->options.v[i], err);
	if (!pairlist_get(&w->fs, "mode"))
		pairlist_set(&w->fs, "mode", TMPFS_MODE);
	return r;
}

/* "64b" is 64 to everybody but the kernel. */
static void cut_unit(struct mount_words *w)
{
	for (size_t i = 0; i < w->fs.n; i++) {
		size_t n = strlen(w->fs.v[i].value);

		if (strcmp(w->fs.v[i].key, "size") == 0 && n > 1 &&
		    (w->fs.v[i].value[n - 1] == 'b' || w->fs.v[i].value[n - 1] == 'B'))
			w->fs.v[i].value[n - 1] = '\0';
	}
}

static int make(const struct mount_words *w, struct error *err)
{
	cleanup_free struct mount_option *opts = xcalloc(w->fs.n + 1, sizeof(*opts));

	for (size_t i = 0; i < w->fs.n; i++)
		opts[i] = (struct mount_option){ w->fs.v[i].key, w->fs.v[i].value };
	/* It is written to first. */
	return mount_new("tmpfs", opts,
			 mount_words_attrs(w, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV) &
				 ~(uint64_t)MOUNT_ATTR_RDONLY,
			 err);
}

int container_make_tmpfs(struct planned_mount *m, const struct identity *who, int target,
			 struct error *err)
{
	cleanup_mount_words struct mount_words w = { 0 };
	const struct copyup how = { .keep_top = true };
	cleanup_close int fd = -EBADF;
	bool read_only = m->tmpfs_spec && m->tmpfs_spec->read_only;
	int r = read_words(m, &w, err);

	if (r < 0)
		return r;
	cut_unit(&w);
	fd = make(&w, err);
	if (fd < 0)
		return fd;
	if (!w.no_copy)
		r = copyup_tree(target, fd, &how, err);
	if (r == 0 && w.chown && fchown(fd, who->uid, who->gid) < 0)
		r = error_errno(err, "set owner");
	if (r == 0 && (read_only || (w.set & MOUNT_ATTR_RDONLY)))
		r = mount_add_attrs(fd, MOUNT_ATTR_RDONLY, false, err);
	if (r == 0)
		m->mnt_fd = steal_fd(&fd);
	return r;
}

void container_add_mount(struct container_plan *p, const struct planned_mount *m)
{
	size_t at = p->n_mounts, depth = volume_depth(m->target);

	p->mounts = xreallocarray(p->mounts, p->n_mounts + 2, sizeof(*p->mounts));
	while (at > 0 && volume_depth(p->mounts[at - 1].target) > depth)
		at--;
	memmove(&p->mounts[at + 1], &p->mounts[at], (p->n_mounts - at) * sizeof(*p->mounts));
	p->mounts[at] = *m;
	p->n_mounts++;
}

static bool is_taken(const struct launch *l, const char *target)
{
	const struct mount_list *list = &l->spec.mounts;

	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->v[i].target, target) == 0)
			return true;
	return strlist_has(&l->spec.config.volumes, target);
}

void container_add_scratch(const struct launch *l, struct container_plan *p)
{
	static const char *const targets[] = { "/run", "/tmp", "/var/tmp" };
	const struct opt_bool *ro = &l->spec.security.read_only_root;

	if (!l->spec.read_only_tmpfs || !ro->set || !ro->value)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		const struct planned_mount m = { .mnt_fd = -EBADF,
						 .is_dir = true,
						 .target = targets[i],
						 .is_scratch = true,
						 .is_tmpfs = true };

		if (!is_taken(l, targets[i]))
			container_add_mount(p, &m);
	}
}
