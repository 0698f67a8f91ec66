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

#define FILES_MAX	    256
#define DIRECTORY_DEPTH_MAX 8

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

/* What the kernel lists is one line for each device: what is there takes the bits of the new one. */
static int add_rule(struct device_plan *p, struct device_rule rule, struct error *err)
{
	for (size_t i = 0; i < device_rules_count; i++)
		if (device_rules[i].type == rule.type && device_rules[i].major == rule.major &&
		    device_rules[i].minor == rule.minor)
			rule.access |= device_rules[i].access;
	for (size_t i = 0; i < p->n_rules; i++)
		if (p->rules[i].type == rule.type && p->rules[i].major == rule.major &&
		    p->rules[i].minor == rule.minor) {
			p->rules[i].access |= rule.access;
			return 0;
		}
	if (p->n_rules == DEVICE_EXTRA_MAX)
		return error_set(err, E2BIG, "more than %d devices", DEVICE_EXTRA_MAX);
	p->rules = xreallocarray(p->rules, p->n_rules + 1, sizeof(*p->rules));
	p->rules[p->n_rules++] = rule;
	return 0;
}

static int add_node(const struct launch *l, struct device_plan *p, const struct cdi_node *n,
		    struct error *err)
{
	const char *host = n->host_path ? n->host_path : n->path;
	cleanup_close int fd = open(host, O_PATH | O_CLOEXEC);
	cleanup_close int clone = -EBADF;
	struct device_node node;
	struct device_rule rule;
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
	p->nodes[p->n++] = node;
	rule = (struct device_rule){
		.type = S_ISBLK(st.st_mode) ? DEVICE_TYPE_BLOCK : DEVICE_TYPE_CHAR,
		.major = major(st.st_rdev),
		.minor = minor(st.st_rdev),
		.access = n->access,
	};
	return add_rule(p, rule, err);
}

static bool is_dev_path(const char *path)
{
	return is_prefix(path, "/dev/") && path[5] && !strstr(path, "/../") &&
	       !is_suffix(path, "/..");
}

static int check_names(const struct strlist *devices, struct error *err)
{
	for (size_t i = 0; i < devices->n; i++)
		if (!is_cdi_name(devices->v[i]) && devices->v[i][0] != '/')
			return error_set(err, EINVAL,
					 "device '%.200s' is neither a path below /dev nor like "
					 "'vendor.com/class=name'",
					 devices->v[i]);
	return 0;
}

/* ---- paths ------------------------------------------------------------------------------ */

static int parse_access(const char *text, uint32_t *ret)
{
	*ret = 0;
	for (; *text; text++) {
		uint32_t bit = *text == 'r'   ? DEVICE_MAY_READ
			       : *text == 'w' ? DEVICE_MAY_WRITE
			       : *text == 'm' ? DEVICE_MAY_MKNOD
					      : 0;

		if (!bit || (*ret & bit))
			return -EINVAL;
		*ret |= bit;
	}
	return *ret ? 0 : -EINVAL;
}

/* "HOST[:CONTAINER][:rwm]" */
static int parse_path(const char *text, struct cdi_node *ret, struct error *err)
{
	cleanup_free char *copy = xstrdup(text);
	char *rest = copy, *host = strsep(&rest, ":"), *path = strsep(&rest, ":"), *access = rest;
	uint32_t bits = DEVICE_MAY_ALL;

	if (path && path[0] != '/' && !access) {
		access = path;
		path = NULL;
	}
	if (!path)
		path = host;
	if (access && parse_access(access, &bits) < 0)
		return error_set(err, EINVAL, "device '%.200s': '%.20s' is not made of r, w and m",
				 text, access);
	if (!is_dev_path(path))
		return error_set(
			err, EINVAL,
			"device '%.200s': '%.100s' is not below /dev, where all devices of "
			"a container are",
			text, path);
	*ret = (struct cdi_node){ .path = xstrdup(path),
				  .host_path = xstrdup(host),
				  .access = bits };
	return 0;
}

/* What is no device of the host's, and is the container's own. */
static bool is_own_dir(const char *name)
{
	static const char *const names[] = { ".",      "..",   "pts",	      "shm",   "fd",
					     "mqueue", ".lxc", ".lxd-mounts", ".udev", "console" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* Every node below a directory; what is neither that nor one is passed over. */
static int add_dir(const struct launch *l, struct device_plan *p, const struct cdi_node *top,
		   int depth, struct error *err)
{
	cleanup_dir DIR *d = opendir(top->host_path);
	const struct dirent *e;
	int r = 0;

	if (!d)
		return error_errno(err, "device directory '%s'", top->host_path);
	if (depth > DIRECTORY_DEPTH_MAX)
		return error_set(err, E2BIG, "device directory '%s': more than %d in one another",
				 top->host_path, DIRECTORY_DEPTH_MAX);
	while (r == 0 && (e = readdir(d))) {
		cleanup_free char *host = xasprintf("%s/%s", top->host_path, e->d_name);
		cleanup_free char *path = xasprintf("%s/%s", top->path, e->d_name);
		const struct cdi_node n = { .path = path,
					    .host_path = host,
					    .access = top->access };
		struct stat st;

		if (is_own_dir(e->d_name) ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			r = add_dir(l, p, &n, depth + 1, err);
		else if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
			r = add_node(l, p, &n, err);
	}
	return r;
}

static int add_path(const struct launch *l, struct device_plan *p, const char *text,
		    struct error *err)
{
	struct cdi_node n = { 0 };
	size_t before = p->n;
	struct stat st;
	int r = parse_path(text, &n, err);

	if (r == 0 && stat(n.host_path, &st) < 0)
		r = error_errno(err, "device '%s'", n.host_path);
	if (r == 0)
		r = S_ISDIR(st.st_mode) ? add_dir(l, p, &n, 0, err) : add_node(l, p, &n, err);
	if (r == 0 && p->n == before)
		r = error_set(err, ENODEV, "no devices found in '%s'", n.host_path);
	free(n.path);
	free(n.host_path);
	return r;
}

/* ---- rules of --device-cgroup-rule ------------------------------------------------------ */

static int parse_number(const char *text, size_t n, uint32_t *ret)
{
	cleanup_free char *digits = xstrndup(text, n);
	uint64_t v;

	*ret = DEVICE_ANY;
	if (strcmp(digits, "*") == 0)
		return 0;
	if (parse_u64(digits, UINT32_MAX - 1, &v) < 0)
		return -EINVAL;
	*ret = (uint32_t)v;
	return 0;
}

/* "c 10:229 rw", "b *:* m", "a *:* rwm": both kinds */
static int add_cgroup_rule(struct device_plan *p, const char *text, struct error *err)
{
	struct device_rule rule = { 0 };
	const char *colon = strchr(text, ':'), *blank = colon ? strchr(colon, ' ') : NULL;
	int r = 0;

	if (!blank || !strchr("abc", text[0]) || text[1] != ' ' ||
	    parse_number(text + 2, (size_t)(colon - text) - 2, &rule.major) < 0 ||
	    parse_number(colon + 1, (size_t)(blank - colon) - 1, &rule.minor) < 0 ||
	    parse_access(blank + 1, &rule.access) < 0)
		return error_set(err, EINVAL, "device rule '%.100s' is not like 'c 10:229 rwm'",
				 text);
	if (text[0] != 'c') {
		rule.type = DEVICE_TYPE_BLOCK;
		r = add_rule(p, rule, err);
	}
	if (r == 0 && text[0] != 'b') {
		rule.type = DEVICE_TYPE_CHAR;
		r = add_rule(p, rule, err);
	}
	return r;
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
	const struct strlist *rules = &l->spec.resources.device_cgroup_rules;
	int r = devices_plan_process(l, ret, err);

	for (size_t i = 0; r == 0 && i < devices->n; i++)
		if (devices->v[i][0] == '/')
			r = add_path(l, ret, devices->v[i], err);
	for (size_t i = 0; r == 0 && i < ret->edits.n_nodes; i++)
		r = add_node(l, ret, &ret->edits.nodes[i], err);
	for (size_t i = 0; r == 0 && i < rules->n; i++)
		r = add_cgroup_rule(ret, rules->v[i], err);
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
