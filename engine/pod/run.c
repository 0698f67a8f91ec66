/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run - what stands between a pod's records and its processes.
 *
 * Theory of operation, upwards: "ports" binds every host port (never listens), so that a busy port
 * is named before anything else is made and no stranger takes it later; "cgroup" makes the pod's
 * groups; "sandbox" lets podium-launch make pause with the pod's namespaces and writes
 * sandbox.json; "network" starts the helper that joins a pod to its bridges and writes the addresses
 * into its etc files. Containers follow in the conductor.
 * Downwards, in reverse, from records alone: containers are asked through their monitors or killed
 * by pidfd; map elements and leases go before the namespaces; pause is killed and waited for;
 * cgroups are removed; the run directories go last, so that a crash on the way down is repeated.
 *
 * Runs in the conductor (static, in the engine's initial namespaces) and in podium. No netlink
 * here: that is the helper's.
 */
#include "engine/pod/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/base/seams.h"
#include "engine/net/hostport.h"
#include "engine/pod/lookup.h"
#include "engine/pod/total.h"
#include "engine/process/attach.h"
#include "engine/process/launch.h"
#include "engine/process/sync.h"
#include "engine/process/userns.h"
#include "engine/state/status.h"

#define SANDBOX_FILE	  "sandbox.json"
#define SANDBOX_MAX_BYTES 65536
#define KILL_WAIT_MS	  10000

/* ---- ports ------------------------------------------------------------------------------ */

int run_hold_ports(struct pod_run *r, struct error *err)
{
	cleanup_free struct net_port *ports = NULL;
	struct port_list all;
	int rc = 0;

	/* Only what is translated is held: with the host's network the members bind themselves. */
	if (r->pod.network != NETWORK_BRIDGE)
		return 0;
	pod_published_ports(&r->pod, r->specs, r->pod.containers.n, &all);
	ports = xcalloc(all.n + 1, sizeof(*ports));
	for (size_t i = 0; i < all.n; i++)
		ports[i] = (struct net_port){
			.host_port = all.v[i].host_port,
			.container_port = all.v[i].container_port,
			.protocol = all.v[i].protocol,
			.host_ip = all.v[i].host_ip,
		};
	if (all.n) {
		r->hold_fds = xcalloc(all.n, sizeof(int));
		rc = hostport_hold(ports, all.n, r->hold_fds, err);
	}
	if (rc < 0) {
		free(r->hold_fds);
		r->hold_fds = NULL;
	} else {
		r->n_hold = all.n;
	}
	free(all.v);
	return rc;
}

static int down_ports(struct pod_run *r, struct error *err)
{
	(void)err;
	for (size_t i = 0; i < r->n_hold; i++)
		if (r->hold_fds[i] >= 0)
			(void)close(r->hold_fds[i]);
	free(r->hold_fds);
	r->hold_fds = NULL;
	r->n_hold = 0;
	return 0;
}

/* ---- cgroup ----------------------------------------------------------------------------- */

static int up_cgroup(struct pod_run *r, struct error *err)
{
	struct resources total;

	/* Kubernetes' sum over all containers; made by hand, a pod has what it was given. */
	if (r->pod.owner)
		pod_total_resources(&r->pod, r->specs, &total);
	else
		total = r->pod.resources;
	total.memory_request_bytes = (struct opt_i64){ 0 };
	return cgroup_create_pod(&r->cg, r->pod_id, &total, &r->warnings, err);
}

static int down_cgroup(struct pod_run *r, struct error *err)
{
	return cgroup_remove_pod(&r->cg, r->pod_id, err);
}

/* ---- network helper --------------------------------------------------------------------- */

int run_spawn_net(const struct store *s, const char *verb, const char *pod_id, pid_t *ret_pid,
		  int *ret_fd, struct error *err)
{
	cleanup_free char *program = NULL;
	char name[] = "podium-net";
	char *argv[] = { name,	     (char *)(uintptr_t)verb,	s->root,
			 s->runroot, (char *)(uintptr_t)pod_id, NULL };
	struct proc_spawn sp = { .argv = argv, .stdio = { -1, -1, -1 } };
	int sync[2];
	int rc = proc_helper_path("podium-net", &program, err);

	if (rc == 0)
		rc = sync_pair(sync, err);
	if (rc < 0)
		return rc;
	sp.path = program;
	sp.pass_fd = sync[1];
	rc = proc_spawn(&sp, NULL, err);
	(void)close(sync[1]);
	if (rc < 0) {
		(void)close(sync[0]);
		return rc;
	}
	*ret_pid = rc;
	*ret_fd = sync[0];
	return 0;
}

/* The helper loads, opens the store and reads the records while the sandbox is made. Without a
 * bridge it has nothing to do: podium-launch has written the etc files of such a pod. */
static int start_network_helper(struct pod_run *r, struct error *err)
{
	int rc;

	if (r->pod.network != NETWORK_BRIDGE)
		return 0;
	rc = run_spawn_net(r->store, "up", r->pod_id, &r->net_pid, &r->net_fd, err);

	r->net_is_held = rc == 0;
	return rc;
}

/* ---- sandbox ---------------------------------------------------------------------------- */

static int write_sandbox_record(const struct pod_run *r, pid_t pid, struct error *err)
{
	struct proc_ident ident = { 0 };
	struct sandbox_record rec = { .pid = (uint32_t)pid };
	cleanup_free char *text = NULL;
	cleanup_close int dir = -EBADF;
	json_t *j;
	int rc = proc_identify(pid, &ident, err);

	if (rc < 0)
		return rc;
	rec.start_ticks = (int64_t)ident.start_ticks;
	rec.boot_id = ident.boot_id;
	dir = layout_run_pod(r->store, r->pod_id, err);
	if (dir < 0)
		return dir;
	j = record_dump(&sandbox_record_type, &rec);
	text = jdump_text(j, 0);
	json_decref(j);
	return fs_write_atomic(dir, SANDBOX_FILE, text, strlen(text), 0600, FS_NOSYNC, err);
}

static int read_sandbox_record(const struct pod_run *r, struct sandbox_record *ret,
			       struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	cleanup_json json_t *j = NULL;
	int rc = jload_file(r->store->runfd, layout_pod(path, r->pod_id, SANDBOX_FILE),
			    SANDBOX_MAX_BYTES, &j, err);

	return rc < 0 ? rc : record_load(&sandbox_record_type, j, ret, err);
}

/* Follows podium-launch until pause runs; its own end is waited for later. The record is written
 * while pause sets itself up: it names the process, whoever asks for more asks whether it lives. */
static int await_sandbox(struct pod_run *r, int sync_fd, struct error *err)
{
	for (;;) {
		struct sync_msg msg;
		int fd = -EBADF;
		int rc = sync_receive(sync_fd, &msg, &fd, err);

		if (rc == 0)
			rc = error_set(err, EPROTO, "podium-launch ended without a word");
		if (rc > 0 && msg.step == SYNC_ERROR) {
			*err = msg.err;
			rc = err->code > 0 ? -err->code : -EIO;
		}
		if (rc > 0 && msg.step == SYNC_WARNING)
			strlist_add(&r->warnings, msg.err.text);
		if (rc > 0 && msg.step == SYNC_STARTED) {
			r->pause_pid = msg.value;
			r->pause_pidfd = fd;
			r->pause_is_child = true;
			fd = -EBADF;
			rc = write_sandbox_record(r, r->pause_pid, err);
		}
		if (fd >= 0)
			(void)close(fd);
		if (rc < 0 || (rc > 0 && msg.step == SYNC_READY))
			return rc < 0 ? rc : 0;
	}
}

void run_forget_launch(struct pod_run *r)
{
	if (r->launch_fd >= 0)
		(void)close(r->launch_fd);
	if (r->launch_mount >= 0)
		(void)close(r->launch_mount);
	r->launch_fd = r->launch_mount = -1;
	if (r->launch_pid > 0)
		(void)waitpid(r->launch_pid, NULL, 0);
	r->launch_pid = 0;
}

static int up_sandbox(struct pod_run *r, struct error *err)
{
	struct launch_start s = {
		.store = r->store, .verb = "sandbox", .id = r->pod_id, .stdio = { -1, -1, -1 }
	};
	cleanup_close int pause = -EBADF;
	struct error net_err;
	int sync_fd = -1, net, rc;

	/* One copy serves the sandbox and the first start of every container. */
	run_forget_launch(r);
	rc = r->launch_fd = launch_load(&r->launch_mount, err);
	if (rc < 0)
		return rc;
	s.program_fd = r->launch_fd;
	s.request_fd = pause = launch_find_pause(r->launch_mount);
	rc = launch_spawn(&s, &sync_fd, err);
	if (rc < 0)
		return rc;
	net = start_network_helper(r, &net_err);
	if (net == 0 && r->meanwhile)
		net = r->meanwhile(r->meanwhile_arg, &net_err);
	r->launch_pid = rc;
	rc = await_sandbox(r, sync_fd, err);
	(void)close(sync_fd);
	if (rc == 0 && net < 0) {
		*err = net_err;
		rc = net;
	}
	return rc < 0 ? error_wrap(err, "sandbox of pod '%s'", r->pod.name) : 0;
}

int run_adopt_sandbox(struct pod_run *r, struct error *err)
{
	struct sandbox_record rec = { 0 };
	struct proc_ident ident = { 0 };
	int rc = read_sandbox_record(r, &rec, err);

	if (rc < 0)
		return error_set(err, ESRCH, "pod has no sandbox");
	ident.pid = (pid_t)rec.pid;
	ident.start_ticks = (uint64_t)rec.start_ticks;
	(void)snprintf(ident.boot_id, sizeof(ident.boot_id), "%s", rec.boot_id ? rec.boot_id : "");
	record_done(&sandbox_record_type, &rec);
	rc = proc_open_ident(&ident, err);
	if (rc < 0)
		return rc;
	if (!is_pidfd_alive(rc)) {
		(void)close(rc);
		return error_set(err, ESRCH, "sandbox has ended");
	}
	r->pause_pid = ident.pid;
	r->pause_pidfd = rc;
	r->pause_is_child = false;
	return 0;
}

int run_drop_torn(struct pod_run *r, bool is_torn, struct error *err)
{
	struct sandbox_record rec = { 0 };
	struct error scratch; /* no record: nothing to look at */
	bool torn =
		read_sandbox_record(r, &rec, &scratch) == 0 &&
		(is_torn || (r->pod.network == NETWORK_BRIDGE && !rec.address4 && !rec.address6));

	record_done(&sandbox_record_type, &rec);
	return torn ? run_stages_down(r, err) : 0;
}

static int down_sandbox(struct pod_run *r, struct error *err)
{
	struct error scratch;
	int rc = 0;

	if (r->pause_pidfd < 0 && run_adopt_sandbox(r, &scratch) < 0)
		return 0;
	(void)pidfd_signal(r->pause_pidfd, SIGKILL);
	if (r->pause_is_child)
		(void)waitid(P_PIDFD, (id_t)r->pause_pidfd, &(siginfo_t){ 0 }, WEXITED | __WALL);
	else
		rc = pidfd_wait_exit(r->pause_pidfd, KILL_WAIT_MS);
	(void)close(r->pause_pidfd);
	r->pause_pidfd = -1;
	r->pause_pid = 0;
	if (rc < 0)
		return error_set(err, -rc, "pause of pod '%.12s' does not end", r->pod_id);
	return 0;
}

static int down_userns(struct pod_run *r, struct error *err)
{
	return userns_release(r->store->runfd, r->pod_id, err);
}

/* ---- network ---------------------------------------------------------------------------- */

/* One answer, then the helper's exit. */
static int await_net(pid_t pid, int fd, bool wait_exit, struct error *err)
{
	struct sync_msg msg;
	int passed = -EBADF;
	int rc = sync_receive(fd, &msg, &passed, err);

	if (passed >= 0)
		(void)close(passed);
	(void)close(fd);
	/* A helper that deleted elements takes 8 ms to close its socket (an RCU wait in the
	 * kernel): nobody waits for that. */
	if (wait_exit || rc <= 0)
		(void)waitpid(pid, NULL, 0);
	if (rc == 0)
		return error_set(err, EPROTO, "network helper ended without a word");
	if (rc > 0 && msg.step == SYNC_ERROR) {
		*err = msg.err;
		return err->code > 0 ? -err->code : -EIO;
	}
	return rc < 0 ? rc : 0;
}

static int up_network(struct pod_run *r, struct error *err)
{
	int rc;

	if (r->net_fd < 0)
		return 0;
	rc = sync_send(r->net_fd, SYNC_GO, 0, NULL, -1);
	r->net_is_held = false;
	/* One that has ended has said why: run_network_wait() hears it. */
	return rc < 0 && rc != -EPIPE ? error_set(err, -rc, "network helper does not listen") : 0;
}

/* Ends a helper that was not told to go: it has done nothing. */
static void dismiss_network_helper(struct pod_run *r)
{
	if (!r->net_is_held)
		return;
	(void)close(r->net_fd);
	(void)waitpid(r->net_pid, NULL, 0);
	r->net_fd = -1;
	r->net_pid = 0;
	r->net_is_held = false;
}

int run_network_wait(struct pod_run *r, struct error *err)
{
	int rc;

	if (r->net_fd < 0)
		return 0;
	rc = await_net(r->net_pid, r->net_fd, true, err);
	r->net_fd = -1;
	r->net_pid = 0;
	return rc < 0 ? error_wrap(err, "network of pod '%s'", r->pod.name) : 0;
}

void run_network_down_early(struct pod_run *r)
{
	struct error scratch; /* the stage tries again, and says why */

	if (r->net_fd >= 0 || r->net_down_fd >= 0 || r->pod.network != NETWORK_BRIDGE)
		return;
	if (run_spawn_net(r->store, "down", r->pod_id, &r->net_down_pid, &r->net_down_fd,
			  &scratch) < 0)
		r->net_down_fd = -1;
}

static int down_network(struct pod_run *r, struct error *err)
{
	struct error scratch;
	int fd, rc = 0;

	dismiss_network_helper(r);
	error_ignore(run_network_wait(r, &scratch)); /* one that is on its way up ends first */
	if (r->pod.version && r->pod.network != NETWORK_BRIDGE)
		return 0;
	if (r->net_down_fd < 0)
		rc = run_spawn_net(r->store, "down", r->pod_id, &r->net_down_pid, &r->net_down_fd,
				   err);
	/* Nothing runs in the sandbox any more: its namespaces die while the helper works. */
	if (r->pause_pidfd >= 0)
		(void)pidfd_signal(r->pause_pidfd, SIGKILL);
	if (rc < 0)
		return rc;
	fd = r->net_down_fd;
	r->net_down_fd = -1;
	return await_net(r->net_down_pid, fd, false, err);
}

/* ---- containers ------------------------------------------------------------------------- */

static int down_containers(struct pod_run *r, struct error *err)
{
	int first = 0;

	for (size_t i = 0; i < r->container_ids.n; i++) {
		struct error one;
		const char *id = r->container_ids.v[i];
		int rc = r->to_remove ? run_kill_container(r->store, id, &one)
				      : run_end_container(r->store, id, &one);

		if (rc < 0 && first == 0) {
			first = rc;
			*err = one;
		}
	}
	if (can_cgroup_kill(&r->cg)) {
		struct error scratch;

		error_ignore(cgroup_kill_pod(&r->cg, r->pod_id, KILL_WAIT_MS, &scratch));
	}
	return first;
}

/* ---- run directories -------------------------------------------------------------------- */

/* But for the socket of a session that waits already for the container's next run. */
static int remove_run_directory(const struct store *s, const char *id, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	int fd = openat(s->runfd, layout_container(path, id, NULL),
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	int r = 0;

	if (!d)
		return fs_remove_tree(s->runfd, path, err);
	while (r == 0 && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    strcmp(e->d_name, SESSION_SOCKET) != 0)
			r = fs_remove_tree(fd, e->d_name, err);
	if (r == 0 && unlinkat(s->runfd, path, AT_REMOVEDIR) < 0 && errno != ENOENT &&
	    errno != ENOTEMPTY)
		return error_errno(err, "remove directory '%s'", path);
	return r;
}

static int down_files(struct pod_run *r, struct error *err)
{
	char path[LAYOUT_PATH_MAX];
	int rc = 0;

	for (size_t i = 0; i < r->container_ids.n && rc == 0; i++)
		rc = remove_run_directory(r->store, r->container_ids.v[i], err);
	if (rc == 0)
		rc = fs_remove_tree(r->store->runfd, layout_pod(path, r->pod_id, NULL), err);
	return rc;
}

const struct run_stage run_stages[] = {
	{ "files", NULL, down_files },
	{ "ports", run_hold_ports, down_ports },
	{ "cgroup", up_cgroup, down_cgroup },
	{ "userns", NULL, down_userns }, /* leased by the sandbox */
	{ "sandbox", up_sandbox, down_sandbox },
	{ "network", up_network, down_network },
	{ "containers", NULL, down_containers },
	{ NULL, NULL, NULL },
};

/* ---- walks ------------------------------------------------------------------------------ */

static void boundary(const char *way, const char *stage)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%s:%s", way, stage);
	STOP_AT(name);
}

int run_stages_up(struct pod_run *r, struct error *err)
{
	for (const struct run_stage *s = run_stages; s->name; s++) {
		int rc = s->up ? s->up(r, err) : 0;

		if (rc < 0) {
			struct error scratch;

			if (r->abandon)
				r->abandon(r->meanwhile_arg);
			error_ignore(run_stages_down(r, &scratch));
			return rc;
		}
		boundary("start", s->name);
	}
	return 0;
}

int run_stages_down(struct pod_run *r, struct error *err)
{
	int first = 0;
	size_t n = 0;

	while (run_stages[n].name)
		n++;
	while (n-- > 0) {
		struct error one;
		int rc = run_stages[n].down ? run_stages[n].down(r, &one) : 0;

		if (rc < 0 && first == 0) {
			first = rc;
			*err = one;
		}
		boundary("stop", run_stages[n].name);
	}
	return first;
}

/* ---- opening ---------------------------------------------------------------------------- */

/* Every container directory that says it is of this pod: for records that a crash left half made.
 */
static int scan_containers(struct pod_run *r, struct error *err)
{
	struct strlist all = { 0 };
	int rc = lookup_list_containers(r->store, &all, err);

	for (size_t i = 0; i < all.n && rc == 0; i++) {
		struct container_status st = { 0 };
		struct error scratch;

		if (status_read(r->store, all.v[i], &st, &scratch) == 0 &&
		    is_equal(st.pod_id, r->pod_id))
			strlist_add(&r->container_ids, all.v[i]);
		status_done(&st);
	}
	strlist_done(&all);
	return rc;
}

static int read_specs(struct pod_run *r, struct error *err)
{
	r->specs = xcalloc(r->pod.containers.n, sizeof(*r->specs));
	for (size_t i = 0; i < r->pod.containers.n; i++) {
		int rc = lookup_read_container(r->store, r->pod.containers.v[i].id, &r->specs[i],
					       err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int pod_run_open(struct pod_run *r, const struct store *s, const char *pod_id, bool with_specs,
		 struct error *err)
{
	struct error scratch;
	int rc;

	memset(r, 0, sizeof(*r));
	r->store = s;
	r->pod_id = pod_id;
	r->pause_pidfd = r->net_fd = r->net_down_fd = r->launch_fd = r->launch_mount = -1;
	r->cg = (struct cgroup_ctx)CGROUP_CTX_INIT;
	rc = lookup_read_pod(s, pod_id, &r->pod, with_specs ? err : &scratch);
	if (rc < 0 && with_specs)
		return rc;
	if (rc < 0)
		rc = scan_containers(r, err);
	for (size_t i = 0; i < r->pod.containers.n; i++)
		strlist_add(&r->container_ids, r->pod.containers.v[i].id);
	if (r->pod.infra_id)
		strlist_add(&r->container_ids, r->pod.infra_id);
	if (rc == 0 && with_specs)
		rc = read_specs(r, err);
	if (rc == 0)
		rc = cgroup_open(&r->cg, err);
	if (rc < 0)
		pod_run_close(r);
	return rc;
}

void pod_run_close(struct pod_run *r)
{
	struct error scratch;

	(void)down_ports(r, &scratch);
	for (size_t i = 0; r->specs && i < r->pod.containers.n; i++)
		record_done(&container_spec_type, &r->specs[i]);
	free(r->specs);
	record_done(&pod_spec_type, &r->pod);
	strlist_done(&r->container_ids);
	strlist_done(&r->warnings);
	cgroup_close(&r->cg);
	if (r->pause_pidfd >= 0)
		(void)close(r->pause_pidfd);
	if (r->net_fd >= 0)
		(void)close(r->net_fd);
	if (r->net_down_fd >= 0)
		(void)close(r->net_down_fd);
	run_forget_launch(r);
	r->specs = NULL;
	r->pause_pidfd = r->net_fd = r->net_down_fd = -1;
}
