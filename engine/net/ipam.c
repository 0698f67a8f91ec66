/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipam - leases.
 *
 * Theory of operation: a lease is a file named by the address and made with O_EXCL, holding its
 * pod's id; what a person sees with ls is the truth. The next address is handed out, not the lowest
 * free one: an address rests as long as possible before somebody else gets it, so neighbour tables,
 * flows and dying namespaces that still mean the pod before do no harm. A pod's IPv6 address has
 * the offset of its IPv4 address.
 *
 * A record for each pod beside the leases keeps removal flat: without it, ending a pod would read
 * every lease. It is written after the leases; if a crash comes between, there is no record, and
 * removal does read them all. Records also hold the ports, from which the nft table can be filled
 * again when another program has flushed it.
 *
 * Everything lies below RUNROOT: a reboot ends all leases, as it ends all namespaces.
 * Limits: LEASE_MAX bytes of a lease, RECORD_MAX of a record; the last two addresses of a subnet
 * are not used.
 */
#include "engine/net/ipam.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/net/netnames.h"
#include "engine/pod/spec.h"

#define LEASE_MAX  128
#define RECORD_MAX 262144
#define PATH_BYTES 128

void ipam_attachment_done(struct ipam_attachment *a)
{
	for (size_t i = 0; i < a->n_ports; i++)
		free((char *)(uintptr_t)a->ports[i].host_ip);
	free(a->ports);
	free(a->hostname);
	*a = (struct ipam_attachment){ 0 };
}

int ipam_open(int runfd, const char *network, struct error *err)
{
	char path[PATH_BYTES];
	int fd;

	(void)snprintf(path, sizeof(path), "net/%s", network);
	fd = openat(runfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0)
		return fd;
	if (errno != ENOENT)
		return error_errno(err, "open directory '%s'", path);
	fd = fs_mkdirs(runfd, path, 0700, err);
	if (fd < 0)
		return fd;
	if ((mkdirat(fd, "leases", 0700) < 0 && errno != EEXIST) ||
	    (mkdirat(fd, "pods", 0700) < 0 && errno != EEXIST)) {
		error_errno(err, "create directories in '%s'", path);
		(void)close(fd);
		return -err->code;
	}
	return fd;
}

/* ---- leases ----------------------------------------------------------------------------- */

static const char *lease_path(char out[PATH_BYTES], const char *address)
{
	(void)snprintf(out, PATH_BYTES, "leases/%s", address);
	return out;
}

/* -EEXIST without a message when it is taken. */
static int lease_take(int dirfd, const struct ip_addr *a, const char *pod_id, struct error *err)
{
	char path[PATH_BYTES], text[IP_TEXT_MAX], line[LEASE_MAX];
	int r, n = snprintf(line, sizeof(line), "%s\n", pod_id);
	cleanup_close int fd = openat(dirfd, lease_path(path, ip_format(a, text)),
				      O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 && errno == EEXIST)
		return -EEXIST;
	if (fd < 0)
		return error_errno(err, "lease address '%s'", text);
	r = fs_write_all(fd, line, (size_t)n);
	if (r < 0) {
		(void)unlinkat(dirfd, path, 0);
		return error_set(err, -r, "lease address '%s': %s", text, strerror(-r));
	}
	return 0;
}

/* Reads a small file of one line; an unreadable one is empty. */
static void read_line(int dirfd, const char *path, char *out, size_t size)
{
	cleanup_close int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);

	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

static uint32_t last_offset(int dirfd)
{
	char line[24];
	uint64_t v = 0;

	read_line(dirfd, "last", line, sizeof(line));
	if (parse_u64(line, UINT32_MAX, &v) < 0)
		v = 0;
	return (uint32_t)v;
}

int ipam_set_last(int dirfd, uint32_t offset, struct error *err)
{
	cleanup_close int fd =
		openat(dirfd, "last", O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	char line[24];
	int n = snprintf(line, sizeof(line), "%-10u\n", offset);

	line[strcspn(line, " ")] = '\n';
	if (fd < 0 || pwrite(fd, line, (size_t)n, 0) != n)
		return error_errno(err, "write 'last'");
	return 0;
}

void ipam_pool_whole(struct ipam_pool *p, const struct ip_prefix *subnet)
{
	unsigned int bits = (unsigned int)(8 * ip_len(subnet->addr.family)) - subnet->bits;

	*p = (struct ipam_pool){ .subnet = *subnet, .first = IPAM_FIRST_OFFSET };
	p->gateway = ip_prefix_at(subnet, 1);
	p->last = bits >= 32 ? UINT32_MAX - 2 : (1u << bits) - 2;
	if (subnet->addr.family == AF_INET && bits >= 2)
		p->last--; /* the last two are not used */
}

static bool has_pool(const struct ipam_pool *p)
{
	return p && p->subnet.addr.family != AF_UNSPEC;
}

/* One given address. */
static int lease_wanted(int dirfd, const struct ipam_pool *p, const char *pod_id,
			struct ip_addr *ret, struct error *err)
{
	struct ip_prefix one = { .addr = p->wanted, .bits = p->subnet.bits };
	char text[IP_TEXT_MAX], net[IP_TEXT_MAX + 4];
	int r;

	(void)ip_format(&p->wanted, text);
	if (!is_ip_prefix_overlapping(&one, &p->subnet))
		return error_set(err, ERANGE, "requested static ip %s not in subnet %s", text,
				 ip_prefix_format(&p->subnet, net));
	if (is_ip_equal(&p->wanted, &p->gateway))
		return error_set(err, EADDRINUSE, "requested ip address %s is the gateway's", text);
	r = lease_take(dirfd, &p->wanted, pod_id, err);
	if (r == -EEXIST)
		return error_set(err, EADDRINUSE, "requested ip address %s is already allocated",
				 text);
	*ret = p->wanted;
	return r;
}

/* -EEXIST without a message: not this one. */
static int lease_at(int dirfd, const struct ipam_pool *p, uint32_t offset, const char *pod_id,
		    struct ip_addr *ret, struct error *err)
{
	*ret = ip_prefix_at(&p->subnet, offset);
	if (is_ip_equal(ret, &p->gateway))
		return -EEXIST;
	return lease_take(dirfd, ret, pod_id, err);
}

/* The next free offset of a pool after *offset, which moves; with `also`, one that is free in both. */
static int lease_next(int dirfd, const struct ipam_pool *p, const struct ipam_pool *also,
		      const char *pod_id, uint32_t *offset, struct ip_addr *ret, struct error *err)
{
	uint64_t n = p->last < p->first ? 0 : (uint64_t)p->last - p->first + 1;
	char text[IP_TEXT_MAX + 4], path[PATH_BYTES];

	for (uint64_t tries = 0; tries < n; tries++) {
		int r;

		*offset = *offset < p->first || *offset >= p->last ? p->first : *offset + 1;
		r = lease_at(dirfd, p, *offset, pod_id, ret, err);
		if (r == 0 && also) {
			r = lease_at(dirfd, also, *offset, pod_id, ret + 1, err);
			if (r < 0)
				(void)unlinkat(dirfd, lease_path(path, ip_format(ret, text)), 0);
		}
		if (r != -EEXIST)
			return r;
	}
	return error_set(err, ENOSPC, "subnet '%s' has no free address",
			 ip_prefix_format(&p->subnet, text));
}

static int lease_one(int dirfd, const struct ipam_pool *p, const char *pod_id, uint32_t *offset,
		     struct ip_addr *ret, struct error *err)
{
	if (p->wanted.family != AF_UNSPEC)
		return lease_wanted(dirfd, p, pod_id, ret, err);
	return lease_next(dirfd, p, NULL, pod_id, offset, ret, err);
}

static bool is_pair(const struct ipam_pool *four, const struct ipam_pool *six)
{
	return has_pool(four) && has_pool(six) && four->wanted.family == AF_UNSPEC &&
	       six->wanted.family == AF_UNSPEC && six->first <= four->first &&
	       six->last >= four->last;
}

int ipam_lease(int dirfd, const struct ipam_pool *four, const struct ipam_pool *six,
	       const char *pod_id, struct ipam_attachment *a, struct error *err)
{
	uint32_t offset = last_offset(dirfd), before = offset;
	char path[PATH_BYTES], text[IP_TEXT_MAX];
	struct ip_addr pair[2] = { 0 };
	int r = 0;

	if (is_pair(four, six)) {
		r = lease_next(dirfd, four, six, pod_id, &offset, pair, err);
	} else {
		if (has_pool(four))
			r = lease_one(dirfd, four, pod_id, &offset, &pair[0], err);
		if (r == 0 && has_pool(six)) {
			r = lease_one(dirfd, six, pod_id, &offset, &pair[1], err);
			if (r < 0 && has_pool(four))
				(void)unlinkat(dirfd, lease_path(path, ip_format(&pair[0], text)),
					       0);
		}
	}
	if (r < 0)
		return r;
	a->addr4 = pair[0];
	a->addr6 = pair[1];
	return offset == before ? 0 : ipam_set_last(dirfd, offset, err);
}

int ipam_release(int dirfd, const char *address, const char *pod_id, struct error *err)
{
	char path[PATH_BYTES], owner[LEASE_MAX];

	read_line(dirfd, lease_path(path, address), owner, sizeof(owner));
	if (*owner && strcmp(owner, pod_id) != 0)
		return 0;
	if (unlinkat(dirfd, path, 0) < 0 && errno != ENOENT)
		return error_errno(err, "release address '%s'", address);
	return 0;
}

/* ---- records ---------------------------------------------------------------------------- */

static const char *record_path(char out[PATH_BYTES], const char *pod_id)
{
	(void)snprintf(out, PATH_BYTES, "pods/%s", pod_id);
	return out;
}

static json_t *port_dump(const struct net_port *p)
{
	json_t *j = json_pack("{s:s, s:i, s:i}", "protocol", port_protocol_str(p->protocol),
			      "hostPort", p->host_port, "containerPort", p->container_port);

	if (!is_empty(p->host_ip))
		(void)json_object_set_new(j, "hostIP", json_string(p->host_ip));
	return j;
}

int ipam_announce(int dirfd, const char *pod_id, struct error *err)
{
	char path[PATH_BYTES];
	cleanup_close int fd = openat(dirfd, record_path(path, pod_id),
				      O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 ? error_errno(err, "make '%s'", path) : 0;
}

bool is_ipam_known(int dirfd, const char *pod_id)
{
	char path[PATH_BYTES];

	return faccessat(dirfd, record_path(path, pod_id), F_OK, 0) == 0;
}

int ipam_record(int dirfd, const char *pod_id, const struct ipam_attachment *a, struct error *err)
{
	char path[PATH_BYTES], text[IP_TEXT_MAX];
	cleanup_json json_t *j = json_object();
	char mac[2 * sizeof(a->mac) + 1];
	json_t *ports = json_array();
	cleanup_free char *out = NULL;

	if (a->addr4.family != AF_UNSPEC)
		(void)json_object_set_new(j, "address4", json_string(ip_format(&a->addr4, text)));
	if (a->addr6.family != AF_UNSPEC)
		(void)json_object_set_new(j, "address6", json_string(ip_format(&a->addr6, text)));
	if (a->hostname)
		(void)json_object_set_new(j, "hostname", json_string(a->hostname));
	hex_encode(mac, a->mac, sizeof(a->mac));
	(void)json_object_set_new(j, "mac", json_string(mac));
	(void)json_object_set_new(j, "interface", json_string(a->interface));
	for (size_t i = 0; i < a->n_ports; i++)
		(void)json_array_append_new(ports, port_dump(&a->ports[i]));
	(void)json_object_set_new(j, "ports", ports);
	out = jdump_text(j, 0);
	return fs_write_atomic(dirfd, record_path(path, pod_id), out, strlen(out), 0600, FS_NOSYNC,
			       err);
}

static int protocol_parse(const char *name)
{
	for (int i = 0; i < PORT__COUNT; i++)
		if (is_equal(name, port_protocol_str(i)))
			return i;
	return -EINVAL;
}

/* Ports that do not read are left out: they only serve to fill a flushed table again. */
static void ports_load(const json_t *list, struct ipam_attachment *a)
{
	size_t n = json_array_size(list), i;
	json_t *j;

	a->ports = n ? xcalloc(n, sizeof(*a->ports)) : NULL;
	json_array_foreach (list, i, j) {
		struct net_port p = {
			.protocol = protocol_parse(jget_str(j, "protocol")),
			.host_port = (uint16_t)jget_int(j, "hostPort", 0),
			.container_port = (uint16_t)jget_int(j, "containerPort", 0),
		};

		if (p.protocol < 0 || p.host_port == 0)
			continue;
		p.host_ip = xstrdup_or_null(jget_str(j, "hostIP"));
		a->ports[a->n_ports++] = p;
	}
}

static void name_load(const char *text, char out[16])
{
	if (text && is_device_name(text))
		(void)snprintf(out, 16, "%.15s", text);
}

static void mac_load(const char *text, uint8_t out[6])
{
	unsigned int v[6];

	if (text &&
	    sscanf(text, "%2x%2x%2x%2x%2x%2x", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5]) == 6)
		for (size_t i = 0; i < 6; i++)
			out[i] = (uint8_t)v[i];
}

int ipam_lookup(int dirfd, const char *pod_id, struct ipam_attachment *ret, struct error *err)
{
	cleanup_json json_t *j = NULL;
	char path[PATH_BYTES];
	struct ipam_attachment a = { 0 };
	const char *four, *six;
	struct error scratch;
	int r = jload_file(dirfd, record_path(path, pod_id), RECORD_MAX, &j, &scratch);

	if (r == -ENOENT || r == -EBADMSG || r == -EINVAL)
		return -ENOENT;
	if (r < 0) {
		*err = scratch;
		return r;
	}
	four = jget_str(j, "address4");
	six = jget_str(j, "address6");
	if ((!four && !six) || (four && ip_parse(four, &a.addr4) < 0) ||
	    (six && ip_parse(six, &a.addr6) < 0))
		return -ENOENT;
	mac_load(jget_str(j, "mac"), a.mac);
	name_load(jget_str(j, "interface"), a.interface);
	a.hostname = xstrdup_or_null(jget_str(j, "hostname"));
	ports_load(json_object_get(j, "ports"), &a);
	*ret = a;
	return 0;
}

int ipam_forget(int dirfd, const char *pod_id, struct error *err)
{
	char path[PATH_BYTES];

	if (unlinkat(dirfd, record_path(path, pod_id), 0) < 0 && errno != ENOENT)
		return error_errno(err, "remove '%s'", path);
	return 0;
}

/* ---- listing ---------------------------------------------------------------------------- */

static int names_in(int dirfd, const char *folder, struct strlist *ret, struct error *err)
{
	int fd = openat(dirfd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!d && errno == ENOENT)
		return 0; /* a killed removal of the network has come so far */
	if (!d) {
		error_errno(err, "list '%s'", folder);
		if (fd >= 0)
			(void)close(fd);
		return -err->code;
	}
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			strlist_add(ret, e->d_name);
	return 0;
}

int ipam_find(int dirfd, const char *pod_id, struct strlist *ret, struct error *err)
{
	cleanup_strlist struct strlist names = { 0 };
	char path[PATH_BYTES], owner[LEASE_MAX];
	int r = names_in(dirfd, "leases", &names, err);

	for (size_t i = 0; i < names.n && r == 0; i++) {
		read_line(dirfd, lease_path(path, names.v[i]), owner, sizeof(owner));
		if (strcmp(owner, pod_id) == 0)
			strlist_add(ret, names.v[i]);
	}
	return r;
}

int ipam_pods(int dirfd, struct strlist *ret, struct error *err)
{
	cleanup_strlist struct strlist leases = { 0 };
	char path[PATH_BYTES], owner[LEASE_MAX];
	int r = names_in(dirfd, "pods", ret, err);

	if (r == 0)
		r = names_in(dirfd, "leases", &leases, err);
	for (size_t i = 0; i < leases.n && r == 0; i++) {
		read_line(dirfd, lease_path(path, leases.v[i]), owner, sizeof(owner));
		if (!is_id(owner))
			(void)unlinkat(dirfd, path, 0);
		else if (!strlist_has(ret, owner))
			strlist_add(ret, owner);
	}
	return r;
}
