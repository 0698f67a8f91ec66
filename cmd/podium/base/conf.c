/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf - reads containers.conf.
 *
 * Theory of operation: one table says section, key, type and place of each setting. Each file is
 * parsed and laid over what the files before it said; a list replaces a list. The types are checked
 * here, the values by whoever uses them, with the words that a flag of the same meaning would get.
 *
 * Nothing is opened unless a command asks: the files that are usually not there cost one failed open
 * each.
 *
 * Limits: those of the TOML reader; CONF_FILES_MAX files of a directory.
 */
#include "cmd/podium/base/conf.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/image/toml.h"

#define CONF_FILES_MAX 200
#define CONF_POOLS_MAX 100

enum conf_type { CONF_STRING, CONF_BOOL, CONF_INT, CONF_LIST, CONF_POOLS };

struct conf_key {
	const char *section;
	const char *key;
	enum conf_type type;
	size_t offset;
};
#define C(m) offsetof(struct conf, m)
static const struct conf_key keys[] = {
	{ "containers", "annotations", CONF_LIST, C(annotations) },
	{ "containers", "cgroupns", CONF_STRING, C(cgroupns) },
	{ "containers", "default_capabilities", CONF_LIST, C(default_capabilities) },
	{ "containers", "default_sysctls", CONF_LIST, C(default_sysctls) },
	{ "containers", "default_ulimits", CONF_LIST, C(default_ulimits) },
	{ "containers", "devices", CONF_LIST, C(devices) },
	{ "containers", "dns_options", CONF_LIST, C(dns_options) },
	{ "containers", "dns_searches", CONF_LIST, C(dns_searches) },
	{ "containers", "dns_servers", CONF_LIST, C(dns_servers) },
	{ "containers", "env", CONF_LIST, C(env) },
	{ "containers", "env_host", CONF_BOOL, C(env_host) },
	{ "containers", "http_proxy", CONF_BOOL, C(http_proxy) },
	{ "containers", "init", CONF_BOOL, C(init) },
	{ "containers", "ipcns", CONF_STRING, C(ipcns) },
	{ "containers", "log_driver", CONF_STRING, C(log_driver) },
	{ "containers", "log_size_max", CONF_INT, C(log_size_max) },
	{ "containers", "log_tag", CONF_STRING, C(log_tag) },
	{ "containers", "netns", CONF_STRING, C(netns) },
	{ "containers", "no_hosts", CONF_BOOL, C(no_hosts) },
	{ "containers", "pidns", CONF_STRING, C(pidns) },
	{ "containers", "pids_limit", CONF_INT, C(pids_limit) },
	{ "containers", "shm_size", CONF_STRING, C(shm_size) },
	{ "containers", "tz", CONF_STRING, C(tz) },
	{ "containers", "umask", CONF_STRING, C(umask) },
	{ "containers", "userns", CONF_STRING, C(userns) },
	{ "containers", "utsns", CONF_STRING, C(utsns) },
	{ "containers", "volumes", CONF_LIST, C(volumes) },
	{ "engine", "detach_keys", CONF_STRING, C(detach_keys) },
	{ "engine", "pull_policy", CONF_STRING, C(pull_policy) },
	{ "engine", "stop_timeout", CONF_INT, C(stop_timeout) },
	{ "network", "default_network", CONF_STRING, C(default_network) },
	{ "network", "default_subnet", CONF_STRING, C(default_subnet) },
	{ "network", "default_subnet_pools", CONF_POOLS, C(pools) },
};

static void pools_done(struct conf *c)
{
	for (size_t i = 0; i < c->n_pools; i++)
		free(c->pools[i].base);
	free(c->pools);
	c->pools = NULL;
	c->n_pools = 0;
}

void containers_conf_done(struct conf *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		void *field = (char *)c + keys[i].offset;

		if (keys[i].type == CONF_STRING)
			free(*(char **)field);
		else if (keys[i].type == CONF_LIST)
			strlist_done(field);
	}
	pools_done(c);
	*c = (struct conf){ .tz = NULL };
}

/* ---- one setting ------------------------------------------------------------------------------ */

static int bad_type(const struct conf_key *k, const struct toml *t, const char *what,
		    const char *wanted, struct error *err)
{
	return error_set(err, EINVAL, "%s:%d: [%s] %s must be %s, not a %s", what, t->line,
			 k->section, k->key, wanted, toml_type_str(t->type));
}

static int set_list(const struct conf_key *k, const struct toml *t, const char *what,
		    struct strlist *ret, struct error *err)
{
	struct strlist list = { 0 };

	if (t->type != TOML_ARRAY)
		return bad_type(k, t, what, "a list of strings", err);
	for (size_t i = 0; i < t->n; i++) {
		if (t->v[i]->type != TOML_STRING) {
			strlist_done(&list);
			return bad_type(k, t->v[i], what, "a list of strings", err);
		}
		strlist_add(&list, t->v[i]->text);
	}
	strlist_done(ret);
	*ret = list;
	return 0;
}

static int set_pools(const struct conf_key *k, const struct toml *t, const char *what,
		     struct conf *c, struct error *err)
{
	static const char wanted[] = "a list of { base = \"ADDRESS/BITS\", size = BITS }";

	if (t->type != TOML_ARRAY || t->n > CONF_POOLS_MAX)
		return bad_type(k, t, what, wanted, err);
	pools_done(c);
	c->pools = xcalloc(t->n + 1, sizeof(*c->pools));
	for (size_t i = 0; i < t->n; i++) {
		const struct toml *base = toml_get(t->v[i], "base");
		const struct toml *size = toml_get(t->v[i], "size");

		if (!base || base->type != TOML_STRING || !size || size->type != TOML_INTEGER)
			return bad_type(k, t->v[i], what, wanted, err);
		c->pools[c->n_pools++] = (struct conf_pool){ xstrdup(base->text), size->integer };
	}
	return 0;
}

static int set_key(const struct conf_key *k, const struct toml *t, const char *what, struct conf *c,
		   struct error *err)
{
	void *field = (char *)c + k->offset;

	switch (k->type) {
	case CONF_STRING:
		if (t->type != TOML_STRING)
			return bad_type(k, t, what, "a string", err);
		free(*(char **)field);
		*(char **)field = *t->text ? xstrdup(t->text) : NULL;
		return 0;
	case CONF_BOOL:
		if (t->type != TOML_BOOLEAN)
			return bad_type(k, t, what, "true or false", err);
		*(struct option_maybe *)field = (struct option_maybe){ true, t->boolean };
		return 0;
	case CONF_INT:
		if (t->type != TOML_INTEGER)
			return bad_type(k, t, what, "a number", err);
		*(struct opt_i64 *)field = (struct opt_i64){ true, t->integer };
		return 0;
	case CONF_LIST:
		c->has_default_capabilities =
			c->has_default_capabilities || is_equal(k->key, "default_capabilities");
		return set_list(k, t, what, field, err);
	case CONF_POOLS:
		return set_pools(k, t, what, c, err);
	}
	return 0;
}

static int read_tree(struct conf *c, const struct toml *root, const char *what, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct toml *section = toml_get(root, keys[i].section);
		const struct toml *t = toml_get(section, keys[i].key);
		int r = 0;

		if (section && section->type != TOML_TABLE)
			return error_set(err, EINVAL, "%s:%d: '%s' is not a table", what,
					 section->line, keys[i].section);
		if (t)
			r = set_key(&keys[i], t, what, c, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int containers_conf_parse(struct conf *c, const char *text, size_t len, const char *what,
			  struct error *err)
{
	cleanup_toml struct toml *root = NULL;
	int r = toml_parse(text, len, what, &root, err);

	return r < 0 ? r : read_tree(c, root, what, err);
}

/* ---- files ------------------------------------------------------------------------------------ */

static int read_file(struct conf *c, const char *path, bool must_exist, struct error *err)
{
	cleanup_toml struct toml *root = NULL;
	struct error problem = { 0 };
	int r = toml_parse_file(path, &root, &problem);

	if (!must_exist && (r == -ENOENT || r == -ENOTDIR))
		return 0;
	if (r < 0) {
		*err = problem;
		return r;
	}
	return read_tree(c, root, path, err);
}

static int is_conf_file(const struct dirent *d)
{
	return d->d_name[0] != '.' && is_suffix(d->d_name, ".conf");
}

static int read_directory(struct conf *c, const char *path, struct error *err)
{
	struct dirent **names = NULL;
	int n = scandir(path, &names, is_conf_file, alphasort);
	int r = n > CONF_FILES_MAX
			? error_set(err, E2BIG, "'%s' has more than %d files", path, CONF_FILES_MAX)
			: 0;

	for (int i = 0; i < n; i++) {
		cleanup_free char *file = xasprintf("%s/%s", path, names[i]->d_name);

		if (r == 0)
			r = read_file(c, file, false, err);
		free(names[i]);
	}
	free(names);
	return r;
}

static int read_place(struct conf *c, const char *directory, struct error *err)
{
	cleanup_free char *file = xasprintf("%s/containers.conf", directory);
	cleanup_free char *more = xasprintf("%s/containers.conf.d", directory);
	int r = read_file(c, file, false, err);

	return r < 0 ? r : read_directory(c, more, err);
}

static char *own_directory(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (!is_empty(config) && *config == '/')
		return xasprintf("%s/containers", config);
	return !is_empty(home) && *home == '/' ? xasprintf("%s/.config/containers", home) : NULL;
}

/* With the HOME of whoever called su the place is somebody else's, and of no concern to this user. */
static bool is_within_reach(const char *directory)
{
	return access(directory, F_OK) == 0 || errno != EACCES;
}

int containers_conf_load(struct conf *ret, struct error *err)
{
	const char *only = getenv("CONTAINERS_CONF");
	cleanup_free char *own = only ? NULL : own_directory();
	struct conf c = { .tz = NULL };
	int r;

	*ret = c;
	if (!is_empty(only)) {
		r = read_file(&c, only, true, err);
	} else {
		r = read_file(&c, "/usr/share/containers/containers.conf", false, err);
		if (r == 0)
			r = read_place(&c, "/etc/containers", err);
		if (r == 0 && own && is_within_reach(own))
			r = read_place(&c, own, err);
	}
	if (r < 0)
		containers_conf_done(&c);
	*ret = c;
	return r;
}
