/* SPDX-License-Identifier: Apache-2.0 */
/*
 * livestore - a store with the payload as the only image, and running podium-launch on it.
 *
 * The test process plays the monitor: it makes the sync socket, starts podium-launch by fork and
 * exec with the socket as descriptor 3, receives pid and pidfd, and reaps what becomes its child.
 */
#include "tests/support/livestore.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/fs.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/proc.h"
#include "engine/cgroup/cgroup.h"
#include "engine/process/sync.h"
#include "engine/rootfs/overlay.h"
#include "engine/state/layout.h"
#include "engine/state/status.h"

#define LAYER_ID   "1111111111111111111111111111111111111111111111111111111111111111"
#define OUTPUT_MAX (1 << 20)
#define WAIT_MS	   10000

static bool make_dirs(const char *dir)
{
	static const char *const names[] = { "root",
					     "root/layers",
					     "root/layers/" LAYER_ID,
					     "root/layers/" LAYER_ID "/diff",
					     "root/pods",
					     "root/containers",
					     "root/seccomp",
					     "run",
					     "run/pods",
					     "canary" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_free char *path = xasprintf("%s/%s", dir, names[i]);

		if (mkdir(path, 0755) < 0) {
			perror(path);
			return false;
		}
	}
	return true;
}

char *live_layer_path(const struct livestore *s, const char *path)
{
	return xasprintf("%s/layers/" LAYER_ID "/diff/%s", s->root, path);
}

static bool copy_file(const char *from, const char *to)
{
	struct error err;
	char *data = NULL;
	size_t len = 0;
	int fd;
	bool ok = fs_read_file(AT_FDCWD, from, 64 << 20, &data, &len, &err) == 0;

	fd = ok ? open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755) : -1;
	ok = fd >= 0 && fs_write_all(fd, data, len) == 0;
	if (fd >= 0)
		(void)close(fd);
	free(data);
	return ok;
}

static char *own_dir(void)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *p;

	self[n > 0 ? n : 0] = '\0';
	p = strstr(self, "/tests/");
	if (p)
		*p = '\0';
	return xstrdup(self);
}

bool live_init(struct livestore *s)
{
	cleanup_free char *from = NULL;
	cleanup_free char *to = NULL;
	char id[65];

	memset(s, 0, sizeof(*s));
	s->pause_fd = -EBADF;
	(void)snprintf(s->dir, sizeof(s->dir), "/tmp/podium-live-XXXXXX");
	if (!mkdtemp(s->dir) || chmod(s->dir, 0755) < 0 || !make_dirs(s->dir))
		return false;
	s->root = xasprintf("%s/root", s->dir);
	s->runroot = xasprintf("%s/run", s->dir);
	s->bin = own_dir();
	from = xasprintf("%s/tests/payload", s->bin);
	to = live_layer_path(s, "payload");
	if (!copy_file(from, to)) {
		printf("cannot copy %s to %s\n", from, to);
		return false;
	}
	id_new(id);
	s->pod.version = POD_SPEC_VERSION;
	s->pod.id = xstrdup(id);
	s->pod.name = xstrdup("live");
	s->pod.owner = xstrdup("kube");
	s->pod.network = NETWORK_NONE;
	return true;
}

/* What the launches made in the cgroup trees. */
static void remove_cgroups(const struct livestore *s)
{
	cleanup_cgroup struct cgroup_ctx cg = CGROUP_CTX_INIT;
	struct error err;

	if (!s->pod.id || cgroup_open(&cg, &err) < 0)
		return;
	if (cgroup_remove_pod(&cg, s->pod.id, &err) < 0)
		printf("%s\n", err.text);
	cgroup_prune(&cg);
}

void live_done(struct livestore *s)
{
	struct error err;

	live_end_sandbox(s);
	remove_cgroups(s);
	if (s->dir[0] && fs_remove_tree(AT_FDCWD, s->dir, &err) < 0)
		printf("cannot remove %s: %s\n", s->dir, err.text);
	record_done(&pod_spec_type, &s->pod);
	free(s->root);
	free(s->runroot);
	free(s->bin);
	memset(s, 0, sizeof(*s));
}

void live_setenv(const char *name, const char *value)
{
	if (value)
		(void)setenv(name, value, 1);
	else
		(void)unsetenv(name);
}

/* ---- records ---------------------------------------------------------------------------- */

static void write_record(const char *base, const char *kind, const char *id, const char *file,
			 json_t *j)
{
	cleanup_free char *dir = xasprintf("%s/%s/%s", base, kind, id);
	cleanup_free char *path = xasprintf("%s/%s", dir, file);
	cleanup_free char *text = jdump_text(j, 1);
	struct error err;

	(void)mkdir(dir, 0755);
	if (fs_write_atomic(AT_FDCWD, path, text, strlen(text), 0600, FS_NOSYNC, &err) < 0)
		printf("%s\n", err.text);
	json_decref(j);
}

/* ---- launching -------------------------------------------------------------------------- */

static void __attribute__((noreturn))
exec_launch(const struct livestore *s, const char *verb, const char *id, int sync_fd, int out_fd,
	    int request_fd)
{
	cleanup_free char *program = xasprintf("%s/podium-launch", s->bin);
	const char *argv[] = { program, verb, s->root, s->runroot, id, NULL };
	int null = open("/dev/null", O_RDONLY);

	for (int i = 0; i < s->inherit; i++)
		(void)!open("/tmp", O_RDONLY | O_DIRECTORY);
	(void)dup2(null, 0);
	(void)dup2(out_fd, 1);
	(void)dup2(out_fd, 2);
	/* out of the way of 3 and 4 first */
	sync_fd = fcntl(sync_fd, F_DUPFD, 100);
	request_fd = request_fd >= 0 ? fcntl(request_fd, F_DUPFD, 100) : -1;
	(void)dup2(sync_fd, SYNC_FD);
	if (request_fd >= 0)
		(void)dup2(request_fd, 4);
	(void)execv(program, (char *const *)argv);
	_exit(99);
}

static void note(struct liverun *run, const struct sync_msg *m)
{
	if (m->step == SYNC_WARNING) {
		char *old = run->warnings;

		run->warnings = xasprintf("%s%s\n", old ? old : "", m->err.text);
		free(old);
	}
	if (m->step == SYNC_ERROR) {
		free(run->error);
		run->error = xstrdup(m->err.text);
		run->error_code = m->value;
	}
}

/* Receives until READY, an error, or the end. */
static void receive(struct liverun *run, bool until_ready)
{
	struct sync_msg m;
	struct error err;
	int fd;

	for (;;) {
		struct pollfd p = { .fd = run->sync_fd, .events = POLLIN };

		if (poll(&p, 1, WAIT_MS) <= 0) {
			free(run->error);
			run->error = xstrdup("timeout");
			return;
		}
		if (sync_receive(run->sync_fd, &m, &fd, &err) <= 0)
			return;
		note(run, &m);
		if (m.step != SYNC_STARTED && m.step != SYNC_ERROR &&
		    m.step != SYNC_WARNING && run->pid <= 0)
			printf("step %u came before the process was announced\n", m.step);
		if (m.step == SYNC_STARTED) {
			run->pid = m.value;
			run->pidfd = fd;
		} else if (m.step == SYNC_PTY) {
			run->pty = fd;
		} else if (m.step == SYNC_MESSAGE) {
			(void)close(fd);
		}
		if (m.step == SYNC_READY && until_ready)
			return;
	}
}

static void launch(struct livestore *s, const char *verb, const char *id, int request_fd,
		   struct liverun *run)
{
	struct error err;
	int sync[2], out[2], status = 0;
	pid_t pid;

	memset(run, 0, sizeof(*run));
	run->pidfd = run->sync_fd = run->out_fd = run->pty = -EBADF;
	if (sync_pair(sync, &err) < 0 || pipe2(out, O_CLOEXEC) < 0)
		return;
	(void)fcntl(out[1], F_SETPIPE_SZ, OUTPUT_MAX);
	pid = fork();
	if (pid == 0)
		exec_launch(s, verb, id, sync[1], out[1], request_fd);
	(void)close(sync[1]);
	(void)close(out[1]);
	run->sync_fd = sync[0];
	run->out_fd = out[0];
	receive(run, true);
	(void)waitpid(pid, &status, 0);
	if (run->pid <= 0 && !run->error)
		run->error = xasprintf("podium-launch ended without a word, status %#x", status);
}

char *live_sandbox(struct livestore *s)
{
	struct sandbox_record sb = { 0 };
	struct proc_ident ident;
	struct liverun run;
	struct error err;

	write_record(s->root, "pods", s->pod.id, "pod.json", record_dump(&pod_spec_type, &s->pod));
	launch(s, "sandbox", s->pod.id, -1, &run);
	if (run.error || run.pid <= 0 || proc_identify(run.pid, &ident, &err) < 0) {
		char *text = xstrdup(run.error ? run.error : "no pause process");

		(void)live_end(&run);
		return text;
	}
	s->pause = run.pid;
	s->pause_fd = run.pidfd;
	(void)close(run.sync_fd);
	(void)close(run.out_fd);
	sb.pid = (uint32_t)ident.pid;
	sb.start_ticks = (int64_t)ident.start_ticks;
	sb.boot_id = ident.boot_id;
	write_record(s->runroot, "pods", s->pod.id, "sandbox.json",
		     record_dump(&sandbox_record_type, &sb));
	return NULL;
}

void live_end_sandbox(struct livestore *s)
{
	if (s->pause <= 0)
		return;
	(void)pidfd_signal(s->pause_fd, SIGKILL);
	(void)waitpid(s->pause, NULL, 0);
	(void)close(s->pause_fd);
	s->pause = 0;
	s->pause_fd = -EBADF;
}

void live_spec(struct livestore *s, struct container_spec *spec, const char *const *argv)
{
	char id[65];

	memset(spec, 0, sizeof(*spec));
	id_new(id);
	spec->version = 1;
	spec->id = xstrdup(id);
	spec->pod_id = xstrdup(s->pod.id);
	spec->name = xasprintf("c%d", ++s->n_containers);
	spec->full_name = xasprintf("live-%s", spec->name);
	strlist_add(&spec->config.layers, "sha256:" LAYER_ID);
	strlist_add(&spec->config.entrypoint, "/payload");
	spec->has_args = true;
	for (; *argv; argv++)
		value_add(list_add(&spec->args), VALUE_LITERAL, *argv, strlen(*argv));
}

void live_start(struct livestore *s, struct container_spec *spec, struct liverun *run)
{
	cleanup_close int rootfd = open(s->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct error err;

	write_record(s->root, "containers", spec->id, "spec.json",
		     record_dump(&container_spec_type, spec));
	if (rootfs_prepare(rootfd, spec, &err) < 0)
		printf("%s\n", err.text);
	launch(s, "container", spec->id, -1, run);
}

void live_go(struct liverun *run)
{
	if (run->error)
		return;
	(void)sync_send(run->sync_fd, SYNC_GO, 0, NULL, -1);
	receive(run, false);
}

/* Everything that comes, until the end; a pty's end is EIO. */
static char *read_all(int fd)
{
	struct buf b = BUF_INIT(OUTPUT_MAX);
	char part[4096];
	ssize_t n;

	while ((n = read(fd, part, sizeof(part))) > 0)
		buf_add(&b, part, (size_t)n);
	return buf_steal(&b);
}

int live_end(struct liverun *run)
{
	int status = -1;

	if (run->pidfd >= 0)
		(void)pidfd_signal(run->pidfd, SIGKILL);
	if (run->pid > 0)
		(void)waitpid(run->pid, &status, 0);
	if (run->pidfd >= 0)
		(void)close(run->pidfd);
	if (run->sync_fd >= 0)
		(void)close(run->sync_fd);
	if (run->out_fd >= 0)
		(void)close(run->out_fd);
	if (run->pty >= 0)
		(void)close(run->pty);
	free(run->warnings);
	free(run->error);
	memset(run, 0, sizeof(*run));
	run->pidfd = run->sync_fd = run->out_fd = run->pty = -EBADF;
	return status;
}

/* GO, output, end. */
static char *finish(struct liverun *run, int *ret_status)
{
	char *out;
	int status = -1;

	live_go(run);
	out = run->error      ? xasprintf("ERROR %d: %s\n", run->error_code, run->error)
	      : run->pty >= 0 ? read_all(run->pty)
			      : read_all(run->out_fd);
	if (run->pid > 0 && !run->error) {
		(void)waitpid(run->pid, &status, 0);
		run->pid = 0;
	}
	if (ret_status)
		*ret_status = status;
	(void)live_end(run);
	return out;
}

char *live_run(struct livestore *s, struct container_spec *spec, int *ret_status)
{
	struct liverun run;

	live_start(s, spec, &run);
	return finish(&run, ret_status);
}

char *live_simple(struct livestore *s, const char *const *argv, live_change change, int *ret_status)
{
	struct container_spec spec;
	char *out;

	live_spec(s, &spec, argv);
	if (change)
		change(&spec);
	out = live_run(s, &spec, ret_status);
	record_done(&container_spec_type, &spec);
	return out;
}

char *live_exec(struct livestore *s, const struct container_spec *spec, const struct liverun *in,
		const struct exec_request *rq, int *ret_status)
{
	struct container_status st = { .state = STATE_RUNNING };
	cleanup_json json_t *j = record_dump(&exec_request_type, rq);
	cleanup_free char *text = jdump_text(j, 0);
	cleanup_close int fd = memfd_create("request", MFD_CLOEXEC);
	struct proc_ident ident = { 0 };
	struct liverun run;
	struct error err;

	if (proc_identify(in->pid, &ident, &err) < 0)
		printf("%s\n", err.text);
	st.pid = (uint32_t)ident.pid;
	st.start_ticks = (int64_t)ident.start_ticks;
	st.boot_id = ident.boot_id;
	write_record(s->root, "containers", spec->id, STATUS_FILE,
		     record_dump(&container_status_type, &st));
	if (fs_write_all(fd, text, strlen(text)) < 0)
		printf("cannot write the request\n");
	launch(s, "exec", spec->id, fd, &run);
	return finish(&run, ret_status);
}

/* ---- helpers of tests ------------------------------------------------------------------- */

/* Lines that depend on the kernel's configuration or on this run. */
static bool is_variable_line(const char *line)
{
	static const char *const prefixes[] = { "SigQ:",
						"cgroup: ",
						"mount /sys/fs/cgroup/",
						"mount /proc/",
						"mount /sys/firmware",
						"mount /sys/devices",
						"mount /sys/fs/selinux" };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (is_prefix(line, prefixes[i]))
			return true;
	return false;
}

char *live_normalise(const char *probe)
{
	cleanup_free char *copy = xstrdup(probe);
	struct buf b = BUF_INIT(OUTPUT_MAX);
	char *save = NULL;

	for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		if (is_variable_line(l))
			continue;
		/* the hard limit is the host's */
		if (is_prefix(l, "rlimit nofile: ") || is_prefix(l, "rlimit core: "))
			*strrchr(l, ' ') = '\0';
		buf_printf(&b, "%s\n", l);
	}
	return buf_steal(&b);
}

static bool write_map(pid_t pid, const char *file)
{
	static const char map[] = "0 100000 65537\n";
	cleanup_free char *path = xasprintf("/proc/%d/%s", (int)pid, file);
	struct error err;

	return fs_write_existing(AT_FDCWD, path, map, &err) == 0;
}

int live_in_user_namespace(int (*fn)(void))
{
	int ready[2], mapped[2], status = 0;
	bool ok;
	pid_t pid;
	char c;

	(void)fflush(stdout);
	if (pipe(ready) < 0 || pipe(mapped) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		(void)close(mapped[1]);
		c = unshare(CLONE_NEWUSER) == 0 ? 'y' : 'n';
		(void)!write(ready[1], &c, 1);
		if (read(mapped[0], &c, 1) != 1 || setresgid(0, 0, 0) < 0 ||
		    setresuid(0, 0, 0) < 0 || setgroups(0, NULL) < 0)
			_exit(255);
		status = fn();
		(void)fflush(stdout);
		_exit(status);
	}
	(void)close(mapped[0]);
	ok = read(ready[0], &c, 1) == 1 && c == 'y' && write_map(pid, "uid_map") &&
	     write_map(pid, "gid_map") && write(mapped[1], "x", 1) == 1;
	(void)close(mapped[1]);
	(void)close(ready[0]);
	(void)close(ready[1]);
	(void)waitpid(pid, &status, 0);
	return ok && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool live_has(const char *text, const char *part)
{
	bool found = strstr(text, part) != NULL;

	if (!found)
		printf("\n'%s' is not in:\n%s", part, text);
	return found;
}
