/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overlay - a container's root file system.
 *
 * Theory of operation: every directory is opened once, below the store, without following links;
 * then the process stands in /proc/self/fd and names each by its number. So no path of the store or
 * of the user ever becomes part of an option, a string of 128 layers stays short, and the mount
 * table inside the container tells nothing of the host. Layers carry user.overlay.* attributes and
 * are mounted with userxattr, as root too, so that one store serves inside user namespaces.
 *
 *	lowerdir+ once a layer       Linux 6.8
 *	lowerdir=a:b:c by fsconfig   up to 255 bytes (about 80 layers)    KERNEL: drop at 6.8
 *	mount(2), one page           in a private mount namespace         KERNEL: drop at 6.8
 *
 * For a pod with a user namespace of its own the layers and the writable layer are clones that map
 * ids: detached ones where the kernel takes them (6.15), else attached in a namespace of our own.
 *
 * The end of an overlay writes the whole file system below it to the disk, and waits for that in the
 * container's last moment: tens of milliseconds when others are writing. The layer of a container
 * with --rm is mounted "volatile", as Podman mounts it, and costs nothing of the kind.
 *
 * All three end in a detached mount; a failure leaves nothing. The attributes of the merged root
 * are those of upper/, so that is made 0755 whatever the umask.
 */
#include "engine/rootfs/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/seams.h"
#include "engine/base/str.h"
#include "engine/pod/spec.h"
#include "engine/rootfs/mount.h"

#define ATTACH_OVER	    "/sys" /* always there */
#define LAYERS_MAX	    500	   /* the kernel's limit */
#define FSCONFIG_STRING_MAX 255
#define FD_TEXT		    12
#define REOPEN_PATH_MAX	    4096
#define OPTIONS_MAX	    4000 /* mount(2) takes one page */

struct stack {
	int layers[LAYERS_MAX]; /* topmost first */
	size_t n;
	int upper;
	int work;
	int container; /* the mapped clone that holds both */
	bool mapped;   /* clones with the ids of a user namespace: not to be opened again by path */
	bool passing;  /* the container goes with its end: nothing of it needs to reach the disk */
	bool attach;   /* and attached in a mount namespace of our own: an old kernel's wish */
};

static void stack_done(struct stack *s)
{
	for (size_t i = 0; i < s->n; i++)
		(void)close(s->layers[i]);
	if (s->upper >= 0)
		(void)close(s->upper);
	if (s->work >= 0)
		(void)close(s->work);
	if (s->mapped && s->container >= 0)
		(void)close(s->container);
}

static int open_container(int store_fd, const char *id, struct error *err)
{
	char path[96];
	int fd;

	if (!id || !is_id(id))
		return error_set(err, EINVAL, "malformed container id");
	(void)snprintf(path, sizeof(path), "containers/%s", id);
	fd = openat(store_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "open '%s'", path) : fd;
}

static int make_dir(int dirfd, const char *name, mode_t mode, struct error *err)
{
	cleanup_close int fd = -EBADF;

	if (mkdirat(dirfd, name, 0700) < 0) {
		if (errno == EEXIST)
			return 0;
		return error_errno(err, "create '%s'", name);
	}
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, mode) < 0)
		return error_errno(err, "set mode of '%s'", name);
	return 0;
}

int rootfs_prepare(int store_fd, const struct container_spec *spec, struct error *err)
{
	cleanup_close int dir = open_container(store_fd, spec->id, err);
	int r;

	if (dir < 0)
		return dir;
	r = make_dir(dir, "upper", 0755, err);
	return r < 0 ? r : make_dir(dir, "work", 0700, err);
}

static int remove_upper(int dir, struct error *err)
{
	int r = fs_remove_tree(dir, "upper", err);

	return r < 0 ? r : fs_remove_tree(dir, "work", err);
}

int rootfs_reset_upper(int store_fd, const struct container_spec *spec, struct error *err)
{
	cleanup_close int dir = open_container(store_fd, spec->id, err);
	int r;

	if (dir < 0)
		return dir;
	r = remove_upper(dir, err);
	return r < 0 ? r : rootfs_prepare(store_fd, spec, err);
}

int rootfs_remove(int store_fd, const char *container_id, struct error *err)
{
	struct error scratch;
	cleanup_close int dir = open_container(store_fd, container_id, &scratch);

	if (dir == -ENOENT)
		return 0;
	if (dir < 0)
		return error_set(err, -dir, "%s", scratch.text);
	return remove_upper(dir, err);
}

/* ---- mounting --------------------------------------------------------------------------- */

static int open_layer(int store_fd, const char *diff_id, struct error *err)
{
	const char *hex = is_prefix(diff_id, "sha256:") ? diff_id + 7 : diff_id;
	char path[96];
	int fd;

	if (!is_id(hex))
		return error_set(err, EINVAL, "malformed layer id '%.80s'", diff_id);
	(void)snprintf(path, sizeof(path), "layers/%s/diff", hex);
	fd = openat(store_fd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "open layer '%s'", hex) : fd;
}

static int stack_open_layers(int store_fd, const struct strlist *layers, struct stack *s,
			     struct error *err)
{
	if (layers->n == 0 || layers->n > LAYERS_MAX)
		return error_set(err, EINVAL, "image has %zu layers, from 1 to %d can be mounted",
				 layers->n, LAYERS_MAX);
	for (size_t i = layers->n; i-- > 0;) {
		s->layers[s->n] = open_layer(store_fd, layers->v[i], err);
		if (s->layers[s->n] < 0)
			return s->layers[s->n];
		s->n++;
	}
	return 0;
}

/* The kernel leaves a mark with a layer that was mounted so, since it may be torn after a crash of the
 * machine, and refuses it as long as it is there. */
static void forget_passing(int work)
{
	(void)unlinkat(work, "work/incompat/volatile/dirty", 0);
	(void)unlinkat(work, "work/incompat/volatile", AT_REMOVEDIR);
}

static int stack_open(int store_fd, const struct container_spec *spec, struct stack *s,
		      struct error *err)
{
	cleanup_close int dir = open_container(store_fd, spec->id, err);
	int r = dir < 0 ? dir : stack_open_layers(store_fd, &spec->config.layers, s, err);

	if (r < 0)
		return r;
	s->upper = openat(dir, "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	s->work = openat(dir, "work", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->upper < 0 || s->work < 0)
		return error_errno(err, "open the writable layer");
	s->passing = spec->auto_remove;
	if (s->passing)
		forget_passing(s->work);
	return 0;
}

static const char *fd_text(char buf[FD_TEXT], int fd)
{
	(void)snprintf(buf, FD_TEXT, "%d", fd);
	return buf;
}

/* The twin: a store's path, which may hold the sign that parts two layers. */
static void add_path_of(struct buf *b, int fd)
{
	char link[40], path[REOPEN_PATH_MAX];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	buf_add(b, path, n > 0 ? (size_t)n : 0);
}

/* "5:4:3" */
static char *join_layers(const struct stack *s)
{
	struct buf b = BUF_INIT(LAYERS_MAX * FD_TEXT);

	for (size_t i = 0; i < s->n; i++) {
		if (i)
			buf_addc(&b, ':');
		if (WEAKEN("ROOT-8"))
			add_path_of(&b, s->layers[i]);
		else
			buf_printf(&b, "%d", s->layers[i]);
	}
	return buf_steal(&b);
}

/* -EINVAL also from a kernel that knows no lowerdir+. */
static int mount_by_options(const struct stack *s, bool one_by_one, uint64_t attrs,
			    struct error *err)
{
	struct mount_option *opts = xcalloc(s->n + 5, sizeof(*opts));
	char(*numbers)[FD_TEXT] = xcalloc(s->n + 2, sizeof(*numbers));
	cleanup_free char *joined = NULL;
	size_t n = 0;
	int fd;

	if (!WEAKEN("LAY-1"))
		opts[n++] = (struct mount_option){ "userxattr", NULL };
	if (one_by_one) {
		for (size_t i = 0; i < s->n; i++)
			opts[n++] = (struct mount_option){ "lowerdir+",
							   fd_text(numbers[i], s->layers[i]) };
	} else {
		joined = join_layers(s);
		opts[n++] = (struct mount_option){ "lowerdir", joined };
	}
	if (s->upper >= 0) {
		opts[n++] = (struct mount_option){ "upperdir", fd_text(numbers[s->n], s->upper) };
		opts[n++] = (struct mount_option){ "workdir", fd_text(numbers[s->n + 1], s->work) };
	}
	if (s->passing)
		opts[n++] = (struct mount_option){ "volatile", NULL };
	if (one_by_one && WEAKEN("lowerdir+"))
		fd = error_set(err, EINVAL, "lowerdir+");
	else if (!one_by_one && (strlen(joined) > FSCONFIG_STRING_MAX || WEAKEN("lowerdir")))
		fd = error_set(err, EINVAL, "lowerdir is too long");
	else
		fd = mount_new("overlay", opts, attrs, err);
	free(numbers);
	free(opts);
	return fd;
}

/* KERNEL: drop at 6.8. Opens the same directory again, in this mount namespace: the kernel clones
 * only mounts of its own. */
static int reopen_here(int *fd, struct error *err)
{
	char link[40], path[REOPEN_PATH_MAX];
	struct stat before, after;
	ssize_t n;
	int again;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", *fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return error_errno(err, "find the path of a layer");
	path[n] = '\0';
	again = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (again < 0)
		return error_errno(err, "open '%s' again", path);
	if (fstat(*fd, &before) < 0 || fstat(again, &after) < 0 || before.st_dev != after.st_dev ||
	    before.st_ino != after.st_ino) {
		(void)close(again);
		return error_set(err, ESTALE, "'%s' is another directory now", path);
	}
	(void)close(*fd);
	*fd = again;
	return 0;
}

static int reopen_stack(struct stack *s, struct error *err)
{
	int r = s->upper < 0 ? 0 : reopen_here(&s->upper, err);

	if (r == 0 && s->work >= 0)
		r = reopen_here(&s->work, err);
	for (size_t i = 0; r == 0 && i < s->n; i++)
		r = reopen_here(&s->layers[i], err);
	return r;
}

/* KERNEL: drop at 6.8 */
static int enter_own_namespace(struct stack *s, struct error *err)
{
	int r;

	if (unshare(CLONE_NEWNS) < 0)
		return error_errno(err, "new mount namespace");
	r = mount_make_private(err);
	return r < 0 ? r : reopen_stack(s, err);
}

/* KERNEL: drop at 6.8. The last resort takes the classic call: in a namespace of its own, over
 * a directory that is always there, from where it is cloned and detached. Descriptors that were
 * opened before cannot be cloned any more: the caller opens its other sources afterwards, by path.
 */
static int mount_classic(struct stack *s, uint64_t attrs, struct error *err)
{
	static const char target[] = "/proc";
	cleanup_free char *joined = NULL;
	cleanup_free char *options = NULL;
	cleanup_close int fd = -EBADF;
	int r;

	r = s->mapped ? 0 : enter_own_namespace(s, err);
	if (r < 0)
		return r;
	joined = join_layers(s);
	options = s->upper < 0 ? xasprintf("userxattr,lowerdir=%s", joined)
			       : xasprintf("userxattr,lowerdir=%s,upperdir=%d,workdir=%d%s", joined,
					   s->upper, s->work, s->passing ? ",volatile" : "");
	if (strlen(options) > OPTIONS_MAX)
		return error_set(err, E2BIG, "too many layers for this kernel: %zu", s->n);
	if (mount("overlay", target, "overlay", 0, options) < 0)
		return error_errno(err, "mount overlay");
	fd = mount_clone(AT_FDCWD, target, attrs, err);
	if (fd < 0)
		return fd;
	if (umount2(target, MNT_DETACH) < 0)
		return error_errno(err, "detach overlay");
	return steal_fd(&fd);
}

static int mount_stack(struct stack *s, uint64_t attrs, struct error *err)
{
	struct error scratch;
	int fd;

	if (chdir("/proc/self/fd") < 0)
		return error_errno(err, "enter '/proc/self/fd'");
	fd = mount_by_options(s, true, attrs, &scratch);
	/* KERNEL: drop at 6.8 */
	if (fd == -EINVAL)
		fd = mount_by_options(s, false, attrs, &scratch);
	if (fd == -EINVAL && (!s->mapped || s->attach))
		fd = mount_classic(s, attrs, &scratch);
	return fd < 0 ? error_set(err, -fd, "%s", scratch.text) : fd;
}

/* ---- with the ids of a user namespace --------------------------------------------------- */

/* Puts a clone of the directory in its place. */
static int map_dir(int *fd, int userns_fd, struct error *err)
{
	int mnt = mount_clone_mapped(*fd, userns_fd, 0, false, err);

	if (mnt < 0)
		return mnt;
	(void)close(*fd);
	*fd = mnt;
	return 0;
}

/* KERNEL: drop at 6.15. Before, overlay takes only layers of this mount namespace: attaches each
 * clone below a tmpfs in a namespace of our own. Descriptors that were opened before cannot be cloned
 * any more, as with mount_classic(). */
static int attach_layers(struct stack *s, int container, struct error *err)
{
	static const struct mount_option opts[] = { { "mode", "700" }, { NULL, NULL } };
	cleanup_close int tmp = -EBADF;
	cleanup_close int over = -EBADF;
	int r;

	if (unshare(CLONE_NEWNS) < 0)
		return error_errno(err, "new mount namespace");
	r = mount_make_private(err);
	if (r < 0)
		return r;
	tmp = mount_new("tmpfs", opts, MOUNT_INERT, err);
	over = open(ATTACH_OVER, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = tmp < 0    ? tmp
	    : over < 0 ? error_errno(err, "open '" ATTACH_OVER "'")
		       : mount_attach(tmp, over, err);
	for (size_t i = 0; r == 0 && i < s->n + (container >= 0); i++) {
		int mnt = i < s->n ? s->layers[i] : container;
		cleanup_close int at = -EBADF;
		char name[FD_TEXT];

		if (mkdirat(tmp, fd_text(name, mnt), 0700) < 0)
			return error_errno(err, "create a mount point");
		at = openat(tmp, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		r = at < 0 ? error_errno(err, "open a mount point") : mount_attach(mnt, at, err);
	}
	return r;
}

/* One mount for upper and work: they must be of the same. */
static int stack_map(int store_fd, const char *id, int userns_fd, struct stack *s,
		     struct error *err)
{
	cleanup_close int dir = open_container(store_fd, id, err);
	int r = dir < 0 ? dir : map_dir(&dir, userns_fd, err);

	for (size_t i = 0; r == 0 && i < s->n; i++)
		r = map_dir(&s->layers[i], userns_fd, err);
	if (r == 0 && s->attach)
		r = attach_layers(s, dir, err);
	if (r < 0)
		return r;
	(void)close(s->upper);
	(void)close(s->work);
	s->upper = openat(dir, "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	s->work = openat(dir, "work", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->upper < 0 || s->work < 0)
		return error_errno(err, "open the writable layer");
	/* The clone ends with its descriptor. */
	s->container = steal_fd(&dir);
	return 0;
}

/* opened: what opening the stack's directories said. Frees the stack. */
static int mount_opened(struct stack *s, int opened, uint64_t attrs, struct error *err)
{
	int fd = opened < 0 ? opened : mount_stack(s, attrs, err);

	stack_done(s);
	free(s);
	if (chdir("/") < 0 && fd >= 0) {
		(void)close(fd);
		return error_errno(err, "enter '/'");
	}
	return fd < 0 ? error_wrap(err, "root file system") : fd;
}

/* r: what opening and mapping the stack said. */
static int mount_as(struct stack *s, int r, const struct overlay_ids *ids, uint64_t attrs,
		    struct error *err)
{
	bool attach = s->attach;
	struct error scratch;

	if (r == 0)
		r = proc_act_as(ids->root_id, ids->root_gid, err);
	r = mount_opened(s, r, attrs, err);
	if (attach)
		(void)umount2(ATTACH_OVER, MNT_DETACH);
	/* Back: this process is root and stays it. */
	if (proc_act_as(0, 0, &scratch) < 0) {
		if (r >= 0)
			(void)close(r);
		return error_set(err, EPERM, "%s", scratch.text);
	}
	return r;
}

static struct stack *new_mapped_stack(bool attach)
{
	struct stack *s = xcalloc(1, sizeof(*s));

	*s = (struct stack){ .upper = -EBADF,
			     .work = -EBADF,
			     .container = -EBADF,
			     .mapped = true,
			     .attach = attach };
	return s;
}

/* Opens, maps, mounts. attach: as an old kernel wants it. */
static int mount_mapped(int store_fd, const struct container_spec *spec,
			const struct overlay_ids *ids, bool attach, uint64_t attrs,
			struct error *err)
{
	struct stack *s = new_mapped_stack(attach);
	int r = stack_open(store_fd, spec, s, err);

	if (r == 0)
		r = stack_map(store_fd, spec->id, ids->userns_fd, s, err);
	return mount_as(s, r, ids, attrs, err);
}

/* Lowest of all: the files of engine/state/etclayer.h. A store that has none does without. */
static void stack_add_etc(int store_fd, struct stack *s)
{
	int fd = s->n < LAYERS_MAX ? openat(store_fd, "etclayer",
					    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
				   : -ENOSPC;

	if (fd >= 0)
		s->layers[s->n++] = fd;
}

static int mount_plain(int store_fd, const struct container_spec *spec, bool with_etc,
		       uint64_t attrs, struct error *err)
{
	struct stack *s = xcalloc(1, sizeof(*s));
	int r;

	s->upper = s->work = -EBADF;
	r = stack_open(store_fd, spec, s, err);
	if (r == 0 && with_etc)
		stack_add_etc(store_fd, s);
	return mount_opened(s, r, attrs, err);
}

/* Without an image: the writable layer is all there is. */
static int mount_bare(int store_fd, const char *id, uint64_t attrs, struct error *err)
{
	cleanup_close int dir = open_container(store_fd, id, err);

	return dir < 0 ? dir : mount_clone(dir, "upper", attrs, err);
}

int overlay_mount(int store_fd, const struct container_spec *spec, uint64_t attrs,
		  struct error *err)
{
	return overlay_mount_root(store_fd, spec, false, NULL, attrs, err);
}

int overlay_mount_root(int store_fd, const struct container_spec *spec, bool with_etc,
		       const struct overlay_ids *ids, uint64_t attrs, struct error *err)
{
	struct error scratch;
	int fd;

	if (spec->service)
		return mount_bare(store_fd, spec->id, attrs, err);
	if (!ids)
		return mount_plain(store_fd, spec, with_etc, attrs, err);
	fd = mount_mapped(store_fd, spec, ids, WEAKEN("detached-layers"), attrs, &scratch);
	if (fd == -EINVAL)
		fd = mount_mapped(store_fd, spec, ids, true, attrs, &scratch);
	return fd < 0 ? error_set(err, -fd, "%s", scratch.text) : fd;
}

/* The layers, and an empty directory below a single one. */
static int stack_open_image(int store_fd, const struct strlist *layers, int emptyfd,
			    struct stack *s, struct error *err)
{
	int r = stack_open_layers(store_fd, layers, s, err);

	if (r < 0 || s->n > 1)
		return r;
	s->layers[1] = fcntl(emptyfd, F_DUPFD_CLOEXEC, 3);
	if (s->layers[1] < 0)
		return error_errno(err, "keep a directory");
	s->n = 2;
	return 0;
}

int overlay_mount_read_only(int store_fd, const struct strlist *layers, int emptyfd, uint64_t attrs,
			    struct error *err)
{
	struct stack *s = xcalloc(1, sizeof(*s));

	s->upper = s->work = -EBADF;
	return mount_opened(s, stack_open_image(store_fd, layers, emptyfd, s, err),
			    attrs | MOUNT_ATTR_RDONLY, err);
}

static int mount_mapped_image(const struct overlay_image *image, const struct overlay_ids *ids,
			      bool attach, uint64_t attrs, struct error *err)
{
	struct stack *s = new_mapped_stack(attach);
	int r = stack_open_image(image->store_fd, image->layers, image->emptyfd, s, err);

	for (size_t i = 0; r == 0 && i < s->n; i++)
		r = map_dir(&s->layers[i], ids->userns_fd, err);
	if (r == 0 && attach)
		r = attach_layers(s, -EBADF, err);
	return mount_as(s, r, ids, attrs | MOUNT_ATTR_RDONLY, err);
}

static int mount_image_writable(const struct overlay_image *image, uint64_t attrs,
				struct error *err)
{
	struct stack *s = xcalloc(1, sizeof(*s));
	int r;

	s->upper = fcntl(image->upperfd, F_DUPFD_CLOEXEC, 3);
	s->work = fcntl(image->workfd, F_DUPFD_CLOEXEC, 3);
	r = s->upper < 0 || s->work < 0 ? error_errno(err, "keep a directory")
					: stack_open_layers(image->store_fd, image->layers, s, err);
	return mount_opened(s, r, attrs, err);
}

int overlay_mount_image(const struct overlay_image *image, const struct overlay_ids *ids,
			uint64_t attrs, struct error *err)
{
	struct error scratch;
	int fd;

	if (image->upperfd >= 0)
		return mount_image_writable(image, attrs, err);
	if (!ids)
		return overlay_mount_read_only(image->store_fd, image->layers, image->emptyfd,
					       attrs, err);
	fd = mount_mapped_image(image, ids, WEAKEN("detached-layers"), attrs, &scratch);
	if (fd == -EINVAL)
		fd = mount_mapped_image(image, ids, true, attrs, &scratch);
	return fd < 0 ? error_set(err, -fd, "%s", scratch.text) : fd;
}

int overlay_mount_over(int lower_fd, int upper_fd, int work_fd, uint64_t attrs, struct error *err)
{
	struct stack *s = xcalloc(1, sizeof(*s));
	int r = 0;

	s->layers[0] = fcntl(lower_fd, F_DUPFD_CLOEXEC, 3);
	s->upper = fcntl(upper_fd, F_DUPFD_CLOEXEC, 3);
	s->work = fcntl(work_fd, F_DUPFD_CLOEXEC, 3);
	s->n = s->layers[0] >= 0;
	if (s->n == 0 || s->upper < 0 || s->work < 0)
		r = error_errno(err, "keep a directory");
	return mount_opened(s, r, attrs, err);
}

int overlay_mount_view(int store_fd, const struct container_spec *spec, uint64_t attrs,
		       struct error *err)
{
	cleanup_close int dir = open_container(store_fd, spec->id, err);
	struct stack *s;
	int r = dir < 0 ? dir : 0;

	if (r < 0)
		return r;
	if (spec->service)
		return mount_bare(store_fd, spec->id, attrs | MOUNT_ATTR_RDONLY, err);
	s = xcalloc(1, sizeof(*s));
	s->upper = s->work = -EBADF;
	s->layers[0] = openat(dir, "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->layers[0] < 0)
		r = error_errno(err, "open the writable layer");
	else
		s->n = 1;
	if (r == 0 && spec->config.layers.n >= LAYERS_MAX)
		r = error_set(err, E2BIG, "image has too many layers for a view: %zu",
			      spec->config.layers.n);
	if (r == 0)
		r = stack_open_layers(store_fd, &spec->config.layers, s, err);
	return mount_opened(s, r, attrs | MOUNT_ATTR_RDONLY, err);
}
