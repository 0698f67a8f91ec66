/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netconf - records of networks.
 *
 * Theory of operation: a network that a user has made is one file of ROOT/networks, written once and
 * never changed; where it lives in the kernel (bridge, table, leases) follows from it. The default
 * network has no record: what it is was chosen for this boot and stands in RUNROOT/net/podium
 * (network_record.c); its id is the hash of its name, as Podman's.
 *
 * A record that cannot be read is named as such and stops nothing but itself. Limits: CONF_MAX bytes a
 * record.
 */
#include "engine/net/netconf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/hash.h"
#include "engine/base/json.h"
#include "engine/net/network.h"
#include "engine/state/layout.h"

#define CONF_MAX   65536
#define PATH_BYTES 192
#define FOLDER	   "networks"

#define FIELD(T, kind_, name_, m) RECORD_FIELD(T, kind_, name_, m)

static const struct record_field subnet_fields[] = {
	FIELD(subnet_conf, RECORD_STRING, "subnet", subnet),
	FIELD(subnet_conf, RECORD_STRING, "gateway", gateway),
	FIELD(subnet_conf, RECORD_STRING, "first", first),
	FIELD(subnet_conf, RECORD_STRING, "last", last),
	{ 0 },
};
static const struct record_type subnet_type = { "subnet", sizeof(struct subnet_conf),
						subnet_fields };
static const struct record_field conf_fields[] = {
	FIELD(network_conf, RECORD_U32, "version", version),
	FIELD(network_conf, RECORD_STRING, "name", name),
	FIELD(network_conf, RECORD_STRING, "id", id),
	FIELD(network_conf, RECORD_STRING, "interface", interface),
	FIELD(network_conf, RECORD_I64, "created", created_ns),
	RECORD_FIELD(network_conf, RECORD_LIST, "subnets", subnets, .sub = &subnet_type),
	FIELD(network_conf, RECORD_BOOL, "internal", internal),
	FIELD(network_conf, RECORD_BOOL, "dns", dns),
	FIELD(network_conf, RECORD_STRLIST, "dnsServers", dns_servers),
	FIELD(network_conf, RECORD_PAIRS, "options", options),
	FIELD(network_conf, RECORD_PAIRS, "labels", labels),
	FIELD(network_conf, RECORD_STRLIST, "pools", pools),
	{ 0 },
};
const struct record_type network_conf_type = { "network", sizeof(struct network_conf),
					       conf_fields };

void network_conf_done(struct network_conf *c)
{
	record_done(&network_conf_type, c);
}

bool is_network_isolated(const struct network_conf *c)
{
	return is_equal(pairlist_get(&c->options, "isolate"), "true");
}

uint32_t network_conf_mtu(const struct network_conf *c)
{
	const char *text = pairlist_get(&c->options, "mtu");
	uint64_t v = 0;

	return text && parse_u64(text, UINT16_MAX, &v) == 0 ? (uint32_t)v : 0;
}

bool is_network_ipv6(const struct network_conf *c)
{
	for (size_t i = 0; i < c->subnets.n; i++)
		if (c->subnets.v[i].subnet && strchr(c->subnets.v[i].subnet, ':'))
			return true;
	return false;
}

static const char *conf_path(char out[PATH_BYTES], const char *name)
{
	(void)snprintf(out, PATH_BYTES, FOLDER "/%s.json", name);
	return out;
}

/* ---- reading ---------------------------------------------------------------------------- */

static void add_subnet(struct network_conf *c, const struct ip_prefix *p, const struct ip_addr *gw)
{
	char text[IP_TEXT_MAX + 4];
	size_t at = c->subnets.n++;

	c->subnets.v = xreallocarray(c->subnets.v, c->subnets.n, sizeof(*c->subnets.v));
	c->subnets.v[at] = (struct subnet_conf){ .subnet = xstrdup(ip_prefix_format(p, text)) };
	c->subnets.v[at].gateway = xstrdup(ip_format(gw, text));
}

static int64_t file_time_ns(int dirfd, const char *path)
{
	struct stat st;

	if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
}

static int read_default(const struct store *s, struct network_conf *ret, struct error *err)
{
	cleanup_close int dirfd = openat(s->runfd, "net/" NET_DEFAULT,
					 O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	char id[HASH_SHA256_HEX];
	struct network n;
	int r = dirfd < 0 ? -ENOENT : network_load(dirfd, &n, err);

	if (r < 0 && r != -ENOENT)
		return r;
	hash_sha256(NET_DEFAULT, strlen(NET_DEFAULT), id);
	*ret = (struct network_conf){ .version = NETWORK_CONF_VERSION,
				      .name = xstrdup(NET_DEFAULT),
				      .id = xstrdup(id),
				      .interface = xstrdup(NETWORK_DEVICE_BASE "0"),
				      .created_ns = file_time_ns(s->rootfd, "version") };
	if (r == 0) {
		add_subnet(ret, &n.subnet4, &n.gateway4);
		add_subnet(ret, &n.subnet6, &n.gateway6);
	}
	return 0;
}

static int not_found(const char *word, struct error *err)
{
	return error_set(err, ENOENT,
			 "unable to find network with name or ID %.128s: network not found", word);
}

int network_conf_read(const struct store *s, const char *name, struct network_conf *ret,
		      struct error *err)
{
	cleanup_json json_t *j = NULL;
	char path[PATH_BYTES];
	struct error scratch;
	int r;

	*ret = (struct network_conf){ 0 };
	if (strcmp(name, NET_DEFAULT) == 0)
		return read_default(s, ret, err);
	if (!is_network_name(name) || s->rootfd < 0)
		return not_found(name, err);
	r = jload_file(s->rootfd, conf_path(path, name), CONF_MAX, &j, &scratch);
	if (r == -ENOENT)
		return not_found(name, err);
	if (r == 0)
		r = record_load(&network_conf_type, j, ret, &scratch);
	if (r == 0 && (!is_equal(ret->name, name) || !ret->id || !is_id(ret->id) ||
		       !ret->interface || !is_device_name(ret->interface) || !ret->subnets.n)) {
		network_conf_done(ret);
		r = error_set(&scratch, EBADMSG, "'%s' is corrupt", path);
	}
	if (r < 0) {
		*err = scratch;
		return error_wrap(err, "network '%s'", name);
	}
	return 0;
}

bool is_network_there(const struct store *s, const char *name)
{
	char path[PATH_BYTES];

	if (strcmp(name, NET_DEFAULT) == 0)
		return true;
	return s->rootfd >= 0 && is_network_name(name) &&
	       faccessat(s->rootfd, conf_path(path, name), F_OK, 0) == 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int network_conf_list(const struct store *s, struct strlist *ret, struct error *err)
{
	int fd = s->rootfd < 0 ? -1
			       : openat(s->rootfd, FOLDER,
					O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!d && fd < 0 && s->rootfd >= 0 && errno != ENOENT)
		return error_errno(err, "list networks");
	while (d && (e = readdir(d))) {
		cleanup_free char *name = NULL;

		if (e->d_name[0] == '.' || !is_suffix(e->d_name, ".json"))
			continue;
		name = xstrndup(e->d_name, strlen(e->d_name) - strlen(".json"));
		if (is_network_name(name))
			strlist_add(ret, name);
	}
	strlist_add(ret, NET_DEFAULT);
	qsort(ret->v, ret->n, sizeof(*ret->v), compare_names);
	return 0;
}

int network_conf_find(const struct store *s, const char *word, char **ret, struct error *err)
{
	cleanup_strlist struct strlist names = { 0 };
	const char *found = NULL;
	int r;

	*ret = NULL;
	if (is_network_there(s, word)) {
		*ret = xstrdup(word);
		return 0;
	}
	if (strcmp(word, NET_DEFAULT_ALIAS) == 0) {
		*ret = xstrdup(NET_DEFAULT);
		return 0;
	}
	r = network_conf_list(s, &names, err);
	for (size_t i = 0; i < names.n && r == 0 && *word; i++) {
		cleanup_network_conf struct network_conf c = { 0 };
		struct error scratch; /* a damaged record has no id that could be meant */

		if (network_conf_read(s, names.v[i], &c, &scratch) < 0 || !is_prefix(c.id, word))
			continue;
		if (found)
			return error_set(err, ENOTUNIQ, "more than one result for network ID %.64s",
					 word);
		found = names.v[i];
	}
	if (r == 0 && !found)
		return not_found(word, err);
	*ret = r == 0 ? xstrdup(found) : NULL;
	return r;
}

/* ---- writing ---------------------------------------------------------------------------- */

int network_conf_add(const struct store *s, const struct network_conf *c, struct error *err)
{
	cleanup_close int dir = fs_mkdirs(s->rootfd, FOLDER, 0700, err);
	cleanup_json json_t *j = NULL;
	cleanup_free char *text = NULL;
	char path[PATH_BYTES];

	if (dir < 0)
		return dir;
	if (is_network_there(s, c->name))
		return error_set(err, EEXIST,
				 "network name %s already used: network already exists", c->name);
	j = record_dump(&network_conf_type, c);
	text = jdump_text(j, 2);
	return fs_write_atomic(s->rootfd, conf_path(path, c->name), text, strlen(text), 0600,
			       FS_SYNC, err);
}

int network_conf_drop(const struct store *s, const char *name, struct error *err)
{
	char path[PATH_BYTES];

	if (unlinkat(s->rootfd, conf_path(path, name), 0) < 0 && errno != ENOENT)
		return error_errno(err, "remove '%s'", path);
	return 0;
}
