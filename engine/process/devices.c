/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devices - what resources.devices of a container stands for.
 *
 * Theory of operation: CDI specifications are read at every start, since what they describe changes
 * with drivers and hardware. The files of /run/cdi win over those of /etc/cdi; within a directory a
 * name must be defined once. JSON is read here; a YAML file is turned into JSON by `podium cdi-json`,
 * a short program that has the parser: podium-launch links none. A file that cannot be read at all
 * only matters when a device is not found: then the message names it.
 *
 * A node is opened on the host with O_PATH and must be a device there; its numbers become a rule of
 * the container's device policy, and in the container a node of its own is made (engine/rootfs/
 * device.c), so that a change of its mode does not reach the host's. Where nodes cannot be made (user
 * namespaces) the host's is bound.
 *
 * Runs in: the host half, initial namespaces. In seam builds PODIUM_CDI_DIR replaces all
 * directories.
 */
#include "engine/process/devices.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/process/command.h"
#include "engine/process/internal.h"
#include "engine/process/userns.h"
#include "engine/rootfs/mount.h"
#include "engine/rootfs/volume.h"

/* Directories of CDI specifications, the one that wins first. */
static const char *const cdi_dirs[] = { "/run/cdi", "/etc/cdi", NULL };

#define FILES_MAX 256

void device_plan_done(struct device_plan *p)
{
	cdi_edits_done(&p->edits);
	for (size_t i = 0; i < p->n; i++) {
		if (p->nodes[i].host_mnt >= 0)
			(void)close(p->nodes[i].host_mnt);
		free(p->nodes[i].path);
	}
	free(p->nodes);
	free(p->rules);
	memset(p, 0, sizeof(*p));
}

/* ---- specifications --------------------------------------------------------------------- */

/* podium itself: beside its helpers, or where they are installed apart from it. */
static char *find_podium(const struct launch *l)
{
	char *path = launch_helper(l, "podium");

	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return launch_helper(l, "../../bin/podium");
}

/* Runs `podium cdi-json` on the file. */
static int read_yaml(const struct launch *l, int fd, const char *path, json_t **ret,
		     struct error *err)
{
	cleanup_free char *program = find_podium(l);
	cleanup_close int out = memfd_create("json", MFD_CLOEXEC);
	char name[] = "podium", verb[] = "cdi-json";
	char *argv[] = { name, verb, NULL };
	struct proc_spawn s = { .argv = argv, .stdio = { fd, out, out }, .pass_fd = -1 };
	cleanup_free char *text = xcalloc(1, 2 * CDI_SPEC_MAX + 1);
	int status = 0;
	ssize_t n;
	pid_t pid;

	s.path = program;
	pid = proc_spawn(&s, NULL, err);
	if (pid < 0)
		return (int)pid;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	n = out < 0 ? -1 : pread(out, text, 2 * CDI_SPEC_MAX, 0);
	if (n < 0)
		return error_errno(err, "read '%s'", path);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		text[strcspn(text, "\n")] = '\0';
		return error_set(err, EBADMSG, "'%s': %.200s", path, text);
	}
	return jload_text(text, (size_t)n, path, ret, err);
}

static int read_spec(const struct launch *l, int dir, const char *path, json_t **ret,
		     struct error *err)
{
	const char *name = strrchr(path, '/') + 1;
	cleanup_close int fd = -EBADF;
	struct stat st;

	if (is_suffix(name, ".json"))
		return jload_file(dir, name, CDI_SPEC_MAX, ret, err);
	fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "open '%s'", path);
	if (!S_ISREG(st.st_mode) || st.st_size > CDI_SPEC_MAX)
		return error_set(err, EINVAL, "'%s' is not a regular file of at most %d bytes",
				 path, CDI_SPEC_MAX);
	return read_yaml(l, fd, path, ret, err);
}

static bool is_spec_name(const char *name)
{
	return name[0] != '.' &&
	       (is_suffix(name, ".json") || is_suffix(name, ".yaml") || is_suffix(name, ".yml"));
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_specs(int dir, struct strlist *ret)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = copy < 0 ? NULL : fdopendir(copy);

	for (struct dirent *e; d && (e = readdir(d)) && ret->n < FILES_MAX;)
		if (is_spec_name(e->d_name))
			strlist_add(ret, e->d_name);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare_names);
}

struct search {
	const struct launch *l;
	struct strlist wanted; /* CDI names that no directory had yet */
	struct cdi_edits *edits;
	struct error trouble; /* of a file that could not be read */
};

/* Takes what the directory defines off s->wanted. */
static int search_dir(struct search *s, const char *path, struct error *err)
{
	cleanup_close int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_strlist struct strlist names = { 0 };
	cleanup_strlist struct strlist left = { 0 };
	cleanup_free bool *found = xcalloc(s->wanted.n + 1, sizeof(*found));

	if (dir < 0)
		return 0;
	list_specs(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		cleanup_free char *file = xasprintf("%s/%s", path, names.v[i]);
		cleanup_json json_t *spec = NULL;
		int r = read_spec(s->l, dir, file, &spec, &s->trouble);

		if (r == 0)
			r = cdi_apply(spec, file, &s->wanted, found, s->edits, err);
		else
			r = 0;
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < s->wanted.n; i++)
		if (!found[i])
			strlist_add(&left, s->wanted.v[i]);
	strlist_done(&s->wanted);
	s->wanted = left;
	memset(&left, 0, sizeof(left));
	return 0;
}

static int resolve_cdi(const struct launch *l, struct cdi_edits *ret, struct error *err)
{
	const struct strlist *devices = &l->spec.resources.devices;
	struct search s = { .l = l, .edits = ret };
	const char *only = NULL;
	int r = 0;

	for (size_t i = 0; i < devices->n; i++)
		if (devices->v[i][0] != '/' && !strlist_has(&s.wanted, devices->v[i]))
			strlist_add(&s.wanted, devices->v[i]);
#ifdef PODIUM_SEAMS
	only = getenv("PODIUM_CDI_DIR");
#endif
	if (only && s.wanted.n)
		r = search_dir(&s, only, err);
	for (size_t i = 0; !only && r == 0 && s.wanted.n && cdi_dirs[i]; i++)
		r = search_dir(&s, cdi_dirs[i], err);
	if (r == 0 && s.wanted.n)
		r = error_set(err, ENOENT,
			      "no device '%.200s' in the CDI files of this host%s%.200s",
			      s.wanted.v[0], s.trouble.code ? "; " : "",
			      s.trouble.code ? s.trouble.text : "");
	strlist_done(&s.wanted);
	return r;
}

/* ---- nodes ------------------------------------------------------------------------------ */

static int add_node(const struct launch *l, struct device_plan *p, const struct cdi_node *n,
		    struct error *err)
{
	const char *host = n->host_path ? n->host_path : n->path;
	cleanup_close int fd = open(host, O_PATH | O_CLOEXEC);
	cleanup_close int clone = -EBADF;
	struct device_node node;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "device '%s'", host);
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return error_set(err, ENODEV, "'%s' is not a device", host);
	if (p->n == DEVICE_EXTRA_MAX)
		return error_set(err, E2BIG, "more than %d devices", DEVICE_EXTRA_MAX);
	if (l->user_namespace || has_own_userns(&l->pod)) {
		clone = mount_clone(fd, "", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, err);
		if (clone < 0)
			return clone;
	}
	node = (struct device_node){
		.path = xstrdup(n->path + strlen("/dev/")),
		.mode = (st.st_mode & S_IFMT) | (n->has_mode ? n->mode : st.st_mode & 0777),
		.number = st.st_rdev,
		.uid = n->has_owner ? n->uid : st.st_uid,
		.gid = n->has_owner ? n->gid : st.st_gid,
		.host_mnt = steal_fd(&clone),
	};
	p->nodes = xreallocarray(p->nodes, p->n + 1, sizeof(*p->nodes));
	p->rules = xreallocarray(p->rules, p->n + 1, sizeof(*p->rules));
	p->nodes[p->n] = node;
	p->rules[p->n++] = (struct device_rule){
		.type = S_ISBLK(st.st_mode) ? DEVICE_TYPE_BLOCK : DEVICE_TYPE_CHAR,
		.major = major(st.st_rdev),
		.minor = minor(st.st_rdev),
		.access = n->access,
	};
	return 0;
}

static bool is_dev_path(const char *path)
{
	return is_prefix(path, "/dev/") && path[5] && !strstr(path, "/../") &&
	       !is_suffix(path, "/..");
}

static int check_names(const struct strlist *devices, struct error *err)
{
	for (size_t i = 0; i < devices->n; i++)
		if (!is_cdi_name(devices->v[i]) && !is_dev_path(devices->v[i]))
			return error_set(err, EINVAL,
					 "device '%.200s' is neither a path below /dev nor like "
					 "'vendor.com/class=name'",
					 devices->v[i]);
	return 0;
}

int devices_plan_process(const struct launch *l, struct device_plan *ret, struct error *err)
{
	const struct strlist *devices = &l->spec.resources.devices;
	int r;

	memset(ret, 0, sizeof(*ret));
	if (devices->n == 0)
		return 0;
	r = check_names(devices, err);
	return r < 0 ? r : resolve_cdi(l, &ret->edits, err);
}

int devices_plan(const struct launch *l, struct device_plan *ret, struct error *err)
{
	const struct strlist *devices = &l->spec.resources.devices;
	int r = devices_plan_process(l, ret, err);

	for (size_t i = 0; r == 0 && i < devices->n; i++) {
		const struct cdi_node n = { .path = devices->v[i], .access = DEVICE_MAY_ALL };

		if (devices->v[i][0] == '/')
			r = add_node(l, ret, &n, err);
	}
	for (size_t i = 0; r == 0 && i < ret->edits.n_nodes; i++)
		r = add_node(l, ret, &ret->edits.nodes[i], err);
	return r;
}

/* ---- mounts ----------------------------------------------------------------------------- */

int devices_open_mounts(const struct launch *l, struct container_plan *p, struct error *err)
{
	const struct cdi_edits *e = &p->devices.edits;

	if (e->n_mounts)
		p->mounts = xreallocarray(p->mounts, p->n_mounts + e->n_mounts, sizeof(*p->mounts));
	for (size_t i = 0; i < e->n_mounts; i++) {
		const struct cdi_mount *m = &e->mounts[i];
		struct planned_mount *to = &p->mounts[p->n_mounts];
		cleanup_close int fd = open(m->host_path, O_PATH | O_CLOEXEC);
		struct stat st;
		int r = volume_check_target(m->target, err);

		if (r < 0)
			return r;
		if (fd < 0 || fstat(fd, &st) < 0)
			return error_errno(err, "mount of a device: '%s'", m->host_path);
		*to = (struct planned_mount){ .mnt_fd = -EBADF,
					      .is_dir = S_ISDIR(st.st_mode),
					      .target = m->target };
		to->mnt_fd = l->userns_fd >= 0
				     ? mount_clone_mapped(fd, l->userns_fd, m->attrs, true, err)
				     : mount_clone(fd, "", m->attrs, err);
		if (to->mnt_fd < 0)
			return error_wrap(err, "mount of a device: '%s'", m->host_path);
		p->n_mounts++;
	}
	return 0;
}

/* ---- the process ------------------------------------------------------------------------ */

int devices_add_groups(const struct device_plan *p, struct confinement *c, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->edits.n_gids; i++)
		r = identity_add_group(&c->who, p->edits.gids[i], err);
	return r;
}

void devices_add_env(const struct device_plan *p, struct confinement *c)
{
	for (size_t i = 0; i < p->edits.env.n; i++) {
		const char *text = p->edits.env.v[i];
		cleanup_free char *name = xstrndup(text, strcspn(text, "="));

		command_set_env(&c->env, name, text + strlen(name) + 1);
	}
}
