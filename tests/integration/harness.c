/* SPDX-License-Identifier: Apache-2.0 */
/*
 * harness - the commands of the integration tests.
 *
 * Theory of operation: a program is started with its outputs on memory files, so that nothing that
 * it leaves behind can keep the test waiting; the test waits on a pidfd with a deadline. The test
 * program is a child subreaper: whatever podium detaches becomes its child, so that leftovers are
 * found as descendants and other tests on the machine are never mistaken for ours.
 *
 * Each test program has one store below PODIUM_WORK; images are made once by tests/mkimage and
 * loaded once a store.
 */
#include "tests/integration/harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/fs.h"
#include "engine/base/proc.h"
#include "tests/integration/groups.h"
#include "tests/integration/leftover.h"

#define OUTPUT_MAX   (64U << 20)
#define FILE_MAX     (16U << 20)
#define COMMAND_MS   120000
#define REAP_EACH_MS 200
#define MESSAGE_MAX  4000
#define LINE_MAX_LEN 65536

#define JOBS_MAX 64

struct harness harness;
static pid_t jobs[JOBS_MAX]; /* not waited for yet */

static void __attribute__((noreturn)) die(const char *what)
{
	perror(what);
	abort();
}

/* ---- running ------------------------------------------------------------------------------ */

/* Splits at blanks; quotes of either kind keep them. */
static void split_words(const char *line, struct strlist *words)
{
	while (*line) {
		struct buf word = BUF_INIT(LINE_MAX_LEN);
		char quote = 0;

		line += strspn(line, " ");
		if (!*line)
			return;
		for (; *line && (quote || *line != ' '); line++) {
			if (!quote && (*line == '\'' || *line == '"'))
				quote = *line;
			else if (quote == *line)
				quote = 0;
			else
				buf_addc(&word, *line);
		}
		strlist_take(words, buf_steal(&word));
	}
}

static int memory_file(const char *content)
{
	int fd = memfd_create("output", MFD_CLOEXEC);

	if (fd < 0)
		die("memfd");
	if (content && (fs_write_all(fd, content, strlen(content)) < 0 || lseek(fd, 0, 0) < 0))
		die("memfd");
	return fd;
}

static char *content_of(int fd)
{
	struct buf b = BUF_INIT(OUTPUT_MAX);
	char chunk[65536];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, chunk, sizeof(chunk), at)) > 0) {
		buf_add(&b, chunk, (size_t)n);
		at += n;
	}
	return buf_steal(&b);
}

static void __attribute__((noreturn)) child(char **argv, int in, int out, int err)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(121);
	(void)execvp(argv[0], argv);
	_exit(122);
}

static void note_job(pid_t old, pid_t pid)
{
	for (size_t i = 0; i < JOBS_MAX; i++) {
		if (jobs[i] == old) {
			jobs[i] = pid;
			return;
		}
	}
}

bool is_job(pid_t pid)
{
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (jobs[i] == pid)
			return true;
	return false;
}

/* words[0] is the program. */
static struct job start(char **words, char *line, const char *input)
{
	struct job j = { .out_fd = memory_file(NULL), .err_fd = memory_file(NULL), .line = line };
	int in = input ? memory_file(input) : open("/dev/null", O_RDONLY | O_CLOEXEC);

	j.pid = fork();
	if (j.pid < 0)
		die("fork");
	if (j.pid == 0)
		child(words, in, j.out_fd, j.err_fd);
	note_job(0, j.pid);
	(void)close(in);
	return j;
}

static struct job __attribute__((format(printf, 3, 0)))
start_line(bool is_podium, const char *input, const char *fmt, va_list ap)
{
	cleanup_strlist struct strlist words = { 0 };
	char *line = NULL;

	if (vasprintf(&line, fmt, ap) < 0)
		die("vasprintf");
	if (is_podium) {
		strlist_addf(&words, "%s/podium", harness.build);
		strlist_add(&words, "--root");
		strlist_add(&words, harness.root);
		strlist_add(&words, "--runroot");
		strlist_add(&words, harness.runroot);
	}
	split_words(line, &words);
	return start(words.v, line, input);
}

bool job_is_running(const struct job *j)
{
	siginfo_t si = { 0 };

	return waitid(P_PID, (id_t)j->pid, &si, WEXITED | WNOHANG | WNOWAIT) == 0 && si.si_pid == 0;
}

/* A process that has ended in a container and is our child now, since its monitor was killed. */
static bool is_orphan_of_container(int64_t pid)
{
	cleanup_free char *path = xasprintf("/proc/%lld/status", (long long)pid);
	cleanup_free char *text = read_file(path);
	const char *ids = text && strstr(text, "\nState:\tZ") ? strstr(text, "\nNSpid:\t") : NULL;
	size_t here = ids ? strcspn(ids + strlen("\nNSpid:\t"), "\t\n") : 0;

	return ids && ids[strlen("\nNSpid:\t") + here] == '\t';
}

/* What init does on a host: the first process of a container cannot end before the others are reaped. */
static void reap_orphans(void)
{
	cleanup_free char *path = xasprintf("/proc/self/task/%d/children", (int)getpid());
	cleanup_free char *text = read_file(path);
	char *rest = text, *word;
	int64_t pid;

	while ((word = strsep(&rest, " ")))
		if (parse_i64(word, 1, INT32_MAX, &pid) == 0 && is_orphan_of_container(pid))
			(void)waitpid((pid_t)pid, NULL, WNOHANG);
}

static bool is_over_in(struct pollfd *p, int timeout_ms)
{
	int64_t deadline = clock_mono_ms() + timeout_ms;

	while (poll(p, 1, REAP_EACH_MS) <= 0) {
		if (clock_mono_ms() >= deadline)
			return false;
		reap_orphans();
	}
	return true;
}

struct result job_wait(struct job *j, int timeout_ms)
{
	int pidfd = (int)syscall(SYS_pidfd_open, j->pid, 0);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	struct result r = { .line = j->line };
	bool late = !is_over_in(&p, timeout_ms);
	int status = 0;

	if (late)
		(void)kill(j->pid, SIGKILL);
	if (waitpid(j->pid, &status, 0) < 0)
		die("waitpid");
	note_job(j->pid, 0);
	(void)close(pidfd);
	r.code = late ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	r.out = content_of(j->out_fd);
	r.err = content_of(j->err_fd);
	(void)close(j->out_fd);
	(void)close(j->err_fd);
	*j = (struct job){ .out_fd = -1, .err_fd = -1 };
	return r;
}

char *job_output(const struct job *j)
{
	return content_of(j->out_fd);
}

void result_done(struct result *r)
{
	free(r->out);
	free(r->err);
	free(r->line);
	*r = (struct result){ 0 };
}

#define START(is_podium, input)                                  \
	({                                                       \
		va_list ap_;                                     \
		struct job j_;                                   \
		va_start(ap_, fmt);                              \
		j_ = start_line((is_podium), (input), fmt, ap_); \
		va_end(ap_);                                     \
		j_;                                              \
	})

struct result podium(const char *fmt, ...)
{
	struct job j = START(true, NULL);

	return job_wait(&j, COMMAND_MS);
}

struct result podium_stdin(const char *input, const char *fmt, ...)
{
	struct job j = START(true, input);

	return job_wait(&j, COMMAND_MS);
}

struct result run(const char *fmt, ...)
{
	struct job j = START(false, NULL);

	return job_wait(&j, COMMAND_MS);
}

struct job job_podium(const char *fmt, ...)
{
	return START(true, NULL);
}

struct job job_run(const char *fmt, ...)
{
	return START(false, NULL);
}

/* ---- checks -------------------------------------------------------------------------------- */

static bool verdict(bool ok, int line, const char *file, char *text)
{
	if (strlen(text) > MESSAGE_MAX)
		text[MESSAGE_MAX] = '\0';
	if (!ok)
		printf("\n%s:%d: %.*s\n", file, line, MESSAGE_MAX, text);
	(void)fflush(stdout);
	if (CU_get_current_test()) /* a suite's init function has none */
		CU_assertImplementation(ok, (unsigned int)line, text, file, "", CU_FALSE);
	free(text);
	return ok;
}

bool check_at(bool ok, int line, const char *file, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		die("vasprintf");
	va_end(ap);
	return verdict(ok, line, file, text);
}

bool check_code_at(const struct result *r, int code, int line, const char *file)
{
	return verdict(r->code == code, line, file,
		       xasprintf("`%s` gave %d instead of %d\n--- stdout\n%s\n--- stderr\n%s\n---",
				 r->line, r->code, code, r->out, r->err));
}

bool check_text_at(const char *text, const char *part, bool wanted, int line, const char *file)
{
	bool has = text && strstr(text, part) != NULL;

	return verdict(has == wanted, line, file,
		       xasprintf("%s '%s' in\n%s\n---", wanted ? "no" : "there is", part,
				 text ? text : "(nothing)"));
}

/* ---- files --------------------------------------------------------------------------------- */

static char *in_work(const char *path)
{
	return *path == '/' ? xstrdup(path) : xasprintf("%s/%s", harness.work, path);
}

void write_file(const char *path, const char *fmt, ...)
{
	cleanup_free char *full = in_work(path);
	cleanup_free char *dir = xstrndup(full, (size_t)(strrchr(full, '/') - full));
	cleanup_free char *text = NULL;
	cleanup_close int dirfd = -EBADF, fd = -EBADF;
	struct error err = { 0 };
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		die("vasprintf");
	va_end(ap);
	dirfd = fs_mkdirs(AT_FDCWD, dir, 0755, &err);
	if (dirfd < 0)
		die(dir);
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || fchmod(fd, 0644) < 0 || fs_write_all(fd, text, strlen(text)) < 0)
		die(full);
}

char *read_file(const char *path)
{
	cleanup_free char *full = in_work(path);
	char *text = NULL;
	struct error err;

	return fs_read_file(AT_FDCWD, full, FILE_MAX, &text, NULL, &err) < 0 ? NULL : text;
}

bool exists(const char *fmt, ...)
{
	cleanup_free char *path = NULL;
	struct stat st;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&path, fmt, ap) < 0)
		die("vasprintf");
	va_end(ap);
	return lstat(path, &st) == 0;
}

void remove_path(const char *path)
{
	cleanup_free char *full = in_work(path);
	struct error err;

	if (fs_remove_tree(AT_FDCWD, full, &err) < 0)
		printf("\n%s\n", err.text);
}

char *testdata(const char *path)
{
	cleanup_free char *full = xasprintf("%s/../../testdata/%s", harness.build, path);
	char *text = read_file(full);

	if (!text)
		die(full);
	return text;
}

char *replaced(const char *text, const char *from, const char *to)
{
	struct buf b = BUF_INIT(FILE_MAX);
	const char *hit;

	for (; (hit = strstr(text, from)); text = hit + strlen(from)) {
		buf_add(&b, text, (size_t)(hit - text));
		buf_adds(&b, to);
	}
	buf_adds(&b, text);
	return buf_steal(&b);
}

/* ---- podium's words ------------------------------------------------------------------------ */

static char *image_mark(const char *name)
{
	return xasprintf("%s/loaded-%s", harness.root, name);
}

/* Archives are made once a work directory, also when a test uses another store. */
char *image_archive(const char *name)
{
	cleanup_free char *tar = xasprintf("%s/%s.tar", harness.work, name);
	cleanup_free char *program = strcmp(name, "payload") == 0
					     ? xasprintf("%s/tests/payload", harness.build)
					     : xstrdup("");

	if (!exists("%s", tar)) {
		cleanup_result struct result r =
			run("%s/tests/mkimage %s %s %s", harness.build, name, program, tar);

		CHECK_CODE(r, 0);
	}
	return steal_ptr(&tar);
}

bool load_image(const char *name)
{
	cleanup_free char *mark = image_mark(name);
	cleanup_free char *tar = NULL;
	cleanup_result struct result r = { 0 };

	if (exists("%s", mark))
		return true;
	tar = image_archive(name);
	r = podium("load -i %s", tar);
	if (!CHECK_CODE(r, 0))
		return false;
	write_file(mark, "yes");
	return true;
}

struct result play_text(const char *name, const char *options, const char *yaml)
{
	cleanup_free char *file = xasprintf("%s/%s.yaml", harness.work, name);

	write_file(file, "%s", yaml);
	return podium("play kube %s %s", options, file);
}

char *pod_yaml(const char *name, const char *spec, const char *container)
{
	return xasprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec:\n%s"
			 "  containers:\n  - name: c\n%s%s",
			 name, spec,
			 is_prefix(container, "    image:") ? "" : "    image: payload\n",
			 container);
}

struct result play_pod(const char *name, const char *options, const char *spec,
		       const char *container)
{
	cleanup_free char *yaml = pod_yaml(name, spec, container);

	return play_text(name, options, yaml);
}

bool remove_pod(const char *name)
{
	return MUST(0, "pod rm -f -t 0 %s", name);
}

char *ps_field(const char *container, const char *field)
{
	cleanup_result struct result r =
		podium("ps -a --no-trunc --format '{{.Names}}\t{{.%s}}'", field);
	size_t len = strlen(container);

	for (char *line = r.out; line && *line; line = strchr(line, '\n') + 1) {
		char *end = strchr(line, '\n');

		if (!end)
			break;
		if (strncmp(line, container, len) == 0 && line[len] == '\t')
			return xstrndup(line + len + 1, (size_t)(end - line) - len - 1);
	}
	return xstrdup("");
}

bool ps_begins(const char *container, const char *field, const char *prefix)
{
	cleanup_free char *value = ps_field(container, field);

	return is_prefix(value, prefix);
}

static char *without_newline(char *text)
{
	size_t len = strlen(text);

	while (len && text[len - 1] == '\n')
		text[--len] = '\0';
	return text;
}

char *inspect(const char *name, const char *format)
{
	cleanup_result struct result r = podium("inspect --format '%s' %s", format, name);

	if (r.code)
		return xasprintf("inspect failed: %s", r.err);
	return xstrdup(without_newline(r.out));
}

bool is_inspected(const char *name, const char *format, const char *value)
{
	cleanup_free char *got = inspect(name, format);

	return is_equal(got, value);
}

pid_t container_pid(const char *container)
{
	cleanup_free char *text = inspect(container, "{{.State.Pid}}");
	int64_t pid = 0;

	return parse_i64(text, 0, INT32_MAX, &pid) < 0 ? 0 : (pid_t)pid;
}

char *pod_id(const char *pod)
{
	cleanup_result struct result r = podium("pod inspect --format '{{.ID}}' %s", pod);

	return xstrdup(without_newline(r.out));
}

char *logs_of(const char *container)
{
	cleanup_result struct result r = podium("logs %s", container);

	return xasprintf("%s%s", r.out, r.err);
}

bool logs_have(const char *container, const char *part)
{
	cleanup_free char *text = logs_of(container);

	return strstr(text, part) != NULL;
}

bool is_catching(const char *container, int sig)
{
	cleanup_free char *path = xasprintf("/proc/%d/status", (int)container_pid(container));
	cleanup_free char *text = read_file(path);
	const char *line = text ? strstr(text, "\nSigCgt:") : NULL;
	uint64_t caught = 0;

	return line && sscanf(line, "\nSigCgt: %" SCNx64, &caught) == 1 &&
	       (caught >> (sig - 1) & 1);
}

bool is_in_status(const char *container, const char *prefix)
{
	return WAIT_UNTIL(ps_begins(container, "Status", prefix), DEADLINE_MS);
}

bool is_listed(const char *container)
{
	cleanup_free char *id = ps_field(container, "ID");

	return *id != '\0';
}

void remove_pods(void)
{
	cleanup_result struct result r = podium("pod rm -f -a -t 0");

	CHECK_CODE(r, 0);
}

/* ---- the supervisor ------------------------------------------------------------------------ */

static volatile pid_t tests_pid;

static void end_tests(int sig)
{
	(void)sig;
	if (tests_pid > 0)
		(void)kill(tests_pid, SIGKILL);
}

/* Before main(): the tests run in a child. When it ends, also when it is killed or the time is up,
 * everything that it has left running is ended here. */
static void __attribute__((constructor)) supervise(void)
{
	struct sigaction sa = { .sa_handler = end_tests };
	int status = 0;

	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		die("subreaper");
	groups_open();
	tests_pid = fork();
	if (tests_pid < 0)
		die("fork");
	if (tests_pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		return;
	}
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGINT, &sa, NULL);
	while (waitpid(tests_pid, &status, 0) < 0 && errno == EINTR)
		;
	kill_descendants();
	groups_end(tests_pid);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* ---- beginning and end --------------------------------------------------------------------- */

void harness_store(const char *root, const char *runroot)
{
	free(harness.root);
	free(harness.runroot);
	harness.root = root ? xstrdup(root) : xasprintf("%s/root", harness.work);
	harness.runroot = runroot ? xstrdup(runroot) : xasprintf("%s/run", harness.work);
}

void harness_fresh(const char *name)
{
	cleanup_free char *root = xasprintf("%s/%s/root", harness.work, name);
	cleanup_free char *runroot = xasprintf("%s/%s/run", harness.work, name);

	harness_store(root, runroot);
}

int harness_begin(void)
{
	cleanup_result struct result lo = { 0 };

	if (harness.root)
		return 0;
	harness.build = getenv("PODIUM_BUILD");
	harness.work = getenv("PODIUM_WORK");
	if (!harness.build || !harness.work) {
		printf("\nPODIUM_BUILD and PODIUM_WORK are not set: run this by `make "
		       "check-integration`\n");
		return 1;
	}
	/* Processes of containers with ids of their own look up paths below it. */
	if (chmod(harness.work, 0755) < 0)
		die(harness.work);
	harness_store(NULL, NULL);
	(void)umask(0022);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		die("subreaper");
	groups_begin();
	lo = run("ip link set lo up");
	return lo.code;
}

int harness_end(void)
{
	cleanup_result struct result r = { 0 };

	harness_store(NULL, NULL);
	r = podium("pod rm -f -a -t 0");
	kill_descendants();
	return 0;
}

/* ---- its processes ---------------------------------------------------------------------- */

pid_t monitor_of(const char *container)
{
	cleanup_free char *text = inspect(container, "{{.State.ConmonPid}}");
	int64_t pid = 0;

	return parse_i64(text, 1, INT32_MAX, &pid) == 0 ? (pid_t)pid : 0;
}

pid_t conductor_of(const char *pod)
{
	cleanup_free char *id = pod_id(pod);
	cleanup_free char *words =
		xasprintf("podium-monitor conductor %s %s %s", harness.root, harness.runroot, id);

	return find_process(words);
}

int count_descriptors(pid_t pid)
{
	cleanup_free char *path = xasprintf("/proc/%d/fd", (int)pid);
	cleanup_dir DIR *d = opendir(path);
	int n = 0;

	while (d && readdir(d))
		n++;
	return n;
}

void end_process(pid_t pid)
{
	if (CHECK(pid > 1, "nobody to kill"))
		(void)kill(pid, SIGKILL);
}

/* Whether the program says that there is nothing (more) to delete. */
static bool is_gone(const char *line)
{
	cleanup_result struct result r = run("%s", line);

	return r.code != 0;
}

void reboot(bool clean)
{
	(void)setenv("PODIUM_BOOT_ID", "00000000-1111-2222-3333-444444444444", 1);
	kill_descendants();
	/* The kernel's side of the network is gone with the boot. */
	(void)WAIT_UNTIL(is_gone("ip link del podium0"), DEADLINE_MS);
	(void)is_gone("nft delete table inet podium");
	(void)is_gone("conntrack -F");
	if (clean)
		remove_path(harness.runroot);
}
