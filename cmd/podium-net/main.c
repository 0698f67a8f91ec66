/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podium-net - the conductor's hands on the network.
 *
 *	podium-net up|down ROOT RUNROOT POD-ID
 *
 * Theory of operation: the conductor is static and has no netlink, and neither has podium: this
 * program alone is loaded together with libmnl. It is started by a conductor, never by a person,
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
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/seams.h"
#include "engine/net/net.h"
#include "engine/pod/lookup.h"
#include "engine/process/launch.h"
#include "engine/process/sandbox.h"
#include "engine/process/sync.h"

#define EXIT_OURS	  125
#define SANDBOX_FILE	  "sandbox.json"
#define SANDBOX_MAX_BYTES 65536

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

static int connect_bridge(struct network_job *j, struct error *err)
{
	cleanup_close int netns = open_netns(j, err);
	struct net_request req = { .pod_id = j->pod.id,
				   .netns_fd = netns,
				   .ports = j->ports,
				   .n_ports = j->n_ports,
				   .hostname = j->pod.name };
	struct net_result res = { 0 };
	int r;

	if (netns < 0)
		return netns;
	r = net_up(j->store, &req, &res, err);
	if (r < 0)
		return r;
	j->sandbox.address4 = *res.address4 ? xstrdup(res.address4) : NULL;
	j->sandbox.gateway4 = *res.gateway4 ? xstrdup(res.gateway4) : NULL;
	j->sandbox.address6 = *res.address6 ? xstrdup(res.address6) : NULL;
	j->sandbox.gateway6 = *res.gateway6 ? xstrdup(res.gateway6) : NULL;
	return 0;
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

int main(int argc, char **argv)
{
	struct store store = { .rootfd = -EBADF, .runfd = -EBADF };
	struct error err = { 0 };
	int linger = -1;
	int r;

	proc_sanitise();
	if (argc != 5 || !is_id(argv[4]))
		return EXIT_OURS;
	r = store_open(argv[2], argv[3], STORE_WRITE, &store, &err);
	if (r == 0 && strcmp(argv[1], "up") == 0)
		r = go_up(&store, argv[4], &err);
	else if (r == 0 && strcmp(argv[1], "down") == 0)
		r = net_down_lingering(&store, argv[4], &linger, &err);
	else if (r == 0)
		r = error_set(&err, EINVAL, "podium-net takes up or down");
	(void)sync_send(SYNC_FD, r < 0 ? SYNC_ERROR : SYNC_READY, 0, r < 0 ? &err : NULL, -1);
	return r < 0 ? EXIT_OURS : 0;
}
