/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cdi - Container Device Interface.
 *
 * Theory of operation: a specification describes the devices of one kind ("vendor.com/class"), each
 * with edits, and edits that go with any of them. What stands in it was written by an administrator
 * or a driver's installer, and is trusted to name host files; what is not understood is an error all
 * the same, since a container without half of its device is of no use. Hooks are programs of the
 * host that would be run at each start with all privileges: they are refused by name, as are edits of
 * resource control and network devices.
 *
 *	env               added to the environment
 *	deviceNodes       below /dev alone; type, major and minor are read from the host's node
 *	mounts            binds, with ro, nosuid, nodev, noexec
 *	additionalGids    supplementary groups
 */
#include "engine/rootfs/cdi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"

#define MAY_MKNOD 1U
#define MAY_READ  2U
#define MAY_WRITE 4U
#define WHERE_MAX 400
#define EDITS_MAX 256 /* of one kind */
#define ID_MAX	  4294967294LL

void cdi_edits_done(struct cdi_edits *e)
{
	strlist_done(&e->env);
	for (size_t i = 0; i < e->n_nodes; i++) {
		free(e->nodes[i].path);
		free(e->nodes[i].host_path);
	}
	for (size_t i = 0; i < e->n_mounts; i++) {
		free(e->mounts[i].host_path);
		free(e->mounts[i].target);
	}
	free(e->nodes);
	free(e->mounts);
	free(e->gids);
	memset(e, 0, sizeof(*e));
}

/* ---- names ------------------------------------------------------------------------------ */

static bool is_word(const char *s, size_t n, const char *also)
{
	for (size_t i = 0; i < n; i++) {
		bool letter = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
			      (s[i] >= '0' && s[i] <= '9');

		if (!letter && (!s[i] || !strchr(also, s[i])))
			return false;
	}
	return n > 0;
}

bool is_cdi_name(const char *text)
{
	const char *slash = strchr(text, '/'), *equal = strchr(text, '=');

	return slash && equal && slash < equal && is_word(text, (size_t)(slash - text), "-_.") &&
	       is_word(slash + 1, (size_t)(equal - slash - 1), "-_.") &&
	       is_word(equal + 1, strlen(equal + 1), "-_.:");
}

/* ---- shape ------------------------------------------------------------------------------ */

static int check_members(const json_t *obj, const char *const *known, const char *where,
			 struct error *err)
{
	const char *key;
	json_t *value, *o = json_incref((json_t *)(uintptr_t)obj);
	int r = 0;

	if (!json_is_object(obj))
		r = error_set(err, EINVAL, "%s: not an object", where);
	json_object_foreach (o, key, value) {
		size_t i = 0;

		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		if (r == 0 && !known[i])
			r = error_set(err, EINVAL, "%s: '%.60s' is not known here", where, key);
	}
	json_decref(o);
	return r;
}

static bool is_clean_path(const char *s)
{
	if (is_empty(s) || s[0] != '/')
		return false;
	for (const char *p = s; *p; p += strcspn(p, "/"), p += *p == '/')
		if (strncmp(p, "..", 2) == 0 && (!p[2] || p[2] == '/'))
			return false;
	return true;
}

/* A number from 0 to max, or -1 for none. */
static int read_number(const json_t *obj, const char *key, int64_t max, int64_t *ret,
		       const char *where, struct error *err)
{
	json_t *v = json_object_get(obj, key);

	*ret = -1;
	if (!v || json_is_null(v))
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > max)
		return error_set(err, EINVAL, "%s.%s: not a number from 0 to %lld", where, key,
				 (long long)max);
	*ret = json_integer_value(v);
	return 0;
}

/* ---- edits ------------------------------------------------------------------------------ */

static int add_env(const json_t *list, const char *where, struct cdi_edits *ret, struct error *err)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text || !strchr(text, '=') || text[0] == '=')
			return error_set(err, EINVAL, "%s.env[%zu]: not NAME=VALUE", where, i);
		strlist_add(&ret->env, text);
	}
	return 0;
}

static int read_access(const char *text, unsigned int *ret)
{
	*ret = 0;
	if (is_empty(text))
		*ret = MAY_MKNOD | MAY_READ | MAY_WRITE;
	for (; text && *text; text++) {
		unsigned int bit = *text == 'm'	  ? MAY_MKNOD
				   : *text == 'r' ? MAY_READ
				   : *text == 'w' ? MAY_WRITE
						  : 0;

		if (!bit)
			return -EINVAL;
		*ret |= bit;
	}
	return 0;
}

static int add_node(const json_t *obj, const char *where, struct cdi_edits *ret, struct error *err)
{
	static const char *const known[] = { "path",	 "hostPath",	"type", "major", "minor",
					     "fileMode", "permissions", "uid",	"gid",	 NULL };
	const char *path = jget_str(obj, "path"), *host = jget_str(obj, "hostPath");
	struct cdi_node n = { 0 };
	int64_t mode, uid, gid;
	int r = check_members(obj, known, where, err);

	if (r == 0)
		r = read_number(obj, "fileMode", 07777, &mode, where, err);
	if (r == 0)
		r = read_number(obj, "uid", ID_MAX, &uid, where, err);
	if (r == 0)
		r = read_number(obj, "gid", ID_MAX, &gid, where, err);
	if (r < 0)
		return r;
	if (!is_clean_path(path) || !is_prefix(path, "/dev/") || !path[5])
		return error_set(err, EINVAL, "%s.path: '%.100s' is not below /dev", where,
				 path ? path : "");
	if (host && !is_clean_path(host))
		return error_set(err, EINVAL, "%s.hostPath: '%.100s' is no absolute path", where,
				 host);
	if (read_access(jget_str(obj, "permissions"), &n.access) < 0)
		return error_set(err, EINVAL, "%s.permissions: not of r, w, m", where);
	n.path = xstrdup(path);
	n.host_path = host ? xstrdup(host) : NULL;
	n.has_mode = mode >= 0;
	n.mode = mode >= 0 ? (mode_t)mode : 0;
	n.has_owner = uid >= 0 || gid >= 0;
	n.uid = uid >= 0 ? (uid_t)uid : 0;
	n.gid = gid >= 0 ? (gid_t)gid : 0;
	ret->nodes = xreallocarray(ret->nodes, ret->n_nodes + 1, sizeof(*ret->nodes));
	ret->nodes[ret->n_nodes++] = n;
	return 0;
}

static int read_option(const char *text, uint64_t *attrs)
{
	static const struct {
		const char *name;
		uint64_t attr;
	} options[] = {
		{ "ro", MOUNT_ATTR_RDONLY },
		{ "nosuid", MOUNT_ATTR_NOSUID },
		{ "nodev", MOUNT_ATTR_NODEV },
		{ "noexec", MOUNT_ATTR_NOEXEC },
		{ "rw", 0 },
		{ "bind", 0 },
		{ "rbind", 0 },
		{ "private", 0 },
		{ "rprivate", 0 },
	};

	for (size_t i = 0; text && i < ARRAY_SIZE(options); i++) {
		if (strcmp(options[i].name, text) != 0)
			continue;
		*attrs |= options[i].attr;
		return 0;
	}
	return -EINVAL;
}

static int add_mount(const json_t *obj, const char *where, struct cdi_edits *ret, struct error *err)
{
	static const char *const known[] = { "hostPath", "containerPath", "options", "type", NULL };
	const char *host = jget_str(obj, "hostPath"), *target = jget_str(obj, "containerPath");
	const char *type = jget_str(obj, "type");
	const json_t *options = json_object_get(obj, "options");
	uint64_t attrs = MOUNT_ATTR_NOSUID;
	int r = check_members(obj, known, where, err);

	if (r < 0)
		return r;
	if (!is_clean_path(host) || !is_clean_path(target))
		return error_set(err, EINVAL,
				 "%s: hostPath and containerPath must be absolute, without '..'",
				 where);
	if (!is_empty(type) && strcmp(type, "bind") != 0 && strcmp(type, "none") != 0)
		return error_set(err, EINVAL, "%s.type: '%.40s' is not supported", where, type);
	for (size_t i = 0; i < json_array_size(options); i++) {
		const char *text = json_string_value(json_array_get(options, i));

		if (read_option(text, &attrs) < 0)
			return error_set(err, EINVAL, "%s.options: '%.40s' is not supported", where,
					 text ? text : "");
	}
	ret->mounts = xreallocarray(ret->mounts, ret->n_mounts + 1, sizeof(*ret->mounts));
	ret->mounts[ret->n_mounts++] = (struct cdi_mount){ xstrdup(host), xstrdup(target), attrs };
	return 0;
}

static int add_gids(const json_t *list, const char *where, struct cdi_edits *ret, struct error *err)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *v = json_array_get(list, i);

		if (!json_is_integer(v) || json_integer_value(v) < 0 ||
		    json_integer_value(v) > ID_MAX)
			return error_set(err, EINVAL, "%s.additionalGids[%zu]: not a group id",
					 where, i);
		if (json_integer_value(v) == 0)
			continue; /* as the specification says */
		ret->gids = xreallocarray(ret->gids, ret->n_gids + 1, sizeof(*ret->gids));
		ret->gids[ret->n_gids++] = (gid_t)json_integer_value(v);
	}
	return 0;
}

/* The lists, none of them too long, and nothing that cannot be done. */
static int check_edits(const json_t *e, const char *where, struct error *err)
{
	static const char *const known[] = {
		"env",	    "deviceNodes", "mounts", "hooks", "additionalGids",
		"intelRdt", "netDevices",  NULL
	};
	static const char *const lists[] = { "env", "deviceNodes", "mounts", "additionalGids" };
	static const char *const refused[] = { "hooks", "intelRdt", "netDevices" };
	int r = check_members(e, known, where, err);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(lists); i++) {
		const json_t *v = json_object_get(e, lists[i]);

		if (v && !json_is_null(v) && !json_is_array(v))
			r = error_set(err, EINVAL, "%s.%s: not a list", where, lists[i]);
		else if (json_array_size(v) > EDITS_MAX)
			r = error_set(err, E2BIG, "%s.%s: more than %d", where, lists[i],
				      EDITS_MAX);
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(refused); i++) {
		const json_t *v = json_object_get(e, refused[i]);

		if (json_array_size(v) > 0 || json_object_size(v) > 0)
			r = error_set(err, ENOTSUP, "%s.%s: not supported%s", where, refused[i],
				      i == 0 ? ": no program of the host is run at a container's "
					       "start"
					     : "");
	}
	return r;
}

static int add_edits(const json_t *e, const char *where, struct cdi_edits *ret, struct error *err)
{
	const json_t *nodes = json_object_get(e, "deviceNodes");
	const json_t *mounts = json_object_get(e, "mounts");
	char place[WHERE_MAX + 40];
	int r;

	if (!e || json_is_null(e))
		return 0;
	r = check_edits(e, where, err);
	if (r == 0)
		r = add_env(json_object_get(e, "env"), where, ret, err);
	for (size_t i = 0; r == 0 && i < json_array_size(nodes); i++) {
		(void)snprintf(place, sizeof(place), "%.380s.deviceNodes[%zu]", where, i);
		r = add_node(json_array_get(nodes, i), place, ret, err);
	}
	for (size_t i = 0; r == 0 && i < json_array_size(mounts); i++) {
		(void)snprintf(place, sizeof(place), "%.380s.mounts[%zu]", where, i);
		r = add_mount(json_array_get(mounts, i), place, ret, err);
	}
	return r < 0 ? r : add_gids(json_object_get(e, "additionalGids"), where, ret, err);
}

/* ---- a file ----------------------------------------------------------------------------- */

static bool is_of_kind(const char *name, const char *kind)
{
	size_t n = strlen(kind);

	return strncmp(name, kind, n) == 0 && name[n] == '=';
}

static int add_device(const json_t *devices, const char *name, const char *where, bool *ret_found,
		      struct cdi_edits *ret, struct error *err)
{
	static const char *const known[] = { "name", "annotations", "containerEdits", NULL };
	char place[WHERE_MAX];

	*ret_found = false;
	for (size_t i = 0; i < json_array_size(devices); i++) {
		const json_t *d = json_array_get(devices, i);
		int r;

		if (!is_equal(jget_str(d, "name"), name))
			continue;
		(void)snprintf(place, sizeof(place), "%.300s: devices[%zu]", where, i);
		if (*ret_found)
			return error_set(err, EEXIST, "%s: '%.100s' a second time", place, name);
		r = check_members(d, known, place, err);
		if (r == 0)
			r = add_edits(json_object_get(d, "containerEdits"), place, ret, err);
		if (r < 0)
			return r;
		*ret_found = true;
	}
	return 0;
}

int cdi_apply(const json_t *spec, const char *where, const struct strlist *wanted, bool *found,
	      struct cdi_edits *ret, struct error *err)
{
	static const char *const known[] = { "cdiVersion", "kind",	     "annotations",
					     "devices",	   "containerEdits", NULL };
	const char *kind = jget_str(spec, "kind"), *version = jget_str(spec, "cdiVersion");
	bool any = false;
	int r = 0;

	if (is_empty(kind))
		return 0;
	for (size_t i = 0; r == 0 && i < wanted->n; i++) {
		const char *name = wanted->v[i];
		bool here = false;

		if (!is_of_kind(name, kind))
			continue;
		if (!any)
			r = check_members(spec, known, where, err);
		if (r == 0 &&
		    (!version || (!is_prefix(version, "0.") && !is_prefix(version, "1."))))
			r = error_set(err, EINVAL, "%s: cdiVersion '%.20s' is not known here",
				      where, version ? version : "");
		if (r == 0)
			r = add_device(json_object_get(spec, "devices"), name + strlen(kind) + 1,
				       where, &here, ret, err);
		if (r < 0 || !here)
			continue;
		if (found[i])
			return error_set(err, EEXIST,
					 "%s: '%.200s' is defined in another file, too", where,
					 name);
		found[i] = any = true;
	}
	if (r == 0 && any)
		r = add_edits(json_object_get(spec, "containerEdits"), where, ret, err);
	return r;
}
