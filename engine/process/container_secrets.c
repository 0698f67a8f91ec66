/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container_secrets - the secrets of `secret create` in a container: variables and files.
 *
 * Theory of operation: what is in them is read at each launch and is in no record. Files: read in the
 * host half, written in the container half to one tmpfs that is made there, so that they are owned
 * by ids of its user namespace; that tmpfs is first attached over a directory of the old root, which is
 * about to go, since nothing can be cloned out of a detached mount (KERNEL: drop at 6.15). A clone of
 * its directory is /run/secrets, clones of its files lie where else secrets are wanted: all read-only.
 * The bytes are cleared when they are written.
 */
#include "engine/process/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/str.h"
#include "engine/data/secret.h"
#include "engine/process/command.h"
#include "engine/rootfs/mount.h"
#include "engine/rootfs/volume.h"

#define SECRETS_DIR    "/run/secrets"
#define SECRETS_SLACK  ((size_t)65536) /* of inodes and pages, beside the bytes of each */
#define SECRET_MODE    0444
#define SECRETS_NAMED  "dir" /* in the tmpfs: what becomes /run/secrets, and the other files */
#define SECRETS_PLACED "files"
#define ATTACH_OVER    "/sys" /* of the old root: always there */

static void forget(struct planned_secret *s)
{
	if (s->data)
		explicit_bzero(s->data, s->len);
	free(s->data);
	s->data = NULL;
}

int container_read_secrets(const struct launch *l, struct container_plan *p, struct error *err)
{
	const struct secret_use_list *list = &l->spec.secrets;

	for (size_t i = 0; i < list->n; i++) {
		struct planned_secret *s;
		int r;

		if (list->v[i].env)
			continue;
		if (!p->secrets)
			p->secrets = xcalloc(list->n, sizeof(*p->secrets));
		s = &p->secrets[p->n_secrets];
		r = secret_read(&l->store, list->v[i].name, &s->data, &s->len, err);
		if (r < 0)
			return error_wrap(err, "secret '%.100s'", list->v[i].name);
		s->use = &list->v[i];
		p->n_secrets++;
	}
	return 0;
}

int container_add_secret_env(const struct launch *l, struct strlist *env, struct error *err)
{
	const struct secret_use_list *list = &l->spec.secrets;

	for (size_t i = 0; i < list->n; i++) {
		const struct secret_use *use = &list->v[i];
		struct planned_secret s = { 0 };
		int r;

		if (!use->env)
			continue;
		r = secret_read(&l->store, use->name, &s.data, &s.len, err);
		if (r == 0 && memchr(s.data, '\0', s.len))
			r = error_set(err, EINVAL, "it has a NUL byte, which no variable can hold");
		if (r == 0)
			command_set_env(env, is_empty(use->target) ? use->name : use->target,
					s.data);
		forget(&s);
		if (r < 0)
			return error_wrap(err, "secret '%.100s'", use->name);
	}
	return 0;
}

static const char *target_of(const struct secret_use *use)
{
	return is_empty(use->target) ? use->name : use->target;
}

/* Below the tmpfs: by its name, or by number where it is wanted elsewhere. */
static char *place_of(const struct planned_secret *s, size_t index)
{
	const char *target = target_of(s->use);

	return target[0] == '/' ? xasprintf(SECRETS_PLACED "/%zu", index)
				: xasprintf(SECRETS_NAMED "/%s", target);
}

static int write_secret(int dir, struct planned_secret *s, const char *place, struct error *err)
{
	const char *slash = strrchr(place, '/');
	cleanup_free char *parent = xstrndup(place, (size_t)(slash - place));
	cleanup_close int at = fs_mkdirs_in_root(dir, parent, 0755, err);
	cleanup_close int fd = -EBADF;
	int r;

	if (at < 0)
		return at;
	fd = openat(at, slash + 1, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(err, "create '%s'", slash + 1);
	r = fs_write_all(fd, s->data, s->len);
	if (r < 0)
		return error_set(err, -r, "write it: %s", strerror(-r));
	if (fchown(fd, (uid_t)s->use->uid, (gid_t)s->use->gid) < 0)
		return error_errno(err, "give it to %lld:%lld", (long long)s->use->uid,
				   (long long)s->use->gid);
	if (fchmod(fd, s->use->mode.set ? (mode_t)s->use->mode.value & 0777 : SECRET_MODE) < 0)
		return error_errno(err, "set its mode");
	return 0;
}

/* A tmpfs that is not swapped out, where the kernel can be told so. KERNEL: drop the second try at
 * 6.4 */
static int make_tmpfs(const struct container_plan *p, struct error *err)
{
	size_t bytes = SECRETS_SLACK * (p->n_secrets + 1);
	cleanup_free char *size = NULL;
	struct mount_option opts[] = {
		{ "mode", "755" }, { "size", NULL }, { "noswap", NULL }, { NULL, NULL }
	};
	struct error scratch;
	int fd;

	for (size_t i = 0; i < p->n_secrets; i++)
		bytes += p->secrets[i].len;
	opts[1].value = size = xasprintf("%zu", bytes);
	fd = mount_new("tmpfs", opts, MOUNT_INERT, &scratch);
	if (fd >= 0)
		return fd;
	opts[2].key = NULL;
	return mount_new("tmpfs", opts, MOUNT_INERT, err);
}

static int attach_clone(int root, int tmpfs, const char *from, const char *target, bool is_dir,
			struct error *err)
{
	cleanup_close int clone = mount_clone(tmpfs, from, MOUNT_ATTR_RDONLY | MOUNT_INERT, err);
	cleanup_close int at = -EBADF;
	int r = clone < 0 ? clone : volume_check_target(target, err);

	if (r < 0)
		return r;
	at = volume_open_target(root, target, is_dir, err);
	return at < 0 ? at : mount_attach(clone, at, err);
}

static int place_secrets(int root, int tmpfs, struct container_plan *p, struct error *err)
{
	bool named = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n_secrets; i++) {
		cleanup_free char *place = place_of(&p->secrets[i], i);

		named |= is_prefix(place, SECRETS_NAMED "/");
		r = write_secret(tmpfs, &p->secrets[i], place, err);
		forget(&p->secrets[i]);
		if (r < 0)
			return error_wrap(err, "secret '%.100s'", p->secrets[i].use->name);
	}
	if (r == 0 && named)
		r = attach_clone(root, tmpfs, SECRETS_NAMED, SECRETS_DIR, true, err);
	for (size_t i = 0; r == 0 && i < p->n_secrets; i++) {
		cleanup_free char *place = place_of(&p->secrets[i], i);

		if (is_prefix(place, SECRETS_PLACED "/"))
			r = attach_clone(root, tmpfs, place, target_of(p->secrets[i].use), false,
					 err);
	}
	return r;
}

int container_mount_secrets(int root, struct container_plan *p, struct error *err)
{
	cleanup_close int over = -EBADF;
	cleanup_close int tmpfs = -EBADF;
	int r;

	if (p->n_secrets == 0)
		return 0;
	tmpfs = make_tmpfs(p, err);
	if (tmpfs < 0)
		return tmpfs;
	over = open(ATTACH_OVER, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = over < 0 ? error_errno(err, "open '" ATTACH_OVER "'") : mount_attach(tmpfs, over, err);
	return r < 0 ? r : place_secrets(root, tmpfs, p, err);
}
