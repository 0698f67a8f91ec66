/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields - the Downward API.
 *
 * Theory of operation: pure questions to the plan of a pod, but for three that are put to the host:
 * its name, its address, its size. The host's address is the one from which it would speak to the
 * world: a datagram socket is connected, which sends nothing, and asked for its own address; where
 * no route leads out it is the pod's gateway, which is the host as well, or the loopback address.
 *
 * A container other than the one that asks is read from its record when it is named. Quantities are
 * whole numbers of bytes or thousandths of a core, so that division is exact and rounds up.
 *
 * Runs in podium-launch: the host half of a container, and in the sandbox before it gives up its
 * privileges.
 */
#include "engine/process/fields.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/quantity.h"
#include "engine/base/str.h"
#include "engine/pod/spec.h"
#include "engine/process/internal.h"
#include "engine/process/launch.h"

#define TEXT_MAX ((size_t)4 << 20)

/* ---- quoting ---------------------------------------------------------------------------- */

/* Characters that Kubernetes' quoting shows by their number: spaces other than ' ', what has no
 * shape, what nobody may assign. */
static bool is_hidden_character(uint32_t cp)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x80, 0xa0 },	      { 0xad, 0xad },	     { 0x600, 0x605 },	 { 0x61c, 0x61c },
		{ 0x6dd, 0x6dd },     { 0x70f, 0x70f },	     { 0x1680, 0x1680 }, { 0x180e, 0x180e },
		{ 0x2000, 0x200f },   { 0x2028, 0x202f },    { 0x205f, 0x206f }, { 0x3000, 0x3000 },
		{ 0xd800, 0xf8ff },   { 0xfeff, 0xfeff },    { 0xfff0, 0xfffb }, { 0xfffe, 0xffff },
		{ 0xe0000, 0xe00ff }, { 0xf0000, 0x10ffff },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (cp >= ranges[i].first && cp <= ranges[i].last)
			return true;
	return false;
}

static void add_control(struct buf *b, unsigned char c)
{
	static const char codes[] = "\a\b\f\n\r\t\v", letters[] = "abfnrtv";
	const char *p = c ? strchr(codes, c) : NULL;

	if (p)
		buf_printf(b, "\\%c", letters[p - codes]);
	else
		buf_printf(b, "\\x%02x", c);
}

/* "text" with its escapes: what Kubernetes writes for a map's value. */
static void add_quoted(struct buf *b, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t left = strlen(text);

	buf_addc(b, '"');
	while (left > 0) {
		uint32_t cp = 0;
		size_t n = str_utf8_at(p, left, &cp);

		if (n == 0 || *p < 0x20 || *p == 0x7f)
			add_control(b, *p);
		else if (*p == '"' || *p == '\\')
			buf_printf(b, "\\%c", *p);
		else if (is_hidden_character(cp))
			buf_printf(b, cp > 0xffff ? "\\U%08" PRIx32 : "\\u%04" PRIx32, cp);
		else
			buf_add(b, p, n);
		n = n ? n : 1;
		p += n;
		left -= n;
	}
	buf_addc(b, '"');
}

static int compare_pairs(const void *a, const void *b)
{
	return strcmp((*(const struct strpair *const *)a)->key,
		      (*(const struct strpair *const *)b)->key);
}

static char *format_map(const struct pairlist *map)
{
	cleanup_free const struct strpair **sorted = xcalloc(map->n + 1, sizeof(*sorted));
	cleanup_buf struct buf b = BUF_INIT(TEXT_MAX);

	for (size_t i = 0; i < map->n; i++)
		sorted[i] = &map->v[i];
	qsort(sorted, map->n, sizeof(*sorted), compare_pairs);
	for (size_t i = 0; i < map->n; i++) {
		buf_printf(&b, "%s%s=", i ? "\n" : "", sorted[i]->key);
		add_quoted(&b, sorted[i]->value ? sorted[i]->value : "");
	}
	return buf_steal(&b);
}

/* ---- the host --------------------------------------------------------------------------- */

static char *node_name(const struct pod_spec *pod)
{
	struct utsname u;

	if (!is_empty(pod->node_name))
		return xstrdup(pod->node_name);
	return xstrdup(uname(&u) == 0 ? u.nodename : "localhost");
}

/* The address of the host towards `far`, a documentation address that nothing is sent to. */
static char *own_address(int family)
{
	struct sockaddr_in far4 = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct sockaddr_in6 far6 = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	bool is_4 = family == AF_INET;
	struct sockaddr_storage own;
	socklen_t len = sizeof(own);
	char text[INET6_ADDRSTRLEN];
	cleanup_close int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const struct sockaddr *far =
		is_4 ? (const struct sockaddr *)&far4 : (const struct sockaddr *)&far6;
	const void *address = is_4 ? (const void *)&((struct sockaddr_in *)&own)->sin_addr
				   : (const void *)&((struct sockaddr_in6 *)&own)->sin6_addr;

	(void)inet_pton(AF_INET, "192.0.2.1", &far4.sin_addr);
	(void)inet_pton(AF_INET6, "2001:db8::1", &far6.sin6_addr);
	if (fd < 0 || connect(fd, far, is_4 ? sizeof(far4) : sizeof(far6)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&own, &len) < 0 ||
	    !inet_ntop(family, address, text, sizeof(text)))
		return NULL;
	return xstrdup(text);
}

/* The first, or both with a ',' between them. */
static char *join_addresses(const char *v4, const char *v6, bool all)
{
	if (is_empty(v4) || is_empty(v6))
		return xstrdup(!is_empty(v4) ? v4 : (v6 ? v6 : ""));
	return all ? xasprintf("%s,%s", v4, v6) : xstrdup(v4);
}

static char *host_addresses(const struct field_context *c, bool all)
{
	cleanup_free char *v4 = own_address(AF_INET);
	cleanup_free char *v6 = own_address(AF_INET6);

	if (!v4 && !v6 && c->sandbox &&
	    (!is_empty(c->sandbox->gateway4) || !is_empty(c->sandbox->gateway6)))
		return join_addresses(c->sandbox->gateway4, c->sandbox->gateway6, all);
	if (!v4 && !v6)
		v4 = xstrdup("127.0.0.1");
	return join_addresses(v4, v6, all);
}

static char *pod_addresses(const struct field_context *c, bool all)
{
	if (c->pod->network == NETWORK_HOST)
		return host_addresses(c, all);
	if (!c->sandbox)
		return xstrdup("");
	return join_addresses(c->sandbox->address4, c->sandbox->address6, all);
}

/* ---- fields ----------------------------------------------------------------------------- */

/* metadata.labels['KEY']: the KEY, or NULL. */
static char *subscript_of(const char *path, const char *name)
{
	size_t n = strlen(name), len = strlen(path);

	if (len < n + 4 || !is_prefix(path, name) || !is_prefix(path + n, "['") ||
	    !is_suffix(path, "']"))
		return NULL;
	return xstrndup(path + n + 2, len - n - 4);
}

/* NULL when path is not of this map. */
static char *resolve_map(const char *path, const char *name, const struct pairlist *map)
{
	cleanup_free char *key = NULL;
	const char *value;

	if (strcmp(path, name) == 0)
		return format_map(map);
	key = subscript_of(path, name);
	value = key ? pairlist_get(map, key) : NULL;
	return key ? xstrdup(value ? value : "") : NULL;
}

static char *resolve_plain(const struct field_context *c, const char *path)
{
	const struct pod_spec *pod = c->pod;

	if (strcmp(path, "metadata.name") == 0)
		return xstrdup(pod->name ? pod->name : "");
	if (strcmp(path, "metadata.namespace") == 0)
		return xstrdup(namespace_of(pod->namespace_));
	if (strcmp(path, "metadata.uid") == 0)
		return pod_uid(pod->id);
	if (strcmp(path, "spec.nodeName") == 0)
		return node_name(pod);
	if (strcmp(path, "spec.serviceAccountName") == 0)
		return xstrdup(is_empty(pod->service_account) ? "default" : pod->service_account);
	if (strcmp(path, "status.hostIP") == 0 || strcmp(path, "status.hostIPs") == 0)
		return host_addresses(c, is_suffix(path, "s"));
	if (strcmp(path, "status.podIP") == 0 || strcmp(path, "status.podIPs") == 0)
		return pod_addresses(c, is_suffix(path, "s"));
	return NULL;
}

int field_resolve(const struct field_context *c, const char *path, char **ret, struct error *err)
{
	char *value = path ? resolve_map(path, "metadata.labels", &c->pod->labels) : NULL;

	if (!value && path)
		value = resolve_map(path, "metadata.annotations", &c->pod->annotations);
	if (!value && path)
		value = resolve_plain(c, path);
	if (!value)
		return error_set(err, EINVAL, "there is no field '%.100s'", path ? path : "");
	*ret = value;
	return 0;
}

/* ---- resources -------------------------------------------------------------------------- */

/* Host totals, for limits that nobody has set. */
static int64_t host_total(const struct field_context *c, const char *name)
{
	struct sysinfo si;
	struct statvfs vfs;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (strcmp(name, "cpu") == 0)
		return cpus > 0 ? cpus * 1000 : 1000;
	if (strcmp(name, "memory") == 0)
		return sysinfo(&si) == 0 ? (int64_t)si.totalram * si.mem_unit : 0;
	if (strcmp(name, "ephemeral-storage") == 0 && c->store &&
	    fstatvfs(c->store->rootfd, &vfs) == 0)
		return (int64_t)(vfs.f_blocks * vfs.f_frsize);
	return 0;
}

/* What is written of a resource: thousandths of a core, or units. 0: nothing. */
static int written_amount(const struct resources *r, const char *name, bool is_limit, int64_t *ret,
			  struct error *err)
{
	const struct opt_i64 *cpu = is_limit ? &r->cpu_limit_milli : &r->cpu_request_milli;
	const struct opt_i64 *memory = is_limit ? &r->memory_limit_bytes : &r->memory_request_bytes;
	const char *text = pairlist_get(is_limit ? &r->other_limits : &r->other_requests, name);
	struct quantity q;
	int rc;

	*ret = 0;
	if (strcmp(name, "cpu") == 0)
		*ret = cpu->set ? cpu->value : 0;
	else if (strcmp(name, "memory") == 0)
		*ret = memory->set ? memory->value : 0;
	if (!text)
		return 0;
	rc = quantity_parse(text, &q, err);
	return rc < 0 ? rc : quantity_units(&q, ret, err);
}

static int parse_divisor(const char *text, bool is_cpu, int64_t *ret, struct error *err)
{
	struct quantity q;
	int r = 0;

	*ret = 0;
	if (!is_empty(text))
		r = quantity_parse(text, &q, err);
	if (r == 0 && !is_empty(text))
		r = is_cpu ? quantity_milli(&q, ret, err) : quantity_units(&q, ret, err);
	if (r < 0)
		return error_wrap(err, "divisor '%.64s'", text);
	if (*ret < 0)
		return error_set(err, EINVAL, "divisor '%.64s' is negative", text);
	if (*ret == 0)
		*ret = is_cpu ? 1000 : 1;
	return 0;
}

static int resolve_amount(const struct field_context *c, const struct container_spec *spec,
			  const char *resource, int64_t *ret, struct error *err)
{
	bool is_limit = is_prefix(resource, "limits.");
	const char *name = strchr(resource, '.');
	int r;

	if (!name || !name[1] || (!is_limit && !is_prefix(resource, "requests.")))
		return error_set(err, EINVAL, "there is no resource '%.100s'", resource);
	name++;
	r = written_amount(&spec->resources, name, is_limit, ret, err);
	/* A request that nobody has made is the limit, as the API server has it. */
	if (r == 0 && *ret == 0 && !is_limit)
		return written_amount(&spec->resources, name, true, ret, err);
	if (r < 0 || *ret)
		return r;
	r = written_amount(&c->pod->resources, name, is_limit, ret, err);
	if (r == 0 && *ret == 0)
		*ret = host_total(c, name);
	return r;
}

/* The record of another container of the pod. */
static int read_container(const struct field_context *c, const char *name,
			  struct container_spec *ret, struct error *err)
{
	char path[LAYOUT_PATH_MAX];

	for (size_t i = 0; c->store && i < c->pod->containers.n; i++) {
		const struct container_ref *ref = &c->pod->containers.v[i];
		cleanup_json json_t *j = NULL;
		int r;

		if (!is_equal(ref->name, name) || !is_id(ref->id))
			continue;
		r = jload_file(c->store->rootfd, layout_container(path, ref->id, "spec.json"),
			       RECORD_MAX_BYTES, &j, err);
		return r < 0 ? r : record_load(&container_spec_type, j, ret, err);
	}
	return error_set(err, ENOENT, "there is no container '%.100s' in the pod",
			 name ? name : "");
}

static int ask_container(const struct field_context *c, const struct container_spec *spec,
			 const char *resource, int64_t divisor, char **ret, struct error *err)
{
	int64_t amount = 0;
	int r = resolve_amount(c, spec, resource, &amount, err);

	if (r == 0)
		*ret = xasprintf("%" PRId64, amount / divisor + (amount % divisor > 0));
	return r;
}

int resource_resolve(const struct field_context *c, const char *resource, const char *container,
		     const char *divisor, char **ret, struct error *err)
{
	struct container_spec other;
	int64_t unit = 1;
	int r;

	if (!resource)
		return error_set(err, EINVAL, "no resource is named");
	r = parse_divisor(divisor, is_suffix(resource, ".cpu"), &unit, err);
	if (r < 0)
		return r;
	if (c->container && (is_empty(container) || is_equal(container, c->container->name)))
		return ask_container(c, c->container, resource, unit, ret, err);
	r = read_container(c, container, &other, err);
	if (r < 0)
		return r;
	r = ask_container(c, &other, resource, unit, ret, err);
	record_done(&container_spec_type, &other);
	return r;
}
