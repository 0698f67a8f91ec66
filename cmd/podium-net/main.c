/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podium-net - the conductor's hands on the network.
 *
 *	podium-net up|down|reload ROOT RUNROOT POD-ID
 *	podium-net connect|disconnect ROOT RUNROOT POD-ID NETWORK
 *	podium-net create|default|reset ROOT RUNROOT -
 *	podium-net remove ROOT RUNROOT NETWORK
 *
 * Theory of operation: the conductor is static and has no netlink, and neither has podium: this
 * program alone is loaded together with libmnl. It is started by a conductor or a command, never by a
 * person,
 * and gives one answer on descriptor 3 (engine/process/sync.h): READY or ERROR. "up" connects the
 * sandbox's namespace, writes the addresses into sandbox.json and the pod's hosts, resolv.conf and
 * hostname files; "down" withdraws ports and leases from the records alone. The answer of "down" is
 * sent before the nf_tables socket is closed, since the kernel lets that wait for 8 ms.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/lock.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/seams.h"
#include "engine/net/net.h"
#include "engine/net/netcheck.h"
#include "engine/net/netconf.h"
#include "engine/net/netmake.h"
#include "engine/net/resolver.h"
#include "engine/pod/lookup.h"
#include "engine/process/launch.h"
#include "engine/process/sandbox.h"
#include "engine/process/sync.h"

#define EXIT_OURS	  125
#define SANDBOX_FILE	  "sandbox.json"
#define SANDBOX_MAX_BYTES 65536
#define REQUEST_MAX_BYTES 65536

struct network_job {
	const struct store *store;
	struct pod_spec pod;
	struct container_spec *specs;
	struct net_port *ports;
	size_t n_ports;
	struct sandbox_record sandbox;
};

static int read_job(struct network_job *j, const char *pod_id, struct error *err)
{
	struct port_list all;
	int r = lookup_read_pod(j->store, pod_id, &j->pod, err);

	if (r < 0)
		return r;
	j->specs = xcalloc(j->pod.containers.n, sizeof(*j->specs));
	for (size_t i = 0; i < j->pod.containers.n && r == 0; i++)
		r = lookup_read_container(j->store, j->pod.containers.v[i].id, &j->specs[i], err);
	if (r < 0)
		return r;
	pod_published_ports(&j->pod, j->specs, j->pod.containers.n, &all);
	j->ports = xcalloc(all.n + 1, sizeof(*j->ports));
	for (j->n_ports = 0; j->n_ports < all.n; j->n_ports++) {
		const struct port_spec *p = &all.v[j->n_ports];

		j->ports[j->n_ports] = (struct net_port){
			.host_port = p->host_port,
			.container_port = p->container_port,
			.protocol = p->protocol,
			.host_ip = p->host_ip,
		};
	}
	free(all.v);
	return 0;
}

/* The conductor says when the sandbox is there; it is gone when there will be none. */
static int await_sandbox(struct network_job *j, const char *pod_id, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_json json_t *doc = NULL;
	struct sync_msg msg;
	int fd = -EBADF;
	int r = sync_receive(SYNC_FD, &msg, &fd, err);

	if (fd >= 0)
		(void)close(fd);
	if (r == 0 || (r > 0 && msg.step != SYNC_GO))
		r = error_set(err, ECANCELED, "not told to go");
	if (r > 0)
		r = jload_file(j->store->runfd, layout_pod(path, pod_id, SANDBOX_FILE),
			       SANDBOX_MAX_BYTES, &doc, err);
	return r < 0 ? r : record_load(&sandbox_record_type, doc, &j->sandbox, err);
}

static void job_done(struct network_job *j)
{
	for (size_t i = 0; j->specs && i < j->pod.containers.n; i++)
		record_done(&container_spec_type, &j->specs[i]);
	free(j->specs);
	free(j->ports);
	record_done(&pod_spec_type, &j->pod);
	record_done(&sandbox_record_type, &j->sandbox);
}

/* The sandbox's network namespace, of the very pause that the record names. */
static int open_netns(const struct network_job *j, struct error *err)
{
	struct proc_ident ident = { .pid = (pid_t)j->sandbox.pid,
				    .start_ticks = (uint64_t)j->sandbox.start_ticks };
	cleanup_close int pidfd = -EBADF;
	char path[64];
	int fd;

	(void)snprintf(ident.boot_id, sizeof(ident.boot_id), "%s",
		       j->sandbox.boot_id ? j->sandbox.boot_id : "");
	pidfd = proc_open_ident(&ident, err);
	if (pidfd == -ESRCH)
		return error_set(err, ESRCH, "sandbox has ended");
	if (pidfd < 0)
		return pidfd;
	(void)snprintf(path, sizeof(path), "/proc/%u/ns/net", j->sandbox.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "network namespace of the sandbox");
	if (!is_pidfd_alive(pidfd)) {
		(void)close(fd);
		return error_set(err, ESRCH, "sandbox has ended");
	}
	return fd;
}

/* With a dot it might be the name of somebody else outside: then it is asked for in our domain alone. */
static void add_own_name(struct strlist *names, const char *name)
{
	if (strchr(name, '.') && !WEAKEN("NET-dots"))
		strlist_addf(names, "%s." RESOLVER_DOMAIN, name);
	else
		strlist_add(names, name);
}

/* What the pod is called in networks with names: itself, the host name that it was given, its containers
 * by the names that no others have. A member's short name may be another container's own. */
static void collect_names(struct network_job *j, struct strlist *names)
{
	char host[POD_HOSTNAME_MAX];

	pod_short_hostname(&j->pod, host);
	add_own_name(names, j->pod.name);
	if (!is_empty(j->pod.hostname) || !is_empty(j->pod.hostname_override))
		strlist_add(names, host);
	for (size_t i = 0; i < j->pod.containers.n; i++) {
		const struct container_spec *c = &j->specs[i];

		if (c->full_name)
			add_own_name(names, c->full_name);
		if (c->name && j->pod.solo)
			add_own_name(names, c->name);
		if (c->id)
			strlist_addf(names, "%.12s", c->id);
	}
}

static void set_text(char **to, const char *text)
{
	free(*to);
	*to = *text ? xstrdup(text) : NULL;
}

/* The first address of each family is the pod's; the gateway is where its default route goes. */
static void set_addresses(struct sandbox_record *sb, const struct net_result *res, size_t n)
{
	char *const none[] = { sb->address4, sb->address6, sb->gateway4, sb->gateway6 };

	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		free(none[i]);
	sb->address4 = sb->address6 = sb->gateway4 = sb->gateway6 = NULL;
	strlist_done(&sb->more_addresses);
	strlist_done(&sb->resolvers);
	for (size_t i = 0; i < n; i++) {
		const char *const mine[] = { res[i].address4, res[i].address6 };
		char **const to[] = { &sb->address4, &sb->address6 };

		for (size_t k = 0; k < 2; k++)
			if (*mine[k] && *to[k])
				strlist_add(&sb->more_addresses, mine[k]);
			else if (*mine[k])
				set_text(to[k], mine[k]);
		if (!sb->gateway4 && !res[i].is_internal)
			set_text(&sb->gateway4, res[i].gateway4);
		if (!sb->gateway6 && !res[i].is_internal)
			set_text(&sb->gateway6, res[i].gateway6);
		if (res[i].has_dns)
			strlist_add(&sb->resolvers,
				    *res[i].gateway4 ? res[i].gateway4 : res[i].gateway6);
	}
}

static void fill_request(struct network_job *j, struct strlist *names, int netns,
			 struct net_request *req)
{
	collect_names(j, names);
	*req = (struct net_request){ .pod_id = j->pod.id,
				     .networks = &j->pod.networks,
				     .netns_fd = netns,
				     .ports = j->ports,
				     .n_ports = j->n_ports,
				     .names = names,
				     .hostname = j->pod.name };
}

static int connect_bridge(struct network_job *j, struct error *err)
{
	cleanup_close int netns = open_netns(j, err);
	cleanup_strlist struct strlist names = { 0 };
	size_t n = j->pod.networks.n ? j->pod.networks.n : 1;
	cleanup_free struct net_result *res = xcalloc(n, sizeof(*res));
	struct net_request req;
	int r;

	if (netns < 0)
		return netns;
	fill_request(j, &names, netns, &req);
	r = net_up(j->store, &req, res, err);
	if (r == 0)
		set_addresses(&j->sandbox, res, n);
	return r;
}

static int write_sandbox(const struct network_job *j, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_json json_t *doc = record_dump(&sandbox_record_type, &j->sandbox);
	cleanup_free char *text = jdump_text(doc, 0);

	return fs_write_atomic(j->store->runfd, layout_pod(path, j->pod.id, SANDBOX_FILE), text,
			       strlen(text), 0600, FS_NOSYNC, err);
}

static int go_up(const struct store *s, const char *pod_id, struct error *err)
{
	struct network_job j = { .store = s };
	int r = read_job(&j, pod_id, err);

	if (r == 0)
		r = await_sandbox(&j, pod_id, err);
	if (r == 0 && j.pod.network == NETWORK_BRIDGE)
		r = connect_bridge(&j, err);
	STOP_AT("net:connected");
	if (r == 0)
		r = sandbox_write_etc(&j.pod, &j.sandbox, err);
	/* Last: a record with addresses says that all of it is done. */
	if (r == 0)
		r = write_sandbox(&j, err);
	job_done(&j);
	return r;
}

/* ---- a pod that lives ------------------------------------------------------------------- */

/* 0: it has no sandbox now, so only records change. */
static int read_sandbox(struct network_job *j, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_json json_t *doc = NULL;
	struct error scratch;
	int r = jload_file(j->store->runfd, layout_pod(path, j->pod.id, SANDBOX_FILE),
			   SANDBOX_MAX_BYTES, &doc, &scratch);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		*err = scratch;
	else
		r = record_load(&sandbox_record_type, doc, &j->sandbox, err);
	return r < 0 ? r : 1;
}

/* Addresses and files of the pod as they are now. */
static int tell_sandbox(struct network_job *j, struct error *err)
{
	cleanup_free struct net_result *res = NULL;
	size_t n = 0;
	int r = j->pod.unplugged
			? 0
			: net_lookup_all(j->store, &j->pod.networks, j->pod.id, &res, &n, err);

	if (r < 0)
		return r;
	set_addresses(&j->sandbox, res, n);
	r = sandbox_write_etc(&j->pod, &j->sandbox, err);
	return r < 0 ? r : write_sandbox(j, err);
}

static int change_pod(struct network_job *j, const char *verb, const char *network, int netns,
		      struct error *err)
{
	cleanup_strlist struct strlist names = { 0 };
	struct net_request req;

	fill_request(j, &names, netns, &req);
	if (strcmp(verb, "connect") == 0)
		return net_connect(j->store, &req, err);
	if (strcmp(verb, "disconnect") == 0)
		return net_disconnect(j->store, &req, network, err);
	return net_reload(j->store, &req, err);
}

/* connect, disconnect, reload: the pod's record says already what is to be. */
static int go_change(const struct store *s, const char *verb, const char *pod_id,
		     const char *network, struct error *err)
{
	struct network_job j = { .store = s };
	cleanup_close int netns = -EBADF;
	struct error scratch; /* a sandbox that has ended meanwhile: nothing inside to change */
	int r = read_job(&j, pod_id, err), live = 0;

	if (r == 0)
		live = read_sandbox(&j, err);
	if (live > 0) {
		netns = open_netns(&j, &scratch);
		live = netns >= 0;
	}
	if (live < 0)
		r = live;
	if (r == 0 && (live > 0 || strcmp(verb, "disconnect") == 0))
		r = change_pod(&j, verb, network, netns, err);
	STOP_AT("net:changed");
	if (r == 0 && live > 0 && strcmp(verb, "reload") != 0)
		r = tell_sandbox(&j, err);
	job_done(&j);
	return r;
}

/* ---- networks --------------------------------------------------------------------------- */

/* The request is a record on stdin. The name that was chosen is written to stdout. */
static int go_create(const struct store *s, struct error *err)
{
	cleanup_network_conf struct network_conf c = { 0 };
	cleanup_json json_t *doc = NULL;
	cleanup_free char *text = xmalloc(REQUEST_MAX_BYTES);
	size_t len = 0;
	ssize_t n;
	int r;

	while (len < REQUEST_MAX_BYTES &&
	       (n = read(STDIN_FILENO, text + len, REQUEST_MAX_BYTES - len)) > 0)
		len += (size_t)n;
	r = jload_text(text, len, "request", &doc, err);
	if (r == 0)
		r = record_load(&network_conf_type, doc, &c, err);
	if (r == 0)
		r = net_create(s, &c, err);
	if (r == 0 && dprintf(STDOUT_FILENO, "%s\n", c.name) < 0)
		r = error_errno(err, "tell the name");
	return r;
}

static int tell_lines(const struct strlist *lines, struct error *err)
{
	for (size_t i = 0; i < lines->n; i++)
		if (dprintf(STDOUT_FILENO, "%s\n", lines->v[i]) < 0)
			return error_errno(err, "tell what there is");
	return 0;
}

/* Conducted, or its sandbox is there: a pod whose conductor was killed runs on. */
static bool is_pod_there(const char *pod_id, void *arg)
{
	const struct store *s = arg;
	struct network_job j = { .store = s };
	char path[LAYOUT_PATH_MAX];
	struct error scratch; /* what cannot be read is rather there than not */
	bool is_there = is_lock_held(s->rootfd, layout_pod(path, pod_id, "conductor.lock"));
	int r;

	if (is_there)
		return true;
	j.pod.id = xstrdup(pod_id);
	r = read_sandbox(&j, &scratch);
	if (r > 0) {
		int fd = open_netns(&j, &scratch);

		is_there = fd >= 0;
		if (fd >= 0)
			(void)close(fd);
	}
	job_done(&j);
	return is_there || r < 0;
}

static int go_check(const struct store *s, bool repair, struct error *err)
{
	cleanup_strlist struct strlist lines = { 0 };
	int r = net_check(s, is_pod_there, (void *)(uintptr_t)s, repair, &lines, err);

	return r < 0 ? r : tell_lines(&lines, err);
}

static int go_forward(struct error *err)
{
	cleanup_strlist struct strlist chains = { 0 };
	int r = net_list_forward_drops(&chains, err);

	return r < 0 ? r : tell_lines(&chains, err);
}

/* ---- main ------------------------------------------------------------------------------- */

static int go(const struct store *s, int argc, char **argv, int *linger, struct error *err)
{
	const char *verb = argv[1], *what = argv[4];

	if (strcmp(verb, "create") == 0)
		return go_create(s, err);
	if (strcmp(verb, "default") == 0)
		return net_choose_default(s, err);
	if (strcmp(verb, "reset") == 0)
		return net_reset(s, err);
	if (strcmp(verb, "forward") == 0)
		return go_forward(err);
	if (strcmp(verb, "check") == 0 || strcmp(verb, "repair") == 0)
		return go_check(s, *verb == 'r', err);
	if (strcmp(verb, "remove") == 0)
		return net_remove(s, what, is_pod_there, (void *)(uintptr_t)s, err);
	if (!is_id(what))
		return error_set(err, EINVAL, "'%s' is no pod's id", what);
	if (strcmp(verb, "up") == 0)
		return go_up(s, what, err);
	if (strcmp(verb, "down") == 0)
		return net_down_lingering(s, what, linger, err);
	if (strcmp(verb, "reload") == 0 ||
	    (argc == 6 && (strcmp(verb, "connect") == 0 || strcmp(verb, "disconnect") == 0)))
		return go_change(s, verb, what, argc == 6 ? argv[5] : NULL, err);
	return error_set(err, EINVAL, "podium-net knows no '%s'", verb);
}

int main(int argc, char **argv)
{
	struct store store = { .rootfd = -EBADF, .runfd = -EBADF };
	struct error err = { 0 };
	int linger = -1;
	int r;

	proc_sanitise();
	if (argc != 5 && argc != 6)
		return EXIT_OURS;
	r = store_open(argv[2], argv[3], STORE_WRITE, &store, &err);
	if (r == 0)
		r = go(&store, argc, argv, &linger, &err);
	store_close(&store);
	(void)sync_send(SYNC_FD, r < 0 ? SYNC_ERROR : SYNC_READY, 0, r < 0 ? &err : NULL, -1);
	return r < 0 ? EXIT_OURS : 0;
}
